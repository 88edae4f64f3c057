"""`ptychoscale sweep`: one run per point of a product of settings; goes on where it stopped."""

import argparse
import hashlib
import json
import math
import re
import time
from pathlib import Path

import pandas

from harness.base import documents
from harness.base.errors import EXIT_FAILED, EXIT_OK, InputError, RunError
from harness.runs import datasets, measure, options, program, targets, unfinished
from harness.runs.grid import add_dimensions, arguments_of, known_of, most_ranks, product, read_spec

EPILOG = """Examples:
  ptychoscale sweep smoke --methods gd,hve --ranks 1,2,4 -o runs
  ptychoscale sweep ci --methods gd --ranks 4 --rounds 1,2,max --exchanges appp,allreduce -o runs
  ptychoscale sweep pbtio3-large --plan --ranks 6,54,924 --grids window,tile -o plans
  ptychoscale sweep ci-mismatch --methods gd --ranks 1,4 --rounds 1,8 --options=--refine-probe -o refined
  ptychoscale sweep spec.json -o runs
A spec is JSON with the key "case" and, as lists, what the options name: {"case": "ci", "methods": ["gd"], "ranks": [1, 2, 4]}; also
"iterations", a number, and "options", the text that --options takes.
A point that cannot be, or fails, is a row with its reason; points that failed are tried again when the same command is repeated,
all others are kept. The exit code is 1 when a run failed, 0 when points merely cannot be."""

VOLUME = re.compile(r"[0-9a-f]{16}\.h5(\.partial)?")  # of a point, see key_of()
SIMULATION_RANKS = 4  # more bring little, since one rank writes
COLUMNS = {
    "iterations to target": ("iterations_to_target", 1),
    "s to target": ("seconds_to_target", 1),
    "s per iteration": ("seconds_per_iteration", 1),
    "rank-ms per position": ("seconds_per_position", 1e3),
    "peak MB per rank": ("memory_peak_bytes_max", 1e-6),
    "sent, MB": ("bytes_sent", 1e-6),
    "messages": ("messages_sent", 1),
    "cost": ("cost", 1),
}


def add_parser(subparsers) -> None:
    """The command line of `sweep`."""
    parser = subparsers.add_parser(
        "sweep",
        description="Run, or with --plan predict, every combination of settings on one case.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=run, interrupted="the same command goes on where this one stopped")
    add = parser.add_argument
    add("what", metavar="CASE|SPEC", help="a case by name or file, or a JSON file that says what to sweep over")
    add("-o", "--output", type=Path, required=True, help="folder for dataset, points and report.json")
    add_dimensions(parser)
    add("--iterations", type=options.positive_int, help="iterations of every run; left out: the case's")
    add("--dataset", type=Path, help="use this dataset; left out: simulate the case unless the folder has it")
    add("--plan", action="store_true", help="predict with `ptychoscale plan` instead of running")
    add("--rates", type=Path, help="with --plan: kernel times by `ptychoscale rates`")
    options.add_more_options(parser)
    options.add_launch_options(parser)


def key_of(settings: dict, base: dict) -> str:
    """Names a point by its content: the same settings of the same dataset have the same key."""
    content = json.dumps([settings, base], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()[:16]


def remove_volumes(folder: Path) -> None:
    """Removes the volumes that a sweep left when it was killed: no point's report needs one."""
    for file in folder.iterdir():
        if VOLUME.fullmatch(file.name):
            file.unlink()


class Runner:
    """Makes points, each a report in the folder `points`."""

    def __init__(self, args: argparse.Namespace, base: dict, subject: datasets.Subject | None):
        self.args, self.base, self.subject = args, base, subject
        self.more = base.get("options", ())
        self.folder = documents.prepare_folder(args.output / "points")
        remove_volumes(self.folder)

    def file_of(self, settings: dict) -> Path:
        return self.folder / f"{key_of(settings, self.base)}-{'plan' if self.args.plan else 'run'}.json"

    def kept(self, settings: dict) -> dict | None:
        """The report of an earlier sweep, if it is whole and no failure."""
        try:
            report = documents.read_report(self.file_of(settings))
        except InputError:
            return None
        if "error" in report["benchmarks"][0]:
            return None
        unfinished.forget(self.folder / f"{key_of(settings, self.base)}.h5")  # a kill just after the report has left its note
        return report

    def make(self, settings: dict) -> dict:
        """Runs or plans one point. Throws InputError for one that cannot be, RunError for one that failed."""
        return self.plan(settings) if self.args.plan else self.run(settings)

    def run(self, settings: dict) -> dict:
        known, args = known_of(settings), self.args
        protocol = measure.Protocol(self.folder, args.launcher, time_limit=args.time_limit)
        follow = ("--quality-every", "1") if self.subject.truth else ()
        common = (str(self.subject.dataset), "--backend", args.backend, *follow, *arguments_of(settings), *self.more)
        iterations = self.base["iterations"]
        name = key_of(settings, self.base)
        point = measure.Point(name, known["method"], known["ranks"], iterations, common, threads=args.threads)
        try:
            return measure.run(point, protocol, "run")
        finally:
            measure.reconstruction_of(point, protocol).unlink(missing_ok=True)  # the report holds what a sweep is about

    def plan(self, settings: dict) -> dict:
        known, args = known_of(settings), self.args
        source = ["--dataset", args.dataset] if args.dataset else ["--case", self.base["case"]]
        words = ["plan", *source, "--ranks", known["ranks"], "--methods", known["method"], *arguments_of(settings), *self.more]
        words += ["--rates", args.rates] if args.rates else []
        words += program.thread_words(args.threads)
        report = program.ask_json(*words, "--json", "-")
        documents.write_report(self.file_of(settings), report)
        return report


class Sweep:
    """All points in their order, with what is known of each so far, and its report on disk."""

    def __init__(self, args: argparse.Namespace, points: list[dict], runner: Runner):
        self.args, self.points, self.runner = args, points, runner
        self.reports: list[dict | None] = [runner.kept(settings) for settings in points]
        self.failures: dict[int, str] = {}

    def row(self, i: int) -> dict:
        """What is known of a point that was tried."""
        if i not in self.failures:
            row = dict(self.reports[i]["benchmarks"][0])
            options.name_options(row, self.runner.more)
            if self.runner.subject:
                datasets.name_data(row, self.runner.subject)
                targets.add(row, self.runner.subject.case["targets"], lambda: self.runner.subject.cost_of_noise)
            return row
        known = known_of(self.points[i])
        known["name"] = f"{self.runner.base['case']}/{known['name']}"
        options.name_options(known, self.runner.more)
        return documents.error_row(self.failures[i], **known)

    def write(self) -> None:
        """Writes report.json: every point that was tried."""
        tried = [i for i, report in enumerate(self.reports) if report is not None or i in self.failures]
        rows = [self.row(i) for i in tried]
        reports = [self.reports[i] for i in tried]
        merged = documents.merge(reports, rows, self.args.argv, "modelled" if self.args.plan else None)
        merged["context"]["sweep"] = {"points": len(self.points), "tried": len(tried)}
        documents.write_report(self.args.output / "report.json", merged)

    def carry_out(self) -> bool:
        """Makes what is missing; gives whether no run failed."""
        missing = [i for i, report in enumerate(self.reports) if report is None]
        if len(missing) < len(self.points):
            program.say(f"{len(self.points) - len(missing)} of {len(self.points)} points are there already")
        sound, start = True, time.monotonic()
        for done, i in enumerate(missing):
            left = f", about {(time.monotonic() - start) / done * (len(missing) - done):.0f} s left" if done else ""
            program.say(f"point {i + 1} of {len(self.points)}: {known_of(self.points[i])['name']}{left}")
            try:
                self.reports[i] = self.runner.make(self.points[i])
            except (InputError, RunError) as error:
                self.failures[i] = str(error)
                sound = sound and isinstance(error, InputError)
            self.write()
        if not missing:
            self.write()
        return sound


def table(rows: list[dict]) -> str:
    """The points for people, one line each; those that cannot be, or failed, with their reason."""
    frame = pandas.DataFrame({title: [scaled(row, *of) for row in rows] for title, of in COLUMNS.items()})
    settings = [known_name(row) for row in rows]
    text = frame.set_axis(settings).to_string(na_rep="-", float_format=lambda value: f"{value:.4g}")
    reasons = [f"{known_name(row)}: {row['error']}" for row in rows if "error" in row]
    return "\n".join([text, *reasons])


def scaled(row: dict, key: str, scale: float) -> float:
    return row[key] * scale if row.get(key) is not None else math.nan


def known_name(row: dict) -> str:
    """What tells a point of a sweep from the others."""
    varied = [row[key] for key in ("rounds", "grid", "adjoint", "exchange", "update") if key in row]
    varied += ["delayed"] if "delay" in row else []
    halo = row.get("halo_px")
    return " ".join([row["name"], *map(str, varied), *([f"halo {halo[0]}x{halo[1]}"] if halo else [])])


def run(args: argparse.Namespace) -> int:
    """Carries out `sweep`; 1 when a run failed."""
    spec = read_spec(args)
    points = product(spec)
    largest = most_ranks(points)
    program.check_launcher(args.launcher, largest, args.threads)
    case = datasets.read_case(spec["case"])
    if args.rates and not args.plan:
        raise InputError("--rates: is for --plan; runs are timed")
    subject = args.dataset and datasets.describe(spec["case"], case, args.dataset, check_content=not args.plan)
    documents.take_folder(args.output, args.argv)
    if subject is None and not args.plan:
        ranks = min(largest, SIMULATION_RANKS)
        subject = datasets.obtain(spec["case"], case, args.output, ranks, args.launcher, args.threads, args.time_limit)
    base = {
        "case": spec["case"],
        "data": subject.hash if subject else case["header"],
        "iterations": spec.get("iterations", case["iterations"]),
        "backend": args.backend,
        "rates": args.rates and documents.read_json(args.rates),
        **({"threads": args.threads} if args.threads else {}),
        **({"options": spec["options"]} if spec["options"] else {}),
    }
    sound = Sweep(args, points, Runner(args, base, subject)).carry_out()
    print(table(documents.read_report(args.output / "report.json")["benchmarks"]))
    return EXIT_OK if sound else EXIT_FAILED
