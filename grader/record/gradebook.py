"""The single writer of nbgrader's gradebook: one transaction a submission, and nothing written that is there already.

nbgrader itself creates the database and the unit's cells, by its own `generate_assignment`; the rows of students are
written here, into its tables.

What is kept, as `nbgrader autograde` keeps it: manual scores, extra credit and manual comments. A manual score is marked
for review where the student's answer or the automatic score changed under it, and only there.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any
from uuid import uuid4

import sqlalchemy as sa

from grader.errors import CourseError
from grader.record.edits import edits, snapshot
from grader.record.grades import CellId, Unit, read_unit
from grader.record.schema import (
    ASSIGNMENT,
    COMMENT,
    GRADE,
    SCHEMA,
    STUDENT,
    SUBMISSION,
    SUBMITTED,
    check_schema,
    connect,
    mishaps,
)
from grader.source.course import Course, importable
from grader.source.notebook import Assignment, Cell, Notebook, Role

Values = dict[str, Any]


@dataclass(frozen=True)
class Grading:
    """What the gradebook should say about one submission.

    `scores` has every graded cell: points, or None for a cell that a person must grade. `comments` has every cell that
    takes a comment. `timestamp` is naive UTC, None where unknown; the gradebook's own is then kept, unless timestamp.txt is there
    and `garbled`, because it came from that. `resubmitted`: the student's files differ from those that the gradebook's scores were made from. `extension` is extra time (0 takes an
    earlier one back, None leaves the gradebook's).
    """

    student: str
    timestamp: datetime | None
    scores: Mapping[CellId, float | None]
    comments: Mapping[CellId, str | None]
    resubmitted: bool = False
    extension: timedelta | None = None
    garbled: bool = False


@dataclass(frozen=True)
class Recorded:
    """The automatic score that was there before (None where there was none), what the late policy takes off, and what is left of all
    points; None where a person must still grade."""

    before: float | None
    penalty: float
    total: float | None


@dataclass
class _Submitted:
    """A student's notebook in the gradebook, as it is before writing."""

    id: str
    late_submission_penalty: float | None = None
    grades: dict[str, Any] = field(default_factory=dict)  # base cell's row id -> row
    comments: dict[str, Any] = field(default_factory=dict)


class Gradebook:
    """The gradebook, open for one unit. `changed` names cells whose source or points changed since they were released."""

    def __init__(self, course: Course, assignment: Assignment) -> None:
        self._course = course
        self._connection: sa.Connection | None = None
        self._engine = connect(course.db_url)
        with mishaps(self._engine):
            unit = self._load(assignment.unit)
            self.changed = () if unit is None else _changed(unit, assignment)
            if unit is None or self.changed:
                if unit is not None:
                    self._review_rescaled(unit, assignment)
                self._name_schema()
                self._engine.dispose()
                _register(course, assignment.unit)
                unit = self._load(assignment.unit)
        if unit is None:
            raise CourseError(f"{course.db_url}: nbgrader did not record '{assignment.unit}' in it")
        self._unit = unit
        self._queries = {
            GRADE: _query(unit, GRADE, unit.graded.values()),
            COMMENT: _query(unit, COMMENT, unit.commented.values()),
        }

    @property
    def released(self) -> Mapping[CellId, str]:
        """The source of each cell that students got, hidden tests included (an answer equal to it is no response)."""
        return self._unit.sources

    @property
    def max_score(self) -> float:
        """Points of the unit, those that a person gives among them."""
        return self._unit.max_score

    @property
    def duedate(self) -> datetime | None:
        """When the unit is due (naive UTC)."""
        return self._unit.duedate

    def graded(self) -> tuple[str, ...]:
        """Ids of the students who have grades in this unit."""
        joined = SUBMISSION.join(SUBMITTED, SUBMITTED.c.assignment_id == SUBMISSION.c.id)
        query = sa.select(SUBMISSION.c.student_id).select_from(joined).distinct()
        with mishaps(self._engine), self._engine.connect() as db:
            students = db.execute(query.where(SUBMISSION.c.assignment_id == self._unit.id)).scalars()
            return tuple(sorted(students))

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._engine.dispose()

    def record(self, grading: Grading) -> Recorded:
        """Make the gradebook say what `grading` says, in one transaction; no row is touched that says it already.

        Raises CourseError where the database cannot be written, and sqlalchemy's DataError or IntegrityError where it refuses this
        student's values.
        """
        with mishaps(self._engine), self._transaction() as db:
            submission, notebooks = self._read(db, grading.student)
            rows = [row for notebook in notebooks.values() for row in notebook.grades.values()]
            scores = [row.auto_score for row in rows if row.auto_score is not None]
            extension = None if submission is None else submission.extension
            if grading.extension is not None and self._unit.duedate is not None:
                extension = grading.extension or None  # (nbgrader cannot extend what has no due date)
            own = None if submission is None or grading.garbled else submission.timestamp
            timestamp = grading.timestamp or own
            if submission is None:
                submission = self._create(db, grading, extension)
            else:
                _update(db, SUBMISSION, submission.id, submission, timestamp=timestamp, extension=extension)
            late, penalties = self._seconds_late(timestamp, extension), 0.0
            points, waits = 0.0, False
            for name, notebook_id in self._unit.notebooks.items():
                row = notebooks.get(notebook_id)
                if row is None:
                    row = _Submitted(uuid4().hex)
                    links = {"notebook_id": notebook_id, "assignment_id": submission.id}
                    db.execute(sa.insert(SUBMITTED).values(id=row.id, flagged=False, **links))
                score, waiting = self._write_grades(db, name, row, grading)
                self._write_comments(db, name, row, grading)
                penalty = self._penalty(grading.student, score, late)
                _update(db, SUBMITTED, row.id, row, late_submission_penalty=penalty)
                penalties += penalty or 0.0
                points, waits = points + score, waits or waiting
        return Recorded(sum(scores) if scores else None, penalties, None if waits else points - penalties)

    def _read(self, db: sa.Connection, student: str) -> tuple[Any, dict[str, _Submitted]]:
        """The submission's row and its notebooks' by the notebook's id."""
        submission, notebooks = None, dict[str, _Submitted]()
        for table, query in self._queries.items():
            for row in db.execute(query, {"student": student}):
                submission = row
                if row.submitted_id is not None:
                    fresh = _Submitted(row.submitted_id, row.late_submission_penalty)
                    notebook = notebooks.setdefault(row.notebook, fresh)
                    if row.cell_id is not None:
                        (notebook.grades if table is GRADE else notebook.comments)[row.cell_id] = row
        return submission, notebooks

    def _create(self, db: sa.Connection, grading: Grading, extension: timedelta | None) -> Any:
        if db.execute(sa.select(STUDENT.c.id).where(STUDENT.c.id == grading.student)).first() is None:
            db.execute(sa.insert(STUDENT).values(id=grading.student))
        id, whose = uuid4().hex, {"assignment_id": self._unit.id, "student_id": grading.student}
        times = {"timestamp": grading.timestamp, "extension": extension}
        db.execute(sa.insert(SUBMISSION).values(id=id, **whose, **times))
        return db.execute(sa.select(SUBMISSION).where(SUBMISSION.c.id == id)).one()

    def _write_grades(
        self, db: sa.Connection, name: str, notebook: _Submitted, grading: Grading
    ) -> tuple[float, bool]:
        """Write a notebook's grades; return its score with manual scores and extra credit, and whether a person must still grade."""
        new, total, waits = [], 0.0, False
        for key, cell_id in _cells(self._unit.graded, name):
            auto = grading.scores[key]
            old = notebook.grades.get(cell_id)
            if old is None:
                new.append({"cell_id": cell_id, "auto_score": auto, "needs_manual_grade": auto is None})
                total, waits = total + (auto or 0.0), waits or auto is None
                continue
            score = old.manual_score if old.manual_score is not None else auto
            total += (score or 0.0) + (old.extra_credit or 0.0 if score is not None else 0.0)
            if old.manual_score is None:
                needs = auto is None
            else:
                needs = old.needs_manual_grade or auto != old.auto_score or grading.resubmitted
            _update(db, GRADE, old.row_id, old, auto_score=auto, needs_manual_grade=needs)
            waits = waits or bool(needs)
        _insert(db, GRADE, notebook, new)
        return total, waits

    def _write_comments(self, db: sa.Connection, name: str, notebook: _Submitted, grading: Grading) -> None:
        new = []
        for key, cell_id in _cells(self._unit.commented, name):
            comment = grading.comments.get(key)
            old = notebook.comments.get(cell_id)
            if old is None:
                new.append({"cell_id": cell_id, "auto_comment": comment})
            else:
                _update(db, COMMENT, old.row_id, old, auto_comment=comment)
        _insert(db, COMMENT, notebook, new)

    def _seconds_late(self, timestamp: datetime | None, extension: timedelta | None) -> float:
        if timestamp is None or self._unit.duedate is None:
            return 0.0
        return (timestamp - self._unit.duedate - (extension or timedelta())).total_seconds()

    def _penalty(self, student: str, score: float, late: float) -> float | None:
        """What nbgrader's late-submission plug-in takes off a notebook's score, by its own rules."""
        if late <= 0:
            return None
        try:
            with importable(self._course.root):
                policy = self._late_policy
                penalty = None if policy is None else policy.late_submission_penalty(student, score, late)
        except Exception as error:  # the plug-in is the course's own code
            reason = f"{type(error).__name__}: {error}".splitlines()[0]
            raise CourseError(
                f"the late policy of nbgrader_config.py failed ({reason}); nothing graded is lost: mend it, then give the same command again"
            ) from error
        return None if penalty is None else min(max(penalty, 0.0), score)

    @cached_property
    def _late_policy(self) -> Any:
        """The plug-in as nbgrader_config.py chooses it; None where it takes penalties out of autograding."""
        from nbgrader.preprocessors import AssignLatePenalties

        steps = self._course.config.get("Autograde", {}).get("autograde_preprocessors")
        names = [getattr(step, "__name__", str(step)) for step in steps] if isinstance(steps, list) else None
        if names is not None and not any(name.endswith(AssignLatePenalties.__name__) for name in names):
            return None
        preprocessor = AssignLatePenalties(config=self._course.config)
        preprocessor.init_plugin()
        return preprocessor.plugin_inst if preprocessor.enabled else None

    def _review_rescaled(self, unit: Unit, assignment: Assignment) -> None:
        """A manual score of a cell whose points are about to change was given on another scale: a person must see it."""
        points = {(nb.name, cell.id): cell.points for nb in assignment.notebooks for cell in nb.cells}
        rescaled = [unit.graded[cell] for cell in unit.graded if points.get(cell) != unit.points.get(cell)]
        scored = GRADE.c.cell_id.in_(rescaled), GRADE.c.manual_score.is_not(None)
        with self._engine.begin() as db:
            db.execute(sa.update(GRADE).where(*scored).values(needs_manual_grade=True))

    def _load(self, unit: str) -> Unit | None:
        """The unit's rows; None where the gradebook or the unit in it is yet to be made."""
        with self._engine.connect() as db:
            if not sa.inspect(db).has_table(ASSIGNMENT.name):
                return None
            check_schema(db)
            found = read_unit(db, unit)
        if found is None:
            return None
        words = self._course.conventions.in_our_words
        return replace(found, sources={cell: words(source) for cell, source in found.sources.items()})

    def _name_schema(self) -> None:
        """Say which schema the database has, where nbgrader was killed between making its tables and saying so."""
        with self._engine.begin() as db:
            if not sa.inspect(db).has_table("alembic_version"):
                db.execute(sa.text("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)"))
                db.execute(sa.text("INSERT INTO alembic_version VALUES (:head)"), {"head": SCHEMA})

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[sa.Connection]:
        if self._connection is None:
            self._connection = self._engine.connect()
            # 500 KiB of pages, not 2 MiB: memory is not to grow with the class
            if self._engine.dialect.name == "sqlite":
                self._connection.exec_driver_sql("PRAGMA cache_size = -500")
                self._connection.commit()
        with self._connection.begin():
            yield self._connection


def _cells(cells: Mapping[CellId, str], notebook: str) -> list[tuple[CellId, str]]:
    return [(key, row_id) for key, row_id in cells.items() if key[0] == notebook]


def _update(db: sa.Connection, table: sa.TableClause, row_id: str, old: Any, **values: Any) -> None:
    """Bring a row up to date, where it is not."""
    if any(getattr(old, name) != value for name, value in values.items()):
        db.execute(sa.update(table).where(table.c.id == row_id).values(**values))


def _insert(db: sa.Connection, table: sa.TableClause, notebook: _Submitted, rows: list[Values]) -> None:
    """Add rows to a student's notebook."""
    if rows:
        db.execute(sa.insert(table), [{"id": uuid4().hex, "notebook_id": notebook.id, **row} for row in rows])


def _query(unit: Unit, table: sa.TableClause, cells: Collection[str]) -> sa.Select[Any]:
    """One student's rows of GRADE or COMMENT, for the parameter `student`, and the submission's where there are none.

    nbgrader's tables are indexed by (notebook, submission) and (cell, notebook), so both are given: without them the
    database reads the whole class for each student.
    """
    submitted = SUBMITTED.c.assignment_id == SUBMISSION.c.id
    submitted &= SUBMITTED.c.notebook_id.in_(unit.notebooks.values())
    own = sa.and_(table.c.notebook_id == SUBMITTED.c.id, table.c.cell_id.in_(cells))
    notebook = SUBMITTED.c.id.label("submitted_id"), SUBMITTED.c.notebook_id.label("notebook")
    columns = (column for column in table.c if column.name not in ("id", "notebook_id"))
    return (
        sa.select(
            SUBMISSION, *notebook, SUBMITTED.c.late_submission_penalty, table.c.id.label("row_id"), *columns
        )
        .select_from(SUBMISSION.outerjoin(SUBMITTED, submitted).outerjoin(table, own))
        .where(SUBMISSION.c.assignment_id == unit.id, SUBMISSION.c.student_id == sa.bindparam("student"))
    )


def _changed(unit: Unit, assignment: Assignment) -> tuple[str, ...]:
    """Notebooks that are on one side only, and cells that are not as the gradebook has them."""
    notebooks = unit.notebooks.keys() ^ {notebook.name for notebook in assignment.notebooks}
    edited = edits(snapshot(_recorded(unit, assignment)), snapshot(assignment))
    return tuple(sorted(notebooks | {edit.where for edit in edited}))


def _recorded(unit: Unit, assignment: Assignment) -> Assignment:
    """`assignment` with its cells as the gradebook has them; what it has not in the same words, such as an answer, is as it is now."""
    notebooks = []
    for notebook in assignment.notebooks:
        cells = []
        for cell in notebook.cells:
            key = notebook.name, cell.id
            if key in unit.sources:
                fixed = cell.role in (Role.TEST, Role.SETUP, Role.TEXT)
                source = unit.sources[key] if fixed else cell.source
                cells.append(replace(cell, source=source, points=unit.points.get(key, 0.0)))
            elif cell.role in (Role.TEXT, Role.WORK) and not cell.solution:
                cells.append(cell)
        there = {cell.id for cell in cells}
        gone = sorted(id for name, id in unit.graded if name == notebook.name and id not in there)
        notebooks.append(Notebook(notebook.name, (*cells, *(Cell(id, Role.TEST, "") for id in gone))))
    return replace(assignment, notebooks=tuple(notebooks))


def _register(course: Course, unit: str) -> None:
    """Record a unit's cells by nbgrader's own generate_assignment; the student version that it writes is thrown away."""
    from grader.build.student_version import generate

    with tempfile.TemporaryDirectory() as scratch:
        generate(course, unit, Path(scratch), register=True)
