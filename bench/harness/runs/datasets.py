"""The dataset of a case: found, or simulated."""

import dataclasses
import hashlib
import json
from pathlib import Path

from harness.base.errors import InputError
from harness.runs import program


@dataclasses.dataclass(frozen=True)
class Subject:
    """What is reconstructed."""

    dataset: Path
    truth: bool  # whether the dataset has it
    hash: str  # of its content
    case: dict  # header, iterations and cost_fall, as `ptychoscale info CASE --json` says
    as_in_case: bool  # whether the dataset is what the case describes


def read_case(name: str) -> dict:
    """What a case says. Throws InputError for anything else."""
    case = program.ask_json("info", name, "--json")
    if "iterations" not in case:
        raise InputError(f"{name}: is no case; valid: a case of bench/cases, or the path of a case file ending in .json")
    return case


def fingerprint(case: dict) -> str:
    """The same for two cases that describe the same dataset. Its patterns may still differ in their last bits between machines."""
    return hashlib.sha256(json.dumps(case["header"], sort_keys=True).encode()).hexdigest()[:16]


def already_simulated(file: Path, case: dict) -> bool:
    """Whether the file is this case's dataset, whole."""
    try:
        return file.exists() and program.ask_json("info", file, "--json").get("header") == case["header"]
    except InputError:
        return False


def simulate(name: str, file: Path, ranks: int, launcher: str) -> None:
    """Makes a case's dataset on some ranks. Throws InputError or RunError with the simulation's reason."""
    program.say(f"simulating {file}")
    log = file.parent / "simulate.log"
    arguments = ["simulate", name, "-o", file, "--threads", program.default_threads(ranks)]
    code = program.launch(arguments, log, ranks=ranks, launcher=launcher)
    if code != 0:
        program.fail(program.reason(log, code, launcher), code)


def describe(name: str, case: dict, dataset: Path) -> Subject:
    """A case with the dataset that stands for it. Throws InputError when the file is none, or another case's."""
    found = program.ask_json("info", dataset, "--json")
    if "header" not in found:
        raise InputError(f"{dataset}: is no dataset; valid: one that `ptychoscale simulate {name}` wrote")
    theirs, ours = found["header"]["case"], case["header"]["case"]
    if theirs not in ("", ours):
        raise InputError(f"{dataset}: is of case {theirs}, not {ours}; valid: one that `ptychoscale simulate {name}` wrote")
    return Subject(dataset, found["truth"], found["hash"], case, found["header"] == case["header"])


def obtain(name: str, case: dict, folder: Path, ranks: int, launcher: str) -> Subject:
    """A case with its dataset in `folder`, simulated unless it is there."""
    file = folder / f"{case['header']['case']}.h5"
    if not already_simulated(file, case):
        simulate(name, file, ranks, launcher)
    return describe(name, case, file)
