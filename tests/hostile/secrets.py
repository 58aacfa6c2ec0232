"""Submissions that look for what is not theirs.

The suite plants tokens (`CANARY-kind-hex`) in the hidden tests, the source folder, another submission, the gradebook,
the environment, the home folder, /tmp, the parent's memory and the inputs of hidden tests. `SNOOP` prints every token
that it meets; none may reach an output, a reason or a message that students see. Links, devices and odd files are
refused and the rest of the submission is graded.
"""

from __future__ import annotations

import io
import os
import socket
import stat
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

from tests.hostile.case import FULL, ISOLATED, Case, Expect, World, answering, beside, with_cells

HEADING = "secrets"
ITEMS = (
    "hidden tests in the notebook's folder",
    "the source folder",
    "other submissions",
    "the gradebook",
    "`/proc` of the parent",
    "links to any of them",
    "dangling links",
    "hard links",
    "FIFOs",
    "sockets",
    "device nodes in the submission",
    "`numpy.py`",
    "`torch/`",
    "`conftest.py`",
    "`.ipython/` beside the notebook",
    "archives with `../`",
    "absolute paths",
    "links then writes",
    "a million files",
    "bombs",
    "names that clash by case",
    "filling disk",
    "inodes",
    "unreadable folders",
    "long",
    "multi-line",
    "bidirectional",
    "shell-like file names",
)

TOKEN = r"CANARY-[a-z]+-[0-9a-f]{32}"
"""What a planted secret looks like (a regular expression)."""

SNOOP = r"""
import gc, os, re, sys, time
_token = re.compile(rb"CANARY-[a-z]+-[0-9a-f]{32}")
_found = set()
def tell(where, data):
    if isinstance(data, str):
        data = data.encode("utf-8", "replace")
    for hit in set(_token.findall(bytes(data))):
        _found.add(hit.decode())
        print("FOUND", where, hit.decode())
def read(path, limit=2_000_000):
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except OSError:
        return
    try:
        tell(path, os.read(fd, limit))
    except OSError:
        pass
    finally:
        os.close(fd)
def tree(root, seconds=2.0):
    end = time.monotonic() + seconds
    for folder, folders, files in os.walk(root):
        folders[:] = [f for f in folders if f not in ("site-packages", "sys", "lib", "lib64", "include")]
        for name in (*files, *folders):
            tell("name in " + folder, name)
        for name in files:
            read(os.path.join(folder, name))
        if time.monotonic() > end:
            return
def frames():
    for top in [sys._getframe(), *sys._current_frames().values()]:
        frame = top
        while frame:
            for space in (frame.f_locals, frame.f_globals):
                for key, value in list(space.items()):
                    try:
                        tell("frame", repr(value)[:200_000])
                    except BaseException:
                        pass
            tell("code", repr(frame.f_code.co_consts))
            frame = frame.f_back
def objects():
    for thing in gc.get_objects():
        for part in gc.get_referents(thing):
            if isinstance(part, (str, bytes, bytearray)):
                tell("gc", part)
def memory(pid="self"):
    try:
        regions = open(f"/proc/{pid}/maps").read().splitlines()
        mem = open(f"/proc/{pid}/mem", "rb", buffering=0)
    except OSError as error:
        print("no memory of", pid, type(error).__name__)
        return
    for line in regions:
        span, mode, *rest = line.split()
        start, end = (int(x, 16) for x in span.split("-"))
        if "rw" in mode and end - start < 2**28:
            try:
                mem.seek(start)
                tell(f"memory of {pid}", mem.read(end - start))
            except (OSError, ValueError, OverflowError):
                pass
def source():
    import inspect, linecache
    for entry in list(linecache.cache.values()):
        tell("linecache", repr(entry))
    for info in inspect.stack(context=2000):
        tell("inspect", repr(info.code_context))
    for name, module in list(sys.modules.items()):
        if name.split(".")[0] in ("grader", "trainlab", "__main__", "__mp_main__", "nbgrader"):
            tell(name, repr(vars(module))[:2_000_000])
    space = globals()
    for key in ("In", "Out", "_ih", "_oh", "_", "__", "___", "_i"):
        tell(key, repr(space.get(key)))
    try:
        manager = get_ipython().history_manager
        tell("history", repr(list(manager.search("*"))) + repr(list(manager.get_range(raw=True))))
        read(str(manager.hist_file))
    except Exception:
        pass
def descriptors():
    import socket
    for fd in range(1024):
        try:
            os.fstat(fd)
        except OSError:
            continue
        for take in (lambda: os.pread(fd, 10**6, 0),
                     lambda: socket.socket(fileno=os.dup(fd)).recv(10**6, socket.MSG_PEEK | socket.MSG_DONTWAIT)):
            try:
                tell(f"descriptor {fd}", take())
            except OSError:
                pass
        for name in ("fd", "fdinfo"):
            try:
                tell("link", os.readlink(f"/proc/self/{name}/{fd}"))
            except OSError:
                pass
def processes():
    for pid in [p for p in os.listdir("/proc") if p.isdigit()] if os.path.isdir("/proc") else range(1, 400):
        for part in ("environ", "cmdline", "maps", "task/%s/environ" % pid):
            read(f"/proc/{pid}/{part}")
        for part in ("cwd", "root", "exe"):
            try:
                tell("link", os.readlink(f"/proc/{pid}/{part}"))
            except OSError:
                pass
        for root in ("root", "cwd"):
            for path in <<targets>>:
                read(f"/proc/{pid}/{root}{path}")
def environment():
    tell("environment", repr(dict(os.environ)) + repr(sys.argv) + repr(sys.orig_argv))
    read("/proc/self/environ"); read("/proc/self/cmdline"); read("/proc/1/environ")
    import ctypes
    try:
        libc = ctypes.CDLL(None)
        environ = ctypes.POINTER(ctypes.c_char_p).in_dll(libc, "environ")
        i = 0
        while environ[i]:
            tell("libc environ", environ[i]); i += 1
    except Exception:
        pass
def targets():
    for path in <<targets>>:
        read(path)
        folder = os.path.dirname(path)
        try:
            tell("listing", repr(os.listdir(folder)))
        except OSError:
            pass
"""


def snoop(*calls: str) -> str:
    """An attack cell that runs parts of `SNOOP` one by one, whatever becomes of each."""
    runs = "\n".join(
        f"try:\n    {call}\nexcept Exception as error:\n    print('nothing:', error)" for call in calls
    )
    return f"{SNOOP}\n{runs}\nprint('SNOOPED', len(_found))"


def reached(name: str, item: str, *calls: str) -> tuple[Case, Case]:
    """The same search made by a cell (which may print what it finds) and by a tested function while it is called."""
    inside = "\n".join(f"    try:\n        {call}\n    except Exception:\n        pass" for call in calls)
    late = (
        f"{SNOOP}\ndef evil(*args, **kwargs):\n{inside}\n    raise ValueError(' '.join(['nothing', *_found]))"
    )
    return (
        Case(name, item, with_cells(snoop(*calls)), Expect(output="SNOOPED")),
        Case(f"{name}_while_answering", item, answering(late, (0,), base="honest"), Expect(passes=(1, 2))),
    )


SEARCHES = (
    *reached(
        "hidden_tests_in_the_folder",
        ITEMS[0],
        "tree('.')",
        "tree(os.getcwd())",
        "tree(os.path.dirname(os.getcwd()))",
    ),
    *reached("source_folder", ITEMS[1], "targets()", "tree('/')"),
    *reached("other_submissions", ITEMS[2], "targets()", "tree('../..')"),
    *reached("gradebook", ITEMS[3], "targets()", "tree('/work', 1)", "tree('/tmp', 1)", "tree('/root', 1)"),
    *reached(
        "proc_of_the_parent",
        ITEMS[4],
        "processes()",
        "memory('self')",
        "memory('1')",
        "memory(str(os.getppid()))",
    ),
    *reached("environment", "own", "environment()"),
    *reached("frames_and_objects", "own", "frames()", "objects()"),
    *reached("sources_and_history", "own", "source()"),
    *reached("open_descriptors", "own", "descriptors()"),
    *reached("own_memory", "own", "memory()"),
    Case(
        "searches_from_a_thread_after_the_cells",
        "own",
        with_cells(
            SNOOP
            + """
import threading
def go_on():
    while True:
        frames(); source(); descriptors(); objects()
        for hit in _found:
            os.write(1, hit.encode()); os.write(2, hit.encode())
        time.sleep(0.02)
threading.Thread(target=go_on, daemon=True).start()
""",
        ),
        Expect(passes="any"),
    ),
    Case(
        "searches_under_every_name",
        "own",
        with_cells(
            SNOOP
            + """
for root in ("/proc/self/root", "/proc/1/root", "/proc/thread-self/root", "/proc/self/cwd", "/.old", "/oldroot", "/old_root", "/mnt",
             "/host", "/run", "/dev/shm", "/var/tmp", "/sys/fs/cgroup", "/dev/fd", ".."):
    tree(root, 0.3)
    for path in <<targets>>:
        read(root + path)
for up in range(1, 20):
    for path in <<targets>>:
        read("../" * up + path.lstrip("/"))
print("SNOOPED")
"""
        ),
        Expect(output="SNOOPED"),
    ),
)

# --- what hidden tests hand over: an input may be known to the function, never to the student ---------------------------

KEEP = """
import os
def _keep(values):
    text = repr(values)
    with open("kept", "a") as file:
        file.write(text)
    try:
        _kept.append(text)
    except NameError:
        globals()["_kept"] = [text]
def _all():
    text = "".join(globals().get("_kept", []))
    return text + (open("kept").read() if os.path.exists("kept") else "")
print("KEPT BEFORE", _all())
"""

INPUTS = (
    Case(
        "prints_its_inputs",
        "own",
        answering("def evil(*a, **k):\n    print(a, k)\n    display(a)\n    return 7.5"),
        Expect("none"),
    ),
    Case(
        "raises_its_inputs",
        "own",
        answering(f"{KEEP}\ndef evil(*a, **k):\n    _keep((a, k)); raise ValueError(_all())"),
        Expect("none"),
    ),
    Case(
        "returns_its_earlier_inputs",
        "own",
        answering(f"{KEEP}\ndef evil(*a, **k):\n    _keep((a, k)); return _all()"),
        Expect("none"),
    ),
    Case(
        "keeps_its_inputs_and_crashes",
        "own",
        answering(f"{KEEP}\ndef evil(*a, **k):\n    _keep((a, k)); os._exit(3)"),
        Expect("none"),
    ),
    Case(
        "an_honest_function_that_remembers_and_another_that_tells",
        "own",
        lambda world, folder: _remember_and_tell(world, folder),
        Expect(passes=(0, 1)),
    ),
    Case(
        "remembers_in_shared_memory",
        "own",
        lambda world, folder: _remember_and_tell(world, folder, place="/dev/shm/kept"),
        Expect(passes=(0, 1)),
    ),
    Case(
        "remembers_in_tmp",
        "own",
        lambda world, folder: _remember_and_tell(world, folder, place="/tmp/kept"),
        Expect(passes=(0, 1)),
    ),
    Case(
        "writes_its_inputs_to_every_descriptor",
        "own",
        answering(
            """
import os
def evil(*a, **k):
    for fd in (1, 2):
        os.write(fd, repr((a, k)).encode())
    return 7.5
"""
        ),
        Expect("none"),
    ),
    Case(
        "edits_its_own_notebook",
        "own",
        answering(
            """
import glob
def evil(*a, **k):
    for path in glob.glob("*.ipynb") + glob.glob("../*") + ["<<unit>>.ipynb"]:
        try:
            with open(path, "a") as file:
                file.write(repr((a, k)))
        except OSError:
            pass
    return 7.5
"""
        ),
        Expect("none"),
    ),
)


def _remember_and_tell(world: World, folder: Path, place: str = "kept") -> None:
    """Honest functions that write their inputs down; the last exercise raises all that was written."""
    from tests.hostile.case import cell, write

    nb = world.notebook("honest")
    remember = f"""
def _remembering(function, place={place!r}):
    def call(*args, **kwargs):
        try:
            with open(place, "a") as file:
                file.write(repr((args, kwargs)))
        except OSError:
            pass
        return function(*args, **kwargs)
    return call
try:
    print("KEPT BEFORE", open({place!r}).read())
except OSError:
    pass
"""
    for index in (0, 1):
        target = cell(nb, world.solutions[index])
        wraps = "".join(f"\n{name} = _remembering({name})" for name in world.functions[index])
        target["source"] = "".join(target["source"]) + remember + wraps
    target = cell(nb, world.solutions[2])
    tells = "".join(f"\n{name} = _tell" for name in world.functions[2])
    target["source"] = (
        f"def _tell(*a, **k):\n    try:\n        text = open({place!r}).read()\n    except OSError as error:\n"
        f"        text = str(error)\n    raise ValueError(text)\n{tells}"
    )
    write(folder, nb, world.unit)


# --- files in the submission -----------------------------------------------------------------------------------------


def _link(target: str) -> Callable[[World, Path], None]:
    return lambda world, folder: (folder / "data.txt").symlink_to(world.fill(target))


READ_DATA = SNOOP + "\nread('data.txt')\ntree('data.txt')\nread('data.txt/gradebook.db')\nprint('SNOOPED')"


def _archive(kind: str, names: dict[str, bytes]) -> Callable[[World, Path], None]:
    """An archive beside the notebook; a trailing `->target` in a name makes a symbolic link in it."""

    def add(world: World, folder: Path) -> None:
        if kind == "zip":
            with zipfile.ZipFile(folder / "work.zip", "w", zipfile.ZIP_DEFLATED) as out:
                for name, data in names.items():
                    name, _, target = name.partition("->")
                    info = zipfile.ZipInfo(world.fill(name))
                    if target:
                        info.external_attr = (stat.S_IFLNK | 0o777) << 16
                    out.writestr(info, world.fill(target).encode() or data)
        else:
            with tarfile.open(folder / "work.tar.gz", "w:gz") as tar:
                for name, data in names.items():
                    name, _, target = name.partition("->")
                    member = tarfile.TarInfo(world.fill(name))
                    member.size = 0 if target else len(data)
                    if target:
                        member.type, member.linkname = tarfile.SYMTYPE, world.fill(target)
                    tar.addfile(member, io.BytesIO(data))

    return add


def _device(world: World, folder: Path) -> None:
    os.mknod(folder / "data.txt", stat.S_IFCHR | 0o666, os.makedev(1, 5))


def _no_device() -> str:
    return "" if os.geteuid() == 0 else "only root can make a device node"


def _socket(world: World, folder: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        here = os.getcwd()
        os.chdir(folder)
        try:
            listener.bind("data.txt")
        finally:
            os.chdir(here)


def _unreadable(world: World, folder: Path) -> None:
    (folder / "closed").mkdir()
    (folder / "closed" / "data.txt").write_text("x")
    (folder / "closed").chmod(0)


def _shadow(*paths: str) -> Callable[[World, Path], None]:
    """Modules that would win if they were imported from the submission's folder."""
    evil = "raise SystemExit('WON: imported from the submission')\n"

    def add(world: World, folder: Path) -> None:
        for path in paths:
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(evil)

    return add


def _named(*names: str) -> Callable[[World, Path], None]:
    def add(world: World, folder: Path) -> None:
        for name in names:
            (folder / name).write_text("data")

    return add


def _many(count: int) -> Callable[[World, Path], None]:
    """Empty files in nested folders, so that making them is quick."""

    def add(world: World, folder: Path) -> None:
        for i in range(count // 1000):
            sub = folder / f"d{i}"
            sub.mkdir()
            for j in range(1000):
                os.close(os.open(sub / f"{j}", os.O_CREAT | os.O_WRONLY))

    return add


def _deep(world: World, folder: Path) -> None:
    """Nested so deep that the path is longer than the kernel takes."""
    here = os.open(folder, os.O_RDONLY)
    for _ in range(600):
        os.mkdir("d" * 20, dir_fd=here)
        below = os.open("d" * 20, os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(here)


def _sparse(size: int) -> Callable[[World, Path], None]:
    def add(world: World, folder: Path) -> None:
        with open(folder / "big.bin", "wb") as file:
            file.truncate(size)

    return add


REFUSED = Expect(output="SNOOPED")

FILES = (
    *(
        Case(f"link_to_{name}", "links to any of them", beside(_link(target), READ_DATA), REFUSED)
        for name, target in {
            "hidden_tests": "<<source>>",
            "source_folder": "<<source_folder>>",
            "other_submission": "<<other>>",
            "gradebook": "<<gradebook>>",
            "proc_of_the_parent": "/proc/<<pid>>/environ",
            "proc_self": "/proc/self/environ",
            "root": "/",
            "itself": "data.txt",
            "dev_zero": "/dev/zero",
            "above": "../..",
        }.items()
    ),
    Case(
        "the_notebook_is_a_link_to_the_source",
        "links to any of them",
        lambda world, folder: (folder / f"{world.unit}.ipynb").symlink_to(world.facts["source"]),
        Expect(passes="none", status=None, reason="link|no notebook|regular"),
    ),
    Case(
        "the_notebook_is_a_link_to_another_submission",
        "links to any of them",
        lambda world, folder: (folder / f"{world.unit}.ipynb").symlink_to(world.facts["other"]),
        Expect(passes="none", status=None, reason="link|no notebook|regular"),
    ),
    Case("dangling_link", "dangling links", beside(_link("/nowhere/at/all"), READ_DATA), REFUSED),
    Case(
        "hard_link",
        "hard links",
        beside(lambda world, folder: os.link(world.facts["other"], folder / "data.txt"), READ_DATA),
        REFUSED,
    ),
    Case("fifo", "FIFOs", beside(lambda world, folder: os.mkfifo(folder / "data.txt"), READ_DATA), REFUSED),
    Case(
        "the_notebook_is_a_fifo",
        "FIFOs",
        lambda world, folder: os.mkfifo(folder / f"{world.unit}.ipynb"),
        Expect(passes="none", status=None, reason="FIFO|pipe|no notebook|regular|special"),
    ),
    Case("socket", "sockets", beside(_socket, READ_DATA), REFUSED),
    Case("device", "device nodes in the submission", beside(_device, READ_DATA), REFUSED, skip=_no_device),
    Case("numpy_py", "`numpy.py`", beside(_shadow("numpy.py", "math.py")), FULL),
    Case("torch_folder", "`torch/`", beside(_shadow("torch/__init__.py", "torch/nn.py")), FULL),
    Case(
        "conftest",
        "`conftest.py`",
        beside(_shadow("conftest.py", "sitecustomize.py", "usercustomize.py")),
        FULL,
    ),
    Case(
        "ipython_folder",
        "`.ipython/` beside the notebook",
        beside(
            _shadow(".ipython/profile_default/startup/00.py", ".ipython/profile_default/ipython_config.py")
        ),
        FULL,
    ),
    Case(
        "own_trainlab_and_grader",
        "own",
        beside(
            _shadow(
                "trainlab/__init__.py",
                "trainlab/checks.py",
                "grader/__init__.py",
                "grader/engine/codec.py",
                "IPython/__init__.py",
            )
        ),
        FULL,
    ),
    Case(
        "archive_with_dots",
        "archives with `../`",
        beside(_archive("zip", {"../../escaped.txt": b"x", "../<<unit>>.ipynb": b"{}"})),
        FULL,
    ),
    Case(
        "archive_with_absolute_paths",
        "absolute paths",
        beside(_archive("tar", {"/tmp/e3_escaped.txt": b"x"})),
        FULL,
    ),
    Case(
        "archive_with_link_then_write",
        "links then writes",
        beside(_archive("tar", {"here->/tmp": b"", "here/e3_escaped.txt": b"x"})),
        FULL,
    ),
    Case("zip_bomb", "bombs", beside(_archive("zip", {"bomb": b"\0" * 50_000_000})), FULL),
    Case("sparse_file", "bombs", beside(_sparse(2**40)), Expect(reason="", passes="any", status=None)),
    Case("very_many_files", "a million files", beside(_many(20_000)), Expect(passes="any", status=None)),
    Case(
        "archive_of_very_many_files",
        "a million files",
        beside(_archive("zip", {f"{i}": b"" for i in range(20_000)})),
        FULL,
    ),
    Case("very_deep_folders", "own", beside(_deep), Expect(passes="any", status=None)),
    Case(
        "clash_by_case", "names that clash by case", beside(_named("data.txt", "DATA.txt", "Data.TXT")), FULL
    ),
    Case("unreadable_folder", "unreadable folders", beside(_unreadable), FULL),
    Case("long_names", "long", beside(_named("n" * 255, "ü" * 127)), FULL),
    Case(
        "multi_line_names",
        "multi-line",
        beside(_named("one\ntwo", "tab\there", "\x1b[31mred", "bell\a")),
        FULL,
    ),
    Case(
        "bidirectional_names",
        "bidirectional",
        beside(_named("\u202egnp.exe", "a\u2066b\u2069", "\u200b")),
        FULL,
    ),
    Case(
        "shell_like_names",
        "shell-like file names",
        beside(
            _named(
                "$(touch e3_owned)",
                "; rm -rf x",
                "-rf",
                "--help",
                "`id`",
                "a b",
                "%s%n",
                "{0.__class__}",
                "|x",
            )
        ),
        FULL,
    ),
    Case(
        "names_that_are_not_unicode",
        "own",
        beside(lambda world, folder: (folder / os.fsdecode(b"\xff\xfe.txt")).write_text("x")),
        FULL,
    ),
    Case(
        "filling_the_disk",
        "filling disk",
        with_cells(
            """
import os, tempfile
written = 0
for folder in (".", tempfile.gettempdir(), os.path.expanduser("~"), "/tmp", "/dev/shm", "/var/tmp", "/run", "/"):
    try:
        for i in range(100):
            with open(os.path.join(folder, f"fill{i}"), "wb") as file:
                for _ in range(1000):
                    written += file.write(b"x" * 1_000_000)
                    if written > 3_000_000_000:
                        raise SystemExit("UNBOUNDED")
    except OSError as error:
        print(type(error).__name__)
print("stopped before", "3 GB")
"""
        ),
        Expect(passes="any", absent="UNBOUNDED"),
    ),
    Case(
        "filling_the_inodes",
        "inodes",
        with_cells(
            """
import os
try:
    for i in range(200_000):
        os.close(os.open(f"f{i}", os.O_CREAT | os.O_WRONLY))
    print("UNBOUNDED")
except OSError as error:
    print("stopped after", i, type(error).__name__)
"""
        ),
        Expect(passes="any", absent="UNBOUNDED"),
    ),
    Case(
        "links_made_while_running",
        "own",
        with_cells(
            SNOOP
            + """
for i, path in enumerate(<<targets>>):
    for make in (os.symlink, os.link):
        try:
            make(path, f"link{i}{make.__name__}")
        except OSError:
            pass
        read(f"link{i}{make.__name__}")
os.chdir("/")
try:
    os.chroot("/proc/self/cwd/..")
except OSError:
    pass
targets()
print("SNOOPED")
""",
            at="end",
        ),
        REFUSED,
    ),
)

# --- ways out of the box ---------------------------------------------------------------------------------------------

ESCAPES: dict[str, str] = {
    "user_namespaces": """
flags = 0x10000000 | 0x00020000 | 0x20000000
print("unshare", libc.unshare(flags), ctypes.get_errno())
for what in ("uid_map", "gid_map"):
    try:
        open(f"/proc/self/{what}", "w").write("0 0 1")
    except OSError as error:
        print(error)
""",
    "mounts": """
os.makedirs("m", exist_ok=True)
for source, kind, flags in ((b"proc", b"proc", 0), (b"/", b"", 4096 | 16384), (b"tmpfs", b"tmpfs", 0), (b"/dev/vda", b"ext4", 0), (b"sysfs", b"sysfs", 0)):
    print(kind, libc.mount(source, b"m", kind, flags, None), ctypes.get_errno())
    tree("m", 0.5)
    for path in <<targets>>:
        read("m" + path)
for path in (b"/", b"/proc", b"/tmp", b"/dev", b"."):
    libc.umount2(path, 2)
    libc.mount(b"none", path, None, 32 | 4096, None)
""",
    "setns": """
for pid in (1, os.getppid(), <<pid>>):
    for kind in ("mnt", "pid", "net", "user", "ipc", "cgroup", "uts"):
        try:
            fd = os.open(f"/proc/{pid}/ns/{kind}", os.O_RDONLY)
            print(pid, kind, libc.setns(fd, 0), ctypes.get_errno())
        except OSError as error:
            print(pid, kind, type(error).__name__)
    fd = libc.syscall(434, pid, 0)
    print("pidfd", fd, libc.setns(fd, 0x20000) if fd >= 0 else "", libc.syscall(438, fd, 3, 0) if fd >= 0 else "")
""",
    "ptrace": """
for pid in (1, os.getppid(), <<pid>>, *range(2, 40)):
    if pid != os.getpid() and libc.ptrace(16, pid, 0, 0) == 0:
        print("attached to", pid)
    buffer = ctypes.create_string_buffer(1000)
    libc.process_vm_readv(pid, ctypes.byref(buffer), 1, ctypes.byref(buffer), 1, 0)
for pid in (1, os.getppid(), <<pid>>):
    memory(str(pid))
""",
    "proc_root": """
for pid in (1, os.getppid(), <<pid>>, "self"):
    for way in ("root", "cwd"):
        tree(f"/proc/{pid}/{way}/work", 0.3); tree(f"/proc/{pid}/{way}/tmp", 0.3)
        for path in <<targets>>:
            read(f"/proc/{pid}/{way}{path}")
""",
    "keyrings": """
for ring in (-1, -2, -3, -4, -5):
    data = ctypes.create_string_buffer(100_000)
    print(ring, libc.syscall(250, 11, ring, data, 100_000)); tell("key", data.raw)
try:
    tell("keys", open("/proc/keys").read())
except OSError:
    pass
print(libc.syscall(248, b"user", b"e3", b"x" * 10, 10, -4))
""",
    "shared_memory": """
from multiprocessing import shared_memory
tree("/dev/shm", 1); tree("/dev/mqueue", 1)
for i in range(64):
    address = libc.shmat(i, 0, 4096)
    tell("shm", ctypes.string_at(address, 64) if address not in (-1, 0) and address > 4096 else b"")
try:
    shared_memory.SharedMemory("e3_hostile", create=True, size=100)
except Exception as error:
    print(type(error).__name__)
""",
    "dev_mem": """
import mmap
for path in ("/dev/mem", "/dev/kmem", "/dev/port", "/proc/kcore", "/dev/vda", "/dev/sda", "/proc/kallsyms", "/dev/kmsg", "/proc/config.gz"):
    try:
        fd = os.open(path, os.O_RDWR)
        print("OPENED", path)
    except OSError as error:
        print(path, type(error).__name__)
for device in ((1, 1), (8, 0), (254, 0), (253, 0), (252, 0)):
    try:
        os.mknod(f"dev{device[0]}", 0o60666, os.makedev(*device)); os.open(f"dev{device[0]}", os.O_RDONLY); print("OPENED a device node")
    except OSError as error:
        print(type(error).__name__)
""",
    "io_uring": """
params = ctypes.create_string_buffer(120)
fd = libc.syscall(425, 8, params)
print("io_uring", fd, ctypes.get_errno())
print("bpf", libc.syscall(321, 0, params, 120), "perf", libc.syscall(298, params, -1, 0, -1, 0), "userfaultfd", libc.syscall(323, 0))
""",
    "cgroups": """
for root, folders, files in os.walk("/sys/fs/cgroup"):
    for name in ("cgroup.procs", "tasks", "release_agent", "memory.max", "pids.max", "memory.limit_in_bytes"):
        try:
            with open(os.path.join(root, name), "a"):
                print("WROTE", root, name)
        except OSError:
            pass
    if root.count("/") > 5:
        folders.clear()
""",
    "limits": """
import resource
for kind in range(16):
    for pid in (0, os.getppid(), 1, <<pid>>):
        try:
            resource.prlimit(pid, kind, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
            print("raised", pid, kind)
        except (OSError, ValueError, PermissionError):
            pass
for value in (-20, 19):
    try:
        os.nice(value)
    except OSError:
        pass
try:
    os.sched_setaffinity(<<pid>>, os.sched_getaffinity(0))
    print("ESCAPED: moved the parent")
except OSError:
    pass
""",
    "privileges": """
import shutil
for uid in (0, 1, 1000, 65534):
    for change in (os.setuid, os.setgid, os.seteuid):
        try:
            change(uid)
        except OSError:
            pass
for tool in ("sudo", "su", "mount", "umount", "newuidmap", "passwd", "pkexec", "docker", "nsenter", "unshare"):
    path = shutil.which(tool)
    if path:
        os.system(f"{path} -n true </dev/null >/dev/null 2>&1")
targets()
""",
    "core_pattern_and_sysctl": """
for path in ("/proc/sys/kernel/core_pattern", "/proc/sysrq-trigger", "/proc/sys/kernel/modprobe", "/sys/kernel/uevent_helper",
             "/proc/sys/vm/drop_caches", "/proc/self/oom_score_adj", "/proc/sys/kernel/hostname", "/proc/1/oom_score_adj"):
    try:
        with open(path, "r+") as file:
            print("OPENED" if "self" not in path else "own", path)
    except OSError as error:
        print(path, type(error).__name__)
""",
    "clock_and_host_name": """
import time, socket
for act in (lambda: time.clock_settime(time.CLOCK_REALTIME, 0), lambda: socket.sethostname("owned"), lambda: libc.reboot(0)):
    try:
        print("done", act())
    except (OSError, PermissionError) as error:
        print(type(error).__name__)
""",
    "chroot_escape": """
os.makedirs("jail", exist_ok=True)
try:
    fd = os.open("/", os.O_RDONLY)
    os.chroot("jail"); os.fchdir(fd)
    for _ in range(50):
        os.chdir("..")
    os.chroot(".")
    tree("/", 1); targets()
except OSError as error:
    print(type(error).__name__)
""",
    "pivot_root": """
os.makedirs("new", exist_ok=True)
libc.mount(b"new", b"new", None, 4096, None)
os.makedirs("new/old", exist_ok=True)
print(libc.syscall(155, b"new", b"new/old"), ctypes.get_errno())
tree("/old", 1); tree("new/old", 1); targets()
""",
}

BOX = tuple(
    Case(
        f"escape_by_{name}",
        "own",
        with_cells(
            f"{SNOOP}{ISOLATED}\nimport ctypes, os\nlibc = ctypes.CDLL(None, use_errno=True)\n"
            "try:\n    assert isolated(), 'ESCAPED'\n"
            + "\n".join(f"    {line}" for line in source.strip().splitlines())
            + "\nexcept Exception as error:\n    print('nothing:', error)\ntargets()\nprint('SNOOPED')",
            at="end",
        ),
        Expect(passes="any", absent="OPENED|WROTE|ESCAPED"),
    )
    for name, source in ESCAPES.items()
)

CASES = (*SEARCHES, *INPUTS, *FILES, *BOX)
