"""Units and ticks that plots share."""

from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator


def unit_of(values, units) -> tuple[float, str]:
    """The largest unit in which the largest of the values is 1 or more."""
    largest = max(values, default=0)
    return next((unit for unit in units if largest >= unit[0]), units[-1])


def plain(value: float, _=None) -> str:
    """A tick's number as people write it."""
    return f"{value:g}"


def plain_log_ticks(axes) -> None:
    """Numbers that can be read on a logarithmic y axis: powers of ten, or steps where these would be too few."""
    low, high = axes.get_ylim()
    if high / low < 20:
        axes.yaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
    elif high / low < 1000:
        axes.yaxis.set_major_locator(LogLocator(subs=[1, 2, 5]))
    axes.yaxis.set_major_formatter(FuncFormatter(plain))
    axes.yaxis.set_minor_locator(NullLocator())
