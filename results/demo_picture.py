"""Draws the picture of README.md from what ci/demo leaves behind: the true potential and a measured pattern, then every solver's
potential and its error.

    PYTHONPATH=bench build/venv/bin/python results/demo_picture.py demo results/demo.png
"""

import argparse
import io
from pathlib import Path

import h5py
import numpy as np
from matplotlib.colors import PowerNorm
from PIL import Image

from harness.report.drawing import METHOD_NAMES, plt
from harness.report.pictures import draw_borders, view
from harness.report.reconstructions import read_reconstruction, read_specimen

IMAGE, GAP, TITLE, BAR = 2.1, 0.22, 0.28, 0.42  # inches: side of an image, between two, above one, below one
RUNS = {"serial": METHOD_NAMES["serial"], "gd": METHOD_NAMES["gd"], "gd-accelerated": "With momentum", "hve": METHOD_NAMES["hve"]}
COLUMNS, ROWS, DPI = 1 + len(RUNS), 2, 110
SHADES = 32  # of a colour map: so a palette of 256 colours shows all three nearly exactly
WIDTH = COLUMNS * IMAGE + (COLUMNS + 1) * GAP
HEIGHT = ROWS * (TITLE + IMAGE + BAR)
PATTERNS = "dataset/datacube/data"  # intensities [row][column][ky][kx], zero frequency in the middle


def add_image_axes(figure, row: int, column: int, title: str):
    """Axes for one image, counted from the upper left."""
    x, y = GAP + column * (IMAGE + GAP), HEIGHT - (row + 1) * (TITLE + IMAGE + BAR) + BAR
    axes = figure.add_axes((x / WIDTH, y / HEIGHT, IMAGE / WIDTH, IMAGE / HEIGHT), title=title)
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_visible(False)
    return axes


def add_bar(figure, axes, shown, ticks) -> None:
    """A colour bar below an image, with as few numbers as it takes."""
    box = axes.get_position()
    beside = figure.add_axes((box.x0, box.y0 - 0.15 / HEIGHT, box.width, 0.08 / HEIGHT))
    bar = figure.colorbar(shown, cax=beside, orientation="horizontal")
    bar.set_ticks(ticks, labels=[f"{tick:.0f}" for tick in ticks])
    bar.ax.tick_params(length=0, labelsize=8)
    bar.ax.minorticks_off()
    for label, side in zip(bar.ax.get_xticklabels()[:: len(ticks) - 1], ("left", "right")):
        label.set_horizontalalignment(side)
    bar.outline.set_visible(False)


def show(axes, image, specimen, **style):
    """The scanned box of an image and a margin around it, in angstrom; position 0 is the middle of pixel 0."""
    (y, x), (dy, dx) = view(specimen), specimen.pixel
    extent = ((x.start - 0.5) * dx, (x.stop - 0.5) * dx, (y.stop - 0.5) * dy, (y.start - 0.5) * dy)
    shown = axes.imshow(image[y, x], extent=extent, interpolation="nearest", aspect="auto", **style)
    axes.set_autoscale_on(False)
    return shown


def draw_nanometre(axes) -> None:
    """A line of 1 nm in the lower left corner of axes in angstrom."""
    x, y = axes.get_xlim()[0] + 1, axes.get_ylim()[0] - 1
    axes.plot([x, x + 10], [y, y], color="white", linewidth=2.5, solid_capstyle="butt")
    axes.text(x + 5, y - 0.6, "1 nm", color="white", ha="center", va="bottom", fontsize=8.5)


def draw_pattern(axes, pattern: np.ndarray) -> None:
    """A measured pattern; the fourth root shows the dark field beside the bright disc."""
    axes.imshow(pattern**0.25, cmap=plt.get_cmap("gray", SHADES), aspect="auto")


def draw(folder: Path):
    """The whole picture, as a figure."""
    specimen = read_specimen(folder / "ci.h5")
    scanned = specimen.truth_sum[specimen.scanned]
    scale = {"cmap": plt.get_cmap("viridis", SHADES), "norm": PowerNorm(0.5, scanned.min(), scanned.max())}
    figure = plt.figure(figsize=(WIDTH, HEIGHT))
    axes = add_image_axes(figure, 0, 0, "Truth")
    shown = show(axes, specimen.truth_sum, specimen, **scale)
    draw_nanometre(axes)
    add_bar(figure, axes, shown, [scanned.min(), 1000, scanned.max()])
    with h5py.File(folder / "ci.h5", "r") as file:
        patterns = file[PATTERNS]
        rows, columns = patterns.shape[:2]
        draw_pattern(add_image_axes(figure, 1, 0, f"One of {rows * columns} patterns"), patterns[rows // 2, columns // 2])
    for column, (label, name) in enumerate(RUNS.items(), 1):
        run = read_reconstruction(folder / f"{label}.h5", specimen)
        axes = add_image_axes(figure, 0, column, name)
        add_bar(figure, axes, show(axes, run.flat_sum, specimen, **scale), [scanned.min(), 1000, scanned.max()])
        error = run.error[specimen.scanned]
        largest = np.percentile(np.abs(error), 99.5)  # a few outliers saturate
        axes = add_image_axes(figure, 1, column, f"Its error, RMSE {100 * np.sqrt(np.mean(error**2)) / scanned.std():.1f} %")
        shown = show(axes, run.error, specimen, cmap=plt.get_cmap("RdBu_r", SHADES), vmin=-largest, vmax=largest)
        draw_borders(axes, run.cores, run.error.shape, specimen.pixel, "black")
        add_bar(figure, axes, shown, [-largest, 0, largest])
    return figure


def write_png(figure, file: Path) -> None:
    """With a palette, which takes a third of the bytes."""
    whole = io.BytesIO()
    figure.savefig(whole, dpi=DPI)
    picture = Image.open(whole).convert("RGB").quantize(256, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    picture.save(file, optimize=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("demo", type=Path, help="the folder that ci/demo leaves")
    parser.add_argument("picture", type=Path, help="the PNG to write")
    options = parser.parse_args()
    write_png(draw(options.demo), options.picture)


if __name__ == "__main__":
    main()
