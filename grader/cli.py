"""The command line. Exit codes: 0 done; 1 something that was checked does not hold; 2 cannot be done as asked; 130 stopped."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from grader.notebook import Assignment, CourseError
from grader.result import Result, Status

if TYPE_CHECKING:
    from grader.grade import ClassSummary

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Build the course's notebooks, test their tests, and grade what students hand in.",
    epilog="Exit codes: 0 done, 1 something that was checked does not hold, 2 cannot be done as asked, 130 stopped.",
)
console = Console()
Course = Annotated[
    Path, typer.Option("--course", help="The course's folder (where nbgrader_config.py stands).")
]
HERE = Path()
Unsandboxed = Annotated[
    bool,
    typer.Option(
        "--allow-unsandboxed",
        help="Grade where this machine offers no isolation: students' code then runs with your rights.",
    ),
]


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


@app.command()
def build(
    units: Annotated[
        list[str] | None, typer.Argument(help="Units such as 05_momentum; all by default.")
    ] = None,
    course: Course = HERE,
    force: Annotated[
        bool, typer.Option("--force", help="Execute lectures again although nothing changed.")
    ] = False,
) -> None:
    """Text sources to notebooks: lectures executed, student versions made. Example: grader build 05_momentum"""
    from grader import build as building

    built = building.build(course.resolve(), units, force=force)
    for item in built:
        if item.changed:
            console.print(f"built {item.path.relative_to(course.resolve())}", highlight=False)
    console.print(f"{len(built)} files, {sum(item.changed for item in built)} changed", highlight=False)


@app.command()
def verify(
    units: Annotated[
        list[str] | None, typer.Argument(help="Units such as 05_momentum; all by default.")
    ] = None,
    course: Course = HERE,
    show: Annotated[
        bool, typer.Option("--show", help="List every entry with the tests that it fails.")
    ] = False,
) -> None:
    """The tests are tested: right solutions pass, wrong ones fail, nothing leaks. Example: grader verify 05_momentum"""
    from grader import engine
    from grader import verify as verifying
    from grader.build import units as all_units
    from grader.submission import Submission

    root = course.resolve()
    failed = False
    for unit in units or [name for name in all_units(root) if (root / "solutions" / name).is_dir()]:

        def grade(notebook: bytes, assignment: Assignment, unit: str = unit) -> Result:
            submission = Submission(unit, ((f"{unit}.ipynb", notebook),))
            # the bank is the instructor's own code: a machine without isolation may verify it all the same
            return engine.grade(submission, assignment, allow_unsandboxed=True)

        report = verifying.verify(root, unit, grade)
        if show:
            table = Table("exercise", "kind", "name", "tests failed", title=unit)
            for row in report.rows:
                table.add_row(row.exercise, row.kind, row.name, ", ".join(row.failed))
            console.print(table)
        for problem in report.problems:
            print(f"{unit}: {problem.culprit}: {problem.what}")
        kinds = [row.kind for row in report.rows]
        print(
            f"{unit}: {kinds.count('variant')} variants, {kinds.count('misconception')} misconceptions, "
            f"tests take {report.test_seconds:.2f} s on the solution: "
            + (f"{len(report.problems)} problems" if report.problems else "all holds")
        )
        failed = failed or bool(report.problems)
    if failed:
        raise typer.Exit(1)


@app.command()
def grade(
    unit: Annotated[str, typer.Argument(help="A unit such as 05_momentum.")],
    course: Course = HERE,
    students: Annotated[
        list[str] | None, typer.Option("--student", help="Only this student; may be given more than once.")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(help="Submissions graded at once; one a processor by default.")
    ] = None,
    scheduler: Annotated[
        str | None, typer.Option(help="A Dask scheduler to use instead, tcp://host:port.")
    ] = None,
    db_url: Annotated[str | None, typer.Option("--db", help="The gradebook, as an SQLAlchemy URL.")] = None,
    unsandboxed: Unsandboxed = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the rows as JSON.")] = False,
) -> None:
    """Grade submitted/<student>/<unit>/ into the gradebook; a second run grades only what changed. Example: grader grade 05_momentum"""
    from grader.grade import grade_class

    summary = grade_class(
        course,
        unit,
        workers=workers,
        scheduler=scheduler,
        students=students or None,
        db_url=db_url,
        allow_unsandboxed=unsandboxed,
    )
    if as_json:
        print(json.dumps(asdict(summary), ensure_ascii=True))
    else:
        show_class(summary)
        print(f"{len(summary.rows)} submissions, {summary.graded_now} graded now, in {summary.seconds:.1f} s")
    for warning in summary.warnings:
        print(f"grader: {warning}", file=sys.stderr)
    if any(row.status is not Status.GRADED for row in summary.rows):
        raise typer.Exit(1)


@app.command()
def demo(
    unit: Annotated[str, typer.Argument(help="The unit to draw a class from.")] = "05_momentum",
    course: Course = HERE,
    students: Annotated[int, typer.Option(min=1, help="How large a class.")] = 24,
    into: Annotated[
        Path | None, typer.Option(help="A new folder for the run; runs/demo-N by default.")
    ] = None,
    unsandboxed: Unsandboxed = False,
) -> None:
    """A class made from the bank, graded end to end: table, gradebook, feedback, CSV. Example: grader demo"""
    from grader.demo import run_demo

    found = run_demo(course.resolve(), unit, students=students, into=into, allow_unsandboxed=unsandboxed)
    kinds = {student.id: student.kind for student in found.students}
    show_class(found.summary, kinds)
    print(f"gradebook.db, feedback/, autograded/ and grades.csv are in {found.folder}")


@app.command()
def bench(
    unit: Annotated[str, typer.Argument(help="The unit to draw a class from.")] = "05_momentum",
    course: Course = HERE,
    students: Annotated[
        int, typer.Option(min=1, help="Class for the comparison with stock nbgrader (4 s each).")
    ] = 24,
    sizes: Annotated[
        list[int] | None, typer.Option("--size", help="Class size for the cost of one more; more than once.")
    ] = None,
    workers: Annotated[int, typer.Option(min=1, help="Submissions graded at once.")] = 2,
) -> None:
    """Grading speed against stock nbgrader, as ratios inside one run. Example: grader bench --size 100 --size 5000"""
    import tempfile

    from grader import bench as measuring

    root = course.resolve()
    with tempfile.TemporaryDirectory(prefix="bench-") as scratch:
        measuring.make_fresh(root, unit, Path(scratch, "compared"), students)
        found = measuring.compare(Path(scratch, "compared"), unit, workers=workers)
        print("\n".join(measuring.comparison_lines(found)), flush=True)
        if sizes:
            measuring.make_fresh(root, unit, Path(scratch, "scaled"), max(sizes))
            scale = measuring.scale(Path(scratch, "scaled"), unit, sorted(sizes), workers=workers)
            print("\n".join(measuring.scale_lines(scale)))
    if found.disagreements:
        raise typer.Exit(1)


@app.command()
def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
) -> None:
    """What isolation, versions and folders this machine has. Example: grader doctor"""
    from grader.doctor import examine

    findings = examine()
    if as_json:
        print(json.dumps([asdict(finding) for finding in findings]))
        return
    table = Table("", "what", "detail", title="grader doctor")
    for finding in findings:
        table.add_row(finding.mark, finding.what, finding.detail)
    console.print(table)


def show_class(summary: ClassSummary, kinds: Mapping[str, str] | None = None) -> None:
    """Print a row for each student: points per exercise, total, status; then the reasons, a line each."""
    table = Table(
        title=f"{summary.unit}: {len(summary.rows)} submissions", box=SIMPLE_HEAD, padding=0, pad_edge=False
    )
    table.add_column("student", overflow="fold", min_width=9)
    if kinds:
        table.add_column("handed in", no_wrap=True)
    for exercise in summary.exercises:
        table.add_column(exercise.replace("_", " "), justify="right", overflow="fold")
    table.add_column("total", justify="right", no_wrap=True)
    table.add_column("status", no_wrap=True)
    for row in summary.rows:
        graded = row.status is Status.GRADED
        points = [f"{value:g}" for value in row.points] if graded else ["-"] * len(summary.exercises)
        total = f"{row.score:g}/{row.max_score:g}" if graded else "-"
        kind = [kinds.get(row.student, "")] if kinds else []
        table.add_row(*(escape(cell) for cell in (row.student, *kind, *points, total, row.status)))
    console.print(table)
    for row in summary.rows:
        for remark in (*([row.reason] if row.reason else []), *row.incidents):
            console.print(f"{row.student}: {remark}", markup=False, highlight=False, soft_wrap=True)


if __name__ == "__main__":
    main()
