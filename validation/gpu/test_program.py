"""The program with `--backend cuda`, as a user runs it. On CUDA on the host, which is there without a GPU."""

import json
import os
import subprocess
from pathlib import Path

import h5py
import numpy as np
import pytest
from patience import HANG_SECONDS

PROGRAM = os.environ["PTYCHOSCALE"]
ON_GPU = ["--backend", "cuda"]


def run(folder: Path, *command, ranks=1) -> subprocess.CompletedProcess:
    """What it keeps between runs goes to the folder's `cache`."""
    launcher = ["mpirun", "-n", str(ranks)] if ranks > 1 else []
    environment = {**os.environ, "XDG_CACHE_HOME": str(folder / "cache"), "OMP_NUM_THREADS": "1"}
    options = {"capture_output": True, "text": True, "env": environment, "timeout": HANG_SECONDS}
    result = subprocess.run([*launcher, PROGRAM, *map(str, command)], **options)
    assert result.returncode == 0, result.stderr
    return result


@pytest.fixture(scope="module")
def dataset(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("dataset")
    run(folder, "simulate", "smoke", "-o", folder / "smoke.h5")
    return folder / "smoke.h5"


def report(folder: Path, dataset: Path, *options, ranks=1) -> dict:
    outputs = ["-o", folder / "out.h5", "--json", folder / "out.json"]
    run(folder, "reconstruct", dataset, *outputs, "--iterations", 1, *options, ranks=ranks)
    return json.loads((folder / "out.json").read_text())


def cost(folder: Path, dataset: Path, *options, ranks=1) -> float:
    return report(folder, dataset, *options, ranks=ranks)["benchmarks"][0]["cost"]


@pytest.mark.parametrize("kernels", ["cufft", "fused"])
@pytest.mark.parametrize(
    ("ranks", "options"),
    [
        (1, "--method serial --adjoint checkpoint"),
        (1, "--method gd --update batch --positions-at-once 5 --measurement-type float16"),
        (2, "--method gd --measurements stream --grid tile"),
        (3, "--method gd --bandwidth two_thirds --adjoint store --exchange neighbours --rounds max"),
        (4, "--method hve"),
    ],
)
def test_costs_equal_the_cpus(dataset, tmp_path, ranks, options, kernels):
    on_cpu = cost(tmp_path, dataset, *options.split(), ranks=ranks)
    on_gpu = cost(tmp_path, dataset, *options.split(), *ON_GPU, "--kernels", kernels, ranks=ranks)
    assert on_gpu == pytest.approx(on_cpu, rel=1e-4)  # weak parts of the patterns amplify rounding


def test_patterns_equal_the_cpus(dataset, tmp_path):
    run(tmp_path, "simulate", "smoke", "-o", tmp_path / "out.h5", *ON_GPU)
    with h5py.File(dataset) as cpu, h5py.File(tmp_path / "out.h5") as gpu:
        expected, ours = (np.asarray(f["dataset/datacube/data"], dtype=np.float64) for f in (cpu, gpu))
    assert np.linalg.norm(ours - expected) < 1e-5 * np.linalg.norm(expected)  # single precision, four slices


@pytest.mark.parametrize(("gpu", "reason"), [("busy", "busy or unavailable"), ("foreign", "no kernel image is available")])
def test_a_gpu_that_cannot_be_used_is_none(dataset, tmp_path, monkeypatch, gpu, reason):
    monkeypatch.setenv("CUDA_ON_HOST_GPU", gpu)
    command = [PROGRAM, "reconstruct", dataset, "-o", tmp_path / "out.h5", *ON_GPU]
    result = subprocess.run(command, capture_output=True, text=True, timeout=HANG_SECONDS)
    assert result.returncode == 2, result.stderr
    (error,) = [line for line in result.stderr.splitlines() if "error:" in line]
    assert "'cuda' finds no usable GPU (" in error
    assert reason in error
    assert "built with CUDA" in error
    assert list(tmp_path.iterdir()) == []


def test_what_the_cpu_has_learned_is_left_alone(dataset, tmp_path):
    caches = tmp_path / "cache/ptychoscale"
    report(tmp_path, dataset, "--method", "serial", *ON_GPU)
    assert not list(caches.glob("*"))
    report(tmp_path, dataset, "--method", "serial")
    (learned,) = caches.iterdir()
    before = learned.read_text()
    report(tmp_path, dataset, "--method", "serial", *ON_GPU)
    assert learned.read_text() == before
    report(tmp_path, dataset, "--method", "serial")


def test_what_runs_in_a_gpus_place_is_not_called_measured(dataset, tmp_path):
    context = report(tmp_path, dataset, "--method", "serial", *ON_GPU)["context"]
    assert context["evidence"] == "simulated"
    assert "no GPU: CUDA on the host, for tests" in context["backend"]
    run(tmp_path, "rates", "-o", tmp_path / "rates.json", "--lengths", 64, *ON_GPU)
    assert json.loads((tmp_path / "rates.json").read_text())["context"]["evidence"] == "simulated"
