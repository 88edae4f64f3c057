#!/usr/bin/env python3
"""How much faster two ranks are than one, on one thread each: alternating runs of the case `ci`, medians, their ratio.

    bench/kernels/rank_speedup.py PTYCHOSCALE [--repeats N]

Exit code 1 when the ratio is below 1.7, what is expected of two free cores.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

EXPECTED = 1.7


def seconds_per_iteration(program, dataset, home, ranks):
    report = home / "report.json"
    command = ["mpirun", "-n", str(ranks), program, "reconstruct", dataset, "-o", home / "out.h5", "--method", "gd"]
    command += ["--update", "batch", "--iterations", "15", "--threads", "1", "--json", report]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    (row,) = json.loads(report.read_text())["benchmarks"]
    return row["seconds_per_iteration"]


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("program")
    arguments.add_argument("--repeats", type=int, default=5)
    options = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        dataset = home / "ci.h5"
        subprocess.run([options.program, "simulate", "ci", "-o", dataset], check=True, stdout=subprocess.DEVNULL)
        times = {1: [], 2: []}
        for _ in range(options.repeats):
            for ranks, seen in times.items():
                seen.append(seconds_per_iteration(options.program, dataset, home, ranks))
    one, two = (statistics.median(times[ranks]) for ranks in (1, 2))
    print(f"1 rank {one:.4f} s, 2 ranks {two:.4f} s per iteration: {one / two:.2f} x (expected: at least {EXPECTED})")
    return 0 if one / two >= EXPECTED else 1


if __name__ == "__main__":
    sys.exit(main())
