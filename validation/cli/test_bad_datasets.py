"""Files that are no datasets, or damaged ones: one line of error, exit code 2, and nothing under the name of the output."""

import h5py
import numpy as np
import pytest
from conftest import RANKS, reconstruct_rejects

COUNTS = "dataset/datacube/data"


def replace(file, name, values):
    """Replaces a dataset by other values, keeping its attributes."""
    attributes = dict(file[name].attrs)
    del file[name]
    file[name] = values
    file[name].attrs.update(attributes)


# Files that are no datasets


@RANKS
def test_missing_file(run, output, tmp_path, ranks):
    reconstruct_rejects(run, tmp_path / "nothing.h5", output, ranks, says=["nothing.h5"])


@RANKS
def test_text_instead_of_hdf5(run, output, tmp_path, ranks):
    file = tmp_path / "text.h5"
    file.write_text("not HDF5\n" * 100)
    reconstruct_rejects(run, file, output, ranks, says=["text.h5"])


@RANKS
@pytest.mark.parametrize("share", [0.0, 0.02, 0.5, 0.98])
def test_truncated_file(run, output, damaged, ranks, share):
    damaged.write_bytes(damaged.read_bytes()[: int(share * damaged.stat().st_size)])
    reconstruct_rejects(run, damaged, output, ranks, says=["damaged.h5"])


def test_folder_instead_of_file(run, output, tmp_path):
    reconstruct_rejects(run, tmp_path, output, 1, says=[tmp_path])


def test_reconstruction_instead_of_dataset(run, output, tiny_dataset, tmp_path):
    other = tmp_path / "reconstruction.h5"
    run.good("reconstruct", tiny_dataset, "-o", other, "--method", "serial", "--iterations", 1)
    reconstruct_rejects(run, other, output, 1, says=["reconstruction.h5"])


@pytest.mark.parametrize("name", [COUNTS, "ptychoscale/positions_A", "ptychoscale"])
def test_missing_object(run, output, damaged, name):
    with h5py.File(damaged, "a") as file:
        del file[name]
    reconstruct_rejects(run, damaged, output, 1, says=["damaged.h5", name.split("/")[-1]])


# Shapes and types


@RANKS
@pytest.mark.parametrize(
    "name, shape",
    [
        (COUNTS, (16, 48, 48)),
        (COUNTS, (4, 5, 48, 48)),
        (COUNTS, (4, 4, 48, 40)),
        ("ptychoscale/positions_A", (16, 3)),
        ("ptychoscale/positions_A", (15, 2)),
        ("ptychoscale/truth/potential", (2, 72, 70)),
    ],
)
def test_wrong_shape(run, output, damaged, ranks, name, shape):
    with h5py.File(damaged, "a") as file:
        replace(file, name, np.zeros(shape, np.float32))
    reconstruct_rejects(run, damaged, output, ranks, says=["damaged.h5"])


def test_wrong_probe_shape(run, output, damaged):
    with h5py.File(damaged, "a") as file:
        replace(file, "ptychoscale/probe", np.zeros((48, 47), np.complex64))
    reconstruct_rejects(run, damaged, output, 1, says=["damaged.h5", "probe"])


@pytest.mark.parametrize(
    "name, values",
    [
        (COUNTS, np.full((4, 4, 48, 48), b"x")),
        (COUNTS, np.zeros((4, 4, 48, 48), np.complex64)),
        ("ptychoscale/positions_A", np.full((16, 2), b"x")),
        ("ptychoscale/probe", np.zeros((48, 48), np.float32)),
    ],
)
def test_wrong_type(run, output, damaged, name, values):
    with h5py.File(damaged, "a") as file:
        replace(file, name, values)
    reconstruct_rejects(run, damaged, output, 1, says=["damaged.h5"])


# Values


@RANKS
@pytest.mark.parametrize("measurements", ["resident", "stream"])
@pytest.mark.parametrize("value", [np.nan, np.inf, -1.0])
def test_impossible_count(run, output, damaged, ranks, measurements, value):
    with h5py.File(damaged, "a") as file:
        file[COUNTS][3, 2, 5, 7] = value  # the last rank's
    reconstruct_rejects(run, damaged, output, ranks, "--measurements", measurements, says=["damaged.h5", "14"])


@RANKS
@pytest.mark.parametrize("count", [0, 1])
def test_too_few_positions(run, output, damaged, ranks, count):
    with h5py.File(damaged, "a") as file:
        replace(file, COUNTS, np.ones((count, count, 48, 48), np.float32))
        replace(file, "ptychoscale/positions_A", np.full((count, 2), 9.0))
    reconstruct_rejects(run, damaged, output, ranks, says=["damaged.h5"])


@RANKS
@pytest.mark.parametrize("position", [(-50.0, 5.0), (5.0, 1e6), (np.nan, 5.0)])
def test_position_outside_the_volume(run, output, damaged, ranks, position):
    with h5py.File(damaged, "a") as file:
        file["ptychoscale/positions_A"][5] = position
    reconstruct_rejects(run, damaged, output, ranks, says=["damaged.h5", "5"])


@pytest.mark.parametrize("value", [-1.0, 0.0, np.nan])
def test_impossible_energy(run, output, damaged, value):
    with h5py.File(damaged, "a") as file:
        file["dataset/metadatabundle/microscope/energy_eV"][...] = value
    reconstruct_rejects(run, damaged, output, 1, says=["damaged.h5", "energy_eV"])


@RANKS
@pytest.mark.parametrize("place", ["resident", "stream"])
def test_an_amplitude_that_float16_cannot_keep(run, output, damaged, ranks, place):
    with h5py.File(damaged, "a") as file:
        file[COUNTS][1, 2, 3, 4] = 20  # of a beam of 1
    options = ["--measurement-type", "float16", "--measurements", place]
    reconstruct_rejects(run, damaged, output, ranks, *options, says=["float16", "position 6 has 4.472", "float32"])


# Content


@RANKS
@pytest.mark.parametrize("place", ["resident", "stream"])
def test_a_flipped_bit_in_a_pattern(run, output, damaged, ranks, place):
    with h5py.File(damaged) as file:
        chunk = file[COUNTS].id.get_chunk_info(7)
    with open(damaged, "r+b") as file:
        file.seek(chunk.byte_offset + 600)
        byte = file.read(1)[0]
        file.seek(-1, 1)
        file.write(bytes([byte ^ 1]))  # the lowest bit of a float's fraction
    options = ["--measurements", place, "--iterations", 3]
    reconstruct_rejects(run, damaged, output, ranks, *options, says=["damaged.h5", "is not what was written"])


def test_another_energy_that_is_possible(run, output, damaged):
    with h5py.File(damaged, "a") as file:
        file["dataset/metadatabundle/microscope/energy_eV"][...] = 300e3
    reconstruct_rejects(run, damaged, output, 1, says=["damaged.h5", "is not what was written"])


def test_a_probe_that_was_lost(run, output, damaged):
    """Another dataset may have none, and then it is made from the optics."""
    with h5py.File(damaged, "a") as file:
        del file["ptychoscale/probe"]
    reconstruct_rejects(run, damaged, output, 1, says=["damaged.h5", "is not what was written"])


# Golden files


def test_golden_file_of_another_layout(run, tiny_dataset, tmp_path):
    run.rejects("validate", "golden", tiny_dataset, says=[tiny_dataset])
    run.rejects("validate", "golden", tmp_path / "nothing.h5", says=["nothing.h5"])
