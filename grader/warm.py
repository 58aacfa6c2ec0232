"""The warm server: a process that has imported the slow packages once and forks both kinds of process from itself.

    coordinator --- server (number 1 of a pid namespace; holds no course, no submission, no environment)
                      |-- examiner
                      `-- student's process (number 1 of a pid namespace below that)

When the coordinator hangs up, for whatever reason, the server ends, and the kernel ends everything in its namespace.
The server is asked over a Unix socket; the sockets that a new process is to hold travel with the request.
"""

from __future__ import annotations

import atexit
import contextlib
import importlib
import json
import os
import random
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, NoReturn

from grader import sandbox

PRELOAD = (
    "numpy", "torch", "torch._dynamo", "matplotlib.pyplot", "matplotlib_inline.backend_inline", "IPython", "cloudpickle",
    "grader.student", "grader.examiner", "trainlab.checks", "trainlab",
)  # fmt: skip
"""torch imports torch._dynamo, a second's work, when an optimiser, torch.func or torch.testing is first used."""
_ENVIRONMENT = {
    "HOME": sandbox.HOME,
    "LANG": "C.UTF-8",
    "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    "PATH": "/usr/bin:/bin",
    "PYTHONHASHSEED": "0",  # the order of a set of strings must not differ from run to run
    "USER": "student",
} | {f"{library}_NUM_THREADS": "1" for library in ("OMP", "MKL", "OPENBLAS", "NUMEXPR", "VECLIB_MAXIMUM")}
_MESSAGE = 65536


# ------------------------------------------------------------------------------------- the caller's side


class Child:
    """A process forked from the server, as its user sees it."""

    def __init__(self, pid: int, descriptor: int) -> None:
        self.descriptor, self.pid = descriptor, pid
        if descriptor >= 0:  # the server tells its own namespace's number; the descriptor knows ours
            with open(f"/proc/self/fdinfo/{descriptor}") as file:
                self.pid = next(int(line.split()[1]) for line in file if line.startswith("Pid:"))

    def kill(self) -> None:
        """End the process (number 1 of its namespace: and everything in it); nothing where it has ended."""
        with contextlib.suppress(OSError):
            if self.descriptor >= 0:
                signal.pidfd_send_signal(self.descriptor, signal.SIGKILL)
            else:
                os.kill(self.pid, signal.SIGKILL)

    def close(self) -> None:
        self.kill()
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1


class Server:
    """The calling process's own warm server. Started on first use; ends with the calling process."""

    def __init__(self, isolate: bool = True) -> None:
        mine, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        start = f"import sys; sys.path[:] = {_import_path()!r}; from grader import warm; warm.main({theirs.fileno()}, {isolate})"
        self.process = subprocess.Popen(
            [sys.executable, "-s", "-E", "-c", start],
            env=_ENVIRONMENT,
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            pass_fds=(theirs.fileno(),),
            start_new_session=True,  # Ctrl-C in the terminal is the coordinator's business
        )
        theirs.close()
        self.sock, self.lock, self.loaded = mine, threading.Lock(), set[str]()
        self._ask({"font cache": os.path.expanduser("~/.cache/matplotlib")})

    def preload(self, modules: Iterable[str]) -> None:
        """Import `modules` in the server, so that no process forked from now on pays for it."""
        new = sorted(set(modules) - self.loaded)
        if new:
            self.loaded.update(new)
            with self.lock:
                self._ask({"role": "preload", "modules": new})

    def fork(self, role: str, *socks: socket.socket, **settings: Any) -> Child:
        """Fork a `student` (control, data) or an `examiner` (control); the sockets are closed here. When the process
        has ended, its `{"status", "cpu"}` comes over a student's control socket. Raises OSError."""
        with self.lock:
            self._ask({"role": role, **settings}, *socks)
            answer, descriptors, _, _ = socket.recv_fds(self.sock, _MESSAGE, 1)
        for sock in socks:
            sock.close()
        told = json.loads(answer or b'{"error": "the warm server has ended"}')
        if "error" in told:
            raise OSError(told["error"])
        return Child(told["pid"], descriptors[0] if descriptors else -1)

    def _ask(self, request: dict[str, Any], *socks: socket.socket) -> None:
        socket.send_fds(self.sock, [json.dumps(request).encode()], [sock.fileno() for sock in socks])

    def has_ended(self, within: float) -> bool:
        """Whether the server has ended, or does so in that many seconds."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(within)
        return self.process.poll() is not None

    def close(self) -> None:
        """End the server and everything forked from it."""
        self.sock.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(5)
        self.process.kill()
        self.process.wait()


def _import_path() -> list[str]:
    """The import path without the caller's own folders: packages, and the folder that holds grader and trainlab."""
    import sysconfig

    import trainlab

    library = [sysconfig.get_path("stdlib"), sysconfig.get_path("purelib"), sysconfig.get_path("platlib")]
    ours = [str(Path(module).resolve().parent.parent) for module in (__file__, trainlab.__file__)]
    kept = [
        entry
        for entry in sys.path
        if entry in library + ours
        or entry.endswith((".zip", "lib-dynload", "site-packages", "dist-packages"))
    ]
    return list(dict.fromkeys([*kept, *ours]))


_server: Server | None = None
_stopped = False
_starting = threading.Lock()


def server() -> Server:
    """This process's server, started where there is none (or where it has died)."""
    global _server
    with _starting:
        if _stopped:
            raise OSError("grading was stopped")
        if _server is None or _server.process.poll() is not None:
            _server = Server()
            atexit.register(_server.close)
    return _server


@contextlib.contextmanager
def stopped() -> Iterator[None]:
    """End the server, and let none be started meanwhile: whatever other threads are grading ends at once."""
    global _server, _stopped
    with _starting:
        _stopped = True
        if _server is not None:
            atexit.unregister(_server.close)
            _server.close()
            _server = None
    try:
        yield
    finally:
        _stopped = False


def _forget() -> None:
    """In a forked child of the caller: the server stays the parent's, and must see the parent hang up."""
    global _server
    if _server is not None:
        atexit.unregister(_server.close)
        _server.sock.close()
        _server = None


os.register_at_fork(after_in_child=_forget)


# ------------------------------------------------------------------------------------- the server's side


def main(descriptor: int, isolate: bool) -> NoReturn:
    """The server: fork on request until the caller hangs up."""
    refused = sandbox.enclose() if isolate else "not asked for"
    sock = socket.socket(fileno=descriptor)
    # matplotlib lists the machine's fonts once and keeps the list in the caller's home, which nothing else here sees
    os.environ["MPLCONFIGDIR"] = json.loads(sock.recv(_MESSAGE))["font cache"]
    for name in PRELOAD:
        importlib.import_module(name)
    os.environ["MPLCONFIGDIR"] = "/tmp/matplotlib"
    import torch

    from grader.student import make_shell

    torch.set_num_threads(1)
    shell = make_shell()
    sandbox.prepare()
    warm_up(shell)
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    signal.set_wakeup_fd(_wakeup(poll), warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    controls: dict[int, socket.socket] = {}
    while True:
        ready = {number for number, _ in poll.poll()}
        _reap(controls, bool(refused))
        if sock.fileno() not in ready:
            continue
        message, descriptors, _, _ = socket.recv_fds(sock, _MESSAGE, 4)
        if not message:
            for pid in controls if refused else ():
                with contextlib.suppress(OSError):
                    os.killpg(pid, signal.SIGKILL)
            os._exit(0)
        request = json.loads(message)
        socks = [socket.socket(fileno=number) for number in descriptors]
        if request["role"] == "preload":
            for name in request["modules"]:
                with contextlib.suppress(
                    Exception
                ):  # a module that is not there: the cell that wants it will say so
                    importlib.import_module(name)
        else:
            _fork(sock, request, socks, controls, refused, shell)


def _wakeup(poll: select.poll) -> int:
    """A descriptor to which the interpreter writes when a signal comes, so that the end of a child ends `poll`."""
    read, write = os.pipe()
    os.set_blocking(read, False)
    os.set_blocking(write, False)
    poll.register(read, select.POLLIN)
    global _signals
    _signals = read
    return write


_signals = -1


def _fork(
    sock: socket.socket,
    request: dict[str, Any],
    socks: list[socket.socket],
    controls: dict[int, socket.socket],
    refused: str,
    shell: Any,
) -> None:
    """Fork one process and tell its number and its descriptor."""
    try:
        with contextlib.nullcontext() if refused else sandbox.next_child_is_first():
            pid = os.fork()
            if pid == 0:
                _child(lambda: _ROLES[request["role"]](request, socks, shell, refused))
    except OSError as error:
        sock.send(json.dumps({"error": str(error)}).encode())
        return
    descriptors = [os.pidfd_open(pid)] if hasattr(os, "pidfd_open") else []
    socket.send_fds(sock, [json.dumps({"pid": pid}).encode()], descriptors)
    for number in descriptors:
        os.close(number)
    controls[pid] = socks.pop(0)
    for one in socks:
        one.close()


def _reap(controls: dict[int, socket.socket], group: bool) -> None:
    """Tell the ends of the children that have ended. `group`: nothing else ends what a student's process started."""
    with contextlib.suppress(BlockingIOError):
        os.read(_signals, 4096)
    while controls:
        pid, status, usage = os.wait4(-1, os.WNOHANG)
        if pid == 0:
            return
        control = controls.pop(pid, None)
        if control is None:
            continue
        with control, contextlib.suppress(OSError):
            if control.type == socket.SOCK_SEQPACKET:
                if group:
                    with contextlib.suppress(ProcessLookupError):
                        os.killpg(pid, signal.SIGKILL)
                end = {"status": os.waitstatus_to_exitcode(status), "cpu": usage.ru_utime + usage.ru_stime}
                control.send(json.dumps(end).encode(), socket.MSG_DONTWAIT)


def warm_up(shell: Any) -> None:
    """Do once in the server what every process does first: lazy imports, caches and dispatch tables are then inherited.

    Nothing here may start a thread: a forked child would wait for it for ever.
    """
    import gc
    import pickle

    import numpy as np
    import torch

    from grader import wire
    from grader.examiner import Namespace, run_cell

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
    pickle.loads(wire.dumps((names["_f"], values), lambda f: ()))
    encoder = wire.Encoder(lambda x: 0)
    header = encoder.value(values)
    decoder = wire.Decoder.read(encoder.body(header, 2**20), lambda *_: None, [])
    decoder.value(decoder.header)
    gc.collect()
    gc.freeze()  # the collector of a child then leaves the inherited pages alone


def _child(body: Callable[[], None]) -> NoReturn:
    code = 1
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        random.seed(0)
        body()
        code = 0
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        os._exit(code)


def _keep_only(*socks: socket.socket) -> None:
    """Close every other descriptor; what C code prints goes nowhere."""
    with open(os.devnull, "r+b") as null:
        for number in (0, 1, 2):
            os.dup2(null.fileno(), number)
    previous = 2
    for number in sorted(sock.fileno() for sock in socks):
        os.closerange(previous + 1, number)
        previous = number
    os.closerange(previous + 1, 65536)


def _examiner(request: dict[str, Any], socks: list[socket.socket], shell: Any, refused: str) -> None:
    from grader import examiner

    _enter(request, refused)
    _keep_only(*socks)
    examiner.main(socks[0])


def _student(request: dict[str, Any], socks: list[socket.socket], shell: Any, refused: str) -> None:
    from grader import student

    control, data = socks
    layers = _enter(request, refused)
    control.send(json.dumps({"layers": [asdict(layer) for layer in layers]}).encode())
    _keep_only(data)
    if not request["isolate"] or all(layer.holds for layer in layers if layer.name in sandbox.ISOLATION):
        student.main(data, shell)


def _enter(request: dict[str, Any], refused: str) -> list[sandbox.Layer]:
    os.setsid()
    if refused:
        sandbox.die_with_parent()
        folder = Path(request["scratch"], request["role"])
        folder.mkdir(exist_ok=True)
        os.chdir(folder)
    return sandbox.lock_down(sandbox.Bounds(**request["bounds"]), refused)


_ROLES: dict[str, Callable[[dict[str, Any], list[socket.socket], Any, str], None]] = {
    "student": _student,
    "examiner": _examiner,
}
