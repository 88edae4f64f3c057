"""What options of several commands may say."""

import argparse
import dataclasses
import math
import re
import shlex
from collections.abc import Callable, Iterable

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


OWN = ("-o", "--output", "--json", "--method", "--iterations", "--threads", "--backend", "--quality-every", "--resume", "--case")


def more_options(text: str) -> tuple[str, ...]:
    """Options of `ptychoscale reconstruct` in one word. Throws for those that the commands which start it say themselves."""
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"'{shortened(text, 50)}': {error}; valid: words as in a shell") from None
    if words and not words[0].startswith("-"):
        raise argparse.ArgumentTypeError(f"'{shortened(text, 50)}'; valid: options and their values, such as --refine-probe")
    for name in map(name_of, words):
        if name in OWN:
            raise argparse.ArgumentTypeError(f"'{name}' is said by this command itself; valid: the solver's others, such as --refine-probe")
    return tuple(words)


def name_of(word: str) -> str:
    """"--step" of "--step=20"."""
    return word.partition("=")[0]


def without(words: Iterable[str], *names: str) -> tuple[str, ...]:
    """The options but some, and these with the value that each takes."""
    kept, skips = [], False
    for word in words:
        if name_of(word) in names:
            skips = "=" not in word
        elif skips and not word.startswith("--"):
            skips = False
        else:
            kept.append(word)
            skips = False
    return tuple(kept)


def add_more_options(parser: argparse.ArgumentParser) -> None:
    """Whatever the solver knows, by one option."""
    parser.add_argument(
        "--options",
        type=more_options,
        default=(),
        metavar="WORDS",
        help="more options of `reconstruct` for every run, all of them as one word: '--refine-probe --step 20'; with = where it is a "
        "single one: --options=--refine-probe",
    )


def name_options(row: dict, words: Iterable[str]) -> None:
    """What more was said to a row's run sets it apart from others."""
    if words:
        row["options"] = shlex.join(words)


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
