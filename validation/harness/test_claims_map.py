"""The map of claims: what is called holding, failing and undecided, and what is withheld."""

import math

import pytest

from harness.base.statistics import effect_of
from harness.reproduce import claims
from harness.reproduce.cells import (
    FAILS,
    HOLDS,
    IMPOSSIBLE,
    NOT_VERIFIED,
    UNDECIDED,
    Cell,
    MapRow,
    draw,
    sentence,
    verdict_of,
    verdict_of_denied,
)
from harness.reproduce.claims import CLAIMS, Claim
from harness.reproduce.design import CONDITIONS, SEEDS, run
from harness.reproduce.findings import DEPENDS, NOT_JUDGED, NOT_REPRODUCED, REPRODUCED
from harness.reproduce.ranks import Scope
from harness.reproduce.work import Outcome, Work


def test_an_effect_is_students():
    effect = effect_of([1.0, 2.0, 3.0])
    assert effect.mean == 2
    # t(0.975, 2) = 4.3027, standard error 1 / sqrt(3)
    assert (effect.low, effect.high) == pytest.approx((2 - 2.48414, 2 + 2.48414), abs=1e-4)
    assert effect.detectable == pytest.approx(2.48414, abs=1e-4)
    assert effect.sign_test == 0.25 and effect_of([0.0, 0.0]).sign_test == 1
    with pytest.raises(ValueError, match="two finite"):
        effect_of([1.0])


@pytest.fixture
def broken(monkeypatch):
    """Labels of the runs that fail; all others are there and verified."""
    labels = set()

    def perform(_, step):
        return Outcome(failure="it broke") if step.label in labels else Outcome(rows=[{"verified": True}])

    monkeypatch.setattr(claims, "perform", perform)
    return labels


@pytest.fixture
def scope(tmp_path, broken):
    return Scope(Work(tmp_path, "mpirun -n {ranks}"), quick=True)


def claim_of(values):
    return Claim("a claim", "stated", "an effect", ("hve",), lambda _, condition, seed: [values[SEEDS.index(seed)]])


@pytest.mark.parametrize(
    ("values", "word"),
    [([1, 2, 1, 2, 1, 2], HOLDS), ([-1, -2, -1, -2, -1, -2], FAILS), ([1, -2, 1, -2, 1, 2], UNDECIDED)],
)
def test_the_whole_interval_must_lie_on_one_side(scope, values, word):
    assert claims.cell_of(scope, claim_of(values), CONDITIONS[0]).word == word


def test_where_a_method_cannot_work_its_claims_are_not_asked(scope, monkeypatch):
    refused = Outcome(failure="mesh: the core of tile 1 is 20 pixels wide but must fill a halo of 40 pixels")
    monkeypatch.setattr(claims, "perform", lambda _, step: refused)
    cell = claims.cell_of(scope, claim_of([1, 2, 1, 2, 1, 2]), CONDITIONS[0])
    assert cell.word == IMPOSSIBLE and "narrower than the halos" in cell.why


def test_what_is_not_verified_is_not_judged(scope, broken):
    broken.add(run(CONDITIONS[0], 3, "hve").label)
    cell = claims.cell_of(scope, claim_of([1, 2, 1, 2, 1, 2]), CONDITIONS[0])
    assert cell.word == NOT_VERIFIED and "it broke" in cell.why and cell.effect is None
    assert "it broke" in sentence({CONDITIONS[0].title: cell})


@pytest.mark.parametrize(
    ("words", "verdict"),
    [
        ([HOLDS, UNDECIDED], REPRODUCED), ([FAILS, FAILS], NOT_REPRODUCED), ([HOLDS, FAILS], DEPENDS),
        ([HOLDS, NOT_VERIFIED], DEPENDS), ([UNDECIDED], NOT_JUDGED), ([NOT_VERIFIED], NOT_JUDGED),
        ([HOLDS, IMPOSSIBLE], REPRODUCED), ([FAILS, NOT_VERIFIED], DEPENDS),
    ],
)
def test_verdicts(words, verdict):
    assert verdict_of([Cell(word) for word in words]) == verdict


@pytest.mark.parametrize(
    ("words", "verdict"),
    [
        ([FAILS, UNDECIDED], REPRODUCED), ([HOLDS, HOLDS], NOT_REPRODUCED), ([HOLDS, FAILS], DEPENDS), ([NOT_VERIFIED], NOT_JUDGED),
    ],
)
def test_verdicts_on_what_is_said_not_to_be(words, verdict):
    cells = {word: Cell(word, None if word == NOT_VERIFIED else effect_of([1.0, 2.0]), "") for word in words}
    assert verdict_of_denied([Cell(word, cells[word].effect) for word in words]) == verdict
    said = sentence(cells, denied=True)
    assert ("found at holds" in said) == (HOLDS in words) and ("not found at" in said) == (FAILS in words)


def test_every_run_has_a_name_of_its_own_and_the_null_pairs_seeds(scope):
    steps = claims.steps(scope)
    assert len({step.label for step in steps}) == len(steps)
    assert len(SEEDS) >= 5 and len(SEEDS) % 2 == 0
    assert any(claim.null for claim in CLAIMS)
    assert len(claims.steps(Scope(scope.work))) > len(steps)


@pytest.mark.parametrize(("errors", "iterations"), [([0.5, 0.2, 0.1], 2), ([0.1, 0.3, 0.3], 1), ([0.5, 0.4, 0.3], claims.ITERATIONS + 1)])
def test_iterations_to_the_best_of_another(scope, monkeypatch, errors, iterations):
    # The slower run is at its best, 0.2, after four iterations.
    runs = {"hve": [0.6, 0.4, 0.3, 0.2, 0.25], "gd averaged": errors}
    monkeypatch.setattr(claims, "row", lambda _scope, _condition, _seed, name: {"relative_rmse_of_iterations": runs[name]})
    found = claims.sooner("hve", "gd averaged", "").differences(scope, CONDITIONS[0], 1)
    assert found == pytest.approx([100 * math.log(4 / iterations)])


def test_the_map_is_drawn():
    cell = Cell(HOLDS, effect_of([1.0, 2.0]))
    cells = {"no noise": cell, "noise": Cell(NOT_VERIFIED, why="it broke"), "mesh": Cell(IMPOSSIBLE, why="too narrow")}
    rows = [MapRow("a claim", False, cells), MapRow("planted", True, cells)]
    assert draw(rows)["claims"]["svg"].startswith(b"<?xml")
