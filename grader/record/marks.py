"""What the gradebook says about each submission of a unit, cell by cell: scores, penalties, people's comments. Nothing is written."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from grader.errors import CourseError
from grader.record.gradebook import CellId, reading
from grader.record.schema import (
    ASSIGNMENT,
    BASE_CELL,
    COMMENT,
    GRADE,
    NOTEBOOK,
    STUDENT,
    SUBMISSION,
    SUBMITTED,
)
from grader.source.course import Course


@dataclass(frozen=True, slots=True)
class Mark:
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
class Marks:
    """One submission in the gradebook. `timestamp`, when it was handed in, is naive UTC; `penalties` go by notebook."""

    name: str = ""
    timestamp: datetime | None = None
    cells: Mapping[CellId, Mark] = field(default_factory=dict)
    comments: Mapping[CellId, str] = field(default_factory=dict)
    penalties: Mapping[str, float] = field(default_factory=dict)

    @property
    def waits(self) -> bool:
        """Whether a person must still grade a cell of it."""
        return any(mark.waits for mark in self.cells.values())

    @property
    def total(self) -> float:
        """Points after the penalties."""
        points = sum(mark.score or 0.0 for mark in self.cells.values())
        return max(points - sum(self.penalties.values()), 0.0)


def read_marks(course: Course, unit: str) -> dict[str, Marks]:
    """Every submission of `unit` in the gradebook, by student.

    Raises CourseError where there is no gradebook, it cannot be read, or it does not know the unit.
    """
    with reading(course.db_url) as db:
        found = db.execute(sa.select(ASSIGNMENT.c.id).where(ASSIGNMENT.c.name == unit)).scalar()
        if found is None:
            raise CourseError(f"the gradebook does not know '{unit}': run `grader grade {unit}` first")
        books = sa.select(NOTEBOOK.c.id, NOTEBOOK.c.name).where(NOTEBOOK.c.assignment_id == found)
        names: dict[str, str] = {row.id: row.name for row in db.execute(books)}
        owned = sa.select(BASE_CELL).where(BASE_CELL.c.notebook_id.in_(names))
        keys: dict[str, CellId] = {row.id: (names[row.notebook_id], row.name) for row in db.execute(owned)}

        submitted = SUBMISSION.join(SUBMITTED, SUBMITTED.c.assignment_id == SUBMISSION.c.id)

        def of_unit(table: sa.TableClause) -> sa.Select[Any]:
            joined = submitted.join(table, table.c.notebook_id == SUBMITTED.c.id)
            query = sa.select(SUBMISSION.c.student_id, table).select_from(joined)
            return query.where(SUBMISSION.c.assignment_id == found)

        cells: defaultdict[str, dict[CellId, Mark]] = defaultdict(dict)
        for row in db.execute(of_unit(GRADE)):
            mark = Mark(
                row.auto_score, row.manual_score, row.extra_credit or 0.0, bool(row.needs_manual_grade)
            )
            cells[row.student_id][keys[row.cell_id]] = mark
        comments: defaultdict[str, dict[CellId, str]] = defaultdict(dict)
        for row in db.execute(of_unit(COMMENT)):
            if text := row.auto_comment if row.manual_comment is None else row.manual_comment:
                comments[row.student_id][keys[row.cell_id]] = text
        penalties: defaultdict[str, dict[str, float]] = defaultdict(dict)
        query = sa.select(SUBMISSION.c.student_id, SUBMITTED).select_from(submitted)
        for row in db.execute(query.where(SUBMISSION.c.assignment_id == found)):
            if row.late_submission_penalty:
                penalties[row.student_id][names[row.notebook_id]] = row.late_submission_penalty
        people = SUBMISSION.outerjoin(STUDENT, STUDENT.c.id == SUBMISSION.c.student_id)
        columns = SUBMISSION.c.student_id, SUBMISSION.c.timestamp, STUDENT.c.first_name, STUDENT.c.last_name
        query = sa.select(*columns).select_from(people).where(SUBMISSION.c.assignment_id == found)
        return {
            row.student_id: Marks(
                " ".join(part for part in (row.first_name, row.last_name) if part),
                row.timestamp,
                cells[row.student_id],
                comments[row.student_id],
                penalties[row.student_id],
            )
            for row in db.execute(query)
        }
