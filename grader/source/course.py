"""A course's folder as nbgrader_config.py lays it out: where submissions lie, which gradebook, who handed in."""

from __future__ import annotations

import contextlib
import csv
import functools
import math
import os
import sys
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo

from traitlets.config import Config
from traitlets.config.loader import JSONFileConfigLoader, PyFileConfigLoader

from grader.errors import CourseError
from grader.source.conventions import STATE, Conventions, conventions
from grader.source.notebook import Assignment, read_assignment, units_in
from grader.text import printable

EXTENSIONS = "extensions.csv"
"""Extra time, kept by the instructor in the course's folder: a line `student,unit,hours` each; unit * means every unit."""
_DEFAULTS = {
    "source": "solutions",
    "release": "assignments",
    "submitted": "submitted",
    "autograded": "autograded",
    "feedback": "feedback",
}


@dataclass(frozen=True)
class Course:
    """One course. `steps` maps nbgrader's steps (source, submitted, autograded ...) to its folder names."""

    root: Path
    config: Config
    structure: str
    steps: dict[str, str]
    db_url: str
    course_id: str

    @property
    def state(self) -> Path:
        """Where the grader keeps what is neither the student's nor nbgrader's: state.db and the lock."""
        return self.root / STATE

    @property
    def private(self) -> tuple[Path, ...]:
        """What no student's code may read: the folders of every step, settings, and the gradebook where it is a file."""
        book = [Path(self.db_url.removeprefix("sqlite:///"))] if self.db_url.startswith("sqlite:////") else []
        return (
            self.state,
            self.root / "nbgrader_config.py",
            *book,
            *(self.root / name for name in self.steps.values()),
        )

    @property
    def zone(self) -> tzinfo | None:
        """nbgrader's Exchange.timezone; None where the course sets none. Raises CourseError where it is no time zone."""
        name = self.config.get("Exchange", {}).get("timezone")
        try:
            return ZoneInfo(str(name)) if name else None
        except (KeyError, ValueError, OSError) as error:  # ZoneInfoNotFoundError is a KeyError
            raise CourseError(f"nbgrader_config.py: Exchange.timezone '{name}' is no time zone") from error

    def local(self, time: datetime) -> str:
        """A time (naive UTC) as the course's zone has it, with the zone: `2026-03-01 23:59 CST (Asia/Shanghai)`."""
        if self.zone is None:
            return f"{time:%Y-%m-%d %H:%M} UTC"
        return f"{time.replace(tzinfo=UTC).astimezone(self.zone):%Y-%m-%d %H:%M %Z} ({self.zone})"

    def folder(self, step: str, student: str, unit: str) -> Path:
        """nbgrader's folder of one student's unit in `step`."""
        return self.root / self.structure.format(
            nbgrader_step=self.steps[step], student_id=student, assignment_id=unit
        )

    def assignment(self, unit: str) -> Assignment:
        """The instructor's version of a unit. Raises CourseError where there is none."""
        return read_assignment(self.source(unit), self.conventions)

    @functools.cached_property
    def conventions(self) -> Conventions:
        """What the configuration says of sources: markers, header and footer, which files travel."""
        return conventions(self.config, self.root)

    def units(self) -> list[str]:
        """Names of all units in the source folder."""
        above = self.folder("source", ".", "-").parent
        return units_in(above) if above.is_dir() else []

    def source(self, unit: str) -> Path:
        """The folder of the instructor's version. Raises CourseError for what cannot be a unit's name."""
        if Path(unit).name != unit or unit in ("", ".", ".."):
            raise CourseError(f"'{unit}' is no unit's name: give the folder's name, such as 05_momentum")
        return self.folder("source", ".", unit)

    def students(self, unit: str) -> list[str]:
        """Ids of those who handed in `unit`, sorted: folder names, whatever is in them (no patterns, no globbing)."""
        where, below = self._around_student(unit)
        try:
            with os.scandir(where) as entries:
                return sorted(entry.name for entry in entries if os.path.lexists(Path(entry, *below)))
        except FileNotFoundError:
            return []
        except OSError as error:
            raise CourseError(f"{where}: {error.strerror}; the submissions must be readable") from error

    def is_link(self, student: str, unit: str) -> bool:
        """Whether a student's folder or its unit's is a link: it could lead to anything, so it is not followed."""
        where, below = self._around_student(unit)
        parts = (student, *below)
        return any(where.joinpath(*parts[: n + 1]).is_symlink() for n in range(len(parts)))

    def _around_student(self, unit: str) -> tuple[Path, tuple[str, ...]]:
        """The folder that holds the students' folders, and the folders from a student's to the submission."""
        parts = self.folder("submitted", "\0", unit).parts
        at = parts.index("\0")
        return Path(*parts[:at]), parts[at + 1 :]


def read_course(root: Path, db_url: str | None = None) -> Course:
    """The course in `root`: nbgrader's configuration from Jupyter's folders and from `root`, which wins.

    A `db_url` given here wins over the configuration's. Raises CourseError where the folder or its configuration is unusable.
    """
    root = root.resolve()
    if not root.is_dir():
        raise CourseError(
            f"{root}: no such folder; give the course's folder (where nbgrader_config.py stands)"
        )
    config = _read_config(root)
    given = config.get("CourseDirectory", Config())
    structure = str(
        given.get("directory_structure", os.path.join("{nbgrader_step}", "{student_id}", "{assignment_id}"))
    )
    if "{student_id}" not in Path(structure).parts:
        raise CourseError(
            "nbgrader_config.py: directory_structure must have {student_id} as a folder of its own"
        )
    local = (root / "solutions").is_dir() or not (root / "source").is_dir()
    steps = {
        step: str(given.get(f"{step}_directory", ours if local else step)) for step, ours in _DEFAULTS.items()
    }
    url = db_url or str(given.get("db_url", "")) or "sqlite:///gradebook.db"
    if url.startswith("sqlite:///") and not url.startswith(
        ("sqlite:////", "sqlite:///:memory:", "sqlite:///file:")
    ):
        url = f"sqlite:///{root / url.removeprefix('sqlite:///')}"  # relative to the course, wherever we are started
    return Course(root, config, structure, steps, url, str(given.get("course_id", "")))


@contextlib.contextmanager
def own_list(path: Path, columns: Sequence[str], undone: str) -> Iterator[Iterator[tuple[str, list[str]]]]:
    """The lines of a list that the instructor keeps in the course's folder: `line 3: `, and the cells of these columns.

    What is found wrong with the file, here or by who reads it (ValueError), becomes a CourseError that ends with what is `undone`.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = csv.DictReader(file, skipinitialspace=True)
            if not {*columns} <= set(rows.fieldnames or ()):
                raise ValueError(f"the first line must be: {','.join(columns)}")
            yield (
                (f"line {rows.line_num}: ", [(row[name] or "").strip() for name in columns]) for row in rows
            )
    except (OSError, ValueError, csv.Error, OverflowError) as error:
        raise CourseError(f"{path}: {getattr(error, 'strerror', None) or error}; {undone}") from error


def read_extensions(root: Path, unit: str) -> dict[str, timedelta]:
    """Extra time for `unit` by student, from extensions.csv; a line for the unit itself wins over one for every unit.

    Raises CourseError, with the line, where one makes no sense.
    """
    hours: dict[str, dict[str, float]] = {unit: {}, "*": {}}
    path = root / EXTENSIONS
    if not path.exists():
        return {}
    with own_list(path, ("student", "unit", "hours"), "nothing was graded") as lines:
        for where, (student, whose, text) in lines:
            try:
                given = float(text)
            except ValueError:
                given = -1.0
            if not (0 <= given < math.inf and student and whose):
                raise ValueError(f"{where}give a student, a unit (or *) and hours, 0 or more")
            if student in hours.setdefault(whose, {}):
                raise ValueError(f"{where}'{student}' has a line for '{whose}' already")
            hours[whose][student] = given
        return {who: timedelta(hours=given) for who, given in (hours["*"] | hours[unit]).items()}


@contextlib.contextmanager
def importable(root: Path) -> Iterator[None]:
    """Modules in the course's folder can be imported, as nbgrader lets its plug-ins lie there."""
    sys.path.insert(0, str(root))
    try:
        yield
    finally:
        sys.path.remove(str(root))


def _read_config(root: Path) -> Config:
    from jupyter_core.paths import jupyter_config_path

    config = Config()
    for folder in [*reversed(jupyter_config_path()), str(root)]:
        for loader, name in (
            (JSONFileConfigLoader, "nbgrader_config.json"),
            (PyFileConfigLoader, "nbgrader_config.py"),
        ):
            if not os.path.isfile(os.path.join(folder, name)):
                continue
            try:
                with importable(root):
                    config.merge(loader(name, path=folder).load_config())
            except Exception as error:
                what = f"{type(error).__name__}: {error}".splitlines()[0]
                raise CourseError(f"{os.path.join(folder, name)} cannot be read: {what}") from error
    return config


def chosen(all_students: list[str], students: Collection[str] | None, unit: str) -> list[str]:
    """The students asked for, of those who handed in; all where none are named. Raises CourseError where there are none."""
    if not all_students:
        raise CourseError(f"no submissions of '{unit}': they belong into submitted/<student>/{unit}/")
    if students is None:
        return all_students
    unknown = sorted(set(students) - set(all_students))
    if unknown:
        raise CourseError(
            f"no submission of '{unit}' by {', '.join(map(printable, unknown))}; {len(all_students)} others are there"
        )
    return sorted(set(students))
