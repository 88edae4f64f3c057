"""Damages files of every kind that ptychoscale reads, and holds the readers to it: no crash, no traceback, no hang, one line of bounded
length, and nothing damaged taken in silence where that can be told.

    validation/fuzz/fuzz.py --readers build/cpu/bin/fuzz_readers --mutations 10000 --seed 7

What is counted as altered was accepted with other values than the sound file's: another number in JSON. Datasets and reconstructions have
hashes of their content, and the readers that hold it against them (`info --check-content`, for header and patterns `reconstruct`, and
whoever reads a reconstruction) may accept nothing but the sound file's values. The same seed gives the same damage. A mutation is repeated
alone with --only N, which keeps its file and prints what came of it."""

import argparse
import contextlib
import dataclasses
import io
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "bench"))
sys.path.insert(0, str(Path(__file__).parent))

import h5py  # noqa: E402
import mutations  # noqa: E402
import numpy  # noqa: E402

from harness.__main__ import carry_out, end_with_error, load  # noqa: E402
from harness.base.errors import LONGEST_LINE, InputError  # noqa: E402
from harness.base.tree import ROOT  # noqa: E402
from harness.imports.sources import open_source  # noqa: E402
from harness.imports.sources.request import Request  # noqa: E402
from harness.project import machine_file  # noqa: E402
from harness.report import reconstructions  # noqa: E402
from harness.runs import program  # noqa: E402

LONGEST_S = 600  # of one reading in this process; what does not end in a child is stopped there
SLOW_S = 10
ENOUGH = 20  # failures are shown
CASE = {
    "name": "tiny",
    "description": "for tests",
    "detector": [32, 32],
    "pixel_A": [0.25, 0.25],
    "volume": [56, 56],
    "slices": 2,
    "scan": {"rows": 3, "columns": 3},
    "scan_step_A": [2.0, 2.0],
    "semiangle_mrad": 15,
    "C10_A": -100,
    "specimen": {"vacancy_fraction": 0.02, "disorder_A": 0.05},
    "cost_fall": {"gd": 2},
    "iterations": 2,
}
KERNEL_TIMES = {"device": "a device", "bytes_per_second": 1e11, "visits": [{"voxels": 1000, "seconds": 1e-3}, {"voxels": 9, "seconds": 1}]}
SPEC = {"case": "smoke", "methods": ["gd"], "ranks": [1, 2], "rounds": [1, "max"], "halos_pm": [0, 50.5], "iterations": 2}


@dataclasses.dataclass(frozen=True)
class Kind:
    """Files of one kind: a sound one, and who reads it."""

    name: str
    file: Path
    in_python: bool = False
    whole: bool = False  # whether damage to its bytes must be noticed
    verified: bool = False  # whether other values than the sound file's must be noticed


@dataclasses.dataclass(frozen=True)
class Outcome:
    word: str
    said: str = ""


def sound_files(folder: Path) -> list[Kind]:
    """One sound file of every kind, made by the program itself."""
    case, dataset, result, report = folder / "case.json", folder / "dataset.h5", folder / "reconstruction.h5", folder / "report.json"
    case.write_text(json.dumps(CASE))
    os.environ["XDG_CACHE_HOME"] = str(folder / "cache")
    program.ask("simulate", case, "-o", dataset, "--threads", 1)
    words = ["--method", "serial", "--iterations", 2, "--threads", 1, "--json", report]
    program.ask("reconstruct", dataset, "-o", result, *words)
    program.ask("rates", "-o", folder / "rates.json", "--lengths", "8,12", "--threads", 1)
    cache = shutil.copy(next((folder / "cache/ptychoscale").iterdir()), folder / "cache.json")
    for name, document in (("times", KERNEL_TIMES), ("spec", SPEC)):
        (folder / f"{name}.json").write_text(json.dumps(document))
    machine = shutil.copy(ROOT / "bench/projection/machines/summit.json", folder / "machine.json")
    return [
        Kind("dataset", dataset, verified=True),
        Kind("dataset", with_texts_of_variable_length(dataset, folder / "texts.h5"), verified=True),
        Kind("patterns", dataset, verified=True),
        Kind("reconstruction", result, verified=True),
        Kind("case", case),
        Kind("rates", folder / "rates.json"),
        Kind("times", folder / "times.json"),
        Kind("cache", Path(cache), whole=True),
        Kind("report", report),
        Kind("compared report", report, in_python=True),
        Kind("machine", Path(machine), in_python=True),
        Kind("sweep", folder / "spec.json", in_python=True),
        Kind("specimen of a page", dataset, in_python=True),
        Kind("picture of a page", result, in_python=True),
        Kind("source to import", dataset, in_python=True),
        Kind("array to import", array_of(dataset, folder / "array.npz"), in_python=True),
    ]


def array_of(dataset: Path, file: Path) -> Path:
    """The dataset's patterns as NumPy keeps them."""
    with h5py.File(dataset, "r") as opened:
        numpy.savez_compressed(file, dp=opened["dp"][...])
    return file


def with_texts_of_variable_length(dataset: Path, copy: Path) -> Path:
    """The dataset as h5py would have written it: its texts lie in a global heap."""
    shutil.copy(dataset, copy)
    with h5py.File(copy, "r+") as file:
        own = file["ptychoscale"]
        for name in ("case_name", "content_hash"):
            own.attrs[name] = as_text(own.attrs[name])
        text = as_text(own["specimen"][()])
        del own["specimen"]
        own["specimen"] = text
    return copy


def as_text(value: str | bytes) -> str:
    return value if isinstance(value, str) else value.decode()


class Readers:
    """The program that reads in children; see readers.cpp."""

    def __init__(self, executable: str):
        pipe = subprocess.PIPE
        self.process = subprocess.Popen([executable], stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True, errors="replace")

    def read(self, kind: str, file: Path) -> Outcome:
        self.process.stdin.write(f"{kind}\t{file}\n")
        self.process.stdin.flush()
        word, _, said = self.process.stdout.readline().rstrip("\n").partition("\t")
        return Outcome(word or "crashed", said)


def too_long(*_):
    raise TimeoutError


def read_in_python(kind: str, file: Path, sound: Path) -> Outcome:
    """What the harness's commands make of a file, in this process."""
    words = {
        "compared report": ["compare", str(sound), str(file)],
        "machine": None,
        "specimen of a page": None,
        "picture of a page": None,
        "source to import": None,
        "array to import": None,
        "sweep": ["sweep", str(file), "-o", str(file.parent / "sweep"), "--dataset", str(file.parent / "no-such-dataset.h5")],
    }[kind]
    err = io.StringIO()
    signal.signal(signal.SIGALRM, too_long)
    signal.alarm(LONGEST_S)
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(err):
            code = carry_out(words) if words else carry_out_reading(kind, file, sound)
    except TimeoutError:
        return Outcome("endless")
    except Exception as error:  # noqa: BLE001
        return Outcome("unforeseen", repr(error))
    finally:
        signal.alarm(0)
    said = err.getvalue().rstrip("\n")
    if "unforeseen" in said or "Traceback" in said:
        return Outcome("unforeseen", said)
    return Outcome("accepted" if code == 0 else "refused", said)


def carry_out_reading(kind: str, file: Path, sound: Path) -> int:
    """What commands read on their way to more: `project` would run simulations, `report` draw."""
    try:
        if kind == "machine":
            machine_file.read(file)
        elif kind == "specimen of a page":
            reconstructions.kind_of(file)
            reconstructions.read_specimen(file)
        elif kind.endswith("to import"):
            source = open_source(Request(file))
            source.read(0, source.patterns)
        else:
            reconstructions.kind_of(file)
            reconstructions.read_reconstruction(file, reconstructions.read_specimen(sound.with_name("dataset.h5")))
    except InputError as error:
        return end_with_error(str(error), error.exit_code)
    return 0


def complaint(kind: Kind, outcome: Outcome, sound: Outcome, differs: bool) -> str | None:
    """What is wrong with an outcome; None when nothing is."""
    if outcome.word not in ("accepted", "refused", "failed"):
        return f"{outcome.word}: {outcome.said}"
    if outcome.word != "accepted" and ("\v" in outcome.said or "\n" in outcome.said.rstrip()):
        return f"more than one line: {outcome.said}"
    if outcome.word != "accepted" and not outcome.said:
        return "nothing was said"
    if kind.in_python and len(outcome.said) > LONGEST_LINE and outcome.word == "refused":
        return f"a line of {len(outcome.said)} characters"
    if kind.verified and outcome.word == "accepted" and outcome.said != sound.said:
        return "other values than were written were taken in silence"
    if kind.whole and differs and outcome.word == "accepted" and outcome.said != sound.said:
        return "damage was taken in silence"
    return None


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--readers", required=True, help="the executable fuzz_readers")
    parser.add_argument("--mutations", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", type=int, help="repeat this mutation alone")
    args = parser.parse_args()
    for command in ("compare", "sweep"):
        load(command)
    began = time.monotonic()
    counts: Counter = Counter()
    failures = []
    library_crashes = 0
    with tempfile.TemporaryDirectory(prefix="ptychoscale-fuzz-") as scratch:
        kinds = sound_files(Path(scratch))
        readers = Readers(args.readers)

        def read(kind: Kind, file: Path) -> Outcome:
            return read_in_python(kind.name, file, kind.file) if kind.in_python else readers.read(kind.name, file)

        sound = {kind.name: read(kind, kind.file) for kind in reversed(kinds)}
        wrong = {name: outcome for name, outcome in sound.items() if outcome.word != "accepted" and name != "sweep"}
        assert not wrong, f"sound files are not accepted: {wrong}"
        for i in range(args.mutations) if args.only is None else [args.only]:
            rng = random.Random(f"{args.seed} {i}")
            kind = kinds[i % len(kinds)]
            file = Path(scratch) / f"damaged-{i}{kind.file.suffix}"  # a name of its own: HDF5 cannot close every damaged file
            shutil.copy(kind.file, file)
            damage = mutations.damage(file, rng)
            started = time.monotonic()
            outcome = read(kind, file)
            if time.monotonic() - started > SLOW_S:
                print(f"mutation {i} took {time.monotonic() - started:.0f} s: {kind.name}: {damage}: {outcome.word}", flush=True)
            library_crashes += "library crashes" in outcome.said
            altered = outcome.word == "accepted" and not kind.in_python and outcome.said != sound[kind.name].said
            counts[kind.name, "altered" if altered else outcome.word] += 1
            differs = file.read_bytes() != kind.file.read_bytes()
            if args.only is not None:
                kept = Path(tempfile.gettempdir()) / f"fuzz-{args.seed}-{i}{file.suffix}"
                shutil.copy(file, kept)
                print(f"{kept}: {kind.name}: {damage}: {outcome.word}: {outcome.said}")
            file.unlink()
            if wrong_with := complaint(kind, outcome, sound[kind.name], differs):
                failures.append(f"seed {args.seed}, mutation {i}: {kind.name}: {damage}: {wrong_with}"[:500])
    for (name, word), n in sorted(counts.items()):
        print(f"{name:<20}{word:<12}{n:>7}")
    print(f"the HDF5 library crashed on {library_crashes} files, in a child each time")
    print(f"{sum(counts.values())} mutations in {time.monotonic() - began:.0f} s, {len(failures)} failures")
    for line in failures[:ENOUGH]:
        print(line)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
