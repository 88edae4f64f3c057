"""The record of an import that is under way: what of it the disk has, so that the same command goes on from there."""

import contextlib
import dataclasses
import errno
import fcntl
import os
from pathlib import Path

import numpy as np

from harness.base.errors import InputError

ODD = 0x9E3779B97F4A7C15  # so that the order of blocks tells


@dataclasses.dataclass(frozen=True)
class Saved:
    """How many patterns are on the disk, the checksum() of all of them, and how many of their values were below 0 as recorded."""

    patterns: int = 0
    checksum: int = 0
    clipped: int = 0


def checksum(before: int, block: np.ndarray) -> int:
    """Of a block and all before it: tells lost, torn and exchanged blocks from what was written, at a tenth of the cost of a CRC."""
    content = block.reshape(-1).view(np.uint8)
    whole = content.size - content.size % 8
    words = int(np.add.reduce(content[:whole].view(np.uint64))) + int.from_bytes(content[whole:].tobytes(), "little")
    return (before * ODD + words + content.size) % (1 << 64)


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
