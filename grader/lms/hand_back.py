"""Feedback pages in one zip, under names by which a platform finds each page's student.

Moodle      an assignment's 'Upload multiple feedback files in a zip' (moodle, mod/assign/feedback/file/importziplib.php): a folder
            `Name_11_assignsubmission_file`, as in its download, where only the number, the student's in this assignment, is looked at.
            It comes from the download that was taken in, or from the grading worksheet.
Canvas      an assignment's 'Re-upload submissions' (canvas-lms, app/models/abstract_assignment.rb, infer_comment_context_from_filename): the
            download's name `doejane_12345_67890_toy.ipynb`, of which the first two numbers are looked at, the user's and the upload's. Canvas
            shows the page as a comment, and calls it as the upload is called.

What a download called each submission is kept in .grader/, in UNIT.downloads.json, when it is taken in.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from grader.engine.submission import notebook_name
from grader.errors import CourseError
from grader.files import write_whole
from grader.lms.archive import safe_part
from grader.lms.downloads import Handed
from grader.lms.roster import Roster
from grader.source.course import Course, chosen
from grader.text import some

PLATFORMS = ("moodle", "canvas")
Names = dict[str, dict[str, str]]
"""By student and notebook, what a download called the file; under "" what the name of any other page begins with."""


def note_names(course: Course, unit: str, form: str, students: Iterable[Handed]) -> None:
    """Keep what a platform's download called the submissions that were taken in."""
    if form.lower() not in PLATFORMS:
        return
    known = _noted(course, unit)
    names = known.setdefault(form.lower(), {})
    for student in students:
        if form == "Moodle" and student.number:
            names[student.id] = {"": f"{student.name}_{student.number}_assignsubmission_file"}
        elif form == "Canvas":
            names[student.id] = _uploads(student)
    write_whole(_file(course, unit), json.dumps(known, ensure_ascii=False, indent=1, sort_keys=True).encode())


def _uploads(student: Handed) -> dict[str, str]:
    """By notebook, the name of its upload without suffix; for any other page the beginning of the last one."""
    names = {}
    for (file, *_), entry in student.files:
        who, number, called = entry.path[0].partition(f"_{student.uploads[entry.path]}_")
        # Canvas takes the first number for the user's, so a name must not hold one
        names[""] = who.replace(student.name, student.name.replace("_", "-"), 1) + number
        if notebook := notebook_name(file):
            names[notebook] = names[""] + notebook_name(called)
    return names


def _file(course: Course, unit: str) -> Path:
    return course.state / f"{unit}.downloads.json"


def _noted(course: Course, unit: str) -> dict[str, Names]:
    try:
        return dict(json.loads(_file(course, unit).read_bytes()))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise CourseError(
            f"{_file(course, unit)}: cannot be read; delete it and take the download in again"
        ) from error


def hand_back(
    course: Course, unit: str, to: str, roster: Roster | None = None, students: Collection[str] | None = None
) -> str:
    """Write the feedback pages of `unit` to feedback_<unit>_<to>.zip in the course's folder; returns what there is to say, in one line.

    Raises CourseError where the platform is unknown, or no page has a name there.
    """
    if to not in PLATFORMS:
        raise CourseError(f"no feedback to '{to}'; there are {' and '.join(PLATFORMS)}")
    if roster is not None and to == "moodle" and "participant" not in roster.columns:
        raise CourseError(f"{roster.path}: not a grading worksheet: it has no participants' numbers")
    noted = _noted(course, unit).get(to, {})
    pages: dict[str, bytes] = {}
    nameless, shared, count = [], [], 0
    for student in chosen(course.students(unit), students, unit):
        folder = course.folder("feedback", student, unit)
        own = {
            notebook.name: folder / f"{notebook.name}.html" for notebook in course.assignment(unit).notebooks
        }
        written = {name: path.read_bytes() for name, path in own.items() if path.is_file()}
        names = (_in_worksheet(roster, student) if roster and to == "moodle" else {}) or noted.get(
            student, {}
        )
        if written and not names:
            nameless.append(student)
        elif written:
            entries = {_entry(to, names, notebook): content for notebook, content in written.items()}
            shared += [student] if entries.keys() & pages.keys() else []
            count += not entries.keys() & pages.keys()
            pages = entries | pages
    if not pages:
        needs = "its grading worksheet as --roster, or its download" if to == "moodle" else "its download"
        raise CourseError(
            f"no page has a name in {to.capitalize()}: give {needs} (`grader grade {unit} --from`) first"
        )
    target = course.root / f"feedback_{unit}_{to}.zip"
    write_whole(target, _zipped(pages))
    left = [
        f"{len(who)} {why}: {some(who, 10)}"
        for who, why in (
            (nameless, f"left out, whose name in {to.capitalize()} is not known"),
            (shared, "left out, because a teammate's page goes to the same upload"),
        )
        if who
    ]
    return "; ".join([f"{target}: pages of {count} students", *left])


def _in_worksheet(roster: Roster, student: str) -> Mapping[str, str]:
    rows = roster.find(student)
    number = roster.participant(rows[0]) if len(rows) == 1 else ""
    return {"": f"{roster.name(rows[0]).replace('_', ' ')}_{number}_assignsubmission_file"} if number else {}


def _entry(to: str, names: Mapping[str, str], notebook: str) -> str:
    """What a notebook's page is called in the zip."""
    if to == "moodle":
        return f"{safe_part(names[''])}/{notebook}.html"
    return f"{safe_part(names.get(notebook) or names[''] + notebook)}.html"


def _zipped(pages: Mapping[str, bytes]) -> bytes:
    """The bytes of a zip: the same for the same pages."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in sorted(pages.items()):
            entry = zipfile.ZipInfo(name)
            entry.compress_type = zipfile.ZIP_DEFLATED
            file.writestr(entry, content)
    return data.getvalue()
