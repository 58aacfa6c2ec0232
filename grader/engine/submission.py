"""Read what a stranger handed in: a folder, its notebooks, their cells.

Nothing here trusts the submission's metadata (see `plan`, which lines its cells up with the instructor's).
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from grader.source.notebook import Assignment, Notebook
from grader.text import printable

MAX_FILE = 64 * 2**20
MAX_TOTAL = 128 * 2**20
MAX_FILES = 500
MAX_CELLS = 2_000
MAX_PARTS = 3_000_000
"""Brackets and commas of a notebook's text: each may become an object a hundred times its size."""
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
    for name, entry in walk(folder, "", notes):
        if len(files) >= MAX_FILES:
            notes.append(f"more than {MAX_FILES} files: the others were left out")
            break
        try:
            content = read_plain(entry)
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


def walk(folder: Path, prefix: str, notes: list[str], depth: int = 0) -> Iterator[tuple[str, Path]]:
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
                yield from walk(Path(entry.path), name + "/", notes, depth + 1)
        elif entry.is_file(follow_symlinks=False):
            yield name, Path(entry.path)
        else:
            notes.append(f"{printable(name)}: left out (not a regular file)")


def read_plain(path: Path) -> bytes:
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


TIMESTAMP, SECRET = "timestamp.txt", "submission_secret.txt"
"""nbgrader's own files in a collected submission."""


def without_timestamp(handed: Submission) -> tuple[Submission, bytes]:
    """What was handed in, and what its timestamp.txt says: when, which is no part of what is graded. Nor is nbgrader's secret."""
    files = dict(handed.files)
    timestamp = files.pop(TIMESTAMP, b"")
    files.pop(SECRET, None)  # feedback is returned by it; the student's code need not see it
    return replace(handed, files=tuple(files.items())), timestamp


def parse_timestamp(content: bytes) -> tuple[datetime | None, tuple[str, ...]]:
    """The time (naive UTC) that a timestamp.txt gives, None where it gives none; and a remark where it is garbled."""
    text = content[:200].decode("utf-8", "replace").strip()
    if not text:
        return None, ()
    try:
        try:
            time_ = datetime.fromisoformat(text.removesuffix(" UTC"))
        except ValueError:
            from nbgrader.utils import parse_utc

            time_ = parse_utc(text)
        if time_.tzinfo is not None:
            time_ = time_.astimezone(UTC).replace(tzinfo=None)
        return time_, ()
    except Exception:  # dateutil raises what it likes at a stranger's text
        return None, (f"{TIMESTAMP} is no time: {printable(text, 40)}; taken as unknown, not as late",)
