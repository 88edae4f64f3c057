"""How far the runs are, and how long the rest will take."""

import sys
import time

from harness.reproduce.work import Step


def minutes(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


class Progress:
    """A line per step: item, step, time gone and time left, the latter from how the steps so far compared with their forecast."""

    def __init__(self, steps: list[Step]):
        self.forecast = sum(step.seconds for step in steps)
        self.began = time.monotonic()
        self.done = 0.0
        self.count = 0
        self.total = len(steps)

    @property
    def left(self) -> float:
        gone = time.monotonic() - self.began
        # A forecast of a minute counts as much as a minute measured, so that the first steps do not throw it about.
        pace = (gone + 60) / (self.done + 60)
        return pace * (self.forecast - self.done)

    def tell(self, item: str, step: Step) -> None:
        """Says what runs next."""
        self.count += 1
        gone = time.monotonic() - self.began
        line = f"{item}: {step.label}, run {self.count} of {self.total}, {minutes(gone)} gone, about {minutes(self.left)} left"
        on_terminal = sys.stderr.isatty()
        print(f"\r\033[K{line}" if on_terminal else line, end="" if on_terminal else "\n", file=sys.stderr, flush=True)

    def finish(self, step: Step) -> None:
        self.done += step.seconds
        if sys.stderr.isatty() and self.count == self.total:
            print(file=sys.stderr)
