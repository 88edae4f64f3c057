"""`--backend cuda` where no GPU can be used: exit code 2 and one line with the versions of driver and toolkit."""

import os
import re
import subprocess
from pathlib import Path

import pytest
from patience import HANG_SECONDS

PROGRAM = os.environ["PTYCHOSCALE"]
GOLDEN = Path(__file__).parents[1] / "golden/pto_static_lobato_200kV_hard_32x24.h5"
CASE = "smoke"


def run(*command):
    """On a machine that shows no GPU, whether it has one or not."""
    hidden = {**os.environ, "CUDA_VISIBLE_DEVICES": "-1"}
    return subprocess.run(list(map(str, command)), capture_output=True, text=True, env=hidden, timeout=HANG_SECONDS)


@pytest.mark.parametrize(
    "command",
    [
        ["simulate", CASE, "-o", "out.h5"],
        ["validate", "golden", GOLDEN],
        ["reconstruct", "--case", CASE, "--as-rank", 0, "--of", 1, "--method", "serial"],
        ["rates", "-o", "rates.json"],
    ],
    ids=lambda command: command[0],
)
def test_is_refused_with_the_versions(command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = run(PROGRAM, *command, "--backend", "cuda")
    assert result.returncode == 2, result.stderr
    (error,) = [line for line in result.stderr.splitlines() if "error:" in line]
    assert "'cuda' finds no usable GPU" in error
    assert re.search(r"driver .*CUDA (none|\d+\.\d+)", error), error
    assert re.search(r"built with CUDA \d+\.\d+", error), error
    assert list(tmp_path.iterdir()) == []


def test_messages_that_mpi_does_not_take_are_refused(tmp_path):
    """Which shows nothing where MPI takes a GPU's memory: then the GPU that is hidden here is what is missing."""
    command = ["reconstruct", "--case", CASE, "--as-rank", 0, "--of", 2, "--method", "gd", "--backend", "cuda"]
    result = run(PROGRAM, *command, "--messages", "device")
    assert result.returncode == 2, result.stderr
    (error,) = [line for line in result.stderr.splitlines() if "error:" in line]
    if "finds no usable GPU" in error:
        pytest.skip("this MPI library takes a GPU's memory")
    assert "messages: 'device' needs an MPI library" in error
    assert "valid: auto, host" in error


def test_all_ranks_stop_before_a_dataset_is_begun(tmp_path):
    result = run("mpirun", "-n", 2, PROGRAM, "simulate", CASE, "-o", tmp_path / "out.h5", "--backend", "cuda")
    assert result.returncode == 2, result.stderr
    assert result.stderr.count("finds no usable GPU") == 1, result.stderr
    assert list(tmp_path.iterdir()) == []


def test_all_ranks_stop(tmp_path):
    dataset = tmp_path / "smoke.h5"
    assert run(PROGRAM, "simulate", CASE, "-o", dataset).returncode == 0
    options = ["reconstruct", dataset, "-o", tmp_path / "out.h5", "--method", "gd", "--backend", "cuda"]
    result = run("mpirun", "-n", 2, PROGRAM, *options)
    assert result.returncode == 2, result.stderr
    assert result.stderr.count("finds no usable GPU") == 1, result.stderr
    assert list(tmp_path.iterdir()) == [dataset]
