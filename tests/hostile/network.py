"""Submissions that want to talk: no route, and it fails at once.

The suite listens on loopback (TCP, UDP, IPv6) and on Unix sockets while they run; a connection that arrives fails the
suite, wherever it came from.
"""

from __future__ import annotations

from tests.hostile.case import Case, Expect, answering, with_cells

HEADING = "network"
ITEMS = (
    "outside hosts",
    "DNS",
    "UDP",
    "IPv6",
    "raw sockets",
    "loopback services",
    "Unix sockets",
    "cloud metadata",
    "`pip install`",
    "data downloads",
)

TRY = """
import os, socket, time
def attempt(name, act):
    start = time.monotonic()
    try:
        answer = act()
        print("REACHED", name, answer)
    except BaseException as error:
        print("no route", name, type(error).__name__)
    if time.monotonic() - start > 5:
        print("SLOW", name)
def tcp(host, port, family=socket.AF_INET):
    with socket.socket(family, socket.SOCK_STREAM) as s:
        s.settimeout(6)
        s.connect((host, port)); s.sendall(b"hello"); return s.recv(100)
"""

ATTACKS: dict[str, tuple[str, str]] = {
    "outside_hosts": (
        "outside hosts",
        """
for host, port in (("1.1.1.1", 53), ("8.8.8.8", 443), ("93.184.216.34", 80), ("10.0.0.1", 22), ("192.168.0.1", 80)):
    attempt(host, lambda: tcp(host, port))
""",
    ),
    "dns": (
        "DNS",
        """
for name in ("example.com", "localhost.localdomain.example", "metadata.google.internal", socket.gethostname() + ".x"):
    attempt(name, lambda: socket.getaddrinfo(name, 80))
query = bytes.fromhex("123401000001000000000000076578616d706c6503636f6d0000010001")
for server in ("127.0.0.53", "1.1.1.1", "8.8.8.8"):
    def ask():
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.settimeout(1); s.sendto(query, (server, 53)); return s.recv(512)
    attempt("dns at " + server, ask)
""",
    ),
    "udp": (
        "UDP",
        """
for host in ("127.0.0.1", "255.255.255.255", "224.0.0.1", "1.1.1.1"):
    def send():
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1); s.settimeout(1)
            s.sendto(b"hello", (host, <<udp>>)); return s.recv(100)
    attempt("udp " + host, send)
""",
    ),
    "ipv6": (
        "IPv6",
        """
for host in ("::1", "2606:4700:4700::1111", "fe80::1", "::ffff:127.0.0.1"):
    attempt(host, lambda: tcp(host, <<tcp6>>, socket.AF_INET6))
""",
    ),
    "raw_sockets": (
        "raw sockets",
        """
attempt("icmp", lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP).sendto(b"\\x08\\0" + bytes(6), ("127.0.0.1", 0)))
attempt("raw", lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW).sendto(bytes(20), ("1.1.1.1", 0)))
def packet():
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0x0300)
    s.settimeout(1)
    names = [name for _, name in socket.if_nameindex() if name != "lo"]
    s.bind((names[0], 0)); return s.send(bytes(64))
attempt("packet", packet)
for family, kind in ((40, socket.SOCK_STREAM), (38, socket.SOCK_SEQPACKET), (31, socket.SOCK_RAW), (17, socket.SOCK_DGRAM)):
    try:
        with socket.socket(family, kind) as s:
            print("a socket of family", family)
    except OSError as error:
        print("no route", family, type(error).__name__)
def vsock():
    with socket.socket(40, socket.SOCK_STREAM) as s:
        s.settimeout(1); s.connect((2, 22)); return s.recv(10)
attempt("vsock", vsock)
""",
    ),
    "interfaces": (
        "own",
        """
import struct
def up():
    import fcntl
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    fcntl.ioctl(s, 0x8914, struct.pack("16sh", b"lo", 1)); fcntl.ioctl(s, 0x8914, struct.pack("16sh", b"eth0", 1))
    return "up"
try:
    print(up())
except OSError as error:
    print(type(error).__name__)
attempt("loopback after ifup", lambda: tcp("127.0.0.1", <<tcp>>))
""",
    ),
    "loopback_services": (
        "loopback services",
        """
for host in ("127.0.0.1", "localhost", "0.0.0.0", "127.1.2.3", socket.gethostname()):
    attempt(host, lambda: tcp(host, <<tcp>>))
for port in (22, 80, 111, 5432, 6379, 8080, 8888, 8889, 9000):
    attempt(str(port), lambda: tcp("127.0.0.1", port))
""",
    ),
    "unix_sockets": (
        "Unix sockets",
        """
import glob
def unix(name, kind=socket.SOCK_STREAM):
    with socket.socket(socket.AF_UNIX, kind) as s:
        s.settimeout(2); s.connect(name); s.sendall(b"hello"); return s.recv(100)
attempt("abstract", lambda: unix("\\0<<abstract>>"))
attempt("path", lambda: unix("<<unix>>"))
for path in ["/run/docker.sock", "/var/run/docker.sock", "/run/dbus/system_bus_socket", "/dev/log", *glob.glob("/tmp/**/*", recursive=True)[:200],
             *glob.glob("/run/**/*sock*", recursive=True)]:
    attempt("a socket", lambda: unix(path))
try:
    for line in open("/proc/net/unix").read().splitlines()[1:]:
        name = line.split()[-1]
        if name.startswith("@"):
            attempt("abstract", lambda: unix("\\0" + name[1:]))
except OSError:
    pass
""",
    ),
    "cloud_metadata": (
        "cloud metadata",
        """
import urllib.request
for url in ("http://169.254.169.254/latest/meta-data/", "http://metadata.google.internal/computeMetadata/v1/", "http://100.100.100.200/",
            "http://[fd00:ec2::254]/latest/meta-data/"):
    attempt(url, lambda: urllib.request.urlopen(urllib.request.Request(url, headers={"Metadata-Flavor": "Google"}), timeout=6).read())
""",
    ),
    "pip_install": (
        "`pip install`",
        """
import subprocess, sys
start = time.monotonic()
try:
    done = subprocess.run([sys.executable, "-m", "pip", "install", "--retries", "0", "--timeout", "2", "--target", "x", "six==1.16.0"],
                          capture_output=True, timeout=20)
    print("REACHED" if done.returncode == 0 else "no route")
except Exception as error:
    print("no route", type(error).__name__)
""",
    ),
    "pip_magic": (
        "`pip install`",
        "%pip install -q --retries 0 --timeout 2 six\n!pip install --retries 0 --timeout 2 six\nprint('no route')",
    ),
    "data_downloads": (
        "data downloads",
        """
import urllib.request, http.client
attempt("url", lambda: urllib.request.urlopen("https://example.com/data.csv", timeout=6).read())
attempt("ftp", lambda: urllib.request.urlopen("ftp://example.com/x", timeout=6).read())
attempt("file", lambda: urllib.request.urlopen("file://<<gradebook>>", timeout=6).read())
try:
    from sklearn.datasets import fetch_openml
except ImportError:
    pass
def sklearn():
    return fetch_openml("mnist_784", n_retries=0, data_home="data")
attempt("openml", sklearn)
import torch
def hub():
    return torch.hub.load_state_dict_from_url("https://download.pytorch.org/models/resnet18-f37072fd.pth", model_dir="m")
attempt("torch hub", hub)
""",
    ),
    "servers": (
        "own",
        """
def serve():
    s = socket.socket(); s.bind(("0.0.0.0", 8899)); s.listen(); return "listening"
try:
    print(serve())
except OSError as error:
    print(type(error).__name__)
print("no route")
""",
    ),
}

CASES = (
    *(
        Case(
            name,
            item,
            with_cells(source if source.startswith("%") else TRY + source),
            Expect(output="no route", absent="REACHED|SLOW"),
        )
        for name, (item, source) in ATTACKS.items()
    ),
    Case(
        "network_while_answering",
        "own",
        answering(
            TRY + "def evil(*a, **k):\n    raise ValueError(tcp('127.0.0.1', <<tcp>>))",
            (0,),
            base="honest",
        ),
        Expect(passes=(1, 2), absent="REACHED"),
    ),
)
