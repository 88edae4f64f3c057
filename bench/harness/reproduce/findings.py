"""What an item finds: figures beside the paper's, statements judged, checks that must hold; as rows of a report and as text."""

import dataclasses

WHY = "why_not"
MEASURED, MODELLED, SIMULATED, PAPER = "measured", "modelled", "simulated", "paper"
REPRODUCED, NOT_REPRODUCED, NOT_JUDGED = "reproduced", "not reproduced", "not judged"
DEPENDS = "depends on conditions"


@dataclasses.dataclass
class Findings:
    """Rows of a report, and pictures by name as {"svg": bytes, "png": bytes}."""

    item: str
    title: str
    rows: list[dict] = dataclasses.field(default_factory=list)
    figures: dict[str, dict[str, bytes]] = dataclasses.field(default_factory=dict)

    @property
    def failed_checks(self) -> list[dict]:
        return [row for row in self.rows if row.get("passed") is False]

    def add(
        self,
        row: str,
        quantity: str,
        unit: str,
        *,
        paper: float | None = None,
        ours: float | None = None,
        evidence: str = PAPER,
        why_not: str = "",
        source: str = "",
        **tags,
    ) -> None:
        """Adds a figure beside the paper's. Of the `tags`, words and whole numbers say which it is and name it; others are what more there
        is to it. Whatever is missing, or is not what its name suggests, is explained in `why_not`; without ours, `evidence` is of the
        reason."""
        if ours is None and not why_not:
            raise ValueError(f"{self.item}, {row}, {quantity}: neither a figure nor a reason")
        self.rows.append(
            {
                "name": "/".join([self.item, *(str(tag) for tag in tags.values() if isinstance(tag, (str, int))), row, quantity]),
                "item": self.item,
                **tags,
                "row": row,
                "quantity": quantity,
                "unit": unit,
                "paper": paper,
                "ours": ours,
                "ratio": ours / paper if ours is not None and paper else None,
                "evidence": evidence,
                WHY: why_not,
                "source": source,
            }
        )

    def judge(self, statement: str, verdict: str, explanation: str, evidence: str = PAPER, source: str = "") -> None:
        """Adds what becomes of something the paper states."""
        self._say("statement", statement, explanation, evidence, source, verdict=verdict)

    def check(self, what: str, passed: bool, explanation: str, evidence: str = MEASURED, source: str = "") -> None:
        """Adds what must hold of our own figures; one that does not fails the item."""
        self._say("check", what, explanation, evidence, source, passed=passed)

    def _say(self, quantity: str, text: str, explanation: str, evidence: str, source: str, **outcome) -> None:
        self.rows.append(
            {
                "name": f"{self.item}/{quantity}/{text}",
                "item": self.item,
                "row": text,
                "quantity": quantity,
                **outcome,
                "explanation": explanation,
                "evidence": evidence,
                "source": source,
            }
        )


def number(value: float | None) -> str:
    """Four significant digits; a dash for none."""
    if value is None:
        return "-"
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def notes_of(rows: list[dict]) -> dict[str, int]:
    """The explanations that rows share, numbered in order of appearance."""
    notes: dict[str, int] = {}
    for row in rows:
        if row[WHY]:
            notes.setdefault(row[WHY], len(notes) + 1)
    return notes


def figures_table(rows: list[dict]) -> list[str]:
    """Paper, ours, ratio, evidence and the number of the note that says why not; columns aligned."""
    notes = notes_of(rows)
    cells = [("", "quantity", "paper", "ours", "ratio", "evidence", "why not")]
    cells += [
        (
            row["row"],
            f"{row['quantity']}, {row['unit']}" if row["unit"] else row["quantity"],
            number(row["paper"]),
            number(row["ours"]),
            number(row["ratio"]),
            row["evidence"],
            f"[{notes[row[WHY]]}]" if row[WHY] else "",
        )
        for row in rows
    ]
    widths = [max(len(line[column]) for line in cells) for column in range(len(cells[0]))]
    to_left = (0, 1, 5, 6)
    lines = [
        "  ".join(text.ljust(widths[i]) if i in to_left else text.rjust(widths[i]) for i, text in enumerate(line)) for line in cells
    ]
    return [line.rstrip() for line in lines] + [f"[{n}] {note}" for note, n in notes.items()]


def text_of(findings: Findings) -> str:
    """An item as people read it."""
    figures = [row for row in findings.rows if "paper" in row]
    lines = [f"{findings.item}: {findings.title}"]
    lines += figures_table(figures) if figures else []
    for row in findings.rows:
        if "verdict" in row:
            lines.append(f"{row['verdict'].upper()}: {row['row']} ({row['evidence']}): {row['explanation']}")
    checks = [row for row in findings.rows if "passed" in row]
    if checks:
        lines.append(f"checks: {len(checks) - len(findings.failed_checks)} of {len(checks)} passed")
    lines += [f"FAILED: {row['row']}: {row['explanation']}" for row in findings.failed_checks]
    return "\n".join(lines) + "\n"
