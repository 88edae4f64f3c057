"""Every check of speed: what a slice step, two ranks, a plan, a simulated run and an import take, and whether the gate sees a slower
program.

    ci/speed                    # all figures nine times in turns
    ci/speed --only 'two ranks' # checks whose title holds this
    ci/speed --rounds 20        # narrower intervals

Each figure is shown with the 95 % interval of its median and its bar. Exit codes: 0 no figure is broken, 1 the whole interval of
one is beyond its bar, or a run failed. A figure whose interval lies on both sides of its bar is unclear: the machine was too busy,
or there were too few rounds. Files are removed.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import importing
import load
import planning
import rank_speedup
import simulated_time
import slice_step
import slowdown
from check import BROKEN, Check, Outcome, Place, lines_of, measure

from harness.base.errors import EXIT_FAILED, EXIT_OK, InputError, RunError
from harness.project import kernels
from harness.runs import options, program

CHECKS = [slice_step.CHECK, rank_speedup.CHECK, planning.CHECK, simulated_time.CHECK, importing.CHECK, slowdown.CHECK]
ROUNDS = 9


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="ci/speed", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    rounds = "how often each is measured; fewer than 6 give no interval [%(default)s]"
    parser.add_argument("--rounds", type=options.positive_int, default=ROUNDS, help=rounds)
    parser.add_argument("--only", default="", metavar="TEXT", help=f"of {', '.join(check.title for check in CHECKS)}")
    return parser.parse_args()


def why_not(check: Check) -> str:
    """Why a check cannot be made here; empty when it can."""
    if check in (rank_speedup.CHECK, simulated_time.CHECK) and program.cores() < 2:
        return "two ranks on one core take turns"
    if check is slowdown.CHECK and shutil.which("cc") is None:
        return "there is no C compiler to make a slowed program with"
    if check is simulated_time.CHECK:
        try:
            kernels.projection_program()
        except InputError as error:
            return str(error)
    return ""


def chosen(only: str) -> list[Check]:
    """The checks to make; those that cannot be made are said."""
    checks = [check for check in CHECKS if only in check.title]
    for check in checks:
        if why := why_not(check):
            print(f"NOT MEASURED: {check.title}: {why}")
    return [check for check in checks if not why_not(check)]


def run(checks: list[Check], rounds: int) -> list[Outcome]:
    """Measures and prints."""
    print(f"before: {load.described()}", flush=True)
    since = load.Moment()
    with tempfile.TemporaryDirectory(prefix="ptychoscale-speed-") as scratch:
        outcomes = measure(checks, Place(Path(program.executable()).parent, Path(scratch)), rounds)
    now = load.Moment()
    print(f"during: others kept {load.cores_said(load.others_cores(since, now))} processors busy, for {now.clock - since.clock:.0f} s")
    print(f"after:  {load.described()}", "", *lines_of(outcomes), sep="\n")
    return outcomes


def main() -> int:
    args = read_options()
    checks = chosen(args.only)
    if not checks:
        print(f"ci/speed: nothing is left to measure; there are {', '.join(check.title for check in CHECKS)}", file=sys.stderr)
        return EXIT_FAILED
    try:
        outcomes = run(checks, args.rounds)
    except (InputError, RunError, OSError, subprocess.CalledProcessError) as error:
        print(f"ci/speed: {error}", file=sys.stderr)
        return EXIT_FAILED
    broken = [outcome.figure for outcome in outcomes if outcome.verdict == BROKEN]
    print(f"{len(outcomes)} figures, {len(broken)} broken")
    return EXIT_FAILED if broken else EXIT_OK


if __name__ == "__main__":
    sys.exit(main())
