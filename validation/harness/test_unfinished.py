"""Runs that were stopped go on, in `bench`, `sweep` and `reproduce`, from their own checkpoints only."""

import json

import pytest

from harness.base.errors import RunError, Stopped
from harness.reproduce import work
from harness.runs import measure, program, unfinished


@pytest.fixture
def output(tmp_path):
    return tmp_path / "gd.h5"


def leave_checkpoint(output):
    slot = output.with_name(output.name + ".checkpoint") / "a"
    slot.mkdir(parents=True, exist_ok=True)
    (slot / "manifest").write_text("")
    return slot.parent


def test_only_the_same_run_goes_on(output):
    assert unfinished.begin(output, ["gd", 2]) == []
    folder = leave_checkpoint(output)
    assert unfinished.begin(output, ["gd", 2]) == ["--resume"]
    (folder / "notes").write_text("of the user")
    assert unfinished.begin(output, ["gd", 3]) == []
    assert [file.name for file in folder.iterdir()] == ["notes"]


def test_what_has_ended_well_leaves_nothing_and_what_failed_its_checkpoint(output, tmp_path):
    unfinished.begin(output, ["gd"])
    folder = leave_checkpoint(output)
    unfinished.end(output, 1)
    assert folder.is_dir() and unfinished.begin(output, ["gd"]) == ["--resume"]
    unfinished.end(output, 0)
    assert not list(tmp_path.iterdir())
    unfinished.begin(output, ["gd"])
    unfinished.end(output, 2)  # refused before there was one
    assert not list(tmp_path.iterdir())


def test_a_run_that_had_ended_when_all_was_killed_leaves_no_note_and_takes_no_other_s(output, tmp_path):
    unfinished.begin(output, ["gd", "run 1"])
    unfinished.forget_ended(output, ["gd", "run 0"])  # its report is there, and that of run 1 is not
    assert unfinished.note_of(output).is_file()
    unfinished.forget_ended(output, ["gd", "run 1"])
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("command", ["bench", "sweep"])
def test_a_harness_killed_just_after_a_run_leaves_nothing_behind(harness, tiny_case, tiny_dataset, tmp_path, monkeypatch, command):
    words = [command, tiny_case, "--dataset", tiny_dataset, "-o", tmp_path / "runs", "--methods", "serial", "--iterations", 1, "--ranks", 1]

    def killed(*_):
        raise Stopped

    with monkeypatch.context() as patch:
        patch.setattr(unfinished, "end", killed)
        assert harness(*words).code == 75
    assert list((tmp_path / "runs").rglob("*.h5.begun"))
    again = harness(*words)
    assert not list((tmp_path / "runs").rglob("*.begun")), again.err


@pytest.fixture
def launches(monkeypatch):
    """The arguments of every launch; what `answer`, a list of functions of the output, does stands for the first runs."""

    class Launches(list):
        answers = []

    launches = Launches()
    real = program.launch

    def launch(arguments, log, **how):
        launches.append([str(word) for word in arguments])
        if launches.answers:
            return launches.answers.pop(0)(arguments)
        return real(arguments, log, **how)

    monkeypatch.setattr(program, "launch", launch)
    return launches


def stopped(arguments):
    leave_checkpoint(arguments[arguments.index("-o") + 1])
    raise Stopped


def test_a_stopped_run_is_resumed_by_the_same_one(launches, tmp_path):
    def fails(_):
        (tmp_path / "gd.log").write_text("ptychoscale: error: of no account")
        return 1

    launches.answers = [stopped, fails, fails, fails]
    point = measure.Point("gd", "gd", 2, 5, ("data.h5",))
    protocol = measure.Protocol(tmp_path)
    with pytest.raises(Stopped):
        measure.run(point, protocol, "0")
    for tag in ("0", "0", "1"):
        with pytest.raises(RunError):
            measure.run(point, protocol, tag)
    assert ["--resume" in words for words in launches] == [False, True, True, False]


def test_an_exit_code_says_that_a_run_was_stopped(tmp_path):
    for code, error in ((75, Stopped), (130, KeyboardInterrupt)):
        launcher = tmp_path / f"ends-with-{code}"
        launcher.write_text(f"#!/bin/sh\nexit {code}\n")
        launcher.chmod(0o755)
        with pytest.raises(error):
            program.launch(["info"], tmp_path / "log", ranks=1, launcher=f"{launcher} {{ranks}}")


def test_bench_repeats_no_run_that_was_finished(harness, launches, tiny_case, tmp_path):
    words = ["bench", tiny_case, "-o", tmp_path / "runs", "--methods", "serial,hve", "--ranks", 2]
    real = program.run_logged

    def run(arguments):
        return real([program.executable(), *map(str, arguments)], tmp_path / "log")

    launches.answers = [run, run, stopped]  # the dataset and serial; hve
    first = harness(*words)
    assert first.code == 75 and "the same command goes on" in first.err
    assert not (tmp_path / "runs" / "report.json").exists()
    del launches[:]
    leftover = tmp_path / "runs" / "hve.h5.checkpoint"
    for slot in leftover.iterdir():  # not one that the program could read
        for file in slot.iterdir():
            file.unlink()
    again = harness(*words)
    assert again.code == 0, again.err
    assert [words[words.index("--method") + 1] for words in launches if "--method" in words] == ["hve"]
    assert "--resume" in launches[0] and not leftover.exists()
    assert not list((tmp_path / "runs").glob("*.begun"))
    rows = json.loads((tmp_path / "runs" / "report.json").read_text())["benchmarks"]
    assert [row["method"] for row in rows] == ["serial", "hve"] and all(row["verified"] for row in rows)


def test_another_bench_removes_checkpoints_that_it_cannot_use(harness, launches, tiny_case, tiny_dataset, tmp_path):
    words = ["bench", tiny_case, "--dataset", tiny_dataset, "-o", tmp_path / "runs", "--methods", "hve", "--ranks", 2]

    def stop(arguments):
        (tmp_path / "runs" / "hve.log").write_text("")
        stopped(arguments)

    launches.answers = [stop, stop]
    assert harness(*words).code == 75
    assert harness(*words, "--iterations", 2).code == 75
    assert not any("--resume" in words for words in launches)


def test_reproduce_goes_on(launches, tmp_path, monkeypatch):
    monkeypatch.setattr(work, "key_of", lambda *_: "key")
    step = work.Step("ci-gd", "ci", ("reconstruct", "--method", "gd"), 1.0, ranks=2)
    here = work.Work(tmp_path, "mpirun -n {ranks}")
    launches.answers = [stopped, stopped]
    for _ in range(2):
        with pytest.raises(Stopped):
            work.run(here, step)
    assert ["--resume" in words for words in launches] == [False, True]
    assert launches[1][-2] == "--json"
