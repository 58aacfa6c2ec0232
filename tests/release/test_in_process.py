"""The tag in_process goes into the source's own file, and nothing else there changes."""

from __future__ import annotations

import json

import pytest

from grader.release.in_process import tag
from grader.source.course import read_course
from tests.support import smallcourse, tinyunit
from tests.support.smallcourse import UNIT, code

CELLS = [
    code("def f(): return 1", "f"),
    code("assert f() == 1", "t_f", points=1, tags=["slow"]),
    code("assert f() < 2  # größer", "t_g", points=1),
]


@pytest.mark.parametrize("style", [{"indent": 1}, {"indent": 2}, {}, {"indent": 1, "ensure_ascii": False}])
def test_a_notebook_keeps_the_form_in_which_it_was_written(tmp_path, style):
    root = smallcourse.make(tmp_path, CELLS)
    path = root / "source" / UNIT / f"{UNIT}.ipynb"
    nb = json.loads(path.read_text())
    path.write_text(json.dumps(nb, **style))
    tag(read_course(root), UNIT, ["t_f", "t_g"])
    nb["cells"][1]["metadata"]["tags"] = ["slow", "in_process"]
    nb["cells"][2]["metadata"]["tags"] = ["in_process"]
    assert path.read_text() == json.dumps(nb, **style)
    tag(read_course(root), UNIT, ["t_f"])
    assert path.read_text() == json.dumps(nb, **style)


def test_a_text_source_gets_the_tag_in_the_cells_header(tmp_path):
    source = tinyunit.SOURCE.replace(
        '# %% nbgrader={"grade": true, "grade_id": "test_double_zero"',
        '# %% tags=["slow"] nbgrader={"grade": true, "grade_id": "test_double_zero"',
    )
    root = tinyunit.make(tmp_path / "course", source=source)
    path = root / "solutions" / tinyunit.UNIT / f"{tinyunit.UNIT}.py"
    tag(read_course(root), tinyunit.UNIT, ["test_double_values", "test_double_zero"])
    changed = [
        (a, b) for a, b in zip(source.split("\n"), path.read_text().split("\n"), strict=True) if a != b
    ]
    assert [new.replace(' tags=["in_process"]', "").replace(', "in_process"', "") for _, new in changed] == [
        old for old, _ in changed
    ]
    assert len(changed) == 2
    tag(read_course(root), tinyunit.UNIT, ["test_double_values"])
    assert path.read_text().count("in_process") == 2
