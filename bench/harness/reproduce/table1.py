"""Table I: the data sets, as the cases define them."""

from harness.base.paper import tables
from harness.reproduce.findings import MODELLED, Findings
from harness.reproduce.ranks import Scope
from harness.runs import program

CASES = {"small": "pbtio3-small", "large": "pbtio3-large"}
DEFINED = "set by the case, not measured"


def steps(_: Scope) -> list:
    return []


def defined(case: str) -> dict[str, list[float]]:
    """Table I's columns of a case, by their keys in tables.json; lists as x, y(, z)."""
    header = program.ask_json("info", case, "--json")["header"]
    rows, columns = header["scan"]
    detector_y, detector_x = header["detector"]
    volume_y, volume_x = header["volume"]
    pixel_y, pixel_x = header["pixel_A"]
    return {
        "detector_px": [detector_x, detector_y],
        "probe_positions": [rows * columns],
        "volume_voxels": [volume_x, volume_y, header["slices"]],
        "voxel_pm": [100 * pixel_x, 100 * pixel_y, 100 * header["slice_thickness_A"]],
    }


def find(_: Scope) -> Findings:
    """Every number of Table I, the case's beside it."""
    findings = Findings("table1", "Table I, the data sets")
    units = {"detector_px": "px", "probe_positions": "", "volume_voxels": "", "voxel_pm": "pm"}
    for name, case in CASES.items():
        ours = defined(case)
        for key, unit in units.items():
            printed = tables()["table_I"][name][key]
            printed = printed if isinstance(printed, list) else [printed]
            axes = " xyz" if len(printed) > 1 else ""
            quantity = key.removesuffix(f"_{unit}").replace("_", " ")
            for axis, (paper, mine) in enumerate(zip(printed, ours[key], strict=True)):
                findings.add(
                    name,
                    f"{quantity} {axes[axis + 1] if axes else ''}".rstrip(),
                    unit,
                    paper=paper,
                    ours=mine,
                    evidence=MODELLED,
                    why_not=DEFINED,
                    source=f"ptychoscale info {case}",
                )
    return findings
