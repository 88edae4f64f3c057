"""The folder of temporary files, which the harness, the program's MPI library and its launcher all use."""

import contextlib
import dataclasses
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from harness.base.errors import InputError, RunError

ROOM = 1 << 20  # bytes; MPI's sessions take some for each rank


def check() -> None:
    """Throws InputError when the folder that TMPDIR names, or the system's own, has no room: a launcher would fail in words that
    name neither, or hang. One that is not there is made by MPI, and not used by Python."""
    folder = os.environ.get("TMPDIR")
    if folder and not os.path.exists(folder):
        return
    try:
        with tempfile.TemporaryFile(dir=folder or tempfile.gettempdir()) as file:
            file.write(bytes(ROOM))
    except OSError as error:
        where = f"TMPDIR: {folder}" if folder else "the folder of temporary files"
        raise InputError(f"{where}: cannot be written ({error.strerror or error}); set TMPDIR to a folder with room") from None


@dataclasses.dataclass
class Scratch:
    """A folder that nobody asked for; `keep` is set when something that was said names a file in it."""

    path: Path
    keep: bool = False


@contextlib.contextmanager
def scratch(purpose: str) -> Iterator[Scratch]:
    """A folder of temporary files, removed at the end unless it is to be kept or a run's failure, which names its log, passes."""
    folder = Scratch(Path(tempfile.mkdtemp(prefix=f"ptychoscale-{purpose}-")))
    try:
        yield folder
    except RunError:
        folder.keep = True
        raise
    finally:
        if not folder.keep:
            shutil.rmtree(folder.path, ignore_errors=True)
