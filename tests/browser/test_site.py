"""The website in a real browser: every page, light and dark, on a desk and on a phone, held by axe-core's rules."""

from __future__ import annotations

import functools
import http.server
import os
import re
import threading
from collections.abc import Iterator
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
    """The course's website, built once for all workers of the session."""
    from grader.site.build import build

    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "site"
    with FileLock(f"{folder}.lock"):
        if not folder.exists():
            build(ROOT, folder)
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


def test_every_page_opens_light_and_alone(site, address, browser):
    """No error on the console, no request to another host, at most 1.5 MB, pictures with their words."""
    wrong: list[str] = []
    weights: dict[str, int] = {}
    context = browser.new_context(viewport={"width": 1366, "height": 768})
    for name in pages(site):
        tab = context.new_page()
        tab.on(
            "console",
            lambda said, name=name: wrong.append(f"{name}: {said.text}") if said.type == "error" else None,
        )
        tab.on("pageerror", lambda error, name=name: wrong.append(f"{name}: {error}"))
        tab.on(
            "request",
            lambda r, name=name: None if r.url.startswith(address) else wrong.append(f"{name}: {r.url}"),
        )
        tab.goto(f"{address}/{name}")
        weights[name] = tab.evaluate(WEIGHT)
        tab.close()
    context.close()
    assert wrong == []
    assert {name: weight for name, weight in weights.items() if weight > HEAVIEST} == {}


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


WHITE = """() => [...document.querySelectorAll('main *')].filter(part => {
  const [r, g, b, a = 1] = getComputedStyle(part).backgroundColor.match(/[\\d.]+/g).map(Number);
  return a > 0.5 && (r + g + b) / 3 > 128 && part.offsetWidth > 40;
}).map(part => part.outerHTML.slice(0, 120))"""


def test_axe_finds_nothing_and_the_dark_has_no_white_box(site, address, browser):
    """On a phone in the dark and on a desk in the light. Lectures are made alike, and so are assignments: two of each, unless
    SITE_PAGES=all asks for every page, which takes ten minutes."""
    found: list[str] = []
    alike = {f"{kind}/{unit}.html" for kind in ("lectures", "assignments") for unit in LECTURES}
    alike -= {f"{kind}/{unit}.html" for kind in ("lectures", "assignments") for unit in LECTURES[4::8]}
    if os.environ.get("SITE_PAGES") == "all":
        alike = set()
    tab = browser.new_context().new_page()
    for name in sorted(set(pages(site)) - alike):
        tab.set_viewport_size({"width": 360, "height": 740})
        tab.emulate_media(color_scheme="dark")
        tab.goto(f"{address}/{name}")
        found += [f"{name}: white {box}" for box in tab.evaluate(WHITE)]
        if (wide := tab.evaluate("document.documentElement.scrollWidth")) > 360:
            found.append(f"{name}: {wide} pixels wide")
        found += [f"{name}: {what}" for what in violations(tab, sizes=SIZES[1:], schemes=("dark",))]
        found += [f"{name}: {what}" for what in violations(tab, sizes=SIZES[:1], schemes=("light",))]
    tab.context.close()
    assert found == []


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
