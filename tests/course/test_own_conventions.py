"""An honest course with header and footer, own delimiters and a module beside the notebook: our scores are those of stock nbgrader, cell by cell."""

from __future__ import annotations

import shutil

import pytest

from grader.batch.grade import Options, grade_class
from tests.support import books, smallcourse
from tests.support.smallcourse import UNIT, code, text
from tests.support.stock import nbgrader

CONFIG = """
c.IncludeHeaderFooter.header = "source/header.ipynb"
c.IncludeHeaderFooter.footer = "source/footer.ipynb"
c.ClearSolutions.begin_solution_delimeter = "# >>> answer"
c.ClearSolutions.end_solution_delimeter = "# <<< answer"
c.ClearSolutions.code_stub = {"python": "pass  # your turn"}
c.ClearHiddenTests.begin_test_delimeter = "HIDE"
c.ClearHiddenTests.end_test_delimeter = "SHOW"
c.ClearMarkScheme.begin_mark_scheme_delimeter = "SCHEME"
c.ClearMarkScheme.end_mark_scheme_delimeter = "SCHEMA"
"""
HEADER = [
    text("# Sheet 1\n\nAll sheets begin like this."),
    code("import numpy as np"),
    code(
        "from units import metres\n\n\ndef close(a, b):\n    return bool(np.allclose(a, b))",
        "sheet_setup",
        locked=True,
    ),
]
FOOTER = [code('assert NAME.strip(), "write your name"', "t_name", points=1), text("Hand in by Friday.")]
CELLS = [
    code('# >>> answer\nNAME = "Ada"\n# <<< answer', "name"),
    code(
        "def area(r):\n    # >>> answer\n    return np.pi * r**2\n    # <<< answer\n\n\n"
        "def feet(x):\n    # >>> answer\n    return x / metres(1)\n    # <<< answer",
        "area",
    ),
    code(
        "assert close(area(1), np.pi)\n# HIDE\nassert close(area(2.5), 19.634954084936208)\n# SHOW",
        "t_area",
        points=2,
    ),
    code("assert close(feet(np.array([0.3048, 3.048])), [1, 10])", "t_feet", points=3),
    code("# HIDE\nassert close(area(np.array([0.0, 3.0])), [0, 9 * np.pi])\n# SHOW", "t_hidden", points=1),
]
WHY = text("Why is pi irrational?\n\n=== SCHEME ===\nOne point for the word proof.\n=== SCHEMA ===")
WHY["metadata"]["nbgrader"] = {
    "grade": False,
    "solution": False,
    "locked": True,
    "task": True,
    "schema_version": 3,
    "grade_id": "why",
    "points": 2,
}
ANSWERS = {
    "right": {
        "name": 'NAME = "Bo"',
        "area": "def area(r):\n    return 3.141592653589793 * r * r\n\n\ndef feet(x):\n    return np.asarray(x) / 0.3048",
    },
    "wrong": {
        "name": 'NAME = " "',
        "area": "def area(r):\n    return np.pi * r\n\n\ndef feet(x):\n    return x / metres(1)",
    },
    "half": {"area": "def area(r):\n    return np.pi * r**2\n\n\ndef feet(x):\n    return 3 * x"},
    "empty": {},
}


@pytest.mark.slow
def test_scores_and_comments_are_those_of_stock_nbgrader(tmp_path):
    stock, ours = tmp_path / "stock", tmp_path / "ours"
    smallcourse.make(stock, [*CELLS, WHY], config=CONFIG)
    smallcourse.write(stock / "source" / "header.ipynb", HEADER)
    smallcourse.write(stock / "source" / "footer.ipynb", FOOTER)
    (stock / "source" / UNIT / "units.py").write_text("def metres(feet):\n    return 0.3048 * feet\n")

    done = nbgrader(stock, "generate_assignment", UNIT)
    assert done.returncode == 0, done.stderr
    released = stock / "release" / UNIT / f"{UNIT}.ipynb"
    for secret in ("answer", "HIDE", "SCHEME", "word proof", "19.63", "r**2"):
        assert secret not in released.read_text()
    for student, answers in ANSWERS.items():
        smallcourse.hand_in(stock, student, released, answers)
    shutil.copytree(stock, ours)
    (ours / "gradebook.db").unlink()
    done = nbgrader(stock, "autograde", UNIT)
    assert done.returncode == 0, done.stderr
    summary = grade_class(ours, UNIT, Options(progress=False))
    assert summary.warnings == ()
    assert books.contents(ours) == books.contents(stock)
    scores = {"right": 7.0, "wrong": 3.0, "half": 3.0, "empty": 0.0}
    assert {row.student: row.score for row in summary.rows} == scores
    assert books.scores(stock) == scores
