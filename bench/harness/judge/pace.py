"""Speed as ratios of runs measured side by side, so that it compares between moments, and between machines of one kind.

Of every run the fastest iteration counts: what else the machine does only ever adds to a time."""

import dataclasses
import time

import numpy as np
import scipy.fft

from harness.runs import measure, program

ROUNDS = 9  # from nine on, one disturbed round on either side does not move the 95 % interval of the median
RUN_SECONDS = 0.5  # of iterations in every run: the more there are, the likelier is one that nothing disturbs
FEWEST_ITERATIONS = 5
YARDSTICK_SECONDS = 0.05  # of transforms, each time; enough for the fastest to repeat within 1 %
YARDSTICK_BATCH = 16  # transforms at once, about as many waves as stay in a cache

TRANSFORMS = "bare transforms per position and slice"


@dataclasses.dataclass(frozen=True)
class Case:
    """What a run's time is spread over."""

    positions: int
    slices: int
    detector: tuple[int, int]

    @staticmethod
    def of(header: dict) -> "Case":
        rows, columns = header["scan"]
        return Case(rows * columns, header["slices"], tuple(header["detector"]))


def iterations(row: dict) -> int:
    """How many iterations a run needs for its fastest to be telling, by one that was run already."""
    return max(FEWEST_ITERATIONS, round(RUN_SECONDS / min(row["seconds_of_iterations"])))


def bare_transform_seconds(extent: tuple[int, int]) -> float:
    """Fastest time of one two-dimensional transform in single precision, by scipy on one thread: a yardstick not ours."""
    waves = np.ones((YARDSTICK_BATCH, *extent), np.complex64)
    fastest, end = float("inf"), time.perf_counter() + YARDSTICK_SECONDS
    while time.perf_counter() < end:
        start = time.perf_counter()
        scipy.fft.fft2(waves, workers=1)
        fastest = min(fastest, time.perf_counter() - start)
    return fastest / YARDSTICK_BATCH


def fastest_iteration(point: measure.Point, protocol: measure.Protocol, tag: str) -> float:
    """Seconds of a run's fastest iteration. Throws RunError when the run fails."""
    return min(measure.run(point, protocol, tag)["benchmarks"][0]["seconds_of_iterations"])


def in_transforms(point: measure.Point, protocol: measure.Protocol, case: Case, tag: str) -> tuple[float, float]:
    """Seconds of a serial run's fastest iteration, and the same per position and slice in bare transforms made around it."""
    before = bare_transform_seconds(case.detector)
    seconds = fastest_iteration(point, protocol, tag)
    yardstick = min(before, bare_transform_seconds(case.detector))
    return seconds, seconds / (yardstick * case.positions * case.slices)


def paces(points: list[measure.Point], protocol: measure.Protocol, case: Case) -> dict[str, dict]:
    """Keys to add to the row of each point, by its label; `points` starts with the serial one.

    The serial solver is paced by bare transforms, the others by the serial solver of the same round. Ranks that would share cores
    measure the scheduler and are left out."""
    serial, *others = points
    others = [point for point in others if point.ranks <= program.cores()]
    samples: dict[str, list[float]] = {point.label: [] for point in [serial, *others]}
    for round_ in range(ROUNDS):
        program.say(f"pace, round {round_ + 1} of {ROUNDS}")
        seconds, pace = in_transforms(serial, protocol, case, f"pace-{round_}")
        samples[serial.label].append(pace)
        for point in others:
            samples[point.label].append(fastest_iteration(point, protocol, f"pace-{round_}") / seconds)
    return {
        label: {
            "pace": float(np.median(values)),
            "pace_unit": TRANSFORMS if label == serial.label else f"times {serial.label}",
            "pace_of_repetitions": values,
        }
        for label, values in samples.items()
    }


def against(points: list[measure.Point], protocol: measure.Protocol, other: str) -> dict[str, list[float]]:
    """By label of a point, how many times as long it takes as with another build of the program, from pairs of runs."""
    ratios: dict[str, list[float]] = {point.label: [] for point in points}
    for round_ in range(ROUNDS):
        program.say(f"against {other}, round {round_ + 1} of {ROUNDS}")
        for point in points:
            rival = dataclasses.replace(point, label=f"{point.label}-other", program=other)
            pair = [point, rival] if round_ % 2 == 0 else [rival, point]
            seconds = {each.label: fastest_iteration(each, protocol, f"against-{round_}") for each in pair}
            ratios[point.label].append(seconds[point.label] / seconds[rival.label])
    return ratios
