"""The executor seam: every task comes back once with its result, whatever the workers do."""

import os
import random
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import Executor, Future

import pytest

from grader.batch import executor as executor_module
from grader.batch.executor import Pool, Task
from grader.engine.result import Result, Status
from grader.engine.submission import Submission
from grader.errors import CourseError
from grader.progress import Progress


def task(number: int, known: bool = False) -> Task:
    """A task whose key says its number."""
    submission = Submission("toy", (("n", str(number).encode()),))
    return Task(f"s{number}", submission, str(number), answer(submission) if known else None)


def answer(submission: Submission) -> Result:
    """A stand-in for the engine: a pure function of the submission."""
    return Result(key=submission.files[0][1].decode(), unit="toy", status=Status.GRADED)


def jobs(count: int, known=()):
    for number in range(count):
        yield task(number, number in known)


@pytest.mark.skipif(
    not hasattr(os, "sched_getaffinity"), reason="processes cannot be kept on a processor here"
)
def test_every_worker_keeps_to_a_processor_where_none_is_left_over():
    all_of_them = os.sched_getaffinity(0)
    together = threading.Barrier(len(all_of_them))

    def mine(_: int) -> set[int]:
        together.wait(10)
        return os.sched_getaffinity(0)

    with executor_module.local_pool(len(all_of_them)) as pool:
        kept = list(pool.executor.map(mine, range(len(all_of_them))))
    assert sorted(kept, key=min) == [{processor} for processor in sorted(all_of_them)]
    with executor_module.local_pool(1) as pool:
        assert len(all_of_them) == 1 or pool.executor.submit(os.sched_getaffinity, 0).result() == all_of_them


def outcome(count, grade=answer, *, workers=2, known=()):
    return [
        (t.student, r)
        for t, r in executor_module.run(
            jobs(count, known), grade, lambda: executor_module.local_pool(workers)
        )
    ]


@pytest.mark.parametrize("workers", [1, 2, 8])
def test_each_task_comes_back_once_with_its_own_result(workers):
    def slow(submission):
        time.sleep(random.Random(submission.files[0][1]).random() / 100)
        return answer(submission)

    found = outcome(50, slow, workers=workers, known={3, 4, 49})
    assert sorted(found) == sorted((task(n).student, answer(task(n).submission)) for n in range(50))


def test_no_pool_is_opened_where_everything_is_known():
    def refuse():
        raise AssertionError("opened")

    assert len(list(executor_module.run(jobs(20, range(20)), answer, refuse))) == 20


def test_few_tasks_are_under_way_at_once():
    """Memory does not grow with the class: the source is read only as fast as results come."""
    read = []

    def counted():
        for job in jobs(200):
            read.append(job)
            yield job

    for done, _ in enumerate(
        executor_module.run(counted(), answer, lambda: executor_module.local_pool(2)), start=1
    ):
        assert len(read) - done <= executor_module.AHEAD * 2 + 1


def test_a_task_that_fails_is_tried_again_and_then_a_row():
    tries: dict[str, int] = {}
    lock = threading.Lock()

    def moody(submission):
        name = submission.files[0][1].decode()
        with lock:
            tries[name] = tries.get(name, 0) + 1
        if name == "5" or (name == "7" and tries[name] < executor_module.TRIES):
            raise OSError("lost\nworker")
        return answer(submission)

    found = dict(outcome(10, moody))
    assert tries["5"] == tries["7"] == executor_module.TRIES
    assert found["s7"].status is Status.GRADED
    assert found["s5"].status is Status.GRADER_FAILED
    assert found["s5"].key == "5"
    assert "OSError: lost" in found["s5"].reason
    assert "\n" not in found["s5"].reason
    assert {r.status for s, r in found.items() if s != "s5"} == {Status.GRADED}


def test_what_makes_all_grading_impossible_stops_the_class():
    def refuse(_):
        raise CourseError("no isolation here; give --allow-unsandboxed")

    with pytest.raises(CourseError, match="no isolation"):
        outcome(10, refuse)


def test_a_worker_of_another_version_is_one_line():
    with pytest.raises(CourseError, match="another version of the grader"):
        outcome(3, lambda submission: Result("another key", "toy", Status.GRADED))


def test_interrupt_cancels_what_waits():
    started = []

    def slow(submission):
        started.append(submission)
        time.sleep(0.05)
        return answer(submission)

    def interrupted():
        for _ in executor_module.run(jobs(100), slow, lambda: executor_module.local_pool(2)):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    time.sleep(0.2)
    assert len(started) < 2 * executor_module.AHEAD * 2


def test_ctrl_c_is_heeded_between_two_results_and_a_second_one_at_once():
    with executor_module.interrupts_held() as heed:
        results = executor_module.run(jobs(100), answer, lambda: executor_module.local_pool(2), heed)
        next(results)
        signal.raise_signal(signal.SIGINT)  # in the middle of whatever is done with a result
        with pytest.raises(KeyboardInterrupt):
            for _ in results:
                pass
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_ctrl_c_is_heeded_while_a_submission_hangs():
    released, said = threading.Event(), []

    def hang(submission):
        released.wait(30)
        return answer(submission)

    with executor_module.interrupts_held() as heed:

        def told():
            try:
                heed()
            except KeyboardInterrupt:
                said.append(released.is_set())
                released.set()  # as the end of the warm server lets the engine's threads go
                raise

        threading.Timer(0.3, os.kill, [os.getpid(), signal.SIGINT]).start()
        with pytest.raises(KeyboardInterrupt):
            list(executor_module.run(jobs(4), hang, lambda: executor_module.local_pool(1), told))
    assert said == [False]


class Dying(Executor):
    """An executor that loses every third task, as a worker that is killed does."""

    count = 0

    def submit(self, fn, /, *args, **kwargs):
        self.count += 1
        future: Future[Result] = Future()
        if self.count % 3 == 0:
            future.cancel()
            future.set_running_or_notify_cancel()
        else:
            future.set_result(fn(*args, **kwargs))
        return future


def test_lost_tasks_are_given_out_again():
    import contextlib

    executor = Dying()
    found = list(executor_module.run(jobs(30), answer, lambda: contextlib.nullcontext(Pool(executor, 2))))
    assert {r.status for _, r in found} == {Status.GRADED}
    assert len(found) == 30 < executor.count


@pytest.mark.parametrize("workers", [0, -1])
def test_senseless_worker_counts_are_one_line(workers):
    with pytest.raises(CourseError, match="--workers"):
        outcome(1, workers=workers)


def test_no_scheduler_is_one_line(monkeypatch):
    monkeypatch.setattr(executor_module, "_ANSWER", 1.0)
    with (
        pytest.raises(CourseError, match="no Dask scheduler answers") as refusal,
        executor_module.cluster("tcp://127.0.0.1:9"),
    ):
        pass
    assert "\n" not in str(refusal.value)


def slow_answer(submission: Submission) -> Result:
    """Runs on a Dask worker: says which process it was in."""
    time.sleep(0.02)
    return Result(key=submission.files[0][1].decode(), unit=str(os.getpid()), status=Status.GRADED)


def test_a_killed_dask_worker_loses_nothing():
    """Two real worker processes, one of them killed in the middle."""
    from distributed import LocalCluster

    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None, processes=True) as cluster:
        found, killed = [], None
        for t, result in executor_module.run(
            jobs(100), slow_answer, lambda: executor_module.cluster(cluster.scheduler_address)
        ):
            found.append((t.student, result))
            if len(found) == 20:
                killed = int(result.unit)
                os.kill(killed, 9)
    assert sorted(student for student, _ in found) == sorted(f"s{n}" for n in range(100))
    assert {result.status for _, result in found} == {Status.GRADED}
    assert all(result.key == student[1:] for student, result in found)
    assert len({result.unit for _, result in found}) >= 2
    assert found[-1][1].unit != str(killed)


def test_progress_is_plain_lines_without_a_terminal(capsys, monkeypatch):
    monkeypatch.setattr(Progress, "EVERY", 0.0)
    with Progress("grading toy", 4) as bar:
        for _ in range(4):
            bar.advance()
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 4
    assert lines[1].startswith("grading toy: 2 of 4, ")
    assert lines[1].endswith("s left")
    assert "\x1b" not in "".join(lines)


def test_progress_shows_rate_and_time_left_on_a_terminal():
    pty = pytest.importorskip("pty")
    code = (
        "import time\nfrom grader.progress import Progress\n"
        "with Progress('grading toy', 30) as bar:\n    for _ in range(30):\n        time.sleep(0.05); bar.advance()\n"
    )
    main, end = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", code], stderr=end, env={**os.environ, "TERM": "xterm", "COLUMNS": "100"}
    )
    os.close(end)
    text = b""
    try:
        while chunk := os.read(main, 4096):
            text += chunk
    except OSError:  # the other end is closed
        pass
    assert process.wait() == 0
    assert b"30/30" in text
    assert b"/s" in text
    assert b"0:00:0" in text
