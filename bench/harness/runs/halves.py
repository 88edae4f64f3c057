"""`ptychoscale halves`: what a scan without a truth tells of its reconstructions, by two halves of its positions."""

import argparse
from pathlib import Path

import h5py
import numpy as np

from harness.base import documents, ring_correlation
from harness.base.errors import EXIT_FAILED, EXIT_OK, InputError, RunError
from harness.base.hdf5 import open_file
from harness.base.identity import fingerprint
from harness.base.ring_correlation import HALF_BIT, ONE_BIT
from harness.base.voxels import POTENTIAL, check_voxels, numbers, slice_sum
from harness.runs import half_datasets, measure, options, program

BLIND = (
    "errors that both halves share look like agreement: a wrong probe, wrong positions or optics, too few slices, a seam at the tiles' "
    "borders, a blurring detector"
)
EPILOG = f"""Examples:
  ptychoscale halves mine.h5 -o quality
  ptychoscale halves mine.h5 -o quality --methods gd --ranks 16 --iterations 50 --options '--update accelerated --rounds 1'
Every solver reconstructs the scan three times: all of it, for cost, times and volume, and each half of its positions: they go
{half_datasets.SPLIT}.
The halves' potentials, summed over slices, are correlated ring by ring in Fourier space where the scan has lit the specimen (the
positions' hull, with soft edges; offset and ramp removed). The resolution is one over the frequency of the last ring that is above
what half a bit of information per pixel makes of it, before the first that is below; tables also have one bit. Each half has half
the dose and half the overlap: the whole scan's reconstruction is somewhat better. And
{BLIND}."""


def add_parser(subparsers) -> None:
    """The command line of `halves`."""
    parser = subparsers.add_parser(
        "halves",
        description="Reconstruct a scan that has no truth, and each half of its positions: to what detail do the halves agree?",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=run, interrupted="no report was written")
    add = parser.add_argument
    add("dataset", metavar="DATASET", type=Path, help="a dataset of `ptychoscale import` or `simulate`, or another in that layout")
    add("-o", "--output", type=Path, required=True, help="folder for reconstructions, logs and report.json")
    add("--ranks", type=options.positive_int, default=4, help="ranks of the parallel solvers; serial runs on one [%(default)s]")
    add("--methods", type=options.methods, default="serial,gd,hve", help="solvers to run [%(default)s]")
    add("--iterations", type=options.positive_int, default=20, help="of every reconstruction [%(default)s]")
    options.add_more_options(parser)
    options.add_launch_options(parser)


def summed(file: Path) -> np.ndarray:
    """A reconstruction's potential [y][x], added up over slices."""
    with open_file(file) as opened:
        potential = numbers(opened, POTENTIAL, 3)
        check_voxels(potential, opened)
        return slice_sum(potential, opened)


def lit_weights(dataset: Path, shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """(pixel in angstrom, weights of the volume's pixels by the positions in use)."""
    with h5py.File(dataset) as file:
        own = file["ptychoscale"]
        positions, pixel = own["positions_A"][...].astype(float), np.array(own.attrs["pixel_A"], float)
        used = own[half_datasets.USED][...].astype(bool) if half_datasets.USED in own else np.ones(len(positions), bool)
    return pixel, ring_correlation.weights_of(positions[used], pixel, shape)


class Halves:
    """Runs of one dataset and its two halves."""

    def __init__(self, args: argparse.Namespace, protocol: measure.Protocol):
        self.args, self.protocol = args, protocol
        self.datasets = half_datasets.write(args.dataset, args.output)

    def point(self, method: str, dataset: Path, half: str = "") -> measure.Point:
        ranks = 1 if method == "serial" else self.args.ranks
        arguments = (str(dataset), "--backend", self.args.backend, *self.args.options)
        label = f"{method}-{half}" if half else method
        return measure.Point(label, method, ranks, self.args.iterations, arguments, threads=self.args.threads)

    def correlate(self, row: dict) -> None:
        """Runs both halves and adds to the whole's row how they agree, or why that is not known."""
        row["halves_split"] = half_datasets.SPLIT
        try:
            images, uuids = [], []
            for name, dataset in zip(half_datasets.HALVES, self.datasets, strict=True):
                point = self.point(row["method"], dataset, name)
                program.say(f"{measure.describe(point)}, half of the positions")
                uuids.append(measure.run(point, self.protocol, "0")["context"]["uuid"])
                images.append(summed(measure.reconstruction_of(point, self.protocol)))
            row["halves_run_uuids"] = uuids
            pixel, weights = lit_weights(self.args.dataset, images[0].shape)
            add_correlation(row, ring_correlation.ring_correlation(*images, pixel, weights))
        except (InputError, RunError, ValueError) as error:
            row["halves_not_computed"] = str(error)


def add_correlation(row: dict, found: ring_correlation.RingCorrelation) -> None:
    row["halves_resolution_A"] = found.resolutions_A[HALF_BIT]
    row["halves_one_bit_resolution_A"] = found.resolutions_A[ONE_BIT]
    row["halves_frequency_per_A"] = found.frequency_per_A.tolist()
    row["halves_correlation"] = found.correlation.tolist()
    row["halves_half_bit"] = found.thresholds[HALF_BIT].tolist()
    row["halves_one_bit"] = found.thresholds[ONE_BIT].tolist()


def in_words(row: dict) -> str:
    """What became of one solver's halves, in one line."""
    if "error" in row:
        return f"{row['method']}: no halves, since the whole failed"
    if "halves_not_computed" in row:
        return f"{row['method']}: no halves: {row['halves_not_computed']}"
    half, one = row["halves_resolution_A"], row["halves_one_bit_resolution_A"]
    if half is None:
        return f"{row['method']}: the halves agree in nothing, not even in the largest features"
    finest = 1 / row["halves_frequency_per_A"][-1]
    more = f", to {one:.3g} A by one bit" if one else ", nowhere by one bit"
    end = ", the last ring there is" if half <= finest else ""
    return f"{row['method']}: the halves agree to {half:.3g} A by half a bit{more}{end}"


def check(dataset: Path) -> dict:
    """The dataset's header. Throws InputError for anything else."""
    found = program.ask_json("info", dataset, "--json")
    if "header" not in found or "truth" not in found:
        raise InputError(f"{dataset}: is no dataset; valid: one of `ptychoscale import` or `simulate`")
    return found["header"]


def run(args: argparse.Namespace) -> int:
    """Carries out `halves`; 1 when a run failed or its cost did not fall, or halves could not be compared."""
    program.check_launcher(args.launcher, args.ranks, args.threads)
    header = check(args.dataset)
    documents.take_folder(args.output, args.argv)
    protocol = measure.Protocol(args.output, args.launcher, time_limit=args.time_limit)
    halves = Halves(args, protocol)
    series = measure.measure([halves.point(method, args.dataset) for method in args.methods], protocol)
    rows = [measure.row_of(each, protocol) for each in series]
    for row in rows:
        row["case_hash"] = fingerprint(header)
        options.name_options(row, args.options)
        if "error" not in row:
            halves.correlate(row)
    report = documents.merge([each.report for each in series], rows, args.argv)
    documents.write_report(args.output / "report.json", report)
    print(program.ask("info", args.output / "report.json"), end="")
    print("\n".join(map(in_words, rows)))
    print(f"What halves do not show: {BLIND}.")
    good = all(row.get("verified", False) and "halves_not_computed" not in row for row in rows)
    return EXIT_OK if good else EXIT_FAILED
