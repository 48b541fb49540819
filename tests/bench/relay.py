"""The least that a relay can cost: raw asyncio from upstream to WebSocket, and nothing else.

`python -m tests.bench.relay PORT UPSTREAM_PORT`. No ASGI, no HTTP library, no log, no drawing. A
socket opened on /?chunks=N asks the upstream for so many chunks and is sent the text of each.
"""

from __future__ import annotations

import asyncio
import re
import sys
from typing import cast

import msgspec
import uvloop

from tests.bench.frames import accept_key, text_frame

KEY = re.compile(rb"\r\nsec-websocket-key: *(\S+)", re.IGNORECASE)
CHUNKS = re.compile(rb"\?chunks=(\d+)")
ASKING = b'{"messages":[{"role":"user","content":"[[bench: chunks=%d rate=20]]"}]}'


class Delta(msgspec.Struct):
    content: str = ""


class Choice(msgspec.Struct):
    delta: Delta


class Event(msgspec.Struct):
    choices: list[Choice] = []


decode = msgspec.json.Decoder(Event).decode


class Upstream(asyncio.Protocol):
    """Reads one answer, and hands each text to a tab."""

    def __init__(self, tab: asyncio.Transport, chunks: int) -> None:
        self._tab, self._chunks = tab, chunks
        self._open_line = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        body = ASKING % self._chunks
        head = b"POST /api/v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n"
        self.transport.write(head % len(body) + body)

    def data_received(self, data: bytes) -> None:
        *lines, self._open_line = (self._open_line + data).split(b"\n")
        for line in lines:
            if line.startswith(b"data: {"):
                for choice in decode(line[6:]).choices:
                    if choice.delta.content:
                        self._tab.write(text_frame(choice.delta.content.encode()))


class Tab(asyncio.Protocol):
    """One WebSocket: opened, and written to."""

    def __init__(self, upstream_port: int) -> None:
        self._port = upstream_port
        self._asking: asyncio.Task[tuple[asyncio.Transport, Upstream]] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is no subclass

    def data_received(self, data: bytes) -> None:
        if not (key := KEY.search(data)) or not (chunks := CHUNKS.search(data)):
            return
        self._transport.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + accept_key(key[1]) + b"\r\n\r\n"
        )
        loop = asyncio.get_running_loop()
        upstream = Upstream(self._transport, int(chunks[1]))
        self._asking = loop.create_task(
            loop.create_connection(lambda: upstream, "127.0.0.1", self._port)
        )

    def connection_lost(self, exc: Exception | None) -> None:
        if self._asking and self._asking.done() and not self._asking.cancelled():
            self._asking.result()[0].close()


async def serve(port: int, upstream_port: int) -> None:
    loop = asyncio.get_running_loop()
    async with await loop.create_server(lambda: Tab(upstream_port), "127.0.0.1", port) as server:
        await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1]), int(sys.argv[2])))
