"""Reports as files: read and checked, written whole or not at all."""

import errno
import functools
import json
import os
import stat
import tempfile
import uuid
from datetime import datetime, timezone
from pathlib import Path

import jsonschema

from harness.base import locks, strict_json
from harness.base.errors import InputError, shortened
from harness.base.tree import ROOT

SCHEMA = ROOT / "results" / "schema.json"
SCHEMA_VERSION = 1
SOME_BYTES = 4096  # that a disk which is not full takes


@functools.cache
def validator() -> jsonschema.Draft7Validator:
    """Checks documents against results/schema.json."""
    return jsonschema.Draft7Validator(json.loads(SCHEMA.read_text()))


def complaint(document: object) -> str | None:
    """What the schema finds wrong first, as "where: what"; None for a valid report."""
    error = jsonschema.exceptions.best_match(validator().iter_errors(document))
    if error is None:
        return None
    where = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in error.absolute_path).lstrip(".")
    return f"{shortened(where, 100) or 'the document'}: {shortened(error.message, 150)}"


def read_json(file: Path) -> object:
    """A JSON file. Throws InputError naming the file and what is wrong with it."""
    return strict_json.read(file)


def read_report(file: Path) -> dict:
    """A report that keeps to the schema. Throws InputError naming file, key and value for any other."""
    document = read_json(file)
    if not isinstance(document, dict) or not {"context", "benchmarks"} <= document.keys():
        raise InputError(f"{file}: is no report; valid: JSON of `ptychoscale reconstruct --json`, bench, sweep or plan")
    version = document["context"].get("schema_version") if isinstance(document["context"], dict) else None
    if version != SCHEMA_VERSION:
        raise InputError(f"{file}: context.schema_version is {shortened(repr(version), 60)}; valid: {SCHEMA_VERSION}")
    wrong = complaint(document)
    if wrong is not None:
        raise InputError(f"{file}: {wrong}")
    return document


KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFBLK: "a device",
    stat.S_IFCHR: "a device",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
}


def output_target(file: Path) -> Path:
    """Where what is written to a file comes to lie: the file itself, or what its symbolic links lead to, there yet or not; renaming a
    new file to its name would replace a link, a device or a pipe. Throws InputError for what is no file, naming what it is."""
    target = Path(os.path.realpath(file)) if os.path.islink(file) else Path(file)
    if target.is_symlink():
        raise InputError(f"{file}: is a link that leads in a circle; give the name of a file")
    try:
        kind = stat.S_IFMT(os.stat(target).st_mode)
    except OSError:
        return target
    if kind in KINDS:
        leads = f"leads to {target}, which is" if os.path.islink(file) else "is"
        raise InputError(f"{file}: {leads} {KINDS[kind]}; give the name of a file")
    return target


def write_bytes(file: Path, content: bytes) -> None:
    """Writes a file so that it appears whole or not at all, links followed as output_target() does. Throws InputError when it
    cannot."""
    target = output_target(file)
    partial = None
    try:
        with tempfile.NamedTemporaryFile(dir=target.parent, prefix=f".{target.name}.", delete=False) as out:
            partial = out.name
            out.write(content)
        os.chmod(partial, 0o666 & ~current_umask())
        give_name(partial, target)
    except OSError as error:
        raise InputError(
            f"{file}: cannot be written ({error.strerror}); choose a place with room that you may write to"
        ) from None
    finally:
        if partial is not None and os.path.exists(partial):
            os.unlink(partial)


def give_name(partial: Path | str, target: Path) -> None:
    """Renames a file that is whole, once the disk has it and so that it keeps the name: what has one survives a power cut."""
    sync(partial)
    os.replace(partial, target)
    sync(Path(target).parent)


def sync(path: Path | str) -> None:
    """Some file systems cannot sync folders and say EINVAL; they keep an order of their own."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
    finally:
        os.close(descriptor)


@functools.cache
def current_umask() -> int:
    """The permissions that new files lack; there is no way to read them but to set them."""
    mask = os.umask(0)
    os.umask(mask)
    return mask


def write_text(file: Path, text: str) -> None:
    """As write_bytes()."""
    write_bytes(file, text.encode())


def write_json(file: Path, document: object) -> None:
    """As write_bytes(); NaN and infinity, which JSON lacks, are mistakes."""
    write_text(file, json.dumps(document, indent=2, allow_nan=False) + "\n")


def write_report(file: Path, document: dict) -> None:
    """Writes a report; one that breaks the schema is a mistake of the harness and is not written."""
    wrong = complaint(document)
    if wrong is not None:
        raise ValueError(f"{file}: a report that breaks the schema: {wrong}")
    write_json(file, document)


def prepare_folder(folder: Path) -> Path:
    """Makes a folder for results and makes sure that it can be written, before hours of computing."""
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(bytes(SOME_BYTES))
    except OSError as error:
        raise InputError(
            f"{folder}: cannot be written ({error.strerror}); choose a folder you may write to"
        ) from None
    return folder


def take_folder(folder: Path, argv: list[str]) -> Path:
    """As prepare_folder(), and the folder belongs to this command until its end. Throws InputError when it is another's."""
    folder = prepare_folder(folder)
    locks.take(folder, argv)
    return folder


def new_context(argv: list[str], evidence: str = "measured") -> dict:
    """What every report says first; a context of runs adds to it."""
    return {
        "schema_version": SCHEMA_VERSION,
        "evidence": evidence,
        "uuid": str(uuid.uuid4()),
        "date": datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "argv": argv,
    }


def merge(reports: list[dict | None], rows: list[dict], argv: list[str], evidence: str | None = None) -> dict:
    """One report of several: reports[i] is the one that rows[i] came from, None for a run that left none.

    The context holds what all agree on. What differs would be true of some rows only and goes with each row (places of ranks as
    `places`, since `ranks` is their number); each row also has the `run_uuid` of its own report. `evidence` is that of the runs, if not
    given."""
    contexts = [report["context"] if report else {} for report in reports]
    known = [context for context in contexts if context]
    shared = {key: value for key, value in (known[0] if known else {}).items() if all(c.get(key) == value for c in known)}
    own = new_context(argv, evidence or shared.get("evidence", "measured"))
    for context, row in zip(contexts, rows, strict=True):
        for key, value in context.items():
            if key == "uuid":
                row["run_uuid"] = value
            elif key not in own and key not in shared:
                row["places" if key == "ranks" else key] = value
    return {"context": {**shared, **own}, "benchmarks": rows}


def remark(row: dict, text: str) -> None:
    """Adds to a row what a reader of its figures must know; tables print it."""
    row["remarks"] = [*row.get("remarks", []), text]


def error_row(why: str, **known) -> dict:
    """A run that failed, or cannot be done, as a row: what is known of it, and the reason."""
    return {**known, "error_occurred": True, "error": why}
