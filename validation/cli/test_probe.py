"""A probe that is not known, as people refine it: what the file, the report and the plan then say, and what is refused."""

import json
import shutil

import h5py
import numpy as np
import pytest
from conftest import TINY


@pytest.fixture(scope="session")
def defocused(run, tmp_path_factory):
    """A dataset whose patterns were made with a defocus of 170 A, and that says 150."""
    folder = tmp_path_factory.mktemp("defocused")
    (folder / "tiny.json").write_text(json.dumps({**TINY, "conditions": {"C10_error_A": -20}}))
    run.good("simulate", folder / "tiny.json", "-o", folder / "tiny.h5")
    return folder / "tiny.h5"


def reconstructed(run, dataset, output, *words, **options):
    """The report's row, and the probe in reciprocal space, zero frequency first."""
    report = output.with_suffix(".json")
    run.good("reconstruct", dataset, "-o", output, "--iterations", 8, "--threads", 1, *words, "--json", report, **options)
    with h5py.File(output) as file:
        wave = file["reconstruction/probe/data"][0]
    probe = np.fft.fft2(np.fft.ifftshift(wave)) / np.sqrt(wave.size)
    return json.loads(report.read_text())["benchmarks"][0], probe


def difference(probe, truth):
    """|probe - truth| but for a phase; both are of about unit power."""
    phase = np.vdot(probe, truth)
    return np.linalg.norm(probe * phase / abs(phase) - truth)


def true_probe():
    """Of TINY's optics, with the defocus of 170 A that the patterns were made with."""
    n, pixel, wavelength = TINY["detector"][0], TINY["pixel_A"][0], 0.0250793404
    k = np.hypot(*np.meshgrid(*[np.fft.fftfreq(n, pixel)] * 2, indexing="ij"))
    amplitude = np.clip((0.02 / wavelength - k) * n * pixel + 0.5, 0, 1)
    probe = amplitude * np.exp(-1j * np.pi * wavelength * -170 * k**2)
    return probe / np.linalg.norm(probe)


@pytest.mark.parametrize("method, ranks", [("serial", 1), ("gd", 2), ("hve", 2)])
def test_a_refined_probe_fits_better_and_is_nearer_to_the_true_one(run, defocused, tmp_path, method, ranks):
    words = ["--method", method]
    row, probe = reconstructed(run, defocused, tmp_path / "known.h5", *words, ranks=ranks)
    assert "refine_probe" not in row
    refined_row, refined = reconstructed(run, defocused, tmp_path / "refined.h5", *words, "--refine-probe", ranks=ranks)
    assert refined_row["refine_probe"] == 2 and "probe_change" not in row
    assert refined_row["probe_change"] == pytest.approx(difference(refined, probe), rel=1e-3)
    assert refined_row["probe_power"] == pytest.approx(np.linalg.norm(refined) ** 2, rel=1e-5)
    assert refined_row["cost"] < row["cost"]
    assert 0.2 < difference(probe, true_probe()) < 1
    assert difference(refined, true_probe()) < 0.99 * difference(probe, true_probe())
    lit = abs(probe) > 1e-6  # of a wave in single precision
    assert np.abs(refined[~lit]).max() < 1e-6
    again = tmp_path / "again.h5"
    reconstructed(run, defocused, again, *words, "--refine-probe", "2", ranks=ranks)
    assert again.read_bytes() == (tmp_path / "refined.h5").read_bytes()


def test_modes_are_refined_reported_and_taken_over_by_an_import(run, defocused, tmp_path):
    made = tmp_path / "modes.h5"
    row, _ = reconstructed(run, defocused, made, "--method", "gd", "--refine-probe", "--probe-modes", 3, ranks=2)
    powers = row["probe_mode_powers"]
    assert row["probe_modes"] == 3 and sum(powers) == pytest.approx(1) and powers == sorted(powers, reverse=True)
    with h5py.File(made) as file:
        modes = file["reconstruction/probe/data"][...].reshape(3, -1).astype(complex)
    products = modes.conj() @ modes.T
    np.testing.assert_allclose(products, np.diag(powers) * row["probe_power"], atol=1e-6)  # of waves in single precision
    run.good("import", defocused, "--probe", made, "-o", tmp_path / "again.h5")
    row, _ = reconstructed(run, tmp_path / "again.h5", tmp_path / "known.h5", "--method", "serial")
    assert row["probe_modes"] == 3 and "probe_change" not in row
    assert row["probe_mode_powers"] == pytest.approx(powers, rel=1e-4)
    refused = ["reconstruct", tmp_path / "again.h5", "-o", tmp_path / "no.h5"]
    run.rejects(*refused, "--probe-modes", 2, says=["probe_modes", "has 3 modes", "leave it out"])


@pytest.mark.parametrize("method, ranks", [("serial", 1), ("gd", 2)])
def test_a_dose_that_is_told_wrongly_is_found(run, tiny_dataset, tmp_path, method, ranks):
    """The same counts, of a beam that the header says to be 10 % weaker; so weak is refused unless the scale is refined."""
    weak = tmp_path / "weak.h5"
    shutil.copy(tiny_dataset, weak)
    with h5py.File(weak, "r+") as file:
        own = file["ptychoscale"]
        own.attrs["electrons_per_pattern"] = own.attrs["electrons_per_pattern"] / 1.1
        for name in ("content_hash", "patterns_hash"):
            del own.attrs[name]
        file.attrs["authoring_program"] = "test"
    run.good("validate", "dataset", weak, "--seal-only")
    words = ["--method", method]
    run.rejects("reconstruct", weak, "-o", tmp_path / "no.h5", *words, ranks=ranks, says=["counts add up to 1.1 x"])
    known, _ = reconstructed(run, tiny_dataset, tmp_path / "known.h5", *words, ranks=ranks)
    row, probe = reconstructed(run, weak, tmp_path / "scaled.h5", *words, "--refine-scale", ranks=ranks)
    assert row["refine_scale"] == 2 and "amplitude_scale" not in known
    assert row["amplitude_scale"] == pytest.approx(np.sqrt(1.1), rel=0.01)
    assert np.linalg.norm(probe) == pytest.approx(row["amplitude_scale"], rel=1e-5)
    assert row["cost"] / 1.1 == pytest.approx(known["cost"], rel=0.2)  # the first iteration is lost to the wrong scale
    table = run.good("info", tmp_path / "scaled.json").out
    scale = row["amplitude_scale"]
    assert f"{method}: amplitudes are {scale:.4g} times those that the dataset says, electrons {scale**2:.4g} times" in table
    assert "the probe was changed" not in table


def test_a_plan_counts_modes(run, tiny_case):
    def row(modes):
        words = ["--case", tiny_case, "--ranks", 4, "--methods", "gd", "--refine-probe", "--probe-modes", modes]
        return json.loads(run.good("plan", *words, "--json", "-").out)["benchmarks"][0]

    one, two = row(1), row(2)
    assert "probe_modes" not in one and two["probe_modes"] == 2
    assert 1.9 < two["memory_waves_bytes_max"] / one["memory_waves_bytes_max"] < 2  # factors of propagation are not for each mode
    wave = two["memory_exchange_bytes_max"] - one["memory_exchange_bytes_max"]  # twice the probe's
    assert two["bytes_sent"] - one["bytes_sent"] == one["rounds"] * 4 * wave / 2
    assert two["messages_sent"] == one["messages_sent"]


def test_a_plan_counts_the_probe(run, tiny_case):
    def rows(*words):
        return json.loads(run.good("plan", "--case", tiny_case, "--ranks", "1,4", "--rounds", 2, *words, "--json", "-").out)["benchmarks"]

    for known, refined in zip(rows(), rows("--refine-probe", 3), strict=True):
        rounds = {1: 0, 4: 2 if known["method"] == "gd" else 1}[known["ranks"]]
        assert refined["refine_probe"] == 3 and "refine_probe" not in known
        assert refined["messages_sent"] - known["messages_sent"] == rounds * known["ranks"]
        wave = refined["memory_waves_bytes_max"] - known["memory_waves_bytes_max"]
        assert 0 < wave <= 48 * 48 * 8
        assert refined["bytes_sent"] - known["bytes_sent"] == rounds * known["ranks"] * wave
        assert refined["memory_exchange_bytes_max"] - known["memory_exchange_bytes_max"] == 2 * wave


def test_what_is_refused(run, tiny_dataset, output):
    for word in ("0", "1", "-1", "first"):
        run.rejects("reconstruct", tiny_dataset, "-o", output, f"--refine-probe={word}", says=["--refine-probe", "2 or more"])
    for word in ("0", "9", "two"):
        run.rejects("reconstruct", tiny_dataset, "-o", output, f"--probe-modes={word}", says=["--probe-modes", "1 to 8"])
    run.rejects("reconstruct", tiny_dataset, "-o", output, "--probe-modes", 2, says=["probe_modes", "refine_probe"])
    words = ["--refine-probe", 3, "--refine-scale", 3]
    run.rejects("reconstruct", tiny_dataset, "-o", output, *words, says=["refine_scale", "refine_probe 3, which finds the scale"])
    words = ["--method", "gd", "--update", "accelerated", "--refine-probe"]
    run.rejects("reconstruct", tiny_dataset, "-o", output, *words, says=["refine_probe", "accelerated", "momentum", "batch"])
