"""Which scores in nbgrader's gradebook are final: what every export is made from."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from nbgrader import api

from grader.errors import CourseError


class State(StrEnum):
    """Whether a score is final, and why it is not. The words are those of the `status` column."""

    GRADED = "graded"
    WAITS = "needs manual grading"
    UNGRADED = "not graded"
    ABSENT = "no submission"


@dataclass(frozen=True, slots=True)
class Mark:
    """One student's mark in one unit. `score` is None where it is not final; `raw` is it before `penalty`; `auto` is the tests'."""

    state: State
    score: float | None = None
    raw: float | None = None
    penalty: float | None = None
    auto: float | None = None
    timestamp: datetime | None = None  # naive UTC
    late: timedelta = timedelta()


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit in the gradebook. `duedate` is naive UTC, before any extension."""

    name: str
    max_score: float
    duedate: datetime | None


@dataclass(frozen=True, slots=True)
class Student:
    """A row of nbgrader's students table."""

    id: str
    first: str
    last: str
    email: str
    lms: str


@dataclass(frozen=True)
class Grades:
    """Marks by (student's id, unit's name); who is not there has handed nothing in."""

    units: tuple[Unit, ...]
    students: tuple[Student, ...]
    marks: dict[tuple[str, str], Mark]

    def mark(self, student: str | None, unit: Unit) -> Mark:
        return self.marks.get((student or "", unit.name), Mark(State.ABSENT))


def gather(gradebook: api.Gradebook, units: Collection[str] = (), students: Collection[str] = ()) -> Grades:
    """What nbgrader's gradebook says, scores by its own arithmetic; all units and students where none are named.

    Raises CourseError where the gradebook does not know one of them.
    """
    db = gradebook.db
    rows = db.query(api.Assignment).order_by(api.Assignment.name).all()
    _all_known("unit", units, [row.name for row in rows])
    chosen = [row for row in rows if not units or row.name in units]
    people = [
        Student(row.id, row.first_name or "", row.last_name or "", row.email or "", row.lms_user_id or "")
        for row in db.query(api.Student).order_by(api.Student.id)
    ]
    _all_known("student", students, [person.id for person in people])
    marks = {
        (student, unit.name): mark
        for unit in chosen
        for student, mark in _marks(db, unit)
        if not students or student in students
    }
    return Grades(
        tuple(Unit(row.name, row.max_score, row.duedate) for row in chosen),
        tuple(person for person in people if not students or person.id in students),
        marks,
    )


def _marks(db: Any, unit: api.Assignment) -> Iterable[tuple[str, Mark]]:
    """Each submission of a unit in two queries, however many there are (nbgrader's CSV makes several a student)."""
    handed, notebook, grade = api.SubmittedAssignment, api.SubmittedNotebook, api.Grade
    penalties = dict(
        db.execute(
            sa.select(notebook.assignment_id, sa.func.sum(notebook.late_submission_penalty)).group_by(
                notebook.assignment_id
            )
        ).all()
    )
    cells = sum(len(book.grade_cells) + len(book.task_cells) for book in unit.notebooks)
    totals = (
        sa.select(
            handed.id,
            handed.student_id,
            handed.timestamp,
            handed.extension,
            sa.func.sum(grade.score).label("raw"),
            sa.func.sum(grade.auto_score).label("auto"),
            sa.func.count(grade.id).label("grades"),
            sa.func.count(sa.func.coalesce(grade.manual_score, grade.auto_score)).label("scored"),
            sa.func.sum(sa.case((grade.needs_manual_grade, 1), else_=0)).label("waits"),
        )
        .select_from(handed)
        .outerjoin(notebook, notebook.assignment_id == handed.id)
        .outerjoin(grade, grade.notebook_id == notebook.id)
        .where(handed.assignment_id == unit.id)
        .group_by(handed.id, handed.student_id, handed.timestamp, handed.extension)
    )
    score: float | None
    for row in db.execute(totals):
        late = timedelta()
        if row.timestamp and unit.duedate:
            late = max(row.timestamp - unit.duedate - (row.extension or timedelta()), timedelta())
        if row.grades < cells or (cells and not row.scored):
            state = State.UNGRADED
        else:
            state = State.WAITS if row.waits else State.GRADED
        raw, penalty = row.raw or 0.0, penalties.get(row.id) or 0.0
        score = max(raw - penalty, 0.0)
        if state is not State.GRADED:
            score = raw = penalty = None
        yield row.student_id, Mark(state, score, raw, penalty, row.auto, row.timestamp, late)


def _all_known(what: str, asked: Collection[str], known: Sequence[str]) -> None:
    missing = sorted(set(asked) - set(known))
    if missing:
        there = ", ".join(known[:20]) or "none"
        raise CourseError(f"the gradebook knows no {what} '{missing[0]}'; there: {there}; grade first")
