"""Fig. 8: what tile borders show, with both methods, beside a serial control that took the same steps."""

from harness.reproduce import claims
from harness.reproduce.ci_case import TOO_BIG, reconstruction, trusted
from harness.reproduce.fig6 import gd
from harness.reproduce.findings import MEASURED, NOT_JUDGED, Findings
from harness.reproduce.ranks import Scope
from harness.reproduce.work import Step, perform, source
from harness.runs import program

METRICS = [
    ("z", "seam z"),
    ("z_control", "seam z of the control there"),
    ("excess", "border error over the control's, strip by strip"),
    ("step_z", "signed step z"),
    ("comb_power", "comb power"),
]
AXES = ["rows", "columns"]


def hve() -> Step:
    return reconstruction("hve", "hve", keep_volume=True)


def hve_apart() -> Step:
    """The method's low-overlap way: every tile to the end on its own."""
    return reconstruction("hve-apart", "hve", "--halo-fill", "never", keep_volume=True)


RUNS = {"GD": gd, "HVE, pasting": hve, "HVE, apart to the end": hve_apart}


def control(run: Step) -> Step:
    return reconstruction(f"control-of-{run.label}", "serial", ranks=1, steps_of=run, keep_volume=True)


def steps(scope: Scope) -> list[Step]:
    own = [each for make in RUNS.values() for each in (make(), control(make()))]
    return own + claims.steps(scope, claims.claims_on(scope, claims.FIG_8))


def seams(scope: Scope, run: Step) -> dict:
    """What `assess` finds at the borders of a run, paired with its control."""
    volume, dataset, paired = (perform(scope.work, each).volume for each in (run, run.dataset, control(run)))
    return program.ask_json("assess", volume, "--dataset", dataset, "--control", paired, "--pairing", "steps", "--json", "-")


def add_metrics(findings: Findings, name: str, found: dict, source: str) -> None:
    """The seam metrics of both kinds of borders."""
    for axis in AXES:
        for key, quantity in METRICS:
            value = found.get(f"seam_{axis}_{key}")
            why = f"the paper shows a picture; {TOO_BIG}" if value is not None else "too few columns or borders for this metric"
            findings.add(name, f"{quantity}, {axis}", "", ours=value, evidence=MEASURED, why_not=why, source=source)


def in_words(name: str, found: dict) -> str:
    """What the seam metrics say of one run."""
    rises = [
        f"z {found[f'seam_{axis}_z']:.1f} where the control has {found[f'seam_{axis}_z_control']:.1f} at borders of {axis}"
        for axis in AXES
        if found.get(f"seam_{axis}_z_control") is not None
    ]
    return f"{name}: {'a seam' if found['seam_found'] else 'no seam'} ({', '.join(rises)})"


def judge(findings: Findings, scope: Scope, found: dict[str, dict | None]) -> None:
    """The paper's statement over seeds; the limits of a single run only tell a broken exchange."""
    claims.judge_statement(findings, scope, claims.FIG_8)
    seen = {name: each for name, each in found.items() if each is not None}
    said = "; ".join(in_words(name, each) for name, each in seen.items())
    limits = f"limits for one run, on 2 x 2 tiles of `ci`, each beside its serial control: {said or 'no run is verified'}"
    findings.judge("a seam beyond the limits that a broken exchange trips", NOT_JUDGED, limits, MEASURED)


def border_view(error, cores):
    """The part (y, x) of an image around the point where tiles meet, a third of it wide."""
    from harness.report.pictures import inner_borders

    lines = inner_borders(cores, error.shape)
    middle = (round(max(line[0] for line in lines)), round(max(line[2] for line in lines)))
    reach = [size // 6 for size in error.shape]
    return tuple(slice(max(m - r, 0), min(m + r, size)) for m, r, size in zip(middle, reach, error.shape, strict=True)), middle


def draw(scope: Scope) -> dict[str, dict[str, bytes]]:
    """The error around the corner that tiles share, of every run and of GD's control, on one scale each."""
    import numpy as np

    from harness.report import drawing, reconstructions

    specimen = reconstructions.read_specimen(perform(scope.work, gd().dataset).volume)
    volumes = {name: perform(scope.work, make()).volume for name, make in RUNS.items()}
    volumes["serial, GD's steps"] = perform(scope.work, control(gd())).volume
    runs = {name: reconstructions.read_reconstruction(file, specimen) for name, file in volumes.items()}
    view, (y, x) = border_view(runs["GD"].error, runs["GD"].cores)
    figure, panels = drawing.plt.subplots(2, 2, figsize=(drawing.WIDTH, drawing.WIDTH), layout="constrained")
    extent = (view[1].start - 0.5, view[1].stop - 0.5, view[0].stop - 0.5, view[0].start - 0.5)
    for axes, (name, run) in zip(panels.flat, runs.items(), strict=True):
        # Each on its own scale, or a weak seam would not show.
        largest = np.percentile(np.abs(run.error[view]), 99.5)
        axes.imshow(run.error[view], extent=extent, cmap="RdBu_r", vmin=-largest, vmax=largest, interpolation="nearest")
        axes.set(title=f"{name}\n± {largest:.2g} V·Å", xlabel="x (px)", ylabel="y (px)")
        if name != "serial, GD's steps":
            axes.axhline(y - 0.5, color="black", linewidth=0.6, linestyle=":")
            axes.axvline(x - 0.5, color="black", linewidth=0.6, linestyle=":")
    return {"fig8": drawing.encode(figure, "Error of the summed potential where tiles meet")}


def find(scope: Scope) -> Findings:
    """Seam metrics of both methods and the border region as a picture."""
    findings = Findings("fig8", "Fig. 8, seams at tile borders")
    found: dict[str, dict | None] = {}
    for name, make in RUNS.items():
        run = make()
        _, why = trusted(scope.work, [run, control(run)])
        findings.check(f"{name}: verified", not why, why or "run and serial control: the cost fell")
        found[name] = None if why else seams(scope, run)
        if why:
            findings.add(name, "seam metrics", "", why_not=why)
        else:
            add_metrics(findings, name, found[name], source(scope.work, run))
    judge(findings, scope, found)
    if None not in found.values():
        findings.figures = draw(scope)
    return findings
