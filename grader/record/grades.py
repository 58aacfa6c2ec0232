"""What nbgrader's gradebook says, cell by cell and in sum, and which scores are final. Nothing is written here."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from grader.errors import CourseError
from grader.record.schema import (
    ASSIGNMENT,
    BASE_CELL,
    COMMENT,
    GRADE,
    GRADE_CELL,
    NOTEBOOK,
    SOURCE_CELL,
    STUDENT,
    SUBMISSION,
    SUBMITTED,
    TASK_CELL,
    opened,
)
from grader.source.course import Course

CellId = tuple[str, str]
"""A cell of a unit: notebook's name, grade id."""


@dataclass(frozen=True)
class Unit:
    """A unit in the gradebook. `duedate` is naive UTC, before any extension; `sources` are the cells as students got them."""

    id: str
    name: str
    duedate: datetime | None
    notebooks: dict[str, str]  # name -> row id
    graded: dict[CellId, str]  # -> base cell's row id
    commented: dict[CellId, str]
    points: dict[CellId, float]
    sources: dict[CellId, str]

    @property
    def max_score(self) -> float:
        """Points of all graded cells."""
        return sum(self.points.values(), 0.0)


class State(StrEnum):
    """Whether a score is final, and why it is not. The words are those of the `status` column."""

    GRADED = "graded"
    WAITS = "needs manual grading"
    UNGRADED = "not graded"
    ABSENT = "no submission"


@dataclass(frozen=True, slots=True)
class CellGrade:
    """One graded cell of one submission. `waits`: a person must look at it (again)."""

    auto: float | None
    manual: float | None = None
    extra: float = 0.0
    waits: bool = False

    @property
    def score(self) -> float | None:
        """Points as nbgrader counts them: a person's before the tests', with extra credit; None where there are none yet."""
        own = self.auto if self.manual is None else self.manual
        return None if own is None else own + self.extra


@dataclass(frozen=True)
class SubmissionGrades:
    """One submission in the gradebook. `timestamp`, when it was handed in, is naive UTC; `penalties` go by notebook."""

    name: str = ""
    state: State = State.ABSENT
    timestamp: datetime | None = None
    late: timedelta = timedelta()
    cells: Mapping[CellId, CellGrade] = field(default_factory=dict)
    comments: Mapping[CellId, str] = field(default_factory=dict)
    penalties: Mapping[str, float] = field(default_factory=dict)

    @property
    def waits(self) -> bool:
        """Whether a person must still grade a cell of it."""
        return any(cell.waits for cell in self.cells.values())

    @property
    def raw(self) -> float:
        """Points before the penalties."""
        return sum((cell.score or 0.0 for cell in self.cells.values()), 0.0)

    @property
    def penalty(self) -> float:
        """What the late policy takes off."""
        return sum(self.penalties.values(), 0.0)

    @property
    def total(self) -> float:
        """Points after the penalties."""
        return max(self.raw - self.penalty, 0.0)

    @property
    def score(self) -> float | None:
        """The total, where it is final."""
        return self.total if self.state is State.GRADED else None

    @property
    def auto(self) -> float | None:
        """The tests' points, final or not; None where there are none."""
        points = [cell.auto for cell in self.cells.values() if cell.auto is not None]
        return sum(points) if points else None


@dataclass(frozen=True, slots=True)
class Person:
    """A row of nbgrader's students table."""

    id: str
    first: str
    last: str
    email: str
    lms: str


@dataclass(frozen=True)
class Grades:
    """Submissions by (student's id, unit's name); who is not there has handed nothing in."""

    units: tuple[Unit, ...]
    students: tuple[Person, ...]
    submissions: Mapping[tuple[str, str], SubmissionGrades]

    def of(self, student: str | None, unit: Unit) -> SubmissionGrades:
        return self.submissions.get((student or "", unit.name), SubmissionGrades())


def read_unit(db: sa.Connection, name: str) -> Unit | None:
    """A unit's cells; None where the gradebook does not know it."""
    row = db.execute(sa.select(ASSIGNMENT).where(ASSIGNMENT.c.name == name)).first()
    if row is None:
        return None
    notebooks = sa.select(NOTEBOOK.c.id, NOTEBOOK.c.name).where(NOTEBOOK.c.assignment_id == row.id)
    names = {id: str(name) for id, name in db.execute(notebooks)}
    points = sa.func.coalesce(GRADE_CELL.c.max_score, TASK_CELL.c.max_score).label("points")
    kinds = BASE_CELL.outerjoin(GRADE_CELL, GRADE_CELL.c.id == BASE_CELL.c.id)
    kinds = kinds.outerjoin(TASK_CELL, TASK_CELL.c.id == BASE_CELL.c.id)
    query = sa.select(BASE_CELL, points).select_from(kinds).where(BASE_CELL.c.notebook_id.in_(names))
    cells = db.execute(query.order_by(BASE_CELL.c.name)).all()
    sources = db.execute(sa.select(SOURCE_CELL).where(SOURCE_CELL.c.notebook_id.in_(names))).all()
    key = {cell.id: (names[cell.notebook_id], cell.name) for cell in cells}
    return Unit(
        id=row.id,
        name=name,
        duedate=row.duedate,
        notebooks=dict(sorted((name, id) for id, name in names.items())),
        graded={key[cell.id]: cell.id for cell in cells if cell.type in ("GradeCell", "TaskCell")},
        commented={key[cell.id]: cell.id for cell in cells if cell.type in ("SolutionCell", "TaskCell")},
        points={key[cell.id]: cell.points for cell in cells if cell.points is not None},
        sources={(names[cell.notebook_id], cell.name): cell.source or "" for cell in sources},
    )


def cell_rows(db: sa.Connection, table: sa.TableClause, unit: Unit | None = None) -> Iterator[Any]:
    """The rows of GRADE or COMMENT with the names of their unit, notebook, cell and student; of all units where none is given."""
    joined = (
        SUBMITTED.join(SUBMISSION, SUBMISSION.c.id == SUBMITTED.c.assignment_id)
        .join(ASSIGNMENT, ASSIGNMENT.c.id == SUBMISSION.c.assignment_id)
        .join(NOTEBOOK, NOTEBOOK.c.id == SUBMITTED.c.notebook_id)
        .join(table, table.c.notebook_id == SUBMITTED.c.id)
        .join(BASE_CELL, BASE_CELL.c.id == table.c.cell_id)
    )
    query = sa.select(
        table,
        ASSIGNMENT.c.name.label("unit"),
        NOTEBOOK.c.name.label("notebook"),
        BASE_CELL.c.name.label("cell"),
        SUBMISSION.c.student_id.label("student"),
        SUBMISSION.c.timestamp,
        SUBMITTED.c.late_submission_penalty,
    ).select_from(joined)
    return iter(db.execute(query if unit is None else query.where(SUBMISSION.c.assignment_id == unit.id)))


def read_submissions(db: sa.Connection, unit: Unit) -> dict[str, SubmissionGrades]:
    """Every submission of a unit, by student's id."""
    cells: defaultdict[str, dict[CellId, CellGrade]] = defaultdict(dict)
    penalties: defaultdict[str, dict[str, float]] = defaultdict(dict)
    for row in cell_rows(db, GRADE, unit):
        cells[row.student][row.notebook, row.cell] = CellGrade(
            row.auto_score, row.manual_score, row.extra_credit or 0.0, bool(row.needs_manual_grade)
        )
        if row.late_submission_penalty:
            penalties[row.student][row.notebook] = row.late_submission_penalty
    comments: defaultdict[str, dict[CellId, str]] = defaultdict(dict)
    for row in cell_rows(db, COMMENT, unit):
        if text := row.auto_comment if row.manual_comment is None else row.manual_comment:
            comments[row.student][row.notebook, row.cell] = text
    people = SUBMISSION.outerjoin(STUDENT, STUDENT.c.id == SUBMISSION.c.student_id)
    query = sa.select(SUBMISSION, STUDENT.c.first_name, STUDENT.c.last_name).select_from(people)
    submissions = {}
    for row in db.execute(query.where(SUBMISSION.c.assignment_id == unit.id)):
        late = timedelta()
        if row.timestamp and unit.duedate:
            late = max(row.timestamp - unit.duedate - (row.extension or late), late)
        submissions[row.student_id] = SubmissionGrades(
            " ".join(part for part in (row.first_name, row.last_name) if part),
            _state(cells[row.student_id].values(), len(unit.graded)),
            row.timestamp,
            late,
            cells[row.student_id],
            comments[row.student_id],
            penalties[row.student_id],
        )
    return submissions


def _state(cells: Collection[CellGrade], expected: int) -> State:
    if len(cells) < expected or (expected and all(cell.score is None for cell in cells)):
        return State.UNGRADED
    return State.WAITS if any(cell.waits for cell in cells) else State.GRADED


def read_grades(course: Course, unit: str) -> dict[str, SubmissionGrades]:
    """Every submission of `unit` in the course's gradebook, by student's id.

    Raises CourseError where there is no gradebook, it cannot be read, or it does not know the unit.
    """
    with opened(course.db_url) as db:
        in_gradebook = read_unit(db, unit)
        if in_gradebook is None:
            raise CourseError(f"the gradebook does not know '{unit}': run `grader grade {unit}` first")
        return read_submissions(db, in_gradebook)


def gather(db: sa.Connection, units: Collection[str] = (), students: Collection[str] = ()) -> Grades:
    """What a gradebook says in sum, by nbgrader's arithmetic: what every export is made from. All units and students where none are named.

    Raises CourseError where the gradebook does not know one of them.
    """
    names = db.execute(sa.select(ASSIGNMENT.c.name).order_by(ASSIGNMENT.c.name)).scalars().all()
    _check_names("unit", units, names)
    chosen = [unit for name in names if not units or name in units if (unit := read_unit(db, name))]
    people = [
        Person(row.id, row.first_name or "", row.last_name or "", row.email or "", row.lms_user_id or "")
        for row in db.execute(sa.select(STUDENT).order_by(STUDENT.c.id))
    ]
    _check_names("student", students, [person.id for person in people])
    submissions = {
        (student, unit.name): grades
        for unit in chosen
        for student, grades in read_submissions(db, unit).items()
        if not students or student in students
    }
    return Grades(tuple(chosen), tuple(p for p in people if not students or p.id in students), submissions)


def _check_names(kind: str, asked: Collection[str], names: Sequence[str]) -> None:
    missing = sorted(set(asked) - set(names))
    if missing:
        there = ", ".join(names[:20]) or "none"
        raise CourseError(f"the gradebook knows no {kind} '{missing[0]}'; there: {there}; grade first")
