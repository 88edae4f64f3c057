"""What the checks share: where the program is, how ranks lie on nodes, and what a report says."""

import json
import os
import shlex
import shutil
import subprocess
from pathlib import Path

import references
import reframe as rfm
import reframe.utility.sanity as sn
from reframe.core.builtins import run_after, run_before

ROOT = Path(__file__).resolve().parents[2]


def program() -> str:
    """$PTYCHOSCALE, else the one that was built here, else the one in PATH."""
    built = ROOT / "build/cpu/bin/ptychoscale"
    named = os.environ.get("PTYCHOSCALE") or (str(built) if built.is_file() else "ptychoscale")
    found = shutil.which(named)
    if found is None:
        raise ValueError(f"PTYCHOSCALE: '{named}' is no program; valid: the path of the ptychoscale executable")
    return os.path.realpath(found)


def ask(*words) -> dict:
    """What the program answers as JSON at once, here: `plan` and `info` need no MPI."""
    return json.loads(subprocess.run([program(), *map(str, words)], capture_output=True, text=True, check=True).stdout)


class Check(rfm.RunOnlyRegressionTest):
    """A command of ptychoscale."""

    valid_systems = ["*"]
    valid_prog_environs = ["*"]
    time_limit = "1h"

    def extra(self, name, otherwise=None):
        """What the partition says of itself (settings.py)."""
        return self.current_partition.extras.get(name, otherwise)

    @property
    def threads(self) -> int:
        """Of each rank."""
        return self.extra("threads", 1)

    def reserve_cores(self) -> None:
        """Asks the scheduler for a core for each thread; under LSF jsrun gets whole nodes and divides them."""
        if self.current_partition.scheduler.registered_name != "lsf":
            self.num_cpus_per_task = self.threads

    @run_after("setup")
    def choose_the_program(self):
        self.executable = program()

    @run_before("run")
    def know_what_to_expect(self):
        self.reference = references.of(self.current_partition.fullname, self.display_name)


class OnRanks(Check):
    """A command whose `ranks` ReFrame starts."""

    @run_after("setup")
    def lay_out_ranks(self):
        self.num_tasks = self.ranks
        self.num_tasks_per_node = min(self.ranks, self.extra("ranks_per_node", self.ranks))
        self.reserve_cores()
        self.env_vars = {"OMP_NUM_THREADS": str(self.threads), "PTYCHOSCALE_RANKS": str(self.ranks)}

    @run_before("run")
    def bind_ranks(self):
        self.job.launcher.options = list(self.extra("launcher_options", []))


class StartsItsOwn(Check):
    """A command about many runs, which starts them: one process of it, in a job that has room for `ranks`."""

    @run_after("setup")
    def lay_out_ranks(self):
        self.num_tasks = self.ranks
        self.num_tasks_per_node = min(self.ranks, self.extra("ranks_per_node", self.ranks))
        self.reserve_cores()

    @run_before("run")
    def start_alone(self):
        self.job.launcher = rfm.core.backends.getlauncher("local")()
        self.executable_opts += ["--launcher", shlex.quote(self.extra("launcher")), "--backend", self.extra("backend")]


@sn.deferrable
def rows_of(check, file="report.json"):
    return json.loads((Path(check.stagedir) / file).read_text())["benchmarks"]


@sn.deferrable
def verified(check, expected: int, file="report.json"):
    """That there are as many rows as expected, and what each says of itself."""
    rows = rows_of(check, file).evaluate()
    bad = [f"{row['name']}: {row.get('error') or row.get('verification') or 'not verified'}" for row in rows if not row.get("verified")]
    return sn.all([sn.assert_eq(len(rows), expected), sn.assert_false(bad, "; ".join(bad))])
