"""What the text of a test says of it: whether something in it can fail, what it defines for later cells, and where it decides itself."""

from __future__ import annotations

import pytest

from grader.engine.plan import asserts, can_fail, definitions


@pytest.mark.parametrize(
    "source",
    [
        "assert f(1) == 1",
        "checks.number(f(1), 1.0)",
        "for x in []:\n    assert f(x)",
        "try:\n    f()\n    assert False\nexcept TypeError:\n    pass",
        "f",
        "points",
        "y = f",
        "@check\ndef one(): ...",
        "class T(Case):\n    f(1)",
        "with raises(ValueError):\n    f(1)",
        "if f(1) != 1:\n    raise ValueError",
        "%run tests.py",
        "%%time\nassert f(1)",
        "this is no Python",
    ],
)
def test_something_in_it_can_fail(source: str) -> None:
    assert can_fail(source, frozenset({"f"}))


@pytest.mark.parametrize(
    "source",
    [
        "",
        "# checked by hand",
        '"""Checked by hand."""',
        "pass",
        "expected = 3",
        "import math",
        "y = x",
        "1",
        "def check():\n    assert f(1)",
        "class T(Case):\n    def test(self):\n        assert f(1)",
        "g = lambda: f(1)",
    ],
)
def test_nothing_in_it_can_fail(source: str) -> None:
    assert not can_fail(source, frozenset({"f"}))


def test_definitions_are_what_later_cells_may_want_and_nothing_that_calls() -> None:
    source = """
import inspect
from math import pi
expected = {"a": [1, 2]}
out = f(1)
other = expected["a"]
def helper(x):
    return f(x)
class Case:
    pass
x.y = 3
assert helper(1) == 1
for n in range(3):
    k = n
"""
    kept = "import inspect\nfrom math import pi\nexpected = {'a': [1, 2]}\nother = expected['a']\n"
    assert definitions(source) == kept + "def helper(x):\n    return f(x)\nclass Case:\n    pass"
    assert definitions("this is no Python") == ""


def test_a_test_decides_where_it_asserts_outside_of_its_definitions() -> None:
    assert asserts("assert f(1)") and asserts("if f(1):\n    raise ValueError")
    assert not asserts("class T(Case):\n    def test(self):\n        assert f(1)\nmain()")
