"""The record of an import that is under way: what of it the disk has, so that the same command goes on from there."""

import contextlib
import dataclasses
import errno
import fcntl
import os
from pathlib import Path

from harness.base.errors import InputError


@dataclasses.dataclass(frozen=True)
class Saved:
    """How many patterns are on the disk, the CRC-32 of all of them, and how many of their values were below 0 as recorded."""

    patterns: int = 0
    checksum: int = 0
    clipped: int = 0


class Progress:
    """FILE.partial.progress: what is being imported, then a line for each state that the disk has taken. The file is locked for as long
    as it is open."""

    def __init__(self, partial: Path, identity: str):
        self.path, self.identity = partial.with_name(f"{partial.name}.progress"), identity
        self.file = open(self.path, "a+")
        try:
            fcntl.flock(self.file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self.file.close()
            if error.errno in (errno.EWOULDBLOCK, errno.EACCES):
                raise InputError(f"{partial}: is being written by another import; valid: another output, or wait for its end") from None
            raise

    def load(self) -> list[Saved]:
        """Every state that an import of the same source and options has left, in their order."""
        self.file.seek(0)
        lines = self.file.read().split("\n")[:-1]  # one that was not finished tells nothing
        if not lines or lines[0] != self.identity:
            return []
        with contextlib.suppress(ValueError, TypeError):
            return [Saved(*map(int, line.split())) for line in lines[1:]]
        return []

    def start(self) -> None:
        self.file.truncate(0)
        self.line(self.identity)

    def add(self, state: Saved) -> None:
        self.line(" ".join(map(str, dataclasses.astuple(state))))

    def line(self, text: str) -> None:
        self.file.write(text + "\n")
        self.file.flush()
        os.fsync(self.file.fileno())

    def remove(self) -> None:
        self.path.unlink(missing_ok=True)
        self.file.close()
