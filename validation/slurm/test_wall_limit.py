"""A job that Slurm kills at its limit of time, which is a minute at least."""

import pytest
from conftest import PROGRAM, Job, good, rows_of

SECONDS = 70  # of a run that has the machine for itself; two at once take twice as long, and Slurm ends jobs after 60 to 90 s


def iterations(dataset, folder) -> int:
    """That take so long on this machine, now."""
    good("mpirun", "-n", 2, PROGRAM, "reconstruct", dataset, "--method", "gd", "--threads", 1, "--iterations", 50,
         "-o", folder / "pace.h5", "--json", folder / "pace.json")  # fmt: skip
    return int(SECONDS / rows_of(folder / "pace.json")[0]["seconds_per_iteration"])


@pytest.fixture(scope="module")
def options(dataset, tmp_path_factory):
    return ["--method", "gd", "--threads", "1", "--iterations", str(iterations(dataset, tmp_path_factory.mktemp("pace")))]


def test_a_job_killed_at_its_limit_goes_on_to_the_same_bits(dataset, options, tmp_path):
    reconstruct = f"srun --mpi=pmix {PROGRAM} reconstruct {dataset} {' '.join(options)}"
    limited = Job(tmp_path, "-n", 2, "-t", 1, "--wrap", f"{reconstruct} -o limited.h5 --checkpoint-every 5s --resume")
    whole = Job(tmp_path, "-n", 2, "--wrap", f"{reconstruct} -o whole.h5")
    assert limited.wait() == "TIMEOUT"
    assert not (tmp_path / "limited.h5").exists() and list(tmp_path.glob("limited.h5.checkpoint/*"))
    good("scontrol", "requeue", limited.number)
    limited.hurry("TimeLimit=10")
    limited.complete()
    whole.complete()
    assert limited.about()["Restarts"] == "1"
    assert (tmp_path / "limited.h5").read_bytes() == (tmp_path / "whole.h5").read_bytes()
