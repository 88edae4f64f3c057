"""What options say of patterns and volume, put together with what is known of the source."""

import argparse
import dataclasses
import re
from pathlib import Path

import numpy as np

from harness.base.errors import InputError
from harness.imports import bad_pixels, geometry
from harness.imports.correction import Correction
from harness.imports.geometry import Optics, option
from harness.imports.numbers_file import read_array
from harness.imports.provenance import DEFAULT, DERIVED, FITTED, OPTION, Found, Table, first
from harness.imports.sources.source import Source
from harness.imports.survey import Sample

THICKNESS_A = 10.0  # of the only slice, where nobody says: it changes nothing
FEWEST_USED = 0.01  # of the stored pixels


@dataclasses.dataclass(frozen=True)
class Grid:
    """The stored patterns' pixels, and the volume's; pairs are (y, x)."""

    detector: tuple[int, int]
    pixel_A: tuple[float, float]
    slices: int
    slice_thickness_A: float

    @property
    def thickness_A(self) -> float:
        return self.slices * self.slice_thickness_A


def left_out(args: argparse.Namespace, source: Source, table: Table) -> np.ndarray:
    """True for patterns without weight."""
    out = np.zeros(source.patterns, bool)
    for start, end in args.leave_out or []:
        if end > source.patterns:
            raise InputError(f"--leave-out: pattern {end - 1} of {source.patterns}; valid: 0 to {source.patterns - 1}")
        out[start:end] = True
    if args.leave_out:
        if (~out).sum() < 2:
            raise InputError(f"--leave-out: leaves {(~out).sum()} of {source.patterns} patterns; valid: at least two stay")
        table.add("patterns left out", f"{out.sum()} of {len(out)}", Found(None, OPTION))
    return out


def background(args: argparse.Namespace, source: Source, table: Table) -> np.ndarray | float:
    """What to take away from every recorded pattern."""
    if args.background is None:
        return 0.0
    if re.fullmatch(r"[-+]?\d+(\.\d*)?([eE][-+]?\d+)?", args.background):
        found = float(args.background)
        table.add("background", f"{found:g} counts in each pixel", Found(None, OPTION))
        return found
    image = np.asarray(read_array(Path(args.background), "--background"), np.float32)
    if image.shape != source.detector or not np.isfinite(image).all():
        shape = source.detector
        raise InputError(f"--background: {args.background} has shape {image.shape}; valid: finite numbers of the detector's {shape}")
    table.add("background", f"{image.mean():.4g} counts in a pixel on average", Found(None, OPTION, args.background))
    return image


def bad(args: argparse.Namespace, sample: Sample, table: Table) -> np.ndarray:
    """True for recorded pixels that tell nothing."""
    shape = sample.mean.shape
    if args.bad_pixels is None:
        return np.zeros(shape, bool)
    if args.bad_pixels == "outliers":
        usable = np.isfinite(sample.mean)
        found = bad_pixels.outliers(sample.mean, sample.error, usable) | ~usable
        origin = Found(None, FITTED, f"they stand out in the mean of {sample.patterns} patterns")
    else:
        found, origin = bad_pixels.named(args.bad_pixels, shape), Found(None, OPTION)
    if found.all():
        raise InputError(f"--bad-pixels: {args.bad_pixels} hides all {found.size} pixels of the detector; valid: some that are not bad")
    where = ", ".join(f"{y}:{x}" for y, x in np.argwhere(found)[:5])
    table.add("bad pixels", f"{found.sum()} of {found.size}" + (f": {where}{' ...' if found.sum() > 5 else ''}" if where else ""), origin)
    return found


def correction(
    args: argparse.Namespace, source: Source, optics: Optics, taken_away: np.ndarray | float, bad_mask: np.ndarray, table: Table
) -> Correction:
    """Crop, bin and pad around the centre. Throws InputError for sizes that do not fit together."""
    recorded = source.detector
    crop = args.crop or tuple(n - n % args.bin for n in recorded)
    for n, most in zip(crop, recorded, strict=True):
        if n > most or n % args.bin or n < 4 * args.bin:
            raise InputError(
                f"--crop: {crop[0]},{crop[1]} of {recorded[0]} x {recorded[1]} pixels with --bin {args.bin}; valid: multiples of "
                f"{args.bin} from {4 * args.bin} to {most}"
            )
    kept = tuple(n // args.bin for n in crop)
    shape = args.pad or kept
    if any(n < k for n, k in zip(shape, kept, strict=True)):
        raise InputError(f"--pad: {shape[0]},{shape[1]} is less than the {kept[0]} x {kept[1]} that --crop and --bin leave; valid: more")
    made = Correction(recorded, optics.centre, shape, crop, args.bin, taken_away, bad_mask if bad_mask.any() else None)
    pixel = tuple(k * args.bin for k in optics.pixel_per_A)
    geometry.refuse_large_aperture(optics, pixel, shape)
    rest = made.rest
    said = f"{shape[0]} x {shape[1]} of {pixel[0]:.5g} x {pixel[1]:.5g} 1/A; the centre is ({rest[0]:+.2f}, {rest[1]:+.2f}) off its pixel"
    table.add("stored pixels", said, option(args.crop or args.pad or (args.bin > 1 or None)) or Found(None, DEFAULT, "as recorded"))
    return made


def used(made: Correction, table: Table) -> np.ndarray:
    """True for stored pixels with weight. Throws InputError when they are too few to tell anything."""
    found = made.used
    if found.mean() < FEWEST_USED or made.bad is not None and not found.any():
        raise InputError(
            f"pixels with weight: {found.sum()} of {found.size} are left after --crop, --pad and --bad-pixels; valid: at least "
            f"{FEWEST_USED:.0%}"
        )
    if not found.all():
        table.add("without weight", f"{(~found).sum()} of {found.size} stored pixels", Found(None, DERIVED, "bad, or not recorded"))
    return found


def grid(args: argparse.Namespace, source: Source, optics: Optics, made: Correction, table: Table) -> Grid:
    """Pixel in real space and slices."""
    pixel = tuple(1 / (n * k * made.bin) for n, k in zip(made.shape, optics.pixel_per_A, strict=True))
    slices = first(option(args.slices), source.found.get("slices"), Found(1, DEFAULT, "a thin specimen"))
    thickness = first(option(args.slice_thickness), source.found.get("slice_thickness_A"))
    if thickness is None:
        if slices.value > 1:
            raise InputError(f"--slice-thickness: is needed with {slices.value} slices; valid: 10A, for example")
        thickness = Found(THICKNESS_A, DEFAULT, "of no effect with one slice")
    table.add("pixel", f"{pixel[0]:.5g} x {pixel[1]:.5g} A", Found(None, DERIVED, "one over the detector's width"))
    table.add("slices", f"{slices.value}", slices)
    table.add("slice thickness", f"{thickness.value:g} A", thickness)
    return Grid(made.shape, pixel, int(slices.value), float(thickness.value))
