import pytest

from grader.answers import entry_answer
from grader.bank import read_bank
from grader.build import build
from grader.notebook import CourseError, read_assignment
from tests import tinyunit


def test_entries_become_the_end_of_a_solution_cell(tmp_path):
    root = tinyunit.make(tmp_path / "course")
    build(root)
    unit = root / "solutions" / tinyunit.UNIT
    bank = read_bank(unit / "bank.py")
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
        read_bank(path)


def test_a_bank_that_does_not_import_and_one_that_is_missing(tmp_path):
    path = tmp_path / "bank.py"
    with pytest.raises(CourseError, match="no bank there"):
        read_bank(path)
    path.write_text("import nothing_like_it")
    with pytest.raises(CourseError, match="ModuleNotFoundError"):
        read_bank(path)


def test_an_entry_for_no_exercise_is_named(tmp_path):
    root = tinyunit.make(
        tmp_path / "course", bank=tinyunit.BANK.replace('variant("double")', 'variant("triple")')
    )
    build(root)
    unit = root / "solutions" / tinyunit.UNIT
    with pytest.raises(CourseError, match="bank entry 'times_two' is for 'triple'"):
        entry_answer(read_assignment(unit), read_bank(unit / "bank.py").variants[0])
