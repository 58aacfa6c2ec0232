"""The class list that a learning platform exports, and which of its rows a student of ours is.

Canvas: Grades > Export: `Student` (or `LastName`, `FirstName`), `ID`, `SIS User ID`, `SIS Login ID`, `Section`, assignments, and a
row `    Points Possible` (canvas-lms, lib/gradebook_exporter.rb). Moodle: an assignment's grading worksheet (`Identifier`,
`Full name`, `Email address`, `Grade` ...; moodle, mod/assign/feedback/offline/importgradeslib.php) or any list with `Email address`,
`ID number` or `Username`. Gradescope: Roster > Download: `First Name`, `Last Name`, `SID`, `Email`. Any other list with one of
these columns will do. Headers are read in English, whatever their case; cells are separated by commas, semicolons or tabs.
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from grader.errors import CourseError

MAX_BYTES = 64 * 2**20
_HEADERS = {
    "login": ("sis login id", "username", "user name", "login", "login id"),
    "number": ("sis user id", "id number", "sid", "student id", "student_id", "student number"),
    "lms": ("id", "lms_user_id"),
    "email": ("email address", "email", "e-mail"),
    "participant": ("identifier",),
    "name": ("student", "full name", "name"),
    "first": ("first name", "firstname", "first_name"),
    "last": ("last name", "lastname", "last_name", "surname"),
    "section": ("section", "sections"),
    "handed in": ("last modified (submission)",),
    "grade": ("grade",),
    "maximum": ("maximum grade",),
}
IDS = ("login", "number", "lms", "email")
"""Columns that may hold the id that a student has here, the likeliest first."""
POINTS = "Points Possible"


@dataclass(frozen=True)
class Roster:
    """A class list. `rows` are its students, each as long as `header`; `columns` says where a known column stands.

    `points` is Canvas's row of points possible, empty in other lists.
    """

    path: Path
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    points: tuple[str, ...]
    columns: Mapping[str, int]

    def cell(self, row: int, column: str) -> str:
        """What stands in a known column, empty where the list has none such."""
        return self.rows[row][self.columns[column]].strip() if column in self.columns else ""

    def name(self, row: int) -> str:
        """First name, then last name, as Moodle writes them."""
        return self.cell(row, "name") or f"{self.cell(row, 'first')} {self.cell(row, 'last')}".strip()

    def ids(self, row: int) -> tuple[str, ...]:
        """Everything that names this row's student, the likeliest id first; last what `made_id` makes without a list."""
        ids = [self.cell(row, column) for column in IDS]
        if lms := self.cell(row, "lms"):
            sortable = self.cell(row, "name") or self.cell(row, "last") + self.cell(row, "first")
            ids.append(made_id(canvas_name(sortable), lms))
        if number := self.participant(row):
            ids.append(made_id(self.name(row), number))
        return tuple(id for id in ids if id)

    def participant(self, row: int) -> str:
        """Moodle's number of a student in one assignment, from `Participant 12345`."""
        found = re.search(r"\d+$", self.cell(row, "participant"))
        return found[0] if found else ""

    def find(self, *ids: str | None) -> tuple[int, ...]:
        """The rows that any of these ids names: one where all is well, none for a stranger, several where it is unclear."""
        keys = {_key(id) for id in ids if id and id.strip()}
        return tuple(sorted({row for key in keys for row in self._by_id.get(key, ())}))

    def called(self, name: str) -> tuple[int, ...]:
        """The rows of that name."""
        return self._by_name.get(bare_name(name), ())

    def numbered(self, number: str) -> tuple[int, ...]:
        """The rows of a participant's number."""
        return self._by_number.get(number, ())

    @cached_property
    def _by_id(self) -> dict[str, tuple[int, ...]]:
        return self._index(lambda row: {_key(id) for id in self.ids(row)})

    @cached_property
    def _by_name(self) -> dict[str, tuple[int, ...]]:
        return self._index(lambda row: {bare_name(self.name(row))})

    @cached_property
    def _by_number(self) -> dict[str, tuple[int, ...]]:
        return self._index(lambda row: {self.participant(row)})

    def _index(self, keys: Callable[[int], Iterable[str]]) -> dict[str, tuple[int, ...]]:
        found: dict[str, tuple[int, ...]] = {}
        for row in range(len(self.rows)):
            for key in keys(row):
                found[key] = (*found.get(key, ()), row)
        return found


def read_roster(path: Path) -> Roster:
    """The class list in a CSV file. Raises CourseError, in one line, where it is none."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise CourseError(
            f"{path}: {error.strerror}; give the CSV file that the platform exported"
        ) from error
    if len(data) > MAX_BYTES:
        raise CourseError(f"{path}: larger than {MAX_BYTES >> 20} MiB, so no class list")
    wide = data.startswith((b"\xff\xfe", b"\xfe\xff"))
    try:
        text = data.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise CourseError(f"{path}: not in UTF-8; save it as 'CSV UTF-8'") from error
    first = text.partition("\n")[0]
    mark = max(",;\t", key=lambda mark: len(_columns(_parse(path, first, mark))))
    table = _parse(path, text, mark)
    columns = _columns(table)
    if not {*IDS, "participant"} & columns.keys():
        raise CourseError(
            f"{path}: no class list: a column such as SIS Login ID, ID number, SID or Email address is missing "
            f"in '{first.strip()[:80]}'"
        )
    header = tuple(cell.strip() for cell in table[0])
    width = len(header)
    points: tuple[str, ...] = ()
    rows = []
    for line in table[1:]:
        cells = tuple((line + [""] * width)[:width])
        if POINTS in cells[0]:
            points = cells
        elif any(cells[at].strip() for name, at in columns.items() if name in (*IDS, "participant", "name")):
            rows.append(cells)  # all but empty lines and Canvas's 'Manual Posting'
    return Roster(path, header, tuple(rows), points, columns)


def _parse(path: Path, text: str, mark: str) -> list[list[str]]:
    try:
        return list(csv.reader(io.StringIO(text, newline=""), delimiter=mark))
    except csv.Error as error:
        raise CourseError(f"{path}: no CSV file: {error}") from error


def _columns(table: list[list[str]]) -> dict[str, int]:
    header = [cell.strip().casefold() for cell in table[0]] if table else []
    return {
        column: header.index(name)
        for column, names in _HEADERS.items()
        if (name := next((name for name in names if name in header), None))
    }


def _key(text: str) -> str:
    return unicodedata.normalize("NFC", text).strip().casefold()


def bare_name(name: str) -> str:
    """A name's letters and digits, whichever part comes first: Moodle takes apostrophes and more out of file names."""
    words = unicodedata.normalize("NFC", name).casefold().split()
    return " ".join(sorted(re.sub(r"[\W_]", "", word) for word in words))


def safe_name(name: str) -> str:
    """A person's name for a folder: letters and digits of any script, hyphens between; `student` where none is left."""
    plain = re.sub("[&<>\"`|':\\\\]", "", unicodedata.normalize("NFC", name))  # as Moodle does
    return re.sub(r"[^\w.]+", "-", plain).strip("-._") or "student"


def canvas_name(sortable: str) -> str:
    """`Doe, Jane` as Canvas puts it into a file name (canvas-lms, lib/content_zipper.rb): `doejane`."""
    return re.sub(r"\W", "", unicodedata.normalize("NFC", sortable).lower())


def made_id(name: str, number: str) -> str:
    """The id of a student of whom only a name and the platform's number are known: two of one name stay two."""
    return f"{safe_name(name)}_{number}"
