"""Patterns in files that hold nothing but numbers: of any shape and type that is told, and those of the EMPAD by name."""

import math
import re
from pathlib import Path

import numpy as np

from harness.base.errors import InputError
from harness.imports.provenance import FILE, Found
from harness.imports.sources.request import Request
from harness.imports.sources.source import Mapped, Source, axes_of, of_array

EMPAD_FRAME = (130, 128)  # float32; the last two rows hold no counts
EMPAD_DETECTOR = (128, 128)


def open_source(request: Request) -> Source:
    if request.kind == "empad":
        return open_empad(request)
    if request.shape is None or request.dtype is None:
        missing = " and ".join(name for name, given in (("--shape", request.shape), ("--dtype", request.dtype)) if given is None)
        raise InputError(
            f"{request.file}: raw numbers need {missing}; valid: for example --shape 64,64,128,128 --dtype uint16, or --format empad"
        )
    shape = filled_in(request)
    axes = axes_of(len(shape), request.axes, None, request.name)
    return of_array(Mapped(request.file, request.header_bytes, shape, request.dtype), request.name, [request.file], axes)


def filled_in(request: Request) -> tuple[int, ...]:
    """The shape, which must be what the file holds, neither more nor less."""
    there = request.file.stat().st_size - request.header_bytes
    needed = math.prod(request.shape) * request.dtype.itemsize
    if there != needed:
        raise InputError(
            f"{request.file}: --shape {','.join(map(str, request.shape))} of {request.dtype} takes {needed} bytes, the file has {there} "
            f"after --header-bytes {request.header_bytes}; valid: a shape that multiplies out to {there / request.dtype.itemsize:g} numbers"
        )
    return request.shape


def open_empad(request: Request) -> Source:
    """Frames of 130 x 128 float32, of which 128 rows are the picture; the scan's shape is in an XML file beside, or told."""
    frame = math.prod(EMPAD_FRAME) * 4
    frames, rest = divmod(request.file.stat().st_size - request.header_bytes, frame)
    if rest or frames < 1:
        raise InputError(f"{request.file}: has {request.file.stat().st_size} bytes; valid for --format empad: a multiple of {frame}")
    scan, found = request.shape, {}
    if scan is None:
        scan, where = scan_of_xml(request.file)
        found = {"scan": Found(scan, FILE, where)} if scan else {}
    scan = scan or (frames,)
    if math.prod(scan) != frames:
        raise InputError(f"{request.file}: holds {frames} frames, the scan of {' x '.join(map(str, scan))} has {math.prod(scan)}")
    whole = Mapped(request.file, request.header_bytes, (*scan, *EMPAD_FRAME), np.dtype("<f4"))
    axes = axes_of(len(scan) + 2, None, None, request.name)
    source = of_array(whole, request.name, [request.file], axes, found)
    read_frames, rows = source.read, EMPAD_DETECTOR[0]
    source.shape = (*scan, *EMPAD_DETECTOR)
    source.read = lambda first, last: read_frames(first, last)[:, :rows]
    return source


def scan_of_xml(file: Path) -> tuple[tuple[int, int] | None, str]:
    """Rows and columns as the acquisition's XML file of the same name has them."""
    beside = file.with_suffix(".xml")
    if not beside.is_file():
        return None, ""
    text = beside.read_text(errors="replace")
    sizes = [re.search(rf'<pix_{axis}\s+value="(\d+)"|<pix_{axis}>\s*(\d+)', text) for axis in "yx"]
    if not all(sizes):
        return None, ""
    return tuple(int(size[1] or size[2]) for size in sizes), beside.name
