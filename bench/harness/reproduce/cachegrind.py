"""Cache hit rates of one position's slice steps on either tile, by Valgrind's simulation of two levels of cache."""

import hashlib
import json
import shutil
from pathlib import Path

from harness.base import documents
from harness.base.errors import RunError
from harness.base.paper import table_rows
from harness.base.tree import ROOT
from harness.reproduce.findings import DEPENDS, NOT_JUDGED, NOT_REPRODUCED, REPRODUCED, SIMULATED, Findings
from harness.reproduce.ranks import GRIDS, Scope, places, plan_step, planned
from harness.reproduce.work import Step
from harness.runs import program

GPUS = (24, 54)
L1, LAST = "L1 hit rate", "last-level hit rate"
PAPER = {L1: {24: 44.0, 54: 59.0}, LAST: {}}
# Of 100. What four slices read and write beyond what two do are slice steps alone, without what is done once: start, probe, detector.
SLICES = (2, 4)
RISE = 1.0  # percent of accesses that a hit rate must rise by to be called higher
# As large as a V100's, in lines as processors have them.
CACHES = ("--D1=131072,4,64", "--LL=6291456,24,64")
SECONDS = 600  # of a run at most, which takes 12 on an idle core
UNKNOWN = (
    "is built for a processor that this Valgrind does not know all of; "
    "valid: --valgrind-program with one that was configured with -D PTYCHOSCALE_NATIVE=OFF"
)


def steps(_: Scope) -> list[Step]:
    return [plan_step("table2", grid, "stream") for grid in GRIDS]


def executable(scope: Scope) -> str:
    return str(scope.work.valgrind_program or program.executable())


def case_of_few_slices(folder: Path, slices: int) -> Path:
    """The paper's small data set, thinner: a simulation takes fifty times as long as a run."""
    case = documents.read_json(ROOT / "bench" / "cases" / "pbtio3-small.json")
    file = folder / f"pbtio3-small-{slices}-slices.json"
    documents.write_text(file, json.dumps({**case, "name": file.stem, "slices": slices}))
    return file


def words_of(scope: Scope, gpus: int, grid: str, slices: int) -> list[str]:
    """The centre rank's first position."""
    row = next(row for row in table_rows("table2") if (row.method, row.gpus) == ("gd", gpus))
    centre = places(planned(scope.work, row, grid)["mesh"])["centre"]
    folder = scope.work.folder
    words = ["reconstruct", "--case", case_of_few_slices(folder, slices), "--as-rank", centre, "--of", gpus, "--positions", 1]
    words += ["--iterations", 1, "--method", "gd", "--rounds", 1, "--grid", grid, "--measurements", "stream", "--threads", 1]
    return [*map(str, words), "--kernels", "fftw", "--fftw-wisdom", str(folder / "wisdom-of-valgrind.json")]


def simulate(scope: Scope, words: list[str], kept: Path) -> None:
    """One run in the simulation; transforms are chosen before, at full speed. Throws RunError with the reason when it fails."""
    log, partial = kept.with_suffix(".log"), kept.with_name(f".{kept.name}")
    valgrind = ["valgrind", "--tool=cachegrind", "--cache-sim=yes", *CACHES, f"--cachegrind-out-file={partial}"]
    for tool in ([], valgrind):
        code = program.run_logged([*tool, executable(scope), *words], log, program.launch_environment(), SECONDS)
        program.raise_interruption(code)
        if code != 0:
            raise RunError(f"{Path(executable(scope)).name} {UNKNOWN}" if is_illegal(log) else f"exit code {code}; see {log}")
    documents.give_name(partial, kept)


def is_illegal(log: Path) -> bool:
    """Whether Valgrind met an instruction that it does not know."""
    return any(mark in log.read_text(errors="replace") for mark in ("SIGILL", "unhandled instruction"))


def counts_of(text: str) -> dict[str, int]:
    """Events by name from cachegrind's file. Throws RunError when it has none."""
    lines = {line.split(":")[0]: line.split()[1:] for line in text.splitlines() if line.startswith(("events:", "summary:"))}
    if len(lines) < 2 or len(lines["events"]) != len(lines["summary"]):
        raise RunError("cachegrind's file has no summary")
    return dict(zip(lines["events"], map(int, lines["summary"]), strict=True))


def rates_of(fewer: dict[str, int], more: dict[str, int]) -> dict[str, float]:
    """Hit rates in percent of data that the slices between read and write."""
    each = {event: more[event] - fewer[event] for event in fewer}
    accesses, beyond, memory = (each[f"{event}r"] + each[f"{event}w"] for event in ("D", "D1m", "DLm"))
    return {L1: 100 * (1 - beyond / accesses), LAST: 100 * (1 - memory / beyond)}


def hit_rates(scope: Scope, gpus: int, grid: str) -> dict[str, float]:
    """Kept like every run. Throws RunError with the reason when they cannot be had."""
    found = []
    for slices in SLICES:
        words = words_of(scope, gpus, grid, slices)
        depends = [program.identity(executable(scope)), *CACHES, *map(str, (gpus, grid, slices))]
        key = hashlib.sha256(json.dumps(depends).encode()).hexdigest()[:12]
        kept = scope.work.folder / f"cachegrind-{grid}-{gpus}-{slices}-{key}.txt"
        if not kept.exists():
            if scope.work.is_over:
                raise RunError("the minutes given were over")
            simulate(scope, words, kept)
        found.append(counts_of(kept.read_text()))
    return rates_of(*found)


def all_rates(scope: Scope) -> dict[tuple[str, int], dict[str, float]]:
    """By grid and GPUs. Throws RunError with the reason when they cannot be had."""
    if shutil.which("valgrind") is None:
        raise RunError("valgrind is not installed")
    return {(grid, gpus): hit_rates(scope, gpus, grid) for grid in GRIDS for gpus in GPUS}


def add(findings: Findings, scope: Scope, statement: str) -> None:
    """Rates beside the paper's on both grids, and the verdict; or the reason for none."""
    why, rates = "", {}
    try:
        rates = all_rates(scope)
    except RunError as error:
        why = f"not simulated: {error}"
    kind = (
        f"slice steps of one position, {SLICES[1] - SLICES[0]} of 100 slices; caches as large as a V100's, of one core's loads and stores; "
        "the paper's are of all of a V100's"
    )
    for grid in GRIDS:
        for quantity, printed in PAPER.items():
            for gpus in GPUS:
                found = rates.get((grid, gpus), {}).get(quantity)
                findings.add(
                    f"small, GD {gpus}, {grid}, Valgrind", quantity, "%", paper=printed.get(gpus) if grid == "tile" else None, ours=found,
                    evidence=SIMULATED, why_not=why or kind, grid=grid, ranks=gpus,
                )
    verdict, said = verdict_of(rates) if rates else (NOT_JUDGED, why)
    findings.judge(f"{statement}: simulated caches", verdict, said, SIMULATED)


def verdict_of(rates: dict[tuple[str, int], dict[str, float]]) -> tuple[str, str]:
    """What the paper's L1 does, on the tile grid, which is the paper's; a rise of the last level alone is one under other conditions."""
    first, last = (rates["tile", gpus] for gpus in GPUS)
    risen = [last[quantity] - first[quantity] >= RISE for quantity in (L1, LAST)]
    pairs = {(grid, quantity): [rates[grid, gpus][quantity] for gpus in GPUS] for grid in GRIDS for quantity in PAPER}
    said = "; ".join(f"{grid} grid: {quantity} {before:.1f} % and {after:.1f} %" for (grid, quantity), (before, after) in pairs.items())
    return REPRODUCED if risen[0] else DEPENDS if risen[1] else NOT_REPRODUCED, said
