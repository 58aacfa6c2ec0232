"""Figures: text alternatives, size, type, determinism. What they look like is looked at."""

import base64
import html
import io
import re
import sys
from itertools import pairwise

import matplotlib
import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.text import Text
from PIL import Image

from trainlab import plots
from trainlab.descend import run
from trainlab.plots import Curve
from trainlab.surfaces import DoubleWell, Quadratic


def gradient_descent(grad, w, lr):
    while True:
        w = w - lr * grad(w)
        yield w


BOWL, WELL = Quadratic((1.0, 10.0)), DoubleWell(0.3)
X = np.linspace(0, 1, 30)


def panels():
    calm, wild = (run(gradient_descent, BOWL, [9.0, 3.0], 40, lr=lr) for lr in (0.1, 0.3))
    ball = run(gradient_descent, WELL, [-3.0], 40, lr=0.3)
    return {
        "descents": plots.descents(BOWL, calm, wild, xlim=(-1, 10), ylim=(-8, 8), labels=["calm", "wild"]),
        "free descents": plots.descents(BOWL, calm),
        "losses": plots.losses(calm, wild, labels=["calm", "wild"]),
        "lines": plots.lines(
            Curve(X, X, "measured"), Curve(X, X**2, "theory", theory=True), xlabel="x", ylabel="y"
        ),
        "valley": plots.valley(WELL, ball, xlim=(-4, 10)),
        "heat": plots.heat(
            X, X, np.outer(X, X), Curve(X, X, "x = y"), levels=X[::3], xlabel="x", ylabel="y", zlabel="z"
        ),
    }


@pytest.fixture
def shown(monkeypatch):
    calls = []
    monkeypatch.setattr(plots, "display", lambda data, **options: calls.append((data, options)))
    return calls


@pytest.mark.parametrize("name", panels())
def test_a_panel_draws_the_same_bytes_every_time(name):
    first, second = (plots.png(plots.figure(panels()[name])) for _ in range(2))
    assert first == second


@pytest.mark.parametrize("name", panels())
def test_type_is_large_enough_and_inside_the_picture(name):
    fig = plots.figure(panels()[name])
    fig.draw_without_rendering()
    box = fig.bbox
    for text in fig.findobj(Text):
        if text.get_text() and text.get_visible():
            assert float(text.get_fontsize()) >= 9, text
    for annotation in fig.axes[0].texts:
        extent = annotation.get_window_extent()
        assert extent.x1 <= box.x1 + 1, annotation
        assert box.y0 - 1 <= extent.y0, annotation
        assert extent.y1 <= box.y1 + 1, annotation


@pytest.mark.parametrize("count", [1, 2, 6, 12])
def test_figures_stay_within_seven_by_four_inches(count):
    width, height = plots.figure(*[panels()["lines"]] * count, columns=min(count, 3)).get_size_inches()
    assert width <= 7
    assert height <= 4


def test_a_figure_enters_a_notebook_with_its_text(shown):
    alt = 'Two lines meet at 1; one says "theory" & is dashed.'
    plots.show(panels()["lines"], alt=alt)
    [(bundle, options)] = shown
    assert bundle["text/plain"] == alt
    assert options == {"raw": True, "metadata": {"image/png": {"alt": alt}}}
    match = re.fullmatch(
        r'<img alt="([^"]*)" width="700" style="[^"]*" src="data:image/png;base64,([^"]*)">',
        bundle["text/html"],
    )
    assert match
    assert html.unescape(match[1]) == alt
    for data, width in ((match[2], 1400), (bundle["image/png"], 700)):  # sharp; for pages that take no HTML
        picture = Image.open(io.BytesIO(base64.b64decode(data)))
        assert picture.width == width
        assert picture.convert("RGBA").getchannel("A").getpixel((0, 0)) == 0  # the page's own light or dark


@pytest.mark.parametrize("page", ["white", "#111111"])
def test_a_compressed_picture_looks_like_the_whole_one_on_a_light_and_a_dark_page(page):
    def seen(data):
        picture = Image.open(io.BytesIO(data)).convert("RGBA")
        ground = Image.new("RGBA", picture.size, page)
        ground.alpha_composite(picture)
        return np.asarray(ground.convert("RGB")).astype(float)

    fig = plots.figure(panels()["descents"], panels()["lines"])
    off = np.abs(seen(plots.png(fig)) - seen(plots.png(fig, small=False)))
    assert off.max() <= 80  # where two colours cross
    assert off.mean() <= 0.5


def test_every_colour_of_the_palette_survives_compression():
    lines = [Curve([0, 1], [k, k]) for k in range(len(plots.COLOURS))]
    picture = Image.open(io.BytesIO(plots.png(plots.figure(plots.lines(*lines, xlabel="x", ylabel="y")))))
    used = {tuple(pixel) for pixel in np.asarray(picture.convert("RGBA"))[..., :3].reshape(-1, 3).tolist()}
    wanted = {tuple(round(255 * part) for part in to_rgb(colour)) for colour in plots.COLOURS}
    assert wanted <= used


@pytest.mark.parametrize("alt", ["", "  "])
def test_no_figure_without_its_text(shown, alt):
    with pytest.raises(ValueError, match="alternative text"):
        plots.show(panels()["lines"], alt=alt)
    assert shown == []


def test_drawing_leaves_no_trace_in_matplotlib():
    before = dict(matplotlib.rcParams)
    plots.png(plots.figure(panels()["lines"]))
    assert dict(matplotlib.rcParams) == before
    if "matplotlib.pyplot" in sys.modules:
        assert sys.modules["matplotlib.pyplot"].get_fignums() == []


def test_labels_at_the_ends_do_not_touch():
    curves = [Curve(X, X + 0.001 * k, f"curve {k}") for k in range(5)]
    fig = plots.figure(plots.lines(*curves, xlabel="x", ylabel="y"))
    fig.draw_without_rendering()
    boxes = sorted((text.get_window_extent() for text in fig.axes[0].texts), key=lambda box: box.y0)
    assert len(boxes) == 5
    for lower, upper in pairwise(boxes):
        assert lower.y1 <= upper.y0 + 1


def test_theory_is_dashed_and_measurements_have_markers():
    ax = plots.figure(panels()["lines"]).axes[0]
    measured, theory = ax.lines
    assert (measured.get_linestyle(), measured.get_marker()) == ("-", "o")
    assert (theory.get_linestyle(), theory.get_marker()) == ("--", "None")


def test_every_curve_has_a_second_cue():
    assert len(set(plots.COLOURS)) == len(set(plots.MARKERS)) == len(plots.COLOURS)


def test_a_path_ends_where_it_leaves_the_picture():
    ax = plots.figure(panels()["descents"]).axes[0]
    wild = np.column_stack(ax.lines[1].get_data())
    assert len(wild) < 41
    assert np.all(np.abs(wild[:-1, 1]) <= 8)
    assert abs(wild[-1, 1]) > 8
