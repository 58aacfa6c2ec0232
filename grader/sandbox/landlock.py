"""Landlock: write in the scratch folder only, no TCP, no signals or abstract sockets across the border. Reference: landlock(7)."""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Iterable

from grader.sandbox.syscalls import checked, libc

_CREATE, _ADD, _RESTRICT = 444, 445, 446


def restrict_files(writable: Iterable[str]) -> str:
    """Let the calling process write in the folders `writable` only; returns what holds. Raises OSError where nothing does."""
    version = libc.syscall(_CREATE, None, ctypes.c_size_t(0), 1)
    if version < 1:
        raise OSError("this kernel has no Landlock")
    files = (1 << {1: 13, 2: 14}.get(version, 15)) - 1  # ioctl on devices (bit 15) stays as it is
    read = 0b1101  # execute, read files, read folders
    rules = struct.pack("=QQQ", files, 0b11 if version >= 4 else 0, 0b11 if version >= 6 else 0)
    size = 24 if version >= 6 else 16 if version >= 4 else 8
    handle = checked(libc.syscall(_CREATE, rules, ctypes.c_size_t(size), 0), "landlock")
    for path, allowed in [("/", read), *((path, files) for path in writable), ("/dev/null", 0b110)]:
        parent = os.open(path, os.O_PATH | os.O_CLOEXEC)
        allowed &= files if os.path.isdir(path) else 0b110 | 1 | (1 << 14)
        done = libc.syscall(_ADD, handle, 1, struct.pack("=Qi", allowed & files, parent), 0)
        os.close(parent)
        checked(done, "landlock rule")
    checked(libc.syscall(_RESTRICT, handle, 0), "landlock")
    os.close(handle)
    return f"version {version}"
