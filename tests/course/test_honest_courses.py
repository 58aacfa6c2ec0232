"""Two courses of the kinds that other people write: the same scores from stock nbgrader and from us, cell by cell, for a right, a wrong
and an empty submission."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from grader.batch.grade import grade_class
from tests.hostile import doors
from tests.hostile.edge import UNIT, Edge
from tests.support.stock import nbgrader

_PRINTS = "".join(re.split(r"(?=# %% test)", doors.PRINTED)[:3])  # stock has no way to read from sys.stdin
_WRONG_VECTOR = (
    doors.VECTOR.split("# %% work\n")[1].split("# %% test")[0].replace("self.y + other.y", "self.y")
)
_WRONG_ACCOUNT = (
    doors.OWN_CLASSES.split("# %% work\n")[1]
    .split("# %% test")[0]
    .replace("raise TooLittle(self._balance, amount)", "return self._balance")
    .replace('"A bank account."', "")
)
_WRONG_PRINTS = 'def greet(name):\n    print("Hello", name)\ndef ask():\n    return 3'
COURSES = {
    "an introduction to Python": (
        doors.VECTOR + doors.OWN_CLASSES.lstrip("\n") + _PRINTS.lstrip("\n") + doors.SHARED.lstrip("\n"),
        (_WRONG_VECTOR, _WRONG_ACCOUNT, _WRONG_PRINTS, "def better(card): return Card(card.suit, 3)\ndef ends(xs): return min(xs), 3"),
    ),
    "tables with pandas": (
        doors.TABLES,
        ("def per_city(df):\n    return df.groupby('city')['rain'].mean()\ndef wet(df, least):\n    return df[df['rain'] > least]\n"
         "def ratio(df):\n    return df.assign(share=df['rain'] / df['rain'].sum())\nmean = 4 / 3\ntable = DATA",),
    ),
}  # fmt: skip


def _hand_in(root: Path, student: str, notebook: dict[str, Any]) -> None:
    folder = root / "submitted" / student / UNIT
    folder.mkdir(parents=True)
    (folder / f"{UNIT}.ipynb").write_text(json.dumps(notebook))


def _cells(root: Path) -> dict[tuple[str, str], float]:
    query = """SELECT sa.student_id, c.name, g.auto_score FROM grade g JOIN base_cell c ON g.cell_id = c.id
               JOIN submitted_notebook sn ON g.notebook_id = sn.id JOIN submitted_assignment sa ON sn.assignment_id = sa.id"""
    with sqlite3.connect(root / "gradebook.db") as db:
        return {(student, cell): score for student, cell, score in db.execute(query)}


@pytest.mark.slow
@pytest.mark.parametrize("name", COURSES)
def test_scores_are_those_of_stock_nbgrader(name: str, tmp_path: Path) -> None:
    if "pandas" in name:
        pytest.importorskip("pandas")
    text, wrong = COURSES[name]
    edge, stock, ours = Edge(name, "honest", text, wrong), tmp_path / "stock", tmp_path / "ours"
    (stock / "source" / UNIT).mkdir(parents=True)
    source = edge._notebook(())
    (stock / "source" / UNIT / f"{UNIT}.ipynb").write_text(json.dumps(source))
    (stock / "nbgrader_config.py").write_text("c = get_config()\nc.CourseDirectory.course_id = 'x'\n")
    _run(stock, "generate_assignment", UNIT)
    _hand_in(stock, "right", source)
    _hand_in(stock, "wrong", edge._notebook(wrong, public=True))
    _hand_in(stock, "empty", json.loads((stock / "release" / UNIT / f"{UNIT}.ipynb").read_text()))
    shutil.copytree(stock, ours, ignore=shutil.ignore_patterns("gradebook.db"))
    _run(stock, "autograde", UNIT)
    grade_class(ours, UNIT)
    theirs = _cells(stock)
    assert _cells(ours) == theirs
    tests = len(re.findall("# %% test", text))
    passed = {who: sum(theirs[who, f"test{n}"] for n in range(tests)) for who in ("right", "wrong", "empty")}
    assert passed["right"] == tests and 0 < passed["wrong"] < tests and passed["empty"] == 0


def _run(folder: Path, *command: str) -> None:
    done = nbgrader(folder, *command)
    assert done.returncode == 0, done.stderr
