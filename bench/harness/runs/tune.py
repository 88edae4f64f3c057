"""`ptychoscale tune`: the largest stable and the best step of a solver, by search, beside its default."""

import argparse
import contextlib
import dataclasses
import math
import tempfile
from pathlib import Path

import pandas

from harness.base import documents
from harness.base.errors import EXIT_FAILED, EXIT_OK, InputError, RunError
from harness.runs import datasets, measure, options, program, targets
from harness.runs.grid import add_dimensions, arguments_of, known_of, most_ranks, product, read_spec

EPILOG = """Examples:
  ptychoscale tune smoke --meshes 1x2,2x2
  ptychoscale tune ci --methods gd,hve --ranks 4 --rounds 1,2,max --updates once,as_printed -o tuned
A step is stable when the cost falls and ends within 5 % of its lowest; the search goes up and down from the default by factors of two,
then halves the interval until its ends differ by less than the resolution. The best step leaves the smallest error against the truth,
or the smallest cost where there is none, after the same number of iterations; for that the search narrows a bracket by the golden
section. 'To default' is how many iterations the best step needs to reach the cost that the default ends with."""

# Keys of a sweep that change what adds up before a step is made.
VARIED = ("methods", "ranks", "meshes", "halos_pm", "rounds", "updates", "delays")
DIVERGES = ("diverges", "the cost did not fall")
RISEN = 1.05  # of the lowest cost of a run: a step that ends above is not stable
DOUBLINGS = 8  # away from the default, at most
REACH = 16  # the best step is looked for down to this part of the largest stable one
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
    def measure(self) -> float:
        """What is to be small: the error where there is a truth, else the cost."""
        if self.row is None:
            return math.inf
        return self.row.get("relative_rmse") or self.row["cost"]


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
    low, high = math.log(largest.step / REACH), math.log(largest.step)

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


def tuned_row(bench: Bench, resolution: float) -> dict:
    """The default's run as a row, with what the search found."""
    largest = largest_stable(bench, resolution)
    winner = best(bench, largest, resolution)
    row = dict(bench.default.row)
    reached = targets.reached(*targets.curves(winner.row)[targets.COST], row["cost"])
    row["step_largest_stable"] = largest.step
    row["step_best"] = winner.step
    row["step_trials"] = len(bench.trials)
    row["step_is_stable"] = bench.default.stable
    row["cost_of_best_step"] = winner.row["cost"]
    row["iterations_of_best_step_to_cost"] = reached
    if "relative_rmse" in winner.row:
        row["relative_rmse_of_best_step"] = winner.row["relative_rmse"]
    return row


def tune(points: list[dict], spec: dict, subject: datasets.Subject, args: argparse.Namespace, folder: Path) -> dict:
    """The report: a row for each setting, or the reason why there is none."""
    protocol = measure.Protocol(folder, args.launcher, time_limit=args.time_limit)
    iterations = spec.get("iterations", subject.case["iterations"])
    rows, reports = [], []
    for settings in points:
        known = known_of(settings)
        program.say(f"{known['name']}: {iterations} iterations per trial")
        common = (str(subject.dataset), "--backend", args.backend, *arguments_of(settings))
        point = measure.Point("tune", known["method"], known["ranks"], iterations, common, threads=args.threads)
        try:
            rows.append(tuned_row(Bench(point, protocol), args.resolution))
            datasets.name_data(rows[-1], subject)
            reports.append(documents.read_report(folder / "tune-trial.json"))
        except (InputError, RunError) as error:
            rows.append(documents.error_row(str(error), **known))
            reports.append(None)
    return documents.merge(reports, rows, args.argv)


def table(rows: list[dict]) -> str:
    """One line per setting, for people."""
    lines = {}
    for row in rows:
        name = " ".join([row["name"], *(str(row[key]) for key in ("rounds", "update") if key in row), *(["delayed"] if "delay" in row else [])])
        if "error" in row:
            lines[name] = {"default": row["error"]}
            continue
        reached = row["iterations_of_best_step_to_cost"]
        lines[name] = {
            "default": f"{row['step']:.3g}{'' if row['step_is_stable'] else ' unstable'}",
            "largest stable": f"{row['step_largest_stable']:.3g}",
            "best": f"{row['step_best']:.3g}",
            "best/default": f"{row['step_best'] / row['step']:.2f}",
            "cost": f"{row['cost']:.4g}",
            "of best": f"{row['cost_of_best_step']:.4g}",
            "error": f"{row['relative_rmse']:.2%}" if "relative_rmse" in row else "-",
            "of best ": f"{row['relative_rmse_of_best_step']:.2%}" if "relative_rmse" in row else "-",
            "to default": f"{reached or '-'} of {row['iterations']}",
            "trials": row["step_trials"],
        }
    return pandas.DataFrame.from_dict(lines, orient="index").fillna("").to_string()


def run(args: argparse.Namespace) -> int:
    """Carries out `tune`; 1 when a search failed or a default is not stable."""
    spec = read_spec(args)
    points = product(spec)
    program.check_launcher(args.launcher, most_ranks(points), args.threads)
    case = datasets.read_case(spec["case"])
    subject = args.dataset and datasets.describe(spec["case"], case, args.dataset)
    with contextlib.ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ptychoscale-tune-")))
        folder = documents.take_folder(args.output, args.argv) if args.output else scratch
        subject = subject or datasets.obtain(spec["case"], case, folder, 1, args.launcher, args.threads, args.time_limit)
        report = tune(points, spec, subject, args, scratch)
    if args.output:
        documents.write_report(args.output / "report.json", report)
    print(table(report["benchmarks"]))
    sound = all("error" not in row and row["step_is_stable"] for row in report["benchmarks"])
    return EXIT_OK if sound else EXIT_FAILED
