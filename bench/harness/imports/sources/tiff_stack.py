"""Patterns as the pages of one TIFF file, or as a folder of TIFF files in the order of their names."""

import re

import numpy as np
import tifffile

from harness.base.errors import InputError, shortened
from harness.imports.sources.request import Request
from harness.imports.sources.source import Mapped, Source, axes_of, of_array


def open_source(request: Request) -> Source:
    try:
        return open_folder(request) if request.file.is_dir() else open_file(request)
    except (tifffile.TiffFileError, ValueError, OSError, IndexError, KeyError) as error:
        raise InputError(f"{request.file}: cannot be read as TIFF ({shortened(str(error), 100)})") from None


def open_file(request: Request) -> Source:
    """The first series of a file; where its numbers lie together (ImageJ's large files have one page only) they are mapped."""
    stack = tifffile.TiffFile(request.file)
    series = stack.series[0]
    axes = axes_of(len(series.shape), request.axes, None, request.name)
    if series.dataoffset is not None:
        array = Mapped(request.file, series.dataoffset, series.shape, np.dtype(stack.byteorder + series.dtype.str[1:]))
        return of_array(array, request.name, [request.file], axes)
    if request.axes:
        raise InputError(f"--axes: {request.file} has a page for each pattern; valid: leave it out")

    def read(first: int, last: int) -> np.ndarray:
        return np.stack([series.pages[i].asarray() for i in range(first, last)])

    return Source(request.name, tuple(series.shape), series.dtype, read, [request.file])


def open_folder(request: Request) -> Source:
    """Files of one pattern each; numbers in names count as numbers, so that 10 comes after 9."""
    files = sorted(request.file.glob("*.tif*"), key=lambda file: [int(w) if w.isdigit() else w for w in re.split(r"(\d+)", file.name)])
    head = tifffile.imread(files[0])
    if head.ndim != 2:
        raise InputError(f"{files[0]}: has {head.ndim} axes; valid in a folder of files: one pattern in each")

    def read(first: int, last: int) -> np.ndarray:
        found = np.empty((last - first, *head.shape), head.dtype)
        for i, file in enumerate(files[first:last]):
            pattern = tifffile.imread(file)
            if pattern.shape != head.shape or pattern.dtype != head.dtype:
                raise InputError(f"{file}: is {pattern.shape} of {pattern.dtype}, {files[0].name} {head.shape} of {head.dtype}")
            found[i] = pattern
        return found

    return Source(request.name, (len(files), *head.shape), head.dtype, read, files)
