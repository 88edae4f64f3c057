"""`ptychoscale gate`: exit with 1 when a fresh run is not what a committed baseline says it should be."""

import argparse
import dataclasses
import re
import shutil
from pathlib import Path

from harness.base import documents, temporary
from harness.base.errors import EXIT_FAILED, EXIT_OK, InputError
from harness.base.tree import ROOT
from harness.judge import baseline, pace
from harness.judge.judgement import Judgement, judge, judge_against, withheld
from harness.judge.matching import Run, runs_of
from harness.runs import bench, datasets, measure, options, program

EPILOG = """Examples:
  ptychoscale gate                                         every case of the committed baseline
  ptychoscale gate --case smoke                            in seconds
  ptychoscale gate --case smoke --against old/ptychoscale  and no slower than another build, in pairs of runs
  ptychoscale gate report.json                             of `bench CASE --threads 1`; nothing is run
  ptychoscale gate --case ci --update                      accept what this tree gives as the new baseline
Bytes, messages, memory by label, positions and voxels must be equal; cost and quality within the rounding of another machine;
a change for the better counts, too, until it is accepted. Times are judged as ratios of runs side by side, on the baseline's
kind of machine. The exit code is 0 when all holds, 1 when not or when a run fails or is not verified, 2 when the two cannot be
compared."""

COMMITTED = ROOT / "results" / "baselines" / "ci-cpu.json"
# Unless told otherwise, one thread per rank: scratch memory grows with threads, and machines differ in cores. A 2 x 2 mesh has edges and corners to exchange.
THREADS = 1
RANKS = 4
VERSION = re.compile(r"\d+\.\d+\.\d+\S*")  # all that `ptychoscale --version` prints


def add_parser(subparsers) -> None:
    """The command line of `gate`."""
    parser = subparsers.add_parser(
        "gate",
        description="Exit with 1 when a fresh run is not what a committed baseline says it should be.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=run, interrupted="the baseline is as it was")
    add = parser.add_argument
    add("new", metavar="NEW.json", nargs="?", type=Path, help="a report to judge; left out: run the cases now")
    add("--baseline", metavar="FILE", type=Path, default=COMMITTED, help="what should be [results/baselines/ci-cpu.json]")
    add("--case", help="judge this case only; left out: all that the report, or else the baseline, holds")
    add("--against", metavar="PROGRAM", help="another build of ptychoscale that this one must not be slower than")
    add("--update", action="store_true", help="accept: write what was found into the baseline, if it is verified")
    add("-o", "--output", type=Path, help="keep runs, logs and reports in this folder; left out: keep nothing")
    options.add_launch_options(parser, threads=THREADS, time_limit="1h")


def bench_options(args: argparse.Namespace, case: str, folder: Path) -> argparse.Namespace:
    """Those of the `ptychoscale bench` that the gate stands for."""
    parser = argparse.ArgumentParser()
    bench.add_parser(parser.add_subparsers())
    words = ["bench", case, "-o", str(folder), "--threads", str(args.threads), "--ranks", str(RANKS)]
    chosen = parser.parse_args([*words, "--launcher", args.launcher, "--backend", args.backend])
    chosen.argv, chosen.time_limit = args.argv, args.time_limit
    return chosen


@dataclasses.dataclass(frozen=True)
class Found:
    """A report to judge, and ratios against another build by name of row."""

    report: dict
    ratios: dict[str, list[float]] = dataclasses.field(default_factory=dict)

    @property
    def runs(self) -> list[Run]:
        return runs_of(self.report)


def points_of(report: dict, backend: str, threads: int) -> list[measure.Point]:
    """How to run the rows of a bench again, for their times."""
    common = (report["context"]["dataset"]["file"], "--backend", backend)
    return [
        measure.Point(row["method"], row["method"], row["ranks"], pace.iterations(row), common, threads=threads)
        for row in report["benchmarks"]
    ]


def run_case(args: argparse.Namespace, case: str, folder: Path) -> Found:
    """A case's verified runs with their paces. Runs that are not verified are not timed."""
    found = Found(bench.report_of(bench_options(args, case, folder)))
    if any(each.withheld for each in found.runs):
        return found
    rows = {row["method"]: row for row in found.report["benchmarks"]}
    protocol = measure.Protocol(folder, args.launcher, time_limit=args.time_limit)
    points = points_of(found.report, args.backend, args.threads)
    header = datasets.read_case(case)["header"]
    for method, keys in pace.paces(points, protocol, pace.Case.of(header)).items():
        rows[method].update(keys)
    dataset = found.report["context"]["dataset"]
    dataset["file"] = Path(dataset["file"]).name  # the folder is of this run only
    documents.write_report(folder / "report.json", found.report)
    ratios = pace.against(points, protocol, args.against) if args.against else {}
    return Found(found.report, {rows[method]["name"]: values for method, values in ratios.items()})


def read_new(args: argparse.Namespace) -> Found:
    """The rows to judge of a report that is there already."""
    report = documents.read_report(args.new)
    runs = runs_of(report)
    chosen = baseline.of_case(runs, args.case) if args.case else runs
    if not chosen:
        raise InputError(f"{args.new}: has no rows{f' of case {args.case}; it has {baseline.listed(runs)}' if args.case else ''}")
    return Found({**report, "benchmarks": [run.row for run in chosen]})


def find(args: argparse.Namespace, accepted: list[Run]) -> list[Found]:
    """What is to be judged, from a file or by running it."""
    if args.new is not None:
        return [read_new(args)]
    cases = [args.case] if args.case else baseline.cases_of(accepted)
    if args.output is not None:
        return [run_case(args, case, args.output / case) for case in cases]
    with temporary.scratch("gate") as folder:
        findings = [run_case(args, case, folder.path / case) for case in cases]
        folder.keep = any("error" in run.row for found in findings for run in found.runs)
        return findings


def judge_all(args: argparse.Namespace, findings: list[Found], accepted: list[Run]) -> Judgement:
    """Every report against the baseline's rows of its cases."""
    judgement = Judgement()
    for found in findings:
        judgement.broken += withheld(found.runs)
        failed = {run.row["method"] for run in found.runs if run.withheld}
        figures = [run for run in found.runs if not run.withheld]
        for case in baseline.cases_of(figures):
            rows = baseline.of_case(accepted, case)
            if not rows:
                raise InputError(f"{args.baseline}: has no rows of case {case}; it has {baseline.listed(accepted)}")
            judgement.add(judge(rows, baseline.of_case(figures, case), failed))
        judgement.add(judge_against(found.ratios))
    return judgement


def update(args: argparse.Namespace, findings: list[Found]) -> int:
    """Accepts what was found; nothing is written unless all of it is verified."""
    failures = [line for found in findings for line in withheld(found.runs)]
    if failures:
        print("\n".join(failures))
        return EXIT_FAILED
    for found in findings:
        baseline.accept(args.baseline, found.report, args.argv)
    print(f"accepted into {args.baseline}: {', '.join(run.name for found in findings for run in found.runs)}")
    return EXIT_OK


def check_against(args: argparse.Namespace) -> None:
    """Throws InputError when --against cannot be."""
    if args.against and (args.new or args.update):
        raise InputError("--against: runs both builds and judges them; valid: without NEW.json and --update")
    if args.against and shutil.which(args.against) is None:
        raise InputError(f"--against: '{args.against}' is no program; valid: the path of another ptychoscale executable")
    said = program.version_said(args.against) if args.against else None
    if said is not None and not VERSION.fullmatch(said):
        said = f"says '{said}'" if said else "fails or says nothing"
        raise InputError(
            f"--against: '{args.against}' is no ptychoscale (--version {said}); valid: the path of another ptychoscale executable"
        )


def read_baseline(args: argparse.Namespace) -> list[Run]:
    """What was accepted; nothing yet where --update is to make the file. Throws InputError when it lacks the case."""
    if args.update and not args.baseline.exists():
        if args.case is None and args.new is None:
            raise InputError(f"{args.baseline}: is not there yet; --case says what to run for it")
        return []
    accepted = runs_of(documents.read_report(args.baseline))
    if args.case and not args.update and not baseline.of_case(accepted, args.case):
        raise InputError(f"{args.baseline}: has no rows of case {args.case}; it has {baseline.listed(accepted)}")
    return accepted


def run(args: argparse.Namespace) -> int:
    """Carries out `gate`; 1 when the baseline does not hold."""
    check_against(args)
    accepted = read_baseline(args)
    findings = find(args, accepted)
    if args.update:
        return update(args, findings)
    judgement = judge_all(args, findings, accepted)
    for line in [*judgement.notes, *judgement.broken]:
        print(line)
    print(f"gate: {judgement.held} quantities hold, {len(judgement.broken)} broken")
    return EXIT_FAILED if judgement.broken else EXIT_OK
