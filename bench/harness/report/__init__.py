"""`ptychoscale report`: one page, readable offline, of all reports under a folder."""

import argparse
from pathlib import Path

from harness.report.page import make_page
from harness.report.publish import check_replaceable, publish
from harness.report.sources import read_sources

EPILOG = """examples:
  ptychoscale report demo -o demo/report
  ptychoscale report results -o page
  ptychoscale report results/*/ -o machines      # what several machines have run is also set side by side
  ptychoscale report runs-of-* -o history        # what several commits took on one machine: a history, with the gate's limits
Every JSON report below DIR is in it or makes the command fail; other JSON files are listed with why they are left out.
Reconstructions (.h5) below DIR are drawn when the dataset they belong to, with its truth, is there, too."""


def add_parser(subparsers) -> None:
    """The command line of `report`."""
    parser = subparsers.add_parser(
        "report",
        description="Make one self-contained HTML page of all reports below some folders, its figures also as SVG and PNG, its tables as CSV.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=run)
    parser.add_argument("folders", metavar="DIR", type=Path, nargs="+", help="folders with reports, at any depth")
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        required=True,
        metavar="OUT",
        help="folder for index.html, figures/ and data/; an earlier page in it is replaced, other files in it stay",
    )


def run(args: argparse.Namespace) -> int:
    """Carries out `report`."""
    check_replaceable(args.output)
    publish(make_page(read_sources(args.folders, args.output)), args.output)
    print(args.output / "index.html")
    return 0
