"""Another operating system, as far as Linux can play it: what that system lacks is taken away before `grader` is imported.

    python -m tests.support.elsewhere darwin check notebook.ipynb     the command `grader check notebook.ipynb`, as if on macOS

What stays untested is what such a system does differently, or has and Linux has not.
"""

from __future__ import annotations

import ctypes
import importlib
import os
import shutil
import signal
import socket
import subprocess
import sys
from types import SimpleNamespace
from typing import Any

PACKAGES = (
    "IPython",
    "jupytext",
    "sqlalchemy",
    "typer",
    "rich.progress",
    "nbgrader.apps",
    "send2trash",
    "filelock",
)
"""Imported beforehand: these are to find the system that they were installed for."""
OF_THE_SERVER = ("torch", "matplotlib.pyplot", "matplotlib_inline.backend_inline", "IPython", "cloudpickle")
OLD_LINUX = "linux-5.4"
"""Has namespaces, and not mount_setattr(2): the root of the sandbox fails when it is half built."""
_LACKING = {
    "darwin": "sched_getaffinity sched_setaffinity pidfd_open memfd_create setresuid setresgid O_PATH",
    "win32": "sched_getaffinity sched_setaffinity pidfd_open memfd_create setresuid setresgid O_PATH fork setsid "
    "geteuid getuid getgid uname register_at_fork sysconf wait4 killpg O_NOFOLLOW O_NONBLOCK O_CLOEXEC",
}
_UNIX_ONLY = ("resource", "fcntl", "pwd", "grp", "termios")


def pretend(system: str, packages: tuple[str, ...] = PACKAGES) -> None:
    """From here on this process, and each Python that it starts with -c, finds itself on `system`."""
    for name in packages:
        importlib.import_module(name)
    if system == OLD_LINUX:
        from grader.sandbox import linux

        linux._SYS_MOUNT_SETATTR = -1
        subprocess.Popen = _Popen(system)  # type: ignore[misc, assignment]
        return
    for name in _LACKING[system].split():
        delattr(os, name)
    del signal.pidfd_send_signal
    if system == "win32":
        os.environ.setdefault("USERNAME", "ann")
        sys.modules.update(dict.fromkeys(_UNIX_ONLY))  # type: ignore[arg-type]
        shutil._use_fd_functions = False  # type: ignore[attr-defined]  # what it found when it was imported
        sys.modules["msvcrt"] = SimpleNamespace(LK_NBLCK=2, locking=lambda *_: None)  # type: ignore[assignment]
    sys.addaudithook(_no_proc)
    sys.platform = system
    ctypes.CDLL, socket.socketpair, subprocess.Popen = _library, _socketpair, _Popen(system)  # type: ignore[misc, assignment]


def _no_proc(event: str, args: tuple[Any, ...]) -> None:
    if event in ("open", "os.listdir", "os.scandir") and str(args[0]).startswith("/proc"):
        raise FileNotFoundError(2, "No such file or directory", args[0])


def _library(name: str | None, *_: Any, **__: Any) -> object:
    if name is not None:
        raise OSError(f"{name}: cannot open shared object file")
    if sys.platform == "win32":
        raise TypeError("expected str, bytes or os.PathLike object, not NoneType")
    return object()  # a libc, without any of Linux's system calls


_pair = socket.socketpair


def _socketpair(family: int = socket.AF_UNIX, kind: int = socket.SOCK_STREAM, protocol: int = 0) -> Any:
    if kind != socket.SOCK_STREAM:
        raise OSError(43, "Protocol not supported")
    return _pair(family, kind, protocol)


class _Popen:
    """Starts what it is asked to start; where that is Python, on the same system as this one."""

    def __init__(self, system: str) -> None:
        self.system, self.open = system, subprocess.Popen

    def __call__(self, command: list[str], *args: Any, **kwargs: Any) -> Any:
        if command[0] == sys.executable and "-c" in command:
            before = f"import sys; sys.path.insert(0, {os.getcwd()!r}); from tests.support import elsewhere; "
            pretended = f"elsewhere.pretend({self.system!r}, elsewhere.OF_THE_SERVER)"
            command = [*command[:-1], f"{before}{pretended}; {command[-1]}"]
            kwargs["cwd"] = os.getcwd()
        return self.open(command, *args, **kwargs)


if __name__ == "__main__":
    pretend(sys.argv[1])
    from grader.cli import entry

    sys.argv[:2] = []
    sys.argv.insert(0, "grader")
    entry.main()
