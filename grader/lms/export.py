"""Grades out of nbgrader's gradebook: four nbgrader export plug-ins, and `grader export`.

    nbgrader export --exporter grader.lms.export.CanvasExport --to grades.csv --CanvasExport.roster=roster.csv

A score is exported only when it is final (record/grades.py): what could not be graded, or waits for a person, is left empty and
counted, never 0. The forms are in grade_files.py, the platforms' class lists in roster.py.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from nbgrader import api
from nbgrader.plugins import ExportPlugin
from traitlets import Bool, Unicode

from grader.errors import CourseError
from grader.files import write_whole
from grader.lms.grade_files import (
    Table,
    canvas_table,
    count_quoted,
    csv_table,
    gradescope_table,
    moodle_table,
    to_csv,
)
from grader.lms.roster import Roster, read_roster
from grader.record.grades import Grades, State, gather
from grader.record.schema import opened
from grader.source.course import Course, read_course


@dataclass(frozen=True)
class Exported:
    """What an export wrote: the file, how many scores stand in it and how many places were left empty and why; `line` says it all."""

    path: Path
    units: tuple[str, ...]
    counts: dict[str, int]
    line: str


class LmsExport(ExportPlugin):
    """What the four have in common: gather, lay out, write, say in one line what was left empty."""

    roster = Unicode("", help="CSV file that the platform exported, with its ids and names").tag(config=True)
    bom = Bool(False, help="begin the file with a byte-order mark, for Excel").tag(config=True)
    name = ""
    layout: Callable[[Grades, Roster | None], Table]
    counts: dict[State, int]  # how many of the class are in each state
    summary = ""

    def export(self, gradebook: api.Gradebook) -> None:
        """Write `self.to`. Raises CourseError, with what was there as it was; within nbgrader's command, ends it in one line."""
        try:
            self._export(gradebook)
        except CourseError as error:
            if not hasattr(self.parent, "fail"):
                raise
            self.parent.fail(str(error))

    def _export(self, gradebook: api.Gradebook) -> None:
        target = Path(self.to or _file_name("", self.name))
        roster = read_roster(Path(self.roster)) if self.roster else None
        database = gradebook.engine.url.database
        _spare(target, [Path(self.roster)] if self.roster else [], database)
        units, students = ([str(name) for name in names] for names in (self.assignment, self.student))
        self.grades = gather(gradebook.db.connection(), units, students)
        table = type(self).layout(self.grades, roster)
        try:
            write_whole(target, to_csv(table.rows, bom=self.bom))
        except OSError as error:
            raise CourseError(f"{target}: {error.strerror}; name another file with --out") from error
        self.counts = _counts(self.grades)
        self.summary = f"{target}: {_summary(self.counts, table)}"
        self.log.info(self.summary)


class CsvExport(LmsExport):
    """nbgrader's own columns, safe to open, with nothing that is not final."""

    name = "csv"
    layout = staticmethod(csv_table)


class CanvasExport(LmsExport):
    """For Canvas: Grades > Import."""

    name = "canvas"
    layout = staticmethod(canvas_table)


class MoodleExport(LmsExport):
    """For Moodle: Grades > Import > CSV file, or an assignment's 'Upload grading worksheet'."""

    name = "moodle"
    layout = staticmethod(moodle_table)


class GradescopeExport(LmsExport):
    """In the form of Gradescope's own grades file."""

    name = "gradescope"
    layout = staticmethod(gradescope_table)


EXPORTERS = {plugin.name: plugin for plugin in (CanvasExport, MoodleExport, GradescopeExport, CsvExport)}


def _file_name(unit: str, name: str) -> str:
    return (
        "_".join(part for part in ("grades", unit, name if name != CsvExport.name else "") if part) + ".csv"
    )


def _spare(target: Path, inputs: Iterable[Path], database: str | None) -> None:
    """Refuse to write over what is read, or over anything that is no CSV file."""
    read = [*inputs, *([Path(database)] if database and not database.startswith((":", "file:")) else [])]
    if not target.exists():
        return
    if any(path.exists() and os.path.samefile(path, target) for path in read):
        raise CourseError(f"{target} is read, so it is not written over; name another file with --out")
    if target.is_dir() or target.suffix.lower() != ".csv":
        raise CourseError(f"{target} is there and no .csv file; name another file with --out")


def _counts(grades: Grades) -> dict[State, int]:
    """How many of the class are in each state."""
    states = [grades.of(student.id, unit).state for unit in grades.units for student in grades.students]
    return {state: states.count(state) for state in State}


def _summary(count: dict[State, int], table: Table) -> str:
    empty = [
        f"{count[state]} {words}"
        for state, words in (
            (State.WAITS, "waiting for manual grading"),
            (State.UNGRADED, "that could not be graded"),
            (State.ABSENT, "without a submission"),
        )
        if count[state]
    ]
    quoted = count_quoted(table.rows)
    parts = [f"{count[State.GRADED]} scores", f"left empty: {', '.join(empty)}" if empty else ""]
    parts += [f"{quoted} cells that look like formulas begin with an apostrophe" if quoted else ""]
    return "; ".join(part for part in (*parts, *table.remarks) if part)


# ------------------------------------------------------------------------------------------------- command


def export_grades(
    folder: Path,
    units: Collection[str] = (),
    *,
    to: str,
    out: Path | None = None,
    roster: Path | None = None,
    db_url: str | None = None,
    bom: bool = False,
) -> Exported:
    """Export `units` (all in the gradebook by default) of the course at `folder`.

    `out` is grades_<unit>_<platform>.csv in the course's folder by default; grades_<unit>.csv for a plain CSV.
    Raises CourseError.
    """
    if to not in EXPORTERS:
        raise CourseError(f"no export to '{to}'; there are {', '.join(EXPORTERS)}")
    course = read_course(folder, db_url)
    unit = next(iter(units)) if len(units) == 1 else ""
    plugin = EXPORTERS[to]()
    plugin.to = str(out if out is not None else course.root / _file_name(unit, to))
    plugin.roster = str(roster or "")
    plugin.assignment, plugin.bom = list(units), bom
    with _opened(course) as gradebook:
        plugin.export(gradebook)
    known = plugin.grades.submissions
    new = sum((student, unit) not in known for unit in units for student in course.students(unit))
    more = f"; {new} in submitted/ are not in the gradebook yet: run `grader grade` first" if new else ""
    counts = {str(state): count for state, count in plugin.counts.items()}
    names = tuple(unit.name for unit in plugin.grades.units)
    return Exported(Path(plugin.to), names, counts, plugin.summary + more)


@contextlib.contextmanager
def _opened(course: Course) -> Iterator[api.Gradebook]:
    """nbgrader's gradebook, opened only where there is one of the right schema (nbgrader would add its tables to any other), with
    its mishaps in one line."""
    with opened(course.db_url) as db:
        db.close()  # nothing of ours is to hold a lock while nbgrader reads
        with api.Gradebook(course.db_url, course.course_id) as gradebook:
            yield gradebook
