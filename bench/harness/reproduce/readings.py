"""What the tables tell when read closely: memory and time as two-parameter lines in the size of the extended tile, the paper's and ours."""

import dataclasses
import functools

import numpy as np

from harness.base.paper import CASES, ITERATIONS, METHODS, PaperRow, all_rows, efficiency, first_of, table_rows, tables
from harness.reproduce.findings import MEASURED, MODELLED, NOT_JUDGED, NOT_REPRODUCED, PAPER, REPRODUCED, Findings
from harness.reproduce.line import Line, fit
from harness.reproduce.ranks import (
    SECONDS_OF_A_DRY_RUN,
    Scope,
    measured,
    minutes_of,
    planned,
    planned_rows,
    table_steps,
)
from harness.reproduce.work import Step

MEMORY_WITHIN, MEMORY_ROWS = 0.07, 17  # "17 of the 19 rows lie within 7 %"
SUPER_LINEAR = 110.0  # percent; less is what uneven shares of positions can feign
SCATTER = 0.25  # of measured times about their line, median, beyond which they say nothing about scaling


@functools.cache
def paper_geometry_step(table: str, method: str) -> Step:
    """The dry run with the paper's halo, whose tiles its figures are read against."""
    solver = tables()["solver"]
    gpus = sorted({row.gpus for row in table_rows(table) if row.method == method})
    words = ("plan", "--case", CASES[table], "--ranks", ",".join(map(str, gpus)), "--methods", method)
    words += ("--halo-pm", str(solver[f"{method}_halo_pm"]), "--rounds", "1", "--measurements", "stream")
    return Step(f"plan-{table}-{method}-paper-halo", CASES[table], words, SECONDS_OF_A_DRY_RUN[CASES[table]] / 2, threads=1)


def steps(scope: Scope) -> list[Step]:
    """Dry runs with the paper's halos, and all that the two tables take."""
    own = [paper_geometry_step(table, method) for table in CASES for method in METHODS]
    return own + [step for table in CASES for step in table_steps(scope, table)]


@dataclasses.dataclass(frozen=True)
class Reading:
    """A line through rows, and how far each lies off it."""

    line: Line
    rows: list[PaperRow]
    residuals: np.ndarray  # relative

    def within(self, tolerance: float) -> int:
        return int(np.sum(np.abs(self.residuals) <= tolerance))

    @property
    def each(self) -> str:
        """The residual of every row."""
        parts = zip(self.rows, self.residuals, strict=True)
        return ", ".join(f"{CASES[row.table].split('-')[1]} {row.label} {100 * off:+.0f} %" for row, off in parts)


def read(rows: list[PaperRow], x: list[float], y: list[float]) -> Reading:
    line = fit(x, y)
    return Reading(line, rows, line.residuals(x, y))


def paper_plans(scope: Scope, rows: list[PaperRow]) -> list[dict]:
    """The dry runs of rows with the paper's halos."""
    found = []
    for row in rows:
        plans = planned_rows(scope.work, paper_geometry_step(row.table, row.method))
        found.append(next(plan for plan in plans if plan["ranks"] == row.gpus))
    return found


def add_line(findings: Findings, what: str, reading: Reading, reference: Line | None, units: list[tuple], evidence: str, **tags):
    """The two parameters as rows; `units` is (quantity, unit, scale) of constant and slope."""
    for name, (quantity, unit, scale) in zip(("constant", "slope"), units, strict=True):
        paper = None if reference is None else getattr(reference, name) * scale
        ours = None if evidence == PAPER else getattr(reading.line, name) * scale
        paper = getattr(reading.line, name) * scale if evidence == PAPER else paper
        findings.add(
            what,
            quantity,
            unit,
            paper=paper,
            ours=ours,
            evidence=evidence,
            why_not="refitted from the printed rows" if evidence == PAPER else "",
            residuals=list(map(float, reading.residuals)),
            **tags,
        )


MEMORY_UNITS = [("memory beside the tile", "MB", 1e-6), ("memory per voxel of the extended tile", "B", 1.0)]
TIME_UNITS = [("time per position beside the tile", "s", 1.0), ("time per position and pixel of the extended tile", "µs", 1e6)]


def read_paper(findings: Findings, scope: Scope) -> tuple[Reading, Reading]:
    """Memory and time lines of the 19 printed rows."""
    rows = [row for row in all_rows() if row.feasible]
    plans = paper_plans(scope, rows)
    voxels = [plan["extended_voxels_mean"] for plan in plans]
    memory = read(rows, voxels, [row.memory_GB * 1e9 for row in rows])
    seconds = [row.runtime_min * 60 / ITERATIONS / plan["positions_per_rank_mean"] for row, plan in zip(rows, plans, strict=True)]
    time = read(rows, [each / 100 for each in voxels], seconds)
    add_line(findings, "paper, memory", memory, None, MEMORY_UNITS, PAPER)
    add_line(findings, "paper, time", time, None, TIME_UNITS, PAPER)
    near = memory.within(MEMORY_WITHIN)
    findings.judge(
        f"{MEMORY_ROWS} of the {len(rows)} printed memories lie within {100 * MEMORY_WITHIN:g} % of a line in the extended tile's voxels",
        REPRODUCED if near >= MEMORY_ROWS else NOT_REPRODUCED,
        f"{near} of {len(rows)} rows with {memory.line.slope:.1f} B per voxel and {memory.line.constant / 1e6:.1f} MB: {memory.each}",
    )
    findings.judge(
        "the printed times follow the pixels of the extended tile, so that the transforms ran on the tile",
        REPRODUCED if time.within(0.4) >= MEMORY_ROWS else NOT_REPRODUCED,
        f"{time.within(0.36)} of {len(rows)} rows within 36 %, {time.within(0.4)} within 40 %, with {time.line.constant:.3f} s and "
        f"{1e6 * time.line.slope:.3f} us per pixel: {time.each}",
    )
    return memory, time


def read_ours(findings: Findings, scope: Scope, grid: str, memory: Reading, time: Reading) -> Reading | None:
    """The same two lines through what was measured here; gives that of time, None when too little was measured."""
    found = [m for m in (measured(scope, row, grid) for row in all_rows()) if m.feasible and "centre" in m.runs]
    if len(found) < 3:
        why = f"{len(found)} rows were measured on this grid; a line with a residual needs 3"
        findings.add(f"ours, {grid}", "memory and time per tile", "", why_not=why, grid=grid)
        return None
    rows = [m.row for m in found]
    ours = read(rows, [m.plan["extended_voxels_max"] for m in found], [m.peaks["centre"] for m in found])
    add_line(findings, f"ours, memory, {grid}", ours, memory.line, MEMORY_UNITS, MEASURED, grid=grid)
    ours = read(rows, [m.pixels for m in found], [m.seconds_per_visit for m in found])
    add_line(findings, f"ours, time, {grid}", ours, time.line, TIME_UNITS, MEASURED, grid=grid)
    return ours


def efficiencies(scope: Scope, line: Line, grid: str) -> dict[PaperRow, float]:
    """What a line makes of GD's rows, in percent; the rows with the fewest GPUs, which are 100 % by definition, left out."""

    def minutes(row: PaperRow) -> float:
        plan = planned(scope.work, row, grid)
        return minutes_of(line.at(plan["extended_voxels_max"] / 100), plan, ITERATIONS)

    rows = [row for row in all_rows() if row.method == "gd" and row != first_of(row)]
    return {row: efficiency(minutes(first_of(row)), first_of(row).gpus, minutes(row), row.gpus) for row in rows}


def judge_scaling(findings: Findings, scope: Scope, grid: str, reading: Reading | None) -> None:
    """Whether a grid shows the super-linear scaling that the paper prints of GD: the tile grid should, the window grid should not. The
    line stands for the measured times, whose single ones depend on what else the machine does."""
    super_linear = grid == "tile"
    statement = f"the {grid} grid {'scales' if super_linear else 'does not scale'} super-linearly"
    if reading is None:
        findings.judge(statement, NOT_JUDGED, "too few times were measured on this grid")
        return
    scatter = float(np.median(np.abs(reading.residuals)))
    if scatter > SCATTER:
        why = f"the measured times lie {100 * scatter:.0f} % off their line (median), beyond {100 * SCATTER:g} %: a busy machine"
        findings.judge(statement, NOT_JUDGED, f"{why}: {reading.each}", MEASURED)
        return
    ours = efficiencies(scope, reading.line, grid)
    above = sum(each > SUPER_LINEAR for each in ours.values())
    holds = above == len(ours) if super_linear else above == 0
    each = ", ".join(
        f"{CASES[r.table].split('-')[1]} {r.label} {own:.0f} % (paper {r.efficiency_percent:g} %)" for r, own in ours.items()
    )
    said = f"{above} of {len(ours)} rows of GD above {SUPER_LINEAR:g} %, compute only, by the line that times lie {100 * scatter:.0f} % off"
    findings.judge(statement, REPRODUCED if holds else NOT_REPRODUCED, f"{said} (median): {each}", MODELLED)


def find(scope: Scope) -> Findings:
    """The paper's lines, ours, and which grid explains the paper's scaling."""
    findings = Findings("readings", "Readings of Tables II and III: memory = a x voxels + b, time per position = c + d x pixels")
    memory, time = read_paper(findings, scope)
    ours = {grid: read_ours(findings, scope, grid, memory, time) for grid in scope.grids}
    for grid, reading in ours.items():
        judge_scaling(findings, scope, grid, reading)
    return findings
