"""What an object that stays in the student's process is able to do, and what it is at heart: both sides of the wire use these words."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

ARITHMETIC = (
    "add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul", "lshift", "rshift", "and", "or", "xor", "divmod",
)  # fmt: skip
ABILITIES = tuple(f"__{name}__" for name in (
    "call", "len", "iter", "next", "getitem", "setitem", "delitem", "hash", "instancecheck", "subclasscheck", "await",
    "contains", "reversed", "enter", "exit", "format", "eq", "lt", "le", "gt", "ge", "bool", "neg", "pos", "invert", "abs",
    "int", "float", "complex", "index", "round", "trunc", "floor", "ceil",
    *(how + name for name in ARITHMETIC for how in ("", "r", "i") if how + name != "idivmod"),
))  # fmt: skip
"""What an object that stays behind may be able to do; which of it crosses with its handle, a bit for each."""


BASES: dict[str, type] = {
    kind.__name__: kind for kind in (list, tuple, dict, set, frozenset, str, int, float, bytes, np.ndarray)
}
"""Types whose subclasses have a plain content."""
CONTENT: dict[str, Callable[[Any], Any]] = {
    "list": lambda x: list.__getitem__(x, slice(None)),
    "tuple": lambda x: tuple.__getitem__(x, slice(None)),
    "dict": lambda x: dict(dict.items(x)),
    "set": lambda x: set(set.__iter__(x)),
    "frozenset": lambda x: frozenset(frozenset.__iter__(x)),
    "str": str.__str__,
    "int": int.__pos__,
    "float": float.__pos__,
    "bytes": lambda x: bytes.__getitem__(x, slice(None)),
    "ndarray": lambda x: np.ndarray.view(x, np.ndarray),
}
_SHOWS_NOTHING = {f"__{name}__" for name in (
    "module", "doc", "dict", "weakref", "slots", "init", "new", "qualname", "annotations", "eq", "ne", "hash", "firstlineno",
    "static_attributes", "orig_bases", "parameters",
)}  # fmt: skip
"""What a subclass may define and still be no more than its plain content."""


_COMPARISONS = {"equal", "allclose", "isclose", "eq", "ne", "equals", "array_equal", "almost_equal"}


def abilities(kind: type) -> int:
    """What objects of a type can do, a bit for each of `ABILITIES`; not what the type itself can."""
    known = {name: can for base in reversed(kind.__mro__[:-1]) for name, can in vars(base).items()}
    known.setdefault("__hash__", object.__hash__)
    return sum(1 << n for n, name in enumerate(ABILITIES) if known.get(name) is not None)


def has_state(x: Any) -> bool:
    """Whether an object is of a class of the notebook's own, or of one that has a plain content."""
    kind: Any = type(x)
    own = kind.__module__ == "__main__" or bool(base_of(kind)[0])
    return own and not isinstance(x, type | torch.nn.Module | BaseException)


@functools.lru_cache(maxsize=1000)
def base_of(kind: Any) -> tuple[str, bool]:
    """The name of the plain type that a type is a subclass of, or "", and whether it shows more than that."""
    for name, base in ((base.__name__, base) for base in kind.__mro__[1:]):
        if BASES.get(name) is base:
            above = kind.__mro__[: kind.__mro__.index(base)]
            masked = any(one.__module__.startswith("numpy.ma") for one in above)
            return "" if masked else name, any(vars(one).keys() - _SHOWS_NOTHING for one in above)
    return "", True


PLAIN_METHODS = frozenset(
    name for kind in (*BASES.values(), torch.Tensor) for name in dir(kind) if not name.startswith("_")
)
"""Methods of values that cross. What a test hands to one says what is expected of the answer."""


def judges(name: str) -> bool:
    """Whether a test may call the method of this name on an answer, of arrays: an object must not be its own judge."""
    return name in _COMPARISONS or name.startswith("assert")
