"""What options of several commands may say."""

import argparse

from harness.program import DEFAULT_LAUNCHER

METHODS = ["serial", "gd", "hve"]


def positive_int(text: str) -> int:
    """A whole number, 1 or more."""
    try:
        value = int(text)
    except ValueError:
        value = 0
    if value < 1:
        raise argparse.ArgumentTypeError(f"'{text}'; valid: a whole number, 1 or more")
    return value


def fraction(text: str) -> float:
    """A number above 0 and below 1."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < 1:
        raise argparse.ArgumentTypeError(f"'{text}'; valid: a number above 0 and below 1, for example 0.02")
    return value


def methods(text: str) -> list[str]:
    """Solvers, separated by commas; each once."""
    words = text.split(",")
    wrong = [word for word in words if word not in METHODS]
    if wrong or len(set(words)) < len(words):
        raise argparse.ArgumentTypeError(f"'{text}'; valid: each at most once of {', '.join(METHODS)}")
    return words


def add_launch_options(parser: argparse.ArgumentParser) -> None:
    """How processes are started and what computes in them."""
    parser.add_argument(
        "--launcher",
        default=DEFAULT_LAUNCHER,
        help="how to start processes; {ranks} becomes the number of ranks [%(default)s]",
    )
    parser.add_argument("--backend", default="cpu", help="what computes; `ptychoscale info` lists what there is [%(default)s]")
