"""The files of a page."""

from pathlib import Path

import jinja2

from harness.report import provenance
from harness.report.cases import make_cases
from harness.report.columns import THEMES
from harness.report.figures import slug
from harness.report.parts import without_parts
from harness.report.positions import beside_copies
from harness.report.publish import MARK
from harness.report.reproduction import is_finding, make_items
from harness.report.runs import Run
from harness.report.sources import Sources
from harness.report.tables import Table, csv_of, link_to

HERE = Path(__file__).parent


def environment() -> jinja2.Environment:
    """Templates: everything is escaped, and a name that is not known is an error."""
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE), autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    made.globals.update(link_to=link_to, mark=MARK)
    return made


class CsvFiles:
    """The tables that a page shows, each also a file in data/tables."""

    def __init__(self):
        self.files: dict[str, bytes] = {}

    def add(self, table: Table, subject: str) -> str:
        """Keeps a table and gives its address."""
        name = f"data/tables/{len(self.files) + 1:02}-{slug(subject)}-{slug(table.title)}.csv"
        self.files[name] = csv_of(table)
        return name


def make_page(sources: Sources) -> dict[str, bytes]:
    """The page's files by name: index.html, figures/ as SVG and PNG, data/ with the reports it is made of, and every table."""
    everything = [Run(document, i) for document in sources.reports for i in range(len(document.rows))]
    findings = [run for run in everything if is_finding(run)]
    runs, parts = without_parts([run for run in everything if not is_finding(run)])
    cases = make_cases(runs, sources)
    items = make_items(findings, sources.folder)
    tables = CsvFiles()
    page = environment().get_template("page.html.j2").render(
        as_csv=tables.add,
        cases=cases,
        items=items,
        themes=THEMES,
        runs=runs,
        beside_copies=beside_copies(sources.positions),
        reports=sources.reports,
        builds=provenance.builds_of(sources.reports, parts),
        own_fields=[title for title, _ in provenance.OWN],
        skipped=sources.skipped,
        style=(HERE / "page.css").read_text(encoding="utf-8"),
    )
    files = {"index.html": page.encode()}
    groups = [*items, *(group for case in cases for group in case.figure_groups)]
    figures = [figure for group in groups for figure in group.figures]
    files |= {f"figures/{figure.name}.{kind}": data for figure in figures for kind, data in figure.files.items()}
    files |= tables.files
    files |= {document.copy: document.content for document in (*sources.reports, *sources.positions)}
    return files
