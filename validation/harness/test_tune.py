"""The search for steps, on functions whose answer is known and on a real solver."""

import json
import math
from pathlib import Path

import pytest

from harness.base.errors import RunError
from harness.runs import measure, program, tune
from harness.runs.tune import Trial

RESOLUTION = 0.05


class Bench:
    """A solver whose largest stable and best steps are known."""

    def __init__(self, default, largest, best):
        self.largest, self.optimum = largest, best
        self.trials = {}
        self.default = self.at(default)

    def at(self, step):
        if step > 2 * self.largest:
            trial = Trial(step)  # diverges
        else:
            costs = [1.0, 0.5, 0.4 if step <= self.largest else 0.6]
            error = 0.1 + math.log(step / self.optimum) ** 2
            row = {"cost_of_iterations": costs, "cost": costs[-1]}
            row |= {"relative_rmse_of_iterations": [2 + error, 1 + error, error], "relative_rmse_after": [1, 2, 3]}
            trial = Trial(step, row)
        return self.trials.setdefault(step, trial)


@pytest.mark.parametrize("default", [0.01, 0.9, 1.0, 3.0, 40.0])
@pytest.mark.parametrize("best", [0.1, 0.5, 1.0])
def test_both_steps_are_found_from_anywhere(default, best):
    bench = Bench(default, 1.0, best)
    largest = tune.largest_stable(bench, RESOLUTION)
    assert 1 / (1 + RESOLUTION) <= largest.step <= 1
    found = tune.best(bench, largest, RESOLUTION)
    assert found.step == pytest.approx(min(best, largest.step), rel=1.5 * RESOLUTION)
    assert len(bench.trials) < 40


def test_the_best_step_may_lie_far_below_the_largest_stable_one():
    """As with counting noise: below a 16th of the largest, and below the default."""
    bench = Bench(0.02, 1.0, 0.01)
    assert tune.best(bench, tune.largest_stable(bench, RESOLUTION), RESOLUTION).step == pytest.approx(0.01, rel=1.5 * RESOLUTION)


def test_a_run_that_rises_again_is_not_stable():
    assert Trial(1.0, {"cost_of_iterations": [1.0, 0.5, 0.52]}).stable
    assert not Trial(1.0, {"cost_of_iterations": [1.0, 0.5, 0.53]}).stable
    assert not Trial(1.0).stable


def curve(*errors):
    """A stable trial's row with these errors after each iteration."""
    return {
        "cost_of_iterations": [1.0] * len(errors),
        "cost": 1.0,
        "relative_rmse_of_iterations": list(errors),
        "relative_rmse_after": list(range(1, len(errors) + 1)),
    }


def test_a_default_is_held_against_the_step_that_reaches_its_best_first():
    bench = Bench(1.0, 1.0, 1.0)
    bench.default = Trial(1.0, curve(0.5, 0.4, 0.3, 0.31))  # rises again, as with noise
    longer, best = Trial(2.0, curve(0.4, 0.29, 0.35, 0.5)), Trial(0.5, curve(0.6, 0.5, 0.4, 0.2))
    bench.trials = {trial.step: trial for trial in (bench.default, longer, best)}
    assert tune.fastest(bench) is longer
    assert min(bench.trials.values(), key=lambda trial: trial.measure) is best
    row = {"step_is_stable": True, "iterations_to_best": 3, "iterations_to_best_of_fastest_step": 2}
    assert tune.sound(row, 1.5) and not tune.sound(row, 1.4)
    assert not tune.sound(row | {"step_is_stable": False}, 1.5)
    assert not tune.sound({"error": "diverges"}, 1.5)


def test_nothing_stable_is_said():
    with pytest.raises(RunError, match="no step down to"):
        tune.largest_stable(Bench(1.0, 1e-9, 1e-9), RESOLUTION)


def test_a_solver_is_tuned(harness, tiny_case, tiny_dataset, tmp_path):
    words = ["tune", tiny_case, "--dataset", tiny_dataset, "--methods", "serial", "--ranks", "1", "--resolution", "0.5", "-o", tmp_path]
    result = harness(*words)
    assert result.code == 0, result.err
    (row,) = json.loads((tmp_path / "report.json").read_text())["benchmarks"]
    assert row["step_is_stable"] and row["case_hash"]
    assert row["step_largest_stable"] > row["step"] and row["step_best"] <= row["step_largest_stable"]
    assert row["relative_rmse_lowest_of_best_step"] <= row["relative_rmse_lowest"]
    assert row["iterations_to_best_of_fastest_step"] <= row["iterations_to_best"] <= row["iterations"]
    assert "largest stable" in result.out and "serial" in result.out


def test_a_run_whose_last_line_was_lost_says_by_its_report_that_the_cost_did_not_fall(tiny_dataset, tmp_path, monkeypatch):
    written = tmp_path / "written.json"
    program.ask("reconstruct", tiny_dataset, "-o", tmp_path / "x.h5", "--method", "serial", "--iterations", 2, "--json", written)
    report = json.loads(written.read_text())
    report["benchmarks"][0]["verified"] = False

    def launch(arguments, log, **_):
        Path(log).write_text("a table\n")
        Path(arguments[arguments.index("--json") + 1]).write_text(json.dumps(report))
        return 1

    monkeypatch.setattr(program, "launch", launch)
    point = measure.Point("tune", "serial", 1, 2, (str(tiny_dataset),))
    with pytest.raises(RunError, match="the cost did not fall"):
        measure.run(point, measure.Protocol(tmp_path, "mpirun -n {ranks}"), "trial")


def test_what_cannot_be_is_a_row_with_its_reason(harness, tiny_case, tiny_dataset):
    result = harness("tune", tiny_case, "--dataset", tiny_dataset, "--methods", "hve", "--meshes", "6x6")
    assert result.code == 1 and "core" in result.out, result.out
