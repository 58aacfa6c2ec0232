"""A panel with sliders, where a front end can move them; a row of stills everywhere. On the site, pictures (grader/site/live.py).

The stills are always shown, so the picture is there on GitHub, in a printed copy and while a notebook is graded. The
sliders follow only where someone can move them: a stored widget without its kernel shows an error, not a picture.
"""

from __future__ import annotations

import gc
import importlib.util
import io
import itertools
import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib
import numpy as np
from IPython import get_ipython
from IPython.display import display
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image

from trainlab import plots

NAMES = """\
<script>
(function name(again) {
  for (const slider of document.querySelectorAll(".widget-slider")) {
    const label = slider.querySelector("label").textContent;
    slider.querySelector("[role=slider]")?.setAttribute("aria-label", label);
    const readout = slider.querySelector(".widget-readout");
    readout?.setAttribute("role", "textbox");
    readout?.setAttribute("aria-label", label + ", typed");
  }
  if (again) setTimeout(name, 500, again - 1);
})(10);
</script>"""
"""ipywidgets 8 writes a slider's label beside it and ties the two by nothing, so a screen reader says only "slider"."""


@dataclass(frozen=True)
class Slider:
    """One number to move: what it is called, its range, its step and where it starts."""

    label: str
    low: float
    high: float
    step: float
    start: float

    @property
    def decimals(self) -> int:
        """How many its values need: 0 where all are whole numbers."""
        return max(len(f"{value:g}".partition(".")[2]) for value in (self.low, self.step))

    @property
    def values(self) -> tuple[float, ...]:
        """Every value that it can be moved to."""
        count = round((self.high - self.low) / self.step) + 1
        return tuple(round(self.low + k * self.step, self.decimals) for k in range(count))


def explore(
    panel: Callable[..., plots.Panel],
    *,
    stills: Sequence[Mapping[str, float]],
    alt: str,
    columns: int | None = None,
    live: bool | None = None,
    **sliders: Slider,
) -> None:
    """Show `panel(**values)` for each of the `stills`; then, in a live front end, once more under `sliders`.

    `panel` takes one number by the name of each slider. `alt` says what is seen in the stills. `live` overrules the
    search for a front end.
    """
    plots.show(*(panel(**values) for values in stills), alt=alt, columns=columns)
    if front_end() if live is None else live:
        display(_widget(panel, alt, sliders, shape(len(stills), columns)))
        display({"text/html": NAMES, "text/plain": ""}, raw=True)


def shape(stills: int, columns: int | None = None) -> tuple[float, float]:
    """Width and height in inches of the live figure: the proportions of one still, as large as a figure may be.

    With a slider or two above it, it stands within 768 pixels.
    """
    columns = columns or stills
    width, height = plots.WIDTH / columns, min(plots.ROW, plots.TALLEST / -(-stills // columns))
    scale = min(plots.WIDTH / width, plots.TALLEST / height)
    return scale * width, scale * height


def front_end() -> bool:
    """Whether this kernel was started for a notebook that someone has open, and widgets are installed.

    Jupyter's server names the session in the kernel's environment; Colab and VS Code leave marks of their own. nbclient,
    nbconvert and the grader do none of this.
    """
    shell = get_ipython()
    opened = (
        "JPY_SESSION_NAME" in os.environ
        or "google.colab" in sys.modules
        or "__vsc_ipynb_file__" in getattr(shell, "user_ns", {})
    )
    return opened and hasattr(shell, "kernel") and importlib.util.find_spec("ipywidgets") is not None


def _widget(
    panel: Callable[..., plots.Panel], alt: str, sliders: Mapping[str, Slider], size: tuple[float, float]
) -> Any:
    import ipywidgets  # an optional dependency, and slow to import

    width = max(len(slider.label) for slider in sliders.values())
    handles = {
        name: ipywidgets.FloatSlider(
            value=slider.start,
            min=slider.low,
            max=slider.high,
            step=slider.step,
            readout_format=f".{slider.decimals}f",
            description=slider.label,
            style={"description_width": f"{width}ch"},
            layout={"width": f"{width + 48}ch"},
        )
        for name, slider in sliders.items()
    }
    picture = ipywidgets.HTML()
    corners = itertools.product(*((slider.low, slider.high) for slider in sliders.values()))
    paint = painter((panel(**dict(zip(sliders, corner, strict=True))) for corner in corners), size)

    def redraw(_: object = None) -> None:
        values = {name: handle.value for name, handle in handles.items()}
        setting = ", ".join(f"{sliders[name].label} = {value:g}" for name, value in values.items())
        picture.value = plots.img(paint(panel(**values)), f"{alt} Now at {setting}.")
        # A figure is a knot of cycles. Left to age, fifty bring on a full collection, which takes a third of a second.
        gc.collect(1)

    for handle in handles.values():
        handle.observe(redraw, names="value")
    redraw()
    return ipywidgets.VBox([*handles.values(), picture])


def painter(
    samples: Iterable[plots.Panel], size: tuple[float, float] = (plots.WIDTH, plots.ROW)
) -> Callable[[plots.Panel], bytes]:
    """A function that draws a panel as PNG, `size` in inches, in about half the time that a stored figure takes: compressed lightly."""
    draw = canvas(samples, size)

    def paint(panel: plots.Panel) -> bytes:
        buffer = io.BytesIO()
        Image.fromarray(draw(panel)[1]).save(buffer, format="PNG", compress_level=1)
        return buffer.getvalue()

    return paint


def canvas(
    samples: Iterable[plots.Panel], size: tuple[float, float], density: float = plots.DENSITY
) -> Callable[[plots.Panel], tuple[Figure, NDArray[np.uint8]]]:
    """A function that draws a panel, `size` in inches: the figure, and its pixels (height, width, 4), which the next call overwrites.

    Laying out is a second of three drawings, so it is done beforehand: the axes stand where the type of every one of
    the `samples` has room, and do not move with the sliders. What is left is drawn once, always by one renderer,
    because it remembers how formulas and words are set: most of them are there in every picture.
    """

    def figure(panel: plots.Panel) -> Figure:
        fig = plots.figure(panel, width=size[0], height=size[1])
        fig.set_dpi(density * fig.dpi)
        return fig

    layouts = []
    for sample in samples:
        fig = figure(sample)
        with matplotlib.rc_context(plots.STYLE):
            fig.draw_without_rendering()
        layouts.append([ax.get_position(original=True).extents for ax in fig.axes])
    boxes = np.array(layouts)  # (samples, axes, 4): left, bottom, right, top
    low, high = boxes[..., :2].max(axis=0), boxes[..., 2:].min(axis=0)
    renderer = RendererAgg(*fig.bbox.size, fig.dpi)

    def draw(panel: plots.Panel) -> tuple[Figure, NDArray[np.uint8]]:
        fig = figure(panel)
        fig.set_layout_engine("none")
        for ax, corner, size in zip(fig.axes, low, high - low, strict=True):
            ax.set_position((*corner, *size))
        renderer.clear()
        with matplotlib.rc_context(plots.STYLE):
            fig.draw(renderer)
        return fig, np.asarray(renderer.buffer_rgba())

    return draw
