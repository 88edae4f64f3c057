"""Two-parameter readings of figures: y = constant + slope * x."""

import dataclasses
from collections.abc import Sequence

import numpy as np
import scipy


@dataclasses.dataclass(frozen=True)
class Line:
    """y = constant + slope * x, neither below zero: both are costs."""

    constant: float
    slope: float

    def at(self, x):
        return self.constant + self.slope * x

    def residuals(self, x: Sequence[float], y: Sequence[float]) -> np.ndarray:
        """How far each y lies above the line, relative to the line."""
        return np.asarray(y, float) / self.at(np.asarray(x, float)) - 1


def fit(x: Sequence[float], y: Sequence[float]) -> Line:
    """The line with the least squared residuals relative to y, all above zero: figures over decades count alike."""
    x, y = np.asarray(x, float), np.asarray(y, float)
    scale = x.mean()  # so that both columns are of the order of one
    columns = np.stack([1 / y, x / scale / y], axis=1)
    constant, slope = scipy.optimize.lsq_linear(columns, np.ones_like(y), bounds=(0, np.inf), tol=1e-12).x
    return Line(float(constant), float(slope / scale))
