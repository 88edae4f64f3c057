#!/usr/bin/env python3
"""Forward model and gradient of one position in plain PyTorch (complex64, autograd), eager, compiled and as a CUDA graph, beside
ours, taking turns on the same device.

    bench/peers/torch_multislice.py --device cuda --ours build/gpu/bin/position_benchmark -o torch.json
    bench/peers/torch_multislice.py --device cpu --sizes 256 --slices 10 -o torch.json

The model is that of the solvers without a bandwidth limit: psi <- IFFT[P FFT[exp(i sigma V) psi]] slice by slice, the last
propagation left out since the detector does not see it; F = sum (|FFT psi| - a)^2; dF/dV for real V. Before anything is timed,
cost and gradient are compared with the golden files; what fails there is not timed, and what fails anywhere ends only itself.

`torch-compiled` is torch.compile of one slice step in its default mode, called slice by slice: a graph of 100 slices would take
minutes to compile. Where its compiler makes no code for complex numbers it runs the eager kernels from its graph; how many
kernels it made is said and reported. `torch-cudagraph` replays what eager launches, as ours does, and needs a GPU. On the CPU
both sides get one thread.

Writes a report (results/schema.json), anew after every size; those that had no turn yet are in it as failures. Needs torch, numpy
and h5py. Exit codes: 0 done, 1 a gradient is wrong or none could be computed, 2 something is missing.
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
from dataclasses import dataclass
from functools import partial
from pathlib import Path

BEGAN_S = time.monotonic()  # loading PyTorch counts

try:
    import h5py
    import numpy as np
    import torch
    from torch._inductor import metrics as inductor
except ImportError as missing:
    print(f"torch_multislice: {missing.name} is missing; install it: pip install torch numpy h5py", file=sys.stderr)
    sys.exit(2)

GOLDEN = Path(__file__).resolve().parents[2] / "validation/golden"
GRADIENT_LIMIT = 1e-4  # relative L2, fp32 against fp64; measured: some 1e-6
ROUNDS = 3  # turns of each side; the median over all turns counts
SECONDS_PER_TURN = 0.3
LEAST_SAMPLES = 3
WARM_UPS = 3  # before a capture: they choose cuFFT's plans and load kernels, which a capture cannot
NOT_MEASURED = "not measured: time was over before its turn"
WAVELENGTH_A = 0.025079340451  # 200 kV
SIGMA = 7.2884010410e-4  # rad / (V angstrom), 200 kV

Step = Callable[[torch.Tensor, torch.Tensor, torch.Tensor, float], torch.Tensor]
Gradient = Callable[[], tuple[torch.Tensor, torch.Tensor]]  # F and dF/dV [slice][y][x] of the position that it was made for


@dataclass
class Position:
    """Waves [y][x], potential [slice][y][x] in V angstrom, propagator [ky][kx], sigma in rad / (V angstrom), amplitudes [ky][kx]."""

    psi: torch.Tensor
    potential: torch.Tensor
    propagator: torch.Tensor
    sigma: float
    amplitudes: torch.Tensor


Variant = Callable[[Position], Gradient]


def slice_step(psi: torch.Tensor, potential: torch.Tensor, propagator: torch.Tensor, sigma: float) -> torch.Tensor:
    """psi behind a slice and the space after it; waves [y][x], potential [y][x] in V angstrom, propagator [ky][kx]."""
    transmitted = psi * torch.exp(1j * sigma * potential)
    return torch.fft.ifft2(propagator * torch.fft.fft2(transmitted))


def loss(step: Step, position: Position, potential: torch.Tensor) -> torch.Tensor:
    psi = position.psi
    *front, last = potential.unbind()  # potential[i] would cost a gradient as large as the volume for every slice
    for slice_potential in front:
        psi = step(psi, slice_potential, position.propagator, position.sigma)
    psi = psi * torch.exp(1j * position.sigma * last)
    return ((torch.fft.fft2(psi).abs() - position.amplitudes) ** 2).sum()


def by_autograd(step: Step, position: Position) -> Gradient:
    potential = position.potential.detach().requires_grad_()  # its own leaf: autograd ties a leaf to the stream of its first use

    def gradient() -> tuple[torch.Tensor, torch.Tensor]:
        cost = loss(step, position, potential)
        return cost.detach(), *torch.autograd.grad(cost, potential)

    return gradient


def by_cuda_graph(position: Position) -> Gradient:
    """What eager launches, captured once and replayed; the position must outlive it, for a graph knows only addresses."""
    caller, stream, graph = torch.cuda.current_stream(), torch.cuda.Stream(), torch.cuda.CUDAGraph()
    gradient = by_autograd(slice_step, position)
    try:
        stream.wait_stream(caller)
        with torch.cuda.stream(stream):
            for _ in range(WARM_UPS):
                gradient()
        caller.wait_stream(stream)
        with torch.cuda.graph(graph, stream=stream):
            result = gradient()
    finally:
        torch.cuda.set_stream(caller)  # a capture that breaks may leave its own behind

    def replay() -> tuple[torch.Tensor, torch.Tensor]:
        graph.replay()
        return result

    return replay


def variants_on(device: torch.device) -> dict[str, Variant]:
    compiled = torch.compile(slice_step, dynamic=False, fullgraph=True)  # fullgraph: fails rather than turning to eager
    variants: dict[str, Variant] = {"torch-eager": partial(by_autograd, slice_step), "torch-compiled": partial(by_autograd, compiled)}
    return variants | ({"torch-cudagraph": by_cuda_graph} if device.type == "cuda" else {})


def fresnel(shape: tuple[int, int], pixel_A: tuple[float, float], wavelength_A: float, thickness_A: float) -> torch.Tensor:
    """exp(-i pi lambda dz k^2) [ky][kx], zero frequency first, made in fp64."""
    ky, kx = (torch.fft.fftfreq(n, d, dtype=torch.float64) for n, d in zip(shape, pixel_A, strict=True))
    phase = -math.pi * wavelength_A * thickness_A * (ky[:, None] ** 2 + kx[None, :] ** 2)
    return torch.polar(torch.ones_like(phase), phase).to(torch.complex64)


def golden_errors(file: Path, variant: Variant, device: torch.device) -> tuple[float, float]:
    """Relative errors of cost and gradient, summed over the file's positions."""
    with h5py.File(file) as golden:
        attributes = golden.attrs
        sigma = float(attributes["sigma_per_V_per_A"])
        shape = tuple(int(n) for n in attributes["gpts"])
        pixel_A = tuple(float(d) for d in attributes["sampling_A"])
        propagator = fresnel(shape, pixel_A, float(attributes["wavelength_A"]), float(attributes["slice_thickness_A"])).to(device)
        scaled = golden["potential_exact"][...] * float(golden["gradient"].attrs["scale"])
        potential = torch.tensor(scaled, dtype=torch.float32, device=device)
        probes = torch.tensor(golden["probe_waves"][...], dtype=torch.complex64, device=device)
        amplitudes = torch.tensor(golden["gradient/amplitude"][...], dtype=torch.float32, device=device)
        expected_cost, expected = float(golden["gradient/cost"][...]), golden["gradient/dF_dV"][...]
    cost, gradient = 0.0, np.zeros(expected.shape)
    for psi, a in zip(probes, amplitudes, strict=True):
        run = variant(Position(psi, potential, propagator, sigma, a))
        run()  # what is timed are repetitions
        cost_of_one, gradient_of_one = run()
        cost += cost_of_one.item()
        gradient += gradient_of_one.double().cpu().numpy()
    return abs(cost / expected_cost - 1), float(np.linalg.norm(gradient - expected) / np.linalg.norm(expected))


def random_position(n: int, slices: int, device: torch.device) -> Position:
    """n x n pixels and some slices, on random numbers as large as ours are."""
    random = torch.Generator().manual_seed(1)
    potential = 300 * torch.rand(slices, n, n, generator=random)
    amplitudes = 2 / n * torch.rand(n, n, generator=random)
    waves = torch.randn(n, n, dtype=torch.complex64, generator=random)
    psi = waves / torch.linalg.vector_norm(torch.fft.fft2(waves))
    propagator = fresnel((n, n), (0.1, 0.1), WAVELENGTH_A, 1.25)
    return Position(psi.to(device), potential.to(device), propagator.to(device), SIGMA, amplitudes.to(device))


def wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def seconds_of(gradient: Gradient, device: torch.device) -> float:
    wait(device)
    start = time.perf_counter()
    gradient()
    wait(device)
    return time.perf_counter() - start


def turn(gradient: Gradient, device: torch.device) -> list[float]:
    samples: list[float] = []
    while len(samples) < LEAST_SAMPLES or sum(samples) < SECONDS_PER_TURN:
        samples.append(seconds_of(gradient, device))
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


def why(error: Exception) -> str:
    """One line: what the end of a broken capture throws hides what broke it."""
    first: BaseException = error
    while first.__context__ is not None:
        first = first.__context__
    return "; first ".join(f"{type(e).__name__}: {' '.join(str(e).split())[:200]}" for e in dict.fromkeys([error, first]))


def failure(name: str, implementation: str, reason: str) -> dict:
    return {"name": name, "method": implementation, "ranks": 1, "error_occurred": True, "error": reason}


def not_measured(pairs: list[tuple[int, int]]) -> list[dict]:
    return [failure(f"position/{n}/{slices}", "torch", NOT_MEASURED) for n, slices in pairs]


def measured(name: str, implementation: str, n: int, slices: int, samples: list[float]) -> dict:
    seconds = statistics.median(samples)
    row = {"name": name, "implementation": implementation, "pixels": [n, n], "slices": slices}
    return row | {"seconds_per_position": seconds, "seconds_per_slice": seconds / slices, "seconds_of_samples": samples}


def take_turns(
    variants: dict[str, Variant], position: Position, ours: dict[str, Callable[[], float]], device: torch.device, deadline_s: float
) -> tuple[dict[str, list[float]], dict[str, str]]:
    """Samples by implementation, all taking their turns in every round, and what went wrong with those that have none."""
    gradients: dict[str, Gradient] = {}
    samples: dict[str, list[float]] = {}
    failures: dict[str, str] = {}
    for round_ in range(ROUNDS + 1):
        for label in [*variants, *ours]:
            if label in failures or time.monotonic() > deadline_s:
                continue
            try:
                if round_ > 0:
                    samples.setdefault(label, []).extend([ours[label]()] if label in ours else turn(gradients[label], device))
                elif label in variants:  # ours warms up by itself
                    gradients[label] = variants[label](position)
                    seconds_of(gradients[label], device)  # compiles
            except Exception as error:  # a compiler may throw anything
                failures[label] = why(error)
    return samples, dict.fromkeys({*variants, *ours} - samples.keys(), NOT_MEASURED) | failures


def compare(
    n: int,
    slices: int,
    variants: dict[str, Variant],
    ours: dict[str, Callable[[int, int], float]],
    device: torch.device,
    deadline_s: float,
) -> list[dict]:
    """Rows of all implementations at one size; `over_ours` of a row is how many times faster ours is."""
    here = {label: lambda t=take: t(n, slices) for label, take in ours.items()}
    samples, failures = take_turns(variants, random_position(n, slices, device), here, device, deadline_s)
    rows = []
    for label in [*variants, *ours]:
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


def check(variants: dict[str, Variant], device: torch.device) -> tuple[dict[str, float], dict[str, str], bool]:
    """Gradient errors by variant and golden file, why some variants cannot be timed, and whether any gradient is wrong."""
    errors: dict[str, float] = {}
    failures: dict[str, str] = {}
    wrong = False
    for label, variant in variants.items():
        for file in sorted(GOLDEN.glob("*.h5")):
            try:
                cost_error, gradient_error = golden_errors(file, variant, device)
            except Exception as error:  # a compiler may throw anything
                failures[label] = why(error)
                break
            found = f"{file.stem:<44}cost {cost_error:.1e}, gradient {gradient_error:.1e}"
            print(f"{label:<16}{found}")
            if not (cost_error <= GRADIENT_LIMIT and gradient_error <= GRADIENT_LIMIT):
                failures[label] = f"not timed, an error is beyond {GRADIENT_LIMIT}: {' '.join(found.split())}"
                wrong = True
                break
            errors[f"{label}/{file.stem}"] = gradient_error
    return errors, failures, wrong


def print_rows(rows: list[dict]) -> None:
    for row in rows:
        if "error" in row:
            print(f"{row['name']:<36}{row['error']}")
            continue
        ratios = [f"{value:.2f} x {key.removeprefix('over_')}" for key, value in row.items() if key.startswith("over_")]
        times = f"{1e3 * row['seconds_per_position']:>10.3f} ms{1e6 * row['seconds_per_slice']:>10.2f} us/slice"
        print(f"{row['name']:<36}{times}  {', '.join(ratios)}")


def write(output: Path, about: dict, rows: list[dict]) -> None:
    part = output.with_name(output.name + ".part")
    part.write_text(json.dumps({"context": about, "benchmarks": rows}, indent=1) + "\n")
    part.replace(output)


def numbers(text: str) -> list[int]:
    return [int(word) for word in text.split(",")]


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", choices=["cuda", "cpu"], default="cuda")
    parser.add_argument("--sizes", type=numbers, default=[512, 1024, 256], help="side lengths, pixels, in this order")
    parser.add_argument("--slices", type=numbers, default=[10, 100])
    parser.add_argument("--ours", type=Path, help="position_benchmark, to take turns with")
    parser.add_argument("--seconds", type=float, default=math.inf, help="begin no further turn after so long")
    parser.add_argument("-o", "--output", type=Path, required=True, help="the report to write, JSON")
    return parser.parse_args()


def why_not(options: argparse.Namespace) -> str:
    """What is missing; empty when nothing is."""
    if options.device == "cuda" and not torch.cuda.is_available():
        return f"--device cuda: PyTorch {torch.__version__} finds no GPU; valid here: cpu"
    if options.ours is not None and not os.access(options.ours, os.X_OK):
        return f"--ours: {options.ours} is no program; build the target position_benchmark"
    if not any(GOLDEN.glob("*.h5")):
        return f"{GOLDEN} holds no golden files"
    return "" if options.output.parent.is_dir() else f"--output: the folder {options.output.parent} is not there"


def main() -> int:
    options = read_options()
    deadline_s = BEGAN_S + options.seconds
    sys.stdout.reconfigure(line_buffering=True)  # whoever ends this sees how far it got
    if reason := why_not(options):
        print(f"torch_multislice: {reason}", file=sys.stderr)
        return 2
    torch.set_num_threads(1)
    device = torch.device(options.device)
    variants = variants_on(device)
    ours = our_turns(options.ours, device)
    errors, failures, wrong = check(variants, device)
    about = context(device, errors)
    if "torch-compiled" not in failures:
        about["kernels_made_by_compiler"] = made = inductor.generated_kernel_count
        print(f"torch-compiled  the compiler made {made} kernels{'' if made else ': this runs those of eager'}")
    rows = [failure(f"golden/{label}", label, reason) for label, reason in failures.items()]
    print_rows(rows)
    right = {label: variant for label, variant in variants.items() if label not in failures}
    pairs = [(n, slices) for n in options.sizes for slices in options.slices] if right else []
    write(options.output, about, rows + not_measured(pairs))
    while pairs and time.monotonic() <= deadline_s:
        n, slices = pairs.pop(0)
        if slices == options.slices[0]:
            torch.compiler.reset()  # it recompiles a function for a few shapes only
        new = compare(n, slices, right, ours, device, deadline_s)
        print_rows(new)
        rows += new
        write(options.output, about, rows + not_measured(pairs))
    print_rows(not_measured(pairs))
    return 1 if wrong or not right else 0


if __name__ == "__main__":
    sys.exit(main())
