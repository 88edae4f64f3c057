"""The checks of bench/reframe as jobs of Slurm."""

import json

from conftest import ROOT, command


def test_checks_run_as_jobs(tmp_path):
    report = tmp_path / "session.json"
    words = ["--system", "squeue:cpu", "--name", "ptychoscale_smoke", "-r", "--report-file", report, "--prefix", tmp_path / "reframe"]
    result = command(ROOT / "ci/reframe", *words)
    assert result.returncode == 0, result.stdout
    cases = json.loads(report.read_text())["runs"][-1]["testcases"]
    assert sorted((case["name"], case["result"]) for case in cases)[-2:] == [
        ("ptychoscale_smoke %method=gd %ranks=2", "pass"), ("ptychoscale_smoke %method=hve %ranks=2", "pass"),
    ]  # fmt: skip
    assert all(int(case["jobid"]) for case in cases), "each was a job"
    reports = list((tmp_path / "reframe").glob("**/ptychoscale_smoke_*/report.json"))
    assert len(reports) == 2
    for file in reports:
        context = json.loads(file.read_text())["context"]
        assert context["launcher"] == "srun" and context["job"]["scheduler"] == "Slurm" and len(context["ranks"]) == 2
