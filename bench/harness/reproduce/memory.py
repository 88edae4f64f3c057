"""Memory per GPU: planned for all ranks, measured on some, and what both must keep to."""

from harness.reproduce.findings import MEASURED, MODELLED, Findings
from harness.reproduce.ranks import Measured

BAR = 1 / 3  # of the paper's memory per GPU, at most
PREDICTION_TOLERANCE = 0.05  # between bytes planned and bytes measured


def add_memory(add, m: Measured, resident: dict, runs: str, plans: dict[str, str]) -> None:
    """Bytes planned and measured, patterns streamed; bytes planned with patterns resident. `runs` and `plans` are the reports."""
    peaks = m.peaks
    why = "; ".join(m.failures) or "--quick runs fewer ranks on this grid; see the planned figure"
    add(
        "memory per GPU, patterns streamed",
        "GB",
        paper=m.row.memory_GB,
        ours=max(peaks.values()) / 1e9 if peaks else None,
        evidence=MEASURED,
        why_not="" if peaks else why,
        source=runs,
        places=list(peaks),
    )
    for kind, plan in {"stream": m.plan, "resident": resident}.items():
        quantity = f"memory per GPU, {'streamed' if kind == 'stream' else 'resident'}, planned"
        ours = plan["memory_peak_bytes_max"] / 1e9
        add(quantity, "GB", paper=m.row.memory_GB, ours=ours, evidence=MODELLED, source=plans[kind])


def check_prediction(findings: Findings, m: Measured, label: str, place: str, peak: float, runs: str) -> None:
    """Bytes measured on one rank lie where they were planned."""
    low, high = m.plan["memory_peak_bytes_min"], m.plan["memory_peak_bytes_max"]
    # The dry run tells the extremes over ranks: the centre has the largest tile, the others lie between.
    expected = high if place == "centre" else min(max(peak, low), high)
    off = peak / expected - 1
    findings.check(
        f"{label}: bytes at the {place} as planned",
        abs(off) <= PREDICTION_TOLERANCE,
        f"measured {peak / 1e6:.2f} MB on rank {m.runs[place][0]['as_rank']}, planned {low / 1e6:.2f} to {high / 1e6:.2f} MB, "
        f"{100 * off:+.2f} %, allowed {100 * PREDICTION_TOLERANCE:g} %",
        source=runs,
    )


def check_memory(findings: Findings, m: Measured, label: str, runs: str) -> None:
    """Bytes measured lie where they were planned, and below the bar."""
    for place, peak in m.peaks.items():
        check_prediction(findings, m, label, place, peak, runs)
    if m.row.memory_GB is None:
        return
    worst = max([m.plan["memory_peak_bytes_max"], *m.peaks.values()])
    share = worst / 1e9 / m.row.memory_GB
    findings.check(
        f"{label}: at most a third of the paper's memory",
        share <= BAR,
        f"{worst / 1e6:.1f} MB of {m.row.memory_GB:g} GB, {share:.3f} of it",
        evidence=MEASURED if m.runs else MODELLED,
        source=runs,
    )
