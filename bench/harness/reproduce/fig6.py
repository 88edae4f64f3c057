"""Fig. 6: a reconstructed slice, with what the picture cannot say: its errors against the known truth."""

from harness.reproduce.ci_case import TOO_BIG, reconstruction, trusted
from harness.reproduce.findings import MEASURED, Findings
from harness.reproduce.ranks import Scope
from harness.reproduce.work import Step, perform, source

NO_NUMBER = f"the paper shows a picture without a number; {TOO_BIG}"
QUANTITIES = [
    ("relative_rmse", "RMSE of the summed potential over the truth's deviation", "%", 100),
    ("structural_similarity", "structural similarity", "", 1),
    ("frc_resolution_A", "FRC resolution, half-bit", "Å", 1),
]


def gd() -> Step:
    return reconstruction("gd", "gd", keep_volume=True)


def steps(_: Scope) -> list[Step]:
    return [gd()]


def draw(outcome, dataset) -> dict[str, dict[str, bytes]]:
    """The middle slice of the reconstruction."""
    from harness.report import drawing, pictures, reconstructions

    specimen = reconstructions.read_specimen(dataset)
    run = reconstructions.read_reconstruction(outcome.volume, specimen)
    return {"fig6": drawing.encode(pictures.draw_middle(run, specimen), f"Potential of slice {run.middle_index}")}


def find(scope: Scope) -> Findings:
    """Picture and errors of a Gradient Decomposition reconstruction."""
    findings = Findings("fig6", "Fig. 6, a reconstructed slice")
    outcomes, why = trusted(scope.work, steps(scope))
    findings.check("the reconstruction is verified", not why, why or "backend against the golden file; the cost fell")
    for key, quantity, unit, scale in QUANTITIES:
        value = outcomes[0].row[key] if outcomes else None
        findings.add(
            "ci, GD on 4 ranks",
            quantity,
            unit,
            ours=None if value is None else value * scale,
            evidence=MEASURED,
            why_not=why or NO_NUMBER,
            source=source(scope.work, gd()),
        )
    if outcomes:
        findings.figures = draw(outcomes[0], perform(scope.work, gd().dataset).volume)
    return findings
