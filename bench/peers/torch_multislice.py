#!/usr/bin/env python3
"""Forward model and gradient of one position in plain PyTorch (complex64, autograd), eager and compiled, beside ours, taking
turns on the same device.

    bench/peers/torch_multislice.py --device cuda --ours build/gpu/bin/position_benchmark -o torch.json
    bench/peers/torch_multislice.py --device cpu --sizes 256 --slices 10 -o torch.json

The model is that of the solvers without a bandwidth limit: psi <- IFFT[P FFT[exp(i sigma V) psi]] slice by slice, the last
propagation left out since the detector does not see it; F = sum (|FFT psi| - a)^2; dF/dV for real V. Before anything is timed,
cost and gradient are compared with the golden files.

`torch-compiled` is torch.compile of one slice step in its default mode, called slice by slice: a graph of 100 slices would take
minutes to compile. Its compiler makes no code for complex numbers and says so; then it runs the eager kernels from its graph. On
the CPU both sides get one thread.

Writes a report (results/schema.json). Needs torch, numpy and h5py. Exit codes: 0 done, 1 a gradient is wrong, 2 something is
missing.
"""

import argparse
import datetime
import json
import math
import os
import platform
import statistics
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from pathlib import Path

try:
    import h5py
    import numpy as np
    import torch
except ImportError as missing:
    print(f"torch_multislice: {missing.name} is missing; install it: pip install torch numpy h5py", file=sys.stderr)
    sys.exit(2)

ROOT = Path(__file__).resolve().parents[2]
GRADIENT_LIMIT = 1e-4  # relative L2, fp32 against fp64; measured: some 1e-6
ROUNDS = 3  # turns of each side; the median over all turns counts
SECONDS_PER_TURN = 0.3
LEAST_SAMPLES = 3
WAVELENGTH_A = 0.025079340451  # 200 kV
SIGMA = 7.2884010410e-4  # rad / (V angstrom), 200 kV

Step = Callable[[torch.Tensor, torch.Tensor, torch.Tensor, float], torch.Tensor]


def slice_step(psi: torch.Tensor, potential: torch.Tensor, propagator: torch.Tensor, sigma: float) -> torch.Tensor:
    """psi behind a slice and the space after it; waves [y][x], potential [y][x] in V angstrom, propagator [ky][kx]."""
    transmitted = psi * torch.exp(1j * sigma * potential)
    return torch.fft.ifft2(propagator * torch.fft.fft2(transmitted))


def loss(
    step: Step, psi: torch.Tensor, potential: torch.Tensor, propagator: torch.Tensor, sigma: float, amplitudes: torch.Tensor
) -> torch.Tensor:
    """F of one position; potential [slice][y][x]."""
    for slice_potential in potential[:-1]:
        psi = step(psi, slice_potential, propagator, sigma)
    psi = psi * torch.exp(1j * sigma * potential[-1])
    return ((torch.fft.fft2(psi).abs() - amplitudes) ** 2).sum()


def fresnel(shape: tuple[int, int], pixel_A: tuple[float, float], wavelength_A: float, thickness_A: float) -> torch.Tensor:
    """exp(-i pi lambda dz k^2) [ky][kx], zero frequency first, made in fp64."""
    ky, kx = (torch.fft.fftfreq(n, d, dtype=torch.float64) for n, d in zip(shape, pixel_A, strict=True))
    phase = -math.pi * wavelength_A * thickness_A * (ky[:, None] ** 2 + kx[None, :] ** 2)
    return torch.polar(torch.ones_like(phase), phase).to(torch.complex64)


def golden_errors(file: Path, step: Step, device: torch.device) -> tuple[float, float]:
    """Relative errors of cost and gradient, summed over the file's positions."""
    with h5py.File(file) as golden:
        attributes = golden.attrs
        sigma = float(attributes["sigma_per_V_per_A"])
        shape = tuple(int(n) for n in attributes["gpts"])
        pixel_A = tuple(float(d) for d in attributes["sampling_A"])
        propagator = fresnel(shape, pixel_A, float(attributes["wavelength_A"]), float(attributes["slice_thickness_A"])).to(device)
        scaled = golden["potential_exact"][...] * float(golden["gradient"].attrs["scale"])
        potential = torch.tensor(scaled, dtype=torch.float32, device=device, requires_grad=True)
        probes = torch.tensor(golden["probe_waves"][...], dtype=torch.complex64, device=device)
        amplitudes = torch.tensor(golden["gradient/amplitude"][...], dtype=torch.float32, device=device)
        expected_cost, expected = float(golden["gradient/cost"][...]), golden["gradient/dF_dV"][...]
    cost = sum(loss(step, psi, potential, propagator, sigma, a) for psi, a in zip(probes, amplitudes, strict=True))
    cost.backward()
    gradient = potential.grad.double().cpu().numpy()
    return abs(cost.item() / expected_cost - 1), float(np.linalg.norm(gradient - expected) / np.linalg.norm(expected))


class Visit:
    """One position of n x n pixels and some slices, on random numbers as large as ours are."""

    def __init__(self, n: int, slices: int, device: torch.device):
        random = torch.Generator().manual_seed(1)
        self.device = device
        self.potential = (300 * torch.rand(slices, n, n, generator=random)).to(device).requires_grad_()
        self.amplitudes = (2 / n * torch.rand(n, n, generator=random)).to(device)
        waves = torch.randn(n, n, dtype=torch.complex64, generator=random)
        self.psi = (waves / torch.linalg.vector_norm(torch.fft.fft2(waves))).to(device)
        self.propagator = fresnel((n, n), (0.1, 0.1), WAVELENGTH_A, 1.25).to(device)

    def seconds(self, step: Step) -> float:
        self.potential.grad = None
        wait(self.device)
        start = time.perf_counter()
        loss(step, self.psi, self.potential, self.propagator, SIGMA, self.amplitudes).backward()
        wait(self.device)
        return time.perf_counter() - start


def wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def turn(visit: Visit, step: Step) -> list[float]:
    samples: list[float] = []
    while len(samples) < LEAST_SAMPLES or sum(samples) < SECONDS_PER_TURN:
        samples.append(visit.seconds(step))
    return samples


def our_turn(program: Path, device: torch.device, kernels: str, n: int, slices: int) -> float:
    """Seconds of a position: the median that our benchmark found."""
    command = [str(program), "--backend", device.type, *(["--kernels", kernels] if kernels else [])]
    command += [f"--benchmark_filter=^position/{n}/{slices}/", "--benchmark_min_time=0.1", "--benchmark_format=json"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"{program} ended with {done.returncode}: {done.stderr.strip().splitlines()[-1:]}")
    if not done.stdout.startswith("{"):
        raise RuntimeError(f"{program} does not measure position/{n}/{slices}")
    (row,) = json.loads(done.stdout)["benchmarks"]
    return row["slice_us"] * 1e-6 * slices


def our_turns(program: Path | None, device: torch.device) -> dict[str, Callable[[int, int], float]]:
    """By label, what gives the seconds of a position of n x n pixels and some slices; nothing without the program."""
    if program is None:
        return {}
    paths = {"ours-cufft": "cufft", "ours-fused": "fused"} if device.type == "cuda" else {"ours": ""}
    return {label: lambda n, slices, path=path: our_turn(program, device, path, n, slices) for label, path in paths.items()}


def failure(name: str, implementation: str, reason: str) -> dict:
    return {"name": name, "method": implementation, "ranks": 1, "error_occurred": True, "error": " ".join(reason.split())[:300]}


def measured(name: str, implementation: str, n: int, slices: int, samples: list[float]) -> dict:
    seconds = statistics.median(samples)
    row = {"name": name, "implementation": implementation, "pixels": [n, n], "slices": slices}
    return row | {"seconds_per_position": seconds, "seconds_per_slice": seconds / slices, "seconds_of_samples": samples}


def take_turns(
    visit: Visit, steps: dict[str, Step], ours: dict[str, Callable[[], float]]
) -> tuple[dict[str, list[float]], dict[str, str]]:
    """Samples by implementation, all taking their turns in every round, and what went wrong with those that have none."""
    turns: dict[str, Callable[[], list[float]]] = {label: lambda s=step: turn(visit, s) for label, step in steps.items()}
    turns |= {label: lambda t=take: [t()] for label, take in ours.items()}
    samples: dict[str, list[float]] = {}
    failures: dict[str, str] = {}
    for round_ in range(ROUNDS + 1):
        for label, take in turns.items():
            if label in failures or (round_ == 0 and label in ours):  # ours warms up by itself
                continue
            try:
                if round_ == 0:
                    visit.seconds(steps[label])  # warms up, compiles
                else:
                    samples.setdefault(label, []).extend(take())
            except (RuntimeError, OSError) as error:
                failures[label] = str(error)
    return samples, failures


def compare(
    n: int, slices: int, steps: dict[str, Step], ours: dict[str, Callable[[int, int], float]], device: torch.device
) -> list[dict]:
    """Rows of all implementations at one size; `over_ours` of a row is how many times faster ours is."""
    here = {label: lambda t=take: t(n, slices) for label, take in ours.items()}
    samples, failures = take_turns(Visit(n, slices, device), steps, here)
    rows = []
    for label in [*steps, *ours]:
        name = f"position/{n}/{slices}/{label}"
        if label in failures:
            rows.append(failure(name, label, failures[label]))
        else:
            rows.append(measured(name, label, n, slices, samples[label]))
    return with_ratios(rows, set(ours))


def with_ratios(rows: list[dict], ours: set[str]) -> list[dict]:
    seconds = {row["implementation"]: row["seconds_per_position"] for row in rows if "implementation" in row}
    for row in rows:
        if row.get("implementation") in seconds.keys() - ours:
            for label in sorted(ours & seconds.keys()):
                row[f"over_{label.replace('-', '_')}"] = row["seconds_per_position"] / seconds[label]
    return rows


def context(device: torch.device, errors: dict[str, float]) -> dict:
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else platform.processor() or platform.machine()
    toolkit = f", CUDA {torch.version.cuda}" if device.type == "cuda" else ", 1 thread"
    now = datetime.datetime.now(datetime.timezone.utc)
    return {
        "schema_version": 1,
        "evidence": "measured",
        "uuid": str(uuid.uuid4()),
        "date": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "argv": sys.argv,
        "host_name": platform.node(),
        "num_cpus": os.cpu_count(),
        "backend": f"{device.type} ({name}); PyTorch {torch.__version__}{toolkit}",
        "relative_gradient_errors": errors,
    }


def check(steps: dict[str, Step], device: torch.device) -> tuple[dict[str, float], bool]:
    """Gradient errors by implementation and golden file, and whether they and the costs' are within the limit."""
    errors: dict[str, float] = {}
    good = True
    for label, step in steps.items():
        for file in sorted((ROOT / "validation/golden").glob("*.h5")):
            cost_error, gradient_error = golden_errors(file, step, device)
            errors[f"{label}/{file.stem}"] = gradient_error
            good = good and cost_error <= GRADIENT_LIMIT and gradient_error <= GRADIENT_LIMIT
            print(f"{label:<16}{file.stem:<44}cost {cost_error:.1e}, gradient {gradient_error:.1e}")
    return errors, good and bool(errors)


def print_rows(rows: list[dict]) -> None:
    for row in rows:
        if "error" in row:
            print(f"{row['name']:<36}{row['error']}")
            continue
        ratios = [f"{value:.2f} x {key.removeprefix('over_')}" for key, value in row.items() if key.startswith("over_")]
        times = f"{1e3 * row['seconds_per_position']:>10.3f} ms{1e6 * row['seconds_per_slice']:>10.2f} us/slice"
        print(f"{row['name']:<36}{times}  {', '.join(ratios)}", flush=True)


def numbers(text: str) -> list[int]:
    return [int(word) for word in text.split(",")]


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", choices=["cuda", "cpu"], default="cuda")
    parser.add_argument("--sizes", type=numbers, default=[256, 512, 1024], help="side lengths, pixels")
    parser.add_argument("--slices", type=numbers, default=[10, 100])
    parser.add_argument("--ours", type=Path, help="position_benchmark, to take turns with")
    parser.add_argument("--seconds", type=float, default=math.inf, help="begin no further size after so long")
    parser.add_argument("-o", "--output", type=Path, required=True, help="the report to write, JSON")
    return parser.parse_args()


def why_not(options: argparse.Namespace) -> str:
    """What is missing; empty when nothing is."""
    if options.device == "cuda" and not torch.cuda.is_available():
        return f"--device cuda: PyTorch {torch.__version__} finds no GPU; valid here: cpu"
    if options.ours is not None and not os.access(options.ours, os.X_OK):
        return f"--ours: {options.ours} is no program; build the target position_benchmark"
    return "" if options.output.parent.is_dir() else f"--output: the folder {options.output.parent} is not there"


def main() -> int:
    began = time.monotonic()
    options = read_options()
    if reason := why_not(options):
        print(f"torch_multislice: {reason}", file=sys.stderr)
        return 2
    torch.set_num_threads(1)
    device = torch.device(options.device)
    steps: dict[str, Step] = {"torch-eager": slice_step, "torch-compiled": torch.compile(slice_step, dynamic=False)}
    ours = our_turns(options.ours, device)
    errors, good = check(steps, device)
    if not good:
        print(f"torch_multislice: an error is beyond {GRADIENT_LIMIT}; nothing was timed", file=sys.stderr)
        return 1
    torch.compiler.reset()  # the golden files' shapes are not to count against those that are timed
    rows: list[dict] = []
    for n in sorted(options.sizes, reverse=True):  # the large ones matter most
        for slices in options.slices:
            if time.monotonic() - began > options.seconds:
                new = [failure(f"position/{n}/{slices}", "torch", f"not measured: the {options.seconds:g} s were over")]
            else:
                new = compare(n, slices, steps, ours, device)
            print_rows(new)
            rows += new
    part = options.output.with_name(options.output.name + ".part")
    part.write_text(json.dumps({"context": context(device, errors), "benchmarks": rows}, indent=1) + "\n")
    part.replace(options.output)
    return 0


if __name__ == "__main__":
    sys.exit(main())
