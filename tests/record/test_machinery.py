"""Whatever happens to the machinery, the gradebook is that of an undisturbed run."""

import contextlib
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from grader.batch.grade import Options, grade_class
from grader.errors import CourseError
from grader.record.gradebook import Gradebook
from grader.source.course import Course, read_course
from tests.support import books
from tests.support.toycourse import UNIT, make_course

ROOT = Path(__file__).parents[2]
KINDS = ("honest", "wrong", "blank", "garbage")


def hand_in_class(folder, count):
    """A class of `count`, no two submissions alike; its unit is in the gradebook already."""
    course = make_course(folder)
    for number in range(count):
        kind = KINDS[number % len(KINDS)]
        content = (
            f"garbage {number}".encode()
            if kind == "garbage"
            else books.marked(course.notebook(kind), str(number))
        )
        course.hand_in(f"s{number:02d} ü[{number}]", content)
        (folder / "submitted" / f"s{number:02d} ü[{number}]" / UNIT / "timestamp.txt").write_text(
            "2026-01-01 00:00:00 UTC"
        )
    found = read_course(folder)
    Gradebook(found, found.assignment(UNIT)).close()
    return course


def coordinator(folder, *options):
    """A coordinator in a process of its own, with a stand-in for the engine."""
    command = [sys.executable, "-m", "tests.support.standin", str(folder), *map(str, options)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finish(process, code=0):
    out, errors = process.communicate(timeout=300)
    assert process.returncode == code, errors
    return out


def outcome(folder):
    """All that a run leaves for people: gradebook and autograded notebooks."""
    return books.contents(folder), books.notebooks(folder)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """(a class before grading, what an undisturbed run leaves, how many lines of code that run is)."""
    fresh = tmp_path_factory.mktemp("fresh")
    hand_in_class(fresh, 12)
    done = tmp_path_factory.mktemp("done") / "course"
    shutil.copytree(fresh, done)
    lines = int(finish(coordinator(done, "--count")))
    assert lines > 2000
    return fresh, outcome(done), lines


@pytest.mark.parametrize("number", range(20))
def test_killed_anywhere_and_run_again(undisturbed, tmp_path, number):
    """kill -9 at 20 random points (the seed is the test's number), then the same command."""
    fresh, expected, lines = undisturbed
    shutil.copytree(fresh, tmp_path / "course")
    kill_at = random.Random(number).randrange(1, lines)
    finish(coordinator(tmp_path / "course", "--kill-at", kill_at), -signal.SIGKILL)
    finish(coordinator(tmp_path / "course"))
    assert outcome(tmp_path / "course") == expected


def test_killed_again_and_again(undisturbed, tmp_path):
    """Each run is killed a little later than the one before; together they get there."""
    fresh, expected, lines = undisturbed
    shutil.copytree(fresh, tmp_path / "course")
    for kill_at in range(lines // 8, lines, lines // 8):
        process = coordinator(tmp_path / "course", "--kill-at", kill_at)
        process.communicate(timeout=300)
        assert process.returncode in (0, -signal.SIGKILL)
    finish(coordinator(tmp_path / "course"))
    assert outcome(tmp_path / "course") == expected


@pytest.mark.parametrize("seconds", [1.0, 2.5, 4.0])
def test_killed_while_nbgrader_makes_the_gradebook(undisturbed, tmp_path, seconds):
    fresh, expected, _ = undisturbed
    shutil.copytree(fresh, tmp_path / "course")
    (tmp_path / "course" / "gradebook.db").unlink()
    process = coordinator(tmp_path / "course", "--slow", 0.2)
    time.sleep(seconds)
    process.kill()
    process.communicate()
    finish(coordinator(tmp_path / "course"))
    assert outcome(tmp_path / "course") == expected
    books.execute(tmp_path / "course", "UPDATE alembic_version SET version_num = version_num")


def test_two_coordinators(undisturbed, tmp_path):
    """The second one is refused in one line, the first one does not notice."""
    fresh, expected, _ = undisturbed
    shutil.copytree(fresh, tmp_path / "course")
    first = coordinator(tmp_path / "course", "--slow", 0.5)
    lock = tmp_path / "course" / ".grader" / "lock"
    while not (lock.exists() and lock.read_text()):
        time.sleep(0.02)
    with pytest.raises(CourseError, match="another grader is at work here") as refusal:
        grade_class(tmp_path / "course", UNIT, Options(progress=False))
    assert "\n" not in str(refusal.value)
    assert str(first.pid) in str(refusal.value)
    finish(first)
    assert outcome(tmp_path / "course") == expected


@contextlib.contextmanager
def small_disk(where, size):
    """A file system of its own that is soon full; resize(size) gives it room."""
    where.mkdir()
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "none", where], capture_output=True
    ).returncode:
        pytest.skip("a small file system cannot be mounted here (needs root)")
    try:
        yield lambda larger: subprocess.run(["mount", "-o", f"remount,size={larger}", where], check=True)
    finally:
        subprocess.run(["umount", "-l", where], check=True)


@pytest.mark.parametrize("room", [40, 80, 120, 200])
def test_a_full_disk(undisturbed, tmp_path, room):
    """`room` KiB beyond what the class takes: one line, no half-written thing; with more room the same command goes on."""
    fresh, expected, _ = undisturbed
    taken = sum((path.stat().st_size + 4095) // 4096 * 4 for path in fresh.rglob("*") if path.is_file())
    with small_disk(tmp_path / "disk", f"{taken + room}k") as resize:
        shutil.copytree(fresh, tmp_path / "disk" / "course")
        process = coordinator(tmp_path / "disk" / "course")
        _, errors = process.communicate(timeout=300)
        assert process.returncode == 1
        assert errors.splitlines()[-1].startswith("grader.errors.CourseError: ")
        assert "the same command again" in errors.splitlines()[-1]
        assert not [
            path for path in books.notebooks(tmp_path / "disk" / "course").values() if not path.endswith(b"}")
        ]
        resize("20m")
        finish(coordinator(tmp_path / "disk" / "course"))
        assert outcome(tmp_path / "disk" / "course") == expected


# ---------------------------------------------------------------------------------- with the real engine


@pytest.fixture(scope="module")
def real(tmp_path_factory):
    """(a class before grading, what the real engine leaves with 2 workers, its rows)."""
    fresh = tmp_path_factory.mktemp("fresh")
    hand_in_class(fresh, 8)
    done = tmp_path_factory.mktemp("done") / "course"
    shutil.copytree(fresh, done)
    summary = grade_class(done, UNIT, Options(workers=2, progress=False))
    return fresh, outcome(done), summary.rows


@pytest.mark.parametrize("workers", [1, 2, 8])
def test_any_number_of_workers_in_any_order(real, tmp_path, monkeypatch, workers):
    fresh, expected, rows = real
    shutil.copytree(fresh, tmp_path / "course")
    in_order = Course.students

    def shuffled(self, unit):
        names = in_order(self, unit)
        random.Random(workers).shuffle(names)
        return names

    monkeypatch.setattr(Course, "students", shuffled)
    summary = grade_class(tmp_path / "course", UNIT, Options(workers=workers, progress=False))
    assert summary.rows == rows
    assert outcome(tmp_path / "course") == expected


def children(pid):
    """Numbers of the processes that `pid` itself started."""
    return {
        int(child)
        for task in Path(f"/proc/{pid}/task").iterdir()
        for child in (task / "children").read_text().split()
    }


def descendants(pid):
    """(number, start time) of every process below `pid`."""
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError, ValueError):
                fields = (entry / "stat").read_text(errors="replace").rpartition(")")[2].split()
                parents[int(entry.name)] = int(fields[1]), fields[19]
    found, waiting = set(), {pid}
    while waiting:
        children = {child for child, (parent, _) in parents.items() if parent in waiting}
        found |= {(child, parents[child][1]) for child in children}
        waiting = children
    return found


def alive(processes):
    """Those of `processes` that still run."""
    left = set()
    for pid, start in processes:
        with contextlib.suppress(OSError):
            fields = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
            if fields[19] == start and fields[0] != "Z":
                left.add((pid, start))
    return left


def test_the_real_coordinator_killed_leaves_no_process_and_loses_nothing(real, tmp_path):
    fresh, expected, _ = real
    shutil.copytree(fresh, tmp_path / "course")
    code = f"from pathlib import Path; from grader.batch.grade import Options, grade_class; grade_class(Path({str(tmp_path / 'course')!r}), {UNIT!r}, Options(workers=2, progress=False))"
    for done in (1, 4):
        process = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT)
        while books.count_results(tmp_path / "course") < done:
            assert process.poll() is None
            time.sleep(0.02)
        started = descendants(process.pid)
        assert started
        process.kill()
        process.wait()
        deadline = time.monotonic() + 20
        while alive(started) and time.monotonic() < deadline:
            time.sleep(0.1)
        assert not alive(started)
    summary = grade_class(tmp_path / "course", UNIT, Options(workers=2, progress=False))
    assert summary.graded_now < len(summary.rows)
    assert outcome(tmp_path / "course") == expected


def test_the_warm_server_killed_in_the_middle_costs_nothing(real, tmp_path):
    fresh, expected, _ = real
    shutil.copytree(fresh, tmp_path / "course")
    code = f"from pathlib import Path; from grader.batch.grade import Options, grade_class; print(grade_class(Path({str(tmp_path / 'course')!r}), {UNIT!r}, Options(workers=2, progress=False)).graded_now)"
    process = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    while books.count_results(tmp_path / "course") < 2:
        assert process.poll() is None
        time.sleep(0.02)
    (server,) = children(process.pid)
    os.kill(server, signal.SIGKILL)
    out, _ = process.communicate(timeout=300)
    assert process.returncode == 0
    assert int(out) == len(real[2])
    assert outcome(tmp_path / "course") == expected


def test_a_class_on_a_cluster_with_a_killed_worker(real, tmp_path):
    """A Dask cluster of two worker processes, one killed in the middle: the same rows, gradebook and notebooks."""
    from distributed import LocalCluster

    fresh, expected, rows = real
    shutil.copytree(fresh, tmp_path / "course")
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None, processes=True) as cluster:
        victim = next(iter(cluster.workers.values())).process.process.pid
        killer = subprocess.Popen(
            [
                sys.executable,
                "-c",
                f"import os, time\nfrom pathlib import Path\nfrom tests.support import books\nwhile not books.count_results(Path({str(tmp_path / 'course')!r})): time.sleep(0.01)\nos.kill({victim}, 9)",
            ],
            cwd=ROOT,
        )
        summary = grade_class(
            tmp_path / "course", UNIT, Options(scheduler=cluster.scheduler_address, progress=False)
        )
        assert killer.wait(timeout=60) == 0
        assert not os.path.exists(f"/proc/{victim}")
    assert summary.rows == rows
    assert summary.graded_now == len(rows)
    assert outcome(tmp_path / "course") == expected
