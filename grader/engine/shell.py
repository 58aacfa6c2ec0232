"""The IPython shell that the submission's cells run in: without a terminal, its outputs kept within limits."""

from __future__ import annotations

import ast
import contextlib
import doctest
import io
import re
import sys
import tempfile
import unittest
import warnings
from collections.abc import Iterator
from typing import Any

from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.formatters import DisplayFormatter
from IPython.core.history import HistoryManager
from IPython.core.interactiveshell import InteractiveShell

from grader.engine.outputs import Output


class Stream(io.TextIOBase):
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


class _Formatter(DisplayFormatter):
    """What nobody will see is not drawn: a loop may show a hundred thousand things, of which a thousand are kept."""

    parent: Shell

    def format(self, obj: Any, *args: Any, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        output = self.parent.output
        if output is not None and output.is_full() and type(self.parent.display_pub) is _Publisher:
            output.is_cut = True
            return {}, {}
        return super().format(obj, *args, **kwargs)


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

    def init_display_formatter(self) -> None:
        self.display_formatter = _Formatter(parent=self)
        self.configurables.append(self.display_formatter)  # type: ignore[arg-type]  # IPython does the same

    def enable_gui(self, gui: Any = None) -> None: ...

    def system(self, cmd: str) -> None:
        """`!command` and `%pip`: there is no system shell here; the cell goes on."""
        print(f"not available when grading: {cmd.split(None, 1)[0] if cmd.strip() else cmd}", file=sys.stderr)
        self.user_ns["_exit_code"] = 127

    def transform_cell(self, raw_cell: str) -> str:
        """What is Python in several lines is no magic: it stays as it is. IPython would take three times as long to find out."""
        with contextlib.suppress(Exception), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # they are given when the cell runs
            if "\n" in raw_cell.strip() and ast.parse(raw_cell):
                return raw_cell if raw_cell.endswith("\n") else raw_cell + "\n"
        return super().transform_cell(raw_cell)

    def should_run_async(self, raw_cell: str, **facts: Any) -> bool:
        """IPython compiles each cell to find out; without these words it is not."""
        return bool(re.search("await|async", raw_cell)) and super().should_run_async(raw_cell, **facts)

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

    def examine(self, source: str, decides: bool) -> float | None:
        """Run a test, or a part of it, in the student's own namespace, as stock nbgrader would: the number that its last line gives.

        Raises what it raised; AssertionError where its unit tests and doctests are none, or where some fail and it does not
        itself decide (`decides`) what follows from that.
        """
        made: list[unittest.TestResult | doctest.DocTestRunner] = []
        with _noted(unittest.TestResult, made), _noted(doctest.DocTestRunner, made):
            result = self.run_cell(source, store_history=True)
        result.raise_error()
        ran, failed = (sum(numbers) for numbers in zip((0, 0), *map(_counts, made), strict=True))
        if made and not ran:
            raise AssertionError("this test ran no check: it found no unit test and no doctest")
        value = result.result if type(result.result) in (int, float) else None
        if failed and not decides and value is None:
            raise AssertionError(f"{failed} of {ran} unit tests or doctests failed")
        return value


@contextlib.contextmanager
def _noted(kind: type[Any], made: list[Any]) -> Iterator[None]:
    """Every object of this kind that is made inside is in `made`."""
    make = kind.__init__

    def noting(self: Any, *args: Any, **kwargs: Any) -> None:
        made.append(self)
        make(self, *args, **kwargs)

    kind.__init__ = noting
    try:
        yield
    finally:
        kind.__init__ = make


def _counts(made: unittest.TestResult | doctest.DocTestRunner) -> tuple[int, int]:
    """How many tests it has run, and how many of them failed."""
    if isinstance(made, doctest.DocTestRunner):
        return made.tries, made.failures
    failed = len(made.failures) + len(made.errors) + len(made.unexpectedSuccesses)
    return made.testsRun - len(made.skipped), failed


def make_shell() -> Shell:
    """The shell, made once in the warm server: every student's process is a copy."""
    HistoryManager.enabled = False  # type: ignore[assignment]
    with tempfile.TemporaryDirectory() as folder:  # IPython wants a profile; nothing is ever read from it
        shell: Shell = Shell.instance(ipython_dir=folder)
    shell.colors = "nocolor"
    shell.InteractiveTB.set_mode("Plain")  # the other modes look through all loaded modules: 50 ms an error
    return shell
