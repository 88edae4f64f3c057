"""What the paper prints, row by row."""

import dataclasses
import functools
import json

from harness.base.tree import ROOT

TABLES = ROOT / "validation" / "reproduce" / "tables.json"
KEYS = {"table2": "table_II_small", "table3": "table_III_large"}
CASES = {"table2": "pbtio3-small", "table3": "pbtio3-large"}
METHODS = ["gd", "hve"]
ITERATIONS = 100  # that a printed runtime is of


@dataclasses.dataclass(frozen=True)
class PaperRow:
    """One row of Table II or III; what the paper marks NA is None."""

    table: str
    method: str
    gpus: int
    memory_GB: float | None
    runtime_min: float | None
    efficiency_percent: float | None

    @property
    def case(self) -> str:
        return CASES[self.table]

    @property
    def feasible(self) -> bool:
        return self.runtime_min is not None

    @property
    def label(self) -> str:
        return f"{self.method.upper()} {self.gpus}"


@functools.cache
def tables() -> dict:
    """All published numbers."""
    return json.loads(TABLES.read_text(encoding="utf-8"))


def table_rows(table: str) -> list[PaperRow]:
    """The rows of "table2" or "table3", as printed: GD first, few GPUs first."""
    columns = ("gpus", "memory_GB", "runtime_min", "efficiency_percent")
    return [
        PaperRow(table, method, *(row[column] for column in columns)) for method in METHODS for row in tables()[KEYS[table]][method]
    ]


def all_rows() -> list[PaperRow]:
    """The rows of both tables."""
    return [row for table in KEYS for row in table_rows(table)]


def first_of(row: PaperRow) -> PaperRow:
    """The row with the fewest GPUs, to which the efficiency of a row refers."""
    return next(each for each in table_rows(row.table) if each.method == row.method)


def efficiency(first_time: float, first_gpus: int, time: float, gpus: int) -> float:
    """Strong-scaling efficiency in percent: how much less GPU time a run takes than the one on the fewest GPUs."""
    return 100 * first_time * first_gpus / (time * gpus)
