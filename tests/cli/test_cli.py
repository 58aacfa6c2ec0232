"""The command line as a whole: help that teaches, completion, and one line for whatever cannot be done."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
import typer
from rich.console import Console

from grader.batch.grade import ClassRow, ClassSummary
from grader.cli import app, options, printing
from grader.engine.result import Status
from tests.support import mounts, smallcourse, toycourse
from tests.support.course import ROOT

COMMANDS = typer.main.get_command(app.app).commands  # type: ignore[attr-defined]
UNIT = toycourse.UNIT


@pytest.fixture
def course(tmp_path: Path) -> Path:
    """A course with a unit and one submission, not graded yet."""
    made = toycourse.make_course(tmp_path / "course")
    made.hand_in("ann", made.submission("wrong"))
    return made.folder


def run(monkeypatch, capsys, *arguments: object) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of `grader ARGUMENTS`."""
    monkeypatch.setattr("sys.argv", ["grader", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        app.main()
    said = capsys.readouterr()
    return int(ended.value.code or 0), said.out, said.err


def one_line(outcome: tuple[int, str, str], *words: str) -> None:
    code, out, err = outcome
    assert (code, out) == (2, ""), outcome
    assert err.startswith("grader: ") and len(err.strip().splitlines()) == 1, err
    assert all(word in err for word in words), err


def everything(folder: Path) -> dict[str, bytes]:
    return {
        str(p.relative_to(folder)): p.read_bytes()
        for p in folder.rglob("*")
        if p.is_file() and ".grader" not in p.parts
    }


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_an_example_and_says_what_each_option_is_for(name):
    command = COMMANDS[name]
    assert f"Example: grader {name}" in (command.help or "")
    assert all(option.help for option in command.params if option.name != "help"), name


def test_the_exit_codes_are_in_the_help(monkeypatch, capsys):
    code, out, _ = run(monkeypatch, capsys, "--help")
    assert code == 0
    assert "0 done" in out and "130 stopped" in out


def test_the_version(monkeypatch, capsys):
    code, out, err = run(monkeypatch, capsys, "--version")
    assert (code, err) == (0, "")
    assert out == f"trainlab {version('trainlab')}\n"


def test_no_command_waits_for_a_grammar_that_it_does_not_use():
    """To compile it takes longer than all else that nbformat and nbgrader import together."""
    program = (
        "import sys; from grader.cli import app; sys.argv[1:] = ['--version']\n"
        "try: app.main()\nexcept SystemExit: pass\n"
        "import nbformat; print([name for name in sys.modules if name.startswith(('lark', 'rfc3987_syntax.'))])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["chek"], ["chek", "check", "grader --help"]),
        (["grade"], ["unit", "grader grade --help"]),
        (["grade", UNIT, "--worker", "2"], ["--worker", "grader grade --help"]),
        (["grade", UNIT, "--workers", "two"], ["--workers", "integer"]),
        (["demo", "--students", "0"], ["--students", "1"]),
    ],
)
def test_a_command_line_that_is_not_understood(arguments, words, monkeypatch, capsys):
    one_line(run(monkeypatch, capsys, *arguments), *words)


def test_nothing_asked_is_answered_with_the_help(monkeypatch, capsys):
    code, out, _ = run(monkeypatch, capsys)
    assert code == 0 and "check" in out and "release" in out


@pytest.mark.parametrize("name", ["release", "verify"])
def test_a_unit_as_the_shell_completes_it(name, course, monkeypatch, capsys):
    code, out, err = run(monkeypatch, capsys, name, f"{UNIT}/", "--course", course)
    assert (code, err) == (0, ""), (out, err)


def test_units_are_completed(monkeypatch):
    monkeypatch.chdir(ROOT)
    assert "05_momentum" in options._units_here()


def test_what_is_no_notebook_is_said_in_the_readers_words(tmp_path, monkeypatch, capsys):
    """Nobody takes in `Expecting value: line 1 column 1 (char 0)`."""
    monkeypatch.chdir(ROOT)
    for text, words in (
        ("# Notes", "the file is no notebook"),
        ('{"cells": [\n{"cell_', "breaks off in line 2"),
    ):
        (tmp_path / "notes.ipynb").write_text(text)
        outcome = run(monkeypatch, capsys, "check", tmp_path / "notes.ipynb")
        one_line(outcome, words, "give a copy of a notebook of assignments/")
        assert "column" not in outcome[2] and "Expecting" not in outcome[2]


def test_an_export_for_a_program_to_read(course, monkeypatch, capsys):
    run(monkeypatch, capsys, "grade", UNIT, "--course", course)
    code, out, err = run(monkeypatch, capsys, "export", f"{UNIT}/", "--course", course, "--json")
    assert (code, err) == (0, "")
    told = json.loads(out)
    assert told["units"] == [UNIT] and sum(told["counts"].values()) == 1
    assert Path(told["path"]).read_text().startswith("assignment")


def test_a_class_to_hand_in_for_a_program_to_read(tmp_path, monkeypatch, capsys):
    into = tmp_path / "term"
    asked = ("demo", "--course", ROOT, "--class-only", "--students", 1, "--into", into, "--json")
    code, out, err = run(monkeypatch, capsys, *map(str, asked))
    assert (code, json.loads(out), err) == (0, {"folder": str(into)}, "")


def test_a_large_class_does_not_fill_the_terminal(capsys, monkeypatch):
    """Those without a score are shown, and how many are not; a small class is shown whole."""
    monkeypatch.setattr(printing, "console", Console(width=100))
    rows = [ClassRow(f"s{n:04}", Status.GRADED, 3.0, 5.0, (3.0,)) for n in range(500)]
    rows[250] = ClassRow("s0250", Status.UNGRADABLE, None, 5.0, (), reason="the file is empty")
    printing.show_class(ClassSummary(UNIT, ("work",), tuple(rows), 500, (), 1.0))
    said = capsys.readouterr().out
    assert len(said.splitlines()) < 20 and "s0250" in said and "the file is empty" in said
    assert f"499 more are left out: `grader report {UNIT}`" in " ".join(said.split())
    printing.show_class(ClassSummary(UNIT, ("work",), tuple(rows[:60]), 60, (), 1.0))
    assert capsys.readouterr().out.count("graded") >= 60


UNIT_COMMANDS = ("release", "grade", "feedback", "report", "verify")


@pytest.mark.parametrize("name", UNIT_COMMANDS)
def test_a_unit_that_is_not_there(name, course, monkeypatch, capsys):
    before = everything(course)
    one_line(run(monkeypatch, capsys, name, "99_nothing", "--course", course), "99_nothing")
    assert everything(course).keys() - {"gradebook.db"} == before.keys()


@pytest.mark.parametrize("name", UNIT_COMMANDS)
def test_a_course_that_is_not_there(name, tmp_path, monkeypatch, capsys):
    one_line(run(monkeypatch, capsys, name, UNIT, "--course", tmp_path / "nowhere"), "nowhere")
    one_line(run(monkeypatch, capsys, name, UNIT, "--course", tmp_path), "no unit", "in the course's folder")


@pytest.mark.parametrize("name", ["release", "grade", "feedback", "report", "export"])
def test_a_gradebook_of_an_older_nbgrader(name, course, monkeypatch, capsys):
    with sqlite3.connect(course / "gradebook.db") as old:
        old.executescript(
            "create table assignment (id varchar primary key, name varchar); create table alembic_version (version_num varchar);"
        )
        old.execute("insert into alembic_version values ('50a4d84c131a')")
    before = (course / "gradebook.db").read_bytes()
    one_line(run(monkeypatch, capsys, name, UNIT, "--course", course), "nbgrader")
    assert (course / "gradebook.db").read_bytes() == before


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 cut off", b"<html>please log in</html>"])
def test_a_zip_that_cannot_be_read(content, course, tmp_path, monkeypatch, capsys):
    (tmp_path / "class.zip").write_bytes(content)
    before = everything(course)
    one_line(
        run(monkeypatch, capsys, "grade", UNIT, "--from", tmp_path / "class.zip", "--course", course),
        "class.zip",
    )
    assert everything(course) == before


def test_no_isolation(course, monkeypatch, capsys):
    from grader.engine import grade
    from grader.errors import CourseError

    def refuse(*_: object, **__: object) -> None:
        raise CourseError("this machine cannot isolate a stranger's code; give --allow-unsandboxed")

    monkeypatch.setattr(grade, "grade", refuse)
    one_line(run(monkeypatch, capsys, "grade", UNIT, "--course", course), "--allow-unsandboxed")
    assert (course / "submitted" / "ann" / UNIT).is_dir()


@pytest.mark.parametrize(("name", "arguments"), [
    ("check", ["nothing.ipynb"]),
    ("merge", ["nothing.db"]),
    ("export", ["--to", "blackboard"]),
    ("demo", ["--into", "/proc/nowhere"]),
])  # fmt: skip
def test_other_things_that_cannot_be_done(name, arguments, course, monkeypatch, capsys):
    where = [] if name in ("demo", "check") else ["--course", course]
    monkeypatch.chdir(ROOT)
    one_line(run(monkeypatch, capsys, name, *arguments, *where))


@pytest.mark.parametrize("name", ["release", "grade", "feedback", "report", "export"])
@pytest.mark.parametrize("disk", ["read_only", "full"])
def test_a_disk_that_takes_nothing(name, disk, course):
    before = everything(course)
    ended = mounts.run_in(course, getattr(mounts, disk)(course), name, UNIT)
    one_line((ended.returncode, ended.stdout, ended.stderr))
    assert everything(course) == before


def test_verify_and_build_look_where_the_configuration_says(tmp_path, monkeypatch, capsys):
    """And where they find nothing to do, that is said, and is no success."""
    root = smallcourse.make(
        tmp_path / "own", [smallcourse.code("x = 1", "x"), smallcourse.code("assert 1", "t_x", points=1)]
    )
    code, out, _ = run(monkeypatch, capsys, "verify", "--course", root)
    assert code == 1
    assert "ps1: t_x: the untouched student version passes it" in out and "no bank" in out
    one_line(run(monkeypatch, capsys, "verify", "ps2", "--course", root), "no unit 'ps2'", "units here: ps1")
    one_line(run(monkeypatch, capsys, "build", "--course", root), "no text source in lectures/ or source/")
    (tmp_path / "bare").mkdir()
    one_line(run(monkeypatch, capsys, "verify", "--course", tmp_path / "bare"), "nothing to verify")


def test_grading_stops_with_a_line_for_each_test_that_the_solution_fails(tmp_path, monkeypatch, capsys):
    cells = [
        smallcourse.code("x = 1", "x"),
        *(smallcourse.code(f"assert x == {n}", f"t_{n}", points=1) for n in range(3)),
    ]
    root = smallcourse.make(tmp_path, cells)
    smallcourse.hand_in(root, "ann", root / "source" / "ps1" / "ps1.ipynb", {})
    code, out, err = run(monkeypatch, capsys, "grade", "ps1", "--course", root)
    assert (code, out) == (2, "")
    assert [line.split(":")[1] for line in err.splitlines()] == [" t_0", " t_2", " ps1"]
    code, out, err = run(monkeypatch, capsys, "release", "ps1", "--course", root)
    assert code == 1
    assert "t_0: the source's own solution does not pass it" in out
    code, out, err = run(
        monkeypatch, capsys, "grade", "ps1", "--without", "t_0", "--without", "t_2", "--course", root
    )
    assert (code, err) == (0, "")
    assert "1/1" in out
