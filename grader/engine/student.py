"""The student's process: runs the submission's cells in an IPython shell, then answers the examiner's calls.

Everything in here shares an interpreter with the student's code, which may change any of it. That is allowed for:
whatever leaves this process is treated as written by the student (see `codec.Decoder`), and nothing the student must
not know ever enters it but what an instructor sends there by the tag in_process, last of all.
"""

from __future__ import annotations

import asyncio
import builtins
import contextlib
import inspect
import os
import pickle
import random
import re
import socket
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from grader.engine import changes, codec, misconceptions
from grader.engine.abilities import has_state
from grader.engine.outputs import Output
from grader.engine.shell import Shell, Stream
from grader.sandbox import messages

# --------------------------------------------------------------------------------- answering the examiner


class Desk:
    """Answers the examiner's requests, one after the other."""

    def __init__(self, sock: socket.socket, shell: Shell) -> None:
        self.sock, self.shell = sock, shell
        self.objects: list[Any] = []
        self.numbers: dict[int, int] = {}  # of objects, by their id
        self.printed = ""  # what an answer has to tell of it
        self.touched: set[int] = set()  # numbers that the present request names
        self.walked: dict[int, list[Any]] = {}  # items of iterators that the examiner may come back to
        self.ticket, self.limit, self.process = 0, 0, os.getpid()

    def handle(self, x: Any) -> int:
        number = self.numbers.setdefault(id(x), len(self.objects))
        if number == len(self.objects):
            self.objects.append(x)
        return number

    def serve(self) -> memoryview:
        """Answer requests, until one comes that has no ticket: the reply to a call from here."""
        while True:
            request = messages.receive_frame(self.sock, 2**40)
            ticket, limit = codec.REQUEST.unpack_from(request)
            if not ticket:
                return memoryview(request)[codec.REQUEST.size :]
            (self.ticket, self.limit), before = (ticket, limit), (self.ticket, self.limit)
            reply = self.respond(request)
            if os.getpid() != self.process:  # a child that the student's code forked and forgot
                os._exit(0)
            messages.send_frame(self.sock, reply)
            self.ticket, self.limit = before

    def respond(self, request: bytes) -> bytes:
        """Call what one request asks for: the answer, whatever happens."""
        try:
            self.touched.clear()
            function, args, kwargs, mutable, (printed, replaced, seeded) = pickle.loads(
                memoryview(request)[codec.REQUEST.size :]
            )
            before = [changes.snapshot(x) for x in mutable]
            leaves = [x for x in mutable if isinstance(x, torch.Tensor) and x.requires_grad]
            if seeded:
                seed(seeded)
            with self.surrounded(printed, replaced):
                value = function(*args, **kwargs)
            changed = [k for k, x in enumerate(mutable) if changes.snapshot(x)[0] != before[k][0]]
            return self.answer(value, mutable, changed, leaves)
        except BaseException as error:
            return self.failure(error)

    @contextlib.contextmanager
    def surrounded(self, printed: bool, replaced: dict[str, Any]) -> Iterator[None]:
        """While the student's code is called: what it prints is kept if it is wanted, some built-in functions are others."""
        if not printed and not replaced:
            yield
            return
        before, shown = {name: getattr(builtins, name) for name in replaced}, self.shell.output
        vars(builtins).update(replaced)
        self.shell.output = Output(self.limit, 0) if printed else shown
        try:
            yield
        finally:
            self.printed += self.flush() if printed else ""
            self.shell.output = shown
            vars(builtins).update(before)

    def flush(self) -> str:
        """What has been printed since the last time."""
        output, self.shell.output = self.shell.output, Output(self.limit, 0)
        items = output.items if output else []
        return "".join("".join(item["text"]) for item in items if item.get("name") == "stdout")

    def reply(self, header: dict[str, Any], encoder: codec.Encoder) -> bytes:
        text, self.printed = self.printed, ""
        return encoder.body({"n": self.ticket, **header, **({"o": text} if text else {})}, self.limit)

    def answer(
        self, value: Any, mine: list[Any], changed: list[int], leaves: Sequence[torch.Tensor] = ()
    ) -> bytes:
        """`value`, which may be computed from `leaves`, and the new content of the arguments at the positions `changed`."""
        encoder = codec.Encoder(self.handle, {id(x): k for k, x in enumerate(mine)})
        encoder.graph = lambda tensor: self.handle((tensor, leaves))
        header = {"v": encoder.value(value)}
        owners = (getattr(self.objects[number], "__self__", self.objects[number]) for number in self.touched)
        header["s"] = [encoder.value(x) for x in owners if has_state(x) and id(x) in self.numbers]
        header["m"] = [[k, changes.content(mine[k], encoder)] for k in changed]
        return self.reply(header, encoder)

    def failure(self, error: BaseException) -> bytes:
        kinds = [kind.__name__ for kind in type(error).__mro__]
        try:
            text = str(error)[:4000]
        except BaseException:
            text = "?"
        walked = traceback.walk_tb(error.__traceback__)
        own = [(f, n) for f, n in walked if re.search("Cell In|ipython", f.f_code.co_filename)]
        # reads the lines of these files, and of no other
        here = traceback.StackSummary.extract(iter(own[-3:]))
        trace = "".join(f"  in {f.name}, line {f.lineno}: {f.line}\n" for f in here).rstrip()[:1000]
        encoder = codec.Encoder(self.handle)
        kind = encoder.value(type(error)) if type(error).__module__ == "__main__" else None
        header = {"e": kinds, "text": text, "trace": trace, "x": kind}
        with contextlib.suppress(BaseException):  # of an exception that has others
            header |= {"a": encoder.value(list(error.args)), "d": encoder.value(error.__dict__)}
        return self.reply(header, encoder)

    def call_back(self, number: int, args: Any, kwargs: Any) -> Any:
        """Call a function that stayed with the examiner."""
        encoder = codec.Encoder(self.handle)
        self.printed += self.flush() if self.shell.output is not None else ""
        header = {"cb": number, "a": encoder.value(list(args)), "k": encoder.value(kwargs)}
        messages.send_frame(self.sock, self.reply(header, encoder))
        ok, value = pickle.loads(self.serve())
        if not ok:
            raise codec.builtin_exception(*value)
        return value


_desk: Desk

# what the examiner asks for, besides calls of the student's functions and of built-in ones


def write_files(files: tuple[tuple[str, bytes], ...]) -> None:
    """Write files below the present folder."""
    for name, content in files:
        path = Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def execute(source: str, text: int, pictures: int) -> list[dict[str, Any]]:
    """Run one cell: its outputs."""
    return _desk.shell.run(source, text, pictures)


def examine(source: str, decides: bool) -> float | None:
    """Run a test with the tag in_process, or a part of it: see `Shell.examine`."""
    return _desk.shell.examine(source, decides)


def look_up(name: str) -> Any:
    """The student's global of this name."""
    if name not in _desk.shell.user_ns:
        raise NameError(f"name '{name}' is not defined")
    return _desk.shell.user_ns[name]


def bind(name: str, value: Any) -> None:
    """Bind a global."""
    _desk.shell.user_ns[name] = value


def unbind(name: str) -> None:
    """Delete a global."""
    del _desk.shell.user_ns[name]


def rehearse(calls: list[misconceptions.Call]) -> list[misconceptions.Answer]:
    """What the student's functions answer to calls."""
    return misconceptions.answers(calls, look_up)


def advance(iterator: Any, n: int | None = None) -> tuple[Any, ...]:
    """The next item, or the n-th from where it was first asked for one, in a tuple; an empty one at the end."""
    walked = _desk.walked.setdefault(id(iterator), []) if n is not None else []
    while len(walked) <= (n or 0):
        try:
            walked.append(next(iterator))
        except StopIteration:
            return ()
    return (walked[n or 0],)


def seed(states: bytes) -> None:
    """Put the global random generators into the states that a test's are in."""
    own, numpy, torchs = pickle.loads(states)
    random.setstate(own)
    np.random.set_state(numpy)  # noqa: NPY002  a test's own
    torch.set_rng_state(torch.frombuffer(bytearray(torchs), dtype=torch.uint8))


def attributes(x: Any) -> dict[str, Any]:
    """What `vars` gives."""
    return dict(x.__dict__)


def signature(function: Any) -> tuple[Any, ...]:
    """The parameters of a function (name, kind, default and annotation, where it has them), and what it returns."""
    found, empty = inspect.signature(function), inspect.Parameter.empty
    listed = [
        (
            one.name,
            int(one.kind),
            [x for x in [one.default] if x is not empty],
            [x for x in [one.annotation] if x is not empty],
        )
        for one in found.parameters.values()
    ]
    return listed, [x for x in [found.return_annotation] if x is not empty]


def enter(x: Any) -> Any:
    """Enter a `with` block."""
    return type(x).__enter__(x)


def leave(x: Any, kind: str, text: str) -> bool:
    """Leave a `with` block in which an exception of this type's name was raised, if any."""
    error = codec.builtin_exception([kind], text) if kind else None
    return bool(type(x).__exit__(x, type(error) if error else None, error, None))


def awaited(coroutine: Any) -> Any:
    """What a coroutine of the student's returns."""

    async def wait() -> Any:
        return await coroutine

    return asyncio.run(wait())


def resolve(number: int) -> Any:
    """The object behind a handle; how the examiner's pickles name it."""
    _desk.touched.add(number)
    return _desk.objects[number]


def pull_back(number: int, gradient: torch.Tensor) -> list[torch.Tensor | None]:
    """Backward through an answer: its gradients with respect to the tensors of the call that it answered."""
    output, leaves = _desk.objects[number]
    before = [leaf.grad for leaf in leaves]
    for leaf in leaves:
        leaf.grad = None
    output.backward(gradient, retain_graph=True)
    found = [leaf.grad for leaf in leaves]
    for leaf, grad in zip(leaves, before, strict=True):
        leaf.grad = grad
    return found


def counted_elsewhere(number: int) -> Callable[..., Any]:
    """A function that stays with the examiner: calling it calls back."""

    def stub(*args: Any, **kwargs: Any) -> Any:
        return _desk.call_back(number, args, kwargs)

    return stub


def main(sock: socket.socket, shell: Shell) -> None:
    """Serve until the examiner hangs up."""
    global _desk
    _desk = Desk(sock, shell)
    sys.stdout, sys.stderr = Stream(shell, "stdout"), Stream(shell, "stderr")
    sys.path.insert(0, os.getcwd())
    with contextlib.suppress(EOFError, OSError):
        _desk.serve()
