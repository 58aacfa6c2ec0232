"""The command line. Exit codes: 0 done; 1 something that was checked does not hold; 2 cannot be done as asked; 130 stopped."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import typer
from rich.console import Console

from grader.cli import author, instructor, learner, machine
from grader.errors import CourseError

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Build the course's notebooks, test their tests, and grade what students hand in.",
    epilog="Exit codes: 0 done, 1 something that was checked does not hold, 2 cannot be done as asked, 130 stopped.",
)
for command in (
    *(author.build, learner.start, author.verify),
    *(instructor.release, instructor.merge, instructor.grade, instructor.feedback, instructor.report),
    *(instructor.export, learner.check, machine.demo, machine.doctor),
):
    app.command()(command)


def main() -> None:
    """Entry point of `grader`: every error a user can meet is one line."""
    # nbgrader starts `alembic` by name; where the environment was not activated, it stands beside our Python
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    try:
        app(standalone_mode=True)
    except CourseError as error:
        Console(stderr=True).print(
            f"grader: {error}", style="red", markup=False, highlight=False, soft_wrap=True
        )
        sys.exit(2)
    except KeyboardInterrupt:
        print("grader: stopped; the same command goes on from here", file=sys.stderr)
        sys.exit(130)
