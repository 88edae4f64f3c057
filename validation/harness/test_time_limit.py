"""A run that does not end: told to stop, killed with all that it has started, and a failure with a reason."""

import os
import signal
import subprocess
import time

import pytest

from harness.base.errors import RunError
from harness.runs import options, processes, program

STUBBORN = "trap '' TERM; echo 'about to hang'; echo; sleep 600 & wait; sleep 600"


def running(marker):
    """Processes that have `marker` among their words."""
    listed = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    return [line for line in listed.splitlines() if marker in line and "ps -eo" not in line]


@pytest.fixture
def short_grace(monkeypatch):
    monkeypatch.setattr(processes, "GRACE_SECONDS", 0.5)


def script(folder, text):
    file = folder / "launcher"
    file.write_text(f"#!/bin/bash\n{text}\n")
    file.chmod(0o755)
    return f"{file} {{ranks}}"


@pytest.mark.parametrize("text, means", [("90", 90), ("1.5h", 5400), ("30m", 1800), ("2s", 2), ("none", None)])
def test_times(text, means):
    assert options.seconds(text) == means


@pytest.mark.parametrize("text", ["0", "-1", "1d", "", "1e3", "nan", "9" * 400])
def test_no_times(rejects, tiny_case, tmp_path, text):
    rejects("bench", tiny_case, "-o", tmp_path / "runs", "--time-limit", text, says=["--time-limit", "valid: a time above 0"])


def test_a_run_that_ignores_everything_is_killed_with_its_children(short_grace, tmp_path):
    launcher = script(tmp_path, STUBBORN.replace("sleep 600", f"sleep 6{os.getpid()}"))
    began = time.monotonic()
    with pytest.raises(RunError) as failure:
        program.launch(["info"], tmp_path / "run.log", ranks=2, launcher=launcher, time_limit=0.5)
    assert time.monotonic() - began < 60
    words = str(failure.value)
    assert "0.5 s" in words and "'about to hang'" in words and str(tmp_path / "run.log") in words and "--time-limit" in words
    assert running(f"sleep 6{os.getpid()}") == []


def test_a_run_that_stops_when_told_has_its_last_words(tmp_path):
    launcher = script(tmp_path, "trap 'echo goodbye; exit 130' TERM; while true; do sleep 0.05; done")
    with pytest.raises(RunError, match="'goodbye'"):
        program.launch(["info"], tmp_path / "run.log", ranks=1, launcher=launcher, time_limit=0.5)


def test_what_a_failed_launcher_leaves_behind_is_ended(tmp_path):
    launcher = script(tmp_path, f"sleep 7{os.getpid()} & exit 3")
    assert program.launch(["info"], tmp_path / "run.log", ranks=1, launcher=launcher) == 3
    assert running(f"sleep 7{os.getpid()}") == []


def test_a_launched_program_does_not_read_the_input_of_the_script_around(tmp_path):
    assert program.run_logged(["cat"], tmp_path / "log", time_limit=30) == 0


def test_an_endless_run_is_a_row_with_its_reason(harness, short_grace, tiny_case, tiny_dataset, tmp_path):
    launcher = script(tmp_path, "echo stuck; trap '' TERM; sleep 600 & wait; sleep 600")
    words = ["--dataset", tiny_dataset, "--methods", "gd", "--launcher", launcher, "--time-limit", "1s"]
    result = harness("bench", tiny_case, "-o", tmp_path / "runs", *words)
    assert result.code == 1
    assert "ended after 1 s, the time limit of a run; it last said 'stuck'" in " ".join(result.out.split())


def test_an_interruption_ends_a_launcher_that_ignores_it(tiny_case, tiny_dataset, tmp_path):
    launcher = script(tmp_path, f"trap '' INT TERM; touch {tmp_path}/begun; sleep 8{os.getpid()}; sleep 8{os.getpid()}")
    words = ["bench", tiny_case, "--dataset", tiny_dataset, "-o", tmp_path / "runs", "--methods", "serial", "--launcher", launcher]
    process = subprocess.Popen([program.executable(), *map(str, words)], stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while not (tmp_path / "begun").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert running(f"sleep 8{os.getpid()}") == []
