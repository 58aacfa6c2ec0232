"""The class report: one page for the instructor, from the journal (what tests said) and the gradebook (what people said).

read_outcomes -> one Outcome a submission -> summarise -> ClassReport -> render (templates/report.html)
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

from grader.errors import CourseError
from grader.files import write_whole
from grader.pages import html
from grader.pages.outcomes import Outcome, read_outcomes, without_names
from grader.pages.summary import ClassReport, summarise
from grader.source.course import Course, read_course
from grader.source.lock import disk_errors, hold
from grader.source.notebook import Assignment


def write_report(
    folder: Path,
    unit: str,
    *,
    out: Path | None = None,
    anonymous: bool = False,
    db_url: str | None = None,
    progress: bool = True,
) -> tuple[Path, ClassReport]:
    """Write the report of a unit to `out` (reports/<unit>.html in the course by default); return where, and what it says.

    Raises CourseError where the course cannot be read, nothing was handed in, or the file cannot be written.
    """
    course = read_course(folder, db_url)
    assignment = course.assignment(unit)
    path = out or course.root / "reports" / f"{unit}.html"
    with disk_errors(course), hold(course.state):
        outcomes = list(read_outcomes(course, assignment, progress=progress))
        if anonymous:
            outcomes = without_names(outcomes, _secret(course.state / "anonymous.key"))
    if not outcomes:
        raise CourseError(f"no submissions of '{unit}': they belong into submitted/<student>/{unit}/")
    report = replace(summarise(assignment, outcomes), anonymous=anonymous)
    if not anonymous:
        report = _linked(report, course, assignment, outcomes, path)
    try:
        write_whole(path, render(report).encode())
    except OSError as error:
        where = error.filename or path
        raise CourseError(f"{where}: {error.strerror or error}; name another file with --out") from error
    return path, report


def _linked(
    report: ClassReport, course: Course, assignment: Assignment, outcomes: Sequence[Outcome], path: Path
) -> ClassReport:
    """The report with the address of every feedback page that is there, as seen from the report at `path`."""

    def address(student: str) -> str:
        page = course.folder("feedback", student, assignment.unit) / f"{assignment.notebooks[0].name}.html"
        return quote(os.path.relpath(page, path.parent), errors="surrogateescape") if page.is_file() else ""

    rows = zip(report.students, outcomes, strict=True)
    return replace(report, students=tuple(replace(row, page=address(o.student)) for row, o in rows))


def _secret(path: Path) -> bytes:
    """The course's own key, made when it is needed first: the same student has the same number in every report."""
    try:
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(os.urandom(32))
    except FileExistsError:
        pass
    return path.read_bytes()


def render(report: ClassReport) -> str:
    """The report as one HTML file. Its script is allowed by its hash: whatever else got into the page would not run."""
    script, script_hash = html.script("report.js")
    return html.render(
        "report.html",
        report=report,
        number=html.number,
        seconds=_seconds,
        script=script,
        script_hash=script_hash,
    )


def _seconds(value: float) -> str:
    """Two significant digits are enough for a time."""
    return f"{float(f'{value:.2g}'):g}"
