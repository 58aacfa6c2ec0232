"""Text sources that say something else than the notebooks beside them. Light to import: a class is not graded before this is known."""

from __future__ import annotations

from pathlib import Path

from grader.errors import CourseError
from grader.source.course import Course
from grader.source.notebook import is_text_source


def unbuilt(course: Course, unit: str) -> list[Path]:
    """Text sources that say something else than the notebooks beside them, by which a class is graded."""
    return [source for source in text_sources(course, unit) if not _is_built(source)]


def _is_built(source: Path) -> bool:
    if source.stat().st_mtime_ns == mtime(source.with_suffix(".ipynb")):
        return True  # `build_source` gives both one time
    from grader.build.sources import is_built  # takes seconds to import

    try:
        return is_built(source)
    except CourseError:  # a source that cannot be read says something else, too
        return False


def text_sources(course: Course, unit: str) -> list[Path]:
    """Text sources of a unit."""
    return sorted(path for path in course.source(unit).glob("*.py") if is_text_source(path))


def mtime(path: Path) -> int:
    """When a file was last written, in nanoseconds; 0 where there is none."""
    return path.stat().st_mtime_ns if path.exists() else 0
