"""Grade a class: submitted/ -> journal -> gradebook and autograded/.

Every step may be cut off at any point and given again. A result is in the journal before anything else hears of it; the
gradebook follows in one transaction a submission; the autograded notebooks come last and carry the key of the result that
they were made from. What a second run finds done, by content, it leaves as it is.
"""

from __future__ import annotations

import contextlib
import functools
import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa

from grader import batch, engine
from grader.autograded import Autograded, gradebook_entry, read_stamp, write_whole
from grader.batch import Progress, Task
from grader.course import Course, read_course
from grader.gradebook import Gradebook
from grader.journal import Journal, hold
from grader.notebook import Assignment, CourseError
from grader.result import Result, Status
from grader.submission import Submission, printable, read_submission

TIMESTAMP = "timestamp.txt"
"""nbgrader's file in a collected submission."""


@dataclass(frozen=True, slots=True)
class Row:
    """One submission in the summary of a class. `points` go by exercise, in the assignment's order.

    `score` is None and `points` empty where the status is not GRADED. `before` is the automatic score that the gradebook
    had; `key` finds the whole result in the journal.
    """

    student: str
    status: Status
    score: float | None
    max_score: float
    points: tuple[float, ...] = ()
    reason: str = ""
    incidents: tuple[str, ...] = ()
    before: float | None = None
    key: str = ""


@dataclass(frozen=True)
class ClassSummary:
    """What grading a class gave. `graded_now` counts the submissions that were run; the others were graded before."""

    unit: str
    exercises: tuple[str, ...]
    rows: tuple[Row, ...]
    graded_now: int
    warnings: tuple[str, ...]
    seconds: float

    def count(self, status: Status) -> int:
        """How many submissions have this status."""
        return sum(row.status is status for row in self.rows)


def grade_class(
    folder: Path,
    unit: str,
    *,
    workers: int | None = None,
    scheduler: str | None = None,
    students: Collection[str] | None = None,
    allow_unsandboxed: bool = False,
    progress: bool = True,
    db_url: str | None = None,
    limits: engine.Limits | None = None,
) -> ClassSummary:
    """Grade every submission of `unit` in the course at `folder`, or those of `students` only.

    workers: submissions graded at once on this machine; scheduler: address of a Dask scheduler to use instead.
    Raises CourseError, in one line, where the class cannot be graded at all; whatever a single submission does ends in its
    row. After KeyboardInterrupt, or any other end, the same call goes on from where it was.
    """
    start = time.monotonic()
    course = read_course(folder, db_url)
    assignment = course.assignment(unit)
    names = _chosen(course.students(unit), students, unit)
    limits = limits or engine.Limits()
    run_one = functools.partial(
        engine.grade, assignment=assignment, limits=limits, allow_unsandboxed=allow_unsandboxed
    )
    open_pool = (
        functools.partial(batch.cluster, scheduler)
        if scheduler
        else functools.partial(batch.local_pool, workers)
    )

    with _disk_errors(course), hold(course.state), contextlib.ExitStack() as stack:
        journal = stack.enter_context(contextlib.closing(Journal(course.state / f"{unit}.journal")))
        gradebook = stack.enter_context(contextlib.closing(Gradebook(course, assignment)))
        clerk = _Clerk(course, assignment, journal, gradebook)
        tasks = (_task(course, student, assignment, limits, journal) for student in names)
        bar = stack.enter_context(Progress(f"grading {unit}", len(names), show=progress))
        results = stack.enter_context(contextlib.closing(batch.run(tasks, run_one, open_pool)))
        try:
            for task, result in results:
                clerk.file(task, result)
                bar.advance()
        except KeyboardInterrupt:
            results.close()
            bar.say(
                f"stopped: {len(clerk.rows)} of {len(names)} are done; the same command goes on from here"
            )
            raise
    clerk.rows.sort(key=lambda row: row.student)
    exercises = tuple(exercise.name for exercise in assignment.exercises)
    return ClassSummary(
        unit, exercises, tuple(clerk.rows), clerk.graded_now, tuple(clerk.warnings), time.monotonic() - start
    )


def _task(
    course: Course, student: str, assignment: Assignment, limits: engine.Limits, journal: Journal
) -> Task:
    """What a student handed in, and its result where the journal has one that is not our own failure."""
    unit = assignment.unit
    folder = course.folder("submitted", student, unit)
    if course.is_link(student, unit):
        handed = Submission(unit, (), ("the submission's folder is a link, which is not followed",))
    else:
        handed = read_submission(folder, unit)
    submission, timestamp = without_timestamp(handed)
    key = engine.result_key(submission, assignment, limits)
    known = journal.get(key)
    if known is not None and known.status is Status.GRADER_FAILED:
        known = None
    return Task(student, submission, key, known, timestamp)


def without_timestamp(handed: Submission) -> tuple[Submission, bytes]:
    """What was handed in, and what its timestamp.txt says: when, which is no part of what is graded."""
    files = dict(handed.files)
    timestamp = files.pop(TIMESTAMP, b"")
    return replace(handed, files=tuple(files.items())), timestamp


class _Clerk:
    """Files one result after the other: journal, gradebook, autograded folder, row."""

    def __init__(
        self, course: Course, assignment: Assignment, journal: Journal, gradebook: Gradebook
    ) -> None:
        self._course, self._assignment = course, assignment
        self._journal, self._gradebook = journal, gradebook
        source = course.folder("source", ".", assignment.unit)
        self._autograded = Autograded(source, assignment, gradebook.released)
        self.rows: list[Row] = []
        self.graded_now = 0
        self.warnings: list[str] = []
        if gradebook.changed:
            cells = ", ".join(gradebook.changed)
            self.warnings.append(
                f"{assignment.unit}: changed since it was released, graded by what it says now: {cells}"
            )

    def file(self, task: Task, result: Result) -> None:
        """File the result of one submission. Raises CourseError or OSError where nothing can be written any more."""
        if task.known is None:
            self._journal.append(task.student, result)
            self.graded_now += 1
        folder = self._course.folder("autograded", task.student, self._assignment.unit)
        stamp = read_stamp(folder, self._assignment)
        done = stamp is not None and stamp.key == result.key
        try:
            made = None if done else self._autograded.make(task.submission, result)
        except Exception as error:  # a notebook that our own code stumbles over must not stop the class
            reason = f"no autograded notebook could be made ({type(error).__name__})"
            self._fail(task, result, reason)
            return
        timestamp, incidents = parse_timestamp(task.timestamp)
        entry = gradebook_entry(
            task.student,
            timestamp,
            self._assignment,
            result,
            made.untouched if made is not None else stamp.untouched if stamp is not None else (),
            resubmitted=stamp is None or stamp.submission != task.submission.digest,
        )
        try:
            before = self._gradebook.record(entry).before
        except (sa.exc.DataError, sa.exc.IntegrityError, UnicodeError) as error:
            what = str(getattr(error, "orig", error)).splitlines()[0]
            reason = f"the gradebook refuses this student ({what}); rename the folder"
            self._fail(task, result, reason)
            return
        if made is not None:
            made.write(folder)
        if task.timestamp and _content(folder / TIMESTAMP) != task.timestamp:
            write_whole(folder / TIMESTAMP, task.timestamp)
        self.rows.append(self._row(task, result, incidents, before))

    def _fail(self, task: Task, result: Result, reason: str) -> None:
        """A row that says that it is our failure; nothing else is written, and the next run tries again."""
        self.rows.append(
            self._row(task, replace(result, status=Status.GRADER_FAILED, reason=reason), (), None)
        )

    def _row(self, task: Task, result: Result, incidents: tuple[str, ...], before: float | None) -> Row:
        graded = result.status is Status.GRADED
        points = {
            (notebook.name, test.id): test.points for notebook in result.notebooks for test in notebook.tests
        }
        return Row(
            student=task.student.encode("utf-8", "backslashreplace").decode(),
            status=result.status,
            score=result.score if graded else None,
            max_score=self._assignment.max_points,
            points=tuple(
                sum(points.get((notebook.name, test.id), 0.0) for test in exercise.tests)
                for notebook in self._assignment.notebooks
                for exercise in notebook.exercises
            )
            if graded
            else (),
            reason=result.reason,
            incidents=(*result.incidents, *incidents),
            before=before,
            key=result.key,
        )


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


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None


def _chosen(all_students: list[str], students: Collection[str] | None, unit: str) -> list[str]:
    if not all_students:
        raise CourseError(f"no submissions of '{unit}': they belong into submitted/<student>/{unit}/")
    if students is None:
        return all_students
    unknown = sorted(set(students) - set(all_students))
    if unknown:
        raise CourseError(
            f"no submission of '{unit}' by {', '.join(unknown)}; {len(all_students)} others are there"
        )
    return sorted(set(students))


@contextlib.contextmanager
def _disk_errors(course: Course) -> Iterator[None]:
    """A full disk and the like, in one line."""
    try:
        yield
    except OSError as error:
        where = error.filename or course.root
        raise CourseError(
            f"{where}: {error.strerror or error}; nothing graded is lost: mend that, then give the same command again"
        ) from error
