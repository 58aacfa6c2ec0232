"""A child of the fork server sees no file of grader/: whatever the engine may import is there before it is forked."""

import tempfile
from dataclasses import replace

from grader.engine import preload
from grader.engine.plan import Step
from grader.engine.proxy import Link
from grader.engine.student import execute, look_up
from grader.engine.supervisor import Student
from grader.sandbox.limits import Limits
from grader.source.notebook import Role, read_assignment
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


def test_a_module_that_set_up_cells_take_from_a_package_is_there_and_a_name_is_left_alone() -> None:
    """`chart` brings matplotlib's drawing, half a second's work for each process; `seed` is no module."""
    notebook = read_assignment(ROOT / "solutions" / "01_learning_as_optimization").notebooks[0]
    cell = next(cell for cell in notebook.cells if cell.role is Role.SETUP)
    source = "from trainlab import chart\nfrom numpy.random import seed\nfrom nowhere import nothing"
    preload.load_for(replace(notebook, cells=(replace(cell, source=source),)), ())
    found = "import sys\nfound = [name in sys.modules for name in ('trainlab.chart', 'trainlab.plots', 'numpy.random.seed')]"
    with tempfile.TemporaryDirectory() as scratch:
        process = Student(isolate=True, limits=Limits(), scratch=scratch)
        link = Link(process.data, 2**20)
        try:
            assert not link.ask(execute, found, 10_000, 0)
            assert link.ask(look_up, "found") == [True, True, False]
        finally:
            process.finish()


def test_who_asks_for_tensors_without_data_has_their_rules_at_once() -> None:
    """They are put off (`later`), and no import of the submission's own would bring them."""
    cell = "import torch\nwith torch.device('meta'):\n    x = torch.nn.Conv2d(1, 2, 3)(torch.ones(1, 1, 9, 9))\nfound = list(x.shape)"
    notebook = read_assignment(ROOT / "solutions" / "01_learning_as_optimization").notebooks[0]
    preload.load_for(notebook, [Step("cell", cell)])
    with tempfile.TemporaryDirectory() as scratch:
        process = Student(isolate=True, limits=Limits(), scratch=scratch)
        link = Link(process.data, 2**20)
        try:
            assert not link.ask(execute, cell, 10_000, 0)
            assert link.ask(look_up, "found") == [1, 2, 7, 7]
        finally:
            process.finish()
