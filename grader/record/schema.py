"""nbgrader's tables (nbgrader/api.py), by the columns that the grader reads or writes.

Importing nbgrader costs two seconds of processor time, and its session dozens of queries a submission. A test holds that
every column here is nbgrader's, with its type.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy import Boolean, DateTime, Float, Interval, String, Text


def _table(table: str, texts: str, /, **others: Any) -> sa.TableClause:
    columns = dict.fromkeys(texts.split(), String) | others
    return sa.table(table, *(sa.column(name, kind) for name, kind in columns.items()))


STUDENT = _table("student", "id first_name last_name")
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
