"""`ptychoscale report` of several folders: machines side by side, and every table as CSV."""

import csv
import json
import re
import urllib.parse

import pytest
from report_inputs import ROOT, make_runs

from harness.__main__ import main
from harness.report import machines
from harness.report.runs import Run, labelled
from harness.report.sources import Document

SLOWER = 3.0


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Real runs, and the same as another machine of another commit might have made them."""
    ours = make_runs(tmp_path_factory.mktemp("side") / "ours")
    other = ours.parent / "theirs"
    other.mkdir()
    for name in ("gd-2.json", "gd-4.json"):
        report = json.loads((ours / name).read_text())
        report["context"].update(host_name="other", cpu="another", source_commit="f" * 40)
        row = report["benchmarks"][0]
        row["seconds_per_iteration"] *= SLOWER
        (other / name).write_text(json.dumps(report))
    positions = json.loads((ROOT / "results/epyc-2-cores/kernels/position.json").read_text())
    for folder in (ours, other):
        (folder / "position.json").write_text(json.dumps(positions))
        positions["context"]["host_name"] = "other"
    return ours, other


@pytest.fixture(scope="module")
def page(folders):
    output = folders[0].parent / "page"
    assert main(["report", *map(str, folders), "-o", str(output)]) == 0
    return output


def table(page, title):
    """A table of the page's CSV files, by its title's words."""
    (file,) = (page / "data/tables").glob(f"*{title}*.csv")
    return list(csv.reader(file.open(newline="")))


def test_each_quantity_is_a_table_with_a_column_for_each_machine(page):
    head, *rows = table(page, "time-per-iteration-machine-by-machine")
    assert len(head) == 4 and head[2].startswith("other, another") and head[3].startswith("other, another, beside ")
    assert [row[0].split(",")[0] for row in rows] == ["GD 2 × 1", "GD 2 × 2"], "what one machine alone has run is not compared"
    for _, here, there, ratio in rows:
        assert float(there) == pytest.approx(SLOWER * float(here), rel=1e-2) and ratio == "3 ×"


def test_different_commits_are_noted(page):
    assert re.search(r"Of different commits: [0-9a-f]{12}, f{12}|Of different commits: f{12}, ", (page / "index.html").read_text())


def test_reports_are_linked_below_the_folder_that_all_lie_in(page):
    assert (page / "data/ours/gd-2.json").is_file() and (page / "data/theirs/gd-2.json").is_file()


def test_every_table_of_the_page_is_a_file_that_it_links(page):
    text = (page / "index.html").read_text()
    links = {urllib.parse.unquote(link) for link in re.findall(r'href="(data/tables/[^"]+)"', text)}
    assert links == {file.relative_to(page).as_posix() for file in (page / "data/tables").iterdir()}
    assert len(links) == text.count("<caption>")


def test_benchmarks_of_positions_are_a_table_that_links_its_files(page):
    head, *_ = table(page, "a-position-beside-copies")
    assert len(head) == 3 and head[2].startswith("other, cpu, ")
    text = (page / "index.html").read_text()
    assert (page / "data/theirs/position.json").is_file() and 'href="data/theirs/position.json#/benchmarks/0/R"' in text
    assert '<a href="#kernels">' in text and '<section id="kernels">' in text


def test_one_machine_has_none(folders, tmp_path):
    assert main(["report", str(folders[0]), "-o", str(tmp_path / "page")]) == 0
    assert not list((tmp_path / "page/data/tables").glob("*machine-by-machine*"))


def test_a_folder_that_is_missing_is_named(folders, tmp_path, capsys):
    assert main(["report", str(folders[0]), str(tmp_path / "none"), "-o", str(tmp_path / "page")]) == 2
    assert "none: no such folder" in capsys.readouterr().err


def measured(host, seconds, **more):
    """A run that was repeated on a machine."""
    row = {"name": "ci/gd/2x2", "method": "gd", "mesh": [2, 2], "ranks": 4, "verified": True, "seconds_per_iteration": seconds[0]}
    row |= {"seconds_per_iteration_of_repetitions": seconds, **more}
    context = {"host_name": host, "cpu": "x", "evidence": "measured", "source_commit": "a" * 40, "dataset": {"case": "ci"}}
    return Document(f"{host}.json", b"", {"context": context, "benchmarks": [row]})


def tables_of(*documents):
    return machines.side_by_side(labelled([Run(document, 0) for document in documents]))


def test_ratios_have_intervals_where_there_are_samples():
    (only,) = tables_of(measured("a", [1.0, 1.01, 1.02, 1.03, 1.04, 1.05]), measured("b", [2.0, 2.01, 2.02, 2.03, 2.04, 2.05]))
    ((_, (_, _, ratio)),) = only.rows
    assert re.fullmatch(r"1\.9\d+ × \(1\.\d+ – 2(\.\d+)?\)", ratio.text), ratio.text
    (only,) = tables_of(measured("a", [1.0]), measured("b", [2.0]))
    assert only.rows[0][1][2].text == "2 ×", "one sample each has none"


def test_what_did_not_verify_is_not_compared():
    assert tables_of(measured("a", [1.0]), measured("b", [2.0], verified=False)) == []
