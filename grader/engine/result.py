"""What grading one submission gives: plain data, the same for the journal, the gradebook, feedback and report."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any


class Status(StrEnum):
    """What became of a submission. Only GRADED carries a score."""

    GRADED = "graded"
    UNGRADABLE = "ungradable"  # the submission cannot be read or run at all; `reason` says why; not a zero
    GRADER_FAILED = "grader failed"  # our fault, not the student's; grade it again


class Verdict(StrEnum):
    """What became of one test cell."""

    PASSED = "passed"
    FAILED = "failed"  # the test raised
    TIMEOUT = "timeout"  # wall or processor time ran out while the student's code answered
    CRASHED = "crashed"  # the student's process died (memory, signal, exit)
    UNREADABLE = "unreadable"  # the student's process sent something that is not an answer


@dataclass(frozen=True)
class TestResult:
    """One test cell's outcome. `message` may name hidden inputs: instructors see it, students only where `public`."""

    __test__ = False  # not a pytest class

    id: str
    verdict: Verdict
    points: float
    max_points: float
    message: str = ""
    public: bool = True
    seconds: float = 0.0
    in_process: bool = False  # it ran in the student's own process: who writes there could cheat it

    @property
    def student_message(self) -> str:
        """What the student may read: nothing of a hidden test."""
        return self.message if self.public else _HIDDEN.get(self.verdict, "")


_HIDDEN = {
    Verdict.FAILED: "A hidden check of this test did not pass.",
    Verdict.TIMEOUT: "A hidden check of this test got no answer in time.",
    Verdict.CRASHED: "The process ended during a hidden check of this test.",
    Verdict.UNREADABLE: "A hidden check of this test got no readable answer.",
}


@dataclass(frozen=True)
class NotebookResult:
    """One notebook's outcome: its tests, and the outputs (nbformat 4 dicts) of its cells by submission index.

    `named` has (exercise, name of the bank's misconception) where a failing answer is what exactly one of them answers.
    """

    name: str
    tests: tuple[TestResult, ...] = ()
    outputs: tuple[tuple[int, tuple[dict[str, Any], ...]], ...] = ()
    named: tuple[tuple[str, str], ...] = ()

    @property
    def score(self) -> float:
        return sum(test.points for test in self.tests)

    @property
    def max_score(self) -> float:
        return sum(test.max_points for test in self.tests)


@dataclass(frozen=True)
class Result:
    """One submission's outcome.

    `key` hashes the submission, the assignment and the grader's version; `incidents` are signals worth an
    instructor's look (kills, time-outs, tampering); `sandbox` names the isolation that was reached.
    """

    key: str
    unit: str
    status: Status
    reason: str = ""
    notebooks: tuple[NotebookResult, ...] = ()
    incidents: tuple[str, ...] = ()
    sandbox: str = ""
    seconds: float = 0.0
    cpu_seconds: float = 0.0

    def of(self, notebook: str) -> NotebookResult:
        """One notebook's outcome; without tests where it was not graded."""
        return next((one for one in self.notebooks if one.name == notebook), NotebookResult(notebook))

    @property
    def tests(self) -> dict[tuple[str, str], TestResult]:
        """Every test by its notebook's name and its id."""
        return {(notebook.name, test.id): test for notebook in self.notebooks for test in notebook.tests}

    @property
    def score(self) -> float:
        return sum(notebook.score for notebook in self.notebooks)

    @property
    def max_score(self) -> float:
        return sum(notebook.max_score for notebook in self.notebooks)

    @property
    def in_process(self) -> str:
        """What a row says of points that the student could have cheated for; "" where there are none."""
        points = sum(test.points for test in self.tests.values() if test.in_process)
        return f"{points:g} points by tests that a student could cheat (in_process)" if points else ""

    def comparable(self) -> Result:
        """The result without what may differ from run to run: times, and outputs of the student's own making."""
        notebooks = tuple(
            replace(nb, outputs=(), tests=tuple(replace(test, seconds=0.0) for test in nb.tests))
            for nb in self.notebooks
        )
        return replace(self, notebooks=notebooks, seconds=0.0, cpu_seconds=0.0)

    def to_json(self) -> str:
        """One line of JSON, keys sorted: equal results give equal bytes."""
        return json.dumps(vars(self), default=vars, sort_keys=True, ensure_ascii=True, allow_nan=False)

    @staticmethod
    def from_json(text: str) -> Result:
        """The inverse of `to_json`."""
        data = json.loads(text)
        notebooks = []
        for nb in data["notebooks"]:
            tests = tuple(TestResult(**test | {"verdict": Verdict(test["verdict"])}) for test in nb["tests"])
            outputs = tuple((index, tuple(items)) for index, items in nb["outputs"])
            named = tuple((exercise, name) for exercise, name in nb.get("named", ()))
            notebooks.append(NotebookResult(nb["name"], tests, outputs, named))
        data |= {"status": Status(data["status"]), "incidents": tuple(data["incidents"])}
        return Result(**data | {"notebooks": tuple(notebooks)})
