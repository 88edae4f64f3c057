"""An import that is killed, disturbed or large: the same bits, one writer at a time, little memory; and what a solver makes of it."""

import os
import subprocess
import sys
import tracemalloc

import h5py
import numpy as np
import pytest
from import_inputs import OPTIONS, npy, scan_of

from harness.imports import writing
from harness.imports.saved import Progress
from harness.imports.sources import source as sources
from harness.runs import program

SMALL_BLOCKS = """
import os, signal, sys
from harness.imports import writing
from harness.imports.sources import source
source.BLOCK_BYTES, writing.SAVE_SECONDS = 3 * 24 * 22 * 2, 0.0
"""
KILLED = (
    SMALL_BLOCKS
    + """
write, blocks = writing.Writer.write, []

def dying(writer, patterns, clipped):
    write(writer, patterns, clipped)
    blocks.append(len(patterns))
    if len(blocks) == 4:
        writer.save_all()
        writer.saving.result()
        os.kill(os.getpid(), signal.SIGKILL)

writing.Writer.write = dying
from harness.__main__ import main
sys.exit(main(sys.argv[1:]))
"""
)


@pytest.fixture
def source(tmp_path):
    return npy(tmp_path, scan_of())[0]


@pytest.fixture
def small_blocks(monkeypatch):
    monkeypatch.setattr("harness.imports.drawn", lambda *_: b"")
    monkeypatch.setattr(sources, "BLOCK_BYTES", 3 * 24 * 22 * 2)
    monkeypatch.setattr(writing, "SAVE_SECONDS", 0.0)
    monkeypatch.setattr(writing, "FLUSH_BYTES", 1)


def killed(source, output, *words):
    command = [sys.executable, "-c", KILLED, "import", source, "-o", output, *OPTIONS, *words]
    assert subprocess.run(command, env={**os.environ, "PTYCHOSCALE": program.executable()}).returncode == -9


def test_what_was_killed_goes_on_to_the_same_bits(harness, source, tmp_path, small_blocks):
    words = ["--background", "1", "--leave-out", "2"]
    killed(source, tmp_path / "mine.h5", *words)
    assert not (tmp_path / "mine.h5").exists() and (tmp_path / "mine.h5.partial").exists()
    result = harness("import", source, "-o", tmp_path / "mine.h5", *OPTIONS, *words)
    assert result.code == 0 and "goes on after" in result.err
    assert int(result.err.split("goes on after ")[1].split(" of 20")[0]) == 12
    first = (tmp_path / "mine.h5").read_bytes()
    (tmp_path / "mine.h5").unlink()
    result = harness("import", source, "-o", tmp_path / "mine.h5", *OPTIONS, *words)
    assert result.code == 0 and "goes on" not in result.err
    assert (tmp_path / "mine.h5").read_bytes() == first
    assert sorted(file.name for file in tmp_path.iterdir()) == ["mine.h5", "mine.png", "scan.npy"]
    assert "as it was written" in program.ask("info", tmp_path / "mine.h5", "--check-content")


@pytest.mark.parametrize("change", ["option", "source", "damage"])
def test_what_is_left_of_another_import_is_not_gone_on_with(change, harness, source, tmp_path, small_blocks):
    killed(source, tmp_path / "mine.h5")
    words = []
    if change == "option":
        words = ["--background", "1"]
    elif change == "source":
        np.save(source, scan_of(seed=2))
    else:
        content = bytearray((tmp_path / "mine.h5.partial").read_bytes())
        at = content.index(scan_of()[0, 0, 10].tobytes()[2:40])
        content[at] ^= 1
        (tmp_path / "mine.h5.partial").write_bytes(content)
    result = harness("import", source, "-o", tmp_path / "mine.h5", *OPTIONS, *words)
    assert result.code == 0 and "goes on" not in result.err
    assert ("begun anew" in result.err) == (change != "damage")
    harness("import", source, "-o", tmp_path / "fresh.h5", "--name", "mine", *OPTIONS, *words)
    assert (tmp_path / "mine.h5").read_bytes() == (tmp_path / "fresh.h5").read_bytes()


def test_a_second_one_into_the_same_file_is_refused(rejects, source, tmp_path):
    held = Progress(tmp_path / "mine.h5.partial", "another")
    try:
        rejects("import", source, "-o", tmp_path / "mine.h5", *OPTIONS, says=["is being written by another import"])
    finally:
        held.remove()


def test_a_disk_that_takes_nothing(rejects, source, tmp_path, monkeypatch, small_blocks):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    (tmp_path / "out").mkdir()
    rejects("import", source, "-o", tmp_path / "out" / "mine.h5", *OPTIONS, says=["No space left", "it takes 0.02112 MB"])
    assert list((tmp_path / "out").iterdir()) == []


def test_an_earlier_dataset_stays_when_a_new_import_fails(rejects, harness, source, tmp_path, small_blocks):
    assert harness("import", source, "-o", tmp_path / "mine.h5", *OPTIONS).code == 0
    before = (tmp_path / "mine.h5").read_bytes()
    rejects("import", source, "-o", tmp_path / "mine.h5", *OPTIONS, "--volume", "8,8")
    assert (tmp_path / "mine.h5").read_bytes() == before


@pytest.mark.parametrize("kind", ["npy", "hdf5"])
def test_memory_does_not_grow_with_the_scan(kind, harness, tmp_path, monkeypatch):
    """100 MB of patterns go through less than 40 MB: two blocks wait to be written, one is made, each of 4 MB or a few times that."""
    monkeypatch.setattr("harness.imports.drawn", lambda *_: b"")
    rows = scan_of((1, 64), (128, 128), (63, 64))
    if kind == "npy":
        cube = np.lib.format.open_memmap(tmp_path / "scan.npy", "w+", np.uint16, (50, 64, 128, 128))
    else:
        file = h5py.File(tmp_path / "scan.hdf5", "w")
        cube = file.create_dataset("dp", (50, 64, 128, 128), np.uint16, chunks=(1, 8, 128, 128))
    for row in range(50):
        cube[row] = rows[0]
    cube.flush() if kind == "npy" else file.close()
    tracemalloc.start()
    try:
        result = harness("import", tmp_path / f"scan.{kind}", "-o", tmp_path / "mine.h5", *OPTIONS)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert result.code == 0, result.err
    assert (tmp_path / "mine.h5").stat().st_size > 100e6
    assert peak < 40e6


def test_the_picture_is_drawn(harness, source, tmp_path):
    result = harness("import", source, "-o", tmp_path / "mine.h5", *OPTIONS, "--look", "--bad-pixels", "3:3")
    assert result.code == 0 and "import it without --look" in result.out
    content = (tmp_path / "mine.png").read_bytes()
    assert content.startswith(b"\x89PNG") and len(content) > 20000
    assert not (tmp_path / "mine.h5").exists()


def scanned_as(positions_A, rotation_deg, transposed):
    """Where a microscope would say that it was, whose scan is turned against its detector as py4DSTEM has it."""
    y, x = (positions_A[:, ::-1] if transposed else positions_A).T
    cosine, sine = np.cos(np.deg2rad(rotation_deg)), np.sin(np.deg2rad(rotation_deg))
    return np.stack([cosine * y - sine * x, sine * y + cosine * x], axis=1)


@pytest.mark.parametrize("how", ["raster", "listed", "turned", "hot"])
def test_a_simulation_comes_back_as_it_was(how, harness, tiny_dataset, tmp_path, small_blocks):
    """Patterns as an array, positions as a raster or a table, perhaps of a turned scan: the same patterns, and a solver finds the same
    cost; with a hot pixel that is found, the cost of all others, in which that one was a thousandth."""
    with h5py.File(tiny_dataset) as file:
        patterns, positions_A = file["dataset/datacube/data"][...], file["ptychoscale/positions_A"][...]
    measured = patterns.copy()
    if how == "hot":
        measured[:, :, 40, 9] = 1.0
    np.save(tmp_path / "scan.npy", measured)
    listed = scanned_as(positions_A, 17, True) if how == "turned" else positions_A
    np.savetxt(tmp_path / "at.csv", listed, header="y_A,x_A", comments="", delimiter=",", fmt="%.17g")
    where = ["--scan-step", "2A"] if how == "raster" else ["--positions", tmp_path / "at.csv"]
    where += {"turned": ["--rotation", "17", "--transpose"], "hot": ["--bad-pixels", "outliers"]}.get(how, [])
    optics = "--energy 200keV --semiangle 25mrad --detector-pixel 0.0625/A --C10 -200A --slices 4 --slice-thickness 125pm".split()
    words = [*optics, *where, "--volume", "112,112", "--electrons-per-pattern", "1"]
    result = harness("import", tmp_path / "scan.npy", "-o", tmp_path / "mine.h5", *words)
    assert result.code == 0, result.err
    with h5py.File(tmp_path / "mine.h5") as file:
        if how == "hot":
            assert np.argwhere(file["ptychoscale/pixels_used"][...] == 0).tolist() == [[40, 9]]
            patterns[:, :, 40, 9] = 0
        np.testing.assert_array_equal(file["dataset/datacube/data"][...], patterns)
        np.testing.assert_allclose(file["ptychoscale/positions_A"][...], positions_A, atol=1e-12)
    costs = [first_cost(file, tmp_path) for file in (tiny_dataset, tmp_path / "mine.h5")]
    # Positions lie in the middle between two pixels: turned there and back, rounding takes the window on the other side.
    assert costs[1] == pytest.approx(costs[0], rel={"hot": 1e-2, "turned": 1e-4}.get(how, 1e-6))


def first_cost(dataset, folder) -> float:
    words = ["--method", "serial", "--iterations", "1", "--threads", "1", "-o", folder / "r.h5", "--json", "-"]
    return program.ask_json("reconstruct", dataset, *words)["benchmarks"][0]["cost_of_iterations"][0]
