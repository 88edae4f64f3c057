"""A position's kernels beside plain copies of memory, machine by machine: what `position_benchmark` has measured."""

import re
import statistics
from collections.abc import Sequence

from harness.report.provenance import commit_words
from harness.report.sources import Document
from harness.report.tables import NONE, Cell, Table, decimals_for, grouped, json_path, shown

TITLE = "A position beside copies of memory"
NOTES = [
    "R: the time that 19 reads or writes of a wave would take at the speed of copies, over the time of a slice, forward and gradient. "
    "1 is what memory allows kernels of so many passes; what takes fewer, or stays in caches, can be above. It compares kinds of machine.",
]


def words_of(name: str) -> str:
    """`position/168/10/manual_time`, or `positions/168/10/8/...`, in words."""
    numbers = re.findall(r"\d+", name)
    at_once = f", {numbers[2]} positions at once" if len(numbers) > 2 else ""
    return f"R, {numbers[0]} × {numbers[0]} pixels, {numbers[1]} slices{at_once}"


def measured(document: Document) -> list[tuple[int, dict]]:
    """Rows of single measurements, by their place; those that failed have no numbers."""
    return [(i, row) for i, row in enumerate(document.rows) if row.get("run_type") == "iteration" and "R" in row]


def machine_of(document: Document) -> str:
    return ", ".join(document.context[key] for key in ("host_name", "backend") if document.context.get(key))


def bandwidth(document: Document) -> Cell:
    each = [row["copy_GB_per_s"] for _, row in measured(document)]
    value = statistics.median(each)
    return Cell(shown(value, 1, decimals_for([value])), document.url, f"median of {len(each)} benchmarks[].copy_GB_per_s")


def efficiencies(document: Document) -> dict[str, Cell]:
    """R of each benchmark, of those repeated the median."""
    rows: dict[str, list[tuple[int, dict]]] = {}
    for i, row in measured(document):
        rows.setdefault(row["run_name"], []).append((i, row))
    cells = {}
    for name, each in rows.items():
        value = statistics.median(row["R"] for _, row in each)
        if len(each) == 1:
            place, path = f"#/benchmarks/{each[0][0]}/R", json_path(each[0][0], "R")
        else:
            place, path = "", f"median of {len(each)} benchmarks[].R"
        cells[words_of(name)] = Cell(grouped(value, 2), document.url + place, path)
    return cells


def commit(document: Document) -> str:
    """Google Benchmark keeps words only."""
    return commit_words(document.context | {"source_dirty": document.context.get("source_dirty") == "true"})


def said(document: Document, key: str, text: str) -> Cell:
    return Cell(text or NONE, f"{document.url}#/context/{key}", f"context.{key}", numeric=False)


def beside_copies(documents: Sequence[Document]) -> Table | None:
    """A column for each file, rows for the speed of copies and every R; None without any."""
    documents = [document for document in documents if measured(document)]
    if not documents:
        return None
    found = [efficiencies(document) for document in documents]
    heads = [(machine_of(document), "", f"{document.path}; {document.context.get('cpu', '')}".rstrip("; ")) for document in documents]
    rows = [("Copies, GB/s read and written", [bandwidth(document) for document in documents])]
    everything = dict.fromkeys(words for cells in found for words in cells)
    rows += [(words, [cells.get(words, Cell(NONE)) for cells in found]) for words in everything]
    rows.append(("Commit", [said(document, "source_commit", commit(document)) for document in documents]))
    rows.append(("Evidence", [said(document, "evidence", document.context.get("evidence", "")) for document in documents]))
    return Table(TITLE, heads, rows, first="Measured", notes=NOTES)
