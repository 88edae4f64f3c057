#!/usr/bin/env python3
"""Makes the golden files of this folder with abTEM and checks each against an independent numpy program.

usage: make_golden.py [-o DIR]

Axes are [x][y]. README.md says what each dataset is. Nothing is written unless every check holds.
"""

import argparse
import dataclasses
import json
import platform
import sys
from importlib.metadata import version
from pathlib import Path

import abtem
import abtem.parametrizations
import ase
import h5py
import numpy as np
from numpy.fft import fft2, fftfreq, fftshift, ifft2

# Tetragonal PbTiO3, space group P4mm (99), polar axis along the beam.
A_CELL, C_CELL = 3.904, 4.152  # angstrom
BASIS = (
    ("Pb", 0.0, 0.0, 0.0),
    ("Ti", 0.5, 0.5, 0.538),
    ("O", 0.5, 0.5, 0.1118),
    ("O", 0.5, 0.0, 0.6174),
    ("O", 0.0, 0.5, 0.6174),
)

CUTOFF, TAPER = 0.6666666, 0.01  # abTEM's antialias aperture
PARAMETRIZATIONS = {
    "lobato": abtem.parametrizations.LobatoParametrization,
    "kirkland": abtem.parametrizations.KirklandParametrization,
}
GRADIENT_SCALE = 0.7  # dF/dV is taken at this fraction of the true potential
# CODATA 2018: h^2 / (2 pi m e) in V A^2 turns a scattering factor in angstrom into a projected potential.
PLANCK, ELECTRON_MASS, CHARGE = 6.62607015e-34, 9.1093837015e-31, 1.602176634e-19
VOLT_A2 = PLANCK**2 / (2 * np.pi * ELECTRON_MASS * CHARGE) * 1e20

WAVE_LIMIT = 1e-12  # abTEM's waves against numpy's, of the largest value: rounding of float64 transforms
GRADIENT_LIMIT = 1e-5  # adjoint against central differences: truncation and cancellation of the difference
KEPT_BITS = (
    28  # of a float64's 52: 2e-9 relative, a thousandth of the tightest limit, for files half the size
)


@dataclasses.dataclass(frozen=True)
class Case:
    """One golden file; lengths in angstrom, (x, y) where there are two."""

    name: str
    note: str
    box: tuple
    gpts: tuple
    cells: tuple  # unit cells along x and y
    origin: tuple  # of the first cell
    slices: int
    slice_thickness: float
    parametrization: str
    sigmas: dict  # rms displacement along one axis, by element; empty for a static lattice
    energy: float  # eV
    semiangle: float  # mrad
    C10: float
    C30: float
    soft: bool
    positions: tuple

    @property
    def sampling(self):
        return tuple(length / n for length, n in zip(self.box, self.gpts))


CASES = (
    Case(
        "pto_static_lobato_300kV_48x48",
        "PbTiO3 2x2 cells periodic, static lattice, spherical aberration; position 0 on a pixel, 1 off",
        box=(2 * A_CELL, 2 * A_CELL),
        gpts=(48, 48),
        cells=(2, 2),
        origin=(0.0, 0.0),
        slices=6,
        slice_thickness=1.25,
        parametrization="lobato",
        sigmas={},
        energy=300e3,
        semiangle=22.0,
        C10=-180.0,
        C30=1.0e5,
        soft=True,
        positions=((0.0, 0.0), (3.3, 5.137)),
    ),
    Case(
        "pto_debye_waller_kirkland_80kV_40x48",
        "PbTiO3 2x2 cell cluster in a vacuum border, rectangular grid of unequal pixels, Debye-Waller "
        "smeared (B of Pb, Ti, O = 0.9, 0.45, 0.7 A^2, illustrative), positive C10; position 0 on a pixel, "
        "1 and 2 off",
        box=(8.64, 8.96),
        gpts=(40, 48),
        cells=(2, 2),
        origin=(0.44, 0.61),
        slices=6,
        slice_thickness=1.25,
        parametrization="kirkland",
        sigmas={s: float(np.sqrt(b / (8 * np.pi**2))) for s, b in (("Pb", 0.9), ("Ti", 0.45), ("O", 0.7))},
        energy=80e3,
        semiangle=28.0,
        C10=160.0,
        C30=0.0,
        soft=True,
        positions=((4.32, 4.48), (3.25, 5.61), (5.049, 3.333)),
    ),
    Case(
        "pto_static_lobato_200kV_hard_32x24",
        "PbTiO3 one cell periodic, rectangular grid of unequal pixels, hard aperture; position 0 on a pixel, "
        "1 off",
        box=(A_CELL, A_CELL),
        gpts=(32, 24),
        cells=(1, 1),
        origin=(0.0, 0.0),
        slices=7,
        slice_thickness=1.25,
        parametrization="lobato",
        sigmas={},
        energy=200e3,
        semiangle=30.0,
        C10=-40.0,
        C30=0.0,
        soft=False,
        positions=((0.0, 0.0), (1.7, 0.9)),
    ),
    Case(
        "pto_static_lobato_300kV_64x128",
        "PbTiO3 2x4 cells periodic, static lattice, on a grid whose lines have powers of two; off a pixel",
        box=(2 * A_CELL, 4 * A_CELL),
        gpts=(64, 128),
        cells=(2, 4),
        origin=(0.0, 0.0),
        slices=3,
        slice_thickness=1.25,
        parametrization="lobato",
        sigmas={},
        energy=300e3,
        semiangle=22.0,
        C10=-180.0,
        C30=0.0,
        soft=True,
        positions=((3.3, 7.137),),
    ),
)


class CheckFailed(RuntimeError):
    """A golden file would disagree with the independent calculation."""


def specimen(case):
    """Atoms whose height lies inside the slices, and the slice index of each."""
    depth = case.slices * case.slice_thickness
    atoms = [
        (s, case.origin[0] + (i + x) * A_CELL, case.origin[1] + (j + y) * A_CELL, (k + z) * C_CELL)
        for i in range(case.cells[0])
        for j in range(case.cells[1])
        for k in range(int(np.ceil(depth / C_CELL)))
        for s, x, y, z in BASIS
    ]
    atoms = [a for a in atoms if a[3] < depth]
    cell = (*case.box, depth)
    crystal = ase.Atoms([a[0] for a in atoms], positions=[a[1:] for a in atoms], cell=cell, pbc=True)
    return crystal, np.floor(crystal.positions[:, 2] / case.slice_thickness).astype(np.int32)


def frequencies(case):
    """kx [x][1] and ky [1][y] in 1/angstrom, zero frequency first."""
    kx, ky = (fftfreq(n, d) for n, d in zip(case.gpts, case.sampling))
    return kx[:, None], ky[None, :]


def scattering_factor(case, symbol, k2):
    """Electron scattering factor in angstrom from the published table, times the Debye-Waller factor."""
    p = np.array(PARAMETRIZATIONS[case.parametrization]().parameters[symbol])
    if case.parametrization == "lobato":  # Lobato and Van Dyck, Acta Cryst. A 70, 636 (2014), eq. 5
        f = sum(a * (2 + b * k2) / (1 + b * k2) ** 2 for a, b in p.T)
    else:  # Kirkland, Advanced Computing in Electron Microscopy (2010), eq. C.15
        f = sum(a / (b + k2) + c * np.exp(-d * k2) for a, b, c, d in p.T)
    return f * np.exp(-2 * np.pi**2 * case.sigmas.get(symbol, 0.0) ** 2 * k2)


def exact_potential(case, atoms, slice_index):
    """Projected potential by the structure-factor sum over atoms, [slice][x][y], V*angstrom."""
    kx, ky = frequencies(case)
    pixel = np.prod(case.sampling)
    symbols = np.array(atoms.get_chemical_symbols())
    potential = np.zeros((case.slices, *case.gpts))
    for s in range(case.slices):
        spectrum = np.zeros(case.gpts, complex)
        for symbol in sorted(set(symbols)):
            x, y = atoms.positions[(symbols == symbol) & (slice_index == s), :2].T
            waves = np.exp(-2j * np.pi * kx * x) @ np.exp(-2j * np.pi * y[:, None] * ky)
            spectrum += VOLT_A2 * scattering_factor(case, symbol, kx**2 + ky**2) * waves
        potential[s] = ifft2(spectrum).real / pixel
    return potential


def probes(case, wavelength, positions):
    """Incident waves of sum |fft2|^2 = 1, one per position in angstrom, [position][x][y]."""
    kx, ky = frequencies(case)
    alpha = wavelength * np.sqrt(kx**2 + ky**2)
    step_x, step_y = (
        wavelength / length for length in case.box
    )  # mrad / 1000 per pixel of the reciprocal grid
    phi = np.arctan2(ky, kx)
    edge = np.sqrt(
        (np.cos(phi) * step_x) ** 2 + (np.sin(phi) * step_y) ** 2
    )  # one pixel along the direction of k
    ramp = np.clip((case.semiangle * 1e-3 - alpha) / edge + 0.5, 0, 1)
    aperture = ramp if case.soft else (alpha <= case.semiangle * 1e-3).astype(float)
    aperture[0, 0] = 1
    chi = 2 * np.pi / wavelength * (case.C10 * alpha**2 / 2 + case.C30 * alpha**4 / 4)
    spectrum = aperture * np.exp(-1j * chi)
    spectrum /= np.sqrt(np.sum(np.abs(spectrum) ** 2))
    return np.array([ifft2(spectrum * np.exp(-2j * np.pi * (kx * x + ky * y))) for x, y in positions])


def antialias_mask(case):
    """abTEM's antialias aperture: radial, its radius set by the larger of two unequal pixels."""
    kx, ky = frequencies(case)
    k = np.sqrt(kx**2 + ky**2)
    cutoff, taper = CUTOFF / max(case.sampling) / 2, TAPER / max(case.sampling)
    mask = 0.5 * (1 + np.cos(np.pi * (k - cutoff + taper) / taper))
    return np.where(k > cutoff, 0.0, np.where(k > cutoff - taper, mask, 1.0))


@dataclasses.dataclass(frozen=True)
class Model:
    """psi <- IFFT[P FFT[t psi]], slice by slice, with an optional mask on t and P."""

    sigma: float
    propagator: np.ndarray
    mask: np.ndarray  # 1.0 where there is no bandwidth limit

    def transmission(self, slice_potential):
        return ifft2(self.mask * fft2(np.exp(1j * self.sigma * slice_potential)))

    def waves(self, potential, incident):
        """The incident wave and the wave behind each slice, [slice + 1][x][y]."""
        waves = [incident]
        for v in potential:
            waves.append(ifft2(self.mask * self.propagator * fft2(self.transmission(v) * waves[-1])))
        return np.array(waves)

    def loss_and_gradient(self, potential, incident, amplitude):
        """Sum over positions of (amplitude - |fft2(exit)|)^2 and its gradient; without a bandwidth limit."""
        loss, gradient = 0.0, np.zeros_like(potential)
        for psi0, a in zip(incident, amplitude):
            waves = self.waves(potential, psi0)
            far = fft2(waves[-1])
            modulus = np.abs(far)
            loss += np.sum((a - modulus) ** 2)
            adjoint = far.size * ifft2((modulus - a) * np.exp(1j * np.angle(far)))
            for s in reversed(range(len(potential))):
                t = np.exp(1j * self.sigma * potential[s])
                adjoint = ifft2(np.conj(self.propagator) * fft2(adjoint))
                gradient[s] += 2 * np.real(np.conj(adjoint) * 1j * self.sigma * t * waves[s])
                adjoint = np.conj(t) * adjoint
        return loss, gradient


def difference_error(model, potential, incident, amplitude, gradient):
    """Relative error of the gradient along a fixed random direction against central differences."""
    direction = np.random.default_rng(1).standard_normal(potential.shape)
    step = 1e-2  # V*angstrom
    up, down = (
        model.loss_and_gradient(potential + sign * step * direction, incident, amplitude)[0]
        for sign in (1, -1)
    )
    slope = np.sum(gradient * direction)
    return abs((up - down) / (2 * step) - slope) / abs(slope)


def abtem_results(case, atoms):
    """What abTEM computes for a case, as a dict of arrays of the golden file and its two constants."""
    potential = abtem.Potential(
        atoms,
        gpts=case.gpts,
        slice_thickness=case.slice_thickness,
        projection="infinite",
        parametrization=PARAMETRIZATIONS[case.parametrization](sigmas=case.sigmas),
        exit_planes=1,
    )
    potential = potential.build(lazy=False)
    probe = abtem.Probe(
        energy=case.energy,
        aperture=abtem.transfer.Aperture(case.semiangle, soft=case.soft),
        aberrations={"C10": case.C10, "C30": case.C30},
        gpts=case.gpts,
        extent=case.box,
    )

    def at(positions):
        return probe.build(scan=abtem.CustomScan(np.array(positions)), lazy=False)

    incident = at(case.positions)
    behind = incident.multislice(potential).array  # [exit plane][position][x][y]
    transmission = potential.transmission_function(case.energy)
    transmission = abtem.antialias.AntialiasAperture().bandlimit(transmission)
    exit_waves = behind[-1]
    return (
        {
            "potential": potential.array,
            "probe_origin": at([(0.0, 0.0)]).array[0],
            "probe_waves": incident.array,
            "slice_waves_pos0": behind[:, 0],
            "exit_waves": exit_waves,
            "transmission0": transmission.array[0],
            "antialias": abtem.antialias.antialias_aperture(case.gpts, case.sampling, np),
            "propagator": abtem.multislice.FresnelPropagator().get_array(incident, case.slice_thickness),
            "diffraction": fftshift(np.abs(fft2(exit_waves)) ** 2, axes=(-2, -1)),
        },
        abtem.core.energy.energy2wavelength(case.energy),
        abtem.core.energy.energy2sigma(case.energy),
    )


def check(name, value, limit):
    """Returns the value, or throws when it is over its limit or not a number."""
    if not value <= limit:
        raise CheckFailed(f"{name} is {value:.3g}, which must be at most {limit:.3g}")
    return float(value)


def relative(value, reference):
    return np.abs(value - reference).max() / np.abs(reference).max()


def make(case):
    """All datasets and attributes of one golden file, checked."""
    atoms, slice_index = specimen(case)
    data, wavelength, sigma = abtem_results(case, atoms)
    kx, ky = frequencies(case)
    free = np.exp(-1j * np.pi * wavelength * case.slice_thickness * (kx**2 + ky**2))
    exact = exact_potential(case, atoms, slice_index)
    limited = Model(sigma, free, antialias_mask(case))
    numpy_probes = probes(case, wavelength, case.positions)
    numpy_waves = np.array([limited.waves(data["potential"], p) for p in numpy_probes])
    checks = {
        name: check(f"{case.name}: {name}", error, WAVE_LIMIT)
        for name, error in (
            ("antialias", relative(data["antialias"], limited.mask)),
            ("propagator", relative(data["propagator"], free * limited.mask)),
            ("transmission0", relative(data["transmission0"], limited.transmission(data["potential"][0]))),
            ("probe_origin", relative(data["probe_origin"], probes(case, wavelength, [(0.0, 0.0)])[0])),
            ("probe_waves", relative(data["probe_waves"], numpy_probes)),
            ("slice_waves_pos0", relative(data["slice_waves_pos0"], numpy_waves[0])),
            ("exit_waves", relative(data["exit_waves"], numpy_waves[:, -1])),
        )
    }
    # abTEM spreads off-pixel atoms bilinearly, so only a slice's mean, the zero beam, must agree closely.
    checks["mean_potential"] = check(
        f"{case.name}: mean potential", relative(data["potential"].mean((1, 2)), exact.mean((1, 2))), 1e-6
    )
    checks["potential_exact_vs_abtem"] = check(
        f"{case.name}: potential", np.linalg.norm(data["potential"] - exact) / np.linalg.norm(exact), 0.2
    )

    free_model = Model(sigma, free, np.ones(case.gpts))
    amplitude = np.abs(fft2([free_model.waves(exact, p)[-1] for p in data["probe_waves"]]))
    cost, gradient = free_model.loss_and_gradient(GRADIENT_SCALE * exact, data["probe_waves"], amplitude)
    slope_error = check(
        f"{case.name}: gradient against central differences",
        difference_error(free_model, GRADIENT_SCALE * exact, data["probe_waves"], amplitude, gradient),
        GRADIENT_LIMIT,
    )
    exit_exact = np.array([limited.waves(exact, p)[-1] for p in data["probe_waves"]])
    data |= {
        "atoms/cell_A": atoms.cell.lengths(),
        "atoms/numbers": atoms.numbers.astype(np.int32),
        "atoms/positions_A": atoms.positions,
        "atoms/slice_index": slice_index,
        "positions_A": np.array(case.positions),
        "k_x_per_A": fftshift(kx.ravel()),
        "k_y_per_A": fftshift(ky.ravel()),
        "potential_exact": exact,
        "diffraction_exact_potential": fftshift(np.abs(fft2(exit_exact)) ** 2, axes=(-2, -1)),
        "gradient/amplitude": amplitude,
        "gradient/cost": cost,
        "gradient/dF_dV": gradient,
    }
    return data, attributes(case, wavelength, sigma, checks), slope_error


def attributes(case, wavelength, sigma, checks):
    """Root attributes: every parameter and convention of a file."""
    return {
        "note": case.note,
        "generator": f"abTEM {version('abtem')} (GPL-3.0-or-later; data only)",
        "conventions": "axis0=x, axis1=y (row-major [x,y]); T=exp(+i*sigma*V); P=exp(-i*pi*lambda*dz*k^2); "
        "probe=A*exp(-i*chi), chi=(2pi/lambda)*(C10*alpha^2/2+C30*alpha^4/4); shift exp(-2pi i k.r); "
        "sum|FFT(psi0)|^2=1 (unnormalised numpy fft2); exit wave is after propagation past last slice; "
        "dp=fftshift|fft2|^2; aa applied to T (each slice) and to P; "
        f"fields keep {KEPT_BITS} bits of their mantissa",
        "energy_eV": case.energy,
        "wavelength_A": wavelength,
        "sigma_per_V_per_A": sigma,
        "semiangle_mrad": case.semiangle,
        "aperture": "soft" if case.soft else "hard",
        "C10_A": case.C10,
        "defocus_A": -case.C10,
        "C30_A": case.C30,
        "gpts": np.array(case.gpts),
        "sampling_A": np.array(case.sampling),
        "num_slices": case.slices,
        "slice_thickness_A": case.slice_thickness,
        "antialias_cutoff": CUTOFF,
        "antialias_taper": TAPER,
        "parametrization": case.parametrization,
        "projection": "infinite",
        "sigmas_A": json.dumps(case.sigmas),
        "checks": json.dumps(checks),
        "python": platform.python_version(),
    } | {package: version(package) for package in ("ase", "dask", "numba", "numpy", "scipy")}


DESCRIPTIONS = {
    "potential": {"axes": "slice,x,y", "desc": "abTEM infinite projection", "units": "V*Angstrom"},
    "potential_exact": {
        "axes": "slice,x,y",
        "units": "V*Angstrom",
        "desc": "independent structure-factor evaluation of same parametrization",
    },
    "diffraction": {"axes": "position,kx,ky", "desc": "fftshifted |fft2(exit)|^2, full"},
    "probe_origin": {"desc": "probe centred at (0,0)"},
    "slice_waves_pos0": {"desc": "[0]=incident, [i]=after slice i (transmit+propagate)"},
    "gradient/amplitude": {"units": "sqrt(probability), unshifted k axes"},
    "gradient/cost": {"units": "1"},
    "gradient/dF_dV": {"units": "1/(V*Angstrom)"},
}


def rounded(array):
    """Floats with the mantissa rounded to KEPT_BITS, so that gzip finds zeros behind it."""
    dropped, one = np.uint64(52 - KEPT_BITS), np.uint64(1)
    bits = array.ravel().view(np.uint64) + (one << (dropped - one))
    return ((bits >> dropped) << dropped).view(array.dtype).reshape(array.shape)


def write(path, data, attrs, slope_error):
    """Writes one file under its final name only when it is whole."""
    partial = path.with_name(path.name + ".partial")
    with h5py.File(partial, "w") as file:
        file.attrs.update(attrs)
        for name, value in data.items():
            is_field = np.ndim(value) >= 2 and not name.startswith("atoms/") and name != "positions_A"
            packing = {"compression": "gzip", "compression_opts": 9, "shuffle": True} if is_field else {}
            dataset = file.create_dataset(
                name, data=rounded(value) if is_field else value, track_times=False, **packing
            )
            dataset.attrs.update(DESCRIPTIONS.get(name, {}))
        file["gradient"].attrs.update(
            {
                "desc": "cost F=sum_i sum_k(|y_i|-|G_i(V)|)^2 and dF/dV at V=0.7*potential_exact; "
                "y_i=|G_i(potential_exact)|; G=fft2 (unnormalised) of the exit wave; no antialias on T or P "
                "(|T|=|P|=1); float64 numpy adjoint checked by central differences",
                "finite_difference_rel_error": slope_error,
                "scale": GRADIENT_SCALE,
            }
        )
    partial.replace(path)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "-o", "--output", type=Path, default=Path(__file__).parent, help="folder for the files"
    )
    folder = parser.parse_args().output
    abtem.config.set(
        {
            "precision": "float64",
            "fft": "numpy",
            "device": "cpu",
            "dask.lazy": False,
            "diagnostics.progress_bar": False,
            "antialias.cutoff": CUTOFF,
            "antialias.taper": TAPER,
        }
    )
    try:
        made = [(case, *make(case)) for case in CASES]
    except CheckFailed as failure:
        print(f"make_golden.py: {failure}; nothing written", file=sys.stderr)
        return 1
    for case, data, attrs, slope_error in made:
        path = folder / f"{case.name}.h5"
        write(path, data, attrs, slope_error)
        kilobytes = path.stat().st_size / 1e3
        print(f"{path.name}: {kilobytes:.0f} kB, gradient error {slope_error:.1e}, {attrs['checks']}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
