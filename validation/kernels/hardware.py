"""What GPUs hold and how fast they are: occupancy, and the time that a slice should take."""

from dataclasses import dataclass

WARP = 32  # threads
REGISTERS = 65536  # of a multiprocessor
REGISTERS_TOGETHER = 256  # a warp gets a multiple of them
QUARTERS = 4  # of a multiprocessor, each with its own registers and one instruction per cycle
SHARED_TOGETHER = 128  # bytes; a block gets a multiple of them
SHARED_RESERVED = 1024  # bytes that CUDA adds to a block's


@dataclass(frozen=True)
class Multiprocessor:
    """CUDA C++ Programming Guide, "Technical specifications per compute capability"."""

    warps: int
    blocks: int
    shared: int  # bytes


MULTIPROCESSORS = {
    "sm_80": Multiprocessor(64, 32, 164 << 10),
    "sm_86": Multiprocessor(48, 16, 100 << 10),
    "sm_89": Multiprocessor(48, 24, 100 << 10),
    "sm_90": Multiprocessor(64, 32, 228 << 10),
    "sm_100": Multiprocessor(64, 32, 228 << 10),
}


def rounded_up(value: int, unit: int) -> int:
    return -(-value // unit) * unit


def warps_of(threads: int) -> int:
    return -(-threads // WARP)


def blocks_at_once(on: Multiprocessor, registers: int, threads: int, shared: int) -> int:
    """Blocks that a multiprocessor holds, as CUDA's own calculator counts (cuda_occupancy.h); `shared` with what CUDA adds."""
    warps = warps_of(threads)
    of_a_warp = rounded_up(registers * WARP, REGISTERS_TOGETHER)
    by_registers = (REGISTERS // QUARTERS // of_a_warp) * QUARTERS // warps
    by_shared = on.shared // rounded_up(shared, SHARED_TOGETHER)
    return min(on.blocks, on.warps // warps, by_registers, by_shared)


@dataclass(frozen=True)
class Device:
    """Data sheet of the SXM boards; the clock is the one they keep under load."""

    name: str
    architecture: str
    multiprocessors: int
    clock_GHz: float
    bandwidth_GB_per_s: float
    launch_us: float = 1.0  # from one kernel of a graph to the next


DEVICES = [Device("H100", "sm_90", 132, 1.755, 3350), Device("H200", "sm_90", 132, 1.755, 4800)]


def bandwidth_us(device: Device, bytes_moved: float) -> float:
    return bytes_moved / device.bandwidth_GB_per_s / 1e3


def issue_us(device: Device, blocks: int, warps: int, instructions: int) -> float:
    """Of the multiprocessor with the most blocks, each quarter issuing one instruction of a warp per cycle."""
    most = -(-blocks // device.multiprocessors)
    return most * warps * instructions / QUARTERS / device.clock_GHz / 1e3
