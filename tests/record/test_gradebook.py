"""The gradebook: nbgrader reads what we wrote as its own, and nothing that a person entered is lost."""

import csv
import json
import os
import resource
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from grader.errors import CourseError
from grader.record.gradebook import Gradebook, Grading
from grader.source.course import read_course
from tests.support.stock import nbgrader
from tests.support.toycourse import UNIT, make_course

ON_TIME = datetime(2026, 3, 1, 12)
WRITTEN = (UNIT, "written_why")


@pytest.fixture(scope="module")
def released(tmp_path_factory):
    """A course whose unit is in the gradebook (nbgrader takes seconds for that)."""
    root = tmp_path_factory.mktemp("released")
    make_course(root)
    (root / "nbgrader_config.py").write_text(
        "c = get_config()\nc.CourseDirectory.source_directory = 'solutions'\nc.LateSubmissionPlugin.penalty_method = 'zero'\n"
    )
    course = read_course(root)
    Gradebook(course, course.assignment(UNIT)).close()
    return root


@pytest.fixture
def book(released, tmp_path):
    """A copy of that gradebook, open."""
    url = f"sqlite:///{tmp_path / 'other name.db'}"
    (tmp_path / "other name.db").write_bytes((released / "gradebook.db").read_bytes())
    course = read_course(released, url)
    book = Gradebook(course, course.assignment(UNIT))
    yield book
    book.close()


def entry(
    book, points=1.0, *, written=None, student="ann", timestamp=ON_TIME, comment=None, resubmitted=False
):
    """What grading would record: `points` for each test."""
    scores = dict.fromkeys(book._unit.graded, points) | {WRITTEN: written}
    return Grading(student, timestamp, scores, dict.fromkeys(book._unit.commented, comment), resubmitted)


def changes(book, what):
    """Record it; whether a byte of the database changed."""
    path = Path(book._course.db_url.removeprefix("sqlite:///"))
    before = path.read_bytes()
    book.record(what)
    return path.read_bytes() != before


def opened(book):
    """The same database through nbgrader's own API."""
    from nbgrader.api import Gradebook as Stock

    return Stock(book._course.db_url)


def test_our_table_columns_are_nbgraders():
    from nbgrader.api import Base

    from grader.record import schema

    ours = [table for table in vars(schema).values() if isinstance(table, sa.TableClause)]
    assert len(ours) == 11
    for table in ours:
        theirs = Base.metadata.tables[table.name]
        for column in table.columns:
            assert isinstance(theirs.c[column.name].type, type(column.type)), f"{table.name}.{column.name}"


def test_rows_are_those_that_nbgrader_makes(book):
    """The same rows, and the same values in them, as nbgrader's add_submission and SaveAutoGrades write."""
    book.record(entry(book))
    with opened(book) as stock:
        stock.add_student("bob")
        stock.add_submission(UNIT, "bob", timestamp=ON_TIME)
        for grade in stock.find_submission_notebook(UNIT, UNIT, "bob").grades:
            grade.auto_score = None if grade.cell.name == "written_why" else 1.0
            grade.needs_manual_grade = grade.auto_score is None
        stock.db.commit()
        seen = {}
        for student in ("ann", "bob"):
            notebook = stock.find_submission_notebook(UNIT, UNIT, student)
            seen[student] = (
                sorted(
                    (g.name, g.auto_score, g.manual_score, g.extra_credit, g.needs_manual_grade, g.max_score)
                    for g in notebook.grades
                ),
                sorted((c.name, c.auto_comment, c.manual_comment) for c in notebook.comments),
                (
                    notebook.score,
                    notebook.max_score,
                    notebook.needs_manual_grade,
                    notebook.flagged,
                    notebook.late_submission_penalty,
                ),
                (notebook.assignment.timestamp, notebook.assignment.score),
            )
        assert seen["ann"] == seen["bob"]
        assert seen["ann"][2][0] == 5.0


def test_recording_again_changes_nothing(book):
    assert book.record(entry(book)).before is None
    assert not changes(book, entry(book))
    assert book.record(entry(book)).before == 5.0
    assert changes(book, entry(book, 0.5))


def test_what_a_person_entered_survives(book):
    book.record(entry(book))
    with opened(book) as stock:
        grade = stock.find_grade("test_sampler", UNIT, UNIT, "ann")
        grade.manual_score, grade.extra_credit = 0.25, 0.5
        why = stock.find_grade("written_why", UNIT, UNIT, "ann")
        why.manual_score, why.needs_manual_grade = 3.0, False
        stock.find_comment("gradient", UNIT, UNIT, "ann").manual_comment = "Well seen."
        stock.db.commit()
    assert not changes(book, entry(book))
    for again, review in (
        (entry(book, 0.0), {"test_sampler"}),
        (entry(book, 0.0, resubmitted=True), {"test_sampler", "written_why"}),
    ):
        assert changes(book, again)
        with opened(book) as stock:
            notebook = stock.find_submission_notebook(UNIT, UNIT, "ann")
            assert notebook.score == 0.25 + 0.5 + 3.0
            assert {g.name for g in notebook.grades if g.needs_manual_grade} == review
            assert {c.comment for c in notebook.comments} == {None, "Well seen."}


def test_a_submission_without_a_score_is_no_zero(book):
    """No automatic score, marked for a person, with the reason as the comment; a later score takes both away."""
    book.record(entry(book, None, comment="Could not be graded: not a notebook."))
    with opened(book) as stock:
        notebook = stock.find_submission_notebook(UNIT, UNIT, "ann")
        assert {g.auto_score for g in notebook.grades} == {None}
        assert all(g.needs_manual_grade for g in notebook.grades)
        assert not notebook.failed_tests
        assert {c.comment for c in notebook.comments} == {"Could not be graded: not a notebook."}
    book.record(entry(book, 1.0))
    with opened(book) as stock:
        notebook = stock.find_submission_notebook(UNIT, UNIT, "ann")
        assert {g.name for g in notebook.grades if g.needs_manual_grade} == {"written_why"}
        assert {c.comment for c in notebook.comments} == {None}


def test_late_policy_is_nbgraders(book):
    """Penalty `zero`: a late notebook's score is taken off, extensions count, an unknown time is not late."""
    with opened(book) as stock:
        stock.update_or_create_assignment(UNIT, duedate=ON_TIME)
    book.close()
    again = Gradebook(book._course, book._course.assignment(UNIT))
    again.record(entry(again, student="on time"))
    again.record(entry(again, student="late", timestamp=ON_TIME + timedelta(seconds=1)))
    again.record(entry(again, student="unknown", timestamp=None))
    again.record(entry(again, student="extended", timestamp=ON_TIME + timedelta(hours=1)))
    with opened(book) as stock:
        stock.grant_extension(UNIT, "extended", hours=2)
    again.record(entry(again, student="extended", timestamp=ON_TIME + timedelta(hours=1)))
    with opened(book) as stock:
        penalties = {
            s.student.id: s.notebooks[0].late_submission_penalty for s in stock.assignment_submissions(UNIT)
        }
    assert penalties == {"on time": None, "late": 5.0, "unknown": None, "extended": None}
    assert not changes(again, entry(again, student="late", timestamp=ON_TIME + timedelta(seconds=1)))
    again.close()


@pytest.mark.parametrize(
    "student", ["[1]", "a b", "Jürgen", "🙂", "-x", "..x", "x" * 200, "a'b\"; drop table grade", "Ann", "ann"]
)
def test_any_student_id(book, student):
    book.record(entry(book, student="ann"))
    book.record(entry(book, 0.5, student=student))
    with opened(book) as stock:
        assert stock.find_submission(UNIT, student).score == 2.5
        assert len(stock.students) == len({"ann", student})


def test_one_submission_is_one_transaction(book, monkeypatch):
    """What fails half-way leaves no row at all."""
    monkeypatch.setattr(book, "_write_comments", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        book.record(entry(book))
    with opened(book) as stock:
        assert stock.students == []
        assert stock.db.execute(sa.text("SELECT count(*) FROM grade")).scalar() == 0


def test_a_full_disk_is_one_line_and_nothing_half_written(book):
    book.record(entry(book))
    path = book._course.db_url.removeprefix("sqlite:///")
    size = os.path.getsize(path)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        for number in range(200):
            try:
                book.record(entry(book, student=f"s{number}"))
            except CourseError as error:
                failure = error
                break
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert "give the same command again" in str(failure)
    assert "\n" not in str(failure)
    assert changes(book, entry(book, student=f"s{number}"))
    with opened(book) as stock:
        assert len(stock.students) == number + 2
        assert {s.score for s in stock.assignment_submissions(UNIT)} == {5.0}


def test_a_source_changed_after_release_is_named(book, released):
    path = released / "solutions" / UNIT / f"{UNIT}.ipynb"
    text = path.read_text()
    book.record(entry(book))
    nb = json.loads(text)
    cells = {cell["metadata"].get("nbgrader", {}).get("grade_id"): cell for cell in nb["cells"]}
    cells["test_sampler"]["source"] += "\n# mended"
    cells["test_gradient_raises"]["metadata"]["nbgrader"]["points"] = 4
    try:
        path.write_text(json.dumps(nb))
        again = Gradebook(book._course, book._course.assignment(UNIT))
        assert again.changed == ("test_gradient_raises", "test_sampler")
        again.close()
        again = Gradebook(book._course, book._course.assignment(UNIT))
        assert again.changed == ()
        again.close()
        with opened(book) as stock:
            assert stock.find_assignment(UNIT).max_score == 13.5
            assert stock.find_submission(UNIT, "ann").score == 5.0
        nb["cells"].remove(cells["test_sampler"])
        path.write_text(json.dumps(nb))
        with pytest.raises(CourseError, match="graded cells were added, removed or renamed"):
            Gradebook(book._course, book._course.assignment(UNIT))
    finally:
        path.write_text(text)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("nonsense", "cannot be used"),
        ("oracle+nothing://x/y", "cannot be used"),
        ("sqlite:////nowhere/at/all/gradebook.db", "unable to open database file"),
    ],
)
def test_an_unusable_database_is_one_line(released, url, message):
    course = read_course(released, url)
    with pytest.raises(CourseError, match=message) as failure:
        Gradebook(course, course.assignment(UNIT))
    assert "\n" not in str(failure.value)


def test_a_database_of_an_older_nbgrader_is_one_line(book):
    with opened(book) as stock:
        stock.db.execute(sa.text("ALTER TABLE submitted_notebook DROP COLUMN late_submission_penalty"))
        stock.db.commit()
    with pytest.raises(CourseError, match="nbgrader db upgrade"):
        book.record(entry(book))


def test_a_database_that_nbgrader_left_unfinished_is_finished(released, tmp_path):
    """Killed between making the tables and naming their schema, which `nbgrader db upgrade` needs."""
    from nbgrader.api import Base

    engine = sa.create_engine(f"sqlite:///{tmp_path / 'gradebook.db'}")
    Base.metadata.create_all(engine)
    course = read_course(released, f"sqlite:///{tmp_path / 'gradebook.db'}")
    Gradebook(course, course.assignment(UNIT)).close()
    with (
        engine.connect() as ours,
        sa.create_engine(f"sqlite:///{released / 'gradebook.db'}").connect() as theirs,
    ):
        query = sa.text("SELECT version_num FROM alembic_version")
        assert ours.execute(query).all() == theirs.execute(query).all()


def test_nbgrader_export_reads_it(book, released, tmp_path):
    for number, student in enumerate(["ann", "[1]", "Jürgen"]):
        book.record(entry(book, float(number), student=student))
    done = nbgrader(released, "export", "--db", book._course.db_url, "--to", str(tmp_path / "grades.csv"))
    assert done.returncode == 0, done.stderr
    with open(tmp_path / "grades.csv", newline="") as file:
        assert {row["student_id"]: float(row["score"]) for row in csv.DictReader(file)} == {
            "ann": 0.0,
            "[1]": 5.0,
            "Jürgen": 10.0,
        }
