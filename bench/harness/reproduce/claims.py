"""The paper's qualitative claims over seeds and conditions: where each holds, where not, and where these runs cannot tell."""

import dataclasses
import functools
import math
from collections.abc import Callable, Sequence
from pathlib import Path

from harness.base.paper import tables
from harness.base.statistics import effect_of
from harness.reproduce import cachegrind
from harness.reproduce.cells import (
    HOLDS,
    IMPOSSIBLE,
    NOT_RUN,
    NOT_VERIFIED,
    Cell,
    MapRow,
    cell_with,
    draw,
    sentence,
    verdict_of,
    verdict_of_denied,
)
from harness.reproduce.ci_case import ITERATIONS
from harness.reproduce.design import BEST, CONDITIONS, SEEDS, VARIED_AT, Condition, control, parts, run, trials
from harness.reproduce.findings import MEASURED, Findings
from harness.reproduce.ranks import Scope
from harness.reproduce.work import Outcome, Step, best_step, perform
from harness.runs import program

AXES = ("rows", "columns")


@dataclasses.dataclass(frozen=True)
class Claim:
    """A statement and its estimator: differences, one or more of every seed, that are above zero where it holds."""

    title: str
    statement: str
    effect: str  # what the differences are, with their unit
    names: tuple[str, ...]  # of the runs that it needs
    differences: Callable[[Scope, Condition, int], list[float]]
    controls: tuple[str, ...] = ()  # runs whose serial control it needs, too
    denied: bool = False  # the statement says that it is not so
    null: bool = False  # planted: it must not be found
    quick: bool = True
    at: tuple[Condition, ...] = CONDITIONS  # where it is asked


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


def by_axis(more: dict[str, float], less: dict[str, float]) -> list[float]:
    return [more[axis] - less[axis] for axis in AXES]


def with_next_seed(seed: int) -> tuple[int, ...]:
    """Seeds in pairs, at the first of each; each run counts once."""
    return (seed, SEEDS[SEEDS.index(seed) + 1]) if seed in SEEDS[::2] else ()


def null_of_seams(scope: Scope, condition: Condition, seed: int) -> list[float]:
    """GD against itself with the next seed."""
    pair = with_next_seed(seed)
    return by_axis(*(seam_z(scope, condition, each, "gd once") for each in pair)) if pair else []


def null_of_errors(scope: Scope, condition: Condition, seed: int) -> list[float]:
    """The same of its error."""
    errors = [row(scope, condition, each, "gd once")[LAST] for each in with_next_seed(seed)]
    return [100 * math.log(errors[0] / errors[1])] if errors else []


FIG_8, FIG_9 = tables()["figure_8"]["stated"], tables()["figure_9"]["stated"]
QUALITY = "GD's image quality is superior"
NO_REDUNDANCY = "GD needs no redundant computations"
MEMORY = "GD takes less memory"
COMMUNICATION = "GD's communication remains low"
BEYOND = "beyond the paper"
Z = "seam z over the serial control's"


def seams(name: str, title: str, statement: str = FIG_8, **kind) -> Claim:
    """That a run has seams at its tile borders."""

    def differences(scope: Scope, condition: Condition, seed: int) -> list[float]:
        return list(seam_z(scope, condition, seed, name).values())

    return Claim(title, statement, f"{name}: {Z}", (name,), differences, (name,), **kind)


def more_seams(more: str, less: str, title: str, statement: str = FIG_8) -> Claim:
    """That one run has more of them than another, paired by seed and axis."""

    def differences(scope: Scope, condition: Condition, seed: int) -> list[float]:
        return by_axis(*(seam_z(scope, condition, seed, name) for name in (more, less)))

    return Claim(title, statement, f"{more} less {less}: {Z}", (more, less), differences, (more, less))


def log_ratio(key: str, what: str, larger: str, smaller: str, title: str, statement: str, **kind) -> Claim:
    """That a figure of one run exceeds another's; the difference in percent is 100 ln(a / b), which is 1 for one percent more."""

    def differences(scope: Scope, condition: Condition, seed: int) -> list[float]:
        return [100 * math.log(row(scope, condition, seed, larger)[key] / row(scope, condition, seed, smaller)[key])]

    return Claim(title, statement, f"{what}: {larger} over {smaller}, 100 ln", (larger, smaller), differences, **kind)


def sooner(later: str, earlier: str, title: str) -> Claim:
    """That one run is as good as another ever gets in fewer iterations; one that never is counts as having needed one more."""

    def iterations(scope: Scope, condition: Condition, seed: int) -> list[float]:
        slow, fast = (row(scope, condition, seed, name)["relative_rmse_of_iterations"] for name in (later, earlier))
        target = min(slow)
        reached = next((n for n, error in enumerate(fast, 1) if error <= target), ITERATIONS + 1)
        return [100 * math.log((1 + slow.index(target)) / reached)]

    effect = f"iterations to the lowest error of {later}: {later} over {earlier}, 100 ln"
    return Claim(title, BEYOND, effect, (later, earlier), iterations, quick=False)


LOWEST, LAST = "relative_rmse_lowest", "relative_rmse"
VARIED = {"quick": False, "at": VARIED_AT}
NULL = {"statement": "planted null", "names": ("gd once",), "null": True}
CLAIMS = (
    seams("hve", "HVE shows seams"),
    more_seams("hve", "gd once", "more than GD's"),
    seams("hve; common step", "with GD's step", **VARIED),
    seams("hve; best step", "with its best step", **VARIED),
    seams("hve, no rows", "without extra rows", quick=False),
    seams("hve, 2 rows", "with 2 extra rows", quick=False),
    seams("hve, every 4", "pasted every 4 iterations", quick=False),
    seams("hve, never", "never pasted", quick=False),
    seams("hve, mean", "averaged, not pasted", quick=False),
    seams("gd once", "GD shows seams", denied=True),
    seams("gd once; best step", "GD with its best step shows seams", denied=True, **VARIED),
    Claim("GD differs from GD (null)", effect="seam z of GD less that with another seed", differences=null_of_seams, controls=("gd once",), **NULL),
    Claim(
        "GD's error differs from GD's (null)",
        effect="RMSE: gd once over gd once with another seed, 100 ln", differences=null_of_errors, at=VARIED_AT, **NULL,
    ),
    log_ratio("cost", "cost", "gd T = 1", "gd once", "once beats T = 1: lower cost", FIG_9),
    log_ratio(LAST, "RMSE", "gd T = 1", "gd once", "once beats T = 1: lower error", FIG_9),
    log_ratio("cost", "cost", "gd T = 1", "gd twice", "twice beats T = 1: lower cost", FIG_9),
    log_ratio(LAST, "RMSE", "gd T = 1", "gd twice", "twice beats T = 1: lower error", FIG_9),
    log_ratio("cost", "cost", "gd T = 1", "gd 4 times", "4 times beats T = 1: lower cost", FIG_9, **VARIED),
    log_ratio(LAST, "RMSE", "gd T = 1", "gd 4 times", "4 times beats T = 1: lower error", FIG_9, **VARIED),
    log_ratio("cost", "cost", "gd T = 1; common step", "gd once", "once beats T = 1, one step: lower cost", FIG_9, **VARIED),
    log_ratio(LAST, "RMSE", "gd T = 1; common step", "gd once", "once beats T = 1, one step: lower error", FIG_9, **VARIED),
    log_ratio("cost", "cost", "gd T = 1; best step", "gd once; best step", "once beats T = 1, best steps: lower cost", FIG_9, **VARIED),
    log_ratio(LOWEST, "lowest RMSE", "gd T = 1; best step", "gd once; best step", "once beats T = 1, best steps: lower error", FIG_9, **VARIED),
    log_ratio(LAST, "RMSE", "hve", "gd once", "GD once better than HVE", QUALITY),
    log_ratio(LAST, "RMSE", "hve; common step", "gd once", "GD once better than HVE, one step", QUALITY, **VARIED),
    log_ratio(LOWEST, "lowest RMSE", "hve; best step", "gd once; best step", "GD once better than HVE, best steps", QUALITY, **VARIED),
    log_ratio(LAST, "RMSE", "hve", "gd twice", "GD twice better than HVE", QUALITY),
    log_ratio(LAST, "RMSE", "serial", "gd twice", "GD twice better than serial", QUALITY),
    log_ratio(LOWEST, "lowest RMSE", "hve", "gd twice", "the same, each at its best iteration", QUALITY),
    log_ratio(LOWEST, "lowest RMSE", "hve, 2 rows", "gd twice", "the same, HVE with 2 extra rows", QUALITY, quick=False),
    log_ratio(LOWEST, "lowest RMSE", "hve", "gd averaged", "averaged better than HVE, the same step", QUALITY, quick=False),
    log_ratio("positions_per_rank_mean", "positions visited", "hve", "gd once", "HVE visits more positions", NO_REDUNDANCY),
    log_ratio("memory_peak_bytes_max", "memory", "hve", "gd once", "HVE takes more memory", MEMORY),
    log_ratio("bytes_sent", "bytes sent", "hve", "gd once", "HVE sends more", COMMUNICATION),
    log_ratio(LOWEST, "lowest RMSE", "hve", "gd accelerated", "accelerated better than HVE", BEYOND, quick=False),
    log_ratio(LOWEST, "lowest RMSE", "serial", "gd accelerated", "accelerated better than serial", BEYOND, quick=False),
    sooner("hve", "gd accelerated", "accelerated sooner than HVE"),
    sooner("serial", "gd accelerated", "accelerated sooner than serial"),
    sooner("hve", "gd averaged", "averaged sooner than HVE"),
)


def conditions_of(scope: Scope, claim: Claim) -> list[Condition]:
    return [condition for condition in claim.at if condition.quick or not scope.quick]


def claims_of(scope: Scope) -> list[Claim]:
    return [claim for claim in CLAIMS if claim.quick or not scope.quick]


def steps_of(claim: Claim, condition: Condition) -> list[Step]:
    made = [run(condition, seed, name) for seed in SEEDS for name in claim.names]
    return made + [control(condition, seed, name) for seed in SEEDS for name in claim.controls]


def steps(scope: Scope, claims: Sequence[Claim] | None = None) -> list[Step]:
    """Every run once, condition by condition, but for what is known from an earlier report."""
    asked = claims_of(scope) if claims is None else claims
    cells = [(condition, claim) for condition in CONDITIONS for claim in asked if condition in conditions_of(scope, claim)]
    unknown = [cell for cell in cells if known(scope, *cell) is None]
    simulated = cachegrind.steps(scope) if claims is None and not scope.quick else []
    return list(dict.fromkeys([*(step for condition, claim in unknown for step in steps_of(claim, condition)), *simulated]))


def claims_on(scope: Scope, statement: str) -> list[Claim]:
    """What is asked of the paper's statement."""
    return [claim for claim in claims_of(scope) if claim.statement == statement]


def judge_statement(findings: Findings, scope: Scope, statement: str) -> None:
    """The verdict on a statement that one run cannot judge, for the item of its figure."""
    for claim in claims_on(scope, statement):
        judge(findings, claim, cells_of(scope, claim))


def judge(findings: Findings, claim: Claim, cells: dict[Condition, Cell]) -> None:
    verdict = (verdict_of_denied if claim.denied else verdict_of)(list(cells.values()))
    findings.judge(f"{claim.statement}: {claim.title}", verdict, sentence(by_title(cells), claim.denied), MEASURED)


def by_title(cells: dict[Condition, Cell]) -> dict[str, Cell]:
    return {condition.title: cell for condition, cell in cells.items()}


def known(scope: Scope, condition: Condition, claim: Claim) -> Cell | None:
    """A cell of an earlier report, if there is one and it is wanted."""
    return scope.earlier.get((f"{claim.title}, {condition.title}", claim.effect))


def cells_of(scope: Scope, claim: Claim) -> dict[Condition, Cell]:
    return {condition: known(scope, condition, claim) or cell_of(scope, claim, condition) for condition in conditions_of(scope, claim)}


def cell_of(scope: Scope, claim: Claim, condition: Condition) -> Cell:
    """A claim is judged only where all its runs are verified, and where its methods can work on the mesh."""
    outcomes = [perform(scope.work, step) for step in steps_of(claim, condition)]
    if any(is_impossible(outcome) for outcome in outcomes):
        return Cell(IMPOSSIBLE, why="HVE's cores are narrower than the halos they must fill")
    missing = next((outcome for outcome in outcomes if outcome.not_run), None)
    if missing:
        return Cell(NOT_RUN, why=missing.failure)
    why = next((outcome.why_withheld for outcome in outcomes if outcome.why_withheld), "")
    if why:
        return Cell(NOT_VERIFIED, why=why)
    return cell_with(effect_of([d for seed in SEEDS for d in claim.differences(scope, condition, seed)]))


def is_impossible(outcome: Outcome) -> bool:
    """Whether the run was refused because HVE cannot fill the halos of its mesh."""
    return outcome.failure is not None and "must fill a halo" in outcome.failure


def add_cell(findings: Findings, claim: Claim, condition: Condition, cell: Cell) -> None:
    e = cell.effect
    findings.add(
        f"{claim.title}, {condition.title}", claim.effect, "", evidence=MEASURED, ours=e.mean if e else None,
        why_not=cell.why or f"the paper has no number; {len(SEEDS)} seeds of a smaller case on {condition.mesh[0]} x {condition.mesh[1]} tiles",
        condition=condition.title, outcome=cell.word,
        taken_from=cell.earlier or None,
        interval_95_percent=[e.low, e.high] if e else None, sign_test=e.sign_test if e else None,
        detectable=e.detectable if e else None, differences=list(e.samples) if e else None,
    )


def add_best_steps(findings: Findings, scope: Scope) -> None:
    """Over their defaults, with what every step that was tried led to."""
    wanted = {(condition, *parts(name)) for claim in claims_of(scope) for condition in conditions_of(scope, claim) for name in claim.names}
    for condition, base, step in sorted(wanted, key=lambda each: (CONDITIONS.index(each[0]), each[1])):
        if step == BEST:
            add_best_step(findings, scope, condition, base)


def add_best_step(findings: Findings, scope: Scope, condition: Condition, base: str) -> None:
    tried = trials(condition, base)
    outcomes = [perform(scope.work, trial) for trial in tried]
    failed = next((outcome.failure for outcome in outcomes if outcome.not_run), "") or outcomes[0].why_withheld
    sound = [(trial, outcome) for trial, outcome in zip(tried, outcomes, strict=True) if not outcome.why_withheld]
    findings.add(
        f"{base}, {condition.title}", "best step over the default", "", evidence=MEASURED,
        ours=None if failed else best_step(scope.work, tried).row["step"] / outcomes[0].row["step"],
        why_not=failed or f"the paper names no step; of {len(tried)} tried on data of another seed, that with the smallest error",
        lowest_error_by_factor={f"{trial.step_factor:g}": outcome.row[LOWEST] for trial, outcome in sound},
    )


def find(scope: Scope) -> Findings:
    """The map, its cells as rows, and a sentence for every claim; what is planted must not be found."""
    findings = Findings("claims", "The paper's claims over seeds and conditions")
    rows = []
    for claim in claims_of(scope):
        cells = cells_of(scope, claim)
        rows.append(MapRow(claim.title, claim.denied or claim.null, by_title(cells)))
        for condition, cell in cells.items():
            add_cell(findings, claim, condition, cell)
        if claim.null:
            seen = [c.title for c, cell in cells.items() if cell.word == HOLDS]
            findings.check(f"{claim.title}: not found", not seen, sentence(by_title(cells), denied=True))
        else:
            judge(findings, claim, cells)
    add_best_steps(findings, scope)
    if not scope.quick:
        cachegrind.add(findings, scope, tables()["section_VI_C"]["stated"])
    findings.figures = draw(rows)
    return findings
