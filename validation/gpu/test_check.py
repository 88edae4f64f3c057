"""ci/gpu-check where there is no GPU: what it would do, and what it says is missing."""

import importlib.machinery
import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from patience import HANG_SECONDS

ROOT = Path(__file__).parents[2]
CHECK = ROOT / "ci/gpu-check"
SECONDS_IN_ALL = 480


def check(*arguments, **environment):
    command = ["python3", CHECK, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=HANG_SECONDS, env={**os.environ, **environment})


@pytest.fixture
def without_gpu():
    """CUDA shows no GPU, whether the machine has one or not."""
    return {"CUDA_VISIBLE_DEVICES": "-1"}


@pytest.fixture
def script(monkeypatch):
    """The script as a module."""
    loader = importlib.machinery.SourceFileLoader("gpu_check", str(CHECK))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(loader.name, loader))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.setitem(sys.modules, loader.name, module)
    loader.exec_module(module)
    return module


def planned(text):
    """Budget by step, and command by step."""
    pairs = re.findall(r"^ *(\d+) s  (\S+)\n +(.+)$", text, flags=re.MULTILINE)
    return {name: int(budget) for budget, name, _ in pairs}, {name: command for _, name, command in pairs}


def test_dry_run_prints_every_step_within_the_time():
    result = check("--dry-run")
    assert result.returncode == 0, result.stderr
    budgets, commands = planned(result.stdout)
    assert sum(budgets.values()) <= SECONDS_IN_ALL
    assert {"configure", "build", "test-kernels", "sanitizer-memcheck", "sanitizer-racecheck", "peer-torch"} <= set(budgets)
    assert "--backend cuda" in commands["simulate-small-slice"]
    for kernels in ("cufft", "fused"):
        for launch in ("graph", "direct"):
            assert f"--kernels {kernels} --launch {launch}" in commands[f"benchmark-{kernels}-{launch}"]
    for method, ranks in (("serial", {1}), ("gd", {1, 2, 4}), ("hve", {2, 4})):
        ran = {int(name.split("-")[2]) for name in budgets if name.startswith(f"ci-{method}-")}
        assert ran == ranks, method
    assert "--measurements stream" in commands["small-slice-serial-1-fused-stream"]
    for golden in (ROOT / "validation/golden").glob("*.h5"):
        assert golden.name in commands["golden-cufft"] and golden.name in commands["golden-fused"]


def test_dry_run_shows_only_the_chosen_steps_and_what_they_need():
    budgets, commands = planned(check("--dry-run", "--only", "ci-gd-4", "--build", "/elsewhere").stdout)
    assert list(budgets) == ["simulate-ci", "ci-gd-4-cufft"]
    assert commands["ci-gd-4-cufft"].startswith("mpirun -n 4 /elsewhere/bin/ptychoscale reconstruct")


def test_without_a_gpu_one_line_says_what_is_missing(tmp_path, without_gpu):
    result = check(tmp_path / "results", **without_gpu)
    assert result.returncode == 2, result.stdout
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    assert line.startswith("ci/gpu-check: no usable GPU: ")
    assert not (tmp_path / "results").exists()


@pytest.mark.parametrize("arguments", [[], ["--dry-run", "--only", "no-such-step"], ["--no-such-option"]])
def test_arguments_that_mean_nothing_are_refused(arguments):
    result = check(*arguments)
    assert result.returncode == 2
    assert result.stdout == ""


def test_the_planned_options_are_ones_that_the_program_has():
    program = os.environ["PTYCHOSCALE"]
    _, commands = planned(check("--dry-run").stdout)
    seen = set()
    for name, command in commands.items():
        called = re.search(r"/ptychoscale (simulate|reconstruct|validate golden) (.*)", command)
        if called is None:
            continue
        seen.add(called[1])
        text = subprocess.run([program, *called[1].split(), "--help"], capture_output=True, text=True, timeout=HANG_SECONDS).stdout
        assert set(re.findall(r" (--[a-z-]+)", called[2])) <= set(re.findall(r"--[a-z-]+", text)), name
    assert seen == {"simulate", "reconstruct", "validate golden"}


def test_phases_of_what_ran_are_printed(script, tmp_path, capsys):
    program, report = os.environ["PTYCHOSCALE"], tmp_path / "ci-gd-2-cufft.json"
    part = ["reconstruct", "--case", "smoke", "--as-rank", "0", "--of", "2", "--method", "gd", "--iterations", "1"]
    subprocess.run([program, *part, "--json", report], check=True, capture_output=True, timeout=HANG_SECONDS)
    script.print_runs(script.Places(tmp_path, tmp_path, tmp_path, builds=False))
    _, head, row = capsys.readouterr().out.splitlines()
    assert head.split() == ["ms/iteration", "compute", "%", "wait", "%", "communication", "%"]
    step, milliseconds, *shares = row.split()
    assert step == "ci-gd-2-cufft"
    assert float(milliseconds) > 0
    assert 0 < sum(map(float, shares)) <= 101
