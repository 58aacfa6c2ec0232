"""The reader's time: counted from the notebook, compared with what the lecture prints."""

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from grader.release.reading import Reading, over_budget, problems, read
from tests.support.course import LECTURES, ROOT

PICTURE = new_output("display_data", data={"image/png": "x"})


def test_what_is_counted():
    """Words in view, a formula as one; neither tables nor what is folded. Experiments are code cells in view."""
    prose = "# Why is it?\n\n**Predict.** Is $a+b$ large?\n\n| a | b |\n|---|---|\n\n<details><summary>No</summary>\nno\n</details>"
    nb = new_notebook(
        cells=[
            new_markdown_cell(prose),
            new_code_cell("import trainlab", metadata={"tags": ["generated"]}),
            new_code_cell("x = 1\nx", metadata={"tags": ["hide-input"]}, outputs=[PICTURE]),
            new_code_cell("y = 2\nz = 3\ny", outputs=[PICTURE, PICTURE]),
        ]
    )
    found = read(nb)
    assert found == Reading(words=7, experiments=1, predictions=1, figures=3, lines=3, longest=3, above=2)
    assert found.minutes == 6


def test_what_is_over_budget_is_said():
    assert list(over_budget(Reading(2000, 5, 4, 6, 100, 25, 22), 30)) == []
    said = list(over_budget(Reading(2801, 30, 10, 10, 201, 26, 23), 70))
    assert said[0] == "prints 70 minutes; its text, experiments, predictions and figures make 94"
    assert len(said) == 6


@pytest.mark.parametrize("unit", LECTURES)
def test_a_lecture_of_the_second_edition_is_within_its_budget(unit):
    assert problems(ROOT, unit) == []


def test_units_03_and_08_are_of_the_second_edition():
    for unit in ("03_backpropagation", "08_conditioning"):
        nb = nbformat.read(ROOT / "lectures" / f"{unit}.ipynb", as_version=4)
        assert any("hide-input" in cell.metadata.get("tags", ()) for cell in nb.cells)
