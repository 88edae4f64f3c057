"""Reads reconstructions and the datasets they belong to, as far as pictures need them."""

import dataclasses
from pathlib import Path

import h5py
import numpy as np

from harness.base import strict_json
from harness.base.errors import InputError
from harness.base.hdf5 import open_file
from harness.base.voxels import POTENTIAL, check_voxels, finite, numbers, slice_sum

TRUTH = "ptychoscale/truth/potential"


@dataclasses.dataclass(frozen=True)
class Specimen:
    """What a dataset says about its specimen; images [y][x] in V*angstrom."""

    truth_sum: np.ndarray
    slices: int
    pixel: np.ndarray  # angstrom, (y, x)
    scanned: tuple[slice, slice]  # (y, x) of the box that the scan spans


@dataclasses.dataclass(frozen=True)
class Reconstruction:
    """One reconstruction; images [y][x] in V*angstrom."""

    row: dict  # of the report inside the file
    dataset_hash: str
    middle: np.ndarray
    middle_index: int
    flat_sum: np.ndarray  # offset and linear ramp, which ptychography does not determine, removed
    error: np.ndarray  # flat_sum - truth
    cores: np.ndarray  # (n, 4): y0, y1, x0, x1


def read_pixel(file: h5py.File) -> np.ndarray:
    """Sizes (y, x) of a pixel in angstrom."""
    pixel = np.atleast_1d(file["ptychoscale"].attrs.get("pixel_A", []))
    if pixel.shape != (2,) or pixel.dtype.kind != "f" or not np.all(np.isfinite(pixel) & (pixel > 0)):
        raise InputError(f"{file.filename}: pixel_A of ptychoscale is {pixel.tolist()}; valid: two positive numbers")
    return pixel


def scanned_box(positions: np.ndarray, pixel: np.ndarray, shape: tuple[int, int]) -> tuple[slice, slice]:
    """The box (y, x) in pixels from the first position to the last; positions in angstrom, (y, x)."""
    low = np.maximum(np.floor(positions.min(0) / pixel + 0.5).astype(int), 0)
    high = np.minimum(np.floor(positions.max(0) / pixel + 0.5).astype(int) + 1, shape)
    return tuple(slice(int(a), int(b)) for a, b in zip(low, high))


def has_truth(path: Path) -> bool:
    """Whether a dataset says what a reconstruction should find; a measured one does not."""
    with open_file(path) as file:
        return TRUTH in file


def read_specimen(path: Path) -> Specimen:
    """The true potential of a simulated dataset."""
    with open_file(path) as file:
        truth = numbers(file, TRUTH, 3)
        pixel = read_pixel(file)
        positions = finite(numbers(file, "ptychoscale/positions_A", 2)[:], file, "ptychoscale/positions_A")
        if positions.shape[1] != 2:
            raise InputError(f"{path}: ptychoscale/positions_A has shape {positions.shape}; valid: (n, 2)")
        if np.any(positions / pixel < -0.5) or np.any(positions / pixel > truth.shape[1:]):
            raise InputError(f"{path}: ptychoscale/positions_A lies outside the volume of {truth.shape[1]} x {truth.shape[2]} pixels")
        scanned = scanned_box(positions, pixel, truth.shape[1:])
        total = slice_sum(truth, file)
        if total[scanned].size == 0 or np.ptp(total[scanned]) == 0:
            raise InputError(f"{path}: {TRUTH} is constant in the scanned box; valid: a specimen")
        return Specimen(total, truth.shape[0], pixel, scanned)


def remove_offset_and_ramp(image: np.ndarray, truth: np.ndarray, region: tuple[slice, slice]) -> np.ndarray:
    """`image` less the plane that fits image - truth best in the region."""
    y, x = np.mgrid[: image.shape[0], : image.shape[1]]
    terms = [np.ones(image.shape), y - y[region].mean(), x - x[region].mean()]
    columns = np.stack([term[region].ravel() for term in terms], 1)
    fit, *_ = np.linalg.lstsq(columns, (image - truth)[region].ravel(), rcond=None)
    return image - sum(factor * term for factor, term in zip(fit, terms))


def read_own_report(path: Path) -> tuple[dict, str]:
    """The row and the dataset's hash in the report that a reconstruction carries."""
    with open_file(path) as file:
        try:
            text = file["ptychoscale/report"][()]
            report = strict_json.parse(text if isinstance(text, str) else text.decode(), f"{path}: ptychoscale/report")
            row, dataset_hash = report["benchmarks"][0], str(report["context"]["dataset"]["hash"])
            row["name"], row["method"], row["mesh"]
        except (KeyError, IndexError, TypeError, ValueError, AttributeError):
            raise InputError(
                f"{path}: ptychoscale/report does not say which run of which dataset this is; valid: the JSON report of the run"
            ) from None
    return row, dataset_hash


def read_cores(file: h5py.File, shape: tuple[int, int]) -> np.ndarray:
    """The tiles' core boxes (y0, y1, x0, x1) in pixels."""
    cores = numbers(file, "ptychoscale/cores", 2)[:]
    if cores.shape[1] != 4 or np.any(cores < 0) or np.any(cores > np.repeat(shape, 2)):
        raise InputError(
            f"{file.filename}: ptychoscale/cores has boxes outside the volume of {shape[0]} x {shape[1]} pixels; "
            "valid: rows of y0, y1, x0, x1"
        )
    return cores


def read_reconstruction(path: Path, specimen: Specimen) -> Reconstruction:
    """A reconstruction of the specimen."""
    row, dataset_hash = read_own_report(path)
    with open_file(path) as file:
        potential = numbers(file, POTENTIAL, 3)
        expected = (specimen.slices, *specimen.truth_sum.shape)
        if potential.shape != expected:
            raise InputError(f"{path}: {POTENTIAL} has shape {potential.shape}; valid: the dataset's {expected}")
        check_voxels(potential, file)
        index = specimen.slices // 2
        flat = remove_offset_and_ramp(slice_sum(potential, file), specimen.truth_sum, specimen.scanned)
        error = flat - specimen.truth_sum
        return Reconstruction(row, dataset_hash, potential[index], index, flat, error, read_cores(file, expected[1:]))


def kind_of(path: Path) -> tuple[str, str | None]:
    """("reconstruction", hash of its dataset), ("dataset", its hash) or ("other", None)."""
    with open_file(path) as file:
        if POTENTIAL in file and "ptychoscale" in file:
            kind = "reconstruction"
        elif "dataset/datacube" in file and "ptychoscale" in file:
            return "dataset", str(file["ptychoscale"].attrs.get("content_hash", ""))
        else:
            return "other", None
    return kind, read_own_report(path)[1]
