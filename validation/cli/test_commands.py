"""The commands do what their help says, and the same command gives the same bytes."""

import hashlib
import json
import os
import shutil
import signal
from pathlib import Path

import h5py
import numpy as np
import pytest
from conftest import TINY
from patience import HANG_SECONDS, wait_until

from harness.base.voxels import voxel_hash

COMMANDS = ["simulate", "reconstruct", "bench", "sweep", "assess", "validate", "info"]
GOLDEN = sorted((Path(__file__).parents[1] / "golden").glob("*.h5"))


def digest(file):
    return hashlib.sha256(Path(file).read_bytes()).hexdigest()


@pytest.mark.parametrize("command", [[], *([c] for c in COMMANDS), ["validate", "golden"], ["validate", "dataset"]])
def test_help_teaches(run, command):
    text = run.good(*command, "--help").out
    assert "Example" in text or "A first run" in text or "golden" in text


# info


def test_help_says_when_an_output_is_required(run):
    assert "required, except with --as-rank" in run.good("reconstruct", "--help").out


def test_info_about_the_program(run):
    text = run.good("info").out
    for word in ["compiler", "HDF5", "MPI", "fftw", "cores", "smoke", "pbtio3-large"]:
        assert word in text


@pytest.mark.parametrize("case", ["smoke", "ci", "workstation", "pbtio3-small", "pbtio3-large"])
def test_info_about_a_case(run, case):
    """Every case that comes with the project is valid: circles inside the volume, probe inside the window."""
    assert "positions of" in run.good("info", case).out


def test_info_about_table_I(run):
    small = run.good("info", "pbtio3-small").out
    assert "63 x 66 positions of 1024 x 1024 pixels" in small
    assert "100 x 1536 x 1536 voxels [slice][y][x] of 1.25 x 0.1 x 0.1 A" in small
    large = run.good("info", "pbtio3-large").out
    assert "126 x 132 positions of 1024 x 1024 pixels" in large
    assert "100 x 3072 x 3072 voxels" in large


def test_info_about_a_dataset(run, tiny_dataset):
    text = run.good("info", tiny_dataset).out
    assert "4 x 4 positions of 48 x 48 pixels" in text
    assert "truth         yes" in text


def test_info_about_a_report(run, tiny_dataset, tmp_path):
    """The table of a run, again; whatever else ends in .json is a case."""
    report = tmp_path / "report.json"
    table = run.good("reconstruct", tiny_dataset, "-o", tmp_path / "out.h5", "--method", "serial", "--json", report).out
    assert run.good("info", report).out == table
    report.write_text('{"context": {}, "benchmarks": [{"mesh": 7}]}')
    run.rejects("info", report, says=["report.json", "no report"])


@pytest.mark.parametrize("what", ["case", "dataset"])
def test_info_as_json_says_the_same_of_a_case_and_its_dataset(run, tiny_case, tiny_dataset, what):
    content = json.loads(run.good("info", tiny_case if what == "case" else tiny_dataset, "--json").out)
    assert content["header"]["detector"] == TINY["detector"] and content["header"]["case"] == "tiny"
    assert content["header"] == json.loads(run.good("info", tiny_case, "--json").out)["header"]


def test_info_checks_the_content_of_a_dataset(run, tiny_dataset, tmp_path):
    """One bit of one pattern, which nothing else tells: the hash is the same, and so is everything that info says."""
    assert "as it was written" in run.good("info", tiny_dataset, "--check-content").out
    flipped = tmp_path / "flipped.h5"
    shutil.copy(tiny_dataset, flipped)
    with h5py.File(flipped) as file:
        place = file["dataset/datacube/data"].id.get_chunk_info(5).byte_offset
    with open(flipped, "r+b") as file:
        file.seek(place + 4 * 1000)
        byte = file.read(1)[0]
        file.seek(place + 4 * 1000)
        file.write(bytes([byte ^ 1]))
    assert run.good("info", flipped).out == run.good("info", tiny_dataset).out
    run.rejects("info", flipped, "--check-content", says=[flipped, "is not what was written", "content hash"])
    run.rejects("info", "smoke", "--check-content", says=["smoke", "no such file"])


# simulate


def test_same_seed_same_bytes_on_any_ranks_and_threads(run, tiny_case, tmp_path):
    digests = set()
    for ranks, threads in [(1, 1), (1, 3), (2, 1), (3, 2)]:
        file = tmp_path / f"{ranks}-{threads}.h5"
        run.good("simulate", tiny_case, "-o", file, "--dose", "1e4", "--threads", threads, ranks=ranks)
        digests.add(digest(file))
    assert len(digests) == 1


def test_other_seed_other_bytes(run, tiny_case, tiny_dataset, tmp_path):
    run.good("simulate", tiny_case, "-o", tmp_path / "other.h5", "--seed", 2)
    assert digest(tmp_path / "other.h5") != digest(tiny_dataset)


def test_noise_follows_the_dose(run, tiny_case, tiny_dataset, tmp_path):
    """At 1e4 electrons per square angstrom and steps of 2 A a pattern holds 4e4 electrons, give or take 5 standard deviations (200 each)."""
    run.good("simulate", tiny_case, "-o", tmp_path / "noisy.h5", "--dose", "1e4", "--count-type", "uint16")
    with h5py.File(tmp_path / "noisy.h5") as noisy, h5py.File(tiny_dataset) as clean:
        counts = noisy["dp"][...]
        assert counts.dtype == np.uint16
        expected = 4e4 * clean["dp"][...].sum(axis=(2, 3))
        assert np.all(np.abs(counts.sum(axis=(2, 3)) - expected) < 5 * np.sqrt(expected))


@pytest.fixture(scope="module")
def long_case(tmp_path_factory):
    """A simulation of seconds, to be met while it runs."""
    case = tmp_path_factory.mktemp("long") / "long.json"
    case.write_text(json.dumps({**TINY, "scan": {"rows": 60, "columns": 60}, "scan_step_A": [0.13, 0.13], "slices": 60}))
    return case


@pytest.fixture(scope="module")
def long_dataset(run, long_case):
    """What it simulates when nothing disturbs it, on any number of ranks."""
    run.good("simulate", long_case, "--threads", 1, "-o", long_case.with_suffix(".h5"))
    return long_case.with_suffix(".h5")


def bytes_written(file):
    """In pages that hold something: a file of patterns has its full length long before they are there."""
    content = np.fromfile(file, np.uint8)
    pages = content[: content.size // 4096 * 4096].reshape(-1, 4096)
    return 4096 * np.count_nonzero(pages.any(axis=1))


@pytest.mark.parametrize(("said", "seen"), [({}, b"1000"), ({"GOMP_SPINCOUNT": "5"}, b"5"), ({"OMP_WAIT_POLICY": "active"}, None)])
def test_threads_sleep_soon_unless_told_otherwise(run, long_case, tmp_path, said, seen):
    """The runtime of the threads has read the environment when main() begins, so the process must have been started with it."""
    process = run.start("simulate", long_case, "--threads", 1, "-o", tmp_path / "out.h5", environment={"GOMP_SPINCOUNT": None, **said})
    wait_until((tmp_path / "out.h5.partial").exists, "a partial file", process)
    values = dict(pair.split(b"=", 1) for pair in Path(f"/proc/{process.pid}/environ").read_bytes().split(b"\0") if pair)
    process.kill()
    process.communicate()
    assert values.get(b"GOMP_SPINCOUNT") == seen


@pytest.mark.parametrize("ranks", [1, 2])
def test_interrupted_simulation_resumes(run, long_case, long_dataset, tmp_path, ranks):
    """SIGTERM in the middle leaves a partial file; the same command ends with the bytes of an undisturbed run. One thread each: on a
    busy machine several would spend minutes waiting for each other, hundreds of thousands of times."""
    resumed = tmp_path / "resumed.h5"
    simulate = ("simulate", long_case, "--threads", 1, "-o")
    process = run.start(*simulate, resumed, ranks=ranks)
    partial = tmp_path / "resumed.h5.partial"
    wait_until(partial.exists, "a partial file", process)
    wait_until(lambda: bytes_written(partial) > 0.1 * long_dataset.stat().st_size, "a tenth of the file", process)
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=HANG_SECONDS)
    assert process.returncode != 0, "the run was over before it was interrupted"
    assert not resumed.exists() and partial.exists()
    if ranks == 1:  # mpirun has words and an exit code of its own
        assert process.returncode == 130
        assert "goes on where" in err
    run.good(*simulate, resumed, ranks=ranks)
    assert digest(resumed) == digest(long_dataset)
    assert not partial.exists()


def test_what_another_run_left_is_begun_anew_and_said(run, tiny_case, tiny_dataset, tmp_path):
    output = tmp_path / "out.h5"
    partial = tmp_path / "out.h5.partial"
    partial.write_bytes(b"of another run")
    result = run.good("simulate", tiny_case, "-o", output)
    assert f"warning: {partial}: is of another case" in result.err
    assert digest(output) == digest(tiny_dataset) and not partial.exists()


# reconstruct


@pytest.mark.parametrize("method, ranks", [("serial", 1), ("gd", 2), ("hve", 2)])
def test_same_command_same_bytes(run, tiny_dataset, tmp_path, method, ranks):
    files = [tmp_path / name for name in ["first.h5", "second.h5"]]
    for file in files:
        run.good("reconstruct", tiny_dataset, "-o", file, "--method", method, "--iterations", 3, ranks=ranks)
    assert digest(files[0]) == digest(files[1])


@pytest.mark.parametrize("method, ranks", [("serial", 1), ("gd", 4), ("hve", 2)])
def test_streamed_measurements_change_nothing(run, tiny_dataset, tmp_path, method, ranks):
    volumes = []
    for place in ["resident", "stream"]:
        file = tmp_path / f"{place}.h5"
        run.good("reconstruct", tiny_dataset, "-o", file, "--method", method, "--measurements", place, ranks=ranks)
        with h5py.File(file) as f:
            volumes.append(f["reconstruction/potential/data"][...])
    assert np.array_equal(*volumes)


def test_quality_on_the_way_meets_no_message_of_an_exchange_under_way(run, tiny_dataset, tmp_path):
    delayed = ["--method", "gd", "--update", "averaged", "--delay", 1, "--rounds", 2, "--iterations", 4]
    volumes = []
    for every in (0, 1):
        file = tmp_path / f"{every}.h5"
        run.good("reconstruct", tiny_dataset, "-o", file, *delayed, "--quality-every", every, ranks=4)
        with h5py.File(file) as f:
            volumes.append(f["reconstruction/potential/data"][...])
    assert np.array_equal(*volumes)


def test_report(run, tiny_dataset, tmp_path):
    report = tmp_path / "report.json"
    table = run.good(
        "reconstruct", tiny_dataset, "-o", tmp_path / "out.h5", "--method", "gd", "--json", report, ranks=2
    ).out
    assert "s per iteration" in table and "seam" in table
    content = json.loads(report.read_text())
    context, (row,) = content["context"], content["benchmarks"]
    assert context["evidence"] == "measured"
    assert {"source_commit", "compiler", "hdf5", "mpi", "host_name", "argv", "ranks"} <= context.keys()
    assert row["method"] == "gd" and row["ranks"] == 2 and row["verified"]
    assert row["cost"] < row["cost_of_empty_volume"]
    phases = [row[f"{phase}_seconds_per_iteration_mean"] for phase in ["compute", "wait", "communication"]]
    assert min(phases) >= 0 and max(phases) > 0
    assert row["bytes_sent"] > 0 and row["memory_volume_bytes_max"] > 0
    assert 0 < row["relative_rmse"] < 1


@pytest.mark.parametrize(
    ("case", "says"),
    [
        ({"scan": {"rows": 9, "columns": 1}, "scan_step_A": [1.0, 1.0]}, "must be at least 11 pixels wide"),
        ({"specimen": {"vacancy_fraction": 1.0}}, "the true potential is 0"),
    ],
    ids=["one column", "empty specimen"],
)
def test_a_quality_that_cannot_be_computed_takes_nothing_else_away(run, tmp_path, case, says):
    file, dataset, report = tmp_path / "case.json", tmp_path / "case.h5", tmp_path / "report.json"
    file.write_text(json.dumps({**TINY, **case}))
    run.good("simulate", file, "-o", dataset)
    words = ("reconstruct", dataset, "--method", "serial", "--iterations", 2, "-o", tmp_path / "out.h5", "--json", report)
    table = run.good(*words).out
    assert says in table
    (row,) = json.loads(report.read_text())["benchmarks"]
    assert row["structural_similarity"] is None and says in row["quality_not_computed"] and len(row["cost_of_iterations"]) == 2
    assert says in run.good("assess", tmp_path / "out.h5", "--dataset", dataset).out


def test_report_on_standard_output(run, tiny_dataset, tmp_path):
    out = run.good("reconstruct", tiny_dataset, "-o", tmp_path / "out.h5", "--method", "serial", "--json", "-").out
    assert json.loads(out)["benchmarks"][0]["method"] == "serial"


def test_nothing_but_the_table_on_standard_output(run, tiny_dataset, tmp_path):
    result = run.good("reconstruct", tiny_dataset, "-o", tmp_path / "out.h5", "--method", "serial")
    assert result.err == ""  # no progress bar off a terminal
    assert result.out.split()[0] == "serial"


def test_unkeepable_wisdom_is_but_a_warning(run, tiny_dataset, tmp_path):
    result = run.good(
        "reconstruct", tiny_dataset, "-o", tmp_path / "out.h5", "--method", "serial", "--fftw-wisdom", "/proc/wisdom"
    )
    assert "warning" in result.err and "/proc/wisdom" in result.err


# bench


def test_bench_compares_solvers(run, tiny_case, tmp_path):
    folder = tmp_path / "runs"
    result = run.good("bench", tiny_case, "-o", folder, "--ranks", 2, "--iterations", 2, "--repeat", 2)
    assert result.out.splitlines()[0].split() == ["serial", "gd", "hve"]
    rows = json.loads((folder / "report.json").read_text())["benchmarks"]
    assert [row["ranks"] for row in rows] == [1, 2, 2]
    assert all(len(row["seconds_per_iteration_of_repetitions"]) == 2 for row in rows)
    before = (folder / "tiny.h5").stat().st_mtime_ns
    run.good("bench", tiny_case, "-o", folder, "--methods", "serial", "--iterations", 1)
    assert (folder / "tiny.h5").stat().st_mtime_ns == before, "the dataset was there already"


def test_failed_run_is_a_row_with_its_reason(run, tiny_case, tmp_path):
    """Sixteen ranks on 4 x 4 positions leave Halo Voxel Exchange no room."""
    folder = tmp_path / "runs"
    result = run("bench", tiny_case, "-o", folder, "--ranks", 16, "--methods", "serial,hve", "--iterations", 1)
    assert result.code == 1
    assert "hve failed:" in result.out
    rows = json.loads((folder / "report.json").read_text())["benchmarks"]
    assert "error" in rows[1] and "cost" in rows[0] and "cost" not in rows[1]


def test_missing_launcher_is_a_failed_run(run, tiny_case, tiny_dataset, tmp_path):
    result = run(
        "bench", tiny_case, "--dataset", tiny_dataset, "-o", tmp_path / "runs", "--methods", "serial",
        "--launcher", "no-such-launcher {ranks}",
    )  # fmt: skip
    assert result.code == 1
    assert "no-such-launcher" in result.out


# assess


def test_assess_judges_borders_by_a_control(run, tiny_dataset, tmp_path):
    """A reconstruction with a step of 400 V A at its tile border has a seam; the control, measured there, has none."""
    gd, serial = tmp_path / "gd.h5", tmp_path / "serial.h5"
    run.good("reconstruct", tiny_dataset, "-o", gd, "--method", "gd", "--update", "batch", ranks=2)
    run.good("reconstruct", tiny_dataset, "-o", serial, "--method", "serial", "--update", "batch")
    words = ["assess", gd, "--dataset", tiny_dataset, "--control", serial, "--json", "-"]
    sound = json.loads(run.good(*words, "--pairing", "steps").out)
    assert sound["seam_found"] is False and sound["seam_rows_excess"] is not None
    assert "seam_rows_excess" not in json.loads(run.good(*words).out)
    with h5py.File(gd, "a") as file:
        border = file["ptychoscale/cores"][0][1]
        file["reconstruction/potential/data"][:, border:, :] += 400.0
    run.rejects(*words, says=[gd, "slice 0 of 'reconstruction/potential/data' is not what was written"])
    with h5py.File(gd, "a") as file:
        file["ptychoscale/slice_hashes"][:, 0] = [voxel_hash(plane) for plane in file["reconstruction/potential/data"]]
    assert json.loads(run.good(*words, "--pairing", "steps").out)["seam_found"] is True


def test_assess_refuses_what_does_not_belong_together(run, tiny_case, tiny_dataset, tmp_path):
    gd, serial, other = tmp_path / "gd.h5", tmp_path / "serial.h5", tmp_path / "other.h5"
    run.good("reconstruct", tiny_dataset, "-o", gd, "--method", "gd", "--iterations", 2, ranks=2)
    run.good("reconstruct", tiny_dataset, "-o", serial, "--method", "serial", "--iterations", 1)
    run.good("simulate", tiny_case, "--seed", 2, "-o", other)
    run.rejects("assess", gd, "--dataset", other, says=[gd, "content hash", other])
    words = ["assess", gd, "--dataset", tiny_dataset, "--control"]
    run.rejects(*words, gd, says=[gd, "2 x 1 tiles"])
    run.good(*words, serial)
    run.rejects(*words, serial, "--pairing", "steps", says=["the same iterations and step", "--iterations 2"])
    case = json.loads(tiny_case.read_text()) | {"slices": 3}
    (tmp_path / "case.json").write_text(json.dumps(case))
    run.good("simulate", tmp_path / "case.json", "-o", tmp_path / "deep.h5")
    run.rejects("assess", gd, "--dataset", tmp_path / "deep.h5", says=["2 slices of 72 x 72", "3 of 72 x 72"])


def test_assess_needs_the_truth(run, tiny_dataset, tmp_path):
    gd, blind = tmp_path / "gd.h5", tmp_path / "blind.h5"
    run.good("reconstruct", tiny_dataset, "-o", gd, "--method", "gd", ranks=2)
    shutil.copy(tiny_dataset, blind)
    with h5py.File(blind, "a") as file:
        del file["ptychoscale/truth"]
    run.rejects("assess", gd, "--dataset", blind, says=["blind.h5", "truth"])


# validate


@pytest.mark.parametrize("golden", GOLDEN, ids=lambda p: p.stem)
@pytest.mark.parametrize("array", ["potential", "gradient/dF_dV", "probe_origin"])
def test_golden_notices_a_small_change(run, tmp_path, golden, array):
    """A hundredth of a percent in one array is too much for at least one check."""
    changed = tmp_path / "changed.h5"
    shutil.copy(golden, changed)
    with h5py.File(changed, "a") as file:
        file[array][...] *= 1.0001
    result = run("validate", "golden", changed)
    assert result.code == 1
    assert "TOO LARGE" in result.out


# threads


ONE_CORE = min(os.sched_getaffinity(0))


@pytest.mark.parametrize(
    ("asked", "environment", "obtained", "says"),
    [
        (None, {"OMP_NUM_THREADS": "1"}, 1, ""),
        (None, {"OMP_NUM_THREADS": "3"}, 3, ""),
        (2, {"OMP_NUM_THREADS": "1"}, 2, "--threads 2 overrules OMP_NUM_THREADS=1"),
        (2, {"OMP_NUM_THREADS": None, "OMP_THREAD_LIMIT": "1"}, 1, "--threads 2: OpenMP gives 1 on"),
        (None, {"OMP_NUM_THREADS": None, "SLURM_CPUS_PER_TASK": "1"}, 1, ""),
    ],
)
def test_threads_are_as_asked_or_overruled_aloud(run, tiny_dataset, tmp_path, asked, environment, obtained, says):
    report = tmp_path / "out.json"
    words = ["reconstruct", tiny_dataset, "--method", "serial", "--iterations", 1, "-o", tmp_path / "out.h5", "--json", report]
    result = run.good(*words, *(["--threads", asked] if asked else []), environment=environment)
    (row,), context = (json.loads(report.read_text())[key] for key in ("benchmarks", "context"))
    assert row["threads"] == context["ranks"][0]["threads"] == context["load"]["threads"] == obtained
    assert says in result.err
    if not says:
        assert "overrules" not in result.err and "OpenMP gives" not in result.err


def test_threads_that_share_a_core_are_said(run, tiny_dataset, tmp_path):
    report = tmp_path / "out.json"
    words = ["reconstruct", tiny_dataset, "--method", "serial", "--iterations", 1, "-o", tmp_path / "out.h5", "--json", report]
    bound = {"preexec_fn": lambda: os.sched_setaffinity(0, {ONE_CORE})}
    result = run.good(*words, "--threads", 3, **bound)
    (row,), context = (json.loads(report.read_text())[key] for key in ("benchmarks", "context"))
    assert row["threads"] == 3 and context["load"]["cores"] == 1
    assert "3 threads share 1 core of" in result.err
    assert any(text.startswith("3 threads shared 1 core of") for text in row["remarks"])
    run.good(*words, **bound, environment={"OMP_NUM_THREADS": None})
    assert json.loads(report.read_text())["benchmarks"][0]["threads"] == 1


def test_what_differs_between_runs_is_not_in_a_reconstruction(run, tiny_dataset, tmp_path):
    """Load and header are for the report alone: a reconstruction's bytes do not depend on when it was made."""
    run.good("reconstruct", tiny_dataset, "--method", "serial", "--iterations", 1, "-o", tmp_path / "out.h5")
    own = json.loads(run.good("info", tmp_path / "out.h5", "--json").out)
    assert "load" not in own["context"] and "ranks" not in own["context"] and "header" not in own["context"]["dataset"]
    assert "remarks" not in own["benchmarks"][0]
