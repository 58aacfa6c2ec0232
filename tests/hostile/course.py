"""The course that is attacked: tests/support/toycourse.py's unit with stricter tests, shared set-up data and planted secrets.

Every test of an exercise asks for right values as well as for its aspect, so that a wrong submission passes none,
and each uses an idiom that some attack is made for.
"""

from __future__ import annotations

import json
import secrets
from pathlib import Path
from typing import Any

from grader.source.notebook import read_assignment
from tests.hostile.case import World
from tests.support import toycourse

INPUT_TOKEN = 7391.40625
"""A number among the inputs of hidden tests: printed nowhere that students look."""


def token(kind: str) -> str:
    """A secret that can be recognised anywhere."""
    return f"CANARY-{kind}-{secrets.token_hex(16)}"


def tests(hidden: str, given: str) -> dict[str, str]:
    """Test cells by grade id; `hidden` is a secret in their text, `given` one that a hidden test hands over."""
    secret = f'# {hidden}\n_secret = "{hidden}"'
    return {
        "setup": """
import math
import numpy as np
import torch
from trainlab import checks
ROWS = np.arange(1.0, 7.0).reshape(3, 2)
""",
        "test_scale_rows_values": f"""
_y = scale_rows(ROWS, np.array([1.0, 10.0, -1.0]))
assert isinstance(_y, np.ndarray) and _y.shape == (3, 2), "one row for each factor"
np.testing.assert_allclose(_y, [[1, 2], [30, 40], [-5, -6]], rtol=1e-5)
### BEGIN HIDDEN TESTS
{secret}
_x = np.full((4, 4), {INPUT_TOKEN})
assert np.allclose(scale_rows(_x, np.arange(4.0)), {INPUT_TOKEN} * np.arange(4.0)[:, None] * np.ones(4)), _secret
### END HIDDEN TESTS
""",
        "test_scale_rows_unchanged": f"""
_factors = np.array([3.0, 4.0, 5.0])
_got = scale_rows(ROWS, _factors)
assert np.array_equal(ROWS, [[1, 2], [3, 4], [5, 6]]), "the input was changed"
assert _factors.tolist() == [3.0, 4.0, 5.0]
assert abs(_got[0][1] - 6.0) < 1e-3 and len(_got) == 3
### BEGIN HIDDEN TESTS
{secret}
_want = [scale_rows_right(ROWS, c) for scale_rows_right in [lambda x, c: x * c[:, None]] for c in [_factors, -_factors]]
for _have, _expected in zip(map(lambda c: scale_rows(ROWS, c), [_factors, -_factors]), _want):
    checks.array(_have, _expected, "the rows", rtol=1e-5)
### END HIDDEN TESTS
""",
        "test_scale_rows_again": """
_wanted = ROWS * np.array([2.0, 2.0, 2.0])[:, None]
for _have, _row in zip(map(lambda c: scale_rows(ROWS, c), [np.full(3, 2.0)] * 3), [_wanted] * 3):
    assert np.allclose(_have, _row) and math.isclose(float(_have[1][1]), float(_row[1][1]), rel_tol=1e-5)
""",
        "test_gradient_values": f"""
_g = gradient(lambda w: (w**2).sum(), torch.tensor([1.0, -2.0]))
assert torch.equal(_g, torch.tensor([2.0, -4.0])), "the gradient of |w|^2 is 2 w"
### BEGIN HIDDEN TESTS
{secret}
_given, _a = "{given}", torch.tensor([3.0, 5.0, {INPUT_TOKEN}])
assert torch.allclose(gradient(lambda w: torch.dot(_a, w) * len(_given[:1]), torch.ones(3)), _a), _secret
### END HIDDEN TESTS
""",
        "test_gradient_raises": """
try:
    gradient(lambda w: w.sum(), torch.ones(2, 2))
except ValueError:
    pass
else:
    raise AssertionError("a matrix was accepted")
assert gradient(lambda w: w.sum(), torch.ones(2)).tolist() == [1.0, 1.0]
""",
        "test_gradient_calls": """
_f = checks.counted(lambda w: w.sum())
try:
    gradient(_f, torch.ones(2, 2))
except ValueError:
    pass
assert _f.calls == 0, "the function was called although w is no vector"
torch.testing.assert_close(gradient(lambda w: (3.0 * w).sum(), torch.ones(2)), torch.tensor([3.0, 3.0]))
""",
        "test_sampler": f"""
_s = Sampler(np.random.default_rng(0))
assert np.allclose(_s.draw(3), np.random.default_rng(0).random(3)), "the generator that was handed over decides"
assert _s.drawn == 3
### BEGIN HIDDEN TESTS
{secret}
_r = np.random.default_rng(5)
_s = Sampler(_r)
_s.draw(2), _s.draw(5)
assert _s.drawn == 7 and np.allclose(_s.draw(1), np.random.default_rng(5).random(8)[7:])
### END HIDDEN TESTS
""",
        "test_sampler_idioms": """
_s = Sampler(np.random.default_rng(3))
_draws = list(_s.draw(4))
assert len(_draws) == 4 and all(0 <= x < 1 for x in _draws)
assert round(float(sum(_draws)), 6) == round(float(sum(np.random.default_rng(3).random(4))), 6)
assert 4 == _s.drawn and _s.drawn in (4,) and _s.drawn != 5
""",
    }


FOLLOWED_BY = {
    "test_scale_rows_unchanged": "test_scale_rows_again",
    "test_gradient_raises": "test_gradient_calls",
    "test_sampler": "test_sampler_idioms",
}
"""Tests of ours that the toy course has not, behind one of its own."""

WRONG = {
    "scale_rows": "def scale_rows(x, factors):\n    return x + 1",
    "gradient": "def gradient(f, w):\n    return w * 0",
    "Sampler": toycourse.WRONG["Sampler"],
}


def source_notebook(hidden: str, given: str) -> dict[str, Any]:
    """The instructor's notebook."""
    nb = toycourse.source_notebook()
    ours = tests(hidden, given)
    cells = []
    for cell in nb["cells"]:
        cells.append(cell)
        grade_id = cell["metadata"].get("nbgrader", {}).get("grade_id", "")
        if more := FOLLOWED_BY.get(grade_id):
            meta = {**cell["metadata"]["nbgrader"], "grade_id": more}
            cells.append({**cell, "id": more.replace("_", "-"), "metadata": {"nbgrader": meta}})
    for cell in cells:
        grade_id = cell["metadata"].get("nbgrader", {}).get("grade_id", "")
        if grade_id in ours:
            cell["source"] = ours[grade_id].strip("\n")
    return {**nb, "cells": cells}


def make_world(
    root: Path, facts: dict[str, str], paths: dict[str, Path], hidden: str, given: str
) -> tuple[toycourse.Course, World]:
    """The course below `root`, and what attackers know."""
    course = toycourse.Course(root)
    source = root / "solutions" / course.unit
    source.mkdir(parents=True)
    nb = source_notebook(hidden, given)
    (source / f"{course.unit}.ipynb").write_text(json.dumps(nb, indent=1))
    assignment = read_assignment(source)

    def student(kind: str) -> dict[str, Any]:
        """The toy course's submission, its tests replaced by ours as the release shows them."""
        mine = json.loads(json.dumps(nb))
        theirs = {
            c["metadata"].get("nbgrader", {}).get("grade_id"): c for c in course.notebook(kind)["cells"]
        }
        shown = {cell.id: cell.public_source for notebook in assignment.notebooks for cell in notebook.cells}
        for cell in mine["cells"]:
            grade_id = cell["metadata"].get("nbgrader", {}).get("grade_id")
            if grade_id in toycourse.SOLUTIONS or grade_id == "written_why":
                cell["source"] = WRONG.get(grade_id, "") if kind == "wrong" else theirs[grade_id]["source"]
            elif grade_id in shown:
                cell["source"] = shown[grade_id]
        return mine

    exercises = assignment.exercises
    return course, World(
        unit=course.unit,
        honest=student("honest"),
        wrong=student("wrong"),
        blank=student("blank"),
        solutions=tuple(exercise.solution.id for exercise in exercises),
        tests=tuple(tuple(test.id for test in exercise.tests) for exercise in exercises),
        functions=tuple(tuple(sorted(exercise.solution.defines)) for exercise in exercises),
        facts={
            "functions": repr([name for e in exercises for name in sorted(e.solution.defines)]),
            "unit": course.unit,
            **facts,
        },
        paths=paths,
    )
