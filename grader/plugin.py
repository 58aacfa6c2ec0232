"""nbgrader plug-ins: our engine inside `nbgrader autograde` and formgrader, and feedback without hidden tests.

In nbgrader_config.py:

    c.Autograde.autograde_preprocessors = [
        "grader.plugin.SafeExecute",  # in place of nbgrader.preprocessors.Execute
        "nbgrader.preprocessors.LimitOutput",
        "nbgrader.preprocessors.SaveAutoGrades",
        "nbgrader.preprocessors.AssignLatePenalties",
        "nbgrader.preprocessors.CheckCellMetadata",
    ]
    c.GenerateFeedback.preprocessors = [
        "grader.plugin.HideTests",
        "nbgrader.preprocessors.GetGrades",
        "nbconvert.preprocessors.CSSHTMLHeaderPreprocessor",
    ]
    c.HTMLExporter.filters = {"markdown2html": "grader.plugin.clean_markdown"}
    c.ExchangeFactory.list = "grader.plugin.Released"

The filter makes a stranger's HTML inert in formgrader too, where it could otherwise act as the instructor; the last line lets
formgrader say of a unit that it is released when `grader release` has released it.
"""

from __future__ import annotations

import functools
from datetime import timedelta
from pathlib import Path
from typing import Any

from jinja2 import pass_context
from nbformat import NotebookNode, from_dict
from nbgrader.api import Gradebook
from nbgrader.converters.base import NbGraderException
from nbgrader.coursedir import CourseDirectory
from nbgrader.exchange.default import ExchangeList
from nbgrader.preprocessors import NbGraderPreprocessor
from nbgrader.utils import check_directory, is_grade, is_solution
from traitlets import Bool

from grader.engine import grade as engine
from grader.engine.result import NotebookResult, Result, Status
from grader.engine.submission import Submission, load_notebook, read_cells, read_submission
from grader.pages import html
from grader.record import own
from grader.record.autograded import STAMP, sentence, test_outputs
from grader.record.journal import released_units
from grader.sandbox.limits import Limits
from grader.source.conventions import conventions
from grader.source.course import read_course, read_extensions
from grader.source.notebook import Assignment, Cell, Role, nbgrader_of, read_assignment, source_cells

Resources = dict[str, Any]


class SafeExecute(NbGraderPreprocessor):
    """Grades the submission with our engine and puts the outcome where nbgrader looks for it: into the cells' outputs.

    What runs is the submission as it was handed in and the instructor's tests from the source folder; of the notebook that
    nbgrader has prepared, only the outputs are filled in.
    """

    allow_unsandboxed = Bool(False, help="Grade where strangers' code cannot be isolated.").tag(config=True)
    _last: tuple[str, Result] | None = None  # of a unit with several notebooks, nbgrader brings one at a time

    def preprocess(self, nb: NotebookNode, resources: Resources) -> tuple[NotebookNode, Resources]:
        """Raises NbGraderException, which leaves this submission without a score, where it cannot be graded."""
        asked = resources["nbgrader"]
        course, unit = self._course_directory(), asked["assignment"]
        source = Path(course.format_path(course.source_directory, ".", unit))
        handed_in = Path(course.format_path(course.submitted_directory, asked["student"], unit))
        style = conventions(self.config, Path(course.root))
        assignment, submission = read_assignment(source, style), read_submission(handed_in, unit)
        limits = Limits()
        key = engine.result_key(submission, assignment, limits)
        solution = own.solution(source, assignment, style)
        if unfair := _failures(solution, assignment, limits, self.allow_unsandboxed):
            raise NbGraderException("; ".join(own.complaints(unfair, ())))
        if SafeExecute._last is None or SafeExecute._last[0] != key:
            result = engine.grade(submission, assignment, limits, allow_unsandboxed=self.allow_unsandboxed)
            SafeExecute._last = key, result
        result = SafeExecute._last[1]
        for incident in result.incidents:
            self.log.warning("%s: %s", asked["student"], incident)
        if result.status is not Status.GRADED:
            SafeExecute._last = None
            raise NbGraderException(f"{asked['student']}: {sentence(result)}")
        name = asked["notebook"]
        outcome, content = result.of(name), submission.notebooks.get(name)
        same = content is not None and len(read_cells(load_notebook(content))) == len(nb.cells)
        _fill(nb, outcome, dict(outcome.outputs) if same else {})
        _add_missing(nb, outcome, source_cells(source / f"{name}.ipynb", style))
        _extend(course, asked)
        return nb, resources

    def _course_directory(self) -> CourseDirectory:
        """The course that the converter above us works in."""
        owner = self.parent
        while owner is not None:
            if getattr(owner, "coursedir", None) is not None:
                return owner.coursedir
            owner = owner.parent
        return CourseDirectory(parent=self)


@functools.lru_cache(maxsize=1)
def _failures(
    solution: Submission, assignment: Assignment, limits: Limits, allow_unsandboxed: bool
) -> dict[str, str]:
    """The tests that a unit's own solution does not pass, which nobody is to lose points by; found out once for a class."""
    return own.failures(engine.grade(solution, assignment, limits, allow_unsandboxed=allow_unsandboxed))


def _extend(course: CourseDirectory, asked: Resources) -> None:
    """Extra time from extensions.csv, put where nbgrader's late policy, which runs after us, looks for it."""
    unit, student = asked["assignment"], asked["student"]
    extra = read_extensions(Path(course.root), unit).get(student)
    if extra is not None:
        with Gradebook(asked["db_url"], course.course_id) as book:
            if book.find_assignment(unit).duedate is not None:  # otherwise nbgrader would fail
                book.grant_extension(unit, student, minutes=extra / timedelta(minutes=1))


def _fill(nb: NotebookNode, outcome: NotebookResult, outputs: dict[int, Any]) -> None:
    """Outputs into the cells: the examiner's verdicts into tests, what the student's cells put out into the others."""
    tests = {test.id: test for test in outcome.tests}
    for index, cell in enumerate(nb.cells):
        cell.metadata.pop(STAMP, None)
        if cell.cell_type != "code":
            continue
        is_test = is_grade(cell) and not is_solution(cell)
        test = tests.get(cell.metadata.nbgrader.get("grade_id")) if is_test else None
        if test is not None:
            cell.metadata[STAMP] = {"public": test.public}
        cell.outputs = from_dict(test_outputs(test) if test is not None else list(outputs.get(index, ())))


def _add_missing(nb: NotebookNode, outcome: NotebookResult, source: list[dict[str, Any]]) -> None:
    """Tests that the student deleted ran all the same: they go to the end, so that nbgrader records them."""
    there = {cell.metadata.get("nbgrader", {}).get("grade_id") for cell in nb.cells}
    by_id = {nbgrader_of(cell).get("grade_id"): cell for cell in source}
    for test in outcome.tests:
        if test.id not in there:
            cell = from_dict({**by_id[test.id], "outputs": test_outputs(test), "execution_count": None})
            cell.metadata[STAMP] = {"public": test.public}
            cell.pop("id", None)
            nb.cells.append(cell)


NEUTRAL = "A further check of this exercise did not pass. Its details are not shown."


class HideTests(NbGraderPreprocessor):
    """Takes hidden tests, and what failed in them, out of the notebook that nbgrader's own feedback is made from.

    A failure counts as public only where our engine said so: in a notebook that stock nbgrader graded, every failure of a test that
    has a hidden part is hidden.
    """

    def preprocess(self, nb: NotebookNode, resources: Resources) -> tuple[NotebookNode, Resources]:
        style = conventions(self.config, Path())
        for cell in nb.cells:
            ours = cell.metadata.pop(STAMP, {})
            if cell.cell_type != "code" or not is_grade(cell) or is_solution(cell):
                continue
            source = style.in_our_words(cell.source)
            cell.source = Cell("", Role.TEST, source).public_source
            failed = [output for output in cell.outputs if output.output_type == "error"]
            if failed and not ours.get("public", cell.source == source):
                failed = from_dict(
                    [{"output_type": "error", "ename": "", "evalue": NEUTRAL, "traceback": [NEUTRAL]}]
                )
            cell.outputs = failed
        return nb, resources


@pass_context
def clean_markdown(context: Any, source: str) -> str:
    """nbconvert's filter `markdown2html`, with the HTML of the text made inert."""
    return str(html.markdown(source, context.get("cell", {}).get("attachments"), tex=False))


class Released(ExchangeList):
    """What formgrader takes for released: what nbgrader's exchange has, and what `grader release` has handed out.

    Without an exchange, which few courses have, formgrader would warn of that and call every unit a draft.
    """

    def start(self) -> list[dict[str, Any]]:
        """The released units of the course. Whatever else is asked of an exchange, the exchange answers."""
        if self.inbound or self.cached or self.remove:
            return super().start()
        there = super().start() if check_directory(self.root, write=True, execute=True) else []
        course, known = read_course(Path(self.coursedir.root)), {unit["assignment_id"] for unit in there}
        ours = [unit for unit in released_units(course.state) if unit not in known]
        said = {"course_id": course.course_id, "status": "released", "notebooks": []}
        folders = [str(course.folder("release", ".", unit)) for unit in ours]
        return there + [
            {**said, "assignment_id": unit, "path": path} for unit, path in zip(ours, folders, strict=True)
        ]
