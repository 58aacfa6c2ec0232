"""Feedback for students: one page per notebook, from the journal (what tests said), the gradebook (what people said) and the
autograded notebook (what was handed in).

A page has what the student may know: their points, what the visible part of a test asks and found, that a hidden part did not
pass, the misconception where the grader recognised one, the exercise's first hint, and what their instructor wrote.
"""

from __future__ import annotations

import base64
import contextlib
import itertools
import json
import re
import time
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from markupsafe import Markup

from grader.engine.result import NotebookResult, Result, Status, TestResult, Verdict
from grader.engine.submission import SECRET, TIMESTAMP, read_submission, without_timestamp
from grader.errors import CourseError
from grader.files import IN_THE_WAY, write_whole
from grader.pages import html as pages
from grader.progress import Progress
from grader.record.autograded import NO_RESPONSE, PICTURES, Stamp, read_stamp
from grader.record.grades import CellGrade, SubmissionGrades, read_grades
from grader.record.journal import Journal
from grader.source.bank import WrongAnswer
from grader.source.course import Course, chosen, read_course
from grader.source.lock import disk_errors, hold
from grader.source.notebook import Assignment, Cell, Notebook
from grader.source.outline import Part, check_title, notebook_title, outline


@dataclass(frozen=True)
class Output:
    """Something that a student's cell put out: text, or a picture as a data address."""

    text: str = ""
    picture: str = ""
    error: bool = False


@dataclass(frozen=True)
class Answer:
    """A cell of the student's: code with its outputs, or text as inert HTML."""

    code: str = ""
    text: Markup | None = None
    outputs: tuple[Output, ...] = ()


@dataclass(frozen=True)
class Check:
    """One test cell. `verdict` is None where it was not run; `message` is what the student may read of a failure."""

    title: str
    verdict: Verdict | None
    points: float
    max_points: float
    message: str = ""
    public: bool = True
    public_source: str = ""
    has_hidden: bool = False
    by_hand: bool = False

    @property
    def state(self) -> str:
        if self.verdict is None:
            return "open"
        if self.verdict is not Verdict.PASSED:
            return "none"
        return "full" if self.points >= self.max_points else "part"


@dataclass(frozen=True)
class Section:
    """An exercise or a written question."""

    id: str
    title: str
    points: float
    max_points: float
    checks: tuple[Check, ...] = ()
    message: str = ""  # where every check that did not pass says the same
    misconceptions: tuple[WrongAnswer, ...] = ()
    hint: Markup | None = None
    question: Markup | None = None
    answer: Answer | None = None
    untouched: bool = False
    comment: Markup | None = None
    waiting: float = 0.0  # points that a person must still give
    again: bool = False  # a person gave points and must look again

    @property
    def state(self) -> str:
        if self.waiting:
            return "open"
        if self.points >= self.max_points:
            return "full"
        return "part" if self.points > 0 else "none"

    @property
    def passed(self) -> int:
        return sum(check.state == "full" for check in self.checks)


@dataclass(frozen=True)
class Page:
    """What one student's page of one notebook says. `problem` where the submission could not be graded."""

    unit: str
    lecture: str
    title: str
    student: str
    name: str
    handed_in: str
    score: float
    max_score: float
    penalty: float
    total: float
    waiting: float  # points that a person must still give
    problem: str = ""
    remark: str = ""  # about files: one under another name, one that is missing
    sections: tuple[Section, ...] = ()
    others: tuple[Answer, ...] = ()


@dataclass(frozen=True)
class Written:
    """What writing feedback did: how many submissions have it, how many pages are new or changed, and who has none or an old one."""

    unit: str
    submissions: int
    changed: int
    ungraded: tuple[str, ...]  # not graded by `grader grade` yet: no page was written
    resubmitted: tuple[str, ...]  # handed in again since: the page is about what was graded
    failed: tuple[str, ...]  # our fault: no page could be made, and what was there is as it was
    seconds: float = field(default=0.0, compare=False)


def write_feedback(
    folder: Path,
    unit: str,
    *,
    students: Collection[str] | None = None,
    db_url: str | None = None,
    progress: bool = True,
) -> Written:
    """Write feedback/<student>/<unit>/<notebook>.html for every submission that was graded, or those of `students` only.

    A page that is there already, byte for byte, is not written again. Raises CourseError where the course or its gradebook
    cannot be read, a student is unknown, or another grader is at work.
    """
    start = time.monotonic()
    course = read_course(folder, db_url)
    assignment = course.assignment(unit)
    wanted = chosen(course.students(unit), students, unit)
    submissions = changed = 0
    ungraded: list[str] = []
    resubmitted: list[str] = []
    failed: list[str] = []
    with disk_errors(course), hold(course.state), contextlib.ExitStack() as stack:
        writer = Writer(course, assignment, read_grades(course, unit))
        journal = stack.enter_context(contextlib.closing(Journal(course.state)))
        bar = stack.enter_context(Progress(f"feedback {unit}", len(wanted), show=progress))
        for student in wanted:
            bar.advance()
            stamp = read_stamp(course.folder("autograded", student, unit), assignment)
            result = journal.get(stamp.key) if stamp else None
            marks = writer.marks.get(student)
            if stamp is None or result is None or marks is None:
                ungraded.append(student)
            else:
                try:
                    made = writer.make(student, result, marks, stamp)
                except CourseError:
                    raise
                except Exception:  # one submission that our own code stumbles over must not stop the class
                    failed.append(student)
                    continue
                try:
                    changed += sum(write_whole(path, content) for path, content in made.items())
                    if not writer.carry_over(student, stamp):
                        resubmitted.append(student)
                    submissions += 1
                except IN_THE_WAY:
                    failed.append(student)
    left_out = tuple(ungraded), tuple(resubmitted), tuple(failed)
    return Written(unit, submissions, changed, *left_out, time.monotonic() - start)


class Writer:
    """Makes and writes the pages of one unit."""

    def __init__(self, course: Course, assignment: Assignment, marks: Mapping[str, SubmissionGrades]) -> None:
        self.course, self.assignment, self.marks = course, assignment, marks
        self._outlines = {notebook.name: tuple(outline(notebook)) for notebook in assignment.notebooks}
        self._known = {
            notebook.name: frozenset(cell.source for cell in notebook.cells)
            for notebook in assignment.notebooks
        }

    def make(self, student: str, result: Result, marks: SubmissionGrades, stamp: Stamp) -> dict[Path, bytes]:
        """A student's pages: where each belongs, and its bytes."""
        folder = self.course.folder("feedback", student, self.assignment.unit)
        return {
            folder / f"{notebook.name}.html": pages.render(
                "feedback.html", page=self.page(student, notebook, result, marks, stamp)
            ).encode()
            for notebook in self.assignment.notebooks
        }

    def carry_over(self, student: str, stamp: Stamp) -> bool:
        """Put nbgrader's files beside the pages, as its release_feedback wants them; False where the student has handed in again
        since (they are then left as they are, because they are the new submission's)."""
        unit = self.assignment.unit
        if self.course.is_link(student, unit):
            return True
        handed = read_submission(self.course.folder("submitted", student, unit), unit)
        submission, timestamp = without_timestamp(handed)
        if submission.digest != stamp.submission:
            return False
        for name, content in ((TIMESTAMP, timestamp), (SECRET, dict(handed.files).get(SECRET, b""))):
            if content:
                write_whole(self.course.folder("feedback", student, unit) / name, content)
        return True

    def page(
        self, student: str, notebook: Notebook, result: Result, marks: SubmissionGrades, stamp: Stamp
    ) -> Page:
        """What a student's page says."""
        folder = self.course.folder("autograded", student, self.assignment.unit)
        handed = json.loads((folder / f"{notebook.name}.ipynb").read_bytes())["cells"]
        theirs = {(cell["metadata"].get("nbgrader") or {}).get("grade_id", ""): cell for cell in handed}
        outcome = next(
            (n for n in result.notebooks if n.name == notebook.name), NotebookResult(notebook.name)
        )
        own = [
            cell
            for cell in handed
            if cell["cell_type"] != "code" and cell["source"] not in self._known[notebook.name]
        ]
        for cell, read in zip(own, itertools.accumulate(len(cell["source"]) for cell in own), strict=True):
            cell["typed"] = read > pages.MAX_PAGE
        pictures = _Pictures(folder)
        sections = tuple(
            self._section(notebook.name, part, outcome, theirs, marks, stamp, pictures)
            for part in self._outlines[notebook.name]
        )
        score = sum(section.points for section in sections)
        penalty = min(marks.penalties.get(notebook.name, 0.0), score)
        several = len(self.assignment.notebooks) > 1
        shown = result.status is Status.GRADED or any(
            mark.manual is not None for mark in marks.cells.values()
        )
        return Page(
            unit=self.assignment.unit,
            lecture=_number(self.assignment.unit),
            title=notebook_title(notebook) + (f" ({notebook.name})" if several else ""),
            student=student,
            name=marks.name,
            handed_in=f"{marks.timestamp:%Y-%m-%d %H:%M} UTC" if marks.timestamp else "",
            score=score,
            max_score=sum(section.max_points for section in sections),
            penalty=penalty,
            total=score - penalty,
            waiting=sum(section.waiting for section in sections),
            problem=_problem(result),
            remark=result.reason if result.status is Status.GRADED else "",
            sections=sections if shown else (),
            others=tuple(
                _answer(cell, pictures)
                for cell in handed
                if result.status is Status.GRADED
                and cell["source"].strip()
                and cell["source"] not in self._known[notebook.name]
                and not _is_graded(cell)
            ),
        )

    def _section(
        self,
        notebook: str,
        part: Part,
        outcome: NotebookResult,
        theirs: Mapping[str, Any],
        marks: SubmissionGrades,
        stamp: Stamp,
        pictures: _Pictures,
    ) -> Section:
        tests = {test.id: test for test in outcome.tests}
        given = {
            cell: marks.cells[notebook, cell.id] for cell in part.graded if (notebook, cell.id) in marks.cells
        }
        checks = tuple(_check(cell, part.cell.id, tests.get(cell.id), given.get(cell)) for cell in part.tests)
        points = sum(mark.score or 0.0 for mark in given.values())
        failures = [check for check in checks if check.state == "none"]
        same = len(failures) > 1 and len({(check.message, check.public) for check in failures}) == 1
        key = notebook, part.cell.id
        untouched = key in stamp.untouched
        comment = marks.comments.get(key, "")
        lost = points < part.max_points and bool(checks)
        return Section(
            id=part.cell.id,
            title=part.title,
            points=points,
            max_points=part.max_points,
            checks=checks,
            message=failures[0].message if same else "",
            misconceptions=self._misconceptions(part.cell.id, outcome.named) if lost else (),
            hint=pages.markdown(part.hint) if lost and part.hint else None,
            question=pages.markdown(part.question) if part.question else None,
            answer=_answer(theirs[part.cell.id], pictures)
            if part.cell.solution and part.cell.id in theirs
            else None,
            untouched=untouched,
            comment=pages.markdown(comment) if comment and comment != NO_RESPONSE else None,
            waiting=sum(cell.points for cell, mark in given.items() if mark.score is None),
            again=any(mark.waits and mark.manual is not None for mark in given.values()),
        )

    def _misconceptions(self, exercise: str, named: tuple[tuple[str, str], ...]) -> tuple[WrongAnswer, ...]:
        known = self.assignment.misconceptions
        return tuple(known[name] for owner, name in named if owner == exercise and name in known)


def _check(cell: Cell, exercise: str, test: TestResult | None, mark: CellGrade | None) -> Check:
    auto = test.points if test else 0.0
    points = mark.score if mark is not None and mark.score is not None else auto
    return Check(
        title=check_title(cell, exercise),
        verdict=test.verdict if test else None,
        points=points,
        max_points=cell.points,
        message=test.student_message if test else "",
        public=test.public if test else True,
        public_source=cell.public_source.strip("\n"),
        has_hidden=cell.public_source != cell.source,
        by_hand=mark is not None and mark.manual is not None,
    )


def _number(unit: str) -> str:
    """A unit's number as its lecture has it ("05"); the whole name where it has none."""
    return unit.partition("_")[0] if unit.partition("_")[0].isdigit() else unit


def _problem(result: Result) -> str:
    if result.status is Status.UNGRADABLE:
        why = result.reason or "it cannot be read"
        return f"Your submission could not be graded: {why}. Ask your instructor whether you can hand it in again."
    if result.status is Status.GRADER_FAILED:
        return "Your submission has not been graded yet, for a reason that is not yours. Your instructor has been told."
    return ""


def _is_graded(cell: Mapping[str, Any]) -> bool:
    meta = cell["metadata"].get("nbgrader") or {}
    return bool(meta.get("grade") or meta.get("solution") or meta.get("locked"))


@dataclass(frozen=True)
class _Pictures:
    """The pictures beside a student's notebook, as data addresses: a page is one file."""

    folder: Path

    def embed(self, html: Markup) -> Markup:
        return Markup(re.sub(r'(<img[^>]*? src=")(?!data:)([^"]*)"', self._embedded, str(html)))

    def _embedded(self, found: re.Match[str]) -> str:
        path = self.folder / found[2]
        inside = ".." not in path.parts and path.suffix.lower() in PICTURES
        try:
            content = path.read_bytes() if inside else b""
        except OSError:
            content = b""
        kind = {".jpg": "jpeg"}.get(path.suffix.lower(), path.suffix.lower()[1:])
        address = f"data:image/{kind};base64,{base64.b64encode(content).decode()}" if content else ""
        return f'{found[1]}{address}"'


def _answer(cell: Mapping[str, Any], pictures: _Pictures) -> Answer:
    if cell.get("typed"):
        return Answer(text=pages.as_typed(cell["source"]))
    if cell["cell_type"] != "code":
        return Answer(text=pictures.embed(pages.markdown(cell["source"], cell.get("attachments"))))
    return Answer(code=cell["source"].strip("\n"), outputs=tuple(_outputs(cell.get("outputs", ()))))


def _outputs(outputs: Collection[Mapping[str, Any]]) -> Iterator[Output]:
    for output in outputs:
        if output["output_type"] == "stream":
            yield Output(text="".join(output["text"]))
        elif output["output_type"] == "error":
            traceback = "\n".join(output.get("traceback", ())) or f"{output['ename']}: {output['evalue']}"
            yield Output(text=traceback, error=True)
        else:
            data = output.get("data", {})
            kind = next((kind for kind in ("image/png", "image/jpeg") if kind in data), "")
            if kind:
                yield Output(picture=f"data:{kind};base64,{''.join(data[kind])}")
            elif "text/plain" in data:
                yield Output(text="".join(data["text/plain"]))
