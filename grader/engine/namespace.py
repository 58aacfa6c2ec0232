"""An instructor's cell in the examiner's process: the names that it finds, how it runs, and what went wrong, in words."""

from __future__ import annotations

import builtins
import marshal
import os
import re
import sys
import traceback
from collections.abc import Callable
from typing import Any

from IPython.core.inputtransformer2 import TransformerManager

from grader.engine import student
from grader.engine.outputs import clean
from grader.engine.plan import compile_cell
from grader.engine.proxy import Fault, Handle, Link
from grader.engine.result import Verdict

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


class Namespace(dict[str, Any]):
    """Globals of the test cells. Names that are the student's are looked up, bound and deleted over there.

    Names that the instructor's own cells bind, `ours`, are never the student's: where their cell has failed, `lost` says why.
    """

    def __init__(self, link: Callable[[], Link], ours: frozenset[str] = frozenset()) -> None:
        super().__init__(__name__="__main__", __builtins__=builtins)
        self.link, self.ours, self.owned, self.local = link, ours, frozenset[str](), frozenset[str]()
        self.lost: dict[str, str] = {}  # "*" is for names that no cell is seen to bind
        self.fault: Fault | None = None  # the test has asked for what is lost
        self.altered = False  # the test has bound or deleted a name over there
        self["display"] = lambda *_, **__: None
        self["get_ipython"] = _NoShell

    def __missing__(self, name: str) -> Any:
        if name not in self.owned:
            if hasattr(builtins, name) or name.startswith("__"):
                raise KeyError(name)
            if why := self.lost.get(name, "" if name in self.ours else self.lost.get("*")):
                self.fault = Fault(Verdict.FAILED, f"'{name}' is not there: {why}")
                raise self.fault
            if name in self.ours:
                raise KeyError(name)
        try:
            value = self.link().look(student.look_up, name)
        except NameError:
            raise KeyError(name) from None
        if name in self.owned and isinstance(value, Handle):
            super().__setitem__(name, value)  # the same object until the test ends: ask for it once
        return value

    def __contains__(self, name: object) -> bool:  # cloudpickle asks, for the globals of a test's lambda
        return super().__contains__(name) or name in self.owned

    def __setitem__(self, name: str, value: Any) -> None:
        # what a test binds is the test's: it is never asked back from over there
        super().__setitem__(name, value)
        if name in getattr(self, "owned", ()) and name not in self.local:
            self.altered = True
            self.link().ask(student.bind, name, value)

    def __delitem__(self, name: str) -> None:
        if name in self.owned and name not in self.local:
            self.altered = True
            self.link().ask(student.unbind, name)
            self.pop(name, None)
        else:
            super().__delitem__(name)

    def give_back(self, names: frozenset[str], local: frozenset[str] = frozenset()) -> None:
        """The student's names from here on: whatever an earlier test bound to them is forgotten. `local` ones may be bound here alone."""
        self.owned, self.local, self.altered, self.fault = names, local, False, None
        for name in names:
            self.pop(name, None)


class _NoShell:
    """What set-up cells find as IPython here: line magics (%matplotlib, %pip) do nothing, other ones do not exist."""

    @staticmethod
    def run_line_magic(*_: Any, **__: Any) -> None: ...
    @staticmethod
    def system(*_: Any) -> None: ...


def settle(files: tuple[tuple[str, bytes], ...]) -> None:
    """In a process that is to run cells: the files beside the notebook are there, what cells print goes nowhere."""
    student.write_files(files)
    sys.path.insert(0, os.getcwd())
    sys.stdout = sys.stderr = open(os.devnull, "w")  # noqa: SIM115  until the process ends


_transform = TransformerManager().transform_cell


def run_cell(source: str, name: str, namespace: Namespace, code: bytes | None = None) -> Any:
    """Run an instructor's cell (`code` is what `compile_cell` has made of it); the value of its last line where that is
    an expression of the examiner's own names, else None."""
    if code is None and (code := compile_cell(source, name, namespace.owned)) is None:  # magics, perhaps
        plain = _transform(source)
        if (code := compile_cell(plain, name, namespace.owned)) is None:
            compile(plain, f"<{name}>", "exec")  # says why not
    body, last = marshal.loads(code or b"")
    exec(body, namespace)
    return eval(last, namespace) if last else None


def describe(error: BaseException, source: str, name: str) -> str:
    """What went wrong, for a person: the exception, and the line of the test where it has no words of its own."""
    try:
        text = str(error).strip()
    except (
        Exception
    ) as unsayable:  # a number of too many digits, an answer that raises when it is to be shown
        text = f"{type(unsayable).__name__}: {unsayable}"
    kind = type(error).__name__
    said = text if isinstance(error, AssertionError) or not text else f"{kind}: {text}"
    walked = traceback.walk_tb(error.__traceback__)
    lines = [line for frame, line in walked if frame.f_code.co_filename == f"<{name}>"]
    shown = source.split("\n")
    if not text and lines and lines[-1] and lines[-1] <= len(shown):
        said = f"{said or kind}: {shown[lines[-1] - 1].strip()}"
    return clean(
        _CONTROL.sub("\N{REPLACEMENT CHARACTER}", "\n".join([said, *getattr(error, "__notes__", [])]))
    )
