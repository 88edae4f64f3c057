"""The table of quantities covers what a row holds, and a tolerance allows what it says."""

import json
from pathlib import Path

import pytest

from harness.base import documents
from harness.judge.matching import IDENTITY
from harness.judge.quantities import ALL, BY_KEY, EXACT, HIGHER, LOWER, NONE, TEXT, TIME, TOLERANCED, Tolerance
from harness.runs import program

# Keys of a row that are no quantity by themselves: raw samples, intervals and names of other quantities' references.
DETAILS = ("_of_repetitions", "_of_iterations", "_95_percent", "_control", "_median")
OTHERS = {"name", "run_type", "real_time", "time_unit", "time_ratio_to", "run_uuid", "places", "remarks"}  # fmt: skip


@pytest.fixture(scope="module")
def real_row(tiny_dataset, tmp_path_factory):
    """A row as the program writes it."""
    file = tmp_path_factory.mktemp("row") / "gd.json"
    code = program.launch(
        ["reconstruct", tiny_dataset, "--method", "gd", "--iterations", 2, "-o", file.with_suffix(".h5"), "--json", file],
        file.with_suffix(".log"), ranks=2,
    )  # fmt: skip
    assert code == 0
    return documents.read_report(file)["benchmarks"][0]


def test_every_key_of_a_row_is_known(real_row):
    """A quantity that the program adds must be given a meaning here before the gate can hold it."""
    unknown = [
        key for key in real_row
        if key not in BY_KEY and key not in IDENTITY and key not in OTHERS and not key.endswith(DETAILS)
    ]  # fmt: skip
    assert unknown == []


def test_what_must_be_held_exactly_is_there(real_row):
    exact = {quantity.key for quantity in ALL if quantity.gated and quantity.kind == EXACT}
    labels = {key for key in real_row if key.startswith("memory_") and not key.startswith("memory_resident")}
    assert len(labels) == 24 and labels <= exact
    assert {"bytes_sent", "messages_sent", "positions_per_rank_max", "extended_voxels_max", "halo_px"} <= exact
    assert not any(BY_KEY[f"memory_resident_bytes_{spread}"].gated for spread in ("max", "mean", "min"))


def test_table_is_consistent():
    assert len(BY_KEY) == len(ALL)
    for quantity in ALL:
        assert quantity.kind in (EXACT, TOLERANCED, TIME, TEXT) and quantity.better in (LOWER, HIGHER, NONE), quantity.key
        assert (quantity.kind == TOLERANCED) == (quantity.tolerance is not None), quantity.key
        assert quantity.tolerance is None or quantity.tolerance.why


def test_keys_of_the_committed_baseline_are_known():
    file = Path(__file__).parents[2] / "results" / "baselines" / "ci-cpu.json"
    rows = json.loads(file.read_text())["benchmarks"]
    held = {key for row in rows for key in row if key in BY_KEY and BY_KEY[key].gated}
    assert {"bytes_sent", "memory_peak_bytes_max", "cost", "relative_rmse", "seam_found"} <= held


@pytest.mark.parametrize(
    "base, new, allowed",
    [(100, 101.4, True), (100, 101.6, False), (-100, -101.6, False), (0, 0.5, True), (0, 0.6, False)],
)
def test_tolerance_is_absolute_plus_relative(base, new, allowed):
    assert Tolerance("test", relative=0.01, absolute=0.5).allows(base, new) == allowed


def test_values_for_people():
    assert BY_KEY["bytes_sent"].text(1474560) == "1.475"
    assert BY_KEY["halo_px"].text([16, 24]) == "16 x 24"
    assert BY_KEY["seam_found"].text(False) == "no"
    assert BY_KEY["seam_rows_z"].text(None) == "-"
    assert BY_KEY["messages_sent"].text(160) == "160"
