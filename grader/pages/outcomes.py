"""One Outcome a submission: what the class report needs of its result and of its grades."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from grader.engine.result import Result, Status, Verdict
from grader.engine.submission import TIMESTAMP, parse_timestamp
from grader.progress import Progress
from grader.record.autograded import read_stamp
from grader.record.grades import CellId, SubmissionGrades, read_grades
from grader.record.journal import Journal
from grader.source.course import Course
from grader.source.notebook import Assignment
from grader.source.outline import Part, outline

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
    verdict: Verdict
    public: bool


@dataclass(frozen=True, slots=True)
class Outcome:
    """One submission, in what the report needs of it. `tests` is empty where `status` is not "graded"."""

    student: str
    status: str
    reason: str = ""
    tests: Mapping[CellId, Score] = field(default_factory=dict)
    untouched: frozenset[CellId] = frozenset()
    named: tuple[tuple[str, str], ...] = ()
    incidents: tuple[str, ...] = ()
    in_process: str = ""
    seconds: float = 0.0
    sandbox: str = ""
    grades: SubmissionGrades = field(default_factory=SubmissionGrades)  # the gradebook's

    @property
    def total(self) -> float | None:
        """The gradebook's points, after penalties."""
        return self.grades.total if self.grades.cells else None


def read_outcomes(course: Course, assignment: Assignment, *, progress: bool = True) -> Iterator[Outcome]:
    """Each submission, in the order of ids. Hold the course meanwhile."""
    unit = assignment.unit
    students = course.students(unit)
    grades = read_grades(course, unit) if students else {}
    with contextlib.ExitStack() as stack:
        journal = stack.enter_context(contextlib.closing(Journal(course.state)))
        bar = stack.enter_context(Progress(f"report {unit}", len(students), show=progress))
        for student in students:
            folder = course.folder("autograded", student, unit)
            stamp = read_stamp(folder, assignment)
            result = journal.get(stamp.key) if stamp else None
            outcome = Outcome(student, NOT_YET, grades=grades.get(student, SubmissionGrades()))
            if stamp is not None and result is not None:
                timestamp = folder / TIMESTAMP
                remarks = (
                    parse_timestamp(timestamp.read_bytes(), course.zone)[1] if timestamp.is_file() else ()
                )
                outcome = _with_result(outcome, result, assignment, stamp.untouched, remarks)
            yield outcome
            bar.advance()


def _with_result(
    outcome: Outcome,
    result: Result,
    assignment: Assignment,
    untouched: frozenset[CellId],
    remarks: tuple[str, ...],
) -> Outcome:
    graded = result.status is Status.GRADED
    tests = {key: Score(test.points, test.verdict, test.public) for key, test in result.tests.items()}
    complete = all((n.name, test.id) in tests for n in assignment.notebooks for test in n.tests)
    about_files = (result.reason,) if graded and result.reason else ()
    return replace(
        outcome,
        status=str(result.status),
        reason="" if graded else result.reason,
        tests=tests if graded and complete else {},
        untouched=untouched,
        named=tuple(pair for notebook in result.notebooks for pair in notebook.named),
        incidents=(*about_files, *result.incidents, *remarks),
        in_process=result.in_process,
        seconds=result.seconds,
        sandbox=result.sandbox,
    )


def parts(assignment: Assignment) -> list[tuple[str, Part]]:
    """The exercises and written questions of a unit, each with its notebook's name."""
    return [(notebook.name, part) for notebook in assignment.notebooks for part in outline(notebook)]


def without_names(outcomes: Sequence[Outcome], secret: bytes) -> list[Outcome]:
    """Numbers in place of ids, in an order that only who has `secret` can make again; and no text that may hold a name."""

    def place(outcome: Outcome) -> bytes:
        return hmac.digest(secret, outcome.student.encode("utf-8", "surrogatepass"), hashlib.sha256)

    digits = len(str(len(outcomes)))
    return [
        replace(
            outcome,
            student=f"{number:0{digits}d}",
            grades=replace(outcome.grades, name=""),
            reason="",
            incidents=tuple(dict.fromkeys(map(signal, outcome.incidents))),
        )
        for number, outcome in enumerate(sorted(outcomes, key=place), start=1)
    ]


def signal(incident: str) -> str:
    """The kind of an incident."""
    return next((kind for kind, pattern in SIGNALS if pattern.search(incident)), OTHER_SIGNAL)


def signals(outcome: Outcome) -> set[str]:
    """The kinds of a submission's incidents, tests that got no answer included."""
    verdicts = {test.verdict for test in outcome.tests.values()}
    return {signal(text) for text in outcome.incidents} | {
        kind for verdict, (kind, _) in zip(_NO_ANSWER, SIGNALS, strict=False) if verdict in verdicts
    }


_NO_ANSWER = (Verdict.TIMEOUT, Verdict.CRASHED, Verdict.UNREADABLE)  # in the order of SIGNALS
