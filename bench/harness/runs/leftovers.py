"""What an earlier bench left in its folder, which would pass for runs of the next one."""

import os
import re
from pathlib import Path

from harness.base import documents
from harness.base.errors import InputError
from harness.runs import program, unfinished
from harness.runs.options import SOLVERS

LABELS = [word for solver in SOLVERS for word in (solver.label, f"control-{solver.label}")]
REPORT_TAG = re.compile(r"\d+|memory")  # of measure.run(), as bench calls it


def files_of(label: str, folder: Path) -> list[Path]:
    """Log, reports and volume of the runs called `label`. Without a log no bench has made them: they are the user's."""
    log = folder / f"{label}.log"
    if not log.is_file():
        return []
    reports = [file for file in folder.glob(f"{label}-*.json") if REPORT_TAG.fullmatch(file.stem.removeprefix(f"{label}-"))]
    return [file for file in (*reports, folder / f"{label}.h5", log) if file.is_file()]


def cases_in(files: list[Path]) -> set[str]:
    """The cases that the reports among the files are about."""
    found = set()
    for file in files:
        try:
            found.add(str(documents.read_json(file)["context"]["dataset"]["case"]))
        except (InputError, KeyError, TypeError):
            continue
    return found


def remove(folder: Path, case: str, dataset: Path | None) -> None:
    """Removes an earlier bench's report and runs from the folder, never a dataset nor what others put there; says so when they are
    another case's."""
    files = [file for label in LABELS for file in files_of(label, folder)]
    files = [file for file in files if dataset is None or not file.samefile(dataset)]
    report = folder / "report.json"
    others = cases_in([report, *(file for file in files if file.suffix == ".json")]) - {case}
    # It would describe what the runs overwrite.
    for file in (report, *files):
        Path(os.path.realpath(file)).unlink(missing_ok=True)  # a link stays, and what comes next is written where it leads
        if file.suffix == ".log":
            unfinished.forget(file.with_suffix(".h5"))
    if others:
        program.say(f"{folder}: replaces the results of case {', '.join(sorted(others))}")
