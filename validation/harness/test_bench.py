"""`ptychoscale bench`: repeated, paired, verified runs; a run that may be wrong shows no figure."""

import contextlib
import json
import os
import re
import shutil
import signal
import statistics
import subprocess
from pathlib import Path

import h5py
import pytest
from conftest import TINY
from patience import HANG_SECONDS, wait_until

from harness.base.errors import InputError
from harness.runs import measure, program, verification


def rows_of(folder):
    return json.loads((folder / "report.json").read_text())["benchmarks"]


@pytest.fixture(scope="module")
def repeated(tiny_case, tmp_path_factory):
    """Folder and output of a bench with two runs of each solver."""
    folder = tmp_path_factory.mktemp("bench") / "runs"
    words = ["bench", tiny_case, "-o", folder, "--ranks", 4, "--repeat", 2]
    result = subprocess.run([program.executable(), *map(str, words)], capture_output=True, text=True, timeout=HANG_SECONDS, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    return folder, result


def test_first_iteration_is_no_sample():
    assert measure.seconds_per_iteration({"seconds_of_iterations": [9.0, 1.0, 2.0, 3.0]}) == 2.0
    assert measure.seconds_per_iteration({"seconds_of_iterations": [9.0]}) == 9.0


def test_runs_are_warmed_up_and_interleaved(repeated):
    said = [line.split(",")[0].split()[0] for line in repeated[1].stderr.splitlines() if " on " in line]
    assert said == ["serial", "gd", "hve"] * 2 + ["hve", "gd", "serial"]


def test_rows_keep_raw_samples(repeated):
    for row in rows_of(repeated[0]):
        runs = row["seconds_of_iterations_of_repetitions"]
        assert [len(run) for run in runs] == [3, 3]
        assert row["seconds_per_iteration_of_repetitions"] == [statistics.median(run[1:]) for run in runs]
        median = statistics.median(row["seconds_per_iteration_of_repetitions"])
        assert row["seconds_per_iteration"] == pytest.approx(median)
        assert row["seconds_per_position"] == pytest.approx(median * row["ranks"] / 36)
        assert row["stop_reason"] == "cap of 2 runs, too few for an interval"


def test_memory_is_that_of_a_run_of_its_own(repeated):
    for row in rows_of(repeated[0]):
        (apart,) = json.loads((repeated[0] / f"{row['method']}-memory.json").read_text())["benchmarks"]
        memory = {key for key in row if key.startswith("memory_") and "_bytes_" in key}
        assert memory and all(row[key] == apart[key] for key in memory)
        assert row["memory_run_iterations"] == apart["iterations"] == 2


def test_ratios_are_of_pairs(repeated):
    serial, *others = rows_of(repeated[0])
    assert "time_ratio_median" not in serial
    for row in others:
        pairs = zip(row["seconds_per_iteration_of_repetitions"], serial["seconds_per_iteration_of_repetitions"])
        assert row["time_ratio_to"] == "tiny/serial/1x1"
        assert row["time_ratio_of_repetitions"] == [a / b for a, b in pairs]


def test_gd_is_judged_by_a_serial_run_with_its_steps(repeated):
    folder, _ = repeated
    _, gd, hve = rows_of(folder)
    (control,) = json.loads((folder / "control-gd-0.json").read_text())["benchmarks"]
    assert control["method"] == "serial" and control["step"] == gd["step"] and control["iterations"] == gd["iterations"]
    assert gd["seam_rows_excess"] is not None and hve["seam_rows_excess"] is not None
    assert not (folder / "control-hve-0.json").exists(), "the measured serial run took the same steps"
    for row in (gd, hve):
        assert [row[f"verification_{check}"] for check in ("golden", "cost", "seams")] == ["passed"] * 3


def test_report_says_where_it_comes_from(repeated):
    context = json.loads((repeated[0] / "report.json").read_text())["context"]
    assert {"source_commit", "source_dirty", "compiler", "hdf5", "mpi", "host_name", "cpu", "dataset", "launcher"} <= context.keys()
    assert context["argv"][:2] == ["ptychoscale", "bench"]


def test_repeating_ends_when_all_medians_are_known(monkeypatch, tmp_path):
    """Two points of constant times: six runs make an interval; the cap is not reached."""

    def run(point, protocol, tag, iterations=None):
        row = {"seconds_of_iterations": [5.0, 1.0, 1.0], "iterations": 3}
        return {"context": {}, "benchmarks": [row]}

    monkeypatch.setattr(measure, "run", run)
    points = [measure.Point(label, "gd", 1, 3, ()) for label in ("a", "b")]
    series = measure.measure(points, measure.Protocol(tmp_path, cap=20))
    assert [len(each.reports) for each in series] == [6, 6]


# A folder that was used before


def left_by(label, folder, tags=("0", "memory")):
    """Puts files into the folder as a bench names them; gives their names."""
    names = [f"{label}.log", f"{label}.h5", *(f"{label}-{tag}.json" for tag in tags)]
    for name in names:
        (folder / name).write_text(json.dumps({"context": {"dataset": {"case": "other"}}}) if name.endswith(".json") else "")
    return names


def test_a_used_folder_loses_the_earlier_runs_and_nothing_else(harness, tiny_case, tmp_path):
    gone = [name for label in ("gd", "hve", "control-gd") for name in left_by(label, tmp_path, ("0", "12", "memory"))]
    # Others' files: a run that is not bench's, one that has no log, names that only begin alike, a dataset.
    kept = left_by("mine", tmp_path) + ["control-hve.h5", "control-hve-0.json", "gd-best.json", "gd-1.txt", "gd-1-2.json", "other.h5"]
    for name in kept:
        (tmp_path / name).write_text("{}")
    result = harness("bench", tiny_case, "-o", tmp_path, "--methods", "serial")
    assert result.code == 0, result.err
    names = {file.name for file in tmp_path.iterdir()}
    assert not names & set(gone) and names >= {*kept, "serial.h5", "serial-0.json", "report.json"}
    assert [line for line in result.err.splitlines() if "replaces" in line] == [f"{tmp_path}: replaces the results of case other"]


def test_another_bench_of_the_same_case_says_nothing_and_keeps_the_dataset(harness, tiny_case, tiny_dataset, tmp_path):
    dataset = shutil.copy(tiny_dataset, tmp_path / "tiny.h5")
    before = os.stat(dataset).st_mtime_ns
    assert harness("bench", tiny_case, "-o", tmp_path, "--ranks", 2, "--methods", "gd,hve", "--control", "none").code == 0
    result = harness("bench", tiny_case, "-o", tmp_path, "--methods", "serial,gd", "--control", "none")
    assert result.code == 0 and "replaces" not in result.err
    assert not list(tmp_path.glob("hve*")) and os.stat(dataset).st_mtime_ns == before


# Update rules


def test_a_solver_runs_with_several_update_rules_side_by_side(harness, tiny_case, tiny_dataset, tmp_path):
    words = ["bench", tiny_case, "--dataset", tiny_dataset, "-o", tmp_path, "--ranks", 2, "--methods"]
    result = harness(*words, "gd,gd:accelerated")
    assert result.code == 0, result.err
    assert result.out.splitlines()[0].split() == ["gd", "once", "gd", "accelerated"]
    rows = json.loads((tmp_path / "report.json").read_text())["benchmarks"]
    assert [row.get("update", "once") for row in rows] == ["once", "accelerated"] and all(row["verified"] for row in rows)
    assert (tmp_path / "gd-accelerated.h5").is_file()
    result = harness(*words, "gd:accelerated")  # what the first left goes
    assert result.code == 0 and not (tmp_path / "gd.h5").exists()
    assert result.out.splitlines()[0].split() == ["gd"]


@pytest.mark.parametrize("methods", ["gd:fast", "serial:once", "gd,gd", "gd:once,gd:once", ""])
def test_a_wrong_solver_is_refused_with_what_is_valid(rejects, tiny_case, tmp_path, methods):
    rejects("bench", tiny_case, "-o", tmp_path / "runs", "--methods", methods, says=["--methods", "gd:accelerated"])


# Unverified rows


def bench_fails(harness, folder, *options, case):
    result = harness("bench", case, "-o", folder, "--iterations", 3, *options)
    assert result.code == 1
    return result.out


def shown_figures(table):
    """Everything in the table but titles and reasons."""
    lines = [line for line in table.splitlines()[1:] if "not verified" not in line]
    return {word for line in lines for word in line[42:].replace(",", " ").split()}


def test_cost_short_of_its_promise_withholds_the_figures(harness, tmp_path):
    case = tmp_path / "proud.json"
    case.write_text(json.dumps({**TINY, "cost_fall": {"serial": 1e6}}))
    out = bench_fails(harness, tmp_path / "runs", "--methods", "serial", case=case)
    assert "serial is not verified: cost" in out and "1e+06" in out and "cost_fall may be left out" in out
    assert shown_figures(out) == {"-"}
    (row,) = rows_of(tmp_path / "runs")
    assert row["verified"] is False and row["verification_golden"] == "passed"


def test_promise_holds_only_for_the_iterations_it_was_made_for(harness, tmp_path):
    case = tmp_path / "proud.json"
    case.write_text(json.dumps({**TINY, "cost_fall": {"serial": 1e6}}))
    assert harness("bench", case, "-o", tmp_path / "runs", "--methods", "serial", "--iterations", 2).code == 0


def test_backend_that_differs_from_the_independent_code_withholds_all_figures(harness, tiny_case, tmp_path, monkeypatch):
    changed = tmp_path / "changed.h5"
    shutil.copy(verification.GOLDEN, changed)
    with h5py.File(changed, "a") as file:
        file["potential"][...] *= 1.0001
    monkeypatch.setattr(verification, "GOLDEN", changed)
    out = bench_fails(harness, tmp_path / "runs", "--methods", "serial", case=tiny_case)
    assert "serial is not verified: golden: changed.h5" in out
    assert shown_figures(out) == {"-"}


def test_seam_is_seen_beside_the_control_and_only_there(tiny_case, tmp_path):
    """With a quarter of the halo that circles need, gradients are lost; the errors at borders lag behind the serial run's."""
    dataset = tmp_path / "tiny.h5"
    program.ask("simulate", tiny_case, "-o", dataset)
    protocol = measure.Protocol(tmp_path)
    judge = verification.SeamJudge(protocol, dataset, (str(dataset),))
    said = {}
    for label, options in {"whole": (), "cut": ("--halo-pm", "100")}.items():
        point = measure.Point(label, "gd", 2, 3, (str(dataset), *options))
        (row,) = measure.run(point, protocol, "0")["benchmarks"]
        said[label] = judge.judge(row, point)
    assert said["whole"] == "passed"
    assert said["cut"].startswith("failed: a seam shows")


@pytest.mark.parametrize(
    "costs, says",
    [
        ([4.0, 1.0], "passed"),
        ([4.0, 4.0], "did not fall"),
        ([4.0, 5.0], "did not fall"),
        ([4.0, None], "finite"),
        ([4.0, float("nan")], "finite"),
    ],
)
def test_cost_envelope(costs, says):
    row = {"cost_of_iterations": costs, "cost_of_empty_volume": 5.0}
    assert says in verification.check_cost(row, None, patterns=4)


@pytest.mark.parametrize("costs, says", [([0.0, 0.0], "passed"), ([1e-12, 2e-12], "passed"), ([1e-12, 1e-3], "rose to 0.001")])
def test_cost_of_patterns_that_nothing_has_scattered(costs, says):
    """Its cost is rounding before anything is recovered; only more than rounding would be wrong."""
    row = {"cost_of_iterations": costs, "cost_of_empty_volume": 4e-12}
    assert says in verification.check_cost(row, 40, patterns=4)


def test_an_empty_specimen_is_verified(harness, tiny_case, tmp_path):
    case = json.loads(tiny_case.read_text())
    case.update(name="empty", specimen={"vacancy_fraction": 1})
    (tmp_path / "empty.json").write_text(json.dumps(case))
    words = ["bench", tmp_path / "empty.json", "-o", tmp_path / "runs", "--methods", "serial,gd", "--ranks", 2]
    result = harness(*words)
    assert result.code == 0, result.out
    rows = json.loads((tmp_path / "runs" / "report.json").read_text())["benchmarks"]
    assert all(row["verified"] and row["verification_cost"] == "passed" for row in rows)
    assert rows[1]["verification_seams"].startswith("not judged: the patterns are those of the empty specimen")


# Input, interruption


def test_report_of_another_kind_is_no_case(rejects, repeated, tmp_path):
    rejects("bench", repeated[0] / "report.json", "-o", tmp_path / "runs", says=["report.json"])


def test_reconstruction_is_no_dataset(rejects, repeated, tiny_case, tmp_path):
    rejects("bench", tiny_case, "-o", tmp_path / "runs", "--dataset", repeated[0] / "gd.h5", says=["gd.h5", "no dataset"])
    assert not (tmp_path / "runs").exists()


def damage(file):
    file.write_bytes(file.read_bytes()[:5000])


def replace_by_text(file):
    file.write_text("a table of mine")


@pytest.mark.parametrize("spoil", [damage, replace_by_text])
def test_a_file_that_cannot_be_read_is_not_simulated_over(rejects, tiny_case, tiny_dataset, tmp_path, spoil):
    file = tmp_path / "tiny.h5"
    shutil.copy(tiny_dataset, file)
    spoil(file)
    before = file.read_bytes()
    rejects("bench", tiny_case, "-o", tmp_path, "--methods", "serial", says=["tiny.h5", "only another case's dataset is replaced"])
    assert file.read_bytes() == before


def test_a_dataset_open_in_another_program_is_not_simulated_over(rejects, tiny_case, tiny_dataset, tmp_path):
    file = tmp_path / "tiny.h5"
    shutil.copy(tiny_dataset, file)
    inode = file.stat().st_ino
    with h5py.File(file, "a"):
        says = ["tiny.h5", "another process has it open for writing", "move this file away"]
        rejects("bench", tiny_case, "-o", tmp_path, "--methods", "serial", says=says)
    assert file.stat().st_ino == inode


def test_what_runs_warn_of_is_passed_on_once(harness, tiny_case, tiny_dataset, tmp_path):
    dataset = shutil.copy(tiny_dataset, tmp_path / "dead.h5")
    with h5py.File(dataset, "a") as file:
        file["dataset/datacube/data"][2, 3] = 0
    with pytest.raises(InputError) as found:
        program.ask("info", dataset, "--check-content")
    with h5py.File(dataset, "a") as file:  # as if it had been measured so
        del file["ptychoscale"].attrs["patterns_hash"]
        file["ptychoscale"].attrs["content_hash"] = re.search(r"truth give (\w+)", str(found.value))[1]
    words = ["--dataset", dataset, "-o", tmp_path / "runs", "--methods", "serial", "--iterations", 2, "--repeat", 2]
    lines = harness("bench", tiny_case, *words).err.splitlines()
    assert len([line for line in lines if "1 of 36 patterns are zero, first position 15 (scan row 2, column 3)" in line]) == 1


def test_results_go_where_links_lead(harness, tiny_case, tiny_dataset, tmp_path):
    folder, disk = tmp_path / "runs", tmp_path / "disk"
    folder.mkdir(), disk.mkdir()
    for name in ("report.json", "serial.h5"):
        (folder / name).symlink_to(disk / name)
    words = ["bench", tiny_case, "--dataset", tiny_dataset, "-o", folder, "--methods", "serial", "--iterations", 2]
    for _ in range(2):
        assert harness(*words).code == 0
    assert (folder / "report.json").is_symlink() and (folder / "serial.h5").is_symlink()
    assert {path.name for path in disk.iterdir()} == {"report.json", "serial.h5"}


def test_dataset_of_another_case_is_refused(rejects, tiny_dataset, tmp_path):
    words = ["smoke", "-o", tmp_path / "runs", "--ranks", 1, "--dataset", tiny_dataset]
    for command in ("bench", "sweep"):
        rejects(command, *words, says=[tiny_dataset, "case tiny, not smoke", "simulate smoke"])
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    "complaint, remedy",
    [
        ("There are not enough slots available in the system to satisfy the 4", "source ci/environment, or fewer --ranks"),
        ("mpirun has detected an attempt to run as root.", "source ci/environment, or OMPI_ALLOW_RUN_AS_ROOT=1 and"),
        ("[host:1] PMIX ERROR: OUT-OF-RESOURCE in file dstore_segment.c at line 208", "set TMPDIR to a folder with room"),
        ("mpirun was unable to find the specified executable file", ""),
    ],
)
def test_what_helps_against_open_mpi_is_said(harness, tiny_case, tmp_path, complaint, remedy):
    launcher = tmp_path / "launcher"
    launcher.write_text(f"#!/bin/sh\necho ----------\necho '{complaint}'\nexit 1\n")
    launcher.chmod(0o755)
    result = harness("bench", tiny_case, "-o", tmp_path / "runs", "--launcher", f"{launcher} {{ranks}}")
    assert result.code == 1
    line = result.err.splitlines()[-1]
    assert f"('{complaint}')" in line and remedy in line and ("source" in line or "TMPDIR" in line) == bool(remedy)
    assert line.endswith(f"; see {tmp_path / 'runs' / 'simulate.log'}")


LAUNCHERS_OF_ANOTHER_MPI = {
    "one process": "env R={ranks}",
    "processes that each believe to be alone": "for rank in $(seq {ranks}); do OMPI_COMM_WORLD_SIZE={ranks} \"$@\" & done; wait",
}


@pytest.mark.parametrize("command", ["bench", "sweep"])
@pytest.mark.parametrize("kind", LAUNCHERS_OF_ANOTHER_MPI)
def test_a_launcher_of_another_mpi_makes_no_figures(harness, tiny_case, tiny_dataset, tmp_path, monkeypatch, command, kind):
    """Not even where no variable of the harness reaches the processes, as on other hosts."""
    launcher = LAUNCHERS_OF_ANOTHER_MPI[kind]
    if "$@" in launcher:
        script = tmp_path / "launcher"
        script.write_text("#!/bin/bash\n" + launcher.replace("{ranks}", "$1").replace('"$@"', '"${@:2}"') + "\n")
        script.chmod(0o755)
        launcher = f"{script} {{ranks}}"
    words = [command, tiny_case, "--dataset", tiny_dataset, "--ranks", 2, "--methods", "gd", "--launcher", launcher]
    told = harness(*words, "-o", tmp_path / "told")
    assert told.code == 1
    assert "asked for 2 ranks, but MPI sees 1: the launcher is not that of the MPI" in " ".join((told.out + told.err).split())
    monkeypatch.setattr(program, "launch_environment", lambda ranks: dict(os.environ))
    untold = harness(*words, "-o", tmp_path / "untold")
    assert untold.code == 1
    assert ("asked for 2 ranks, the run says 1" if kind == "one process" else "but MPI sees 1") in untold.out + untold.err
    assert "1x1" not in told.out + untold.out


@pytest.mark.parametrize(
    "options",
    [["--ranks", "0"], ["--repeat", "some"], ["--precision", "2"], ["--methods", "gd,magic"], ["--methods", "gd,gd"], ["--nothing"], ["--rnaks", "2"]],
)
def test_bad_option(rejects, tiny_case, tmp_path, options):
    rejects("bench", tiny_case, "-o", tmp_path / "runs", *options, says=[options[0]])
    assert not (tmp_path / "runs").exists()


def processes_with(folder):
    """Those that name the folder on their command line, as folders of /proc."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # one that has ended
            found += [process] if str(folder).encode() in (process / "cmdline").read_bytes() else []
    return found


def ranks_at_work(folder):
    """Of these, the ranks of a solver that has begun: from then on it notices when it is told to end."""
    found = []
    for process in processes_with(folder):
        with contextlib.suppress(OSError):
            words = (process / "cmdline").read_bytes().split(b"\0")
            caught = int(re.search(r"^SigCgt:\s*(\w+)$", (process / "status").read_text(), re.MULTILINE)[1], 16)
            found += [process] if words[1:2] == [b"reconstruct"] and caught >> (signal.SIGTERM - 1) & 1 else []
    return found


@pytest.mark.parametrize("number, code", [(signal.SIGINT, 130), (signal.SIGTERM, 130), (signal.SIGUSR1, 75)])
def test_interrupted_bench_leaves_no_report_and_no_process(tiny_case, tmp_path, number, code):
    folder = tmp_path / "runs"
    words = [program.executable(), "bench", tiny_case, "-o", folder, "--ranks", "2", "--methods", "gd", "--iterations", "1000000"]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    wait_until(lambda: len(ranks_at_work(folder)) == 2, "two ranks", process)
    process.send_signal(number)
    _, err = process.communicate(timeout=HANG_SECONDS)
    assert process.returncode == code
    goes_on = "the same command goes on where this one stopped"
    assert err.splitlines()[-1] == f"ptychoscale: error: interrupted; no report was written; {goes_on}"
    assert number == signal.SIGINT or any((folder / "gd.h5.checkpoint").glob("*/manifest")), (folder / "gd.log").read_text()
    assert not (folder / "report.json").exists()
    assert processes_with(folder) == []


# Python


def forward(*words, **environment):
    words = [program.executable(), *words]
    return subprocess.run(words, capture_output=True, text=True, timeout=HANG_SECONDS, check=False, env={**os.environ, **environment})


def test_missing_python_is_named():
    result = forward("bench", "smoke", "-o", "runs", PTYCHOSCALE_PYTHON="/nowhere/python")
    assert result.returncode == 2
    (line,) = result.stderr.splitlines()
    assert "/nowhere/python" in line and "PTYCHOSCALE_PYTHON" in line and "ci/python-env" in line


def test_python_without_the_packages_is_named(tmp_path):
    bare = tmp_path / "python"
    bare.write_text('#!/bin/sh\nexec /usr/bin/python3 -S "$@"\n')
    bare.chmod(0o755)
    result = forward("bench", "smoke", "-o", tmp_path / "runs", PTYCHOSCALE_PYTHON=str(bare), PYTHONPATH="")
    assert result.returncode == 2
    (line,) = result.stderr.splitlines()
    assert "requirements.txt" in line and "PTYCHOSCALE_PYTHON" in line


def test_help_lists_every_command_of_the_harness():
    text = forward("--help").stdout
    for command in ["bench", "sweep", "compare", "gate", "report", "reproduce", "assess", "plan"]:
        assert f"\n  {command} " in text
