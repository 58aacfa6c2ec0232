"""Name a misconception: ask the student's code everything that the exercise's tests ask, and compare its answers with the bank's.

What is asked, and what the solution and every wrong answer of the bank give, is known from a rehearsal (see `rehearsal`). The
student's process gets all the calls in one message. A misconception is named where exactly one wrong answer gives, to the end,
what the student's code gives: the same shapes, kinds of number and values, the same exceptions, the same changes to arguments.
Nothing is said where none or several do, or where the student's answers are the solution's.
"""

from __future__ import annotations

import io
import itertools
import pickle
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import torch

MAX_ITEMS = 10_000
"""Of an iterator that was the answer to one call."""
Call = tuple[str, bytes]
"""A function's name, and the pickle of its arguments."""
Answer = list[Any]
"""The names of the exception's type and of that type's bases, [] without one; the value; what the call left of its arguments."""
Rehearsal = list[tuple[Call, dict[str | None, bytes]]]
"""Each call of an exercise's tests, and the pickles of the answers to it: of each wrong answer, by name, and of the solution (None)."""


def name(rehearsal: Rehearsal, student: Callable[[list[Call]], list[Answer]]) -> str | None:
    """The one wrong answer that answers as the student's functions do; None where that is not exactly one.

    student: `answers` of the student's functions. Raises what that raises.
    """
    given = student([call for call, _ in rehearsal])
    if len(given) < len(rehearsal):  # not written yet
        return None
    left: set[str | None] = {name for _, known in rehearsal[:1] for name in known}
    for (_, known), theirs in zip(rehearsal, given, strict=True):
        left &= known.keys()
        alike = {answer: _same(pickle.loads(answer), theirs) for answer in {known[name] for name in left}}
        left = {name for name in left if alike[known[name]]}
        if left <= {None}:
            return None
    return left.pop() if len(left) == 1 else None


def answers(calls: Iterable[Call], look_up: Callable[[str], Any]) -> list[Answer]:
    """What the functions that `look_up` finds answer to each call; fewer where one of them is not there or not written yet."""
    given: list[Answer] = []
    for target, sent in calls:
        one = answer(look_up, target, sent)
        if not {"NotImplementedError", "NameError"}.isdisjoint(one[0]):
            break
        given.append(one)
    return given


def answer(look_up: Callable[[str], Any], target: str, sent: bytes) -> Answer:
    """What one call gives, iterators unrolled, or the exception that it raises."""
    try:
        args, kwargs = _Unpickler(sent, look_up).load()
        value = look_up(target)(*args, **kwargs)
        if hasattr(value, "__next__"):
            value = list(itertools.islice(value, MAX_ITEMS))
        return [[], value, _left([args, kwargs])]
    except Exception as error:
        return [[kind.__name__ for kind in type(error).__mro__], None, None]


class _Unpickler(pickle.Unpickler):
    """A function of the exercises travels as its name: whoever is asked puts a function of their own there."""

    def __init__(self, sent: bytes, look_up: Callable[[str], Any]) -> None:
        super().__init__(io.BytesIO(sent))
        self.look_up = look_up

    def persistent_load(self, name: Any) -> Any:
        return self.look_up(name)


def _left(x: Any) -> Any:
    """Arguments after a call, with how often it was called in place of each function, which is everyone's own copy."""
    if isinstance(x, list | tuple):
        return [_left(item) for item in x]
    if isinstance(x, dict):
        return {key: _left(value) for key, value in x.items()}
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
