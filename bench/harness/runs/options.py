"""What options of several commands may say."""

import argparse
from collections.abc import Callable

from harness.runs.program import DEFAULT_LAUNCHER

METHODS = ["serial", "gd", "hve"]


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


def methods(text: str) -> list[str]:
    """Solvers, separated by commas; each once."""
    words = text.split(",")
    wrong = [word for word in words if word not in METHODS]
    if wrong or len(set(words)) < len(words):
        raise argparse.ArgumentTypeError(f"'{text}'; valid: each at most once of {', '.join(METHODS)}")
    return words


def add_launch_options(parser: argparse.ArgumentParser, threads: int | None = None) -> None:
    """How processes are started and what computes in them; `threads` is the default."""
    parser.add_argument(
        "--launcher",
        default=DEFAULT_LAUNCHER,
        help="how to start processes; {ranks} becomes the number of ranks [%(default)s]",
    )
    parser.add_argument(
        "--threads",
        type=positive_int,
        default=threads,
        help="threads of each rank "
        + (f"[{threads}]" if threads else "[the program's choice where it runs: OMP_NUM_THREADS, else a fair share of the cores]"),
    )
    parser.add_argument("--backend", default="cpu", help="what computes; `ptychoscale info` lists what there is [%(default)s]")
