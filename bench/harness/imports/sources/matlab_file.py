"""Variables of MATLAB: v7.3 files are HDF5 with the axes turned round; older ones are read by scipy, which takes a variable whole."""

import scipy.io

from harness.base.errors import InputError
from harness.imports.sources import hdf5_file
from harness.imports.sources.numpy_file import the_only
from harness.imports.sources.request import Request
from harness.imports.sources.source import Source, axes_of, of_array

# MATLAB's own order of the axes, as fold_slice and most exporters have it.
USUAL = {3: ("ky", "kx", "n"), 4: ("ky", "kx", "scan_y", "scan_x")}


def open_source(request: Request) -> Source:
    with open(request.file, "rb") as opened:
        text = opened.read(128)
    if text.startswith(b"MATLAB 7.3"):
        return hdf5_file.open_file(request, turned=USUAL)
    try:
        headers = {name: (shape, None, kind) for name, shape, kind in scipy.io.whosmat(request.file)}
        inside = request.inside or the_only(headers, request.file)
        if inside not in headers:
            raise InputError(f"{request.file}: holds no variable '{inside}'; valid: {', '.join(headers)}")
        array = scipy.io.loadmat(request.file, variable_names=[inside])[inside]
    except (ValueError, TypeError, OSError, KeyError, NotImplementedError, EOFError) as error:
        raise InputError(f"{request.file}: is damaged, or no MATLAB file ({error})") from None
    name = f"{request.file}::{inside}"
    return of_array(array, name, [request.file], axes_of(array.ndim, request.axes, USUAL.get(array.ndim), name))
