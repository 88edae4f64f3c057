"""Opens a dataset and a reconstruction with the programs that will read them.

    PTYCHOSCALE_DATASET=... PTYCHOSCALE_RECONSTRUCTION=... python -m pytest validation/readers

needs numpy, h5py, emdfile and pytest. The layout py4DSTEM wants is checked by emdfile and by the calibration it looks for; its own
reader is large and is tried by test_py4dstem.py, by hand. PtyRAD reads plain h5py objects by name, which are checked as its initializer uses them.
"""

import os

import emdfile
import emdfile.utils
import h5py
import numpy as np
import pytest


def path_from(variable):
    path = os.environ.get(variable)
    assert path, f"set {variable} to the file to be checked"
    assert os.path.isfile(path), f"{variable}={path}: no such file"
    return path


@pytest.fixture(scope="module")
def dataset_path():
    return path_from("PTYCHOSCALE_DATASET")


@pytest.fixture(scope="module")
def reconstruction_path():
    return path_from("PTYCHOSCALE_RECONSTRUCTION")


@pytest.fixture(scope="module")
def dataset(dataset_path):
    with h5py.File(dataset_path, "r") as file:
        yield file


@pytest.fixture(scope="module")
def reconstruction(reconstruction_path):
    with h5py.File(reconstruction_path, "r") as file:
        yield file


class TestDatasetWithH5py:
    def test_patterns(self, dataset):
        data = dataset["dataset/datacube/data"]
        assert data.ndim == 4
        assert data.dtype in (np.float32, np.float16, np.uint16)
        assert data.chunks == (1, 1, *data.shape[2:])
        assert data.attrs["units"]

    def test_dp_is_the_same_patterns(self, dataset):
        assert isinstance(dataset.get("dp", getlink=True), h5py.SoftLink)
        assert dataset["dp"].shape == dataset["dataset/datacube/data"].shape

    def test_zero_frequency_is_at_the_centre(self, dataset):
        data = dataset["dataset/datacube/data"]
        pattern = np.asarray(data[0, 0], dtype=float)
        centre = [np.sum(np.indices(pattern.shape)[axis] * pattern) / pattern.sum() for axis in (0, 1)]
        # The bright field disk lies around the centre: its centre of mass is far nearer to it than to a corner.
        assert np.allclose(centre, np.array(pattern.shape) // 2, atol=pattern.shape[0] / 8)

    def test_positions_match_the_scan(self, dataset):
        rows, columns = dataset["dataset/datacube/data"].shape[:2]
        positions = dataset["ptychoscale/positions_A"][:]
        assert positions.shape == (rows * columns, 2)
        step = dataset["ptychoscale"].attrs["scan_step_A"]
        grid = positions.reshape(rows, columns, 2)
        assert np.allclose(np.diff(grid[..., 0], axis=0), step[0])
        assert np.allclose(np.diff(grid[..., 1], axis=1), step[1])

    def test_probe(self, dataset):
        probe = dataset["ptychoscale/probe"][:]
        assert probe.dtype == np.complex64
        assert probe.shape == dataset["dataset/datacube/data"].shape[2:]
        assert np.isclose(np.sum(np.abs(probe.astype(complex)) ** 2), 1, atol=1e-5)  # complex64 rounding

    def test_truth(self, dataset):
        if "truth" not in dataset["ptychoscale"]:
            return
        own = dataset["ptychoscale"]
        truth = own["truth/potential"]
        assert truth.dtype == np.float32
        assert truth.shape == (own.attrs["slices"], *own.attrs["volume"])
        assert truth.chunks == (1, *truth.shape[1:])
        assert np.all(np.isfinite(truth[0]))

    def test_provenance(self, dataset):
        attributes = dataset["ptychoscale"].attrs
        assert attributes["schema_version"] == 1
        assert isinstance(attributes["case_name"], str)
        assert len(attributes["content_hash"]) == 32
        assert attributes["seed"].dtype == np.uint64


class TestDatasetWithEmdfile:
    def test_is_emd_1_0(self, dataset_path):
        assert emdfile._is_EMD_file(dataset_path)
        assert emdfile._get_EMD_version(dataset_path) == (1, 0, 0)
        assert emdfile.utils._get_EMD_rootgroups(dataset_path) == ["dataset"]

    def test_metadata(self, dataset):
        # emdfile alone does not know the class Calibration, which is py4DSTEM's; its metadata it reads.
        bundle = dataset["dataset/metadatabundle"]
        calibration = emdfile.Metadata.from_h5(bundle["calibration"])
        shape = dataset["dataset/datacube/data"].shape
        own = dataset["ptychoscale"].attrs
        assert np.isclose(calibration["Q_pixel_size"], 1 / (shape[2] * own["pixel_A"][0]))
        assert calibration["Q_pixel_units"] == "A^-1"
        assert np.isclose(calibration["R_pixel_size"], own["scan_step_A"][0])
        assert calibration["R_pixel_units"] == "A"
        assert calibration["QR_rotation_degrees"] == 0
        assert not calibration["QR_flip"]
        microscope = emdfile.Metadata.from_h5(bundle["microscope"])
        for name in ("energy_eV", "semiangle_cutoff_mrad", "C10_A", "C30_A", "dose_e_per_A2"):
            assert isinstance(microscope[name], float)

    def test_axes(self, dataset):
        cube = dataset["dataset/datacube"]
        assert cube.attrs["emd_group_type"] == "array"
        assert cube.attrs["python_class"] == "DataCube"
        own = dataset["ptychoscale"].attrs
        steps = [*own["scan_step_A"], *(1 / (np.array(cube["data"].shape[2:]) * own["pixel_A"]))]
        for n, (step, units) in enumerate(zip(steps, ["A", "A", "A^-1", "A^-1"])):
            axis = cube[f"dim{n}"]
            assert np.allclose(axis[:], [0, step])
            assert isinstance(axis.attrs["name"], str)
            assert axis.attrs["units"] == units


class TestReconstructionWithEmdfile:
    @pytest.mark.parametrize("name, units", [("object_phase", "rad"), ("potential", "V*A")])
    def test_volumes(self, reconstruction_path, reconstruction, name, units):
        array = emdfile.read(reconstruction_path, emdpath=f"reconstruction/{name}")
        assert isinstance(array, emdfile.Array)
        assert array.units == units
        assert array.dim_names == ("z", "y", "x")
        assert array.dim_units == ("A", "A", "A")
        assert array.data.dtype == np.float32
        assert np.all(np.isfinite(array.data))
        thickness = reconstruction["model_attributes/slice_thickness"][()]
        if array.shape[0] > 1:
            assert np.isclose(array.dims[0][1] - array.dims[0][0], thickness)

    def test_phase_is_sigma_times_potential(self, reconstruction):
        sigma = reconstruction["ptychoscale"].attrs["sigma_rad_per_VA"]
        phase = reconstruction["reconstruction/object_phase/data"][:]
        potential = reconstruction["reconstruction/potential/data"][:]
        assert np.allclose(phase, sigma * potential, rtol=1e-6, atol=0)  # float32 rounding

    def test_probe(self, reconstruction_path):
        probe = emdfile.read(reconstruction_path, emdpath="reconstruction/probe")
        assert probe.dim_names == ("mode", "y", "x")
        assert probe.data.dtype == np.complex64


class TestReconstructionAsPtyradLoadsIt:
    def test_object(self, reconstruction):
        tensors = reconstruction["optimizable_tensors"]
        phase, amplitude = tensors["objp"][()], tensors["obja"][()]
        assert phase.shape == amplitude.shape and phase.ndim == 4 and phase.shape[0] == 1
        assert np.all(amplitude == 1)
        y, x = -tensors["objp"].attrs["canvas_origin"]
        volume = reconstruction["reconstruction/object_phase/data"]
        inside = phase[0, :, y : y + volume.shape[1], x : x + volume.shape[2]]
        assert np.array_equal(inside, volume[:])
        assert np.count_nonzero(phase) == np.count_nonzero(volume[:])

    def test_windows_lie_inside_the_object(self, reconstruction):
        corners = reconstruction["model_attributes/crop_pos"][()]
        window = np.array(reconstruction["optimizable_tensors/probe"].shape[-2:])
        extent = np.array(reconstruction["optimizable_tensors/objp"].shape[-2:])
        assert np.issubdtype(corners.dtype, np.integer) and corners.shape[1] == 2
        assert corners.min() >= 0
        assert np.all(corners.max(axis=0) + window <= extent)

    def test_positions(self, reconstruction, dataset):
        corners = reconstruction["model_attributes/crop_pos"][()]
        shifts = reconstruction["optimizable_tensors/probe_pos_shifts"][()]
        assert shifts.shape == corners.shape
        assert np.all(np.abs(shifts) <= 0.5)
        window = np.array(reconstruction["optimizable_tensors/probe"].shape[-2:])
        origin = reconstruction["optimizable_tensors/objp"].attrs["canvas_origin"]
        centres = corners + shifts + window // 2 + origin
        pixel = dataset["ptychoscale"].attrs["pixel_A"]
        positions = dataset["ptychoscale/positions_A"][:]
        assert np.allclose(centres * pixel, positions, atol=1e-5 * pixel.max())  # float32 shifts below a pixel

    def test_probe_is_centred_and_in_real_space(self, reconstruction, dataset):
        probe = reconstruction["optimizable_tensors/probe"][()]
        assert probe.dtype == np.complex64 and probe.ndim == 3
        expected = np.fft.fftshift(np.fft.ifft2(dataset["ptychoscale/probe"][:], norm="ortho"))
        assert np.allclose(probe[0], expected, atol=1e-6)  # complex64 rounding of values below 1

    def test_scalars(self, reconstruction, dataset):
        own = dataset["ptychoscale"].attrs
        assert reconstruction["model_attributes/dx"][()] == own["pixel_A"][0]
        assert reconstruction["model_attributes/slice_thickness"][()] == own["slice_thickness_A"]

    def test_core_boxes_partition_the_volume(self, reconstruction):
        own = reconstruction["ptychoscale"]
        volume = reconstruction["reconstruction/potential/data"].shape[1:]
        cover = np.zeros(volume, dtype=int)
        for y0, y1, x0, x1 in own["cores"][:]:
            cover[y0:y1, x0:x1] += 1
        assert np.all(cover == 1)
        assert np.prod(own.attrs["mesh"]) == len(own["cores"])
        assert own["report"].asstr()[()]
