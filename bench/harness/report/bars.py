"""Bar charts of runs: where their time and their memory go."""

from harness.report.axes import unit_of
from harness.report.columns import MEMORY_LABELS, PHASES
from harness.report.drawing import MEMORY_COLOURS, PHASE_COLOURS, add_legend, new_figure
from harness.report.runs import Run
from harness.report.tables import BYTE_UNITS, TIME_UNITS

BAR_HEIGHT = 0.3  # inches, with the gap to the next
LABEL_HEIGHT = 0.16  # inches of a label above its bar
LONG_LABEL = 16  # characters, from which labels would leave too little room beside them
AXIS_HEIGHT = 0.75  # inches that are not bars


def name_bars(axes, names: list[str], above: bool) -> None:
    """Names beside the bars, or above them where they are long."""
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    if not above:
        axes.set_yticks(range(len(names)), names)
        return
    axes.set_yticks([])
    for i, name in enumerate(names):
        axes.annotate(name, (0, i - 0.12), (0, 1), textcoords="offset points", fontsize=8.5, va="bottom", clip_on=False)


def bars(runs: list[Run], parts: list[tuple[str, str, str]], units, axis: str):
    """Horizontal stacked bars, one per run; `parts` are (label, key, colour). Gives figure, axes, scale and the
    bars' places."""
    scale, unit = unit_of([sum(run.row.get(key) or 0 for _, key, _ in parts) for run in runs], units)
    above = max(len(run.label) for run in runs) > LONG_LABEL
    figure, axes = new_figure(AXIS_HEIGHT + (BAR_HEIGHT + LABEL_HEIGHT * above) * len(runs))
    thickness = 0.4 if above else 0.68
    places = [i + 0.15 * above for i in range(len(runs))]
    left = [0.0] * len(runs)
    for label, key, colour in parts:
        widths = [(run.row.get(key) or 0) / scale for run in runs]
        if any(widths):
            axes.barh(places, widths, thickness, left, color=colour, edgecolor="white", linewidth=0.6, label=label)
        left = [a + b for a, b in zip(left, widths, strict=True)]
    axes.set(xlabel=f"{unit} {axis}", xlim=(0, None), ylim=(len(runs) - 0.5, -0.5))
    name_bars(axes, [run.label for run in runs], above)
    axes.grid(True, axis="x")
    return figure, axes, scale, places


def breakdown(runs: list[Run]):
    """Compute, wait and communication per iteration, mean of ranks."""
    parts = [(phase, f"{phase}_seconds_per_iteration_mean", PHASE_COLOURS[phase]) for phase in PHASES]
    figure, axes, *_ = bars(runs, parts, TIME_UNITS, "per iteration, mean of ranks")
    add_legend(figure, axes, columns=3)
    return figure


def memory(runs: list[Run]):
    """Memory of the largest rank by label, with a mark where the sum of all labels peaked."""
    parts = [
        ("FFT" if label == "fft" else label, f"memory_{label}_bytes_max", MEMORY_COLOURS[label]) for label in MEMORY_LABELS
    ]
    figure, axes, scale, places = bars(runs, parts, BYTE_UNITS, "per rank, largest rank")
    peaks = [run.row["memory_peak_bytes_max"] / scale for run in runs]
    axes.plot(peaks, places, "|", color="black", markersize=12, markeredgewidth=1.2, label="peak of all")
    add_legend(figure, axes, columns=3)
    return figure
