"""Systems for ReFrame: this machine, Slurm, and what to start from on machines like Summit, Frontier and Perlmutter.

What a partition's `extras` say:
  launcher          template for the commands that start ranks themselves (gate, bench); see `ptychoscale bench --help`
  launcher_options  more words for the launcher of tests whose ranks ReFrame starts
  ranks_per_node    at most so many; left out, all on one node
  backend           what computes: cpu, or cuda with a GPU for each rank
  threads           of each rank

An account, a queue and the like are in RFM_ACCESS, as words for the scheduler: RFM_ACCESS='-A PROJECT -q regular'.
"""

import os
import shlex
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(Path(__file__).parent), str(ROOT / "bench")]

import jsrun  # noqa: E402, F401  (registers that launcher)

from harness.runs.mpi_settings import AS_ROOT, OUTNUMBER, UNBOUND, mpi_settings  # noqa: E402


def access() -> list[str]:
    """The options of RFM_ACCESS, each with its value in one line of a job script."""
    lines: list[str] = []
    for word in shlex.split(os.environ.get("RFM_ACCESS", "")):
        if word.startswith("-") or not lines:
            lines.append(word)
        else:
            lines[-1] += f" {word}"
    return lines


def partition(name: str, scheduler: str, launcher: str, variables: dict[str, str], extras: dict, features: tuple = ()) -> dict:
    return {
        "name": name,
        "scheduler": scheduler,
        "launcher": launcher,
        "access": access() if scheduler != "local" else [],
        "environs": ["any"],
        "env_vars": list(map(list, variables.items())),
        "max_jobs": 1 if scheduler == "local" else 8,  # what is measured beside another run means little
        "features": [extras["backend"], *features],
        "extras": extras,
    }


def system(name: str, hosts: list[str], description: str, *partitions: dict) -> dict:
    return {"name": name, "descr": description, "hostnames": hosts, "modules_system": "nomod", "partitions": list(partitions)}


# More ranks than cores, and root, where this machine is a small one.
HERE = mpi_settings(UNBOUND, OUTNUMBER, AS_ROOT)
PMIX = {"SLURM_MPI_TYPE": "pmix"}  # as srun --mpi=pmix
ON_SLURM = "srun -n {ranks} -c {threads}"
CPU = {"launcher": ON_SLURM, "backend": "cpu", "threads": 1}
GPU_OF_EACH_RANK = {"launcher_options": ["--gpus-per-task=1", "--gpu-bind=closest"], "backend": "cuda"}

site_configuration = {
    "systems": [
        system(
            "summit", ["login[0-9]+\\.summit", "batch[0-9]+"], "Summit: 6 V100 and 42 cores per node; LSF and jsrun",
            partition(
                "gpu", "lsf", "jsrun", {},
                {
                    "launcher": "jsrun -n {ranks} -a 1 -c {threads} -g {gpus} -b packed:{threads}",
                    "launcher_options": ["-a", "1", "-c", "7", "-g", "1", "-b", "packed:7"],
                    "ranks_per_node": 6, "threads": 7, "backend": "cuda",
                },
            ),
        ),
        system(
            "frontier", ["login[0-9]+\\.frontier"], "Frontier: 8 GPU dies and 56 cores per node; its CPUs, since there is no HIP backend",
            partition("cpu", "slurm", "srun", {}, {**CPU, "ranks_per_node": 8, "threads": 7}),
        ),
        system(
            "perlmutter", ["login[0-9]+\\.perlmutter", "perlmutter"], "Perlmutter and its like: 4 A100 and 64 cores per node; Slurm",
            partition(
                "gpu", "slurm", "srun", {"MPICH_GPU_SUPPORT_ENABLED": "0"},
                {
                    **GPU_OF_EACH_RANK, "ranks_per_node": 4, "threads": 16,
                    "launcher": f"{ON_SLURM} --gpus-per-task={{gpus}} --gpu-bind=closest",
                },
            ),
        ),
        system(
            "slurm", ["none-by-name"], "Any Slurm, with its accounting (sacct)",
            partition("cpu", "slurm", "srun", PMIX, CPU),
        ),
        system(
            "squeue", ["none-by-name"], "Any Slurm without accounting, such as that of ci/slurm-check",
            partition("cpu", "squeue", "srun", PMIX, CPU),
        ),
        system(
            "generic", [".*"], "This machine, without a batch system",
            partition("cpu", "local", "mpirun", HERE, {"launcher": "mpirun -n {ranks}", "backend": "cpu", "threads": 1}),
            partition("gpu", "local", "mpirun", HERE, {"launcher": "mpirun -n {ranks}", "backend": "cuda", "threads": 1}),
        ),
    ],
    "environments": [{"name": "any"}],
    "logging": [
        {
            "handlers": [{"type": "stream", "name": "stdout", "level": "info", "format": "%(message)s"}],
            "handlers_perflog": [
                {
                    "type": "filelog", "prefix": "%(check_system)s/%(check_partition)s", "level": "info", "append": True,
                    "format": "%(check_result)s|%(check_job_completion_time)s|%(check_display_name)s|%(check_jobid)s|%(check_perfvalues)s",
                    "format_perfvars": "%(check_perf_value)s|%(check_perf_unit)s|",
                },
            ],
        },
    ],
}  # fmt: skip
