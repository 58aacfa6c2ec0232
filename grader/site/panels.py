"""A stored figure's panels, found in its pixels: side by side where there is room, below one another on a telephone.

Every axes of `trainlab.plots` has a spine at its left and one at its bottom, in one grey, and nothing crosses the gap between two panels.
All parts show the one file, so that a page loads no more bytes than before.
"""

from __future__ import annotations

import html
import io
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageColor

from trainlab import plots

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Pixels = NDArray[np.bool_]

Span = tuple[int, int]
"""First dot and the one after the last."""
GAP, WIDE = 9, 12
"""Dots of a column that is empty from top to bottom, at least: less is between letters; and of one that is not between two words either."""
TICK, PAD, LABEL = 14, 13, 44
"""Dots at most: how far a tick stands out, from the ticks to their numbers, a label that is written upwards."""
SHORT = 100
"""Dots that an axes has at least, in width and height: a colour bar is narrower."""


def markup(address: str, data: bytes, alt: str) -> str:
    """The figure `data`, a PNG that pages know as `address`, in parts of one panel each: one picture with one text, which scrolls where one of
    its panels is still wider than a telephone."""
    pixels = np.asarray(Image.open(io.BytesIO(data)).convert("RGBA"))
    height, width = (side // plots.DENSITY for side in pixels.shape[:2])
    edges = [0, *(at // plots.DENSITY for at in cuts(pixels)), width]
    parts = "".join(  # "dark-light" is the theme's word for a picture that suits both
        f'<img class="dark-light" src="{address}" alt="" loading="lazy" width="{to - at}" height="{height}"'
        f' style="--wide: {to - at}; --high: {height}; --from: {at / max(width - to + at, 1):.4%}">'
        for at, to in pairwise(edges)
    )
    return f'<div class="panels" role="img" aria-label="{html.escape(alt)}" tabindex="0">{parts}</div>'


def cuts(pixels: NDArray[np.uint8]) -> list[int]:
    """Where (height, width, 4) may be cut from top to bottom, in dots from the left: between neighbouring panels."""
    ink = pixels[..., 3] > 0
    full = np.logical_or.reduce(ink, axis=0)
    gaps = [span for span in _spans(~full) if span[1] - span[0] >= GAP]
    found = []
    for (left, _), (spine, rows) in pairwise(_columns(pixels)):
        gutter = _gutter([gap for gap in gaps if left < gap[0] and gap[1] <= spine], ink, spine, rows)
        if gutter:
            found.append(sum(gutter) // 2)
    return found


def _gutter(gaps: list[Span], ink: Pixels, spine: int, rows: list[Span]) -> Span | None:
    """Which of the gaps before a spine lies before all that belongs to it: its ticks, their numbers, its label."""
    if gaps and 0 < spine - gaps[-1][1] - 4 < TICK and gaps[-1][1] - gaps[-1][0] <= PAD:
        gaps = gaps[:-1]  # between ticks and their numbers
    for k in reversed(range(len(gaps))):
        if k and _upright(ink[:, gaps[k - 1][1] : gaps[k][0]], rows):
            return gaps[k - 1]
        if gaps[k][1] - gaps[k][0] >= WIDE:
            return gaps[k]
    return None


def _columns(pixels: NDArray[np.uint8]) -> list[tuple[int, list[Span]]]:
    """The left spines of all axes, from left to right: where each is, and from where to where the axes there reach, above one another."""
    grey = np.array([*ImageColor.getrgb(plots.GREY), 255])
    spine = (pixels == grey).all(axis=-1).T  # (width, height)
    columns: list[tuple[int, list[Span]]] = []
    for x in np.flatnonzero(spine.sum(axis=1) >= SHORT):
        for span in _spans(spine[x]):
            if span[1] - span[0] >= SHORT and _is_corner(spine[:, span[1] - TICK : span[1]], int(x)):
                if not columns or x - columns[-1][0] >= SHORT // 2:
                    columns.append((int(x), []))
                columns[-1][1].append(span)
    return columns


def _is_corner(spine: Pixels, x: int) -> bool:
    """Whether a line begins at x, in one of the last rows of a left spine, and goes to the right; a tick may stand out."""
    to_right = spine[x : x + SHORT].all(axis=0) & (x + SHORT <= len(spine))
    from_left = spine[max(x - TICK, 0) : x].all(axis=0) & (x > TICK)
    return bool((to_right & ~from_left).any())


def _upright(ink: Pixels, rows: list[Span]) -> bool:
    """Whether a narrow piece is the label of an axis: written upwards, at the middle of its axes."""
    for top, bottom in rows:
        seen = np.flatnonzero(ink[top:bottom].any(axis=1))
        if seen.size and abs(seen[0] + seen[-1] - (bottom - top)) > TICK:
            return False
    return ink.shape[1] <= LABEL


def _spans(mask: Pixels) -> list[Span]:
    """Where a row of marks is true."""
    edges = np.flatnonzero(np.diff(mask.astype(np.int8), prepend=0, append=0))
    return [(int(first), int(end)) for first, end in zip(edges[::2], edges[1::2], strict=True)]
