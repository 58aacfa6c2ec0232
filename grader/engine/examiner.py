"""The examiner's process: runs the instructor's set-up and test cells; the student's names are proxies.

It drives the student's process over the wire and reports to the coordinator in JSON. A test passes when its cell ends
without an exception here and the student's process gave readable answers to the end; nothing that process writes can
say so itself.

Two rounds keep the hidden tests hidden. In the first, cells and *public* parts of tests alternate as in the notebook:
all that a student will be shown (outputs, messages) comes from it. Only then do hidden parts run. A test whose
position matters (a later cell changes what it uses) then gets a fresh process, run up to that position.
"""

from __future__ import annotations

import contextlib
import copy
import functools
import json
import math
import pickle
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from grader.engine import codec, misconceptions, student
from grader.engine.codec import StudentExit
from grader.engine.namespace import Namespace, describe, run_cell, settle
from grader.engine.outputs import clean, note, plain_outputs
from grader.engine.plan import STUDENTS, Plan, Step
from grader.engine.proxy import Fault, Link, changeable
from grader.engine.result import Verdict
from grader.sandbox import messages

NAMING_SECONDS = 10.0
"""For the naming of misconceptions in one notebook, after all verdicts."""


class NoStudent(Exception):
    """The coordinator gives no more processes: the verdict on the tests that are left, and why."""


def _content(x: Any) -> Any:
    """A copy of what is in a mutable value, as `codec.put_back` takes it."""
    if isinstance(x, torch.Tensor):
        grad = x.grad.clone() if x.is_leaf and x.grad is not None else None
        return x.detach().clone().requires_grad_(x.requires_grad and x.is_leaf), grad
    return x.copy() if isinstance(x, np.ndarray | list | dict) else copy.deepcopy(x)


def as_it_is(values: dict[str, Any]) -> Callable[[dict[str, Any]], None]:
    """Remembers names, and what is in the arrays, lists ... behind them; the result puts all of it back."""
    contents = [(x, _content(x)) for x in changeable(values.values())]

    def put_back(namespace: dict[str, Any]) -> None:
        for name, value in values.items():
            dict.__setitem__(namespace, name, value)
        for x, content in contents:
            # read-only or overlapping: it was not changed either
            with contextlib.suppress(ValueError, RuntimeError):
                codec.put_back(x, content)

    return put_back


@dataclass(frozen=True)
class Halfway:
    """Where a test's public part ended: the hidden part goes on from there, in the same student's process."""

    link: Link
    names: dict[str, Any]
    data: Callable[[dict[str, Any]], None]
    seconds: float


@dataclass
class Examiner:
    """Runs one plan."""

    plan: Plan
    control: socket.socket
    link: Link | None = None
    position: int = 0  # steps before this one have been run in the student's process
    current: int = -1  # the step that runs now
    made: frozenset[str] = frozenset()  # names that the set-up cells bound: tests share them
    before: dict[str, Callable[[dict[str, Any]], None]] = field(default_factory=dict)  # a test began
    halfway: dict[str, Halfway] = field(default_factory=dict)  # tests whose public part has passed
    unsaid: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        known = self.plan.known
        self.results, self.outputs = known.results, known.outputs
        self.deadly = known.deadly  # steps that ended the process, and how: not run a second time
        self.space = self.plan.limits.notebook_output - len(json.dumps([*self.outputs.values()]))
        self.names = Namespace(self._link, self.plan.ours)

    # the coordinator

    def say(self, **message: Any) -> None:
        """A message, together with the last result."""
        messages.send_message(self.control, {**self.unsaid, **message})
        self.unsaid = {}

    def _link(self) -> Link:
        if self.link is None:
            raise Fault(Verdict.CRASHED, "the student's process has gone")
        return self.link

    def start(self) -> None:
        """A fresh student's process with the submission's files. Raises NoStudent."""
        if self.link is not None:
            self.link.close()
        self.say(need="student")
        answer, descriptors = messages.receive_message(self.control)
        if "refused" in answer:
            raise NoStudent(*answer["refused"])
        self.link, self.position = Link(socket.socket(fileno=descriptors[0]), self.plan.limits.answer), 0
        try:
            if self.plan.files:
                self.link.ask(student.write_files, self.plan.files)
        except OSError as error:
            self.say(incident=f"the files beside the notebook could not be written: {clean(str(error))}")

    def begin(self, number: int, seconds: float) -> None:
        """Say which step comes now and how long it may take."""
        self.current = number
        self.say(step=number, limit=seconds)

    def fate(self, fault: Fault) -> tuple[Verdict, str] | None:
        """What is known about a fault; of the end of a student's process the coordinator knows more (it may have ended it).

        None where the present step is not to blame: it is run again.
        """
        verdict, reason = fault.args
        if self.link is not None and not self.link.closed:
            return verdict, reason
        self.say(gone=verdict is Verdict.CRASHED)
        answer, _ = messages.receive_message(self.control)
        if answer["again"]:
            return None
        if answer["verdict"]:
            return Verdict(answer["verdict"]), answer["reason"]
        return verdict, f"{reason}{answer['how']}" if verdict is Verdict.CRASHED else reason

    # the student's cells

    def advance(self, until: int) -> None:
        """Run the student's cells up to step `until`, in a fresh process where the present one has gone.

        Raises NoStudent. A cell that ends the process is noted, left out, and the cells before it are run again.
        """
        while True:
            if self.link is None or self.link.closed or self.position > until:
                self.start()
            try:
                while self.position < until:
                    number, step = self.position, self.plan.steps[self.position]
                    self.position += 1
                    if step.kind in STUDENTS and number not in self.deadly:
                        self.run_student_cell(number, step)
                return
            except Fault as fault:
                fate = self.fate(fault)
                if fate is None:
                    continue
                verdict, reason = fate
                step = self.plan.steps[self.position - 1]
                self.deadly[self.position - 1] = f"{verdict}: {reason}"
                if step.index is not None:
                    self.keep(step.index, [note(f"{verdict}: {reason}")])
                self.say(incident=f"cell {step.index}: {verdict}: {reason}")

    def keep(self, index: int, outputs: list[dict[str, Any]]) -> None:
        """The outputs of a student's cell: the first ones are kept, and told at once."""
        if index not in self.outputs:
            self.outputs[index] = self.unsaid["outputs"] = outputs
            self.unsaid["index"] = index
            self.space -= len(json.dumps(outputs))

    def run_student_cell(self, number: int, step: Step) -> None:
        self.begin(number, self.plan.limits.cell_seconds)
        first = step.index is not None and step.index not in self.outputs
        space, limits = max(self.space, 0) if first else 0, self.plan.limits
        limit, pictures = min(limits.cell_output, space), min(limits.cell_pictures, space)
        try:
            outputs = self._link().ask(student.execute, step.source, limit, pictures)
            kept = plain_outputs(outputs, limit, pictures) if first else []
        except (Exception, StudentExit):  # the runner itself is damaged: the outputs are lost, no more
            kept = []
        if step.index is not None:
            self.keep(step.index, kept)

    # the tests

    def run(self) -> None:
        steps = self.plan.steps
        hidden = []
        try:
            for number, step in enumerate(steps):
                if step.kind in ("setup", "import"):
                    self.run_setup(number, step)
                if step.kind in STUDENTS:
                    self.advance(number + 1)
                elif step.kind == "import" or step.id in self.results:
                    continue
                elif self.test(number, step, to_end=step.public == step.source):
                    hidden.append(number)
            self.advance(len(steps))
            for number in sorted(hidden, key=lambda n: (not steps[n].settled, n)):
                self.test(number, steps[number], to_end=True)
        except NoStudent as none:
            verdict, reason = none.args
            for step in steps:
                if step.kind == "test" and step.id not in self.results:
                    self.record(step, Verdict(verdict), reason, True, 0.0)
        self.say(done=True)
        self.say(named=self.misconceptions())
        self.say(end=True)

    def misconceptions(self) -> list[tuple[str, str]]:
        """(exercise, misconception) where the student's code answers as exactly one of the bank's does. Every verdict is in already."""
        found: list[tuple[str, str]] = []
        self.begin(-1, NAMING_SECONDS)
        for exercise, tests in self.plan.exercises:
            if {self.results[test]["verdict"] for test in tests} - {Verdict.PASSED} != {Verdict.FAILED}:
                continue
            try:
                self.advance(len(self.plan.steps))
                ask = functools.partial(self._link().ask, student.rehearse)
                self.say(rehearse=exercise)
                rehearsed = pickle.loads(messages.receive_frame(self.control, 2**40))
                one = misconceptions.name(rehearsed, ask, [t for t in tests if self._went_on(t)])
            except (Fault, NoStudent, StudentExit):  # over an answer that no test came to: not asked again
                break
            if one:
                found.append((exercise, one))
        return found

    def _went_on(self, test: str) -> bool:
        """Whether the test's hidden part has been begun."""
        return self.results[test]["verdict"] == Verdict.PASSED or not self.results[test]["public"]

    def run_setup(self, number: int, step: Step) -> None:
        """Run a set-up cell; what it would have bound is lost where it fails, which the student's functions may cause."""
        self.begin(number, self.plan.limits.cell_seconds)
        self.names.give_back(step.owned, local=step.binds)
        why = self.deadly.get(number, "")
        try:
            if not why:
                run_cell(step.source, step.id, self.names, step.code)
        except Fault as fault:
            if (fate := self.fate(fault)) is None:
                self.run_setup(number, step)
                return
            why = ": ".join(fate)
        except (Exception, StudentExit, SystemExit) as error:
            why = describe(error, step.source, step.id)
        if why:
            why = f"set-up cell '{step.id}' failed in the examiner: {why}"
            self.names.lost = dict.fromkeys([*step.binds, "*"], why) | self.names.lost
            self.say(incident=" ".join(why.split())[:2000])
        self.made = frozenset(dict.keys(self.names))

    def test(self, number: int, step: Step, to_end: bool) -> bool:
        """Run a test cell to its end, or its public part; True where that passed and the hidden part is to come.

        What it changes of the set-up's data stays, as in a notebook, where it passes. Where it fails, the next test must
        not take a wrong answer's traces for data; and where it runs a second time, it must find what it found before.
        """
        second = to_end and step.public != step.source
        alive = self.link is not None and not self.link.closed
        if not alive or self.position < number or (second and not step.settled and self.position > number):
            self.advance(number)
        self.begin(number, self.plan.limits.test_seconds)
        self.names.give_back(step.owned)
        half = self.halfway.get(step.id)
        if half is not None and half.link is self.link:
            dict.update(self.names, half.names)
            half.data(self.names)
            parts, spent = [step.hidden], half.seconds
        else:
            if step.id in self.before:
                self.before[step.id](self.names)
            self.before[step.id] = as_it_is(self.shared(step))
            first = [step.code] if not second or step.goes_on else []
            parts, spent = [*first, *([step.hidden] if second else [])], 0.0
        began = time.monotonic() - spent
        verdict, message, points = Verdict.PASSED, "", step.points
        source = step.source if to_end else step.public
        try:
            try:
                for part in parts:
                    value = run_cell(source, step.id, self.names, part)
                if type(value) in (int, float) and math.isfinite(value) and to_end:
                    points = min(max(float(value), 0.0), step.points)
            except (Exception, StudentExit, SystemExit, GeneratorExit) as error:
                verdict, message = Verdict.FAILED, describe(error, source, step.id)
            if (
                self.names.fault or self._link().closed
            ):  # a test that swallows everything has swallowed this too
                raise self.names.fault or self._link().fault
        except Fault as fault:
            if (fate := self.fate(fault)) is None:
                return self.test(number, step, to_end)  # `before` puts the data back
            verdict, message = fate
        if verdict is Verdict.PASSED and not to_end:
            if step.goes_on and self.link is not None and not self.names.altered:
                data, seconds = as_it_is(self.shared(step)), time.monotonic() - began
                self.halfway[step.id] = Halfway(self.link, dict(self.names), data, seconds)
            return True
        restore = self.before.pop(step.id)
        if verdict is not Verdict.PASSED:
            restore(self.names)
            points = 0.0
        shown = not second or verdict is Verdict.PASSED
        self.record(step, verdict, message, shown, points, time.monotonic() - began)
        return False

    def shared(self, step: Step) -> dict[str, Any]:
        """What the set-up cells bound, but for the student's names."""
        return {name: value for name, value in self.names.items() if name in self.made - step.owned}

    def record(
        self, step: Step, verdict: Verdict, message: str, public: bool, points: float, seconds: float = 0.0
    ) -> None:
        result = {"id": step.id, "verdict": verdict, "points": points, "max_points": step.points}
        result |= {"message": message, "public": public, "seconds": round(seconds, 4)}
        self.results[step.id] = result
        if verdict is not Verdict.PASSED:
            failed = f"the cell '{step.id}', which binds it, failed"
            self.names.lost = dict.fromkeys(step.binds, failed) | self.names.lost
        if "result" in self.unsaid:
            self.say()
        self.unsaid["result"] = result


def main(control: socket.socket) -> None:
    """Read the plan, run it, report."""
    plan = pickle.loads(messages.receive_frame(control, 2**40))
    settle(plan.course_files)
    Examiner(plan, control).run()
