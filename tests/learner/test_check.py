"""`grader check`: what a learner sees of their own notebook, with no instructor, no server and no network."""

import io
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from grader.cli.printing import show_checked
from grader.engine import grade as engine
from grader.engine.result import Verdict
from grader.engine.submission import Submission
from grader.errors import CourseError
from grader.learner import check as checking
from grader.learner.check import FAILED, OPEN, PASSED, check
from grader.sandbox.limits import Limits
from grader.source.answers import entry_answer, fill, solution_answers, student_version
from grader.source.bank import read_bank
from grader.source.notebook import Role, read_assignment
from grader.source.regions import split_regions
from tests.support import offline
from tests.support.course import ASSIGNMENTS, ROOT

UNIT = "05_momentum"
ASSIGNMENT = read_assignment(ROOT / "solutions" / UNIT)
SOLUTION = solution_answers(ASSIGNMENT)
BANK = read_bank(ROOT / "solutions" / UNIT / "bank.py", ASSIGNMENT.functions)
RELEASED = student_version(ROOT, UNIT)
RIGHT = """\
def momentum_step(theta, m, g, lr, beta):
    new_m = beta * m - lr * g
    return theta + new_m, new_m
"""


def answer(name):
    """The solution cell with an entry of the bank in it."""
    entry = next(entry for entry in (*BANK.variants, *BANK.misconceptions) if entry.name == name)
    return entry_answer(ASSIGNMENT, entry)[1]


def printed(checked, width=100):
    out = io.StringIO()
    show_checked(checked, Console(file=out, width=width))
    return " ".join(out.getvalue().split())


def everything(folder):
    return {
        path: (path.stat().st_mtime_ns, path.read_bytes() if path.is_file() else b"")
        for path in folder.rglob("*")
        if "__pycache__" not in path.parts
    }


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    """What a learner cloned, as far as two units of it."""
    root = tmp_path_factory.mktemp("clone")
    for name in ("nbgrader_config.py", "pyproject.toml"):
        shutil.copy(ROOT / name, root)
    for unit in (UNIT, "02_losses"):
        for step in ("solutions", "assignments"):
            shutil.copytree(
                ROOT / step / unit, root / step / unit, ignore=shutil.ignore_patterns("__pycache__")
            )
    return root


@pytest.fixture
def write(tmp_path):
    """Write a notebook into an empty folder, under the name that a second download has; return its path."""

    def written(notebook):
        path = tmp_path / f"{UNIT} (1).ipynb"
        path.write_bytes(notebook if isinstance(notebook, bytes) else json.dumps(notebook).encode())
        return path

    return written


def state(checked, exercise="momentum_step"):
    return next(found.state for found in checked.exercises if found.exercise == exercise)


# ------------------------------------------------------------------------------------------- the first hour


def test_from_a_fresh_clone_to_the_first_exercise_that_passes(clone, tmp_path):
    """On the command line, as a learner does it, without a network: a wrong answer, the right one, all of them."""
    notebook = tmp_path / "downloads" / "Copy of momentum.ipynb"
    notebook.parent.mkdir()
    shutil.copy(clone / "assignments" / UNIT / f"{UNIT}.ipynb", notebook)

    def run():
        command = [*offline.prefix(), sys.executable, "-m", "grader", "check", str(notebook)]
        done = subprocess.run(command, cwd=clone, capture_output=True, text=True)
        return done.returncode, done.stderr, " ".join(done.stdout.split())

    def edit(code):
        nb = json.loads(notebook.read_text())
        (cell,) = (
            c for c in nb["cells"] if c["metadata"].get("nbgrader", {}).get("grade_id") == "momentum_step"
        )
        cell["source"] = code.splitlines(keepends=True)
        notebook.write_text(json.dumps(nb))

    edit(RIGHT.replace("- lr", "+ lr"))
    code, errors, said = run()
    assert (code, errors) == (1, "")
    assert "the heavy ball 1/4 not passed" in said, "it leaves its arguments alone"
    assert "expected" in said
    assert said.count("not solved yet") == 3
    assert "Hint 1 of 3 (--hint 2 gives the next):" in said
    edit(RIGHT)
    code, errors, said = run()
    assert (code, errors) == (1, "")
    assert "05_momentum: 4 of 20 points" in said
    assert "the heavy ball 4/4 passed" in said
    assert said.count("not solved yet") == 3
    notebook.write_bytes(fill(notebook.read_bytes(), {**SOLUTION, "momentum_step": RIGHT}))
    code, errors, said = run()
    assert (code, errors) == (0, "")
    assert "05_momentum: 20 of 20 points" in said


def test_nothing_is_written(clone, write):
    path = write(fill(RELEASED, {"momentum_step": answer("sign")}))
    before = everything(clone), everything(path.parent)
    check(clone, path, solution="momentum_step")
    assert (everything(clone), everything(path.parent)) == before


# ------------------------------------------------------------------------------------------- what is said


def test_it_says_what_grading_says(clone, write):
    """The engine's verdicts, points and messages, hidden tests included."""
    wrong = fill(RELEASED, {**SOLUTION, "momentum_step": answer("vectors_only")})
    result = engine.grade(Submission(UNIT, ((f"{UNIT}.ipynb", wrong),)), ASSIGNMENT, allow_unsandboxed=True)
    checked = check(clone, write(wrong))
    tests = [test for found in checked.exercises for test in found.tests]
    assert [(t.id, t.verdict, t.points, t.max_points, t.message) for t in tests] == [
        (t.id, t.verdict, t.points, t.max_points, t.message) for t in result.notebooks[0].tests
    ]
    assert (checked.points, checked.max_points) == (result.score, 20)
    assert [found.state for found in checked.exercises] == [FAILED, PASSED, PASSED, PASSED]
    hidden = [test for test in tests if test.hidden]
    assert hidden
    assert all("matrix" in test.message or "shape" in test.message for test in hidden)
    assert f"in a hidden check: {hidden[0].message}" in printed(checked)


def test_a_misconception_is_named_with_the_section_that_explains_it(clone, write):
    (entry,) = (entry for entry in BANK.misconceptions if entry.name == "heavy_ball")
    checked = check(clone, write(fill(RELEASED, {"nesterov_step": answer("heavy_ball")})))
    (found,) = (found for found in checked.exercises if found.state == FAILED)
    assert found.advice is not None
    assert (found.advice.name, found.advice.says, found.advice.section) == (
        "heavy_ball",
        entry.says,
        entry.see,
    )
    assert (ROOT / found.advice.lecture).is_file()
    said = printed(checked)
    assert entry.says in said
    assert f'lectures/{UNIT}.ipynb, section "{entry.see}"' in said
    assert state(checked) == OPEN
    assert not any(other.advice for other in checked.exercises if other is not found)


def test_hints_come_one_at_a_time(clone, write):
    path = write(fill(RELEASED, {"momentum_step": answer("sign")}))
    hints = []
    for number in (1, 2, 3, 9):
        checked = check(clone, path, hint=number)
        found = checked.exercises[0]
        hints.append((found.hint_number, found.hint))
        assert found.hints == 3
        assert [other.hint for other in checked.exercises[1:]] == ["", "", ""], "a hint before it is needed"
        said = printed(checked)
        assert f"Hint {found.hint_number} of 3" in said
        assert ("gives the next" in said) == (number < 3)
    assert [number for number, _ in hints] == [1, 2, 3, 3]
    assert len(dict(hints)) == 3
    assert "`new_m = beta * m - lr * g`" in hints[2][1], "code in a hint reads as code, without tags"
    assert "<" not in "".join(text for _, text in hints)


@pytest.mark.parametrize(
    ("hint", "said"),
    [
        ("<p>First <code>a &lt; b</code>.</p>", "First `a < b`."),
        ("`if length <= g_thres and t - last >= t_noise`", "`if length <= g_thres and t - last >= t_noise`"),
        ("`a<b` and `c>d`, <em>both</em>", "`a<b` and `c>d`, both"),
        ("For u &lt; 0 and w > 0", "For u < 0 and w > 0"),
    ],
)
def test_a_hint_keeps_its_comparisons_and_loses_its_tags(hint, said):
    assert checking._plain(hint) == said


def test_a_cell_that_does_not_run_is_named(clone, write):
    notebook = json.loads(
        fill(RELEASED, {"momentum_step": "def momentum_step(theta, m, g, lr, beta)\n    return 1\n"})
    )
    notebook["cells"].insert(
        1,
        {
            "cell_type": "code",
            "id": "x",
            "metadata": {},
            "source": "import nowhere",
            "outputs": [],
            "execution_count": None,
        },
    )
    checked = check(clone, write(notebook))
    assert checked.exercises[0].error == "SyntaxError: expected ':' (line 1)"
    assert checked.remarks == (
        "cell 2 of the notebook raised ModuleNotFoundError: No module named 'nowhere'",
    )
    said = printed(checked)
    assert "Your cell raised SyntaxError" in said
    assert "cell 2 of the notebook raised" in said


def test_an_endless_answer_ends(clone, write, monkeypatch):
    monkeypatch.setattr(checking, "PATIENCE", Limits(test_seconds=1.0))
    source = "def momentum_step(theta, m, g, lr, beta):\n    while True: pass\n"
    checked = check(clone, write(fill(RELEASED, {"momentum_step": source})))
    assert {test.verdict for test in checked.exercises[0].tests} == {Verdict.TIMEOUT}
    assert all("no answer within 1 s" in test.message for test in checked.exercises[0].tests)
    assert checked.remarks == (), "a test's own line says it"


def test_nobody_waits_minutes_for_an_endless_answer():
    """Measured: four tests of a loop took 109 s with the limits of a class."""
    assert 4 * checking.PATIENCE.test_seconds <= 40 and checking.PATIENCE.cell_seconds <= 20


def solution_lines():
    for exercise in ASSIGNMENT.exercises:
        for region in split_regions(exercise.solution.source, "")[1]:
            yield from (line.strip() for line in region.text.splitlines() if len(line.split()) >= 3)


def test_no_solution_is_shown_unless_it_is_asked_for(clone, write):
    assert len(list(solution_lines())) > 10
    wrong = {found.name: "pass" for found in ASSIGNMENT.exercises}
    for answers in ({}, wrong):
        checked = check(clone, write(fill(RELEASED, answers)))
        assert checked.solutions == ()
        said = printed(checked, width=1000)
        assert not [line for line in solution_lines() if line in said]


@pytest.mark.parametrize("exercise", [found.name for found in ASSIGNMENT.exercises])
def test_the_solution_that_is_asked_for(clone, write, exercise):
    """The course's own and every variant of the bank, each of which passes as it is printed; of no other exercise."""
    checked = check(clone, write(RELEASED), solution=exercise)
    own, *variants = checked.solutions
    assert "### " not in own.source
    (cell,) = (found.solution for found in ASSIGNMENT.exercises if found.name == exercise)
    assert {variant.name for variant in variants} == {
        entry.name for entry in BANK.variants if entry.target in cell.defines
    }
    assert state(check(clone, write(fill(RELEASED, {exercise: own.source}))), exercise) == PASSED
    said = printed(checked, width=1000)
    assert all(" ".join(solution.source.split()) in said for solution in checked.solutions)
    others = [name for name in SOLUTION if name != exercise]
    assert not [name for name in others if f"def {name}(" in said]


def test_the_model_answer_to_a_question(clone, write):
    (question,) = (
        cell for notebook in ASSIGNMENT.notebooks for cell in notebook.cells if cell.role is Role.WRITTEN
    )
    checked = check(clone, write(RELEASED))
    assert [(found.id, found.points) for found in checked.questions] == [(question.id, question.points)]
    assert f"--solution {question.id}" in printed(checked)
    (model,) = check(clone, write(RELEASED), solution=question.id).solutions
    assert "Marking scheme" in model.source
    assert "### " not in model.source


def test_without_isolation_it_says_so_and_goes_on(clone, write, monkeypatch, capsys):
    """macOS, some containers: it is the learner's own code."""
    real = engine.grade

    def grade(submission, assignment, limits, *, allow_unsandboxed=False):
        if not allow_unsandboxed:
            raise CourseError("this machine cannot isolate a stranger's code")
        return real(submission, assignment, limits, allow_unsandboxed=True)

    monkeypatch.setattr(engine, "grade", grade)
    path = write(fill(RELEASED, {"momentum_step": RIGHT}))
    checked = check(clone, path)
    assert not checked.isolated
    assert state(checked) == PASSED
    from grader.cli.app import app

    assert app(["check", str(path), "--course", str(clone)], standalone_mode=False) == 1
    assert capsys.readouterr().err.splitlines() == [
        "grader: no isolation on this machine: your notebook ran with your own rights"
    ]


@pytest.mark.parametrize("unit", ASSIGNMENTS)
def test_every_units_student_version_is_known_by_its_cells(unit, write):
    checked = check(ROOT, write(student_version(ROOT, unit)))
    assert checked.unit == unit
    assert [found.exercise for found in checked.exercises] == [
        found.name for found in read_assignment(ROOT / "solutions" / unit).exercises
    ]
    for found in checked.exercises:
        assert (found.state, found.points) == (OPEN, 0)
        assert found.hints >= 2
        assert found.title != found.exercise


# -------------------------------------------------------------------------------------- what is no input


def test_a_notebook_that_lost_its_metadata_is_known_by_its_text(clone, write):
    notebook = json.loads(fill(RELEASED, {"momentum_step": RIGHT}))
    for number, cell in enumerate(notebook["cells"]):
        cell["metadata"], cell["id"] = {}, f"colab{number}"
    checked = check(clone, write(notebook))
    assert (checked.unit, state(checked)) == (UNIT, PASSED)


def test_a_pasted_answer_makes_no_second_unit(clone, write):
    """An answer that was copied from another unit's notebook brings its metadata along."""
    notebook = json.loads(fill(RELEASED, {"momentum_step": RIGHT}))
    other = json.loads(student_version(clone, "02_losses"))
    notebook["cells"] += [
        cell for cell in other["cells"] if cell["metadata"].get("nbgrader", {}).get("solution")
    ][:1]
    assert check(clone, write(notebook)).unit == UNIT


def two_units(clone):
    notebook = json.loads(RELEASED)
    notebook["cells"] += json.loads(student_version(clone, "02_losses"))["cells"]
    return notebook


BAD = {
    "no such file": (lambda clone: None, "No such file or directory; give the path of a notebook"),
    "a folder": (lambda clone: "folder", "is a folder; give the notebook in it"),
    "nothing": (lambda clone: b"", "the file is empty"),
    "a web page": (lambda clone: b"<!doctype html><html></html>", "a web page, not a notebook"),
    "JSON": (lambda clone: b'{"a": 1}', "holds no cells"),
    "no cells of ours": (
        lambda clone: {"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5},
        "holds no exercise of this course (units here: 02_losses, 05_momentum)",
    ),
    "a lecture": (
        lambda clone: (ROOT / "lectures" / f"{UNIT}.ipynb").read_bytes(),
        "holds no exercise of this course",
    ),
    "two units": (two_units, "holds exercises of 02_losses and 05_momentum"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_line(case, clone, write, tmp_path):
    make, message = BAD[case]
    content = make(clone)
    path = tmp_path if content == "folder" else tmp_path / "none.ipynb" if content is None else write(content)
    with pytest.raises(CourseError) as caught:
        check(clone, path)
    assert message in str(caught.value)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_unknown_exercise_and_a_folder_that_is_no_course(clone, write, tmp_path):
    path = write(RELEASED)
    with pytest.raises(CourseError, match=r"no exercise 'nesterov' in 05_momentum; it has momentum_step, "):
        check(clone, path, solution="nesterov")
    with pytest.raises(CourseError, match="no units here; run this in the course's folder, or name it with"):
        check(tmp_path, path)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(["none.ipynb"], 2), ([f"{UNIT} (1).ipynb", "--hint", "0"], 2), ([f"{UNIT} (1).ipynb"], 1)],
)
def test_exit_codes(arguments, code, clone, write, tmp_path):
    write(RELEASED)
    command = [sys.executable, "-m", "grader", "check", *arguments, "--course", str(clone), "--json"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == code, done.stderr
    if code == 1:
        found = json.loads(done.stdout)
        assert (found["unit"], found["points"], found["max_points"]) == (UNIT, 0.0, 20.0)
        assert found["exercises"][0]["state"] == OPEN
        assert Path(found["notebook"]).name == f"{UNIT} (1).ipynb"
    else:
        assert done.stdout == ""
        assert "Traceback" not in done.stderr
