"""The C library, as far as Python lacks it: calls that answer -1 raise OSError, with what was tried."""

from __future__ import annotations

import ctypes
import os
import sys
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


def madvise(start: int, length: int, advice: int) -> None:
    """Advice to the kernel about a range of this process's memory; nothing where there is none, or it is not taken."""
    if length > 0:
        libc.madvise(ctypes.c_void_p(start), ctypes.c_size_t(length), advice)


def fill_heap() -> None:
    """Take up, for good, the gaps between the blocks of the C heap: what a child allocates then lies side by side at the heap's
    end. Else it copies a page for each gap that it fills, 300 of the 2,400 that a process copies."""
    if not LINUX:
        return
    libc.malloc.restype = libc.sbrk.restype = ctypes.c_void_p
    near_end, size, taken = libc.sbrk(ctypes.c_ssize_t(0)) - 2**18, 2**16, 0
    while size >= 24 and taken < 2**26:
        taken += size
        if libc.malloc(ctypes.c_size_t(size)) >= near_end:
            size -= size // 4


def die_with_parent() -> None:
    """SIGKILL for the calling process when its parent ends, where the system offers that."""
    if LINUX:
        prctl(_PR_SET_PDEATHSIG, 9)
