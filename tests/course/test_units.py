"""Every unit of the course as it is handed out and graded."""

import shutil

import nbformat
import pytest
from nbgrader.api import Gradebook
from nbgrader.apps import NbGraderAPI

from grader.build.sources import course_config
from grader.engine import grade
from grader.release.verify import verify
from grader.sample.classroom import make_course
from grader.source.answers import fill, solution_answers, student_version
from grader.source.notebook import read_assignment
from tests.support.course import ASSIGNMENTS, ROOT


@pytest.mark.slow
@pytest.mark.parametrize("unit", ASSIGNMENTS)
def test_the_units_tests_are_tested(unit):
    found = verify(
        ROOT,
        unit,
        lambda submission, assignment: grade.grade(submission, assignment, allow_unsandboxed=True),
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
def test_stock_nbgrader_gives_the_solution_everything_and_the_blank_nothing(unit, tmp_path):
    """nbgrader's own execution, its own gradebook, our released notebooks; the blank one runs to its first unsolved exercise."""
    make_course(ROOT, unit, tmp_path)
    assignment = read_assignment(ROOT / "solutions" / unit)
    released = student_version(ROOT, unit)
    for student, notebook in (
        ("solution", fill(released, solution_answers(assignment))),
        ("blank", released),
    ):
        folder = tmp_path / "submitted" / student / unit
        folder.mkdir(parents=True)
        (folder / f"{unit}.ipynb").write_bytes(notebook)
    config = course_config(ROOT)  # the course's own names of folders; stock execution
    config.CourseDirectory.root = str(tmp_path)
    config.CourseDirectory.db_url = f"sqlite:///{tmp_path}/gradebook.db"
    config.Autograde.autograde_preprocessors = stock_autograde_preprocessors()
    api = NbGraderAPI(config=config)
    shutil.rmtree(tmp_path / "assignments")
    assert api.generate_assignment(unit)["success"]
    outcome = api.autograde(unit, "*")
    assert outcome["success"], outcome["error"]
    with Gradebook(config.CourseDirectory.db_url) as gradebook:
        for student, points in (("solution", assignment.max_points), ("blank", 0)):
            submission = gradebook.find_submission(unit, student)
            auto = sum(
                grade.auto_score or 0 for notebook in submission.notebooks for grade in notebook.grades
            )
            assert auto == points, student
    run = nbformat.read(tmp_path / "autograded" / "blank" / unit / f"{unit}.ipynb", as_version=4)
    errors = [out for cell in run.cells for out in cell.get("outputs", ()) if out.output_type == "error"]
    assert (errors[0].ename, errors[0].evalue[:35]) == (
        "NotImplementedError",
        "This exercise is not solved yet: re",
    )


def stock_autograde_preprocessors():
    from nbgrader.converters import Autograde

    return list(Autograde.autograde_preprocessors.default_args[0])
