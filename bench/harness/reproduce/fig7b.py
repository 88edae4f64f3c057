"""Fig. 7b: where the time goes, with the pipelined passes and with what they are compared with."""

import dataclasses

from harness.base.paper import tables
from harness.base.statistics import paired_ratio, summarise
from harness.reproduce import simulated
from harness.reproduce.ci_case import in_rounds, machine_words, reconstruction, trusted
from harness.reproduce.findings import MEASURED, NOT_JUDGED, Findings
from harness.reproduce.phases import PHASES, phases_of
from harness.reproduce.ranks import Scope
from harness.reproduce.simulated import EXCHANGES
from harness.reproduce.work import Outcome, Step, sources

RANKS = [4, 6]
ITERATIONS = 10


def repeats(scope: Scope, exchange: str, ranks: int) -> list[Step]:
    """Runs of one exchange; six are the fewest with an interval."""
    return [
        reconstruction(
            f"exchange-{exchange}-{ranks}-{i}", "gd", "--exchange", exchange, ranks=ranks, iterations=ITERATIONS, threads=1
        )
        for i in range(1 if scope.quick else 6)
    ]


def ranks_of(scope: Scope) -> list[int]:
    return RANKS[:1] if scope.quick else RANKS


def steps(scope: Scope, setup: simulated.Setup = simulated.Setup()) -> list[Step]:
    real = [step for ranks in ranks_of(scope) for step in in_rounds([repeats(scope, exchange, ranks) for exchange in EXCHANGES])]
    return real + simulated.steps(setup)


def add_exchange(findings: Findings, scope: Scope, exchange: str, ranks: int) -> tuple[dict[str, float], list[Outcome]]:
    """The phases of one exchange; gives their medians and the runs."""
    runs = repeats(scope, exchange, ranks)
    outcomes, why = trusted(scope.work, runs)
    findings.check(f"{exchange} on {ranks} ranks: verified", not why, why or "the cost fell")
    medians = {}
    for phase in PHASES:
        summary = summarise([getattr(phases_of(outcome.row), phase) for outcome in outcomes]) if outcomes else None
        findings.add(
            f"ci, {exchange}, {ranks} ranks",
            f"{phase} per iteration",
            "s",
            ours=summary.median if summary else None,
            evidence=MEASURED,
            why_not=why or machine_words(ranks),
            source=sources(scope.work, runs),
            exchange=exchange,
            ranks=ranks,
            samples=list(summary.samples) if summary else [],
            interval_95_percent=list(summary.interval or []) if summary else [],
        )
        if summary:
            medians[phase] = summary.median
    return medians, outcomes


def add_ratio(findings: Findings, exchange: str, ranks: int, theirs: list[Outcome], appp: list[Outcome]) -> None:
    """How much longer ranks wait and communicate than with the pipelined passes, from runs of the same rounds."""
    ratio = paired_ratio(*([phases_of(run.row).exchange for run in runs] for runs in (theirs, appp)))
    known = (
        f"95 % between {ratio.interval[0]:.2f} and {ratio.interval[1]:.2f}" if ratio.interval else "too few runs for an interval"
    )
    findings.add(
        f"ci, {exchange} over appp, {ranks} ranks",
        "wait and communication, ratio",
        "",
        ours=ratio.median,
        evidence=MEASURED,
        why_not=f"{machine_words(ranks)}; {len(ratio.samples)} paired runs, {known}",
        exchange=exchange,
        ranks=ranks,
        samples=list(ratio.samples),
    )


def draw(medians: dict[str, dict[str, float]], ranks: str) -> dict[str, dict[str, bytes]]:
    """Stacked phases of each exchange; `ranks` in words."""
    from harness.report import drawing

    figure, axes = drawing.new_figure(2.4)
    left = dict.fromkeys(medians, 0.0)
    for phase in PHASES:
        widths = [1e3 * phases[phase] for phases in medians.values()]
        axes.barh(list(medians), widths, left=list(left.values()), color=drawing.PHASE_COLOURS[phase], label=phase)
        left = {exchange: start + width for (exchange, start), width in zip(left.items(), widths, strict=True)}
    axes.invert_yaxis()
    axes.set(xlabel=f"ms per iteration, mean of {ranks}")
    drawing.add_legend(figure, axes, columns=3)
    return {f"fig7b-{ranks.replace(' ', '-')}": drawing.encode(figure, f"Compute, wait and communication on {ranks}")}


def find(scope: Scope, setup: simulated.Setup = simulated.Setup()) -> Findings:
    """Phases with each exchange, and what becomes of the paper's statements."""
    findings = Findings("fig7b", "Fig. 7b, compute, wait and communication")
    for ranks in ranks_of(scope):
        found = {exchange: add_exchange(findings, scope, exchange, ranks) for exchange in EXCHANGES}
        medians = {exchange: phases for exchange, (phases, _) in found.items() if phases}
        appp = found["appp"][1]
        for exchange in EXCHANGES[1:]:
            if appp and found[exchange][1]:
                add_ratio(findings, exchange, ranks, found[exchange][1], appp)
        if medians:
            findings.figures |= draw(medians, f"{ranks} ranks")
    add_papers_gpus(findings, scope, setup)
    return findings


def add_papers_gpus(findings: Findings, scope: Scope, setup: simulated.Setup) -> None:
    """The paper's own numbers of GPUs, which only a simulation has here."""
    if why := simulated.why_impossible():
        for statement in tables()["figure_7b_large_gd"]["stated"]:
            findings.judge(statement, NOT_JUDGED, f"no such machine here, and none can be simulated: {why}")
        return
    for gpus in setup.gpus if (found := simulated.find(findings, scope.work, setup)) else ():
        medians = {exchange: dataclasses.asdict(by_gpus[gpus]) for exchange, by_gpus in found.items()}
        findings.figures |= draw(medians, f"{gpus} simulated GPUs")
