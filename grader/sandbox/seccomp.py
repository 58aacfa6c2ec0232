"""seccomp: system calls that nobody needs, and sockets that no namespace fences, are refused; so is whatever one process could say to
another by, or learn of another from, a file that both may read: locks, watches, and which of its pages are in memory. Reference: seccomp(2)."""

from __future__ import annotations

import ctypes
import ctypes.util
import os
import struct

from grader.sandbox.syscalls import NEW, checked, libc

_PR_SET_SECCOMP, _ALLOW, _FAIL = 22, 0x7FFF0000, 0x00050000
_filter: bytes | OSError = OSError("no filter was made")
_FORBIDDEN = (  # memfd_create and the four behind it make memory that no limit counts
    "unshare", "setns", "mount", "umount2", "pivot_root", "chroot", "move_mount", "open_tree", "fsopen",
    "fsmount", "mount_setattr", "ptrace", "process_vm_readv", "process_vm_writev", "kcmp", "pidfd_getfd",
    "keyctl", "add_key", "request_key", "bpf", "perf_event_open", "userfaultfd", "io_uring_setup",
    "io_uring_enter", "io_uring_register", "open_by_handle_at", "name_to_handle_at", "kexec_load",
    "kexec_file_load", "init_module", "finit_module", "delete_module", "swapon", "swapoff", "reboot",
    "syslog", "acct", "quotactl", "settimeofday", "clock_settime", "iopl", "ioperm", "lookup_dcookie",
    "personality", "vhangup", "nfsservctl", "fanotify_init", "memfd_create", "memfd_secret", "shmget",
    "semget", "msgget", "inotify_init", "inotify_init1", "mincore", "process_madvise", "sched_setaffinity",
)  # fmt: skip
_IS_NOT, _IS, _HAS = 1, 4, 7
_EPERM, _ENOSYS, _EOPNOTSUPP, _DONE = 1, 38, 95, 0
"""What a call fails with; with _DONE it does nothing and says that all is well, which is as good for whoever is alone with a file."""
_IN_PART: tuple[tuple[str, int, tuple[tuple[int, int, int], ...]], ...] = (
    # call, error, and what its arguments are where it is refused: (position, comparison, value); _HAS: all bits of the value
    *(("socket", _EPERM, ((0, _IS, family),)) for family in {*range(64)} - {1, 2, 10}),  # vsock! no namespace fences it
    ("clone", _EPERM, ((0, _HAS, NEW["user"]),)),
    ("clone3", _ENOSYS, ()),  # its flags cannot be looked at; libc falls back on clone
    ("flock", _DONE, ()),
    *(("fcntl", _DONE, ((1, _IS, command),)) for command in (6, 7, 37, 38)),  # locks of ranges, of a process and of an open file
    *(("fcntl", _EPERM, ((1, _IS, command),)) for command in (1024, 1026)),  # leases, and signals when a folder changes
    ("fadvise64", _DONE, ()),
    ("readahead", _DONE, ()),
    *(("madvise", _DONE, ((2, _IS, advice),)) for advice in (3, 20, 21)),  # WILLNEED, COLD, PAGEOUT
    ("preadv2", _EOPNOTSUPP, ((5, _IS_NOT, 0),)),  # RWF_NOWAIT: what is in memory already
    ("cachestat", _ENOSYS, ()),
    ("mmap", _EPERM, ((3, _HAS, 0x21),)),  # shared and anonymous: memory that stays while no process's table shows it
)  # fmt: skip
_NUMBERS = {"cachestat": 451}  # younger than many a libseccomp; everywhere the same


def prepare_filter() -> None:
    """Make the filter, once, for every process that is forked from this one; or keep why there is none."""
    global _filter
    try:
        _filter = _program()
    except OSError as error:
        _filter = error


def _program() -> bytes:
    """The filter in the kernel's form, by libseccomp (github.com/seccomp/libseccomp). Raises OSError."""
    try:
        lib = ctypes.CDLL(ctypes.util.find_library("seccomp") or "libseccomp.so.2")
    except OSError:
        raise OSError("libseccomp is not installed") from None
    lib.seccomp_init.restype = ctypes.c_void_p
    context = ctypes.c_void_p(lib.seccomp_init(ctypes.c_uint32(_ALLOW)))
    for call, error, conditions in (*((call, _EPERM, ()) for call in _FORBIDDEN), *_IN_PART):
        number = lib.seccomp_syscall_resolve_name(call.encode())
        number = _NUMBERS.get(call, number) if number == -1 else number
        rules = b"".join(struct.pack("IIQQ", at, how, value, value) for at, how, value in conditions)
        action = ctypes.c_uint32(_FAIL | error)
        # a negative number: a call that this machine's kernel does not have
        if number >= 0 and lib.seccomp_rule_add_array(context, action, number, len(conditions), rules) != 0:
            raise OSError(f"libseccomp takes no rule for {call}")
    with open(os.memfd_create("filter"), "w+b") as file:
        if lib.seccomp_export_bpf(context, file.fileno()) != 0:
            raise OSError("libseccomp gives no filter")
        lib.seccomp_release(context)
        file.seek(0)
        return file.read()


def restrict_calls() -> str:
    """Put the calling process behind the filter; returns what holds. Raises OSError where nothing does."""
    if isinstance(_filter, OSError):
        raise _filter
    code = ctypes.create_string_buffer(_filter, len(_filter))
    program = struct.pack("HxxxxxxP", len(_filter) // 8, ctypes.addressof(code))
    buffer = ctypes.create_string_buffer(program, len(program))
    done = libc.prctl(_PR_SET_SECCOMP, ctypes.c_ulong(2), ctypes.c_ulong(ctypes.addressof(buffer)), 0, 0)
    checked(done, "seccomp")
    return f"{len(_FORBIDDEN)} system calls refused, and locks, looks at the page cache and all sockets but Unix and IP"
