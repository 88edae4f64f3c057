"""Figures of simulated runs: strong scaling and phases as in Fig. 7 of the paper, and the pipeline of its Fig. 5 in time."""

from harness.base.paper import ITERATIONS, table_rows
from harness.report import drawing

EXCHANGE_MARKERS = {"appp": "o", "passes": "s", "neighbours": "D", "allreduce": "^", None: "o"}
TABLES = {"pbtio3-small": "table2", "pbtio3-large": "table3"}

Figures = dict[str, dict[str, bytes]]  # by name, then by kind of file


def label_of(row: dict) -> str:
    """What a curve or bar is called."""
    parts = [drawing.METHOD_ABBREVIATIONS[row["method"]], row.get("exchange")]
    if row.get("rounds", 1) != 1:
        parts.append(f"{row['rounds'] or 'max'} rounds")
    return ", ".join(filter(None, parts))


def curves(rows: list[dict]) -> dict[str, list[dict]]:
    """Rows by the label of their curve, ascending in ranks."""
    found: dict[str, list[dict]] = {}
    for row in sorted(rows, key=lambda row: row["ranks"]):
        found.setdefault(label_of(row), []).append(row)
    return found


def scaling(rows: list[dict]) -> Figures:
    """Fig. 7a: minutes over GPUs, the paper's beside ours where it has the case."""
    figure, axes = drawing.new_figure(3.4)
    for label, curve in curves(rows).items():
        method, exchange = curve[0]["method"], curve[0].get("exchange")
        minutes = [row["seconds_per_iteration"] * ITERATIONS / 60 for row in curve]
        style = drawing.EVIDENCE_STYLES["simulated"] | {"marker": EXCHANGE_MARKERS[exchange]}
        axes.plot([row["ranks"] for row in curve], minutes, color=drawing.METHOD_COLOURS[method], label=label, **style)
    case = rows[0]["name"].split("/")[0]
    printed = [row for row in table_rows(TABLES[case]) if row.feasible] if case in TABLES else []
    for method in sorted({row.method for row in printed}):
        theirs = [row for row in printed if row.method == method]
        axes.plot(
            [row.gpus for row in theirs],
            [row.runtime_min for row in theirs],
            color=drawing.METHOD_COLOURS[method],
            label=f"{drawing.METHOD_ABBREVIATIONS[method]}, paper",
            **drawing.EVIDENCE_STYLES["paper"],
        )
    axes.set(xscale="log", yscale="log", xlabel="GPUs", ylabel=f"minutes for {ITERATIONS} iterations")
    axes.grid(True)
    drawing.add_legend(figure, axes)
    return {"scaling": drawing.encode(figure, f"Strong scaling of {case} on {rows[0]['machine']}, simulated")}


def phases(rows: list[dict], ranks: int) -> Figures:
    """Fig. 7b: stacked phases of every method and exchange on some ranks."""
    here = [row for row in rows if row["ranks"] == ranks]
    figure, axes = drawing.new_figure(1.2 + 0.3 * len(here))
    labels = [label_of(row) for row in here]
    left = [0.0] * len(here)
    for phase, colour in drawing.PHASE_COLOURS.items():
        widths = [row[f"{phase}_seconds_per_iteration_mean"] for row in here]
        axes.barh(labels, widths, left=left, color=colour, label=phase)
        left = [a + b for a, b in zip(left, widths, strict=True)]
    axes.invert_yaxis()
    axes.set(xlabel=f"s per iteration, mean of {ranks} ranks")
    drawing.add_legend(figure, axes, columns=3)
    return {f"phases-{ranks}": drawing.encode(figure, f"Compute, wait and communication on {ranks} ranks, simulated")}


def exchange_window(intervals: list) -> tuple[float, float]:
    """The last exchange: from a little before the last rank left its positions for it to the end. Stepping the tile, after it, is
    short beside the positions."""
    end = max(to for *_, to in intervals)
    longest = max(to - start for _, phase, start, to in intervals if phase == "compute")
    entered = max(to for _, phase, start, to in intervals if phase == "compute" and to - start > longest / 10)
    return entered - 0.05 * (end - entered), end


def timeline(row: dict, intervals: list) -> Figures:
    """Who computes, waits and packs or sends when, in the last exchange."""
    start, end = exchange_window(intervals)
    unit, scale = ("ms", 1e3) if end - start < 1 else ("s", 1.0)
    figure, axes = drawing.new_figure(1.2 + 0.18 * row["ranks"])
    for phase, colour in drawing.PHASE_COLOURS.items():
        shown = [(r, max(a, start), b) for r, p, a, b in intervals if p == phase and b > start]
        axes.barh(
            [r for r, *_ in shown],
            [scale * (b - a) for _, a, b in shown],
            left=[scale * (a - start) for _, a, _ in shown],
            height=0.8,
            color=colour,
            label=phase,
        )
    axes.invert_yaxis()
    axes.set(xlabel=f"{unit}, from a little before the last rank has visited its positions", ylabel="rank", xlim=(0, scale * (end - start)))
    drawing.add_legend(figure, axes, columns=3)
    name = "-".join(filter(None, ["timeline", row["method"], str(row["ranks"]), row.get("exchange")]))
    return {name: drawing.encode(figure, f"The last exchange of {row['name']}, simulated")}


def figures(rows: list[dict], timelines: list[dict]) -> Figures:
    """Every figure that the rows allow."""
    made = [row for row in rows if "error" not in row]
    found: Figures = {}
    if not made:
        return found
    found |= scaling(made)
    for ranks in sorted({row["ranks"] for row in made}):
        found |= phases(made, ranks)
    for each in timelines:
        found |= timeline(each["row"], each["intervals"])
    return found
