"""What launcher templates become, and what a batch system's job says of nodes and cores."""

import pytest

from harness.base.errors import InputError
from harness.runs import launchers, program
from harness.runs.allocation import allocation

VARIABLES = ["SLURM_JOB_ID", "SLURM_JOB_CPUS_PER_NODE", "SLURM_CPUS_PER_TASK", "SLURM_NTASKS_PER_NODE", "SLURM_STEP_ID", "LSB_JOBID"]
VARIABLES += ["LSB_MCPU_HOSTS", "PTYCHOSCALE_RANKS_PER_NODE"]


@pytest.fixture(autouse=True)
def outside_of_any_job(monkeypatch):
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def job(monkeypatch):
    def enter(**variables):
        for name, value in variables.items():
            monkeypatch.setenv(name, value)

    return enter


def slurm(cores, **more):
    return {"SLURM_JOB_ID": "77", "SLURM_JOB_CPUS_PER_NODE": cores, **more}


def test_words_are_a_shells():
    words = launchers.words("""srun --comment="a b" --export 'X=1 2' -n {ranks}""", 4)
    assert words == ["srun", "--comment=a b", "--export", "X=1 2", "-n", "4"]


@pytest.mark.parametrize(
    "template, says",
    [
        ("mpirun", "{ranks}"),
        ("mpirun -n {rank}", "{rank} is unknown"),
        ("mpirun -n {ranks} {}", "{} is unknown"),
        ("mpirun -n {ranks} -x {ranks", "{ranks is unknown"),
        ("mpirun -n '{ranks}", "closing quotation"),
    ],
)
def test_what_a_template_cannot_say_is_refused(template, says):
    with pytest.raises(InputError) as error:
        launchers.words(template, 2)
    assert says in str(error.value) and template in str(error.value) and "valid: " in str(error.value) and "\n" not in str(error.value)


ALL = "run -N {nodes} -p {ranks_per_node} -n {ranks} -c {threads} -g {gpus}"


@pytest.mark.parametrize(
    "environment, ranks, expected",
    [
        ({}, 2, "1 2 2 4 1"),
        (slurm("72(x2)"), 6, "2 3 6 24 1"),
        (slurm("72(x2)"), 1, "1 1 1 72 1"),
        (slurm("72(x3),36"), 3, "3 1 3 36 1"),
        (slurm("72(x2)", SLURM_CPUS_PER_TASK="7", SLURM_NTASKS_PER_NODE="6"), 8, "2 6 8 7 1"),
        (slurm("72(x2)", PTYCHOSCALE_RANKS_PER_NODE="4"), 4, "1 4 4 18 1"),
        ({"LSB_JOBID": "5", "LSB_MCPU_HOSTS": "batch 1 a 42 b 42"}, 12, "2 6 12 7 1"),
        ({"LSB_JOBID": "5", "LSB_MCPU_HOSTS": "a 8"}, 2, "1 2 2 4 1"),
    ],
)
def test_nodes_and_threads_are_the_jobs(job, environment, ranks, expected):
    job(**environment)
    words = launchers.words(ALL, ranks, gpus=1, threads_here=8)
    assert " ".join(words[2::2]) == expected


def test_threads_that_are_told_are_taken(job):
    job(**slurm("72"))
    assert launchers.words("srun -n {ranks} -c {threads}", 2, threads=5)[-1] == "5"


@pytest.mark.parametrize("template", ["srun -n {ranks} -c {threads}", "/usr/bin/srun -N {nodes} -n {ranks}", "jsrun -n {ranks} -c {threads}"])
def test_a_login_nodes_cores_are_not_those_of_a_job(template):
    with pytest.raises(InputError, match="there is no job"):
        launchers.words(template, 2)


def test_a_job_that_is_too_small_is_refused(job):
    job(**slurm("8(x2)", SLURM_NTASKS_PER_NODE="4"))
    with pytest.raises(InputError, match="12 at 4 per node need 3 nodes, and Slurm job 77 has 2"):
        launchers.words("srun -N {nodes} -n {ranks}", 12)


@pytest.mark.parametrize(
    "environment", [slurm("many"), slurm("8", SLURM_CPUS_PER_TASK="0"), {"LSB_JOBID": "5", "LSB_MCPU_HOSTS": "a b"}]
)
def test_a_job_that_makes_no_sense_is_said(job, environment):
    job(**environment)
    with pytest.raises(InputError, match="the environment of this job"):
        allocation()


@pytest.mark.parametrize(
    "step, template, warned",
    [
        ("0", "srun -n {ranks}", True),
        ("0", "srun --overlap -n {ranks}", False),
        ("0", "mpirun -n {ranks}", False),
        ("4294967290", "srun -n {ranks}", False),  # an interactive shell of salloc
        (None, "srun -n {ranks}", False),
    ],
)
def test_a_step_that_would_wait_for_itself_is_said(job, step, template, warned):
    if step:
        job(SLURM_STEP_ID=step)
    assert bool(launchers.warning(template)) == warned


@pytest.mark.parametrize("backend, gpus", [("cuda", "1"), ("cpu", "0")])
def test_ranks_have_a_gpu_each_when_that_computes(backend, gpus):
    words = program.launcher_words("run -g {gpus} -c {threads} -n {ranks}", 4, ["reconstruct", "--backend", backend, "--threads", "3"])
    assert words == ["run", "-g", gpus, "-c", "3", "-n", "4"]
