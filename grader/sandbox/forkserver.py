"""The fork server: a warm process that has imported the slow packages once and forks the others from itself.

    coordinator --- server (number 1 of a pid namespace; holds no course, no submission, no environment)
                      |-- a process of ours
                      `-- a stranger's process (number 1 of a pid namespace below that)

What the server imports, and what its children run, a `program` says: a module with `warm_up()`, which imports it and
returns what every child is to have, and `run(role, sock, warm)`, which is a child's whole life.

When the coordinator hangs up, for whatever reason, the server ends, and the kernel ends everything in its namespace.
The server answers one request after the other; the socket that a new process is to hold travels with the request.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import importlib
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

from grader.errors import CourseError
from grader.sandbox import linux, messages, syscalls
from grader.sandbox.limits import Limits

_ENVIRONMENT = {
    "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",  # huge pages where they cost nothing: see _MANY
    "HOME": linux.HOME,
    "LANG": "C.UTF-8",
    "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    "PATH": "/usr/bin:/bin",
    "PYTHONHASHSEED": "0",  # the order of a set of strings must not differ from run to run
    "USER": "student",
} | {f"{library}_NUM_THREADS": "1" for library in ("OMP", "MKL", "OPENBLAS", "NUMEXPR", "VECLIB_MAXIMUM")}

# ------------------------------------------------------------------------------------- the caller's side


def processors() -> list[int]:
    """The processors that the calling thread may use."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


class Child:
    """A process forked from the server, as its user sees it."""

    def __init__(self, server: Server, number: int, descriptor: int) -> None:
        self.server, self.number, self.descriptor, self.pid = server, number, descriptor, number
        self.ended: dict[str, Any] | None = None
        if descriptor >= 0:  # the server tells its own namespace's number; the descriptor knows ours
            with open(f"/proc/self/fdinfo/{descriptor}") as file:
                self.pid = next(int(line.split()[1]) for line in file if line.startswith("Pid:"))

    def kill(self) -> None:
        """End the process (number 1 of its namespace: and everything in it)."""
        with contextlib.suppress(OSError):
            if self.descriptor >= 0:
                signal.pidfd_send_signal(self.descriptor, signal.SIGKILL)
            else:
                os.kill(self.pid, signal.SIGKILL)

    def _gone(self, within: float) -> bool:
        """Whether it has ended, or does so in that many seconds; False where there is no telling."""
        poll = select.poll()
        if self.descriptor >= 0:
            poll.register(self.descriptor, select.POLLIN)
        return self.descriptor >= 0 and bool(poll.poll(1000 * within))

    def end(self, within: float = 0.0) -> dict[str, Any]:
        """Kill it, unless it ends by itself in `within` seconds, and wait until it has gone: whether it had ended by itself, its
        exit status and processor time; {} where the server has gone too."""
        if self.ended is None:
            itself = self._gone(within)
            self.kill()
            gone = self._gone(60) or self.descriptor < 0  # wait here, so that the server need not
            self.ended = {}
            if self.descriptor >= 0:
                os.close(self.descriptor)
            with contextlib.suppress(OSError):
                if gone:
                    self.ended = {"itself": itself, **self.server.ask({"reap": self.number})[0]}
        return self.ended


class Server:
    """The calling process's own warm server. Started on first use; ends with the calling process."""

    def __init__(self, program: str, isolate: bool = True) -> None:
        mine, theirs = socket.socketpair()
        start = (
            f"import sys; sys.path[:] = {_import_path()!r}; from grader.sandbox import forkserver; "
            f"forkserver.main({program!r}, {theirs.fileno()}, {isolate})"
        )
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
        self.sock, self.lock, self.loaded, self.used = mine, threading.Lock(), set[str](), False
        messages.send_message(self.sock, {"font cache": os.path.expanduser("~/.cache/matplotlib")})

    def preload(self, modules: Iterable[str]) -> None:
        """Import `modules` in the server, so that no process forked from now on pays for it."""
        with self.lock:
            new = sorted(set(modules) - self.loaded)
            self.loaded.update(new)
        if new:
            self.ask({"preload": new})

    def fork(
        self, role: str, sock: socket.socket, limits: Limits, scratch: str, isolate: bool | None = None
    ) -> Child:
        """Fork a process of that role, which gets `sock` (closed here) and may use the calling thread's processors.

        Without isolation it works in the folder `scratch`. Where `isolate` is given, a stranger's code is to run in it: it sends
        a message with its layers first, and ends where it should be isolated and is not. Raises OSError.
        """
        request = {"role": role, "limits": asdict(limits), "scratch": scratch, "isolate": isolate}
        told, descriptors = self.ask({**request, "processors": processors()}, sock)
        sock.close()
        return Child(self, told["pid"], descriptors[0] if descriptors else -1)

    def ask(self, request: dict[str, Any], *socks: socket.socket) -> tuple[dict[str, Any], list[int]]:
        """The server's answer, and the descriptors that came with it. Raises OSError."""
        try:
            with self.lock:
                messages.send_message(self.sock, request, *(sock.fileno() for sock in socks))
                told, descriptors = messages.receive_message(self.sock)
        except EOFError:
            raise OSError("the warm server has ended") from None
        self.used = True
        if "error" in told:
            raise OSError(told["error"])
        return told, descriptors

    def has_ended(self, within: float) -> bool:
        """Whether the server has ended, or does so in that many seconds."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(within)
        return self.process.poll() is not None

    def close(self) -> None:
        """End the server and everything forked from it."""
        self.sock.close()
        if self.used:  # else it may still be importing, and there is nothing below it
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(5)
        self.process.kill()
        self.process.wait()


def _import_path() -> list[str]:
    """The import path without the caller's own folders: packages, and the folder that holds grader and trainlab."""
    import sysconfig

    import trainlab

    library = (sysconfig.get_path("stdlib"), ".zip", "lib-dynload", "site-packages", "dist-packages")
    ours = [str(Path(__file__).resolve().parents[2]), str(Path(trainlab.__file__).resolve().parents[1])]
    kept = [entry for entry in sys.path if entry in ours or entry.endswith(library)]
    return list(dict.fromkeys([*kept, *ours]))


_server: Server | None = None
_stopped = False
_starting = threading.Lock()


def must_fork() -> None:
    """Raises CourseError where no process can fork."""
    if sys.platform == "win32":
        raise CourseError("grading needs processes that fork: on Windows use WSL, or a Linux machine")


def server(program: str) -> Server:
    """This process's server of `program`, started where there is none (or where it has died). Raises CourseError where there can be none."""
    global _server
    must_fork()
    with _starting:
        if _stopped:
            raise OSError("grading was stopped")
        if _server is None or _server.process.poll() is not None:
            _server = Server(program)
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


def hang_up() -> None:
    """Let this process's server, which is needed no more, end by itself; at the exit it is waited for."""
    global _server
    with _starting:
        if _server is not None:
            _server.sock.close()
            _server = None


def _forget() -> None:
    """In a forked child of the caller: the server stays the parent's, and must see the parent hang up."""
    global _server
    if _server is not None:
        atexit.unregister(_server.close)
        _server.sock.close()
        _server = None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)

# ------------------------------------------------------------------------------------- the server's side

_MANY = 100
"""Processes from which on huge pages pay: they take 0.1 to 0.3 s to make, and a fork with its exit, which then does with a fraction of
the page tables, 3 ms instead of 6."""


def main(program: str, descriptor: int, isolate: bool) -> NoReturn:
    """The server: do what is asked until the caller hangs up."""
    gc.disable()  # an import makes objects that stay: looking through them again and again takes a quarter of its time
    refused = linux.enclose() if isolate else "not asked for"
    sock = socket.socket(fileno=descriptor)
    # matplotlib lists the machine's fonts once and keeps the list in the caller's home, which nothing else here sees
    os.environ["MPLCONFIGDIR"] = messages.receive_message(sock)[0]["font cache"]
    what = importlib.import_module(program)
    warm = what.warm_up()
    os.environ["MPLCONFIGDIR"] = "/tmp/matplotlib"
    refused = linux.furnish(refused)
    gc.freeze()  # the collector passes by what is there: so children leave it as it is, and share it
    children, forked = set[int](), 0
    while True:
        try:
            request, descriptors = messages.receive_message(sock)
        except EOFError:
            for pid in children if refused else ():
                _kill_group(pid)
            os._exit(0)
        handles: list[int] = []
        match request:
            case {"preload": modules}:
                for name in modules:  # one that is not there: the cell that wants it will say so
                    with contextlib.suppress(Exception):
                        _load(name)
                gc.freeze()
                answer: dict[str, Any] = {}
            case {"reap": pid}:
                _, status, usage = os.wait4(pid, 0)
                children.remove(pid)
                if refused:  # nothing else ends what a student's process started
                    _kill_group(pid)
                answer = {
                    "status": os.waitstatus_to_exitcode(status),
                    "cpu": usage.ru_utime + usage.ru_stime,
                }
            case _:
                with socket.socket(fileno=descriptors[0]) as theirs:
                    try:
                        with contextlib.nullcontext() if refused else linux.next_child_is_first():
                            pid = os.fork()
                            if pid == 0:
                                _child(request, theirs, what.run, warm, refused)
                        children.add(pid)
                        forked += 1
                        answer = {"pid": pid}
                        handles = [os.pidfd_open(pid)] if hasattr(os, "pidfd_open") else []
                    except OSError as error:
                        answer = {"error": str(error)}
        with contextlib.suppress(BrokenPipeError):  # the caller has gone: what comes next says so
            messages.send_message(sock, answer, *handles)
        for number in handles:
            os.close(number)
        if forked == _MANY:
            syscalls.collapse_heap()
            forked += 1


def _load(name: str) -> None:
    """Import a module, or from its package what `from ... import` of that name brings: a part that is there already stays as it is."""
    package, _, part = name.rpartition(".")
    if not (package and hasattr(importlib.import_module(package), part)):
        importlib.import_module(name)


def _kill_group(pid: int) -> None:
    with contextlib.suppress(OSError):
        os.killpg(pid, signal.SIGKILL)


def _child(
    request: dict[str, Any], sock: socket.socket, run: Callable[..., None], warm: Any, refused: str
) -> NoReturn:
    """The new process, from its first step to its end."""
    code = 1
    try:
        random.seed(0)
        gc.enable()
        gc.set_threshold(20_000, 20, 20)  # at every 700 objects would take a thirtieth of its time
        os.setsid()
        if hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(0, request["processors"])
        if refused:
            syscalls.die_with_parent()
            folder = Path(request["scratch"], request["role"])
            try:
                folder.mkdir(exist_ok=True)
                os.chdir(folder)
            except FileNotFoundError:  # the caller has given up, and taken its folder along
                os._exit(code)
        layers = linux.lock_down(Limits(**request["limits"]), refused)
        _keep_only(sock)
        if request["isolate"] is not None:
            messages.send_message(sock, {"layers": [asdict(layer) for layer in layers]})
        if not request["isolate"] or linux.isolated(layers):
            run(request["role"], sock, warm)
        code = 0
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        os._exit(code)


def _keep_only(sock: socket.socket) -> None:
    """Close every other descriptor; what C code prints goes nowhere."""
    with open(os.devnull, "r+b") as null:
        for number in (0, 1, 2):
            os.dup2(null.fileno(), number)
    os.closerange(3, sock.fileno())
    os.closerange(sock.fileno() + 1, 65536)
