"""Error surfaces with a formula: the loss as altitude, the weights as position.

A surface is anything with `value` and `grad`. Both work on one point of shape (n,) and on a batch of points of shape
(..., n), so that one call evaluates a grid for a contour plot or a whole path. A network's training loss is a surface
too: see `trainlab.networks.Objective`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


class Surface(Protocol):
    """What `descend.run` walks on."""

    def value(self, w: Array) -> Any:
        """The loss at w: (..., n) -> (...)."""

    def grad(self, w: Array) -> Array:
        """Its gradient at w: (..., n) -> (..., n)."""


@dataclass(frozen=True)
class Quadratic:
    """The bowl L(w) = 1/2 sum_i lambda_i w_i^2, with its axes along the coordinates and its minimum, 0, at the origin.

    `eigenvalues` are those of the Hessian, the curvatures along the n axes; n = 1 is a parabola.
    """

    eigenvalues: tuple[float, ...]

    def value(self, w: Array) -> Array:
        return 0.5 * np.sum(np.asarray(self.eigenvalues) * np.square(w), axis=-1)

    def grad(self, w: Array) -> Array:
        return np.asarray(self.eigenvalues) * w


@dataclass(frozen=True)
class DoubleWell:
    """A wide valley around x = 6 with a dent at x = 1 (n = 1):

        L(x) = 0.02 (x - 6)^2 - depth exp(-2 (x - 1)^2)

    The wide valley's floor is at L = 0 (to 1e-21). The dent's floor is above it for depth 0.3 and below it for depth 1.
    """

    depth: float

    def value(self, w: Array) -> Array:
        x = np.asarray(w)[..., 0]
        return 0.02 * (x - 6) ** 2 - self.depth * np.exp(-2 * (x - 1) ** 2)

    def grad(self, w: Array) -> Array:
        x = np.asarray(w)
        return 0.04 * (x - 6) + 4 * self.depth * (x - 1) * np.exp(-2 * (x - 1) ** 2)


@dataclass(frozen=True, eq=False)
class Slice:
    """A surface of n weights, seen only on the line or plane through `origin` along `directions`.

    Its points are the k coordinates c on it: c = 0 is the origin and w = origin + c @ directions.
    """

    surface: Surface
    origin: Array
    """(n,)"""
    directions: Array
    """(k, n), one direction per row"""

    def value(self, c: Array) -> Any:
        return self.surface.value(self.origin + c @ self.directions)

    def grad(self, c: Array) -> Array:
        return self.surface.grad(self.origin + c @ self.directions) @ self.directions.T

    def shadow(self, w: Array) -> Array:
        """Coordinates (..., k) of the point of the slice that is nearest to w (..., n)."""
        return (w - self.origin) @ np.linalg.pinv(self.directions)
