"""Files of machines: JSON whose every number has its unit and its source, read and checked."""

import dataclasses
import difflib
import math
from collections.abc import Callable
from pathlib import Path

from harness.base.documents import read_json
from harness.base.errors import InputError, shortened


@dataclasses.dataclass(frozen=True)
class Field:
    """What a number of the file may be. `scale` turns the unit of the file into SI."""

    unit: str
    valid: str
    accepts: Callable[[object], bool]
    scale: float = 1.0
    only_if: Callable[[dict], bool] = lambda _: True  # needed when it holds, unknown otherwise


def is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def count(most: int, least: int = 1, **rest) -> Field:
    return Field("", f"a whole number from {least} to {most}", lambda v: is_whole(v) and least <= v <= most, **rest)


def positive(unit: str, scale: float, **rest) -> Field:
    return Field(unit, f"a number above 0, in {unit}", lambda v: is_number(v) and v > 0, scale, **rest)


def latency(**rest) -> Field:
    return Field("us", "a number from 0 on, in us", lambda v: is_number(v) and v >= 0, 1e-6, **rest)


def fraction() -> Field:
    return Field("", "a number above 0 and at most 1", lambda v: is_number(v) and 0 < v <= 1)


def choice(*words: str) -> Field:
    return Field("", " or ".join(words), lambda v: v in words)


def several_sockets(values: dict) -> bool:
    return values.get("sockets") != 1


def grouped(values: dict) -> bool:
    return any(path.startswith("links.gpu_to_gpu.") for path in values)


FIELDS = {
    "nodes": count(1_000_000),
    "gpus_per_node": count(64),
    "sockets": count(16),
    "gpu.name": Field("", "a name", lambda v: isinstance(v, str) and v != ""),
    "gpu.memory_bandwidth": positive("GB/s", 1e9),
    "gpu.memory": positive("GiB", 2.0**30),
    "links.gpu_to_socket.bandwidth": positive("GB/s", 1e9),
    "links.gpu_to_socket.latency": latency(),
    "links.socket_to_socket.bandwidth": positive("GB/s", 1e9, only_if=several_sockets),
    "links.socket_to_socket.latency": latency(only_if=several_sockets),
    "links.gpu_to_gpu.group": count(64, least=2, only_if=grouped),
    "links.gpu_to_gpu.bandwidth": positive("GB/s", 1e9, only_if=grouped),
    "links.gpu_to_gpu.latency": latency(only_if=grouped),
    "links.rail.count": count(64),
    "links.rail.attached_to": choice("socket", "gpu"),
    "links.rail.bandwidth": positive("GB/s", 1e9),
    "links.rail.latency": positive("us", 1e-6),  # what a handshake adds is a multiple of it
    "links.node.both_ways": positive("GB/s", 1e9),
    "links.leaf.nodes": count(512),
    "links.leaf.latency": latency(),
    "links.leaf.oversubscription": Field("", "a number from 1 on", lambda v: is_number(v) and v >= 1),
    "links.core.hops": count(16, least=0),
    "links.core.latency": latency(),
    "message_path.kind": choice("gpu-direct", "host-staged"),
    "message_path.gpu_link_fraction": fraction(),
    "message_path.rail_fraction": fraction(),
    "message_path.cpu_overhead": latency(),
    "message_path.eager_limit": Field("bytes", "a whole number from 0 on, in bytes", lambda v: is_whole(v) and v >= 0),
    "message_path.rendezvous_latency": latency(),
    "network_error_percent": Field("%", "a number from 0 on, in %", lambda v: is_number(v) and v >= 0),
}
WORDS = {"description", "limits", "published"}  # everything else is a number with its source


def flatten(node: dict, prefix: str = "") -> dict[str, object]:
    """The sourced numbers by their place, such as `links.rail.bandwidth`."""
    found = {}
    for key, entry in node.items():
        path = f"{prefix}{key}"
        inner = isinstance(entry, dict) and "value" not in entry
        found |= flatten(entry, f"{path}.") if inner else {path: entry}
    return found


def check_entry(file: Path, path: str, entry: object, field: Field) -> None:
    """That a number is one, in its unit, with its source."""
    if not isinstance(entry, dict):
        raise InputError(f'{file}: {path} is {entry!r}; valid: {{"value": ..., "unit": ..., "source": ...}}')
    unknown = entry.keys() - {"value", "unit", "source"}
    if unknown:
        raise InputError(f"{file}: {path}.{min(unknown)} is unknown; valid: value, unit, source")
    if entry.get("unit", "") != field.unit:
        raise InputError(f"{file}: {path}.unit is {entry.get('unit')!r}; valid: {field.unit or 'none'}")
    if not field.accepts(entry["value"]):
        raise InputError(f"{file}: {path} is {entry['value']!r}; valid: {field.valid}")
    source = entry.get("source")
    if not isinstance(source, str) or source.strip() == "":
        raise InputError(f"{file}: {path}.source is {source!r}; valid: where the number is from, or that it is an estimate")


def check_places(file: Path, entries: dict[str, object]) -> dict[str, object]:
    """The values by place. Throws InputError for a place that is missing or unknown, and for a value that is impossible."""
    plain = {path: entry.get("value") if isinstance(entry, dict) else entry for path, entry in entries.items()}
    needed = {path for path, field in FIELDS.items() if field.only_if(plain)}
    for path in FIELDS:  # in the order of the file, so that the same mistake always gives the same message
        if path in needed and path not in entries:
            raise InputError(f"{file}: {path} is missing; valid: {FIELDS[path].valid}, with its unit and source")
    for path, entry in entries.items():
        if path not in needed:
            near = difflib.get_close_matches(path, needed, n=3, cutoff=0)
            raise InputError(f"{file}: {shortened(path, 60)} is unknown here; the nearest that are known: {', '.join(near)}")
        check_entry(file, path, entry, FIELDS[path])
    return plain


def check_together(file: Path, values: dict[str, object]) -> None:
    """That the counts of a node fit together."""
    gpus, sockets, rails = values["gpus_per_node"], values["sockets"], values["links.rail.count"]
    if gpus % sockets != 0:
        raise InputError(f"{file}: gpus_per_node is {gpus}; valid: a multiple of sockets, {sockets}")
    if gpus % rails != 0:
        raise InputError(f"{file}: links.rail.count is {rails}; valid: a divisor of gpus_per_node, {gpus}")
    if values["links.rail.attached_to"] == "socket" and rails % sockets != 0:
        raise InputError(f"{file}: links.rail.count is {rails}; valid: a multiple of sockets, {sockets}")
    group = values.get("links.gpu_to_gpu.group", 1)
    if (gpus // sockets) % group != 0:
        raise InputError(f"{file}: links.gpu_to_gpu.group is {group}; valid: a divisor of the {gpus // sockets} GPUs of a socket")


PAIRS = ("group", "node", "leaf", "machine")  # how far apart two GPUs are: the closest thing that both are in
PUBLISHED = {"what", "pair", "bytes", "microseconds", "source"}


def check_published(file: Path, i: int, row: object) -> None:
    """That a published message is one."""
    where = f"{file}: published[{i}]"
    if not isinstance(row, dict) or row.keys() != PUBLISHED:
        raise InputError(f"{where} is {row!r}; valid: an object of {', '.join(sorted(PUBLISHED))}")
    if row["pair"] not in PAIRS:
        raise InputError(f"{where}.pair is {row['pair']!r}; valid: {', '.join(PAIRS)}")
    if not (is_whole(row["bytes"]) and row["bytes"] > 0):
        raise InputError(f"{where}.bytes is {row['bytes']!r}; valid: a whole number above 0")
    if not (is_number(row["microseconds"]) and row["microseconds"] > 0):
        raise InputError(f"{where}.microseconds is {row['microseconds']!r}; valid: a number above 0")


def check_words(file: Path, document: dict) -> None:
    """The parts of the file that are no numbers."""
    if not isinstance(document.get("description"), str):
        raise InputError(f"{file}: description is {document.get('description')!r}; valid: a sentence")
    limits = document.get("limits")
    if not isinstance(limits, list) or not all(isinstance(limit, str) for limit in limits):
        raise InputError(f"{file}: limits is {limits!r}; valid: a list of sentences, what the model leaves out")
    published = document.get("published")
    if not isinstance(published, list):
        raise InputError(f"{file}: published is {published!r}; valid: a list of measured messages, [] when none are known")
    for i, row in enumerate(published):
        check_published(file, i, row)


def read(file: Path) -> tuple[dict, dict, dict[str, str]]:
    """What a machine's file says: words, values in SI units by place, and their sources by place.

    Throws InputError of one line: file, place, value, what would be valid."""
    document = read_json(file)
    if not isinstance(document, dict):
        raise InputError(f"{file}: is no machine; valid: a JSON object with nodes, gpus_per_node, links and so on")
    check_words(file, document)
    entries = flatten({key: entry for key, entry in document.items() if key not in WORDS})
    values = check_places(file, entries)
    check_together(file, values)
    si = {path: value if FIELDS[path].scale == 1 else value * FIELDS[path].scale for path, value in values.items()}
    return {key: document[key] for key in WORDS}, si, {path: entry["source"] for path, entry in entries.items()}
