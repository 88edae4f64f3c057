"""Kills runs at random moments, and holds them to what they promise: nothing under a final name that is not whole, nothing that lives
on, and the same bytes once the same command is given again.

    validation/kills/kills.py --kills 500 --seed 7

A trial is one command that is killed up to three times, a process of it chosen each time (a rank, the launcher, the harness), and then
left to end. The same seed makes the same choices; the moments, fractions of the command's usual time, depend on the machine.
PTYCHOSCALE names the program."""

import argparse
import contextlib
import dataclasses
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[2] / "bench"), str(Path(__file__).parents[1])]

from patience import HANG_SECONDS, POLL_SECONDS  # noqa: E402

from harness.base import documents  # noqa: E402
from harness.base.errors import InputError  # noqa: E402
from harness.report.publish import files_of_page  # noqa: E402
from harness.runs.mpi_settings import mpi_settings  # noqa: E402

PROGRAM = os.environ.get("PTYCHOSCALE", "build/cpu/bin/ptychoscale")
KILLS_OF_A_TRIAL = 3
ENOUGH = 20  # failures are shown
LOG_SHOWN = 4000  # characters of the end of a failed command's log
SETTINGS = ("unbound", "outnumber", "root", "quick", "at_once")  # of ci/mpi-settings
MARK = "PTYCHOSCALE_KILLS"  # in the environment of all that a command starts
hung_launchers: list[str] = []
CASE = {
    "name": "tiny",
    "description": "for tests",
    "detector": [32, 32],
    "pixel_A": [0.25, 0.25],
    "volume": [64, 64],
    "slices": 2,
    "scan": {"rows": 4, "columns": 4},
    "scan_step_A": [2.0, 2.0],
    "semiangle_mrad": 15,
    "C10_A": -100,
    "specimen": {"vacancy_fraction": 0.02, "disorder_A": 0.05},
    "iterations": 40,
}


@dataclasses.dataclass(frozen=True)
class Command:
    """What is killed: its words, given the folder where it writes, and the files of which every whole one has the same bytes."""

    name: str
    words: Callable[[Path], list]
    bytes_of: tuple[str, ...] = ()
    reports: tuple[str, ...] = ()  # whole or not there, and of the same cost in the end
    page: str | None = None


def launcher(ranks: int) -> list:
    return ["mpirun", "-n", ranks] if ranks > 1 else []


def reconstruct(dataset: Path, method: str, ranks: int) -> Command:
    how = ["--method", method, "--iterations", 60, "--checkpoint-every", 1, "--resume", "--threads", 1]

    def words(folder: Path) -> list:
        return [*launcher(ranks), PROGRAM, "reconstruct", dataset, "-o", folder / "out.h5", *how]

    return Command(f"reconstruct {method} {ranks}", words, ("out.h5",))


def simulate(case: Path, ranks: int) -> Command:
    def words(folder: Path) -> list:
        return [*launcher(ranks), PROGRAM, "simulate", case, "-o", folder / "s.h5", "--threads", 1]

    return Command(f"simulate {ranks}", words, ("s.h5",))


def commands(case: Path, dataset: Path, runs: Path) -> list[Command]:
    many = ["--methods", "gd", "--ranks", 2, "--threads", 1]
    of_sweep = ["--dataset", dataset, "--rounds", "1,2", *many]
    return [
        reconstruct(dataset, "serial", 1),
        reconstruct(dataset, "gd", 2),
        reconstruct(dataset, "hve", 2),
        reconstruct(dataset, "gd", 4),
        simulate(case, 1),
        simulate(case, 2),
        Command(
            "bench",
            lambda folder: [PROGRAM, "bench", case, "-o", folder / "runs", "--control", "none", *many],
            ("runs/gd.h5", "runs/tiny.h5"),
            ("runs/report.json",),
        ),
        Command(
            "sweep",
            lambda folder: [PROGRAM, "sweep", case, "-o", folder / "sweep", *of_sweep],
            (),
            ("sweep/report.json",),
        ),
        Command("report", lambda folder: [PROGRAM, "report", runs, "-o", folder / "page"], page="page"),
    ]


def environment(scratch: Path, mark: str) -> dict[str, str]:
    """Of a command: what MPI leaves behind when it is killed lies in `scratch`."""
    sessions = {"OMPI_MCA_orte_tmpdir_base": str(scratch), "OMPI_MCA_btl_vader_backing_directory": str(scratch)}
    own = {"OMP_NUM_THREADS": "1", "XDG_CACHE_HOME": str(scratch / "cache"), MARK: mark}
    return {**os.environ, **mpi_settings(*SETTINGS), **sessions, **own}


def members(mark: str) -> dict[int, str]:
    """The processes that a command has started and that still run, with what they are."""
    found = {}
    for process in Path("/proc").iterdir():
        if not process.name.isdigit():
            continue
        with contextlib.suppress(OSError):
            if f"{MARK}={mark}\0".encode() not in (process / "environ").read_bytes():
                continue
            if (process / "stat").read_text().rpartition(")")[2].split()[0] in "ZX":
                continue
            words = (process / "cmdline").read_bytes().split(b"\0")
            name = Path(os.fsdecode(words[0])).name
            found[int(process.name)] = {"mpirun": "launcher", "ptychoscale": "rank"}.get(name, "harness" if b"harness" in words else name)
    return found


LAUNCHERS = {"launcher", "orted"}


def gone(mark: str) -> str | None:
    """Waits until nothing of a command runs any more; says what lives on, after having ended it. That a launcher does without any rank
    is not the program's doing (Open MPI 4.1's mpirun waits for ever for some that are killed while they start): it is ended and
    counted, and a harness that waits for it must then end by itself."""
    deadline, ended = time.monotonic() + HANG_SECONDS / 10, False
    while living := members(mark):
        if time.monotonic() > deadline:
            hung = [pid for pid, what in living.items() if what in LAUNCHERS]
            hangs = hung and "rank" not in living.values() and not ended
            for pid in hung if hangs else living:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            if not hangs:
                return f"lives on: {', '.join(living.values())}"
            hung_launchers.append(mark)
            deadline, ended = time.monotonic() + HANG_SECONDS / 10, True
        time.sleep(POLL_SECONDS)
    return None


class Trial:
    """One command in a folder of its own."""

    def __init__(self, command: Command, scratch: Path, number: int, straight: "Trial | None" = None):
        self.command, self.scratch, self.straight = command, scratch, straight
        self.mark = f"{os.getpid()}-{number}"
        self.folder = scratch / f"trial-{number}"
        self.folder.mkdir()
        self.seconds = 0.0
        self.log = self.folder.with_suffix(".log")

    def start(self) -> subprocess.Popen:
        words = [str(word) for word in self.command.words(self.folder)]
        with open(self.log, "wb") as log:
            env = environment(self.scratch, self.mark)
            return subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, env=env, start_new_session=True)

    def finish(self) -> str | None:
        """Runs the command to its end; says what is wrong with that."""
        began = time.monotonic()
        process = self.start()
        try:
            code = process.wait(HANG_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            return f"hangs; {gone(self.mark)}"
        self.seconds = time.monotonic() - began
        if code != 0:
            return f"exit code {code}: {self.last_line()}"
        return gone(self.mark) or self.wrong() or self.missing()

    def kill(self, rng: random.Random) -> str | None:
        """Starts the command and kills a process of it at a random moment; says which, None when it had ended before."""
        moment, number = rng.uniform(0, self.straight.seconds), rng.choice([signal.SIGKILL, signal.SIGKILL, signal.SIGTERM])
        role = rng.choice(["rank", "launcher", "harness"])
        process = self.start()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(moment)
        living = members(self.mark)
        while not living and process.poll() is None:  # it becomes another program, and has no environment
            living = members(self.mark)
        chosen = [pid for pid, what in living.items() if what == role] or list(living)
        if not chosen:
            return None
        pid = rng.choice(sorted(chosen))
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
        return f"{number.name} of {living[pid]} at {moment:.2f} s"

    def last_line(self) -> str:
        lines = self.log.read_text(errors="replace").strip().splitlines()
        said = [line for line in lines if "error: " in line] or lines
        return said[-1] if said else "said nothing"

    def wrong(self) -> str | None:
        """What lies under a final name and is not whole."""
        for name in self.command.bytes_of:
            file = self.folder / name
            if self.straight and file.exists() and file.read_bytes() != (self.straight.folder / name).read_bytes():
                return f"{name} has other bytes than of a run that was never killed"
        for name in self.command.reports:
            if (self.folder / name).exists():
                try:
                    documents.read_report(self.folder / name)
                except InputError as error:
                    return str(error)
        page = self.command.page and self.folder / self.command.page
        if page and page.exists():
            lacking = [name for name in files_of_page(page) if not (page / name).is_file()]
            return f"the page lacks {lacking[0]}" if lacking else None
        return None

    def missing(self) -> str | None:
        """What a finished command has not left, or has beside."""
        names = [*self.command.bytes_of, *self.command.reports, *([self.command.page] if self.command.page else [])]
        lacking = [name for name in names if not (self.folder / name).exists()]
        if lacking:
            return f"{lacking[0]} is not there"
        if self.straight:
            for name in self.command.reports:
                if costs(self.folder / name) != costs(self.straight.folder / name):
                    return f"{name} has other costs than of a run that was never killed"
        kept = [file for file in self.folder.rglob("*") if file.suffix in (".partial", ".lock", ".checkpoint", ".begun")]
        return f"{kept[0].relative_to(self.folder)} is left" if kept else None


def costs(report: Path) -> list:
    return [row.get("cost_of_iterations") for row in json.loads(report.read_text())["benchmarks"]]


def survive(trial: Trial, kills: int, rng: random.Random, counts: Counter) -> str | None:
    """Kills a command so often, at most, and lets it end; says what was wrong."""
    done = []
    for _ in range(kills):
        what = trial.kill(rng)
        if what is None:
            break
        done.append(what)
        counts[trial.command.name, what.split(" of ")[1].split()[0]] += 1
        if said := gone(trial.mark) or trial.wrong():
            return f"{'; '.join(done)}: {said}"
    said = trial.finish()
    return said and f"{'; '.join(done)}; then to the end: {said}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    began, counts, failures = time.monotonic(), Counter(), []
    with tempfile.TemporaryDirectory(prefix="ptychoscale-kills-") as folder:
        scratch = Path(folder)
        case, dataset = scratch / "tiny.json", scratch / "tiny.h5"
        case.write_text(json.dumps(CASE))
        made = Trial(Command("dataset", lambda _: [PROGRAM, "simulate", case, "-o", dataset, "--threads", 1]), scratch, 0)
        assert not (said := made.finish()), said
        runs = scratch / "trial-1" / "runs"
        all_commands = sorted(commands(case, dataset, runs), key=lambda command: command.name != "bench")  # whose report is shown
        straight = []
        for i, command in enumerate(all_commands):
            straight.append(Trial(command, scratch, 1 + i))
            assert not (said := straight[-1].finish()), f"{command.name}: {said}"
        number = len(straight)
        while sum(counts.values()) < args.kills and len(failures) < ENOUGH:
            number += 1
            rng = random.Random(f"{args.seed} {number}")
            kept = straight[number % len(straight)]
            trial = Trial(kept.command, scratch, number, kept)
            if said := survive(trial, min(KILLS_OF_A_TRIAL, args.kills - sum(counts.values())), rng, counts):
                failures.append(f"seed {args.seed}, trial {number}: {kept.command.name}: {said}"[:500])
                print(f"{failures[-1]}\n{trial.log.read_text(errors='replace')[-LOG_SHOWN:]}", flush=True)
            shutil.rmtree(trial.folder)
    for (name, role), n in sorted(counts.items()):
        print(f"{name:<24}{role:<12}{n:>6}")
    print(f"Open MPI's launcher hung {len(hung_launchers)} times without a rank")
    print(f"{sum(counts.values())} kills in {time.monotonic() - began:.0f} s, {len(failures)} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
