"""Which reports are only parts of another one: the single runs that `bench` or `sweep` have put together."""

from pathlib import PurePosixPath

from harness.report.runs import Run


def part_of(run: Run, others: list[Run]) -> tuple[Run, str] | None:
    """The row that this run is a part of, and its part; None for a run that stands for itself.

    Decided by what is inside: a renamed or copied file is still the same run."""
    if len(run.document.rows) != 1:
        return None
    half_of = next((other for other in others if run.document.context.get("uuid") in other.row.get("halves_run_uuids", [])), None)
    if half_of is not None:
        return half_of, "half of the positions"
    wholes = [
        other
        for other in others
        if other.document is not run.document
        and not other.row.get("error_occurred")
        and other.dataset.get("hash") == run.dataset.get("hash")
    ]
    for role, applies in ROLES:
        for whole in wholes:
            if applies(run, whole):
                return whole, role
    return None


def is_source(part: Run, whole: Run) -> bool:
    return "uuid" in part.document.context and whole.row.get("run_uuid") == part.document.context["uuid"]


def is_timed_run(part: Run, whole: Run) -> bool:
    samples = whole.row.get("seconds_of_iterations_of_repetitions", [])
    return part.row["name"] == whole.row["name"] and part.row.get("seconds_of_iterations") in samples


def is_memory_run(part: Run, whole: Run) -> bool:
    if part.row["name"] != whole.row["name"] or part.row.get("iterations") != whole.row.get("memory_run_iterations"):
        return False
    return all(part.row.get(key) == value for key, value in whole.row.items() if key.startswith("memory_") and "_bytes_" in key)


def is_control(part: Run, whole: Run) -> bool:
    """Serial runs of the same steps can have other purposes, too, so that this one must also lie beside the whole."""
    same_folder = PurePosixPath(part.document.path).parent == PurePosixPath(whole.document.path).parent
    same_steps = all(part.row.get(key) == whole.row.get(key) for key in ("step", "iterations"))
    return same_folder and same_steps and part.method == whole.row.get("seam_control")


# The surest first: a run has one role only.
ROLES = [("source", is_source), ("timed run", is_timed_run), ("memory run", is_memory_run), ("control for seams", is_control)]


def without_parts(runs: list[Run]) -> tuple[list[Run], list[tuple[Run, Run, str]]]:
    """The runs that stand for themselves, and the others as (part, whole, role)."""
    wholes, parts = [], []
    for run in runs:
        found = part_of(run, runs)
        if found is None:
            wholes.append(run)
        else:
            parts.append((run, *found))
    return wholes, parts
