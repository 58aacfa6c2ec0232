"""Where nothing can be isolated, or nothing can fork: grading refuses in one line, or does as it is told."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.elsewhere import OLD_LINUX
from tests.support.toycourse import MAX_POINTS, UNIT, Course, make_course

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def course(tmp_path: Path) -> Course:
    course = make_course(tmp_path)
    course.hand_in("honest", course.submission("honest"))
    course.hand_in("loop", course.submission("honest", gradient="def gradient(f, w):\n    raise SystemExit"))
    return course


def grader(system: str, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tests.support.elsewhere", system, *words]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


@pytest.mark.parametrize(
    ("system", "why"), [("darwin", "only Linux has this"), (OLD_LINUX, "Function not implemented")]
)
def test_it_refuses_and_says_what_helps(course: Course, system: str, why: str) -> None:
    done = grader(system, "grade", UNIT, "--course", str(course.folder))
    (line,) = done.stderr.splitlines()
    assert (done.returncode, done.stdout) == (2, "")
    assert why in line
    assert "--allow-unsandboxed" in line


@pytest.mark.parametrize("system", ["darwin", OLD_LINUX])
def test_it_grades_where_it_is_told_to(course: Course, system: str) -> None:
    done = grader(system, "grade", UNIT, "--course", str(course.folder), "--allow-unsandboxed", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    rows = {row["student"]: row for row in json.loads(done.stdout)["rows"]}
    assert rows["honest"]["score"] == MAX_POINTS
    assert 0 < rows["loop"]["score"] < MAX_POINTS


def test_macos_knows_what_it_lacks() -> None:
    done = grader("darwin", "doctor", "--json")
    marks = {finding["what"]: finding["mark"] for finding in json.loads(done.stdout)}
    assert marks["isolation"] == marks["namespaces"] == "missing"
    assert marks["resource limits"] == "ok"
    assert marks["landlock"] == marks["seccomp"] == "weak"


@pytest.mark.parametrize("command", ["grade", "check", "verify", "demo"])
def test_windows_is_sent_to_linux(course: Course, tmp_path: Path, command: str) -> None:
    notebook = course.folder / "submitted" / "honest" / UNIT / f"{UNIT}.ipynb"
    words = {
        "grade": [UNIT, "--course", str(course.folder)],
        "check": [str(notebook), "--course", str(course.folder)],
        "verify": ["05_momentum"],
        "demo": ["05_momentum", "--into", str(tmp_path / "demo")],
    }
    done = grader("win32", command, *words[command])
    assert done.returncode == 2
    assert "WSL" in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


def test_windows_knows_what_it_lacks() -> None:
    done = grader("win32", "doctor", "--json")
    assert json.loads(done.stdout)[0]["mark"] == "missing"
    assert "WSL" in json.loads(done.stdout)[0]["detail"]
