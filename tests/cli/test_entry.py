"""What `grader` does before it has read its command line."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from grader.cli import entry


@pytest.mark.parametrize(
    ("words", "new"),
    [
        ("grade 05_momentum", True),
        ("grade 05_momentum/", True),
        ("grade --course there 05_momentum", True),
        ("grade 04_graded", False),
        ("grade 04_graded/ --workers 2", False),
        ("grade 04_graded --course there", True),
        ("grade 06_there --course there", False),
        ("grade 05_momentum --scheduler tcp://host:1", False),
        ("grade --help", False),
        ("check 05_momentum", False),
        ("", False),
    ],
)
def test_a_class_that_was_never_graded_is_seen_before_the_command_line_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: str, new: bool
) -> None:
    (tmp_path / "autograded" / "ann" / "04_graded").mkdir(parents=True)
    (tmp_path / "there" / "autograded" / "ann" / "06_there").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    assert entry._is_new(words.split()) is new


def test_the_warm_server_is_on_its_way_before_the_command_line_is_imported(tmp_path: Path) -> None:
    code = """
import sys
from grader.sandbox import forkserver
def server(program):
    print(program, "typer" in sys.modules)
forkserver.server = server
from grader.cli import entry
sys.argv = ["grader", "grade", "05_momentum"]
entry.main()
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert done.stdout.splitlines() == ["grader.engine.preload False"]
    assert done.returncode == 2 and len(done.stderr.splitlines()) == 1  # no course here: said as ever
