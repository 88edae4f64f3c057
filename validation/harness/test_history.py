"""`ptychoscale report` of several commits of one machine: a history, with the gate's limits."""

import csv
import json
import uuid

import pytest

from harness.__main__ import main
from harness.base.limits import SERIAL_LIMIT
from harness.base.tree import ROOT

# Not in the order of their dates, which is the one to show.
COMMITS = {"c" * 40: ("2026-01-01", 1.0), "a" * 40: ("2026-01-02", 1 + SERIAL_LIMIT / 2), "b" * 40: ("2026-01-03", 2.0)}


def write_reports(folder, commits, **context):
    """Reports as the gate's baseline, of other commits, which take some times as long."""
    for commit, (date, times) in commits.items():
        report = json.loads((ROOT / "results/baselines/ci-cpu.json").read_text())
        about = {"source_commit": commit, "date": f"{date}T00:00:00Z", "uuid": str(uuid.uuid5(uuid.NAMESPACE_URL, commit))}
        report["context"].update(about, **context)
        report["benchmarks"] = [row for row in report["benchmarks"] if row["name"].startswith("smoke/")]
        for row in report["benchmarks"]:
            row.update(source_commit=commit, pace=times, pace_of_repetitions=[times * (1 + n / 1000) for n in range(9)])
        folder.mkdir(exist_ok=True)
        (folder / f"{commit[:1]}.json").write_text(json.dumps(report))


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    folder = tmp_path_factory.mktemp("history")
    write_reports(folder / "results", COMMITS)
    assert main(["report", str(folder / "results"), "-o", str(folder / "page")]) == 0
    return folder / "page"


def table(page, title):
    (file,) = (page / "data/tables").glob(f"*{title}*.csv")
    return list(csv.reader(file.open(newline="")))


def test_commits_stand_in_the_order_of_their_dates(page):
    head, *rows = table(page, "pace-commit-by-commit")
    assert head[1].startswith("Serial") and head[2].endswith("beside the first")
    assert [row[0] for row in rows] == ["c" * 9, "a" * 9, "b" * 9]
    assert [float(row[1]) for row in rows] == pytest.approx([1.0, 1 + SERIAL_LIMIT / 2, 2.0])


def test_what_the_gate_would_refuse_is_said(page):
    _, (_, _, none, *_), (_, _, within, *_), (_, _, beyond, *_) = table(page, "pace-commit-by-commit")
    assert none == "" and within.startswith("1.15 × (") and "limit" not in within
    assert beyond.startswith("2 × (") and beyond.endswith("beyond the gate's limit")


def test_the_limits_are_drawn(page):
    (figure,) = (page / "figures").glob("*history*-pace.svg")
    text = figure.read_text()
    assert "gate's limit, serial" in text and "gate's limit, parallel" in text
    assert all(commit[:9] in text for commit in COMMITS)


def test_what_has_no_limit_of_time_has_none(page):
    _, *rows = table(page, "peak-memory-of-a-rank-commit-by-commit")
    assert [row[2] for row in rows] == ["", "1 ×", "1 ×"]


def test_one_commit_and_another_compiler_are_no_history(tmp_path):
    first, second, _ = COMMITS.items()
    write_reports(tmp_path / "results", dict([first]))
    write_reports(tmp_path / "results", dict([second]), compiler="another")
    assert main(["report", str(tmp_path / "results"), "-o", str(tmp_path / "page")]) == 0
    assert not list((tmp_path / "page/data/tables").glob("*commit-by-commit*"))
