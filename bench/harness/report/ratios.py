"""A run's quantity beside another run's: the ratio, with an interval where both were measured often enough."""

from harness.base.statistics import unpaired_ratio
from harness.report.columns import SECONDS
from harness.report.runs import Run
from harness.report.tables import NONE, Column, value_of

SAMPLES = {("pace",): "pace_of_repetitions", SECONDS: "seconds_per_iteration_of_repetitions"}  # by keys of a column
Ratio = tuple[float, tuple[float, float] | None]


def ratio_of(run: Run, first: Run, column: Column) -> Ratio | None:
    """How many times the first one's value this one's is, and the 95 % interval; None where the first one's is zero. Both have one."""
    samples = [each.row.get(SAMPLES.get(column.keys, "")) or [] for each in (run, first)]
    if all(samples):
        return unpaired_ratio(*samples)
    value, reference = (value_of(each, column)[1] for each in (run, first))
    return (value / reference, None) if reference else None


def ratio_words(ratio: Ratio | None) -> str:
    if ratio is None:
        return NONE
    times, interval = ratio
    return f"{times:.3g} ×" + (f" ({interval[0]:.3g} – {interval[1]:.3g})" if interval else "")
