"""Volumes in our HDF5 files: read slice by slice, and held against the hashes that they were written with."""

from pathlib import Path

import h5py
import numpy as np

from harness.base.errors import InputError

POTENTIAL = "reconstruction/potential/data"
SLICE_HASHES = "ptychoscale/slice_hashes"
MOST_COMPRESSED = 1032  # times; deflate gives no more


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
