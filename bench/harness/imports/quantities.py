"""Numbers with their units, as people type them and as files name them."""

import math
import re

from harness.base.errors import InputError, shortened

LENGTHS = {"A": 1.0, "pm": 1e-2, "nm": 10.0, "um": 1e4, "mm": 1e7, "m": 1e10}  # in angstrom
ENERGIES = {"eV": 1.0, "keV": 1e3, "MeV": 1e6, "V": 1.0, "kV": 1e3}  # in eV; of an electron that went through so many volts
ANGLES = {"mrad": 1.0, "rad": 1e3, "deg": 1e3 * math.pi / 180}  # in mrad
FREQUENCIES = {"1/A": 1.0, "1/pm": 1e2, "1/nm": 0.1, "1/m": 1e-10}  # in 1 / angstrom
NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"


def unit_of(text: str) -> str:
    """The one spelling of a unit: "[Å^-1]", "A⁻¹" and "1/angstrom" are all "1/A"."""
    unit = re.sub(r"[\[\]()\s]", "", text)
    unit = re.sub(r"(?i)angstroms?", "A", unit.replace("Å", "A").replace("\u212b", "A").replace("\\AA", "A"))
    unit = unit.replace("µ", "u").replace("μ", "u").replace("⁻¹", "^-1")
    inverse = re.fullmatch(r"([A-Za-z]+)(?:\^|\*\*|_)?-1|/([A-Za-z]+)", unit)
    return f"1/{inverse[1] or inverse[2]}" if inverse else unit


def read(text: str, *kinds: dict[str, float]) -> tuple[float, str]:
    """A number with a unit of one of the kinds, as (value in the kind's own unit, the unit's one spelling). Throws ValueError."""
    form = re.fullmatch(rf"\s*({NUMBER})\s*(\S.*?)\s*", text)
    unit = unit_of(form[2]) if form else ""
    for kind in kinds:
        if unit in kind:
            return float(form[1]) * kind[unit], unit
    raise ValueError


def in_unit(value: float, unit: str, kind: dict[str, float], what: str) -> float:
    """`value` in the kind's own unit. Throws InputError naming `what` for a unit that is not of the kind."""
    spelled = unit_of(unit)
    if spelled not in kind:
        raise InputError(f"{what}: has the unit '{shortened(unit, 40)}'; valid: {', '.join(kind)}")
    return value * kind[spelled]


def wavelength_A(energy_eV: float) -> float:
    """The relativistic wavelength of electrons, as solvers/base has it (CODATA 2018)."""
    planck, charge, mass, light = 6.62607015e-34, 1.602176634e-19, 9.1093837015e-31, 299792458.0
    energy = energy_eV * charge
    return 1e10 * planck * light / math.sqrt(energy * (energy + 2 * mass * light**2))
