"""Files that patterns come from: which adapter reads which, by content before name."""

import importlib
from pathlib import Path

from harness.base.errors import InputError
from harness.base.tree import ROOT
from harness.imports.sources.request import Request
from harness.imports.sources.source import Source, checked

# An adapter is a module with `open_source(request) -> Source`; only the one that is needed is loaded, with its package.
ADAPTERS = {
    "hdf5": "hdf5_file",
    "npy": "numpy_file",
    "npz": "numpy_file",
    "raw": "raw_file",
    "empad": "raw_file",
    "matlab": "matlab_file",
    "zarr": "zarr_store",
    "tiff": "tiff_stack",
    "rosettasciio": "rosettasciio_file",
}
HDF5_MARK = b"\x89HDF\r\n\x1a\n"
BY_SUFFIX = {".raw": "raw", ".bin": "raw", ".dat": "raw", ".hspy": "rosettasciio", ".zspy": "rosettasciio", ".nxs": "rosettasciio"}
TIFF_MARKS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


def needs(module: str) -> str:
    """What to install for a module that is missing, by the name that the package has."""
    package = {"rsciio": "rosettasciio", "skimage": "scikit-image"}.get(module, module)
    return f"needs the python package {package}; install it with: pip install {package} (see {ROOT / 'ci' / 'requirements-import.txt'})"


def open_source(request: Request) -> Source:
    """The patterns that the user named. Throws InputError."""
    if not request.file.exists():
        raise InputError(f"{request.file}: no such file or folder")
    kind = request.kind or kind_of(request.file)
    try:
        adapter = importlib.import_module(f"harness.imports.sources.{ADAPTERS[kind]}")
        return checked(adapter.open_source(request))
    except ModuleNotFoundError as missing:
        if missing.name.startswith("harness"):
            raise
        raise InputError(f"{request.file}: {needs(missing.name)}") from None


def kind_of(file: Path) -> str:
    """The adapter for a file. Throws InputError when nothing about it is known."""
    suffix = file.suffix.lower()
    if suffix in BY_SUFFIX:
        return BY_SUFFIX[suffix]
    if file.is_dir():
        if any((file / name).exists() for name in ("zarr.json", ".zgroup", ".zarray")):
            return "zarr"
        if any(file.glob("*.tif*")):
            return "tiff"
        raise InputError(f"{file}: is a folder without TIFF files and no Zarr store; valid: one of these, or a file")
    if not file.is_file():
        raise InputError(f"{file}: is no file and no folder")
    return kind_by_content(file) or kind_by_name(file)


def kind_by_content(file: Path) -> str | None:
    with open(file, "rb") as opened:
        start = opened.read(4096)
    if start.startswith(b"MATLAB"):
        return "matlab"
    if any(start[at : at + 8] == HDF5_MARK for at in (0, 512, 1024, 2048)):
        return "hdf5"
    if start.startswith(b"\x93NUMPY"):
        return "npy"
    if start.startswith(TIFF_MARKS):
        return "tiff"
    if start.startswith(b"PK"):
        return "zarr" if file.name.endswith((".zarr.zip", ".zarr")) else "npz"
    return None


def kind_by_name(file: Path) -> str:
    """What rosettasciio has a reader for, by the name's ending."""
    from harness.imports.sources import rosettasciio_names

    try:
        if rosettasciio_names.reader_of(file, "") is not None:
            return "rosettasciio"
    except ModuleNotFoundError as missing:
        raise InputError(f"{file}: is of no kind that is known without rosettasciio: {needs(missing.name)}") from None
    raise InputError(f"{file}: is of no known kind; valid: --format with one of {', '.join(ADAPTERS)}")
