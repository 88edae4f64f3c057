"""What several commits took on one machine, beside the first of them, with the limits that the gate sets."""

import dataclasses
from collections.abc import Sequence

from harness.base.limits import PARALLEL_LIMIT, SERIAL_LIMIT
from harness.report.columns import SECONDS
from harness.report.drawing import EVIDENCE_STYLES, MARKERS, METHOD_COLOURS, OTHER_COLOUR, add_legend, encode, new_figure
from harness.report.figures import Figure, slug
from harness.report.machines import machine_of, newest
from harness.report.ratios import ratio_of, ratio_words
from harness.report.runs import Run
from harness.report.tables import NONE, Cell, Column, Table, decimals_for, json_path, link_to, shown, unit_for, value_of

# Times of one machine compare while these stay what they are; the gate asks for the same.
SAME = ("num_cpus", "compiler", "flags", "library_build_type", "backend")
PACE = Column("Pace", ("pace",), hint="of serial in bare transforms, of others in times serial")
TIME = Column("Time per iteration", SECONDS, "time")
OTHERS = [Column("Peak memory of a rank", ("memory_peak_bytes_max",), "bytes"), Column("RMSE", ("relative_rmse",), "percent")]

NOTE = "Beside the first commit; bars are 95 % intervals. The gate refuses a pace that lies beyond its limit with all of its bar."

Commit = tuple[str, bool]  # hash, with changes
Lines = dict[str, dict[Commit, Run]]  # by label


@dataclasses.dataclass(frozen=True)
class History:
    """One machine's."""

    machine: str
    tables: list[Table]
    figures: list[Figure]


def commit_of(run: Run) -> Commit:
    return str(run.about("source_commit")), bool(run.about("source_dirty"))


def commit_words(commit: Commit) -> str:
    return commit[0][:9] + (" with changes" if commit[1] else "")


def limit_of(run: Run) -> float:
    return SERIAL_LIMIT if run.method == "serial" else PARALLEL_LIMIT


def lines_of(runs: Sequence[Run]) -> Lines:
    """Of each label the newest run of every commit; labels that only one commit has run tell nothing."""
    found: dict[str, dict[Commit, list[Run]]] = {}
    for run in runs:
        found.setdefault(run.label, {}).setdefault(commit_of(run), []).append(run)
    return {label: {commit: newest(group) for commit, group in each.items()} for label, each in found.items() if len(each) > 1}


def in_order(lines: Lines) -> list[Commit]:
    """The commits, by when they were first run."""
    first: dict[Commit, str] = {}
    for each in lines.values():
        for commit, run in each.items():
            date = str(run.about("date"))
            first[commit] = min(first.get(commit, date), date)
    return sorted(first, key=lambda commit: (first[commit], commit))


def words_beside(run: Run, first: Run, column: Column) -> str:
    """The ratio in words, and whether the gate would have refused it."""
    ratio = ratio_of(run, first, column)
    refused = column is PACE and ratio and ratio[1] and ratio[1][0] > 1 + limit_of(run)
    return ratio_words(ratio) + (", beyond the gate's limit" if refused else "")


def having(column: Column, lines: Lines) -> Lines:
    """The lines of those runs that have a quantity."""
    found = {label: {commit: run for commit, run in each.items() if value_of(run, column)} for label, each in lines.items()}
    return {label: each for label, each in found.items() if len(each) > 1}


def cells_of(column: Column, run: Run | None, first: Run, scale: float, decimals: int) -> list[Cell]:
    """A run's value and, but for the first, how it compares with that."""
    if run is None:
        return [Cell(NONE), Cell(NONE)]
    key, value = value_of(run, column)
    compared = NONE if run is first else words_beside(run, first, column)
    return [Cell(shown(value, scale, decimals), link_to(run, key), json_path(run.index, key)), Cell(compared)]


def table_of(column: Column, lines: Lines, commits: list[Commit]) -> Table:
    """A row for each commit, two columns for each label."""
    values = [value_of(run, column)[1] for each in lines.values() for run in each.values()]
    scale, unit = unit_for(values, column.kind)
    decimals = decimals_for([value / scale for value in values])
    heads, rows = [], [(commit_words(commit), []) for commit in commits]
    for label, each in lines.items():
        heads += [(label, unit, column.hint), (f"{label}, beside the first", "", "95 % interval where there are samples")]
        first = next(each[commit] for commit in commits if commit in each)
        for (_, cells), commit in zip(rows, commits, strict=True):
            cells += cells_of(column, each.get(commit), first, scale, decimals)
    return Table(f"{column.title}, commit by commit", heads, rows, first="Commit")


def draw_line(axes, nth: int, label: str, line: list[tuple[int, Run]], column: Column) -> None:
    """One label's times beside its first, at the places of their commits, with bars where there are intervals."""
    first = line[0][1]
    ratios = [ratio_of(run, first, column) for _, run in line]
    bars = [[ratio - interval[0], interval[1] - ratio] if interval else [0, 0] for ratio, interval in ratios]
    colour = METHOD_COLOURS.get(first.method, OTHER_COLOUR)
    style = EVIDENCE_STYLES[first.evidence] | {"marker": MARKERS[nth % len(MARKERS)], "color": colour}
    places, times = [at for at, _ in line], [ratio for ratio, _ in ratios]
    axes.errorbar(places, times, yerr=list(zip(*bars, strict=True)), label=label, capsize=2, elinewidth=0.8, zorder=3 + nth, **style)


def draw(column: Column, lines: Lines, commits: list[Commit]):
    """Times beside the first commit's, a line for each label, and where the gate's limits are when that one is the baseline."""
    figure, axes = new_figure(2.9)
    limits: dict[float, str] = {}
    for nth, (label, each) in enumerate(lines.items()):
        line = [(at, each[commit]) for at, commit in enumerate(commits) if commit in each]
        draw_line(axes, nth, label, line, column)
        limits[1 + limit_of(line[0][1])] = "serial" if line[0][1].method == "serial" else "parallel"
    for limit, kind in sorted(limits.items()):
        axes.axhline(limit, color="black", linewidth=0.7, linestyle=":" if kind == "serial" else "-.", label=f"gate's limit, {kind}")
    axes.set_xticks(range(len(commits)), map(commit_words, commits), rotation=30, ha="right", fontsize=7)
    axes.set(ylabel=f"{column.title.lower()}, beside the first", ylim=(0, None))
    axes.grid(True, axis="y")
    add_legend(figure, axes)
    return figure


def figure_of(column: Column, lines: Lines, commits: list[Commit], case: str, machine: str) -> Figure:
    title = f"{column.title}, commit by commit"
    files = encode(draw(column, lines, commits), f"{case}: {title}, {machine}")
    return Figure(f"{slug(case)}-history-{slug(machine)}-{slug(column.title)}", title, NOTE, f"{case} on {machine}", files)


def history_of(case: str, machine: str, lines: Lines) -> History:
    """One machine's tables, and figures of its times."""
    commits = in_order(lines)
    found = {column: having(column, lines) for column in (PACE, TIME, *OTHERS)}
    tables = [table_of(column, each, commits) for column, each in found.items() if each]
    figures = [figure_of(column, found[column], commits, case, machine) for column in (PACE, TIME) if found[column]]
    return History(machine, tables, figures)


def histories(case: str, runs: Sequence[Run]) -> list[History]:
    """Of every machine that has run a case at several commits with the same compiler, flags and backend."""
    groups: dict[tuple, list[Run]] = {}
    for run in runs:
        if run.why_withheld is None and run.evidence == "measured" and machine_of(run) and run.about("source_commit"):
            groups.setdefault((machine_of(run), *(run.about(key) for key in SAME)), []).append(run)
    found = []
    for (machine, _, compiler, *_), group in groups.items():
        lines = lines_of(group)
        if lines:
            found.append(history_of(case, f"{machine}, {compiler}", lines))
    return found
