"""A machine as plain data, and what-ifs on it."""

import dataclasses
import math
from pathlib import Path

from harness.base.errors import InputError
from harness.base.tree import ROOT
from harness.project import machine_file

MACHINES = ROOT / "bench" / "projection" / "machines"


@dataclasses.dataclass(frozen=True)
class Link:
    """One direction of a link as messages see it: what MPI reaches of it (bytes/s), and the time to cross it (s)."""

    bandwidth: float
    latency: float


@dataclasses.dataclass(frozen=True)
class Gpu:
    """`speed`: how many times faster than on the GPU described its kernels run; 1 but in a what-if."""

    name: str
    memory_bandwidth: float  # bytes/s
    memory: float  # bytes
    speed: float = 1.0


@dataclasses.dataclass(frozen=True)
class Machine:
    """A machine in SI units. Bandwidths are those that messages reach: nominal ones times the fractions of the file."""

    name: str
    description: str
    limits: tuple[str, ...]  # what the model leaves out
    nodes: int
    gpus_per_node: int
    sockets: int  # hubs that GPUs hang off: CPU sockets, or one switch
    gpu: Gpu
    gpu_to_socket: Link
    socket_to_socket: Link | None  # None with one socket
    gpu_to_gpu: Link | None  # between the GPUs of a group; None: through the socket
    group: int  # neighbours joined by gpu_to_gpu links; 1 without
    rails: int  # per node
    rail_at: str  # "socket" or "gpu"
    rail: Link
    node_both_ways: float  # bytes/s, in and out of a node together
    leaf_nodes: int
    leaf_latency: float  # s, one crossing
    oversubscription: float
    core_hops: int  # switches above the leaves on a way between two leaves
    core_latency: float  # s, one crossing
    path: str  # "gpu-direct" or "host-staged"
    cpu_overhead: float  # s, each send and each receive
    eager_limit: int  # bytes
    rendezvous_latency: float  # s, added to messages above the limit
    network_error_percent: float
    published: tuple[dict, ...]
    sources: dict[str, str]
    what_if: dict[str, float] = dataclasses.field(default_factory=dict)

    @property
    def gpus(self) -> int:
        return self.nodes * self.gpus_per_node


def names() -> list[str]:
    """The machines that come with the program."""
    return sorted(file.stem for file in MACHINES.glob("*.json"))


def find(name_or_path: str | Path) -> Path:
    """The file of a machine. Throws InputError when there is none."""
    shipped = MACHINES / f"{name_or_path}.json"
    if shipped.exists():
        return shipped
    if Path(name_or_path).suffix == ".json":
        return Path(name_or_path)
    raise InputError(f"machine: {name_or_path} is not known; valid: {', '.join(names())}, or the path of a file ending in .json")


def build(name: str, words: dict, si: dict, sources: dict[str, str]) -> Machine:
    """The machine of checked values; the links get what messages reach of them."""
    in_node, on_rail = si["message_path.gpu_link_fraction"], si["message_path.rail_fraction"]

    def link(place: str, reached: float) -> Link | None:
        bandwidth = si.get(f"links.{place}.bandwidth")
        return None if bandwidth is None else Link(bandwidth * reached, si[f"links.{place}.latency"])

    return Machine(
        name=name,
        description=words["description"],
        limits=tuple(words["limits"]),
        nodes=si["nodes"],
        gpus_per_node=si["gpus_per_node"],
        sockets=si["sockets"],
        gpu=Gpu(si["gpu.name"], si["gpu.memory_bandwidth"], si["gpu.memory"]),
        gpu_to_socket=link("gpu_to_socket", in_node),
        socket_to_socket=link("socket_to_socket", in_node),
        gpu_to_gpu=link("gpu_to_gpu", in_node),
        group=si.get("links.gpu_to_gpu.group", 1),
        rails=si["links.rail.count"],
        rail_at=si["links.rail.attached_to"],
        rail=link("rail", on_rail),
        node_both_ways=si["links.node.both_ways"],
        leaf_nodes=si["links.leaf.nodes"],
        leaf_latency=si["links.leaf.latency"],
        oversubscription=si["links.leaf.oversubscription"],
        core_hops=si["links.core.hops"],
        core_latency=si["links.core.latency"],
        path=si["message_path.kind"],
        cpu_overhead=si["message_path.cpu_overhead"],
        eager_limit=si["message_path.eager_limit"],
        rendezvous_latency=si["message_path.rendezvous_latency"],
        network_error_percent=si["network_error_percent"],
        published=tuple(words["published"]),
        sources=sources,
    )


def load(name_or_path: str | Path) -> Machine:
    """A machine by its name or file. Throws InputError of one line: file, place, value, what would be valid."""
    file = find(name_or_path)
    return build(file.stem, *machine_file.read(file))


def check_ranks(machine: Machine, ranks: int) -> None:
    """That a machine has a GPU for each rank. Throws InputError naming both numbers."""
    if not 1 <= ranks <= machine.gpus:
        raise InputError(
            f"ranks: {ranks} on machine {machine.name}, which has {machine.gpus} GPUs"
            f" ({machine.nodes} nodes of {machine.gpus_per_node}); valid: 1 to {machine.gpus}"
        )


def with_what_if(machine: Machine, link_bandwidth: float = 1.0, latency: float = 1.0, gpu_speed: float = 1.0) -> Machine:
    """The machine with every link's bandwidth, every latency (those of the software too) and its kernels' speed times a factor.

    `what_if` of the result names each factor that is not 1. Throws InputError for a factor that is not above 0."""
    factors = {"link_bandwidth": link_bandwidth, "latency": latency, "gpu_speed": gpu_speed}
    for name, factor in factors.items():
        if not (math.isfinite(factor) and factor > 0):
            raise InputError(f"what-if {name}: {factor}; valid: a number above 0, 1 for no change")

    def scaled(link: Link | None) -> Link | None:
        return link and Link(link.bandwidth * link_bandwidth, link.latency * latency)

    links = {name: scaled(getattr(machine, name)) for name in ("gpu_to_socket", "socket_to_socket", "gpu_to_gpu", "rail")}
    times = ("leaf_latency", "core_latency", "cpu_overhead", "rendezvous_latency")
    return dataclasses.replace(
        machine,
        **links,
        **{name: getattr(machine, name) * latency for name in times},
        node_both_ways=machine.node_both_ways * link_bandwidth,
        gpu=dataclasses.replace(machine.gpu, speed=machine.gpu.speed * gpu_speed),
        what_if=machine.what_if | {name: factor for name, factor in factors.items() if factor != 1.0},
    )
