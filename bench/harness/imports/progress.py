"""How far a long reading is, on standard error."""

import time
from collections.abc import Callable

from harness.runs import program

SAY_SECONDS = 10.0  # between two lines; what is over sooner says nothing


def progress(what: str, total: int) -> Callable[[int], None]:
    """Says "WHAT n of TOTAL patterns" now and then."""
    said = time.monotonic()

    def advance(done: int) -> None:
        nonlocal said
        if time.monotonic() - said > SAY_SECONDS:
            said = time.monotonic()
            program.say(f"{what} {done} of {total} patterns")

    return advance
