"""The student's process: runs the submission's cells in an IPython shell, then answers the examiner's calls.

Everything in here shares an interpreter with the student's code, which may change any of it. That is allowed for:
whatever leaves this process is treated as written by the student (see `codec.Decoder`), and nothing the student must
not know ever enters it.
"""

from __future__ import annotations

import contextlib
import io
import os
import pickle
import re
import socket
import sys
import tempfile
import traceback
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.history import HistoryManager
from IPython.core.interactiveshell import InteractiveShell

from grader.engine import codec, misconceptions
from grader.engine.outputs import Output
from grader.sandbox import messages


class _Stream(io.TextIOBase):
    """sys.stdout or sys.stderr: into the current cell's output, or nowhere while a test is calling."""

    encoding, errors = "utf-8", "replace"

    def __init__(self, shell: Shell, name: str) -> None:
        self.shell, self.stream = shell, name

    def write(self, text: str) -> int:
        if self.shell.output is not None:
            self.shell.output.text(self.stream, str(text))
        return len(text)

    def writable(self) -> bool:
        return True

    def isatty(self) -> bool:
        return False


class _Publisher(DisplayPublisher):
    shell: Shell

    def publish(self, data: Any, *_: Any, **__: Any) -> None:
        if self.shell.output is not None:
            self.shell.output.rich("display_data", data)


class _Hook(DisplayHook):
    shell: Shell

    def start_displayhook(self) -> None: ...
    def write_output_prompt(self) -> None: ...
    def finish_displayhook(self) -> None: ...

    def write_format_data(self, format_dict: dict[str, Any], md_dict: Any = None) -> None:
        if self.shell.output is not None:
            self.shell.output.rich("execute_result", format_dict, execution_count=self.prompt_count)


class Shell(InteractiveShell):
    """IPython without a terminal, a history or a system shell; figures appear inline, as in a notebook."""

    output: Output | None = None
    display_pub_class = _Publisher
    displayhook_class = _Hook

    def enable_gui(self, gui: Any = None) -> None: ...

    def system(self, cmd: str) -> None:
        """`!command` and `%pip`: there is no system shell here; the cell goes on."""
        print(f"not available when grading: {cmd.split(None, 1)[0] if cmd.strip() else cmd}", file=sys.stderr)
        self.user_ns["_exit_code"] = 127

    def _showtraceback(self, etype: Any, evalue: Any, stb: list[str]) -> None:
        if self.output is not None:
            self.output.error(str(getattr(etype, "__name__", etype)), str(evalue), stb)

    def run(self, source: str, text: int, pictures: int) -> list[dict[str, Any]]:
        """Run one cell: what it put out, at most so many bytes of text and of pictures."""
        self.output = Output(text, pictures)
        try:
            self.run_cell(source, store_history=True)
            return self.output.done()
        finally:
            self.output = None


def make_shell() -> Shell:
    """The shell, made once in the warm server: every student's process is a copy."""
    HistoryManager.enabled = False  # type: ignore[assignment]
    with tempfile.TemporaryDirectory() as folder:  # IPython wants a profile; nothing is ever read from it
        shell: Shell = Shell.instance(ipython_dir=folder)
    shell.colors = "nocolor"
    shell.InteractiveTB.set_mode("Plain")  # the other modes look through all loaded modules: 50 ms an error
    shell.run_line_magic("matplotlib", "inline")
    return shell


# --------------------------------------------------------------------------------- answering the examiner


class Desk:
    """Answers the examiner's requests, one after the other."""

    def __init__(self, sock: socket.socket, shell: Shell) -> None:
        self.sock, self.shell = sock, shell
        self.objects: list[Any] = []
        self.walked: dict[int, list[Any]] = {}  # items of iterators that the examiner may come back to
        self.ticket, self.limit, self.process = 0, 0, os.getpid()

    def handle(self, x: Any) -> int:
        self.objects.append(x)
        return len(self.objects) - 1

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
            function, args, kwargs, mutable = pickle.loads(memoryview(request)[codec.REQUEST.size :])
            before = [_snapshot(x) for x in mutable]
            leaves = [x for x in mutable if isinstance(x, torch.Tensor) and x.requires_grad]
            value = function(*args, **kwargs)
            changed = [k for k, x in enumerate(mutable) if _snapshot(x)[0] != before[k][0]]
            return self.answer(value, mutable, changed, leaves)
        except BaseException as error:
            return self.failure(error)

    def reply(self, header: dict[str, Any], encoder: codec.Encoder) -> bytes:
        return encoder.body({"n": self.ticket, **header}, self.limit)

    def answer(
        self, value: Any, mine: list[Any], changed: list[int], leaves: Sequence[torch.Tensor] = ()
    ) -> bytes:
        """`value`, which may be computed from `leaves`, and the new content of the arguments at the positions `changed`."""
        encoder = codec.Encoder(self.handle, {id(x): k for k, x in enumerate(mine)})
        encoder.graph = lambda tensor: self.handle((tensor, leaves))
        header = {"v": encoder.value(value), "m": [[k, _content(mine[k], encoder)] for k in changed]}
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
        return self.reply({"e": kinds, "text": text, "trace": trace}, codec.Encoder(self.handle))

    def call_back(self, number: int, args: Any, kwargs: Any) -> Any:
        """Call a function that stayed with the examiner."""
        encoder = codec.Encoder(self.handle)
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


def resolve(number: int) -> Any:
    """The object behind a handle; how the examiner's pickles name it."""
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


def _snapshot(x: Any) -> tuple[Any, Any]:
    """What decides whether a mutable argument has changed, and what must live on meanwhile: a freed object's address comes back."""
    if isinstance(x, np.ndarray):
        return (x.shape, x.dtype, x.tobytes()), None
    if isinstance(x, torch.Tensor):
        parts = [
            part
            for part in (x, x.grad if x.is_leaf else None)
            if part is not None and codec.plain_tensor(part)
        ]
        return (tuple(x.shape), x.requires_grad, [codec.tensor_bytes(part) for part in parts]), None
    if isinstance(x, np.random.Generator):
        return repr(x.bit_generator.state), None
    if isinstance(x, torch.Generator):
        return x.get_state().numpy().tobytes(), None
    items = [part for pair in x.items() for part in pair] if isinstance(x, dict) else list(x)
    return [id(item) for item in items], items


def _content(x: Any, encoder: codec.Encoder) -> Any:
    """The new content of a mutable argument."""
    if isinstance(x, torch.Tensor):
        grad = x.grad if x.is_leaf else None
        return encoder.value([x.detach().requires_grad_(x.requires_grad and x.is_leaf), grad], known=False)
    plain = dict if isinstance(x, dict) else list if isinstance(x, deque) else lambda x: x
    return encoder.value(plain(x), known=False)


def main(sock: socket.socket, shell: Shell) -> None:
    """Serve until the examiner hangs up."""
    global _desk
    _desk = Desk(sock, shell)
    sys.stdout, sys.stderr = _Stream(shell, "stdout"), _Stream(shell, "stderr")
    sys.path.insert(0, os.getcwd())
    with contextlib.suppress(EOFError, OSError):
        _desk.serve()
