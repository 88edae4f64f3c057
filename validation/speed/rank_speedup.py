"""How much faster two ranks are than one, on one thread each."""

from check import Bar, Check, Place, dataset

from harness.runs import measure

ITERATIONS = 15
FIGURE = "1 rank over 2 ranks, seconds per iteration of ci"


def seconds(place: Place, ranks: int, tag: str) -> float:
    point = measure.Point(f"ranks-{ranks}", "gd", ranks, ITERATIONS, (str(dataset(place, "ci")), "--update", "batch"), threads=1)
    return measure.seconds_per_iteration(measure.run(point, measure.Protocol(place.scratch), tag)["benchmarks"][0])


def sample(place: Place, round_: int) -> dict[str, list[float]]:
    found = {ranks: seconds(place, ranks, str(round_)) for ranks in ((1, 2) if round_ % 2 == 0 else (2, 1))}
    return {FIGURE: [found[1] / found[2]]}


CHECK = Check("two ranks", {FIGURE: Bar(least=1.7)}, sample)
