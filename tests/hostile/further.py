"""More of the same, written from the code alone: memory and time in further places, further ways to tell another process, further texts."""

from __future__ import annotations

from tests.hostile.between import BITS, LISTENER, NOTHING_TO_CLEAR, TELLER, Pair
from tests.hostile.case import FULL, Case, Expect, answering, with_cells
from tests.hostile.held import BURN, HOLD, MORE, PATIENT, SLOW, TIRED

HEADING = "further"
ITEMS: tuple[str, ...] = ()

# name: body of a function that says UNBOUNDED where it has held more than it may
MEMORY = {
    "in_sockets": """
import socket
kept = []
def act():
    for _ in range(100):
        pair = socket.socketpair()
        for one in pair:
            one.setblocking(False)
            try:
                while True:
                    one.send(bytes(2**15))
            except BlockingIOError:
                pass
        kept.append(pair)
children(50, act)
""",
    "in_files_without_a_name": """
kept = []
for n in range(3000):
    file = open(f"/dev/shm/{n}", "wb+", buffering=0)
    os.remove(f"/dev/shm/{n}")
    if file.write(bytes(2**20)) < 2**20:
        raise MemoryError("refused")
    kept.append(os.dup(file.fileno()))
""",
    "in_threads_of_children": """
import threading
kept = []
def act():
    one = threading.Thread(target=lambda: kept.append(block(200 * 2**20)))
    one.start(), one.join()
children(5, act)
""",
    "in_children_of_a_thread_that_has_ended": """
import threading
kept = []
def start():
    for _ in range(4):
        if os.fork() == 0:
            kept.append(block(250 * 2**20))
            time.sleep(60)
            os._exit(0)
one = threading.Thread(target=start)
one.start(), one.join()
time.sleep(8)
""",
    "in_orphans": """
kept = []
def act():
    if os.fork() == 0:
        os.setsid()
        kept.append(block(250 * 2**20))
        time.sleep(60)
        os._exit(0)
children(4, act, 8.0)
""",
}
TIME = {
    "in_threads": """
import hashlib, threading
def work():
    end = time.monotonic() + 35
    while time.monotonic() < end:
        hashlib.pbkdf2_hmac("sha256", b"x", b"y", 100_000)
running = [threading.Thread(target=work) for _ in range(8)]
[one.start() for one in running], [one.join() for one in running]
""",
    "in_orphans": """
def act():
    if os.fork() == 0:
        os.setsid()
        named(b"\\xff")
        burn(0.25)
for _ in range(16):
    until_gone(act)
""",
}
CHANNELS = {
    "locks_on_folders": NOTHING_TO_CLEAR
    + """
_folders = [d for d, _, _ in os.walk(os.path.dirname(torch.__file__))][:64]
_open = [os.open(path, os.O_RDONLY | os.O_DIRECTORY) for path in _folders]
def tell(bits):
    for n, bit in enumerate(bits):
        if bit:
            fcntl.flock(_open[n], fcntl.LOCK_EX)
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
    "ranges_of_a_device": NOTHING_TO_CLEAR
    + """
_device = os.open("/dev/null", os.O_RDWR)
def tell(bits):
    for n, bit in enumerate(bits):
        if bit:
            fcntl.lockf(_device, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, n)
def look():
    got = [fcntl.fcntl(_device, fcntl.F_GETLK, struct.pack("hhqqi4x", fcntl.F_WRLCK, 0, n, 1, 0)) for n in range(64)]
    return [struct.unpack("hhqqi4x", one)[0] != fcntl.F_UNLCK for one in got]
""",
    "names_of_sockets": NOTHING_TO_CLEAR
    + """
import socket
_kept = []
def tell(bits):
    for n, bit in enumerate(bits):
        if bit:
            one = socket.socket(socket.AF_UNIX)
            one.bind(f"\\0trainlab-{n}")
            _kept.append(one)
def look():
    bits = []
    for n in range(64):
        with socket.socket(socket.AF_UNIX) as one:
            try:
                one.bind(f"\\0trainlab-{n}")
                bits.append(False)
            except OSError:
                bits.append(True)
    return bits
""",
    "ports": NOTHING_TO_CLEAR
    + """
import socket
_kept = []
def tell(bits):
    for n, bit in enumerate(bits):
        if bit:
            one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            one.bind(("0.0.0.0", 40_000 + n))
            _kept.append(one)
def look():
    bits = []
    for n in range(64):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
            try:
                one.bind(("0.0.0.0", 40_000 + n))
                bits.append(False)
            except OSError:
                bits.append(True)
    return bits
""",
    "files_in_shared_memory": NOTHING_TO_CLEAR
    + """
def tell(bits):
    for folder in ("/dev/shm", "/tmp", os.path.expanduser("~")):
        for n, bit in enumerate(bits):
            if bit:
                open(f"{folder}/bit{n}", "w").close()
def look():
    return [os.path.exists(f"/dev/shm/bit{n}") or os.path.exists(f"/tmp/bit{n}") for n in range(64)]
""",
    "signals_when_a_folder_changes": """
import signal
_seen = set()
signal.signal(signal.SIGIO, lambda *_: _seen.add(1))
def clear():
    _watched = os.open(_root, os.O_RDONLY)
    fcntl.fcntl(_watched, fcntl.F_NOTIFY, fcntl.DN_ACCESS | fcntl.DN_MULTISHOT)
def tell(bits):
    for n, bit in enumerate(bits):
        os.listdir(_root)
def look():
    return [bool(_seen)] * 64
""",
}
PAIRS = tuple(
    Pair(name, answering(BITS + channel + TELLER, (0,), "honest"), with_cells(BITS + channel + LISTENER))
    for name, channel in CHANNELS.items()
)


def _body(source: str) -> str:
    return "def evil(*a, **k):\n" + "\n".join(f"    {line}" for line in source.strip().split("\n"))


CASES = (
    *(
        Case(
            f"memory_{name}",
            "own",
            answering(f"{HOLD}{_body(body)}\n    raise ValueError('UN' + 'BOUNDED')", (0,), "honest"),
            MORE if "files" not in name else Expect((1, 2), absent="UNBOUNDED", seconds=90),
            limits=PATIENT,
        )
        for name, body in MEMORY.items()
    ),
    *(
        Case(
            f"time_{name}",
            "own",
            answering(HOLD + BURN + _body(body), (0,), "honest"),
            TIRED if name != "in_threads" else Expect((1, 2), message="processor|SIGKILL", seconds=200),
            limits=SLOW,
        )
        for name, body in TIME.items()
    ),
    Case(
        "pairs_of_sockets_of_its_own",
        "own",
        with_cells("import socket\nkept = [socket.socketpair() for _ in range(20)]\nkept[0][0].send(b'x')\nprint('DONE')"),
        Expect(passes=FULL.passes, output="DONE"),
    ),
)  # fmt: skip
