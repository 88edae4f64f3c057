"""Data of other programs: the example that solvers/io/README.md names writes them, and everything works that needs no truth."""

import json
import sys

import h5py
import numpy as np
import pytest
from conftest import ROOT

sys.path.insert(0, str(ROOT / "validation/readers"))

import write_dataset  # noqa: E402


@pytest.fixture
def mine(tmp_path):
    file = tmp_path / "mine.h5"
    write_dataset.write(str(file))
    return file


def table(result):
    return {line[:20].strip(): line[20:30].strip() for line in result.out.splitlines()[2:-1]}


def test_what_the_example_writes_is_sound_and_can_be_sealed(run, mine):
    checks = table(run.good("validate", "dataset", mine))
    assert checks.pop("content hash") == "warning" and checks.pop("readers' metadata") == "warning"
    assert len(checks) == 12 and set(checks.values()) == {"ok"}
    run.rejects("info", mine, "--check-content", says=[mine, "--seal"])
    assert table(run.good("validate", "dataset", mine, "--seal"))["content hash"] == "ok"
    assert "content       as it was written" in run.good("info", mine, "--check-content").out
    with h5py.File(mine, "a") as file:
        file["dataset/datacube/data"][2, 3, 24, 24] += 1
    assert table(run("validate", "dataset", mine, "--seal"))["content hash"] == "FAILED"


def test_info_of_a_measured_scan(run, mine):
    out = run.good("info", mine).out
    assert "probe         made from the optics" in out and "truth         no" in out and "hash          none is stored" in out
    assert "specimen" not in out and "seed" not in out
    said = json.loads(run.good("info", mine, "--json").out)
    assert said["hash"] is None and said["header"]["specimen"] is None and said["truth"] is False


def test_the_example_is_reconstructed(run, mine, output):
    """Its model is numpy's, so that this holds for signs, axes and units as the page describes them."""
    result = run.good("reconstruct", mine, "-o", output, "--method", "serial", "--iterations", 30, "--json", "-")
    row = json.loads(result.out)["benchmarks"][0]
    assert row["verified"] and row["relative_rmse"] is None and row["quality_not_computed"] == "the dataset has no truth to compare with"
    assert row["cost_per_pattern"] == pytest.approx(row["cost"] / 42)
    noise = 0.25e-6  # what counting leaves per lit pixel: some 300 of the disk, and fewer in the dark field
    assert 200 * noise < row["cost_per_pattern"] < 1000 * noise
    with h5py.File(output) as file:
        found = file["reconstruction/potential/data"][0]
    seen = np.s_[22:64, 22:72]  # what the scan spans
    found, truth = found[seen], write_dataset.potential()[seen]
    error = (found - found.mean()) - (truth - truth.mean())
    assert np.linalg.norm(error) < 0.1 * np.linalg.norm(truth - truth.mean())


def test_a_table_says_why_there_is_no_quality(run, mine, output):
    result = run.good("reconstruct", mine, "-o", output, "--method", "serial", "--iterations", 2)
    assert "serial has no full quality: the dataset has no truth to compare with" in result.out


@pytest.mark.parametrize("ranks", [2])
def test_ranks_agree_on_the_hash_of_data_that_have_none(run, mine, output, ranks):
    result = run.good("reconstruct", mine, "-o", output, "--method", "gd", "--iterations", 2, "--json", "-", ranks=ranks)
    said = json.loads(result.out)["context"]["dataset"]["hash"]
    run.good("validate", "dataset", mine, "--seal")
    assert json.loads(run.good("info", mine, "--json").out)["hash"] == said


# What importers get wrong


def turned_scan(file):
    """The positions alone, so that patterns no longer fit them."""
    positions = file["ptychoscale/positions_A"]
    c, s = np.cos(np.deg2rad(17)), np.sin(np.deg2rad(17))
    middle = positions[:].mean(0)
    positions[...] = (positions[:] - middle) @ np.array([[c, -s], [s, c]]) + middle


def transposed_patterns(file):
    data = file["dataset/datacube/data"]
    data[...] = data[...].swapaxes(2, 3)


def another_angle(file):
    file["dataset/metadatabundle/microscope/semiangle_cutoff_mrad"][...] = 15.0


def another_sign(file):
    file["dataset/metadatabundle/microscope/C10_A"][...] = 150.0


def half_a_turn(file):
    """About zero frequency, which is a pixel and no border between two."""
    data = file["dataset/datacube/data"]
    data[...] = np.roll(data[...][..., ::-1, ::-1], (1, 1), (2, 3))


def counts_for_electrons(file):
    """A camera's ten counts for each of them."""
    file["dataset/metadatabundle/microscope/dose_e_per_A2"][...] = 25e3


def shifted_patterns(file):
    data = file["dataset/datacube/data"]
    data[...] = np.roll(data[...], (2, -3), (2, 3))


@pytest.mark.parametrize(
    "change, check, says",
    [
        (turned_scan, "orientation", "68 % as they are, to 95 % for patterns that are turned by -16 degrees from x towards y"),
        (transposed_patterns, "orientation", "for patterns that are transposed and turned by 0 degrees"),
        (another_sign, "defocus", "makes shadow images agree, 155 A by the header: is its sign the other, or are the patterns turned by half"),
        (half_a_turn, "defocus", "-145 A by the header: is its sign the other, or are the patterns turned by half a turn?"),
        (counts_for_electrons, "dose", "2.5e+05 electrons per square angstrom by beam and steps, 2.5e+04 in the header"),
        (another_angle, "aperture", "19.6 mrad in the mean pattern, 15 in the header"),
        (shifted_patterns, "centre", "off the middle by (2.0, -3.0) pixels of (ky, kx)"),
    ],
)
def test_estimates_stand_beside_what_the_file_says(run, mine, change, check, says):
    assert table(run.good("validate", "dataset", mine))[check] == "ok"
    with h5py.File(mine, "a") as file:
        change(file)
    (row,) = [line for line in run.good("validate", "dataset", mine).out.splitlines() if line.startswith(check)]
    assert row[20:27] == "warning" and says in row


# Scans that are no rasters, and masks

COUNTS = "dataset/datacube/data"


def turn(file, degrees):
    """The scan turned about its middle and measured anew, in an order of its own."""
    positions = file["ptychoscale/positions_A"][:]
    c, s = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    middle = positions.mean(0)
    positions = (positions - middle) @ np.array([[c, -s], [s, c]]) + middle
    positions = np.random.default_rng(2).permutation(positions)
    counts = np.random.default_rng(1).poisson(1e6 * write_dataset.measure(positions)).astype(np.uint16)
    del file[COUNTS], file["ptychoscale/positions_A"]
    file[COUNTS] = counts[None]
    file["ptychoscale/positions_A"] = positions
    file["ptychoscale"].attrs["scan"] = "scattered"


def hide(file):
    """A dead column, a hot pixel in the middle of the disk, and two patterns that were lost."""
    used = np.ones((48, 48), bool)
    used[:, 20] = used[25, 23] = False
    data = file[COUNTS]
    counts = data[...]
    counts[..., 20], counts[..., 25, 23] = 0, 65535
    counts.reshape(-1, 48, 48)[[5, 30]] = 65535
    data[...] = counts
    file["ptychoscale/pixels_used"] = used
    file["ptychoscale/patterns_used"] = np.array([i not in (5, 30) for i in range(42)], np.uint8)


@pytest.fixture
def real(mine):
    with h5py.File(mine, "a") as file:
        turn(file, 17)
        hide(file)
    return mine


def test_a_scattered_scan_with_masks_is_sound(run, real):
    checks = table(run.good("validate", "dataset", real, "--seal"))
    assert checks.pop("readers' metadata") == "warning" and set(checks.values()) == {"ok"} and "masks" in checks
    out = run.good("info", real, "--check-content").out
    assert "42 scattered positions" in out
    assert "masks         49 of 2304 pixels have no weight, 2 of 42 patterns are left out" in out
    header = json.loads(run.good("info", real, "--json").out)["header"]
    assert header["scattered"] and header["pixels_without_weight"] == 49 and header["patterns_left_out"] == 2


def test_without_its_mask_the_same_scan_is_refused(run, real, output):
    with h5py.File(real, "a") as file:
        del file["ptychoscale/patterns_used"]
    says = [real, "position 5: counts add up to", "2 of 42 patterns", "or a pixel hot"]
    run.rejects("reconstruct", real, "-o", output, "--method", "serial", says=says)


@pytest.mark.parametrize("method, ranks", [("serial", 1), ("gd", 4), ("hve", 2)])
def test_it_is_reconstructed_with_every_method(run, real, output, method, ranks):
    result = run.good("reconstruct", real, "-o", output, "--method", method, "--iterations", 30, "--json", "-", ranks=ranks)
    row = json.loads(result.out)["benchmarks"][0]
    assert row["verified"] and row["pixels_without_weight"] == 49 and row["patterns_left_out"] == 2
    with h5py.File(output) as file:
        found = file["reconstruction/potential/data"][0]
    seen = np.s_[26:60, 26:68]  # what the turned scan covers
    found, truth = found[seen], write_dataset.potential()[seen]
    error = (found - found.mean()) - (truth - truth.mean())
    assert np.linalg.norm(error) < 0.15 * np.linalg.norm(truth - truth.mean())


def test_masks_are_told_in_the_table_and_counted_in_a_plan(run, real, output):
    out = run.good("reconstruct", real, "-o", output, "--method", "serial", "--iterations", 1).out
    assert "serial: 49 pixels of each pattern have no weight, 2 patterns are left out" in out
    rows = json.loads(run.good("plan", "--dataset", real, "--ranks", "4", "--methods", "gd", "--json", "-").out)["benchmarks"]
    assert rows[0]["positions_per_rank_mean"] == 10


def everything_hidden(file):
    file["ptychoscale/pixels_used"][...] = False


def a_mask_of_another_detector(file):
    del file["ptychoscale/pixels_used"]
    file["ptychoscale/pixels_used"] = np.ones((40, 48))


def no_flags(file):
    file["ptychoscale/patterns_used"][7] = 3


def another_word(file):
    file["ptychoscale"].attrs["scan"] = "spiral"


def steps_in_nm(file):
    file["ptychoscale"].attrs["scan_step_A"] = [0.2, 0.2]


def nowhere_near(file):
    """Six of the positions, 6 A apart."""
    data = file[COUNTS][:, :6]
    del file[COUNTS], file["ptychoscale/positions_A"], file["ptychoscale/patterns_used"]
    file[COUNTS] = data
    file["ptychoscale/positions_A"] = np.array([[y, x] for y in (5.5, 12.0) for x in (5.0, 11.5, 18.0)])


@pytest.mark.parametrize(
    "change, says",
    [
        (everything_hidden, ["pixels_used leaves 0 of 2304 in use"]),
        (a_mask_of_another_detector, ["pixels_used' has shape [40, 48], expected [48, 48]"]),
        (no_flags, ["patterns_used' has the value 3 at index 7, expected 0 or 1"]),
        (another_word, ["'scan' of 'ptychoscale' = 'spiral', expected 'raster' or 'scattered'"]),
        (steps_in_nm, ["scan_step_A = [0.2, 0.2], but the typical distance"]),
        (nowhere_near, ["no two of the 6 positions are less than 6.5 A apart", "expected closer positions, or more defocus"]),
    ],
)
def test_what_cannot_be_is_refused(run, real, output, change, says):
    with h5py.File(real, "a") as file:
        change(file)
    run.rejects("reconstruct", real, "-o", output, "--method", "serial", says=[real, *says])
    run.rejects("validate", "dataset", real, says=[real, *says])
    assert not output.exists()


def test_a_mesh_that_leaves_a_tile_without_positions(run, real):
    result = run.good("plan", "--dataset", real, "--ranks", "60", "--mesh", "60x1", "--methods", "gd", "--json", "-")
    assert "which lie on" in json.loads(result.out)["benchmarks"][0]["error"]
