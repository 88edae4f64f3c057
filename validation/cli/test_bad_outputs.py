"""Outputs that cannot be written, and disks that are full: one line of error, and nothing that looks finished."""

import fcntl
import json
import resource
from pathlib import Path

import pytest
from conftest import RANKS, TINY, reconstruct_rejects


@RANKS
@pytest.mark.parametrize("place", ["missing/out.h5", "/proc/out.h5", "folder"])
def test_unwritable_output(run, tiny_case, tiny_dataset, tmp_path, ranks, place):
    (tmp_path / "folder").mkdir()
    output = tmp_path / place
    run.rejects("simulate", tiny_case, "-o", output, ranks=ranks, says=[output])
    method = "serial" if ranks == 1 else "gd"
    run.rejects("reconstruct", tiny_dataset, "-o", output, "--method", method, ranks=ranks, says=[output])
    assert [p.name for p in tmp_path.iterdir()] == ["folder"]


@RANKS
def test_output_without_a_name(run, tiny_case, tiny_dataset, tmp_path, ranks):
    run.rejects("simulate", tiny_case, "-o", "", ranks=ranks, cwd=tmp_path, says=["--output: is empty"])
    run.rejects("plan", "--case", tiny_case, "--ranks", 2, "--json", "", cwd=tmp_path, says=["--json: is empty"])
    options = ["-o", tmp_path / "out.h5", "--json", ""]
    run.rejects("reconstruct", tiny_dataset, *options, ranks=ranks, cwd=tmp_path, says=["--json: is empty"])
    assert not list(tmp_path.iterdir())


def test_outputs_that_would_destroy_a_file(run, output, damaged, tmp_path):
    (tmp_path / "sub").mkdir()
    again = tmp_path / "sub" / ".." / "out.h5"
    run.rejects("reconstruct", damaged, "-o", output, "--json", again, says=["--output", output, "is also --json"])
    run.rejects("reconstruct", damaged, "-o", output, "--json", damaged, says=["--json", damaged, "is also DATASET"])
    run.rejects("reconstruct", damaged, "-o", damaged, says=["--output", damaged, "is also DATASET"])
    case = tmp_path / "case.json"
    case.write_text(json.dumps(TINY))
    run.rejects("simulate", case, "-o", case, says=["--output", case, "is also CASE"])
    run.rejects("plan", "--case", case, "--ranks", 2, "--json", case, says=["--json", case, "is also --case"])
    assert json.loads(case.read_text()) == TINY and not output.exists()


@pytest.mark.parametrize(
    "arguments", [["--version"], ["info", "smoke"], ["plan", "--case", "smoke", "--ranks", "2,4,6", "--json", "-"]]
)
def test_standard_output_on_a_full_disk(run, arguments):
    """Printing is buffered, so that much of it fails only at the end; the last one is longer than the buffer."""
    with open("/dev/full", "w") as full:
        result = run(*arguments, stdout=full)
    assert result.code == 1
    assert result.errors == ["ptychoscale: error: standard output: cannot be written (No space left on device)"]


def test_unwritable_report_is_found_before_computing(run, output, tiny_dataset, tmp_path):
    reconstruct_rejects(run, tiny_dataset, output, 1, "--json", tmp_path / "missing" / "report.json", says=["report.json"])


@RANKS
def test_disk_without_room(run, output, tmp_path, ranks):
    """134 TB of patterns: no disk has that, and finding out must not take a simulation."""
    case = tmp_path / "huge.json"
    case.write_text(
        json.dumps(
            {
                **TINY,
                "detector": [4096, 4096],
                "pixel_A": [0.1, 0.1],
                "volume": [4096, 4096],
                "scan": {"rows": 1414, "columns": 1414},
                "scan_step_A": [0.25, 0.25],
            }
        )
    )
    run.rejects("simulate", case, "-o", output, ranks=ranks, says=[output])
    assert not output.exists()


# A limit on the size of files is what a full disk looks like in the middle of writing; MPI itself needs a few megabytes.
LIMITED = {
    "preexec_fn": lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (20_000_000, 20_000_000)),
    "restore_signals": False,  # Python ignores SIGXFSZ, and so must the program: then writes fail
}


@RANKS
def test_disk_that_fills_up_in_a_simulation(run, output, tmp_path, ranks):
    case = tmp_path / "large.json"  # 26 MB of patterns
    case.write_text(json.dumps({**TINY, "detector": [256, 256], "scan": {"rows": 10, "columns": 10}, "scan_step_A": [1.0, 1.0]}))
    run.rejects("simulate", case, "-o", output, ranks=ranks, says=[output], **LIMITED)
    assert not output.exists()


@RANKS
def test_disk_that_fills_up_with_a_reconstruction(run, output, tmp_path, ranks):
    case, dataset = tmp_path / "wide.json", tmp_path / "wide.h5"  # a volume of 10 MB, stored more than once
    case.write_text(json.dumps({**TINY, "volume": [512, 512], "slices": 10}))
    run.good("simulate", case, "-o", dataset)
    method = "serial" if ranks == 1 else "gd"
    run.rejects(
        "reconstruct", dataset, "-o", output, "--method", method, "--iterations", 1, ranks=ranks, says=[output], **LIMITED
    )
    assert not output.exists()


def test_an_output_that_another_run_is_writing(run, output, tiny_dataset):
    with open(f"{output}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        reconstruct_rejects(run, tiny_dataset, output, 1, says=[output, "another run is writing it"])
    run.good("reconstruct", tiny_dataset, "-o", output, "--method", "serial", "--iterations", 1)
    assert not Path(f"{output}.lock").exists()
