"""What strangers hand in: the folder, the notebook, and which cell stands for which."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from grader.engine import submission as sub
from grader.engine.plan import line_up
from grader.engine.submission import Submission, load_notebook, pair_notebooks, read_cells, read_submission
from grader.source.notebook import Assignment, Cell, Notebook, Role
from grader.text import printable

# ------------------------------------------------------------------------------------------ the folder


def test_regular_files_only(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("hidden")
    folder = tmp_path / "unit"
    (folder / "data").mkdir(parents=True)
    (folder / "unit.ipynb").write_text("{}")
    (folder / "data" / "a.csv").write_text("1")
    (folder / "link").symlink_to(secret)
    (folder / "dangling").symlink_to("nowhere")
    (folder / "up").symlink_to(tmp_path)
    os.link(secret, folder / "hard")
    os.mkfifo(folder / "pipe")
    (folder / ".ipython").mkdir()
    (folder / ".ipython" / "startup.py").write_text("x")
    found = read_submission(folder, "unit")
    assert [name for name, _ in found.files] == ["data/a.csv", "unit.ipynb"]
    assert len(found.notes) == 5
    assert "hidden" not in repr(found)
    assert not any("\n" in note for note in found.notes)


def test_sizes_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sub, "MAX_FILE", 100)
    monkeypatch.setattr(sub, "MAX_FILES", 3)
    (tmp_path / "big.csv").write_bytes(bytes(101))
    for n in range(9):
        (tmp_path / f"{n}.txt").write_bytes(b"x")
    (tmp_path / "z.ipynb").write_bytes(b"{}")
    found = read_submission(tmp_path, "z")
    assert [name for name, _ in found.files] == ["0.txt", "1.txt", "z.ipynb"]  # notebooks come first
    assert len(found.notes) == 1
    monkeypatch.setattr(sub, "MAX_FILES", 100)
    assert any("big.csv: left out (larger" in note for note in read_submission(tmp_path, "z").notes)


def test_names_are_printed_safely(tmp_path: Path) -> None:
    (tmp_path / "a\nb\u202egnp.exe").symlink_to("x")
    (note,) = read_submission(tmp_path, "u").notes
    assert note == "a\\u000ab\\u202egnp.exe: left out (a link)"
    assert len(printable("x" * 10_000)) < 200


def test_no_folder(tmp_path: Path) -> None:
    found = read_submission(tmp_path / "nobody", "u")
    assert found.files == ()
    assert found.notes


def test_the_digest_follows_the_content() -> None:
    one = Submission("u", (("a", b"1"), ("b", b"2")))
    assert one.digest == Submission("u", (("a", b"1"), ("b", b"2"))).digest
    others = [
        Submission("v", one.files),
        Submission("u", (("a", b"1b2"),)),
        Submission("u", one.files, ("x",)),
    ]
    assert len({s.digest for s in [one, *others]}) == 4


# ---------------------------------------------------------------------------------------- the notebook


def book(*cells: object, **more: object) -> bytes:
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells, **more}).encode()


def code(
    source: object, grade_id: object = None, cell_id: object = None, kind: str = "code"
) -> dict[str, object]:
    meta = {"nbgrader": {"grade_id": grade_id, "points": 1e9, "grade": True}} if grade_id is not None else {}
    return {"cell_type": kind, "source": source, "metadata": meta, "id": cell_id, "outputs": [float("nan")]}


def test_tolerated() -> None:
    data = b"\xef\xbb\xbf" + book(code(["a\r\n", "b"], "x"), "no cell", code(3), code("y", 7), code("z", "x"))
    cells = read_cells(load_notebook(data))
    assert [c.source for c in cells] == ["a\nb", "", "", "y", "z"]
    assert [c.grade_id for c in cells] == ["x", "", "", "", ""]  # the copy of x is a plain cell
    assert [c.code for c in cells] == [True, False, True, True, True]


def test_lone_surrogates_become_text() -> None:
    (cell,) = read_cells(
        load_notebook(rb'{"nbformat": 4, "cells": [{"cell_type": "code", "source": "\ud800"}]}')
    )
    assert cell.source == "?"


@pytest.mark.parametrize("major", [2, 3])
def test_old_formats_are_upgraded(major: int) -> None:
    old = {
        "cell_type": "code",
        "input": "x = 1",
        "language": "python",
        "outputs": [],
        "metadata": {},
        "collapsed": False,
    }
    data = {
        "nbformat": major,
        "nbformat_minor": 0,
        "metadata": {"name": ""},
        "worksheets": [{"cells": [old], "metadata": {}}],
    }
    (cell,) = read_cells(load_notebook(json.dumps(data).encode()))
    assert cell.source == "x = 1"


# ------------------------------------------------------------------------------------------- the names

UNIT = Assignment("05_momentum", (Notebook("05_momentum", (Cell("f", Role.WORK, "def f(): ..."),)),))


@pytest.mark.parametrize(
    "name",
    [
        "05_momentum",
        "05_momentum (1)",
        "05_Momentum",
        "Copy of 05_momentum",
        "05_momentum-Copy1",
        "05 momentum",
    ],
)
def test_names_that_are_understood(name: str) -> None:
    pairs, notes = pair_notebooks(Submission("u", ((f"{name}.ipynb", book()),)), UNIT)
    assert pairs == {"05_momentum": name}
    assert bool(notes) == (name != "05_momentum")


def test_names_that_are_not() -> None:
    stranger, relative = book(code("x")), book(code("x", "f"))
    assert pair_notebooks(Submission("u", (("hw.ipynb", stranger),)), UNIT) == (
        {},
        ("no 05_momentum.ipynb; found hw.ipynb",),
    )
    assert pair_notebooks(Submission("u", (("hw.ipynb", relative),)), UNIT)[0] == {"05_momentum": "hw"}
    two = (("05_momentum (1).ipynb", b""), ("05_momentum (2).ipynb", b""))
    assert pair_notebooks(Submission("u", two), UNIT)[0] == {}
    assert pair_notebooks(Submission("u", (("data/05_momentum.ipynb", b""),)), UNIT)[0] == {}


# ------------------------------------------------------------------------------------------- the steps

SOURCE = Notebook(
    "n",
    (
        Cell("setup", Role.SETUP, "import numpy as np"),
        Cell("f", Role.WORK, "import math\ndef f(): ...", solution=True),
        Cell(
            "test_f",
            Role.TEST,
            "assert f() == 1\n### BEGIN HIDDEN TESTS\nassert f() == 1\n### END HIDDEN TESTS",
            2.0,
        ),
        Cell("g", Role.WORK, "def g(): ...", solution=True),
        Cell("test_g", Role.TEST, "assert g() == 2", 1.0),
        Cell(
            "payoff",
            Role.WORK,
            "for epoch in range(1000):\n    train(f, g, epoch, rate=0.1)",
            tags=frozenset({"explore"}),
        ),
    ),
)


def steps(*cells: dict[str, object]) -> list[str]:
    """The ids of source cells and the sources of the student's, in the order in which they run."""
    return [
        step.id or step.source
        for step in line_up(SOURCE, read_cells(load_notebook(book(*cells))))
        if step.kind != "import"
    ]


F, G = "def f(): return 1", "def g(): return 2"
HONEST = [
    code("import numpy as np", "setup"), code(F, "f"), code("assert f() == 1", "test_f"),
    code(G, "g"), code("assert g() == 2", "test_g"),
    code("for epoch in range(1000):\n    train(f, g, epoch, rate=0.1)", None, "payoff"),
]  # fmt: skip
EXPECTED = ["setup", F, "test_f", G, "test_g"]


def without_metadata(cell: dict[str, object]) -> dict[str, object]:
    return {**cell, "metadata": {}, "id": None}


def test_the_honest_order() -> None:
    assert steps(*HONEST) == EXPECTED


def test_metadata_removed() -> None:
    assert steps(*map(without_metadata, HONEST)) == EXPECTED
    edited = code("for epoch in range(2000):\n    train(f, g, epoch, rate=0.2)")
    assert steps(*map(without_metadata, HONEST[:-1]), edited) == EXPECTED


def test_deleted_cells() -> None:
    assert steps(*[c for c in HONEST if c is not HONEST[0]]) == EXPECTED
    assert steps(HONEST[1], HONEST[3]) == EXPECTED
    assert steps() == ["setup", "test_f", "test_g"]
    assert steps(HONEST[1], code("f = better"), HONEST[3]) == [
        "setup",
        F,
        "f = better",
        "test_f",
        G,
        "test_g",
    ]


def test_reordered_cells() -> None:
    """Set-up before all that follows it in the source, tests after all that precedes them."""
    assert steps(*HONEST[::-1]) == ["setup", G, F, "test_f", "test_g"]
    assert steps(HONEST[0], HONEST[2], HONEST[1], HONEST[4], HONEST[3]) == EXPECTED


def test_own_cells_run_where_they_stand() -> None:
    mine = code("x = 1")
    assert steps(HONEST[0], mine, HONEST[1], mine, *HONEST[2:]) == [
        "setup",
        "x = 1",
        F,
        "x = 1",
        "test_f",
        G,
        "test_g",
    ]


def test_copies_and_stolen_ids() -> None:
    copy = code("assert f() == 1", "test_f")
    assert steps(*HONEST[:3], copy, *HONEST[3:]) == ["setup", F, "test_f", "assert f() == 1", G, "test_g"]
    stolen = [HONEST[0], code(F, "test_f"), *HONEST[2:]]
    assert steps(*stolen).count("test_f") == 1


def test_a_test_turned_to_text_is_still_the_test() -> None:
    assert steps(*HONEST[:2], code("assert f() == 1", "test_f", kind="markdown"), *HONEST[3:]) == EXPECTED


def test_whose_names_they_are() -> None:
    found = {step.id: step.owned for step in line_up(SOURCE, ()) if step.kind == "test"}
    assert found == {"test_f": {"f"}, "test_g": {"f", "g"}}  # np and math are the examiner's
    assert [step.source for step in line_up(SOURCE, ()) if step.kind == "import"] == ["import math"]


@pytest.mark.parametrize(
    ("source", "goes_on"),
    [
        ("x = 1\n### BEGIN HIDDEN TESTS\nassert x\n### END HIDDEN TESTS", True),
        ("x = 1\n\n### BEGIN HIDDEN TESTS\nassert x\n### END HIDDEN TESTS\n", True),
        ("x = 1\n### BEGIN HIDDEN TESTS\nx = 2\n### END HIDDEN TESTS\nassert x", False),  # in the middle
        ("def g():\n    ### BEGIN HIDDEN TESTS\n    return 1\n    ### END HIDDEN TESTS", False),
        (
            "for x in 1, 2:\n    y = x\n    ### BEGIN HIDDEN TESTS\n    y += 1\n    ### END HIDDEN TESTS",
            False,
        ),
        ("%matplotlib inline\n### BEGIN HIDDEN TESTS\nassert True\n### END HIDDEN TESTS", False),
    ],
)
def test_where_the_hidden_part_begins(source: str, goes_on: bool) -> None:
    """It goes on after the public part only where that is the same either way."""
    unit = Notebook("n", (Cell("test_x", Role.TEST, source, 1.0),))
    (test,) = line_up(unit, ())
    assert test.goes_on is goes_on


@pytest.mark.parametrize(
    ("later", "settled"),
    [
        ("def h(): return f()", True),
        ("print(f())", True),
        ("import os", True),
        ("total = f() + 1", True),
        ("def f(): return 9", False),
        ("f = None", False),
        ("del f", False),
        ("K = 2", False),  # a global that f reads
        ("x = 2", True),  # only a local of f
        ("for K in range(3): pass", False),
        ("f.count = 1", False),
        ("table[0] = 1", False),
        ("%reset -f", False),
        ("import numpy as np", True),  # as before
        ("import math as f", False),
        ("class f: pass", False),
        ("with open('x') as f: pass", False),
        (
            "def h():\n    global f\n    f = 1",
            True,
        ),  # not called; and if it were, stock nbgrader would not see it either
    ],
)
def test_whether_later_cells_matter(later: str, settled: bool) -> None:
    own = "def f():\n    x = 1\n    return K * x"
    cells = [HONEST[0], code(own, "f"), HONEST[2], code(later), *HONEST[3:]]
    (test,) = [
        step for step in line_up(SOURCE, read_cells(load_notebook(book(*cells)))) if step.id == "test_f"
    ]
    assert test.settled is settled
