"""What a check of speed is: figures that are measured again and again, the bars they are held against, and what came of it."""

import dataclasses
import functools
import math
from collections.abc import Callable, Sequence
from pathlib import Path

from harness.base.statistics import Summary, summarise
from harness.runs import program

HOLDS, BROKEN, UNCLEAR = "holds", "broken", "unclear"


@dataclasses.dataclass(frozen=True)
class Bar:
    """Between what a figure has to be."""

    least: float = -math.inf
    most: float = math.inf

    def __str__(self) -> str:
        if math.isinf(self.least):
            return f"at most {self.most:g}"
        return f"at least {self.least:g}" if math.isinf(self.most) else f"{self.least:g} to {self.most:g}"


@dataclasses.dataclass(frozen=True)
class Place:
    """Where the programs are and where runs may leave their files."""

    programs: Path
    scratch: Path


@functools.cache
def dataset(place: Place, case: str) -> Path:
    """The data set of a case, made when it is first asked for."""
    file = place.scratch / f"{case}.h5"
    program.ask("simulate", case, "-o", file)
    return file


@dataclasses.dataclass(frozen=True)
class Check:
    """Figures that are measured together, by their names. `sample` gives what was measured of each in the round of that number:
    usually one value, none where several at a time come cheaper."""

    title: str
    bars: dict[str, Bar]
    sample: Callable[[Place, int], dict[str, list[float]]]


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What a figure was found to be."""

    figure: str
    bar: Bar
    summary: Summary

    @property
    def verdict(self) -> str:
        """Broken only when the whole interval is beyond the bar, so that noise is never called a fault."""
        if self.summary.interval is None:
            return UNCLEAR
        low, high = self.summary.interval
        if low > self.bar.most or high < self.bar.least:
            return BROKEN
        return HOLDS if self.bar.least <= low and high <= self.bar.most else UNCLEAR


def measure(checks: Sequence[Check], place: Place, rounds: int) -> list[Outcome]:
    """All figures once in every round, so that whatever drifts disturbs all of them; every other round goes backwards."""
    samples: dict[str, list[float]] = {figure: [] for check in checks for figure in check.bars}
    for round_ in range(rounds):
        for check in checks if round_ % 2 == 0 else reversed(checks):
            program.say(f"round {round_ + 1} of {rounds}: {check.title}")
            for figure, values in check.sample(place, round_).items():
                samples[figure] += values
    return [Outcome(figure, bar, summarise(samples[figure])) for check in checks for figure, bar in check.bars.items()]


def lines_of(outcomes: Sequence[Outcome]) -> list[str]:
    """The figures as a table for people."""
    width = max(len(outcome.figure) for outcome in outcomes)
    lines = [f"{'figure':<{width}}  {'median':>8}  {'95 % interval':>18}  {'bar':<14}  verdict"]
    for outcome in outcomes:
        interval = outcome.summary.interval
        between = f"{interval[0]:.3g} to {interval[1]:.3g}" if interval else f"{len(outcome.summary.samples)} are too few"
        lines.append(f"{outcome.figure:<{width}}  {outcome.summary.median:>8.3g}  {between:>18}  {str(outcome.bar):<14}  {outcome.verdict}")
    return lines
