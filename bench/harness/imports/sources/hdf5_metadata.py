"""What HDF5 files say of an experiment: EMD's calibrations and axes, and ptychoscale's own header."""

import h5py
import numpy as np

from harness.base.errors import InputError
from harness.imports import quantities
from harness.imports.aberrations import ORDERS
from harness.imports.provenance import FILE, Found

OWN = {"energy_eV": "energy_eV", "semiangle_cutoff_mrad": "semiangle_mrad", "C10_A": "C10_A", "C30_A": "C30_A"}
DOSE = "dose_e_per_A2"
OWN_GROUP = "ptychoscale"
DETECTOR = {"_per_A": quantities.FREQUENCIES, "_mrad": quantities.ANGLES}


def found_in(file: h5py.File, data: h5py.Dataset) -> dict[str, Found]:
    """By key; what says more of the same thing wins: a calibration over an axis, our own header over both."""
    cube = data.parent
    found = axes_of_emd(cube, data)
    for bundle in (cube.get("metadatabundle"), cube.parent.get("metadatabundle"), cube.get("_metadata")):
        if isinstance(bundle, h5py.Group):
            found |= calibration(bundle) | microscope(bundle)
    if isinstance(own := file.get(OWN_GROUP), h5py.Group) and "positions_A" in own:
        found |= own_header(own)
    return found


def scalar(group: h5py.Group, name: str):
    """A single value, text decoded; None when there is none."""
    item = group.get(name)
    if not isinstance(item, h5py.Dataset) or item.shape not in ((), (1,)):
        return None
    value = item[()] if item.shape == () else item[0]
    return value.decode(errors="replace") if isinstance(value, bytes) else value


def number(group: h5py.Group, name: str) -> float | None:
    value = scalar(group, name)
    try:
        return None if value is None or not np.isfinite(float(value)) else float(value)
    except (TypeError, ValueError):
        return None


def calibration(bundle: h5py.Group) -> dict[str, Found]:
    """py4DSTEM's: one pixel size for both axes."""
    group, found = bundle.get("calibration"), {}
    if not isinstance(group, h5py.Group):
        return found

    def pair(key: str, size: str, unit: str, kind: dict[str, float]):
        value, spelled = number(group, size), quantities.unit_of(str(scalar(group, unit) or ""))
        if value and spelled in kind:
            found[key] = Found((value * kind[spelled],) * 2, FILE, f"calibration/{size}")

    pair("scan_step_A", "R_pixel_size", "R_pixel_units", quantities.LENGTHS)
    for ending, kind in DETECTOR.items():
        pair("detector_pixel" + ending, "Q_pixel_size", "Q_pixel_units", kind)
    if (angle := number(group, "QR_rotation_degrees")) is not None:
        found["rotation_deg"] = Found(angle, FILE, "calibration/QR_rotation_degrees")
    if (flip := scalar(group, "QR_flip")) is not None:
        found["transposed"] = Found(bool(flip), FILE, "calibration/QR_flip")
    return found


def microscope(bundle: h5py.Group) -> dict[str, Found]:
    group = bundle.get("microscope")
    if not isinstance(group, h5py.Group):
        return {}
    values = {ours: (name, number(group, name)) for name, ours in OWN.items()}
    found = {ours: Found(value, FILE, f"microscope/{name}") for ours, (name, value) in values.items() if value is not None}
    for name in ORDERS:
        magnitude, angle = number(group, f"{name}_A"), number(group, f"{name}_angle_deg")
        if magnitude is not None and angle is not None:
            found[name] = Found((magnitude, angle), FILE, f"microscope/{name}_A")
        elif magnitude or angle:
            there, lacking = (f"{name}_A", f"{name}_angle_deg") if magnitude else (f"{name}_angle_deg", f"{name}_A")
            raise InputError(f"microscope/{there}: has no number {lacking} beside it; valid: magnitude and angle together")
    if dose := number(group, DOSE):
        found[DOSE] = Found(dose, FILE, f"microscope/{DOSE}")
    return found


def axes_of_emd(cube: h5py.Group, data: h5py.Dataset) -> dict[str, Found]:
    """EMD's dim0 to dim3 (dim1 to dim4 of older files), with a unit each."""
    start = 0 if "dim0" in cube else 1
    names = [f"dim{start + i}" for i in range(data.ndim)]
    if not all(isinstance(cube.get(name), h5py.Dataset) and cube[name].ndim == 1 and cube[name].size > 1 for name in names):
        return {}
    steps = [abs(float(cube[name][1]) - float(cube[name][0])) for name in names]
    units = [cube[name].attrs.get("units", "") for name in names]
    units = [quantities.unit_of(u.decode(errors="replace") if isinstance(u, bytes) else str(u)) for u in units]
    found = {}
    for key, at, kind in (
        [("scan_step_A", (0, 1), quantities.LENGTHS)] if data.ndim == 4 else []
    ) + [("detector_pixel" + ending, (data.ndim - 2, data.ndim - 1), kind) for ending, kind in DETECTOR.items()]:
        if all(units[i] in kind and steps[i] > 0 for i in at):
            found[key] = Found(tuple(steps[i] * kind[units[i]] for i in at), FILE, f"axes {names[at[0]]}, {names[at[1]]}")
    return found


def own_header(own: h5py.Group) -> dict[str, Found]:
    """ptychoscale's own: positions lie in the detector's frame already, whatever the calibration says of the raster."""
    found = {"positions_A": Found(own["positions_A"][...].astype(float), FILE, f"{OWN_GROUP}/positions_A")}
    found["rotation_deg"], found["transposed"] = (Found(value, FILE, "positions are turned already") for value in (0.0, False))
    for name in ("scan_step_A", "slices", "slice_thickness_A", "volume", "electrons_per_pattern"):
        if name in own.attrs:
            value = own.attrs[name]
            found[name] = Found(tuple(value) if np.ndim(value) else value, FILE, f"{OWN_GROUP}, attribute {name}")
    return found
