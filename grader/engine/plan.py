"""Line a submission's cells up with the instructor's notebook: the steps of grading it, and what each step finds.

Roles, points, tags and tests are the source's. A grade id, a cell id or an unchanged text of the submission only say
which cell of the source a cell stands for.
"""

from __future__ import annotations

import ast
import contextlib
import difflib
import functools
import itertools
import marshal
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from types import CodeType
from typing import Any

from grader.engine.result import TestResult
from grader.engine.submission import StudentCell
from grader.sandbox.limits import Limits
from grader.source.code import bound_names, imported_names, imports, parse, parse_cell
from grader.source.notebook import HIDDEN_BEGIN, Cell, Notebook, Role

MAX_LOOKED_INTO, MAX_ALL = 10_000, 100_000
"""Characters of a cell, and of a submission's cells together, whose code is analysed: to parse takes quadratic time and memory.
What is longer is taken for what may do anything."""
MAX_COMPARED = 50
"""Cells of one submission that are compared with the source letter by letter, which takes quadratic time."""
_BINDING = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_AWAITS = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
STUDENTS = ("cell", "setup")
"""Kinds of steps that the student's process runs."""


@dataclass(frozen=True)
class Step:
    """One cell to run: the student's or a set-up cell (`cell`), or a test with the part that students can see."""

    kind: str  # "cell", "setup" (run by both), "import" (by the examiner), "test"
    source: str
    id: str = ""
    index: int | None = None  # in the submission
    public: str = ""
    points: float = 0.0
    settled: bool = True  # a test that finds at the notebook's end what it would find at its own position
    owned: frozenset[str] = frozenset()  # names that are the student's when the examiner runs it
    binds: frozenset[str] = frozenset()  # names that an instructor's cell binds
    code: bytes | None = (
        None  # what the examiner runs first (see compile_cell); of a test in_process, its definitions
    )
    hidden: bytes | None = None  # what it runs in the second round
    goes_on: bool = False  # `hidden` is what follows `code`, not the whole cell
    in_process: bool = False  # a test that runs in the student's process
    checks: bool = True  # a test in which something can fail

    @property
    def parts(self) -> list[str]:
        """A test's text as it is run at one go: its public part and what goes on from there, or the whole."""
        return [self.public, self.source[len(self.public.rstrip()) :]] if self.goes_on else [self.source]


@dataclass
class Known:
    """What an examiner that was stopped has left: nothing of it is tried again."""

    results: dict[str, TestResult] = field(default_factory=dict)  # of tests, by id
    outputs: dict[int, list[dict[str, Any]]] = field(default_factory=dict)  # of the student's cells
    deadly: dict[int, str] = field(default_factory=dict)  # steps that ended a process, and how: not run again


@dataclass(frozen=True)
class Plan:
    """All that the examiner needs to know about one notebook."""

    steps: tuple[Step, ...]
    files: tuple[tuple[str, bytes], ...]  # beside the student's notebook
    course_files: tuple[tuple[str, bytes], ...]  # beside the source's: all that the tests see
    limits: Limits
    exercises: tuple[tuple[str, tuple[str, ...]], ...] = ()  # names, with the ids of their tests
    ours: frozenset[str] = frozenset()  # names that the source binds outside of what students write
    trial: bool = False  # the instructor's own solution: what it does with operators is noted
    known: Known = field(default_factory=Known)


# --------------------------------------------------------------------------------- which cell is which


@functools.lru_cache(maxsize=4)  # asked twice of each submission
def match(source: Notebook, cells: tuple[StudentCell, ...]) -> dict[int, int]:
    """Which cell of the source (its position) a cell of the submission (its index) stands for.

    By grade id or cell id; failing that by unchanged text; failing that, between two matched neighbours, by a
    text that is still mostly the source's (a cell edited after its metadata were lost).
    """
    matched: dict[int, int] = {}
    by_id: dict[str, int] = {}
    for cell in cells:
        for key in filter(None, (cell.grade_id, cell.cell_id)):
            by_id.setdefault(key, cell.index)
    for k, wanted in enumerate(source.cells):
        at = by_id.get(wanted.id)
        if at is not None:
            matched.setdefault(at, k)
    by_text: dict[str, list[int]] = {}
    for cell in cells:
        if cell.index not in matched and cell.source.strip():
            by_text.setdefault(cell.source.strip(), []).append(cell.index)
    place = {k: index for index, k in matched.items()}
    for k, wanted in enumerate(source.cells):
        same = by_text.get(wanted.public_source.strip())
        if k not in place and same:
            place[k] = same.pop(0)
    compared = 0
    for k, wanted in enumerate(source.cells):
        if k in place or wanted.role in (Role.TEXT, Role.WRITTEN):
            continue
        low = max((place[j] for j in place if j < k), default=-1)
        high = min((place[j] for j in place if j > k), default=len(cells))
        for cell in cells[low + 1 : high]:
            if cell.code and cell.index not in place.values():
                compare = difflib.SequenceMatcher(None, wanted.public_source, cell.source, autojunk=False)
                if compare.real_quick_ratio() <= 0.6 or compare.quick_ratio() <= 0.6:
                    continue
                compared += 1
                if compared <= MAX_COMPARED and compare.ratio() > 0.6:
                    place[k] = cell.index
                    break
    return {index: k for k, index in place.items()}


# ------------------------------------------------------------------------------------------- the steps


def line_up(source: Notebook, cells: tuple[StudentCell, ...]) -> tuple[Step, ...]:
    """The steps of grading, in order: the submission's own code cells where they stand, the source's set-up cells in
    place of the submission's and before anything that follows them in the source, the source's tests in place of the
    submission's and after everything that precedes them in the source."""
    matched = match(source, cells)
    place = {k: index for index, k in matched.items()}
    end = len(cells)
    tests: dict[int, int] = {}  # each runs after the submission's cell of this index
    setups: dict[int, int] = {}  # each runs before the submission's cell of this index
    for k, cell in enumerate(source.cells):
        if cell.role is Role.TEST and not cell.explore:
            earliest = max((index for j, index in place.items() if j < k), default=-1)
            later = [index for j, index in place.items() if j > k and index > earliest]
            tests[k] = max(earliest, place[k]) if k in place else min(later, default=end) - 1
    for k, cell in enumerate(source.cells):
        if cell.role is Role.SETUP and not cell.explore:
            setups[k] = min(
                [place.get(k, end), *(index for j, index in [*place.items(), *tests.items()] if j > k)]
            )
    steps = list(_imports(source))
    for index in range(-1, end + 1):
        for k in (k for k, slot in setups.items() if slot == index):
            cell = source.cells[k]
            code, owned = compile_cell(cell.source, cell.id), owned_names(source, k)
            step = Step("setup", cell.source, cell.id, place.get(k), owned=owned, code=code)
            steps.append(replace(step, binds=cell.defines))
        if 0 <= index < end and cells[index].code and _is_students(source, matched.get(index)):
            steps.append(Step("cell", cells[index].source, index=index))
        for k in (k for k, slot in tests.items() if slot == index):
            # as in a notebook: what students see of a test binds names for later cells
            seen = [Step("cell", source.cells[k].public_source)] if _read_later(source, k) else []
            test = _test(source, k, place.get(k))
            steps += [test, *seen] if test.in_process else [*seen, test]
    return tuple(_settle(steps))


@functools.lru_cache(maxsize=100)
def _imports(source: Notebook) -> tuple[Step, ...]:
    """What the students' cells of the source import, the examiner imports itself."""
    ours = [(cell.id, "\n".join(imports(cell.source))) for cell in source.cells if _is_work(cell)]
    return tuple(Step("import", lines, name) for name, lines in ours if lines)


@functools.lru_cache(maxsize=1000)
def _test(source: Notebook, k: int, index: int | None) -> Step:
    """The step of the test at position k, which stands at `index` in the submission."""
    cell, owned = source.cells[k], owned_names(source, k)
    public, code = cell.public_source, functools.partial(compile_cell, name=cell.id)
    step = Step("test", cell.source, cell.id, index, public, cell.points, owned=owned, binds=cell.defines)
    step = replace(step, in_process=cell.in_process, checks=can_fail(cell.source, owned))
    first = code(public, owned=owned if public == cell.source else frozenset())
    if public != cell.source:
        head = cell.source[: cell.source.index(HIDDEN_BEGIN)].count("\n")  # lines before the first hidden one
        if first is not None and public.rstrip() == "\n".join(cell.source.split("\n")[:head]).rstrip():
            step = replace(step, hidden=code(cell.source, owned=owned, after=head))
        step = replace(step, goes_on=step.hidden is not None)
        step = replace(step, hidden=step.hidden or code(cell.source, owned=owned))
    return replace(step, code=code(definitions(public)) if cell.in_process else first)


@functools.lru_cache(maxsize=1000)
def _read_later(source: Notebook, k: int) -> bool:
    """Whether cells of the student's process look up a name that the public part of the test at position k alone binds."""
    others = [cell for cell in source.cells if cell.role in (Role.WORK, Role.SETUP) and not cell.explore]
    later = [cell for cell in source.cells[k:] if cell in others]
    names = bound_names(source.cells[k].public_source).difference(*(cell.defines for cell in others))
    return any(names & _facts(cell.source).mentions for cell in later)


def _is_work(cell: Cell) -> bool:
    return cell.role in (Role.WORK, Role.WRITTEN) and not cell.explore


def _is_students(source: Notebook, k: int | None) -> bool:
    """Whether a cell that stands for the source's k-th runs as the student wrote it."""
    return k is None or not (source.cells[k].explore or source.cells[k].role in (Role.SETUP, Role.TEST))


def owned_names(source: Notebook, k: int) -> frozenset[str]:
    """Names that a test at position k finds in the student's process: bound last by a cell that the student writes.

    Names that such a cell imports are the examiner's own: a test's `np` is never the student's.
    """
    names = frozenset[str]()
    for cell in source.cells[:k]:
        if cell.role is Role.SETUP:
            names -= cell.defines
        elif _is_work(cell):
            names = (names | cell.defines) - imported_names(cell.source)
    return names


@functools.lru_cache(maxsize=100)
def our_names(source: Notebook) -> frozenset[str]:
    """Names that the source binds outside of what students write: by locked cells, cells that are skipped, and imports."""
    own = [
        cell.defines
        for cell in source.cells
        if cell.role in (Role.SETUP, Role.TEST) or (cell.explore and cell.role is Role.WORK)
    ]
    return frozenset().union(*own, *(imported_names(cell.source) for cell in source.cells if _is_work(cell)))


# --------------------------------------------------------------------------- what a cell's text says of it


@functools.lru_cache(maxsize=1000)
def compile_cell(source: str, name: str, owned: frozenset[str] = frozenset(), after: int = 0) -> bytes | None:
    """An instructor's cell (below line `after`) as the examiner runs it: the marshalled pair of its code and of its last
    line, where that is an expression without names `owned` by the student (nbgrader's partial credit), else None.

    None where it cannot be parsed, or (below line `after`) is no plain Python, or where a statement goes on below line `after`.
    """
    try:
        tree = parse(source) if after else parse_cell(source)  # magics may take several lines for one
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    if any(node.lineno <= after < (node.end_lineno or 0) for node in tree.body):
        return None
    body = [node for node in tree.body if node.lineno > after]
    end, last = body[-1] if body else None, None
    if isinstance(end, ast.Expr) and not owned & {n.id for n in ast.walk(end) if isinstance(n, ast.Name)}:
        body, last = body[:-1], compile(ast.Expression(end.value), f"<{name}>", "eval", _AWAITS)
    return marshal.dumps((compile(ast.Module(body, []), f"<{name}>", "exec", _AWAITS), last))


@dataclass(frozen=True)
class _Facts:
    """What the text of a cell says about it."""

    mentions: frozenset[str]  # names that it and its functions look up outside of themselves
    binds: frozenset[str] = frozenset()  # at its top level, other than by imports
    imports: tuple[tuple[str, frozenset[str]], ...] = ()  # with the names they bind
    alters: bool = (
        True  # outside of functions it deletes, or stores into attributes or items; or it may do anything
    )


@functools.lru_cache(maxsize=200)
def _facts(source: str, room: int = MAX_ALL) -> _Facts:
    """Everything that is asked about a cell's text, found once for cells that many submissions share."""
    try:
        if len(source) > room:
            raise ValueError("too long")
        body = parse(source).body
        brought = [node for node in body if isinstance(node, ast.Import | ast.ImportFrom)]
        own = ast.Module([node for node in body if node not in brought], [])
        return _Facts(
            mentions=frozenset(_names(compile(source, "cell", "exec"))),
            binds=bound_names(ast.unparse(own), declared=False),
            imports=tuple((line := ast.unparse(node), bound_names(line)) for node in brought),
            alters=any(map(_alters, _outside_functions(own))),
        )
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return _Facts(frozenset(re.findall(r"\w+", source)))


def can_fail(source: str, owned: frozenset[str]) -> bool:
    """Whether something can fail where a test's code runs, definitions left out: an assertion, a call, an expression, a name of the
    student's. Code that is not plain Python may do anything."""
    try:
        nodes = _outside_functions(parse_cell(source))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return True
    for node in nodes:
        match node:
            case ast.Assert() | ast.Raise() | ast.Call():
                return True
            case ast.Expr(value) if not isinstance(value, ast.Constant):
                return True
            case ast.Name(id=name, ctx=ast.Load()) if name in owned:
                return True
            case ast.FunctionDef(decorator_list=[_, *_]):
                return True
    return False


@functools.lru_cache(maxsize=1000)
def definitions(source: str) -> str:
    """What a test binds for later cells and does nothing else by: imports, functions, classes, and assignments without a call."""
    kept: list[ast.stmt] = []
    with contextlib.suppress(SyntaxError, ValueError, RecursionError, MemoryError):
        for node in parse_cell(source).body:
            names = isinstance(node, ast.Assign) and all(isinstance(to, ast.Name) for to in node.targets)
            if isinstance(node, _BINDING) or (
                names and not any(isinstance(n, ast.Call) for n in ast.walk(node))
            ):
                kept.append(node)
    return "\n".join(map(ast.unparse, kept))


def asserts(source: str) -> bool:
    """Whether a test decides by statements of its own, outside of the functions and classes that it defines."""
    with contextlib.suppress(SyntaxError, ValueError, RecursionError, MemoryError):
        return any(
            isinstance(node, ast.Assert | ast.Raise) for node in _outside_functions(parse_cell(source))
        )
    return False


def _settle(steps: list[Step]) -> Iterator[Step]:
    """The steps, each test marked with whether the cells after it leave alone what it, or a cell before it, looks up."""
    read = itertools.accumulate(len(step.source) if step.kind == "cell" else 0 for step in steps)
    facts = [
        _facts(step.source, MAX_LOOKED_INTO if so_far <= MAX_ALL else 0) if step.kind in STUDENTS else None
        for step, so_far in zip(steps, read, strict=True)
    ]
    for number, step in enumerate(steps):
        if step.kind == "test" and step.public != step.source:
            earlier, later = list(filter(None, facts[:number])), list(filter(None, facts[number + 1 :]))
            used = (
                _facts(step.source).mentions.union(*(cell.mentions for cell in earlier)) if later else set()
            )
            there = {line for cell in earlier for line, _ in cell.imports}
            for cell in later:
                bound = cell.binds.union(*(names for line, names in cell.imports if line not in there))
                if cell.alters or bound & used:
                    step = replace(step, settled=False)
                    break
        yield step


def _alters(node: ast.AST) -> bool:
    stores = isinstance(node, ast.Attribute | ast.Subscript) and not isinstance(node.ctx, ast.Load)
    return stores or isinstance(node, ast.Delete | ast.Global)


def _outside_functions(tree: ast.AST) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(tree):
        yield child
        if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield from _outside_functions(child)


def _names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for const in code.co_consts:
        if isinstance(const, CodeType):
            yield from _names(const)
