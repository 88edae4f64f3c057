"""The chart of how two halves of a scan agree, ring by ring."""

from harness.report.drawing import EVIDENCE_STYLES, MARKERS, METHOD_COLOURS, OTHER_COLOUR, TINTS, add_legend, new_figure
from harness.report.runs import Run

BLIND = "Errors that both halves share (probe, positions, model, seams) look like agreement."


def has_rings(run: Run) -> bool:
    return len(run.row.get("halves_correlation", [])) > 1


def draw(runs: list[Run]):
    """A curve for each run, and the thresholds; those of runs of one scan are the same."""
    figure, axes = new_figure(2.9)
    seen: dict[str, int] = {}
    for i, run in enumerate(runs):
        nth = seen[run.method] = seen.get(run.method, -1) + 1
        style = EVIDENCE_STYLES[run.evidence] | {"marker": MARKERS[nth % len(MARKERS)]}
        colour = METHOD_COLOURS.get(run.method, OTHER_COLOUR)
        row = run.row
        axes.plot(
            row["halves_frequency_per_A"], row["halves_correlation"], color=colour, alpha=TINTS[nth % len(TINTS)], markersize=2.5,
            label=run.label, zorder=3 + i, **style,
        )  # fmt: skip
    longest = max((run.row for run in runs), key=lambda row: len(row["halves_frequency_per_A"]))
    for key, words, line in (("halves_half_bit", "half a bit", "--"), ("halves_one_bit", "one bit", ":")):
        axes.plot(longest["halves_frequency_per_A"], longest[key], color="black", linewidth=0.9, linestyle=line, label=words)
    axes.axhline(0, color="#767676", linewidth=0.7)
    axes.set(ylim=(-0.25, 1.05), xlim=(0, None), xlabel="spatial frequency (1/Å)", ylabel="correlation of two halves")
    axes.grid(True)
    add_legend(figure, axes)
    return figure
