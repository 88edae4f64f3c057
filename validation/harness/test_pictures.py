"""Reading and drawing reconstructions, on small files of the project's layout."""

import json
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "bench"))

from harness.base.errors import InputError  # noqa: E402
from harness.base.voxels import voxel_hash  # noqa: E402
from harness.report import pictures, reconstructions  # noqa: E402
from harness.report.drawing import encode  # noqa: E402

SLICES, ROWS, COLUMNS = 3, 40, 48
PIXEL = (0.2, 0.25)
CORES = [[0, 20, 0, 24], [0, 20, 24, 48], [20, 40, 0, 24], [20, 40, 24, 48]]


def truth():
    y, x = np.mgrid[:ROWS, :COLUMNS]
    return np.stack([100 * np.exp(np.cos(0.7 * y + s) + np.cos(0.6 * x)) for s in range(SLICES)]).astype(np.float32)


@pytest.fixture
def dataset(tmp_path):
    path = tmp_path / "dataset.h5"
    with h5py.File(path, "w") as file:
        file["ptychoscale/truth/potential"] = truth()
        file["ptychoscale/positions_A"] = [[1.0, 1.25], [1.0, 10.0], [7.0, 1.25], [7.0, 10.0]]
        file["ptychoscale"].attrs["pixel_A"] = PIXEL
        file["ptychoscale"].attrs["content_hash"] = "a"
        file["dataset/datacube/data"] = np.zeros((2, 2, 4, 4), np.float32)
    return path


def write(path, potential):
    with h5py.File(path, "w") as file:
        file["reconstruction/potential/data"] = potential.astype(np.float32)
        file["ptychoscale/slice_hashes"] = [[voxel_hash(plane), 0] for plane in potential.astype(np.float32)]
        file["ptychoscale/cores"] = np.array(CORES, np.int32)
        row = {"name": "case/gd/2x2", "method": "gd", "mesh": [2, 2]}
        file["ptychoscale/report"] = json.dumps({"context": {"dataset": {"hash": "a"}}, "benchmarks": [row]})
    return path


def read(path, dataset):
    return reconstructions.read_reconstruction(path, reconstructions.read_specimen(dataset))


def rmse(error):
    return np.sqrt(np.mean(error**2)) / np.std(truth().sum(0))


def test_files_are_told_apart_by_what_is_inside(dataset, tmp_path):
    assert reconstructions.kind_of(dataset) == ("dataset", "a")
    assert reconstructions.kind_of(write(tmp_path / "run.h5", truth())) == ("reconstruction", "a")
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["something"] = [1]
    assert reconstructions.kind_of(tmp_path / "other.h5") == ("other", None)


def test_positions_far_outside_are_refused_in_one_line(dataset):
    with h5py.File(dataset, "a") as file:
        file["ptychoscale/positions_A"][0] = [1e300, 0]
    with pytest.raises(InputError, match="positions_A lies outside the volume of 40 x 48 pixels"):
        reconstructions.read_specimen(dataset)


def test_the_error_ignores_offset_and_ramp_and_sees_the_rest(dataset, tmp_path):
    scanned = reconstructions.read_specimen(dataset).scanned
    y, x = np.mgrid[:ROWS, :COLUMNS]
    shifted = write(tmp_path / "shifted.h5", truth() + (7 + 3 * y - 2 * x).astype(np.float32))
    # float32 potentials of up to 800 V*A are good to 1e-7 of themselves
    assert rmse(read(shifted, dataset).error[scanned]) < 1e-6
    weak = write(tmp_path / "weak.h5", 0.9 * truth())
    # a tenth is missing; the plane can take a little of that
    assert rmse(read(weak, dataset).error[scanned]) == pytest.approx(0.1, rel=0.05)


def test_borders_are_where_tiles_meet():
    segments = {tuple(map(int, s)) for s in pictures.inner_borders(np.array(CORES), (ROWS, COLUMNS))}
    assert segments == {(20, 20, 0, 24), (20, 20, 24, 48), (0, 20, 24, 24), (20, 40, 24, 24)}


def test_the_view_is_the_scanned_box_and_a_margin_inside_the_volume(dataset):
    specimen = reconstructions.read_specimen(dataset)
    assert specimen.scanned == (slice(5, 36), slice(5, 41))
    assert pictures.view(specimen) == (slice(1, 40), slice(1, 45))


def test_the_same_input_gives_the_same_picture(dataset, tmp_path):
    specimen = reconstructions.read_specimen(dataset)
    run = read(write(tmp_path / "gd.h5", 0.9 * truth()), dataset)
    first, second = (encode(pictures.draw_error(run, specimen), "error") for _ in range(2))
    assert first == second
    assert first != encode(pictures.draw_middle(run, specimen), "error")


def remove(name):
    return lambda file: file.__delitem__(name)


def put(name, value):
    def change(file):
        del file[name]
        file[name] = value

    return change


def put_voxels(potential):
    """Other voxels, with their own hashes."""

    def change(file):
        put("reconstruction/potential/data", potential)(file)
        put("ptychoscale/slice_hashes", [[voxel_hash(plane), 0] for plane in potential])(file)

    return change


@pytest.mark.parametrize(
    "change, complaint",
    [
        (put_voxels(np.full((SLICES, ROWS, COLUMNS), np.nan, np.float32)), "NaN"),
        (remove("reconstruction/potential/data"), "reconstruction/potential/data is missing"),
        (remove("ptychoscale/report"), "ptychoscale/report does not say which run"),
        (put("reconstruction/potential/data", np.zeros((2, ROWS, COLUMNS), np.float32)), "valid: the dataset's (3, 40, 48)"),
        (put("reconstruction/potential/data", truth() + 1), "slice 0 of reconstruction/potential/data is not what was written"),
        (put("ptychoscale/slice_hashes", np.zeros((2, 2), np.uint64)), "valid: two for each of 3 slices"),
        (put("ptychoscale/cores", [[0, 41, 0, 48]]), "boxes outside the volume"),
    ],
)
def test_a_bad_field_is_named(dataset, tmp_path, change, complaint):
    path = write(tmp_path / "run.h5", truth())
    with h5py.File(path, "r+") as file:
        change(file)
    with pytest.raises(InputError) as failure:
        read(path, dataset)
    assert complaint in str(failure.value) and str(path) in str(failure.value)


@pytest.mark.parametrize(
    "change, complaint",
    [
        (remove("ptychoscale/truth/potential"), "ptychoscale/truth/potential is missing"),
        (put("ptychoscale/truth/potential", np.ones((SLICES, ROWS, COLUMNS), np.float32)), "is constant in the scanned box"),
        (put("ptychoscale/positions_A", [[1.0, 2.0, 3.0]]), "valid: (n, 2)"),
        (lambda file: file["ptychoscale"].attrs.__setitem__("pixel_A", [0.2, -1.0]), "valid: two positive numbers"),
    ],
)
def test_a_bad_dataset_is_named(dataset, change, complaint):
    with h5py.File(dataset, "r+") as file:
        change(file)
    with pytest.raises(InputError) as failure:
        reconstructions.read_specimen(dataset)
    assert complaint in str(failure.value) and str(dataset) in str(failure.value)
