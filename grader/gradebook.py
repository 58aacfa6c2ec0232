"""The single writer of nbgrader's gradebook: one transaction a submission, and nothing written that is there already.

nbgrader itself creates the database and the unit's cells, by its own `generate_assignment`; the rows of students are
written here, into its tables.

What is kept, as `nbgrader autograde` keeps it: manual scores, extra credit and manual comments. A manual score is marked
for review where the student's answer or the automatic score changed under it, and only there.
"""

from __future__ import annotations

import contextlib
import copy
import os
import re
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any
from uuid import uuid4

import sqlalchemy as sa

from grader.course import Course
from grader.notebook import Assignment, CourseError, Role
from grader.tables import (
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
)

CellId = tuple[str, str]
"""A cell of a unit: notebook's name, grade id."""


@dataclass(frozen=True)
class Entry:
    """What the gradebook should say about one submission.

    `scores` has every graded cell: points, or None for a cell that a person must grade. `comments` has every cell that
    takes a comment. `timestamp` is naive UTC, None where unknown (the gradebook's own is then kept). `resubmitted`:
    the student's files differ from those that the gradebook's entry was made from.
    """

    student: str
    timestamp: datetime | None
    scores: Mapping[CellId, float | None]
    comments: Mapping[CellId, str | None]
    resubmitted: bool = False


@dataclass(frozen=True)
class Recorded:
    """What `record` did. `before` is the automatic score that was there, None where there was none."""

    changed: bool
    before: float | None


@dataclass(frozen=True)
class _Unit:
    """A unit's rows in the gradebook."""

    id: str
    duedate: datetime | None
    notebooks: dict[str, str]  # name -> row id
    graded: dict[CellId, str]  # -> base cell's row id
    commented: dict[CellId, str]
    points: dict[CellId, float]
    sources: dict[CellId, str]


@dataclass
class _Submitted:
    """A student's notebook in the gradebook, as it is before writing."""

    id: str
    penalty: float | None = None
    grades: dict[str, Any] = field(default_factory=dict)  # base cell's row id -> row
    comments: dict[str, Any] = field(default_factory=dict)


class Gradebook:
    """The gradebook, open for one unit. `changed` names cells whose source or points changed since they were released."""

    def __init__(self, course: Course, assignment: Assignment) -> None:
        self._course = course
        self._connection: sa.Connection | None = None
        options = {"connect_args": {"timeout": 60}} if course.db_url.startswith("sqlite") else {}
        try:
            self._engine = sa.create_engine(course.db_url, **options)
        except (sa.exc.ArgumentError, sa.exc.NoSuchModuleError, ImportError) as error:
            raise CourseError(f"db_url '{course.db_url}' cannot be used: {error}") from error
        with self._mishaps():
            unit = self._load(assignment.unit)
            self.changed: tuple[str, ...] = () if unit is None else _changes(unit, assignment)
            if unit is None or self.changed:
                self._engine.dispose()
                _release(course, assignment.unit)
                self._name_schema()
                unit = self._load(assignment.unit)
        if unit is None:
            raise CourseError(f"{course.db_url}: nbgrader did not record '{assignment.unit}' in it")
        self._unit = unit
        self._grades, self._comments = _queries(unit)

    @property
    def released(self) -> Mapping[CellId, str]:
        """The source of each cell that students got, hidden tests included (an answer equal to it is no response)."""
        return self._unit.sources

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._engine.dispose()

    def record(self, entry: Entry) -> Recorded:
        """Make the gradebook say what `entry` says, in one transaction; no row is touched that says it already.

        Raises CourseError where the database cannot be written, and sqlalchemy's DataError or IntegrityError where it refuses this
        student's values.
        """
        with self._mishaps(), self._transaction() as db:
            submission, notebooks = self._read(db, entry.student)
            before = _score_before(self._unit, notebooks)
            changed = submission is None
            if submission is None:
                submission = self._create(db, entry)
            elif entry.timestamp is not None and submission.timestamp != entry.timestamp:
                db.execute(
                    sa.update(SUBMISSION)
                    .where(SUBMISSION.c.id == submission.id)
                    .values(timestamp=entry.timestamp)
                )
                changed = True
            late = self._seconds_late(entry.timestamp or submission.timestamp, submission.extension)
            for name, notebook_id in self._unit.notebooks.items():
                row = notebooks.get(notebook_id)
                if row is None:
                    row = _Submitted(uuid4().hex)
                    values = {
                        "id": row.id,
                        "notebook_id": notebook_id,
                        "assignment_id": submission.id,
                        "flagged": False,
                    }
                    db.execute(sa.insert(SUBMITTED).values(**values))
                    changed = True
                score, moved = self._write_grades(db, name, row, entry)
                changed |= moved | self._write_comments(db, name, row, entry)
                penalty = self._penalty(entry.student, score, late)
                if penalty != row.penalty:
                    db.execute(
                        sa.update(SUBMITTED)
                        .where(SUBMITTED.c.id == row.id)
                        .values(late_submission_penalty=penalty)
                    )
                    changed = True
        return Recorded(changed, before)

    def _read(self, db: sa.Connection, student: str) -> tuple[Any, dict[str, _Submitted]]:
        """The submission's row and its notebooks' by the notebook's id."""
        submission, notebooks = None, dict[str, _Submitted]()
        for row in db.execute(self._grades, {"student": student}):
            submission = row
            if row.submitted_id is not None:
                notebook = notebooks.setdefault(row.notebook_id, _Submitted(row.submitted_id, row.penalty))
                if row.cell_id is not None:
                    notebook.grades[row.cell_id] = row
        if submission is not None:
            for row in db.execute(self._comments, {"student": student}):
                notebooks[row.notebook_id].comments[row.cell_id] = row
        return submission, notebooks

    def _create(self, db: sa.Connection, entry: Entry) -> Any:
        if db.execute(sa.select(STUDENT.c.id).where(STUDENT.c.id == entry.student)).first() is None:
            db.execute(sa.insert(STUDENT).values(id=entry.student))
        values = {
            "id": uuid4().hex,
            "assignment_id": self._unit.id,
            "student_id": entry.student,
            "timestamp": entry.timestamp,
        }
        db.execute(sa.insert(SUBMISSION).values(**values))
        return db.execute(sa.select(SUBMISSION).where(SUBMISSION.c.id == values["id"])).one()

    def _write_grades(
        self, db: sa.Connection, name: str, notebook: _Submitted, entry: Entry
    ) -> tuple[float, bool]:
        """Write a notebook's grades; return its score with manual scores and extra credit, and whether a row changed."""
        new, total, changed = [], 0.0, False
        for (owner, cell), cell_id in self._unit.graded.items():
            if owner != name:
                continue
            auto = entry.scores[owner, cell]
            old = notebook.grades.get(cell_id)
            if old is None:
                new.append(
                    {
                        "id": uuid4().hex,
                        "cell_id": cell_id,
                        "notebook_id": notebook.id,
                        "auto_score": auto,
                        "needs_manual_grade": auto is None,
                    }
                )
                total += auto or 0.0
                continue
            score = old.manual_score if old.manual_score is not None else auto
            total += (score or 0.0) + (old.extra_credit or 0.0 if score is not None else 0.0)
            if old.manual_score is None:
                needs = auto is None
            else:
                needs = old.needs_manual_grade or auto != old.auto_score or entry.resubmitted
            if auto != old.auto_score or needs != old.needs_manual_grade:
                db.execute(
                    sa.update(GRADE)
                    .where(GRADE.c.id == old.grade_id)
                    .values(auto_score=auto, needs_manual_grade=needs)
                )
                changed = True
        if new:
            db.execute(sa.insert(GRADE), new)
        return total, changed or bool(new)

    def _write_comments(self, db: sa.Connection, name: str, notebook: _Submitted, entry: Entry) -> bool:
        new, changed = [], False
        for (owner, cell), cell_id in self._unit.commented.items():
            if owner != name:
                continue
            comment = entry.comments.get((owner, cell))
            old = notebook.comments.get(cell_id)
            if old is None:
                new.append(
                    {
                        "id": uuid4().hex,
                        "cell_id": cell_id,
                        "notebook_id": notebook.id,
                        "auto_comment": comment,
                    }
                )
            elif old.auto_comment != comment:
                db.execute(
                    sa.update(COMMENT).where(COMMENT.c.id == old.comment_id).values(auto_comment=comment)
                )
                changed = True
        if new:
            db.execute(sa.insert(COMMENT), new)
        return changed or bool(new)

    def _seconds_late(self, timestamp: datetime | None, extension: timedelta | None) -> float:
        if timestamp is None or self._unit.duedate is None:
            return 0.0
        return (timestamp - self._unit.duedate - (extension or timedelta())).total_seconds()

    def _penalty(self, student: str, score: float, late: float) -> float | None:
        """What nbgrader's late-submission plug-in takes off a notebook's score, by its own rules."""
        if late <= 0:
            return None
        penalty = self._late_policy.late_submission_penalty(student, score, late)
        return None if penalty is None else min(max(penalty, 0.0), score)

    @cached_property
    def _late_policy(self) -> Any:
        from nbgrader.preprocessors import AssignLatePenalties

        preprocessor = AssignLatePenalties(config=self._course.config)
        preprocessor.init_plugin()
        return preprocessor.plugin_inst

    def _load(self, unit: str) -> _Unit | None:
        """The unit's rows; None where the gradebook or the unit in it is yet to be made."""
        if not sa.inspect(self._engine).has_table("assignment"):
            return None
        with self._engine.connect() as db:
            row = db.execute(sa.select(ASSIGNMENT).where(ASSIGNMENT.c.name == unit)).first()
            if row is None:
                return None
            notebooks = {
                name: id
                for id, name in db.execute(
                    sa.select(NOTEBOOK.c.id, NOTEBOOK.c.name).where(NOTEBOOK.c.assignment_id == row.id)
                )
            }
            names = {id: name for name, id in notebooks.items()}
            cells = db.execute(
                sa.select(
                    BASE_CELL, sa.func.coalesce(GRADE_CELL.c.max_score, TASK_CELL.c.max_score).label("points")
                )
                .select_from(
                    BASE_CELL.outerjoin(GRADE_CELL, GRADE_CELL.c.id == BASE_CELL.c.id).outerjoin(
                        TASK_CELL, TASK_CELL.c.id == BASE_CELL.c.id
                    )
                )
                .where(BASE_CELL.c.notebook_id.in_(names))
                .order_by(BASE_CELL.c.name)
            ).all()
            sources = db.execute(sa.select(SOURCE_CELL).where(SOURCE_CELL.c.notebook_id.in_(names))).all()
        key = {cell.id: (names[cell.notebook_id], cell.name) for cell in cells}
        return _Unit(
            id=row.id,
            duedate=row.duedate,
            notebooks=dict(sorted(notebooks.items())),
            graded={key[cell.id]: cell.id for cell in cells if cell.type in ("GradeCell", "TaskCell")},
            commented={key[cell.id]: cell.id for cell in cells if cell.type in ("SolutionCell", "TaskCell")},
            points={key[cell.id]: cell.points for cell in cells if cell.points is not None},
            sources={(names[cell.notebook_id], cell.name): cell.source or "" for cell in sources},
        )

    def _name_schema(self) -> None:
        """Say which schema the database has, where nbgrader was killed between making its tables and saying so."""
        if not sa.inspect(self._engine).has_table("alembic_version"):
            from nbgrader.api import get_alembic_version

            with _our_python_first(), self._engine.begin() as db:
                db.execute(sa.text("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)"))
                db.execute(
                    sa.text("INSERT INTO alembic_version VALUES (:head)"), {"head": get_alembic_version()}
                )

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[sa.Connection]:
        if self._connection is None:
            self._connection = self._engine.connect()
        with self._connection.begin():
            yield self._connection

    @contextlib.contextmanager
    def _mishaps(self) -> Iterator[None]:
        try:
            yield
        except (sa.exc.DataError, sa.exc.IntegrityError):
            raise  # one student's values: the class goes on
        except (sa.exc.DBAPIError, OSError) as error:
            what = str(getattr(error, "orig", None) or error).splitlines()[0]
            hint = (
                "it is from an older nbgrader: back it up, then run `nbgrader db upgrade`"
                if "no such column" in what or "UndefinedColumn" in what
                else "nothing graded is lost: mend that, then give the same command again"
            )
            raise CourseError(f"gradebook {self._engine.url.render_as_string()}: {what}; {hint}") from error


def _queries(unit: _Unit) -> tuple[sa.Select[Any], sa.Select[Any]]:
    """One student's grades and comments, for the parameter `student`.

    nbgrader's tables are indexed by (notebook, submission) and (cell, notebook), so both are given: without them the
    database reads the whole class for each student.
    """
    submitted = (
        SUBMITTED.c.assignment_id == SUBMISSION.c.id,
        SUBMITTED.c.notebook_id.in_(unit.notebooks.values()),
    )
    who = SUBMISSION.c.assignment_id == unit.id, SUBMISSION.c.student_id == sa.bindparam("student")
    grade = GRADE.c.notebook_id == SUBMITTED.c.id, GRADE.c.cell_id.in_(unit.graded.values())
    comment = COMMENT.c.notebook_id == SUBMITTED.c.id, COMMENT.c.cell_id.in_(unit.commented.values())
    grades = (
        sa.select(
            SUBMISSION.c.id,
            SUBMISSION.c.timestamp,
            SUBMISSION.c.extension,
            SUBMITTED.c.id.label("submitted_id"),
            SUBMITTED.c.notebook_id,
            SUBMITTED.c.late_submission_penalty.label("penalty"),
            GRADE.c.id.label("grade_id"),
            GRADE.c.cell_id,
            GRADE.c.auto_score,
            GRADE.c.manual_score,
            GRADE.c.extra_credit,
            GRADE.c.needs_manual_grade,
        )
        .select_from(SUBMISSION.outerjoin(SUBMITTED, sa.and_(*submitted)).outerjoin(GRADE, sa.and_(*grade)))
        .where(*who)
    )
    comments = (
        sa.select(
            SUBMITTED.c.notebook_id,
            COMMENT.c.id.label("comment_id"),
            COMMENT.c.cell_id,
            COMMENT.c.auto_comment,
        )
        .select_from(SUBMISSION.join(SUBMITTED, sa.and_(*submitted)).join(COMMENT, sa.and_(*comment)))
        .where(*who)
    )
    return grades, comments


def _score_before(unit: _Unit, notebooks: Mapping[str, _Submitted]) -> float | None:
    """The automatic score in the gradebook; None where no cell has one."""
    scores = [
        row.auto_score
        for notebook in notebooks.values()
        for row in notebook.grades.values()
        if row.auto_score is not None
    ]
    return sum(scores) if scores else None


def _changes(unit: _Unit, assignment: Assignment) -> tuple[str, ...]:
    """Ids of cells whose source or points are not what the gradebook has; added and removed ones too."""
    changed = set(unit.notebooks) ^ {notebook.name for notebook in assignment.notebooks}
    kept = set[CellId]()
    for notebook in assignment.notebooks:
        for cell in notebook.cells:
            key = (notebook.name, cell.id)
            kept.add(key)
            known = key in unit.sources
            fixed = cell.role in (Role.TEST, Role.SETUP)
            if known:
                same = cell.source == unit.sources[key] if fixed or cell.role is Role.TEXT else True
                same = same and (
                    cell.role not in (Role.TEST, Role.WRITTEN) or cell.points == unit.points.get(key)
                )
            else:
                same = not (fixed or cell.role is Role.WRITTEN or cell.solution)
            if not same:
                changed.add(cell.id)
    changed |= {cell for notebook, cell in set(unit.graded) - kept}
    return tuple(sorted(changed))


@contextlib.contextmanager
def _our_python_first() -> Iterator[None]:
    """nbgrader starts `alembic` by name for a new database; it stands beside our Python."""
    before = os.environ.get("PATH", os.defpath)
    os.environ["PATH"] = os.pathsep.join([os.path.dirname(sys.executable), before])
    try:
        yield
    finally:
        os.environ["PATH"] = before


def _release(course: Course, unit: str) -> None:
    """Record a unit's cells by nbgrader's own generate_assignment; the student version that it writes is thrown away."""
    from nbgrader.converters import GenerateAssignment
    from nbgrader.coursedir import CourseDirectory
    from nbgrader.utils import capture_log

    config = copy.deepcopy(course.config)
    with tempfile.TemporaryDirectory() as scratch:
        config.CourseDirectory.root = str(course.root)
        config.CourseDirectory.db_url = course.db_url
        config.CourseDirectory.source_directory = course.steps["source"]
        config.CourseDirectory.release_directory = str(Path(scratch) / "release")
        config.CourseDirectory.assignment_id = unit
        converter = GenerateAssignment(coursedir=CourseDirectory(config=config), config=config, force=True)
        with _our_python_first():
            outcome = capture_log(converter)
    if outcome["success"]:
        return
    log = str(outcome.get("log", "")) + str(outcome.get("error", ""))
    if "Cannot add or remove cells" in log or "Cannot modify existing assignment" in log:
        raise CourseError(
            f"{unit}: graded cells were added, removed or renamed since submissions were recorded, which nbgrader's gradebook "
            "cannot follow; give them back their ids, or move the gradebook away and grade again"
        )
    reasons = re.findall(r"^(?:\[ERROR\] )?([\w.]*(?:Error|Exception)\b.*)$", log, re.MULTILINE)
    reason = (reasons or log.strip().splitlines() or ["no reason given"])[0]
    raise CourseError(f"{unit}: nbgrader cannot record its cells: {reason}")
