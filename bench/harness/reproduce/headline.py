"""The paper's headline numbers: recomputed from its own rows, and ours."""

import dataclasses

from harness.base.paper import ITERATIONS, METHODS, PaperRow, efficiency, table_rows, tables
from harness.reproduce.findings import MODELLED, NOT_REPRODUCED, REPRODUCED, Findings
from harness.reproduce.ranks import Scope, minutes_of, planned, table_steps, times
from harness.reproduce.tables import NO_TIME
from harness.reproduce.work import Step

TABLE = "table3"
QUANTITIES = {
    "memory_reduction": ("memory per GPU, 6 GPUs over 4158", ""),
    "speedup_6_to_4158": ("speed-up from 6 to 4158 GPUs", ""),
    "efficiency_percent": ("efficiency at 4158 GPUs", "%"),
    "vs_hve_memory": ("memory per GPU at the most GPUs, HVE over GD", ""),
    "vs_hve_scalability": ("most GPUs, GD over HVE", ""),
    "vs_hve_speed": ("time at the most GPUs, HVE over GD", ""),
    "best_runtime_min": ("shortest time of 100 iterations", "min"),
}
WITH_A_DECIMAL = ("vs_hve_memory", "best_runtime_min")


@dataclasses.dataclass(frozen=True)
class Point:
    """A row that exists: GPUs, bytes, minutes."""

    gpus: int
    memory: float | None
    minutes: float | None


def ratio(a: float | None, b: float | None) -> float | None:
    return a / b if a is not None and b else None


def headline(gd: list[Point], hve: list[Point]) -> dict[str, float | None]:
    """The numbers by their keys in tables.json, from the feasible rows of each method, few GPUs first."""
    first, last, baseline = gd[0], gd[-1], hve[-1]
    timed = [point.minutes for point in gd if point.minutes is not None]
    known = first.minutes is not None and last.minutes is not None
    return {
        "memory_reduction": ratio(first.memory, last.memory),
        "speedup_6_to_4158": ratio(first.minutes, last.minutes),
        "efficiency_percent": efficiency(first.minutes, first.gpus, last.minutes, last.gpus) if known else None,
        "vs_hve_memory": ratio(baseline.memory, last.memory),
        "vs_hve_scalability": ratio(last.gpus, baseline.gpus),
        "vs_hve_speed": ratio(baseline.minutes, last.minutes),
        "best_runtime_min": min(timed) if timed else None,
    }


def of_method(rows: list[PaperRow], method: str) -> list[PaperRow]:
    return [row for row in rows if row.method == method]


def printed() -> dict[str, float | None]:
    """From the paper's rows."""
    rows = table_rows(TABLE)
    points = {
        method: [Point(row.gpus, row.memory_GB, row.runtime_min) for row in of_method(rows, method) if row.feasible]
        for method in METHODS
    }
    return headline(points["gd"], points["hve"])


def own_points(scope: Scope, grid: str, method: str) -> list[Point]:
    """Our rows: bytes planned and minutes modelled."""
    rows = table_rows(TABLE)
    known = times(scope, rows, grid)
    points = []
    for row in of_method(rows, method):
        plan = planned(scope.work, row, grid)
        if "error" not in plan:
            seconds = known.seconds.get(row)
            minutes = None if seconds is None else minutes_of(seconds, plan, ITERATIONS)
            points.append(Point(row.gpus, plan["memory_peak_bytes_max"], minutes))
    return points


def judge_printed(findings: Findings) -> None:
    """Whether the headline follows from the rows, its last digit rounded or cut."""
    stated, found = tables()["headline"], printed()
    off = [key for key, value in found.items() if abs(value - stated[key]) > (0.1 if key in WITH_A_DECIMAL else 1)]
    said = ", ".join(f"{key} {stated[key]:g} ({found[key]:.5g})" for key in stated)
    statement = "every headline number follows from the printed rows"
    findings.judge(statement, NOT_REPRODUCED if off else REPRODUCED, f"stated (from rows): {said}")
    best = min(row.runtime_min for row in table_rows(TABLE) if row.method == "hve" and row.feasible)
    gd = found["best_runtime_min"]
    slower = found["vs_hve_speed"] * gd / best
    why = (
        f"from the printed rows; the headline compares with HVE at 462 GPUs, where it is {slower:.1f} times slower than at its best"
    )
    findings.add("large", "shortest time of HVE over GD's, at any number of GPUs", "", paper=best / gd, why_not=why)


def steps(scope: Scope) -> list[Step]:
    return table_steps(scope, TABLE)


def find(scope: Scope) -> Findings:
    """The headline numbers on both grids."""
    findings = Findings("headline", "Headline numbers, large data set")
    judge_printed(findings)
    stated = tables()["headline"]
    for grid in scope.grids:
        ours = headline(own_points(scope, grid, "gd"), own_points(scope, grid, "hve"))
        for key, (quantity, unit) in QUANTITIES.items():
            timed = key not in ("memory_reduction", "vs_hve_memory", "vs_hve_scalability")
            why = (
                (NO_TIME if timed else "bytes and meshes of the dry run, patterns streamed")
                if ours[key] is not None
                else "see table3"
            )
            findings.add(
                f"large, {grid}",
                quantity,
                unit,
                paper=stated[key],
                ours=ours[key],
                evidence=MODELLED,
                why_not=why,
                source="table3.json",
                grid=grid,
            )
    return findings
