"""The runs behind the claims: data under conditions, solvers on them, and the control of each."""

import dataclasses
import functools

from harness.reproduce.ci_case import ITERATIONS, SECONDS_PER_ITERATION
from harness.reproduce.work import SECONDS_TO_START, Step

SEEDS = (1, 2, 3, 4, 5, 6)  # an even number: the planted null pairs them


@dataclasses.dataclass(frozen=True)
class Condition:
    """How the data were taken, and on which mesh they are reconstructed."""

    title: str
    case: str = "ci"
    words: tuple[str, ...] = ()  # of `simulate`
    mesh: tuple[int, int] = (2, 2)
    quick: bool = False

    @property
    def ranks(self) -> int:
        return self.mesh[0] * self.mesh[1]


CONDITIONS = (
    Condition("no noise", quick=True),
    Condition("1e5 e/Å²", words=("--dose", "1e5")),
    Condition("1e4 e/Å²", "ci-noisy", quick=True),
    Condition("1e3 e/Å²", words=("--dose", "1e3")),
    Condition("model error", "ci-mismatch", quick=True),
    Condition("less overlap", "ci-sparse"),
    Condition("3 x 3 tiles", mesh=(3, 3)),
    Condition("2 x 4 tiles", mesh=(2, 4)),
    Condition("3 x 3, 1e4 e/Å²", "ci-noisy", mesh=(3, 3)),
)
RUNS = {
    "serial": ("serial", ()),
    "gd once": ("gd", ("--rounds", "1")),  # as in the paper
    "gd twice": ("gd", ("--rounds", "2")),
    "gd T = 1": ("gd", ("--rounds", "max")),
    "gd averaged": ("gd", ("--rounds", "1", "--update", "averaged")),
    "gd accelerated": ("gd", ("--update", "accelerated")),
    "hve": ("hve", ()),
    "hve, no rows": ("hve", ("--extra-rows", "0")),
    "hve, 2 rows": ("hve", ("--extra-rows", "2")),
    "hve, every 4": ("hve", ("--paste-every", "4")),
    "hve, never": ("hve", ("--halo-fill", "never")),
    "hve, mean": ("hve", ("--halo-fill", "mean")),
}


@functools.cache
def dataset(condition: Condition, seed: int) -> Step:
    """The patterns, whatever the mesh."""
    label = f"simulate-{condition.case}{''.join(condition.words)}-seed-{seed}"
    return Step(label, condition.case, ("simulate", condition.case, *condition.words, "--seed", str(seed)), 8.0, ranks=1)


@functools.cache
def run(condition: Condition, seed: int, name: str) -> Step:
    """A run of one of RUNS; its volume is kept, for its borders are looked at."""
    method, options = RUNS[name]
    if method == "serial":
        return made(name, "serial", (), condition, seed)
    mesh = "x".join(map(str, condition.mesh))
    return made(f"{mesh}-{name}", method, ("--mesh", mesh, *options), condition, seed, condition.ranks)


@functools.cache
def control(condition: Condition, seed: int, name: str) -> Step:
    """The serial run that takes another's steps. HVE's default is the serial solver's own."""
    if RUNS[name][0] == "hve":
        return run(condition, seed, "serial")
    paired = run(condition, seed, name)
    return made(f"control-of-{name}-{condition.ranks}", "serial", (), condition, seed, 1, paired)


def made(name: str, method: str, options: tuple[str, ...], condition: Condition, seed: int, ranks: int = 1, steps_of: Step | None = None) -> Step:
    data = dataset(condition, seed)
    label = f"{data.label.removeprefix('simulate-')}-{name}".replace(",", "").replace(" ", "-").replace("=", "")
    words = ("reconstruct", "--method", method, "--iterations", str(ITERATIONS), "--quality-every", "1", *options)
    seconds = SECONDS_TO_START + ITERATIONS * SECONDS_PER_ITERATION
    return Step(label, condition.case, words, seconds, ranks, data, steps_of, keep_volume=True, threads=1)
