"""Item analysis: how a class's points spread, and which items tell strong submissions from weak ones."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

MAX_BINS = 24
"""Bars of a histogram that can be told apart on a phone."""


@dataclass(frozen=True)
class Spread:
    """`n` values in six numbers: the quartiles with both ends, and the mean."""

    n: int
    lowest: float
    quartile1: float
    median: float
    quartile3: float
    highest: float
    mean: float


@dataclass(frozen=True)
class Bin:
    """How many values lie in [low, high)."""

    low: float
    high: float
    count: int


def spread(values: ArrayLike) -> Spread | None:
    """Quartiles by linear interpolation between order statistics (NumPy's default); None of no values."""
    numbers = np.asarray(values, dtype=float)
    if not numbers.size:
        return None
    lowest, quartile1, median, quartile3, highest = map(float, np.quantile(numbers, [0, 0.25, 0.5, 0.75, 1]))
    return Spread(numbers.size, lowest, quartile1, median, quartile3, highest, float(numbers.mean()))


def item_rest(item: ArrayLike, total: ArrayLike) -> float | None:
    """Discrimination of an item: the correlation of its points with the points of everything else, total - item (corrected
    item-total correlation; Nunnally 1978, chapter 8). None for fewer than three students, or where either does not vary."""
    points = np.asarray(item, dtype=float)
    rest = np.asarray(total, dtype=float) - points
    if points.size < 3 or _constant(points) or _constant(rest):
        return None
    return float(np.corrcoef(points, rest)[0, 1])


def point_bins(values: ArrayLike, highest: float) -> tuple[Bin, ...]:
    """A histogram from 0 to `highest` points, in at most MAX_BINS + 1 bins whose width is 1, 2 or 5 times a power of ten.

    A bin begins at `highest` where the width divides it, so that full marks have a bar of their own. Extra credit counts as full marks.
    """
    width = _nice(highest / MAX_BINS) if highest > 0 else 1.0
    edges = width * np.arange(math.floor(highest / width + 1e-9) + 2)
    return _bins(np.clip(np.asarray(values, dtype=float) + 1e-9 * width, 0, edges[-2]), edges)


def doubling_bins(values: ArrayLike) -> tuple[Bin, ...]:
    """A histogram of positive values in bins that double, [2^k, 2^(k+1)), from the smallest to the largest value."""
    numbers = np.asarray(values, dtype=float)
    numbers = numbers[numbers > 0]
    if not numbers.size:
        return ()
    power = np.frexp(numbers)[1] - 1  # floor(log2), exactly
    return _bins(numbers, 2.0 ** np.arange(power.min(), power.max() + 2))


def _bins(values: ArrayLike, edges: NDArray[Any]) -> tuple[Bin, ...]:
    counts = np.histogram(values, edges)[0]
    return tuple(
        Bin(float(low), float(high), int(count))
        for low, high, count in zip(edges, edges[1:], counts, strict=False)
    )


def share(flags: Iterable[bool]) -> float | None:
    """Which part of them is true; None of none."""
    values = [bool(flag) for flag in flags]
    return sum(values) / len(values) if values else None


def _constant(values: NDArray[np.float64]) -> bool:
    return bool(np.ptp(values) <= 1e-9 * max(1.0, float(np.abs(values).max())))


def _nice(width: float) -> float:
    """The smallest of 1, 2, 5 times a power of ten that is not below `width`."""
    power = 10.0 ** math.floor(math.log10(width) + 1e-9)
    return next(factor * power for factor in (1.0, 2.0, 5.0, 10.0) if factor * power >= width * (1 - 1e-9))
