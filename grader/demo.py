"""`grader demo`: a class made from a unit's bank, graded end to end in a folder of its own."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from grader.classroom import Student, make_class, make_course
from grader.course import read_course
from grader.feedback import write_feedback
from grader.grade import ClassSummary, grade_class
from grader.notebook import CourseError


@dataclass(frozen=True)
class Demo:
    """Where the class lies, who is in it, and what came of it."""

    folder: Path
    students: tuple[Student, ...]
    summary: ClassSummary


def run_demo(root: Path, unit: str, *, students: int, into: Path | None, allow_unsandboxed: bool) -> Demo:
    """Make, grade, give feedback, export. `into` is a new or empty folder, runs/demo-N below `root` by default."""
    folder = into if into is not None else _next_free(root / "runs", "demo")
    if folder.exists() and any(folder.iterdir()):
        raise CourseError(f"{folder} is not empty; name a new folder, so that nothing in it is lost")
    try:
        make_course(root, unit, folder)
        roster = make_class(root, unit, folder, students=students)
    except OSError as error:
        raise CourseError(
            f"{folder}: {error.strerror}; name a folder that can be written to with --into"
        ) from error
    summary = grade_class(folder, unit, allow_unsandboxed=allow_unsandboxed)
    write_feedback(folder, unit)
    _export_csv(folder, folder / "grades.csv")
    return Demo(folder, tuple(roster), summary)


def _export_csv(folder: Path, target: Path) -> None:
    """nbgrader's own CSV of the whole gradebook."""
    from nbgrader.api import Gradebook
    from nbgrader.plugins import CsvExportPlugin

    course = read_course(folder)
    plugin = CsvExportPlugin()
    plugin.to = str(target)
    with Gradebook(course.db_url, course.course_id) as gradebook:
        plugin.export(gradebook)


def _next_free(where: Path, name: str) -> Path:
    number = 1
    while (where / f"{name}-{number}").exists():
        number += 1
    return where / f"{name}-{number}"
