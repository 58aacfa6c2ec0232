"""The command line. Exit codes: 0 done; 1 something that was checked does not hold; 2 cannot be done as asked; 130 stopped."""

from __future__ import annotations

import os
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from grader.cli import author, instructor, learner, machine
from grader.errors import CourseError

app = typer.Typer(
    pretty_exceptions_enable=False,
    help="Build the course's notebooks, test their tests, and grade what students hand in.",
    epilog="Exit codes: 0 done, 1 something that was checked does not hold, 2 cannot be done as asked, 130 stopped.",
)
for command in (
    *(author.build, learner.start, author.verify, author.site),
    *(instructor.release, instructor.merge, instructor.grade, instructor.feedback, instructor.report),
    *(instructor.export, learner.check, machine.demo, machine.doctor),
):
    app.command()(command)
MISTAKE: Any = next(kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "ClickException")
"""What Typer raises for a command line that it does not understand; it exports no name for it that all its versions have."""


def _say_version(wanted: bool) -> None:
    if wanted:
        print(f"trainlab {version('trainlab')}")
        raise typer.Exit


@app.callback()
def about(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_say_version, is_eager=True)
    ] = False,
) -> None:
    pass


def main() -> None:
    """The command line: every error a user can meet is one line."""
    # jsonschema, which nbformat needs, would compile a grammar of internet addresses for seconds; a notebook has none to check
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
    # nbgrader starts `alembic` by name; where the environment was not activated, it stands beside our Python
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    try:
        code = app(sys.argv[1:] or ["--help"], prog_name="grader", standalone_mode=False)
    except CourseError as error:
        code = _refuse(str(error))
    except MISTAKE as error:
        command = error.ctx.command_path if getattr(error, "ctx", None) else "grader"
        code = _refuse(f"{' '.join(error.format_message().split()).rstrip('.')}: see `{command} --help`")
    except (KeyboardInterrupt, typer.Abort):
        print("grader: stopped; the same command goes on from here", file=sys.stderr)
        code = 130
    sys.exit(code)


def _refuse(why: str) -> int:
    """Say in one line why it cannot be done as asked; the exit code."""
    Console(stderr=True).print(f"grader: {why}", style="red", markup=False, highlight=False, soft_wrap=True)
    return 2
