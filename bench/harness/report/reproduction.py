"""The paper's figures beside ours: tables of what `ptychoscale reproduce` found, and what it concludes."""

import dataclasses
import re
from pathlib import Path

from harness.report.figures import Figure, read_figure, slug
from harness.report.runs import Run
from harness.report.tables import NONE, Cell, Table, decimals_for, grouped, json_path, link_to

PASSED = "Check passed"
TITLES = {
    "claims": "What holds, and where",
    "table1": "Table I",
    "table2": "Table II",
    "table3": "Table III",
    "fig6": "Figure 6",
    "fig7a": "Figure 7a",
    "fig7b": "Figure 7b",
    "fig8": "Figure 8",
    "fig9": "Figure 9",
    "vic": "Section VI-C",
}
SETTINGS = ("grid",)  # what sets groups of rows of one quantity apart; the rows' names say the rest
PRINTED_DECIMALS = 3  # at most, of the paper's figures; longer ones were worked out from them
NUMBERS = ("paper", "ours", "ratio")
FEW = 3  # rows of a quantity, up to which it gets no table of its own


@dataclasses.dataclass(frozen=True)
class Judgement:
    """What became of one statement of the paper, or of one check of our figures."""

    outcome: str
    text: str
    explanation: str
    evidence: str
    link: str
    path: str


@dataclasses.dataclass(frozen=True)
class Item:
    """One table, figure or section of the paper."""

    title: str
    anchor: str
    tables: list[Table]
    judgements: list[Judgement]
    figures: list[Figure]

    @property
    def concluded(self) -> list[Judgement]:
        """What is to be read: all but the checks that passed."""
        return [judgement for judgement in self.judgements if judgement.outcome != PASSED]

    @property
    def passed(self) -> list[Judgement]:
        return [judgement for judgement in self.judgements if judgement.outcome == PASSED]


def is_finding(run: Run) -> bool:
    """Whether a row compares with the paper, and is no run."""
    return "item" in run.row and "quantity" in run.row


def printed_decimals(value: float) -> int:
    """Decimals of a number as it was printed."""
    return len(repr(value).partition(".")[2].rstrip("0"))


def decimals_of(key: str, value: float, values: list[float]) -> int:
    """The paper's figures and whole numbers as they are; ratios span decades, so that each has its own decimals."""
    printed = max(map(printed_decimals, values))
    if printed == 0 or (key == "paper" and printed <= PRINTED_DECIMALS):
        return printed
    return decimals_for([value] if key == "ratio" else values)


def number_cells(runs: list[Run], key: str) -> list[Cell]:
    """A column of figures of one quantity."""
    values = [run.row[key] for run in runs if run.row.get(key) is not None]
    return [
        Cell(grouped(run.row[key], decimals_of(key, run.row[key], values)), link_to(run, key), json_path(run.index, key))
        if run.row.get(key) is not None
        else Cell(NONE)
        for run in runs
    ]


def word_cells(runs: list[Run], key: str) -> list[Cell]:
    return [
        Cell(str(run.row[key]), link_to(run, key), json_path(run.index, key), numeric=False) if run.row[key] else Cell("", numeric=False)
        for run in runs
    ]


def note_cells(runs: list[Run]) -> tuple[list[Cell], list[str]]:
    """References to the reasons, which rows share, and the reasons."""
    notes = list(dict.fromkeys(run.row["why_not"] for run in runs if run.row["why_not"]))
    cells = [
        Cell(str(notes.index(why) + 1), link_to(run, "why_not"), json_path(run.index, "why_not"), numeric=False)
        if (why := run.row["why_not"])
        else Cell("", numeric=False)
        for run in runs
    ]
    return cells, notes


def tags_of(run: Run) -> list[str]:
    """What sets groups of rows of one quantity apart, in words."""
    return [f"{key} {run.row[key]}" for key in SETTINGS if key in run.row]


def title_of(run: Run) -> str:
    """The quantity of a row, and of what."""
    return ", ".join([run.row["quantity"][:1].upper() + run.row["quantity"][1:], *tags_of(run)])


def table_of(title: str, groups: list[list[Run]]) -> Table:
    """Paper, ours, ratio, evidence and reason of one quantity, or of several with few rows each."""
    runs = [run for group in groups for run in group]
    columns = [[cell for group in groups for cell in number_cells(group, key)] for key in NUMBERS]
    unit = runs[0].row["unit"] if len(groups) == 1 else ""
    heads = [("Paper", unit, ""), ("Ours", unit, ""), ("Ours / paper", "", "")]
    if len(groups) > 1:
        columns = [[Cell(title_of(run), numeric=False) for run in runs], *columns, word_cells(runs, "unit")]
        heads = [("Quantity", "", ""), *heads, ("Unit", "", "")]
    columns.append(word_cells(runs, "evidence"))
    heads.append(("Evidence of ours", "", ""))
    notes_column, notes = note_cells(runs)
    if notes:
        columns.append(notes_column)
        heads.append(("Note", "", ""))
    rows = [(str(run.row["row"]), [column[i] for column in columns]) for i, run in enumerate(runs)]
    return Table(title, heads, rows, "Row", notes, "paper")


def tables_of(runs: list[Run]) -> list[Table]:
    """One table for each quantity and for each setting it was found in, or one for all where each has few rows."""
    groups: dict[tuple, list[Run]] = {}
    for run in runs:
        groups.setdefault((run.document.path, *tags_of(run), run.row["quantity"], run.row["unit"]), []).append(run)
    if len(groups) > 1 and max(map(len, groups.values())) <= FEW:
        return [table_of("Figures", list(groups.values()))]
    return [table_of(title_of(group[0]), [group]) for group in groups.values()]


def judgement_of(run: Run) -> Judgement:
    row = run.row
    outcome = row["verdict"] if "verdict" in row else f"check {'passed' if row['passed'] else 'failed'}"
    path = f"benchmarks[{run.index}]"
    return Judgement(outcome.capitalize(), row["row"], row["explanation"], row["evidence"], link_to(run), path)


def figures_of(title: str, name: str, runs: list[Run], folder: Path) -> list[Figure]:
    """The figures that `reproduce` has drawn of an item: they lie in figures/ beside its report, under its name."""
    reports = dict.fromkeys(folder / run.document.path for run in runs)
    drawings = [path for report in reports for path in sorted((report.parent / "figures").glob(f"{name}*.svg"))]
    own = [path for path in drawings if re.fullmatch(rf"{name}([^0-9a-z].*)?", path.stem)]
    return [read_figure(path, title) for path in own]


def make_items(runs: list[Run], folder: Path) -> list[Item]:
    """What was found of the paper, in the paper's order."""
    names = list(dict.fromkeys(run.row["item"] for run in runs))
    names.sort(key=lambda name: list(TITLES).index(name) if name in TITLES else len(TITLES))
    items = []
    for name in names:
        own = [run for run in runs if run.row["item"] == name]
        title = TITLES.get(name, name.capitalize())
        tables = tables_of([run for run in own if "paper" in run.row])
        judgements = [judgement_of(run) for run in own if "verdict" in run.row or "passed" in run.row]
        items.append(Item(title, f"paper-{slug(name)}", tables, judgements, figures_of(title, name, own, folder)))
    return items
