"""What the suite promises of the case `ci`: quality, memory and reproducibility of real runs under the real launcher.

PTYCHOSCALE names the executable; ctest sets what its launcher needs to run more ranks than cores. Figures are printed as they are checked (pytest -s).
"""

import filecmp
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))

from patience import HANG_SECONDS  # noqa: E402

PTYCHOSCALE = os.environ["PTYCHOSCALE"]
MB = 1 << 20


@pytest.fixture(scope="session")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("claims")


@pytest.fixture(scope="session")
def dataset(home):
    path = home / "ci.h5"
    subprocess.run([PTYCHOSCALE, "simulate", "ci", "-o", path], check=True, timeout=HANG_SECONDS)
    return path


@pytest.fixture(scope="session")
def reconstruct(home, dataset):
    """Runs `ptychoscale reconstruct` on some ranks and returns the report's row; equal requests run once."""
    rows = {}

    def run(ranks, *options, name=None):
        key = (ranks, options, name)
        if key not in rows:
            stem = home / (name or f"run{len(rows)}")
            command = ["mpirun", "-n", str(ranks), PTYCHOSCALE, "reconstruct", dataset, "-o", f"{stem}.h5"]
            command += ["--fftw-wisdom", home / "wisdom", "--json", f"{stem}.json", *options]
            subprocess.run(command, check=True, timeout=HANG_SECONDS, stdout=subprocess.DEVNULL)
            with open(f"{stem}.json", encoding="utf-8") as file:
                (rows[key],) = json.load(file)["benchmarks"]
        return rows[key]

    return run


SERIAL = (1, "--method", "serial", "--iterations", "20")
GD = (4, "--method", "gd", "--iterations", "20")
HVE = (4, "--method", "hve", "--iterations", "20")
SMALL_STEP = "9e6"  # (V A)^2, a sixteenth of the serial default: overlaps are corrected little by little
GD_SMALL = (4, "--method", "gd", "--iterations", "8", "--rounds", "1", "--step", SMALL_STEP)
SERIAL_SMALL = (1, "--method", "serial", "--iterations", "8", "--step", SMALL_STEP)


@pytest.mark.parametrize("run", [SERIAL, GD, HVE], ids=["serial", "gd", "hve"])
def test_cost_falls_twentyfold_and_the_potential_is_right(reconstruct, run):
    row = reconstruct(*run)
    fall = row["cost_of_empty_volume"] / row["cost"]
    print(f"\n{row['name']}: cost / {fall:.1f}, RMSE {100 * row['relative_rmse']:.2f} % of the truth's deviation")
    assert fall >= 20
    assert row["relative_rmse"] <= 0.04


def test_gd_comes_as_near_to_the_truth_as_hve_and_a_half(reconstruct):
    gd, hve = (reconstruct(*run)["relative_rmse"] for run in (GD, HVE))
    print(f"\nRMSE, gd / hve: {gd / hve:.3f}")
    assert gd <= 1.5 * hve


@pytest.mark.parametrize("run", [SERIAL, GD, HVE], ids=["serial", "gd", "hve"])
def test_what_ranks_find_on_the_way_is_the_quality_of_the_stitched_volume(reconstruct, run):
    ranks, *options, _ = run
    row = reconstruct(ranks, *options, "5", "--quality-every", "2")
    assert row["relative_rmse_after"] == [2, 4, 5]
    # One sum in double precision against another, over potentials that the file holds in single.
    assert row["relative_rmse_of_iterations"][-1] == pytest.approx(row["relative_rmse"], rel=1e-5)
    assert row["structural_similarity_of_iterations"][-1] == pytest.approx(row["structural_similarity"], rel=1e-5)
    assert len(row["structural_similarity_of_iterations"]) == 3
    assert row["cost_of_iterations"] == reconstruct(*run)["cost_of_iterations"][:5]


def test_gd_with_one_exchange_per_iteration_and_a_small_step_ends_near_the_serial_cost(reconstruct):
    gd = reconstruct(*GD_SMALL)
    serial = reconstruct(*SERIAL_SMALL)
    print(f"\ngd / serial cost at the same step: {gd['cost'] / serial['cost']:.3f}")
    assert gd["cost"] == pytest.approx(serial["cost"], rel=0.2)


@pytest.mark.parametrize("run", [GD, HVE], ids=["gd", "hve"])
def test_no_seams_are_seen_and_their_metrics_are_reported(reconstruct, run):
    row = reconstruct(*run)
    assert row["seam_rows_z"] is not None and row["seam_columns_z"] is not None
    assert not row["seam_found"]


@pytest.mark.parametrize(
    "mesh, exchange",
    [("1x2", "appp"), ("2x2", "appp"), ("2x3", "appp"), ("3x3", "appp"), ("2x2", "passes"), ("2x2", "neighbours"), ("2x2", "allreduce")],
)
def test_memory_per_rank(reconstruct, mesh, exchange):
    rows, columns = map(int, mesh.split("x"))
    row = reconstruct(rows * columns, "--method", "gd", "--iterations", "1", "--mesh", mesh, "--exchange", exchange)
    voxels = row["extended_voxels_max"]
    used = row["memory_peak_bytes_max"] - row["memory_measurements_bytes_max"]
    print(f"\n{mesh} {exchange}: {used / MB:.2f} MB for {voxels:.0f} voxels, measurements aside")
    assert used <= 16 * voxels + 64 * MB
    # These tiles would fit into the 64 MB alone, so also what makes the bound hold for large ones: two floats per voxel, and
    # exchange buffers of a fixed size.
    assert row["memory_volume_bytes_max"] + row["memory_accumulation_bytes_max"] == 8 * voxels
    assert row["memory_exchange_bytes_max"] <= 32 * MB


@pytest.mark.parametrize("method", ["gd", "hve"])
def test_the_same_command_twice_gives_identical_bytes(home, reconstruct, method):
    for name in (f"{method}-first", f"{method}-second"):
        reconstruct(4, "--method", method, "--iterations", "2", name=name)
    assert filecmp.cmp(home / f"{method}-first.h5", home / f"{method}-second.h5", shallow=False)
