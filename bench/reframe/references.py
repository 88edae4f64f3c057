"""What figures should be, by system: references/SYSTEM.json beside this file, or in the folder that PTYCHOSCALE_REFERENCES names.

Usage: python3 bench/reframe/references.py REPORT.json [FOLDER]    writes those of a ReFrame report in which everything passed
"""

import json
import os
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
# How far a figure may be from its reference, below and above, as parts of it; times on a shared machine vary, bytes do not at all.
TIMES = (-0.5, 0.25)
EXACT = (-1e-9, 1e-9)
UNITS_OF_TIME = ("s", "us", "x")
# Parts of an iteration's time say why it changed; by themselves they vary too much to be judged.
NOT_JUDGED = ("compute", "wait", "communication", "exposed")


def folder() -> Path:
    return Path(os.environ.get("PTYCHOSCALE_REFERENCES") or HERE / "references")


def read(system: str) -> dict:
    file = folder() / f"{system}.json"
    return json.loads(file.read_text()) if file.is_file() else {}


def of(partition: str, check: str) -> dict:
    """ReFrame's references of a check on a partition ("generic:cpu"); none for a figure that nobody has accepted."""
    figures = read(partition.split(":")[0]).get(partition, {}).get(check, {})
    return {
        partition: {
            name: (value, *(TIMES if unit in UNITS_OF_TIME else EXACT), unit) for name, (value, unit) in figures.items()
        }
    }  # fmt: skip


def accepted(report: dict) -> dict[str, dict]:
    """The figures of a report, by system. Throws ValueError when a check failed: nothing is accepted of a session that is not sound."""
    runs = report["runs"][-1]
    cases = runs["testcases"]
    failed = [case["display_name"] for case in cases if case["result"] not in ("pass", "skip")]
    if failed or not cases:
        raise ValueError(f"not everything passed: {', '.join(failed) or 'nothing was run'}")
    systems: dict[str, dict] = {}
    for case in cases:
        for name, (value, _, _, _, unit, *_) in (case.get("perfvalues") or {}).items():
            system, partition, variable = name.split(":")
            if variable in NOT_JUDGED:
                continue
            checks = systems.setdefault(system, {}).setdefault(f"{system}:{partition}", {})
            checks.setdefault(case["display_name"], {})[variable] = [value, unit]
    return systems


def main(report: str, target: str | None = None) -> int:
    try:
        systems = accepted(json.loads(Path(report).read_text()))
    except (OSError, ValueError, KeyError) as error:
        print(f"references.py: {report}: {error}; valid: the report of a session (reframe --report-file) without failures", file=sys.stderr)
        return 2
    place = Path(target) if target else folder()
    place.mkdir(parents=True, exist_ok=True)
    for system, partitions in systems.items():
        file = place / f"{system}.json"
        known = json.loads(file.read_text()) if file.is_file() else {}
        for partition, checks in partitions.items():
            known.setdefault(partition, {}).update(checks)
        file.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n")
        print(file)
    return 0


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
