"""Which rows of two reports are the same run, and what each row says of itself beyond its own keys."""

import dataclasses

from harness.base.identity import Data

# What sets two runs apart. Rows are compared only where all of it agrees.
IDENTITY = (
    "case", "seed", "evidence", "method", "mesh", "ranks", "as_rank", "iterations", "threads", "grid", "adjoint", "bandwidth",
    "measurements", "measurement_type", "update", "positions_at_once", "exchange", "rounds", "delay", "halo_fill", "paste_every",
    "extra_rows", "halo_px", "refine_probe", "refine_scale", "probe_modes", "slice_blur", "options",
)  # fmt: skip
# What must agree for times to be comparable at all.
MACHINE = ("host_name", "cpu", "num_cpus", "compiler", "flags", "library_build_type", "mpi", "backend", "launcher")


@dataclasses.dataclass(frozen=True)
class Run:
    """A row with the context that holds for it: keys of the row win over those of its report."""

    row: dict
    context: dict

    @property
    def name(self) -> str:
        return self.row.get("name", "a row without a name")

    @property
    def identity(self) -> dict:
        """Keys of IDENTITY that the row or its context has."""
        dataset = self.context.get("dataset") or {}
        known = {**self.context, "case": dataset.get("case") or self.name.split("/")[0], "seed": dataset.get("seed"), **self.row}
        return {key: known[key] for key in IDENTITY if known.get(key) is not None}

    @property
    def data(self) -> Data:
        """What it ran on."""
        return Data.of(self.context)

    @property
    def withheld(self) -> str | None:
        """Why the row has no figures to compare; None when it has."""
        if self.row.get("error_occurred"):
            return f"failed: {self.row.get('error', 'no reason given')}"
        if self.row.get("verified") is False:
            return f"not verified: {self.row.get('verification_failed', 'no reason given')}"
        return None


def runs_of(report: dict) -> list[Run]:
    """All rows of a report."""
    return [Run(row, {**report["context"], **row}) for row in report["benchmarks"]]


@dataclasses.dataclass
class Matched:
    """Rows of a base and a new report, in the base's order."""

    pairs: list[tuple[Run, Run]]
    only_base: list[Run]
    only_new: list[Run]


def frozen(identity: dict, ignored: frozenset[str]) -> str:
    return repr([(key, identity[key]) for key in identity if key not in ignored])


def match(base: list[Run], new: list[Run], ignored: frozenset[str] = frozenset()) -> Matched:
    """Pairs of rows with the same identity, the `ignored` keys of it aside. Throws ValueError, saying which, when two rows of one
    side are the same run."""
    sides = []
    for side, runs in (("base", base), ("new", new)):
        by_identity: dict[str, Run] = {}
        for run in runs:
            key = frozen(run.identity, ignored)
            if key in by_identity:
                raise ValueError(f"the {side} report has two rows of the same run, both named {run.name}")
            by_identity[key] = run
        sides.append(by_identity)
    of_base, of_new = sides
    return Matched(
        [(run, of_new[key]) for key, run in of_base.items() if key in of_new],
        [run for key, run in of_base.items() if key not in of_new],
        [run for key, run in of_new.items() if key not in of_base],
    )


def why_alone(run: Run, others: list[Run]) -> str:
    """What sets a row apart from the nearest of the other report."""
    def differing(other: Run) -> list[str]:
        return [key for key in IDENTITY if run.identity.get(key) != other.identity.get(key)]

    if not others:
        return "the other report has no rows left"
    nearest = min(others, key=lambda other: len(differing(other)))
    said = [f"{key} {nearest.identity.get(key)} instead of {run.identity.get(key)}" for key in differing(nearest)[:3]]
    return f"the nearest, {nearest.name}, has {', '.join(said)}"


def other_machine(base: Run, new: Run, keys: tuple[str, ...] = MACHINE) -> str | None:
    """What differs of where and how two rows were measured; None when times compare."""
    for key in keys:
        here, there = base.context.get(key), new.context.get(key)
        if here != there:
            return f"{key} differs"
    return None
