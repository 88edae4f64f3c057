"""Fourier ring correlation of two images that should show the same, where a scan has lit them: to what detail they agree."""

import dataclasses

import numpy as np
import scipy

HALF_BIT, ONE_BIT = "half_bit", "one_bit"
TAPER = 0.25  # of the scan's smaller width: over so much the weight rises from its border
# A ring whose common power is a smaller share than this of a ring's further out lies between a crystal's; with a truth to go by
# (ring_signal_share in validation/quality) a hundredth will do, but here noise and what leaks from the Bragg rings are in it.
SIGNAL_SHARE = 0.1
FEWEST_INDEPENDENT = 8.0  # Fourier pixels of a ring: with fewer, no correlation is above or below anything
FEWEST_PIXELS = 16  # across: below, there are too few rings to cross a threshold on


@dataclasses.dataclass(frozen=True)
class RingCorrelation:
    """One entry per ring, lowest frequency first. A resolution is one over the frequency of the last ring above the threshold before the
    first below it, in angstrom; None where the first ring that counts is below."""

    frequency_per_A: np.ndarray
    correlation: np.ndarray
    thresholds: dict[str, np.ndarray]
    resolutions_A: dict[str, float | None]


def weights_of(positions_A: np.ndarray, pixel_A: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Weights [y][x] of a volume's pixels: 0 outside of the positions' convex hull, 1 well inside, and a cosine between, so that turned
    and scattered scans are seen as far as they reach. Throws ValueError when the positions span no area."""
    try:
        hull = scipy.spatial.ConvexHull(positions_A)
    except scipy.spatial.QhullError:
        raise ValueError("the positions lie on a line") from None
    y, x = (np.arange(n) * p for n, p in zip(shape, pixel_A, strict=True))
    inside = np.full(shape, np.inf)
    for a, b, c in hull.equations:  # of the edges: a y + b x + c is minus the distance, inside
        inside = np.minimum(inside, -(a * y[:, None] + b * x + c))
    widths = [np.ptp(positions_A @ normal) for normal in hull.equations[:, :2]]
    return 0.5 - 0.5 * np.cos(np.pi * np.clip(inside / (TAPER * min(widths)), 0, 1))


def flattened(image: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """`image` times the weights, less the plane that fits it best there: ptychography determines neither offset nor ramp."""
    y, x = np.indices(image.shape)
    terms = np.stack([np.ones(image.shape), y - y.mean(), x - x.mean()], axis=-1)
    root = np.sqrt(weights)
    fit, *_ = np.linalg.lstsq((terms * root[..., None]).reshape(-1, 3), (image * root).ravel(), rcond=None)
    return (image - terms @ fit) * weights


def independent_share(weights: np.ndarray) -> float:
    """How many independent Fourier pixels there are for each: what is weighted varies less from one to the next."""
    return float((weights**2).sum() ** 2 / (weights.size * (weights**4).sum()))


def thresholds_of(pixels: np.ndarray) -> dict[str, np.ndarray]:
    """What half a bit and one bit of information per independent Fourier pixel of both images together make of the correlation; van
    Heel and Schatz, J. Struct. Biol. 151, 250 (2005)."""
    root = np.sqrt(np.maximum(pixels, 1))
    return {HALF_BIT: (0.2071 + 1.9102 / root) / (1.2071 + 0.9102 / root), ONE_BIT: (0.5 + 2.4142 / root) / (1.5 + 1.4142 / root)}


def last_above(frequency: np.ndarray, above: np.ndarray, power: np.ndarray, pixels: np.ndarray) -> float | None:
    """One over the frequency up to which rings are above a threshold. Those between a crystal's Bragg rings, by their common `power`, do
    not count, and neither do those of few independent `pixels`."""
    further = np.append(np.maximum.accumulate(power[::-1])[::-1][1:], 0)
    counts = (power >= SIGNAL_SHARE * further) & (pixels >= FEWEST_INDEPENDENT)
    below = np.flatnonzero(counts & ~above)
    good = np.flatnonzero(counts[: below[0]] if below.size else counts)
    return float(1 / frequency[good[-1]]) if good.size else None


def ring_correlation(first: np.ndarray, second: np.ndarray, pixel_A: np.ndarray, weights: np.ndarray) -> RingCorrelation:
    """Of two images [y][x], where the weights are not 0. Throws ValueError when that is too little to have rings."""
    lit = [np.flatnonzero(weights.any(axis=axis)) for axis in (1, 0)]
    if min(map(len, lit)) < FEWEST_PIXELS:
        raise ValueError(f"the scan spans {len(lit[0])} x {len(lit[1])} pixels; at least {FEWEST_PIXELS} are needed for rings")
    box = tuple(slice(lines[0], lines[-1] + 1) for lines in lit)
    weights = weights[box]
    one, other = (np.fft.rfft2(flattened(image[box], weights)) for image in (first, second))
    ny, nx = weights.shape
    ky, kx = np.fft.fftfreq(ny, pixel_A[0]), np.fft.rfftfreq(nx, pixel_A[1])
    width = max(1 / (ny * pixel_A[0]), 1 / (nx * pixel_A[1]))
    ring = (np.hypot(ky[:, None], kx) / width + 0.5).astype(int)
    last = int(0.5 / max(pixel_A) / width)
    counted = np.ones(ring.shape)
    counted[ny // 2 + 1 :, 0] = 0  # conjugates of others

    def sums(values: np.ndarray) -> np.ndarray:
        return np.bincount(ring.ravel(), (values * counted).ravel(), last + 1)[1 : last + 1]  # without the mean

    common, pixels = sums((one * other.conj()).real), sums(np.ones(ring.shape))
    power = np.sqrt(sums(np.abs(one) ** 2) * sums(np.abs(other) ** 2))
    correlation = np.divide(common, power, out=np.zeros(last), where=power > 0)
    frequency = width * np.arange(1, last + 1)
    independent = pixels * independent_share(weights)
    thresholds = thresholds_of(independent)
    strength = np.maximum(common, 0) / pixels
    found = {name: last_above(frequency, correlation >= limit, strength, independent) for name, limit in thresholds.items()}
    return RingCorrelation(frequency, correlation, thresholds, found)
