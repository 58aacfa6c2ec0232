"""The examiner's end of the wire to one student's process: calls, and stand-ins for the objects that stay there."""

from __future__ import annotations

import functools
import itertools
import operator
import socket
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
import torch
from torch.autograd.function import once_differentiable

from grader.engine import codec, student
from grader.engine.result import Verdict
from grader.sandbox import messages

COMPARISONS = frozenset(["equal", "allclose", "isclose", "eq", "ne", "equals", "array_equal", "almost_equal"])
"""Methods of arrays that a test may call on an answer: an opaque object must not be its own judge."""
_TOLD = frozenset(
    ["__doc__", "__name__", "__qualname__", "__module__", "__annotations__", "__type_params__", "__wrapped__"]
).union(codec.ABILITIES)
"""Attributes between underscores that are asked for like public ones."""
_PROBED = ("__array", "__torch", "__cuda", "__dlpack", "__class_getitem", "__dict")
"""What libraries look for in any object, to find that it is none of theirs."""


class Fault(BaseException):
    """A verdict and its reason: the student's process has gone, talks nonsense or contradicts itself. No test may swallow this."""


class Handle:
    """An object that stays in the student's process. It can be called, looked into and walked through there.

    Its class is made for it (see `stand_in`): with the name and the abilities of the object's own, so that `callable`, `isinstance`
    and `hasattr` say what they would say of that. It has no operators and no comparison: those would let a stranger's object judge
    itself, or the stand-in judge in its place.
    """

    __slots__ = ("_there",)

    def __init__(self, link: Link, number: int, kind: str) -> None:
        object.__setattr__(self, "_there", (link, number, kind))

    def __getattribute__(self, name: str) -> Any:
        if name == "__class__":
            return type(self)
        link, _, kind = there(self)
        if name in COMPARISONS or name.startswith("assert"):
            raise TypeError(f"the answer is an object of type {kind}, which cannot be compared")
        if name.startswith("_") and name not in _TOLD:
            if not name.endswith("__") or name.startswith(_PROBED):
                raise AttributeError(name)
            raise TypeError(f"the answer is an object of type {kind}, which cannot be asked for {name}")
        return link.look(getattr, self, name)

    def __setattr__(self, name: str, value: Any) -> None:
        there(self)[0].ask(setattr, self, name, value)

    def __eq__(self, other: object) -> bool:
        if other is self or other is None:
            return other is self
        raise TypeError(f"the answer is an object of type {there(self)[2]}, which cannot be compared")

    __hash__ = None  # type: ignore[assignment]

    def __bool__(self) -> bool:
        raise TypeError(f"the answer is an object of type {there(self)[2]}, which is neither true nor false")

    def __array__(self, *_: Any, **__: Any) -> Any:
        raise TypeError(f"the answer is an object of type {there(self)[2]}, not an array")

    def __repr__(self) -> str:
        return _exactly(str, there(self)[0].look(repr, self))

    def __str__(self) -> str:
        return _exactly(str, there(self)[0].look(str, self))

    def __dir__(self) -> list[str]:
        return _exactly(list, there(self)[0].look(dir, self))


def there(handle: Handle) -> tuple[Link, int, str]:
    """The link to the process that has the object, its number there, and its type's name."""
    return object.__getattribute__(handle, "_there")


def _exactly(kind: type[Any], value: Any) -> Any:
    if type(value) is not kind:
        raise TypeError(f"an answer of type {type(value).__name__} where only {kind.__name__} will do")
    return value


class _Able(Handle):
    """What a stand-in can do where its object can."""

    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        return there(self)[0].call(self, args, kwargs)

    def __len__(self) -> int:
        return there(self)[0].length(self)

    def __iter__(self) -> Iterator[Any]:
        return there(self)[0].walk(self)

    def __next__(self) -> Any:
        for item in _exactly(tuple, there(self)[0].ask(student.advance, self)):
            return item
        raise StopIteration

    def __getitem__(self, key: Any) -> Any:
        return there(self)[0].item(self, key)

    def __setitem__(self, key: Any, value: Any) -> None:
        there(self)[0].ask(operator.setitem, self, key, value)

    def __delitem__(self, key: Any) -> None:
        there(self)[0].ask(operator.delitem, self, key)

    def __hash__(self) -> int:  # type: ignore[override]
        return _exactly(int, there(self)[0].look(hash, self))

    def __instancecheck__(self, instance: Any) -> bool:
        return there(self)[0].look(isinstance, instance, self) is True

    def __subclasscheck__(self, kind: Any) -> bool:
        return there(self)[0].look(issubclass, kind, self) is True


@functools.lru_cache(maxsize=1000)
def stand_in(kind: str, abilities: int) -> type[Handle]:
    """The class of stand-ins for objects of a type of this name that can do so much: a bit for each of `codec.ABILITIES`."""
    able = {name: vars(_Able)[name] for n, name in enumerate(codec.ABILITIES) if abilities >> n & 1}
    return type(kind, (Handle,), {"__slots__": (), "__module__": "__main__", "__hash__": None, **able})


_ARRAYS = (np.ndarray, torch.Tensor, torch.nn.Parameter, np.random.Generator, torch.Generator)
_DICTS = (dict, Counter, OrderedDict, defaultdict)
_CHANGEABLE = frozenset([list, deque, set, bytearray, *_DICTS, *_ARRAYS])


def changeable(values: Iterable[Any]) -> list[Any]:
    """The arrays, tensors, generators, lists, sets and dicts among a call's arguments, each once, outermost first."""
    found: dict[int, Any] = {}

    def visit(x: Any) -> None:
        if id(x) in found:
            return
        kind = type(x)
        if kind in _CHANGEABLE:
            found[id(x)] = x
        if kind in (list, tuple, deque):
            for item in x:
                visit(item)
        elif kind in _DICTS:
            for item in x.values():
                visit(item)
        elif isinstance(x, torch.nn.Module):
            for item in (*x.parameters(), *x.buffers()):
                visit(item)

    for value in values:
        visit(value)
    return list(found.values())


class _Answer(torch.autograd.Function):
    """A tensor that the student's process has computed from others that were sent there: its gradient is asked for there."""

    @staticmethod
    def forward(ctx: Any, link: Link, number: int, data: torch.Tensor, *leaves: torch.Tensor) -> Any:
        ctx.link, ctx.number = link, number
        return data.detach()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: torch.Tensor) -> Any:
        return (None, None, None, *ctx.link.ask(student.pull_back, ctx.number, gradient), None)


class Walk:
    """The items of a stand-in, each asked for once, for whoever walks along it."""

    def __init__(self, iterator: Handle) -> None:
        self.iterator, self.items, self.ended = iterator, list[Any](), False


class Link:
    """The examiner's end of the wire to one student's process.

    What that process has said of an object or a name stays said until its code is called again: a look changes nothing, so a second one
    is answered here.
    """

    def __init__(self, sock: socket.socket, answer_bytes: int) -> None:
        self.sock, self.limit, self.tickets = sock, answer_bytes, itertools.count(1)
        self.closed, self.fault = False, Fault(Verdict.CRASHED, "the student's process has gone")
        self.stayed: list[Callable[..., Any]] = []
        self.seen: dict[bytes, tuple[BaseException | None, Any]] = {}
        self.lengths: dict[int, int] = {}  # by the number of the object
        self.walks: dict[int, Walk] = {}

    def close(self) -> None:
        self.closed = True
        self.sock.close()

    def broken(self, verdict: Verdict, why: str) -> Fault:
        """The fault to raise: nothing more is asked, also where a test swallows it."""
        self.fault = Fault(verdict, why)
        self.close()
        return self.fault

    def ask(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Call a function of `student`, or a built-in one, over there."""
        return self.call(function, arguments, {})

    def call(self, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """One call over there; arguments that it changes in place are changed here too. Raises what it raised, or Fault."""
        mutable = changeable([*args, *kwargs.values()])
        # pickling may itself ask: a test's function may refer to the student's names
        message = self._request(function, args, kwargs, mutable)
        self._forget()
        try:
            error, value = self._exchange(message, mutable)
        finally:
            self._forget()
        if error is not None:
            raise error
        return value

    def look(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """What `ask` gives where nothing is changed by it, asked for once."""
        message = self._request(function, arguments, {}, [])
        if message not in self.seen:
            self.seen[message] = self._exchange(message, [])
        error, value = self.seen[message]
        if error is not None:
            raise error.with_traceback(None)
        return value

    def _forget(self) -> None:
        for said in (self.seen, self.lengths, self.walks):
            said.clear()

    def length(self, of: Handle) -> int:
        """How many items the object says that it has."""
        number = there(of)[1]
        self.lengths[number] = length = _exactly(int, self.look(len, of))
        if number in self.walks and self.walks[number].ended:
            self._agree(of, length, len(self.walks[number].items))
        return length

    def item(self, of: Handle, key: Any) -> Any:
        """The object's item of that key."""
        try:
            return self.look(operator.getitem, of, key)
        except IndexError:
            if type(key) is int and key >= 0 and hasattr(type(of), "__len__"):
                self._agree(of, max(self.length(of), key), key)
            raise

    def walk(self, of: Handle) -> Iterator[Any]:
        """The object's items, or the object itself where it is an iterator."""
        if hasattr(type(of), "__next__"):
            return of
        number = there(of)[1]
        if number not in self.walks:
            iterator = self.look(iter, of)
            if not hasattr(type(iterator), "__next__"):
                raise TypeError(f"an object of type {there(of)[2]} cannot be iterated")
            self.walks[number] = Walk(iterator)
        return self._along(of, self.walks[number], self.lengths.get(number))

    def _along(self, of: Handle, walk: Walk, length: int | None) -> Iterator[Any]:
        number = there(of)[1]
        for n in itertools.count():
            if n == len(walk.items) and not walk.ended:
                item = _exactly(tuple, self.look(student.advance, walk.iterator, n))
                walk.items += item
                walk.ended = not item
            if self.walks.get(number) is walk:
                length = self.lengths.get(number, length)
                if n == length and not walk.ended:
                    self._agree(of, length, n + 1)
            if n == len(walk.items):
                return self._agree(of, length, n)
            yield walk.items[n]

    def _agree(self, of: Handle, length: int | None, items: int) -> None:
        """Raises Fault where an object says that its length is another than the number of its items."""
        if length not in (None, items):
            why = f"an object of type {there(of)[2]} says that its length is {length}, and has {items} items"
            raise self.broken(Verdict.FAILED, why)

    def _request(self, function: Any, args: Any, kwargs: dict[str, Any], mutable: list[Any]) -> bytes:
        if self.closed:
            raise self.fault
        return codec.dumps((function, args, kwargs, mutable), self._stays)

    def _exchange(self, message: bytes, mutable: list[Any]) -> tuple[BaseException | None, Any]:
        """Send a request; what the answer says was raised, and its value. Raises Fault."""
        ticket = next(self.tickets)
        leaves = [x for x in mutable if isinstance(x, torch.Tensor) and x.requires_grad]

        def graph(number: int, data: torch.Tensor) -> torch.Tensor:
            always = torch.zeros((), requires_grad=True)  # a network of the student's own has no leaf here
            return _Answer.apply(self, number, data, *leaves, always)

        try:
            messages.send_frame(self.sock, codec.REQUEST.pack(ticket, self.limit) + message)
            while True:
                body = messages.receive_frame(self.sock, self.limit)
                decoder = codec.Decoder.read(body, self._handle, mutable, graph)
                if not isinstance(decoder.header, dict) or decoder.header.get("n") != ticket:
                    raise messages.WireError("not the answer to what was asked")
                if "cb" not in decoder.header:
                    return codec.read_answer(decoder, mutable)
                self._call_back(decoder)
        except messages.WireError as wrong:
            raise self.broken(Verdict.UNREADABLE, f"the answer cannot be read: {wrong}") from None
        except (EOFError, OSError):
            raise self.broken(Verdict.CRASHED, "the student's process ended") from None

    def _handle(self, number: int, kind: str, abilities: int) -> Handle:
        return stand_in(kind, abilities)(self, number, kind)

    def _stays(self, x: Any) -> tuple[Any, ...] | None:
        """How a request names what is not sent: an object that is there already, or a `checks.counted` function, which is called back."""
        if isinstance(x, Handle):
            if there(x)[0].closed:
                raise RuntimeError("this object has gone with the student's process")
            return student.resolve, (there(x)[1],)
        if callable(x) and getattr(type(x), "__trainlab_counted__", False):
            self.stayed.append(x)
            return student.counted_elsewhere, (len(self.stayed) - 1,)
        return None

    def _call_back(self, decoder: codec.Decoder) -> None:
        header = decoder.header
        number, args, kwargs = header["cb"], decoder.value(header.get("a")), decoder.value(header.get("k"))
        if type(number) is not int or not 0 <= number < len(self.stayed):
            raise messages.WireError("a call to nobody")
        if type(args) is not list or type(kwargs) is not dict or not all(type(key) is str for key in kwargs):
            raise messages.WireError("a call without arguments")
        try:
            reply: tuple[bool, Any] = (True, self.stayed[number](*args, **kwargs))
        except Exception as error:
            reply = (False, ([kind.__name__ for kind in type(error).__mro__], str(error)))
        # what is asked meanwhile has a ticket; the reply has none
        messages.send_frame(self.sock, codec.REQUEST.pack(0, self.limit) + codec.dumps(reply, self._stays))
