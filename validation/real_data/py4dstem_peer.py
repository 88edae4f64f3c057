"""Reconstructs the scan of ci/real-data with py4DSTEM's multislice gradient descent, on one core: the same patterns, mask, slices, optics
and positions, the probe known. Writes the phase summed over slices after every iteration, rad, and the processor seconds of each."""

import argparse
import os
import time
from pathlib import Path

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1")

import h5py  # noqa: E402
import numpy as np  # noqa: E402
import py4DSTEM  # noqa: E402
from py4DSTEM.process.phase import MultislicePtychography  # noqa: E402


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dataset", type=Path, help="scan.h5")
    parser.add_argument("-o", "--output", type=Path, required=True, help=".npz")
    parser.add_argument("--iterations", type=int, default=12)
    parser.add_argument("--batch", type=int, default=16, help="positions in a batch [%(default)s]")
    parser.add_argument("--step", type=float, default=0.1, help="py4DSTEM's step_size [%(default)s]")
    args = parser.parse_args()
    with h5py.File(args.dataset) as file:
        own, data = file["ptychoscale"], file["dataset/datacube/data"][...].astype(np.float32)
        used = own["pixels_used"][...].astype(bool)
        slices, thickness = int(own.attrs["slices"]), float(own.attrs["slice_thickness_A"])
        positions, pixel, step_A = own["positions_A"][...], own.attrs["pixel_A"], own.attrs["scan_step_A"][0]
        optics = {key: file[f"dataset/metadatabundle/microscope/{key}"][()] for key in ("energy_eV", "semiangle_cutoff_mrad", "C10_A")}
    ny, nx = data.shape[2:]
    cube = py4DSTEM.DataCube(data=data * used)
    cube.calibration.set_Q_pixel_size(1 / (ny * pixel[0]))
    cube.calibration.set_Q_pixel_units("A^-1")
    cube.calibration.set_R_pixel_size(float(step_A))
    cube.calibration.set_R_pixel_units("A")
    solver = MultislicePtychography(
        datacube=cube,
        energy=optics["energy_eV"],
        num_slices=slices,
        slice_thicknesses=thickness,
        semiangle_cutoff=optics["semiangle_cutoff_mrad"],
        defocus=-optics["C10_A"],
        rolloff=1.0,
        object_type="potential",
        initial_scan_positions=positions - positions.min(axis=0),
        verbose=False,
    )
    middle = np.full(data.shape[:2], float(ny // 2)), np.full(data.shape[:2], float(nx // 2))
    solver.preprocess(
        force_com_rotation=0, force_com_transpose=False, force_com_shifts=middle, plot_center_of_mass=False, plot_rotation=False,
        plot_probe_overlaps=False,
    )  # fmt: skip
    phases, seconds = [], []
    for iteration in range(args.iterations):
        start = time.process_time()
        solver.reconstruct(
            num_iter=1, reset=iteration == 0, max_batch_size=args.batch, step_size=args.step, seed_random=iteration, fix_probe=True,
            detector_fourier_mask=np.fft.ifftshift(used), progress_bar=False,
        )  # fmt: skip
        seconds.append(time.process_time() - start)
        phases.append(np.asarray(solver.object).sum(axis=0))
    np.savez(
        args.output,
        name=f"py4DSTEM {py4DSTEM.__version__}, {args.batch} positions at once, step {args.step:g}",
        phase_sums_rad=np.array(phases),
        seconds=seconds,
        pixel_A=solver.sampling,
        positions_A=np.asarray(solver.positions),
    )


if __name__ == "__main__":
    main()
