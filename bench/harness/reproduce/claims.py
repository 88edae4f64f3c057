"""The paper's qualitative claims over seeds and conditions: where each holds, where not, and where these runs cannot tell."""

import dataclasses
import functools
import math
from collections.abc import Callable, Sequence
from pathlib import Path

from harness.base.paper import tables
from harness.base.statistics import Effect, effect_of
from harness.reproduce.ci_case import ITERATIONS, RANKS, SECONDS_PER_ITERATION
from harness.reproduce.findings import DEPENDS, MEASURED, NOT_JUDGED, NOT_REPRODUCED, REPRODUCED, Findings
from harness.reproduce.ranks import Scope
from harness.reproduce.work import SECONDS_TO_START, Outcome, Step, perform
from harness.runs import program

SEEDS = (1, 2, 3, 4, 5, 6)  # an even number: the planted null pairs them
AXES = ("rows", "columns")
HOLDS, FAILS, UNDECIDED, NOT_VERIFIED = "holds", "fails", "undecided", "not judged"


@dataclasses.dataclass(frozen=True)
class Condition:
    """How the data were taken."""

    title: str
    case: str
    words: tuple[str, ...] = ()  # of `simulate`
    quick: bool = True


CONDITIONS = (
    Condition("no noise", "ci"),
    Condition("1e5 e/Å²", "ci", ("--dose", "1e5"), quick=False),
    Condition("1e4 e/Å²", "ci-noisy"),
    Condition("1e3 e/Å²", "ci", ("--dose", "1e3"), quick=False),
    Condition("model error", "ci-mismatch"),
)
RUNS = {
    "serial": ("serial", ()),
    "gd once": ("gd", ("--rounds", "1")),  # as in the paper
    "gd twice": ("gd", ("--rounds", "2")),
    "gd T = 1": ("gd", ("--rounds", "max")),
    "hve": ("hve", ()),
}


@functools.cache
def dataset(condition: Condition, seed: int) -> Step:
    label = f"simulate-{condition.case}{''.join(condition.words)}-seed-{seed}"
    return Step(label, condition.case, ("simulate", condition.case, *condition.words, "--seed", str(seed)), 8.0, ranks=1)


@functools.cache
def run(condition: Condition, seed: int, name: str) -> Step:
    """A run of one of RUNS; its volume is kept, for its borders are looked at."""
    method, options = RUNS[name]
    words = ("reconstruct", "--method", method, "--iterations", str(ITERATIONS), *options)
    return made(name, words, condition, seed, 1 if method == "serial" else RANKS)


@functools.cache
def control(condition: Condition, seed: int, name: str) -> Step:
    """The serial run that takes another's steps. HVE's default is the serial solver's own."""
    if RUNS[name][0] == "hve":
        return run(condition, seed, "serial")
    words = ("reconstruct", "--method", "serial", "--iterations", str(ITERATIONS))
    return made(f"control of {name}", words, condition, seed, 1, run(condition, seed, name))


def made(name: str, words: tuple[str, ...], condition: Condition, seed: int, ranks: int, steps_of: Step | None = None) -> Step:
    data = dataset(condition, seed)
    label = f"{data.label.removeprefix('simulate-')}-{name}".replace(" ", "-").replace("=", "")
    seconds = SECONDS_TO_START + ITERATIONS * SECONDS_PER_ITERATION
    return Step(label, condition.case, words, seconds, ranks, data, steps_of, keep_volume=True, threads=1)


@dataclasses.dataclass(frozen=True)
class Claim:
    """A statement and its estimator: differences, one or more of every seed, that are above zero where it holds."""

    title: str
    statement: str
    effect: str  # what the differences are, with their unit
    names: tuple[str, ...]  # of the runs that it needs
    differences: Callable[[Scope, Condition, int], list[float]]
    controls: tuple[str, ...] = ()  # runs whose serial control it needs, too
    null: bool = False  # planted: it must not be found


def row(scope: Scope, condition: Condition, seed: int, name: str) -> dict:
    return perform(scope.work, run(condition, seed, name)).row


def seam_z(scope: Scope, condition: Condition, seed: int, name: str) -> dict[str, float]:
    """Seam z at the tile borders of a run over that of its control there, by axis."""
    step = run(condition, seed, name)
    return seams_over_control(*(perform(scope.work, each).volume for each in (step, step.dataset, control(condition, seed, name))))


@functools.cache
def seams_over_control(volume: Path, data: Path, paired: Path) -> dict[str, float]:
    """Several claims ask for the same."""
    found = program.ask_json("assess", volume, "--dataset", data, "--control", paired, "--pairing", "data", "--json", "-")
    return {axis: found[f"seam_{axis}_z"] - found[f"seam_{axis}_z_control"] for axis in AXES}


def seams_of(name: str):
    return lambda scope, condition, seed: list(seam_z(scope, condition, seed, name).values())


def by_axis(more: dict[str, float], less: dict[str, float]) -> list[float]:
    return [more[axis] - less[axis] for axis in AXES]


def more_seams(more: str, less: str):
    """Paired by seed and axis."""
    return lambda scope, condition, seed: by_axis(*(seam_z(scope, condition, seed, name) for name in (more, less)))


def planted_null(scope: Scope, condition: Condition, seed: int) -> list[float]:
    """GD against itself with the next seed; each run counts once."""
    if seed not in SEEDS[::2]:
        return []
    return by_axis(*(seam_z(scope, condition, each, "gd once") for each in (seed, SEEDS[SEEDS.index(seed) + 1])))


def log_ratio(key: str, larger: str, smaller: str):
    """In percent: 100 ln(a / b), which is 1 for one percent more."""

    def differences(scope: Scope, condition: Condition, seed: int) -> list[float]:
        return [100 * math.log(row(scope, condition, seed, larger)[key] / row(scope, condition, seed, smaller)[key])]

    return differences


FIG_8, FIG_9 = tables()["figure_8"]["stated"], tables()["figure_9"]["stated"]
Z = "seam z over the serial control's"
CLAIMS = (
    Claim("HVE shows seams", FIG_8, f"HVE's {Z}", ("hve",), seams_of("hve"), ("hve",)),
    Claim("more than GD's", FIG_8, f"HVE's {Z}, less GD's", ("hve", "gd once"), more_seams("hve", "gd once"), ("hve", "gd once")),
    Claim("GD shows seams", "planted opposite of Fig. 8", f"GD's {Z}", ("gd once",), seams_of("gd once"), ("gd once",), null=True),
    Claim("GD differs from GD", "planted null", "seam z of GD less that with another seed", ("gd once",), planted_null, ("gd once",), null=True),
    Claim(
        "rarer exchanges: lower cost", FIG_9, "cost of T = 1 over once per iteration, 100 ln", ("gd T = 1", "gd once"),
        log_ratio("cost", "gd T = 1", "gd once"),
    ),
    Claim(
        "rarer exchanges: lower error", FIG_9, "RMSE of T = 1 over once per iteration, 100 ln", ("gd T = 1", "gd once"),
        log_ratio("relative_rmse", "gd T = 1", "gd once"),
    ),
    Claim(
        "GD once better than HVE", "GD's image quality is superior", "RMSE of HVE over GD once per iteration, 100 ln", ("hve", "gd once"),
        log_ratio("relative_rmse", "hve", "gd once"),
    ),
    Claim(
        "GD twice better than HVE", "GD's image quality is superior", "RMSE of HVE over GD twice per iteration, 100 ln", ("hve", "gd twice"),
        log_ratio("relative_rmse", "hve", "gd twice"),
    ),
    Claim(
        "GD twice better than serial", "GD's image quality is superior", "RMSE of serial over GD twice per iteration, 100 ln",
        ("serial", "gd twice"), log_ratio("relative_rmse", "serial", "gd twice"),
    ),
)


@dataclasses.dataclass(frozen=True)
class Cell:
    """What became of one claim under one condition."""

    word: str  # of HOLDS, FAILS, UNDECIDED, NOT_VERIFIED
    effect: Effect | None = None
    why: str = ""


def cells_of(scope: Scope, claim: Claim) -> dict[Condition, Cell]:
    return {condition: cell_of(scope, claim, condition) for condition in conditions_of(scope)}


def conditions_of(scope: Scope) -> list[Condition]:
    return [condition for condition in CONDITIONS if condition.quick or not scope.quick]


def steps_of(claim: Claim, condition: Condition) -> list[Step]:
    made = [run(condition, seed, name) for seed in SEEDS for name in claim.names]
    return made + [control(condition, seed, name) for seed in SEEDS for name in claim.controls]


def steps(scope: Scope, claims: Sequence[Claim] = CLAIMS) -> list[Step]:
    """Every run once, condition by condition."""
    return list(dict.fromkeys(step for condition in conditions_of(scope) for claim in claims for step in steps_of(claim, condition)))


def claims_on(statement: str) -> list[Claim]:
    """What is asked of the paper's statement, the planted ones aside."""
    return [claim for claim in CLAIMS if claim.statement == statement and not claim.null]


def judge_statement(findings: Findings, scope: Scope, statement: str) -> None:
    """The verdict on a statement that one run cannot judge, for the item of its figure."""
    for claim in claims_on(statement):
        cells = cells_of(scope, claim)
        findings.judge(f"{statement}: {claim.title}", verdict_of(list(cells.values())), sentence(cells), MEASURED)


def why_not(outcomes: Sequence[Outcome]) -> str:
    """The first reason for which figures are withheld; empty when there is none."""
    return next((outcome.why_withheld for outcome in outcomes if outcome.why_withheld), "")


def cell_of(scope: Scope, claim: Claim, condition: Condition) -> Cell:
    """A claim is judged only where all its runs are verified."""
    why = why_not([perform(scope.work, step) for step in steps_of(claim, condition)])
    if why:
        return Cell(NOT_VERIFIED, why=why)
    effect = effect_of([d for seed in SEEDS for d in claim.differences(scope, condition, seed)])
    return Cell(HOLDS if effect.low > 0 else FAILS if effect.high < 0 else UNDECIDED, effect)


def verdict_of(cells: Sequence[Cell]) -> str:
    words = {cell.word for cell in cells} - {UNDECIDED}
    if words == {HOLDS}:
        return REPRODUCED
    if words == {FAILS}:
        return NOT_REPRODUCED
    return DEPENDS if words - {NOT_VERIFIED} else NOT_JUDGED


def sentence(cells: dict[Condition, Cell]) -> str:
    """Where it holds, where not, and where these runs cannot tell."""
    parts = []
    for word in (HOLDS, FAILS, UNDECIDED, NOT_VERIFIED):
        places = [f"{c.title}{in_numbers(cell)}" for c, cell in cells.items() if cell.word == word]
        if places:
            parts.append(f"{word} at {', '.join(places)}")
    return "; ".join(parts)


def in_numbers(cell: Cell) -> str:
    e = cell.effect
    return f" ({e.mean:+.3g}, 95 % {e.low:+.3g} to {e.high:+.3g}, sign test {e.sign_test:.2g})" if e else f" ({cell.why})"


def add_cell(findings: Findings, claim: Claim, condition: Condition, cell: Cell) -> None:
    e = cell.effect
    findings.add(
        f"{claim.title}, {condition.title}", claim.effect, "", evidence=MEASURED, ours=e.mean if e else None,
        why_not=cell.why or f"the paper has no number; {len(SEEDS)} seeds of a smaller case on 2 x 2 tiles",
        condition=condition.title, outcome=cell.word,
        interval_95_percent=[e.low, e.high] if e else None, sign_test=e.sign_test if e else None,
        detectable=e.detectable if e else None, differences=list(e.samples) if e else None,
    )


GREEN, RED, GREY = "#b8dfc0", "#f2b8b0", "#e6e6e6"
COLOURS = {HOLDS: GREEN, FAILS: RED, UNDECIDED: GREY, NOT_VERIFIED: "#ffffff"}
# Of what is planted: only its being found is news.
PLANTED = {HOLDS: ("found", RED), FAILS: ("not found", GREY), UNDECIDED: ("not found", GREY), NOT_VERIFIED: (NOT_VERIFIED, "#ffffff")}


def draw(found: dict[Claim, dict[Condition, Cell]]) -> dict[str, dict[str, bytes]]:
    """The map: claims down, conditions across; in every cell the effect and its interval."""
    from harness.report import drawing

    conditions = list(next(iter(found.values())))
    figure, axes = drawing.plt.subplots(figsize=(1.6 * drawing.WIDTH, 0.55 * len(found) + 0.6), layout="constrained")
    for y, (claim, cells) in enumerate(found.items()):
        for x, cell in enumerate(cells.values()):
            word, colour = PLANTED[cell.word] if claim.null else (cell.word, COLOURS[cell.word])
            axes.add_patch(drawing.plt.Rectangle((x, y), 1, 1, facecolor=colour, edgecolor="white", linewidth=2))
            e = cell.effect
            text = f"{word}\n{e.mean:+.2g} ({e.low:+.2g} … {e.high:+.2g})" if e else word
            axes.text(x + 0.5, y + 0.5, text, ha="center", va="center", fontsize=8)
    axes.set(xlim=(0, len(conditions)), ylim=(len(found), 0))
    axes.set_xticks([x + 0.5 for x in range(len(conditions))], [condition.title for condition in conditions])
    names = [f"{claim.title}{' (null)' if claim.null else ''}" for claim in found]
    axes.set_yticks([y + 0.5 for y in range(len(found))], names)
    axes.tick_params(length=0, labeltop=True, labelbottom=False)
    for spine in axes.spines.values():
        spine.set_visible(False)
    return {"claims": drawing.encode(figure, "Where the paper's claims hold")}


def find(scope: Scope) -> Findings:
    """The map, its cells as rows, and a sentence for every claim; what is planted must not be found."""
    findings = Findings("claims", "The paper's claims over seeds and conditions")
    found = {claim: cells_of(scope, claim) for claim in CLAIMS}
    for claim, cells in found.items():
        for condition, cell in cells.items():
            add_cell(findings, claim, condition, cell)
        if claim.null:
            seen = [c.title for c, cell in cells.items() if cell.word == HOLDS]
            findings.check(f"{claim.title}: not found", not seen, sentence(cells))
        else:
            findings.judge(f"{claim.statement}: {claim.title}", verdict_of(list(cells.values())), sentence(cells), MEASURED)
    findings.figures = draw(found)
    return findings
