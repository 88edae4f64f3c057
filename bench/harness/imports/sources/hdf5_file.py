"""Patterns in HDF5: EMD and py4DSTEM, MATLAB v7.3, ptychoscale's own, or any dataset of 3 or 4 axes by its path."""

from pathlib import Path

import h5py

from harness.base.errors import InputError, shortened
from harness.base.hdf5 import DAMAGE, read_first_in_a_child
from harness.imports.sources.hdf5_metadata import found_in
from harness.imports.sources.request import Request
from harness.imports.sources.source import AXES, Source, axes_of, of_array

CACHE_BYTES = 16 << 20  # of chunks that reach over several rows of the scan


def open_source(request: Request) -> Source:
    return open_file(request)


def open_file(request: Request, turned: dict[int, tuple[str, ...]] | None = None) -> Source:
    """`turned`: the axes as MATLAB has them, which its files store from the last to the first."""
    read_first_in_a_child(request.file)
    try:
        file = h5py.File(request.file, "r", rdcc_nbytes=CACHE_BYTES)
        dataset = the_patterns(file, request)
        links = files_of(dataset, request)
        if dataset.external:
            dataset = beside_its_numbers(dataset)
        found = found_in(file, dataset)
    except DAMAGE as error:
        raise InputError(f"{request.file}: is damaged, or no HDF5 ({shortened(str(error), 120)})") from None
    name = f"{request.file}::{dataset.name.lstrip('/')}"
    usual = turned[dataset.ndim][::-1] if turned and dataset.ndim in turned else None
    axes = axes_of(dataset.ndim, request.axes, usual, name)
    return of_array(Readable(dataset, name), name, [request.file, *links], axes, found, dataset.chunks)


def the_patterns(file: h5py.File, request: Request) -> h5py.Dataset:
    """The dataset that was named, else a datacube of EMD, else the only one of 4 axes, else the only one of 3."""
    if request.inside:
        item = file.get(request.inside)
        if isinstance(item, h5py.Group) and isinstance(item.get("data"), h5py.Dataset):
            item = item["data"]
        if not isinstance(item, h5py.Dataset):
            raise InputError(f"{request.file}: --path '{request.inside}' is no dataset; {listed(candidates(file))}")
        return item
    found = candidates(file)
    cubes = [d for d in found if d.parent.attrs.get("python_class") in ("DataCube", b"DataCube")]
    for fitting in (cubes, [d for d in found if d.ndim == 4], [d for d in found if d.ndim == 3]):
        if len(fitting) == 1:
            return fitting[0]
        if fitting:
            break
    raise InputError(f"{request.file}: which dataset holds the patterns? name it with --path; {listed(found)}")


def candidates(file: h5py.File) -> list[h5py.Dataset]:
    """Datasets of numbers with 3 or 4 axes."""
    found = []

    def look(_, item):
        if isinstance(item, h5py.Dataset) and item.ndim in AXES and item.dtype.kind in "iufb":
            found.append(item)

    file.visititems(look)
    return found


def listed(found: list[h5py.Dataset]) -> str:
    said = ", ".join(f"{d.name.lstrip('/')} {d.shape}" for d in found[:5])
    return f"there are {said}{' and more' if len(found) > 5 else ''}" if found else "it has none of 3 or 4 axes of numbers"


def files_of(dataset: h5py.Dataset, request: Request) -> list[Path]:
    """Other files that hold the numbers. Throws InputError for one that is not there: the library would read zeros for it."""
    names = [entry[0] for entry in dataset.external or []]
    if dataset.is_virtual:
        names += [source.file_name for source in dataset.virtual_sources() if source.file_name != "."]
    files = []
    for name in dict.fromkeys(names):
        file = Path(name) if Path(name).is_absolute() else request.file.parent / name
        if not file.exists():
            raise InputError(f"{request.file}: its numbers are in {file}, which is not there")
        files.append(file)
    return files


def beside_its_numbers(dataset: h5py.Dataset) -> h5py.Dataset:
    """The same, opened so that the files with its numbers are looked for beside the file itself, wherever this process runs."""
    access = h5py.h5p.create(h5py.h5p.DATASET_ACCESS)
    access.set_efile_prefix(b"${ORIGIN}")
    name, file = dataset.name.encode(), dataset.file
    dataset.id.close()  # while it is open, it is opened as it was
    return h5py.Dataset(h5py.h5d.open(file.id, name, access))


class Readable:
    """A dataset whose failures to be read are of one line."""

    def __init__(self, dataset: h5py.Dataset, name: str):
        self.dataset, self.name, self.shape, self.dtype = dataset, name, dataset.shape, dataset.dtype

    def __getitem__(self, box):
        try:
            return self.dataset[box]
        except DAMAGE as error:
            raise InputError(f"{self.name}: cannot be read ({shortened(str(error), 120)})") from None
