"""The folder of temporary files, which the harness, the program's MPI library and its launcher all use."""

import os
import tempfile

from harness.base.errors import InputError

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
