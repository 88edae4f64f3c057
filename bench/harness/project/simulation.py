"""Simulated runs: one process each, several at a time, and what they print as rows of a report."""

import dataclasses
import json
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

from harness.base import documents
from harness.base.errors import InputError, RunError
from harness.project import platform
from harness.project.kernels import KernelTimes, projection_program
from harness.project.machine import Machine
from harness.runs import processes, program

POLL_SECONDS = 0.05


@dataclasses.dataclass(frozen=True)
class Run:
    """One solver on some ranks of a machine."""

    case: str
    method: str
    ranks: int
    exchange: str | None  # gd's
    rounds: str | None  # gd's and replicated's: a number, or max
    words: tuple[str, ...]  # further options of the solver
    iterations: int
    imbalance: float
    timeline: bool
    times: KernelTimes

    @property
    def label(self) -> str:
        parts = [self.method, str(self.ranks)]
        if self.exchange:
            parts.append(self.exchange)
        if self.rounds not in (None, "1"):
            parts.append(f"{self.rounds} rounds")
        return ", ".join(parts)

    @property
    def solver(self) -> list[str]:
        """The options that say what runs."""
        chosen = [("--exchange", self.exchange), ("--rounds", self.rounds)]
        words = [word for option, value in chosen if value is not None for word in (option, value)]
        return ["--case", self.case, "--method", self.method, "--ranks", str(self.ranks), *words, *self.words]


def words_of(run: Run, machine: Machine, folder: Path) -> list[str]:
    """The command of a run; its platform and kernel times are written to `folder`."""
    file = folder / f"{machine.name}-{run.ranks}.xml"
    if not file.exists():
        platform.write_platform(machine, run.ranks, file)
    kernels = folder / f"kernels-{run.method}.json"
    times = run.times
    documents.write_json(kernels, {"device": times.device, "bytes_per_second": times.bytes_per_second, "visits": times.visits})
    words = [projection_program(), "--platform", str(file), "--kernel-times", str(kernels), *run.solver]
    for key, value in platform.smpi_settings(machine).items():
        words += ["--setting", f"{key}:{value}"]
    words += ["--iterations", str(run.iterations), "--imbalance", str(run.imbalance)]
    return words + ["--timeline"] * run.timeline


def simulate_all(runs: list[Run], machine: Machine, jobs: int) -> list[dict]:
    """What each run printed, in their order. Throws InputError or RunError with the line of the first that failed; the others,
    then and on an interruption, are ended."""
    with tempfile.TemporaryDirectory() as scratch:
        return in_turns(runs, machine, jobs, Path(scratch))


def in_turns(runs: list[Run], machine: Machine, jobs: int, folder: Path) -> list[dict]:
    """simulate_all() with its files in `folder`; the longest, those of most ranks, go first."""
    waiting = sorted(range(len(runs)), key=lambda i: -runs[i].ranks)
    running: dict[int, tuple[subprocess.Popen, float]] = {}
    try:
        while waiting or running:
            while waiting and len(running) < jobs:
                i = waiting.pop(0)
                running[i] = (start(words_of(runs[i], machine, folder), folder / f"{i}"), time.perf_counter())
            time.sleep(POLL_SECONDS)
            for i in [i for i, (process, _) in running.items() if process.poll() is not None]:
                process, began = running.pop(i)
                check(process, folder / f"{i}")
                seconds = time.perf_counter() - began
                program.say(f"{machine.name}: {runs[i].label}: simulated in {seconds:.1f} s, {len(waiting) + len(running)} to go")
    finally:
        for process, _ in running.values():
            processes.end(process)
    return [printed_in(folder / f"{i}.out") for i in range(len(runs))]


def start(words: list[str], stem: Path) -> subprocess.Popen:
    try:
        with open(f"{stem}.out", "wb") as out, open(f"{stem}.err", "wb") as err:
            return processes.start(words, out, errors=err)
    except OSError as error:
        raise InputError(f"{stem.parent}: cannot be written ({error.strerror}); set TMPDIR to a folder with room") from None


def printed_in(file: Path) -> dict:
    try:
        return json.loads(file.read_text())
    except json.JSONDecodeError:
        raise RunError(f"{file}: what the simulation printed is not whole; is there room in {file.parent}?") from None


def check(process: subprocess.Popen, stem: Path) -> None:
    """That a run ended well."""
    if process.returncode == 0:
        return
    lines = Path(f"{stem}.err").read_text(errors="replace").splitlines()
    ended = f"the simulation ended with {process.returncode}{': ' + lines[-1] if lines else ''}"
    program.fail(program.error_in(lines) or ended, process.returncode)


def row_of(run: Run, machine: Machine, printed: dict) -> dict:
    """A run as a row. The first iteration also takes the empty specimen's cost, and with delay the last one ends the exchange of its own,
    so that the others tell the time if there are any."""
    row = printed["row"]
    seconds = row["seconds_of_iterations"]
    usual = statistics.median(seconds[1 : -1 if "delay" in row else None] or seconds)
    mesh = "x".join(map(str, row["mesh"]))
    return {
        "name": "/".join([run.case, run.method, mesh, *filter(None, [run.exchange])]),
        "run_type": "simulated",
        **row,
        "machine": machine.name,
        "real_time": usual,
        "time_unit": "s",
        "seconds_per_iteration": usual,
        "seconds_per_position": usual * run.ranks / printed["positions"],
        "kernel_times": run.times.rule,
        "network_error_percent": machine.network_error_percent,
        "what_if": machine.what_if,
    }


def add_efficiency(rows: list[dict]) -> None:
    """Adds the efficiency of every row over the fewest ranks of its own kind."""
    kinds: dict[tuple, list[dict]] = {}
    for row in rows:
        if "error" not in row:
            kinds.setdefault((row["method"], row.get("exchange"), row.get("rounds"), row.get("delay")), []).append(row)
    for kind in kinds.values():
        first = min(kind, key=lambda row: row["ranks"])
        work = first["seconds_per_iteration"] * first["ranks"]
        for row in kind:
            row["efficiency_percent"] = 100 * work / (row["seconds_per_iteration"] * row["ranks"])
            row["efficiency_over"] = first["name"]
