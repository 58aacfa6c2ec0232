"""The examiner's end of the wire to one student's process: calls, and stand-ins for the objects that stay there."""

from __future__ import annotations

import operator
import socket
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
import torch

from grader.engine import codec, student
from grader.engine.result import Verdict
from grader.sandbox import messages

COMPARISONS = frozenset(["equal", "allclose", "isclose", "eq", "ne", "equals", "array_equal", "almost_equal"])
"""Methods of arrays that a test may call on an answer: an opaque object must not be its own judge."""


class Fault(BaseException):
    """The student's process has gone or talks nonsense: no test may swallow this."""


class Handle:
    """An object that stays in the student's process. It can be called, looked into and walked through there.

    It has no operators and no comparison of its own: those would let a stranger's object judge itself.
    """

    __slots__ = ("_calls", "_kind", "_link", "_number")

    def __init__(self, link: Link, number: int, kind: str, calls: bool) -> None:
        for name, value in (("_link", link), ("_number", number), ("_kind", kind), ("_calls", calls)):
            object.__setattr__(self, name, value)

    def __reduce__(self) -> Any:
        if self._link.closed:
            raise RuntimeError("this object has gone with the student's process")
        return student.resolve, (self._number,)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._link.call(self, args, kwargs)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        if name in COMPARISONS or name.startswith("assert"):
            raise TypeError(f"the answer is an object of type {self._kind}, which cannot be compared")
        return self._link.ask(getattr, self, name)

    def __setattr__(self, name: str, value: Any) -> None:
        self._link.ask(setattr, self, name, value)

    def __getitem__(self, key: Any) -> Any:
        return self._link.ask(operator.getitem, self, key)

    def __setitem__(self, key: Any, value: Any) -> None:
        self._link.ask(operator.setitem, self, key, value)

    def __len__(self) -> int:
        length = self._link.ask(len, self)
        if type(length) is not int:
            raise TypeError("a length that is no number")
        return length

    def __iter__(self) -> Iterator[Any]:
        iterator = self._link.ask(iter, self)
        if not isinstance(iterator, Handle):
            raise TypeError(f"an object of type {self._kind} cannot be iterated")
        return iterator

    def __next__(self) -> Any:
        item = self._link.ask(student.advance, self)
        if not item:
            raise StopIteration
        return item[0]

    def __instancecheck__(self, instance: Any) -> bool:
        return self._link.ask(isinstance, instance, self) is True

    def __bool__(self) -> bool:
        raise TypeError(f"the answer is an object of type {self._kind}, which is neither true nor false")

    def __array__(self, *_: Any, **__: Any) -> Any:
        raise TypeError(f"the answer is an object of type {self._kind}, not an array")

    def __repr__(self) -> str:
        return f"<an object of the student's type {self._kind!r}>"


_ARRAYS = (np.ndarray, torch.Tensor, torch.nn.Parameter, np.random.Generator, torch.Generator)
_CHANGEABLE = frozenset([list, dict, *_ARRAYS])


def changeable(values: Iterable[Any]) -> list[Any]:
    """The arrays, tensors, generators, lists and dicts among a call's arguments, each once, outermost first."""
    found: dict[int, Any] = {}

    def visit(x: Any) -> None:
        if id(x) in found:
            return
        kind = type(x)
        if kind in _CHANGEABLE:
            found[id(x)] = x
        if kind in (list, tuple):
            for item in x:
                visit(item)
        elif kind is dict:
            for item in x.values():
                visit(item)
        elif isinstance(x, torch.nn.Module):
            for item in (*x.parameters(), *x.buffers()):
                visit(item)

    for value in values:
        visit(value)
    return list(found.values())


class Link:
    """The examiner's end of the wire to one student's process."""

    def __init__(self, sock: socket.socket, answer_bytes: int) -> None:
        self.sock, self.limit = sock, answer_bytes
        self.ticket, self.closed = 0, False
        self.callbacks: list[Callable[..., Any]] = []

    def close(self) -> None:
        self.closed = True
        self.sock.close()

    def _callback(self, function: Callable[..., Any]) -> tuple[Any, ...]:
        self.callbacks.append(function)
        return student.counted_elsewhere, (len(self.callbacks) - 1,)

    def ask(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Call a function of `student`, or a built-in one, over there."""
        return self.call(function, arguments, {})

    def call(self, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """One call over there; arguments that it changes in place are changed here too. Raises what it raised, or Fault."""
        mutable = changeable([*args, *kwargs.values()])
        if self.closed:
            raise Fault(Verdict.CRASHED, "the student's process has gone")
        # pickling may itself ask: a test's function may refer to the student's names
        message = codec.dumps((function, args, kwargs, mutable), self._callback)
        self.ticket += 1
        message = codec.REQUEST.pack(self.ticket, self.limit) + message
        try:
            messages.send_frame(self.sock, message)
            while True:
                decoder = self._receive(mutable)
                if "cb" not in decoder.header:
                    break
                self._call_back(decoder)
            error, value = codec.read_answer(decoder, mutable)
        except messages.WireError as wrong:
            self.close()
            raise Fault(Verdict.UNREADABLE, f"the answer cannot be read: {wrong}") from None
        except (EOFError, OSError):
            self.close()
            raise Fault(Verdict.CRASHED, "the student's process ended") from None
        if error is not None:
            raise error
        return value

    def _receive(self, mutable: list[Any]) -> codec.Decoder:
        decoder = codec.Decoder.read(messages.receive_frame(self.sock, self.limit), self._handle, mutable)
        if not isinstance(decoder.header, dict) or decoder.header.get("n") != self.ticket:
            raise messages.WireError("not the answer to what was asked")
        return decoder

    def _handle(self, number: int, kind: str, calls: bool) -> Handle:
        return Handle(self, number, kind, calls)

    def _call_back(self, decoder: codec.Decoder) -> None:
        header = decoder.header
        number, args, kwargs = header["cb"], decoder.value(header.get("a")), decoder.value(header.get("k"))
        if type(number) is not int or not 0 <= number < len(self.callbacks):
            raise messages.WireError("a call to nobody")
        if type(args) is not list or type(kwargs) is not dict or not all(type(key) is str for key in kwargs):
            raise messages.WireError("a call without arguments")
        try:
            reply: tuple[bool, Any] = (True, self.callbacks[number](*args, **kwargs))
        except Exception as error:
            reply = (False, ([kind.__name__ for kind in type(error).__mro__], str(error)))
        messages.send_frame(self.sock, codec.dumps(reply, self._callback))
