"""What the fork server has imported before it forks, and what its children are: examiner, rehearsal, student."""

from __future__ import annotations

import ast
import functools
import pkgutil
import re
import socket
from collections.abc import Iterable, Iterator
from typing import Any

from grader import engine
from grader.engine.plan import MAX_ALL, Step
from grader.sandbox import forkserver
from grader.source.code import bound_names, parse_cell
from grader.source.notebook import Notebook, Role

PRELOAD = (
    "numpy", "torch", "matplotlib.pyplot", "matplotlib_inline.backend_inline", "IPython", "cloudpickle", "trainlab.checks",
    *(f"{engine.__name__}.{module.name}" for module in pkgutil.iter_modules(engine.__path__)),
)  # fmt: skip
"""A child sees no file of grader/: all of this room is here, and with it whatever it imports."""


_ON_NEED = {
    module: re.compile(rf"{package}[^\n]{{0,80}}\b({words})\b")
    for module, package, words in [
        ("torch._dynamo", "torch", "optim|func|compile|testing|checkpoint"),
        *((f"scipy.{part}", "scipy", part) for part in ("linalg", "optimize", "signal", "special", "stats")),
    ]
}
"""Modules that take long to import, and the text that calls for them: the warm server loads them for the first submission
that may use one. torch imports torch._dynamo, a second's work, when an optimiser, torch.func or torch.testing is first used."""


def needed(notebook: Notebook, steps: Iterable[Step]) -> Iterator[str]:
    """Modules that the server is to load before it forks for a submission with these steps."""
    yield from _imported(notebook)
    code = "\n".join(step.source[:MAX_ALL] for step in steps)[: 4 * MAX_ALL]
    yield from (module for module, text in _ON_NEED.items() if text.search(code))


@functools.cache
def _imported(notebook: Notebook) -> frozenset[str]:
    """Modules that the instructor's cells import: the warm server loads them once."""
    names: set[str] = set()
    for cell in notebook.cells:
        if cell.role in (Role.SETUP, Role.TEST, Role.WORK) and not cell.explore and bound_names(cell.source):
            for node in ast.walk(parse_cell(cell.source)):
                if isinstance(node, ast.Import):
                    names.update(alias.name for alias in node.names)
                elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                    names.add(node.module)
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
    """Do once in the server what every process does first: lazy imports, caches and dispatch tables are then inherited.

    Returns the shell that every student's process has a copy of. Nothing here may start a thread: a forked child would wait for it for ever.
    """
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
