"""`grader release`: the student version into the release folder, checked; its cells into the gradebook; a snapshot of the unit kept.

The snapshot is what later commands compare the source with: an edit after release is said before anything is graded.
"""

from __future__ import annotations

import contextlib
import re
import tempfile
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from fnmatch import fnmatch
from pathlib import Path

from grader.build.unbuilt import mtime, text_sources, unbuilt
from grader.errors import CourseError
from grader.record.edits import Edit, edits, snapshot
from grader.record.gradebook import Gradebook
from grader.record.journal import Journal, Release
from grader.source.course import Course, read_course
from grader.source.lock import disk_errors, hold
from grader.source.notebook import Assignment, Role
from grader.source.regions import split_regions
from grader.text import some

EDITORS_OWN = (".ipynb_checkpoints", "__pycache__", ".DS_Store")
"""What editors leave in a release folder: neither released nor in the way."""
MARKERS = (b"BEGIN SOLUTION", b"BEGIN HIDDEN TESTS", b"BEGIN MARK SCHEME")


@dataclass(frozen=True)
class Released:
    """What `release` did: where the student version lies, what is in it, and what is new in it since last time.

    `first`: nothing was released before. `changed`: the release folder or the record was. `graded` had grades already.
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


def release(folder: Path, unit: str, *, repository: str | None = None, db_url: str | None = None) -> Released:
    """Make, check, register and record the student version of `unit` in the course at `folder`.

    `repository` is OWNER/NAME on GitHub, where badge and %pip line then point; by default they name the address in the course's
    pyproject.toml, and where there is no text source to build from, what the source notebook names. Raises CourseError where the unit cannot
    be released as it is; the release folder is then as it was.
    """
    from grader.build.sources import point_to
    from grader.build.student_version import generate, mirror

    address = _address(repository) if repository else ""
    course = read_course(folder, db_url)
    with disk_errors(course), hold(course.state), contextlib.ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        journal = stack.enter_context(contextlib.closing(Journal(course.state)))
        _build_sources(course, unit, address)
        assignment = course.assignment(unit)
        made = generate(course, unit, scratch)
        for path in made.glob("*.ipynb") if address else ():
            point_to(path, address)
        target, before = course.folder("release", ".", unit), journal.released(unit)
        _check(course, assignment, made)
        _refuse_foreign_files(target, made, before)
        with contextlib.closing(Gradebook(course, assignment)) as gradebook:
            graded, duedate = gradebook.graded(), gradebook.duedate
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
    )


def _edits(before: Release | None, now: Release) -> tuple[Edit, ...]:
    if before is None:
        return ()
    address = (Edit("badge and %pip line", f"now {now.repository}"),)
    return edits(before.snapshot, now.snapshot) + (address if before.repository != now.repository else ())


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


def _check(course: Course, assignment: Assignment, made: Path) -> None:
    """Raises CourseError where something that is not for students stands in the student version."""
    import nbformat

    from grader.release.leaks import leaked

    folder = course.folder("source", ".", assignment.unit)
    for notebook in assignment.notebooks:
        for cell in notebook.cells:
            if cell.role is not Role.WRITTEN:
                split_regions(
                    cell.source, f"{notebook.name}: '{cell.id}'"
                )  # raises where a marker is misspelt
    for path in _files(made):
        name = path.relative_to(made)
        if path.suffix == ".ipynb":
            source = nbformat.read(folder / name, as_version=4)
            released = nbformat.read(path, as_version=4)
            for where, token in leaked(source, released, course.config, str(name)):
                raise CourseError(
                    f"{assignment.unit}: not released: '{token}' of a solution or hidden test stands in {where} for students"
                )
        elif fnmatch(name.name, "bank.py") or (
            (folder / name.with_suffix(".ipynb")).exists() and path.suffix == ".py"
        ):
            raise CourseError(
                f"{assignment.unit}: not released: {name} would go to students; put '*.py' into CourseDirectory.ignore in nbgrader_config.py"
            )
        if any(marker in path.read_bytes() for marker in MARKERS):
            raise CourseError(
                f"{assignment.unit}: not released: a solution or hidden test stands in {name} for students"
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
