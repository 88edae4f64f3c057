"""What became of claims under conditions: in a word, in a sentence, as a map."""

import dataclasses
from collections.abc import Sequence

from harness.base.statistics import Effect
from harness.reproduce.findings import DEPENDS, NOT_JUDGED, NOT_REPRODUCED, REPRODUCED

HOLDS, FAILS, UNDECIDED, NOT_VERIFIED, IMPOSSIBLE, NOT_RUN = "holds", "fails", "undecided", "not judged", "NA", "not run"
JUDGED = {HOLDS, FAILS}


@dataclasses.dataclass(frozen=True)
class Cell:
    """One claim under one condition."""

    word: str  # of the above
    effect: Effect | None = None
    why: str = ""  # there is no effect
    earlier: str = ""  # where it was taken from, when not from runs of this time


def cell_with(effect: Effect) -> Cell:
    """The whole interval must lie on one side."""
    return Cell(HOLDS if effect.low > 0 else FAILS if effect.high < 0 else UNDECIDED, effect)


def verdict_of(cells: Sequence[Cell]) -> str:
    """On all conditions together."""
    words = {cell.word for cell in cells}
    if words & JUDGED == {HOLDS}:
        return DEPENDS if NOT_VERIFIED in words else REPRODUCED
    if words & JUDGED == {FAILS}:
        return DEPENDS if NOT_VERIFIED in words else NOT_REPRODUCED
    return DEPENDS if words & JUDGED else NOT_JUDGED


def verdict_of_denied(cells: Sequence[Cell]) -> str:
    """On what a statement says is not so, on all conditions together: only its being found speaks against it."""
    judged = [cell for cell in cells if cell.effect is not None]
    found = [cell for cell in judged if cell.word == HOLDS]
    if not judged:
        return NOT_JUDGED
    return REPRODUCED if not found else NOT_REPRODUCED if len(found) == len(judged) else DEPENDS


def sentence(cells: dict[str, Cell], denied: bool = False) -> str:
    """Where it holds, where not, and where these runs cannot tell; cells by the condition's title."""
    places: dict[str, list[str]] = {}
    for word in (HOLDS, FAILS, UNDECIDED, NOT_VERIFIED, IMPOSSIBLE, NOT_RUN):
        said = FOUND.get(word, (word, ""))[0] if denied else word
        places.setdefault(said, []).extend(f"{title}{in_numbers(cell)}" for title, cell in cells.items() if cell.word == word)
    return "; ".join(f"{said} at {', '.join(where)}" for said, where in places.items() if where)


def in_numbers(cell: Cell) -> str:
    e = cell.effect
    return f" ({e.mean:+.3g}, 95 % {e.low:+.3g} to {e.high:+.3g}, sign test {e.sign_test:.2g})" if e else f" ({cell.why})"


GREEN, RED, GREY, WHITE = "#b8dfc0", "#f2b8b0", "#e6e6e6", "#ffffff"
COLOURS = {HOLDS: GREEN, FAILS: RED, UNDECIDED: GREY, NOT_VERIFIED: WHITE, IMPOSSIBLE: WHITE, NOT_RUN: WHITE}
# Of what should not be: only its being found is news.
FOUND = {HOLDS: ("found", RED), FAILS: ("not found", GREY), UNDECIDED: ("not found", GREY)}


def short(value: float) -> str:
    """Two digits, or whole numbers of three."""
    return f"{value:+.0f}" if abs(value) >= 99.5 else f"{value:+.2g}"


@dataclasses.dataclass(frozen=True)
class MapRow:
    """A claim and its cells by the condition's title; where it is not asked, there is none."""

    title: str
    denied: bool  # it is not so, says the paper, or was planted
    cells: dict[str, Cell]


def draw(rows: Sequence[MapRow]) -> dict[str, dict[str, bytes]]:
    """The map: claims down, conditions across; in every cell the effect and its interval."""
    from harness.report import drawing

    conditions = list(dict.fromkeys(title for row in rows for title in row.cells))
    width = drawing.WIDTH * max(1.6, 0.32 * (len(conditions) + 2))
    figure, axes = drawing.plt.subplots(figsize=(width, 0.5 * len(rows) + 0.6), layout="constrained")
    for y, row in enumerate(rows):
        for title, cell in row.cells.items():
            x = conditions.index(title)
            word, colour = FOUND.get(cell.word, (cell.word, WHITE)) if row.denied else (cell.word, COLOURS[cell.word])
            axes.add_patch(drawing.plt.Rectangle((x, y), 1, 1, facecolor=colour, edgecolor="white", linewidth=2))
            e = cell.effect
            text = f"{word}\n{short(e.mean)} ({short(e.low)} … {short(e.high)})" if e else word
            axes.text(x + 0.5, y + 0.5, text, ha="center", va="center", fontsize=7)
    axes.set(xlim=(0, len(conditions)), ylim=(len(rows), 0))
    axes.set_xticks([x + 0.5 for x in range(len(conditions))], conditions)
    axes.set_yticks([y + 0.5 for y in range(len(rows))], [row.title for row in rows])
    axes.tick_params(length=0, labeltop=True, labelbottom=False)
    for spine in axes.spines.values():
        spine.set_visible(False)
    return {"claims": drawing.encode(figure, "Where the paper's claims hold")}
