"""Threads are asked for where ranks run; a busy machine and a ratio of times beyond reason are said beside the figure."""

import pytest

from harness.base import documents
from harness.reproduce import work
from harness.runs import measure, program

# A row of `serial` on two threads and one of `gd` on two ranks, on a machine of two cores.
SERIAL = {"name": "tiny/serial/1x1", "ranks": 1, "threads": 2, "positions_per_rank_mean": 36.0, "load": {"cores": 2, "threads": 2}}
GD = {**SERIAL, "name": "tiny/gd/2x1", "ranks": 2, "threads": 1, "positions_per_rank_mean": 18.0}


@pytest.mark.parametrize(
    "change, ratio, beyond",
    [
        ({}, 0.125, True),  # a serial run whose threads shared a core was seen to make a parallel one look so
        ({}, 0.66, True),
        ({}, 0.7, False),
        ({}, 1.9, False),
        ({}, 2.1, True),
        ({"ranks": 4, "positions_per_rank_mean": 9.0, "load": {"cores": 2, "threads": 4}}, 0.6, True),  # four ranks have no more than the two cores
        ({"ranks": 4, "positions_per_rank_mean": 9.0, "load": {"cores": 2, "threads": 4}}, 0.7, False),
        ({"ranks": 4, "positions_per_rank_mean": 9.0, "load": {"cores": 4, "threads": 4}}, 0.5, False),
        ({"ranks": 4, "positions_per_rank_mean": 9.0, "load": {"cores": 4, "threads": 4}}, 0.3, True),
        ({"ranks": 4, "positions_per_rank_mean": 9.0, "load": {"cores": 2, "threads": 2}}, 0.5, False),  # two hosts of two cores each
        ({"ranks": 4, "positions_per_rank_mean": 9.0, "load": {}}, 0.5, False),  # a report from before loads were kept
        ({"positions_per_rank_mean": 36.0}, 3.0, False),  # visits every position twice, as hve may
        ({"positions_per_rank_mean": 36.0}, 1.0, True),
    ],
)
def test_ratios_beyond_reason_are_marked(change, ratio, beyond):
    said = measure.beyond_reason({**GD, **change}, SERIAL, ratio)
    assert (said is not None) == beyond
    assert not beyond or f"{ratio:.3g} x the time of tiny/serial/1x1 is beyond reason" in said


def test_marked_ratios_are_in_the_row():
    rows = [{**row, "seconds_per_iteration_of_repetitions": [seconds]} for row, seconds in ((SERIAL, 8.0), (GD, 1.0))]
    measure.add_ratios(rows)
    assert "remarks" not in rows[0] and rows[1]["time_ratio_median"] == 0.125
    (said,) = rows[1]["remarks"]
    assert "beyond reason" in said


def report_of(seconds, others, remarks=()):
    row = {
        "name": "tiny/gd/2x1", "iterations": 3, "seconds_of_iterations": [seconds] * 3, "seconds_per_iteration": seconds,
        "seconds_per_position": seconds, **({"remarks": list(remarks)} if remarks else {}),
    }  # fmt: skip
    return {"context": {"load": {"used_by_others": others, "cores": 2, "threads": 2}, "uuid": str(seconds)}, "benchmarks": [row]}


def test_repeated_runs_say_how_many_were_disturbed(tmp_path):
    busy = "busy machine here: others used {} of 2 cores meanwhile"
    reports = [
        report_of(3.0, 0.5, [busy.format(0.5)]), report_of(1.0, 0.01), report_of(2.0, 0.02, ["4 threads shared 2 cores of here"]),
        report_of(5.0, 1.5, [busy.format(1.5)]), report_of(1.5, 0.0),
    ]  # fmt: skip
    series = measure.Series(measure.Point("gd", "gd", 2, 3, ()), reports)
    row = measure.row_of(series, measure.Protocol(tmp_path, cap=5))
    assert row["used_by_others_of_repetitions"] == [0.5, 0.01, 0.02, 1.5, 0.0]
    assert row["remarks"] == ["4 threads shared 2 cores of here", f"{busy.format(1.5)}; 2 of 5 runs were disturbed"]
    assert series.report["context"]["uuid"] == "2.0" and row["load"]["used_by_others"] == 0.02, "of the run in the middle"


def test_a_single_run_keeps_its_own_words(tmp_path):
    series = measure.Series(measure.Point("gd", "gd", 2, 3, ()), [report_of(3.0, 0.5, ["busy machine here"])])
    row = measure.row_of(series, measure.Protocol(tmp_path))
    assert row["remarks"] == ["busy machine here"] and "used_by_others_of_repetitions" not in row


def test_remarks_do_not_change_the_run_that_they_are_added_to():
    row = {"remarks": ["one"]}
    copy = dict(row)
    documents.remark(copy, "two")
    assert row["remarks"] == ["one"] and copy["remarks"] == ["one", "two"]


# Threads


@pytest.fixture
def launched(monkeypatch, tmp_path):
    """The words and the environment with which a run is started, which then fails."""
    calls = []
    monkeypatch.setattr(program, "run_logged", lambda words, log, environment=None, *_: calls.append((words, environment)) or 1)
    monkeypatch.setenv("OMP_NUM_THREADS", "5")
    (tmp_path / "gd.log").write_text("")

    def run(threads):
        calls.clear()
        point = measure.Point("gd", "gd", 2, 3, (), threads=threads)
        with pytest.raises(program.RunError):
            measure.run(point, measure.Protocol(tmp_path), "0")
        ((words, environment),) = calls
        return words, environment

    return run


def test_threads_are_chosen_where_ranks_run(launched):
    """Not on the machine of the harness, which may be a login node: neither an option nor a variable says how many."""
    words, environment = launched(None)
    assert "--threads" not in words and environment["OMP_NUM_THREADS"] == "5", "the user's own"
    words, _ = launched(3)
    assert words[words.index("--threads") + 1] == "3"


@pytest.mark.parametrize("command", ["bench", "sweep", "gate", "reproduce"])
def test_threads_can_be_told_wherever_runs_are_started(harness, command):
    assert "--threads" in harness(command, "--help").out


def test_threads_of_a_sweep_are_part_of_its_points(harness, tiny_case, tmp_path):
    words = ["sweep", tiny_case, "-o", tmp_path, "--methods", "gd", "--ranks", 1, "--plan"]
    for threads in (1, 3):
        assert harness(*words, "--threads", threads).code == 0
        (row,) = documents.read_report(tmp_path / "report.json")["benchmarks"]
        assert row["threads"] == threads


@pytest.mark.parametrize("said, threads", [("3", 3), ("4,2", 4), ("", program.cores()), ("none", program.cores())])
def test_threads_here_are_as_the_environment_says(monkeypatch, said, threads):
    monkeypatch.setenv("OMP_NUM_THREADS", said)
    assert program.threads_here() == threads


def test_reproduce_leaves_threads_to_the_ranks_unless_told(tmp_path, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    alone, ranks, fixed = (work.Step("s", "smoke", ("plan",), 1.0, **how) for how in ({}, {"ranks": 2}, {"ranks": 2, "threads": 1}))
    for told, expected in ((None, [3, None, 1]), (2, [2, 2, 1])):
        made = work.Work(tmp_path, "mpirun -n {ranks}", threads=told)
        assert [work.threads_of(made, step) for step in (alone, ranks, fixed)] == expected
