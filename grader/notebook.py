"""Read the instructor's notebooks: the one place where nbgrader's cell metadata is interpreted.

An `Assignment` is what a unit's folder under `solutions/` says; it decides points, roles and tests.
A submission's own metadata decides nothing (see `submission.py`).
"""

from __future__ import annotations

import ast
import functools
import hashlib
import json
import threading
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

HIDDEN_BEGIN, HIDDEN_END = "BEGIN HIDDEN TESTS", "END HIDDEN TESTS"
EXPLORE = "explore"
"""Tag of cells that are skipped when grading: training runs, plots, widgets."""
PUBLIC_PASSED = "public checks passed"
"""What a test's public part ends by printing (trainlab.checks.public_passed)."""
NOT_SHIPPED = ("*.py", "*.md", "__pycache__", ".ipynb_checkpoints", ".*")
"""Files of a source folder that never reach a student; nbgrader_config.py ignores the same list."""


class CourseError(Exception):
    """Something a user did that has a one-line explanation; the command line prints it and exits with 2."""


class Role(StrEnum):
    """What a cell of the instructor's notebook is for."""

    TEXT = "text"  # prose
    SETUP = "setup"  # read-only code that is not graded: run by the student's process and by the examiner
    WORK = "work"  # code the student writes: solution cells and plain cells
    TEST = "test"  # read-only graded code: run by the examiner only
    WRITTEN = "written"  # graded by hand


@dataclass(frozen=True)
class Cell:
    """One cell of a source notebook. `id` is nbgrader's grade_id, or the notebook's own cell id without one."""

    id: str
    role: Role
    source: str
    points: float = 0.0
    tags: frozenset[str] = frozenset()
    solution: bool = False

    @property
    def explore(self) -> bool:
        return EXPLORE in self.tags

    @functools.cached_property
    def public_source(self) -> str:
        """The source without the hidden regions, as `ClearHiddenTests` leaves it for students."""
        kept, hidden = [], False
        for line in self.source.split("\n"):
            if HIDDEN_BEGIN in line:
                hidden = True
            elif HIDDEN_END in line:
                hidden = False
            elif not hidden:
                kept.append(line)
        return "\n".join(kept)

    @functools.cached_property
    def defines(self) -> frozenset[str]:
        """Names bound at the top level of a code cell (functions, classes, assignments, imports)."""
        return bound_names(self.source)


@dataclass(frozen=True)
class Exercise:
    """A solution cell and the test cells that follow it, up to the next solution cell."""

    name: str
    solution: Cell
    tests: tuple[Cell, ...]

    @property
    def points(self) -> float:
        return sum(test.points for test in self.tests)


@dataclass(frozen=True)
class WrongAnswer:
    """A misconception of the bank: code that, run after a solution cell, binds its wrong answer to the function `target`;
    a sentence for the student, and the heading of the lecture that explains it (which have no part in a verdict)."""

    target: str
    name: str
    source: str
    says: str = field(default="", repr=False)
    see: str = field(default="", repr=False)


@dataclass(frozen=True)
class Notebook:
    """The instructor's version of one notebook of an assignment."""

    name: str
    cells: tuple[Cell, ...]

    def __hash__(self) -> int:
        # caches ask for it hundreds of times a submission; cells that differ are told apart by ==
        return hash(self.name)

    @property
    def tests(self) -> tuple[Cell, ...]:
        return tuple(cell for cell in self.cells if cell.role is Role.TEST)

    @functools.cached_property
    def exercises(self) -> tuple[Exercise, ...]:
        found: list[Exercise] = []
        for cell in self.cells:
            if cell.role is Role.WORK and cell.solution:
                found.append(Exercise(cell.id, cell, ()))
            elif cell.role is Role.TEST and found:
                last = found[-1]
                found[-1] = Exercise(last.name, last.solution, (*last.tests, cell))
        return tuple(exercise for exercise in found if exercise.tests)


@dataclass(frozen=True)
class Assignment:
    """One unit's folder under the source directory: its notebooks, the data files that travel with them, and what its bank
    knows of wrong answers (which no student's process ever sees)."""

    unit: str
    notebooks: tuple[Notebook, ...]
    files: tuple[tuple[str, bytes], ...] = ()
    wrong: tuple[WrongAnswer, ...] = ()

    def __hash__(self) -> int:  # as a notebook's
        return hash(self.unit)

    @functools.cached_property
    def digest(self) -> str:
        """Changes when any cell, point, tag, shipped file or wrong answer of the bank changes."""
        return hashlib.sha256(repr(self).encode()).hexdigest()

    @functools.cached_property
    def misconceptions(self) -> dict[str, WrongAnswer]:
        """The wrong answers by name."""
        return {entry.name: entry for entry in self.wrong}

    @property
    def exercises(self) -> tuple[Exercise, ...]:
        return tuple(exercise for notebook in self.notebooks for exercise in notebook.exercises)

    @property
    def max_points(self) -> float:
        """Points that tests can give; written questions are not in it."""
        return sum(test.points for notebook in self.notebooks for test in notebook.tests)


def parse(source: str) -> ast.Module:
    """`ast.parse`, one thread at a time: CPython 3.11 counts the depth of a tree in one place for all threads (gh-106905),
    and where the collector switches threads half-way, both fail."""
    with _PARSING:
        return ast.parse(source)


_PARSING = threading.Lock()


def bound_names(source: str) -> frozenset[str]:
    """Names that a code cell binds at its top level; none where it is not plain Python (magics, syntax errors)."""
    try:
        tree = parse(source)
    except (SyntaxError, ValueError):
        return frozenset()
    names: set[str] = set()
    for node in tree.body:
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                names.add(name)
            case ast.Import(names=aliases) | ast.ImportFrom(names=aliases):
                names.update((alias.asname or alias.name).split(".")[0] for alias in aliases)
            case _:
                names.update(
                    sub.id
                    for sub in ast.walk(node)
                    if isinstance(sub, ast.Name) and isinstance(sub.ctx, ast.Store)
                )
    return frozenset(names)


def role_of(cell_type: str, nbgrader: dict[str, Any]) -> Role:
    """The role that nbgrader's metadata gives a cell."""
    grade, solution = bool(nbgrader.get("grade")), bool(nbgrader.get("solution"))
    if nbgrader.get("task") or (grade and (solution or cell_type != "code")):
        return Role.WRITTEN
    if cell_type != "code":
        return Role.TEXT
    if grade:
        return Role.TEST
    return Role.SETUP if nbgrader.get("locked") and not solution else Role.WORK


def read_notebook(path: Path) -> Notebook:
    """The notebook at `path`, an instructor's. Raises CourseError where it cannot be read or an id is doubled."""
    try:
        nb = json.loads(path.read_text(encoding="utf-8"))
        if nb["nbformat"] != 4:
            import nbformat  # takes a second to import, for a notebook of before 2015

            nb = nbformat.read(path, as_version=4)
        raws = list(nb["cells"])
    except Exception as error:
        raise CourseError(
            f"{path}: not a notebook ({type(error).__name__}: {error})".split("\n")[0]
        ) from error
    cells, seen = [], set()
    for index, raw in enumerate(raws):
        meta = raw["metadata"].get("nbgrader") or {}
        grade_id = meta.get("grade_id")
        if grade_id in seen:
            raise CourseError(
                f"{path}: cell {index}: grade id '{grade_id}' is used twice; give one of them a new id"
            )
        if grade_id:
            seen.add(grade_id)
        role = role_of(raw["cell_type"], meta)
        cells.append(
            Cell(
                id=grade_id or raw.get("id", f"cell-{index}"),
                role=role,
                source="".join(raw["source"]),
                points=float(meta.get("points") or 0) if role in (Role.TEST, Role.WRITTEN) else 0.0,
                tags=frozenset(raw["metadata"].get("tags", ())),
                solution=bool(meta.get("solution")),
            )
        )
    return Notebook(path.stem, tuple(cells))


def read_assignment(folder: Path) -> Assignment:
    """The assignment in `folder` (solutions/NN_topic). Raises CourseError where there is none."""
    from grader.bank import read_wrong_answers  # which builds on this module

    paths = sorted(folder.glob("*.ipynb")) if folder.is_dir() else []
    if not paths:
        where = folder.parent
        units = sorted(p.name for p in where.glob("*/") if any(p.glob("*.ipynb"))) if where.is_dir() else []
        hint = (
            f"; units here: {', '.join(units)}"
            if units
            else f"; {where} holds no unit: run `make build` first"
        )
        raise CourseError(f"no unit '{folder.name}' in {where}{hint}")
    files = tuple(
        (str(path.relative_to(folder)), path.read_bytes())
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        and path.suffix != ".ipynb"
        and not any(
            part.startswith(".") or Path(part).match(p)
            for part in path.relative_to(folder).parts
            for p in NOT_SHIPPED
        )
    )
    notebooks = tuple(read_notebook(path) for path in paths)
    return Assignment(folder.name, notebooks, files, read_wrong_answers(folder / "bank.py"))
