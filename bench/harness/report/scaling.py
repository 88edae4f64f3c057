"""Plots against the number of ranks: time, efficiency, memory. Each gives a figure, or None when no series has several."""

import pandas as pd
from matplotlib.ticker import FuncFormatter, NullLocator

from harness.report.axes import plain, plain_log_ticks, unit_of
from harness.report.columns import SECONDS
from harness.report.drawing import EVIDENCE_STYLES, MARKERS, METHOD_COLOURS, OTHER_COLOUR, TINTS, add_legend, new_figure
from harness.report.runs import Run
from harness.report.tables import BYTE_UNITS, TIME_UNITS

FUNCTIONAL = "functional, not scaling"  # how a run's remark on shared GPUs begins, see bench/record/load.cpp


def seconds_of(run: Run) -> float | None:
    """Seconds per iteration; of a model, those of the kernels. None of ranks that took turns on a GPU."""
    if any(text.startswith(FUNCTIONAL) for text in run.row.get("remarks", [])):
        return None
    keys = (*SECONDS, "compute_seconds_per_iteration_max")
    return next((run.row[key] for key in keys if run.row.get(key)), None)


def series_of(runs: list[Run], value) -> pd.DataFrame:
    """What scales: ranks and value of every run that has one, by series. Only runs of one setting make one series."""
    runs = [run for run in runs if value(run) is not None]
    # Settings are named while evidence alone does not tell them apart.
    several = len({run.setting_number for run in runs}) > len({run.evidence for run in runs})
    rows = [
        {
            "series": ", ".join([run.variant, run.evidence, *([f"setting {run.setting_number}"] if several else [])]),
            "method": run.method,
            "evidence": run.evidence,
            "ranks": run.row["ranks"],
            "value": value(run),
        }
        for run in runs
    ]
    return pd.DataFrame(rows, columns=["series", "method", "evidence", "ranks", "value"])


def scaling_axes(axes, ranks, label: str) -> None:
    """Both axes logarithmic, a tick at every number of ranks while there is room."""
    ticks = sorted(set(ranks))
    axes.set(xscale="log", yscale="log", xlabel="ranks", ylabel=label)
    if len(ticks) <= 9:
        axes.set_xticks(ticks)
    axes.xaxis.set_major_formatter(FuncFormatter(plain))
    axes.xaxis.set_minor_locator(NullLocator())
    plain_log_ticks(axes)
    axes.grid(True)


def worth_drawing(frame: pd.DataFrame) -> pd.DataFrame:
    """Series of several numbers of ranks, and what they are to be compared with: serial runs. Empty without such series."""
    several = frame.groupby("series")["ranks"].transform("nunique") > 1
    return frame[several | (frame["method"] == "serial")] if several.any() else frame[several]


def draw_scaling_series(axes, frame: pd.DataFrame, scale: float = 1.0) -> None:
    """Every run a marker, a line through the best of each number of ranks."""
    drawn: dict[str, int] = {}  # series of each method so far
    for i, (series, group) in enumerate(frame.groupby("series", sort=False)):
        method, evidence = group["method"].iloc[0], group["evidence"].iloc[0]
        nth = drawn[method] = drawn.get(method, -1) + 1
        style = EVIDENCE_STYLES[evidence] | {"marker": MARKERS[nth % len(MARKERS)]}
        colour = METHOD_COLOURS.get(method, OTHER_COLOUR)
        tint = TINTS[nth % len(TINTS)]
        best = group.groupby("ranks")["value"].min() / scale
        axes.plot(best.index, best.to_numpy(), color=colour, alpha=tint, label=series, zorder=3 + i, **style)
        others = {**style, "linestyle": "", "markersize": 3}
        axes.plot(group["ranks"], group["value"] / scale, color=colour, alpha=0.4 * tint, **others)


def time(runs: list[Run]):
    """Seconds per iteration against ranks, with lines of ideal scaling."""
    frame = worth_drawing(series_of(runs, seconds_of))
    if frame.empty:
        return None
    scale, unit = unit_of(frame["value"], TIME_UNITS)
    figure, axes = new_figure(2.9)
    draw_scaling_series(axes, frame, scale)
    for _, group in frame.groupby("series", sort=False):
        start = group.loc[group["ranks"].idxmin()]
        ranks = sorted(group["ranks"].unique())
        if len(ranks) > 1:
            ideal = [start["value"] * start["ranks"] / rank / scale for rank in ranks]
            axes.plot(ranks, ideal, color="#9a9a9a", linewidth=0.8, zorder=1)
    scaling_axes(axes, frame["ranks"], f"{unit} per iteration")
    add_legend(figure, axes)
    return figure


def efficiency(runs: list[Run]):
    """Strong-scaling efficiency against ranks; each series relative to its own fewest ranks."""
    frame = worth_drawing(series_of(runs, seconds_of))
    frame = frame[frame.groupby("series")["ranks"].transform("nunique") > 1]
    if frame.empty:
        return None
    best = frame.groupby(["series", "ranks"], sort=False)["value"].transform("min")
    frame = frame[frame["value"] == best].copy()
    work = frame["ranks"] * frame["value"]
    first = frame["ranks"] == frame.groupby("series")["ranks"].transform("min")
    reference = work[first].groupby(frame.loc[first, "series"]).first()
    frame["value"] = 100 * frame["series"].map(reference) / work
    figure, axes = new_figure(2.9)
    draw_scaling_series(axes, frame)
    axes.axhline(100, color="#9a9a9a", linewidth=0.8, zorder=1)
    scaling_axes(axes, frame["ranks"], "efficiency, %")
    add_legend(figure, axes)
    return figure


def memory(runs: list[Run]):
    """Peak memory of the largest rank against ranks."""
    frame = worth_drawing(series_of(runs, lambda run: run.row.get("memory_peak_bytes_max")))
    if frame.empty:
        return None
    scale, unit = unit_of(frame["value"], BYTE_UNITS)
    figure, axes = new_figure(2.9)
    draw_scaling_series(axes, frame, scale)
    scaling_axes(axes, frame["ranks"], f"{unit} per rank, peak")
    add_legend(figure, axes)
    return figure
