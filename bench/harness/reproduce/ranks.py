"""One rank of each of the paper's runs: planned by the dry run, then measured with its real allocations and arithmetic."""

import dataclasses
import functools
import itertools
import math

from harness.base.errors import RunError
from harness.base.paper import METHODS, PaperRow, table_rows
from harness.reproduce.earlier import Cells
from harness.reproduce.line import Line, fit
from harness.reproduce.work import SECONDS_TO_START, Step, Work, perform

GRIDS = ["window", "tile"]
REPEATS = 3  # of the centre rank, which is timed: the fastest counts, since what else a machine does only ever adds to a time
# What forecasts rest on: pixels of a wave through 100 slices and back, transform lengths to be planned, voxels to be allocated.
SECONDS_PER_PIXEL = 1.4e-6
SECONDS_TO_PLAN_PER_PIXEL_OF_LENGTH = 0.018
SECONDS_PER_VOXEL = 1e-8
SECONDS_OF_A_DRY_RUN = {"pbtio3-small": 2.0, "pbtio3-large": 9.0}


@dataclasses.dataclass(frozen=True)
class Scope:
    """What of the tables is measured."""

    work: Work
    quick: bool = False
    grids: tuple[str, ...] = tuple(GRIDS)
    earlier: Cells = dataclasses.field(default_factory=dict, compare=False)  # of the map of claims, that need no runs


@functools.cache
def plan_step(table: str, grid: str, measurements: str) -> Step:
    """The dry run of all rows of a table with our own halos."""
    rows = table_rows(table)
    gpus = sorted({row.gpus for row in rows})
    words = ("plan", "--case", rows[0].case, "--ranks", ",".join(map(str, gpus)), "--methods", ",".join(METHODS))
    words += ("--grid", grid, "--rounds", "1", "--measurements", measurements)
    return Step(f"plan-{table}-{grid}-{measurements}", rows[0].case, words, SECONDS_OF_A_DRY_RUN[rows[0].case])


def planned_rows(work: Work, step: Step) -> list[dict]:
    """The rows of a dry run. Throws RunError when it failed: without it, there is nothing to compare."""
    outcome = perform(work, step)
    if outcome.failure:
        raise RunError(f"{step.label}: {outcome.failure}")
    return outcome.rows


def planned(work: Work, row: PaperRow, grid: str, measurements: str = "stream") -> dict:
    """What the dry run says about one of the paper's rows; an error row where no decomposition exists."""
    step = plan_step(row.table, grid, measurements)
    return next(each for each in planned_rows(work, step) if (each["method"], each["ranks"]) == (row.method, row.gpus))


def places(mesh: list[int]) -> dict[str, int]:
    """Ranks at a corner, at the middle of an edge, and at the centre; of a mesh without inner tiles, those that differ."""
    rows, columns = mesh
    found = {"centre": (rows // 2) * columns + columns // 2, "edge": (rows // 2) * columns, "corner": 0}
    return {place: rank for i, (place, rank) in enumerate(found.items()) if rank not in list(found.values())[:i]}


def is_timed_quickly(row: PaperRow, grid: str) -> bool:
    """Which rows --quick measures: planning the transforms of every tile would take most of the time, so on that grid the ends of
    GD's rows and the last of HVE's."""
    feasible = [each for each in table_rows(row.table) if each.method == row.method and each.feasible]
    return grid == "window" or row == feasible[-1] or (row.method == "gd" and row == feasible[0])


def forecast(plan: dict, grid: str) -> float:
    """Expected seconds of a run that visits one position."""
    pixels = plan["extended_voxels_max"] / 100
    seconds = SECONDS_TO_START + plan["extended_voxels_max"] * SECONDS_PER_VOXEL
    if grid == "window":
        return seconds + SECONDS_PER_PIXEL * 1024**2
    return seconds + SECONDS_PER_PIXEL * pixels + SECONDS_TO_PLAN_PER_PIXEL_OF_LENGTH * 2 * math.sqrt(pixels)


def rank_step(row: PaperRow, grid: str, rank: int, seconds: float, repeat: int = 0) -> Step:
    """A run as one of the row's ranks. One visited position is enough: planning has run the transforms already."""
    words = ("reconstruct", "--case", row.case, "--as-rank", str(rank), "--of", str(row.gpus), "--positions", "1")
    words += ("--iterations", "1", "--method", row.method, "--rounds", "1", "--grid", grid)
    words += ("--measurements", "stream")
    again = f"-again-{repeat}" if repeat else ""
    return Step(f"{row.case}-{row.method}-{row.gpus}-{grid}-rank-{rank}{again}", row.case, words, seconds)


def rank_steps(scope: Scope, row: PaperRow, grid: str) -> dict[str, list[Step]]:
    """The runs of one row by the rank's place, the centre's repeated; none where the dry run finds no decomposition."""
    plan = planned(scope.work, row, grid)
    if "error" in plan or (scope.quick and not is_timed_quickly(row, grid)):
        return {}
    seconds = forecast(plan, grid)
    wanted = places(plan["mesh"])
    if scope.quick:
        return {"centre": [rank_step(row, grid, wanted["centre"], seconds)]}
    steps = {place: [rank_step(row, grid, rank, seconds)] for place, rank in wanted.items()}
    planning_done = forecast(plan, "window")
    steps["centre"] += [rank_step(row, grid, wanted["centre"], planning_done, i) for i in range(1, REPEATS)]
    return steps


def table_steps(scope: Scope, table: str) -> list[Step]:
    """All that a table takes, dry runs first."""
    steps = [plan_step(table, grid, measurements) for grid in scope.grids for measurements in ("stream", "resident")]
    for row in table_rows(table):
        for grid in scope.grids:
            steps += itertools.chain.from_iterable(rank_steps(scope, row, grid).values())
    return steps


@dataclasses.dataclass(frozen=True)
class Measured:
    """One of the paper's rows on one grid, as planned and as measured here."""

    row: PaperRow
    grid: str
    plan: dict
    runs: dict[str, list[dict]]  # rows of reports by the rank's place
    steps: list[Step]  # that made them
    failures: list[str]

    @property
    def feasible(self) -> bool:
        return "error" not in self.plan

    @property
    def seconds_per_visit(self) -> float | None:
        """Compute seconds per visited position on the centre rank, whose tile is the largest; None where it was not run."""
        return min(run["seconds_per_position"] for run in self.runs["centre"]) if "centre" in self.runs else None

    @property
    def peaks(self) -> dict[str, float]:
        """Peak bytes by the rank's place."""
        return {place: max(run["memory_peak_bytes_max"] for run in runs) for place, runs in self.runs.items()}

    @property
    def pixels(self) -> float:
        """Pixels of the largest extended tile."""
        return self.plan["extended_voxels_max"] / 100


def measured(scope: Scope, row: PaperRow, grid: str) -> Measured:
    """Gathers what is known of a row."""
    found = Measured(row, grid, planned(scope.work, row, grid), {}, [], [])
    for place, steps in rank_steps(scope, row, grid).items():
        for step in steps:
            outcome = perform(scope.work, step)
            if outcome.failure:
                found.failures.append(f"{step.label}: {outcome.failure}")
                continue
            found.runs.setdefault(place, []).append(outcome.row)
            found.steps.append(step)
    return found


@dataclasses.dataclass(frozen=True)
class Times:
    """Seconds per visited position of every row on one grid; where none was measured, from the line through those that were."""

    seconds: dict[PaperRow, float]
    is_measured: dict[PaperRow, bool]
    line: Line | None


def times(scope: Scope, rows: list[PaperRow], grid: str) -> Times:
    """Measured seconds per position, completed by c + d * pixels of the extended tile."""
    all_rows = [m for m in (measured(scope, row, grid) for row in rows) if m.feasible]
    timed = [m for m in all_rows if m.seconds_per_visit is not None]
    line = None
    if len({m.pixels for m in timed}) >= 3:
        line = fit([m.pixels for m in timed], [m.seconds_per_visit for m in timed])
    seconds = {m.row: m.seconds_per_visit for m in timed}
    for m in all_rows:
        if m.row not in seconds and line is not None:
            seconds[m.row] = line.at(m.pixels)
    return Times(seconds, {m.row: m in timed for m in all_rows}, line)


def minutes_of(seconds_per_visit: float, plan: dict, iterations: int) -> float:
    """How long the fullest rank computes."""
    return seconds_per_visit * plan["positions_per_rank_max"] * iterations / 60
