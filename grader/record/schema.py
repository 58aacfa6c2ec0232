"""nbgrader's database: its tables (nbgrader/api.py), by the columns that the grader reads or writes, and how it is opened.

Importing nbgrader costs two seconds of processor time, and its session dozens of queries a submission. A test holds that
every column here is nbgrader's, with its type.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Boolean, DateTime, Float, Interval, String, Text

from grader.errors import CourseError


def _table(table: str, texts: str, /, **others: Any) -> sa.TableClause:
    columns = dict.fromkeys(texts.split(), String) | others
    return sa.table(table, *(sa.column(name, kind) for name, kind in columns.items()))


STUDENT = _table("student", "id first_name last_name email lms_user_id")
ASSIGNMENT = _table("assignment", "id name", duedate=DateTime)
NOTEBOOK = _table("notebook", "id name assignment_id")
BASE_CELL = _table("base_cell", "id name type notebook_id")
GRADE_CELL = _table("grade_cells", "id", max_score=Float)
TASK_CELL = _table("task_cells", "id", max_score=Float)
SOURCE_CELL = _table("source_cell", "name notebook_id", source=Text)
SUBMISSION = _table(
    "submitted_assignment", "id assignment_id student_id", timestamp=DateTime, extension=Interval
)
SUBMITTED = _table(
    "submitted_notebook", "id notebook_id assignment_id", flagged=Boolean, late_submission_penalty=Float
)
GRADE = _table(
    "grade",
    "id cell_id notebook_id",
    auto_score=Float,
    manual_score=Float,
    extra_credit=Float,
    needs_manual_grade=Boolean,
)
COMMENT = _table("comment", "id cell_id notebook_id", auto_comment=Text, manual_comment=Text)
SCHEMA = "e43177bfe90b"
"""The version of nbgrader's schema (table alembic_version) that these columns are from; what came before it:"""
OLD_SCHEMAS = ("b6d005d67074", "50a4d84c131a", "724cde206c17", "167914646830", "282d30a0218e")
LOCK_WAIT = 60.0
"""Seconds to wait for a database that somebody else, such as formgrader, is writing to."""


def connect(url: str) -> sa.Engine:
    """The database at an SQLAlchemy URL, not yet opened. Raises CourseError where there can be none."""
    options = {"connect_args": {"timeout": LOCK_WAIT}} if url.startswith("sqlite") else {}
    try:
        return sa.create_engine(url, **options)
    except (sa.exc.ArgumentError, sa.exc.NoSuchModuleError, ImportError) as error:
        raise CourseError(f"db_url '{url}' cannot be used: {error}") from error


def sqlite_file(engine: sa.Engine) -> Path | None:
    """The file of an SQLite database; None where it is in memory, or no SQLite."""
    name = engine.url.database if engine.url.get_backend_name() == "sqlite" else None
    return Path(name.removeprefix("file:")) if name and not name.startswith(":") else None


@contextlib.contextmanager
def opened(url: str) -> Iterator[sa.Connection]:
    """A gradebook that is there and has our tables; raises CourseError where it is not, or cannot be read or written."""
    engine = connect(url)
    file = sqlite_file(engine)
    if file is not None and not file.is_file():  # SQLite would make an empty one
        raise CourseError(f"{file}: no gradebook there; run `grader grade` first")
    try:
        with mishaps(engine), engine.connect() as db:
            check_schema(db)
            yield db
    finally:
        engine.dispose()


def check_schema(db: sa.Connection) -> None:
    """Raises CourseError where the database is from an nbgrader with other tables than these."""
    if not sa.inspect(db).has_table("alembic_version"):
        return
    version = db.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()
    if version != SCHEMA:
        hint = "it is from an older nbgrader: back it up, then run `nbgrader db upgrade`"
        if version not in OLD_SCHEMAS:
            hint = "it is from a newer nbgrader than this grader knows: update trainlab"
        raise CourseError(
            f"gradebook {db.engine.url.render_as_string()}: schema {version}, not {SCHEMA}; {hint}"
        )


@contextlib.contextmanager
def mishaps(engine: sa.Engine) -> Iterator[None]:
    """Make a CourseError of one line of what a database raises, but for a refusal of one student's values: the class goes on."""
    try:
        yield
    except (sa.exc.DataError, sa.exc.IntegrityError):
        raise
    except (sa.exc.DBAPIError, OSError) as error:
        reason = str(getattr(error, "orig", None) or error).splitlines()[0]
        hint = (
            "it is from an older nbgrader: back it up, then run `nbgrader db upgrade`"
            if "no such column" in reason or "UndefinedColumn" in reason
            else "nothing graded is lost: mend that, then give the same command again"
        )
        raise CourseError(f"gradebook {engine.url.render_as_string()}: {reason}; {hint}") from error
