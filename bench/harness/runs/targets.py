"""What a run took to come as near to the truth as its case asks for: what methods are ranked by."""

import statistics
from collections.abc import Callable

RMSE, COST = "relative_rmse", "cost"
# Of the empty volume's cost, what a case without a target of its own allows beside noise. Near the truth the cost goes as the square of the
# volume's error, and the empty volume's error is all of it: 1/400 stands for 5 %, as the default target of the error does.
MODEL_SHARE = 1 / 400


def reached(curve: list, finished: list[int], target: float) -> int | None:
    """Iterations that were finished when a curve first had the target; None when it never had."""
    return next((n for n, value in zip(finished, curve, strict=True) if value is not None and value <= target), None)


def curves(row: dict) -> dict[str, tuple[list, list[int]]]:
    """By what a target may be of: a run's values, and after how many iterations each was."""
    found = {}
    if "relative_rmse_of_iterations" in row:
        found[RMSE] = (row["relative_rmse_of_iterations"], row["relative_rmse_after"])
    costs = row.get("cost_of_iterations", [])
    found[COST] = (costs, [i + 1 for i in range(len(costs))])
    return found


def default_cost(row: dict, noise: float) -> tuple[float, str] | None:
    """What the cost is to come down to where no case says, and by which rule: what counting noise alone leaves of a perfect volume, and
    what an error of 5 % leaves of a perfect measurement. To four digits, which all methods have in common. None for a run without costs."""
    empty = row.get("cost_of_empty_volume", 0)
    if not row.get("cost_of_iterations") or not empty > noise:
        return None
    rule = f"counting noise alone leaves {noise:.4g}, and 1/400 of the empty volume's" if noise else "1/400 of the empty volume's, as no dose is known"
    return float(f"{noise + MODEL_SHARE * (empty - noise):.4g}"), rule


def chosen(row: dict, targets: dict[str, float], noise: Callable[[], float]) -> tuple[str, float, str] | None:
    """Which quality of a run has a target, the target, and its rule where it is neither the case's nor of the error."""
    known = curves(row)
    for quality in (RMSE, COST):
        if quality in targets and quality in known:
            return quality, targets[quality], ""
    found = default_cost(row, noise())
    return (COST, *found) if found else None


def add(row: dict, targets: dict[str, float], noise: Callable[[], float]) -> None:
    """Adds to a run's row what it took to its case's target: of the error where it has one, else of the cost. `noise` tells the cost that
    counting noise leaves; it is asked only when it is needed, as all patterns are read for it."""
    choice = None if "error" in row else chosen(row, targets, noise)
    if choice is None:
        return
    by, target, rule = choice
    values, finished = curves(row)[by]
    row["target_of"], row["target"] = by, target
    if rule:
        row["target_rule"] = rule
    n = reached(values, finished, target)
    row["iterations_to_target"] = n
    if n is None:
        seen = [value for value in values if value is not None]
        row["target_missed"] = f"{by} {target:.4g} was not reached; the best was {min(seen):.4g}" if seen else "no value"
        return
    row["bytes_to_target"] = row["bytes_sent"] * n / row["iterations"]
    if "seconds_of_iterations" in row:
        row["seconds_to_target"] = median_run(row, n)
        row["rank_seconds_to_target"] = row["seconds_to_target"] * row["ranks"]


def median_run(row: dict, iterations: int) -> float:
    """Seconds of the first so many iterations, the middle of all repeated runs."""
    runs = row.get("seconds_of_iterations_of_repetitions") or [row["seconds_of_iterations"]]
    return statistics.median(sum(run[:iterations]) for run in runs)
