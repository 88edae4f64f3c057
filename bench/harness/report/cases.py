"""Everything found, sorted into cases: runs, tables of those that may be compared, figures, pictures."""

import dataclasses

from harness.base import identity
from harness.report import provenance
from harness.report.columns import THEMES
from harness.report.figures import Figure, Gallery, draw_charts, draw_galleries, slug
from harness.report.history import History, histories
from harness.report.machines import side_by_side
from harness.report.reconstructions import has_truth, read_own_report
from harness.report.runs import Run, labelled
from harness.report.sources import Sources
from harness.report.tables import Table, make_table, modes, reasons, remarks


@dataclasses.dataclass(frozen=True)
class Setting:
    """Runs of one evidence, machine, program and dataset, which can stand in one table."""

    title: str
    runs: list[Run]
    figures: list[Figure]
    tables: list[Table]


@dataclasses.dataclass(frozen=True)
class Case:
    """One case: whatever was run, planned or published of it."""

    name: str
    anchor: str
    runs: list[Run]
    settings: list[Setting]
    figures: list[Figure]
    galleries: list[Gallery]
    undrawn: list[tuple[str, str]]  # reconstruction, why there is no picture
    machine_tables: list[Table]  # side by side; none of one machine
    histories: list[History]  # of machines that have run several commits

    @property
    def figure_groups(self) -> list:
        """Everything with figures."""
        return [self, *self.settings, *self.histories, *self.galleries]

    @property
    def withheld(self) -> list[Run]:
        return [run for run in self.runs if run.why_withheld is not None]

    @property
    def methods(self) -> list[str]:
        return list(dict.fromkeys(run.label.split(" ")[0] for run in self.runs))

    @property
    def evidence(self) -> list[str]:
        return sorted({run.evidence for run in self.runs})

    @property
    def machines(self) -> list[str]:
        return sorted({run.about("machine") or run.about("host_name") or NO_MACHINE for run in self.runs})


NO_MACHINE = "none"  # of what was not run, but planned


def make_setting(title: str, subject: str, runs: list[Run]) -> Setting:
    """Figures and tables of the runs of one setting."""
    shown = [run for run in runs if run.why_withheld is None]
    themes = [theme for theme in THEMES if not theme.needs or any(theme.needs in run.row for run in shown)]
    made = [reasons(runs), remarks(shown), *(make_table(theme.title, theme.columns, shown) for theme in themes), modes(shown)]
    return Setting(title, runs, draw_charts(subject, runs, across=False), [table for table in made if table is not None])


def settings_of(case: str, runs: list[Run]) -> list[Setting]:
    """The runs by setting, in their order."""
    groups: dict[tuple, list[Run]] = {}
    for run in runs:
        groups.setdefault(run.setting, []).append(run)
    if len(groups) == 1:
        title = provenance.setting_title(runs[0])
        return [make_setting(title[0].upper() + title[1:], case, runs)]
    return [
        make_setting(f"Setting {i}: {provenance.setting_title(group[0])}", f"{case}, setting {i}", labelled(group))
        for i, group in enumerate(groups.values(), 1)
    ]


def run_of(row: dict, dataset_hash: str, runs: list[Run]) -> Run | None:
    """The run that made a reconstruction: that of its name and dataset whose costs it has, digit for digit."""
    for run in runs:
        same_costs = run.row.get("cost_of_iterations") == row.get("cost_of_iterations")
        if same_costs and run.row["name"] == row["name"] and run.dataset.get("hash") == dataset_hash:
            return run
    return None


def pictures_of(case: str, runs: list[Run], sources: Sources) -> tuple[list[Gallery], list[tuple[str, str]]]:
    """Pictures of the reconstructions that the runs made, and why others of them have none."""
    found: dict[str, list[tuple[str, Run]]] = {}
    undrawn = []
    for path, dataset_hash in sources.reconstructions:
        row, _ = read_own_report(sources.folder / path)
        run = run_of(row, dataset_hash, runs)
        if run is None:
            continue
        if run.why_withheld is not None:
            undrawn.append((path, run.why_withheld))
        elif dataset_hash not in sources.datasets:
            undrawn.append((path, "the dataset with its truth is not in the folder"))
        elif not has_truth(sources.folder / sources.datasets[dataset_hash]):
            undrawn.append((path, "its dataset has no truth to compare with"))
        else:
            found.setdefault(dataset_hash, []).append((path, run))
    galleries = []
    for dataset_hash, pairs in found.items():
        pairs.sort(key=lambda pair: runs.index(pair[1]))
        galleries += draw_galleries(case, sources.folder, pairs, sources.datasets[dataset_hash])
    return galleries, undrawn


def make_case(name: str, runs: list[Run], sources: Sources) -> Case:
    """One case with everything drawn."""
    runs = labelled(runs)
    galleries, undrawn = pictures_of(name, runs, sources)
    figures = draw_charts(name, runs, across=True)
    beside, over_time = side_by_side(runs), histories(name, runs)
    return Case(name, f"case-{slug(name)}", runs, settings_of(name, runs), figures, galleries, undrawn, beside, over_time)


def by_data(name: str, runs: list[Run]) -> dict[str, list[Run]]:
    """The runs of cases of one name, those of different data apart, by a title. Runs that do not say stay with those of the only data
    there are; where there are several, they might be of any."""
    hashes = list(dict.fromkeys(run.data.case_hash for run in runs if run.data.case_hash))
    if len(hashes) < 2:
        return {name: runs}
    groups = {each: [run for run in runs if run.data.case_hash == each] for each in (*hashes, None)}
    first = max(hashes, key=lambda each: len(groups[each]))
    titled = {name: groups.pop(first)}
    for case_hash, group in groups.items():
        known = [run.data.header for run in (titled[name][0], *group[:1])]
        apart = identity.differences(*known) if len(known) == 2 and all(known) else ""
        title = f"{name}, {apart or (f'case_hash {case_hash}' if case_hash else 'data not known')}"
        titled.update({title: group} if group else {})
    return titled


def make_cases(runs: list[Run], sources: Sources) -> list[Case]:
    """All cases, by name."""
    names = sorted({run.case for run in runs})
    titled = [by_data(name, [run for run in runs if run.case == name]) for name in names]
    return [make_case(title, group, sources) for groups in titled for title, group in groups.items()]
