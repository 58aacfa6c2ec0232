"""Plots as SVG text that stands in a page: sized by the page, coloured by its style sheet, described for those who do not see them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from markupsafe import Markup

from grader.pages.html import number
from grader.pages.statistics import Bin

WIDTH = 480  # of every plot, in units of its own; text is 12 of them high
_LETTER = 8.2  # width of a letter, about, where a small screen makes text larger


def histogram(
    bins: Sequence[Bin],
    *,
    title: str,
    x_label: str,
    label: Callable[[float], str] = number,
    marked: float | None = None,
    doubling: bool = False,
) -> Markup:
    """Bars that stand side by side, one a bin; `marked`: a value to draw a line at, the median.

    `doubling`: the bins double, so the line stands by the logarithm.
    """
    top, left, height = 36, 36, 150
    base, wide = top + height, (WIDTH - left - 6) / len(bins)
    most = max(bin_.count for bin_ in bins) or 1
    parts = []
    for tick in _ticks(most):
        y = base - height * tick / most
        parts.append(_line(left, y, WIDTH, y, "grid"))
        parts.append(_text(left - 6, y + 4, str(tick), "end"))
    counts_fit = len(str(most)) * _LETTER + 3 <= wide
    every = _every(max(len(label(bin_.low)) for bin_ in bins) * _LETTER + 6, wide)
    for k, bin_ in enumerate(bins):
        x, tall = left + k * wide, height * bin_.count / most
        parts.append(
            Markup('<rect class="bar" x="{}" y="{}" width="{}" height="{}"><title>{}</title></rect>').format(
                _n(x + wide * 0.06),
                _n(base - tall),
                _n(wide * 0.88),
                _n(tall),
                _said(bin_, label, k + 1 == len(bins)),
            )
        )
        if bin_.count and counts_fit:
            parts.append(_text(x + wide / 2, base - tall - 4, str(bin_.count)))
        if k % every == 0:
            parts.append(_text(x + wide / 2, base + 16, label(bin_.low)))
    if marked is not None:
        x = left + wide * _place(marked, bins, doubling)
        parts.append(_line(x, 4, x, base, "mark"))
        side, anchor = (5, "start") if x < WIDTH / 2 else (-5, "end")
        parts.append(_text(x + side, 13, f"median {label(marked)}", anchor))
    parts.append(_line(left, base, WIDTH, base, "axis"))
    parts.append(_text((left + WIDTH) / 2, base + 34, x_label))
    described = "; ".join(f"{_said(b, label, b is bins[-1])}" for b in bins if b.count)
    return _figure(title, described, base + 40, parts)


def stacked(
    rows: Sequence[tuple[str, Sequence[float]]], *, name: str, title: str, parts: Sequence[str]
) -> Markup:
    """One bar a row, each as long as the plot is wide and cut into `parts` by the row's values.

    The parts differ in fill and in pattern: plain, hatched, dotted. `name` is the plot's own in its page.
    """
    drawn: list[Markup] = [_patterns(name)]
    x = 0.0
    for k, part in enumerate(parts):
        drawn.append(_segment(x, 2, 14, 12, name, k))
        drawn.append(_text(x + 20, 12, part, "start"))
        x += 32 + len(part) * 0.88 * _LETTER
    y = 30.0
    for row, values in rows:
        drawn.append(_text(0, y + 10, _short(row), "start"))
        x, whole = 0.0, sum(values) or 1.0
        for k, value in enumerate(values):
            wide = WIDTH * value / whole
            if value > 0:
                drawn.append(_segment(x, y + 16, wide, 16, name, k, f"{parts[k]}: {number(value)}"))
                if wide > len(number(value)) * _LETTER + 12:
                    drawn.append(_chip(x + wide / 2, y + 28, number(value)))
            x += wide
        y += 46
    described = "; ".join(
        f"{row}: " + ", ".join(f"{part} {number(value)}" for part, value in zip(parts, values, strict=True))
        for row, values in rows
    )
    return _figure(title, described, y - 6, drawn)


def _said(bin_: Bin, label: Callable[[float], str], last: bool) -> str:
    where = f"{label(bin_.low)} or more" if last else f"{label(bin_.low)} to under {label(bin_.high)}"
    return f"{where}: {bin_.count}"


def _place(value: float, bins: Sequence[Bin], doubling: bool) -> float:
    """Where a value stands, in bins from the left."""
    if doubling:
        return min(max(math.log2(value / bins[0].low), 0.0), len(bins))
    width = bins[0].high - bins[0].low
    return min(value / width + 0.5, len(bins) - 0.5)  # a bar stands in the middle of its bin


def _ticks(most: int) -> list[int]:
    step = next(s for power in range(9) for s in (10**power, 2 * 10**power, 5 * 10**power) if most / s <= 4)
    return list(range(0, most + 1, step))


def _every(needed: float, wide: float) -> int:
    """Which bars carry a label, so that labels do not touch."""
    return next(every for every in (1, 2, 4, 5, 10, 20, 50) if every * wide >= needed or every == 50)


def _figure(title: str, described: str, height: float, parts: Sequence[Markup]) -> Markup:
    return Markup(
        '<svg class="plot" viewBox="0 0 {} {}" role="img"><title>{}</title><desc>{}</desc>{}</svg>'
    ).format(WIDTH, _n(height), title, described, Markup("").join(parts))


def _segment(x: float, y: float, wide: float, tall: float, own: str, kind: int, said: str = "") -> Markup:
    fill = f"url(#{own}-{kind})" if kind else "var(--green)"
    return Markup(
        '<rect class="part" x="{}" y="{}" width="{}" height="{}" fill="{}"><title>{}</title></rect>'
    ).format(_n(x), _n(y), _n(wide), _n(tall), fill, said)


def _chip(x: float, y: float, said: str) -> Markup:
    """A number on a bar, on a ground of its own, readable on every pattern."""
    wide = len(said) * _LETTER + 6
    ground = Markup('<rect class="chip" x="{}" y="{}" width="{}" height="13" rx="3"/>').format(
        _n(x - wide / 2), _n(y - 10.5), _n(wide)
    )
    return ground + _text(x, y, said)


def _patterns(own: str) -> Markup:
    return Markup(
        '<defs><pattern id="{0}-1" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
        '<rect width="6" height="6" fill="var(--orange)"/><rect width="2" height="6" fill="var(--paper)"/></pattern>'
        '<pattern id="{0}-2" width="6" height="6" patternUnits="userSpaceOnUse">'
        '<rect width="6" height="6" fill="var(--blue)"/><circle cx="3" cy="3" r="1.2" fill="var(--paper)"/></pattern></defs>'
    ).format(own)


def _text(x: float, y: float, said: str, anchor: str = "middle") -> Markup:
    return Markup('<text x="{}" y="{}" text-anchor="{}">{}</text>').format(_n(x), _n(y), anchor, said)


def _line(x1: float, y1: float, x2: float, y2: float, kind: str) -> Markup:
    return Markup('<line class="{}" x1="{}" y1="{}" x2="{}" y2="{}"/>').format(
        kind, _n(x1), _n(y1), _n(x2), _n(y2)
    )


def _short(text: str, letters: int = 68) -> str:
    return text if len(text) <= letters else text[: letters - 1] + "…"


def _n(value: float) -> str:
    """A coordinate, to a tenth."""
    return f"{round(value, 1):g}"
