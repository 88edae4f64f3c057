"""Every quantity of a report's row: what to call it, its unit for people, and what a difference in it means."""

import dataclasses

EXACT, TOLERANCED, TIME, TEXT = "exact", "toleranced", "time", "text"
LOWER, HIGHER, NONE = "lower", "higher", "none"


@dataclasses.dataclass(frozen=True)
class Tolerance:
    """How far two values may lie apart and still be the same: |new - base| <= absolute + relative * |base|."""

    why: str
    relative: float = 0.0
    absolute: float = 0.0

    def allows(self, base: float, new: float) -> bool:
        return abs(new - base) <= self.absolute + self.relative * abs(base)

    def __str__(self) -> str:
        parts = [f"{100 * self.relative:g} %"] * (self.relative > 0) + [f"{self.absolute:g}"] * (self.absolute > 0)
        return " + ".join(parts)


@dataclasses.dataclass(frozen=True)
class Quantity:
    """One key of a row. A value times `scale` is in `unit`.

    exact: the same program, case and mesh give the same number on every machine; toleranced: the same but for rounding; time:
    measured, and comparable only through samples; text: words, or yes and no."""

    key: str
    title: str
    kind: str
    unit: str = ""
    scale: float = 1.0
    better: str = NONE
    tolerance: Tolerance | None = None
    not_gated: str = ""  # why `ptychoscale gate` leaves it out; empty for what it holds fast
    samples: str = ""  # key of the raw measurements that a time is the median of

    @property
    def gated(self) -> bool:
        return self.kind in (EXACT, TOLERANCED) and not self.not_gated

    def text(self, value: object) -> str:
        """The value for people, without its unit."""
        if isinstance(value, bool):
            return "yes" if value else "no"
        if isinstance(value, list):
            return " x ".join(self.text(each) for each in value)
        if not isinstance(value, (int, float)):
            return "-" if value is None else str(value)
        if self.scale == 1 and float(value).is_integer() and abs(value) < 1e9:
            return str(int(value))
        return f"{value * self.scale:.4g}"


SPREADS = ("max", "mean", "min")  # over ranks

# How far the same source strays was measured between a build for the machine at hand and one for plain x86-64, on the same data of
# `smoke` and `ci`: cost 1.3e-4, RMSE 2.4e-4, structural similarity 2.6e-5 at most (gd on `ci`). The tolerances leave room for
# another compiler. With one build, threads, cores and a fresh or kept FFTW wisdom changed no bit.
ROUNDING = "rounding of other vector instructions, grown over the iterations"
COST = Tolerance(ROUNDING, relative=0.001)
RMSE = Tolerance(ROUNDING, relative=0.002)
SIMILARITY = Tolerance(ROUNDING, absolute=0.0002)
# These two have no iterations to grow in: 6e-8 and 2e-7 were seen.
EMPTY_COST = Tolerance("rounding of the patterns", relative=1e-6)
STEP = Tolerance("rounding of the probe", relative=1e-6)


def over_ranks(stem: str, title: str, kind: str, **how) -> list[Quantity]:
    """Largest, mean and least of the ranks."""
    return [Quantity(f"{stem}_{spread}", f"{title}, {spread}", kind, **how) for spread in SPREADS]


def memory(label: str, title: str) -> list[Quantity]:
    return over_ranks(f"memory_{label}_bytes", title, EXACT, unit="MB", scale=1e-6, better=LOWER)


def seconds(stem: str, title: str) -> list[Quantity]:
    return over_ranks(f"{stem}_seconds_per_iteration", title, TIME, unit="ms", scale=1e3, better=LOWER)


def seams(axis: str) -> list[Quantity]:
    """Traces of tile borders, across the borders between rows or columns of tiles. What they are worth says `seam_found`."""
    z = Tolerance("standard deviations; an intact exchange stays within a few, a seam is above 5", absolute=2.0)
    excess = Tolerance(f"{ROUNDING}; a broken exchange adds 0.1 and more", absolute=0.05)
    comb = Tolerance("the scatter of a featureless profile is 0.06", absolute=0.06)
    step = "its scatter is as large as itself where there is no seam; seam_found judges it"
    return [
        Quantity(f"seam_{axis}_z", f"seam z, {axis}", TOLERANCED, better=LOWER, tolerance=z),
        Quantity(f"seam_{axis}_step_z", f"seam step z, {axis}", TOLERANCED, better=LOWER, tolerance=z),
        Quantity(f"seam_{axis}_z_worst_slice", f"seam z, {axis}, worst slice", TOLERANCED, better=LOWER, tolerance=z),
        Quantity(f"seam_{axis}_step_z_worst_slice", f"seam step z, {axis}, worst slice", TOLERANCED, better=LOWER, tolerance=z),
        Quantity(f"seam_{axis}_comb_power", f"seam comb power, {axis}", TOLERANCED, better=LOWER, tolerance=comb),
        Quantity(f"seam_{axis}_excess", f"border error over control, {axis}", TOLERANCED, "ln", better=LOWER, tolerance=excess),
        Quantity(f"seam_{axis}_step_V_A", f"seam step, {axis}", TEXT, "V A", not_gated=step),
        Quantity(f"seam_{axis}_step_rad", f"seam step, {axis}", TEXT, "mrad", 1e3, not_gated=step),
    ]


WORK = [
    Quantity("halo_px", "halo", EXACT, "px"),
    *over_ranks("positions_per_rank", "positions per rank", EXACT),
    *over_ranks("extended_voxels", "voxels per rank", EXACT),
    Quantity("positions_visited", "positions visited", EXACT),
    Quantity("step", "step size", TOLERANCED, "(V A)^2", tolerance=STEP),
]

TRAFFIC = [
    Quantity("bytes_sent", "sent by all ranks", EXACT, "MB", 1e-6, LOWER),
    Quantity("messages_sent", "messages of all ranks", EXACT, better=LOWER),
]

MEMORY = [
    *memory("peak", "memory per rank"),
    *memory("volume", "memory of volume"),
    *memory("accumulation", "memory of accumulation"),
    *memory("waves", "memory of waves"),
    *memory("measurements", "memory of measurements"),
    *memory("exchange", "memory of exchange"),
    *memory("fft", "memory of FFT"),  # scratch of each thread: exact because rows are compared at one number of threads
    *memory("other", "memory of other"),
    *over_ranks(
        "memory_resident_bytes", "memory of the process (VmHWM)", TOLERANCED, unit="MB", scale=1e-6, better=LOWER,
        tolerance=Tolerance("what the libraries keep; runs of one program differ by up to 2 %", relative=0.05),
        not_gated="the system and its libraries are in it; memory by label is held exactly",
    ),
]

TO_TARGET = [
    Quantity(
        "iterations_to_target", "iterations to the target", TOLERANCED, better=LOWER,
        tolerance=Tolerance("a curve may cross the target an iteration earlier or later", absolute=1),
    ),
    Quantity("bytes_to_target", "sent to the target", TEXT, "MB", 1e-6, not_gated="follows from iterations and bytes, which are held"),
    Quantity("seconds_to_target", "time to the target", TIME, "s", better=LOWER),
    Quantity("rank_seconds_to_target", "rank time to the target", TIME, "s", better=LOWER),
    Quantity("target", "target", TEXT),
    Quantity("relative_rmse_lowest", "RMSE at its lowest", TOLERANCED, "%", 100, LOWER, RMSE),
    Quantity("relative_rmse_lowest_after", "iterations to the lowest RMSE", TEXT, not_gated="near its minimum a curve is flat"),
]

QUALITY = [
    Quantity("cost", "cost, last iteration", TOLERANCED, better=LOWER, tolerance=COST),
    Quantity("cost_per_pattern", "cost per pattern and electron", TEXT, not_gated="follows from the cost, which is held"),
    Quantity("cost_of_empty_volume", "cost, empty volume", TOLERANCED, tolerance=EMPTY_COST),
    Quantity("relative_rmse", "RMSE", TOLERANCED, "%", 100, LOWER, RMSE),
    Quantity("structural_similarity", "structural similarity", TOLERANCED, better=HIGHER, tolerance=SIMILARITY),
    Quantity(
        "frc_resolution_A", "FRC resolution", TOLERANCED, "A", better=LOWER,
        tolerance=Tolerance("rounding can move where the curve crosses by one ring, of about 40", relative=0.03),
    ),
    *(
        Quantity(
            key, f"halves agree to, {bits}", TOLERANCED, "A", better=LOWER,
            tolerance=Tolerance("rounding can move it by one ring, of about 40", relative=0.05),
        )
        for key, bits in (("halves_resolution_A", "half a bit"), ("halves_one_bit_resolution_A", "one bit"))
    ),
    Quantity("seam_found", "seam found", EXACT, better=LOWER),
    *seams("rows"),
    *seams("columns"),
]

TIMES = [
    Quantity("seconds_per_iteration", "time per iteration", TIME, "ms", 1e3, LOWER, samples="seconds_per_iteration_of_repetitions"),
    Quantity("seconds_per_position", "rank time per position", TIME, "ms", 1e3, LOWER),
    *over_ranks("seconds_per_visit", "compute per visited position", TIME, unit="ms", scale=1e3, better=LOWER),
    *seconds("compute", "compute"),
    *seconds("wait", "wait"),
    *seconds("communication", "communication"),
    Quantity("time_ratio_median", "time over the first method's", TIME, better=LOWER, samples="time_ratio_of_repetitions"),
    Quantity("pace", "pace (see results/README.md)", TIME, better=LOWER, samples="pace_of_repetitions"),
]

STATE = [
    Quantity("verified", "verified", TEXT),
    Quantity("verification_golden", "golden data", TEXT),
    Quantity("verification_cost", "fall of the cost", TEXT),
    Quantity("verification_seams", "seams at tile borders", TEXT),
    Quantity("stop_reason", "stopped because", TEXT),
    Quantity("repetitions", "runs", TEXT),
    Quantity("backend", "backend", TEXT),
]

ALL = [*TO_TARGET, *WORK, *TRAFFIC, *MEMORY, *QUALITY, *TIMES, *STATE]
BY_KEY = {quantity.key: quantity for quantity in ALL}
