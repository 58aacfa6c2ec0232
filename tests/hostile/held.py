"""Submissions that hold memory and use time where nobody counts, and text that takes long to read in our own processes.

What they hold is bounded by themselves (under 1.5 GB, for seconds), so that a limit that does not hold costs a red test and not the
machine. Beside them stand honest ones that start processes, share memory and nest their code, and keep their points.
"""

from __future__ import annotations

from grader.engine.result import Verdict
from tests.hostile.case import FULL, Case, Expect, Json, World, answering, cell, with_cells

HEADING = "held"
ITEMS: tuple[str, ...] = ()

HOLD = r"""
import ctypes, mmap, os, signal, sys, time
_libc = ctypes.CDLL(None, use_errno=True)
def children(count, act, seconds=3.0):
    '''`count` children that run `act` and then wait; it returns some seconds after all have done so.'''
    ours, theirs = os.pipe()
    for _ in range(count):
        if os.fork() == 0:
            try:
                act()
                os.write(theirs, b"1")
                time.sleep(60)
            finally:
                os.write(theirs, b"0")
                os._exit(0)
    told = b""
    while len(told) < count:
        told += os.read(ours, 1)
        if told.endswith(b"0"):
            raise MemoryError("refused")
    time.sleep(seconds)
def block(size):
    '''Memory of its own, every page of it written.'''
    m = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    for at in range(0, size, 4096):
        m[at] = 1
    return m
def named(name):
    _libc.prctl(15, name, 0, 0, 0)
def write(m, size):
    for at in range(0, size, 4096):
        m[at] = 1
"""
MORE = Expect(
    (1, 2),
    verdicts=(Verdict.CRASHED, Verdict.FAILED),
    absent="UNBOUNDED",
    message="memory|refused|permitted|No such file",
    seconds=90,
)
"""It is ended over its memory, or cannot even make it."""

# name: body of a function that says UNBOUNDED where it has held more than it may
MEMORY = {
    "under_a_name_that_is_no_text": """
def act():
    named(b"\\xff\\xfe")
    kept.append(block(250 * 2**20))
kept = []
children(4, act)
""",
    "in_the_family_of_a_name_that_is_no_text": """
named(b"\\xff(\\xfe) 1 2")
kept = []
children(4, lambda: kept.append(block(250 * 2**20)))
""",
    "under_a_name_that_looks_like_numbers": """
def act():
    named(b"x) S 1 1 1 1 0")
    kept.append(block(250 * 2**20))
kept = []
children(4, act)
""",
    "in_many_small_programs": """
import subprocess
code = "kept = bytearray(75 * 2**20); kept[::4096] = b'1' * len(kept[::4096]); print('held', flush=True); import time; time.sleep(60)"
running = [subprocess.Popen([sys.executable, "-I", "-S", "-c", code], stdout=subprocess.PIPE) for _ in range(14)]
assert all(one.stdout.read(4) == b"held" for one in running), "no memory"
time.sleep(3)
""",
    "in_programs_of_forked_children": """
ours, theirs = os.pipe()
os.set_inheritable(theirs, True)
code = f"kept = bytearray(75 * 2**20); kept[::4096] = b'1' * len(kept[::4096]); import os, time; os.write({theirs}, b'1'); time.sleep(60)"
for _ in range(14):
    if os.fork() == 0:
        os.execv(sys.executable, [sys.executable, "-I", "-S", "-c", code])
for _ in range(14):
    assert os.read(ours, 1) == b"1"
time.sleep(3)
""",
    "in_shared_pages_that_nobody_maps": """
size = 250 * 2**20
for _ in range(4):
    m = mmap.mmap(-1, size)
    write(m, size)
    if os.fork() == 0:
        time.sleep(60)  # it maps them, and has looked at none
        os._exit(0)
    m.close()
time.sleep(3)
""",
    "in_shared_pages_given_back": """
size, kept = 200 * 2**20, []
def act():
    m = mmap.mmap(-1, size)
    write(m, size)
    m.madvise(mmap.MADV_DONTNEED)  # of this process's table, not of the memory
    kept.append(m)
children(5, act)
""",
    "in_shared_pages_of_zero": """
size, kept = 200 * 2**20, []
def act():
    m = mmap.mmap(os.open("/dev/zero", os.O_RDONLY), size, prot=mmap.PROT_READ)
    sum(m[at] for at in range(0, size, 4096))
    m.madvise(mmap.MADV_DONTNEED)
    kept.append(m)
children(5, act)
""",
    "in_forks_that_change_what_they_inherit": """
kept = block(225 * 2**20)
children(4, lambda: write(kept, len(kept)))
""",
    "in_a_process_that_may_not_be_looked_into": """
def act():
    _libc.prctl(4, 0, 0, 0, 0)  # PR_SET_DUMPABLE
    kept.append(block(250 * 2**20))
kept = []
children(4, act)
""",
}

BURN = """
def burn(seconds):
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass
def until_gone(act):
    ours, theirs = os.pipe()
    if os.fork() == 0:
        os.close(ours)
        act()
        os._exit(0)
    os.close(theirs)
    os.read(ours, 1)  # its end: whoever had it has gone
    os.close(ours)
"""
PATIENT = {"memory": 2**29, "test_seconds": 20.0}
SLOW = {"cpu_seconds": 1, "test_seconds": 40.0, "notebook_seconds": 200.0}
TIRED = Expect((1, 2), verdicts=(Verdict.TIMEOUT,), message="processor", seconds=200)

# name: body of a function that uses four seconds of processor time where one is allowed
TIME = {
    "in_children_that_nobody_waits_for": """
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
for _ in range(16):
    until_gone(lambda: burn(0.25))
""",
    "in_children_told_not_to_report": """
act = (ctypes.c_ulong * 19)()
act[1] = 2  # SA_NOCLDWAIT
_libc.sigaction(17, act, None)
for _ in range(16):
    until_gone(lambda: burn(0.25))
""",
    "in_grandchildren": """
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
def act():
    if os.fork() == 0:
        burn(0.25)
for _ in range(16):
    until_gone(act)
""",
}

# name: honest cells that do the like within the limits
HONEST = {
    "workers_that_share_what_they_inherit": """
import multiprocessing, numpy as np
table = np.ones(20_000_000)
def total(k):
    return float(table[k::8].sum())
with multiprocessing.Pool(4) as pool:
    assert sum(pool.map(total, range(8))) == 20_000_000
print("DONE")
""",
    "a_loader_with_workers": """
import torch
from torch.utils.data import DataLoader, TensorDataset
data = TensorDataset(torch.arange(64.0))
assert sum(float(x.sum()) for (x,) in DataLoader(data, batch_size=8, num_workers=2)) == 2016.0
print("DONE")
""",
    "programs_of_its_own": """
import subprocess, sys
for n in range(3):
    assert subprocess.run([sys.executable, "-I", "-c", f"print({n} + 1)"], capture_output=True, text=True).stdout == f"{n + 1}\\n"
print("DONE")
""",
    "shared_memory": """
import multiprocessing
from multiprocessing import shared_memory
import numpy as np
shared = shared_memory.SharedMemory(create=True, size=800)
there = np.ndarray(100, buffer=shared.buf)
def fill():
    there[:] = 2
one = multiprocessing.Process(target=fill)
one.start(), one.join()
assert there.sum() == 200
del there
shared.close(), shared.unlink()
counter = multiprocessing.Value("i", 0)
with counter.get_lock():
    counter.value += 1
print("DONE")
""",
    "a_child_that_reports_its_end": """
import os, signal, time
told = []
signal.signal(signal.SIGCHLD, signal.SIG_DFL)
pid = os.fork()
if pid == 0:
    os._exit(7)
assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7
print("DONE")
""",
}


def _many(nb: Json, world: World) -> None:
    """Cells that are each short enough to be looked into, and together are not."""
    nb["cells"] += [
        {
            "cell_type": "code",
            "id": f"m{n}",
            "metadata": {},
            "execution_count": None,
            "outputs": [],
            "source": source,
        }
        for n in range(60)
        if (source := f"if 0:\n    import b{n}" + ".b" * 4900)
    ]


def _alike(nb: Json, world: World) -> None:
    """Cells without metadata that have the letters of the source's cells in another order: nearly quadratic to compare."""
    found = [one for one in nb["cells"] if one["cell_type"] == "code"]
    for one in found:
        one["metadata"], one["id"] = {}, f"x{one['id']}"
        text = "".join(one["source"])
        one["source"] = "# " + "".join(sorted(text.replace("\n", " "), key=lambda c: (hash(c) % 7, c)))
    nb["cells"] += [
        {**found[n % len(found)], "id": f"y{n}", "source": found[n % len(found)]["source"] + f"{n}"}
        for n in range(200)
    ]


def _large(nb: Json, world: World) -> None:
    cell(nb, world.solutions[0])["source"] += "\n#" + "torch torch" * 3_000_000


# name: a change of the honest notebook that takes long to read: it may cost the coordinator three seconds of its own
TEXTS = {
    "nearly_the_source": _alike,
    "torch_very_often": _large,
    "dots_of_an_import": lambda nb, world: _append(nb, "if 0:\n    import a" + ".a" * 49_000),
    "dots_of_an_import_from": lambda nb, world: _append(
        nb, "if 0:\n    from a" + ".a" * 48_000 + " import b"
    ),
    "many_cells_with_dots": _many,
    "names_in_a_long_text": lambda nb, world: _append(nb, "if 0:\n    f'" + "{a}" * 33_000 + "'"),
}

# name: a text cell, of which a submission has twenty
PAGES = {
    "environments": "\\begin{a}\n" * 990,
    "dollars": "$a\n" * 3_300,
    "brackets": "\\\\[" * 3_300,
    "quotes": "".join(">" * n + "a\n" for n in range(300)),
}


def _append(nb: Json, source: str) -> None:
    nb["cells"].append(
        {
            "cell_type": "code",
            "id": "long",
            "metadata": {},
            "execution_count": None,
            "outputs": [],
            "source": source,
        }
    )


CASES = (
    *(
        Case(
            f"memory_{name}",
            "own",
            answering(
                HOLD + "def evil(*a, **k):\n" + "\n".join(f"    {line}" for line in body.strip().split("\n"))
                + "\n    raise ValueError('UN' + 'BOUNDED')",
                (0,),
                "honest",
            ),
            MORE,
            limits=PATIENT,
        )
        for name, body in MEMORY.items()
    ),
    *(
        Case(
            f"time_{name}",
            "own",
            answering(
                HOLD + BURN + "def evil(*a, **k):\n" + "\n".join(f"    {line}" for line in body.strip().split("\n")),
                (0,),
                "honest",
            ),
            TIRED,
            limits=SLOW,
        )
        for name, body in TIME.items()
    ),
    *(Case(name, "own", with_cells(source), Expect(passes=FULL.passes, output="DONE")) for name, source in HONEST.items()),
)  # fmt: skip
