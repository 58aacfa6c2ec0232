"""A child of the fork server sees no file of grader/: whatever the engine may import is there before it is forked."""

import tempfile

from grader.engine.proxy import Link
from grader.engine.student import execute, look_up
from grader.engine.supervisor import Student
from grader.sandbox.limits import Limits
from tests.support.course import ROOT

MODULES = sorted(
    f"grader.{room}.{path.stem}"
    for room in ("source", "sandbox", "engine")
    for path in (ROOT / "grader" / room).glob("*.py")
)
NOT_THE_ENGINES = {"answers", "course", "lock", "outline"}
"""Modules of source/ that read a course's folder or a class's answers: no process of a submission imports them."""


def test_every_module_of_the_engine_can_be_imported_in_a_child() -> None:
    wanted = [name for name in MODULES if name.split(".")[-1] not in (*NOT_THE_ENGINES, "__init__")]
    assert "grader.engine.codec" in wanted and "grader.source.bank" in wanted
    code = f"""
import importlib, os
found = []
for name in {wanted}:
    try:
        importlib.import_module(name)
    except Exception as error:
        found.append(f"{{name}}: {{error}}")
visible = os.path.exists({str(ROOT / "grader")!r})
"""
    with tempfile.TemporaryDirectory() as scratch:
        process = Student(isolate=True, limits=Limits(), scratch=scratch)
        link = Link(process.data, 2**20)
        try:
            assert not link.ask(execute, code, 10_000, 0)
            assert link.ask(look_up, "found") == []
            assert link.ask(look_up, "visible") is False
        finally:
            process.finish()
