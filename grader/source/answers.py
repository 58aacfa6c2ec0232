"""Make submissions: the student version of a notebook with answers filled in. Used by `verify`, `demo` and `bench`."""

from __future__ import annotations

import ast
import json
from collections.abc import Mapping
from pathlib import Path

from grader.errors import CourseError
from grader.source.bank import Variant
from grader.source.code import parse
from grader.source.notebook import Assignment, Exercise
from grader.source.regions import unmarked

Answers = Mapping[str, str]
"""Source of a solution cell by the cell's id."""


def solution_answers(assignment: Assignment) -> dict[str, str]:
    """The instructor's own answers: the solution cells of the source notebooks, as a student would have written them."""
    return {exercise.name: unmarked(exercise.solution.source) for exercise in assignment.exercises}


def entry_answer(assignment: Assignment, entry: Variant) -> tuple[Exercise, str]:
    """The exercise that a bank's entry belongs to, and its solution cell with the entry's function in place of the solution's."""
    for exercise in assignment.exercises:
        if entry.target in exercise.solution.defines:
            return exercise, f"{_without(exercise.solution.source, entry.target)}{entry.source}"
    raise CourseError(
        f"{assignment.unit}: bank entry '{entry.name}' is for '{entry.target}', which no solution cell defines"
    )


def _without(source: str, name: str) -> str:
    """What is left of a solution cell when its function `name` is taken out."""
    lines = source.split("\n")
    for node in parse(source).body:
        if isinstance(node, ast.FunctionDef) and node.name == name:
            del lines[node.lineno - 1 : node.end_lineno]
    left = unmarked("\n".join(lines)).strip()
    return f"{left}\n\n\n" if left else ""


def student_version(root: Path, unit: str) -> bytes:
    """The released notebook of a unit."""
    path = root / "assignments" / unit / f"{unit}.ipynb"
    if not path.is_file():
        raise CourseError(f"{path}: no student version; run `make build`")
    return path.read_bytes()


def fill(released: bytes, answers: Answers) -> bytes:
    """A submission: the released notebook with the cells named in `answers` replaced. Raises CourseError for an unknown id."""
    nb = json.loads(released)
    cells = {(cell["metadata"].get("nbgrader") or {}).get("grade_id"): cell for cell in nb["cells"]}
    for name, source in answers.items():
        if name not in cells:
            raise CourseError(f"no cell '{name}' in the student version; run `make build`")
        cells[name]["source"] = source
    return json.dumps(nb, indent=1).encode()
