"""`grader demo` and the command line as a user meets them."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from pathlib import Path

import pytest

from grader.engine.result import Status
from grader.errors import CourseError
from grader.sample.classroom import ROTA, WRITERS, make_class, make_course
from grader.sample.demo import run_demo
from tests.support.course import ROOT

UNIT = "05_momentum"


def grader(*arguments: str, cwd: Path = ROOT, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command as a user would, outside an activated environment."""
    command = [str(Path(sys.executable).with_name("grader")), *arguments]
    return subprocess.run(
        command, cwd=cwd, capture_output=True, text=True, env={**os.environ, **environment}, check=False
    )


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo") / "run"
    return run_demo(ROOT, UNIT, students=24, into=folder, allow_unsandboxed=False)


@pytest.mark.slow
def test_every_kind_of_submission_gets_what_it_deserves(demo):
    rows = {row.student: row for row in demo.summary.rows}
    assert len(rows) == 24
    assert {student.kind for student in demo.students} == set(ROTA)
    for student in demo.students:
        row = rows[student.id]
        if student.kind == "no notebook":
            assert row.status is Status.UNGRADABLE
            assert row.score is None
            assert row.reason
            continue
        assert row.status is Status.GRADED, row
        points = dict(zip(demo.summary.exercises, row.points, strict=True))
        if student.kind in ("right", "solution"):
            assert row.score == row.max_score
        elif student.kind == "blank":
            assert row.score == 0
        elif student.kind == "crashes kernel":
            assert points["momentum_step"] == 0
            assert row.score > 0, "the exercises that do not crash count"
        elif student.kind == "wrong":
            assert 0 <= row.score < row.max_score
        else:
            blanks = [exercise for exercise in points if exercise not in student.entries]
            assert all(points[exercise] == 0 for exercise in blanks)


@pytest.mark.slow
def test_gradebook_feedback_and_csv_are_written(demo):
    assert (demo.folder / "gradebook.db").stat().st_size > 0
    with (demo.folder / "grades.csv").open() as file:
        exported = {row["student_id"]: row for row in csv.DictReader(file)}
    kinds = {student.id: student.kind for student in demo.students}
    assert sum(kind in WRITERS for kind in kinds.values()) == 9, (
        "the others have left the written question open"
    )
    for row in demo.summary.rows:
        found = exported[row.student]
        auto, waits = "" if row.score is None else f"{row.score:g}", kinds[row.student] in WRITERS
        assert (found["auto_score"], found["score"]) == (auto, "" if waits else auto)
        assert found["status"] == ("needs manual grading" if waits else "graded" if auto else "not graded")
    for row in demo.summary.rows:
        page = demo.folder / "feedback" / row.student / UNIT / f"{UNIT}.html"
        assert page.stat().st_size > 0
        assert "BEGIN HIDDEN" not in page.read_text()


def test_the_same_seed_gives_the_same_class(tmp_path):
    for name in ("a", "b"):
        make_course(ROOT, UNIT, tmp_path / name)
        make_class(ROOT, UNIT, tmp_path / name, students=26, seed=7)
    files = [
        {
            path.relative_to(tmp_path / name): path.read_bytes()
            for path in (tmp_path / name).rglob("*")
            if path.is_file()
        }
        for name in ("a", "b")
    ]
    assert files[0] == files[1]
    banks = {path.relative_to(tmp_path).parts[1] for path in tmp_path.rglob("bank.py")}
    assert banks == {"solutions"}, "beside the source, where no student's code looks"


def test_nothing_is_overwritten(tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(CourseError, match="is not empty"):
        run_demo(ROOT, UNIT, students=1, into=tmp_path, allow_unsandboxed=False)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("build", "99_nothing"), "no unit '99_nothing'; units here: "),
        (("verify", "99_nothing"), "no unit '99_nothing'"),
        (("demo", "99_nothing"), "no unit '99_nothing'"),
        (("grade", "99_nothing"), "no unit '99_nothing'"),
        (("build", "--course", "/nonexistent"), "no such folder"),
        (("grade", UNIT, "--course", "/nonexistent"), "no such folder"),
        (("grade", UNIT), "no submissions of '05_momentum'"),
        (("demo", "--into", "/proc/nothing"), "/proc/nothing"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(arguments, message):
    done = grader(*arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert done.stdout == ""


def test_help_names_every_command_with_an_example():
    text = grader("--help", COLUMNS="200").stdout
    for command in ("build", "verify", "grade", "demo", "doctor"):
        assert f"grader {command}" in text
    assert "Exit codes" in text
