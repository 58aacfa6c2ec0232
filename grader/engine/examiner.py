"""The examiner's process: runs the instructor's set-up and test cells; the student's names are proxies.

It drives the student's process over the wire and reports to the coordinator (see `protocol`). A test passes when its cell ends
without an exception here and the student's process gave readable answers to the end; nothing that process writes can
say so itself.

Two rounds keep the hidden tests hidden. In the first, cells and *public* parts of tests alternate as in the notebook:
all that a student will be shown (outputs, messages) comes from it. Only then do hidden parts run. A test whose
position matters (a later cell changes what it uses) then gets a fresh process, run up to that position. Tests with the tag
`in_process` come last, each in a process of its own, which decides on that test and on nothing else.
"""

from __future__ import annotations

import contextlib
import functools
import json
import math
import pickle
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from grader.engine import changes, misconceptions, protocol, student
from grader.engine.codec import StudentExit
from grader.engine.namespace import Namespace, describe, is_ours, run_cell, settle
from grader.engine.operators import Operators, Uses
from grader.engine.outputs import clean, note, plain_outputs, printable
from grader.engine.plan import STUDENTS, Plan, Step, asserts, definitions
from grader.engine.proxy import Fault, Link
from grader.engine.result import TestResult, Verdict
from grader.sandbox import messages
from grader.source.code import imports

NAMING_SECONDS = 10.0
"""For the naming of misconceptions in one notebook, after all verdicts."""
NO_CHECK = "this test runs no check: nothing in it can fail, so nobody passes it"


class NoStudent(Exception):
    """The coordinator gives no more processes: the verdict on the tests that are left, and why."""


@dataclass(frozen=True)
class Halfway:
    """Where a test's public part ended: the hidden part goes on from there, in the same student's process."""

    names: dict[str, Any]
    put_back: Callable[[dict[str, Any]], None]
    seconds: float


@dataclass(frozen=True)
class Outcome:
    """How a test cell, or its public part, ended; `value` is its last line's, where that may be points."""

    verdict: Verdict
    message: str = ""
    value: Any = None


@dataclass
class Examiner:
    """Runs one plan."""

    plan: Plan
    control: socket.socket
    link: Link | None = None
    position: int = 0  # steps before this one have been run in the student's process
    made: frozenset[str] = frozenset()  # names that the set-up cells bound: tests share them
    before: dict[str, Callable[[dict[str, Any]], None]] = field(default_factory=dict)  # a test began
    halfway: dict[str, Halfway] = field(default_factory=dict)  # tests whose public part has passed
    classes: dict[str, type] = field(default_factory=dict)  # of set-up cells: the student's process has them
    plain: set[tuple[str, str]] = field(default_factory=set)  # subclasses that tests see as their bases
    unsaid: list[protocol.Message | TestResult] = field(default_factory=list)  # goes with what is said next

    def __post_init__(self) -> None:
        known = self.plan.known
        self.results, self.outputs, self.deadly = known.results, known.outputs, known.deadly
        self.space = self.plan.limits.notebook_output - len(json.dumps([*self.outputs.values()]))
        self.names = Namespace(self._link, self.plan.ours)
        self.operators = Operators(self.plan.trial, self._uses, self.unsaid.append)

    # the coordinator

    def say(self, message: protocol.Message) -> None:
        """A message, together with what is unsaid."""
        protocol.send(self.control, [*self.unsaid, message])
        self.unsaid.clear()

    def _link(self) -> Link:
        if self.link is None:
            raise Fault(Verdict.CRASHED, "the student's process has gone")
        return self.link

    def _uses(self) -> Uses:
        self.say(protocol.NeedsOperators())
        (answer,), _ = protocol.receive(self.control)
        return dict(answer.uses)

    def alive(self) -> bool:
        """Whether there is a student's process that can be asked."""
        return self.link is not None and not self.link.closed

    def start(self, own: bool = False) -> None:
        """A fresh student's process with the submission's files; `own`: for one test alone. Raises NoStudent."""
        if self.link is not None:
            self.link.close()
        self.halfway.clear()
        self.say(protocol.NeedsStudent(own))
        refused, descriptors = protocol.receive(self.control)
        if refused:
            raise NoStudent(refused[0].verdict, refused[0].reason)
        self.link, self.position = Link(socket.socket(fileno=descriptors[0]), self.plan.limits.answer), 0
        self.link.believes = self.operators.believes
        self.link.ours, self.link.plain = self.classes, self.plain
        try:
            if self.plan.files:
                self.link.ask(student.write_files, self.plan.files)
        except OSError as error:
            why = f"the files beside the notebook could not be written: {clean(str(error))}"
            self.say(protocol.Incident(why))

    def fate(self, fault: Fault) -> tuple[Verdict, str] | None:
        """What is known about a fault; of the end of a student's process the coordinator knows more (it may have ended it).

        None where the present step is not to blame: it is run again.
        """
        verdict, reason = fault.args
        if self.alive():
            return verdict, reason
        self.say(protocol.StudentGone(verdict is Verdict.CRASHED))
        (end,), _ = protocol.receive(self.control)
        if end.again:
            return None
        if end.verdict:
            return end.verdict, end.reason
        return verdict, f"{reason}{end.status}" if verdict is Verdict.CRASHED else reason

    # the student's cells

    def advance(self, until: int, tests: bool = False) -> None:
        """Run the student's cells up to step `until`, in a fresh process where the present one has gone; of `tests` their definitions.

        Raises NoStudent. A cell that ends the process is noted, left out, and the cells before it are run again.
        """
        while True:
            if not self.alive() or self.position > until:
                self.start()
            try:
                while self.position < until:
                    number, step = self.position, self.plan.steps[self.position]
                    self.position += 1
                    if step.kind in STUDENTS and number not in self.deadly:
                        self.run_student_cell(number, step)
                    elif tests and step.kind == "test":
                        with contextlib.suppress(Exception, StudentExit):  # the runner itself is damaged
                            self._link().ask(student.execute, definitions(step.public), 0, 0)
                return
            except Fault as fault:
                if (fate := self.fate(fault)) is None:
                    continue
                step, why = self.plan.steps[self.position - 1], ": ".join(fate)
                self.deadly[self.position - 1] = why
                self.keep(step.index, [note(why)])
                self.say(protocol.Incident(f"cell {step.index}: {why}"))

    def keep(self, index: int | None, outputs: list[dict[str, Any]]) -> None:
        """The outputs of a student's cell: the first ones are kept."""
        if index is not None and index not in self.outputs:
            self.outputs[index] = outputs
            self.unsaid.append(protocol.Shown(index, outputs))
            self.space -= len(json.dumps(outputs))

    def run_student_cell(self, number: int, step: Step) -> None:
        self.say(protocol.Began(number, self.plan.limits.cell_seconds))
        first = step.index is not None and step.index not in self.outputs
        space, limits = max(self.space, 0) if first else 0, self.plan.limits
        limit, pictures = min(limits.cell_output, space), min(limits.cell_pictures, space)
        try:
            outputs = self._link().ask(student.execute, step.source, limit, pictures)
            kept = plain_outputs(outputs, limit, pictures) if first else []
        except (Exception, StudentExit):  # the runner itself is damaged: the outputs are lost, no more
            kept = []
        self.keep(step.index, kept)

    # the tests

    def run(self) -> None:
        steps, hidden, inside = self.plan.steps, list[int](), list[int]()
        try:
            for number, step in enumerate(steps):
                if step.kind == "import":
                    self.names.bring(step.source)
                elif step.kind == "setup":
                    self.run_setup(number, step)
                if step.kind in STUDENTS:
                    self.advance(number + 1)
                elif step.kind != "test" or step.id in self.results:
                    continue
                elif step.in_process:
                    self.run_setup(number, step)  # what it defines
                    inside.append(number)
                elif self.first_round(number, step):
                    hidden.append(number)
            self.advance(len(steps))
            for number in sorted(hidden, key=lambda n: (not steps[n].settled, n)):
                self.second_round(number, steps[number])
            for number in inside:
                self.judge_inside(number, steps[number])
        except NoStudent as none:
            for step in steps:
                if step.kind == "test" and step.id not in self.results:
                    self.record(step, Outcome(*none.args), True, 0.0)
        for kind, base in sorted(self.plain):
            text = f"objects of type {kind} were compared by their plain content, as {base}"
            self.unsaid.append(protocol.Incident(" ".join(printable(text).split())))
        self.say(protocol.AllJudged())
        self.name_misconceptions()
        self.say(protocol.Finished())

    def name_misconceptions(self) -> None:
        """Where the student's code answers as exactly one of the bank's misconceptions does. Every verdict is in already."""
        self.say(protocol.Began(-1, NAMING_SECONDS))
        ends = {exercise: [self.results[test] for test in tests] for exercise, tests in self.plan.exercises}
        failed = [
            exercise
            for exercise, ended in ends.items()
            if {end.verdict for end in ended} - {Verdict.PASSED} == {Verdict.FAILED}
        ]
        for number, exercise in enumerate(failed):
            begun = [end.id for end in ends[exercise] if end.verdict is Verdict.PASSED or not end.public]
            try:
                self.advance(len(self.plan.steps))
                self.say(protocol.NeedsRehearsal(failed[number:]))
                rehearsed = pickle.loads(messages.receive_frame(self.control, 2**40))
                ask = functools.partial(self._link().ask, student.rehearse)
                one = misconceptions.name(rehearsed, ask, begun)  # those whose hidden part has been begun
            except (Fault, NoStudent, StudentExit):  # over an answer that no test came to: not asked again
                break
            if one:
                self.say(protocol.Named(exercise, one))

    def run_setup(self, number: int, step: Step) -> None:
        """Run a set-up cell, or a test's definitions; what it would have bound is lost where it fails, by the student's doing."""
        self.operators.here = step.id
        self.say(protocol.Began(number, self.plan.limits.cell_seconds))
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
            if is_ours(error):
                self.names.absent |= dict.fromkeys(step.binds, why)
        if why:
            self.names.bring("\n".join(imports(step.source)))
            why = f"{step.kind.replace('setup', 'set-up')} cell '{step.id}' failed in the examiner: {why}"
            self.names.lost = dict.fromkeys([*step.binds, "*"], why) | self.names.lost
            self.say(protocol.Incident(" ".join(why.split())[:2000]))
        self.made = frozenset(dict.keys(self.names))
        for name in step.binds:
            bound = dict.get(self.names, name)
            if isinstance(bound, type) and bound.__module__ == "__main__":
                self.classes[name] = bound

    def first_round(self, number: int, step: Step) -> bool:
        """Judge a test, or its public part where it hides another: True where that passed and the hidden part is to come."""
        outcome = None
        while outcome is None:
            if not self.alive() or self.position < number:
                self.advance(number)
            began = self.begin(number, step)
            run = functools.partial(self.run_parts, step, step.public, [step.code])
            outcome = self.judge(step, step.public, run)
        seconds = time.monotonic() - began
        if step.public == step.source or outcome.verdict is not Verdict.PASSED:
            self.record(step, outcome, True, seconds)
            return False
        if step.goes_on and not self.names.altered:
            self.halfway[step.id] = Halfway(dict(self.names), changes.as_it_is(self.shared(step)), seconds)
        return True

    def second_round(self, number: int, step: Step) -> None:
        """Judge a test's hidden part: from where the public part ended, or the whole cell, in a fresh process where it must be."""
        outcome = None
        while outcome is None:
            if not self.alive() or self.position < number or (not step.settled and self.position > number):
                self.advance(number)
            began = self.begin(number, step)
            half, parts = self.halfway.pop(step.id, None), [step.hidden]
            if half is not None:
                dict.update(self.names, half.names)
                half.put_back(self.names)
                began -= half.seconds
            elif step.goes_on:
                parts = [step.code, step.hidden]
            run = functools.partial(self.run_parts, step, step.source, parts)
            outcome = self.judge(step, step.source, run)
        self.record(step, outcome, outcome.verdict is Verdict.PASSED, time.monotonic() - began)

    def begin(self, number: int, step: Step) -> float:
        """The time at which a test begins. One that is asked again, or in a second round, finds what it found before."""
        self.operators.here = step.id
        self.say(protocol.Began(number, self.plan.limits.test_seconds))
        self.names.give_back(step.owned)
        if step.id in self.before:
            self.before[step.id](self.names)
        else:
            self.before[step.id] = changes.as_it_is(self.shared(step))
        self._link().begin(step.source)
        return time.monotonic()

    def run_parts(self, step: Step, source: str, parts: list[bytes | None]) -> Any:
        """Run parts of a test cell, whose text is `source`; the last one's value."""
        return [run_cell(source, step.id, self.names, part) for part in parts][-1]

    def judge_inside(self, number: int, step: Step) -> None:
        """Judge a test in a student's process of its own, in which nothing else is done: who cheats there cheats this test alone.

        Its hidden part goes over after its public part has passed, and what the process says from then on no student reads.
        """
        outcome = None
        while outcome is None:
            self.start(own=True)
            self.advance(number, tests=True)
            self.say(protocol.Began(number, self.plan.limits.test_seconds))
            self.names.give_back(frozenset())
            began = time.monotonic()
            for part in step.parts:
                run = functools.partial(self._link().ask, student.examine, part, asserts(step.source))
                outcome = self.judge(step, part, run)
                if outcome is None or outcome.verdict is not Verdict.PASSED:
                    break
        self.position = len(self.plan.steps) + 1  # nobody goes on here
        public = step.public == step.source or (step.goes_on and part is step.public)
        self.record(step, outcome, public or outcome.verdict is Verdict.PASSED, time.monotonic() - began)

    def judge(self, step: Step, source: str, run: Callable[[], Any]) -> Outcome | None:
        """Run a test cell, or a part of it with the text `source`; None where it is to be run again."""
        try:
            try:
                outcome = Outcome(Verdict.PASSED, value=run())
                if not step.checks:
                    raise AssertionError(NO_CHECK)
                if why := self._link().refused:  # which the test may have taken for the student's error
                    raise AssertionError(why)
            except (Exception, StudentExit, SystemExit, GeneratorExit) as error:
                if is_ours(error):
                    self.names.ours_failed = describe(error, source, step.id)
                outcome = Outcome(Verdict.FAILED, describe(error, source, step.id))
            if self.names.ours_failed:
                self.say(protocol.OurFailure(f"the test '{step.id}': {self.names.ours_failed}"))
                raise SystemExit
            # a test that swallows everything has swallowed this too
            if self.names.fault or self._link().closed:
                raise self.names.fault or self._link().fault
        except Fault as fault:
            fate = self.fate(fault)
            return fate and Outcome(*fate)
        return outcome

    def shared(self, step: Step) -> dict[str, Any]:
        """What the set-up cells bound, but for the student's names."""
        return {name: value for name, value in self.names.items() if name in self.made - step.owned}

    def record(self, step: Step, outcome: Outcome, public: bool, seconds: float) -> None:
        """The verdict on a test. What it changed of the set-up's data stays, as in a notebook, where it passed; where it
        failed, the next test must not take a wrong answer's traces for data."""
        restore, points = self.before.pop(step.id, None), 0.0
        if outcome.verdict is Verdict.PASSED:
            points, value = step.points, outcome.value
            if type(value) in (int, float) and abs(value) < math.inf:
                points = float(min(max(value, 0), points))
        else:
            if restore:
                restore(self.names)
            failed = f"the cell '{step.id}', which binds it, failed"
            self.names.lost = dict.fromkeys(step.binds, failed) | self.names.lost
        verdict, most, inside = outcome.verdict, step.points, step.in_process
        result = TestResult(
            step.id, verdict, points, most, outcome.message, public, round(seconds, 4), inside
        )
        self.results[step.id] = result
        self.unsaid.append(result)


def main(control: socket.socket) -> None:
    """Read the plan, run it, report."""
    plan = pickle.loads(messages.receive_frame(control, 2**40))
    settle(plan.course_files)
    Examiner(plan, control).run()
