"""Whether fresh rows are what their baseline says, and what is said of those that are not."""

import dataclasses

from harness.base import identity
from harness.base.errors import InputError
from harness.base.limits import AGAINST_LIMIT, PARALLEL_LIMIT, SERIAL_LIMIT
from harness.base.statistics import Summary, summarise, unpaired_ratio
from harness.judge import pace
from harness.judge.comparison import SAME, Difference, settled
from harness.judge.matching import Run, match, other_machine, why_alone
from harness.judge.quantities import ALL, SPREADS

# The halo is an outcome here, to be held, and not what tells two rows apart.
IGNORED = frozenset({"halo_px"})
# A pace is the same on every machine of one kind.
MACHINE_KIND = ("cpu", "num_cpus", "compiler", "flags", "library_build_type", "backend")


@dataclasses.dataclass
class Judgement:
    """What did not hold, what could not be judged, each a line for people, and how much did hold."""

    broken: list[str] = dataclasses.field(default_factory=list)
    notes: list[str] = dataclasses.field(default_factory=list)
    held: int = 0

    def add(self, other: "Judgement") -> None:
        self.broken += other.broken
        self.notes += other.notes
        self.held += other.held


def withheld(runs: list[Run]) -> list[str]:
    """A line for every row that failed or is not verified."""
    return [f"{run.name}: {run.withheld}" for run in runs if run.withheld]


def check_comparable(base: Run, new: Run) -> None:
    """Throws InputError when two rows with the same settings are still of different things."""
    why = identity.why_other_case(base.data, new.data)
    if why is not None:
        raise InputError(
            f"{new.name}: cannot be compared: the case is not what it was: {why} in the baseline; valid: a run on the case's own dataset, "
            "or, where the case was meant to change, --update"
        )
    for quantity in ALL:
        if quantity.gated and quantity.key in base.row and quantity.key not in new.row:
            raise InputError(f"{new.name}: cannot be compared: it has no {quantity.key}, which the baseline holds")


def said(name: str, difference: Difference) -> str:
    """A difference that breaks the baseline, in one line."""
    quantity = difference.quantity
    unit = f" {quantity.unit}" if quantity.unit else ""
    # As many digits as it takes to tell the two apart.
    base, new = quantity.text(difference.base), quantity.text(difference.new)
    if base == new:
        base, new, unit = f"{difference.base}", f"{difference.new}", ""
    change = "" if difference.relative is None else f" ({100 * difference.relative:+.3g} %)"
    limit = str(quantity.tolerance) if quantity.tolerance else "none"
    return f"{name}: {quantity.title} ({quantity.key}): {new}{unit}, baseline {base}{unit}{change}, tolerance {limit}: {difference.verdict}"


def judge_row(base: Run, new: Run) -> Judgement:
    """All that one run settles. Of a spread over ranks the largest speaks for the others."""
    judgement = Judgement()
    broken: set[str] = set()
    for quantity in ALL:
        if not quantity.gated or quantity.key not in base.row:
            continue
        difference = settled(quantity, base.row[quantity.key], new.row[quantity.key])
        if difference.verdict == SAME:
            judgement.held += 1
            continue
        stem, _, spread = quantity.key.rpartition("_")
        if spread not in SPREADS or stem not in broken:
            judgement.broken.append(said(new.name, difference))
        broken.add(stem)
    return judgement


def judge_pace(base: Run, new: Run) -> Judgement:
    """The speed, on the baseline's kind of machine."""
    before, after = base.row.get("pace_of_repetitions"), new.row.get("pace_of_repetitions")
    apart = other_machine(base, new, MACHINE_KIND)
    if apart is not None:
        return Judgement(notes=[f"{new.name}: pace not judged: not the baseline's kind of machine, {apart}"])
    if not before or not after:
        lacking = "baseline" if not before else "new row"
        return Judgement(notes=[f"{new.name}: pace not judged: the {lacking} has none (more ranks than cores, or another command)"])
    limit = SERIAL_LIMIT if new.row["pace_unit"] == pace.TRANSFORMS else PARALLEL_LIMIT
    ratio, interval = unpaired_ratio(after, before)
    what = f"pace, {new.row['pace_unit']}: {new.row['pace']:.4g}, baseline {base.row['pace']:.4g}"
    return judge_slowdown(f"{new.name}: {what}", Summary(tuple(after), ratio, interval), limit)


def judge_slowdown(what: str, ratio: Summary, limit: float) -> Judgement:
    """A ratio of times, new over old."""
    if ratio.interval is None:
        return Judgement(notes=[f"{what}: not judged: {len(ratio.samples)} runs are too few for an interval"])
    low, high = (100 * (end - 1) for end in ratio.interval)
    line = f"{what} ({100 * (ratio.median - 1):+.3g} %, 95 % between {low:+.3g} and {high:+.3g} %, limit {100 * limit:+g} %)"
    if ratio.interval[0] > 1 + limit:
        return Judgement(broken=[f"{line}: worse"])
    if ratio.interval[1] > 1 + limit:
        return Judgement(notes=[f"{line}: unclear"])
    return Judgement(held=1)


def judge(base: list[Run], new: list[Run], failed: set[str]) -> Judgement:
    """Rows with figures, of one case; methods that failed need no row. Throws InputError, saying why, when they cannot be compared."""
    judgement = Judgement()
    try:
        found = match(base, new, IGNORED)
    except ValueError as double:
        raise InputError(str(double)) from None
    for run in found.only_base:
        if run.row["method"] not in failed:
            raise InputError(f"{run.name}: cannot be compared: no such row is in the new report; {why_alone(run, new)}")
    doubts = dict.fromkeys(identity.doubt(before.data, after.data) for before, after in found.pairs)
    judgement.notes += [f"{found.pairs[0][1].row['name'].split('/')[0]}: {said} in the baseline" for said in doubts if said]
    judgement.notes += [f"{run.name}: not in the baseline; {why_alone(run, base)}" for run in found.only_new]
    for before, after in found.pairs:
        check_comparable(before, after)
        judgement.add(judge_row(before, after))
        judgement.add(judge_pace(before, after))
    return judgement


def judge_against(ratios: dict[str, list[float]]) -> Judgement:
    """Times over those of another build, by name of row."""
    judgement = Judgement()
    for name, samples in ratios.items():
        judgement.add(judge_slowdown(f"{name}: time over the other build's", summarise(samples), AGAINST_LIMIT))
    return judgement
