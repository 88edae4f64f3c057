"""What cannot be run as asked: decompositions, memory, steps, launchers."""

import json
import resource
import subprocess

import pytest
from conftest import PROGRAM, RANKS, TINY, reconstruct_rejects

# Decompositions


def test_mesh_of_other_size_than_ranks(run, output, tiny_dataset):
    reconstruct_rejects(run, tiny_dataset, output, 2, "--mesh", "3x1", says=["3", "2"])


def test_more_ranks_than_positions(run, output, tmp_path):
    case = tmp_path / "few.json"
    case.write_text(json.dumps({**TINY, "scan": {"rows": 2, "columns": 1}}))
    dataset = tmp_path / "few.h5"
    run.good("simulate", case, "-o", dataset)
    run.rejects("reconstruct", dataset, "-o", output, "--method", "gd", ranks=3, says=["3", "2"])
    assert not output.exists()


def test_halo_wider_than_a_core(run, output, tiny_dataset):
    """The line names what works for 4 x 4 positions on 72 pixels."""
    words = ["reconstruct", tiny_dataset, "-o", output, "--method", "hve"]
    run.rejects(*words, "--mesh", "4x1", ranks=4, says=["valid: another mesh"])
    run.rejects(*words, ranks=3, says=["nearest smaller number of ranks that works is 2"])
    assert not output.exists()


def test_serial_on_two_ranks(run, output, tiny_dataset):
    run.rejects("reconstruct", tiny_dataset, "-o", output, "--method", "serial", ranks=2, says=["serial", "2"])


@RANKS
@pytest.mark.parametrize("update", ["once", "as_printed"])
def test_positions_at_once_under_a_rule_that_steps_in_between(run, output, tiny_dataset, ranks, update):
    options = ["--update", update, "--positions-at-once", 3]
    reconstruct_rejects(run, tiny_dataset, output, ranks, *options, says=["positions_at_once: 3", update, "update batch"])


def test_positions_at_once_of_hve(run, output, tiny_dataset):
    options = ["--update", "batch", "--positions-at-once", 3]
    run.rejects("reconstruct", tiny_dataset, "-o", output, "--method", "hve", *options, ranks=2, says=["3", "hve", "gd"])
    assert not output.exists()


# Memory


def limit_address_space(gigabytes):
    return lambda: resource.setrlimit(resource.RLIMIT_AS, (gigabytes << 30, gigabytes << 30))


@pytest.mark.parametrize("adjoint", ["store", "reverse"])
def test_too_little_memory_is_said_before_anything_runs(run, adjoint):
    if "libasan" in subprocess.run(["ldd", PROGRAM], capture_output=True, text=True, check=True).stdout:
        pytest.skip("a sanitizer takes more address space than it uses")
    words = ["--case", "pbtio3-small", "--method", "serial", "--as-rank", 0, "--of", 1, "--threads", 1, "--positions", 1]
    result = run("reconstruct", *words, "--adjoint", adjoint, "--measurements", "stream", preexec_fn=limit_address_space(1))
    assert result.code in (1, 2)
    (line,) = result.errors
    assert "memory: " in line and " GB" in line and "free" in line and "what may fit: " in line and "std::" not in line
    assert ("--adjoint reverse" in line) == (adjoint == "store")


# Temporary files


@pytest.mark.parametrize("words", [["simulate", "smoke"], ["reconstruct", "DATASET", "--method", "serial"]])
def test_a_folder_of_temporary_files_that_takes_none(run, output, tiny_dataset, tmp_path, words):
    """MPI would end the process in a dozen lines that do not name it."""
    (tmp_path / "a-file").write_text("")
    arguments = [tiny_dataset if word == "DATASET" else word for word in words]
    result = run(*arguments, "-o", output, environment={"TMPDIR": str(tmp_path / "a-file")})
    assert result.code == 2 and len(result.err.splitlines()) == 1
    assert f"TMPDIR: '{tmp_path}/a-file' cannot be written (Not a directory)" in result.errors[0]
    assert not output.exists()


# Divergence


@RANKS
@pytest.mark.parametrize("method", ["gd", "hve"])
def test_diverging_step(run, output, tiny_dataset, ranks, method):
    output.write_bytes(b"an earlier result")
    run.rejects(
        "reconstruct", tiny_dataset, "-o", output, "--method", method, "--step", "1e9", ranks=ranks, says=["iteration"]
    )
    assert output.read_bytes() == b"an earlier result"


# Wisdom


def test_wisdom_file_that_is_none(run, output, tiny_dataset, tmp_path):
    wisdom = tmp_path / "wisdom"
    wisdom.write_text("nonsense")
    reconstruct_rejects(run, tiny_dataset, output, 1, "--fftw-wisdom", wisdom, says=[wisdom])


# Launchers


@pytest.mark.parametrize("variable", ["OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "SLURM_STEP_NUM_TASKS", "PTYCHOSCALE_RANKS"])
@pytest.mark.parametrize("words", [["simulate", "smoke"], ["reconstruct", "DATASET", "--method", "gd"]])
def test_a_rank_that_believes_to_be_alone(run, output, tiny_dataset, variable, words):
    """As under the launcher of another MPI library."""
    arguments = [tiny_dataset if word == "DATASET" else word for word in words]
    result = run(*arguments, "-o", output, environment={variable: "4"})
    assert result.code == 1 and len(result.errors) == 1
    assert all(word in result.errors[0] for word in ["4 ranks", "MPI sees 1", "mpirun", "srun --mpi="])
    assert not output.exists()
