"""Take submissions in: from what a learning platform's download holds to submitted/<student>/<unit>/.

Forms, told apart by their names; a zip file, or the folder that it was unpacked to:

Moodle     `Ann Smith_12345_assignsubmission_file/toy.ipynb`, or flat, `Ann Smith_12345_assignsubmission_file_toy.ipynb`; older versions
           end the folder's name with an underscore (moodle, mod/assign/classes/downloader.php). Text typed into Moodle is not taken. The
           number is the student's in this one assignment, so a student has another in the next: give the assignment's grading
           worksheet as the roster, which has number, email address and time. Underscores of a name are blanks here, so
           the first `_12345_assignsubmission_` is Moodle's own, whatever a student's file is called.
Canvas     `doejane_LATE_12345_67890_toy-1.ipynb`: name, user, upload, file (canvas-lms, lib/content_zipper.rb); `-1` marks a file handed
           in again (not in that source, and not verified otherwise). The number is the user's, in every assignment.
           No times: a late mark is reported, and cannot become a timestamp.
collected  `ann/toy/toy.ipynb`, nbgrader's own, with timestamp.txt.
folders    `ann/toy.ipynb`, a folder for each student.

Which student: the id that the roster gives (roster.py), where the roster's name and number are those of the file; without one the name
made safe and the platform's number, `Ann-Smith_12345`, so that two of one name stay two. A student whose folder is there already under any of
the roster's ids keeps that one.

Nothing of an archive is trusted (archive.py). Everything is written to .grader/ first and then moved, so that a kill or a full
disk loses nothing; the same call goes on, and a second one changes nothing. What was there before and differs is kept in
.grader/superseded/.
"""

from __future__ import annotations

import contextlib
import itertools
import re
import shutil
import tempfile
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo

from grader.archive import Entry, Refused, open_source, safe_part, some
from grader.course import Course, disk_errors
from grader.errors import CourseError
from grader.grade import TIMESTAMP, parse_timestamp
from grader.journal import hold
from grader.roster import Roster, bare_name, made_id
from grader.submission import MAX_FILES, MAX_TOTAL, printable, read_submission

MAX_CLASS = 16 * 2**30
_JUNK = ("__macosx", "__pycache__", "thumbs.db", "desktop.ini")
_ARCHIVES = (".zip", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".7z", ".rar")
_NOTEBOOK = ".ipynb"
_NO_FILE = "no file was handed in"


@dataclass(frozen=True)
class Intake:
    """What was taken in, by student. `changed` ones had another submission before, which is kept; `same` ones had this one.

    `skipped` gives a reason for each; `remarks` say, a line each, what was odd about a submission or the source.
    """

    unit: str
    form: str
    new: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    same: tuple[str, ...] = ()
    skipped: tuple[tuple[str, str], ...] = ()
    remarks: tuple[str, ...] = ()

    @property
    def line(self) -> str:
        """Everything in one line."""
        why = Counter(reason for _, reason in self.skipped)
        reasons = f" ({', '.join(f'{n}: {reason}' for reason, n in why.most_common())})" if why else ""
        kept = " (what was there before is in .grader/superseded/)" if self.changed else ""
        return (
            f"{self.form}: {len(self.new)} new, {len(self.changed)} changed{kept}, {len(self.same)} the same, "
            f"{len(self.skipped)} skipped{reasons}"
        )


def collect(course: Course, unit: str, source: Path, roster: Roster | None = None) -> Intake:
    """Put the submissions of `unit` that lie in `source`, a zip file or a folder, into the course's submitted folder.

    Raises CourseError where the source as a whole cannot be read or written; then no submission has changed, or, where the
    disk failed half-way, the same call goes on. What is wrong with one student's submission is a remark.
    """
    names = [notebook.name for notebook in course.assignment(unit).notebooks]
    with contextlib.ExitStack() as stack:
        entries, remarks = open_source(source, stack)
        form, entries = _form([entry for entry in entries if not _is_junk(entry.path)], unit, source)
        students, nobodys = _students(entries, form, unit, names, roster)
        stack.enter_context(disk_errors(course))
        stack.enter_context(hold(course.state))
        remarks += nobodys + _identify(students, form, roster, course, unit)
        return _take_in(course, unit, form, students, roster, remarks)


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
class _Student:
    """One student's files in the source, as target path and entry; `id` once it is known."""

    name: str
    number: str = ""  # the platform's; empty where the folder's name is the id
    files: list[tuple[tuple[str, ...], Entry]] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    order: dict[tuple[str, ...], int] = field(default_factory=dict)  # Canvas's numbers of its uploads
    late: bool = False
    row: int | None = None  # in the roster
    id: str = ""


def _is_junk(path: tuple[str, ...]) -> bool:
    """What operating systems and Jupyter leave behind. (A student's name in a platform's form may begin with a dot.)"""
    if _MOODLE.fullmatch(path[0]) or any(_uploads(path[0])):
        path = path[1:]
    return any(part.startswith(".") or part.lower() in _JUNK for part in path)


def _form(entries: list[Entry], unit: str, source: Path) -> tuple[str, list[Entry]]:
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
        return _form(inner, unit, source)
    if any(len(path) >= 2 for path in paths):
        return "folders", entries
    raise CourseError(
        f"{source}: no submissions in it; known are downloads from Moodle and Canvas, <student>/{unit}/..., and a folder for each student"
    )


def _students(
    entries: list[Entry], form: str, unit: str, notebooks: Sequence[str], roster: Roster | None
) -> tuple[list[_Student], list[str]]:
    """The source's files by student, and a remark about those that are nobody's."""
    found: dict[tuple[str, str], _Student] = {}
    nobodys: list[str] = []

    def student(name: str, number: str = "") -> _Student:
        return found.setdefault((name, number), _Student(name, number))

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
    return f"{known[match[1].casefold()]}{_NOTEBOOK}" if match and match[1].casefold() in known else name


def _identify(
    students: list[_Student], form: str, roster: Roster | None, course: Course, unit: str
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
        zone = _zone(course) or datetime.now().astimezone().tzname()
        remarks.append(
            f"the worksheet's times are taken for {zone}; if they are not, set c.Exchange.timezone in nbgrader_config.py"
        )
    if late := sum(student.late for student in students):
        remarks.append(
            f"{late} are marked late by Canvas, whose download has no times: no penalty comes of that"
        )
    return remarks


def _row(student: _Student, form: str, roster: Roster, namesakes: Counter[str]) -> int | None:
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


# ---------------------------------------------------------------------------------------------- taking in


def _take_in(
    course: Course, unit: str, form: str, students: list[_Student], roster: Roster | None, remarks: list[str]
) -> Intake:
    """Write what is new or changed beside the submitted folder, then move it there."""
    for left in course.state.glob("intake-*"):  # by a run that was killed
        shutil.rmtree(left, ignore_errors=True)
    outcome: dict[str, list[str]] = {"new": [], "changed": [], "same": []}
    skipped: list[tuple[str, str]] = []
    moves: list[tuple[Path, Path, Path]] = []
    taken = set[str]()
    total = 0
    with tempfile.TemporaryDirectory(
        prefix="intake-", dir=course.state, ignore_cleanup_errors=True
    ) as scratch:
        fold = _folding(Path(scratch))
        for count, student in enumerate(sorted(students, key=lambda student: (student.id, student.number))):
            target = course.folder("submitted", student.id, unit)
            try:
                if fold(student.id) in taken:
                    raise Refused("another submission has the same id")
                taken.add(fold(student.id))
                files = _read(student, form, fold)
                total += sum(map(len, files.values()))
                if total > MAX_CLASS:
                    raise CourseError(
                        f"more than {MAX_CLASS >> 30} GiB of submissions; take them in a part at a time"
                    )
                if roster is not None and student.row is not None and form == "Moodle":
                    files |= _timestamp(roster.cell(student.row, "handed in"), _zone(course), student)
                what = _compare(course, student.id, unit, target, files)
            except Refused as reason:
                skipped.append((student.id, str(reason)))
            else:
                outcome[what].append(student.id)
                if what != "same":
                    staged = Path(scratch, str(count))
                    for name, content in files.items():
                        (staged / name).parent.mkdir(parents=True, exist_ok=True)
                        (staged / name).write_bytes(content)
                    moves.append((staged, target, course.state / "superseded" / unit / student.id))
            if student.remarks:
                remarks.append(f"{printable(student.id, 60)}: {some(student.remarks)}")
        for staged, target, superseded in moves:
            _put(staged, target, superseded)
    new, changed, same = (tuple(ids) for ids in outcome.values())
    return Intake(unit, form, new, changed, same, tuple(skipped), tuple(remarks))


def _read(student: _Student, form: str, fold: Callable[[str], str]) -> dict[str, bytes]:
    """A student's files by name. Raises Refused where there are none, or where a notebook cannot be had: half a submission must not take
    the place of a whole one."""
    files: dict[str, bytes] = {}
    names: dict[str, str] = {}  # as the file system sees them
    folders = set[str]()
    total = 0
    for raw, entry in student.files:
        path = tuple(safe_part(part) for part in raw)
        name, shown = "/".join(path), printable("/".join(path), 60)
        if any(part.startswith(".") for part in path):
            continue
        if name == TIMESTAMP and form in ("Moodle", "Canvas"):
            student.remarks.append(f"{shown} left out: the platform says when, not the student")
            continue
        parents = {fold("/".join(path[:n])) for n in range(1, len(path))}
        if fold(name) in folders or parents & names.keys():
            student.remarks.append(f"{shown} left out: a file and a folder of one name")
            continue
        if len(files) >= MAX_FILES:
            student.remarks.append(f"more than {MAX_FILES} files: the others were left out")
            break
        try:
            content = entry.content()
            total += len(content)
            if total > MAX_TOTAL:
                raise Refused(f"more than {MAX_TOTAL >> 20} MiB in all")
        except Refused as reason:
            student.remarks.append(f"{shown} left out: {reason}")
            if name.lower().endswith(_NOTEBOOK) and len(path) == 1:
                raise Refused("a notebook could not be read") from reason
            continue
        if (other := names.pop(fold(name), None)) is not None:
            student.remarks.append(f"two files for {shown}: the later one is taken")
            del files[other]
        if name.lower().endswith(_ARCHIVES):
            student.remarks.append(f"{shown}: an archive, not opened")
        names[fold(name)], files[name] = name, content
        folders |= parents
    if not files:
        raise Refused(_NO_FILE if not student.files else "nothing in it could be read")
    return files


def _folding(scratch: Path) -> Callable[[str], str]:
    """Names as this file system tells them apart: by case, or not."""
    blind = scratch.with_name(scratch.name.swapcase()).exists()
    return (lambda name: unicodedata.normalize("NFC", name).casefold()) if blind else str


def _compare(course: Course, id: str, unit: str, target: Path, files: dict[str, bytes]) -> str:
    """`new`, `changed` or `same`. Raises Refused where what is there must stay."""
    if course.is_link(id, unit):
        raise Refused("its folder is a link, which is not followed")
    if not target.exists():
        return "new"
    if not target.is_dir():
        raise Refused("a file is where its folder belongs")
    old = dict(read_submission(target, unit).files)
    before, now = old.get(TIMESTAMP, b""), files.get(TIMESTAMP, b"")
    if {**old, TIMESTAMP: before} == {**files, TIMESTAMP: now or before}:
        return "same"
    then, this = parse_timestamp(before)[0], parse_timestamp(now)[0]
    if then is not None and this is not None and this < then:
        raise Refused("older than what is there")
    return "changed"


def _put(staged: Path, target: Path, superseded: Path) -> None:
    """Move a submission to its place, and what was there to where it is kept. Cut off between, the next run moves it."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.exists():
        superseded.mkdir(parents=True, exist_ok=True)
        free = next(n for n in itertools.count(1) if not (superseded / str(n)).exists())
        shutil.move(target, superseded / str(free))
    shutil.move(staged, target)


def _zone(course: Course) -> tzinfo | None:
    """nbgrader's Exchange.timezone where the course sets one, else this machine's (None)."""
    name = course.config.get("Exchange", {}).get("timezone")
    try:
        return ZoneInfo(str(name)) if name else None
    except (KeyError, ValueError, OSError) as error:  # ZoneInfoNotFoundError is a KeyError
        raise CourseError(f"nbgrader_config.py: Exchange.timezone '{name}' is no time zone") from error


def _timestamp(text: str, zone: tzinfo | None, student: _Student) -> dict[str, bytes]:
    """timestamp.txt from a worksheet's `Wednesday, 10 June 2026, 2:14 PM`, which is in the time zone of who downloaded it."""
    from dateutil import parser

    if text in ("", "-"):
        return {}
    try:
        if len(text) > 100 or not re.search(
            r"[A-Za-z]{3}.*\d{4}.*\d:\d\d", text
        ):  # 10/06/2026 may be June or October
            raise ValueError("no English date")
        time = parser.parse(text)
    except (ValueError, OverflowError):
        student.remarks.append(f"no time in '{printable(text, 40)}': taken as unknown, not as late")
        return {}
    utc = (time.replace(tzinfo=zone) if zone else time).astimezone(UTC)
    return {TIMESTAMP: f"{utc:%Y-%m-%d %H:%M:%S.%f} UTC".encode()}
