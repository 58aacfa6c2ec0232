import gc
import time
from concurrent.futures import ThreadPoolExecutor

import nbformat
import pytest

from grader.build.build import build
from grader.errors import CourseError
from grader.source.code import bound_names
from grader.source.notebook import Role, read_assignment, read_notebook
from tests.support import tinyunit


@pytest.fixture(scope="module")
def assignment(tmp_path_factory):
    root = tinyunit.make(tmp_path_factory.mktemp("course"))
    build(root)
    return read_assignment(root / "solutions" / tinyunit.UNIT)


def test_roles_points_and_exercises(assignment):
    roles = [cell.role for cell in assignment.notebooks[0].cells]
    assert roles == [Role.TEXT, Role.WORK, Role.SETUP, Role.WORK, Role.TEST, Role.TEST, Role.WORK]
    (exercise,) = assignment.exercises
    assert (exercise.name, exercise.points, len(exercise.tests)) == ("double", 3, 2)
    assert assignment.max_points == 3
    assert "double" in exercise.solution.defines


def test_public_source_has_no_hidden_test(assignment):
    values = assignment.exercises[0].tests[0]
    assert "-4.25" in values.source
    assert "-4.25" not in values.public_source
    assert "public_passed" in values.public_source


def test_text_source_and_bank_do_not_travel(assignment):
    assert assignment.files == ()


def test_the_digest_follows_the_content(tmp_path, assignment):
    root = tinyunit.make(tmp_path / "course", source=tinyunit.SOURCE.replace('"points": 2', '"points": 3'))
    build(root)
    assert read_assignment(root / "solutions" / tinyunit.UNIT).digest != assignment.digest


def test_bad_input_is_one_line(tmp_path):
    with pytest.raises(CourseError, match="no unit '07_x'"):
        read_assignment(tmp_path / "solutions" / "07_x")
    broken = tmp_path / "x.ipynb"
    broken.write_text("{")
    with pytest.raises(CourseError, match=r"x\.ipynb: not a notebook"):
        read_notebook(broken)
    meta = {
        "grade": True,
        "grade_id": "twice",
        "locked": True,
        "points": 1,
        "schema_version": 3,
        "solution": False,
    }
    cells = [nbformat.v4.new_code_cell("1", metadata={"nbgrader": meta}) for _ in range(2)]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), broken)
    with pytest.raises(CourseError, match="grade id 'twice' is used twice"):
        read_notebook(broken)


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("def f(): x = 1", {"f"}),
        ("import numpy as np, os.path", {"np", "os"}),
        ("a, (b, *c) = 1, (2, 3)\nfor d in []: e = 1", {"a", "b", "c", "d", "e"}),
        ("%matplotlib inline", set()),
        ("class A:\n    b = 1", {"A"}),
    ],
)
def test_bound_names(source, names):
    assert bound_names(source) == names


def test_threads_may_parse_at_once():
    """The pool of `grader grade` has threads, and CPython 3.11's own parser of trees is not made for them."""
    source = "\n".join(
        f"for i{k} in ((({k}, 1.5), 'a'), [x + {k} for x in range(3)]): f(i{k})" for k in range(60)
    )
    threshold = gc.get_threshold()
    callback = lambda *_: time.sleep(0)  # noqa: E731  Python code in the collector lets another thread in
    gc.callbacks.append(callback)
    gc.set_threshold(50)
    try:
        with ThreadPoolExecutor(4) as pool:
            assert len(set(pool.map(bound_names, [source] * 40))) == 1
    finally:
        gc.callbacks.remove(callback)
        gc.set_threshold(*threshold)
