"""The numbers of a class: its outcomes summed up by exercise, test, misconception, incident and student."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from grader.engine.result import Status
from grader.pages import statistics as stats
from grader.pages.outcomes import OTHER_SIGNAL, SIGNALS, Outcome, parts, signals
from grader.record.grades import CellId
from grader.source.bank import WrongAnswer
from grader.source.notebook import Assignment, Cell
from grader.source.outline import Part, check_title, notebook_title
from grader.text import printable


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
    in_process: bool = False  # a test that a student could cheat
    tests: tuple[Item, ...] = ()


@dataclass(frozen=True)
class Question:
    """A written question: how many left it as it was given out; number and mean of those who answered it and have points for it."""

    id: str
    title: str
    points: float
    left_open: int
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
class StudentRow:
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
    page: str = ""  # the address of its feedback, as seen from the report


@dataclass(frozen=True)
class ClassReport:
    """Everything that the page says, as plain data."""

    unit: str
    title: str
    max_points: float  # of tests
    max_total: float  # with written questions
    in_process: float  # points that hang on tests which a student could cheat
    submissions: int
    graded: int
    exercises: tuple[Item, ...]
    written: tuple[Question, ...]
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
    students: tuple[StudentRow, ...]
    anonymous: bool = False

    @property
    def failed(self) -> tuple[StudentRow, ...]:
        """Those that have no score."""
        return tuple(row for row in self.students if row.status != Status.GRADED)


@dataclass(frozen=True)
class _Scores:
    """The graded submissions' points, a row each, with a column for each test; and whether what a test found may be seen."""

    columns: Mapping[CellId, int]
    points: NDArray[np.float64]
    public: NDArray[np.bool_]

    def item(self, notebook: str, id: str, title: str, cells: Sequence[Cell]) -> Item:
        """The item that these test cells are together."""
        where = [self.columns[notebook, cell.id] for cell in cells]
        worth = np.array([cell.points for cell in cells])
        points, public, count = self.points[:, where], self.public[:, where], len(self.points)
        lost, got = worth - points, points.sum(axis=1)
        return Item(
            id=id,
            notebook=notebook,
            title=title,
            points=float(worth.sum()),
            mean=float(got.mean()) if count else None,
            passed=stats.share(np.all(lost <= 1e-9, axis=1).tolist()),
            discrimination=stats.item_rest(got, self.points.sum(axis=1)),
            lost_visible=float(lost[public].sum()) / max(count, 1),
            lost_hidden=float(lost[~public].sum()) / max(count, 1),
            in_process=all(cell.in_process for cell in cells),
        )


def _scores(assignment: Assignment, graded: Sequence[Outcome]) -> _Scores:
    tests = [(notebook.name, test.id) for notebook in assignment.notebooks for test in notebook.tests]
    shape = len(graded), len(tests)
    points = np.array([[o.tests[test].points for test in tests] for o in graded], dtype=float)
    public = np.array([[o.tests[test].public for test in tests] for o in graded], dtype=bool)
    columns = {test: column for column, test in enumerate(tests)}
    return _Scores(columns, points.reshape(shape), public.reshape(shape))


def summarise(assignment: Assignment, outcomes: Sequence[Outcome]) -> ClassReport:
    """The numbers of a class."""
    graded = [outcome for outcome in outcomes if outcome.tests]
    scores = _scores(assignment, graded)
    totals = scores.points.sum(axis=1)
    exercises = tuple(_exercise(scores, name, part, graded) for name, part in parts(assignment) if part.tests)
    questions = tuple(_question(name, part, outcomes) for name, part in parts(assignment) if not part.tests)
    seconds = [o.seconds for o in graded if o.seconds > 0]
    kinds = Counter(kind for o in outcomes for kind in signals(o))
    sandboxes = Counter(o.sandbox for o in outcomes if o.sandbox)
    in_order = [*(kind for kind, _ in SIGNALS), OTHER_SIGNAL]
    return ClassReport(
        unit=assignment.unit,
        title=notebook_title(assignment.notebooks[0]),
        max_points=assignment.max_points,
        max_total=assignment.max_points + sum(question.points for question in questions),
        in_process=sum(test.points for exercise in exercises for test in exercise.tests if test.in_process),
        submissions=len(outcomes),
        graded=len(graded),
        exercises=exercises,
        written=questions,
        score=stats.spread(totals),
        score_bins=stats.point_bins(totals, assignment.max_points),
        total=stats.spread([o.total for o in outcomes if o.total is not None and not o.grades.waits]),
        waiting=sum(o.grades.waits for o in outcomes),
        late=sum(o.grades.penalty > 0 for o in outcomes),
        misconceptions=_misconceptions(graded, exercises, assignment.misconceptions),
        seconds=stats.spread(seconds),
        second_bins=stats.doubling_bins(seconds),
        signals=tuple(Signal(kind, kinds[kind]) for kind in in_order if kinds[kind]),
        sandboxes=tuple(Signal(sandbox, count) for sandbox, count in sorted(sandboxes.items())),
        students=tuple(_row(o, exercises) for o in outcomes),
    )


def _exercise(scores: _Scores, notebook: str, part: Part, graded: Sequence[Outcome]) -> Item:
    return replace(
        scores.item(notebook, part.cell.id, part.title, part.tests),
        left_open=stats.share((notebook, part.cell.id) in o.untouched for o in graded),
        tests=tuple(scores.item(notebook, t.id, check_title(t, part.cell.id), [t]) for t in part.tests),
    )


def _question(notebook: str, part: Part, outcomes: Sequence[Outcome]) -> Question:
    where = notebook, part.cell.id
    answered = [o.grades.cells.get(where) for o in outcomes if where not in o.untouched]
    points = [grade.score for grade in answered if grade is not None and grade.score is not None]
    mean, left_open = float(np.mean(points)) if points else None, len(outcomes) - len(answered)
    return Question(part.cell.id, part.title, part.max_points, left_open, len(points), mean)


def _misconceptions(
    graded: Sequence[Outcome], exercises: Sequence[Item], bank: Mapping[str, WrongAnswer]
) -> tuple[Named, ...]:
    """Misconceptions, those that most submissions show first."""
    titles = {exercise.id: exercise.title for exercise in exercises}
    lost = {
        exercise.id: sum(_points(o, exercise) < exercise.points - 1e-9 for o in graded)
        for exercise in exercises
    }
    counts = Counter(pair for o in graded for pair in set(o.named))
    unknown = WrongAnswer("", "", "")
    named = [
        Named(titles.get(exercise, exercise), name, count, lost.get(exercise, count), entry.says, entry.see)
        for (exercise, name), count in counts.items()
        for entry in [bank.get(name, unknown)]
    ]
    return tuple(sorted(named, key=lambda one: (-one.count, one.exercise, one.name)))


def _points(outcome: Outcome, exercise: Item) -> float:
    return sum(outcome.tests[test.notebook, test.id].points for test in exercise.tests)


def _row(outcome: Outcome, exercises: Sequence[Item]) -> StudentRow:
    graded = bool(outcome.tests)
    return StudentRow(
        student=printable(outcome.student),
        name=printable(outcome.grades.name),
        status=outcome.status,
        reason=printable(outcome.reason, 300),
        points=tuple(_points(outcome, exercise) if graded else None for exercise in exercises),
        score=sum(test.points for test in outcome.tests.values()) if graded else None,
        total=outcome.total if graded or not outcome.grades.waits else None,
        penalty=outcome.grades.penalty,
        waits=outcome.grades.waits,
        misconceptions=tuple(printable(name) for _, name in outcome.named),
        incidents=tuple(printable(text, 300) for text in (*outcome.incidents, outcome.in_process) if text),
        seconds=outcome.seconds if graded and outcome.seconds > 0 else None,
    )
