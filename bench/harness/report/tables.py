"""Tables of runs: one row per run, columns of one unit and as many decimals, each number linked to where it comes from."""

import csv
import dataclasses
import io
import math
from collections.abc import Sequence

from harness.report.runs import Run

TIME_UNITS = [(1.0, "s"), (1e-3, "ms"), (1e-6, "µs")]
BYTE_UNITS = [(1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB"), (1.0, "B")]
UNITS = {"time": TIME_UNITS, "bytes": BYTE_UNITS, "percent": [(0.01, "%")], "number": [(1.0, "")], "angstrom": [(1.0, "Å")]}
SIGNIFICANT = 4  # digits of a column's largest value
NONE = "–"
NARROW_SPACE = "\u202f"


@dataclasses.dataclass(frozen=True)
class Column:
    """A quantity: the first of `keys` that a row has is shown."""

    title: str
    keys: tuple[str, ...]
    kind: str = "number"  # of UNITS, or "count", "text", "interval"
    unit_of: str = "time"  # of an interval's ends
    hint: str = ""
    group: str = ""  # columns of one kind and group share a unit


@dataclasses.dataclass(frozen=True)
class Cell:
    """What a table shows of one value, and where that comes from."""

    text: str
    link: str = ""
    path: str = ""  # in the JSON, for example benchmarks[2].cost
    numeric: bool = True


@dataclasses.dataclass(frozen=True)
class Table:
    title: str
    heads: list[tuple[str, str, str]]  # title, unit, hint
    rows: list[tuple[str, list[Cell]]]
    first: str = "Run"  # heading of the rows' names
    notes: list[str] = dataclasses.field(default_factory=list)  # numbered from 1
    kind: str = ""  # of its style

    @property
    def text_columns(self) -> list[bool]:
        """Which columns hold words."""
        return [all(not cells[i].numeric for _, cells in self.rows) for i in range(len(self.heads))]


def csv_of(table: Table) -> bytes:
    """A table for other programs: its numbers as they are shown, in plain digits, units in the heads."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow([table.first, *(f"{title}, {unit}" if unit else title for title, unit, _ in table.heads)])
    for label, cells in table.rows:
        rows.writerow([label, *("" if cell.text == NONE else cell.text.replace(NARROW_SPACE, "").replace("−", "-") for cell in cells)])
    return text.getvalue().encode()


def json_path(index: int, key: str) -> str:
    return f"benchmarks[{index}].{key}"


def link_to(run: Run, key: str = "") -> str:
    """Address of a value: the page's copy of the report and the place inside as JSON Pointer (RFC 6901) has it."""
    return f"{run.document.url}#/benchmarks/{run.index}" + (f"/{key}" if key else "")


def unit_for(values: Sequence[float], kind: str) -> tuple[float, str]:
    """The largest unit in which the largest value is 1 or more."""
    units = UNITS[kind]
    largest = max((abs(value) for value in values), default=0.0)
    return next((unit for unit in units if largest >= unit[0]), units[-1] if largest > 0 else units[0])


def decimals_for(values: Sequence[float]) -> int:
    """Decimals that show SIGNIFICANT digits of the largest value, 3 of those down to a hundredth of it and 2 down to a
    thousandth; what is smaller is a trifle beside it."""
    sizes = [abs(value) for value in values if value != 0]
    if not sizes:
        return 0
    largest = max(sizes)
    digits = [(SIGNIFICANT, largest)]
    digits += [(3 if size >= largest / 100 else 2, size) for size in sizes if size >= largest / 1000]
    return max(0, *(count - 1 - math.floor(math.log10(size)) for count, size in digits))


def grouped(value: float, decimals: int) -> str:
    """A number with narrow spaces between thousands and a true minus sign."""
    text = f"{value:,.{decimals}f}".replace(",", NARROW_SPACE)
    return text.replace("-", "−")


def shown(value: float, scale: float, decimals: int) -> str:
    """A value in its column's unit; what would round to nothing is said to be small, not to be zero."""
    scaled = value / scale
    if value == 0:
        return "0"
    if abs(scaled) < 0.5 * 10.0**-decimals:
        return f"< {10.0**-decimals:.{decimals}f}"
    return grouped(scaled, decimals)


def value_of(run: Run, column: Column) -> tuple[str, object] | None:
    """The key and the value that a run has for a column; None for none or null."""
    return next(((key, run.row[key]) for key in column.keys if run.row.get(key) is not None), None)


def ends(column: Column, value: object) -> list[float]:
    """The numbers in a value."""
    if column.kind == "text":
        return []
    return list(value) if column.kind == "interval" else [value]


def text_of(column: Column, value: object, scale: float, decimals: int) -> str:
    if column.kind == "text":
        return {True: "yes", False: "no"}.get(value, str(value)) if isinstance(value, bool) else str(value)
    if column.kind == "count":
        return grouped(value, 0)
    return " – ".join(shown(each, scale, decimals) for each in ends(column, value))


def unit_kind(column: Column) -> tuple[str, str] | None:
    """What columns must have in common to share a unit; None for those without."""
    if column.kind in ("text", "count"):
        return None
    return column.unit_of if column.kind == "interval" else column.kind, column.group


Found = list[tuple[str, object] | None]  # key and value of each run


def shared_units(columns: Sequence[tuple[Column, Found]]) -> dict:
    """The unit of each kind of column, by the largest value."""
    values: dict[tuple[str, str], list[float]] = {}
    for column, found in columns:
        if unit_kind(column) is not None:
            values.setdefault(unit_kind(column), []).extend(end for each in found if each for end in ends(column, each[1]))
    return {kind: unit_for(each, kind[0]) for kind, each in values.items()}


def make_cells(column: Column, found: Found, runs: Sequence[Run], scale: float) -> list[Cell]:
    """A column's cells, all with as many decimals."""
    decimals = decimals_for([end / scale for each in found if each for end in ends(column, each[1])])
    numeric = column.kind != "text"
    cells = []
    for run, each in zip(runs, found, strict=True):
        if each is None:
            cells.append(Cell(NONE, numeric=numeric))
        else:
            key, value = each
            cells.append(Cell(text_of(column, value, scale, decimals), link_to(run, key), json_path(run.index, key), numeric))
    return cells


def make_table(title: str, columns: Sequence[Column], runs: Sequence[Run]) -> Table | None:
    """A table of those columns that any run has; None without any. The runs are ones whose figures may be shown."""
    found = [(column, [value_of(run, column) for run in runs]) for column in columns]
    found = [(column, values) for column, values in found if any(value is not None for value in values)]
    if not found:
        return None
    units = shared_units(found)
    chosen = [units.get(unit_kind(column), (1.0, "")) for column, _ in found]
    made = [make_cells(column, values, runs, scale) for (column, values), (scale, _) in zip(found, chosen, strict=True)]
    heads = [(column.title, unit, column.hint) for (column, _), (_, unit) in zip(found, chosen, strict=True)]
    return Table(title, heads, [(run.label, [cells[i] for cells in made]) for i, run in enumerate(runs)])


def remarks(runs: Sequence[Run]) -> Table | None:
    """What a reader of the figures must know of the runs that show them; None for nothing."""
    rows = [
        (run.label, [Cell(text, link_to(run, f"remarks/{i}"), json_path(run.index, f"remarks[{i}]"), numeric=False)])
        for run in runs
        for i, text in enumerate(run.row.get("remarks", []))
    ]
    return Table("What disturbed the runs, or sets them apart", [("Remark", "", "")], rows, kind="reasons") if rows else None


def modes(runs: Sequence[Run]) -> Table | None:
    """Each mode's part of the probe's power, of runs with several modes; None without any."""
    key = "probe_mode_powers"
    several = [run for run in runs if run.row.get(key)]
    most = max((len(run.row[key]) for run in several), default=0)
    rows = []
    for run in several:
        cells = [
            Cell(f"{100 * part:.2f}", link_to(run, f"{key}/{i}"), json_path(run.index, f"{key}[{i}]"))
            for i, part in enumerate(run.row[key])
        ]
        rows.append((run.label, cells + [Cell(NONE)] * (most - len(cells))))
    return Table("Power of the probe's modes", [(f"Mode {i + 1}", "%", "") for i in range(most)], rows) if rows else None


def reasons(runs: Sequence[Run]) -> Table | None:
    """Why runs show no figures, those of one name and reason together; None when all show theirs."""
    groups: dict[tuple[str, str], list[Run]] = {}
    for run in runs:
        if run.why_withheld is not None:
            groups.setdefault((run.label, run.why_withheld), []).append(run)
    if not groups:
        return None
    rows = []
    for (label, why), group in groups.items():
        of = f" ({len(group)} rows)" if len(group) > 1 else ""
        rows.append((label, [Cell(why + of, link_to(group[0]), f"benchmarks[{group[0].index}]", numeric=False)]))
    return Table("Runs without figures", [("Why", "", "")], rows, kind="reasons")
