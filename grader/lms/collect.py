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

A folder that only wraps one of these is taken off. Which student: identify.py, by the roster's numbers and names; without a roster the name
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
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, tzinfo
from pathlib import Path

from grader.engine.submission import (
    MAX_FILES,
    MAX_TOTAL,
    SECRET,
    TIMESTAMP,
    expected_file,
    notebook_name,
    parse_timestamp,
    read_submission,
)
from grader.errors import CourseError
from grader.lms.archive import Refused, open_source, safe_part
from grader.lms.downloads import Handed, by_student, form_of, is_junk, people_in
from grader.lms.hand_back import note_names
from grader.lms.identify import identify
from grader.lms.roster import Roster
from grader.source.course import Course
from grader.source.lock import disk_errors, hold
from grader.text import printable, some

MAX_CLASS = 16 * 2**30
_ARCHIVES = (".zip", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".7z", ".rar")
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
        entries, remarks = open_source(source, stack, _knows(roster) if roster else None)
        plain = [entry for entry in entries if not is_junk(entry.path)]
        form, entries, wrapped = form_of(plain, unit, names, source, roster)
        handed, nobodys = by_student(entries, form, unit, names, source, roster)
        students, skipped, notes = identify(handed, form, roster, course, unit)
        stack.enter_context(disk_errors(course))
        stack.enter_context(hold(course.state))
        remarks += wrapped + nobodys + notes
        return _take_in(course, unit, form, students, skipped, roster, remarks)


def _knows(roster: Roster) -> Callable[[str], bool]:
    """Whether a path in a download names somebody of the roster."""
    return lambda path: any(len(roster.called(name)) == 1 for name in people_in(path))


# ---------------------------------------------------------------------------------------------- taking in


def _take_in(
    course: Course,
    unit: str,
    form: str,
    students: list[Handed],
    skipped: list[tuple[str, str]],
    roster: Roster | None,
    remarks: list[str],
) -> Intake:
    """Write what is new or changed beside the submitted folder, then move it there."""
    for left in course.state.glob("intake-*"):  # by a run that was killed
        shutil.rmtree(left, ignore_errors=True)
    outcome: dict[str, list[str]] = {"new": [], "changed": [], "same": []}
    moves: list[tuple[Path, Path, Path]] = []
    taken, there = set[str](), list[Handed]()
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
                    files |= _timestamp(roster.cell(student.row, "handed in"), course.zone, student)
                what = _compare(course, student.id, unit, target, files)
            except Refused as reason:
                skipped.append((student.id, str(reason)))
            else:
                outcome[what].append(student.id)
                there.append(student)
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
    note_names(course, unit, form, there)
    new, changed, same = (tuple(ids) for ids in outcome.values())
    return Intake(unit, form, new, changed, same, tuple(skipped), tuple(remarks))


def _read(student: Handed, form: str, fold: Callable[[str], str]) -> dict[str, bytes]:
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
        if expected_file(name):
            student.remarks.append(f"{shown} left out: a folder where a file belongs")
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
            if notebook_name(name) and len(path) == 1:
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
    if any(path.exists() and not path.is_dir() for path in (target, *target.parents)):
        raise Refused("a file is where its folder belongs")
    if not target.exists():
        return "new"
    old = read_submission(target, unit)
    rest = dict(files)
    timestamp, secret = rest.pop(TIMESTAMP, b""), rest.pop(SECRET, b"")
    if (dict(old.files), old.secret) == (rest, secret) and timestamp in (b"", old.timestamp):
        return "same"
    then, this = (parse_timestamp(text, course.zone)[0] for text in (old.timestamp, timestamp))
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


def _timestamp(text: str, zone: tzinfo | None, student: Handed) -> dict[str, bytes]:
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
