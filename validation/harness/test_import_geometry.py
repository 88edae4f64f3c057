"""Where an imported dataset's geometry comes from: options, file, disk; positions, and how they are turned."""

import h5py
import numpy as np
import pytest
from import_inputs import CENTRE, OPTIONS, RADIUS, SCAN, content, npy, scan_of

from harness.imports import positions, quantities
from harness.runs import program

WITHOUT = {name: [w for i, w in enumerate(OPTIONS) if name not in (w, OPTIONS[i - 1])] for name in OPTIONS[::2]}


@pytest.fixture(autouse=True)
def without_pictures(monkeypatch):
    monkeypatch.setattr("harness.imports.drawn", lambda *_: b"")


@pytest.fixture
def source(tmp_path):
    return npy(tmp_path, scan_of())[0]


@pytest.fixture
def imported(harness, tmp_path):
    def run(*words, says=()):
        result = harness("import", *words, "-o", tmp_path / "mine.h5")
        assert result.code == 0, result.err
        assert [word for word in says if word not in result.out] == []
        return content(tmp_path / "mine.h5")

    return run


@pytest.mark.parametrize(
    "text, kind, value",
    [
        ("300keV", quantities.ENERGIES, 300e3),
        ("0.4 nm", quantities.LENGTHS, 4),
        ("40pm", quantities.LENGTHS, 0.4),
        ("1.2mm", quantities.LENGTHS, 1.2e7),
        ("0.1/A", quantities.FREQUENCIES, 0.1),
        ("1 nm^-1", quantities.FREQUENCIES, 0.1),
        ("2 [Å⁻¹]", quantities.FREQUENCIES, 2),
        ("0.02rad", quantities.ANGLES, 20),
        ("-5e1A", quantities.LENGTHS, -50),
    ],
)
def test_units(text, kind, value):
    assert quantities.read(text, kind)[0] == pytest.approx(value, rel=1e-12)


def test_the_wavelength_is_the_programs(tiny_dataset):
    said = float(program.ask("info", tiny_dataset).split("wavelength ")[1].split(" A")[0])
    assert quantities.wavelength_A(200e3) == pytest.approx(said, abs=1e-9)


def test_the_detectors_pixel_follows_from_the_disk(imported, source):
    found = imported(source, *OPTIONS, says=["fitted: aperture over a disk of", "fitted: bright-field disk of"])
    pixel = 1 / (found["ptychoscale@pixel_A"] * np.array([24, 22]))
    expected = 20e-3 / quantities.wavelength_A(200e3) / RADIUS
    np.testing.assert_allclose(pixel, expected, rtol=0.04)  # a disk of 6 pixels is known to a quarter of one


def test_the_aperture_follows_from_the_disk(imported, source):
    found = imported(source, *WITHOUT["--semiangle"], "--detector-pixel", "3.3mrad", says=["semi-angle", "fitted: a disk of"])
    assert found["dataset/metadatabundle/microscope/semiangle_cutoff_mrad"] == pytest.approx(3.3 * RADIUS, rel=0.04)


def test_pixels_in_mrad_and_in_1_per_A_are_the_same(imported, source):
    per_A = 3.3e-3 / quantities.wavelength_A(200e3)
    one = imported(source, *OPTIONS, "--detector-pixel", "3.3mrad")
    other = imported(source, *OPTIONS, "--detector-pixel", f"{per_A:.15g}/A")
    np.testing.assert_allclose(one["ptychoscale@pixel_A"], other["ptychoscale@pixel_A"], rtol=1e-12)


def test_options_go_before_what_the_file_says(imported, tiny_dataset):
    found = imported(tiny_dataset, says=["file: microscope/energy_eV", "file: calibration/Q_pixel_size"])
    assert found["dataset/metadatabundle/microscope/C10_A"] == -200
    found = imported(tiny_dataset, "--defocus", "30nm", "--C30", "-1um", says=["option"])
    assert found["dataset/metadatabundle/microscope/C10_A"] == -300
    assert found["dataset/metadatabundle/microscope/C30_A"] == -1e4


def test_a_calibration_of_py4dstem_is_taken(imported, tmp_path):
    with h5py.File(tmp_path / "cube.h5", "w") as file:
        cube = file.create_group("root/cube")
        cube.attrs["python_class"] = "DataCube"
        cube["data"] = scan_of()
        calibration = file.create_group("root/metadatabundle/calibration")
        for name, value in {
            "Q_pixel_size": 0.133, "Q_pixel_units": "A^-1", "R_pixel_size": 0.1, "R_pixel_units": "nm",
            "QR_rotation_degrees": 30.0, "QR_flip": True,
        }.items():  # fmt: skip
            calibration[name] = value
    found = imported(tmp_path / "cube.h5", *WITHOUT["--scan-step"], says=["file: calibration/QR_rotation_degrees", "30 degrees", "yes"])
    np.testing.assert_allclose(1 / (found["ptychoscale@pixel_A"] * [24, 22]), 0.133)
    turned = positions.turned(positions.raster(SCAN, (1.0, 1.0)), 30.0, True)
    there = found["ptychoscale/positions_A"]
    np.testing.assert_allclose(there - there[0], turned - turned[0], atol=1e-12)
    assert found["dataset/metadatabundle/calibration/QR_rotation_degrees"] == 30
    (tmp_path / "mine.h5").rename(tmp_path / "again.h5")
    again = imported(tmp_path / "again.h5", says=["positions are turned already"])
    np.testing.assert_allclose(again["ptychoscale/positions_A"], there, atol=1e-12)


@pytest.mark.parametrize("transposed", [False, True])
def test_rotation_and_transposition_are_py4dstems(transposed):
    """It takes centre-of-mass vectors from the detector to the scan: (transposed, then) turned by cos -sin, sin cos of (row, column)."""
    scan, angle = np.random.default_rng(1).normal(size=(7, 2)), np.deg2rad(17)
    detector = positions.turned(scan, 17, transposed)
    rows, columns = (detector[:, ::-1] if transposed else detector).T
    there = np.stack([np.cos(angle) * rows - np.sin(angle) * columns, np.sin(angle) * rows + np.cos(angle) * columns], axis=1)
    np.testing.assert_allclose(there, scan, atol=1e-12)


def test_the_volume_holds_every_window(imported, source):
    found = imported(source, *OPTIONS, "--rotation", "17")
    pixel, at = found["ptychoscale@pixel_A"], found["ptychoscale/positions_A"]
    first = np.rint(at / pixel) - np.array([24, 22]) // 2
    assert (first >= 0).all() and (first + [24, 22] <= found["ptychoscale@volume"]).all()
    np.testing.assert_allclose(found["ptychoscale@scan_step_A"], 1.0)
    assert found["ptychoscale@scan"] == "raster"


def write_table(file, positions_A, head="y_A,x_A"):
    file.write_text("\n".join([*([head] if head else []), *(f"{y:.12g},{x:.12g}" for y, x in positions_A)]) + "\n")
    return file


def test_positions_may_lie_anywhere(imported, source, tmp_path):
    angle = np.arange(20) * 2.4
    spiral = np.sqrt(np.arange(20))[:, None] * np.stack([np.sin(angle), np.cos(angle)], axis=1)
    found = imported(source, *WITHOUT["--scan-step"], "--positions", write_table(tmp_path / "spiral.csv", spiral), says=["scattered"])
    there = found["ptychoscale/positions_A"]
    np.testing.assert_allclose(there - there[0], spiral - spiral[0], atol=1e-9)
    assert found["ptychoscale@scan"] == "scattered"


@pytest.mark.parametrize(
    "head, unit, turned", [("x_nm, y_nm", [], True), ("", ["--positions-unit", "nm"], False), ("y (nm),x (nm)", [], False)]
)
def test_tables_of_positions_in_their_units(imported, source, tmp_path, head, unit, turned):
    raster = positions.raster(SCAN, (1.0, 1.5))
    table = write_table(tmp_path / "at.csv", raster[:, ::-1] / 10 if turned else raster / 10, head)
    found = imported(source, *WITHOUT["--scan-step"], "--positions", table, *unit)
    np.testing.assert_allclose(found["ptychoscale@scan_step_A"], [1.0, 1.5])
    assert found["ptychoscale@scan"] == "raster"


def test_positions_in_hdf5_bring_their_unit(imported, source, tmp_path):
    with h5py.File(tmp_path / "at.h5", "w") as file:
        file["scan/yx"] = positions.raster(SCAN, (1e-10, 2e-10))
        file["scan/yx"].attrs["units"] = "m"
    found = imported(source, *WITHOUT["--scan-step"], "--positions", f"{tmp_path / 'at.h5'}::scan/yx")
    np.testing.assert_allclose(found["ptychoscale@scan_step_A"], [1.0, 2.0])


def test_the_centre_may_be_given(imported, source):
    cube = np.load(source)
    found = imported(source, *OPTIONS, "--centre", f"{CENTRE[0] - 2},{CENTRE[1] + 1}", says=["option"])
    np.testing.assert_array_equal(found["dataset/datacube/data"][:, :, 3:], np.roll(cube, 0, 3)[:, :, :-3])
