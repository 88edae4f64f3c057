"""Memory and disk that a command will take are asked for before anything runs: one line says what, what there is and what may fit."""

import json
import re
import resource
import shutil
import subprocess

import h5py
import pytest
from conftest import PROGRAM, TINY

GIB = 1 << 30


@pytest.fixture(autouse=True, scope="module")
def without_sanitizers():
    if "libasan" in subprocess.run(["ldd", PROGRAM], capture_output=True, text=True, check=True).stdout:
        pytest.skip("a sanitizer takes more address space than it uses")


def limit_address_space():
    resource.setrlimit(resource.RLIMIT_AS, (GIB, GIB))


def case_with(tmp_path, **fields):
    file = tmp_path / "large.json"
    file.write_text(json.dumps({**TINY, **fields}))
    return file


# The commands that make a case's header, each given the case.
COMMANDS = {
    "simulate": lambda case: ["simulate", case, "-o", case.with_suffix(".h5")],
    "plan": lambda case: ["plan", "--case", case, "--ranks", 4],
    "reconstruct": lambda case: ["reconstruct", "--case", case, "--as-rank", 0, "--of", 4, "--positions", 1],
}


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    "fields, may_fit",
    [
        ({"scan": {"rows": 10000, "columns": 10000}, "scan_step_A": [0.25, 0.25], "volume": [10100, 10100]}, "at most "),
        ({"detector": [16384, 16384], "volume": [16484, 16484]}, "a detector of at most "),
    ],
)
def test_a_header_that_does_not_fit_is_refused_at_once(run, tmp_path, command, fields, may_fit):
    case = case_with(tmp_path, **fields)
    result = run.rejects(*COMMANDS[command](case), preexec_fn=limit_address_space, says=["memory: ", "the limit of ulimit -v", may_fit])
    assert not case.with_suffix(".h5").exists() and not result.out


def test_a_volume_that_does_not_fit_is_refused_before_it_is_simulated(run, tmp_path):
    case = case_with(tmp_path, volume=[3000, 3000], scan_step_A=[200.0, 200.0], slices=100)
    says = ["memory: this simulation will take ", "the limit of ulimit -v", "what may fit: at most ", " slices"]
    run.rejects(*COMMANDS["simulate"](case), "--threads", 1, preexec_fn=limit_address_space, says=says)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["large.json"]


def test_a_simulation_takes_no_more_than_is_counted(run, tmp_path):
    """With as much beyond what the process has anyway, and a fifth for the library's own, it ends."""

    def of_slices(slices):
        return [*COMMANDS["simulate"](case_with(tmp_path, volume=[900, 900], scan_step_A=[60.0, 60.0], slices=slices)), "--threads", 1]

    def refused(slices):
        """What it would take and what is free, in MB."""
        (line,) = run.rejects(*of_slices(slices), preexec_fn=limit_address_space, says=["memory: this simulation will take "]).errors
        take, unit, free = re.search(r"take ([\d.]+) (MB|GB), ([\d.]+) MB of", line).groups()
        return float(take) * (1000 if unit == "GB" else 1), float(free)

    (most, free), (more, _) = refused(500), refused(400)
    few = 12
    counted = most - (500 - few) * (most - more) / 100
    enough = int(GIB - 1e6 * free + 1.2e6 * counted)
    assert 40 < counted < 200
    run.good(*of_slices(few), preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (enough, enough)))


@pytest.mark.parametrize(
    "words", [["plan", "--case", "smoke", "--ranks", 4], ["simulate", "smoke", "-o", "s.h5"], ["rates", "-o", "r.json"]]
)
def test_threads_that_no_host_has(run, words):
    run.rejects(*words, "--threads", 10**9, says=["--threads: '1000000000'; valid: a whole number, ", "to 4096"])


def test_more_rounds_than_positions(run, tiny_dataset, output):
    words = ["reconstruct", tiny_dataset, "-o", output, "--method", "gd", "--rounds", 10**9]
    run.rejects(*words, says=["rounds: 1000000000", "1 to 16, or max"])


def test_planning_of_many_positions_ends(run, tmp_path):
    """Each is a few numbers, not a dry run of its own."""
    case = case_with(tmp_path, scan={"rows": 1000, "columns": 1000}, scan_step_A=[2.0, 2.0], volume=[8200, 8200], slices=200)
    (gd,) = json.loads(run.good("plan", "--case", case, "--ranks", 4, "--methods", "gd", "--json", "-").out)["benchmarks"]
    assert gd["positions_per_rank_max"] == 250_000 and gd["memory_waves_bytes_max"] > 0


# Disk


def test_checkpoints_for_which_there_is_no_room(run, tiny_dataset, output, tmp_path):
    """The result, which has every voxel twice, would take 60 % of what is free, and so would two checkpoints."""
    dataset = shutil.copy(tiny_dataset, tmp_path / "large.h5")
    slices, volume_bytes = 100_000, 0.3 * shutil.disk_usage(tmp_path).free
    with h5py.File(dataset, "r+") as file:
        own = file["ptychoscale"]
        rows, columns = own.attrs["volume"]
        width = int(volume_bytes / 4 / slices / rows)
        assert width > columns, "this disk is too full for the test"
        del own["truth"]
        own.attrs["slices"] = slices
        own.attrs["volume"] = [rows, width]
    words = ["reconstruct", dataset, "-o", output, "--method", "serial", "--checkpoint-every", 5]
    run.rejects(*words, says=["--checkpoint-every: ", "two checkpoints of ", " that are free", "--checkpoint-every off"])
    assert not output.exists() and not output.with_name("out.h5.checkpoint").exists()
