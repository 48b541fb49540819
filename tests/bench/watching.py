"""Tabs by the hundred: each reads its socket, and notes how late every chunk came."""

from __future__ import annotations

import asyncio
import base64
import os
import re
import time
from dataclasses import dataclass, field
from typing import Self, cast

from tests.bench.frames import CLOSE, PING, TEXT, frames, pong
from tests.bench.wire import Refused

STAMP = re.compile(rb"at (\d+\.\d{6})")


@dataclass(slots=True)
class Lags:
    """Seconds from a chunk's writing to its arrival, while `recording`."""

    recording: bool = False
    seconds: list[float] = field(default_factory=list)
    frames: int = 0

    def begin(self) -> None:
        self.seconds, self.frames, self.recording = [], 0, True

    def end(self) -> None:
        self.recording = False


class Watcher(asyncio.Protocol):
    """One WebSocket that only listens."""

    def __init__(self, request: bytes, lags: Lags) -> None:
        self._request, self._lags = request, lags
        self._received = bytearray()
        self._latest = time.monotonic()  # of the stamps that were seen
        self.is_lost = False
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.first_frame: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @classmethod
    async def open(cls, port: int, path: str, cookies: str, lags: Lags) -> Self:
        """Raises Refused when the server does not open it."""
        key = base64.b64encode(os.urandom(16)).decode()
        lines = [
            f"GET {path} HTTP/1.1",
            f"Host: 127.0.0.1:{port}",
            "Upgrade: websocket",
            "Connection: Upgrade",
            "Sec-WebSocket-Version: 13",
            f"Sec-WebSocket-Key: {key}",
            f"Origin: http://127.0.0.1:{port}",
            f"Cookie: {cookies}",
        ]
        request = ("\r\n".join(lines) + "\r\n\r\n").encode()
        loop = asyncio.get_running_loop()
        _, watcher = await loop.create_connection(lambda: cls(request, lags), "127.0.0.1", port)
        await watcher.opened
        return watcher

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is no subclass
        self._transport.write(self._request)

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_lost = True
        for waiting in (self.opened, self.first_frame):
            if not waiting.done():
                waiting.set_exception(Refused("the socket was closed"))
                waiting.exception()  # who waits is told; who does not is not warned

    def data_received(self, data: bytes) -> None:
        now = time.monotonic()
        self._received += data
        if not self.opened.done() and not self._open():
            return
        for opcode, payload in frames(self._received):
            if opcode == TEXT:
                self._note(payload, now)
            elif opcode == PING:
                self._transport.write(pong(payload))
            elif opcode == CLOSE:
                self._transport.close()

    def _open(self) -> bool:
        end = self._received.find(b"\r\n\r\n")
        if end < 0:
            return False
        status = bytes(self._received[9:12])
        del self._received[: end + 4]
        if status == b"101":
            self.opened.set_result(None)
        else:
            self.opened.set_exception(Refused(f"the socket was answered with {status!r}"))
        return status == b"101"

    def _note(self, payload: bytes, now: float) -> None:
        if not self.first_frame.done():
            self.first_frame.set_result(None)
        latest, lags = self._latest, self._lags
        for found in STAMP.finditer(payload):
            if (stamp := float(found[1])) > latest:
                latest = stamp
                if lags.recording:
                    lags.seconds.append(now - stamp)
        self._latest = latest
        lags.frames += lags.recording

    def close(self) -> None:
        self._transport.close()
