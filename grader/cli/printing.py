"""What the commands print for people: tables and lines from what they found."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from grader.engine.result import Status, Verdict
from grader.text import some

if TYPE_CHECKING:
    from grader.batch.grade import ClassSummary
    from grader.cli.doctor import Finding
    from grader.learner.check import Answer, Checked
    from grader.record.merge import Merged
    from grader.release.release import Released
    from grader.release.verify import Report
    from grader.source.course import Course

console = Console()
MOST_ROWS = 60
"""Rows that a table of a class has in a terminal; of a larger class it shows those without a score."""


def show_checked(checked: Checked, console: Console) -> None:
    """Print what was found: a table of the exercises, then what there is to say about those that do not pass."""
    title = f"{checked.unit}: {checked.points:g} of {checked.max_points:g} points"
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    table.add_column("exercise", no_wrap=True)
    table.add_column("")
    table.add_column("points", justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    for answer in checked.exercises:
        points = f"{answer.points:g}/{answer.max_points:g}"
        table.add_row(answer.exercise, Text(answer.title), points, answer.state)
    for question in checked.questions:
        table.add_row(question.id, Text(question.title), f"-/{question.points:g}", "in words")
    console.print(table)
    from grader.learner.check import FAILED

    for answer in checked.exercises:
        if answer.state == FAILED:
            _show_failure(answer, console)
    for remark in checked.remarks:
        console.print(Text(remark))
    if checked.questions and not checked.solutions:
        first = checked.questions[0].id
        console.print(
            Text(f"No test reads an answer in words: when yours stands, compare it with --solution {first}")
        )
    for solution in checked.solutions:
        console.print(Text(f"\n# {solution.name}", style="bold"))
        console.print(Text(solution.source), soft_wrap=True)


def _show_failure(answer: Answer, console: Console) -> None:
    """What there is to say about an exercise that does not pass."""
    console.print(Text(f"{answer.exercise}: {answer.points:g} of {answer.max_points:g} points", style="bold"))
    if answer.error:
        console.print(Text(f"Your cell raised {answer.error}"))
    tests = Table.grid(padding=(0, 2, 0, 0))
    above = ""
    for test in answer.tests:
        points = f"{test.points:g}/{test.max_points:g}"
        tests.add_row(str(test.verdict), points, Text(test.title))
        if test.verdict is not Verdict.PASSED:
            message = ("in a hidden check: " if test.hidden else "") + test.message
            tests.add_row("", "", Text("the same as above" if test.message == above else message))
            above = test.message
    console.print(tests)
    if advice := answer.advice:
        console.print(Text(f'{advice.says} See {advice.lecture}, section "{advice.section}".'))
    if answer.hint:
        number, count = answer.hint_number, answer.hints
        more = f" (--hint {number + 1} gives the next)" if number < count else ""
        console.print(Text(f"Hint {number} of {count}{more}: {answer.hint}"))
    console.print()


def show_class(summary: ClassSummary, kinds: Mapping[str, str] | None = None) -> None:
    """Print a row for each student: points per exercise, total, status; then the reasons, a line each."""
    title = f"{summary.unit}: {len(summary.rows)} submissions"
    table = Table(title=title, box=SIMPLE_HEAD, padding=0, pad_edge=False)
    table.add_column("student", overflow="fold", min_width=9)
    if kinds:
        table.add_column("handed in", no_wrap=True)
    for exercise in summary.exercises:
        table.add_column(exercise.replace("_", " "), justify="right", overflow="fold")
    table.add_column("total", justify="right", no_wrap=True)
    table.add_column("status", no_wrap=True)
    rows = summary.rows
    if len(rows) > MOST_ROWS:
        rows = tuple(row for row in rows if row.status is not Status.GRADED)[:MOST_ROWS]
        table.caption = (
            f"{len(summary.rows) - len(rows)} more are left out: `grader report {summary.unit}` shows all"
        )
    for row in rows:
        graded = row.status is Status.GRADED
        points = [f"{value:g}" for value in row.points] if graded else ["-"] * len(summary.exercises)
        total = "-" if row.score is None else f"{row.score:g}/{row.max_score:g}"
        if row.total is not None and row.score is not None:
            total = f"{row.total:g}/{row.max_total:g}"
        kind = [kinds.get(row.student, "")] if kinds else []
        table.add_row(*(escape(cell) for cell in (row.student, *kind, *points, total, row.status)))
    console.print(table)
    for row in summary.rows:
        reason = () if row.status is Status.GRADED else (row.reason,)  # a graded one's is among its incidents
        for remark in (*filter(None, reason), *row.incidents):
            console.print(f"{row.student}: {remark}", markup=False, highlight=False, soft_wrap=True)
        if row.penalty:
            console.print(
                f"{row.student}: {row.penalty:g} points off, because late", markup=False, soft_wrap=True
            )


def show_moves(summary: ClassSummary) -> None:
    """Print whose outcome is another than at the last grading: the tests that made it so, and below why."""
    if not summary.moves:
        return
    table = Table(title="moved since the last grading", box=SIMPLE_HEAD, padding=0, pad_edge=False)
    for name in ("student", "before", "after", "status", "tests"):
        table.add_column(name, overflow="fold", justify="right" if name in ("before", "after") else "left")
    for move in summary.moves:
        scores = ("-" if value is None else f"{value:g}" for value in (move.before, move.after))
        tests = []
        for test in move.tests:
            verdicts = f"{test.before or 'none'} -> {test.after or 'none'}"
            change = verdicts if test.before != test.after else "other points"
            tests.append(f"{test.id} {test.points_after - test.points_before:+g}: {change}")
        shown = [*tests[:3], f"and {len(tests) - 3} more"] if len(tests) > 4 else tests
        table.add_row(*(escape(cell) for cell in (move.student, *scores, move.status, "\n".join(shown))))
    console.print(table)
    for why, count in Counter(move.why for move in summary.moves).most_common():
        print(f"{count} moved: {why}")
    print("every move with all its tests is in .grader/state.db, table moves")


def show_released(done: Released, course: Course) -> None:
    """Print what to hand out, what is new in it, and which tests the unit's own versions find wrong."""
    from grader.record.own import complaints

    points = f"{done.test_points:g} points by tests, {done.written_points:g} by hand"
    due = f"due {course.local(done.duedate)}" if done.duedate else "no due date (formgrader sets one)"
    print(f"{done.unit}: hand out {done.folder}: {', '.join(done.files)}")
    print(f"  {points}; no solution and no hidden test in it; in the gradebook, {due}")
    print(f"  badge and %pip line: {done.repository or 'none in this notebook'}")
    for line in complaints(done.failures, done.open_tests):
        print(f"  {line}")
    if done.in_process:
        tests = some(done.in_process, 10)
        print(
            f"  passed in one plain kernel, where a student could cheat: {tests}; "
            + (
                f"`grader release {done.unit} --in-process` lets them run in the student's process"
                if done.failures.keys() & {*done.in_process}
                else "they run in the student's process from now on"
            )
        )
    if not done.changed:
        print(f"  nothing changed since the release of {done.since}")
    if done.edits:
        print(f"  changed since the last release: {', '.join(map(str, done.edits))}")
    if done.graded and (done.edits or done.first):
        print(
            f"  graded already: {some(done.graded, 10, ascii)}; the next `grader grade {done.unit}` brings them up to date"
        )


def show_merged(done: Merged, *, dry_run: bool) -> None:
    """Print the values that were taken over or are in conflict, and how many of each."""
    from grader.record.merge import Decision

    shown = done.of(Decision.CONFLICT, Decision.KEPT, Decision.REPLACED, Decision.ABSENT)
    if shown:
        table = Table("student", "unit", "cell", "what", "ours", "theirs", "", box=SIMPLE_HEAD, padding=0)
        for value in shown:
            ours, field = "-" if value.ours is None else value.ours, value.field.replace("_", " ")
            texts = (
                ascii(value.student)[1:-1],
                value.unit,
                value.cell,
                field,
                ours,
                value.theirs,
                value.outcome,
            )
            table.add_row(*(escape(str(text)) for text in texts))
        console.print(table)
    counts = ", ".join(f"{len(done.of(outcome))} {outcome}" for outcome in Decision if done.of(outcome))
    print(
        f"{'would be: ' if dry_run else ''}{counts or 'the other gradebook holds nothing that a person entered'}"
    )
    if done.backup:
        print(f"the gradebook as it was: {done.backup}")
    if done.penalties:
        print("some of these submissions are late: `grader grade UNIT` brings their penalties up to date")


def show_verified(report: Report, *, rows: bool) -> None:
    """Print what does not hold of a unit's tests, and its bank in numbers; every entry with what it fails where `rows` are wanted."""
    if rows:
        table = Table("exercise", "kind", "name", "tests failed", "named in feedback", title=report.unit)
        for row in report.rows:
            table.add_row(row.exercise, row.kind, row.name, ", ".join(row.failed), ", ".join(row.named))
        console.print(table)
    for problem in report.problems:
        print(f"{report.unit}: {problem.culprit}: {problem.what}")
    kinds = Counter(row.kind for row in report.rows)
    right, wrong = kinds["variant"], kinds["misconception"]
    named = wrong - len(report.unnamed)
    bank = f"{right} variants, {wrong} misconceptions ({named} can be named)" if right or wrong else "no bank"
    print(
        f"{report.unit}: {bank}, tests take {report.test_seconds:.2f} s on the solution: "
        + (f"{len(report.problems)} problems" if report.problems else "all holds")
    )


def show_findings(findings: Sequence[Finding]) -> None:
    """What `grader doctor` found."""
    table = Table("", "what", "detail", title="grader doctor")
    for finding in findings:
        table.add_row(finding.mark, finding.what, escape(finding.detail))
    console.print(table)


def emit(result: Any) -> None:
    """Print a result as JSON, for a program to read: a dataclass, or a list of them."""
    plain = [asdict(item) for item in result] if isinstance(result, list) else asdict(result)
    print(json.dumps(plain, default=str))
