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
import itertools
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

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
)
from grader.errors import CourseError
from grader.files import IN_THE_WAY, write_whole
from grader.progress import Progress
from grader.record import own
from grader.record.autograded import Autograded, grading, read_stamp
from grader.record.edits import edits, snapshot
from grader.record.gradebook import Gradebook
from grader.record.journal import Journal, Move, final_score, moved_tests
from grader.sandbox import linux
from grader.sandbox.limits import Limits
from grader.source.course import EXTENSIONS, Course, chosen, read_course, read_extensions
from grader.source.lock import disk_errors, hold
from grader.source.notebook import Assignment
from grader.text import encodable, some

_SOLUTION, _UNTOUCHED = "/solution", "/untouched"
"""In place of a student's name, which holds no slash: the unit's own versions."""


@dataclass(frozen=True, slots=True)
class ClassRow:
    """One submission in the summary of a class. `points` go by exercise, in the assignment's order.

    `score` is None and `points` empty where the status is not GRADED. `before` is the automatic score that the gradebook
    had; `penalty` is what the late policy takes off; `total` is what is exported, of `max_total`: the gradebook's points, a person's
    among them, less the penalty; None where a person must still grade. `key` finds the whole result in the journal.
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
    total: float | None = None
    max_total: float = 0.0


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


@dataclass(frozen=True)
class Options:
    """How a class is graded.

    students: only these; workers: submissions graded at once on this machine, one for each processor by default; scheduler:
    address of a Dask scheduler to use instead; without: tests that a person grades; say: gets each warning, a line, before
    any result is filed.
    """

    students: Collection[str] | None = None
    workers: int | None = None
    scheduler: str | None = None
    limits: Limits = field(default_factory=Limits)
    allow_unsandboxed: bool = False
    db_url: str | None = None
    progress: bool = True
    without: Collection[str] = ()
    say: Callable[[str], None] = lambda line: None


def grade_class(folder: Path, unit: str, options: Options = Options()) -> ClassSummary:
    """Grade every submission of `unit` in the course at `folder`.

    Raises CourseError, in one line, where the class cannot be graded at all; whatever a single submission does ends in its
    row. After KeyboardInterrupt, or any other end, the same call goes on from where it was.
    """
    start = time.monotonic()
    course = read_course(folder, options.db_url)
    assignment = own.left_to_a_person(course.assignment(unit), options.without)
    names = chosen(course.students(unit), options.students, unit)
    if not options.allow_unsandboxed and (readable := linux.in_sight(course.private)):
        raise CourseError(readable)
    grade_one = functools.partial(
        engine.grade,
        assignment=assignment,
        limits=options.limits,
        allow_unsandboxed=options.allow_unsandboxed,
    )

    def open_pool() -> contextlib.AbstractContextManager[executor.Pool]:
        if options.scheduler:
            return executor.cluster(options.scheduler)
        return executor.local_pool(options.workers)

    with disk_errors(course), hold(course.state), contextlib.ExitStack() as stack:
        heed = stack.enter_context(executor.interrupts_held())
        journal = stack.enter_context(contextlib.closing(Journal(course.state)))
        gradebook = stack.enter_context(contextlib.closing(Gradebook(course, assignment)))
        clerk = _Clerk(course, assignment, journal, gradebook)
        warnings = list[str]()

        def say(lines: Iterable[str]) -> None:
            for line in lines:
                options.say(line)
                warnings.append(line)

        say(clerk.warnings())
        own_tasks = clerk.own_tasks(options.limits)
        tasks = (clerk.task(student, options.limits) for student in names)
        run = executor.run(itertools.chain(own_tasks, tasks), grade_one, open_pool, heed)
        results = stack.enter_context(contextlib.closing(run))
        say(clerk.own_versions(results))
        bar = stack.enter_context(Progress(f"grading {unit}", len(names), show=options.progress))
        try:
            for task, result in itertools.chain(clerk.early, results):
                clerk.file(task, result)
                bar.advance()
        except KeyboardInterrupt:
            results.close()
            bar.say(
                f"stopped: {len(clerk.rows)} of {len(names)} are done; the same command goes on from here"
            )
            raise
    return ClassSummary(
        unit,
        tuple(exercise.name for exercise in assignment.exercises),
        tuple(sorted(clerk.rows, key=lambda row: row.student)),
        clerk.graded_now,
        tuple(warnings),
        time.monotonic() - start,
        tuple(sorted(clerk.moves, key=lambda move: move.student)),
    )


class _NotFiled(Exception):
    """Why the result of one submission could not be written down, in words for its row; the next run tries again."""


class _Clerk:
    """Looks a submission's result up before it is graded, and files it afterwards: journal, gradebook, autograded folder, row."""

    def __init__(
        self, course: Course, assignment: Assignment, journal: Journal, gradebook: Gradebook
    ) -> None:
        self._course, self._assignment = course, assignment
        self._journal, self._gradebook = journal, gradebook
        self._autograded = Autograded(course, assignment, gradebook.released)
        self._snapshot = snapshot(assignment)
        self._extensions = read_extensions(course.root, assignment.unit)
        self.rows: list[ClassRow] = []
        self.moves: list[Move] = []
        self.early: list[tuple[Task, Result]] = []
        self.graded_now = 0

    def warnings(self) -> tuple[str, ...]:
        """What differs between the unit as it was released and as it will be graded, what was taken over, and what in
        extensions.csv has no effect: a sentence each."""
        unit, lines = self._assignment.unit, list[str]()
        release = self._journal.released(unit)
        if self._journal.taken_over:
            lines.append(
                f"{self._journal.taken_over} results of an earlier version of the grader were taken over into {self._journal.path}; "
                "what was graded by another version is graded again, and whose score moves is said"
            )
        lines += [
            f"{source} was edited since its notebook was built, and grading goes by the notebook: run `grader build {unit}` first"
            for source in unbuilt(self._course, unit)
        ]
        if release and (since := edits(release.snapshot, self._snapshot)):
            lines.append(
                f"{unit} was edited since it was released ({release.released[:10]}): {', '.join(map(str, since))}. Submissions are "
                f"graded by what it says now; students keep what was released until `grader release {unit}` makes a new version"
            )
        elif changed := self._gradebook.changed:
            lines.append(
                f"{unit} was edited since the gradebook recorded it: {', '.join(changed)}. Submissions are graded by what it says now"
            )
        absent = sorted({*self._extensions} - {*self._course.students(unit)})
        if self._extensions and self._gradebook.duedate is None:
            lines.append(
                f"{EXTENSIONS}: {unit} has no due date in the gradebook, so extra time has no effect"
            )
        elif absent:
            lines.append(f"{EXTENSIONS}: nothing was handed in by {some(absent, 5)}")
        return tuple(lines)

    def own_tasks(self, limits: Limits) -> Iterator[Task]:
        """The unit's own solution and an untouched notebook, each graded once per key."""
        source = self._course.source(self._assignment.unit), self._assignment, self._course.conventions
        for name, version in (
            (_SOLUTION, own.solution(*source)),
            (_UNTOUCHED, own.untouched(*source, self._gradebook.released)),
        ):
            key = engine.result_key(version, self._assignment, limits)
            yield Task(name, version, key, self._journal.own(key))

    def own_versions(self, results: Iterator[tuple[Task, Result]]) -> Iterator[str]:
        """What the unit's tests say of its own two versions: a sentence for each test that is wrong about one. Raises CourseError
        after those where the solution does not pass. Students' results that come before are `early`: they are filed after this."""
        found = dict[str, Result]()
        while len(found) < 2:
            task, result = next(results)
            if task.student in (_SOLUTION, _UNTOUCHED):
                found[task.student] = result
            else:
                self.early.append((task, result))
        solution, untouched = found[_SOLUTION], found[_UNTOUCHED]
        unit, failing = self._assignment.unit, own.failures(solution)
        yield from own.complaints(failing, () if failing else own.passed(untouched))
        if failing:  # tried again the next time
            raise CourseError(
                f"{unit}: nothing was graded, because its own solution does not pass {some([*failing])}: mend that, or let the tests run in "
                f"the student's process (`grader release {unit} --in-process`), or leave them to a person by --without "
                f"{' --without '.join(failing)}"
            )
        for result in (solution, untouched):
            self._journal.append_own(result)

    def task(self, student: str, limits: Limits) -> Task:
        """What a student handed in, and its result where the journal has one that is not our own failure."""
        unit = self._assignment.unit
        if self._course.is_link(student, unit):
            submission = Submission(unit, (), ("the submission's folder is a link, which is not followed",))
        else:
            submission = read_submission(self._course.folder("submitted", student, unit), unit)
        key = engine.result_key(submission, self._assignment, limits)
        result = self._journal.get(key)
        if result is not None and result.status is Status.GRADER_FAILED:
            result = None
        return Task(student, submission, key, result)

    def file(self, task: Task, result: Result) -> None:
        """File the result of one submission. Raises CourseError or OSError where nothing can be written any more."""
        try:
            row = self._filed(task, result)
        except _NotFiled as error:
            row = self._row(task.student, replace(result, status=Status.GRADER_FAILED, reason=str(error)))
        self.rows.append(row)

    def _filed(self, task: Task, result: Result) -> ClassRow:
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
            raise _NotFiled(f"no autograded notebook could be made ({type(error).__name__})") from error
        resubmitted = stamp is None or stamp.submission != task.submission.digest
        if old is not None:
            self._note_move(task.student, old, result, resubmitted=resubmitted)
        handed_in, remarks = parse_timestamp(task.submission.timestamp, self._course.zone)
        origin = made or stamp
        scores = grading(
            task.student,
            handed_in,
            self._assignment,
            result,
            origin.untouched if origin else (),
            resubmitted=resubmitted,
            extension=self._extensions.get(task.student),
        )
        try:
            recorded = self._gradebook.record(replace(scores, garbled=bool(remarks)))
        except (sa.exc.DataError, sa.exc.IntegrityError, UnicodeError) as error:
            reason = str(getattr(error, "orig", error)).splitlines()[0]
            raise _NotFiled(f"the gradebook refuses this student ({reason}); rename the folder") from error
        try:
            if made is not None:
                made.write(folder)
            if task.submission.timestamp:
                write_whole(folder / TIMESTAMP, task.submission.timestamp)
        except IN_THE_WAY as error:
            place = error.filename2 or error.filename
            raise _NotFiled(f"something else lies where {place} belongs: move it away") from error
        row = self._row(task.student, result)
        return replace(
            row,
            incidents=(*row.incidents, *remarks),
            before=recorded.before,
            penalty=recorded.penalty,
            total=recorded.total,
            max_total=self._gradebook.max_score,
        )

    def _note_move(self, student: str, old: Result, new: Result, *, resubmitted: bool) -> None:
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
            encodable(student),
            final_score(old),
            final_score(new),
            new.status,
            "; ".join(why) or other,
            tests,
        )
        self._journal.append_move(self._assignment.unit, move, old, new)
        self.moves.append(move)

    def _row(self, student: str, result: Result) -> ClassRow:
        return ClassRow(
            student=encodable(student),
            status=result.status,
            score=final_score(result),
            max_score=self._assignment.max_points,
            points=self._points(result),
            reason=result.reason,
            incidents=(*result.incidents, *filter(None, [result.in_process])),
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
