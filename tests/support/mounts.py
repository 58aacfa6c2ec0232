"""Run a command in a course whose disk is full or read-only, by a mount namespace of its own."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

import pytest


def run_in(course: Path, mount: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """`grader arguments` in `course`, which `mount` (shell, run in the folder above it) has put on another disk."""
    command = [sys.executable, "-m", "grader", *arguments, "--course", str(course)]
    script = f"cd {shlex.quote(str(course.parent))} && {mount} && exec {shlex.join(command)}"
    flags = ["--mount", "--map-root-user"]
    if subprocess.run(
        ["unshare", *flags, "mount", "-t", "tmpfs", "none", str(course.parent)], capture_output=True
    ).returncode:
        pytest.skip("mounting is not allowed here")
    return subprocess.run(
        ["unshare", *flags, "sh", "-c", script], capture_output=True, text=True, timeout=300
    )


def read_only(course: Path) -> str:
    """The course on a disk that cannot be written to."""
    name = shlex.quote(course.name)
    return f"mount --bind {name} {name} && mount -o remount,bind,ro {name}"


def full(course: Path, *, spare: int = 0) -> str:
    """The course on a disk with `spare` KiB left; what is written there is gone afterwards."""
    name = shlex.quote(course.name)
    fill = f"head -c {spare}k /dev/zero > {name}/.spare; cat /dev/zero > {name}/.ballast 2> /dev/null; rm {name}/.spare"
    return f"cp -a {name} .aside && mount -t tmpfs -o size=64m none {name} && cp -a .aside/. {name} && {{ {fill}; }}"
