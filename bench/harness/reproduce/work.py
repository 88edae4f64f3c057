"""Runs of the program that are kept: each under a name and the hash of all that it depends on, so that none is repeated."""

import dataclasses
import functools
import hashlib
import json
import math
import os
import platform
import time
from collections.abc import Sequence
from pathlib import Path

from harness.base import documents
from harness.base.errors import EXIT_FAILED, EXIT_OK, InputError, RunError
from harness.project import machine
from harness.project.kernels import projection_program
from harness.runs import program, unfinished

SECONDS_TO_START = 1.0  # a process, or a few under mpirun


@dataclasses.dataclass(frozen=True)
class Step:
    """One run of the program."""

    label: str  # of its files and in the progress line
    case: str
    words: tuple[str, ...]  # after `ptychoscale`, less dataset, launcher, threads and outputs
    seconds: float  # expected on two cores of today
    ranks: int | None = None  # None: one process, started without the launcher
    dataset: "Step | None" = None  # what it reads
    steps_of: "Step | None" = None  # the run whose step size it takes
    keep_volume: bool = False
    threads: int | None = None  # of each rank; None: the work's
    kernels_of: "Step | None" = None  # the run that measured the kernel times it takes
    report_option: str = "--json"  # what names its report
    step_factor: float = 1.0  # times the step size of `steps_of`
    best_of: "tuple[Step, ...]" = ()  # the runs of which it takes the best one's step size; some may fail

    @property
    def needs(self) -> list["Step"]:
        """The steps that must be done before this one."""
        return [step for step in (self.dataset, self.steps_of, self.kernels_of, *self.best_of) if step is not None]


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What became of a step: its report's rows, or why there are none."""

    rows: list[dict] = dataclasses.field(default_factory=list)
    file: Path | None = None  # the report
    volume: Path | None = None
    failure: str | None = None
    not_run: bool = False  # the failure is that time was over

    @property
    def row(self) -> dict:
        return self.rows[0]

    @property
    def why_withheld(self) -> str:
        """Why its figures may not be shown; empty when they may."""
        if self.failure is not None:
            return f"the run failed: {self.failure}"
        return "" if self.row.get("verified", True) else "not verified: the cost did not fall"


@dataclasses.dataclass
class Work:
    """Where runs are kept and how they are started; what came of those made by this process."""

    folder: Path
    launcher: str
    backend: str = "cpu"
    threads: int | None = None  # of each rank of the steps that do not say; None: the program's choice
    time_limit: float | None = None  # of each run, in seconds
    valgrind_program: Path | None = None  # that Valgrind is to run; None: the one that makes the runs
    ends: float = math.inf  # when, by time.monotonic(), no more run is begun
    outcomes: dict[Step, Outcome] = dataclasses.field(default_factory=dict)

    @property
    def is_over(self) -> bool:
        return time.monotonic() >= self.ends


@functools.cache
def program_identity(command: str) -> str:
    """What a result depends on besides its own arguments: programs and machine."""
    files = [Path(program.executable())]
    if command == "project":  # machines and kernel times are the harness's own
        files += [Path(projection_program()), *sorted(machine.MACHINES.glob("*.json")), *sorted(Path(machine.__file__).parent.glob("*.py"))]
    content = hashlib.sha256(b"".join(hashlib.sha256(file.read_bytes()).digest() for file in files)).hexdigest()
    return f"{content} on {platform.node()} with {os.cpu_count()} cores"


@functools.cache
def case_identity(case: str) -> str:
    return program.ask("info", case, "--json")


def threads_of(work: Work, step: Step) -> int | None:
    """Of each rank; None leaves the choice to the program. One process runs here, and a dry run must count as many as it."""
    return step.threads or work.threads or (program.threads_here() if step.ranks is None else None)


def key_of(work: Work, step: Step) -> str:
    """Changes with everything that could change the result."""
    needed = [
        program_identity(step.words[0]),
        case_identity(step.case),
        step.label,
        list(step.words),
        step.ranks,
        threads_of(work, step),
        work.launcher if step.ranks else "",
        work.backend,
        *([step.step_factor] if step.step_factor != 1 else []),
        *(key_of(work, each) for each in step.needs),
    ]
    return hashlib.sha256(json.dumps(needed).encode()).hexdigest()[:12]


def outputs(work: Work, step: Step) -> tuple[Path | None, Path | None]:
    """The report and the volume or dataset that a step leaves; None for what it does not."""
    stem = work.folder / f"{step.label}-{key_of(work, step)}"
    report = None if step.words[0] == "simulate" else stem.with_name(f"{stem.name}.json")
    volume = stem.with_name(f"{stem.name}.h5") if step.words[0] == "simulate" or step.keep_volume else None
    return report, volume


def is_done(work: Work, step: Step) -> bool:
    """Whether an earlier run has left the step's outputs."""
    return all(file is None or file.exists() for file in outputs(work, step))


def read_outcome(work: Work, step: Step) -> Outcome:
    report, volume = outputs(work, step)
    return Outcome(documents.read_report(report)["benchmarks"] if report else [], report, volume)


def arguments_of(work: Work, step: Step, report: Path | None, volume: Path) -> list:
    """The whole command line after `ptychoscale`."""
    words = list(step.words)
    if step.dataset is not None:
        words.insert(1, perform(work, step.dataset).volume)
    if step.steps_of is not None:
        words += ["--step", repr(step.step_factor * perform(work, step.steps_of).row["step"])]
    if step.best_of:
        words += ["--step", repr(best_step(work, step.best_of).row["step"])]
    if step.kernels_of is not None:
        words += ["--kernel-times", perform(work, step.kernels_of).file]
    if step.words[0] == "reconstruct":
        words += ["--backend", work.backend]
    if step.words[0] in ("simulate", "reconstruct", "plan"):
        words += program.thread_words(threads_of(work, step))
    writes_volume = step.words[0] == "simulate" or (step.words[0] == "reconstruct" and "--as-rank" not in words)
    words += ["-o", volume] if writes_volume else []
    return words + ([step.report_option, report] if report else [])


def best_step(work: Work, trials: Sequence[Step]) -> Outcome:
    """The trial with the smallest error of all its iterations. Throws RunError when none is verified."""
    sound = [outcome for outcome in (perform(work, trial) for trial in trials) if not outcome.why_withheld]
    if not sound:
        raise RunError(f"no step of {len(trials)} tried is good, among them {trials[0].label}: {perform(work, trials[0]).why_withheld}")
    return min(sound, key=lambda outcome: outcome.row["relative_rmse_lowest"])


def start(work: Work, step: Step, arguments: list, volume: Path, log: Path) -> None:
    """Runs the program, on from its checkpoint where it was stopped before. Throws RunError with its reason, except for a run whose only
    fault is that its cost did not fall: its report says so."""
    if step.ranks is None:
        words = [program.executable(), *map(str, arguments)]
        code = program.run_logged(words, log, program.launch_environment(), work.time_limit)
    else:
        resume = unfinished.begin(volume, [key_of(work, step), *arguments]) if step.words[0] == "reconstruct" else []
        words = [arguments[0], *resume, *arguments[1:]]
        code = program.launch(words, log, ranks=step.ranks, launcher=work.launcher, time_limit=work.time_limit)
        unfinished.end(volume, code)
    program.raise_interruption(code)
    if code != EXIT_OK and not (code == EXIT_FAILED and "--json" in arguments and Path(arguments[-1]).exists()):
        raise RunError(program.reason(log, code, work.launcher))


def run(work: Work, step: Step) -> Outcome:
    """Carries out a step; its files get their names when they are whole."""
    report, volume = outputs(work, step)
    partial = work.folder / f".{step.label}"
    partial_report = partial.with_suffix(".json") if report else None
    partial_volume = volume or partial.with_suffix(".h5")
    if partial_report:
        partial_report.unlink(missing_ok=True)
    arguments = arguments_of(work, step, partial_report, partial_volume)
    start(work, step, arguments, partial_volume, work.folder / f"{step.label}.log")
    if volume is None:
        partial_volume.unlink(missing_ok=True)
    if partial_report:
        documents.read_report(partial_report)
        documents.give_name(partial_report, report)
    return read_outcome(work, step)


def read_kept(work: Work, step: Step) -> Outcome:
    """The outcome of an earlier run. Throws InputError for a dataset that does not hold what was written."""
    outcome = read_outcome(work, step)
    if step.words[0] == "simulate":
        program.ask("info", outcome.volume, "--check-content")
    return outcome


def perform(work: Work, step: Step) -> Outcome:
    """The outcome of a step, from this session, an earlier one, or a run now; a failure is an outcome, too."""
    if step in work.outcomes:
        return work.outcomes[step]
    for needed in step.needs:
        found = perform(work, needed)
        if found.not_run or (found.failure and needed not in step.best_of):
            work.outcomes[step] = Outcome(failure=f"{needed.label}: {found.failure}", not_run=found.not_run)
            return work.outcomes[step]
    if work.is_over and not is_done(work, step):
        return Outcome(failure="not run: the minutes given were over", not_run=True)
    try:
        work.outcomes[step] = read_kept(work, step) if is_done(work, step) else run(work, step)
    except (RunError, InputError) as error:
        work.outcomes[step] = Outcome(failure=str(error))
    return work.outcomes[step]


def source(work: Work, step: Step) -> str:
    """The report of a step as others cite it; empty for a failed one."""
    file = perform(work, step).file
    return f"{file.parent.name}/{file.name}" if file else ""


def sources(work: Work, steps: Sequence[Step]) -> str:
    return ", ".join(source(work, step) for step in steps)


def waiting(work: Work, steps: list[Step]) -> list[Step]:
    """The steps that remain to be run, each once, with those they need before them."""
    found: dict[Step, None] = {}
    for step in steps:
        for each in (*waiting(work, step.needs), step):
            if each not in work.outcomes and not is_done(work, each):
                found[each] = None
    return list(found)
