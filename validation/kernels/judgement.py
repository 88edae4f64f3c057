"""What the gate holds the fused kernels to."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import facts
from facts import JUDGED, STEPS, Kernel, Shape

LIMITS = Path(__file__).parent / "limits.json"
LEAST_BLOCKS = 2  # of a multiprocessor, at the lengths judged: one computes while another waits
MOST_PASSES = {"forward": 4.5, "and gradient, waves kept": 11.0, "and gradient, rewound": 14.0}


@dataclass(frozen=True)
class Limits:
    """What a thread's instructions were when somebody last looked, and by how much they may grow."""

    nvcc: str  # release that made them: another counts otherwise
    architecture: str
    room: float
    instructions: dict[str, dict[str, int]]  # by verb and length


def read_limits(file: Path = LIMITS) -> Limits:
    return Limits(**json.loads(file.read_text()))


def write_limits(kernels: Sequence[Kernel], nvcc: str, architecture: str, room: float, file: Path = LIMITS) -> None:
    instructions: dict[str, dict[str, int]] = {}
    for k in kernels:
        instructions.setdefault(k.shape.verb, {})[str(k.shape.length)] = k.code.instructions
    lines = [f'  {json.dumps(verb)}: {json.dumps(lengths)}' for verb, lengths in instructions.items()]
    head = f' "nvcc": {json.dumps(nvcc)},\n "architecture": {json.dumps(architecture)},\n "room": {room},\n'
    file.write_text("{\n" + head + ' "instructions": {\n' + ",\n".join(lines) + "\n }\n}\n")


def faults_of_traffic(shapes: Sequence[Shape]) -> list[str]:
    """More bytes by count than a slice needs, at any length."""
    by_name = {(shape.verb, shape.length): shape for shape in shapes}
    faults = []
    for length in sorted({shape.length for shape in shapes}):
        for words, most in MOST_PASSES.items():
            passes = facts.passes_of_step(by_name, STEPS[words], length)
            if passes > most:
                faults.append(f"{length}: a step {words} reads and writes {passes:g} waves, at most {most:g} may be")
    return faults


def faults_of_code(kernel: Kernel) -> list[str]:
    code, shape = kernel.code, kernel.shape
    faults = []
    if code.stack or code.local or code.spills:
        faults.append(f"spills: {code.stack + code.local} B of local memory, {code.spills} instructions that use it")
    if code.jumps_back:
        faults.append(f"a loop or a call (at {', '.join(code.jumps_back)}), so that its instructions are not those that a thread runs")
    if shape.length in JUDGED and kernel.blocks is not None and kernel.blocks < LEAST_BLOCKS:
        faults.append(f"{kernel.blocks} blocks on a multiprocessor, at least {LEAST_BLOCKS} should be")
    return [f"{shape.verb} {shape.length}: {fault}" for fault in faults]


def faults_of_instructions(kernels: Sequence[Kernel], limits: Limits) -> list[str]:
    faults = []
    for k in kernels:
        before = limits.instructions.get(k.shape.verb, {}).get(str(k.shape.length))
        name, now = f"{k.shape.verb} {k.shape.length}", k.code.instructions
        if before is None:
            faults.append(f"{name}: {now} instructions, and no limit; --update writes one")
        elif now > before * (1 + limits.room):
            more = 100 * (now / before - 1)
            faults.append(f"{name}: {now} instructions, {more:.1f} % more than {before}; {100 * limits.room:g} % may be")
    return faults


def unchecked(kernels: Sequence[Kernel], limits: Limits, nvcc: str, architecture: str) -> list[str]:
    """What nothing is known to hold it against."""
    reasons = []
    if any(k.blocks is None for k in kernels):
        reasons.append(f"blocks of a multiprocessor: nothing is known of {architecture}")
    if (nvcc, architecture) != (limits.nvcc, limits.architecture):
        known = f"nvcc {limits.nvcc} and {limits.architecture}"
        reasons.append(f"instructions: the limits are for {known}, this is nvcc {nvcc} and {architecture}")
    return reasons


def faults(kernels: Sequence[Kernel], limits: Limits, nvcc: str, architecture: str) -> list[str]:
    """Everything that is wrong; empty when nothing is."""
    found = faults_of_traffic([k.shape for k in kernels])
    for kernel in kernels:
        found += faults_of_code(kernel)
    if (nvcc, architecture) == (limits.nvcc, limits.architecture):
        found += faults_of_instructions(kernels, limits)
    return found
