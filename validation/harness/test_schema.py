"""results/schema.json takes what the commands write and nothing that is broken."""

import copy
import json
from pathlib import Path

import jsonschema
import pytest

from harness.base import documents
from harness.base.errors import InputError
from harness.runs import program

COMMITTED = sorted((Path(__file__).parents[2] / "results").glob("**/report.json"))


@pytest.fixture(scope="module")
def run_report(tiny_dataset, tmp_path_factory):
    file = tmp_path_factory.mktemp("run") / "report.json"
    program.ask("reconstruct", tiny_dataset, "-o", file.with_suffix(".h5"), "--method", "gd", "--iterations", 2, "--json", file)
    return documents.read_json(file)


def test_the_schema_is_draft_07():
    jsonschema.Draft7Validator.check_schema(json.loads(documents.SCHEMA.read_text()))


@pytest.mark.parametrize("file", COMMITTED, ids=lambda file: "-".join(file.parts[-3:-1]))
def test_committed_reports_are_valid(file):
    documents.read_report(file)


def test_there_are_committed_reports():
    assert COMMITTED


def test_a_run_is_valid(run_report):
    assert documents.complaint(run_report) is None


def test_a_plan_is_valid_with_its_infeasible_rows(tiny_case):
    plan = program.ask_json("plan", "--case", tiny_case, "--ranks", "2,16", "--methods", "gd,hve", "--json", "-")
    assert documents.complaint(plan) is None
    assert {"error" in row for row in plan["benchmarks"]} == {True, False}


def test_one_rank_of_many_is_valid(tiny_case):
    words = ["reconstruct", "--case", tiny_case, "--as-rank", 0, "--of", 2, "--positions", 2, "--iterations", 2, "--method", "gd"]
    assert documents.complaint(program.ask_json(*words, "--measurements", "stream", "--json", "-")) is None


def test_choices_that_a_row_names_only_when_made_are_valid(tiny_case):
    words = ["plan", "--case", tiny_case, "--ranks", 2, "--methods", "gd", "--update", "batch", "--positions-at-once", 3]
    plan = program.ask_json(*words, "--measurement-type", "float16", "--json", "-")
    (row,) = plan["benchmarks"]
    assert row["positions_at_once"] == 3 and row["measurement_type"] == "float16"
    assert documents.complaint(plan) is None
    for key in ("positions_at_once", "measurement_type"):
        broken = copy.deepcopy(plan)
        broken["benchmarks"][0][key] = 0
        assert documents.complaint(broken) is not None


REQUIRED = [
    "name", "method", "mesh", "ranks", "threads", "grid", "adjoint", "halo_px", "iterations", "step", "seconds_per_iteration",
    "seconds_of_iterations", "compute_seconds_per_iteration_max", "bytes_sent", "messages_sent", "positions_per_rank_max",
    "memory_peak_bytes_max", "memory_fft_bytes_min", "cost_of_iterations", "cost", "stop_reason", "verified",
]  # fmt: skip


@pytest.mark.parametrize("key", REQUIRED)
def test_a_run_without_a_key_is_invalid(run_report, key):
    broken = copy.deepcopy(run_report)
    del broken["benchmarks"][0][key]
    assert key in documents.complaint(broken)


@pytest.mark.parametrize("key", ["schema_version", "evidence", "uuid", "date", "argv"])
def test_a_context_without_a_key_is_invalid(run_report, key):
    broken = copy.deepcopy(run_report)
    del broken["context"][key]
    assert key in documents.complaint(broken)


@pytest.mark.parametrize(
    "key, value",
    [
        ("mesh", [2]),
        ("mesh", [0, 1]),
        ("mesh", "2x1"),
        ("ranks", 0),
        ("ranks", 1.5),
        ("method", "magic"),
        ("grid", "lattice"),
        ("evidence", "guessed"),
        ("seconds_per_iteration", "1"),
        ("seconds_per_iteration", -1.0),
        ("seconds_of_iterations", []),
        ("seconds_of_iterations", [1.0, None]),
        ("time_unit", "ms"),
        ("bytes_sent", -1),
        ("memory_peak_bytes_max", None),
        ("memory_novel_bytes_max", "7"),
        ("cost", None),
        ("seam_rows_z", "none"),
        ("seam_found", "no"),
        ("verified", 1),
        ("stop_reason", ""),
        ("error", "both figures and a failure"),
    ],
)
def test_a_run_with_a_wrong_value_is_invalid(run_report, key, value):
    broken = copy.deepcopy(run_report)
    broken["benchmarks"][0][key] = value
    assert documents.complaint(broken) is not None


@pytest.mark.parametrize("key, value", [("evidence", "hearsay"), ("schema_version", 2), ("date", "yesterday"), ("argv", []), ("uuid", "1")])
def test_a_context_with_a_wrong_value_is_invalid(run_report, key, value):
    broken = copy.deepcopy(run_report)
    broken["context"][key] = value
    assert key in documents.complaint(broken)


FAILURE = {"name": "tiny/hve", "method": "hve", "ranks": 16, "error_occurred": True, "error": "no room"}


def test_a_failure_is_a_row_with_its_reason(run_report):
    report = {**run_report, "benchmarks": [FAILURE]}
    assert documents.complaint(report) is None


@pytest.mark.parametrize("change", [{"error": ""}, {"error_occurred": False}, {"ranks": 0}, {"cost": 1.0}, {"error": None}])
def test_a_broken_failure_is_invalid(run_report, change):
    assert documents.complaint({**run_report, "benchmarks": [{**FAILURE, **change}]}) is not None


@pytest.mark.parametrize(
    "text, says",
    [
        ("", "is not JSON"),
        ("[1]", "is no report"),
        ('{"context": {}}', "is no report"),
        ('{"context": {"schema_version": 0}, "benchmarks": []}', "schema_version is 0"),
        ('{"context": {"schema_version": 1}, "benchmarks": []}', "evidence"),
        ('{"context": [], "benchmarks": []}', "schema_version is None"),
    ],
)
def test_a_file_that_is_no_report_is_an_error_of_one_line(tmp_path, text, says):
    file = tmp_path / "bad.json"
    file.write_text(text)
    with pytest.raises(InputError) as error:
        documents.read_report(file)
    assert says in str(error.value) and "bad.json" in str(error.value)
    assert "\n" not in str(error.value)


def test_a_broken_report_is_not_written(run_report, tmp_path):
    broken = copy.deepcopy(run_report)
    del broken["benchmarks"][0]["verified"]
    with pytest.raises(ValueError, match="verified"):
        documents.write_report(tmp_path / "report.json", broken)
    assert not list(tmp_path.iterdir())


def test_contexts_merge_into_what_is_true_of_all_rows(run_report):
    other = copy.deepcopy(run_report)
    other["context"].update(backend="another", uuid="0" * 8 + "-0000-0000-0000-" + "0" * 12)
    rows = [dict(each["benchmarks"][0]) for each in (run_report, other)]
    merged = documents.merge([run_report, other, None], [*rows, dict(FAILURE)], ["ptychoscale", "bench"])
    assert documents.complaint(merged) is None
    assert "backend" not in merged["context"]
    assert [row.get("backend") for row in merged["benchmarks"]] == [run_report["context"]["backend"], "another", None]
    assert merged["context"]["source_commit"] == run_report["context"]["source_commit"]
    assert merged["benchmarks"][0]["run_uuid"] == run_report["context"]["uuid"] != merged["context"]["uuid"]


def test_what_is_merged_of_simulated_runs_is_simulated(run_report):
    simulated = copy.deepcopy(run_report)
    simulated["context"]["evidence"] = "simulated"
    merged = documents.merge([simulated], [dict(simulated["benchmarks"][0])], ["ptychoscale", "bench"])
    assert merged["context"]["evidence"] == "simulated"
    assert documents.merge([None], [dict(FAILURE)], ["ptychoscale", "bench"])["context"]["evidence"] == "measured"
