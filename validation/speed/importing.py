"""`import` of 65 536 patterns of 128 x 128 pixels, 2 GB: beside copying the file and waiting for the disk, and how much memory it takes."""

import functools
import os
import subprocess
import time
from pathlib import Path

import numpy as np
from check import Bar, Check, Place

from harness.runs import program

SCAN, DETECTOR = (256, 256), (128, 128)
SPEED = "speed of importing 2 GB over that of cp and sync"
MEMORY = "memory of importing 2 GB, MB"
OPTIONS = "--energy 200keV --semiangle 25mrad --scan-step 1A --defocus 20nm --electrons-per-count 1".split()


@functools.cache
def source(place: Place) -> Path:
    """Made when it is first asked for: one row of the scan, again and again."""
    file = place.scratch / "scan.npy"
    ky, kx = np.indices(DETECTOR)
    mean = np.where(np.hypot(ky - 63, kx - 65) < 25, 20.0, 0.5)
    row = np.random.default_rng(1).poisson(mean, (SCAN[1], *DETECTOR)).astype(np.uint16)
    with open(file, "wb") as opened:
        header = {"descr": "<u2", "fortran_order": False, "shape": (*SCAN, *DETECTOR)}
        np.lib.format.write_array_header_1_0(opened, header)
        for _ in range(SCAN[0]):
            opened.write(row.data)
    return file


def forget(file: Path) -> None:
    """Has the system read it from the disk the next time."""
    descriptor = os.open(file, os.O_RDONLY)
    os.fsync(descriptor)
    os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    os.close(descriptor)


def copied(place: Place) -> float:
    """Seconds to a copy that the disk has."""
    copy = place.scratch / "copy.npy"
    forget(source(place))
    start = time.monotonic()
    subprocess.run(["cp", source(place), copy], check=True)
    subprocess.run(["sync", copy], check=True)
    seconds = time.monotonic() - start
    copy.unlink()
    return seconds


def imported(place: Place) -> tuple[float, float]:
    """Seconds to a dataset that the disk has, and MB of the largest process."""
    output = place.scratch / "imported.h5"
    forget(source(place))
    start = time.monotonic()
    words = [program.executable(), "import", source(place), "-o", output, *OPTIONS]
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    seconds = time.monotonic() - start
    if status != 0:
        program.fail(f"import: status {status}", os.waitstatus_to_exitcode(status))
    for file in (output, output.with_suffix(".png")):
        file.unlink()
    return seconds, used.ru_maxrss * 1024 / 1e6


def sample(place: Place, _: int) -> dict[str, list[float]]:
    source(place)
    copying, (importing, memory) = copied(place), imported(place)
    return {SPEED: [copying / importing], MEMORY: [memory]}


CHECK = Check("import", {SPEED: Bar(least=0.5), MEMORY: Bar(most=200)}, sample)
