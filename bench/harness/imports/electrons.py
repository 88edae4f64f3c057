"""What a count is in electrons, how many electrons a pattern was made with, and how counts are stored."""

import argparse
import dataclasses
import math

import numpy as np

from harness.base.errors import InputError
from harness.imports.correction import Correction
from harness.imports.geometry import option
from harness.imports.provenance import DEFAULT, DERIVED, FITTED, OPTION, Found, Table, first
from harness.imports.sources.source import Source

BRIGHTEST = 1.05  # of the beam, in a pattern: readers refuse more
DOSE = "dose_e_per_A2"
UINT16_BITS = 16


@dataclasses.dataclass(frozen=True)
class Electrons:
    """Stored counts of the whole beam in a pattern, and the dose, which is 0 where it is not known."""

    per_pattern: float
    dose_e_per_A2: float


def refuse_counts_without_dose(args: argparse.Namespace, source: Source) -> None:
    """Whole numbers are counts of something: whether of electrons, nobody can tell from them."""
    if args.electrons_per_count is not None and args.dose is not None:
        raise InputError("--dose and --electrons-per-count both say what a count is; valid: one of them")
    said = args.electrons_per_count is not None or args.dose is not None or DOSE in source.found
    if source.dtype.kind in "iu" and not said:
        raise InputError(
            f"{source.name}: holds counts ({source.dtype}) and no dose; valid: --electrons-per-count (1 for a counting detector; unknown), "
            "or --dose"
        )


def of_beam(sums: np.ndarray) -> float:
    """Counts of the beam: the median sum of a pattern, more where the brightest would exceed it by more than readers accept."""
    if sums.max() <= 0:
        raise InputError("patterns: none has a count in a pixel with weight; valid: another --background, --bad-pixels or --centre")
    return max(float(np.median(sums)), float(sums.max()) / BRIGHTEST)


def scale_of(args: argparse.Namespace, sums: np.ndarray, step_A: tuple[float, float]) -> float:
    """From counts as recorded to electrons; `sums` are of some patterns, made up for pixels without weight. Throws InputError for a
    beam that is less than they hold."""
    beam = of_beam(sums)
    if args.dose is not None:
        electrons = args.dose * step_A[0] * step_A[1]
        if args.electrons_per_pattern and abs(args.electrons_per_pattern / electrons - 1) > 0.01:
            raise InputError(
                f"--electrons-per-pattern: {args.electrons_per_pattern:g}, but --dose and the scan step make {electrons:.6g} in a "
                "pattern; valid: one of them"
            )
        return electrons / beam
    scale = 1.0 if args.electrons_per_count in (None, "unknown") else args.electrons_per_count
    if args.electrons_per_pattern:
        refuse_dim(args.electrons_per_pattern, sums.max() * scale)
    return scale


def settle(
    args: argparse.Namespace, source: Source, sums: np.ndarray, step_A: tuple[float, float], table: Table
) -> Electrons:
    """`sums` of all patterns as they are stored, made up for pixels without weight. Throws InputError for a beam that is less."""
    file, area = source.found, step_A[0] * step_A[1]
    from_sums = Found(of_beam(sums), FITTED, "to the patterns' sums: their median, or what makes the largest 1.05 of it")
    counted = args.electrons_per_count not in (None, "unknown")
    given = None if args.dose is not None else option(args.electrons_per_pattern)
    beam = first(given, None if counted or args.dose else file.get("electrons_per_pattern"), from_sums)
    refuse_dim(beam.value, sums.max())
    if args.dose is not None:
        dose = Found(args.dose, OPTION)
    elif counted:
        dose = Found(beam.value / area, DERIVED, "electrons of a pattern over its share of the scan")
    else:
        dose = first(None if args.electrons_per_count else file.get(DOSE), Found(0.0, OPTION if args.electrons_per_count else DEFAULT))
    table.add("beam in a pattern", f"{beam.value:.6g} (patterns hold {sums.min():.4g} to {sums.max():.4g})", beam)
    said = f"{dose.value:.4g} electrons / A^2" if dose.value else "unknown: patterns are taken for free of noise"
    table.add("dose", said, dose)
    return Electrons(float(beam.value), float(dose.value))


def refuse_dim(beam: float, brightest: float) -> None:
    """A pattern cannot hold more than was sent."""
    if brightest > BRIGHTEST * beam * (1 + 1e-6):
        raise InputError(
            f"electrons per pattern: {beam:.6g}, but the brightest pattern holds {brightest:.6g}; valid: --electrons-per-pattern of at "
            f"least {brightest / BRIGHTEST:.6g}, or --bad-pixels outliers where a pixel is hot"
        )


def type_of_counts(args: argparse.Namespace, source: Source, correction: Correction, table: Table) -> np.dtype:
    """How counts are stored. Throws InputError when they are no whole numbers and were to be stored as such."""
    whole = correction.is_whole and source.dtype.kind in "iub"
    fits = whole and source.dtype.itemsize * 8 + 2 * math.log2(correction.bin) <= UINT16_BITS
    if args.counts == "uint16" and not whole:
        raise InputError("--counts: uint16, but they are no whole numbers as recorded, or after background and scale; valid: float32")
    chosen = np.dtype(args.counts or ("uint16" if fits else "float32"))
    table.add("counts", f"stored as {chosen}", option(args.counts) or Found(None, DEFAULT, f"of {source.dtype}"))
    return chosen
