"""Frames on a stream socket: an 8-byte length and a body. Light to import; what a body says is `wire`'s business.

Between our own processes a body is a message in JSON, which open files may travel with.
"""

from __future__ import annotations

import json
import socket
import struct
from typing import Any

_LENGTH = struct.Struct("!Q")


class WireError(Exception):
    """What arrived is not an answer."""


def send_frame(sock: socket.socket, body: bytes) -> None:
    """Send one frame. Raises OSError where nobody listens any more."""
    length = _LENGTH.pack(len(body))
    if len(body) < 2**16:  # one system call, and one waking of the other side
        sock.sendall(length + body)
    else:
        sock.sendall(length)
        sock.sendall(body)


def receive_frame(sock: socket.socket, limit: int) -> bytes:
    """The next frame. Raises EOFError at the end of the stream and WireError where it is larger than `limit`."""
    return _body(sock, b"", limit)


def send_message(sock: socket.socket, message: Any, *descriptors: int) -> None:
    """Send what JSON can say, and open files with it. Raises OSError where nobody listens any more."""
    body = json.dumps(message).encode()
    if descriptors:
        socket.send_fds(sock, [_LENGTH.pack(len(body))], descriptors)
        sock.sendall(body)
    else:
        send_frame(sock, body)


def receive_message(sock: socket.socket) -> tuple[Any, list[int]]:
    """The next message of a process of ours, and the descriptors that came with it. Raises EOFError at the end of the stream."""
    try:
        head, descriptors, _, _ = socket.recv_fds(sock, _LENGTH.size, 1)
    except ConnectionError:
        head = b""
    if not head:
        raise EOFError("the other side has gone")
    return json.loads(_body(sock, head, 2**32)), descriptors


def _body(sock: socket.socket, head: bytes, limit: int) -> bytes:
    """The body of a frame of which `head` has arrived."""
    (size,) = _LENGTH.unpack(head + _exactly(sock, _LENGTH.size - len(head)))
    if size > limit:
        raise WireError(f"an answer of {size} bytes; {limit} are allowed")
    return bytes(_exactly(sock, size))


def _exactly(sock: socket.socket, size: int) -> bytes | bytearray:
    data = bytearray()
    while len(data) < size:  # grow with what really comes: a stranger's length reserves no memory
        try:
            piece = sock.recv(min(size - len(data), 2**20))
        except ConnectionError:
            piece = b""
        if not piece:
            raise EOFError("the other side has gone")
        if len(piece) == size:  # all at once, as mostly
            return piece
        data += piece
    return data
