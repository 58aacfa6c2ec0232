"""`grader verify` names the culprit: each test breaks the tiny unit in one way."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader.build.build import build
from grader.engine import grade as engine
from grader.engine.result import Result
from grader.engine.submission import Submission
from grader.release import together
from grader.release.release import release
from grader.release.verify import Report, verify
from grader.source.course import read_course
from grader.source.notebook import Assignment
from tests.support import smallcourse, tinyunit
from tests.support.course import leaks

SQUARED_SURVIVES = "this misconception survives every test of 'double'"


def grade(submission: Submission, assignment: Assignment) -> Result:
    return engine.grade(submission, assignment, allow_unsandboxed=True)


def report(where: Path, **parts: str) -> Report:
    root = tinyunit.make(where / "course", **parts)
    build(root)
    return verify(root, tinyunit.UNIT, grade)


def problems(found: Report) -> dict[str, str]:
    return {problem.culprit: problem.what for problem in found.problems}


def test_a_sound_unit_has_no_problem(tmp_path):
    found = report(tmp_path)
    assert found.problems == ()
    assert {row.name: row.failed for row in found.rows} == {
        "solution": (),
        "student version": ("test_double_values", "test_double_zero"),
        "times_two": (),
        "squared": ("test_double_values",),
        "off_by_one": ("test_double_values", "test_double_zero"),
    }


CELLS = [
    smallcourse.code("def one():\n    ### BEGIN SOLUTION\n    return 1\n    ### END SOLUTION", "one"),
    smallcourse.code("said = one()\nassert said == 1", "t_one", points=1),
    smallcourse.code("said += 1\nassert said == 2", "t_goes_on", points=1),
    smallcourse.code("def tried(one=None):\n    return 2 if one is None else one()", "locked", locked=True),
    smallcourse.code("through = [lambda: one()]", "also_locked", locked=True),
    smallcourse.code("def two():\n    ### BEGIN SOLUTION\n    return 2\n    ### END SOLUTION", "two"),
    smallcourse.code("assert two() == tried() == 2", "t_two", points=1),
    smallcourse.code(
        "for said in [two()]:\n    assert said == 2\nsaid = 2\nassert said == 2", "t_own", points=1
    ),
    smallcourse.code("for _ in []:\n    said = 2\nassert said == 2 == two()", "t_perhaps", points=1),
    smallcourse.code("assert two() == 2 * through[0]()", "t_through", points=1),
    smallcourse.code("assert two() == 2 * (lambda: one())()", "t_inside", points=1),
]


@pytest.mark.parametrize(
    ("exercise", "asked"),
    [
        ("one", {"t_one", "t_goes_on", "t_perhaps", "t_through", "t_inside"}),
        ("two", {"t_two", "t_own", "t_perhaps", "t_through", "t_inside"}),
    ],
)
def test_an_entry_is_graded_by_every_test_that_its_answer_can_change(tmp_path, exercise, asked):
    """Also through a set-up cell and inside a function; an argument of the same name, or a name that the test binds
    itself before it reads it, is another thing."""
    assignment = read_course(smallcourse.make(tmp_path, CELLS)).assignment(smallcourse.UNIT)
    [entered] = [one for one in assignment.exercises if one.name == exercise]
    within = together.only(assignment, together.reach(assignment, entered))
    assert {test.id for notebook in within.notebooks for test in notebook.tests} == asked


def test_a_surviving_misconception_is_named(tmp_path):
    # on 0 and 2 the square is the double: a test that looks only there cannot tell
    source = (
        tinyunit.SOURCE.replace("double(1.5)", "double(2.0)")
        .replace("3.0,", "4.0,")
        .replace("double(-4.25), -8.5", "double(0.0), 0.0")
    )
    assert problems(report(tmp_path, source=source))["squared"] == SQUARED_SURVIVES


def test_a_rejected_variant_is_named(tmp_path):
    found = problems(report(tmp_path, bank=tinyunit.BANK.replace("return 2 * x\n", "return 3 * x\n")))
    assert "this right variant is rejected by test_double_values: " in found["times_two"]


def test_a_leaked_solution_token_is_named(tmp_path):
    root = tinyunit.make(tmp_path / "course")
    build(root)
    assert list(leaks(root, tinyunit.UNIT)) == []
    path = root / "assignments" / tinyunit.UNIT / f"{tinyunit.UNIT}.ipynb"
    path.write_text(path.read_text().replace("One exercise.", "One exercise: set `twofold`."))
    assert list(leaks(root, tinyunit.UNIT)) == [(f"assignments/{tinyunit.UNIT}: cell 1", "twofold")]
    assert problems(verify(root, tinyunit.UNIT, grade)) == {
        f"assignments/{tinyunit.UNIT}: cell 1": "'twofold' of the solution stands in the student version"
    }


def test_a_test_that_nothing_fails_is_named(tmp_path):
    found = problems(report(tmp_path, bank=tinyunit.BANK.replace("2 * x + 1", "2 * x + x")))
    assert "no misconception of the bank fails this test" in found["test_double_zero"]


def test_a_solution_that_fails_is_named(tmp_path):
    found = problems(report(tmp_path, source=tinyunit.SOURCE.replace("twofold = x + x", "twofold = x - x")))
    assert "the solution fails it" in found["test_double_values"]


def test_a_test_that_the_blank_passes_is_named(tmp_path):
    source = tinyunit.SOURCE.replace('checks.number(double(0.0), 0.0, "double(0)")\n', "")
    assert (
        problems(report(tmp_path, source=source))["test_double_zero"]
        == "no misconception of the bank fails this test; add one or delete the test"
    )


def test_a_misconception_that_does_not_run_is_named(tmp_path):
    found = problems(report(tmp_path, bank=tinyunit.BANK.replace("return x * x", "return y * y")))
    assert "does not run" in found["squared"]


def test_a_silent_public_part_is_named(tmp_path):
    found = problems(
        report(tmp_path, source=tinyunit.SOURCE.replace('checks.public_passed("double: zero")\n', ""))
    )
    assert "its public part does not end by printing" in found["test_double_zero"]


def test_a_test_that_only_explore_cells_make_pass_is_named(tmp_path):
    source = tinyunit.SOURCE.replace("print(double(21.0))", "double = 0")
    moved = source.replace("# %% tags", "# %% nbgrader_free_tags")
    assert moved != source
    cells = source.split("\n# %% ")
    explore = cells.pop()
    cells.insert(4, explore)  # before the tests: it breaks them in a plain kernel, where it is not skipped
    found = problems(report(tmp_path, source="\n# %% ".join(cells)))
    assert "in one plain kernel" in found[tinyunit.UNIT]


def test_a_pointer_to_no_heading_is_named(tmp_path):
    found = problems(
        report(
            tmp_path,
            bank=tinyunit.BANK.replace('see="1. Doubling")\ndef squared', 'see="7. Nowhere")\ndef squared'),
        )
    )
    assert "which is no heading" in found["squared"]


@pytest.mark.parametrize("kind", ["variant", "misconception"])
def test_an_exercise_without_entries_is_named(tmp_path, kind):
    head, *entries = tinyunit.BANK.split("\n\n\n@")
    kept = [entry for entry in entries if not entry.startswith(kind)]
    found = problems(report(tmp_path, bank="\n\n\n@".join([head, *kept])))
    assert found["double"] == f"the bank has no {kind} for it"


DOUBLE = smallcourse.code(
    "def double(x):\n    ### BEGIN SOLUTION\n    return 2 * x\n    ### END SOLUTION", "double"
)


@pytest.mark.parametrize(
    ("test", "expected"),
    [
        ("assert double(2) == 4", {}),
        ("assert callable(double)", {"t_double": "the untouched student version passes it"}),
        (
            "assert double(2) == 5",
            {"t_double": "the solution fails it: AssertionError: assert double(2) == 5"},
        ),
    ],
)
def test_a_unit_without_a_bank_is_tried_on_its_own_two_versions(tmp_path, test, expected):
    """In a course with nbgrader's own names of folders, released or not."""
    root = smallcourse.make(tmp_path, [DOUBLE, smallcourse.code(test, "t_double", points=1)])
    assert problems(verify(root, "ps1", grade)) == expected
    release(root, "ps1")
    assert problems(verify(root, "ps1", grade)) == expected
    assert [(row.kind, row.name) for row in verify(root, "ps1", grade).rows] == [
        ("solution", "solution"),
        ("blank", "student version"),
    ]


APART = [
    smallcourse.code("def one():\n    ### BEGIN SOLUTION\n    return 1\n    ### END SOLUTION", "one"),
    smallcourse.code("assert one() == 1", "t_one", points=1),
    smallcourse.code("def two():\n    ### BEGIN SOLUTION\n    return 2\n    ### END SOLUTION", "two"),
    smallcourse.code("assert two() == 2", "t_two", points=1),
    smallcourse.code(
        "def both():\n    ### BEGIN SOLUTION\n    return 3 + 0 * one()\n    ### END SOLUTION", "both"
    ),
    smallcourse.code("assert both() == 3", "t_both", points=1),
]
ENTRY = '@{kind}("{of}"{more})\ndef {name}():\n    {body}\n\n\n'


def bank(*entries: tuple[str, str, str]) -> str:
    """A bank of entries (exercise, name, body): a variant where the name says that it is right."""
    texts = [
        ENTRY.format(
            kind="variant" if "right" in name else "misconception",
            of=of,
            name=name,
            body=body,
            more="" if "right" in name else ', says="Not so.", see="x"',
        )
        for of, name, body in entries
    ]
    return "from grader.source.bank import misconception, variant\n\n\n" + "".join(texts)


def test_answers_that_cannot_change_one_anothers_tests_are_graded_together(tmp_path: Path) -> None:
    """`both` calls `one`: these never go together. What is wrong is then looked for in each answer by itself."""
    root = smallcourse.make(tmp_path, APART)
    good = [
        ("one", "right_a", "return 2 - 1"), ("two", "right_b", "return 1 + 1"), ("both", "right_c", "return 3"),
        ("one", "zero_a", "return 0"), ("two", "zero_b", "return 0"), ("both", "zero_c", "return 0"),
    ]  # fmt: skip
    path = root / "source" / smallcourse.UNIT / "bank.py"
    handed: list[str] = []

    def counting(submission: Submission, assignment: Assignment) -> Result:
        handed.append(submission.files[0][1].decode())
        return grade(submission, assignment)

    path.write_text(bank(*good))
    rows = {row.name: row.failed for row in verify(root, smallcourse.UNIT, counting).rows[2:]}
    assert rows == {**dict.fromkeys(("right_a", "right_b", "right_c"), ()), "zero_a": ("t_one",), "zero_b": ("t_two",), "zero_c": ("t_both",)}  # fmt: skip
    assert len(handed) == 2 + 4
    assert sum("return 2 - 1" in one and "return 1 + 1" in one for one in handed) == 1
    assert not any("return 0" in one and "return 2 - 1" in one for one in handed)

    handed.clear()
    path.write_text(
        bank(*good, ("two", "right_but_wrong", "return 5"), ("two", "ends", "import os; os._exit(0)"), ("one", "survives", "return 1"))
    )  # fmt: skip
    found = problems(verify(root, smallcourse.UNIT, counting))
    assert found["right_but_wrong"].startswith("this right variant is rejected by t_two")
    assert found["survives"] == "this misconception survives every test of 'one'"
    assert found.keys() & {"ends", *(name for _, name, _ in good)} == set()
    assert sum("_exit" in one for one in handed) == 2  # with another, and by itself
