"""Pixels of the detector that tell nothing: named, listed in a file, or found because they stand out of their neighbours."""

import re
from pathlib import Path

import numpy as np

from harness.base.errors import InputError, shortened
from harness.imports.numbers_file import read_array

REACH = 2  # pixels to each side that count as neighbours
HOT = 3.0  # times as bright as the second brightest neighbour: two hot pixels may lie together
DEAD = 0.2  # of the second darkest neighbour
SIGMAS = 6.0  # of what the mean over patterns is known to, apart from its neighbours
STRIPE = 32  # rows looked at at a time, for the memory's sake


def named(word: str, shape: tuple[int, int]) -> np.ndarray:
    """A mask, true where bad, of "y:x,y:x" or of a file: text with a pixel y x on each line, or an image in which bad is not 0."""
    if re.fullmatch(r"\d+:\d+(,\d+:\d+)*", word):
        return of_list(np.array([pair.split(":") for pair in word.split(",")], int), shape, word)
    values = read_array(Path(word), "--bad-pixels")
    if values.shape == shape:
        return values != 0
    if values.ndim == 2 and values.shape[1] == 2:
        return of_list(values, shape, word)
    raise InputError(f"--bad-pixels: {word} has shape {values.shape}; valid: the detector's {shape}, or a list of (y, x)")


def of_list(pixels: np.ndarray, shape: tuple[int, int], word: str) -> np.ndarray:
    bad = np.zeros(shape, bool)
    outside = [(y, x) for y, x in pixels if not (0 <= y < shape[0] and 0 <= x < shape[1] and y == int(y) and x == int(x))]
    if outside:
        raise InputError(f"--bad-pixels: {shortened(word, 80)} names {tuple(map(float, outside[0]))}; valid: a pixel (y, x) of {shape}")
    y, x = pixels.astype(int).T
    bad[y, x] = True
    return bad


def neighbours(image: np.ndarray, usable: np.ndarray, rows: slice) -> np.ndarray:
    """Values around each pixel of some rows, in order, NaN last; [y][x][neighbour]."""
    width = 2 * REACH + 1
    padded = np.pad(np.where(usable, image, np.nan), REACH, constant_values=np.nan)
    boxes = np.lib.stride_tricks.sliding_window_view(padded[rows.start : rows.stop + 2 * REACH], (width, width))
    around = boxes.reshape(*boxes.shape[:2], -1)
    return np.sort(np.delete(around, around.shape[2] // 2, axis=2), axis=2)


def outliers(mean: np.ndarray, error: np.ndarray, usable: np.ndarray) -> np.ndarray:
    """Hot and dead pixels of a mean pattern of which `error` is known about each mean; true where bad. A pixel that never counted shows no
    error of its own, but in the dark that is chance: it is known no better than its neighbours."""
    bad = np.zeros(mean.shape, bool)
    for start in range(0, mean.shape[0], STRIPE):
        rows = slice(start, min(start + STRIPE, mean.shape[0]))
        around, errors = neighbours(mean, usable, rows), neighbours(error, usable, rows)
        known = np.isfinite(around).sum(axis=2)
        bright = np.take_along_axis(around, np.maximum(known - 2, 0)[..., None], 2)[..., 0]
        usual = np.take_along_axis(errors, np.maximum(known // 2, 0)[..., None], 2)[..., 0]
        dark = around[..., 1]
        here, unsure = mean[rows], SIGMAS * np.fmax(error[rows], usual)
        with np.errstate(invalid="ignore"):
            hot = here - HOT * np.maximum(bright, 0) > unsure
            dead = (here < DEAD * dark) & (dark - here > unsure)
        bad[rows] = (hot | dead) & (known > 2) & usable[rows]
    return bad
