"""Grade one submission: `grade(submission, assignment) -> Result`.

What is read here of a submission is its notebook's text; what its code does is between `supervisor`, `examiner` and `student`.
"""

from __future__ import annotations

import hashlib
import time
from dataclasses import replace
from pathlib import Path

from grader.engine.plan import Plan, line_up, match, our_names
from grader.engine.result import NotebookResult, Result, Status, TestResult, Verdict
from grader.engine.submission import (
    StudentCell,
    Submission,
    Unreadable,
    load_notebook,
    pair_notebooks,
    read_cells,
)
from grader.engine.supervisor import supervise
from grader.errors import CourseError
from grader.sandbox.limits import Limits
from grader.source.notebook import Assignment, Notebook


def _engine_version() -> str:
    """Changes with any module that has a part in a verdict: the tests may call all of trainlab."""
    root, digest = Path(__file__).parents[2], hashlib.sha256()
    for folder in ("grader", "grader/source", "grader/sandbox", "grader/engine", "trainlab"):
        for path in sorted((root / folder).glob("*.py")):
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


ENGINE_VERSION = _engine_version()
LIMITS = Limits()
"""What a submission of a class may use, where nobody says otherwise."""


def result_key(submission: Submission, assignment: Assignment, limits: Limits | None = None) -> str:
    """What a result is filed under: changes with the submission, the assignment, the limits or the engine."""
    text = f"{submission.digest} {assignment.digest} {limits or LIMITS} {ENGINE_VERSION}"
    return hashlib.sha256(text.encode()).hexdigest()


def grade(
    submission: Submission,
    assignment: Assignment,
    limits: Limits | None = None,
    *,
    allow_unsandboxed: bool = False,
) -> Result:
    """The outcome of one submission. Whatever the submission does is in the result.

    Raises CourseError where this machine cannot isolate a stranger's code and `allow_unsandboxed` is not given.
    """
    began, limits = time.monotonic(), limits or LIMITS
    key = result_key(submission, assignment, limits)
    empty = Result(key, assignment.unit, Status.UNGRADABLE)
    try:
        loaded, notes = _load(submission, assignment)
    except Unreadable as why:
        return replace(empty, reason=str(why), incidents=submission.notes)
    # the source's files win over the submission's of the same name
    own = {name: data for name, data in submission.files if not name.endswith(".ipynb")}
    files = tuple(sorted((own | dict(assignment.files)).items()))
    notebooks, incidents, reached, cpu = [], [*submission.notes, *notes], "", 0.0
    for notebook in assignment.notebooks:
        if notebook.name not in loaded:
            notebooks.append(_missing(notebook))
            continue
        try:
            steps = line_up(notebook, loaded[notebook.name])
            exercises = tuple(
                (one.name, tuple(test.id for test in one.tests if not test.explore))
                for one in notebook.exercises
            )
            plan = Plan(steps, files, assignment.files, limits, exercises, our_names(notebook))
            run = supervise(assignment, notebook, plan, isolate=not allow_unsandboxed)
        except CourseError:
            raise
        except Exception as error:
            reason = f"{type(error).__name__}: {error}".split("\n")[0]
            return replace(
                empty, status=Status.GRADER_FAILED, reason=reason, seconds=time.monotonic() - began
            )
        notebooks.append(run.result())
        where = f"{notebook.name}: " if len(assignment.notebooks) > 1 else ""
        incidents += [where + text for text in run.incidents]
        reached, cpu = run.reached, cpu + run.cpu
    return replace(
        empty,
        status=Status.GRADED,
        reason="; ".join(notes),
        notebooks=tuple(notebooks),
        incidents=tuple(dict.fromkeys(incidents)),
        sandbox=reached,
        seconds=time.monotonic() - began,
        cpu_seconds=cpu,
    )


def _load(
    submission: Submission, assignment: Assignment
) -> tuple[dict[str, tuple[StudentCell, ...]], list[str]]:
    """The cells of the submission's notebooks by the source's names, and remarks. Raises Unreadable."""
    pairs, remarks = pair_notebooks(submission, assignment)
    notes, loaded = list(remarks), {}
    if not pairs:
        raise Unreadable("; ".join(notes) or "no notebook was handed in")
    for notebook in assignment.notebooks:
        if (name := notebook.name) in pairs:
            try:
                loaded[name] = read_cells(load_notebook(submission.notebooks[pairs[name]]))
            except Unreadable as why:
                raise Unreadable(f"{name}.ipynb: {why}") from None
            if not match(notebook, loaded[name]):
                notes.append(f"{name}.ipynb holds none of this assignment's cells")
    return loaded, notes


def _missing(notebook: Notebook) -> NotebookResult:
    why = "this notebook was not handed in"
    tests = [TestResult(test.id, Verdict.FAILED, 0.0, test.points, why) for test in notebook.tests]
    return NotebookResult(notebook.name, tuple(tests))
