"""The charts of a page, and what each is for. All are given runs whose figures may be shown."""

import dataclasses
from collections.abc import Callable

import pandas as pd
from matplotlib.ticker import MaxNLocator

from harness.report import bars, scaling
from harness.report.axes import plain_log_ticks
from harness.report.drawing import EVIDENCE_STYLES, MARKERS, METHOD_COLOURS, OTHER_COLOUR, TINTS, add_legend, new_figure
from harness.report.runs import Run


@dataclasses.dataclass(frozen=True)
class Chart:
    """One kind of plot."""

    name: str  # of its files
    title: str
    note: str
    wants: Callable[[Run], bool]  # whether a run has data for it
    draw: Callable  # of runs to a figure, or to None when they make no plot
    most_runs: int | None = None  # in one figure
    across: bool = False  # of all settings of a case together


def is_whole(run: Run) -> bool:
    """Whether all ranks ran, or were planned: one of many, run alone, says nothing of an iteration."""
    return "as_rank" not in run.row


def convergence(runs: list[Run]):
    """The cost by iteration; a cost of zero cannot stand on a logarithmic axis and is left out."""
    figure, axes = new_figure(2.9)
    seen = {}
    for i, run in enumerate(runs):
        costs = pd.Series(run.row["cost_of_iterations"], range(1, 1 + len(run.row["cost_of_iterations"])))
        costs = costs[costs > 0]
        nth = seen[run.method] = seen.get(run.method, -1) + 1
        style = EVIDENCE_STYLES[run.evidence] | {"marker": MARKERS[nth % len(MARKERS)]}
        colour = METHOD_COLOURS.get(run.method, OTHER_COLOUR)
        axes.plot(
            costs.index, costs.to_numpy(), color=colour, alpha=TINTS[nth % len(TINTS)], markersize=3.5, label=run.label, zorder=3 + i,
            **style,
        )
    axes.set(xlabel="iteration", ylabel="cost seen during the iteration", yscale="log")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    plain_log_ticks(axes)
    axes.grid(True)
    add_legend(figure, axes)
    return figure


LINES = "Lines are solid where measured, dash-dotted where simulated, dashed where modelled."

CHARTS = [
    Chart(
        "breakdown",
        "Where the time goes",
        "Wait is blocked on another rank or on streamed patterns; communication is packing and handing over.",
        lambda run: "wait_seconds_per_iteration_mean" in run.row,
        bars.breakdown,
        most_runs=16,
    ),
    Chart(
        "memory",
        "Where the memory goes",
        "Peak of each label. Labels need not peak at the same moment: the mark is the peak of all together.",
        lambda run: "memory_peak_bytes_max" in run.row,
        bars.memory,
        most_runs=16,
    ),
    Chart(
        "convergence",
        "Convergence",
        "Cost by iteration, on a logarithmic scale.",
        lambda run: len(run.row.get("cost_of_iterations", [])) > 1,
        convergence,
        most_runs=12,
    ),
    Chart(
        "scaling",
        "Time per iteration against ranks",
        f"Grey lines: ideal scaling from each series' fewest ranks. {LINES}",
        lambda run: scaling.seconds_of(run) is not None,
        scaling.time,
        across=True,
    ),
    Chart(
        "efficiency",
        "Efficiency against ranks",
        f"Each series relative to its own fewest ranks. {LINES}",
        lambda run: scaling.seconds_of(run) is not None,
        scaling.efficiency,
        across=True,
    ),
    Chart(
        "memory-scaling",
        "Memory against ranks",
        f"Peak of the largest rank. {LINES}",
        lambda run: "memory_peak_bytes_max" in run.row,
        scaling.memory,
        across=True,
    ),
]
