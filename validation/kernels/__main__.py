"""The static gate of the fused kernels: prints what nvcc has made of them and what time that should take, and fails on what would be slow.

    ci/cuda               # builds for one architecture, then runs this
    ci/cuda --update      # and writes limits.json anew, for a change that says why

Exit codes: 0 nothing is wrong, 1 something is. What cannot be checked here is said, with NOT CHECKED, and is no failure.
"""

import argparse
import re
import subprocess
import sys
from pathlib import Path

import facts
import judgement
import machine_code

from harness.base.errors import EXIT_FAILED, EXIT_OK

OBJECTS = "solvers/compute/CMakeFiles/ptychoscale_compute.dir/cuda"
ROOM = 0.03


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="ci/cuda", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=Path, help="folder of a build with CUDA for one architecture")
    parser.add_argument("--nvcc", type=Path, required=True, help="the compiler that made it")
    parser.add_argument("--update", action="store_true", help="take today's instructions as the limits")
    return parser.parse_args()


def release_of(nvcc: Path) -> str:
    text = subprocess.run([nvcc, "--version"], capture_output=True, text=True, check=True).stdout
    found = re.search(r"release (\d+\.\d+)", text)
    return found[1] if found else "of an unknown release"


def read_kernels(args: argparse.Namespace, shapes: list[facts.Shape]) -> tuple[list[facts.Kernel], str]:
    """The kernels, and their architecture."""
    tool = machine_code.find_cuobjdump(args.nvcc, args.build / "cuda-tools")
    cubins = [machine_code.dump(tool, args.build / OBJECTS / f"{file}.cu.o") for file in ("fused_rows", "fused_columns")]
    if cubins[0].architecture != cubins[1].architecture:
        raise machine_code.NotReadable(f"objects for {cubins[0].architecture} and {cubins[1].architecture}; build both anew")
    try:
        return facts.kernels_of(shapes, cubins), cubins[0].architecture
    except KeyError as missing:
        raise machine_code.NotReadable(f"no kernel {missing} in the objects; build them anew") from None


def check(args: argparse.Namespace) -> list[str]:
    """Prints everything there is to say and gives what is wrong."""
    shapes = facts.read_shapes(args.build / "bin/fused_kernel_shapes")
    try:
        kernels, architecture = read_kernels(args, shapes)
    except machine_code.NoTool as why:
        print(f"NOT CHECKED: registers, spills, blocks, instructions and times of the fused kernels: {why}")
        return judgement.faults_of_traffic(shapes)
    except machine_code.NotReadable as why:
        return [*judgement.faults_of_traffic(shapes), str(why)]
    nvcc = release_of(args.nvcc)
    print(f"fused kernels, nvcc {nvcc}, {architecture}:", *facts.table(kernels), "", sep="\n")
    print("predicted, as graphs, one position, nothing in the L2 cache:", *facts.predictions(kernels, architecture), sep="\n")
    if args.update:
        judgement.write_limits(kernels, nvcc, architecture, ROOM)
    limits = judgement.read_limits()
    for reason in judgement.unchecked(kernels, limits, nvcc, architecture):
        print(f"NOT CHECKED: {reason}")
    return judgement.faults(kernels, limits, nvcc, architecture)


def main() -> int:
    faults = check(read_options())
    print(*(f"FAULT: {fault}" for fault in faults), f"fused kernels: {len(faults)} faults", sep="\n")
    return EXIT_FAILED if faults else EXIT_OK


if __name__ == "__main__":
    sys.exit(main())
