"""The suite as ReFrame tests. Which there are and how they are run is in README.md beside this file."""

import json
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).resolve().parents[1])]

import reframe as rfm  # noqa: E402
import reframe.utility.sanity as sn  # noqa: E402
from common import ROOT, Check, OnRanks, StartsItsOwn, ask, program, rows_of, verified  # noqa: E402
from reframe.core.builtins import parameter, run_after, run_before, sanity_function, variable  # noqa: E402

from harness.base.paper import table_rows  # noqa: E402
from harness.runs import targets  # noqa: E402

PAPERS = {"table2": "pbtio3-small", "table3": "pbtio3-large"}


@rfm.simple_test
class ptychoscale_dataset(OnRanks):
    """A case, simulated once for all checks of it, by a whole node."""

    case = parameter(["smoke", "ci", *PAPERS.values()])
    ranks = 1

    @run_after("setup")
    def use_a_node(self):
        self.num_tasks = self.num_tasks_per_node = self.extra("ranks_per_node", 1)
        self.env_vars["PTYCHOSCALE_RANKS"] = str(self.num_tasks)

    @run_before("run")
    def simulate(self):
        self.executable_opts = ["simulate", self.case, "-o", f"{self.case}.h5"]

    @sanity_function
    def is_there(self):
        return sn.assert_true((Path(self.stagedir) / f"{self.case}.h5").is_file())


class Reconstruction(OnRanks):
    """One run of a solver, measured. Subclasses have `method`, `grid` and `ranks`."""

    case = "ci"
    iterations = variable(int, value=0)  # 0: those of the case
    more = ()  # options of the solver
    keep_files = ["report.json"]

    @run_after("init")
    def need_the_dataset(self):
        (variant,) = ptychoscale_dataset.get_variant_nums(case=self.case)
        self.dataset = ptychoscale_dataset.variant_name(variant)
        self.depends_on(self.dataset)

    @run_after("setup")
    def need_a_decomposition(self):
        """`plan` knows where there is none, which the paper marks NA."""
        words = ["--case", self.case, "--ranks", self.ranks, "--methods", self.method, "--grid", self.grid, "--json", "-"]
        (row,) = ask("plan", *words)["benchmarks"]
        self.skip_if("error" in row, f"NA: {row.get('error')}")

    @run_before("run")
    def reconstruct(self):
        about = ask("info", self.case, "--json")
        self.targets = about["targets"]
        self.data = Path(self.getdep(self.dataset).stagedir) / f"{self.case}.h5"
        self.executable_opts = ["reconstruct", str(self.data), "-o", "volume.h5", "--json", "report.json"]
        self.executable_opts += ["--method", self.method, "--grid", self.grid, "--iterations", str(self.iterations or about["iterations"])]
        self.executable_opts += ["--threads", str(self.threads), "--backend", self.extra("backend"), *self.more]

    def cost_of_noise(self):
        """What counting noise alone leaves of the cost; 0 where no dose is known."""
        return ask("info", str(self.data), "--counting-noise", "--json")["cost_of_counting_noise"] or 0.0

    @sanity_function
    def is_sound(self):
        """That it did what a reconstruction does, on as many ranks as it was to have."""
        return sn.all([verified(self, 1), sn.assert_eq(rows_of(self)[0]["ranks"], self.ranks)])

    @run_before("performance")
    def name_figures(self):
        if self.is_dry_run():
            return
        (row,) = rows_of(self).evaluate()
        targets.add(row, self.targets, self.cost_of_noise)
        figures = {
            "iteration": (row["seconds_per_iteration"], "s"),
            "compute": (row["compute_seconds_per_iteration_mean"], "s"),
            "wait": (row["wait_seconds_per_iteration_mean"], "s"),
            "communication": (row["communication_seconds_per_iteration_mean"], "s"),
            "exposed": (row["wait_seconds_per_iteration_mean"] + row["communication_seconds_per_iteration_mean"], "s"),
            "memory": (row["memory_peak_bytes_max"] - row["memory_other_bytes_max"], "B"),
            "sent": (row["bytes_sent"], "B"),
        }
        if row.get("seconds_to_target") is not None:
            figures["to_target"] = (row["seconds_to_target"], "s")
        self.perf_variables = {name: sn.make_performance_function(sn.defer(value), unit) for name, (value, unit) in figures.items()}


@rfm.simple_test
class ptychoscale_scaling(Reconstruction):
    """Strong scaling on the demonstration case, as Fig. 7a has it on the paper's."""

    method = parameter(["gd", "hve"])
    grid = parameter(["window", "tile"])
    ranks = parameter([1, 2, 4])
    tags = {"scaling", "ci"}


@rfm.simple_test
class ptychoscale_smoke(Reconstruction):
    """Does it work at all."""

    case = "smoke"
    method = parameter(["gd", "hve"])
    grid = "window"
    ranks = parameter([2])
    tags = {"smoke"}


class PaperTable(Reconstruction):
    """A row of a table, or a point of Fig. 7a: 100 iterations are the paper's, of which three tell the time of one."""

    grid = parameter(["window", "tile"])
    iterations = 3
    tags = {"paper"}
    time_limit = "4h"


@rfm.simple_test
class ptychoscale_table2(PaperTable):
    case = PAPERS["table2"]
    method = parameter(["gd", "hve"])
    ranks = parameter(sorted({row.gpus for row in table_rows("table2")}))


@rfm.simple_test
class ptychoscale_table3(PaperTable):
    case = PAPERS["table3"]
    method = parameter(["gd", "hve"])
    ranks = parameter(sorted({row.gpus for row in table_rows("table3")}))


@rfm.simple_test
class ptychoscale_fig7b(Reconstruction):
    """Where the time goes, with the pipelined passes and with what they are compared with."""

    method, grid = "gd", "window"
    exchange = parameter(["appp", "passes"])
    ranks = parameter([4])
    tags = {"fig7b", "ci"}

    @run_after("init")
    def exchange_so(self):
        self.more = ("--exchange", self.exchange)


@rfm.simple_test
class ptychoscale_demo(StartsItsOwn):
    """All solvers side by side, verified against an independent code and each other."""

    case = parameter(["ci"])
    ranks = 4
    keep_files = ["runs/report.json"]
    tags = {"demo", "ci"}

    @run_before("run")
    def bench(self):
        self.executable_opts = ["bench", self.case, "-o", "runs", "--ranks", "4", "--threads", str(self.threads), *self.executable_opts]

    @sanity_function
    def is_sound(self):
        return verified(self, 3, "runs/report.json")

    @run_before("performance")
    def name_figures(self):
        if self.is_dry_run():
            return
        for row in rows_of(self, "runs/report.json").evaluate():
            for name, key in (("iteration", "seconds_per_iteration"), ("to_target", "seconds_to_target")):
                if row.get(key) is not None:
                    self.perf_variables[f"{row['method']}_{name}"] = sn.make_performance_function(sn.defer(row[key]), "s")


@rfm.simple_test
class ptychoscale_gate(StartsItsOwn):
    """Nothing is worse than the committed baseline; of another kind of machine, times are left out."""

    case = parameter(["smoke", "ci"])
    ranks = 4

    @run_after("init")
    def tag(self):
        self.tags = {"gate", self.case}

    @run_before("run")
    def gate(self):
        baseline = ROOT / "results/baselines/ci-cpu.json"
        self.executable_opts = ["gate", "--baseline", str(baseline), "--case", self.case, *self.executable_opts]

    @sanity_function
    def holds(self):
        return sn.assert_eq(self.job.exitcode, 0, "the gate did not pass; see its table in the output")


@rfm.simple_test
class ptychoscale_kernels(Check):
    """A slice step beside two bare transforms, on one core: R, how far the solvers are from what FFTW alone takes."""

    tags = {"kernels"}

    @run_before("run")
    def measure(self):
        benchmark = Path(program()).with_name("kernel_benchmark")
        self.skip_if(not benchmark.is_file(), f"{benchmark} was not built (PTYCHOSCALE_TESTS)")
        self.executable = str(benchmark)
        self.executable_opts = ["--benchmark_out=kernels.json", "--benchmark_min_time=0.2"]

    def found(self) -> list[dict]:
        return json.loads((Path(self.stagedir) / "kernels.json").read_text())["benchmarks"]

    @sanity_function
    def has_run(self):
        return sn.assert_true(self.found(), "no benchmark was run")

    @run_before("performance")
    def name_figures(self):
        if self.is_dry_run():
            return
        for each in self.found():
            name = "".join(c if c.isalnum() else "_" for c in each["name"])
            self.perf_variables[f"{name}_R"] = sn.make_performance_function(sn.defer(each["ratio"]), "x")
            self.perf_variables[f"{name}_step"] = sn.make_performance_function(sn.defer(each["step_us"]), "us")


@rfm.simple_test
class ptychoscale_gpu_check(Check):
    """Everything that needs a GPU (ci/gpu-check), on partitions that have one."""

    valid_systems = ["+cuda"]
    tags = {"gpu"}
    time_limit = "20m"

    @run_before("run")
    def check(self):
        self.job.launcher = rfm.core.backends.getlauncher("local")()
        self.executable = str(ROOT / "ci/gpu-check")
        self.executable_opts = ["results"]

    @sanity_function
    def passed(self):
        steps = json.loads((Path(self.stagedir) / "results/gpu-check.json").read_text())
        return sn.all([sn.assert_eq(self.job.exitcode, 0), sn.assert_true(steps)])
