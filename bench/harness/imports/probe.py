"""The probe of an imported scan: a wave from a file, or the square root of a pattern of the empty beam with the lens's phase."""

import argparse
import dataclasses
from pathlib import Path

import h5py
import numpy as np

from harness.base.errors import InputError
from harness.base.hdf5 import read_first_in_a_child
from harness.imports import aberrations
from harness.imports.correction import Correction
from harness.imports.disk import distances
from harness.imports.geometry import Optics
from harness.imports.numbers_file import COMPLEX, read_array
from harness.imports.provenance import OPTION, Found, Table
from harness.imports.settings import Grid
from harness.imports.sources.source import Source

KNOWN_PLACES = ("reconstruction/probe/data", "optimizable_tensors/probe")  # of our reconstructions, and PtyRAD's
EDGE = 2.0  # pixels beyond the aperture's radius that its edge may reach
PLANE = (-2, -1)  # axes of a wave
MOST_MODES = 8  # that the program takes
LEAST_SHARE = 0.5  # of the wave's power that lies in the aperture


def settle(
    args: argparse.Namespace, source: Source, optics: Optics, correction: Correction, grid: Grid, table: Table
) -> np.ndarray | None:
    """As datasets have it: complex64 [ky][kx], or [mode][ky][kx] of several, the strongest first, zero frequency first, of power 1
    together; None where it is left to the optics. Throws InputError for a file that holds no such wave or pattern, and for one that
    lies elsewhere than the aperture."""
    if args.probe is None and args.vacuum is None:
        return None
    from_middle = distances(grid.detector, (grid.detector[0] // 2, grid.detector[1] // 2))
    radius = optics.radius / correction.bin
    inside = from_middle <= radius + EDGE
    if args.probe is not None:
        option, file = "--probe", args.probe
        wave = np.fft.fftshift(np.fft.fft2(np.fft.ifftshift(wave_in(args.probe, grid.detector), axes=PLANE)), axes=PLANE)
        said = "a wave" if wave.ndim == 2 else f"{len(wave)} modes with {', '.join(f'{share:.1%}' for share in shares_of(wave))}"
        share = share_inside(wave, inside, option, file)
    else:
        option, file = "--vacuum", args.vacuum
        said = f"amplitude of a pattern, phase of {' and '.join(['C10', 'C30', *optics.aberrations])}"
        pattern = pattern_in(args.vacuum, source, correction)
        share = share_inside(np.sqrt(pattern), inside, option, file)
        wave = np.where(inside, amplitude_of(pattern, from_middle <= radius, correction.used), 0) * lens_phase(optics, grid)
    table.add("probe", f"{said}; {share:.1%} of its power is in the aperture", Found(None, OPTION, f"{option} {file}"))
    return np.fft.ifftshift(wave / np.linalg.norm(wave), axes=PLANE).astype(np.complex64)


def shares_of(modes: np.ndarray) -> np.ndarray:
    """Of the power, by mode."""
    power = (np.abs(modes) ** 2).sum(axis=PLANE)
    return power / power.sum()


def share_inside(wave: np.ndarray, inside: np.ndarray, option: str, file: str) -> float:
    """The part of the wave's power, zero frequency in the middle, that is in the aperture. Throws InputError when that is small."""
    power = np.abs(wave) ** 2
    share = float(power[..., inside].sum() / max(power.sum(), np.finfo(float).tiny))
    if not share >= LEAST_SHARE:
        kind = "a wave in real space whose pixels are the volume's" if option == "--probe" else "a pattern that is centred as the others"
        raise InputError(f"{option}: {file}: {share:.0%} of its power lies in the aperture; valid: {kind}")
    return share


def wave_in(word: str, detector: tuple[int, int]) -> np.ndarray:
    """In real space, [y][x], or [mode][y][x] of several, the strongest first, in the middle of the window. Throws InputError for
    another shape or type, and for a mode without power."""
    found = read_array(Path(with_path(word)), "--probe", COMPLEX)
    if found.ndim not in (2, 3) or found.shape[-2:] != detector or not np.isfinite(found).all():
        raise InputError(f"--probe: {word} has shape {found.shape}; valid: finite numbers, waves of the stored patterns' {detector}")
    if found.ndim == 2 or len(found) == 1:
        return found.reshape(detector)
    if len(found) > MOST_MODES:
        raise InputError(f"--probe: {word} has {len(found)} modes; valid: 1 to {MOST_MODES}")
    power = (np.abs(found) ** 2).sum(axis=PLANE)
    if not (power > 0).all():
        raise InputError(f"--probe: {word}: mode {power.argmin()} has no power; valid: modes that each have some")
    return found[np.argsort(-power, kind="stable")]


def with_path(word: str) -> str:
    """The same with the path inside of an HDF5 file that has its probe where reconstructions do."""
    path = Path(word)
    if "::" in word or not path.is_file() or not h5py.is_hdf5(path):
        return word
    read_first_in_a_child(path)
    with h5py.File(path, "r") as file:
        for place in KNOWN_PLACES:
            if place in file:
                return f"{word}::{place}"
    raise InputError(f"--probe: {word}: has none of {', '.join(KNOWN_PLACES)}; valid: FILE.h5::PATH")


def pattern_in(word: str, source: Source, correction: Correction) -> np.ndarray:
    """Of the empty beam, as the patterns are stored. Throws InputError for one that is not of the same detector."""
    image = read_array(Path(word), "--vacuum")
    image = image[0] if image.ndim == 3 and len(image) == 1 else image
    if image.shape != source.detector:
        raise InputError(f"--vacuum: {word} has shape {image.shape}; valid: a pattern of the detector's {source.detector}")
    bad = ~np.isfinite(image) if correction.bad is None else correction.bad | ~np.isfinite(image)
    return dataclasses.replace(correction, bad=bad, scale=1.0).apply(image[None].astype(np.float32), 0)[0][0].astype(float)


def amplitude_of(pattern: np.ndarray, disk: np.ndarray, used: np.ndarray) -> np.ndarray:
    """Pixels of the disk that were not recorded get the mean of the others."""
    amplitude = np.sqrt(pattern)
    lit = disk & used
    return np.where(disk & ~used, amplitude[lit].mean() if lit.any() else 1.0, amplitude)


def lens_phase(optics: Optics, grid: Grid) -> np.ndarray:
    """exp(-i chi), chi = 2 pi / lambda (C10 alpha^2 / 2 + C30 alpha^4 / 4 + what is not round), zero frequency in the middle."""
    ky, kx = (np.fft.fftshift(np.fft.fftfreq(n, p)) for n, p in zip(grid.detector, grid.pixel_A, strict=True))
    alpha2 = optics.wavelength_A**2 * (ky[:, None] ** 2 + kx[None, :] ** 2)
    path_A = optics.C10_A * alpha2 / 2 + optics.C30_A * alpha2**2 / 4
    if optics.aberrations:
        path_A += aberrations.path_A(optics.aberrations, np.sqrt(alpha2), np.arctan2(ky[:, None], kx[None, :]))
    return np.exp(-2j * np.pi / optics.wavelength_A * path_A)
