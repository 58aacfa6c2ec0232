"""The bank of a unit: right and wrong solutions of its exercises, as ordinary functions.

    @variant("momentum_step")
    def in_place_on_copies(theta, m, g, lr, beta): ...

    @misconception("momentum_step", says="Your step ...", see="2. What memory buys")
    def pytorch_form(theta, m, g, lr, beta): ...

The first argument is the function that the entry stands in for (its binding name in the notebook). `says` is one
sentence to the student; `see` is the heading of the lecture's section that explains it. An entry uses the names
that the notebook's set-up cell imports (np, torch ...) and imports anything else inside itself.
"""

from __future__ import annotations

import ast
import importlib.util
import inspect
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from grader.notebook import CourseError

Function = Callable[..., Any]


@dataclass(frozen=True)
class Entry:
    """A function that replaces the binding function `target` in a submission."""

    target: str
    function: Function

    @property
    def name(self) -> str:
        return self.function.__name__

    @property
    def source(self) -> str:
        """Code for the end of the solution cell: the function without its decorator, bound to the target's name."""
        text = textwrap.dedent(inspect.getsource(self.function))
        node = ast.parse(text).body[0]
        assert isinstance(node, ast.FunctionDef)
        body = "\n".join(text.splitlines()[node.lineno - 1 :])
        return f"{body}\n\n{self.target} = {self.name}\n"


@dataclass(frozen=True)
class Variant(Entry):
    """A right solution, written another way."""


@dataclass(frozen=True)
class Misconception(Entry):
    """A wrong solution that real students write."""

    says: str
    see: str


@dataclass(frozen=True)
class Bank:
    """All entries of one unit, in the order of the file."""

    variants: tuple[Variant, ...] = ()
    misconceptions: tuple[Misconception, ...] = ()


def variant(target: str) -> Callable[[Function], Variant]:
    """Decorator: this function is a right solution of `target`."""
    return lambda function: Variant(target, function)


def misconception(target: str, *, says: str, see: str) -> Callable[[Function], Misconception]:
    """Decorator: this function is a wrong solution of `target`."""
    return lambda function: Misconception(target, function, says, see)


def read_bank(path: Path) -> Bank:
    """The bank in the file at `path`. Raises CourseError where it cannot be imported or a name is used twice."""
    if not path.is_file():
        raise CourseError(f"{path}: no bank there; write one variant and one misconception at least")
    spec = importlib.util.spec_from_file_location(f"bank_{path.parent.name}", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise CourseError(f"{path}: {type(error).__name__}: {error}") from error
    names = [node.name for node in ast.parse(path.read_text()).body if isinstance(node, ast.FunctionDef)]
    doubled = sorted({name for name in names if names.count(name) > 1})
    if doubled:
        raise CourseError(f"{path}: two entries are called '{doubled[0]}'; the second would hide the first")
    entries = [value for value in vars(module).values() if isinstance(value, Entry)]
    return Bank(
        variants=tuple(entry for entry in entries if isinstance(entry, Variant)),
        misconceptions=tuple(entry for entry in entries if isinstance(entry, Misconception)),
    )
