"""Figures that move without a kernel: what is run for them, what is drawn, and that they move in a real browser."""

from __future__ import annotations

import ast
import base64
import html
import io
import json
import math
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pytest
import torch
from PIL import Image

from grader.site import bowl, live
from grader.site.slicing import backward_slice
from tests.browser.test_learner import CHROMIUM, QUIET
from tests.support.course import LECTURES, ROOT
from tests.trainlab.test_descend import heavy_ball
from trainlab import descend, plots, surfaces
from trainlab.interact import Slider

SCRIPT, STYLE = (ROOT / "grader" / "site" / name for name in ("live.js", "live.css"))
BROWSER = pytest.mark.skipif(not Path(CHROMIUM).exists(), reason="no chromium: apt-get install chromium")
LINE = """\
from trainlab import interact, plots
from trainlab.plots import Curve
def line(slope, lift):
    return plots.lines(Curve([0, 1], [lift, lift + slope]), xlabel="x", ylabel="y", title=f"slope {slope:g}")
interact.explore(
    line, stills=[{"slope": 1, "lift": 0}, {"slope": -1, "lift": 1}], alt='Two "lines": one rises & one falls.',
    slope=interact.Slider("slope of the line", -2, 2, 0.5, 1), lift=interact.Slider("lift", 0, 3, 1, 0),
)"""


def needed(*cells: str) -> list[str]:
    return [ast.unparse(statement.node) for statement in backward_slice(cells, "explore")]


def test_a_slice_is_what_the_call_needs_and_no_experiment():
    assert needed(
        "import numpy as np\nimport os",
        "slow = np.arange(10**9)\nx = np.ones(2)",
        "def panel(a):\n    return later * a + helper(x)",
        "def helper(y):\n    return y",
        "later = 3",
        "explore(panel, a=1)\nafter = 1",
    ) == [
        "import numpy as np",
        "x = np.ones(2)",
        "def panel(a):\n    return later * a + helper(x)",
        "def helper(y):\n    return y",
        "later = 3",
        "explore(panel, a=1)",
    ]


@pytest.mark.parametrize(
    ("cells", "left_out"),
    [
        (["x = 0", "x = 1", "explore(x)"], {"x = 0"}),  # a later value hides an earlier one
        (["x = 0", "if x:\n    x = 1", "explore(x)"], set()),  # unless it may not be given
        (["x = 0", "x += 1", "explore(x)"], set()),
        (["x = []", "x.append(1)", "explore(x)"], set()),
        (["x = {}", "x['a'] = 1", "explore(x)"], set()),
        (["import torch", "torch.set_num_threads(1)", "explore(torch)"], set()),
        (["x = [0]", "def fill(y):\n    y[0] = 1", "fill(x)", "explore(x)"], set()),
        (
            ["from trainlab import plots", "x = 1", "plots.show(x)", "explore(plots)"],
            {"x = 1", "plots.show(x)"},
        ),
        (["x = 1", "print(x)", "explore(x)"], {"print(x)"}),
        (["x = 1", "def x(a):\n    return a", "explore(x)"], {"x = 1"}),
        (["k = 5", "y = [k for k in range(3)]", "explore(y)"], {"k = 5"}),
        # a function reads a name when it is called: here once before and once after it is bound anew
        (["x = 1", "def f():\n    return x", "y = f()", "x = 2", "explore(y, f)"], set()),
    ],
)
def test_what_a_slice_takes_and_leaves(cells, left_out):
    assert needed(*cells) == [cell for cell in cells if cell not in left_out]


def test_without_the_call_there_is_no_slice_and_no_figure():
    assert backward_slice(["x = 1", "def f():\n    explore(x)"], "explore") == []
    assert live.explored(["x = 1"]) is None


@pytest.mark.parametrize("pictures", [12, 120, 200])
def test_a_grid_has_the_ends_and_the_start_of_every_slider_and_no_more_pictures_than_allowed(pictures):
    sliders = {
        "a": Slider("a", 0, 0.99, 0.01, 0.9),
        "b": Slider("b", 2, 5, 1, 2),
        "c": Slider("c", -6, 20, 0.5, 4),
    }
    chosen = live.grid(sliders, pictures)
    if pictures >= 3**3:
        assert math.prod(map(len, chosen.values())) <= pictures
    for name, slider in sliders.items():
        assert {slider.low, slider.high, slider.start} <= set(chosen[name]) <= set(slider.values)
        assert list(chosen[name]) == sorted(chosen[name])
    small = {"b": sliders["b"], "d": Slider("d", 0, 9, 1, 4)}
    assert live.grid(small, pictures=120) == {name: slider.values for name, slider in small.items()}


def test_pictures_have_the_colours_of_the_stored_figures():
    pixels = np.zeros((4, 4, 4), np.uint8)
    pixels[1:3] = (0, 114, 178, 255)
    picture = Image.open(io.BytesIO(live.encoder()(pixels))).convert("RGBA")
    assert np.asarray(picture)[0, 0, 3] == 0
    assert picture.getpixel((1, 1)) == (0, 114, 178, 255)


def facts_of(markup: str) -> dict[str, Any]:
    [data] = re.findall(r'data-figure="([^"]*)"', markup)
    return json.loads(html.unescape(data))


@pytest.fixture(scope="module")
def drawn(tmp_path_factory) -> tuple[Path, str]:
    """The line's figure, drawn, on a page of its own."""
    site = tmp_path_factory.mktemp("site")
    folder = site / "_static" / "line"
    folder.mkdir(parents=True)
    found = live.explored([LINE])
    assert found is not None
    markup = live.figure(found, folder, "_static/line")
    return page(site, markup), markup


def page(site: Path, markup: str) -> Path:
    path = site / "page.html"
    path.write_text(
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>A figure</title><style>{STYLE.read_text()}</style>'
        f"<main><h1>A figure</h1>{markup}</main><script>{SCRIPT.read_text()}</script></html>"
    )
    return path


def test_a_picture_for_every_setting_in_the_order_that_the_script_counts(drawn):
    path, markup = drawn
    facts = facts_of(markup)
    assert (facts["count"], facts["pictured"]) == (9 * 4, [0, 1])
    found = live.explored([LINE])
    assert found is not None
    for slope, lift in ((-2, 0), (0.5, 3), (2, 1)):
        at = found.sliders["slope"].values.index(slope) * 4 + lift
        size = Image.open(path.parent / "_static" / "line" / f"{at}.webp").size
        assert size == Image.open(path.parent / "_static" / "line" / "still0.webp").size
    same = [(path.parent / "_static" / "line" / name).read_bytes() for name in ("24.webp", "still0.webp")]
    assert same[0] == same[1]  # slope 1, lift 0
    assert 'aria-label="Two &quot;lines&quot;: one rises &amp; one falls."' in markup


def test_what_a_lecture_prints_does_not_reach_the_terminal(tmp_path, capfd):
    cells = [LINE.replace("def line(slope, lift):", "def line(slope, lift):\n    print('a panel')")]
    cells.insert(0, "def loud():\n    print('a cell')\n    return 1\none = loud()")
    cells[1] = cells[1].replace("lift + slope", "lift + one * slope")
    nb = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    (tmp_path / "lectures").mkdir()
    nbformat.write(nb, tmp_path / "lectures" / "01_line.ipynb")
    assert live.draw(tmp_path, "01_line", tmp_path / "_static") is not None
    assert (tmp_path / "_static" / "01_line" / "0.webp").exists()
    assert capfd.readouterr() == ("", "")


def test_the_script_can_be_read_at_a_sitting():
    lines = SCRIPT.read_text().splitlines()
    assert len(lines) <= 60 and max(map(len, lines)) <= 150


@contextmanager
def opened(path: Path, asked: list[str] | None = None, **options: Any) -> Iterator[Any]:
    """The page in a browser; fails afterwards where its script raised or wrote an error. The names of the files that it asks for go to `asked`."""
    from playwright.sync_api import sync_playwright

    raised: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(QUIET))
        tab = browser.new_page(**options)
        tab.on("pageerror", lambda error: raised.append(str(error)))
        tab.on("console", lambda said: raised.append(said.text) if said.type == "error" else None)
        if asked is not None:
            tab.on("request", lambda request: asked.append(request.url.rpartition("/")[2]))
        tab.goto(path.as_uri())
        yield tab
        browser.close()
    assert raised == []


@BROWSER
@pytest.mark.browser
def test_keyboard_and_mouse_move_the_picture_and_its_text(drawn):
    asked: list[str] = []
    with opened(drawn[0], asked) as tab:
        picture, slope = tab.locator(".picture img"), tab.get_by_label("slope of the line")
        assert not tab.locator(".stills").is_visible()
        assert picture.get_attribute("alt") == (
            'Two "lines": one rises & one falls. Now at slope of the line = 1.0, lift = 0.'
        )
        assert picture.get_attribute("src").endswith("/24.webp")
        assert (
            {"24.webp"} <= {*asked} <= {"page.html", "24.webp", "still0.webp", "still1.webp"}
        )  # before it is touched
        slope.press("ArrowRight")
        assert slope.get_attribute("aria-valuetext") == "1.5"
        assert picture.get_attribute("src").endswith("/28.webp")
        tab.wait_for_function(
            "() => document.querySelector('figure').loaded?.every((image) => image.naturalWidth)"
        )
        box = tab.get_by_label("lift").bounding_box()
        tab.mouse.click(box["x"] + box["width"] - 4, box["y"] + box["height"] / 2)
        assert picture.get_attribute("alt").endswith("Now at slope of the line = 1.5, lift = 3.")
        assert picture.get_attribute("src").endswith("/31.webp")
        assert tab.evaluate("document.querySelector('.picture img').naturalWidth") > 300


@BROWSER
@pytest.mark.browser
def test_without_javascript_the_stills_stand_below_one_another_on_a_telephone(drawn):
    with opened(drawn[0], java_script_enabled=False, viewport={"width": 360, "height": 740}) as tab:
        assert not tab.locator(".moving").is_visible()
        first, second = (tab.locator(".stills img").nth(k).bounding_box() for k in range(2))
        assert second["y"] >= first["y"] + first["height"]
        assert tab.evaluate("document.documentElement.scrollWidth") <= 360


def test_type_has_eleven_pixels_on_a_telephone():
    """A column of 312 pixels (360 less the margins); a picture's smallest type is that of the ticks, in points of a 72nd of an inch."""
    assert plots.STYLE["xtick.labelsize"] / 72 * 312 / live.WIDTH >= 11


def test_every_slider_of_the_course_has_its_start_on_its_track():
    for unit in LECTURES:
        for low, high, step, start in re.findall(
            r"interact\.Slider\(\"[^\"]*\", ([-.\d]+), ([-.\d]+), ([-.\d]+), ([-.\d]+)\)",
            (ROOT / "lectures" / f"{unit}.py").read_text(),
        ):
            slider = Slider("", float(low), float(high), float(step), float(start))
            assert slider.start in slider.values and slider.values[-1] == slider.high, unit


def lecture(unit: str) -> live.Explored:
    nb = nbformat.read(ROOT / "lectures" / f"{unit}.ipynb", as_version=4)
    found = live.explored([cell.source for cell in nb.cells if cell.cell_type == "code"])
    assert found is not None
    return found


BOWLS = {"05_momentum": "heavy_ball", "07_adaptive_rates": "adaptive"}


@BROWSER
@pytest.mark.browser
@pytest.mark.parametrize("unit", BOWLS)
def test_the_script_walks_the_lectures_own_path(unit, tmp_path, monkeypatch):
    """At settings taken at random, and from the start to which the reader drags the star."""
    folder = tmp_path / "_static" / unit
    folder.mkdir(parents=True)
    found = lecture(unit)
    markup = live.figure(found, folder, f"_static/{unit}")
    facts = facts_of(markup)["bowl"]
    assert facts["rule"] == BOWLS[unit]
    (x0, x1), (y0, y1) = facts["limits"]
    runs: list[tuple[Any, Any, int, dict[str, Any], descend.Trace]] = []

    def watched(rule, surface, start, steps, **settings):
        trace = descend.run(rule, surface, start, steps, **settings)
        runs.append((rule, surface, steps, settings, trace))
        return trace

    monkeypatch.setitem(found.names, "run", watched)
    rng = np.random.default_rng(0)

    def shown(tab) -> np.ndarray:
        points = np.array(
            [p.split(",") for p in tab.locator("polyline").get_attribute("points").split()], float
        )
        share = points / facts["size"]
        return np.column_stack([x0 + share[:, 0] * (x1 - x0), y1 - share[:, 1] * (y1 - y0)])

    with opened(page(tmp_path, markup)) as tab:
        for _ in range(5):
            values = {}
            for name, slider in found.sliders.items():
                at = int(rng.integers(len(slider.values)))
                values[name] = slider.values[at]
                tab.locator(f"#live-{name}").fill(str(at))
            found.panel(**values)
            path = shown(tab)
            assert np.allclose(path, runs[-1][-1].path[: len(path)], rtol=1e-6, atol=1e-6)
            inside = np.all((path > (x0, y0)) & (path < (x1, y1)), axis=1)
            assert inside[:-1].all() and (len(path) == facts["steps"] + 1 or not inside[-1])
        star, rect = tab.locator("svg g path").bounding_box(), tab.locator("svg rect").bounding_box()
        tab.mouse.move(star["x"] + star["width"] / 2, star["y"] + star["height"] / 2)
        tab.mouse.down()
        tab.mouse.move(rect["x"] + rect["width"] / 4, rect["y"] + rect["height"] / 4, steps=3)
        tab.mouse.up()
        moved = shown(tab)
        assert moved[0] == pytest.approx([x0 + (x1 - x0) / 4, y1 - (y1 - y0) / 4], abs=1e-3)
        rule, surface, steps, settings, _ = runs[-1]
        expected = descend.run(rule, surface, moved[0], steps, **settings).path
        assert np.allclose(moved, expected[: len(moved)], rtol=1e-5, atol=1e-5)
        tab.get_by_label("start w₁").press("ArrowRight")
        assert shown(tab)[0, 0] > moved[0, 0]
        assert "start w₁ = " in tab.locator(".picture img").get_attribute("alt")


def plain(grad, w, lr):
    while True:
        w = w - lr * grad(w)
        yield w


SLIDERS = {"a": Slider("a", 0.1, 0.3, 0.1, 0.2), "b": Slider("b", 0, 0.9, 0.3, 0.3)}


@pytest.mark.parametrize(
    ("change", "is_path"),
    [
        ({}, True),
        ({"rule": plain}, False),  # a rule that the script does not know
        ({"surface": surfaces.DoubleWell(0.3), "start": [1.0]}, False),  # no bowl of two weights
        ({"lr": lambda a, b: a * (1 - b)}, False),  # a number that follows both sliders
        ({"twice": True}, False),  # two paths
    ],
)
def test_what_counts_as_a_path_on_a_bowl(change, is_path):
    names: dict[str, Any] = {"run": descend.run}
    case = {
        "rule": heavy_ball,
        "surface": surfaces.Quadratic((1.0, 9.0)),
        "start": [2.0, 1.0],
        "lr": lambda a, b: a,
    }

    def panel(a, b):
        now = case | change
        settings = {"beta": b} if now["rule"] is heavy_ball else {}
        for _ in range(1 + now.get("twice", False)):
            trace = names["run"](now["rule"], now["surface"], now["start"], 5, lr=now["lr"](a, b), **settings)
        return trace

    found = bowl.path(panel, SLIDERS, names)
    assert (found is not None) is is_path
    if found:
        assert found.settings == {
            "hessian": (-1, [[[1, 0], [0, 9]]]),
            "lr": (0, [0.1, 0.2, 0.3]),
            "beta": (1, [0, 0.3, 0.6, 0.9]),
        }
        assert names["run"] is descend.run


@pytest.fixture
def own_defaults() -> Iterator[None]:
    """Lectures set torch's defaults; `draw_all` gives each a process of its own."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float32)
    yield
    torch.set_default_dtype(before)


@pytest.mark.slow
@pytest.mark.parametrize("unit", LECTURES)
def test_what_a_slice_draws_is_what_the_whole_lecture_stored(unit, own_defaults):
    """The stills, drawn from the few statements that the figure needs, are those of the built notebook, but for rounding:
    a handful of pixels in a million."""
    nb = nbformat.read(ROOT / "lectures" / f"{unit}.ipynb", as_version=4)
    [stored] = [
        out.data["text/html"]
        for cell in nb.cells
        if cell.cell_type == "code" and "interact.explore(" in cell.source
        for out in cell.outputs
        if "image/png" in out.get("data", {})
    ]
    found = lecture(unit)
    fig = plots.figure(*(found.panel(**values) for values in found.stills), columns=found.columns)
    assert f'alt="{html.escape(found.alt)}"' in stored
    before, now = (
        np.asarray(Image.open(io.BytesIO(data)).convert("RGBA"))
        for data in (base64.b64decode(re.findall('base64,([^"]*)', stored)[0]), plots.png(fig))
    )
    assert before.shape == now.shape
    assert np.mean((before != now).any(axis=-1)) < 1e-3
