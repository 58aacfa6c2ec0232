"""Every unit of the course as it is handed out and graded."""

import functools
import shutil

import nbformat
import pytest
from nbgrader.api import Gradebook
from nbgrader.apps import NbGraderAPI

from grader.build.sources import course_config
from grader.engine import grade
from grader.errors import CourseError
from grader.release.verify import verify
from grader.sample.classroom import make_course
from grader.source.answers import fill, solution_answers, student_version
from grader.source.notebook import read_assignment
from tests.support.course import ASSIGNMENTS, ROOT


@pytest.fixture(scope="module")
def stock(tmp_path_factory):
    """A function that hands out a unit, takes in its solution and its blank, and has stock nbgrader grade both, once: the course's folder."""
    return functools.cache(lambda unit: by_stock_nbgrader(unit, tmp_path_factory.mktemp(unit)))


def by_stock_nbgrader(unit, folder):
    """nbgrader's own execution, its own gradebook, our released notebooks."""
    make_course(ROOT, unit, folder)
    released = student_version(ROOT, unit)
    answers = solution_answers(read_assignment(ROOT / "solutions" / unit))
    for student, notebook in (("solution", fill(released, answers)), ("blank", released)):
        handed_in = folder / "submitted" / student / unit
        handed_in.mkdir(parents=True)
        (handed_in / f"{unit}.ipynb").write_bytes(notebook)
    config = stock_config(folder)
    api = NbGraderAPI(config=config)
    shutil.rmtree(folder / "assignments")
    assert api.generate_assignment(unit)["success"]
    outcome = api.autograde(unit, "*")
    assert outcome["success"], outcome["error"]
    return folder


def stock_config(folder):
    config = course_config(ROOT)  # the course's own names of folders; stock execution
    config.CourseDirectory.root = str(folder)
    config.CourseDirectory.db_url = f"sqlite:///{folder}/gradebook.db"
    config.Autograde.autograde_preprocessors = stock_autograde_preprocessors()
    return config


def stock_autograde_preprocessors():
    from nbgrader.converters import Autograde

    return list(Autograde.autograde_preprocessors.default_args[0])


def run_by_nbgrader(folder, student, unit):
    return nbformat.read(folder / "autograded" / student / unit / f"{unit}.ipynb", as_version=4)


def errors(nb):
    return [out for cell in nb.cells for out in cell.get("outputs", ()) if out.output_type == "error"]


@pytest.mark.slow
@pytest.mark.parametrize("unit", ASSIGNMENTS)
def test_the_units_tests_are_tested(unit, stock):
    assignment = read_assignment(ROOT / "solutions" / unit)
    tests = {test.id for notebook in assignment.notebooks for test in notebook.tests}

    def run(nb, source):
        """The one plain kernel is nbgrader's, in which the solution has run from the top already, with the source's tests."""
        executed = run_by_nbgrader(stock(unit), "solution", unit)
        of_tests = [
            [cell.source for cell in one.cells if cell.metadata.get("nbgrader", {}).get("grade_id") in tests]
            for one in (nb, executed)
        ]
        assert of_tests[0] and of_tests[0] == of_tests[1]
        assert [cell.cell_type for cell in executed.cells] == [cell.cell_type for cell in nb.cells]
        for error in errors(executed):
            raise CourseError(f"{source}: a cell failed: {error.ename}: {error.evalue}")
        return executed

    found = verify(
        ROOT,
        unit,
        lambda submission, assignment: grade.grade(submission, assignment, allow_unsandboxed=True),
        run=run,
    )
    assert found.problems == ()
    # right answers are accused of nothing, wrong ones of what they are: nine of ten at least, the others of nothing
    assert {name for row in found.rows if row.kind != "misconception" for name in row.named} == set()
    assert all(row.named in ((), (row.name,)) for row in found.rows if row.kind == "misconception")
    assert len(found.unnamed) <= 0.1 * sum(row.kind == "misconception" for row in found.rows), found.unnamed


@pytest.mark.parametrize("unit", ASSIGNMENTS)
def test_every_exercise_has_four_variants_and_eight_misconceptions(unit):
    from grader.source.bank import read_bank

    assignment = read_assignment(ROOT / "solutions" / unit)
    bank = read_bank(ROOT / "solutions" / unit / "bank.py", assignment.functions)
    for exercise in assignment.exercises:
        mine = exercise.solution.defines
        assert sum(entry.target in mine for entry in bank.variants) >= 4, exercise.name
        assert sum(entry.target in mine for entry in bank.misconceptions) >= 8, exercise.name


@pytest.mark.slow
@pytest.mark.parametrize("unit", ASSIGNMENTS)
def test_stock_nbgrader_gives_the_solution_everything_and_the_blank_nothing(unit, stock):
    """The blank one runs to its first unsolved exercise."""
    folder, assignment = stock(unit), read_assignment(ROOT / "solutions" / unit)
    with Gradebook(stock_config(folder).CourseDirectory.db_url) as gradebook:
        for student, points in (("solution", assignment.max_points), ("blank", 0)):
            submission = gradebook.find_submission(unit, student)
            auto = sum(
                grade.auto_score or 0 for notebook in submission.notebooks for grade in notebook.grades
            )
            assert auto == points, student
    first = errors(run_by_nbgrader(folder, "blank", unit))[0]
    assert (first.ename, first.evalue[:35]) == ("NotImplementedError", "This exercise is not solved yet: re")
