"""Damage done to files, always the same for the same seed: to bytes, to the structure of JSON, to that of HDF5."""

import json
import random
import re
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np

SIGNATURES = re.compile(rb"\x89HDF|TREE|HEAP|SNOD|GCOL|OHDR|OCHK|FSHD|FRHP|FHDB|FHIB|BTHD|BTLF|BTIN|FAHD|FADB|EAHD")
EXTREMES = [0, 1, -1, 255, 256, 2**31 - 1, 2**31, 2**32, 2**63 - 1, -(2**63), 2**64, 10**30, 0.5, -0.0, 1e-320, 1e308, -1e308]
TEXTS = ["", " ", "x" * 100_000, "../../etc/passwd", "a\nb\x1b[31m", "\u00e9\u202e", "NaN", "{}", "%s%n", "-1", "0x10", "1e400"]
RAW = ["NaN", "-Infinity", "1e999", "1" * 100_000, "[" * 100_000, r'"\ud800"', r'"\u0000"', "01", "+1", "'a'", "nul", "\ufeff", "//"]


# Bytes


def flip(data: bytearray, rng: random.Random) -> None:
    data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)


def flip_structure(data: bytearray, rng: random.Random) -> None:
    """A bit near one of the marks that HDF5's structures begin with; anywhere in another file."""
    marks = [match.start() for match in SIGNATURES.finditer(data)]
    at = min(len(data) - 1, rng.choice(marks) + rng.randrange(64)) if marks else rng.randrange(len(data))
    data[at] ^= 1 << rng.randrange(8)


def set_structure(data: bytearray, rng: random.Random) -> None:
    """A byte there becomes an extreme one."""
    marks = [match.start() for match in SIGNATURES.finditer(data)]
    at = min(len(data) - 1, rng.choice(marks) + rng.randrange(64)) if marks else rng.randrange(len(data))
    data[at] = rng.choice([0, 1, 0x7F, 0x80, 0xFF])


def zero_block(data: bytearray, rng: random.Random) -> None:
    start = rng.randrange(len(data))
    end = min(len(data), start + rng.choice([4, 64, 512, 4096]))
    data[start:end] = bytes(end - start)


def copy_block(data: bytearray, rng: random.Random) -> None:
    length = min(len(data), rng.choice([1, 8, 64, 512]))
    source, target = (rng.randrange(len(data) - length + 1) for _ in range(2))
    data[target : target + length] = data[source : source + length]


def insert_block(data: bytearray, rng: random.Random) -> None:
    at = rng.randrange(len(data))
    data[at:at] = rng.randbytes(rng.choice([1, 7, 512]))


def remove_block(data: bytearray, rng: random.Random) -> None:
    at = rng.randrange(len(data))
    del data[at : at + rng.choice([1, 7, 512])]


def truncate(data: bytearray, rng: random.Random) -> None:
    del data[rng.randrange(len(data)) :]


def extend(data: bytearray, rng: random.Random) -> None:
    data += rng.randbytes(rng.choice([1, 100, 5000]))


BYTES = [flip, flip, flip_structure, flip_structure, set_structure, zero_block, copy_block, insert_block, remove_block, truncate, extend]


def damage_bytes(file: Path, rng: random.Random) -> str:
    data = bytearray(file.read_bytes())
    chosen = rng.choice(BYTES)
    chosen(data, rng)
    file.write_bytes(data)
    return chosen.__name__


# JSON


def places(node: object, found: list | None = None) -> list[tuple]:
    """Every (container, key) of a JSON value."""
    found = [] if found is None else found
    pairs = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in pairs:
        found.append((node, key))
        places(value, found)
    return found


MARK = "@PLACE@"


def damage_json(file: Path, rng: random.Random) -> str:
    document = json.loads(file.read_text())
    container, key = rng.choice(places(document))
    chosen = rng.choice(["remove", "extreme", "text", "other", "raw", "raw", "twice", "rename", "nest"])
    raw = None
    if chosen == "remove":
        del container[key]
    elif chosen == "extreme":
        container[key] = rng.choice(EXTREMES)
    elif chosen == "text":
        container[key] = rng.choice(TEXTS)
    elif chosen == "other":
        container[key] = rng.choice([None, True, [], {}, [[]], {"value": {}}, container[key], [container[key]]])
    elif chosen == "nest":
        for _ in range(rng.choice([3, 60, 70, 900])):
            container[key] = [container[key]]
    elif chosen == "raw":
        container[key], raw = MARK, rng.choice(RAW)
    elif isinstance(container, dict):
        if chosen == "rename":
            container[rng.choice(TEXTS)] = container.pop(key)
        else:
            container[MARK], raw = container[key], json.dumps(key)
    text = json.dumps(document)
    file.write_text(text if raw is None else text.replace(json.dumps(MARK), raw))
    return f"{chosen} {key}"


# HDF5


def objects(file: h5py.File) -> list[str]:
    found: list[str] = []
    file.visit(found.append)
    return found


def other_data(old: h5py.Dataset, rng: random.Random) -> object:
    """Values that the dataset should not have."""
    shape = tuple(rng.choice([0, 1, n, n + 1, 2 * n]) for n in old.shape) or rng.choice([(), (1,), (2, 2)])
    if np.prod(shape, dtype=float) > 1e6:
        shape = (3,)
    kind = rng.choice(["f4", "f8", "i1", "u8", "c8", "text", "bytes", "nan", "inf", "huge", "negative"])
    if kind == "text":
        return rng.choice(TEXTS)
    if kind == "bytes":
        return np.bytes_(b"\xff\xfe text")
    special = {"nan": np.nan, "inf": np.inf, "huge": 1e308, "negative": -1.0}
    return np.full(shape, special[kind], "f8") if kind in special else np.ones(shape, kind)


def damage_hdf5(file: Path, rng: random.Random) -> str:
    with h5py.File(file, "r+") as opened:
        name = rng.choice(objects(opened))
        item = opened[name]
        chosen = rng.choice(["remove", "replace", "replace", "value", "attribute", "attribute", "link", "rename", "group", "cycle"])
        if chosen in ("attribute", "value") and not item.attrs and not isinstance(item, h5py.Dataset):
            chosen = "remove"
        if chosen == "value" and not (isinstance(item, h5py.Dataset) and item.dtype.kind in "fiu" and item.size):
            chosen = "attribute" if item.attrs else "remove"
        if chosen == "attribute" and not item.attrs:
            chosen = "replace"
        if chosen == "replace" and not isinstance(item, h5py.Dataset):
            chosen = "remove"
        if chosen == "value":
            flat = item[()].reshape(-1)
            flat[rng.randrange(flat.size)] = rng.choice([0, 1, 255] if item.dtype.kind in "iu" else [np.nan, np.inf, -1, 1e30, 0])
            item[()] = flat.reshape(item.shape)
        elif chosen == "attribute":
            key = rng.choice(sorted(item.attrs))
            if rng.random() < 0.3:
                del item.attrs[key]
            else:
                item.attrs[key] = rng.choice([*[v for v in EXTREMES if -(2**63) <= v < 2**64], *TEXTS[:3], np.nan, [1, 2, 3], [], [np.inf, -1]])
        elif chosen == "rename":
            opened.move(name, f"{name}_")
        else:
            data = other_data(item, rng) if chosen == "replace" else None
            del opened[name]
            if chosen == "replace":
                opened[name] = data
            elif chosen == "link":
                opened[name] = rng.choice([h5py.SoftLink("/nowhere"), h5py.ExternalLink("no-such-file.h5", "/x")])
            elif chosen == "group":
                opened.create_group(name)
            elif chosen == "cycle":
                opened[name] = h5py.SoftLink(f"/{name}")
    return f"{chosen} {name}"


def damage(file: Path, rng: random.Random) -> str:
    """Damages a file in one way, or in a few; gives what was done."""
    ways: list[Callable] = [damage_bytes, {".h5": damage_hdf5, ".npz": damage_bytes}.get(file.suffix, damage_json)]
    done = [rng.choice(ways)(file, rng)]
    while rng.random() < 0.2 and file.stat().st_size > 0:
        done.append(damage_bytes(file, rng))
    return ", ".join(done)
