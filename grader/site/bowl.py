"""A panel that draws one path on a bowl: what the page's script needs to walk it from any start, at any value of the sliders."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from trainlab.interact import Slider
    from trainlab.plots import Panel
    from trainlab.surfaces import Surface

Followed = tuple[int, list[Any]]
"""The slider that a number follows, and what it is at each of its values; -1 where it follows none, and is one."""


@dataclass(frozen=True)
class AxesBox:
    """Where a picture's axes are: shares of the picture from its left and its top, pixels, and the limits of x and y."""

    corner: tuple[float, float]
    share: tuple[float, float]
    pixels: tuple[float, float]
    limits: tuple[tuple[float, float], tuple[float, float]]


@dataclass(frozen=True)
class Path:
    """`steps` updates by a rule of live.js."""

    rule: str
    steps: int
    start: Followed
    settings: dict[str, Followed]
    """The bowl's Hessian and what the rule is called with."""
    axes: AxesBox = AxesBox((0, 0), (1, 1), (1, 1), ((0, 1), (0, 1)))

    def facts(self) -> dict[str, Any]:
        """What the script reads."""
        box = {"size": self.axes.pixels, "limits": self.axes.limits}
        return {"rule": self.rule, "steps": self.steps, "start": self.start, "settings": self.settings, **box}

    def drawing(self) -> str:
        """The SVG over the picture's axes: a place for the path, and the star that is dragged."""
        left, top, width, height = (f"{100 * part:.3f}%" for part in (*self.axes.corner, *self.axes.share))
        wide, high = self.axes.pixels
        return (
            f'<svg aria-hidden="true" viewBox="0 0 {wide:.1f} {high:.1f}"'
            f' style="left: {left}; top: {top}; width: {width}; height: {height}">'
            '<marker id="live-step" viewBox="-2 -2 4 4" markerWidth="4" markerHeight="4" markerUnits="userSpaceOnUse">'
            '<circle r="2"/></marker>'
            f'<rect width="{wide:.1f}" height="{high:.1f}"/>'
            '<polyline marker-start="url(#live-step)" marker-mid="url(#live-step)" marker-end="url(#live-step)"/>'
            '<g><circle r="24"/><path d="M0-9 2.1-2.9 8.6-2.8 3.4 1.1 5.3 7.3 0 3.6-5.3 7.3-3.4 1.1-8.6-2.8-2.1-2.9Z"/></g></svg>'
        )


def path(panel: Callable[..., Panel], sliders: Mapping[str, Slider], names: dict[str, Any]) -> Path | None:
    """The path that a panel draws; None where it is not one call of `run`, of a rule that the script knows, on a bowl, each
    of whose numbers follows one slider at most."""
    default = {name: slider.start for name, slider in sliders.items()}
    here = _walked(panel, default, names)
    if here is None:
        return None
    rule, steps, numbers = here
    followed: dict[str, Followed] = {name: (-1, [value]) for name, value in numbers.items()}
    for k, (name, slider) in enumerate(sliders.items()):
        track = [_walked(panel, default | {name: value}, names) for value in slider.values]
        for key, value in numbers.items():
            along = [found[2][key] if found and found[:2] == (rule, steps) else None for found in track]
            if any(other != value for other in along):
                if followed[key][0] >= 0 or None in along:
                    return None
                followed[key] = (k, along)
    ends = [(0, len(slider.values) - 1) for slider in sliders.values()]
    for corner in itertools.product(*ends):
        values = {name: slider.values[k] for (name, slider), k in zip(sliders.items(), corner, strict=True)}
        foreseen = {key: track[corner[k] if k >= 0 else 0] for key, (k, track) in followed.items()}
        if _walked(panel, values, names) != (rule, steps, foreseen):
            return None
    start = followed.pop("start")
    return Path(rule, steps, start, followed)


def _walked(
    panel: Callable[..., Panel], values: Mapping[str, float], names: dict[str, Any]
) -> tuple[str, int, dict[str, Any]] | None:
    """Rule, steps, start, Hessian and settings of the one call of `run` that a panel makes."""
    run: Any = names.get("run")
    if getattr(run, "__module__", None) != "trainlab.descend":
        return None
    calls: list[tuple[Any, Any, Any, int, dict[str, Any]]] = []

    def watched(rule: Any, surface: Any, start: Any, steps: int, **settings: Any) -> Any:
        calls.append((rule, surface, start, steps, settings))
        return run(rule, surface, start, steps, **settings)

    names["run"] = watched
    try:
        panel(**values)
    finally:
        names["run"] = run
    if len(calls) != 1:
        return None
    rule, surface, start, steps, settings = calls[0]
    known = RULES.get(rule.__name__)
    hessian = _hessian(surface) if known else None
    if known is None or hessian is None:
        return None
    try:
        numbers = known(**settings)
    except (TypeError, ValueError):  # a variant of the rule that the script does not know
        return None
    return rule.__name__, steps, {"start": _rounded(list(start)), "hessian": hessian, **_rounded(numbers)}


def _hessian(surface: Surface) -> list[list[float]] | None:
    """The Hessian of a bowl of two weights with its minimum at the origin; None for any other surface."""
    import numpy as np

    points = np.array([[1.0, 0], [0, 1], [2, -3], [0, 0]])
    columns = np.stack([surface.grad(w) for w in points])
    matrix = columns[:2]
    return _rounded(matrix.tolist()) if np.allclose(points @ matrix, columns) else None


def _heavy_ball(lr: float, beta: float) -> dict[str, float]:
    return {"lr": float(lr), "beta": float(beta)}


def _adaptive(lr: float, direction: Callable[..., Any], size: Callable[..., Any]) -> dict[str, float]:
    return {"lr": float(lr), "beta1": _fading(direction), "beta2": _fading(size)}


def _fading(mean: Callable[[int], tuple[float, float]]) -> float:
    """The β of a fading average with its bias corrected, from the shares of old and new that it keeps. Raises ValueError for another mean."""
    beta = 1 / mean(2)[1] - 1
    for t in (1, 2, 3, 50):
        new = (1 - beta) / (1 - beta**t)
        if max(abs(mean(t)[0] - (1 - new)), abs(mean(t)[1] - new)) > 1e-9:
            raise ValueError("not a fading average")
    return beta


RULES: dict[str, Callable[..., dict[str, float]]] = {"heavy_ball": _heavy_ball, "adaptive": _adaptive}
"""The rules that live.js has, by their names in the lectures: their settings there -> their settings here."""


def _rounded(value: Any) -> Any:
    """Numbers to twelve digits, in lists and dictionaries, too: fewer bytes, and what differs by rounding is equal."""
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    return [_rounded(item) for item in value] if isinstance(value, list) else float(f"{value:.12g}") + 0.0


def bare(panel: Panel) -> Panel:
    """The panel without its lines and its title: the bowl that is left."""

    def draw(ax: Axes) -> None:
        panel(ax)
        for line in list(ax.lines):
            line.remove()
        ax.set_title("")

    return draw


def axes(fig: Figure) -> AxesBox:
    """The box of a drawn figure's only axes, after their proportions have been applied."""
    (ax,) = fig.axes
    box, (width, height) = ax.get_position(), 100 * fig.get_size_inches()
    return AxesBox(
        (float(box.x0), float(1 - box.y1)),
        (float(box.width), float(box.height)),
        (float(box.width * width), float(box.height * height)),
        (ax.get_xlim(), ax.get_ylim()),
    )
