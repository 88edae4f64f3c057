"""Aberrations of an imported scan that are not round: as options, from a file, in the probe, and what bad input gets."""

import argparse
import json
from pathlib import Path

import h5py
import numpy as np
import pytest
from import_inputs import CENTRE, DETECTOR, OPTIONS, RADIUS, content, npy, scan_of

from harness.imports import aberrations, quantities
from harness.runs import program

GOLDEN = Path(__file__).parents[1] / "golden/aberrated_lens.json"
MICROSCOPE = "dataset/metadatabundle/microscope"


@pytest.fixture(autouse=True)
def without_pictures(monkeypatch):
    monkeypatch.setattr("harness.imports.drawn", lambda *_: b"")


@pytest.fixture
def imported(harness, tmp_path):
    def run(source, *words, says=(), to="mine.h5"):
        result = harness("import", source, *words, "-o", tmp_path / to)
        assert result.code == 0, result.err
        assert [word for word in says if word not in result.out] == []
        return content(tmp_path / to)

    return run


@pytest.fixture
def source(tmp_path):
    return npy(tmp_path, scan_of())[0]


def test_the_phase_is_that_of_an_independent_code():
    golden = json.loads(GOLDEN.read_text())
    wavelength = quantities.wavelength_A(golden["energy_eV"])
    for y, x, re, im in golden["probe"]:
        ky, kx = (np.fft.fftfreq(n, p)[i] for n, p, i in zip(golden["extent"], golden["pixel_A"], (y, x), strict=True))
        alpha, phi = wavelength * np.hypot(ky, kx), np.arctan2(ky, kx)
        path = golden["C10_A"] * alpha**2 / 2 + golden["C30_A"] * alpha**4 / 4
        path += aberrations.path_A(golden["aberrations"], alpha, phi)
        phase = complex(re, im) / abs(complex(re, im))
        assert np.exp(-2j * np.pi / wavelength * path) == pytest.approx(phase, abs=1e-5)  # wavelengths of two editions of constants


@pytest.mark.parametrize("lens", [{"C12": (50.0, 33.0)}, {"C21": (1e3, -100.0), "C34": (5e4, 7.0)}])
def test_the_circle_is_the_programs(imported, source, tmp_path, lens):
    words = ",".join(f"{name}={magnitude}A@{angle}deg" for name, (magnitude, angle) in lens.items())
    imported(source, *OPTIONS, "--aberrations", words)
    said = float(program.ask("info", tmp_path / "mine.h5").split("circle")[1].split("radius")[1].split(" A")[0])
    assert aberrations.widest_ray_A(lens, -100, 0, 0.02) == pytest.approx(said, abs=1e-3)


def test_options_and_files_carry_them(imported, source, tmp_path):
    words = ["--aberrations", "C12=2nm@30deg,C21=30nm@-10"]
    found = imported(source, *OPTIONS, *words, says=["C12", "20 A at 30 degrees", "300 A at -10 degrees"])
    assert found[f"{MICROSCOPE}/C12_A"] == 20 and found[f"{MICROSCOPE}/C12_angle_deg"] == 30
    assert "aberrations   C12 20 A at 30 degrees, C21 300 A at -10 degrees" in program.ask("info", tmp_path / "mine.h5")
    header = program.ask_json("info", tmp_path / "mine.h5", "--json")["header"]
    assert header["aberrations"]["C21"] == {"magnitude_A": 300, "angle_deg": -10}
    words = ["--aberrations", "C12=0A@0,C23=10nm@5deg"]
    found = imported(tmp_path / "mine.h5", *words, says=["file: microscope/C21_A", "option"], to="again.h5")
    assert f"{MICROSCOPE}/C12_A" not in found and found[f"{MICROSCOPE}/C21_A"] == 300 and found[f"{MICROSCOPE}/C23_angle_deg"] == 5


@pytest.mark.parametrize(
    "values, says",
    [
        ({"C12_A": 20.0}, ["microscope/C12_A", "C12_angle_deg"]),
        ({"C12_angle_deg": 20.0}, ["microscope/C12_angle_deg", "C12_A"]),
        ({"C12_A": -20.0, "C12_angle_deg": 30.0}, ["file: microscope/C12_A is -20 A", "--aberrations C12=20A@120deg"]),
    ],
)
def test_files_that_do_not_say_enough(rejects, tiny_dataset, tmp_path, values, says):
    with h5py.File(tiny_dataset) as whole, h5py.File(tmp_path / "scan.h5", "w") as file:
        for name in ("dataset", "ptychoscale"):
            whole.copy(name, file)
        for name, value in values.items():
            file[f"{MICROSCOPE}/{name}"] = value
    rejects("import", tmp_path / "scan.h5", "-o", tmp_path / "mine.h5", says=says)


def test_a_round_lens_has_none_of_them(imported, source):
    found = imported(source, *OPTIONS)
    there = [name for name in found if name.startswith(f"{MICROSCOPE}/C") and "@" not in name]
    assert there == [f"{MICROSCOPE}/C10_A", f"{MICROSCOPE}/C30_A"]


def test_a_vacuum_pattern_gets_their_phase(imported, source, tmp_path):
    """The same wave as the program makes of the optics, where both are bright."""
    ky, kx = np.indices(DETECTOR)
    np.save(tmp_path / "empty.npy", 100.0 * (np.hypot(ky - CENTRE[0], kx - CENTRE[1]) < RADIUS))
    lens = ["--aberrations", "C12=5nm@30deg,C21=200nm@-10deg,C23=100nm@5deg", "--centre", f"{CENTRE[0]},{CENTRE[1]}"]
    vacuum = ["--vacuum", tmp_path / "empty.npy"]
    found = imported(source, *OPTIONS, *lens, *vacuum, says=["phase of C10 and C30 and C12 and C21 and C23"])["ptychoscale/probe"]
    imported(source, *OPTIONS, *lens, to="made.h5")
    program.ask("reconstruct", tmp_path / "made.h5", "-o", tmp_path / "r.h5", "--method", "serial", "--iterations", 1)
    with h5py.File(tmp_path / "r.h5") as file:
        made = np.fft.fft2(np.fft.ifftshift(file["reconstruction/probe/data"][0]))
    lit = (np.abs(found) > 0) & (np.abs(made) > 0.5 * np.abs(made).max())
    assert lit.sum() > 80
    np.testing.assert_allclose(found[lit] / np.abs(found[lit]), made[lit] / np.abs(made[lit]), atol=1e-4)


@pytest.mark.parametrize(
    "word, says",
    [
        ("C11=2nm@30deg", ["'C11' is not one of C12, C21, C23, C32, C34"]),
        ("C10=2nm@30deg", ["C10 is round, without an angle", "--C10 or --defocus"]),
        ("C30=1mm", ["C30 is round", "--C30"]),
        ("C12=2nm", ["'C12=2nm'", "C12=2nm@30deg"]),
        ("C12=2@30deg", ["a length with its unit"]),
        ("C12=2nm@north", ["degrees from -360 to 360"]),
        ("C12=2nm@400deg", ["degrees from -360 to 360"]),
        ("C12=2nm@nan", ["degrees from -360 to 360"]),
        ("C12=2nm@30deg@1", ["degrees from -360 to 360"]),
        ("C12=-2nm@30deg", ["below 0", "C12=20A@120deg, which is the same"]),
        ("C34=-1um@0", ["C34=10000A@45deg, which is the same"]),
        ("C12=2nm@30deg,C12=3nm@30deg", ["says C12 twice"]),
        ("", ["'' is not one of"]),
    ],
)
def test_bad_words(word, says):
    with pytest.raises(argparse.ArgumentTypeError) as error:
        aberrations.read(word)
    assert [part for part in says if part not in str(error.value)] == []


def test_the_opposite_of_an_aberration_is_what_the_error_says():
    rng = np.random.default_rng(2)
    alpha, phi = rng.uniform(0, 0.02, 9), rng.uniform(-3, 3, 9)
    for name in aberrations.ORDERS:
        with pytest.raises(argparse.ArgumentTypeError) as error:
            aberrations.read(f"{name}=-2nm@30deg")
        offered = aberrations.read(str(error.value).split("valid: ")[1].split(", which")[0])
        np.testing.assert_allclose(aberrations.path_A(offered, alpha, phi), aberrations.path_A({name: (-20, 30)}, alpha, phi), atol=1e-15)
