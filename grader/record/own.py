"""The instructor's own two versions of a unit as submissions, the solution and the notebook that nobody has touched, and what its tests say
of them: a test that the solution does not pass judges nobody, and one that passes an untouched notebook finds nothing."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from grader.engine.result import Result, Status, Verdict
from grader.engine.submission import Submission
from grader.errors import CourseError
from grader.record.grades import CellId
from grader.source.conventions import Conventions
from grader.source.notebook import EXPLORE, Assignment, Role, nbgrader_of, source_cells


def solution(folder: Path, assignment: Assignment, style: Conventions) -> Submission:
    """The solution of the unit whose source is in `folder`, as if it had been handed in."""
    return untouched(folder, assignment, style, {})


def untouched(
    folder: Path, assignment: Assignment, style: Conventions, released: Mapping[CellId, str]
) -> Submission:
    """The student version, as if it had been handed in; `released` has the text of its cells that are not as in the source."""
    files = []
    for notebook in assignment.notebooks:
        path = folder / f"{notebook.name}.ipynb"
        cells = [
            cell
            | {"source": released.get((notebook.name, nbgrader_of(cell).get("grade_id", "")), cell["source"])}
            for cell in source_cells(path, style)
        ]
        document: dict[str, Any] = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
        files.append((path.name, json.dumps(document).encode()))
    return Submission(assignment.unit, tuple(files))


def failures(result: Result) -> dict[str, str]:
    """The tests that the source's own solution does not pass, with the reasons. Raises CourseError where it could not be graded."""
    if result.status is not Status.GRADED:
        raise CourseError(f"{result.unit}: the source's own solution could not be graded: {result.reason}")
    tests = result.tests.values()
    return {
        test.id: test.message or f"{test.verdict}" for test in tests if test.verdict is not Verdict.PASSED
    }


def passed(result: Result) -> tuple[str, ...]:
    """The tests that an untouched notebook passes."""
    return tuple(test.id for test in result.tests.values() if test.verdict is Verdict.PASSED)


def complaints(failing: Mapping[str, str], open_tests: Collection[str]) -> Iterator[str]:
    """What is to be said of them, a line a test."""
    for test, why in failing.items():
        yield f"{test}: the source's own solution does not pass it: {why.strip().splitlines()[0]}"
    for test in open_tests:
        yield f"{test}: this test passes an empty notebook"


def left_to_a_person(assignment: Assignment, tests: Collection[str]) -> Assignment:
    """The unit with some tests skipped, so that a person grades them. Raises CourseError for what is none of its tests."""
    known = [test.id for notebook in assignment.notebooks for test in notebook.tests]
    if unknown := [name for name in tests if name not in known]:
        raise CourseError(f"{assignment.unit} has no test '{unknown[0]}'; its tests: {', '.join(known)}")
    notebooks = tuple(
        replace(
            notebook,
            cells=tuple(
                replace(cell, tags=cell.tags | {EXPLORE})
                if cell.id in tests and cell.role is Role.TEST
                else cell
                for cell in notebook.cells
            ),
        )
        for notebook in assignment.notebooks
    )
    return replace(assignment, notebooks=notebooks)
