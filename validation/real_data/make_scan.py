"""Makes a scan as a microscope records it, with another code's physics: abTEM's multislice of strontium titanate with frozen phonons,
sampled finer than any solver of ours, then all that solvers are not told of. Writes scan.emd, in py4DSTEM's layout, and truth.npz."""

import argparse
import concurrent.futures
import dataclasses
import os
from pathlib import Path

import numpy as np

CELL_A = 3.905  # cubic SrTiO3
CELLS = 8  # across; patterns are sampled by one over that
LAYERS = 5  # cells along the beam: 19.5 A
FINE = 160  # pixels across in abTEM
PHONONS_A = {"Sr": 0.085, "Ti": 0.075, "O": 0.095}  # root mean square displacement along each axis, at about room temperature
ENERGY_EV, SEMIANGLE_MRAD, DEFOCUS_A = 300e3, 20.0, 150.0


@dataclasses.dataclass(frozen=True)
class Microscope:
    """What is done to the patterns, and how the scan lies."""

    scan: int = 20  # rows and columns
    step_A: float = 1.0
    rotation_deg: float = 17.0  # from the scan to the detector, py4DSTEM's QR_rotation
    detector: int = 96  # pixels kept of FINE
    shift: tuple[int, int] = (1, -2)  # of the disk's middle off the detector's
    blur_px: float = 0.5  # of the detector's point spread, root mean square
    electrons: float = 3_000.0  # of a pattern
    hot: tuple = ((30, 41), (70, 12), (88, 80))
    dead: tuple = ((45, 60), (60, 38), (52, 52))


def specimen():
    """A crystal with what tells its cells apart: two strontium columns and one of titanium and oxygen lack atoms."""
    import ase.build
    import ase.spacegroup

    sites = [(0, 0, 0), (0.5, 0.5, 0.5), (0.5, 0.5, 0)]
    cell = ase.spacegroup.crystal(["Sr", "Ti", "O"], sites, spacegroup=221, cellpar=[CELL_A] * 3 + [90] * 3)
    atoms = ase.build.make_supercell(cell, np.diag([CELLS, CELLS, LAYERS]))
    atoms.positions[:, :2] += CELL_A / 4  # no atom on the border
    at, symbols = atoms.positions / CELL_A - 0.25, np.array(atoms.get_chemical_symbols())

    def column(y: float, x: float, layers) -> np.ndarray:
        return (np.abs(at[:, 0] - y) < 0.1) & (np.abs(at[:, 1] - x) < 0.1) & np.isin(np.floor(at[:, 2] + 0.26), layers)

    lost = column(3, 4, [0, 1, 2, 3, 4]) | column(5, 3, [0, 1, 2]) | (column(4.5, 5.5, [1, 2, 3]) & (symbols != "Sr"))
    assert 8 <= lost.sum() <= 20, lost.sum()
    return atoms[~lost]


def positions(m: Microscope) -> np.ndarray:
    """[n][2] (y, x) in angstrom around the cell's middle: the scan's raster, turned into the detector's frame."""
    line = (np.arange(m.scan) - (m.scan - 1) / 2) * m.step_A
    y, x = (axis.ravel() for axis in np.meshgrid(line, line, indexing="ij"))
    c, s = np.cos(np.deg2rad(m.rotation_deg)), np.sin(np.deg2rad(m.rotation_deg))
    return np.stack([c * y + s * x, -s * y + c * x], axis=1) + CELLS * CELL_A / 2


def configure() -> None:
    import abtem

    abtem.config.set({"precision": "float32", "fft": "numpy", "device": "cpu", "dask.lazy": False, "diagnostics.progress_bar": False})


def potential_of(atoms):
    import abtem

    return abtem.Potential(atoms, gpts=(FINE, FINE), slice_thickness=CELL_A / 2, projection="infinite").build(lazy=False)


def intensities(job: tuple[int, Microscope]) -> tuple[np.ndarray, np.ndarray]:
    """Of one snapshot of the vibrating crystal: patterns [n][ky][kx] of a beam of 1, zero frequency in the middle, and the potential
    summed over slices."""
    import abtem

    configure()
    seed, m = job
    atoms = specimen()
    sigmas = np.array([PHONONS_A[symbol] for symbol in atoms.get_chemical_symbols()])
    atoms.positions += np.random.default_rng(seed).normal(size=atoms.positions.shape) * sigmas[:, None]
    atoms.wrap()
    potential = potential_of(atoms)
    probe = abtem.Probe(
        energy=ENERGY_EV, semiangle_cutoff=SEMIANGLE_MRAD, aberrations={"C10": -DEFOCUS_A}, gpts=(FINE, FINE), extent=(CELLS * CELL_A,) * 2
    )
    found = []
    for some in np.array_split(positions(m), 10):  # not all exit waves at once
        incident = probe.build(scan=abtem.CustomScan(some), lazy=False)
        before = np.sum(np.abs(np.fft.fft2(incident.array[:1])) ** 2)
        exit_waves = incident.multislice(potential).array
        pattern = np.fft.fftshift(np.abs(np.fft.fft2(exit_waves)) ** 2, axes=(1, 2)) / before
        found.append(cropped(pattern, m))
    return np.concatenate(found), potential.array.sum(axis=0)


def cropped(pattern: np.ndarray, m: Microscope) -> np.ndarray:
    """The detector's pixels, the disk off its middle."""
    first = [FINE // 2 - m.detector // 2 - shift for shift in m.shift]
    return pattern[:, first[0] : first[0] + m.detector, first[1] : first[1] + m.detector]


def recorded(mean: np.ndarray, m: Microscope) -> np.ndarray:
    """Counts uint16 of mean patterns of a beam of 1: blurred, counted, on a detector with bad pixels."""
    import scipy.ndimage

    blurred = scipy.ndimage.gaussian_filter(mean, (0, m.blur_px, m.blur_px), mode="nearest")
    counts = np.random.default_rng(7).poisson(m.electrons * blurred)
    for y, x in m.hot:
        counts[:, y, x] = np.random.default_rng(y).integers(2000, 4000, len(counts))
    for y, x in m.dead:
        counts[:, y, x] = 0
    return counts.astype(np.uint16)


def write(folder: Path, counts: np.ndarray, truth: np.ndarray, m: Microscope) -> None:
    """The scan as emdfile, which py4DSTEM writes with, lays it out, and beside it what a solver should find."""
    import emdfile

    k = 1 / (CELLS * CELL_A)
    cube = emdfile.Array(
        counts.reshape(m.scan, m.scan, m.detector, m.detector),
        name="datacube",
        units="electrons",
        dims=[m.step_A, m.step_A, k, k],
        dim_units=["A", "A", "A^-1", "A^-1"],
        dim_names=["Ry", "Rx", "Qy", "Qx"],
    )
    root = emdfile.Root(name="scan")
    root.tree(cube)
    root.metadata = emdfile.Metadata(
        name="calibration", data={"Q_pixel_size": k, "Q_pixel_units": "A^-1", "R_pixel_size": m.step_A, "R_pixel_units": "A"}
    )
    emdfile.save(str(folder / "scan.emd"), root, mode="o")
    np.savez(
        folder / "truth.npz",
        potential_sum_VA=truth,
        pixel_A=CELLS * CELL_A / FINE,
        positions_A=positions(m),
        bad_pixels=np.array([*m.hot, *m.dead]),
        rotation_deg=m.rotation_deg,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-o", "--output", type=Path, required=True, help="folder for scan.emd and truth.npz")
    parser.add_argument("--snapshots", type=int, default=4, help="of the vibrating crystal, added up [%(default)s]")
    args = parser.parse_args()
    m = Microscope()
    args.output.mkdir(parents=True, exist_ok=True)
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    with concurrent.futures.ProcessPoolExecutor(min(len(os.sched_getaffinity(0)), args.snapshots)) as pool:
        found = list(pool.map(intensities, [(seed, m) for seed in range(args.snapshots)]))
    mean, truth = (sum(each) / len(found) for each in zip(*found, strict=True))
    counts = recorded(mean, m)
    write(args.output, counts, truth, m)
    inside = mean.sum(axis=(1, 2)).mean()
    print(f"{args.output / 'scan.emd'}: {len(counts)} patterns, {m.electrons:g} electrons each, {inside:.1%} of them on the detector")


if __name__ == "__main__":
    main()
