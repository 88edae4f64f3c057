"""`ptychoscale project`: the solvers on a machine that is not here, simulated message by message."""

import argparse
import math
from collections.abc import Sequence
from pathlib import Path

from harness.base import documents
from harness.base.errors import EXIT_OK, InputError, shortened
from harness.project import kernels, machine, simulation
from harness.project.machine import Machine
from harness.project.simulation import Run
from harness.runs import options, program

EXCHANGES = ["appp", "passes", "neighbours", "allreduce"]
MOST_RANKS_DRAWN = 64  # more rows than that cannot be told apart in a timeline

WIDTHS = ("<6", ">5", ">9", "<10", ">6", ">10", ">9", ">9", ">9", ">9", ">9", ">10")
TITLES = [
    ("", "ranks", "mesh", "exchange", "rounds", "s per", "compute", "wait", "commun.", "messages", "GB", "efficiency"),
    ("", "", "", "", "", "iteration", "mean s", "mean s", "mean s", "per iter.", "", "%"),
]

EPILOG = """examples:
  ptychoscale project --measure kernels.json --case pbtio3-large --ranks 6,462
  ptychoscale project --machine summit --case pbtio3-large --ranks 6,462 --kernel-times kernels.json -o projected
  ptychoscale project --machine summit --case pbtio3-small --ranks 6 --kernel-times kernels.json --timeline -o projected
Every rank runs the solver's own code with a backend that only charges time, on the network of SimGrid's SMPI. Rows are `simulated`:
each says how its kernel times came about and how far the machine's network is from published figures. A mesh that cannot work is a
row with its reason. Machines: {machines}, or a file as described in bench/projection/machines/README.md."""


def ranks_list(text: str) -> list[int]:
    return [options.positive_int(word) for word in text.split(",")]


def exchanges(text: str) -> list[str]:
    words = text.split(",")
    if any(word not in EXCHANGES for word in words):
        raise argparse.ArgumentTypeError(f"'{text}'; valid: of {', '.join(EXCHANGES)}, separated by commas")
    return words


def rounds_list(text: str) -> list[str]:
    return [word if word == "max" else str(options.positive_int(word)) for word in text.split(",")]


def factor(text: str) -> float:
    """A number above 0."""
    return options.checked(text, float, lambda x: 0 < x < math.inf, "a number above 0")


def share(text: str) -> float:
    """A number from 0 on."""
    return options.checked(text, float, lambda x: 0 <= x < math.inf, "0 or a number above 0")


def slow_rank(text: str) -> tuple[int, float]:
    """A rank, and how many times as long it takes."""
    rank, _, times = text.partition(":")
    try:
        found = int(rank), float(times)
    except ValueError:
        found = (-1, 0.0)
    if found[0] < 0 or not 0 < found[1] < math.inf:
        raise argparse.ArgumentTypeError(f"'{shortened(text, 50)}'; valid: a rank and a number above 0, for example 5:10")
    return found


def add_parser(subparsers) -> None:
    """The command line of `project`."""
    parser = subparsers.add_parser(
        "project",
        description="Run the solvers on a simulated machine of any number of GPUs.",
        epilog=EPILOG.format(machines=", ".join(machine.names())),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=run, interrupted="no report was written")
    add = parser.add_argument
    add("--machine", metavar="NAME", help="a machine of bench/projection/machines, or the path of a file ending in .json")
    add("--case", required=True, help="a case of bench/cases, or the path of a case file ending in .json")
    add("--ranks", type=ranks_list, required=True, help="numbers of ranks, one to a GPU")
    add("--method", type=options.methods, default=["gd", "hve"], help="solvers [gd,hve]")
    add("--exchange", type=exchanges, default=["appp"], help="gd: exchanges to compare, of appp, passes, neighbours, allreduce [appp]")
    add("--rounds", type=rounds_list, default=["1"], help="gd, replicated: exchanges per iteration, or max for one per position [1]")
    add("--delay", choices=["0", "1"], default="0", help="gd, replicated: rounds by which the others' part comes late [0]")
    add("--refine-probe", action="store_true", help="the probe is unknown, too: its gradients are added up over all ranks in every round")
    add("--probe-modes", type=options.positive_int, default=1, metavar="N", help="incoherent modes of the probe, with --refine-probe [1]")
    add("--iterations", type=options.positive_int, default=3, help="iterations, the first not timed, nor the last with --delay [3]")
    add("--grid", choices=["window", "tile"], default="window", help="where waves propagate [%(default)s]")
    add("--kernel-times", type=Path, nargs="+", metavar="FILE", help="reports of ranks run alone: --measure, or reconstruct --as-rank")
    add("--measure", type=Path, metavar="FILE", help="measure the kernel times of these ranks on one core here, and stop")
    add("--device-GB-per-s", type=factor, metavar="X", help="memory bandwidth of the device measured, where its file lacks it")
    add("-o", "--output", type=Path, help="folder for report.json and figures")
    add("--json", type=Path, metavar="FILE", help="file for the report alone")
    add("--timeline", action="store_true", help=f"also draw who computes, waits and sends when, up to {MOST_RANKS_DRAWN} ranks")
    add("--jobs", type=options.positive_int, default=program.cores(), help="simulations at a time [%(default)s]")
    add_what_ifs(parser)


def add_what_ifs(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("what if").add_argument
    add("--link-bandwidth", type=factor, default=1.0, metavar="X", help="every link X times as wide [1]")
    add("--latency", type=factor, default=1.0, metavar="X", help="every latency X times as long [1]")
    add("--gpu-speed", type=factor, default=1.0, metavar="X", help="kernels X times as fast [1]")
    add("--imbalance", type=share, default=0.0, metavar="X", help="ranks slower by up to this share, each by its own [0]")
    add("--slow-rank", type=slow_rank, metavar="RANK:X", help="one rank takes X times as long")
    add("--halo-pm", type=share, metavar="X", help="halo in picometre; left out: what the positions' circles need")
    add("--exchange-MB", type=factor, metavar="X", help="memory for packed messages; left out: half a tile, at most 32 MiB")


def solver_words(args: argparse.Namespace) -> tuple[str, ...]:
    words = ["--grid", args.grid, "--delay", args.delay, *(["--refine-probe"] if args.refine_probe else [])]
    if args.probe_modes > 1:
        words += ["--probe-modes", str(args.probe_modes)]
    if args.halo_pm is not None:
        words += ["--halo-pm", str(args.halo_pm)]
    if args.exchange_MB is not None:
        words += ["--exchange-MB", str(args.exchange_MB)]
    return tuple(words)


def simulated_words(args: argparse.Namespace) -> tuple[str, ...]:
    """solver_words() and what only a simulated run may be told."""
    if args.slow_rank is None:
        return solver_words(args)
    rank, times = args.slow_rank
    return (*solver_words(args), "--slow-rank", str(rank), "--slow-factor", str(times))


def runs_of(args: argparse.Namespace, target: Machine) -> list[Run]:
    """Every run that the options ask for."""
    runs = []
    for method in args.method:
        times = kernels.on_machine(
            args.kernel_times, args.case, method, args.grid, target, args.device_GB_per_s and args.device_GB_per_s * 1e9, args.probe_modes
        )
        for exchange, rounds in variants_of(method, args):
            for ranks in args.ranks:
                drawn = args.timeline and ranks <= MOST_RANKS_DRAWN
                runs.append(
                    Run(args.case, method, ranks, exchange, rounds, simulated_words(args), args.iterations, args.imbalance, drawn, times)
                )
    return runs


def variants_of(method: str, args: argparse.Namespace) -> list[tuple[str | None, str | None]]:
    """Exchange and rounds, where a method has a choice of them."""
    if method not in options.SUMMING:
        return [(None, None)]
    return [(exchange, rounds) for exchange in (args.exchange if method == "gd" else [None]) for rounds in args.rounds]


def rows_of(runs: list[Run], reasons: list[str | None], target: Machine, jobs: int) -> tuple[list[dict], list[dict]]:
    """A row of each run, those that are impossible with their reason, and the timelines, each with its row."""
    possible = [run for run, reason in zip(runs, reasons, strict=True) if reason is None]
    printed = iter(simulation.simulate_all(possible, target, jobs))
    rows, timelines = [], []
    for run, reason in zip(runs, reasons, strict=True):
        if reason is None:
            out = next(printed)
            rows.append(simulation.row_of(run, target, out))
            if "timeline" in out:
                timelines.append({"row": rows[-1], "intervals": out["timeline"]})
        else:
            known = {"name": f"{run.case}/{run.method}/{run.ranks}", "method": run.method, "ranks": run.ranks, "machine": target.name}
            rows.append(documents.error_row(reason, **known))
    simulation.add_efficiency(rows)
    return rows, timelines


def context_of(plan: dict, args: argparse.Namespace, target: Machine) -> dict:
    """The report's context: the program as its dry run describes it, and the machine."""
    own = documents.new_context(args.argv, "simulated")
    described = {"machine": target.name, "limits": list(target.limits), "backend": "model, charged on SimGrid's SMPI"}
    return {**plan["context"], **own, **described}


def columns(words: Sequence[str]) -> str:
    """One line of the table for people; a word too long for its column moves the others, and there is always a space between."""
    return " ".join(f"{word:{width}}" for word, width in zip(words, WIDTHS[: len(words)], strict=True)).rstrip()


def words_of(row: dict) -> list[str]:
    """A row in the table's columns."""
    known = [row["method"], str(row["ranks"])]
    if "error" in row:
        return [*known, "NA", row["error"]]
    iterations = row["iterations"]
    phases = [f"{row[f'{phase}_seconds_per_iteration_mean']:.4g}" for phase in ("compute", "wait", "communication")]
    return [
        *known,
        "x".join(map(str, row["mesh"])),
        row.get("exchange", "-"),
        str(row.get("rounds", "-")),
        f"{row['seconds_per_iteration']:.4g}",
        *phases,
        str(row["messages_sent"] // iterations),
        f"{row['bytes_sent'] / iterations / 1e9:.4g}",
        f"{row['efficiency_percent']:.1f}",
    ]


def print_rows(rows: list[dict]) -> None:
    """A table for people."""
    for words in (*TITLES, *map(words_of, rows)):
        print(columns(words))


def check_options(args: argparse.Namespace) -> None:
    """What argparse cannot know. Throws InputError."""
    for name, given in (("--machine", args.machine), ("--kernel-times", args.kernel_times), ("-o or --json", args.output or args.json)):
        if given is None:
            raise InputError(f"{name}: is missing; valid: with --measure only FILE is written, all else takes {name}")
    if args.timeline and args.output is None:
        raise InputError("--timeline: is drawn into the folder of -o, which is missing")


def run(args: argparse.Namespace) -> int:
    """Carries out `project`."""
    if args.measure is not None:
        documents.prepare_folder(args.measure.parent)
        documents.write_report(args.measure, kernels.measure(args.case, args.method, args.ranks, args.grid, args.probe_modes, args.argv))
        return EXIT_OK
    check_options(args)
    target = machine.with_what_if(machine.load(args.machine), args.link_bandwidth, args.latency, args.gpu_speed)
    for ranks in args.ranks:
        machine.check_ranks(target, ranks)
    runs = runs_of(args, target)
    kernels.projection_program()
    for folder in filter(None, (args.output, args.json and args.json.parent)):
        documents.prepare_folder(folder)
    plan = program.plan(args.case, args.method, args.ranks, *solver_words(args))
    # Whether a mesh can work depends on neither exchange nor rounds.
    errors = {(row["method"], row["ranks"]): row.get("error") for row in plan["benchmarks"]}
    rows, timelines = rows_of(runs, [errors[run.method, run.ranks] for run in runs], target, args.jobs)
    report = {"context": context_of(plan, args, target), "benchmarks": rows}
    if args.json is not None:
        documents.write_report(args.json, report)
    if args.output is not None:
        documents.write_report(args.output / "report.json", report)
        draw(rows, timelines, args.output)
    print_rows(rows)
    print(f"Kernel times: {runs[0].times.rule}. Network: within {target.network_error_percent:g} % of published messages.")
    return EXIT_OK


def draw(rows: list[dict], timelines: list[dict], folder: Path) -> None:
    from harness.project import charts  # matplotlib takes longer to load than a mistake in the options to find

    for name, files in charts.figures(rows, timelines).items():
        for kind, content in files.items():
            documents.write_bytes(folder / f"{name}.{kind}", content)
