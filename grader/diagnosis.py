"""Name a misconception: ask the student's code, and the bank's wrong answers, everything that the solution is asked.

An exercise that failed is rehearsed: its test cells run once more, here in the examiner's process, with the instructor's solution,
so that every call of theirs is made, and kept. The student's process gets all the calls in one message, and answers them. Then the wrong
answers of the bank (the instructor's own code, run here) are asked the same, as long as they answer as the student's code did: the same
shapes, kinds of number and values, the same exceptions, the same changes to arguments. A misconception is named where exactly one stays
to the end; nothing is said where none or several do, or where the student's answers were the solution's.
"""

from __future__ import annotations

import io
import itertools
import pickle
from collections.abc import Callable, Iterable, Mapping
from types import CodeType
from typing import Any

import numpy as np
import torch

from grader import wire
from grader.notebook import Exercise, WrongAnswer

_SOLUTION = "<solution>"
MAX_ITEMS = 10_000
"""Of an iterator that was the answer to one call."""

Call = tuple[str, bytes]
"""A function's name, and the pickle of its arguments."""
Answer = list[Any]
"""The names of the exception's type and of that type's bases, [] without one; the value; what the call left of its arguments."""


def name(
    exercise: Exercise,
    solutions: str,
    wrong: Iterable[WrongAnswer],
    names: Mapping[str, Any],
    student: Callable[[list[Call]], list[Answer]],
) -> str | None:
    """The one entry of `wrong` that answers as the student's functions do; None where that is not exactly one.

    solutions: code of all solution cells of the notebook; names: what the set-up cells bound; student: `answers` of the student's
    functions. Raises what that raises besides an Exception.
    """
    known = [entry for entry in wrong if entry.target in exercise.solution.defines]
    try:
        solution = compile(solutions, _SOLUTION, "exec")
        right = _bind(names, solution)
        calls = _rehearse(exercise, right)
        given = student(calls)
        if len(given) < len(calls):  # not written yet
            return None
        left = {entry.name: _bind(names, solution, entry.source) for entry in known}
        differs = False
        for (target, sent), theirs in zip(calls, given, strict=True):
            differs = differs or not _same(_answer(right.__getitem__, target, sent), theirs)
            left = {
                entry: bound
                for entry, bound in left.items()
                if _same(_answer(bound.__getitem__, target, sent), theirs)
            }
            if not left:
                return None
    except Exception:  # a cell that only runs in a notebook, an entry that does not run: say nothing
        return None
    return next(iter(left)) if len(left) == 1 and differs else None


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


class _Pickler(wire.Pickler):
    def persistent_id(self, obj: Any) -> str | None:
        return obj.name if type(obj) is _StandIn else None


class _Unpickler(pickle.Unpickler):
    def __init__(self, sent: bytes, look_up: Callable[[str], Any]) -> None:
        super().__init__(io.BytesIO(sent))
        self.look_up = look_up

    def persistent_load(self, name: Any) -> Any:
        return self.look_up(name)


def _fresh(counted: Any) -> tuple[Any, ...]:
    """How a `checks.counted` function travels: as one of its own kind that has not been called."""
    return type(counted), (counted.function,)


def _rehearse(exercise: Exercise, right: dict[str, Any]) -> list[Call]:
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


def answers(calls: Iterable[Call], look_up: Callable[[str], Any]) -> list[Answer]:
    """What the functions that `look_up` finds answer to each call; fewer where one of them is not there or not written yet."""
    given: list[Answer] = []
    for target, sent in calls:
        answer = _answer(look_up, target, sent)
        if not {"NotImplementedError", "NameError"}.isdisjoint(answer[0]):
            break
        given.append(answer)
    return given


def _answer(look_up: Callable[[str], Any], target: str, sent: bytes) -> Answer:
    """What one call gives, iterators unrolled, or the exception that it raises."""
    try:
        args, kwargs = _Unpickler(sent, look_up).load()
        value = look_up(target)(*args, **kwargs)
        if hasattr(value, "__next__"):
            value = list(itertools.islice(value, MAX_ITEMS))
    except Exception as error:
        return [[kind.__name__ for kind in type(error).__mro__], None, None]
    return [[], value, _counts([args, kwargs])]


def _counts(x: Any) -> Any:
    """Arguments with how often it was called in place of each function: otherwise it is everyone's own copy."""
    if isinstance(x, list | tuple):
        return [_counts(item) for item in x]
    if isinstance(x, dict):
        return {key: _counts(value) for key, value in x.items()}
    return getattr(x, "calls", 0) if callable(x) else x


def _same(a: Any, b: Any) -> bool:
    """Whether two answers are the same: kinds, shapes, and values up to rounding."""
    if isinstance(a, dict):
        return isinstance(b, dict) and list(a) == list(b) and all(_same(a[k], b[k]) for k in a)
    if isinstance(a, list | tuple) and isinstance(b, list | tuple):
        return len(a) == len(b) and all(_same(x, y) for x, y in zip(a, b, strict=True))
    if isinstance(a, np.random.Generator) and isinstance(b, np.random.Generator):
        return repr(a.bit_generator.state) == repr(b.bit_generator.state)
    if isinstance(a, torch.Generator) and isinstance(b, torch.Generator):
        return torch.equal(a.get_state(), b.get_state())
    x, y = _numbers(a), _numbers(b)
    if x is None or y is None:
        if type(a) is not type(b):
            return False  # before they are compared: == between an array and a ragged tuple raises
        return bool(a == b)
    # an array in single precision is an answer of its own; whether it is NumPy's or torch's makes no difference
    single = [z.dtype.kind in "fc" and z.dtype.itemsize < 8 for z in (x, y)]
    if x.shape != y.shape or x.dtype.kind != y.dtype.kind or single[0] != single[1]:
        return False
    if x.dtype == y.dtype and x.tobytes() == y.tobytes():
        return True
    if x.dtype.kind in "biu":
        return bool((x == y).all())
    with np.errstate(all="ignore"):  # as np.allclose, which takes five times as long for a few numbers
        near = (np.abs(x - y) <= 1e-12 + 1e-9 * np.abs(y)) | (x == y) | (np.isnan(x) & np.isnan(y))
    return bool(near.all())


def _numbers(x: Any) -> np.ndarray[Any, Any] | None:
    """The numbers in `x` as an array, None where it is something else."""
    if isinstance(x, torch.Tensor):
        x = x.detach().to(torch.float32 if x.dtype is torch.bfloat16 else x.dtype).numpy()
    try:
        found = np.asarray(x)
    except Exception:
        return None
    return found if found.dtype.kind in "biufc" else None
