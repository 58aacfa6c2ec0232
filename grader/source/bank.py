"""The bank of a unit: right and wrong solutions of its exercises.

Right ones are functions, because there the different form is the point:

    @variant("momentum_step")
    def in_place_on_copies(theta, m, g, lr, beta): ...

Wrong ones are edits of a form that they share: of the instructor's solution, without its docstring and markers, or of
a function `form=` that stands beside the edits. Each edit replaces a text that occurs exactly once there.

    wrong = edits_of("momentum_step", see="2. Three conventions, one idea")
    wrong("sign", ("beta * m - lr * g", "beta * m + lr * g"), says="Your step climbs: ...")

A wrong one that shares no form is a function under `@misconception("momentum_step", says=..., see=...)`. The first argument names the
function of the notebook that the entry stands in for. `says` is one sentence to the student; `see` is the heading of
the lecture's section that explains it. An entry's code uses the names that the notebook's set-up cell imports (np, torch ...) and
imports anything else inside itself: the bank's own file is run whenever a unit is read, so it imports neither.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from grader.errors import CourseError
from grader.source.code import parse
from grader.source.regions import unmarked

Function = Callable[..., Any]
Edit = tuple[str, str]
"""A text of the form, and what stands in its place."""


@dataclass(frozen=True)
class Variant:
    """A right solution, written another way: code that, run after the solution cell, binds it to the function `target`."""

    target: str
    name: str
    source: str


@dataclass(frozen=True)
class WrongAnswer(Variant):
    """A wrong solution that real students write, with a sentence for the student and the heading of the lecture
    that explains it (which have no part in a verdict)."""

    says: str = field(default="", repr=False)
    see: str = field(default="", repr=False)


@dataclass(frozen=True)
class Bank:
    """All entries of one unit, in the order of the file.

    `test_seconds` is what the unit's tests may take on the solution: the file's own TEST_SECONDS where it says so.
    """

    variants: tuple[Variant, ...] = ()
    misconceptions: tuple[WrongAnswer, ...] = ()
    test_seconds: float = 2.0


@dataclass(frozen=True)
class _Declared:
    """An entry as the bank's file declares it. Its code is that of `function`, or of the solution, with the edits made."""

    target: str
    name: str
    function: str | None
    edits: tuple[Edit, ...] = ()
    wrong: bool = False
    says: str = ""
    see: str = ""


_declared: ContextVar[list[_Declared]] = ContextVar("declared")
"""Entries of the bank that is being read."""


class Edits(Protocol):
    """Declares one wrong solution of a form. `see` is the form's own where none is given."""

    def __call__(self, name: str, *edits: Edit, says: str, see: str | None = None) -> None: ...


def variant(target: str) -> Callable[[Function], Function]:
    """Decorator: this function is a right solution of `target`."""

    def declare(function: Function) -> Function:
        _declared.get().append(_Declared(target, function.__name__, function.__name__))
        return function

    return declare


def misconception(target: str, *, says: str, see: str) -> Callable[[Function], Function]:
    """Decorator: this function is a wrong solution of `target`."""

    def declare(function: Function) -> Function:
        name = function.__name__
        _declared.get().append(_Declared(target, name, name, wrong=True, says=says, see=see))
        return function

    return declare


def edits_of(target: str, *, see: str = "", form: Function | None = None) -> Edits:
    """Wrong solutions of `target` that differ from `form` (the instructor's solution, if none is given) in a few places."""
    name_of_form = form.__name__ if form else None
    heading = see

    def wrong(name: str, *edits: Edit, says: str, see: str | None = None) -> None:
        where = heading if see is None else see
        _declared.get().append(_Declared(target, name, name_of_form, edits, True, says, where))

    return wrong


def read_bank(path: Path, solutions: Mapping[str, str]) -> Bank:
    """The bank in the file at `path`; `solutions` has the source of the solution cell that defines a function, by its name.

    Raises CourseError where the file cannot be run, a name is used twice, or an edit's text does not occur exactly once.
    """
    if not path.is_file():
        raise CourseError(f"{path}: no bank there; write one variant and one misconception at least")
    declared: list[_Declared] = []
    reading = _declared.set(declared)
    try:
        text = path.read_text(encoding="utf-8")
        functions = {node.name: _code(text, node) for node in _functions(text)}
        module: dict[str, Any] = {"__name__": f"bank_{path.parent.name}"}
        exec(compile(text, str(path), "exec"), module)
    except Exception as error:
        raise CourseError(f"{path}: {type(error).__name__}: {error}") from error
    finally:
        _declared.reset(reading)
    names = [entry.name for entry in declared]
    doubled = sorted({name for name in names if names.count(name) > 1})
    if doubled:
        raise CourseError(f"{path}: two entries are called '{doubled[0]}'; the second would hide the first")
    variants: list[Variant] = []
    misconceptions: list[WrongAnswer] = []
    for entry in declared:
        if entry.function is None and entry.target not in solutions:
            raise CourseError(
                f"{path}: '{entry.name}' edits '{entry.target}', which no solution cell defines as a function"
            )
        form = functions[entry.function] if entry.function else _form(solutions[entry.target], entry.target)
        code = _edited(form, entry.edits, f"{path}: '{entry.name}'")
        if entry.function:  # under the name of the function that it stands in for
            code = f"{code}\n\n{entry.target} = {entry.function}\n"
        if entry.wrong:
            misconceptions.append(WrongAnswer(entry.target, entry.name, code, entry.says, entry.see))
        else:
            variants.append(Variant(entry.target, entry.name, code))
    return Bank(tuple(variants), tuple(misconceptions), float(module.get("TEST_SECONDS", Bank.test_seconds)))


def _functions(text: str) -> list[ast.FunctionDef]:
    return [node for node in parse(text).body if isinstance(node, ast.FunctionDef)]


def _code(text: str, node: ast.FunctionDef) -> str:
    """A function's code without its decorators."""
    return "\n".join(text.split("\n")[node.lineno - 1 : node.end_lineno])


def _form(cell: str, name: str) -> str:
    """The function `name` of a solution cell, without markers and docstring: what edits are made in."""
    text = unmarked(cell)
    node = next(node for node in _functions(text) if node.name == name)
    lines = text.split("\n")
    if ast.get_docstring(node) is not None:
        docstring = node.body[0]
        del lines[docstring.lineno - 1 : docstring.end_lineno]
        text = "\n".join(lines)
        node = next(node for node in _functions(text) if node.name == name)
    return _code(text, node)


def _edited(form: str, edits: tuple[Edit, ...], where: str) -> str:
    """The form with every edit made. Raises CourseError for a text that does not occur exactly once."""
    for old, new in edits:
        if (count := form.count(old)) != 1:
            raise CourseError(
                f"{where}: the text {old!r} occurs {count} times in its form; it must occur exactly once"
            )
        form = form.replace(old, new)
    return form
