"""Where a stored figure may be cut: between its panels, with every label on the side to which it belongs."""

from __future__ import annotations

import html
import io
import itertools
import re
from itertools import pairwise

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

from grader.site import panels
from tests.support.course import LECTURES, ROOT
from trainlab import descend, plots, surfaces
from trainlab.plots import Curve

X = np.arange(1, 30)
BOWL = surfaces.Quadratic((1.0, 9.0))


def plain(ax: Axes) -> None:
    ax.imshow(np.eye(8), aspect="auto")
    ax.set(xticks=[], yticks=[])


def lines(ylabel: str = "loss", label: str = "", logy: bool = False) -> plots.Panel:
    return plots.lines(Curve(X, 1 / X, label), xlabel="step", ylabel=ylabel, title="title", logy=logy)


def wide_ticks(ax: Axes) -> None:
    ax.barh(["no momentum at all", "some"], [1, 2])


def corner_ticks(ax: Axes) -> None:
    """The numbers of both axes end at the corner, so that no column before the spine is empty."""
    ax.contour(np.add.outer(X, X), levels=5, extent=(-3, 3, -3, 3))
    ax.set(xticks=[-3, 0, 3], yticks=[-3, 0, 3], ylabel="the second direction", aspect="equal")


def path(ax: Axes) -> None:
    trace = descend.run(lambda grad, w: itertools.repeat(w), BOWL, [3.0, 1.0], 3)
    plots.descents(BOWL, trace, title="a path")(ax)


heat = plots.heat(
    X, X, np.add.outer(X, X), levels=np.linspace(0, 60, 7), xlabel="x", ylabel="y", zlabel="loss"
)


@pytest.mark.parametrize(
    ("drawn", "columns"),
    [
        ([lines(), lines()], None),
        ([lines(label="a"), lines("β", logy=True), lines("")], None),
        ([lines(label="the longest of labels"), lines(""), lines()], None),
        ([lines(), wide_ticks], None),
        ([heat, heat], None),
        ([corner_ticks, corner_ticks, lines(label="A")], None),
        ([path, path, path, path], None),
        ([plain, plain, lines()], None),
        (
            [
                lines(label="up"),
                lines(),
                lines("a label that is longer than its axes are high"),
                path,
                lines(),
                heat,
            ],
            3,
        ),
        ([lines()], None),
        ([heat], None),
    ],
)
def test_each_part_has_one_column_of_panels_and_all_that_belongs_to_it(drawn, columns):
    fig = plots.figure(*drawn, columns=columns)
    found = cuts(fig)
    count = columns or len(drawn)
    assert len(found) == count - 1
    columns_of_panels = extents(fig, count)
    for cut, (before, after) in zip(found, pairwise(columns_of_panels), strict=True):
        assert before[1] <= cut <= after[0]


def cuts(fig: Figure) -> list[int]:
    return panels.cuts(np.asarray(Image.open(io.BytesIO(plots.png(fig))).convert("RGBA")))


def extents(fig: Figure, count: int) -> list[tuple[float, float]]:
    """First and last dot of each column of panels, colour bars with their panels."""
    fig.set_dpi(plots.DENSITY * fig.dpi)
    fig.draw_without_rendering()
    boxes: list[list[float]] = [[] for _ in range(count)]
    for ax in fig.axes:
        owner = getattr(ax, "_colorbar_info", {"parents": [ax]})["parents"][0]
        box = ax.get_tightbbox()
        assert box is not None
        boxes[owner.get_subplotspec().colspan.start] += [box.x0, box.x1]
    return [(min(part), max(part)) for part in boxes]


def test_the_parts_are_one_file_side_by_side_and_its_text_is_said_once():
    data = plots.png(plots.figure(lines(), lines(label="end")))
    markup = panels.markup("../p/01.png", data, 'A "curve" & more.')
    widths = [int(width) for width in re.findall(r' width="(\d+)"', markup)]
    assert len(widths) == 2 and sum(widths) == Image.open(io.BytesIO(data)).width / plots.DENSITY
    assert markup.count('src="../p/01.png" alt="" loading="lazy"') == 2
    assert markup.count(html.escape('A "curve" & more.')) == 1


@pytest.mark.parametrize("unit", LECTURES)
def test_no_type_of_a_figure_is_smaller_than_that_of_its_ticks(unit):
    """A telephone shows a figure's type as small as 11 pixels, where it has nine points."""
    sizes = re.findall(
        r"(?:fontsize|labelsize)=([\d.]+)", (ROOT / "lectures" / f"{unit}.py").read_text("utf-8")
    )
    assert all(float(size) >= plots.STYLE["xtick.labelsize"] for size in sizes)
