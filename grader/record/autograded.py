"""Autograded notebooks in nbgrader's form, for formgrader; and what the gradebook should say about a submission.

The instructor's cells are the source's, hidden tests and failures in full: only instructors see autograded/. Each notebook
carries the key of the result that it was made from, so a later run knows what is done without making it again.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from grader.engine.plan import match
from grader.engine.result import NotebookResult, Result, Status, TestResult
from grader.engine.submission import (
    StudentCell,
    Submission,
    Unreadable,
    load_notebook,
    pair_notebooks,
    read_cells,
)
from grader.files import IN_THE_WAY, write_whole
from grader.record.gradebook import Grading
from grader.record.grades import CellId
from grader.source.course import Course
from grader.source.notebook import Assignment, Notebook, Role, nbgrader_of, source_cells

Json = dict[str, Any]
STAMP = "trainlab"
"""Key of our entry in a notebook's metadata, and in a test cell's."""
PICTURES = (".png", ".jpg", ".jpeg", ".gif", ".webp")
"""Files of a submission that go along, so that formgrader shows text cells as the student saw them."""
PICTURE_TYPES = ("image/png", "image/jpeg", "image/gif")
NO_RESPONSE = "No response."
"""nbgrader's own words for a solution cell that is as it was released."""
MISSING = "# This cell was missing from the submission."
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
_BASE64 = re.compile(r"[A-Za-z0-9+/=\s]*")


@dataclass(frozen=True)
class Stamp:
    """What an autograded folder was made from. `untouched` are solution cells that are as they were released."""

    key: str
    status: str
    submission: str
    untouched: frozenset[CellId]


def read_stamp(folder: Path, assignment: Assignment) -> Stamp | None:
    """The stamp of an autograded folder; None where one of its notebooks is missing, damaged or not ours."""
    stamps, untouched = set(), set[CellId]()
    for notebook in assignment.notebooks:
        try:
            stamp = json.loads((folder / f"{notebook.name}.ipynb").read_bytes())["metadata"][STAMP]
            stamps.add((stamp["key"], stamp.get("status", Status.GRADED), stamp["submission"]))
            untouched.update((notebook.name, cell) for cell in stamp["untouched"])
        except (OSError, ValueError, LookupError, TypeError):
            return None
    return Stamp(*stamps.pop(), frozenset(untouched)) if len(stamps) == 1 else None


def grading(
    student: str,
    timestamp: datetime | None,
    assignment: Assignment,
    result: Result,
    untouched: Collection[CellId],
    *,
    resubmitted: bool,
    extension: timedelta | None = None,
) -> Grading:
    """What the gradebook should say: points for tests, None for what a person must grade, 0 for an answer that is as it was released.

    A submission without a score has None everywhere, and the reason as the comment of each notebook's first solution cell.
    """
    graded = result.status is Status.GRADED
    tests = result.tests if graded else {}
    scores: dict[CellId, float | None] = {}
    comments: dict[CellId, str | None] = dict.fromkeys(untouched, NO_RESPONSE) if graded else {}
    for notebook in assignment.notebooks:
        for cell in notebook.cells:
            key = notebook.name, cell.id
            if cell.role is Role.TEST:
                scores[key] = tests[key].points if key in tests else None
            elif cell.role is Role.WRITTEN:
                scores[key] = 0.0 if graded and cell.solution and key in untouched else None
        first = next((cell.id for cell in notebook.cells if cell.solution), None)
        if not graded and first is not None:
            comments[notebook.name, first] = sentence(result)
    return Grading(student, timestamp, scores, comments, resubmitted, extension)


def sentence(result: Result) -> str:
    """Why a submission has no score, in a sentence for its row and its comment."""
    ungradable = result.status is Status.UNGRADABLE
    outcome = "Could not be graded" if ungradable else "The grader failed, not the student"
    return f"{outcome}: {result.reason}." if result.reason else f"{outcome}."


@dataclass(frozen=True)
class _Handed:
    """One notebook as it was handed in: its JSON, its cells, and which cell of the source (position) each index stands for."""

    raw: Json
    cells: tuple[StudentCell, ...] = ()
    matched: Mapping[int, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Made:
    """An autograded folder before it is written; notebooks last, because their stamp says that all is there."""

    untouched: frozenset[CellId]
    files: tuple[tuple[str, bytes], ...]

    def write(self, folder: Path) -> None:
        """Write it, but for pictures where something else lies. Raises OSError, with every file whole or as it was."""
        for name, content in self.files:
            try:
                write_whole(folder / name, content)
            except IN_THE_WAY:
                if not name.lower().endswith(PICTURES):
                    raise


class Autograded:
    """Makes the autograded folders of one unit. `released`: the text of the unit's cells as students got them."""

    def __init__(self, course: Course, assignment: Assignment, released: Mapping[CellId, str]) -> None:
        self._assignment, self._released = assignment, released
        # nbgrader's own metadata and cell types, which `assignment` does not keep
        self._source = {
            notebook.name: source_cells(
                course.source(assignment.unit) / f"{notebook.name}.ipynb", course.conventions
            )
            for notebook in assignment.notebooks
        }

    def make(self, submission: Submission, result: Result) -> Made:
        """One submission's autograded folder, in memory: its notebooks and the pictures that its text cells show."""
        files = [(name, content) for name, content in submission.files if name.lower().endswith(PICTURES)]
        pairs, _ = pair_notebooks(submission, self._assignment)
        all_untouched = set[CellId]()
        for notebook in self._assignment.notebooks:
            handed = _read(notebook, submission.notebooks.get(pairs.get(notebook.name, "")))
            untouched = self._untouched(notebook, handed)
            all_untouched.update((notebook.name, cell) for cell in untouched)
            cells = list(self._cells(notebook, handed, result.of(notebook.name)))
            if result.status is not Status.GRADED:
                cells.insert(0, _cell("markdown", f"**{sentence(result)}**", {}))
            made_from = {"key": result.key, "status": result.status, "submission": submission.digest}
            metadata = {"kernelspec": KERNEL, STAMP: made_from | {"untouched": untouched}}
            document = {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 4}
            files.append((f"{notebook.name}.ipynb", json.dumps(document, sort_keys=True).encode()))
        return Made(frozenset(all_untouched), tuple(files))

    def _untouched(self, notebook: Notebook, handed: _Handed) -> list[str]:
        pairs = [(notebook.cells[k], handed.cells[index].source) for index, k in handed.matched.items()]
        return sorted(
            cell.id
            for cell, text in pairs
            if cell.solution and text == self._released.get((notebook.name, cell.id))
        )

    def _cells(self, notebook: Notebook, handed: _Handed, outcome: NotebookResult) -> Iterator[Json]:
        """The student's cells where they stand, the instructor's in their own words, missing graded cells after what precedes them."""
        place = {k: index for index, k in handed.matched.items()}
        tests = {test.id: test for test in outcome.tests}
        outputs = dict(outcome.outputs)
        # after which cell of the student's a cell belongs that is missing; None: at the top
        missing = defaultdict[int | None, list[Json]](list)
        for k, cell in enumerate(notebook.cells):
            if cell.role in (Role.TEST, Role.WRITTEN) and k not in place:
                preceding = max((place[j] for j in place if j < k), default=None)
                missing[preceding].append(self._cell_of_source(notebook, k, MISSING, tests))
        yield from missing[None]
        for index, theirs in enumerate(handed.cells):
            position = handed.matched.get(index)
            if position is None:
                made = _cell("code" if theirs.code else "markdown", theirs.source, {})
            else:
                made = self._cell_of_source(notebook, position, theirs.source, tests)
            if made["cell_type"] != "code":
                if pictures := _attachments(handed.raw["cells"][index]):
                    made["attachments"] = pictures
            elif position is None or notebook.cells[position].role is not Role.TEST:
                made["outputs"] = list(outputs.get(index, ()))
            yield made
            yield from missing[index]

    def _cell_of_source(
        self, notebook: Notebook, position: int, answer: str, tests: Mapping[str, TestResult]
    ) -> Json:
        """A cell of the source, with the student's `answer` in it where they were to write one, and a test's outcome."""
        cell, source = notebook.cells[position], self._source[notebook.name][position]
        nbgrader = nbgrader_of(source)
        text = answer if cell.role is Role.WORK or cell.solution else cell.source
        made = _cell(source["cell_type"], text, {"nbgrader": nbgrader} if nbgrader else {})
        if cell.role is Role.TEST and cell.id in tests:
            made["outputs"] = test_outputs(tests[cell.id])
            made["metadata"][STAMP] = {"public": tests[cell.id].public}
        return made


def _read(notebook: Notebook, content: bytes | None) -> _Handed:
    try:
        raw = load_notebook(content or b"")
    except Unreadable:
        return _Handed({"cells": []})
    cells = read_cells(raw)
    return _Handed(raw, cells, match(notebook, cells))


def test_outputs(test: TestResult) -> list[Json]:
    """A test cell's outputs from which nbgrader's own `determine_grade` reads the points that the test got."""
    if test.points == test.max_points:
        return []
    if test.points > 0:
        data = {"text/plain": repr(test.points)}
        return [{"output_type": "execute_result", "data": data, "execution_count": None, "metadata": {}}]
    name = str(test.verdict).title()
    traceback = [f"{name}{'' if test.public else ' (hidden part)'}: {test.message}"]
    return [{"output_type": "error", "ename": name, "evalue": test.message, "traceback": traceback}]


def _cell(kind: str, source: str, metadata: Json) -> Json:
    made: Json = {"cell_type": kind, "metadata": metadata, "source": source}
    return made | {"execution_count": None, "outputs": []} if kind == "code" else made


def _attachments(raw: Any) -> Json:
    """The pictures that were pasted into a text cell."""
    bundles = raw.get("attachments") if isinstance(raw, dict) else None
    return {
        name: {
            kind: data
            for kind, data in bundle.items()
            if kind in PICTURE_TYPES and isinstance(data, str) and _BASE64.fullmatch(data)
        }
        for name, bundle in (bundles.items() if isinstance(bundles, dict) else ())
        if isinstance(bundle, dict)
    }
