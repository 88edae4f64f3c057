"""What is done to patterns on their way into a dataset: centre, crop, bin, pad, background, bad pixels, electrons."""

import numpy as np
import pytest
from import_inputs import OPTIONS, content, npy, scan_of

from harness.imports import bad_pixels, disk
from harness.imports.correction import Correction


def block_of(n=3, shape=(12, 10), dtype=np.uint16):
    return np.arange(n * shape[0] * shape[1]).reshape(n, *shape).astype(dtype)


def apply(correction, block):
    return correction.apply(block, 0)[0]


def test_the_centre_comes_to_the_middle_pixel():
    block = np.zeros((1, 12, 10), np.uint16)
    block[0, 3, 7] = 5
    stored = apply(Correction((12, 10), (3.2, 6.9), (12, 10), (12, 10)), block)[0]
    assert stored[6, 5] == 5 and stored.sum() == 5


@pytest.mark.parametrize("bin", [2, 3])
@pytest.mark.parametrize("centre", [(6.0, 5.0), (5.4, 4.7), (2.0, 8.0)])
def test_bins_add_up_what_lies_around_the_centre(bin, centre):
    """Every stored pixel is the sum over the recorded ones that it covers, found one by one."""
    block, shape = block_of(), (4, 4)
    correction = Correction((12, 10), centre, shape, (12, 10), bin)
    stored, used = apply(correction, block), correction.used
    for v, u in np.ndindex(shape):
        y, x = correction.origin(0) + v * bin, correction.origin(1) + u * bin
        whole = 0 <= y <= 12 - bin and 0 <= x <= 10 - bin
        taken = [first <= at < last for at, (first, last) in zip((y, x), (correction.taken(0), correction.taken(1)), strict=True)]
        assert used[v, u] == (whole and all(taken))
        if used[v, u]:
            np.testing.assert_array_equal(stored[:, v, u], block[:, y : y + bin, x : x + bin].sum(axis=(1, 2)))
        else:
            assert not stored[:, v, u].any()
    middle = correction.origin(0) + bin * 2 + (bin - 1) / 2
    assert abs(middle - centre[0]) <= 0.5 and abs(correction.rest[0]) <= 0.5 / bin


def test_padding_has_no_weight():
    correction = Correction((12, 10), (6, 5), (16, 14), (8, 8))
    assert correction.used.sum() == 64 and correction.used[4:12, 3:11].all()
    stored = apply(correction, block_of() + 1)
    assert (stored[:, correction.used] > 0).all() and not stored[:, ~correction.used].any()


def test_background_and_bad_pixels():
    bad = np.zeros((12, 10), bool)
    bad[6, 5] = True
    block = np.full((2, 12, 10), 7, np.uint16)
    block[1, 0, 0] = 1
    block[:, 6, 5] = 60000
    correction = Correction((12, 10), (6, 5), (12, 10), (12, 10), background=2.5, bad=bad)
    stored, clipped = correction.apply(block, 0)
    assert clipped == 1 and stored[1, 0, 0] == 0 and stored[0, 6, 5] == 0 and stored[0, 1, 1] == 4.5
    assert not correction.used[6, 5] and correction.used.sum() == 119
    binned = Correction((12, 10), (6.5, 4.5), (6, 5), (12, 10), 2, bad=bad)
    assert binned.used.sum() == 29 and not apply(binned, block)[:, ~binned.used].any()


def test_outliers_are_found_and_the_disks_edge_is_not():
    ky, kx = np.indices((64, 60))
    true = np.where(np.hypot(ky - 30, kx - 31) < 12, 40.0, 0.4)
    patterns = np.random.default_rng(1).poisson(true, (400, 64, 60)).astype(float)
    patterns[:, 30, 30] = 0
    patterns[:, 10, 50] = 300
    patterns[:, 41, 20:22] = 900
    mean, error = patterns.mean(axis=0), patterns.std(axis=0) / 20
    found = bad_pixels.outliers(mean, error, np.isfinite(mean))
    assert [tuple(map(int, p)) for p in np.argwhere(found)] == [(10, 50), (30, 30), (41, 20), (41, 21)]


def test_pixels_that_never_counted_in_the_dark_are_not_dead():
    """Their spread is 0, too, which says nothing of how well that is known."""
    ky, kx = np.indices((64, 60))
    patterns = np.random.default_rng(1).poisson(0.0012 * kx, (400, 64, 60)).astype(float)
    patterns[:, 20, 8] = 40
    mean, error = patterns.mean(axis=0), patterns.std(axis=0) / 20
    assert (mean == 0).sum() > 10
    found = bad_pixels.outliers(mean, error, np.isfinite(mean))
    assert np.argwhere(found).tolist() == [[20, 8]]


def test_dead_pixels_are_found_at_a_low_dose():
    """An electron per pixel and pattern, where a fifth of it is within the scatter of the mean."""
    patterns = np.random.default_rng(1).poisson(1.0, (400, 40, 40)).astype(float)
    patterns[:, 12, 30] = 0
    found = bad_pixels.outliers(patterns.mean(axis=0), patterns.std(axis=0) / 20, np.ones((40, 40), bool))
    assert np.argwhere(found).tolist() == [[12, 30]]


@pytest.mark.parametrize("centre", [(30.0, 31.0), (25.4, 36.7)])
def test_the_disk_is_found_beside_other_disks(centre):
    ky, kx = np.indices((64, 66))
    soft = np.clip(12.3 - np.hypot(ky - centre[0], kx - centre[1]) + 0.5, 0, 1)
    other = np.clip(7 - np.hypot(ky - centre[0], kx - centre[1] - 20), 0, 1)
    found = disk.fit(50 * soft + 20 * other + 0.5, np.ones(soft.shape, bool))
    assert found.is_one and found.radius == pytest.approx(12.3, abs=0.15)
    np.testing.assert_allclose(found.centre, centre, atol=0.1)


def test_what_is_no_disk_is_not_taken_for_one():
    noise = np.random.default_rng(1).random((40, 40))
    assert not disk.fit(noise, np.ones(noise.shape, bool)).is_one
    assert disk.fit(np.zeros((40, 40)), np.ones((40, 40), bool)) is None


@pytest.fixture
def imported(harness, tmp_path, monkeypatch):
    monkeypatch.setattr("harness.imports.drawn", lambda *_: b"")
    source = npy(tmp_path, scan_of())[0]

    def run(*words, options=OPTIONS):
        result = harness("import", source, "-o", tmp_path / "mine.h5", *options, *words)
        assert result.code == 0, result.err
        return content(tmp_path / "mine.h5"), result

    return run


def test_electrons_of_a_count(imported):
    counted, _ = imported()
    sums = counted["dataset/datacube/data"].sum(axis=(2, 3), dtype=float)
    assert counted["ptychoscale@electrons_per_pattern"] == max(np.median(sums), sums.max() / 1.05)
    scaled, _ = imported("--electrons-per-count", "0.25")
    assert scaled["ptychoscale@electrons_per_pattern"] == counted["ptychoscale@electrons_per_pattern"] / 4
    np.testing.assert_array_equal(scaled["dataset/datacube/data"] * 4, counted["dataset/datacube/data"])
    dose = "dataset/metadatabundle/microscope/dose_e_per_A2"
    assert scaled[dose] == scaled["ptychoscale@electrons_per_pattern"]  # steps of 1 A
    unknown, _ = imported("--electrons-per-count", "unknown")
    assert unknown[dose] == 0


def test_a_dose_scales_counts_to_electrons(imported):
    found, _ = imported("--dose", "1000", options=OPTIONS[:-2])
    assert found["ptychoscale@electrons_per_pattern"] == pytest.approx(1000, rel=1e-5)
    assert found["dataset/metadatabundle/microscope/dose_e_per_A2"] == 1000
    assert found["dataset/datacube/data"].dtype == "f4"


def test_masks_and_patterns_that_are_left_out(imported):
    found, result = imported("--bad-pixels", "3:4,5:6", "--leave-out", "0,7-9")
    used = found["ptychoscale/pixels_used"]
    assert used[4, 5] == used[6, 7] == 0  # by the centre's shift of one pixel
    assert np.flatnonzero(found["ptychoscale/patterns_used"] == 0).tolist() == [0, 7, 8, 9]
    assert not found["dataset/datacube/data"].reshape(20, -1)[[0, 7, 8, 9]].any()
    assert "2 of 528" in result.out and "4 of 20" in result.out


def test_the_beam_is_whole_where_bad_pixels_hide_part_of_it(imported):
    whole, _ = imported()
    found, _ = imported("--bad-pixels", ",".join(f"11:{x}" for x in range(5, 16)))
    beam = "ptychoscale@electrons_per_pattern"
    assert found["dataset/datacube/data"].sum() < 0.92 * whole["dataset/datacube/data"].sum()
    assert found[beam] == pytest.approx(whole[beam], rel=0.02)


def test_negative_counts_become_0_and_are_said(imported):
    found, result = imported("--background", "1")
    assert found["dataset/datacube/data"].min() == 0 and "became 0" in result.out
    assert found["dataset/datacube/data"].dtype == "u2"
