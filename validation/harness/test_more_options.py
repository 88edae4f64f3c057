"""Options of the solver that bench, sweep, tune and halves pass on: to every run, into rows, and so that no other run is taken for it."""

import argparse
import json

import pytest

from harness.base import documents
from harness.base.errors import RunError
from harness.judge.matching import match, runs_of
from harness.report.runs import varying_options
from harness.runs import measure, options

REFINED = ["refine_probe", "slice_blur", "options"]


def rows_of(folder):
    return documents.read_report(folder / "report.json")["benchmarks"]


@pytest.mark.parametrize(
    "text, says",
    [
        ("--iterations 3", ["'--iterations' is said by this command itself", "--refine-probe"]),
        ("--method=gd", ["'--method'"]),
        ("gd", ["'gd'; valid: options and their values"]),
        ("--step 'x", ["No closing quotation", "words as in a shell"]),
    ],
)
def test_what_commands_say_themselves_is_refused(text, says):
    with pytest.raises(argparse.ArgumentTypeError) as error:
        options.more_options(text)
    assert [word for word in says if word not in str(error.value)] == []


def test_some_options_are_left_out_with_their_values():
    words = ("data.h5", "--step", "-3", "--refine-probe", "--mesh=2x2", "--update", "batch", "--refine-probe", "4")
    assert options.without(words, "--step", "--mesh", "--update") == ("data.h5", "--refine-probe", "--refine-probe", "4")


def test_bench_passes_them_to_every_run_and_to_the_control(harness, tiny_case, tmp_path):
    words = ["--methods", "gd", "--ranks", 2, "--options", "--refine-probe --slice-blur 0.4 --step 30 --mesh 1x2"]
    result = harness("bench", tiny_case, "-o", tmp_path, *words)
    assert result.code == 0, result.out + result.err
    (row,) = rows_of(tmp_path)
    assert [row[key] for key in REFINED] == [2, 0.4, "--refine-probe --slice-blur 0.4 --step 30 --mesh 1x2"]
    assert row["step"] == 30 and row["mesh"] == [1, 2] and row["verification_cost"] == "passed"
    (control,) = documents.read_report(tmp_path / "control-gd-0.json")["benchmarks"]
    assert [control[key] for key in ("method", "refine_probe", "slice_blur", "step")] == ["serial", 2, 0.4, 30]


def test_sweep_and_its_plan_pass_them(harness, tiny_case, tmp_path):
    words = ["sweep", tiny_case, "-o", tmp_path, "--methods", "gd", "--ranks", "1", "--iterations", 2]
    assert harness(*words).code == 0
    known = rows_of(tmp_path)
    result = harness(*words, "--options=--refine-probe --slice-blur=0.4")
    assert result.code == 0 and "already" not in result.err, result.err
    refined = rows_of(tmp_path)
    assert not {"options", "refine_probe"} & known[0].keys()
    for row in refined:
        assert [row[key] for key in REFINED] == [2, 0.4, "--refine-probe --slice-blur=0.4"]
    assert harness(*words, "--plan", "--options=--refine-probe").code == 0
    assert [row["refine_probe"] for row in rows_of(tmp_path)] == [2]
    spec = tmp_path / "spec.json"
    spec.write_text(json.dumps({"case": str(tiny_case), "ranks": [1], "iterations": 2, "options": "--refine-probe --slice-blur=0.4"}))
    again = harness("sweep", spec, "-o", tmp_path)
    assert again.code == 0 and "1 of 1 points are there already" in again.err


def test_tune_passes_them(harness, tiny_case, tiny_dataset, tmp_path, monkeypatch):
    made = []

    def run(point, *_):
        made.append(point.arguments)
        raise RunError("no more of it")

    monkeypatch.setattr(measure, "run", run)
    words = ["--dataset", tiny_dataset, "--ranks", 1, "--options", "--refine-scale --slice-blur 1"]
    assert harness("tune", tiny_case, "-o", tmp_path, *words).code == 1
    assert made[0][-3:] == ("--refine-scale", "--slice-blur", "1")
    assert [row["options"] for row in rows_of(tmp_path)] == ["--refine-scale --slice-blur 1"]


@pytest.mark.parametrize(
    "command, spec, words, says",
    [
        ("sweep", {"options": 3}, [], ["spec.json: options is 3; valid: text"]),
        ("sweep", {"options": "--method hve"}, [], ["spec.json: options: '--method' is said by this command itself"]),
        ("sweep", {"rounds": [1, 2]}, ["--options=--rounds=3"], ["options has --rounds, which rounds varies"]),
        ("tune", {}, ["--options=--step=3"], ["--options: has --step, which is what is searched for"]),
    ],
)
def test_what_is_refused(harness, tiny_case, tmp_path, command, spec, words, says):
    file = tmp_path / "spec.json"
    file.write_text(json.dumps({"case": str(tiny_case), "ranks": [1], **spec}))
    result = harness(command, file, "-o", tmp_path / "out", *words)
    assert result.code == 2 and [word for word in says if word not in result.err] == [], result.err
    assert not (tmp_path / "out").exists()


def test_rows_of_other_options_are_other_runs():
    def runs(**keys):
        row = {"name": "tiny/gd/1x1", "method": "gd", "mesh": [1, 1], "iterations": 3, **keys}
        return runs_of({"context": {}, "benchmarks": [row]})

    assert len(match(runs(), runs()).pairs) == 1
    for keys in ({"options": "--step 20"}, {"refine_scale": 2}, {"slice_blur": 1.0}):
        assert len(match(runs(**keys), runs(**keys)).pairs) == 1
        assert match(runs(), runs(**keys)).pairs == []


def test_a_page_names_them_where_nothing_else_sets_runs_apart():
    known = {"method": "gd", "mesh": [1, 1], "rounds": 1}
    refined = {**known, "refine_probe": 2, "options": "--refine-probe"}
    assert varying_options([known, {**refined, "refine_probe": 3}, refined]) == ["refine_probe"]
    assert varying_options([known, {**known, "options": "--step 20"}]) == ["options"]
    assert varying_options([known, {**known, "rounds": 2}]) == ["rounds"]
