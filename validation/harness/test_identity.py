"""Different data never pass for the same: what rows say of theirs, and what is said, or refused, where two are set side by side."""

import copy
import json
import shutil

import h5py
import pytest

from harness.base import documents, identity
from harness.base.errors import InputError
from harness.base.identity import Data
from harness.judge.gate import COMMITTED
from harness.project import kernels
from harness.report.cases import by_data
from harness.report.runs import Run
from harness.report.sources import Document
from harness.reproduce import work
from harness.runs import datasets, launchers, program

HEADER = {"case": "smoke", "dose_e_per_A2": 0.0, "seed": 1, "specimen": {"disorder_A": 0.05, "thermal": "static"}}
NOISY = {**HEADER, "dose_e_per_A2": 1e4}


def flip_a_bit(dataset):
    """Changes the lowest bit of one pixel of one pattern, past all checks of HDF5."""
    with h5py.File(dataset) as file:
        place = file["dataset/datacube/data"].id.get_chunk_info(0).byte_offset + 4 * 100
    with open(dataset, "r+b") as file:
        file.seek(place)
        byte = file.read(1)[0]
        file.seek(place)
        file.write(bytes([byte ^ 1]))
    return dataset


@pytest.fixture(scope="module")
def noisy_dataset(tiny_case, tmp_path_factory):
    """The case's own name on data that it does not describe."""
    file = tmp_path_factory.mktemp("noisy") / "noisy.h5"
    program.ask("simulate", tiny_case, "--dose", "1e4", "-o", file)
    return file


@pytest.fixture(scope="module")
def reports(tiny_case, tiny_dataset, noisy_dataset, tmp_path_factory):
    """Of `bench` on the case's dataset and on the other one."""
    from harness.__main__ import main

    found = {}
    for name, dataset in (("clean", tiny_dataset), ("noisy", noisy_dataset)):
        folder = tmp_path_factory.mktemp(name)
        words = ["bench", tiny_case, "-o", folder, "--dataset", dataset, "--methods", "serial", "--iterations", 2, "--threads", 1]
        assert main(list(map(str, words))) == 0
        found[name] = folder / "report.json"
    return found


def changed(report, folder, change):
    """A copy of a report, its one row and its context changed."""
    document = copy.deepcopy(documents.read_report(report))
    change(document["benchmarks"][0], document["context"])
    file = folder / "changed.json"
    documents.write_report(file, document)
    return file


def forget(*keys):
    """As a report from before these were said."""
    def change(row, context):
        row.pop("case_hash", None)
        for key in keys:
            context["dataset"].pop(key, None)

    return change


# What a row says


def test_a_header_has_one_fingerprint_whatever_the_order():
    assert identity.fingerprint(HEADER) == identity.fingerprint(dict(reversed(HEADER.items())))
    assert identity.fingerprint(HEADER) != identity.fingerprint(NOISY)


def test_the_fingerprint_of_a_case_is_as_it_was():
    """Committed baselines hold it."""
    accepted = documents.read_report(COMMITTED)
    known = {row["dataset"]["case"]: row["case_hash"] for row in accepted["benchmarks"]}
    for case, case_hash in known.items():
        assert identity.fingerprint(datasets.read_case(case)["header"]) == case_hash


def test_what_differs_of_two_headers_is_named():
    other = {**HEADER, "seed": 2, "specimen": {"disorder_A": 0.1, "thermal": "static", "a_A": 4}, "C10_A": 1}
    said = identity.differences(HEADER, other)
    assert said == "seed 2 instead of 1, specimen.disorder_A 0.1 instead of 0.05, specimen.a_A 4 instead of None and 1 more"
    assert identity.differences(HEADER, HEADER) == ""


def test_rows_carry_what_they_ran_on(reports, tiny_case):
    case_hash = identity.fingerprint(datasets.read_case(str(tiny_case))["header"])
    rows = {name: documents.read_report(file)["benchmarks"][0] for name, file in reports.items()}
    assert rows["clean"]["case_hash"] == case_hash
    assert rows["noisy"]["case_hash"] not in (None, case_hash)
    assert rows["clean"]["name"] == rows["noisy"]["name"]
    departure = "its dataset is not as the case tiny says: dose_e_per_A2 10000.0 instead of 0.0"
    assert departure in rows["noisy"]["remarks"] and departure not in rows["clean"].get("remarks", [])
    assert f"serial: {departure}" in program.ask("info", reports["noisy"])


def test_rows_of_a_sweep_carry_it_too(harness, tiny_case, noisy_dataset, tmp_path):
    words = ["sweep", tiny_case, "-o", tmp_path, "--dataset", noisy_dataset, "--methods", "serial", "--ranks", 1, "--iterations", 1]
    assert harness(*words, "--threads", 1).code == 0
    (row,) = documents.read_report(tmp_path / "report.json")["benchmarks"]
    assert row["case_hash"] == identity.fingerprint(program.ask_json("info", noisy_dataset, "--json")["header"])
    assert row["threads"] == 1 and any("dose_e_per_A2" in text for text in row["remarks"])


def test_a_run_by_hand_and_a_plan_say_it_by_their_header(tiny_case, tiny_dataset, tmp_path):
    words = ["--method", "serial", "--iterations", 1, "-o", tmp_path / "out.h5", "--json", tmp_path / "out.json"]
    program.ask("reconstruct", tiny_dataset, *words)
    run, plan = documents.read_report(tmp_path / "out.json"), program.plan(str(tiny_case), ["gd"], [1])
    case_hash = identity.fingerprint(datasets.read_case(str(tiny_case))["header"])
    assert [Data.of(report["context"]).case_hash for report in (run, plan)] == [case_hash] * 2


# compare


def test_different_data_are_not_compared(rejects, reports):
    rejects("compare", reports["clean"], reports["noisy"], says=["tiny/serial/1x1", "dose_e_per_A2 10000.0 instead of 0.0", "case_hash"])


def test_different_data_are_not_compared_by_their_hashes_alone(rejects, reports, tmp_path):
    def without_header(row, context):
        del context["dataset"]["header"]

    hashes = [documents.read_report(file)["benchmarks"][0]["case_hash"] for file in reports.values()]
    rejects("compare", reports["clean"], changed(reports["noisy"], tmp_path, without_header), says=hashes)


def test_another_dataset_of_the_same_case_is_said_first(harness, reports, tmp_path):
    other = "0" * 32
    file = changed(reports["clean"], tmp_path, lambda row, context: context["dataset"].update(hash=other))
    result = harness("compare", reports["clean"], file)
    assert result.code == 0
    assert result.out.splitlines()[0].startswith("tiny/serial/1x1: the same case, but another dataset: content hash " + other)
    (note,) = json.loads(harness("compare", reports["clean"], file, "--json", "-").out)["notes"]
    assert other in note


def test_the_same_data_need_no_word(harness, reports):
    result = harness("compare", reports["clean"], reports["clean"])
    assert result.code == 0 and "data" not in result.out and result.out.splitlines()[0].split() == ["base", "new", "change", "verdict"]


def test_old_reports_are_compared_with_a_word(harness, reports, tmp_path):
    """Without case hash and header; where even the content hashes agree, nothing is in doubt."""
    old = changed(reports["noisy"], tmp_path, forget("header"))
    result = harness("compare", reports["clean"], old)
    assert result.code == 0 and "that both are of the same data is not known" in result.out.splitlines()[0]
    old = changed(reports["clean"], tmp_path, forget("header"))
    assert "not known" not in harness("compare", reports["clean"], old).out


# gate


def baseline_of(report, folder):
    file = folder / "baseline.json"
    shutil.copy(report, file)
    return file


def test_the_gate_refuses_other_data(rejects, reports, tmp_path):
    words = ["gate", "--baseline", baseline_of(reports["clean"], tmp_path), reports["noisy"]]
    rejects(*words, says=["the case is not what it was", "dose_e_per_A2 10000.0 instead of 0.0", "--update"])


@pytest.mark.parametrize("change, says", [
    (lambda row, context: context["dataset"].update(hash="0" * 32), "tiny: the same case, but another dataset"),
    (forget("header", "hash"), "tiny: that both are of the same data is not known"),
])  # fmt: skip
def test_the_gate_says_what_is_in_doubt(harness, reports, tmp_path, change, says):
    result = harness("gate", "--baseline", baseline_of(reports["clean"], tmp_path), changed(reports["clean"], tmp_path, change))
    assert result.code == 0 and result.out.startswith(says), result.out


# project


def test_kernel_times_are_of_the_same_geometry(tmp_path):
    """Dose, seed and specimen do not matter to a kernel; the number of slices does."""
    report = program.ask_json(*kernels.as_rank_words("smoke", "gd", "window", 2, 0))
    file = tmp_path / "kernels.json"
    header = report["context"]["dataset"]["header"]
    header.update(dose_e_per_A2=1e4, seed=7, specimen={})
    documents.write_report(file, report)
    assert len(kernels.selected([file], "smoke", "gd", "window")) == 1
    header["slices"] = 400
    documents.write_report(file, report)
    with pytest.raises(InputError, match="another case called smoke: slices 400 instead of 4; measure it anew"):
        kernels.selected([file], "smoke", "gd", "window")
    del report["context"]["dataset"]["header"]  # as before they said so
    documents.write_report(file, report)
    assert len(kernels.selected([file], "smoke", "gd", "window")) == 1


# report


def run_with(dataset, name="smoke/gd/2x2"):
    return Run(Document("a.json", b"", {"context": {"dataset": {"case": "smoke", **dataset}}, "benchmarks": [{"name": name}]}), 0)


def test_a_page_keeps_different_data_of_one_name_apart():
    clean, noisy, old = run_with({"header": HEADER}), run_with({"header": NOISY}), run_with({})
    assert by_data("smoke", [clean, old]) == {"smoke": [clean, old]}
    assert by_data("smoke", [clean, noisy, clean, old]) == {
        "smoke": [clean, clean],
        "smoke, dose_e_per_A2 10000.0 instead of 0.0": [noisy],
        "smoke, data not known": [old],
    }


# Content


@pytest.mark.parametrize("command", ["bench", "sweep"])
def test_a_changed_bit_makes_no_figures(rejects, tiny_case, tiny_dataset, tmp_path, command):
    damaged = flip_a_bit(shutil.copy(tiny_dataset, tmp_path / "damaged.h5"))
    words = [command, tiny_case, "-o", tmp_path / "runs", "--methods", "serial", "--ranks", 1]
    rejects(*words, "--dataset", damaged, says=[damaged, "is not what was written", "content hash"])
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("command", ["bench", "sweep"])
def test_a_changed_bit_of_a_dataset_that_was_there_makes_no_figures(rejects, tiny_case, tiny_dataset, tmp_path, command):
    """Left by an earlier command, and taken for the case's by all that its header says."""
    damaged = flip_a_bit(shutil.copy(tiny_dataset, tmp_path / "tiny.h5"))
    words = [command, tiny_case, "-o", tmp_path, "--methods", "serial", "--ranks", 1]
    rejects(*words, says=[damaged, "is not what was written"])


def test_the_gate_checks_the_content(rejects, tmp_path):
    folder = tmp_path / "smoke"
    folder.mkdir()
    program.ask("simulate", "smoke", "-o", folder / "smoke.h5")
    damaged = flip_a_bit(folder / "smoke.h5")
    rejects("gate", "--case", "smoke", "-o", tmp_path, says=[damaged, "is not what was written"])


def test_a_dataset_made_just_now_is_not_read_again(tiny_case, tmp_path, monkeypatch):
    asked = []
    ask = program.ask
    monkeypatch.setattr(program, "ask", lambda *words, **how: asked.append(words) or ask(*words, **how))
    case = datasets.read_case(str(tiny_case))
    for there in (False, True):
        asked.clear()
        datasets.obtain(str(tiny_case), case, tmp_path, 1, launchers.DEFAULT)
        assert any("--check-content" in words for words in asked) == there


def test_reproduce_checks_the_datasets_that_it_kept(tmp_path):
    made = work.Work(tmp_path, launchers.DEFAULT)
    step = work.Step("simulate-smoke", "smoke", ("simulate", "smoke"), 1.0, ranks=1)
    assert work.perform(made, step).failure is None
    flip_a_bit(work.perform(made, step).volume)
    again = work.Work(tmp_path, launchers.DEFAULT)
    assert "is not what was written" in work.perform(again, step).failure
