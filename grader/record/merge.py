"""`grader merge`: two people graded by hand in copies of one gradebook; bring the other's work into ours.

What people enter is merged, cell by cell: manual scores, extra credit, manual comments. What one side alone has is taken over, what
both have alike is left, and where both differ nothing changes until somebody says whose counts.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any
from urllib.parse import quote

import sqlalchemy as sa

from grader.errors import CourseError
from grader.record.grades import cell_rows
from grader.record.schema import COMMENT, GRADE, connect, opened, sqlite_file
from grader.source.course import read_course
from grader.source.lock import disk_errors, hold

Key = tuple[str, str, str, str, str]
"""A cell of a submission: table, unit, notebook, cell's grade id, student."""
FIELDS = {"grade": ("manual_score", "extra_credit"), "comment": ("manual_comment",)}
"""What people enter, by table."""


class Decision(StrEnum):
    """What became of a value that the other gradebook has."""

    TAKEN = "taken over"
    SAME = "the same in both"
    CONFLICT = "both differ"
    KEPT = "both differ, ours kept"
    REPLACED = "both differ, theirs taken"
    ABSENT = "not in this gradebook"


@dataclass(frozen=True, slots=True)
class MergedValue:
    """One value that the other gradebook has, and what became of it."""

    student: str
    unit: str
    cell: str
    field: str
    ours: float | str | None
    theirs: float | str
    outcome: Decision


@dataclass(frozen=True)
class Merged:
    """What `merge` did, or would do. `backup` is our gradebook as it was, None where nothing changed or it is no SQLite;
    `penalties`: a submission whose points changed is late."""

    values: tuple[MergedValue, ...]
    backup: Path | None
    penalties: bool

    def of(self, *outcomes: Decision) -> list[MergedValue]:
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
    if not other.is_file():
        raise CourseError(f"{other}: no such file; give the other grader's gradebook.db")
    path = sqlite_file(connect(course.db_url))
    if path is not None and path.exists() and path.samefile(other):
        raise CourseError(f"{other} is this course's own gradebook; give the other grader's copy")
    with disk_errors(course), hold(course.state):
        with opened(f"sqlite:///file:{quote(str(other.resolve()))}?mode=ro&uri=true") as db:
            theirs = _rows(db)
        if path is not None and not path.exists():
            raise CourseError(f"{path}: no gradebook here yet; copy the other one here")
        with opened(course.db_url) as db:
            if path is not None:  # nobody writes between reading and writing
                db.exec_driver_sql("BEGIN" if dry_run else "BEGIN IMMEDIATE")
            values, updates, penalties = _decide(_rows(db), theirs, prefer)
            backup = None
            if updates and not dry_run:
                backup = _back_up(path) if path is not None else None
                for table, row_id, new in updates:
                    db.execute(sa.update(table).where(table.c.id == row_id).values(**new))
                db.commit()
    return Merged(tuple(values), backup, penalties)


def _decide(
    ours: Mapping[Key, Any], theirs: Mapping[Key, Any], prefer: str | None
) -> tuple[list[MergedValue], list[tuple[sa.TableClause, str, dict[str, Any]]], bool]:
    """What becomes of each of their values; the rows of ours to change; and whether a late penalty hangs on one of them."""
    values, updates, penalties = [], [], False
    for key, their in sorted(theirs.items()):
        table, unit, _, cell, student = key
        our, new = ours.get(key), dict[str, Any]()
        for field in FIELDS[table]:
            value, own = getattr(their, field), getattr(our, field, None)
            if value in (None, ""):
                continue
            outcome = _decision(own, value, prefer) if our is not None else Decision.ABSENT
            values.append(MergedValue(student, unit, cell, field, own, value, outcome))
            if outcome in (Decision.TAKEN, Decision.REPLACED):
                new[field] = value
        if our is None:
            continue
        if table == GRADE.name:
            review = _review(our, their, new.get("manual_score"))
            new |= {"needs_manual_grade": review} if review != our.needs_manual_grade else {}
        if new:
            updates.append((GRADE if table == GRADE.name else COMMENT, our.id, new))
            penalties = penalties or (table == GRADE.name and our.late_submission_penalty is not None)
    return values, updates, penalties


def _review(our: Any, their: Any, taken: float | None) -> bool:
    """Whether a person must look at our grade (again). Their manual score, where ours is now the same, settles that, unless it was
    given for another submission than the one that we have."""
    manual = our.manual_score if taken is None else taken
    if their.manual_score is None or their.manual_score != manual:
        return bool(our.needs_manual_grade)
    same = our.auto_score == their.auto_score and our.timestamp == their.timestamp
    doubtful = their.needs_manual_grade or not same
    return doubtful and (taken is not None or our.needs_manual_grade)


def _decision(own: Any, value: Any, prefer: str | None) -> Decision:
    if own in (None, ""):
        return Decision.TAKEN
    if own == value:
        return Decision.SAME
    return {None: Decision.CONFLICT, "ours": Decision.KEPT, "theirs": Decision.REPLACED}[prefer]


def _rows(db: sa.Connection) -> dict[Key, Any]:
    """Every grade and comment of a gradebook."""
    return {
        (table.name, row.unit, row.notebook, row.cell, row.student): row
        for table in (GRADE, COMMENT)
        for row in cell_rows(db, table)
    }


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
