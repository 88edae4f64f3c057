#!/usr/bin/env python3
"""Makes aberrated_lens.json: a few pixels of a probe with every aberration, by abTEM in float64.

usage: make_aberrated_lens.py [-o DIR]

Nothing is written unless a separate evaluation by numpy agrees to 1e-12.
"""

import argparse
import json
from importlib.metadata import version
from pathlib import Path

import abtem
import numpy as np

GPTS, SAMPLING = (40, 32), (0.2, 0.25)  # (x, y), angstrom
ENERGY, SEMIANGLE = 200e3, 25.0  # eV, mrad
C10, C30 = -150.0, 8.0e4
ABERRATIONS = {  # n, m, magnitude in angstrom, angle in degrees
    "C12": (1, 2, 60.0, 25.0),
    "C21": (2, 1, 3.0e3, -70.0),
    "C23": (2, 3, 2.5e3, 40.0),
    "C32": (3, 2, 1.5e5, 110.0),
    "C34": (3, 4, 1.2e5, -15.0),
}
PIXELS = 24  # that are kept


def by_abtem():
    """The probe in reciprocal space, [ky][kx], zero frequency first, of power 1; and its wavelength."""
    lens = {"C10": C10, "C30": C30}
    for name, (_, _, magnitude, angle) in ABERRATIONS.items():
        lens |= {name: magnitude, f"phi{name[1:]}": np.deg2rad(angle)}
    with abtem.config.set({"precision": "float64"}):
        probe = abtem.Probe(
            energy=ENERGY,
            aperture=abtem.transfer.Aperture(SEMIANGLE, soft=True),
            aberrations=lens,
            gpts=GPTS,
            extent=tuple(n * d for n, d in zip(GPTS, SAMPLING)),
        )
        waves = probe.build(scan=abtem.CustomScan(np.array([(0.0, 0.0)])), lazy=False)
    return np.fft.fft2(waves.array[0]).T, waves.wavelength


def phase_by_numpy(wavelength):
    """exp(-i chi), [ky][kx]."""
    kx, ky = (np.fft.fftfreq(n, d) for n, d in zip(GPTS, SAMPLING))
    alpha, phi = wavelength * np.hypot(ky[:, None], kx), np.arctan2(ky[:, None], kx)
    path = C10 * alpha**2 / 2 + C30 * alpha**4 / 4
    for n, m, magnitude, angle in ABERRATIONS.values():
        path += magnitude * alpha ** (n + 1) / (n + 1) * np.cos(m * (phi - np.deg2rad(angle)))
    return np.exp(-2j * np.pi / wavelength * path)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-o", "--output", type=Path, default=Path(__file__).parent)
    folder = parser.parse_args().output
    probe, wavelength = by_abtem()
    lit = np.argwhere(np.abs(probe) > 1e-3)
    difference = np.abs(probe - np.abs(probe) * phase_by_numpy(wavelength)).max() / np.abs(probe).max()
    if not difference <= 1e-12:
        raise SystemExit(f"abTEM and numpy differ by {difference:.3g}")
    kept = lit[np.linspace(0, len(lit) - 1, PIXELS).astype(int)]
    found = {
        "generator": f"abTEM {version('abtem')} (GPL-3.0-or-later; data only)",
        "extent": GPTS[::-1],
        "pixel_A": SAMPLING[::-1],
        "energy_eV": ENERGY,
        "semiangle_mrad": SEMIANGLE,
        "C10_A": C10,
        "C30_A": C30,
        "aberrations": {name: values[2:] for name, values in ABERRATIONS.items()},
        "probe": [[int(y), int(x), probe[y, x].real, probe[y, x].imag] for y, x in kept],
    }
    text = json.dumps(found).replace(', "', ',\n "').replace("], [", "],\n  [")
    (folder / "aberrated_lens.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
