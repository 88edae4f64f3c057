"""`ptychoscale bench`: solvers side by side on one case, in one report and one table."""

import argparse
import json
from pathlib import Path

from harness.base import documents
from harness.base.errors import EXIT_FAILED, EXIT_OK
from harness.runs import datasets, leftovers, measure, options, program, targets
from harness.runs.datasets import Subject
from harness.runs.verification import SeamJudge, check_cost, check_golden, conclude

EPILOG = """Examples:
  ptychoscale bench ci -o demo
  ptychoscale bench ci --methods gd,hve --ranks 2 --repeat 30 -o demo
  ptychoscale bench ci --methods serial,gd,gd:accelerated,hve -o rules
  ptychoscale bench ci-mismatch --methods gd --options '--refine-probe --rounds 8' -o refined
  ptychoscale bench workstation --launcher 'srun -n {ranks}' --ranks 16 -o runs
An interrupted bench goes on with the run, and in it with the checkpoint, where it stopped, when the same command is given again.
A run that fails is a row with its reason; one that is not verified (backend against an independent code, cost, seams against a
serial control) shows no figures. Either makes the exit code 1."""


def add_parser(subparsers) -> None:
    """The command line of `bench`."""
    parser = subparsers.add_parser(
        "bench",
        description="Run solvers side by side on one case and compare them in one table.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=run, interrupted="no report was written; the same command goes on where this one stopped")
    add = parser.add_argument
    add("case", metavar="CASE", help="a case of bench/cases, or the path of a case file ending in .json")
    add(
        "-o",
        "--output",
        type=Path,
        required=True,
        help="folder for dataset, reconstructions, logs and report.json; an earlier bench's runs in it are removed",
    )
    add("--dataset", type=Path, help="use this dataset; left out: simulate the case unless the folder has it")
    add("--ranks", type=options.positive_int, default=4, help="ranks of the parallel solvers; serial runs on one [%(default)s]")
    add(
        "--methods",
        metavar="LIST",
        type=options.solvers,
        default="serial,gd,hve",
        help="solvers to run, separated by commas; one with another update rule is SOLVER:RULE, such as gd:accelerated [%(default)s]",
    )
    add("--iterations", type=options.positive_int, help="iterations; left out: the case's")
    add(
        "--repeat",
        type=options.positive_int,
        default=1,
        help="runs of each solver, at most, after one to warm up; fewer once the median is known; 6 or more give its 95 %% interval "
        "[%(default)s: one run, no warm-up]",
    )
    add(
        "--precision",
        type=options.fraction,
        default=0.02,
        help="the median is known when its 95 %% interval is this near, relative to it [%(default)s]",
    )
    add(
        "--control",
        choices=["serial", "none"],
        default="serial",
        help="what tile borders are compared with: a serial run of the same steps, or nothing where that would take too long "
        "[%(default)s]",
    )
    options.add_more_options(parser)
    options.add_launch_options(parser)


def note_of(args: argparse.Namespace) -> Path:
    """Where a bench notes that it has begun; it is removed when the report is written."""
    return args.output / "bench.begun"


def begun(args: argparse.Namespace, case: dict) -> str:
    """All that the runs of a bench follow from."""
    options = {key: str(value) for key, value in vars(args).items() if key not in ("run", "interrupted", "argv", "output")}
    data = args.dataset and [args.dataset.stat().st_size, args.dataset.stat().st_mtime_ns]
    return json.dumps([program.identity(), case, options, data])


def resume_or_begin(args: argparse.Namespace, case: dict) -> bool:
    """Whether this bench goes on where the same command was interrupted; otherwise the folder loses what another one left."""
    said, note = begun(args, case), note_of(args)
    if note.is_file() and note.read_text() == said:
        program.say(f"{args.output}: goes on where the same command was interrupted")
        return True
    leftovers.remove(args.output, case["header"]["case"], args.dataset)
    note.write_text(said)
    return False


def prepare(args: argparse.Namespace) -> tuple[Subject, bool]:
    """Checks the input, all of it before anything runs, and makes the dataset if there is none. Also gives whether runs that an
    interrupted bench has left count."""
    program.check_launcher(args.launcher, args.ranks, args.threads)
    case = datasets.read_case(args.case)
    subject = args.dataset and datasets.describe(args.case, case, args.dataset)
    documents.take_folder(args.output, args.argv)
    resumes = resume_or_begin(args, case)
    subject = subject or datasets.obtain(args.case, case, args.output, args.ranks, args.launcher, args.threads, args.time_limit)
    return subject, resumes


def verify(series: list[measure.Series], rows: list[dict], subject: Subject, args: argparse.Namespace, protocol) -> None:
    """Judges every measured row."""
    measured = [(s.point, row) for s, row in zip(series, rows, strict=True) if s.failure is None]
    if not measured:
        return
    golden = check_golden(args.backend, protocol)
    judge = SeamJudge(protocol, subject.dataset, common_arguments(subject, args), args.control == "serial", subject.patterns, subject.ideal)
    for point, row in measured:
        if point.method == "serial":
            judge.offer(row, measure.reconstruction_of(point, protocol))
    as_promised = subject.as_in_case and iterations_of(args, subject) == subject.case["iterations"] and not args.options
    promised = subject.case["cost_fall"] if as_promised else {}
    for point, row in measured:
        seams = "not judged: the dataset has no truth"
        if subject.truth:
            seams = judge.judge(row, point)
        cost = check_cost(row, promised.get(point.label), subject.patterns)
        conclude(row, {"golden": golden, "cost": cost, "seams": seams})


def iterations_of(args: argparse.Namespace, subject: Subject) -> int:
    return args.iterations or subject.case["iterations"]


def common_arguments(subject: Subject, args: argparse.Namespace) -> tuple[str, ...]:
    return (str(subject.dataset), "--backend", args.backend, *args.options)


def measured_arguments(subject: Subject, args: argparse.Namespace) -> tuple[str, ...]:
    """Those of the runs that are compared: their error is followed where there is a truth."""
    return common_arguments(subject, args) + (("--quality-every", "1") if subject.truth else ())


def print_repeats(rows: list[dict]) -> None:
    """How well the times are known, and what they are compared with the first solver's."""
    for row in rows:
        if not row.get("verified", False):
            continue
        low, high = row["seconds_per_iteration_95_percent"] or (None, None)
        known = f", 95 % between {low:.4g} and {high:.4g}" if low is not None else ""
        line = f"{row['method']}: {row['seconds_per_iteration_median']:.4g} s per iteration{known}, {row['repetitions']} runs"
        if "time_ratio_median" in row:
            low, high = row["time_ratio_95_percent"] or (None, None)
            known = f" ({low:.3f} to {high:.3f})" if low is not None else ""
            line += f"; {row['time_ratio_median']:.3f} x {row['time_ratio_to']}{known}"
        print(f"{line}; {row['stop_reason']}")


def report_of(args: argparse.Namespace) -> dict:
    """Runs and verifies what the options say; gives the report that it leaves as report.json."""
    subject, resumes = prepare(args)
    protocol = measure.Protocol(args.output, args.launcher, args.repeat, args.precision, args.time_limit, resumes)
    iterations, common = iterations_of(args, subject), measured_arguments(subject, args)
    points = [
        measure.Point(s.label, s.method, 1 if s.method == "serial" else args.ranks, iterations, common + s.arguments, threads=args.threads)
        for s in args.methods
    ]
    series = measure.measure(points, protocol)
    rows = [measure.row_of(each, protocol) for each in series]
    measure.add_ratios(rows)
    verify(series, rows, subject, args, protocol)
    report = documents.merge([s.report for s in series], rows, args.argv)
    for row in rows:
        datasets.name_data(row, subject)
        options.name_options(row, args.options)
        targets.add(row, subject.case["targets"], lambda: subject.cost_of_noise)
    documents.write_report(args.output / "report.json", report)
    note_of(args).unlink()
    return report


def run(args: argparse.Namespace) -> int:
    """Carries out `bench`; 1 when a run failed or is not verified."""
    rows = report_of(args)["benchmarks"]
    print(program.ask("info", args.output / "report.json"), end="")
    if args.repeat > 1:
        print_repeats(rows)
    return EXIT_OK if all(row.get("verified", False) for row in rows) else EXIT_FAILED
