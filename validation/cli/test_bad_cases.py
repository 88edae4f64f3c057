"""Cases that are none, and files that are no JSON."""

import json

import pytest
from conftest import RANKS, TINY


@RANKS
def test_unknown_case(run, output, ranks):
    run.rejects("simulate", "nothing", "-o", output, ranks=ranks, says=["nothing", "smoke", "pbtio3-small"])
    assert not output.exists()


def write_bad(folder, change):
    file = folder / "bad.json"
    file.write_text(json.dumps({**TINY, **change}))
    return file


@pytest.mark.parametrize(
    "change, says",
    [
        ({"detecter": [1, 1]}, ["detecter", "known here", "detector"]),
        ({"specimen": {"colour": 1}}, ["specimen.colour"]),
        ({"scan": {"rows": 4}}, ["scan.columns", "missing"]),
        ({"slices": "two"}, ["slices", "two"]),
        ({"slices": 2.5}, ["slices", "2.5"]),
        ({"slices": 0}, ["slices", "0"]),
        ({"detector": [48]}, ["detector"]),
        ({"detector": [-48, 48]}, ["detector", "-48"]),
        ({"seed": -1}, ["seed", "-1"]),
        ({"soft_aperture": 1}, ["soft_aperture"]),
        ({"specimen": {"thermal": "hot"}}, ["specimen.thermal", "hot", "frozen_phonon"]),
        ({"scan": {"rows": 40, "columns": 4}}, ["bad.json: field 'volume' is 72 x 72"]),
        ({"scan": {"rows": 0, "columns": 4}}, ["scan"]),
        ({"scan": {"rows": 1, "columns": 1}}, ["scan"]),
        ({"pixel_A": [0.0, 0.25]}, ["pixel_A"]),
        ({"energy_eV": -1}, ["energy_eV", "-1"]),
        ({"aberrations": {"C11": {"magnitude_A": 3, "angle_deg": 0}}}, ["aberrations.C11", "C12"]),
        ({"aberrations": {"C12": {"magnitude_A": 3}}}, ["aberrations.C12.angle_deg", "missing"]),
        ({"aberrations": {"C12": {"magnitude_A": -3, "angle_deg": 0}}}, ["field 'C12_A' is -3", "turned by 90 degrees"]),
        ({"cost_fall": {"magic": 3}}, ["cost_fall.magic", "serial"]),
        ({"cost_fall": 20}, ["cost_fall", "20"]),
        ({"targets": {"seams": 3}}, ["targets.seams", "relative_rmse"]),
        ({"targets": {"relative_rmse": 0}}, ["targets.relative_rmse is 0", "above 0"]),
        ({"iterations": 0}, ["bad.json", "iterations is 0", "1 or more"]),
        ({"name": ""}, ["bad.json", 'name is ""']),
        ({"name": "a/b"}, ["bad.json", 'name is "a/b"']),
        ({"slice_thickness_A": -1}, ["bad.json: field 'slice_thickness_A' is -1"]),
    ],
)
def test_bad_case_file(run, output, tmp_path, change, says):
    run.rejects("simulate", write_bad(tmp_path, change), "-o", output, says=says)
    assert not output.exists()


@pytest.mark.parametrize(
    "change, says",
    [
        ({"slices": "two"}, ["slices", "two"]),
        ({"specimen": {"thermal": "hot"}}, ["specimen.thermal"]),
        ({"scan": {"rows": 1, "columns": 1}}, ["scan"]),
    ],
    ids=["type", "word", "experiment"],
)
def test_bad_case_file_on_two_ranks(run, output, tmp_path, change, says):
    """Both read the file and find the same; one line for each kind of finding."""
    run.rejects("simulate", write_bad(tmp_path, change), "-o", output, ranks=2, says=says)
    assert not output.exists()


def test_case_file_that_has_a_key_twice(run, output, tmp_path):
    file = tmp_path / "bad.json"
    file.write_text(json.dumps(TINY).replace('"rows": 4', '"rows": 3, "rows": 4'))
    run.rejects("simulate", file, "-o", output, says=["bad.json: key 'rows' is there twice"])


def test_case_file_that_cannot_be_read(run, output, tmp_path):
    run.rejects("simulate", tmp_path / "nothing.json", "-o", output, says=["nothing.json", "No such file or directory"])
    (tmp_path / "folder.json").mkdir()
    run.rejects("simulate", tmp_path / "folder.json", "-o", output, says=["folder.json", "not a regular file"])


@pytest.mark.parametrize("text", ["", "{", "[]", "nonsense", json.dumps(TINY).replace("0.25", "1e999")])
def test_case_file_that_is_not_json(run, output, tmp_path, text):
    file = tmp_path / "bad.json"
    file.write_text(text)
    run.rejects("simulate", file, "-o", output, says=["bad.json"])


@pytest.mark.parametrize("text", ["[" * 200_000, "1" * 100_000, '{"name": "a", "name": "b"}'])
def test_json_that_parsers_choke_on(run, output, tmp_path, text):
    file = tmp_path / "bad.json"
    file.write_text(text)
    for words in (["info", file], ["simulate", file, "-o", output], ["plan", "--case", "smoke", "--ranks", 1, "--rates", file]):
        assert len(run.rejects(*words, says=[file, "bad.json: "]).errors[0]) <= 300
