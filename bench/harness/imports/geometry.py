"""Energy, aperture, detector and lens: each from an option, the file, or the bright-field disk, and all of them consistent."""

import argparse
import dataclasses
import math

from harness.base.errors import InputError
from harness.imports import aberrations, quantities
from harness.imports.aberrations import Aberrations
from harness.imports.disk import Disk
from harness.imports.provenance import DEFAULT, FILE, FITTED, OPTION, Found, Table, first
from harness.imports.sources.source import Source

CONTRADICTION = 0.2  # between the disk's radius and what aperture and detector pixel give, relative
DOUBT = 0.05


@dataclasses.dataclass(frozen=True)
class Optics:
    """Units as everywhere: eV, mrad, angstrom; `pixel_per_A` (y, x) of the recorded detector, `radius` of the disk in its pixels."""

    energy_eV: float
    semiangle_mrad: float
    C10_A: float
    C30_A: float
    pixel_per_A: tuple[float, float]
    centre: tuple[float, float]
    radius: float
    aberrations: Aberrations = dataclasses.field(default_factory=dict)

    @property
    def wavelength_A(self) -> float:
        return quantities.wavelength_A(self.energy_eV)

    def circle_radius_A(self, thickness_A: float) -> float:
        """Of what the probe illuminates at the wider of the specimen's two surfaces: at least the Airy disk's."""
        angle = self.semiangle_mrad * 1e-3
        airy = 0.61 * self.wavelength_A / angle
        surfaces = [self.C10_A + z for z in (0.0, thickness_A)]
        if self.aberrations:
            return max(airy, *(aberrations.widest_ray_A(self.aberrations, c10, self.C30_A, angle) for c10 in surfaces))
        return max(airy, *(abs(c10 * angle + self.C30_A * angle**3) for c10 in surfaces))


def option(value) -> Found | None:
    return None if value is None else Found(value, OPTION)


def needed(found: Found | None, what: str, words: str, more: str = "") -> Found:
    if found is None:
        raise InputError(f"{what}: neither the source nor an option says{more}; valid: {words}")
    return found


def settle(args: argparse.Namespace, source: Source, disk: Disk | None, table: Table) -> Optics:
    """Throws InputError for what is missing, and for values that contradict each other or the disk."""
    file = source.found
    energy = needed(first(option(args.energy), file.get("energy_eV")), "energy", "--energy 300keV, for example")
    wavelength = quantities.wavelength_A(energy.value)
    radius = first(option(args.disk_radius), Found(disk.radius, FITTED, "to the mean pattern") if disk and disk.is_one else None)
    semiangle = first(option(args.semiangle), file.get("semiangle_mrad"))
    pixel = recorded_pixel(args, file, wavelength)
    if pixel is None and semiangle and radius:
        k = semiangle.value * 1e-3 / wavelength / radius.value
        pixel = Found((k, k), FITTED, f"aperture over a disk of {radius.value:.4g} pixels")
    without = "" if radius else f", and there is no disk to fit it to, since {why_no_disk(disk)}"
    words = "--detector-pixel 0.032/A or 0.8mrad, or --semiangle where the mean pattern shows a disk"
    pixel = needed(pixel, "detector pixel", words, without)
    mean_pixel = math.sqrt(pixel.value[0] * pixel.value[1])
    if semiangle is None and radius:
        semiangle = Found(radius.value * mean_pixel * wavelength * 1e3, FITTED, f"a disk of {radius.value:.4g} pixels")
    semiangle = needed(semiangle, "semiangle", "--semiangle 21.4mrad, for example")
    expected = semiangle.value * 1e-3 / wavelength / mean_pixel
    refuse_contradiction(expected, radius, semiangle, pixel, wavelength)
    centre = centre_of(args, source, disk)
    lens = option(args.C10) or option(None if args.defocus is None else -args.defocus)
    c10 = first(lens, file.get("C10_A"), Found(0.0, DEFAULT, "in focus"))
    c30 = first(option(args.C30), file.get("C30_A"), Found(0.0, DEFAULT))
    table.add("energy", f"{energy.value / 1e3:g} keV, wavelength {wavelength:.6g} A", energy)
    table.add("semi-angle", f"{semiangle.value:.5g} mrad", semiangle)
    in_mrad = mean_pixel * wavelength * 1e3
    table.add("detector pixel", f"{pixel.value[0]:.5g} x {pixel.value[1]:.5g} 1/A ({in_mrad:.4g} mrad), as recorded", pixel)
    there = f", {radius.value:.4g} in the patterns" if radius else ""
    table.add("disk radius", f"{expected:.4g} pixels by aperture and pixel{there}", radius or Found(None, DEFAULT, "no disk was fitted"))
    ny, nx = source.detector
    table.add("centre (y, x)", f"({centre.value[0]:.2f}, {centre.value[1]:.2f}) of {ny} x {nx} pixels", centre)
    table.add("C10", f"{c10.value:g} A (defocus {-c10.value:g} A)", c10)
    table.add("C30", f"{c30.value:g} A", c30)
    others = not_round(args, file, table)
    return Optics(energy.value, semiangle.value, c10.value, c30.value, pixel.value, centre.value, expected, others)


def not_round(args: argparse.Namespace, file: dict[str, Found], table: Table) -> Aberrations:
    """The other aberrations that there are; an option replaces the file's of its name only. Throws InputError for a file's magnitude
    below 0."""
    found = {}
    for name in aberrations.ORDERS:
        told = first(option((args.aberrations or {}).get(name)), file.get(name))
        if told is None or told.value[0] == 0:
            continue
        magnitude, angle = told.value
        if magnitude < 0:
            same = aberrations.above_0(name, magnitude, angle)
            raise InputError(f"{told.taken_from} is {magnitude:g} A, a magnitude below 0; valid: --aberrations {same}, which is the same")
        found[name] = told.value
        table.add(name, aberrations.in_words(*told.value), told)
    return found


def recorded_pixel(args: argparse.Namespace, file: dict[str, Found], wavelength: float) -> Found | None:
    """The detector's pixel in 1/A, by whichever unit it was given in. Throws InputError when a file gives two that differ."""
    if args.detector_pixel is not None:
        ending, pair = args.detector_pixel
        return Found(tuple(per_A(ending, value, wavelength) for value in pair), OPTION)
    found = {}
    for ending in ("_per_A", "_mrad"):
        if there := file.get("detector_pixel" + ending):
            found[ending] = Found(tuple(per_A(ending, value, wavelength) for value in there.value), FILE, there.where)
    if len(found) == 2 and abs(math.log(found["_per_A"].value[0] / found["_mrad"].value[0])) > DOUBT:
        one, other = found.values()
        raise InputError(
            f"detector pixel: {one.where} says {one.value[0]:.4g} 1/A, {other.where} {other.value[0]:.4g} 1/A; valid: --detector-pixel"
        )
    return next(iter(found.values()), None)


def per_A(ending: str, value: float, wavelength: float) -> float:
    return value if ending == "_per_A" else value * 1e-3 / wavelength


def refuse_contradiction(expected: float, radius: Found | None, semiangle: Found, pixel: Found, wavelength: float) -> None:
    """Aperture, detector pixel and disk are three of which two determine the third."""
    if radius is None or abs(expected / radius.value - 1) <= CONTRADICTION:
        return
    mean_pixel = math.sqrt(pixel.value[0] * pixel.value[1])
    raise InputError(
        f"semiangle {semiangle.value:.4g} mrad ({semiangle.taken_from}) and detector pixel {mean_pixel:.4g} 1/A "
        f"({mean_pixel * wavelength * 1e3:.4g} mrad; {pixel.taken_from}) make a disk of {expected:.4g} pixels' radius, the patterns' is "
        f"{radius.value:.4g}; valid: --semiangle {radius.value * mean_pixel * wavelength * 1e3:.4g}mrad, --detector-pixel "
        f"{semiangle.value / radius.value:.4g}mrad, or --disk-radius"
    )


def why_no_disk(disk: Disk | None) -> str:
    return "the patterns are dark" if disk is None else f"what is bright is {disk.roundness:.0%} of a circle of {disk.radius:.3g} pixels"


def centre_of(args: argparse.Namespace, source: Source, disk: Disk | None) -> Found:
    """Throws InputError for a centre outside, and where there is no disk to fit it to."""
    ny, nx = source.detector
    if args.centre == "middle":
        return Found((float(ny // 2), float(nx // 2)), OPTION, "middle")
    if args.centre != "fit":
        if not all(0 <= c <= n - 1 for c, n in zip(args.centre, (ny, nx), strict=True)):
            raise InputError(f"--centre: {args.centre[0]:g},{args.centre[1]:g}; valid: inside the patterns of {ny} x {nx} pixels")
        return Found(args.centre, OPTION)
    if disk is None or not disk.is_one:
        raise InputError(f"--centre: no bright-field disk to fit it to, since {why_no_disk(disk)}; valid: --centre Y,X or --centre middle")
    if disk.reaches_past(source.detector):
        raise InputError(
            f"the bright-field disk (radius {disk.radius:.4g} pixels around ({disk.centre[0]:.4g}, {disk.centre[1]:.4g})) reaches past the "
            f"detector of {ny} x {nx} pixels; valid: patterns that hold it, or --centre and --disk-radius where the fit is wrong"
        )
    return Found(disk.centre, FITTED, f"bright-field disk of {disk.radius:.4g} pixels, {disk.roundness:.0%} round")


def refuse_large_aperture(optics: Optics, pixel_per_A: tuple[float, float], shape: tuple[int, int]) -> None:
    """The stored pattern must hold the aperture."""
    edge = optics.semiangle_mrad * 1e-3 / optics.wavelength_A
    half = min(n * k / 2 for n, k in zip(shape, pixel_per_A, strict=True))
    if edge > half:
        raise InputError(
            f"semiangle {optics.semiangle_mrad:.4g} mrad is larger than the detector: {shape[0]} x {shape[1]} stored pixels reach to "
            f"{half * optics.wavelength_A * 1e3:.4g} mrad; valid: a smaller one, a larger --crop or --pad, or another --detector-pixel"
        )
