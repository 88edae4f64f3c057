"""A dataset as two, each with half of the positions: small files that look into the whole one's patterns."""

from pathlib import Path

import h5py
import numpy as np

from harness.base.errors import InputError
from harness.base.hdf5 import open_file
from harness.runs import program

HALVES = ("first", "second")
SPLIT = "by turns along each line of the scan, the next line beginning with the other half"
PATTERNS = "dataset/datacube/data"
USED = "patterns_used"
LEFT = ("content_hash", "patterns_hash")  # of the whole
FEWEST = 2  # patterns, as the reader has it


def in_second(scan: tuple[int, int]) -> np.ndarray:
    """Which positions are the second half's: of a raster the black fields of a chess board, of a list every other one."""
    rows, columns = np.indices(scan)
    return ((rows + columns) % 2 == 1).ravel()


def write(dataset: Path, folder: Path) -> list[Path]:
    """Writes first.h5 and second.h5 into the folder, without truth. Throws InputError when a half would have next to no patterns, or
    would replace the whole."""
    files = [folder / f"{name}.h5" for name in HALVES]
    if any(file.exists() and file.samefile(dataset) for file in files):
        raise InputError(f"--output: {folder} has {dataset}, whose name a half gets; valid: another folder")
    with open_file(dataset) as whole:
        patterns = whole[PATTERNS]
        second = in_second(patterns.shape[:2])
        own = whole["ptychoscale"]
        used = own[USED][...].astype(bool) if USED in own else np.ones(second.size, bool)
        halves = [used & ~second, used & second]
        if min(half.sum() for half in halves) < FEWEST:
            raise InputError(f"{dataset}: {used.sum()} patterns are in use, too few for two halves; valid: at least {2 * FEWEST}")
        return [write_half(file, dataset, whole, half) for file, half in zip(files, halves, strict=True)]


def write_half(file: Path, dataset: Path, whole: h5py.File, used: np.ndarray) -> Path:
    """One of the two, sealed."""
    data = whole[PATTERNS]
    with h5py.File(file, "w") as half:
        half.attrs["authoring_program"] = "ptychoscale halves"
        copy_all_but(whole["dataset"], half.create_group("dataset"), "datacube")
        cube = half.create_group("dataset/datacube")
        copy_all_but(whole["dataset/datacube"], cube, "data")
        layout = h5py.VirtualLayout(data.shape, data.dtype)
        layout[...] = h5py.VirtualSource(str(dataset.resolve()), PATTERNS, data.shape)
        cube.create_virtual_dataset("data", layout)
        own = half.create_group("ptychoscale")
        copy_all_but(whole["ptychoscale"], own, "truth", USED, *LEFT)
        own[USED] = used.astype(np.uint8)
    program.ask("validate", "dataset", file, "--seal-only")
    return file


def copy_all_but(source: h5py.Group, target: h5py.Group, *left: str) -> None:
    """Members and attributes."""
    for name in source:
        if name not in left:
            source.copy(name, target)
    for name, value in source.attrs.items():
        if name not in left:
            target.attrs[name] = value
