"""`grader release`: the student version into the release folder, checked; its cells into the gradebook; a snapshot of the unit kept.

The snapshot is what later commands compare the source with: an edit after release is said before anything is graded.
"""

from __future__ import annotations

import contextlib
import re
import tempfile
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from grader.build.unbuilt import mtime, text_sources, unbuilt
from grader.engine.grade import grade, result_key
from grader.engine.result import Result
from grader.engine.submission import Submission
from grader.errors import CourseError
from grader.record import own
from grader.record.edits import Edit, edits, snapshot
from grader.record.gradebook import Gradebook
from grader.record.journal import Journal, Release
from grader.source.course import Course, read_course
from grader.source.lock import disk_errors, hold
from grader.source.notebook import Assignment, Role, is_bank, is_text_source, source_cells
from grader.source.regions import split_regions
from grader.text import some

EDITORS_OWN = (".ipynb_checkpoints", "__pycache__", ".DS_Store")
"""What editors leave in a release folder: neither released nor in the way."""
MARKERS = (b"BEGIN SOLUTION", b"BEGIN HIDDEN TESTS", b"BEGIN MARK SCHEME")


@dataclass(frozen=True)
class Released:
    """What `release` did: where the student version lies, what is in it, and what is new in it since last time.

    `first`: nothing was released before. `changed`: the release folder or the record was. `graded` had grades already. `failures`: tests that
    the source's own solution does not pass, with the reasons; `open_tests`: those that an untouched notebook passes; `in_process`: failures that
    pass in one plain kernel, and would if they ran in the student's process.
    """

    unit: str
    folder: Path
    files: tuple[str, ...]
    repository: str
    test_points: float
    written_points: float
    duedate: datetime | None
    since: str
    first: bool
    changed: bool
    edits: tuple[Edit, ...]
    graded: tuple[str, ...]
    failures: Mapping[str, str]
    open_tests: tuple[str, ...]
    in_process: tuple[str, ...]


def release(
    folder: Path,
    unit: str,
    *,
    repository: str | None = None,
    variant: int | None = None,
    db_url: str | None = None,
    allowed_lines: Collection[str] = (),
    in_process: bool = False,
) -> Released:
    """Make, check, register and record the student version of `unit` in the course at `folder`.

    `repository` is OWNER/NAME on GitHub, where badge and %pip line then point; by default they name the address in the course's
    pyproject.toml, and where there is no text source to build from, what the source notebook names. `allowed_lines` are no
    secrets although a solution has them. `in_process` writes the tag of that name into the source's cells of tests that its
    solution passes in one plain kernel only. `variant` is written into the unit's text source, as its VARIANT, so
    that student version and hidden tests go by it. Raises CourseError where the unit cannot be released as it is; the release folder
    is then as it was.
    """
    from grader.build.sources import point_to
    from grader.build.student_version import generate, mirror

    address = _address(repository) if repository else ""
    course = read_course(folder, db_url)
    with disk_errors(course), hold(course.state), contextlib.ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        journal = stack.enter_context(contextlib.closing(Journal(course.state)))
        if variant is not None:
            _set_variant(course, unit, variant)
        _build_sources(course, unit, address)
        assignment = course.assignment(unit)
        failing, offered = _failing(course, assignment, journal), tuple[str, ...]()
        if failing:
            from grader.release.in_process import pass_in_a_plain_kernel, tag

            offered = pass_in_a_plain_kernel(course, assignment, failing)
            if in_process and offered:
                tag(course, unit, offered)
                _build_sources(course, unit, address)
                assignment = course.assignment(unit)
                failing = _failing(course, assignment, journal)
        made = generate(course, unit, scratch)
        for path in made.glob("*.ipynb") if address else ():
            point_to(path, address)
        target, before = course.folder("release", ".", unit), journal.released(unit)
        _check(course, assignment, made, allowed_lines)
        _refuse_foreign_files(target, made, before)
        with contextlib.closing(Gradebook(course, assignment)) as gradebook:
            graded, duedate = gradebook.graded(), gradebook.duedate
            blank = own.untouched(course.source(unit), assignment, course.conventions, gradebook.released)
            result = _judge(blank, assignment, journal)
            journal.append_own(result)
            open_tests = own.passed(result)
        changed = any(item.changed for item in mirror(made, target))
        handed_out = tuple(sorted(str(path.relative_to(made)) for path in _files(made)))
        now = datetime.now(UTC).isoformat(timespec="seconds")
        done = Release(now, _named(made), handed_out, snapshot(assignment))
        if before is None or replace(before, released=now) != done:
            changed = True
            journal.append_release(unit, done)
        else:
            done = before
    return Released(
        unit=unit,
        folder=target,
        files=handed_out,
        repository=done.repository,
        test_points=assignment.max_points,
        written_points=sum(
            c.points for nb in assignment.notebooks for c in nb.cells if c.role is Role.WRITTEN
        ),
        duedate=duedate,
        since=done.released,
        first=before is None,
        changed=changed,
        edits=_edits(before, done),
        graded=graded,
        failures=failing,
        open_tests=open_tests,
        in_process=offered,
    )


def _failing(course: Course, assignment: Assignment, journal: Journal) -> dict[str, str]:
    """The tests that the source's own solution does not pass, with the reasons; they are tried again the next time."""
    version = own.solution(course.source(assignment.unit), assignment, course.conventions)
    result = _judge(version, assignment, journal)
    failing = own.failures(result)
    if not failing:
        journal.append_own(result)
    return failing


def _judge(version: Submission, assignment: Assignment, journal: Journal) -> Result:
    """The result of the unit's own version, graded once per key. It is the instructor's code: a machine without isolation may run it."""
    if known := journal.own(result_key(version, assignment)):
        return known
    try:
        return grade(version, assignment)
    except CourseError:
        return grade(version, assignment, allow_unsandboxed=True)


def _edits(before: Release | None, now: Release) -> tuple[Edit, ...]:
    if before is None:
        return ()
    address = (Edit("badge and %pip line", f"now {now.repository}"),)
    return edits(before.snapshot, now.snapshot) + (address if before.repository != now.repository else ())


def _set_variant(course: Course, unit: str, variant: int) -> None:
    """Write the seed of this class's data into the unit's text source. Raises CourseError where the unit has none."""
    line = re.compile(r"^VARIANT = \d+", re.MULTILINE)
    sources = [path for path in text_sources(course, unit) if line.search(path.read_text("utf-8"))]
    if not sources or variant < 0:
        raise CourseError(
            f"--variant {variant}: give a seed of 0 or more, and a unit whose text source has a line VARIANT = 0"
        )
    for path in sources:
        text = path.read_text("utf-8")
        if (changed := line.sub(f"VARIANT = {variant}", text)) != text:
            path.write_text(changed, "utf-8")


def _build_sources(course: Course, unit: str, address: str) -> None:
    """Build a unit's notebooks from their text sources, where there are any. Raises CourseError where only the notebook was edited."""
    from grader.build.sources import build_source, repository_url

    for source in unbuilt(course, unit):
        if mtime(source.with_suffix(".ipynb")) > source.stat().st_mtime_ns:
            raise CourseError(
                f"{source.with_suffix('.ipynb')} was edited but its text source {source.name} was not; "
                "make the same edit there (JupyterLab's jupytext pairs them), then give the same command again"
            )
    known = (course.root / "pyproject.toml").exists() or not address
    for source in text_sources(course, unit):
        build_source(source, repository_url(course.root) if known else address)


def _address(repository: str) -> str:
    found = re.fullmatch(r"(?:https://github\.com/)?([\w.-]+/[\w.-]+?)(?:\.git)?/?", repository)
    if found is None:
        raise CourseError(
            f"--repository {repository}: give OWNER/NAME, as in the repository's address on GitHub"
        )
    return f"https://github.com/{found[1]}"


def _named(made: Path) -> str:
    """The address that the student version's %pip line names; empty where there is none."""
    found = (
        re.search(r"git\+(https?://[^\"\s\\]+)", path.read_text("utf-8"))
        for path in sorted(made.glob("*.ipynb"))
    )
    return next((match[1] for match in found if match), "")


def _files(folder: Path) -> list[Path]:
    return sorted(
        path
        for path in folder.rglob("*")
        if path.is_file() and not {*path.relative_to(folder).parts} & {*EDITORS_OWN}
    )


def _check(course: Course, assignment: Assignment, made: Path, allowed: Collection[str]) -> None:
    """Raises CourseError where something that is not for students stands in the student version."""
    from grader.release.leaks import leaked

    folder = course.source(assignment.unit)
    for notebook in assignment.notebooks:
        for cell in notebook.cells:
            if cell.role is not Role.WRITTEN:
                split_regions(
                    cell.source, f"{notebook.name}: '{cell.id}'"
                )  # raises where a marker is misspelt
    for path in _files(made):
        name = path.relative_to(made)
        text = path.read_bytes()
        if path.suffix == ".ipynb":
            text = "\n".join(cell["source"] for cell in source_cells(path, course.conventions)).encode()
        elif is_bank(path) or is_text_source(folder / name):
            raise CourseError(
                f"{assignment.unit}: not released: {name} would go to students; put '{name}' into CourseDirectory.ignore in nbgrader_config.py"
            )
        if any(marker in text for marker in MARKERS):
            raise CourseError(
                f"{assignment.unit}: not released: a solution or hidden test stands in {name} for students"
            )
    for leak in leaked(course, assignment.unit, made, allowed):
        raise CourseError(
            f"{assignment.unit}: not released: '{leak.piece}' of a solution or hidden test stands in {leak.where} for students, in the line "
            f"'{leak.line}': take it out, or say that it is no secret by --allow-line '{leak.line}'"
        )


def _refuse_foreign_files(target: Path, made: Path, before: Release | None) -> None:
    """Raises CourseError where somebody else's files would be lost: releasing makes the folder hold the student version alone."""
    ours = {path.relative_to(made) for path in _files(made)} | {
        Path(p) for p in (before.handed_out if before else ())
    }
    foreign = [
        str(path.relative_to(target)) for path in _files(target) if path.relative_to(target) not in ours
    ]
    if foreign:
        raise CourseError(
            f"{target}: {some(foreign)} would be lost: move what is no part of the unit elsewhere, "
            "or into the source folder if students need it, then release again"
        )
