"""The command line as a whole: help that teaches, completion, and one line for whatever cannot be done."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
import typer

from grader.cli import app, options
from tests.support import mounts, toycourse
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


def test_units_are_completed(monkeypatch):
    monkeypatch.chdir(ROOT)
    assert "05_momentum" in options._units_here()


UNIT_COMMANDS = ("release", "grade", "feedback", "report", "verify")


@pytest.mark.parametrize("name", UNIT_COMMANDS)
def test_a_unit_that_is_not_there(name, course, monkeypatch, capsys):
    before = everything(course)
    one_line(run(monkeypatch, capsys, name, "99_nothing", "--course", course), "99_nothing")
    assert everything(course).keys() - {"gradebook.db"} == before.keys()


@pytest.mark.parametrize("name", UNIT_COMMANDS)
def test_a_course_that_is_not_there(name, tmp_path, monkeypatch, capsys):
    one_line(run(monkeypatch, capsys, name, UNIT, "--course", tmp_path / "nowhere"), "nowhere")


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
