"""A learner's desk: own copies that follow the course until they are worked on, and progress read from what was saved."""

import json
import os
import platform
import shutil
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_output
from typer.testing import CliRunner

from grader.build.units import read_units
from grader.cli.app import app
from grader.errors import CourseError
from grader.learner import workspace
from grader.learner.workspace import Solved, lay_out, progress
from grader.source.notebook import PUBLIC_PASSED
from tests.support.course import ROOT
from trainlab import checks

UNIT = "05_momentum"
LECTURE, ASSIGNMENT = f"lectures/{UNIT}.ipynb", f"assignments/{UNIT}/{UNIT}.ipynb"


@pytest.fixture
def course(tmp_path) -> Path:
    """A clone with one unit."""
    for folder in ("assignments", "solutions"):
        shutil.copytree(ROOT / folder / UNIT, tmp_path / folder / UNIT)
    (tmp_path / "lectures").mkdir()
    for name in (f"{UNIT}.py", f"{UNIT}.ipynb", "GLOSSARY.md"):
        shutil.copy(ROOT / "lectures" / name, tmp_path / "lectures")
    return tmp_path


def edit(path: Path, change) -> None:
    nb = nbformat.read(path, as_version=4)
    change(nb)
    nbformat.write(nb, path)


def write_answer(nb) -> None:
    [cell] = [c for c in nb.cells if (c.metadata.get("nbgrader") or {}).get("grade_id") == "momentum_step"]
    cell.source = "def momentum_step(theta, m, g, lr, beta):\n    return theta, m"


def run_it(nb) -> None:
    """What opening and running a notebook changes."""
    nb.metadata["language_info"] = {"name": "python", "version": "3.11.0"}
    for cell in nb.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [new_output("stream", text="ran\n")], 1


def publish(course: Path, name: str) -> bytes:
    """The course gets a newer version of a notebook."""
    edit(course / name, lambda nb: nb.cells.append(nbformat.v4.new_markdown_cell("New.", id="new")))
    return published(course / name)


def published(path):
    """What the course wrote into a file: in a copy of a notebook the kernel is this machine's."""
    if path.suffix != ".ipynb":
        return path.read_bytes()
    nb = json.loads(path.read_bytes())
    return nb["cells"], {k: v for k, v in nb["metadata"].items() if k not in ("kernelspec", "language_info")}


def test_the_first_start_copies_everything_and_changes_nothing_else(course):
    before = {path: path.read_bytes() for path in course.rglob("*") if path.is_file()}
    laid = lay_out(course)
    assert set(laid.new) == {LECTURE, ASSIGNMENT, "lectures/GLOSSARY.md"}
    for name in laid.new:
        assert published(course / "work" / name) == published(course / name)
    assert {path: path.read_bytes() for path in before} == before
    for name in (workspace.START, LECTURE, ASSIGNMENT):
        kernel = json.loads((course / "work" / name).read_text())["metadata"]["language_info"]
        assert kernel["version"] == platform.python_version(), (
            "else it opens in JupyterLab as if it had been changed"
        )
    again = lay_out(course)
    assert (again.new, again.renewed, again.outdated) == ((), (), ())


@pytest.mark.parametrize("name", [LECTURE, ASSIGNMENT])
def test_work_is_never_written_over(course, name):
    lay_out(course)
    copy = course / "work" / name
    edit(copy, lambda nb: nb.cells.append(nbformat.v4.new_code_cell("mine = 1")))
    mine = copy.read_bytes()
    assert lay_out(course).outdated == ()
    publish(course, name)
    for _ in range(2):  # and it is said every time
        assert lay_out(course).outdated == (f"work/{name}",)
        assert copy.read_bytes() == mine


@pytest.mark.parametrize("change", [lambda nb: None, run_it])
def test_a_copy_that_was_only_opened_or_run_follows_the_course(course, change):
    lay_out(course)
    edit(course / "work" / LECTURE, change)
    new = publish(course, LECTURE)
    assert lay_out(course).renewed == (LECTURE,)
    assert published(course / "work" / LECTURE) == published(course / LECTURE) == new


def test_a_copy_that_was_renamed_makes_room_for_the_newer_version(course):
    lay_out(course)
    copy = course / "work" / ASSIGNMENT
    edit(copy, write_answer)
    copy.rename(copy.with_name("mine.ipynb"))
    new = publish(course, ASSIGNMENT)
    assert lay_out(course).new == (ASSIGNMENT,)
    assert published(copy) == published(course / ASSIGNMENT) == new
    assert "return theta, m" in copy.with_name("mine.ipynb").read_text()


def test_without_its_memory_every_changed_copy_counts_as_work(course):
    lay_out(course)
    edit(course / "work" / ASSIGNMENT, write_answer)
    mine = (course / "work" / ASSIGNMENT).read_bytes()
    (course / "work" / workspace.COPIES).unlink()
    assert lay_out(course).outdated == (f"work/{ASSIGNMENT}",)
    assert (course / "work" / ASSIGNMENT).read_bytes() == mine


@pytest.mark.parametrize("text", ["{", "[1]"])
def test_a_memory_that_is_broken_is_one_line(course, text):
    lay_out(course)
    (course / "work" / workspace.COPIES).write_text(text)
    with pytest.raises(CourseError, match="delete it"):
        lay_out(course)


def test_no_course_is_one_line(tmp_path):
    with pytest.raises(CourseError, match="run this in the course's folder"):
        lay_out(tmp_path)


def passes(nb, *tests: str) -> None:
    """As if the learner had run these checks and saved."""
    for cell in nb.cells:
        if (cell.metadata.get("nbgrader") or {}).get("grade_id") in tests:
            cell.outputs = [new_output("stream", text="momentum_step: public checks passed; hidden ...\n")]


def test_progress_is_what_was_saved(course):
    [unit] = read_units(course)
    assert progress(course, unit) == Solved(0, 4, 0, 13), "no copy yet"
    lay_out(course)
    assert progress(course, unit) == Solved(0, 4, 0, 13)
    copy = course / "work" / ASSIGNMENT
    edit(copy, lambda nb: passes(nb, "test_momentum_step_values", "test_momentum_step_steps"))
    assert progress(course, unit) == Solved(0, 4, 2, 13)
    edit(copy, lambda nb: passes(nb, "test_momentum_step_clean"))
    assert progress(course, unit) == Solved(1, 4, 3, 13)
    copy.write_text("not a notebook")
    assert progress(course, unit) == Solved(0, 4, 0, 13)


def test_a_renamed_copy_still_counts_and_of_several_the_farthest(course):
    [unit] = read_units(course)
    lay_out(course)
    copy = course / "work" / ASSIGNMENT
    tests = [f"test_momentum_step_{part}" for part in ("values", "steps", "clean")]
    edit(copy, lambda nb: passes(nb, *tests))
    copy.rename(copy.with_name("my answers.ipynb"))
    assert progress(course, unit) == Solved(1, 4, 3, 13)
    lay_out(course)  # a fresh copy beside it
    edit(copy, lambda nb: passes(nb, *tests[:2]))
    assert progress(course, unit) == Solved(1, 4, 3, 13)


def test_the_map_says_when_a_lecture_was_worked_in(course):
    lay_out(course)
    text = workspace._map(course, read_units(course))
    assert "saved 2" not in text, "a copy that was only opened"
    edit(course / "work" / LECTURE, run_it)
    os.utime(course / "work" / LECTURE, (1.8e9, 1.8e9))
    assert "| saved 2027-01-15 | 0 of 4 |" in workspace._map(course, read_units(course))
    (course / "work" / LECTURE).write_text("[]")
    assert "saved 2" not in workspace._map(course, read_units(course))


def test_the_start_page_says_how_to_stop(course):
    page = nbformat.read(lay_out(course).start, as_version=4)
    assert "File > Shut Down" in page.cells[-1].source


def test_the_line_that_progress_looks_for_is_the_one_that_checks_print(capsys):
    checks.public_passed("double: values")
    assert PUBLIC_PASSED in capsys.readouterr().out


def test_the_start_page_counts_and_links(course):
    lay_out(course)
    edit(course / "work" / ASSIGNMENT, lambda nb: passes(nb, "test_momentum_step_values"))
    page = nbformat.read(lay_out(course).start, as_version=4)
    nbformat.validate(page)
    text = page.cells[1].outputs[0].data["text/markdown"]
    assert "| 0 of 4 (1 of 13 checks) |" in text
    for name in (LECTURE, ASSIGNMENT):
        assert f"]({name})" in text, "relative to work/, so that the learner's own copy opens"


def test_the_start_pages_cell_shows_the_map_of_this_moment(course, monkeypatch):
    lay_out(course)
    shown: list[str] = []
    monkeypatch.setattr("IPython.display.display", lambda markdown: shown.append(markdown.data))
    monkeypatch.chdir(course / "work")
    page = nbformat.read(workspace.START, as_version=4)
    exec(page.cells[1].source, {})
    assert shown == [page.cells[1].outputs[0].data["text/markdown"]]


def test_the_command_says_what_it_kept(course):
    run = CliRunner().invoke(app, ["start", "--course", str(course)])
    assert run.exit_code == 0
    assert run.output == "work/: 3 copies new\nstart page: work/START.ipynb\n"
    edit(course / "work" / ASSIGNMENT, write_answer)
    publish(course, ASSIGNMENT)
    publish(course, LECTURE)
    run = CliRunner().invoke(app, ["start", "--course", str(course)])
    assert f"work/{ASSIGNMENT}: kept as you have changed it" in run.output
    assert "work/: 1 copies brought up to date" in run.output


def test_git_and_make_leave_the_desk_alone():
    """work/ is ignored, and no target of the Makefile writes or removes anything in it but through `grader start`."""
    assert "/work/" in (ROOT / ".gitignore").read_text().splitlines()
    lines = [line for line in (ROOT / "Makefile").read_text().splitlines() if line.startswith("\t")]
    assert not [line for line in lines if "work" in line and "worksteal" not in line]


def test_jupyterlab_asks_nothing_and_sends_nothing():
    """The course's settings for JupyterLab: no question about news, no look for updates."""
    path = ROOT / ".jupyter" / "labconfig" / "default_setting_overrides.json"
    settings = json.loads(path.read_text())["@jupyterlab/apputils-extension:notification"]
    assert settings == {"fetchNews": "false", "checkForUpdates": False}
    shown = json.loads((path.parent / "page_config.json").read_text())
    assert shown == {"disabledExtensions": {"@jupyter/nbgrader:create-assignment": True}}
    assert "JUPYTER_CONFIG_PATH='$(CURDIR)/.jupyter'" in (ROOT / "Makefile").read_text()
