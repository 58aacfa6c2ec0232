"""The website in a real browser: every page, light and dark, on a desk and on a phone, held by axe-core's rules."""

from __future__ import annotations

import functools
import http.server
import os
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urldefrag, urljoin

import pytest
from filelock import FileLock

from grader.site import live
from tests.browser.test_learner import CHROMIUM, QUIET
from tests.support.axe import SIZES, violations
from tests.support.course import ASSIGNMENTS, LECTURES, ROOT
from trainlab import plots

pytest.importorskip("pydata_sphinx_theme", reason="make site installs what it needs")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(not Path(CHROMIUM).exists(), reason="no chromium: apt-get install chromium"),
]
HEAVIEST = 1_500_000  # bytes of a page, before anything is touched

WEIGHT = """() => ["navigation", "resource"].flatMap(kind => performance.getEntriesByType(kind))
  .reduce((sum, part) => sum + part.decodedBodySize, 0)"""


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture(scope="session")
def site(tmp_path_factory) -> Path:
    """The course's website, built once for all workers of the session; its figures have eight pictures, not 64."""
    from grader.site.build import build

    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "site"
    with FileLock(f"{folder}.lock"):
        if not folder.exists():
            build(ROOT, folder, pictures=8)
    return folder


@pytest.fixture(scope="module")
def address(site) -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(site)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


@pytest.fixture(scope="module")  # two of Playwright's loops in one process shut each other out
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(QUIET))
        yield browser
        browser.close()


def pages(site: Path) -> list[str]:
    """Every page, by its path below the site."""
    return sorted(str(path.relative_to(site)) for path in site.rglob("*.html"))


def test_every_unit_has_its_pages(site):
    wanted = {f"lectures/{unit}.html" for unit in LECTURES} | {
        f"assignments/{unit}.html" for unit in ASSIGNMENTS
    }
    wanted |= {f"{name}.html" for name in ("index", "map", "glossary", "handbook", "reference", "search")}
    assert wanted <= set(pages(site))
    for unit in ASSIGNMENTS:  # what a reader downloads is what students get
        there = site / "assignments" / f"{unit}.ipynb"
        assert there.read_bytes() == (ROOT / "assignments" / unit / f"{unit}.ipynb").read_bytes()


@dataclass
class Visit:
    """What was found on the pages, each opened once."""

    wrong: list[str] = field(default_factory=list)
    weights: dict[str, int] = field(default_factory=dict)
    axe: list[str] = field(default_factory=list)


WHITE = """() => [...document.querySelectorAll('main *')].filter(part => {
  const [r, g, b, a = 1] = getComputedStyle(part).backgroundColor.match(/[\\d.]+/g).map(Number);
  return a > 0.5 && (r + g + b) / 3 > 128 && part.offsetWidth > 40;
}).map(part => part.outerHTML.slice(0, 120))"""


@pytest.fixture(scope="module")
def visit(site, address, browser) -> Visit:
    """Every page, opened on a desk in the light. axe is run there and on a phone in the dark: lectures are made alike, and so are
    assignments, so it looks at two of each, unless SITE_PAGES=all asks for every page, which takes ten minutes."""
    found = Visit()
    alike = {f"{kind}/{unit}.html" for kind in ("lectures", "assignments") for unit in LECTURES}
    alike -= {f"{kind}/{unit}.html" for kind in ("lectures", "assignments") for unit in LECTURES[4::8]}
    if os.environ.get("SITE_PAGES") == "all":
        alike = set()
    context = browser.new_context(viewport={"width": 1366, "height": 768})
    for name in pages(site):
        said: list[str] = []
        tab = context.new_page()  # of what a tab has shown before, the next page weighs nothing
        for event in ("console", "pageerror", "request"):
            tab.on(event, functools.partial(_say, said, address, event))
        tab.goto(f"{address}/{name}")
        found.weights[name] = tab.evaluate(WEIGHT)
        found.wrong += [f"{name}: {what}" for what in said]  # and not what axe asks for
        if name not in alike:
            found.axe += [f"{name}: {what}" for what in violations(tab, sizes=SIZES[:1], schemes=("light",))]
            tab.set_viewport_size({"width": 360, "height": 740})
            tab.emulate_media(color_scheme="dark")
            tab.wait_for_function("document.documentElement.dataset.theme === 'dark'")
            found.axe += [f"{name}: white {box}" for box in tab.evaluate(WHITE)]
            if (wide := tab.evaluate("document.documentElement.scrollWidth")) > 360:
                found.axe.append(f"{name}: {wide} pixels wide")
            found.axe += [f"{name}: {what}" for what in violations(tab, sizes=SIZES[1:], schemes=("dark",))]
        tab.close()
    context.close()
    return found


def _say(said: list[str], address: str, event: str, what: Any) -> None:
    """Note an error on the console or in a script, and a request to another host."""
    if event == "pageerror":
        said.append(f"{what}")
    elif event == "console" and what.type == "error":
        said.append(what.text)
    elif event == "request" and not what.url.startswith(address):
        said.append(what.url)


def test_every_page_opens_light_and_alone(visit):
    """No error on the console, no request to another host, at most 1.5 MB."""
    assert visit.wrong == []
    assert {name: weight for name, weight in visit.weights.items() if weight > HEAVIEST} == {}
    assert min(visit.weights.values()) > HEAVIEST / 2  # the theme alone: each page is weighed whole


def test_axe_finds_nothing_and_the_dark_has_no_white_box(visit):
    assert len(visit.weights) > 40 and visit.axe == []


PALE = {
    "colour": "<p {} style='color: #aaa'>Some words here</p>",
    "ground": "<div style='background: #777'><div><p {}>Some words here</p></div></div>",
    "opacity": "<div style='opacity: .3'><p {}>Some words here</p></div>",
    "hidden": "<p style='color: #bbb; display: none'>Some words here</p>" * 5
    + "<p {} style='color: #bbb'>Some words here</p>",
    "letters": "<p style='color: #ccc'>x</p>" * 5 + "<p {} style='color: #ccc'>Some words here</p>",
    "laid": "<div style='position: relative; height: 3em'><div style='background: #222; position: absolute; inset: 0'></div>"
    "<p {} style='position: relative'>Some words here</p></div>",
}


def test_axe_finds_what_is_pale_among_much_that_is_alike(browser):
    tab = browser.new_page()
    good = "<p>Some words here</p>" * 10
    parts = good + good.join(part.format(f"id='{name}'") for name, part in PALE.items())
    tab.set_content(
        f"<html lang='en'><title>t</title><body style='background: #fff; color: #111'><main><h1>Words</h1>{parts}</main></body></html>"
    )
    found = violations(tab, sizes=SIZES[:1], schemes=("light",))
    assert [line.split(": ")[1:3] for line in found] == [["color-contrast", f"#{name}"] for name in PALE]
    tab.close()


def test_no_link_inside_is_dead(site):
    """Links, pictures, scripts and styles; also the id behind a #."""
    dead = []
    ids: dict[str, set[str]] = {}
    links: dict[str, list[str]] = {}
    for name in pages(site):
        text = (site / name).read_text(encoding="utf-8")
        ids[name] = set(re.findall(r'\bid="([^"]+)"', text))
        links[name] = re.findall(r'\b(?:href|src)="([^"]+)"', text)
    for name, targets in links.items():
        for target in targets:
            path, anchor = urldefrag(urljoin(f"http://site/{name}", target))
            if not path.startswith("http://site/"):
                continue
            there = path.removeprefix("http://site/").split("?")[0]
            if not (site / there).is_file() or (anchor and there in ids and anchor not in ids[there]):
                dead.append(f"{name}: {target}")
    assert dead == []


def test_search_finds_the_saddle(address, browser):
    tab = browser.new_page()
    tab.goto(f"{address}/search.html?q=saddle")
    tab.locator("#search-results li a", has_text="minimum").first.wait_for()
    found = tab.locator("#search-results li a").evaluate_all(
        "links => links.map(link => link.getAttribute('href'))"
    )
    assert any("lectures/04_critical_points" in link for link in found)
    tab.close()


SMALLEST = """async (dots) => {
  const sizes = [];
  for (const [selector, inch] of Object.entries(dots)) for (const picture of document.querySelectorAll(selector)) {
    picture.loading = "eager";
    await picture.decode();
    sizes.push((9 / 72) * inch * picture.getBoundingClientRect().height / picture.naturalHeight);
  }
  return sizes;
}"""
UNREACHABLE = """() => [...document.querySelectorAll("main *")].filter(part =>
  part.scrollWidth > part.clientWidth + 1 && /auto|scroll/.test(getComputedStyle(part).overflowX) && part.tabIndex < 0)
  .map(part => part.outerHTML.slice(0, 120))"""


def test_on_a_telephone_the_type_of_every_figure_has_eleven_pixels(address, browser):
    """Figures have type of nine points or more. What is wider than the screen scrolls by itself, by keyboard, too."""
    dots = {".panels img": 100 * plots.DENSITY, ".picture img": 100 * live.DENSITY}
    tab = browser.new_page(viewport={"width": 360, "height": 740})
    wrong: list[str] = []
    for unit in LECTURES:
        tab.goto(f"{address}/lectures/{unit}.html")
        sizes = tab.evaluate(SMALLEST, dots)
        assert len(sizes) >= 5
        wrong += [f"{unit}: {size:.1f} pixels" for size in sizes if size < 10.99]
        wrong += [f"{unit}: {part}" for part in tab.evaluate(UNREACHABLE)]
        if tab.evaluate("document.documentElement.scrollWidth") > 360:
            wrong.append(f"{unit}: wider than the screen")
    tab.close()
    assert wrong == []


def test_panels_stand_below_one_another_on_a_telephone_and_side_by_side_on_a_desk(address, browser):
    tab = browser.new_page(viewport={"width": 360, "height": 740})
    tab.goto(f"{address}/lectures/05_momentum.html")
    first, second = (tab.locator(".panels").first.locator("img").nth(k) for k in range(2))
    assert second.bounding_box()["y"] >= first.bounding_box()["y"] + first.bounding_box()["height"]
    tab.set_viewport_size({"width": 1366, "height": 768})
    left, right = first.bounding_box(), second.bounding_box()
    assert (left["y"], left["height"]) == (right["y"], right["height"])
    assert left["x"] + left["width"] == pytest.approx(right["x"], abs=0.01)
    tab.close()


def test_one_switch_unfolds_all_code_and_prints_without_the_frame(address, browser):
    tab = browser.new_page()
    tab.goto(f"{address}/lectures/05_momentum.html")
    folded = "[...document.querySelectorAll('details.above-input')].filter(part => !part.open).length"
    assert tab.evaluate(folded) > 5
    tab.get_by_role("button", name="Show all code").click()
    assert tab.evaluate(folded) == 0
    tab.get_by_role("button", name="Fold all code").click()
    assert tab.evaluate(folded) > 5
    tab.emulate_media(media="print")
    assert not tab.locator("#pst-header").is_visible()
    assert not tab.locator(".doors").first.is_visible()
    assert tab.locator("h1").is_visible()
    tab.close()


def test_the_dots_of_the_front_walk(address, browser):
    tab = browser.new_page()
    tab.goto(address)
    dot = tab.locator(".runs .run2 circle").first
    before = dot.bounding_box()
    tab.wait_for_timeout(1500)
    assert dot.bounding_box()["x"] > before["x"] + 20
    tab.close()
