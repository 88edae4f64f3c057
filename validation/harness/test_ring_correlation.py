"""The Fourier ring correlation of two halves against what theory says of images with known noise."""

import numpy as np
import pytest

from harness.base.ring_correlation import (
    FEWEST_PIXELS,
    HALF_BIT,
    ONE_BIT,
    flattened,
    independent_share,
    ring_correlation,
    weights_of,
)

SHAPE, PIXEL = (90, 96), np.array([0.25, 0.25])
SCAN = np.stack(np.meshgrid(np.linspace(4, 18, 12), np.linspace(4, 19, 12), indexing="ij"), axis=-1).reshape(-1, 2)
WEIGHTS = weights_of(SCAN, PIXEL, SHAPE)


def noise(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(SHAPE)


def signal(seed: int, fall_A: float = 0.6) -> np.ndarray:
    """Random features whose spectrum falls as a Gaussian; (image, its power per Fourier pixel over white noise's of deviation 1)."""
    k = np.hypot(np.fft.fftfreq(SHAPE[0], PIXEL[0])[:, None], np.fft.fftfreq(SHAPE[1], PIXEL[1]))
    return np.fft.ifft2(np.fft.fft2(noise(seed)) * np.exp(-((k * fall_A) ** 2) * 2)).real


def power(frequency: np.ndarray, fall_A: float = 0.6) -> np.ndarray:
    return np.exp(-((frequency * fall_A) ** 2) * 4)


def correlate(one: np.ndarray, other: np.ndarray):
    return ring_correlation(one, other, PIXEL, WEIGHTS)


def test_with_independent_noise_it_is_the_share_of_the_signal():
    """S / (S + N) in every ring, on average over 200 specimens: to 0.05, three times what that leaves of a ring's scatter of 0.2."""
    deviation = 0.3
    found = [correlate(signal(n) + deviation * noise(1000 + n), signal(n) + deviation * noise(2000 + n)) for n in range(200)]
    k, mean = found[0].frequency_per_A, np.mean([each.correlation for each in found], axis=0)
    expected = power(k) / (power(k) + deviation**2)
    assert expected[1] > 0.85 and expected[-1] < 0.05
    assert np.abs(mean - expected)[1:].max() < 0.05


def test_the_same_image_agrees_to_the_last_ring():
    found = correlate(signal(1), signal(1))
    assert found.correlation == pytest.approx(np.ones(len(found.correlation)))
    assert found.resolutions_A[HALF_BIT] == found.resolutions_A[ONE_BIT] == 1 / found.frequency_per_A[-1]


def test_more_noise_is_less_resolution():
    def resolution(deviation):
        return correlate(signal(3) + deviation * noise(4), signal(3) + deviation * noise(5)).resolutions_A

    resolutions = [resolution(deviation) for deviation in (0.1, 0.3, 0.6)]
    half = [each[HALF_BIT] for each in resolutions]
    assert half == sorted(half) and half[0] < 0.7 * half[-1]
    assert all(each[ONE_BIT] >= each[HALF_BIT] for each in resolutions)


def test_white_noise_agrees_in_nothing():
    """Of a hundred pairs one or two may by chance, in a lowest ring of few pixels; there to what is no detail at all."""
    found = [correlate(noise(2 * n), noise(2 * n + 1)) for n in range(100)]
    by_chance = [each.resolutions_A[HALF_BIT] for each in found if each.resolutions_A[HALF_BIT] is not None]
    assert len(by_chance) <= 4 and all(each > 5 for each in by_chance)


def test_noise_scatters_as_thresholds_take_it_to():
    """By one over the root of twice the independent pixels, at most: weights leave fewer of them, and a ring's neighbours some more."""
    found = np.array([correlate(noise(2 * n), noise(2 * n + 1)).correlation for n in range(100)])
    k = correlate(noise(0), noise(1)).frequency_per_A
    lit = WEIGHTS[np.ix_(WEIGHTS.any(axis=1), WEIGHTS.any(axis=0))]
    area = lit.size * PIXEL.prod()
    pixels = np.pi * k * (k[1] - k[0]) * area * independent_share(lit)  # of half a ring
    ratio = found.std(axis=0) * np.sqrt(2 * pixels)
    assert ratio[2:].max() < 1.05 and 0.75 < ratio[2:].mean() < 0.95
    assert independent_share(np.ones((8, 8))) == 1


def test_offset_and_ramp_are_no_signal():
    """They differ from one reconstruction to the next, and would be the strongest thing in both."""
    y, x = np.indices(SHAPE)
    found = correlate(noise(1) + 50 + 0.5 * y, noise(2) + 80 + 0.4 * y - 0.1 * x)
    assert found.correlation == pytest.approx(correlate(noise(1), noise(2)).correlation, abs=1e-9)
    assert np.abs(flattened(3.0 + 0.2 * x, WEIGHTS)).max() < 1e-9


def test_empty_rings_between_those_of_a_crystal_do_not_end_it():
    y, x = np.indices(SHAPE) * 0.25
    crystal = np.cos(2 * np.pi * y / 2.0) + np.cos(2 * np.pi * x / 1.0)
    found = correlate(crystal + 0.8 * noise(1), crystal + 0.8 * noise(2))
    between = np.argmin(np.abs(found.frequency_per_A - 0.78))
    assert found.correlation[between] < found.thresholds[HALF_BIT][between]
    assert found.resolutions_A[HALF_BIT] == pytest.approx(1.0, rel=0.1)


def test_only_what_the_scan_has_lit_counts():
    """A scan that is turned leaves the corners of its box dark, whatever is there."""
    c, s = np.cos(0.3), np.sin(0.3)
    middle = SCAN.mean(axis=0)
    weights = weights_of((0.6 * (SCAN - middle)) @ np.array([[c, s], [-s, c]]) + middle, PIXEL, SHAPE)
    assert 0 < weights.max() <= 1 and not weights[:8].any() and not weights[:, -8:].any()
    spoiled = [signal(1), signal(1)]
    spoiled[0] = np.where(weights == 0, 1000 * noise(1), spoiled[0])
    assert ring_correlation(*spoiled, PIXEL, weights).correlation.min() > 0.999


def test_what_has_no_rings_is_refused():
    with pytest.raises(ValueError, match="at least 16 are needed"):
        ring_correlation(noise(1), noise(2), PIXEL, weights_of(SCAN * 0.2, PIXEL, SHAPE))
    with pytest.raises(ValueError, match="on a line"):
        weights_of(np.array([[1.0, 1.0], [2.0, 2.0], [3.0, 3.0]]), PIXEL, SHAPE)
    assert FEWEST_PIXELS == 16
