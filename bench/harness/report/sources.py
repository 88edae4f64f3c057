"""Finds and reads everything under a folder that a page is made of."""

import dataclasses
import hashlib
import os
import urllib.parse
from pathlib import Path

from harness.base import documents
from harness.base.errors import InputError
from harness.report import reconstructions


@dataclasses.dataclass(frozen=True)
class Document:
    """One report, or what a benchmark of kernels has left, by its path below the folder."""

    path: str
    content: bytes
    report: dict

    @property
    def context(self) -> dict:
        return self.report["context"]

    @property
    def rows(self) -> list[dict]:
        return self.report["benchmarks"]

    @property
    def copy(self) -> str:
        """Where the page keeps its copy, relative to the page."""
        return f"data/{self.path}"

    @property
    def url(self) -> str:
        return urllib.parse.quote(self.copy)


@dataclasses.dataclass(frozen=True)
class Sources:
    """What a folder holds; paths are below it, in order."""

    folder: Path
    reports: list[Document]
    positions: list[Document]  # of position_benchmark
    reconstructions: list[tuple[str, str]]  # path, hash of its dataset
    datasets: dict[str, str]  # hash: path
    skipped: list[tuple[str, str]]  # path, why


KERNELS = "a kernel benchmark"


def why_no_report(value: object) -> str | None:
    """Why a JSON file is none of the reports a page shows; None for one that claims to be a report."""
    if not isinstance(value, dict) or not {"context", "benchmarks"} <= value.keys():
        return "JSON, but no report"
    context = value["context"]
    if isinstance(context, dict) and "executable" in context and "schema_version" not in context:
        return KERNELS
    rows = value["benchmarks"]
    if isinstance(rows, list) and rows and all(isinstance(row, dict) and "verb" in row for row in rows):
        return "kernel rates, from which plans are made"
    return None


def is_of_positions(value: object) -> bool:
    """Whether position_benchmark has written it, which is a kernel benchmark with counters of its own."""
    if why_no_report(value) != KERNELS or not isinstance(value["benchmarks"], list):
        return False
    rows = [row for row in value["benchmarks"] if isinstance(row, dict)]
    return any(all(isinstance(row.get(key), float) for key in ("copy_GB_per_s", "R")) for row in rows)


def find_files(folder: Path, left_out: Path, suffix: str) -> list[Path]:
    """All files of a suffix, in order, but those of the page that is to be replaced."""
    try:
        found = sorted(path for path in folder.rglob(f"*{suffix}") if path.is_file())
    except OSError as error:
        raise InputError(f"{folder}: cannot be read ({error.strerror}); valid: a folder with reports") from None
    return [path for path in found if not path.resolve().is_relative_to(left_out.resolve())]


@dataclasses.dataclass
class Found:
    """What JSON files hold."""

    reports: list[Document] = dataclasses.field(default_factory=list)
    positions: list[Document] = dataclasses.field(default_factory=list)
    skipped: list[tuple[str, str]] = dataclasses.field(default_factory=list)  # path, why


def read_documents(folder: Path, files: list[Path]) -> Found:
    """The reports and benchmarks of positions among JSON files, and why others are left out. Throws InputError for a damaged one:
    a page that silently lacks a file is worse than none."""
    found, seen = Found(), {}
    for file in files:
        path = file.relative_to(folder).as_posix()
        value = documents.read_json(file)
        content = file.read_bytes()
        digest = hashlib.sha256(content).digest()
        positions = is_of_positions(value)
        why = None if positions else why_no_report(value)
        if why is None and digest in seen:
            why = f"a copy of {seen[digest]}"
        if why is not None:
            found.skipped.append((path, why))
            continue
        seen[digest] = path
        if positions:
            found.positions.append(Document(path, content, value))
        else:
            found.reports.append(Document(path, content, documents.read_report(file)))
    return found


def common_folder(folders: list[Path]) -> Path:
    """What all folders lie in; one by itself."""
    return folders[0] if len(folders) == 1 else Path(os.path.commonpath([folder.resolve() for folder in folders]))


def files_in(folders: list[Path], output: Path, suffix: str) -> list[Path]:
    """All files of a suffix below some folders, each once."""
    found = [file for folder in folders for file in find_files(folder if len(folders) == 1 else folder.resolve(), output, suffix)]
    return list(dict.fromkeys(found))


def read_sources(folders: list[Path], output: Path) -> Sources:
    """Everything under some folders, but not what lies in `output`. Throws InputError when one is missing or there is no report."""
    for folder in folders:
        if not folder.is_dir():
            raise InputError(f"{folder}: no such folder; valid: a folder with reports")
    folder = common_folder(folders)
    found = read_documents(folder, files_in(folders, output, ".json"))
    reports, skipped = found.reports, found.skipped
    if not reports:
        others = f" ({len(skipped)} other JSON file{'s' * (len(skipped) != 1)})" if skipped else ""
        raise InputError(f"{folder}: holds no report{others}; valid: JSON files by ptychoscale bench, sweep, reproduce, ...")
    results, datasets = [], {}
    for file in files_in(folders, output, ".h5"):
        path = file.relative_to(folder).as_posix()
        kind, dataset_hash = reconstructions.kind_of(file)
        if kind == "reconstruction":
            results.append((path, dataset_hash))
        elif kind == "dataset":
            datasets.setdefault(dataset_hash, path)
        else:
            skipped.append((path, "HDF5, but neither dataset nor reconstruction"))
    return Sources(folder, reports, found.positions, results, datasets, skipped)
