"""A page's files are on the disk before they have their names, and keep them."""

import sys
from pathlib import Path

import pytest

from harness.report.publish import publish

FILES = {"index.html": b'<a href="data/a.json">', "data/a.json": b"{}"}


@pytest.fixture
def events(monkeypatch):
    """What is synced and what is named, in order, by the last part of its path."""
    seen = []
    monkeypatch.setattr(sys.modules["harness.report.publish"], "sync", lambda path: seen.append(("sync", Path(path).name)))
    for way in ("rename", "replace"):
        real = getattr(Path, way)

        def noted(self, target, real=real):
            seen.append(("name", Path(target).name))
            return real(self, target)

        monkeypatch.setattr(Path, way, noted)
    return seen


def test_a_new_page_is_named_as_a_whole(events, tmp_path):
    publish(FILES, tmp_path / "page")
    named = events.index(("name", "page"))
    assert set(events[:named]) == {("sync", name) for name in ("index.html", "a.json", "data", "new")}
    assert events[named + 1 :] == [("sync", tmp_path.name)]


def test_beside_files_of_others_the_page_itself_is_named_last(events, tmp_path):
    publish(FILES, tmp_path / "page")
    (tmp_path / "page" / "notes.txt").write_text("of the user")
    events.clear()
    publish(FILES, tmp_path / "page")
    first = events.index(("name", "a.json"))
    assert {("sync", "index.html"), ("sync", "a.json")} <= set(events[:first])
    assert [what for what in events[first:] if what[0] == "name"] == [("name", "a.json"), ("name", "index.html")]
    assert set(events[events.index(("name", "index.html")) + 1 :]) == {("sync", "page"), ("sync", "data")}
