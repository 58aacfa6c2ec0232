"""`grader verify` names the culprit: each test breaks the tiny unit in one way."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader.build.build import build
from grader.engine import grade as engine
from grader.engine.result import Result
from grader.engine.submission import Submission
from grader.release.leaks import leaks
from grader.release.verify import Report, verify
from grader.source.notebook import Assignment
from tests.support import tinyunit

SQUARED_SURVIVES = "this misconception survives every test of 'double'"


def grade(notebook: bytes, assignment: Assignment) -> Result:
    return engine.grade(
        Submission(tinyunit.UNIT, ((f"{tinyunit.UNIT}.ipynb", notebook),)), assignment, allow_unsandboxed=True
    )


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
