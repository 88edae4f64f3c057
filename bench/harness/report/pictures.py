"""Pictures of reconstructions: a slice, the sum over slices, and its error with the borders of the tiles."""

import numpy as np
from matplotlib.patches import Rectangle

from harness.report.drawing import plt
from harness.report.reconstructions import Reconstruction, Specimen

BORDER_WIDTH = 0.9  # points
WIDTH = 4.0  # inches; the image takes what the margins leave, so that pictures line up
LEFT, RIGHT, BOTTOM, TOP = 0.55, 0.95, 0.5, 0.1
MARGIN = 0.12  # of the scanned box, shown on each side of it: beyond, there is little but the dark


def inner_borders(cores: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Segments (y0, y1, x0, x1) in pixels where tiles meet: upper and left edges of cores in the volume."""
    upper = [(y0, y0, x0, x1) for y0, _, x0, x1 in cores if 0 < y0 < shape[0]]
    left = [(y0, y1, x0, x0) for y0, y1, x0, _ in cores if 0 < x0 < shape[1]]
    return np.array(upper + left, float).reshape(-1, 4)


def view(specimen: Specimen) -> tuple[slice, slice]:
    """The part (y, x) of the volume to show: the scanned box and a margin."""
    sides = []
    for side, size in zip(specimen.scanned, specimen.truth_sum.shape, strict=True):
        margin = round(MARGIN * (side.stop - side.start))
        sides.append(slice(max(side.start - margin, 0), min(side.stop + margin, size)))
    return tuple(sides)


def draw_image(image: np.ndarray, specimen: Specimen, **style):
    """The seen part of an image on angstrom axes with its colour bar; gives figure and axes."""
    (y, x), (dy, dx) = view(specimen), specimen.pixel
    width = WIDTH - LEFT - RIGHT
    height = width * (y.stop - y.start) * dy / ((x.stop - x.start) * dx)
    total = height + BOTTOM + TOP
    figure = plt.figure(figsize=(WIDTH, total))
    axes = figure.add_axes((LEFT / WIDTH, BOTTOM / total, width / WIDTH, height / total))
    # Position 0 is the middle of pixel 0.
    extent = ((x.start - 0.5) * dx, (x.stop - 0.5) * dx, (y.stop - 0.5) * dy, (y.start - 0.5) * dy)
    shown = axes.imshow(image[y, x], extent=extent, interpolation="nearest", aspect="auto", **style)
    axes.set(xlabel="x (Å)", ylabel="y (Å)", autoscale_on=False)
    axes.spines[["top", "right"]].set_visible(True)
    beside = figure.add_axes(((LEFT + width + 0.12) / WIDTH, BOTTOM / total, 0.12 / WIDTH, height / total))
    figure.colorbar(shown, cax=beside, label="V·Å").outline.set_visible(False)
    return figure, axes


def draw_borders(axes, cores: np.ndarray, shape: tuple[int, int], pixel: np.ndarray, colour: str) -> None:
    """Lines where tiles meet."""
    dy, dx = pixel
    for y0, y1, x0, x1 in inner_borders(cores, shape) - 0.5:
        axes.plot([x0 * dx, x1 * dx], [y0 * dy, y1 * dy], color=colour, linewidth=BORDER_WIDTH)


def draw_scanned_box(axes, specimen: Specimen, colour: str) -> None:
    """The box that the scan spans, dotted."""
    (y, x), (dy, dx) = specimen.scanned, specimen.pixel
    corner = ((x.start - 0.5) * dx, (y.start - 0.5) * dy)
    size = ((x.stop - x.start) * dx, (y.stop - y.start) * dy)
    axes.add_patch(Rectangle(corner, *size, fill=False, linestyle=":", edgecolor=colour))


def draw_middle(run: Reconstruction, specimen: Specimen):
    """The middle slice, on the scale of what lies in the scanned box."""
    low, high = np.percentile(run.middle[specimen.scanned], [0.2, 99.8])
    figure, axes = draw_image(run.middle, specimen, cmap="viridis", vmin=low, vmax=high)
    draw_scanned_box(axes, specimen, "white")
    return figure


def draw_sum(run: Reconstruction, specimen: Specimen):
    """The sum over slices on the truth's scale, which all runs of a dataset share."""
    truth = specimen.truth_sum[specimen.scanned]
    figure, axes = draw_image(run.flat_sum, specimen, cmap="viridis", vmin=truth.min(), vmax=truth.max())
    draw_scanned_box(axes, specimen, "white")
    return figure


def draw_error(run: Reconstruction, specimen: Specimen):
    """Sum less truth with the borders of the tiles, on its own scale, or a weak seam would not show; a few outliers saturate."""
    largest = max(np.percentile(np.abs(run.error[specimen.scanned]), 99.5), np.finfo(float).tiny)
    figure, axes = draw_image(run.error, specimen, cmap="RdBu_r", vmin=-largest, vmax=largest)
    draw_borders(axes, run.cores, run.error.shape, specimen.pixel, "black")
    draw_scanned_box(axes, specimen, "black")
    return figure

