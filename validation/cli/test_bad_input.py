"""Bad input gets one line of error and exit code 2, leaves no file under the output's name, and never hangs."""

import fcntl
import json
import resource
import shutil
import subprocess
from pathlib import Path

import h5py
import numpy as np
import pytest
from conftest import PROGRAM, TINY

COUNTS = "dataset/datacube/data"
RANKS = pytest.mark.parametrize("ranks", [1, 2])


@pytest.fixture
def output(tmp_path):
    return tmp_path / "out.h5"


@pytest.fixture
def damaged(tiny_dataset, tmp_path):
    """A copy of a good dataset, to be damaged through `with h5py.File(...)`."""
    file = tmp_path / "damaged.h5"
    shutil.copy(tiny_dataset, file)
    return file


def replace(file, name, values):
    """Replaces a dataset by other values, keeping its attributes."""
    attributes = dict(file[name].attrs)
    del file[name]
    file[name] = values
    file[name].attrs.update(attributes)


def reconstruct_rejects(run, dataset, output, ranks, *options, says=()):
    method = "serial" if ranks == 1 else "gd"
    run.rejects("reconstruct", dataset, "-o", output, "--method", method, *options, ranks=ranks, says=says)
    assert not output.exists()


# Files that are no datasets


@RANKS
def test_missing_file(run, output, tmp_path, ranks):
    reconstruct_rejects(run, tmp_path / "nothing.h5", output, ranks, says=["nothing.h5"])


@RANKS
def test_text_instead_of_hdf5(run, output, tmp_path, ranks):
    file = tmp_path / "text.h5"
    file.write_text("not HDF5\n" * 100)
    reconstruct_rejects(run, file, output, ranks, says=["text.h5"])


@RANKS
@pytest.mark.parametrize("share", [0.0, 0.02, 0.5, 0.98])
def test_truncated_file(run, output, damaged, ranks, share):
    damaged.write_bytes(damaged.read_bytes()[: int(share * damaged.stat().st_size)])
    reconstruct_rejects(run, damaged, output, ranks, says=["damaged.h5"])


def test_folder_instead_of_file(run, output, tmp_path):
    reconstruct_rejects(run, tmp_path, output, 1, says=[tmp_path])


def test_reconstruction_instead_of_dataset(run, output, tiny_dataset, tmp_path):
    other = tmp_path / "reconstruction.h5"
    run.good("reconstruct", tiny_dataset, "-o", other, "--method", "serial", "--iterations", 1)
    reconstruct_rejects(run, other, output, 1, says=["reconstruction.h5"])


@pytest.mark.parametrize("name", [COUNTS, "ptychoscale/positions_A", "ptychoscale/probe", "ptychoscale"])
def test_missing_object(run, output, damaged, name):
    with h5py.File(damaged, "a") as file:
        del file[name]
    reconstruct_rejects(run, damaged, output, 1, says=["damaged.h5", name.split("/")[-1]])


# Shapes and types


@RANKS
@pytest.mark.parametrize(
    "name, shape",
    [
        (COUNTS, (16, 48, 48)),
        (COUNTS, (4, 5, 48, 48)),
        (COUNTS, (4, 4, 48, 40)),
        ("ptychoscale/positions_A", (16, 3)),
        ("ptychoscale/positions_A", (15, 2)),
        ("ptychoscale/truth/potential", (2, 72, 70)),
    ],
)
def test_wrong_shape(run, output, damaged, ranks, name, shape):
    with h5py.File(damaged, "a") as file:
        replace(file, name, np.zeros(shape, np.float32))
    reconstruct_rejects(run, damaged, output, ranks, says=["damaged.h5"])


def test_wrong_probe_shape(run, output, damaged):
    with h5py.File(damaged, "a") as file:
        replace(file, "ptychoscale/probe", np.zeros((48, 47), np.complex64))
    reconstruct_rejects(run, damaged, output, 1, says=["damaged.h5", "probe"])


@pytest.mark.parametrize(
    "name, values",
    [
        (COUNTS, np.full((4, 4, 48, 48), b"x")),
        (COUNTS, np.zeros((4, 4, 48, 48), np.complex64)),
        ("ptychoscale/positions_A", np.full((16, 2), b"x")),
        ("ptychoscale/probe", np.zeros((48, 48), np.float32)),
    ],
)
def test_wrong_type(run, output, damaged, name, values):
    with h5py.File(damaged, "a") as file:
        replace(file, name, values)
    reconstruct_rejects(run, damaged, output, 1, says=["damaged.h5"])


# Values


@RANKS
@pytest.mark.parametrize("measurements", ["resident", "stream"])
@pytest.mark.parametrize("value", [np.nan, np.inf, -1.0])
def test_impossible_count(run, output, damaged, ranks, measurements, value):
    with h5py.File(damaged, "a") as file:
        file[COUNTS][3, 2, 5, 7] = value  # the last rank's
    reconstruct_rejects(run, damaged, output, ranks, "--measurements", measurements, says=["damaged.h5", "14"])


@RANKS
@pytest.mark.parametrize("count", [0, 1])
def test_too_few_positions(run, output, damaged, ranks, count):
    with h5py.File(damaged, "a") as file:
        replace(file, COUNTS, np.ones((count, count, 48, 48), np.float32))
        replace(file, "ptychoscale/positions_A", np.full((count, 2), 9.0))
    reconstruct_rejects(run, damaged, output, ranks, says=["damaged.h5"])


@RANKS
@pytest.mark.parametrize("position", [(-50.0, 5.0), (5.0, 1e6), (np.nan, 5.0)])
def test_position_outside_the_volume(run, output, damaged, ranks, position):
    with h5py.File(damaged, "a") as file:
        file["ptychoscale/positions_A"][5] = position
    reconstruct_rejects(run, damaged, output, ranks, says=["damaged.h5", "5"])


@pytest.mark.parametrize("value", [-1.0, 0.0, np.nan])
def test_impossible_energy(run, output, damaged, value):
    with h5py.File(damaged, "a") as file:
        file["dataset/metadatabundle/microscope/energy_eV"][...] = value
    reconstruct_rejects(run, damaged, output, 1, says=["damaged.h5", "energy_eV"])


# Cases and options


@RANKS
def test_unknown_case(run, output, ranks):
    run.rejects("simulate", "nothing", "-o", output, ranks=ranks, says=["nothing", "smoke", "pbtio3-small"])
    assert not output.exists()


@RANKS
@pytest.mark.parametrize(
    "change, says",
    [
        ({"detecter": [1, 1]}, ["detecter", "known here", "detector"]),
        ({"specimen": {"colour": 1}}, ["specimen.colour"]),
        ({"scan": {"rows": 4}}, ["scan.columns", "missing"]),
        ({"slices": "two"}, ["slices", "two"]),
        ({"slices": 2.5}, ["slices", "2.5"]),
        ({"slices": 0}, ["slices", "0"]),
        ({"detector": [48]}, ["detector"]),
        ({"detector": [-48, 48]}, ["detector", "-48"]),
        ({"seed": -1}, ["seed", "-1"]),
        ({"soft_aperture": 1}, ["soft_aperture"]),
        ({"specimen": {"thermal": "hot"}}, ["specimen.thermal", "hot", "frozen_phonon"]),
        ({"scan": {"rows": 40, "columns": 4}}, ["bad.json: field 'volume' is 72 x 72"]),
        ({"scan": {"rows": 0, "columns": 4}}, ["scan"]),
        ({"scan": {"rows": 1, "columns": 1}}, ["scan"]),
        ({"pixel_A": [0.0, 0.25]}, ["pixel_A"]),
        ({"energy_eV": -1}, ["energy_eV", "-1"]),
        ({"cost_fall": {"magic": 3}}, ["cost_fall.magic", "serial"]),
        ({"cost_fall": 20}, ["cost_fall", "20"]),
        ({"targets": {"seams": 3}}, ["targets.seams", "relative_rmse"]),
        ({"targets": {"relative_rmse": 0}}, ["targets.relative_rmse is 0", "above 0"]),
        ({"iterations": 0}, ["bad.json", "iterations is 0", "1 or more"]),
        ({"name": ""}, ["bad.json", 'name is ""']),
        ({"name": "a/b"}, ["bad.json", 'name is "a/b"']),
        ({"slice_thickness_A": -1}, ["bad.json: field 'slice_thickness_A' is -1"]),
    ],
)
def test_bad_case_file(run, output, tmp_path, ranks, change, says):
    file = tmp_path / "bad.json"
    file.write_text(json.dumps({**TINY, **change}))
    run.rejects("simulate", file, "-o", output, ranks=ranks, says=says)
    assert not output.exists()


def test_case_file_that_has_a_key_twice(run, output, tmp_path):
    file = tmp_path / "bad.json"
    file.write_text(json.dumps(TINY).replace('"rows": 4', '"rows": 3, "rows": 4'))
    run.rejects("simulate", file, "-o", output, says=["bad.json: key 'rows' is there twice"])


def test_case_file_that_cannot_be_read(run, output, tmp_path):
    run.rejects("simulate", tmp_path / "nothing.json", "-o", output, says=["nothing.json", "No such file or directory"])
    (tmp_path / "folder.json").mkdir()
    run.rejects("simulate", tmp_path / "folder.json", "-o", output, says=["folder.json", "not a regular file"])


@pytest.mark.parametrize("text", ["", "{", "[]", "nonsense", json.dumps(TINY).replace("0.25", "1e999")])
def test_case_file_that_is_not_json(run, output, tmp_path, text):
    file = tmp_path / "bad.json"
    file.write_text(text)
    run.rejects("simulate", file, "-o", output, says=["bad.json"])


@RANKS
@pytest.mark.parametrize(
    "arguments",
    [
        ["nothing"],
        ["simulate"],
        ["simulate", "smoke"],
        ["simulate", "smoke", "-o", "out.h5", "--nothing"],
        ["simulate", "smoke", "-o", "out.h5", "--dose", "-1"],
        ["simulate", "smoke", "-o", "out.h5", "--dose", "many"],
        ["simulate", "smoke", "-o", "out.h5", "--count-type", "int8"],
        ["simulate", "smoke", "-o", "out.h5", "--count-type", "uint16"],
        ["simulate", "smoke", "-o", "out.h5", "--backend", "abacus"],
        ["simulate", "smoke", "-o", "out.h5", "--kernels", "fused"],
        ["reconstruct", "in.h5", "-o", "out.h5", "--method", "magic"],
        ["reconstruct", "in.h5", "-o", "out.h5", "--iterations", "0"],
        ["reconstruct", "in.h5", "-o", "out.h5", "--mesh", "2by2"],
        ["reconstruct", "in.h5", "-o", "out.h5", "--mesh", "0x2"],
        ["reconstruct", "in.h5", "-o", "out.h5", "--rounds", "0"],
        ["reconstruct", "in.h5", "-o", "out.h5", "--positions-at-once", "0"],
        ["reconstruct", "in.h5", "-o", "out.h5", "--measurement-type", "float64"],
        ["reconstruct", "in.h5", "-o", "out.h5", "--step", "-1"],
        ["reconstruct", "in.h5", "-o", "out.h5", "--bandwidth", "two_thirds", "--adjoint", "reverse"],
    ],
)
def test_bad_command_line(run, tmp_path, ranks, arguments):
    run.rejects(*arguments, ranks=ranks, cwd=tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("option", "value", "valid"),
    [
        ("--iterations", "0", "a whole number, 1 or more"),
        ("--iterations", "1e3", "a whole number, 1 or more"),
        ("--iterations", "99999999999", "a whole number, 1 to 2147483647"),
        ("--ranks", "2,a", "a whole number, 1 or more"),
        ("--extra-rows", "-1", "a whole number, 0 or more"),
        ("--step", "0", "a number above 0"),
        ("--step", "nan", "a number above 0"),
        ("--halo-pm", "-1", "a number, 0 or more"),
        ("--exchange-MB", "inf", "a number, 0 or more"),
    ],
)
def test_bad_number(run, option, value, valid):
    wrong = value.split(",")[-1]
    says = [f"{option}: '{wrong}'; valid: {valid}; see ptychoscale plan --help"]
    run.rejects("plan", "--case", "smoke", "--ranks", 2, f"{option}={value}", says=says)


def test_leading_zeros_are_not_octal(run):
    assert " 10 " in run.good("plan", "--case", "smoke", "--methods", "gd", "--ranks", "010").out


@pytest.mark.parametrize("seed", ["-1", "1.5", "18446744073709551616"])
def test_bad_seed(run, output, tiny_case, seed):
    run.rejects("simulate", tiny_case, "-o", output, "--seed", seed, says=[f"--seed: '{seed}'; valid: a whole number, 0 "])
    assert not output.exists()


def test_whole_counts_need_a_dose(run, output, tiny_case, tmp_path):
    """Without one every count is a fraction, and would be stored as 0."""
    run.rejects("simulate", tiny_case, "-o", output, "--count-type", "uint16", says=["--count-type: uint16 needs a dose"])
    case = tmp_path / "dosed.json"
    case.write_text(json.dumps({**TINY, "dose_e_per_A2": 1e4}))
    run.rejects("simulate", case, "-o", output, "--count-type", "uint16", "--no-noise", says=["uint16 needs a dose"])
    assert not output.exists()
    run.good("simulate", case, "-o", output, "--count-type", "uint16")


def test_no_command(run):
    run.rejects(says=["give a command; valid: simulate, reconstruct", "; see ptychoscale --help"])


@RANKS
def test_unknown_command(run, ranks):
    run.rejects("frobnicate", ranks=ranks, says=["'frobnicate' is not a command; valid: simulate", "bench"])


def test_mistakes_name_the_help_of_their_command(run):
    run.rejects("validate", "silver", says=["'silver' is not a command; valid: golden, dataset; see ptychoscale validate --help"])
    run.rejects("validate", "golden", says=["see ptychoscale validate golden --help"])
    run.rejects("simulate", "smoke", says=["--output is required; see ptychoscale simulate --help"])


def test_a_mistyped_option_is_named_with_the_nearest(run):
    words = ["reconstruct", "in.h5", "-o", "out.h5", "--itreations", "5"]
    run.rejects(*words, says=["not expected: --itreations 5; is --iterations meant by --itreations?; see ptychoscale reconstruct"])
    run.rejects("plan", "--case", "smoke", "--ranks", 2, "--threads", 1, "what", "--zzz", says=["not expected: what --zzz; see ptychoscale plan"])


@pytest.mark.parametrize("value", ["x" * 100_000, "a\nb\x1b[31m" * 1000, "\u00e9" * 5000])
def test_a_line_of_error_is_short_whatever_the_value(run, value):
    line = run.rejects("plan", "--case", value, "--ranks", 2).errors[0]
    assert len(line.encode()) <= 300 and line.isprintable() and "valid: " in line
    run.rejects("simulate", "smoke", "-o", "out.h5", "--seed", value)


@pytest.mark.parametrize("text", ["[" * 200_000, "1" * 100_000, '{"name": "a", "name": "b"}'])
def test_json_that_parsers_choke_on(run, output, tmp_path, text):
    file = tmp_path / "bad.json"
    file.write_text(text)
    for words in (["info", file], ["simulate", file, "-o", output], ["plan", "--case", "smoke", "--ranks", 1, "--rates", file]):
        assert len(run.rejects(*words, says=[file, "bad.json: "]).errors[0]) <= 300


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


def test_launcher_without_ranks(run, tmp_path):
    run.rejects("bench", "smoke", "-o", tmp_path / "runs", "--launcher", "mpirun", says=["--launcher", "{ranks}"])


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


@RANKS
@pytest.mark.parametrize("place", ["resident", "stream"])
def test_an_amplitude_that_float16_cannot_keep(run, output, damaged, ranks, place):
    with h5py.File(damaged, "a") as file:
        file[COUNTS][1, 2, 3, 4] = 20  # of a beam of 1
    options = ["--measurement-type", "float16", "--measurements", place]
    reconstruct_rejects(run, damaged, output, ranks, *options, says=["float16", "position 6 has 4.472", "float32"])


# Output


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
                "detector": [8192, 8192],
                "pixel_A": [0.1, 0.1],
                "volume": [8192, 8192],
                "scan": {"rows": 707, "columns": 707},
                "scan_step_A": [1.0, 1.0],
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


# Golden files


def test_golden_file_of_another_layout(run, tiny_dataset, tmp_path):
    run.rejects("validate", "golden", tiny_dataset, says=[tiny_dataset])
    run.rejects("validate", "golden", tmp_path / "nothing.h5", says=["nothing.h5"])


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
