"""The charts of a page, and what each is for. All are given runs whose figures may be shown."""

import dataclasses
import itertools
from collections.abc import Callable

import pandas as pd
from matplotlib.ticker import MaxNLocator

from harness.report import bars, rings, scaling
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


def draw_curves(runs: list[Run], curve_of: Callable[[Run], tuple], **axes_are):
    """One line per run, `curve_of` gives its x and y; on a logarithmic axis. Gives figure and axes, still without a legend."""
    figure, axes = new_figure(2.9)
    seen = {}
    for i, run in enumerate(runs):
        nth = seen[run.method] = seen.get(run.method, -1) + 1
        style = EVIDENCE_STYLES[run.evidence] | {"marker": MARKERS[nth % len(MARKERS)]}
        colour = METHOD_COLOURS.get(run.method, OTHER_COLOUR)
        axes.plot(
            *curve_of(run), color=colour, alpha=TINTS[nth % len(TINTS)], markersize=3.5, label=run.label, zorder=3 + i, **style
        )
    axes.set(yscale="log", **axes_are)
    plain_log_ticks(axes)
    axes.grid(True)
    return figure, axes


def convergence(runs: list[Run]):
    """The cost by iteration; a cost of zero cannot stand on a logarithmic axis and is left out."""

    def curve_of(run: Run) -> tuple:
        costs = pd.Series(run.row["cost_of_iterations"], range(1, 1 + len(run.row["cost_of_iterations"])))
        costs = costs[costs > 0]
        return costs.index, costs.to_numpy()

    figure, axes = draw_curves(runs, curve_of, xlabel="iteration", ylabel="cost seen during the iteration")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    add_legend(figure, axes)
    return figure


def error_curves(runs: list[Run], spent: Callable[[Run], list[float]], xlabel: str):
    """The error against the truth over what each run had spent by then, with the target."""

    def curve_of(run: Run) -> tuple:
        return spent(run), [100 * error for error in run.row["relative_rmse_of_iterations"]]

    figure, axes = draw_curves(runs, curve_of, xlabel=xlabel, ylabel="RMSE, % of the truth's deviation")
    for target in {run.row["target"] for run in runs if run.row.get("target_of") == "relative_rmse"}:
        axes.axhline(100 * target, color="black", linewidth=0.7, linestyle=":", label="target")
    add_legend(figure, axes)
    return figure


def seconds_spent(run: Run) -> list[float]:
    """Until each of the errors was measured."""
    spent = list(itertools.accumulate(run.row["seconds_of_iterations"]))
    return [spent[n - 1] for n in run.row["relative_rmse_after"]]


def error_over_time(runs: list[Run]):
    return error_curves(runs, seconds_spent, "seconds of iterations")


def error_over_iterations(runs: list[Run]):
    figure = error_curves(runs, lambda run: run.row["relative_rmse_after"], "iterations")
    figure.axes[0].xaxis.set_major_locator(MaxNLocator(integer=True))
    return figure


def error_over_traffic(runs: list[Run]):
    """Every iteration of a run sends as much."""

    def spent(run: Run) -> list[float]:
        return [run.row["bytes_sent"] / run.row["iterations"] * n / 1e6 for n in run.row["relative_rmse_after"]]

    return error_curves(runs, spent, "MB sent by all ranks")


def error_against_memory(runs: list[Run]):
    """A point for each run: the lowest error, and what the fullest rank holds."""

    def point(run: Run) -> tuple:
        return [run.row["memory_peak_bytes_max"] / 1e6], [100 * run.row["relative_rmse_lowest"]]

    figure, axes = draw_curves(runs, point, xlabel="MB, peak of the largest rank", ylabel="lowest RMSE, %")
    for line in axes.get_lines():
        line.set(linestyle="none", markersize=6)
    add_legend(figure, axes)
    return figure


def has_errors(run: Run) -> bool:
    """Whether a run has followed its error."""
    return len(run.row.get("relative_rmse_of_iterations", [])) > 1


LINES = "Lines are solid where measured, dash-dotted where simulated, dashed where modelled."

CHARTS = [
    Chart(
        "error-seconds",
        "Quality over time",
        "Error of the potential summed over slices; measuring it is not in the time.",
        lambda run: has_errors(run) and "seconds_of_iterations" in run.row,
        error_over_time,
        most_runs=12,
    ),
    Chart(
        "error-iterations",
        "Quality over iterations",
        "The same, after every iteration.",
        has_errors,
        error_over_iterations,
        most_runs=12,
    ),
    Chart(
        "error-traffic",
        "Quality over traffic",
        "The same, over what ranks have sent one another; one rank alone sends nothing.",
        lambda run: has_errors(run) and run.row.get("bytes_sent", 0) > 0,
        error_over_traffic,
        most_runs=12,
    ),
    Chart(
        "error-memory",
        "Quality against memory",
        "The lowest error of each run, and the memory of its largest rank.",
        lambda run: has_errors(run) and "memory_peak_bytes_max" in run.row and run.row.get("relative_rmse_lowest") is not None,
        error_against_memory,
        most_runs=12,
    ),
    Chart(
        "halves",
        "Agreement of two halves",
        f"Fourier ring correlation of reconstructions from two halves of the positions. {rings.BLIND}",
        rings.has_rings,
        rings.draw,
        most_runs=12,
    ),
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
