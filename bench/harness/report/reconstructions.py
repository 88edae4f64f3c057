"""Reads reconstructions and the datasets they belong to, as far as pictures need them."""

import dataclasses
from pathlib import Path

import h5py
import numpy as np

from harness.base import strict_json
from harness.base.errors import InputError
from harness.base.hdf5 import open_file

POTENTIAL = "reconstruction/potential/data"
SLICE_HASHES = "ptychoscale/slice_hashes"
TRUTH = "ptychoscale/truth/potential"
MOST_COMPRESSED = 1032  # times; deflate gives no more


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


def numbers(file: h5py.File, name: str, dimensions: int) -> h5py.Dataset:
    """The HDF5 dataset `name` of so many dimensions, none of them empty."""
    item = file.get(name)
    if not isinstance(item, h5py.Dataset):
        raise InputError(f"{file.filename}: {name} is missing; valid: a dataset of {dimensions} dimensions")
    if item.ndim != dimensions or item.size == 0 or item.dtype.kind not in "fiu":
        raise InputError(
            f"{file.filename}: {name} has shape {item.shape} of {item.dtype}; valid: numbers in {dimensions} dimensions"
        )
    if item.size * item.dtype.itemsize > MOST_COMPRESSED * Path(file.filename).stat().st_size:
        raise InputError(f"{file.filename}: {name} says that it has {item.size} numbers, which the file cannot hold")
    return item


def finite(values: np.ndarray, file: h5py.File, name: str) -> np.ndarray:
    """`values`, when all of them are finite."""
    if not np.all(np.isfinite(values)):
        raise InputError(f"{file.filename}: {name} holds NaN or infinity; valid: finite numbers")
    return values


def voxel_hash(plane: np.ndarray) -> np.uint64:
    """Of one slice of float32, as solvers/io/voxel_hash.hpp has it."""
    pixels = np.arange(1, plane.size + 1, dtype=np.uint64)
    z = pixels * np.uint64(0x9E3779B97F4A7C15) + np.ascontiguousarray(plane, "<f4").view("<u4").ravel()
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.sum(z ^ (z >> np.uint64(31)), dtype=np.uint64)


def check_voxels(potential: h5py.Dataset, file: h5py.File) -> None:
    """Refuses voxels that are not those that were written."""
    hashes = numbers(file, SLICE_HASHES, 2)
    if hashes.shape != (potential.shape[0], 2):
        raise InputError(f"{file.filename}: {SLICE_HASHES} has shape {hashes.shape}; valid: two for each of {potential.shape[0]} slices")
    for index, (plane, expected) in enumerate(zip(potential, hashes[:, 0])):
        if voxel_hash(plane) != expected:
            raise InputError(
                f"{file.filename}: slice {index} of {POTENTIAL} is not what was written; valid: a file that nobody has changed"
            )


def slice_sum(volume: h5py.Dataset, file: h5py.File) -> np.ndarray:
    """Sum over slices in float64, one slice in memory at a time."""
    with np.errstate(invalid="ignore", over="ignore"):  # what is not finite is refused, not warned of
        total = sum(plane.astype(np.float64) for plane in volume)
    return finite(total, file, volume.name)


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
