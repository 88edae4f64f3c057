"""`ptychoscale report` on real runs: what is on the page is what is in the files; bad input leaves nothing behind."""

import json
import shutil
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import h5py
import numpy as np
import pytest
from matplotlib import image
from page_reader import PageReader, path_of, shows, value_at
from report_inputs import RUNS, make_runs, plant_failed, plant_findings, plant_kernels, plant_unverified

from harness.__main__ import main
from harness.judge.quantities import BY_KEY
from harness.report import reproduction, scaling, tables
from harness.report.columns import THEMES
from harness.report.parts import part_of
from harness.report.publish import files_of_page
from harness.report.runs import Run, labelled
from harness.report.sources import Document
from harness.report.tables import decimals_for, shown


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    return make_runs(tmp_path_factory.mktemp("report") / "runs")


@pytest.fixture(scope="module")
def mixed(runs, tmp_path_factory):
    """The runs, and beside them reports without figures and files that are no reports."""
    folder = tmp_path_factory.mktemp("mixed") / "runs"
    shutil.copytree(runs, folder)
    plant_unverified(folder)
    plant_failed(folder)
    plant_kernels(folder)
    plant_findings(folder)
    shutil.copy(folder / "gd-2.json", folder / "twin.json")
    return folder


@pytest.fixture(scope="module")
def page(mixed):
    output = mixed.parent / "page"
    assert main(["report", str(mixed), "-o", str(output)]) == 0
    return output / "index.html"


@pytest.fixture(scope="module")
def links(page):
    return PageReader(page).links


def numbers_in(value):
    """The numbers in a JSON value; none for words."""
    values = value if isinstance(value, list) else [value]
    return [each for each in values if isinstance(each, int | float) and not isinstance(each, bool)]


def test_every_number_is_the_one_in_the_json(page, links):
    checked = 0
    for link in links:
        assert link.text, link
        value = value_at(page, link)
        assert path_of(link) == link.path
        if link.path.startswith("benchmarks") and "." in link.path and numbers_in(value):
            beside_the_paper = link.path.rpartition(".")[2] in ("paper", "ours", "ratio")  # in the unit already
            for text, number in zip(link.text.split(" – "), numbers_in(value), strict=True):
                assert shows(text, "" if beside_the_paper else link.unit, number), (link, value)
                checked += 1
    # four runs with a time, seven labels of memory, traffic and quality each
    assert checked > 20 * len(RUNS)


def test_the_reader_of_numbers_can_fail():
    assert shows("1.24", "ms", 0.001236)
    assert not shows("1.23", "ms", 0.001236)
    assert not shows("1.24", "s", 0.001236)
    assert shows("< 0.01", "MB", 4000)
    assert not shows("< 0.01", "MB", 6000)


def test_all_that_matters_of_a_run_is_there(links, mixed):
    files = {link.href.partition("#")[0] for link in links}
    assert {f"data/{method}-{ranks}.json" for method, ranks in RUNS} <= files
    shown_of_gd = {link.path.split(".")[-1] for link in links if link.href.startswith("data/gd-4.json#/benchmarks")}
    row = json.loads((mixed / "gd-4.json").read_text())["benchmarks"][0]
    assert {
        "seconds_per_iteration", "seconds_per_position", "compute_seconds_per_iteration_mean", "wait_seconds_per_iteration_mean",
        "communication_seconds_per_iteration_mean", "bytes_sent", "messages_sent", "cost", "relative_rmse", "seam_rows_z",
        "verified", "memory_peak_bytes_max", *(key for key in row if key.startswith("memory_") and key.endswith("_bytes_max")),
    } <= shown_of_gd  # fmt: skip


def test_a_run_that_is_not_verified_shows_its_reason_and_no_figure(page, links, mixed):
    text = page.read_text()
    assert "not verified: seams: a seam shows at tile borders &lt;b&gt;" in text
    assert "rank 3 ran out of memory" in text
    assert "123456" not in text.replace("\u202f", "").replace(" ", "")
    for name in ("unverified", "failed"):
        paths = {link.path for link in links if link.href.startswith(f"data/{name}.json#/benchmarks")}
        assert paths == {"benchmarks[0]"}, "only the row with its reason"


def test_the_papers_figures_stand_beside_ours(page, links):
    text = page.read_text()
    assert "Table II" in text and "memory falls" in text and "Check failed" in text
    found = {(link.path.rpartition(".")[2], link.text) for link in links if link.href.startswith("data/table2.json#/benchmarks/")}
    # a tenth of the paper's, which prints two decimals
    assert {("paper", "2.53"), ("ours", "0.2530"), ("ratio", "0.1000"), ("evidence", "modelled"), ("why_not", "1")} <= found
    assert "needs 6 GPUs" in text
    assert 'aria-label="Table II: Memory of Table II &amp; more.' in text
    assert (page.parent / "figures" / "paper-table2-memory.svg").is_file()


def test_files_that_are_no_reports_are_listed(page):
    text = page.read_text()
    assert "<code>slice_step.json</code>: a kernel benchmark" in text
    assert "<code>twin.json</code>: a copy of gd-2.json" in text


def test_the_page_needs_nothing_else(page):
    text = page.read_text()
    for scheme in ("http://", "https://", "//"):
        assert f'src="{scheme}' not in text and f'href="{scheme}' not in text and f"url({scheme}" not in text


def test_every_figure_is_also_a_file_with_content(page):
    figures = sorted((page.parent / "figures").iterdir())
    kinds = {"breakdown", "memory", "convergence", "scaling", "efficiency", "memory-scaling"}
    assert {f"smoke-{kind}.svg" for kind in kinds} <= {path.name for path in figures}
    pictures = [path for path in figures if "picture" in path.name and path.suffix == ".png"]
    assert len(pictures) == 3 * len(RUNS)  # slice, sum and error
    for path in figures:
        if path.suffix == ".png":
            pixels = image.imread(path)
            assert np.ptp(pixels[..., :3]) > 0.5 and min(pixels.shape[:2]) > 200, path.name
        else:
            drawing = ElementTree.parse(path).getroot()
            assert len(drawing.findall(".//{http://www.w3.org/2000/svg}path")) > 5, path.name
            assert path.with_suffix(".png").exists()


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_same_reports_give_the_same_bytes(page, mixed, tmp_path):
    moved = tmp_path / "elsewhere"
    shutil.copytree(mixed, moved)
    assert main(["report", str(moved), "-o", str(tmp_path / "page")]) == 0
    assert contents(tmp_path / "page") == contents(page.parent)


def test_a_page_inside_the_folder_is_replaced_and_never_read(runs, tmp_path):
    folder = tmp_path / "runs"
    folder.mkdir()
    shutil.copy(runs / "gd-2.json", folder)
    output = folder / "page"
    assert main(["report", str(folder), "-o", str(output)]) == 0
    first = contents(output)
    assert main(["report", str(folder), "-o", str(output)]) == 0
    assert contents(output) == first
    assert {path.name for path in folder.iterdir()} == {"gd-2.json", "page"}


def test_a_page_links_to_all_of_its_files(page):
    """So that the next page knows which of them are its own to replace."""
    assert files_of_page(page.parent) == contents(page.parent).keys()


def test_notes_beside_a_page_stay_when_it_is_made_again(runs, tmp_path):
    folder, output = tmp_path / "runs", tmp_path / "page"
    folder.mkdir()
    shutil.copy(runs / "gd-2.json", folder)
    shutil.copy(runs / "serial-1.json", folder)
    assert main(["report", str(folder), "-o", str(output)]) == 0
    both = contents(output)
    notes = {"notes.txt": b"what I think of it", "figures/mine.png": b"a drawing", "data/more/raw.csv": b"1,2"}
    for name, content in notes.items():
        (output / name).parent.mkdir(exist_ok=True)
        (output / name).write_bytes(content)
    (output / "link").symlink_to("elsewhere")
    (folder / "serial-1.json").unlink()
    assert main(["report", str(folder), "-o", str(output)]) == 0
    assert main(["report", str(folder), "-o", str(tmp_path / "fresh")]) == 0
    fresh = contents(tmp_path / "fresh")
    assert fresh != both and contents(output) == fresh | notes
    assert (output / "link").is_symlink()
    assert {path.name for path in tmp_path.iterdir()} == {"runs", "page", "fresh"}


def test_a_file_of_the_user_under_a_name_of_the_page_is_not_replaced(runs, tmp_path, capsys):
    folder, output = tmp_path / "runs", tmp_path / "page"
    folder.mkdir()
    shutil.copy(runs / "gd-2.json", folder)
    assert main(["report", str(folder), "-o", str(output)]) == 0
    (output / "data" / "serial-1.json").write_text("mine")
    before = contents(output)
    shutil.copy(runs / "serial-1.json", folder)
    check_refusal(folder, output, "page/data/serial-1.json: was made by no earlier page", capsys)
    assert contents(output) == before


def test_pictures_need_the_dataset_and_say_so(runs, tmp_path):
    folder = tmp_path / "runs"
    folder.mkdir()
    for name in ("gd-2.json", "gd-2.h5"):
        shutil.copy(runs / name, folder)
    assert main(["report", str(folder), "-o", str(tmp_path / "page")]) == 0
    text = (tmp_path / "page" / "index.html").read_text()
    assert "<code>gd-2.h5</code> is not drawn: the dataset with its truth is not in the folder" in text


def test_a_measured_scan_has_no_truth_to_draw(runs, tmp_path):
    folder = tmp_path / "runs"
    folder.mkdir()
    for name in ("gd-2.json", "gd-2.h5", "smoke.h5"):
        shutil.copy(runs / name, folder)
    with h5py.File(folder / "smoke.h5", "a") as file:
        del file["ptychoscale/truth"]
    assert main(["report", str(folder), "-o", str(tmp_path / "page")]) == 0
    text = (tmp_path / "page" / "index.html").read_text()
    assert "<code>gd-2.h5</code> is not drawn: its dataset has no truth to compare with" in text


def spoil_nothing(folder):
    """An empty folder."""


def spoil_json(folder):
    (folder / "a.json").write_text('{"context": {')


def spoil_schema(folder):
    document = json.loads((folder / "gd-2.json").read_text())
    document["context"]["schema_version"] = 0
    (folder / "a.json").write_text(json.dumps(document))


def spoil_reconstruction(folder):
    (folder / "a.h5").write_bytes((folder / "gd-2.h5").read_bytes()[:5000])


@pytest.mark.parametrize(
    "inputs, spoil, complaint",
    [
        ([], spoil_nothing, "holds no report"),
        ([], plant_kernels, "holds no report (1 other JSON file)"),
        (["gd-2.json"], spoil_json, "a.json: is not JSON"),
        (["gd-2.json"], spoil_schema, "a.json: context.schema_version is 0"),
        (["gd-2.json", "gd-2.h5"], spoil_reconstruction, "a.h5: truncated"),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(runs, tmp_path, capsys, inputs, spoil, complaint):
    folder = tmp_path / "in"
    folder.mkdir()
    for name in inputs:
        shutil.copy(runs / name, folder)
    spoil(folder)
    check_refusal(folder, tmp_path / "page", complaint, capsys)
    assert {path.name for path in tmp_path.iterdir()} == {"in"}


def check_refusal(folder, output, complaint, capsys):
    assert main(["report", str(folder), "-o", str(output)]) == 2
    message = capsys.readouterr().err
    assert message.count("\n") == 1 and message.startswith("ptychoscale: error: ")
    assert complaint in message


def test_a_missing_folder_is_named(tmp_path, capsys):
    check_refusal(tmp_path / "none", tmp_path / "page", "none: no such folder", capsys)
    assert not list(tmp_path.iterdir())


def test_what_is_no_page_is_never_overwritten(runs, tmp_path, capsys):
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "thesis.txt").write_text("years of work")
    check_refusal(runs, precious, "precious: holds files that are no earlier page", capsys)
    check_refusal(runs, precious / "thesis.txt", "thesis.txt: is no folder", capsys)
    check_refusal(runs, precious / "thesis.txt" / "page", "cannot be written", capsys)
    assert contents(tmp_path) == {"precious/thesis.txt": b"years of work"}


def run_of(row, name="part.json", **context):
    return Run(Document(name, b"", {"context": {"dataset": {"hash": "a"}, "evidence": "measured", **context}, "benchmarks": [row]}), 0)


def test_parts_of_another_report_are_known_by_what_is_inside():
    part = {"name": "smoke/gd/2x2", "method": "gd", "iterations": 4, "step": 2.5, "memory_a_bytes_max": 7}
    part["seconds_of_iterations"] = [3.0, 1.0]
    samples = [[2.0, 1.0], [3.0, 1.0]]
    whole = {**part, "run_uuid": "u", "memory_run_iterations": 2, "memory_a_bytes_max": 9, "seam_control": "serial"}
    whole = run_of({**whole, "seconds_of_iterations_of_repetitions": samples}, "report.json")

    def role(row, **how):
        found = part_of(run_of(row, **how), [whole])
        return found and found[1]

    assert role(part) == "timed run"
    assert role(part, uuid="u") == "source"
    assert role({**part, "seconds_of_iterations": [3.0, 1.5]}) is None
    assert role(part, dataset={"hash": "b"}) is None
    memory_run = {**part, "iterations": 2, "memory_a_bytes_max": 9, "seconds_of_iterations": [5.0, 5.0]}
    assert role(memory_run) == "memory run"
    assert role({**memory_run, "memory_a_bytes_max": 8}) is None
    control = {**part, "name": "smoke/serial/1x1", "method": "serial"}
    assert role(control) == "control for seams"
    assert role(control, name="elsewhere/serial.json") is None
    assert role({**control, "step": 3.0}) is None


def test_efficiency_is_relative_to_the_fewest_ranks_of_the_fastest_mesh():
    seconds = {(1, 1): 8.0, (2, 1): 5.0, (1, 2): 4.0, (2, 2): 4.0}
    rows = [{"name": "a/gd", "method": "gd", "mesh": list(m), "ranks": m[0] * m[1], "seconds_per_iteration": t} for m, t in seconds.items()]
    line = scaling.efficiency(labelled([run_of(row) for row in rows])).axes[0].lines[0]
    assert line.get_label() == "GD, measured"
    assert list(line.get_xdata()) == [1, 2, 4] and list(line.get_ydata()) == [100, 100, 50]


def test_modes_of_a_probe_are_shown_with_their_power():
    row = {"name": "a/gd", "method": "gd", "mesh": [1, 1], "ranks": 1}
    powers = [[0.9, 0.1], [0.7, 0.2, 0.1]]
    several = [{**row, "probe_modes": len(each), "probe_mode_powers": each} for each in powers]
    table = tables.modes(labelled([run_of(each) for each in (row, *several)]))
    assert [[cell.text for cell in cells] for _, cells in table.rows] == [["90.00", "10.00", tables.NONE], ["70.00", "20.00", "10.00"]]
    assert table.rows[0][1][1].path.endswith("probe_mode_powers[1]")
    assert tables.modes(labelled([run_of(row)])) is None


def test_ranks_that_took_turns_on_a_gpu_are_not_shown_as_scaling():
    shared = {"remarks": ["functional, not scaling: 4 ranks shared 1 GPU of a: 0000:01:00.0"]}
    row = {"name": "a/gd", "method": "gd"}
    rows = [{**row, "mesh": [1, n], "ranks": n, "seconds_per_iteration": 8.0 / n, "memory_peak_bytes_max": 9 * n} for n in (1, 2, 4)]
    rows[2] |= shared
    runs = labelled([run_of(row) for row in rows])
    for figure in (scaling.efficiency(runs), scaling.time(runs)):
        assert list(figure.axes[0].lines[0].get_xdata()) == [1, 2]
    assert list(scaling.memory(runs).axes[0].lines[0].get_xdata()) == [1, 2, 4]
    rows[1] |= shared
    assert scaling.efficiency(labelled([run_of(row) for row in rows])) is None


UNITS = {"time": ("s", "ms"), "bytes": ("MB",), "percent": ("%",), "angstrom": ("A",)}


@pytest.mark.parametrize("column", [column for theme in THEMES for column in theme.columns], ids=lambda column: column.title)
def test_columns_are_of_known_quantities_in_their_units(column):
    known = [BY_KEY[key] for key in column.keys if key in BY_KEY]
    derived = {"seconds_per_iteration_95_percent", "time_ratio_95_percent", "iterations", "seam_control"}
    assert known or set(column.keys) <= derived
    for quantity in known:
        assert quantity.unit in UNITS.get(column.kind, ("",)), quantity


def test_columns_have_as_many_decimals_as_their_values_need():
    assert decimals_for([0.1883, 0.1222]) == 4
    assert decimals_for([1841.0, 7.37]) == 1
    assert decimals_for([2.134, 1e-6]) == 3  # a trifle beside the other
    assert shown(0.00042, 1e-3, 2) == "0.42"
    assert shown(1e-9, 1e-3, 2) == "< 0.01"
    assert shown(0, 1e-3, 2) == "0"
    assert shown(-1234.5, 1, 1) == "−1\u202f234.5"


def test_figures_of_the_paper_stay_as_printed_but_those_worked_out_from_them_are_rounded():
    assert reproduction.decimals_of("paper", 0.31, [2.53, 0.31]) == 2
    assert reproduction.decimals_of("paper", 462.0, [462.0, 6.0]) == 0
    assert reproduction.decimals_of("paper", 1.4906934557979332, [9.47, 1.4906934557979332]) <= 3
