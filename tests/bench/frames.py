"""WebSocket frames, as far as the bench needs them (RFC 6455). Pure."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator

TEXT, CLOSE, PING = 0x1, 0x8, 0x9
_MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def accept_key(key: bytes) -> bytes:
    """What a server answers to a client's key."""
    return base64.b64encode(hashlib.sha1(key + _MAGIC).digest())


def text_frame(payload: bytes) -> bytes:
    """One unmasked frame, as a server sends it; below 64 kB."""
    size = len(payload)
    if size < 126:
        return bytes((0x80 | TEXT, size)) + payload
    return bytes((0x80 | TEXT, 126)) + size.to_bytes(2) + payload


def pong(payload: bytes) -> bytes:
    """A client's answer to a ping: masked, with a mask of zeros."""
    return bytes((0x8A, 0x80 | len(payload), 0, 0, 0, 0)) + payload


def frames(received: bytearray) -> Iterator[tuple[int, bytes]]:
    """Opcode and payload of each whole frame; what was taken is removed when it is exhausted."""
    start, end = 0, len(received)
    while end - start >= 2:
        at, size = start + 2, received[start + 1] & 0x7F
        if size >= 126:
            width = 2 if size == 126 else 8
            if end - at < width:
                break
            size = int.from_bytes(received[at : at + width])
            at += width
        if end - at < size:
            break
        yield received[start] & 0x0F, bytes(received[at : at + size])
        start = at + size
    del received[:start]
