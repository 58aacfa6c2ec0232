"""What a learner sees of the checks tells rows from columns and a sum from a mean: no public example of matrices is 2 by 2 alone."""

from __future__ import annotations

import contextlib
import functools
import io
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch

from grader.build.sources import GENERATED
from grader.source.notebook import Role, read_assignment
from tests.support.course import ASSIGNMENTS, ROOT


def matrices(value: Any) -> Iterator[tuple[int, int]]:
    """The shapes of the matrices among arguments."""
    if isinstance(value, np.ndarray | torch.Tensor):
        if value.ndim == 2:
            yield (value.shape[0], value.shape[1])
    elif isinstance(value, list | tuple):
        for part in value:
            yield from matrices(part)


def public_matrices(unit: str) -> dict[str, dict[str, set[tuple[int, int]]]]:
    """For each exercise, and each of its test cells, the shapes that the public part hands to the exercise's functions."""
    names: dict[str, Any] = {}
    seen: dict[str, dict[str, set[tuple[int, int]]]] = {}
    shapes: set[tuple[int, int]] = set()

    def watched(function: Any) -> Any:
        @functools.wraps(function)
        def call(*arguments: Any, **named: Any) -> Any:
            shapes.update(matrices([*arguments, *named.values()]))
            return function(*arguments, **named)

        return call

    exercise = ""
    for notebook in read_assignment(ROOT / "solutions" / unit).notebooks:
        for cell in notebook.cells:
            if cell.explore or GENERATED in cell.tags or cell.role in (Role.TEXT, Role.WRITTEN):
                continue
            shapes.clear()
            with contextlib.redirect_stdout(io.StringIO()):
                exec(cell.public_source, names)
            if cell.solution:
                exercise = cell.id
                names |= {
                    name: watched(names[name])
                    for name in cell.defines
                    if callable(names[name]) and not isinstance(names[name], type)
                }
            elif cell.role is Role.TEST:
                seen.setdefault(exercise, {})[cell.id] = set(shapes)
    return seen


def telling(shape: tuple[int, int]) -> bool:
    """More than one row and column, and not as many of both, or three at least: a square of two hides most mistakes of axis."""
    return min(shape) > 1 and shape != (2, 2)


@pytest.mark.parametrize("unit", ASSIGNMENTS)
def test_public_examples_tell_axes_and_sums_apart(unit: str) -> None:
    for exercise, cells in public_matrices(unit).items():
        every = set().union(*cells.values())
        assert not every or any(map(telling, every)), f"{exercise}: {sorted(every)}"
        assert [cell for cell, shapes in cells.items() if shapes == {(2, 2)}] == [], "2 by 2 alone"


def test_what_tells_and_what_does_not() -> None:
    assert [telling(shape) for shape in ((2, 2), (1, 3), (4, 1), (3, 2), (3, 3))] == [False] * 3 + [True] * 2
