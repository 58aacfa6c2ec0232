"""`grader release`: the student version into the release folder, checked; its cells into the gradebook; a record of both.

    .grader/<unit>.release.json   digests of every cell and file as they were released

The record is what later commands compare the source with: an edit after release is said before anything is graded.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import tempfile
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from grader.course import Course, disk_errors, read_course
from grader.errors import CourseError
from grader.files import write_whole
from grader.gradebook import Gradebook
from grader.journal import hold
from grader.markers import split_regions
from grader.notebook import Assignment, Cell, Role

EDITORS_OWN = (".ipynb_checkpoints", "__pycache__", ".DS_Store")
"""What editors leave in a release folder: neither released nor in the way."""
MARKERS = (b"BEGIN SOLUTION", b"BEGIN HIDDEN TESTS", b"BEGIN MARK SCHEME")


@dataclass(frozen=True, slots=True)
class Edit:
    """Something in a unit that is not as it was released: a cell's id or a file's name, and what about it."""

    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.where} ({self.what})"


@dataclass(frozen=True)
class Record:
    """What was released. A cell is [role, points, digest of its source, digest of what students see of it]."""

    released: str
    repository: str
    cells: dict[str, list[Any]]
    files: dict[str, str]
    handed_out: dict[str, str]


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
    from grader.build import generate, mirror, point_to

    address = _address(repository) if repository else ""
    course = read_course(folder, db_url)
    with disk_errors(course), hold(course.state), tempfile.TemporaryDirectory() as scratch:
        _build_sources(course, unit, address)
        assignment = course.assignment(unit)
        made = generate(course, unit, Path(scratch))
        for path in made.glob("*.ipynb") if address else ():
            point_to(path, address)
        target = course.folder("release", ".", unit)
        before = read_record(course, unit)
        _check(course, assignment, made)
        _refuse_foreign_files(target, made, before)
        with contextlib.closing(Gradebook(course, assignment)) as gradebook:
            graded, duedate = gradebook.graded(), gradebook.duedate
        changed = any(item.changed for item in mirror(made, target))
        handed_out = {str(path.relative_to(made)): _digest(path.read_bytes()) for path in _files(made)}
        now = Record(
            datetime.now(UTC).isoformat(timespec="seconds"),
            _named(made),
            _cells(assignment),
            _shipped(assignment),
            handed_out,
        )
        first = before is None
        edits = tuple(compare(before, now)) if before else ()
        if before is None or asdict(before) | {"released": ""} != asdict(now) | {"released": ""}:
            changed, before = True, now
            _write_record(course, unit, now)
    return Released(
        unit=unit,
        folder=target,
        files=tuple(sorted(handed_out)),
        repository=now.repository,
        test_points=assignment.max_points,
        written_points=sum(
            c.points for nb in assignment.notebooks for c in nb.cells if c.role is Role.WRITTEN
        ),
        duedate=duedate,
        since=before.released,
        first=first,
        changed=changed,
        edits=edits,
        graded=graded,
    )


def edited(course: Course, assignment: Assignment) -> tuple[str, tuple[Edit, ...]]:
    """When `assignment` was released, and what was edited since; ("", ()) where `grader release` knows nothing of it."""
    record = read_record(course, assignment.unit)
    if record is None:
        return "", ()
    now = Record("", record.repository, _cells(assignment), _shipped(assignment), record.handed_out)
    return record.released, tuple(compare(record, now))


def unbuilt(course: Course, unit: str) -> list[Path]:
    """Text sources that say something else than the notebooks beside them, by which a class is graded."""
    sources = _text_sources(course, unit)
    if all(source.stat().st_mtime_ns == _mtime(source.with_suffix(".ipynb")) for source in sources):
        return []
    from grader.build import is_built  # takes a second to import

    found = []
    for source in sources:
        with contextlib.suppress(CourseError):  # a source that cannot be read says something else, too
            if is_built(source):
                continue
        found.append(source)
    return found


def _build_sources(course: Course, unit: str, address: str) -> None:
    """Build a unit's notebooks from their text sources, where there are any. Raises CourseError where only the notebook was edited."""
    from grader.build import build_source, repository_url

    for source in unbuilt(course, unit):
        if _mtime(source.with_suffix(".ipynb")) > source.stat().st_mtime_ns:
            raise CourseError(
                f"{source.with_suffix('.ipynb')} was edited but its text source {source.name} was not; "
                "make the same edit there (JupyterLab's jupytext pairs them), then give the same command again"
            )
    known = (course.root / "pyproject.toml").exists() or not address
    for source in _text_sources(course, unit):
        build_source(source, repository_url(course.root) if known else address)


def compare(then: Record, now: Record) -> list[Edit]:
    """What is in `now` and not in `then`, and the other way round."""
    edits, plain = [], {"added": 0, "removed": 0}
    for name in sorted({*then.cells, *now.cells}):
        old, new = then.cells.get(name), now.cells.get(name)
        if old is None or new is None:
            what = "added" if old is None else "removed"
            if (old or new or [""])[0] in _PLAIN:  # their ids follow from their text
                plain[what] += 1
            else:
                edits.append(Edit(name, what))
            continue
        if old[1] != new[1]:
            edits.append(Edit(name, f"points {old[1]:g} to {new[1]:g}"))
        if old[3] != new[3]:
            edits.append(Edit(name, _WHAT.get(new[0], new[0])))
        elif old[2] != new[2]:
            edits.append(
                Edit(name, "hidden tests" if new[0] == Role.TEST else "model answer, which decides no score")
            )
    if any(plain.values()):
        edits.append(Edit("text", f"{max(plain.values())} cells around the exercises"))
    edits += [
        Edit(name, "file")
        for name in sorted({*then.files, *now.files})
        if then.files.get(name) != now.files.get(name)
    ]
    if then.repository != now.repository:
        edits.append(Edit("badge and %pip line", f"now {now.repository}"))
    return edits


_SOLUTION = "solution"
_PLAIN = (Role.TEXT, Role.WORK)
_WHAT = {
    Role.TEXT: "text",
    Role.SETUP: "set-up cell",
    Role.WORK: "code",
    _SOLUTION: "code that students start from",
    Role.WRITTEN: "written question",
}


def read_record(course: Course, unit: str) -> Record | None:
    """What was released of `unit`; None where nothing was, or where its record is damaged."""
    try:
        return Record(**json.loads(_path(course, unit).read_text("utf-8")))
    except (FileNotFoundError, ValueError, TypeError):
        return None


def _write_record(course: Course, unit: str, record: Record) -> None:
    write_whole(_path(course, unit), (json.dumps(asdict(record), indent=1, sort_keys=True) + "\n").encode())


def _path(course: Course, unit: str) -> Path:
    return course.state / f"{unit}.release.json"


def _cells(assignment: Assignment) -> dict[str, list[Any]]:
    alone = len(assignment.notebooks) == 1
    return {
        cell.id if alone else f"{nb.name}/{cell.id}": [
            _SOLUTION if cell.solution and cell.role is Role.WORK else str(cell.role),
            cell.points,
            _digest(cell.source.encode()),
            _digest(_seen(cell, nb.name).encode()),
        ]
        for nb in assignment.notebooks
        for cell in nb.cells
    }


def _seen(cell: Cell, where: str) -> str:
    """What students see of a cell: the model answer of a written question, solutions and hidden tests are not part of it."""
    if cell.role is Role.WRITTEN and cell.solution:
        return ""
    return split_regions(cell.source, f"{where}: '{cell.id}'")[0]


def _shipped(assignment: Assignment) -> dict[str, str]:
    return {name: _digest(content) for name, content in assignment.files}


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]


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


def _text_sources(course: Course, unit: str) -> list[Path]:
    """Text sources of a unit: those that have the unit's name, or a notebook's beside them."""
    folder = course.source(unit)
    return sorted(p for p in folder.glob("*.py") if p.stem == folder.name or p.with_suffix(".ipynb").exists())


def _mtime(path: Path) -> int:
    return path.stat().st_mtime_ns if path.exists() else 0


def _files(folder: Path) -> list[Path]:
    return sorted(
        path
        for path in folder.rglob("*")
        if path.is_file() and not {*path.relative_to(folder).parts} & {*EDITORS_OWN}
    )


def _check(course: Course, assignment: Assignment, made: Path) -> None:
    """Raises CourseError where something that is not for students stands in the student version."""
    import nbformat

    from grader.verify import leaked

    folder = course.folder("source", ".", assignment.unit)
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


def _refuse_foreign_files(target: Path, made: Path, before: Record | None) -> None:
    """Raises CourseError where somebody else's files would be lost: releasing makes the folder hold the student version alone."""
    ours = {path.relative_to(made) for path in _files(made)} | {
        Path(p) for p in (before.handed_out if before else ())
    }
    foreign = [
        str(path.relative_to(target)) for path in _files(target) if path.relative_to(target) not in ours
    ]
    if foreign:
        more = f" and {len(foreign) - 3} more" if len(foreign) > 3 else ""
        raise CourseError(
            f"{target}: {', '.join(foreign[:3])}{more} would be lost: move what is no part of the unit elsewhere, "
            "or into the source folder if students need it, then release again"
        )
