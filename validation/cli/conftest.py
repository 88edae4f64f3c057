"""What the tests of the command line share: running it, and small inputs for it."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "bench"), str(ROOT / "validation")]

from patience import HANG_SECONDS  # noqa: E402

from harness.runs.mpi_settings import AS_ROOT, AT_ONCE, OUTNUMBER, UNBOUND, mpi_settings  # noqa: E402

PROGRAM = os.environ.get("PTYCHOSCALE", "build/cpu/bin/ptychoscale")
ERROR = "ptychoscale: error: "
RANKS = pytest.mark.parametrize("ranks", [1, 2])  # for what the ranks may find out differently, or each for itself

# A few positions, a few slices: a run takes a fraction of a second.
TINY = {
    "name": "tiny",
    "description": "for tests",
    "detector": [48, 48],
    "pixel_A": [0.25, 0.25],
    "volume": [72, 72],
    "slices": 2,
    "scan": {"rows": 4, "columns": 4},
    "scan_step_A": [2.0, 2.0],
    "semiangle_mrad": 20,
    "C10_A": -150,
    "specimen": {"vacancy_fraction": 0.02, "disorder_A": 0.05},
}


@dataclass
class Result:
    code: int
    out: str
    err: str

    @property
    def errors(self):
        return [line for line in self.err.splitlines() if ERROR in line]


class CommandLine:
    """Runs the program, alone or under mpirun; a run that hangs fails the test."""

    def __init__(self, cache: Path):
        self.environment = {
            **os.environ,
            **mpi_settings(UNBOUND, OUTNUMBER, AS_ROOT),
            "OMP_NUM_THREADS": "1",
            "ASAN_OPTIONS": "detect_leaks=0",  # MPI keeps memory until the end
            "XDG_CACHE_HOME": str(cache),
        }

    def start(self, *arguments, ranks=1, environment=None, **options):
        """`environment`: what differs from that of all runs; None takes a variable away."""
        launcher = ["mpirun", "-n", str(ranks)] if ranks > 1 else []
        variables = {**self.environment, **(environment or {})}
        return subprocess.Popen(
            [*launcher, PROGRAM, *map(str, arguments)],
            stderr=subprocess.PIPE,
            text=True,
            env={name: value for name, value in variables.items() if value is not None},
            **{"stdout": subprocess.PIPE, **options},
        )

    def __call__(self, *arguments, ranks=1, **options):
        process = self.start(*arguments, ranks=ranks, **options)
        try:
            out, err = process.communicate(timeout=HANG_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            pytest.fail(f"hangs: {' '.join(map(str, arguments))} on {ranks} rank(s)")
        return Result(process.returncode, out, err)

    def good(self, *arguments, **options):
        result = self(*arguments, **options)
        assert result.code == 0, result.err
        return result

    def rejects(self, *arguments, says=(), **options):
        """Exit code 2 and one line of error that contains each of `says`."""
        result = self(*arguments, environment=mpi_settings(AT_ONCE), **options)
        assert result.code == 2, (result.code, result.out, result.err)
        assert len(result.errors) == 1, result.err
        for word in says:
            assert str(word) in result.errors[0]
        return result


@pytest.fixture(scope="session")
def run(tmp_path_factory):
    return CommandLine(tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="session")
def tiny_case(tmp_path_factory):
    file = tmp_path_factory.mktemp("case") / "tiny.json"
    file.write_text(json.dumps(TINY))
    return file


@pytest.fixture(scope="session")
def tiny_dataset(run, tiny_case, tmp_path_factory):
    file = tmp_path_factory.mktemp("dataset") / "tiny.h5"
    run.good("simulate", tiny_case, "-o", file)
    return file


@pytest.fixture
def damaged(tiny_dataset, tmp_path):
    """A copy of a good dataset, to be damaged through `with h5py.File(...)`."""
    file = tmp_path / "damaged.h5"
    shutil.copy(tiny_dataset, file)
    return file


@pytest.fixture
def output(tmp_path):
    return tmp_path / "out.h5"


def reconstruct_rejects(run, dataset, output, ranks, *options, says=()):
    method = "serial" if ranks == 1 else "gd"
    run.rejects("reconstruct", dataset, "-o", output, "--method", method, *options, ranks=ranks, says=says)
    assert not output.exists()
