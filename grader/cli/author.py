"""Commands of who writes a unit: build, verify, site."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from grader.cli.options import HERE, Course, Json, Units
from grader.cli.printing import console, emit, show_verified
from grader.errors import CourseError

if TYPE_CHECKING:
    from grader.engine.result import Result
    from grader.source.notebook import Assignment


def build(
    units: Units = None,
    course: Course = HERE,
    force: Annotated[
        bool, typer.Option("--force", help="Execute lectures again although nothing changed.")
    ] = False,
) -> None:
    """Text sources to notebooks: lectures executed, student versions made. Example: grader build 05_momentum"""
    from grader.build import build as building

    built = building.build(course.resolve(), units, force=force, progress=True)
    for item in built:
        if item.changed:
            console.print(f"built {item.path.relative_to(course.resolve())}", markup=False, highlight=False)
    console.print(
        f"{len(built)} files, {sum(item.changed for item in built)} changed", markup=False, highlight=False
    )


def verify(
    units: Units = None,
    course: Course = HERE,
    show: Annotated[
        bool, typer.Option("--show", help="List every entry with the tests that it fails.")
    ] = False,
    as_json: Json = False,
) -> None:
    """The tests are tested: right solutions pass, wrong ones fail, nothing leaks. Example: grader verify 05_momentum"""
    from grader.engine import preload
    from grader.engine.grade import grade as grade_one
    from grader.engine.submission import Submission
    from grader.release import verify as verifying
    from grader.source.course import read_course

    preload.server()  # imports its packages while this process reads the bank
    root, reports = course.resolve(), []

    def grade(submission: Submission, assignment: Assignment) -> Result:
        # the bank is the instructor's own code: a machine without isolation may verify it all the same
        return grade_one(submission, assignment, allow_unsandboxed=True)

    here = read_course(root)
    if not (names := units or here.units()):
        raise CourseError(f"{root}: {here.steps['source']}/ holds no unit, so there is nothing to verify")
    for unit in names:
        reports.append(verifying.verify(root, unit, grade, progress=True))
        if not as_json:
            show_verified(reports[-1], rows=show)
    if as_json:
        emit(reports)
    if any(report.problems for report in reports):
        raise typer.Exit(1)


def site(
    to: Annotated[Path, typer.Option("--to", help="The folder that is made, or made again.")] = Path("site"),
    course: Course = HERE,
) -> None:
    """The built notebooks as a website, which needs no server. Example: grader site --to site"""
    from grader.site.build import build as building

    count = building(course.resolve(), to.resolve())
    console.print(f"{count} pages: open {to / 'index.html'}", markup=False, highlight=False)
