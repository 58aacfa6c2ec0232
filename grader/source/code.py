"""Read Python: a tree that threads may ask for side by side, and the names that a cell binds."""

from __future__ import annotations

import ast
import threading

_PARSING = threading.Lock()


def parse(source: str) -> ast.Module:
    """`ast.parse`, one thread at a time: CPython 3.11 counts the depth of a tree in one place for all threads (gh-106905),
    and where the collector switches threads half-way, both fail."""
    with _PARSING:
        return ast.parse(source)


def bound_names(source: str) -> frozenset[str]:
    """Names that a code cell binds at its top level; none where it is not plain Python (magics, syntax errors)."""
    try:
        tree = parse(source)
    except (SyntaxError, ValueError):
        return frozenset()
    names: set[str] = set()
    for node in tree.body:
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                names.add(name)
            case ast.Import(names=aliases) | ast.ImportFrom(names=aliases):
                names.update((alias.asname or alias.name).split(".")[0] for alias in aliases)
            case _:
                names.update(
                    sub.id
                    for sub in ast.walk(node)
                    if isinstance(sub, ast.Name) and isinstance(sub.ctx, ast.Store)
                )
    return frozenset(names)
