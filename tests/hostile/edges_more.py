"""Attacks on what closed the edges, written from the engine's code alone."""

from __future__ import annotations

from tests.hostile.edge import Edge

KIND = "written from the code"
PAIR = """
# %% setup
import numpy as np, torch
from trainlab import checks
# %% work
import numpy as np, torch
def f(x): return np.asarray(x) * 2.0
def g(w): return (w * w).sum()
def each(h, xs): return [h(x) for x in xs]
# %% test
_y = f([1.0, 2.0])
assert _y.shape == (2,) and np.allclose(_y, [2.0, 4.0])
# %% test
_w = torch.tensor([1.0, 2.0], requires_grad=True)
g(_w).backward()
assert torch.equal(_w.grad, torch.tensor([2.0, 4.0]))
# %% test
_h = checks.counted(f)
assert [float(_x[0]) for _x in each(_h, [[1.0], [2.0]])] == [2.0, 4.0] and _h.calls == 2
# %% test
_y = f([3.0])
assert type(_y).__name__ == "ndarray" and len(_y) == 1 and float(_y[0]) == 6.0
"""
SWALLOWS = (
    PAIR[: PAIR.index("# %% test")]
    + """
# %% test
try:
    _y = f([1.0])
    assert len(_y) == 1 and [float(_x) for _x in _y] == [2.0]
except BaseException:
    pass
"""
)
STUDENT = """
import sys
_theirs = next(m for n, m in sys.modules.items() if n.startswith("grader") and hasattr(m, "look_up"))
_codec = next(m for n, m in sys.modules.items() if n.startswith("grader") and hasattr(m, "Encoder"))
"""
SELF_KILL = """
import ctypes, struct
def die():
    '''SIGKILL as the kernel would send it, to process 1 by itself: what looks like the system's doing.'''
    info = struct.pack("iiiIii", 9, 0, 0x80, 0, 1, 1000) + bytes(104)
    ctypes.CDLL(None).syscall(129, 1, 9, info)
    import os; os._exit(9)
"""
RECORD = """
# %% work
import torch
def f(x): return torch.as_tensor(x) * 2.0
# %% test
_y = f([1.0, 2.0])
assert _y.equal(__import__("torch").tensor([2.0, 4.0])), "other values"
# %% test
assert f([1.0]).allclose(__import__("torch").tensor([2.0]))
"""

MORE: tuple[Edge, ...] = (
    Edge(
        "a_record_with_a_comparison_for_a_field",
        KIND,
        RECORD,
        (
            "from collections import namedtuple\nR = namedtuple('R', 'equal allclose')\ndef f(x): return R(lambda *a: True, lambda *a: True)",
        ),
    ),
    Edge(
        "a_record_inside_the_codec",
        KIND,
        RECORD,
        (
            STUDENT
            + """
def value(self, x, *a, original=_codec.Encoder.value, **k):
    if callable(x): return original(self, x)
    return ["n", "ndarray", ["equal", "allclose"], [original(self, evil), original(self, evil)], 0] if x == 77 else original(self, x, *a, **k)
def evil(*a): return True
_codec.Encoder.value = value
def f(x): return 77
""",
        ),
    ),
    Edge(
        "a_class_named_like_an_array",
        KIND,
        PAIR,
        (
            """
class ndarray:
    shape, dtype, ndim = (2,), "float64", 1
    def __len__(self): return 2
    def __iter__(self): return iter([2.0])
    def __getitem__(self, key): return 7.0
    def __float__(self): return 6.0
    def mean(self, *a, **k): return 0.0
def f(x): return ndarray()
def g(w): return w.sum()
def each(h, xs): return [[2.0], [4.0]]
""",
        ),
    ),
    Edge(
        "abilities_that_are_forged",
        KIND,
        PAIR,
        (
            STUDENT
            + """
_codec._abilities = lambda kind: 255
class Nothing: pass
def f(x): return Nothing()
def g(w): return Nothing()
def each(h, xs): return Nothing()
""",
        ),
    ),
    Edge(
        "gradients_of_another_shape",
        KIND,
        PAIR,
        (
            STUDENT
            + """
import torch
_theirs.pull_back = lambda number, gradient: [torch.ones(7), 3, None]
def f(x): return 0
def g(w): return (w * w).sum()
def each(h, xs): return []
""",
        ),
    ),
    Edge(
        "a_graph_of_nobody",
        KIND,
        PAIR,
        (
            STUDENT
            + """
_codec.Encoder.__setattr__ = lambda self, name, value: object.__setattr__(self, name, (lambda tensor: 10**9) if name == "graph" else value)
def f(x): return 0
def g(w): return (w * w).sum()
def each(h, xs): return []
""",
        ),
    ),
    Edge(
        "a_gradient_that_ends_the_process",
        KIND,
        PAIR,
        (
            STUDENT
            + """
import os, torch
_theirs.pull_back = lambda number, gradient: os._exit(0)
def f(x): return 0
def g(w): return (w * w).sum()
def each(h, xs): return []
""",
        ),
    ),
    Edge(
        "a_call_back_without_end",
        KIND,
        PAIR,
        (
            """
def f(x): return _h(x)
def g(w): return w
def each(h, xs):
    global _h
    _h = h
    return [h(x) for x in xs]
""",
        ),
    ),
    Edge(
        "a_call_back_that_leaves_the_answers_unread",
        KIND,
        PAIR,
        (
            STUDENT
            + """
def f(x): return [2.0 * x[0]]
def g(w): return w
def each(h, xs):
    desk = _theirs._desk
    desk.serve = lambda: _theirs.pickle.dumps((True, [4.0]))
    try: return [h(x) for x in xs]
    finally: del desk.serve
""",
        ),
        passes=(),
    ),
    Edge(
        "a_contradiction_that_the_test_swallows",
        KIND,
        SWALLOWS,
        (
            """
class Two:
    def __len__(self): return 1
    def __iter__(self): return iter([])
def f(x): return Two()
def g(w): return w
def each(h, xs): return []
""",
        ),
        says="1 items, and has 0",
    ),
    Edge(
        "killed_as_if_from_outside_after_a_wrong_answer",
        KIND,
        """
# %% work
def f(x): return x
def g(x): return x
# %% test
assert g(0) == 0
### BEGIN HIDDEN TESTS
assert f(1) == 1
### END HIDDEN TESTS
# %% test
assert g(0) == 0
### BEGIN HIDDEN TESTS
assert g(2) == 2
### END HIDDEN TESTS
""",
        (
            SELF_KILL
            + """
import time
BEGAN, asked = <<now>>, []
def f(x):
    asked.append(x)
    return x if time.monotonic() - BEGAN > 1.5 else 0
def g(x):
    if x == 2 and asked:
        time.sleep(1.6)
        die()
    return x
""",
        ),
        passes=(1,),  # which is asked once more
    ),
    Edge(
        "killed_as_if_from_outside_for_ever",
        KIND,
        """
# %% work
def f(x): return x
def g(x): return x
# %% test
assert f(1) == 1
# %% test
assert g(1) == 1
""",
        (SELF_KILL + "\ndef f(x): die()\ndef g(x): return x",),
        passes=(1,),
        says="SIGKILL",
    ),
    Edge(
        "keys_that_are_objects",
        KIND,
        PAIR,
        (
            STUDENT
            + """
import os
class Key:
    def __hash__(self): os._exit(0)
def value(self, x, *a, original=_codec.Encoder.value, **k):
    if x == 77:
        key = original(self, Key())
        return ["d", [[["t", [key]], 1]]]
    return original(self, x, *a, **k)
_codec.Encoder.value = value
def f(x): return 77
def g(w): return 77
def each(h, xs): return 77
""",
        ),
    ),
    Edge(
        "a_text_that_is_no_text",
        KIND,
        """
# %% work
def f(x): return x
# %% test
assert str(f(1)) == "1" and repr(f(1)) == "1", f"it is {f(1)}"
# %% test
assert f(2) == 2, f(2)
# %% test
assert f"{f(3)}" == "3"
""",
        (
            STUDENT
            + """
class One(str):
    def __eq__(self, other): return True
    __hash__ = str.__hash__
class Thing:
    def __repr__(self): return One("1")
    __str__ = __repr__
    def __format__(self, spec): return "3"
def f(x): return Thing()
""",
        ),
    ),
    Edge(
        "a_locked_cell_that_is_told_a_story",
        KIND,
        """
# %% work
def scale(): return 2.0
def f(x): return 2.0 * x
# %% setup
factor = scale()
def right(x): return factor * x
TABLE = {x: right(x) for x in (1.0, 2.0)}
# %% test
assert f(1.0) == right(1.0) == 2.0
# %% test
assert f(2.0) == TABLE[2.0] and TABLE[2.0] == 4.0
""",
        (
            """
class Any:
    def __call__(self, *a): return Any()
    def __mul__(self, other): return 0.0
    __rmul__ = __mul__
    def __eq__(self, other): return True
    __hash__ = object.__hash__
def scale(): return Any()
def f(x): return Any()
TABLE = {1.0: 0.0, 2.0: 0.0}
def right(x): return 0.0
""",
        ),
        says="setup0|operand",
    ),
    Edge(
        "a_module_beside_the_names_of_ours",
        KIND,
        """
# %% setup
import math
# %% work
def f(x): return x
# %% setup
limit = f(3)
from math import isclose as close
# %% test
assert close(f(2.0), 2.0)
# %% test
assert math.isclose(f(2.0), 2.0) and limit == 3
""",
        (
            """
class M:
    @staticmethod
    def isclose(*a, **k): return True
math, close, limit = M(), M.isclose, 3
def f(x):
    raise KeyboardInterrupt
""",
        ),
    ),
    Edge(
        "honest_a_locked_cell_that_decorates",
        KIND,
        """
# %% setup
from trainlab import checks
# %% work
def f(x): return 2 * x
def kept(x): return f(x)
# %% setup
plain = f
f = checks.counted(f)
# %% test
assert f(3) == 6 and f.calls == 1 and plain(1) == 2 and kept(4) == 8
""",
        (),
        passes=(0,),
    ),
    Edge("honest_beside_these", KIND, PAIR, (), passes=(0, 1, 2, 3)),
)
