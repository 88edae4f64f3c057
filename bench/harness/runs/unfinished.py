"""Runs that were stopped or killed: whose checkpoint lies beside an output, and going on from it."""

import json
import shutil
from pathlib import Path

from harness.base.errors import EXIT_OK


def note_of(output: Path) -> Path:
    """Where the run that was begun is noted."""
    return output.with_name(f"{output.name}.begun")


def checkpoints_of(output: Path) -> list[Path]:
    """What the program has left of them."""
    folder = output.with_name(f"{output.name}.checkpoint")
    return [folder / slot for slot in ("a", "b") if (folder / slot).is_dir()]


def note_text(run: list) -> str:
    return json.dumps([str(word) for word in run])


def is_noted(output: Path, run: list) -> bool:
    return note_of(output).is_file() and note_of(output).read_text() == note_text(run)


def begin(output: Path, run: list) -> list[str]:
    """Notes that the run, described by `run`, begins. Gives the option with which it goes on from its own checkpoint, if there may be
    one; another run's is removed."""
    if not is_noted(output, run):
        forget(output)
        note_of(output).write_text(note_text(run))
    return ["--resume"] if checkpoints_of(output) else []


def end(output: Path, code: int) -> None:
    """What becomes of the note and the checkpoint when the run has ended: one that failed may go on from its last checkpoint."""
    if code == EXIT_OK or not checkpoints_of(output):
        forget(output)


def forget_ended(output: Path, run: list) -> None:
    """Removes the note of a run whose report is there: a kill of the harness just after it has left that. Another run's stays."""
    if is_noted(output, run):
        forget(output)


def forget(output: Path) -> None:
    """Removes the note and the checkpoint of a run that is not wanted any more, and nothing that others put beside it."""
    note_of(output).unlink(missing_ok=True)
    for slot in checkpoints_of(output):
        shutil.rmtree(slot)
        if not any(slot.parent.iterdir()):
            slot.parent.rmdir()
