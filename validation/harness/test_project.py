"""Projection: the same messages as on real ranks, times that follow from the kernels', and what bad input gets."""

import json

import pytest
from conftest import replace_kernel_times

from harness.base import documents
from harness.base.errors import InputError
from harness.project import kernels, machine, print_rows
from harness.runs import program


def is_built() -> bool:
    try:
        return bool(kernels.projection_program())
    except InputError:
        return False


SECONDS_PER_POSITION = 4e-4  # about what one core takes for a position of `smoke`
BYTES_PER_SECOND = 1e10

built = pytest.mark.skipif(not is_built(), reason="SimGrid was not found when this was built")


def alone(case, method, ranks, rank, folder, *words):
    """Kernel times of one rank, measured here, as a report."""
    file = folder / f"{method}-{rank}-of-{ranks}.json"
    document = program.ask_json(*kernels.as_rank_words(case, method, "window", ranks, rank), *words)
    documents.write_report(file, document)
    return file


@pytest.fixture(scope="session")
def kernel_times(tmp_path_factory):
    """Of every tile of `smoke` on these ranks; the seconds are not this machine's."""
    from harness.__main__ import main

    file = tmp_path_factory.mktemp("kernels") / "kernels.json"
    words = ["project", "--measure", file, "--case", "smoke", "--ranks", "4,6,12,24", "--method", "gd,hve"]
    assert main([str(word) for word in words]) == 0
    replace_kernel_times(file, SECONDS_PER_POSITION, BYTES_PER_SECOND)
    return file


def edited(tmp_path, **changes):
    """A machine that ships, with other values at some places, as a file."""
    document = json.loads((machine.MACHINES / "ethernet-cluster.json").read_text())
    for path, value in changes.items():
        entry = document
        for key in path.split("__"):
            entry = entry[key]
        entry["value"] = value
    file = tmp_path / "machine.json"
    file.write_text(json.dumps(document))
    return file


@pytest.fixture
def project(harness, kernel_times, tmp_path):
    """The rows of a projection of `smoke` on Summit."""
    def run(*words, name="out", times=kernel_times):
        out = tmp_path / name
        result = harness("project", "--machine", "summit", "--case", "smoke", "--kernel-times", times, "-o", out, *words)
        assert result.code == 0, (result.out, result.err)
        return documents.read_report(out / "report.json")["benchmarks"]

    return run


def real_row(dataset, method, ranks, folder, *words, iterations=2):
    """A run on real ranks."""
    json_file, log = folder / f"{method}-{ranks}.json", folder / f"{method}-{ranks}.log"
    words = ["reconstruct", dataset, "--method", method, "--iterations", iterations, "--threads", 1, *words, "-o", folder / "out.h5"]
    assert program.launch([*words, "--json", json_file], log, ranks=ranks) == 0, log.read_text()
    return documents.read_report(json_file)["benchmarks"][0]


@pytest.fixture(scope="session")
def smoke_dataset(tmp_path_factory):
    file = tmp_path_factory.mktemp("dataset") / "smoke.h5"
    program.ask("simulate", "smoke", "-o", file)
    return file


@built
@pytest.mark.parametrize(
    "method, ranks, exchange, more",
    [
        ("gd", 6, "appp", []),
        ("gd", 6, "passes", []),
        ("gd", 6, "allreduce", []),
        ("gd", 12, "appp", []),
        ("gd", 24, "appp", []),
        ("hve", 4, None, []),
        ("gd", 6, "appp", ["--refine-probe"]),
    ],
)
def test_messages_and_bytes_are_those_of_real_ranks(project, smoke_dataset, tmp_path, method, ranks, exchange, more):
    words = [*(["--exchange", exchange, "--rounds", "1"] if exchange else []), *more]
    (row,) = project("--method", method, "--ranks", ranks, "--iterations", 2, *words)
    real = real_row(smoke_dataset, method, ranks, tmp_path, *words)
    for key in ("messages_sent", "bytes_sent", "mesh", "positions_per_rank_max", "extended_voxels_max"):
        assert row[key] == real[key], key
    assert sum(row["messages_per_rank"]) == row["messages_sent"] > 0


@built
def test_modes_have_kernel_times_of_their_own(project, harness, rejects, kernel_times, smoke_dataset, tmp_path):
    modes = ["--refine-probe", "--probe-modes", 2]
    words = ["project", "--machine", "summit", "--case", "smoke", "--method", "gd", "--ranks", 2, *modes]
    rejects(*words, "--kernel-times", kernel_times, "-o", tmp_path / "out", says=["--refine-probe --probe-modes 2"])
    file = tmp_path / "modes.json"
    assert harness("project", "--measure", file, "--case", "smoke", "--method", "gd", "--ranks", 2, *modes).code == 0
    (row,) = project("--method", "gd", "--ranks", 2, "--iterations", 2, "--exchange", "appp", *modes, times=file)
    real = real_row(smoke_dataset, "gd", 2, tmp_path, "--exchange", "appp", "--rounds", 1, *modes)
    assert row["probe_modes"] == real["probe_modes"] == 2
    for key in ("messages_sent", "bytes_sent"):
        assert row[key] == real[key], key


@built
def test_kernels_take_what_was_measured(project):
    """On slow kernels, a rank computes for its positions' time; how near that is to a real run is among the checks of speed."""
    slowdown = 1e3
    (row,) = project("--method", "gd", "--ranks", 4, "--gpu-speed", 1 / slowdown)
    scaled = SECONDS_PER_POSITION * BYTES_PER_SECOND / 900e9 * slowdown  # Summit's memory moves 900 GB/s
    expected = row["positions_per_rank_max"] * scaled
    assert row["compute_seconds_per_iteration_max"] == pytest.approx(expected, rel=0.05)
    assert row["seconds_per_iteration"] == pytest.approx(expected, rel=0.05)


@built
def test_same_command_same_rows(project):
    words = ["--method", "gd", "--ranks", "6", "--exchange", "appp,allreduce"]
    assert project(*words, name="one") == project(*words, name="two")


@built
def test_what_ifs_change_what_they_say(project):
    words = ["--method", "gd", "--ranks", "12", "--rounds", "3"]  # seldom any position between two exchanges: mostly network
    (base,) = project(*words, name="base")
    (wide,) = project(*words, "--link-bandwidth", 4, "--latency", 0.25, name="wide")
    (fast,) = project(*words, "--gpu-speed", 2, name="fast")
    (uneven,) = project(*words, "--imbalance", 0.5, name="uneven")
    # Kernels are charged alike (SimGrid's clock steps by 1 ns), messages take a quarter of the time, and slow ranks are waited for.
    compute, wait = "compute_seconds_per_iteration_mean", "wait_seconds_per_iteration_mean"
    assert wide[compute] == pytest.approx(base[compute], rel=1e-4) and wide[wait] < 0.5 * base[wait]
    assert wide["what_if"] == {"link_bandwidth": 4, "latency": 0.25}
    assert fast[compute] == pytest.approx(base[compute] / 2, rel=0.05)
    assert base["seconds_per_iteration"] < uneven["seconds_per_iteration"] < 1.5 * base["seconds_per_iteration"]
    assert uneven["compute_seconds_per_iteration_max"] > 1.2 * uneven["compute_seconds_per_iteration_min"]


@built
def test_the_phases_add_up_and_the_pipeline_beats_barriers(project):
    rows = {row["exchange"]: row for row in project("--method", "gd", "--ranks", "24", "--exchange", "appp,passes,allreduce", "--gpu-speed", 0.001)}
    for row in rows.values():
        phases = sum(row[f"{phase}_seconds_per_iteration_mean"] for phase in ("compute", "wait", "communication"))
        # Agreeing on the longest iteration takes time, too, which is no iteration's; beside slow kernels it is short.
        assert phases == pytest.approx(sum(row["seconds_of_iterations"]) / row["iterations"], rel=0.02)
    assert rows["appp"]["seconds_per_iteration"] < rows["passes"]["seconds_per_iteration"]


@built
def test_a_round_of_delay_hides_the_exchange_behind_the_next_one(project):
    words = ["--method", "gd", "--ranks", "12", "--gpu-speed", 0.001, "--link-bandwidth", 0.001, "--iterations", 4]
    (at_once,) = project(*words, name="at-once")
    (late,) = project(*words, "--delay", 1, name="late")

    def exposed(row):
        return row["seconds_per_iteration"] - row["compute_seconds_per_iteration_max"]

    assert late["delay"] == 1 and "delay" not in at_once
    assert late["bytes_sent"] == at_once["bytes_sent"]
    # What is left is packing, which these slow GPUs do between slices.
    assert 0 < exposed(late) < 0.5 * exposed(at_once)


@built
def test_a_slow_rank_is_waited_for_with_and_without_delay(project):
    words = ["--method", "gd,hve", "--ranks", "4", "--gpu-speed", 0.001, "--iterations", 4]
    alike = project(*words, name="alike")
    for name, more in {"at-once": (), "late": ("--delay", 1)}.items():
        rows = project(*words, "--slow-rank", "1:10", *more, name=name)
        assert [row["slow_rank"] for row in rows] == [[1, 10.0]] * 2
        for row, before in zip(rows, alike, strict=True):
            assert row["seconds_per_iteration"] == pytest.approx(10 * before["seconds_per_iteration"], rel=0.1)
            assert row["wait_seconds_per_iteration_mean"] > 0.6 * row["seconds_per_iteration"]  # three of four ranks


@pytest.mark.parametrize("text", ["10", "1:0", "-1:10", "a:b", "1:inf"])
def test_a_wrong_slow_rank_is_refused(rejects, text):
    rejects("project", "--case", "smoke", "--ranks", "6", f"--slow-rank={text}", says=["--slow-rank", "for example 5:10"])


@built
def test_an_impossible_mesh_is_a_row_and_figures_have_content(project, tmp_path):
    rows = project("--method", "gd,hve", "--ranks", "4,6", "--timeline")
    (impossible,) = [row for row in rows if "error" in row]
    assert (impossible["method"], impossible["ranks"]) == ("hve", 6) and "smaller number of ranks" in impossible["error"]
    names = {file.name for file in (tmp_path / "out").glob("*.svg")}
    assert {"scaling.svg", "phases-4.svg", "phases-6.svg", "timeline-gd-6-appp.svg", "timeline-hve-4.svg"} <= names
    assert all(file.stat().st_size > 5000 for file in (tmp_path / "out").glob("*.svg"))


@built
def test_kernel_times_without_a_tile_size_say_what_to_measure(rejects, tmp_path):
    file = alone("smoke", "gd", 6, 0, tmp_path)
    words = ["--machine", "summit", "--case", "smoke", "--method", "gd", "--kernel-times", file, "-o", tmp_path / "out"]
    says = ["rank 0 of 24", "--as-rank 0 --of 24", "the nearest has"]
    rejects("project", *words, "--ranks", "24", "--device-GB-per-s", 10, says=says)
    assert not (tmp_path / "out" / "report.json").exists()


def test_columns_never_run_together(capsys):
    """Numbers as wide as they come: small ones with an exponent, large counts, a large mesh."""
    seconds = {f"{phase}_seconds_per_iteration_mean": 1.234e-05 for phase in ("compute", "wait", "communication")}
    row = {
        "method": "gd", "ranks": 123456, "mesh": [12345, 12345], "exchange": "neighbours", "rounds": 1234567, "iterations": 1, **seconds,
        "seconds_per_iteration": 1.234e-05, "messages_sent": 88, "bytes_sent": 8.602e4, "efficiency_percent": 1234567890.1,
    }
    small = {**row, "messages_sent": 480, "bytes_sent": 2.089e5}
    print_rows([row, {**row, "messages_sent": 10**12}, small, {"method": "hve", "ranks": 6, "error": "no room"}])
    *_, first, second, third, impossible = (line.split() for line in capsys.readouterr().out.splitlines())
    known = ["gd", "123456", "12345x12345", "neighbours", "1234567", *["1.234e-05"] * 4]
    assert first == [*known, "88", "8.602e-05", "1234567890.1"]
    assert second == [*known, "1000000000000", "8.602e-05", "1234567890.1"]
    assert third == [*known, "480", "0.0002089", "1234567890.1"]
    assert impossible == ["hve", "6", "NA", "no", "room"]


@pytest.mark.parametrize("option", ["--imbalance", "--halo-pm"])
def test_a_share_may_be_0(rejects, option):
    words = ["--case", "smoke", "--ranks", "6"]
    for value in ("-1", "nan", "some"):
        rejects("project", *words, f"{option}={value}", says=[option, f"'{value}'", "valid: 0 or a number above 0"])
    for value in ("0", "0.00", "0.5"):
        rejects("project", *words, option, value, says=["--machine: is missing"])


@built
def test_bad_input(rejects, kernel_times, tmp_path):
    words = ["--case", "smoke", "--ranks", "6", "--kernel-times", kernel_times, "-o", tmp_path / "out"]
    rejects("project", *words, says=["--machine", "missing"])
    rejects("project", *words, "--machine", "sumit", says=["sumit", "summit"])
    summit = ["--machine", "summit", *words]
    rejects("project", *summit, "--gpu-speed", "0", says=["--gpu-speed", "above 0"])
    rejects("project", *summit, "--exchange", "ring", says=["ring", "allreduce"])
    rejects("project", "--machine", edited(tmp_path, nodes=1), *words[:3], "100", *words[4:], says=["100", "GPUs"])
    rejects("project", *summit, "--grid", "tile", says=["tile grid", "measure it"])
    rejects("project", *summit, "--case", "nosuch", says=["nosuch"])
    rejects("project", *summit[:-4], tmp_path / "absent.json", *summit[-2:], says=["absent.json"])


@built
def test_times_of_another_device_need_its_bandwidth(tmp_path, kernel_times):
    report = documents.read_report(kernel_times)
    del report["context"][kernels.BANDWIDTH]
    file = tmp_path / "kernels.json"
    documents.write_report(file, report)
    with pytest.raises(InputError, match="--device-GB-per-s"):
        kernels.on_machine([file], "smoke", "gd", "window", machine.load("summit"), None)
    given = kernels.on_machine([file], "smoke", "gd", "window", machine.load("summit"), 9e9)
    assert "9 to 900 GB/s" in given.rule
    assert [visit["seconds"] for visit in given.visits] == pytest.approx([SECONDS_PER_POSITION / 100] * len(given.visits))
