"""Claims with steps and rounds varied: which step a run takes, what an earlier map spares, and what time leaves open."""

import dataclasses
import math
import time

import pytest

from harness.base import documents
from harness.base.errors import InputError, RunError
from harness.base.statistics import effect_of
from harness.reproduce import claims, design, earlier, work
from harness.reproduce.cells import HOLDS, IMPOSSIBLE, NOT_RUN, Cell, MapRow, draw, sentence
from harness.reproduce.claims import CLAIMS
from harness.reproduce.design import CONDITIONS, SEED_OF_STEPS, SEEDS, STEP_FACTORS, VARIED_AT, control, run, trials
from harness.reproduce.findings import NOT_JUDGED, Findings
from harness.reproduce.ranks import Scope
from harness.reproduce.work import Outcome, Work, best_step, key_of, perform

HERE = CONDITIONS[0]


@pytest.fixture
def nothing_done(tmp_path, monkeypatch):
    """Work whose steps have names without the program, and of which none was made."""
    monkeypatch.setattr(work, "program_identity", lambda command: "a program")
    monkeypatch.setattr(work, "case_identity", lambda case: "a case")
    return Work(tmp_path, "mpirun -n {ranks}")


def done(step, error, **more):
    return Outcome(rows=[{"step": step, "relative_rmse_lowest": error, "verified": True, **more}])


def test_the_common_step_is_that_of_gd_once_and_so_is_its_control():
    paired = run(HERE, 1, "hve; common step")
    assert paired.steps_of == run(HERE, 1, "gd once") and not paired.best_of
    assert control(HERE, 1, "hve; common step") == control(HERE, 1, "gd once")
    assert control(HERE, 1, "hve") == run(HERE, 1, "serial")
    assert control(HERE, 1, "hve; best step").steps_of == run(HERE, 1, "hve; best step")
    with pytest.raises(ValueError, match="no step is called so"):
        run(HERE, 1, "hve; longest step")


def test_best_steps_are_chosen_on_data_that_nothing_is_judged_on():
    tried = trials(HERE, "hve")
    assert run(HERE, 1, "hve; best step").best_of == run(HERE, 6, "hve; best step").best_of == tried
    assert SEED_OF_STEPS not in SEEDS and len({step.dataset for step in tried}) == 1
    assert [step.step_factor for step in tried] == list(STEP_FACTORS)
    assert all(step.steps_of == (None if step.step_factor == 1 else tried[0]) for step in tried)


def test_a_factor_is_part_of_what_a_run_is(nothing_done):
    tried = trials(HERE, "hve")
    assert len({key_of(nothing_done, step) for step in tried}) == len(tried)
    same_label = dataclasses.replace(tried[1], step_factor=3.0)
    assert key_of(nothing_done, same_label) != key_of(nothing_done, tried[1])


def test_the_step_of_the_smallest_error_is_taken_and_what_diverged_is_not(nothing_done):
    tried = trials(HERE, "hve")
    errors = [0.3, 0.4, 0.2, 0.35, 0.1, 0.0]
    nothing_done.outcomes = {step: done(step.step_factor, error) for step, error in zip(tried, errors, strict=True)}
    nothing_done.outcomes[tried[4]] = Outcome(failure="diverges")
    nothing_done.outcomes[tried[5]] = done(9.0, 0.0, verified=False)
    assert best_step(nothing_done, tried).row["step"] == STEP_FACTORS[2]
    nothing_done.outcomes |= {step: Outcome(failure="diverges") for step in tried}
    with pytest.raises(RunError, match="diverges"):
        best_step(nothing_done, tried)


def test_a_run_takes_the_factor_and_the_best_step(nothing_done):
    tried = trials(HERE, "hve")
    final = run(HERE, 1, "hve; best step")
    nothing_done.outcomes = {step: done(100.0 * step.step_factor, abs(step.step_factor - 0.5)) for step in tried}
    nothing_done.outcomes |= {final.dataset: Outcome(), tried[0].dataset: Outcome()}
    words = work.arguments_of(nothing_done, tried[4], None, "volume")
    assert words[words.index("--step") + 1] == repr(200.0)
    words = work.arguments_of(nothing_done, final, None, "volume")
    assert words[words.index("--step") + 1] == repr(50.0)


def test_when_time_is_over_no_run_is_begun_and_its_cells_say_so(nothing_done, monkeypatch):
    monkeypatch.setattr(work, "run", lambda *_: pytest.fail("a run was begun"))
    nothing_done.ends = time.monotonic()
    assert perform(nothing_done, run(HERE, 1, "hve; best step")).not_run
    claim = next(claim for claim in CLAIMS if "hve; best step" in claim.names)
    cells = claims.cells_of(Scope(nothing_done), claim)
    assert {cell.word for cell in cells.values()} == {NOT_RUN} and list(cells) == list(VARIED_AT)
    assert "not run at no noise" in sentence(claims.by_title(cells))
    found = Findings("claims", "")
    claims.judge(found, claim, cells)
    assert found.rows[0]["verdict"] == NOT_JUDGED


@pytest.fixture
def earlier_map(tmp_path):
    """A report with cells that were decided, cannot be, and were not judged."""
    claim = CLAIMS[0]
    found = Findings("claims", "")
    cells = (claims.cell_with(effect_of([1.0, 2.0, 1.5])), Cell(IMPOSSIBLE, why="too narrow"), Cell(NOT_RUN, why="the minutes given were over"))
    for condition, cell in zip(CONDITIONS, cells):
        claims.add_cell(found, claim, condition, cell)
    file = tmp_path / "claims.json"
    context = {**documents.new_context(["ptychoscale"]), "date": "2026-01-02T03:04:05Z", "source_commit": "0123456789abcdef"}
    documents.write_report(file, {"context": context, "benchmarks": found.rows})
    return claim, file


def test_what_an_earlier_map_decided_is_taken_with_its_origin(nothing_done, earlier_map, tmp_path, monkeypatch):
    claim, file = earlier_map
    scope = Scope(nothing_done, earlier=earlier.read(file))
    assert [claims.known(scope, condition, claim) is not None for condition in CONDITIONS[:3]] == [True, True, False]
    spared = set(claims.steps(Scope(nothing_done), [claim])) - set(claims.steps(scope, [claim]))
    assert {step.dataset for step in spared} == {design.dataset(condition, seed) for condition in CONDITIONS[:2] for seed in SEEDS}
    monkeypatch.setattr(claims, "cell_of", lambda *_: Cell(NOT_RUN, why="the minutes given were over"))
    cell = claims.cells_of(scope, claim)[CONDITIONS[0]]
    assert cell.word == HOLDS and cell.effect.mean == pytest.approx(1.5)
    found = Findings("claims", "")
    claims.add_cell(found, claim, CONDITIONS[0], cell)
    assert found.rows[0]["taken_from"] == "runs of 2026-01-02T03:04:05Z, commit 0123456789ab"
    # Taken once more, it is still of the first runs.
    documents.write_report(file, {"context": documents.new_context(["later"]), "benchmarks": found.rows})
    assert next(iter(earlier.read(file).values())).earlier == found.rows[0]["taken_from"]


def test_another_report_is_no_map(tmp_path):
    file = tmp_path / "fig8.json"
    documents.write_report(file, {"context": documents.new_context(["ptychoscale"]), "benchmarks": [{"name": "fig8/x", "item": "fig8"}]})
    with pytest.raises(InputError, match="no cell of a map"):
        earlier.read(file)


def test_the_null_of_errors_takes_every_seed_once(monkeypatch):
    claim = next(claim for claim in CLAIMS if claim.null and "RMSE" in claim.effect)
    monkeypatch.setattr(claims, "row", lambda _scope, _condition, seed, _name: {"relative_rmse": math.exp(seed / 100)})
    found = [difference for seed in SEEDS for difference in claim.differences(None, HERE, seed)]
    assert found == pytest.approx([-1.0] * (len(SEEDS) // 2))


def test_a_map_has_a_column_for_every_condition_that_any_claim_is_asked_at():
    cell = claims.cell_with(effect_of([1.0, 2.0]))
    picture = draw([MapRow("asked at one", False, {"second": cell}), MapRow("at both", False, {"first": cell, "second": cell})])
    assert picture["claims"]["svg"]
