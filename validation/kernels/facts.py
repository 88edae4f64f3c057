"""The fused kernels' facts: what their text says (shapes), what the compiler made of it, and what follows for a GPU."""

import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import hardware
from machine_code import Code, Cubin

COMPLEX_BYTES = 8
JUDGED = (512, 1024)  # lengths at which speed counts most


@dataclass(frozen=True)
class Launch:
    """A kernel of a slice step of one position."""

    verb: str
    waves: int = 1
    rewinds: bool = False


# As README.md of solvers/compute/cuda counts them. Going back, waves are kept, or made again beside their adjoints.
FORWARD = (Launch("transmit"), Launch("propagate"))
KEPT = (*FORWARD, Launch("propagate"), Launch("transmit_adjoint"))
REWOUND = (*FORWARD, Launch("propagate", waves=2), Launch("transmit_adjoint", rewinds=True))
STEPS = {"forward": FORWARD, "and gradient, waves kept": KEPT, "and gradient, rewound": REWOUND}


@dataclass(frozen=True)
class Shape:
    """A kernel before any compiler for GPUs has seen it; fields as in traffic.hpp."""

    verb: str
    job: str
    length: int
    lines: int
    threads: int
    memory_bytes: int
    values: int
    passes: float
    rewind_passes: float


@dataclass(frozen=True)
class Kernel:
    shape: Shape
    code: Code
    shared: int  # bytes of a block, with what CUDA adds
    blocks: int | None  # that a multiprocessor holds; unknown where nobody has told what it has
    occupancy: float | None  # of its warps


def read_shapes(program: Path) -> list[Shape]:
    done = subprocess.run([program], capture_output=True, text=True, check=True)
    return [Shape(**shape) for shape in json.loads(done.stdout)]


def kernels_of(shapes: Sequence[Shape], cubins: Sequence[Cubin]) -> list[Kernel]:
    """Every shape with its code; KeyError for one that was not compiled."""
    on = hardware.MULTIPROCESSORS.get(cubins[0].architecture)
    codes = {key: code for cubin in cubins for key, code in cubin.kernels.items()}
    kernels = []
    for shape in sorted(shapes, key=lambda shape: (shape.verb, shape.length)):
        code = codes[shape.job, shape.length]
        shared = shape.memory_bytes + max(code.shared, hardware.SHARED_RESERVED)  # cuobjdump counts it for some architectures only
        blocks = hardware.blocks_at_once(on, code.registers, shape.threads, shared) if on else None
        occupancy = blocks * hardware.warps_of(shape.threads) / on.warps if on else None
        kernels.append(Kernel(shape, code, shared, blocks, occupancy))
    return kernels


def table(kernels: Sequence[Kernel]) -> list[str]:
    """A line per kernel. Loads, with those of tables, and stores are those in a thread's code, on both sides of its branches."""
    head = f"{'':<18}{'length':>7}{'registers':>11}{'spilled B':>11}{'shared B':>10}{'threads':>9}{'blocks/SM':>11}{'occupancy':>11}"
    lines = [f"{head}{'instructions':>14}{'loads/value':>13}{'stores/value':>14}{'passes':>8}"]
    for k in kernels:
        holds = f"{k.blocks:>11}{f'{100 * k.occupancy:.0f} %':>11}" if k.blocks is not None else f"{'?':>11}{'?':>11}"
        made = f"{k.code.registers:>11}{k.code.stack + k.code.local:>11}{k.shared:>10}{k.shape.threads:>9}"
        per_value = f"{k.code.loads / k.shape.values:>13.2f}{k.code.stores / k.shape.values:>14.2f}"
        lines.append(f"{k.shape.verb:<18}{k.shape.length:>7}{made}{holds}{k.code.instructions:>14}{per_value}{k.shape.passes:>8g}")
    return lines


def passes(shape: Shape, launch: Launch) -> float:
    return launch.waves * (shape.rewind_passes if launch.rewinds else shape.passes)


def passes_of_step(shapes: Mapping[tuple[str, int], Shape], step: Sequence[Launch], length: int) -> float:
    """Waves read or written per slice of length x length."""
    return sum(passes(shapes[launch.verb, length], launch) for launch in step)


def times_us(device: hardware.Device, kernel: Kernel, launch: Launch, length: int) -> tuple[float, float]:
    """By bandwidth and by issue, of waves of length x length all over the slice."""
    blocks = launch.waves * -(-length // kernel.shape.lines)
    moved = passes(kernel.shape, launch) * COMPLEX_BYTES * length * length
    by_issue = hardware.issue_us(device, blocks, hardware.warps_of(kernel.shape.threads), kernel.code.instructions)
    return hardware.bandwidth_us(device, moved), by_issue


def predictions(kernels: Sequence[Kernel], architecture: str) -> list[str]:
    """Microseconds per slice: of every kernel the larger of the two times, and its launch."""
    by_name = {(k.shape.verb, k.shape.length): k for k in kernels}
    devices = [device for device in hardware.DEVICES if device.architecture == architecture]
    lines = [f"{'':<8}{'length':>7}   {'of a slice':<28}{'bandwidth us':>13}{'issue us':>10}{'launches us':>13}{'predicted us':>14}"]
    for device in devices:
        for length in JUDGED:
            for words, step in STEPS.items():
                times = [times_us(device, by_name[launch.verb, length], launch, length) for launch in step]
                launches = device.launch_us * len(step)
                sums = f"{sum(t[0] for t in times):>13.2f}{sum(t[1] for t in times):>10.2f}{launches:>13.2f}"
                lines.append(f"{device.name:<8}{length:>7}   {words:<28}{sums}{sum(map(max, times)) + launches:>14.2f}")
    return lines if devices else [f"NOT PREDICTED: nothing is known of a device of {architecture}"]
