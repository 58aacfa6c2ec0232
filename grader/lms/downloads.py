"""Learning platforms' downloads: the forms of their file names, what only wraps a class, and the files of each student."""

from __future__ import annotations

import itertools
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from grader.engine.submission import notebook_name
from grader.errors import CourseError
from grader.lms.archive import Entry
from grader.lms.names import made_id
from grader.lms.roster import Roster
from grader.text import printable, some

_JUNK = ("__macosx", "__pycache__", "thumbs.db", "ehthumbs.db", "desktop.ini", "@eadir", "$recycle.bin")
_MOODLE = re.compile(
    r"(?P<name>[^_]*)(?:_(?P<number>[0-9]+))?_assign(?:submission|feedback)_(?P<kind>[a-z0-9]+)(?:_(?P<file>.*))?",
    re.DOTALL,
)
"""A team's folder has no number where its members are in no group."""


@dataclass(frozen=True)
class Upload:
    """What a file's name in Canvas's form says. `upload` counts up over time; 0 for text typed into Canvas."""

    name: str
    number: str
    late: bool = False
    upload: int = 0
    file: str = ""


def _uploads(name: str) -> Iterator[Upload]:
    """The readings of a name in Canvas's form, the likeliest first.

    A file may begin with a number (`..._67890_05_momentum.ipynb`), and so may a name end with one, because people choose their
    names: only a roster or the unit's notebooks can tell.
    """
    parts = name.split("_")
    for at in range(1, len(parts) - 1):
        if not (_is_id(parts[at]) or (parts[at - 1] == "anon" and parts[at].isalnum())):
            continue
        who = parts[:at]
        late = "LATE" in who[-1:] or who[:1] == ["LATE"]
        plain = "_".join(part for part in who if not (late and part == "LATE"))
        if len(parts) == at + 2 and parts[-1] in ("text.html", "link.html"):
            yield Upload(plain, parts[at], late)
        elif len(parts) > at + 2 and _is_id(parts[at + 1]):
            yield Upload(plain, parts[at], late, int(parts[at + 1]), "_".join(parts[at + 2 :]))


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 20


@dataclass
class Handed:
    """One student's files in the source, as target path and entry; `id` once it is known."""

    name: str
    number: str = ""  # the platform's; empty where the folder's name is the id
    files: list[tuple[tuple[str, ...], Entry]] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    uploads: dict[tuple[str, ...], int] = field(default_factory=dict)  # Canvas's numbers, by path
    surest: bool = True  # Canvas's name can be read in one way only, given the unit's notebooks
    late: bool = False
    row: int | None = None  # in the roster
    id: str = ""


def is_junk(path: tuple[str, ...]) -> bool:
    """What operating systems and Jupyter leave behind. (A student's name in a platform's form may begin with a dot; macOS's own `._name`
    is a file.)"""
    return path[-1].startswith("._") or any(
        part.lower() in _JUNK
        or (part.startswith(".") and not (_MOODLE.fullmatch(part) or any(_uploads(part))))
        for part in path
    )


def people_in(path: str) -> Iterator[str]:
    """Every name of a person that a path in a download may hold."""
    for part in path.replace("\\", "/").split("/")[:3]:
        if match := _MOODLE.fullmatch(part):
            yield match["name"]
        else:
            yield from {upload.name for upload in _uploads(part)} or {part}


# ----------------------------------------------------------------------------------------------- the form


def form_of(
    entries: list[Entry], unit: str, notebooks: Sequence[str], source: Path, roster: Roster | None
) -> tuple[str, list[Entry], list[str]]:
    """What the source is, its entries without folders that only wrap a class, and a remark where some were taken off.

    Raises CourseError where it holds no submissions, or a class beside something else.
    """
    if form := _platform(entries, unit, notebooks):
        return form, entries, []
    inside = defaultdict[str, list[Entry]](list)
    beside = [entry for entry in entries if len(entry.path) == 1]
    for entry in entries:
        if len(entry.path) > 1:
            inside[entry.path[0]].append(replace(entry, path=entry.path[1:]))
    tops = [top for top in inside if any(map(_is_notebook, inside[top]))] or list(inside)
    strangers = [top for top in tops if roster is None or not roster.rows_of(top)]
    forms = {top: _platform(inside[top], unit, notebooks) for top in strangers}
    if len(tops) > 1:  # `ann/05/toy/toy.ipynb` is a student's own order among other students
        forms = {top: form for top, form in forms.items() if form != "collected"}
    wraps = strangers == tops and len(tops) == 1 and _is_deep(inside[tops[0]])
    if strangers == tops and tops and (wraps or (all(map(forms.get, tops)) and len({*forms.values()}) == 1)):
        form, inner, remarks = form_of(
            [e for top in tops for e in inside[top]], unit, notebooks, source, roster
        )
        names = [printable("/".join(entry.path), 40) for entry in beside]
        more = (
            [f"beside {some(tops)}, which holds the class, and so nobody's: {some(names)}"] if names else []
        )
        return form, inner, more + remarks
    if classes := [top for top, form in forms.items() if form]:
        raise CourseError(
            f"{source}: {some(classes)} looks like {forms[classes[0]]}'s download of a class and not like a student, and lies beside others: "
            "give it alone"
        )
    if any(len(entry.path) >= 2 for entry in entries):
        return "folders", entries, []
    raise CourseError(
        f"{source}: no submissions in it; known are downloads from Moodle and Canvas, <student>/{unit}/..., and a folder for each student"
    )


def _platform(entries: Iterable[Entry], unit: str, notebooks: Sequence[str]) -> str:
    """The form that the names at the top have; empty where it is none of a platform's or nbgrader's."""
    paths = [entry.path for entry in entries]
    if any(_MOODLE.fullmatch(path[0]) for path in paths):
        return "Moodle"
    if any(len(path) >= 3 and path[1] == unit for path in paths):
        return "collected"
    flat = [path[0] for path in paths if len(path) == 1]
    if any(notebook_name(path[-1]) for path in paths if len(path) > 1):
        return ""
    readings = [next(_uploads(name), None) for name in flat]
    people = {(reading.name, reading.number) for reading in readings if reading}
    known = {notebook.casefold() for notebook in notebooks}
    certain = any(
        _plain(upload.file, notebooks).casefold() in known for name in flat for upload in _uploads(name)
    )
    return "Canvas" if certain or len(people) > 1 or (people and all(readings)) else ""


def _is_notebook(entry: Entry) -> bool:
    return bool(notebook_name(entry.path[-1]))


def _is_deep(entries: Iterable[Entry]) -> bool:
    """Whether every notebook lies in a folder: so this is no student's folder, but one around students' folders."""
    notebooks = [entry for entry in entries if _is_notebook(entry)] or list(entries)
    return all(len(entry.path) > 1 for entry in notebooks)


def _refuse_classes(
    students: Iterable[Handed], notebooks: Sequence[str], source: Path, roster: Roster | None
) -> None:
    """Raises CourseError where below one student's folder two others hold the same notebook of the unit."""
    for student in students:
        below = defaultdict[str, set[str]](set)
        for path, _ in student.files:
            if len(path) > 1 and _plain(path[-1], notebooks).casefold() in map(str.casefold, notebooks):
                below[_plain(path[-1], notebooks).casefold()].add(path[0])
        for notebook, folders in below.items():
            if len(folders) > 1 and not (roster and roster.rows_of(student.name)):
                raise CourseError(
                    f"{source}: '{printable(student.name, 60)}' looks like a folder around a class and not like a student: {notebook}.ipynb is "
                    f"in {some(sorted(folders))} below it; give that folder alone, or one with a folder for each student"
                )


# ------------------------------------------------------------------------------------------ whose it is


def by_student(
    entries: list[Entry], form: str, unit: str, notebooks: Sequence[str], source: Path, roster: Roster | None
) -> tuple[list[Handed], list[str]]:
    """The source's files by student, and a remark about those that are nobody's. Raises CourseError where one is a whole class."""
    students: dict[tuple[str, str], Handed] = {}
    nobodys: list[str] = []

    def student(name: str, number: str = "") -> Handed:
        return students.setdefault((name, number), Handed(name, number))

    for entry in sorted(entries, key=lambda entry: entry.path):
        first, *rest = entry.path
        if form == "Moodle" and (match := _MOODLE.fullmatch(first)):
            whose = student(match["name"], match["number"] or "")
            path = tuple(rest) or ((match["file"],) if match["file"] else ())
            if match["kind"] == "file" and path:
                whose.files.append((path, entry))
        elif form == "Canvas" and not rest and (upload := _reading(first, notebooks, roster)):
            whose = student(upload[0].name, upload[0].number)
            whose.late |= upload[0].late
            whose.surest &= upload[1]
            if upload[0].file:
                whose.files.append(((upload[0].file,), entry))
                whose.uploads[entry.path] = upload[0].upload
        elif form == "collected" and len(rest) >= 2:
            if rest[0] == unit:
                student(first).files.append((tuple(rest[1:]), entry))
        elif form == "folders" and rest:
            student(first).files.append((tuple(rest), entry))
        else:
            why = f" ({entry.refused})" if entry.refused else ""
            nobodys.append(printable("/".join(entry.path), 60) + why)
    for whose in students.values():
        while (
            whose.files
            and len({path[0] for path, _ in whose.files}) == 1
            and all(len(path) > 1 for path, _ in whose.files)
        ):
            whose.files = [(path[1:], entry) for path, entry in whose.files]  # a folder around everything
        whose.files.sort(key=lambda item: whose.uploads.get(item[1].path, 0))
        if form in ("Canvas", "Moodle"):
            whose.files = _without_marks(whose.files, notebooks)
    if form in ("collected", "folders"):
        _refuse_classes(students.values(), notebooks, source, roster)
    remarks = [f"{len(nobodys)} files belong to no student: {some(nobodys)}"] if nobodys else []
    return list(students.values()), remarks


def _reading(name: str, notebooks: Sequence[str], roster: Roster | None) -> tuple[Upload, bool] | None:
    """Whose file this is in Canvas's form: the reading that the roster knows by name and number, else the one whose file is a
    notebook of the unit, else the likeliest; and whether there is no other."""
    readings = list(itertools.islice(_uploads(name), 8))
    known = [one for one in readings if roster and len(roster.find(made_id(one.name, one.number))) == 1]
    files = {notebook.casefold() for notebook in notebooks}
    fits = [one for one in readings if _plain(one.file, notebooks).casefold() in files]
    best = known or fits or readings
    return (best[0], len(best) == 1) if best else None


_MARK = re.compile(r"(.+)-\d+", re.DOTALL)


def _plain(file: str, notebooks: Sequence[str]) -> str:
    """The notebook of the unit that a file is, as it stands or without a platform's `-1`; else its own name without suffix."""
    name = notebook_name(file)
    known = {notebook.casefold(): notebook for notebook in notebooks}
    match = _MARK.fullmatch(name)
    return known.get(name.casefold()) or (match and known.get(match[1].casefold())) or name


def _without_marks(
    files: list[tuple[tuple[str, ...], Entry]], notebooks: Sequence[str]
) -> list[tuple[tuple[str, ...], Entry]]:
    """`toy-1.ipynb`, which was handed in again, under the name of the unit's `toy.ipynb`; every other name as it is."""
    known = {notebook.casefold() for notebook in notebooks}
    return [
        ((f"{_plain(path[0], notebooks)}.ipynb",), entry)
        if len(path) == 1
        and notebook_name(path[0]).casefold() not in known
        and _plain(path[0], notebooks).casefold() in known
        else (path, entry)
        for path, entry in files
    ]
