"""HDF5 files from outside, opened so that damage is one line: the library does not survive all of it."""

import contextlib
import faulthandler
import os
import resource
import signal
from collections.abc import Iterator
from pathlib import Path

import h5py

from harness.base.errors import InputError, shortened

LONGEST_S = 20  # of the processor that reading structure may take; waiting for a slow file system takes none
DAMAGE = (AttributeError, IndexError, KeyError, OSError, OverflowError, RuntimeError, TypeError, ValueError)


def visit(path: Path) -> None:
    """Reads every name, attribute and text of a file."""

    def read(name, item):
        dict(item.attrs)
        if isinstance(item, h5py.Dataset) and item.dtype.kind == "O" and item.size == 1:
            item[()]

    with h5py.File(path, "r") as file:
        file.visititems(read)


def read_first_in_a_child(path: Path) -> None:
    """Throws InputError when reading the file's structure crashes a child of this process, or does not end. What it throws is left
    to the reading that follows."""
    child = os.fork()
    if child == 0:
        with contextlib.suppress(BaseException):
            faulthandler.disable()
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            for number in (signal.SIGXCPU, signal.SIGTERM, signal.SIGINT):
                signal.signal(number, signal.SIG_DFL)
            os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
            resource.setrlimit(resource.RLIMIT_CPU, (LONGEST_S, LONGEST_S + 1))
            visit(path)
        os._exit(0)  # runs nothing of what the parent has yet to do
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        what = "reading it does not end" if number == signal.SIGXCPU else f"the HDF5 library crashes on it ({signal.strsignal(number)})"
        raise InputError(f"{path}: is damaged: {what}")


@contextlib.contextmanager
def open_file(path: Path) -> Iterator[h5py.File]:
    """Opens an HDF5 file. Throws InputError for anything else, and for damage that is met inside."""
    read_first_in_a_child(path)
    try:
        file = h5py.File(path, "r")
    except OSError:
        raise InputError(f"{path}: truncated, unreadable or not HDF5; valid: a dataset or a reconstruction") from None
    with file:
        try:
            yield file
        except DAMAGE as error:
            raise InputError(f"{path}: is damaged ({shortened(str(error), 120)}); valid: a dataset or a reconstruction") from None
