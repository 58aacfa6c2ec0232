"""Figures: one style, nothing computed, and alternative text for every picture.

A panel is a function that draws on one matplotlib Axes. The functions here make panels; a lecture may write its own in
three lines. `show` is the only way a figure enters a notebook:

    plots.show(plots.descents(bowl, run(heavy_ball, bowl, start, 60, lr=0.1, beta=0.9)), alt="The path ...")
"""

from __future__ import annotations

import base64
import functools
import html
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import matplotlib
import numpy as np
from IPython.display import display
from matplotlib.axes import Axes
from matplotlib.colors import BoundaryNorm, to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.patheffects import AbstractPathEffect, withStroke
from numpy.typing import ArrayLike
from PIL import Image

from trainlab.descend import Trace
from trainlab.surfaces import Surface

if TYPE_CHECKING:
    from matplotlib.typing import ColorType  # since 3.8

Panel = Callable[[Axes], None]

WIDTH, ROW, TALLEST = 7.0, 2.6, 4.0
"""Inches: a figure's width, the height of one row of panels, the height that no figure exceeds."""
DENSITY = 2
"""Dots of a stored picture for each pixel of the page: sharp on a screen of 200 dots an inch, and on a slide."""
GREY = "#767676"
"""The colour of type, axes and marks: a contrast of 4.5 with a white page and of 4.2 with a dark one (#111111), as pictures are transparent."""
COLOURS = ("#0072B2", "#D55E00", "#009E73", GREY, "#CC79A7", "#C38700", "#4A9BC8")
"""Okabe and Ito's palette: its orange and its sky blue darker, so that each has a contrast of 3 with white and with a dark page, no yellow,
and grey for its black."""
CONTOUR = "0.57"
"""The grey of contour lines: as light as a contrast of 3 with white allows."""
DASHES = ("--", ":", "-.")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
STYLE: dict[Any, Any] = {  # Any: matplotlib names its keys one by one in some versions
    "figure.dpi": 100,
    "figure.facecolor": "none",  # transparent: the page's own light or dark
    "axes.facecolor": "none",
    "text.color": GREY,
    "axes.titlecolor": GREY,
    "axes.labelcolor": GREY,
    "axes.edgecolor": GREY,
    "xtick.color": GREY,
    "ytick.color": GREY,
    "font.size": 10,
    "axes.titlesize": 10,
    "axes.labelsize": 10,
    "xtick.labelsize": 9,
    "ytick.labelsize": 9,
    "legend.fontsize": 9,
    "legend.frameon": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "lines.linewidth": 1.6,
    "lines.markersize": 4.5,
    "image.cmap": "cividis",  # even in lightness, also for colour-blind readers
}


def figure(
    *panels: Panel, columns: int | None = None, height: float | None = None, width: float = WIDTH
) -> Figure:
    """Draw the panels from left to right, in rows of `columns` (all in one row unless told otherwise); inches."""
    columns = columns or len(panels)
    rows = -(-len(panels) // columns)
    with matplotlib.rc_context(STYLE):
        fig = Figure(figsize=(width, min(height or ROW * rows, TALLEST)), layout="constrained")
        for k, panel in enumerate(panels, 1):
            panel(fig.add_subplot(rows, columns, k))
    return fig


def show(*panels: Panel, alt: str, columns: int | None = None, height: float | None = None) -> None:
    """Put a figure made of `panels` into the notebook. `alt` says in one sentence what is seen in it.

    Raises ValueError without such a sentence, and where two lines of a panel can only be told apart by their colour.
    """
    if not alt.strip():
        raise ValueError("a figure needs alternative text: one sentence that says what is seen")
    fig = figure(*panels, columns=columns, height=height)
    for number, ax in enumerate(fig.axes, 1):
        if colours := by_colour_alone(ax):
            raise ValueError(
                f"panel {number}: lines in {' and '.join(colours)} differ by colour alone; give them markers, dashes or a label"
            )
    # JupyterLab reads the text only from an <img>; a page that takes no HTML shows the coarse picture, nbconvert with the text from its
    # metadata; a terminal shows the text itself.
    sharp = png(fig)
    fig.set_layout_engine(
        None
    )  # the coarse one keeps the layout, which takes as long to find as the rest to draw
    coarse = base64.b64encode(png(fig, density=1)).decode()
    bundle = {"text/html": img(sharp, alt), "image/png": coarse, "text/plain": alt}
    display(bundle, raw=True, metadata={"image/png": {"alt": alt}})


def png(fig: Figure, *, small: bool = True, density: int = DENSITY) -> bytes:
    """The figure as PNG, transparent, the same bytes every time. `small` spends 50 ms on a third of the size.

    It paints with a fixed palette: this module's colours and the colour map's, the former at ten opacities. A colour
    from elsewhere becomes the nearest of these.
    """
    buffer = io.BytesIO()
    with matplotlib.rc_context(STYLE):
        packing = {"compress_level": 0} if small else {}  # read again at once
        fig.savefig(
            buffer, format="png", dpi=density * fig.dpi, metadata={"Software": None}, pil_kwargs=packing
        )
    if not small:
        return buffer.getvalue()
    pixels = np.asarray(Image.open(buffer).convert("RGBA"))
    flat = pixels.view(np.uint32).ravel()
    begins = np.flatnonzero(np.diff(flat, prepend=~flat[:1]))  # runs of one colour: few, and so to sort fast
    seen, place = np.unique(flat[begins], return_inverse=True)
    near = nearest(seen.view(np.uint8).reshape(-1, 4))[place]
    colours, buffer = palette(), io.BytesIO()
    painted = np.repeat(near, np.diff(begins, append=flat.size))
    picture = Image.fromarray(painted.reshape(pixels.shape[:2]), mode="P")
    picture.putpalette(colours[:, :3].tobytes())
    picture.save(buffer, format="PNG", optimize=True, transparency=colours[:, 3].tobytes())
    return buffer.getvalue()


def nearest(colours: np.ndarray) -> np.ndarray:
    """Index (n,) into the palette of the colour nearest to each of `colours` (n, 4), as seen on black and on white."""

    def seen(rgba: np.ndarray) -> np.ndarray:
        opacity = rgba[:, 3:] / 255
        return np.hstack([rgba[:, :3] * opacity, rgba[:, :3] * opacity + 255 * (1 - opacity)])

    of_palette = seen(palette())
    chunks = np.array_split(seen(colours), 1 + len(colours) // 1000)
    return np.concatenate([((chunk[:, None] - of_palette) ** 2).sum(2).argmin(1) for chunk in chunks]).astype(
        np.uint8
    )


@functools.cache
def palette() -> np.ndarray:
    """RGBA (at most 256, 4). An adaptive palette of this size would merge the blue and the green of thin lines into one teal."""
    plain: list[ColorType] = [*COLOURS, *map(ink, COLOURS), CONTOUR, "black", "white"]
    solid = np.array([*dict.fromkeys(to_rgb(colour) for colour in plain)])
    faint = np.column_stack([np.repeat(solid, 10, axis=0), np.tile(np.linspace(0.1, 1, 10), len(solid))])
    scale = matplotlib.colormaps[STYLE["image.cmap"]](np.linspace(0, 1, 64))
    return np.round(255 * np.vstack([np.zeros(4), faint, scale])).astype(np.uint8)


def by_colour_alone(ax: Axes) -> list[str]:
    """Colours of lines that share marker, dash and width, and of which at most one has its label at its end."""
    inks = {to_hex(text.get_color()) for text in ax.texts}
    alike: dict[tuple[object, ...], set[str]] = {}
    for line in ax.lines:
        look = (line.get_marker(), line.get_linestyle(), line.get_linewidth())
        if to_hex(ink(line.get_color())) not in inks:
            alike.setdefault(look, set()).add(to_hex(line.get_color()))
    return next((sorted(colours) for colours in alike.values() if len(colours) > 1), [])


def contrast(colour: ColorType) -> float:
    """Contrast with white, 1 to 21, as WCAG 2 defines it: lines need 3, text needs 4.5."""
    rgb = np.array(to_rgb(colour))
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return float(1.05 / (linear @ (0.2126, 0.7152, 0.0722) + 0.05))


def ink(colour: ColorType) -> tuple[float, float, float]:
    """The colour for text: darker by as many hundredths as a contrast of 4.5 takes."""
    rgb = np.array(to_rgb(colour))
    red, green, blue = next(rgb * t for t in np.linspace(1, 0, 101) if contrast(tuple(rgb * t)) >= 4.5)
    return float(red), float(green), float(blue)


def img(data: bytes, alt: str) -> str:
    """An HTML image that carries its bytes and its alternative text with it."""
    source = base64.b64encode(data).decode()
    width = Image.open(io.BytesIO(data)).width // DENSITY
    return f'<img alt="{html.escape(alt)}" width="{width}" style="max-width: 100%" src="data:image/png;base64,{source}">'


# --- panels -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Curve:
    """One line of a `lines` panel. What theory says is dashed and bare; what was measured has markers.

    `colour` is an index into the palette: give a prediction and its measurement the same.
    """

    x: ArrayLike
    y: ArrayLike
    label: str = ""
    theory: bool = False
    colour: int | None = None


def lines(
    *curves: Curve,
    xlabel: str,
    ylabel: str,
    title: str = "",
    logx: bool = False,
    logy: bool = False,
    ylim: tuple[float, float] | None = None,
) -> Panel:
    """Curves with their labels at their right ends."""

    def draw(ax: Axes) -> None:
        ax.set(xlabel=xlabel, ylabel=ylabel, title=title)
        ax.set_xscale("log" if logx else "linear")
        ax.set_yscale("log" if logy else "linear")
        colours = [k if curve.colour is None else curve.colour for k, curve in enumerate(curves)]
        labelled = {colour for colour, curve in zip(colours, curves, strict=True) if curve.label}
        dashes: dict[int, str] = {}  # a second colour of theory is dotted, where no label tells the two apart
        for colour, curve in zip(colours, curves, strict=True):
            if curve.theory:
                dash = "--"
                if colour not in labelled:
                    dash = dashes.setdefault(colour, DASHES[len(dashes) % len(DASHES)])
                ax.plot(curve.x, curve.y, color=COLOURS[colour], linestyle=dash, linewidth=1.2)
            else:
                gap = max(1, np.size(curve.x) // 12)
                ax.plot(curve.x, curve.y, color=COLOURS[colour], marker=MARKERS[colour], markevery=gap)
        if ylim:
            ax.set_ylim(ylim)
        _label_ends(ax, [curve.label for curve in curves])

    return draw


def losses(*traces: Trace, labels: Sequence[str] | None = None, title: str = "") -> Panel:
    """Loss against step, the loss on a logarithmic axis."""
    curves = [
        Curve(trace.steps, trace.losses, label)
        for trace, label in zip(traces, labels or [t.label for t in traces], strict=True)
    ]
    return lines(*curves, xlabel="step", ylabel="loss", title=title, logy=True)


def descents(
    surface: Surface,
    *traces: Trace,
    labels: Sequence[str] = (),
    title: str = "",
    xlim: tuple[float, float] | None = None,
    ylim: tuple[float, float] | None = None,
    grid: int = 120,
) -> Panel:
    """Paths from a common start (the star) on the contour lines of a surface of two weights.

    A path that leaves the picture ends at its edge. Without `labels` there is no legend: traces have the same colours
    and markers in every panel, and `losses` beside this one names them. The surface is evaluated on `grid` by `grid`
    points: take fewer where that is slow.
    """

    def draw(ax: Axes) -> None:
        points = np.concatenate([trace.path for trace in traces])
        x0, x1 = xlim or _margins(points[:, 0])
        y0, y1 = ylim or _margins(points[:, 1])
        x, y = np.meshgrid(np.linspace(x0, x1, grid), np.linspace(y0, y1, grid))
        altitude = surface.value(np.stack([x, y], axis=-1))
        levels = np.quantile(altitude, np.linspace(0.03, 0.97, 6))
        ax.contour(x, y, altitude, levels=levels, colors=CONTOUR, linewidths=0.7)
        for k, trace in enumerate(traces):
            outside = ~np.all((trace.path >= (x0, y0)) & (trace.path <= (x1, y1)), axis=1)
            shown = int(outside.argmax()) + 1 if outside.any() else len(outside)
            ax.plot(*trace.path[:shown].T, color=COLOURS[k], marker=MARKERS[k], linewidth=0.9, markersize=3)
        ax.plot(*traces[0].path[0], marker="*", color=GREY, markersize=10, linestyle="none")
        ax.set(xlim=(x0, x1), ylim=(y0, y1), xlabel="$w_1$", ylabel="$w_2$", title=title)
        if labels:
            ax.legend(ax.lines[: len(labels)], labels, loc="best")

    return draw


def valley(
    surface: Surface,
    *traces: Trace,
    xlim: tuple[float, float],
    labels: Sequence[str] | None = None,
    title: str = "",
) -> Panel:
    """A surface of one weight in profile, each path as a row of balls on it; a large ball marks where it ends."""

    def draw(ax: Axes) -> None:
        x = np.linspace(*xlim, 400)
        profile = surface.value(x[:, None])
        lift = 0.04 * np.ptp(profile)  # paths lie above one another, not on top of one another
        ax.plot(x, profile, color=GREY, linewidth=1.2)
        names = labels or [trace.label for trace in traces]
        for k, (trace, name) in enumerate(zip(traces, names, strict=True)):
            x, y = trace.path[:, 0], trace.losses + lift * (k + 1)
            ax.plot(x, y, color=COLOURS[k], marker=MARKERS[k], markersize=2.5, linewidth=0.6, alpha=0.7)
            ax.plot(
                x[-1:],
                y[-1:],
                color=COLOURS[k],
                marker=MARKERS[k],
                markersize=10,
                linestyle="none",
                label=name,
            )
        ax.set(xlabel="$x$", ylabel="loss", title=title, xlim=xlim)
        ax.legend(loc="best")

    return draw


def heat(
    x: ArrayLike,
    y: ArrayLike,
    z: ArrayLike,
    *curves: Curve,
    levels: ArrayLike,
    xlabel: str,
    ylabel: str,
    zlabel: str,
    title: str = "",
) -> Panel:
    """z (len(y), len(x)) in one colour for each interval of `levels`, with curves over it, white with a black edge. nan is left open."""

    def draw(ax: Axes) -> None:
        edge: list[AbstractPathEffect] = [
            withStroke(linewidth=3, foreground="black")
        ]  # seen on every colour of the map, and where it is open
        colours = BoundaryNorm(np.asarray(levels), 256)
        mesh = ax.pcolormesh(x, y, np.asarray(z), norm=colours, shading="nearest", rasterized=True)
        ax.figure.colorbar(mesh, ax=ax, label=zlabel)
        for curve, dash in zip(curves, DASHES, strict=False):
            ax.plot(curve.x, curve.y, color="white", linestyle=dash, label=curve.label, path_effects=edge)
        if curves:
            for name in ax.legend(loc="best", labelcolor="white").get_texts():
                name.set_path_effects(edge)
        ax.set(xlabel=xlabel, ylabel=ylabel, title=title)

    return draw


def _margins(values: np.ndarray) -> tuple[float, float]:
    finite = values[np.isfinite(values)]
    low, high = float(finite.min()), float(finite.max())
    pad = 0.12 * (high - low) or 1.0
    return low - pad, high + pad


def _label_ends(ax: Axes, labels: Sequence[str], gap: float = 0.085) -> None:
    """Write each line's label to the right of its last point, moved up or down where two would touch."""
    ax.autoscale_view()  # the heights below need the final limits
    ends = []
    for line, label in zip(list(ax.lines), labels, strict=True):
        xy = np.column_stack(line.get_data())
        xy = xy[np.isfinite(xy).all(axis=1)]
        if label and xy.size:
            height = ax.transAxes.inverted().transform(ax.transData.transform(xy[-1]))[1]
            ends.append((float(np.clip(height, 0, 1)), label, ink(line.get_color())))
    ends.sort()
    heights = np.array([height for height, _, _ in ends])
    for k in range(1, len(ends)):
        heights[k] = max(heights[k], heights[k - 1] + gap)
    for k in reversed(range(len(ends))):
        heights[k] = min(heights[k], 1 - gap * (len(ends) - 1 - k))
    for height, (_, label, colour) in zip(heights, ends, strict=True):
        ax.annotate(
            label,
            (1.02, height),
            xycoords="axes fraction",
            va="center",
            color=colour,
            fontsize=9,
            annotation_clip=False,
        )
