"""Make submissions: the student version of a notebook with answers filled in. Used by `verify`, `demo` and `bench`."""

from __future__ import annotations

import ast
import json
from collections.abc import Mapping
from pathlib import Path

from grader.errors import CourseError
from grader.source.bank import Variant
from grader.source.code import parse
from grader.source.notebook import Assignment, Cell, Exercise, Role, nbgrader_of
from grader.source.regions import split_regions, unmarked

MARKING = "**Marking scheme**"
"""Begins, in a model answer, what is for who marks it."""
Answers = Mapping[str, str]
"""Source of a solution cell by the cell's id."""


def solution_answers(assignment: Assignment) -> dict[str, str]:
    """The instructor's own answers: the solution cells of the source notebooks, as a student would have written them."""
    return {exercise.name: unmarked(exercise.solution.source) for exercise in assignment.exercises}


def model_answer(question: Cell) -> str:
    """The instructor's own answer to a written question, marking scheme included; empty where the cell has none."""
    return "\n".join(region.text for region in split_regions(question.source, question.id)[1])


def written_answers(assignment: Assignment) -> dict[str, str]:
    """The instructor's own answers to the written questions, without their marking schemes."""
    questions = (
        cell for notebook in assignment.notebooks for cell in notebook.cells if cell.role is Role.WRITTEN
    )
    models = {question.id: model_answer(question) for question in questions}
    return {name: text.split(MARKING)[0].strip() for name, text in models.items() if text}


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
    cells = {nbgrader_of(cell).get("grade_id"): cell for cell in nb["cells"]}
    for name, source in answers.items():
        if name not in cells:
            raise CourseError(f"no cell '{name}' in the student version; run `make build`")
        cells[name]["source"] = source
    return json.dumps(nb, indent=1).encode()
