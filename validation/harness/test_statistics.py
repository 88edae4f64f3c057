"""The median's interval covers what it should, ratios of pairs cancel drift, and repeating stops when it may."""

import math

import numpy as np
import pytest

from harness.base.statistics import middle, paired_ratio, stop_reason, summarise

TRIALS = 2000


@pytest.mark.parametrize("count, covered", [(6, 0.96875), (10, 0.978516), (25, 0.956715)])
@pytest.mark.parametrize(
    "distribution, median", [("standard_normal", 0.0), ("standard_exponential", math.log(2)), ("standard_cauchy", 0.0)]
)
def test_interval_covers_the_median(count, covered, distribution, median):
    """`covered` is 1 - 2 P(binomial(n, 1/2) < k) for the order statistics k with at least 95 %; whatever the distribution. Four
    standard deviations of 2000 trials: one false alarm in 16000."""
    random = np.random.default_rng(7)
    hits = 0
    for _ in range(TRIALS):
        low, high = summarise(getattr(random, distribution)(count)).interval
        hits += low <= median <= high
    assert abs(hits / TRIALS - covered) < 4 * math.sqrt(covered * (1 - covered) / TRIALS)


def test_too_few_samples_have_no_interval():
    assert summarise([1.0, 2.0, 3.0, 4.0, 5.0]).interval is None
    assert summarise([1.0, 2.0, 3.0, 4.0, 5.0, 6.0]).interval == (1.0, 6.0)


@pytest.mark.parametrize("samples", [[], [1.0, math.nan], [math.inf]])
def test_samples_must_be_numbers(samples):
    with pytest.raises(ValueError):
        summarise(samples)


def test_median_and_the_sample_in_the_middle():
    assert summarise([3.0, 1.0, 2.0, 10.0]).median == 2.5
    assert middle([3.0, 1.0, 2.0, 10.0]) == 2
    assert middle([5.0]) == 0


def test_ratio_of_pairs_cancels_what_disturbs_both():
    drift = np.linspace(1, 3, 12)
    ratio = paired_ratio(1.3 * drift, drift)
    assert ratio.median == pytest.approx(1.3)
    assert ratio.half_width < 1e-12
    assert summarise(drift).half_width > 0.3, "the drift itself would drown it"


def test_pairs_must_be_pairs():
    with pytest.raises(ValueError):
        paired_ratio([1.0, 2.0], [1.0])


def test_repeating_stops_when_the_median_is_known():
    tight = [1.0, 1.01, 0.99, 1.0, 1.005, 0.995]
    assert stop_reason(summarise(tight[:5]), 0.02, 100) is None, "five runs have no interval"
    assert stop_reason(summarise(tight), 0.02, 100) == "interval within 2 %"
    assert stop_reason(summarise(tight), 0.001, 100) is None


@pytest.mark.parametrize(
    "samples, reason",
    [
        ([1.0], "cap of 1 run, too few for an interval"),
        ([1.0, 2.0], "cap of 2 runs, too few for an interval"),
        ([1.0, 1.0, 1.0, 1.0, 1.0, 1.1], "cap of 6 runs, interval within 10 %"),
    ],
)
def test_the_cap_stops_too_and_says_how_well_the_median_is_known(samples, reason):
    assert stop_reason(summarise(samples), 0.02, len(samples)) == reason
