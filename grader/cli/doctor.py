"""What this machine offers for grading: `grader doctor` prints it. Each layer of the sandbox is tried for real."""

from __future__ import annotations

import getpass
import importlib.metadata
import os
import platform
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from grader.errors import CourseError
from grader.sandbox import linux
from grader.sandbox.limits import Limits

PACKAGES = (
    "trainlab",
    "numpy",
    "torch",
    "matplotlib",
    "ipython",
    "nbgrader",
    "nbformat",
    "cloudpickle",
    "distributed",
)
_OPTIONAL = ("landlock", "seccomp")
_INSTALL = "install the extra: pip install 'trainlab[grader]'"


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at. `mark` is "ok", "weak" (grading works, with less protection) or "missing"."""

    mark: str
    what: str
    detail: str


def examine() -> list[Finding]:
    """Every finding, in the order to read them: the verdict on isolation, its layers, folders, versions."""
    layers, problem = _layers()
    weak = [layer.name for layer in layers if not layer.holds]
    if problem:
        first = Finding("missing", "isolation", problem)
    elif not linux.isolated(layers):
        first = Finding(
            "missing", "isolation", "`grader grade` refuses here, unless --allow-unsandboxed is given"
        )
    else:
        first = Finding(
            "weak" if weak else "ok", "isolation", f"without {', '.join(weak)}" if weak else "complete"
        )
    found = [first]
    for layer in layers:
        mark = "ok" if layer.holds else "weak" if layer.name in _OPTIONAL else "missing"
        found.append(Finding(mark, layer.name, layer.detail))
    return [*found, *_folders(), *_versions()]


def _layers() -> tuple[list[linux.Layer], str]:
    """The layers that a student's process reaches, and what is wrong where none can be started."""
    from grader.engine.supervisor import Student

    with tempfile.TemporaryDirectory() as scratch:
        try:
            student = Student(isolate=True, limits=Limits(), scratch=scratch)
        except (CourseError, OSError) as error:
            return [], str(error)
        student.finish()
        return student.layers, ""


def _folders() -> list[Finding]:
    found = []
    for what, folder in (("scratch folder", Path(tempfile.gettempdir())), ("present folder", Path.cwd())):
        free = shutil.disk_usage(folder).free / 2**30
        writable = os.access(folder, os.W_OK)
        mark = "ok" if writable and free > 1 else "weak"
        found.append(
            Finding(mark, what, f"{folder}: {'' if writable else 'not writable, '}{free:.0f} GiB free")
        )
    return found


def _versions() -> list[Finding]:
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    who = os.geteuid() if hasattr(os, "geteuid") else getpass.getuser()
    system = f"{platform.system()} {platform.release()}, {usable} processors, user {who}"
    found = [Finding("ok", "system", system), Finding("ok", "python", platform.python_version())]
    for name in PACKAGES:
        try:
            found.append(Finding("ok", name, importlib.metadata.version(name)))
        except importlib.metadata.PackageNotFoundError:
            extra = "needed for --scheduler only: pip install 'trainlab[cluster]'"
            optional = name == "distributed"
            found.append(Finding("weak" if optional else "missing", name, extra if optional else _INSTALL))
    return found
