"""The grader's state: results survive crashes, damage and full disks; what earlier versions kept is read; one process at a time holds a course."""

import contextlib
import json
import os
import resource
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
import tracemalloc
from dataclasses import asdict, replace

import pytest

from grader.batch.grade import Options, grade_class
from grader.engine import grade as engine
from grader.engine.result import NotebookResult, Result, Status, TestResult, Verdict
from grader.errors import CourseError
from grader.record.edits import CellDigest, Snapshot, snapshot
from grader.record.journal import Journal, Move, Release, TestMove
from grader.release.release import release
from grader.source.course import read_course
from grader.source.lock import hold
from tests.support import books
from tests.support.standin import stand_in
from tests.support.toycourse import UNIT, make_course, own_version

NOW = Snapshot({"test_a": CellDigest("test", 2.0, "a" * 16, "b" * 16)}, {"data.csv": "c" * 16})


def result(name: str, points: float = 1.0) -> Result:
    """A result under a key made from `name`."""
    key = name.encode().hex().ljust(64, "0")
    test = TestResult("test_a", Verdict.PASSED, points, 2.0, message='quotes " and ünïcode\n')
    return Result(key, "toy", Status.GRADED, notebooks=(NotebookResult("toy", (test,)),), incidents=("one",))


@pytest.fixture
def journal(tmp_path):
    with contextlib.closing(Journal(tmp_path / "state")) as opened:
        yield opened


def reopened(journal):
    journal.close()
    return Journal(journal.path.parent)


def test_results_come_back_after_reopening(journal):
    for name in ("ann", "bob", 'x"result": {}', "\udcff"):
        journal.append(name, result(ascii(name)), NOW)
    again = reopened(journal)
    assert again.get(result("'bob'").key) == result("'bob'")
    assert again.get(result(ascii("\udcff")).key) == result(ascii("\udcff"))
    assert again.get(result("nobody").key) is None
    assert again.snapshot(result("'ann'").key) == NOW
    assert again.taken_over == 0


def test_the_later_of_two_results_wins(journal):
    journal.append("ann", result("ann", 0.0), NOW)
    journal.append("ann", result("ann", 2.0), NOW)
    assert journal.get(result("ann").key) == result("ann", 2.0)
    assert reopened(journal).get(result("ann").key) == result("ann", 2.0)


def test_a_release_and_a_move_come_back(journal):
    done = Release("2026-01-01", "https://x", ("toy.ipynb", "data.csv"), NOW)
    assert journal.released("toy") is None
    journal.append_release("toy", done)
    journal.append_release("other", replace(done, released="2025"))
    tests = (TestMove("test_a", None, "passed", 0.0, 2.0),)
    move = Move("ann", None, 2.0, Status.GRADED, "handed in again", tests)
    for _ in range(2):  # as after a crash between the move and the gradebook
        journal.append_move("toy", move, result("old"), result("new"))
    journal.append_move("toy", move, result("new"), result("old"))
    journal.append_move("toy", move, result("old"), result("new"))
    again = reopened(journal)
    assert again.released("toy") == done
    keys = again._db.execute("SELECT old_key, new_key FROM moves ORDER BY time").fetchall()
    old, new = result("old").key, result("new").key
    assert keys == [(old, new), (new, old), (old, new)]


def test_only_the_owner_can_read_it(journal):
    assert stat.S_IMODE(journal.path.stat().st_mode) == 0o600


@pytest.mark.parametrize("when", range(4))
def test_killed_while_writing_leaves_what_was_there(journal, when):
    """kill -9 when SQLite is about to run the n-th statement of an append: all of it is there afterwards, or nothing."""
    journal.append("ann", result("ann"), NOW)
    journal.close()
    code = f"""
import os
from pathlib import Path
from tests.record.test_journal import *
journal = Journal(Path({str(journal.path.parent)!r}))
seen = []
def count(statement):
    seen.append(statement)
    if len(seen) > {when}:
        os.kill(os.getpid(), 9)
journal._db.set_trace_callback(count)
journal.append("bob", result("bob"), replace(NOW, files={{}}))
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=os.getcwd())
    assert done.returncode == -signal.SIGKILL
    again = Journal(journal.path.parent)
    assert again.get(result("ann").key) == result("ann")
    assert again.get(result("bob").key) is None
    assert again._db.execute("SELECT count(*) FROM snapshots").fetchone() == (1,)
    again.append("bob", result("bob"), NOW)
    assert again.get(result("bob").key) == result("bob")


def test_a_damaged_result_counts_as_none(journal):
    for name in ("ann", "bob"):
        journal.append(name, result(name), NOW)
    journal._db.execute("UPDATE results SET result = substr(result, 9) WHERE student = 'ann'")
    assert journal.get(result("ann").key) is None
    assert journal.get(result("bob").key) == result("bob")


def test_a_damaged_database_is_one_line(journal):
    journal.append("ann", result("ann"), NOW)
    journal.close()
    journal.path.write_bytes(b"no database" * 1000)
    with pytest.raises(CourseError, match="move it away") as failure:
        Journal(journal.path.parent)
    assert "\n" not in str(failure.value)


def test_a_full_disk_raises_and_leaves_the_journal_as_it_was(journal):
    """RLIMIT_FSIZE makes write() fail, as a full disk does."""
    journal.append("ann", result("ann"), NOW)
    large = replace(result("bob"), reason="x" * 10**6)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (journal.path.stat().st_size + 40, hard))
    try:
        with pytest.raises(OSError):
            journal.append("bob", large, NOW)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert journal.get(result("ann").key) == result("ann")
    assert journal.get(result("bob").key) is None
    journal.append("bob", large, NOW)
    assert reopened(journal).get(result("bob").key) == large


def test_memory_does_not_grow_with_the_results(journal):
    text = "x" * 10_000

    def grow(first, last):
        for number in range(first, last):
            journal.append(f"s{number}", replace(result(f"s{number}"), reason=text), NOW)
            assert journal.get(result(f"s{number}").key) is not None

    grow(0, 20)
    tracemalloc.start()
    try:
        grow(20, 120)
        assert tracemalloc.get_traced_memory()[0] < 100_000  # the results are a megabyte
    finally:
        tracemalloc.stop()


# --- what earlier versions kept: text files for each unit


def as_earlier(folder):
    """Turn the state of a graded course into the text files that earlier versions kept; two lines of the journal are damaged."""
    state = folder / ".grader"
    results = books.state(folder, "SELECT student, result FROM results ORDER BY student")
    lines = []
    for student, text in results:
        found = json.loads(text)
        lines.append(json.dumps({"key": found["key"], "student": student, "result": found}))
    torn, nul = lines[0][:200], lines[0][:100] + "\0" * 50
    with contextlib.closing(Journal(state)) as journal:
        kept = journal.released(UNIT)
        assert kept is not None
        columns = "student, before, after, status, why, tests, old_key, new_key, time"
        moves = journal._db.execute(f"SELECT {columns} FROM moves").fetchall()
    record = {"released": kept.released, "repository": kept.repository, **asdict(kept.snapshot)}
    record["handed_out"] = dict.fromkeys(kept.handed_out, "0" * 16)
    (state / f"{UNIT}.release.json").write_text(json.dumps(record, indent=1))
    entries = [
        {**dict(zip(("student", "before", "after", "status", "why"), move, strict=False)), "tests": json.loads(move[5]), "keys": list(move[6:8]), "time": move[8]}
        for move in moves
    ]  # fmt: skip
    (state / f"{UNIT}.moves.jsonl").write_text("".join(json.dumps(entry) + "\n" for entry in entries))
    (state / "state.db").unlink()
    (state / f"{UNIT}.journal").write_text("\n".join([nul, "[]", *lines, torn]))
    return len(lines)


@pytest.fixture(scope="module")
def earlier(tmp_path_factory):
    """A course as an earlier version left it: released, graded, one handed in again, manual scores and extra time."""
    folder = tmp_path_factory.mktemp("earlier") / "course"
    course = make_course(folder)
    release(folder, UNIT)
    for student in ("ann", "bob", "cleo"):
        course.hand_in(student, books.marked(course.notebook("honest"), student))
    (folder / "extensions.csv").write_text(f"student,unit,hours\nbob,{UNIT},24\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine, "grade", stand_in)
        patch.setattr(engine, "ENGINE_VERSION", "stand-in")
        books.execute(folder, "UPDATE assignment SET duedate = '2026-03-01 12:00:00.000000'")
        grade_class(folder, UNIT, Options(progress=False))
        course.hand_in("cleo", books.marked(course.notebook("honest"), "cleo again"))
        assert grade_class(folder, UNIT, Options(progress=False)).moves
    books.execute(folder, "UPDATE grade SET manual_score = 1.25, needs_manual_grade = 0")
    books.execute(folder, "UPDATE comment SET manual_comment = 'seen'")
    return folder, as_earlier(folder)


EXTRA = "SELECT student_id, extension FROM submitted_assignment WHERE extension IS NOT NULL"


def test_a_course_of_an_earlier_version_is_graded_without_a_loss(earlier, tmp_path, monkeypatch):
    folder, count = shutil.copytree(earlier[0], tmp_path / "course"), earlier[1]
    before, papers = books.contents(folder), books.notebooks(folder)

    def grade_no_student(submission, *args, **kwargs):
        assert own_version(submission.notebooks[UNIT]), "graded again"
        return stand_in(submission, *args, **kwargs)

    monkeypatch.setattr(engine, "grade", grade_no_student)
    monkeypatch.setattr(engine, "ENGINE_VERSION", "stand-in")
    summary = grade_class(folder, UNIT, Options(progress=False))
    (line,) = summary.warnings
    assert line.startswith(f"{count} results of an earlier version of the grader were taken over")
    assert "\n" not in line
    assert (summary.graded_now, summary.moves) == (0, ())
    assert (books.contents(folder), books.notebooks(folder)) == (before, papers)
    assert [move[0] for move in books.moves(folder)] == ["cleo"]
    assert sorted(path.name for path in (folder / ".grader").iterdir()) == ["lock", "state.db"]
    with contextlib.closing(Journal(folder / ".grader")) as journal:
        kept = journal.released(UNIT)
        assert kept is not None
    assert kept.handed_out == (f"{UNIT}.ipynb",)
    assert kept.snapshot == snapshot(read_course(folder).assignment(UNIT))
    assert grade_class(folder, UNIT, Options(progress=False)).warnings == ()
    assert not release(folder, UNIT).changed


def test_another_engine_grades_it_again_and_says_whose_score_moved(earlier, tmp_path):
    folder = shutil.copytree(earlier[0], tmp_path / "course")
    with sqlite3.connect(folder / "gradebook.db") as db:
        extra = db.execute(EXTRA).fetchall()
    summary = grade_class(folder, UNIT, Options(progress=False))
    assert "graded again" in summary.warnings[0]
    assert summary.graded_now == 3
    assert summary.moves
    assert {move.why for move in summary.moves} == {
        "another version of the grader, its limits or the unit's bank"
    }
    assert all(row.score == 7.0 for row in summary.rows)
    with sqlite3.connect(folder / "gradebook.db") as db:
        assert db.execute(EXTRA).fetchall() == extra
        assert len(extra) == 1
        assert {score for (score,) in db.execute("SELECT manual_score FROM grade")} == {1.25}
        assert {text for (text,) in db.execute("SELECT manual_comment FROM comment")} == {"seen"}


def test_killed_while_taking_over_reads_it_again(earlier, tmp_path, monkeypatch):
    """The text files go last, so what was read twice is there once."""
    folder, count = shutil.copytree(earlier[0], tmp_path / "course"), earlier[1]
    with monkeypatch.context() as patch:
        patch.setattr("pathlib.Path.unlink", lambda self: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            Journal(folder / ".grader")
    with contextlib.closing(Journal(folder / ".grader")) as journal:
        assert journal.taken_over == count
    assert books.count_results(folder) == count
    assert len(books.moves(folder)) == 1


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
