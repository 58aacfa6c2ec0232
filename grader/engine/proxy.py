"""The examiner's end of the wire to one student's process: calls, and stand-ins for the objects that stay there."""

from __future__ import annotations

import functools
import itertools
import operator
import socket
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from torch.autograd.function import once_differentiable

from grader.engine import codec, student
from grader.engine.result import Verdict
from grader.sandbox import messages

_TOLD = {
    "__doc__",
    "__name__",
    "__qualname__",
    "__module__",
    "__annotations__",
    "__type_params__",
    "__wrapped__",
}
"""Attributes between underscores that are asked for like public ones, as are `codec.ABILITIES`."""
_PROBED = ("__array", "__torch", "__cuda", "__dlpack", "__class_getitem", "__dict")
"""What libraries look for in any object, to find that it is none of theirs."""


class Fault(BaseException):
    """A verdict and its reason: the student's process has gone, talks nonsense or contradicts itself. No test may swallow this."""


class Handle:
    """An object that stays in the student's process. It can be called, looked into and walked through there.

    Its class is made for it by `stand_in`, with the name and the abilities of the object's own. It has no operators and no
    comparison: those would let a stranger's object judge itself, or the stand-in judge in its place.
    """

    __slots__ = ("_there",)
    __trainlab_counted__ = True  # it stays where it is: see Link._stays
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, link: Link, number: int, kind: str) -> None:
        object.__setattr__(self, "_there", (link, number, kind))

    def __getattribute__(self, name: str) -> Any:
        if name in (
            "__class__",
            "__array__",
        ):  # numpy looks for the second here, and takes items where there is none
            return object.__getattribute__(self, name)
        if codec.judges(name):
            raise _cannot(self, "be compared")
        if name.startswith("_") and name not in _TOLD and name not in codec.ABILITIES:
            unknown = name.endswith("__") and not name.startswith(_PROBED)
            raise _cannot(self, f"be asked for {name}") if unknown else AttributeError(name)
        return there(self)[0].look(getattr, self, name)

    def __setattr__(self, name: str, value: Any) -> None:
        there(self)[0].ask(setattr, self, name, value)

    def __eq__(self, other: object) -> bool:
        if other is self or other is None:
            return other is self
        raise _cannot(self, "be compared")

    def __bool__(self) -> bool:
        raise _cannot(self, "be true or false")

    def __array__(self, *_: Any, **__: Any) -> Any:
        raise _cannot(self, "be taken for an array")

    def __repr__(self) -> str:
        return _exactly(str, there(self)[0].look(repr, self))

    def __str__(self) -> str:
        return _exactly(str, there(self)[0].look(str, self))


def there(handle: Handle) -> tuple[Link, int, str]:
    """The link to the process that has the object, its number there, and its type's name."""
    return object.__getattribute__(handle, "_there")


def _cannot(handle: Handle, what: str) -> TypeError:
    return TypeError(f"the answer is an object of type {there(handle)[2]}, which cannot {what}")


def _exactly(kind: type[Any], value: Any) -> Any:
    if type(value) is not kind:
        raise TypeError(f"an answer of type {type(value).__name__} where only {kind.__name__} will do")
    return value


_ABLE: dict[str, Callable[..., Any]] = {
    "__call__": lambda x, /, *args, **kwargs: there(x)[0].call(x, args, kwargs),
    "__len__": lambda x: there(x)[0].length(x),
    "__iter__": lambda x: x if hasattr(type(x), "__next__") else there(x)[0].walk(x),
    "__next__": lambda x: there(x)[0].step(x),
    "__getitem__": lambda x, key: there(x)[0].item(x, key),
    "__setitem__": lambda x, key, value: there(x)[0].ask(operator.setitem, x, key, value),
    "__hash__": lambda x: _exactly(int, there(x)[0].look(hash, x)),
    "__instancecheck__": lambda x, instance: there(x)[0].look(isinstance, instance, x) is True,
}


@functools.lru_cache(maxsize=1000)
def stand_in(kind: str, abilities: int) -> type[Handle]:
    """The class of stand-ins for objects of a type of this name that can do so much: a bit for each of `codec.ABILITIES`."""
    able = {name: _ABLE[name] for n, name in enumerate(codec.ABILITIES) if abilities >> n & 1}
    return type(kind, (Handle,), {"__slots__": (), "__module__": "__main__", "__hash__": None, **able})


_ARRAYS = (np.ndarray, torch.Tensor, torch.nn.Parameter, np.random.Generator, torch.Generator)
_CHANGEABLE = frozenset([list, deque, set, bytearray, dict, Counter, *_ARRAYS])


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
        elif isinstance(x, dict):
            for item in x.values():
                visit(item)
        elif isinstance(x, torch.nn.Module):
            for item in (*x.parameters(), *x.buffers()):
                visit(item)
        elif kind is SimpleNamespace or kind.__module__ == "__main__":  # of a class of the notebook's own
            for item in getattr(x, "__dict__", {}).values():
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


class Link:
    """The examiner's end of the wire to one student's process.

    What that process has said of an object or a name stays said until its code is called again: a look changes nothing.
    """

    def __init__(self, sock: socket.socket, answer_bytes: int) -> None:
        self.sock, self.limit, self.tickets = sock, answer_bytes, itertools.count(1)
        self.closed, self.fault = False, Fault(Verdict.CRASHED, "the student's process has gone")
        self.stayed: list[Callable[..., Any]] = []  # functions that are called back
        self.seen: dict[bytes, tuple[BaseException | None, Any]] = {}
        self.sizes: dict[int, int] = {}  # how many items an object says it has, or has been seen to have

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
        self.seen.clear()
        self.sizes.clear()

    def length(self, of: Handle) -> int:
        return self._agree(of, _exactly(int, self.look(len, of)))

    def item(self, of: Handle, key: Any) -> Any:
        try:
            return self.look(operator.getitem, of, key)
        except IndexError:
            if type(key) is int and 0 <= key < self.sizes.get(there(of)[1], 0):
                self._agree(of, key)
            raise

    def step(self, iterator: Handle) -> Any:
        """The next item of an iterator."""
        for item in _exactly(tuple, self.ask(student.advance, iterator)):
            return item
        raise StopIteration

    def walk(self, of: Handle) -> Iterator[Any]:
        """The items of what is no iterator itself."""
        iterator, size = self.look(iter, of), self.sizes.get(there(of)[1])
        for n in itertools.count():
            item = _exactly(tuple, self.look(student.advance, iterator, n))
            if not item:
                self._agree(of, n, size)
                return
            if n == self.sizes.get(there(of)[1]):
                self._agree(of, n + 1)
            yield item[0]

    def _agree(self, of: Handle, size: int, before: int | None = None) -> int:
        """The size. Raises Fault where the object has, or had before it was walked through, another one."""
        said = self.sizes.setdefault(there(of)[1], size if before is None else before)
        if said != size:
            why = f"an object of type {there(of)[2]} says or shows that it has {said} items, and has {size}"
            raise self.broken(Verdict.FAILED, why)
        return size

    def _request(self, function: Any, args: Any, kwargs: dict[str, Any], mutable: list[Any]) -> bytes:
        if self.closed:
            raise self.fault
        # pickling may itself ask: a test's function may refer to the student's names
        return codec.dumps((function, args, kwargs, mutable), self._stays)

    def _exchange(self, message: bytes, mutable: list[Any]) -> tuple[BaseException | None, Any]:
        """Send a request; what the answer says was raised, and its value. Raises Fault."""
        ticket = next(self.tickets)
        leaves = [x for x in mutable if isinstance(x, torch.Tensor) and x.requires_grad]

        def stand(number: int, kind: str, it: int | torch.Tensor) -> Any:
            if isinstance(it, int):
                return stand_in(kind, it)(self, number, kind)
            always = torch.zeros((), requires_grad=True)  # a network of the student's own has no leaf here
            return _Answer.apply(self, number, it, *leaves, always)

        try:
            messages.send_frame(self.sock, codec.REQUEST.pack(ticket, self.limit) + message)
            while True:
                decoder = codec.Decoder.read(messages.receive_frame(self.sock, self.limit), stand, mutable)
                if not isinstance(decoder.header, dict) or decoder.header.get("n") != ticket:
                    raise messages.WireError("not the answer to what was asked")
                if "cb" not in decoder.header:
                    return codec.read_answer(decoder, mutable)
                self._call_back(decoder)
        except messages.WireError as wrong:
            raise self.broken(Verdict.UNREADABLE, f"the answer cannot be read: {wrong}") from None
        except (EOFError, OSError):
            raise self.broken(Verdict.CRASHED, "the student's process ended") from None

    def _stays(self, x: Any) -> tuple[Any, ...]:
        """How a request names what is not sent: an object that is there already, or a `checks.counted` function."""
        if not isinstance(x, Handle):
            self.stayed.append(x)
            return student.counted_elsewhere, (len(self.stayed) - 1,)
        if there(x)[0].closed:
            raise RuntimeError("this object has gone with the student's process")
        return student.resolve, (there(x)[1],)

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
