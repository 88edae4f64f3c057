"""Writes a dataset block by block into FILE.partial, goes on where an interrupted import stopped, and names it when it is whole."""

import contextlib
import errno
import hashlib
import json
import os
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np

from harness.base import documents
from harness.base.errors import InputError, RunError, shortened
from harness.imports import layout
from harness.imports.saved import Progress, Saved, checksum
from harness.runs import program

SAVE_SECONDS = 15.0  # between two moments that a kill or a power cut leaves behind; each waits for whatever the disk has to do
FLUSH_BYTES = 32 << 20  # after which the disk may begin
WAITING = 2  # blocks that wait to be written


class Writer:
    """A dataset that is being written; of its patterns, those of `saved` are there. Blocks are written by a thread while the next are
    made, and another has the disk take them."""

    def __init__(self, output: Path, header: layout.Header, patterns: list):
        self.output, self.header = output, header
        self.target = documents.output_target(output)
        self.partial = self.target.with_name(f"{self.target.name}.partial")
        self.skeleton = self.partial.with_name(f"{self.partial.name}.skeleton")
        identity = hashlib.sha256(json.dumps([patterns, header.described(late=False)]).encode()).hexdigest()
        self.saved, self.flushed, self.saved_at = Saved(), 0, time.monotonic()
        self.threads = [ThreadPoolExecutor(1), ThreadPoolExecutor(1)]
        self.waiting: deque[Future] = deque()
        self.saving: Future | None = None
        with self.failing():
            self.progress = Progress(self.partial, identity)
            self.open()

    def open(self) -> None:
        """Opens what an import of the same source and options has left, or begins anew and takes the room for all of it."""
        left = self.partial.exists()
        self.known = self.progress.load() if left else []
        if left and not self.known:
            program.say(f"{program.WARNING_MARK}{self.partial}: is of another source, other options or another version and is begun anew")
        try:
            self.offset = layout.create(self.skeleton, self.header)
            if not self.known:
                self.progress.start()
                os.replace(self.skeleton, self.partial)
            self.file = open(self.partial, "r+b")
            os.posix_fallocate(self.file.fileno(), 0, self.offset + self.total_bytes)
        except OSError as error:
            if error.errno in (errno.EOPNOTSUPP, errno.EINVAL):
                return
            if not self.known:
                self.give_up()
            raise
        finally:
            self.skeleton.unlink(missing_ok=True)

    @property
    def total_bytes(self) -> int:
        return len(self.header.positions_A) * self.header.pattern_bytes

    def place(self, pattern: int) -> int:
        return self.offset + pattern * self.header.pattern_bytes

    def kept(self, step: int) -> Iterator[tuple[int, np.ndarray]]:
        """What was saved before, read again in the blocks it was written in, as (index of the first, patterns). From the first stretch
        that is not as it was written, patterns are to be written again."""
        for one in self.known:
            sound = self.saved.patterns < one.patterns <= len(self.header.positions_A)
            if not sound or self.checksum_there(one.patterns, step) != one.checksum:
                break
            for first in range(self.saved.patterns, one.patterns, step):
                yield first, self.read(first, min(first + step, one.patterns))
            self.saved, self.flushed = one, one.patterns * self.header.pattern_bytes

    def checksum_there(self, last: int, step: int) -> int:
        """Of patterns up to `last`, as the file holds them."""
        found = self.saved.checksum
        with contextlib.suppress(ValueError):  # of a file that is too short
            for first in range(self.saved.patterns, last, step):
                found = checksum(found, self.read(first, min(first + step, last)))
            return found
        return -1

    def read(self, first: int, last: int) -> np.ndarray:
        count = (last - first) * self.header.pattern_bytes // self.header.counts.itemsize
        values = np.fromfile(self.partial, self.header.counts.newbyteorder("<"), count, offset=self.place(first))
        return values.reshape(last - first, *self.header.detector)

    def write(self, patterns: np.ndarray, clipped: int) -> None:
        """Hands over the next patterns; `clipped` of all values so far were below 0."""
        with self.failing():
            while len(self.waiting) >= WAITING:
                self.waiting.popleft().result()
        self.waiting.append(self.threads[0].submit(self.store, patterns, clipped))

    def store(self, patterns: np.ndarray, clipped: int) -> None:
        block = np.ascontiguousarray(patterns, self.header.counts.newbyteorder("<"))
        at, left = self.place(self.saved.patterns), memoryview(block).cast("B")
        while left:
            done = os.pwrite(self.file.fileno(), left, at)
            at, left = at + done, left[done:]
        self.saved = Saved(self.saved.patterns + len(patterns), checksum(self.saved.checksum, block), clipped)
        self.begin_flushing()
        if time.monotonic() - self.saved_at >= SAVE_SECONDS and (self.saving is None or self.saving.done()):
            self.save()

    def begin_flushing(self) -> None:
        """Has the disk begin with what it does not know yet, without waiting: to be told that pages are not needed, it writes them, and
        what is being written stays in memory."""
        end = self.saved.patterns * self.header.pattern_bytes
        if end - self.flushed >= FLUSH_BYTES:
            os.posix_fadvise(self.file.fileno(), self.offset + self.flushed, end - self.flushed, os.POSIX_FADV_DONTNEED)
            self.flushed = end

    def save_all(self) -> None:
        """Waits until everything is written, and makes it survive a kill and a power cut, in a while."""
        while self.waiting:
            self.waiting.popleft().result()
        if self.saving is not None:
            self.saving.result()
        self.save()

    def save(self) -> None:
        """The same for what is written by now; the last time must be over."""

        def save(state: Saved) -> None:
            os.fdatasync(self.file.fileno())
            self.progress.add(state)

        self.saved_at = time.monotonic()
        self.saving = self.threads[1].submit(save, self.saved)

    def finish(self, header: layout.Header, seal: Callable[[Path], None], meanwhile: Callable[[], None]) -> None:
        """Writes the header that is known by now, has the file sealed, and gives it its name; `meanwhile` is done while that takes."""
        with self.failing():
            self.save_all()
            self.saving.result()
            self.lay_around(header)
            self.file.close()
        try:
            sealing = self.threads[0].submit(seal, self.partial)
            meanwhile()
            sealing.result()
        except (InputError, RunError):
            self.give_up()
            raise
        with self.failing():
            os.chmod(self.partial, 0o666 & ~documents.current_umask())
            documents.give_name(self.partial, self.target)
            self.progress.remove()

    def keep(self) -> None:
        """Leaves what was written to an import that goes on."""
        with self.failing():
            self.save_all()
            self.saving.result()

    def lay_around(self, header: layout.Header) -> None:
        """All that is not patterns as a new file has it, whatever a seal that was interrupted has left of it."""
        end = self.place(len(header.positions_A))
        try:
            if layout.create(self.skeleton, header) != self.offset:
                raise RunError(f"{self.partial}: the patterns' place has moved; please report it")
            with open(self.skeleton, "rb") as made:
                os.pwrite(self.file.fileno(), made.read(self.offset), 0)
                made.seek(end)
                rest = made.read()
            os.pwrite(self.file.fileno(), rest, end)
            os.ftruncate(self.file.fileno(), end + len(rest))
        finally:
            self.skeleton.unlink(missing_ok=True)

    def give_up(self) -> None:
        """Leaves nothing behind."""
        for thread in self.threads:
            thread.shutdown(cancel_futures=True)
        if hasattr(self, "file"):
            self.file.close()
        self.partial.unlink(missing_ok=True)
        self.progress.remove()

    @contextlib.contextmanager
    def failing(self) -> Iterator[None]:
        """What the disk does not take is an InputError that says how much is needed."""
        try:
            yield
        except OSError as error:
            raise InputError(
                f"{self.output}: cannot be written ({error.strerror or error}); it takes {self.total_bytes / 1e6:.4g} MB; choose a place "
                "with room that you may write to"
            ) from None


def judge(header: layout.Header, output: Path) -> None:
    """Has the program look at a header before the patterns are read. Throws InputError with what it finds wrong."""
    target = documents.output_target(output)
    skeleton = target.with_name(f"{target.name}.header.h5")
    try:
        layout.create(skeleton, header)
        program.ask("info", skeleton)
    except InputError as error:
        raise InputError(str(error).replace(str(skeleton), str(output))) from None
    except OSError as error:
        raise InputError(f"{output}: cannot be written ({shortened(str(error), 120)}); choose a place that you may write to") from None
    finally:
        skeleton.unlink(missing_ok=True)


def seal(partial: Path) -> None:
    """Has the program judge the header and add the content hash. Throws RunError with what it finds wrong."""
    try:
        program.ask("validate", "dataset", partial, "--seal-only")
    except InputError as error:
        raise RunError(f"nothing was written, since the program cannot use it: {error}") from None
