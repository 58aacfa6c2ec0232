"""Read what a stranger handed in, and line its cells up with the instructor's notebook.

Nothing here trusts the submission's metadata: roles, points, tags and tests are the source's. A grade id, a cell id
or an unchanged text only say which cell of the source a cell stands for.
"""

from __future__ import annotations

import ast
import difflib
import functools
import hashlib
import json
import os
import re
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from types import CodeType
from typing import Any

from grader.notebook import Assignment, Cell, Notebook, Role, bound_names, parse

MAX_FILE = 64 * 2**20
MAX_TOTAL = 128 * 2**20
MAX_FILES = 500
MAX_CELLS = 2_000
MAX_PARTS = 3_000_000
"""Brackets and commas of a notebook's text: each may become an object a hundred times its size."""
MAX_LOOKED_INTO = 100_000
"""Characters of a cell whose code is analysed; a longer one is taken for one that may do anything."""
MAX_COMPARED = 50
"""Cells of one submission that are compared with the source letter by letter, which takes quadratic time."""
_SUFFIX = ".ipynb"


class Unreadable(Exception):
    """Why a notebook cannot be read, in words for the student's row."""


@dataclass(frozen=True)
class Submission:
    """What a student handed in for one unit: plain files with safe relative names, and remarks on what was left out."""

    unit: str
    files: tuple[tuple[str, bytes], ...] = ()
    notes: tuple[str, ...] = ()

    @functools.cached_property
    def digest(self) -> str:
        """Changes when any file or remark changes."""
        digest = hashlib.sha256(repr((self.unit, self.notes)).encode("utf-8", "surrogatepass"))
        for name, content in self.files:
            digest.update(repr((name, len(content))).encode("utf-8", "surrogatepass") + content)
        return digest.hexdigest()

    @property
    def notebooks(self) -> dict[str, bytes]:
        """The notebooks at the top of the folder, by name without suffix."""
        return {
            Path(name).stem: data for name, data in self.files if name.endswith(_SUFFIX) and "/" not in name
        }


@dataclass(frozen=True)
class StudentCell:
    """One cell of a submission, in the few respects that grading looks at."""

    index: int
    code: bool
    source: str
    grade_id: str = ""
    cell_id: str = ""


# ------------------------------------------------------------------------------------------ the folder


def read_submission(folder: Path, unit: str) -> Submission:
    """The submission in `folder`. Raises nothing for its content: what is not a plain file is left out, with a note."""
    files: list[tuple[str, bytes]] = []
    notes: list[str] = []
    total = 0
    for name, entry in _walk(folder, "", notes):
        if len(files) >= MAX_FILES:
            notes.append(f"more than {MAX_FILES} files: the others were left out")
            break
        try:
            content = _read_plain(entry)
        except (OSError, ValueError) as error:
            notes.append(
                f"{printable(name)}: left out ({error.strerror if isinstance(error, OSError) else error})"
            )
            continue
        total += len(content)
        if total > MAX_TOTAL:
            notes.append(f"more than {MAX_TOTAL >> 20} MiB: {printable(name)} and later files were left out")
            break
        files.append((name, content))
    return Submission(unit, tuple(sorted(files)), tuple(notes))


def _walk(folder: Path, prefix: str, notes: list[str], depth: int = 0) -> Iterator[tuple[str, Path]]:
    """Regular entries of a folder in a fixed order: notebooks at the top first, hidden ones and links not at all."""
    try:
        entries = sorted(os.scandir(folder), key=lambda e: (not e.name.endswith(_SUFFIX), e.name))
    except OSError as error:
        notes.append(f"{printable(prefix) or 'the folder'}: cannot be read ({error.strerror})")
        return
    for entry in entries:
        name = prefix + entry.name
        if entry.name.startswith(".") or entry.name == "__pycache__":
            continue
        if entry.is_symlink():
            notes.append(f"{printable(name)}: left out (a link)")
        elif entry.is_dir(follow_symlinks=False):
            if depth < 8:
                yield from _walk(Path(entry.path), name + "/", notes, depth + 1)
        elif entry.is_file(follow_symlinks=False):
            yield name, Path(entry.path)
        else:
            notes.append(f"{printable(name)}: left out (not a regular file)")


def _read_plain(path: Path) -> bytes:
    """The bytes of a regular file with one name, opened without following a link and without waiting for a writer."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise ValueError("not a regular file")
        if status.st_nlink > 1:
            raise ValueError("a hard link")
        if status.st_size > MAX_FILE:
            raise ValueError(f"larger than {MAX_FILE >> 20} MiB")
        return file.read(MAX_FILE)


def printable(text: str, limit: int = 100) -> str:
    """A stranger's file name in one line: no control or bidirectional characters, not too long."""
    shown = "".join(c if c.isprintable() else "?" for c in text)
    return shown if len(shown) <= limit else shown[:limit] + "..."


# ---------------------------------------------------------------------------------------- the notebook


def load_notebook(data: bytes) -> dict[str, Any]:
    """The JSON of a notebook in format 4. Raises Unreadable with a reason."""
    text = _decode(data)
    if sum(map(text.count, "[{,")) > MAX_PARTS:
        raise Unreadable("the file has more parts than a notebook can have")
    try:
        nb = json.loads(text)
    except RecursionError:
        raise Unreadable("the notebook is nested too deep to be one") from None
    except ValueError as error:
        if re.search(r"^<<<<<<< |^>>>>>>> ", text, re.MULTILINE):
            raise Unreadable("the file holds conflict markers of a version control system") from None
        raise Unreadable(f"the file is no notebook: {str(error)[:80]}") from None
    if not isinstance(nb, dict):
        raise Unreadable("the file is JSON, but no notebook")
    major = nb.get("nbformat", 4)
    if major in (2, 3):
        nb = _upgrade(nb)
    elif major != 4:
        raise Unreadable(f"the notebook's format is {printable(repr(major), 20)}; format 4 is known here")
    cells = nb.get("cells")
    if not isinstance(cells, list):
        raise Unreadable("the file is JSON, but holds no cells")
    if len(cells) > MAX_CELLS:
        raise Unreadable(f"the notebook has {len(cells)} cells; at most {MAX_CELLS} are read")
    return nb


def _decode(data: bytes) -> str:
    if not data.strip():
        raise Unreadable("the file is empty")
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise Unreadable("the file is in UTF-16; notebooks are UTF-8")
    if data.startswith(b"PK"):
        raise Unreadable("the file is an archive or an office document, not a notebook")
    if data.lstrip()[:1] == b"<" and b"<html" in data[:2000].lower():
        raise Unreadable("the file is a web page, not a notebook")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Unreadable("the file is not UTF-8 text") from None


def _upgrade(nb: dict[str, Any]) -> dict[str, Any]:
    import nbformat

    try:
        return dict(nbformat.convert(nbformat.from_dict(nb), 4))
    except Exception as error:
        raise Unreadable(
            f"the notebook is of an old format and cannot be converted ({type(error).__name__})"
        ) from None


def read_cells(nb: dict[str, Any]) -> tuple[StudentCell, ...]:
    """The cells of a loaded notebook. What is not a cell keeps its index and is empty text."""
    cells, seen = [], set[str]()
    for index, raw in enumerate(nb["cells"]):
        raw = raw if isinstance(raw, dict) else {}
        source = raw.get("source", "")
        if isinstance(source, list):
            source = "".join(line for line in source if isinstance(line, str))
        source = source if isinstance(source, str) else ""
        source = source.replace("\r\n", "\n").replace("\r", "\n").encode("utf-8", "replace").decode()
        nbgrader = raw.get("metadata", {}).get("nbgrader") if isinstance(raw.get("metadata"), dict) else None
        grade_id = nbgrader.get("grade_id") if isinstance(nbgrader, dict) else None
        cell_id = raw.get("id")
        if not isinstance(grade_id, str) or grade_id in seen:  # a copied cell: the first one counts
            grade_id = ""
        seen.add(grade_id)
        code = raw.get("cell_type") == "code"
        cells.append(StudentCell(index, code, source, grade_id, cell_id if isinstance(cell_id, str) else ""))
    return tuple(cells)


def pair_notebooks(submission: Submission, assignment: Assignment) -> tuple[dict[str, str], tuple[str, ...]]:
    """Which of the submission's notebooks stands for which of the source's, and remarks. A name as browsers and file
    managers change it (`05_momentum (1)`, `Copy of ...`, other case) still counts; so does the only notebook of a
    submission to a unit of one notebook, where it shares a cell with the source."""
    given = submission.notebooks
    pairs = {notebook.name: notebook.name for notebook in assignment.notebooks if notebook.name in given}
    notes: list[str] = []
    for notebook in assignment.notebooks:
        spare = [name for name in given if name not in pairs.values()]
        if notebook.name in pairs or not spare:
            continue
        close = [name for name in spare if _bare(name) == _bare(notebook.name)]
        alone = (
            [spare[0]]
            if len(spare) == len(assignment.notebooks) == 1 and _related(given[spare[0]], notebook)
            else []
        )
        if len(found := close or alone) == 1:
            pairs[notebook.name] = found[0]
            notes.append(f"{printable(found[0])}{_SUFFIX} was taken for {notebook.name}{_SUFFIX}")
        else:
            names = ", ".join(printable(name) + _SUFFIX for name in spare)
            notes.append(f"no {notebook.name}{_SUFFIX}; found {names}")
    return pairs, tuple(notes)


def _bare(name: str) -> str:
    name = re.sub(r"^copy of |[ _-]*\(\d+\)$|[ _-]*copy\d*$", "", name.strip(), flags=re.IGNORECASE)
    return re.sub(r"[^a-z0-9]+", "", name.lower())


def _related(data: bytes, notebook: Notebook) -> bool:
    try:
        cells = read_cells(load_notebook(data))
    except Unreadable:
        return True  # let the reader say what is wrong with it
    ids = {cell.id for cell in notebook.cells}
    return any(cell.grade_id in ids for cell in cells)


# ------------------------------------------------------------------------------------------- the plan


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
    settled: bool = (
        True  # a test that finds at the end of the notebook what it would find at its own position
    )
    owned: frozenset[str] = frozenset()  # names that are the student's when a test runs


@dataclass(frozen=True)
class Plan:
    """All that the examiner needs to know about one notebook. Times in seconds, sizes in bytes."""

    steps: tuple[Step, ...]
    files: tuple[tuple[str, bytes], ...]  # beside the student's notebook
    course_files: tuple[tuple[str, bytes], ...]  # beside the source's: all that the tests see
    cell_seconds: float
    test_seconds: float
    answer_bytes: int
    output_bytes: int  # text of one cell
    picture_bytes: int  # pictures of one cell
    notebook_bytes: int
    known: tuple[dict[str, Any], ...] = ()  # results of an examiner that was stopped: not to be tried again


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
        if at is not None and at not in matched:
            matched[at] = k
    by_text: dict[str, list[int]] = {}
    for cell in cells:
        if cell.index not in matched and cell.source.strip():
            by_text.setdefault(cell.source.strip(), []).append(cell.index)
    for k, wanted in enumerate(source.cells):
        if k not in matched.values():
            same = by_text.get(wanted.public_source.strip())
            if same:
                matched[same.pop(0)] = k
    _match_similar(source, cells, matched)
    return matched


def is_foreign(source: Notebook, cells: tuple[StudentCell, ...]) -> bool:
    """Whether no cell stands for one of the source's: another unit's notebook, or an empty one."""
    ids = {cell.id for cell in source.cells}
    return not any(cell.grade_id in ids or cell.cell_id in ids for cell in cells) and not match(source, cells)


def _match_similar(source: Notebook, cells: tuple[StudentCell, ...], matched: dict[int, int]) -> None:
    place = {k: index for index, k in matched.items()}
    compared = 0
    for k, wanted in enumerate(source.cells):
        if k in place or wanted.role is Role.TEXT or wanted.role is Role.WRITTEN:
            continue
        low = max((place[j] for j in place if j < k), default=-1)
        high = min((place[j] for j in place if j > k), default=len(cells))
        for cell in cells[low + 1 : high]:
            if cell.code and cell.index not in matched:
                compare = difflib.SequenceMatcher(None, wanted.public_source, cell.source, autojunk=False)
                if compare.real_quick_ratio() <= 0.6 or compare.quick_ratio() <= 0.6:
                    continue
                compared += 1
                if compared <= MAX_COMPARED and compare.ratio() > 0.6:
                    matched[cell.index] = k
                    place[k] = cell.index
                    break


def line_up(source: Notebook, cells: tuple[StudentCell, ...]) -> tuple[Step, ...]:
    """The steps of grading, in order: the submission's own code cells where they stand, the source's set-up cells in
    place of the submission's and before anything that follows them in the source, the source's tests in place of the
    submission's and after everything that precedes them in the source."""
    matched = match(source, cells)
    place = {k: index for index, k in matched.items()}
    last = len(cells) - 1
    slots: dict[int, int] = {}  # of the tests: each runs after the submission's cell of this index
    for k, cell in enumerate(source.cells):
        if cell.role is Role.TEST and not cell.explore:
            earliest = max((index for j, index in place.items() if j < k), default=-1)
            later = [index for j, index in place.items() if j > k and index > earliest]
            slots[k] = max(earliest, place[k]) if k in place else min(later, default=last + 1) - 1
    before: dict[int, list[Cell]] = {}
    for k, cell in enumerate(source.cells):
        if cell.role is Role.SETUP and not cell.explore:
            followers = [index for j, index in [*place.items(), *slots.items()] if j > k]
            before.setdefault(min([place.get(k, last + 1), *followers]), []).append(cell)
    # what the students' cells of the source import, the examiner imports itself
    ours = [(cell.id, "\n".join(imports(cell.source))) for cell in source.cells if _is_work(cell)]
    steps = [Step("import", lines, name) for name, lines in ours if lines]
    for index in range(-1, len(cells) + 1):
        steps += [
            Step("setup", cell.source, cell.id, _index(place, source, cell)) for cell in before.get(index, [])
        ]
        if 0 <= index <= last and cells[index].code and _is_students(source, matched.get(index)):
            steps.append(Step("cell", cells[index].source, index=index))
        for k in (k for k, slot in slots.items() if slot == index):
            cell = source.cells[k]
            owned = owned_names(source, k)
            steps.append(
                Step("test", cell.source, cell.id, place.get(k), cell.public_source, cell.points, owned=owned)
            )
    return tuple(_settle(steps))


def _is_work(cell: Cell) -> bool:
    return cell.role in (Role.WORK, Role.WRITTEN) and not cell.explore


def _index(place: dict[int, int], source: Notebook, cell: Cell) -> int | None:
    return place.get(source.cells.index(cell))


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
            names = (names | cell.defines) - bound_names("\n".join(imports(cell.source)))
    return names


def imports(source: str) -> tuple[str, ...]:
    """The import statements at the top level of a cell."""
    return tuple(line for line, _ in _facts(source).imports)


# ------------------------------------------------------------------------------------------ settledness


def _settle(steps: list[Step]) -> Iterator[Step]:
    """The steps, each test marked with whether the cells after it leave alone what it uses."""
    for number, step in enumerate(steps):
        if step.kind != "test" or step.public == step.source:
            yield step
            continue
        later = [_facts(other.source) for other in steps[number + 1 :] if other.kind in STUDENTS]
        earlier = [_facts(other.source) for other in steps[:number] if other.kind in STUDENTS]
        settled = not later or _harmless(later, earlier, _facts(step.source))
        yield step if settled else replace(step, settled=False)


@dataclass(frozen=True)
class _Facts:
    """What the text of a cell says about it."""

    known: bool  # False: not plain Python, or too long to look into: it may do anything
    uses: frozenset[str]  # names that its functions look up outside of themselves, and more
    mentions: frozenset[str]  # the same for the cell as a whole
    binds: frozenset[str] = frozenset()  # at its top level, other than by imports
    imports: tuple[tuple[str, frozenset[str]], ...] = ()  # with the names they bind
    alters: bool = False  # outside of functions it deletes, or stores into attributes or items


@functools.lru_cache(maxsize=2 * MAX_CELLS)
def _facts(source: str) -> _Facts:
    """Everything that is asked about a cell's text, found once: a test asks it of every other cell."""
    try:
        if len(source) > MAX_LOOKED_INTO:
            raise ValueError("too long")
        body = parse(source).body
        code = compile(source, "cell", "exec")
        brought = [node for node in body if isinstance(node, ast.Import | ast.ImportFrom)]
        own = ast.Module([node for node in body if node not in brought], [])
        return _Facts(
            known=True,
            uses=frozenset(_code_names(_inner(code))),
            mentions=frozenset(_code_names([code])),
            binds=bound_names(ast.unparse(own)),
            imports=tuple((line := ast.unparse(node), bound_names(line)) for node in brought),
            alters=any(map(_alters, _outside_functions(own))),
        )
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        words = frozenset(re.findall(r"\w+", source))
        return _Facts(False, words, words)


def _harmless(later: list[_Facts], earlier: list[_Facts], test: _Facts) -> bool:
    """Whether running `later` changes nothing that the test, or a function defined `earlier`, looks up by name."""
    used = test.mentions.union(*(cell.uses for cell in earlier))
    there = {line for cell in earlier for line, _ in cell.imports}
    return all(
        cell.known
        and not cell.alters
        and not cell.binds & used
        and not any(names & used for line, names in cell.imports if line not in there)
        for cell in later
    )


def _alters(node: ast.AST) -> bool:
    match node:
        case ast.Attribute(ctx=ast.Store() | ast.Del()) | ast.Subscript(ctx=ast.Store() | ast.Del()):
            return True
    return isinstance(node, ast.Delete | ast.Global)


def _outside_functions(tree: ast.AST) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(tree):
        yield child
        if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield from _outside_functions(child)


def _inner(code: CodeType) -> list[CodeType]:
    return [const for const in code.co_consts if isinstance(const, CodeType)]


def _code_names(codes: Iterable[CodeType]) -> Iterator[str]:
    for code in codes:
        yield from code.co_names
        yield from _code_names(_inner(code))
