"""Data of other programs: the example that solvers/io/README.md names writes them, and everything works that needs no truth."""

import json
import sys

import h5py
import numpy as np
import pytest
from conftest import ROOT

sys.path.insert(0, str(ROOT / "validation/readers"))

import write_dataset  # noqa: E402


@pytest.fixture
def mine(tmp_path):
    file = tmp_path / "mine.h5"
    write_dataset.write(str(file))
    return file


def table(result):
    return {line[:20].strip(): line[20:30].strip() for line in result.out.splitlines()[2:-1]}


def test_what_the_example_writes_is_sound_and_can_be_sealed(run, mine):
    checks = table(run.good("validate", "dataset", mine))
    assert checks.pop("content hash") == "warning" and checks.pop("readers' metadata") == "warning"
    assert len(checks) == 7 and set(checks.values()) == {"ok"}
    run.rejects("info", mine, "--check-content", says=[mine, "--seal"])
    assert table(run.good("validate", "dataset", mine, "--seal"))["content hash"] == "ok"
    assert "content       as it was written" in run.good("info", mine, "--check-content").out
    with h5py.File(mine, "a") as file:
        file["dataset/datacube/data"][2, 3, 24, 24] += 1
    assert table(run("validate", "dataset", mine, "--seal"))["content hash"] == "FAILED"


def test_info_of_a_measured_scan(run, mine):
    out = run.good("info", mine).out
    assert "probe         made from the optics" in out and "truth         no" in out and "hash          none is stored" in out
    assert "specimen" not in out and "seed" not in out
    said = json.loads(run.good("info", mine, "--json").out)
    assert said["hash"] is None and said["header"]["specimen"] is None and said["truth"] is False


def test_the_example_is_reconstructed(run, mine, output):
    """Its model is numpy's, so that this holds for signs, axes and units as the page describes them."""
    result = run.good("reconstruct", mine, "-o", output, "--method", "serial", "--iterations", 30, "--json", "-")
    row = json.loads(result.out)["benchmarks"][0]
    assert row["verified"] and row["relative_rmse"] is None and row["quality_not_computed"] == "the dataset has no truth to compare with"
    with h5py.File(output) as file:
        found = file["reconstruction/potential/data"][0]
    seen = np.s_[22:64, 22:72]  # what the scan spans
    found, truth = found[seen], write_dataset.potential()[seen]
    error = (found - found.mean()) - (truth - truth.mean())
    assert np.linalg.norm(error) < 0.1 * np.linalg.norm(truth - truth.mean())


def test_a_table_says_why_there_is_no_quality(run, mine, output):
    result = run.good("reconstruct", mine, "-o", output, "--method", "serial", "--iterations", 2)
    assert "serial has no full quality: the dataset has no truth to compare with" in result.out


@pytest.mark.parametrize("ranks", [2])
def test_ranks_agree_on_the_hash_of_data_that_have_none(run, mine, output, ranks):
    result = run.good("reconstruct", mine, "-o", output, "--method", "gd", "--iterations", 2, "--json", "-", ranks=ranks)
    said = json.loads(result.out)["context"]["dataset"]["hash"]
    run.good("validate", "dataset", mine, "--seal")
    assert json.loads(run.good("info", mine, "--json").out)["hash"] == said
