"""Feedback pages in the platforms' own forms: what their importers, played here, find in the zip."""

import re
import zipfile
from pathlib import Path

import pytest

from grader.errors import CourseError
from grader.lms.collect import collect
from grader.lms.hand_back import hand_back
from tests.lms.test_collect import NOTEBOOK, grader, roster, zipped
from tests.support import toycourse
from tests.support.toycourse import UNIT

WORKSHEET = """Identifier,Full name,Email address,Status,Grade,Maximum grade
Participant 11,Ann Smith,ann@x.org,Submitted,,10.00
Participant 12,Bob Ray,bob@x.org,Submitted,,10.00
"""


def pages(course, *students):
    """A page for each student, which holds the student's id."""
    for student in students:
        folder = course.root / "feedback" / student / UNIT
        folder.mkdir(parents=True)
        (folder / f"{UNIT}.html").write_text(student)


def entries(course, to):
    with zipfile.ZipFile(course.root / f"feedback_{UNIT}_{to}.zip") as file:
        return {name: file.read(name).decode() for name in file.namelist()}


def in_moodle(files):
    """Participant's number -> file's name and content, by mod/assign/feedback/file/importziplib.php."""
    found = {}
    for path, content in files.items():
        for at, part in enumerate(parts := path.split("/")):
            info = part.split("_", 4)
            if len(info) >= 4 and info[1].isdigit() and info[2:4] == ["assignsubmission", "file"]:
                found[int(info[1])] = "/".join(filter(None, [*info[4:], *parts[at + 1 :]])), content
                break
    return found


def in_canvas(files):
    """(user, upload) -> content, by AbstractAssignment#infer_comment_context_from_filename."""
    found = {}
    for path, content in files.items():
        name = Path(path).name
        user, upload = [part for part in name.split("_") if re.fullmatch(r"\d+", part)][:2]
        assert name.endswith(".html") and not name.split("_")[-1].startswith("link")
        found[user, upload] = content
    return found


@pytest.mark.parametrize("flat", [True, False])
def test_moodle_by_the_download(course, tmp_path, flat):
    between = "_" if flat else "/"
    files = {
        f"{name}_assignsubmission_file{between}{NOTEBOOK}": "x" for name in ("Ann Smith_11", "Zoë ONeil_12")
    }
    collect(course, UNIT, zipped(tmp_path, files))
    pages(course, "Ann-Smith_11", "Zoë-ONeil_12")
    said = hand_back(course, UNIT, "moodle")
    assert said == f"{course.root / f'feedback_{UNIT}_moodle.zip'}: pages of 2 students"
    assert in_moodle(entries(course, "moodle")) == {
        11: (f"{UNIT}.html", "Ann-Smith_11"),
        12: (f"{UNIT}.html", "Zoë-ONeil_12"),
    }
    before = (course.root / f"feedback_{UNIT}_moodle.zip").read_bytes()
    hand_back(course, UNIT, "moodle")
    assert (course.root / f"feedback_{UNIT}_moodle.zip").read_bytes() == before


def test_moodle_by_the_worksheet_and_for_a_team(course, tmp_path):
    """A team's number in the download may be another student's in the assignment: it is never used."""
    (course.root / "teams.csv").write_text("team,student\nGroup 3,ann@x.org\nGroup 3,bob@x.org\n")
    table = roster(tmp_path, WORKSHEET)
    collect(course, UNIT, zipped(tmp_path, {f"Group 3_417_assignsubmission_file/{NOTEBOOK}": "x"}), table)
    (course.root / "submitted" / "eve" / UNIT).mkdir(parents=True)
    pages(course, "ann@x.org", "bob@x.org", "eve")
    with pytest.raises(CourseError, match="no page has a name in Moodle"):
        hand_back(course, UNIT, "moodle")
    said = hand_back(course, UNIT, "moodle", table)
    assert "pages of 2 students; 1 left out, whose name in Moodle is not known: eve" in said
    assert in_moodle(entries(course, "moodle")) == {
        11: (f"{UNIT}.html", "ann@x.org"),
        12: (f"{UNIT}.html", "bob@x.org"),
    }


def test_canvas_by_the_download(course, tmp_path):
    files = {
        f"smithann_11_900_{NOTEBOOK}": "first",
        f"smithann_11_905_{UNIT}-1.ipynb": "again",
        "smithann_11_904_05_my_plot.png": "png",
        f"raybob_LATE_12_901_{NOTEBOOK}": "bob",
        f"mal_7_888_902_{NOTEBOOK}": "mal",
        "catmia_13_903_My_own_name.ipynb": "mia",
    }
    collect(course, UNIT, zipped(tmp_path, {f"submissions/{name}": text for name, text in files.items()}))
    pages(course, "smithann_11", "raybob_12", "mal_7_888", "catmia_13")
    assert "pages of 4 students" in hand_back(course, UNIT, "canvas")
    written = entries(course, "canvas")
    assert f"smithann_11_905_{UNIT}-1.html" in written and f"raybob_LATE_12_901_{UNIT}.html" in written
    assert in_canvas(written) == {
        ("11", "905"): "smithann_11",
        ("12", "901"): "raybob_12",
        ("888", "902"): "mal_7_888",
        ("13", "903"): "catmia_13",
    }
    hand_back(course, UNIT, "canvas", students=["raybob_12"])
    assert list(in_canvas(entries(course, "canvas"))) == [("12", "901")]


def test_the_commands_from_a_download_to_its_feedback(course, tmp_path):
    content = toycourse.Course(course.root).submission("honest")
    path = zipped(tmp_path, {f"smithann_11_900_{NOTEBOOK}": content})
    assert grader(course, "grade", UNIT, "--from", str(path)).returncode == 0
    done = grader(course, "feedback", UNIT, "--to", "canvas")
    assert done.returncode == 0, done.stderr
    assert f"grader: {course.root / f'feedback_{UNIT}_canvas.zip'}: pages of 1 students" in done.stderr
    assert "<html" in in_canvas(entries(course, "canvas"))["11", "900"]
    done = grader(course, "feedback", UNIT, "--roster", str(path))
    assert (done.returncode, len(done.stderr.strip().splitlines())) == (2, 1)


def test_what_cannot_be_given_back_is_one_line(course, tmp_path):
    collect(course, UNIT, zipped(tmp_path, {f"ann/{NOTEBOOK}": "ann"}))
    pages(course, "ann")
    for to, words in (
        ("blackboard", "no feedback to 'blackboard'"),
        ("canvas", "no page has a name in Canvas"),
    ):
        with pytest.raises(CourseError, match=words) as error:
            hand_back(course, UNIT, to)
        assert "\n" not in str(error.value)
    with pytest.raises(CourseError, match="not a grading worksheet"):
        hand_back(course, UNIT, "moodle", roster(tmp_path, "Name,Email\nAnn,ann\n"))
    assert not list(course.root.glob("feedback_*"))
