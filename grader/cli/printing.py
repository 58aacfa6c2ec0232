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

# ------------------------------------------------------------------------------------------------- in print


def show_checked(checked: Checked, console: Console) -> None:
    """Print what was found: a table of the exercises, then what there is to say about those that do not pass."""
    table = Table(
        title=f"{checked.unit}: {checked.points:g} of {checked.max_points:g} points",
        title_justify="left",
        box=SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
        pad_edge=False,
    )
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
    said = ""
    for test in answer.tests:
        points = f"{test.points:g}/{test.max_points:g}"
        tests.add_row(str(test.verdict), points, Text(test.title))
        if test.verdict is not Verdict.PASSED:
            where = "in a hidden check: " if test.hidden else ""
            tests.add_row("", "", Text("the same as above" if test.message == said else where + test.message))
            said = test.message
    console.print(tests)
    if advice := answer.advice:
        console.print(Text(f'{advice.says} See {advice.lecture}, section "{advice.section}".'))
    if answer.hint:
        more = (
            f" (--hint {answer.hint_number + 1} gives the next)" if answer.hint_number < answer.hints else ""
        )
        console.print(Text(f"Hint {answer.hint_number} of {answer.hints}{more}: {answer.hint}"))
    console.print()


console = Console()


def show_class(summary: ClassSummary, kinds: Mapping[str, str] | None = None) -> None:
    """Print a row for each student: points per exercise, total, status; then the reasons, a line each."""
    table = Table(
        title=f"{summary.unit}: {len(summary.rows)} submissions", box=SIMPLE_HEAD, padding=0, pad_edge=False
    )
    table.add_column("student", overflow="fold", min_width=9)
    if kinds:
        table.add_column("handed in", no_wrap=True)
    for exercise in summary.exercises:
        table.add_column(exercise.replace("_", " "), justify="right", overflow="fold")
    table.add_column("total", justify="right", no_wrap=True)
    table.add_column("status", no_wrap=True)
    for row in summary.rows:
        graded = row.status is Status.GRADED
        points = [f"{value:g}" for value in row.points] if graded else ["-"] * len(summary.exercises)
        total = f"{row.score:g}/{row.max_score:g}" if graded else "-"
        kind = [kinds.get(row.student, "")] if kinds else []
        table.add_row(*(escape(cell) for cell in (row.student, *kind, *points, total, row.status)))
    console.print(table)
    for row in summary.rows:
        for remark in (*([row.reason] if row.reason else []), *row.incidents):
            console.print(f"{row.student}: {remark}", markup=False, highlight=False, soft_wrap=True)


def show_moves(summary: ClassSummary) -> None:
    """Print whose outcome is another than at the last grading: the tests that made it so, and below why."""
    if not summary.moves:
        return
    table = Table(title="moved since the last grading", box=SIMPLE_HEAD, padding=0, pad_edge=False)
    for name in ("student", "before", "after", "status", "tests"):
        table.add_column(name, overflow="fold", justify="right" if name in ("before", "after") else "left")
    for move in summary.moves:
        scores = ("-" if value is None else f"{value:g}" for value in (move.before, move.after))
        tests = [
            f"{test.id} {test.points_after - test.points_before:+g}: "
            + (
                f"{test.before or 'none'} -> {test.after or 'none'}"
                if test.before != test.after
                else "other points"
            )
            for test in move.tests
        ]
        shown = [*tests[:3], f"and {len(tests) - 3} more"] if len(tests) > 4 else tests
        table.add_row(*(escape(cell) for cell in (move.student, *scores, move.status, "\n".join(shown))))
    console.print(table)
    for why, count in Counter(move.why for move in summary.moves).most_common():
        print(f"{count} moved: {why}")
    print("every move with all its tests is in .grader/state.db, table moves")


def show_released(done: Released) -> None:
    """Print what to hand out, and what is new in it."""
    points = f"{done.test_points:g} points by tests, {done.written_points:g} by hand"
    due = f"due {done.duedate:%Y-%m-%d %H:%M} UTC" if done.duedate else "no due date (formgrader sets one)"
    print(f"{done.unit}: hand out {done.folder}: {', '.join(done.files)}")
    print(f"  {points}; no solution and no hidden test in it; in the gradebook, {due}")
    print(f"  badge and %pip line: {done.repository or 'none in this notebook'}")
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
    from grader.record.merge import Outcome

    shown = done.of(Outcome.CONFLICT, Outcome.KEPT, Outcome.REPLACED, Outcome.ABSENT)
    if shown:
        table = Table("student", "unit", "cell", "what", "ours", "theirs", "", box=SIMPLE_HEAD, padding=0)
        for value in shown:
            texts = (
                value.unit,
                value.cell,
                value.field.replace("_", " "),
                value.ours,
                value.theirs,
                value.outcome,
            )
            table.add_row(
                escape(ascii(value.student)[1:-1]), *(escape(str("-" if t is None else t)) for t in texts)
            )
        console.print(table)
    counts = ", ".join(f"{len(done.of(outcome))} {outcome}" for outcome in Outcome if done.of(outcome))
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
    print(
        f"{report.unit}: {kinds['variant']} variants, {kinds['misconception']} misconceptions "
        f"({kinds['misconception'] - len(report.unnamed)} can be named), "
        f"tests take {report.test_seconds:.2f} s on the solution: "
        + (f"{len(report.problems)} problems" if report.problems else "all holds")
    )


def show_findings(findings: Sequence[Finding]) -> None:
    """What `grader doctor` found."""
    table = Table("", "what", "detail", title="grader doctor")
    for finding in findings:
        table.add_row(finding.mark, finding.what, finding.detail)
    console.print(table)


def emit(found: Any) -> None:
    """Print what was found as JSON, for a program to read: a dataclass, a list of them, or what is plain already."""
    if isinstance(found, (list, tuple)):
        plain: Any = [asdict(item) for item in found]
    else:
        plain = found if isinstance(found, dict) else asdict(found)
    print(json.dumps(plain, default=str))
