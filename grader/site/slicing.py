"""The statements of a lecture that one call needs, by a backward slice over names: what a figure is drawn from, without the lecture's experiments."""

from __future__ import annotations

import ast
import symtable
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from grader.source.code import bound_names, mentioned_names, parse_cell

PACKAGE = "trainlab"
"""Functions of this package change nothing: a call whose value is dropped need not be made."""
SILENT = {"print", "display"}
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
_CERTAIN = (ast.Assign, ast.Import, ast.ImportFrom, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


@dataclass(frozen=True)
class Statement:
    """One statement at the top level of a cell, and what it does to the notebook's names."""

    cell: int
    node: ast.stmt
    uses: frozenset[str]
    """Names that it mentions, in its functions, too."""
    changes: frozenset[str]
    """Names that it binds, or whose objects it may change."""
    certain: bool
    """Whether it binds them whatever happens, so that earlier values are gone."""
    later: bool
    """Whether it holds functions: their names are looked up when they are called."""


def backward_slice(cells: Sequence[str], function: str) -> list[Statement]:
    """What has to run, in order, for the last call of `function` in these cells, and the call; empty where there is none.

    A statement is needed when it binds a name that a needed one mentions, or may change its object: by assigning to a part of it, by calling
    a method of it, or by handing it to a call whose value is dropped. Objects with two names, and what functions do to
    globals, are not followed.
    """
    statements = list(_statements(cells))
    calls = [k for k, statement in enumerate(statements) if find_call(statement.node, function)]
    if not calls:
        return []
    end = calls[-1]
    needed = {end}
    waiting = [(name, end) for name in statements[end].uses]
    seen = set(waiting)
    while waiting:
        name, before = waiting.pop()
        for k in range(before - 1, -1, -1):
            if name not in statements[k].changes:
                continue
            needed.add(k)
            moments = {k, before, end} if statements[k].later else {k}
            more = {(used, moment) for used in statements[k].uses for moment in moments} - seen
            seen |= more
            waiting += more
            if statements[k].certain and name in _binds(statements[k].node):
                break
    return [statements[k] for k in sorted(needed)]


def find_call(node: ast.AST, function: str) -> ast.Call | None:
    """The call of a function of this name, bare or as an attribute, outside of any definition."""
    if isinstance(node, ast.Call):
        match node.func:
            case ast.Name(id=name) | ast.Attribute(attr=name) if name == function:
                return node
    inside = () if isinstance(node, _FUNCTIONS) else ast.iter_child_nodes(node)
    return next((found for child in inside if (found := find_call(child, function))), None)


def _statements(cells: Sequence[str]) -> Iterator[Statement]:
    ours: set[str] = set(SILENT)
    for number, source in enumerate(cells):
        for node in parse_cell(source).body:
            if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == PACKAGE:
                ours |= _binds(node)
            yield Statement(
                cell=number,
                node=node,
                uses=_uses(node),
                changes=_binds(node) | frozenset(_touched(node, ours)),
                certain=isinstance(node, _CERTAIN),
                later=any(isinstance(part, _FUNCTIONS) for part in ast.walk(node)),
            )


def _uses(node: ast.stmt) -> frozenset[str]:
    """Names of the notebook whose values a statement, or a function in it, asks for."""

    def names(table: symtable.SymbolTable) -> Iterator[str]:
        for symbol in table.get_symbols():
            if symbol.is_referenced() if table.get_type() == "module" else symbol.is_global():
                yield symbol.get_name()
        for inner in table.get_children():
            yield from names(inner)

    found = frozenset(names(symtable.symtable(ast.unparse(node), "<cell>", "exec")))
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return found - {node.name}
    augmented = (part.target for part in ast.walk(node) if isinstance(part, ast.AugAssign))
    return found.union(*map(_root, augmented))


def _binds(node: ast.stmt) -> frozenset[str]:
    """Names that a statement binds in the notebook: not those of its comprehensions."""
    text = ast.unparse(node)
    return bound_names(text) & mentioned_names(text)


def _touched(node: ast.AST, ours: Collection[str]) -> Iterator[str]:
    """Names whose objects a statement may change; `ours` are functions and modules that change nothing."""
    match node:
        case ast.Attribute(ctx=ast.Store() | ast.Del()) | ast.Subscript(ctx=ast.Store() | ast.Del()):
            yield from _root(node)
        case ast.Expr(value=ast.Call(func=function, args=arguments)) if not {*_root(function)} & {*ours}:
            handed = [
                part for part in arguments if not isinstance(part, ast.Call)
            ]  # what a call returns is new
            for part in (function, *handed):
                yield from _root(part)
    if not isinstance(node, _FUNCTIONS):
        for child in ast.iter_child_nodes(node):
            yield from _touched(child, ours)


def _root(node: ast.AST) -> Iterator[str]:
    """The name that a chain of attributes, items and calls begins with."""
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Call):
        node = node.func if isinstance(node, ast.Call) else node.value
    if isinstance(node, ast.Name):
        yield node.id
