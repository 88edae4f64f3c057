"""What cannot be imported: exit code 2, one line that names the field, what was found and what would fit, and nothing left behind."""

import h5py
import numpy as np
import pytest
from import_inputs import OPTIONS, SCAN, npy, scan_of

from harness.imports import positions


def without(name):
    at = OPTIONS.index(name)
    return OPTIONS[:at] + OPTIONS[at + 2 :]


@pytest.fixture
def source(tmp_path):
    (tmp_path / "in").mkdir()
    return npy(tmp_path / "in", scan_of())[0]


@pytest.fixture
def refused(rejects, source, tmp_path):
    """Nothing but the inputs is there afterwards."""

    def run(*words, options=OPTIONS, file=None, says=()):
        (tmp_path / "out").mkdir()
        rejects("import", file or source, "-o", tmp_path / "out" / "mine.h5", *options, *words, says=says)
        assert list((tmp_path / "out").iterdir()) == []

    return run


CASES = {
    "shapes that do not multiply out": (["--scan", "4,4"], OPTIONS, ["--scan: 4 x 4", "16 positions", "20 patterns"]),
    "counts without a dose": ([], without("--electrons-per-count"), ["uint16", "no dose", "--electrons-per-count"]),
    "two doses": (["--dose", "100"], OPTIONS, ["--dose", "one of them"]),
    "no energy": ([], without("--energy"), ["energy", "--energy 300keV"]),
    "no unit": (["--energy", "300"], without("--energy"), ["--energy", "'300'", "keV"]),
    "a unit of another kind": (["--defocus", "3mrad"], without("--defocus"), ["--defocus", "3mrad", "nm"]),
    "no scan step": ([], without("--scan-step"), ["scan step", "--scan-step 0.4A"]),
    "an aperture larger than the detector": (["--semiangle", "60mrad", "--disk-radius", "18"], without("--semiangle"),
        ["semiangle 60", "larger than the detector"]),
    "an aperture that the disk contradicts": (["--detector-pixel", "1mrad"], OPTIONS,
        ["semiangle 20 mrad", "detector pixel", "disk of 20", "--semiangle 5.89mrad"]),
    "a mask that hides everything": (["--bad-pixels", "{all_bad}"], OPTIONS, ["--bad-pixels", "hides all 528"]),
    "a mask of another detector": (["--bad-pixels", "{other_mask}"], OPTIONS, ["--bad-pixels", "(5, 5)", "(24, 22)"]),
    "a bad pixel outside": (["--bad-pixels", "3:4,24:0"], OPTIONS, ["--bad-pixels", "24.0"]),
    "positions that do not overlap": (["--scan-step", "100A"], without("--scan-step"), ["100 A apart", "none overlap"]),
    "too few positions": (["--positions", "{few}"], without("--scan-step"), ["few.csv has 7", "20 patterns"]),
    "positions against the scan": (["--positions", "{transposed}"], without("--scan-step"), ["5 lines of 4", "4 lines of 5", "transposed"]),
    "positions in two units": (["--positions", "{raster}", "--positions-unit", "nm"], without("--scan-step"),
        ["--positions-unit: 'nm'", "'A'"]),
    "positions in no unit": (["--positions", "{bare}"], without("--scan-step"), ["does not say its unit"]),
    "positions of another step": (["--positions", "{raster}", "--scan-step", "10A"], without("--scan-step"),
        ["--scan-step: 10 x 10 A", "1 x 1"]),
    "all patterns left out": (["--leave-out", "0-19"], OPTIONS, ["--leave-out", "0 of 20"]),
    "a pattern that is not there": (["--leave-out", "20"], OPTIONS, ["--leave-out: pattern 20", "0 to 19"]),
    "a centre outside": (["--centre", "30,3"], OPTIONS, ["--centre: 30,3", "24 x 22"]),
    "a crop that does not divide": (["--crop", "21", "--bin", "2"], OPTIONS, ["--crop: 21,21", "multiples of 2"]),
    "padding to less": (["--pad", "16"], OPTIONS, ["--pad: 16,16", "24 x 22"]),
    "less beam than patterns hold": (["--electrons-per-pattern", "100"], OPTIONS, ["electrons per pattern: 100", "brightest"]),
    "a background of another size": (["--background", "{other_mask}"], OPTIONS, ["--background", "(5, 5)"]),
    "everything below the background": (["--background", "1000"], OPTIONS, ["detector pixel", "the patterns are dark"]),
    "slices of no thickness": (["--slices", "3"], OPTIONS, ["--slice-thickness", "3 slices"]),
    "a volume too small": (["--volume", "8,8"], OPTIONS, ["--volume: 8,8", "at least"]),
    "whole numbers of fractions": (["--counts", "uint16", "--background", "0.5"], OPTIONS, ["--counts: uint16", "float32"]),
    "an energy of another world": (["--energy", "300eV"], without("--energy"), ["energy_eV", "eV, not keV"]),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_one_line_says_what_is_wrong(case, refused, tmp_path):
    words, options, says = CASES[case]
    raster = positions.raster(SCAN, (1.0, 1.0))
    np.save(tmp_path / "all.npy", np.ones((24, 22)))
    np.save(tmp_path / "other.npy", np.zeros((5, 5)))
    tables = {
        "few": raster[:7],
        "raster": raster,
        "transposed": positions.raster(SCAN[::-1], (1.0, 1.0)),
        "bare": raster,
    }
    for name, values in tables.items():
        head = "" if name == "bare" else "y_A,x_A\n"
        (tmp_path / f"{name}.csv").write_text(head + "\n".join(f"{y},{x}" for y, x in values))
    files = {name: tmp_path / f"{name}.csv" for name in tables} | {"all_bad": tmp_path / "all.npy", "other_mask": tmp_path / "other.npy"}
    refused(*(word.format(**files) for word in words), options=options, says=says)


def test_counts_that_are_no_numbers(refused, tmp_path):
    cube = scan_of().astype(np.float32)
    cube[3, 1, 5, 7] = np.nan
    np.save(tmp_path / "nan.npy", cube)
    refused("--centre", "11,10", file=tmp_path / "nan.npy", says=["pattern 16, pixel (y, x) = (5, 7)", "nan", "--bad-pixels"])


def test_one_deep_inside_leaves_nothing_either(refused, tmp_path, monkeypatch):
    """Where no sample of the patterns has met it, the import has begun to write."""
    monkeypatch.setattr("harness.imports.survey.SAMPLED", 2)
    monkeypatch.setattr("harness.imports.survey.AT_ONCE", 2)
    cube = scan_of().astype(np.float32)
    cube[3, 1, 5, 7] = np.inf
    np.save(tmp_path / "inf.npy", cube)
    refused(file=tmp_path / "inf.npy", says=["pattern 16", "inf"])


@pytest.mark.parametrize("cut", [0, 5, 90, 5000])
def test_a_truncated_array(cut, refused, source):
    source.write_bytes(source.read_bytes()[:cut])
    refused(says=[source.name])


@pytest.mark.parametrize(
    "shape, says", [("4,5,24,23", "--shape 4,5,24,23"), ("4,5,24", "24"), ("1,1,4,4", "multiplies out to 10560")]
)
def test_raw_numbers_of_another_shape(shape, says, refused, tmp_path):
    scan_of().tofile(tmp_path / "scan.raw")
    refused("--shape", shape, "--dtype", "uint16", file=tmp_path / "scan.raw", says=[says])


def test_raw_numbers_that_nobody_describes(refused, tmp_path):
    scan_of().tofile(tmp_path / "scan.raw")
    refused(file=tmp_path / "scan.raw", says=["--shape and --dtype"])


def test_which_dataset(refused, tmp_path):
    with h5py.File(tmp_path / "two.h5", "w") as file:
        file["one"] = file["two"] = scan_of()
        file["two2"] = scan_of()
    refused(file=tmp_path / "two.h5", says=["--path", "one (4, 5, 24, 22)", "two2"])


def test_numbers_in_a_file_that_is_gone(refused, tmp_path):
    layout = h5py.VirtualLayout((4, 5, 24, 22), np.uint16)
    layout[:] = h5py.VirtualSource("gone.h5", "dp", (4, 5, 24, 22))
    with h5py.File(tmp_path / "virtual.h5", "w") as file:
        file.create_virtual_dataset("dp", layout)
    refused(file=tmp_path / "virtual.h5", says=["gone.h5", "not there"])


@pytest.mark.parametrize("name", ["scan.xyz", "scan.npz", "scan.h5", "scan.mat", "scan.tif", "scan.dm4"])
def test_what_is_no_scan(name, refused, tmp_path):
    (tmp_path / name).write_bytes(b"II*\0" + b"nonsense" * 100 if name.endswith("tif") else b"nonsense" * 100)
    refused(file=tmp_path / name, says=[name])


@pytest.mark.parametrize("name, says", [("mine.png", "picture"), ("nowhere/mine.h5", "no such folder")])
def test_outputs_that_cannot_be(name, says, rejects, source, tmp_path):
    rejects("import", source, "-o", tmp_path / name, *OPTIONS, says=["--output", says])
    assert not (tmp_path / name).exists()


def test_an_output_that_is_the_source(rejects, tmp_path):
    with h5py.File(tmp_path / "scan.h5", "w") as file:
        file["dp"] = scan_of()
    before = (tmp_path / "scan.h5").read_bytes()
    rejects("import", tmp_path / "scan.h5", "-o", tmp_path / "scan.h5", *OPTIONS, says=["--output", "which is read"])
    assert (tmp_path / "scan.h5").read_bytes() == before
