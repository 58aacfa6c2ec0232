"""Commands of who learns: start, check."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from grader.cli.options import HERE, Course, Json
from grader.cli.printing import (
    console,
    emit,
)


def start(course: Course = HERE) -> None:
    """Your own copies of lectures and assignments, in work/, and the start page. `make lab` runs this. Example: grader start"""
    from grader.learner import workspace

    laid = workspace.lay_out(course.resolve())
    for name in laid.outdated:
        print(
            f"{name}: kept as you have changed it; the course has a newer version: rename yours to get that"
        )
    for change, names in (("new", laid.new), ("brought up to date", laid.renewed)):
        if names:
            print(f"{workspace.WORK}/: {len(names)} copies {change}")
    print(f"start page: {workspace.WORK}/{workspace.START}")


def check(
    notebook: Annotated[
        Path, typer.Argument(help="Your copy of a notebook of assignments/, wherever it is.")
    ],
    course: Course = HERE,
    hint: Annotated[int, typer.Option(min=1, help="Which hint to give for what does not pass.")] = 1,
    solution: Annotated[
        str | None,
        typer.Option(metavar="EXERCISE", help="Show the solutions of this exercise, and of no other."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Your own notebook against all tests of its unit, with hints; nothing is written. Example: grader check assignments/05_momentum/05_momentum.ipynb"""
    from grader.cli import printing
    from grader.learner import check

    if sys.stderr.isatty():
        print(
            f"running {notebook} and its tests; one that does not end is stopped after {check.PATIENCE.test_seconds:g} s",
            file=sys.stderr,
        )
    checked = check.check(course, notebook, hint=hint, solution=solution)
    if not checked.isolated:
        print("grader: no isolation on this machine: your notebook ran with your own rights", file=sys.stderr)
    if as_json:
        emit(checked)
    else:
        printing.show_checked(checked, console)
    if not checked.passed:
        raise typer.Exit(1)
