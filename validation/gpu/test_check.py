"""ci/gpu-check where there is no GPU: what it would do, and what it says is missing."""

import contextlib
import importlib.machinery
import importlib.util
import json
import os
import re
import subprocess
import sys
import tarfile
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
    assert "--positions-at-once 8" in commands["small-slice-serial-1-fused-together"]
    for golden in (ROOT / "validation/golden").glob("*.h5"):
        assert golden.name in commands["golden-cufft"] and golden.name in commands["golden-fused"]


def test_steps_come_in_the_order_of_worth():
    budgets, commands = planned(check("--dry-run").stdout)
    first = ["test-equality", "benchmark-fused-graph", "test-kernels", "golden-cufft", "peer-torch", "simulate-small-slice"]
    order = [*first, "small-slice-serial-1-fused-together", "test-reconstruction-1", "profiler", "sanitizer-memcheck"]
    assert [name for name in budgets if name in order] == order
    for extent in ("168x168", "512x512", "1024x1024"):
        assert f"EqualsTheCpu/*_{extent}_fused" in commands["test-equality"]
    assert budgets["test-reconstruction-4"] == 25


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
    places = script.Places(tmp_path, tmp_path, tmp_path, builds=False)
    script.print_runs(tmp_path, script.rank_steps(places))
    _, head, row = capsys.readouterr().out.splitlines()
    assert head.split() == ["ms/iteration", "compute", "%", "wait", "%", "communication", "%"]
    step, milliseconds, *shares = row.split()
    assert step == "ci-gd-2-cufft"
    assert float(milliseconds) > 0
    assert 0 < sum(map(float, shares)) <= 101


@pytest.fixture
def gpu(script):
    return script.Gpu("a GPU", "9.0", "13.0", 1, 80 << 30, 132, 1980.0, 2619.0, 5120, 50 << 20)


def test_what_an_earlier_check_has_left_is_not_taken_for_this_ones(script, tmp_path):
    places = script.Places(tmp_path, tmp_path, tmp_path, builds=False, environment=dict(os.environ))
    (tmp_path / "row.json").write_text('{"benchmarks": []}')
    outcome = script.run_one(places, shell(script, "step", "true", leaves="row.json"), HANG_SECONDS)
    assert (outcome.verdict, outcome.reason) == ("failed", "row.json was not written")


def shell(script, name, text, **more):
    return script.Step(name, HANG_SECONDS, ["sh", "-c", text], **more)


def test_after_each_group_its_tables_are_printed_and_the_archive_holds_all_there_is(script, tmp_path, gpu):
    places = script.Places(tmp_path, tmp_path, tmp_path, builds=False, environment=dict(os.environ))
    seen = []

    def tables(results, steps):
        with tarfile.open(results / "gpu-check.tar.gz") if seen else contextlib.nullcontext() as before:
            seen.append(([step.name for step in steps], before and sorted(before.getnames())))

    steps = [shell(script, name, f"echo {name}") for name in ("one", "two", "three")]
    outcomes = script.run_all(places, [script.Group(steps[:2], tables), script.Group(steps[2:], tables)], gpu)
    assert [outcome.verdict for outcome in outcomes] == ["passed"] * 3
    files = ["gpu-check/gpu-check.json", "gpu-check/one.log", "gpu-check/two.log"]
    assert seen == [(["one", "two"], None), (["three"], files)]
    with tarfile.open(tmp_path / "gpu-check.tar.gz") as last:
        assert sorted(last.getnames()) == sorted([*files, "gpu-check/three.log"])
        assert last.extractfile("gpu-check/two.log").read() == b"two\n"


@pytest.mark.parametrize(
    ("tool", "says", "verdict"),
    [
        ("compute-sanitizer", "========= Error: Device not supported. Please refer to the documentation", "left out"),
        ("ncu", "==ERROR== ERR_NVGPUCTRPERM - The user does not have permission to access NVIDIA GPU Performance Counters", "left out"),
        ("compute-sanitizer", "========= Invalid __global__ read of size 8 bytes", "failed"),
        ("", "error: Device not supported", "failed"),
    ],
)
def test_what_a_tool_does_not_support_is_left_out_and_nothing_else(script, tmp_path, tool, says, verdict):
    if tool:
        (tmp_path / tool).write_text("#!/bin/sh\n")
        (tmp_path / tool).chmod(0o755)
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    places = script.Places(tmp_path, tmp_path, tmp_path, builds=False, environment=environment)
    outcomes = [script.run_one(places, shell(script, "step", f"echo '{says}'; exit {code}", tool=tool), HANG_SECONDS) for code in (0, 1)]
    outcome = outcomes[-1]
    assert outcome.verdict == verdict
    assert (outcomes[0].verdict == "left out") == (verdict == "left out"), "whatever the tool's exit code"
    assert says.strip("= ").split(":")[0] in outcome.reason


def test_tables_of_benchmarks_memory_and_peers(script, tmp_path, capsys):
    places = script.Places(tmp_path, tmp_path, tmp_path, builds=False)
    counters = {"slice_us": 40.25, "step_us": 13.5, "counted_MB": 117.44, "copy_GB_per_s": 2900.0, "R": 1.31}
    names = ("position/1024/10/manual_time", "positions/168/10/32/manual_time")
    rows = [{"name": name, **counters} for name in names]
    (tmp_path / "benchmark-fused-graph.json").write_text(json.dumps({"benchmarks": rows}))
    script.print_benchmarks(tmp_path, script.benchmark_steps(places))
    lines = [line.split() for line in capsys.readouterr().out.splitlines()[2:]]
    assert lines[0] == ["fused-graph", "1024", "10", "1", "40.25", "13.50", "117.44", "2900", "1.31"]
    assert lines[1][:4] == ["fused-graph", "168", "10", "32"]

    test = {"name": "TheMeterAgreesWithTheDriver/fused", "metered_bytes": "600000000", "taken_bytes": "610000000"}
    (tmp_path / "test-kernels.json").write_text(json.dumps({"testsuites": [{"testsuite": [{"name": "other"}, test]}]}))
    script.print_memory(tmp_path, script.test_steps(places))
    assert capsys.readouterr().out.splitlines()[2].split() == [test["name"], "600.0", "610.0", "0.984"]

    row = {"name": "position/512/100/torch-eager", "seconds_per_slice": 5e-5, "over_ours_fused": 4.5, "over_ours_cufft": 1.75}
    (tmp_path / "peer-torch.json").write_text(json.dumps({"benchmarks": [row]}))
    script.print_peers(tmp_path, script.peer_steps(places))
    assert capsys.readouterr().out.splitlines()[2].split() == [row["name"], "50.00", "4.50", "1.75"]
