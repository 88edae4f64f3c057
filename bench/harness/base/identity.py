"""What data a row is of: the case by its header, the dataset by its content."""

import dataclasses
import hashlib
import json
from collections.abc import Iterator

MOST_SAID = 3  # of the differences between two headers


def fingerprint(header: dict) -> str:
    """The case hash: the same for two headers, of cases or datasets, that describe the same data. Their patterns may still differ in
    the last bits between machines."""
    return hashlib.sha256(json.dumps(header, sort_keys=True).encode()).hexdigest()[:16]


@dataclasses.dataclass(frozen=True)
class Data:
    """What a row says of its data; None for what it does not say."""

    case_hash: str | None = None
    content_hash: str | None = None
    header: dict | None = None

    @staticmethod
    def of(known: dict) -> "Data":
        """By a row's keys and those of its context."""
        dataset = known.get("dataset") or {}
        header = dataset.get("header")
        return Data(known.get("case_hash") or (header and fingerprint(header)), dataset.get("hash"), header)


def leaves(value: object, name: str = "") -> Iterator[tuple[str, object]]:
    """Every value of nested objects with its dotted name."""
    if not isinstance(value, dict):
        yield name, value
        return
    for key, each in value.items():
        yield from leaves(each, f"{name}.{key}" if name else key)


def differences(base: dict, new: dict) -> str:
    """What the second of two headers has that the first has not, in few words; empty for equal ones."""
    before, after = dict(leaves(base)), dict(leaves(new))
    keys = [key for key in {**before, **after} if before.get(key) != after.get(key)]
    said = [f"{key} {after.get(key)} instead of {before.get(key)}" for key in keys[:MOST_SAID]]
    more = len(keys) - len(said)
    return ", ".join(said) + (f" and {more} more" if more else "")


def why_other_case(base: Data, new: Data) -> str | None:
    """Why two rows are of different data and may not stand side by side; None when they may, or when it is not known."""
    if not base.case_hash or not new.case_hash or base.case_hash == new.case_hash:
        return None
    hashes = f"case_hash {new.case_hash} instead of {base.case_hash}"
    known = differences(base.header, new.header) if base.header and new.header else ""
    return f"{known} ({hashes})" if known else hashes


def doubt(base: Data, new: Data) -> str | None:
    """What must be said of two rows that stand side by side although their data are not known to be the same; None when they are."""
    if base.content_hash and base.content_hash == new.content_hash:
        return None
    if not base.case_hash or not new.case_hash:
        return "that both are of the same data is not known, since not both name their case_hash"
    if base.content_hash and new.content_hash:
        return (
            f"the same case, but another dataset: content hash {new.content_hash} instead of {base.content_hash}, as from another "
            "machine, whose last bits differ, or another count type"
        )
    return None
