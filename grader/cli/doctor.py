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

from packaging.version import Version

from grader.errors import CourseError
from grader.sandbox import linux
from grader.sandbox.limits import Limits
from grader.source.course import read_course

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
    if problem or not linux.isolated(layers):
        mark, detail = (
            "missing",
            problem or "`grader grade` refuses here, unless --allow-unsandboxed is given",
        )
    else:
        mark, detail = ("weak", f"without {', '.join(weak)}") if weak else ("ok", "complete")
    findings = [Finding(mark, "isolation", detail)]
    for layer in layers:
        mark = "ok" if layer.holds else "weak" if layer.name in _OPTIONAL else "missing"
        findings.append(Finding(mark, layer.name, layer.detail))
    return [*findings, *_course(), *_folders(), *_versions()]


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


def _course() -> list[Finding]:
    """Whether students' code can be kept from the course in the present folder, if there is one."""
    if not Path("nbgrader_config.py").is_file():
        return []
    readable = linux.in_sight(read_course(Path.cwd()).private)
    detail = readable or "nothing of it can be read by students' code"
    return [Finding("missing" if readable else "ok", "course", detail)]


def _folders() -> list[Finding]:
    findings = []
    for name, folder in (("scratch folder", Path(tempfile.gettempdir())), ("present folder", Path.cwd())):
        free = shutil.disk_usage(folder).free / 2**30
        writable = os.access(folder, os.W_OK)
        mark = "ok" if writable and free > 1 else "weak"
        detail = f"{folder}: {'' if writable else 'not writable, '}{free:.0f} GiB free"
        findings.append(Finding(mark, name, detail))
    return findings


def _versions() -> list[Finding]:
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    who = os.geteuid() if hasattr(os, "geteuid") else getpass.getuser()
    system = f"{platform.system()} {platform.release()}, {usable} processors, user {who}"
    findings = [Finding("ok", "system", system), Finding("ok", "python", platform.python_version())]
    tested = _tested()
    for name in PACKAGES:
        if version := _installed(name):
            said = f"{version}, newer than {tested.get(name)}, with which the tests ran"
            findings.append(Finding("ok", name, said if _newer(version, tested.get(name)) else version))
        else:
            extra = "needed for --scheduler only: pip install 'trainlab[cluster]'"
            optional = name == "distributed"
            findings.append(Finding("weak" if optional else "missing", name, extra if optional else _INSTALL))
    others = {name: _installed(name) for name in sorted({*tested} - {*PACKAGES})}
    newer = [f"{name} {version}" for name, version in others.items() if _newer(version, tested[name])]
    if newer:
        findings.append(
            Finding("ok", "others", f"newer than those with which the tests ran: {', '.join(newer)}")
        )
    return findings


def _installed(name: str) -> str:
    """The version of a distribution, "" where it is not installed."""
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _newer(version: str, tested: str | None) -> bool:
    return bool(version and tested) and Version(Version(version).public) > Version(str(tested))


def _tested() -> dict[str, str]:
    """The exact versions that the tests ran with: constraints.txt, which the wheel carries and a clone has at its top."""
    package = Path(__file__).parents[1]
    path = next(p for p in (package / "constraints.txt", package.parent / "constraints.txt") if p.is_file())
    pins = (line.partition("==") for line in path.read_text(encoding="utf-8").splitlines())
    return {name.strip().lower(): version.strip() for name, _, version in pins}
