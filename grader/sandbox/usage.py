"""What a process and all that it started use, by the process table's numbers alone: no name in it is believed, or need be text."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK") if sys.platform != "win32" else 100
_SOCKET = 2**18
"""Bytes that one Unix socket may hold for its reader; they are in no process's numbers."""


def usage(pid: int, start: tuple[float, int] = (0.0, 0), limit: int = 0) -> tuple[float, int]:
    """Processor seconds and bytes of memory of a process and its descendants, beyond what one begins with (`start`).

    Pages that several of them share are counted once for each, which is quick, unless that is more than `limit` bytes; then each
    process's share of them is, where it may be looked into.
    """
    cpu, sockets, resident, waiting = 0.0, 0, dict[Path, int](), [pid]
    with contextlib.suppress(OSError):
        sockets = Path(f"/proc/{pid}/net/unix").read_bytes().count(b"\n")
    while waiting:
        proc = Path(f"/proc/{waiting.pop()}")
        with contextlib.suppress(
            OSError, ValueError, IndexError
        ):  # it has gone meanwhile, or this system has no /proc
            fields = (proc / "stat").read_bytes().rpartition(b")")[2].split()
            cpu += sum(map(int, fields[11:15])) / _TICKS
            resident[proc] = _kilobytes(proc / "status", b"RssAnon:", b"RssShmem:")
            for task in (proc / "task").iterdir():
                waiting += map(int, (task / "children").read_bytes().split())
    memory = sum(resident.values()) + max(sockets - 2, 0) * _SOCKET - start[1]
    if start[1] and memory > limit:
        for proc, whole in resident.items():
            with contextlib.suppress(OSError):
                memory += _kilobytes(proc / "smaps_rollup", b"Pss_Anon:", b"Pss_Shmem:") - whole
    return cpu - start[0], max(memory, 0)


def _kilobytes(path: Path, *names: bytes) -> int:
    """The sum of lines `name: number kB`, in bytes."""
    lines = (line.split() for line in path.read_bytes().splitlines())
    return sum(int(line[1]) << 10 for line in lines if line and line[0] in names)
