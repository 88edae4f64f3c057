"""Rows of all reports as runs: what each is, whether its figures may be shown, and which belong side by side."""

import dataclasses
import json

from harness.base.identity import Data
from harness.report.drawing import METHOD_ABBREVIATIONS, METHOD_NAMES
from harness.report.sources import Document

METHOD_ORDER = list(METHOD_NAMES)
# What can set two runs of one method apart, and how to say it in few words.
OPTIONS = {
    "grid": "{} grid",
    "adjoint": "{} adjoint",
    "bandwidth": "bandwidth {}",
    "measurements": "{} patterns",
    "measurement_type": "patterns as {}",
    "update": "update {}",
    "positions_at_once": "{} positions at once",
    "exchange": "{}",
    "rounds": "{} rounds",
    "delay": "delay {}",
    "refine_probe": "probe refined from {}",
    "refine_scale": "scale refined from {}",
    "probe_modes": "{} probe modes",
    "slice_blur": "slices blurred by {}",
    "halo_fill": "fill {}",
    "paste_every": "paste every {}",
    "extra_rows": "{} extra rows",
    "halo_px": "halo {} px",
    "threads": "{} threads",
    "iterations": "{} iterations",
    "as_rank": "rank {}",
    "options": "{}",
}


@dataclasses.dataclass(frozen=True)
class Run:
    """One row of one report."""

    document: Document
    index: int
    label: str = ""  # method, mesh and what sets it apart from the others of its case
    variant: str = ""  # the same without the mesh
    setting_number: int = 0  # from 1, among the settings of its case

    @property
    def row(self) -> dict:
        return self.document.rows[self.index]

    @property
    def case(self) -> str:
        return self.dataset.get("case") or self.row["name"].split("/")[0]

    @property
    def dataset(self) -> dict:
        return self.about("dataset") or {}

    @property
    def data(self) -> Data:
        """What it ran on."""
        return Data.of({"dataset": self.dataset, "case_hash": self.row.get("case_hash")})

    @property
    def method(self) -> str:
        return self.row.get("method", "")

    @property
    def evidence(self) -> str:
        return self.about("evidence")

    @property
    def why_withheld(self) -> str | None:
        """Why its figures may not be shown; None when they may."""
        if self.row.get("error_occurred"):
            return f"no run: {self.row.get('error', 'no reason given')}"
        if self.row.get("verified") is False:
            return f"not verified: {self.row.get('verification_failed', 'no reason given')}"
        return None

    @property
    def setting(self) -> tuple:
        """Runs of one setting can stand in one table: same evidence, machine, program and dataset."""
        keys = ("machine", "host_name", "cpu", "source_commit", "source_dirty", "compiler", "flags")
        return (self.evidence, *(self.about(key) for key in keys), self.dataset.get("hash"))

    def about(self, key: str) -> object:
        """What is known of a run: its own word, where the runs of its report differ, else the report's; None for nothing."""
        return self.row.get(key, self.document.context.get(key))


def words(key: str, value: object) -> str:
    """An option and its value in words."""
    if isinstance(value, list):
        value = " × ".join(map(str, value))
    if key == "rounds":
        return {0: "a round per position", 1: "1 round"}.get(value, f"{value} rounds")
    return OPTIONS[key].format(value)


def mesh_words(row: dict) -> str:
    """"2 × 2", or the number of ranks where a run got no mesh."""
    mesh = row.get("mesh")
    return f"{mesh[0]} × {mesh[1]}" if mesh else f"{row.get('ranks', '?')} ranks"


def varying_options(rows: list[dict]) -> list[str]:
    """The options that set runs of one method apart. A halo follows from the mesh, and counts only where one mesh has several; the
    words of --options count where nothing else tells two runs apart."""
    values: dict[str, dict[str, set]] = {}
    for row in rows:
        for key in OPTIONS.keys() & row.keys():
            mesh = mesh_words(row) if key == "halo_px" else ""
            values.setdefault(key, {}).setdefault(mesh, set()).add(json.dumps(row[key]))
    varying = [key for key in OPTIONS if key != "options" and any(len(each) > 1 for each in values.get(key, {}).values())]
    alike: dict[str, set] = {}
    for row in rows:
        alike.setdefault(json.dumps([mesh_words(row), *(row.get(key) for key in varying)]), set()).add(row.get("options"))
    return varying + (["options"] if any(len(each) > 1 for each in alike.values()) else [])


def labelled(runs: list[Run]) -> list[Run]:
    """The runs of one case with labels that tell them apart, in an order to read."""
    varying = {method: varying_options([run.row for run in runs if run.method == method]) for method in {run.method for run in runs}}
    named = []
    for run in runs:
        apart = [words(key, run.row[key]) for key in varying[run.method] if key in run.row]
        method = METHOD_ABBREVIATIONS.get(run.method, run.method)
        named.append(
            dataclasses.replace(
                run, label=", ".join([f"{method} {mesh_words(run.row)}", *apart]), variant=", ".join([method, *apart])
            )
        )
    named.sort(key=reading_order)
    settings = list(dict.fromkeys(run.setting for run in named))
    return [dataclasses.replace(run, setting_number=1 + settings.index(run.setting)) for run in named]


def reading_order(run: Run) -> tuple:
    """Methods as they came to be, then small to large."""
    rank = METHOD_ORDER.index(run.method) if run.method in METHOD_ORDER else len(METHOD_ORDER)
    return rank, run.method, run.row.get("ranks", 0), run.label, run.document.path, run.index


def method_name(run: Run) -> str:
    return METHOD_NAMES.get(run.method, run.method)
