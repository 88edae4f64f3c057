"""Figures of a page: which there are, what they are called, and in which forms they come."""

import base64
import dataclasses
import html
import re
from pathlib import Path

import numpy as np

from harness.base.errors import InputError
from harness.report import pictures
from harness.report.charts import CHARTS, Chart, is_whole
from harness.report.drawing import encode, inline_svg
from harness.report.reconstructions import Reconstruction, Specimen, read_reconstruction, read_specimen
from harness.report.runs import Run, mesh_words, method_name


@dataclasses.dataclass(frozen=True)
class Figure:
    """One figure of the page, inline and as files below figures/."""

    name: str
    title: str
    note: str
    subject: str  # what it is a figure of
    files: dict[str, bytes]  # by kind: svg, png
    photographic: bool = False  # more pixels than lines: the page shows the PNG

    @property
    def alt(self) -> str:
        return f"{self.subject}: {self.title}. {self.note}".strip()

    @property
    def svg(self) -> str:
        return inline_svg(self.files["svg"], self.name, self.alt)

    @property
    def data_uri(self) -> str:
        return f"data:image/png;base64,{base64.b64encode(self.files['png']).decode()}"


@dataclasses.dataclass(frozen=True)
class Gallery:
    """Pictures of one reconstruction."""

    title: str
    file: str  # below the folder of sources
    figures: list[Figure]


def read_figure(path: Path, subject: str) -> Figure:
    """A figure that another command has drawn with encode(), SVG and beside it PNG. Throws InputError when either cannot be read."""
    try:
        files = {kind: path.with_suffix(f".{kind}").read_bytes() for kind in ("svg", "png")}
    except OSError as error:
        raise InputError(f"{error.filename}: cannot be read ({error.strerror}); valid: a figure as SVG and PNG") from None
    title = re.search(rb"<title>(.*?)</title>", files["svg"])
    if title is None:
        raise InputError(f"{path}: is not SVG with a title; valid: a figure by ptychoscale")
    words = html.unescape(title[1].decode())
    return Figure(slug(f"paper-{path.stem}"), words, "", subject, files, photographic=b"<image" in files["svg"])


def slug(text: str) -> str:
    """A name for files and anchors."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower().replace("×", "x")).strip("-")


def draw_chart(chart: Chart, subject: str, runs: list[Run]) -> list[Figure]:
    """One chart, in as many figures as its runs need to stay readable and to fit a printed page."""
    wanted = [run for run in runs if run.why_withheld is None and is_whole(run) and chart.wants(run)]
    parts = -(-len(wanted) // chart.most_runs) if chart.most_runs else 1
    groups = [list(group) for group in np.array_split(np.array(wanted, object), parts)] if wanted else []
    figures = []
    for i, group in enumerate(groups, 1):
        drawn = chart.draw(group)
        if drawn is not None:
            of = f", {i} of {len(groups)}" if len(groups) > 1 else ""
            name = f"{slug(subject)}-{chart.name}" + (f"-{i}" if of else "")
            files = encode(drawn, f"{subject}: {chart.title}{of}")
            figures.append(Figure(name, chart.title + of, chart.note, subject, files))
    return figures


def draw_charts(subject: str, runs: list[Run], across: bool) -> list[Figure]:
    """The charts that the runs have data for: those across settings, or the others."""
    return [figure for chart in CHARTS if chart.across == across for figure in draw_chart(chart, subject, runs)]


def draw_gallery(name: str, run: Run, file: str, result: Reconstruction, specimen: Specimen) -> Gallery:
    """The three pictures of one reconstruction."""
    title = f"{method_name(run)}, {mesh_words(run.row)}"
    drawn = [
        (
            "slice",
            f"Slice {result.middle_index} of 0 to {specimen.slices - 1}",
            "On its own scale.",
            pictures.draw_middle(result, specimen),
        ),
        ("sum", "Sum over slices", "Offset and ramp removed, on the truth's scale.", pictures.draw_sum(result, specimen)),
        ("error", "Sum less truth", "On its own scale, tile borders solid.", pictures.draw_error(result, specimen)),
    ]
    figures = [
        Figure(f"{name}-{kind}", heading, f"{note} Scanned box dotted.", title, encode(figure, f"{title}: {heading}"), True)
        for kind, heading, note, figure in drawn
    ]
    return Gallery(title, file, figures)


def draw_galleries(case: str, folder: Path, found: list[tuple[str, Run]], dataset: str) -> list[Gallery]:
    """Pictures of the reconstructions (path, run) of one dataset."""
    specimen = read_specimen(folder / dataset)
    return [
        draw_gallery(
            f"{slug(case)}-picture-{slug(path.removesuffix('.h5'))}", run, path, read_reconstruction(folder / path, specimen), specimen
        )
        for path, run in found
    ]
