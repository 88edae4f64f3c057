"""What bench/README.md says of Slurm, done; the job scripts are those of bench/jobs."""

import json
import os

import pytest
from conftest import JOBS, PROGRAM, Job, command, good, rows_of

SRUN = "srun --mpi=pmix -n {ranks} -c {threads}"


def test_ranks_of_srun_are_ranks(srun, dataset, tmp_path):
    """The same bits as those of MPI's own launcher, and a report that says which job it was."""
    words = [PROGRAM, "reconstruct", dataset, "--method", "gd", "--iterations", 3, "--threads", 1]
    result = srun("--mpi=pmix", "-n", 4, *map(str, words), "-o", "srun.h5", "--json", "srun.json")
    assert result.returncode == 0, result.stderr
    good("mpirun", "-n", 4, *words, "-o", tmp_path / "mpirun.h5")
    assert (tmp_path / "srun.h5").read_bytes() == (tmp_path / "mpirun.h5").read_bytes()
    report = json.loads((tmp_path / "srun.json").read_text())
    assert report["benchmarks"][0]["ranks"] == 4
    context = report["context"]
    assert context["launcher"] == "srun" and context["job"]["scheduler"] == "Slurm" and context["job"]["nodes"] == "node1"
    assert [rank["rank"] for rank in context["ranks"]] == [0, 1, 2, 3] and all(rank["cores"] for rank in context["ranks"])


@pytest.mark.parametrize("pmi", ["none", "pmi2"])
def test_a_wrong_pmi_is_refused_with_what_helps(srun, dataset, tmp_path, pmi):
    result = srun(f"--mpi={pmi}", "-n", "2", PROGRAM, "reconstruct", str(dataset), "-o", "out.h5")
    assert result.returncode != 0 and not (tmp_path / "out.h5").exists()
    said = [line for line in result.stderr.splitlines() if line.startswith("ptychoscale: ")]
    assert len(said) == 1 and "srun --mpi=pmix" in said[0]


def test_what_needs_no_mpi_runs_under_any_launcher(srun):
    assert srun("-n", "1", PROGRAM, "plan", "--case", "smoke", "--ranks", "4").returncode == 0
    assert srun("-n", "2", PROGRAM, "reconstruct", "--help").stdout.count("Usage:") == 1


def test_a_signal_makes_a_checkpoint_and_the_job_goes_on(dataset, tmp_path):
    """As before the limit of time, of which Slurm gives the same signal (--signal of the script)."""
    options = ["--method", "gd", "--iterations", "200", "--threads", "1"]
    job = Job(tmp_path, "-n", 2, "-t", 5, JOBS / "reconstruct.sbatch", dataset, "out.h5", "--checkpoint-every", "5", *options)
    job.wait(["RUNNING"])
    while not list(tmp_path.glob("out.h5.checkpoint/*")):
        assert job.about()["JobState"] == "RUNNING", job.log.read_text()
    good("scancel", "--signal=USR1", job.number)
    job.hurry()
    log = job.complete()
    assert job.about()["Restarts"] == "1" and "iterations" in log
    good("mpirun", "-n", 2, PROGRAM, "reconstruct", dataset, "-o", tmp_path / "whole.h5", *options)
    assert (tmp_path / "out.h5").read_bytes() == (tmp_path / "whole.h5").read_bytes()


def test_bench_in_a_job(tmp_path):
    job = Job(tmp_path, "-n", 2, "-c", 2, JOBS / "bench.sbatch", "smoke", "runs", "--iterations", "3")
    job.complete()
    rows = rows_of(tmp_path / "runs/report.json")
    assert [(row["method"], row["ranks"], row["threads"], row["verified"]) for row in rows] == [
        ("serial", 1, 2, True), ("gd", 2, 2, True), ("hve", 2, 2, True),
    ]  # fmt: skip
    report = json.loads((tmp_path / "runs/report.json").read_text())
    assert report["context"]["launcher"] == "srun" and report["context"]["job"]["id"] == job.number


def test_bench_from_a_login_shell(dataset, tmp_path):
    words = [PROGRAM, "bench", "smoke", "--dataset", dataset, "-o", tmp_path, "--methods", "gd", "--ranks", 2, "--iterations", 2]
    refused = command(*words, "--control", "none", "--launcher", SRUN)
    assert refused.returncode == 2 and "there is no job" in refused.stderr, "its cores are not those of the node"
    good(*words, "--control", "none", "--launcher", SRUN, "--threads", 1)
    (row,) = rows_of(tmp_path / "report.json")
    assert row["verified"] and row["ranks"] == 2


def test_bench_in_a_step_says_what_it_waits_for(srun, dataset, tmp_path):
    words = ["bench", "smoke", "--dataset", str(dataset), "-o", "runs", "--methods", "gd", "--ranks", "2", "--iterations", "2", "--control", "none"]
    result = srun("-n", "1", "-c", "4", PROGRAM, *words, "--launcher", "srun -n {ranks}", "--time-limit", "5s")
    assert result.returncode == 1 and "--overlap" in result.stderr
    result = srun("-n", "1", "-c", "4", PROGRAM, *words, "--launcher", "srun --mpi=pmix --overlap -n {ranks}")
    assert result.returncode == 0, result.stderr


def test_a_sweep_as_a_job_array(tmp_path):
    job = Job(tmp_path, "-n", 4, "--array=0-2", "--wait", JOBS / "sweep.sbatch", "smoke", "sweep", "--methods", "gd", "--iterations", "2")
    assert job.number
    rows = [rows_of(tmp_path / f"sweep/{ranks}/report.json") for ranks in (1, 2, 4)]
    cores = len(os.sched_getaffinity(0))  # of which Slurm believes there are eight
    assert [(row["ranks"], row["threads"]) for (row,) in rows] == [(1, min(8, cores)), (2, min(4, cores)), (4, min(2, cores))]
    good(PROGRAM, "report", tmp_path / "sweep", "-o", tmp_path / "page")
    assert (tmp_path / "page/index.html").is_file()
