"""Runs worth trusting: warmed up, repeated side by side until the median is known, memory measured apart, raw samples kept."""

import contextlib
import dataclasses
import statistics as plain
from pathlib import Path

from harness.base import documents
from harness.base.errors import InputError, RunError
from harness.base.statistics import Summary, middle, paired_ratio, stop_reason, summarise
from harness.runs import launchers, program, unfinished

BUSY = "busy machine"  # how a run's remark on it begins, see bench/record/load.cpp
# Smaller tiles were seen to gain a fifth from caches; ranks that outnumber the cores lose up to the half to the scheduler.
FASTER = 1.5
SLOWER = 2.0
WARM_UP_ITERATIONS = 2  # enough for every exchange buffer to be in use


@dataclasses.dataclass(frozen=True)
class Point:
    """One way to run a solver. `arguments` are those of `ptychoscale reconstruct`, less outputs, iterations and threads."""

    label: str  # of its files
    method: str
    ranks: int
    iterations: int
    arguments: tuple[str, ...]
    program: str | None = None  # another executable than this one
    threads: int | None = None  # of each rank; None: the program's choice


@dataclasses.dataclass(frozen=True)
class Protocol:
    """Where runs leave their files, how they start, and how often they are repeated."""

    folder: Path
    launcher: str = launchers.DEFAULT
    cap: int = 1  # runs of each point, at most
    precision: float = 0.02  # of the median, at which repeating ends
    time_limit: float | None = None  # of each run, in seconds
    resumes: bool = False  # whether runs that have left their report are those of this command


@dataclasses.dataclass
class Series:
    """The runs of one point, in the order of the rounds; after a failure it is not run again."""

    point: Point
    reports: list[dict] = dataclasses.field(default_factory=list)
    memory: dict | None = None  # report of the run that measures memory
    failure: str | None = None

    @property
    def rows(self) -> list[dict]:
        return [report["benchmarks"][0] for report in self.reports]

    @property
    def summary(self) -> Summary:
        return summarise([seconds_per_iteration(row) for row in self.rows])

    @property
    def report(self) -> dict | None:
        """That of the run in the middle, which stands for all; None for a series without runs."""
        return self.reports[middle(self.summary.samples)] if self.reports else None


def seconds_per_iteration(row: dict) -> float:
    """One sample: the run's median iteration. The first warms up and does not count, unless there is no other."""
    seconds = row["seconds_of_iterations"]
    return plain.median(seconds[1:] or seconds)


def reconstruction_of(point: Point, protocol: Protocol) -> Path:
    """The volume that the point's last run wrote."""
    return protocol.folder / f"{point.label}.h5"


def run(point: Point, protocol: Protocol, tag: str, iterations: int | None = None) -> dict:
    """One run as the report it wrote, kept as LABEL-TAG.json; one that was stopped goes on from its checkpoint.

    Throws InputError for a run that cannot be, as too many ranks, and RunError for one that failed, with its own reason."""
    report = protocol.folder / f"{point.label}-{tag}.json"
    log = protocol.folder / f"{point.label}.log"
    output = reconstruction_of(point, protocol)
    arguments = ["reconstruct", *point.arguments, "--method", point.method, "-o", output]
    arguments += ["--iterations", iterations or point.iterations, "--json", report]
    arguments += program.thread_words(point.threads)
    described = [point.program or program.identity(), point.ranks, *arguments]
    if protocol.resumes and report.is_file():
        unfinished.forget_ended(output, described)
        return documents.read_report(report)
    report.unlink(missing_ok=True)
    resume = unfinished.begin(output, described)
    code = program.launch(
        [*arguments, *resume], log, ranks=point.ranks, launcher=protocol.launcher, program=point.program, time_limit=protocol.time_limit
    )
    unfinished.end(output, code)
    if code != 0 or not report.is_file():  # a launcher may hide how its processes ended
        program.fail(why_failed(log, code, report, protocol.launcher), code)
    written = documents.read_report(report)
    seen = written["benchmarks"][0]["ranks"]
    if seen != point.ranks:
        raise RunError(f"asked for {point.ranks} ranks, the run says {seen}; '{protocol.launcher}' does not start what it is told to")
    return written


def why_failed(log: Path, code: int, report: Path, launcher: str) -> str:
    """What the run said, or its report: when a launcher ends its ranks, their last line may be lost."""
    if report.is_file() and program.error_in(log.read_text(errors="replace").splitlines()) is None:
        if documents.read_report(report)["benchmarks"][0].get("verified") is False:
            return "the cost did not fall"
    return program.reason(log, code, launcher)


@contextlib.contextmanager
def kept_failure(series: Series):
    """What fails inside becomes the series' failure instead of ending all others."""
    try:
        yield
    except (InputError, RunError) as error:
        series.failure = str(error)


def measure(points: list[Point], protocol: Protocol) -> list[Series]:
    """Runs every point once, or, with a cap above 1, until each one's median is known or the cap is reached.

    Repeated runs go in rounds of all points, so that what drifts disturbs all alike and ratios are of neighbours in time; every
    other round goes backwards. A round to warm up, which also measures memory, comes first and is not timed."""
    all_series = [Series(point) for point in points]
    if protocol.cap > 1:
        for series in all_series:
            program.say(f"{describe(series.point)}, warm-up and memory")
            with kept_failure(series):
                series.memory = run(series.point, protocol, "memory", min(WARM_UP_ITERATIONS, series.point.iterations))
    for round_ in range(protocol.cap):
        waiting = [series for series in all_series if series.failure is None]
        for series in waiting if round_ % 2 == 0 else reversed(waiting):
            program.say(f"{describe(series.point)}, run {round_ + 1} of {protocol.cap}{' at most' if protocol.cap > 1 else ''}")
            with kept_failure(series):
                series.reports.append(run(series.point, protocol, str(round_)))
        if not any(stop_reason(s.summary, protocol.precision, protocol.cap) is None for s in waiting if not s.failure):
            break
    return all_series


def describe(point: Point) -> str:
    return f"{point.label} on {point.ranks} rank{'' if point.ranks == 1 else 's'}"


def row_of(series: Series, protocol: Protocol) -> dict:
    """All runs of a point as one row: the run in the middle, with times of all of them and memory of the run apart."""
    point = series.point
    if series.failure is not None:
        return documents.error_row(series.failure, name=point.label, method=point.method, ranks=point.ranks)
    summary = series.summary
    row = dict(series.report["benchmarks"][0])
    row["seconds_per_position"] *= summary.median / row["seconds_per_iteration"]
    row["seconds_per_iteration"] = row["real_time"] = summary.median
    row["repetitions"] = len(summary.samples)
    row["seconds_per_iteration_median"] = summary.median
    row["seconds_per_iteration_95_percent"] = summary.interval and list(summary.interval)
    row["seconds_per_iteration_of_repetitions"] = list(summary.samples)
    row["seconds_of_iterations_of_repetitions"] = [each["seconds_of_iterations"] for each in series.rows]
    row["stop_reason"] = stop_reason(summary, protocol.precision, protocol.cap)
    add_load(row, series)
    if series.memory is not None:
        apart = series.memory["benchmarks"][0]
        row.update({key: value for key, value in apart.items() if key.startswith("memory_")})
        row["memory_run_iterations"] = apart["iterations"]
    return row


def add_load(row: dict, series: Series) -> None:
    """What else went on during the runs. Of several, the one that others disturbed the most speaks for all that were disturbed."""
    loads = [report["context"].get("load", {}) for report in series.reports]
    if series.report["context"].get("load"):
        row["load"] = series.report["context"]["load"]
    if len(series.reports) == 1:
        return
    row["used_by_others_of_repetitions"] = [load.get("used_by_others") for load in loads]
    said = [next((text for text in each.get("remarks", []) if text.startswith(BUSY)), None) for each in series.rows]
    disturbed = [(load.get("used_by_others") or 0, text) for load, text in zip(loads, said, strict=True) if text]
    kept = [text for text in row.pop("remarks", []) if not text.startswith(BUSY)]
    if disturbed:
        kept.append(f"{max(disturbed)[1]}; {len(disturbed)} of {len(loads)} runs were disturbed")
    for text in kept:
        documents.remark(row, text)


def cores_of(row: dict) -> float:
    """Cores that a row's threads could keep busy: no more than its hosts have, where that is known."""
    load, threads = row.get("load", {}), row["ranks"] * row["threads"]
    hosts = threads / load["threads"] if load.get("threads") else 1
    return min(threads, load["cores"] * hosts) if load.get("cores") else threads


def beyond_reason(row: dict, first: dict, ratio: float) -> str | None:
    """Why a ratio of times cannot be what the solvers are worth; None for one that can. Ideal is that all cores share the visits to
    positions evenly; caches and the scheduler make up for FASTER and SLOWER than that, not for more."""
    work = row["positions_per_rank_mean"] * row["ranks"] / (first["positions_per_rank_mean"] * first["ranks"])
    ideal = work * cores_of(first) / cores_of(row)
    if ideal / FASTER <= ratio <= max(work, ideal) * SLOWER:
        return None
    return (
        f"{ratio:.3g} x the time of {first['name']} is beyond reason where even sharing would give {ideal:.3g} x: one of the two was "
        "disturbed, or its threads shared cores"
    )


def add_ratios(rows: list[dict]) -> None:
    """Adds to every measured row but the first how long it takes compared with that one, from runs of the same rounds."""
    measured = [row for row in rows if "error" not in row]
    for row in measured[1:]:
        first = measured[0]
        ratio = paired_ratio(row["seconds_per_iteration_of_repetitions"], first["seconds_per_iteration_of_repetitions"])
        row["time_ratio_to"] = first["name"]
        row["time_ratio_median"] = ratio.median
        row["time_ratio_95_percent"] = ratio.interval and list(ratio.interval)
        row["time_ratio_of_repetitions"] = list(ratio.samples)
        doubt = beyond_reason(row, first, ratio.median)
        if doubt:
            documents.remark(row, doubt)
