"""Machine files: every shipped one is whole and sourced, every mistake is named, and SimGrid sees what the file says."""

import copy
import json
import shutil
import subprocess

import pytest
from patience import HANG_SECONDS

from harness.base.errors import InputError
from harness.project import machine, machine_file, platform, published

SHIPPED = machine.names()


@pytest.fixture
def summit():
    return json.loads((machine.MACHINES / "summit.json").read_text())


@pytest.fixture
def complaint(tmp_path):
    """The one line that a machine file is refused with."""

    def read(document) -> str:
        file = tmp_path / "mine.json"
        file.write_text(document if isinstance(document, str) else json.dumps(document))
        with pytest.raises(InputError) as caught:
            machine.load(file)
        line = str(caught.value)
        assert "\n" not in line
        assert line.startswith(f"{file}: ")
        return line.removeprefix(f"{file}: ")

    return read


def changed(document: dict, path: str, value: object) -> dict:
    """A copy with one place changed; None takes it out."""
    copied = copy.deepcopy(document)
    *ways, last = path.split(".")
    node = copied
    for way in ways:
        node = node[way]
    if value is None:
        del node[last]
    else:
        node[last] = value
    return copied


def test_the_four_machines_of_the_documentation_are_there():
    assert {"summit", "frontier", "dgx-h200", "ethernet-cluster"} <= set(SHIPPED)


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_machine_loads_and_names_the_source_of_every_number(name):
    loaded = machine.load(name)
    document = json.loads((machine.MACHINES / f"{name}.json").read_text())
    numbers = machine_file.flatten({key: entry for key, entry in document.items() if key not in machine_file.WORDS})
    assert loaded.name == name
    assert loaded.sources.keys() == numbers.keys()
    assert all(len(source.split()) >= 2 for source in loaded.sources.values())
    assert loaded.limits


@pytest.mark.parametrize("name", SHIPPED)
def test_the_stated_error_is_the_largest_difference_from_the_published_times(name):
    loaded = machine.load(name)
    if not loaded.published:
        assert "not assessed" in loaded.sources["network_error_percent"]
        return
    largest = max(abs(difference) for difference in published.differences_percent(loaded))
    assert loaded.network_error_percent == pytest.approx(largest, abs=0.1)  # the file gives a tenth of a percent


def test_summit_is_what_its_papers_say():
    loaded = machine.load("summit")
    assert loaded.gpus == 27648
    assert loaded.gpu.memory_bandwidth == 900e9
    assert loaded.rail.bandwidth == pytest.approx(12.5e9 * 0.948)
    assert (loaded.group, loaded.rail_at) == (3, "socket")


def test_a_path_is_as_good_as_a_name(tmp_path):
    file = tmp_path / "copied.json"
    shutil.copy(machine.MACHINES / "summit.json", file)
    assert machine.load(file).name == "copied"
    assert machine.load(str(file)).rail == machine.load("summit").rail


def test_an_unknown_name_is_refused_with_the_known_ones():
    with pytest.raises(InputError, match="machine: perlmutter is not known; valid: dgx-h200, .*summit"):
        machine.load("perlmutter")
    with pytest.raises(InputError, match="nowhere.json: cannot be read"):
        machine.load("nowhere.json")


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        ("nodes", None, "nodes is missing; valid: a whole number from 1 to 1000000"),
        ("links.rail.bandwidth", None, "links.rail.bandwidth is missing; valid: a number above 0, in GB/s"),
        ("links.rail.bandwidth.value", None, "links.rail.bandwidth is missing"),
        ("links.rail.bandwidth.value", -12.5, "links.rail.bandwidth is -12.5; valid: a number above 0, in GB/s"),
        ("links.rail.bandwidth.value", "fast", "links.rail.bandwidth is 'fast'; valid: a number above 0"),
        ("links.rail.bandwidth.value", True, "links.rail.bandwidth is True; valid: a number above 0"),
        ("links.rail.bandwidth.unit", "Gb/s", "links.rail.bandwidth.unit is 'Gb/s'; valid: GB/s"),
        ("links.rail.bandwidth.source", " ", "links.rail.bandwidth.source is ' '; valid: where the number is from"),
        ("links.rail.bandwidth.source", None, "links.rail.bandwidth.source is None; valid: where"),
        ("links.rail.bandwidth.note", "x", "links.rail.bandwidth.note is unknown; valid: value, unit, source"),
        ("links.rail.bandwidth", 12.5, "links.rail.bandwidth is 12.5; valid: {"),
        ("links.rail.latency.value", -1, "links.rail.latency is -1; valid: a number above 0, in us"),
        ("links.core.latency.value", -1, "links.core.latency is -1; valid: a number from 0 on, in us"),
        ("links.rail.latency.value", 0, "links.rail.latency is 0; valid: a number above 0, in us"),
        ("links.rail.attached_to.value", "moon", "links.rail.attached_to is 'moon'; valid: socket or gpu"),
        ("links.rail.attached_to.value", ["gpu"], "links.rail.attached_to is ['gpu']; valid: socket or gpu"),
        ("links.warp", {"value": 9, "source": "s"}, "links.warp is unknown here; the nearest that are known: links."),
        ("links", [], "links.gpu_to_socket.bandwidth is missing"),
        ("nodes.value", 0, "nodes is 0; valid: a whole number from 1 to"),
        ("nodes.value", 2.5, "nodes is 2.5; valid: a whole number from 1 to"),
        ("gpus_per_node.value", 7, "gpus_per_node is 7; valid: a multiple of sockets, 2"),
        ("links.rail.count.value", 4, "links.rail.count is 4; valid: a divisor of gpus_per_node, 6"),
        ("links.rail.count.value", 3, "links.rail.count is 3; valid: a multiple of sockets, 2"),
        ("links.gpu_to_gpu.group.value", 2, "links.gpu_to_gpu.group is 2; valid: a divisor of the 3 GPUs of a socket"),
        ("links.gpu_to_gpu.bandwidth", None, "links.gpu_to_gpu.bandwidth is missing"),
        ("links.socket_to_socket", None, "links.socket_to_socket.bandwidth is missing"),
        ("sockets.value", 1, "links.socket_to_socket.bandwidth is unknown here"),
        ("links.leaf.oversubscription.value", 0.5, "links.leaf.oversubscription is 0.5; valid: a number from 1 on"),
        ("message_path.rail_fraction.value", 1.2, "message_path.rail_fraction is 1.2; valid: a number above 0 and at most 1"),
        ("message_path.eager_limit.value", 0.5, "message_path.eager_limit is 0.5; valid: a whole number from 0 on"),
        ("description", None, "description is None; valid: a sentence"),
        ("limits", "none", "limits is 'none'; valid: a list of sentences"),
        ("published", {}, "published is {}; valid: a list of measured messages"),
        ("published", [{"bytes": 1}], "published[0] is {'bytes': 1}; valid: an object of bytes, "),
    ],
)
def test_a_mistake_is_named_with_its_place_and_value(summit, complaint, path, value, says):
    assert complaint(changed(summit, path, value)).startswith(says)


def test_a_measured_message_that_is_impossible_is_named(summit, complaint):
    row = summit["published"][0]
    for key, value in (("pair", "moon"), ("bytes", 0), ("microseconds", -1)):
        assert complaint(summit | {"published": [row | {key: value}]}).startswith(f"published[0].{key} is {value!r}; valid: ")


def test_what_is_no_machine_is_said_so(complaint):
    assert complaint("{").startswith("is not JSON")
    assert complaint([]).startswith("is no machine; valid: a JSON object")


def test_not_a_number_is_none(summit, complaint):
    text = json.dumps(changed(summit, "links.rail.latency.value", "HERE")).replace('"HERE"', "NaN")
    assert complaint(text) == "NaN is no JSON number; valid: a finite one"


@pytest.mark.parametrize("ranks", [0, 27649])
def test_more_ranks_than_gpus_name_both_numbers(tmp_path, ranks):
    with pytest.raises(InputError, match=f"ranks: {ranks} on machine summit, which has 27648 GPUs .* valid: 1 to 27648"):
        platform.write_platform(machine.load("summit"), ranks, tmp_path / "p.xml")
    assert not list(tmp_path.iterdir())


def test_what_if_scales_every_link_and_says_so():
    before = machine.load("summit")
    after = machine.with_what_if(before, link_bandwidth=2.0, latency=0.5, gpu_speed=3.0)
    assert after.what_if == {"link_bandwidth": 2.0, "latency": 0.5, "gpu_speed": 3.0}
    assert after.gpu.speed == 3.0
    assert before.what_if == {} and machine.with_what_if(before).what_if == {}
    for pair in machine_file.PAIRS:
        for size in (8, 1 << 20):
            seconds = published.modelled_seconds(after, pair, size)
            assert seconds == pytest.approx(published.modelled_seconds(before, pair, size) / 2), (pair, size)
    with pytest.raises(InputError, match="what-if latency: 0; valid: a number above 0"):
        machine.with_what_if(before, latency=0)


@pytest.mark.parametrize("name", SHIPPED)
def test_the_platform_is_the_same_every_time(tmp_path, name):
    loaded = machine.load(name)
    for file in ("a.xml", "b.xml"):
        platform.write_platform(loaded, 30, tmp_path / file)
    assert (tmp_path / "a.xml").read_bytes() == (tmp_path / "b.xml").read_bytes()


# Below, SimGrid itself: a program prints the one-way time of a message between rank 0 and each other rank, after a warm-up.
PING_PONG = r"""
#include <mpi.h>
#include <cstdio>
#include <vector>
int main(int argc, char** argv) {
    MPI_Init(&argc, &argv);
    int rank, size;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    std::vector<char> data(64 << 20);
    for (int peer = 1; peer < size; ++peer)
        for (int bytes : {8, 1 << 16, 1 << 20, 64 << 20})
            for (int round = 0; round < 2; ++round) {
                if (rank != 0 && rank != peer) continue;
                const int other = rank == 0 ? peer : 0;
                const double start = MPI_Wtime();
                if (rank == 0) MPI_Send(data.data(), bytes, MPI_CHAR, other, 0, MPI_COMM_WORLD);
                MPI_Recv(data.data(), bytes, MPI_CHAR, other, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
                if (rank != 0) MPI_Send(data.data(), bytes, MPI_CHAR, other, 0, MPI_COMM_WORLD);
                if (rank == 0 && round == 1) std::printf("RESULT %d %d %.9g\n", peer, bytes, (MPI_Wtime() - start) / 2);
            }
    MPI_Finalize();
}
"""
# Every GPU of one node to its like on another, one way and then both at once: seconds each.
NODE_TO_NODE = r"""
#include <mpi.h>
#include <cstdio>
#include <vector>
int main(int argc, char** argv) {
    MPI_Init(&argc, &argv);
    int rank, size;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    std::vector<char> in(64 << 20), out(64 << 20);
    const int half = size / 2, peer = (rank + half) % size, bytes = 64 << 20;
    for (int both = 0; both < 2; ++both) {
        MPI_Barrier(MPI_COMM_WORLD);
        const double start = MPI_Wtime();
        std::vector<MPI_Request> requests(2, MPI_REQUEST_NULL);
        if (both || rank >= half) MPI_Irecv(in.data(), bytes, MPI_CHAR, peer, 0, MPI_COMM_WORLD, &requests[0]);
        if (both || rank < half) MPI_Isend(out.data(), bytes, MPI_CHAR, peer, 0, MPI_COMM_WORLD, &requests[1]);
        MPI_Waitall(2, requests.data(), MPI_STATUSES_IGNORE);
        MPI_Barrier(MPI_COMM_WORLD);
        if (rank == 0) std::printf("RESULT %d %d %.9g\n", both, bytes, MPI_Wtime() - start);
    }
    MPI_Finalize();
}
"""


@pytest.fixture(scope="session")
def simulated(tmp_path_factory):
    """Runs one of the programs above on a machine's platform; gives the numbers of its RESULT lines."""
    if not (shutil.which("smpicxx") and shutil.which("smpirun")):
        pytest.skip("SimGrid's smpicxx and smpirun are not installed (Debian: libsimgrid-dev)")
    place = tmp_path_factory.mktemp("simgrid")

    def run(source: str, loaded: machine.Machine, ranks: list[int]) -> list[tuple[int, int, float]]:
        program = place / ("ping-pong" if source is PING_PONG else "node-to-node")
        if not program.exists():
            program.with_suffix(".cpp").write_text(source)
            subprocess.run(["smpicxx", "-O1", program.with_suffix(".cpp"), "-o", program], check=True, cwd=place)
        platform.write_platform(loaded, max(ranks) + 1, place / "platform.xml")
        (place / "hosts").write_text("".join(f"gpu-{rank}\n" for rank in ranks))
        settings = platform.smpi_settings(loaded) | {"smpi/simulate-computation": "no", "smpi/host-speed": "1e9f"}
        command = ["smpirun", "-np", str(len(ranks)), "-platform", "platform.xml", "-hostfile", "hosts"]
        command += [f"--cfg={key}:{value}" for key, value in settings.items()]
        done = subprocess.run([*command, program], cwd=place, capture_output=True, text=True, timeout=HANG_SECONDS)
        assert done.returncode == 0, done.stdout + done.stderr
        rows = [line.split()[1:] for line in done.stdout.splitlines() if line.startswith("RESULT ")]
        return [(int(a), int(b), float(c)) for a, b, c in rows]

    return run


@pytest.mark.parametrize("name", SHIPPED)
def test_a_simulated_message_takes_the_time_that_the_machine_says(simulated, name):
    loaded = machine.load(name)
    per_node = loaded.gpus_per_node
    far = min(loaded.leaf_nodes * per_node, loaded.gpus - 1)
    peers = {"group": 1, "node": per_node - 1, "leaf": per_node, "machine": far}
    times = simulated(PING_PONG, loaded, [0, *peers.values()])
    assert len(times) == 16
    for peer, size, seconds in times:
        pair = list(peers)[peer - 1]
        # Both have the same formula; SimGrid adds a few ns of rounding to microseconds at least: 0.5 % is ample.
        assert seconds == pytest.approx(published.modelled_seconds(loaded, pair, size), rel=5e-3), (pair, size)


@pytest.mark.parametrize("name", SHIPPED)
def test_a_full_node_reaches_its_rails_one_way_and_its_limit_both_ways(simulated, name):
    loaded = machine.load(name)
    count = loaded.gpus_per_node
    times = simulated(NODE_TO_NODE, loaded, list(range(2 * count)))
    one_way, both_ways = [count * size * (1 + both) / seconds for both, size, seconds in times]
    rails = loaded.rails * loaded.rail.bandwidth
    # Two barriers and a handshake are in the times: under 2 % of the milliseconds that 64 MiB take on the fastest rail.
    assert one_way == pytest.approx(min(rails, loaded.node_both_ways), rel=0.02)
    assert both_ways == pytest.approx(min(2 * rails, loaded.node_both_ways), rel=0.02)


def test_summit_of_the_paper_s_largest_run_loads_and_reaches_its_last_gpu(simulated):
    loaded = machine.load("summit")
    times = simulated(PING_PONG, loaded, [0, 4157])
    assert [seconds for _, _, seconds in times] == [
        pytest.approx(published.modelled_seconds(loaded, "machine", size), rel=5e-3) for _, size, _ in times
    ]


def test_a_lone_rank_and_a_half_filled_node_have_their_hosts(simulated):
    loaded = machine.load("summit")
    assert simulated(PING_PONG, loaded, [0]) == []
    assert len(simulated(PING_PONG, loaded, [0, 7])) == 4
