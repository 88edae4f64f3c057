"""`ptychoscale reproduce`: the paper's figures carried over rightly, readings, tables, and runs that are kept and not repeated."""

import dataclasses
import math
import shutil

import numpy as np
import pytest
from conftest import replace_kernel_times

from harness.base import documents, paper
from harness.base.errors import RunError
from harness.project import machine
from harness.reproduce import counters, fig7b, fig9, findings, headline, memory, ranks, readings, simulated, tables
from harness.reproduce.ci_case import in_rounds
from harness.reproduce.line import fit
from harness.reproduce.phases import Phases
from harness.reproduce.work import Outcome, Step, Work, key_of, perform, program_identity, waiting


@pytest.fixture
def scope(tmp_path):
    return ranks.Scope(Work(tmp_path, "mpirun -n {ranks}"), quick=True)


def test_published_tables_are_complete():
    rows = paper.all_rows()
    assert len(rows) == 20 and sum(row.feasible for row in rows) == 19
    for row in rows:
        assert row.gpus % 6 == 0
        assert (row.memory_GB is None) == (row.runtime_min is None) == (row.efficiency_percent is None)
    for key in paper.KEYS.values():
        for method in paper.METHODS:
            printed = paper.tables()[key][method]
            assert all(6 * row["nodes"] == row["gpus"] for row in printed)
            assert [row["gpus"] for row in printed] == sorted(row["gpus"] for row in printed)
            assert all("reason" in row for row in printed if row["memory_GB"] is None)
    assert paper.tables()["table_I"]["small"]["probe_positions"] * 4 == paper.tables()["table_I"]["large"]["probe_positions"]


@pytest.mark.parametrize("row", [row for row in paper.all_rows() if row.feasible], ids=lambda row: f"{row.table}-{row.label}")
def test_printed_efficiencies_follow_from_printed_minutes(row):
    low, high = tables.printed_efficiency_bounds(row)
    assert low <= row.efficiency_percent <= high
    # The bounds are tight enough to notice a percentage that is wrong by a twentieth.
    assert not low <= 1.05 * row.efficiency_percent <= high


def test_a_wrong_percentage_is_noticed(monkeypatch):
    rows = paper.table_rows("table2")
    wrong = [dataclasses.replace(row, efficiency_percent=row.efficiency_percent + 9) if row.gpus == 198 else row for row in rows]
    monkeypatch.setattr(tables, "table_rows", lambda _: wrong)
    found = findings.Findings("table2", "")
    tables.judge_printed(found, "table2")
    (row,) = found.rows
    assert row["verdict"] == findings.NOT_REPRODUCED and "GD 198" in row["explanation"]


def test_headline_follows_from_the_rows():
    stated, found = paper.tables()["headline"], headline.printed()
    assert found.keys() == stated.keys()
    for key, value in found.items():
        assert value == pytest.approx(stated[key], rel=0.013), key  # 2.667 is stated as 2.7


def test_fit_is_least_squares_of_relative_residuals():
    rng = np.random.default_rng(1)
    x = np.geomspace(3e6, 2e8, 19)
    y = (47e6 + 52 * x) * rng.uniform(0.9, 1.1, x.size)
    independent, *_ = np.linalg.lstsq(np.stack([1 / y, x / y], 1), np.ones_like(y), rcond=None)
    line = fit(x, y)
    assert [line.constant, line.slope] == pytest.approx(independent, rel=1e-6)  # two ways to solve the same equations
    assert line.residuals(x, y) == pytest.approx(y / (independent[0] + independent[1] * x) - 1, abs=1e-6)


def test_fit_has_no_negative_costs():
    line = fit([1.0, 2.0, 3.0], [3.0, 2.0, 1.0])
    # The solver stops just inside the bound.
    assert 0 <= line.slope < 1e-9 and line.constant > 0


def test_readings_of_the_printed_rows(scope):
    found = findings.Findings("readings", "")
    read, _ = readings.read_paper(found, scope)
    assert read.within(0.07) == 17 and len(read.rows) == 19
    worst = sorted(zip(abs(read.residuals), read.rows, strict=True), key=lambda pair: pair[0])[-2:]
    assert [(row.table, row.label) for _, row in worst] == [("table3", "HVE 462"), ("table2", "GD 24")]
    # Stated before us as about 52 B per voxel and 47 MB.
    assert read.line.slope == pytest.approx(52, rel=0.03) and read.line.constant == pytest.approx(47e6, rel=0.1)


def test_places_of_ranks():
    assert ranks.places([9, 22]) == {"centre": 4 * 22 + 11, "edge": 4 * 22, "corner": 0}
    assert ranks.places([3, 2]) == {"centre": 3, "edge": 2, "corner": 0}
    assert ranks.places([1, 1]) == {"centre": 0}


def test_rounds_are_interleaved_and_every_other_goes_backwards():
    steps = [[Step(f"{name}{i}", "ci", (), 1.0) for i in range(2)] for name in "ab"]
    assert [step.label for step in in_rounds(steps)] == ["a0", "b0", "b1", "a1"]


def test_a_figure_needs_a_value_or_a_reason():
    with pytest.raises(ValueError, match="neither a figure nor a reason"):
        findings.Findings("fig6", "").add("row", "quantity", "s")


def test_a_figure_is_named_by_its_tags_and_not_by_its_data():
    found = findings.Findings("fig9", "")
    found.add("GD", "cost", "", ours=0.5, cost_of_iterations=[2.0, 1.0], step=0.25, missing=None, update="once", ranks=4)
    assert found.rows[0]["name"] == "fig9/once/4/GD/cost"
    assert found.rows[0]["cost_of_iterations"] == [2.0, 1.0]


def test_table_is_aligned_and_shares_notes():
    found = findings.Findings("table9", "a title")
    found.add("GD 6", "memory", "GB", paper=2.0, ours=0.5, evidence="measured")
    found.add("GD 24, tile", "memory", "GB", paper=1.0, why_not="not run")
    found.add("GD 54", "time", "s", ours=12345.6, evidence="modelled", why_not="not run")
    found.check("all is well", False, "it is not")
    lines = findings.text_of(found).splitlines()
    assert lines[0] == "table9: a title"
    ends = {line.index(word) + len(word) for line, word in ((lines[1], "ours"), (lines[2], "0.5"), (lines[4], "12346"))}
    assert len(ends) == 1  # figures end in one column
    assert lines[2].split() == ["GD", "6", "memory,", "GB", "2", "0.5", "0.25", "measured"]
    assert lines[3].endswith("paper     [1]") and lines[4].endswith("modelled  [1]")
    assert lines[5:] == ["[1] not run", "checks: 0 of 1 passed", "FAILED: all is well: it is not"]


def measured_row(peak):
    row = paper.table_rows("table2")[0]
    plan = {"memory_peak_bytes_min": 0.40e9, "memory_peak_bytes_max": 0.45e9, "extended_voxels_max": 5e7}
    return ranks.Measured(row, "window", plan, {"centre": [{"memory_peak_bytes_max": peak, "as_rank": 3}]}, [], [])


@pytest.mark.parametrize(("peak", "fails"), [(0.45e9, 0), (0.47e9, 0), (0.48e9, 1), (0.42e9, 1), (0.85e9, 2)])
def test_bytes_off_the_plan_or_above_the_bar_fail(peak, fails):
    found = findings.Findings("table2", "")
    memory.check_memory(found, measured_row(peak), "GD 6", "")
    assert len(found.failed_checks) == fails


def test_a_rank_of_the_largest_run_takes_the_bytes_that_were_planned(scope):
    row = next(row for row in paper.table_rows("table3") if row.label == "GD 4158")
    m = ranks.measured(scope, row, "window")
    assert not m.failures and m.seconds_per_visit > 0
    found = findings.Findings("table3", "")
    memory.check_memory(found, m, row.label, "")
    assert len(found.rows) == 2 and not found.failed_checks


PERF = """# started on Sat Nov 21 12:00:00 2026

1000,,L1-dcache-loads:u,123,100.00,,
410,,L1-dcache-load-misses:u,123,100.00,41.00,of all L1-dcache accesses
{references},,cache-references:u,123,100.00,,
20,,cache-misses:u,123,100.00,5.0,of all cache refs
"""


def test_counters_of_perf():
    assert counters.read_perf(PERF.format(references=80)) == pytest.approx({"L1 hit rate": 59.0, "last-level hit rate": 75.0})
    with pytest.raises(RunError, match="cache-references not supported"):
        counters.read_perf(PERF.format(references="<not supported>"))


def test_counters_of_nsight_compute_are_weighted_by_time():
    names = [counters.L1, counters.THROUGHPUT, counters.DURATION]
    values = {"0": ("40.0", "30.0", "1,000"), "1": ("60.0", "50.0", "3,000")}
    lines = [f'"{kernel}","k","{n}","%","{v}"' for kernel, each in values.items() for n, v in zip(names, each, strict=True)]
    text = "\n".join(['==PROF== Connected', 'cost 1.0', '"ID","Kernel Name","Metric Name","Metric Unit","Metric Value"', *lines])
    assert counters.read_ncu(text) == pytest.approx({"L1 hit rate": 55.0, "memory throughput": 45.0})
    with pytest.raises(RunError, match="no metrics"):
        counters.read_ncu("==ERROR== ERR_NVGPUCTRPERM")


FEW_GPUS = simulated.Setup("smoke", (2, 4))
SMOKE = fig9.Setup(case="smoke", iterations=3, exchanges=9)


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """A folder with all runs of Fig. 9 on the case `smoke`."""
    folder = tmp_path_factory.mktemp("runs")
    work = Work(folder, "mpirun -n {ranks}")
    return folder, fig9.find(ranks.Scope(work), SMOKE)


def test_cost_curves_of_a_real_run(kept):
    _, found = kept
    rows = [row for row in found.rows if "cost_of_iterations" in row]
    assert len(rows) == 3 * 3 * 2 + 1
    for row in rows:
        costs = row["cost_of_iterations"]
        assert row["why_not"] and len(costs) == 3
        assert row["ours"] == pytest.approx(costs[-1] / row["cost_of_empty_volume"])
    assert len([row for row in found.rows if "verdict" in row]) == 6
    common = {row["update"]: {r["step"] for r in rows if r.get("update") == row["update"] and r["steps"] == "common"} for row in rows[:-1]}
    assert all(len(steps) == 1 for steps in common.values())
    assert found.figures["fig9-smoke"]["svg"].startswith(b"<?xml") and len(found.figures["fig9-smoke"]["png"]) > 10000


def test_runs_are_kept_and_none_is_repeated(kept):
    folder, first = kept
    steps = fig9.steps(None, SMOKE)
    before = {file: file.stat().st_mtime_ns for file in folder.glob("*.json")}
    work = Work(folder, "mpirun -n {ranks}")
    assert waiting(work, steps) == []
    again = fig9.find(ranks.Scope(work), SMOKE)
    assert again.rows == first.rows
    assert {file: file.stat().st_mtime_ns for file in folder.glob("*.json")} == before
    # Another launcher, program or case would be another run.
    assert len(waiting(Work(folder, "mpirun --bind-to none -n {ranks}"), steps)) == len(set(steps)) + 1  # and the data set


def test_only_what_is_missing_is_run_again(kept):
    folder, _ = kept
    work = Work(folder, "mpirun -n {ranks}")
    outcome = perform(work, fig9.hve(SMOKE))
    outcome.file.unlink()
    fresh = Work(folder, "mpirun -n {ranks}")
    assert waiting(fresh, fig9.steps(None, SMOKE)) == [fig9.hve(SMOKE)]
    assert perform(fresh, fig9.hve(SMOKE)).row["cost_of_iterations"] == outcome.row["cost_of_iterations"]


def test_a_run_that_fails_is_a_reason_not_a_figure(tmp_path, monkeypatch):
    monkeypatch.setattr(simulated, "why_impossible", lambda: "it was not built")
    scope = ranks.Scope(Work(tmp_path, "no-such-launcher {ranks}"), quick=True)
    found = fig7b.find(scope)
    assert len(found.failed_checks) == 3
    ours = [row for row in found.rows if row.get("exchange")]
    assert len(ours) == 9 and all(row["ours"] is None and "no-such-launcher" in row["why_not"] for row in ours)
    statements = [row for row in found.rows if "verdict" in row]
    assert len(statements) == 3
    assert all(row["verdict"] == findings.NOT_JUDGED and "it was not built" in row["explanation"] for row in statements)
    assert not list(tmp_path.glob("*.json"))


def test_the_papers_gpus_are_simulated(tmp_path):
    if why := simulated.why_impossible():
        pytest.skip(why)
    work = Work(tmp_path, "mpirun -n {ranks}")
    steps = simulated.steps(FEW_GPUS)
    assert waiting(work, steps) == [simulated.kernel_times(FEW_GPUS), *steps]  # measured once, for all exchanges
    replace_kernel_times(perform(work, simulated.kernel_times(FEW_GPUS)).file, 4e-4, 1e10)
    found = findings.Findings("fig7b", "")
    phases = simulated.find(found, work, FEW_GPUS)
    assert waiting(Work(tmp_path, work.launcher), steps) == [] and found.failed_checks == []
    rows = {(row["row"], row["quantity"]): row for row in found.rows if "ours" in row}
    for exchange in simulated.WITHOUT_APPP:
        row = rows[f"smoke, 4 GPUs, {exchange} over appp", "wait and communication, ratio"]
        assert row["ours"] == pytest.approx(phases[exchange][4].exchange / phases["appp"][4].exchange) and row["ours"] > 1
        assert row["evidence"] == findings.SIMULATED and "an estimate; network within" in row["why_not"]
    waited = rows["smoke, 4 GPUs", "waiting time"]
    assert waited["ours"] == pytest.approx(100 * phases["appp"][4].wait) and waited["paper"] == 1
    unequal = [row for row in found.rows if row["quantity"] == "share of the time that unequal GPUs wait"]
    assert [row["ranks"] for row in unequal] == [2, 4] and all(row["ours"] > 1 for row in unequal)
    assert any("GPUs of unequal speed explain it only if" in row["explanation"] for row in found.rows if "verdict" in row)
    assert {row["verdict"] for row in found.rows if "verdict" in row} <= {findings.NOT_REPRODUCED, findings.NOT_JUDGED, findings.REPRODUCED}


def test_how_unequal_gpus_must_be_to_wait_as_the_papers():
    assert simulated.papers_minutes(462) == pytest.approx(14.2)
    # A power law between 5543 min on 6 GPUs and 183 on 54.
    assert simulated.papers_minutes(18) == pytest.approx(math.sqrt(5543 * 183))
    spread = simulated.spread_that_waits(0.2)
    even = [1 + spread * i / 1000 for i in range(1001)]
    assert (max(even) - sum(even) / len(even)) / max(even) == pytest.approx(0.2)


def test_a_projection_is_made_anew_when_a_machine_changes(tmp_path, monkeypatch):
    if why := simulated.why_impossible():
        pytest.skip(why)
    machines = shutil.copytree(machine.MACHINES, tmp_path / "machines")
    monkeypatch.setattr(machine, "MACHINES", machines)
    work = Work(tmp_path, "")

    def keys():
        program_identity.cache_clear()
        return [key_of(work, step) for step in (simulated.projection(FEW_GPUS, "appp"), fig9.hve(SMOKE))]

    before = keys()
    assert keys() == before
    file = machines / "summit.json"
    file.write_text(file.read_text().replace('"value": 900,', '"value": 901,'))
    after = keys()
    program_identity.cache_clear()
    assert after[0] != before[0] and after[1] == before[1]


@pytest.mark.parametrize(
    ("passes", "allreduce", "factor", "dominated"),
    [
        (4.0, 100.0, findings.NOT_REPRODUCED, findings.NOT_JUDGED),
        (10.0, 100.0, findings.NOT_JUDGED, findings.NOT_JUDGED),
        (20.0, 30.0, findings.REPRODUCED, findings.REPRODUCED),
        (2.0, 3.0, findings.NOT_REPRODUCED, findings.NOT_REPRODUCED),
    ],
)
def test_what_without_appp_means_decides_the_verdicts(monkeypatch, passes, allreduce, factor, dominated):
    monkeypatch.setattr(simulated, "source", lambda *_: "")
    monkeypatch.setattr(simulated, "perform", lambda *_: Outcome([{"kernel_times": "", "network_error_percent": 1.0}]))
    found = findings.Findings("fig7b", "")
    by_exchange = {name: {462: Phases(15.0, ratio, 0.0)} for name, ratio in (("appp", 1.0), ("passes", passes), ("allreduce", allreduce))}
    simulated.add_ratios(found, None, simulated.Setup(), by_exchange)
    assert [row["verdict"] for row in found.rows if "verdict" in row] == [factor, dominated]


def test_table_1_from_the_command_line(harness, tmp_path):
    result = harness("reproduce", "table1", "-o", tmp_path)
    assert result.code == 0, result.err
    rows = documents.read_report(tmp_path / "table1.json")["benchmarks"]
    assert len(rows) == 18 and all(row["ratio"] == pytest.approx(1) for row in rows)
    assert result.out.startswith("table1: ") and (tmp_path / "table1.txt").read_text() in result.out


def test_only_plan_runs_nothing(harness, tmp_path):
    result = harness("reproduce", "fig9", "--only-plan", "-o", tmp_path)
    assert result.code == 0 and result.err == ""
    titles, fig9_line, all_line = result.out.splitlines()
    assert titles.split() == ["item", "runs", "expected", "min:s"]
    assert fig9_line.split()[0] == "fig9" and all_line.split() == ["all", *fig9_line.split()[1:]]
    assert not list(tmp_path.glob("*.json")) and not list((tmp_path / "runs").iterdir())


def test_bad_input_is_one_line(rejects, tmp_path):
    rejects("reproduce", "table4", "-o", tmp_path, says=["table4", "table3"])
    rejects("reproduce", "table1", "-o", tmp_path, "--launcher", "mpirun", says=["--launcher", "{ranks}"])
    (tmp_path / "file").write_text("")
    rejects("reproduce", "table1", "-o", tmp_path / "file", says=["file", "cannot be written"])


def planned_tile(row):
    """A plan as large as the row's share of the volume, for lines that need no more."""
    side = {"table2": 1536, "table3": 3072}[row.table]
    positions = {"table2": 4158, "table3": 16632}[row.table]
    return {"extended_voxels_max": 100 * (side**2 / row.gpus + 3e4), "positions_per_rank_max": positions / row.gpus}


@pytest.mark.parametrize(
    ("grid", "slope", "noise", "verdict"),
    [
        ("tile", 1e-6, 0.0, findings.REPRODUCED),
        ("tile", 1e-9, 0.0, findings.NOT_REPRODUCED),
        ("window", 1e-9, 0.0, findings.REPRODUCED),
        ("window", 1e-6, 0.0, findings.NOT_REPRODUCED),
        ("window", 1e-9, 2.0, findings.NOT_JUDGED),
    ],
)
def test_scaling_is_judged_by_the_line_and_not_by_noise(monkeypatch, grid, slope, noise, verdict):
    monkeypatch.setattr(readings, "planned", lambda _, row, __: planned_tile(row))
    rows = [row for row in paper.all_rows() if row.feasible]
    pixels = np.array([planned_tile(row)["extended_voxels_max"] / 100 for row in rows])
    seconds = (0.1 + slope * pixels) * np.where(np.arange(pixels.size) % 2, 1 + noise, 1)
    found = findings.Findings("readings", "")
    readings.judge_scaling(found, ranks.Scope(None), grid, readings.read(rows, pixels, seconds))
    assert [row["verdict"] for row in found.rows] == [verdict]
