"""The command line of `import`."""

import argparse
import re
from pathlib import Path

import numpy as np

from harness.base.errors import shortened
from harness.imports import aberrations, quantities
from harness.imports.sources import ADAPTERS
from harness.imports.sources.request import Request
from harness.runs.options import checked, positive_int

EPILOG = """Examples:
  ptychoscale import scan.h5 -o mine.h5 --energy 300keV --semiangle 21.4mrad --scan-step 0.4A --defocus 10nm --electrons-per-count 1
  ptychoscale import scan.raw -o mine.h5 --format empad --shape 256,256 --electrons-per-count 0.0017 --rotation 17 ...
  ptychoscale import patterns.npy -o mine.h5 --positions spiral.csv --detector-pixel 0.032/A ...
  ptychoscale import scan.mat -o mine.h5 --path dp --look ...      # the table and the picture, nothing written of the dataset
A value is an option's, else the file's, else fitted to the mean pattern's bright-field disk; the table says which. Numbers have their
units: A, pm, nm; keV, eV; mrad, deg; 1/A, 1/nm. --rotation and --transpose are py4DSTEM's QR_rotation and QR_flip. An import that was
interrupted goes on when the same command is given again. Check what came of it: look at the picture, then
  ptychoscale validate dataset mine.h5"""


def quantity(*kinds: dict[str, float], above: float | None = None):
    """A reader of a number with one of the units; gives it in the kind's own unit."""
    words = f"a number{'' if above is None else f' above {above:g}'} with its unit: {', '.join(unit for kind in kinds for unit in kind)}"
    return lambda text: checked(text, lambda t: quantities.read(t, *kinds)[0], lambda x: above is None or x > above, words)


def steps(text: str) -> tuple[float, float]:
    """One length for y and x, or two."""

    def read(text: str) -> tuple[float, ...]:
        return tuple(quantities.read(word, quantities.LENGTHS)[0] for word in text.split(","))

    found = checked(text, read, lambda t: len(t) <= 2 and min(t) > 0, "a length above 0 with its unit, or two (y, x): 0.4A,0.5A")
    return found * 2 if len(found) == 1 else found


def detector_pixel(text: str) -> tuple[str, tuple[float, float]]:
    """("_per_A" or "_mrad", the same for y and x)."""
    kinds = {"_per_A": quantities.FREQUENCIES, "_mrad": quantities.ANGLES}

    def read(text: str):
        value, unit = quantities.read(text, *kinds.values())
        return next(ending for ending, kind in kinds.items() if unit in kind), (value, value)

    return checked(text, read, lambda found: found[1][0] > 0, "a number above 0 in 1/A, 1/nm, mrad or deg, for example 0.032/A or 0.8mrad")


def whole_numbers(least: int, most: int, lowest: int = 1):
    """A reader of so many whole numbers separated by commas."""
    words = f"{least if least == most else f'{least} to {most}'} whole numbers of {lowest} or more, such as {','.join(['64'] * most)}"
    return lambda text: checked(
        text, lambda t: tuple(int(w) for w in t.split(",")), lambda t: least <= len(t) <= most and min(t) >= lowest, words
    )


def pair_of(text: str) -> tuple[int, int]:
    found = whole_numbers(1, 2)(text)
    return found * 2 if len(found) == 1 else found


def centre(text: str) -> tuple[float, float] | str:
    """"fit", "middle" or a pixel (y, x)."""
    if text in ("fit", "middle"):
        return text
    return checked(text, lambda t: tuple(float(w) for w in t.split(",")), lambda t: len(t) == 2, "fit, middle, or a pixel Y,X from 0")


def number_type(text: str) -> np.dtype:
    """As NumPy names it, with its byte order: uint16, >u2, <f4."""
    return checked(text, lambda t: np.dtype(t), lambda d: d.kind in "iufb", "a type of numbers such as uint16, >u2 or float32")


def electrons_per_count(text: str) -> float | str:
    if text == "unknown":
        return text
    return checked(text, float, lambda x: 0 < x < 1e12, "a number above 0 (1 for a counting detector), or unknown")


def number_above_0(text: str) -> float:
    return checked(text, float, lambda x: 0 < x < 1e18, "a number above 0")


def degrees(text: str) -> float:
    return checked(text.removesuffix("deg"), float, lambda x: abs(x) <= 360, "degrees from -360 to 360")


def index_ranges(text: str) -> list[tuple[int, int]]:
    """ "3,17,100-120" as half-open ranges."""

    def read(text: str):
        ends = [word.split("-") for word in text.split(",")]
        return [(int(end[0]), int(end[-1]) + 1) for end in ends if len(end) <= 2 or int("")]

    return checked(text, read, lambda found: all(0 <= a < b for a, b in found), "patterns by number from 0, such as 3,17,100-120")


def add_parser(subparsers, run) -> None:
    """The command line of `import`."""
    parser = subparsers.add_parser(
        "import",
        description="Make a dataset of a measured scan: patterns from nearly any file, with the geometry that the solvers need.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=run, interrupted="the same command goes on where this one stopped")
    parser._negative_number_matcher = re.compile(r"-\.?\d")  # noqa: SLF001  (-20nm is a value, too)
    add = parser.add_argument
    add("source", metavar="SOURCE", type=Path, help="HDF5 (EMD, py4DSTEM), .npy, .npz, raw, MATLAB, Zarr, TIFF, or rosettasciio's")
    add("-o", "--output", type=Path, required=True, help="the dataset to write; the picture lies beside it, OUTPUT.png")
    add("--look", action="store_true", help="only print the table and draw the picture")
    add("--name", help="names the data in reports [the output's name]")
    add_source(parser.add_argument_group("the source"))
    add_optics(parser.add_argument_group("the microscope"))
    add_scan(parser.add_argument_group("the scan"))
    add_patterns(parser.add_argument_group("the patterns"))
    add_volume(parser.add_argument_group("the volume to reconstruct"))


def add_source(group) -> None:
    add = group.add_argument
    add("--format", choices=ADAPTERS, help="what the source is [by content, then by name]")
    add("--path", default="", help="the dataset, variable, array or signal inside the file [the only one of 3 or 4 axes]")
    add("--axes", type=lambda t: t.split(","), help="order of the array's axes [scan_y,scan_x,ky,kx; n,ky,kx; MATLAB ky,kx,scan_y,scan_x]")
    add("--shape", type=whole_numbers(1, 4), help="of raw numbers; with --format empad that of the scan [its XML file's]")
    add("--dtype", type=number_type, help="of raw numbers, such as uint16, >u2 (big-endian) or float32")
    add("--header-bytes", type=lambda t: whole_numbers(1, 1, 0)(t)[0], default=0, help="of a raw file, before the numbers [%(default)s]")
    add("--reader", default="", help="the reader of rosettasciio by its name, such as QuantumDetector [by the name's ending]")


def add_optics(group) -> None:
    add = group.add_argument
    add("--energy", type=quantity(quantities.ENERGIES, above=0), help="of the electrons: 300keV")
    add("--semiangle", type=quantity(quantities.ANGLES, above=0), help="of the aperture: 21.4mrad [from the disk and --detector-pixel]")
    add("--detector-pixel", type=detector_pixel, help="0.032/A or 0.8mrad, as recorded [from the disk and --semiangle]")
    focus = group.add_mutually_exclusive_group()
    focus.add_argument("--defocus", type=quantity(quantities.LENGTHS), help="10nm; positive: crossover behind the entrance surface [0]")
    focus.add_argument("--C10", dest="C10", type=quantity(quantities.LENGTHS), help="minus the defocus")
    add("--C30", dest="C30", type=quantity(quantities.LENGTHS), help="third-order spherical aberration: 1.2mm [0]")
    names = ", ".join(aberrations.ORDERS)
    angle = "angle from a pattern's columns (+kx) towards its rows (+ky)"
    add("--aberrations", type=aberrations.read, help=f"{names}: {aberrations.EXAMPLE}; {angle} [none]")
    probe = group.add_mutually_exclusive_group()
    probe.add_argument("--probe", help="a complex wave in real space, in the middle of its window: .npy, FILE.h5::PATH, a reconstruction")
    probe.add_argument("--vacuum", help="a pattern of the empty beam (.npy, TIFF, FILE.h5::PATH): its root is the aperture's amplitude")


def add_scan(group) -> None:
    add = group.add_argument
    add("--scan", type=whole_numbers(2, 2), help="rows and columns, ROWS,COLUMNS, where patterns come as one list")
    add("--scan-step", type=steps, help="0.4A, or 0.4A,0.5A for y and x")
    add("--positions", help="a table of (y, x) for each pattern: text whose first line says y_A,x_A, .npy, or FILE.h5::PATH [a raster]")
    add("--positions-unit", help="of --positions, where the table does not say")
    add("--rotation", type=degrees, help="degrees from the scan to the detector, py4DSTEM's QR_rotation [0]")
    add("--transpose", action=argparse.BooleanOptionalAction, help="the detector's axes are exchanged, py4DSTEM's QR_flip")
    add("--leave-out", type=index_ranges, help="patterns without weight: 3,17,100-120")


def add_patterns(group) -> None:
    add = group.add_argument
    add("--centre", type=centre, default="fit", help="fit (to the bright-field disk), middle, or a recorded pixel Y,X [%(default)s]")
    add("--disk-radius", type=number_above_0, help="recorded pixels of the bright-field disk [fitted]")
    add("--crop", type=pair_of, help="recorded pixels around the centre to use, N or NY,NX [all]")
    add("--bin", type=positive_int, default=1, help="pixels added up to one, N x N [%(default)s]")
    add("--pad", type=pair_of, help="pixels of the stored patterns, N or NY,NX; what was not recorded has no weight [as recorded]")
    add("--background", help="counts to take away: a number, or an image (.npy, TIFF, text, FILE.h5::PATH)")
    add("--bad-pixels", help="Y:X,Y:X, a file (image or list of y x), or outliers: found because they stand out of their neighbours")
    add("--electrons-per-count", type=electrons_per_count, help="1 for a counting detector; unknown: patterns are taken for free of noise")
    add("--electrons-per-pattern", type=number_above_0, help="electrons of the beam in a pattern [from the patterns' sums]")
    add("--dose", type=number_above_0, help="electrons per square angstrom, instead of --electrons-per-count")
    add("--counts", choices=["float32", "uint16"], help="how they are stored [uint16 for whole numbers that fit, else float32]")


def add_volume(group) -> None:
    add = group.add_argument
    add("--slices", type=positive_int, help="[1]")
    add("--slice-thickness", type=quantity(quantities.LENGTHS, above=0), help="10A; needed with more than one slice")
    add("--volume", type=whole_numbers(2, 2), help="pixels NY,NX of a slice [room for every position's window]")


def request(args: argparse.Namespace) -> Request:
    """What the options say of the source; it may be FILE::PATH in one word."""
    word, _, inside = str(args.source).partition("::")
    if inside and args.path:
        raise argparse.ArgumentTypeError(f"--path: '{shortened(args.path, 60)}' beside {shortened(str(args.source), 60)}")
    return Request(
        Path(word), args.path or inside, args.format or "", args.axes, args.shape, args.dtype, args.header_bytes, args.reader
    )
