"""nbgrader's own example course, as its package ships it, graded by our engine with the scores of stock nbgrader."""

import shutil
from pathlib import Path

import nbgrader as package
import pytest

from grader.batch.grade import Options, grade_class
from tests.support import books
from tests.support.stock import nbgrader

EXAMPLE = Path(package.__file__).parent / "docs" / "source" / "user_guide"
UNIT = "ps1"


@pytest.fixture(scope="module")
def example(tmp_path_factory):
    if not (EXAMPLE / "submitted" / "bitdiddle").is_dir():
        pytest.skip(f"this nbgrader ships no example course in {EXAMPLE}")
    folder = tmp_path_factory.mktemp("example")
    for step in ("source", "submitted"):
        shutil.copytree(EXAMPLE / step, folder / step)
    return folder


def test_scores_and_comments_are_those_of_stock_nbgrader(example, tmp_path):
    stock, ours = tmp_path / "stock", tmp_path / "ours"
    shutil.copytree(example, stock)
    shutil.copytree(example, ours)
    for step in ("generate_assignment", "autograde"):
        done = nbgrader(stock, step, UNIT)
        assert done.returncode == 0, done.stderr
    summary = grade_class(ours, UNIT, Options(progress=False))
    assert books.scores(stock) == {"bitdiddle": 1.5, "hacker": 3.0}
    assert books.contents(ours) == books.contents(stock)
    assert {row.student: row.score for row in summary.rows} == books.scores(stock)


def test_the_pictures_of_text_cells_go_along(example, tmp_path):
    shutil.copytree(example, tmp_path / "course")
    grade_class(tmp_path / "course", UNIT, Options(progress=False))
    for student in ("bitdiddle", "hacker"):
        handed_in = (tmp_path / "course" / "submitted" / student / UNIT / "jupyter.png").read_bytes()
        assert (tmp_path / "course" / "autograded" / student / UNIT / "jupyter.png").read_bytes() == handed_in
