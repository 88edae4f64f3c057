"""Whether a run may show figures: its backend computes rightly, its cost fell as it should, and no tile border shows."""

import dataclasses
import math
from pathlib import Path

from harness.base.errors import EXIT_FAILED, InputError, RunError
from harness.base.tree import ROOT
from harness.runs import measure, options, program

# The smallest of the files made by an independent code.
GOLDEN = ROOT / "validation" / "golden" / "pto_static_lobato_200kV_hard_32x24.h5"
PASSED = "passed"
# The border excess is calibrated from here on (see border_excess_limit in quality/seams.hpp); the very first steps leave a lag at
# the borders of an intact exchange, too.
FEWEST_ITERATIONS_FOR_EXCESS = 3
ROUNDING = 1e-10  # of a unit beam's cost, per pattern, as the program has it (verified() in bench/record/report.cpp)


def check_golden(backend: str, protocol: measure.Protocol) -> str:
    """Compares the backend with the independent code; says "passed" or what failed."""
    log = protocol.folder / "golden.log"
    words = ["validate", "golden", GOLDEN, "--backend", backend]
    try:
        code = program.launch(words, log, ranks=1, launcher=protocol.launcher, time_limit=protocol.time_limit)
        marked = program.reason(log, code, protocol.launcher)
    except RunError as endless:
        code, marked = EXIT_FAILED, str(endless)
    if code == 0:
        return PASSED
    return f"failed: {GOLDEN.name} with the {backend} backend: {marked}"


def of_nothing(row: dict, patterns: int) -> bool:
    """Whether the patterns are those of the empty specimen but for rounding: there is nothing to recover, and nothing to judge by."""
    empty = row["cost_of_empty_volume"]
    return empty is not None and empty <= ROUNDING * patterns


def check_cost(row: dict, promised_fall: float | None, patterns: int) -> str:
    """Whether the cost stayed finite, fell, and by as much as the case promises of this method and number of iterations; or had
    nowhere to fall to and stayed there."""
    costs = row["cost_of_iterations"]
    if not all(cost is not None and math.isfinite(cost) for cost in costs):
        return "failed: the cost is not finite"
    if of_nothing(row, patterns):
        rose = costs[-1] > ROUNDING * patterns
        return f"failed: the cost rose to {costs[-1]:.4g} on patterns of the empty specimen, which has none" if rose else PASSED
    if len(costs) > 1 and costs[-1] >= costs[0]:
        return f"failed: the cost did not fall, from {costs[0]:.4g} to {costs[-1]:.4g}"
    fall = row["cost_of_empty_volume"] / costs[-1] if costs[-1] > 0 else math.inf
    if promised_fall is not None and fall < promised_fall:
        promise = "cost_fall may be left out of a case, as of one with another dose or other optics than it was taken at"
        return f"failed: the cost fell to 1/{fall:.4g} of the empty volume's; the case promises 1/{promised_fall:g} ({promise})"
    return PASSED


@dataclasses.dataclass
class SeamJudge:
    """Judges parallel runs by a serial one that took the same steps, which it makes unless a measured run is that one already."""

    protocol: measure.Protocol
    dataset: Path
    arguments: tuple[str, ...]  # of every run
    with_control: bool = True
    patterns: int = 0  # of the dataset
    ideal: bool = True  # whether the patterns are without noise and model error
    controls: dict = dataclasses.field(default_factory=dict)  # reconstruction by steps_of()

    def offer(self, row: dict, reconstruction: Path) -> None:
        """A serial run that was measured anyway."""
        self.controls[steps_of(row)] = reconstruction

    def control_of(self, row: dict, label: str) -> Path:
        """The serial reconstruction with the row's steps. Throws RunError when it cannot be made."""
        steps = steps_of(row)
        if steps not in self.controls:
            update, step, iterations = steps
            others = options.without(self.arguments, "--step", "--update", "--mesh")
            arguments = (*others, "--step", repr(step), *(["--update", update] if update == "batch" else []))
            point = measure.Point(f"control-{label}", "serial", 1, iterations, arguments)
            program.say(f"serial control with the steps of {label}")
            measure.run(point, self.protocol, "0")
            self.controls[steps] = measure.reconstruction_of(point, self.protocol)
        return self.controls[steps]

    def judge(self, row: dict, point: measure.Point) -> str:
        """Adds to the row what its tile borders show and says "passed" or what failed."""
        if row["ranks"] == 1:
            return "not judged: one rank has no tile borders"
        if of_nothing(row, self.patterns):
            return "not judged: the patterns are those of the empty specimen, and what is recovered is rounding"
        words = ["assess", measure.reconstruction_of(point, self.protocol), "--dataset", self.dataset, "--json", "-"]
        # The excess is calibrated on ideal patterns; two solvers fit noise and what the model lacks in two ways, up to the borders.
        # Nor has the serial solver momentum, whose steps only begin alike, or as many steps of a probe as there are rounds.
        alike = self.ideal and row.get("update") != "accelerated" and not {"refine_probe", "refine_scale"} & row.keys()
        strip_by_strip = alike and row["iterations"] >= FEWEST_ITERATIONS_FOR_EXCESS
        if self.with_control:
            try:
                words += ["--control", self.control_of(row, point.label)]
            except (InputError, RunError) as error:
                return f"failed: the serial control: {error}"
            words += ["--pairing", "steps" if strip_by_strip else "data"]
        findings = program.ask_json(*words)
        row.update({key: value for key, value in findings.items() if key.startswith("seam_")})
        row["seam_control"] = "serial" if self.with_control else "none"
        excess = [f"{row[key]:.3f} of {axis}" for axis in ("rows", "columns") if row.get(key := f"seam_{axis}_excess") is not None]
        beside = f"; excess of the error beside borders: {', '.join(excess)}" if excess else ""
        return f"failed: a seam shows at tile borders{beside}" if row["seam_found"] else PASSED


def steps_of(row: dict) -> tuple[str, float, int]:
    """What two runs must share for their errors to compare strip by strip: update rule, step size and iterations."""
    return row.get("update", "once"), row["step"], row["iterations"]


def conclude(row: dict, findings: dict[str, str]) -> None:
    """Writes into the row what each check says, and whether all let it pass."""
    failures = [f"{check}: {said.removeprefix('failed: ')}" for check, said in findings.items() if said.startswith("failed")]
    row.update({f"verification_{check}": said for check, said in findings.items()})
    row["verified"] = row["verified"] and not failures
    if failures:
        row["verification_failed"] = "; ".join(failures)
