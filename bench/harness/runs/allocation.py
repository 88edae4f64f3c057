"""What a batch system gave this job: nodes, and cores on each."""

import dataclasses
import os
import re

from harness.base.errors import InputError


@dataclasses.dataclass(frozen=True)
class Allocation:
    """The job that this process is part of."""

    job: str  # "Slurm job 77", for messages
    cores: tuple[int, ...]  # of each node
    cores_per_rank: int | None = None  # that the job was asked to give
    ranks_per_node: int | None = None  # likewise


def allocation() -> Allocation | None:
    """That of Slurm or LSF, as the environment says; None outside of a job. Throws InputError for what no such system says."""
    try:
        return slurm() or lsf()
    except ValueError as error:
        raise InputError(f"the environment of this job: {error}") from None


def number_in(variable: str) -> int | None:
    """What a variable says; None when it is not set."""
    text = os.environ.get(variable, "")
    if text and not re.fullmatch(r"[1-9]\d*", text):
        raise ValueError(f"{variable}={text} is no number of 1 or more")
    return int(text) if text else None


def slurm() -> Allocation | None:
    job, cores = os.environ.get("SLURM_JOB_ID"), os.environ.get("SLURM_JOB_CPUS_PER_NODE")
    if not job or not cores:
        return None
    return Allocation(f"Slurm job {job}", expanded(cores), number_in("SLURM_CPUS_PER_TASK"), number_in("SLURM_NTASKS_PER_NODE"))


def expanded(text: str) -> tuple[int, ...]:
    """Cores of each node of Slurm's "72(x2),36"."""
    cores: list[int] = []
    for part in text.split(","):
        form = re.fullmatch(r"(\d+)(?:\(x(\d+)\))?", part)
        if not form:
            raise ValueError(f"SLURM_JOB_CPUS_PER_NODE={text} is no list such as 72(x2),36")
        cores += [int(form[1])] * int(form[2] or 1)
    return tuple(cores)


def lsf() -> Allocation | None:
    """LSF names each host with its slots. The first may be one that only starts the others: with a slot where they have many."""
    job, words = os.environ.get("LSB_JOBID"), os.environ.get("LSB_MCPU_HOSTS", "").split()
    if not job or not words:
        return None
    if len(words) % 2 or not all(word.isdigit() for word in words[1::2]):
        raise ValueError(f"LSB_MCPU_HOSTS={' '.join(words)} is no list of hosts and numbers")
    cores = tuple(int(word) for word in words[1::2])
    starts_others = len(cores) > 1 and cores[0] == 1 and min(cores[1:]) > 1
    return Allocation(f"LSF job {job}", cores[1:] if starts_others else cores)
