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


def begin(output: Path, run: list) -> list[str]:
    """Notes that the run, described by `run`, begins. Gives the option with which it goes on from its own checkpoint, if there may be
    one; another run's is removed."""
    note, said = note_of(output), json.dumps([str(word) for word in run])
    if not note.is_file() or note.read_text() != said:
        forget(output)
        note.write_text(said)
    return ["--resume"] if checkpoints_of(output) else []


def end(output: Path, code: int) -> None:
    """What becomes of the note and the checkpoint when the run has ended: one that failed may go on from its last checkpoint."""
    if code == EXIT_OK or not checkpoints_of(output):
        forget(output)


def forget(output: Path) -> None:
    """Removes the note and the checkpoint of a run that is not wanted any more, and nothing that others put beside it."""
    note_of(output).unlink(missing_ok=True)
    for slot in checkpoints_of(output):
        shutil.rmtree(slot)
        if not any(slot.parent.iterdir()):
            slot.parent.rmdir()
