"""Commands of one process do not start MPI, and a rank that srun starts in a way that MPI cannot use is told what helps."""


import pytest
from conftest import ERROR

# Open MPI finds none of its parts, so that MPI_Init fails, as where its launcher's programs are missing.
NO_MPI = {"OMPI_MCA_pml": "no-such-part"}


@pytest.fixture(scope="module")
def open_mpi(run):
    if "Open MPI" not in run.good("info").out:
        pytest.skip("how to make MPI_Init fail is known of Open MPI only")


def test_reconstruct_needs_mpi(run, open_mpi, tiny_dataset, tmp_path):
    """Else what the others show would be nothing."""
    assert run("reconstruct", tiny_dataset, "--method", "serial", "-o", tmp_path / "out.h5", environment=NO_MPI).code != 0


@pytest.mark.parametrize(
    "words", [["--help"], ["--version"], ["info"], ["info", "CASE"], ["plan", "--case", "CASE", "--ranks", "2"], ["reconstruct", "--help"], ["rates", "--help"]]
)
def test_what_needs_no_mpi_starts_none(run, open_mpi, tiny_case, words):
    result = run.good(*(tiny_case if word == "CASE" else word for word in words), environment=NO_MPI)
    assert result.out and not result.err


def test_mistakes_are_said_without_mpi(run, open_mpi):
    result = run("reconstruct", "--no-such-option", environment=NO_MPI)
    assert result.code == 2 and len(result.err.splitlines()) == 1 and result.err.startswith(ERROR)


def test_of_several_ranks_one_speaks(run):
    assert run.good("reconstruct", "--help", ranks=2).out.count("Usage:") == 1
    result = run("reconstruct", "--no-such-option", ranks=2)
    assert result.code == 2 and len(result.errors) == 1


# Slurm's, of a task that srun started without PMIx.
TASK = {"SLURM_STEP_ID": "0", "SLURM_PROCID": "0", "SLURM_STEP_NUM_TASKS": "4"}
HELPED = [{"PMIX_RANK": "0"}, {"SLURM_STEP_ID": "4294967290"}, {"SLURM_PROCID": None}]


def words_of(dataset, output):
    return ["reconstruct", dataset, "--method", "serial", "--iterations", 1, "-o", output]


def test_a_task_of_srun_without_pmix_is_told_what_helps(run, open_mpi, tiny_dataset, tmp_path):
    result = run(*words_of(tiny_dataset, tmp_path / "out.h5"), environment=TASK)
    assert result.code == 1 and len(result.err.splitlines()) == 1
    assert all(text in result.err for text in ["srun", "without PMIx", "srun --mpi=pmix", "--mpi=list"])


def test_a_task_of_srun_with_pmi2_is_warned(run, open_mpi, tiny_dataset, tmp_path):
    result = run(*words_of(tiny_dataset, tmp_path / "out.h5"), environment={**TASK, **NO_MPI, "PMI_RANK": "0"})
    assert "warning: srun started this with PMI-2" in result.err and "srun --mpi=pmix" in result.err


@pytest.mark.parametrize("more", HELPED)
def test_others_are_not(run, open_mpi, tiny_dataset, tmp_path, more):
    result = run(*words_of(tiny_dataset, tmp_path / "out.h5"), environment={**TASK, "SLURM_STEP_NUM_TASKS": "1", **more})
    assert "without PMIx" not in result.err


def test_the_job_is_in_the_report(run, tiny_dataset, tmp_path):
    job = {"SLURM_JOB_ID": "77", "SLURM_JOB_NODELIST": "n[1-2]"}
    result = run.good(*words_of(tiny_dataset, tmp_path / "out.h5"), "--json", "-", environment=job)
    assert result.out.count('"job"') == 1
    assert all(text in result.out for text in ['"scheduler": "Slurm"', '"id": "77"', '"nodes": "n[1-2]"'])
    assert '"job"' not in run.good("info", tmp_path / "out.h5", "--json").out, "its bytes do not depend on when it was made"
