"""The rooms of grader/: who may import whom. A room stands below those that it imports; every room may import the root's own files."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import BY_UNIT, LONGEST
from tests.support.course import ROOT

ROOT_FILES = {"errors", "files", "text", "progress"}
MAY_IMPORT = {
    "source": set(),
    "sandbox": set(),
    "build": {"source"},
    "engine": {"source", "sandbox"},
    "record": {"source", "build.student_version", "engine.result", "engine.submission", "engine.plan"},
    "release": {"source", "build", "engine", "record"},
    "lms": {"source", "engine.submission", "record"},
    "pages": {"source", "engine", "record"},
    "batch": {"source", "build", "sandbox", "engine", "record"},
    "learner": {"source", "build", "engine"},
    "site": {"source", "build"},
    "plugin": {"source", "sandbox.limits", "engine", "record", "pages.html"},
    "sample": {"batch", "pages", "lms", "source"},
    "cli": {"source", "sandbox", "build", "engine", "record", "release", "lms", "pages", "batch", "learner", "sample", "site"},
    "__main__": {"cli"},
}  # fmt: skip


def imported(path: Path) -> set[str]:
    """What a file imports of grader, as `room.module`, wherever in the file it does so."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "grader":
            room = node.module.removeprefix("grader").lstrip(".")
            whole = (
                "." not in room and room not in ROOT_FILES
            )  # `from grader.engine import grade` imports a module
            found |= {f"{room}.{name.name}".lstrip(".") if whole else room for name in node.names}
        elif isinstance(node, ast.Import):
            found |= {
                name.name.removeprefix("grader.") for name in node.names if name.name.startswith("grader")
            }
    return found


FILES = sorted((ROOT / "grader").rglob("*.py"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_room_imports_what_it_may(path):
    room = path.relative_to(ROOT / "grader").parts[0].removesuffix(".py")
    may = MAY_IMPORT.get(room, set())  # the root's own files and empty __init__: nothing of ours
    for name in imported(path):
        parts = name.split(".")
        own = parts[0] == room and room in MAY_IMPORT
        assert own or parts[0] in ROOT_FILES or parts[0] in may or name in may, f"{path} imports {name}"


def test_no_module_is_longer_than_one_reads_at_a_sitting():
    longest = {path.name: len(path.read_text(encoding="utf-8").splitlines()) for path in FILES}
    assert {name: lines for name, lines in longest.items() if lines > 400} == {}


def test_no_circle_of_modules():
    modules = {
        ".".join(path.relative_to(ROOT / "grader").with_suffix("").parts): imported(path) for path in FILES
    }
    while True:
        leaves = [name for name, needs in modules.items() if not (needs - {name}) & modules.keys()]
        if not leaves:
            break
        for name in leaves:
            del modules[name]
    assert not modules


@pytest.mark.parametrize(
    ("module", "heavy"),
    [
        ("grader.cli.app", "numpy torch IPython nbformat jupytext sqlalchemy nbgrader"),
        ("grader.batch.grade", "torch IPython nbformat jupytext nbgrader.apps"),
        ("grader.engine.preload", "numpy torch IPython"),
    ],
)
def test_what_every_command_waits_for_is_light(module, heavy):
    """nbformat alone takes a second to import: what needs it says so where it needs it."""
    code = f"import sys, {module}; print(*(name for name in {heavy.split()} if name in sys.modules))"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).split() == []


def test_what_goes_first_is_there():
    """A file, or a parameter of its tests, that was renamed would go last, and one worker would wait for the other."""
    for name in (*BY_UNIT, *LONGEST):
        file, _, parameter = name.partition("[")
        assert f'"{parameter}' in (ROOT / file).read_text(), name
