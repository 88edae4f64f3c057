"""The runs behind the claims: data under conditions, solvers on them, and the control of each."""

import dataclasses
import functools

from harness.reproduce.ci_case import ITERATIONS
from harness.reproduce.work import SECONDS_TO_START, Step

SEEDS = (1, 2, 3, 4, 5, 6)  # an even number: the planted null pairs them
# Of runs and simulations of `ci` on two quiet cores: the processor time that they take, dealt to those that they use.
SECONDS_OF_A_RUN, SECONDS_OF_AN_EXCHANGE_EACH, SECONDS_TO_SIMULATE = 2.4, 4.2, 2.0
SEED_OF_STEPS = 7  # steps are chosen on data that nothing is judged on
STEP_FACTORS = (1.0, 0.25, 0.5, 1.4, 2.0, 2.8)  # of a run's default, among which its best step is looked for
OWN, BEST, COMMON = "", "best step", "common step"  # common: that of GD once per iteration, which is the shortest default


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
# Where steps and numbers of rounds are varied, too.
VARIED_AT = tuple(condition for condition in CONDITIONS if condition.quick)
RUNS = {
    "serial": ("serial", ()),
    "gd once": ("gd", ("--rounds", "1")),  # as in the paper
    "gd twice": ("gd", ("--rounds", "2")),
    "gd 4 times": ("gd", ("--rounds", "4")),
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
    return Step(label, condition.case, ("simulate", condition.case, *condition.words, "--seed", str(seed)), SECONDS_TO_SIMULATE, ranks=1)


@functools.cache
def run(condition: Condition, seed: int, name: str) -> Step:
    """A run of one of RUNS, with its own default step or, as in "hve; best step", with another; its volume is kept, for its borders are
    looked at."""
    base, step = parts(name)
    method, options = RUNS[base]
    if method == "serial":
        return made(name, "serial", (), condition, seed)
    mesh = "x".join(map(str, condition.mesh))
    found = made(f"{mesh}-{name}", method, ("--mesh", mesh, *options), condition, seed, condition.ranks)
    if step == COMMON:
        return dataclasses.replace(found, steps_of=run(condition, seed, "gd once"))
    return dataclasses.replace(found, best_of=trials(condition, base)) if step == BEST else found


def parts(name: str) -> tuple[str, str]:
    """Which of RUNS, and which step it takes."""
    base, _, step = name.partition("; ")
    if step not in (OWN, BEST, COMMON):
        raise ValueError(f"{name}: no step is called so")
    return base, step


@functools.cache
def trials(condition: Condition, base: str) -> tuple[Step, ...]:
    """One of RUNS with its default step and parts and multiples of it, on data of a seed of its own."""
    default = run(condition, SEED_OF_STEPS, base)
    return tuple(
        default if factor == 1 else dataclasses.replace(default, label=f"{default.label}-x{factor:g}", steps_of=default, step_factor=factor)
        for factor in STEP_FACTORS
    )


@functools.cache
def control(condition: Condition, seed: int, name: str) -> Step:
    """The serial run that takes another's steps. HVE's default is the serial solver's own."""
    base, step = parts(name)
    if RUNS[base][0] == "hve" and step == OWN:
        return run(condition, seed, "serial")
    if step == COMMON:
        return control(condition, seed, "gd once")
    paired = run(condition, seed, name)
    return made(f"control-of-{name}-{condition.ranks}", "serial", (), condition, seed, 1, paired)


def made(name: str, method: str, options: tuple[str, ...], condition: Condition, seed: int, ranks: int = 1, steps_of: Step | None = None) -> Step:
    data = dataset(condition, seed)
    label = f"{data.label.removeprefix('simulate-')}-{name}".replace(",", "").replace(";", "").replace(" ", "-").replace("=", "")
    words = ("reconstruct", "--method", method, "--iterations", str(ITERATIONS), "--quality-every", "1", *options)
    seconds = SECONDS_TO_START + (SECONDS_OF_AN_EXCHANGE_EACH if "max" in options else SECONDS_OF_A_RUN)
    return Step(label, condition.case, words, seconds, ranks, data, steps_of, keep_volume=True, threads=1)
