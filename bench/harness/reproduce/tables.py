"""Tables II and III: memory per GPU, minutes for 100 iterations, efficiency and seconds per position, on both grids."""

import functools

from harness.base.paper import ITERATIONS, PaperRow, efficiency, first_of, table_rows
from harness.reproduce.findings import MEASURED, MODELLED, Findings
from harness.reproduce.memory import add_memory, check_memory
from harness.reproduce.ranks import Measured, Scope, Times, measured, minutes_of, plan_step, planned, times
from harness.reproduce.work import source, sources

TITLES = {
    "table2": "Table II, the small data set: 63 x 66 positions, 1536 x 1536 x 100 voxels",
    "table3": "Table III, the large data set: 126 x 132 positions, 3072 x 3072 x 100 voxels",
}
ROUNDING = 0.5  # of a printed percentage, beside what the digits of the printed minutes leave open
NO_TIME = "compute only: measured seconds per position x positions of the fullest rank x 100; nobody waits, nothing is sent on one machine"
FROM_LINE = "seconds per position from c + d x extended pixels through the rows that --quick measures"


def paper_seconds_per_position(row: PaperRow, plan: dict) -> float | None:
    """Seconds of one GPU per position and iteration: the printed minutes over the mean number of positions, those that HVE repeats
    included; None for NA."""
    return row.runtime_min * 60 / ITERATIONS / plan["positions_per_rank_mean"] if row.feasible else None


def add_missing(add, m: Measured) -> None:
    """A row without a decomposition: ours beside the paper's NA."""
    theirs = "a figure" if m.row.feasible else "NA, tile smaller than the halo"
    for quantity, unit in (("memory per GPU", "GB"), ("time of 100 iterations", "min"), ("efficiency", "%")):
        add(quantity, unit, evidence=MODELLED, why_not=f"NA here: {m.plan['error']}; the paper: {theirs}")


def add_times(add, m: Measured, known: Times, first: dict) -> None:
    """Seconds per position, minutes and efficiency; `first` is the plan of the row with the fewest GPUs."""
    seconds, first_seconds = known.seconds.get(m.row), known.seconds.get(first_of(m.row))
    is_measured = known.is_measured.get(m.row, False)
    unknown = "; ".join(m.failures) or "too few rows were measured on this grid"
    derived = NO_TIME if is_measured else f"{FROM_LINE}; {NO_TIME}"
    ours = None if seconds is None else minutes_of(seconds, m.plan, ITERATIONS)
    scaling = None
    if ours is not None and first_seconds is not None:
        scaling = efficiency(minutes_of(first_seconds, first, ITERATIONS), first["ranks"], ours, m.row.gpus)
    why = unknown if seconds is None else "" if is_measured else FROM_LINE
    printed = paper_seconds_per_position(m.row, m.plan)
    add("time per position", "s", paper=printed, ours=seconds, evidence=MEASURED if is_measured else MODELLED, why_not=why)
    why = unknown if ours is None else derived
    add("time of 100 iterations", "min", paper=m.row.runtime_min, ours=ours, evidence=MODELLED, why_not=why)
    why = unknown if scaling is None else derived
    add("efficiency", "%", paper=m.row.efficiency_percent, ours=scaling, evidence=MODELLED, why_not=why)


def printed_efficiency_bounds(row: PaperRow) -> tuple[float, float]:
    """What efficiencies the printed minutes allow, given that they and the percentage are rounded."""
    start = first_of(row)
    half = 0.05  # a printed runtime has one decimal
    low = efficiency(start.runtime_min - half, start.gpus, row.runtime_min + half, row.gpus)
    high = efficiency(start.runtime_min + half, start.gpus, row.runtime_min - half, row.gpus)
    return low - ROUNDING, high + ROUNDING


def judge_printed(findings: Findings, table: str) -> None:
    """Whether every printed percentage follows from the printed minutes."""
    off = []
    rows = [row for row in table_rows(table) if row.feasible]
    for row in rows:
        low, high = printed_efficiency_bounds(row)
        if not low <= row.efficiency_percent <= high:
            off.append(f"{row.label}: {row.efficiency_percent:g} % printed, {low:.1f} to {high:.1f} % from the minutes")
    findings.judge(
        "every printed efficiency follows from the printed minutes",
        "not reproduced" if off else "reproduced",
        "; ".join(off) or f"all {len(rows)} rows, T_6 x 6 / (T_K x K) within the rounding of what is printed",
    )


def judge_limits(findings: Findings, scope: Scope, table: str) -> None:
    """Whether the rows that the paper marks NA are those without a decomposition, and no others."""
    rows = table_rows(table)
    plans = {row: planned(scope.work, row, scope.grids[0]) for row in rows}
    differing = [row.label for row in rows if row.feasible == ("error" in plans[row])]
    missing = [f"{row.label}: {plans[row]['error']}" for row in rows if "error" in plans[row]]
    findings.judge(
        "the rows that have no decomposition",
        "not reproduced" if differing else "reproduced",
        f"different: {', '.join(differing)}" if differing else "; ".join(missing) or "every row printed has one here, too",
        MODELLED,
        source(scope.work, plan_step(table, scope.grids[0], "stream")),
    )


def add_row(findings: Findings, scope: Scope, row: PaperRow, grid: str, known: Times) -> None:
    """One row of the paper on one grid."""
    m = measured(scope, row, grid)
    runs = sources(scope.work, m.steps)
    plans = {kind: source(scope.work, plan_step(row.table, grid, kind)) for kind in ("stream", "resident")}
    label = f"{row.label}, {grid}"
    add = functools.partial(findings.add, label, grid=grid, method=row.method, ranks=row.gpus)
    if not m.feasible:
        add_missing(functools.partial(add, source=plans["stream"]), m)
        return
    add_memory(add, m, planned(scope.work, row, grid, "resident"), runs, plans)
    add_times(functools.partial(add, source=runs or plans["stream"]), m, known, planned(scope.work, first_of(row), grid))
    check_memory(findings, m, label, runs)


def find(scope: Scope, table: str) -> Findings:
    """Everything the table prints, ours beside it."""
    findings = Findings(table, TITLES[table])
    rows = table_rows(table)
    for grid in scope.grids:
        known = times(scope, rows, grid)
        for row in rows:
            add_row(findings, scope, row, grid, known)
    judge_printed(findings, table)
    judge_limits(findings, scope, table)
    return findings
