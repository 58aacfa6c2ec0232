"""A lecture's figure with sliders, for a page without a kernel: its stills, and a picture for every setting of a grid.

`live.js` shows the pictures in place of the stills. Where a panel draws one path on a bowl, by a rule that the script
knows, too, the pictures are of the bowl alone: the script walks the path at every value of the sliders, from any start.
"""

from __future__ import annotations

import ast
import contextlib
import functools
import gc
import html
import io
import itertools
import json
import math
import multiprocessing
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grader.site import bowl
from grader.site.slicing import backward_slice, find_call

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from trainlab.interact import Slider
    from trainlab.plots import Panel

PICTURES, WEIGHT = 64, 1_500_000
"""Pictures and bytes that a figure has at most. More pictures would take `make site` longer than they help a reader."""
WIDTH, TALLEST = 3.5, 4.0
"""Inches of a picture, so that its type has 11 pixels or more in a column of 312: a telephone's, with its margins."""
DENSITY, LARGER = 1.6, 1.25
"""Dots a pixel where an inch has a hundred; and how much larger the page shows it where there is room."""
HEAVY = ["numpy", "torch", "scipy.optimize", "sklearn.datasets", "trainlab.interact", "nbformat"]


@dataclass(frozen=True)
class Explored:
    """What a lecture hands to `interact.explore`, and the names among which its panel lives."""

    panel: Callable[..., Panel]
    stills: Sequence[Mapping[str, float]]
    alt: str
    sliders: dict[str, Slider]
    columns: int | None
    names: dict[str, Any]


def draw_all(
    course: Path, units: Sequence[str], into: Path, pictures: int = PICTURES
) -> dict[str, str | None]:
    """`draw` for each of the units, side by side: each in a process of its own, as lectures set defaults of torch."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(HEAVY)
    late_first = sorted(units, reverse=True)  # they train networks for each picture
    with ProcessPoolExecutor(mp_context=context, max_tasks_per_child=1, initializer=_alone) as pool:
        rest = map(itertools.repeat, (into, pictures))
        drawn = pool.map(draw, itertools.repeat(course), late_first, *rest)
        return dict(zip(late_first, drawn, strict=True))


def _alone() -> None:
    """Processes side by side gain nothing by threads of their own; nor by searching, picture after picture, what they have imported for garbage."""
    import torch

    torch.set_num_threads(1)
    gc.freeze()


def draw(course: Path, unit: str, into: Path, pictures: int = PICTURES) -> str | None:
    """Draw the figure of a lecture that moves into `into/unit`, a folder below the site's _static, with at most so many pictures; the
    HTML that shows it.

    None where the lecture has no such figure. What the lecture prints is dropped.
    """
    import nbformat

    nb = nbformat.read(course / "lectures" / f"{unit}.ipynb", as_version=4)
    folder = into / unit
    parts = folder.parts
    with contextlib.redirect_stdout(io.StringIO()):
        found = explored([cell.source for cell in nb.cells if cell.cell_type == "code"])
        if found is None:
            return None
        folder.mkdir(parents=True, exist_ok=True)
        return figure(found, folder, "../" + "/".join(parts[parts.index("_static") :]), pictures)


def explored(cells: Sequence[str]) -> Explored | None:
    """Run what a lecture's last call of `explore` needs, and return what it is called with; None without such a call."""
    from trainlab.interact import Slider

    needed = backward_slice(cells, "explore")
    if not needed:
        return None
    found: dict[str, Any] = {}

    def explore(panel: Callable[..., Panel], **options: Any) -> None:
        found.update(options, panel=panel)

    names: dict[str, Any] = {"__name__": "__main__", "_explore": explore}
    call = find_call(needed[-1].node, "explore")
    assert call is not None
    call.func = ast.copy_location(ast.Name("_explore", ast.Load()), call.func)
    for statement in needed:
        exec(compile(ast.Module([statement.node], []), f"<cell {statement.cell}>", "exec"), names)
    sliders = {name: value for name, value in found.items() if isinstance(value, Slider)}
    return Explored(found["panel"], found["stills"], found["alt"], sliders, found.get("columns"), names)


def figure(found: Explored, folder: Path, address: str, most: int = PICTURES) -> str:
    """Draw stills and at most so many pictures into `folder`, which pages know as `address`; the HTML."""
    from trainlab import interact

    panel = _once(found.panel)
    width, height = interact.shape(len(found.stills), found.columns)
    scale = min(WIDTH / width, TALLEST / height)
    size = (scale * width, scale * height)
    ends = [(slider.low, slider.high) for slider in found.sliders.values()]
    corners = [dict(zip(found.sliders, corner, strict=True)) for corner in itertools.product(*ends)]
    paint = interact.canvas((panel(**values) for values in [*corners, *found.stills]), size, DENSITY)
    encode = encoder()
    stills = [encode(paint(panel(**values))[1]) for values in found.stills]
    for number, data in enumerate(stills):
        (folder / f"still{number}.webp").write_bytes(data)

    path = bowl.path(found.panel, found.sliders, found.names)
    if path is None:
        pictured = list(found.sliders)
        sample = stills + [encode(paint(panel(**values))[1]) for values in corners]
        count = min(most, int(0.9 * WEIGHT * len(sample) / sum(map(len, sample))))
        steps = grid(found.sliders, count)
        pictures = (encode(paint(panel(**values))[1]) for values in settings(steps))
    else:
        pictured = [name for k, name in enumerate(found.sliders) if path.settings["hessian"][0] == k]
        steps = {name: slider.values for name, slider in found.sliders.items()}
        default = {name: slider.start for name, slider in found.sliders.items()}
        panels = [
            bowl.bare(panel(**default | values))
            for values in settings({name: steps[name] for name in pictured})
        ]
        paint = interact.canvas([panels[0], panels[-1]], size, DENSITY)
        path = replace(path, axes=bowl.axes(paint(panels[0])[0]))
        pictures = (encode(paint(panel)[1]) for panel in panels)
    drawn = 0
    for drawn, data in enumerate(pictures, 1):
        (folder / f"{drawn - 1}.webp").write_bytes(data)
    order = list(found.sliders)
    facts: dict[str, Any] = {
        "alt": found.alt,
        "folder": address,
        "count": drawn,
        "pictured": [order.index(name) for name in pictured],
    }
    return markup(found, size, steps, facts, path, address)


def _once(panel: Callable[..., Panel]) -> Callable[..., Panel]:
    """The same, made once for each setting: for some figures it trains a network."""
    made = functools.cache(lambda setting: panel(**dict(setting)))
    return lambda **values: made(tuple(sorted(values.items())))


def grid(sliders: Mapping[str, Slider], pictures: int) -> dict[str, tuple[float, ...]]:
    """Some values of each slider, its ends and its start among them, with at most `pictures` settings: in even steps, as
    many of each slider's values as of the others', by share."""
    counts = {name: min(3, len(slider.values)) for name, slider in sliders.items()}

    def fits(name: str) -> bool:
        more = counts | {name: counts[name] + 1}
        return counts[name] < len(sliders[name].values) and math.prod(more.values()) <= pictures

    while more := [name for name in sliders if fits(name)]:
        counts[min(more, key=lambda name: counts[name] / len(sliders[name].values))] += 1
    return {name: _spread(slider, counts[name]) for name, slider in sliders.items()}


def _spread(slider: Slider, count: int) -> tuple[float, ...]:
    last = len(slider.values) - 1
    start = min(range(last + 1), key=lambda k: abs(slider.values[k] - slider.start))
    places = [round(k * last / (count - 1)) for k in range(count)]
    if start not in places:
        inner = min(range(1, count - 1), key=lambda k: abs(places[k] - start))
        places[inner] = start
    return tuple(slider.values[k] for k in sorted(set(places)))


def settings(steps: Mapping[str, Iterable[float]]) -> list[dict[str, float]]:
    """Every combination of the sliders' values, the last slider fastest."""
    return [dict(zip(steps, values, strict=True)) for values in itertools.product(*steps.values())]


def encoder() -> Callable[[NDArray[np.uint8]], bytes]:
    """A function that makes WebP of pixels (height, width, 4), in the colours of the stored figures: of the fixed palette the one
    nearest to four bits of each of a pixel's channels. What it has looked up, it remembers."""
    import numpy as np
    from PIL import Image

    from trainlab import plots

    words = plots.palette().view(np.uint32)[:, 0]
    near, known = np.zeros(2**16, np.uint32), np.zeros(2**16, bool)

    def encode(pixels: NDArray[np.uint8]) -> bytes:
        seen = pixels[..., 3] > 0  # most of a picture is the page behind it
        rgba = pixels.view(np.uint32)[..., 0][seen]
        bits = rgba >> 4 & 15 | rgba >> 8 & 15 << 4 | rgba >> 12 & 15 << 8 | rgba >> 16 & 15 << 12
        new = np.flatnonzero((np.bincount(bits, minlength=2**16) > 0) & ~known)
        if new.size:
            near[new] = words[plots.nearest(((new[:, None] >> [0, 4, 8, 12] & 15) * 17).astype(np.uint8))]
            known[new] = True
        painted = np.zeros(seen.shape, np.uint32)
        painted[seen] = near[bits]
        buffer = io.BytesIO()
        picture = Image.fromarray(painted.view(np.uint8).reshape(pixels.shape))
        picture.save(buffer, "WEBP", lossless=True, method=3, quality=0)
        return buffer.getvalue()

    return encode


def markup(
    found: Explored,
    size: tuple[float, float],
    steps: Mapping[str, tuple[float, ...]],
    facts: dict[str, Any],
    path: bowl.Path | None,
    address: str,
) -> str:
    """The stills, for pages without scripts, and hidden behind them what the script moves."""
    wide, high = (round(100 * LARGER * side) for side in size)
    columns = found.columns or len(found.stills)
    look = f'class="dark-light" width="{wide}" height="{high}"'
    stills = "".join(
        f'<img src="{address}/still{k}.webp" alt="" loading="lazy" {look}>' for k in range(len(found.stills))
    )
    rows = []
    for name, slider in found.sliders.items():
        values = [f"{value:.{slider.decimals}f}" for value in steps[name]]
        at = min(range(len(values)), key=lambda k: abs(steps[name][k] - slider.start))
        rows.append(_row(name, slider.label, 0, len(values) - 1, 1, at, f' data-values="{" ".join(values)}"'))
    drawing = ""
    if path is not None:
        facts["bowl"] = path.facts()
        drawing = path.drawing()
        for name, label, (low, high_) in zip(
            ("w1", "w2"), ("start w₁", "start w₂"), path.axes.limits, strict=True
        ):
            rows.append(_row(name, label, low, high_, (high_ - low) / 200, low, ""))
    data = html.escape(json.dumps(facts, ensure_ascii=False, separators=(",", ":")))
    alt = html.escape(found.alt)
    return (
        f'<figure class="live" data-figure="{data}">'
        f'<div class="stills" role="img" aria-label="{alt}" style="--columns: {columns}">{stills}</div>'
        f'<div class="moving" hidden>{"".join(rows)}'
        f'<div class="picture" style="--wide: {wide}px"><img alt="{alt}" {look}>{drawing}</div>'
        f"{'<p></p>' if path else ''}</div></figure>"
    )


def _row(name: str, label: str, low: float, high: float, step: float, at: float, more: str) -> str:
    """A slider with its label before it and its value behind it."""
    track = f'min="{low:g}" max="{high:g}" step="{step:g}" value="{at:g}"'
    return (
        f'<div class="slider"><label for="live-{name}">{html.escape(label)}</label>'
        f'<input type="range" id="live-{name}" {track}{more}><output for="live-{name}"></output></div>'
    )
