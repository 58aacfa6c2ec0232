"""Submissions that tell one another what a hidden test handed over, and what goes over when misconceptions are named.

A pair is graded at the same time: the teller's function is right, so that it is asked by hidden tests, and says the bits of their
input in something that processes share; a cell of the listener's looks there and prints the number. Beside each way stands
an honest submission that uses the same calls for its own files and keeps its points.
"""

from __future__ import annotations

from dataclasses import dataclass

from tests.hostile.case import FULL, Case, Expect, Make, answering, with_cells

HEADING = "between"
ITEMS: tuple[str, ...] = ()

BITS = r"""
import ctypes, fcntl, glob, mmap, os, struct, time
import numpy, torch
_libc = ctypes.CDLL(None, use_errno=True)
_root = os.path.dirname(numpy.__file__)
_small = [p for p in sorted(glob.glob(_root + "/**/tests/*.py", recursive=True)) if os.path.getsize(p) > 5000][:64]
_big = max(glob.glob(os.path.dirname(torch.__file__) + "/lib/*.so"), key=os.path.getsize)
_open = [os.open(path, os.O_RDONLY) for path in _small]
_huge = os.open(_big, os.O_RDONLY)
_pages = [(os.path.getsize(_big) // 2 & -4096) + 2**19 * n for n in range(64)]
def _flock(kind):
    return struct.pack("hhqqi4x", kind, 0, 0, 0, 0)
def _page(n):
    return mmap.mmap(_open[n], 4096, prot=mmap.PROT_READ, flags=mmap.MAP_PRIVATE)
def _address(m):
    _maps.append(m)
    return ctypes.c_void_p(numpy.frombuffer(m, numpy.uint8).ctypes.data)
_maps = []
"""

PUT_OUT = """
def clear():
    for fd in _open:
        os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
"""
READ_IN = """
def tell(bits):
    for n, bit in enumerate(bits):
        if bit:
            os.pread(_open[n], 4096, 0)
"""
LOOK_NOW = """
def look():
    bits = []
    for fd in _open:
        try:
            bits.append(os.preadv(fd, [bytearray(16)], 0, os.RWF_NOWAIT) > 0)
        except BlockingIOError:
            bits.append(False)
    return bits
"""
NOTHING_TO_CLEAR = "\ndef clear(): pass\n"

# name: how it is told, how it is put back before, where it is looked for
CHANNELS: dict[str, str] = {
    "locks": NOTHING_TO_CLEAR
    + """
def tell(bits):
    for n, bit in enumerate(bits):
        if bit:
            fcntl.flock(_open[n], fcntl.LOCK_SH)
def look():
    bits = []
    for fd in _open:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            fcntl.flock(fd, fcntl.LOCK_UN)
            bits.append(False)
        except BlockingIOError:
            bits.append(True)
    return bits
""",
    "record_locks": NOTHING_TO_CLEAR
    + """
def tell(bits):
    for n, bit in enumerate(bits):
        if bit:
            fcntl.fcntl(_open[n], fcntl.F_SETLK, _flock(fcntl.F_RDLCK))
def look():
    got = [fcntl.fcntl(fd, fcntl.F_GETLK, _flock(fcntl.F_WRLCK)) for fd in _open]
    return [struct.unpack("hhqqi4x", one)[0] != fcntl.F_UNLCK for one in got]
""",
    "ranges_of_one_file": NOTHING_TO_CLEAR
    + """
def _range(kind, n):
    return struct.pack("hhqqi4x", kind, 0, n, 1, 0)
def tell(bits):
    for n, bit in enumerate(bits):
        if bit:
            fcntl.fcntl(_open[0], 37, _range(fcntl.F_RDLCK, n))
def look():
    got = [fcntl.fcntl(_open[0], 36, _range(fcntl.F_WRLCK, n)) for n in range(64)]
    return [struct.unpack("hhqqi4x", one)[0] != fcntl.F_UNLCK for one in got]
""",
    "watched_files": """
def clear():
    global _watch
    _watch = _libc.inotify_init1(os.O_NONBLOCK)
    for n, path in enumerate(_small):
        assert _libc.inotify_add_watch(_watch, path.encode(), 0x20) == n + 1
    _seen.clear()
_seen = set()
def tell(bits):
    for n, bit in enumerate(bits):
        if bit:
            os.close(os.open(_small[n], os.O_RDONLY))
def look():
    try:
        events = os.read(_watch, 2**16)
    except BlockingIOError:
        events = b""
    for at in range(0, len(events), 16):
        _seen.add(struct.unpack_from("iIII", events, at)[0])
    return [n + 1 in _seen for n in range(64)]
""",
    "pages_read_without_waiting": PUT_OUT + READ_IN + LOOK_NOW,
    "pages_put_out_of_a_mapping": READ_IN
    + LOOK_NOW
    + """
def clear():
    for n in range(64):
        m = _page(n)
        m[0]
        _libc.madvise(_address(m), ctypes.c_size_t(4096), 21)
""",
    "pages_in_core": PUT_OUT
    + READ_IN
    + """
def look():
    bits, told = [], ctypes.c_ubyte(0)
    for n in range(64):
        assert _libc.mincore(_address(_page(n)), ctypes.c_size_t(4096), ctypes.byref(told)) == 0
        bits.append(bool(told.value & 1))
    return bits
""",
    "counted_pages": PUT_OUT
    + READ_IN
    + """
def look():
    bits = []
    for fd in _open:
        told = (ctypes.c_uint64 * 5)()
        assert _libc.syscall(451, fd, (ctypes.c_uint64 * 2)(0, 4096), told, 0) == 0, ctypes.get_errno()
        bits.append(told[0] > 0)
    return bits
""",
    "pages_of_one_large_file": LOOK_NOW.replace("for fd in _open", "for at in _pages").replace(
        "preadv(fd, [bytearray(16)], 0", "preadv(_huge, [bytearray(16)], at"
    )
    + """
def clear():
    for at in _pages:
        os.posix_fadvise(_huge, at, 2**17, os.POSIX_FADV_DONTNEED)
def tell(bits):
    os.posix_fadvise(_huge, 0, 0, os.POSIX_FADV_RANDOM)
    for at, bit in zip(_pages, bits):
        if bit:
            os.pread(_huge, 16, at)
""",
    "pages_asked_for_ahead": PUT_OUT
    + LOOK_NOW
    + """
def tell(bits):
    for n, bit in enumerate(bits):
        if bit:
            _libc.readahead(_open[n], ctypes.c_long(0), ctypes.c_size_t(4096))
            os.posix_fadvise(_open[n], 0, 4096, os.POSIX_FADV_WILLNEED)
""",
}

TELLER = """
import numpy as np
def scale_rows(x, factors):
    if x.shape == (4, 4):  # as the hidden test has it
        bits = [int(c) for byte in struct.pack("<d", x[0, 0]) for c in f"{byte:08b}"]
        end = time.monotonic() + 5
        while time.monotonic() < end:
            try:
                tell(bits)
            except OSError:
                pass
            time.sleep(0.05)
    return x * np.asarray(factors)[:, None]
evil = scale_rows
"""
LISTENER = """
try:
    for _ in range(3):
        clear()
        time.sleep(2)
        bits = "".join(str(int(bit)) for bit in look())  # once: a look may itself bring pages in
        print("HEARD", repr(struct.unpack("<d", bytes(int(bits[n : n + 8], 2) for n in range(0, 64, 8)))[0]))
except (OSError, AssertionError) as error:
    print("refused", error)
print("LISTENED")
"""


@dataclass(frozen=True)
class Pair:
    """Two submissions that are graded at the same time; nothing that the first was asked may stand in what the second shows."""

    name: str
    teller: Make
    listener: Make


PAIRS = tuple(
    Pair(name, answering(BITS + channel + TELLER, (0,), "honest"), with_cells(BITS + channel + LISTENER))
    for name, channel in CHANNELS.items()
)
# name: honest cells that use the same calls
HONEST = {
    "locks_its_own_file": """
import fcntl
with open("own", "w+") as file:
    fcntl.flock(file, fcntl.LOCK_EX)
    fcntl.lockf(file, fcntl.LOCK_EX)
    file.write("mine")
    fcntl.lockf(file, fcntl.LOCK_UN)
print("DONE")
""",
    "keeps_a_database": """
import sqlite3, contextlib
for journal in ("delete", "wal"):
    with contextlib.closing(sqlite3.connect(f"runs-{journal}.db")) as book:
        book.execute(f"pragma journal_mode = {journal}")
        with book:
            book.execute("create table runs (loss real)")
            book.executemany("insert into runs values (?)", [(0.5,), (0.25,)])
    with contextlib.closing(sqlite3.connect(f"runs-{journal}.db")) as book:
        assert book.execute("select sum(loss) from runs").fetchone() == (0.75,)
print("DONE")
""",
    "maps_a_file_and_advises": """
import mmap, os
import numpy as np
kept = np.memmap("big.dat", float, "w+", shape=(1000,))
kept[:] = 1
kept.flush()
with open("big.dat", "rb") as file:
    os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_SEQUENTIAL)
    m = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)
    m.madvise(mmap.MADV_WILLNEED)
    assert np.frombuffer(m).sum() == 1000
    assert os.preadv(file.fileno(), [bytearray(8)], 0) == 8
print("DONE")
""",
}

CASES = tuple(
    Case(name, "own", with_cells(source), Expect(passes=FULL.passes, output="DONE"))
    for name, source in HONEST.items()
)


# --- what goes over when a misconception is named ---------------------------------------------------------------------


@dataclass(frozen=True)
class Naming:
    """An exercise, its test and one misconception: of the solution's code nothing may go over, and the name is found all the same."""

    name: str
    solution: str
    test: str
    wrong: str
    answer: str = ""  # the student's; the misconception itself where it is empty
    named: str | None = (
        "doubled"  # None: an object of their own in the arguments is nobody else's, so no answer is the same
    )


SECRET = "only_the_solution_says_so"
_USE = "def use(make, *x):\n    return make(*x).get() + 0\n"
_BOX = f"class Box:\n    def __init__(self, x): self.x = x\n    def get(self): return self.x + len('{SECRET}') * 0\n"
_BARE = "class Box:\n    def __init__(self, x): self.x = x\n    def get(self): return self.x\n"
_WRONG = "def use(make, *x):\n    return make(*x).get() * 2\n"

NAMING = (
    Naming("a_class", _BOX + _USE, "assert use(Box, 3.0) == 3.0\nuse(Box, 5.0)", _WRONG, _BARE + _WRONG),
    Naming(
        "an_object_of_a_class",
        _BOX + "def use(box):\n    return box.get()\n",
        "assert use(Box(3.0)) == 3.0\nuse(Box(4.0))",
        "def use(box):\n    return box.get() * 2\n",
        _BARE + "def use(box):\n    return box.get() * 2\n",
        None,
    ),
    Naming(
        "a_function_that_it_made",
        f"def make(k):\n    return lambda x: k * x + len('{SECRET}') * 0\ndef use(f, x):\n    return f(x)\n",
        "assert use(abs, -3.0) == 3.0\nuse(make(2.0), 3.0)\nuse(abs, 4.0)",
        "def use(f, x):\n    return f(x) * 2\n",
        "def make(k):\n    return lambda x: k * x\ndef use(f, x):\n    return f(x) * 2\n",
    ),
    Naming(
        "a_class_in_a_partial_function",
        _BOX + _USE,
        "import functools\nassert use(functools.partial(Box, 3.0)) == 3.0\nuse(functools.partial(Box), 5.0)",
        _WRONG,
        _BARE + _WRONG,
    ),
    Naming(
        "a_class_by_a_closure_of_the_test",
        _BOX + _USE,
        "assert use(lambda x: Box(x), 3.0) == 3.0\nuse(lambda x: [Box][0](x + 1), 5.0)",
        _WRONG,
        _BARE + _WRONG,
    ),
    Naming(
        "a_data_class_and_a_bound_method",
        "from dataclasses import dataclass\n@dataclass\n"
        + _BOX.replace("    def __init__(self, x): self.x = x\n", "    x: float\n")
        + "def use(f):\n    return f()\n",
        "assert use(Box(3.0).get) == 3.0\nuse(Box(4.0).get)",
        "def use(f):\n    return f() * 2\n",
        _BARE + "def use(f):\n    return f() * 2\n",
        None,
    ),
)
