"""Sec. VI-C: cache hit rates of the forward model on 24 and on 54 GPUs' tiles."""

from harness.base import documents
from harness.base.errors import RunError
from harness.base.paper import table_rows, tables
from harness.reproduce import counters
from harness.reproduce.findings import MEASURED, NOT_JUDGED, NOT_REPRODUCED, REPRODUCED, Findings
from harness.reproduce.ranks import Scope, forecast, places, plan_step, planned, rank_step
from harness.reproduce.work import Step, arguments_of, key_of
from harness.runs import program

GPUS = [24, 54]
PRINTED = {"L1 hit rate": [44, 59], "memory throughput": [34, 49]}
GRID = "tile"  # what the paper's tables suggest


def steps(_: Scope) -> list[Step]:
    return [plan_step("table2", GRID, "stream")]


def centre_step(scope: Scope, gpus: int) -> Step:
    """The run of the centre rank of so many, on its tile."""
    row = next(row for row in table_rows("table2") if (row.method, row.gpus) == ("gd", gpus))
    plan = planned(scope.work, row, GRID)
    return rank_step(row, GRID, places(plan["mesh"])["centre"], forecast(plan, GRID))


def hit_rates(scope: Scope, step: Step) -> tuple[dict[str, float], str]:
    """Rates of one run, and the file of what the tool printed. Throws RunError with the reason when they cannot be had."""
    on_gpu = scope.work.backend == "cuda"
    kept = scope.work.folder / f"{step.label}-{key_of(scope.work, step)}.{'ncu' if on_gpu else 'perf'}.csv"
    if not kept.exists():
        partial = kept.with_name(f".{kept.name}")
        tool = counters.ncu_words() if on_gpu else counters.perf_words(partial)
        log = partial if on_gpu else kept.with_suffix(".log")
        report = kept.with_name(f".{step.label}.counted.json")
        words = [*tool, program.executable(), *map(str, arguments_of(scope.work, step, report, report))]
        code = program.run_logged(words, log, program.launch_environment(), scope.work.time_limit)
        report.unlink(missing_ok=True)
        if code != 0:
            raise RunError(f"{tool[0]}: exit code {code}; see {log}")
        documents.give_name(partial, kept)
    rates = (counters.read_ncu if on_gpu else counters.read_perf)(kept.read_text())
    return rates, f"{kept.parent.name}/{kept.name}"


def why_impossible(scope: Scope) -> str:
    """Why no counters can be read here; empty when they can."""
    try:
        if scope.work.backend == "cuda":
            counters.require("ncu")
        else:
            counters.require_counters(scope.work.folder)
    except RunError as error:
        return str(error)
    return ""


def add_rates(findings: Findings, rates: dict[int, dict[str, float]], cited: dict[int, str], on_gpu: bool) -> None:
    """Rates beside the paper's; those that only one side has, too."""
    quantities = list(dict.fromkeys([*PRINTED, *(key for each in rates.values() for key in each)]))
    kind = "all kernels of one position" if on_gpu else "a CPU's caches, transforms included; the paper's are a V100's"
    for quantity in quantities:
        for gpus, printed in zip(GPUS, PRINTED.get(quantity, [None, None]), strict=True):
            ours = rates[gpus].get(quantity)
            why = kind if ours is not None else "perf has no such figure; Nsight Compute has"
            findings.add(
                f"small, GD {gpus}",
                quantity,
                "%",
                paper=printed,
                ours=ours,
                evidence=MEASURED,
                why_not=why,
                source=cited[gpus],
                ranks=gpus,
            )


def find(scope: Scope) -> Findings:
    """Hit rates where they can be measured, else the reason."""
    findings = Findings("vic", "Sec. VI-C, cache hit rates from 24 to 54 GPUs")
    statement = tables()["section_VI_C"]["stated"]
    why = why_impossible(scope)
    rates, cited = {}, {}
    try:
        for gpus in GPUS if not why else []:
            rates[gpus], cited[gpus] = hit_rates(scope, centre_step(scope, gpus))
    except RunError as error:
        why = str(error)
    if why:
        for quantity, printed in PRINTED.items():
            for gpus, paper in zip(GPUS, printed, strict=True):
                findings.add(f"small, GD {gpus}", quantity, "%", paper=paper, why_not=f"not measured: {why}", ranks=gpus)
        findings.judge(statement, NOT_JUDGED, f"not measured: {why}")
        return findings
    add_rates(findings, rates, cited, scope.work.backend == "cuda")
    first, last = (rates[gpus]["L1 hit rate"] for gpus in GPUS)
    said = f"L1 hit rate {first:.1f} % and {last:.1f} %"
    findings.judge(statement, REPRODUCED if last > first else NOT_REPRODUCED, said, MEASURED)
    return findings
