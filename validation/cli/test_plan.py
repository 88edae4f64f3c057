"""`plan`, `rates` and `reconstruct --as-rank`: what is predicted, and what one rank of many really uses."""

import json

import pytest

LABELS = ["volume", "accumulation", "waves", "measurements", "exchange", "fft"]
# Ranks of the paper's Tables II and III, and those that are NA there.
PAPER = {"pbtio3-small": [6, 24, 54, 126, 198, 462], "pbtio3-large": [6, 54, 198, 462, 924, 4158]}
INFEASIBLE = {"pbtio3-small": [126, 198, 462], "pbtio3-large": [924, 4158]}


def rows_of(run, *arguments):
    return json.loads(run.good(*arguments, "--json", "-").out)["benchmarks"]


def planned(run, tiny_case, *options):
    return rows_of(run, "plan", "--case", tiny_case, *options)


@pytest.mark.parametrize("case", PAPER)
def test_the_papers_rank_counts_are_planned(run, case):
    rows = rows_of(run, "plan", "--case", case, "--ranks", ",".join(map(str, PAPER[case])))
    feasible = [(row["method"], row["ranks"]) for row in rows if "error" not in row]
    expected = [("gd", k) for k in PAPER[case]] + [("hve", k) for k in PAPER[case] if k not in INFEASIBLE[case]]
    assert feasible == expected
    for row in rows:
        if "error" in row:
            assert row["error_occurred"] and "core" in row["error"] and "halo" in row["error"]
        else:
            assert row["positions_per_rank_max"] >= row["positions_per_rank_mean"] >= row["positions_per_rank_min"] > 0


def test_plan_is_a_table_for_people(run, tiny_case):
    table = run.good("plan", "--case", tiny_case, "--ranks", "1,2,4").out.splitlines()
    assert "ranks" in table[0] and "messages" in table[0]
    assert len(table) == 2 + 2 * 3


@pytest.mark.parametrize(
    "method, options",
    [
        ("gd", ["--grid", "window"]),
        ("gd", ["--grid", "tile"]),
        ("gd", ["--update", "averaged"]),
        ("gd", ["--update", "accelerated"]),
        ("hve", ["--grid", "window"]),
        ("hve", ["--grid", "tile"]),
        ("replicated", []),
    ],
)
def test_one_rank_of_many_uses_what_was_planned(run, tiny_case, tiny_dataset, method, options):
    """Planned peaks are the largest of all ranks, so the largest of the measured ones must equal them."""
    (row,) = planned(run, tiny_case, "--ranks", 4, "--methods", method, *options, "--threads", 1)
    measured = [
        rows_of(run, "reconstruct", "--case", tiny_case, "--as-rank", r, "--of", 4, "--method", method, *options, "--measurements", "stream",
                "--iterations", 1, "--threads", 1)[0]
        for r in range(4)
    ]
    for label in LABELS:
        key = f"memory_{label}_bytes_max"
        assert max(m[key] for m in measured) == row[key], label
    assert sum(m["messages_sent"] for m in measured) == row["messages_sent"]
    assert sum(m["bytes_sent"] for m in measured) == row["bytes_sent"]
    assert [m["as_rank"] for m in measured] == [0, 1, 2, 3]
    assert all(m["ranks"] == 4 and m["seconds_per_position"] > 0 for m in measured)


def test_positions_at_once_are_planned_as_they_run(run, tiny_case):
    options = ["--update", "batch", "--positions-at-once", 3]
    (one,) = planned(run, tiny_case, "--ranks", 2, "--methods", "gd", "--update", "batch")
    (many,) = planned(run, tiny_case, "--ranks", 2, "--methods", "gd", *options)
    alone = ["reconstruct", "--case", tiny_case, "--as-rank", 0, "--of", 2, "--method", "gd", "--measurements", "stream"]
    (measured,) = rows_of(run, *alone, *options, "--iterations", 1, "--threads", 1)
    pattern = 48 * 48 * 4
    # Two more waves of 8 bytes a pixel and two adjoints; two more patterns in use and two read ahead.
    assert many["memory_waves_bytes_max"] - one["memory_waves_bytes_max"] == 2 * 2 * 2 * pattern
    assert many["memory_measurements_bytes_max"] - one["memory_measurements_bytes_max"] == 2 * 2 * pattern
    for label in LABELS:
        assert measured[f"memory_{label}_bytes_max"] == many[f"memory_{label}_bytes_max"], label
    assert many["positions_at_once"] == measured["positions_at_once"] == 3
    assert "positions_at_once" not in one  # rows that were written before it could be chosen still match


def test_float16_measurements_are_planned_as_they_run(run, tiny_case):
    """Resident, all 16 positions."""
    options = ["--methods", "gd", "--ranks", 1, "--measurements", "resident"]
    (full,) = planned(run, tiny_case, *options)
    (half,) = planned(run, tiny_case, *options, "--measurement-type", "float16")
    alone = ["reconstruct", "--case", tiny_case, "--as-rank", 0, "--of", 1, "--method", "gd", "--measurement-type", "float16"]
    (measured,) = rows_of(run, *alone, "--iterations", 1, "--threads", 1)
    pixels = 48 * 48
    assert full["memory_measurements_bytes_max"] == 16 * 4 * pixels
    assert half["memory_measurements_bytes_max"] == measured["memory_measurements_bytes_max"] == 16 * 2 * pixels
    assert half["measurement_type"] == measured["measurement_type"] == "float16"
    assert "measurement_type" not in full


def test_one_rank_of_a_dataset_and_only_some_positions(run, tiny_dataset):
    (row,) = rows_of(run, "reconstruct", tiny_dataset, "--as-rank", 1, "--of", 2, "--method", "gd", "--positions", 3, "--iterations", 2)
    assert row["positions_visited"] == 3 and row["iterations"] == 2


def test_predicted_seconds_come_from_measured_kernels(run, tiny_case, tmp_path):
    """How near they are to a run's is among the checks of speed; here the measured times are replaced by others."""
    rates = tmp_path / "rates.json"
    run.good("rates", "-o", rates, "--lengths", "32,64,96", "--threads", 1)
    report = json.loads(rates.read_text())
    assert report["context"]["evidence"] == "measured" and all(kernel["real_time"] > 0 for kernel in report["benchmarks"])

    def predicted(seconds_per_element):
        for kernel in report["benchmarks"]:
            kernel["real_time"] = seconds_per_element * kernel["elements"]
        rates.write_text(json.dumps(report))
        (row,) = planned(run, tiny_case, "--ranks", 1, "--methods", "gd", "--rates", rates)
        return row["seconds_per_position"]

    assert predicted(3e-9) == pytest.approx(3 * predicted(1e-9)) and predicted(1e-9) > 0
    report["benchmarks"][3]["real_time"] = -1
    rates.write_text(json.dumps(report))
    run.rejects("plan", "--case", tiny_case, "--ranks", 1, "--rates", rates, says=[rates, "real_time"])
    rates.write_text("{}")
    run.rejects("plan", "--case", tiny_case, "--ranks", 1, "--rates", rates, says=[rates, "ptychoscale rates"])


@pytest.mark.parametrize(
    "arguments, says",
    [
        (["--as-rank", 0], ["--of"]),
        (["--as-rank", 4, "--of", 4], ["4 of 4", "0 to 3"]),
        (["--as-rank", 0, "--of", 4, "-o", "x.h5"], ["--output"]),
        (["--of", 4], ["--as-rank"]),
    ],
)
def test_as_rank_that_cannot_be(run, tiny_case, arguments, says):
    run.rejects("reconstruct", "--case", tiny_case, *arguments, "--method", "gd", says=says)


def test_as_rank_is_for_one_process(run, tiny_case):
    run.rejects("reconstruct", "--case", tiny_case, "--as-rank", 0, "--of", 4, ranks=2, says=["one process"])


@pytest.mark.parametrize(
    "arguments, says",
    [
        (["--ranks", 4], ["--case", "--dataset"]),
        (["--case", "nowhere", "--ranks", 4], ["nowhere", "smoke"]),
        (["--case", "smoke", "--ranks", 0], ["--ranks"]),
        (["--case", "smoke", "--ranks", "2,4", "--mesh", "2x2"], ["--mesh"]),
        (["--case", "smoke", "--ranks", 4, "--rates", "missing.json"], ["missing.json"]),
    ],
)
def test_plans_that_cannot_be(run, arguments, says):
    run.rejects("plan", *arguments, says=says)


def test_a_mesh_that_cannot_work_is_a_row_with_its_reason(run, tiny_case):
    (row,) = planned(run, tiny_case, "--ranks", 64, "--methods", "gd")
    assert row["error_occurred"] and "64" in row["error"]
