"""From patterns as they were recorded to those that are stored: background, bad pixels, centre, bin, scale."""

import dataclasses
import functools

import numpy as np

from harness.base.errors import InputError


@dataclasses.dataclass(frozen=True)
class Correction:
    """What is done to every pattern, in this order: less `background`, 0 where `bad`, no less than 0, `bin` x `bin` pixels around
    `centre` added up into `shape` pixels of which the middle one, (ny // 2, nx // 2), holds the centre; times `scale`.

    Only `crop` recorded pixels around the centre are taken; what is left of `shape` is 0 and has no weight."""

    recorded: tuple[int, int]
    centre: tuple[float, float]
    shape: tuple[int, int]
    crop: tuple[int, int]
    bin: int = 1
    background: np.ndarray | float = 0.0
    bad: np.ndarray | None = None
    scale: float = 1.0

    def origin(self, axis: int) -> int:
        """Where the stored pattern's first pixel begins in the recorded one; may be outside."""
        middle = self.bin * (self.shape[axis] // 2) + (self.bin - 1) / 2
        return int(np.floor(self.centre[axis] - middle + 0.5))

    def taken(self, axis: int) -> tuple[int, int]:
        """[first, last) of the recorded pixels that are used: whole bins of the crop around the centre."""
        start, bins = self.origin(axis), self.shape[axis]
        kept = self.crop[axis] // self.bin
        first = start + self.bin * (bins // 2 - kept // 2)
        last = first + self.bin * kept
        first, last = max(first, start), min(last, start + self.bin * bins)
        below = max(0, -(first // self.bin))  # bins that begin before the first pixel
        above = max(0, -((self.recorded[axis] - last) // self.bin))
        return first + self.bin * below, last - self.bin * above

    @property
    def rest(self) -> tuple[float, float]:
        """How far the centre is from the middle of its pixel, in stored pixels."""
        return tuple(
            (self.centre[a] - self.origin(a) - self.bin * (self.shape[a] // 2) - (self.bin - 1) / 2) / self.bin for a in range(2)
        )

    @property
    def is_whole(self) -> bool:
        """Whether whole numbers stay whole numbers."""
        return self.scale == 1 and np.ndim(self.background) == 0 and float(self.background).is_integer()

    @functools.cached_property
    def used(self) -> np.ndarray:
        """True where a stored pixel was recorded, and all of what was added up into it is good."""
        good = np.ones(self.recorded, bool) if self.bad is None else ~self.bad
        return self.binned(good[None].astype(np.uint32))[0] == self.bin**2

    def placed(self) -> tuple[slice, slice, slice, slice]:
        """The recorded pixels that are used, and the stored ones that they go to."""
        (y0, y1), (x0, x1) = self.taken(0), self.taken(1)
        if y1 <= y0 or x1 <= x0:
            raise InputError(f"centre: {self.centre} leaves nothing of patterns of {self.recorded} pixels")
        v, u = (y0 - self.origin(0)) // self.bin, (x0 - self.origin(1)) // self.bin
        return (
            slice(y0, y1),
            slice(x0, x1),
            slice(v, v + (y1 - y0) // self.bin),
            slice(u, u + (x1 - x0) // self.bin),
        )

    def binned(self, block: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
        """Into `out`, where there is one and it has the type; all of it that was not recorded is 0 already."""
        rows, columns, to_rows, to_columns = self.placed()
        part = block[:, rows, columns].astype(block.dtype.newbyteorder("="), copy=False)
        if self.bin > 1:
            n, ny, nx = part.shape
            wide = np.uint64 if part.dtype.kind in "ub" else np.int64 if part.dtype.kind == "i" else part.dtype
            part = part.reshape(n, ny // self.bin, self.bin, nx // self.bin, self.bin).sum(axis=(2, 4), dtype=wide)
        if out is not None and out.dtype == part.dtype:
            out[:, to_rows, to_columns] = part
            return out
        if part.shape[1:] == self.shape:
            return part
        whole = np.zeros((len(block), *self.shape), part.dtype)
        whole[:, to_rows, to_columns] = part
        return whole

    def apply(self, block: np.ndarray, first: int, out: np.ndarray | None = None) -> tuple[np.ndarray, int]:
        """Patterns `first` and on, in `out` where that fits, and how many of their values were below 0. Throws InputError naming a value
        that is no number."""
        subtracts, clipped = np.any(np.asarray(self.background) != 0), 0
        if block.dtype.kind == "f" or subtracts or self.scale != 1:
            exact = block.dtype.itemsize <= (4 if block.dtype.kind == "f" else 2)  # in single precision
            block = block.astype(np.float32 if exact else np.float64)
            if subtracts:
                block -= np.asarray(self.background, block.dtype)
        if self.bad is not None:
            block = np.where(self.bad, block.dtype.type(0), block)
        if block.dtype.kind == "f":
            self.refuse_no_numbers(block, first)
        if block.dtype.kind in "fi" and (clipped := int((block < 0).sum())):
            block = np.maximum(block, 0)
        stored = self.binned(block, out if self.scale == 1 else None)
        if self.bad is not None and self.bin > 1:
            stored[:, ~self.used] = 0  # sums of which a part is missing
        return (stored if self.scale == 1 else stored * stored.dtype.type(self.scale)), clipped

    def refuse_no_numbers(self, block: np.ndarray, first: int) -> None:
        sums = block.sum(axis=(1, 2), dtype=np.float64)
        if np.isfinite(sums).all():
            return
        n = int(np.flatnonzero(~np.isfinite(sums))[0])
        wrong = np.argwhere(~np.isfinite(block[n]))
        if len(wrong):
            y, x = wrong[0]
            raise InputError(
                f"pattern {first + n}, pixel (y, x) = ({y}, {x}): holds {block[n, y, x]}; valid: finite numbers, "
                "or the pixel in --bad-pixels, or the pattern in --leave-out"
            )
        raise InputError(f"pattern {first + n}: its counts add up to {sums[n]}; valid: a finite number")
