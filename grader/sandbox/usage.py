"""What a process and all that it started use, by the process table's numbers alone: no name in it is believed, or need be text."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK") if sys.platform != "win32" else 100
_SOCKET = 2**18
"""Bytes that one Unix socket may hold for its reader; they are in no process's numbers."""


class Meter:
    """Processor time and memory of a process and its descendants, beyond what it had when the meter was made."""

    def __init__(self, pid: int) -> None:
        self.pid, self.start = pid, (0.0, 0)
        self.own = dict[
            tuple[int, bytes], int
        ]()  # ticks of each process that was ever seen, by number and time of birth
        self.start = self.read(sys.maxsize)

    def read(self, limit: int) -> tuple[float, int]:
        """Seconds and bytes. Time of a child that has gone is its parent's, where that waited for it, else what was seen of it.

        Pages that several processes share are counted for each, which is quick, unless that is more than `limit` bytes; then
        each process's share of them is, where it may be looked into. A process that has gone in the meantime has nothing.
        """
        ticks, sockets, resident, waiting = 0, 0, dict[Path, int](), [self.pid]
        with contextlib.suppress(OSError):
            sockets = Path(f"/proc/{self.pid}/net/unix").read_bytes().count(b"\n")
        while waiting:
            proc = Path(f"/proc/{(pid := waiting.pop())}")
            with contextlib.suppress(
                OSError, ValueError, IndexError
            ):  # it has gone, or this system has no /proc
                fields = (proc / "stat").read_bytes().rpartition(b")")[2].split()
                own, waited_for = sum(map(int, fields[11:13])), sum(map(int, fields[13:15]))
                self.own[pid, fields[19]] = own
                ticks += own + waited_for
                resident[proc] = _kilobytes(proc / "status", b"RssAnon:", b"RssShmem:")
                for task in (proc / "task").iterdir():
                    waiting += map(int, (task / "children").read_bytes().split())
        memory = sum(resident.values()) + sockets * _SOCKET - self.start[1]
        for proc, whole in resident.items() if memory > limit else ():
            with contextlib.suppress(OSError):
                memory += _share(proc) - whole
        return max(ticks, sum(self.own.values())) / _TICKS - self.start[0], max(memory, 0)


def _share(proc: Path) -> int:
    try:
        return _kilobytes(proc / "smaps_rollup", b"Pss_Anon:", b"Pss_Shmem:")
    except (FileNotFoundError, ProcessLookupError):
        return 0


def _kilobytes(path: Path, *names: bytes) -> int:
    """The sum of lines `name: number kB`, in bytes."""
    lines = (line.split() for line in path.read_bytes().splitlines())
    return sum(int(line[1]) << 10 for line in lines if line and line[0] in names)
