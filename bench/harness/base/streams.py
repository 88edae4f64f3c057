"""Standard output and standard error, where they cannot be written: a reader that has gone, a full device."""

import contextlib
import errno
import os
import signal
import sys

from harness.base.errors import EXIT_FAILED

EXIT_NO_READER = 128 + signal.SIGPIPE  # what shells say of a program that a closed pipe ended


class StreamError(Exception):
    """A stream cannot be written; the text is one line."""

    def __init__(self, name: str, error: OSError):
        super().__init__(f"{name}: cannot be written ({error.strerror})")
        self.exit_code = EXIT_NO_READER if error.errno == errno.EPIPE else EXIT_FAILED


class Guarded:
    """A stream whose failures are StreamErrors, which nobody takes for those of another file."""

    def __init__(self, stream, name: str):
        self.stream, self.name = stream, name

    def __getattr__(self, attribute: str):
        return getattr(self.stream, attribute)

    def write(self, text: str) -> int:
        try:
            return self.stream.write(text)
        except OSError as error:
            raise StreamError(self.name, error) from None

    def flush(self) -> None:
        try:
            self.stream.flush()
        except OSError as error:
            raise StreamError(self.name, error) from None


@contextlib.contextmanager
def guarded():
    """Guards both streams; what is left in their buffers at the end is written here, not after the last chance to say that it cannot.

    A stream that was closed before the start is None, and print() leaves it alone."""
    out = sys.stdout and Guarded(sys.stdout, "standard output")
    err = sys.stderr and Guarded(sys.stderr, "standard error")
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        yield
        print(end="", flush=True)


def end_without(failure: StreamError) -> int:
    """Ends a command one of whose streams failed: says so, unless the reader has gone, and gives the exit code."""
    if failure.exit_code != EXIT_NO_READER:
        with contextlib.suppress(OSError):
            print(f"ptychoscale: error: {failure}", file=sys.stderr, flush=True)
    for stream in filter(None, (sys.stdout, sys.stderr)):
        drop_unwritable(stream)
    return failure.exit_code


def drop_unwritable(stream) -> None:
    """Sends to nowhere what a stream still holds and cannot write: it would fail again, loudly, when python ends."""
    try:
        stream.flush()
    except OSError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
