"""The probe of an imported scan: from a wave, or from a pattern of the empty beam; and what bad input gets."""

import h5py
import numpy as np
import pytest
from import_inputs import CENTRE, DETECTOR, OPTIONS, RADIUS, content, npy, scan_of

from harness.imports import quantities
from harness.runs import program

MIDDLE = tuple(n // 2 for n in DETECTOR)


@pytest.fixture(autouse=True)
def without_pictures(monkeypatch):
    monkeypatch.setattr("harness.imports.drawn", lambda *_: b"")


@pytest.fixture
def source(tmp_path):
    return npy(tmp_path, scan_of())[0]


@pytest.fixture
def imported(harness, source, tmp_path):
    def run(*words, says=()):
        result = harness("import", source, *OPTIONS, *words, "-o", tmp_path / "mine.h5")
        assert result.code == 0, result.err
        assert [word for word in says if word not in result.out] == []
        return content(tmp_path / "mine.h5")

    return run


@pytest.fixture
def refuses(harness, source, tmp_path):
    def run(*words, says=()):
        result = harness("import", source, *OPTIONS, *words, "-o", tmp_path / "mine.h5")
        assert result.code == 2, (result.out, result.err)
        assert [word for word in says if word not in result.err] == [], result.err
        assert not (tmp_path / "mine.h5").exists()

    return run


def disk(centre, radius=RADIUS):
    return np.hypot(*(np.indices(DETECTOR) - np.reshape(centre, (2, 1, 1)))) < radius


def wave(chi=0.4):
    """A defocused disk in reciprocal space, zero frequency in the middle, of power 1."""
    k2 = np.sum((np.indices(DETECTOR) - np.reshape(MIDDLE, (2, 1, 1))) ** 2, axis=0)
    made = disk(MIDDLE) * np.exp(-1j * chi * k2)
    return made / np.linalg.norm(made)


def saved(folder, array, name="probe.npy"):
    np.save(folder / name, array)
    return folder / name


def in_real_space(reciprocal):
    return np.fft.fftshift(np.fft.ifft2(np.fft.ifftshift(reciprocal)))


@pytest.mark.parametrize("shape", [DETECTOR, (1, *DETECTOR)])
def test_a_wave_in_real_space(imported, tmp_path, shape):
    file = saved(tmp_path, 3 * in_real_space(wave()).reshape(shape))
    found = imported("--probe", file, says=["a wave; 100.0% of its power is in the aperture", f"option: --probe {file}"])
    stored = found["ptychoscale/probe"]
    assert stored.dtype == np.complex64
    np.testing.assert_allclose(np.fft.fftshift(stored), wave(), atol=1e-6)
    assert "probe         made from the optics" not in program.ask("info", tmp_path / "mine.h5")


def test_several_modes_strongest_first(imported, tmp_path):
    weak, strong = 0.5 * wave(0.1), wave(0.4)
    file = saved(tmp_path, np.stack([in_real_space(mode) for mode in (weak, strong)]))
    found = imported("--probe", file, says=["2 modes with 80.0%, 20.0%; 100.0% of its power is in the aperture"])
    stored = np.fft.fftshift(found["ptychoscale/probe"], axes=(1, 2)) * np.sqrt(1.25)
    np.testing.assert_allclose(stored, [strong, weak], atol=1e-6)
    assert "probe         2 incoherent modes" in program.ask("info", tmp_path / "mine.h5")


@pytest.mark.parametrize("place", ["reconstruction/probe/data", "optimizable_tensors/probe", "mine/wave"])
def test_the_wave_of_a_reconstruction(imported, tmp_path, place):
    with h5py.File(tmp_path / "made.h5", "w") as file:
        file[place] = in_real_space(wave())[None].astype(np.complex64)
    word = f"{tmp_path / 'made.h5'}::{place}" if place.startswith("mine") else tmp_path / "made.h5"
    np.testing.assert_allclose(np.fft.fftshift(imported("--probe", word)["ptychoscale/probe"]), wave(), atol=1e-6)


def test_a_probe_survives_reconstruction_and_import(imported, tiny_dataset, harness, tmp_path):
    """What `reconstruct` writes as the probe is what `import` reads as one."""
    program.ask("reconstruct", tiny_dataset, "-o", tmp_path / "made.h5", "--method", "serial", "--iterations", 1)
    result = harness("import", tiny_dataset, "--probe", tmp_path / "made.h5", "-o", tmp_path / "again.h5")
    assert result.code == 0, result.err
    with h5py.File(tiny_dataset) as original:
        np.testing.assert_allclose(content(tmp_path / "again.h5")["ptychoscale/probe"], original["ptychoscale/probe"][...], atol=1e-6)


def test_the_root_of_a_pattern_with_the_lens_phase(imported, tmp_path):
    counts = disk(CENTRE) * np.linspace(300, 500, DETECTOR[1]) + 7.0
    counts[0, 0] = np.nan
    file = saved(tmp_path, counts)
    words = ["--background", "7", "--C30", "50um", "--centre", f"{CENTRE[0]},{CENTRE[1]}", "--vacuum", file]
    found = imported(*words, says=["amplitude of a pattern, phase of C10 and C30"])
    probe = np.fft.fftshift(found["ptychoscale/probe"]).astype(complex)
    assert np.linalg.norm(probe) == pytest.approx(1, abs=1e-6)
    expected = np.roll(np.sqrt(np.nan_to_num(counts, nan=7.0) - 7), np.subtract(MIDDLE, CENTRE), axis=(0, 1))
    np.testing.assert_allclose(np.abs(probe), expected / np.linalg.norm(expected), atol=1e-6)
    wavelength = quantities.wavelength_A(200e3)
    k = [(np.arange(n) - m) / (n * p) for n, m, p in zip(DETECTOR, MIDDLE, found["ptychoscale@pixel_A"], strict=True)]
    alpha2 = wavelength**2 * (k[0][:, None] ** 2 + k[1][None, :] ** 2)
    chi = 2 * np.pi / wavelength * (-100 * alpha2 / 2 + 5e5 * alpha2**2 / 4)  # of OPTIONS' defocus of 10 nm
    lit = expected > 0
    np.testing.assert_allclose(probe[lit] / np.abs(probe[lit]), np.exp(-1j * chi)[lit], atol=1e-5)


def test_noise_outside_of_the_aperture_is_no_probe(imported, tmp_path):
    counts = disk(CENTRE) * 100.0 + 0.5
    probe = np.fft.fftshift(imported("--vacuum", saved(tmp_path, counts))["ptychoscale/probe"])
    assert not probe[~disk(MIDDLE, RADIUS + 3)].any() and probe[disk(MIDDLE)].all()


def test_dead_pixels_of_a_vacuum_pattern_get_the_mean(imported, tmp_path):
    counts = disk(CENTRE) * 100.0
    counts[CENTRE] = 0
    probe = np.abs(imported("--vacuum", saved(tmp_path, counts), "--bad-pixels", f"{CENTRE[0]}:{CENTRE[1]}")["ptychoscale/probe"])
    assert probe[0, 0] == pytest.approx(probe[0, 1], rel=0.1)


def test_without_one_it_is_left_to_the_optics(imported):
    assert "ptychoscale/probe" not in imported()


def test_bad_waves(refuses, tmp_path):
    refuses("--probe", tmp_path / "none.npy", says=["--probe", "no such file"])
    refuses("--probe", saved(tmp_path, np.abs(wave())), says=["--probe", "float64", "complex numbers"])
    refuses("--probe", saved(tmp_path, wave()[1:]), says=["--probe", "shape (23, 22)", "(24, 22)"])
    refuses("--probe", saved(tmp_path, np.stack([wave()] * 9)), says=["--probe", "9 modes", "1 to 8"])
    refuses("--probe", saved(tmp_path, np.stack([wave(), 0 * wave()])), says=["--probe", "mode 1 has no power"])
    refuses("--probe", saved(tmp_path, wave()[None, None]), says=["--probe", "shape (1, 1, 24, 22)"])
    refuses("--probe", saved(tmp_path, np.where(disk((3, 3)), np.nan, wave())), says=["--probe", "finite"])
    refuses("--probe", saved(tmp_path, wave()), says=["--probe", "of its power lies in the aperture", "real space"])
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["x"] = 1
    refuses("--probe", tmp_path / "other.h5", says=["--probe", "optimizable_tensors/probe", "FILE.h5::PATH"])


def test_bad_patterns(refuses, tmp_path):
    refuses("--vacuum", saved(tmp_path, wave()), says=["--vacuum", "complex128", "numbers"])
    refuses("--vacuum", saved(tmp_path, np.ones((4, 4))), says=["--vacuum", "shape (4, 4)", "(24, 22)"])
    refuses("--vacuum", saved(tmp_path, np.zeros(DETECTOR)), says=["--vacuum", "0% of its power lies in the aperture"])
    refuses("--vacuum", saved(tmp_path, disk((3, 3), 3) * 1.0), says=["--vacuum", "of its power lies in the aperture", "centred"])
    refuses("--vacuum", "a.npy", "--probe", "b.npy", says=["not allowed with"])
