"""The corpus of tests/hostile, graded once, inside an honest class; every case is looked at by itself.

A case holds when its expectation holds and, whatever it did: it ends in time; no process, file or connection of it is
left when it has been graded; no planted secret stands in anything that students see, and none of the machine's in
anything at all; what it put out is bounded, valid and inert. `pytest -k NAME` grades a class of that case.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import json
import os
import re
import shutil
import socket
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import nbformat
import pytest

from grader.batch.grade import ClassSummary, Options, grade_class
from grader.engine import grade as engine
from grader.engine import misconceptions
from grader.engine.grade import grade
from grader.engine.rehearsal import rehearse
from grader.engine.result import NotebookResult, Result, Status, Verdict
from grader.engine.submission import read_submission
from grader.pages.feedback import write_feedback
from grader.record.journal import Journal
from grader.sandbox import forkserver
from grader.sandbox.limits import Limits
from grader.source.bank import WrongAnswer
from grader.source.notebook import Assignment, Cell, Exercise, Role, read_assignment
from tests import hostile
from tests.hostile import between, further, held
from tests.hostile.case import FULL, TIGHT, Case, World, code, edited, with_cells
from tests.hostile.course import INPUT_TOKEN, make_world, token
from tests.hostile.secrets import TOKEN, snoop
from tests.support.toycourse import Course

LIMITS = Limits(
    cell_seconds=20, test_seconds=10, notebook_seconds=60, cpu_seconds=30, memory=2**30, scratch=64 * 2**20
)
"""Generous in time, because the machine may be busy; cases that hang bring tighter ones."""
KEPT = {"text/plain", "image/png", "image/jpeg"}
"""Forms of output that are inert in a browser."""


# --- the machine that is attacked -------------------------------------------------------------------------------------


@dataclass
class Machine:
    """A course with planted secrets, listeners that nobody should reach, and what must not change."""

    course: Course
    world: World
    assignment: Assignment
    tokens: dict[str, str]
    reached: list[str] = field(default_factory=list)
    baseline: set[tuple[int, str]] = field(default_factory=set)
    marks: dict[str, object] = field(default_factory=dict)
    classes: list[Path] = field(default_factory=list)  # folders of the courses in which cases are graded

    def hand_in(self, case: Case) -> Path:
        """Make the submission of a case; returns its folder."""
        folder = self.course.folder / "submitted" / case.name / self.world.unit
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        case.make(self.world, folder)
        return folder


def _make_readable(folder: Path) -> None:
    for path in folder.rglob("*"):
        if path.is_dir() and not path.is_symlink():
            path.chmod(0o755)


def descendants(others: Collection[int] = ()) -> set[tuple[int, str]]:
    """(pid, start time) of every live process below this one but `others` and what is below them; we are the reaper of orphans."""
    parents: dict[int, tuple[int, str]] = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            fields = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
            if fields[0] not in "ZX":
                parents[int(pid)] = int(fields[1]), fields[19]
    found: set[tuple[int, str]] = set()
    grown = True
    family = {os.getpid()}
    while grown:
        more = {
            pid for pid, (parent, _) in parents.items() if parent in family and pid not in {*family, *others}
        }
        family |= more
        grown = bool(more)
    found.update((pid, parents[pid][1]) for pid in family if pid != os.getpid())
    return found


def settle(
    allowed: set[tuple[int, str]],
    seconds: float = 5.0,
    others: Callable[[], Collection[int]] = tuple,
) -> set[tuple[int, str]]:
    """Processes beyond `allowed`, and those below `others`, that are still there after some seconds."""
    end = time.monotonic() + seconds
    while (left := descendants(others()) - allowed) and time.monotonic() < end:
        time.sleep(0.02)
    return left


PLANTED = (
    *(
        "sitecustomize.py",
        "usercustomize.py",
        "e3_hostile.py",
        "e3_hostile.pth",
        "numpy.pth",
        "numpy.py",
        "conftest.py",
    ),
    *(
        "grader",
        "trainlab",
        ".pythonrc.py",
        ".ipython/profile_default/startup/00.py",
        ".config/matplotlib/matplotlibrc",
    ),
    *(
        "kept",
        "fill0",
        "e3_escaped.txt",
        "e3_owned",
        "escaped.txt",
        "e3_hostile",
        ".jupyter/jupyter_config.py",
    ),
)
"""Names that the corpus's submissions try to write outside of their folder."""


def fingerprint(machine: Machine) -> dict[str, object]:
    """What a submission must not be able to change on this machine (others work on it too, so no whole listings)."""
    import numpy

    packages = Path(numpy.__file__).parent.parent
    homes = (
        Path.home(),
        packages,
        Path("/tmp"),
        Path("/dev/shm"),
        machine.course.folder,
        Path("/var/tmp"),
        Path("/"),
        *machine.classes,
    )
    state: dict[str, object] = {
        "planted files": [
            str(home / name) for home in homes for name in PLANTED if os.path.lexists(home / name)
        ],
        "packages": os.stat(numpy.__file__).st_mtime_ns,
        "host name": socket.gethostname(),
    }
    for name, path in machine.world.paths.items():
        state[name] = path.read_bytes() if path.is_file() else sorted(os.listdir(path))
    return state


def _listen(machine_reached: list[str], facts: dict[str, str], tmp: Path) -> list[socket.socket]:
    """Servers on loopback and Unix sockets; whoever says something to them is noted."""
    open_sockets: list[socket.socket] = []

    def serve(sock: socket.socket, name: str, datagrams: bool) -> None:
        while True:
            try:
                if datagrams:
                    data = sock.recvfrom(100)[0]
                else:
                    peer = sock.accept()[0]
                    data = peer.recv(100)
                    peer.sendall(facts["loopback_token"].encode())
                    peer.close()
                machine_reached.append(f"{name}: {data!r}")
            except OSError:
                return

    def start(family: int, kind: int, address: Any, name: str) -> None:
        with contextlib.suppress(OSError):
            sock = socket.socket(family, kind)
            sock.bind(address)
            if kind == socket.SOCK_STREAM:
                sock.listen()
            open_sockets.append(sock)
            if name in ("tcp", "tcp6", "udp"):
                facts[name] = str(sock.getsockname()[1])
            threading.Thread(target=serve, args=(sock, name, kind == socket.SOCK_DGRAM), daemon=True).start()

    facts |= {
        "tcp": "9",
        "tcp6": "9",
        "udp": "9",
        "abstract": f"trainlab-{os.getpid()}",
        "unix": f"/tmp/trainlab-{os.getpid()}.sock",
    }
    facts["loopback_token"] = token("loopback")
    start(socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 0), "tcp")
    start(socket.AF_INET6, socket.SOCK_STREAM, ("::1", 0), "tcp6")
    start(socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", 0), "udp")
    start(socket.AF_UNIX, socket.SOCK_STREAM, "\0" + facts["abstract"], "abstract")
    start(socket.AF_UNIX, socket.SOCK_STREAM, facts["unix"], "unix")
    return open_sockets


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """The course, the planted secrets and the listeners; the processes that are there when the engine is warm."""
    root = tmp_path_factory.mktemp("hostile")
    libc = ctypes.CDLL(None)
    libc.prctl(
        36, 1, 0, 0, 0
    )  # PR_SET_CHILD_SUBREAPER: orphans of the engine come to us, so that we see them
    kinds = ("hidden", "input", "other", "gradebook", "environment", "home", "tmp", "memory", "course")
    tokens = {kind: token(kind) for kind in kinds}
    os.environ["TRAINLAB_HOSTILE_SECRET"] = tokens["environment"]
    home_file, tmp_file = Path.home() / f".trainlab-{os.getpid()}", Path(f"/tmp/trainlab-{os.getpid()}.txt")
    other = root / "submitted" / "another-student" / "toy" / "toy.ipynb"
    paths = {
        "other": other,
        "gradebook": root / "gradebook.db",
        "home_file": home_file,
        "tmp_file": tmp_file,
        "config": root / "nbgrader_config.py",
    }
    facts = {
        "pid": str(os.getpid()),
        "namespaces": repr([os.stat(f"/proc/self/ns/{kind}").st_ino for kind in ("pid", "mnt")]),
        "nearly_a_cell": "0.8",
        "nearly_a_test": "0.4",
    }
    reached: list[str] = []
    sockets = _listen(reached, facts, root)
    source = root / "solutions" / "toy" / "toy.ipynb"
    facts |= {
        name: str(path) for name, path in {**paths, "source": source, "source_folder": source.parent}.items()
    }
    facts["targets"] = repr([str(path) for path in (*paths.values(), source)])
    facts["planted"] = " ".join(str(path) for path in (*paths.values(), source))
    for name, path in paths.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        kind = {"home_file": "home", "tmp_file": "tmp", "config": "course"}.get(name, name)
        path.write_text(f"# {tokens[kind]}\n")
    course, world = make_world(
        root, facts, {**paths, "source_folder": source.parent}, tokens["hidden"], tokens["input"]
    )
    bent = json.loads(json.dumps(world.honest))
    bent["cells"][0]["source"] += tokens["other"]
    other.write_text(json.dumps(bent))
    held = Machine(course, world, course.assignment, tokens, reached)
    try:
        first = grade(read_submission(held.hand_in(HONEST), world.unit), held.assignment, LIMITS)
        if first.status is Status.GRADER_FAILED:
            pytest.fail(f"the honest submission: {first.reason}")
        settle(set(), 0.5)
        held.baseline = descendants()
        held.marks = fingerprint(held)
        yield held
    finally:
        for sock in sockets:
            sock.close()
        for path in (home_file, tmp_file, Path(facts["unix"])):
            path.unlink(missing_ok=True)
        os.environ.pop("TRAINLAB_HOSTILE_SECRET", None)
        with contextlib.suppress(OSError):
            _make_readable(root)


HONEST = next(case for heading, case in hostile.CASES if case.name == "the_honest_notebook")


# --- what must hold ---------------------------------------------------------------------------------------------------


def shown_to_students(result: Result) -> str:
    """Everything of a result that may reach the student."""
    parts: list[object] = [result.reason]
    for notebook in result.notebooks:
        parts += [outputs for _, outputs in notebook.outputs]
        parts += [test.message for test in notebook.tests if test.public]
    return json.dumps(parts, ensure_ascii=False)


def unexpected(result: Result, case: Case, machine: Machine, seconds: float) -> list[str]:
    """What is wrong with the outcome of a case; nothing where all is well."""
    expect, wrong = case.expect, []
    tests = {test.id: test for notebook in result.notebooks for test in notebook.tests}
    full = [
        all(name in tests and tests[name].verdict is Verdict.PASSED for name in names)
        for names in machine.world.tests
    ]
    if result.status is Status.GRADER_FAILED:
        wrong.append(f"the grader failed: {result.reason}")
    if expect.status is not None and result.status is not expect.status:
        wrong.append(f"status {result.status}: {result.reason}")
    if result.status is not Status.GRADED and (result.score or not result.reason):
        wrong.append(f"no score needs a reason: {result.score}, {result.reason!r}")
    if expect.passes == "either":
        if result.status is Status.GRADED and not all(full):
            wrong.append(f"neither full marks nor a reason: {_verdicts(result)}")
    elif expect.passes != "any" and result.status is Status.GRADED:
        wanted = (
            range(len(full)) if expect.passes == "all" else () if expect.passes == "none" else expect.passes
        )
        for index, names in enumerate(machine.world.tests):
            if index in wanted and not full[index]:
                wrong.append(f"lost points: {_verdicts(result, names)}")
            won = [name for name in names if name in tests and tests[name].points > 0]
            if index not in (*wanted, *expect.may) and won:
                wrong.append(f"WON {won}")
    for test in tests.values():
        if test.points != (test.max_points if test.verdict is Verdict.PASSED else 0):
            wrong.append(f"{test.id}: {test.verdict} and {test.points} points")
        if test.verdict is not Verdict.PASSED:
            if not test.message:
                wrong.append(f"{test.id}: {test.verdict} without a message")
            if expect.verdicts and test.verdict not in expect.verdicts:
                wrong.append(
                    f"{test.id}: {test.verdict}, expected {expect.verdicts} ({test.message[:200]!r})"
                )
            if not re.search(expect.message, test.message, re.I):
                wrong.append(
                    f"{test.id}: its message does not say /{expect.message}/: {test.message[:200]!r}"
                )
    if not re.search(expect.reason, result.reason, re.I):
        wrong.append(f"the reason does not say /{expect.reason}/: {result.reason!r}")
    if expect.incident and not any(re.search(expect.incident, text, re.I) for text in result.incidents):
        wrong.append(f"no incident says /{expect.incident}/: {result.incidents}")
    shown = shown_to_students(result)
    if not re.search(expect.output, shown):
        wrong.append(f"no output says /{expect.output}/: {shown[-1500:]}")
    if expect.absent and (hit := re.search(expect.absent, shown)):
        wrong.append(f"shows {shown[max(0, hit.start() - 80) : hit.end() + 80]!r}")
    if seconds > expect.seconds:
        wrong.append(f"took {seconds:.1f} s")
    return wrong + leaks(result, machine) + untidy(result)


def leaks(result: Result, machine: Machine) -> list[str]:
    """Secrets in a result: hidden tests and their inputs where students look, the machine's own anywhere."""
    shown, everything = shown_to_students(result), result.to_json()
    wrong = [f"LEAK {kind}" for kind, value in machine.tokens.items() if value in shown]
    wrong += [
        f"LEAK {kind}"
        for kind, value in machine.tokens.items()
        if kind not in ("hidden", "input") and value in everything
    ]
    if str(INPUT_TOKEN) in shown or f"{INPUT_TOKEN:.2e}"[:6] in shown:
        wrong.append("LEAK of a hidden input")
    if re.search(TOKEN, shown):
        wrong.append(f"LEAK {re.findall(TOKEN, shown)[:3]}")
    return wrong


def untidy(result: Result) -> list[str]:
    """Bounds and forms that every result keeps, so that feedback, report and terminal can use it."""
    wrong = []
    text = result.to_json()
    if Result.from_json(text) != result:
        wrong.append("does not survive its JSON")
    if len(text) > 8_000_000:
        wrong.append(f"{len(text)} bytes of result")
    for sentence in (result.reason, *result.incidents):
        if len(sentence) > 2000 or re.search(
            r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", sentence
        ):
            wrong.append(f"a sentence that is not one plain line: {sentence[:200]!r}")
    for notebook in result.notebooks:
        for test in notebook.tests:
            if len(test.message) > 20_000 or re.search(r"[\x00\x1b\ud800-\udfff]", test.message):
                wrong.append(
                    f"{test.id}: a message of {len(test.message)} characters: {test.message[:100]!r}"
                )
        wrong += _odd_outputs(notebook)
    return wrong


def _odd_outputs(notebook: NotebookResult) -> list[str]:
    wrong = []
    cells: list[dict[str, Any]] = [
        {
            "cell_type": "code",
            "id": f"c{n}",
            "metadata": {},
            "source": "",
            "execution_count": None,
            "outputs": list(outputs),
        }
        for n, (_, outputs) in enumerate(notebook.outputs)
    ]
    try:
        nbformat.validate({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells})
    except nbformat.ValidationError as error:
        wrong.append(f"outputs that are no notebook's: {str(error)[:200]}")
    for _, outputs in notebook.outputs:
        for output in outputs:
            data = output.get("data", {})
            if set(data) - KEPT:
                wrong.append(f"an active output: {sorted(set(data) - KEPT)}")
            for kind in set(data) & {"image/png", "image/jpeg"}:
                if not re.fullmatch(r"[A-Za-z0-9+/=\s]*", str(data[kind])):
                    wrong.append(f"{kind} is not base64: {str(data[kind])[:80]!r}")
    return wrong


def _verdicts(result: Result, names: tuple[str, ...] | None = None) -> list[tuple[str, str, str]]:
    return [
        (test.id, str(test.verdict), test.message[-600:])
        for notebook in result.notebooks
        for test in notebook.tests
        if names is None or test.id in names
    ]


def left_behind(machine: Machine, others: Callable[[], Collection[int]] = tuple) -> list[str]:
    """Processes, files and connections that a submission left; `others` are processes of those that are still being graded."""
    wrong = []
    if processes := settle(machine.baseline, others=others):
        names = []
        for pid, _ in processes:
            with contextlib.suppress(OSError):
                names.append(Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")[:100])
        wrong.append(f"processes left behind: {sorted(processes)} {names}")
        machine.baseline |= processes  # so that one case is blamed, not all that follow
    now = fingerprint(machine)
    wrong += [
        f"changed on this machine: {name}" for name, value in machine.marks.items() if now[name] != value
    ]
    machine.marks = now
    if machine.reached:
        wrong.append(f"reached from the sandbox: {machine.reached}")
        machine.reached.clear()
    return wrong


# --- the corpus in the middle of a class ------------------------------------------------------------------------------

EVERY = 8
"""A submission in so many is honest."""
CLASSES: dict[str, tuple[Mapping[str, Any], int]] = {
    "slow": (TIGHT, 4),
    "quick": ({}, 2),
    "patient": (held.PATIENT, 2),
    "tired": (held.SLOW, 2),
}
"""The limits of each class and how many of it are graded at once. A case is in the class that has its limits."""


def class_of(case: Case) -> str:
    return next(name for name, (limits, _) in CLASSES.items() if limits == case.limits)


@dataclass
class Graded:
    """A class of hostile submissions among honest ones, after `grade_class`. `left` has what each left behind, by its result's key."""

    root: Path
    summary: ClassSummary
    results: dict[str, Result]
    cases: dict[str, Case]
    honest: list[str]
    left: dict[str, list[str]]


@contextlib.contextmanager
def looked_at(machine: Machine) -> Iterator[dict[str, list[str]]]:
    """What each submission graded meanwhile left behind, by its result's key: looked for as soon as it has been graded."""
    left: dict[str, list[str]] = {}
    # by thread: the processes of the submission that it grades, or of a rehearsal of ours
    under_way: dict[int, list[int]] = {}
    looking = threading.Lock()
    plain_grade, plain_fork = engine.grade, forkserver.Server.fork

    def others() -> set[int]:
        return {pid for pids in list(under_way.values()) for pid in list(pids)}

    def grade(*args: Any, **kwargs: Any) -> Result:
        under_way[threading.get_ident()] = []
        result = plain_grade(*args, **kwargs)
        del under_way[threading.get_ident()]
        with looking:
            left.setdefault(result.key, []).extend(left_behind(machine, others))
        return result

    def fork(server: forkserver.Server, *args: Any, **kwargs: Any) -> forkserver.Child:
        child = plain_fork(server, *args, **kwargs)
        under_way.setdefault(threading.get_ident(), []).append(child.pid)
        return child

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine, "grade", grade)
        patch.setattr(forkserver.Server, "fork", fork)
        yield left


def grade_hostile_class(machine: Machine, root: Path, name: str, cases: list[Case]) -> Graded:
    """Hand in all cases and honest submissions between them, and grade the class."""
    asked, workers = CLASSES[name]
    course = Course(root)
    machine.classes.append(root)
    shutil.copytree(machine.course.folder / "solutions", root / "solutions")
    handed: dict[str, Case] = {}
    honest: list[str] = []
    for number, case in enumerate(cases):
        if number % EVERY == 0:
            honest.append(f"{number:03d}-honest")
            course.hand_in(honest[-1], json.dumps(machine.world.honest).encode())
        student = case.student or f"{number:03d}-{case.name}"
        folder = root / "submitted" / student / machine.world.unit
        folder.mkdir(parents=True)
        case.make(machine.world, folder)
        handed[student.encode("utf-8", "backslashreplace").decode()] = case
    course.hand_in("zzz-honest", json.dumps(machine.world.honest).encode())
    options = Options(workers=workers, progress=False, limits=replace(LIMITS, **asked))
    with looked_at(machine) as left:
        summary = grade_class(root, machine.world.unit, options)
    journal = Journal(root / ".grader")
    results = {row.student: result for row in summary.rows if (result := journal.get(row.key)) is not None}
    journal.close()
    return Graded(root, summary, results, handed, [*honest, "zzz-honest"], left)


@pytest.fixture(scope="module")
def graded(
    machine: Machine, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Callable[[str], Graded]:
    """A class by its name, graded when it is first asked for: the cases that are looked at, or all where the class itself is."""
    asked = [item for item in request.session.items if isinstance(item, pytest.Function)]
    wanted = {id(item.callspec.params["case"]) for item in asked if item.originalname == "test_case"}
    whole = {
        item.callspec.params["name"] for item in asked if item.originalname == "test_inside_an_honest_class"
    }

    @functools.cache
    def of(name: str) -> Graded:
        cases = [case for _, case in hostile.CASES if class_of(case) == name and not case.skip()]
        some = [case for case in cases if name in whole or id(case) in wanted]
        return grade_hostile_class(machine, tmp_path_factory.mktemp(name), name, some)

    return of


PARAMETERS = sorted(
    ((class_of(case), heading, case) for heading, case in hostile.CASES), key=lambda x: [*CLASSES].index(x[0])
)
IDS = ["-".join([name, heading, case.name]) for name, heading, case in PARAMETERS]


@pytest.mark.parametrize(("name", "heading", "case"), PARAMETERS, ids=IDS)
def test_case(machine: Machine, graded: Callable[[str], Graded], name: str, heading: str, case: Case) -> None:
    if reason := case.skip():
        pytest.skip(reason)
    found = graded(name)
    (student,) = (who for who, theirs in found.cases.items() if theirs is case)
    rows = {row.student: row for row in found.summary.rows}
    assert student in rows, "no row"
    assert student in found.results, f"not in the journal: {rows[student]}"
    result = found.results[student]
    wrong = unexpected(result, case, machine, result.seconds) + found.left[result.key]
    # a database may refuse such a name: a row with a sentence
    odd = not student.isprintable() or "\\udc" in student
    if not odd and rows[student].score != (result.score if result.status is Status.GRADED else None):
        wrong.append(f"the row says {rows[student].score}, the result {result.score}")
    if wrong:
        pytest.fail("\n".join(wrong), pytrace=False)


@pytest.mark.slow
@pytest.mark.parametrize("name", CLASSES)
def test_inside_an_honest_class(machine: Machine, graded: Callable[[str], Graded], name: str) -> None:
    """Nothing stops the class, no honest score moves, nothing is left at the end, and feedback is inert and holds no secret."""
    found = graded(name)
    rows = {row.student: row for row in found.summary.rows}
    wrong = [f"no row for {student!r}" for student in (*found.cases, *found.honest) if student not in rows]
    for student in found.honest:
        row = rows[student]
        if (row.status, row.score) != (Status.GRADED, machine.assignment.max_points) or row.incidents:
            wrong.append(f"an honest submission moved: {row}")
    # what was found beside a submission may be another one's, which was being graded at the time
    wrong += [text for texts in found.left.values() for text in texts] + left_behind(machine)
    shown = [student for student, case in found.cases.items() if SHOWN_IN_FEEDBACK.search(case.name)]
    keep = [student for student in shown if rows[student].status is not Status.GRADER_FAILED]
    for folder in (found.root / "submitted").iterdir():  # feedback of all would only take time
        if folder.name.encode("utf-8", "backslashreplace").decode() not in keep:
            shutil.rmtree(folder, ignore_errors=True)
    assert not keep or write_feedback(found.root, machine.world.unit).submissions == len(keep)
    for page in (found.root / "feedback").rglob("*.html"):
        wrong += [f"{page.parent.parent.name}: {text}" for text in live_html(page.read_text(), machine)]
    if wrong:
        pytest.fail("\n".join(wrong), pytrace=False)


SHOWN_IN_FEEDBACK = re.compile(
    r"html|script|output|picture|mime|inputs|remember|escapes|frames|memory|hidden_tests|student_|imitates|surrogate|expand"
)
"""Cases that attack what students and instructors read."""


class _Live(HTMLParser):
    """Notes what would act in a browser and comes from a submission (it says alert or owned)."""

    def __init__(self) -> None:
        super().__init__()
        self.live: list[str] = []
        self.script = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.script = tag == "script"
        for name, value in attrs:
            if re.search(r"alert|owned|javascript:", value or "") and (
                name.startswith("on") or name in ("href", "src", "srcdoc", "action")
            ):
                self.live.append(f"<{tag} {name}={value!r}>")

    def handle_endtag(self, tag: str) -> None:
        self.script = False

    def handle_data(self, data: str) -> None:
        if self.script and re.search(r"alert\(1\)|owned", data):
            self.live.append(f"a script: {data[:80]!r}")


def live_html(page: str, machine: Machine) -> list[str]:
    """What is wrong with a page for a student: secrets, and HTML of a stranger that acts."""
    parser = _Live()
    parser.feed(page)
    secrets = [f"LEAK {kind} in feedback" for kind, value in machine.tokens.items() if value in page]
    if str(INPUT_TOKEN) in page:
        secrets.append("LEAK of a hidden input in feedback")
    return [*parser.live, *secrets]


# --- two submissions at the same time ---------------------------------------------------------------------------------


PAIRS = (*between.PAIRS, *further.PAIRS)


@pytest.mark.parametrize("pair", PAIRS, ids=[pair.name for pair in PAIRS])
def test_a_submission_tells_another_one_nothing(machine: Machine, pair: between.Pair) -> None:
    cases = [
        Case(f"{pair.name}_{who}", "own", make, FULL)
        for who, make in (("listener", pair.listener), ("teller", pair.teller))
    ]
    handed = [read_submission(machine.hand_in(case), machine.world.unit) for case in cases]
    with ThreadPoolExecutor() as pool:
        listener, teller = pool.map(lambda one: grade(one, machine.assignment, LIMITS), handed)
    assert "LISTENED" in shown_to_students(listener)
    wrong = [
        text
        for result, case in zip((listener, teller), cases, strict=True)
        for text in unexpected(result, case, machine, 0)
    ]
    if wrong := wrong + left_behind(machine):
        pytest.fail("\n".join(wrong), pytrace=False)


@pytest.mark.parametrize("case", between.NAMING, ids=[case.name for case in between.NAMING])
def test_naming_sends_nothing_of_the_solution(case: between.Naming) -> None:
    """And finds the name all the same."""
    exercise = Exercise(
        "use",
        Cell("use", Role.WORK, case.solution[case.solution.rindex("def use") :], solution=True),
        (Cell("t", Role.TEST, case.test, 1.0),),
    )
    theirs: dict[str, Any] = {}
    exec(case.answer or case.wrong, theirs)
    sent: list[misconceptions.Call] = []

    def student(calls: list[misconceptions.Call]) -> list[misconceptions.Answer]:
        sent.extend(calls)
        return misconceptions.answers(calls, theirs.__getitem__)

    rehearsed = rehearse(exercise, case.solution, [WrongAnswer("use", "doubled", case.wrong)], {})
    assert misconceptions.name(rehearsed, student) == case.named
    assert sent or case.named is None  # a call that cannot travel without the solution's code is not asked
    assert not any(between.SECRET.encode() in arguments for _, arguments in sent)


@pytest.mark.parametrize("name", held.TEXTS)
def test_a_text_that_takes_long_to_read_costs_the_coordinator_little(machine: Machine, name: str) -> None:
    folder = machine.hand_in(Case(name, "own", edited(held.TEXTS[name]), FULL))
    start = time.process_time()
    result = grade(read_submission(folder, machine.world.unit), machine.assignment, LIMITS)
    assert result.status is Status.GRADED
    assert time.process_time() - start < 3


@pytest.mark.parametrize("text", held.PAGES)
def test_a_text_that_takes_long_to_render_is_shown_as_typed(
    machine: Machine, tmp_path: Path, text: str
) -> None:
    shutil.copytree(machine.course.folder / "solutions", tmp_path / "solutions")
    nb = machine.world.notebook("honest")
    nb["cells"] += [
        {"cell_type": "markdown", "id": f"t{n}", "metadata": {}, "source": f"{n}\n\n" + held.PAGES[text]}
        for n in range(20)
    ]
    course = Course(tmp_path)
    course.hand_in("ann", json.dumps(nb).encode())
    course.hand_in("bob", json.dumps(machine.world.honest).encode())
    grade_class(tmp_path, machine.world.unit, Options(workers=1, progress=False, limits=LIMITS))
    start = time.process_time()
    assert write_feedback(tmp_path, machine.world.unit, progress=False).submissions == 2
    assert time.process_time() - start < 15


# --- what is about a class and not about a submission -----------------------------------------------------------------


def test_a_resubmission_while_grading_runs(machine: Machine, tmp_path: Path) -> None:
    """Whatever is read is one of the versions, whole; the next run has the last one."""
    shutil.copytree(machine.course.folder / "solutions", tmp_path / "solutions")
    course, versions = (
        Course(tmp_path),
        [json.dumps(nb).encode() for nb in (machine.world.honest, machine.world.wrong)],
    )
    for number in range(6):
        course.hand_in(f"s{number}", versions[0])
    done = threading.Event()

    def resubmit() -> None:
        turn = 0
        while not done.is_set():
            turn += 1
            for number in range(6):
                folder = tmp_path / "submitted" / f"s{number}" / machine.world.unit
                (folder / "new").write_bytes(versions[turn % 2])
                (folder / "new").replace(folder / f"{machine.world.unit}.ipynb")
            time.sleep(0.01)

    thread = threading.Thread(target=resubmit)
    thread.start()
    try:
        summary = grade_class(tmp_path, machine.world.unit, Options(workers=2, progress=False, limits=LIMITS))
    finally:
        done.set()
        thread.join()
    assert {row.score for row in summary.rows} <= {0.0, machine.assignment.max_points}
    assert len(summary.rows) == 6
    for number in range(6):
        course.hand_in(f"s{number}", versions[0])
    summary = grade_class(tmp_path, machine.world.unit, Options(workers=2, progress=False, limits=LIMITS))
    assert {row.score for row in summary.rows} == {machine.assignment.max_points}


def test_a_student_not_on_the_list_and_a_missing_assignment(machine: Machine, tmp_path: Path) -> None:
    """Both concern one student; the others' rows are as they were."""
    from nbgrader.api import Gradebook

    shutil.copytree(machine.course.folder / "solutions", tmp_path / "solutions")
    course = Course(tmp_path)
    course.hand_in("ann", json.dumps(machine.world.honest).encode())
    grade_class(tmp_path, machine.world.unit, Options(workers=1, progress=False, limits=LIMITS))
    with Gradebook(f"sqlite:///{tmp_path / 'gradebook.db'}") as book:
        book.add_student("bob-who-hands-in-nothing")
    course.hand_in("carl-who-is-on-no-list", json.dumps(machine.world.wrong).encode())
    (tmp_path / "submitted" / "dora-with-another-unit" / "other").mkdir(parents=True)
    summary = grade_class(tmp_path, machine.world.unit, Options(workers=1, progress=False, limits=LIMITS))
    assert {row.student: row.score for row in summary.rows} == {
        "ann": machine.assignment.max_points,
        "carl-who-is-on-no-list": 0.0,
    }


def test_a_source_edited_after_release(machine: Machine, tmp_path: Path) -> None:
    """It is said, and everybody is graded by what the source says now."""
    shutil.copytree(machine.course.folder / "solutions", tmp_path / "solutions")
    Course(tmp_path).hand_in("ann", json.dumps(machine.world.honest).encode())
    grade_class(tmp_path, machine.world.unit, Options(workers=1, progress=False, limits=LIMITS))
    source = tmp_path / "solutions" / machine.world.unit / f"{machine.world.unit}.ipynb"
    source.write_text(source.read_text().replace("the input was changed", "the input must stay as it was"))
    summary = grade_class(tmp_path, machine.world.unit, Options(workers=1, progress=False, limits=LIMITS))
    assert summary.graded_now == 1
    assert any("test_scale_rows_unchanged" in text for text in summary.warnings)


CLASS_ITEMS = {
    "a resubmission while grading runs": test_a_resubmission_while_grading_runs,
    "a student not on the list": test_a_student_not_on_the_list_and_a_missing_assignment,
    "a source edited after release": test_a_source_edited_after_release,
}
"""Items of HOSTILE.md that are about a class and not about a submission."""


def test_every_item_has_a_case() -> None:
    for module in hostile.HEADINGS:
        covered = {case.item for case in module.CASES} | set(CLASS_ITEMS)
        assert set(module.ITEMS) <= covered, module.HEADING
        assert {case.item for case in module.CASES} <= {*module.ITEMS, "own"}, module.HEADING
    assert len(set(IDS)) == len(IDS)


def test_the_searches_find_what_is_there(machine: Machine) -> None:
    """The corpus's search would see a secret: one that the submission brings along is found in every place."""
    mine = f"CANARY-own-{'ab' * 16}"
    planted = """
import os, linecache
_own = "CANARY-" + "own-" + "ab" * 16
os.environ["OWN"] = _own
open("own.txt", "w").write(_own)
linecache.cache["own"] = (1, None, [_own], "own")
"""
    searches = ("frames()", "objects()", "memory()", "source()", "environment()", "tree('.')")
    case = Case("searches", "own", with_cells(planted, snoop(*searches)), FULL)
    result = grade(read_submission(machine.hand_in(case), machine.world.unit), machine.assignment, LIMITS)
    shown = shown_to_students(result)
    for where in ("frame", "gc", "memory of self", "linecache", "environment", "./own.txt"):
        assert f"FOUND {where} {mine}" in shown, where


def test_a_test_that_runs_twice_finds_the_set_up_data_as_it_was(tmp_path: Path) -> None:
    """Public parts run first, then whole tests: an honest update in place must not be made twice to the same data."""
    names = {"grade": False, "locked": False, "solution": False, "task": False, "schema_version": 3}
    cells = [
        code(
            "import numpy as np\nSTATE, LIST = np.zeros(2), [0]",
            nbgrader={**names, "grade_id": "s", "locked": True},
        ),
        code(
            "def step(x, y):\n    x += 1\n    y.append(1)",
            nbgrader={**names, "grade_id": "step", "solution": True},
        ),
        code(
            "step(STATE, LIST)\nassert STATE[0] == 1 and len(LIST) == 2\n### BEGIN HIDDEN TESTS\nassert STATE[1] == 1\n### END HIDDEN TESTS",
            nbgrader={**names, "grade_id": "test_step", "grade": True, "locked": True, "points": 1},
        ),
        code(
            "step(STATE, LIST)\nassert STATE[0] == 2 and len(LIST) == 3",
            nbgrader={**names, "grade_id": "test_again", "grade": True, "locked": True, "points": 1},
        ),
    ]
    source = tmp_path / "solutions" / "two"
    source.mkdir(parents=True)
    nb = {
        "cells": [{**cell, "id": f"c{n}"} for n, cell in enumerate(cells)],
        "metadata": {},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    (source / "two.ipynb").write_text(json.dumps(nb))
    result = grade(read_submission(source, "two"), read_assignment(source), LIMITS)
    assert [test.verdict for notebook in result.notebooks for test in notebook.tests] == [
        Verdict.PASSED
    ] * 2, result
