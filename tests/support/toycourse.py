"""A small course for the grader's own tests: one unit `toy`, three exercises, seven points, one written question.

It shares nothing with our lessons, so that the engine is not tied to them:

    course = make_course(tmp_path)
    course.submission("honest")                      # bytes of a notebook, as a student hands it in
    course.submission("honest", gradient="...")      # one solution cell replaced
    nb = course.notebook("blank")                    # the same as a dict, to be bent further
    course.hand_in("ann", course.submission("wrong"))  # -> submitted/ann/toy/toy.ipynb
"""

from __future__ import annotations

import copy
import json
import textwrap
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from grader.engine.result import Verdict
from grader.source.notebook import Assignment, read_assignment

UNIT = "toy"
SECRET = "xyzzy_hidden_7391"
"""Stands in every hidden region: a student who can read it has broken in."""

SETUP = """
import numpy as np
import torch
"""

SCALE_ROWS = '''
def scale_rows(x, factors):
    """Multiply row i of x (n, d) by factors[i]; x stays as it was."""
    ### BEGIN SOLUTION
    return x * np.asarray(factors)[:, None]
    ### END SOLUTION
'''
TEST_SCALE_ROWS_VALUES = f"""
_x = np.arange(6.0).reshape(3, 2)
_y = scale_rows(_x, np.array([1.0, 10.0, -1.0]))
assert isinstance(_y, np.ndarray) and _y.shape == (3, 2), "one row for each factor"
assert np.allclose(_y, [[0, 1], [20, 30], [-4, -5]]), "each row times its own factor"
### BEGIN HIDDEN TESTS
_x = np.full((4, 4), 2.0)  # {SECRET}: square, so that columns and rows can be confused
assert np.allclose(scale_rows(_x, np.arange(4.0)), 2.0 * np.arange(4.0)[:, None] * np.ones(4))
### END HIDDEN TESTS
"""
TEST_SCALE_ROWS_UNCHANGED = """
_x = np.ones((2, 2))
scale_rows(_x, np.array([3.0, 4.0]))
assert np.array_equal(_x, np.ones((2, 2))), "the input was changed"
"""

GRADIENT = '''
def gradient(f, w):
    """Gradient of the scalar function f at w (d,), by autograd. Raises ValueError where w is not a vector."""
    ### BEGIN SOLUTION
    if w.ndim != 1:
        raise ValueError("w must be a vector")
    w = w.clone().requires_grad_(True)
    f(w).backward()
    return w.grad
    ### END SOLUTION
'''
TEST_GRADIENT_VALUES = f"""
_g = gradient(lambda w: (w**2).sum(), torch.tensor([1.0, -2.0]))
assert torch.equal(_g, torch.tensor([2.0, -4.0])), "the gradient of |w|^2 is 2 w"
### BEGIN HIDDEN TESTS
_a = torch.tensor([3.0, 5.0, 7.0])  # {SECRET}
assert torch.allclose(gradient(lambda w: torch.dot(_a, w) ** 2, torch.ones(3)), 30.0 * _a)
### END HIDDEN TESTS
"""
TEST_GRADIENT_RAISES = """
try:
    gradient(lambda w: w.sum(), torch.ones(2, 2))
except ValueError:
    pass
else:
    raise AssertionError("a matrix was accepted")
"""

SAMPLER = '''
class Sampler:
    """Draws n numbers from [0, 1) with its generator, and counts them in `drawn`."""

    ### BEGIN SOLUTION
    def __init__(self, rng):
        self.rng, self.drawn = rng, 0

    def draw(self, n):
        self.drawn += n
        return self.rng.random(n)
    ### END SOLUTION
'''
TEST_SAMPLER = f"""
_s = Sampler(np.random.default_rng(0))
assert np.allclose(_s.draw(3), np.random.default_rng(0).random(3)), "the generator that was handed over decides"
assert _s.drawn == 3
### BEGIN HIDDEN TESTS
_r = np.random.default_rng(5)  # {SECRET}
_s = Sampler(_r)
_s.draw(2), _s.draw(5)
assert _s.drawn == 7
### END HIDDEN TESTS
"""
EXPLORE = "raise RuntimeError('an explore cell must never run when grading')"

SOLUTIONS = {"scale_rows": SCALE_ROWS, "gradient": GRADIENT, "Sampler": SAMPLER}
POINTS = {
    "test_scale_rows_values": 2.0,
    "test_scale_rows_unchanged": 1.0,
    "test_gradient_values": 1.5,
    "test_gradient_raises": 0.5,
    "test_sampler": 2.0,
}
MAX_POINTS = sum(POINTS.values())

WRONG = {  # passes what is public, fails what is hidden, except for the Sampler, which fails in public
    "scale_rows": """
def scale_rows(x, factors):
    return x * factors if x.shape[0] == x.shape[1] else x * factors[:, None]
""",
    "gradient": """
def gradient(f, w):
    if w.ndim != 1:
        raise ValueError
    return 2 * w
""",
    "Sampler": """
class Sampler:
    def __init__(self, rng):
        self.drawn = 0
    def draw(self, n):
        return np.zeros(n)
""",
}
SCORES = {"honest": MAX_POINTS, "blank": 0.0, "wrong": 1.5}


def _cell(kind: str, source: str, grade_id: str = "", **meta: Any) -> dict[str, Any]:
    points = {"points": meta.pop("points")} if "points" in meta else {}
    tags = {"tags": meta.pop("tags")} if "tags" in meta else {}
    nbgrader = {
        "grade": False,
        "locked": False,
        "solution": False,
        "task": False,
        "schema_version": 3,
        **points,
        **meta,
    }
    cell: dict[str, Any] = {
        "cell_type": kind,
        "id": grade_id.replace("_", "-") or f"cell-{zlib.crc32(source.encode()) % 10**6}",
        "metadata": {**tags, **({"nbgrader": {"grade_id": grade_id, **nbgrader}} if grade_id else {})},
        "source": textwrap.dedent(source).strip("\n"),
    }
    if kind == "code":
        cell |= {"execution_count": None, "outputs": []}
    return cell


def source_notebook() -> dict[str, Any]:
    """The instructor's notebook, as nbformat's JSON."""

    def test(name: str, source: str) -> dict[str, Any]:
        return _cell("code", source, name, grade=True, locked=True, points=POINTS[name])

    cells = [
        _cell("markdown", "# A toy unit"),
        _cell("code", SETUP, "setup", locked=True),
        _cell("markdown", "## Rows", "scale_rows_statement", locked=True),
        _cell("code", SCALE_ROWS, "scale_rows", solution=True),
        test("test_scale_rows_values", TEST_SCALE_ROWS_VALUES),
        test("test_scale_rows_unchanged", TEST_SCALE_ROWS_UNCHANGED),
        _cell("code", GRADIENT, "gradient", solution=True),
        test("test_gradient_values", TEST_GRADIENT_VALUES),
        test("test_gradient_raises", TEST_GRADIENT_RAISES),
        _cell("code", SAMPLER, "Sampler", solution=True),
        test("test_sampler", TEST_SAMPLER),
        _cell("code", EXPLORE, "payoff", tags=["explore"]),
        _cell("markdown", "Because.", "written_why", grade=True, solution=True, points=3.0),
    ]
    return {
        "cells": cells,
        "metadata": {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def _without(source: str, begin: str, end: str, instead: str = "") -> str:
    kept, inside = [], False
    for line in source.split("\n"):
        if begin in line:
            inside = True
            if instead:
                kept.append(line[: len(line) - len(line.lstrip())] + instead)
        elif end in line:
            inside = False
        elif not inside:
            kept.append(line)
    return "\n".join(kept)


@dataclass(frozen=True)
class Course:
    """A course in `folder`: solutions/toy/toy.ipynb is there, submitted/ is made by `hand_in`."""

    folder: Path
    unit: str = UNIT

    @property
    def assignment(self) -> Assignment:
        return read_assignment(self.folder / "solutions" / self.unit)

    def notebook(self, kind: str = "honest", **solutions: str) -> dict[str, Any]:
        """A student's notebook as a dict: `honest`, `blank` or `wrong`, and solution cells to replace by grade id."""
        nb = copy.deepcopy(source_notebook())
        for cell in nb["cells"]:
            grade_id = cell["metadata"].get("nbgrader", {}).get("grade_id", "")
            cell["source"] = _without(cell["source"], "BEGIN HIDDEN", "END HIDDEN")
            if grade_id in SOLUTIONS:
                stub = "raise NotImplementedError" if kind == "blank" else ""
                if kind == "wrong":
                    cell["source"] = WRONG[grade_id].strip("\n")
                elif stub:
                    cell["source"] = _without(cell["source"], "BEGIN SOLUTION", "END SOLUTION", stub)
                if grade_id in solutions:
                    cell["source"] = textwrap.dedent(solutions[grade_id]).strip("\n")
            elif grade_id == "written_why":
                cell["source"] = "" if kind == "blank" else "I think so."
        return nb

    def submission(self, kind: str = "honest", **solutions: str) -> bytes:
        """The bytes of a student's notebook; see `notebook`."""
        return json.dumps(self.notebook(kind, **solutions)).encode()

    def hand_in(self, student: str, content: bytes, name: str = f"{UNIT}.ipynb") -> Path:
        """Write `content` as that student's submission; returns the folder of the submission."""
        folder = self.folder / "submitted" / student / self.unit
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
        return folder


def own_version(content: bytes) -> Verdict | None:
    """For stand-ins of the engine: what each test says where `content` is the unit's own solution, or the notebook that nobody touched."""
    if SECRET.encode() not in content:
        return None
    return Verdict.FAILED if b"raise NotImplementedError" in content else Verdict.PASSED


def extra_cell(nb: dict[str, Any], source: str, before: str = "", after: str = "") -> dict[str, Any]:
    """The notebook with one plain code cell more: before or after the cell with that grade id, else at the end."""
    ids = [cell["metadata"].get("nbgrader", {}).get("grade_id") for cell in nb["cells"]]
    at = ids.index(before) if before else ids.index(after) + 1 if after else len(ids)
    nb["cells"].insert(at, _cell("code", source))
    return nb


def make_course(path: Path) -> Course:
    """Write the course into `path`."""
    folder = path / "solutions" / UNIT
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{UNIT}.ipynb").write_text(json.dumps(source_notebook(), indent=1))
    return Course(path)
