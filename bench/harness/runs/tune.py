"""`ptychoscale tune`: the largest stable and the best step of a solver, by search, beside its default."""

import argparse
import contextlib
import dataclasses
import math
from pathlib import Path

import pandas

from harness.base import documents, temporary
from harness.base.errors import EXIT_FAILED, EXIT_OK, InputError, RunError
from harness.runs import datasets, measure, options, program, targets
from harness.runs.grid import add_dimensions, arguments_of, known_of, most_ranks, product, read_spec

EPILOG = """Examples:
  ptychoscale tune smoke --meshes 1x2,2x2
  ptychoscale tune ci-mismatch --ranks 4 --options '--refine-probe --rounds 8'
  ptychoscale tune ci --methods gd,hve --ranks 4 --rounds 1,2,max --updates once,as_printed -o tuned
A step is stable when the cost falls and ends within 5 % of its lowest; the search goes up and down from the default by factors of two,
then halves the interval until its ends differ by less than the resolution. The best step has the smallest error against the truth,
or the smallest cost where there is none, at the best of the same number of iterations; for that the search narrows a bracket by the
golden section. 'To its best' is how many iterations the default needs to its own best, and how many the fastest of all steps tried
needs to the same."""

# Keys of a sweep that change what adds up before a step is made.
VARIED = ("methods", "ranks", "meshes", "halos_pm", "rounds", "updates", "delays")
DIVERGES = ("diverges", "the cost did not fall")
RISEN = 1.05  # of the lowest cost of a run: a step that ends above is not stable
DOUBLINGS = 8  # away from the default, at most
REACH = 16  # the best step is looked for down to this part of the largest stable one
SHORTER = 4  # and at least so far below the default: with noise the best step may lie far below the largest stable one
GOLDEN = (math.sqrt(5) - 1) / 2


def add_parser(subparsers) -> None:
    """The command line of `tune`."""
    parser = subparsers.add_parser(
        "tune",
        description="Search for the largest stable and the best step size, and hold the default against them.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=run, interrupted="nothing was written")
    add = parser.add_argument
    add("what", metavar="CASE", help="a case by name or file, or a JSON file as for sweep")
    add("-o", "--output", type=Path, help="folder for the dataset and report.json; left out: only the table is printed")
    add_dimensions(parser, VARIED)
    add("--iterations", type=options.positive_int, help="iterations of every trial; left out: the case's")
    add("--dataset", type=Path, help="use this dataset; left out: simulate the case unless the folder has it")
    add(
        "--resolution",
        type=options.fraction,
        default=0.1,
        help="how near the steps are found, relative to them [%(default)s]",
    )
    add(
        "--within",
        metavar="FACTOR",
        type=options.at_least_one,
        default=math.inf,
        help="also fail when a default takes more than this times the iterations of the fastest step; left out: any number",
    )
    options.add_more_options(parser)
    options.add_launch_options(parser)


@dataclasses.dataclass(frozen=True)
class Trial:
    """What one step led to; `row` is None when the run diverged."""

    step: float
    row: dict | None = None

    @property
    def stable(self) -> bool:
        costs = self.row["cost_of_iterations"] if self.row else []
        return bool(costs) and costs[-1] <= RISEN * min(costs)

    @property
    def curve(self) -> tuple[list, list[int]]:
        """What is to be small, and after how many iterations it was: the error where there is a truth, else the cost."""
        known = targets.curves(self.row)
        return known.get(targets.RMSE, known[targets.COST])

    @property
    def measure(self) -> float:
        """The smallest that it became: on noisy patterns runs get worse again."""
        return math.inf if self.row is None else min(self.curve[0])

    def iterations_to(self, value: float) -> int | None:
        """None when it never came down to that."""
        return None if self.row is None else targets.reached(*self.curve, value)


class Bench:
    """Runs of one setting with any step, each made once."""

    def __init__(self, point: measure.Point, protocol: measure.Protocol):
        self.point, self.protocol = point, protocol
        self.trials: dict[float, Trial] = {}
        self.default = self.made(None)
        self.trials[self.default.step] = self.default

    def made(self, step: float | None) -> Trial:
        words = () if step is None else ("--step", repr(step))
        point = dataclasses.replace(self.point, arguments=self.point.arguments + words)
        try:
            row = measure.run(point, self.protocol, "trial")["benchmarks"][0]
        except (InputError, RunError) as error:
            if step is None or not any(said in str(error) for said in DIVERGES):
                raise
            return Trial(step)
        return Trial(row["step"], row)

    def at(self, step: float) -> Trial:
        if step not in self.trials:
            self.trials[step] = self.made(step)
        return self.trials[step]


def largest_stable(bench: Bench, resolution: float) -> Trial:
    """By factors of two from the default, then by halving. Throws RunError when no step tried is stable."""
    low = bench.default
    for _ in range(DOUBLINGS):
        if low.stable:
            break
        low = bench.at(low.step / 2)
    if not low.stable:
        raise RunError(f"no step down to {low.step:.3g} (V A)^2 is stable")
    high = bench.at(low.step * 2)
    for _ in range(DOUBLINGS):
        if not high.stable:
            break
        low, high = high, bench.at(high.step * 2)
    while high.step > low.step * (1 + resolution) and not high.stable:
        middle = bench.at(math.sqrt(low.step * high.step))
        low, high = (middle, high) if middle.stable else (low, middle)
    return low


def best(bench: Bench, largest: Trial, resolution: float) -> Trial:
    """Of all trials, after a golden-section search in the logarithm of the step up to the largest stable one."""
    low, high = math.log(min(largest.step / REACH, bench.default.step / SHORTER)), math.log(largest.step)

    def found(position: float) -> float:
        return bench.at(math.exp(position)).measure

    inner, outer = high - GOLDEN * (high - low), low + GOLDEN * (high - low)
    while high - low > math.log1p(resolution):
        if found(inner) < found(outer):
            high, outer = outer, inner
            inner = high - GOLDEN * (high - low)
        else:
            low, inner = inner, outer
            outer = low + GOLDEN * (high - low)
    return min((trial for trial in bench.trials.values() if trial.stable), key=lambda trial: trial.measure)


def fastest(bench: Bench) -> Trial:
    """Of all stable trials, the one that came down to the default's best in the fewest iterations."""
    stable = (trial for trial in bench.trials.values() if trial.stable)
    return min(stable, key=lambda trial: trial.iterations_to(bench.default.measure) or math.inf)


def tuned_row(bench: Bench, resolution: float) -> dict:
    """The default's run as a row, with what the search found."""
    largest = largest_stable(bench, resolution)
    winner = best(bench, largest, resolution)
    row = dict(bench.default.row)
    quickest = fastest(bench)
    row["step_largest_stable"] = largest.step
    row["step_best"] = winner.step
    row["step_fastest"] = quickest.step
    row["step_trials"] = len(bench.trials)
    row["step_is_stable"] = bench.default.stable
    row["cost_of_best_step"] = winner.row["cost"]
    row["iterations_to_best"] = bench.default.iterations_to(bench.default.measure)
    row["iterations_to_best_of_fastest_step"] = quickest.iterations_to(bench.default.measure)
    if targets.RMSE in targets.curves(winner.row):
        row["relative_rmse_lowest_of_best_step"] = winner.measure
    return row


def tune(points: list[dict], spec: dict, subject: datasets.Subject, args: argparse.Namespace, folder: Path) -> dict:
    """The report: a row for each setting, or the reason why there is none."""
    protocol = measure.Protocol(folder, args.launcher, time_limit=args.time_limit)
    iterations = spec.get("iterations", subject.case["iterations"])
    rows, reports = [], []
    for settings in points:
        known = known_of(settings)
        program.say(f"{known['name']}: {iterations} iterations per trial")
        follow = ("--quality-every", "1") if subject.truth else ()
        common = (str(subject.dataset), "--backend", args.backend, *follow, *arguments_of(settings), *spec["options"])
        point = measure.Point("tune", known["method"], known["ranks"], iterations, common, threads=args.threads)
        try:
            rows.append(tuned_row(Bench(point, protocol), args.resolution))
            datasets.name_data(rows[-1], subject)
            reports.append(documents.read_report(folder / "tune-trial.json"))
        except (InputError, RunError) as error:
            rows.append(documents.error_row(str(error), **known))
            reports.append(None)
        options.name_options(rows[-1], spec["options"])
    return documents.merge(reports, rows, args.argv)


def sound(row: dict, within: float) -> bool:
    """Whether the default is stable, and takes at most `within` times the iterations of the fastest step tried."""
    if "error" in row or not row["step_is_stable"]:
        return False
    return row["iterations_to_best"] <= within * row["iterations_to_best_of_fastest_step"]


def table(rows: list[dict]) -> str:
    """One line per setting, for people."""
    lines = {}
    for row in rows:
        name = " ".join([row["name"], *(str(row[key]) for key in ("rounds", "update") if key in row), *(["delayed"] if "delay" in row else [])])
        if "error" in row:
            lines[name] = {"default": row["error"]}
            continue
        lines[name] = {
            "default": f"{row['step']:.3g}{'' if row['step_is_stable'] else ' unstable'}",
            "largest stable": f"{row['step_largest_stable']:.3g}",
            "best": f"{row['step_best']:.3g}",
            "best/default": f"{row['step_best'] / row['step']:.2f}",
            "cost": f"{row['cost']:.4g}",
            "of best": f"{row['cost_of_best_step']:.4g}",
            "error": f"{row['relative_rmse_lowest']:.2%}" if "relative_rmse_lowest" in row else "-",
            "of best ": f"{row['relative_rmse_lowest_of_best_step']:.2%}" if "relative_rmse_lowest" in row else "-",
            "to its best": f"{row['iterations_to_best']}, fastest {row['iterations_to_best_of_fastest_step']}",
            "trials": row["step_trials"],
        }
    return pandas.DataFrame.from_dict(lines, orient="index").fillna("").to_string()


def run(args: argparse.Namespace) -> int:
    """Carries out `tune`; 1 when a search failed, or a default is not stable or slower than asked for."""
    spec = read_spec(args)
    if "--step" in map(options.name_of, spec["options"]):
        raise InputError("--options: has --step, which is what is searched for; valid: other options of `reconstruct`")
    points = product(spec)
    program.check_launcher(args.launcher, most_ranks(points), args.threads)
    case = datasets.read_case(spec["case"])
    subject = args.dataset and datasets.describe(spec["case"], case, args.dataset)
    with contextlib.ExitStack() as stack:
        scratch = stack.enter_context(temporary.scratch("tune"))
        folder = documents.take_folder(args.output, args.argv) if args.output else scratch.path
        subject = subject or datasets.obtain(spec["case"], case, folder, 1, args.launcher, args.threads, args.time_limit)
        report = tune(points, spec, subject, args, scratch.path)
        scratch.keep = any("error" in row for row in report["benchmarks"])
    if args.output:
        documents.write_report(args.output / "report.json", report)
    print(table(report["benchmarks"]))
    return EXIT_OK if all(sound(row, args.within) for row in report["benchmarks"]) else EXIT_FAILED
