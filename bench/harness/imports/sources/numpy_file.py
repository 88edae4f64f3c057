"""Patterns in NumPy's files: .npy mapped piece by piece, members of .npz streamed out of the archive."""

import math
import struct
import tokenize
import zipfile
import zlib
from pathlib import Path

import numpy as np

from harness.base.errors import InputError
from harness.imports.sources.request import Request
from harness.imports.sources.source import AXES, Mapped, Source, axes_of, of_array

# What damage to an archive, and to NumPy's own header in it, makes the libraries throw.
DAMAGE = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, KeyError, NotImplementedError, OSError, OverflowError, RuntimeError,
          SyntaxError, TypeError, ValueError, tokenize.TokenError)  # fmt: skip


def header_of(opened, name: str) -> tuple[tuple[int, ...], bool, np.dtype]:
    """Shape, whether Fortran's order, and type of an array in NumPy's format."""
    try:
        version = np.lib.format.read_magic(opened)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, fortran, dtype = read(opened)
    except DAMAGE as error:
        raise InputError(f"{name}: is damaged, or no array of NumPy ({error})") from None
    if dtype.hasobject:
        raise InputError(f"{name}: holds python objects; valid: numbers")
    return shape, fortran, dtype


def open_source(request: Request) -> Source:
    with open(request.file, "rb") as opened:
        if opened.read(2) == b"PK":
            return open_member(request)
        opened.seek(0)
        shape, fortran, dtype = header_of(opened, request.name)
        offset = opened.tell()
    axes = axes_of(len(shape), request.axes, None, request.name)
    return of_array(Mapped(request.file, offset, shape, dtype, "F" if fortran else "C"), request.name, [request.file], axes)


def open_member(request: Request) -> Source:
    """The one array of 3 or 4 axes in an archive, or the one that was named."""
    try:
        archive = zipfile.ZipFile(request.file)
        headers = {name.removesuffix(".npy"): member_header(archive, name) for name in archive.namelist() if name.endswith(".npy")}
    except DAMAGE as error:
        raise InputError(f"{request.file}: is damaged, or no archive of NumPy ({error})") from None
    inside = request.inside or the_only(headers, request.file)
    if inside not in headers:
        raise InputError(f"{request.file}: holds no array '{inside}'; valid: {listed(headers)}")
    shape, fortran, dtype = headers[inside]
    name = f"{request.file}::{inside}"
    there, needed = archive.getinfo(f"{inside}.npy").file_size, math.prod(shape) * dtype.itemsize
    if there < needed:
        raise InputError(f"{name}: has {there} bytes, but {shape} of {dtype} are {needed}")
    if fortran or axes_of(len(shape), request.axes, None, name) != AXES[len(shape)]:
        raise InputError(f"{name}: is not in the order {','.join(AXES[len(shape)])}, in which an archive is read; valid: save it as .npy")
    return Source(name, shape, dtype, Member(archive, f"{inside}.npy", shape, dtype).read, [Path(request.file)])


def member_header(archive: zipfile.ZipFile, name: str):
    with archive.open(name) as opened:
        return header_of(opened, f"{archive.filename}::{name}")


def listed(headers: dict) -> str:
    return ", ".join(f"{name} {header[0]}" for name, header in headers.items()) or "none"


def the_only(headers: dict, file: Path) -> str:
    """The name of the only array that can be patterns. Throws InputError."""
    fitting = [name for name, (shape, *_) in headers.items() if len(shape) in AXES]
    if len(fitting) != 1:
        raise InputError(f"{file}: {len(fitting)} arrays have 3 or 4 axes; name one with --path; there are {listed(headers)}")
    return fitting[0]


class Member:
    """An array of an archive, read from front to back as compressed data want it; going back begins anew."""

    def __init__(self, archive: zipfile.ZipFile, name: str, shape: tuple[int, ...], dtype: np.dtype):
        self.archive, self.name, self.dtype, self.detector = archive, name, dtype, shape[-2:]
        self.bytes = math.prod(self.detector) * dtype.itemsize  # of a pattern
        self.opened, self.at, self.start = None, 0, 0

    def begin(self) -> None:
        try:
            self.opened = self.archive.open(self.name)
        except DAMAGE as error:
            raise InputError(f"{self.archive.filename}::{self.name}: is damaged ({error})") from None
        header_of(self.opened, f"{self.archive.filename}::{self.name}")
        self.start, self.at = self.opened.tell(), 0

    def read(self, first: int, last: int) -> np.ndarray:
        if self.opened is None or first < self.at:
            self.begin()
        try:
            if first > self.at:
                self.opened.seek(self.start + first * self.bytes)
            content = self.opened.read((last - first) * self.bytes)
        except DAMAGE as error:
            raise InputError(f"{self.archive.filename}::{self.name}: is damaged ({error})") from None
        self.at = last
        if len(content) < (last - first) * self.bytes:
            raise InputError(f"{self.archive.filename}::{self.name}: ends within pattern {first + len(content) // self.bytes}")
        return np.frombuffer(content, self.dtype).reshape(-1, *self.detector)
