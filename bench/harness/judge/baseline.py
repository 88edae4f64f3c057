"""Baselines: reports that hold what an accepted tree gave, several cases in one file."""

from pathlib import Path

from harness.base import documents
from harness.base.errors import InputError
from harness.judge.matching import Run, runs_of

# What only one run of the gate can say; the rows keep their own.
OCCASION = ("uuid", "date", "argv")


def case_of(run: Run) -> str:
    return run.identity["case"]


def of_case(runs: list[Run], case: str) -> list[Run]:
    return [run for run in runs if case_of(run) == case]


def cases_of(runs: list[Run]) -> list[str]:
    """Names of the cases, each once, in order."""
    return list(dict.fromkeys(case_of(run) for run in runs))


def listed(runs: list[Run]) -> str:
    return ", ".join(cases_of(runs)) or "none"


def accept(file: Path, new: dict, argv: list[str]) -> None:
    """Writes a baseline in which the rows of `new` take the place of all rows of their cases; other cases stay."""
    replaced = cases_of(runs_of(new))
    old = documents.read_report(file) if file.exists() else {"context": {}, "benchmarks": []}
    kept = [run.row for run in runs_of(old) if case_of(run) not in replaced]
    evidence = {report["context"]["evidence"] for report, rows in ((old, kept), (new, new["benchmarks"])) if rows}
    if len(evidence) > 1:
        raise InputError(f"{file}: holds figures that are {old['context']['evidence']}, the new ones are {new['context']['evidence']}")
    # sources[i] is where rows[i] comes from: merge() leaves in the context what is true of all.
    rows = [*kept, *new["benchmarks"]]
    sources = [of_run(old)] * len(kept) + [of_run(new)] * len(new["benchmarks"])
    documents.write_report(file, documents.merge(sources, rows, argv, *evidence))


def of_run(report: dict) -> dict:
    return {"context": {key: value for key, value in report["context"].items() if key not in OCCASION}}
