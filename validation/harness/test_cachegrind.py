"""Hit rates by Valgrind's simulation of caches: what its files say, and why there are none."""

import pytest

from harness.base.errors import RunError
from harness.reproduce import cachegrind
from harness.reproduce.cachegrind import L1, LAST
from harness.reproduce.findings import DEPENDS, NOT_JUDGED, NOT_REPRODUCED, REPRODUCED, SIMULATED, Findings
from harness.reproduce.ranks import Scope
from harness.reproduce.work import Work
from harness.runs import program

FILE = """desc: D1 cache: 131072 B, 64 B, 4-way associative
cmd: ptychoscale reconstruct
events: Ir I1mr ILmr Dr D1mr DLmr Dw D1mw DLmw
fl=???
fn=somewhere
0 1 0 0 1 0 0 1 0 0
summary: {counts}
"""
ONE = FILE.format(counts="900 1 1 1000 100 50 500 60 20")
TWO = FILE.format(counts="1800 1 1 1800 160 60 700 80 30")


@pytest.fixture
def scope(tmp_path, monkeypatch):
    program = tmp_path / "ptychoscale"
    program.write_text("#!/bin/sh\n")
    return Scope(Work(tmp_path, "mpirun -n {ranks}", valgrind_program=program))


def test_what_the_slices_between_read_and_write_counts():
    one, two = cachegrind.counts_of(ONE), cachegrind.counts_of(TWO)
    assert (one["Dr"], one["DLmw"]) == (1000, 20)
    # 1000 accesses more, 80 of them missed the first level, 20 of those the last.
    assert cachegrind.rates_of(one, two) == pytest.approx({L1: 92.0, LAST: 75.0})
    with pytest.raises(RunError, match="no summary"):
        cachegrind.counts_of("events: Ir Dr\n")


def found(monkeypatch, scope, rates) -> Findings:
    monkeypatch.setattr(cachegrind, "all_rates", rates)
    findings = Findings("claims", "")
    cachegrind.add(findings, scope, "rates rise")
    return findings


@pytest.mark.parametrize(("at_54", "verdict"), [((75.0, 60.0), REPRODUCED), ((60.5, 80.0), DEPENDS), ((60.5, 70.5), NOT_REPRODUCED)])
def test_the_first_level_must_rise_on_the_papers_grid(monkeypatch, scope, at_54, verdict):
    rates = {(grid, 24): {L1: 60.0, LAST: 70.0} for grid in ("window", "tile")}
    rates |= {("window", 54): {L1: 10.0, LAST: 10.0}, ("tile", 54): dict(zip((L1, LAST), at_54))}
    rows = found(monkeypatch, scope, lambda _: rates).rows
    assert rows[-1]["verdict"] == verdict and f"L1 hit rate 60.0 % and {at_54[0]:.1f} %" in rows[-1]["explanation"]
    printed = {row["ranks"]: row for row in rows[:-1] if row["grid"] == "tile" and row["quantity"] == L1}
    assert (printed[24]["paper"], printed[54]["paper"], printed[54]["ours"]) == (44, 59, at_54[0])
    assert {row["evidence"] for row in rows} == {SIMULATED}


def test_without_valgrind_there_is_a_reason(monkeypatch, scope):
    monkeypatch.setattr(cachegrind.shutil, "which", lambda _: None)
    findings = Findings("claims", "")
    cachegrind.add(findings, scope, "rates rise")
    assert findings.rows[-1]["verdict"] == NOT_JUDGED
    assert all(row["ours"] is None and "valgrind is not installed" in row["why_not"] for row in findings.rows[:-1])


def test_a_program_for_another_processor_is_told_apart(monkeypatch, scope, tmp_path):
    def run_logged(words, log, *_):
        log.write_text("==1== Process terminating with default action of signal 4 (SIGILL)\n")
        return 132 if words[0] == "valgrind" else 0

    monkeypatch.setattr(cachegrind.program, "run_logged", run_logged)
    with pytest.raises(RunError, match="PTYCHOSCALE_NATIVE=OFF"):
        cachegrind.simulate(scope, ["reconstruct"], tmp_path / "kept.txt")


def test_a_simulation_is_kept_and_belongs_to_its_program(monkeypatch, scope):
    simulated = []

    def simulate(_, words, kept):
        simulated.append(words)
        kept.write_text(ONE if len(simulated) % 2 else TWO)

    monkeypatch.setattr(cachegrind, "simulate", simulate)
    monkeypatch.setattr(cachegrind, "words_of", lambda *setting: list(setting[1:]))
    for _ in range(2):
        assert cachegrind.hit_rates(scope, 24, "tile")[L1] == pytest.approx(92.0)
    assert simulated == [[24, "tile", 2], [24, "tile", 4]]
    scope.work.valgrind_program.write_text("#!/bin/bash\n")
    program.identity.cache_clear()
    cachegrind.hit_rates(scope, 24, "tile")
    assert len(simulated) == 4
    scope.work.ends = 0.0
    with pytest.raises(RunError, match="minutes"):
        cachegrind.hit_rates(scope, 54, "tile")
