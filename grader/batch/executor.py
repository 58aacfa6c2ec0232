"""A class's submissions through a `concurrent.futures.Executor`: threads of this machine, or a Dask cluster.

A thread here only waits for the engine's own processes. A task that a lost worker took with it is given out again; a task may
thus run twice, which changes nothing, because grading is a pure function.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import signal
import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass

from grader.engine.result import Result, Status
from grader.engine.submission import Submission
from grader.errors import CourseError
from grader.sandbox import forkserver

TRIES = 3
"""How often a task is given out before its row says that the grader failed."""
AHEAD = 3
"""Tasks under way for each worker: enough that none waits for us, few enough that memory does not grow with the class."""
_LOOK_UP = 0.2
"""Seconds between two looks at whether Ctrl-C was pressed."""
_ANSWER = 10.0
"""Seconds that a Dask scheduler has to answer."""
Grade = Callable[[Submission], Result]


@dataclass(frozen=True)
class Task:
    """One submission. `key` names its result (see `grader.engine.grade`); `known` is that result where it is there already."""

    student: str
    submission: Submission
    key: str
    known: Result | None = None


@dataclass(frozen=True)
class Pool:
    """An executor and the number of tasks that it works on at once."""

    executor: Executor
    width: int


@contextlib.contextmanager
def local_pool(workers: int | None) -> Iterator[Pool]:
    """`workers` threads (one for each processor that we may use by default)."""
    processors = forkserver.processors()
    width = workers if workers is not None else len(processors)
    if width < 1:
        raise CourseError(f"--workers {workers}: give 1 or more")
    free = itertools.cycle(processors)

    def settle() -> None:
        """Keep this thread, and with it the two processes that it starts for a submission, on one processor: they take turns,
        and waking the other one elsewhere would cost a tenth of all time. Not where a processor would be left over."""
        if width >= len(processors) and hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(0, {next(free)})

    executor = ThreadPoolExecutor(width, thread_name_prefix="grade", initializer=settle)
    try:
        yield Pool(executor, width)
    except BaseException:
        with forkserver.stopped():  # what is being graded ends at once
            executor.shutdown(wait=True, cancel_futures=True)
        raise
    executor.shutdown()


@contextlib.contextmanager
def interrupts_held() -> Iterator[Callable[[], None]]:
    """Hold Ctrl-C back until the function that this yields is called, which then raises KeyboardInterrupt: no file is left
    half-written. A second Ctrl-C raises at once.

    Not held back, it could arrive in a callback of SQLite's or the collector's, where Python prints it and goes on.
    """
    pressed = 0

    def note(*_: object) -> None:
        nonlocal pressed
        pressed += 1
        if pressed > 1:
            raise KeyboardInterrupt

    def heed() -> None:
        if pressed:
            raise KeyboardInterrupt

    before = signal.getsignal(signal.SIGINT)
    # signals are the main thread's; and a shell's background job is to go on
    if threading.current_thread() is not threading.main_thread() or before is signal.SIG_IGN:
        yield heed
        return
    signal.signal(signal.SIGINT, note)
    try:
        yield heed
    finally:
        signal.signal(signal.SIGINT, before or signal.SIG_DFL)


@contextlib.contextmanager
def cluster(address: str) -> Iterator[Pool]:
    """The workers of the Dask scheduler at `address` (tcp://host:port). Raises CourseError where none answers."""
    try:
        from distributed import Client
    except ImportError as error:
        raise CourseError("--scheduler needs Dask: pip install 'trainlab[cluster]'") from error
    try:
        client = Client(address, timeout=_ANSWER, set_as_default=False)
    except (OSError, ValueError) as error:  # a timeout is an OSError
        reason = f"no Dask scheduler answers at {address}; start one with `dask scheduler`"
        raise CourseError(reason) from error
    with client:
        width = sum(client.nthreads().values())
        if not width:
            raise CourseError(
                f"the Dask scheduler at {address} has no workers; start one with `dask worker {address}`"
            )
        executor = client.get_executor(pure=False)
        try:
            yield Pool(executor, width)
        finally:
            executor.shutdown(wait=False)


def run(
    tasks: Iterable[Task],
    grade: Grade,
    open_pool: Callable[[], contextlib.AbstractContextManager[Pool]],
    heed: Callable[[], None] = lambda: None,
) -> Generator[tuple[Task, Result], None, None]:
    """Each task with its result, in the order in which results come. A task whose result is known passes straight through.

    The pool is opened for the first task that needs it. A task that the grader fails at is given out again, TRIES times in all.
    `heed` is called again and again, to raise where somebody wants an end.
    Raises CourseError where the engine says that nothing can be graded here.
    """
    under_way: dict[Future[Result], tuple[Task, int]] = {}
    with contextlib.ExitStack() as stack:
        pool: Pool | None = None

        def give_out(task: Task, tries: int) -> None:
            assert pool is not None
            under_way[pool.executor.submit(grade, task.submission)] = (task, tries)

        def gather() -> Iterator[tuple[Task, Result]]:
            while not (done := wait(under_way, _LOOK_UP, FIRST_COMPLETED).done):
                heed()
            for future in done:
                task, tries = under_way.pop(future)
                try:
                    result = future.result()
                except CourseError:
                    raise
                except Exception as error:  # also a worker that was lost, with all that it had taken on
                    result = failed(task, f"{type(error).__name__}: {error}")
                if result.status is Status.GRADER_FAILED and tries < TRIES:
                    give_out(task, tries + 1)
                    continue
                if result.key != task.key:
                    raise CourseError(
                        "a worker has another version of the grader than this process; install the same one"
                    )
                yield task, result

        for task in tasks:
            heed()
            if task.known is not None:
                yield task, task.known
                continue
            if pool is None:
                pool = stack.enter_context(open_pool())
            while len(under_way) >= AHEAD * pool.width:
                yield from gather()
            give_out(task, 1)
        while under_way:
            heed()
            yield from gather()


def failed(task: Task, error: str) -> Result:
    """The result that says: our fault, not the student's."""
    reason = f"the grader failed ({error.splitlines()[0][:300]}); grade it again"
    return Result(key=task.key, unit="", status=Status.GRADER_FAILED, reason=reason)
