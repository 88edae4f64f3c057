"""Writes a minimal dataset: all that ptychoscale must know of a scan, and nothing else.

    python validation/readers/write_dataset.py mine.h5

The upper part stands in for a measurement, of a specimen of one slice with a few peaks. solvers/io/README.md says what every entry means.
"""

import sys

import h5py
import numpy as np

ENERGY, SEMIANGLE, C10 = 200e3, 20e-3, -150.0  # eV, rad, A
WAVELENGTH, SIGMA = 0.0250793, 7.28840e-4  # A, rad / (V A), at that energy
N, PIXEL, STEP, SCAN, VOLUME = 48, 0.25, 2.0, (6, 7), (88, 96)


def potential() -> np.ndarray:
    """[y][x] in V A; no symmetry, so that every mistaken axis shows."""
    y, x = np.indices(VOLUME) * PIXEL
    peaks = [(9.0, 8.0, 300), (9.5, 13.0, 200), (13.0, 10.0, 400), (12.0, 15.5, 250), (8.0, 16.0, 150)]
    return sum(height * np.exp(-((y - y0) ** 2 + (x - x0) ** 2) / 0.8) for y0, x0, height in peaks)


def measure(positions: np.ndarray) -> np.ndarray:
    """Patterns [position][ky][kx], zero frequency at the centre; fractions of a beam of 1."""
    k = np.fft.fftfreq(N, PIXEL)
    ky, kx = np.meshgrid(k, k, indexing="ij")
    k2, edge = ky**2 + kx**2, SEMIANGLE / WAVELENGTH
    aperture = np.clip((edge - np.sqrt(k2)) * N * PIXEL + 0.5, 0, 1)
    probe = aperture * np.exp(-1j * np.pi * WAVELENGTH * C10 * k2) / np.linalg.norm(aperture)
    transmission = np.pad(np.exp(1j * SIGMA * potential()), N, constant_values=1)  # vacuum around the volume
    patterns = []
    for y, x in positions / PIXEL:
        top, left = round(y) - N // 2, round(x) - N // 2
        wave = np.fft.ifft2(probe * np.exp(-2j * np.pi * PIXEL * (ky * (y - top) + kx * (x - left))))
        wave *= transmission[top + N : top + 2 * N, left + N : left + 2 * N]
        patterns.append(np.fft.fftshift(np.abs(np.fft.fft2(wave)) ** 2))
    return np.array(patterns)


def write(path: str) -> None:
    rows, columns = np.indices(SCAN).reshape(2, -1)
    positions = np.stack([5.5 + STEP * rows, 5.6 + STEP * columns], 1)  # (y, x) in A from the centre of pixel (0, 0)
    counts = np.random.default_rng(1).poisson(1e6 * measure(positions))
    with h5py.File(path, "w") as file:
        file["dataset/datacube/data"] = counts.reshape(*SCAN, N, N).astype(np.uint16)
        microscope = file.create_group("dataset/metadatabundle/microscope")
        microscope["energy_eV"] = ENERGY
        microscope["semiangle_cutoff_mrad"] = 1e3 * SEMIANGLE
        microscope["C10_A"] = C10
        microscope["C30_A"] = 0.0
        microscope["dose_e_per_A2"] = 1e6 / STEP**2
        own = file.create_group("ptychoscale")
        own["positions_A"] = positions
        own.attrs["schema_version"] = 1
        own.attrs["case_name"] = "mine"
        own.attrs["electrons_per_pattern"] = 1e6
        own.attrs["pixel_A"] = [PIXEL, PIXEL]
        own.attrs["scan_step_A"] = [STEP, STEP]
        own.attrs["volume"] = VOLUME
        own.attrs["slices"] = 1
        own.attrs["slice_thickness_A"] = 10.0


if __name__ == "__main__":
    write(sys.argv[1])
