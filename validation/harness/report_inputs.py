"""What the tests of `report` start from: real runs of the smallest case, a plan, and reports that must not show figures."""

import json
import os
import shutil
import subprocess
import sys
import uuid
from pathlib import Path

ROOT = Path(__file__).parents[2]
PROGRAM = os.environ.get("PTYCHOSCALE", str(ROOT / "build/cpu/bin/ptychoscale"))
sys.path[:0] = [str(ROOT / "bench"), str(ROOT / "validation")]

from patience import HANG_SECONDS  # noqa: E402

from harness.runs.mpi_settings import AS_ROOT, OUTNUMBER, UNBOUND, mpi_settings  # noqa: E402

RUNS = [("serial", 1), ("gd", 2), ("gd", 4), ("hve", 4)]


def call(*words) -> None:
    environment = {**os.environ, **mpi_settings(UNBOUND, OUTNUMBER, AS_ROOT)}
    result = subprocess.run(list(map(str, words)), env=environment, capture_output=True, text=True, timeout=HANG_SECONDS, check=False)
    assert result.returncode == 0, result.stderr


def make_runs(folder: Path) -> Path:
    """Reports, reconstructions and dataset of the case `smoke` in `folder`, and a plan of it with a row that has no figures."""
    folder.mkdir(parents=True, exist_ok=True)
    dataset = folder / "smoke.h5"
    call(PROGRAM, "simulate", "smoke", "-o", dataset)
    for method, ranks in RUNS:
        file = folder / f"{method}-{ranks}"
        launcher = ["mpirun", "-n", ranks] if ranks > 1 else []
        arguments = ["--method", method, "-o", f"{file}.h5", "--json", f"{file}.json", "--iterations", 4, "--threads", 1]
        call(*launcher, PROGRAM, "reconstruct", dataset, *arguments)
    return folder


def plant(folder: Path, name: str, change) -> dict:
    """A copy of hve-4.json, changed by change(row)."""
    document = json.loads((folder / "hve-4.json").read_text())
    change(document["benchmarks"][0])
    document["context"]["uuid"] = str(uuid.uuid5(uuid.NAMESPACE_URL, name))
    (folder / f"{name}.json").write_text(json.dumps(document))
    return document


def plant_unverified(folder: Path) -> str:
    """A report that is not verified, with a cost that no other has; gives its reason."""
    reason = "seams: a seam shows at tile borders <b>"  # must arrive as text

    def spoil(row):
        row.update(verified=False, verification_failed=reason, cost=123456.75, mesh=[9, 9], ranks=81, name="smoke/hve/9x9")

    plant(folder, "unverified", spoil)
    return reason


def plant_failed(folder: Path) -> str:
    """A report of a run that failed; gives its reason."""
    reason = "rank 3 ran out of memory"

    def fail(row):
        row.clear()
        row.update(name="smoke/gd/7x7", method="gd", ranks=49, error_occurred=True, error=reason)

    plant(folder, "failed", fail)
    return reason


def plant_kernels(folder: Path) -> None:
    """A kernel benchmark, which is no report of runs."""
    shutil.copy(ROOT / "results/epyc-2-cores/kernels/slice_step.json", folder / "slice_step.json")


def plant_findings(folder: Path) -> None:
    """What `reproduce` writes: figures beside the paper's, a statement and a check."""
    from harness.report import drawing  # slow to load, and needed here only
    from harness.reproduce.findings import Findings

    findings = Findings("table2", "memory and time")
    findings.add("GD 6", "memory per GPU", "GB", paper=2.53, ours=0.253, evidence="modelled", grid="tile")
    findings.add("GD 6", "runtime", "min", paper=360.0, why_not="needs 6 GPUs", grid="tile")
    findings.judge("memory falls with the number of ranks", "reproduced", "by a factor of 10", "modelled")
    findings.check("predicted bytes agree with measured ones", False, "7 % apart")
    context = json.loads((folder / "hve-4.json").read_text())["context"]
    (folder / "table2.json").write_text(json.dumps({"context": context, "benchmarks": findings.rows}))
    figure, axes = drawing.new_figure(3)
    axes.plot([6, 24, 54], [2.53, 1.2, 0.58], "o-", label="paper")
    (folder / "figures").mkdir()
    for kind, content in drawing.encode(figure, "Memory of Table II & more").items():
        (folder / "figures" / f"table2-memory.{kind}").write_bytes(content)
