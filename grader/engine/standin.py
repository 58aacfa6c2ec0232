"""Stand-ins for objects that stay in the student's process, and what of their answers is believed.

A stand-in has the abilities of its object and nothing of its own to show: whatever it is asked, the object is asked over there. An
operator sees what the test compares with, so an object could be its own judge. Therefore

- what an operator (or str, float ...) gives is asked for where, at the same place of the same test, the instructor's own solution had
  it used on an object, with the like (see `Link.believes`); elsewhere, of a subclass of list, int ..., its plain content is taken, and
  of other objects nothing: that is refused, and the test fails, whatever it makes of the refusal;
- the same holds for methods that plain values have (`startswith`, `issubset`, `dist`), where they are handed something;
- that two things are equal is believed only where what was sent of them before, their attributes or their content, is equal.
"""

from __future__ import annotations

import functools
import inspect
import math
import operator
from collections.abc import Callable, Generator
from typing import Any

import numpy as np

from grader.engine import student
from grader.engine.abilities import ABILITIES, ARITHMETIC, PLAIN_METHODS, judges

_TOLD = {f"__{name}__" for name in (
    "doc", "name", "qualname", "module", "annotations", "type_params", "wrapped", "init", "bases", "mro", "defaults",
    "kwdefaults", "code", "self", "func", "str", "repr",
)}  # fmt: skip
"""Attributes between underscores that are asked for like public ones, as are `ABILITIES` and all of a class."""
_RULED = {name for name in ABILITIES[ABILITIES.index("__contains__") :] if name != "__eq__"}
_COROUTINES = ("send", "throw", "close")
_PROBED = ("__array", "__torch", "__cuda", "__dlpack", "__class_getitem", "cr_code")
"""What libraries look for in any object, to find that it is none of theirs."""


class Handle:
    """An object that stays in the student's process. It can be called, looked into and walked through there.

    Its class is made for it by `stand_in`, with the name and the abilities of the object's own.
    """

    __slots__ = ("_there",)
    __trainlab_counted__ = True  # it stays where it is: see Link._stays
    __array_ufunc__ = None  # an array that it is added to asks it
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, link: Any, number: int, kind: str) -> None:
        object.__setattr__(self, "_there", (link, number, kind))

    def __getattribute__(self, name: str) -> Any:
        # numpy looks for the second here, and takes items where there is none; asyncio for those of a coroutine
        if name in ("__class__", "__array__") or (name in _COROUTINES and "send" in type(self).__dict__):
            return object.__getattribute__(self, name)
        if there(self)[2] == "module":
            raise _cannot(self, "be used by a test: it is the student's own")
        if judges(name):
            raise _refused(self, "be compared")
        if name == "__dict__":
            return exactly(dict, there(self)[0].look(student.attributes, self))
        if name == "__signature__":
            return _signature(self)
        is_class = "__instancecheck__" in type(self).__dict__
        if name in _RULED and not is_class:
            return object.__getattribute__(self, name)  # an operator, under the rules above
        special = name.startswith("__") and name.endswith("__")
        if name.startswith(_PROBED):
            raise AttributeError(name)
        if (special and name not in _TOLD and name not in ABILITIES) or (name == "__eq__" and not is_class):
            raise _cannot(self, f"be asked for {name}")
        plain = _content(self) if name in PLAIN_METHODS else None
        if plain is not None and hasattr(plain[0], name) and not there(self)[0].believes(("call", name)):
            return getattr(plain[0], name)
        return there(self)[0].attribute(self, name)

    def __setattr__(self, name: str, value: Any) -> None:
        there(self)[0].ask(setattr, self, name, value)

    def __delattr__(self, name: str) -> None:
        there(self)[0].ask(delattr, self, name)

    def __eq__(self, other: object) -> Any:
        if other is self or other is None:
            return other is self
        return _equal(self, other)

    def __bool__(self) -> bool:
        return exactly(bool, _believed(self, "__bool__", bool, self))

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        if (content := _content(self)) is None:
            raise _cannot(self, "be taken for an array")
        return np.array(content[0], *args, **kwargs)

    def __dir__(self) -> list[str]:
        return exactly(list, there(self)[0].look(dir, self))

    def __repr__(self) -> str:
        return exactly(str, _believed(self, "__repr__", repr, self))

    def __str__(self) -> str:
        return exactly(str, _believed(self, "__str__", str, self))


def there(handle: Handle) -> tuple[Any, int, str]:
    """The link (see `proxy`) to the process that has the object, its number there, and its type's name."""
    return object.__getattribute__(handle, "_there")


def _cannot(handle: Handle, what: str) -> TypeError:
    return TypeError(f"the answer is an object of type {there(handle)[2]}, which cannot {what}")


def exactly(kind: type[Any], value: Any) -> Any:
    if type(value) is not kind:
        raise TypeError(f"an answer of type {type(value).__name__} where only {kind.__name__} will do")
    return value


def _signature(x: Handle) -> inspect.Signature:
    """What a function of the student's says of its parameters."""
    listed, returns = exactly(tuple, there(x)[0].look(student.signature, x))
    kinds = [inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.VAR_POSITIONAL,
             inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.VAR_KEYWORD]  # fmt: skip
    empty = inspect.Parameter.empty
    parameters = [
        inspect.Parameter(name, kinds[kind], default=[*default, empty][0], annotation=[*annotation, empty][0])
        for name, kind, default, annotation in listed
    ]
    return inspect.Signature(parameters, return_annotation=[*returns, empty][0])


# --------------------------------------------------------------------------------------------- operators


def _believed(
    x: Handle, name: str, function: Callable[..., Any], *arguments: Any, changes: bool = False
) -> Any:
    """What an operator gives: over there, where that may be believed, else of plain contents. It `changes` objects, or is a look."""
    link = there(x)[0]
    if link.believes((name, *(type(one).__name__ for one in arguments if one is not x))):
        return (link.ask if changes else link.look)(function, *arguments)
    contents = [content for one in arguments if (content := _content(one)) is not None]
    if len(contents) < len(arguments):
        raise _refused(x, f"be taken for a plain value (operand of '{name.strip('_')}')")
    return function(*(content for (content,) in contents))


def _refused(x: Handle, what: str) -> TypeError:
    """An error that the test does not survive."""
    error = _cannot(x, what)
    there(x)[0].refused = str(error)
    return error


def _called(x: Handle, /, *args: Any, **kwargs: Any) -> Any:
    """A call; of a method that plain values have, see above."""
    link, number, _ = there(x)
    name = link.methods.get(number, "")
    if (args or kwargs) and name in PLAIN_METHODS and not link.believes(("call", name)):
        raise _refused(x, f"answer for a plain value (by its method '{name}')")
    return link.call(x, args, kwargs)


def _operator(
    name: str, function: Callable[..., Any], *, swapped: bool = False, changes: bool = False
) -> Callable[..., Any]:
    def operate(self: Handle, *others: Any) -> Any:
        operands = (*others, self) if swapped else (self, *others)
        return _believed(self, name, function, *operands, changes=changes)

    return operate


def _equal(x: Handle, other: Any) -> Any:
    """Whether an object equals something else (element by element, of arrays): see above."""
    if (content := _content(x)) is not None and (theirs := _content(other)) is not None:
        return content[0] == theirs[0]
    claim = _believed(x, "__eq__", operator.eq, x, other)
    claim = exactly(bool, bool(claim) if type(claim) is np.bool_ else claim)
    if "__eq__" in type(x).__dict__ and claim != _held_alike(x, other):
        word = "equal to it" if claim else "unequal, with the same attributes"
        raise _refused(
            x,
            f"be its own judge: it says that it is {word} (a test compares attributes, or values made of them)",
        )
    return claim


def _content(x: Any) -> tuple[Any] | None:
    """In a tuple, the plain value that something is, or (of a subclass of list, int ...) has sent of itself."""
    if not isinstance(x, Handle):
        return (x,)
    _, _, *content = there(x)[0].states.get(there(x)[1]) or [None, None]
    return (content[0],) if content else None


def _held_alike(x: Handle, other: Any) -> bool | None:
    """Whether what was sent of an object equals what there is of the other thing; None where nothing was sent."""
    if (content := _content(x)) is not None and (theirs := _content(other)) is not None:
        return _alike(content[0], theirs[0])
    state = there(x)[0].states.get(there(x)[1])
    if not state or not state[0]:
        return None
    if not isinstance(other, Handle):
        values = list(state[0].values())
        return (len(values) == 1 and _alike(values[0], other)) or (
            type(other) in (list, tuple) and _alike(values, list(other))
        )
    return there(x)[2] == there(other)[2] and _alike(state, there(x)[0].states.get(there(other)[1]))


def _alike(a: Any, b: Any) -> bool:
    """Whether two values are equal; of objects that stay over there, what was sent of them."""
    if isinstance(a, Handle) or isinstance(b, Handle):
        return a is b or (isinstance(a, Handle) and _held_alike(a, b) is True)
    if type(a) is type(b) and type(a) in (list, tuple):
        return len(a) == len(b) and all(map(_alike, a, b))
    if type(a) is type(b) is dict:
        return a.keys() == b.keys() and all(_alike(value, b[key]) for key, value in a.items())
    return bool(np.all(a == b)) if np.shape(a) == np.shape(b) else False


def _awaited(x: Handle) -> Generator[None, None, Any]:
    """Awaiting it: it runs to its end over there."""
    return there(x)[0].ask(student.awaited, x)
    yield


def _left(handle: Handle, *error: Any) -> Any:
    """Leaving a `with` block; what was raised in it is told by its type's name."""
    kind, link = error[0].__name__ if error[0] else "", there(handle)[0]
    swallowed = link.ask(student.leave, handle, kind, str(error[1] or "")) is True
    return swallowed and link.believes(("__exit__", kind))  # a test's own assertion is not theirs to swallow


def _is_theirs(x: Handle, function: Callable[..., Any], one: Any) -> bool:
    """Whether something is an instance, or a subclass, of a class of the student's: of what is not theirs, see above."""
    link = there(x)[0]
    theirs = isinstance(one, Handle) or hasattr(type(one), "__there__") or hasattr(one, "__there__")
    return link.look(function, one, x) is True and (
        theirs or link.believes((function.__name__, type(one).__name__))
    )


_LOOKS: tuple[Callable[..., Any], ...] = (
    operator.lt, operator.le, operator.gt, operator.ge,
    operator.neg, operator.pos, operator.invert, abs, int, float, complex, operator.index, round, math.trunc, math.floor, math.ceil
)  # fmt: skip
_ABLE: dict[str, Callable[..., Any]] = {
    "__call__": _called,
    "__len__": lambda x: there(x)[0].length(x),
    "__iter__": lambda x: x if hasattr(type(x), "__next__") else there(x)[0].walk(x),
    "__next__": lambda x: there(x)[0].step(x),
    "__getitem__": lambda x, key: there(x)[0].item(x, key),
    "__setitem__": lambda x, key, value: there(x)[0].ask(operator.setitem, x, key, value),
    "__delitem__": lambda x, key: there(x)[0].ask(operator.delitem, x, key),
    "__hash__": lambda x: exactly(int, there(x)[0].look(hash, x)),
    "__instancecheck__": lambda x, instance: (
        vars(type(instance)).get("__there__") == there(x)[1] or _is_theirs(x, isinstance, instance)
    ),
    "__subclasscheck__": lambda x, kind: _is_theirs(x, issubclass, kind),
    "__await__": _awaited,
    "__reversed__": lambda x: there(x)[0].ask(reversed, x),
    "__enter__": lambda x: there(x)[0].ask(student.enter, x),
    "__exit__": _left,
    "__format__": lambda x, how: exactly(str, _believed(x, "__format__", format, x, how)),
    "__eq__": Handle.__eq__,
    "__bool__": Handle.__bool__,
    "__contains__": lambda x, item: exactly(bool, _believed(x, "__contains__", operator.contains, x, item)),
    **{f"__{function.__name__}__": _operator(f"__{function.__name__}__", function) for function in _LOOKS},
}  # fmt: skip
for _name in ARITHMETIC:
    _function = divmod if _name == "divmod" else getattr(operator, f"__{_name}__")
    _ABLE[f"__{_name}__"] = _operator(f"__{_name}__", _function, changes=True)
    _ABLE[f"__r{_name}__"] = _operator(f"__r{_name}__", _function, swapped=True, changes=True)
    if _name != "divmod":
        _ABLE[f"__i{_name}__"] = _operator(f"__i{_name}__", getattr(operator, f"__i{_name}__"), changes=True)


class _ErrorClass(type):
    """The class of an exception class of the student's: it can be caught here, and is called over there."""

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        return cls.__there__(*args, **kwargs)

    def __instancecheck__(cls, instance: Any) -> bool:
        return type.__instancecheck__(cls, instance) or (
            isinstance(instance, Handle) and isinstance(instance, cls.__there__)
        )

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(cls.__there__, name)


def error_class(name: str, base: type[Exception], handle: Handle) -> type[Exception]:
    """The class of exceptions, of this built-in kind, that the student's process raises as those of its class behind `handle`."""
    made: Any = _ErrorClass(name, (base,), {"__module__": "__main__", "__there__": handle})
    return made


@functools.lru_cache(maxsize=1000)
def stand_in(kind: str, abilities: int, above: tuple[type, ...] = ()) -> type[Handle]:
    """The class of stand-ins for objects of a type of this name that can do so much: a bit for each of `ABILITIES`.

    They are instances of the classes `above` that the examiner has, too.
    """
    able: dict[str, Any] = {name: _ABLE[name] for n, name in enumerate(ABILITIES) if abilities >> n & 1}
    if "__await__" in able:  # what asyncio calls of a coroutine
        able |= dict.fromkeys(_COROUTINES, lambda x, *_: next(_awaited(x)))
    if above:
        try:
            below = type(kind, above, {})
        except Exception:  # a class that cannot be derived from
            below = above[0]
        able["__class__"] = property(lambda x: below)
    return type(kind, (Handle,), {"__slots__": (), "__module__": "__main__", "__hash__": None, **able})
