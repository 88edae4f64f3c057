"""Launching ptychoscale: finding it, starting it on some ranks, and saying why it failed."""

import functools
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from harness.base.errors import EXIT_INPUT, EXIT_INTERRUPTED, EXIT_STOPPED, InputError, RunError, Stopped, shortened
from harness.runs import launchers, processes
from harness.runs.mpi_settings import UNBOUND, mpi_settings

ERROR_MARK = "ptychoscale: error: "
WARNING_MARK = "ptychoscale: warning: "
EXIT_NOT_STARTED = 127
SECONDS_TO_ANSWER = 30  # a program that is asked for its version
# What Open MPI complains of, and what helps.
REMEDIES = {
    "not enough slots available": "source ci/environment, or fewer --ranks",
    "OUT-OF-RESOURCE": "set TMPDIR to a folder with room",
    "OPAL ERROR": "its own mpirun, or under Slurm --launcher 'srun --mpi=pmix -n {ranks}'",
    "detected an attempt to run as root": (
        "source ci/environment, or OMPI_ALLOW_RUN_AS_ROOT=1 and OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1"
    ),
}


@functools.cache
def executable() -> str:
    """Path of the program: $PTYCHOSCALE, which the program sets when it forwards a command, else the one in PATH."""
    named = os.environ.get("PTYCHOSCALE") or "ptychoscale"
    found = shutil.which(named)
    if found is None:
        raise InputError(f"PTYCHOSCALE: '{named}' is no program; valid: the path of the ptychoscale executable")
    return os.path.realpath(found)


@functools.cache
def identity(file: str | None = None) -> str:
    """Changes with the program; of another one than executable() where it is named."""
    return hashlib.sha256(Path(file or executable()).read_bytes()).hexdigest()


def launcher_words(launcher: str, ranks: int, arguments: list[str]) -> list[str]:
    """The words of a launcher template, for ranks of a command with these arguments: its threads, and a GPU each if it is for them."""
    threads = "1" if arguments[:1] == ["validate"] else after("--threads", arguments)
    gpus = 1 if after("--backend", arguments) == "cuda" else 0
    here = threads_here() if threads is None and "{threads}" in launcher else 1
    return launchers.words(launcher, ranks, int(threads) if threads else None, gpus, here)


def after(option: str, arguments: list[str]) -> str | None:
    """The word that follows an option; None where it is not given."""
    return arguments[arguments.index(option) + 1] if option in arguments else None


def check_launcher(launcher: str, ranks: int, threads: int | None) -> None:
    """Throws InputError for a launcher that cannot start so many ranks, before anything runs; says what a user should know of it."""
    launcher_words(launcher, ranks, thread_words(threads))
    said = launchers.warning(launcher)
    if said:
        say_once(f"{WARNING_MARK}{said}")


def cores() -> int:
    """Hardware threads that this process may use."""
    return len(os.sched_getaffinity(0))


def threads_here() -> int:
    """Threads of one process on this machine: what OMP_NUM_THREADS says, else what the batch system, a control group and the binding
    leave. Ranks under a launcher may run elsewhere and choose for themselves."""
    said = re.match(r"[1-9]\d*", os.environ.get("OMP_NUM_THREADS", ""))
    return int(said[0]) if said else threads_left()


@functools.cache
def threads_left() -> int:
    """What the program would take if nobody said anything."""
    return ask_json("info", "--json")["machine"]["threads"]


def thread_words(threads: int | None) -> list[str]:
    """The option for a number of threads; none leaves the choice to the program, on the host where it runs."""
    return [] if threads is None else ["--threads", str(threads)]


def launch_environment(ranks: int = 1) -> dict[str, str]:
    """The environment of a launched process. Unless the user has said otherwise, MPI may not bind ranks to single cores, where their
    threads would share one. The program holds the number of ranks that it finds against PTYCHOSCALE_RANKS."""
    return {**mpi_settings(UNBOUND), **os.environ, "PTYCHOSCALE_RANKS": str(ranks)}


def run_logged(
    words: list[str], log: Path, environment: dict[str, str] | None = None, time_limit: float | None = None, checkpoints: bool = False
) -> int:
    """Runs a program (no shell), its output in `log`; gives its exit code, 128 + signal if it was killed, EXIT_NOT_STARTED if it
    could not be started. An interruption of the harness ends the program, too, `checkpoints` saying whether it makes them, and so does
    the time limit, in seconds, after which RunError is thrown."""
    try:
        output = open(log, "wb")
    except OSError as error:
        raise InputError(f"{log}: cannot be written ({error.strerror})") from None
    with output:
        try:
            child = processes.start(words, output, environment)
        except OSError:
            return EXIT_NOT_STARTED
        try:
            return processes.wait(child, time_limit, checkpoints)
        except subprocess.TimeoutExpired:
            raise RunError(overtime(log, time_limit)) from None


def overtime(log: Path, time_limit: float) -> str:
    """Why a run was ended that went on for too long."""
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines() if any(map(str.isalnum, line))]
    said = f"it last said '{shortened(lines[-1], 100)}'" if lines else "it said nothing"
    return f"ended after {time_limit:g} s, the time limit of a run; {said}; see {log}; valid: a longer --time-limit, or none"


def launch(
    arguments: list,
    log: Path,
    *,
    ranks: int,
    launcher: str = launchers.DEFAULT,
    program: str | None = None,
    time_limit: float | None = None,
) -> int:
    """Runs `ptychoscale ARGUMENTS` on some ranks through the launcher, its output in `log`; gives its exit code.

    `program` is another executable than executable(). Throws KeyboardInterrupt when the run says that it was interrupted, Stopped when
    it says that it made a checkpoint, RunError when it took longer than the time limit, in seconds."""
    arguments = [str(word) for word in arguments]
    words = [*launcher_words(launcher, ranks, arguments), program or executable(), *arguments]
    makes_checkpoints = arguments[0] == "reconstruct" and "--as-rank" not in arguments
    code = run_logged(words, log, launch_environment(ranks), time_limit, makes_checkpoints)
    pass_on_warnings(log)
    raise_interruption(code)
    return code


def raise_interruption(code: int) -> None:
    """Throws what the exit code of an interrupted run means; nothing for others."""
    if code == EXIT_STOPPED:
        raise Stopped
    if code == EXIT_INTERRUPTED:
        raise KeyboardInterrupt


@functools.cache
def say_once(text: str) -> None:
    """As say(), but not again what has been said."""
    say(text)


def pass_on_warnings(log: Path) -> None:
    """Says what runs warned of in their logs, which nobody reads; once for all runs."""
    if log.is_file():
        for line in log.read_text(errors="replace").splitlines():
            if line.startswith(WARNING_MARK):
                say_once(line)


def error_in(lines: list[str]) -> str | None:
    """What a run said was wrong; None when it said nothing."""
    return next((line.removeprefix(ERROR_MARK) for line in lines if line.startswith(ERROR_MARK)), None)


def reason(log: Path, code: int, launcher: str = launchers.DEFAULT) -> str:
    """Why a launched run failed: its error line, else its exit code, what the launcher said first, and what helps if that is known."""
    if code == EXIT_NOT_STARTED:
        return f"'{launcher}' cannot be started; is it installed, and in PATH?"
    lines = log.read_text(errors="replace").splitlines()
    error = error_in(lines)
    if error is not None:
        return error
    said = next((f" ('{line.strip()}')" for line in lines if any(map(str.isalpha, line))), "")
    remedy = next((f"; {text}" for mark, text in REMEDIES.items() if any(mark in line for line in lines)), "")
    return f"exit code {code}{said}{remedy}; see {log}"


def plan(case: str, methods: list[str], ranks: list[int], *words: str) -> dict:
    """The dry run's report: a row for each method and number of ranks, with an `error` where no decomposition exists."""
    numbers = ",".join(map(str, ranks))
    return ask_json("plan", "--case", case, "--ranks", numbers, "--methods", ",".join(methods), *words, "--json", "-")


def say(text: str) -> None:
    """A line of progress."""
    print(text, file=sys.stderr, flush=True)


def fail(why: str, code: int):
    """Throws what a run's exit code means."""
    raise InputError(why) if code == EXIT_INPUT else RunError(why)


def ask(*arguments, program: str | None = None) -> str:
    """Standard output of a command that runs in one process, at once (info, assess, plan, ...). Throws InputError or RunError with
    the command's own line when it fails."""
    words = [program or executable(), *map(str, arguments)]
    result = subprocess.run(words, capture_output=True, text=True, check=False)
    if result.returncode == EXIT_INTERRUPTED:
        raise KeyboardInterrupt
    if result.returncode != 0:
        fail(error_in(result.stderr.splitlines()) or f"{' '.join(words)}: exit code {result.returncode}", result.returncode)
    return result.stdout


def ask_json(*arguments, program: str | None = None) -> dict:
    """Standard output of a command as JSON."""
    return json.loads(ask(*arguments, program=program))


def version_said(other: str) -> str:
    """The first line that another program prints when asked for its version; empty when it prints nothing or fails."""
    try:
        result = subprocess.run(
            [other, "--version"], stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", timeout=SECONDS_TO_ANSWER
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return next(iter(result.stdout.splitlines()), "").strip() if result.returncode == 0 else ""
