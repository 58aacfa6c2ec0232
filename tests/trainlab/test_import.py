"""`import trainlab` is light: nothing heavy is loaded before a room is used."""

import subprocess
import sys

import pytest

import trainlab
from grader.source.notebook import read_assignment
from tests.support.course import ASSIGNMENTS, ROOT

BUDGET = 0.050  # seconds of processor time beyond numpy; 50 times what is measured


def fresh(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout


def test_import_loads_no_heavy_package():
    loaded = fresh("import sys, trainlab; print(*{name.split('.')[0] for name in sys.modules})").split()
    assert "trainlab" in loaded
    assert not {"torch", "matplotlib", "sklearn", "scipy", "numpy", "IPython", "ipywidgets"} & set(loaded)


def test_import_stays_within_its_budget():
    code = "import numpy, time; t = time.process_time(); import trainlab; print(time.process_time() - t)"
    assert min(float(fresh(code)) for _ in range(3)) < BUDGET


@pytest.mark.parametrize(
    ("room", "heavy"),
    [
        ("surfaces", "matplotlib"),
        ("descend", "torch"),
        ("plots", "torch"),
        ("evidence", "torch"),
        ("data", "sklearn"),
    ],
)
def test_a_room_loads_only_what_it_needs(room, heavy):
    assert fresh(f"import sys, trainlab; trainlab.{room}; print({heavy!r} in sys.modules)").strip() == "False"


def test_rooms_are_listed_and_found():
    assert set(trainlab.__all__) <= set(dir(trainlab))
    for room in trainlab.__all__:
        assert getattr(trainlab, room).__name__ == f"trainlab.{room}"


def test_an_unknown_name_says_which_rooms_there_are():
    with pytest.raises(AttributeError, match=r"no attribute 'surface'.*surfaces"):
        trainlab.surface  # noqa: B018


def test_every_room_is_listed():
    rooms = {path.stem for path in (ROOT / "trainlab").glob("*.py")} - {"__init__"}
    assert rooms == set(trainlab.__all__)


@pytest.mark.parametrize("unit", ASSIGNMENTS)
def test_no_answer_to_an_exercise_can_be_imported(unit):
    answers = {
        name
        for exercise in read_assignment(ROOT / "solutions" / unit).exercises
        for name in exercise.solution.defines
    }
    assert answers
    for room in trainlab.__all__:
        assert not answers & set(vars(getattr(trainlab, room)))
