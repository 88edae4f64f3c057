"""The page of `report` in a real browser: everything loads, every figure shows something, and it fits a phone and paper.

Skipped, with the reason, where there is no Chromium."""

import re

import browser
import pytest
from report_inputs import make_runs, plant_unverified

from harness.__main__ import main

IMAGES = """return [...document.images].map(i => [i.alt, i.complete, i.naturalWidth, i.naturalHeight])"""
DRAWINGS = """return [...document.querySelectorAll('figure svg')].map(svg => {
  const box = svg.getBoundingClientRect();
  const shapes = [...svg.querySelectorAll('path, use')].map(p => p.getBoundingClientRect());
  const inside = shapes.filter(s => (s.width > 2 || s.height > 2) && s.right > box.left && s.left < box.right);
  return [svg.getAttribute('aria-label'), box.width, box.height, inside.length, svg.querySelectorAll('text').length];
})"""
# How many different pixels an image has, drawn small.
COLOURS = """return [...document.images].map(i => {
  const canvas = document.createElement('canvas'); canvas.width = canvas.height = 64;
  const context = canvas.getContext('2d'); context.drawImage(i, 0, 0, 64, 64);
  return new Set(new Uint32Array(context.getImageData(0, 0, 64, 64).data.buffer)).size;
})"""
# What reaches past the right edge of the window without lying in a box that scrolls.
OVERFLOW = """return [...document.querySelectorAll('body *')].filter(e =>
  !e.closest('.scroll, svg') && e.getBoundingClientRect().right > document.documentElement.clientWidth + 0.5
).map(e => e.outerHTML.slice(0, 80))"""
TWINS = """const ids = [...document.querySelectorAll('[id]')].map(e => e.id); return ids.filter((id, i) => ids.indexOf(id) !== i)"""
UNNAMED = """return [...document.querySelectorAll('figure')].filter(f =>
  !f.querySelector('figcaption')?.innerText.trim() || !(f.querySelector('img[alt]')?.alt || f.querySelector('svg[aria-label]'))).length"""
HEADS = """return [...document.querySelectorAll('th:not([scope])')].length"""
LINKS = """return [...document.querySelectorAll('a[href]')].map(a => a.getAttribute('href'))"""


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    browser.find_browser()
    folder = make_runs(tmp_path_factory.mktemp("browser") / "runs")
    plant_unverified(folder)
    output = folder.parent / "page"
    assert main(["report", str(folder), "-o", str(output)]) == 0
    return output / "index.html"


@pytest.fixture
def window(page, tmp_path):
    with browser.opened(page, tmp_path / "profile") as window:
        yield window


def test_nothing_failed_to_load(page, window):
    requests = browser.requests_of(window)
    assert [address for address in requests if not address.startswith("data:")] == [page.resolve().as_uri()]
    assert set(requests.values()) == {None}
    assert window.get_log("browser") == []
    images = window.execute_script(IMAGES)
    assert len(images) == 12  # slice, sum and error of four runs
    assert all(complete and width > 300 and height > 300 for _, complete, width, height in images), images


def test_every_figure_has_content(window):
    drawings = window.execute_script(DRAWINGS)
    assert len(drawings) == 6, [label for label, *_ in drawings]
    for label, width, height, shapes, texts in drawings:
        assert width > 300 and height > 100 and shapes >= 5 and texts >= 4, label
    assert min(window.execute_script(COLOURS)) > 50
    assert window.execute_script(UNNAMED) == 0
    assert window.execute_script(TWINS) == []
    assert window.execute_script(HEADS) == 0


@pytest.mark.parametrize("width", [360, 390, 768, 1280])
def test_nothing_makes_the_page_scroll_sideways(window, width):
    browser.resize(window, width)
    assert window.execute_script(OVERFLOW) == []
    assert window.execute_script("return document.documentElement.scrollWidth <= window.innerWidth")


def test_wide_tables_scroll_in_their_own_box_on_a_phone(window):
    browser.resize(window, 360)
    wide = window.execute_script("return [...document.querySelectorAll('.scroll')].map(b => b.scrollWidth > b.clientWidth)")
    assert any(wide), "no table is wide enough for this test to mean anything"


def test_it_prints(window):
    pdf = browser.print_to_pdf(window)
    assert pdf.startswith(b"%PDF")
    pages = max(int(count) for count in re.findall(rb"/Count (\d+)", pdf))
    assert 2 <= pages <= 12


def test_every_link_leads_somewhere(page, window):
    for href in window.execute_script(LINKS):
        name, _, fragment = href.partition("#")
        if name:
            assert (page.parent / name).is_file(), href
        else:
            assert window.execute_script("return document.getElementById(arguments[0]) !== null", fragment), href


def test_a_damaged_page_is_noticed(page, window, tmp_path):
    """The checks above can fail: a page with a lost image, an empty drawing and a wide block trips each."""
    broken = tmp_path / "broken.html"
    spoiled = '<body><img src="lost.png" alt="x"><figure><svg width="400" height="200"></svg></figure><p style="width:2000px">wide</p>'
    broken.write_text(spoiled)
    window.get(broken.as_uri())
    assert any(browser.requests_of(window).values())
    assert window.get_log("browser")
    assert window.execute_script(IMAGES)[0][2] == 0
    assert window.execute_script(DRAWINGS)[0][3] == 0
    assert window.execute_script(OVERFLOW)
    assert window.execute_script(UNNAMED) == 1
