"""Handshakes and frames that no browser sends."""

# ruff: noqa: E501 - payloads

from __future__ import annotations

import base64
import random
import struct
from typing import Final

from tests.security.fuzz_requests import HEADERS, Built
from tests.security.fuzz_values import LETTERS, bombs, value

ORIGINS: Final = (b"http://localhost",) * 12 + (
    b"http://other.test", b"null", b"", b"http://localhost.other.test", b"http://[", b"\xff", b"file://",
    b"http://localhost, http://other.test", b"javascript:1",
)  # fmt: skip
VERSIONS: Final = (b"13",) * 14 + (b"0", b"99", b"-1", b"x", b"13, 8")
PROTOCOLS: Final = (b"graphql-ws", b"a, b, c", b"\xff", b"x" * 3_000, b",", b"")


class SocketBuilder:
    """A handshake and what is sent after it, of a number."""

    def __init__(self, sessions: dict[str, str], known: dict[str, list[str]]) -> None:
        self.sessions, self.known = sessions, known

    def build(self, chance: random.Random) -> Built:
        who = chance.choice(("user", "user", "staff", "nobody"))
        lines = [b"GET " + self._path(chance) + b" HTTP/1.1", b"Host: localhost",
                 b"Upgrade: " + chance.choice((b"websocket",) * 9 + (b"WebSocket", b"h2c", b"")),
                 b"Connection: " + chance.choice((b"Upgrade",) * 9 + (b"keep-alive, Upgrade", b"close")),
                 b"Sec-WebSocket-Version: " + chance.choice(VERSIONS),
                 b"Sec-WebSocket-Key: " + self._key(chance)]  # fmt: skip
        if origin := chance.choice(ORIGINS):
            lines.append(b"Origin: " + origin)
        if who in self.sessions:
            lines.append(b"Cookie: sessionid=" + self.sessions[who].encode())
        if chance.random() < 0.1:
            lines.append(b"Sec-WebSocket-Protocol: " + chance.choice(PROTOCOLS))
        if chance.random() < 0.1:
            lines.append(b"Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=99")
        lines += chance.sample(HEADERS, chance.choice((0, 0, 0, 1)))
        frames = b"".join(self._frame(chance) for _ in range(chance.choice((0, 1, 1, 2, 5))))
        return Built(
            f"{who} socket",
            b"\r\n".join(lines) + b"\r\n\r\n" + frames,
            ends=False,
            half_closes=chance.random() < 0.15,
        )

    def _path(self, chance: random.Random) -> bytes:
        if chance.random() < 0.15:
            return b"/ws/" + base64.b64encode(
                value(chance, self.known)[:900].encode("utf-8", "replace")
            )
        path = b"/ws/c/" + chance.choice(self.known["c"]).encode() + b"/"
        after = chance.choice(("", "?after=", "?after=1&after=x", "?after=%00", "?x=%ff"))
        return (
            path
            + after.encode()
            + (str(chance.randint(-9, 10**20)).encode() if after == "?after=" else b"")
        )

    def _key(self, chance: random.Random) -> bytes:
        good = base64.b64encode(chance.randbytes(16))
        return chance.choice((good,) * 14 + (b"", b"x", good * 99, b"\xff" * 16))

    def _frame(self, chance: random.Random) -> bytes:
        kind = chance.randrange(14)
        text = chance.choice((*LETTERS, '{"type": "stop"}', '{"HEADERS": {}}', bombs(chance)))
        told = text.encode("utf-8", "replace")[: chance.choice((125, 9_000, 70_000))]
        if kind < 3:
            return frame(0x81, told)
        frames = {
            3: frame(0x82, chance.randbytes(chance.choice((0, 1, 65_535, 65_536, 300_000)))),
            4: frame(0x81, b"\xff\xfe\xed\xa0\x80"),  # no UTF-8
            5: frame(0x81, told, masked=False),
            6: frame(0x01, told) + frame(0x00, told) + frame(0x89, b"between") + frame(0x80, told),
            7: frame(0x80, told),  # goes on with nothing
            8: frame(0x89, b"ping") * 300,
            9: frame(0x89, b"x" * 126) + frame(0x09, b"in pieces"),
            10: frame(
                0x88, chance.choice((b"", b"\x03", b"\x03\xe8", b"\x03\xed", b"\xff\xff\xff"))
            ),
            11: frame(chance.choice((0x83, 0x8B, 0xC1, 0xF1, 0xFF)), told),
            12: b"\x82\xff"
            + struct.pack(">Q", chance.choice((2**63, 2**62, 70_000, 10**9)))
            + b"\0" * 99,
            13: frame(0x81, told)[: chance.randint(1, 12)],  # breaks off
        }
        return frames[kind]


def frame(first: int, payload: bytes, *, masked: bool = True) -> bytes:
    """One frame; masked with nothing, which is a mask as any other."""
    length, mark = len(payload), 0x80 if masked else 0
    if length < 126:
        head = bytes([first, mark | length])
    elif length < 65_536:
        head = bytes([first, mark | 126]) + struct.pack(">H", length)
    else:
        head = bytes([first, mark | 127]) + struct.pack(">Q", length)
    return head + (b"\0\0\0\0" if masked else b"") + payload
