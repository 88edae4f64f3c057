"""Looks at patterns: a mean of some as they were recorded, and sums of all as they are stored."""

import dataclasses
from collections.abc import Iterator

import numpy as np

from harness.base.errors import InputError
from harness.imports.correction import Correction
from harness.imports.disk import distances
from harness.imports.layout import described
from harness.imports.sources.source import Source

SAMPLED = 2048  # patterns, spread over the scan
AT_ONCE = 64  # of them, at most
ROOMS = 4  # for patterns on their way, which the system would otherwise give and take for every block: two wait, one is made, one spare
LEAST_SHARE = 0.01  # of the disk: of a beam that is stopped, sums tell nothing


@dataclasses.dataclass(frozen=True)
class Sample:
    """The mean of some recorded patterns, what is known of each pixel's mean, and which patterns they were."""

    mean: np.ndarray
    error: np.ndarray
    patterns: int
    ranges: list[tuple[int, int]]


def ranges(patterns: int, together: int) -> list[tuple[int, int]]:
    """All patterns where they are few, else pieces of the file that are spread over all of it."""
    if patterns <= SAMPLED:
        return [(a, min(a + AT_ONCE, patterns)) for a in range(0, patterns, AT_ONCE)]
    each = max(1, min(AT_ONCE, together))
    count = SAMPLED // each
    starts = [i * patterns // count for i in range(count)]
    return [(start, min(start + each, patterns)) for start in starts]


def sample(source: Source, left_out: np.ndarray) -> Sample:
    """Patterns that are left out do not count. Throws InputError when none of the others is among them."""
    total, squares, n = np.zeros(source.detector), np.zeros(source.detector), 0
    pieces = ranges(source.patterns, source.block())
    for first, last in pieces:
        block = source.read(first, last)[~left_out[first:last]].astype(np.float64)
        total += block.sum(axis=0)
        squares += np.einsum("nyx,nyx->yx", block, block)
        n += len(block)
    if n == 0:
        raise InputError(f"--leave-out: leaves too few of {source.patterns} patterns to look at; valid: fewer are left out")
    mean = total / n
    with np.errstate(invalid="ignore"):
        spread = np.sqrt(np.maximum(squares / n - mean**2, 0))
    return Sample(mean, spread / np.sqrt(n), n, pieces)


@dataclasses.dataclass
class Patterns:
    """A source's patterns as they will be stored, zero frequency in the middle; those that are left out are 0."""

    source: Source
    correction: Correction
    left_out: np.ndarray
    counts: np.dtype
    clipped: int = 0  # values below 0 that became 0, of patterns read so far
    rooms: list[np.ndarray] = dataclasses.field(default_factory=list)

    @property
    def identity(self) -> list:
        """Changes with whatever changes the patterns, or the blocks in which they are read."""
        return [self.source.identity, self.source.block(), described(dataclasses.asdict(self.correction))]

    def room(self, patterns: int) -> np.ndarray:
        """Room for some patterns, the one that was handed out longest ago."""
        if len(self.rooms) < ROOMS or len(self.rooms[0]) < patterns:
            self.rooms.append(np.zeros((patterns, *self.correction.shape), self.counts))
        else:
            self.rooms.append(self.rooms.pop(0))
        self.rooms = self.rooms[-ROOMS:]
        return self.rooms[-1][:patterns]

    def read(self, first: int, last: int) -> np.ndarray:
        """Patterns that stay as they are until as many blocks have been read as there are rooms. Throws InputError for a count that
        cannot be stored."""
        block = self.source.read(first, last)
        out = self.left_out[first:last]
        if out.any():
            block = np.where(out[:, None, None], block.dtype.type(0), block)
        room = self.room(last - first)
        stored, clipped = self.correction.apply(block, first, room)
        self.clipped += clipped
        if self.counts.kind == "u" and stored.max() > np.iinfo(self.counts).max:
            n = int(np.flatnonzero(stored.max(axis=(1, 2)) > np.iinfo(self.counts).max)[0])
            raise InputError(f"--counts: pattern {first + n} holds {stored[n].max()} in a pixel, beyond {self.counts}; valid: float32")
        if stored is not room:
            room[...] = stored
        return room

    def blocks(self, first: int = 0) -> Iterator[tuple[int, np.ndarray]]:
        """(index of the first, patterns), from pattern `first` on, which begins a block."""
        step = self.source.block()
        while first < self.source.patterns:
            last = min(first + step, self.source.patterns)
            yield first, self.read(first, last)
            first = last


class Tally:
    """Patterns in figures, as they are stored: what they hold, and what of it lies in the disk of `radius` pixels around the middle.
    Pixels without weight, those not `used`, are 0 in what is stored; `share` is the part of the disk that has weight."""

    def __init__(self, patterns: int, used: np.ndarray, radius: float):
        inside = distances(used.shape, (used.shape[0] // 2, used.shape[1] // 2)) <= radius
        lit = [np.flatnonzero(inside.any(axis=axis)) for axis in (1, 0)]
        self.box = tuple(slice(int(lines[0]), int(lines[-1]) + 1) for lines in lit)
        self.inside = inside[self.box]
        self.share = max(float(used[inside].mean()), LEAST_SHARE)
        self.sums, self.bright_field = np.zeros(patterns), np.zeros(patterns)
        self.largest = 0.0

    def add(self, first: int, block: np.ndarray) -> None:
        self.largest = max(self.largest, float(block.max()))
        small = block[0].size <= 1 << 16  # sums of so many 16-bit numbers have 32
        exact = (np.uint32 if small else np.uint64) if block.dtype.kind == "u" else np.float64
        last = first + len(block)
        self.sums[first:last] = block.sum(axis=(1, 2), dtype=exact)
        disk = block[(slice(None), *self.box)] * self.inside.astype(block.dtype)
        self.bright_field[first:last] = disk.sum(axis=(1, 2), dtype=exact)


def tally_of_sample(patterns: Patterns, sampled: Sample, radius: float) -> Tally:
    """Of the patterns that were looked at, one after the other."""
    tally = Tally(sampled.patterns, patterns.correction.used, radius)
    at = 0
    for first, last in sampled.ranges:
        block = patterns.read(first, last)[~patterns.left_out[first:last]]
        if len(block):
            tally.add(at, block)
            at += len(block)
    return tally
