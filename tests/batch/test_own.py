"""Before a class is graded, the unit's own solution is, and an untouched notebook: nobody loses a point to a test that its author's answer fails."""

from __future__ import annotations

import csv
import sqlite3

import pytest

from grader.batch.grade import Options, grade_class
from grader.errors import CourseError
from grader.lms.export import export_grades
from grader.pages.feedback import write_feedback
from grader.record.autograded import read_stamp
from grader.release.release import release
from tests.support import smallcourse
from tests.support.smallcourse import UNIT, code

QUIET = Options(progress=False)
GREET = code(
    'def greet(name):\n    ### BEGIN SOLUTION\n    print("hello", name)\n    return len(name)\n    ### END SOLUTION',
    "greet",
)
T_LENGTH = code('assert greet("ann") == 3', "t_length", points=1)
T_SOURCE = code('import inspect\n\nassert "print(" in inspect.getsource(greet)', "t_source", points=2)
T_WRONG = code('assert greet("ann") == 4', "t_wrong", points=4)
T_OPEN = code("assert callable(greet)", "t_open", points=1)
HELLO = 'def greet(name):\n    print("hello", name)\n    return len(name)'


def course(root, *tests):
    root = smallcourse.make(root, [GREET, *tests])
    released = release(root, UNIT).folder / f"{UNIT}.ipynb"
    smallcourse.hand_in(root, "ann", released, {"greet": HELLO})
    smallcourse.hand_in(root, "bob", released, {"greet": "def greet(name):\n    return 3"})
    smallcourse.hand_in(root, "eve", released, {})
    return root


def manual(root):
    """(student, test) of each grade that waits for a person."""
    query = """SELECT sa.student_id, c.name FROM grade g JOIN submitted_notebook sn ON g.notebook_id = sn.id
               JOIN submitted_assignment sa ON sn.assignment_id = sa.id JOIN base_cell c ON g.cell_id = c.id
               WHERE g.needs_manual_grade AND g.auto_score IS NULL"""
    with sqlite3.connect(root / "gradebook.db") as db:
        return sorted(db.execute(query))


def test_a_class_is_not_graded_by_tests_that_the_solution_fails(tmp_path):
    root, said = course(tmp_path, T_LENGTH, T_SOURCE, T_WRONG), list[str]()
    for _ in range(2):  # the second time, what is known is said as well
        said.clear()
        with pytest.raises(
            CourseError, match=r"nothing was graded.*t_source, t_wrong.*--without t_source --without t_wrong"
        ):
            grade_class(root, UNIT, Options(progress=False, say=said.append))
        assert [line.split(": ")[:2] for line in said] == [
            [test, "the source's own solution does not pass it"] for test in ("t_source", "t_wrong")
        ]
        assert all("\n" not in line for line in said)
    assert not (root / "autograded").exists()


def test_tests_left_to_a_person_cost_nobody_a_point(tmp_path):
    root = course(tmp_path, T_LENGTH, T_SOURCE, T_WRONG)
    summary = grade_class(root, UNIT, Options(progress=False, without=["t_source", "t_wrong"]))
    assert {row.student: (row.score, row.max_score) for row in summary.rows} == {
        "ann": (1.0, 1.0),
        "bob": (1.0, 1.0),
        "eve": (0.0, 1.0),
    }
    assert manual(root) == [
        (student, test) for student in ("ann", "bob", "eve") for test in ("t_source", "t_wrong")
    ]
    export_grades(root, [UNIT], to="canvas", out=root / "grades.csv")
    _, points, *rows = csv.reader((root / "grades.csv").read_text().splitlines())
    assert (points[-1], [row[-1] for row in rows]) == ("7", ["", "", ""])
    assert write_feedback(root, UNIT, progress=False).submissions == 3
    with pytest.raises(CourseError, match="does not pass"):  # it must be said each time
        grade_class(root, UNIT, QUIET)
    with pytest.raises(CourseError, match="has no test 't_nought'; its tests: t_length, t_source, t_wrong"):
        grade_class(root, UNIT, Options(progress=False, without=["t_nought"]))


def test_a_test_that_passes_an_empty_notebook_is_named(tmp_path):
    root = course(tmp_path, T_LENGTH, T_OPEN)
    summary = grade_class(root, UNIT, QUIET)
    assert [line for line in summary.warnings if "t_" in line] == [
        "t_open: this test passes an empty notebook"
    ]
    assert {row.student: row.score for row in summary.rows} == {"ann": 2.0, "bob": 2.0, "eve": 1.0}


def test_a_units_own_versions_are_graded_once(tmp_path, monkeypatch):
    """And again where the unit changed; they are no submissions."""
    root = course(tmp_path, T_LENGTH)
    graded = []
    from grader.engine import grade as engine

    original = engine.grade

    def spy(submission, *args, **kwargs):
        graded.append(submission)
        return original(submission, *args, **kwargs)

    monkeypatch.setattr(engine, "grade", spy)
    assert grade_class(root, UNIT, QUIET).graded_now == 3
    assert len(graded) == 3  # the release has graded both versions
    assert grade_class(root, UNIT, QUIET).graded_now == 0
    assert len(graded) == 3
    source = root / "source" / UNIT / f"{UNIT}.ipynb"
    source.write_text(source.read_text().replace("== 3", "== 3.0"))
    assert grade_class(root, UNIT, QUIET).graded_now == 3
    assert len(graded) == 8
    assert {row.student for row in grade_class(root, UNIT, QUIET).rows} == {"ann", "bob", "eve"}
    assert read_stamp(root / "autograded" / "ann" / UNIT, smallcourse.assignment(root)) is not None


def test_a_release_names_them_too_and_tags_what_needs_the_students_process(tmp_path):
    root = smallcourse.make(tmp_path, [GREET, T_LENGTH, T_SOURCE, T_WRONG, T_OPEN])
    source = root / "source" / UNIT / f"{UNIT}.ipynb"
    before = source.read_text()
    done = release(root, UNIT)
    assert [*done.failures] == ["t_source", "t_wrong"]
    assert (done.open_tests, done.in_process) == (("t_open",), ("t_source",))
    assert source.read_text() == before
    done = release(root, UNIT, in_process=True)
    assert done.in_process == ("t_source",)
    assert '"tags": ["in_process"]' in source.read_text()
    assert source.read_text().replace(', "tags": ["in_process"]', "") == before
    assert [edit.where for edit in release(root, UNIT, in_process=True).edits] == []
