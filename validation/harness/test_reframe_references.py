"""What ReFrame's checks hold figures against; ReFrame itself is run by ci/reframe and ci/slurm-check."""

import importlib.util
import json

import pytest

from harness.base.tree import ROOT

spec = importlib.util.spec_from_file_location("references", ROOT / "bench/reframe/references.py")
references = importlib.util.module_from_spec(spec)
spec.loader.exec_module(references)

FIGURES = {"generic:cpu:iteration": [0.5, 0, None, None, "s", "pass"], "generic:cpu:sent": [100, 0, None, None, "B", "pass"]}


def session(folder, *results, **figures):
    cases = [{"display_name": f"check {i}", "result": result, "perfvalues": {**FIGURES, **figures}} for i, result in enumerate(results)]
    file = folder / "session.json"
    file.write_text(json.dumps({"runs": [{"testcases": cases}]}))
    return str(file)


@pytest.fixture(autouse=True)
def own_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("PTYCHOSCALE_REFERENCES", str(tmp_path / "references"))


def test_accepted_figures_are_what_the_next_session_is_held_against(tmp_path):
    assert references.of("generic:cpu", "check 0") == {"generic:cpu": {}}, "nobody has accepted any"
    waits = {"generic:cpu:wait": [0.1, 0, None, None, "s", "pass"]}
    assert references.main(session(tmp_path, "pass", "skip", **waits)) == 0
    found = references.of("generic:cpu", "check 0")["generic:cpu"]
    assert set(found) == {"iteration", "sent"}, "how the time divides is not judged"
    value, below, above, unit = found["iteration"]
    assert (value, unit) == (0.5, "s") and below < 0 < above < 1
    value, below, above, unit = found["sent"]
    assert (value, unit) == (100, "B") and -0.01 / 100 < below < 0 < above < 0.01 / 100, "a byte more is another figure"


def test_other_partitions_keep_theirs(tmp_path):
    for partition in ("cpu", "gpu"):
        figures = {f"generic:{partition}:memory": [7, 0, None, None, "B", "pass"]}
        assert references.main(session(tmp_path, "pass", **figures)) == 0
    assert set(references.of("generic:gpu", "check 0")["generic:gpu"]) == {"memory"}
    assert set(references.of("generic:cpu", "check 0")["generic:cpu"]) == {"iteration", "sent"}, "those of the last session"


@pytest.mark.parametrize("results", [["pass", "fail"], []])
def test_nothing_is_accepted_of_a_session_that_is_not_sound(tmp_path, capsys, results):
    assert references.main(session(tmp_path, *results)) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert not (tmp_path / "references").exists()


def test_what_is_no_session_is_said(tmp_path, capsys):
    (tmp_path / "other.json").write_text("{}")
    assert references.main(str(tmp_path / "other.json")) == 2
    assert "other.json" in capsys.readouterr().err
