"""The command line. Exit codes: 0 done; 1 something that was checked does not hold; 2 cannot be done as asked; 130 stopped."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from grader.errors import CourseError
from grader.notebook import Assignment
from grader.result import Result, Status
from grader.show import console, show_class, show_merged, show_moves, show_released, show_verified

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Build the course's notebooks, test their tests, and grade what students hand in.",
    epilog="Exit codes: 0 done, 1 something that was checked does not hold, 2 cannot be done as asked, 130 stopped.",
)


def _units_here() -> list[str]:
    """Names of units for the shell's completion: the folders of the source or release folder here."""
    found = (Path().glob(f"{name}/*/*.ipynb") for name in ("solutions", "source", "assignments"))
    return sorted({path.parent.name for paths in found for path in paths})


Unit = Annotated[str, typer.Argument(help="A unit such as 05_momentum.", autocompletion=_units_here)]
Units = Annotated[
    list[str] | None,
    typer.Argument(help="Units such as 05_momentum; all by default.", autocompletion=_units_here),
]
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
    units: Units = None,
    course: Course = HERE,
    force: Annotated[
        bool, typer.Option("--force", help="Execute lectures again although nothing changed.")
    ] = False,
) -> None:
    """Text sources to notebooks: lectures executed, student versions made. Example: grader build 05_momentum"""
    from grader import build as building

    built = building.build(course.resolve(), units, force=force, progress=True)
    for item in built:
        if item.changed:
            console.print(f"built {item.path.relative_to(course.resolve())}", highlight=False)
    console.print(f"{len(built)} files, {sum(item.changed for item in built)} changed", highlight=False)


@app.command()
def start(course: Course = HERE) -> None:
    """Your own copies of lectures and assignments, in work/, and the start page. `make lab` runs this. Example: grader start"""
    from grader import desk

    laid = desk.lay_out(course.resolve())
    for name in laid.outdated:
        print(
            f"{name}: kept as you have changed it; the course has a newer version: rename yours to get that"
        )
    for what, names in (("new", laid.new), ("brought up to date", laid.renewed)):
        if names:
            print(f"{desk.WORK}/: {len(names)} copies {what}")
    print(f"start page: {desk.WORK}/{desk.START}")


@app.command()
def verify(
    units: Units = None,
    course: Course = HERE,
    show: Annotated[
        bool, typer.Option("--show", help="List every entry with the tests that it fails.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print all that was found as JSON.")] = False,
) -> None:
    """The tests are tested: right solutions pass, wrong ones fail, nothing leaks. Example: grader verify 05_momentum"""
    from grader import engine, warm
    from grader import verify as verifying
    from grader.build import units as all_units
    from grader.submission import Submission

    warm.server()  # imports its packages while this process reads the bank
    root, reports = course.resolve(), []
    for unit in units or [name for name in all_units(root) if (root / "solutions" / name).is_dir()]:

        def grade(notebook: bytes, assignment: Assignment, unit: str = unit) -> Result:
            submission = Submission(unit, ((f"{unit}.ipynb", notebook),))
            # the bank is the instructor's own code: a machine without isolation may verify it all the same
            return engine.grade(submission, assignment, allow_unsandboxed=True)

        reports.append(verifying.verify(root, unit, grade, progress=True))
        if not as_json:
            show_verified(reports[-1], rows=show)
    if as_json:
        print(json.dumps([asdict(report) for report in reports], ensure_ascii=True))
    if any(report.problems for report in reports):
        raise typer.Exit(1)


@app.command()
def release(
    unit: Unit,
    repository: Annotated[
        str | None,
        typer.Option(
            metavar="OWNER/NAME", help="Let the badge and the %pip line point to this fork on GitHub."
        ),
    ] = None,
    course: Course = HERE,
    db_url: Annotated[str | None, typer.Option("--db", help="The gradebook, as an SQLAlchemy URL.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was released as JSON.")] = False,
) -> None:
    """The student version, checked, and the unit in the gradebook. Example: grader release 05_momentum --repository me/my-fork"""
    from grader.release import release as release_unit

    done = release_unit(course, unit, repository=repository, db_url=db_url)
    if as_json:
        print(json.dumps(asdict(done), default=str, ensure_ascii=True))
        return
    show_released(done)


@app.command()
def merge(
    other: Annotated[Path, typer.Argument(help="The other grader's copy of gradebook.db.")],
    course: Course = HERE,
    prefer: Annotated[
        str | None, typer.Option(help="Whose value counts where both differ: ours or theirs.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")
    ] = False,
    db_url: Annotated[str | None, typer.Option("--db", help="Our gradebook, as an SQLAlchemy URL.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print every value as JSON.")] = False,
) -> None:
    """Manual scores, extra credit and comments from a copy of the gradebook. Example: grader merge other/gradebook.db --dry-run"""
    from grader.merge import Outcome
    from grader.merge import merge as merge_gradebooks

    done = merge_gradebooks(course, other, prefer=prefer, dry_run=dry_run, db_url=db_url)
    if as_json:
        print(json.dumps(asdict(done), default=str, ensure_ascii=True))
    else:
        show_merged(done, dry_run=dry_run)
    if done.of(Outcome.CONFLICT, Outcome.ABSENT):
        raise typer.Exit(1)


@app.command()
def grade(
    unit: Unit,
    course: Course = HERE,
    source: Annotated[
        Path | None,
        typer.Option(
            "--from",
            help="Take in submissions first: a zip from Moodle or Canvas, or folders as <student>/ or <student>/<unit>/.",
        ),
    ] = None,
    roster: Annotated[
        Path | None,
        typer.Option(
            "--roster", help="With --from: the platform's class list as CSV, which says who is who."
        ),
    ] = None,
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
    from grader import warm

    # a class that was never graded: let the warm server import its packages while this process imports its own
    if scheduler is None and not (course / ".grader" / f"{unit}.journal").exists():
        warm.server()
    from grader.grade import grade_class

    def say(line: str) -> None:
        print(f"grader: {line}", file=sys.stderr, flush=True)

    if source is not None:
        from grader.course import read_course
        from grader.intake import collect
        from grader.roster import read_roster

        taken = collect(read_course(course, db_url), unit, source, read_roster(roster) if roster else None)
        say(taken.line)
        for remark in taken.remarks[:20]:
            say(remark)
        if len(taken.remarks) > 20:
            say(f"and {len(taken.remarks) - 20} more remarks of that kind")
    elif roster is not None:
        raise CourseError("--roster goes with --from: it says who is who in the submissions taken in")

    summary = grade_class(
        course,
        unit,
        workers=workers,
        scheduler=scheduler,
        students=students or None,
        db_url=db_url,
        allow_unsandboxed=unsandboxed,
        say=say,
    )
    if as_json:
        print(json.dumps(asdict(summary), ensure_ascii=True))
    else:
        show_class(summary)
        show_moves(summary)
        print(f"{len(summary.rows)} submissions, {summary.graded_now} graded now, in {summary.seconds:.1f} s")
    if any(row.status is not Status.GRADED for row in summary.rows):
        raise typer.Exit(1)


@app.command()
def feedback(
    unit: Unit,
    course: Course = HERE,
    students: Annotated[
        list[str] | None, typer.Option("--student", help="Only this student; may be given more than once.")
    ] = None,
    db_url: Annotated[str | None, typer.Option("--db", help="The gradebook, as an SQLAlchemy URL.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was written as JSON.")] = False,
) -> None:
    """A page for each student, feedback/<student>/<unit>/; run it again after grading by hand. Example: grader feedback 05_momentum"""
    from grader.feedback import write_feedback

    written = write_feedback(course, unit, students=students or None, db_url=db_url)
    if as_json:
        print(json.dumps(asdict(written), ensure_ascii=True))
    else:
        print(
            f"{written.submissions} submissions have feedback; {written.changed} pages are new or changed, in {written.seconds:.1f} s"
        )
    for who, what in (
        (written.ungraded, f"not graded yet, so without feedback: `grader grade {unit}` first"),
        (
            written.resubmitted,
            f"handed in again since the grading that the page is about: `grader grade {unit}` first",
        ),
    ):
        if who:
            more = f" and {len(who) - 5} more" if len(who) > 5 else ""
            print(f"grader: {', '.join(map(ascii, who[:5]))}{more}: {what}", file=sys.stderr)
    if written.failed:
        raise typer.Exit(1)


@app.command()
def report(
    unit: Unit,
    course: Course = HERE,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="The file to write; reports/UNIT.html in the course by default."),
    ] = None,
    anonymous: Annotated[
        bool, typer.Option("--anonymous", help="Numbers in place of students' ids and names.")
    ] = False,
    db_url: Annotated[str | None, typer.Option("--db", help="The gradebook, as an SQLAlchemy URL.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the numbers as JSON too.")] = False,
) -> None:
    """The class on one page: scores, exercises, misconceptions, incidents, students. Example: grader report 05_momentum"""
    from grader.report import write_report

    path, found = write_report(course, unit, out=out, anonymous=anonymous, db_url=db_url)
    print(
        json.dumps(found.to_dict(), ensure_ascii=True)
        if as_json
        else f"{len(found.students)} submissions: {path}"
    )


@app.command()
def export(
    units: Annotated[
        list[str] | None, typer.Argument(help="Units such as 05_momentum; all in the gradebook by default.")
    ] = None,
    to: Annotated[str, typer.Option("--to", help="canvas, moodle, gradescope or csv.")] = "csv",
    out: Annotated[
        Path | None,
        typer.Option("--out", help="The file to write; grades_<unit>_<to>.csv in the course by default."),
    ] = None,
    roster: Annotated[
        Path | None,
        typer.Option("--roster", help="The class list that the platform exports as CSV, with its own ids."),
    ] = None,
    course: Course = HERE,
    bom: Annotated[
        bool, typer.Option("--bom", help="Begin with a byte-order mark, for a double click in Excel.")
    ] = False,
    db_url: Annotated[str | None, typer.Option("--db", help="The gradebook, as an SQLAlchemy URL.")] = None,
) -> None:
    """Final scores for Canvas, Moodle, Gradescope or a CSV. Example: grader export 05_momentum --to canvas --roster canvas.csv"""
    from grader.export import export_grades

    said = export_grades(course, units or (), to=to, out=out, roster=roster, db_url=db_url, bom=bom)
    print(f"grader: {said}", file=sys.stderr)


@app.command()
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
    as_json: Annotated[bool, typer.Option("--json", help="Print what was found as JSON.")] = False,
) -> None:
    """Your own notebook against all tests of its unit, with hints; nothing is written. Example: grader check assignments/05_momentum/05_momentum.ipynb"""
    from grader import check as checking

    checked = checking.check(course, notebook, hint=hint, solution=solution)
    if not checked.isolated:
        print("grader: no isolation on this machine: your notebook ran with your own rights", file=sys.stderr)
    if as_json:
        print(json.dumps(asdict(checked), ensure_ascii=True))
    else:
        checking.show(checked, console)
    if not checked.passed:
        raise typer.Exit(1)


@app.command()
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
) -> None:
    """A class made from the bank, graded end to end: table, gradebook, feedback, report, CSV. Example: grader demo"""
    from grader import warm
    from grader.demo import hand_in, run_demo

    if class_only:
        folder = hand_in(course.resolve(), unit, students=students, into=into)
        print(f"a course with one unit is in {folder}; what its class hands in is in handed-in.zip there")
        return
    warm.server()  # imports its packages while this process makes the class
    found = run_demo(course.resolve(), unit, students=students, into=into, allow_unsandboxed=unsandboxed)
    kinds = {student.id: student.kind for student in found.students}
    show_class(found.summary, kinds)
    print(f"gradebook.db, feedback/, reports/, autograded/ and grades.csv are in {found.folder}")


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


if __name__ == "__main__":
    main()
