"""Cases for what other people's courses ask of the wire: modules, magics, values of the standard library, operators, captured print.

Each door has those who would like to come in by it, and the honest answer beside them.
"""

from __future__ import annotations

from tests.hostile.edge import Edge

STUDENT_SIDE = """
import sys
_theirs = next(m for n, m in sys.modules.items() if n.startswith("grader") and hasattr(m, "look_up"))
"""
# --- a test's modules are the examiner's ---------------------------------------------------------------------------------

MODULES = "a module of the student's"
CLOSE = """
# %% plain
%matplotlib inline
import math

import numpy as np
# %% work
def root(x):
    return x ** 0.5
# %% test
assert math.isclose(root(9), 3)
# %% test
assert np.abs(root(16) - 4) < 1e-9
### BEGIN HIDDEN TESTS
np.testing.assert_allclose(root(np.array([4.0, 9.0])), [2, 3])
### END HIDDEN TESTS
"""
MANY_WAYS = """
# %% plain
!pip install numpy
try:
    import cupy as xp
except ImportError:
    import numpy as xp
import importlib, sys
np = importlib.import_module("numpy")
with_scipy = False
if "google.colab" in sys.modules:
    import google.colab
else:
    import math as m
linalg = xp.linalg
import torch
F, nn = torch.nn.functional, torch.nn
# %% work
def norm(x):
    return float((x * x).sum()) ** 0.5
# %% test
assert xp.isclose(norm(xp.array([3.0, 4.0])), 5)
# %% test
assert m.isclose(norm(np.ones(4)), 2) and np.allclose(norm(np.zeros(2)), 0)
# %% test
assert linalg.norm(xp.array([norm(np.ones(1)) - 1.0])) < 1e-9
# %% test
assert F.mse_loss(torch.tensor(norm(np.ones(9))), torch.tensor(3.0)) < 1e-9 and nn.Identity()(norm(np.ones(4))) == 2
"""
EVERYTHING_IS_CLOSE = """
import sys, types
class Module(types.ModuleType):
    def __getattr__(self, name):
        if name.startswith("__"): raise AttributeError(name)
        return evil
class Yes:
    def __call__(self, *args, **kwargs): return self
    def __getattr__(self, name): return self
    def __lt__(self, other): return True
    def __eq__(self, other): return True
    def __bool__(self): return True
    __le__ = __gt__ = __ge__ = __eq__
    __hash__ = None
evil = Yes()
fake = Module("numpy")
fake.testing = fake.linalg = fake.functional = fake.nn = fake
"""
_WRONG = "def root(x): return 7.0"
_MODULES = (
    Edge("honest_imports_below_a_magic", MODULES, CLOSE, (CLOSE.split("# %% work\n")[1].split("# %%")[0],), (0, 1)),
    Edge(
        "functions_of_numpy_replaced", MODULES, CLOSE,
        (f"import numpy as np, math\nnp.abs = lambda x: 0.0\nnp.testing.assert_allclose = print\nmath.isclose = lambda *a, **k: True\n{_WRONG}",),
    ),
    Edge("np_bound_to_something_else", MODULES, CLOSE, (f"{EVERYTHING_IS_CLOSE}\nnp = math = evil\n{_WRONG}",)),
    Edge(
        "a_module_put_into_sys_modules", MODULES, CLOSE,
        (f"{EVERYTHING_IS_CLOSE}\nnp = math = sys.modules['numpy'] = sys.modules['math'] = fake\n{_WRONG}",),
    ),
    Edge(
        "a_file_called_like_the_module", MODULES, CLOSE, (f"import importlib, numpy, math\n{_WRONG}",),
        files=(("numpy.py", "abs = lambda x: 0\n"), ("math/__init__.py", "isclose = print"), ("numpy/__init__.py", "abs = lambda x: 0")),
    ),
    Edge("honest_imports_of_many_kinds", MODULES, MANY_WAYS, (), (0, 1, 2, 3)),
    Edge(
        "imports_of_many_kinds_bound_to_something_else", MODULES, MANY_WAYS,
        (f"{EVERYTHING_IS_CLOSE}\nxp = np = m = linalg = F = nn = torch = fake\ndef norm(x): return 70.0",),
    ),
    Edge(
        "imports_of_many_kinds_bound_to_a_class", MODULES, MANY_WAYS,
        (f"{EVERYTHING_IS_CLOSE}\nxp = np = m = linalg = F = nn = torch = evil\ndef norm(x): return evil",),
    ),
    Edge(
        "a_locked_cell_that_the_student_breaks_is_not_our_failure", MODULES,
        """
# %% work
def f(x): return x
# %% setup
import types
box = types.SimpleNamespace(size=f(3))
size = box.size
if size > 2:
    import math as m
# %% test
assert size == 3
# %% test
assert m.isclose(f(2), 2)
# %% test
assert types is not None and f(1) == 1
""",
        ("def f(x):\n    if x == 3: raise ImportError('math', name='math')\n    return x",), (2,),
    ),
    Edge(
        "a_module_under_a_name_of_no_cell", MODULES, "# %% work\ndef f(x): return x\n# %% test\nassert numpy.isclose(f(1), 1)",
        ("import numpy\nnumpy.isclose = lambda *a: True\ndef f(x): return 3",), says="module|numpy",
    ),
)  # fmt: skip

# --- IPython's syntax in instructors' cells ------------------------------------------------------------------------------

SYNTAX = """
# %% setup
%config InlineBackend.figure_format = "retina"
%time LIMIT = 10
# %% work
def sq(x):
    return x * x
async def later(x):
    import asyncio
    await asyncio.sleep(0)
    return x + 1
# %% test
%%time
assert sq(3) == 9
# %% test
%%timeit -n 1 -r 1
assert sq(4) == 16 and sq(LIMIT) == 100
# %% test

%%capture said
%time twice = sq(2)
print(twice)
### BEGIN HIDDEN TESTS
assert sq(5) == 25
### END HIDDEN TESTS
# %% test
assert said.stdout == "4\\n" and twice == 4
# %% test
assert await later(3) == 4
both = [await later(n) for n in (1, 2)]
assert both == [2, 3]
# %% test
import asyncio
async def _all(): return await asyncio.gather(later(5), later(6))
assert await _all() == [6, 7]
# %% test
assert asyncio.run(later(7)) == 8
"""
SEEN_NAMES = """
# %% work
def double(x):
    return 2 * x
# %% test
start = double(21)
assert start == 42
# %% setup
half = start // 2
# %% work
third = start // 3
def more(): return start + half
# %% test
assert third == 14 and half == 21
# %% test
assert more() == 63
"""
_SYNTAX = (
    Edge("honest_magics_and_await", "IPython's syntax", SYNTAX, (), (0, 1, 2, 3, 4, 5, 6)),
    Edge(
        "an_awaited_answer_that_is_wrong", "IPython's syntax", SYNTAX,
        ("""
class Any:
    def __await__(self):
        return self
        yield
    def __eq__(self, other): return True
    def __radd__(self, other): return self
    def __iter__(self): return self
    def __next__(self): raise StopIteration(self)
def sq(x): return Any()
async def later(x): return Any()
""",),
    ),
    Edge("honest_names_that_a_test_binds", "IPython's syntax", SEEN_NAMES, (), (0, 1, 2)),
    Edge(
        "names_that_a_test_would_bind", "IPython's syntax", SEEN_NAMES,
        ("start = half = 42\ndef double(x): raise ValueError", "start, third = 42, 14\ndef more(): return 63"), (2,),
    ),
)  # fmt: skip

# --- objects of the student's classes ------------------------------------------------------------------------------------

OPERATORS = "operators of the student's"
VECTOR = """
# %% work
class Vector:
    count = 0
    def __init__(self, x, y):
        self.x, self.y = x, y
    def __add__(self, other):
        return Vector(self.x + other.x, self.y + other.y)
    def __mul__(self, k):
        return Vector(k * self.x, k * self.y)
    __rmul__ = __mul__
    def __matmul__(self, other):
        return self.x * other.x + self.y * other.y
    def __eq__(self, other):
        return isinstance(other, Vector) and (self.x, self.y) == (other.x, other.y)
    def __lt__(self, other):
        return abs(self) < abs(other)
    def __abs__(self):
        return (self @ self) ** 0.5
    def __bool__(self):
        return abs(self) > 0
    def __contains__(self, value):
        return value in (self.x, self.y)
    def __neg__(self):
        return -1 * self
    def __repr__(self):
        return f"Vector({self.x}, {self.y})"
    def __len__(self):
        return 2
    def __getitem__(self, n):
        return (self.x, self.y)[n]
    def __format__(self, how):
        return f"<{format(self.x, how)}, {format(self.y, how)}>"
    def __float__(self):
        return abs(self)
    def norm(self):
        return float(abs(self))
    def grow(self, k):
        self.x, self.y = k * self.x, k * self.y
        return self
def mean(xs):
    return sum(xs) / len(xs)
# %% test
assert Vector(1, 2) + Vector(3, 4) == Vector(4, 6)
assert Vector(1, 2) != Vector(2, 1) and not Vector(1, 2) == Vector(2, 1)
# %% test
v = 2 * Vector(1, 2) * 3
assert (v.x, v.y) == (6, 12) and Vector(3, 4) @ Vector(1, 1) == 7 and (-v).x == -6
# %% test
assert Vector(1, 0) < Vector(3, 4) and sorted([Vector(3, 4), Vector(1, 0)])[0].x == 1 and Vector(3, 4) > Vector(1, 0)
assert max(Vector(1, 0), Vector(0, 5)).y == 5 and not Vector(9, 9) < Vector(1, 1)
# %% test
assert abs(Vector(3, 4)) == 5 and abs(Vector(3, 4).norm() - 5) < 1e-9 and float(Vector(0, 2)) == 2.0
# %% test
assert Vector(0, 1) and not Vector(0, 0) and 3 in Vector(3, 4) and 5 not in Vector(3, 4)
# %% test
assert repr(Vector(1, 2)) == "Vector(1, 2)" and f"{Vector(1, 2)}" == "<1, 2>" and f"{Vector(1, 2):.1f}" == "<1.0, 2.0>"
assert list(Vector(5, 6)) == [5, 6] and len(Vector(1, 1)) == 2
# %% test
a = Vector(1, 2)
b = a.grow(2)
assert b is a and a == Vector(2, 4)
a.x = 7
assert a == Vector(7, 4) and vars(a) == {"x": 7, "y": 4} and a in [Vector(0, 0), Vector(7, 4)]
### BEGIN HIDDEN TESTS
assert isinstance(a, Vector) and not isinstance(3, Vector) and type(a).__name__ == "Vector" and hasattr(a, "norm")
### END HIDDEN TESTS
# %% test
assert abs(mean([1, 2, 6]) - 3) < 1e-9 and mean([2, 4]) == 3
# %% test
assert 2.9 < mean([1, 2, 6]) < 3.1 and mean([5]) in (5, 5.0)
"""
_VECTOR_BODY = VECTOR.split("# %% work\n")[1].split("# %% test")[0]
JUDGE = """
class Judge:
    def __init__(self, *args): self.args = args
    def __eq__(self, other): return True
    def __ne__(self, other): return True
    def __lt__(self, other): return True
    __le__ = __gt__ = __ge__ = __contains__ = __lt__
    __hash__ = None
    def __bool__(self): return True
    def __sub__(self, other): return 0.0
    __rsub__ = __add__ = __radd__ = __mul__ = __rmul__ = __truediv__ = __mod__ = __abs__ = __neg__ = __round__ = __sub__
    def __float__(self): return 3.0
    __int__ = __index__ = lambda self: 3
    def __getattr__(self, name):
        if name.startswith("__"): raise AttributeError(name)
        return self
    def __call__(self, *args): return self
"""
CONTENT = """
# %% work
class Stack(list):
    def push(self, x):
        self.append(x)
        return self
    def top(self):
        return self[-1]
class Celsius(float):
    def fahrenheit(self):
        return 1.8 * self + 32
class Tag(str): pass
class Pair(tuple): pass
class Table(dict): pass
def tag(x): return Tag(x)
def pair(x): return Pair((x, x))
def table(x): return Table(x=x)
def three(): return 3
# %% test
s = Stack()
s.push(1).push(2)
assert s == [1, 2] and s.top() == 2 and len(s) == 2 and isinstance(s, list) and s != [1]
s.push(3)
assert s == [1, 2, 3] and [1, 2, 3] == s
# %% test
assert Celsius(100).fahrenheit() == 212 and Celsius(20) == 20.0
# %% test
assert tag("a") == "a" and tag("a") != "b" and tag("b").upper() == "B" and isinstance(tag("c"), str)
# %% test
assert pair(3) == (3, 3) and table(1) == {"x": 1} and table(2)["x"] == 2
# %% test
assert three() == 3 and three() + 1 == 4 and abs(three() - 3) < 1e-9
"""
_CONTENT_BODY = CONTENT.split("# %% work\n")[1].split("# %% test")[0]
_OPERATORS = (
    Edge("honest_operators", OPERATORS, VECTOR, (), tuple(range(9))),
    Edge("a_class_that_is_always_equal", OPERATORS, VECTOR, (f"{JUDGE}\nclass Vector(Judge): pass\ndef mean(xs): return Judge()",)),
    Edge(
        "an_operator_that_gives_an_always_equal_object", OPERATORS, VECTOR,
        (_VECTOR_BODY.replace("class Vector:", f"{JUDGE}\nclass Vector:")
         .replace("return Vector(self.x + other.x, self.y + other.y)", "return Same(1, 2)")
         .replace("def mean(xs):", "class Same(Vector):\n    def __eq__(self, other): return True\nSame.__name__ = 'Vector'\ndef mean(xs):\n    return Judge()\n"),),
        (1, 2, 3, 4, 5, 6),
    ),
    Edge(
        "an_object_that_becomes_what_it_is_compared_with", OPERATORS, VECTOR,
        (_VECTOR_BODY.replace("return Vector(self.x + other.x, self.y + other.y)", "return Later(0, 0)") + """
LAST = []
class Later(Vector):
    def __eq__(self, other):
        self.__dict__.update(vars(other))
        return True
    def __getattribute__(self, name):
        if LAST and name == "__dict__": return vars(LAST[-1])
        return object.__getattribute__(self, name)
Later.__name__ = "Vector"
_init = Vector.__init__
def __init__(self, x, y):
    _init(self, x, y)
    if type(self) is Vector: LAST.append(self)
Vector.__init__ = __init__
""",),
        tuple(range(1, 9)),
    ),
    Edge(
        "a_number_that_is_its_own_judge", OPERATORS, VECTOR,
        (_VECTOR_BODY.replace("return float(abs(self))", "return Near(0, 0)").replace("return sum(xs) / len(xs)", "return Near(0, 0)")
         + f"{JUDGE}\nclass Near(Judge): pass\nNear.__name__ = 'Vector'",), (0, 1, 2, 4, 5, 6),
    ),
    Edge("honest_content", OPERATORS, CONTENT, (), (0, 1, 2, 3, 4)),
    Edge(
        "subclasses_whose_content_is_wrong", OPERATORS, CONTENT,
        ("""
class Yes:
    def __eq__(self, other): return True
    def __ne__(self, other): return True
    def __sub__(self, other): return 0
    __add__ = __rsub__ = lambda self, other: 4
    def __hash__(self): return 0
class Stack(Yes, list):
    def push(self, x): return self
    def top(self): return 2
class Celsius(Yes, float):
    def fahrenheit(self): return Celsius(0)
class Tag(Yes, str): pass
class Pair(Yes, tuple): pass
class Table(Yes, dict): pass
class Int(Yes, int): pass
def tag(x): return Tag("z")
def pair(x): return Pair((x, 0))
def table(x): return Table(x=7)
def three(): return Int(4)
""",),
    ),
    Edge(
        "a_subclass_whose_content_changes", OPERATORS, CONTENT,
        (_CONTENT_BODY.replace("class Stack(list):", """
class Stack(list):
    def __eq__(self, other):
        self[:] = other
        return True
    def __ne__(self, other): return True
    def __iter__(self): return iter([1, 2, 3])
    def __len__(self): return 2""").replace("        self.append(x)\n", ""),), (1, 2, 3, 4),
    ),
    Edge(
        "a_class_whose_class_lies", OPERATORS, CONTENT,
        (_CONTENT_BODY.replace("def three(): return 3", """
class Three:
    __class__ = int
    real, imag, numerator, denominator = 3, 0, 3, 1
    def __eq__(self, other): return True
    def __add__(self, other): return 4
    def __sub__(self, other): return 0
Three.__name__ = Three.__qualname__ = "int"
def three(): return Three()"""),), (0, 1, 2, 3),
    ),
)  # fmt: skip

# --- what is printed, and what is typed ------------------------------------------------------------------------------------

PRINTED = """
# %% work
def greet(name):
    print("hello", name)
def ask():
    age = int(input("age? "))
    print("next year:", age + 1)
    return age
def table(n):
    for k in range(n):
        print(k, k * k, sep=" | ", end=";")
        yield k
# %% test
import io
from contextlib import redirect_stdout
out = io.StringIO()
with redirect_stdout(out):
    greet("ann")
    print("and")
    greet("bob")
assert out.getvalue() == "hello ann\\nand\\nhello bob\\n"
# %% test
from unittest.mock import patch
with patch("builtins.input", side_effect=["3", "41"]) as typed:
    assert ask() == 3 and ask() == 41
assert typed.call_count == 2
### BEGIN HIDDEN TESTS
with patch("builtins.print") as printed, patch("builtins.input", return_value="6"):
    ask()
printed.assert_called_once_with("next year:", 7)
### END HIDDEN TESTS
# %% test
import sys
sys.stdin, sys.stdout, before = io.StringIO("20\\n"), io.StringIO(), (sys.stdin, sys.stdout)
try:
    ask()
    said = sys.stdout.getvalue()
finally:
    sys.stdin, sys.stdout = before
assert said == "age? next year: 21\\n", said
# %% test
%%capture lines
assert list(table(3)) == [0, 1, 2]
# %% test
assert lines.stdout == "0 | 0;1 | 1;2 | 4;"
# %% test
with redirect_stdout(io.StringIO()) as out:
    try:
        with patch("builtins.input", lambda prompt="": "x"):
            ask()
    except ValueError:
        print("no number")
assert out.getvalue() == "no number\\n"
"""
_PRINTED = (
    Edge("honest_print_and_input", "captured print", PRINTED, (), tuple(range(6))),
    Edge(
        "prints_what_is_no_text", "captured print", PRINTED,
        (STUDENT_SIDE + """
class Text(str):
    def __eq__(self, other): return True
    def __ne__(self, other): return False
def greet(name): print(Text("x"))
def ask(): return 3
def table(n):
    _theirs._desk.printed = {"any": 1}
    return [Text()]
""",),
    ),
    Edge(
        "writes_into_what_is_captured", "captured print", PRINTED,
        ("""
import builtins, sys
def greet(name):
    for value in list(vars(sys.modules["__main__"]).values()): pass
    sys.stdout.write = lambda text: "hello ann"
    builtins.print = lambda *a, **k: None
def ask(): return input("age? ") and 41
def table(n): return iter([0, 1, 2])
""",), (3,),
    ),
)  # fmt: skip

# --- classes that both processes have, and those of the student's that the examiner must know --------------------------------

CLASSES = "classes"
SHARED = """
# %% setup
from collections import namedtuple
from dataclasses import dataclass
from enum import Enum, IntEnum
class Suit(Enum):
    HEARTS = 1
    SPADES = 2
@dataclass(frozen=True)
class Card:
    suit: Suit
    rank: int
    def strong(self): return self.rank > 10
@dataclass
class Hand:
    cards: list
Pair = namedtuple("Pair", "low high")
class Empty(ValueError): pass
class Base:
    def __init__(self, x): self.x = x
    def double(self): return 2 * self.get()
    def get(self): raise NotImplementedError
# %% work
def better(card):
    assert isinstance(card, Card) and isinstance(card.suit, Suit)
    return Card(card.suit, card.rank + 1)
def other(suit):
    return Suit.SPADES if suit is Suit.HEARTS else Suit.HEARTS
def ends(xs):
    if not xs: raise Empty("nothing")
    return Pair(min(xs), max(xs))
def deal(n):
    return Hand([Card(Suit.HEARTS, k) for k in range(n)])
class Own(Base):
    def get(self): return self.x
# %% test
assert better(Card(Suit.HEARTS, 2)) == Card(Suit.HEARTS, 3) and better(Card(Suit.SPADES, 10)).strong()
# %% test
assert other(Suit.HEARTS) is Suit.SPADES and other(Suit.SPADES) == Suit.HEARTS and isinstance(other(Suit.HEARTS), Suit)
# %% test
assert ends([3, 1, 2]) == Pair(1, 3) and ends([5]).high == 5 and isinstance(ends([1]), Pair)
# %% test
try:
    ends([])
except Empty as error:
    assert str(error) == "nothing"
else:
    raise AssertionError("no error")
# %% test
assert deal(2) == Hand([Card(Suit.HEARTS, 0), Card(Suit.HEARTS, 1)]) and deal(3).cards[2].rank == 2
# %% test
assert Own(4).double() == 8 and isinstance(Own(1), Base) and issubclass(Own, Base) and Own(3).x == 3
"""
OWN_CLASSES = """
# %% work
from collections import namedtuple
from enum import Enum, IntEnum
class TooLittle(Exception):
    def __init__(self, balance, wanted):
        super().__init__(f"{balance} is less than {wanted}")
        self.balance = balance
class Account:
    "A bank account."
    rate = 0.5
    def __init__(self, balance=0):
        self._balance = balance
        self.__pin = 7
    @property
    def balance(self): return self._balance
    @balance.setter
    def balance(self, value):
        if value < 0: raise ValueError("negative")
        self._balance = value
    def draw(self, amount: int = 1) -> int:
        "Take money out."
        if amount > self._balance: raise TooLittle(self._balance, amount)
        self._balance -= amount
        return self._balance
    @classmethod
    def rich(cls): return cls(1000)
    @staticmethod
    def fee(): return 2
    def __iadd__(self, amount):
        self._balance += amount
        return self
    def __enter__(self): return self
    def __exit__(self, *error): self._balance = 0
class Savings(Account):
    def draw(self, amount=1): return super().draw(amount + self.fee())
class Light(Enum):
    RED = 1
    GREEN = 2
    def after(self): return Light.GREEN if self is Light.RED else Light.RED
class Level(IntEnum):
    LOW = 1
    HIGH = 5
Point = namedtuple("Point", "x y")
def middle(a, b): return Point((a.x + b.x) / 2, (a.y + b.y) / 2)
def noted(f):
    import functools
    @functools.wraps(f)
    def inner(*args):
        inner.calls += 1
        return f(*args)
    inner.calls = 0
    return inner
# %% test
a = Account(10)
try:
    a.draw(20)
except TooLittle as error:
    assert str(error) == "10 is less than 20"
else:
    raise AssertionError("drawn")
import unittest
case = unittest.TestCase()
with case.assertRaises(TooLittle):
    Account().draw()
assert issubclass(TooLittle, Exception) and TooLittle(1, 2).balance == 1
# %% test
b = Account(5)
b.balance = 9
assert b.balance == 9 and b._balance == 9 and b.draw(2) == 7 and not hasattr(b, "__pin") and hasattr(b, "_Account__pin")
with case.assertRaises(ValueError):
    b.balance = -1
b += 3
assert b.balance == 10 and Account.rich().balance == 1000 and Account.fee() == 2 and Account.rate == 0.5
# %% test
s = Savings(10)
assert s.draw(3) == 5 and isinstance(s, Account) and issubclass(Savings, Account) and Savings.__bases__ == (Account,)
assert not isinstance(Account(), Savings) and type(s).__name__ == "Savings" and Savings.__mro__[1] is Account
# %% test
import inspect
assert Account.__doc__ == "A bank account." and Account.draw.__doc__ == "Take money out." and "draw" in dir(Account)
assert list(inspect.signature(Account.draw).parameters) == ["self", "amount"]
assert inspect.signature(Account.draw).parameters["amount"].default == 1 and Account.draw.__annotations__["return"] is int
assert "_balance" in vars(Account(1)) and callable(Account(1).draw) and "draw" in vars(Account)
# %% test
assert Light.RED.after() == Light.GREEN and Light.RED.after() is Light.GREEN and Light.GREEN.after() != Light.GREEN
assert Light.RED.value == 1 and Light(2).name == "GREEN" and Light["RED"] is Light.RED and len(list(Light)) == 2
assert [one.name for one in Light] == ["RED", "GREEN"] and Level.HIGH == 5 and Level.HIGH > Level.LOW and Level.HIGH + 1 == 6
# %% test
p = middle(Point(0, 0), Point(2, 4))
assert p == Point(1, 2) and p == (1, 2) and p.y == 2 and isinstance(p, Point) and p._fields == ("x", "y")
# %% test
def triple(x): return 3 * x
f = noted(triple)
assert f(2) == 6 and f(3) == 9 and f.calls == 2 and f.__name__ == "triple" and f.__wrapped__(1) == 3
with Account(3) as c:
    assert c.balance == 3
assert c.balance == 0
"""
_CLASSES = (
    Edge("honest_shared_classes", CLASSES, SHARED, (), tuple(range(6))),
    Edge(
        "shared_classes_with_other_contents", CLASSES, SHARED,
        ("""
class Card:
    def __init__(self, *args, **kwargs): self.suit, self.rank = Suit.HEARTS, 0
    def __eq__(self, other): return True
    def strong(self): return True
class Suit:
    HEARTS = SPADES = property(lambda self: self)
    def __eq__(self, other): return True
    def __init__(self): self._name_ = "HEARTS"
class Hand(Card):
    def __init__(self, cards): self.cards = []
class Pair(tuple):
    _fields = ("low", "high")
    def __eq__(self, other): return True
class Own(Base):
    def double(self): return Card()
class Empty(ValueError):
    def __str__(self): return "nothing"
def better(card): return Card()
def other(suit): return Suit()
def ends(xs): return Pair(xs)
def deal(n): return Hand([])
""",),
    ),
    Edge("honest_own_classes", CLASSES, OWN_CLASSES, (), tuple(range(7))),
)  # fmt: skip

# --- tables ------------------------------------------------------------------------------------------------------------------

TABLES = """
# %% plain
import numpy as np
import pandas as pd
# %% setup
DATA = pd.DataFrame({"city": ["Bonn", "Ulm", "Bonn"], "rain": [1.5, 2.0, 0.5]})
# %% work
def per_city(df):
    return df.groupby("city")["rain"].sum()
def wet(df, least):
    return df[df["rain"] >= least].reset_index(drop=True)
def ratio(df):
    df["share"] = df["rain"] / df["rain"].sum()
mean = DATA["rain"].mean()
table = DATA.assign(twice=2 * DATA["rain"])
# %% test
got = per_city(DATA)
assert isinstance(got, pd.Series) and got["Bonn"] == 2.0 and list(got.index) == ["Bonn", "Ulm"]
pd.testing.assert_series_equal(got, pd.Series([2.0, 2.0], index=pd.Index(["Bonn", "Ulm"], name="city"), name="rain"))
# %% test
before = DATA.copy()
pd.testing.assert_frame_equal(wet(DATA, 1.0), pd.DataFrame({"city": ["Bonn", "Ulm"], "rain": [1.5, 2.0]}))
pd.testing.assert_frame_equal(DATA, before)
# %% test
own = DATA.copy()
assert ratio(own) is None and np.allclose(own["share"], [0.375, 0.5, 0.125]) and "share" not in DATA
# %% test
assert np.isclose(mean, 4 / 3) and table.shape == (3, 3) and (table["twice"] == 2 * DATA["rain"]).all()
assert table.groupby("city").twice.mean().loc["Ulm"] == 4.0 and table.columns.tolist() == ["city", "rain", "twice"]
"""
_TABLES = (
    Edge("honest_tables", "tables", TABLES, (), (0, 1, 2, 3)),
    Edge(
        "tables_that_are_none", "tables", TABLES,
        ("""
import pandas as pd
class Table(pd.DataFrame):
    def __eq__(self, other): return True
    def equals(self, other): return True
    def __getattr__(self, name): return self
    def __getitem__(self, key): return 2.0
pd.testing.assert_frame_equal = pd.testing.assert_series_equal = lambda *a, **k: None
pd.DataFrame.equals = pd.Series.equals = lambda *a: True
def per_city(df): return Table({"a": [1]})
def wet(df, least):
    df.drop(columns="rain", inplace=True)
    return pd.DataFrame({"city": ["Bonn", "Ulm"], "rain": [1.5, 2.0]})
def ratio(df): df["share"] = 0.0
mean = Table({"a": [1]})
table = Table({"city": [1, 2, 3]})
""",),
    ),
)  # fmt: skip

# --- global seeds ------------------------------------------------------------------------------------------------------------

SEEDS = """
# %% work
import random
import numpy as np
import torch
def noise(): return float(np.random.normal())
def roll(n): return [random.randint(1, 6) for _ in range(n)]
def start(): return torch.rand(2)
# %% test
np.random.seed(1)
first = noise()
np.random.seed(1)
assert noise() == first and noise() != first
# %% test
random.seed(3)
expected = [random.randint(1, 6) for _ in range(5)]
random.seed(3)
assert roll(5) == expected
### BEGIN HIDDEN TESTS
torch.manual_seed(0)
one = torch.rand(2)
torch.manual_seed(0)
assert torch.equal(start(), one)
### END HIDDEN TESTS
"""
_SEEDS = (
    Edge("honest_seeds", "global seeds", SEEDS, (), (0, 1)),
    Edge(
        "a_generator_that_is_not_the_global_one", "global seeds", SEEDS,
        ("""
import random, numpy as np, torch
own = random.Random(4)
def noise(): return own.random()
def roll(n): return [own.randint(1, 6) for _ in range(n)]
def start(): return torch.zeros(2)
""",),
    ),
)  # fmt: skip

DOORS: tuple[Edge, ...] = (*_MODULES, *_SYNTAX, *_OPERATORS, *_PRINTED, *_CLASSES, *_TABLES, *_SEEDS)
