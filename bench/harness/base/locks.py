"""Folders that belong to one command at a time: two that write into one would mix their files."""

import contextlib
import errno
import fcntl
import os
import socket
import sys
from pathlib import Path

from harness.base.errors import InputError, shortened

NAME = ".ptychoscale-lock"
WITHOUT_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)
held: dict[Path, int] = {}  # open files by folder; the kernel releases what a process held when it dies


def take(folder: Path, argv: list[str]) -> None:
    """Takes a folder until released(). Throws InputError that names its holder when another process has it."""
    folder = Path(folder).resolve()
    if folder in held:
        return
    file = folder / NAME
    while True:
        handle = opened(file)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.pread(handle, 500, 0).decode(errors="replace").strip() or "another process"
            os.close(handle)
            if error.errno in WITHOUT_LOCKS:
                print(f"ptychoscale: warning: {folder}: its file system has no locks; run nothing else in it", file=sys.stderr)
                return
            raise InputError(f"{folder}: is in use by {shortened(holder, 120)}; valid: another folder, or wait for its end") from None
        if is_still(file, handle):
            break
        os.close(handle)  # its holder has just left and taken the file away
    held[folder] = handle
    os.ftruncate(handle, 0)
    os.pwrite(handle, f"process {os.getpid()} on {socket.gethostname()}: {' '.join(argv)}\n".encode(errors="replace"), 0)


def opened(file: Path) -> int:
    try:
        return os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o666)
    except OSError as error:
        raise InputError(f"{file}: cannot be opened ({error.strerror}); choose a folder you may write to") from None


def is_still(file: Path, handle: int) -> bool:
    """Whether an open file is the one that has this name now."""
    with contextlib.suppress(OSError):
        return os.path.samestat(os.fstat(handle), os.stat(file))
    return False


@contextlib.contextmanager
def released():
    """Gives back at the end what was taken inside."""
    try:
        yield
    finally:
        while held:
            folder, handle = held.popitem()
            with contextlib.suppress(OSError):
                os.unlink(folder / NAME)
            os.close(handle)
