"""What every figure shares: palette, names, sizes, and files that come out the same from the same input."""

import io
import re

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot as plt  # noqa: E402  (the backend must be chosen first)
from matplotlib.lines import Line2D  # noqa: E402

METHOD_NAMES = {"serial": "Serial", "gd": "Gradient Decomposition", "hve": "Halo Voxel Exchange", "replicated": "Replicated volume"}
METHOD_ABBREVIATIONS = {"serial": "Serial", "gd": "GD", "hve": "HVE", "replicated": "Replicated"}

# Okabe and Ito's colours, which people of every colour vision tell apart; neighbours in a stack also differ in lightness.
METHOD_COLOURS = {"serial": "#4d4d4d", "gd": "#0072B2", "hve": "#D55E00", "replicated": "#009E73"}
OTHER_COLOUR = "#CC79A7"
PHASE_COLOURS = {"compute": "#0072B2", "wait": "#c8c8c8", "communication": "#E69F00"}
MEMORY_COLOURS = {
    "volume": "#0072B2",
    "accumulation": "#56B4E9",
    "waves": "#009E73",
    "measurements": "#c8c8c8",
    "exchange": "#E69F00",
    "fft": "#CC79A7",
    "other": "#4d4d4d",
}
# How far a figure is from a measurement shows in its line and in whether its markers are filled, not only in its legend.
EVIDENCE_STYLES = {
    "measured": {"linestyle": "-"},
    "simulated": {"linestyle": "-.", "markerfacecolor": "white"},
    "modelled": {"linestyle": "--", "markerfacecolor": "white"},
    "paper": {"linestyle": ":"},
}
MARKERS = "o^sDvPX*"  # tell variants of one method apart
TINTS = [1.0, 0.75, 0.5]  # so do these
WIDTH = 4.6  # inches; two stand side by side on a desk, one fills a phone

STYLE = {
    "svg.hashsalt": "ptychoscale",  # the same input gives the same file
    "svg.fonttype": "none",  # text stays text: it can be searched and read aloud
    "font.family": "sans-serif",
    "font.size": 9.5,
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#767676",
    "axes.linewidth": 0.8,
    "axes.grid": False,
    "axes.axisbelow": True,
    "grid.color": "#e2e2e2",
    "grid.linewidth": 0.7,
    "legend.frameon": False,
    "legend.fontsize": 9,
    "legend.markerscale": 0.8,
    "lines.linewidth": 1.6,
    "lines.markersize": 5,
    "xtick.color": "#4d4d4d",
    "ytick.color": "#4d4d4d",
}


plt.rcParams.update(STYLE)


def new_figure(height: float, width: float = WIDTH):
    """An empty figure and its axes, in inches."""
    return plt.subplots(figsize=(width, height), layout="constrained")


def add_legend(figure, axes, columns: int = 2) -> None:
    """A legend below the axes, for which the figure grows, so that it never covers data."""
    handles, labels = axes.get_legend_handles_labels()
    if not handles:
        return
    order = sorted(range(len(handles)), key=lambda i: isinstance(handles[i], Line2D))  # areas before the marks on them
    handles, labels = [handles[i] for i in order], [labels[i] for i in order]
    columns = 1 if max(map(len, labels)) > 30 else columns
    width, height = figure.get_size_inches()
    figure.set_size_inches(width, height + 0.19 * -(-len(handles) // columns))
    figure.legend(handles, labels, loc="outside lower center", ncols=columns)


def encode(figure, title: str) -> dict[str, bytes]:
    """The figure as {"svg": bytes, "png": bytes}, without dates; closes it."""
    files = {}
    for kind, metadata in (("svg", {"Title": title, "Date": None, "Creator": None}), ("png", {"Title": title, "Software": None})):
        buffer = io.BytesIO()
        figure.savefig(buffer, format=kind, dpi=160, metadata=metadata)
        files[kind] = buffer.getvalue()
    plt.close(figure)
    return files


def inline_svg(svg: bytes, prefix: str, label: str) -> str:
    """An SVG file as an element for a page: no prolog, identifiers that no other figure of the page has, a label to read aloud."""
    text = svg.decode()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r"<title>.*?</title>", "", text, count=1, flags=re.DOTALL)
    text = re.sub(r'(\bid="|url\(#|href="#)', rf"\g<1>{prefix}-", text)
    attribute = label.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;")
    return text.replace("<svg ", f'<svg role="img" aria-label="{attribute}" ', 1)
