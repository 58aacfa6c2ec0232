"""Proxies: what a test can do with the student's names, and what of it comes back."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch

from grader.engine.codec import StudentExit
from grader.engine.namespace import Namespace, describe, run_cell
from grader.engine.proxy import Fault, Link
from grader.engine.result import Verdict
from grader.engine.standin import Handle
from grader.engine.student import execute, look_up
from grader.engine.supervisor import Student
from grader.sandbox.limits import Limits
from trainlab import checks

CODE = """
import numpy as np, torch

def add_one(x):
    x += 1
    return x

def append(items, value):
    items.append(value); items[0] = items[1]

def fill(table):
    table["new"] = np.ones(2); table.pop("old", None)

def backward(w):
    (w ** 2).sum().backward()

def children(rng): return [child.random() for child in rng.spawn(2)]

def draw(rng, n):
    return rng.random(n) if isinstance(rng, np.random.Generator) else torch.rand(n, generator=rng)

def twice(f, x):
    return f(x) + f(x)

def train(net):
    with torch.no_grad():
        for p in net.parameters(): p.zero_()

def fail(kind, *args):
    raise {"value": ValueError, "own": Own, "sub": Sub, "exit": SystemExit, "stop": StopIteration,
           "base": BaseException, "decode": UnicodeError}[kind](*args)

class Own(Exception): pass
class Sub(ValueError): pass

def numbers(n):
    for i in range(n): yield i

def odd():
    return Odd()

class Odd:
    value = 3
    def __init__(self, start=0): self.start = start
    def __len__(self): return 4
    def __getitem__(self, key):
        if key > 4: raise IndexError
        return key * 2
    def __setitem__(self, key, value): self.start = (key, value)
    def equal(self, other): return True
    def assert_right(self): return True
    def __eq__(self, other): return True
    def __float__(self): return 1.0
    def __call__(self, x): return x + self.start

def helper(x): return 10 * x
def uses_helper(x): return helper(x)
"""


@pytest.fixture(scope="module")
def link() -> Iterator[Link]:
    with tempfile.TemporaryDirectory() as scratch:
        process = Student(isolate=True, limits=Limits(), scratch=scratch)
        link = Link(process.data, 2**20)
        link.ask(execute, CODE, 1000, 1000)
        yield link
        process.finish()


@pytest.fixture
def student(link: Link) -> Callable[[str], Any]:
    return lambda name: link.ask(look_up, name)


Names = Callable[[str], Any]


def test_arrays_are_changed_in_place(student: Names) -> None:
    for x in (np.zeros((2, 2)), torch.zeros(3)):
        result = student("add_one")(x)
        assert result is x  # the student returned its input, so the test gets its own
        assert x.sum() == x.size if isinstance(x, np.ndarray) else x.sum() == 3


def test_lists_and_dicts_are_changed_in_place(student: Names) -> None:
    a, b, c = np.zeros(1), np.zeros(2), np.zeros(3)
    items: list[Any] = [a, b]
    student("append")(items, c)
    assert items[0] is b
    assert items[1] is b
    assert items[2] is c
    table: dict[str, Any] = {"old": 1}
    student("fill")(table)
    assert list(table) == ["new"]
    assert table["new"].tolist() == [1, 1]


def test_gradients_arrive_at_the_leaves(student: Names) -> None:
    w = torch.tensor([1.0, 2.0], requires_grad=True)
    student("backward")(w)
    assert w.grad is not None
    assert w.grad.tolist() == [2.0, 4.0]


def test_modules_are_trained_in_place(student: Names) -> None:
    net = torch.nn.Linear(2, 1)
    student("train")(net)
    assert net.weight.abs().sum() == 0


def test_generators_go_on_where_the_student_left_them(student: Names) -> None:
    rng, twin = np.random.default_rng(1), np.random.default_rng(1)
    assert np.array_equal(student("draw")(rng, 3), twin.random(3))
    assert rng.random() == twin.random()
    assert student("children")(rng) == [child.random() for child in twin.spawn(2)]
    assert rng.spawn(1)[0].random() == twin.spawn(1)[0].random()
    gen, other = torch.Generator().manual_seed(1), torch.Generator().manual_seed(1)
    assert torch.equal(student("draw")(gen, 3), torch.rand(3, generator=other))
    assert torch.equal(torch.rand(1, generator=gen), torch.rand(1, generator=other))


def test_functions_travel_and_counted_ones_stay(student: Names) -> None:
    scale = np.array([2.0])
    assert student("twice")(lambda x: scale * x, 3.0) == 12
    seen: list[float] = []

    def record(x: float) -> float:
        seen.append(x)
        return 5 * x

    counted = checks.counted(record)
    assert student("twice")(counted, 3.0) == 30
    assert counted.calls == 2
    assert seen == [3.0, 3.0]  # it ran here


def test_a_counted_function_may_raise(student: Names) -> None:
    def refuse(x: float) -> float:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        student("twice")(checks.counted(refuse), 1.0)


def test_exceptions_keep_their_kind(student: Names) -> None:
    fail = student("fail")
    with pytest.raises(ValueError, match="text") as caught:
        fail("value", "text")
    assert "in fail, line" in caught.value.__notes__[0]
    with pytest.raises(ValueError):
        fail("sub")
    with pytest.raises(student("Own"), match=r"^mine\n") as own:  # a class of the student's can be caught
        fail("own", "mine")
    assert type(own.value).__name__ == "Own" and not isinstance(own.value, ValueError)
    with pytest.raises(RuntimeError, match="StopIteration"):
        fail("stop")
    for kind in ("exit", "base"):
        with pytest.raises(StudentExit):
            fail(kind)


def test_generators_are_walked(student: Names) -> None:
    assert list(student("numbers")(3)) == [0, 1, 2]
    walk = iter(student("numbers")(1))
    assert next(walk) == 0
    with pytest.raises(StopIteration):
        next(walk)


def test_objects_are_looked_into(student: Names) -> None:
    kind = student("Odd")
    thing = kind(start=2)
    assert isinstance(thing, kind)
    assert not isinstance(3, kind)
    assert (thing.value, thing.start, len(thing), thing[4], thing(1)) == (3, 2, 4, 8, 3)
    thing.start = 9
    assert thing.start == 9
    thing["a"] = 1
    assert thing.start == ("a", 1)
    assert [len(x) for x in (thing, thing)] == [4, 4]
    with pytest.raises(AttributeError):
        _ = thing.missing


def test_objects_do_not_judge_themselves(student: Names) -> None:
    thing = student("odd")()
    for attempt in (
        lambda: thing != 3, lambda: thing != student("odd")(), lambda: 3 not in [thing],
        lambda: bool(thing), lambda: float(thing), lambda: np.asarray(thing), lambda: np.allclose(thing, 1),
        lambda: thing - 1, lambda: abs(thing), lambda: thing < 1, lambda: thing.equal(1), lambda: thing.assert_right(),
        lambda: np.ones(2) == thing, lambda: torch.equal(thing, torch.ones(1)),
    ):  # fmt: skip
        with pytest.raises((TypeError, ValueError, RuntimeError)):
            attempt()
    with pytest.raises(TypeError, match="__eq__"):
        _ = thing.__eq__.__self__.__dict__
    for hidden in ("__class_getitem__", "_private", "__array_interface__", "__torch_function__"):
        assert not hasattr(thing, hidden)


# the namespace of test cells


@pytest.fixture
def names(link: Link) -> Namespace:
    names = Namespace(lambda: link)
    run_cell("import numpy as np", "setup", names)
    names.give_back(frozenset({"helper", "uses_helper", "twice", "Odd"}))
    return names


def test_a_name_is_deleted_and_bound_over_there(names: Namespace) -> None:
    """What nbgrader's own example does, to see whether one function uses another."""
    run_cell(
        """
kept = helper
del helper
try:
    uses_helper(1)
except NameError:
    pass
else:
    raise AssertionError
finally:
    helper = kept
assert uses_helper(1) == 10 and helper(2) == 20
helper = lambda x: -x
assert uses_helper(1) == -1
helper = kept
""",
        "test",
        names,
    )
    names.give_back(names.owned)
    assert run_cell("uses_helper(3)", "test", names) is None  # a student's value is no partial credit
    run_cell("assert uses_helper(3) == 30", "test", names)


def test_what_a_test_binds_is_its_own(names: Namespace) -> None:
    names.give_back(frozenset({"helper"}))
    run_cell("helper = np.ones(2)\nassert helper is helper and helper.sum() == 2", "test", names)
    names.give_back(frozenset({"helper"}))
    names.link().ask(execute, "def helper(x): return 10 * x", 0, 0)
    run_cell("assert helper(1) == 10", "test", names)


def test_functions_of_a_test_see_the_students_names(names: Namespace) -> None:
    run_cell(
        """
def outer():
    return helper(4)
assert outer() == 40
assert twice(lambda x: helper(x), 1) == 20  # looked up over there
assert len([n for n in range(3) if sum([n]) == n]) == 3
""",
        "test",
        names,
    )


def test_built_in_names_are_not_the_students(names: Namespace, link: Link) -> None:
    link.ask(execute, "len = sum = AssertionError = lambda *a: 'fooled'", 0, 0)
    run_cell("assert len([1]) == 1 and sum([2]) == 2", "test", names)
    with pytest.raises(AssertionError):
        run_cell("assert False", "test", names)
    with pytest.raises(NameError):
        run_cell("nowhere", "test", names)


def test_partial_credit_and_magics(names: Namespace) -> None:
    assert run_cell("points = 0.5\npoints", "test", names) == 0.5
    assert run_cell("%matplotlib inline\n1 + 1", "test", names) == 2


def test_descriptions(names: Namespace) -> None:
    def said(source: str) -> str:
        try:
            run_cell(source, "test", names)
        except Exception as error:
            return describe(error, source, "test")
        raise AssertionError

    assert said("assert 1 == 2, 'no'") == "no"
    assert said("x = 1\nassert x == 2") == "AssertionError: assert x == 2"
    assert said("raise ValueError('object at 0x7f0011223344')") == "ValueError: object at 0x..."


# a process that has gone


def test_a_broken_wire_is_no_answer() -> None:
    with tempfile.TemporaryDirectory() as scratch:
        process = Student(isolate=True, limits=Limits(), scratch=scratch)
        link = Link(process.data, 2**20)
        link.ask(execute, "import os\ndef leave(): os._exit(3)\ndef stay(): return object()", 0, 0)
        kept = link.ask(look_up, "stay")()
        assert isinstance(kept, Handle)
        with pytest.raises(Fault) as caught:
            link.ask(look_up, "leave")()
        assert caught.value.args[0] is Verdict.CRASHED
        with pytest.raises(Fault):
            _ = kept.attribute
        assert process.finish()["status"] == 3
