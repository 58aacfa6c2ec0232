"""`grader check`: a learner's own notebook, graded against the unit in the clone by the same engine that grades a class.

Whoever has the clone has the tests too, and no grade is at stake: so what a hidden test found is shown. Solutions lie in the
clone as well, but nobody should meet one by accident: they are shown only for the exercise that is asked for. Nothing is written.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from grader.engine import grade as engine
from grader.engine.plan import match
from grader.engine.result import NotebookResult, Result, Status, TestResult, Verdict
from grader.engine.submission import MAX_FILE, StudentCell, Submission, Unreadable, load_notebook, read_cells
from grader.errors import CourseError
from grader.source.bank import read_bank
from grader.source.course import Course, read_course
from grader.source.notebook import Assignment, Cell, Notebook, Role, read_notebook
from grader.source.outline import Part, check_title, outline
from grader.source.regions import split_regions, unmarked
from grader.text import printable

PASSED, FAILED, OPEN = "passed", "not passed", "not solved yet"


@dataclass(frozen=True)
class Test:
    """One test cell. `hidden` where the part that failed does not stand in the learner's notebook."""

    __test__ = False  # not a pytest class

    id: str
    title: str
    verdict: Verdict
    points: float
    max_points: float
    message: str = ""
    hidden: bool = False


@dataclass(frozen=True)
class Advice:
    """The misconception that the answer agrees with, and where it is explained."""

    name: str
    says: str
    section: str
    lecture: str


@dataclass(frozen=True)
class Answer:
    """One exercise. `state` is PASSED, FAILED or OPEN; `error` is what the learner's own cell raised; `hint` is the one asked
    for, of `hints`."""

    exercise: str
    title: str
    points: float
    max_points: float
    state: str
    tests: tuple[Test, ...]
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
        raise CourseError(f"{path}: {why}") from None
    course = read_course(folder)
    assignment = _assignment(course, path, cells)
    (source,) = assignment.notebooks
    parts = tuple(outline(source))
    shown = _solutions(course, assignment, parts, solution) if solution else ()
    result, isolated = _grade(Submission(assignment.unit, ((f"{source.name}.ipynb", data),)), assignment)
    (outcome,) = result.notebooks
    errors = _errors(outcome)
    place = {source.cells[k].id: index for index, k in match(source, cells).items()}
    advice = dict(_advice(assignment, outcome))
    answers = tuple(
        _answer(part, outcome, errors.pop(place.get(part.cell.id, -1), ""), advice.get(part.cell.id), hint)
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
            *result.incidents,
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
    found = by_tests or by_answers
    units = sorted({source.parent.name for source in found})
    if not found:
        known = ", ".join(sorted({source.parent.name for source in sources}))
        raise CourseError(
            f"{path} holds no exercise of this course (units here: {known}); give a copy of a notebook of assignments/"
        )
    if len(found) > 1:
        raise CourseError(
            f"{path} holds exercises of {' and '.join(units)}: check a copy of one notebook at a time"
        )
    return replace(course.assignment(units[0]), notebooks=(notebooks[found[0]],))


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
        result = engine.grade(submission, assignment)
    except CourseError:  # this machine has no isolation
        isolated, result = False, engine.grade(submission, assignment, allow_unsandboxed=True)
    if result.status is not Status.GRADED:
        raise CourseError(f"the notebook could not be checked: {result.reason}; give the same command again")
    return result, isolated


def _answer(part: Part, outcome: NotebookResult, error: str, advice: Advice | None, hint: int) -> Answer:
    results = {test.id: test for test in outcome.tests}
    tests = tuple(_test(cell, part.cell.id, results[cell.id]) for cell in part.tests)
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


def _test(cell: Cell, exercise: str, result: TestResult) -> Test:
    return Test(
        id=cell.id,
        title=check_title(cell, exercise),
        verdict=result.verdict,
        points=result.points,
        max_points=result.max_points,
        message=result.message,
        hidden=not result.public,
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


def _advice(assignment: Assignment, outcome: NotebookResult) -> Iterator[tuple[str, Advice]]:
    for exercise, name in outcome.named:
        if entry := assignment.misconceptions.get(name):
            yield exercise, Advice(name, entry.says, entry.see, f"lectures/{assignment.unit}.ipynb")


def _plain(text: str) -> str:
    """A hint of a notebook as it reads in a terminal."""
    text = re.sub(r"</?code>", "`", text)
    return html.unescape(re.sub(r"<[^>]+>", "", text)).strip()


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
    bank = course.folder("source", ".", assignment.unit) / "bank.py"
    variants = (
        read_bank(bank, assignment.functions).variants if cell.role is Role.WORK and bank.is_file() else ()
    )
    right = [Solution(entry.name, entry.source.strip()) for entry in variants if entry.target in cell.defines]
    return (Solution("the course's own", _without_markers(cell)), *right)


def _without_markers(cell: Cell) -> str:
    """The right answer in a solution cell; of a question, the model answer."""
    if cell.role is Role.WRITTEN:
        return "\n".join(region.text for region in split_regions(cell.source, cell.id)[1]) or cell.source
    return unmarked(cell.source)
