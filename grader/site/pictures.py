"""The two pictures that the site draws for itself: three runs that move, on the front; which unit builds on which, on the map."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from grader.build.coursemap import edges
from grader.build.units import Unit
from trainlab import descend, surfaces
from trainlab.surfaces import Array

BOWL = surfaces.Quadratic((1.0, 25.0))
START, STEPS = (-11.0, 2.0), 60
SCALE = 30
"""Pixels for a unit of weight."""
Place = tuple[str, str]
"""On the map: of a unit, (number, ""), or of the line (before, after) where it passes a row."""
RUNS: dict[str, dict[str, Any]] = {
    "small steps": {"lr": 0.008, "beta": 0.0},
    "the longest steps that are safe": {"lr": 0.076, "beta": 0.0},
    "steps with a memory": {"lr": 0.05, "beta": 0.6},
}


def _heavy_ball(grad: Any, w: Array, lr: float, beta: float) -> Iterator[Array]:
    before = w
    while True:
        w, before = w - lr * grad(w) + beta * (w - before), w
        yield w


def three_runs() -> str:
    """An SVG: three runs down one narrow bowl, drawn step by step in the same time, with what is left of the way beside each."""
    rings = [
        f'<ellipse rx="{SCALE * np.sqrt(2 * level):.0f}" ry="{SCALE * np.sqrt(2 * level) / 5:.0f}"/>'
        for level in (0.5, 4, 12, 26, 45, 70)
    ]
    tracks, words = [], []
    for number, (name, settings) in enumerate(RUNS.items()):
        path = descend.run(_heavy_ball, BOWL, START, STEPS, **settings).path
        lengths = np.linalg.norm(np.diff(path, axis=0), axis=1)
        easing = ", ".join(f"{part:.4f}" for part in [0, *np.cumsum(lengths) / lengths.sum()])
        line = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in path * [SCALE, -SCALE])
        left = np.linalg.norm(path[-1]) / np.linalg.norm(path[0])
        tracks.append(
            f'<g class="run{number}" style="--time: linear({easing})"><path pathLength="1" d="{line}"/>'
            f'<circle r="7" style="offset-path: path(\'{line}\')"/></g>'
        )
        share = (
            f"{100 * left:.0f} %" if left > 0.005 else f"less than 1 part in {10 ** int(-np.log10(left)):,}"
        )
        words.append(f'<li class="run{number}">{name}: {share} of the way left</li>')
    alt = (
        f"Three runs of gradient descent from one start in a narrow bowl, {STEPS} steps each: one creeps, "
        "one jumps from wall to wall, one takes the bend and arrives."
    )
    return (
        f'<figure class="runs"><svg viewBox="-370 -78 740 156" role="img" aria-label="{alt}">'
        f'<g class="rings">{"".join(rings)}<circle r="3"/></g>{"".join(tracks)}</svg>'
        f"<figcaption>One start, {STEPS} steps, three settings.<ul>{''.join(words)}</ul></figcaption></figure>"
    )


def unit_map(units: Sequence[Unit], address: Mapping[str, str]) -> str:
    """The units in rows, each below those that it needs, as links to `address[number]`, and the lines between them.

    A line that passes a row has a place of its own there, so that none goes behind a box.
    """
    arrows = edges(units)
    depth: dict[str, int] = {}
    for unit in units:
        depth[unit.number] = 1 + max((depth[a] for a, b in arrows if b == unit.number), default=-1)
    rows: list[dict[Place, list[Place]]] = [
        {} for _ in range(max(depth.values()) + 1)
    ]  # places, and what is above each
    for unit in units:
        rows[depth[unit.number]][unit.number, ""] = []
    for before, after in arrows:
        above: Place = (before, "")
        for row in rows[depth[before] + 1 : depth[after]]:
            row[before, after] = [above]
            above = (before, after)
        rows[depth[after]][after, ""].append(above)
    middle = _middles(rows)
    lines = "".join(
        f'<path d="M{middle[above]:.1f} {y - 0.5}C{middle[above]:.1f} {y} {middle[place]:.1f} {y} {middle[place]:.1f} {y + 0.25}'
        f'{f"V{y + 0.5}" if place[1] else ""}"/>'
        for y, row in enumerate(rows)
        for place, parents in row.items()
        for above in parents
    )
    boxes = "".join(
        f'<a href="{address[unit.number]}" style="left: {middle[unit.number, ""]:.1f}%; top: {100 * depth[unit.number] / len(rows):.1f}%">'
        f"<b>{unit.number}</b> {unit.topic}</a>"
        for unit in units
    )
    return (
        f'<nav class="map" aria-label="Units" style="--rows: {len(rows)}">'
        f'<svg viewBox="0 0 100 {len(rows)}" preserveAspectRatio="none" aria-hidden="true">{lines}</svg>{boxes}</nav>'
    )


def _middles(rows: Sequence[Mapping[Place, Sequence[Place]]]) -> dict[Place, float]:
    """Where each place lies, in hundredths of the width: below the mean of what is above it, a box five times as wide as a line."""
    middle: dict[Place, float] = {}
    widths = [{place: 1.0 if not place[1] else 0.2 for place in row} for row in rows]
    widest = max(sum(row.values()) for row in widths)
    for row, width in zip(rows, widths, strict=True):
        x = (widest - sum(width.values())) / 2
        for place in sorted(row, key=lambda place: float(np.mean([middle[a] for a in row[place]] or 0))):
            middle[place] = 100 * (x + width[place] / 2) / widest
            x += width[place]
    return middle
