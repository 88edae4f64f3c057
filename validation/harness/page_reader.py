"""Reads a page's tables back: which number stands where, in what unit, and where it says it comes from."""

import dataclasses
import json
import re
import urllib.parse
from html.parser import HTMLParser
from pathlib import Path

SCALES = {"": 1, "%": 0.01, "s": 1, "ms": 1e-3, "µs": 1e-6, "B": 1, "kB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12, "Å": 1}


@dataclasses.dataclass
class Link:
    """A linked text of a page."""

    text: str
    href: str
    path: str  # what the page says of the place inside the JSON
    unit: str  # of its column


class PageReader(HTMLParser):
    """Collects the links that name a place in a JSON file."""

    def __init__(self, page: Path):
        super().__init__()
        self.links, self.units, self.column, self.open = [], [], 0, []
        self.feed(page.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        self.open.append((tag, values))
        if tag == "table":
            self.units = []
        elif tag == "tr":
            self.column = -1
        elif tag in ("th", "td"):
            self.column += 1
            if values.get("scope") == "col":
                self.units.append("")
        elif tag == "a" and "data-path" in values:
            unit = self.units[self.column] if self.inside("td") else ""
            self.links.append(Link("", values["href"], values["data-path"], unit))
        if tag in ("meta", "link", "img", "br"):
            self.open.pop()

    def handle_endtag(self, tag):
        while self.open and self.open.pop()[0] != tag:
            pass

    def inside(self, tag):
        return any(name == tag for name, _ in self.open)

    def handle_data(self, data):
        if not self.open:
            return
        tag, values = self.open[-1]
        if tag == "span" and values.get("class") == "unit":
            self.units[-1] = data
        elif tag == "a" and "data-path" in values:
            self.links[-1].text += data


def value_at(page: Path, link: Link):
    """The value that a link leads to, by its fragment, a JSON pointer; fails the test when file or place is not there."""
    name, _, pointer = link.href.partition("#")
    value = json.loads((page.parent / urllib.parse.unquote(name)).read_text())
    for key in pointer.split("/")[1:]:
        value = value[int(key)] if isinstance(value, list) else value[key]
    return value


def path_of(link: Link) -> str:
    """The link's fragment as the page words it."""
    return re.sub(r"/(\d+)", r"[\1]", link.href.partition("#")[2].lstrip("/")).replace("/", ".")


def shows(text: str, unit: str, value: float) -> bool:
    """Whether a text in a unit is a number, rounded to the text's last digit."""
    scale = SCALES[unit]
    plain = text.replace("\u202f", "").replace("−", "-")
    small = plain.startswith("< ")
    number = plain.removeprefix("< ")
    half = 0.5 * 10.0 ** -len(number.partition(".")[2])
    if small:
        return 0 < abs(value / scale) <= half * (1 + 1e-9)
    # half of the last digit, and float64 rounding of the scaling
    return abs(float(number) - value / scale) <= half * (1 + 1e-9)
