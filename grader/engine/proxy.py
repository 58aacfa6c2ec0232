"""The examiner's end of the wire to one student's process: what is asked there, once, and what is kept of the answers."""

from __future__ import annotations

import builtins
import enum
import functools
import itertools
import operator
import pickle
import random
import socket
import sys
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

import numpy as np
import torch
from torch.autograd.function import once_differentiable

from grader.engine import changes, codec, pickler, student
from grader.engine.abilities import ABILITIES, BASES
from grader.engine.outputs import printable
from grader.engine.result import Verdict
from grader.engine.standin import Handle, error_class, exactly, stand_in, there
from grader.sandbox import messages


class Fault(BaseException):
    """A verdict and its reason: the student's process has gone, talks nonsense or contradicts itself. No test may swallow this."""


_A_CLASS = sum(
    1 << ABILITIES.index(name) for name in ("__call__", "__hash__", "__instancecheck__", "__subclasscheck__")
)


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


def _remade(kind: type, state: dict[str, Any]) -> Any:
    """An object of a set-up cell's class, of the attributes that the student's has; None where it is another kind of class."""
    if issubclass(kind, enum.Enum):
        return kind[state["_name_"]] if state.get("_name_") in kind.__members__ else None
    if any(base in kind.__mro__ for base in (*BASES.values(), BaseException)):
        return None
    made = object.__new__(kind)
    slots = {name for one in kind.__mro__ for name in getattr(one, "__slots__", ())}
    for name in state.keys() & slots:
        object.__setattr__(made, name, state[name])
    if hasattr(made, "__dict__"):
        methods = {name for name in state if callable(getattr(kind, name, None))}  # ours, not the object's
        made.__dict__.update({name: value for name, value in state.items() if name not in slots | methods})
    return made


def _random_states() -> bytes:
    """The states of the global random generators, as `student.seed` takes them."""
    legacy = np.random.get_state()  # noqa: NPY002  a test's own
    return pickle.dumps((random.getstate(), legacy, torch.get_rng_state().numpy().tobytes()))


_reseeded: list[str] = []
"""Global generators that were seeded since the student's code was called: to a state that they perhaps had before."""


@functools.cache
def _watch_seeds() -> None:
    """From now on seeding a global generator in this process is noted."""

    def noting(seed: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(seed)
        def noted(*args: Any, **kwargs: Any) -> Any:
            _reseeded.append(seed.__name__)
            return seed(*args, **kwargs)

        return noted

    random.seed, np.random.seed = noting(random.seed), noting(np.random.seed)
    torch.manual_seed = noting(torch.manual_seed)


class _Here:
    """A built-in function that a test has replaced (or that reads what a test gives): the student's code calls it here."""

    __trainlab_counted__ = True

    def __init__(self, name: str) -> None:
        self.name = name

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        value = getattr(builtins, self.name)(*args, **kwargs)
        return value if self.name == "input" else None


_SAYABLE = (str, int, float, bool, bytes, type(None))
"""Types of arguments of exceptions that cross."""


def _read_answer(decoder: codec.Decoder, mutable: list[Any]) -> tuple[BaseException | None, Any]:
    """What an answer says was raised, or its value; the arguments `mutable` get the content that the call left in its copies.

    Raises messages.WireError.
    """
    header = decoder.header
    if "e" in header:
        names, text, trace = header["e"], header.get("text"), header.get("trace")
        if not isinstance(names, list) or not all(isinstance(x, str) for x in [*names, text, trace]):
            raise messages.WireError("not an exception")
        kind = decoder.value(header.get("x"))
        arguments, held = decoder.value(header.get("a")), decoder.value(header.get("d"))
        if isinstance(kind, type) and issubclass(kind, Exception):
            error: BaseException = kind.__new__(kind, text)
            if type(held) is dict:
                own = {name: x for name, x in held.items() if type(name) is str and name[:1] != "_"}
                vars(error).update({name: x for name, x in own.items() if not hasattr(Exception, name)})
        else:
            error = codec.builtin_exception([name[:80] for name in names], text)
        itself = names[:1] == [type(error).__name__]
        if itself and type(arguments) is list and all(type(x) in _SAYABLE for x in arguments):
            said, error.args = error.args, tuple(arguments)
            if str(error) != text:
                error.args = said
        if trace:
            error.add_note(trace)
        return error, None
    value = decoder.value(header.get("v"))
    decoder.value(["l", header.get("s", [])])  # what the objects of the call are now
    try:
        for position, content in header.get("m", []):
            changes.put_back(mutable[position], decoder.value(content))
    except messages.WireError:
        raise
    except Exception as error:
        raise messages.WireError(f"a change that cannot be made: {type(error).__name__}") from None
    return None, value


class Link:
    """The examiner's end of the wire to one student's process.

    What that process has said of an object or a name stays said until its code is called again: a look changes nothing.
    """

    def __init__(self, sock: socket.socket, answer_bytes: int) -> None:
        self.sock, self.limit, self.tickets = sock, answer_bytes, itertools.count(1)
        self.closed, self.fault = False, Fault(Verdict.CRASHED, "the student's process has gone")
        self.stayed: list[Callable[..., Any]] = []  # functions that are called back
        self.seen: dict[bytes, tuple[BaseException | None, Any]] = {}
        self.ours: Mapping[str, type] = {}  # classes of set-up cells, which both processes have
        self.plain: set[tuple[str, str]] = set()  # subclasses whose plain content crossed, and of what
        self.errors: dict[int, type[Exception]] = {}  # classes of exceptions of the student's
        self.seeds = False  # whether the present test seeds the global random generators
        self.states_before = b""  # these generators' states when the student's code was last called
        self.usual = sys.stdout, sys.stdin, builtins.input, builtins.print  # where no test has others
        self.stand_ins: dict[int, Handle] = {}
        self.states: dict[int, list[Any] | None] = {}  # what was sent of objects last: attributes, content
        self.owners: dict[int, int] = {}  # of methods
        self.named: set[int] = set()  # objects in the present request
        self.believes: Callable[[tuple[str, ...]], bool] = lambda key: False
        self.refused = ""  # what the present test has asked of an object in vain
        self.methods: dict[int, str] = {}  # the names under which attributes were asked for
        self.sizes: dict[int, int] = {}  # how many items an object says it has, or has been seen to have

    def close(self) -> None:
        self.closed = True
        self.sock.close()

    def broken(self, verdict: Verdict, why: str) -> Fault:
        """The fault to raise: nothing more is asked, also where a test swallows it."""
        self.fault = Fault(verdict, printable(why))
        self.close()
        return self.fault

    def ask(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Call a function of `student`, or a built-in one, over there."""
        return self.call(function, arguments, {})

    def call(self, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """One call over there; arguments that it changes in place are changed here too. Raises what it raised, or Fault."""
        mutable = changes.changeable([*args, *kwargs.values()])
        output, *_, printing = self.usual
        reads = (sys.stdin, builtins.input) != self.usual[1:3]
        replaced = {"input": _Here("input")} if reads else {}
        replaced |= {"print": _Here("print")} if builtins.print is not printing else {}
        states = _random_states() if self.seeds else b""
        seeded = states if states != self.states_before or _reseeded else b""
        self.states_before = states
        _reseeded.clear()
        message = self._request(function, args, kwargs, mutable, (sys.stdout is not output, replaced, seeded))
        self._forget()
        try:
            error, value = self._exchange(message, mutable, frozenset(self.named))
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

    def begin(self, test: str) -> None:
        """A test's text: where it seeds the global random generators, the student's code finds them so."""
        self.refused, self.seeds = "", "seed(" in test
        self.states_before = _random_states() if self.seeds else b""
        if self.seeds:
            _watch_seeds()

    def attribute(self, of: Handle, name: str) -> Any:
        value = self.look(getattr, of, name)
        if isinstance(value, Handle):
            self.owners[there(value)[1]], self.methods[there(value)[1]] = there(of)[1], name
        return value

    def length(self, of: Handle) -> int:
        return self._agree(of, exactly(int, self.look(len, of)))

    def item(self, of: Handle, key: Any) -> Any:
        try:
            return self.look(operator.getitem, of, key)
        except IndexError:
            if type(key) is int and 0 <= key < self.sizes.get(there(of)[1], 0):
                self._agree(of, key)
            raise

    def step(self, iterator: Handle) -> Any:
        """The next item of an iterator."""
        for item in exactly(tuple, self.ask(student.advance, iterator)):
            return item
        raise StopIteration

    def walk(self, of: Handle) -> Iterator[Any]:
        """The items of what is no iterator itself."""
        iterator, size = self.look(iter, of), self.sizes.get(there(of)[1])
        for n in itertools.count():
            item = exactly(tuple, self.look(student.advance, iterator, n))
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

    def _request(
        self,
        function: Any,
        args: Any,
        kwargs: dict[str, Any],
        mutable: list[Any],
        around: Any = (False, {}, b""),
    ) -> bytes:
        """A request; `around` says whether what is printed is wanted, which built-in functions are called back, and what states the
        global random generators are to be in."""
        if self.closed:
            raise self.fault
        self.named.clear()
        # pickling may itself ask: a test's function may refer to the student's names
        return pickler.dumps((function, args, kwargs, mutable, around), self._stays, self._known)

    def _exchange(
        self, message: bytes, mutable: list[Any], named: Collection[int] = ()
    ) -> tuple[BaseException | None, Any]:
        """Send a request; what the answer says was raised, and its value. Raises Fault.

        Only of objects that the request has `named` may it be said that they have changed.
        """
        ticket = next(self.tickets)
        leaves = [x for x in mutable if isinstance(x, torch.Tensor) and x.requires_grad]

        def stand(
            number: int, kind: str, it: int | type | torch.Tensor, base: str = "", state: Any = None
        ) -> Any:
            if isinstance(it, type):
                if number not in self.errors:
                    self.errors[number] = error_class(kind, it, stand_in(kind, _A_CLASS)(self, number, kind))
                return self.errors[number]
            if isinstance(it, int):
                shared = [self.ours[name] for name in (state or [{}, []])[1] if name in self.ours]
                if state and shared and not base:
                    # a subclass has methods of its own where the instructor's solution has one, too
                    plain = kind in self.ours or not self.believes(("is a", shared[0].__name__))
                    if plain and (made := _remade(shared[0], state[0])) is not None:
                        return made
                if number not in self.stand_ins or number in named:
                    self.states[number] = state
                if number not in self.stand_ins:
                    above = (*shared[:1], *([BASES[base]] if base and not shared else []))
                    if base and not shared:
                        codec.remember_plain(self.plain, kind, base)
                    self.stand_ins[number] = stand_in(kind, it, above)(self, number, kind)
                return self.stand_ins[number]
            always = torch.zeros((), requires_grad=True)  # a network of the student's own has no leaf here
            return _Answer.apply(self, number, it, *leaves, always)

        try:
            messages.send_frame(self.sock, codec.REQUEST.pack(ticket, self.limit) + message)
            while True:
                decoder = codec.Decoder.read(
                    messages.receive_frame(self.sock, self.limit), stand, mutable, self.ours, self.plain
                )
                if not isinstance(decoder.header, dict) or decoder.header.get("n") != ticket:
                    raise messages.WireError("not the answer to what was asked")
                if type(printed := decoder.header.get("o", "")) is not str:
                    raise messages.WireError("printed what is no text")
                if printed:
                    sys.stdout.write(printed)
                if "cb" not in decoder.header:
                    return _read_answer(decoder, mutable)
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
        number = there(x)[1]
        self.named |= {number, self.owners.get(number, number)}
        return student.resolve, (number,)

    def _known(self, kind: type) -> tuple[Any, ...] | None:
        """How a request names a class of a set-up cell, which the student's process has its own of, or an exception's of the student's."""
        if self.ours.get(kind.__name__) is kind:
            return student.look_up, (kind.__name__,)
        for number, error in self.errors.items():
            if error is kind:
                return student.resolve, (number,)
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
        messages.send_frame(
            self.sock, codec.REQUEST.pack(0, self.limit) + pickler.dumps(reply, self._stays, self._known)
        )
