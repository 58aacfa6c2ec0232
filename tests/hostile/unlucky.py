"""Honest submissions that look odd: full marks, every one."""

from __future__ import annotations

import json
from pathlib import Path

from tests.hostile.case import FULL, Case, Expect, Json, Make, World, cell, code, edited, with_cells

HEADING = "unlucky"
ITEMS = (
    "warnings",
    "logging",
    "progress bars on stderr",
    "figures",
    "widgets",
    "slow first import",
    "differences of 1e-7",
    "a debugging cell that fails at the end",
    "helper cells added",
    "an own import",
    "float32 against float64 where the statement allows it",
    "tensors that require grad",
    "a global variable that a function reads",
    "a function defined twice",
    "Windows line ends",
)

# name: (item, cell, where)
CELLS: dict[str, tuple[str, str, str]] = {
    "warnings": (
        "warnings",
        "import warnings, numpy as np\nwarnings.warn('old')\nwarnings.simplefilter('error', DeprecationWarning)\nnp.float64(1) / 0",
        "first",
    ),
    "logging": (
        "logging",
        "import logging, sys\nlogging.basicConfig(level=logging.DEBUG)\nlogging.error('not an error')\nlogging.getLogger().debug('x')",
        "first",
    ),
    "progress_bar": (
        "progress bars on stderr",
        "import sys, time\nfor i in range(200):\n    sys.stderr.write(f'\\r{i / 2:5.1f} %'); sys.stderr.flush()",
        "first",
    ),
    "figures": (
        "figures",
        "import matplotlib.pyplot as plt\nplt.plot([1, 2, 3]); plt.title('loss'); plt.show()\nfig, ax = plt.subplots(); ax.imshow([[1, 2]])\nfig",
        "first",
    ),
    "inline_magic": (
        "figures",
        "%matplotlib inline\n%config InlineBackend.figure_format = 'retina'\nimport matplotlib.pyplot as plt\nplt.plot([1, 2]);",
        "top",
    ),
    "widgets": (
        "widgets",
        "import ipywidgets\nfrom IPython.display import display\ndisplay(ipywidgets.IntSlider())\n@ipywidgets.interact(x=(0, 3))\ndef show(x=1):\n    print(x)",
        "first",
    ),
    "slow_import": (
        "slow first import",
        "import scipy.optimize, sklearn.linear_model, sklearn.datasets, time\ntime.sleep(0.3)",
        "first",
    ),
    "debugging_cell": ("a debugging cell that fails at the end", "print(scale_rows(None, 1))", "end"),
    "failing_assertion_at_the_end": (
        "a debugging cell that fails at the end",
        "assert False, 'to do: tidy up'",
        "end",
    ),
    "failing_cell_at_the_top": ("a debugging cell that fails at the end", "undefined_name + 1", "top"),
    "syntax_error_at_the_end": ("a debugging cell that fails at the end", "for x in", "end"),
    "helper_cell": (
        "helper cells added",
        "def helper(x):\n    return x\nclass Tool:\n    pass\nhelper(3)",
        "first",
    ),
    "own_import": (
        "an own import",
        "import collections, itertools as it, functools\nfrom math import *\nfrom numpy import *",
        "first",
    ),
    "timing_magic": ("helper cells added", "%timeit -n1 -r1 sum(range(10))\n%%time\n", "first"),
    "cell_magic": ("helper cells added", "%%time\nx_squared = 3 ** 2", "first"),
    "question_mark": ("helper cells added", "scale_rows?\nlen??", "end"),
    "shell_line": ("helper cells added", "!echo hello", "first"),
    "async_cell": ("helper cells added", "import asyncio\nawait asyncio.sleep(0)\nprint('awaited')", "first"),
    "own_tests": ("helper cells added", "_y = 3\n_x = 4\n_s = 5\nassert _y == 3\nROWS = None", "end"),
    "seeds_and_print_options": (
        "own",
        "import numpy as np, torch, random\nnp.random.seed(1); torch.manual_seed(1); random.seed(1)\n"
        "np.set_printoptions(precision=2); torch.set_printoptions(precision=2); np.seterr(all='ignore')",
        "first",
    ),
    "raising_numpy_errors": ("own", "import numpy as np\nnp.seterr(all='raise')", "first"),
    "threads_of_torch": (
        "own",
        "import torch\ntorch.set_num_threads(2)\ntorch.randn(300, 300) @ torch.randn(300, 300)",
        "first",
    ),
    "data_loader": (
        "own",
        "import torch\nfrom torch.utils.data import DataLoader\n"
        "print(sum(len(b) for b in DataLoader(torch.arange(10), batch_size=2, num_workers=0)))",
        "first",
    ),
    "writes_files": (
        "own",
        "open('notes.txt', 'w').write('x')\nimport os\nos.makedirs('out', exist_ok=True)\nprint(open('notes.txt').read())",
        "first",
    ),
    "subprocess_of_python": (
        "own",
        "import subprocess, sys\nprint(subprocess.run([sys.executable, '-c', 'print(1)'], capture_output=True).stdout)",
        "first",
    ),
    "unicode": ("own", "θ = 0.1\nprint('ü 漢 🙂', θ)", "first"),
    "last_value_shown": ("own", "import pandas\npandas.DataFrame({'a': [1, 2]})", "first"),
    "local_function_in_a_thread": (
        "own",
        "import concurrent.futures\nwith concurrent.futures.ThreadPoolExecutor(2) as pool:\n    print(list(pool.map(abs, [-1, -2])))",
        "first",
    ),
    "empty_cells": ("helper cells added", "", "first"),
    "comment_only": ("helper cells added", "# nothing here\n", "end"),
    "deleted_temporary": ("own", "temporary = 3\ndel temporary", "first"),
}

# name: (item, {grade id: another honest solution})
SOLUTIONS: dict[str, tuple[str, dict[str, str]]] = {
    "small_differences": (
        "differences of 1e-7",
        {
            "scale_rows": "def scale_rows(x, factors):\n    return x * np.asarray(factors)[:, None] * (1 + 1e-10)"
        },
    ),
    "loops": (
        "own",
        {
            "scale_rows": "def scale_rows(x, factors):\n    out = np.empty_like(x)\n    for i, c in enumerate(factors):\n"
            "        for j in range(x.shape[1]):\n            out[i, j] = c * x[i, j]\n    return out",
        },
    ),
    "einsum": (
        "own",
        {"scale_rows": "def scale_rows(x, factors):\n    return np.einsum('ij,i->ij', x, factors)"},
    ),
    "matrix_type_free_view": (
        "own",
        {"scale_rows": "def scale_rows(x, factors):\n    return (x.T * np.asarray(factors)).T"},
    ),
    "single_precision_inside": (
        "float32 against float64 where the statement allows it",
        {
            "scale_rows": "def scale_rows(x, factors):\n    return (x.astype(np.float32) * np.asarray(factors, np.float32)[:, None])"
        },
    ),
    "requires_grad": (
        "tensors that require grad",
        {
            "gradient": "def gradient(f, w):\n    if w.ndim != 1:\n        raise ValueError('w must be a vector')\n"
            "    w = w.clone().requires_grad_(True)\n    g, = torch.autograd.grad(f(w), w, create_graph=True)\n    return g.requires_grad_(True) if not g.requires_grad else g",
        },
    ),
    "global_variable": (
        "a global variable that a function reads",
        {
            "scale_rows": "AXIS = None\ndef scale_rows(x, factors):\n    return x * np.asarray(factors)[:, AXIS]"
        },
    ),
    "defined_twice": (
        "a function defined twice",
        {
            "scale_rows": "def scale_rows(x, factors):\n    return None\n\ndef scale_rows(x, factors):\n    return x * np.asarray(factors)[:, None]"
        },
    ),
    "decorated": (
        "own",
        {
            "scale_rows": "import functools\ndef shout(f):\n    @functools.wraps(f)\n    def call(*a, **k):\n        print('called')\n        return f(*a, **k)\n    return call\n"
            "@shout\ndef scale_rows(x, factors):\n    return x * np.asarray(factors)[:, None]"
        },
    ),
    "bound_lambda": (
        "own",
        {"scale_rows": "scale_rows = lambda x, factors: x * np.asarray(factors)[:, None]"},
    ),
    "callable_object": (
        "own",
        {
            "scale_rows": "class Scale:\n    def __call__(self, x, factors):\n        return x * np.asarray(factors)[:, None]\nscale_rows = Scale()"
        },
    ),
    "dataclass_with_slots": (
        "own",
        {
            "Sampler": "import dataclasses\n@dataclasses.dataclass(slots=True)\nclass Sampler:\n    rng: object\n    drawn: int = 0\n"
            "    def draw(self, n):\n        self.drawn += n\n        return self.rng.random(n)"
        },
    ),
    "property_and_inheritance": (
        "own",
        {
            "Sampler": "class Base:\n    def __init__(self, rng):\n        self._rng, self._n = rng, 0\n    @property\n    def drawn(self):\n        return self._n\n"
            "class Sampler(Base):\n    def draw(self, n):\n        self._n += n\n        return self._rng.random(n)"
        },
    ),
    "prints_while_it_works": (
        "logging",
        {
            "scale_rows": "def scale_rows(x, factors):\n    print(x, factors)\n    return x * np.asarray(factors)[:, None]"
        },
    ),
    "warns_while_it_works": (
        "warnings",
        {
            "scale_rows": "import warnings\ndef scale_rows(x, factors):\n    warnings.warn('careful')\n    return x * np.asarray(factors)[:, None]"
        },
    ),
    "cached_results": (
        "own",
        {
            "scale_rows": "CACHE = {}\ndef scale_rows(x, factors):\n    key = (x.tobytes(), np.asarray(factors).tobytes())\n"
            "    return CACHE.setdefault(key, x * np.asarray(factors)[:, None]).copy()"
        },
    ),
}


def _solve(solutions: dict[str, str]) -> Make:
    """The honest notebook with other honest solutions."""

    def edit(nb: Json, world: World) -> None:
        for grade_id, source in solutions.items():
            cell(nb, grade_id)["source"] = source

    return edited(edit)


def _windows(world: World, folder: Path) -> None:
    """CRLF in the file and in every source, as a Windows editor leaves them."""
    nb = world.notebook("honest")
    for one in nb["cells"]:
        one["source"] = "".join(one["source"]).replace("\n", "\r\n")
    (folder / f"{world.unit}.ipynb").write_bytes(json.dumps(nb, indent=1).replace("\n", "\r\n").encode())


def _split(nb: Json, world: World) -> None:
    """Sources as lists of lines, as Jupyter saves them."""
    for one in nb["cells"]:
        one["source"] = "".join(one["source"]).splitlines(keepends=True)


def _executed(nb: Json, world: World) -> None:
    """Outputs and execution counts of an earlier run."""
    for number, one in enumerate(nb["cells"]):
        if one["cell_type"] == "code":
            one["execution_count"] = number
            one["outputs"] = [
                {"output_type": "stream", "name": "stdout", "text": ["old\n"]},
                {"output_type": "error", "ename": "ValueError", "evalue": "old", "traceback": ["old"]},
            ]


def _helper_used(nb: Json, world: World) -> None:
    """A helper in a cell of its own before, and the solution calls it."""
    target = cell(nb, "scale_rows")
    nb["cells"].insert(
        nb["cells"].index(target), code("def _times(x, c):\n    return x * np.asarray(c)[:, None]")
    )
    target["source"] = "def scale_rows(x, factors):\n    return _times(x, factors)"


CASES = (
    *(Case(name, item, with_cells(source, at=at), FULL) for name, (item, source, at) in CELLS.items()),
    *(Case(name, item, _solve(solutions), FULL) for name, (item, solutions) in SOLUTIONS.items()),
    Case("windows_line_ends", "Windows line ends", _windows, FULL),
    Case("lists_of_lines", "own", edited(_split), FULL),
    Case("executed_before", "own", edited(_executed), FULL),
    Case("helper_in_its_own_cell", "helper cells added", edited(_helper_used), FULL),
    Case("the_honest_notebook", "own", edited(lambda nb, world: None), Expect()),
    Case("the_wrong_notebook", "own", edited(lambda nb, world: None, base="wrong"), Expect(passes="none")),
    Case("the_blank_notebook", "own", edited(lambda nb, world: None, base="blank"), Expect(passes="none")),
)
