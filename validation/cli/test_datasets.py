"""Datasets that cannot be right are refused, or used with a warning that counts and names what is wrong; files of the user stay."""

import json
import os
import shutil
import stat
import time

import h5py
import numpy as np
import pytest
from conftest import TINY

COUNTS = "dataset/datacube/data"
WARNING = "ptychoscale: warning: "
# Where the verdict comes from: patterns read before the first iteration, or during it, on one rank and on two.
WAYS = pytest.mark.parametrize("ranks, measurements", [(1, "resident"), (2, "resident"), (2, "stream")])


@pytest.fixture
def dataset(tiny_dataset, tmp_path):
    """A copy of a good dataset, to be changed as if it had been measured so."""
    changed = shutil.copy(tiny_dataset, tmp_path / "changed.h5")
    with h5py.File(changed, "a") as opened:
        del opened["ptychoscale"].attrs["patterns_hash"]
    return changed


def reconstruct(output, ranks=1, measurements="resident"):
    method = "serial" if ranks == 1 else "gd"
    return ["-o", output, "--method", method, "--iterations", 1, "--measurements", measurements]


def times_a_hundred(file):
    file[COUNTS][...] *= 100


def one_hot_pixel(file):
    file[COUNTS][:, :, 5, 7] = 1e3


def one_too_bright(file):
    file[COUNTS][3, 2] *= 1.1


def all_zero(file):
    file[COUNTS][...] = 0


@WAYS
@pytest.mark.parametrize(
    "change, says",
    [
        (times_a_hundred, ["position 0 (scan row 0, column 0)", "add up to 100 x electrons_per_pattern", "16 of 16 patterns"]),
        (one_hot_pixel, ["add up to 1001 x", "or a pixel hot"]),
        (one_too_bright, ["position 14 (scan row 3, column 2)", "add up to 1.1 x", "at most 1.05 x", "1 of 16 patterns"]),
        (all_zero, ["all 16 patterns are zero"]),
    ],
)
def test_patterns_that_cannot_be_are_refused(run, dataset, tmp_path, change, says, ranks, measurements):
    with h5py.File(dataset, "a") as file:
        change(file)
    output = tmp_path / "out.h5"
    run.rejects("reconstruct", dataset, *reconstruct(output, ranks, measurements), ranks=ranks, says=[dataset, *says])
    assert not output.exists()


def warnings_of(result):
    return [line.removeprefix(WARNING) for line in result.err.splitlines() if line.startswith(WARNING)]


@WAYS
def test_dead_and_hot_pixels_are_counted_and_the_first_is_named(run, dataset, tmp_path, ranks, measurements):
    with h5py.File(dataset, "a") as file:
        file[COUNTS][1, 2] = 0
        file[COUNTS][3, 0] = 0
        file[COUNTS][2, 1] *= 0.5
        file[COUNTS][2, 1, 40, 3] = 0.4
    result = run.good("reconstruct", dataset, *reconstruct(tmp_path / "out.h5", ranks, measurements), ranks=ranks)
    dead, hot = warnings_of(result)
    assert f"{dataset}: 2 of 16 patterns are zero, first position 6 (scan row 1, column 2)" in dead
    assert "1 of 16 patterns have a hot pixel, first position 9 (scan row 2, column 1), where (ky, kx) = (40, 3) holds 40 %" in hot


def test_patterns_that_were_never_written(run, dataset, tmp_path):
    """A third of the chunks is missing: HDF5 reads zeros."""
    with h5py.File(dataset, "a") as file:
        written = file[COUNTS][...]
        del file[COUNTS]
        made = file.create_dataset(COUNTS, written.shape, written.dtype, chunks=(1, 1, 48, 48))
        for i in set(range(16)) - {1, 4, 7, 10, 13}:
            made[i // 4, i % 4] = written[i // 4, i % 4]
    (dead,) = warnings_of(run.good("reconstruct", dataset, *reconstruct(tmp_path / "out.h5")))
    assert "5 of 16 patterns are zero, first position 1 (scan row 0, column 1): dead, or never written" in dead
    result = run("validate", "dataset", dataset)
    assert result.code == 1 and "5 of 16 patterns are zero" in row(result, "empty patterns")
    assert "FAILED" in row(result, "content hash")


def set_energy(file):
    file["dataset/metadatabundle/microscope/energy_eV"][...] = 200


def set_defocus(file):
    file["dataset/metadatabundle/microscope/C10_A"][...] = 1e300


def set_step(file):
    file["ptychoscale"].attrs["scan_step_A"] = [2.0, 4.0]


def move_patterns(file):
    del file[COUNTS]
    file[COUNTS] = h5py.ExternalLink("raw.h5", "/scan")


def view_of_patterns(file):
    del file[COUNTS]
    layout = h5py.VirtualLayout(shape=(4, 4, 48, 48), dtype="f4")
    layout[:] = h5py.VirtualSource("raw.h5", "scan", shape=(4, 4, 48, 48))
    file.create_virtual_dataset(COUNTS, layout)


@pytest.mark.parametrize(
    "change, says",
    [
        (set_energy, ["energy_eV = 200", "from 10000 to 1000000 (eV, not keV)"]),
        (set_defocus, ["C10_A = 1e+300"]),
        (set_step, ["scan_step_A = [2, 4]", "steps of [2, 2] A"]),
        (move_patterns, ["link to '/scan' in the file 'raw.h5', which is not there"]),
        (view_of_patterns, ["view of 'scan' in the file 'raw.h5', which is not there"]),
    ],
)
def test_headers_and_links_that_cannot_be_right(run, dataset, tmp_path, change, says):
    with h5py.File(dataset, "a") as file:
        change(file)
    run.rejects("reconstruct", dataset, *reconstruct(tmp_path / "out.h5"), says=[dataset, *says])
    run.rejects("validate", "dataset", dataset, says=[dataset, *says])


def test_circles_that_do_not_overlap(run, tmp_path):
    case, dataset = tmp_path / "focus.json", tmp_path / "focus.h5"
    case.write_text(json.dumps({**TINY, "C10_A": 0}))
    says = "scan steps of 2 x 2 A leave the probe's circles apart (overlap -31 %)"
    assert says in warnings_of(run.good("simulate", case, "-o", dataset))[0]
    assert says in warnings_of(run.good("reconstruct", dataset, *reconstruct(tmp_path / "out.h5")))[0]
    result = run.good("validate", "dataset", dataset)
    assert "warning" in row(result, "overlap") and says in row(result, "overlap")
    assert result.out.splitlines()[-1] == "sound: 0 of 14 checks failed, 1 warning"


# validate dataset


def row(result, check):
    (found,) = [line for line in result.out.splitlines() if line.startswith(check)]
    return found


@pytest.mark.parametrize("count_type", ["float32", "uint16"])
def test_a_sound_dataset(run, tiny_case, tmp_path, count_type):
    dataset = tmp_path / "sound.h5"
    run.good("simulate", tiny_case, "-o", dataset, "--dose", "1e4", "--count-type", count_type)
    result = run.good("validate", "dataset", dataset)
    lines = result.out.splitlines()
    assert lines[0] == str(dataset) and lines[1].split() == ["check", "verdict", "found"]
    assert all(line[20:22] == "ok" for line in lines[2:-1]) and len(lines) == 17
    assert lines[-1] == "sound: 0 of 14 checks failed, 0 warnings" and result.err == ""


def test_one_bit_of_one_pattern_fails_the_hash_and_nothing_else(run, dataset):
    with h5py.File(dataset, "a") as file:
        pattern = file[COUNTS][1, 1]
        pattern.view(np.uint32)[20, 20] ^= 1 << 15
        file[COUNTS][1, 1] = pattern
    result = run("validate", "dataset", dataset)
    assert result.code == 1 and result.out.splitlines()[-1] == "NOT SOUND: 1 of 14 checks failed, 0 warnings"
    assert "FAILED" in row(result, "content hash") and "changed after it was written" in row(result, "content hash")


@pytest.mark.parametrize("change, failed", [(times_a_hundred, "pattern sums"), (all_zero, "empty patterns")])
def test_patterns_that_cannot_be_fail_their_check(run, dataset, change, failed):
    with h5py.File(dataset, "a") as file:
        change(file)
    result = run("validate", "dataset", dataset)
    assert result.code == 1 and "FAILED" in row(result, failed)


def test_what_other_programs_read_is_compared(run, dataset):
    with h5py.File(dataset, "a") as file:
        file["dataset/metadatabundle/calibration/R_pixel_size"][...] = 0.2
    result = run("validate", "dataset", dataset)
    assert result.code == 1 and "calibration/R_pixel_size = 0.2, not 2" in row(result, "readers' metadata")


def test_what_is_no_dataset(run, tmp_path):
    (tmp_path / "text.h5").write_text("notes")
    run.rejects("validate", "dataset", tmp_path / "text.h5", says=["text.h5"])
    run.rejects("validate", "dataset", tmp_path / "none.h5", says=["none.h5"])


def test_unequal_steps_are_noted(run, tmp_path):
    case, dataset = tmp_path / "oblong.json", tmp_path / "oblong.h5"
    case.write_text(json.dumps({**TINY, "scan_step_A": [2.0, 1.5]}))
    run.good("simulate", case, "-o", dataset)
    note = "py4DSTEM has one pixel size for y and x and takes those along y: steps 2 A"
    assert note in row(run.good("info", dataset), "note") and note in row(run.good("validate", "dataset", dataset), "readers' metadata")
    with h5py.File(dataset) as file:
        assert note in file["dataset/metadatabundle/calibration/note"].asstr()[()]


# Files of the user


def test_a_dataset_open_in_another_program_is_not_called_damaged(run, dataset, tmp_path):
    with h5py.File(dataset, "a"):
        run.rejects("reconstruct", dataset, *reconstruct(tmp_path / "out.h5"), says=[dataset, "another process has it open for writing"])


def test_outputs_go_where_links_lead(run, tiny_case, tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    names = ["set.h5", "out.h5", "report.json"]
    for name in names:
        (tmp_path / name).symlink_to(disk / name)
    run.good("simulate", tiny_case, "-o", tmp_path / "set.h5")
    run.good("reconstruct", tmp_path / "set.h5", *reconstruct(tmp_path / "out.h5"), "--json", tmp_path / "report.json")
    assert all((tmp_path / name).is_symlink() for name in names)
    assert sorted(file.name for file in disk.iterdir()) == sorted(names)


@pytest.mark.parametrize("command", ["simulate", "reconstruct"])
def test_a_pipe_stays_a_pipe(run, tiny_case, tiny_dataset, tmp_path, command):
    pipe, device = tmp_path / "pipe", tmp_path / "device"
    os.mkfifo(pipe)
    device.symlink_to("/dev/null")
    words = ["simulate", tiny_case] if command == "simulate" else ["reconstruct", tiny_dataset, "--method", "serial"]
    run.rejects(*words, "-o", pipe, says=[pipe, "is a pipe"])
    run.rejects(*words, "-o", device, says=[device, "leads to /dev/null, which is a device"])
    assert stat.S_ISFIFO(os.stat(pipe).st_mode) and stat.S_ISCHR(os.stat("/dev/null").st_mode)
    assert {path.name for path in tmp_path.iterdir()} == {"pipe", "device"}


def test_a_truncated_partial_file_is_damaged_not_anothers(run, tmp_path):
    case, output, partial = tmp_path / "long.json", tmp_path / "out.h5", tmp_path / "out.h5.partial"
    case.write_text(json.dumps({**TINY, "scan": {"rows": 60, "columns": 60}, "scan_step_A": [0.13, 0.13], "slices": 60}))
    first = run.start("simulate", case, "-o", output)
    progress = tmp_path / "out.h5.partial.progress"
    while first.poll() is None and not (progress.exists() and progress.stat().st_size > 0):
        time.sleep(0.01)
    first.kill()
    first.communicate()
    os.truncate(partial, 1000)
    second = run.start("simulate", case, "-o", output)
    said = second.stderr.readline()
    second.kill()
    second.communicate()
    assert said == f"{WARNING}{partial}: is damaged and is begun anew\n"
