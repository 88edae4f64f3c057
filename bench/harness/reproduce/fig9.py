"""Fig. 9: how the cost falls with one exchange per position, two per iteration and one, by all update rules, and with HVE."""

import dataclasses

from harness.reproduce import claims
from harness.reproduce.ci_case import RANKS, reconstruction
from harness.reproduce.findings import MEASURED, NOT_JUDGED, Findings
from harness.reproduce.ranks import Scope
from harness.reproduce.work import Outcome, Step, perform, source

UPDATES = ["as_printed", "once", "batch"]
ROUNDS = {"max": "T = 1", "2": "twice per iteration", "1": "once per iteration"}
STEPS = {"own": "each with its own step", "common": "all with the step of once per iteration"}
NO_NUMBER = "the paper shows curves of 42 GPUs without a number; smaller case on 4 ranks"


@dataclasses.dataclass(frozen=True)
class Setup:
    """What runs: the case, and how long."""

    case: str = "ci"
    iterations: int = 20
    exchanges: int = 36  # of an iteration with one per position


def curve(setup: Setup, update: str, rounds: str, step: str) -> Step:
    """A Gradient Decomposition run. With one step for all, that of once per iteration, which is the smallest by default."""
    label = f"cost-{update}-{rounds}-{step}"
    exchanges = setup.exchanges if rounds == "max" else int(rounds)
    common = curve(setup, update, "1", "own") if step == "common" else None
    return reconstruction(
        label,
        "gd",
        "--update",
        update,
        "--rounds",
        rounds,
        case=setup.case,
        iterations=setup.iterations,
        exchanges=exchanges,
        steps_of=common,
    )


def hve(setup: Setup) -> Step:
    return reconstruction("cost-hve", "hve", case=setup.case, iterations=setup.iterations)


def curves(setup: Setup) -> dict[tuple[str, str, str], Step]:
    """All runs of GD by update rule, rounds and step; once per iteration with its own step is also that with the common one."""
    found = {}
    for step in STEPS:
        for update in UPDATES:
            for rounds in ROUNDS:
                own = step == "own" or rounds == "1"
                found[update, rounds, step] = curve(setup, update, rounds, "own" if own else "common")
    return found


def steps(scope: Scope, setup: Setup = Setup()) -> list[Step]:
    over_seeds = claims.steps(scope, claims.claims_on(scope, claims.FIG_9)) if setup == Setup() else []
    return [*curves(setup).values(), hve(setup), *over_seeds]


def add_curve(findings: Findings, scope: Scope, name: str, run: Step, **tags) -> Outcome:
    """The cost at the end over that of the empty volume, and the whole curve in the row."""
    outcome = perform(scope.work, run)
    why = outcome.why_withheld
    row = {} if outcome.failure else outcome.row
    costs = row.get("cost_of_iterations", [])
    if why and costs:
        why = f"{why}: {costs[0]:.4g} to {costs[-1]:.4g}"
    findings.add(
        name,
        "cost at the end over that of the empty volume",
        "",
        evidence=MEASURED,
        ours=None if why else costs[-1] / row["cost_of_empty_volume"],
        why_not=why or NO_NUMBER,
        source=source(scope.work, run),
        cost_of_iterations=costs,
        cost_of_empty_volume=row.get("cost_of_empty_volume"),
        step=row.get("step"),
        **tags,
    )
    return outcome


def final(outcome: Outcome) -> float | None:
    return None if outcome.why_withheld else outcome.row["cost"]


def judge(findings: Findings, scope: Scope, outcomes: dict[tuple[str, str, str], Outcome], setup: Setup) -> None:
    """The paper's statement over seeds and noise; what one run of each update rule shows beside it."""
    if setup == Setup():
        claims.judge_statement(findings, scope, claims.FIG_9)
    for update in UPDATES:
        for step, words in STEPS.items():
            costs = {rounds: final(outcomes[update, rounds, step]) for rounds in ROUNDS}
            said = ", ".join(f"{ROUNDS[r]} {'diverges or fails' if c is None else f'{c:.4g}'}" for r, c in costs.items())
            cost = f"one run of each, without noise; cost after {setup.iterations} iterations on {RANKS} ranks: {said}"
            findings.judge(f"{claims.FIG_9}; update {update}, {words}", NOT_JUDGED, cost, MEASURED)


def draw(outcomes: dict[tuple[str, str, str], Outcome], baseline: Outcome, setup: Setup) -> dict[str, dict[str, bytes]]:
    """Cost over iterations, one panel per update rule, each run with its own step."""
    from harness.report import drawing

    figure, panels = drawing.plt.subplots(1, len(UPDATES), figsize=(2 * drawing.WIDTH, 3.2), sharey=True, layout="constrained")
    for axes, update in zip(panels, UPDATES, strict=True):
        for rounds, style in zip(ROUNDS, ("-", "--", ":"), strict=True):
            outcome = outcomes[update, rounds, "own"]
            if not outcome.why_withheld:
                costs = outcome.row["cost_of_iterations"]
                axes.plot(range(1, len(costs) + 1), costs, style, color=drawing.METHOD_COLOURS["gd"], label=f"GD, {ROUNDS[rounds]}")
        if not baseline.why_withheld:
            costs = baseline.row["cost_of_iterations"]
            axes.plot(range(1, len(costs) + 1), costs, color=drawing.METHOD_COLOURS["hve"], label="HVE")
        axes.set(title=f"update {update}", xlabel="iteration", yscale="log")
        axes.grid(True)
    panels[0].set_ylabel("cost seen during the iteration")
    drawing.add_legend(figure, panels[-1], columns=4)
    return {f"fig9-{setup.case}": drawing.encode(figure, "Cost by iteration")}


def find(scope: Scope, setup: Setup = Setup()) -> Findings:
    """Curves of all runs and the verdict on what the paper says of them."""
    findings = Findings("fig9", "Fig. 9, cost by iteration")
    outcomes = {}
    for (update, rounds, step), run in curves(setup).items():
        name = f"{setup.case}, {update}, {ROUNDS[rounds]}, {step} step"
        outcomes[update, rounds, step] = add_curve(findings, scope, name, run, update=update, exchanges=ROUNDS[rounds], steps=step)
    baseline = add_curve(findings, scope, f"{setup.case}, HVE", hve(setup), steps="own")
    judge(findings, scope, outcomes, setup)
    findings.figures = draw(outcomes, baseline, setup)
    return findings
