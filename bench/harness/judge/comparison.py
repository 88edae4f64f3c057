"""What differs between two rows, quantity by quantity, and whether that is better or worse."""

import dataclasses
from collections.abc import Iterator

from harness.base.statistics import unpaired_ratio
from harness.judge.matching import Run, other_machine
from harness.judge.quantities import ALL, EXACT, HIGHER, LOWER, NONE, TEXT, TIME, Quantity

BETTER, WORSE, SAME, UNCLEAR, CHANGED = "better", "worse", "same", "unclear", "changed"
# A time whose whole interval is this near to no change is the same: what bench calls known.
SAME_TIME = 0.02


@dataclasses.dataclass(frozen=True)
class Difference:
    """One quantity of two rows. `relative` is (new - base) / |base|; `interval` its 95 % interval, for times with samples."""

    quantity: Quantity
    base: object
    new: object
    verdict: str
    relative: float | None = None
    interval: tuple[float, float] | None = None
    why: str = ""  # of an unclear verdict, or what was tolerated


def is_number(value: object) -> bool:
    return isinstance(value, (int, float))


def direction(quantity: Quantity, base: float, new: float) -> str:
    """What a difference that counts is called."""
    if quantity.better == NONE:
        return CHANGED
    return BETTER if (new < base) == (quantity.better == LOWER) else WORSE


def relative(base: object, new: object) -> float | None:
    if is_number(base) and is_number(new) and base != 0:
        return (new - base) / abs(base)
    return None


def settled(quantity: Quantity, base: object, new: object) -> Difference:
    """A quantity that one run settles."""
    change = relative(base, new)
    if base == new:
        return Difference(quantity, base, new, SAME, change)
    if not (is_number(base) and is_number(new)):
        return Difference(quantity, base, new, CHANGED)
    tolerance = quantity.tolerance
    if quantity.kind != EXACT and tolerance is not None and tolerance.allows(base, new):
        return Difference(quantity, base, new, SAME, change, why=f"within {tolerance}: {tolerance.why}")
    return Difference(quantity, base, new, direction(quantity, base, new), change)


def samples_of(row: dict, quantity: Quantity) -> list[float]:
    """The raw measurements behind a time; of a run that was not repeated, the only one."""
    if not quantity.samples:
        return []
    return row.get(quantity.samples) or [row[quantity.key]]


def timed(quantity: Quantity, base: Run, new: Run) -> Difference:
    """A time: judged only by samples whose interval excludes no change, and only on one machine."""
    old, now = base.row[quantity.key], new.row[quantity.key]
    change = relative(old, now)
    apart = other_machine(base, new)
    if apart is not None:
        return Difference(quantity, old, now, UNCLEAR, change, why=f"other machine: {apart}")
    before, after = samples_of(base.row, quantity), samples_of(new.row, quantity)
    if not before or not after:
        return Difference(quantity, old, now, UNCLEAR, change, why="no samples are kept of it")
    ratio, factors = unpaired_ratio(after, before)
    if factors is None:
        return Difference(quantity, old, now, UNCLEAR, ratio - 1, why=f"too few samples: {len(before)} and {len(after)}")
    low, high = interval = (factors[0] - 1, factors[1] - 1)
    if -SAME_TIME <= low and high <= SAME_TIME:
        return Difference(quantity, old, now, SAME, ratio - 1, interval, f"within {100 * SAME_TIME:g} %")
    if low <= 0 <= high:
        return Difference(quantity, old, now, UNCLEAR, ratio - 1, interval, "the interval holds no change")
    verdict = BETTER if (high < 0) == (quantity.better != HIGHER) else WORSE
    return Difference(quantity, old, now, verdict, ratio - 1, interval)


def differences(base: Run, new: Run) -> Iterator[Difference]:
    """Every quantity that both rows have and that can be judged, in the order of the table of quantities."""
    for quantity in ALL:
        if quantity.kind == TEXT or quantity.key not in base.row or quantity.key not in new.row:
            continue
        old, now = base.row[quantity.key], new.row[quantity.key]
        if quantity.kind == TIME and is_number(old) and is_number(now):
            yield timed(quantity, base, new)
        elif quantity.kind != TIME:
            yield settled(quantity, old, now)
