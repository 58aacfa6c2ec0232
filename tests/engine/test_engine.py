"""Grading one submission: the promises 1 to 3 of DESIGN.md, section 5, and what an honest student may expect."""

from __future__ import annotations

import dataclasses
import json
import os
import textwrap
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from grader.engine import preload
from grader.engine.grade import ENGINE_VERSION, grade
from grader.engine.result import Result, Status, Verdict
from grader.engine.submission import Submission, read_submission
from grader.errors import CourseError
from grader.sandbox import forkserver
from grader.sandbox.limits import Limits
from tests.support.toycourse import MAX_POINTS, POINTS, SCORES, SECRET, Course, extra_cell, make_course

LIMITS = Limits(cell_seconds=10, test_seconds=5, notebook_seconds=60, memory=2**30)


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Course:
    return make_course(tmp_path_factory.mktemp("course"))


def hand_in(content: bytes | dict[str, Any], *others: tuple[str, bytes]) -> Submission:
    data = content if isinstance(content, bytes) else json.dumps(content).encode()
    return Submission("toy", (("toy.ipynb", data), *others))


def graded(course: Course, content: bytes | dict[str, Any], limits: Limits = LIMITS) -> Result:
    return grade(hand_in(content), course.assignment, limits)


def verdicts(result: Result) -> dict[str, Verdict]:
    return {test.id: test.verdict for test in result.notebooks[0].tests}


def lost(result: Result) -> set[str]:
    return {name for name, verdict in verdicts(result).items() if verdict is not Verdict.PASSED}


def shown_to_students(result: Result) -> str:
    """Everything in a result that a student may read."""
    messages = [test.student_message for notebook in result.notebooks for test in notebook.tests]
    outputs = [notebook.outputs for notebook in result.notebooks]
    return json.dumps([messages, outputs, result.reason])


@pytest.mark.skipif(
    not hasattr(os, "sched_getaffinity"), reason="processes cannot be kept on a processor here"
)
def test_a_submission_runs_where_the_thread_that_grades_it_may_run(course: Course) -> None:
    nb = extra_cell(course.notebook("honest"), "import os\nprint(sorted(os.sched_getaffinity(0)))")
    result: list[Result] = []

    def on_one() -> None:
        os.sched_setaffinity(0, {max(all_of_them)})
        result.append(graded(course, nb))

    all_of_them = os.sched_getaffinity(0)
    thread = threading.Thread(target=on_one)
    thread.start()
    thread.join()
    assert f"[{max(all_of_them)}]" in shown_to_students(result[0])
    assert str(sorted(all_of_them)) in shown_to_students(graded(course, nb))


SCALE_TESTS = {"test_scale_rows_values", "test_scale_rows_unchanged"}


@pytest.mark.parametrize("kind", list(SCORES))
def test_scores(course: Course, kind: str) -> None:
    result = graded(course, course.submission(kind))
    assert result.status is Status.GRADED, result.reason
    assert (result.score, result.max_score) == (SCORES[kind], MAX_POINTS)
    assert "namespaces" in result.sandbox
    assert "read-only root" in result.sandbox


def test_the_same_submission_gives_the_same_result(course: Course) -> None:
    nb = extra_cell(course.notebook("wrong"), "object()\nprint({'a', 'b', 'c'})")
    first, second = (graded(course, nb) for _ in range(2))
    assert first.comparable() == second.comparable()
    assert Result.from_json(first.to_json()) == first


def test_the_key_names_submission_assignment_and_engine(course: Course) -> None:
    one, other = graded(course, course.submission("blank")), graded(course, course.submission("wrong"))
    assert one.key != other.key
    assert len(ENGINE_VERSION) == 16


# --------------------------------------------------- promise 1: a submission cannot change its verdict

ALWAYS_EQUAL = """
class Yes:
    shape, dtype, ndim = (3, 2), float, 2
    def __eq__(self, other): return True
    def __ne__(self, other): return False
    def __bool__(self): return True
    def __float__(self): return 1.0
    def __len__(self): return 3
    def __getattr__(self, name): return Yes()
    def __call__(self, *a, **k): return True
    def __array__(self, *a, **k): import numpy; return numpy.ones((3, 2))
    __sub__ = __rsub__ = __add__ = __radd__ = __abs__ = __getitem__ = lambda self, *a: Yes()
    __lt__ = __le__ = __gt__ = __ge__ = __contains__ = lambda self, *a: True
"""
CHEATS = {
    "always equal": ALWAYS_EQUAL + "\ndef scale_rows(x, factors): return Yes()",
    "array subclass": """
        class A(np.ndarray):
            def __array_function__(self, f, types, args, kwargs): return True
            def __array_ufunc__(self, *a, **k): return True
            def __eq__(self, other): return True
        def scale_rows(x, factors): return np.zeros((3, 2)).view(A)
    """,
    "patched numpy": """
        np.allclose = np.array_equal = np.isclose = lambda *a, **k: True
        np.testing.assert_allclose = lambda *a, **k: None
        def scale_rows(x, factors): return np.zeros((3, 2))
    """,
    "patched builtins": """
        import builtins
        builtins.isinstance = builtins.all = builtins.any = lambda *a: True
        builtins.AssertionError = type('Quiet', (Exception,), {})
        def scale_rows(x, factors): return np.zeros((3, 2))
    """,
    "shell hooks": """
        import ast
        ip = get_ipython()
        class Drop(ast.NodeTransformer):
            def visit_Assert(self, node): return ast.Pass()
        ip.ast_transformers.append(Drop())
        ip.input_transformers_cleanup.append(lambda lines: [])
        ip.set_custom_exc((BaseException,), lambda *a, **k: None)
        ip.showtraceback = lambda *a, **k: None
        ip.events.register('post_run_cell', lambda *a: None)
        def scale_rows(x, factors): return np.zeros((3, 2))
    """,
    "exit quietly": "import os\ndef scale_rows(x, factors): os._exit(0)",
    "SystemExit": "def scale_rows(x, factors): raise SystemExit(0)",
    "KeyboardInterrupt": "def scale_rows(x, factors): raise KeyboardInterrupt",
    "StopIteration": "def scale_rows(x, factors): raise StopIteration",
    "GeneratorExit": "def scale_rows(x, factors): raise GeneratorExit",
    "AssertionError": "def scale_rows(x, factors): raise AssertionError",
    "nan": "def scale_rows(x, factors): return np.full(x.shape, np.nan)",
    "forged messages": """
        import gc, socket, json, struct
        def scale_rows(x, factors):
            from grader.engine import student
            body = json.dumps({"n": student._desk.ticket, "v": True, "end": True, "result": {}}).encode()
            body = struct.pack("!I", len(body)) + body
            for _ in range(100):
                student._desk.sock.sendall(struct.pack("!Q", len(body)) + body)
            return True
    """,
    "a pickle instead of an answer": """
        import pickle, struct, os
        class Evil:
            def __reduce__(self): return os.system, ("touch /tmp/owned",)
        def scale_rows(x, factors):
            from grader.engine import student
            body = pickle.dumps(Evil())
            student._desk.sock.sendall(struct.pack("!Q", len(body)) + body)
    """,
    "changes the inputs to fit": """
        def scale_rows(x, factors):
            x[:] = 0; factors[:] = 0
            return np.zeros(x.shape)
    """,
    "walks frames": """
        import sys
        def scale_rows(x, factors):
            frame = sys._getframe()
            while frame:
                frame.f_globals['np'] = frame.f_globals['assert_'] = None
                frame = frame.f_back
            return np.zeros((3, 2))
    """,
    "kills everything": "import os, signal\ndef scale_rows(x, factors):\n    os.kill(-1, 9); os.kill(os.getppid(), 9)",
}


@pytest.mark.parametrize("name", list(CHEATS))
def test_cheating_wins_nothing(course: Course, name: str) -> None:
    result = graded(course, course.submission("honest", scale_rows=CHEATS[name]))
    assert result.status is Status.GRADED, result.reason
    assert "test_scale_rows_values" in lost(result)
    if name not in ("shell hooks", "walks frames"):  # these damage their own process beyond repair
        assert lost(result) <= SCALE_TESTS  # the honest answers still count


def test_tests_are_the_sources(course: Course) -> None:
    nb = course.notebook("blank")
    for cell in nb["cells"]:
        if cell["metadata"].get("nbgrader", {}).get("grade"):
            cell["source"] = "assert True"
            cell["metadata"]["nbgrader"]["points"] = 1e9
    result = graded(course, nb)
    assert (result.score, result.max_score) == (0, MAX_POINTS)


@pytest.mark.parametrize("points", [1e9, -5, float("nan"), "abc", None])
def test_points_are_the_sources(course: Course, points: object) -> None:
    nb = course.notebook("honest")
    for cell in nb["cells"]:
        cell["metadata"].get("nbgrader", {})["points"] = points
    assert graded(course, nb).score == MAX_POINTS


def test_a_setup_cell_is_the_sources(course: Course) -> None:
    nb = course.notebook("honest")
    nb["cells"][1]["source"] = "import os; os._exit(1)"
    assert graded(course, nb).score == MAX_POINTS


# -------------------------------------------------------------- promise 2: hidden tests stay hidden

SPY = f"""
import gc, os, sys
def spy():
    found = []
    for folder, names, files in os.walk('/'):
        if folder.startswith(('/proc', '/sys')) or '/site-packages' in folder:
            continue
        for name in files:
            if name.endswith('.ipynb') or name in ('gradebook.db', 'bank.py'):
                found.append(os.path.join(folder, name))
    head, tail = {SECRET[:9]!r}, {SECRET[:8:-1]!r}  # never together here, or the search would find itself
    def secrets(data):
        at = data.find(head.encode())
        while at >= 0:
            if data[at + 9 : at + 9 + len(tail)][::-1] == tail.encode(): yield data[max(at - 40, 0) : at + 60]
            at = data.find(head.encode(), at + 1)
    looked = 0
    try:
        for line in open('/proc/self/maps'):
            start, end = (int(x, 16) for x in line.split()[0].split('-'))
            if 'r' in line.split()[1] and end - start < 2**28 and '[v' not in line:
                memory = open('/proc/self/mem', 'rb'); memory.seek(start)
                data = memory.read(end - start); looked += len(data)
                found += secrets(data)
    except OSError as error:
        pass
    if os.path.isdir('/proc/self') and looked < 10**8: found.append('did not look')
    found += [p for p in os.listdir('/proc') if p.isdigit() and p != str(os.getpid())] if os.path.isdir('/proc') else []
    found += [k for k in os.environ if k in ('SUDO_USER', 'SSH_AUTH_SOCK') or 'grader' in k.lower() or 'PYTEST' in k]
    return found
"""


def test_nothing_secret_is_in_sight(course: Course) -> None:
    nb = extra_cell(course.notebook("honest"), SPY + "\nprint('FOUND', spy())")
    result = graded(course, nb, dataclasses.replace(LIMITS, cell_seconds=60))  # it walks the whole file tree
    (text,) = [
        out["text"]
        for _, outs in result.notebooks[0].outputs
        for out in outs
        if out["output_type"] == "stream"
    ]
    assert text == "FOUND []\n"


def test_hidden_inputs_do_not_come_back(course: Course) -> None:
    """A function that remembers what it was called with, and tells it wherever it can."""
    leak = """
        import pathlib
        SEEN = []
        def scale_rows(x, factors):
            SEEN.append((x, factors)); print(SEEN); pathlib.Path('seen').write_text(repr(SEEN))
            return x * factors[:, None]
    """
    raising = "def gradient(f, w):\n    raise ValueError(repr(SEEN))"
    nb = course.notebook("honest", scale_rows=leak, gradient=raising)
    extra_cell(nb, "print(SEEN, pathlib.Path('seen').read_text())\nSEEN", after="test_scale_rows_unchanged")
    nb = extra_cell(nb, "SEEN.append(0); print(SEEN)\nnp = None")
    shown = shown_to_students(graded(course, nb))
    assert "10., -1." in shown  # a public input
    assert "2., 2., 2., 2." not in shown  # a hidden one
    assert SECRET not in shown


def test_messages_of_hidden_tests_are_for_instructors(course: Course) -> None:
    result = graded(course, course.submission("wrong"))
    hidden = next(test for test in result.notebooks[0].tests if test.id == "test_gradient_values")
    assert "30.0 * _a" in hidden.message
    assert not hidden.public
    assert "30.0" not in hidden.student_message
    assert SECRET not in shown_to_students(result)


def test_no_network(course: Course) -> None:
    code = """
        import socket, time
        began = time.time()
        for family, kind, where in ((2, 1, ('127.0.0.1', 22)), (2, 1, ('1.1.1.1', 53)), (2, 2, ('8.8.8.8', 53)),
                                    (10, 1, ('::1', 22)), (2, 1, ('169.254.169.254', 80))):
            try:
                s = socket.socket(family, kind); s.settimeout(3); s.connect(where); s.send(b'x'); print('sent', where)
            except OSError: pass
        try: print(socket.gethostbyname('example.org'))
        except OSError: pass
        print('quick' if time.time() - began < 2 else 'slow')
    """
    nb = extra_cell(course.notebook(), textwrap.dedent(code))
    assert '"quick\\n"' in json.dumps(graded(course, nb).notebooks[0].outputs)


def test_no_isolation_no_grading(course: Course, monkeypatch: pytest.MonkeyPatch) -> None:
    bare = forkserver.Server(preload.__name__, isolate=False)
    monkeypatch.setattr(forkserver, "_server", bare)
    try:
        with pytest.raises(CourseError, match="cannot isolate"):
            graded(course, course.submission())
        result = grade(hand_in(course.submission()), course.assignment, LIMITS, allow_unsandboxed=True)
        assert result.score == MAX_POINTS
        assert "namespaces" not in result.sandbox
        loop = course.submission(
            "honest", scale_rows="import os\ndef scale_rows(x, f):\n    os.fork()\n    while True: pass"
        )
        result = grade(hand_in(loop), course.assignment, SHORT, allow_unsandboxed=True)
        assert lost(result) == SCALE_TESTS
    finally:
        bare.close()


# --------------------------------------------------------- promise 3: one bad submission is one row

UNREADABLE = {
    "empty": b"",
    "truncated": b'{"cells": [',
    "random": bytes(range(256)),
    "utf-16": "{}".encode("utf-16"),
    "list": b"[]",
    "number": b"3",
    "no cells": b'{"nbformat": 4}',
    "deep": b"[" * 200_000,
    "nul": b"\0" * 100,
    "nbformat 99": b'{"nbformat": 99, "cells": []}',
    "html": b"<!DOCTYPE html><html></html>",
    "docx": b"PK\x03\x04",
    "conflict": b'<<<<<<< HEAD\n{}\n=======\n{}\n>>>>>>> b\n',
    "too many cells": json.dumps({"nbformat": 4, "cells": [{}] * 50_000}).encode(),
}  # fmt: skip


@pytest.mark.parametrize("name", list(UNREADABLE))
def test_what_cannot_be_read_is_a_reason_and_no_zero(course: Course, name: str) -> None:
    result = graded(course, UNREADABLE[name])
    assert result.status is Status.UNGRADABLE
    assert result.reason
    assert "\n" not in result.reason


TROUBLE: dict[str, tuple[str, Verdict]] = {
    "endless loop": ("while True: pass", Verdict.TIMEOUT),
    "endless loop in C": (
        "import signal; signal.signal(2, signal.SIG_IGN); sum(iter(int, 1))",
        Verdict.TIMEOUT,
    ),
    "sleeps": ("import time; time.sleep(1000)", Verdict.TIMEOUT),
    "memory": ("return [bytearray(2**20) for _ in range(10**5)]", Verdict.FAILED),
    "a large tensor": ("return torch.zeros(10**11)", Verdict.FAILED),
    "a large answer": ("return np.zeros(2**25)", Verdict.FAILED),
    "segmentation fault": ("import ctypes; ctypes.string_at(0)", Verdict.CRASHED),
    "abort": ("import os; os.abort()", Verdict.CRASHED),
    "exit": ("import os; os._exit(0)", Verdict.CRASHED),
    "recursion": ("return scale_rows(x, factors)", Verdict.FAILED),
    "deep recursion": (
        "import sys; sys.setrecursionlimit(10**9); return scale_rows(x, factors)",
        Verdict.CRASHED,
    ),
    "fork bomb": ("import os\n    while True: os.fork()", Verdict.FAILED),
    "thread bomb": (
        "import threading, time\n    while True: threading.Thread(target=time.sleep, args=(100,)).start()",
        Verdict.FAILED,
    ),
    "open files": ("return [open('/dev/null') for _ in range(10**5)]", Verdict.FAILED),
    "a full disk": (
        "f = open('big', 'wb')\n    while True: f.write(bytes(2**20))",
        Verdict.FAILED,
    ),
    "inodes": ("for i in range(10**6): open(f'f{i}', 'w').close()", Verdict.FAILED),
    "input": ("return input()", Verdict.FAILED),
    "a lock": ("import threading; l = threading.Lock(); l.acquire(); l.acquire()", Verdict.TIMEOUT),
    "cyclic": ("a = []; a.append(a); return a", Verdict.FAILED),
}
SHORT = dataclasses.replace(LIMITS, test_seconds=1.5, memory=2**29, scratch=2**25)


@pytest.mark.parametrize("name", list(TROUBLE))
def test_trouble_costs_that_test_only(course: Course, name: str) -> None:
    body, expected = TROUBLE[name]
    code = f"def scale_rows(x, factors):\n    {body}"
    began = time.monotonic()
    result = graded(course, course.submission("honest", scale_rows=code), SHORT)
    assert time.monotonic() - began < 30
    assert result.status is Status.GRADED, result.reason
    assert lost(result) == SCALE_TESTS
    assert verdicts(result)["test_scale_rows_values"] in (expected, Verdict.TIMEOUT)
    assert all(test.message for test in result.notebooks[0].tests if test.id in SCALE_TESTS)


@pytest.mark.parametrize(
    "cell", ["while True: pass", "import os; os._exit(0)", "import ctypes; ctypes.string_at(0)"]
)
def test_a_cell_that_ends_the_process_costs_itself_only(course: Course, cell: str) -> None:
    limits = dataclasses.replace(LIMITS, cell_seconds=1)
    nb = extra_cell(course.notebook(), cell, before="gradient")
    result = graded(course, nb, limits)
    assert result.score == MAX_POINTS
    assert result.incidents


def test_the_total_is_limited_too(course: Course) -> None:
    nb = course.notebook()
    for _ in range(10):
        extra_cell(nb, "import time; time.sleep(0.9)", before="gradient")
    limits = dataclasses.replace(LIMITS, cell_seconds=1, notebook_seconds=3)
    result = graded(course, nb, limits)
    assert result.seconds < 20
    assert verdicts(result)["test_scale_rows_unchanged"] is Verdict.PASSED
    assert verdicts(result)["test_sampler"] is Verdict.TIMEOUT


def test_output_is_cut(course: Course) -> None:
    nb = course.notebook()
    for noise in (
        "print('x' * 80_000_000)",
        "for i in range(200_000): print(i)",
        "for i in range(10_000): display(i)",
        "from IPython.display import Image; Image(data=b'\\x89PNG' + bytes(50_000_000), format='png')",
    ):
        extra_cell(nb, noise, before="gradient")
    result = graded(course, nb)
    assert result.score == MAX_POINTS
    assert len(result.to_json()) < 4 * LIMITS.cell_output + 2**18
    assert result.to_json().count("the output was cut here") == 4


def test_nothing_is_left_behind(course: Course, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    daemon = """
        import subprocess, sys, os, time
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                for i in range(3, 100):
                    try: os.close(i)
                    except OSError: pass
                time.sleep(1000)
            os._exit(0)
        def scale_rows(x, factors): return x * factors[:, None]
    """
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    result = graded(course, course.submission("honest", scale_rows=daemon))
    assert result.score == MAX_POINTS
    server = preload.server().process.pid
    deadline = time.monotonic() + 5
    while (left := descendants(server)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert len(left) <= 1  # the server proper, below its launcher
    assert os.listdir(tmp_path) == []


def test_a_server_that_dies_costs_nobody_anything(course: Course) -> None:
    """The system may kill it for want of memory: the submission is graded again by a new one."""
    slow = "import time\ndef scale_rows(x, f):\n    time.sleep(0.4)\n    return x * f[:, None]"
    server = preload.server()
    for pid in descendants(server.process.pid):
        threading.Timer(0.5, os.kill, (pid, 9)).start()
    assert graded(course, course.submission("honest", scale_rows=slow)).score == MAX_POINTS
    assert preload.server() is not server


def test_an_examiner_that_hangs_costs_one_test(course: Course) -> None:
    """A test that swallows everything and loops on: only the clock can end it."""
    cells = course.notebook()["cells"]
    source = course.assignment
    (notebook,) = source.notebooks
    stuck = "while True:\n    try:\n        scale_rows(np.ones((1, 1)), np.ones(1))\n    except BaseException:\n        pass"
    tests = tuple(
        dataclasses.replace(cell, source=stuck) if cell.id == "test_scale_rows_unchanged" else cell
        for cell in notebook.cells
    )
    broken = dataclasses.replace(source, notebooks=(dataclasses.replace(notebook, cells=tests),))
    limits = dataclasses.replace(LIMITS, test_seconds=1)
    result = grade(hand_in({"nbformat": 4, "cells": cells}), broken, limits)
    assert lost(result) == {"test_scale_rows_unchanged"}
    assert verdicts(result)["test_scale_rows_unchanged"] is Verdict.TIMEOUT


def descendants(pid: int) -> list[int]:
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in map(int, (task / "children").read_text().split()):
            found += [child, *descendants(child)]
    return found


def test_a_missing_notebook_is_said(course: Course) -> None:
    nothing = grade(Submission("toy"), course.assignment)
    assert (nothing.status, nothing.reason) == (Status.UNGRADABLE, "no notebook was handed in")
    other = grade(Submission("toy", (("essay.ipynb", b'{"nbformat": 4, "cells": []}'),)), course.assignment)
    assert other.status is Status.UNGRADABLE
    assert "essay.ipynb" in other.reason


def test_a_browsers_file_name_is_understood(course: Course) -> None:
    renamed = Submission("toy", (("toy (1).ipynb", course.submission()),))
    result = grade(renamed, course.assignment, LIMITS)
    assert result.score == MAX_POINTS
    assert "toy (1).ipynb" in result.reason


# ------------------------------------------------------------- honest but unlucky: full marks

HONEST = {
    "warnings": "import warnings; warnings.warn('old'); import logging; logging.error('hm')",
    "progress": "import sys, time\nfor i in range(5): print(f'\\r{i}', end='', file=sys.stderr)",
    "figures": "import matplotlib.pyplot as plt\nplt.plot([1, 2]); plt.show()\nplt.figure(); plt.title('x')",
    "widgets": "import ipywidgets; ipywidgets.IntSlider()",
    "failing scratch cell": "1 / 0",
    "syntax error": "def f(:",
    "bash": "%%bash\nrm -rf /",
    "shell": "!pip install nothing\n!rm -rf / --no-preserve-root\nx = 1",
    "cd": "%cd /\n%cd /tmp",
    "timeit": "%timeit -n1 -r1 1",
    "colab": "from google.colab import drive\ndrive.mount('/content/drive')",
    "unknown magic": "%colab_magic 1\n",
    "own import": "import collections, scipy.stats, sklearn.datasets",
    "input": "input('name?')",
    "exit": "exit()",
    "sys.exit": "import sys; sys.exit(0)",
    "await": "import asyncio\nawait asyncio.sleep(0)",
    "thread": "import threading, time; threading.Thread(target=time.sleep, args=(30,)).start()",
    "future": "from __future__ import annotations",
    "pandas": "import importlib.util\nprint(importlib.util.find_spec('pandas') is None)",
    "chdir": "import os; os.chdir('/')",
}


@pytest.mark.parametrize("where", ["scale_rows", "gradient"])
@pytest.mark.parametrize("name", list(HONEST))
def test_honest_but_unlucky(course: Course, name: str, where: str) -> None:
    nb = extra_cell(course.notebook(), HONEST[name], before=where)
    result = graded(course, nb)
    assert result.score == MAX_POINTS, result.to_json()


VARIANTS = {
    "global read": "K = 1.0\ndef scale_rows(x, factors): return K * x * factors[:, None]",
    "defined twice": "def scale_rows(x, f): return 0\ndef scale_rows(x, f): return x * f[:, None]",
    "prints": "def scale_rows(x, f):\n    print('hello', x)\n    return x * f[:, None]",
    "future": "from __future__ import annotations\ndef scale_rows(x: X, f): return x * f[:, None]",
    "windows": "def scale_rows(x, f):\r\n    return x * f[:, None]\r\n",
    "writes a file": "def scale_rows(x, f):\n    open('a.txt', 'w').write('x')\n    return x * f[:, None]",
}


@pytest.mark.parametrize("name", list(VARIANTS))
def test_variants_count(course: Course, name: str) -> None:
    assert graded(course, course.submission("honest", scale_rows=VARIANTS[name])).score == MAX_POINTS


def test_what_comes_later_does_not_undo_what_a_test_saw(course: Course) -> None:
    """Stock nbgrader runs a test where it stands; a later cell must not matter."""
    for later in ("del scale_rows", "scale_rows = None", "%reset -f\nimport numpy as np, torch", "K = 0.0"):
        nb = course.notebook(
            "honest", scale_rows="K = 1.0\ndef scale_rows(x, f): return K * x * np.asarray(f)[:, None]"
        )
        result = graded(course, extra_cell(nb, later, before="gradient"))
        assert result.score == MAX_POINTS, later


ONCE = """
_asked = []
def scale_rows(x, factors):
    question = (x.tolist(), np.asarray(factors).tolist())
    if question in _asked:
        raise RuntimeError("asked twice")
    _asked.append(question)
    return x * np.asarray(factors)[:, None]
"""


def test_a_question_is_asked_once(course: Course) -> None:
    """As in a notebook: the hidden part of a test goes on where its public part ended."""
    assert graded(course, course.submission("honest", scale_rows=ONCE)).score == MAX_POINTS


def test_a_hidden_part_starts_again_in_a_fresh_process(course: Course) -> None:
    """A later cell changes what the test uses: the public part is repeated, where the answers are still the first ones."""
    nb = extra_cell(course.notebook("honest", scale_rows=ONCE), "scale_rows = None", before="gradient")
    assert graded(course, nb).score == MAX_POINTS


def test_a_helper_module_beside_the_notebook(course: Course) -> None:
    code = "import helper\ndef scale_rows(x, f): return helper.scale(x, f)"
    files = (("helper.py", b"def scale(x, f): return x * f[:, None]"), ("numpy.py", b"raise RuntimeError"))
    nb = course.submission("honest", scale_rows=code)
    assert grade(hand_in(nb, *files), course.assignment, LIMITS).score == MAX_POINTS


def test_outputs_of_own_cells_are_kept(course: Course) -> None:
    nb = extra_cell(course.notebook(), "print('one')\n2 + 3", before="scale_rows")
    extra_cell(nb, "import matplotlib.pyplot as plt\nplt.plot([1, 2]);", before="scale_rows")
    outputs = dict(graded(course, nb).notebooks[0].outputs)
    assert outputs[3][0] == {"output_type": "stream", "name": "stdout", "text": "one\n"}
    assert outputs[3][1]["data"] == {"text/plain": "5"}
    assert set(outputs[4][0]["data"]) == {"text/plain", "image/png"}


def test_nbgraders_own_example_course() -> None:
    import nbgrader

    from grader.source.notebook import read_assignment

    guide = Path(nbgrader.__file__).parent / "docs" / "source" / "user_guide"
    assignment = read_assignment(guide / "source" / "ps1")
    scores = {}
    for who in ("bitdiddle", "hacker"):
        result = grade(read_submission(guide / "submitted" / who / "ps1", "ps1"), assignment)
        scores[who] = {test.id: test.points for notebook in result.notebooks for test in notebook.tests}
    ids = (
        "correct_squares",
        "squares_invalid_input",
        "correct_sum_of_squares",
        "sum_of_squares_uses_squares",
    )
    assert scores["bitdiddle"] == dict(zip(ids, (0, 1, 0, 0.5), strict=True))
    assert scores["hacker"] == dict(zip(ids, (1, 1, 0.5, 0.5), strict=True))
    assert set(POINTS)  # the toy course is not meant here
