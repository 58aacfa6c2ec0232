"""The cases of `edges`: each alone, and what only happens to a submission while it is graded."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from grader.engine.grade import grade
from grader.engine.result import Result, Status, Verdict
from grader.sandbox import forkserver
from grader.sandbox.limits import Limits
from tests.hostile.edge import Edge
from tests.hostile.edges import CASES

LIMITS = Limits(cell_seconds=20, test_seconds=10, notebook_seconds=60, cpu_seconds=30, memory=2**30)


def graded(edge: Edge, folder: Path) -> Result:
    """The outcome; the clock of `<<now>>` begins when everything is warm."""
    assignment, limits = edge.assignment(folder), replace(LIMITS, **edge.limits)
    if "<<now>>" in "".join(edge.answers):
        grade(replace(edge, answers=("",)).submission(), assignment, limits)
    return grade(edge.submission(now=time.monotonic()), assignment, limits)


def wrong(result: Result, edge: Edge) -> list[str]:
    """What is wrong with an outcome; nothing where all is well."""
    if result.status is not Status.GRADED:
        return [f"{result.status}: {result.reason}"]
    tests, said = result.notebooks[0].tests, []
    shown = json.dumps([result.notebooks[0].outputs, [test.student_message for test in tests], result.reason])
    for number, test in enumerate(tests):
        passed = test.verdict is Verdict.PASSED
        if passed != (number in edge.passes):
            said.append(f"{'WON' if passed else 'lost'} {test.id}: {test.verdict}: {test.message}")
        elif not passed and not re.search(edge.says, test.message, re.I):
            said.append(f"{test.id}: its message does not say /{edge.says}/: {test.message!r}")
    if edge.absent and re.search(edge.absent, shown):
        said.append(f"LEAK of /{edge.absent}/: {shown}")
    if not re.search(edge.present, shown):
        said.append(f"nothing shows /{edge.present}/: {shown}")
    return said


@pytest.mark.parametrize("edge", CASES, ids=[edge.name for edge in CASES])
def test_edges(edge: Edge, tmp_path: Path) -> None:
    result = graded(edge, tmp_path)
    if said := wrong(result, edge):
        pytest.fail("\n".join([*said, *map(str, result.incidents)]), pytrace=False)


# --- ended from outside --------------------------------------------------------------------------------------------------

SLOW = """
# %% work
def f(x): return x
def again(x): return x
# %% test
assert f(1) == 1
# %% test
assert again(1) == 1 and again(2) == 2
### BEGIN HIDDEN TESTS
assert again(3) == 3
### END HIDDEN TESTS
# %% test
assert f(3) == 3
"""


def _kill(started: Callable[[str], bool], monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Kill one process, the first whose role is wanted, half a second after it was forked. Whom it hit."""
    hit: list[int] = []
    fork = forkserver.Server.fork

    def forked(self: forkserver.Server, role: str, *args: Any, **kwargs: Any) -> forkserver.Child:
        child = fork(self, role, *args, **kwargs)
        if started(role) and not hit:
            hit.append(child.pid)
            threading.Timer(0.5, os.kill, (child.pid, signal.SIGKILL)).start()
        return child

    monkeypatch.setattr(forkserver.Server, "fork", forked)
    return hit


@pytest.mark.parametrize("role", ["student", "examiner"])
@pytest.mark.parametrize("slow", ["f", "again"])
def test_a_process_that_the_system_kills_costs_nobody_a_point(
    role: str, slow: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = f"import time\ndef f(x): return x\ndef again(x): return x\ndef {slow}(x):\n    time.sleep(0.4)\n    return x"
    edge = Edge("killed", "our failure", SLOW, (answer,), passes=(0, 1, 2))
    graded(replace(edge, answers=()), tmp_path)  # the server is warm
    hit = _kill(lambda other: other == role, monkeypatch)
    result = graded(edge, tmp_path)
    assert hit
    assert wrong(result, edge) == []
    assert result.incidents, "it is said"


def test_who_ends_himself_again_and_again_is_not_asked_for_ever(tmp_path: Path) -> None:
    """What looks like the system's doing, each time, is the submission's after all."""
    answer = "import os, signal\nN = len(os.listdir('.'))\ndef f(x): return x\ndef again(x): os.kill(os.getpid(), 9), os.abort()"
    edge = Edge("suicide", "our failure", SLOW, (answer,), passes=(0, 2), says="SIG")
    assert wrong(graded(edge, tmp_path), edge) == []


@pytest.mark.skipif(
    not hasattr(os, "sched_setaffinity"), reason="processes cannot be kept on a processor here"
)
def test_a_slow_answer_beside_busy_neighbours(tmp_path: Path) -> None:
    """Time on the clock that others had is not the submission's."""
    answer = """
import time
def f(x):
    end = time.process_time() + 0.4
    while time.process_time() < end: pass
    return x
again = f
"""
    edge = Edge("slow", "our failure", SLOW, (answer,), passes=(0, 1, 2), limits={"test_seconds": 1.6})
    graded(replace(edge, answers=()), tmp_path)
    mine = os.sched_getaffinity(0)
    one = {min(mine)}
    busy = [
        subprocess.Popen(
            [sys.executable, "-c", f"import os; os.sched_setaffinity(0, {one})\nwhile True: pass"]
        )
        for _ in range(5)
    ]
    os.sched_setaffinity(0, one)
    try:
        result = graded(edge, tmp_path)
    finally:
        os.sched_setaffinity(0, mine)
        for process in busy:
            process.kill()
            process.wait()
    assert wrong(result, edge) == []


def test_a_sleeper_and_a_crowd_of_threads_are_not_waited_for(tmp_path: Path) -> None:
    """Time that a submission takes from itself is its own."""
    answer = """
import threading, time
def burn():
    while True: pass
def f(x):
    time.sleep(60)
def again(x):
    for _ in range(5): threading.Thread(target=burn, daemon=True).start()
    time.sleep(60)
"""
    edge = Edge("asleep", "our failure", SLOW, (answer,), passes=(), says="1 s", limits={"test_seconds": 1.0})
    began = time.monotonic()
    assert wrong(graded(edge, tmp_path), edge) == []
    assert time.monotonic() - began < 15


def test_a_process_stays_on_its_processors(tmp_path: Path) -> None:
    answer = """
import os
def f(x):
    try:
        os.sched_setaffinity(0, range(os.cpu_count()))
    except OSError:
        return x
def again(x): return x
"""
    edge = Edge("roams", "our failure", SLOW, (answer,), passes=(0, 1, 2))
    assert wrong(graded(edge, tmp_path), edge) == []
