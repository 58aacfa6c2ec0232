"""The instructor's handbook: its ten commands, typed in order, take a class from release to exported grades and returned feedback."""

from __future__ import annotations

import csv
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.course import ROOT

UNIT = "05_momentum"


def ten_commands() -> list[str]:
    text = (ROOT / "grader" / "README.md").read_text("utf-8")
    block = re.search(r"## First term in ten commands\n.*?```\n(.*?)```", text, re.DOTALL)
    assert block
    numbered = [re.fullmatch(r"(.*?)\s+# (\d+)  ?.*|(.*?)\s+# (\d+)", line) for line in block[1].splitlines()]
    assert [int(match[2] or match[4]) for match in numbered if match] == list(range(1, 11))
    return [(match[1] or match[3]).strip() for match in numbered if match]


@pytest.mark.slow
def test_the_ten_commands_do_what_the_handbook_says(tmp_path):
    install, activate, *typed = ten_commands()
    assert (install, activate) == (
        "make .venv/ready",
        "source .venv/bin/activate",
    )  # done: these tests run in it
    for name in ("solutions", "assignments", "lectures"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("nbgrader_config.py", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)

    ended = {}
    for command in typed:
        # one shell for all would be one session; the present folder is all that a session keeps here
        where = tmp_path / "term" if "cd term" in ended else tmp_path
        run = subprocess.run(["bash", "-c", command], cwd=where, capture_output=True, text=True, timeout=600)
        ended[command] = run.returncode
        assert run.returncode == (1 if command.startswith("grader grade") else 0), (
            f"{command}\n{run.stdout}{run.stderr}"
        )
        assert "Traceback" not in run.stderr, command

    term = tmp_path / "term"
    students = sorted(path.name for path in (term / "submitted").iterdir())
    assert len(students) == 24
    assert (term / "assignments" / UNIT / f"{UNIT}.ipynb").is_file()
    assert all((term / "feedback" / student / UNIT / f"{UNIT}.html").is_file() for student in students)
    report = (term / "reports" / f"{UNIT}.html").read_text("utf-8")
    assert all(f'href="../feedback/{student}/{UNIT}/{UNIT}.html"' in report for student in students)
    with next(Path(term).glob("grades_*canvas.csv")).open(encoding="utf-8-sig", newline="") as file:
        rows = [row for row in csv.reader(file) if any("student" in cell for cell in row)]
    assert len(rows) >= 23
