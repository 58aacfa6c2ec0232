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

from grader.notebook import CourseError, WrongAnswer, parse

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
        return _bound(body, self.name, self.target)


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


def read_wrong_answers(path: Path) -> tuple[WrongAnswer, ...]:
    """The misconceptions of the bank at `path` as code, read without importing it; none where there is no bank.

    Raises CourseError where it is not Python.
    """
    if not path.is_file():
        return ()
    try:
        text = path.read_text(encoding="utf-8")
        tree = parse(text)
    except (OSError, SyntaxError, ValueError) as error:
        raise CourseError(f"{path}: {type(error).__name__}: {error}") from error
    lines, found = text.splitlines(), []
    texts: dict[str, str] = {}  # the bank's own names for headings
    for node in tree.body:
        match node:
            case ast.Assign(targets=[ast.Name(id=short)], value=ast.Constant(value=str(heading))):
                texts[short] = heading
            case ast.FunctionDef(
                decorator_list=[
                    ast.Call(
                        func=ast.Name(id="misconception"),
                        args=[ast.Constant(value=str(target))],
                        keywords=keywords,
                    )
                ]
            ):
                told = {
                    word.arg: texts.get(word.value.id, "")
                    if isinstance(word.value, ast.Name)
                    else str(getattr(word.value, "value", ""))
                    for word in keywords
                }
                code = _bound("\n".join(lines[node.lineno - 1 : node.end_lineno]), node.name, target)
                said, see = (told.get(word, "") for word in ("says", "see"))
                found.append(WrongAnswer(target, node.name, code, said, see))
    return tuple(found)


def _bound(code: str, name: str, target: str) -> str:
    """A function's code, and a line that gives it the name of the function that it stands in for."""
    return f"{code}\n\n{target} = {name}\n"


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
