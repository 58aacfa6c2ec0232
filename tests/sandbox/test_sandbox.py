"""The sandbox, from inside: what a student's process can see, touch and start; and that nothing outlives us."""

from __future__ import annotations

import ctypes.util
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
from pathlib import Path
from typing import Any

import pytest

from grader.cli import doctor
from grader.engine import preload
from grader.engine.proxy import Link
from grader.engine.student import execute, look_up
from grader.engine.supervisor import Student
from grader.sandbox import forkserver, linux, usage
from grader.sandbox.limits import Limits
from tests.support.toycourse import make_course

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def inside() -> Any:
    """Evaluate code in a student's process; it puts its findings into `found`."""
    with tempfile.TemporaryDirectory() as scratch:
        process = Student(isolate=True, limits=Limits(), scratch=scratch)
        link = Link(process.data, 2**20)

        def run(source: str) -> Any:
            outputs = link.ask(execute, "import os, ctypes, socket\n" + textwrap.dedent(source), 10_000, 0)
            assert not outputs, outputs
            return link.ask(look_up, "found")

        yield run
        process.finish()


def test_all_layers_hold_here() -> None:
    found = {finding.what: finding for finding in doctor.examine()}
    if found["isolation"].mark == "missing":
        pytest.skip(f"this machine has no isolation: {found['isolation'].detail}")
    for layer in (*linux.ISOLATION, "resource limits"):
        assert found[layer].mark == "ok", found[layer]
    assert found["python"].detail == sys.version.split()[0]


def test_the_server_itself_sees_no_more_than_a_student_may(inside: Any) -> None:
    """What it forks starts in a root without the course, the home or the machine's settings."""
    there = f"found = [p for p in {[str(ROOT / 'README.md'), '/etc/passwd', '/var', '/sys']} if os.path.exists(p)]"
    assert inside(there) == []
    top = {"dev", "etc", "home", "lib", "lib64", "proc", "proc.own", "tmp", "usr"}
    top |= {path.parts[1] for path in linux.visible_paths()}
    assert set(inside("found = os.listdir('/')")) <= top
    [parent] = {_parent(int(pid)) for pid in _server_children()}
    root = Path(f"/proc/{parent}/root")
    if not os.access(root, os.R_OK):
        pytest.skip("another user's process cannot be looked into")
    assert Path(f"{root}{forkserver.__file__}").parents[2].joinpath("trainlab").is_dir()
    assert set(os.listdir(root)) <= top
    for path in ("README.md", "solutions", "grader"):
        assert not Path(f"{root}{ROOT / path}").exists(), path


def _parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()[1])


def _server_children() -> list[str]:
    outer = preload.server().process.pid
    [server] = Path(f"/proc/{outer}/task/{outer}/children").read_text().split()
    return Path(f"/proc/{server}/task/{server}/children").read_text().split()


def test_what_the_server_imports_later_is_there_at_once() -> None:
    """It does so without a home or a disk to write on; an import that failed there would cost every submission a second."""
    preload.server().preload(["torch._dynamo.config", "scipy.signal"])
    with tempfile.TemporaryDirectory() as scratch:
        process = Student(isolate=True, limits=Limits(), scratch=scratch)
        link = Link(process.data, 2**20)
        link.ask(
            execute,
            "import sys; found = [m in sys.modules for m in ('torch._dynamo.config', 'scipy.signal')]",
            100,
            0,
        )
        assert link.ask(look_up, "found") == [True, True]
        process.finish()


def test_in_a_container_that_hides_parts_of_proc_there_is_none() -> None:
    """The kernel refuses a new /proc there; the old one, which shows other people's processes, must not stay."""
    inside = """
from grader.sandbox import linux
from grader.sandbox import seccomp
from grader.sandbox import syscalls
from grader.sandbox.limits import Limits
from grader.engine.proxy import Link
from grader.engine.student import execute, look_up
from grader.engine.supervisor import Student
process = Student(isolate=True, limits=Limits(), scratch="/tmp")
link = Link(process.data, 2**20)
link.ask(execute, "import os; found = os.listdir('/proc')", 100, 0)
print(linux.isolated(process.layers), link.ask(look_up, "found"))
process.finish()
"""
    hide = 'mount -t tmpfs none /proc/sys && exec unshare --mount --map-root-user "$@"'
    command = ["unshare", "--mount", "--map-root-user", "sh", "-c", hide, "sh", sys.executable, "-c", inside]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    if "unshare" in done.stderr or "mount:" in done.stderr:
        pytest.skip(f"no container can be played here: {done.stderr}")
    assert done.stdout == "True []\n", done.stderr


def test_who_and_where(inside: Any) -> None:
    who = "found = [os.getuid(), os.getgid(), os.getpid(), os.getppid(), os.getcwd(), os.uname().nodename]"
    assert inside(who) == [1000, 1000, 1, 0, linux.HOME, "trainlab"]
    status = inside("found = [l for l in open('/proc/self/status') if l.startswith(('Cap', 'NoNew'))]")
    assert [int(line.split()[1], 16) for line in status] == [0, 0, 0, 0, 0, 1]
    assert inside("found = [p for p in os.listdir('/proc') if p.isdigit()]") == ["1"]
    routes = "try: found = socket.if_nameindex()\nexcept PermissionError: found = []"  # seccomp may refuse the question
    assert inside(routes) in ([], [(1, "lo")])


def test_no_descriptor_but_the_wire(inside: Any) -> None:
    found = inside("""
        found = []
        for name in os.listdir('/proc/self/fd'):
            try: found.append(os.readlink('/proc/self/fd/' + name).split(':')[0])
            except OSError: pass
    """)
    assert sorted(found) == ["/dev/null"] * 3 + ["socket"]


def test_only_the_scratch_folder_can_be_written(inside: Any) -> None:
    found = inside("""
        import numpy, trainlab, sys
        found = []
        places = ['/', '/usr/lib', '/dev', '/etc', os.path.dirname(numpy.__file__), os.path.dirname(trainlab.__file__),
                  sys.prefix, '/home', '/proc/self/attr', '/home/student', '/tmp', '/dev/shm']
        for place in places:
            try:
                open(place + '/x', 'w').write('x'); os.remove(place + '/x'); found.append(place)
            except OSError: pass
        for file in (trainlab.__file__, '/etc/ld.so.cache', '/proc/self/oom_score_adj', '/dev/zero'):
            try: open(file, 'r+'); found.append(file)
            except OSError: pass
    """)
    assert found == ["/home/student", "/tmp", "/dev/shm"]


def test_nothing_of_ours_can_be_read(inside: Any) -> None:
    places = [str(ROOT / name) for name in ("solutions", "grader", "tests", ".git")] + [
        "/etc/passwd",
        "/root/.bashrc",
        "/sys",
    ]
    assert inside(f"found = [p for p in {places!r} if os.path.exists(p)]") == []


def test_no_new_namespaces_and_no_odd_sockets(inside: Any) -> None:
    found = inside("""
        libc, found = ctypes.CDLL(None), []
        for flag in (0x20000, 0x10000000, 0x20000000, 0x40000000):
            found.append(libc.unshare(flag))
        found.append(libc.mount(b'none', b'/tmp', b'tmpfs', 0, None))
        for family in (16, 17, 38, 40):
            try: socket.socket(family, socket.SOCK_RAW); found.append(family)
            except OSError: pass
        try: found.append(os.memfd_create('x'))
        except OSError: pass
    """)
    if not ctypes.util.find_library("seccomp"):
        pytest.skip("libseccomp is not installed")
    assert found == [-1] * 5


def test_what_is_bounded(inside: Any) -> None:
    found = inside(
        """
        import resource, threading
        found = {}
        def attempt(name, action):
            try: action(); found[name] = 'done'
            except (OSError, MemoryError, RuntimeError) as error: found[name] = type(error).__name__
        attempt('memory', lambda: bytearray(3 * 2**30))
        attempt('files', lambda: [os.open('/dev/null', 0) for _ in range(1000)])
        for n in range(3, 260):
            if n != FD:
                try: os.close(n)
                except OSError: pass
        attempt('disk', lambda: open('/tmp/big', 'wb').write(bytes(400 * 2**20)))
        os.remove('/tmp/big')
        attempt('inodes', lambda: [open(f'/tmp/{n}', 'w').close() for n in range(20_000)])
        stop = threading.Event()
        attempt('threads', lambda: [threading.Thread(target=stop.wait).start() for _ in range(200)])
        stop.set()
    """.replace("FD", "__import__('sys').modules['grader.engine.student']._desk.sock.fileno()")
    )
    assert found == {"memory": "MemoryError", "files": "OSError", "disk": "OSError", "inodes": "OSError", "threads": "RuntimeError"}  # fmt: skip


def test_a_process_that_goes_while_memory_is_counted_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fork bomb's processes, or a loader's workers: each has 160 MiB that it shares, and ends between two looks at it."""
    meter, looked = usage.Meter(os.getpid()), usage._kilobytes
    child = subprocess.Popen(
        [sys.executable, "-c", "x = b'x' * 2**26; print(flush=True); input()"], stdin=-1, stdout=-1
    )
    assert child.stdout is not None and child.stdout.readline()
    assert meter.read(sys.maxsize)[1] > 2**26

    def too_late(path: Path, *names: bytes) -> int:
        if path == Path(f"/proc/{child.pid}/smaps_rollup"):
            child.kill()
            child.communicate()
        return looked(path, *names)

    monkeypatch.setattr(usage, "_kilobytes", too_late)
    assert meter.read(2**20)[1] < 2**26
    assert child.returncode == -signal.SIGKILL


def test_a_deaf_process_is_ended_with_its_children() -> None:
    with tempfile.TemporaryDirectory() as scratch:
        process = Student(isolate=True, limits=Limits(), scratch=scratch)
        link = Link(process.data, 2**20)
        source = "import os, signal, time\nfor s in range(1, 65):\n    try: signal.signal(s, signal.SIG_IGN)\n    except (OSError, ValueError): pass\npids = [os.fork() for _ in range(3)]\nif 0 in pids: time.sleep(1000)"
        link.ask(execute, source, 0, 0)
        with process.data.dup():  # it does not see us hang up, and end by itself
            assert process.finish()["status"] == -signal.SIGKILL
        assert not Path(f"/proc/{process.process.pid}").exists() or process.process.pid not in _living()


def _living() -> set[int]:
    return {int(name) for name in os.listdir("/proc") if name.isdigit() and "Z" not in _state(name)}


def _state(pid: str) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()[0]
    except OSError:
        return "Z"


COORDINATOR = """
import sys
from pathlib import Path
from grader.engine.grade import grade
from grader.engine.submission import read_submission
from tests.support.toycourse import make_course
folder, course = Path(sys.argv[1]), make_course(Path(sys.argv[2]))
print("ready", flush=True)
grade(read_submission(folder, "toy"), course.assignment)
"""


@pytest.mark.parametrize("victim", ["coordinator", "server"])
def test_nothing_outlives_a_killed_coordinator_or_server(victim: str, tmp_path: Path) -> None:
    course = make_course(tmp_path)
    mark = f"mark-{os.getpid()}-{victim}"
    endless = f"import ctypes\nctypes.CDLL(None).prctl(15, b'{mark[:15]}')\ndef scale_rows(x, f):\n    while True: pass"
    folder = course.hand_in("ann", course.submission("honest", scale_rows=endless))
    child = subprocess.Popen(
        [sys.executable, "-c", COORDINATOR, str(folder), str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE
    )
    try:
        _until(lambda: _named(mark[:15]), "the student's process runs")
        if victim == "coordinator":
            child.kill()
        else:
            (pid,) = _named(mark[:15])
            server = int(Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()[1])
            os.kill(server, signal.SIGKILL)
        _until(lambda: not _named(mark[:15]), "the student's process has gone")
    finally:
        child.kill()
        child.wait()


def _named(name: str) -> list[int]:
    found = []
    for pid in os.listdir("/proc"):
        try:
            if pid.isdigit() and Path(f"/proc/{pid}/comm").read_text().strip() == name and _state(pid) != "Z":
                found.append(int(pid))
        except OSError:
            continue
    return found


def _until(condition: Any, what: str) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


def test_an_ordinary_user_has_the_same_isolation(tmp_path: Path) -> None:
    """As root we become `nobody`; the interpreter and the packages must be readable for that user."""
    if os.geteuid() != 0:
        pytest.skip("this is the ordinary user already: the other tests show it")
    python = next(
        (
            p
            for p in (sys.executable, f"/usr/bin/python{sys.version_info.major}.{sys.version_info.minor}")
            if _usable(p)
        ),
        None,
    )
    if python is None or shutil.which("setpriv") is None:
        pytest.skip("no interpreter that another user may run, or no setpriv")
    code = "import json; from grader.cli import doctor; print(json.dumps([[f.mark, f.what, f.detail] for f in doctor.examine()]))"
    out = subprocess.run(
        [*AS_NOBODY, python, "-c", code], env=_environment(), capture_output=True, text=True, cwd="/"
    )
    assert out.returncode == 0, out.stderr
    marks = {what: (mark, detail) for mark, what, detail in json.loads(out.stdout)}
    assert marks["isolation"][0] != "missing", marks
    assert [marks[layer][0] for layer in (*linux.ISOLATION, "resource limits")] == ["ok"] * 3, out.stderr


AS_NOBODY = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]


def _environment() -> dict[str, str]:
    import numpy

    return {
        "PATH": "/usr/bin:/bin",
        "HOME": "/nonexistent",
        "PYTHONPATH": f"{Path(numpy.__file__).parents[1]}:{ROOT}",
    }


def _usable(python: str) -> bool:
    command = [
        *AS_NOBODY,
        python,
        "-c",
        "import os, sys, grader.engine; sys.exit(not os.access(sys.executable, os.X_OK))",
    ]
    try:
        return subprocess.run(command, env=_environment(), capture_output=True, cwd="/").returncode == 0
    except OSError:
        return False


def test_the_server_is_one_for_all_and_ends_with_us() -> None:
    one = preload.server()
    assert preload.server() is one
    code = "from grader.engine import preload; print(preload.server().process.pid)"
    pid = int(subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True).stdout)
    _until(lambda: pid not in _living(), "the server of a process that has ended ends")


def test_a_server_that_nobody_hears_ends_without_a_word() -> None:
    """Its caller goes while it is at work."""
    code = "from grader.engine import preload; from grader.sandbox import messages; s = preload.server(); s.preload([]); messages.send_message(s.sock, {'preload': ['torch._dynamo.config']}); s.sock.close(); print(s.process.wait(60))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("0\n", "")
