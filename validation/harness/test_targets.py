"""What a run took to its case's target."""

import h5py
import numpy as np
import pytest

from harness.base import documents
from harness.runs import program, targets


def row_of(**more):
    return {
        "ranks": 4, "iterations": 4, "bytes_sent": 400, "cost_of_iterations": [8.0, 4.0, 2.0, 1.0], "seconds_of_iterations": [1.0, 2.0, 3.0, 4.0],
        "relative_rmse_after": [2, 4], "relative_rmse_of_iterations": [0.2, 0.1], **more,
    }


def no_noise():
    return 0.0


def unasked():
    pytest.fail("patterns were read for a target that is there")


def test_the_error_decides_where_there_is_a_truth():
    row = row_of()
    targets.add(row, {"relative_rmse": 0.2, "cost": 8.0}, unasked)
    assert row["target_of"] == "relative_rmse" and row["iterations_to_target"] == 2
    assert (row["seconds_to_target"], row["rank_seconds_to_target"], row["bytes_to_target"]) == (3.0, 12.0, 200)


def test_else_the_cost():
    row = row_of()
    del row["relative_rmse_of_iterations"]
    targets.add(row, {"relative_rmse": 0.2, "cost": 2.0}, unasked)
    assert row["target_of"] == "cost" and row["iterations_to_target"] == 3
    without = row_of()
    del without["relative_rmse_of_iterations"]
    targets.add(without, {"relative_rmse": 0.2}, no_noise)
    assert "target" not in without


def cost_row(**more):
    """A run that does not know its error."""
    return {key: value for key, value in row_of(cost_of_empty_volume=401.0, **more).items() if not key.startswith("relative_rmse")}


def test_without_noise_the_cost_comes_down_to_a_share_of_the_empty_volumes():
    row = cost_row()
    targets.add(row, {"relative_rmse": 0.2}, no_noise)
    assert (row["target_of"], row["target"], row["iterations_to_target"]) == ("cost", 1.002, 4)  # 401 / 400 to four digits
    assert row["target_rule"] == "1/400 of the empty volume's, as no dose is known"


def test_with_noise_the_cost_comes_down_to_what_counting_leaves_and_a_share_of_the_rest():
    row = cost_row()
    targets.add(row, {}, lambda: 1.0)
    assert row["target"] == 2.0 and row["iterations_to_target"] == 3
    assert row["target_rule"] == "counting noise alone leaves 1, and 1/400 of the empty volume's"
    missed = cost_row()
    targets.add(missed, {}, lambda: 0.25)
    assert missed["iterations_to_target"] == 4
    missed = cost_row(cost_of_iterations=[8.0, 4.0, 3.0, 2.5])
    targets.add(missed, {}, lambda: 1.0)
    assert missed["iterations_to_target"] is None and "cost 2 was not reached; the best was 2.5" in missed["target_missed"]


def test_where_the_empty_volume_is_as_good_as_noise_there_is_no_target():
    row = cost_row()
    targets.add(row, {}, lambda: 500.0)
    assert "target" not in row
    row = {"ranks": 1, "cost_of_iterations": []}  # a plan
    targets.add(row, {}, no_noise)
    assert "target" not in row


def test_of_repeated_runs_the_middle_one_counts():
    row = row_of(seconds_of_iterations_of_repetitions=[[1, 1, 9, 9], [5, 5, 0, 0], [2, 2, 9, 9]])
    targets.add(row, {"relative_rmse": 0.2}, no_noise)
    assert row["seconds_to_target"] == 4


def test_a_target_that_is_never_reached_is_said_with_the_best():
    row = row_of()
    targets.add(row, {"relative_rmse": 0.05}, no_noise)
    assert row["iterations_to_target"] is None and "seconds_to_target" not in row
    assert "0.05 was not reached; the best was 0.1" in row["target_missed"]


def test_a_run_that_failed_has_none():
    row = {"error": "of no account"}
    targets.add(row, {"cost": 1.0}, no_noise)
    assert row == {"error": "of no account"}


def test_bench_leads_with_it(harness, tiny_case, tiny_dataset, tmp_path):
    words = ["bench", tiny_case, "--dataset", tiny_dataset, "--methods", "serial,hve", "--ranks", 2, "-o", tmp_path]
    result = harness(*words)
    assert result.code == 0, result.err
    lines = result.out.splitlines()
    assert next(i for i, line in enumerate(lines) if line.startswith("iterations to the target")) < 6
    for row in documents.read_report(tmp_path / "report.json")["benchmarks"]:
        assert row["target"] == pytest.approx(0.05) and row["relative_rmse_after"] == [1, 2, 3]


@pytest.mark.parametrize("dose", [300.0, 1e4])
def test_counting_leaves_what_the_truth_has_as_its_cost(tiny_case, tiny_dataset, tmp_path, dose):
    """The patterns without noise are what the model makes of the truth."""
    noisy = tmp_path / "noisy.h5"
    program.ask("simulate", tiny_case, "--dose", dose, "-o", noisy)
    patterns = "dataset/datacube/data"
    with h5py.File(tiny_dataset) as file:
        truth = np.sqrt(file[patterns][...].astype(float))
    with h5py.File(noisy) as file:
        electrons = file["ptychoscale"].attrs["electrons_per_pattern"]
        cost = np.sum((np.sqrt(file[patterns][...] / electrons) - truth) ** 2)
    found = program.ask_json("info", noisy, "--counting-noise", "--json")["cost_of_counting_noise"]
    # The estimate's own error, and three times the scatter of a sum of 36 patterns.
    assert found == pytest.approx(cost, rel=0.05)
    assert program.ask_json("info", tiny_dataset, "--counting-noise", "--json")["cost_of_counting_noise"] is None
    assert "not known without a dose" in program.ask("info", tiny_dataset, "--counting-noise")


def test_measured_patterns_get_a_target_from_their_dose(harness, tiny_case, tmp_path):
    measured = tmp_path / "measured.h5"
    program.ask("simulate", tiny_case, "--dose", 1e4, "-o", measured)
    with h5py.File(measured, "r+") as file:  # what a scan has not
        del file["ptychoscale/truth"], file["ptychoscale"].attrs["content_hash"], file.attrs["authoring_program"]
    program.ask("validate", "dataset", measured, "--seal")
    result = harness("sweep", tiny_case, "--dataset", measured, "--methods", "serial", "--ranks", 1, "--iterations", 6, "-o", tmp_path / "sweep")
    (row,) = documents.read_report(tmp_path / "sweep" / "report.json")["benchmarks"]
    noise = program.ask_json("info", measured, "--counting-noise", "--json")["cost_of_counting_noise"]
    assert result.code == 0, result.err
    assert row["target_of"] == "cost" and row["target_rule"].startswith("counting noise alone leaves")
    assert row["target"] == pytest.approx(noise + (row["cost_of_empty_volume"] - noise) / 400, rel=1e-3)
    assert row["iterations_to_target"] is not None, row["cost_of_iterations"]
