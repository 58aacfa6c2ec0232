"""`grader demo`: a class made from a unit's bank, graded end to end in a folder of its own."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from grader.batch.grade import ClassSummary, Options, grade_class
from grader.errors import CourseError
from grader.lms.export import export_grades
from grader.pages.feedback import write_feedback
from grader.pages.report import write_report
from grader.sample.classroom import Member, make_class, make_course
from grader.source.notebook import read_assignment


@dataclass(frozen=True)
class Demo:
    """Where the class lies, who is in it, and what came of it."""

    folder: Path
    students: tuple[Member, ...]
    summary: ClassSummary


def run_demo(root: Path, unit: str, *, students: int, into: Path | None, allow_unsandboxed: bool) -> Demo:
    """Make, grade, give feedback, report, export. `into` is a new or empty folder, runs/demo-N below `root` by default."""
    folder, members = _make(root, unit, students, into)
    summary = grade_class(folder, unit, Options(allow_unsandboxed=allow_unsandboxed))
    write_feedback(folder, unit)
    write_report(folder, unit)
    export_grades(folder, to="csv", out=folder / "grades.csv")
    return Demo(folder, tuple(members), summary)


def hand_in(root: Path, unit: str, *, students: int, into: Path | None) -> Path:
    """Only the course, and in handed-in.zip what its class hands in: the rest is the instructor's. Returns the course's folder."""
    folder, _ = _make(root, unit, students, into)
    shutil.make_archive(str(folder / "handed-in"), "zip", folder / "submitted")
    shutil.rmtree(folder / "submitted")
    return folder


def _make(root: Path, unit: str, students: int, into: Path | None) -> tuple[Path, list[Member]]:
    folder = into if into is not None else _next_free(root / "runs", "demo")
    if folder.exists() and any(folder.iterdir()):
        raise CourseError(f"{folder} is not empty; name a new folder, so that nothing in it is lost")
    read_assignment(root / "solutions" / unit)  # an unknown unit is said first
    for needed in ("nbgrader_config.py", f"solutions/{unit}/bank.py", f"assignments/{unit}"):
        if not (root / needed).exists():
            raise CourseError(
                f"{root / needed} is not there: a demo's class is made from a unit's bank and its student version"
            )
    try:
        make_course(root, unit, folder)
        return folder, make_class(root, unit, folder, students=students)
    except OSError as error:
        raise CourseError(
            f"{folder}: {error.strerror}; name a folder that can be written to with --into"
        ) from error


def _next_free(where: Path, name: str) -> Path:
    number = 1
    while (where / f"{name}-{number}").exists():
        number += 1
    return where / f"{name}-{number}"
