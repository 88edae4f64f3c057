"""`ptychoscale sweep`: every point a row, failures with their reason, interrupted sweeps resumed."""

import json
import signal
import subprocess

import pytest
from patience import HANG_SECONDS, wait_until

from harness.base import documents
from harness.runs import program
from harness.runs.grid import check, product

# What a run gives again on the same data; times are not among it.
LASTING = ["name", "method", "mesh", "rounds", "halo_px", "bytes_sent", "messages_sent", "cost", "memory_peak_bytes_max", "error"]


def lasting(folder):
    rows = documents.read_report(folder / "report.json")["benchmarks"]
    return [{key: row[key] for key in LASTING if key in row} for row in rows]


def test_product_leaves_out_what_means_nothing():
    points = product(check({"case": "c", "methods": ["serial", "gd", "hve"], "ranks": [1, 2], "rounds": [1, "max"]}, "spec"))
    assert points == [
        {"methods": "serial", "ranks": 1},
        {"methods": "gd", "ranks": 1, "rounds": 1},
        {"methods": "gd", "ranks": 1, "rounds": "max"},
        {"methods": "gd", "ranks": 2, "rounds": 1},
        {"methods": "gd", "ranks": 2, "rounds": "max"},
        {"methods": "hve", "ranks": 1},
        {"methods": "hve", "ranks": 2},
    ]


def test_every_setting_reaches_the_run(harness, tiny_case, tmp_path):
    spec = tmp_path / "spec.json"
    spec.write_text(
        json.dumps(
            {
                "case": str(tiny_case), "iterations": 2, "methods": ["gd"], "meshes": ["2x1", "1x2"], "halos_pm": [400, 500.5],
                "rounds": [2], "grids": ["tile"], "adjoints": ["store"], "exchanges": ["allreduce"], "updates": ["batch"],
            }
        )
    )  # fmt: skip
    assert harness("sweep", spec, "-o", tmp_path / "runs").code == 0
    rows = documents.read_report(tmp_path / "runs" / "report.json")["benchmarks"]
    assert [row["mesh"] for row in rows] == [[2, 1], [2, 1], [1, 2], [1, 2]]
    # 4 and 5.005 A of 0.25 A pixels; there is none across the border that a mesh does not have
    assert [max(row["halo_px"]) for row in rows] == [16, 21, 16, 21]
    for row in rows:
        said = [row[key] for key in ("iterations", "rounds", "grid", "adjoint", "exchange", "update")]
        assert said == [2, 2, "tile", "store", "allreduce", "batch"]


def test_points_that_cannot_be_are_rows(harness, tiny_case, tmp_path):
    result = harness("sweep", tiny_case, "-o", tmp_path / "runs", "--methods", "hve", "--ranks", "2,16", "--iterations", 2)
    assert result.code == 0
    assert "16 pixels" not in result.err and "hve/16:" in result.out
    good, bad = documents.read_report(tmp_path / "runs" / "report.json")["benchmarks"]
    assert "cost" in good and bad["error_occurred"] and bad["ranks"] == 16 and "smaller number of ranks" in bad["error"]


def test_points_that_fail_are_rows_and_are_tried_again(harness, tiny_case, tmp_path):
    words = ["sweep", tiny_case, "-o", tmp_path, "--methods", "gd", "--ranks", "1,2", "--iterations", 2]
    assert harness(*words, "--ranks", "1").code == 0
    broken = harness(*words, "--launcher", "no-such-launcher {ranks}")
    assert broken.code == 1 and "no-such-launcher" in broken.out
    assert [("error" in row) for row in lasting(tmp_path)] == [False, True]
    again = harness(*words)
    assert again.code == 0 and "1 of 2 points are there already" in again.err
    assert not any("error" in row for row in lasting(tmp_path))


def test_interrupted_sweep_goes_on_with_the_same_rows(harness, tiny_case, tmp_path):
    words = ["sweep", str(tiny_case), "--methods", "gd,hve", "--ranks", "1,2,4", "--rounds", "1,2", "--iterations", "2", "-o"]
    whole, resumed = tmp_path / "whole", tmp_path / "resumed"
    assert harness(*words, whole).code == 0
    process = subprocess.Popen([program.executable(), *words, resumed], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    wait_until(lambda: len(list(resumed.glob("points/*.json"))) >= 2, "two points", process)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=HANG_SECONDS)
    assert process.returncode == 130
    assert "goes on where this one stopped" in err.splitlines()[-1]
    kept = {file: file.stat().st_mtime_ns for file in resumed.glob("points/*-run.json")}
    assert 0 < len(kept) < 9
    assert harness(*words, resumed).code == 0
    assert lasting(resumed) == lasting(whole)
    assert {file: file.stat().st_mtime_ns for file in kept} == kept, "what was there is not run again"


def test_other_settings_are_other_points(harness, tiny_case, tmp_path):
    words = ["sweep", tiny_case, "-o", tmp_path, "--ranks", "1"]
    assert harness(*words, "--iterations", 2).code == 0
    assert "there already" not in harness(*words, "--iterations", 3).err
    (row,) = documents.read_report(tmp_path / "report.json")["benchmarks"]
    assert row["iterations"] == 3


def test_damaged_point_is_made_again(harness, tiny_case, tmp_path):
    words = ["sweep", tiny_case, "-o", tmp_path, "--ranks", "1", "--iterations", 2]
    assert harness(*words).code == 0
    before = lasting(tmp_path)
    (point,) = tmp_path.glob("points/*-run.json")
    point.write_text(point.read_text()[:100])
    assert harness(*words).code == 0
    assert lasting(tmp_path) == before


def test_planned_sweep_runs_nothing(harness, tiny_case, tmp_path):
    result = harness("sweep", tiny_case, "--plan", "-o", tmp_path, "--methods", "gd,hve", "--ranks", "2,16")
    assert result.code == 0
    report = documents.read_report(tmp_path / "report.json")
    assert report["context"]["evidence"] == "modelled"
    assert ["error" in row for row in report["benchmarks"]] == [False, False, False, True]
    assert not list(tmp_path.glob("**/*.h5"))


@pytest.mark.parametrize(
    "spec, says",
    [
        ({"ranks": [1], "colour": ["red"]}, ["unknown key 'colour'", "known here", "rounds"]),
        ({}, ["neither ranks", "meshes"]),
        ({"ranks": [1], "meshes": ["1x1"]}, ["both ranks and meshes"]),
        ({"ranks": 2}, ["ranks is 2", "list"]),
        ({"ranks": []}, ["ranks", "list"]),
        ({"ranks": [0]}, ["ranks", "'0'"]),
        ({"ranks": [True]}, ["ranks", "'True'"]),
        ({"meshes": ["2by2"]}, ["meshes", "2by2", "2x3"]),
        ({"ranks": [1], "rounds": [0]}, ["rounds", "'0'", "max"]),
        ({"ranks": [1], "halos_pm": [-1]}, ["halos_pm", "'-1'"]),
        ({"ranks": [1], "grids": ["lattice"]}, ["grids", "lattice", "window"]),
        ({"ranks": [1], "methods": ["magic"]}, ["methods", "magic", "serial"]),
        ({"ranks": [1], "iterations": 0}, ["iterations is 0"]),
        ({"ranks": [1], "case": "nothing"}, ["'nothing' is unknown", "smoke"]),
        ({"ranks": [1], "case": 7}, ["case is 7"]),
    ],
)
def test_bad_spec(rejects, tiny_case, tmp_path, spec, says):
    file = tmp_path / "spec.json"
    file.write_text(json.dumps({"case": str(tiny_case), **spec}))
    rejects("sweep", file, "-o", tmp_path / "runs", says=says)
    assert not (tmp_path / "runs").exists()
