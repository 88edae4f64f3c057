"""Fig. 7b's GPUs on a simulated Summit: the solver's own exchanges, message by message."""

import dataclasses
import itertools
import math

from harness.base.errors import InputError
from harness.base.paper import ITERATIONS, table_rows, tables
from harness.project.kernels import projection_program
from harness.reproduce.findings import NOT_JUDGED, NOT_REPRODUCED, REPRODUCED, SIMULATED, Findings
from harness.reproduce.phases import Phases, phases_of
from harness.reproduce.work import Outcome, Step, Work, perform, source

MACHINE = "summit"
WITHOUT_APPP = {"passes": "blocking passes", "allreduce": "one all-reduce"}  # what the paper may mean by it
EXCHANGES = ["appp", *WITHOUT_APPP]
FACTOR = 16
MINUTES_AT_FIRST, SECONDS_AT_LAST = 263, 1
AGREES = 2  # within this factor of the paper's figure
SECONDS_OF_MEASURING = 60.0
SECONDS_OF_SIMULATING = {"appp": 60.0, "passes": 5.0, "allreduce": 50.0}  # the paper's case; they grow with the messages


@dataclasses.dataclass(frozen=True)
class Setup:
    """What is simulated: a case on as few and as many GPUs as the paper compares."""

    case: str = "pbtio3-large"
    gpus: tuple[int, int] = (24, 462)


def why_impossible() -> str:
    """Why nothing can be simulated; empty when it can."""
    try:
        projection_program()
    except InputError as error:
        return str(error)
    return ""


def words(setup: Setup) -> tuple[str, ...]:
    return ("project", "--case", setup.case, "--ranks", ",".join(map(str, setup.gpus)), "--method", "gd")


def kernel_times(setup: Setup) -> Step:
    """The kernels' seconds on one core of this machine."""
    return Step(f"{setup.case}-kernel-times", setup.case, words(setup), SECONDS_OF_MEASURING, report_option="--measure")


def projection(setup: Setup, exchange: str, spread: float = 0.0) -> Step:
    """A simulation of both numbers of GPUs; the first of two iterations also takes the empty volume's cost. GPUs are slower by up to
    `spread`, each by its own share of it."""
    options = ("--machine", MACHINE, "--exchange", exchange, "--iterations", "2")
    label = f"{setup.case}-{MACHINE}-{exchange}"
    if spread:
        options, label = (*options, "--imbalance", f"{spread:.3g}"), f"{label}-unequal"
    return Step(label, setup.case, words(setup) + options, SECONDS_OF_SIMULATING[exchange], kernels_of=kernel_times(setup))


def steps(setup: Setup) -> list[Step]:
    if why_impossible():
        return []
    return [projection(setup, exchange) for exchange in EXCHANGES] + [projection(setup, "appp", spread_that_waits(papers_share()))]


def papers_minutes(gpus: int) -> float:
    """How long the paper's GD runs on so many GPUs: from its table, a power law between two rows."""
    rows = sorted((row.gpus, row.runtime_min) for row in table_rows("table3") if row.method == "gd")
    (few, slow), (many, fast) = next(pair for pair in itertools.pairwise(rows) if pair[0][0] <= gpus <= pair[1][0])
    return slow * (fast / slow) ** (math.log(gpus / few) / math.log(many / few))


def papers_share() -> float:
    """Of the paper's runtime, that GPUs wait on the fewer of them."""
    return MINUTES_AT_FIRST / papers_minutes(Setup.gpus[0])


def spread_that_waits(share: float) -> float:
    """How unequal GPUs must be to wait for such a share of the time: with shares even between 0 and x slower they wait x / 2 of 1 + x
    on average."""
    return share / (0.5 - share)


def note(outcome: Outcome) -> str:
    row = outcome.row
    return f"kernel times {row['kernel_times']}; network within {row['network_error_percent']:g} % of published messages"


def agrees(ours: float, paper: float) -> bool:
    return paper / AGREES <= ours <= paper * AGREES


def tags_of(work: Work, setup: Setup, exchange: str) -> dict[str, str]:
    """What figures of an exchange rest on."""
    step = projection(setup, exchange)
    return {"exchange": exchange, "source": source(work, step), "evidence": SIMULATED, "why_not": note(perform(work, step))}


def add_ratios(findings: Findings, work: Work, setup: Setup, found: dict[str, dict[int, Phases]]) -> None:
    """How much longer the exchange takes without the pipelined passes, and what share of an iteration."""
    most = setup.gpus[1]
    ratios, shares = {}, {}
    for exchange in WITHOUT_APPP:
        ratios[exchange] = found[exchange][most].exchange / found["appp"][most].exchange
        shares[exchange] = found[exchange][most].share
        tags = {"ranks": most, **tags_of(work, setup, exchange)}
        row = f"{setup.case}, {most} GPUs, {exchange}"
        findings.add(f"{row} over appp", "wait and communication, ratio", "", paper=FACTOR, ours=ratios[exchange], **tags)
        findings.add(row, "share of an iteration not computing", "%", ours=100 * shares[exchange], **tags)
    judge_ratios(findings, ratios, shares)


def verdict_of(holds: set[bool]) -> str:
    """Whether a statement holds, from whether it does with each exchange that it may mean."""
    return NOT_JUDGED if len(holds) > 1 else REPRODUCED if holds == {True} else NOT_REPRODUCED


def judge_ratios(findings: Findings, ratios: dict[str, float], shares: dict[str, float]) -> None:
    """The paper's factor between with and without APPP, and that communication dominates without it."""
    factor, _, dominated = tables()["figure_7b_large_gd"]["stated"]
    said = ", ".join(f"{WITHOUT_APPP[exchange]} {ratio:.3g} times" for exchange, ratio in ratios.items())
    verdict = verdict_of({agrees(ratio, FACTOR) for ratio in ratios.values()})
    findings.judge(factor, verdict, f"what 'without' means is not said; here {said} as long as APPP", SIMULATED)
    said = ", ".join(f"with {WITHOUT_APPP[exchange]} {share:.0%} of an iteration" for exchange, share in shares.items())
    verdict = verdict_of({share > 0.5 for share in shares.values()})
    findings.judge(dominated, verdict, f"what 'without' means is not said; here {said} is not computing", SIMULATED)


def add_waiting(findings: Findings, work: Work, setup: Setup, appp: dict[int, Phases]) -> None:
    """How long GPUs wait in as many iterations as the paper's."""
    few, most = setup.gpus
    tags = tags_of(work, setup, "appp")
    at_few, at_most = (ITERATIONS * appp[gpus].wait for gpus in setup.gpus)
    waiting = "waiting time"
    findings.add(f"{setup.case}, {few} GPUs", waiting, "min", paper=MINUTES_AT_FIRST, ours=at_few / 60, ranks=few, **tags)
    findings.add(f"{setup.case}, {most} GPUs", waiting, "s", paper=SECONDS_AT_LAST, ours=at_most, ranks=most, **tags)
    met = agrees(at_few / 60, MINUTES_AT_FIRST) and agrees(at_most, SECONDS_AT_LAST)
    said = f"{at_few:.3g} s on {few} GPUs, {at_most:.3g} s on {most}, in {ITERATIONS} iterations; only messages are waited for"
    said += add_unequal(findings, work, setup)
    statement = tables()["figure_7b_large_gd"]["stated"][1]
    findings.judge(statement, REPRODUCED if met else NOT_REPRODUCED, said, SIMULATED)


def add_unequal(findings: Findings, work: Work, setup: Setup) -> str:
    """What GPUs of unequal speed would have to be like to wait as long as the paper's fewer do, and how long the more would wait then;
    in words, too."""
    few, most = setup.gpus
    share = papers_share()
    spread = spread_that_waits(share)
    step = projection(setup, "appp", spread)
    outcome = perform(work, step)
    if why := why_not_simulated(outcome):
        return f"; GPUs of unequal speed could not be simulated: {why}"
    shares = {row["ranks"]: phases_of(row).wait / sum(dataclasses.astuple(phases_of(row))) for row in outcome.rows}
    tags = {"evidence": SIMULATED, "source": source(work, step), "why_not": f"GPUs up to {1 + spread:.3g} times slower than the fastest"}
    quantity = "share of the time that unequal GPUs wait"
    papers = {few: 100 * share, most: 100 * SECONDS_AT_LAST / 60 / papers_minutes(Setup.gpus[1])}
    for gpus in setup.gpus:
        findings.add(f"{setup.case}, {gpus} GPUs", quantity, "%", paper=papers[gpus], ours=100 * shares[gpus], ranks=gpus, **tags)
    return (
        f"; GPUs of unequal speed explain it only if the slowest is {1 + spread:.2g} times slower than the fastest, and then {most} of them "
        f"wait {100 * shares[most]:.2g} % of the time, where the paper's wait {papers[most]:.2g} %; neither do they lack memory on {few}, "
        "where the paper prints less than 9.2 GB of 16"
    )


def why_not_simulated(outcome: Outcome) -> str:
    """Why an exchange has no figures; empty when it has. A mesh that cannot work is a row with its reason."""
    return outcome.why_withheld or next((row["error"] for row in outcome.rows if "error" in row), "")


def find(findings: Findings, work: Work, setup: Setup) -> dict[str, dict[int, Phases]]:
    """Adds what the simulated exchanges say; gives their phases. Nothing is added when one could not be simulated."""
    outcomes = {exchange: perform(work, projection(setup, exchange)) for exchange in EXCHANGES}
    reasons = {exchange: why_not_simulated(outcome) for exchange, outcome in outcomes.items()}
    for exchange, why in reasons.items():
        findings.check(f"{exchange} on simulated GPUs", not why, why or "both were simulated", SIMULATED)
    if any(reasons.values()):
        return {}
    found = {exchange: {row["ranks"]: phases_of(row) for row in outcome.rows} for exchange, outcome in outcomes.items()}
    add_ratios(findings, work, setup, found)
    add_waiting(findings, work, setup, found["appp"])
    return found
