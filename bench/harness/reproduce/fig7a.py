"""Fig. 7a: strong scaling, of the paper's data sets as their ranks were measured one by one, and of a small case on real ranks."""

from harness.base.paper import CASES, ITERATIONS, METHODS, first_of, table_rows
from harness.base.statistics import summarise
from harness.reproduce.ci_case import in_rounds, machine_words, reconstruction, trusted
from harness.reproduce.findings import MEASURED, MODELLED, PAPER, Findings
from harness.reproduce.ranks import Scope, minutes_of, planned, table_steps, times
from harness.reproduce.tables import FROM_LINE, NO_TIME
from harness.reproduce.work import Step, sources

RANKS = [1, 2, 4]
REAL_ITERATIONS = 10


def repeats(scope: Scope, method: str, ranks: int) -> list[Step]:
    """Runs of the small case."""
    count = 1 if scope.quick else 3
    return [
        reconstruction(f"scaling-{method}-{ranks}-{i}", method, ranks=ranks, iterations=REAL_ITERATIONS, threads=1)
        for i in range(count)
    ]


def points() -> list[tuple[str, int]]:
    return [(method, ranks) for method in METHODS for ranks in RANKS]


def steps(scope: Scope) -> list[Step]:
    """All that the tables take, and the small case on 1, 2 and 4 ranks."""
    real = in_rounds([repeats(scope, *point) for point in points()])
    return [step for table in CASES for step in table_steps(scope, table)] + real


Curves = dict[str, dict[str, dict[int, float]]]  # minutes by method, evidence and GPUs


def curves_of(scope: Scope, table: str, grid: str) -> Curves:
    """Minutes of the paper, and ours where they are known."""
    known = times(scope, table_rows(table), grid)
    curves: Curves = {method: {PAPER: {}, MODELLED: {}} for method in METHODS}
    for row in table_rows(table):
        if row.feasible:
            curves[row.method][PAPER][row.gpus] = row.runtime_min
        if row in known.seconds:
            curves[row.method][MODELLED][row.gpus] = minutes_of(known.seconds[row], planned(scope.work, row, grid), ITERATIONS)
    return curves


def add_curves(findings: Findings, scope: Scope, curves: Curves, table: str, grid: str) -> None:
    """Speed-ups of a table's rows."""
    known = times(scope, table_rows(table), grid)
    for row in table_rows(table):
        start = first_of(row)
        printed, mine = curves[row.method][PAPER], curves[row.method][MODELLED]
        if row.gpus not in printed and row.gpus not in mine:
            continue
        ours = mine[start.gpus] / mine[row.gpus] if {start.gpus, row.gpus} <= mine.keys() else None
        why = NO_TIME if known.is_measured.get(row) else f"{FROM_LINE}; {NO_TIME}"
        findings.add(
            f"{row.case.split('-')[1]} {row.label}, {grid}",
            "speed-up over 6 GPUs",
            "",
            paper=printed[start.gpus] / printed[row.gpus] if row.feasible else None,
            ours=ours,
            evidence=MODELLED,
            why_not=why if ours is not None else "not known; see the table",
            source=f"{table}.json",
            data_set=row.case,
            grid=grid,
            method=row.method,
            ranks=row.gpus,
        )


def draw(curves: Curves, table: str, grid: str) -> dict[str, dict[str, bytes]]:
    """Minutes over GPUs, both logarithmic, with the slope of perfect scaling."""
    from harness.report import drawing

    figure, axes = drawing.new_figure(3.4)
    for method, by_evidence in curves.items():
        for evidence, minutes in by_evidence.items():
            label = f"{drawing.METHOD_ABBREVIATIONS[method]}, {'ours, compute only' if evidence == MODELLED else evidence}"
            axes.plot(
                minutes.keys(),
                minutes.values(),
                color=drawing.METHOD_COLOURS[method],
                label=label,
                **drawing.EVIDENCE_STYLES[evidence],
            )
    printed = curves["gd"][PAPER]
    first = min(printed)
    ideal = [printed[first] * first / gpus for gpus in printed]
    axes.plot(printed.keys(), ideal, color="#c8c8c8", linewidth=1, label="perfect scaling of the paper's first row")
    axes.set(xscale="log", yscale="log", xlabel="GPUs, or ranks", ylabel="minutes for 100 iterations")
    axes.grid(True)
    drawing.add_legend(figure, axes)
    return {f"fig7a-{CASES[table]}-{grid}": drawing.encode(figure, f"Strong scaling of {CASES[table]}, {grid} grid")}


def add_real(findings: Findings, scope: Scope) -> None:
    """Seconds per iteration of the small case on real ranks, and how much faster than one rank."""
    for method in METHODS:
        base = None
        for ranks in RANKS:
            runs = repeats(scope, method, ranks)
            outcomes, why = trusted(scope.work, runs)
            findings.check(f"ci, {method} on {ranks}: verified", not why, why or "the cost fell")
            tags = {"data_set": "ci", "method": method, "ranks": ranks, "source": sources(scope.work, runs)}
            median = summarise([outcome.row["seconds_per_iteration"] for outcome in outcomes]).median if outcomes else None
            base = median if ranks == 1 else base
            note = why or machine_words(ranks)
            speed_up = base / median if base and median else None
            for quantity, unit, value in (("time per iteration", "s", median), ("speed-up over 1 rank", "", speed_up)):
                findings.add(f"ci, {method.upper()} {ranks}", quantity, unit, ours=value, evidence=MEASURED, why_not=note, **tags)


def find(scope: Scope) -> Findings:
    """Scaling of the paper, as modelled, and as measured."""
    findings = Findings("fig7a", "Fig. 7a, strong scaling")
    for table in CASES:
        for grid in scope.grids:
            curves = curves_of(scope, table, grid)
            add_curves(findings, scope, curves, table, grid)
            findings.figures |= draw(curves, table, grid)
    add_real(findings, scope)
    return findings
