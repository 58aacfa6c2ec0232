"""Learning platforms' downloads: the forms of their file names, and whose each file is."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo

from grader.errors import CourseError
from grader.lms.archive import Entry, safe_part
from grader.lms.roster import Roster, bare_name, made_id
from grader.source.course import Course
from grader.text import printable, some

_JUNK = ("__macosx", "__pycache__", "thumbs.db", "desktop.ini")
NOTEBOOK = ".ipynb"

# ------------------------------------------------------------------------------------------ whose it is

_MOODLE = re.compile(
    r"(?P<name>[^_]*)_(?P<number>[0-9]+)_assign(?:submission|feedback)_(?P<kind>[a-z0-9]+)(?:_(?P<file>.*))?",
    re.DOTALL,
)


@dataclass(frozen=True)
class _Upload:
    """What a file's name in Canvas's form says. `upload` counts up over time; 0 for text typed into Canvas."""

    name: str
    number: str
    late: bool = False
    upload: int = 0
    file: str = ""


def _uploads(name: str) -> Iterator[_Upload]:
    """The readings of a name in Canvas's form, the likeliest first.

    A file may begin with a number (`..._67890_05_momentum.ipynb`), and so may a name end with one, because people choose their
    names: only a roster can tell.
    """
    parts = name.split("_")
    for at in range(1, len(parts) - 1):
        if not (_is_id(parts[at]) or (parts[at - 1] == "anon" and parts[at].isalnum())):
            continue
        who = parts[:at]
        late = "LATE" in who[-1:] or who[:1] == ["LATE"]
        plain = "_".join(part for part in who if not (late and part == "LATE"))
        if len(parts) == at + 2 and parts[-1] in ("text.html", "link.html"):
            yield _Upload(plain, parts[at], late)
        elif len(parts) > at + 2 and _is_id(parts[at + 1]):
            yield _Upload(plain, parts[at], late, int(parts[at + 1]), "_".join(parts[at + 2 :]))


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 20


@dataclass
class Handed:
    """One student's files in the source, as target path and entry; `id` once it is known."""

    name: str
    number: str = ""  # the platform's; empty where the folder's name is the id
    files: list[tuple[tuple[str, ...], Entry]] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    order: dict[tuple[str, ...], int] = field(default_factory=dict)  # Canvas's numbers of its uploads
    late: bool = False
    row: int | None = None  # in the roster
    id: str = ""


def is_junk(path: tuple[str, ...]) -> bool:
    """What operating systems and Jupyter leave behind. (A student's name in a platform's form may begin with a dot.)"""
    if _MOODLE.fullmatch(path[0]) or any(_uploads(path[0])):
        path = path[1:]
    return any(part.startswith(".") or part.lower() in _JUNK for part in path)


def form_of(entries: list[Entry], unit: str, source: Path) -> tuple[str, list[Entry]]:
    """What the source is, and its entries without folders that only wrap it."""
    paths = [entry.path for entry in entries]
    if any(_MOODLE.fullmatch(path[0]) for path in paths):
        return "Moodle", entries
    if all(len(path) == 1 for path in paths) and any(any(_uploads(path[0])) for path in paths):
        return "Canvas", entries
    if any(len(path) >= 3 and path[1] == unit for path in paths):
        return "collected", entries
    if len({path[0] for path in paths}) == 1 and all(len(path) >= 3 for path in paths):
        inner = [Entry(entry.path[1:], entry.read, entry.refused) for entry in entries]
        return form_of(inner, unit, source)
    if any(len(path) >= 2 for path in paths):
        return "folders", entries
    raise CourseError(
        f"{source}: no submissions in it; known are downloads from Moodle and Canvas, <student>/{unit}/..., and a folder for each student"
    )


def by_student(
    entries: list[Entry], form: str, unit: str, notebooks: Sequence[str], roster: Roster | None
) -> tuple[list[Handed], list[str]]:
    """The source's files by student, and a remark about those that are nobody's."""
    found: dict[tuple[str, str], Handed] = {}
    nobodys: list[str] = []

    def student(name: str, number: str = "") -> Handed:
        return found.setdefault((name, number), Handed(name, number))

    for entry in sorted(entries, key=lambda entry: entry.path):
        first, *rest = entry.path
        if form == "Moodle" and (match := _MOODLE.fullmatch(first)):
            whose = student(match["name"], match["number"])
            path = tuple(rest) or ((match["file"],) if match["file"] else ())
            if match["kind"] == "file" and path:
                whose.files.append((path, entry))
        elif form == "Canvas" and (upload := _reading(first, roster)):
            whose = student(upload.name, upload.number)
            whose.late |= upload.late
            if upload.file:
                whose.files.append(((_without_mark(upload.file, notebooks),), entry))
                whose.order[entry.path] = upload.upload
        elif form == "collected" and len(rest) >= 2:
            if rest[0] == unit:
                student(first).files.append((tuple(rest[1:]), entry))
        elif form == "folders" and rest:
            student(first).files.append((tuple(rest), entry))
        else:
            why = f" ({entry.refused})" if entry.refused else ""
            nobodys.append(printable("/".join(entry.path), 60) + why)
    for whose in found.values():
        whose.files.sort(key=lambda item: whose.order.get(item[1].path, 0))
        while (
            whose.files
            and len({path[0] for path, _ in whose.files}) == 1
            and all(len(path) > 1 for path, _ in whose.files)
        ):
            whose.files = [(path[1:], entry) for path, entry in whose.files]  # a folder around everything
    remarks = [f"{len(nobodys)} files belong to no student: {some(nobodys)}"] if nobodys else []
    return list(found.values()), remarks


def _reading(name: str, roster: Roster | None) -> _Upload | None:
    """Whose file this is in Canvas's form: the reading that the roster knows, else the likeliest."""
    readings = list(itertools.islice(_uploads(name), 8))
    known = [one for one in readings if roster and len(roster.find(made_id(one.name, one.number))) == 1]
    return next(iter(known or readings), None)


def _without_mark(name: str, notebooks: Sequence[str]) -> str:
    """Canvas's `toy-1.ipynb` for a `toy.ipynb` that was handed in again; any other name as it is."""
    match = re.fullmatch(r"(.+)-\d+\.ipynb", name, re.DOTALL)
    known = {notebook.casefold(): notebook for notebook in notebooks}
    return f"{known[match[1].casefold()]}{NOTEBOOK}" if match and match[1].casefold() in known else name


def identify(
    students: list[Handed], form: str, roster: Roster | None, course: Course, unit: str
) -> list[str]:
    """Give each student an id, from the roster where it has one; returns remarks."""
    unknown = []
    namesakes = Counter(bare_name(student.name) for student in students)
    for student in students:
        student.id = _folder_name(made_id(student.name, student.number) if student.number else student.name)
        if roster is None or form == "collected":
            continue
        student.row = _row(student, form, roster, namesakes)
        ids = [] if student.row is None else [_folder_name(id) for id in roster.ids(student.row)]
        if not ids:
            unknown.append(printable(student.id, 60))
            continue
        student.id = next((id for id in ids if _is_there(course, id, unit)), ids[0])
    remarks = []
    if roster is not None and unknown:
        remarks.append(
            f"{len(unknown)} are not in {roster.path.name} by name and number, or not just once: {some(unknown)}"
        )
    if roster is None and form == "Moodle":
        remarks.append(
            "Moodle numbers students anew in each assignment: with its grading worksheet as --roster, a student keeps one id"
        )
    if roster is not None and form == "Moodle" and "handed in" in roster.columns:
        zone = exchange_zone(course) or datetime.now().astimezone().tzname()
        remarks.append(
            f"the worksheet's times are taken for {zone}; if they are not, set c.Exchange.timezone in nbgrader_config.py"
        )
    if late := sum(student.late for student in students):
        remarks.append(
            f"{late} are marked late by Canvas, whose download has no times: no penalty comes of that"
        )
    return remarks


def _row(student: Handed, form: str, roster: Roster, namesakes: Counter[str]) -> int | None:
    """The roster's row of a student; None where there is none, or more than one could be meant."""
    if form == "Moodle" and "participant" in roster.columns:
        # the worksheet of another assignment has other students under these numbers
        names = {"", bare_name(student.name)}
        rows = tuple(n for n in roster.numbered(student.number) if bare_name(roster.name(n)) in names)
    elif form == "Moodle":
        rows = roster.called(student.name) if namesakes[bare_name(student.name)] == 1 else ()
    elif form == "Canvas":  # name and number must fit: people choose their names
        rows = roster.find(made_id(student.name, student.number))
    else:
        rows = roster.find(student.name) or roster.called(student.name)
    return rows[0] if len(rows) == 1 else None


def _folder_name(id: str) -> str:
    name = safe_part(id.strip()) or "student"
    return f"_{name}" if name.startswith(".") else name


def _is_there(course: Course, id: str, unit: str) -> bool:
    """Whether a student of that id has handed something in before."""
    folder = course.folder("submitted", id, unit)
    return folder.exists() or (folder.parent.name == id and folder.parent.exists())


def exchange_zone(course: Course) -> tzinfo | None:
    """nbgrader's Exchange.timezone where the course sets one, else this machine's (None)."""
    name = course.config.get("Exchange", {}).get("timezone")
    try:
        return ZoneInfo(str(name)) if name else None
    except (KeyError, ValueError, OSError) as error:  # ZoneInfoNotFoundError is a KeyError
        raise CourseError(f"nbgrader_config.py: Exchange.timezone '{name}' is no time zone") from error
