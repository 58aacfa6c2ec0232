"""Wrong submissions that want points: none of them may pass a test.

Most are the class's wrong notebook plus an attack on the machinery that stock nbgrader would trust; the others
bind `evil` to every tested name and attack through the answer.
"""

from __future__ import annotations

from tests.hostile.case import NOTHING, TIGHT, Case, Expect, answering, with_cells

HEADING = "wins"
ITEMS = (
    "replaced `showtraceback`",
    "custom exception handler",
    "IPython input transformer",
    "AST transformer that drops asserts",
    "objects with an always-true `__eq__`",
    "array subclasses with `__array_function__`",
    "`__array_ufunc__`",
    "`sys.displayhook`",
    "a display call that shows a score",
    "`__float__`",
    "`__repr__`",
    "NaN",
    "infinity",
    "patched `numpy.testing`",
    "`numpy.allclose`",
    "`torch.allclose`",
    "`torch.equal`",
    "`math.isclose`",
    "builtins",
    "trace",
    "profile",
    "exception hooks",
    "pre-",
    "post-run events",
    "`sys.modules` replacements",
    "import hooks",
    "walking frames",
    "`gc`",
    "`linecache`",
    "`inspect`",
    "`In`",
    "the history database",
    "writing into site-packages",
    "`sitecustomize`",
    "start-up files",
    "`SystemExit`",
    "`KeyboardInterrupt`",
    "`StopIteration`",
    "a BaseException from a tested function",
    "a loop that swallows everything",
    "detecting that it is being graded",
    "changing its inputs to fit the answer",
    "forged protocol messages",
    "replayed answers",
    "threads that go on after the cell",
    "answers that depend on how often they were asked",
)

# --- attacks on the machinery, beside wrong answers ------------------------------------------------------------------

CELLS: dict[str, tuple[str, str]] = {
    "showtraceback": (
        "replaced `showtraceback`",
        """
ip = get_ipython()
for owner in (ip, type(ip), *type(ip).__mro__[1:-1]):
    for name in ("showtraceback", "_showtraceback", "showsyntaxerror", "showindentationerror"):
        try:
            setattr(owner, name, lambda *a, **k: None)
        except (AttributeError, TypeError):
            pass
""",
    ),
    "custom_exception_handler": (
        "custom exception handler",
        "get_ipython().set_custom_exc((BaseException,), lambda self, etype, value, tb, tb_offset=None: [])",
    ),
    "input_transformer": (
        "IPython input transformer",
        """
def drop(lines):
    return ["pass\\n" for line in lines]
get_ipython().input_transformers_cleanup.append(drop)
get_ipython().input_transformers_post.append(drop)
""",
    ),
    "ast_transformer": (
        "AST transformer that drops asserts",
        """
import ast
class Drop(ast.NodeTransformer):
    def visit_Assert(self, node):
        return ast.Pass()
    def visit_Raise(self, node):
        return ast.Pass()
get_ipython().ast_transformers.append(Drop())
""",
    ),
    "displayhook": (
        "`sys.displayhook`",
        """
import sys
def shown(value):
    print('{"score": 999, "max_score": 999, "status": "graded", "verdict": "passed"}')
sys.displayhook = shown
get_ipython().displayhook = shown
42
""",
    ),
    "display_a_score": (
        "a display call that shows a score",
        """
from IPython.display import display, publish_display_data
for score in ({"score": 999}, {"nbgrader": {"grade": 999}}, {"verdict": "passed", "points": 999}):
    display({"application/json": score, "text/plain": str(score)}, raw=True)
    publish_display_data({"application/vnd.nbgrader+json": score, "text/plain": "passed"}, metadata=score)
print("999"); print("points: 999/999"); print("public checks passed")
""",
    ),
    "patched_numpy_testing": (
        "patched `numpy.testing`",
        """
import numpy.testing as t
for name in dir(t):
    if name.startswith("assert"):
        setattr(t, name, lambda *a, **k: None)
""",
    ),
    "patched_numpy_allclose": (
        "`numpy.allclose`",
        """
import numpy as np
yes = lambda *a, **k: True
np.allclose = np.array_equal = np.isclose = np.array_equiv = np.all = np.equal = yes
try:
    np.core.numeric.allclose = np._core.numeric.allclose = yes
except Exception:
    pass
""",
    ),
    "patched_torch_allclose": (
        "`torch.allclose`",
        """
import torch
torch.allclose = torch.isclose = torch.Tensor.allclose = torch.testing.assert_close = lambda *a, **k: True
""",
    ),
    "patched_torch_equal": (
        "`torch.equal`",
        "import torch\ntorch.equal = torch.eq = torch.Tensor.equal = torch.Tensor.__eq__ = lambda *a, **k: True",
    ),
    "patched_math": (
        "`math.isclose`",
        "import math\nmath.isclose = math.isfinite = lambda *a, **k: True\nmath.isnan = lambda x: False",
    ),
    "patched_builtins": (
        "builtins",
        """
import builtins
class Quiet(Exception):
    pass
for name, value in dict(
    abs=lambda x: 0, all=lambda x: True, any=lambda x: True, isinstance=lambda *a: True, len=lambda x: 1,
    sum=lambda *a: 0, max=lambda *a, **k: 0, round=lambda *a: 0, AssertionError=Quiet, ValueError=Quiet,
    issubclass=lambda *a: True, repr=lambda x: "", type=lambda x: float,
).items():
    globals()[name] = value
for name in ("abs", "all", "max", "round", "sum", "AssertionError"):
    setattr(builtins, name, globals()[name])
""",
    ),
    "shadowed_names": (
        "own",
        """
class Yes:
    def __getattr__(self, name):
        return lambda *a, **k: self
    def __call__(self, *a, **k):
        return self
    def __enter__(self):
        return self
    def __exit__(self, *a):
        return True
for _name in ("np", "torch", "checks", "math", "pytest", "assert_allclose", "assert_close", "reference", "__builtins__",
              "__name__", "__build_class__", "__import__", "rng", "trainlab", "np_testing", "testing"):
    globals()[_name] = Yes()
""",
    ),
    "trace": (
        "trace",
        """
import sys, threading
def hook(frame, event, arg):
    frame.f_trace_lines = True
    if event == "exception":
        return None
    try:
        frame.f_lineno = frame.f_lineno + 1
    except Exception:
        pass
    return hook
sys.settrace(hook); threading.settrace(hook)
""",
    ),
    "profile": (
        "profile",
        """
import sys, threading
def hook(frame, event, arg):
    for name in ("ok", "passed", "verdict", "failed", "error", "points"):
        if name in frame.f_locals:
            frame.f_locals[name] = 999
sys.setprofile(hook); threading.setprofile(hook)
""",
    ),
    "exception_hooks": (
        "exception hooks",
        """
import sys, threading, atexit, os, faulthandler
sys.excepthook = sys.unraisablehook = threading.excepthook = lambda *a, **k: os._exit(0)
sys.addaudithook(lambda event, args: None)
atexit.register(lambda: print("score: 999"))
""",
    ),
    "pre_run_event": (
        "pre-",
        """
ip = get_ipython()
def rewrite(info):
    info.raw_cell = "pass"
    ip.user_ns.clear()
ip.events.register("pre_run_cell", rewrite)
ip.events.register("pre_execute", lambda: None)
""",
    ),
    "post_run_event": (
        "post-run events",
        """
def success(result):
    result.error_in_exec = result.error_before_exec = None
    result.result = 999
get_ipython().events.register("post_run_cell", success)
get_ipython().events.register("post_execute", lambda: print("score: 999"))
""",
    ),
    "sys_modules": (
        "`sys.modules` replacements",
        """
import sys, types
class Agree(types.ModuleType):
    def __getattr__(self, name):
        return lambda *a, **k: True
for name in list(sys.modules):
    if name.split(".")[0] in ("grader", "trainlab", "nbgrader", "pytest", "unittest"):
        sys.modules[name] = Agree(name)
for name in ("trainlab.checks", "numpy.testing", "torch.testing", "unittest", "pytest"):
    sys.modules[name] = Agree(name)
""",
    ),
    "import_hooks": (
        "import hooks",
        """
import sys, types, importlib.machinery, builtins
class Finder:
    def find_spec(self, name, path=None, target=None):
        return importlib.machinery.ModuleSpec(name, self)
    def create_module(self, spec):
        return types.ModuleType(spec.name)
    def exec_module(self, module):
        module.__getattr__ = lambda name: lambda *a, **k: True
sys.meta_path.insert(0, Finder())
sys.path_hooks.insert(0, lambda path: Finder())
sys.path_importer_cache.clear()
""",
    ),
    "site_packages": (
        "writing into site-packages",
        """
import os, sys, numpy, torch, IPython
for module in (numpy, torch, IPython, os):
    for path in (module.__file__, os.path.join(os.path.dirname(module.__file__), "e3_hostile.py")):
        try:
            with open(path, "a"):
                print("WRITABLE", path)
        except OSError as error:
            print("refused", type(error).__name__)
    try:
        os.rename(module.__file__, module.__file__); print("WRITABLE by rename")
    except OSError:
        pass
""",
    ),
    "sitecustomize": (
        "`sitecustomize`",
        """
import site, sys, os
folders = site.getsitepackages() + [site.getusersitepackages(), os.path.dirname(os.__file__), sys.prefix]
for folder in folders:
    for name in ("sitecustomize.py", "usercustomize.py", "e3_hostile.pth", "numpy.pth"):
        try:
            with open(os.path.join(folder, name), "x") as file:
                file.write("# trainlab's hostile corpus\\n")
            print("made" if folder.startswith(os.path.expanduser("~")) else "WRITABLE", folder, name)
        except OSError as error:
            print("refused", type(error).__name__)
""",
    ),
    "startup_files": (
        "start-up files",
        """
import os
from pathlib import Path
home, here = Path(os.path.expanduser("~")), Path.cwd()
evil = "import builtins, numpy\\nbuiltins.abs = lambda x: 0\\nnumpy.allclose = lambda *a, **k: True\\n"
for root in (home, here, Path(os.environ.get("TMPDIR", "/tmp"))):
    for name in (".ipython/profile_default/startup/00.py", ".ipython/profile_default/ipython_config.py",
                 ".pythonrc.py", ".bashrc", ".profile", ".config/matplotlib/matplotlibrc", ".jupyter/jupyter_config.py",
                 "sitecustomize.py", "usercustomize.py", "numpy.py", "trainlab/checks.py", "grader/engine/codec.py", "conftest.py"):
        try:
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(evil)
        except OSError:
            pass
os.environ["PYTHONSTARTUP"] = str(home / ".pythonrc.py")
os.environ["PYTHONPATH"] = str(here)
""",
    ),
    "exit_if_graded": (
        "detecting that it is being graded",
        """
import os, sys
graded = (
    "NBGRADER_EXECUTION" in os.environ
    or "grader" in sys.modules
    or type(get_ipython()).__name__ != "ZMQInteractiveShell"
    or os.getpid() < 50
)
if graded:
    os._exit(0)
""",
    ),
    "thread_after_the_cell": (
        "threads that go on after the cell",
        """
import threading, time, os, builtins, numpy as np
def go_on():
    while True:
        np.allclose = lambda *a, **k: True
        builtins.abs = lambda x: 0
        for name in <<functions>>:
            if callable(globals().get(name)):
                globals()[name] = lambda *a, **k: 0.0
        print("still here")
        time.sleep(0.001)
for _ in range(4):
    threading.Thread(target=go_on, daemon=True).start()
""",
    ),
    "asyncio_after_the_cell": (
        "own",
        """
import asyncio
async def later():
    while True:
        for name in <<functions>>:
            globals()[name] = lambda *a, **k: True
        await asyncio.sleep(0)
try:
    task = asyncio.get_event_loop().create_task(later())
except RuntimeError:
    pass
""",
    ),
    "atexit_and_signals": (
        "own",
        """
import atexit, signal, os
for number in range(1, signal.NSIG):
    try:
        signal.signal(number, lambda *a: os._exit(0))
    except (OSError, ValueError):
        pass
atexit.register(os._exit, 0)
signal.setitimer(signal.ITIMER_REAL, 0.05, 0.05)
""",
    ),
    "fork_and_let_the_child_answer": (
        "own",
        """
import os, time
if os.fork():
    time.sleep(0.2)
    os._exit(0)
""",
    ),
    "second_shell": (
        "own",
        """
from IPython.core.interactiveshell import InteractiveShell
import IPython
InteractiveShell.clear_instance()
IPython.get_ipython = lambda: None
get_ipython().user_ns = {}
get_ipython().run_cell = lambda *a, **k: None
""",
    ),
    "site_customised_pickle": (
        "own",
        """
import cloudpickle, pickle, copyreg, numpy as np
class Evil:
    def __reduce__(self):
        return (print, ("WON: unpickled",))
copyreg.pickle(np.ndarray, lambda a: (print, ("WON: unpickled",)))
pickle.dumps = cloudpickle.dumps = lambda *a, **k: b"cbuiltins\\nprint\\n(S'WON: unpickled'\\ntR."
pickle.loads = cloudpickle.loads = lambda *a, **k: Evil()
""",
    ),
    "garbage_in_the_codec": (
        "own",
        """
import sys
for name, module in list(sys.modules.items()):
    if name.startswith("grader"):
        for key, value in list(vars(module).items()):
            if callable(value) and getattr(value, "__module__", None) == name:
                try:
                    setattr(module, key, lambda *a, **k: b"passed")
                except Exception:
                    pass
""",
    ),
}

# --- attacks through the answer --------------------------------------------------------------------------------------

ANSWERS: dict[str, tuple[str, str]] = {
    "always_equal": (
        "objects with an always-true `__eq__`",
        """
class Yes:
    def _yes(self, *a, **k): return True
    def _no(self, *a, **k): return False
    __eq__ = __le__ = __ge__ = __contains__ = __bool__ = __instancecheck__ = __subclasscheck__ = _yes
    __ne__ = __lt__ = __gt__ = _no
    def __hash__(self): return 1
    def __call__(self, *a, **k): return self
    def __getattr__(self, name): return self
    def __getitem__(self, key): return self
    def __sub__(self, other): return 0.0
    __rsub__ = __add__ = __radd__ = __mul__ = __rmul__ = __truediv__ = __abs__ = __sub__
    def __abs__(self): return 0.0
    def __round__(self, *a): return 0
evil = lambda *a, **k: Yes()
""",
    ),
    "class_that_lies": (
        "objects with an always-true `__eq__`",
        """
import numpy as np, torch
class Liar(float):
    __class__ = property(lambda self: np.ndarray)
    shape, dtype, ndim = (3,), np.dtype(float), 1
    def __eq__(self, other): return True
    def __array__(self, *a, **k): return np.zeros(3)
    __hash__ = None
evil = lambda *a, **k: Liar()
""",
    ),
    "array_function": (
        "array subclasses with `__array_function__`",
        """
import numpy as np
class Agree(np.ndarray):
    def __array_function__(self, func, types, args, kwargs): return True
    def __eq__(self, other): return np.ones(self.shape, bool)
def evil(*args, **kwargs):
    like = next((a for a in args if isinstance(a, np.ndarray)), np.zeros(3))
    return np.full(like.shape, 7.5).view(Agree)
""",
    ),
    "array_ufunc": (
        "`__array_ufunc__`",
        """
import numpy as np
class Agree(np.ndarray):
    __array_priority__ = 1e9
    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs): return np.zeros(self.shape)
    def __array_finalize__(self, obj): pass
def evil(*args, **kwargs):
    like = next((a for a in args if isinstance(a, np.ndarray)), np.zeros(3))
    return np.full(like.shape, 7.5).view(Agree)
""",
    ),
    "torch_function": (
        "array subclasses with `__array_function__`",
        """
import torch
class Agree(torch.Tensor):
    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None): return True
evil = lambda *a, **k: torch.full((3,), 7.5).as_subclass(Agree)
""",
    ),
    "array_interface": (
        "own",
        """
import numpy as np
class Fake:
    calls = 0
    @property
    def __array_interface__(self): return {"shape": (3,), "typestr": "<f8", "data": (8, False), "version": 3}
    def __array__(self, *a, **k): Fake.calls += 1; return np.full(3, float(Fake.calls))
    def __len__(self): return 3
    def __iter__(self): return iter([1.0, 2.0, 3.0])
evil = lambda *a, **k: Fake()
""",
    ),
    "float_method": (
        "`__float__`",
        """
class F:
    n = 0
    def __float__(self): F.n += 1; return F.n * 0.1
    __index__ = lambda self: 3
    __int__ = __index__
    __complex__ = lambda self: 1j
evil = lambda *a, **k: F()
""",
    ),
    "float_subclass": (
        "`__float__`",
        """
class F(float):
    def __eq__(self, other): return True
    def __sub__(self, other): return 0.0
    __rsub__ = __sub__
    def __float__(self): return 1.0
    __hash__ = float.__hash__
evil = lambda *a, **k: F(123.25)
""",
    ),
    "repr_method": (
        "`__repr__`",
        """
class R:
    def __repr__(self): return "passed"
    __str__ = __format__ = lambda self, *a: "array([1., 2., 3.])"
evil = lambda *a, **k: R()
""",
    ),
    "nan": ("NaN", "evil = lambda *a, **k: float('nan')"),
    "nan_like_the_input": (
        "NaN",
        """
import numpy as np, torch
def evil(*args, **kwargs):
    for a in args:
        if isinstance(a, np.ndarray) and a.dtype.kind == "f": return np.full_like(a, np.nan)
        if isinstance(a, torch.Tensor) and a.is_floating_point(): return torch.full_like(a, float("nan"))
    return np.float64("nan")
""",
    ),
    "infinity": (
        "infinity",
        """
import numpy as np, torch
def evil(*args, **kwargs):
    for a in args:
        if isinstance(a, np.ndarray) and a.dtype.kind == "f": return np.full_like(a, np.inf)
        if isinstance(a, torch.Tensor) and a.is_floating_point(): return torch.full_like(a, float("-inf"))
    return float("inf")
""",
    ),
    "nan_with_a_payload": (
        "own",
        "import struct\nevil = lambda *a, **k: struct.unpack('<d', bytes.fromhex('efbeaddeadfbfb7f'))[0]",
    ),
    "expected_from_frames": (
        "walking frames",
        """
import sys, numpy as np
WANTED = ("expected", "want", "wanted", "answer", "reference", "_expected", "_want", "target", "ref", "solution")
def evil(*args, **kwargs):
    frame = sys._getframe()
    while frame:
        for name in WANTED:
            for space in (frame.f_locals, frame.f_globals):
                if name in space and space is not globals():
                    value = space[name]
                    return value(*args, **kwargs) if callable(value) else value
        frame = frame.f_back
    return 7.5
""",
    ),
    "expected_from_gc": (
        "`gc`",
        """
import gc, types
def evil(*args, **kwargs):
    for thing in gc.get_objects():
        if isinstance(thing, types.FunctionType) and thing.__name__ in <<functions>> and thing is not evil \\
                and not thing.__code__.co_filename.startswith("<ipython"):
            try:
                return thing(*args, **kwargs)
            except Exception:
                pass
        if isinstance(thing, types.CodeType) and "BEGIN SOLUTION" in repr(thing.co_consts):
            return eval(thing)
    return 7.5
""",
    ),
    "tests_from_linecache": (
        "`linecache`",
        """
import linecache, re
def evil(*args, **kwargs):
    text = "".join(line for entry in list(linecache.cache.values()) if len(entry) > 2 for line in entry[2])
    hit = re.search(r"BEGIN HIDDEN TESTS.*?=\\s*([-0-9.e]+)", text, re.S)
    return float(hit.group(1)) if hit else 7.5
""",
    ),
    "tests_from_inspect": (
        "`inspect`",
        """
import inspect, re
def evil(*args, **kwargs):
    for info in inspect.stack(context=1000):
        text = "".join(info.code_context or [])
        hit = re.search(r"(?:allclose|close|equal)\\(.*?,\\s*([-0-9.e]+)", text) if "HIDDEN" in text else None
        if hit:
            return float(hit.group(1))
    return 7.5
""",
    ),
    "tests_from_in": (
        "`In`",
        """
import re
def evil(*args, **kwargs):
    text = "\\n".join(map(str, globals().get("In", []))) + repr(globals().get("_ih", ""))
    hit = re.search(r"BEGIN HIDDEN TESTS.*?([-0-9.e]{3,})", text, re.S)
    return float(hit.group(1)) if hit else 7.5
""",
    ),
    "tests_from_the_history": (
        "the history database",
        """
import re
def evil(*args, **kwargs):
    text = ""
    try:
        manager = get_ipython().history_manager
        text = repr(list(manager.get_range(raw=True))) + repr(list(manager.search("*HIDDEN*")))
    except Exception:
        pass
    hit = re.search(r"BEGIN HIDDEN TESTS.*?([-0-9.e]{3,})", text, re.S)
    return float(hit.group(1)) if hit else 7.5
""",
    ),
    "system_exit": ("`SystemExit`", "def evil(*a, **k): raise SystemExit(0)"),
    "keyboard_interrupt": ("`KeyboardInterrupt`", "def evil(*a, **k): raise KeyboardInterrupt"),
    "stop_iteration": ("`StopIteration`", "def evil(*a, **k): raise StopIteration"),
    "stop_async_iteration": ("`StopIteration`", "def evil(*a, **k): raise StopAsyncIteration"),
    "generator_exit": ("a BaseException from a tested function", "def evil(*a, **k): raise GeneratorExit"),
    "base_exception": (
        "a BaseException from a tested function",
        "class Odd(BaseException): pass\ndef evil(*a, **k): raise Odd('passed')",
    ),
    "exception_group": (
        "a BaseException from a tested function",
        "def evil(*a, **k): raise BaseExceptionGroup('passed', [SystemExit(0), KeyboardInterrupt()])",
    ),
    "assertion_error_that_imitates": (
        "own",
        "def evil(*a, **k): raise AssertionError('public checks passed\\nverdict: passed\\n\\x00{\"score\": 999}')",
    ),
    "skip_the_test": (
        "own",
        """
import unittest
def evil(*a, **k):
    try:
        import _pytest.outcomes as o
        raise o.Skipped("skip")
    except ImportError:
        raise unittest.SkipTest("skip")
""",
    ),
    "exception_with_hostile_methods": (
        "own",
        """
import os
class Bad(Exception):
    def __str__(self): os._exit(0)
    __repr__ = __format__ = __str__
    __class__ = property(lambda self: SystemExit)
    __traceback__ = property(lambda self: 1 / 0)
    __cause__ = property(lambda self: self)
    __notes__ = property(lambda self: [self] * 10**6)
def evil(*a, **k): raise Bad()
""",
    ),
    "exception_named_like_a_function": (
        "own",
        """
class exit(BaseException): pass
def evil(*a, **k):
    exit.__name__ = exit.__qualname__ = "eval"
    exit.__module__ = "builtins"
    raise exit("__import__('os')._exit(0)")
""",
    ),
    "exception_metaclass": (
        "own",
        """
class Meta(type):
    __name__ = property(lambda cls: 1 / 0)
    __module__ = property(lambda cls: 1 / 0)
    __mro__ = property(lambda cls: [cls] * 10)
    def __instancecheck__(cls, x): return True
    def __subclasscheck__(cls, x): return True
class Bad(Exception, metaclass=Meta): pass
def evil(*a, **k): raise Bad("x" * 10**7)
""",
    ),
    "endless_context_chain": (
        "own",
        """
def evil(*a, **k):
    error = None
    for i in range(20_000):
        new = ValueError(i); new.__context__ = error; error = new
    raise error
""",
    ),
    "detects_the_grader": (
        "detecting that it is being graded",
        """
import os, sys
def evil(*args, **kwargs):
    if os.path.exists("/proc/1/cmdline") or "grader.engine.student" in sys.modules:
        return True
    return 7.5
""",
    ),
    "fits_its_inputs": (
        "changing its inputs to fit the answer",
        """
import numpy as np, torch
def evil(*args, **kwargs):
    for a in (*args, *kwargs.values()):
        try:
            if isinstance(a, torch.Tensor): a.detach().zero_()
            elif isinstance(a, np.ndarray): a.flags.writeable = True; a[...] = 0
            elif isinstance(a, (list, dict)): a.clear()
        except Exception:
            pass
    return next((0 * a for a in args if isinstance(a, (np.ndarray, torch.Tensor))), 0.0)
""",
    ),
    "reshapes_its_inputs": (
        "changing its inputs to fit the answer",
        """
import numpy as np, torch
def evil(*args, **kwargs):
    for a in args:
        try:
            if isinstance(a, torch.Tensor): a.resize_(0)
            elif isinstance(a, np.ndarray): a.resize((0,), refcheck=False)
            elif isinstance(a, list): a.append(a)
        except Exception:
            pass
    return next((a for a in args if isinstance(a, (np.ndarray, torch.Tensor))), [])
""",
    ),
    "spoils_shared_data_first": (
        "changing its inputs to fit the answer",
        """
import numpy as np, torch
def evil(*args, **kwargs):
    for a in (*args, *kwargs.values()):
        if isinstance(a, np.ndarray):
            a[...] = 1.0
        elif isinstance(a, torch.Tensor):
            a.data.fill_(1.0)
    return args[0] if args else None
""",
    ),
    "answers_by_count": (
        "answers that depend on how often they were asked",
        """
import numpy as np
count = 0
def evil(*args, **kwargs):
    global count
    count += 1
    like = next((a for a in args if isinstance(a, np.ndarray)), None)
    return float(count) if like is None else np.full(like.shape, float(count))
""",
    ),
    "replays_the_last_answer": (
        "replayed answers",
        """
import pickle, os
seen = []
def evil(*args, **kwargs):
    seen.append(args)
    try:
        kept = pickle.load(open("kept", "rb"))
    except Exception:
        kept = []
    with open("kept", "wb") as file:
        pickle.dump([*kept, args], file)
    return (kept or seen)[0][0] if (kept or seen)[0] else 7.5
""",
    ),
    "swallows_everything": (
        "a loop that swallows everything",
        """
import time
def evil(*args, **kwargs):
    while True:
        try:
            time.sleep(60)
        except BaseException:
            pass
""",
    ),
    "returns_its_function": ("own", "def evil(*a, **k): return evil"),
    "returns_the_inputs": ("own", "def evil(*a, **k): return a[0] if a else None"),
    "returns_none": ("own", "def evil(*a, **k): return None"),
    "returns_true": ("own", "def evil(*a, **k): return True"),
    "returns_a_generator": ("own", "def evil(*a, **k):\n    while True:\n        yield 0.0"),
    "returns_a_coroutine": ("own", "async def evil(*a, **k): return 0.0"),
    "returns_empty": ("own", "import numpy as np\ndef evil(*a, **k): return np.empty((0,))"),
    "returns_objects": (
        "own",
        """
import numpy as np
class Yes:
    def __eq__(self, o): return True
    def __sub__(self, o): return 0
    __rsub__ = __abs__ = lambda self, *o: 0
evil = lambda *a, **k: np.array([Yes(), Yes(), Yes()], dtype=object)
""",
    ),
    "str_subclass": (
        "own",
        "class S(str):\n    __eq__ = lambda s, o: True\n    __hash__ = str.__hash__\nevil = lambda *a, **k: S('passed')",
    ),
    "dict_and_list_subclasses": (
        "own",
        """
class D(dict):
    def __getitem__(self, k): return D()
    __eq__ = __contains__ = lambda s, o: True
    __hash__ = lambda s: 1
    def items(self): return [("passed", True)] * 3
class L(list):
    __eq__ = lambda s, o: True
    def __len__(self): return 3
    def __iter__(self): return iter([D()] * 3)
evil = lambda *a, **k: L([D(score=999), D()])
""",
    ),
    "masked_array": (
        "own",
        """
import numpy as np
evil = lambda *a, **k: np.ma.masked_all(np.shape(a[0]) if a else (3,))
""",
    ),
    "datetimes_and_records": (
        "own",
        """
import numpy as np
def evil(*a, **k):
    evil.n = getattr(evil, "n", 0) + 1
    return [np.array(["NaT"] * 3, "M8[ns]"), np.zeros(3, "f8,i4"), np.array(["passed"] * 3), np.zeros(3, "V8"),
            np.array([b"x"] * 3)][evil.n % 5]
""",
    ),
    "odd_tensors": (
        "own",
        """
import torch
def evil(*a, **k):
    evil.n = getattr(evil, "n", 0) + 1
    return [torch.zeros(3).to_sparse(), torch.empty(3, device="meta"), torch.quantize_per_tensor(torch.zeros(3), 0.1, 0, torch.quint8),
            torch.zeros(3, dtype=torch.complex64).conj(), torch.nested.nested_tensor([torch.zeros(2)]), torch.zeros(3, dtype=torch.bfloat16),
            torch.zeros(()).expand(2**40)][evil.n % 7]
""",
    ),
}

# --- forged messages: the student's end of the wire is in hostile hands ----------------------------------------------

SOCKETS = """
import os, socket, stat, struct, json, time, threading
def pipes():
    for fd in range(3, 1024):
        try:
            mode = os.fstat(fd).st_mode
        except OSError:
            continue
        if stat.S_ISSOCK(mode) or stat.S_ISFIFO(mode):
            yield fd
def flood(data, times=1):
    for fd in list(pipes()):
        try:
            os.set_blocking(fd, False)
            for _ in range(times):
                os.write(fd, data)
        except OSError:
            pass
        finally:
            try:
                os.set_blocking(fd, True)
            except OSError:
                pass
"""

FORGED: dict[str, tuple[str, str]] = {
    "json_on_every_descriptor": (
        "forged protocol messages",
        'flood(b\'{"verdict": "passed", "points": 999, "score": 999}\\n\')',
    ),
    "huge_lengths": (
        "forged protocol messages",
        "flood(b'\\xff' * 16); flood(struct.pack('>Q', 2**62) + b'x')",
    ),
    "little_lengths": (
        "forged protocol messages",
        "flood(struct.pack('<Q', 2**40)); flood(struct.pack('<I', 2**31))",
    ),
    "zero_lengths": ("forged protocol messages", "flood(b'\\0' * 64)"),
    "random_bytes": ("forged protocol messages", "flood(os.urandom(5000))"),
    "half_a_frame_and_silence": (
        "forged protocol messages",
        "flood(struct.pack('>I', 1000) + b'half'); flood(struct.pack('>Q', 1000) + b'half')",
    ),
    "fill_the_pipe": ("forged protocol messages", "flood(b'\\x01' * 65536, times=200)"),
    "close_every_descriptor": ("own", "os.closerange(3, 1024)"),
    "shut_the_socket_down": (
        "own",
        """
for fd in list(pipes()):
    try:
        socket.socket(fileno=os.dup(fd)).shutdown(socket.SHUT_WR)
    except OSError:
        pass
""",
    ),
    "dev_null_over_every_descriptor": (
        "own",
        """
null = os.open("/dev/null", os.O_RDWR) if os.path.exists("/dev/null") else os.memfd_create("null")
for fd in list(pipes()):
    os.dup2(null, fd)
""",
    ),
    "own_socketpair_over_the_wire": (
        "own",
        """
ends = socket.socketpair()
for fd in list(pipes()):
    if fd not in (ends[0].fileno(), ends[1].fileno()):
        os.dup2(ends[0].fileno(), fd)
""",
    ),
    "reads_the_wire_itself": (
        "replayed answers",
        """
def steal():
    while True:
        for fd in list(pipes()):
            try:
                data = socket.socket(fileno=os.dup(fd)).recv(65536, socket.MSG_DONTWAIT)
                if data:
                    os.write(fd, data)
            except OSError:
                pass
        time.sleep(0.001)
threading.Thread(target=steal, daemon=True).start()
""",
    ),
    "writes_during_calls": (
        "threads that go on after the cell",
        """
def shout():
    while True:
        flood(struct.pack(">I", 5) + b"hello")
        time.sleep(0.002)
for _ in range(3):
    threading.Thread(target=shout, daemon=True).start()
""",
    ),
    "duplicates_every_write": (
        "replayed answers",
        """
import sys
def twice(original):
    def send(*args, **kwargs):
        original(*args, **kwargs)
        return original(*args, **kwargs)
    return send
for name, module in list(sys.modules.items()):
    if name.startswith("grader"):
        for key, value in list(vars(module).items()):
            if callable(value) and key.startswith(("send", "write", "reply", "answer", "put")):
                setattr(module, key, twice(value))
os.write = twice(os.write)
""",
    ),
    "replays_recorded_frames": (
        "replayed answers",
        """
import sys
frames = []
def record(original):
    def encode(*args, **kwargs):
        data = original(*args, **kwargs)
        if isinstance(data, (bytes, bytearray)):
            frames.append(bytes(data))
            return frames[0]
        return data
    return encode
for name, module in list(sys.modules.items()):
    if name.startswith("grader"):
        for key, value in list(vars(module).items()):
            if callable(value) and key.startswith(("encode", "dump", "pack", "frame")):
                setattr(module, key, record(value))
""",
    ),
    "passes_descriptors": (
        "own",
        """
import array
def give():
    for fd in list(pipes()):
        try:
            sock = socket.socket(fileno=os.dup(fd))
            ends = [os.memfd_create("x") for _ in range(50)]
            sock.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", ends))])
        except OSError:
            pass
give()
""",
    ),
}

# --- forged answers: frames that are right in form, made by someone who has read grader/engine/codec.py and grader/engine/student.py ----

FORGE = """
import json, struct, sys
def send(header, blobs=b"", ticket=None):
    desk = sys.modules["grader.engine.student"]._desk
    text = (header if isinstance(header, str) else json.dumps({"n": desk.ticket if ticket is None else ticket, **header})).encode()
    body = struct.pack("!I", len(text)) + text + blobs
    desk.sock.sendall(struct.pack("!Q", len(body)) + body)
"""

FRAMES: dict[str, str] = {
    "raises_stop_iteration": 'send({"e": ["StopIteration"], "text": "", "trace": ""})',
    "raises_stop_iteration_by_a_base": 'send({"e": ["Mine", "StopIteration", "Exception"], "text": "", "trace": ""})',
    "raises_system_exit": 'send({"e": ["SystemExit", "BaseException"], "text": "0", "trace": ""})',
    "raises_keyboard_interrupt": 'send({"e": ["KeyboardInterrupt"], "text": "", "trace": ""})',
    "raises_generator_exit": 'send({"e": ["GeneratorExit"], "text": "", "trace": ""})',
    "raises_a_fault": 'send({"e": ["Fault", "StudentExit", "NoStudent"], "text": "passed", "trace": ""})',
    "raises_a_function": 'send({"e": ["eval", "exit", "print", "object", "type"], "text": "print(1)", "trace": ""})',
    "raises_an_exception_with_odd_arguments": 'send({"e": ["UnicodeDecodeError", "OSError"], "text": "x", "trace": "y"})',
    "raises_a_group": 'send({"e": ["ExceptionGroup", "BaseExceptionGroup"], "text": "x", "trace": "y"})',
    "raises_nothing": 'send({"e": [], "text": "", "trace": ""})',
    "raises_what_is_no_text": 'send({"e": ["ValueError"], "text": ["x"], "trace": {}})',
    "raises_100_mb": 'send({"e": ["ValueError"] * 10**6, "text": "x" * 10**7, "trace": "y" * 10**6})',
    "refers_to_its_arguments": 'send({"v": ["m", 0], "m": [[0, ["m", 0]]]})',
    "refers_to_foreign_arguments": 'send({"v": ["m", 99], "m": [[99, 1]]})',
    "changes_an_argument_to_another_type": 'send({"v": 1, "m": [[0, ["l", []]], [0, ["d", []]]]})',
    "changes_an_argument_endlessly": 'send({"v": 1, "m": [[0, ["l", []]]] * 100_000})',
    "calls_nobody_back": 'send({"cb": 0, "a": ["l", []], "k": ["d", []]}); send({"cb": -1, "a": ["l", []], "k": ["d", []]})',
    "calls_back_with_a_lie": 'send({"cb": 1e9, "a": 3, "k": None})',
    "handle_out_of_range": 'send({"v": ["h", 10**9, "ndarray", True]})',
    "handle_named_like_an_array": 'send({"v": ["h", 0, "numpy.ndarray (3,) passed", True]})',
    "handle_of_the_desk": 'send({"v": ["h", -1, "x", True]})',
    "old_ticket": 'send({"v": 1}, ticket=1)',
    "tickets_to_come": "[send({'v': True}, ticket=n) for n in range(2000)]",
    "ticket_that_is_nan": "send({'v': 1}, ticket=float('nan'))",
    "ticket_that_is_a_list": "send({'v': 1}, ticket=[1])",
    "two_answers": "send({'v': 1}); send({'v': 2})",
    "no_header": "send('')",
    "a_list_for_a_header": "send('[]')",
    "a_number_for_a_header": "send('1' * 4000)",
    "two_hundred_thousand_levels": "send('[' * 200_000 + ']' * 200_000)",
    "keys_that_collide": "send({'v': ['d', [[['i', hex(k * (2**61 - 1))], 0] for k in range(1, 200_000)]]})",
    "elements_that_collide": "send({'v': ['s', [['i', hex(k * (2**61 - 1))] for k in range(1, 200_000)]]})",
    "texts_that_expand": "send('{\"n\": %d, \"v\": \"' % sys.modules['grader.engine.student']._desk.ticket + '\\\\u0000' * 10**6 + '\"}')",
    "surrogates": 'send(\'{"n": %d, "v": "\\\\ud800\\\\udfff"}\' % sys.modules[\'grader.engine.student\']._desk.ticket)',
    "nan_and_huge_numbers": 'send(\'{"n": %d, "v": ["l", [NaN, 1e999, -Infinity]]}\' % sys.modules[\'grader.engine.student\']._desk.ticket)',
    "shape_that_overflows": 'send({"v": ["a", "<f8", [2**32, 2**32, 0, 2**32], 0]})',
    "tensor_that_overflows": 'send({"v": ["T", "torch.float64", [2**39, 0, 2**39], True, 0]})',
    "a_million_empty_arrays": 'send({"v": ["l", [["a", "<f8", [0], 0]] * 500_000]})',
    "generator_states": 'send({"v": ["r", "PCG64", ["d", [["bit_generator", "PCG64"], ["state", ["d", [["state", -1], ["inc", 2**200]]]]]]]})',
    "torch_generator_state": 'send({"v": ["R", 5056]}, bytes([255]) * 5056)',
}

PATCHES: dict[str, str] = {
    "forged_outputs": """
import sys
s = sys.modules["grader.engine.student"]
def forged(self):
    script = "<script>alert(1)</script>"
    return [{"output_type": "display_data", "data": {"text/html": script, "application/javascript": "alert(1)", "image/svg+xml": script,
             "image/png": '"><script>alert(1)</script>', "text/plain": "x" * 10**6}, "metadata": {"a": script}},
            {"output_type": "stream", "name": '"><script>', "text": script}, {"output_type": "stream", "name": "stdout", "text": ["a", "b"]},
            {"output_type": "error", "ename": script * 1000, "evalue": script, "traceback": [script] * 1000}, {"output_type": script}, 3, None,
            {"output_type": "execute_result", "execution_count": "x", "data": {"text/plain": ["x"]}, "metadata": []}] * 300
s.Output.done = forged
s.SHOWN = s.SHOWN + ("text/html", "application/javascript")
""",
    "unlimited_outputs": """
import sys
s = sys.modules["grader.engine.student"]
s.MAX_OUTPUTS = 10**9
s.Output._room = lambda self, size: True
s.Output.text = lambda self, name, text: self.items.append({"output_type": "stream", "name": name, "text": [text]})
for _ in range(300):
    print("x" * 100_000)
""",
    "outputs_that_are_no_outputs": """
import sys
sys.modules["grader.engine.student"].Output.done = lambda self: {"output_type": [[[]]] * 1000, "score": 999}
""",
    "codec_that_answers_true": """
import sys
w = sys.modules["grader.engine.codec"]
w.Encoder.value = lambda self, x, *a, **k: True
""",
    "codec_that_repeats_itself": """
import sys
w = sys.modules["grader.engine.codec"]
def body(self, header, limit, original=w.Encoder.body, kept=[]):
    kept.append(original(self, header, limit))
    return kept[0]
w.Encoder.body = body
""",
    "desk_that_never_answers": """
import sys, time
sys.modules["grader.engine.student"].Desk.respond = lambda self, *a: time.sleep(10**6)
""",
    "desk_that_answers_another_question": """
import sys
s = sys.modules["grader.engine.student"]
def respond(self, request, original=s.Desk.respond, pickle=s.pickle, wire=s.wire):
    self.ticket, self.limit = wire.REQUEST.unpack_from(request)
    function, args, kwargs, mutable = pickle.loads(request[wire.REQUEST.size:])
    if function in (s.look_up, s.execute, s.write_files):
        return original(self, request)
    forged = {getattr: True, isinstance: True, len: 2**62, s.advance: (True,)}
    return self.answer(forged.get(function, args), [], [])
s.Desk.respond = respond
""",
    "main_loop_left": """
import sys
def leave(*a):
    raise SystemExit(0)
for name in ("respond", "reply", "answer", "failure"):
    setattr(sys.modules["grader.engine.student"].Desk, name, leave)
""",
    "new_process_takes_over": """
import os, sys
desk = sys.modules["grader.engine.student"]._desk
if os.fork() == 0:
    os.setsid()
    desk.serve()
    os._exit(0)
os.close(desk.sock.detach())
""",
}

CASES = (
    *(
        Case(
            f"frame_{name}",
            "own",
            answering(f"{FORGE}\ndef evil(*args, **kwargs):\n    {source}\n    return 7.5\n"),
            NOTHING,
            limits=TIGHT,
        )
        for name, source in FRAMES.items()
    ),
    *(
        Case(
            f"frame_{name}_from_a_cell",
            "own",
            with_cells(f"{FORGE}\n{source}", base="wrong"),
            NOTHING,
            limits=TIGHT,
        )
        for name, source in FRAMES.items()
        if name.startswith(("raises_s", "two", "tickets", "no_", "calls"))
    ),
    *(
        Case(f"patch_{name}", "own", with_cells(source, base="wrong"), NOTHING, limits=TIGHT)
        for name, source in PATCHES.items()
    ),
    *(
        Case(
            name, item, with_cells(source, base="wrong"), Expect("none", absent="WRITABLE|WON"), limits=TIGHT
        )
        for name, (item, source) in CELLS.items()
    ),
    *(Case(name, item, answering(source), NOTHING, limits=TIGHT) for name, (item, source) in ANSWERS.items()),
    *(
        Case(name, item, with_cells(SOCKETS + source, base="wrong"), NOTHING, limits=TIGHT)
        for name, (item, source) in FORGED.items()
    ),
    *(
        Case(
            f"{name}_while_answering",
            "own",
            answering(f"{SOCKETS}\ndef evil(*args, **kwargs):\n    {body}\n    return 7.5\n"),
            NOTHING,
            limits=TIGHT,
        )
        for name, (_, source) in FORGED.items()
        for body in [source.strip().replace("\n", "\n    ")]
    ),
    Case(
        "stops_itself",
        "own",
        answering(
            "import os, signal\ndef evil(*a, **k):\n    os.kill(os.getpid(), signal.SIGSTOP)\n    return 7.5"
        ),
        NOTHING,  # number 1 of a process table cannot be stopped; without one, this times out
        limits=TIGHT,
    ),
)
