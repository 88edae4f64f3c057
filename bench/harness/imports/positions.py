"""Where the beam was for each pattern: a raster, or a list; turned into the detector's frame and placed in the volume."""

import dataclasses
import math
import re
from pathlib import Path

import numpy as np

from harness.base.errors import InputError
from harness.imports import quantities
from harness.imports.numbers_file import read_with_unit

UNEVEN = 1.0  # of the usual step: those of a raster, which may jitter, are no further from it
JUMPS = 2.0


@dataclasses.dataclass(frozen=True)
class Scan:
    """`shape`: rows and columns as patterns are stored; positions [n][2] (y, x) in angstrom, in their order."""

    shape: tuple[int, int]
    step_A: tuple[float, float]
    positions_A: np.ndarray
    is_raster: bool


def raster(shape: tuple[int, int], step_A: tuple[float, float]) -> np.ndarray:
    """Row by row, from (0, 0)."""
    y, x = np.meshgrid(np.arange(shape[0]) * step_A[0], np.arange(shape[1]) * step_A[1], indexing="ij")
    return np.stack([y.ravel(), x.ravel()], axis=1)


def read(word: str, unit: str | None) -> np.ndarray:
    """Positions (y, x) in angstrom of a table: text, .npy or HDF5. Text may say in its first line which column is which, and the unit:
    "y_nm,x_nm". Throws InputError when no unit is known, or two that differ."""
    values, said = of_text(Path(word)) if is_text(word) else read_with_unit(Path(word), "--positions")
    if values.ndim != 2 or values.shape[1] != 2:
        raise InputError(f"--positions: {word} has shape {values.shape}; valid: (n, 2), y and x of each pattern")
    if not np.isfinite(values).all():
        row = int(np.flatnonzero(~np.isfinite(values).all(axis=1))[0])
        raise InputError(f"--positions: {word}: position {row} is {values[row].tolist()}; valid: finite numbers")
    if said and unit and quantities.unit_of(said) != quantities.unit_of(unit):
        raise InputError(f"--positions-unit: '{unit}', but {word} says '{said}'; valid: leave the option out, or mend the file")
    if not (said or unit):
        raise InputError(f"--positions: {word} does not say its unit; valid: --positions-unit with one of {', '.join(quantities.LENGTHS)}")
    return values.astype(float) * quantities.in_unit(1.0, said or unit, quantities.LENGTHS, f"--positions: {word}")


def is_text(word: str) -> bool:
    return "::" not in word and Path(word).suffix.lower() in (".csv", ".txt", ".tsv", ".dat") and Path(word).is_file()


def of_text(file: Path) -> tuple[np.ndarray, str]:
    """Numbers of a table whose first line may name its columns."""
    lines = file.read_text(errors="replace").splitlines()
    head = re.findall(r"([yx])[\s_(\[]*([A-Za-zÅµμ]*)[)\]]*", lines[0].lstrip("# ")) if lines and re.search("[A-Za-z]", lines[0]) else []
    if not head:
        return read_with_unit(file, "--positions")
    if sorted(axis for axis, _ in head) != ["x", "y"] or head[0][1] != head[1][1]:
        raise InputError(f"--positions: {file}: the first line '{lines[0][:60]}' does not name y and x with one unit; valid: y_A,x_A")
    try:
        values = np.loadtxt(lines[1:], delimiter="," if any("," in line for line in lines[1:2]) else None, ndmin=2)
    except ValueError as error:
        raise InputError(f"--positions: {file}: {error}") from None
    return (values if head[0][0] == "y" else values[:, ::-1]), head[0][1]


def lines_are_regular(positions: np.ndarray, shape: tuple[int, int]) -> tuple[bool, bool]:
    """Whether positions, laid out as rows and columns, go on in even steps; and whether they jump."""
    grid = positions.reshape(*shape, 2)
    worst = 0.0
    for axis in (0, 1):
        steps = np.diff(grid, axis=axis).reshape(-1, 2)
        if len(steps):
            usual = np.median(steps, axis=0)
            worst = max(worst, np.hypot(*(steps - usual).T).max() / max(np.hypot(*usual), 1e-12))
    return worst <= UNEVEN, worst > JUMPS


def mean_steps(positions: np.ndarray, shape: tuple[int, int]) -> tuple[float, float]:
    """Of a raster however it is turned, as the reader measures them; nan along an axis of one line."""
    grid = positions.reshape(*shape, 2)
    down = np.hypot(*(grid[-1] - grid[0]).T).mean() / (shape[0] - 1) if shape[0] > 1 else math.nan
    along = np.hypot(*(grid[:, -1] - grid[:, 0]).T).mean() / (shape[1] - 1) if shape[1] > 1 else math.nan
    return down, along


def listed_scan(positions: np.ndarray, shape: tuple[int, int], name: str) -> Scan:
    """Throws InputError when the positions go by columns of the scan instead of its rows."""
    rows, columns = shape
    regular, jumps = lines_are_regular(positions, shape)
    if jumps and rows != columns and min(shape) > 1 and lines_are_regular(positions, (columns, rows))[0]:
        raise InputError(
            f"{name}: positions come in {columns} lines of {rows}, the patterns in {rows} lines of {columns}: one is transposed against "
            "the other; valid: --axes with scan_y and scan_x exchanged, or positions in the order of the patterns"
        )
    down, along = mean_steps(positions, shape)
    if regular and (math.isnan(down) or down > 0) and (math.isnan(along) or along > 0):
        return Scan(shape, (along if math.isnan(down) else down, down if math.isnan(along) else along), positions, True)
    near = typical_distance(positions)
    return Scan(shape, (near, near), positions, False)


def nearest_distances(positions: np.ndarray) -> np.ndarray:
    from scipy.spatial import KDTree

    return KDTree(positions).query(positions, k=2)[0][:, 1]


def typical_distance(positions: np.ndarray) -> float:
    """Median distance to the nearest neighbour."""
    return float(np.median(nearest_distances(positions)))


def turned(positions: np.ndarray, rotation_deg: float, transposed: bool) -> np.ndarray:
    """From the scan's frame to the detector's. `rotation_deg` and `transposed` are py4DSTEM's QR_rotation and QR_flip: what turns the
    detector's (transposed) frame into the scan's, so that positions turn back."""
    if rotation_deg == 0 and not transposed:
        return positions
    angle = math.radians(rotation_deg)
    y, x = positions.T
    back = np.stack([math.cos(angle) * y + math.sin(angle) * x, -math.sin(angle) * y + math.cos(angle) * x], axis=1)
    return back[:, ::-1] if transposed else back


def placed(positions: np.ndarray, pixel_A: tuple[float, float], window: tuple[int, int], volume: tuple[int, int] | None):
    """(positions around the middle of the volume, the volume's pixels): room for every window, unless a volume is given. Throws
    InputError when that does not hold the positions."""
    low, high = positions.min(axis=0), positions.max(axis=0)
    pixel = np.array(pixel_A)
    needed = np.ceil((high - low) / pixel).astype(int) + 1
    volume = tuple(int(n) for n in (needed + np.array(window) if volume is None else volume))
    if np.any(needed > volume):
        raise InputError(f"--volume: {volume[0]},{volume[1]} pixels do not hold the positions; valid: at least {needed[0]},{needed[1]}")
    return positions + ((np.array(volume) - 1) / 2 * pixel - (low + high) / 2), volume


def refuse_apart(scan: Scan, diameter_A: float) -> None:
    """Throws InputError when no two circles that neighbouring positions illuminate overlap."""
    lines = [step for step, n in zip(scan.step_A, scan.shape, strict=True) if n > 1]
    nearest = min(lines, default=math.inf) if scan.is_raster else float(nearest_distances(scan.positions_A).min())
    if nearest >= diameter_A:
        raise InputError(
            f"positions: the nearest two are {nearest:.4g} A apart, the probe's circle is {diameter_A:.4g} A wide, so that none overlap; "
            "valid: smaller steps, more defocus; is a unit another one?"
        )
