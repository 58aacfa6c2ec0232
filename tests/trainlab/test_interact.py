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


@pytest.mark.parametrize(
    ("slider", "decimals", "first", "last"),
    [
        (Slider("hidden units", 2, 5, 1, 2), 0, (2, 3), 5),
        (Slider("start", 0.0, 59.0, 1.0, 0.0), 0, (0, 1), 59),
        (Slider("gap", -6.0, 20.0, 0.5, 4.0), 1, (-6, -5.5), 20),
        (Slider("spread", 0.25, 8, 0.25, 1), 2, (0.25, 0.5), 8),
        (Slider("rate", 0.05, 4.0, 0.05, 1.9), 2, (0.05, 0.1), 4),
    ],
)
def test_a_slider_shows_as_many_decimals_as_its_values_have(shown, slider, decimals, first, last):
    """Whole numbers read "2", not "2.00"."""
    assert (slider.values[:2], slider.values[-1]) == (first, last)
    explore(lambda x: line(x, 0), stills=[{"x": 1}], alt=ALT, live=True, x=slider)
    assert shown[1].children[0].readout_format == f".{decimals}f"


def test_moving_a_slider_draws_once(shown, monkeypatch):
    explore_lines(live=True)
    figures: list[object] = []
    figure = plots.figure

    def counted(*panels, **size):
        figures.append(panels)
        return figure(*panels, **size)

    monkeypatch.setattr(plots, "figure", counted)
    shown[1].children[0].value = -2
    assert len(figures) == 1


def test_no_figure_outlives_its_picture(shown, monkeypatch):
    """Figures that grow old bring on a full collection, and one move in fifty waits for it."""
    explore_lines(live=True)
    figures: list[weakref.ref[Figure]] = []
    figure = plots.figure

    def watched(*panels, **size):
        made = figure(*panels, **size)
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

    def kept(*panels, **size):
        figures.append(figure(*panels, **size))
        return figures[-1]

    monkeypatch.setattr(plots, "figure", kept)
    samples = [line(slope, 0.0) for slope in (-1e-6, 2.0, 123456.0)]
    paint = interact.painter(samples)
    figures.clear()
    for sample in samples:
        picture = Image.open(io.BytesIO(paint(sample)))
        assert picture.size == (plots.DENSITY * 700, plots.DENSITY * 260)
    assert len({ax.get_position().bounds for fig in figures for ax in fig.axes}) == 1
    for fig in figures:
        drawn, size = fig.get_tightbbox(), fig.get_size_inches()
        assert drawn.x0 >= 0 and drawn.y0 >= 0 and drawn.x1 <= size[0] and drawn.y1 <= size[1]


def test_a_picture_under_sliders_is_the_stored_one_but_for_its_margins():
    """Same size, same background, same colours."""
    panel = line(1.0, 0.0)
    painted, stored = (
        Image.open(io.BytesIO(data)).convert("RGBA")
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


@pytest.mark.parametrize(("stills", "columns"), [(1, None), (2, None), (3, None), (4, 2), (6, 3)])
def test_the_live_figure_has_the_proportions_of_a_still_and_stands_in_a_screen(stills, columns):
    """Geometry is the point: a circle stays a circle, and sliders and figure are seen at once in 768 pixels."""
    still = plots.figure(*[line(1.0, 0.0)] * stills, columns=columns)
    width, height = still.get_size_inches() / (columns or stills, stills // (columns or stills))
    live = interact.shape(stills, columns)
    assert live[0] / live[1] == pytest.approx(width / height)
    assert live[0] <= plots.WIDTH + 1e-9 and live[1] <= plots.TALLEST + 1e-9
    assert live[0] >= width and live[1] >= height
    painted = Image.open(io.BytesIO(interact.painter([line(1.0, 0.0)], live)(line(1.0, 0.0))))
    assert painted.width / painted.height == pytest.approx(width / height, rel=0.01)


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
