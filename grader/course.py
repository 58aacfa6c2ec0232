"""A course's folder as nbgrader_config.py lays it out: where submissions lie, which gradebook, who handed in."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from traitlets.config import Config
from traitlets.config.loader import JSONFileConfigLoader, PyFileConfigLoader

from grader.notebook import Assignment, CourseError, read_assignment

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
        """Where the grader keeps what is neither the student's nor nbgrader's: journals and the lock."""
        return self.root / ".grader"

    def folder(self, step: str, student: str, unit: str) -> Path:
        """nbgrader's folder of one student's unit in `step`."""
        return self.root / self.structure.format(
            nbgrader_step=self.steps[step], student_id=student, assignment_id=unit
        )

    def assignment(self, unit: str) -> Assignment:
        """The instructor's version of a unit. Raises CourseError where there is none."""
        if Path(unit).name != unit or unit in ("", ".", ".."):
            raise CourseError(f"'{unit}' is no unit's name: give the folder's name, such as 05_momentum")
        return read_assignment(self.folder("source", ".", unit))

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
                config.merge(loader(name, path=folder).load_config())
            except Exception as error:
                what = f"{type(error).__name__}: {error}".splitlines()[0]
                raise CourseError(f"{os.path.join(folder, name)} cannot be read: {what}") from error
    return config
