"""Frames on a stream socket: an 8-byte length and a body. Light to import; what a body says is `wire`'s business."""

from __future__ import annotations

import socket
import struct


class WireError(Exception):
    """What arrived is not an answer."""


def send_frame(sock: socket.socket, body: bytes) -> None:
    """Send one frame. Raises OSError where nobody listens any more."""
    length = struct.pack("!Q", len(body))
    if len(body) < 2**16:  # one system call, and one waking of the other side
        sock.sendall(length + body)
    else:
        sock.sendall(length)
        sock.sendall(body)


def receive_frame(sock: socket.socket, limit: int) -> bytes:
    """The next frame. Raises EOFError at the end of the stream and WireError where it is larger than `limit`."""
    (size,) = struct.unpack("!Q", _exactly(sock, 8))
    if size > limit:
        raise WireError(f"an answer of {size} bytes; {limit} are allowed")
    return bytes(_exactly(sock, size))


def _exactly(sock: socket.socket, size: int) -> bytearray:
    data = bytearray()
    while len(data) < size:  # grow with what really comes: a stranger's length reserves no memory
        try:
            piece = sock.recv(min(size - len(data), 2**20))
        except ConnectionError:
            piece = b""
        if not piece:
            raise EOFError("the other side has gone")
        data += piece
    return data
