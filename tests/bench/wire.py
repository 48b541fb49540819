"""Raw HTTP/1.1 and WebSocket clients with as little as our own servers need: they cost little."""

from __future__ import annotations

import asyncio
import base64
import os
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Self

_TEXT, _CLOSE, _PING = 0x1, 0x8, 0x9


class Refused(Exception):
    """A server answered otherwise than the bench can use."""


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: list[tuple[str, str]]  # names in lower case
    body: bytes

    def header(self, name: str) -> str:
        return next((value for key, value in self.headers if key == name), "")


class Connection:
    """One keep-alive connection to 127.0.0.1."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, port: int) -> Self:
        return cls(*await asyncio.open_connection("127.0.0.1", port, limit=1 << 22))

    def close(self) -> None:
        self._writer.close()

    async def renewed(self) -> Self:
        """Itself, or another where the server has closed it: servers do not keep idle ones long."""
        if not self.reader.at_eof():
            return self
        port = self._writer.get_extra_info("peername")[1]
        self.close()
        return await self.open(port)

    def write(self, method: str, path: str, headers: Mapping[str, str], body: bytes = b"") -> None:
        """Hand one request to the kernel. The answer is read by `read`, or from `reader`."""
        port = self._writer.get_extra_info("peername")[1]
        lines = [f"{method} {path} HTTP/1.1", f"Host: 127.0.0.1:{port}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        lines += [f"Content-Length: {len(body)}", "", ""]
        self._writer.write("\r\n".join(lines).encode("latin-1") + body)

    async def read_head(self) -> Answer:
        """Status and headers; the body is left to the caller."""
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        pairs = [line.partition(":") for line in head[1:] if line]
        headers = [(name.lower(), value.strip()) for name, _, value in pairs]
        return Answer(int(head[0].split()[1]), headers, b"")

    async def read(self) -> Answer:
        """A whole answer, with Content-Length or in chunks."""
        head = await self.read_head()
        if length := head.header("content-length"):
            return Answer(head.status, head.headers, await self.reader.readexactly(int(length)))
        return Answer(head.status, head.headers, b"".join([c async for c in self.chunks()]))

    async def chunks(self) -> AsyncIterator[bytes]:
        """The chunks of a body as they come."""
        while size := int(await self.reader.readuntil(b"\r\n"), 16):
            yield (await self.reader.readexactly(size + 2))[:-2]
        await self.reader.readexactly(2)

    def write_frame(self, opcode: int, payload: bytes) -> None:
        """One short frame of a client: masked, with a mask of zeros."""
        self._writer.write(bytes((0x80 | opcode, 0x80 | len(payload), 0, 0, 0, 0)) + payload)


class Socket:
    """A tab's WebSocket: it only listens, and answers pings."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @classmethod
    async def open(cls, port: int, path: str, cookies: str) -> Self:
        """Raises Refused when the server does not open it."""
        connection = await Connection.open(port)
        headers = {
            "Upgrade": "websocket",
            "Connection": "Upgrade",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": base64.b64encode(os.urandom(16)).decode(),
            "Origin": f"http://127.0.0.1:{port}",
            "Cookie": cookies,
        }
        connection.write("GET", path, headers)
        answer = await connection.read_head()
        if answer.status != 101:
            raise Refused(f"the socket {path} was answered with {answer.status}")
        return cls(connection)

    def close(self) -> None:
        self._connection.close()

    async def frame(self) -> bytes:
        """The next text. Raises Refused when the server closes the socket."""
        while True:
            opcode, payload = await self._any_frame()
            if opcode == _TEXT:
                return payload
            if opcode == _CLOSE:
                raise Refused(f"the socket was closed: {payload!r}")
            if opcode == _PING:
                self._connection.write_frame(0xA, payload)

    async def _any_frame(self) -> tuple[int, bytes]:
        reader = self._connection.reader
        first, size = await reader.readexactly(2)
        if size == 126:
            size = int.from_bytes(await reader.readexactly(2))
        elif size == 127:
            size = int.from_bytes(await reader.readexactly(8))
        return first & 0x0F, await reader.readexactly(size)
