"""Exports: nbgrader's scores in the forms that platforms read; nothing that is not final, nothing that a spreadsheet runs."""

import csv
import io
import shutil
import sqlite3
import subprocess
import sys
import time
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.errors import CourseError
from grader.lms import export
from grader.lms.export import export_grades
from grader.lms.grade_files import Verbatim, number, quote, to_csv
from grader.lms.roster import read_roster
from grader.record.gradebook import Gradebook
from grader.record.grades import State, gather
from grader.source.course import read_course
from tests.support import books
from tests.support.stock import nbgrader
from tests.support.toycourse import MAX_POINTS, UNIT, make_course

DUE = datetime(2026, 3, 1, 12)
FULL = MAX_POINTS + 3.0
CONFIG = "c = get_config()\nc.CourseDirectory.source_directory = 'solutions'\n"
EVIL = ["\tx", "\rx", "\nx", "=1+1", "=cmd|'/c calc'!A0", "+49", "-1", "@SUM(A1)", "\t=1", "\r=1", "  =1", "\u200b=1", "\ufeff@x", "＝1", "－1", "﹢1", "−1"]  # fmt: skip


def stock(folder):
    """The gradebook, as nbgrader opens it."""
    from nbgrader.api import Gradebook as Stock

    return Stock(read_course(folder).db_url, "")


def submit(book, student, auto=1.0, written=2.0, *, late=None, needs=False, unit=UNIT, **names):
    """A student's submission in nbgrader's gradebook: `auto` points for each test, `written` by hand."""
    if student not in {row.id for row in book.students}:
        book.add_student(student, **names)
    book.add_submission(unit, student, timestamp=DUE + (late or timedelta(hours=-1)))
    for grade in book.find_submission_notebook(unit, unit, student).grades:
        if grade.cell.name == "written_why":
            grade.manual_score, grade.needs_manual_grade = written, written is None
        else:
            grade.auto_score, grade.needs_manual_grade = auto, auto is None or needs
    book.db.commit()


@pytest.fixture(scope="module")
def released(tmp_path_factory):
    """A course whose unit is in the gradebook, without students (nbgrader takes seconds for that)."""
    root = tmp_path_factory.mktemp("released")
    make_course(root)
    (root / "nbgrader_config.py").write_text(CONFIG)
    course = read_course(root)
    Gradebook(course, course.assignment(UNIT)).close()
    with stock(root) as book:
        book.find_assignment(UNIT).duedate = DUE
        book.db.commit()
    return root


@pytest.fixture(scope="module")
def with_class(released, tmp_path_factory):
    """A copy of it with a class: two graded, one of them late; one waits, one could not be graded, one handed nothing in."""
    folder = tmp_path_factory.mktemp("with_class") / "course"
    shutil.copytree(released, folder)
    with stock(folder) as book:
        submit(book, "ann", first_name="Ann", last_name="Doe", email="ann@uni.edu", lms_user_id="101")
        submit(book, "bob", 0.5, 3.0, late=timedelta(hours=26), first_name="Bøb", last_name='O"Neil, Jr.')
        notebook = book.find_submission_notebook(UNIT, UNIT, "bob")
        notebook.late_submission_penalty = 1.25
        notebook.grades[0].extra_credit = 0.5
        submit(book, "cat", written=None)
        submit(book, "dan", None, None)
        book.add_student("eve", first_name="Eve")
        book.db.commit()
    return folder


@pytest.fixture
def course(with_class, tmp_path):
    return Path(shutil.copytree(with_class, tmp_path / "course"))


def default_file(course, to):
    return course / (f"grades_{UNIT}.csv" if to == "csv" else f"grades_{UNIT}_{to}.csv")


def read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def roster_file(folder: Path, text: str, name: str = "roster.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


SCORES = {"ann": 7.0, "bob": 2.5 + 3.0 + 0.5 - 1.25}


def test_gather_agrees_with_nbgraders_own_arithmetic(course):
    with stock(course) as book:
        grades = gather(book.db.connection())
        (unit,) = grades.units
        assert (unit.name, unit.max_score, unit.duedate) == (UNIT, FULL, DUE)
        for student in ("ann", "bob"):
            mark, theirs = grades.of(student, unit), book.find_submission(UNIT, student)
            assert mark.state is State.GRADED
            assert (mark.raw, mark.penalty) == (theirs.score, theirs.late_submission_penalty)
            assert mark.score == max(0.0, theirs.score - theirs.late_submission_penalty) == SCORES[student]
            assert mark.late.total_seconds() == theirs.total_seconds_late
        assert grades.of("cat", unit).state is State.WAITS
        assert grades.of("cat", unit).auto == 5.0
        assert grades.of("dan", unit).state is State.UNGRADED
        assert grades.of("eve", unit).state is State.ABSENT
        assert all(grades.of(student, unit).score is None for student in ("cat", "dan", "eve", None))


def test_a_score_that_a_person_must_look_at_again_is_not_exported(course):
    books.execute(course, "UPDATE grade SET needs_manual_grade = 1 WHERE manual_score = 2.0")
    with stock(course) as book:
        grades = gather(book.db.connection())
        assert grades.of("ann", grades.units[0]).state is State.WAITS


def test_a_penalty_never_makes_a_score_negative(course):
    books.execute(course, "UPDATE submitted_notebook SET late_submission_penalty = 100")
    with stock(course) as book:
        grades = gather(book.db.connection())
        assert grades.of("ann", grades.units[0]).score == 0.0


@pytest.mark.parametrize("to", list(export.EXPORTERS))
def test_only_final_scores_and_the_same_bytes_twice(course, to):
    said = export_grades(course, [UNIT], to=to).line
    path = default_file(course, to)
    assert said == (
        f"{path}: 2 scores; left empty: 1 waiting for manual grading, 1 that could not be graded, 1 without a submission"
    )
    first = path.read_bytes()
    export_grades(course, [UNIT], to=to)
    assert path.read_bytes() == first
    assert not first.startswith(b"\xef\xbb\xbf")
    export_grades(course, to=to, out=course / "all.csv", bom=True)
    assert (course / "all.csv").read_bytes().startswith(b"\xef\xbb\xbf")
    assert sorted(item.name for item in course.glob(".*")) == [], "nothing half-written is left"


def test_canvas_without_a_roster(course):
    export_grades(course, [UNIT], to="canvas")
    points, *rows = read(course / f"grades_{UNIT}_canvas.csv")
    assert list(points) == ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", UNIT]
    assert points["Student"] == "    Points Possible"
    assert float(points[UNIT]) == FULL
    assert [row["SIS Login ID"] for row in rows] == ["ann", "bob", "cat", "dan", "eve"]
    assert [row[UNIT] for row in rows] == ["7", "4.75", "", "", ""]
    assert rows[0]["Student"] == "Doe, Ann" and rows[0]["ID"] == "101"
    assert rows[1]["Student"] == 'O"Neil, Jr., Bøb'


CANVAS = """Student,ID,SIS User ID,SIS Login ID,Section,"Toy (77)",Another (78),Toy Final Score
,,,,,Manual Posting,,
    Points Possible,,,,,20.00,5,(read only)
"Zed, Zoe",900,S900,zoe,"A, and B",,3,
"Doe, Ann",101,S1,ann.doe,A,1.00,3,
"Neil, B",102,S2,BOB,A,,3,
"Test, Student",999,,,A,,,
"""


def test_canvas_with_a_roster_keeps_its_rows_its_ids_and_its_assignment(course):
    said = export_grades(course, [UNIT], to="canvas", roster=roster_file(course, CANVAS)).line
    points, *rows = read(course / f"grades_{UNIT}_canvas.csv")
    assert list(points) == ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", "Toy (77)"]
    assert points["Toy (77)"] == "20.00", "what Canvas says the assignment is worth is not changed"
    assert [(row["ID"], row["SIS Login ID"], row["Toy (77)"]) for row in rows] == [
        ("900", "zoe", ""),
        ("101", "ann.doe", "7"),  # by nbgrader's lms_user_id
        ("102", "BOB", "4.75"),  # by login, whatever its case
        ("999", "", ""),
    ]
    assert "no row in roster.csv for cat, dan, eve" in said
    assert f"Toy (77) has 20.00 points in Canvas, {FULL:g} here" in said


KEPT = """Student;ID;SIS User ID;SIS Login ID;Section;Toy (77)
;;;;;Manual Posting
    Points Possible;;;;;{points}
Doe, Ann;101;S1;ann;A;1,00
Neil, B;102;S2;bob;A;
Cat;103;S3;cat;A;EX
Dan;104;S4;dan;A;6,00
Zed;105;S5;zed;A;=1+1
"""


@pytest.mark.parametrize("points", ["20,00", f"{FULL:g},00", f"{FULL:g}"])
def test_canvas_keeps_what_it_has_where_there_is_no_score(course, points):
    """An excuse, or a score of a person's: an empty cell would take it away. In a list with commas for decimals."""
    path = roster_file(course, KEPT.format(points=points))
    said = export_grades(course, [UNIT], to="canvas", roster=path).line
    worth, *rows = read(course / f"grades_{UNIT}_canvas.csv")
    assert worth["Toy (77)"] == points, "as the platform has it"
    assert [row["Toy (77)"] for row in rows] == ["7", "4.75", "EX", "6,00", "'=1+1"]
    assert "3 without a score here keep what roster.csv has" in said
    assert (f"Toy (77) has {points} points in Canvas, {FULL:g} here" in said) == (points == "20,00")


def test_moodle_and_gradescope_keep_what_they_have(course):
    text = "First name,Surname,Email address,Assignment: Toy (Real)\nAnn,Doe,ann@uni.edu,1.00\nCat,X,cat,5.50\nZed,Z,zed,-\n"
    said = export_grades(course, [UNIT], to="moodle", roster=roster_file(course, text)).line
    rows = read(course / f"grades_{UNIT}_moodle.csv")
    assert [row["Assignment: Toy (Real)"] for row in rows] == ["7", "5.50", "-"]
    assert "1 without a score here keep" in said
    text = "First Name,Last Name,SID,Email,Sections,Total Score\nAnn,Doe,ann,a@x.org,A,1.0\nCat,X,cat,c@x.org,A,5.5\n"
    said = export_grades(course, [UNIT], to="gradescope", roster=roster_file(course, text)).line
    assert [row["Total Score"] for row in read(course / f"grades_{UNIT}_gradescope.csv")] == ["7", "5.5"]
    assert "1 without a score here keep" in said


GERMAN = """ID,Vollständiger Name,E-Mail-Adresse,Status,Bewertung,Bestwertung,Zuletzt geändert (Abgabe),Feedback als Kommentar
Teilnehmer/in31,Ann Doe,ann@uni.edu,Zur Bewertung abgegeben,,"10,00","Sonntag, 1. März 2026, 18:14",- gut
Teilnehmer/in32,Cat Ray,cat@uni.edu,Zur Bewertung abgegeben,"9,50","10,00",-,
"""


def test_a_worksheet_in_another_language_is_filled_in(course):
    said = export_grades(course, [UNIT], to="moodle", roster=roster_file(course, GERMAN)).line
    rows = read(course / f"grades_{UNIT}_moodle.csv")
    assert list(rows[0]) == GERMAN.splitlines()[0].split(",")[:-1], "feedback would need a quote"
    assert [row["Bewertung"] for row in rows] == ["7", "9,50"]
    assert rows[0]["ID"] == "Teilnehmer/in31" and rows[0]["Bestwertung"] == "10,00"
    assert (f"{UNIT} has at most 10,00 points in Moodle" in said) == (FULL != 10)
    no_grades = "\n".join(",".join(line.split(",")[:4]) for line in GERMAN.splitlines())
    with pytest.raises(CourseError, match="download the worksheet in English"):
        export_grades(course, [UNIT], to="moodle", roster=roster_file(course, no_grades))


def test_canvas_is_told_of_a_new_assignment(course):
    text = "Student,ID,SIS Login ID,Section\n,,,\nDoe,101,ann,A\n"
    said = export_grades(course, [UNIT], to="canvas", roster=roster_file(course, text)).line
    assert "Canvas has no column for toy: importing makes a new assignment" in said
    assert read(course / f"grades_{UNIT}_canvas.csv")[1][UNIT] == "7"


def test_canvas_names_and_our_own_ids_from_a_zip(course):
    with stock(course) as book:
        submit(book, "doejane_555", 0.0, 0.0)
    text = 'Student,ID,SIS Login ID,Section\n"D\'oe, Jane",555,jd,A\n'
    export_grades(course, [UNIT], to="canvas", roster=roster_file(course, text))
    assert read(course / f"grades_{UNIT}_canvas.csv")[1][UNIT] == "0", "zero points are a score"


def test_two_rows_or_two_students_of_one_id_are_left_empty_and_named(course):
    text = (
        "Student,ID,SIS Login ID,Section\nA,1,ann,A\nB,2,ann,A\nC,101,x,A\nD,bob,bob,A\nE,102,BOB@uni.edu,A\n"
    )
    with stock(course) as book:
        book.find_student("cat").email = "bob"
        book.db.commit()
    said = export_grades(course, [UNIT], to="canvas", roster=roster_file(course, text)).line
    assert "two rows or two students share an id: ann, bob, cat" in said
    assert all(row[UNIT] == "" for row in read(course / f"grades_{UNIT}_canvas.csv")[1:])


def test_moodle_writes_a_hyphen_where_an_empty_cell_would_become_zero(course):
    export_grades(course, [UNIT], to="moodle")
    rows = read(course / f"grades_{UNIT}_moodle.csv")
    assert list(rows[0]) == ["First name", "Last name", "ID number", "Email address", UNIT]
    assert [row[UNIT] for row in rows] == ["7", "4.75", "-", "-", "-"]


def test_moodle_with_a_roster(course):
    text = "\ufeffFirst name;Surname;ID number;Email address;Department\nZoë;Z;;zoe@uni.edu;x\nAnn;Doe;4711;Ann@Uni.edu;y\n"
    said = export_grades(course, [UNIT], to="moodle", roster=roster_file(course, text)).line
    assert read(course / f"grades_{UNIT}_moodle.csv") == [
        {"First name": "Zoë", "Surname": "Z", "ID number": "", "Email address": "zoe@uni.edu", UNIT: "-"},
        {
            "First name": "Ann",
            "Surname": "Doe",
            "ID number": "4711",
            "Email address": "Ann@Uni.edu",
            UNIT: "7",
        },
    ]
    assert "no row in roster.csv for bob, cat, dan, eve" in said


WORKSHEET = """Identifier,Full name,Email address,Status,Grade,Maximum grade,Last modified (grade),Feedback comments
Participant 31,Ann Doe,ann@uni.edu,Submitted,,20.00,-,- well done
Participant 32,Bøb Neil,bob@uni.edu,Submitted,9.00,20.00,"Friday, 6 March 2026, 9:00 AM",
Participant 33,Zoe,zoe@uni.edu,No submission,4.00,20.00,-,
"""


def test_moodles_grading_worksheet_is_filled_in(course):
    with stock(course) as book:
        submit(book, "Bøb-Neil_32", 0.5, 0.5)
    said = export_grades(course, [UNIT], to="moodle", roster=roster_file(course, WORKSHEET)).line
    rows = read(course / f"grades_{UNIT}_moodle.csv")
    assert list(rows[0]) == WORKSHEET.splitlines()[0].split(",")[:-1], (
        "an instructor's feedback stays in Moodle"
    )
    assert [row["Grade"] for row in rows] == ["7", "3", "4.00"], "Zoe has no score here, and keeps Moodle's"
    assert "1 without a score here keep what roster.csv has" in said
    assert rows[0]["Last modified (grade)"] == "-"
    assert rows[1]["Identifier"] == "Participant 32"
    assert f"{UNIT} has at most 20.00 points in Moodle, {FULL:g} here" in said


def test_gradescope_of_one_unit_and_of_a_course(course):
    text = "First Name,Last Name,SID,Email,Role,Section\nAnn,Doe,7,ann@uni.edu,Student,L1\nZ,Z,8,z@uni.edu,Student,L2\n"
    export_grades(course, [UNIT], to="gradescope", roster=roster_file(course, text))
    ann, zoe = read(course / f"grades_{UNIT}_gradescope.csv")
    assert (ann["SID"], ann["Sections"], ann["Total Score"], ann["Status"]) == ("7", "L1", "7", "Graded")
    assert float(ann["Max Points"]) == FULL
    assert (zoe["Total Score"], zoe["Status"], zoe["Submission Time"]) == ("", "Missing", "")
    export_grades(course, [UNIT], to="gradescope")
    bob = read(course / f"grades_{UNIT}_gradescope.csv")[1]
    assert bob["Lateness (H:M:S)"] == "26:00:00" and bob["Submission Time"] == "2026-03-02 14:00:00 +0000"
    with stock(course) as book:
        book.add_assignment("second")
        book.db.commit()
    export_grades(course, to="gradescope")
    head = list(read(course / "grades_gradescope.csv")[0])
    assert head[5:7] == ["second", "second - Max Points"] and head[9] == UNIT


def test_csv_has_nbgraders_columns_and_more(course):
    export_grades(course, [UNIT], to="csv")
    ours = read(course / f"grades_{UNIT}.csv")
    done = nbgrader(course, "export", "--to", "stock.csv")
    assert done.returncode == 0, done.stderr
    header = (course / "stock.csv").read_text().splitlines()[0].split(",")
    assert list(ours[0]) == [*header, "auto_score", "status"]
    assert [row["status"] for row in ours] == [State.GRADED, State.GRADED, State.WAITS, State.UNGRADED, State.ABSENT]  # fmt: skip
    assert [row["auto_score"] for row in ours] == ["5", "2.5", "5", "", ""]
    assert [row["score"] for row in ours] == ["7", "4.75", "", "", ""]
    assert (ours[1]["raw_score"], ours[1]["late_submission_penalty"]) == ("6", "1.25")


def nbgrader_export(course, *arguments):
    return nbgrader(course, "export", *arguments, JUPYTER_NO_CONFIG="1")


def test_as_nbgraders_plug_in(course):
    roster_file(course, CANVAS)
    done = nbgrader_export(
        course,
        *("--exporter", "grader.lms.export.CanvasExport", "--to", "out.csv"),
        *("--CanvasExport.roster", "roster.csv", "--student", "['ann', 'eve']"),
    )
    assert done.returncode == 0, done.stderr
    assert "1 scores" in done.stderr
    assert [row["Toy (77)"] for row in read(course / "out.csv")] == ["20.00", "", "7", "", ""]
    done = nbgrader_export(
        course, "--exporter", "grader.lms.export.MoodleExport", "--assignment", "['nothing']"
    )
    assert done.returncode == 1
    assert "knows no unit 'nothing'" in done.stderr and "Traceback" not in done.stderr


# --------------------------------------------------------------------------------------------- formulas


@pytest.mark.parametrize("text", EVIL)
def test_formulas_are_quoted(text):
    assert quote(text) == "'" + text
    assert quote(quote(text)) == quote(text)


@pytest.mark.parametrize(
    "text", ["", "ann", "Zoë", "a=1", "1-2", "日本", "'quoted", " ", "ann@uni.edu", "D-503"]
)
def test_other_text_is_not(text):
    assert quote(text) == text


@given(st.text())
def test_no_text_begins_like_a_formula(text):
    seen = quote(text).lstrip("\u200b\ufeff \u00a0\u3000")
    assert seen[:1] not in {*"=+-@\t\r\n＝＋－＠"}
    assert quote(text).removeprefix("'") == text.removeprefix("'")
    assert quote(quote(text)) == quote(text)


@given(st.lists(st.lists(st.text(), min_size=2, max_size=2), min_size=1))
def test_any_text_comes_back_from_the_csv(table):
    back = list(csv.reader(io.StringIO(to_csv(table).decode(), newline="")))
    wanted = [
        [quote(cell.replace("\0", "\ufffd").encode("utf-8", "backslashreplace").decode()) for cell in row]
        for row in table
    ]
    assert back == wanted


@given(st.floats(-1e6, 1e6))
def test_numbers_are_never_quoted_and_come_back(value):
    text = to_csv([[value, Verbatim("-")]]).decode().split(",")[0]
    assert text == number(value)
    assert float(text) == pytest.approx(value, abs=1e-6)
    assert "e" not in text and text != "-0"


def test_hostile_names_and_ids_in_every_form(course):
    with stock(course) as book:
        for count, text in enumerate(EVIL):
            submit(book, f"{text}{count}", first_name=text, last_name='x",\n"=y', email=text)
    for to in export.EXPORTERS:
        said = export_grades(course, [UNIT], to=to).line
        assert "cells that look like formulas begin with an apostrophe" in said
        with (default_file(course, to)).open(newline="") as file:
            cells = [cell for row in csv.reader(file) for cell in row]
        numbers = [cell for cell in cells if cell == "-"]
        assert bool(numbers) == (to == "moodle")
        assert all(quote(cell) == cell for cell in cells if cell != "-"), to


# ------------------------------------------------------------------------------------------ bad input


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no class list"),
        ("a,b\n1,2\n", "no class list"),
        ("Student,ID\nAnn,1\n", "not Canvas's export: the column Section is missing"),
        ("Student,ID,Section\n" + "x" * 200_000, "no CSV file"),
        (b"Student,ID,Section\n\xff\xfe\x00", "not in UTF-8"),
    ],
)
def test_a_bad_roster_is_one_line(course, text, message):
    path = course / "roster.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(CourseError, match=message) as error:
        export_grades(course, [UNIT], to="canvas", roster=path)
    assert "\n" not in str(error.value)
    assert not list(course.glob("grades_*"))


def test_a_roster_in_utf16_as_excel_saves_unicode_text(tmp_path):
    path = tmp_path / "roster.txt"
    path.write_bytes("First name\tEmail address\nZoë\tzoe@uni.edu\n".encode("utf-16"))
    assert read_roster(path).find("ZOE@uni.edu") == (0,)


def test_inputs_are_never_written_over(course):
    path = roster_file(course, CANVAS)
    link = course / "link.csv"
    link.hardlink_to(path)
    kept = course / "notes.txt"
    kept.write_text("years of work")
    for out, message in (
        (path, "is read"),
        (link, "is read"),
        (kept, "no .csv file"),
        (course, "no .csv file"),
        (course / "gradebook.db", "is read"),
    ):
        with pytest.raises(CourseError, match=message):
            export_grades(course, [UNIT], to="canvas", roster=path, out=out)
    assert path.read_text() == CANVAS and kept.read_text() == "years of work"


def test_a_full_disk_leaves_the_earlier_export(course, monkeypatch):
    export_grades(course, [UNIT], to="csv")
    path = course / f"grades_{UNIT}.csv"
    before = path.read_bytes() + b"\n"
    path.write_bytes(before)

    def full(self, data):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(CourseError, match="No space left on device"):
        export_grades(course, [UNIT], to="csv")
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"to": "blackboard"}, "no export to 'blackboard'; there are canvas, moodle, gradescope, csv"),
        ({"to": "csv", "units": ["99_nothing"]}, "the gradebook knows no unit '99_nothing'; there: toy"),
        ({"to": "canvas", "roster": Path("/nonexistent.csv")}, "/nonexistent.csv: No such file"),
        ({"to": "csv", "roster": Path("r.csv")}, "No such file"),
    ],
)
def test_bad_input_is_one_line(course, arguments, message):
    with pytest.raises(CourseError, match=message) as error:
        export_grades(course, arguments.pop("units", [UNIT]), **arguments)
    assert "\n" not in str(error.value)


def test_no_gradebook_and_one_of_an_older_nbgrader(course):
    with sqlite3.connect(course / "gradebook.db") as db:
        db.execute("ALTER TABLE student DROP COLUMN lms_user_id")
    with pytest.raises(
        CourseError, match="from an older nbgrader: back it up, then run `nbgrader db upgrade`"
    ):
        export_grades(course, [UNIT], to="csv")
    (course / "gradebook.db").unlink()
    with pytest.raises(CourseError, match="no gradebook there; run `grader grade` first"):
        export_grades(course, [UNIT], to="csv")
    assert not (course / "gradebook.db").exists()


def test_submissions_that_were_not_graded_yet_are_said(course):
    (course / "submitted" / "new" / UNIT).mkdir(parents=True)
    assert "1 in submitted/ are not in the gradebook yet" in export_grades(course, [UNIT], to="csv").line


def test_the_command(course):
    command = [str(Path(sys.executable).with_name("grader")), "export"]
    done = subprocess.run([*command, UNIT, "--to", "canvas", "--out", "c.csv"], cwd=course, capture_output=True, text=True)  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stderr.startswith("grader: c.csv: 2 scores; left empty:") and done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    done = subprocess.run([*command, "--to", "x"], cwd=course, capture_output=True, text=True)
    assert done.returncode == 2 and len(done.stderr.splitlines()) == 1


_OTHERS = "WITH RECURSIVE other(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM other WHERE n < 999) SELECT"
ALIKE = [
    f"INSERT INTO student (id) {_OTHERS} printf('s%04d', n) FROM other",
    f"""INSERT INTO submitted_assignment (id, assignment_id, student_id, timestamp)
        {_OTHERS} 'a' || n, assignment_id, printf('s%04d', n), timestamp FROM submitted_assignment, other""",
    f"""INSERT INTO submitted_notebook (id, assignment_id, notebook_id, flagged)
        {_OTHERS} n || id, 'a' || n, notebook_id, flagged FROM submitted_notebook, other""",
    f"""INSERT INTO grade (id, cell_id, notebook_id, auto_score, needs_manual_grade)
        {_OTHERS} n || id, cell_id, n || notebook_id, auto_score, needs_manual_grade FROM grade, other""",
    f"""INSERT INTO comment (id, cell_id, notebook_id)
        {_OTHERS} n || id, cell_id, n || notebook_id FROM comment, other""",
]
"""Make of one student's submission a thousand."""


@pytest.mark.slow
def test_a_thousand_students_are_counted_once_each(released, tmp_path):
    """The time is printed, not compared (see tests/benchmarks): `pytest -s` shows it."""
    folder = tmp_path / "course"
    shutil.copytree(released, folder)
    with stock(folder) as book:
        book.add_student("s0000")
        book.add_submission(UNIT, "s0000", timestamp=DUE)
        book.db.commit()
    books.execute(folder, "UPDATE grade SET auto_score = 1, needs_manual_grade = 0")
    for statement in ALIKE:  # by nbgrader itself it would take half a minute
        books.execute(folder, statement)
    text = "Student,ID,SIS Login ID,Section\n" + "".join(f"N{n},{n},s{n:04d},A\n" for n in range(1000))
    path = roster_file(folder, text)
    for to in ("canvas", "csv"):
        start = time.monotonic()
        said = export_grades(folder, [UNIT], to=to, roster=path if to == "canvas" else None).line
        print(f"{to}: {time.monotonic() - start:.2f} s")
        assert said.split(": ", 1)[1].startswith("1000 scores")
