"""The sandbox of the student's process: Linux namespaces, a read-only root, Landlock, seccomp, resource limits.

No root and no Docker needed. `enclose` and `furnish` are for the warm server, `lock_down` for what is forked from it; all want a
process of one thread, and `lock_down` says which layers took effect. References: namespaces(7), pivot_root(2),
mount_setattr(2), landlock(7), seccomp(2).
"""

from __future__ import annotations

import contextlib
import os
import platform
import stat
import struct
import sys
import sysconfig
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from grader.sandbox.landlock import restrict_files
from grader.sandbox.limits import Limits
from grader.sandbox.seccomp import prepare_filter, restrict_calls
from grader.sandbox.syscalls import LINUX, NEW, checked, die_with_parent, libc, mount, prctl

NOBODY = 65534
HOME = "/home/student"
ISOLATION = ("namespaces", "read-only root")
"""The layers without which a stranger's code is not run, unless the instructor insists."""


@dataclass(frozen=True)
class Layer:
    """One layer of the sandbox: whether it holds here, and what it does or why it does not."""

    name: str
    holds: bool
    detail: str


def isolated(layers: Iterable[Layer]) -> bool:
    """Whether a stranger's code may run behind these layers."""
    return {layer.name for layer in layers if layer.holds}.issuperset(ISOLATION)


_MS_RDONLY, _MS_NOSUID, _MS_NODEV, _MS_NOEXEC, _MS_REMOUNT = 1, 2, 4, 8, 32
_MS_BIND, _MS_MOVE, _MS_REC, _MS_PRIVATE, _MNT_DETACH = 4096, 8192, 16384, 1 << 18, 2
_SYS_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}.get(platform.machine(), -1)
_SYS_OPEN_TREE, _SYS_MOVE_MOUNT, _SYS_MOUNT_SETATTR = 428, 429, 442
_PR_SET_DUMPABLE, _PR_CAPBSET_DROP, _PR_SET_NO_NEW_PRIVS = 4, 24, 38

# ---------------------------------------------------------------------------------------- namespaces


def enclose() -> str:
    """Make this process (the warm server, before it is large) number 1 of a pid namespace of its own: when it ends,
    for whatever reason, everything below it ends. "" or why that is refused here.

    An ordinary user needs a user namespace for it, in which it has every right over what it creates there.
    """
    global _rootless, _pid_namespace
    if not LINUX:
        return "only Linux has this"
    uid, gid = os.geteuid(), os.getegid()
    _rootless = uid != 0
    try:
        checked(libc.unshare(NEW["pid"] | (NEW["user"] if _rootless else 0)), "pid namespace")
        if _rootless:
            _write_maps(0, uid, gid)
    except OSError as error:
        return str(error)
    child = os.fork()
    if child:
        os._exit(0 if os.waitpid(child, 0)[1] == 0 else 1)
    die_with_parent()
    _pid_namespace = os.open("/proc/self/ns/pid", os.O_RDONLY | os.O_CLOEXEC)
    return ""


_rootless, _pid_namespace = True, -1


@contextlib.contextmanager
def next_child_is_first() -> Iterator[None]:
    """The child forked inside is number 1 of a pid namespace below this one. Raises OSError."""
    checked(libc.unshare(NEW["pid"]), "pid namespace")
    try:
        yield
    finally:
        checked(libc.setns(_pid_namespace, NEW["pid"]), "pid namespace")


def lock_down(limits: Limits, refused: str) -> list[Layer]:
    """In the student's process, before any of the student's code: give up everything that can be given up.

    `refused` is what `furnish` said. Layers that this machine lacks are left out, and said.
    """
    isolated, layers = not refused, []
    if isolated:
        try:
            checked(libc.unshare(sum(NEW[name] for name in ("mount", "uts", "ipc", "net"))), "namespaces")
            checked(libc.sethostname(b"trainlab", 8), "host name")
            layers.append(Layer("namespaces", True, "user, mount, pid, network, ipc, uts"))
            itself = os.open("/proc/self", os.O_PATH)
            _mount_scratch(limits)
            _mount_proc()
            scratch = f"{limits.scratch >> 20} MiB of scratch"
            layers.append(Layer("read-only root", True, f"Python, trainlab, {scratch}"))
            _become_nobody(itself)
            os.chdir(HOME)
        except OSError as error:
            refused = str(error)
    if refused:
        isolated = False
        layers += [Layer(name, False, refused) for name in ISOLATION[len(layers) :]]
    if LINUX:
        checked(prctl(_PR_SET_NO_NEW_PRIVS, 1), "no new privileges")
        _drop_capabilities()
    layers.append(_limit_resources(limits))
    writable = _SCRATCH if isolated else (os.getcwd(),)
    for name, step in (("landlock", lambda: restrict_files(writable)), ("seccomp", restrict_calls)):
        try:
            if not LINUX:
                raise OSError(refused)
            layers.append(Layer(name, True, step()))
        except OSError as error:
            layers.append(Layer(name, False, str(error)))
    return layers


def _become_nobody(itself: int) -> None:
    """A user namespace of its own, where its processes are counted apart and where it has no right over what was
    built before; root becomes the user `nobody` first. `itself` is the process's folder in /proc, opened."""
    uid = gid = 0
    if not _rootless:
        uid = gid = NOBODY
        os.setgroups([])
        os.setresgid(gid, gid, gid)
        os.setresuid(uid, uid, uid)
        prctl(_PR_SET_DUMPABLE, 1)  # else its own folder in /proc belongs to root
    checked(libc.unshare(NEW["user"]), "user namespace")
    _write_maps(1000, uid, gid, itself)
    os.close(itself)


def _write_maps(inside: int, uid: int, gid: int, itself: int | None = None) -> None:
    """User `uid` outside of the user namespace is `inside` within it."""
    texts = {"setgroups": "deny", "uid_map": f"{inside} {uid} 1", "gid_map": f"{inside} {gid} 1"}
    for name, text in texts.items():
        path = name if itself is not None else f"/proc/self/{name}"
        with open(os.open(path, os.O_WRONLY, dir_fd=itself), "w") as file:
            file.write(text)


def visible_paths() -> list[Path]:
    """What of this machine the student's process can read: Python, its packages, trainlab, system libraries.

    Each tree by itself: an environment's folder may be the course's (`python -m venv .`), so it is never bound whole.
    """
    import trainlab

    folders = ("site-packages", "dist-packages", "lib-dynload")
    system = (
        "/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/share/zoneinfo", "/usr/share/fonts", "/etc/localtime",
        "/etc/ld.so.cache", "/etc/fonts",
    )  # fmt: skip
    wanted = [Path(sys.base_prefix, part) for part in ("bin", "lib", "lib64", "share/zoneinfo")]
    wanted += [Path(sys.prefix, "pyvenv.cfg"), Path(trainlab.__file__).parent, *map(Path, system)]
    wanted += [Path(sysconfig.get_path(name)) for name in ("stdlib", "purelib", "platlib")]
    wanted += [Path(entry) for entry in sys.path if entry.endswith(folders)]
    wanted += [Path(sys.executable)]  # a link to a link, mostly
    while wanted[-1].is_symlink():
        wanted.append(wanted[-1].parent / os.readlink(wanted[-1]))
    kept: list[Path] = []
    for path in sorted({p for p in wanted if p.exists()}, key=lambda p: len(p.parts)):
        if path != Path("/") and not any(path.is_relative_to(other) for other in kept):
            kept.append(path)
    return kept


def in_sight(private: Iterable[Path]) -> str:
    """One line where a student's process could read one of these paths, whatever it is asked for; else ""."""
    trees = [path.resolve() for path in visible_paths()]
    for path in private:
        if tree := next((tree for tree in trees if path.resolve().is_relative_to(tree)), None):
            return f"{path} lies in {tree}, which belongs to Python and which students' code may read; move the course elsewhere"
    return ""


def furnish(refused: str) -> str:
    """Work out in the warm server, once, what every sandbox needs, and leave it no files but those; why not, else "".

    `refused` is what `enclose` said.
    """
    global _covered
    prepare_filter()
    if refused:
        return refused
    visible = visible_paths()
    _covered = [path for path in visible if any(map(path.is_relative_to, _SCRATCH))]

    def move_in() -> None:
        checked(libc.unshare(NEW["mount"]), "mount namespace")
        _build_root(visible)
        _mount_scratch(Limits(scratch=2**20))  # importing may write there

    refused = _tried(move_in)
    if not refused:
        move_in()
    return refused


def _tried(step: Callable[[], None]) -> str:
    """Why `step` fails in a fork, which takes with it what was half done; "" where it does not."""
    ours, theirs = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            step()
        except OSError as error:
            os.write(theirs, str(error).encode())
        finally:
            os._exit(0)
    os.close(theirs)
    os.waitpid(pid, 0)
    with open(ours) as said:
        return said.read()


_covered: list[Path] = []
"""What must be visible and lies where scratch folders are mounted: a checkout may be below /tmp, or in a student's own home."""
_SCRATCH = (HOME, "/tmp", "/dev/shm")


def _build_root(visible: Iterable[Path]) -> None:
    """A root that holds `visible` and nothing else, all of it read-only."""
    mount("none", "/", None, _MS_REC | _MS_PRIVATE)
    mount("root", "/tmp", "tmpfs", _MS_NOSUID | _MS_NODEV, "size=1m,nr_inodes=2000,mode=755")
    os.mkdir("/tmp/.old")
    os.chdir("/tmp")
    checked(libc.syscall(_SYS_PIVOT_ROOT, b".", b".old"), "pivot_root")
    os.chdir("/")
    os.mkdir("/dev")
    for name in ("null", "random", "urandom"):  # mapped, /dev/zero is memory that no process is counted for
        Path(f"/dev/{name}").touch()
        mount(f"/.old/dev/{name}", f"/dev/{name}", None, _MS_BIND)
    for folder in ("/proc", "/proc.own", *_SCRATCH):
        os.makedirs(folder)
    mount("/.old/proc", "/proc", None, _MS_BIND | _MS_REC)
    attributes = struct.pack("=QQQQ", 0x1 | 0x2 | 0x4, 0, 0, 0)  # RDONLY, NOSUID, NODEV
    for path in visible:
        old, new = Path(f"/.old{path}"), path
        new.parent.mkdir(parents=True, exist_ok=True)
        if old.is_symlink():
            new.symlink_to(os.readlink(old))
            continue
        new.mkdir(exist_ok=True) if old.is_dir() else new.touch()
        mount(str(old), str(new), None, _MS_BIND | _MS_REC)
        # every mount below it read-only, without set-uid programs and devices
        checked(
            libc.syscall(_SYS_MOUNT_SETATTR, -100, str(new).encode(), 0x8000, attributes, 32), f"lock {new}"
        )
    checked(libc.umount2(b"/.old", _MNT_DETACH), "umount")
    os.rmdir("/.old")
    mount("none", "/", None, _MS_REMOUNT | _MS_BIND | _MS_RDONLY | _MS_NOSUID | _MS_NODEV)


def _mount_scratch(limits: Limits) -> None:
    """The folders that a process may write in, which end with it."""
    trees = [
        os.readlink(path)
        if path.is_symlink()
        else checked(
            libc.syscall(_SYS_OPEN_TREE, -100, str(path).encode(), 0x8001 | os.O_CLOEXEC), f"open {path}"
        )
        for path in _covered
    ]
    size = f"size={limits.scratch},nr_inodes={limits.inodes},mode=777"
    mount("scratch", HOME, "tmpfs", _MS_NOSUID | _MS_NODEV, size)
    for name, target in ((".tmp", "/tmp"), (".shm", "/dev/shm")):
        os.mkdir(f"{HOME}/{name}", 0o777)
        os.chmod(f"{HOME}/{name}", 0o777)
        mount(f"{HOME}/{name}", target, None, _MS_BIND)
    for path, tree in zip(_covered, trees, strict=True):
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(tree, str):
            path.symlink_to(tree)
            continue
        path.mkdir() if stat.S_ISDIR(os.fstat(tree).st_mode) else path.touch()
        checked(libc.syscall(_SYS_MOVE_MOUNT, tree, b"", -100, str(path).encode(), 4), f"mount {path}")
        os.close(tree)


def _mount_proc() -> None:
    """A /proc that shows this pid namespace only. Where that is refused, as in a container that hides parts of its own, there is none."""
    with contextlib.suppress(OSError):  # while the old one is in sight: else an ordinary user gets none
        mount("proc", "/proc.own", "proc", _MS_NOSUID | _MS_NODEV | _MS_NOEXEC, "subset=pid")
    checked(libc.umount2(b"/proc", _MNT_DETACH), "umount /proc")
    with contextlib.suppress(OSError):
        mount("/proc.own", "/proc", None, _MS_MOVE)


def _drop_capabilities() -> None:
    for capability in range(64):
        if prctl(_PR_CAPBSET_DROP, capability) < 0:
            break
    header, nothing = struct.pack("=Ii", 0x20080522, 0), bytes(24)
    checked(libc.capset(header, nothing), "capabilities")


def _limit_resources(limits: Limits) -> Layer:
    import resource

    mapped = 2**30
    with contextlib.suppress(OSError):
        mapped = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    for what, limit in (
        (resource.RLIMIT_AS, mapped + limits.memory),
        (resource.RLIMIT_CPU, limits.cpu_seconds),
        (resource.RLIMIT_NPROC, limits.processes),
        (resource.RLIMIT_NOFILE, limits.files),
        (resource.RLIMIT_FSIZE, limits.scratch),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_MEMLOCK, 0),
    ):
        hard = resource.getrlimit(what)[1]
        limit = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
        resource.setrlimit(what, (limit, limit))
    told = f"{limits.memory >> 20} MiB, {limits.cpu_seconds} s, {limits.processes} processes"
    return Layer("resource limits", True, told)
