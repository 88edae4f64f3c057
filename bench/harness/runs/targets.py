"""What a run took to come as near to the truth as its case asks for: what methods are ranked by."""

import statistics

RMSE, COST = "relative_rmse", "cost"


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


def add(row: dict, targets: dict[str, float]) -> None:
    """Adds to a run's row what it took to its case's target: of the error where it has one, else of the cost."""
    known = curves(row)
    by = next((quality for quality in (RMSE, COST) if quality in targets and quality in known), None)
    if by is None or "error" in row:
        return
    row["target_of"], row["target"] = by, targets[by]
    n = reached(*known[by], targets[by])
    row["iterations_to_target"] = n
    if n is None:
        values = [value for value in known[by][0] if value is not None]
        row["target_missed"] = f"{by} {targets[by]:.4g} was not reached; the best was {min(values):.4g}" if values else "no value"
        return
    row["bytes_to_target"] = row["bytes_sent"] * n / row["iterations"]
    if "seconds_of_iterations" in row:
        row["seconds_to_target"] = median_run(row, n)
        row["rank_seconds_to_target"] = row["seconds_to_target"] * row["ranks"]


def median_run(row: dict, iterations: int) -> float:
    """Seconds of the first so many iterations, the middle of all repeated runs."""
    runs = row.get("seconds_of_iterations_of_repetitions") or [row["seconds_of_iterations"]]
    return statistics.median(sum(run[:iterations]) for run in runs)
