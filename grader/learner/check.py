"""`grader check`: a learner's own notebook, graded against the unit in the clone by the same engine that grades a class.

Whoever has the clone has the tests too, and no grade is at stake: so what a hidden test found is shown. Solutions lie in the
clone as well, but nobody should meet one by accident: they are shown only for the exercise that is asked for. Nothing is written.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from grader.engine import explain
from grader.engine import grade as engine
from grader.engine.explain import Advice, Check
from grader.engine.plan import match
from grader.engine.result import NotebookResult, Result, Status, Verdict
from grader.engine.submission import MAX_FILE, StudentCell, Submission, Unreadable, load_notebook, read_cells
from grader.errors import CourseError
from grader.source.answers import model_answer
from grader.source.bank import read_bank
from grader.source.course import Course, read_course
from grader.source.notebook import Assignment, Notebook, Role, read_notebook
from grader.source.outline import Part, outline
from grader.source.regions import unmarked
from grader.text import printable

PASSED, FAILED, OPEN = "passed", "not passed", "not solved yet"
PATIENCE = replace(engine.LIMITS, cell_seconds=20, test_seconds=10)
"""What a learner waits for: an honest test takes a second or two, and an endless loop should not take minutes to be told."""


@dataclass(frozen=True)
class Answer:
    """One exercise. `state` is PASSED, FAILED or OPEN; `error` is what the learner's own cell raised; `hint` is the one asked
    for, of `hints`."""

    exercise: str
    title: str
    points: float
    max_points: float
    state: str
    tests: tuple[Check, ...]
    error: str = ""
    advice: Advice | None = None
    hint: str = ""
    hint_number: int = 0
    hints: int = 0


@dataclass(frozen=True)
class Question:
    """A question to answer in words, which no test can check."""

    id: str
    title: str
    points: float


@dataclass(frozen=True)
class Solution:
    """A right answer: the course's own, or a variant of the bank."""

    name: str
    source: str


@dataclass(frozen=True)
class Checked:
    """What `check` found. `remarks` are about the notebook as a whole; `isolated` is False where it ran with the learner's rights."""

    notebook: str
    unit: str
    points: float
    max_points: float
    exercises: tuple[Answer, ...]
    questions: tuple[Question, ...] = ()
    remarks: tuple[str, ...] = ()
    isolated: bool = True
    seconds: float = 0.0
    solutions: tuple[Solution, ...] = ()

    @property
    def passed(self) -> bool:
        return all(answer.state == PASSED for answer in self.exercises)


def check(folder: Path, path: Path, *, hint: int = 1, solution: str | None = None) -> Checked:
    """Grade the notebook at `path` against the unit that its cells belong to, in the course at `folder`.

    `hint` is the number of the hint to give for what does not pass; `solution` names the one exercise or question whose right
    answers are wanted. Raises CourseError where there is no such file, notebook, unit or exercise.
    """
    data = _read(path)
    try:
        cells = read_cells(load_notebook(data))
    except Unreadable as why:
        raise CourseError(f"{path}: {why}; give a copy of a notebook of assignments/") from None
    course = read_course(folder)
    assignment = _assignment(course, path, cells)
    (source,) = assignment.notebooks
    parts = tuple(outline(source))
    shown = _solutions(course, assignment, parts, solution) if solution else ()
    result, isolated = _grade(Submission(assignment.unit, ((f"{source.name}.ipynb", data),)), assignment)
    (outcome,) = result.notebooks
    errors, tests = _errors(outcome), {test.id for test in outcome.tests}
    place = {source.cells[k].id: index for index, k in match(source, cells).items()}
    answers = tuple(
        _answer(
            part,
            explain.checks(part, outcome, details=True),
            explain.advice(part, outcome, assignment),
            errors.pop(place.get(part.cell.id, -1), ""),
            hint,
        )
        for part in parts
        if part.tests
    )
    return Checked(
        notebook=str(path),
        unit=assignment.unit,
        points=outcome.score,
        max_points=outcome.max_score,
        exercises=answers,
        questions=tuple(
            Question(part.cell.id, part.title, part.cell.points) for part in parts if not part.tests
        ),
        remarks=(
            # a test's own line says what became of it
            *(text for text in result.incidents if text.split(":")[0] not in tests),
            *(f"cell {index + 1} of the notebook raised {error}" for index, error in errors.items()),
        ),
        isolated=isolated,
        seconds=result.seconds,
        solutions=shown,
    )


# ---------------------------------------------------------------------------------------- which unit it is


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_FILE + 1)
    except IsADirectoryError:
        raise CourseError(
            f"{path} is a folder; give the notebook in it, a file that ends in .ipynb"
        ) from None
    except OSError as error:
        raise CourseError(f"{path}: {error.strerror}; give the path of a notebook") from None
    if len(data) > MAX_FILE:
        raise CourseError(f"{path}: larger than {MAX_FILE >> 20} MiB; clear the notebook's outputs first")
    return data


def _assignment(course: Course, path: Path, cells: tuple[StudentCell, ...]) -> Assignment:
    """The unit, with the one notebook of it, that the cells of a learner's notebook belong to, whatever the file is called."""
    sources = sorted(course.folder("source", ".", "*").parent.glob("*/*.ipynb"))
    if not sources:
        raise CourseError(
            f"{course.root}: no units here; run this in the course's folder, or name it with --course"
        )
    notebooks = {source: read_notebook(source) for source in sources}
    # by tests, and by answers only where those were deleted: an answer pasted from another unit makes no second one
    by_tests, by_answers = (
        [source for source, nb in notebooks.items() if _shares(nb, cells, role)]
        for role in (Role.TEST, Role.WORK)
    )
    matching = by_tests or by_answers
    units = sorted({source.parent.name for source in matching})
    if not matching:
        there = ", ".join(sorted({source.parent.name for source in sources}))
        raise CourseError(
            f"{path} holds no exercise of this course (units here: {there}); give a copy of a notebook of assignments/"
        )
    if len(matching) > 1:
        raise CourseError(
            f"{path} holds exercises of {' and '.join(units)}: check a copy of one notebook at a time"
        )
    return replace(course.assignment(units[0]), notebooks=(notebooks[matching[0]],))


def _shares(notebook: Notebook, cells: tuple[StudentCell, ...], role: Role) -> bool:
    """Whether a cell of the learner's is one of the source's in that role: by id, or by text where ids were lost."""
    wanted = [cell for cell in notebook.cells if cell.role is role and (cell.solution or role is Role.TEST)]
    ids = {cell.id for cell in wanted}
    texts = {cell.public_source.strip() for cell in wanted}
    return any(
        cell.grade_id in ids or cell.cell_id in ids or (cell.code and cell.source.strip() in texts)
        for cell in cells
    )


# ------------------------------------------------------------------------------------------- what comes of it


def _grade(submission: Submission, assignment: Assignment) -> tuple[Result, bool]:
    """The result, and whether the notebook was isolated: its author runs it here anyway, so it need not be."""
    isolated = True
    try:
        result = engine.grade(submission, assignment, PATIENCE)
    except CourseError:  # this machine has no isolation
        isolated, result = False, engine.grade(submission, assignment, PATIENCE, allow_unsandboxed=True)
    if result.status is not Status.GRADED:
        raise CourseError(f"the notebook could not be checked: {result.reason}; give the same command again")
    return result, isolated


def _answer(part: Part, tests: tuple[Check, ...], advice: Advice | None, error: str, hint: int) -> Answer:
    state = FAILED
    if all(test.verdict is Verdict.PASSED for test in tests):
        state = PASSED
    elif all(test.message.startswith(NotImplementedError.__name__) for test in tests):
        state = OPEN
    number = min(hint, len(part.hints)) if state == FAILED else 0
    return Answer(
        exercise=part.cell.id,
        title=part.title,
        points=sum(test.points for test in tests),
        max_points=part.max_points,
        state=state,
        tests=tests,
        error=error,
        advice=advice,
        hint=_plain(part.hints[number - 1]) if number else "",
        hint_number=number,
        hints=len(part.hints),
    )


def _errors(outcome: NotebookResult) -> dict[int, str]:
    """What cells of the learner's raised, by index; a stub that says that it is not solved yet is no error."""
    return {
        index: _CELL_NAME.sub("", f"{output['ename']}: {output['evalue']}")
        for index, outputs in outcome.outputs
        for output in outputs
        if output["output_type"] == "error" and output["ename"] != NotImplementedError.__name__
    }


_CELL_NAME = re.compile(r"<ipython-input[^>]*>, ")
"""What IPython calls a cell in a SyntaxError."""


def _plain(text: str) -> str:
    """A hint of a notebook as it reads in a terminal: code keeps its `<`, which is no tag there."""
    parts = re.split(r"(`[^`]*`)", re.sub(r"</?code>", "`", text))
    parts[::2] = [re.sub(r"</?[a-zA-Z][^<>]*>", "", part) for part in parts[::2]]
    return html.unescape("".join(parts)).strip()


def _solutions(
    course: Course, assignment: Assignment, parts: Iterable[Part], wanted: str
) -> tuple[Solution, ...]:
    """The course's own answer to an exercise or a question, and the variants of the bank."""
    cells = {part.cell.id: part.cell for part in parts}
    if wanted not in cells:
        raise CourseError(
            f"no exercise '{printable(wanted)}' in {assignment.unit}; it has {', '.join(cells)}"
        )
    cell = cells[wanted]
    if cell.role is Role.WRITTEN:
        return (Solution("the course's own", model_answer(cell) or cell.source),)
    bank = course.folder("source", ".", assignment.unit) / "bank.py"
    variants = read_bank(bank, assignment.functions).variants if bank.is_file() else ()
    right = [Solution(entry.name, entry.source.strip()) for entry in variants if entry.target in cell.defines]
    return (Solution("the course's own", unmarked(cell.source)), *right)
