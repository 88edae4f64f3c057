"""The dataset's file but its patterns, in the layout of solvers/io/README.md; their place is set aside and found again."""

import dataclasses
import hashlib
import json
import uuid
from pathlib import Path

import h5py
import numpy as np

from harness.imports.aberrations import Aberrations

SCHEMA_VERSION = 1
PATTERNS = "dataset/datacube/data"
LATE = ("dose_e_per_A2", "electrons_per_pattern", "imported")  # of a header: known when all patterns were seen


@dataclasses.dataclass(frozen=True)
class Header:
    """What a dataset holds beside its patterns; pairs are (y, x), masks are true where used."""

    case_name: str
    scan: tuple[int, int]
    is_raster: bool
    detector: tuple[int, int]
    pixel_A: tuple[float, float]
    volume: tuple[int, int]
    slices: int
    slice_thickness_A: float
    scan_step_A: tuple[float, float]
    positions_A: np.ndarray
    rotation_deg: float  # that positions were turned by, and whether their axes were exchanged: for py4DSTEM, which turns patterns
    transposed: bool
    energy_eV: float
    semiangle_mrad: float
    C10_A: float
    C30_A: float
    dose_e_per_A2: float
    electrons_per_pattern: float
    counts: np.dtype
    pixels_used: np.ndarray
    patterns_used: np.ndarray
    imported: str  # JSON: what was taken from where
    aberrations: Aberrations | None = None  # that are not round; None: there are none
    probe: np.ndarray | None = None  # complex64 [ky][kx] or [mode][ky][kx], reciprocal, zero frequency first; None: made from the optics

    @staticmethod
    def of(args, optics, grid, placed, counts, pixels_used, patterns_used, probe) -> "Header":
        """Put together from what was settled before the patterns were read, the rest unknown yet."""
        return Header(
            case_name=args.name or args.output.stem,
            scan=placed.scan.shape,
            is_raster=placed.scan.is_raster,
            volume=placed.volume,
            scan_step_A=placed.scan.step_A,
            positions_A=placed.scan.positions_A,
            rotation_deg=placed.rotation_deg,
            transposed=placed.transposed,
            **vars(grid),
            **{key: getattr(optics, key) for key in ("energy_eV", "semiangle_mrad", "C10_A", "C30_A")},
            aberrations=optics.aberrations or None,
            dose_e_per_A2=0.0,
            electrons_per_pattern=1.0,
            counts=counts,
            pixels_used=pixels_used,
            patterns_used=patterns_used,
            imported="",
            probe=probe,
        )

    def completed(self, found, table) -> "Header":
        """With what all patterns told."""
        return dataclasses.replace(
            self,
            dose_e_per_A2=found.dose_e_per_A2,
            electrons_per_pattern=found.per_pattern,
            imported=json.dumps(table.as_list(), indent=1),
        )

    def described(self, late: bool = True) -> dict[str, str]:
        """Everything as text; without `late` only what is known from the start."""
        return described({key: value for key, value in vars(self).items() if value is not None and (late or key not in LATE)})

    @property
    def pattern_bytes(self) -> int:
        return self.counts.itemsize * self.detector[0] * self.detector[1]

    @property
    def detector_pixel_per_A(self) -> tuple[float, float]:
        return tuple(1 / (n * p) for n, p in zip(self.detector, self.pixel_A, strict=True))


def described(values: dict) -> dict[str, str]:
    """Values as text that differs where they do; arrays by their digest."""
    return {
        key: hashlib.sha256(np.ascontiguousarray(value).data).hexdigest() if isinstance(value, np.ndarray) else str(value)
        for key, value in values.items()
    }


def create(file: Path, header: Header) -> int:
    """Writes the file with a hole for the patterns; gives where in it they begin. The same header gives the same bytes."""
    with h5py.File(file, "w", track_order=False) as opened:
        opened.attrs.update(
            emd_group_type="file",
            version_major=1,
            version_minor=0,
            UUID=str(uuid.uuid5(uuid.NAMESPACE_OID, json.dumps(header.described()))),
            authoring_program="ptychoscale import",  # its own name stands for files that the program itself finishes
            authoring_user="",
        )
        root = opened.create_group("dataset")
        root.attrs.update(emd_group_type="root", python_class="Root")
        offset = write_datacube(root, header)  # first, so that nothing that is settled later moves it
        write_metadata(root, header)
        write_own_group(opened, header)
        opened["dp"] = h5py.SoftLink(f"/{PATTERNS}")
    return offset


def write_metadata(root: h5py.Group, h: Header) -> None:
    """EMD's: py4DSTEM's calibration has one size for both axes, that along y."""
    bundle = root.create_group("metadatabundle")
    bundle.attrs["emd_group_type"] = "metadatabundle"

    def node(name: str, python_class: str, **values) -> None:
        group = bundle.create_group(name)
        group.attrs.update(emd_group_type="metadata", python_class=python_class)
        for key, value in values.items():
            kind = {bool: "bool", str: "string"}.get(type(value), "number")
            group[key] = value if kind != "number" else float(value)
            group[key].attrs["type"] = kind

    node(
        "calibration",
        "Calibration",
        Q_pixel_size=h.detector_pixel_per_A[0],
        Q_pixel_units="A^-1",
        R_pixel_size=h.scan_step_A[0],
        R_pixel_units="A",
        QR_rotation_degrees=h.rotation_deg,
        QR_flip=h.transposed,
    )
    node(
        "microscope",
        "Metadata",
        energy_eV=h.energy_eV,
        semiangle_cutoff_mrad=h.semiangle_mrad,
        C10_A=h.C10_A,
        C30_A=h.C30_A,
        **{f"{name}_A": magnitude for name, (magnitude, _) in (h.aberrations or {}).items()},
        **{f"{name}_angle_deg": angle for name, (_, angle) in (h.aberrations or {}).items()},
        soft_aperture=True,
        dose_e_per_A2=h.dose_e_per_A2,
    )


def write_own_group(file: h5py.File, h: Header) -> None:
    own = file.create_group("ptychoscale")
    own.attrs.update(
        schema_version=np.int64(SCHEMA_VERSION),
        case_name=h.case_name,
        scan="raster" if h.is_raster else "scattered",
        electrons_per_pattern=h.electrons_per_pattern,
        pixel_A=np.array(h.pixel_A, float),
        scan_step_A=np.array(h.scan_step_A, float),
        slices=np.int64(h.slices),
        slice_thickness_A=h.slice_thickness_A,
        volume=np.array(h.volume, np.int64),
    )
    own["positions_A"] = h.positions_A
    if h.probe is not None:
        own["probe"] = h.probe
    if not h.pixels_used.all():
        own["pixels_used"] = h.pixels_used.astype(np.uint8)
    if not h.patterns_used.all():
        own["patterns_used"] = h.patterns_used.astype(np.uint8)
    own["imported"] = h.imported


def write_datacube(root: h5py.Group, h: Header) -> int:
    """The patterns lie together and in order, not in chunks: they are written past the library, and read in one stretch each."""
    cube = root.create_group("datacube")
    cube.attrs.update(emd_group_type="array", python_class="DataCube")
    offset = set_aside(cube, h)
    axes = zip((*h.scan_step_A, *h.detector_pixel_per_A), ("Ry", "Rx", "Qy", "Qx"), ("A", "A", "A^-1", "A^-1"), strict=True)
    for i, (step, name, units) in enumerate(axes):
        cube[f"dim{i}"] = np.array([0.0, step])
        cube[f"dim{i}"].attrs.update(name=name, units=units)
    return offset


def set_aside(cube: h5py.Group, h: Header) -> int:
    """Room for the patterns; gives where it begins in the file."""
    settings = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    settings.set_layout(h5py.h5d.CONTIGUOUS)
    settings.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
    settings.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
    settings.set_obj_track_times(False)
    space = h5py.h5s.create_simple((*h.scan, *h.detector))
    data = h5py.h5d.create(cube.id, b"data", h5py.h5t.py_create(h.counts.newbyteorder("<")), space, settings)
    h5py.Dataset(data).attrs["units"] = "electrons" if h.dose_e_per_A2 > 0 else "counts"
    return data.get_offset()
