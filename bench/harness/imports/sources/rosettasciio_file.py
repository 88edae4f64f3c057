"""Patterns of what rosettasciio reads (Merlin, Digital Micrograph, NeXus, TVIPS, HyperSpy and others), with what it says of them."""

import importlib
import logging
import warnings

from harness.base.errors import InputError, shortened
from harness.imports import quantities
from harness.imports.provenance import FILE, Found
from harness.imports.sources.request import Request
from harness.imports.sources.rosettasciio_names import reader_of
from harness.imports.sources.source import Source, axes_of, of_array

TEM = ("Acquisition_instrument", "TEM")


def open_source(request: Request) -> Source:
    import rsciio  # noqa: F401  (a package that is missing is to be named)

    plugin = reader_of(request.file, request.reader)
    if plugin is None:
        raise InputError(f"{request.file}: rosettasciio has no reader for this ending; valid: --reader with the name of one")
    logging.getLogger("rsciio").setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            signals = importlib.import_module(plugin["api"]).file_reader(str(request.file), lazy=True)
    except (ModuleNotFoundError, InputError):
        raise
    except Exception as error:  # noqa: BLE001  (its readers raise what they please)
        raise InputError(f"{request.file}: rosettasciio's reader {plugin['name']} fails: {shortened(str(error), 120)}") from None
    signal = the_patterns(signals, request)
    array = signal["data"]
    axes = axes_of(array.ndim, request.axes, None, request.name)
    return of_array(array, request.name, [request.file], axes, found_in(signal, axes), [size[0] for size in array.chunks])


def the_patterns(signals: list[dict], request: Request) -> dict:
    """The only signal with enough axes, or the one of the title that was named."""
    titles = {s["metadata"].get("General", {}).get("title", "") or str(i): s for i, s in enumerate(signals)}
    fitting = [s for s in signals if s["data"].ndim in (3, 4)]
    if request.inside:
        if request.inside not in titles:
            raise InputError(f"{request.file}: holds no signal '{request.inside}'; valid: {', '.join(titles)}")
        return titles[request.inside]
    if len(fitting) != 1:
        shapes = ", ".join(f"{title} {s['data'].shape}" for title, s in titles.items())
        raise InputError(f"{request.file}: {len(fitting)} signals have 3 or 4 axes; name one with --path; there are {shapes}")
    return fitting[0]


def found_in(signal: dict, axes: tuple[str, ...]) -> dict[str, Found]:
    """Energy, aperture and the scales of axes that have a unit."""
    found = {}
    microscope = signal["metadata"]
    for key in TEM:
        microscope = microscope.get(key, {})
    if energy := float(microscope.get("beam_energy") or 0):
        found["energy_eV"] = Found(1e3 * energy, FILE, "beam_energy")
    if angle := float(microscope.get("convergence_angle") or 0):
        found["semiangle_mrad"] = Found(angle, FILE, "convergence_angle")
    named = dict(zip(axes, signal["axes"], strict=False))
    for key, pair, kinds in (
        ("scan_step_A", ("scan_y", "scan_x"), {"": quantities.LENGTHS}),
        ("detector_pixel", ("ky", "kx"), {"_per_A": quantities.FREQUENCIES, "_mrad": quantities.ANGLES}),
    ):
        for ending, kind in kinds.items():
            scales = [scale_of(named.get(axis, {}), kind) for axis in pair]
            if all(scales):
                found[key + ending] = Found(tuple(scales), FILE, f"axes {', '.join(str(named[axis]['name']) for axis in pair)}")
    return found


def scale_of(axis: dict, kind: dict[str, float]) -> float | None:
    """The axis's step in the kind's own unit; None for another unit, or none."""
    unit = quantities.unit_of(str(axis.get("units", "")))
    return abs(float(axis["scale"])) * kind[unit] if unit in kind and axis.get("scale") else None
