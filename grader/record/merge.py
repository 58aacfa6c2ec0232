"""`grader merge`: two people graded by hand in copies of one gradebook; bring the other's work into ours.

What people enter is merged, cell by cell: manual scores, extra credit, manual comments. What one side alone has is taken over, what
both have alike is left, and where both differ nothing changes until somebody says whose counts.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any
from urllib.parse import quote

import sqlalchemy as sa

from grader.errors import CourseError
from grader.record.gradebook import check_schema, connect, mishaps
from grader.record.schema import ASSIGNMENT, BASE_CELL, COMMENT, GRADE, NOTEBOOK, SUBMISSION, SUBMITTED
from grader.source.course import read_course
from grader.source.lock import disk_errors, hold

Key = tuple[str, str, str, str, str]
"""A cell of a submission: table, unit, notebook, cell's grade id, student."""
FIELDS = {"grade": ("manual_score", "extra_credit"), "comment": ("manual_comment",)}
"""What people enter, by table."""


class Outcome(StrEnum):
    """What became of a value that the other gradebook has."""

    TAKEN = "taken over"
    SAME = "the same in both"
    CONFLICT = "both differ"
    KEPT = "both differ, ours kept"
    REPLACED = "both differ, theirs taken"
    ABSENT = "not in this gradebook"


@dataclass(frozen=True, slots=True)
class Merge:
    """One value that the other gradebook has, and what became of it."""

    student: str
    unit: str
    cell: str
    field: str
    ours: float | str | None
    theirs: float | str
    outcome: Outcome


@dataclass(frozen=True)
class Merged:
    """What `merge` did, or would do. `backup` is our gradebook as it was; None where nothing changed, or no SQLite."""

    values: tuple[Merge, ...]
    backup: Path | None
    penalties: bool

    def of(self, *outcomes: Outcome) -> list[Merge]:
        """The values with one of these outcomes."""
        return [value for value in self.values if value.outcome in outcomes]


def merge(
    folder: Path,
    other: Path,
    *,
    prefer: str | None = None,
    dry_run: bool = False,
    db_url: str | None = None,
) -> Merged:
    """Take over what people entered in the gradebook `other` into that of the course at `folder`, in one transaction.

    `prefer` ("ours" or "theirs") says whose value counts where both differ. Raises CourseError, with nothing changed, where
    a database cannot be read or written or is from another nbgrader.
    """
    if prefer not in (None, "ours", "theirs"):
        raise CourseError(f"--prefer {prefer}: say ours or theirs")
    course = read_course(folder, db_url)
    theirs_engine = connect(f"sqlite:///file:{quote(str(_file(other)))}?mode=ro&uri=true")
    ours_engine = connect(course.db_url)
    path = _sqlite_file(ours_engine)
    if path is not None and path.exists() and path.samefile(other):
        raise CourseError(f"{other} is this course's own gradebook; give the other grader's copy")
    with contextlib.ExitStack() as stack:
        stack.enter_context(disk_errors(course))
        stack.enter_context(hold(course.state))
        stack.callback(ours_engine.dispose)
        stack.callback(theirs_engine.dispose)
        with mishaps(theirs_engine), theirs_engine.connect() as db:
            theirs = _entered(db)
        with mishaps(ours_engine):
            if path is not None and not path.exists():
                raise CourseError(f"{path}: no gradebook here yet; copy the other one here")
            with ours_engine.connect() as db:
                if path is not None:
                    db.exec_driver_sql(
                        "BEGIN" if dry_run else "BEGIN IMMEDIATE"
                    )  # nobody writes between reading and writing
                ours = _rows(db)
                values, updates, penalties = _decide(ours, theirs, prefer)
                backup = None
                if updates and not dry_run:
                    backup = _back_up(path) if path is not None else None
                    for table, row_id, new in updates:
                        db.execute(sa.update(table).where(table.c.id == row_id).values(**new))
                    db.commit()
    return Merged(tuple(values), backup, penalties)


def _decide(
    ours: Mapping[Key, Any], theirs: Mapping[Key, Any], prefer: str | None
) -> tuple[list[Merge], list[tuple[sa.TableClause, str, dict[str, Any]]], bool]:
    """What becomes of each of their values; the rows of ours to change; and whether a late penalty hangs on one of them."""
    values, updates, penalties = [], [], False
    for key, their in sorted(theirs.items()):
        table, unit, _, cell, student = key
        our, new = ours.get(key), dict[str, Any]()
        for field in FIELDS[table]:
            value = getattr(their, field)
            if value in (None, ""):
                continue
            mine = None if our is None else getattr(our, field)
            outcome = _outcome(our, mine, value, prefer)
            values.append(Merge(student, unit, cell, field, mine, value, outcome))
            if outcome in (Outcome.TAKEN, Outcome.REPLACED):
                new[field] = value
        if our is None:
            continue
        if table == "grade" and None is not their.manual_score == new.get("manual_score", our.manual_score):
            # a manual score settles the review, unless it was given for another submission than the one that we have
            same = (our.auto_score, our.timestamp) == (their.auto_score, their.timestamp)
            review = (their.needs_manual_grade or not same) and (
                "manual_score" in new or our.needs_manual_grade
            )
            if review != our.needs_manual_grade:
                new["needs_manual_grade"] = review
        if new:
            updates.append((GRADE if table == "grade" else COMMENT, our.id, new))
            penalties = penalties or (table == "grade" and our.late_submission_penalty is not None)
    return values, updates, penalties


def _outcome(our: Any, mine: Any, value: Any, prefer: str | None) -> Outcome:
    if our is None:
        return Outcome.ABSENT
    if mine in (None, ""):
        return Outcome.TAKEN
    if mine == value:
        return Outcome.SAME
    return {None: Outcome.CONFLICT, "ours": Outcome.KEPT, "theirs": Outcome.REPLACED}[prefer]


def _rows(db: sa.Connection) -> dict[Key, Any]:
    """Every grade and comment of a gradebook. Raises CourseError where its schema is not the one that we know."""
    check_schema(db)
    found: dict[Key, Any] = {}
    for table, row in _select(db):
        found[table, row.unit, row.notebook, row.cell, row.student] = row
    return found


def _entered(db: sa.Connection) -> dict[Key, Any]:
    """Those with something that a person entered."""
    return {
        key: row
        for key, row in _rows(db).items()
        if any(getattr(row, name) not in (None, "") for name in FIELDS[key[0]])
    }


def _select(db: sa.Connection) -> Iterator[tuple[str, Any]]:
    joined = (
        SUBMITTED.join(SUBMISSION, SUBMISSION.c.id == SUBMITTED.c.assignment_id)
        .join(ASSIGNMENT, ASSIGNMENT.c.id == SUBMISSION.c.assignment_id)
        .join(NOTEBOOK, NOTEBOOK.c.id == SUBMITTED.c.notebook_id)
    )
    names = (
        ASSIGNMENT.c.name.label("unit"),
        NOTEBOOK.c.name.label("notebook"),
        BASE_CELL.c.name.label("cell"),
        SUBMISSION.c.student_id.label("student"),
        SUBMISSION.c.timestamp,
        SUBMITTED.c.late_submission_penalty,
    )
    graded = GRADE.c.auto_score, GRADE.c.manual_score, GRADE.c.extra_credit, GRADE.c.needs_manual_grade
    for name, table, columns in (("grade", GRADE, graded), ("comment", COMMENT, (COMMENT.c.manual_comment,))):
        rows = joined.join(table, table.c.notebook_id == SUBMITTED.c.id).join(
            BASE_CELL, BASE_CELL.c.id == table.c.cell_id
        )
        for row in db.execute(sa.select(table.c.id, *names, *columns).select_from(rows)):
            yield name, row


def _file(path: Path) -> Path:
    if not path.is_file():
        raise CourseError(f"{path}: no such file; give the other grader's gradebook.db")
    return path.resolve()


def _sqlite_file(engine: sa.Engine) -> Path | None:
    name = engine.url.database
    return Path(name.removeprefix("file:")) if engine.url.get_backend_name() == "sqlite" and name else None


def _back_up(path: Path) -> Path:
    """A copy of an SQLite database beside it, by SQLite's own means. Raises CourseError where there is no room for it."""
    copy = path.with_name(f"{path.name}.before-merge-{datetime.now(UTC):%Y%m%dT%H%M%S%fZ}")
    try:
        with (
            contextlib.closing(sqlite3.connect(path)) as source,
            contextlib.closing(sqlite3.connect(copy)) as target,
        ):
            source.backup(target)
    except (sqlite3.Error, OSError) as error:
        copy.unlink(missing_ok=True)
        raise CourseError(
            f"{copy}: the gradebook cannot be backed up ({error}); nothing was changed"
        ) from error
    return copy
