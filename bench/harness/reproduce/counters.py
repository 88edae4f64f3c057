"""Cache hit rates of one run of the program: from the processor's counters by perf, from a GPU's by Nsight Compute."""

import csv
import io
import shutil
from pathlib import Path

from harness.base.errors import RunError
from harness.runs import program

PERF_EVENTS = ["L1-dcache-loads", "L1-dcache-load-misses", "cache-references", "cache-misses"]
L1, THROUGHPUT, DURATION = (
    "l1tex__t_sector_hit_rate.pct",
    "gpu__compute_memory_throughput.avg.pct_of_peak_sustained_elapsed",
    "gpu__time_duration.sum",
)
KERNELS = 200  # that Nsight Compute looks at: it runs each several times over


def perf_words(file: Path) -> list[str]:
    return ["perf", "stat", "-x", ",", "-e", ",".join(PERF_EVENTS), "-o", str(file), "--"]


def ncu_words() -> list[str]:
    return ["ncu", "--csv", "--metrics", ",".join([L1, THROUGHPUT, DURATION]), "--launch-count", str(KERNELS)]


def read_perf(text: str) -> dict[str, float]:
    """Hit rates in percent from perf's CSV. Throws RunError naming the counter that this machine does not have."""
    counts = {}
    for line in csv.reader(line for line in text.splitlines() if line and not line.startswith("#")):
        if len(line) < 3:
            continue
        # An event may come back with its level, as in L1-dcache-loads:u.
        event = line[2].split(":")[0]
        if event in PERF_EVENTS:
            if not line[0].isdigit():
                raise RunError(f"perf: {event} {line[0].strip('<>')} on this machine")
            counts[event] = int(line[0])
    # Misses may be 0, accesses may not.
    missing = [event for event in PERF_EVENTS if event not in counts or (counts[event] == 0 and "misses" not in event)]
    if missing:
        raise RunError(f"perf: no count of {', '.join(missing)}")
    return {
        "L1 hit rate": 100 * (1 - counts["L1-dcache-load-misses"] / counts["L1-dcache-loads"]),
        "last-level hit rate": 100 * (1 - counts["cache-misses"] / counts["cache-references"]),
    }


def read_ncu(text: str) -> dict[str, float]:
    """Hit rate and throughput in percent, kernels weighted by their time, from Nsight Compute's CSV, which follows what the program
    prints. Throws RunError when there is none."""
    start = text.find('"ID",')
    if start < 0:
        raise RunError("ncu: printed no metrics")
    kernels: dict[str, dict[str, float]] = {}
    for line in csv.DictReader(io.StringIO(text[start:])):
        kernels.setdefault(line["ID"], {})[line["Metric Name"]] = float(line["Metric Value"].replace(",", ""))
    total = sum(kernel[DURATION] for kernel in kernels.values())
    mean = {key: sum(kernel[key] * kernel[DURATION] for kernel in kernels.values()) / total for key in (L1, THROUGHPUT)}
    return {"L1 hit rate": mean[L1], "memory throughput": mean[THROUGHPUT]}


def require(tool: str) -> None:
    """Throws RunError when a tool is not installed."""
    if shutil.which(tool) is None:
        raise RunError(f"{tool} is not installed")


def require_counters(folder: Path) -> None:
    """Throws RunError with the reason when the processor's counters cannot be read, before anything long runs."""
    require("perf")
    file, log = folder / ".perf.csv", folder / "perf.log"
    code = program.run_logged([*perf_words(file), "true"], log)
    if code != 0:
        raise RunError(f"perf: {' '.join(log.read_text().split())[:200] or f'exit code {code}'}")
    try:
        read_perf(file.read_text())
    finally:
        file.unlink(missing_ok=True)
