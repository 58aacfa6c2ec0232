"""The journal: results survive crashes, torn lines and full disks; one process at a time holds a course."""

import json
import os
import resource
import subprocess
import sys

import pytest

from grader.engine.result import NotebookResult, Result, Status, TestResult, Verdict
from grader.errors import CourseError
from grader.record.journal import Journal
from grader.source.lock import hold


def result(name: str, points: float = 1.0) -> Result:
    """A result under a key made from `name`."""
    key = name.encode().hex().ljust(64, "0")
    test = TestResult("test_a", Verdict.PASSED, points, 2.0, message='quotes " and ünïcode\n')
    return Result(key, "toy", Status.GRADED, notebooks=(NotebookResult("toy", (test,)),), incidents=("one",))


def test_results_come_back_after_reopening(tmp_path):
    path = tmp_path / "state" / "toy.journal"
    journal = Journal(path)
    for name in ("ann", "bob", 'x"result": {}'):
        journal.append(name, result(name))
    journal.close()
    again = Journal(path)
    assert again.get(result("bob").key) == result("bob")
    assert again.get(result('x"result": {}').key) == result('x"result": {}')
    assert again.get(result("nobody").key) is None
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line["student"] for line in lines] == ["ann", "bob", 'x"result": {}']


def test_the_later_of_two_results_wins(tmp_path):
    path = tmp_path / "toy.journal"
    journal = Journal(path)
    journal.append("ann", result("ann", 0.0))
    journal.append("ann", result("ann", 2.0))
    assert journal.get(result("ann").key) == result("ann", 2.0)
    journal.close()
    assert Journal(path).get(result("ann").key) == result("ann", 2.0)


@pytest.mark.parametrize("cut", [1, 2, 50, 300])
def test_a_torn_last_line_is_dropped_and_its_place_used_again(tmp_path, cut):
    path = tmp_path / "toy.journal"
    journal = Journal(path)
    journal.append("ann", result("ann"))
    journal.append("bob", result("bob"))
    journal.close()
    whole = path.read_bytes()
    path.write_bytes(whole[:-cut])
    torn = Journal(path)
    assert torn.get(result("ann").key) == result("ann")
    assert torn.get(result("bob").key) is None
    torn.append("bob", result("bob"))
    torn.close()
    assert path.read_bytes() == whole


def test_damage_inside_loses_only_the_damaged_lines(tmp_path):
    path = tmp_path / "toy.journal"
    journal = Journal(path)
    for name in ("ann", "bob", "cleo"):
        journal.append(name, result(name))
    journal.close()
    lines = path.read_bytes().splitlines(keepends=True)
    lines[1] = lines[1][:100] + b"\0" * (len(lines[1]) - 103) + lines[1][-3:]
    path.write_bytes(b"".join(lines))
    again = Journal(path)
    assert again.get(result("ann").key) == result("ann")
    assert again.get(result("bob").key) is None
    assert again.get(result("cleo").key) == result("cleo")


def test_a_full_disk_raises_and_leaves_the_journal_as_it_was(tmp_path):
    """RLIMIT_FSIZE makes write() fail in the middle of a line, as a full disk does."""
    path = tmp_path / "toy.journal"
    journal = Journal(path)
    journal.append("ann", result("ann"))
    before = path.read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 40, hard))
    try:
        with pytest.raises(OSError):
            journal.append("bob", result("bob"))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert path.read_bytes() == before
    journal.append("bob", result("bob"))
    assert journal.get(result("bob").key) == result("bob")


def test_a_second_coordinator_is_refused_in_one_line_and_the_lock_dies_with_its_owner(tmp_path):
    state = tmp_path / "course" / ".grader"
    code = f"import time; from pathlib import Path; from grader.source.lock import hold\nwith hold(Path({str(state)!r})): print('held', flush=True); time.sleep(60)"
    other = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    try:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with pytest.raises(CourseError) as refusal, hold(state):
            pass
        assert str(other.pid) in str(refusal.value)
        assert "\n" not in str(refusal.value)
    finally:
        other.kill()
        other.wait()
    with hold(state):
        assert (state / "lock").read_text() == str(os.getpid())
