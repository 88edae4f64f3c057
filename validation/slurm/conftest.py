"""Real jobs, on the Slurm that ci/slurm-check has started: one node, with more cores than it has."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "bench"), str(ROOT / "validation")]

from patience import HANG_SECONDS  # noqa: E402

PROGRAM = os.environ["PTYCHOSCALE"]
JOBS = ROOT / "bench" / "jobs"
ENDED = ("COMPLETED", "FAILED", "TIMEOUT", "CANCELLED", "NODE_FAIL", "OUT_OF_MEMORY")


def command(*words, **options):
    return subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=HANG_SECONDS, **options)


def good(*words, **options) -> str:
    """What a command prints that has to end well."""
    result = command(*words, **options)
    assert result.returncode == 0, (words, result.stdout, result.stderr)
    return result.stdout


class Job:
    """A batch job and its log."""

    def __init__(self, folder: Path, *words):
        self.log = folder / "job.log"
        said = good("sbatch", "--parsable", f"--output={self.log}", *words, cwd=folder)
        self.number = said.strip()

    def about(self) -> dict[str, str]:
        """What Slurm knows of it."""
        fields = good("scontrol", "--oneliner", "show", "job", self.number).split()
        return dict(field.split("=", 1) for field in fields if "=" in field)

    def wait(self, until=ENDED) -> str:
        """Its state, as soon as that is one of some."""
        deadline = time.monotonic() + HANG_SECONDS
        while (state := self.about()["JobState"]) not in until:
            assert time.monotonic() < deadline, f"job {self.number} is still {state}"
            time.sleep(0.5)
        return state

    def hurry(self, *changes: str) -> None:
        """Starts a job that was queued again, which otherwise waits for two minutes; `changes` as of scontrol."""
        self.wait(["PENDING"])
        while self.number in good("squeue", "--noheader", "--states=COMPLETING", "--format=%i").split():
            time.sleep(0.5)
        time.sleep(2)  # what Slurm still has to do with the last start is not to be seen
        good("scontrol", "update", f"JobId={self.number}", "StartTime=now", *changes)
        self.wait(["RUNNING", "COMPLETED"])

    def complete(self) -> str:
        """Its log, when it has ended well."""
        state, log = self.wait(), self.log.read_text()
        assert state == "COMPLETED", (state, log)
        return log


@pytest.fixture
def srun(tmp_path):
    def run(*words):
        return command("srun", *words, cwd=tmp_path)

    return run


@pytest.fixture(scope="session")
def dataset(tmp_path_factory):
    file = tmp_path_factory.mktemp("dataset") / "smoke.h5"
    good(PROGRAM, "simulate", "smoke", "-o", file)
    return file


def rows_of(report: Path) -> list[dict]:
    return json.loads(report.read_text())["benchmarks"]
