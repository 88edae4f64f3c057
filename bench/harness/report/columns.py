"""Which quantities the tables of a page hold, in the field's terms."""

import dataclasses

from harness.report.tables import Column

MEMORY_LABELS = ["volume", "accumulation", "waves", "measurements", "exchange", "fft", "other"]
PHASES = ["compute", "wait", "communication"]
SECONDS = ("seconds_per_iteration_median", "seconds_per_iteration")


def per_iteration(phase: str) -> Column:
    keys = (f"{phase}_seconds_per_iteration_mean", f"{phase}_seconds_per_iteration_max")
    return Column(phase.capitalize(), keys, "time", hint="seconds per iteration, mean of ranks")


def memory(label: str) -> Column:
    title = "FFT" if label == "fft" else label.capitalize()
    return Column(title, (f"memory_{label}_bytes_max",), "bytes", hint="largest rank")


TIME = [
    Column("Iteration", SECONDS, "time", hint="median over iterations of the slowest rank, then over repeated runs"),
    Column("95 % interval", ("seconds_per_iteration_95_percent",), "interval", "time", "of the median; from 6 runs on"),
    Column("Position", ("seconds_per_position",), "time", hint="rank time that one position of the dataset costs", group="position"),
    Column("Visit", ("seconds_per_visit_mean",), "time", hint="forward model and gradient of a position, mean of ranks", group="position"),
    *map(per_iteration, PHASES),
]

REPEATS = [
    Column("Runs", ("repetitions",), "count"),
    Column("Relative time", ("time_ratio_median",), hint="that of the first method's runs, paired with this one's, is 1"),
    Column("95 % interval", ("time_ratio_95_percent",), "interval", "number", "of the relative time"),
    Column("Stopped by", ("stop_reason",), "text", hint="why no more was measured"),
]

MEMORY = [
    Column("Peak", ("memory_peak_bytes_max",), "bytes", hint="all labels together, largest rank"),
    *map(memory, MEMORY_LABELS),
    Column("Process", ("memory_resident_bytes_max",), "bytes", hint="the process's own record, VmHWM"),
]

TRAFFIC = [
    Column("Messages", ("messages_sent",), "count", hint="all ranks, all iterations of the row"),
    Column("Sent", ("bytes_sent",), "bytes", hint="all ranks, all iterations of the row"),
    Column("Iterations", ("iterations",), "count"),
    Column("Positions per rank", ("positions_per_rank_max",), "count", hint="largest rank, repeated ones included"),
    Column("Voxels per rank", ("extended_voxels_max",), "count", hint="largest rank, halo included"),
    Column("Positions visited", ("positions_visited",), "count"),
]

TO_TARGET = [
    Column("Time", ("seconds_to_target",), "time", hint="of all iterations until the target was met"),
    Column("Rank time", ("rank_seconds_to_target",), "time", hint="that time of every rank"),
    Column("Iterations", ("iterations_to_target",), "count"),
    Column("Sent", ("bytes_to_target",), "bytes", hint="by all ranks until then"),
    Column("Peak memory", ("memory_peak_bytes_max",), "bytes", hint="largest rank"),
    Column("Target", ("target",), hint="of the relative RMSE, or of the cost where there is no truth"),
    Column("Lowest RMSE", ("relative_rmse_lowest",), "percent", hint="of all iterations; on noisy patterns runs get worse after it"),
    Column("after", ("relative_rmse_lowest_after",), "count", hint="iterations"),
]

QUALITY = [
    Column("Cost", ("cost",), hint="squared difference of amplitudes, last iteration"),
    Column("RMSE", ("relative_rmse",), "percent", hint="of the sum over slices, over the truth's standard deviation"),
    Column("SSIM", ("structural_similarity",), hint="structural similarity, 1 for the truth"),
    Column("FRC", ("frc_resolution_A",), "angstrom", hint="resolution where the ring correlation meets half a bit"),
    Column("Per pattern", ("cost_per_pattern",), hint="the cost of a pattern in use, of a beam of 1"),
    Column("Halves", ("halves_resolution_A",), "angstrom", hint="to which reconstructions of two halves of the positions agree, half a bit"),
    Column("Halves, one bit", ("halves_one_bit_resolution_A",), "angstrom", hint="the same, by one bit"),
    Column("Seam, rows", ("seam_rows_z",), hint="of row borders, in standard deviations of combs off the borders"),
    Column("Seam, columns", ("seam_columns_z",), hint="of column borders, in standard deviations of combs off the borders"),
    Column("Seam found", ("seam_found",), "text"),
    Column("Seam control", ("seam_control",), "text"),
]

VERIFICATION = [
    Column("Verified", ("verified",), "text"),
    Column("Golden data", ("verification_golden",), "text", hint="the backend against an independent code"),
    Column("Cost", ("verification_cost",), "text", hint="fell as the case promises"),
    Column("Seams", ("verification_seams",), "text", hint="at tile borders, against a serial control"),
]


@dataclasses.dataclass(frozen=True)
class Theme:
    """Columns that stand in one table. It is made where a run has `needs`, a key that tells that the rest is worth a table."""

    title: str
    columns: list[Column]
    needs: str = ""


THEMES = [
    Theme("To the target", TO_TARGET, needs="target"),
    Theme("Time per iteration", TIME),
    Theme("Repeated runs", REPEATS, needs="repetitions"),
    Theme("Memory per rank", MEMORY),
    Theme("Traffic and work", TRAFFIC),
    Theme("Quality", QUALITY),
    Theme("Verification", VERIFICATION),
]
