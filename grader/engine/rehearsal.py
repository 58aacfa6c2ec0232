"""Rehearse an exercise: every call that its tests make, and what the solution and each wrong answer of the bank give.

    coordinator --- rehearsing process (sandboxed as an examiner is; no student's process, no word of one)

Done once for a class, when a submission first fails the exercise. The test cells run with the instructor's solution, so that
every call of theirs is made, and kept.
"""

from __future__ import annotations

import ast
import contextlib
import io
import pickle
import socket
import sys
from collections.abc import Callable, Iterable, Mapping
from types import CodeType, FunctionType
from typing import Any

from grader.engine.misconceptions import Asked, Call, Rehearsal, answer
from grader.engine.namespace import Namespace, run_cell, settle
from grader.engine.pickler import Pickler, dumps
from grader.engine.plan import Step
from grader.engine.proxy import Link
from grader.sandbox.messages import receive_frame, send_frame
from grader.source.bank import WrongAnswer
from grader.source.notebook import HIDDEN_BEGIN, Exercise

MAX_BYTES = 2**15
"""Of a call's arguments, and of each answer to it, pickled: a larger call is not asked again: in the units that there are it tells nothing apart that smaller
ones do not."""
_SOLUTION = "<solution>"


def main(sock: socket.socket) -> None:
    """Rehearse what the coordinator sends."""
    files, setup, exercise, solutions, wrong = pickle.loads(receive_frame(sock, 2**40))
    settle(files)
    send_frame(sock, pickle.dumps(rehearse(exercise, solutions, wrong, _set_up(setup))))


def _set_up(steps: Iterable[Step]) -> dict[str, Any]:
    """What the set-up cells bind."""

    def nobody() -> Link:
        raise NameError

    names = Namespace(nobody)
    for step in steps:
        with contextlib.suppress(Exception):  # the examiner reports it
            if step.kind == "import":
                names.bring(step.source)
                continue
            run_cell(step.source, step.id, names, step.code)
    return dict(names)


def rehearse(
    exercise: Exercise, solutions: str, wrong: Iterable[WrongAnswer], names: Mapping[str, Any]
) -> Rehearsal:
    """The rehearsal of an exercise; empty where something does not run (a cell that needs a notebook, say).

    solutions: code of all solution cells of the notebook; wrong: what the bank has for this exercise; names: what the set-up cells bound.
    """
    try:
        solution = compile(solutions, _SOLUTION, "exec")
        right = _bind(names, solution)
        calls = _calls(exercise, right, names)
        known: dict[str | None, dict[str, Any]] = {None: right}
        known |= {entry.name: _bind(names, solution, entry.source) for entry in wrong}
    except Exception:
        return []
    found = [Asked(call, dict(_answers(call, known)), *of) for call, of in calls if len(call[1]) <= MAX_BYTES]
    return [one for one in found if max(map(len, one.known.values()), default=0) <= MAX_BYTES]


def _answers(call: Call, known: Mapping[str | None, dict[str, Any]]) -> Iterable[tuple[str | None, bytes]]:
    """The pickled answer of each; of those whose answer is nothing that the student's could be equal to, none."""
    for name, bound in known.items():
        given = answer(bound.__getitem__, *call)
        with contextlib.suppress(Exception):
            yield name, dumps(given, _fresh)


class _StandIn:
    """A function of the exercise during a rehearsal: it keeps what it is called with."""

    def __init__(
        self, name: str, function: Callable[..., Any], calls: list[tuple[Call, bool]], own: Mapping[int, str]
    ) -> None:
        self.name, self.function, self.calls, self.own = name, function, calls, own

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        file = io.BytesIO()
        with contextlib.suppress(Exception):  # a call that cannot travel is not asked
            pickler = _Pickler(file, self.own)
            pickler.dump((args, kwargs))
            self.calls.append(((self.name, file.getvalue()), pickler.code))
        return self.function(*args, **kwargs)


class _Pickler(Pickler):
    """What the solution binds, functions and classes, travels as its name: whoever is asked puts one of their own there. None of the
    solution's code travels in any other way."""

    def __init__(self, file: io.BytesIO, own: Mapping[int, str]) -> None:
        super().__init__(file, _fresh)
        self.own, self.code = own, False

    def persistent_id(self, obj: Any) -> str | None:
        if isinstance(obj, CodeType):
            self.code = True
            if obj.co_filename == _SOLUTION:
                raise pickle.PicklingError("code of the solution")
        return obj.name if type(obj) is _StandIn else self.own.get(id(obj))


def _fresh(counted: Any) -> tuple[Any, ...]:
    """How a `checks.counted` function travels: as one of its own kind that has not been called."""
    return type(counted), (counted.function,)


def _calls(
    exercise: Exercise, right: dict[str, Any], names: Mapping[str, Any]
) -> list[tuple[Call, tuple[str, bool]]]:
    """The calls of the exercise's functions that its test cells make, where all functions are the solution's; with the test's id
    where the hidden part makes them, else "", and whether they hand over code."""
    calls, found = list[tuple[Call, bool]](), list[tuple[Call, tuple[str, bool]]]()
    own = {
        id(value): name for name, value in right.items() if value is not names.get(name) and _is_new(value)
    }
    stand_ins = {
        name: _StandIn(name, right[name], calls, own)
        for name in exercise.solution.defines
        if callable(right[name])
    }
    for test in (test for test in exercise.tests if not test.explore):
        bound = {**right, **stand_ins}
        head = test.source.partition(HIDDEN_BEGIN)[0].count("\n") + (HIDDEN_BEGIN not in test.source)
        for node in ast.parse(test.source).body:
            exec(compile(ast.Module([node], []), test.id, "exec"), bound)
            hidden = (node.end_lineno or 0) > head
            found += [(call, (test.id if hidden else "", code)) for call, code in calls[len(found) :]]
    return found


def _is_new(x: Any) -> bool:
    """Whether this is a function of the solution's text, or a class that is in no module."""
    if isinstance(x, FunctionType):
        return x.__code__.co_filename == _SOLUTION
    return isinstance(x, type) and getattr(sys.modules.get(x.__module__), x.__name__, None) is not x


def _bind(names: Mapping[str, Any], *code: str | CodeType) -> dict[str, Any]:
    """What pieces of code bind, run one after the other among `names`."""
    bound = dict(names)
    for piece in code:
        exec(piece, bound)
    return bound
