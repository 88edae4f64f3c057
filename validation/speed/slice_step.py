"""One slice step of the solvers beside two bare FFTW transforms, alternating in one process.

FFTW chooses anew in every process, which takes longer than all measuring: so a process, in one round of a few, measures for all of them."""

import json
import subprocess

from check import Bar, Check, Place

SIZES = (128, 168, 256, 512, 1024, 1152)
SECONDS_EACH = 0.2
ROUNDS_TOGETHER = 3
MOST = 0.9


def figure(size: int) -> str:
    return f"slice step over two transforms, {size} x {size}"


def sample(place: Place, round_: int) -> dict[str, list[float]]:
    if round_ % ROUNDS_TOGETHER != 0:
        return {}
    words = [place.programs / "kernel_benchmark", "--benchmark_format=json", f"--benchmark_min_time={SECONDS_EACH}"]
    done = subprocess.run([*words, f"--benchmark_repetitions={ROUNDS_TOGETHER}"], capture_output=True, text=True, check=True)
    rows = [row for row in json.loads(done.stdout)["benchmarks"] if row["run_type"] == "iteration"]
    return {figure(size): [row["ratio"] for row in rows if row["name"].split("/")[1] == str(size)] for size in SIZES}


CHECK = Check("slice step", {figure(size): Bar(most=MOST) for size in SIZES}, sample)
