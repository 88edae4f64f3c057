"""Holds reconstructions of make_scan.py's scan against the potential it was made of, and draws all of them beside it."""

import argparse
import sys
from pathlib import Path

import h5py
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2] / "bench"))

from harness.base import ring_correlation  # noqa: E402
from harness.report.drawing import METHOD_NAMES, plt  # noqa: E402
from harness.runs.halves import lit_weights, summed  # noqa: E402

# Of the reconstruction with the truth, where the scan has been. The solvers know nothing of vibrations, of the detector's blur and of what
# falls beside it, and their slices are twice as thick.
LEAST_CORRELATION = 0.8


def truth_at(folder: Path, positions_A: np.ndarray, pixel_A: np.ndarray, window: tuple[int, int], shape: tuple[int, int]) -> np.ndarray:
    """The known potential, summed over slices, at the pixels of a volume in which the scan's positions are these; V A. abTEM's cell
    repeats, and is as wide as a window: the pixels differ by how finely they divide it."""
    known = np.load(folder / "truth.npz")
    offset = (positions_A - known["positions_A"]).mean(axis=0)
    spectrum = np.fft.fftshift(np.fft.fft2(known["potential_sum_VA"]))
    fine = spectrum.shape
    kept = tuple(slice(f // 2 - n // 2, f // 2 - n // 2 + n) for f, n in zip(fine, window, strict=True))
    spectrum = np.fft.ifftshift(spectrum[kept]) * (np.prod(window) / np.prod(fine))
    for axis in (0, 1):
        k = np.fft.fftfreq(window[axis], pixel_A[axis])
        spectrum *= np.exp(-2j * np.pi * k * offset[axis]).reshape((-1, 1) if axis == 0 else (1, -1))
    cell = np.fft.ifft2(spectrum).real
    return cell[np.ix_(*(np.arange(n) % w for n, w in zip(shape, window, strict=True)))]


def truth_of(folder: Path, shape: tuple[int, int]) -> np.ndarray:
    """The same at the pixels of our volume."""
    with h5py.File(folder / "scan.h5") as file:
        own = file["ptychoscale"]
        return truth_at(folder, own["positions_A"][...], own.attrs["pixel_A"], file["dataset/datacube/data"].shape[2:], shape)


def correlation(image: np.ndarray, truth: np.ndarray) -> float:
    """Of two flattened images."""
    return float((image * truth).sum() / np.sqrt((image**2).sum() * (truth**2).sum()))


def draw(file: Path, images: dict[str, np.ndarray], weights: np.ndarray, pixel: np.ndarray) -> None:
    """All images on the truth's scale, in mrad or V A as they are, where the scan has been."""
    lit = [np.flatnonzero((weights > 0).any(axis=axis)) for axis in (1, 0)]
    box = tuple(slice(lines[0], lines[-1] + 1) for lines in lit)
    scale = next(iter(images.values()))[weights > 0.5]
    low, high = np.percentile(scale, [0.5, 99.8])
    figure, axes = plt.subplots(1, len(images), figsize=(3.2 * len(images), 3.5), layout="constrained", squeeze=False)
    height, width = (len(lines) * p for lines, p in zip(lit, pixel, strict=True))
    for ax, (title, image) in zip(axes[0], images.items(), strict=True):
        shown = ax.imshow(image[box], cmap="viridis", vmin=low, vmax=high, extent=(0, width, height, 0), interpolation="nearest")
        ax.contour(weights[box], [1e-3], colors="white", linestyles=":", linewidths=0.8, extent=(0, width, 0, height))
        ax.set(title=title, xlabel="x (Å)", ylabel="y (Å)")
    figure.colorbar(shown, ax=axes[0].tolist(), shrink=0.8, label="V·Å, sum over slices")
    figure.savefig(file, dpi=130)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="with truth.npz, scan.h5 and the reconstructions METHOD.h5 of `ptychoscale halves`")
    folder = parser.parse_args().folder
    ours = {METHOD_NAMES[m]: summed(folder / f"{m}.h5") for m in ("serial", "gd", "hve")}
    shape = next(iter(ours.values())).shape
    pixel, weights = lit_weights(folder / "scan.h5", shape)
    images = {"Known (abTEM)": truth_of(folder, shape), **ours}
    flat = {title: ring_correlation.flattened(image, weights) for title, image in images.items()}
    truth, *_ = flat.values()
    failed = False
    for title, image in list(flat.items())[1:]:
        found = correlation(image, truth)
        failed |= not found >= LEAST_CORRELATION
        print(f"{title}: correlation {found:.3f} with the known potential, summed over slices, where the scan has been")
    shown = {title: np.where(weights > 0, image / np.maximum(weights, 0.1), 0) for title, image in flat.items()}
    draw(folder / "picture.png", shown, weights, pixel)
    print(f"{folder / 'picture.png'}: all of them beside it")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
