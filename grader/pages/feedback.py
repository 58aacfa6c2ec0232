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
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

from markupsafe import Markup

from grader.engine import explain
from grader.engine.result import NotebookResult, Result, Status
from grader.engine.submission import SECRET, TIMESTAMP, read_submission
from grader.errors import CourseError
from grader.files import IN_THE_WAY, write_whole
from grader.pages import html as pages
from grader.progress import Progress
from grader.record.autograded import NO_RESPONSE, PICTURES, Stamp, read_stamp
from grader.record.grades import CellGrade, SubmissionGrades, read_grades
from grader.record.journal import Journal
from grader.source.course import Course, chosen, read_course
from grader.source.lock import disk_errors, hold
from grader.source.notebook import Assignment, Notebook, Role, nbgrader_of
from grader.source.outline import Part, notebook_title, outline

Json = Mapping[str, Any]


@dataclass(frozen=True)
class Section:
    """An exercise or a written question: what its tests found, and what the gradebook says of it.

    `grades` go by cell; the points of `checks` are the gradebook's, where it has them. `answer` is the student's cell.
    """

    part: Part
    checks: tuple[explain.Check, ...]
    grades: Mapping[str, CellGrade]
    advice: explain.Advice | None
    answer: Json | None
    untouched: bool
    comment: str

    @property
    def points(self) -> float:
        return sum(grade.score or 0.0 for grade in self.grades.values())

    @property
    def lost(self) -> bool:
        """Whether tests took points, so that help is due."""
        return self.points < self.part.max_points and bool(self.checks)

    @property
    def waiting(self) -> float:
        """Points that a person must still give."""
        open_cells = (cell for cell in self.part.graded if cell.id in self.grades)
        return sum(cell.points for cell in open_cells if self.grades[cell.id].score is None)

    @property
    def again(self) -> bool:
        """Whether a person gave points and must look again."""
        return any(grade.waits and grade.manual is not None for grade in self.grades.values())

    @property
    def state(self) -> str:
        if self.waiting:
            return "open"
        if self.points >= self.part.max_points:
            return "full"
        return "part" if self.points > 0 else "none"

    @property
    def message(self) -> str:
        """What every check that did not pass says, where there are several and they say the same."""
        failed = [check for check in self.checks if check.state == "none"]
        same = len(failed) > 1 and len({(check.message, check.hidden) for check in failed}) == 1
        return failed[0].message if same else ""


@dataclass(frozen=True)
class Page:
    """What one student's page of one notebook says: its sections, and the other cells that are the student's own."""

    unit: str
    title: str
    notebook: str
    student: str
    result: Result
    grades: SubmissionGrades
    sections: tuple[Section, ...]
    others: tuple[Json, ...]
    folder: Path  # of the pictures that text cells show
    lecture: str = ""  # its address, where the notebook says it

    def text(self, cell: Json) -> Markup:
        """A text cell as inert HTML."""
        if cell.get("typed"):
            return pages.as_typed(cell["source"])
        return _with_pictures(pages.markdown(cell["source"], cell.get("attachments")), self.folder)


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
        writer, grades = Writer(course, assignment), read_grades(course, unit)
        journal = stack.enter_context(contextlib.closing(Journal(course.state)))
        bar = stack.enter_context(Progress(f"feedback {unit}", len(wanted), show=progress))
        for student in wanted:
            bar.advance()
            stamp = read_stamp(course.folder("autograded", student, unit), assignment)
            result = journal.get(stamp.key) if stamp else None
            if stamp is None or result is None or student not in grades:
                ungraded.append(student)
                continue
            try:
                made = writer.make(student, result, grades[student], stamp)
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
    names = tuple(ungraded), tuple(resubmitted), tuple(failed)
    return Written(unit, submissions, changed, *names, time.monotonic() - start)


class Writer:
    """Makes and writes the pages of one unit."""

    def __init__(self, course: Course, assignment: Assignment) -> None:
        self.course, self.assignment = course, assignment
        self._parts = {notebook.name: tuple(outline(notebook)) for notebook in assignment.notebooks}

    def make(self, student: str, result: Result, grades: SubmissionGrades, stamp: Stamp) -> dict[Path, bytes]:
        """A student's pages: where each belongs, and its bytes."""
        folder = self.course.folder("feedback", student, self.assignment.unit)
        return {
            folder / f"{notebook.name}.html": pages.render(
                "feedback.html", page=self.page(student, notebook, result, grades, stamp)
            ).encode()
            for notebook in self.assignment.notebooks
        }

    def carry_over(self, student: str, stamp: Stamp) -> bool:
        """Put nbgrader's files beside the pages, as its release_feedback wants them; False where the student has handed in again
        since (they are then left as they are, because they are the new submission's)."""
        unit = self.assignment.unit
        if self.course.is_link(student, unit):
            return True
        submission = read_submission(self.course.folder("submitted", student, unit), unit)
        if submission.digest != stamp.submission:
            return False
        for name, content in ((TIMESTAMP, submission.timestamp), (SECRET, submission.secret)):
            if content:
                write_whole(self.course.folder("feedback", student, unit) / name, content)
        return True

    def page(
        self, student: str, notebook: Notebook, result: Result, grades: SubmissionGrades, stamp: Stamp
    ) -> Page:
        """What a student's page says."""
        folder = self.course.folder("autograded", student, self.assignment.unit)
        cells = json.loads((folder / f"{notebook.name}.ipynb").read_bytes())["cells"]
        graded = result.status is Status.GRADED
        released = {cell.source for cell in notebook.cells}
        own = [cell for cell in cells if cell["source"] not in released]
        texts = [cell for cell in own if cell["cell_type"] != "code"]
        lengths = itertools.accumulate(len(cell["source"]) for cell in texts)
        for cell, length in zip(texts, lengths, strict=True):
            cell["typed"] = length > pages.MAX_PAGE
        answers = {nbgrader_of(cell).get("grade_id", ""): cell for cell in cells}
        shown = graded or any(grade.manual is not None for grade in grades.cells.values())
        several = len(self.assignment.notebooks) > 1
        return Page(
            unit=self.assignment.unit,
            title=notebook_title(notebook) + (f" ({notebook.name})" if several else ""),
            notebook=notebook.name,
            student=student,
            result=result,
            grades=grades,
            sections=tuple(
                self._section(part, result.of(notebook.name), answers.get(part.cell.id), grades, stamp)
                for part in self._parts[notebook.name]
                if shown
            ),
            others=tuple(cell for cell in own if graded and cell["source"].strip() and not _is_graded(cell)),
            folder=folder,
            lecture=_lecture(notebook),
        )

    def _section(
        self, part: Part, outcome: NotebookResult, answer: Json | None, grades: SubmissionGrades, stamp: Stamp
    ) -> Section:
        notebook, key = outcome.name, (outcome.name, part.cell.id)
        own = {c.id: grades.cells[notebook, c.id] for c in part.graded if (notebook, c.id) in grades.cells}
        scores = {id: grade.score for id, grade in own.items() if grade.score is not None}
        comment = grades.comments.get(key, "")
        return Section(
            part=part,
            checks=tuple(
                replace(check, points=scores.get(check.id, check.points))
                for check in explain.checks(part, outcome, details=False)
            ),
            grades=own,
            advice=explain.advice(part, outcome, self.assignment),
            answer=answer if part.cell.solution else None,
            untouched=key in stamp.untouched,
            comment="" if comment == NO_RESPONSE else comment,
        )


def _lecture(notebook: Notebook) -> str:
    """Where the lecture is published that a notebook names first: its link is relative to the notebook that the badge opens.
    Empty where the notebook has not both."""
    text = "\n".join(cell.source for cell in notebook.cells if cell.role is Role.TEXT)
    badge = re.search(r"\((https://colab\.research\.google\.com/[^\s()]+\.ipynb)\)", text)
    link = re.search(r"\(((?:\.\./)+lectures/[^\s()]+\.ipynb)\)", text)
    return urljoin(badge[1], link[1]) if badge and link else ""


def _is_graded(cell: Json) -> bool:
    return any(nbgrader_of(cell).get(name) for name in ("grade", "solution", "locked"))


def _with_pictures(html: Markup, folder: Path) -> Markup:
    """A page is one file: pictures beside a student's notebook become data addresses, and what is none becomes nothing."""

    def embedded(image: re.Match[str]) -> str:
        path = folder / image[2]
        inside, content = ".." not in path.parts and path.suffix.lower() in PICTURES, b""
        with contextlib.suppress(OSError):
            content = path.read_bytes() if inside else b""
        kind = {".jpg": "jpeg"}.get(path.suffix.lower(), path.suffix.lower()[1:])
        address = f"data:image/{kind};base64,{base64.b64encode(content).decode()}" if content else ""
        return f'{image[1]}{address}"'

    return Markup(re.sub(r'(<img[^>]*? src=")(?!data:)([^"]*)"', embedded, str(html)))
