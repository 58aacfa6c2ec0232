"""Submissions that take more than their share: that test fails with a reason, the others count, nothing is left behind.

Bombs are bounded by themselves as well (children that sleep, loops that end after seconds), so that a broken sandbox
costs a red test and not the machine; `kill` looks at its process table first.
"""

from __future__ import annotations

from grader.engine.result import Verdict
from tests.hostile.case import FULL, ISOLATED, TIGHT, Case, Expect, Json, World, answering, edited, with_cells

HEADING = "resources"
ITEMS = (
    "endless loop",
    "endless loop in C that ignores SIGINT",
    "ignored signals",
    "fork bomb",
    "thread bomb",
    "10 GB list",
    "`torch.zeros(10**11)`",
    "mmap",
    "a daemon that outlives the cell",
    "80 MB on one line",
    "200,000 lines",
    "100,000 displays",
    "a 50 MB picture",
    "terminal escapes",
    "HTML or script in output",
    "deep recursion",
    "segmentation fault",
    "`os.abort`",
    "`os._exit(0)`",
    "`kill` of the parent",
    "of -1",
    "many cells each just under its limit",
    "100,000 open files",
    "`input()`",
    "locks never released",
)

SAYS = r"time|limit|within \d"
"""A sentence about time in a message, a reason or an incident."""
DEAD = (Verdict.TIMEOUT, Verdict.CRASHED)
OTHERS = Expect(passes=(1, 2))
"""The first exercise attacks when it is called; the other two are honest and keep their points."""

# name: (item, body of a function that never answers well, expectation)
CALLS: dict[str, tuple[str, str, Expect]] = {
    "endless_loop": (
        "endless loop",
        "while True: pass",
        Expect((1, 2), verdicts=DEAD, message=SAYS),
    ),
    "endless_sleep": (
        "endless loop",
        "import time; time.sleep(10**6)",
        Expect((1, 2), verdicts=DEAD, message=SAYS),
    ),
    "endless_loop_in_c": (
        "endless loop in C that ignores SIGINT",
        "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN); sum(iter(int, 1))",
        Expect((1, 2), verdicts=DEAD, message=SAYS),
    ),
    "endless_regular_expression": (
        "endless loop in C that ignores SIGINT",
        "import re; re.match(r'(a+)+$', 'a' * 60 + 'b')",
        Expect((1, 2), verdicts=DEAD),
    ),
    "endless_integer": (
        "endless loop in C that ignores SIGINT",
        "return len(str(7 ** (7 ** 10)))",
        Expect((1, 2), verdicts=DEAD),
    ),
    "ignored_signals": (
        "ignored signals",
        "import signal, time\n"
        "for n in set(range(1, 65)) - {9, 19, 32, 33}:\n"
        "    try:\n        signal.signal(n, signal.SIG_IGN)\n    except (OSError, ValueError):\n        pass\n"
        "while True: time.sleep(1)",
        Expect((1, 2), verdicts=DEAD),
    ),
    "fork_bomb": (
        "fork bomb",
        "import os, time\n"
        "end = time.monotonic() + 5\n"
        "while time.monotonic() < end:\n"
        "    try:\n        os.fork()\n    except OSError:\n        time.sleep(0.1)\n"
        "time.sleep(60)",
        OTHERS,
    ),
    "fork_bomb_of_sleepers": (
        "fork bomb",
        "import os, time\n"
        "for _ in range(3000):\n    if os.fork() == 0:\n        os.setsid(); time.sleep(600); os._exit(0)",
        OTHERS,
    ),
    "thread_bomb": (
        "thread bomb",
        "import threading, time\n"
        "for _ in range(20_000):\n    threading.Thread(target=time.sleep, args=(600,), daemon=True).start()",
        OTHERS,
    ),
    "list_of_10_gb": (
        "10 GB list",
        "kept = []\nfor _ in range(1000): kept.append([0] * 1_250_000)\nreturn len(kept)",
        Expect((1, 2), absent="UNBOUNDED"),
    ),
    "bytes_of_10_gb": ("10 GB list", "return len(bytearray(10**10))", OTHERS),
    "tensor_of_400_gb": ("`torch.zeros(10**11)`", "import torch; return torch.zeros(10**11)", OTHERS),
    "array_of_100_gb": (
        "`torch.zeros(10**11)`",
        "import numpy as np; return np.ones(10**11, np.int8)",
        OTHERS,
    ),
    "mmap": (
        "mmap",
        "import mmap\nm = mmap.mmap(-1, 10 * 2**30)\nfor i in range(0, len(m), 4096): m[i] = 1",
        OTHERS,
    ),
    "memfd": (
        "mmap",
        "import os\nfd = os.memfd_create('x')\nfor _ in range(10_000): os.write(fd, bytes(10**6))\nreturn 'UNBOUNDED'",
        OTHERS,
    ),
    "deep_recursion": ("deep recursion", "return scale_rows(*a, **k)", OTHERS),
    "deep_recursion_without_a_limit": (
        "deep recursion",
        "import sys; sys.setrecursionlimit(10**9); f = lambda f: f(f); return f(f)",
        OTHERS,
    ),
    "deep_recursion_in_c": (
        "deep recursion",
        "x = []\nfor _ in range(10**6): x = [x]\nreturn x",
        OTHERS,
    ),
    "recursive_list": ("deep recursion", "x = []; x.append(x); return x", OTHERS),
    "segmentation_fault": (
        "segmentation fault",
        "import ctypes; ctypes.string_at(0)",
        Expect((1, 2), verdicts=(Verdict.CRASHED,), message="died|crash|signal|ended|exit"),
    ),
    "abort": ("`os.abort`", "import os; os.abort()", Expect((1, 2), verdicts=(Verdict.CRASHED,))),
    "exit_0": ("`os._exit(0)`", "import os; os._exit(0)", Expect((1, 2), verdicts=(Verdict.CRASHED,))),
    "kill_of_the_parent": (
        "`kill` of the parent",
        "import os, signal\nassert isolated(), 'ESCAPED'\n"
        "for pid in (os.getppid(), 1, <<pid>>):\n"
        "    try:\n        pid and os.kill(pid, signal.SIGKILL)\n    except OSError:\n        pass\n"
        "os.kill(os.getpid(), signal.SIGKILL)",
        Expect((1, 2), absent="ESCAPED"),
    ),
    "kill_of_everything": (
        "of -1",
        "import os, signal\nassert isolated(), 'ESCAPED'\n"
        "for group in (-1, 0):\n"
        "    try:\n        os.kill(group, signal.SIGKILL)\n    except OSError:\n        pass\n"
        "os.kill(os.getpid(), signal.SIGKILL)",
        Expect((1, 2), absent="ESCAPED"),
    ),
    "kill_of_the_process_group": (
        "`kill` of the parent",
        "import os, signal\nassert isolated(), 'ESCAPED'\nos.killpg(os.getpgid(0), signal.SIGKILL)",
        Expect((1, 2), absent="ESCAPED"),
    ),
    "open_files": (
        "100,000 open files",
        "import os\nkept = [os.open('/dev/null', os.O_RDONLY) for _ in range(100_000)]\nreturn 'UNBOUNDED'",
        OTHERS,
    ),
    "input": ("`input()`", "return input('score? ')", OTHERS),
    "stdin": ("`input()`", "import sys, os; return sys.stdin.readline() or os.read(0, 100)", OTHERS),
    "breakpoint": ("`input()`", "breakpoint()", OTHERS),
    "lock_never_released": (
        "locks never released",
        "import threading; lock = threading.Lock(); lock.acquire(); lock.acquire()",
        Expect((1, 2), verdicts=DEAD),
    ),
    "gil_never_released": (
        "locks never released",
        "import ctypes; ctypes.PyDLL(None).pause()",
        Expect((1, 2), verdicts=DEAD),
    ),
    "prints_for_ever": (
        "200,000 lines",
        "while True: print('x' * 1000)",
        Expect((1, 2), verdicts=DEAD),
    ),
    "writes_for_ever": (
        "200,000 lines",
        "import os\nwhile True: os.write(1, b'x' * 65536)",
        Expect((1, 2), verdicts=DEAD),
    ),
    "huge_answer": ("own", "import numpy as np; return np.zeros(300_000_000, np.int8)", OTHERS),
    "huge_text": ("own", "return 'x' * 500_000_000", OTHERS),
    "huge_integer": ("own", "return 1 << 800_000_000", OTHERS),
    "very_many_parts": ("own", "return [[i] for i in range(20_000_000)]", OTHERS),
    "wide_and_deep_answer": ("own", "x = [1.0]\nfor _ in range(40): x = [x, x]\nreturn x", OTHERS),
    "strided_array": (
        "own",
        "import numpy as np; return np.lib.stride_tricks.as_strided(np.zeros(1), (2**20, 2**20, 2**15), (0, 0, 0))",
        OTHERS,
    ),
    "huge_error": ("own", "raise ValueError('x' * 300_000_000)", OTHERS),
    "len_that_lies": (
        "own",
        "class L:\n    def __len__(self): return 2**62\n    def __getitem__(self, i): return i\n    shape = (2**62,)\nreturn L()",
        OTHERS,
    ),
    "endless_iteration": ("own", "import itertools; return itertools.count()", OTHERS),
    "endless_iteration_of_handles": (
        "own",
        "class I:\n    def __iter__(self): return self\n    def __next__(self): return I()\n    __getitem__ = lambda s, i: I()\nreturn I()",
        OTHERS,
    ),
    "very_many_handles": ("own", "return [object() for _ in range(2_000_000)]", OTHERS),
    "index_tricks": (
        "own",
        "class N:\n    def __index__(self): return 2**63\n    def __len__(self): return N()\n    __hash__ = lambda s: 2**61\nreturn {N(): N(), 'shape': N()}",
        OTHERS,
    ),
    "slow_attributes": (
        "own",
        "import time\nclass Slow:\n    def __getattribute__(self, name):\n        time.sleep(10**6)\nreturn Slow()",
        OTHERS,
    ),
    "set_timer_for_later": (
        "own",
        "import threading, os; threading.Timer(0.3, os._exit, (0,)).start(); return 7.5",
        OTHERS,
    ),
}

# name: (item, a cell of its own, expectation)
CELLS: dict[str, tuple[str, str, Expect]] = {
    "endless_loop_in_a_cell": ("endless loop", "while True: pass", Expect(incident=SAYS)),
    "exit_in_a_cell": ("`os._exit(0)`", "import os; os._exit(0)", Expect(passes="any")),
    "crash_in_a_cell": ("segmentation fault", "import ctypes; ctypes.string_at(0)", Expect(passes="any")),
    "stop_in_a_cell": (
        "own",
        "import os, signal; os.kill(os.getpid(), signal.SIGSTOP)",
        Expect(passes="any"),
    ),
    "daemon": (
        "a daemon that outlives the cell",
        """
import os, sys, time
for _ in range(3):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            for fd in range(0, 256):
                try:
                    os.close(fd)
                except OSError:
                    pass
            for n in range(1, 600):
                time.sleep(1)
        os._exit(0)
print("started")
""",
        Expect(output="started"),
    ),
    "daemon_by_subprocess": (
        "a daemon that outlives the cell",
        """
import subprocess, sys
for command in ([sys.executable, "-c", "import time; time.sleep(600)"], ["/bin/sleep", "600"], ["sh", "-c", "nohup sleep 600 & disown"]):
    try:
        subprocess.Popen(command, start_new_session=True, close_fds=True)
    except OSError as error:
        print(type(error).__name__)
""",
        FULL,
    ),
    "daemon_that_ignores_its_death": (
        "a daemon that outlives the cell",
        """
import os, time, signal, ctypes
libc = ctypes.CDLL(None)
if os.fork() == 0:
    os.setsid()
    libc.prctl(1, 0, 0, 0, 0)
    libc.prctl(36, 1, 0, 0, 0)
    for n in range(1, 32):
        try:
            signal.signal(n, signal.SIG_IGN)
        except (OSError, ValueError):
            pass
    for _ in range(600):
        if os.fork() == 0:
            time.sleep(1)
            continue
        os._exit(0)
""",
        FULL,
    ),
    "daemon_by_clone_parent": (
        "a daemon that outlives the cell",
        """
import ctypes, time, os
libc = ctypes.CDLL(None)
for flags in (0x00008000 | 17, 0x20000000 | 17, 0x00800000 | 17):
    pid = libc.syscall(56, flags, 0, 0, 0, 0)
    if pid == 0:
        time.sleep(600); os._exit(0)
""",
        Expect(passes="any"),
    ),
    "line_of_80_mb": ("80 MB on one line", "print('x' * 80_000_000)", FULL),
    "line_of_80_mb_on_stderr": ("80 MB on one line", "import sys; sys.stderr.write('x' * 80_000_000)", FULL),
    "value_of_80_mb": ("80 MB on one line", "'x' * 80_000_000", FULL),
    "lines": ("200,000 lines", "for i in range(200_000): print(i)", FULL),
    "lines_from_a_child": (
        "200,000 lines",
        "import os; os.system('for i in 1 2 3 4 5 6; do head -c 9000000 /dev/zero; done')",
        FULL,
    ),
    "displays": (
        "100,000 displays",
        "from IPython.display import display\nfor i in range(100_000): display(i)",
        FULL,
    ),
    "updated_displays": (
        "100,000 displays",
        "from IPython.display import display, clear_output\nh = display(0, display_id=True)\n"
        "for i in range(20_000):\n    h.update(i); clear_output(wait=i % 2)",
        FULL,
    ),
    "picture": (
        "a 50 MB picture",
        "from IPython.display import publish_display_data\npublish_display_data({'image/png': 'iVBORw0KGgo' + 'A' * 50_000_000})",
        FULL,
    ),
    "picture_that_breaks_out": (
        "HTML or script in output",
        "from IPython.display import publish_display_data\n"
        "for kind in ('image/png', 'image/jpeg', 'image/gif', 'application/pdf'):\n"
        "    publish_display_data({kind: '\"><script>alert(1)</script>', 'text/plain': '<script>alert(1)</script>'})",
        FULL,
    ),
    "picture_as_bytes": (
        "a 50 MB picture",
        "from IPython.display import Image, display\ndisplay(Image(b'\\x89PNG\\r\\n\\x1a\\n' + bytes(50_000_000), format='png'))",
        FULL,
    ),
    "odd_mime_bundles": (
        "a 50 MB picture",
        """
from IPython.display import publish_display_data
for bundle in ({"text/html": 3}, {"image/png": None}, {"../../x": "y"}, {"application/javascript": ["a", {"b": float("nan")}]},
               {"x" * 10**6: "y"}, {"application/vnd.jupyter.widget-view+json": {"model_id": "../.."}}, {3: 4}, {}):
    try:
        publish_display_data(bundle, metadata={"a": object()} if "image/png" in bundle else {"b": float("inf")})
    except Exception as error:
        print(type(error).__name__)
class Bad:
    def _repr_mimebundle_(self, *a, **k): return {"text/html": b"\\xff" * 100}, 7
    def _repr_html_(self): raise SystemExit
Bad()
""",
        FULL,
    ),
    "metadata_of_50_mb": (
        "a 50 MB picture",
        "from IPython.display import publish_display_data\npublish_display_data({'text/plain': 'x'}, metadata={'x': 'y' * 50_000_000})",
        FULL,
    ),
    "nested_display": (
        "own",
        "from IPython.display import publish_display_data\nx = {}\nfor _ in range(900): x = {'x': x}\npublish_display_data({'application/json': x})",
        FULL,
    ),
    "terminal_escapes": (
        "terminal escapes",
        "print('\\x1b]0;owned\\x07\\x1b[2J\\x1b[31mred\\x1b[0m\\x1b]8;;file:///etc/passwd\\x1b\\\\link\\x1b]8;;\\x1b\\\\ \\x9b31m \\x08\\x08 \\x00')",
        FULL,
    ),
    "html_and_script": (
        "HTML or script in output",
        """
from IPython.display import HTML, Javascript, SVG, Markdown, display
script = "<script>document.title='owned'</script><img src=x onerror=alert(1)><iframe src='javascript:alert(1)'></iframe>"
display(HTML(script), Markdown(script + "[x](javascript:alert(1))"), Javascript("alert(1)"))
display({"image/svg+xml": "<svg onload='alert(1)'><script>alert(1)</script></svg>"}, raw=True)
display({"text/latex": "$</span>" + script}, raw=True)
display({"application/vnd.jupyter.widget-view+json": {"model_id": script}}, raw=True)
print(script); print("</pre></div>" + script)
raise ValueError(script)
""",
        FULL,
    ),
    "deep_recursion_in_a_cell": (
        "deep recursion",
        "import sys\nsys.setrecursionlimit(10**9)\ndef f(): f()\nf()",
        Expect(passes="any"),
    ),
    "error_with_a_huge_traceback": (
        "own",
        "x = 'a' * 10_000_000\ndef f(n, x):\n    if n: f(n - 1, x)\n    raise ValueError(x)\nf(200, x)",
        FULL,
    ),
    "warnings_for_ever": (
        "200,000 lines",
        "import warnings\nwarnings.simplefilter('always')\nfor i in range(50_000): warnings.warn(str(i))",
        FULL,
    ),
    "input_in_a_cell": ("`input()`", "name = input('your name? ')", FULL),
    "getpass": ("`input()`", "import getpass; getpass.getpass()", FULL),
    "lock_in_a_cell": (
        "locks never released",
        "import threading\nlock = threading.Lock()\nlock.acquire()\nlock.acquire()",
        Expect(incident=SAYS),
    ),
    "import_lock": (
        "locks never released",
        """
import threading, time, importlib, logging, sys, gc
gc.disable()
def hold():
    logging._acquireLock(); time.sleep(10**6)
threading.Thread(target=hold, daemon=True).start()
""",
        Expect(passes="any"),
    ),
    "open_files_in_a_cell": (
        "100,000 open files",
        "import os\nkept = []\ntry:\n    for _ in range(100_000): kept.append(os.dup(1))\nexcept OSError as e:\n    print(e)\n",
        Expect(passes="any"),
    ),
    "memory_in_a_cell": (
        "10 GB list",
        "kept = []\nfor _ in range(1000): kept.append(bytearray(10**7 + 1))",
        Expect(passes="any"),
    ),
    "busy_children": (
        "fork bomb",
        "import os\nfor _ in range(20):\n    if os.fork() == 0:\n        while True: pass",
        FULL,
    ),
    "child_that_keeps_the_outputs_open": (
        "a daemon that outlives the cell",
        "import os, time\nif os.fork() == 0:\n    time.sleep(600)\n",
        FULL,
    ),
    "child_that_answers_too": (
        "a daemon that outlives the cell",
        "import os\nos.fork()\n",
        Expect(passes="any"),
    ),
    "child_that_dumps_core": (
        "own",
        "import os, resource\ntry:\n    resource.setrlimit(resource.RLIMIT_CORE, (-1, -1))\nexcept (ValueError, OSError):\n    pass\n"
        "if os.fork() == 0:\n    os.abort()\n",
        FULL,
    ),
    "vfork_and_exec_storm": (
        "fork bomb",
        "import subprocess, time\nend = time.monotonic() + 1\n"
        "while time.monotonic() < end:\n    try:\n        subprocess.Popen(['true'])\n    except OSError:\n        break",
        FULL,
    ),
}


def _script_in_text(nb: Json, world: World) -> None:
    """Markdown that acts: a cell of the student's own, the written answer, a title and attachments."""
    script = (
        "<script>alert(1)</script><img src=x onerror=alert(1)>[link](javascript:alert(1)) <a href='java&#115;cript:alert(1)'>x</a>"
        "<svg onload=alert(1)></svg><iframe srcdoc='<script>alert(1)</script>'></iframe><form action='javascript:alert(1)'>"
        "<style>*{display:none}</style> $\\href{javascript:alert(1)}{x}$ ![x](data:text/html;base64,PHNjcmlwdD4=) {{7*7}} </script>"
    )
    written = next(
        one
        for one in nb["cells"]
        if one["metadata"].get("nbgrader", {}).get("grade_id", "").startswith("written")
    )
    written["source"] = script
    text = {
        "cell_type": "markdown",
        "id": "m",
        "metadata": {"x": script},
        "source": script,
        "attachments": {script: {"text/html": script}},
    }
    nb["cells"] += [
        text,
        {"cell_type": "raw", "id": "r", "metadata": {"raw_mimetype": "text/html"}, "source": script},
    ]
    nb["metadata"]["title"] = script
    nb["metadata"]["language_info"] = {"name": script, "pygments_lexer": script}


CALLBACKS = {
    "callback_storm": "while True:\n    f(w)",
    "callback_with_everything": "import numpy as np\nfor x in (None, 'x', object(), [[]] * 100_000, np.zeros(10**7), f, evil, {}):\n"
    "    try:\n        f(x)\n    except Exception:\n        pass\nreturn 7.5",
    "callback_within_a_callback": "class T:\n    def __torch_function__(*a, **k): return f(w)\nreturn f(f)",
    "callback_from_threads": "import threading\nfor _ in range(20):\n    threading.Thread(target=lambda: [f(w) for _ in range(1000)], daemon=True).start()\nreturn 7.5",
    "callback_after_the_answer": "import threading, time\nthreading.Thread(target=lambda: [(time.sleep(0.001), f(w)) for _ in range(10**6)], daemon=True).start()\nreturn 7.5",
    "callback_with_an_endless_iterator": "import itertools\nf(*range(100_000)); f(itertools.count()); f(**{str(i): i for i in range(10**5)})\nreturn 7.5",
    "callback_count_tampering": "f.calls = 0\ntype(f).calls = property(lambda s: 1)\nf.__dict__.clear()\nf.__class__ = object\nreturn w",
}

CASES = (
    *(
        Case(
            name,
            item,
            answering(
                f"{ISOLATED}\ndef evil(*a, **k):\n" + "\n".join(f"    {line}" for line in body.split("\n")),
                (0,),
                "honest",
            ),
            expect,
            limits=TIGHT,
        )
        for name, (item, body, expect) in CALLS.items()
    ),
    *(
        Case(name, item, with_cells(source), expect, limits=TIGHT if expect is not FULL else {})
        for name, (item, source, expect) in CELLS.items()
    ),
    *(
        Case(
            name,
            "own",
            answering(
                "def evil(f, w):\n" + "\n".join(f"    {line}" for line in body.split("\n")), (1,), "honest"
            ),
            Expect(passes=(0,), may=(2,)) if "threads" in name or "after" in name else Expect(passes=(0, 2)),
            limits=TIGHT,
        )
        for name, body in CALLBACKS.items()
    ),
    Case("script_in_text", "HTML or script in output", edited(_script_in_text), FULL),
    Case(
        "many_cells_just_under_the_limit",
        "many cells each just under its limit",
        with_cells(*["import time\ntime.sleep(<<nearly_a_cell>>)"] * 60),
        Expect(passes="any", incident=SAYS),
        limits=TIGHT,
    ),
    Case(
        "every_call_just_under_the_limit",
        "many cells each just under its limit",
        answering(
            "import time\ndef evil(*a, **k):\n    time.sleep(<<nearly_a_test>>)\n    return 7.5", base="wrong"
        ),
        Expect(passes="none"),
        limits=TIGHT,
    ),
    Case(
        "every_test_kills_its_process",
        "own",
        answering("import os\ndef evil(*a, **k): os._exit(9)", base="wrong"),
        Expect(passes="none", verdicts=(Verdict.CRASHED, Verdict.FAILED)),
    ),
)
