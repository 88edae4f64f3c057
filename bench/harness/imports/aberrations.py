"""Aberrations of a lens that are not round, in polar form, as solvers/multislice has them."""

import argparse
import math

import numpy as np

from harness.base.errors import shortened
from harness.imports import quantities

ORDERS = {"C12": (1, 2), "C21": (2, 1), "C23": (2, 3), "C32": (3, 2), "C34": (3, 4)}  # n and m of C_nm
ROUND = {"C10": "--C10 or --defocus", "C30": "--C30"}
EXAMPLE = "C12=2nm@30deg,C21=50nm@-10deg"

Aberrations = dict[str, tuple[float, float]]  # by name: magnitude in angstrom, angle in degrees from +kx towards +ky


def read(text: str) -> Aberrations:
    """Of "C12=2nm@30deg,C21=50nm@-10deg". Throws ArgumentTypeError."""
    found = {}
    for word in text.split(","):
        name, value = read_one(word)
        if name in found:
            raise argparse.ArgumentTypeError(f"'{shortened(text, 60)}' says {name} twice; valid: each name once")
        found[name] = value
    return found


def read_one(word: str) -> tuple[str, tuple[float, float]]:
    """Throws ArgumentTypeError."""
    name, _, value = word.partition("=")
    magnitude, _, angle = value.partition("@")
    said = f"'{shortened(word, 60)}'"
    if name in ROUND:
        raise argparse.ArgumentTypeError(f"{said}: {name} is round, without an angle; valid: {ROUND[name]}")
    if name not in ORDERS:
        raise argparse.ArgumentTypeError(f"{said}: '{shortened(name, 20)}' is not one of {', '.join(ORDERS)}; valid: {EXAMPLE}")
    try:
        magnitude_A, degrees = quantities.read(magnitude, quantities.LENGTHS)[0], float(angle.strip().removesuffix("deg"))
    except ValueError:
        magnitude_A, degrees = math.nan, math.nan
    if not math.isfinite(magnitude_A) or not abs(degrees) <= 360:
        raise argparse.ArgumentTypeError(
            f"{said}: valid: a length with its unit, @, and degrees from -360 to 360, such as {name}=2nm@30deg"
        )
    if magnitude_A < 0:
        raise argparse.ArgumentTypeError(f"{said}: a magnitude below 0; valid: {above_0(name, magnitude_A, degrees)}, which is the same")
    return name, (magnitude_A, degrees)


def above_0(name: str, magnitude_A: float, degrees: float) -> str:
    """One with a magnitude below 0, as --aberrations takes the same: turned by half a period."""
    turned = (degrees + 180 / ORDERS[name][1] + 180) % 360 - 180
    return f"{name}={-magnitude_A:g}A@{turned:g}deg"


def in_words(magnitude_A: float, degrees: float) -> str:
    return f"{magnitude_A:g} A at {degrees:g} degrees"


def path_A(aberrations: Aberrations, alpha: np.ndarray, phi: np.ndarray) -> np.ndarray:
    """What they add to the path: the sum of C_nm alpha^(n + 1) / (n + 1) cos(m (phi - angle)); angles in rad."""
    path = np.zeros(np.broadcast(alpha, phi).shape)
    for name, (magnitude_A, degrees) in aberrations.items():
        n, m = ORDERS[name]
        path += magnitude_A * alpha ** (n + 1) / (n + 1) * np.cos(m * (phi - np.deg2rad(degrees)))
    return path


def widest_ray_A(aberrations: Aberrations, C10_A: float, C30_A: float, edge: float) -> float:
    """How far from the middle the ray of a lens that does so by most meets the specimen; `edge` of the aperture in rad."""
    alpha, phi = np.meshgrid(edge * np.arange(1, 65) / 64, np.arange(720) * np.pi / 360, indexing="ij")
    along, across = C10_A * alpha + C30_A * alpha**3, np.zeros(alpha.shape)
    for name, (magnitude_A, degrees) in aberrations.items():
        n, m = ORDERS[name]
        turn = m * (phi - np.deg2rad(degrees))
        along += magnitude_A * alpha**n * np.cos(turn)
        across -= magnitude_A * alpha**n * m / (n + 1) * np.sin(turn)
    return float(np.hypot(along, across).max())
