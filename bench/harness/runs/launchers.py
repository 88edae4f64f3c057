"""Launcher templates, such as "srun -N {nodes} -n {ranks} -c {threads}": the words that start a number of ranks."""

import math
import os
import re
import shlex
from pathlib import Path

from harness.base.errors import InputError
from harness.runs.allocation import Allocation, allocation, number_in

DEFAULT = "mpirun -n {ranks}"
BLANKS = ("ranks", "ranks_per_node", "nodes", "threads", "gpus")
PER_NODE = "PTYCHOSCALE_RANKS_PER_NODE"
ELSEWHERE = ("aprun", "flux", "jsrun", "srun")  # what starts ranks on other hosts than its own
FIRST_SPECIAL_STEP = 0xFFFFFFF0  # from here on Slurm numbers what is no task: batch scripts, interactive shells


def words(template: str, ranks: int, threads: int | None = None, gpus: int = 0, threads_here: int = 1) -> list[str]:
    """The words of a template, its blanks filled in; a shell's quotes keep words together. `threads` and `gpus` are those of a rank;
    without `threads` it is the job's cores that they share, outside of a job `threads_here`, the cores of this machine.

    Throws InputError for a template that says something else, and for what neither the job nor the user says."""
    parts = split(template)
    used = {name for part in parts for name in blanks_in(template, part)}
    if "ranks" not in used:
        raise InputError(
            f"--launcher: '{template}' does not say where the number of ranks goes; valid: for example "
            "'mpirun -n {ranks}' or 'srun --mpi=pmix -n {ranks}'"
        )
    values = {"ranks": ranks, "gpus": gpus}
    if used & {"nodes", "ranks_per_node", "threads"}:
        values |= layout(template, used, ranks, threads, threads_here)
    return [re.sub(r"\{(\w+)\}", lambda blank: str(values[blank[1]]), part) for part in parts]


def split(template: str) -> list[str]:
    try:
        return shlex.split(template)
    except ValueError as error:
        raise InputError(f"--launcher: '{template}': {str(error).lower()}; valid: words as in a shell") from None


def blanks_in(template: str, part: str) -> list[str]:
    """Names of a word's blanks. Throws InputError for any other brace."""
    names = re.findall(r"\{(\w+)\}", part)
    rest = re.sub(r"\{(\w+)\}", "", part)
    wrong = [name for name in names if name not in BLANKS]
    if wrong or "{" in rest or "}" in rest:
        known = ", ".join(f"{{{name}}}" for name in BLANKS)
        raise InputError(f"--launcher: '{template}': {'{' + wrong[0] + '}' if wrong else f'the brace in {part}'} is unknown; valid: {known}")
    return names


def layout(template: str, used: set[str], ranks: int, threads: int | None, threads_here: int) -> dict[str, int]:
    """Nodes, ranks on each and threads of a rank."""
    job = allocation()
    per_node = said_per_node() or (job and job.ranks_per_node)
    unknown = (threads is None and "threads" in used) or (per_node is None and bool(used & {"nodes", "ranks_per_node"}))
    if job is None and unknown and Path(split(template)[0]).name in ELSEWHERE:
        raise InputError(
            f"--launcher: '{template}' is for other machines, and there is no job that says what they have; valid: inside a job of "
            f"Slurm or LSF, or with --threads, and {PER_NODE} for {{nodes}} and {{ranks_per_node}}"
        )
    per_node = min(ranks, per_node or math.ceil(ranks / (len(job.cores) if job else 1)))
    nodes = math.ceil(ranks / per_node)
    if job and nodes > len(job.cores):
        raise InputError(f"--ranks: {ranks} at {per_node} per node need {nodes} nodes, and {job.job} has {len(job.cores)}")
    return {"ranks_per_node": per_node, "nodes": nodes, "threads": threads or share(job, per_node, threads_here)}


def said_per_node() -> int | None:
    try:
        return number_in(PER_NODE)
    except ValueError as error:
        raise InputError(str(error)) from None


def share(job: Allocation | None, per_node: int, threads_here: int) -> int:
    """Threads of each of a node's ranks."""
    if job and job.cores_per_rank:
        return job.cores_per_rank
    return max(1, (min(job.cores) if job else threads_here) // per_node)


def warning(template: str) -> str | None:
    """What a user should know of a launcher before it is used: srun inside one of its own tasks waits for the cores that this has."""
    step = os.environ.get("SLURM_STEP_ID", "")
    inside = step.isdigit() and int(step) < FIRST_SPECIAL_STEP
    parts = split(template)
    if not inside or Path(parts[0]).name != "srun" or any(part.startswith("--overlap") for part in parts):
        return None
    return (
        f"this is step {step} of a Slurm job, and '{template}' makes more of them, which may wait for this one's cores for ever; "
        "valid: sbatch, or srun --overlap in --launcher"
    )
