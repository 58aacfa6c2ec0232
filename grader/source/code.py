"""Read Python as notebooks hold it: a tree that threads may ask for side by side, the names that a cell binds, the modules it brings."""

from __future__ import annotations

import ast
import functools
import re
import symtable
import threading
from collections.abc import Iterable, Iterator

_PARSING = threading.Lock()
_RUN = ("time", "timeit", "prun", "capture")
"""Magics that run the code they are given."""


def parse(source: str) -> ast.Module:
    """`ast.parse`, one thread at a time: CPython 3.11 counts the depth of a tree in one place for all threads (gh-106905),
    and where the collector switches threads half-way, both fail."""
    with _PARSING:
        return ast.parse(source)


def parse_cell(source: str) -> ast.Module:
    """The tree of an instructor's cell; where it is no plain Python, as IPython would transform it. Raises SyntaxError, ValueError.

    Lines keep their numbers. Of a magic that runs code (%%time, %time ...) the code is left, and `%%capture name` becomes a `with`.
    """
    try:
        return parse(source)
    except SyntaxError as error:
        plain = error
    lines = source.split("\n")
    first = next((n for n, line in enumerate(lines) if line.strip()), 0)
    magic, *options = lines[first].removeprefix("%%").split() or [""]
    if lines[first].startswith("%%") and magic in _RUN:
        tree = parse_cell("\n" * (first + 1) + "\n".join(lines[first + 1 :]))
        names = [option for option in options if option.isidentifier()]
        return _captured(tree, names[0]) if magic == "capture" and names else tree
    from IPython.core.inputtransformer2 import TransformerManager  # half a second, for cells that need it

    text = TransformerManager().transform_cell("\n".join(lines[first:]))
    if text.rstrip() == source.rstrip():
        raise plain
    tree = ast.increment_lineno(parse(text), first)
    return _Timed().visit(tree)


def _captured(tree: ast.Module, name: str) -> ast.Module:
    """The cell with its output captured, as `%%capture name` does."""
    helper = "__import__('IPython.utils.capture', fromlist=['_']).capture_output()"
    outer = parse(f"with {helper} as {name}: pass")
    (block,) = outer.body
    if isinstance(block, ast.With) and tree.body:
        block.body, block.end_lineno = tree.body, tree.body[-1].end_lineno
    return outer


class _Timed(ast.NodeTransformer):
    """Puts the code of `%time code` where the magic stands."""

    def visit_Expr(self, node: ast.Expr) -> ast.AST | list[ast.stmt]:
        match node.value:
            case ast.Call(
                func=ast.Attribute(attr="run_line_magic"),
                args=[ast.Constant(value=magic), ast.Constant(value=str(text))],
            ) if magic in _RUN:
                code = parse(re.sub(r"^(-\w\s*\d*\s+)+", "", text))
                return ast.increment_lineno(code, node.lineno - 1).body
        return node


def bound_names(source: str, declared: bool = True) -> frozenset[str]:
    """Names that a code cell binds at its top level, or that its functions declare global; none where it cannot be parsed."""
    try:
        tree = parse_cell(source)
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


@functools.lru_cache(maxsize=1000)
def mentioned_names(source: str) -> frozenset[str]:
    """Names of the notebook that a code cell refers to or binds, in its functions, too; not the functions' own. Raises SyntaxError."""

    def names(table: symtable.SymbolTable) -> Iterator[str]:
        whole = table.get_type() == "module"
        yield from (symbol.get_name() for symbol in table.get_symbols() if whole or symbol.is_global())
        for inner in table.get_children():
            yield from names(inner)

    return frozenset(names(symtable.symtable(source, "<cell>", "exec")))


@functools.lru_cache(maxsize=1000)
def read_names(source: str) -> frozenset[str]:
    """Those of `mentioned_names` that the cell may read before it has bound them itself. Raises SyntaxError."""
    return mentioned_names(source).intersection(_read(parse(source).body, set()))


def _read(body: Iterable[ast.stmt], bound: set[str]) -> Iterator[str]:
    """Names that are read in `body` and not in `bound`, to which every name that `body` binds for certain is added."""
    for node in body:
        nested = isinstance(node, ast.For | ast.While | ast.If | ast.With)
        blocks = [list[ast.stmt](getattr(node, part, [])) for part in ("body", "orelse")] if nested else []
        for head in [node] if not nested else ast.iter_child_nodes(node):
            if nested and isinstance(head, ast.stmt):
                continue
            for part in ast.walk(head):
                match part:
                    case (
                        ast.AugAssign(target=ast.Name(id=name))
                        | ast.Name(id=name, ctx=ast.Load() | ast.Del())
                    ):
                        if name not in bound:
                            yield name
        for block in blocks:
            inside = bound if isinstance(node, ast.With) else set(bound)
            if isinstance(node, ast.For | ast.With) and block is blocks[0]:
                heads = [node.target] if isinstance(node, ast.For) else node.items
                inside.update(name for head in heads for name in _bound(head, False))
            yield from _read(block, inside)
        if isinstance(
            node, ast.Assign | ast.AnnAssign | ast.FunctionDef | ast.ClassDef | ast.Import | ast.ImportFrom
        ):
            bound.update(_bound(node, False))


def imports(source: str) -> tuple[str, ...]:
    """The statements that bring modules into a cell, outside of its functions: imports with the `try` or `if` around them, and
    assignments of attributes, such as `nn = torch.nn`, which may be modules."""
    try:
        return tuple(map(ast.unparse, _brought(parse_cell(source).body)))
    except (SyntaxError, ValueError, RecursionError):
        return ()


@functools.lru_cache(maxsize=1000)
def imported_names(source: str) -> frozenset[str]:
    """Names that are imported by these statements."""
    found = set[str]()
    for node in ast.walk(parse("\n".join(imports(source)))):
        if isinstance(node, ast.Import | ast.ImportFrom) or (
            isinstance(node, ast.Assign) and isinstance(node.value, ast.Call)
        ):
            found.update(_bound(node, declared=False))
    return frozenset(found)


def _brought(body: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    for node in body:
        match node:
            case ast.Import() | ast.ImportFrom():
                yield node
            case ast.Assign(value=value) if _may_be_modules(value):
                yield node
            case ast.If() | ast.Try():
                for part in (node, *getattr(node, "handlers", ())):
                    part.body = list(_brought(part.body)) or [ast.Pass()]
                node.orelse = list(_brought(node.orelse))
                if any(isinstance(sub, ast.Import | ast.ImportFrom | ast.Assign) for sub in ast.walk(node)):
                    yield node
            case ast.With() | ast.For() | ast.While():
                yield from _brought(node.body)


def _may_be_modules(value: ast.expr) -> bool:
    """Whether an assigned value is an attribute of a name, or a call that imports; or a tuple of these."""
    match value:
        case ast.Tuple(elts=elements):
            return bool(elements) and all(map(_may_be_modules, elements))
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)):
            return name in ("__import__", "import_module")
        case ast.Attribute(value=ast.Name() | ast.Attribute() as below):
            return isinstance(below, ast.Name) or _may_be_modules(below)
    return False
