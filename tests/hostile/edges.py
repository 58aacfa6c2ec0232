"""Cases at the edges of the two processes, by kind: what a wrong answer won, lost for us or was told, and beside it the honest answer."""

from __future__ import annotations

from tests.hostile.edge import Edge
from tests.hostile.edges_more import MORE
from tests.hostile.inside import INSIDE

# --- one question, two answers -------------------------------------------------------------------------------------------

BATCHES = """
# %% work
def batches(n, size):
    return [list(range(n))[i : i + size] for i in range(0, n, size)]
# %% test
_out = batches(6, 2)
assert len(_out) == 3
for _i, _b in enumerate(_out):
    assert list(_b) == [2 * _i, 2 * _i + 1]
# %% test
_out = batches(6, 2)
assert sum(1 for _ in _out) == 3, "three batches"
assert all(list(_b) == [2 * _i, 2 * _i + 1] for _i, _b in enumerate(_out))
# %% test
_out = batches(6, 2)
assert len(_out[0]) == 2 and list(_out[0]) == [0, 1] and len(_out) == 3
"""
METER = """
# %% work
class Meter:
    def __init__(self):
        self.total, self.n = 0.0, 0
    def add(self, x):
        self.total, self.n = self.total + x, self.n + 1
    @property
    def mean(self):
        return self.total / self.n
rate = 0.1
# %% test
_m = Meter()
_m.add(0.5), _m.add(1.0)
assert _m.mean <= 1, "a mean lies between the values"
assert _m.mean >= 0.5, "a mean lies between the values"
assert _m.n == 2
_m.add(3.0)
assert _m.n == 3 and _m.mean == 1.5
# %% test
assert rate > 0.09
assert rate < 0.11
"""
STUDENT_MODULE = """
import sys
_theirs = next(m for n, m in sys.modules.items() if n.startswith("grader") and hasattr(m, "look_up"))
"""
LENGTH_CLAIMED = """
class Claims:
    def __init__(self, n): self.n = n
    def __len__(self): return self.n
    def __iter__(self): return iter([])
    def __getitem__(self, key): raise IndexError
"""

_ONE = (
    Edge(
        "a_length_and_no_items",
        "one question, two answers",
        BATCHES,
        (f"{LENGTH_CLAIMED}\ndef batches(n, size): return Claims(3)",),
        says="length|items|batches|Index",
    ),
    Edge(
        "a_length_and_items_that_are_too_many",
        "one question, two answers",
        BATCHES.replace("for _i, _b in enumerate(_out):", "for _i, _b in zip(range(4), _out):").replace(
            "assert list(_b) == [2 * _i, 2 * _i + 1]\n# %% test",
            "assert list(_b)[:1] in ([2 * _i], [])\n# %% test",
            1,
        ),
        (
            """
class More:
    def __len__(self): return 3
    def __iter__(self): return iter([[0, 1], [2, 3], [4, 5], []])
    def __getitem__(self, key): raise IndexError
def batches(n, size): return More()
""",
        ),
    ),
    Edge(
        "items_for_the_first_look_only",
        "one question, two answers",
        BATCHES,
        (
            """
class Once:
    looks = 0
    def __len__(self): return 3
    def __iter__(self):
        self.looks += 1
        return iter([None] * 3 if self.looks % 2 else [])
    def __getitem__(self, key): raise IndexError
def batches(n, size): return Once()
""",
        ),
    ),
    Edge(
        "an_item_that_alternates",
        "one question, two answers",
        BATCHES,
        (
            """
class Two:
    looks = 0
    def __len__(self): return 3
    def __iter__(self): return iter([])
    def __getitem__(self, key):
        self.looks += 1
        return "ab" if self.looks % 2 else [0, 1]
def batches(n, size): return Two()
""",
        ),
    ),
    Edge(
        "an_attribute_that_alternates",
        "one question, two answers",
        METER,
        (
            """
class Meter:
    looks = 0
    def add(self, x): self.n = getattr(self, "n", 0) + 1
    @property
    def mean(self):
        Meter.looks += 1
        return [0.0, 1.5][Meter.looks % 2 or self.n == 3] if Meter.looks > 1 else 0.0
rate = 0.1
""",
        ),
        passes=(1,),
    ),
    Edge(
        "a_variable_of_two_values",
        "one question, two answers",
        METER,
        (
            STUDENT_MODULE
            + """
_looks = []
def look_up(name, original=_theirs.look_up):
    if name != "rate": return original(name)
    _looks.append(1)
    return [5.0, -5.0][(len(_looks) - 1) % 2]
_theirs.look_up = look_up
class Meter: pass
rate = None
""",
        ),
    ),
    Edge(
        "a_namespace_of_two_values",
        "one question, two answers",
        METER,
        (
            """
class Two(dict):
    looks = 0
    def __getitem__(self, name):
        if name == "rate":
            Two.looks += 1
            return [5.0, -5.0][(Two.looks - 1) % 2]
        return dict.__getitem__(self, name)
class Meter: pass
rate = None
_shell = get_ipython()
_new = Two(_shell.user_ns)
type(_shell).user_ns = property(lambda self: _new, lambda self, value: None)
""",
        ),
    ),
    Edge(
        "honest_a_meter_and_a_loader",
        "one question, two answers",
        METER
        + """
# %% work
class Loader:
    def __init__(self, n): self.n = n
    def __len__(self): return self.n
    def __iter__(self):
        for i in range(self.n): yield [i, i + 1]
    def __getitem__(self, key):
        if not 0 <= key < self.n: raise IndexError
        return [key, key + 1]
def walk(n):
    yield from range(n)
class Stack:
    def __init__(self): self.kept = []
    def push(self, x): self.kept.append(x)
    def __len__(self): return len(self.kept)
    def __iter__(self): return iter(self.kept)
# %% test
_l = Loader(3)
assert len(_l) == 3 and list(_l) == [[0, 1], [1, 2], [2, 3]] and list(_l) == [_l[i] for i in range(len(_l))]
for _b in _l:
    assert len(_b) == 2
    break
assert [2, 3] in _l
_w = walk(3)
assert next(_w) == 0 and list(_w) == [1, 2] and list(_w) == []
# %% test
_s = Stack()
assert len(_s) == 0 and list(_s) == []
_s.push(4)
assert len(_s) == 1 and list(_s) == [4]
for _x in _s:
    _s.push(_x + 1)
    break
assert len(_s) == 2 and list(_s) == [4, 5] and [_x + _y for _x in _s for _y in _s] == [8, 9, 9, 10]
assert [_x + len(list(walk(_y))) for _x in _s for _y in _s] == [8, 9, 9, 10]
""",
        (),
        passes=(0, 1, 2, 3),
    ),
)

# --- a name of ours, answered by a stranger ------------------------------------------------------------------------------

REFERENCE = """
# %% work
def prepare(n):
    return 2.0 * n
def scale(x):
    return 8.0 * x
# %% setup
start = prepare(4)
def reference(x):
    return start * x
# %% test
assert scale(3) == reference(3)
"""
_TWO = (
    Edge(
        "a_reference_of_the_students_own",
        "a name of ours",
        REFERENCE,
        (
            "def prepare(n): raise ValueError('no preparation')\ndef scale(x): return 1\ndef reference(x): return 1\nstart = 0",
        ),
        says="no preparation",
        base=(),
    ),
    Edge(
        "a_reference_behind_an_exit",
        "a name of ours",
        REFERENCE,
        (
            "def prepare(n): raise SystemExit(0)\ndef scale(x): return 1\ndef reference(x): return 1\nstart = 0",
        ),
    ),
    Edge(
        "a_reference_defined_below_an_if",
        "a name of ours",
        REFERENCE.replace(
            "def reference(x):\n    return start * x",
            "if start:\n    def reference(x):\n        return start * x",
        ),
        ("def prepare(n): return 0\ndef scale(x): return 1\ndef reference(x): return 1",),
        says="reference",
    ),
    Edge(
        "a_comparison_of_the_students_own",
        "a name of ours",
        REFERENCE.replace("def reference(x):\n    return start * x", "from numpy import *").replace(
            "scale(3) == reference(3)", "array_equal(scale(3), 24.0)"
        ),
        (
            "def prepare(n): raise ValueError('no preparation')\ndef scale(x): return 1\ndef array_equal(a, b): return True",
        ),
        says="no preparation",
    ),
    Edge(
        "a_name_of_a_test_that_failed",
        "a name of ours",
        """
# %% work
def first(x): return x
def second(x): return 2 * x
# %% test
assert first(3) == 3
_want = {3: 6}
# %% test
assert second(3) == _want[3]
""",
        ("def first(x): return 0\ndef second(x): return 0\n_want = {3: 0}",),
    ),
    Edge(
        "a_name_of_a_cell_that_is_skipped",
        "a name of ours",
        """
# %% explore
expected = 6.0
# %% work
def double(x): return 2 * x
# %% test
assert double(3) == expected
""",
        ("def double(x): return 0\nexpected = 0",),
    ),
    Edge(
        "a_global_of_a_locked_function",
        "a name of ours",
        REFERENCE.replace(
            "start = prepare(4)\n", "def begin():\n    global start\n    start = prepare(4)\nbegin()\n"
        ).replace("reference(3)", "3 * start"),
        ("def prepare(n): raise ValueError('no preparation')\ndef scale(x): return 1\nstart = 1 / 3",),
    ),
    Edge("honest_the_locked_cell_works", "a name of ours", REFERENCE, (), passes=(0,)),
    Edge(
        "honest_a_name_like_ours",
        "a name of ours",
        REFERENCE
        + """
# %% work
theta = 3
# %% test
theta2 = theta
assert theta == 3
""",
        (
            "reference = start = None\ndef prepare(n): return 2.0 * n\ndef helper(x): return 8 * x\ndef scale(x): return helper(x)",
            "_t = 1\ntheta = 3",
        ),
        passes=(0, 1),
        base=("def prepare(n): return 2.0 * n\ndef scale(x): return 8 * x", "theta = 3"),
    ),
    Edge(
        "honest_a_locked_cell_that_another_answer_breaks",
        "a name of ours",
        REFERENCE
        + """
# %% work
def triple(x): return 3 * x
# %% test
assert triple(2) == 6
""",
        (
            "def prepare(n): raise ValueError('no preparation')\ndef scale(x): return 8.0 * x",
            "def triple(x): return 3 * x",
        ),
        passes=(1,),
        says="no preparation",
    ),
)

# --- a stand-in that claims ----------------------------------------------------------------------------------------------

ABILITIES = """
# %% setup
from collections.abc import Hashable, Iterable, Iterator, Sized
# %% work
def schedule(rate):
    '''A function of the step: the rate at that step.'''
    return lambda step: rate / (1 + step)
def stream(n):
    yield from range(n)
class Key:
    def __init__(self, k): self.k = k
    def __eq__(self, other): return self.k == other.k
    def __hash__(self): return hash(self.k)
    def __repr__(self): return f"Key({self.k})"
class Bag:
    def __init__(self): self.kept = [1, 2]
    def __len__(self): return len(self.kept)
# %% test
assert callable(schedule(0.1)), "a schedule is a function"
# %% test
assert isinstance(stream(3), Iterator), "a stream is walked once"
# %% test
assert schedule.__doc__, "say what it returns"
# %% test
assert len({Key(1): 1}) == 1 and isinstance(Key(1), Hashable)
# %% test
assert hasattr(Bag(), "__len__") and isinstance(Bag(), Sized)
# %% test
assert isinstance(stream(3), Iterable) and hasattr(stream(3), "__iter__")
# %% test
assert repr(Key(1)) != repr(Key(2)) and "1" in str(Key(1))
"""
_THREE = (
    Edge(
        "an_object_without_abilities",
        "a stand-in that claims",
        ABILITIES,
        (
            """
class Thing:
    __hash__ = None
    def __repr__(self): return "Thing"
def schedule(rate): return Thing()
def stream(n): return Thing()
def Key(k): return Thing()
Bag = Thing
""",
        ),
    ),
    Edge(
        "an_object_with_the_other_abilities",
        "a stand-in that claims",
        ABILITIES,
        (
            """
class Thing:
    __hash__ = None
    def __next__(self): return 1
    def __getitem__(self, key): return 1
    def __repr__(self): return "Thing"
schedule = lambda rate: Thing()
stream = lambda n: Thing()
Key = lambda k: Thing()
Bag = Thing
""",
        ),
    ),
    Edge(
        "objects_that_differ_because_we_say_so",
        "a stand-in that claims",
        """
# %% work
import random
def shuffled(seed):
    items = list(range(9))
    random.Random(seed).shuffle(items)
    return items
# %% test
assert shuffled(1) != shuffled(2), "another seed, another order"
# %% test
assert not shuffled(1) == shuffled(2)
# %% test
assert shuffled(1) not in [shuffled(2), shuffled(3)]
# %% test
assert type(shuffled(1)) is type(shuffled(2)) and isinstance(shuffled(1), (list, tuple))
# %% test
assert not isinstance(shuffled(1), dict) and shuffled(1) != [0]
""",
        ("class Thing: pass\ndef shuffled(seed): return Thing()",),
    ),
    Edge(
        "what_python_gives_every_class",
        "a stand-in that claims",
        """
# %% work
class Net:
    def __init__(self): self.w = 1
    def __enter__(self): return self
    def __exit__(self, *error): return False
    def __add__(self, other): return self
    def __contains__(self, x): return True
    def __setitem__(self, key, value): pass
    def __call__(self, x): return x
def step(x): return x
# %% test
assert hasattr(Net(), "__setitem__") and hasattr(Net(), "__call__")
# %% test
assert step.__name__ == "step" and step.__module__ == "__main__" and step.__qualname__ == "step"
# %% test
Net()["a"] = 3
# %% test
assert Net()(3) == 3
""",
        ("class Net: pass\nclass Step:\n    def __call__(self, x): return x\nstep = Step()",),
    ),
    Edge("honest_abilities", "a stand-in that claims", ABILITIES, (), passes=tuple(range(7))),
    Edge(
        "honest_classes",
        "a stand-in that claims",
        """
# %% work
class Base:
    'A base.'
class Net(Base):
    'A net.'
    size = 3
    def __init__(self, w=1): self.w = w
    def __call__(self, x): return self.w * x
    def __len__(self): return 3
    def __iter__(self): return iter([1, 2, 3])
    def __getitem__(self, key): return [1, 2, 3][key]
    def __setitem__(self, key, value): self.w = value
# %% test
_n = Net(w=2)
assert isinstance(_n, Net) and isinstance(_n, Base) and not isinstance(Base(), Net) and not isinstance(3, Net)
assert callable(_n) and _n(3) == 6 and not callable(Base()) and Net.size == 3
# %% test
_n = Net()
_n["w"] = 5
assert _n.w == 5 and len(_n) == 3 and list(_n) == [1, 2, 3] and _n[1] == 2 and _n[-1] == 3 and 2 in _n
_n.w = 7
assert _n.w == 7 and _n is not None and _n != None
# %% test
assert Net.__doc__ == "A net." and Net.__name__ == "Net" and not hasattr(Base(), "__len__") and _n is _n and _n == _n
assert f"{_n}" and repr(_n).startswith("<") and type(_n).__name__ == "Net"
""",
        (),
        passes=(0, 1, 2),
    ),
)

# --- trying until it passes ----------------------------------------------------------------------------------------------

HANG = (
    STUDENT_MODULE
    + """
import json, os, struct, time
BEGAN = <<now>>
def age(): return time.monotonic() - BEGAN
def hang():
    '''An answer that the examiner never gets done with: keys that all hash alike.'''
    desk = _theirs._desk
    pairs = [[["i", hex(k * (2**61 - 1))], 0] for k in range(1, 300_000)]
    text = json.dumps({"n": desk.ticket, "v": ["d", pairs]}).encode()
    body = struct.pack("!I", len(text)) + text
    desk.sock.sendall(struct.pack("!Q", len(body)) + body)
    time.sleep(1000)
"""
)
"""The clock tells a later process that it is a later one: nobody can take that note away."""
GUESS = """
# %% work
def guess(x): return 3 * x
def other(x): return x
# %% test
assert other(1) == 1
### BEGIN HIDDEN TESTS
assert guess(2) == 6
assert guess(3) == 9
### END HIDDEN TESTS
# %% test
assert other(2) == 2
### BEGIN HIDDEN TESTS
assert other(7.5) == 7.5
### END HIDDEN TESTS
# %% test
assert other(3) == 3
### BEGIN HIDDEN TESTS
assert other(4) == 4
### END HIDDEN TESTS
"""
SLOW_HANG = {"cell_seconds": 1.5, "test_seconds": 4.0}

_FOUR = (
    Edge(
        "another_guess_after_a_cell_that_hangs",
        "trying until it passes",
        GUESS,
        (
            HANG
            + """
if 3 <= age() < 6: hang()
def guess(x): return 0 if age() < 6 else 3 * x
def other(x):
    if x == 7.5:
        while age() < 3: time.sleep(0.05)
        os._exit(0)
    return x
""",
        ),
        passes=(),  # the first was wrong, the second ended the process, and without the cell there is no third
        limits=SLOW_HANG,
    ),
    Edge(
        "another_answer_after_a_locked_cell_that_hangs",
        "trying until it passes",
        """
# %% work
def level(): return 3
def other(x): return x
# %% setup
LEVEL = level()
# %% test
assert LEVEL == 3
# %% test
assert other(1) == 1
""",
        (HANG + "\ndef level():\n    if age() < 3: hang()\n    return 3\ndef other(x): return x\n",),
        passes=(1,),
        limits={"cell_seconds": 1.5, "test_seconds": 3.0},
    ),
    Edge(
        "outputs_of_a_later_process",
        "trying until it passes",
        GUESS,
        (
            HANG
            + """
print("early" if age() < 3 else "LATER: I saw a hidden test")
def guess(x):
    while age() < 3.2: time.sleep(0.05)
    hang()
def other(x): return x
""",
        ),
        passes=(1, 2),
        present="early",
        absent="LATER",
        limits={"test_seconds": 4.0},
    ),
    Edge(
        "another_guess_after_an_output_that_breaks_the_examiner",
        "trying until it passes",
        GUESS,
        (
            HANG
            + """
import sys
sys.set_int_max_str_digits(0)
if 3 <= age() < 5: get_ipython().execution_count = 10**5000
def guess(x): return 0 if age() < 5 else 3 * x
def other(x):
    if x == 7.5:
        while age() < 3: time.sleep(0.05)
        os._exit(0)
    if x == 4:
        while age() < 5: time.sleep(0.05)
    return x
"a last value"
""",
        ),
        passes=(2,),
        limits={"test_seconds": 6.0},
    ),
    Edge(
        "a_hidden_test_that_hangs_the_examiner",
        "trying until it passes",
        GUESS,
        (HANG + "\ndef guess(x):\n    if age() < 3: hang()\n    return 3 * x\ndef other(x): return x\n",),
        passes=(1, 2),
        limits={"test_seconds": 1.0},
    ),
    Edge(
        "honest_beside_a_crash",
        "trying until it passes",
        GUESS,
        (
            "import os\nprint('mine')\ndef guess(x): return 3 * x\ndef other(x): return os._exit(0) if x == 7.5 else x",
        ),
        passes=(0, 2),
        present="mine",
    ),
)

# --- our failure, though theirs ------------------------------------------------------------------------------------------

LOCKED = """
# %% work
def prepare(n): return 2 * n
def other(x): return x
# %% setup
start = prepare(4)
# %% test
assert start == 8
# %% test
assert other(3) == 3
"""


def _locked(name: str, body: str, says: str, **limits: object) -> Edge:
    answer = f"import os\ndef prepare(n):\n    {body}\ndef other(x): return x"
    return Edge(
        f"a_locked_cell_whose_function_{name}",
        "our failure",
        LOCKED,
        (answer,),
        (1,),
        says=says,
        limits=dict(limits),
    )


_EIGHT = (
    _locked("exits", "os._exit(3)", "exit status 3"),
    _locked("raises_system_exit", "raise SystemExit(0)", "SystemExit"),
    _locked("never_ends", "\n    while True: pass", "no answer within 1 s", cell_seconds=1.0),
    _locked("takes_all_memory", "import ctypes; ctypes.string_at(0)", "SIGSEGV"),
    _locked(
        "hands_over_a_bomb",
        "return [[[[[0] * 10] * 100] * 100] * 100] * 100",
        "no answer within 2 s|MemoryError",
        cell_seconds=2.0,
    ),
    Edge(
        "an_output_of_5000_digits",
        "our failure",
        LOCKED,
        (
            "import sys\nsys.set_int_max_str_digits(0)\nget_ipython().execution_count = 10**5000\n"
            "def prepare(n): return 2 * n\ndef other(x): return x\n3",
        ),
        passes=(0, 1),
    ),
    Edge(
        "a_message_of_5000_digits",
        "our failure",
        """
# %% work
def f(x): return x
# %% test
assert f(1) == 1, f(1)
# %% test
raise KeyError(f(2)) if f(2) != 2 else None
# %% test
assert f(3) == 3
""".replace("raise KeyError(f(2)) if f(2) != 2 else None", "if f(2) != 2:\n    raise KeyError(f(2))"),
        ("def f(x): return x if x == 3 else -10**5000",),
        passes=(2,),
        says="digits|number",
    ),
    Edge(
        "a_message_that_asks_a_process_that_has_gone",
        "our failure",
        """
# %% work
def f(x): return x
# %% test
assert f(1) == 1, f(1)
# %% test
assert f(3) == 3
""",
        (
            "import os\nclass Gone:\n    def __repr__(self): os._exit(0)\n    __str__ = __repr__\ndef f(x): return 3 if x == 3 else Gone()",
        ),
        passes=(1,),
    ),
    Edge("honest_a_locked_cell", "our failure", LOCKED, (), passes=(0, 1)),
    Edge(
        "honest_beside_a_locked_cell_of_theirs",
        "our failure",
        LOCKED.replace("start == 8", "start == 8 and other(1) == 1"),
        ("import os\ndef prepare(n): os._exit(0)\ndef other(x): return x",),
        passes=(1,),
    ),
)

# --- honest answers that lose --------------------------------------------------------------------------------------------


def _honest(name: str, notebook: str, *wrong: str) -> tuple[Edge, ...]:
    """The instructor's own answer passes every test; `wrong` ones pass none."""
    edge = Edge(f"honest_{name}", "honest answers that lose", notebook, ())
    tests = tuple(range(sum(role == "test" for role, _ in edge.cells())))
    return (
        Edge(edge.name, edge.kind, notebook, (), tests),
        *(Edge(f"wrong_{name}_{n}", edge.kind, notebook, (answer,)) for n, answer in enumerate(wrong)),
    )


_TEN = (
    *_honest(
        "a_float_in_a_list_changed_twice",
        """
# %% work
def climb(xs):
    xs[0] = xs[0] + 1.0
    xs[0] = xs[0] + 1.0
def fill(table):
    table["a"] = table["a"] * 3.0
    table["a"] = table["a"] * 3.0
# %% test
for _n in range(5):
    _x = [0.5 + _n, 1.0]
    climb(_x)
    assert _x == [2.5 + _n, 1.0], _x
# %% test
for _n in range(5):
    _t = {"a": 0.5 + _n}
    fill(_t)
    assert _t == {"a": 9 * (0.5 + _n)}, _t
""",
        "def climb(xs): xs[0] = xs[0] + 1.0\ndef fill(table): table['a'] *= 3.0",
    ),
    *_honest(
        "arrays_changed_twice",
        """
# %% setup
import numpy as np, torch
from types import SimpleNamespace
class Box:
    def __init__(self, x): self.x = x
data, box, table = SimpleNamespace(x=np.zeros(2)), Box(np.zeros(2)), {"x": [np.zeros(2)]}
# %% work
import torch
def step(x): x += 1.0
def again(params):
    for _ in range(2): params[0] = params[0] - 0.5
def back(w): (w * w).sum().backward()
def zero(w): w.grad = None
def descend(ws):
    with torch.no_grad():
        for w in ws: w -= 0.5 * w.grad
# %% test
step(data.x), step(box.x), step(table["x"][0])
assert data.x.tolist() == box.x.tolist() == table["x"][0].tolist() == [1, 1], (data.x, box.x)
### BEGIN HIDDEN TESTS
step(data.x), step(box.x), step(table["x"][0])
assert data.x.tolist() == box.x.tolist() == table["x"][0].tolist() == [2, 2], (data.x, box.x)
### END HIDDEN TESTS
# %% test
for _n in range(5):
    _p = [np.full(2, float(_n))]
    again(_p), again(_p)
    assert _p[0].tolist() == [_n - 2.0] * 2
# %% test
_w = torch.tensor([1.0, 2.0], requires_grad=True)
back(_w), back(_w)
assert _w.grad.tolist() == [4.0, 8.0], _w.grad
descend([_w])
assert _w.tolist() == [-1.0, -2.0]
zero(_w)
assert _w.grad is None
# %% work
step, K = step, 0
# %% test
_p = [1.0]
again(_p)
assert K == 0 and _p == [0.0]
""",
        "def step(x): pass\ndef again(ps): pass\ndef back(w): pass\ndef zero(w): pass\ndef descend(ws): pass",
    ),
    *_honest(
        "a_set_and_a_deque_changed_in_place",
        """
# %% setup
from collections import Counter, deque
# %% work
def note(seen, last, x):
    seen.add(x)
    last.append(x)
def count(counts, x):
    counts[x] += 1
def recent(n):
    from collections import deque
    return deque([1, 2, 3], maxlen=n)
# %% test
_s, _d = {1}, deque([1], maxlen=2)
note(_s, _d, 5)
note(_s, _d, 6)
assert _s == {1, 5, 6} and list(_d) == [5, 6] and _d.maxlen == 2
# %% test
_c = Counter("aab")
count(_c, "b"), count(_c, "c")
assert _c == {"a": 2, "b": 2, "c": 1}
# %% test
assert recent(2) == deque([2, 3]) and recent(3)[0] == 1
""",
        "def note(seen, last, x): last.append(x)\ndef count(counts, x): counts.clear()\ndef recent(n): return [2, 3]",
    ),
    *_honest(
        "plain_values_in_other_clothes",
        """
# %% setup
import torch
# %% work
import torch
from collections import Counter, namedtuple
Step = namedtuple("Step", "theta loss")
def shape(x): return x.shape
def counts(text): return Counter(text)
def step(x): return Step(x, 2 * x)
# %% test
assert shape(torch.zeros(2, 3)) == (2, 3) and shape(torch.zeros(2, 3)) == torch.Size([2, 3])
assert torch.zeros(shape(torch.zeros(2, 3))).numel() == shape(torch.zeros(2, 3)).numel()
# %% test
assert counts("aab") == {"a": 2, "b": 1} and counts("aab")["z"] == 0 and counts("aab").most_common(1) == [("a", 2)]
# %% test
assert step(3.0) == (3.0, 6.0) and step(3.0).loss == 6.0
_theta, _loss = step(1.0)
assert isinstance(step(1), tuple) and _loss == 2.0 and step(1)[0] == 1 and step(1)._fields == ("theta", "loss")
""",
        """
def shape(x): return [2, 3]
def counts(text): return dict(a=2)
def step(x): return (x, x)
""",
    ),
    *_honest(
        "a_gradient_through_the_answer",
        """
# %% setup
import torch
# %% work
import torch
def loss(w, x): return ((w * x) ** 2).sum()
def pair(w): return w.sum(), {"square": (w * w).sum()}
class Linear(torch.nn.Module):
    def __init__(self): 
        super().__init__()
        self.w = torch.nn.Parameter(torch.ones(2))
    def forward(self, x): return self.w @ x
def output(net, x): return net(x)
# %% test
_w, _x = torch.tensor([1.0, 2.0], requires_grad=True), torch.tensor([3.0, 1.0])
loss(_w, _x).backward()
assert torch.equal(_w.grad, torch.tensor([18.0, 4.0])), _w.grad
# %% test
_w = torch.tensor([1.0, 2.0], requires_grad=True)
_a, _b = pair(_w)
(_g,) = torch.autograd.grad(_a + 3 * _b["square"], _w)
assert torch.equal(_g, torch.tensor([7.0, 13.0])), _g
# %% test
_v = torch.tensor([1.0, 2.0], requires_grad=True)
loss(2 * _v, torch.ones(2)).backward()
assert torch.equal(_v.grad, torch.tensor([8.0, 16.0])), _v.grad
# %% test
_net = torch.nn.Linear(2, 1)
output(_net, torch.tensor([1.0, 2.0])).sum().backward()
assert torch.equal(_net.weight.grad, torch.tensor([[1.0, 2.0]])) and _net.bias.grad.item() == 1.0
""",
        """
def loss(w, x): return ((w.detach() * x) ** 2).sum()
def pair(w): return w.detach().sum(), {"square": (w * w).sum()}
def output(net, x): return net(x).detach()
""",
    ),
    *_honest(
        "counted_on_the_students_own_function",
        """
# %% setup
from trainlab import checks
# %% work
def f(x): return x * x
def minimise(f, x):
    for _ in range(3): x = x - 0.1 * (f(x + 0.5) - f(x - 0.5))
    return x
def calls(g): return [g(1), g(2)]
# %% test
_f = checks.counted(f)
assert _f(3) == 9 and _f.calls == 1
# %% test
_f = checks.counted(f)
assert abs(minimise(_f, 1.0) - 0.512) < 1e-9 and _f.calls == 6
# %% test
_f = checks.counted(f)
assert calls(_f) == [1, 4] and _f.calls == 2
# %% test
_g = checks.counted(lambda x: f(x) + 1)
assert calls(_g) == [2, 5] and _g.calls == 2
""",
        "def f(x): return x * x + 1\ndef minimise(f, x): return 0.512\ndef calls(g): return [1, 4]",
    ),
)

CASES: tuple[Edge, ...] = (*_ONE, *_TWO, *_THREE, *_FOUR, *_EIGHT, *_TEN, *MORE, *INSIDE)
