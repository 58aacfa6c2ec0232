"""One notebook under supervision: start its examiner and its student's processes, watch the clock and the memory, collect reports.

This side never reads a byte that the student's code wrote.
"""

from __future__ import annotations

import functools
import pickle
import select
import signal
import socket
import sys
import tempfile
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from grader.engine import preload, protocol
from grader.engine.plan import Known, Plan, line_up, our_names
from grader.engine.result import NotebookResult, TestResult, Verdict
from grader.engine.submission import StudentCell
from grader.errors import CourseError
from grader.sandbox import linux
from grader.sandbox.limits import Limits
from grader.sandbox.messages import WireError, receive_frame, receive_message, send_frame
from grader.sandbox.usage import Meter
from grader.source.notebook import Assignment, Notebook, Role

_GRACE = 2.0
"""Seconds that the examiner has to notice that the student's process was ended."""
_LAST_BREATH = 0.2
"""Seconds between the closing of a dying process's socket and its end."""
_LOAD = 9.0
"""So many times its limit a step may wait besides for a processor that others have."""
_REHEARSAL = 60.0
"""Seconds for one exercise's rehearsal; where that is not enough, none of its misconceptions is named."""
_SAMPLE = 0.05
"""Seconds between two looks at the memory and processor time of the student's processes."""


class Student:
    """A running student's process."""

    def __init__(self, isolate: bool, limits: Limits, scratch: str) -> None:
        self.data, theirs = socket.socketpair()
        own = scratch if isolate else tempfile.mkdtemp(dir=scratch)  # nothing that another process has left
        self.process = preload.server().fork("student", theirs, limits, own, isolate)
        self.meter = Meter(self.process.pid)
        try:
            self.data.settimeout(60)  # what it says of its sandbox, before any of the student's code runs
            self.layers = [linux.Layer(**layer) for layer in receive_message(self.data)[0]["layers"]]
            self.data.settimeout(None)
        except (EOFError, TimeoutError):
            self.finish()
            raise OSError("the student's process did not start") from None

    def finish(self, within: float = 0.0) -> dict[str, Any]:
        """End it and everything it started, and wait until they have gone; see `Child.end`."""
        self.data.close()
        spent, _ = self.meter.read(sys.maxsize)  # of children too: those that end with it report to nobody
        end = self.process.end(within)
        return end | {"cpu": max(end.get("cpu", 0.0), spent)}


def supervise(assignment: Assignment, notebook: Notebook, plan: Plan, *, isolate: bool) -> Supervisor:
    """A finished run; a second try where the machinery failed (a warm server that the system killed, say), for what is left to do."""
    run = Supervisor(assignment, notebook, plan, isolate)
    for _ in range(2):
        try:
            run.grade()
            return run
        except OSError as error:
            failure = error
    raise failure


@dataclass
class Supervisor:
    """Grades one notebook: an examiner, and one student's process after the other."""

    assignment: Assignment
    notebook: Notebook
    plan: Plan
    isolate: bool
    incidents: list[str] = field(default_factory=list)
    reached: str = ""
    cpu: float = 0.0
    restarts: int = -1
    student: Student | None = None
    ended: tuple[Verdict, str] | None = None  # why we ended the present student's process
    blamed: int = -1  # and over which step
    known: Known = field(default_factory=Known)
    excused: set[int] = field(default_factory=set)  # steps run again because the system ended a process
    named: list[tuple[str, str]] = field(default_factory=list)
    operators: dict[str, list[list[str]]] = field(default_factory=dict)  # by test, on trial
    done: bool = False  # all verdicts are in

    @property
    def limits(self) -> Limits:
        return self.plan.limits

    def grade(self) -> None:
        """Raises CourseError without isolation, OSError where the machinery fails."""
        preload.load_for(self.notebook, self.plan.steps)
        self.began, self.once, self.waited = time.monotonic(), 0.0, 0.0
        self.deadline = self.began + self.limits.notebook_seconds
        with tempfile.TemporaryDirectory(prefix="grader-") as scratch:
            self.scratch = scratch
            try:
                while not self._examine():
                    pass
            finally:
                self._end_student()

    def result(self) -> NotebookResult:
        tests = tuple(self.known.results[test.id] for test in self.notebook.tests)
        outputs = tuple((index, tuple(items)) for index, items in sorted(self.known.outputs.items()))
        return NotebookResult(self.notebook.name, tests, outputs, tuple(self.named))

    def _examine(self) -> bool:
        """One examiner from start to end; False where it had to be stopped and tests are left."""
        control, theirs = socket.socketpair()
        server = preload.server()
        self.examiner = server.fork("examiner", theirs, self.limits.of_examiner(), self.scratch)
        with control:
            control.settimeout(60)
            send_frame(control, pickle.dumps(replace(self.plan, known=self.known)))
            self._begin(-1, 60.0)
            try:
                while True:
                    self._wait(control)
                    for message in protocol.receive(control)[0]:
                        if message == protocol.Finished():
                            return True
                        self._heed(message, control)
            except (EOFError, WireError, TimeoutError) as error:
                if self.done:  # it ended while it looked for names: there are none, and nothing is lost
                    return True
                if isinstance(error, EOFError) and server.has_ended(within=0.5):
                    # not the submission's doing: try again
                    raise OSError("the warm server has ended") from None
                self._end_student()
                self._come_to_grief(self.examiner.end(_LAST_BREATH if isinstance(error, EOFError) else 0.0))
                return False
            finally:
                self.cpu += self.examiner.end().get("cpu", 0.0)

    def _heed(self, message: Any, control: socket.socket) -> None:
        """Do what the examiner asks for, or note what it reports."""
        match message:
            case TestResult():
                self.known.results[message.id] = message
            case protocol.Shown(index, outputs):
                self.known.outputs.setdefault(index, outputs)
            case protocol.Began(step, seconds):
                self._begin(step, seconds)
            case protocol.Incident(text):
                self.incidents.append(text)
            case protocol.NeedsStudent(own):
                self._give_student(control, own)
            case protocol.StudentGone(hung_up):
                protocol.send(control, [self._bury(hung_up)])
            case protocol.AllJudged():
                self.done = True
            case protocol.NeedsRehearsal(exercises):
                send_frame(control, rehearsed(self.assignment, self.notebook, exercises, self.limits))
                self._begin(self.step, self.step_seconds)  # the first who needs it does not pay for it
            case protocol.Operator(test, use):
                self.operators.setdefault(test, []).append(use)
            case protocol.NeedsOperators():
                began = time.monotonic()
                uses = operators(self.assignment, self.notebook, self.limits, self.isolate)
                protocol.send(control, [protocol.Operators(uses)])
                self.deadline += time.monotonic() - began
                self._begin(self.step, self.step_seconds)
            case protocol.OurFailure(reason):
                raise ImportError(reason)
            case protocol.Named(exercise, misconception):
                self.named.append((exercise, misconception))

    def _bury(self, hung_up: bool) -> protocol.Ended:
        """End the student's process: how it came to that."""
        end = self._end_student(_LAST_BREATH if hung_up else 0.0)
        if self.ended:
            # over an earlier step, which had its answer in the same moment: the present one is not to blame
            return protocol.Ended("", *self.ended, again=self.blamed != self.step)
        again = self._excused(end, self.limits, "the student's process")
        return protocol.Ended(_how(end), None, "", again)

    def _begin(self, step: int, seconds: float) -> None:
        self.deadline += self.waited
        self.step, self.step_began, self.step_seconds = step, time.monotonic(), seconds
        self.waited, self.at_first = 0.0, (-1.0, 0.0)

    def _excused(self, end: dict[str, Any], limits: Limits, whose: str) -> bool:
        """Whether the present step is run again, once, because neither we nor the submission has killed a process: none can kill
        number 1 of its own process table."""
        killed = end.get("itself") and end["status"] == -signal.SIGKILL and end["cpu"] < limits.cpu_seconds
        if not killed or self.step in self.excused:
            return False
        self.excused.add(self.step)
        self.incidents.append(f"{self._name()}: {whose} was killed from outside; asked again")
        return True

    def _name(self) -> str:
        """The present step in words."""
        step = self.plan.steps[self.step]
        return "" if self.step < 0 else step.id or f"cell {step.index}"

    def _give_student(self, control: socket.socket, own: bool) -> None:
        self._end_student()
        if own:  # the student's cells run once more for it: as long as it took to come so far at first
            self.once = self.once or time.monotonic() - self.began
            self.deadline += self.once
        else:
            self.restarts += 1
        refused = self._late(time.monotonic())
        if refused is None and self.restarts > self.limits.restarts:
            why = f"the student's process was started {self.restarts} times; that is enough"
            refused = Verdict.CRASHED, why
        if refused is not None:
            protocol.send(control, [protocol.Refused(*refused)])
            return
        self.student, self.ended = Student(self.isolate, self.limits, self.scratch), None
        holding = [layer for layer in self.student.layers if layer.holds]
        self.reached = "; ".join(f"{layer.name} ({layer.detail})" for layer in holding)
        if self.isolate and not linux.isolated(holding):
            lacking = next(layer for layer in self.student.layers if not layer.holds)
            raise CourseError(
                f"this machine cannot isolate a stranger's code ({lacking.name}: {lacking.detail}); "
                "see `grader doctor`, or give --allow-unsandboxed for code that you would run yourself"
            )
        protocol.send(control, [], self.student.data.fileno())
        self.student.data.close()

    def _end_student(self, within: float = 0.0) -> dict[str, Any]:
        """End the present student's process, if there is one, and say how it ended."""
        if self.student is None:
            return {}
        end = self.student.finish(within)
        self.cpu += end.get("cpu", 0.0)
        self.student = None
        return end

    def _wait(self, control: socket.socket) -> None:
        """Until the examiner says something. Ends the student's process where it uses more than it may; raises
        TimeoutError where the examiner stays silent after that."""
        poll = select.poll()
        poll.register(control, select.POLLIN | select.POLLHUP)
        ended = 0.0
        while not poll.poll(1000 * _SAMPLE):
            now = time.monotonic()
            if ended and now > ended + _GRACE:
                raise TimeoutError
            if not ended and (too_much := self._too_much(now)):
                self.ended, self.blamed, ended = too_much, self.step, now
                if not self.done:
                    self.incidents.append(f"{self._name()}: {too_much[0]}: {too_much[1]}")
                if self.student is not None:
                    self.student.finish()

    def _too_much(self, now: float) -> tuple[Verdict, str] | None:
        """What the student's process has used too much of."""
        cpu, memory = self.student.meter.read(self.limits.memory) if self.student else (0.0, 0)
        self._allow(now, cpu)
        if now > self.step_began + self.step_seconds + self.waited:
            return Verdict.TIMEOUT, f"no answer within {self.step_seconds:g} s"
        if late := self._late(now):
            return late
        if cpu > self.limits.cpu_seconds:
            return Verdict.TIMEOUT, f"more than {self.limits.cpu_seconds} s of processor time"
        if memory > self.limits.memory:
            return Verdict.CRASHED, f"more than {self.limits.memory >> 20} MiB of memory"
        return None

    def _allow(self, now: float, cpu: float) -> None:
        """Note how long the present step has waited for a processor that was not busy with the submission's own work."""
        delay = _delay(self.examiner.pid) + (_delay(self.student.process.pid) if self.student else 0.0)
        if self.at_first[0] < 0:
            self.at_first = delay, cpu
        others = min(delay - self.at_first[0], now - self.step_began - (cpu - self.at_first[1]))
        self.waited = min(max(others, self.waited), _LOAD * self.step_seconds)

    def _late(self, now: float) -> tuple[Verdict, str] | None:
        why = f"the time for the whole notebook ({self.limits.notebook_seconds:g} s) is used up"
        return (Verdict.TIMEOUT, why) if now > self.deadline + self.waited else None

    def _come_to_grief(self, end: dict[str, Any]) -> None:
        """The examiner hangs or has died over the present step, which is lost with what hangs on it, unless the system killed it."""
        verdict, reason = self.ended or (Verdict.CRASHED, "the examiner ended over the answers")
        step = self.plan.steps[self.step]
        if self.step < 0 or step.id in self.known.results:  # nothing of the student's was at work
            raise OSError("the examiner ended between two steps")
        if not self.ended and self._excused(end, self.limits.of_examiner(), "the examiner"):
            return
        self.incidents.append(f"{self._name()}: the examiner had to be started again")
        if step.kind == "test":
            result = TestResult(step.id, verdict, 0.0, step.points, reason, in_process=step.in_process)
            self.known.results[step.id] = result
        else:
            self.known.deadly[self.step] = f"{verdict}: {reason}"


def rehearsed(assignment: Assignment, notebook: Notebook, exercises: list[str], limits: Limits) -> bytes:
    """The pickled `misconceptions.Rehearsal` of the first exercise, made when it is first asked for; an empty one where it cannot
    be had. The others' are made beside it. Raises OSError where the machinery fails.
    """
    with _one_at_a_time:
        begun = [_rehearsal(assignment, notebook, exercise, limits) for exercise in exercises]
    try:
        return begun[0].result()
    except OSError:  # the next who asks tries again
        _rehearsal.cache_clear()
        raise


_one_at_a_time, _one_trial = threading.Lock(), threading.Lock()
_side_by_side = ThreadPoolExecutor(2)


@functools.lru_cache(maxsize=64)
def _rehearsal(assignment: Assignment, notebook: Notebook, name: str, limits: Limits) -> Future[bytes]:
    return _side_by_side.submit(_rehearsed, assignment, notebook, name, limits)


def operators(
    assignment: Assignment, notebook: Notebook, limits: Limits, isolate: bool
) -> dict[str, list[list[str]] | None]:
    """What `protocol.Operators` says of the instructor's own solution, which is graded for it once."""
    with _one_trial:
        return _operators(assignment, notebook, limits, isolate)


@functools.lru_cache(maxsize=64)
def _operators(
    assignment: Assignment, notebook: Notebook, limits: Limits, isolate: bool
) -> dict[str, list[list[str]] | None]:
    code = (Role.SETUP, Role.WORK, Role.TEST)
    cells = tuple(
        StudentCell(index, cell.role in code, cell.source, cell.id)
        for index, cell in enumerate(notebook.cells)
    )
    files = assignment.files
    plan = Plan(line_up(notebook, cells), files, files, limits, ours=our_names(notebook), trial=True)
    run = supervise(assignment, notebook, plan, isolate=isolate)
    # of a test that it fails nothing is known (the source may hold no solution); what did not come to its end allows nothing
    failed = [name for name, result in run.known.results.items() if result.verdict is Verdict.FAILED]
    return {**run.operators, **dict.fromkeys(failed)}


def _rehearsed(assignment: Assignment, notebook: Notebook, name: str, limits: Limits) -> bytes:
    exercise = next(exercise for exercise in notebook.exercises if exercise.name == name)
    wrong = [entry for entry in assignment.wrong if entry.target in exercise.solution.defines]
    solutions = "\n\n".join(exercise.solution.source for exercise in notebook.exercises)
    setup = [step for step in line_up(notebook, ()) if step.kind in ("setup", "import")]
    mine, theirs = socket.socketpair()
    server = preload.server()
    with mine, tempfile.TemporaryDirectory(prefix="grader-") as scratch:
        process = server.fork("rehearsal", theirs, limits.of_examiner(), scratch)
        try:
            mine.settimeout(_REHEARSAL)
            send_frame(mine, pickle.dumps((assignment.files, setup, exercise, solutions, wrong)))
            return receive_frame(mine, 2**31)
        except (TimeoutError, EOFError, WireError):
            if server.has_ended(within=0.5):
                raise OSError("the warm server has ended") from None
            return pickle.dumps([])
        finally:
            process.end()


def _delay(pid: int) -> float:
    """Seconds that a process was ready to run and another had the processor; 0 where this system does not tell."""
    try:
        return int(Path(f"/proc/{pid}/schedstat").read_text().split()[1]) / 1e9
    except (OSError, ValueError, IndexError):
        return 0.0


def _how(end: dict[str, Any]) -> str:
    """An exit status in words."""
    status = end.get("status")
    if status is None:
        return ""
    names = {-number: number.name for number in signal.Signals}
    return f" (signal {names.get(status, -status)})" if status < 0 else f" (exit status {status})"
