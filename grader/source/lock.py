"""One process at a time in a course, and what its disk says in one line."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

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
    """Hold the course whose state is in `folder`, so that one process writes its state and gradebook.

    The operating system lets go when the process ends, however it ends. Raises CourseError where another one holds it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "lock"
    try:
        held = FileLock(path, mode=0o600, blocking=False, on_acquired=_sign).acquire()
    except Timeout:
        owner = path.read_text("ascii", "replace").strip()
        who = f" (process {owner})" if owner.isdigit() else ""
        raise CourseError(
            f"{folder.parent}: another grader is at work here{who}; wait for it to end, or stop it"
        ) from None
    with held:
        yield


def _sign(file: int) -> None:
    """Put our process number into the lock, for the message to the next one."""
    os.ftruncate(file, 0)
    os.pwrite(file, str(os.getpid()).encode(), 0)
