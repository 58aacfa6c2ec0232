"""Read Python: a tree that threads may ask for side by side, and the names that a cell binds."""

from __future__ import annotations

import ast
import threading
from collections.abc import Iterator

_PARSING = threading.Lock()


def parse(source: str) -> ast.Module:
    """`ast.parse`, one thread at a time: CPython 3.11 counts the depth of a tree in one place for all threads (gh-106905),
    and where the collector switches threads half-way, both fail."""
    with _PARSING:
        return ast.parse(source)


def bound_names(source: str, declared: bool = True) -> frozenset[str]:
    """Names that a code cell binds at its top level, or that its functions declare global; none where it is not plain Python."""
    try:
        tree = parse(source)
    except (SyntaxError, ValueError):
        return frozenset()
    return frozenset(name for node in tree.body for name in _bound(node, declared))


def _bound(node: ast.AST, declared: bool) -> Iterator[str]:
    match node:
        case (
            ast.Name(id=name, ctx=ast.Store())
            | ast.ExceptHandler(name=str(name))
            | ast.MatchAs(name=str(name))
        ):
            yield name
        case ast.Import(names=aliases) | ast.ImportFrom(names=aliases):
            yield from ((alias.asname or alias.name).split(".")[0] for alias in aliases)
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            yield name
            inside = ast.walk(node) if declared else ()
            yield from (name for sub in inside if isinstance(sub, ast.Global) for name in sub.names)
            return
    for child in ast.iter_child_nodes(node):
        yield from _bound(child, declared)
