"""One process at a time in a course, and what its disk says in one line."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from grader.errors import CourseError
from grader.source.course import Course


@contextlib.contextmanager
def disk_errors(course: Course) -> Iterator[None]:
    """A full disk, a read-only folder and the like, in one line."""
    try:
        yield
    except OSError as error:
        where = error.filename or course.root
        raise CourseError(
            f"{where}: {error.strerror or error}; nothing graded is lost: mend that, then give the same command again"
        ) from error


@contextlib.contextmanager
def hold(folder: Path) -> Iterator[None]:
    """Hold the course whose state is in `folder`, so that one process writes its journal and gradebook.

    The operating system lets go when the process ends, however it ends. Raises CourseError where another one holds it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    file = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        if not _lock(file):
            owner = os.read(file, 20).decode(errors="replace").strip()
            who = f" (process {owner})" if owner.isdigit() else ""
            raise CourseError(
                f"{folder.parent}: another grader is at work here{who}; wait for it to end, or stop it"
            )
        os.ftruncate(file, 0)
        os.pwrite(file, str(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(file)


def _lock(file: int) -> bool:
    try:
        import fcntl
    except ImportError:  # Windows
        import msvcrt

        take = lambda: msvcrt.locking(file, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]  # noqa: E731
    else:
        take = lambda: fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # noqa: E731
    try:
        take()
    except OSError:
        return False
    return True
