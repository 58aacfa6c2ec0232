"""Commands about this machine: demo, doctor."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from grader.cli.options import HERE, Course, Json, Unsandboxed
from grader.cli.printing import emit, show_class, show_findings


def demo(
    unit: Annotated[str, typer.Argument(help="The unit to draw a class from.")] = "05_momentum",
    course: Course = HERE,
    students: Annotated[int, typer.Option(min=1, help="How large a class.")] = 24,
    into: Annotated[
        Path | None, typer.Option(help="A new folder for the run; runs/demo-N by default.")
    ] = None,
    class_only: Annotated[
        bool, typer.Option("--class-only", help="A course and handed-in.zip; the rest is yours to type.")
    ] = False,
    unsandboxed: Unsandboxed = False,
    as_json: Json = False,
) -> None:
    """A class made from the bank, graded end to end: table, gradebook, feedback, report, CSV. Example: grader demo"""
    from grader.engine import preload
    from grader.sample.demo import hand_in, run_demo

    if class_only:
        folder = hand_in(course.resolve(), unit, students=students, into=into)
        said = f"a course with one unit is in {folder}; what its class hands in is in handed-in.zip there"
        print(json.dumps({"folder": str(folder)}) if as_json else said)
        return
    preload.server()  # imports its packages while this process makes the class
    done = run_demo(course.resolve(), unit, students=students, into=into, allow_unsandboxed=unsandboxed)
    if as_json:
        emit(done)
        return
    kinds = {student.id: student.kind for student in done.students}
    show_class(done.summary, kinds)
    print(f"gradebook.db, feedback/, reports/, autograded/ and grades.csv are in {done.folder}")


def doctor(
    as_json: Json = False,
) -> None:
    """What isolation, versions and folders this machine has. Example: grader doctor"""
    from grader.cli.doctor import examine

    findings = examine()
    if as_json:
        emit(findings)
    else:
        show_findings(findings)
