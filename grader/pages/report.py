"""The class report: one page for the instructor, from the journal (what tests said) and the gradebook (what people said).

read_outcomes -> one Outcome a submission -> summarise -> ClassReport -> render (templates/report.html)
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from grader.engine.result import Result, Status, Verdict
from grader.engine.submission import TIMESTAMP, parse_timestamp
from grader.errors import CourseError
from grader.files import write_whole
from grader.pages import html
from grader.pages import statistics as stats
from grader.progress import Progress
from grader.record.autograded import read_stamp
from grader.record.grades import CellId, SubmissionGrades, read_grades
from grader.record.journal import Journal
from grader.source.bank import WrongAnswer
from grader.source.course import Course, read_course
from grader.source.lock import disk_errors, hold
from grader.source.notebook import Assignment, Cell
from grader.source.outline import Part, check_title, notebook_title, outline
from grader.text import printable

NOT_YET = "not graded yet"
"""Status of a submission that is there and has no result."""
SIGNALS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("ran out of time", re.compile(r"\btimeout\b|no answer within|used up|processor time")),
    ("ended or was killed", re.compile(r"\bcrashed\b|MiB of memory|process ended|started again")),
    ("sent something that is no answer", re.compile(r"\bunreadable\b")),
    (
        "has files that were left out, or under other names",
        re.compile(r"left out|taken for|found|cannot be read"),
    ),
)
OTHER_SIGNAL = "other remarks"


@dataclass(frozen=True, slots=True)
class Score:
    """One test cell of one submission."""

    points: float
    max_points: float
    verdict: Verdict
    public: bool


@dataclass(frozen=True, slots=True)
class Outcome:
    """One submission, in what the report needs of it. `tests` is empty where `status` is not "graded"."""

    student: str
    name: str
    status: str
    reason: str = ""
    tests: Mapping[CellId, Score] = field(default_factory=dict)
    untouched: frozenset[CellId] = frozenset()
    named: tuple[tuple[str, str], ...] = ()
    incidents: tuple[str, ...] = ()
    seconds: float = 0.0
    sandbox: str = ""
    by_hand: Mapping[CellId, float | None] = field(default_factory=dict)  # written questions
    total: float | None = None  # in the gradebook, after penalties
    penalty: float = 0.0
    waits: bool = False


@dataclass(frozen=True)
class Item:
    """An exercise or a test cell, over the graded submissions. Losses are points on average; mean + losses = points."""

    id: str
    notebook: str
    title: str
    points: float
    mean: float | None
    passed: float | None  # share with full points
    discrimination: float | None
    lost_visible: float
    lost_hidden: float
    left_open: float | None = None  # share of answers as they were given out
    tests: tuple[Item, ...] = ()


@dataclass(frozen=True)
class Written:
    """A written question, over those who have points for it."""

    id: str
    title: str
    points: float
    n: int
    mean: float | None


@dataclass(frozen=True)
class Named:
    """A misconception of the bank: how many submissions show it, of how many that lost points in its exercise."""

    exercise: str
    name: str
    count: int
    of: int
    says: str
    see: str


@dataclass(frozen=True)
class Signal:
    """A kind of incident and how many submissions have it."""

    what: str
    count: int


@dataclass(frozen=True)
class Row:
    """One submission. `points` go by exercise, None where it has no score; `score` is their sum, `total` the gradebook's."""

    student: str
    name: str
    status: str
    reason: str
    points: tuple[float | None, ...]
    score: float | None
    total: float | None
    penalty: float
    waits: bool
    misconceptions: tuple[str, ...]
    incidents: tuple[str, ...]
    seconds: float | None


@dataclass(frozen=True)
class ClassReport:
    """Everything that the page says, as plain data."""

    unit: str
    title: str
    max_points: float  # of tests
    max_total: float  # with written questions
    submissions: int
    graded: int
    exercises: tuple[Item, ...]
    written: tuple[Written, ...]
    score: stats.Spread | None
    score_bins: tuple[stats.Bin, ...]
    total: stats.Spread | None  # of the submissions that nobody has to look at any more
    waiting: int
    late: int
    misconceptions: tuple[Named, ...]
    seconds: stats.Spread | None
    second_bins: tuple[stats.Bin, ...]
    signals: tuple[Signal, ...]
    sandboxes: tuple[Signal, ...]
    students: tuple[Row, ...]
    anonymous: bool = False

    @property
    def failed(self) -> tuple[Row, ...]:
        """Those that have no score."""
        return tuple(row for row in self.students if row.status != Status.GRADED)

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def write_report(
    folder: Path,
    unit: str,
    *,
    out: Path | None = None,
    anonymous: bool = False,
    db_url: str | None = None,
    progress: bool = True,
) -> tuple[Path, ClassReport]:
    """Write the report of a unit to `out` (reports/<unit>.html in the course by default); return where, and what it says.

    Raises CourseError where the course cannot be read, nothing was handed in, or the file cannot be written.
    """
    course = read_course(folder, db_url)
    assignment = course.assignment(unit)
    path = out or course.root / "reports" / f"{unit}.html"
    with disk_errors(course), hold(course.state):
        outcomes = list(read_outcomes(course, assignment, progress=progress))
        if anonymous:
            outcomes = without_names(outcomes, _secret(course.state / "anonymous.key"))
    if not outcomes:
        raise CourseError(f"no submissions of '{unit}': they belong into submitted/<student>/{unit}/")
    report = replace(summarise(assignment, outcomes, assignment.misconceptions), anonymous=anonymous)
    try:
        write_whole(path, render(report).encode())
    except OSError as error:
        where = error.filename or path
        raise CourseError(f"{where}: {error.strerror or error}; name another file with --out") from error
    return path, report


def read_outcomes(course: Course, assignment: Assignment, *, progress: bool = True) -> Iterator[Outcome]:
    """Each submission, in the order of ids. Hold the course meanwhile."""
    unit = assignment.unit
    students = course.students(unit)
    marks = read_grades(course, unit) if students else {}
    with contextlib.ExitStack() as stack:
        journal = stack.enter_context(contextlib.closing(Journal(course.state)))
        bar = stack.enter_context(Progress(f"report {unit}", len(students), show=progress))
        for student in students:
            folder = course.folder("autograded", student, unit)
            stamp = read_stamp(folder, assignment)
            result = journal.get(stamp.key) if stamp else None
            theirs = marks.get(student, SubmissionGrades())
            if stamp is None or result is None:
                yield Outcome(student, theirs.name, NOT_YET)
            else:
                timestamp = folder / TIMESTAMP
                remarks = parse_timestamp(timestamp.read_bytes())[1] if timestamp.is_file() else ()
                yield outcome(assignment, student, result, theirs, stamp.untouched, remarks)
            bar.advance()


def outcome(
    assignment: Assignment,
    student: str,
    result: Result,
    marks: SubmissionGrades,
    untouched: frozenset[CellId],
    remarks: tuple[str, ...] = (),
) -> Outcome:
    """What the report needs of one result and its marks."""
    graded = result.status is Status.GRADED
    tests = {
        (notebook.name, test.id): Score(test.points, test.max_points, test.verdict, test.public)
        for notebook in result.notebooks
        for test in notebook.tests
    }
    complete = all((n.name, test.id) in tests for n in assignment.notebooks for test in n.tests)
    written = [(name, part.cell.id) for name, part in parts(assignment) if not part.tests]
    return Outcome(
        student=student,
        name=marks.name,
        status=str(result.status),
        reason="" if graded else result.reason,
        tests=tests if graded and complete else {},
        untouched=untouched,
        named=tuple(pair for notebook in result.notebooks for pair in notebook.named),
        incidents=(*([result.reason] if graded and result.reason else []), *result.incidents, *remarks),
        seconds=result.seconds,
        sandbox=result.sandbox,
        by_hand={key: mark.score for key in written if (mark := marks.cells.get(key)) is not None},
        total=marks.total if marks.cells else None,
        penalty=marks.penalty,
        waits=marks.waits,
    )


def without_names(outcomes: Sequence[Outcome], secret: bytes) -> list[Outcome]:
    """Numbers in place of ids, in an order that only who has `secret` can make again; and no text that may hold a name."""

    def place(outcome: Outcome) -> bytes:
        return hmac.digest(secret, outcome.student.encode("utf-8", "surrogatepass"), hashlib.sha256)

    digits = len(str(len(outcomes)))
    return [
        replace(
            outcome,
            student=f"{number:0{digits}d}",
            name="",
            reason="",
            incidents=tuple(dict.fromkeys(map(signal, outcome.incidents))),
        )
        for number, outcome in enumerate(sorted(outcomes, key=place), start=1)
    ]


def _secret(path: Path) -> bytes:
    """The course's own key, made when it is needed first: the same student has the same number in every report."""
    try:
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(os.urandom(32))
    except FileExistsError:
        pass
    return path.read_bytes()


def signal(incident: str) -> str:
    """The kind of an incident."""
    return next((what for what, pattern in SIGNALS if pattern.search(incident)), OTHER_SIGNAL)


def _signals(outcome: Outcome) -> set[str]:
    """The kinds of a submission's incidents, tests that got no answer included."""
    verdicts = {test.verdict for test in outcome.tests.values()}
    return {signal(text) for text in outcome.incidents} | {
        what for verdict, (what, _) in zip(_NO_ANSWER, SIGNALS, strict=False) if verdict in verdicts
    }


_NO_ANSWER = (Verdict.TIMEOUT, Verdict.CRASHED, Verdict.UNREADABLE)  # in the order of SIGNALS


def parts(assignment: Assignment) -> list[tuple[str, Part]]:
    """The exercises and written questions of a unit, each with its notebook's name."""
    return [(notebook.name, part) for notebook in assignment.notebooks for part in outline(notebook)]


def summarise(
    assignment: Assignment, outcomes: Sequence[Outcome], bank: Mapping[str, WrongAnswer]
) -> ClassReport:
    """The numbers of a class."""
    graded = [outcome for outcome in outcomes if outcome.tests]
    tests = [(notebook.name, test) for notebook in assignment.notebooks for test in notebook.tests]
    columns = {(name, test.id): k for k, (name, test) in enumerate(tests)}
    shape = len(graded), len(tests)
    points = np.array([[o.tests[key].points for key in columns] for o in graded], dtype=float).reshape(shape)
    public = np.array([[o.tests[key].public for key in columns] for o in graded], dtype=bool).reshape(shape)
    totals = points.sum(axis=1)

    def item(notebook: str, name: str, title: str, cells: Sequence[Cell], **more: Any) -> Item:
        where = [columns[notebook, cell.id] for cell in cells]
        worth = np.array([cell.points for cell in cells])
        got, lost = points[:, where], worth - points[:, where]
        return Item(
            id=name,
            notebook=notebook,
            title=title,
            points=float(worth.sum()),
            mean=float(got.sum(axis=1).mean()) if graded else None,
            passed=stats.share(np.all(got >= worth - 1e-9, axis=1).tolist()),
            discrimination=stats.item_rest(got.sum(axis=1), totals),
            lost_visible=float(np.where(public[:, where], lost, 0.0).sum() / max(len(graded), 1)),
            lost_hidden=float(np.where(public[:, where], 0.0, lost).sum() / max(len(graded), 1)),
            **more,
        )

    exercises = tuple(
        item(
            name,
            part.cell.id,
            part.title,
            part.tests,
            left_open=stats.share((name, part.cell.id) in o.untouched for o in graded),
            tests=tuple(item(name, t.id, check_title(t, part.cell.id), [t]) for t in part.tests),
        )
        for name, part in parts(assignment)
        if part.tests
    )
    written = []
    for name, part in parts(assignment):
        if not part.tests:
            given = [score for o in outcomes if (score := o.by_hand.get((name, part.cell.id))) is not None]
            mean = float(np.mean(given)) if given else None
            written.append(Written(part.cell.id, part.title, part.max_points, len(given), mean))
    done = [o.total for o in outcomes if o.total is not None and not o.waits]
    seconds = [o.seconds for o in graded if o.seconds > 0]
    kinds = Counter(kind for o in outcomes for kind in _signals(o))
    sandboxes = Counter(o.sandbox for o in outcomes if o.sandbox)
    in_order = [*(what for what, _ in SIGNALS), OTHER_SIGNAL]
    return ClassReport(
        unit=assignment.unit,
        title=notebook_title(assignment.notebooks[0]),
        max_points=assignment.max_points,
        max_total=assignment.max_points + sum(question.points for question in written),
        submissions=len(outcomes),
        graded=len(graded),
        exercises=exercises,
        written=tuple(written),
        score=stats.spread(totals),
        score_bins=stats.point_bins(totals, assignment.max_points),
        total=stats.spread(done),
        waiting=sum(o.waits for o in outcomes),
        late=sum(o.penalty > 0 for o in outcomes),
        misconceptions=_named(graded, exercises, bank),
        seconds=stats.spread(seconds),
        second_bins=stats.doubling_bins(seconds),
        signals=tuple(Signal(what, kinds[what]) for what in in_order if kinds[what]),
        sandboxes=tuple(Signal(what, count) for what, count in sorted(sandboxes.items())),
        students=tuple(_row(o, exercises) for o in outcomes),
    )


def _named(
    graded: Sequence[Outcome], exercises: Sequence[Item], bank: Mapping[str, WrongAnswer]
) -> tuple[Named, ...]:
    """Misconceptions, those that most submissions show first."""
    titles = {exercise.id: exercise.title for exercise in exercises}
    lost = {
        exercise.id: sum(_points(o, exercise) < exercise.points - 1e-9 for o in graded)
        for exercise in exercises
    }
    counts = Counter(pair for o in graded for pair in set(o.named))
    found = [
        Named(
            titles.get(exercise, exercise),
            name,
            count,
            lost.get(exercise, count),
            bank[name].says if name in bank else "",
            bank[name].see if name in bank else "",
        )
        for (exercise, name), count in counts.items()
    ]
    return tuple(sorted(found, key=lambda entry: (-entry.count, entry.exercise, entry.name)))


def _points(outcome: Outcome, exercise: Item) -> float:
    return sum(outcome.tests[test.notebook, test.id].points for test in exercise.tests)


def _row(outcome: Outcome, exercises: Sequence[Item]) -> Row:
    graded = bool(outcome.tests)
    return Row(
        student=printable(outcome.student),
        name=printable(outcome.name),
        status=outcome.status,
        reason=printable(outcome.reason, 300),
        points=tuple(_points(outcome, exercise) if graded else None for exercise in exercises),
        score=sum(test.points for test in outcome.tests.values()) if graded else None,
        total=outcome.total if graded or not outcome.waits else None,
        penalty=outcome.penalty,
        waits=outcome.waits,
        misconceptions=tuple(printable(name) for _, name in outcome.named),
        incidents=tuple(printable(text, 300) for text in outcome.incidents),
        seconds=outcome.seconds if graded and outcome.seconds > 0 else None,
    )


def render(report: ClassReport) -> str:
    """The report as one HTML file. Its script is allowed by its hash: whatever else got into the page would not run."""
    script, script_hash = html.script("report.js")
    return html.render(
        "report.html",
        report=report,
        number=html.number,
        losses=[
            (exercise.title, (exercise.mean or 0.0, exercise.lost_visible, exercise.lost_hidden))
            for exercise in report.exercises
        ],
        seconds=_seconds,
        named=any(row.name for row in report.students),
        script=script,
        script_hash=script_hash,
    )


def _seconds(value: float) -> str:
    """Two significant digits are enough for a time."""
    return f"{float(f'{value:.2g}'):g}"
