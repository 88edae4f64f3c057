"""The time that `project` finds for two ranks on a machine like this one, beside the time that they take here."""

import json
import subprocess
from pathlib import Path

from check import Bar, Check, Place, dataset

from harness.base import documents
from harness.project import kernels, machine
from harness.runs import measure, program

FIGURE = "simulated over real seconds per iteration of ci, 2 ranks"


def machine_like_this(folder: Path) -> Path:
    """Two ranks on one host, messages copied through shared memory, in and out again."""
    document = json.loads((machine.MACHINES / "ethernet-cluster.json").read_text())
    bandwidth = kernels.copy_bandwidth() / 1e9
    document["nodes"]["value"] = 1
    document["gpu"]["name"]["value"] = "cpu"
    document["gpu"]["memory_bandwidth"]["value"] = bandwidth
    document["links"]["gpu_to_socket"]["bandwidth"]["value"] = bandwidth / 2
    file = folder / "machine.json"
    file.write_text(json.dumps(document))
    return file


def kernel_times(folder: Path) -> list[Path]:
    """Of both ranks of two, measured at the same time, as they run."""
    files, running = [folder / f"alone-{rank}.json" for rank in range(2)], []
    for rank, file in enumerate(files):
        words = ["reconstruct", "--case", "ci", "--as-rank", rank, "--of", 2, "--iterations", 2, "--method", "gd"]
        words += ["--measurements", "stream", "--threads", 1, "--json", file]
        running.append(subprocess.Popen([program.executable(), *map(str, words)], stdout=subprocess.DEVNULL))
    for process in running:
        if (code := process.wait()) != 0:
            program.fail(f"reconstruct --as-rank: exit code {code}", code)
    return files


def simulated_seconds(folder: Path) -> float:
    words = ["project", "--machine", machine_like_this(folder), "--case", "ci", "--ranks", 2, "--method", "gd"]
    program.ask(*words, "--kernel-times", *kernel_times(folder), "--json", folder / "projected.json")
    return documents.read_report(folder / "projected.json")["benchmarks"][0]["seconds_per_iteration"]


def real_seconds(place: Place) -> float:
    """Of the fastest iteration but the first: what else the machine does only adds to a time, and kernel times are fastest ones."""
    point = measure.Point("real", "gd", 2, 3, (str(dataset(place, "ci")),), threads=1)
    return min(measure.run(point, measure.Protocol(place.scratch), "0")["benchmarks"][0]["seconds_of_iterations"][1:])


def sample(place: Place, _: int) -> dict[str, list[float]]:
    return {FIGURE: [simulated_seconds(place.scratch) / real_seconds(place)]}


CHECK = Check("simulated time", {FIGURE: Bar(0.8, 1.2)}, sample)
