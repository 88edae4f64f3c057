"""Benchmarks of positions on a page: how fast memory is on each machine, and how near to it kernels come."""

import copy
import json
import statistics

import pytest
from report_inputs import ROOT

from harness.report.positions import beside_copies
from harness.report.sources import Document, is_of_positions
from harness.report.tables import NARROW_SPACE, NONE

MEASURED = json.loads((ROOT / "results/epyc-2-cores/kernels/position.json").read_text())
COPIES = statistics.median(row["copy_GB_per_s"] for row in MEASURED["benchmarks"])


def on_a_gpu():
    """The same as a GPU might have left it, from memory a hundred times as fast."""
    other = copy.deepcopy(MEASURED)
    other["context"].update(host_name="node7", backend="cuda, NVIDIA H200, kernels fused")
    for row in other["benchmarks"]:
        row["copy_GB_per_s"] *= 100
        row["R"] *= 1.5
    return other


def table_of(*reports):
    """Its heads' words and its rows, of files of these names."""
    table = beside_copies([Document(f"{i}.json", b"", report) for i, report in enumerate(reports)])
    return [title for title, _, _ in table.heads], dict(table.rows)


def texts(cells):
    return [cell.text for cell in cells]


def test_each_machine_is_a_column():
    heads, rows = table_of(MEASURED, on_a_gpu())
    assert heads[0].startswith(MEASURED["context"]["host_name"]) and heads[1] == "node7, cuda, NVIDIA H200, kernels fused"
    here, there = texts(rows["Copies, GB/s read and written"])
    assert float(here) == pytest.approx(COPIES, rel=1e-3)
    assert float(there.replace(NARROW_SPACE, "")) == pytest.approx(100 * COPIES, rel=1e-3)
    place, one = next((i, row) for i, row in enumerate(MEASURED["benchmarks"]) if row["name"].startswith("position/168/10/"))
    cells = rows["R, 168 × 168 pixels, 10 slices"]
    assert [float(text) for text in texts(cells)] == pytest.approx([one["R"], 1.5 * one["R"]], abs=0.006)
    assert cells[1].link == f"data/1.json#/benchmarks/{place}/R"
    assert texts(rows["Commit"])[0].startswith(MEASURED["context"]["source_commit"][:12]) and texts(rows["Evidence"]) == ["measured"] * 2


def test_what_one_machine_alone_has_measured_is_there():
    other = on_a_gpu()
    other["benchmarks"] = [row for row in other["benchmarks"] if row["name"].startswith("position/168/10/")]
    _, rows = table_of(MEASURED, other)
    assert texts(rows["R, 256 × 256 pixels, 10 slices"])[1] == NONE


def test_of_repeated_ones_the_median_is_shown():
    repeated = copy.deepcopy(MEASURED)
    first = repeated["benchmarks"][0]
    repeated["benchmarks"] = [first | {"R": R} for R in (0.5, 0.9, 0.6)]
    repeated["benchmarks"].append(first | {"run_type": "aggregate", "R": 9.0})
    table = beside_copies([Document("repeated.json", b"", repeated)])
    (cells,) = [cells for words, cells in table.rows if words.startswith("R, ")]
    assert cells[0].text == "0.60" and "median of 3" in cells[0].path


def test_other_benchmarks_are_none_of_these():
    slices = json.loads((ROOT / "results/epyc-2-cores/kernels/slice_step.json").read_text())
    assert is_of_positions(MEASURED) and not is_of_positions(slices)
    assert not is_of_positions([]) and not is_of_positions({"context": [], "benchmarks": []})
    assert beside_copies([]) is None
