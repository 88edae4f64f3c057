"""Cells of an earlier map of claims, whose runs need not be made again."""

from pathlib import Path

from harness.base import documents
from harness.base.errors import InputError
from harness.base.statistics import effect_of
from harness.reproduce.cells import FAILS, HOLDS, IMPOSSIBLE, UNDECIDED, Cell

Cells = dict[tuple[str, str], Cell]  # by the row's title, which names claim and condition, and the effect


def read(file: Path) -> Cells:
    """What a claims.json has decided, recomputed from its differences; what was not run or not judged is left out. Throws InputError for
    another file."""
    report = documents.read_report(file)
    rows = [row for row in report["benchmarks"] if row.get("item") == "claims" and "condition" in row]
    if not rows:
        raise InputError(f"--reuse: {file}: has no cell of a map; valid: a claims.json that `ptychoscale reproduce claims` wrote")
    made = made_by(report["context"])
    cells = {(row["row"], row["quantity"]): cell_of(row, row.get("taken_from") or made) for row in rows}
    return {key: cell for key, cell in cells.items() if cell is not None}


def made_by(context: dict) -> str:
    """Which run of the program a report is of."""
    return f"runs of {context['date']}, commit {context.get('source_commit', 'not recorded')[:12]}"


def cell_of(row: dict, made: str) -> Cell | None:
    if row.get("differences"):
        return Cell(row["outcome"], effect_of(row["differences"]), earlier=made) if row["outcome"] in (HOLDS, FAILS, UNDECIDED) else None
    return Cell(IMPOSSIBLE, why=row["why_not"], earlier=made) if row["outcome"] == IMPOSSIBLE else None
