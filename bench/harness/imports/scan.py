"""The scan: its shape, its positions in the detector's frame, and the volume around them."""

import argparse
import dataclasses
import math

import numpy as np

from harness.base.errors import InputError
from harness.imports import positions
from harness.imports.geometry import Optics, option
from harness.imports.positions import Scan
from harness.imports.provenance import DEFAULT, FILE, OPTION, Found, Table, first
from harness.imports.settings import Grid
from harness.imports.sources.source import Source

STEP_TOLERANCE = 0.1  # as the reader has it, between nominal steps and positions


@dataclasses.dataclass(frozen=True)
class Placed:
    """A scan whose positions are in the volume, of which `volume` is the pixels of a slice."""

    scan: Scan
    volume: tuple[int, int]
    rotation_deg: float
    transposed: bool


def settle(args: argparse.Namespace, source: Source, optics: Optics, grid: Grid, table: Table) -> Placed:
    """Throws InputError for what is missing, and for what does not fit together."""
    shape = shape_of(args, source, table)
    file = source.found
    rotation = first(option(args.rotation), file.get("rotation_deg"), Found(0.0, DEFAULT))
    transposed = first(option(args.transpose), file.get("transposed"), Found(False, DEFAULT))
    listed = positions_of(args, source)
    if listed is None:
        step = first(option(args.scan_step), file.get("scan_step_A"))
        if step is None:
            raise InputError("scan step: neither the source nor an option says; valid: --scan-step 0.4A, or --positions")
        shape = shape or (1, source.patterns)
        scan, origin = Scan(shape, step.value, positions.raster(shape, step.value), True), step
    else:
        scan, origin = positions.listed_scan(listed.value, shape or (1, source.patterns), listed.where or "--positions"), listed
        scan = with_nominal_step(args, scan)
    positions.refuse_apart(scan, 2 * optics.circle_radius_A(grid.thickness_A))
    turned = positions.turned(scan.positions_A, rotation.value, transposed.value)
    placed, volume = positions.placed(turned, grid.pixel_A, grid.detector, args.volume)
    kind = "raster" if scan.is_raster else "scattered"
    table.add("positions", f"{len(placed)}, {kind}, steps of {scan.step_A[0]:.4g} x {scan.step_A[1]:.4g} A", origin)
    table.add("rotation", f"{rotation.value:g} degrees", rotation)
    table.add("transposed", "yes" if transposed.value else "no", transposed)
    table.add("volume", f"{grid.slices} x {volume[0]} x {volume[1]}", option(args.volume) or Found(None, DEFAULT, "room for every window"))
    return Placed(dataclasses.replace(scan, positions_A=placed), volume, float(rotation.value), bool(transposed.value))


def shape_of(args: argparse.Namespace, source: Source, table: Table) -> tuple[int, int] | None:
    """Rows and columns; None for a list of patterns of which nobody says how they were scanned. Throws InputError when they do not
    multiply out."""
    own = source.shape[:2] if len(source.shape) == 4 else None
    found = first(option(args.scan), Found(own, FILE) if own else None, source.found.get("scan"))
    if found is None:
        if args.positions is None and "positions_A" not in source.found:
            raise InputError(f"scan: {source.name} is a list of {source.patterns} patterns; valid: --scan ROWS,COLUMNS, or --positions")
        return None
    if math.prod(found.value) != source.patterns:
        raise InputError(
            f"--scan: {found.value[0]} x {found.value[1]} are {math.prod(found.value)} positions, {source.name} has {source.patterns} "
            f"patterns (shape {source.shape}); valid: rows and columns that multiply out to that"
        )
    table.add("scan", f"{found.value[0]} rows of {found.value[1]}", found)
    return tuple(found.value)


def positions_of(args: argparse.Namespace, source: Source) -> Found | None:
    """The list of positions; one of an option goes before the file's. Throws InputError when their number is another."""
    if args.positions is not None:
        found = Found(positions.read(args.positions, args.positions_unit), OPTION, args.positions)
    elif args.scan_step is not None or "positions_A" not in source.found:
        return None
    else:
        found = source.found["positions_A"]
    if np.shape(found.value) != (source.patterns, 2):
        raise InputError(f"positions: {found.where} has {len(found.value)}, {source.name} {source.patterns} patterns; valid: one for each")
    return found


def with_nominal_step(args: argparse.Namespace, scan: Scan) -> Scan:
    """Positions keep the nominal step that was given, when it is theirs."""
    if args.scan_step is None:
        return scan
    if scan.is_raster and any(abs(n / f - 1) > STEP_TOLERANCE for n, f in zip(args.scan_step, scan.step_A, strict=True)):
        raise InputError(
            f"--scan-step: {args.scan_step[0]:g} x {args.scan_step[1]:g} A, but the positions have steps of {scan.step_A[0]:.4g} x "
            f"{scan.step_A[1]:.4g} A; valid: leave it out; is a unit another one?"
        )
    return dataclasses.replace(scan, step_A=args.scan_step)
