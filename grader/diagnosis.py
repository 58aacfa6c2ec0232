"""Name a misconception: ask the student's code, and the bank's wrong answers, everything that the solution is asked.

An exercise that failed is rehearsed: its test cells run once more, here in the examiner's process, with the instructor's solution,
so that every call of theirs is made. Each call goes to the student's process too, and to the wrong answers of the bank (the
instructor's own code, run here) that have so far answered as the student's code did: the same shapes, kinds of number and values, the same
exceptions, the same changes to arguments. The rehearsal ends as soon as none is left. A misconception is named where exactly one
stays to the end; nothing is said where none or several do, or where the student's answers were the solution's.
"""

from __future__ import annotations

import itertools
import pickle
from collections.abc import Callable, Iterable, Mapping
from types import CodeType
from typing import Any

import numpy as np
import torch

from grader import wire
from grader.notebook import Exercise, WrongAnswer

MAX_ITEMS = 10_000
"""Of an iterator that was the answer to one call."""

Function = Callable[..., Any]


class _Enough(BaseException):
    """The rehearsal can end: nobody is left. No test may swallow this."""


def name(
    exercise: Exercise,
    solutions: str,
    wrong: Iterable[WrongAnswer],
    names: Mapping[str, Any],
    student: Callable[[str], Function],
) -> str | None:
    """The one entry of `wrong` that answers as the student's functions do; None where that is not exactly one.

    solutions: code of all solution cells of the notebook; names: what the set-up cells bound; student(f): the student's f.
    Raises what a call of the student's raises besides an Exception.
    """
    known = [entry for entry in wrong if entry.target in exercise.solution.defines]
    try:
        solution = compile(solutions, "<solution>", "exec")
        right = _bind(names, solution)
        left: dict[str, dict[str, Any]] = {}
        differs = False

        def stand_in(target: str) -> Function:
            theirs = student(target)

            def ask_everyone(*args: Any, **kwargs: Any) -> Any:
                nonlocal differs
                sent = wire.dumps((args, kwargs), _fresh)
                answer = _answer(theirs, sent)
                if isinstance(answer[0], NotImplementedError | NameError):
                    raise _Enough  # not written yet
                if not left:
                    left.update({entry.name: _bind(names, solution, entry.source) for entry in known})
                differs = differs or not _same(_answer(right[target], sent), answer)
                for entry in [
                    entry for entry, bound in left.items() if not _same(_answer(bound[target], sent), answer)
                ]:
                    del left[entry]
                if not left:
                    raise _Enough
                return right[target](*args, **kwargs)

            return ask_everyone

        stand_ins = {
            target: stand_in(target) for target in exercise.solution.defines if callable(right[target])
        }
        for test in exercise.tests:
            exec(test.source, {**right, **stand_ins})
    except (
        _Enough,
        Exception,
    ):  # an Exception: a cell that only runs in a notebook, an entry that does not run; say nothing
        return None
    return next(iter(left)) if len(left) == 1 and differs else None


def _bind(names: Mapping[str, Any], *code: str | CodeType) -> dict[str, Any]:
    """What pieces of code bind, run one after the other among `names`."""
    bound = dict(names)
    for piece in code:
        exec(piece, bound)
    return bound


def _fresh(counted: Any) -> tuple[Any, ...]:
    """How a `checks.counted` function travels: as one of its own kind that has not been called."""
    return type(counted), (counted.function,)


def _answer(function: Function, sent: bytes) -> tuple[Any, Any]:
    """What a call gives, iterators unrolled, or the exception that it raises; and the arguments as it leaves them."""
    args, kwargs = pickle.loads(sent)
    try:
        value = function(*args, **kwargs)
    except Exception as error:
        return error, None
    if hasattr(value, "__next__"):
        try:
            value = list(itertools.islice(value, MAX_ITEMS))
        except Exception:
            value = object()  # like no other answer
    return value, (args, kwargs)


def _same(a: Any, b: Any) -> bool:
    """Whether two answers are the same: kinds, shapes, and values up to rounding."""
    if isinstance(a, BaseException) or isinstance(b, BaseException):
        return type(a) is type(b)
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
        # a function among the arguments is everyone's own copy; a counted one has been called so often
        return bool(getattr(a, "calls", 0) == getattr(b, "calls", 0) if callable(a) else a == b)
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
