"""Grade a class: submitted/ -> journal -> gradebook and autograded/.

Every step may be cut off at any point and given again. A result is in the journal before anything else hears of it; the
gradebook follows in one transaction a submission; the autograded notebooks come last and carry the key of the result that
they were made from. What a second run finds done, by content, it leaves as it is.

A key covers the whole unit, so an edited cell gives every submission a new one, and each different submission runs again. Finer keys
(a test, a notebook) would save little: nearly all of a submission's time is its own cells, which must run again before an edited test
can ask them anything. Taking the edit back runs nothing: the results under the old keys are still in the journal.
"""

from __future__ import annotations

import contextlib
import functools
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from grader.batch import executor
from grader.batch.executor import Task
from grader.build.unbuilt import unbuilt
from grader.engine import grade as engine
from grader.engine.result import Result, Status
from grader.engine.submission import (
    TIMESTAMP,
    Submission,
    parse_timestamp,
    read_submission,
    without_timestamp,
)
from grader.errors import CourseError
from grader.files import IN_THE_WAY, write_whole
from grader.progress import Progress
from grader.record.autograded import Autograded, grading, read_stamp
from grader.record.edits import edits, snapshot
from grader.record.gradebook import Gradebook
from grader.record.journal import Journal, Move, final_score, moved_tests
from grader.sandbox import linux
from grader.sandbox.limits import Limits
from grader.source.course import EXTENSIONS, Course, chosen, read_course, read_extensions
from grader.source.lock import disk_errors, hold
from grader.source.notebook import Assignment
from grader.text import some


@dataclass(frozen=True, slots=True)
class ClassRow:
    """One submission in the summary of a class. `points` go by exercise, in the assignment's order.

    `score` is None and `points` empty where the status is not GRADED. `before` is the automatic score that the gradebook
    had; `penalty` is what the late policy takes off; `key` finds the whole result in the journal.
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
    penalty: float = 0.0


@dataclass(frozen=True)
class ClassSummary:
    """What grading a class gave. `graded_now` counts the submissions that were run; the others were graded before.

    `moves` has those whose outcome is another than when they were graded last.
    """

    unit: str
    exercises: tuple[str, ...]
    rows: tuple[ClassRow, ...]
    graded_now: int
    warnings: tuple[str, ...]
    seconds: float
    moves: tuple[Move, ...] = ()

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
    limits: Limits | None = None,
    say: Callable[[str], None] = lambda line: None,
) -> ClassSummary:
    """Grade every submission of `unit` in the course at `folder`, or those of `students` only.

    workers: submissions graded at once on this machine; scheduler: address of a Dask scheduler to use instead;
    say: gets each warning, a line, before anything is graded.
    Raises CourseError, in one line, where the class cannot be graded at all; whatever a single submission does ends in its
    row. After KeyboardInterrupt, or any other end, the same call goes on from where it was.
    """
    start = time.monotonic()
    course = read_course(folder, db_url)
    assignment = course.assignment(unit)
    names = chosen(course.students(unit), students, unit)
    if not allow_unsandboxed and (readable := linux.in_sight(course.private)):
        raise CourseError(readable)
    limits = limits or Limits()
    run_one = functools.partial(
        engine.grade, assignment=assignment, limits=limits, allow_unsandboxed=allow_unsandboxed
    )
    open_pool = (
        functools.partial(executor.cluster, scheduler)
        if scheduler
        else functools.partial(executor.local_pool, workers)
    )

    with disk_errors(course), hold(course.state), contextlib.ExitStack() as stack:
        heed = stack.enter_context(executor.interrupts_held())
        journal = stack.enter_context(contextlib.closing(Journal(course.state)))
        gradebook = stack.enter_context(contextlib.closing(Gradebook(course, assignment)))
        clerk = _Clerk(course, assignment, journal, gradebook)
        warnings = (
            *_notices(course, assignment, journal, gradebook),
            *_extensions(clerk.extensions, gradebook, course, unit),
        )
        for warning in warnings:
            say(warning)
        tasks = (_task(course, student, assignment, limits, journal) for student in names)
        bar = stack.enter_context(Progress(f"grading {unit}", len(names), show=progress))
        results = stack.enter_context(contextlib.closing(executor.run(tasks, run_one, open_pool, heed)))
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
        unit,
        exercises,
        tuple(clerk.rows),
        clerk.graded_now,
        warnings,
        time.monotonic() - start,
        tuple(sorted(clerk.moves, key=lambda move: move.student)),
    )


def _notices(course: Course, assignment: Assignment, journal: Journal, gradebook: Gradebook) -> list[str]:
    """What was taken over, and what differs between the unit as it was released and as it will be graded, in a sentence each."""
    unit, release = assignment.unit, journal.released(assignment.unit)
    lines = []
    if journal.taken_over:
        lines.append(
            f"{journal.taken_over} results of an earlier version of the grader were taken over into {journal.path}; what was graded by "
            "another version is graded again, and whose score moves is said"
        )
    lines += [
        f"{source} was edited since its notebook was built, and grading goes by the notebook: run `grader build {unit}` first"
        for source in unbuilt(course, unit)
    ]
    if release and (since := edits(release.snapshot, snapshot(assignment))):
        lines.append(
            f"{unit} was edited since it was released ({release.released[:10]}): {', '.join(map(str, since))}. Submissions are graded "
            f"by what it says now; students keep what was released until `grader release {unit}` makes a new version"
        )
    elif gradebook.changed:
        lines.append(
            f"{unit} was edited since the gradebook recorded it: {', '.join(gradebook.changed)}. Submissions are graded by what it says now"
        )
    return lines


def _extensions(extensions: Collection[str], gradebook: Gradebook, course: Course, unit: str) -> list[str]:
    """What in extensions.csv will have no effect."""
    if extensions and gradebook.duedate is None:
        return [f"{EXTENSIONS}: {unit} has no due date in the gradebook, so extra time has no effect"]
    absent = sorted({*extensions} - {*course.students(unit)})
    return [f"{EXTENSIONS}: nothing was handed in by {some(absent, 5)}"] if absent else []


def _task(course: Course, student: str, assignment: Assignment, limits: Limits, journal: Journal) -> Task:
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


class _Clerk:
    """Files one result after the other: journal, gradebook, autograded folder, row."""

    def __init__(
        self, course: Course, assignment: Assignment, journal: Journal, gradebook: Gradebook
    ) -> None:
        self._course, self._assignment = course, assignment
        self._journal, self._gradebook = journal, gradebook
        source = course.folder("source", ".", assignment.unit)
        self._autograded = Autograded(source, assignment, gradebook.released)
        self.rows: list[ClassRow] = []
        self.graded_now = 0
        self.moves: list[Move] = []
        self._snapshot = snapshot(assignment)
        self.extensions = read_extensions(course.root, assignment.unit)

    def file(self, task: Task, result: Result) -> None:
        """File the result of one submission. Raises CourseError or OSError where nothing can be written any more."""
        folder = self._course.folder("autograded", task.student, self._assignment.unit)
        stamp = read_stamp(folder, self._assignment)
        done = stamp is not None and (stamp.key, stamp.status) == (result.key, result.status)
        old = None if stamp is None or done else self._journal.get(stamp.key)
        if task.known is None:
            self._journal.append(task.student, result, self._snapshot)
            self.graded_now += 1
        try:
            made = None if done else self._autograded.make(task.submission, result)
        except Exception as error:  # a notebook that our own code stumbles over must not stop the class
            reason = f"no autograded notebook could be made ({type(error).__name__})"
            self._fail(task, result, reason)
            return
        resubmitted = stamp is None or stamp.submission != task.submission.digest
        if old is not None:
            self._note_move(task, old, result, resubmitted=resubmitted)
        timestamp, incidents = parse_timestamp(task.timestamp)
        scores = grading(
            task.student,
            timestamp,
            self._assignment,
            result,
            made.untouched if made is not None else stamp.untouched if stamp is not None else (),
            resubmitted=resubmitted,
            extension=self.extensions.get(task.student),
        )
        try:
            recorded = self._gradebook.record(scores)
        except (sa.exc.DataError, sa.exc.IntegrityError, UnicodeError) as error:
            what = str(getattr(error, "orig", error)).splitlines()[0]
            reason = f"the gradebook refuses this student ({what}); rename the folder"
            self._fail(task, result, reason)
            return
        try:
            if made is not None:
                made.write(folder)
            if task.timestamp:
                write_whole(folder / TIMESTAMP, task.timestamp)
        except IN_THE_WAY as error:
            reason = f"something else lies where {error.filename2 or error.filename} belongs: move it away"
            self._fail(task, result, reason)
            return
        row = self._row(task, result, incidents)
        self.rows.append(replace(row, before=_one(recorded.before), penalty=_one(recorded.penalty)))

    def _fail(self, task: Task, result: Result, reason: str) -> None:
        """A row that says that it is our failure; nothing else is written, and the next run tries again."""
        self.rows.append(self._row(task, replace(result, status=Status.GRADER_FAILED, reason=reason)))

    def _note_move(self, task: Task, old: Result, new: Result, *, resubmitted: bool) -> None:
        """Keep what differs from the result that the autograded folder was made from."""
        tests = moved_tests(old, new)
        if not tests and old.status is new.status:
            return
        then = self._journal.snapshot(old.key)
        edited = [edit.where for edit in edits(then, self._snapshot) if edit.decides] if then else []
        why = ["handed in again"] if resubmitted else []
        why += [f"edited: {', '.join(dict.fromkeys(edited))}"] if edited else []
        other = "another version of the grader, its limits or the unit's bank"
        move = Move(
            _printable_id(task.student),
            final_score(old),
            final_score(new),
            new.status,
            "; ".join(why) or other,
            tests,
        )
        self._journal.append_move(self._assignment.unit, move, old, new)
        self.moves.append(move)

    def _row(self, task: Task, result: Result, incidents: tuple[str, ...] = ()) -> ClassRow:
        return ClassRow(
            student=_printable_id(task.student),
            status=result.status,
            score=_one(final_score(result)),
            max_score=_one(self._assignment.max_points),
            points=_one(self._points(result)),
            reason=result.reason,
            incidents=(*result.incidents, *incidents),
            key=result.key,
        )

    def _points(self, result: Result) -> tuple[float, ...]:
        if result.status is not Status.GRADED:
            return ()
        points = {key: test.points for key, test in result.tests.items()}
        return tuple(
            sum((points.get((notebook.name, test.id), 0.0) for test in exercise.tests), 0.0)
            for notebook in self._assignment.notebooks
            for exercise in notebook.exercises
        )


def _printable_id(student: str) -> str:
    return student if student.isascii() else student.encode("utf-8", "backslashreplace").decode()


@functools.lru_cache(maxsize=1000, typed=True)
def _one(value: Any) -> Any:
    """Equal values as one object: a class of 5,000 has few different scores, and every row stays in memory."""
    return value
