"""The class list that a learning platform exports, and which of its rows a student of ours is.

Canvas: Grades > Export: `Student` (or `LastName`, `FirstName`), `ID`, `SIS User ID`, `SIS Login ID`, `Section`, assignments, and a
row `    Points Possible` (canvas-lms, lib/gradebook_exporter.rb). Moodle: an assignment's grading worksheet (`Identifier`,
`Full name`, `Email address`, `Grade` ...; moodle, mod/assign/feedback/offline/importgradeslib.php) or any list with `Email address`,
`ID number` or `Username`. Gradescope: Roster > Download: `First Name`, `Last Name`, `SID`, `Email`. Any other list with one of
these columns will do. Headers are read in English, whatever their case; in another language a column is known by what stands in it: a
worksheet's `Teilnehmer/in11`, addresses, names, the highest grade and the grade before it. Cells are separated by commas, semicolons or tabs.
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from grader.errors import CourseError
from grader.lms.names import canvas_name, made_id, name_keys

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
_PARTICIPANT = re.compile(r"(.*\D)([1-9]\d*)", re.DOTALL)
_ROUNDED = re.compile(r"[+-]?\d([.,]\d+)?E[+-]?\d+", re.IGNORECASE)
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


def points_of(text: str) -> float | None:
    """The number in a cell, with a point or a comma for its decimals and any mark between thousands; None where it holds none."""
    plain = re.sub(r"[\s'’]", "", text)
    match = re.fullmatch(r"([0-9]+|[0-9]{1,3}(?:[.,][0-9]{3})+)(?:[.,]([0-9]+))?", plain)
    return float(f"{re.sub('[.,]', '', match[1])}.{match[2] or 0}") if match else None


@dataclass(frozen=True)
class Roster:
    """A class list. `rows` are its students, each as long as `header`; `columns` says where a known column stands.

    `points` is Canvas's row of points possible, empty in other lists. `translated`: a worksheet whose columns were known by their content.
    """

    path: Path
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    points: tuple[str, ...]
    columns: Mapping[str, int]
    translated: bool = False

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
        """The rows that any of these ids names: one where all is well, none for a stranger, several where it is unclear.

        Where none does, zeros that a spreadsheet has taken from the front of a number do not matter.
        """
        keys = {_key(id) for id in ids if id and id.strip()}
        return self._rows("id", keys) or self._rows("digits", {_digits(key) for key in keys} - {""})

    def called(self, name: str) -> tuple[int, ...]:
        """The rows of that name; where there are none, those where one of both is half of the other."""
        keys = name_keys(name)
        return (
            self._rows("name", keys.whole)
            or self._rows("half", keys.whole)
            or self._rows("name", keys.halves)
            or self._rows("own half", keys.own)
        )

    def rows_of(self, text: str) -> tuple[int, ...]:
        """The rows that a folder's name, or what a person wrote into a list, names: by an id, else by a name."""
        return self.find(text) or self.called(text)

    def numbered(self, column: str, number: str) -> tuple[int, ...]:
        """The rows of the platform's number: Moodle's in column `participant`, Canvas's in `lms`."""
        return self._rows(column, [number])

    def _rows(self, kind: str, keys: Iterable[str]) -> tuple[int, ...]:
        return tuple(sorted({row for key in keys for row in self._index.get((kind, key), ())}))

    @cached_property
    def _index(self) -> dict[tuple[str, str], list[int]]:
        """The rows by kind of key and key."""
        index = defaultdict[tuple[str, str], list[int]](list)
        for row in range(len(self.rows)):
            names = name_keys(self.name(row))
            keys: dict[str, Iterable[str]] = {
                "id": {_key(id) for id in self.ids(row)},
                "digits": {_digits(self.cell(row, column)) for column in IDS},
                "name": names.whole,
                "half": names.halves,
                "own half": names.own,
                "participant": [self.participant(row)],
                "lms": [self.cell(row, "lms")],
            }
            for kind, those in keys.items():
                for key in those:
                    index[kind, key].append(row)
        return dict(index)


def read_roster(path: Path) -> Roster:
    """The class list in a CSV file. Raises CourseError, in one line, where it is none or not what the platform wrote."""
    text = _text(path)
    text = re.sub(r"^sep=.\r?\n", "", text)  # a line for Excel
    first = text.partition("\n")[0]
    mark = max(",;\t", key=lambda mark: (len(_columns(_parse(path, first, mark))), first.count(mark)))
    table = _parse(path, text, mark)
    header = tuple(cell.strip() for cell in table[0]) if table else ()
    width = len(header)
    lines = [tuple((line + [""] * width)[:width]) for line in table[1:]]
    english = _columns(table)
    columns = _by_content(header, lines, english)
    if not {*IDS, "participant"} & columns.keys():
        raise CourseError(
            f"{path}: no class list: a column such as SIS Login ID, ID number, SID or Email address is missing "
            f"in '{first.strip()[:80]}'; if it is one in another language, export it in English"
        )
    points: tuple[str, ...] = ()
    rows = []
    ids = [at for name, at in columns.items() if name in (*IDS, "participant")]
    for cells in lines:
        if POINTS in cells[0] or (cells[0].startswith("    ") and not any(cells[at].strip() for at in ids)):
            points = cells
        elif any(cells[at].strip() for at in (*ids, *([columns["name"]] if "name" in columns else ()))):
            rows.append(
                _whole_ids(path, header, cells, ids)
            )  # all but empty lines and Canvas's 'Manual Posting'
    return Roster(
        path, header, tuple(rows), points, columns, "participant" in columns.keys() - english.keys()
    )


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise CourseError(
            f"{path}: {error.strerror}; give the CSV file that the platform exported"
        ) from error
    if len(data) > MAX_BYTES:
        raise CourseError(f"{path}: larger than {MAX_BYTES >> 20} MiB, so no class list")
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        encoding = "utf-16"
    elif 0 in data[:2]:  # a header begins with a letter of ASCII
        encoding = "utf-16-be" if data[:1] == b"\0" else "utf-16-le"
    else:
        encoding = "utf-8-sig"
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        raise CourseError(f"{path}: not in UTF-8; save it as 'CSV UTF-8'") from error


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


def _by_content(
    header: Sequence[str], lines: Sequence[tuple[str, ...]], english: Mapping[str, int]
) -> dict[str, int]:
    """The columns that English headers name, and in a list with other headers those that their content tells.

    `ID` is Canvas's, but not where a worksheet's identifiers stand in it.
    """
    columns = dict(english)
    cells = [[line[at].strip() for line in lines if line[at].strip()] for at in range(len(header))]
    if columns.get("lms") == 0 and _participants(cells[0]):
        del columns["lms"]
    if "participant" in columns or {"name", "first", "last"} & columns.keys():
        return columns
    worksheet = bool(header) and 0 not in columns.values() and _participants(cells[0])
    if worksheet:
        columns["participant"] = 0
    free = [at for at in range(len(header)) if at not in columns.values() and cells[at]]
    emails = [at for at in free if _mostly(_EMAIL.fullmatch, cells[at])]
    if emails and "email" not in columns:
        columns["email"] = emails[0]
    names = [at for at in free if _mostly(_is_name, cells[at]) and 2 * len({*cells[at]}) > len(cells[at])]
    if worksheet:
        columns |= {"name": names[0]} if names else {}
        numbers = [{*map(points_of, cells[at])} if len(cells[at]) == len(lines) else {None} for at in free]
        most = [
            at for at, points in zip(free, numbers, strict=True) if len(points) == 1 and None not in points
        ]
        columns |= {"grade": most[-1] - 1, "maximum": most[-1]} if most else {}
    elif "email" in columns and names:  # first and last name stand side by side
        side = names[:2] if names[1:2] == [names[0] + 1] else names[:1]
        columns |= dict(zip(("first", "last"), side, strict=True)) if side[1:] else {"name": side[0]}
    return columns


def _participants(cells: Sequence[str]) -> bool:
    """Whether these are a worksheet's identifiers: one word in some language, then a number that is nobody else's."""
    parts = [match.groups() for cell in cells if (match := _PARTICIPANT.fullmatch(cell))]
    words = {word for word, _ in parts}
    return (
        bool(cells)
        and len(parts) == len({number for _, number in parts}) == len(cells)
        and len(words) == 1
        and sum(map(str.isalpha, max(words))) >= (4 if max(words).isascii() else 1)
    )


def _mostly(test: Callable[[str], object], cells: Sequence[str]) -> bool:
    return 2 * sum(map(bool, map(test, cells))) > len(cells)


def _is_name(cell: str) -> bool:
    return any(map(str.isalpha, cell)) and not any(c.isdigit() or c == "@" for c in cell)


def _plain_id(cell: str) -> str:
    """An id without what programs put around a number, to keep it one or to keep it text: `12.0`, `="0012"`, `'0012`."""
    return re.sub(r"""^(?:="(.*)"|'(\d+)|(\d+)\.0)$""", r"\1\2\3", cell.strip())


def _whole_ids(
    path: Path, header: Sequence[str], cells: tuple[str, ...], ids: Sequence[int]
) -> tuple[str, ...]:
    """A row with plain ids. Raises CourseError where a spreadsheet has rounded one."""
    for at in ids:
        if _ROUNDED.fullmatch(cells[at].strip()):
            raise CourseError(
                f"{path}: a spreadsheet has rounded an id in column '{header[at]}' to {cells[at].strip()}; export the list again and give it "
                "as the platform wrote it"
            )
    return tuple(_plain_id(cell) if at in ids else cell for at, cell in enumerate(cells))


def _key(text: str) -> str:
    return unicodedata.normalize("NFC", text).strip().casefold()


def _digits(text: str) -> str:
    """A number without the zeros in front; empty for what is no number."""
    return text.strip().lstrip("0") if text.strip().isdecimal() else ""
