"""What the fork server has imported before it forks, and what its children are: examiner, rehearsal, student."""

from __future__ import annotations

import ast
import functools
import importlib
import pkgutil
import re
import socket
from collections.abc import Iterable
from typing import Any

from grader import engine
from grader.engine import later
from grader.engine.plan import MAX_ALL, Step
from grader.sandbox import forkserver
from grader.source.code import bound_names, parse_cell
from grader.source.notebook import Notebook, Role

_ALWAYS = (
    "IPython", "numpy", "matplotlib.font_manager", "cloudpickle", "torch", "torch._prims", "trainlab.checks",
    *(f"{engine.__name__}.{module.name}" for module in pkgutil.iter_modules(engine.__path__)),
)  # fmt: skip
"""A child sees no file of grader/: all of this room is here, and with it whatever it imports. Nor does it see matplotlib's list of
the machine's fonts, which would take seconds to make again. torch._prims makes torch.Generator work: what is put off (`later`) brought it."""


_METAS = "torch._meta_registrations.register_meta"
_SLOW = {
    module: re.compile(text)
    for module, text in [
        ("matplotlib_inline.backend_inline", "plot|plt|pylab|seaborn"),
        # assert_close asks it what its tensors are
        ("torch.distributed.tensor", r"torch[^\n]{0,80}\btesting\b"),
        ("torch._dynamo.config", r"torch[^\n]{0,80}\b(func|compile|checkpoint)\b"),
        (_METAS, r"[\"']meta\b|FakeTensor|make_fx|skip_init|torch[^\n]{0,80}\b(compile|export)\b"),
        # a product with the Hessian, of which a chart holds many, asks it whether two shapes are equal
        ("torch.fx.experimental.symbolic_shapes", r"\bchart\.record\b"),
        *(
            (f"scipy.{part}", rf"scipy[^\n]{{0,80}}\b{part}\b")
            for part in ("linalg", "optimize", "signal", "special", "stats")
        ),
    ]
}
"""Modules that take long to import, and the text that calls for them. The first brings pyplot, and shows figures in the shell."""
_called_for: set[str] = set()
"""Those that a submission's own cells have called for."""


def load_for(notebook: Notebook, steps: Iterable[Step]) -> None:
    """Have the server import, before it forks, what a submission with these steps would import itself.

    While it imports nobody is graded: so what the submission alone calls for waits until a second one does, where it can import it.
    """
    theirs = _calls_for(step.source for step in steps if step.kind == "cell")
    server().preload(_needed(notebook) | theirs & {_METAS, *_called_for})
    _called_for.update(theirs)


def _calls_for(sources: Iterable[str]) -> set[str]:
    """The slow modules that the text of these cells calls for."""
    code = "\n".join(source[:MAX_ALL] for source in sources)[: 4 * MAX_ALL]
    return {module for module, text in _SLOW.items() if text.search(code)}


@functools.cache
def _needed(notebook: Notebook) -> frozenset[str]:
    """Modules that the instructor's cells import, and names that they import from one, which may be modules too, and what the text of
    set-up cells and tests calls for: the warm server loads them once."""
    ours = (Role.SETUP, Role.TEST)
    names = _calls_for(cell.source for cell in notebook.cells if cell.role in ours and not cell.explore)
    for cell in notebook.cells:
        if cell.role in (Role.SETUP, Role.TEST, Role.WORK) and not cell.explore and bound_names(cell.source):
            for node in ast.walk(parse_cell(cell.source)):
                if isinstance(node, ast.Import):
                    names.update(alias.name for alias in node.names)
                elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                    names.update(
                        node.module if a.name == "*" else f"{node.module}.{a.name}" for a in node.names
                    )
    return frozenset(names)


def server() -> forkserver.Server:
    """This process's fork server, started where there is none. Raises CourseError where there can be none."""
    return forkserver.server(__name__)


def run(role: str, sock: socket.socket, shell: Any) -> None:
    """The whole life of a forked child, whose caller holds the other end of `sock`."""
    from grader.engine import examiner, rehearsal, student

    if role == "student":
        student.main(sock, shell)
    else:
        {"examiner": examiner, "rehearsal": rehearsal}[role].main(sock)


def warm_up() -> Any:
    """Do once in the server what every process does first: imports, caches and dispatch tables are then inherited.

    Returns the shell that every student's process has a copy of. Nothing here may start a thread: a forked child would wait for it for ever.
    """
    import inspect
    from unittest import mock  # which every command would wait for

    later.put_off()
    # torch notes where its own operations are registered, and to name the module inspect would look through a thousand of them
    with mock.patch.object(inspect, "getmodule", return_value=None):
        for name in _ALWAYS:
            importlib.import_module(name)
    import gc
    import pickle

    import numpy as np
    import torch

    from grader.engine import codec, pickler
    from grader.engine.namespace import Namespace, run_cell
    from grader.engine.shell import make_shell

    torch.set_num_threads(1)
    shell = make_shell()
    shell.run("import numpy as np\ndef f(x):\n    return x\nf(1)\nprint(np.ones(2))", 1000, 1000)
    shell.run("raise ValueError", 1000, 1000)
    gc.freeze()  # IPython collects here: what has been imported stays anyway, and to look through it takes a tenth of a second
    shell.reset(new_session=True)
    names = Namespace(lambda: None)  # type: ignore[arg-type, return-value]
    run_cell(
        "import torch\n_a = torch.ones(3)\n_f = lambda w: torch.dot(_a, w) ** 2\nassert np.allclose(1, 1) if 0 else 1",
        "x",
        names,
    )
    w = torch.ones(3, 3, requires_grad=True)
    torch.tanh(w @ w).sum().backward()
    values = [
        w.detach(),
        np.ones((2, 2)) @ np.ones((2, 2)),
        np.random.default_rng(0),
        1.0,
        torch.allclose(w, w),
    ]
    pickle.loads(pickler.dumps((names["_f"], values), lambda f: ()))
    encoder = codec.Encoder(lambda x: 0)
    header = encoder.value(values)
    decoder = codec.Decoder.read(encoder.body(header, 2**20), lambda *_: None, [])
    decoder.value(decoder.header)
    return shell
