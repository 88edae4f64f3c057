"""Real runs of a case that a small machine can reconstruct, in place of the paper's data sets of 18 and 74 GB."""

import functools
import os
from collections.abc import Sequence

from harness.reproduce.work import SECONDS_TO_START, Outcome, Step, Work, perform

CASE = "ci"
ITERATIONS = 20  # the case's own
RANKS = 4
SECONDS_PER_ITERATION = 0.25  # of all ranks on two cores
SECONDS_PER_EXCHANGE = 0.005
TOO_BIG = (
    "smaller case: the paper's data sets are 18 and 74 GB and their reconstruction takes weeks on two cores; `ci` has 12 x 12 patterns "
    "and 8 slices"
)


@functools.cache
def dataset(case: str = CASE) -> Step:
    """The case's patterns and true potential."""
    return Step(f"simulate-{case}", case, ("simulate", case), 10.0, ranks=1)


def reconstruction(
    label: str,
    method: str,
    *options: str,
    case: str = CASE,
    ranks: int = RANKS,
    iterations: int = ITERATIONS,
    exchanges: int = 1,
    steps_of: Step | None = None,
    keep_volume: bool = False,
    threads: int | None = None,
) -> Step:
    """A solver run, GD's with the paper's exchange per iteration unless `options` say otherwise; `exchanges` per iteration only serve
    the forecast."""
    if method == "gd" and "--rounds" not in options:
        options = (*options, "--rounds", "1")
    words = ("reconstruct", "--method", method, "--iterations", str(iterations), *options)
    seconds = 2 * SECONDS_TO_START + iterations * (SECONDS_PER_ITERATION + exchanges * SECONDS_PER_EXCHANGE)
    return Step(f"{case}-{label}", case, words, seconds, ranks, dataset(case), steps_of, keep_volume, threads)


def in_rounds(repeats: Sequence[Sequence[Step]]) -> list[Step]:
    """Repeats of several runs, repeats[run][round], in the order in which they run: round by round, every other one backwards, so that
    what drifts disturbs all runs alike."""
    rounds = zip(*repeats, strict=True)
    return [step for i, round_ in enumerate(rounds) for step in (round_ if i % 2 == 0 else reversed(round_))]


def trusted(work: Work, steps: Sequence[Step]) -> tuple[list[Outcome], str]:
    """Outcomes of steps, or, when any of them may not be shown, none and the reasons."""
    outcomes = [perform(work, step) for step in steps]
    reasons = dict.fromkeys(outcome.why_withheld for outcome in outcomes if outcome.why_withheld)
    return ([], "; ".join(reasons)) if reasons else (outcomes, "")


def machine_words(ranks: int) -> str:
    """What a time on this machine means, one thread per rank."""
    cores = os.cpu_count()
    return f"{TOO_BIG}; {ranks} rank{'s' * (ranks > 1)} of one thread on {cores} cores"
