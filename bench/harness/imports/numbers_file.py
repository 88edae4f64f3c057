"""Small arrays that accompany a scan (positions, masks, backgrounds), read whole."""

from pathlib import Path

import h5py
import numpy as np

from harness.base.errors import InputError, shortened
from harness.base.hdf5 import read_first_in_a_child

LARGEST = 1 << 28  # bytes
NUMBERS, COMPLEX = "iufb", "c"  # kinds of them, by NumPy's letters


def read_array(file: Path, option: str, kinds: str = NUMBERS) -> np.ndarray:
    """Numbers of a .npy file, of an HDF5 dataset (FILE::PATH), of a TIFF image, or of a text of lines. Throws InputError, also for
    numbers of none of NumPy's `kinds`."""
    return read_with_unit(file, option, kinds)[0]


def read_with_unit(file: Path, option: str, kinds: str = NUMBERS) -> tuple[np.ndarray, str]:
    """The same, and the unit that an HDF5 dataset has as its attribute."""
    name, _, inside = str(file).partition("::")
    path, unit = Path(name), ""
    if not path.is_file():
        raise InputError(f"{option}: {name}: no such file")
    if path.stat().st_size > LARGEST and not inside:
        raise InputError(f"{option}: {name}: has {path.stat().st_size} bytes; valid: at most {LARGEST}")
    try:
        if inside:
            values, unit = of_hdf5(path, inside)
        elif path.suffix == ".npy":
            values = np.load(path)
        elif path.suffix.lower().startswith(".tif"):
            import tifffile

            values = tifffile.imread(path)
        else:
            values = np.loadtxt(path, delimiter="," if "," in path.read_text() else None, ndmin=2)
    except ModuleNotFoundError as missing:
        package = missing.name
        raise InputError(f"{option}: {name}: needs the python package {package}; install it with: pip install {package}") from None
    except (ValueError, OSError, KeyError, EOFError, UnicodeDecodeError) as error:
        raise InputError(f"{option}: {name}: cannot be read ({shortened(str(error), 120)})") from None
    if values.dtype.kind not in kinds or values.size == 0:
        valid = "complex numbers" if kinds == COMPLEX else "numbers"
        raise InputError(f"{option}: {name}: holds {values.size} values of {values.dtype}; valid: {valid}")
    return values, unit


def of_hdf5(path: Path, inside: str) -> tuple[np.ndarray, str]:
    read_first_in_a_child(path)
    with h5py.File(path, "r") as file:
        item = file.get(inside)
        if not isinstance(item, h5py.Dataset):
            raise ValueError(f"no dataset {inside}")
        if item.size * item.dtype.itemsize > LARGEST:
            raise ValueError(f"{inside} has {item.size} values")
        unit = item.attrs.get("units", "")
        return item[...], unit.decode(errors="replace") if isinstance(unit, bytes) else str(unit)
