"""The C library, as far as Python lacks it: calls that answer -1 raise OSError, with what was tried."""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path
from typing import Any

LINUX = sys.platform == "linux"
libc: Any = ctypes.CDLL(None, use_errno=True) if LINUX else None
NEW = {"mount": 1 << 17, "uts": 1 << 26, "ipc": 1 << 27, "user": 1 << 28, "pid": 1 << 29, "net": 1 << 30}

_PR_SET_PDEATHSIG = 1


def checked(result: int, what: str) -> int:
    """A system call's result. Raises OSError, which names `what`, where it is negative."""
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, f"{what}: {os.strerror(error)}")
    return result


def mount(source: str, target: str, kind: str | None = None, flags: int = 0, data: str = "") -> None:
    """mount(2). Raises OSError."""
    kind_, data_ = kind.encode() if kind else None, data.encode()
    done = libc.mount(source.encode(), target.encode(), kind_, ctypes.c_ulong(flags), data_)
    checked(done, f"mount {target}")


def prctl(option: int, value: int) -> int:
    """prctl(2), as it answers."""
    return int(libc.prctl(option, ctypes.c_ulong(value), 0, 0, 0))


def collapse_heap() -> None:
    """Put what this process has allocated into huge pages, where the kernel can make them (madvise(2), MADV_COLLAPSE)."""
    for line in Path("/proc/self/maps").read_text().splitlines() if LINUX else ():
        where, rights, *more = line.split()
        start, end = (int(number, 16) & -(2**21) for number in where.split("-"))
        start += 2**21
        if start < end and rights == "rw-p" and more[3:] in ([], ["[heap]"]):
            libc.madvise(ctypes.c_void_p(start), ctypes.c_size_t(end - start), 25)


def die_with_parent() -> None:
    """SIGKILL for the calling process when its parent ends, where the system offers that."""
    if LINUX:
        prctl(_PR_SET_PDEATHSIG, 9)
