"""A coordinator with a stand-in for the engine, to be killed: `python -m tests.support.standin COURSE [--kill-at N] [--count] [--slow SECONDS]`.

The stand-in's verdicts follow from the submission's bytes alone. `--kill-at N` ends the process with SIGKILL, from inside,
when the N-th line of the coordinator's own code (grader/*.py, main thread) is about to run; `--count` prints how many there are.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
import time
from pathlib import Path
from types import FrameType
from typing import Any

import grader
from grader.batch.grade import Options, grade_class
from grader.engine import grade as engine
from grader.engine.result import NotebookResult, Result, Status, TestResult, Verdict
from grader.sandbox.limits import Limits
from tests.support.toycourse import UNIT, own_version

HERE = str(Path(grader.__file__).parent) + os.sep


def stand_in(submission, assignment, limits=None, *, allow_unsandboxed=False) -> Result:
    """A verdict for each test from the bits of the key, but for the unit's own versions; no score for what is no JSON."""
    key = engine.result_key(submission, assignment, limits or Limits())
    if not any(data.startswith(b"{") for data in submission.notebooks.values()):
        return Result(key, assignment.unit, Status.UNGRADABLE, "the file is no notebook")
    notebook, bits = assignment.notebooks[0], int(key[:8], 16)
    if own := own_version(submission.notebooks.get(notebook.name, b"")):
        bits = -1 if own is Verdict.PASSED else 0
    tests = [
        TestResult(test.id, Verdict.PASSED, test.points, test.points)
        if bits >> place & 1
        else TestResult(
            test.id, Verdict.FAILED, 0.0, test.points, f"because of bit {place}", bool(bits >> place + 8 & 1)
        )
        for place, test in enumerate(notebook.tests)
    ]
    outputs = ((3, ({"output_type": "stream", "name": "stdout", "text": key},)),)
    return Result(
        key, assignment.unit, Status.GRADED, notebooks=(NotebookResult(notebook.name, tuple(tests), outputs),)
    )


class Lines:
    """Counts the lines of the coordinator's own code; kills at the one that was asked for."""

    def __init__(self, kill_at: int) -> None:
        self.kill_at, self.seen = kill_at, 0

    def __call__(self, frame: FrameType, event: str, arg: Any) -> Any:
        if not frame.f_code.co_filename.startswith(HERE):
            return None
        if event == "line":
            self.seen += 1
            if self.seen == self.kill_at:
                os.kill(os.getpid(), signal.SIGKILL)
        return self


def main() -> None:
    """Grade the class, or die."""
    parser = argparse.ArgumentParser()
    parser.add_argument("course", type=Path)
    parser.add_argument("--kill-at", type=int, default=0)
    parser.add_argument("--count", action="store_true")
    parser.add_argument("--slow", type=float, default=0.0)
    options = parser.parse_args()

    def grade(*args, **kwargs):
        time.sleep(options.slow)
        return stand_in(*args, **kwargs)

    engine.grade = grade
    engine.ENGINE_VERSION = "stand-in"  # the engine may be mended while this test runs
    lines = Lines(options.kill_at)
    if options.kill_at or options.count:
        assert threading.current_thread() is threading.main_thread()
        sys.settrace(lines)
    grade_class(options.course, UNIT, Options(workers=2, progress=False))
    sys.settrace(None)
    print(lines.seen)


if __name__ == "__main__":
    main()
