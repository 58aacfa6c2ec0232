"""How Canvas, Moodle, Gradescope and nbgrader want grades in a CSV file.

Where the forms come from:

Canvas      the importer's source (canvas-lms, lib/gradebook_importer.rb): `Student`, `ID`, `SIS User ID`, `SIS Login ID`, `Section`, then
            assignments as `Title (id)`; a title that Canvas does not know makes a new assignment. Students are found by ID, then
            SIS ids, then name. A blank cell takes a score away where Canvas has one. A byte-order mark is not removed.
Moodle      the importer's source (moodle, grade/import/csv/classes/load_data.php): any columns, mapped by hand on import; one row that
            matches no user ends the import. No grade is `-`: an empty cell of a new grade item would become 0, because the
            database layer stores '' in a number column as 0. A byte-order mark is removed. Where the roster is an assignment's grading
            worksheet, that worksheet with its grades filled in (mod/assign/feedback/offline/locallib.php): there an empty grade
            changes nothing, and one above the assignment's maximum is passed over in silence.
Gradescope  the columns of its own 'Download Grades', for one assignment or for a course, as programs that read that file name
            them. Its help pages describe the import of rosters only: whether it takes scores from a file could not be verified.
Csv         nbgrader's own columns, quoted as they must be, then `auto_score` (the tests' points, final or not) and `status`.

Columns that were not seen in a source, but only in programs that read such files: Moodle's `ID number` in a worksheet, all of
Gradescope's.
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from grader.errors import CourseError
from grader.lms.roster import POINTS, Roster, points_of
from grader.record.grades import Grades, Person, State
from grader.text import some

# --------------------------------------------------------------------------------------------------- cells


class Verbatim(str):
    """A cell of a number column that is not a number: written as it is."""

    __slots__ = ()


Cell = str | float | None
_FORMULA = frozenset("=+-@−")


def quote(text: str) -> str:
    """Text that no spreadsheet takes for a formula: with an apostrophe in front where it begins like one.

    Blanks and invisible characters in front are looked through, and full-width forms count as what they stand for.
    """
    if text[:1] in ("\t", "\r", "\n"):
        return "'" + text
    seen = next((c for c in text if unicodedata.category(c) not in ("Zs", "Zl", "Zp", "Cc", "Cf")), "")
    return "'" + text if set(unicodedata.normalize("NFKC", seen)) & _FORMULA else text


def number(value: float) -> str:
    """Points without an exponent and without the dust of binary fractions."""
    return f"{round(value, 6) + 0.0:.6f}".rstrip("0").rstrip(".")


def _written(cell: Cell) -> str:
    if isinstance(cell, Verbatim):
        return str(cell)
    if isinstance(cell, str):
        return quote(cell.replace("\0", "\ufffd"))
    return "" if cell is None else number(cell)


def to_csv(rows: Iterable[Sequence[Cell]], *, bom: bool = False) -> bytes:
    """The bytes of a table (RFC 4180): the same for the same table.

    UTF-8, which pandas, R and the platforms expect without a byte-order mark; Excel expects one (`bom`) in a file that is
    double-clicked, and shows garbled umlauts without it.
    """
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerows([_written(cell) for cell in row] for row in rows)
    return text.getvalue().encode("utf-8-sig" if bom else "utf-8", "backslashreplace")


def count_quoted(rows: Iterable[Sequence[Cell]]) -> int:
    """How many cells of text begin with an apostrophe because of `quote`."""
    texts = (cell for row in rows for cell in row if isinstance(cell, str) and not isinstance(cell, Verbatim))
    return sum(quote(text) != text for text in texts)


# --------------------------------------------------------------------------------------------------- tables


@dataclass(frozen=True)
class Table:
    """A file to be: its rows, header first, and remarks for the person who imports it."""

    rows: list[list[Cell]]
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Matched:
    """Which student of ours (an id) each row of a roster is, None for nobody, and what is to be said of the others."""

    students: tuple[str | None, ...]
    remarks: tuple[str, ...]


def _match(grades: Grades, roster: Roster) -> _Matched:
    who: list[list[str]] = [[] for _ in roster.rows]
    strangers: list[str] = []
    unclear: list[str] = []
    for student in grades.students:
        rows = roster.find(student.id, student.email, student.lms)
        if len(rows) == 1:
            who[rows[0]].append(student.id)
        else:
            (unclear if rows else strangers).append(student.id)
    unclear += [id for ids in who if len(ids) > 1 for id in ids]
    remarks = []
    if strangers:
        remarks.append(f"no row in {roster.path.name} for {some(strangers, 10)}")
    if unclear:
        remarks.append(
            f"without a score, because two rows or two students share an id: {some(sorted(unclear), 10)}"
        )
    return _Matched(tuple(ids[0] if len(ids) == 1 else None for ids in who), tuple(remarks))


def _listed(
    grades: Grades, roster: Roster | None, header: Sequence[str], cells: Callable[[Person], Sequence[str]]
) -> tuple[Roster, _Matched]:
    """The roster, and whose its rows are; where there is none, the students table as if it were one."""
    if roster is not None:
        return roster, _match(grades, roster)
    rows = tuple(tuple(cells(student)) for student in grades.students)
    known = {column: header.index(name) for column, name in _COLUMNS.items() if name in header}
    return Roster(Path(), tuple(header), rows, (), known), _Matched(tuple(s.id for s in grades.students), ())


_COLUMNS = {"first": "First name", "last": "Last name", "number": "ID number", "email": "Email address"}


def _need(roster: Roster, platform: str, *columns: str) -> None:
    missing = [column for column in columns if column not in (head.strip() for head in roster.header)]
    if missing:
        raise CourseError(
            f"{roster.path}: not {platform}'s export: the column {' and '.join(missing)} is missing"
        )


_NBGRADER = ("assignment", "duedate", "timestamp", "student_id", "last_name", "first_name", "email", "raw_score", "late_submission_penalty", "score", "max_score")  # fmt: skip


def csv_table(grades: Grades, roster: Roster | None) -> Table:
    """nbgrader's CSV, a row for each unit and student; with `auto_score` and `status`. Takes no roster."""
    if roster is not None:
        raise CourseError("csv needs no --roster: it is written from nbgrader's students table")
    rows: list[list[Cell]] = [
        [*_NBGRADER, "auto_score", "status"],
    ]
    for unit in grades.units:
        for student in grades.students:
            mark = grades.of(student.id, unit)
            who = [student.id, student.last, student.first, student.email]
            final = mark.state is State.GRADED
            points = [mark.raw, mark.penalty, mark.total] if final else [None, None, None]
            times = _time(unit.duedate), _time(mark.timestamp)
            rows.append([unit.name, *times, *who, *points, unit.max_score, mark.auto, mark.state])
    return Table(rows)


_CANVAS = ("Student", "LastName", "FirstName", "ID", "SIS User ID", "SIS Login ID", "Integration ID", "Root Account", "Section")  # fmt: skip


def canvas_table(grades: Grades, roster: Roster | None) -> Table:
    """Canvas's gradebook with our units as its columns: the roster's rows and ids, or what the students table knows."""
    if roster is not None:
        _need(roster, "Canvas", "ID", "Section")
    table, matched = _listed(
        grades,
        roster,
        ("Student", "ID", "SIS User ID", "SIS Login ID", "Section"),
        lambda student: (_sortable(student), student.lms, "", student.id, ""),
    )
    ids = [at for at, name in enumerate(table.header) if name in _CANVAS]
    remarks = list(matched.remarks)
    worth = list[Cell]()
    columns = _columns(table, [unit.name for unit in grades.units])
    for unit, at in zip(grades.units, columns, strict=True):
        possible = table.points[at].strip() if at is not None and table.points else ""
        # what Canvas says its assignment is worth stays as it is: another number here would be a change to import
        worth.append(_plain(possible) if any(map(str.isdigit, possible)) else unit.max_score)
        if at is None and roster is not None:
            remarks.append(f"Canvas has no column for {unit.name}: importing makes a new assignment")
        elif at is not None and points_of(possible) not in (None, unit.max_score):
            remarks.append(
                f"{table.header[at]} has {possible} points in Canvas, {number(unit.max_score)} here"
            )
    first: list[Cell] = [f"    {POINTS}" if at == ids[0] else "" for at in ids]
    (header, *rows), kept = _filled(grades, table, matched, ids, columns)
    return Table([header, [*first, *worth], *rows], (*remarks, *kept))


def _scores_or_theirs(
    grades: Grades, roster: Roster, matched: _Matched, columns: Sequence[int | None], none: Cell = None
) -> tuple[list[list[Cell]], list[str]]:
    """A cell for each row of the roster and each unit, whose column there `columns` gives: our score, else what the platform has,
    which an empty cell would take away, else `none`; and a remark with the count of what is kept."""
    table, kept = [], 0
    for row, student in zip(roster.rows, matched.students, strict=True):
        cells = _scores(grades, student)
        for unit, at in enumerate(columns):
            if cells[unit] is None:
                theirs = row[at].strip() if at is not None else ""
                kept += theirs not in ("", "-")
                cells[unit] = _plain(theirs) if theirs else none
        table.append(cells)
    return table, [f"{kept} without a score here keep what {roster.path.name} has"] if kept else []


def _plain(cell: str) -> Cell:
    """A cell of the platform's as it stands: text is quoted where it is a formula, a number is not."""
    return Verbatim(cell) if cell == "-" or points_of(cell) is not None else cell


def _filled(
    grades: Grades,
    roster: Roster,
    matched: _Matched,
    ids: Sequence[int],
    columns: Sequence[int | None],
    none: Cell = None,
) -> tuple[list[list[Cell]], list[str]]:
    """A table of the roster's columns `ids` and one for each unit, header first; and a remark about what is kept."""
    scores, kept = _scores_or_theirs(grades, roster, matched, columns, none)
    titles = [
        unit.name if at is None else roster.header[at] for unit, at in zip(grades.units, columns, strict=True)
    ]
    rows: list[list[Cell]] = [[*(roster.header[at] for at in ids), *titles]]
    rows += [[*(row[at] for at in ids), *cells] for row, cells in zip(roster.rows, scores, strict=True)]
    return rows, kept


def _columns(roster: Roster, titles: Sequence[str]) -> list[int | None]:
    """Where the units' scores stand in a roster; nowhere in the students table."""
    return [None if roster.path == Path() else _column(roster.header, title) for title in titles]


def _column(header: Sequence[str], unit: str) -> int | None:
    """Where Canvas's `Title (id)` of a unit stands, or Moodle's `Assignment: Title (Real)`; case, blanks and signs do not matter."""
    wanted = re.sub(r"[\W_]+", "", unit).casefold()
    titles = [re.sub(r"\s*\([^()]*\)$", "", name) for name in header]
    for prefix in ("", "[^:]*:"):
        plain = [re.sub(r"[\W_]+", "", re.sub(f"^{prefix}", "", title)).casefold() for title in titles]
        if plain.count(wanted) == 1:
            return plain.index(wanted)
    return None


def _sortable(student: Person) -> str:
    return ", ".join(part for part in (student.last, student.first) if part) or student.id


def _scores(grades: Grades, student: str | None) -> list[Cell]:
    return [grades.of(student, unit).score for unit in grades.units]


_MOODLE = ("first", "last", "name", "login", "number", "email")


def moodle_table(grades: Grades, roster: Roster | None) -> Table:
    """For Moodle's Grades > Import > CSV; or the assignment's grading worksheet filled in, where that is the roster."""
    if roster is not None and "participant" in roster.columns and "grade" in roster.columns:
        return _worksheet(grades, roster)
    if roster is not None and "participant" in roster.columns and roster.translated:
        raise CourseError(
            f"{roster.path}: its column of grades cannot be told; download the worksheet in English"
        )
    table, matched = _listed(grades, roster, [*_COLUMNS.values()], _contact)
    ids = [table.columns[name] for name in _MOODLE if name in table.columns]
    columns = _columns(table, [unit.name for unit in grades.units])
    rows, kept = _filled(grades, table, matched, ids, columns, Verbatim("-"))
    return Table(rows, (*matched.remarks, *kept))


def _contact(student: Person) -> Sequence[str]:
    return student.first, student.last, student.id, student.email


_WORKSHEET = frozenset(
    (
        *("identifier", "full name", "id number", "username", "email address", "status", "grade"),
        *("maximum grade", "grade can be changed", "last modified (submission)", "last modified (grade)"),
    )
)
"""What is kept of a grading worksheet. Feedback is not: an apostrophe before it would be a change to import."""


def _worksheet(grades: Grades, roster: Roster) -> Table:
    matched = _match(grades, roster)
    if len(grades.units) != 1:
        raise CourseError(f"{roster.path}: a grading worksheet is for one assignment; name one unit")
    unit, at = grades.units[0], roster.columns["grade"]
    maxima = {roster.cell(row, "maximum") for row in range(len(roster.rows))} - {""}
    remarks = [
        f"{unit.name} has at most {most} points in Moodle, {number(unit.max_score)} here"
        for most in sorted(maxima)
        if points_of(most) != unit.max_score
    ]
    scores, kept = _scores_or_theirs(grades, roster, matched, [at])
    ids = [where for where in range(len(roster.header)) if _goes_back(roster, where)]
    rows: list[list[Cell]] = [[roster.header[where] for where in ids]]
    for row, (score,) in zip(roster.rows, scores, strict=True):
        rows.append([score if where == at else _plain(row[where]) for where in ids])
    return Table(rows, (*matched.remarks, *remarks, *kept))


def _goes_back(roster: Roster, column: int) -> bool:
    """Whether a worksheet's column is kept: in another language each that need not be quoted."""
    if not roster.translated or column in roster.columns.values():
        return roster.translated or roster.header[column].casefold() in _WORKSHEET
    return not count_quoted([[_plain(row[column]) for row in roster.rows]])


def gradescope_table(grades: Grades, roster: Roster | None) -> Table:
    """The columns of Gradescope's 'Download Grades': of one assignment, or of a course where there are several units."""
    alone = len(grades.units) == 1
    if roster is not None and not {"number", "email"} & roster.columns.keys():
        raise CourseError(f"{roster.path}: not Gradescope's roster: a column SID or Email is missing")
    table, matched = _listed(grades, roster, [*_COLUMNS.values()], _contact)
    columns = _columns(table, ["Total Score" if alone else unit.name for unit in grades.units])
    table_scores, kept = _scores_or_theirs(grades, table, matched, columns)
    head: list[Cell] = ["First Name", "Last Name", "SID", "Email", "Sections"]
    late = "Lateness (H:M:S)"
    if alone:
        head += ["Total Score", "Max Points", "Status", "Submission Time", late]
    else:
        head += [
            f"{unit.name}{part}"
            for unit in grades.units
            for part in ("", " - Max Points", " - Submission Time", f" - {late}")
        ]
    rows = [head]
    for row, (student, scores) in enumerate(zip(matched.students, table_scores, strict=True)):
        first, last = table.cell(row, "first"), table.cell(row, "last")
        if not first + last:
            first, _, last = table.cell(row, "name").rpartition(" ")
        cells: list[Cell] = [first, last, *(table.cell(row, name) for name in ("number", "email", "section"))]
        for unit, score in zip(grades.units, scores, strict=True):
            mark = grades.of(student, unit)
            status = [_GRADESCOPE.get(mark.state, "Ungraded")] if alone else []
            times = [_time(mark.timestamp), "" if mark.state is State.ABSENT else _hours(mark.late)]
            cells += [score, unit.max_score, *status, *times]
        rows.append(cells)
    return Table(rows, (*matched.remarks, *kept))


_GRADESCOPE = {State.GRADED: "Graded", State.ABSENT: "Missing"}


def _time(time: datetime | None) -> str:
    return "" if time is None else f"{time:%Y-%m-%d %H:%M:%S} +0000"


def _hours(late: timedelta) -> str:
    seconds = int(late.total_seconds())
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
