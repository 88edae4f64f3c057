"""Tests of run_pictures.py on small files of the project's layout; run with pytest."""

import json
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
import run_pictures  # noqa: E402

SLICES, ROWS, COLUMNS = 3, 40, 48
PIXEL = (0.2, 0.25)
CORES = [[0, 20, 0, 24], [0, 20, 24, 48], [20, 40, 0, 24], [20, 40, 24, 48]]


def truth():
    y, x = np.mgrid[:ROWS, :COLUMNS]
    return np.stack([100 * np.exp(np.cos(0.7 * y + s) + np.cos(0.6 * x)) for s in range(SLICES)]).astype(
        np.float32
    )


@pytest.fixture
def dataset(tmp_path):
    path = tmp_path / "dataset.h5"
    with h5py.File(path, "w") as file:
        file["ptychoscale/truth/potential"] = truth()
        file["ptychoscale/positions_A"] = [[1.0, 1.25], [1.0, 10.0], [7.0, 1.25], [7.0, 10.0]]
        file["ptychoscale"].attrs["pixel_A"] = PIXEL
    return path


def write_run(path, potential, method="gd"):
    with h5py.File(path, "w") as file:
        file["reconstruction/potential/data"] = potential
        file["ptychoscale/cores"] = np.array(CORES, np.int32)
        file["ptychoscale/cost_per_iteration"] = [4.0, 1.0, 0.25]
        file["ptychoscale/report"] = json.dumps({"benchmarks": [{"method": method}]})
        file["ptychoscale"].attrs["mesh"] = [2, 2]
    return path


def arguments(dataset, output, *reconstructions):
    return [*map(str, reconstructions), "--dataset", str(dataset), "-o", str(output)]


def draw(dataset, output, *reconstructions):
    return run_pictures.main(arguments(dataset, output, *reconstructions))


def test_every_run_gets_a_picture_and_all_share_a_cost_curve(dataset, tmp_path):
    runs = [
        write_run(tmp_path / "gd.h5", 0.9 * truth()),
        write_run(tmp_path / "hve.h5", 0.8 * truth(), "hve"),
    ]
    output = tmp_path / "pictures"
    command = [sys.executable, run_pictures.__file__, *arguments(dataset, output, *runs)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    expected = {f"{name}.{kind}" for name in ("picture-gd", "picture-hve", "cost") for kind in ("png", "svg")}
    assert {path.name for path in output.iterdir()} == expected
    assert (output / "cost.png").read_bytes().startswith(b"\x89PNG")


def test_the_same_input_gives_the_same_bytes(dataset, tmp_path):
    run = write_run(tmp_path / "gd.h5", 0.9 * truth())
    for folder in ("first", "second"):
        assert draw(dataset, tmp_path / folder, run) == 0
    for path in (tmp_path / "first").iterdir():
        assert path.read_bytes() == (tmp_path / "second" / path.name).read_bytes(), path.name


def test_rmse_ignores_offset_and_ramp_and_sees_the_rest(dataset, tmp_path):
    specimen = run_pictures.read_specimen(dataset)
    y, x = np.mgrid[:ROWS, :COLUMNS]
    shifted = write_run(tmp_path / "shifted.h5", truth() + (7 + 3 * y - 2 * x).astype(np.float32))
    # float32 potentials of up to 800 V*A are good to 1e-7 of themselves
    assert run_pictures.read_run(shifted, specimen).relative_rmse < 1e-6
    weak = write_run(tmp_path / "weak.h5", 0.9 * truth())
    # a tenth is missing; the plane can take a little of that
    assert run_pictures.read_run(weak, specimen).relative_rmse == pytest.approx(0.1, rel=0.05)


def test_borders_are_where_tiles_meet():
    segments = {tuple(map(int, s)) for s in run_pictures.inner_borders(np.array(CORES), (ROWS, COLUMNS))}
    assert segments == {(20, 20, 0, 24), (20, 20, 24, 48), (0, 20, 24, 24), (20, 40, 24, 24)}


def remove(name):
    return lambda file: file.__delitem__(name)


def put(name, value):
    def change(file):
        del file[name]
        file[name] = value

    return change


@pytest.mark.parametrize(
    "change, complaint",
    [
        (remove("reconstruction/potential/data"), "reconstruction/potential/data is missing"),
        (remove("ptychoscale/report"), "ptychoscale/report names no method"),
        (
            put("reconstruction/potential/data", np.zeros((2, ROWS, COLUMNS), np.float32)),
            "expected the dataset's (3, 40, 48)",
        ),
        (put("reconstruction/potential/data", np.full((SLICES, ROWS, COLUMNS), np.nan, np.float32)), "NaN"),
        (put("ptychoscale/cores", [[0, 41, 0, 48]]), "boxes outside the volume"),
        (put("ptychoscale/cost_per_iteration", np.zeros((0,))), "cost_per_iteration has shape (0,)"),
    ],
)
def test_a_bad_field_is_one_line_and_exit_code_2(dataset, tmp_path, capsys, change, complaint):
    path = write_run(tmp_path / "run.h5", truth())
    with h5py.File(path, "r+") as file:
        change(file)
    output = tmp_path / "pictures"
    assert draw(dataset, output, path) == 2
    message = capsys.readouterr().err
    assert complaint in message and str(path) in message
    assert message.count("\n") == 1
    assert not output.exists()


def test_a_bad_file_or_folder_is_one_line_and_exit_code_2(dataset, tmp_path, capsys):
    run = write_run(tmp_path / "run.h5", truth())
    text = tmp_path / "text.h5"
    text.write_text("no HDF5")
    (tmp_path / "other").mkdir()
    namesake = write_run(tmp_path / "other" / "run.h5", truth())
    for inputs in (
        (dataset, tmp_path / "p", text),
        (dataset, tmp_path / "p", tmp_path / "none.h5"),
        (run, tmp_path / "p", run),
        (dataset, text, run),
        (dataset, tmp_path / "p", run, namesake),
    ):
        assert draw(*inputs) == 2
        assert capsys.readouterr().err.count("\n") == 1
        assert not (tmp_path / "p").exists()
