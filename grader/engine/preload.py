"""What the fork server has imported before it forks, and what its children are: examiner, rehearsal, student."""

from __future__ import annotations

import pkgutil
import socket
from typing import Any

from grader import engine
from grader.sandbox import forkserver

PRELOAD = (
    "numpy", "torch", "matplotlib.pyplot", "matplotlib_inline.backend_inline", "IPython", "cloudpickle", "trainlab.checks",
    *(f"{engine.__name__}.{module.name}" for module in pkgutil.iter_modules(engine.__path__)),
)  # fmt: skip
"""A child sees no file of grader/: all of this room is here, and with it whatever it imports."""


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

    from grader.engine import codec, student
    from grader.engine.namespace import Namespace, run_cell

    torch.set_num_threads(1)
    shell = student.make_shell()
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
    pickle.loads(codec.dumps((names["_f"], values), lambda f: ()))
    encoder = codec.Encoder(lambda x: 0)
    header = encoder.value(values)
    decoder = codec.Decoder.read(encoder.body(header, 2**20), lambda *_: None, [])
    decoder.value(decoder.header)
    return shell
