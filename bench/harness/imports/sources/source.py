"""What every source of patterns is, whatever file it lies in."""

import dataclasses
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np

from harness.base.errors import InputError, shortened
from harness.imports.provenance import Found

BLOCK_BYTES = 4 << 20  # of patterns as they lie in the source, read at once
AXES = {4: ("scan_y", "scan_x", "ky", "kx"), 3: ("n", "ky", "kx")}  # how patterns are ordered here


@dataclasses.dataclass
class Source:
    """Patterns in the order of the scan, zero frequency somewhere near the middle.

    `shape` is (scan_y, scan_x, ky, kx), or (n, ky, kx) where the file does not say how the scan went. `read(first, last)` gives
    patterns [first, last) as (last - first, ky, kx), which stay as they are until the next call. `found` is what the file says of the
    experiment, in the units of the keys."""

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype
    read: Callable[[int, int], np.ndarray]
    files: list[Path]
    found: dict[str, Found] = dataclasses.field(default_factory=dict)
    together: int = 1  # patterns that one piece of the file holds, and that are best read in one go

    @property
    def patterns(self) -> int:
        return math.prod(self.shape[:-2])

    @property
    def detector(self) -> tuple[int, int]:
        return self.shape[-2:]

    @property
    def identity(self) -> list:
        """Changes when the source is another one, or was written since."""
        return [self.name, list(self.shape), self.dtype.str, [[str(f), f.stat().st_size, f.stat().st_mtime_ns] for f in self.files]]

    def block(self) -> int:
        """Patterns to read at once: as many as memory allows, in whole pieces of the file."""
        most = max(1, BLOCK_BYTES // (math.prod(self.detector) * max(self.dtype.itemsize, 2)))
        return most if most < self.together else most - most % self.together


def checked(source: Source) -> Source:
    """The source, when its numbers can be counts of electrons. Throws InputError."""
    if len(source.shape) not in AXES or min(source.shape) < 1:
        raise InputError(f"{source.name}: has shape {source.shape}; valid: 3 axes (n, ky, kx) or 4 (scan_y, scan_x, ky, kx), none empty")
    if source.dtype.kind not in "iufb":
        raise InputError(f"{source.name}: holds {shortened(str(source.dtype), 60)}; valid: whole or floating-point numbers")
    if min(source.detector) < 4:
        raise InputError(f"{source.name}: patterns have {source.detector} pixels (of {source.shape}); is another order of --axes meant?")
    return source


def axes_of(dimensions: int, wanted: list[str] | None, usual: tuple[str, ...] | None, name: str) -> tuple[str, ...]:
    """What the axes of an array of so many dimensions are. Throws InputError for words that do not name each of them once."""
    if dimensions not in AXES:
        raise InputError(f"{name}: has {dimensions} axes; valid: 3 (n, ky, kx) or 4 (scan_y, scan_x, ky, kx)")
    axes = tuple(wanted or usual or AXES[dimensions])
    if sorted(axes) != sorted(AXES[dimensions]):
        raise InputError(f"--axes: '{','.join(axes)}' for {name} of {dimensions} axes; valid: {','.join(AXES[dimensions])} in any order")
    return axes


class Sliced:
    """Patterns of anything that is sliced like an array and gives numbers then: memory maps, HDF5, Zarr, dask."""

    def __init__(self, array, axes: tuple[str, ...]):
        self.array = array
        self.order = [axes.index(axis) for axis in AXES[len(axes)]]  # the array's axis of each of ours
        self.shape = tuple(int(array.shape[i]) for i in self.order)

    def box(self, *ours: slice) -> np.ndarray:
        theirs = [slice(None)] * len(self.order)
        for i, box in zip(self.order, ours, strict=False):
            theirs[i] = box
        return np.asarray(self.array[tuple(theirs)]).transpose(self.order).reshape(-1, *self.shape[-2:])

    def read(self, first: int, last: int) -> np.ndarray:
        if len(self.shape) == 3:
            return self.box(slice(first, last))
        columns = self.shape[1]
        if first // columns == (last - 1) // columns:
            row, column = divmod(first, columns)
            return self.box(slice(row, row + 1), slice(column, column + last - first))
        if first % columns == 0 and last % columns == 0:
            return self.box(slice(first // columns, last // columns))
        parts = []  # the rest of a row, whole rows, the beginning of another
        while first < last:
            row, column = divmod(first, columns)
            rows = (last - first) // columns if column == 0 else 0
            if rows:
                parts.append(self.box(slice(row, row + rows)).copy())
                first += rows * columns
            else:
                end = min(columns, column + last - first)
                parts.append(self.box(slice(row, row + 1), slice(column, end)).copy())
                first += end - column
        return np.concatenate(parts)


class Mapped:
    """Numbers that lie in a file as they lie in memory. What lies in one stretch is read; for the rest the file is mapped for as long as a
    slice is copied, so that no page stays behind. A slice is as it was read until the next is taken."""

    def __init__(self, file: Path, offset: int, shape: tuple[int, ...], dtype: np.dtype, order: str = "C"):
        self.file, self.offset, self.shape, self.dtype, self.order = file, offset, shape, np.dtype(dtype), order
        self.opened, self.room = open(file, "rb"), np.empty(0, self.dtype)
        needed = offset + math.prod(shape) * self.dtype.itemsize
        there = file.stat().st_size
        if there < needed:
            raise InputError(f"{file}: has {there} bytes, but {shape} of {self.dtype} and {offset} bytes before them are {needed}")

    def __getitem__(self, box: tuple[slice, ...]) -> np.ndarray:
        bounds = [one.indices(n) for one, n in zip(box, self.shape, strict=True)]
        sizes = [stop - start for start, stop, _ in bounds]
        cut = next((i for i, size in enumerate(sizes) if size != 1), 0)
        if self.order == "C" and sizes[cut + 1 :] == list(self.shape[cut + 1 :]):  # lies in one stretch
            first = sum(start * math.prod(self.shape[i + 1 :]) for i, (start, *_) in enumerate(bounds))
            return self.stretch(first, math.prod(sizes)).reshape(sizes)
        whole = np.memmap(self.file, self.dtype, "r", self.offset, self.shape, self.order)
        return np.array(whole[box])


    def stretch(self, first: int, count: int) -> np.ndarray:
        """Numbers that lie together, in a room that the next call uses again."""
        if len(self.room) < count:
            self.room = np.empty(count, self.dtype)
        found = self.room[:count]
        self.opened.seek(self.offset + first * self.dtype.itemsize)
        if self.opened.readinto(found.view(np.uint8)) < found.nbytes:
            raise InputError(f"{self.file}: ended while it was read; valid: a file that nobody changes meanwhile")
        return found


def of_array(array, name: str, files: list[Path], axes: tuple[str, ...], found: dict | None = None, chunks=None) -> Source:
    """A source of something sliced like an array; `chunks` is how it is cut on the disk."""
    sliced = Sliced(array, axes)
    together = 1
    if chunks is not None:
        ours = [int(chunks[i]) for i in sliced.order]
        together = ours[0] * (sliced.shape[1] if len(ours) == 4 else 1)
    return Source(name, sliced.shape, np.dtype(array.dtype), sliced.read, files, found or {}, together)
