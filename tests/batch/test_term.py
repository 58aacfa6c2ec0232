"""A term: tests mended after grading, late submissions and extra time, two graders' work merged, and a database that is in the way."""

import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import nbformat
import pytest
import sqlalchemy as sa

from grader.batch.grade import Options, grade_class
from grader.build.student_version import generate
from grader.engine import grade as engine
from grader.engine.result import Status
from grader.errors import CourseError
from grader.record.gradebook import Gradebook
from grader.record.merge import Decision, merge
from grader.release.release import release
from grader.source.course import read_course, read_extensions
from tests.record.test_machinery import coordinator, finish
from tests.support import books, mounts
from tests.support.standin import stand_in
from tests.support.stock import nbgrader
from tests.support.toycourse import UNIT, make_course

ROOT = Path(__file__).parents[2]
DUE = "2026-03-01 12:00:00"
LATE = '''
import math
from nbgrader.plugins import LateSubmissionPlugin

class HalfAPointAnHour(LateSubmissionPlugin):
    """No more than nbgrader lets it take; nothing from Zoe."""

    def late_submission_penalty(self, student_id, score, total_seconds_late):
        return None if student_id == "zoe" else 0.5 * math.ceil(total_seconds_late / 3600)
'''


def grade(folder, **options):
    return grade_class(folder, UNIT, Options(workers=2, progress=False, **options))


def edit(folder, grade_id, change):
    """Let `change` edit a cell of the instructor's notebook (it gets the cell)."""
    path = folder / "solutions" / UNIT / f"{UNIT}.ipynb"
    nb = json.loads(path.read_text())
    change(next(c for c in nb["cells"] if c["metadata"].get("nbgrader", {}).get("grade_id") == grade_id))
    path.write_text(json.dumps(nb, indent=1))


def mend(cell):
    """The hidden part no longer asks for a square matrix, which the wrong answer takes for its transpose."""
    cell["source"] = (
        cell["source"]
        .replace("np.full((4, 4), 2.0)", "np.full((4, 3), 2.0)")
        .replace("np.ones(4))", "np.ones(3))")
    )


def needing_review(folder):
    query = """SELECT sa.student_id, c.name FROM grade g JOIN base_cell c ON c.id = g.cell_id
               JOIN submitted_notebook n ON n.id = g.notebook_id JOIN submitted_assignment sa ON sa.id = n.assignment_id
               WHERE g.needs_manual_grade ORDER BY 1, 2"""
    with sqlite3.connect(folder / "gradebook.db") as db:
        return db.execute(query).fetchall()


def enter(folder, student, cell, **values):
    """What a person enters in formgrader."""
    from nbgrader.api import Gradebook as Stock

    with Stock(f"sqlite:///{folder / 'gradebook.db'}") as book:
        if "manual_comment" in values:
            book.find_comment(cell, UNIT, UNIT, student).manual_comment = values.pop("manual_comment")
        if values:
            found = book.find_grade(cell, UNIT, UNIT, student)
            for name, value in values.items():
                setattr(found, name, value)
            if "manual_score" in values:
                found.needs_manual_grade = False
        book.db.commit()


def said(folder, student, cell):
    """(manual score, extra credit, needs review, manual comment) of a cell; a comment belongs to solution cells."""
    from nbgrader.api import Gradebook as Stock
    from nbgrader.api import MissingEntry

    with Stock(f"sqlite:///{folder / 'gradebook.db'}") as book:
        try:
            comment = book.find_comment(cell, UNIT, UNIT, student).manual_comment
        except MissingEntry:
            comment = None
        try:
            found = book.find_grade(cell, UNIT, UNIT, student)
        except MissingEntry:
            return None, None, None, comment
        return found.manual_score, found.extra_credit, found.needs_manual_grade, comment


def in_one_line(failure):
    assert "\n" not in str(failure.value)
    return str(failure.value)


# --- a test is mended ---


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """A released course with a graded class in which two are graded by hand too. Copy it before changing it."""
    folder = tmp_path_factory.mktemp("term") / "course"
    course = make_course(folder)
    release(folder, UNIT)
    for student in ("ann", "bob"):
        course.hand_in(student, course.submission("wrong"))
    course.hand_in("cleo", books.marked(course.notebook("wrong"), "cleo"))
    course.hand_in("dora", course.submission("honest"))
    course.hand_in("emil", b"no notebook")
    grade(folder)
    for student in ("ann", "cleo", "dora"):
        enter(folder, student, "written_why", manual_score=2.0)
    enter(folder, "ann", "test_scale_rows_values", manual_score=1.0)
    enter(folder, "ann", "gradient", manual_comment="Nearly.")
    return folder


@pytest.fixture
def folder(graded, tmp_path):
    return Path(shutil.copytree(graded, tmp_path / "course"))


def test_whose_score_moved_and_why(folder):
    assert needing_review(folder) == [
        ("bob", "written_why"),
        *(("emil", cell) for cell in sorted(graded_cells(folder))),
    ]
    edit(folder, "test_scale_rows_values", mend)
    summary = grade(folder)
    assert summary.graded_now in (4, 5)  # ann and bob handed in the same
    assert "test_scale_rows_values (hidden tests)" in summary.warnings[0]
    assert [(m.student, m.before, m.after, m.status) for m in summary.moves] == [
        (student, 1.5, 3.5, Status.GRADED) for student in ("ann", "bob", "cleo")
    ]
    for move in summary.moves:
        assert move.why == "edited: test_scale_rows_values"
        (test,) = move.tests
        assert (test.id, test.before, test.after) == ("test_scale_rows_values", "failed", "passed")
        assert (test.points_before, test.points_after) == (0.0, 2.0)
    assert {row.student: row.before for row in summary.rows} == {
        "ann": 1.5,
        "bob": 1.5,
        "cleo": 1.5,
        "dora": 7.0,
        "emil": None,
    }
    assert [move[:3] for move in books.moves(folder)] == [
        (student, 1.5, 3.5) for student in ("ann", "bob", "cleo")
    ]
    # what people entered is there, and only the score that was given against another automatic one asks to be looked at
    assert said(folder, "ann", "test_scale_rows_values") == (1.0, None, True, None)
    assert said(folder, "ann", "gradient")[3] == "Nearly."
    assert [found for found in needing_review(folder) if found[0] != "emil"] == [
        ("ann", "test_scale_rows_values"),
        ("bob", "written_why"),
    ]


def graded_cells(folder):
    return ["written_why", *(c.id for n in read_course(folder).assignment(UNIT).notebooks for c in n.tests)]


def test_a_second_run_moves_nothing_and_an_edit_taken_back_runs_nothing(folder, monkeypatch):
    source = (folder / "solutions" / UNIT / f"{UNIT}.ipynb").read_text()
    edit(folder, "test_scale_rows_values", mend)
    grade(folder)
    monkeypatch.setattr(engine, "grade", lambda *_, **__: pytest.fail("graded again"))
    assert grade(folder).moves == ()
    (folder / "solutions" / UNIT / f"{UNIT}.ipynb").write_text(source)
    summary = grade(folder)
    assert summary.graded_now == 0
    assert [(m.student, m.before, m.after) for m in summary.moves] == [
        (s, 3.5, 1.5) for s in ("ann", "bob", "cleo")
    ]
    assert len(books.moves(folder)) == 6


def test_a_resubmission_and_a_notebook_at_last_are_moves_too(folder):
    course = make_course(folder)
    course.hand_in("bob", course.submission("honest"))
    course.hand_in("emil", course.submission("honest"))
    moves = {move.student: move for move in grade(folder).moves}
    assert set(moves) == {"bob", "emil"}
    assert moves["bob"].why == moves["emil"].why == "handed in again"
    assert (moves["emil"].before, moves["emil"].after, moves["emil"].status) == (None, 7.0, Status.GRADED)
    assert {test.before for test in moves["emil"].tests} == {None}
    assert {(test.id, test.after) for test in moves["bob"].tests} == {
        (cell, "passed") for cell in ("test_scale_rows_values", "test_gradient_values", "test_sampler")
    }


def test_points_that_change_ask_for_a_new_look_at_manual_scores(folder):
    def more(cell):
        cell["metadata"]["nbgrader"]["points"] *= 2

    edit(folder, "written_why", more)
    edit(folder, "test_sampler", more)
    summary = grade(folder)
    assert [(m.student, m.before, m.after) for m in summary.moves] == [("dora", 7.0, 9.0)]
    (test,) = summary.moves[0].tests
    assert (test.before, test.after, test.points_before, test.points_after) == ("passed", "passed", 2.0, 4.0)
    assert [found for found in needing_review(folder) if found[0] != "emil"] == [
        (student, "written_why") for student in ("ann", "bob", "cleo", "dora")
    ]
    assert said(folder, "ann", "written_why")[0] == 2.0


def test_the_command_prints_the_moves_and_json_has_them(folder):
    source = (folder / "solutions" / UNIT / f"{UNIT}.ipynb").read_bytes()
    command = [sys.executable, "-m", "grader", "grade", UNIT, "--course", str(folder)]
    edit(folder, "test_scale_rows_values", mend)
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "COLUMNS": "160"})
    assert done.returncode == 1  # emil's
    lines = done.stderr.splitlines()
    assert lines[0].startswith(f"grader: {UNIT} was edited since it was released")
    assert "test_scale_rows_values +2: failed -> passed" in done.stdout
    assert (
        "3 moved: edited: test_scale_rows_values\nevery move with all its tests is in .grader/state.db, table moves"
        in done.stdout
    )
    (folder / "solutions" / UNIT / f"{UNIT}.ipynb").write_bytes(source)
    done = subprocess.run([*command, "--json"], capture_output=True, text=True)
    assert [move["student"] for move in json.loads(done.stdout)["moves"]] == ["ann", "bob", "cleo"]


def test_a_failure_of_ours_that_is_mended_leaves_no_trace_of_it(folder, monkeypatch):
    course = make_course(folder)
    course.hand_in("fred", course.submission("blank"))
    with monkeypatch.context() as patch:
        patch.setattr(engine, "grade", lambda *_, **__: 1 / 0)
        grade(folder)
    path = folder / "autograded" / "fred" / UNIT / f"{UNIT}.ipynb"
    assert "The grader failed" in path.read_text()
    (move,) = grade(folder).moves
    assert (move.student, move.before, move.after) == ("fred", None, 0.0)
    assert "The grader failed" not in path.read_text()
    nbformat.validate(nbformat.read(path, as_version=4))


@pytest.mark.parametrize("number", range(3))
def test_killed_while_grading_again_the_moves_are_those_of_an_undisturbed_run(regraded, tmp_path, number):
    edited, expected, lines = regraded
    shutil.copytree(edited, tmp_path / "course")
    kill_at = random.Random(number).randrange(lines // 3, lines)
    finish(coordinator(tmp_path / "course", "--kill-at", kill_at), -signal.SIGKILL)
    finish(coordinator(tmp_path / "course"))
    assert books.moves(tmp_path / "course") == expected
    assert len(expected) > 3


@pytest.fixture(scope="module")
def regraded(tmp_path_factory):
    """(a class whose unit was edited after grading, the moves of an undisturbed run, how many lines of code that is)."""
    folder = tmp_path_factory.mktemp("edited") / "course"
    course = make_course(folder)
    for number in range(8):
        course.hand_in(f"s{number}", books.marked(course.notebook("honest"), str(number)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine, "grade", stand_in)
        patch.setattr(engine, "ENGINE_VERSION", "stand-in")
        grade(folder)
    edit(folder, "test_scale_rows_values", mend)
    done = shutil.copytree(folder, folder.with_name("done"))
    lines = int(finish(coordinator(done, "--count")))
    return folder, books.moves(done), lines


# --- late submissions and extra time ---


@pytest.fixture(scope="module")
def late_class(tmp_path_factory):
    """A course with a late policy of its own in late.py, a due date, and people who are late; not graded yet."""
    folder = tmp_path_factory.mktemp("late") / "course"
    course = make_course(folder)
    shutil.copy(ROOT / "nbgrader_config.py", folder)
    with (folder / "nbgrader_config.py").open("a") as config:
        config.write("\nc.AssignLatePenalties.plugin_class = 'late.HalfAPointAnHour'\n")
    (folder / "late.py").write_text(LATE)
    release(folder, UNIT)
    books.execute(folder, "UPDATE assignment SET duedate = ?", f"{DUE}.000000")
    hours = {"ann": 0, "bob": 1, "cleo": 5, "dora": 100, "emil": 4, "fred": 4, "gina": 4, "zoe": 9}
    for student, late in hours.items():
        kind = "wrong" if student == "dora" else "honest"
        where = course.hand_in(student, course.submission(kind))
        (where / "timestamp.txt").write_text(
            f"2026-03-{1 + (12 + late) // 24:02} {(12 + late) % 24:02}:00:00 UTC\n"
        )
    course.hand_in("unknown", course.submission("honest"))
    (folder / "extensions.csv").write_text(
        f"student, unit, hours\nemil,{UNIT},24\nfred,*,1.5\ngina,*,24\ngina,{UNIT},0\n"
    )
    return folder


@pytest.fixture(scope="module")
def late_graded(late_class, tmp_path_factory):
    """That class, graded."""
    folder = Path(shutil.copytree(late_class, tmp_path_factory.mktemp("graded") / "course"))
    grade(folder)
    return folder


PENALTIES = {"bob": 0.5, "cleo": 2.5, "dora": 1.5, "fred": 1.5, "gina": 2.0}


def penalties(folder):
    query = """SELECT sa.student_id, n.late_submission_penalty FROM submitted_notebook n
               JOIN submitted_assignment sa ON sa.id = n.assignment_id WHERE n.late_submission_penalty IS NOT NULL"""
    with sqlite3.connect(folder / "gradebook.db") as db:
        return dict(db.execute(query))


def test_penalties_are_those_of_nbgrader_autograde(late_class, tmp_path, monkeypatch):
    """The same plug-in, due date, extra time and order of things, so the same gradebook, row by row."""
    stock, ours = (Path(shutil.copytree(late_class, tmp_path / name)) for name in ("stock", "ours"))
    done = nbgrader(stock, "autograde", UNIT)
    assert done.returncode == 0, done.stderr
    monkeypatch.chdir(tmp_path)  # late.py is found in the course, wherever we are started
    summary = grade(ours)
    assert penalties(ours) == PENALTIES
    assert {row.student: row.penalty for row in summary.rows if row.penalty} == PENALTIES
    assert books.contents(stock) == books.contents(ours)
    extended = "SELECT student_id, extension FROM submitted_assignment WHERE extension IS NOT NULL ORDER BY 1"
    with sqlite3.connect(stock / "gradebook.db") as one, sqlite3.connect(ours / "gradebook.db") as two:
        assert one.execute(extended).fetchall() == two.execute(extended).fetchall() != []


def test_extra_time_can_be_given_and_taken_back_after_grading(late_graded, tmp_path, monkeypatch):
    folder = Path(shutil.copytree(late_graded, tmp_path / "course"))
    monkeypatch.setattr(engine, "grade", lambda *_, **__: pytest.fail("graded again"))
    (folder / "extensions.csv").write_text(f"student,unit,hours\ncleo,{UNIT},5\nemil,*,0\nnobody,{UNIT},7\n")
    summary = grade(folder)
    assert summary.warnings == ("extensions.csv: nothing was handed in by nobody",)
    assert penalties(folder) == {"bob": 0.5, "dora": 1.5, "emil": 2.0, "fred": 1.5, "gina": 2.0}
    from nbgrader.api import Gradebook as Stock

    with Stock(f"sqlite:///{folder / 'gradebook.db'}") as book:
        assert book.find_submission(UNIT, "cleo").extension == timedelta(hours=5)
        assert book.find_submission(UNIT, "emil").extension is None
        assert book.find_submission(UNIT, "fred").extension == timedelta(
            hours=1.5
        )  # given before, and not taken back
        book.grant_extension(UNIT, "bob", hours=1)  # by other means
    grade(folder)
    assert "bob" not in penalties(folder)


def test_a_penalty_follows_the_score_that_people_gave(late_graded, tmp_path):
    folder = Path(shutil.copytree(late_graded, tmp_path / "course"))
    assert penalties(folder)["dora"] == 1.5  # all that she has
    enter(folder, "dora", "written_why", manual_score=3.0, extra_credit=0.5)
    grade(folder)
    assert penalties(folder)["dora"] == 5.0


@pytest.mark.parametrize(
    "config",
    [
        "c.AssignLatePenalties.enabled = False",
        "c.Autograde.autograde_preprocessors = ['grader.plugin.SafeExecute', 'nbgrader.preprocessors.SaveAutoGrades']",
        "from nbgrader.plugins import LateSubmissionPlugin\nc.AssignLatePenalties.plugin_class = LateSubmissionPlugin",
    ],
)
def test_where_nbgrader_would_take_off_nothing_neither_do_we(late_graded, tmp_path, config):
    folder = Path(shutil.copytree(late_graded, tmp_path / "course"))
    with (folder / "nbgrader_config.py").open("a") as file:
        file.write(f"\n{config}\n")
    grade(folder)
    assert penalties(folder) == {}


@pytest.mark.parametrize(
    ("config", "module"),
    [
        ("'late.HalfAPointAnHour'", LATE + "        raise RuntimeError('no\\nway')\n"),
        ("'late.Nothing'", LATE),
        ("'nowhere.At'", LATE),
    ],
)
def test_a_broken_late_policy_is_one_line(late_graded, tmp_path, config, module):
    folder = Path(shutil.copytree(late_graded, tmp_path / "course"))
    (folder / "late.py").write_text(
        module.replace("        return", "        1 or", 1) if "RuntimeError" in module else module
    )
    with (folder / "nbgrader_config.py").open("a") as file:
        file.write(f"\nc.AssignLatePenalties.plugin_class = {config}\n")
    done = subprocess.run(
        [sys.executable, "-m", "grader", "grade", UNIT, "--student", "bob", "--course", str(folder)],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2, done.stderr
    lines = [line for line in done.stderr.splitlines() if not line.startswith("grader: extensions.csv")]
    assert len(lines) == 1, done.stderr
    assert "late policy of nbgrader_config.py failed" in lines[0]


def test_extra_time_without_a_due_date_is_said_and_breaks_nothing(late_class, tmp_path):
    """nbgrader itself fails on an extension of what has no due date."""
    folder = Path(shutil.copytree(late_class, tmp_path / "course"))
    books.execute(folder, "UPDATE assignment SET duedate = NULL")
    assert "no due date" in grade(folder).warnings[0]
    from nbgrader.api import Gradebook as Stock

    with Stock(f"sqlite:///{folder / 'gradebook.db'}") as book:
        assert {s.total_seconds_late for s in book.assignment_submissions(UNIT)} == {0}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("student,hours\nann,3\n", "the first line must be: student,unit,hours"),
        ("", "the first line must be"),
        ("student,unit,hours\nann,toy,two\n", "line 2: give a student"),
        ("student,unit,hours\nann,toy,-1\n", "line 2: give"),
        ("student,unit,hours\nann,toy,nan\n", "line 2: give"),
        ("student,unit,hours\nann,toy,inf\n", "line 2: give"),
        ("student,unit,hours\nann,toy,1e300\n", "extensions.csv: "),
        ("student,unit,hours\nann,toy\n", "line 2: give"),
        ("student,unit,hours\n,toy,1\n", "line 2: give"),
        ("student,unit,hours\nann,toy,1\nann,toy,2\n", "line 3: 'ann' has a line for 'toy' already"),
    ],
)
def test_a_line_of_extensions_that_makes_no_sense_is_one_line(tmp_path, text, message):
    (tmp_path / "extensions.csv").write_text(text)
    with pytest.raises(CourseError, match=message) as failure:
        read_extensions(tmp_path, "toy")
    in_one_line(failure)


def test_extensions_as_a_spreadsheet_saves_them(tmp_path):
    (tmp_path / "extensions.csv").write_bytes(
        '\ufeffstudent,unit,hours,why\r\n"Jürgen, A",toy,48,ill\r\nann,other,3,\r\n'.encode()
    )
    assert read_extensions(tmp_path, "toy") == {"Jürgen, A": timedelta(days=2)}


# --- two graders' work ---


@pytest.fixture
def two(graded, tmp_path):
    """(our course, the other grader's copy of it): both have graded by hand since the copy was made."""
    ours, theirs = (Path(shutil.copytree(graded, tmp_path / name)) for name in ("ours", "theirs"))
    enter(ours, "bob", "gradient", manual_comment="Ours alone.")
    enter(ours, "cleo", "written_why", manual_score=1.0)
    enter(ours, "cleo", "Sampler", manual_comment="Look again.")
    enter(ours, "dora", "written_why", extra_credit=1.0)
    enter(theirs, "bob", "written_why", manual_score=3.0, manual_comment="Well argued.")
    enter(theirs, "bob", "test_sampler", extra_credit=0.5)
    enter(theirs, "cleo", "written_why", manual_score=2.5)
    enter(theirs, "cleo", "Sampler", manual_comment="Fine.")
    enter(theirs, "dora", "written_why", extra_credit=1.0)
    return ours, theirs / "gradebook.db"


CONFLICTS = {
    ("cleo", "written_why", "manual_score", 1.0, 2.5),
    ("cleo", "Sampler", "manual_comment", "Look again.", "Fine."),
}


def conflicts(done, *outcomes):
    return {(v.student, v.cell, v.field, v.ours, v.theirs) for v in done.of(*outcomes)}


def test_what_one_side_has_is_taken_over_and_conflicts_change_nothing(two):
    ours, other = two
    before, theirs = books.contents(ours), other.read_bytes()
    done = merge(ours, other)
    assert conflicts(done, Decision.CONFLICT) == CONFLICTS
    assert {(v.student, v.cell, v.field) for v in done.of(Decision.TAKEN)} == {
        ("bob", "written_why", "manual_score"),
        ("bob", "written_why", "manual_comment"),
        ("bob", "test_sampler", "extra_credit"),
    }
    assert len(done.of(Decision.SAME)) == 5  # four of the copy, and the extra credit that both gave
    assert said(ours, "bob", "written_why") == (3.0, None, False, "Well argued.")
    assert said(ours, "bob", "test_sampler")[1] == 0.5
    assert said(ours, "bob", "gradient")[3] == "Ours alone."
    assert said(ours, "cleo", "written_why")[0] == 1.0
    assert said(ours, "cleo", "Sampler")[3] == "Look again."
    assert other.read_bytes() == theirs
    assert done.backup is not None
    with sqlite3.connect(done.backup) as backup:
        assert backup.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    shutil.copy(done.backup, ours / "gradebook.db")
    assert books.contents(ours) == before


def test_merging_again_changes_nothing(two):
    ours, other = two
    merge(ours, other)
    before = books.contents(ours)
    done = merge(ours, other)
    assert done.backup is None
    assert not done.of(Decision.TAKEN)
    assert books.contents(ours) == before


@pytest.mark.parametrize(
    ("prefer", "outcome", "score"), [("ours", Decision.KEPT, 1.0), ("theirs", Decision.REPLACED, 2.5)]
)
def test_prefer_decides_where_both_differ(two, prefer, outcome, score):
    ours, other = two
    done = merge(ours, other, prefer=prefer)
    assert conflicts(done, outcome) == CONFLICTS
    assert said(ours, "cleo", "written_why")[0] == score
    assert not done.of(Decision.CONFLICT)


def test_a_dry_run_changes_nothing_and_says_the_same(two):
    ours, other = two
    before = (ours / "gradebook.db").read_bytes()
    dry = merge(ours, other, dry_run=True)
    assert (ours / "gradebook.db").read_bytes() == before
    assert dry.backup is None
    assert len(list(ours.glob("gradebook.db*"))) == 1
    assert dry.values == merge(ours, other).values


def test_a_score_for_another_submission_is_taken_but_reviewed(two):
    ours, other = two
    course = make_course(ours)
    course.hand_in("bob", course.submission("honest"))
    (ours / "submitted" / "bob" / UNIT / "timestamp.txt").write_text("2026-02-01 10:00:00 UTC")
    grade(ours)
    merge(ours, other)
    assert said(ours, "bob", "written_why")[:3] == (3.0, None, True)


def test_what_this_gradebook_does_not_have_is_listed(two):
    ours, other = two
    books.execute(
        ours,
        "DELETE FROM grade WHERE notebook_id IN (SELECT n.id FROM submitted_notebook n JOIN submitted_assignment s ON s.id = n.assignment_id WHERE s.student_id = 'bob')",
    )
    done = merge(ours, other)
    assert {(v.student, v.cell, v.field) for v in done.of(Decision.ABSENT)} == {
        ("bob", "written_why", "manual_score"),
        ("bob", "test_sampler", "extra_credit"),
    }


def test_it_is_one_transaction(two, monkeypatch):
    ours, other = two
    before = books.contents(ours)
    monkeypatch.setattr("grader.record.merge._decide", broken_at_the_end)
    with pytest.raises(CourseError, match="no such column") as failure:
        merge(ours, other)
    in_one_line(failure)
    assert books.contents(ours) == before


def broken_at_the_end(ours, theirs, prefer):
    """Every comment replaced, and then something that the database refuses."""
    from grader.record.schema import COMMENT

    row = next(row for key, row in ours.items() if key[0] == "comment")
    wrong = sa.table("comment", sa.column("id"), sa.column("nonsense"))
    return [], [(COMMENT, row.id, {"manual_comment": "half-way"}), (wrong, row.id, {"nonsense": 1})], False


def test_the_merge_command(two):
    ours, other = two
    command = [sys.executable, "-m", "grader", "merge", str(other), "--course", str(ours)]
    done = subprocess.run(
        [*command, "--dry-run"], capture_output=True, text=True, env={**os.environ, "COLUMNS": "140"}
    )
    assert done.returncode == 1
    assert "would be: 3 taken over, 5 the same in both, 2 both differ" in done.stdout
    for word in ("cleo", "written_why", "1.0", "2.5", "Look again.", "Fine."):
        assert word in done.stdout
    done = subprocess.run([*command, "--prefer", "theirs", "--json"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["backup"].startswith(str(ours / "gradebook.db.before-merge-"))


def schema(database, version):
    with sqlite3.connect(database) as db:
        db.execute("UPDATE alembic_version SET version_num = ?", (version,))


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda other: other.unlink(), "no such file"),
        (
            lambda other: other.write_text("this is no database, but long enough to be looked at" * 40),
            "not a database",
        ),
        (lambda other: other.write_bytes(b""), "no such table"),
        (lambda other: schema(other, "167914646830"), "older nbgrader.*nbgrader db upgrade"),
        (lambda other: schema(other, "ffffffffffff"), "newer nbgrader"),
    ],
)
def test_a_gradebook_that_cannot_be_merged_is_one_line(two, spoil, message):
    ours, other = two
    before = (ours / "gradebook.db").read_bytes()
    spoil(other)
    with pytest.raises(CourseError, match=message) as failure:
        merge(ours, other)
    in_one_line(failure)
    assert (ours / "gradebook.db").read_bytes() == before


def test_merging_with_oneself_or_nonsense_is_one_line(two):
    ours, other = two
    with pytest.raises(CourseError, match="own gradebook"):
        merge(ours, ours / "gradebook.db")
    with pytest.raises(CourseError, match="say ours or theirs"):
        merge(ours, other, prefer="mine")
    (ours / "gradebook.db").unlink()
    with pytest.raises(CourseError, match="no gradebook here yet"):
        merge(ours, other)
    assert not (ours / "gradebook.db").exists()


# --- a database or a disk in the way ---


@pytest.fixture
def commands(folder, tmp_path):
    """What writes to the gradebook, each with something to write."""
    other = tmp_path / "other.db"
    shutil.copy(folder / "gradebook.db", other)
    with sqlite3.connect(other) as db:
        db.execute("UPDATE comment SET manual_comment = 'mine'")
    edit(folder, "test_sampler", lambda cell: cell.update(source=cell["source"] + "\n# edited"))
    return {
        "grade": lambda url=None: grade_class(folder, UNIT, Options(progress=False, db_url=url)),
        "release": lambda url=None: release(folder, UNIT, db_url=url),
        "merge": lambda url=None: merge(folder, other, db_url=url),
    }


@pytest.mark.parametrize("command", ["grade", "release", "merge"])
def test_a_database_of_another_nbgrader_is_one_line(folder, commands, command):
    before = books.contents(folder)
    for version, hint in (
        ("282d30a0218e", "older nbgrader.*nbgrader db upgrade"),
        ("ffffffffffff", "newer nbgrader"),
    ):
        schema(folder / "gradebook.db", version)
        with pytest.raises(CourseError, match=hint) as failure:
            commands[command]()
        in_one_line(failure)
    assert books.contents(folder) == before


def test_the_schema_that_we_know_is_nbgraders():
    from nbgrader.api import get_alembic_version
    from nbgrader.dbutil import ALEMBIC_DIR

    from grader.record import schema as schema_module

    assert get_alembic_version() == schema_module.SCHEMA
    versions = Path(ALEMBIC_DIR) / "versions"
    assert {path.name.split("_")[0] for path in versions.glob("*.py")} == {
        schema_module.SCHEMA,
        *schema_module.OLD_SCHEMAS,
    }


@pytest.mark.parametrize("command", ["grade", "release", "merge"])
def test_a_locked_database_is_one_line_and_the_next_run_goes_on(folder, commands, command, monkeypatch):
    monkeypatch.setattr("grader.record.schema.LOCK_WAIT", 0.2)
    with sqlite3.connect(folder / "gradebook.db") as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(CourseError, match="database is locked") as failure:
            commands[command]()
        in_one_line(failure)
        other.rollback()
    commands[command]()


@pytest.mark.parametrize("command", ["grade", "release", "merge"])
def test_a_read_only_database_is_one_line(folder, commands, command):
    before = books.contents(folder)
    with pytest.raises(CourseError, match="readonly database") as failure:
        commands[command](f"sqlite:///file:{folder / 'gradebook.db'}?mode=ro&uri=true")
    in_one_line(failure)
    assert books.contents(folder) == before
    commands[command]()


@pytest.mark.parametrize("mount", ["read_only", "full"])
@pytest.mark.parametrize("command", ["grade", "merge"])
def test_a_disk_that_cannot_be_written_is_one_line(folder, commands, command, mount):
    before = books.contents(folder)
    arguments = {"grade": ["grade", UNIT], "merge": ["merge", str(folder.parent / "other.db")]}[command]
    done = mounts.run_in(folder, getattr(mounts, mount)(folder), *arguments)
    assert done.returncode == 2, done.stdout + done.stderr
    lines = [line for line in done.stderr.splitlines() if "was edited since it was released" not in line]
    assert len(lines) == 1, done.stderr
    assert books.contents(folder) == before
    commands[command]()


def test_registering_leaves_no_student_version_behind(folder, tmp_path):
    """`grade` records an edited unit in the gradebook; what students have is `release`'s business."""
    course = read_course(folder)
    released = (folder / "assignments" / UNIT / f"{UNIT}.ipynb").read_bytes()
    edit(folder, "test_sampler", lambda cell: cell.update(source="assert Sampler\n" + cell["source"]))
    Gradebook(course, course.assignment(UNIT)).close()
    assert (folder / "assignments" / UNIT / f"{UNIT}.ipynb").read_bytes() == released
    assert b"assert Sampler" in (generate(course, UNIT, tmp_path / "fresh") / f"{UNIT}.ipynb").read_bytes()
