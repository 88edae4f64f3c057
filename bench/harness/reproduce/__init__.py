"""`ptychoscale reproduce`: the paper's tables and figures, ours beside them, with what each figure rests on."""

import argparse
import functools
import os
import time
from pathlib import Path

from harness.base import documents
from harness.base.errors import EXIT_FAILED, EXIT_OK, RunError
from harness.reproduce import claims, earlier, fig6, fig7a, fig7b, fig8, fig9, headline, ranks, readings, table1, tables, vic
from harness.reproduce.findings import Findings, text_of
from harness.reproduce.progress import Progress, minutes
from harness.reproduce.ranks import Scope
from harness.reproduce.work import Step, Work, perform, waiting
from harness.runs import measure, program, verification
from harness.runs.mpi_settings import OUTNUMBER, mpi_settings
from harness.runs.options import add_launch_options, checked, positive_int


class TwoTables:
    """Tables II and III are one item each, made by one module."""

    def __init__(self, table: str):
        self.steps = functools.partial(ranks.table_steps, table=table)
        self.find = functools.partial(tables.find, table=table)


ITEMS = {
    "claims": claims,
    "table1": table1,
    "table2": TwoTables("table2"),
    "table3": TwoTables("table3"),
    "readings": readings,
    "fig6": fig6,
    "fig7a": fig7a,
    "fig7b": fig7b,
    "fig8": fig8,
    "fig9": fig9,
    "vic": vic,
    "headline": headline,
}
PROVENANCE = ("version", "source_commit", "source_dirty", "compiler", "flags", "mpi")  # of the program whose runs an item shows
EPILOG = """examples:
  ptychoscale reproduce all --quick -o reproduced      # minutes
  ptychoscale reproduce table3 -o reproduced
  ptychoscale reproduce all -o reproduced --only-plan  # what would be run, and for how long
Evidence: measured here; modelled from what was measured here; simulated; or paper, where only the paper has a figure and the reason
is given. Every run is kept in DIR/runs, and an interrupted command goes on where it stopped. A figure whose check fails makes the
exit code 1."""


def program_file(text: str) -> Path:
    return checked(text, Path, os.path.isfile, "the file of a program")


def add_parser(subparsers) -> None:
    """The command line of `reproduce`."""
    parser = subparsers.add_parser(
        "reproduce",
        description="Regenerate tables and figures of the paper: paper, ours, ratio, evidence, and why not.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=run, interrupted="finished runs are kept; the same command goes on from them")
    add = parser.add_argument
    add("item", choices=[*ITEMS, "all"], metavar="ITEM", help=f"one of {', '.join(ITEMS)}, all")
    add("-o", "--output", type=Path, default=Path("reproduced"), help="folder for runs, reports and figures [%(default)s]")
    add("--quick", action="store_true", help="fewer ranks and rows measured, fewer repeats: minutes instead of tens of them")
    add("--only-plan", action="store_true", help="say what would be run and for how long, and run nothing but dry runs")
    add(
        "--reuse",
        metavar="FILE",
        type=Path,
        help="a claims.json: what it has decided is taken from there, with its date and commit, and only the rest of the map is run",
    )
    add(
        "--minutes",
        metavar="N",
        type=positive_int,
        help="begin no run after N minutes: cells of the map that lack one say 'not run', and the same command goes on from there",
    )
    add(
        "--valgrind-program",
        metavar="FILE",
        type=program_file,
        help="the `ptychoscale` that Valgrind is to run for hit rates of caches, where this one is built for a processor that it does not know all of",
    )
    add_launch_options(parser)


def let_ranks_outnumber_cores() -> None:
    """The paper's figures need more ranks than a small machine has cores, which Open MPI refuses unless told otherwise."""
    for name, value in mpi_settings(OUTNUMBER).items():
        os.environ.setdefault(name, value)


def steps_by_item(scope: Scope, names: list[str]) -> dict[str, list[Step]]:
    """What each item has yet to run; a step that several need stands with the first."""
    claimed: set[Step] = set()
    found = {}
    for name in names:
        found[name] = [step for step in waiting(scope.work, ITEMS[name].steps(scope)) if step not in claimed]
        claimed.update(found[name])
    return found


def plan_of(by_item: dict[str, list[Step]]) -> str:
    """Runs and minutes ahead, before any of them starts."""
    everything = [step for steps in by_item.values() for step in steps]
    lines = [
        f"{name:<10}{len(steps):>6}{minutes(sum(step.seconds for step in steps)):>16}"
        for name, steps in (*by_item.items(), ("all", everything))
    ]
    return "\n".join(["item        runs  expected min:s", *lines])


def warn_when_busy() -> None:
    """Times beside other work are too long; what is kept of them would mislead later, too."""
    load, cores = os.getloadavg()[0], os.cpu_count()
    if load > cores / 2:
        program.say(
            f"warning: the machine is busy (load {load:.1f} on {cores} cores): times will be too long; nothing else suffers"
        )


def require_right_backend(args: argparse.Namespace, folder: Path) -> None:
    """No figure is worth showing of a backend that computes wrongly."""
    said = verification.check_golden(args.backend, measure.Protocol(folder, args.launcher, time_limit=args.time_limit))
    if said != verification.PASSED:
        raise RunError(f"no figure is shown: {said.removeprefix('failed: ')}")


def write(findings: Findings, args: argparse.Namespace) -> None:
    """The item as a report, as text, and its pictures."""
    made = {key: value for key, value in program.ask_json("info", "--json").items() if key in PROVENANCE}
    context = {**documents.new_context(args.argv), **made, "load_avg": list(os.getloadavg())}
    documents.write_report(args.output / f"{findings.item}.json", {"context": context, "benchmarks": findings.rows})
    text = text_of(findings)
    documents.write_text(args.output / f"{findings.item}.txt", text)
    for name, files in findings.figures.items():
        for kind, content in files.items():
            documents.write_bytes(args.output / "figures" / f"{name}.{kind}", content)
    print(text, flush=True)


def reproduce(scope: Scope, by_item: dict[str, list[Step]], args: argparse.Namespace) -> list[Findings]:
    """Runs and writes item after item, so that an interruption leaves those that are done."""
    progress = Progress([step for steps in by_item.values() for step in steps])
    done = []
    for name, steps in by_item.items():
        for step in steps:
            if scope.work.is_over:
                break
            progress.tell(name, step)
            perform(scope.work, step)
            progress.finish(step)
        done.append(ITEMS[name].find(scope))
        write(done[-1], args)
    return done


def run(args: argparse.Namespace) -> int:
    """Carries out `reproduce`; 1 when a check fails."""
    program.check_launcher(args.launcher, 1, args.threads)
    let_ranks_outnumber_cores()
    documents.take_folder(args.output, args.argv)
    for folder in (args.output / "runs", args.output / "figures"):
        documents.prepare_folder(folder)
    work = Work(args.output / "runs", args.launcher, args.backend, args.threads, args.time_limit, args.valgrind_program)
    scope = Scope(work, args.quick, earlier=earlier.read(args.reuse) if args.reuse else {})
    by_item = steps_by_item(scope, list(ITEMS) if args.item == "all" else [args.item])
    if args.only_plan:
        print(plan_of(by_item))
        return EXIT_OK
    program.say(plan_of(by_item))
    warn_when_busy()
    require_right_backend(args, args.output / "runs")
    if args.minutes:
        work.ends = time.monotonic() + 60 * args.minutes
    done = reproduce(scope, by_item, args)
    failed = [check for findings in done for check in findings.failed_checks]
    for check in failed:
        program.say(f"ptychoscale: error: {check['item']}: {check['row']}: {check['explanation']}")
    return EXIT_FAILED if failed else EXIT_OK
