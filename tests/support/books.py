"""What a gradebook and an autograded folder say, as plain data that two runs can be compared by."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from pathlib import Path
from typing import Any

_GRADES = """
SELECT sa.student_id, sa.timestamp, n.name, c.name, c.type, g.auto_score, g.manual_score, g.extra_credit, g.needs_manual_grade,
       sn.late_submission_penalty, sn.flagged
FROM grade g JOIN submitted_notebook sn ON g.notebook_id = sn.id JOIN submitted_assignment sa ON sn.assignment_id = sa.id
JOIN base_cell c ON g.cell_id = c.id JOIN notebook n ON c.notebook_id = n.id ORDER BY 1, 3, 4, 5
"""
_COMMENTS = """
SELECT sa.student_id, n.name, c.name, c.type, k.auto_comment, k.manual_comment
FROM comment k JOIN submitted_notebook sn ON k.notebook_id = sn.id JOIN submitted_assignment sa ON sn.assignment_id = sa.id
JOIN base_cell c ON k.cell_id = c.id JOIN notebook n ON c.notebook_id = n.id ORDER BY 1, 2, 3, 4
"""


def contents(course: Path) -> str:
    """Everything in course/gradebook.db that grading decides, one line a row; row ids and the order of rows are left out."""
    with sqlite3.connect(course / "gradebook.db") as db:
        return "\n".join(
            repr(row)
            for query in (_GRADES, _COMMENTS, "SELECT id FROM student ORDER BY 1")
            for row in db.execute(query)
        )


def scores(course: Path) -> dict[str, float | None]:
    """Sum of the automatic scores by student; None where a student has none."""
    query = """SELECT sa.student_id, sum(g.auto_score) FROM grade g JOIN submitted_notebook sn ON g.notebook_id = sn.id
               JOIN submitted_assignment sa ON sn.assignment_id = sa.id GROUP BY 1"""
    with sqlite3.connect(course / "gradebook.db") as db:
        return dict(db.execute(query))


def cells(course: Path) -> dict[tuple[str, str], float | None]:
    """The automatic score of every graded cell, by student and grade id."""
    query = """SELECT sa.student_id, c.name, g.auto_score FROM grade g JOIN submitted_notebook sn ON g.notebook_id = sn.id
               JOIN submitted_assignment sa ON sn.assignment_id = sa.id JOIN base_cell c ON g.cell_id = c.id"""
    with sqlite3.connect(course / "gradebook.db") as db:
        return {(student, cell): score for student, cell, score in db.execute(query)}


def notebooks(course: Path) -> dict[str, bytes]:
    """All autograded notebooks by path."""
    return {
        str(path.relative_to(course)): path.read_bytes()
        for path in sorted((course / "autograded").rglob("*.ipynb"))
    }


def execute(course: Path, statement: str, *values: Any) -> None:
    """Change the gradebook as formgrader would."""
    with sqlite3.connect(course / "gradebook.db") as db:
        assert db.execute(statement, values).rowcount > 0


def marked(nb: dict[str, Any], mark: str) -> bytes:
    """A notebook that differs from every other in its first cell."""
    nb["cells"][0]["source"] += f" {mark}"
    return json.dumps(nb).encode()


def state(course: Path, query: str) -> list[tuple[Any, ...]]:
    """What the grader's own .grader/state.db says, while it may be written to; nothing where it is not there yet."""
    try:
        url = f"file:{course / '.grader' / 'state.db'}?mode=ro"
        with contextlib.closing(sqlite3.connect(url, uri=True, timeout=60)) as db:
            return db.execute(query).fetchall()
    except sqlite3.OperationalError:
        return []


def count_results(course: Path) -> int:
    """How many results are kept."""
    return sum(count for (count,) in state(course, "SELECT count(*) FROM results"))


def moves(course: Path) -> list[tuple[Any, ...]]:
    """Every move that is kept, without its time, in the order of students."""
    columns = "student, before, after, status, why, tests, old_key, new_key"
    return state(course, f"SELECT {columns} FROM moves ORDER BY student, time")
