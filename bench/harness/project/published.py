"""How far a machine's model lies from published times of single messages."""

from harness.project.machine import Link, Machine
from harness.project.platform import rendezvous_stretch, uplink


def crossed(machine: Machine, pair: str) -> list[Link]:
    """The links between two GPUs that are as far apart as `pair` says.

    group: the first two of a node; node: its first and last; leaf: the first of two nodes; machine: the first of two leaves."""
    if pair == "group" and machine.gpu_to_gpu is not None:
        return [machine.gpu_to_gpu]
    if pair in ("group", "node"):
        bus = [machine.socket_to_socket] if pair == "node" and machine.socket_to_socket is not None else []
        return [machine.gpu_to_socket, *bus, machine.gpu_to_socket]
    edge = [machine.gpu_to_socket] if machine.rail_at == "socket" else []
    half = [*edge, machine.rail, Link(machine.node_both_ways, machine.leaf_latency / 2)]
    return [*half, *half] if pair == "leaf" else [*half, uplink(machine), uplink(machine), *half]


def modelled_seconds(machine: Machine, pair: str, size: int) -> float:
    """Seconds from the start of a send to the end of the receive, of one message of `size` bytes on an idle machine."""
    links = crossed(machine, pair)
    latency = sum(link.latency for link in links)
    eager = size < machine.eager_limit
    start = latency + 2 * machine.cpu_overhead if eager else latency * rendezvous_stretch(machine)
    return start + size / min(link.bandwidth for link in links)


def differences_percent(machine: Machine) -> list[float]:
    """(modelled - published) / published of each published message, in its order."""
    times = [modelled_seconds(machine, row["pair"], row["bytes"]) * 1e6 for row in machine.published]
    return [100 * (time / row["microseconds"] - 1) for time, row in zip(times, machine.published, strict=True)]
