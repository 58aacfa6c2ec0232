"""Values that cross as their parts: of which each kind is made, and how it is made again.

The parts may come from a stranger: each has exactly one of the types that stand here, so that nothing of theirs is called.
"""

from __future__ import annotations

import builtins
import datetime
import pathlib
import uuid
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable, Sequence
from decimal import Decimal
from fractions import Fraction
from types import SimpleNamespace
from typing import Any, NamedTuple

import torch

from grader.engine import buffers


class Made(NamedTuple):
    """How values of one kind cross."""

    parts: Callable[[Any], Sequence[Any]]
    types: tuple[type | tuple[type, ...] | None, ...]  # of each part; None where it may be anything
    make: Callable[..., Any]

    def fits(self, parts: Sequence[Any]) -> bool:
        return len(parts) == len(self.types) and all(
            wanted is None or type(part) in (wanted if isinstance(wanted, tuple) else (wanted,))
            for part, wanted in zip(parts, self.types, strict=True)
        )


def _size(items: tuple[Any, ...]) -> torch.Size:
    if not all(type(item) is int for item in items):
        raise TypeError("a size that is no number")
    return torch.Size(items)


_MAYBE_INT = (int, type(None))
_BUILTIN = {name: kind for name, kind in vars(builtins).items() if isinstance(kind, type)}
_KINDS: dict[type, Made] = {
    range: Made(lambda x: (x.start, x.stop, x.step), (int, int, int), range),
    slice: Made(lambda x: (x.start, x.stop, x.step), (_MAYBE_INT,) * 3, slice),
    bytearray: Made(lambda x: (bytes(x),), (bytes,), bytearray),
    type(...): Made(lambda x: (), (), lambda: ...),
    type(NotImplemented): Made(lambda x: (), (), lambda: NotImplemented),
    type: Made(lambda x: [x.__name__][: x in _BUILTIN.values()], (str,), _BUILTIN.__getitem__),
    Fraction: Made(lambda x: (x.numerator, x.denominator), (int, int), Fraction),
    Decimal: Made(lambda x: (str(x),), (str,), Decimal),
    datetime.date: Made(lambda x: (x.isoformat(),), (str,), datetime.date.fromisoformat),
    datetime.time: Made(lambda x: (x.isoformat(),), (str,), datetime.time.fromisoformat),
    datetime.datetime: Made(lambda x: (x.isoformat(),), (str,), datetime.datetime.fromisoformat),
    datetime.timedelta: Made(
        lambda x: (x.days, x.seconds, x.microseconds), (int, int, int), datetime.timedelta
    ),
    uuid.UUID: Made(lambda x: (str(x),), (str,), uuid.UUID),
    **{kind: Made(lambda x: (str(x),), (str,), kind)
       for kind in (type(pathlib.Path()), pathlib.PurePosixPath, pathlib.PureWindowsPath)},
    Counter: Made(lambda x: (dict(x),), (dict,), Counter),
    OrderedDict: Made(lambda x: (dict(x),), (dict,), OrderedDict),
    defaultdict: Made(lambda x: (x.default_factory, dict(x)), (None, dict), defaultdict),
    deque: Made(lambda x: (list(x), x.maxlen), (list, _MAYBE_INT), deque),
    SimpleNamespace: Made(lambda x: (vars(x),), (dict,), lambda names: SimpleNamespace(**names)),
    type({}.keys()): Made(lambda x: (dict.fromkeys(x),), (dict,), dict.keys),
    type({}.values()): Made(lambda x: (list(x),), (list,), lambda items: dict(enumerate(items)).values()),
    type({}.items()): Made(lambda x: (dict(x),), (dict,), dict.items),
    torch.Size: Made(lambda x: (tuple(x),), (tuple,), _size),
    torch.dtype: Made(lambda x: (str(x),), (str,), buffers.TORCH_DTYPES.__getitem__),
    **{type(dtype): Made(lambda x: (x.str,), (str,), buffers.dtype) for dtype in buffers.DTYPES.values()},
}  # fmt: skip
_BY_NAME = {str(kind.__name__): made for kind, made in _KINDS.items()}


def parts_of(x: Any) -> Sequence[Any] | None:
    """What a value is made of, None where it is of no kind that crosses so."""
    made = _KINDS.get(type(x))
    if made is None or not made.fits(parts := made.parts(x)):
        return None
    return parts


def made_of(kind: str, parts: Sequence[Any]) -> Any:
    """The value of a kind's name that has these parts. Raises TypeError, ValueError, KeyError and what its kind raises for others."""
    made = _BY_NAME[kind]
    if not made.fits(parts):
        raise TypeError("parts of another type")
    return made.make(*parts)
