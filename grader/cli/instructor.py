"""Commands of who teaches a class: release, grade, merge, feedback, report, export."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from grader.cli.options import HERE, Course, Database, Json, Students, Unit, Units, Unsandboxed
from grader.cli.printing import (
    emit,
    show_class,
    show_merged,
    show_moves,
    show_released,
)
from grader.engine.result import Status
from grader.errors import CourseError
from grader.text import some


def release(
    unit: Unit,
    repository: Annotated[
        str | None,
        typer.Option(
            metavar="OWNER/NAME", help="Let the badge and the %pip line point to this fork on GitHub."
        ),
    ] = None,
    allow_line: Annotated[
        list[str] | None,
        typer.Option(
            "--allow-line",
            help="A line of the student version that gives nothing away; may be given more than once.",
        ),
    ] = None,
    in_process: Annotated[
        bool,
        typer.Option(
            "--in-process",
            help="Tag the tests that the solution passes in one kernel only, so that they run in the student's process.",
        ),
    ] = False,
    variant: Annotated[
        int | None,
        typer.Option(
            metavar="SEED", help="Other data for this class, in a unit that has a VARIANT, such as 13."
        ),
    ] = None,
    course: Course = HERE,
    db_url: Database = None,
    as_json: Json = False,
) -> None:
    """The student version, checked, and the unit in the gradebook. Example: grader release 05_momentum --repository me/my-fork"""
    from grader.release.release import release as release_unit

    done = release_unit(
        course,
        unit,
        repository=repository,
        variant=variant,
        db_url=db_url,
        allowed_lines=[line.strip() for line in allow_line or ()],
        in_process=in_process,
    )
    if as_json:
        emit(done)
    else:
        from grader.source.course import read_course

        show_released(done, read_course(course, db_url))
    if done.failures:
        raise typer.Exit(1)


def merge(
    other: Annotated[Path, typer.Argument(help="The other grader's copy of gradebook.db.")],
    course: Course = HERE,
    prefer: Annotated[
        str | None, typer.Option(help="Whose value counts where both differ: ours or theirs.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")
    ] = False,
    db_url: Database = None,
    as_json: Json = False,
) -> None:
    """Manual scores, extra credit and comments from a copy of the gradebook. Example: grader merge other/gradebook.db --dry-run"""
    from grader.record.merge import Decision
    from grader.record.merge import merge as merge_gradebooks

    done = merge_gradebooks(course, other, prefer=prefer, dry_run=dry_run, db_url=db_url)
    if as_json:
        emit(done)
    else:
        show_merged(done, dry_run=dry_run)
    if done.of(Decision.CONFLICT, Decision.ABSENT):
        raise typer.Exit(1)


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
    students: Students = None,
    workers: Annotated[
        int | None, typer.Option(help="Submissions graded at once; one a processor by default.")
    ] = None,
    scheduler: Annotated[
        str | None, typer.Option(help="A Dask scheduler to use instead, tcp://host:port.")
    ] = None,
    without: Annotated[
        list[str] | None,
        typer.Option(
            "--without", help="A test that a person grades, by its grade id; may be given more than once."
        ),
    ] = None,
    db_url: Database = None,
    unsandboxed: Unsandboxed = False,
    as_json: Json = False,
) -> None:
    """Grade submitted/<student>/<unit>/ into the gradebook; a second run grades only what changed. Example: grader grade 05_momentum"""
    from grader.batch.grade import Options, grade_class
    from grader.sandbox import forkserver

    if scheduler is None:
        forkserver.must_fork()  # before anything is taken in
    if source is not None:
        _take_in(course, unit, source, roster, db_url)
    elif roster is not None:
        raise CourseError("--roster goes with --from: it says who is who in the submissions taken in")
    options = Options(
        students=students or None,
        workers=workers,
        scheduler=scheduler,
        allow_unsandboxed=unsandboxed,
        without=without or (),
        db_url=db_url,
        say=_say,
    )
    summary = grade_class(course, unit, options)
    forkserver.hang_up()  # it ends while the table is printed
    if as_json:
        emit(summary)
    else:
        show_class(summary)
        show_moves(summary)
        print(f"{len(summary.rows)} submissions, {summary.graded_now} graded now, in {summary.seconds:.1f} s")
    if any(row.status is not Status.GRADED for row in summary.rows):
        raise typer.Exit(1)


def _take_in(course: Path, unit: str, source: Path, roster: Path | None, db_url: str | None) -> None:
    """Put submissions into submitted/, and say what came of it."""
    from grader.lms.collect import collect
    from grader.lms.roster import read_roster
    from grader.source.course import read_course

    taken = collect(read_course(course, db_url), unit, source, read_roster(roster) if roster else None)
    for line in (taken.line, *taken.remarks[:20]):
        _say(line)
    if len(taken.remarks) > 20:
        _say(f"and {len(taken.remarks) - 20} more remarks of that kind")


def _say(line: str) -> None:
    print(f"grader: {line}", file=sys.stderr, flush=True)


def feedback(
    unit: Unit,
    course: Course = HERE,
    students: Students = None,
    to: Annotated[
        str | None,
        typer.Option("--to", help="moodle or canvas: also a zip of the pages, as the platform takes them."),
    ] = None,
    roster: Annotated[
        Path | None,
        typer.Option(
            "--roster", help="With --to moodle: the grading worksheet, where a download was not taken in."
        ),
    ] = None,
    db_url: Database = None,
    as_json: Json = False,
) -> None:
    """A page for each student, feedback/<student>/<unit>/; run it again after grading by hand. Example: grader feedback 05_momentum --to moodle"""
    from grader.pages.feedback import write_feedback

    if roster is not None and to is None:
        raise CourseError("--roster goes with --to: it says what the platform calls each student")
    written = write_feedback(course, unit, students=students or None, db_url=db_url)
    if as_json:
        emit(written)
    else:
        print(
            f"{written.submissions} submissions have feedback; {written.changed} pages are new or changed, in {written.seconds:.1f} s"
        )
    for who, why in (
        (written.ungraded, f"not graded yet, so without feedback: `grader grade {unit}` first"),
        (
            written.resubmitted,
            f"handed in again since the grading that the page is about: `grader grade {unit}` first",
        ),
    ):
        if who:
            _say(f"{some(who, 5, ascii)}: {why}")
    if to is not None:
        from grader.lms.hand_back import hand_back
        from grader.lms.roster import read_roster
        from grader.source.course import read_course

        listed = read_roster(roster) if roster else None
        _say(hand_back(read_course(course, db_url), unit, to, listed, students or None))
    if written.failed:
        raise typer.Exit(1)


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
    db_url: Database = None,
    as_json: Json = False,
) -> None:
    """The class on one page: scores, exercises, misconceptions, incidents, students. Example: grader report 05_momentum"""
    from grader.pages.report import write_report

    path, summary = write_report(course, unit, out=out, anonymous=anonymous, db_url=db_url)
    if as_json:
        emit(summary)
    else:
        print(f"{len(summary.students)} submissions: {path}")


def export(
    units: Units = None,
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
    db_url: Database = None,
    as_json: Json = False,
) -> None:
    """Final scores for Canvas, Moodle, Gradescope or a CSV. Example: grader export 05_momentum --to canvas --roster canvas.csv"""
    from grader.lms.export import export_grades

    done = export_grades(course, units or (), to=to, out=out, roster=roster, db_url=db_url, bom=bom)
    if as_json:
        emit(done)
    else:
        _say(done.line)
