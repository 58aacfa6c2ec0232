"""The single writer of nbgrader's gradebook: one transaction a submission, and nothing written that is there already.

nbgrader itself creates the database and the unit's cells, by its own `generate_assignment`; the rows of students are
written here, into its tables.

What is kept, as `nbgrader autograde` keeps it: manual scores, extra credit and manual comments. A manual score is marked
for review where the student's answer or the automatic score changed under it, and only there.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any
from uuid import uuid4

import sqlalchemy as sa

from grader.errors import CourseError
from grader.record.schema import (
    ASSIGNMENT,
    BASE_CELL,
    COMMENT,
    GRADE,
    GRADE_CELL,
    NOTEBOOK,
    OLD_SCHEMAS,
    SCHEMA,
    SOURCE_CELL,
    STUDENT,
    SUBMISSION,
    SUBMITTED,
    TASK_CELL,
)
from grader.source.course import Course, importable
from grader.source.notebook import Assignment, Role

CellId = tuple[str, str]
"""A cell of a unit: notebook's name, grade id."""
LOCK_WAIT = 60.0
"""Seconds to wait for a database that somebody else, such as formgrader, is writing to."""


@dataclass(frozen=True)
class Entry:
    """What the gradebook should say about one submission.

    `scores` has every graded cell: points, or None for a cell that a person must grade. `comments` has every cell that
    takes a comment. `timestamp` is naive UTC, None where unknown (the gradebook's own is then kept). `resubmitted`:
    the student's files differ from those that the gradebook's entry was made from. `extension` is extra time (0 takes an
    earlier one back, None leaves the gradebook's).
    """

    student: str
    timestamp: datetime | None
    scores: Mapping[CellId, float | None]
    comments: Mapping[CellId, str | None]
    resubmitted: bool = False
    extension: timedelta | None = None


@dataclass(frozen=True)
class Recorded:
    """What `record` found and did: the automatic score that was there (None where there was none), and what the late policy
    takes off."""

    before: float | None
    penalty: float = 0.0


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
            self.changed: tuple[str, ...] = () if unit is None else _changes(unit, assignment)
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
        self._grades, self._comments = _queries(unit)

    @property
    def released(self) -> Mapping[CellId, str]:
        """The source of each cell that students got, hidden tests included (an answer equal to it is no response)."""
        return self._unit.sources

    @property
    def duedate(self) -> datetime | None:
        """When the unit is due (naive UTC)."""
        return self._unit.duedate

    def graded(self) -> tuple[str, ...]:
        """Ids of the students who have grades in this unit."""
        joined = SUBMISSION.join(SUBMITTED, SUBMITTED.c.assignment_id == SUBMISSION.c.id)
        query = sa.select(SUBMISSION.c.student_id).select_from(joined).distinct()
        with mishaps(self._engine), self._engine.connect() as db:
            found = db.execute(query.where(SUBMISSION.c.assignment_id == self._unit.id))
            return tuple(sorted(found.scalars()))

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._engine.dispose()

    def record(self, entry: Entry) -> Recorded:
        """Make the gradebook say what `entry` says, in one transaction; no row is touched that says it already.

        Raises CourseError where the database cannot be written, and sqlalchemy's DataError or IntegrityError where it refuses this
        student's values.
        """
        with mishaps(self._engine), self._transaction() as db:
            submission, notebooks = self._read(db, entry.student)
            before = _score_before(self._unit, notebooks)
            extension = None if submission is None else submission.extension
            if entry.extension is not None and self._unit.duedate is not None:
                extension = entry.extension or None  # (nbgrader cannot extend what has no due date)
            if submission is None:
                submission = self._create(db, entry, extension)
            else:
                timestamp = entry.timestamp or submission.timestamp
                _update(db, SUBMISSION, submission.id, submission, timestamp=timestamp, extension=extension)
            late, penalties = self._seconds_late(entry.timestamp or submission.timestamp, extension), 0.0
            for name, notebook_id in self._unit.notebooks.items():
                row = notebooks.get(notebook_id)
                if row is None:
                    row = _Submitted(uuid4().hex)
                    links = {"notebook_id": notebook_id, "assignment_id": submission.id}
                    db.execute(sa.insert(SUBMITTED).values(id=row.id, flagged=False, **links))
                score = self._write_grades(db, name, row, entry)
                self._write_comments(db, name, row, entry)
                penalty = self._penalty(entry.student, score, late)
                _update(db, SUBMITTED, row.id, row, late_submission_penalty=penalty)
                penalties += penalty or 0.0
        return Recorded(before, penalties)

    def _read(self, db: sa.Connection, student: str) -> tuple[Any, dict[str, _Submitted]]:
        """The submission's row and its notebooks' by the notebook's id."""
        submission, notebooks = None, dict[str, _Submitted]()
        for row in db.execute(self._grades, {"student": student}):
            submission = row
            if row.submitted_id is not None:
                notebook = notebooks.setdefault(
                    row.notebook_id, _Submitted(row.submitted_id, row.late_submission_penalty)
                )
                if row.cell_id is not None:
                    notebook.grades[row.cell_id] = row
        if submission is not None:
            for row in db.execute(self._comments, {"student": student}):
                notebooks[row.notebook_id].comments[row.cell_id] = row
        return submission, notebooks

    def _create(self, db: sa.Connection, entry: Entry, extension: timedelta | None) -> Any:
        if db.execute(sa.select(STUDENT.c.id).where(STUDENT.c.id == entry.student)).first() is None:
            db.execute(sa.insert(STUDENT).values(id=entry.student))
        values = {
            "id": uuid4().hex,
            "assignment_id": self._unit.id,
            "student_id": entry.student,
            "timestamp": entry.timestamp,
            "extension": extension,
        }
        db.execute(sa.insert(SUBMISSION).values(**values))
        return db.execute(sa.select(SUBMISSION).where(SUBMISSION.c.id == values["id"])).one()

    def _write_grades(self, db: sa.Connection, name: str, notebook: _Submitted, entry: Entry) -> float:
        """Write a notebook's grades; return its score with manual scores and extra credit."""
        new, total = [], 0.0
        for (owner, cell), cell_id in self._unit.graded.items():
            if owner != name:
                continue
            auto = entry.scores[owner, cell]
            old = notebook.grades.get(cell_id)
            if old is None:
                new.append({"cell_id": cell_id, "auto_score": auto, "needs_manual_grade": auto is None})
                total += auto or 0.0
                continue
            score = old.manual_score if old.manual_score is not None else auto
            total += (score or 0.0) + (old.extra_credit or 0.0 if score is not None else 0.0)
            if old.manual_score is None:
                needs = auto is None
            else:
                needs = old.needs_manual_grade or auto != old.auto_score or entry.resubmitted
            _update(db, GRADE, old.grade_id, old, auto_score=auto, needs_manual_grade=needs)
        _insert(db, GRADE, notebook, new)
        return total

    def _write_comments(self, db: sa.Connection, name: str, notebook: _Submitted, entry: Entry) -> None:
        new = []
        for (owner, cell), cell_id in self._unit.commented.items():
            if owner != name:
                continue
            comment = entry.comments.get((owner, cell))
            old = notebook.comments.get(cell_id)
            if old is None:
                new.append({"cell_id": cell_id, "auto_comment": comment})
            else:
                _update(db, COMMENT, old.comment_id, old, auto_comment=comment)
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
            what = f"{type(error).__name__}: {error}".splitlines()[0]
            raise CourseError(
                f"the late policy of nbgrader_config.py failed ({what}); nothing graded is lost: mend it, then give the same command again"
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

    def _review_rescaled(self, unit: _Unit, assignment: Assignment) -> None:
        """A manual score of a cell whose points are about to change was given on another scale: a person must see it."""
        points = {(nb.name, cell.id): cell.points for nb in assignment.notebooks for cell in nb.cells}
        rescaled = [unit.graded[cell] for cell in unit.graded if points.get(cell) != unit.points.get(cell)]
        scored = GRADE.c.cell_id.in_(rescaled), GRADE.c.manual_score.is_not(None)
        with self._engine.begin() as db:
            db.execute(sa.update(GRADE).where(*scored).values(needs_manual_grade=True))

    def _load(self, unit: str) -> _Unit | None:
        """The unit's rows; None where the gradebook or the unit in it is yet to be made."""
        with self._engine.connect() as db:
            if not sa.inspect(db).has_table("assignment"):
                return None
            check_schema(db)
            row = db.execute(sa.select(ASSIGNMENT).where(ASSIGNMENT.c.name == unit)).first()
            if row is None:
                return None
            of_unit = sa.select(NOTEBOOK.c.id, NOTEBOOK.c.name).where(NOTEBOOK.c.assignment_id == row.id)
            names = {id: str(name) for id, name in db.execute(of_unit)}
            points = sa.func.coalesce(GRADE_CELL.c.max_score, TASK_CELL.c.max_score).label("points")
            kinds = BASE_CELL.outerjoin(GRADE_CELL, GRADE_CELL.c.id == BASE_CELL.c.id)
            kinds = kinds.outerjoin(TASK_CELL, TASK_CELL.c.id == BASE_CELL.c.id)
            of_notebooks = BASE_CELL.c.notebook_id.in_(names)
            found = sa.select(BASE_CELL, points).select_from(kinds).where(of_notebooks)
            cells = db.execute(found.order_by(BASE_CELL.c.name)).all()
            sources = db.execute(sa.select(SOURCE_CELL).where(SOURCE_CELL.c.notebook_id.in_(names))).all()
        key = {cell.id: (names[cell.notebook_id], cell.name) for cell in cells}
        return _Unit(
            id=row.id,
            duedate=row.duedate,
            notebooks=dict(sorted((name, id) for id, name in names.items())),
            graded={key[cell.id]: cell.id for cell in cells if cell.type in ("GradeCell", "TaskCell")},
            commented={key[cell.id]: cell.id for cell in cells if cell.type in ("SolutionCell", "TaskCell")},
            points={key[cell.id]: cell.points for cell in cells if cell.points is not None},
            sources={(names[cell.notebook_id], cell.name): cell.source or "" for cell in sources},
        )

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


def connect(url: str) -> sa.Engine:
    """The database at an SQLAlchemy URL, not yet opened. Raises CourseError where there can be none."""
    try:
        return sa.create_engine(
            url, **({"connect_args": {"timeout": LOCK_WAIT}} if url.startswith("sqlite") else {})
        )
    except (sa.exc.ArgumentError, sa.exc.NoSuchModuleError, ImportError) as error:
        raise CourseError(f"db_url '{url}' cannot be used: {error}") from error


@contextlib.contextmanager
def reading(url: str) -> Iterator[sa.Connection]:
    """A gradebook that is there and has our tables, open to be read; raises CourseError where it is not, or cannot be read."""
    engine = connect(url)
    file = engine.url.database if engine.url.get_backend_name() == "sqlite" else None
    # SQLite would make an empty file of a name that is not there
    if file and not file.startswith((":", "file:")) and not Path(file).is_file():
        raise CourseError(f"{file}: no gradebook there; run `grader grade` first")
    try:
        with mishaps(engine), engine.connect() as db:
            check_schema(db)
            yield db
    finally:
        engine.dispose()


def check_schema(db: sa.Connection) -> None:
    """Raises CourseError where the database is from an nbgrader with other tables than those in `grader.record.schema`."""
    if not sa.inspect(db).has_table("alembic_version"):
        return
    found = db.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()
    if found != SCHEMA:
        hint = "it is from an older nbgrader: back it up, then run `nbgrader db upgrade`"
        if found not in OLD_SCHEMAS:
            hint = "it is from a newer nbgrader than this grader knows: update trainlab"
        raise CourseError(
            f"gradebook {db.engine.url.render_as_string()}: schema {found}, not {SCHEMA}; {hint}"
        )


@contextlib.contextmanager
def mishaps(engine: sa.Engine) -> Iterator[None]:
    """What a database can do to us, in one line; a refusal of one student's values passes through: the class goes on."""
    try:
        yield
    except (sa.exc.DataError, sa.exc.IntegrityError):
        raise
    except (sa.exc.DBAPIError, OSError) as error:
        what = str(getattr(error, "orig", None) or error).splitlines()[0]
        hint = (
            "it is from an older nbgrader: back it up, then run `nbgrader db upgrade`"
            if "no such column" in what or "UndefinedColumn" in what
            else "nothing graded is lost: mend that, then give the same command again"
        )
        raise CourseError(f"gradebook {engine.url.render_as_string()}: {what}; {hint}") from error


def _update(db: sa.Connection, table: sa.TableClause, row_id: str, old: Any, **values: Any) -> None:
    """Bring a row up to date, where it is not."""
    if any(getattr(old, name) != value for name, value in values.items()):
        db.execute(sa.update(table).where(table.c.id == row_id).values(**values))


def _insert(
    db: sa.Connection, table: sa.TableClause, notebook: _Submitted, rows: list[dict[str, Any]]
) -> None:
    """Add rows to a student's notebook."""
    if rows:
        db.execute(sa.insert(table), [{"id": uuid4().hex, "notebook_id": notebook.id, **row} for row in rows])


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
    submission = (SUBMISSION.c[name] for name in ("id", "timestamp", "extension"))
    scores = (
        GRADE.c[name]
        for name in ("cell_id", "auto_score", "manual_score", "extra_credit", "needs_manual_grade")
    )
    grades = (
        sa.select(*submission, SUBMITTED.c.id.label("submitted_id"), SUBMITTED.c.notebook_id)
        .add_columns(SUBMITTED.c.late_submission_penalty, GRADE.c.id.label("grade_id"), *scores)
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
    """Ids of cells whose source or points are not what the gradebook has; added ones and removed tests too."""
    now, then = dict[CellId, tuple[str, float]](), dict[CellId, tuple[str, float]]()
    for notebook in assignment.notebooks:
        for cell in notebook.cells:
            key = notebook.name, cell.id
            fixed = cell.role in (Role.TEST, Role.SETUP)
            # of an answer the gradebook has the stub, which is not compared
            compared = fixed or (cell.role is Role.TEXT and key in unit.sources)
            if compared or cell.solution or cell.role is Role.WRITTEN or key in unit.sources:
                now[key] = cell.source if compared else "", cell.points
            if key in unit.sources:
                then[key] = unit.sources[key] if compared else "", unit.points.get(key, 0.0)
    gone = {cell for notebook_name, cell in unit.graded if (notebook_name, cell) not in then}
    notebooks = set(unit.notebooks) ^ {notebook.name for notebook in assignment.notebooks}
    return tuple(sorted({key[1] for key in now if now[key] != then.get(key)} | gone | notebooks))


def _register(course: Course, unit: str) -> None:
    """Record a unit's cells by nbgrader's own generate_assignment; the student version that it writes is thrown away."""
    from grader.build.student_version import generate

    with tempfile.TemporaryDirectory() as scratch:
        generate(course, unit, Path(scratch), register=True)
