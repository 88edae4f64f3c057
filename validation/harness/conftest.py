"""What the tests of the harness share: a case that runs in a fraction of a second, and running commands in this process."""

import json
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

sys.path[:0] = [str(Path(__file__).parents[2] / "bench"), str(Path(__file__).parents[1])]

# The case `smoke`, with fewer iterations: on a smaller one even an intact exchange of two ranks nears the limits of seams.
TINY = {
    "name": "tiny",
    "description": "for tests",
    "detector": [64, 64],
    "pixel_A": [0.25, 0.25],
    "volume": [112, 112],
    "slices": 4,
    "scan": {"rows": 6, "columns": 6},
    "scan_step_A": [2.0, 2.0],
    "semiangle_mrad": 25,
    "C10_A": -200,
    "specimen": {"domain_wall": 0.5, "domain_wall_shift_A": 0.3, "vacancy_fraction": 0.02, "disorder_A": 0.05},
    "iterations": 3,
}


@dataclass
class Result:
    code: int
    out: str
    err: str


@pytest.fixture
def harness(capfd):
    """Runs `ptychoscale COMMAND ...` without a new python."""
    from harness.__main__ import main

    def run(*arguments) -> Result:
        capfd.readouterr()
        code = main([str(a) for a in arguments])
        return Result(code, *capfd.readouterr())

    return run


@pytest.fixture
def rejects(harness):
    """Exit code 2 and one line of error that contains each of `says`."""

    def run(*arguments, says=()):
        result = harness(*arguments)
        assert result.code == 2, (result.out, result.err)
        (line,) = [line for line in result.err.splitlines() if line.startswith("ptychoscale: error: ")]
        for word in says:
            assert str(word) in line
        return result

    return run


def replace_kernel_times(file: Path, seconds_per_position: float, bytes_per_second: float) -> None:
    """Fixed kernel times in the place of those that this machine took: what is simulated with them is the same everywhere."""
    report = json.loads(file.read_text())
    assert all(row["seconds_per_position"] > 0 for row in report["benchmarks"]) and report["context"]["memory_bytes_per_second"] > 0
    for row in report["benchmarks"]:
        row["seconds_per_position"] = seconds_per_position
    report["context"]["memory_bytes_per_second"] = bytes_per_second
    file.write_text(json.dumps(report))


@pytest.fixture(scope="session")
def tiny_case(tmp_path_factory):
    file = tmp_path_factory.mktemp("case") / "tiny.json"
    file.write_text(json.dumps(TINY))
    return file


@pytest.fixture(scope="session")
def tiny_dataset(tiny_case, tmp_path_factory):
    from harness.runs import program

    file = tmp_path_factory.mktemp("dataset") / "tiny.h5"
    program.ask("simulate", tiny_case, "-o", file)
    return file
