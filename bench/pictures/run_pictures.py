#!/usr/bin/env python3
"""Draws pictures of reconstructions and compares their cost curves.

For every reconstruction DIR/picture-NAME.png and .svg: its middle slice, its slice sum and the error of the
sum with the tile borders; for all together DIR/cost.png and .svg. Offset and linear ramp, which ptychography
does not determine, are removed from the sum before it is shown, as they are for its RMSE. Exit code 2 and one
line for input that cannot be used.
"""

import argparse
import dataclasses
import io
import json
import sys
from pathlib import Path

import h5py
import matplotlib
import numpy as np

matplotlib.use("Agg")
matplotlib.rcParams["svg.hashsalt"] = "ptychoscale"  # the same input gives the same file
from matplotlib import pyplot as plt  # noqa: E402  (the backend must be chosen first)
from matplotlib.patches import Rectangle  # noqa: E402

NAMES = {"serial": "Serial", "gd": "Gradient Decomposition", "hve": "Halo Voxel Exchange"}
FORMATS = ("png", "svg")


class InputError(Exception):
    """The input cannot be used; the text is one line: what, where, the value, what would be valid."""


@dataclasses.dataclass(frozen=True)
class Specimen:
    """What a dataset says about the true potential; images [y][x]."""

    truth_sum: np.ndarray  # V*angstrom
    slices: int
    pixel: np.ndarray  # angstrom, (y, x)
    scanned: tuple  # slices (y, x) of the box that the scan spans


@dataclasses.dataclass(frozen=True)
class Run:
    """One reconstruction; images [y][x] in V*angstrom."""

    name: str
    method: str
    mesh: tuple
    middle: np.ndarray
    middle_index: int
    flat_sum: np.ndarray  # offset and ramp removed
    error: np.ndarray  # flat_sum - truth
    relative_rmse: float
    cores: np.ndarray  # (n, 4): y0, y1, x0, x1
    cost: np.ndarray

    @property
    def title(self):
        rows, columns = self.mesh
        ranks = "1 rank" if rows * columns == 1 else f"{rows * columns} ranks ({rows} x {columns})"
        return f"{NAMES.get(self.method, self.method)}, {ranks}"


def open_file(path):
    if not path.is_file():
        raise InputError(f"'{path}': no such file, expected an HDF5 file")
    try:
        return h5py.File(path, "r")
    except OSError:
        raise InputError(f"'{path}': truncated or not HDF5, expected an HDF5 file") from None


def dataset(file, path, name, dimensions):
    """The HDF5 dataset `name` of so many dimensions, none of them empty."""
    item = file.get(name)
    if not isinstance(item, h5py.Dataset):
        raise InputError(f"'{path}': {name} is missing, expected a dataset of {dimensions} dimensions")
    if item.ndim != dimensions or item.size == 0 or item.dtype.kind not in "fiu":
        raise InputError(
            f"'{path}': {name} has shape {item.shape} of {item.dtype}, "
            f"expected numbers in {dimensions} dimensions"
        )
    return item


def attribute(file, path, group, name, count):
    """`count` finite numbers from an attribute."""
    values = (
        np.atleast_1d(file[group].attrs[name])
        if group in file and name in file[group].attrs
        else np.array([])
    )
    if values.size != count or values.dtype.kind not in "fiu" or not np.all(np.isfinite(values)):
        raise InputError(
            f"'{path}': attribute {name} of {group} is {values.tolist()}, expected {count} numbers"
        )
    return values


def require_finite(values, path, name):
    if not np.all(np.isfinite(values)):
        raise InputError(f"'{path}': {name} holds NaN or infinity, expected finite numbers")
    return values


def slice_sum(volume, path, name):
    """Sum over slices in float64, one slice in memory at a time."""
    return require_finite(sum(plane.astype(np.float64) for plane in volume), path, name)


def scanned_box(positions, pixel, shape):
    """Slices (y, x) of the box from the first position to the last; positions in angstrom, (y, x)."""
    low = np.maximum(np.floor(positions.min(0) / pixel + 0.5).astype(int), 0)
    high = np.minimum(np.floor(positions.max(0) / pixel + 0.5).astype(int) + 1, shape)
    return tuple(slice(a, b) for a, b in zip(low, high))


def read_specimen(path):
    name = "ptychoscale/truth/potential"
    with open_file(path) as file:
        truth = dataset(file, path, name, 3)
        pixel = attribute(file, path, "ptychoscale", "pixel_A", 2)
        positions = require_finite(
            dataset(file, path, "ptychoscale/positions_A", 2)[:], path, "ptychoscale/positions_A"
        )
        if positions.shape[1] != 2 or not np.all(pixel > 0):
            raise InputError(
                f"'{path}': positions_A has shape {positions.shape} and pixel_A is {pixel.tolist()}, "
                "expected (n, 2) and two positive numbers"
            )
        scanned = scanned_box(positions, pixel, truth.shape[1:])
        total = slice_sum(truth, path, name)
        if total[scanned].size == 0 or np.ptp(total[scanned]) == 0:
            raise InputError(f"'{path}': {name} is constant in the scanned box, expected a specimen")
        return Specimen(total, truth.shape[0], pixel, scanned)


def remove_offset_and_ramp(image, truth, region):
    """`image` less the plane that fits image - truth best in the region."""
    y, x = np.mgrid[: image.shape[0], : image.shape[1]]
    terms = [np.ones(image.shape), y - y[region].mean(), x - x[region].mean()]
    fit, *_ = np.linalg.lstsq(
        np.stack([t[region].ravel() for t in terms], 1), (image - truth)[region].ravel(), rcond=None
    )
    return image - sum(c * t for c, t in zip(fit, terms))


def read_report(file, path):
    """The method of the run."""
    try:
        return str(json.loads(file["ptychoscale/report"][()])["benchmarks"][0]["method"])
    except (KeyError, IndexError, TypeError, ValueError):
        raise InputError(
            f"'{path}': ptychoscale/report names no method, expected the JSON report of the run"
        ) from None


def read_cores(file, path, shape):
    cores = dataset(file, path, "ptychoscale/cores", 2)[:]
    limits = np.repeat(shape, 2)
    if cores.shape[1] != 4 or np.any(cores < 0) or np.any(cores > limits):
        raise InputError(
            f"'{path}': ptychoscale/cores has boxes outside the volume of {shape[0]} x {shape[1]} pixels, "
            "expected rows of y0, y1, x0, x1"
        )
    return cores


def read_run(path, specimen):
    name = "reconstruction/potential/data"
    with open_file(path) as file:
        potential = dataset(file, path, name, 3)
        expected = (specimen.slices, *specimen.truth_sum.shape)
        if potential.shape != expected:
            raise InputError(
                f"'{path}': {name} has shape {potential.shape}, expected the dataset's {expected}"
            )
        middle_index = specimen.slices // 2
        flat = remove_offset_and_ramp(slice_sum(potential, path, name), specimen.truth_sum, specimen.scanned)
        error = flat - specimen.truth_sum
        rmse = np.sqrt(np.mean(error[specimen.scanned] ** 2)) / np.std(specimen.truth_sum[specimen.scanned])
        cost = require_finite(
            dataset(file, path, "ptychoscale/cost_per_iteration", 1)[:], path, "cost_per_iteration"
        )
        mesh = tuple(int(n) for n in attribute(file, path, "ptychoscale", "mesh", 2))
        return Run(
            path.stem,
            read_report(file, path),
            mesh,
            potential[middle_index],
            middle_index,
            flat,
            error,
            float(rmse),
            read_cores(file, path, expected[1:]),
            cost,
        )


def inner_borders(cores, shape):
    """Segments (y0, y1, x0, x1) in pixels where tiles meet: upper and left edges of cores in the volume."""
    upper = [(y0, y0, x0, x1) for y0, _, x0, x1 in cores if 0 < y0 < shape[0]]
    left = [(y0, y1, x0, x0) for y0, y1, x0, _ in cores if 0 < x0 < shape[1]]
    return np.array(upper + left, float).reshape(-1, 4)


def draw_image(figure, axes, image, specimen, title, **style):
    """One image on angstrom axes with its colour bar."""
    (rows, columns), (dy, dx) = image.shape, specimen.pixel
    extent = (
        (-0.5) * dx,
        (columns - 0.5) * dx,
        (rows - 0.5) * dy,
        (-0.5) * dy,
    )  # position 0 is the middle of pixel 0
    shown = axes.imshow(image, extent=extent, interpolation="nearest", **style)
    axes.set(title=title, xlabel="x (Å)", ylabel="y (Å)")
    figure.colorbar(shown, ax=axes, label="V·Å", shrink=0.8)


def draw_scanned_box(axes, specimen, colour):
    (y, x), (dy, dx) = specimen.scanned, specimen.pixel
    axes.add_patch(
        Rectangle(
            ((x.start - 0.5) * dx, (y.start - 0.5) * dy),
            (x.stop - x.start) * dx,
            (y.stop - y.start) * dy,
            fill=False,
            linestyle=":",
            edgecolor=colour,
        )
    )


def draw_run(run, specimen):
    """Middle slice, slice sum and error map of one run."""
    figure, (middle, total, error) = plt.subplots(1, 3, figsize=(16, 5.2), layout="constrained")
    draw_image(
        figure,
        middle,
        run.middle,
        specimen,
        f"Potential of slice {run.middle_index} (0 to {specimen.slices - 1})",
        cmap="viridis",
    )
    draw_image(
        figure,
        total,
        run.flat_sum,
        specimen,
        "Sum over slices, offset and ramp removed\n(scanned box dotted)",
        cmap="viridis",
        vmin=run.flat_sum[specimen.scanned].min(),
        vmax=run.flat_sum[specimen.scanned].max(),
    )
    largest = max(np.percentile(np.abs(run.error[specimen.scanned]), 99.5), np.finfo(float).tiny)
    draw_image(
        figure,
        error,
        run.error,
        specimen,
        "Sum minus truth\n(tile borders solid, scanned box dotted)",
        cmap="RdBu_r",
        vmin=-largest,
        vmax=largest,
    )
    dy, dx = specimen.pixel
    for y0, y1, x0, x1 in inner_borders(run.cores, run.error.shape) - 0.5:
        error.plot([x0 * dx, x1 * dx], [y0 * dy, y1 * dy], color="black", linewidth=0.8)
    draw_scanned_box(total, specimen, "white")
    draw_scanned_box(error, specimen, "black")
    figure.suptitle(
        f"{run.title}: RMSE {100 * run.relative_rmse:.1f} % of the true sum's standard deviation in the "
        f"scanned box, {run.cost.size} iterations"
    )
    return figure


def draw_costs(runs):
    """The cost of every run by iteration; a cost of zero cannot stand on a log axis and is left out."""
    figure, axes = plt.subplots(figsize=(7.5, 5), layout="constrained")
    for i, run in enumerate(runs):
        iterations = 1 + np.arange(run.cost.size)
        positive = run.cost > 0
        axes.plot(
            iterations[positive],
            run.cost[positive],
            marker="os^Dvx"[i % 6],
            markersize=4,
            label=f"{run.title}, {run.name}: RMSE {100 * run.relative_rmse:.1f} %",
        )
    axes.set(
        xlabel="iteration", ylabel="cost seen during the iteration", yscale="log", title="Cost by iteration"
    )
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.grid(True, which="both", alpha=0.3)
    axes.legend(fontsize="small")
    return figure


def encoded(figure, name):
    """The figure as {file name: bytes}; closes it."""
    files = {}
    for kind in FORMATS:
        buffer = io.BytesIO()
        figure.savefig(buffer, format=kind, dpi=150, metadata={"Date": None} if kind == "svg" else None)
        files[f"{name}.{kind}"] = buffer.getvalue()
    plt.close(figure)
    return files


def write_files(folder, files):
    """Writes all files, each under its final name only when it is whole."""
    partial = None
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            partial = folder / f"{name}.partial"
            partial.write_bytes(content)
            partial.replace(folder / name)
    except OSError as failure:
        if partial is not None:
            partial.unlink(missing_ok=True)
        raise InputError(
            f"cannot write into '{folder}': {failure.strerror}, expected a writable folder"
        ) from None


def check_names(paths):
    """Pictures are named after the files, so that two of one name would overwrite each other."""
    for i, path in enumerate(paths):
        for other in paths[:i]:
            if other.stem == path.stem:
                raise InputError(
                    f"'{path}' and '{other}' have one name, expected reconstructions of different names"
                )


def main(arguments=None):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("reconstructions", type=Path, nargs="+", metavar="RECONSTRUCTION.h5")
    parser.add_argument(
        "--dataset",
        type=Path,
        required=True,
        metavar="DATASET.h5",
        help="simulated dataset with its true potential",
    )
    parser.add_argument(
        "-o", "--output", type=Path, required=True, metavar="DIR", help="folder for the pictures"
    )
    options = parser.parse_args(arguments)
    try:
        check_names(options.reconstructions)
        specimen = read_specimen(options.dataset)
        runs = [read_run(path, specimen) for path in options.reconstructions]
        files = {}
        for run in runs:
            files |= encoded(draw_run(run, specimen), f"picture-{run.name}")
        files |= encoded(draw_costs(runs), "cost")
        write_files(options.output, files)
    except InputError as failure:
        print(f"run_pictures.py: {failure}", file=sys.stderr)
        return 2
    for name in files:
        print(options.output / name)
    return 0


if __name__ == "__main__":
    sys.exit(main())
