"""Read what a stranger handed in: a folder, its notebooks, their cells.

Nothing here trusts the submission's metadata (see `plan`, which lines its cells up with the instructor's).
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from pathlib import Path, PurePosixPath
from typing import Any
from zoneinfo import ZoneInfo

from grader.source.notebook import Assignment, Notebook
from grader.text import printable, some

MAX_FILE = 64 * 2**20
MAX_TOTAL = 128 * 2**20
MAX_FILES = 500
MAX_CELLS = 2_000
MAX_PARTS = 3_000_000
"""Brackets and commas of a notebook's text: each may become an object a hundred times its size."""
_SUFFIX = ".ipynb"
_NOTEBOOK = re.compile(r"(.+)\.ipynb(\s*\(\d+\))?(?:\.txt|\.json)?", re.IGNORECASE | re.DOTALL)

TIMESTAMP, SECRET = "timestamp.txt", "submission_secret.txt"
"""nbgrader's own files in a collected submission."""


class Unreadable(Exception):
    """Why a notebook cannot be read, in words for the student's row."""


@dataclass(frozen=True)
class Submission:
    """What a student handed in for one unit: plain files with safe relative names, and remarks on what was left out.

    Two files of nbgrader's stand apart, as nothing is graded by them and the student's code does not see them: when it was
    handed in, and the secret that feedback is returned by.
    """

    unit: str
    files: tuple[tuple[str, bytes], ...] = ()
    notes: tuple[str, ...] = ()
    timestamp: bytes = b""
    secret: bytes = b""

    @functools.cached_property
    def digest(self) -> str:
        """Changes when any of its files or remarks does, but with neither the time nor the secret."""
        digest = hashlib.sha256(repr((self.unit, self.notes)).encode("utf-8", "surrogatepass"))
        for name, content in self.files:
            digest.update(repr((name, len(content))).encode("utf-8", "surrogatepass") + content)
        return digest.hexdigest()

    @functools.cached_property
    def notebook_files(self) -> dict[str, str]:
        """The files at the top of the folder that are notebooks, by the notebook's name; of two of one name the properly called one."""
        top = sorted(
            (name for name, _ in self.files if "/" not in name), key=lambda n: not n.endswith(_SUFFIX)
        )
        return {name: file for file in reversed(top) if (name := notebook_name(file))}

    @property
    def notebooks(self) -> dict[str, bytes]:
        """The notebooks at the top of the folder, by name without suffix."""
        files = dict(self.files)
        return {name: files[file] for name, file in sorted(self.notebook_files.items())}


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
    files: dict[str, bytes] = {}
    notes: list[str] = []
    total = 0
    for name, entry in walk(folder, "", notes):
        if len(files) >= MAX_FILES:
            notes.append(f"more than {MAX_FILES} files: the others were left out")
            break
        if expected := expected_file(name):
            notes += (
                [note]
                if (note := f"{printable(expected)}: left out (a folder where a file belongs)") not in notes
                else []
            )
            continue
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
        files[name] = content
    timestamp, secret = files.pop(TIMESTAMP, b""), files.pop(SECRET, b"")
    return Submission(unit, tuple(sorted(files.items())), tuple(notes), timestamp, secret)


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


def notebook_name(file: str) -> str:
    """What a notebook's file is called without its suffix, also where a browser has put .txt or .json behind it; empty for other files."""
    match = _NOTEBOOK.fullmatch(file)
    return match[1] + (match[2] or "") if match else ""


def expected_file(name: str) -> str:
    """The folder on the way to `name` that is called as a notebook, or a file of nbgrader's, is called; "" where there is none."""
    for parent in reversed(PurePosixPath(name).parents):
        if parent.name.lower().endswith(_SUFFIX) or parent.name.lower() in (TIMESTAMP, SECRET):
            return str(parent)
    return ""


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
        # a notebook that was cut off, or something else altogether: where its JSON ends means nothing to anybody
        broken = (
            f"; its JSON breaks off in line {getattr(error, 'lineno', 1)}" if text.lstrip()[:1] == "{" else ""
        )
        raise Unreadable(f"the file is no notebook{broken}") from None
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
    given, files = submission.notebooks, submission.notebook_files
    pairs = {notebook.name: notebook.name for notebook in assignment.notebooks if notebook.name in given}
    notes: list[str] = []
    if not given and submission.files:
        names = [name for name, _ in submission.files]
        notes.append(f"no notebook was handed in, but {some(names)}")
    for notebook in assignment.notebooks:
        spare = [name for name in given if name not in pairs.values()]
        if notebook.name not in pairs and spare:
            close = [name for name in spare if _bare(name) == _bare(notebook.name)]
            alone = (
                [spare[0]]
                if len(spare) == len(assignment.notebooks) == 1 and _related(given[spare[0]], notebook)
                else []
            )
            if len(named := close or alone) == 1:
                pairs[notebook.name] = named[0]
            else:
                notes.append(
                    f"no {notebook.name}{_SUFFIX}; found {', '.join(printable(files[name]) for name in spare)}"
                )
        file = files[pairs[notebook.name]] if notebook.name in pairs else notebook.name + _SUFFIX
        if file != notebook.name + _SUFFIX:
            notes.append(f"{printable(file)} was taken for {notebook.name}{_SUFFIX}")
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


def parse_timestamp(content: bytes, zone: tzinfo | None = None) -> tuple[datetime | None, tuple[str, ...]]:
    """The time (naive UTC) that a timestamp.txt gives, None where it gives none; and a remark where it is garbled.

    The zone behind it is a name of the zone database, an offset, or what `zone`, the course's, is called at that time: `CST` is
    China's in one course and Chicago's in another. With any other name the time is unknown, and none at all means UTC.
    """
    text = content[:200].decode("utf-8", "replace").strip()
    if not text:
        return None, ()
    try:
        try:
            time_ = datetime.fromisoformat(text.removesuffix(" UTC"))
        except ValueError:
            time_ = _with_zone(text, zone)
        if time_.tzinfo is not None:
            time_ = time_.astimezone(UTC).replace(tzinfo=None)
        return time_, ()
    except _NoZone as name:
        reason = f"names a time zone that is not known, '{name}' (c.Exchange.timezone in nbgrader_config.py says which is meant)"
    except Exception:  # dateutil raises what it likes at a stranger's text
        reason = f"is no time: {printable(text, 40)}"
    return None, (f"{TIMESTAMP} {reason}; taken as unknown, not as late",)


class _NoZone(Exception):
    """A zone's name that is none of the database's and not the course's."""


def _with_zone(text: str, zone: tzinfo | None) -> datetime:
    """A time as people and strftime write it. Raises _NoZone, or anything for what is no time."""
    from dateutil import parser

    head, _, last = text.rpartition(" ")
    if head and last[:1].isalpha():
        with contextlib.suppress(
            KeyError, ValueError, OSError
        ):  # a month, PM: no zone, so a part of the time
            return _in_zone(parser.parse(head, ignoretz=True), last, zone)
    names: list[str] = []

    def noted(name: str | None, offset: int | None) -> tzinfo | None:
        names.extend([name] if name and offset is None else [])
        return None if offset is None else timezone(timedelta(seconds=offset))

    time_: datetime = parser.parse(text, tzinfos=noted)
    try:
        return _in_zone(time_, names[0], zone) if names else time_
    except (KeyError, ValueError, OSError):
        raise _NoZone(printable(names[0], 40)) from None


def _in_zone(time_: datetime, name: str, zone: tzinfo | None) -> datetime:
    """The time in the course's zone where that has this name then (in the doubled hour too), else in the database's of that name.

    Raises KeyError, ValueError or OSError where there is none.
    """
    if zone is not None:
        for fold in (0, 1):
            local = time_.replace(tzinfo=zone, fold=fold)
            if local.tzname() == name:
                return local
    return time_.replace(tzinfo=ZoneInfo(name))
