"""Machines side by side: a table for each quantity, with a column for each machine and how it compares with the first."""

from collections.abc import Sequence

from harness.report.columns import SECONDS
from harness.report.ratios import ratio_of, ratio_words
from harness.report.runs import Run
from harness.report.tables import NONE, Cell, Column, Table, decimals_for, json_path, link_to, shown, unit_for, value_of

QUANTITIES = [
    Column("Time per iteration, machine by machine", SECONDS, "time"),
    Column("Time to the target, machine by machine", ("seconds_to_target",), "time"),
    Column("Rank time per position, machine by machine", ("seconds_per_position",), "time"),
    Column("Peak memory of a rank, machine by machine", ("memory_peak_bytes_max",), "bytes"),
    Column("RMSE, machine by machine", ("relative_rmse",), "percent"),
]
Grid = dict[str, dict[str, Run]]  # by label, by machine


def machine_of(run: Run) -> str:
    """A simulated machine's name, else host and processor."""
    return str(run.about("machine") or ", ".join(str(each) for each in map(run.about, ("host_name", "cpu")) if each))


def newest(runs: Sequence[Run]) -> Run:
    return max(runs, key=lambda run: str(run.about("date")))


def grid_of(runs: Sequence[Run]) -> Grid:
    """What several machines have run, of each the newest."""
    found: dict[str, dict[str, list[Run]]] = {}
    for run in runs:
        if run.why_withheld is None and machine_of(run):
            found.setdefault(run.label, {}).setdefault(machine_of(run), []).append(run)
    return {label: {name: newest(group) for name, group in each.items()} for label, each in found.items() if len(each) > 1}


def cells_of(column: Column, by_machine: dict[str, Run], machines: list[str], scale: float, decimals: int) -> list[Cell]:
    """A row: the first machine's value, then of each other its value and the ratio."""
    cells = []
    first = by_machine.get(machines[0])
    for i, name in enumerate(machines):
        run = by_machine.get(name)
        found = value_of(run, column) if run else None
        if found is None:
            cells += [Cell(NONE)] * (2 if i else 1)
            continue
        key, value = found
        cells.append(Cell(shown(value, scale, decimals), link_to(run, key), json_path(run.index, key)))
        if i:
            known = first is not None and value_of(first, column) is not None
            cells.append(Cell(ratio_words(ratio_of(run, first, column)) if known else NONE))
    return cells


def table_of(column: Column, grid: Grid, machines: list[str]) -> Table | None:
    values = [found[1] for each in grid.values() for found in (value_of(run, column) for run in each.values()) if found]
    if not values:
        return None
    scale, unit = unit_for(values, column.kind)
    decimals = decimals_for([value / scale for value in values])
    heads = [(machines[0], unit, "")]
    for name in machines[1:]:
        heads += [(name, unit, ""), (f"{name}, beside {machines[0]}", "", "95 % interval where there are samples")]
    rows = [(label, cells_of(column, by_machine, machines, scale, decimals)) for label, by_machine in grid.items()]
    return Table(column.title, heads, rows)


def side_by_side(runs: Sequence[Run]) -> list[Table]:
    """The tables of one case; none while there is one machine. Runs of different commits are noted, not hidden."""
    grid = grid_of(runs)
    shown_runs = [run for each in grid.values() for run in each.values()]
    machines = list(dict.fromkeys(map(machine_of, shown_runs)))
    tables = [table for table in (table_of(column, grid, machines) for column in QUANTITIES) if table is not None]
    commits = {str(run.about("source_commit"))[:12] for run in shown_runs}
    if len(commits) > 1:
        for table in tables:
            table.notes.append(f"Of different commits: {', '.join(sorted(commits))}.")
    return tables
