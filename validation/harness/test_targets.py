"""What a run took to its case's target."""

import pytest

from harness.runs import targets


def row_of(**more):
    return {
        "ranks": 4, "iterations": 4, "bytes_sent": 400, "cost_of_iterations": [8.0, 4.0, 2.0, 1.0], "seconds_of_iterations": [1.0, 2.0, 3.0, 4.0],
        "relative_rmse_after": [2, 4], "relative_rmse_of_iterations": [0.2, 0.1], **more,
    }


def test_the_error_decides_where_there_is_a_truth():
    row = row_of()
    targets.add(row, {"relative_rmse": 0.2, "cost": 8.0})
    assert row["target_of"] == "relative_rmse" and row["iterations_to_target"] == 2
    assert (row["seconds_to_target"], row["rank_seconds_to_target"], row["bytes_to_target"]) == (3.0, 12.0, 200)


def test_else_the_cost():
    row = row_of()
    del row["relative_rmse_of_iterations"]
    targets.add(row, {"relative_rmse": 0.2, "cost": 2.0})
    assert row["target_of"] == "cost" and row["iterations_to_target"] == 3
    without = row_of()
    del without["relative_rmse_of_iterations"]
    targets.add(without, {"relative_rmse": 0.2})
    assert "target" not in without


def test_of_repeated_runs_the_middle_one_counts():
    row = row_of(seconds_of_iterations_of_repetitions=[[1, 1, 9, 9], [5, 5, 0, 0], [2, 2, 9, 9]])
    targets.add(row, {"relative_rmse": 0.2})
    assert row["seconds_to_target"] == 4


def test_a_target_that_is_never_reached_is_said_with_the_best():
    row = row_of()
    targets.add(row, {"relative_rmse": 0.05})
    assert row["iterations_to_target"] is None and "seconds_to_target" not in row
    assert "0.05 was not reached; the best was 0.1" in row["target_missed"]


def test_a_run_that_failed_has_none():
    row = {"error": "of no account"}
    targets.add(row, {"cost": 1.0})
    assert row == {"error": "of no account"}


def test_bench_leads_with_it(harness, tiny_case, tiny_dataset, tmp_path):
    from harness.base import documents

    words = ["bench", tiny_case, "--dataset", tiny_dataset, "--methods", "serial,hve", "--ranks", 2, "-o", tmp_path]
    result = harness(*words)
    assert result.code == 0, result.err
    lines = result.out.splitlines()
    assert next(i for i, line in enumerate(lines) if line.startswith("iterations to the target")) < 6
    for row in documents.read_report(tmp_path / "report.json")["benchmarks"]:
        assert row["target"] == pytest.approx(0.05) and row["relative_rmse_after"] == [1, 2, 3]
