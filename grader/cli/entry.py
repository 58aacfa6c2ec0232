"""Where `grader` begins: before the command line is imported, what takes longest is on its way."""

from __future__ import annotations

import atexit
import contextlib
import gc
import itertools
import sys
from collections.abc import Sequence
from glob import escape
from pathlib import Path

from grader.errors import CourseError


def main() -> None:
    """Entry point of `grader`."""
    # the end need not search what was imported for garbage: a twentieth of a second
    atexit.register(gc.freeze)
    if _is_new(sys.argv[1:]):
        with contextlib.suppress(CourseError, OSError):  # the command says why, where it comes to that
            from grader.sandbox import forkserver

            forkserver.server("grader.engine.preload")  # by its name: to import it would take longer
    from grader.cli import app

    app.main()


def _is_new(words: Sequence[str]) -> bool:
    """Whether a class is to be graded here that never was: then the warm server will be needed. A wrong guess costs time only."""
    if words[:1] != ["grade"] or {"--scheduler", "--help"} & set(words):
        return False
    course = Path(dict(itertools.pairwise(words)).get("--course", ""))
    units = [word for word in words[1:] if word[:1] != "-"]
    return not any(any((course / "autograded").glob(f"*/{escape(unit)}")) for unit in units)
