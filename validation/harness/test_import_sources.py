"""The same scan in every kind of file becomes the same dataset."""

import import_inputs
import numpy as np
import pytest
from import_inputs import OPTIONS, SCAN, content, differing, scan_of


@pytest.fixture(autouse=True)
def without_pictures(monkeypatch):
    monkeypatch.setattr("harness.imports.drawn", lambda *_: b"")


@pytest.fixture(scope="module")
def cube():
    return scan_of()


@pytest.fixture(scope="module")
def reference():
    """What the first of all tests finds."""
    return {}


@pytest.fixture
def imported(harness, tmp_path):
    """Imports a source and gives the dataset's content."""

    def run(*words, options=OPTIONS):
        result = harness("import", *words, "-o", tmp_path / "mine.h5", *options)
        assert result.code == 0, result.err
        found = content(tmp_path / "mine.h5")
        (tmp_path / "mine.h5").unlink()
        return found

    return run


@pytest.mark.parametrize("kind", import_inputs.KINDS, ids=lambda kind: kind.__name__)
def test_every_kind_gives_the_same_dataset(kind, imported, cube, reference, tmp_path):
    if kind.__name__.startswith(("tiff", "zarr")):
        pytest.importorskip(kind.__name__.split("_")[0].replace("tiff", "tifffile"))
    if kind.__name__ == "nexus":
        pytest.importorskip("rsciio")
    (tmp_path / "source").mkdir()
    found = imported(*kind(tmp_path / "source", cube))
    patterns = found["dataset/datacube/data"]
    assert patterns.dtype == "u2" and patterns.shape[:2] == SCAN
    np.testing.assert_array_equal(patterns[:, :, 1:, 1:], cube[:, :, :-1, :-1])  # the disk's centre moves to the middle pixel
    if not reference:
        reference.update(imported(*import_inputs.npy(tmp_path, cube)))
    assert differing(found, reference) == []


@pytest.mark.parametrize("dtype", ["u1", "i2", ">i4", "u8", "f2", ">f4", "f8"])
def test_every_number_type_gives_the_same_counts(dtype, imported, tmp_path, cube):
    np.save(tmp_path / "scan.npy", cube.astype(dtype))
    patterns = imported(tmp_path / "scan.npy")["dataset/datacube/data"]
    assert patterns.dtype == ("u2" if dtype in ("u1", "i2") else "f4")
    np.testing.assert_array_equal(patterns[:, :, 1:, 1:], cube[:, :, :-1, :-1])


def test_frames_of_the_empad_lose_their_two_rows(imported, tmp_path):
    frames = np.zeros((*SCAN, 130, 128), np.float32)
    frames[:, :, :128] = scan_of(detector=(128, 128), centre=(63, 65))
    frames[:, :, 128:] = -1e9
    (tmp_path / "scan.raw").write_bytes(frames.tobytes())
    (tmp_path / "scan.xml").write_text(f'<root><pix_x value="{SCAN[1]}"/><pix_y value="{SCAN[0]}"/></root>')
    patterns = imported(tmp_path / "scan.raw", "--format", "empad")["dataset/datacube/data"]
    assert patterns.shape == (*SCAN, 128, 128)
    np.testing.assert_array_equal(patterns[:, :, 1:, :-1], frames[:, :, :127, 1:128])


def test_nexus_says_what_the_microscope_was(imported, tmp_path, cube):
    pytest.importorskip("rsciio")
    found = imported(*import_inputs.nexus(tmp_path, cube), options=["--electrons-per-count", "1", "--defocus", "10nm"])
    assert found["dataset/metadatabundle/microscope/energy_eV"] == 200e3
    assert found["dataset/metadatabundle/microscope/semiangle_cutoff_mrad"] == 20
    np.testing.assert_allclose(found["ptychoscale@scan_step_A"], 1.0)


def test_what_rosettasciio_may_know_is_said_where_it_is_missing(rejects, monkeypatch, tmp_path):
    monkeypatch.setitem(__import__("sys").modules, "rsciio", None)
    (tmp_path / "scan.dm4").write_bytes(b"of a microscope")
    rejects("import", tmp_path / "scan.dm4", "-o", tmp_path / "x.h5", *OPTIONS, says=["without rosettasciio", "pip install rosettasciio"])


def test_a_missing_package_is_named(rejects, monkeypatch, tmp_path):
    monkeypatch.setitem(__import__("sys").modules, "zarr", None)
    (tmp_path / "store.zarr").mkdir()
    (tmp_path / "store.zarr" / "zarr.json").write_text("{}")
    monkeypatch.delitem(__import__("sys").modules, "harness.imports.sources.zarr_store", raising=False)
    says = ["needs the python package zarr", "pip install zarr"]
    rejects("import", tmp_path / "store.zarr", "-o", tmp_path / "x.h5", *OPTIONS, says=says)
