"""The bright-field disk of a mean pattern: its centre and its radius."""

import dataclasses

import numpy as np

BRIGHTEST = 5  # the pixel of this rank tells what is bright: fewer may be defects
ROUND_ENOUGH = 0.8  # of the disk's pixels and its circle's, those that are in both
SMALLEST = 1.5  # pixels of radius
PASSES = 20


@dataclasses.dataclass(frozen=True)
class Disk:
    """In pixels of the recorded pattern; `roundness` is 1 for a circle and 0 for none."""

    centre: tuple[float, float]
    radius: float
    roundness: float

    @property
    def is_one(self) -> bool:
        return self.roundness >= ROUND_ENOUGH and self.radius >= SMALLEST

    def reaches_past(self, shape: tuple[int, int]) -> bool:
        return any(c - self.radius < -1 or c + self.radius > n for c, n in zip(self.centre, shape, strict=True))


def distances(shape: tuple[int, int], centre: tuple[float, float]) -> np.ndarray:
    """Of every pixel from a centre, in pixels."""
    return np.hypot(np.arange(shape[0])[:, None] - centre[0], np.arange(shape[1])[None, :] - centre[1])


def fit(mean: np.ndarray, usable: np.ndarray) -> Disk | None:
    """The disk brighter than half of its own level; what is bright apart from it (other disks) is left out. None for a dark pattern."""
    image = np.where(usable, mean, 0.0)
    if image.size <= BRIGHTEST or (bright := np.partition(image, -BRIGHTEST, axis=None)[-BRIGHTEST]) <= 0:
        return None
    level = np.median(image[image > bright / 2])
    lit = image > level / 2
    near = lit
    for _ in range(PASSES):
        y, x = np.nonzero(near)
        centre, radius = (float(y.mean()), float(x.mean())), float(np.sqrt(len(y) / np.pi))
        nearer = lit & (distances(image.shape, centre) < 1.3 * radius + 1)
        if np.array_equal(nearer, near) or not nearer.any():
            break
        near = nearer
    return Disk(centre, radius, roundness(lit, usable, centre, radius))


def roundness(lit: np.ndarray, usable: np.ndarray, centre: tuple[float, float], radius: float) -> float:
    circle = (distances(lit.shape, centre) <= radius) & usable
    near = lit & (distances(lit.shape, centre) < 1.3 * radius + 1)
    return float((circle & near).sum() / max((circle | near).sum(), 1))
