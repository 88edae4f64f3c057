"""Processes that are started, waited for, and ended with all that they have started themselves."""

import contextlib
import ctypes
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import BinaryIO

from harness.base.errors import Stopped

SECONDS_TO_STOP = 60.0  # for a run's checkpoint; a scheduler that has no such time ends all of it
GRACE_SECONDS = 10.0  # from being told to stop until being killed
POLL_SECONDS = 0.05


def end_with_parent():
    """In a child between fork and exec: be told to stop when the harness is killed outright."""
    parent_death_signal = 1
    ctypes.CDLL(None).prctl(parent_death_signal, signal.SIGTERM)


def start(words: list[str], output: BinaryIO, environment: dict[str, str] | None = None, errors=subprocess.STDOUT) -> subprocess.Popen:
    """Starts a program (no shell) in a session of its own, by which end() finds what it has started. It reads nothing: a launcher
    hands its input on, and would swallow that of the script that the harness runs in. Throws OSError when it cannot be started."""
    return subprocess.Popen(
        words,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=errors,
        env=environment,
        start_new_session=True,
        preexec_fn=end_with_parent,
    )


def members(session: int) -> list[int]:
    """The processes of a session that still run; launchers give ranks process groups of their own, but keep the session."""
    found = []
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        with contextlib.suppress(OSError, IndexError):
            state, _, _, of = (folder / "stat").read_text().rpartition(")")[2].split()[:4]
            if int(of) == session and state not in "ZX":
                found.append(int(folder.name))
    return found


def kill(session: int) -> None:
    """Ends every process of a session at once."""
    deadline = time.monotonic() + GRACE_SECONDS  # one that waits for a dead disk outlives even this
    while (pids := members(session)) and time.monotonic() < deadline:
        for pid in pids:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(POLL_SECONDS)


def end(child: subprocess.Popen) -> None:
    """Tells a started program to stop, and kills whatever of its session has not after GRACE_SECONDS.

    Only the program itself is told: a launcher passes it on, and a rank that is told twice ends without its last words."""
    try:
        child.terminate()
        deadline = time.monotonic() + GRACE_SECONDS
        while (child.poll() is None or members(child.pid)) and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)
    finally:
        kill(child.pid)
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(GRACE_SECONDS)


def let_stop(child: subprocess.Popen) -> None:
    """Lets a program that makes checkpoints make one and end by itself."""
    child.send_signal(signal.SIGUSR1)  # launchers pass it on to the ranks
    with contextlib.suppress(subprocess.TimeoutExpired):
        child.wait(SECONDS_TO_STOP)


def wait(child: subprocess.Popen, seconds: float | None, checkpoints: bool = False) -> int:
    """The exit code of a started program, 128 + signal if it was killed; `checkpoints` says whether it makes them. Throws
    subprocess.TimeoutExpired after so many seconds; then and on an interruption the program has been ended. One that failed leaves
    nothing running, either."""
    try:
        code = child.wait(seconds)
    except BaseException as why:
        if checkpoints and isinstance(why, Stopped):
            let_stop(child)
        end(child)
        raise
    if code != 0:
        kill(child.pid)
    return code if code >= 0 else 128 - code
