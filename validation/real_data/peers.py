"""Our serial solver beside another code on the scan of ci/real-data: one core each, how near the known potential each comes, and in how
many seconds of the processor, which others on a busy machine hardly change."""

import argparse
import json
import resource
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2] / "bench"))

from judge import correlation, truth_at, truth_of  # noqa: E402

from harness.base.ring_correlation import flattened, weights_of  # noqa: E402
from harness.runs.halves import lit_weights, summed  # noqa: E402
from harness.runs.program import executable  # noqa: E402

ITERATIONS = (6, 12, 20, 40)
OURS = {"serial": (), "serial, accelerated": ("--update", "accelerated")}
THEIRS = ((16, 0.5), (64, 0.5), (16, 0.1))  # positions at once, step
THEIR_ITERATIONS = 12  # from the third on they get no nearer


def processor_seconds(words: list) -> float:
    """Of a command, which is to end well."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(list(map(str, words)), check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def distance(image: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """Of flattened images: correlation, and the error's root mean square over the truth's."""
    return {"correlation": correlation(image, truth), "error": float(np.linalg.norm(image - truth) / np.linalg.norm(truth))}


def ours(folder: Path) -> list[dict]:
    """A row for each rule and number of iterations; a run of one iteration says what comes before them."""
    rows, output = [], folder / "peer-ours.h5"
    for name, words in OURS.items():
        command = [executable(), "reconstruct", folder / "scan.h5", "--method", "serial", "--threads", 1, "-o", output, *words]
        first = processor_seconds([*command, "--iterations", 1])
        for n in ITERATIONS:
            spent = processor_seconds([*command, "--iterations", n])
            image = summed(output)
            _, weights = lit_weights(folder / "scan.h5", image.shape)
            flat, truth = flattened(image, weights), flattened(truth_of(folder, image.shape), weights)
            rows.append({"code": f"ptychoscale {name}", "iterations": n, **distance(flat, truth), "seconds": (spent - first) / (n - 1)})
    output.unlink()
    return rows


def theirs(folder: Path, python: str, sigma: float) -> list[dict]:
    """Two rows for each setting: the iteration that came nearest by its error, and the last."""
    rows, script, output = [], Path(__file__).with_name("py4dstem_peer.py"), folder / "peer.npz"
    for batch, step in THEIRS:
        command = [python, script, folder / "scan.h5", "-o", output, "--iterations", THEIR_ITERATIONS, "--batch", batch, "--step", step]
        subprocess.run(list(map(str, command)), check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        run = np.load(output)
        with h5py.File(folder / "scan.h5") as file:
            window = file["dataset/datacube/data"].shape[2:]
        shape, pixel = run["phase_sums_rad"].shape[1:], run["pixel_A"]
        weights = weights_of(run["positions_A"], pixel, shape)
        truth = flattened(truth_at(folder, run["positions_A"], pixel, window, shape), weights)
        seconds = float(np.median(run["seconds"][1:]))
        found = [
            {"code": str(run["name"]), "iterations": n, **distance(flattened(phase / sigma, weights), truth), "seconds": seconds}
            for n, phase in enumerate(run["phase_sums_rad"], 1)
        ]
        rows += [min(found, key=lambda row: row["error"]), found[-1]]
    output.unlink()
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="of ci/real-data; peers.json comes into it")
    parser.add_argument("--python", required=True, help="one that has py4DSTEM")
    args = parser.parse_args()
    with h5py.File(args.folder / "serial.h5") as file:
        sigma = float(file["ptychoscale"].attrs["sigma_rad_per_VA"])
    rows = ours(args.folder) + theirs(args.folder, args.python, sigma)
    print(f"{'one core':<58}{'iterations':>12}{'correlation':>13}{'error, %':>10}{'s per iteration':>17}{'s':>8}")
    for row in rows:
        n, seconds = row["iterations"], row["seconds"]
        print(f"{row['code']:<58}{n:>12}{row['correlation']:>13.4f}{100 * row['error']:>10.1f}{seconds:>17.3g}{n * seconds:>8.3g}")
    (args.folder / "peers.json").write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
