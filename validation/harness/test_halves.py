"""`ptychoscale halves`: two halves of the positions, and to what detail their reconstructions agree."""

import json

import h5py
import numpy as np
import pytest
from conftest import TINY

from harness.base import documents
from harness.runs import half_datasets, halves, program


def simulated(folder, name, **changes):
    case, file = folder / f"{name}.json", folder / f"{name}.h5"
    case.write_text(json.dumps({**TINY, "name": name, **changes}))
    program.ask("simulate", case, "-o", file)
    return file


@pytest.fixture(scope="module")
def two_doses(tmp_path_factory):
    folder = tmp_path_factory.mktemp("doses")
    return [simulated(folder, f"dose{dose}", dose_e_per_A2=dose) for dose in (300, 30000)]


def rows_of(folder):
    report = documents.read_report(folder / "report.json")
    return report["benchmarks"]


def used_in(file):
    with h5py.File(file) as opened:
        return opened["ptychoscale/patterns_used"][...].astype(bool)


def test_every_position_is_in_one_half(tiny_dataset, tmp_path):
    first, second = half_datasets.write(tiny_dataset, tmp_path)
    used = np.array([used_in(first), used_in(second)])
    assert np.all(used.sum(axis=0) == 1) and used.sum(axis=1).tolist() == [18, 18]
    grid = used[0].reshape(6, 6)
    assert not np.any(grid[:, 1:] & grid[:, :-1]) and not np.any(grid[1:] & grid[:-1])  # no two neighbours are in one half
    with h5py.File(first) as half, h5py.File(tiny_dataset) as whole:
        assert np.array_equal(half[half_datasets.PATTERNS][...], whole[half_datasets.PATTERNS][...])
        assert "truth" not in half["ptychoscale"]
    assert first.stat().st_size < 200_000
    assert program.ask_json("info", first, "--json", "--check-content")["header"]["patterns_left_out"] == 18


def test_patterns_that_are_left_out_are_in_neither_half(tiny_dataset, tmp_path):
    copy = tmp_path / "masked.h5"
    copy.write_bytes(tiny_dataset.read_bytes())
    left = np.ones(36, np.uint8)
    left[[0, 7]] = 0
    with h5py.File(copy, "a") as file:
        file["ptychoscale/patterns_used"] = left
        del file["ptychoscale"].attrs["content_hash"]
        file.attrs["authoring_program"] = "test"
        file["ptychoscale"].attrs.pop("patterns_hash", None)
    used = np.array([used_in(file) for file in half_datasets.write(copy, tmp_path)])
    assert np.array_equal(used.sum(axis=0), left)


def test_a_higher_dose_agrees_to_more_detail(harness, two_doses, tmp_path):
    """Of the same specimen; the words and the table say what the row holds."""
    found = []
    for file in two_doses:
        folder = tmp_path / file.stem
        result = harness("halves", file, "-o", folder, "--methods", "serial", "--iterations", 6)
        assert result.code == 0, result.err
        (row,) = rows_of(folder)
        found.append(row)
        assert f"serial: the halves agree to {row['halves_resolution_A']:.3g} A by half a bit" in result.out
        assert "What halves do not show" in result.out and "halves agree to, A (half a bit)" in result.out
        assert len(row["halves_correlation"]) == len(row["halves_half_bit"]) == len(row["halves_frequency_per_A"])
    low, high = found
    assert high["halves_resolution_A"] < 0.8 * low["halves_resolution_A"]
    assert np.mean(high["halves_correlation"]) > np.mean(low["halves_correlation"]) + 0.1


def test_ranks_a_page_and_options_of_the_solver(harness, tiny_dataset, tmp_path):
    folder = tmp_path / "halves"
    words = ["--methods", "gd", "--ranks", 2, "--iterations", 3, "--threads", 1, "--options", "--update averaged --rounds 1"]
    result = harness("halves", tiny_dataset, "-o", folder, *words)
    assert result.code == 0, result.err
    (row,) = rows_of(folder)
    assert row["ranks"] == 2 and row["update"] == "averaged" and row["halves_split"] == half_datasets.SPLIT
    assert "patterns_left_out" not in row, "cost and times are the whole scan's"
    assert harness("report", folder, "-o", tmp_path / "page").code == 0
    page = (tmp_path / "page" / "index.html").read_text()
    assert "Agreement of two halves" in page and "look like agreement" in page
    assert page.count("half of the positions of") == 2, "their runs are parts, and no rows of their own"


def test_a_half_that_fails_leaves_the_whole_and_its_reason(harness, tiny_dataset, tmp_path, monkeypatch):
    monkeypatch.setattr(halves, "summed", lambda file: np.zeros((8, 8)))
    result = harness("halves", tiny_dataset, "-o", tmp_path / "out", "--methods", "serial", "--iterations", 1)
    assert result.code == 1
    (row,) = rows_of(tmp_path / "out")
    assert row["cost"] > 0 and "pixels; at least 16 are needed" in row["halves_not_computed"]
    assert "serial: no halves: the scan spans" in result.out


def test_bad_input(rejects, tiny_case, tiny_dataset, tmp_path):
    rejects("halves", tiny_case, "-o", tmp_path / "out", says=["is no dataset"])
    rejects("halves", tmp_path / "none.h5", "-o", tmp_path / "out", says=["none.h5"])
    (tmp_path / "out").mkdir(exist_ok=True)
    first = tmp_path / "out" / "first.h5"
    first.write_bytes(tiny_dataset.read_bytes())
    rejects("halves", first, "-o", tmp_path / "out", says=[first, "whose name a half gets"])
    assert first.read_bytes() == tiny_dataset.read_bytes()
    few = tmp_path / "few.h5"
    few.write_bytes(tiny_dataset.read_bytes())
    with h5py.File(few, "a") as file:
        file["ptychoscale/patterns_used"] = np.arange(36) < 3
        file.attrs["authoring_program"] = "test"
        for name in half_datasets.LEFT:
            file["ptychoscale"].attrs.pop(name, None)
    rejects("halves", few, "-o", tmp_path / "out", says=[few, "3 patterns are in use, too few for two halves"])
