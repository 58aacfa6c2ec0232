"""Everything that a reader, a student or an instructor opens: there, whole, and without a warning.

What is run is run elsewhere, for the same units: lectures in test_lectures.py, solutions by `grader verify` and by stock nbgrader, student
versions up to their first unsolved exercise, in test_units.py, all of them as on Colab in test_colab.py.
"""

import json
import warnings

import nbformat
import pytest

from grader.batch.grade import Options, grade_class
from grader.engine.result import Status
from grader.sample.classroom import make_course
from grader.source.answers import fill, solution_answers, student_version
from grader.source.notebook import Role, read_assignment
from tests.support.course import ASSIGNMENTS, LECTURES, ROOT, leaks, notebooks

BUILT = [path.relative_to(ROOT).as_posix() for path, _ in notebooks()]
EXPECTED = [
    *(f"lectures/{unit}.ipynb" for unit in LECTURES),
    *(f"solutions/{unit}/{unit}.ipynb" for unit in ASSIGNMENTS),
    *(f"assignments/{unit}/{unit}.ipynb" for unit in ASSIGNMENTS),
]


def opened(path):
    """The notebook as Jupyter opens it. Fails for a warning, and for what is no notebook of the present format."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        nb = nbformat.reads(path.read_text(encoding="utf-8"), as_version=nbformat.NO_CONVERT)
        nbformat.validate(nb)  # reading alone only logs what is wrong
    return nb


def test_every_source_is_built_and_nothing_else_stands_there():
    assert sorted(BUILT) == sorted(EXPECTED)


@pytest.mark.parametrize("name", BUILT)
def test_it_opens_without_a_warning(name):
    nb = opened(ROOT / name)
    assert (nb.nbformat, nb.nbformat_minor) == (4, 5)
    assert nb.metadata.kernelspec.name == "python3"  # no dialogue that asks for a kernel
    ids = [cell.id for cell in nb.cells]
    assert len(ids) == len(set(ids))
    if name.startswith(("solutions/", "assignments/")):
        assert not [cell.id for cell in nb.cells if cell.get("outputs")]


@pytest.mark.parametrize("unit", ASSIGNMENTS)
def test_no_token_of_a_solution_stands_in_the_student_version(unit):
    assert list(leaks(ROOT, unit)) == []
    text = student_version(ROOT, unit).decode()
    assert not [
        word for word in ("BEGIN SOLUTION", "HIDDEN TESTS", "MARK SCHEME", "Marking scheme") if word in text
    ]


@pytest.mark.parametrize("unit", ASSIGNMENTS)
def test_any_line_of_any_solution_would_be_found_there(unit, tmp_path):
    """The test above can fail: each solution cell, put into the student version whole, leaks."""
    for step in ("solutions", "assignments"):
        (tmp_path / step).mkdir()
    (tmp_path / "solutions" / unit).symlink_to(ROOT / "solutions" / unit)
    for name in ("pyproject.toml", "nbgrader_config.py"):
        (tmp_path / name).symlink_to(ROOT / name)
    released = tmp_path / "assignments" / unit / f"{unit}.ipynb"
    released.parent.mkdir()
    for exercise in read_assignment(ROOT / "solutions" / unit).exercises:
        code = [line for line in exercise.solution.source.split("\n") if "### " not in line]
        released.write_bytes(fill(student_version(ROOT, unit), {exercise.name: "\n".join(code)}))
        assert list(leaks(tmp_path, unit)), exercise.name


@pytest.mark.slow
@pytest.mark.parametrize("unit", ASSIGNMENTS)
def test_graded_notebooks_open_and_hold_what_was_handed_in_and_what_was_tested(unit, tmp_path):
    """A right submission and an empty one, graded end to end."""
    make_course(ROOT, unit, tmp_path)
    assignment = read_assignment(ROOT / "solutions" / unit)
    released = student_version(ROOT, unit)
    handed_in = {"right": fill(released, solution_answers(assignment)), "empty": released}
    for student, notebook in handed_in.items():
        folder = tmp_path / "submitted" / student / unit
        folder.mkdir(parents=True)
        (folder / f"{unit}.ipynb").write_bytes(notebook)
    summary = grade_class(tmp_path, unit, Options(progress=False, allow_unsandboxed=True))
    assert {row.student: (row.status, row.score) for row in summary.rows} == {
        "right": (Status.GRADED, assignment.max_points),
        "empty": (Status.GRADED, 0.0),
    }
    tests = {
        cell.id: cell.source
        for notebook in assignment.notebooks
        for cell in notebook.cells
        if cell.role is Role.TEST
    }
    for student, notebook in handed_in.items():
        nb = opened(tmp_path / "autograded" / student / unit / f"{unit}.ipynb")
        given = json.loads(notebook)["cells"]
        assert [cell.source for cell in nb.cells] == [
            tests.get(cell["id"], "".join(cell["source"])) for cell in given
        ]
        failed = {
            cell.metadata.nbgrader.grade_id
            for cell in nb.cells
            if any(output.output_type == "error" for output in cell.get("outputs", ()))
        }
        assert failed & set(tests) == (set() if student == "right" else set(tests))
