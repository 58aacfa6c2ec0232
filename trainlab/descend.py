"""Run an update rule on a surface and record what happened.

A rule is written as a paper writes an algorithm: a generator that gets the gradient and a start, keeps whatever state
it needs in local variables, and yields one iterate after another, for ever:

    def gradient_descent(grad, w, lr):
        while True:
            w = w - lr * grad(w)
            yield w

The loop around it is here, once. The rules themselves are in the lectures: they are what is being taught.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from trainlab.surfaces import Array, Surface

Rule = Callable[..., Iterator[Array]]
"""(grad, start, **settings) -> the iterates after the start."""

GREEK = {"lr": "η", "beta": "β"}


@dataclass(frozen=True)
class Trace:
    """What `run` recorded at K moments, the start among them."""

    name: str
    settings: dict[str, Any]
    steps: NDArray[np.int64]
    """(K,): how many updates had been made; 0 is the start."""
    path: Array
    """(K, ..., n): where the iterate was."""
    losses: Array
    """(K, ...): the surface's value there."""

    @property
    def label(self) -> str:
        """The rule's name and its scalar settings: `heavy ball, η = 0.1, β = 0.9`."""
        scalars = ((key, value) for key, value in self.settings.items() if np.ndim(value) == 0)
        return ", ".join([self.name, *(f"{GREEK.get(key, key)} = {value:g}" for key, value in scalars)])

    def steps_to(self, level: float) -> int | None:
        """The first recorded step whose loss is at most `level`; None where there is none. For a single run."""
        reached = np.flatnonzero(self.losses <= level)
        return int(self.steps[reached[0]]) if reached.size else None


def run(
    rule: Rule, surface: Surface, start: ArrayLike, steps: int, *, every: int = 1, **settings: Any
) -> Trace:
    """Make `steps` updates by `rule` from `start` and record every `every`-th iterate.

    `start` has shape (n,), or (..., n) to run many at once: settings that are arrays broadcast against it, so a grid of
    rates costs one run. A run that diverges is recorded as it is, up to inf and nan, without a warning.
    """
    start = np.array(start, dtype=np.float64)
    if start.ndim == 0:
        raise ValueError("start is a point of shape (n,): write [x] for a point on a line")
    if steps < 0 or every < 1:
        raise ValueError(f"steps = {steps} and every = {every}: steps counts from 0 and every from 1")
    with np.errstate(over="ignore", invalid="ignore"):
        iterates = islice(rule(surface.grad, start.copy(), **settings), steps)
        path = [start, *(np.array(w) for step, w in enumerate(iterates, 1) if step % every == 0)]
        losses = [surface.value(w) for w in path]
    return Trace(
        name=getattr(rule, "__name__", "rule").replace("_", " "),
        settings=settings,
        steps=np.arange(len(path)) * every,
        path=np.stack(path),
        losses=np.stack(losses),
    )


def rate(errors: ArrayLike, floor: float = 1e-12) -> float:
    """The factor by which an error shrinks per step: its geometric mean over the second half of the run.

    `errors` (T,) are distances to the minimum, one per step. What lies below `floor` times the first error is rounding
    and is left out; the first half is left out because it still remembers the start.
    """
    errors = np.asarray(errors, dtype=np.float64)
    above = np.flatnonzero(errors > floor * errors[0])
    if above.size < 2:
        raise ValueError("a rate needs at least two errors above the floor")
    last = int(above[-1])
    middle = last // 2
    return float((errors[last] / errors[middle]) ** (1 / (last - middle)))
