"""The dataset of a case: found, or simulated."""

import dataclasses
import functools
import math
from pathlib import Path

from harness.base import documents, identity
from harness.base.errors import InputError
from harness.runs import program


@dataclasses.dataclass(frozen=True)
class Subject:
    """What is reconstructed."""

    dataset: Path
    truth: bool  # whether the dataset has it
    hash: str  # of its content
    case: dict  # header, iterations, cost_fall and targets, as `ptychoscale info CASE --json` says
    header: dict  # the dataset's own

    @property
    def as_in_case(self) -> bool:
        """Whether the dataset is what the case describes."""
        return self.header == self.case["header"]

    @property
    def patterns(self) -> int:
        return math.prod(self.header["scan"])

    @property
    def ideal(self) -> bool:
        """Whether the patterns are without noise, and a solver is told the truth about the experiment."""
        return self.header["dose_e_per_A2"] == 0 and "conditions" not in self.header.get("specimen", {})

    @functools.cached_property
    def cost_of_noise(self) -> float:
        """The cost that counting noise alone leaves; 0 where no dose is known. Reads all patterns, once."""
        return program.ask_json("info", self.dataset, "--counting-noise", "--json")["cost_of_counting_noise"] or 0.0

    @property
    def case_hash(self) -> str:
        return identity.fingerprint(self.header)

    @property
    def departure(self) -> str:
        """What of the dataset is not as in the case; empty when nothing is."""
        return identity.differences(self.case["header"], self.header)


def read_case(name: str) -> dict:
    """What a case says. Throws InputError for anything else."""
    case = program.ask_json("info", name, "--json")
    if "iterations" not in case:
        raise InputError(f"{name}: is no case; valid: a case of bench/cases, or the path of a case file ending in .json")
    return case


def already_simulated(file: Path, case: dict) -> bool:
    """Whether the file is this case's dataset; False for another case's, which is replaced. Throws InputError for a file that cannot be
    read: it may be open in another program, on a disk that is away, or somebody's work."""
    if not file.exists():
        return False
    kept = "only another case's dataset is replaced: move this file away, or choose another folder"
    try:
        found = program.ask_json("info", file, "--json")
    except InputError as error:
        raise InputError(f"{error}; {kept}") from None
    if "header" not in found:
        raise InputError(f"{file}: is no dataset; {kept}")
    return found["header"] == case["header"]


def simulate(name: str, file: Path, ranks: int, launcher: str, threads: int | None, time_limit: float | None) -> None:
    """Makes a case's dataset on some ranks. Throws InputError or RunError with the simulation's reason."""
    program.say(f"simulating {file}")
    log = file.parent / "simulate.log"
    arguments = ["simulate", name, "-o", file, *program.thread_words(threads)]
    code = program.launch(arguments, log, ranks=ranks, launcher=launcher, time_limit=time_limit)
    if code != 0:
        program.fail(program.reason(log, code, launcher), code)


def describe(name: str, case: dict, dataset: Path, check_content: bool = True) -> Subject:
    """A case with the dataset that stands for it. Throws InputError when the file is none, or another case's, or, which takes one read
    of it, does not hold what was written. Only of a dataset made just now, or of which no figure comes, need that not be checked."""
    found = program.ask_json("info", dataset, "--json", *(["--check-content"] if check_content else []))
    if "header" not in found:
        raise InputError(f"{dataset}: is no dataset; valid: one that `ptychoscale simulate {name}` wrote")
    theirs, ours = found["header"]["case"], case["header"]["case"]
    if theirs not in ("", ours):
        raise InputError(f"{dataset}: is of case {theirs}, not {ours}; valid: one that `ptychoscale simulate {name}` wrote")
    return Subject(dataset, found["truth"], found["hash"], case, found["header"])


def name_data(row: dict, subject: Subject) -> None:
    """Lets a row say what it ran on, whatever its name says."""
    row["case_hash"] = subject.case_hash
    if subject.departure:
        documents.remark(row, f"its dataset is not as the case {subject.case['header']['case']} says: {subject.departure}")


def obtain(
    name: str, case: dict, folder: Path, ranks: int, launcher: str, threads: int | None = None, time_limit: float | None = None
) -> Subject:
    """A case with its dataset in `folder`, simulated unless it is there."""
    file = folder / f"{case['header']['case']}.h5"
    there = already_simulated(file, case)
    if not there:
        simulate(name, file, ranks, launcher, threads, time_limit)
    return describe(name, case, file, check_content=there)
