"""Rehearse an exercise: every call that its tests make, and what the solution and each wrong answer of the bank give.

    coordinator --- rehearsing process (sandboxed as an examiner is; no student's process, no word of one)

Done once for a class, when a submission first fails the exercise. The test cells run with the instructor's solution, so that
every call of theirs is made, and kept.
"""

from __future__ import annotations

import contextlib
import io
import pickle
import socket
from collections.abc import Callable, Iterable, Mapping
from types import CodeType
from typing import Any

from grader.engine import codec
from grader.engine.misconceptions import Call, Rehearsal, answer
from grader.engine.namespace import Namespace, run_cell, settle
from grader.engine.plan import Step
from grader.engine.proxy import Link
from grader.sandbox.messages import receive_frame, send_frame
from grader.source.bank import WrongAnswer
from grader.source.notebook import Exercise

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
        calls = _calls(exercise, right)
        known: dict[str | None, dict[str, Any]] = {None: right}
        known |= {entry.name: _bind(names, solution, entry.source) for entry in wrong}
    except Exception:
        return []
    found = [(call, dict(_answers(call, known))) for call in calls if len(call[1]) <= MAX_BYTES]
    return [(call, given) for call, given in found if max(map(len, given.values()), default=0) <= MAX_BYTES]


def _answers(call: Call, known: Mapping[str | None, dict[str, Any]]) -> Iterable[tuple[str | None, bytes]]:
    """The pickled answer of each; of those whose answer is nothing that the student's could be equal to, none."""
    for name, bound in known.items():
        given = answer(bound.__getitem__, *call)
        with contextlib.suppress(Exception):
            yield name, codec.dumps(given, _fresh)


class _StandIn:
    """A function of the solution during a rehearsal. It travels as its name: whoever is asked puts a function of their own there."""

    def __init__(self, name: str, function: Callable[..., Any], calls: list[Call] | None) -> None:
        self.name, self.function, self.calls = name, function, calls

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self.calls is not None:
            file = io.BytesIO()
            _Pickler(file, _fresh).dump((args, kwargs))
            self.calls.append((self.name, file.getvalue()))
        return self.function(*args, **kwargs)


class _Pickler(codec.Pickler):
    def persistent_id(self, obj: Any) -> str | None:
        return obj.name if type(obj) is _StandIn else None


def _fresh(counted: Any) -> tuple[Any, ...]:
    """How a `checks.counted` function travels: as one of its own kind that has not been called."""
    return type(counted), (counted.function,)


def _calls(exercise: Exercise, right: dict[str, Any]) -> list[Call]:
    """The calls of the exercise's functions that its test cells make, where all functions are the solution's."""
    calls: list[Call] = []
    stand_ins = {
        name: _StandIn(name, right[name], calls)
        for name in exercise.solution.defines
        if callable(right[name])
    }
    for name, value in right.items():  # those of other exercises are not asked, and must not travel either
        if (
            name not in stand_ins
            and getattr(getattr(value, "__code__", None), "co_filename", "") == _SOLUTION
        ):
            stand_ins[name] = _StandIn(name, value, None)
    for test in exercise.tests:
        exec(test.source, {**right, **stand_ins})
    return calls


def _bind(names: Mapping[str, Any], *code: str | CodeType) -> dict[str, Any]:
    """What pieces of code bind, run one after the other among `names`."""
    bound = dict(names)
    for piece in code:
        exec(piece, bound)
    return bound
