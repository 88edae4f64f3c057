"""Patterns in a Zarr array, alone or in a group."""

from pathlib import Path

import zarr

from harness.base.errors import InputError
from harness.imports.sources.numpy_file import the_only
from harness.imports.sources.request import Request
from harness.imports.sources.source import Source, axes_of, of_array


def open_source(request: Request) -> Source:
    try:
        store = zarr.storage.ZipStore(request.file, mode="r") if request.file.is_file() else str(request.file)
        node = zarr.open(store, mode="r")
        arrays = {"": node} if isinstance(node, zarr.Array) else dict(every_array(node))
    except Exception as error:  # noqa: BLE001  (its exceptions have no common kind)
        raise InputError(f"{request.file}: is damaged, or no Zarr store ({error})") from None
    headers = {name: (array.shape, None, array.dtype) for name, array in arrays.items()}
    inside = request.inside.strip("/") or the_only(headers, request.file)
    if inside not in arrays:
        raise InputError(f"{request.file}: holds no array '{inside}'; valid: {', '.join(arrays)}")
    array = arrays[inside]
    name = f"{request.file}::{inside}" if inside else str(request.file)
    return of_array(array, name, marks_of(request.file), axes_of(array.ndim, request.axes, None, name), chunks=array.chunks)


def every_array(group):
    """Arrays of a group and of those in it, by path."""
    for name, array in group.arrays():
        yield name, array
    for name, inner in group.groups():
        for path, array in every_array(inner):
            yield f"{name}/{path}", array


def marks_of(store: Path) -> list[Path]:
    """The files whose times tell that a store was written again."""
    if store.is_file():
        return [store]
    return sorted(file for name in ("zarr.json", ".zarray", ".zgroup") for file in store.rglob(name))
