import re

import pytest

from grader.build.build import build
from grader.errors import CourseError
from grader.source.answers import entry_answer
from grader.source.bank import read_bank
from grader.source.notebook import read_assignment
from tests.support import tinyunit


def test_entries_become_the_end_of_a_solution_cell(tmp_path):
    root = tinyunit.make(tmp_path / "course")
    build(root)
    unit = root / "solutions" / tinyunit.UNIT
    bank = read_bank(unit / "bank.py", read_assignment(unit).functions)
    assert [entry.name for entry in (*bank.variants, *bank.misconceptions)] == [
        "times_two",
        "squared",
        "off_by_one",
    ]
    exercise, source = entry_answer(read_assignment(unit), bank.misconceptions[0])
    namespace: dict[str, object] = {}
    exec(source, namespace)
    assert exercise.name == "double"
    assert namespace["double"](3.0) == 9.0  # type: ignore[operator]


def test_a_doubled_name_is_refused(tmp_path):
    path = tmp_path / "bank.py"
    path.write_text(tinyunit.BANK.replace("off_by_one", "squared"))
    with pytest.raises(CourseError, match="two entries are called 'squared'"):
        read_bank(path, {})


def test_a_bank_that_does_not_import_and_one_that_is_missing(tmp_path):
    path = tmp_path / "bank.py"
    with pytest.raises(CourseError, match="no bank there"):
        read_bank(path, {})
    path.write_text("import nothing_like_it")
    with pytest.raises(CourseError, match="ModuleNotFoundError"):
        read_bank(path, {})


def test_an_entry_for_no_exercise_is_named(tmp_path):
    root = tinyunit.make(
        tmp_path / "course", bank=tinyunit.BANK.replace('variant("double")', 'variant("triple")')
    )
    build(root)
    unit = root / "solutions" / tinyunit.UNIT
    assignment = read_assignment(unit)
    entry = read_bank(unit / "bank.py", assignment.functions).variants[0]
    with pytest.raises(CourseError, match="bank entry 'times_two' is for 'triple'"):
        entry_answer(assignment, entry)


CELL = """def scaled(x, by):
    \'\'\'x times by.\'\'\'
    ### BEGIN SOLUTION
    return x * by
    ### END SOLUTION
"""
EDITS = """
from grader.source.bank import edits_of

def plain(x, by):
    return by * x + 0

wrong = edits_of("scaled", see="1. Scales")
wrong("added", ("x * by", "x + by"), says="You add.")
wrong("squared", ("x * by", "y * by"), ("(x, by)", "(y, by)"), says="You square.", see="2. Squares")
other = edits_of("scaled", form=plain)
other("one_more", ("+ 0", "+ 1"), says="One too many.")
"""


def bank_of(text, tmp_path, solutions=None):
    path = tmp_path / "bank.py"
    path.write_text(text)
    return read_bank(path, {"scaled": CELL} if solutions is None else solutions)


def test_edits_of_the_solution_and_of_a_form(tmp_path):
    bank = bank_of(EDITS, tmp_path)
    assert [(entry.name, entry.see) for entry in bank.misconceptions] == [
        ("added", "1. Scales"),
        ("squared", "2. Squares"),
        ("one_more", ""),
    ]
    answers = []
    for entry in bank.misconceptions:
        namespace: dict[str, object] = {}
        exec(entry.source, namespace)
        answers.append(namespace["scaled"](3, 5))  # type: ignore[operator]
    assert answers == [8, 15, 16]
    assert bank.misconceptions[0].source == "def scaled(x, by):\n    return x + by"


@pytest.mark.parametrize(
    ("text", "count"), [("x * by", 0), ("by", 2)], ids=["no longer there", "not clear which"]
)
def test_an_edit_that_does_not_fit_its_form_once_is_named(tmp_path, text, count):
    changed = CELL.replace("x * by", "by * x")
    bank = EDITS.replace('("x * by", "x + by")', f'("{text}", "x + by")')
    with pytest.raises(CourseError, match=rf"'added': the text '{re.escape(text)}' occurs {count} times"):
        bank_of(bank, tmp_path, {"scaled": changed})


def test_edits_of_a_function_that_no_cell_defines(tmp_path):
    with pytest.raises(CourseError, match="'added' edits 'scaled', which no solution cell defines"):
        bank_of(EDITS, tmp_path, {})


def test_a_file_of_another_course_that_is_called_bank_is_not_run(tmp_path):
    root = tinyunit.make(tmp_path / "course", bank="raise SystemExit('the students' own module')")
    build(root)
    assert read_assignment(root / "solutions" / tinyunit.UNIT).wrong == ()
