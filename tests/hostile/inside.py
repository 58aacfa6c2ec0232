"""Tests with the tag `in_process`: they run beside the student's code, which may cheat them and nothing else; and what such tests are for."""

from __future__ import annotations

from tests.hostile.edge import Edge

# two tests across the wire about f, two in the student's process about g: four different cells in which a lie can be told
FOUR = """
# %% work
def f(x): return x + 1
def g(): print("hello")
# %% test
assert f(1) == 2
### BEGIN HIDDEN TESTS
assert f(41) == 42
### END HIDDEN TESTS
# %% inside
import contextlib, io
with contextlib.redirect_stdout(io.StringIO()) as _out:
    g()
assert _out.getvalue() == "hello\\n", "g prints hello"
### BEGIN HIDDEN TESTS
assert "SEC" + "RET-7"
### END HIDDEN TESTS
# %% inside
import contextlib, io
with contextlib.redirect_stdout(io.StringIO()) as _out:
    g()
assert _out.getvalue().strip() == "hello" and f(2) == 3
# %% test
assert f(5) == 6
"""
DESK = """
import json, struct, sys
_engine = sys.modules["grader.engine.student"]
_codec, _desk, _socket = sys.modules["grader.engine.codec"], _engine._desk, _engine._desk.sock
def _forge(header):
    _socket.sendall(struct.pack("!Q", len(header)) + header)
"""


def _wins(name: str, answer: str, passes: tuple[int, ...] = (), **more: object) -> Edge:
    """f is wrong everywhere. What `answer` does can at most win the in_process tests in `passes`."""
    return Edge(f"in_process: {name}", "in_process", FOUR, (answer,), passes, **more)  # type: ignore[arg-type]


_ATTACKS = (
    _wins("silence in the tested function", "def f(x): return 0\ndef g(): pass", says="hello|assert"),
    _wins(
        "forged answers for every ticket",
        DESK
        + """
def f(x): return 0
def g():
    for ticket in range(1, 400):
        text = json.dumps({"n": ticket, "v": None, "m": []}).encode()
        _forge(struct.pack("!I", len(text)) + text)
""",
        says="read|hello|assert",
    ),
    _wins(
        "a forged answer to the question that is open",
        DESK
        + """
def f(x): return 0
def g():
    text = json.dumps({"n": _desk.ticket, "v": None, "m": []}).encode()
    _forge(struct.pack("!I", len(text)) + text)
""",
        (2,),  # its own cell; where a hidden part follows, the second answer to one question gives it away
        says="read|assert",
    ),
    _wins(
        "forged messages to the coordinator on every descriptor",
        """
import json, os, struct
def f(x): return 0
def g():
    for name in ("test0", "inside0", "inside1", "test1"):
        told = {"id": name, "verdict": "passed", "points": 1, "max_points": 1}
        for message in ([["TestResult", told]], {"result": told}):
            body = json.dumps(message).encode()
            for fd in range(64):
                try: os.write(fd, struct.pack("!Q", len(body)) + body)
                except OSError: pass
""",
    ),
    _wins(
        "prints a forged message",
        """
def f(x): return 0
def g(): print('[["TestResult", {"id": "test0", "verdict": "passed", "points": 1, "max_points": 1}]]')
""",
        says="hello|assert",
    ),
    _wins(
        "a thread that goes on and forges",
        DESK
        + """
import threading, time
def f(x): return 0
def _for_ever():
    while True:
        for ticket in range(1, 100):
            text = json.dumps({"n": ticket, "v": 1.0, "m": []}).encode()
            try: _forge(struct.pack("!I", len(text)) + text)
            except OSError: pass
        time.sleep(0.01)
def g(): threading.Thread(target=_for_ever, daemon=True).start()
""",
        says="hello|assert|read|answer|ended|arguments",
    ),
    _wins(
        "leaves the process", "import os\ndef f(x): return 0\ndef g(): os._exit(0)", says="ended|equal|assert"
    ),
    _wins("exits", "import sys\ndef f(x): return 0\ndef g(): sys.exit(0)", says="SystemExit|assert"),
    _wins(
        "never comes back",
        "def f(x): return 0\ndef g():\n    while True: pass",
        says="time|no answer|assert",
        limits={"test_seconds": 1.0},
    ),
    _wins(
        "replaces builtins and the checks of every later cell",
        """
import builtins
def f(x): return 0
class Yes:
    def __eq__(self, other): return True
    def __bool__(self): return True
def g():
    print("hello")
    builtins.AssertionError = StopIteration
    for name in ("isinstance", "len", "str", "abs", "all", "any"):
        setattr(builtins, name, lambda *a, **k: Yes())
    globals()["f"] = lambda x: x + 1
""",
        says="ended|assert|read|not",
    ),
    _wins(
        "leaves a file and a library's state for the next cell",
        """
import os, tempfile
def f(x): return x + 1 if os.path.exists("/tmp/note") or os.path.exists("note") else 0
def g():
    print("hello")
    open("/tmp/note", "w").close(); open("note", "w").close()
""",
        (1, 2),  # f is right after g in the one process where both are called
    ),
    _wins(
        "tells the hidden test through the next cell's message, its output and a file",
        """
import gc, sys
def f(x): return 0
def g():
    print("hello")
    frame, seen = sys._getframe(), []
    while frame: seen += map(str, frame.f_locals.values()); frame = frame.f_back
    seen += [str(value) for value in list(globals().values())]
    seen += [x for x in gc.get_objects() if type(x) is str] + [str(c) for x in gc.get_objects() if type(x) is list for c in x if type(c) is str]
    found = [s for s in seen if "RET-" + "7" in s]
    open("found", "w").write(str(found)); print(found, file=sys.__stdout__)
    if found: raise ValueError(found[0])
print(open("found").read() if __import__("os").path.exists("found") else "")
""",
        (1,),
        absent="SECRET-7|RET-7",
    ),
    _wins(
        "a hidden check that fails is told to nobody",
        "def f(x): return 0\ndef g(): print('hello'); raise SystemExit",
        says="SystemExit|assert",
        absent="RET-7",
    ),
)


def _inside(
    name: str, notebook: str, wrong: str, passes: tuple[int, ...] = (), says: str = ""
) -> tuple[Edge, Edge]:
    """The notebook's own answer passes every test, `wrong` those of `passes`."""
    honest = Edge(
        f"in_process: {name}", "in_process", notebook, (), tuple(range(notebook.count("# %% inside")))
    )
    return honest, Edge(f"in_process: {name}, wrong", "in_process", notebook, (wrong,), passes, says)


_HONEST = (
    Edge("in_process: an honest answer beside tests across the wire", "in_process", FOUR, (), (0, 1, 2, 3)),
    *_inside(
        "captured print and patched input",
        """
# %% work
def greet():
    print("hello", input("name? "))
# %% inside
import contextlib, io
from unittest import mock
with mock.patch("builtins.input", return_value="Ann"), contextlib.redirect_stdout(io.StringIO()) as _out:
    greet()
assert _out.getvalue() == "hello Ann\\n"
# %% inside
from IPython.utils.capture import capture_output
input = lambda prompt="": "Bob"
with capture_output() as _c:
    greet()
assert _c.stdout == "hello Bob\\n"
""",
        "def greet():\n    input('name? ')\n    return 'hello'",
    ),
    *_inside(
        "source, files, and timing ratios",
        """
# %% work
def power(x, n): return 1 if n == 0 else x * power(x, n - 1)
with open("table.txt", "w") as file: file.write("1,2,3")
def fast(): return 1
def slow(): return sum(range(100_000))
# %% inside
import inspect
assert "for" not in inspect.getsource(power).split() and power(2, 5) == 32
# %% inside
from pathlib import Path
assert Path("table.txt").read_text() == "1,2,3"
# %% inside
import timeit
assert min(timeit.repeat(slow, number=3)) > 3 * min(timeit.repeat(fast, number=3))
# %% inside
%%capture printed
print(power(3, 2))
assert power(3, 2) == 9
# %% inside
_got = 0
if power(2, 2) == 4:
    _got = 1
_got
# %% inside
assert power(2, 2) == 4
bytes(100_000_000)
""",
        "def power(x, n):\n    r = 1\n    for _ in range(n): r *= x\n    return r\ndef slow(): return 1\ndef fast(): return sum(range(100_000))",
        (3, 4, 5),
    ),
    *_inside(
        "unittest and doctest over the notebook's own names",
        """
# %% work
def double(x):
    '''Twice x.

    >>> double(2)
    4
    '''
    return 2 * x
# %% inside
import sys, unittest
class TestDouble(unittest.TestCase):
    def test_two(self): self.assertEqual(double(2), 4)
assert unittest.main(argv=["x"], exit=False).result.wasSuccessful()
# %% inside
import unittest
class TestTwice(unittest.TestCase):
    def test_three(self): self.assertEqual(double(3), 6)
unittest.main(argv=["x"], exit=False)
# %% inside
import doctest
assert doctest.testmod().failed == 0
# %% inside
import doctest
doctest.run_docstring_examples(double, globals())
# %% inside
import unittest
unittest.TestCase().assertEqual(double(5), 10)
""",
        "def double(x):\n    return x * x + 1",
        says="no check|failed|assert|!=|not true",
    ),
    *_inside(
        "other ways to run unit tests and doctests",
        """
# %% work
def half(x):
    '''
    >>> half(3)
    1.5
    '''
    return x / 2
# %% inside
import unittest
class TestHalf(unittest.TestCase):
    def test_four(self): self.assertEqual(half(4), 2)
    @unittest.skip("slow")
    def test_slow(self): pass
unittest.TextTestRunner(verbosity=2).run(unittest.TestLoader().loadTestsFromTestCase(TestHalf))
# %% inside
_program = unittest.main(argv=["first-arg-is-ignored", "TestHalf"], exit=False, verbosity=2)
assert not _program.result.failures and _program.result.testsRun == 2
# %% inside
import doctest
_found = doctest.DocTestFinder().find(half, globs={"half": half})
_runner = doctest.DocTestRunner(verbose=False)
for _example in _found:
    _runner.run(_example)
assert _runner.tries and not _runner.failures
# %% inside
import doctest
doctest.testmod(verbose=True, optionflags=doctest.ELLIPSIS)
# %% inside
import unittest
_suite = unittest.TestSuite([unittest.FunctionTestCase(lambda: half(2) == 1 or 1 / 0)])
_result = unittest.TestResult()
_suite.run(_result)
assert _result.wasSuccessful()
""",
        "def half(x):\n    return x // 2 + (x > 1)",
        says="failed|assert|no check",
    ),
    *_inside(
        "a test that wants the student's own tests to find a fault",
        """
# %% work
import unittest
class Mine(unittest.TestCase):
    def test_abs(self): self.assertEqual(absolute(-1), 1)
# %% inside
absolute = lambda x: x
assert not unittest.main(argv=["x"], exit=False).result.wasSuccessful()
""",
        "import unittest",
    ),
)
_NUMBERS = tuple(
    Edge(
        f"in_process: {value} for points, and the next test counts",
        "in_process",
        "# %% work\ndef f(): return 1\n# %% inside\nf()\n# %% test\nassert 1 + f() == f() + 1",
        (f"def f(): return {value}",),
        passes,
    )
    for value, passes in (
        ("10**400", (0, 1)),
        ("-10**400", (0, 1)),
        ("float('inf')", (0, 1)),
        ("float('nan')", (0,)),
        ("10**5000", (0, 1)),
    )
)
_NO_CHECK = (
    Edge(
        "a test that runs no check is no pass",
        "in_process",
        """
# %% work
def f(x): return x
# %% test
# f is checked by hand
# %% inside
# f is checked by hand
# %% test
def check_f():
    assert f(1) == 1
# %% inside
import unittest
class TestF(unittest.TestCase):
    def test_one(self): assert f(1) == 1
# %% test
expected = 3
# %% test
### BEGIN HIDDEN TESTS
# nothing here either
### END HIDDEN TESTS
# %% test
f(1)
# %% test
try:
    f()
    assert False
except TypeError:
    pass
# %% test
f
# %% inside
f(1)
""",
        (),
        (6, 7, 8, 9),
        says="no check",
    ),
)

INSIDE: tuple[Edge, ...] = (*_ATTACKS, *_HONEST, *_NUMBERS, *_NO_CHECK)
