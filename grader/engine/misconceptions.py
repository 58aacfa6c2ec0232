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
import random
from collections.abc import Callable, Collection, Iterable
from typing import Any, NamedTuple

import numpy as np
import torch

MAX_ITEMS = 10_000
"""Of an iterator that was the answer to one call."""
Call = tuple[str, bytes]
"""A function's name, and the pickle of its arguments."""
Answer = list[Any]
"""The names of the exception's type and of that type's bases, [] without one; the value; what the call left of its arguments."""


class Asked(NamedTuple):
    """One call of an exercise's tests."""

    call: Call
    known: dict[
        str | None, bytes
    ]  # the pickled answer of each wrong answer, by name, and of the solution (None)
    hidden: str = ""  # the test whose hidden part makes it; "" where it is public
    code: bool = False  # it hands over a function of the test's own


Rehearsal = list[Asked]


def name(
    rehearsal: Rehearsal, student: Callable[[list[Call]], list[Answer]], begun: Collection[str] = ()
) -> str | None:
    """The one wrong answer that answers as the student's functions do; None where that is not exactly one.

    student: `answers` of the student's functions; begun: ids of tests whose hidden part has been begun, which hands its calls over.
    Of other hidden parts only data is handed over, never code, and only where all else leaves several. Raises what `student` raises.
    """
    handed = [one for one in rehearsal if one.hidden in ("", *begun)]
    more = [one for one in rehearsal if one.hidden not in ("", *begun) and not one.code]
    left = _fitting(handed, student, {name for one in rehearsal[:1] for name in one.known})
    if len(left) > 1:
        left = _fitting(more, student, left)
    return left.pop() if len(left) == 1 else None


def _fitting(
    asked: Rehearsal, student: Callable[[list[Call]], list[Answer]], left: set[str | None]
) -> set[str | None]:
    """Those of `left` that answer to the end as the student's functions do."""
    given = student([one.call for one in asked])
    if len(given) < len(asked):  # not written yet
        return set()
    for one, theirs in zip(asked, given, strict=True):
        left = left & one.known.keys()
        alike = {answer: _same(pickle.loads(answer), theirs) for answer in {one.known[name] for name in left}}
        left = {name for name in left if alike[one.known[name]]}
        if left <= {None}:
            return set()
    return left


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
    """What one call gives, iterators unrolled, or the exception that it raises. The global random generators are in one state for all."""
    random.seed(0)
    np.random.seed(0)  # noqa: NPY002 (the old generator is what they use)
    torch.default_generator.manual_seed(0)  # torch.manual_seed keeps a stack for CUDA each time
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
        gap = np.abs(x - y)
        close = (gap <= 1e-12 + 1e-9 * np.abs(y)) & (
            gap < np.inf
        )  # a finite number is not near to an infinite one
        near = close | (x == y) | (np.isnan(x) & np.isnan(y))
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
