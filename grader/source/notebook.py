"""Read the instructor's notebooks: the one place where nbgrader's cell metadata is interpreted.

An `Assignment` is what a unit's folder among the course's sources says; it decides points, roles and tests.
A submission's own metadata decides nothing (see `submission.py`).
"""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from grader.errors import CourseError
from grader.source.bank import WrongAnswer, read_bank
from grader.source.code import bound_names
from grader.source.conventions import NBGRADERS_OWN, Conventions

HIDDEN_BEGIN, HIDDEN_END = "BEGIN HIDDEN TESTS", "END HIDDEN TESTS"
EXPLORE = "explore"
"""Tag of cells that are skipped when grading: training runs, plots, widgets."""
IN_PROCESS = "in_process"
"""Tag of test cells that run in the student's own process, who could cheat them."""
PUBLIC_PASSED = "public checks passed"
"""What a test's public part ends by printing (trainlab.checks.public_passed)."""
NOT_SHIPPED = ("*.py", "*.md", "__pycache__", ".ipynb_checkpoints", ".*")
"""For CourseDirectory.ignore in nbgrader_config.py: what lies in a source folder of ours and never reaches a student."""
OTHER_KERNELS = ("ir", "bash", "julia", "octave", "matlab", "java", "scala", "sas", "stata", "xcpp", "rust")
"""How the names of kernels begin that run another language, for notebooks that do not name the language."""


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

    @property
    def in_process(self) -> bool:
        return IN_PROCESS in self.tags

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
class Notebook:
    """The instructor's version of one notebook of an assignment."""

    name: str
    cells: tuple[Cell, ...]

    def __hash__(self) -> int:
        # caches ask for it hundreds of times a submission; cells that differ are told apart by ==
        return hash(self.name)

    @property
    def tests(self) -> tuple[Cell, ...]:
        """The test cells that run."""
        return tuple(cell for cell in self.cells if cell.role is Role.TEST and not cell.explore)

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
    def functions(self) -> dict[str, str]:
        """The source of the solution cell that binds a name, by that name."""
        cells = [exercise.solution for exercise in self.exercises]
        return {name: cell.source for cell in cells for name in cell.defines}

    @property
    def exercises(self) -> tuple[Exercise, ...]:
        return tuple(exercise for notebook in self.notebooks for exercise in notebook.exercises)

    @property
    def max_points(self) -> float:
        """Points that tests can give; written questions and tests that are skipped are not in it."""
        return sum(test.points for notebook in self.notebooks for test in notebook.tests)


def role_of(cell_type: str, nbgrader: Mapping[str, Any]) -> Role:
    """The role that nbgrader's metadata gives a cell."""
    grade, solution = bool(nbgrader.get("grade")), bool(nbgrader.get("solution"))
    if nbgrader.get("task") or (grade and (solution or cell_type != "code")):
        return Role.WRITTEN
    if cell_type != "code":
        return Role.TEXT
    if grade:
        return Role.TEST
    return Role.SETUP if nbgrader.get("locked") and not solution else Role.WORK


def nbgrader_of(cell: Mapping[str, Any]) -> Mapping[str, Any]:
    """nbgrader's metadata of a cell, in nbformat's JSON; empty where it has none."""
    return cell["metadata"].get("nbgrader") or {}


def source_cells(path: Path, conventions: Conventions = NBGRADERS_OWN) -> list[dict[str, Any]]:
    """The cells of the instructor's notebook at `path`, in nbformat's JSON: with the header's and the footer's, AUTOTEST lines written out,
    each source one string with nbgrader's own words as markers.

    Raises CourseError where one cannot be read, or is not for a Python kernel.
    """
    frame = (conventions.header, path, conventions.footer)
    cells = [cell for one in frame if one is not None for cell in _cells(one)]
    if conventions.autotest.asked(cells):
        cells = conventions.autotest.written_out(cells, path)
    for cell in cells:
        cell["source"] = conventions.in_our_words("".join(cell["source"]), cell["cell_type"] == "code")
    return cells


def _cells(path: Path) -> list[dict[str, Any]]:
    try:
        nb = json.loads(path.read_text(encoding="utf-8"))
        if nb["nbformat"] != 4:
            import nbformat  # takes a second to import, for a notebook of before 2015

            nb = nbformat.read(path, as_version=4)
        cells, metadata = list(nb["cells"]), nb.get("metadata", {})
    except Exception as error:
        raise CourseError(
            f"{path}: not a notebook ({type(error).__name__}: {error})".split("\n")[0]
        ) from error
    kernel = metadata.get("kernelspec", {})
    name = str(kernel.get("name", ""))
    language = str(kernel.get("language") or metadata.get("language_info", {}).get("name") or "")
    if not (language.lower().startswith("python") or (not language and not name.startswith(OTHER_KERNELS))):
        raise CourseError(
            f"{path} is for the kernel '{name}' ({language or 'not Python'}), and this grader runs Python only: "
            "grade it with `nbgrader autograde`, or by hand"
        )
    return cells


def read_notebook(path: Path, conventions: Conventions = NBGRADERS_OWN) -> Notebook:
    """The notebook at `path`, an instructor's. Raises CourseError where it cannot be read or an id is doubled."""
    cells, seen = [], set()
    for index, raw in enumerate(source_cells(path, conventions)):
        meta, source = nbgrader_of(raw), raw["source"]
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
                source=source,
                points=float(meta.get("points") or 0) if role in (Role.TEST, Role.WRITTEN) else 0.0,
                tags=frozenset(raw["metadata"].get("tags", ())),
                solution=bool(meta.get("solution")),
            )
        )
    return Notebook(path.stem, tuple(cells))


def units_in(folder: Path) -> list[str]:
    """Names of the units below a source folder: those with a notebook, or with a text source to build one from."""
    return sorted(
        path.name
        for path in folder.glob("*/")
        if any(path.glob("*.ipynb")) or any(map(is_text_source, path.glob("*.py")))
    )


def read_assignment(folder: Path, conventions: Conventions = NBGRADERS_OWN) -> Assignment:
    """The assignment in `folder` (solutions/NN_topic). Raises CourseError where there is none."""
    paths = sorted(folder.glob("*.ipynb")) if folder.is_dir() else []
    if not paths:
        units = units_in(folder.parent)
        if folder.name in units:
            raise CourseError(
                f"{folder}: its notebook is not built yet: run `grader build {folder.name}` first"
            )
        hint = (
            f"units here: {', '.join(units)}"
            if units
            else "no unit is there: run this in the course's folder, or name it with --course"
        )
        raise CourseError(f"no unit '{folder.name}' in {folder.parent}; {hint}")
    files = tuple(
        (str(path.relative_to(folder)), path.read_bytes())
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        and path.suffix != ".ipynb"
        and conventions.travels(path, folder)
        and not (is_bank(path) or is_text_source(path))
    )
    notebooks = tuple(read_notebook(path, conventions) for path in paths)
    assignment = Assignment(folder.name, notebooks, files)
    bank = folder / "bank.py"
    if not is_bank(bank):
        return assignment
    return replace(assignment, wrong=read_bank(bank, assignment.functions).misconceptions)


def is_text_source(path: Path) -> bool:
    """Whether a file is what the notebook beside it, or the one of its folder's name, is built from: jupytext's percent format."""
    named = path.stem == path.parent.name or path.with_suffix(".ipynb").exists()
    return path.suffix == ".py" and named and b"# %%" in path.read_bytes()


def is_bank(path: Path) -> bool:
    """Whether a file is a bank of ours. In another course `bank.py` may be a module of the students', which is not run."""
    return path.name == "bank.py" and path.is_file() and b"grader.source.bank" in path.read_bytes()
