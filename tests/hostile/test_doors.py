"""The cases of `doors`, and the small courses of others that they came from."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader.engine.result import Status
from tests.hostile.doors import DOORS
from tests.hostile.edge import Edge
from tests.hostile.test_edges import graded, wrong


@pytest.mark.parametrize("edge", DOORS, ids=[edge.name for edge in DOORS])
def test_doors(edge: Edge, tmp_path: Path) -> None:
    result = graded(edge, tmp_path)
    if said := wrong(result, edge):
        pytest.fail("\n".join([*said, *map(str, result.incidents)]), pytrace=False)


def test_a_remark_says_what_counted_as_its_plain_content(tmp_path: Path) -> None:
    """Once for each class, for the instructor; of a class with state as of one without; nothing where all is plain."""
    edges = {edge.name: edge for edge in DOORS}
    said = [
        text
        for text in graded(edges["honest_content"], tmp_path / "content").incidents
        if "plain content" in text
    ]
    kinds = {"Stack": "list", "Celsius": "float", "Tag": "str", "Pair": "tuple", "Table": "dict"}
    assert said == [
        f"objects of type {kind} were compared by their plain content, as {base}"
        for kind, base in sorted(kinds.items())
    ]
    assert not [
        x for x in graded(edges["honest_operators"], tmp_path / "none").incidents if "plain content" in x
    ]


def test_the_remark_on_plain_content_names_few_classes_and_shortly(tmp_path: Path) -> None:
    notebook = """
# %% work
def f(x): return x
# %% test
assert f(1) == 1 and [f(k) for k in range(30)] == list(range(30))
"""
    many = "def f(x): return type(f'<b>\\n{x}' + 500 * 'x', (int,), {})(x)"
    result = graded(Edge("many", "operators", notebook, (many,), (0,)), tmp_path)
    assert [test.verdict for test in result.notebooks[0].tests] == ["passed"]
    said = [text for text in result.incidents if "plain content" in text]
    assert 1 <= len(said) <= 10
    assert all(len(text) < 200 and "\n" not in text for text in said)


def test_a_module_that_is_not_here_is_our_failure(tmp_path: Path) -> None:
    """Whatever the student's process has under that name; where no test uses it, nothing is lost."""
    notebook = """
# %% plain
import no_such_module as nsm
# %% work
def f(x): return x
# %% test
assert f(1) == 1
"""
    edge = Edge(
        "a_module_that_is_missing",
        "a module of the student's",
        notebook,
        ("class nsm: same = print\ndef f(x): return x",),
        (0,),
    )
    assert wrong(graded(edge, tmp_path / "unused"), edge) == []
    for use in ("assert nsm.same(f(1), 1) is None", "import no_such_module\nassert f(1) == 1"):
        used = Edge(edge.name, edge.kind, notebook.replace("assert f(1) == 1", use), edge.answers)
        result = graded(used, tmp_path / "used")
        assert result.status is Status.GRADER_FAILED
        assert "no_such_module" in result.reason
