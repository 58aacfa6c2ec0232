"""What there is to say about an exercise once its tests have run: for a student's page and for a learner's terminal."""

from __future__ import annotations

from dataclasses import dataclass

from grader.engine.result import NotebookResult, TestResult, Verdict
from grader.source.notebook import Assignment, Cell
from grader.source.outline import Part, check_title


@dataclass(frozen=True)
class Check:
    """One test cell. `verdict` is None where it was not run; `hidden` where what failed does not stand in the student's notebook."""

    id: str
    title: str
    verdict: Verdict | None
    points: float
    max_points: float
    message: str = ""
    hidden: bool = False
    in_process: bool = False  # it ran in the student's own process

    @property
    def state(self) -> str:
        """How much of it holds: full, part, none; open where nobody knows."""
        if self.verdict is not Verdict.PASSED:
            return "open" if self.verdict is None else "none"
        return "full" if self.points >= self.max_points else "part"


@dataclass(frozen=True)
class Advice:
    """The misconception that an answer agrees with, and where it is explained."""

    name: str
    says: str
    section: str
    lecture: str


def checks(part: Part, outcome: NotebookResult, *, details: bool) -> tuple[Check, ...]:
    """The tests of an exercise, in its order. `details`: also what a hidden part found, which a class may not read."""
    results = {test.id: test for test in outcome.tests}
    return tuple(_check(cell, part.cell.id, results.get(cell.id), details) for cell in part.tests)


def _check(cell: Cell, exercise: str, result: TestResult | None, details: bool) -> Check:
    title = check_title(cell, exercise)
    if result is None:
        return Check(cell.id, title, None, 0.0, cell.points)
    message = result.message if details else result.student_message
    known = result.verdict, result.points, cell.points, message, not result.public, result.in_process
    return Check(cell.id, title, *known)


def advice(part: Part, outcome: NotebookResult, assignment: Assignment) -> Advice | None:
    """The misconception that was recognised in an exercise; None where there was none, or the bank has it no more."""
    entry = assignment.misconceptions.get(dict(outcome.named).get(part.cell.id, ""))
    return Advice(entry.name, entry.says, entry.see, f"lectures/{assignment.unit}.ipynb") if entry else None
