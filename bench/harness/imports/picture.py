"""One picture of an import: the mean pattern with its disk, the virtual bright-field image, and where the positions lie."""

import io

import matplotlib
import numpy as np

matplotlib.use("Agg")
from matplotlib import pyplot as plt  # noqa: E402  (the backend must be chosen first)
from matplotlib.patches import Circle  # noqa: E402

from harness.imports.layout import Header  # noqa: E402
from harness.imports.survey import Tally  # noqa: E402

SIZE = (11.5, 4.2)  # inches
DISK = "#D55E00"
FEW = 4000  # positions: more are drawn smaller


def draw(header: Header, mean: np.ndarray, tally: Tally, radius: float) -> bytes:
    """The picture as PNG, of a mean pattern and all sums; `radius` of the disk in stored pixels."""
    figure, (pattern, image, scan) = plt.subplots(1, 3, figsize=SIZE, layout="constrained")
    figure.suptitle(f"{header.case_name}: what was imported", fontsize=10)
    draw_pattern(pattern, header, mean, radius)
    draw_bright_field(image, header, tally)
    draw_positions(scan, header)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=130, metadata={"Software": None})
    plt.close(figure)
    return buffer.getvalue()


def draw_pattern(axes, header: Header, mean: np.ndarray, radius: float) -> None:
    """On a square root's scale; pixels without weight in grey."""
    ny, nx = header.detector
    shown = np.ma.masked_array(np.sqrt(np.maximum(mean, 0)), ~header.pixels_used)
    colours = plt.get_cmap("viridis").with_extremes(bad="#c8c8c8")
    axes.imshow(shown, cmap=colours, interpolation="nearest")
    axes.add_patch(Circle((nx // 2, ny // 2), radius, fill=False, edgecolor=DISK, linewidth=1.2))
    axes.plot([nx // 2], [ny // 2], "+", color=DISK)
    unused = int((~header.pixels_used).sum())
    axes.set(title="mean pattern, square root", xlabel=f"kx (pixels); {unused} pixels without weight", ylabel="ky (pixels)")


def draw_bright_field(axes, header: Header, tally: Tally) -> None:
    """What falls into the disk, pattern by pattern; as an image where the scan is a raster."""
    values = np.ma.masked_array(tally.bright_field, ~header.patterns_used)
    if header.is_raster:
        axes.imshow(values.reshape(header.scan), cmap="gray", interpolation="nearest", aspect=header.scan_step_A[0] / header.scan_step_A[1])
        axes.set(xlabel="scan column", ylabel="scan row")
    else:
        y, x = header.positions_A.T
        axes.scatter(x, y, c=values, cmap="viridis", s=marker_size(header))  # no white on white
        axes.set(xlabel="x (Å)", ylabel="y (Å)", aspect="equal")
        axes.invert_yaxis()
    axes.set(title="virtual bright field")


def draw_positions(axes, header: Header) -> None:
    """In the detector's frame, within the volume; the arrow goes along the first row, or to the second position."""
    y, x = header.positions_A.T
    height, width = (n * p for n, p in zip(header.volume, header.pixel_A, strict=True))
    axes.plot(x, y, ".", markersize=marker_size(header) ** 0.5, color="#0072B2")
    axes.plot(x[:1], y[:1], "o", color=DISK, label="first")
    along = min(header.scan[1], len(x)) - 1 if header.is_raster else 1
    axes.annotate("", (x[along], y[along]), (x[0], y[0]), arrowprops={"arrowstyle": "->", "color": DISK})
    axes.set(title="positions in the volume", xlabel="x (Å)", ylabel="y (Å)", xlim=(0, width), ylim=(height, 0), aspect="equal")
    axes.legend(loc="upper right")


def marker_size(header: Header) -> float:
    return 9.0 if len(header.positions_A) < FEW else 1.0
