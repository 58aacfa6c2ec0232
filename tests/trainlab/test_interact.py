"""Sliders where a front end answers, stills everywhere."""

import gc
import html
import io
import re
import weakref

import pytest
from matplotlib.figure import Figure
from PIL import Image

from trainlab import interact, plots
from trainlab.interact import Slider, explore
from trainlab.plots import Curve

STILLS = [{"slope": 1.0, "lift": 0.0}, {"slope": -1.0, "lift": 0.5}]
ALT = "Two lines cross the picture, one rising and one falling."


def line(slope, lift):
    return plots.lines(Curve([0, 1], [lift, lift + slope]), xlabel="x", ylabel="y", title=f"slope {slope:g}")


def explore_lines(live=None):
    slope, lift = Slider("slope of the line", -2, 2, 0.5, 1), Slider("lift", 0, 1, 0.1, 0)
    explore(line, stills=STILLS, alt=ALT, live=live, slope=slope, lift=lift)


@pytest.fixture
def shown(monkeypatch):
    calls = []
    monkeypatch.setattr(plots, "display", lambda data, **_: calls.append(data))
    monkeypatch.setattr(interact, "display", lambda data, **_: calls.append(data))
    return calls


def alt_of(picture):
    [alt] = re.findall(r'alt="([^"]*)"', picture.value)
    return html.unescape(alt)


def test_without_a_front_end_there_are_stills_and_nothing_else(shown):
    explore_lines()
    [still] = shown
    assert still["text/plain"] == ALT
    assert "image/png" in still


def test_in_a_live_front_end_the_sliders_follow_and_move_the_picture(shown):
    explore_lines(live=True)
    still, box, names = shown
    assert '"aria-label"' in names["text/html"]
    assert still["text/plain"] == ALT
    slope, lift, picture = box.children
    assert (slope.description, slope.min, slope.max, slope.value) == ("slope of the line", -2, 2, 1)
    assert alt_of(picture) == f"{ALT} Now at slope of the line = 1, lift = 0."
    before = picture.value
    lift.value = 0.5
    assert alt_of(picture).endswith("lift = 0.5.")
    assert picture.value != before


def test_moving_a_slider_draws_once(shown, monkeypatch):
    explore_lines(live=True)
    figures: list[object] = []
    figure = plots.figure
    monkeypatch.setattr(plots, "figure", lambda *panels: figures.append(panels) or figure(*panels))  # type: ignore[func-returns-value]
    shown[1].children[0].value = -2
    assert len(figures) == 1


def test_no_figure_outlives_its_picture(shown, monkeypatch):
    """Figures that grow old bring on a full collection, and one move in fifty waits for it."""
    explore_lines(live=True)
    figures: list[weakref.ref[Figure]] = []
    figure = plots.figure

    def watched(*panels):
        made = figure(*panels)
        figures.append(weakref.ref(made))
        return made

    monkeypatch.setattr(plots, "figure", watched)
    gc.disable()  # no collection but the one that is asked for
    try:
        shown[1].children[0].value = -2
        left = [made() for made in figures]
    finally:
        gc.enable()
    assert left == [None]


def test_axes_stay_in_place_and_all_type_has_room(monkeypatch):
    """While sliders move; laid out for the widest of the samples."""
    figures: list[Figure] = []
    figure = plots.figure
    monkeypatch.setattr(plots, "figure", lambda *panels: figures.append(figure(*panels)) or figures[-1])  # type: ignore[func-returns-value]
    samples = [line(slope, 0.0) for slope in (-1e-6, 2.0, 123456.0)]
    paint = interact.painter(samples)
    figures.clear()
    for sample in samples:
        picture = Image.open(io.BytesIO(paint(sample)))
        assert picture.size == (700, 260)
    assert len({ax.get_position().bounds for fig in figures for ax in fig.axes}) == 1
    for fig in figures:
        drawn, size = fig.get_tightbbox(), fig.get_size_inches()
        assert drawn.x0 >= 0 and drawn.y0 >= 0 and drawn.x1 <= size[0] and drawn.y1 <= size[1]


def test_a_picture_under_sliders_is_the_stored_one_but_for_its_margins():
    """Same size, same background, same colours."""
    panel = line(1.0, 0.0)
    painted, stored = (
        Image.open(io.BytesIO(data)).convert("RGB")
        for data in (interact.painter([panel])(panel), plots.png(plots.figure(panel), small=False))
    )
    assert painted.tobytes() == stored.tobytes()


def test_nothing_of_one_picture_is_left_in_the_next():
    """One renderer draws them all."""
    falling, rising = line(-1.0, 1.0), line(1.0, 0.0)
    paint = interact.painter([falling, rising])
    first = paint(falling)
    assert paint(rising) != first
    assert paint(falling) == first


class Shell:
    kernel = object()

    def __init__(self, **names):
        self.user_ns = names


@pytest.mark.parametrize(
    ("shell", "environment", "expected"),
    [
        (None, {}, False),
        (Shell(), {}, False),  # nbclient, nbconvert, nbgrader
        (Shell(), {"JPY_SESSION_NAME": "05_momentum.ipynb"}, True),  # Jupyter's server
        (Shell(__vsc_ipynb_file__="05_momentum.ipynb"), {}, True),  # VS Code
        (
            object(),
            {"JPY_SESSION_NAME": "05_momentum.ipynb"},
            False,
        ),  # a shell without a kernel: the grader's
    ],
)
def test_front_end(monkeypatch, shell, environment, expected):
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(interact, "get_ipython", lambda: shell)
    assert interact.front_end() is expected


def test_no_widgets_installed(monkeypatch):
    monkeypatch.setenv("JPY_SESSION_NAME", "05_momentum.ipynb")
    monkeypatch.setattr(interact, "get_ipython", Shell)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert interact.front_end() is False
