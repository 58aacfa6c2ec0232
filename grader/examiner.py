"""The examiner's process: runs the instructor's set-up and test cells; the student's names are proxies.

It drives the student's process over the wire and reports to the coordinator in JSON. A test passes when its cell ends
without an exception here and the student's process gave readable answers to the end; nothing that process writes can
say so itself.

Two rounds keep the hidden tests hidden. In the first, cells and *public* parts of tests alternate as in the notebook:
all that a student will be shown (outputs, messages) comes from it. Only then do hidden parts run. A test whose
position matters (a later cell changes what it uses) then gets a fresh process, run up to that position.
"""

from __future__ import annotations

import builtins
import contextlib
import copy
import functools
import json
import marshal
import math
import operator
import os
import pickle
import re
import socket
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from IPython.core.inputtransformer2 import TransformerManager

from grader import diagnosis, frames, student, wire
from grader.plan import STUDENTS, Plan, Step, compile_cell
from grader.result import Verdict
from grader.wire import StudentExit

COMPARISONS = frozenset(["equal", "allclose", "isclose", "eq", "ne", "equals", "array_equal", "almost_equal"])
"""Methods of arrays that a test may call on an answer: an opaque object must not be its own judge."""
NAMING_SECONDS = 10.0
"""For the naming of misconceptions in one notebook, after all verdicts."""
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_BASE64 = re.compile(r"[A-Za-z0-9+/=\s]*")
_ADDRESS = re.compile(r"0x[0-9a-fA-F]{6,}")


class Fault(BaseException):
    """The student's process has gone or talks nonsense: no test may swallow this."""


class NoStudent(Exception):
    """The coordinator gives no more processes; the text says why, and whether time was the reason."""

    def __init__(self, verdict: str, reason: str) -> None:
        super().__init__(reason)
        self.verdict, self.reason = Verdict(verdict), reason


# ------------------------------------------------------------------------------------------- proxies


class Handle:
    """An object that stays in the student's process. It can be called, looked into and walked through there.

    It has no operators and no comparison of its own: those would let a stranger's object judge itself.
    """

    __slots__ = ("_calls", "_kind", "_link", "_number")

    def __init__(self, link: Link, number: int, kind: str, calls: bool) -> None:
        for name, value in (("_link", link), ("_number", number), ("_kind", kind), ("_calls", calls)):
            object.__setattr__(self, name, value)

    def __reduce__(self) -> Any:
        if self._link.closed:
            raise RuntimeError("this object has gone with the student's process")
        return student.resolve, (self._number,)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._link.call(self, args, kwargs)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        if name in COMPARISONS or name.startswith("assert"):
            raise TypeError(f"the answer is an object of type {self._kind}, which cannot be compared")
        return self._link.ask(getattr, self, name)

    def __setattr__(self, name: str, value: Any) -> None:
        self._link.ask(setattr, self, name, value)

    def __getitem__(self, key: Any) -> Any:
        return self._link.ask(operator.getitem, self, key)

    def __setitem__(self, key: Any, value: Any) -> None:
        self._link.ask(operator.setitem, self, key, value)

    def __len__(self) -> int:
        length = self._link.ask(len, self)
        if type(length) is not int:
            raise TypeError("a length that is no number")
        return length

    def __iter__(self) -> Iterator[Any]:
        iterator = self._link.ask(iter, self)
        if not isinstance(iterator, Handle):
            raise TypeError(f"an object of type {self._kind} cannot be iterated")
        return iterator

    def __next__(self) -> Any:
        item = self._link.ask(student.advance, self)
        if not item:
            raise StopIteration
        return item[0]

    def __instancecheck__(self, instance: Any) -> bool:
        return self._link.ask(isinstance, instance, self) is True

    def __bool__(self) -> bool:
        raise TypeError(f"the answer is an object of type {self._kind}, which is neither true nor false")

    def __array__(self, *_: Any, **__: Any) -> Any:
        raise TypeError(f"the answer is an object of type {self._kind}, not an array")

    def __repr__(self) -> str:
        return f"<an object of the student's type {self._kind!r}>"


_ARRAYS = (np.ndarray, torch.Tensor, torch.nn.Parameter, np.random.Generator, torch.Generator)
_CHANGEABLE = frozenset([list, dict, *_ARRAYS])


def _mutable(values: Any) -> list[Any]:
    """The arrays, tensors, generators, lists and dicts among a call's arguments, each once, outermost first."""
    found: dict[int, Any] = {}

    def visit(x: Any) -> None:
        if id(x) in found:
            return
        kind = type(x)
        if kind in _CHANGEABLE:
            found[id(x)] = x
        if kind in (list, tuple):
            for item in x:
                visit(item)
        elif kind is dict:
            for item in x.values():
                visit(item)
        elif isinstance(x, torch.nn.Module):
            for item in (*x.parameters(), *x.buffers()):
                visit(item)

    for value in values:
        visit(value)
    return list(found.values())


def _content(x: Any) -> Any:
    """A copy of what is in a mutable value, as `wire.put_back` takes it."""
    if isinstance(x, torch.Tensor):
        grad = x.grad.clone() if x.is_leaf and x.grad is not None else None
        return x.detach().clone().requires_grad_(x.requires_grad and x.is_leaf), grad
    return x.copy() if isinstance(x, np.ndarray | list | dict) else copy.deepcopy(x)


def as_it_is(values: dict[str, Any]) -> Callable[[dict[str, Any]], None]:
    """Remembers names, and what is in the arrays, lists ... behind them; the result puts all of it back."""
    contents = [(x, _content(x)) for x in _mutable(values.values())]

    def put_back(namespace: dict[str, Any]) -> None:
        for name, value in values.items():
            dict.__setitem__(namespace, name, value)
        for x, content in contents:
            # read-only or overlapping: it was not changed either
            with contextlib.suppress(ValueError, RuntimeError):
                wire.put_back(x, content)

    return put_back


class Link:
    """The examiner's end of the wire to one student's process."""

    def __init__(self, sock: socket.socket, answer_bytes: int) -> None:
        self.sock, self.limit = sock, answer_bytes
        self.ticket, self.closed = 0, False
        self.callbacks: list[Callable[..., Any]] = []

    def close(self) -> None:
        self.closed = True
        self.sock.close()

    def _callback(self, function: Callable[..., Any]) -> tuple[Any, ...]:
        self.callbacks.append(function)
        return student.counted_elsewhere, (len(self.callbacks) - 1,)

    def ask(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Call a function of `student`, or a built-in one, over there."""
        return self.call(function, arguments, {})

    def call(self, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """One call over there; arguments that it changes in place are changed here too. Raises what it raised, or Fault."""
        mutable = _mutable([*args, *kwargs.values()])
        if self.closed:
            raise Fault(Verdict.CRASHED, "the student's process has gone")
        # pickling may itself ask: a test's function may refer to the student's names
        message = wire.dumps((function, args, kwargs, mutable), self._callback)
        self.ticket += 1
        message = wire.REQUEST.pack(self.ticket, self.limit) + message
        try:
            frames.send_frame(self.sock, message)
            while True:
                decoder = self._receive(mutable)
                if "cb" not in decoder.header:
                    break
                self._call_back(decoder)
            error, value = wire.read_answer(decoder, mutable)
        except frames.WireError as wrong:
            self.close()
            raise Fault(Verdict.UNREADABLE, f"the answer cannot be read: {wrong}") from None
        except (EOFError, OSError):
            self.close()
            raise Fault(Verdict.CRASHED, "the student's process ended") from None
        if error is not None:
            raise error
        return value

    def _receive(self, mutable: list[Any]) -> wire.Decoder:
        decoder = wire.Decoder.read(frames.receive_frame(self.sock, self.limit), self._handle, mutable)
        if not isinstance(decoder.header, dict) or decoder.header.get("n") != self.ticket:
            raise frames.WireError("not the answer to what was asked")
        return decoder

    def _handle(self, number: int, kind: str, calls: bool) -> Handle:
        return Handle(self, number, kind, calls)

    def _call_back(self, decoder: wire.Decoder) -> None:
        header = decoder.header
        number, args, kwargs = header["cb"], decoder.value(header.get("a")), decoder.value(header.get("k"))
        if type(number) is not int or not 0 <= number < len(self.callbacks):
            raise frames.WireError("a call to nobody")
        if type(args) is not list or type(kwargs) is not dict or not all(type(key) is str for key in kwargs):
            raise frames.WireError("a call without arguments")
        try:
            reply: tuple[bool, Any] = (True, self.callbacks[number](*args, **kwargs))
        except Exception as error:
            reply = (False, ([kind.__name__ for kind in type(error).__mro__], str(error)))
        frames.send_frame(self.sock, wire.dumps(reply, self._callback))


# ----------------------------------------------------------------------------------------- namespace


class Namespace(dict[str, Any]):
    """Globals of the test cells. Names that are the student's are looked up, bound and deleted over there."""

    def __init__(self, link: Callable[[], Link]) -> None:
        super().__init__(__name__="__main__", __builtins__=builtins)
        self.link, self.owned = link, frozenset[str]()
        self.altered = False  # the test has bound or deleted a name over there
        self["display"] = lambda *_, **__: None
        self["get_ipython"] = _NoShell

    def __missing__(self, name: str) -> Any:
        if name not in self.owned and (hasattr(builtins, name) or name.startswith("__")):
            raise KeyError(name)
        try:
            value = self.link().ask(student.look_up, name)
        except NameError:
            raise KeyError(name) from None
        if name in self.owned and isinstance(value, Handle):
            super().__setitem__(name, value)  # the same object until the test ends: ask for it once
        return value

    def __contains__(self, name: object) -> bool:  # cloudpickle asks, for the globals of a test's lambda
        return super().__contains__(name) or name in self.owned

    def __setitem__(self, name: str, value: Any) -> None:
        # what a test binds is the test's: it is never asked back from over there
        super().__setitem__(name, value)
        if name in getattr(self, "owned", ()):
            self.altered = True
            self.link().ask(student.bind, name, value)

    def __delitem__(self, name: str) -> None:
        if name in self.owned:
            self.altered = True
            self.link().ask(student.unbind, name)
            self.pop(name, None)
        else:
            super().__delitem__(name)

    def give_back(self, names: frozenset[str]) -> None:
        """The student's names from here on: whatever an earlier test bound to them is forgotten."""
        self.owned, self.altered = names, False
        for name in names:
            self.pop(name, None)


class _NoShell:
    """What set-up cells find as IPython here: line magics (%matplotlib, %pip) do nothing, other ones do not exist."""

    @staticmethod
    def run_line_magic(*_: Any, **__: Any) -> None: ...
    @staticmethod
    def system(*_: Any) -> None: ...


_transform = TransformerManager().transform_cell


def run_cell(source: str, name: str, namespace: Namespace, code: bytes | None = None) -> Any:
    """Run an instructor's cell (`code` is what `compile_cell` has made of it); the value of its last line where that is
    an expression of the examiner's own names, else None."""
    if code is None and (code := compile_cell(source, name, namespace.owned)) is None:  # magics, perhaps
        plain = _transform(source)
        if (code := compile_cell(plain, name, namespace.owned)) is None:
            compile(plain, f"<{name}>", "exec")  # says why not
    body, last = marshal.loads(code or b"")
    exec(body, namespace)
    return eval(last, namespace) if last else None


def describe(error: BaseException, source: str, name: str) -> str:
    """What went wrong, for a person: the exception, and the line of the test where it has no words of its own."""
    text = str(error).strip()
    kind = type(error).__name__
    said = text if isinstance(error, AssertionError) or not text else f"{kind}: {text}"
    walked = traceback.walk_tb(error.__traceback__)
    lines = [line for frame, line in walked if frame.f_code.co_filename == f"<{name}>"]
    shown = source.split("\n")
    if not text and lines and lines[-1] and lines[-1] <= len(shown):
        said = f"{said or kind}: {shown[lines[-1] - 1].strip()}"
    return clean(
        _CONTROL.sub("\N{REPLACEMENT CHARACTER}", "\n".join([said, *getattr(error, "__notes__", [])]))
    )


def clean(text: str, limit: int = 4000) -> str:
    """Text fit for a report: no addresses, which differ from run to run, no broken characters, not too long."""
    return _ADDRESS.sub("0x...", text[:limit]).encode("utf-8", "replace").decode()


# ------------------------------------------------------------------------------------------ examiner


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
    deadly: set[int] = field(default_factory=set)  # steps that ended the process: not run a second time
    outputs: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    results: dict[str, dict[str, Any]] = field(default_factory=dict)
    space: int = 0
    current: str = ""  # the step that runs now
    made: frozenset[str] = frozenset()  # names that the set-up cells bound: tests share them
    before: dict[str, Callable[[dict[str, Any]], None]] = field(default_factory=dict)  # a test began
    halfway: dict[str, Halfway] = field(default_factory=dict)  # tests whose public part has passed
    unsaid: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.space = self.plan.notebook_bytes
        self.names = Namespace(self._link)
        self.results = {result["id"]: result for result in self.plan.known}

    # the coordinator

    def say(self, **message: Any) -> None:
        """A message, together with the last result."""
        frames.send_message(self.control, {**self.unsaid, **message})
        self.unsaid = {}

    def _link(self) -> Link:
        if self.link is None or self.link.closed:
            raise Fault(Verdict.CRASHED, "the student's process has gone")
        return self.link

    def start(self) -> None:
        """A fresh student's process with the submission's files. Raises NoStudent."""
        if self.link is not None:
            self.link.close()
        self.say(need="student")
        answer, descriptors = frames.receive_message(self.control)
        if "refused" in answer:
            raise NoStudent(*answer["refused"])
        self.link, self.position = Link(socket.socket(fileno=descriptors[0]), self.plan.answer_bytes), 0
        try:
            if self.plan.files:
                self.link.ask(student.write_files, self.plan.files)
        except OSError as error:
            self.say(incident=f"the files beside the notebook could not be written: {clean(str(error))}")

    def begin(self, name: str, seconds: float) -> None:
        """Say which step comes now and how long it may take."""
        self.current = name
        self.say(step=name, limit=seconds)

    def fate(self, fault: Fault) -> tuple[Verdict, str] | None:
        """What the coordinator knows about the end of the student's process (it may have ended it).

        None where it did so over an earlier step, which had its answer in the same moment: the present one is not to blame.
        """
        verdict, reason = fault.args
        if self.link is not None:
            self.link.close()
        self.say(gone=True)
        answer, _ = frames.receive_message(self.control)
        if answer.get("verdict"):
            if answer["step"] != self.current:
                return None
            return Verdict(answer["verdict"]), answer["reason"]
        return verdict, f"{reason}{answer.get('how', '')}" if verdict is Verdict.CRASHED else reason

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
                self.deadly.add(self.position - 1)
                step = self.plan.steps[self.position - 1]
                if step.index is not None and step.index not in self.outputs:
                    self.outputs[step.index] = [_note(f"{verdict}: {reason}")]
                self.say(incident=f"cell {step.index}: {verdict}: {reason}")

    def run_student_cell(self, number: int, step: Step) -> None:
        self.begin(step.id or f"cell {step.index}", self.plan.cell_seconds)
        first = step.index is not None and step.index not in self.outputs
        space = max(self.space, 0) if first else 0
        limit, pictures = min(self.plan.output_bytes, space), min(self.plan.picture_bytes, space)
        try:
            outputs = self._link().ask(student.execute, step.source, limit, pictures)
            kept = _plain_outputs(outputs, limit, pictures) if first else []
        except (Exception, StudentExit):  # the runner itself is damaged: the outputs are lost, no more
            kept = []
        if first:
            assert step.index is not None
            self.space -= len(json.dumps(kept))
            self.outputs[step.index] = kept

    # the tests

    def run(self) -> None:
        steps = self.plan.steps
        hidden = []
        try:
            for number, step in enumerate(steps):
                if step.kind in ("setup", "import"):
                    self.run_setup(step)
                if step.kind in STUDENTS:
                    self.advance(number + 1)
                elif step.kind == "import" or step.id in self.results:
                    continue
                elif self.test(number, step, to_end=step.public == step.source):
                    hidden.append(number)
            self.advance(len(steps))
            self.say(outputs=sorted(self.outputs.items()))
            for number in sorted(hidden, key=lambda n: (not steps[n].settled, n)):
                self.test(number, steps[number], to_end=True)
        except NoStudent as none:
            self.say(outputs=sorted(self.outputs.items()))
            for step in steps:
                if step.kind == "test" and step.id not in self.results:
                    self.record(step, none.verdict, none.reason, True, 0.0)
        self.say(done=True)
        self.say(named=self.misconceptions())
        self.say(end=True)

    def misconceptions(self) -> list[tuple[str, str]]:
        """(exercise, misconception) where the student's code answers as exactly one of the bank's does. Every verdict is in already."""
        names = {name: value for name, value in self.names.items() if name in self.made}
        solutions = "\n\n".join(exercise.solution.source for exercise in self.plan.exercises)
        found: list[tuple[str, str]] = []
        self.begin("naming misconceptions", NAMING_SECONDS)
        for exercise in self.plan.exercises:
            if {self.results[test.id]["verdict"] for test in exercise.tests} - {Verdict.PASSED} != {
                Verdict.FAILED
            }:
                continue
            try:
                self.advance(len(self.plan.steps))
                ask = functools.partial(self._link().ask, student.rehearse)
                one = diagnosis.name(exercise, solutions, self.plan.wrong, names, ask)
            except (Fault, NoStudent, StudentExit):  # over an answer that no test came to: not asked again
                break
            if one:
                found.append((exercise.name, one))
        return found

    def run_setup(self, step: Step) -> None:
        self.begin(step.id, self.plan.cell_seconds)
        self.names.give_back(frozenset())
        try:
            run_cell(step.source, step.id, self.names, step.code)
        except Exception as error:
            self.say(incident=f"set-up cell '{step.id}' failed in the examiner: {clean(repr(error))}")
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
        self.begin(step.id, self.plan.test_seconds)
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
        fault: Fault | None = None
        try:
            for part in parts:
                value = run_cell(source, step.id, self.names, part)
            if type(value) in (int, float) and math.isfinite(value) and to_end:
                points = min(max(float(value), 0.0), step.points)
        except Fault as its_end:
            fault = its_end
        except (Exception, StudentExit, SystemExit, GeneratorExit) as error:
            verdict, message = Verdict.FAILED, describe(error, source, step.id)
        else:
            if (
                self.link is None or self.link.closed
            ):  # a test that swallows everything has swallowed this too
                fault = Fault(Verdict.CRASHED, "the student's process ended")
        if fault is not None:
            fate = self.fate(fault)
            if fate is None:
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
        if self.unsaid:
            self.say()
        self.unsaid = {"result": result}


def _note(text: str) -> dict[str, Any]:
    return {"output_type": "stream", "name": "stderr", "text": f"[{clean(text)}]\n"}


def _plain_outputs(outputs: Any, limit: int, pictures: int) -> list[dict[str, Any]]:
    """The outputs in nbformat's form, made afresh from what the student's process sent, within the limits."""
    kept = student.Output(limit + 200, pictures)  # with room for the note that something was cut
    for item in (outputs if isinstance(outputs, list) else [])[: student.MAX_OUTPUTS + 2]:
        match item:
            case {"output_type": "stream", "name": "stdout" | "stderr" as name, "text": str(text)}:
                kept.text(name, clean(text, limit + 200))
            case {"output_type": "error", "ename": str(kind), "evalue": str(text), "traceback": [str(trace)]}:
                kept.error(clean(kind, 200), clean(text), [clean(trace, limit)])
            case {"output_type": "display_data" | "execute_result" as kind, "data": dict(data)}:
                count = item.get("execution_count")
                more = {"execution_count": count if type(count) is int else None}
                kept.rich(kind, _plain_bundle(data), **(more if kind == "execute_result" else {}))
    return kept.done()


def _plain_bundle(data: dict[Any, Any]) -> dict[str, str]:
    """The forms that are shown: clean text, and pictures that are base64 and nothing else."""
    bundle = {mime: data[mime] for mime in student.SHOWN if isinstance(data.get(mime), str)}
    plain = {"text/plain": clean(bundle.pop("text/plain"), 2**20)} if "text/plain" in bundle else {}
    return plain | {mime: text for mime, text in bundle.items() if _BASE64.fullmatch(text)}


def main(control: socket.socket) -> None:
    """Read the plan, run it, report."""
    plan = pickle.loads(frames.receive_frame(control, 2**40))
    student.write_files(plan.course_files)
    sys.path.insert(0, os.getcwd())
    sys.stdout = sys.stderr = open(os.devnull, "w")  # noqa: SIM115  until the process ends
    Examiner(plan, control).run()
