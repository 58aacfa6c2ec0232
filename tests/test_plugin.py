"""Our engine inside nbgrader: the same scores by stock nbgrader, by nbgrader with the plug-in, and by `grader grade`."""

import json
import re
import shutil
from pathlib import Path

import nbformat
import pytest

from grader.batch.grade import Options, grade_class
from grader.engine import grade
from grader.engine.result import Result, Status
from grader.release.release import release
from grader.source.course import read_course
from tests.support import books
from tests.support.stock import nbgrader
from tests.support.toycourse import MAX_POINTS, SECRET, UNIT, make_course

CONFIG = Path(__file__).parent.parent / "nbgrader_config.py"
NOISY = "import sys, warnings\ndef scale_rows(x, factors):\n    print('note', file=sys.stderr)\n    warnings.warn('w')\n    return x * factors[:, None]"
SILENT = "get_ipython().showtraceback = lambda *a, **k: None\ndef scale_rows(x, factors): return 0"
LEAVES = "import os\ndef scale_rows(x, factors): os._exit(0)"
LIVE = "<script>alert(1)</script>\n\n**bold**"


@pytest.fixture(scope="module")
def fresh(tmp_path_factory):
    """A course with this repository's nbgrader_config.py and a class, the unit recorded by `nbgrader generate_assignment`."""
    folder = tmp_path_factory.mktemp("fresh")
    course = make_course(folder)
    shutil.copy(CONFIG, folder)
    for kind in ("honest", "wrong", "blank"):
        course.hand_in(kind, course.submission(kind))
    done = nbgrader(folder, "generate_assignment", UNIT)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def plugged(fresh, tmp_path_factory):
    """That class and some more students, graded by `nbgrader autograde` with the plug-in."""
    folder = tmp_path_factory.mktemp("plugged") / "course"
    shutil.copytree(fresh, folder)
    course = make_course(folder)
    for student, source in {"noisy": NOISY, "silent": SILENT, "leaves": LEAVES}.items():
        course.hand_in(student, course.submission("honest", scale_rows=source))
    nb = course.notebook("honest")
    nb["cells"] = [
        c for c in nb["cells"] if c["metadata"].get("nbgrader", {}).get("grade_id") != "test_sampler"
    ]
    nb["cells"][-1]["source"] = LIVE
    course.hand_in("deleted", json.dumps(nb).encode())
    done = nbgrader(folder, "autograde", UNIT)
    assert done.returncode == 0, done.stderr
    return folder


def test_honest_submissions_score_the_same_by_all_three_ways(fresh, plugged, tmp_path):
    stock, ours = tmp_path / "stock", tmp_path / "ours"
    for folder in (stock, ours):
        shutil.copytree(fresh, folder)
    (stock / "nbgrader_config.py").write_text(
        "c = get_config()\nc.CourseDirectory.source_directory = 'solutions'\n"
    )
    done = nbgrader(stock, "autograde", UNIT)
    assert done.returncode == 0, done.stderr
    grade_class(ours, UNIT, Options(progress=False))
    expected = {"honest": MAX_POINTS, "wrong": 1.5, "blank": 0.0}
    assert books.scores(stock) == books.scores(ours) == expected
    assert {
        student: score for student, score in books.scores(plugged).items() if student in expected
    } == expected
    assert books.contents(stock) == books.contents(ours)


def test_the_plug_in_and_grader_grade_agree_on_everyone(plugged, tmp_path):
    """Stderr is no failure; silenced errors, a process that leaves, and a deleted test win nothing."""
    shutil.copytree(plugged, tmp_path / "again")
    (tmp_path / "again" / "gradebook.db").unlink()
    shutil.rmtree(tmp_path / "again" / "autograded")
    grade_class(tmp_path / "again", UNIT, Options(progress=False))
    assert books.scores(plugged) == books.scores(tmp_path / "again")
    assert books.scores(plugged)["noisy"] == MAX_POINTS
    assert books.scores(plugged)["silent"] == MAX_POINTS - 2.0  # wrong, but its input stays as it was
    assert books.scores(plugged)["leaves"] == MAX_POINTS - 3.0
    assert books.scores(plugged)["deleted"] == MAX_POINTS
    assert books.contents(plugged) == books.contents(tmp_path / "again")


def test_its_notebooks_are_valid_and_show_what_was_put_out(plugged):
    for path in (plugged / "autograded").rglob("*.ipynb"):
        nbformat.validate(nbformat.read(path, as_version=4))
    nb = nbformat.read(plugged / "autograded" / "blank" / UNIT / f"{UNIT}.ipynb", as_version=4)
    by_id = {cell.metadata.get("nbgrader", {}).get("grade_id"): cell for cell in nb.cells}
    assert by_id["Sampler"].outputs[0].ename == "NotImplementedError"
    assert by_id["test_sampler"].outputs[0].output_type == "error"
    assert [cell.outputs for cell in nb.cells if "explore cell must never run" in cell.source] == [[]]


def test_nbgraders_own_feedback_hides_hidden_tests(plugged, tmp_path):
    shutil.copytree(plugged, tmp_path / "course")
    done = nbgrader(tmp_path / "course", "generate_feedback", UNIT)
    assert done.returncode == 0, done.stderr
    pages = {path.parts[-3]: path.read_text() for path in (tmp_path / "course" / "feedback").rglob("*.html")}
    assert len(pages) == 7
    for student, page in pages.items():
        assert SECRET not in page, student
        assert not re.search("<script>alert", page), student
    assert "A further check of this exercise did not pass" in pages["wrong"]
    assert "<strong>bold</strong>" in pages["deleted"]


def test_formgraders_button(plugged, tmp_path, monkeypatch):
    """The call behind formgrader's Autograde button; and what cannot be graded leaves no zero."""
    from nbgrader.apps import NbGraderAPI

    shutil.copytree(plugged, tmp_path / "course")
    course = make_course(tmp_path / "course")
    course.hand_in("noisy", course.submission("wrong"))
    config = read_course(tmp_path / "course").config
    config.CourseDirectory.root = str(tmp_path / "course")
    api = NbGraderAPI(config=config)
    assert api.autograde(UNIT, "noisy")["success"]
    assert books.scores(tmp_path / "course")["noisy"] == 1.5

    course.hand_in("new", books.marked(course.notebook("honest"), "new"))
    refused = Result("key", UNIT, Status.UNGRADABLE, "it is no notebook")
    monkeypatch.setattr(grade, "grade", lambda *_, **__: refused)
    outcome = api.autograde(UNIT, "new")
    assert not outcome["success"]
    assert "Could not be graded: it is no notebook" in outcome["log"]
    assert books.scores(tmp_path / "course")["new"] is None


def test_formgrader_knows_what_was_released(tmp_path):
    """Without an exchange it neither warns of that nor calls the unit a draft; with one, that counts as well."""
    from nbgrader.apps import NbGraderAPI

    make_course(tmp_path / "course")
    shutil.copy(CONFIG, tmp_path / "course")
    config = read_course(tmp_path / "course").config
    config.CourseDirectory.root = str(tmp_path / "course")
    config.Exchange.root = str(tmp_path / "exchange")
    api = NbGraderAPI(config=config)
    assert not api.exchange_missing
    assert api.get_assignment(UNIT)["status"] == "draft"
    release(tmp_path / "course", UNIT)
    assert api.get_released_assignments() == {UNIT}
    assert api.get_assignment(UNIT)["status"] == "released"
    assert not api.unrelease(UNIT)["success"], "there is no exchange to take it from"

    (tmp_path / "exchange").mkdir()
    assert api.release_assignment(UNIT)["success"]
    (tmp_path / "course" / ".grader" / "state.db").unlink()
    assert api.get_released_assignments() == {UNIT}
    assert api.unrelease(UNIT)["success"]
    assert api.get_assignment(UNIT)["status"] == "draft"


def test_nobody_gets_a_0_from_a_test_that_the_solution_fails(fresh, tmp_path):
    shutil.copytree(fresh, tmp_path / "course")
    source = tmp_path / "course" / "solutions" / UNIT / f"{UNIT}.ipynb"
    source.write_text(source.read_text().replace("_s.drawn == 3", "_s.drawn == 4"))
    done = nbgrader(tmp_path / "course", "autograde", UNIT)
    assert done.returncode != 0
    assert "test_sampler: the source's own solution does not pass it" in done.stderr
    assert not any(books.scores(tmp_path / "course").values())
    assert not list((tmp_path / "course" / "autograded").glob("*/*/*.ipynb"))
