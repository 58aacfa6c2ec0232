"""An instructor's cell in the examiner's process: the names that it finds, how it runs, and what went wrong, in words."""

from __future__ import annotations

import ast
import asyncio
import builtins
import inspect
import marshal
import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

from grader.engine import student
from grader.engine.outputs import printable
from grader.engine.plan import compile_cell
from grader.engine.proxy import Fault, Link
from grader.engine.result import Verdict
from grader.engine.standin import Handle
from grader.source.code import bound_names, imported_names, parse, parse_cell


class Namespace(dict[str, Any]):
    """Globals of the test cells. Names that are the student's are looked up, bound and deleted over there.

    Names that the instructor's own cells bind, `ours`, are never the student's: where their cell has failed, `lost` says why.
    """

    def __init__(self, link: Callable[[], Link], ours: frozenset[str] = frozenset()) -> None:
        super().__init__(__name__="__main__", __builtins__=builtins)
        self.link, self.ours, self.owned, self.local = link, ours, frozenset[str](), frozenset[str]()
        self.lost: dict[str, str] = {}  # "*" is for names that no cell is seen to bind
        self.absent: dict[str, str] = {}  # names of modules that cannot be had here, and why
        self.brought: dict[str, Any] = {"__name__": "__main__", "get_ipython": _NoShell}  # by `bring`
        self.aliases: set[str] = set()  # names of ours that are seen to be modules when they are brought
        self.ours_failed = ""  # the test has asked for what is absent
        self.fault: Fault | None = None  # the test has asked for what is lost
        self.altered = False  # the test has bound or deleted a name over there
        self["display"] = lambda *_, **__: None
        self["get_ipython"] = _NoShell

    def __missing__(self, name: str) -> Any:
        if name not in self.owned:
            if hasattr(builtins, name) or name.startswith("__"):
                raise KeyError(name)
            if why := self.absent.get(name):
                self.ours_failed = f"the module behind '{name}' cannot be had: {why}"
                raise ImportError(self.ours_failed, name=name)
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
        self.owned, self.local, self.altered, self.fault = names - self.aliases, local, False, None
        for name in self.owned:
            self.pop(name, None)

    def bring(self, statements: str) -> None:
        """Run the statements that bring a cell's modules (`source.code.imports`), each by itself: one may fail, and nobody need care."""
        for node in parse(statements).body:
            text = ast.unparse(node)
            try:
                exec(compile(text, "<imports>", "exec"), self.brought)
            except ImportError as error:
                self.absent |= dict.fromkeys(imported_names(text), f"{type(error).__name__}: {error}")
            except Exception:  # what it needs is not there, perhaps because of the student
                continue
            for name in bound_names(text) & self.brought.keys():
                is_module = isinstance(self.brought[name], ModuleType)
                if is_module or name in imported_names(text):
                    super().__setitem__(name, self.brought[name])
                    self.absent.pop(name, None)
                    if name not in imported_names(text):
                        self.aliases.add(name)


class _NoShell:
    """What set-up cells find as IPython here: magics (%matplotlib, %pip, %%html) do nothing, but for the file that %%writefile writes."""

    @staticmethod
    def run_line_magic(*_: Any, **__: Any) -> None: ...
    @staticmethod
    def system(*_: Any) -> None: ...
    @staticmethod
    def run_cell_magic(magic: str, line: str, cell: str) -> None:
        if magic in ("writefile", "file"):
            with Path(line.split()[-1]).open("a" if "-a" in line.split() else "w") as file:
                file.write(cell)


def settle(files: tuple[tuple[str, bytes], ...]) -> None:
    """In a process that is to run cells: the files beside the notebook are there, what cells print goes nowhere."""
    student.write_files(files)
    sys.path.insert(0, os.getcwd())
    sys.stdout = sys.stderr = open(os.devnull, "w")  # noqa: SIM115  until the process ends


def run_cell(source: str, name: str, namespace: Namespace, code: bytes | None = None) -> Any:
    """Run an instructor's cell (`code` is what `compile_cell` has made of it); the value of its last line where that is
    an expression of the examiner's own names, else None."""
    if code is None and (code := compile_cell(source, name, namespace.owned)) is None:
        compile(parse_cell(source), f"<{name}>", "exec")  # says why not
    body, last = marshal.loads(code or b"")
    _run(body, namespace)
    return _run(last, namespace) if last else None


def _run(code: CodeType, namespace: Namespace) -> Any:
    value = eval(code, namespace)
    return asyncio.run(value) if code.co_flags & inspect.CO_COROUTINE else value


def is_ours(error: BaseException) -> bool:
    """Whether this is a failed import of the examiner's: one of the student's comes without the module's name."""
    return isinstance(error, ImportError) and bool(error.name)


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
    return printable("\n".join([said, *getattr(error, "__notes__", [])]))
