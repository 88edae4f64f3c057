"""What options of several commands may say."""

import argparse
import dataclasses
import math
import re
from collections.abc import Callable

from harness.base.errors import shortened
from harness.runs import launchers

METHODS = ["serial", "gd", "hve", "replicated"]
UPDATES = ["as_printed", "once", "averaged", "batch", "accelerated"]
SUMMING = ("gd", "replicated")  # those that have update rules


def checked(text: str, read: Callable, valid: Callable[..., bool], words: str):
    """What `text` reads as; `words` tell the user what would be valid."""
    try:
        value = read(text)
    except ValueError:
        value = None
    if value is None or not valid(value):
        raise argparse.ArgumentTypeError(f"'{text}'; valid: {words}")
    return value


def positive_int(text: str) -> int:
    """A whole number, 1 or more."""
    return checked(text, int, lambda n: n >= 1, "a whole number, 1 or more")


def fraction(text: str) -> float:
    """A number above 0 and below 1."""
    return checked(text, float, lambda x: 0 < x < 1, "a number above 0 and below 1, for example 0.02")


def at_least_one(text: str) -> float:
    """A number from 1 on."""
    return checked(text, float, lambda x: 1 <= x < math.inf, "a number from 1 on, for example 1.5")


def methods(text: str) -> list[str]:
    """Solvers, separated by commas; each once."""
    words = text.split(",")
    wrong = [word for word in words if word not in METHODS]
    if wrong or len(set(words)) < len(words):
        raise argparse.ArgumentTypeError(f"'{text}'; valid: each at most once of {', '.join(METHODS)}")
    return words


@dataclasses.dataclass(frozen=True)
class Solver:
    """A solver, with another update rule than its default where one is named."""

    method: str
    update: str | None = None

    @property
    def label(self) -> str:
        return self.method if self.update is None else f"{self.method}-{self.update}"

    @property
    def arguments(self) -> tuple[str, ...]:
        return () if self.update is None else ("--update", self.update)


SOLVERS = [*map(Solver, METHODS), *(Solver(method, update) for method in SUMMING for update in UPDATES)]


def solvers(text: str) -> list[Solver]:
    """Solvers, separated by commas, each once; an update rule may follow a colon where solvers have them."""
    known = {":".join(filter(None, (solver.method, solver.update))): solver for solver in SOLVERS}
    words = text.split(",")
    if any(word not in known for word in words) or len(set(words)) < len(words):
        raise argparse.ArgumentTypeError(
            f"'{shortened(text, 50)}'; valid: each at most once of {', '.join(METHODS)}, {' and '.join(SUMMING)} also with an update rule, "
            f"as in {SUMMING[0]}:{UPDATES[-1]}, of {', '.join(UPDATES)}"
        )
    return [known[word] for word in words]


def seconds(text: str) -> float | None:
    """A time, such as 90, 90s, 30m or 1.5h, in seconds; None for none."""
    if text == "none":
        return None
    form = re.fullmatch(r"(\d+(?:\.\d+)?)([smh]?)", text)
    value = float(form[1]) * {"": 1, "s": 1, "m": 60, "h": 3600}[form[2]] if form else 0.0
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"'{shortened(text, 50)}'; valid: a time above 0 such as 90, 90s, 30m or 1.5h, or none")
    return value


def add_launch_options(parser: argparse.ArgumentParser, threads: int | None = None, time_limit: str = "24h") -> None:
    """How processes are started, what computes in them, and for how long they may; `threads` and `time_limit` are defaults."""
    parser.add_argument(
        "--launcher",
        default=launchers.DEFAULT,
        help="how to start processes, as in a shell, without its variables; {ranks}, {ranks_per_node}, {nodes}, {threads} (of a rank) and "
        "{gpus} (of a rank: 1 with --backend cuda, else 0) become numbers. Nodes and cores are those of the job of Slurm or LSF that this "
        "runs in, ranks spread evenly unless PTYCHOSCALE_RANKS_PER_NODE says how many a node gets [%(default)s]",
    )
    parser.add_argument(
        "--threads",
        type=positive_int,
        default=threads,
        help="threads of each rank "
        + (f"[{threads}]" if threads else "[the program's choice where it runs: OMP_NUM_THREADS, else a fair share of the cores]"),
    )
    parser.add_argument("--backend", default="cpu", help="what computes; `ptychoscale info` lists what there is [%(default)s]")
    parser.add_argument(
        "--time-limit",
        type=seconds,
        default=time_limit,
        metavar="TIME",
        help="a run that takes longer is told to stop, killed if it does not, and counts as failed; such as 90s, 30m or 2h, or none "
        "[%(default)s]",
    )
