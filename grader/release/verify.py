"""`grader verify`: the tests are tested. What must hold of a unit before anybody is graded with it (DESIGN.md, section 6)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import nbformat

from grader.build.glossary import unknown_sections
from grader.build.lectures import execute
from grader.build.units import prose
from grader.engine.result import Result, Status, TestResult, Verdict
from grader.errors import CourseError
from grader.progress import Progress
from grader.release import reading
from grader.release.leaks import leaks
from grader.source.answers import entry_answer, fill, solution_answers, student_version
from grader.source.bank import Bank, Variant, WrongAnswer, read_bank
from grader.source.notebook import PUBLIC_PASSED, Assignment, Exercise, Role, read_assignment

TEST_BUDGET = 2.0  # seconds that all tests of a unit may take on the solution
Grade = Callable[[bytes, Assignment], Result]
"""Grade one notebook's bytes against an assignment."""
NOT_AN_ANSWER = ("NameError", "ImportError", "ModuleNotFoundError", "SyntaxError", "IndentationError")


@dataclass(frozen=True)
class Problem:
    """Something that must be mended: the culprit's name and what is wrong with it."""

    culprit: str
    what: str


@dataclass(frozen=True)
class Row:
    """One entry of the bank (or the solution, or the blank), the tests of its exercise that it fails, and the misconceptions
    that its feedback would name."""

    exercise: str
    kind: str
    name: str
    failed: tuple[str, ...]
    named: tuple[str, ...] = ()


@dataclass(frozen=True)
class Report:
    """What `verify` found; the unit may be released when `problems` is empty."""

    unit: str
    rows: tuple[Row, ...]
    problems: tuple[Problem, ...]
    test_seconds: float

    @property
    def unnamed(self) -> tuple[str, ...]:
        """Misconceptions that feedback stays silent about: another one of the bank gives the same answers to every test."""
        return tuple(row.name for row in self.rows if row.kind == "misconception" and not row.named)


def verify(root: Path, unit: str, grade: Grade, *, workers: int = 2, progress: bool = False) -> Report:
    """Check a unit's tests against its bank. Raises CourseError where the unit or its bank cannot be read."""
    assignment = read_assignment(root / "solutions" / unit)
    bank = read_bank(root / "solutions" / unit / "bank.py", assignment.functions)
    released = student_version(root, unit)
    answers = solution_answers(assignment)
    entries: list[Variant] = [*bank.variants, *bank.misconceptions]
    placed = [entry_answer(assignment, entry) for entry in entries]

    submissions = [fill(released, answers), released]
    submissions += [fill(released, {**answers, exercise.name: source}) for exercise, source in placed]
    results = []
    with (
        ThreadPoolExecutor(workers) as pool,
        Progress(f"verifying {unit}", len(submissions), show=progress) as bar,
    ):
        for result in pool.map(lambda submission: grade(submission, assignment), submissions):
            results.append(result)
            bar.advance()
    solution, blank, graded = results[0], results[1], results[2:]

    problems = [*_check_ends(solution, blank, assignment), *_check_bank(assignment, bank)]
    rows = [
        Row("", "solution", "solution", _failed(solution, None), _named(solution)),
        Row("", "blank", "student version", _failed(blank, None), _named(blank)),
    ]
    for entry, (exercise, _), result in zip(entries, placed, graded, strict=True):
        kind = "misconception" if isinstance(entry, WrongAnswer) else "variant"
        rows.append(Row(exercise.name, kind, entry.name, _failed(result, exercise), _named(result)))
        problems += _check_entry(entry, exercise, result)
    problems += _check_every_test_can_fail(assignment, rows)
    problems += [
        Problem(where, f"'{token}' of the solution stands in the student version")
        for where, token in leaks(root, unit)
    ]
    problems += _check_plain_kernel(root, unit, assignment)
    problems += _check_pointers(root, unit, bank)
    problems += [Problem(f"lectures/{unit}", what) for what in reading.problems(root, unit)]
    seconds = sum(test.seconds for test in _tests(solution))
    if seconds > TEST_BUDGET:
        again = min(sum(t.seconds for t in _tests(grade(submissions[0], assignment))) for _ in range(2))
        seconds = min(seconds, again)
    if seconds > TEST_BUDGET:
        problems.append(
            Problem(
                unit, f"the tests take {seconds:.1f} s on the solution; the budget is {TEST_BUDGET:.0f} s"
            )
        )
    return Report(unit, tuple(rows), tuple(problems), seconds)


def _tests(result: Result) -> Iterator[TestResult]:
    for notebook in result.notebooks:
        yield from notebook.tests


def _failed(result: Result, exercise: Exercise | None) -> tuple[str, ...]:
    names = None if exercise is None else {test.id for test in exercise.tests}
    return tuple(
        test.id
        for test in _tests(result)
        if test.verdict is not Verdict.PASSED and (names is None or test.id in names)
    )


def _named(result: Result) -> tuple[str, ...]:
    return tuple(name for notebook in result.notebooks for _, name in notebook.named)


def _check_ends(solution: Result, blank: Result, assignment: Assignment) -> Iterator[Problem]:
    """The solution gets everything, the untouched student version nothing."""
    for test in _tests(solution):
        if test.verdict is not Verdict.PASSED:
            yield Problem(test.id, f"the solution fails it: {test.message}")
    if solution.status is not Status.GRADED or solution.max_score != assignment.max_points:
        yield Problem(
            assignment.unit,
            f"the solution: {solution.status}, {solution.score:g}/{assignment.max_points:g} points {solution.reason}",
        )
    for test in _tests(blank):
        if test.verdict is Verdict.PASSED:
            yield Problem(test.id, "the untouched student version passes it")


def _check_bank(assignment: Assignment, bank: Bank) -> Iterator[Problem]:
    """Every exercise has right and wrong solutions."""
    for exercise in assignment.exercises:
        for kind, entries in (("variant", bank.variants), ("misconception", bank.misconceptions)):
            if not any(entry.target in exercise.solution.defines for entry in entries):
                yield Problem(exercise.name, f"the bank has no {kind} for it")


def _check_entry(entry: Variant, exercise: Exercise, result: Result) -> Iterator[Problem]:
    if result.status is not Status.GRADED:
        yield Problem(entry.name, f"could not be graded: {result.reason}")
        return
    tests = {test.id: test for test in _tests(result)}
    for name in set(_named(result)) - {entry.name if isinstance(entry, WrongAnswer) else ""}:
        yield Problem(entry.name, f"its feedback would name another misconception, '{name}'")
    failed = [tests[name] for name in _failed(result, exercise)]
    if isinstance(entry, WrongAnswer):
        if not failed:
            yield Problem(entry.name, f"this misconception survives every test of '{exercise.name}'")
        for test in failed:
            if test.message.startswith(NOT_AN_ANSWER):
                yield Problem(entry.name, f"does not run, so it shows nothing: {test.message}")
                break
    else:
        for test in failed:
            yield Problem(entry.name, f"this right variant is rejected by {test.id}: {test.message}")
    elsewhere = set(_failed(result, None)) - set(_failed(result, exercise))
    if elsewhere:
        yield Problem(entry.name, f"fails tests of another exercise: {', '.join(sorted(elsewhere))}")


def _check_every_test_can_fail(assignment: Assignment, rows: Iterable[Row]) -> Iterator[Problem]:
    killed = {test for row in rows if row.kind == "misconception" for test in row.failed}
    for exercise in assignment.exercises:
        for test in exercise.tests:
            if test.id not in killed:
                yield Problem(
                    test.id, "no misconception of the bank fails this test; add one or delete the test"
                )


def _check_plain_kernel(root: Path, unit: str, assignment: Assignment) -> Iterator[Problem]:
    """In one plain kernel, with the explore cells: no test fails, and each says that its public checks passed."""
    path = root / "solutions" / unit / f"{unit}.ipynb"
    tests = {
        cell.id for notebook in assignment.notebooks for cell in notebook.cells if cell.role is Role.TEST
    }
    try:
        executed = execute(nbformat.read(path, as_version=4), path)
    except CourseError as error:
        yield Problem(unit, f"in one plain kernel, explore cells included, {error}")
        return
    for cell in executed.cells:
        grade_id = (cell.metadata.get("nbgrader") or {}).get("grade_id")
        text = "".join(output.get("text", "") for output in cell.get("outputs", ()))
        if grade_id in tests and PUBLIC_PASSED not in text:
            yield Problem(grade_id, f"its public part does not end by printing '... {PUBLIC_PASSED} ...'")


def _check_pointers(root: Path, unit: str, bank: Bank) -> Iterator[Problem]:
    """Each misconception points to a heading that the lecture has."""
    lecture = root / "lectures" / f"{unit}.py"
    if not lecture.exists():
        yield Problem(unit, f"no lecture {lecture.name} for its misconceptions to point to")
        return
    headings = {
        line.lstrip("# ").strip()
        for line in lecture.read_text(encoding="utf-8").splitlines()
        if line.startswith("# #")
    }
    for name in unknown_sections(prose(lecture)):
        yield Problem(unit, f"the glossary of lectures/{unit}.py has no section of the lecture for '{name}'")
    for entry in bank.misconceptions:
        if entry.see not in headings:
            yield Problem(entry.name, f"points to '{entry.see}', which is no heading of lectures/{unit}.py")
        if not entry.says.strip().endswith("."):
            yield Problem(entry.name, "its 'says' must be a sentence for the student")
