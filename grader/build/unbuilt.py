"""Text sources that say something else than the notebooks beside them. Light to import: a class is not graded before this is known."""

from __future__ import annotations

import contextlib
from pathlib import Path

from grader.errors import CourseError
from grader.source.course import Course


def unbuilt(course: Course, unit: str) -> list[Path]:
    """Text sources that say something else than the notebooks beside them, by which a class is graded."""
    sources = text_sources(course, unit)
    if all(source.stat().st_mtime_ns == mtime(source.with_suffix(".ipynb")) for source in sources):
        return []
    from grader.build.sources import is_built  # takes seconds to import

    found = []
    for source in sources:
        with contextlib.suppress(CourseError):  # a source that cannot be read says something else, too
            if is_built(source):
                continue
        found.append(source)
    return found


def text_sources(course: Course, unit: str) -> list[Path]:
    """Text sources of a unit: those that have the unit's name, or a notebook's beside them."""
    folder = course.source(unit)
    return sorted(p for p in folder.glob("*.py") if p.stem == folder.name or p.with_suffix(".ipynb").exists())


def mtime(path: Path) -> int:
    """When a file was last written, in nanoseconds; 0 where there is none."""
    return path.stat().st_mtime_ns if path.exists() else 0
