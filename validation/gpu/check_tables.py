"""The tables that ci/gpu-check prints, of what its steps have left in the results folder."""

import json
import re
from pathlib import Path
from typing import Protocol


class Step(Protocol):
    name: str
    leaves: str  # JSON file in the results folder; empty: none


def left_by(results: Path, step: Step) -> dict:
    """What it left: nothing, perhaps, or half a file where it was ended."""
    file = results / step.leaves
    try:
        return json.loads(file.read_text()) if step.leaves and file.is_file() else {}
    except ValueError:
        return {}


def rows_of(results: Path, step: Step) -> list[dict]:
    return left_by(results, step).get("benchmarks", [])


def print_benchmarks(results: Path, steps: list[Step]) -> None:
    head = f"{'':<14}{'pixels':>8}{'slices':>8}{'at once':>9}{'us/slice':>10}{'us/step':>10}"
    lines = [f"{head}{'counted MB':>12}{'copy GB/s':>11}{'R':>7}"]
    for step in steps:
        for row in rows_of(results, step):
            kind, n, slices, batch = row["name"].split("/")[:4]
            size = f"{n:>8}{slices:>8}{batch if kind == 'positions' else 1:>9}"
            numbers = f"{row['slice_us']:>10.2f}{row['step_us']:>10.2f}{row['counted_MB']:>12.2f}{row['copy_GB_per_s']:>11.0f}"
            lines.append(f"{step.name.removeprefix('benchmark-'):<14}{size}{numbers}{row['R']:>7.2f}")
    print_table(lines)


def print_memory(results: Path, steps: list[Step]) -> None:
    """The memory meter against the driver."""
    lines = [f"{'':<34}{'metered MB':>12}{'taken MB':>12}{'metered/taken':>15}"]
    for step in steps:
        tests = [test for suite in left_by(results, step).get("testsuites", []) for test in suite["testsuite"]]
        for test in tests:
            if "taken_bytes" in test:
                metered, taken = float(test["metered_bytes"]), float(test["taken_bytes"])
                lines.append(f"{test['name']:<34}{metered / 1e6:>12.1f}{taken / 1e6:>12.1f}{metered / taken:>15.3f}")
    print_table(lines)


def print_peers(results: Path, steps: list[Step]) -> None:
    ratios = ("over_ours_fused", "over_ours_cufft")
    lines = [f"{'':<44}{'us/slice':>10}{'over fused':>14}{'over cufft':>14}"]
    for step in steps:
        for row in rows_of(results, step):
            if "seconds_per_slice" in row:
                over = "".join(f"{row[key]:>14.2f}" if key in row else f"{'':>14}" for key in ratios)
                lines.append(f"{row['name']:<44}{1e6 * row['seconds_per_slice']:>10.2f}{over}")
    print_table(lines)


def print_runs(results: Path, steps: list[Step]) -> None:
    """Each phase's share is that of the rank with most of it, so they may add up to more than 100 %."""
    phases = ("compute", "wait", "communication")
    lines = [f"{'':<36}{'ms/iteration':>14}" + "".join(f"{phase + ' %':>17}" for phase in phases)]
    for step in steps:
        for row in rows_of(results, step):
            whole = row["seconds_per_iteration"]
            shares = "".join(f"{100 * row[f'{phase}_seconds_per_iteration_max'] / whole:>17.1f}" for phase in phases)
            lines.append(f"{step.name:<36}{1e3 * whole:>14.2f}{shares}")
    print_table(lines)


def print_log(results: Path, steps: list[Step]) -> None:
    """The lines with numbers, as the profiler prints them."""
    for step in steps:
        log = results / f"{step.name}.log"
        text = log.read_text(errors="replace") if log.is_file() else ""
        print_table(["counters of the profiler", *(line for line in text.splitlines() if re.search(r"_kernel|\.sum|\.avg", line))])


def print_table(lines: list[str]) -> None:
    if len(lines) > 1:
        print("", *lines, sep="\n")
