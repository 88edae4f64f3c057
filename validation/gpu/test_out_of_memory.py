"""A GPU with too little memory: what is said, that it helps, and that nothing is left behind. Needs CUDA on the host, whose device has
as much memory as CUDA_ON_HOST_MIB says."""

import os
import re
import subprocess
from pathlib import Path

import pytest
from patience import HANG_SECONDS

PROGRAM = os.environ["PTYCHOSCALE"]


def run(*command, mebibytes):
    small = {**os.environ, "CUDA_ON_HOST_MIB": str(mebibytes)}
    return subprocess.run(list(map(str, command)), capture_output=True, text=True, env=small, timeout=HANG_SECONDS)


def error_of(result):
    assert result.returncode == 1, result.stderr
    (error,) = [line for line in result.stderr.splitlines() if "error: " in line]
    return error


@pytest.fixture(scope="module")
def dataset(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("dataset") / "smoke.h5"
    subprocess.run([PROGRAM, "simulate", "smoke", "-o", path], check=True, capture_output=True)
    return path


def test_every_rank_stops_and_leaves_nothing(dataset, tmp_path):
    before = dataset.read_bytes()
    options = ["--method", "gd", "--backend", "cuda", "-o", tmp_path / "out.h5", "--json", tmp_path / "out.json"]
    result = run("mpirun", "-n", 2, PROGRAM, "reconstruct", dataset, *options, mebibytes=1)
    assert re.search(
        r"GPU memory: .* for \w+ are not to be had, .* of 1\.0 MB are free; this process holds .*; "
        r"what may fit: more ranks on more GPUs$",
        error_of(result),
    )
    assert list(tmp_path.iterdir()) == []
    assert dataset.read_bytes() == before


def test_a_simulation_does_not_offer_options_it_has_not(tmp_path):
    result = run(PROGRAM, "simulate", "smoke", "-o", tmp_path / "out.h5", "--backend", "cuda", mebibytes=1)
    assert error_of(result).endswith("what may fit: a GPU with more memory")
    assert not (tmp_path / "out.h5").exists()


@pytest.mark.parametrize(
    ("mebibytes", "positions", "options", "offered"),
    [
        (6, 40, [], ["--measurements stream", "--measurement-type float16"]),
        (4, 1, ["--adjoint", "store"], ["--adjoint reverse", "--adjoint checkpoint"]),
    ],
    ids=["measurements", "waves"],
)
def test_what_is_offered_fits(mebibytes, positions, options, offered):
    """4 MiB hold the tile of `ci` and some of its waves, 6 some of its patterns too. One process is offered no ranks."""
    part = ["reconstruct", "--case", "ci", "--as-rank", 0, "--of", 1, "--method", "serial", "--iterations", 1]
    command = [PROGRAM, *part, "--positions", positions, "--backend", "cuda"]
    error = error_of(run(*command, *options, mebibytes=mebibytes))
    assert error.split("what may fit: ")[1].split(", ") == offered
    for way in offered:
        others = options if way.split()[0] not in options else []
        result = run(*command, *others, *way.split(), mebibytes=mebibytes)
        assert result.returncode == 0, (way, result.stderr)
