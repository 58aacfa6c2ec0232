"""seccomp: system calls that nobody needs, and sockets that no namespace fences, are refused. Reference: seccomp(2)."""

from __future__ import annotations

import ctypes
import ctypes.util
import os
import struct

from grader.sandbox.syscalls import NEW, checked, libc

_PR_SET_SECCOMP = 22
_filter: bytes | None = None
_FORBIDDEN = (  # the last five make memory that no limit counts
    "unshare", "setns", "mount", "umount2", "pivot_root", "chroot", "move_mount", "open_tree", "fsopen",
    "fsmount", "mount_setattr", "ptrace", "process_vm_readv", "process_vm_writev", "kcmp", "pidfd_getfd",
    "keyctl", "add_key", "request_key", "bpf", "perf_event_open", "userfaultfd", "io_uring_setup",
    "io_uring_enter", "io_uring_register", "open_by_handle_at", "name_to_handle_at", "kexec_load",
    "kexec_file_load", "init_module", "finit_module", "delete_module", "swapon", "swapoff", "reboot",
    "syslog", "acct", "quotactl", "settimeofday", "clock_settime", "iopl", "ioperm", "lookup_dcookie",
    "personality", "vhangup", "nfsservctl", "fanotify_init", "memfd_create", "memfd_secret", "shmget",
    "semget", "msgget", "sched_setaffinity",
)  # fmt: skip


def prepare_filter() -> None:
    """Make the filter, once, for every process that is forked from this one."""
    global _filter
    _filter = _program()


def _program() -> bytes | None:
    """The filter in the kernel's form, by libseccomp (github.com/seccomp/libseccomp) where it is installed."""
    name = ctypes.util.find_library("seccomp") or "libseccomp.so.2"
    try:
        lib = ctypes.CDLL(name)
    except OSError:
        return None
    lib.seccomp_init.restype = ctypes.c_void_p
    allow, refuse = 0x7FFF0000, 0x00050000 | 1  # EPERM
    context = ctypes.c_void_p(lib.seccomp_init(ctypes.c_uint32(allow)))
    for call in _FORBIDDEN:
        number = lib.seccomp_syscall_resolve_name(call.encode())
        if number >= 0:
            lib.seccomp_rule_add(context, ctypes.c_uint32(refuse), number, 0)
    # but for Unix, IPv4 and IPv6: others (vsock!) may not be fenced by a namespace
    for family in set(range(64)) - {1, 2, 10}:
        rule = struct.pack("IIQQ", 0, 4, family, 0)  # first argument == family
        number = lib.seccomp_syscall_resolve_name(b"socket")
        lib.seccomp_rule_add_array(context, ctypes.c_uint32(refuse), number, 1, rule)
    new_user = struct.pack("IIQQ", 0, 7, NEW["user"], NEW["user"])  # clone: first argument & mask == mask
    number = lib.seccomp_syscall_resolve_name(b"clone")
    lib.seccomp_rule_add_array(context, ctypes.c_uint32(refuse), number, 1, new_user)
    # clone3's flags cannot be looked at; libc falls back on ENOSYS
    number = lib.seccomp_syscall_resolve_name(b"clone3")
    lib.seccomp_rule_add(context, ctypes.c_uint32(0x00050000 | 38), number, 0)
    with open(os.memfd_create("filter"), "w+b") as file:
        exported = lib.seccomp_export_bpf(context, file.fileno())
        lib.seccomp_release(context)
        if exported != 0:
            return None
        file.seek(0)
        return file.read()


def restrict_calls() -> str:
    """Put the calling process behind the filter; returns what holds. Raises OSError or RuntimeError where nothing does."""
    if _filter is None:
        raise RuntimeError("libseccomp is not installed")
    code = ctypes.create_string_buffer(_filter, len(_filter))
    program = struct.pack("HxxxxxxP", len(_filter) // 8, ctypes.addressof(code))
    buffer = ctypes.create_string_buffer(program, len(program))
    done = libc.prctl(_PR_SET_SECCOMP, ctypes.c_ulong(2), ctypes.c_ulong(ctypes.addressof(buffer)), 0, 0)
    checked(done, "seccomp")
    return f"{len(_FORBIDDEN)} system calls and all sockets but Unix and IP refused"
