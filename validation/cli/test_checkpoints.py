"""A reconstruction that is stopped or killed goes on to the bytes of one that never was; what would change them is refused."""

import fcntl
import hashlib
import json
import os
import re
import signal
import time
from pathlib import Path

import pytest

ENDLESS = ("--iterations", 1_000_000)  # to be met while it runs, on any machine


@pytest.fixture
def output(tmp_path):
    return tmp_path / "out.h5"


def digest(file):
    return hashlib.sha256(Path(file).read_bytes()).hexdigest()


def wait_for(file):
    deadline = time.monotonic() + 60
    while not file.exists():
        assert time.monotonic() < deadline, f"{file} does not appear"
        time.sleep(0.01)


def words_of(dataset, output, ranks):
    method = "serial" if ranks == 1 else "gd"
    return "reconstruct", dataset, "-o", output, "--method", method, "--threads", 1, "--quality-every", 1


def ranks_of(launcher):
    """The processes that a launcher has started."""
    return [int(pid) for pid in Path(f"/proc/{launcher}/task/{launcher}/children").read_text().split()]


def stop(process, number, whom):
    """Sends a signal to the process that was started, or to the last of its ranks alone."""
    if whom == "launcher":
        process.send_signal(number)
    else:
        os.kill(ranks_of(process.pid)[-1], number)


def ended_with_a_checkpoint(process, output):
    """Its iterations that are finished."""
    _, err = process.communicate(timeout=60)
    assert process.returncode == 75, err
    (said,) = re.findall(rf"stopped by a signal; .*--resume goes on in iteration (\d+) of 1000000, from '{output}.checkpoint'", err)
    assert not output.exists() and not Path(f"{output}.lock").exists()
    return int(said) - 1


def goes_on_to_the_same_bytes(run, dataset, output, finished, ranks):
    """Two iterations more, against a run that did all of them at once; gives the resumed run's row."""
    straight, report = output.with_name("straight.h5"), output.with_name("report.json")
    iterations = ("--iterations", finished + 2)
    resumed = run.good(*words_of(dataset, output, ranks), *iterations, "--resume", "--json", report, ranks=ranks)
    assert f"goes on in iteration {finished + 1} of {finished + 2}" in resumed.err
    run.good(*words_of(dataset, straight, ranks), *iterations, ranks=ranks)
    assert digest(output) == digest(straight)
    assert not Path(f"{output}.checkpoint").exists()
    (row,) = json.loads(report.read_text())["benchmarks"]
    assert len(row["seconds_of_iterations"]) == finished + 2
    assert row["relative_rmse_after"] == list(range(1, finished + 3))
    return row


@pytest.mark.parametrize(
    ("ranks", "number", "whom"),
    [(1, signal.SIGTERM, "launcher"), (1, signal.SIGUSR2, "launcher"), (2, signal.SIGUSR1, "launcher"), (2, signal.SIGUSR1, "rank")],
)
def test_a_signal_before_the_limit(run, tiny_dataset, output, ranks, number, whom):
    process = run.start(*words_of(tiny_dataset, output, ranks), *ENDLESS, ranks=ranks)
    wait_for(Path(f"{output}.lock"))
    stop(process, number, whom)
    finished = ended_with_a_checkpoint(process, output)
    row = goes_on_to_the_same_bytes(run, tiny_dataset, output, finished, ranks)
    assert row["resumed_at"] == [finished] and row["checkpoints"] == 1
    assert row["checkpoint_seconds"] > 0 and row["checkpoint_bytes"] > 4 * row["extended_voxels_max"]


@pytest.mark.parametrize("ranks", [1, 2])
def test_a_kill_without_warning(run, tiny_dataset, output, ranks):
    process = run.start(*words_of(tiny_dataset, output, ranks), *ENDLESS, "--checkpoint-every", 1, ranks=ranks)
    wait_for(Path(f"{output}.checkpoint/b/manifest"))
    process.kill()
    process.communicate(timeout=60)
    wait_until_free(output)
    beyond = run.rejects(*words_of(tiny_dataset, output, ranks), "--iterations", 1, "--resume", ranks=ranks, says=["--iterations: 1"])
    finished = int(re.search(r"is in iteration (\d+)", beyond.errors[0])[1])
    assert goes_on_to_the_same_bytes(run, tiny_dataset, output, finished, ranks)["resumed_at"] == [finished]


def wait_until_free(output):
    """A launcher's ranks outlive its kill for a moment."""
    deadline = time.monotonic() + 60
    with open(f"{output}.lock", "a") as lock:
        while time.monotonic() < deadline:
            try:
                return fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                time.sleep(0.05)
    pytest.fail("a rank lives on")


def test_another_run_is_refused_by_name(run, tiny_dataset, output):
    words = words_of(tiny_dataset, output, 1)
    process = run.start(*words, *ENDLESS)
    wait_for(Path(f"{output}.lock"))
    process.send_signal(signal.SIGUSR1)
    ended_with_a_checkpoint(process, output)
    run.rejects(*words, *ENDLESS, "--update", "batch", "--resume", says=["--resume: update was none", "is batch now"])
    run.rejects(*words, *ENDLESS, "--step", 1, "--resume", says=["step was the default", "is 1 now"])
    anew = run.good(*words, "--iterations", 1)
    assert f"replaces the checkpoint in '{output}.checkpoint'" in anew.err
    assert not Path(f"{output}.checkpoint").exists()
    nothing = run.good(*words, "--iterations", 1, "--resume")
    assert "no checkpoint" in nothing.err and "begins with the first iteration" in nothing.err


def test_control_c_makes_none_unless_asked(run, tiny_dataset, output):
    process = run.start(*words_of(tiny_dataset, output, 1), *ENDLESS)
    wait_for(Path(f"{output}.lock"))
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode in (130, -signal.SIGINT) and not Path(f"{output}.checkpoint").exists(), err


@pytest.mark.parametrize("period", ["0", "-1", "1.5", "5 min", "min", "0s", "soon", "nan s"])
def test_a_period_that_is_none(run, tiny_dataset, output, period):
    run.rejects(*words_of(tiny_dataset, output, 1), "--checkpoint-every", period, says=["--checkpoint-every", period, "15min"])
