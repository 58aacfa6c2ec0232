"""A class, graded end to end with the real engine: rows, gradebook, autograded notebooks, feedback; and graded again."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

import nbformat
import pytest

from grader.batch.grade import Options, grade_class
from grader.engine import grade
from grader.engine.result import Result, Status
from grader.engine.submission import parse_timestamp
from grader.errors import CourseError
from grader.record import gradebook
from grader.source.course import read_course
from tests.support import books
from tests.support.toycourse import MAX_POINTS, POINTS, SECRET, UNIT, make_course

ODD_IDS = ["[1]", "a b", "Jürgen", "🙂", "-x", "..x", "x" * 200, "=cmd|'C calc'!A0", "Ann", "ann", "star*"]
PAPER = (
    "<script>alert(1)</script> <img src=x onerror=alert(2)> [go](javascript:alert(3))\n\nIn **bold**: $a<b$"
)


def without(nb, *ids):
    """The notebook without some cells."""
    nb["cells"] = [c for c in nb["cells"] if c["metadata"].get("nbgrader", {}).get("grade_id") not in ids]
    return nb


def changed(nb, grade_id, **fields):
    """The notebook with one cell changed."""
    for cell in nb["cells"]:
        if cell["metadata"].get("nbgrader", {}).get("grade_id") == grade_id:
            cell.update(fields)
    return nb


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """A course with a class in it, graded once: (folder, summary). Copy it before changing it."""
    folder = tmp_path_factory.mktemp("class")
    course = make_course(folder)
    for kind in ("honest", "wrong", "blank"):
        course.hand_in(kind, course.submission(kind))
    for student in ODD_IDS:
        course.hand_in(student, books.marked(course.notebook("wrong"), student))
    course.hand_in("garbage", b"this is no notebook")
    course.hand_in("empty", b"")
    course.hand_in("renamed", course.submission("honest"), f"{UNIT} (1).ipynb")
    edited = changed(course.notebook("wrong"), "test_scale_rows_values", source="pass")
    course.hand_in("edited", json.dumps(changed(edited, "test_sampler", cell_type="markdown")).encode())
    course.hand_in(
        "deleted", json.dumps(without(course.notebook("wrong"), "test_sampler", "written_why")).encode()
    )
    course.hand_in(
        "author", json.dumps(changed(course.notebook("wrong"), "written_why", source=PAPER)).encode()
    )
    (folder / "submitted" / "no folder of the unit").mkdir()
    (folder / "submitted" / "a file").write_text("")
    (folder / "submitted" / "linked").symlink_to(folder / "submitted" / "honest")
    for student, text in {
        "honest": "2026-02-03 04:05:06.7 UTC\n",
        "blank": "",
        "wrong": "tomorrow\x1b[31m",
        "ann": "9999-99-99",
    }.items():
        (folder / "submitted" / student / UNIT / "timestamp.txt").write_text(text)
    return folder, grade_class(folder, UNIT, Options(workers=2, progress=False))


@pytest.fixture
def copy(graded, tmp_path):
    """A copy of the graded course that a test may change."""
    shutil.copytree(graded[0], tmp_path / "course", symlinks=True)
    return tmp_path / "course"


@pytest.fixture
def engine_is_idle(monkeypatch):
    """Grading anything is an error."""
    monkeypatch.setattr(grade, "grade", lambda *_, **__: pytest.fail("graded again"))


def again(folder, **options):
    return grade_class(folder, UNIT, Options(workers=2, progress=False, **options))


def test_each_submission_is_one_row_with_its_score(graded):
    rows = {row.student: row for row in graded[1].rows}
    assert rows["honest"].score == MAX_POINTS
    assert rows["honest"].points == (3.0, 2.0, 2.0)
    assert graded[1].exercises == ("scale_rows", "gradient", "Sampler")
    assert {rows[student].score for student in ("wrong", "edited", "deleted", "author", *ODD_IDS)} == {1.5}
    assert rows["blank"].score == 0.0
    assert rows["renamed"].score == MAX_POINTS
    assert "was taken for toy.ipynb" in rows["renamed"].reason
    for student, why in {
        "garbage": "no notebook",
        "empty": "empty",
        "linked": "no notebook was handed in",
    }.items():
        assert rows[student].status is Status.UNGRADABLE
        assert rows[student].score is None
        assert why in rows[student].reason
    assert "link" in " ".join(rows["linked"].incidents)
    assert set(rows) == {
        "honest",
        "wrong",
        "blank",
        *ODD_IDS,
        "garbage",
        "empty",
        "renamed",
        "edited",
        "deleted",
        "author",
        "linked",
    }
    assert [row.student for row in graded[1].rows] == sorted(rows)


def test_the_gradebook_says_the_same(graded):
    folder, summary = graded
    # an unanswered written question counts 0, as stock nbgrader counts it
    assert books.scores(folder) == {row.student: row.score for row in summary.rows}
    from nbgrader.api import Gradebook

    with Gradebook(f"sqlite:///{folder / 'gradebook.db'}") as book:
        assert {s.student.id: s.score for s in book.assignment_submissions(UNIT)} == {
            row.student: row.score or 0.0 for row in summary.rows
        }
        needs = {
            s.student.id: {g.name for g in s.notebooks[0].grades if g.needs_manual_grade}
            for s in book.assignment_submissions(UNIT)
        }
        assert needs["honest"] == {"written_why"}
        assert needs["garbage"] == needs["honest"] | set(POINTS)
        assert "the file is no notebook" in book.find_comment("scale_rows", UNIT, UNIT, "garbage").comment
        assert str(book.find_submission(UNIT, "honest").timestamp) == "2026-02-03 04:05:06.700000"
        assert book.find_submission(UNIT, "wrong").timestamp is None


def test_a_garbled_time_is_said_and_is_not_late(graded):
    rows = {row.student: row for row in graded[1].rows}
    assert rows["honest"].incidents == rows["blank"].incidents == ()
    for student in ("wrong", "ann"):
        assert "timestamp.txt is no time" in rows[student].incidents[0]
        assert "\x1b" not in rows[student].incidents[0]


def test_autograded_notebooks_are_nbgraders(graded):
    """Valid notebooks, with nbgrader's metadata from the source; nbgrader's own scoring of them gives our scores."""
    from nbgrader.nbgraderformat import MetadataValidator
    from nbgrader.utils import determine_grade, is_grade

    folder, summary = graded
    for row in summary.rows:
        nb = nbformat.read(folder / "autograded" / row.student / UNIT / f"{UNIT}.ipynb", as_version=4)
        nbformat.validate(nb)
        MetadataValidator().validate_nb(nb)
        marks = {c.metadata.nbgrader.grade_id: determine_grade(c)[0] for c in nb.cells if is_grade(c)}
        assert set(marks) >= {"test_sampler", "test_scale_rows_values", "test_gradient_values", "written_why"}
        if row.status is Status.GRADED:
            assert sum(mark or 0.0 for mark in marks.values()) == row.score


def test_formgrader_renders_them(graded):
    """With the very exporter and template of formgrader, a stranger's HTML inert by the filter of nbgrader_config.py."""
    from nbconvert.exporters import HTMLExporter
    from nbgrader.server_extensions.formgrader import handlers
    from traitlets.config import Config

    config = Config()
    config.HTMLExporter.template_name = "formgrade"
    config.HTMLExporter.extra_template_basedirs = [handlers.template_path]
    config.HTMLExporter.filters = {"markdown2html": "grader.plugin.clean_markdown"}
    exporter = HTMLExporter(config=config)
    told = dict.fromkeys(
        [
            "assignment_id",
            "notebook_id",
            "submission_id",
            "student",
            "last_name",
            "first_name",
            "notebook_path",
        ],
        "x",
    )
    path = graded[0] / "autograded" / "author" / UNIT / f"{UNIT}.ipynb"
    page, _ = exporter.from_filename(str(path), resources={**told, "index": 0, "total": 1, "base_url": "/"})
    assert SECRET in page  # the instructor sees hidden tests
    assert "hidden part" in page
    assert "<script>alert(1)" not in page
    assert not re.search(r"<[^>]*onerror|href=.javascript", page)
    assert "<strong>bold</strong>" in page


def test_grading_again_touches_nothing(copy, graded, engine_is_idle):
    before = {
        path: (path.stat().st_mtime_ns, path.read_bytes())
        for path in copy.rglob("*")
        if path.is_file() and path.name != "lock"
    }
    summary = again(copy)
    assert summary.graded_now == 0
    after = {
        path: (path.stat().st_mtime_ns, path.read_bytes())
        for path in copy.rglob("*")
        if path.is_file() and path.name != "lock"
    }
    assert {str(path) for path in before if before[path] != after.get(path)} == set()
    assert set(before) == set(after)
    for now, then in zip(summary.rows, graded[1].rows, strict=True):
        assert replace(now, before=None) == replace(then, before=None)
    assert {r.student: r.before for r in summary.rows} == {r.student: r.score for r in summary.rows}


def test_what_was_deleted_is_made_again_without_grading(copy, engine_is_idle):
    book, papers = books.contents(copy), books.notebooks(copy)
    (copy / "gradebook.db").unlink()
    again(copy)
    assert books.contents(copy) == book
    shutil.rmtree(copy / "autograded" / "honest")
    (copy / "autograded" / "wrong" / UNIT / f"{UNIT}.ipynb").write_bytes(b"torn")
    again(copy)
    assert books.notebooks(copy) == papers
    assert books.contents(copy) == book


def test_what_others_wrote_into_the_gradebook_is_put_right(copy, engine_is_idle):
    """Stock nbgrader, run by mistake, or an old zero."""
    book = books.contents(copy)
    books.execute(copy, "UPDATE grade SET auto_score = 0, needs_manual_grade = 0")
    books.execute(copy, "DELETE FROM comment WHERE id IN (SELECT id FROM comment LIMIT 3)")
    again(copy)
    assert books.contents(copy) == book


def test_a_resubmission_is_graded_alone_and_manual_scores_survive(copy):
    course = make_course(copy)
    books.execute(
        copy,
        "UPDATE grade SET manual_score = 2.5, needs_manual_grade = 0 WHERE cell_id IN (SELECT id FROM base_cell WHERE name = 'written_why')",
    )
    books.execute(copy, "UPDATE comment SET manual_comment = 'Seen.'")
    course.hand_in("blank", course.submission("honest"))
    summary = again(copy)
    assert summary.graded_now == 0  # word for word what another student handed in: graded already
    rows = {row.student: row for row in summary.rows}
    assert (rows["blank"].before, rows["blank"].score) == (0.0, MAX_POINTS)
    review = [line for line in books.contents(copy).splitlines() if "'written_why', 'GradeCell'" in line]
    assert len(review) == len(summary.rows)
    assert all(", 2.5, None, " in line for line in review)
    assert next(line for line in review if line.startswith("('blank'")).split(", ")[8] == "1"
    assert next(line for line in review if line.startswith("('honest'")).split(", ")[8] == "0"
    assert books.contents(copy).count("'Seen.'") == 4 * len(summary.rows)
    course.hand_in("blank", books.marked(course.notebook("honest", gradient="gradient = None"), "mine"))
    summary = again(copy)
    assert summary.graded_now == 1
    assert {row.student: row.score for row in summary.rows}["blank"] == MAX_POINTS - 2.0


def test_a_new_time_alone_is_recorded_without_grading(copy, engine_is_idle):
    (copy / "submitted" / "honest" / UNIT / "timestamp.txt").write_text("2026-02-04 00:00:00 +0100")
    again(copy)
    assert "('honest', '2026-02-03 23:00:00.000000'" in books.contents(copy)
    assert (
        copy / "autograded" / "honest" / UNIT / "timestamp.txt"
    ).read_text() == "2026-02-04 00:00:00 +0100"


def test_a_crash_between_journal_and_gradebook_heals(copy, engine_is_idle, monkeypatch):
    book, papers = books.contents(copy), books.notebooks(copy)
    (copy / "gradebook.db").unlink()
    shutil.rmtree(copy / "autograded")
    real, count = gradebook.Gradebook.record, 0

    def dies(self, entry):
        nonlocal count
        count += 1
        if count == 7:
            raise RuntimeError("power cut")
        return real(self, entry)

    monkeypatch.setattr(gradebook.Gradebook, "record", dies)
    with pytest.raises(RuntimeError):
        again(copy)
    again(copy)
    assert books.contents(copy) == book
    assert books.notebooks(copy) == papers


def test_our_failure_is_no_zero_and_is_graded_again(copy, monkeypatch):
    course = make_course(copy)
    course.hand_in("unlucky", books.marked(course.notebook("honest"), "unlucky"))
    with monkeypatch.context() as patch:
        patch.setattr(grade, "grade", lambda *_, **__: 1 / 0)
        rows = {row.student: row for row in again(copy).rows}
    assert rows["unlucky"].status is Status.GRADER_FAILED
    assert rows["unlucky"].score is None
    assert books.scores(copy)["unlucky"] is None
    assert "The grader failed, not the student" in books.contents(copy)
    summary = again(copy)
    assert summary.graded_now == 1
    assert books.scores(copy)["unlucky"] == MAX_POINTS
    assert "The grader failed" not in books.contents(copy)


def test_only_the_students_asked_for(copy):
    course = make_course(copy)
    for student in ("honest", "wrong"):
        course.hand_in(student, books.marked(course.notebook("blank"), student))
    summary = again(copy, students=["wrong"])
    assert [(row.student, row.score) for row in summary.rows] == [("wrong", 0.0)]
    assert books.scores(copy)["honest"] == MAX_POINTS


@pytest.mark.parametrize(
    ("unit", "options", "message"),
    [
        ("nosuch", {}, "no unit 'nosuch'"),
        ("../toy", {}, "no unit's name"),
        ("", {}, "no unit's name"),
        (UNIT, {"students": ["nobody", "ann"]}, "no submission of 'toy' by nobody"),
        (UNIT, {"db_url": "sqlite:////nowhere/x.db"}, "unable to open database file"),
    ],
)
def test_what_cannot_be_graded_is_one_line(copy, unit, options, message):
    with pytest.raises(CourseError, match=message) as failure:
        grade_class(copy, unit, Options(progress=False, **options))
    assert "\n" not in str(failure.value)


def test_no_submissions_is_one_line(tmp_path):
    make_course(tmp_path)
    with pytest.raises(CourseError, match="no submissions of 'toy'"):
        again(tmp_path)


def test_a_broken_configuration_is_one_line(copy):
    (copy / "nbgrader_config.py").write_text("c = get_config()\n1 / 0\n")
    with pytest.raises(CourseError, match=r"nbgrader_config\.py cannot be read: ZeroDivisionError"):
        again(copy)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2015-02-02 22:58:23.948203 UTC", "2015-02-02 22:58:23.948203"),
        ("2015-02-02T22:58:23+02:00", "2015-02-02 20:58:23"),
        ("2015-02-02 22:58:23 Europe/Berlin", "2015-02-02 21:58:23"),
        ("Feb 2 2015 10pm", "2015-02-02 22:00:00"),
        ("", None),
        ("\0\0", None),
        ("9999-12-31 23:59:59 -1200", None),
        ("x" * 5000, None),
        ("now()", None),
    ],
)
def test_timestamps(text, expected):
    found, remarks = parse_timestamp(text.encode())
    assert (str(found) if found else None) == expected
    assert bool(remarks) == (expected is None and text != "")


@pytest.mark.parametrize(
    ("text", "zone", "expected"),
    [
        ("2026-03-01 20:00 CST", "Asia/Shanghai", "2026-03-01 12:00:00"),
        ("2026-03-01 20:00 CST", "America/Chicago", "2026-03-02 02:00:00"),
        ("2026-07-01 20:00:00.5 PDT", "America/Los_Angeles", "2026-07-02 03:00:00.500000"),
        ("2026-07-01 20:00 CEST", "Europe/Berlin", "2026-07-01 18:00:00"),
        ("2026-10-25 02:30 CEST", "Europe/Berlin", "2026-10-25 00:30:00"),
        ("2026-10-25 02:30 CET", "Europe/Berlin", "2026-10-25 01:30:00"),
        ("2026-07-01 20:00 BST", "Europe/London", "2026-07-01 19:00:00"),
        ("2026-03-01 20:00 IST", "Asia/Kolkata", "2026-03-01 14:30:00"),
        ("2026-03-01 20:00 JST", "Asia/Tokyo", "2026-03-01 11:00:00"),
        ("2026-01-01 20:00 AEDT", "Australia/Sydney", "2026-01-01 09:00:00"),
        ("2026-03-01 20:00 +08", "Asia/Singapore", "2026-03-01 12:00:00"),
        ("2026-03-01 20:00 +0530", None, "2026-03-01 14:30:00"),
        ("Sunday, 1 March 2026, 8:00 PM", "Asia/Shanghai", "2026-03-01 20:00:00"),
        ("1 March 2026 8:00 PM CST", "Asia/Shanghai", "2026-03-01 12:00:00"),
        ("2026-03-01 20:00 Asia/Shanghai", None, "2026-03-01 12:00:00"),
        ("2026-03-01 20:00 Japan", None, "2026-03-01 11:00:00"),
        ("2026-03-01 20:00 GMT", "Asia/Shanghai", "2026-03-01 20:00:00"),
        ("2026-03-01 20:00 CST", None, None),
        ("2026-07-01 20:00 CST", "Europe/Berlin", None),
        ("2026-03-01 20:00 PDT", "America/Los_Angeles", None),
        ("2026-03-01 20:00 IST", "UTC", None),
        ("2026-03-01 20:00 XYZT", "Asia/Shanghai", None),
    ],
)
def test_a_zones_abbreviation_is_the_courses_or_unknown(text, zone, expected):
    """In March there is no PDT in Los Angeles: somebody wrote that by hand, and means what?"""
    found, remarks = parse_timestamp(text.encode(), ZoneInfo(zone) if zone else None)
    assert (str(found) if found else None) == expected
    assert bool(remarks) == (expected is None)
    if remarks:
        assert "time zone that is not known" in remarks[0] and "unknown, not as late" in remarks[0]


LATE = """c = get_config()
c.CourseDirectory.source_directory = 'solutions'
c.Exchange.timezone = 'Asia/Shanghai'
c.AssignLatePenalties.plugin_class = 'nbgrader.plugins.LateSubmissionPlugin'
c.LateSubmissionPlugin.penalty_method = 'zero'
"""


def test_the_table_shows_what_is_exported_and_an_unknown_time_costs_nothing(tmp_path, capsys):
    from grader.cli.printing import show_class

    course = make_course(tmp_path)
    (tmp_path / "nbgrader_config.py").write_text(LATE)
    for student, time_ in (("cst", "20:00 CST"), ("odd", "23:00 PDT"), ("late", "23:58 UTC")):
        course.hand_in(student, books.marked(course.notebook("honest"), student))
        (tmp_path / "submitted" / student / UNIT / "timestamp.txt").write_text(f"2026-03-01 {time_}")
    again(tmp_path)
    books.execute(tmp_path, "UPDATE assignment SET duedate = '2026-03-01 15:59:00.000000'")
    books.execute(
        tmp_path, "UPDATE grade SET manual_score = 2, needs_manual_grade = 0 WHERE auto_score IS NULL"
    )
    summary = again(tmp_path)
    rows = {row.student: row for row in summary.rows}
    assert {student: (row.total, row.max_total) for student, row in rows.items()} == {
        "cst": (9.0, 10.0),
        "odd": (9.0, 10.0),
        "late": (0.0, 10.0),
    }
    assert "the time zone" not in "".join(rows["cst"].incidents)
    assert any("time zone that is not known, 'PDT'" in remark for remark in rows["odd"].incidents)
    books.execute(
        tmp_path, "UPDATE submitted_assignment SET timestamp = '2026-03-05' WHERE student_id = 'odd'"
    )
    assert {row.student: row.penalty for row in again(tmp_path).rows}["odd"] == 0.0, "an earlier guess at it"
    show_class(summary)
    shown = capsys.readouterr().out
    assert "0/10" in shown and "late: 9 points off, because late" in shown and "7/7" not in shown
    assert read_course(tmp_path).local(datetime(2026, 3, 1, 15, 59)) == "2026-03-01 23:59 CST (Asia/Shanghai)"


def test_interrupt_stops_cleanly_and_the_same_call_goes_on(tmp_path):
    """SIGINT in the middle: quickly gone, 130, one line, nothing left running; the second run does the rest."""
    course = make_course(tmp_path)
    sleep = "import time\ntime.sleep(1.0)\ndef scale_rows(x, factors): return x"
    for number in range(8):
        course.hand_in(f"s{number}", books.marked(course.notebook("honest", scale_rows=sleep), str(number)))
    command = [
        sys.executable,
        "-c",
        "import sys; from grader.cli.app import main; sys.argv = ['grader', 'grade', 'toy', '--workers', '2']; main()",
    ]
    process = subprocess.Popen(
        command,
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    for _ in range(600):
        if books.count_results(tmp_path) >= 2:
            break
        time.sleep(0.1)
    os.killpg(process.pid, signal.SIGINT)
    began = time.monotonic()
    _, errors = process.communicate(timeout=60)
    assert time.monotonic() - began < 30
    assert process.returncode == 130
    assert "Traceback" not in errors
    assert re.search(r"stopped: [1-7] of 8 .* the same command goes on", errors.splitlines()[-1])
    done = books.count_results(tmp_path)
    assert 2 <= done < 8
    summary = again(tmp_path)
    assert summary.graded_now == 8 - done
    assert {row.score for row in summary.rows} == {MAX_POINTS - 2.0}


def test_results_are_plain_json_in_the_journal(graded):
    texts = [text for (text,) in books.state(graded[0], "SELECT result FROM results")]
    assert {Result.from_json(text).key for text in texts} == {row.key for row in graded[1].rows}
