"""A panel with sliders, where a front end can move them; a row of stills everywhere.

The stills are always shown, so the picture is there on GitHub, in a printed copy and while a notebook is graded. The
sliders follow only where someone can move them: a stored widget without its kernel shows an error, not a picture.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from IPython import get_ipython
from IPython.display import display

from trainlab import plots


@dataclass(frozen=True)
class Slider:
    """One number to move: what it is called, its range, its step and where it starts."""

    label: str
    low: float
    high: float
    step: float
    start: float


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
        display(_widget(panel, alt, sliders))


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


def _widget(panel: Callable[..., plots.Panel], alt: str, sliders: Mapping[str, Slider]) -> Any:
    import ipywidgets  # an optional dependency, and slow to import

    width = max(len(slider.label) for slider in sliders.values())
    handles = {
        name: ipywidgets.FloatSlider(
            value=slider.start,
            min=slider.low,
            max=slider.high,
            step=slider.step,
            description=slider.label,
            style={"description_width": f"{width}ch"},
            layout={"width": f"{width + 48}ch"},
        )
        for name, slider in sliders.items()
    }
    picture = ipywidgets.HTML()

    def redraw(_: object = None) -> None:
        values = {name: handle.value for name, handle in handles.items()}
        setting = ", ".join(f"{sliders[name].label} = {value:g}" for name, value in values.items())
        data = plots.png(plots.figure(panel(**values)), small=False)
        picture.value = plots.img(data, f"{alt} Now at {setting}.")

    for handle in handles.values():
        handle.observe(redraw, names="value")
    redraw()
    return ipywidgets.VBox([*handles.values(), picture])
