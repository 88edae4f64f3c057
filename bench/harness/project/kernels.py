"""Kernel times: measured one rank at a time, and scaled to the GPU of a machine."""

import dataclasses
import time
from pathlib import Path

import numpy as np

from harness.base import documents, identity
from harness.base.errors import InputError
from harness.project.machine import Machine
from harness.runs import datasets, program

COPIED_BYTES = 256 << 20  # far more than any cache holds
COPIES = 5
REPEATS = 3  # of every rank, of which the fastest counts: what else a machine does only ever adds to a time
UNTIMED = {"dose_e_per_A2", "seed", "specimen"}  # of a header: what no kernel's time depends on
BANDWIDTH = "memory_bytes_per_second"  # of the device, in the context of a file of kernel times


@dataclasses.dataclass(frozen=True)
class KernelTimes:
    """Seconds per position by tile size of one case, method and grid, on the GPU of a machine."""

    device: str  # that was measured
    rule: str  # how its seconds became the GPU's
    bytes_per_second: float  # of the GPU's memory
    visits: list[dict]  # {"voxels", "seconds"}


def copy_bandwidth() -> float:
    """Bytes per second that one core of this machine reads and writes while it copies: the fastest of a few."""
    source = np.ones(COPIED_BYTES // 8)
    target = np.zeros_like(source)
    fastest = float("inf")
    for _ in range(COPIES):
        start = time.perf_counter()
        np.copyto(target, source)
        fastest = min(fastest, time.perf_counter() - start)
    return 2 * COPIED_BYTES / fastest


def mode_words(modes: int) -> list:
    """Of several modes of the probe, which a case has one of."""
    return ["--refine-probe", "--probe-modes", modes] if modes > 1 else []


def as_rank_words(case: str, method: str, grid: str, ranks: int, rank: int, modes: int = 1) -> list:
    """A run of one rank alone; one position is enough, since planning has run its transforms already."""
    words = ["reconstruct", "--case", case, "--as-rank", rank, "--of", ranks, "--positions", 1, "--iterations", 1]
    return [*words, "--method", method, "--grid", grid, "--measurements", "stream", "--threads", 1, "--json", "-", *mode_words(modes)]


def projection_program() -> str:
    """The program that hosts simulated ranks, beside ptychoscale. Throws InputError when it was not built."""
    found = Path(program.executable()).with_name("ptychoscale-projection")
    if not found.exists():
        raise InputError(
            f"{found}: is not there, because SimGrid was not found when this was built; install it (Debian and Ubuntu: "
            "libsimgrid-dev), configure and build again"
        )
    return str(found)


def ranks_to_measure(case: str, method: str, ranks: int) -> list[int]:
    """The ranks whose tiles stand for those of all."""
    return program.ask_json("--case", case, "--method", method, "--ranks", ranks, "--tiles", program=projection_program())


def measure(case: str, methods: list[str], ranks: list[int], grid: str, modes: int, argv: list[str]) -> dict:
    """A report of kernel times on one core of this machine, of every size of tile."""
    plan = program.plan(case, methods, ranks, "--grid", grid)
    reports = []
    for row in plan["benchmarks"]:
        if "error" in row:
            continue
        for rank in ranks_to_measure(case, row["method"], row["ranks"]):
            program.say(f"measuring {row['name']}, rank {rank}")
            words = as_rank_words(case, row["method"], grid, row["ranks"], rank, modes)
            reports += [program.ask_json(*words) for _ in range(REPEATS)]
    report = documents.merge(reports, [each["benchmarks"][0] for each in reports], argv)
    report["context"][BANDWIDTH] = copy_bandwidth()
    return report


def check_geometry(names: str, case: str, headers: list[dict]) -> None:
    """Throws InputError when ranks were measured on another case of that name; reports from before they said so pass."""
    timed = [{key: value for key, value in header.items() if key not in UNTIMED} for header in headers]
    if not timed:
        return
    ours = {key: value for key, value in datasets.read_case(case)["header"].items() if key not in UNTIMED}
    for theirs in timed:
        if theirs != ours:
            raise InputError(
                f"--kernel-times: {names} was measured on another case called {ours['case']}: {identity.differences(ours, theirs)}; "
                "measure it anew"
            )


def selected(files: list[Path], case: str, method: str, grid: str, modes: int = 1) -> list[tuple[dict, dict]]:
    """(context, row) of the ranks that were run alone on this case, method, grid and number of the probe's modes."""
    found = []
    for file in files:
        report = documents.read_report(file)
        for row in report["benchmarks"]:
            data = row.get("dataset", report["context"].get("dataset", {}))
            one_at_a_time = row.get("positions_at_once", 1) == 1
            known = (data.get("case"), row["method"], row["grid"], row.get("probe_modes", 1))
            if "as_rank" in row and one_at_a_time and known == (case, method, grid, modes):
                found.append((report["context"], row))
    names = ", ".join(map(str, files))
    if not found:
        probe = f" and {modes} modes" if modes > 1 else ""
        words = "".join(f" {word}" for word in mode_words(modes))
        raise InputError(
            f"--kernel-times: {names} has no rank of {case} run alone with {method} on the {grid} grid{probe}; measure it, on the device, "
            f"with ptychoscale project --measure FILE --case {case} --method {method} --grid {grid} --ranks N{words}"
        )
    datas = [identity.Data.of({**context, **row}) for context, row in found]
    check_geometry(names, case, [data.header for data in datas if data.header])
    return found


def on_machine(
    files: list[Path], case: str, method: str, grid: str, machine: Machine, device_bandwidth: float | None, modes: int = 1
) -> KernelTimes:
    """The kernel times of one method on a machine. Those of another device are scaled by the ratio of the memories' bandwidths,
    since a slice step moves memory and computes little. Throws InputError when there are none, or no bandwidth to scale by."""
    found = selected(files, case, method, grid, modes)
    devices = {context.get("backend", "") for context, _ in found}
    if len(devices) > 1:
        raise InputError(f"--kernel-times: of {len(devices)} devices, {' and '.join(sorted(devices))}; valid: of one")
    device = devices.pop()
    factor, rule = 1.0, f"measured on {device}"
    if machine.gpu.name not in device:
        bandwidth = device_bandwidth or found[0][0].get(BANDWIDTH)
        if bandwidth is None:
            raise InputError(
                f"--kernel-times: measured on '{device}', not on the {machine.gpu.name} of {machine.name}, and without the bandwidth "
                "of its memory; give it with --device-GB-per-s, as position_benchmark measures it"
            )
        factor = bandwidth / machine.gpu.memory_bandwidth
        rule += (
            f" and scaled by memory bandwidth, {bandwidth / 1e9:.4g} to {machine.gpu.memory_bandwidth / 1e9:.4g} GB/s "
            f"({machine.gpu.name}): an estimate"
        )
    if machine.gpu.speed != 1:
        rule += f"; kernels {machine.gpu.speed:g} times as fast"
    visits = [
        {"voxels": round(row["extended_voxels_max"]), "seconds": row["seconds_per_position"] * factor / machine.gpu.speed}
        for _, row in found
    ]
    return KernelTimes(device, rule, machine.gpu.memory_bandwidth * machine.gpu.speed, fastest_by_size(visits))


def fastest_by_size(visits: list[dict]) -> list[dict]:
    """One visit for each tile size: the fastest, since what else a machine does only adds to a time."""
    by_size: dict[int, float] = {}
    for visit in visits:
        by_size[visit["voxels"]] = min(visit["seconds"], by_size.get(visit["voxels"], float("inf")))
    return [{"voxels": voxels, "seconds": seconds} for voxels, seconds in sorted(by_size.items())]
