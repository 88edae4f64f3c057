"""A machine as SimGrid sees it: its platform in XML, and the settings of SMPI that belong to it."""

from collections.abc import Iterator
from pathlib import Path

from harness.base.documents import write_bytes
from harness.project.machine import Link, Machine, check_ranks

HEAD = """<?xml version='1.0'?>
<!DOCTYPE platform SYSTEM "https://simgrid.org/simgrid.dtd">
<!-- {name}, {ranks} GPUs: rank r is host gpu-r, on GPU r mod {per_node} of node r div {per_node}. A host does 1e9 flop/s, so that
     1e9 flops are a second. Bandwidths are what MPI reaches, both directions of a link apart (SPLITDUPLEX); node-N is what a
     node takes in and gives out together. A leaf's uplinks are one link of their summed bandwidth: a perfectly balanced core. -->
<platform version="4.1">
"""
UNCONTENDED = 1e15  # bytes/s, for links that only add latency


def link_xml(name: str, link: Link, policy: str = "SPLITDUPLEX") -> str:
    return f'<link id="{name}" bandwidth="{link.bandwidth:.6g}Bps" latency="{link.latency:.6g}s" sharing_policy="{policy}"/>\n'


def route_xml(tag: str, ends: str, links: list[str]) -> str:
    """`links`: names, with a leading - for the direction towards the GPU, = for a link without directions."""
    directions = {"-": ("DOWN", 1), "=": ("NONE", 1)}
    parts = []
    for name in links:
        direction, skipped = directions.get(name[0], ("UP", 0))
        parts.append(f'<link_ctn id="{name[skipped:]}" direction="{direction}"/>')
    return f"<{tag} {ends}>{''.join(parts)}</{tag}>\n"


def socket_of(machine: Machine, gpu: int) -> int:
    return gpu * machine.sockets // machine.gpus_per_node


def rail_of(machine: Machine, gpu: int) -> int:
    return gpu * machine.rails // machine.gpus_per_node


def node_links(machine: Machine, node: int, gpus: range) -> Iterator[str]:
    """The links inside one node."""
    for gpu in gpus:
        yield link_xml(f"host-link-{node}-{gpu}", machine.gpu_to_socket)
    for a in gpus:
        for b in range(a + 1, min(gpus.stop, (a // machine.group + 1) * machine.group)):
            yield link_xml(f"pair-{node}-{a}-{b}", machine.gpu_to_gpu)
    for s in range(machine.sockets):
        for t in range(s + 1, machine.sockets):
            yield link_xml(f"bus-{node}-{s}-{t}", machine.socket_to_socket)
    for rail in range(machine.rails):
        yield link_xml(f"rail-{node}-{rail}", machine.rail)


def inside(machine: Machine, node: int, a: int, b: int) -> list[str]:
    """The links from GPU a to GPU b > a of a node."""
    if a // machine.group == b // machine.group and machine.group > 1:
        return [f"pair-{node}-{a}-{b}"]
    s, t = socket_of(machine, a), socket_of(machine, b)
    bus = [f"bus-{node}-{s}-{t}"] if s != t else []
    return [f"host-link-{node}-{a}", *bus, f"-host-link-{node}-{b}"]


def outwards(machine: Machine, node: int, gpu: int) -> list[str]:
    """The links from a GPU to the edge of its node: the rail of its socket or its own."""
    rail = f"rail-{node}-{rail_of(machine, gpu)}"
    return [f"host-link-{node}-{gpu}", rail] if machine.rail_at == "socket" else [rail]


def node_zone(machine: Machine, node: int, ranks: int) -> Iterator[str]:
    """One node: its GPUs and its edge, with every route between them written down."""
    first = node * machine.gpus_per_node
    gpus = range(min(machine.gpus_per_node, ranks - first))
    yield f'<zone id="zone-node-{node}" routing="Full">\n'
    for gpu in gpus:
        yield f'<host id="gpu-{first + gpu}" speed="1Gf"/>\n'
    yield f'<router id="edge-{node}"/>\n'
    yield from node_links(machine, node, gpus)
    for a in gpus:
        for b in range(a + 1, gpus.stop):
            yield route_xml("route", f'src="gpu-{first + a}" dst="gpu-{first + b}"', inside(machine, node, a, b))
        yield route_xml("route", f'src="gpu-{first + a}" dst="edge-{node}"', outwards(machine, node, a))
    yield "</zone>\n"


def switch_zone(name: str) -> str:
    """A switch; a router beside zones needs a zone of its own."""
    return f'<zone id="zone-{name}" routing="Full"><router id="{name}"/></zone>\n'


def joined(inner: str, edge: str, switch: str, links: list[str]) -> str:
    """A zone's route to the switch that all its siblings hang off; Floyd routing finds the way from sibling to sibling."""
    return route_xml("zoneRoute", f'src="{inner}" dst="zone-{switch}" gw_src="{edge}" gw_dst="{switch}"', links)


def leaf_zone(machine: Machine, leaf: int, nodes: range, ranks: int) -> Iterator[str]:
    """A leaf switch and its nodes. Each half of a way across the switch is the latency of a node's link."""
    yield f'<zone id="zone-leaf-{leaf}" routing="Floyd">\n'
    for node in nodes:
        yield from node_zone(machine, node, ranks)
    yield switch_zone(f"switch-{leaf}")
    for node in nodes:
        yield link_xml(f"node-{node}", Link(machine.node_both_ways, machine.leaf_latency / 2), "SHARED")
    for node in nodes:
        yield joined(f"zone-node-{node}", f"edge-{node}", f"switch-{leaf}", [f"=node-{node}"])
    yield "</zone>\n"


def uplink(machine: Machine) -> Link:
    """All uplinks of a leaf as one; its latency is half a way between two leaves less what the nodes' links have."""
    bandwidth = machine.leaf_nodes * machine.rails * machine.rail.bandwidth / machine.oversubscription
    return Link(bandwidth, (machine.leaf_latency + machine.core_hops * machine.core_latency) / 2)


def platform(machine: Machine, ranks: int) -> Iterator[str]:
    """The document, in pieces."""
    nodes = -(-ranks // machine.gpus_per_node)
    leaves = -(-nodes // machine.leaf_nodes)
    yield HEAD.format(name=machine.name, ranks=ranks, per_node=machine.gpus_per_node)
    yield '<zone id="machine" routing="Floyd">\n'
    for leaf in range(leaves):
        first = leaf * machine.leaf_nodes
        yield from leaf_zone(machine, leaf, range(first, min(first + machine.leaf_nodes, nodes)), ranks)
    yield switch_zone("core")
    for leaf in range(leaves):
        yield link_xml(f"uplinks-{leaf}", uplink(machine))
    for leaf in range(leaves):
        yield joined(f"zone-leaf-{leaf}", f"switch-{leaf}", "core", [f"uplinks-{leaf}"])
    yield "</zone>\n</platform>\n"


def write_platform(machine: Machine, ranks: int, file: Path) -> None:
    """Writes the part of a machine that some ranks fill, node by node. Throws InputError for more ranks than GPUs."""
    check_ranks(machine, ranks)
    write_bytes(file, "".join(platform(machine, ranks)).encode())


def far_latency(machine: Machine) -> float:
    """Seconds that the links between GPUs on two nodes of a leaf take, without the software's overheads."""
    ends = machine.rail.latency + (machine.gpu_to_socket.latency if machine.rail_at == "socket" else 0.0)
    return 2 * ends + machine.leaf_latency


def rendezvous_stretch(machine: Machine) -> float:
    """What SMPI is to multiply latencies by from the eager limit on, so that a message to another node gets its handshake.

    SMPI 3.32 charges no CPU overheads (os, ois, or) for such a message, so that its latency carries them too."""
    return 1 + (machine.rendezvous_latency + 2 * machine.cpu_overhead) / far_latency(machine)


def smpi_settings(machine: Machine) -> dict[str, str]:
    """SimGrid's options for this machine, each for --cfg=KEY:VALUE. Factors are 1 where the platform has the number itself."""
    limit = machine.eager_limit
    stretched = rendezvous_stretch(machine)
    overhead = f"0:{machine.cpu_overhead:.6g}:0"
    return {
        "network/model": "SMPI",
        "network/latency-factor": "1",
        "network/bandwidth-factor": "1",
        "network/crosstraffic": "0",  # what both directions cost each other is in the node's link
        "network/loopback-bw": f"{machine.gpu.memory_bandwidth / 2:.6g}",  # a copy reads and writes
        "smpi/bw-factor": "0:1",
        "smpi/lat-factor": f"0:1;{limit}:{stretched:.6g}" if limit > 0 else f"0:{stretched:.6g}",
        "smpi/os": overhead,
        "smpi/ois": overhead,
        "smpi/or": overhead,
        "smpi/async-small-thresh": str(limit),
        "smpi/send-is-detached-thresh": str(limit),
    }
