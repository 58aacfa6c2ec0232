"""`grader verify`: the tests are tested. What must hold of a unit before anybody is graded with it (DESIGN.md, section 6); without a
bank, what its own solution, its untouched student version and its leaks tell."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from grader.build.glossary import unknown_sections
from grader.build.lectures import execute
from grader.build.student_version import generate
from grader.build.units import prose
from grader.engine.result import Result, Status, TestResult, Verdict
from grader.engine.submission import Submission
from grader.errors import CourseError
from grader.progress import Progress
from grader.record import own
from grader.release import reading, together
from grader.release.leaks import leaked
from grader.source.answers import Answers, entry_answer, fill, solution_answers
from grader.source.bank import Bank, Variant, WrongAnswer, read_bank
from grader.source.course import Course, read_course
from grader.source.notebook import PUBLIC_PASSED, Assignment, Exercise, Role, is_bank, nbgrader_of

Grade = Callable[[Submission, Assignment], Result]
"""Grade a submission against an assignment."""
Run = Callable[[NotebookNode, Path], NotebookNode]
"""Run a notebook, whose source is at that path, from the top in one kernel. Raises CourseError with the failing cell."""
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


def verify(
    root: Path, unit: str, grade: Grade, *, run: Run = execute, workers: int = 2, progress: bool = False
) -> Report:
    """Check a unit's tests against its own solution, its untouched student version and its bank, where it has one.

    Raises CourseError where the unit or its bank cannot be read.
    """
    course = read_course(root)
    assignment = course.assignment(unit)
    path = course.source(unit) / "bank.py"
    bank = read_bank(path, assignment.functions) if is_bank(path) else None
    with tempfile.TemporaryDirectory() as scratch:
        released = course.folder("release", ".", unit)
        if not any(released.glob("*.ipynb")):
            released = generate(course, unit, Path(scratch))
        notebooks = {path.stem: path.read_bytes() for path in sorted(released.glob("*.ipynb"))}
        leaking = [
            Problem(
                f"{course.steps['release']}/{unit}: {leak.where}",
                f"'{leak.piece}' of the solution stands in the student version",
            )
            for leak in leaked(course, unit, released)
        ]
    entries: list[Variant] = [*bank.variants, *bank.misconceptions] if bank else []
    placed = [entry_answer(assignment, entry) for entry in entries]
    answers = solution_answers(assignment)
    reach = {exercise.name: together.reach(assignment, exercise) for exercise in assignment.exercises}
    groups = together.groups(
        [(exercise, _kind(entry)) for entry, (exercise, _) in zip(entries, placed, strict=True)], reach
    )

    def judge(group: tuple[int, ...]) -> list[Result]:
        """The result of each entry of a group. Where one is not what it should be, each is graded by itself."""
        chosen = [placed[n] for n in group]
        filled = {exercise.name: source for exercise, source in chosen}
        tests = {test for name in filled for test in reach[name]}
        whole = grade(_submission(assignment, notebooks, answers | filled), together.only(assignment, tests))
        shares = [together.share(whole, [one for one, _ in chosen if one is not mine]) for mine, _ in chosen]
        wrong = [
            problem
            for n, (exercise, _), share in zip(group, chosen, shares, strict=True)
            for problem in _check_entry(entries[n], exercise, share)
        ]
        ended = all(test.verdict in (Verdict.PASSED, Verdict.FAILED) for test in _tests(whole))
        return shares if len(group) == 1 or (ended and not wrong) else [judge((n,))[0] for n in group]

    first = own.solution(course.source(unit), assignment, course.conventions)
    results = dict[int, Result]()
    with (
        ThreadPoolExecutor(workers) as pool,
        Progress(f"verifying {unit}", 2 + len(groups), show=progress) as bar,
    ):
        whole = pool.map(lambda one: grade(one, assignment), [first, _submission(assignment, notebooks, {})])
        judged = pool.map(judge, groups)
        solution, blank = whole
        bar.advance()
        bar.advance()
        for group, found in zip(groups, judged, strict=True):
            results.update(zip(group, found, strict=True))
            bar.advance()
    graded = [results[n] for n in range(len(entries))]

    problems = [*_check_ends(solution, blank, assignment)]
    rows = [
        Row("", "solution", "solution", _failed(solution, None), _named(solution)),
        Row("", "blank", "student version", _failed(blank, None), _named(blank)),
    ]
    for entry, (exercise, _), result in zip(entries, placed, graded, strict=True):
        rows.append(Row(exercise.name, _kind(entry), entry.name, _failed(result, exercise), _named(result)))
        problems += _check_entry(entry, exercise, result)
    problems += leaking
    if bank:
        problems += _check_bank(assignment, bank)
        problems += _check_every_test_can_fail(assignment, rows)
        problems += _check_plain_kernel(course, assignment, run)
        problems += _check_pointers(root, unit, bank)
    problems += [Problem(f"lectures/{unit}", what) for what in reading.problems(root, unit)]
    seconds, budget = sum(test.seconds for test in _tests(solution)), (bank or Bank()).test_seconds
    if seconds > budget:
        again = min(sum(t.seconds for t in _tests(grade(first, assignment))) for _ in range(2))
        seconds = min(seconds, again)
    if seconds > budget:
        what = f"the tests take {seconds:.1f} s on the solution; the budget is {budget:g} s"
        problems.append(Problem(unit, what))
    return Report(unit, tuple(rows), tuple(problems), seconds)


def _kind(entry: Variant) -> str:
    return "misconception" if isinstance(entry, WrongAnswer) else "variant"


def _submission(assignment: Assignment, released: Mapping[str, bytes], answers: Answers) -> Submission:
    """The student version with the cells named in `answers` replaced."""
    ids = {notebook.name: {cell.id for cell in notebook.cells} for notebook in assignment.notebooks}
    files = (
        (
            f"{name}.ipynb",
            fill(content, {id: source for id, source in answers.items() if id in ids.get(name, ())}),
        )
        for name, content in released.items()
    )
    return Submission(assignment.unit, tuple(files))


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


def _check_plain_kernel(course: Course, assignment: Assignment, run: Run) -> Iterator[Problem]:
    """In one plain kernel, with the explore cells: no test fails, and each says that its public checks passed."""
    unit = assignment.unit
    path = course.source(unit) / f"{unit}.ipynb"
    tests = {
        cell.id for notebook in assignment.notebooks for cell in notebook.cells if cell.role is Role.TEST
    }
    try:
        executed = run(nbformat.read(path, as_version=4), path)
    except CourseError as error:
        yield Problem(unit, f"in one plain kernel, explore cells included, {error}")
        return
    for cell in executed.cells:
        grade_id = nbgrader_of(cell).get("grade_id")
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
