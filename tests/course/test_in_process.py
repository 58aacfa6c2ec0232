"""A course whose tests need the student's own process: with the tag in_process, its scores are those of stock nbgrader, cell by cell."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from grader.batch.grade import Options, grade_class
from grader.pages.feedback import write_feedback
from grader.pages.report import write_report
from grader.source.notebook import IN_PROCESS
from tests.support import books
from tests.support.stock import nbgrader

UNIT = "words"
WORK = '''
def count(text):
    """How often each word occurs.

    >>> count("a b a")
    {'a': 2, 'b': 1}
    """
    ### BEGIN SOLUTION
    found = {}
    for word in text.split():
        found[word] = found.get(word, 0) + 1
    return found
    ### END SOLUTION

def ask():
    """Ask for a line, print its number of words, and keep it in words.txt."""
    ### BEGIN SOLUTION
    line = input("a line: ")
    print(len(line.split()))
    with open("words.txt", "w") as file:
        file.write(line)
    ### END SOLUTION
'''
TESTS = {
    "by_value": "assert count('x y x') == {'x': 2, 'y': 1}",
    "by_unittest": """
import io, unittest
class TestCount(unittest.TestCase):
    def test_empty(self):
        self.assertEqual(count(""), {})
    def test_twice(self):
        self.assertEqual(count("b b"), {"b": 2})
_runner = unittest.TextTestRunner(stream=io.StringIO())
_program = unittest.main(argv=["words"], exit=False, testRunner=_runner)
assert _program.result.wasSuccessful(), "a unit test failed"
### BEGIN HIDDEN TESTS
class TestMore(unittest.TestCase):
    def test_lines(self):
        self.assertEqual(count("c\\nd c"), {"c": 2, "d": 1})
_program = unittest.main(argv=["words"], exit=False, testRunner=unittest.TextTestRunner(stream=io.StringIO()))
assert _program.result.wasSuccessful() and _program.result.testsRun == 3
### END HIDDEN TESTS
""",
    "by_doctest": """
import doctest
_failed, _tried = doctest.testmod()
assert _tried and not _failed, "an example of a docstring does not hold"
""",
    "by_print": """
import contextlib, io
from unittest import mock
with mock.patch("builtins.input", lambda prompt="": "to be or"), contextlib.redirect_stdout(io.StringIO()) as _out:
    ask()
assert _out.getvalue().strip() == "3"
""",
    "by_file": """
with mock.patch("builtins.input", lambda prompt="": "to be or"):
    ask()
with open("words.txt") as _file:
    assert _file.read() == "to be or"
""",
    "by_source": """
import inspect
assert "Counter" not in inspect.getsource(count), "without Counter, please"
""",
    "in_part": """
_points = 0
if count("a") == {"a": 1}:
    _points += 1
if "Counter" not in inspect.getsource(count):
    _points += 1
_points
""",
}
STUDENTS = {
    "honest": WORK,
    "blank": "def count(text):\n    raise NotImplementedError\ndef ask():\n    raise NotImplementedError",
    "counter": WORK.replace("found = {}", "from collections import Counter").replace(
        "    for word in text.split():\n        found[word] = found.get(word, 0) + 1\n    return found",
        "    return dict(Counter(text.split()))",
    ),
    "letters": WORK.replace("text.split()", "text.replace(' ', '')"),
    "silent": WORK.replace("    print(len(line.split()))\n", ""),
    "no_examples": WORK.replace(">>> ", "as in "),
    "exits": WORK.replace("    found = {}", "    import sys\n    sys.exit(0)"),
}


def _notebook(work: str, cells: dict[str, str]) -> dict[str, Any]:
    def cell(name: str, source: str, **flags: Any) -> dict[str, Any]:
        plain = {"grade": False, "solution": False, "locked": False, "task": False, "schema_version": 3}
        tags = {"tags": [IN_PROCESS]} if flags.get("grade") and name != "by_value" else {}
        return {
            "cell_type": "code",
            "execution_count": None,
            "id": name,
            "metadata": {"nbgrader": plain | flags | {"grade_id": name}} | tags,
            "outputs": [],
            "source": source.strip("\n"),
        }

    tests = [cell(name, source, grade=True, locked=True, points=2) for name, source in cells.items()]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    return {
        "cells": [cell("work", work, solution=True), *tests],
        "metadata": kernel,
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def _course(folder: Path) -> Path:
    (folder / "source" / UNIT).mkdir(parents=True)
    (folder / "source" / UNIT / "words.ipynb").write_text(json.dumps(_notebook(WORK, TESTS)))
    (folder / "nbgrader_config.py").write_text("c = get_config()\nc.CourseDirectory.course_id = 'words'\n")
    for student, work in STUDENTS.items():
        handed_in = folder / "submitted" / student / UNIT
        handed_in.mkdir(parents=True)
        (handed_in / "words.ipynb").write_text(json.dumps(_notebook(work, TESTS)))
    return folder


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The course, graded by stock nbgrader and by us."""
    stock, ours = (_course(tmp_path_factory.mktemp(name)) for name in ("stock", "ours"))
    for step in ("generate_assignment", "autograde"):
        done = nbgrader(stock, step, UNIT)
        assert done.returncode == 0, done.stderr
    grade_class(ours, UNIT, Options(progress=False))
    return stock, ours


def test_scores_are_those_of_stock_nbgrader_cell_by_cell(both: tuple[Path, Path]) -> None:
    stock, ours = map(books.cells, both)
    assert ours == stock
    assert {name for (student, name), score in stock.items() if student == "honest" and score == 2} == {
        *TESTS
    }
    lost = {
        student: {name for (who, name), score in stock.items() if who == student and score != 2}
        for student in STUDENTS
    }
    assert lost["counter"] == {"by_source", "in_part"} and stock["counter", "in_part"] == 1
    assert lost["silent"] == {"by_print"} and lost["no_examples"] == {"by_doctest"}
    assert lost["letters"] == {"by_unittest"}
    assert lost["exits"] == {"by_value", "by_unittest", "by_doctest", "in_part"}
    assert lost["blank"] == {*TESTS} - {"by_source"}


def test_rows_report_and_page_say_what_a_student_could_cheat(both: tuple[Path, Path]) -> None:
    _, ours = both
    rows = {row.student: row for row in grade_class(ours, UNIT, Options(progress=False)).rows}
    assert "12 points by tests that a student could cheat (in_process)" in rows["honest"].incidents
    assert "2 points by tests that a student could cheat (in_process)" in rows["blank"].incidents
    page = write_report(ours, UNIT, progress=False)[0].read_text()
    assert "<b>12</b> points hang on tests that a student could cheat" in page
    assert page.count(", in_process</span>") == 6 and "12 points by tests that a student could cheat" in page
    write_feedback(ours, UNIT, progress=False)
    (feedback,) = (ours / "feedback" / "honest" / UNIT).glob("*.html")
    assert feedback.read_text().count("run in your own process") == 6
