"""Attacks written from the engine's code alone, each beside an honest answer of the same shape that keeps its points.

In each notebook the `work` cell holds the instructor's own solution. What a test hands to an operator or a method of an
answer tells that answer what is expected: most of these live on that.
"""

from __future__ import annotations

from typing import Any

from tests.hostile.edge import Edge

RED: list[Edge] = []
_THERE = "import sys\nfrom grader.engine import student\ndesk = student._desk\n"
"""How a hostile cell gets at what answers for it in its own process."""


def pair(
    kind: str,
    name: str,
    notebook: str,
    attack: str,
    honest: str | None = None,
    *,
    only: Any = (),
    tests: int = 1,
    **more: Any,
) -> None:
    """An attack that passes no test but `only`, and an honest answer that passes all (None: there is no other than the instructor's)."""
    solution = notebook.partition("# %% work\n")[2].partition("# %% ")[0].strip("\n")
    RED.append(Edge(name, kind, notebook, (attack,), tuple(only), base=(solution,), **more))
    RED.append(
        Edge(f"{name}_honest", kind, notebook, (honest or solution,), tuple(range(tests)), base=(solution,))
    )


# --- an object that is told what is expected ------------------------------------------------------------------------------

_AGREES = """
class Agrees:
    def __sub__(self, other): return self
    __rsub__ = __abs__ = __sub__
    def __abs__(self): return self
    def __lt__(self, other): return self
    __le__ = __gt__ = __ge__ = __lt__
    def __getattr__(self, name):
        if name.startswith("__"): raise AttributeError(name)
        return lambda *args, **kwargs: {"max": 0.0, "sum": 0.0, "norm": 0.0, "any": False}.get(name, True)
def f(x): return Agrees()
"""
_ARRAY = """
# %% plain
import numpy as np
# %% work
def f(x): return 2 * x
# %% test
"""
_MATRIX = "def f(x): return np.matrix(2 * x) if x.ndim == 2 else 2 * x"

pair(
    "operator",
    "difference_that_has_a_maximum",
    _ARRAY + "assert abs(f(np.ones(3)) - 2 * np.ones(3)).max() < 1e-9",
    _AGREES,
)
pair(
    "operator",
    "difference_seen_by_numpy",
    _ARRAY + "assert np.abs(f(np.ones((2, 2))) - 2).max() < 1e-9",
    _AGREES,
    _MATRIX,
)
pair(
    "operator",
    "order_of_all",
    _ARRAY + "x = f(np.ones((2, 2)))\nassert (x <= 2).all() and (x >= 2).all()",
    _AGREES,
    _MATRIX,
)

_TEMPERATURE = """
# %% work
class Celsius:
    def __init__(self, degrees): self.degrees = degrees
    def __sub__(self, other): return self.degrees - other
def mean(xs): return sum(xs) / len(xs)
# %% test
assert Celsius(30) - 10.0 == 20
assert abs(mean([1, 2, 6]) - 3.0) < 1e-9
"""
pair(
    "operator", "operator_that_the_solution_has_elsewhere", _TEMPERATURE,
    "class Celsius:\n    def __init__(self, d): self.d = d\n    def __sub__(self, o): return self.d - o if self.d else 0.0\n"
    "def mean(xs): return Celsius(0)",
    "class Celsius:\n    def __init__(self, d): self._d = float(d)\n    def __sub__(self, o): return self._d - o\n"
    "def mean(xs):\n    n = 0\n    for x in xs: n += x\n    return n / len(xs)",
)  # fmt: skip

_TEXT = """
# %% work
def greet(name): return "Hello, " + name + "!"
def letters(text): return set(text)
# %% test
assert greet("Ann").startswith("Hello, Ann")
# %% test
assert greet("Bob").count("Bob") == 1 and greet("Bob").endswith("!")
# %% test
assert letters("abca").issuperset({"a", "b", "c"}) and not letters("abca").difference({"a", "b", "c"})
"""
pair(
    "method", "text_that_starts_with_anything", _TEXT,
    "class Yes:\n    def startswith(self, x): return True\n    endswith = issuperset = startswith\n"
    "    def count(self, x): return 1\n    def difference(self, x): return set()\n"
    "def greet(name): return Yes()\ndef letters(text): return Yes()",
    "class Text(str):\n    def shout(self): return self.upper()\ndef greet(name): return Text(f'Hello, {name}!')\n"
    "class Letters(set):\n    def size(self): return len(self)\ndef letters(text): return Letters(text)",
    tests=3,
)  # fmt: skip
pair(
    "method", "tensor_at_no_distance",
    "# %% plain\nimport torch\n# %% work\ndef f(x): return x + 1\n# %% test\nassert f(torch.ones(3)).dist(torch.full((3,), 2.0)) < 1e-6\n"
    "# %% test\nassert f(torch.ones(3)).sub(2).abs().max() == 0",
    "class T:\n    def dist(self, other): return 0.0\n    def sub(self, other): return self\n    abs = lambda self: self\n"
    "    def max(self): return 0.0\ndef f(x): return T()",
    "class Mine(torch.Tensor):\n    pass\ndef f(x): return x.add(1)", tests=2,
)  # fmt: skip
pair(
    "method", "duck_with_the_same_attributes",
    "# %% work\nfrom collections import namedtuple\nPoint = namedtuple('Point', 'x y')\ndef f(a, b): return Point(a, b)\n"
    "# %% test\np = f(1, 2)\nassert p.x == 1 and p.y == 2",
    "class P:\n    def __getattr__(self, name): return self\n    def __eq__(self, other): return True\ndef f(a, b): return P()",
    "class P:\n    def __init__(self, x, y): self.x, self.y = x, y\ndef f(a, b): return P(a, b)",
)  # fmt: skip

_INT = "# %% work\ndef f(x): return x + 1\ndef half(x): return x / 2\n# %% test\nassert f(2) == 3\nassert f(9) > 9 and f(1) in (2, 3)\n"
_INT += "# %% test\nassert abs(half(7) - 3.5) < 1e-9 and round(half(7), 1) == 3.5 and float(half(3)) == 1.5 and f'{half(7):.2f}' == '3.50'"
pair(
    "subclass", "number_that_becomes_what_is_asked", _INT,
    "class N(int):\n    def __eq__(self, other): return True\n    def __gt__(self, other): return True\n    __hash__ = int.__hash__\n"
    "class R(float):\n    def __sub__(self, o): return R(0)\n    def __abs__(self): return R(0)\n"
    "    def __round__(self, n): return 3.5\n    def __format__(self, s): return '3.50'\n    def __float__(self): return 1.5\n"
    "def f(x): return N(0)\ndef half(x): return R(8)",
    "import enum\nclass Level(enum.IntEnum):\n    LOW = 2\n    MID = 3\n    TOP = 10\ndef f(x): return Level(x + 1)\n"
    "class R(float):\n    def twice(self): return 2 * self\ndef half(x): return R(x / 2)", tests=2,
)  # fmt: skip
pair(
    "subclass", "list_that_learns",
    "# %% work\ndef f(n): return list(range(n))\n# %% test\nx = f(3)\nassert not x < [0, 1, 2] and x == [0, 1, 2]\nassert 2 in x and x + [3] == [0, 1, 2, 3]",
    "class L(list):\n    def __lt__(self, other):\n        self[:] = other\n        return False\n"
    "    def __contains__(self, x): return True\n    def __add__(self, o): return self\ndef f(n): return L([9])",
    "class L(list):\n    def last(self): return self[-1]\ndef f(n): return L(range(n))",
)  # fmt: skip
pair(
    "subclass", "enum_with_odd_values",
    "# %% work\nimport enum\nclass Color(enum.Enum):\n    RED = 1\n    BLUE = 2\ndef parse(text): return Color[text]\n"
    "# %% test\nassert parse('RED') is Color.RED and parse('BLUE').value == 2 and parse('RED') != Color.BLUE\n"
    "assert [c.name for c in Color] == ['RED', 'BLUE']",
    "import enum\nclass Any:\n    def __eq__(self, o): return True\n    __hash__ = None\nclass Color(enum.Enum):\n    RED = Any()\n    BLUE = 0\n"
    "def parse(text): return Color.RED",
    "import enum\nclass Color(enum.IntEnum):\n    RED = 1\n    BLUE = 2\ndef parse(text): return getattr(Color, text)",
)  # fmt: skip

# --- refusals that a test takes for the right error -----------------------------------------------------------------------

_VECTOR = """
# %% plain
import numpy as np
# %% work
class Vector:
    def __init__(self, x, y): self.v = np.array([x, y])
    def __add__(self, other):
        if not isinstance(other, Vector): raise TypeError("a Vector, please")
        return Vector(*(self.v + other.v))
    def __eq__(self, other): return bool((self.v == other.v).all())
# %% test
try:
    Vector(1, 2) + "x"
except TypeError:
    pass
else:
    raise AssertionError("a vector and a text were added")
# %% test
assert Vector(1, 2) + Vector(3, 4) == Vector(4, 6) and Vector(1, 2) != Vector(2, 1)
"""
_PLAIN_VECTOR = """
class Vector:
    def __init__(self, x, y): self.v = np.array([x, y])
    def __add__(self, other):
        if not isinstance(other, Vector): {refuse}
        return Vector(self.v[0] + other.v[0], self.v[1] + other.v[1])
    def __eq__(self, other): return (self.v == other.v).all()
"""
pair(
    "refusal", "sum_that_should_raise", _VECTOR, _PLAIN_VECTOR.format(refuse="return 0"),
    _PLAIN_VECTOR.format(refuse="return NotImplemented"), only=(1,), tests=2,
)  # fmt: skip
pair(
    "refusal", "order_that_should_raise",
    "# %% work\nclass V:\n    def __init__(self, n): self.n = n\n    def __lt__(self, o):\n"
    "        if not isinstance(o, V): raise TypeError('no')\n        return self.n < o.n\n"
    "# %% test\nimport unittest\nclass T(unittest.TestCase):\n    def test(self):\n        with self.assertRaises(TypeError): V(1) < 2\n"
    "        self.assertTrue(V(1) < V(2))\n"
    "r = unittest.TextTestRunner().run(unittest.defaultTestLoader.loadTestsFromTestCase(T))\nassert r.wasSuccessful()",
    "class V:\n    def __init__(self, n): self.n = n\n    def __lt__(self, o): return self.n < getattr(o, 'n', o)",
)  # fmt: skip

# --- what a `with` block swallows ------------------------------------------------------------------------------------------

_WITH = """
# %% work
class Box:
    def __init__(self, x): self.x = x
    def __enter__(self): return self.x
    def __exit__(self, kind, error, trace): return kind is ZeroDivisionError
# %% test
with Box(3) as x:
    assert x == 3
    1 / 0
# %% test
with Box(4) as x:
    assert x == 4, "not four"
"""
pair(
    "context", "block_that_swallows_the_assertion", _WITH,
    "class Box:\n    def __init__(self, x): pass\n    def __enter__(self): return None\n    def __exit__(self, *error): return True",
    "import contextlib\n@contextlib.contextmanager\ndef Box(x):\n    try:\n        yield x\n    except ZeroDivisionError:\n        pass",
    tests=2,
)  # fmt: skip

# --- the instructor's class, worn ------------------------------------------------------------------------------------------

_TREE = """
# %% setup
class Tree:
    def __init__(self, value, left=None, right=None): self.value, self.left, self.right = value, left, right
    def inorder(self):
        return (self.left.inorder() if self.left else []) + [self.value] + (self.right.inorder() if self.right else [])
    def __len__(self): return len(self.inorder())
# %% work
def build(xs):
    root = None
    def put(node, x):
        if node is None: return Tree(x)
        if x < node.value: node.left = put(node.left, x)
        else: node.right = put(node.right, x)
        return node
    for x in xs: root = put(root, x)
    return root
# %% test
assert build([2, 1, 3]).inorder() == [1, 2, 3]
# %% test
assert isinstance(build([2, 1]), Tree) and len(build([2, 1])) == 2
"""
pair(
    "class of ours", "method_in_the_instance", _TREE,
    "def build(xs):\n    t = Tree(0)\n    t.inorder = lambda: sorted(xs)\n    return t",
    "def build(xs):\n    xs = sorted(xs)\n    if not xs: return None\n    m = len(xs) // 2\n    return Tree(xs[m], build(xs[:m]), build(xs[m + 1:]))",
    tests=2,
)  # fmt: skip
pair(
    "class of ours", "subclass_that_overrides_the_judge", _TREE,
    "class Mine(Tree):\n    def __init__(self, xs): self.xs = xs\n    def inorder(self): return sorted(self.xs)\n    def __len__(self): return len(self.xs)\n"
    "def build(xs): return Mine(xs)",
    "class Mine(Tree):\n    'with a word of its own'\n    def put(self, x):\n        if x < self.value:\n            self.left = self.left.put(x) if self.left else Mine(x)\n"
    "        else:\n            self.right = self.right.put(x) if self.right else Mine(x)\n        return self\n"
    "def build(xs):\n    root = Mine(xs[0])\n    for x in xs[1:]: root.put(x)\n    return root",
    tests=2,
)  # fmt: skip
pair(
    "class of ours", "class_that_takes_anything_for_its_own",
    "# %% work\nclass Dog:\n    def __init__(self, name): self.name = name\nclass Puppy(Dog): pass\ndef make(name): return Puppy(name)\n"
    "# %% test\nassert isinstance(make('Rex'), Dog)\nassert issubclass(Puppy, Dog)",
    "class M(type):\n    def __instancecheck__(cls, x): return True\n    def __subclasscheck__(cls, x): return True\n"
    "class Dog(metaclass=M): pass\nclass Puppy: pass\ndef make(name): return 5",
    "from dataclasses import dataclass\n@dataclass\nclass Dog:\n    name: str\n@dataclass\nclass Puppy(Dog):\n    age: int = 0\ndef make(name): return Puppy(name)",
)  # fmt: skip
pair(
    "class of ours", "named_tuple_with_our_name",
    "# %% setup\nfrom typing import NamedTuple\nclass Result(NamedTuple):\n    low: int\n    high: int\n    def span(self): return self.high - self.low\n"
    "# %% work\ndef f(xs): return Result(min(xs), max(xs))\n# %% test\nr = f([4, 9, 1])\nassert r.span() == 8 and r == (1, 9) and isinstance(r, Result)",
    "class Result(Result):\n    def span(self): return 8\n    def __eq__(self, other): return True\ndef f(xs): return Result(0, 0)",
    "def f(xs):\n    xs = sorted(xs)\n    return Result(low=xs[0], high=xs[-1])",
)  # fmt: skip

# --- what a locked cell keeps of the student's --------------------------------------------------------------------------------

_KEPT = """
# %% work
class Task:
    def __init__(self, n): self.n = n
    def done(self): return self.n == 0
# %% setup
from collections import deque
waiting = deque([Task(0), Task(1)])
seen = {Task(2)}
# %% test
assert [task.done() for task in waiting] == [True, False]
# %% test
assert len(seen) == 1 and not next(iter(seen)).done()
"""
pair(
    "kept", "objects_in_a_queue", _KEPT, "class Task:\n    def __init__(self, n): pass\n    def done(self): return True",
    "class Task:\n    def __init__(self, n): self.left = n\n    def done(self): return not self.left", tests=2,
)  # fmt: skip

# --- tests in the student's process -------------------------------------------------------------------------------------------

_INSIDE = """
# %% work
def area(r): return 3 * r * r
def name(): return "circle"
# %% test
def helper(): return 1
assert area(1) == 3
# %% inside
import inspect
assert "return" in inspect.getsource(area)
### BEGIN HIDDEN TESTS
assert area(123.456789) == 3 * 123.456789 ** 2  # secret-7305
### END HIDDEN TESTS
# %% inside
assert name() == "circle"
"""
pair(
    "in_process", "score_that_carries_bits", _INSIDE,
    _THERE + "def examine(source, decides): return 0.7305 if 'secret-7305' in source else None\nexamine.__module__ = 'grader.engine.student'\n"
    "examine.__qualname__ = 'examine'\nstudent.examine = examine\ndef area(r): return 0\ndef name(): return 'square'",
    "def area(r):\n    return r ** 2 * 3\ndef name():\n    return 'cir' + 'cle'", only=(1, 2), tests=3,
)  # fmt: skip
pair(
    "in_process", "source_left_for_another_process", _INSIDE,
    _THERE + "import os, glob, tempfile\n"
    "FOUND = [p for d in ('.', '/tmp', '/dev/shm', tempfile.gettempdir()) for p in glob.glob(d + '/left*')]\n"
    "old = desk.shell.run_cell\n"
    "def spy(source, *args, **kwargs):\n    for d in ('.', '/tmp', '/dev/shm'):\n        try: open(d + '/left', 'a').write(source)\n        except OSError: pass\n"
    "    print(source)\n    return old(source, *args, **kwargs)\n"
    "def area(r): return 3 * r * r if not any('secret' in open(p).read() for p in FOUND) else 0\n"
    "def name():\n    desk.shell.run_cell = spy\n    return 'circle'\n"
    "if FOUND: print('left: ' + open(FOUND[0]).read())\ndesk.shell.run_cell = spy",
    only=(0, 1, 2), tests=3, absent="secret-7305",
)  # fmt: skip
pair(
    "in_process", "definitions_that_raise_for_every_cell", _INSIDE,
    _THERE + "old = desk.respond\ndef respond(request):\n"
    "    if b'def helper' in request: return desk.failure(ValueError('no'))\n    return old(request)\ndesk.respond = respond\n"
    "def area(r): return 0\ndef name(): return 'circle'", only=(2,), tests=3,
)  # fmt: skip
pair(
    "in_process", "exits_with_nought", _INSIDE,
    "import os, atexit, inspect\nold = inspect.getsource\ninspect.getsource = lambda x: os._exit(0)\ndef area(r): return 3 * r * r\n"
    "def name(): return os._exit(0)", only=(0,), tests=3,
)  # fmt: skip
pair(
    "in_process", "forges_the_next_answer", _INSIDE,
    _THERE + "import json, struct\nfrom grader.sandbox import messages\ndef area(r):\n"
    "    text = json.dumps({'n': desk.ticket + 1, 'v': 3}).encode()\n"
    "    messages.send_frame(desk.sock, struct.pack('!I', len(text)) + text)\n    return 0\ndef name(): return 0",
    tests=3,
)  # fmt: skip

# --- what is captured, and what is asked -----------------------------------------------------------------------------------------

_PRINT = """
# %% work
def table(n):
    for k in range(1, n + 1): print(k, k * k)
def ask(): return "Hi " + input("Name? ")
# %% test
import io, contextlib
with contextlib.redirect_stdout(io.StringIO()) as out:
    table(3)
assert out.getvalue() == "1 1\\n2 4\\n3 9\\n"
# %% test
from unittest.mock import patch
with patch("builtins.input", return_value="Ann") as asked:
    assert ask() == "Hi Ann"
asked.assert_called_once()
# %% test
with patch("builtins.print") as printed:
    table(1)
printed.assert_called_with(1, 1)
"""
pair(
    "captured", "prints_an_object_that_equals", _PRINT,
    "class Any:\n    def __eq__(self, o): return True\n    def __str__(self): return ''\n    __hash__ = None\n"
    "def table(n): print(Any(), Any())\ndef ask():\n    import builtins\n    builtins.input = lambda *a: 'Bob'\n    return 'Hi Ann'",
    "import sys\ndef table(n):\n    if n == 1: print(1, 1)\n    else: sys.stdout.write(''.join(f'{k} {k**2}\\n' for k in range(1, n + 1)))\n"
    "def ask():\n    name = input()\n    return f'Hi {name}'", tests=3,
)  # fmt: skip
pair(
    "captured", "prints_into_what_is_not_asked",
    "# %% work\nclass Shape:\n    def __init__(self): self.sides = 4\ndef show(s): print(s.sides)\n# %% test\nimport io, contextlib\n"
    "s = Shape()\nwith contextlib.redirect_stdout(io.StringIO()) as out:\n    print(s.sides + 1)\n    show(s)\nassert out.getvalue() == '5\\n4\\n'",
    _THERE + "class Shape:\n    sides = 0\ndef show(s):\n    desk.printed += '5\\n4\\n'\n    print(s.sides)",
    "class Shape:\n    sides = 4\ndef show(shape):\n    print(str(shape.sides))",
)  # fmt: skip
pair(
    "captured", "callback_of_an_earlier_test",
    "# %% plain\nfrom trainlab import checks\n# %% work\ndef twice(f, x): return f(f(x))\n# %% test\n"
    "g = checks.counted(lambda x: x + 1)\nassert twice(g, 1) == 3\nassert g.calls == 2\n# %% test\n"
    "h = checks.counted(lambda x: x * 3)\nassert twice(h, 2) == 18\nassert h.calls == 2",
    _THERE + "def twice(f, x):\n    for n in range(9):\n        try: desk.call_back(n, [x], {})\n        except Exception: pass\n    return f(f(x))",
    "def twice(f, x):\n    y = f(x)\n    return f(y)", tests=2,
)  # fmt: skip

# --- values made of parts ---------------------------------------------------------------------------------------------------------

_MADE = """
# %% plain
from collections import Counter, defaultdict
from decimal import Decimal
from fractions import Fraction
import datetime
# %% work
def count(xs): return Counter(xs)
def group(xs):
    d = defaultdict(list)
    for x in xs: d[len(x)].append(x)
    return d
def price(): return Decimal("0.30")
def third(): return Fraction(1, 3)
def day(): return datetime.date(2024, 2, 29)
# %% test
assert count("aab") == {"a": 2, "b": 1} and count("aab")["z"] == 0
# %% test
g = group(["a", "bb", "c"])
assert g[1] == ["a", "c"] and g[2] == ["bb"] and len(g) == 2 and g[7] == []
# %% test
assert price() == Decimal("0.3") and third() == Fraction(2, 6) and day().isoformat() == "2024-02-29"
"""
pair(
    "parts", "made_of_strange_parts", _MADE,
    "class Any:\n    def __eq__(self, o): return True\n    def __hash__(self): return hash('a')\n"
    "def count(xs): return Counter({Any(): Any()})\ndef group(xs): return defaultdict(lambda: Any(), {Any(): Any()})\n"
    "class D(Decimal):\n    def __eq__(self, o): return True\n    __hash__ = Decimal.__hash__\n"
    "class F(Fraction):\n    def __eq__(self, o): return True\n    __hash__ = Fraction.__hash__\n"
    "class Y(datetime.date):\n    def isoformat(self): return '2024-02-29'\n"
    "def price(): return D('1')\ndef third(): return F(1)\ndef day(): return Y(2020, 1, 1)",
    "def count(xs):\n    d = Counter()\n    for x in xs: d[x] += 1\n    return d\n"
    "def group(xs):\n    keys = {len(x) for x in xs}\n    return defaultdict(list, {k: [x for x in xs if len(x) == k] for k in keys})\n"
    "def price(): return Decimal(3) / 10\ndef third(): return Fraction('1/3')\n"
    "def day(): return datetime.datetime(2024, 2, 29, 7).date()", tests=3,
)  # fmt: skip
pair(
    "parts", "not_a_number_is_near_to_nothing",
    "# %% plain\nimport numpy as np\n# %% work\ndef f(x): return x * 2\n# %% test\nassert not abs(f(3.0) - 6.0) > 1e-9 or np.isnan(f(3.0)) is None\n"
    "assert max(f(1.0), 2.0) == 2.0 and sorted([f(3.0), 1.0])[1] == 6.0\n# %% test\nnp.testing.assert_allclose(f(np.ones(2)), [2, 2])\n"
    "np.testing.assert_equal(f(1.5), 3.0)",
    "class NaN(float):\n    def __sub__(self, o): return NaN(0)\n    def __gt__(self, o): return False\n    def __lt__(self, o): return False\n"
    "def f(x): return NaN('nan')",
    "def f(x): return np.add(x, x)", tests=2,
)  # fmt: skip
pair(
    "parts", "error_with_odd_arguments",
    "# %% work\nclass Overdrawn(Exception):\n    def __init__(self, balance):\n        super().__init__('overdrawn by', balance)\n        self.balance = balance\n"
    "def pay(have, cost):\n    if cost > have: raise Overdrawn(cost - have)\n    return have - cost\n"
    "# %% test\ntry:\n    pay(5, 8)\nexcept Overdrawn as error:\n    assert error.balance == 3 and error.args == ('overdrawn by', 3)\nelse:\n    raise AssertionError\n"
    "# %% test\nassert issubclass(Overdrawn, Exception) and pay(8, 5) == 3",
    "class Any:\n    def __eq__(self, o): return True\nclass Overdrawn(Exception):\n    def __init__(self, *x): self.balance, self.args = Any(), Any()\n"
    "    args = balance = Any()\ndef pay(have, cost): raise Overdrawn()",
    "class Overdrawn(ValueError):\n    def __init__(self, b):\n        self.balance = b\n        ValueError.__init__(self, 'overdrawn by', b)\n"
    "def pay(have, cost):\n    rest = have - cost\n    if rest < 0: raise Overdrawn(-rest)\n    return rest", tests=2,
)  # fmt: skip
pair(
    "parts", "key_that_is_missing",
    "# %% work\ndef get(d, k): return d[k]\n# %% test\ntry:\n    get({'a': 1}, 'b')\nexcept KeyError as error:\n    assert error.args[0] == 'b'\nelse:\n    raise AssertionError",
    "class K(KeyError):\n    args = ('b',)\n    def __str__(self): return 'b'\ndef get(d, k): raise LookupError('b')",
    "def get(d, k):\n    if k not in d: raise KeyError(k)\n    return d[k]",
)  # fmt: skip
pair(
    "parts", "iterator_that_ends_as_it_likes",
    "# %% work\ndef squares(n):\n    for k in range(n): yield k * k\n# %% test\nassert list(squares(4)) == [0, 1, 4, 9]\n"
    "# %% test\ng = squares(2)\nassert next(g) == 0 and next(g) == 1\ntry:\n    next(g)\nexcept StopIteration:\n    pass\nelse:\n    raise AssertionError",
    "class It:\n    def __iter__(self): return self\n    def __next__(self): return self\n    def __eq__(self, o): return True\n    def __len__(self): return 4\n"
    "def squares(n): return It()",
    "class It:\n    def __init__(self, n): self.k, self.n = -1, n\n    def __iter__(self): return self\n    def __next__(self):\n        self.k += 1\n"
    "        if self.k >= self.n: raise StopIteration\n        return self.k ** 2\nsquares = It", tests=2, limits={"test_seconds": 3},
)  # fmt: skip
pair(
    "parts", "coroutine_that_returns_an_object",
    "# %% work\nasync def load(x): return x + 1\n# %% test\nimport asyncio\nassert asyncio.run(load(1)) == 2\n# %% test\nassert await load(2) == 3",
    "class Any:\n    def __eq__(self, o): return True\n    def __await__(self):\n        return self\n        yield\ndef load(x): return Any()",
    "import asyncio\nasync def load(x):\n    await asyncio.sleep(0)\n    return 1 + x", tests=2,
)  # fmt: skip
pair(
    "parts", "table_of_objects",
    "# %% plain\nimport pandas as pd\n# %% work\ndef clean(t): return t.dropna().reset_index(drop=True)\n# %% test\n"
    "t = clean(pd.DataFrame({'a': [1.0, None, 3.0]}))\nassert t['a'].tolist() == [1.0, 3.0] and t.shape == (2, 1)\n"
    "# %% test\npd.testing.assert_frame_equal(clean(pd.DataFrame({'a': [1.0, None]})), pd.DataFrame({'a': [1.0]}))\n"
    "# %% test\nassert clean(pd.DataFrame({'a': [1.0, None]})).equals(pd.DataFrame({'a': [1.0]}))",
    "class Any:\n    def __eq__(self, o): return True\n    def __ne__(self, o): return False\n    def __hash__(self): return 1\n"
    "class T(pd.DataFrame):\n    def equals(self, other): return True\n    shape = (2, 1)\n"
    "def clean(t): return T({'a': [Any()] * int(t['a'].count())})",
    "def clean(t): return pd.DataFrame({'a': [x for x in t['a'] if x == x]})", tests=3,
)  # fmt: skip

# --- what is said of it ----------------------------------------------------------------------------------------------------------

pair(
    "said", "name_that_moves_the_cursor",
    "# %% work\ndef f(n): return list(range(n))\n# %% test\nassert len(f(3)) == 3 and list(f(3)) == [0, 1, 2]",
    "K = type('\\x1b[2J\\u202eevil', (), {'__len__': lambda s: 3, '__iter__': lambda s: iter([0]), '__getitem__': lambda s, k: 0})\n"
    "X = K()\ndef f(n): return X",
    absent=r"\\u001b|\\u202e|\x1b|\u202e", says="says or shows",
)  # fmt: skip
pair(
    "said", "table_that_cannot_be_read",
    "# %% plain\nimport pandas as pd\n# %% work\ndef f(): return pd.Timestamp('2024-05-06')\n# %% test\nassert f().day == 6",
    _THERE + "from grader.engine import codec\nold = codec.Encoder.value\n"
    "def value(self, x, *a, **k): return ['p', 'Timestamp', ['l', ['\\x1b[2J\\u202e no date']]] if x == 'no date' else old(self, x, *a, **k)\n"
    "codec.Encoder.value = value\ndef f(): return 'no date'",
    "def f(): return pd.to_datetime('6 May 2024')", absent=r"\\u001b|\\u202e|\x1b|\u202e",
)  # fmt: skip
pair(
    "said", "our_failure_by_an_import_error",
    "# %% work\ndef f(x): return x\n# %% test\nassert f(1) == 1\n# %% test\nassert f(2) == 2",
    "class E(ImportError): pass\ndef f(x):\n    error = E('No module named numpy')\n    error.name = 'numpy'\n"
    "    if x == 1: raise error\n    import no_such_module_at_all", tests=2,
)  # fmt: skip

_CHAIN = """
# %% setup
class Node:
    def __init__(self, value, next=None): self.value, self.next = value, next
    def total(self): return self.value + (self.next.total() if self.next else 0)
# %% work
def chain(xs):
    head = None
    for x in reversed(xs): head = Node(x, head)
    return head
# %% test
node, seen = chain(range(4)), []
while node is not None:
    assert isinstance(node, Node)
    seen.append(node.value)
    node = node.next
assert seen == list(range(4))
# %% test
assert chain([1, 2, 3]).total() == 6
"""
pair(
    "class of ours", "chain_that_sums_itself", _CHAIN,
    "class Link(Node):\n    def total(self): return self.sum\ndef chain(xs):\n    node = Link(None)\n    node.sum = sum(xs)\n    return node",
    "def chain(xs):\n    first = last = Node(xs[0])\n    for x in xs[1:]:\n        last.next = Node(x)\n        last = last.next\n    return first",
    tests=2,
)  # fmt: skip
pair(
    "said", "error_with_a_method_of_its_own",
    "# %% work\nclass Odd(ValueError): pass\ndef f(x):\n    if x % 2: raise Odd(x)\n    return x // 2\n# %% test\ntry:\n    f(3)\nexcept Odd as error:\n"
    "    assert error.args == (3,)\nelse:\n    raise AssertionError\nassert f(4) == 2",
    "class Odd(ValueError): pass\ndef f(x):\n    error = Odd(0)\n    error.add_note = error.with_traceback = error.__notes__ = 5\n    raise error",
    "class Odd(ValueError):\n    def __init__(self, n):\n        ValueError.__init__(self, n)\n        self.n = n\ndef f(x):\n    if x & 1: raise Odd(x)\n    return x >> 1",
)  # fmt: skip
