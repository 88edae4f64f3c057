"""Where figures come from, in words."""

import dataclasses

from harness.report.runs import Run
from harness.report.sources import Document
from harness.report.tables import NONE

# What many reports have in common, shown once for them together.
SHARED = [
    ("Simulated machine", "machine"),
    ("Host", "host_name"),
    ("Processor", "cpu"),
    ("GPU", "gpu"),
    ("Commit", "source_commit"),
    ("Version", "version"),
    ("Compiler", "compiler"),
    ("Flags", "flags"),
    ("Build", "library_build_type"),
    ("MPI", "mpi"),
    ("HDF5", "hdf5"),
    ("CUDA", "cuda"),
]
OWN = [
    ("Evidence", "evidence"),
    ("Date", "date"),
    ("Backend and FFT", "backend"),
    ("Launcher", "launcher"),
    ("Job", "job"),
    ("Dataset", "dataset"),
    ("UUID", "uuid"),
    ("Command", "argv"),
]


@dataclasses.dataclass(frozen=True)
class Field:
    """One thing that a report says of where it comes from."""

    title: str
    text: str
    link: str
    path: str


@dataclasses.dataclass(frozen=True)
class Origin:
    """One report: its own fields, and the row of another report that it is a part of."""

    document: Document
    fields: list[Field]
    part: tuple[Run, str] | None  # whole, role


@dataclasses.dataclass(frozen=True)
class Build:
    """One program on one machine, and the reports by it."""

    fields: list[Field]
    origins: list[Origin]


def commit_words(context: dict) -> str:
    """Short commit, and whether the sources differed from it."""
    commit = context.get("source_commit") or "unknown"
    return commit[:12] + (" with changes" if context.get("source_dirty") else "")


def field_words(context: dict, key: str) -> str:
    """A field of the context as one line."""
    value = context[key]
    if key == "source_commit":
        return commit_words(context)
    if key == "cpu" and "num_cpus" in context:
        return f"{value}, {context['num_cpus']} CPUs"
    if isinstance(value, dict):
        return ", ".join(f"{name} {each}" for name, each in value.items() if not isinstance(each, dict))
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)


def field_of(document: Document, title: str, key: str) -> Field:
    """A field of a report; NONE where it says nothing."""
    if document.context.get(key) in (None, "", [], {}):
        return Field(title, NONE, "", "")
    return Field(title, field_words(document.context, key), f"{document.url}#/context/{key}", f"context.{key}")


def builds_of(documents: list[Document], parts: list[tuple[Run, Run, str]]) -> list[Build]:
    """All reports, by the programs that made them."""
    wholes = {part.document.path: (whole, role) for part, whole, role in parts}
    groups: dict[tuple, list[Document]] = {}
    for document in documents:
        key = tuple(field_of(document, title, name).text for title, name in SHARED)
        groups.setdefault(key, []).append(document)
    return [
        Build(
            [field for field in (field_of(group[0], *each) for each in SHARED) if field.link],
            [Origin(each, [field_of(each, *own) for own in OWN], wholes.get(each.path)) for each in group],
        )
        for group in groups.values()
    ]


def setting_title(run: Run) -> str:
    """What the runs of one setting share."""
    machine = run.about("machine") or run.about("host_name")
    if machine == run.about("host_name") and run.about("cpu"):
        machine += f" ({run.about('cpu')}, {run.about('num_cpus') or '?'} CPUs)"
    commit = commit_words({key: run.about(key) for key in ("source_commit", "source_dirty")})
    return f"{run.evidence}{f' on {machine}' if machine else ''}, commit {commit}"
