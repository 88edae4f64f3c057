"""The points of a sweep: what can be varied, and the product of the lists."""

import argparse
import dataclasses
import itertools
import math
import re
from collections.abc import Iterable

from harness.base import documents
from harness.base.errors import InputError
from harness.runs import options

ROUNDS = "a whole number of 1 or more, or max"


@dataclasses.dataclass(frozen=True)
class Dimension:
    """One thing to vary. `key` is that of a report's row; without an option it is not passed on as one."""

    key: str
    option: str | None
    help: str
    valid: str  # regular expression of a value as text
    says: str  # what is valid, for people
    only: tuple[str, ...] = ("gd", "hve", "replicated")  # methods it means something to


def words(key: str, option: str | None, help_: str, *choices: str, only: tuple[str, ...] = ("gd", "hve")) -> Dimension:
    return Dimension(key, option, help_, "|".join(choices), ", ".join(choices), only)


ALL = tuple(options.METHODS)
DECOMPOSING = ("gd", "hve")
DIMENSIONS = {
    "methods": words("method", None, "solvers", *options.METHODS, only=ALL),
    "ranks": Dimension("ranks", None, "numbers of ranks", r"[1-9]\d*", "a whole number, 1 or more"),
    "meshes": Dimension("mesh", "--mesh", "meshes of ranks", r"[1-9]\d*x[1-9]\d*", "ROWSxCOLUMNS, for example 2x3", DECOMPOSING),
    "halos_pm": Dimension("halo_pm", "--halo-pm", "halos in picometre", r"\d+(\.\d+)?", "a number, 0 or more", DECOMPOSING),
    "rounds": Dimension("rounds", "--rounds", "exchanges per iteration of gd and replicated", r"[1-9]\d*|max", ROUNDS, options.SUMMING),
    "delays": words("delay", "--delay", "rounds by which gd's and replicated's sums come late", "0", "1", only=options.SUMMING),
    "grids": words("grid", "--grid", "propagation grids", "window", "tile", only=ALL),
    "adjoints": words("adjoint", "--adjoint", "ways to keep waves", "store", "checkpoint", "reverse", only=ALL),
    "exchanges": words("exchange", "--exchange", "exchanges of gd", "appp", "passes", "neighbours", "allreduce", only=("gd",)),
    "updates": words("update", "--update", "update rules of gd and replicated", *options.UPDATES, only=options.SUMMING),
}
OTHER_KEYS = ["case", "iterations", "options"]


def add_dimensions(parser: argparse.ArgumentParser, keys: Iterable[str] = DIMENSIONS) -> None:
    """The options that say what to vary."""
    for key in keys:
        option = f"--{key.replace('_', '-')}"
        parser.add_argument(option, metavar="LIST", help=f"{DIMENSIONS[key].help}, separated by commas")


def read_spec(args: argparse.Namespace) -> dict:
    """What to sweep over: the spec's lists, those on the command line in their place. Throws InputError naming key and value."""
    spec = {"case": args.what}
    if args.what.endswith(".json"):
        document = documents.read_json(args.what)
        if isinstance(document, dict) and "case" in document:
            spec = document
    known = [*OTHER_KEYS, *DIMENSIONS]
    for key in spec:
        if key not in known:
            raise InputError(f"{args.what}: unknown key '{key}'; known here: {', '.join(known)}")
    for key in DIMENSIONS:
        chosen = getattr(args, key, None)  # a command may vary fewer
        if chosen is not None:
            spec[key] = chosen.split(",")
    if args.iterations is not None:
        spec["iterations"] = args.iterations
    spec["options"] = args.options or options_of(spec.get("options", ""), args.what)
    return check(spec, args.what)


def check(spec: dict, where: str) -> dict:
    """The spec with its values as text of the right form, and solvers named."""
    spec = {"methods": ["gd"], **spec}
    if ("ranks" in spec) == ("meshes" in spec):
        raise InputError(f"{where}: has {'both ranks and' if 'ranks' in spec else 'neither ranks nor'} meshes; valid: one of them")
    iterations = spec.get("iterations", 1)
    if not isinstance(iterations, int) or isinstance(iterations, bool) or iterations < 1:
        raise InputError(f"{where}: iterations is {iterations}; valid: a whole number, 1 or more")
    if not isinstance(spec["case"], str):
        raise InputError(f"{where}: case is {spec['case']}; valid: the name or the file of a case")
    refuse_twice(spec, where)
    for key in DIMENSIONS:
        if key in spec:
            spec[key] = [value_of(key, value, where) for value in list_of(key, spec[key], where)]
    return spec


def options_of(text: object, where: str) -> tuple[str, ...]:
    """More options of `reconstruct`, as a spec has them."""
    if not isinstance(text, str):
        raise InputError(f"{where}: options is {text}; valid: text, such as \"--refine-probe --step 20\"")
    try:
        return options.more_options(text)
    except argparse.ArgumentTypeError as error:
        raise InputError(f"{where}: options: {error}") from None


def refuse_twice(spec: dict, where: str) -> None:
    """What is varied cannot be said of every run, too."""
    said = {options.name_of(word) for word in spec.get("options", ())}
    for key in DIMENSIONS:
        if key in spec and DIMENSIONS[key].option in said:
            raise InputError(f"{where}: options has {DIMENSIONS[key].option}, which {key} varies; valid: one of the two")


def list_of(key: str, values: object, where: str) -> list:
    if not isinstance(values, list) or not values:
        raise InputError(f"{where}: {key} is {values}; valid: a list of at least one value")
    return values


def value_of(key: str, value: object, where: str) -> int | float | str:
    """A value as a report has it: a number where it is one."""
    dimension = DIMENSIONS[key]
    text = str(value)
    if isinstance(value, bool) or not re.fullmatch(dimension.valid, text):
        raise InputError(f"{where}: {key} has '{text}'; valid: {dimension.says}")
    if re.fullmatch(r"\d+", text):
        return int(text)
    return float(text) if re.fullmatch(r"\d+\.\d+", text) else text


def product(spec: dict) -> list[dict]:
    """Every combination, by the keys of the lists; what means nothing to a method is left out, and equal points are one."""
    varied = [key for key in DIMENSIONS if key in spec]
    points = []
    for values in itertools.product(*(spec[key] for key in varied)):
        settings = dict(zip(varied, values))
        method = settings["methods"]
        meant = {key: value for key, value in settings.items() if method in DIMENSIONS[key].only}
        if method == "serial":
            meant["ranks"] = 1
        elif "meshes" in settings and "meshes" not in meant:
            meant["ranks"] = math.prod(mesh_of(settings["meshes"]))
        settings = meant
        if settings not in points:
            points.append(settings)
    return points


def mesh_of(words: str) -> list[int]:
    """Rows and columns."""
    return [int(n) for n in words.split("x")]


def arguments_of(settings: dict) -> list[str]:
    """Options of `ptychoscale reconstruct` and `plan` for the settings, method and ranks aside."""
    chosen = [(DIMENSIONS[key].option, value) for key, value in settings.items() if DIMENSIONS[key].option]
    return [word for option, value in chosen for word in (option, str(value))]


def known_of(settings: dict) -> dict:
    """What a row without a run can say of itself."""
    row = {"name": "/".join(map(str, settings.values())), **{DIMENSIONS[key].key: value for key, value in settings.items()}}
    if "mesh" in row:
        row["mesh"] = mesh_of(row["mesh"])
        row["ranks"] = math.prod(row["mesh"])
    return row


def most_ranks(points: list[dict]) -> int:
    """Of any point."""
    return max(known_of(settings)["ranks"] for settings in points)
