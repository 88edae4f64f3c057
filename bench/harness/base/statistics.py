"""What repeated measurements say: the median, how well it is known, and when to stop."""

import dataclasses
import functools
import math
from collections.abc import Sequence

import numpy as np
import scipy  # which loads scipy.stats when it is first asked for: that takes longer than most commands, and few need it

CONFIDENCE = 0.95
# Fewer measurements enclose their median with less than 95 %, however they lie: 2 * (1/2)^5 > 5 %.
FEWEST_FOR_INTERVAL = 6


@dataclasses.dataclass(frozen=True)
class Summary:
    """Repeated measurements of one quantity, in its unit."""

    samples: tuple[float, ...]
    median: float
    interval: tuple[float, float] | None  # 95 % confidence interval of the median; None below FEWEST_FOR_INTERVAL samples

    @property
    def half_width(self) -> float:
        """How far the interval reaches from the median, relative to it; infinite without an interval."""
        if self.interval is None or self.median == 0:
            return math.inf
        return max(self.interval[1] - self.median, self.median - self.interval[0]) / abs(self.median)


@functools.cache
def interval_ranks(count: int) -> tuple[int, int]:
    """Which two of `count` sorted samples, counted from 0, enclose the median with 95 %, whatever the samples are."""
    low, high = scipy.stats.quantile_test(range(count), q=0, p=0.5).confidence_interval(CONFIDENCE)
    return int(low), int(high)


def summarise(samples: Sequence[float]) -> Summary:
    """Median and interval. The interval is between order statistics, so that it assumes nothing about the distribution."""
    if len(samples) == 0 or not np.all(np.isfinite(samples)):
        raise ValueError(f"a summary needs finite samples, not {list(samples)}")
    interval = None
    if len(samples) >= FEWEST_FOR_INTERVAL:
        in_order = sorted(map(float, samples))
        low, high = interval_ranks(len(samples))
        interval = (in_order[low], in_order[high])
    return Summary(tuple(map(float, samples)), float(np.median(samples)), interval)


def middle(samples: Sequence[float]) -> int:
    """Index of the sample at, or just below, the median."""
    return int(np.argsort(samples, kind="stable")[(len(samples) - 1) // 2])


def paired_ratio(numerators: Sequence[float], denominators: Sequence[float]) -> Summary:
    """Ratios of measurements taken side by side, so that what disturbs both cancels; the two are equally long."""
    return summarise([a / b for a, b in zip(numerators, denominators, strict=True)])


def stop_reason(summary: Summary, precision: float, cap: int) -> str | None:
    """Why to take no more measurements; None to go on. `precision` is relative to the median."""
    if summary.half_width <= precision:
        return f"interval within {100 * precision:g} %"
    if len(summary.samples) < cap:
        return None
    if summary.interval is None:
        return f"cap of {cap} run{'' if cap == 1 else 's'}, too few for an interval"
    return f"cap of {cap} runs, interval within {100 * summary.half_width:.2g} %"


def unpaired_ratio(numerators: Sequence[float], denominators: Sequence[float]) -> tuple[float, tuple[float, float] | None]:
    """How many times larger the numerators are than the denominators, measured apart, and its 95 % interval.

    The median of all ratios between them (Hodges and Lehmann) and the factors that a rank-sum test does not reject; no interval
    where even complete separation would be no evidence, as with three measurements each."""
    ratios = sorted(a / b for a in numerators for b in denominators)
    if scipy.stats.mannwhitneyu(range(len(numerators)), range(-len(denominators), 0), method="exact").pvalue > 1 - CONFIDENCE:
        return float(np.median(ratios)), None

    def rejected(index: int) -> bool:
        """Whether the test rejects the factors between the ratio at `index` and the next."""
        factor = math.sqrt(ratios[index] * ratios[index + 1])
        scaled = [a / factor for a in numerators]
        return scipy.stats.mannwhitneyu(scaled, denominators, method="exact").pvalue <= 1 - CONFIDENCE

    # The interval is symmetric in the ratios' order, so one end gives both.
    end = next((i for i in range(len(ratios) // 2) if not rejected(i)), len(ratios) // 2)
    return float(np.median(ratios)), (float(ratios[end]), float(ratios[-1 - end]))


@dataclasses.dataclass(frozen=True)
class Effect:
    """What paired differences say on average: their mean, its 95 % interval (Student's t), and how likely signs as uneven as theirs
    are where there is no effect (two-sided sign test)."""

    samples: tuple[float, ...]
    mean: float
    low: float
    high: float
    sign_test: float

    @property
    def detectable(self) -> float:
        """The smallest effect that these differences would have shown: half of the interval."""
        return (self.high - self.low) / 2


def effect_of(differences: Sequence[float]) -> Effect:
    """At least two differences."""
    if len(differences) < 2 or not np.all(np.isfinite(differences)):
        raise ValueError(f"an effect needs two finite differences or more, not {list(differences)}")
    mean, error = float(np.mean(differences)), float(scipy.stats.sem(differences))
    half = error * float(scipy.stats.t.ppf(0.5 + CONFIDENCE / 2, len(differences) - 1))
    signs = [d > 0 for d in differences if d != 0]
    sign_test = float(scipy.stats.binomtest(sum(signs), len(signs)).pvalue) if signs else 1.0
    return Effect(tuple(map(float, differences)), mean, mean - half, mean + half, sign_test)
