"""Values, and where each was taken from."""

import dataclasses

OPTION, FILE, FITTED, DEFAULT, DERIVED = "option", "file", "fitted", "default", "derived"


@dataclasses.dataclass(frozen=True)
class Found:
    """A value with its origin; `where` says more of it, such as the name inside the file."""

    value: object
    origin: str
    where: str = ""

    @property
    def taken_from(self) -> str:
        """For people: "file: axes dim0, dim1"."""
        return f"{self.origin}: {self.where}" if self.where else self.origin


class Table:
    """What was taken from where, in the order in which it was settled."""

    def __init__(self):
        self.rows: list[tuple[str, str, str]] = []

    def add(self, what: str, said: str, found: Found) -> None:
        self.rows.append((what, said, found.taken_from))

    def __str__(self) -> str:
        rows = [("what", "value", "taken from"), *self.rows]
        widths = [max(len(row[i]) for row in rows) for i in range(2)]
        return "\n".join(f"{what:<{widths[0]}}  {said:<{widths[1]}}  {origin}" for what, said, origin in rows)

    def as_list(self) -> list[dict]:
        """The same for JSON."""
        return [{"what": what, "value": said, "from": origin} for what, said, origin in self.rows]


def first(*candidates: Found | None) -> Found | None:
    """The first that is there: options before files before fits before defaults."""
    return next((candidate for candidate in candidates if candidate is not None), None)
