"""HTTP/1.1 for streams of small chunks: a transport for httpx, on asyncio and httptools.

httpx's own transport goes through h11 and anyio, which is most of what a relayed chunk costs, and
forgets a connection in its pool when a request is cancelled while it connects (httpcore issues
830, 986, 1093). Here a chunk is one call of the parser and one future, and whatever is not read
to its end is closed at once. Only what OpenRouter needs is here: no proxies, no HTTP/2, no uploads
without a length.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Final, TypeAlias, cast

import httptools
import httpx

KEPT_S: Final = 300.0  # an idle connection; a handshake with TLS costs three round trips
KEPT: Final = 16  # of them, to one server: enough for who asks next
_PAUSE_ABOVE: Final = 256 * 1024  # bytes that nobody has read yet; then TCP holds the sender back
_INFORMATIONAL: Final = 200  # below it, a status announces another

Origin: TypeAlias = tuple[str, str, int]  # scheme, host, port


class Connection(asyncio.Protocol):
    """One connection, and the answer that comes over it."""

    def __init__(self, origin: Origin) -> None:
        self.origin = origin
        self._loop = asyncio.get_running_loop()
        self.transport: asyncio.Transport | None = None
        self.is_closed = False
        self.idle_since_s = 0.0
        self._waiter: asyncio.Future[None] | None = None
        self._room: asyncio.Future[None] | None = None
        self.expect()

    def expect(self) -> None:
        """Get ready for another answer."""
        self._parser = httptools.HttpResponseParser(self)
        self.status = 0
        self.headers: list[tuple[bytes, bytes]] = []
        self._pieces: list[bytes] = []
        self._waiting_bytes = 0
        self._has_headers = self.is_whole = self._is_paused = False
        self._has_length = self._may_go_on = False
        self._error: Exception | None = None

    # --- What asyncio calls ---

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's is no subclass

    def data_received(self, data: bytes) -> None:
        if self.is_whole:  # nobody asked
            self.abort()
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            if not self.is_whole:
                self._error = httpx.RemoteProtocolError(f"no answer in HTTP: {error}")
            self.abort()
        self._wake()
        if self._waiting_bytes > _PAUSE_ABOVE and not self._is_paused and self.transport:
            self._is_paused = True
            self.transport.pause_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_closed = True
        if not self.is_whole and self._error is None:
            if self._has_headers and not self._has_length and exc is None:
                self.is_whole = True  # such an answer ends with its connection
            else:
                self._error = httpx.ReadError(str(exc) or "the connection was closed too early")
        self._wake()
        self.resume_writing()

    def pause_writing(self) -> None:
        self._room = self._loop.create_future()

    def resume_writing(self) -> None:
        room, self._room = self._room, None
        if room and not room.done():
            room.set_result(None)

    # --- What the parser calls ---

    def on_message_begin(self) -> None:
        if self.is_whole:  # a second answer to one question: raised through the parser
            raise httpx.RemoteProtocolError("more came than was asked for")

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name, value))
        if name.lower() in {b"content-length", b"transfer-encoding"}:
            self._has_length = True

    def on_headers_complete(self) -> None:
        self.status = self._parser.get_status_code()
        self._has_headers = self.status >= _INFORMATIONAL

    def on_body(self, body: bytes) -> None:
        self._pieces.append(body)
        self._waiting_bytes += len(body)

    def on_message_complete(self) -> None:
        if self._has_headers:
            self.is_whole, self._may_go_on = True, bool(self._parser.should_keep_alive())
        else:
            self.headers.clear()

    # --- What the transport calls ---

    async def write(self, request: bytes) -> None:
        """Send it, and return when it is on its way."""
        assert self.transport is not None  # noqa: S101 (a connection is made before it is lent)
        self.transport.write(request)
        while self._room:
            await self._room

    async def wait_for_headers(self) -> None:
        """Raises httpx.TransportError when none will come."""
        while not self._has_headers:
            if self._error:
                raise self._error
            await self._more()

    async def read(self) -> bytes:
        """All that came since the last call, b"" at the end. Raises httpx.TransportError."""
        while not self._pieces:
            if self._error:
                raise self._error
            if self.is_whole:
                return b""
            await self._more()
        pieces, self._pieces, self._waiting_bytes = self._pieces, [], 0
        if self._is_paused and self.transport:
            self._is_paused = False
            self.transport.resume_reading()
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    async def _more(self) -> None:
        self._waiter = self._loop.create_future()
        await self._waiter

    def _wake(self) -> None:
        waiter, self._waiter = self._waiter, None
        if waiter and not waiter.done():
            waiter.set_result(None)

    @property
    def may_be_kept(self) -> bool:
        """Whether another request may go over it."""
        unread = self._pieces or not self.is_whole
        return self._may_go_on and not unread and not self.is_closed

    def abort(self) -> None:
        """Close it at once; what was not sent is dropped."""
        self.is_closed = True
        if self.transport:
            self.transport.abort()


class _Body(httpx.AsyncByteStream):
    """The body of an answer; closing it early closes its connection."""

    def __init__(self, connection: Connection, done: Callable[[Connection], None]) -> None:
        self._connection, self._done = connection, done

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while piece := await self._connection.read():
            yield piece

    async def aclose(self) -> None:
        self._done(self._connection)


class StreamTransport(httpx.AsyncBaseTransport):
    """Any number of connections, one request on each at a time; idle ones are kept a while.

    `tls` makes the context for encrypted ones, when the first is needed: it reads all
    certificates of the machine, which takes 20 ms.
    """

    def __init__(self, tls: Callable[[], ssl.SSLContext] = httpx.create_ssl_context) -> None:
        self._make_tls = tls
        self._tls: ssl.SSLContext | None = None
        self._idle: dict[Origin, deque[Connection]] = {}
        self._busy: set[Connection] = set()

    @property
    def busy_connections(self) -> int:
        return len(self._busy)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send it; the response once its headers are here. Raises httpx.TransportError."""
        limits = request.extensions.get("timeout", {})
        wire = _head(request) + await request.aread()
        async with self._lent(_origin(request.url), limits.get("connect")) as connection:
            try:
                async with asyncio.timeout(limits.get("write")):
                    await connection.write(wire)
            except TimeoutError as error:
                raise httpx.WriteTimeout("the request could not be sent in time") from error
            await connection.wait_for_headers()
        body = _Body(connection, self._given_back)
        return httpx.Response(connection.status, headers=connection.headers, stream=body)

    async def aclose(self) -> None:
        """Close every connection, also those in use."""
        for connection in [*self._busy, *(one for kept in self._idle.values() for one in kept)]:
            connection.abort()
        self._idle.clear()

    @asynccontextmanager
    async def _lent(self, origin: Origin, connect_s: float | None) -> AsyncIterator[Connection]:
        """A connection to ask on. It is closed if the asking fails or is cancelled."""
        connection = self._kept(origin) or await self._connect(origin, connect_s)
        self._busy.add(connection)
        try:
            yield connection
        except BaseException:
            self._busy.discard(connection)
            connection.abort()
            raise

    def _kept(self, origin: Origin) -> Connection | None:
        """The idle connection that was used last, if one is still good."""
        kept = self._idle.get(origin)
        oldest_s = asyncio.get_running_loop().time() - KEPT_S
        while kept:
            connection = kept.pop()
            if not connection.is_closed and connection.idle_since_s > oldest_s:
                connection.expect()
                return connection
            connection.abort()
        return None

    def _given_back(self, connection: Connection) -> None:
        if connection not in self._busy:
            return
        self._busy.discard(connection)
        if not connection.may_be_kept:
            connection.abort()
            return
        connection.idle_since_s = asyncio.get_running_loop().time()
        kept = self._idle.setdefault(connection.origin, deque())
        kept.append(connection)
        oldest_s = connection.idle_since_s - KEPT_S
        while kept[0].is_closed or kept[0].idle_since_s <= oldest_s or len(kept) > KEPT:
            kept.popleft().abort()

    async def _connect(self, origin: Origin, limit_s: float | None) -> Connection:
        """A new connection; asyncio's loop lets IPv6 and IPv4 race, uvloop tries them in turn."""
        loop = asyncio.get_running_loop()
        scheme, host, port = origin
        wishes: dict[str, Any] = {}
        if isinstance(loop, asyncio.BaseEventLoop):
            wishes["happy_eyeballs_delay"] = 0.25
        if scheme == "https":
            self._tls = self._tls or self._make_tls()
            wishes["ssl"] = self._tls
        try:
            async with asyncio.timeout(limit_s):
                _, connection = await loop.create_connection(
                    lambda: Connection(origin), host, port, **wishes
                )
        except TimeoutError as error:
            raise httpx.ConnectTimeout(f"no connection within {limit_s:g} s") from error
        except OSError as error:  # what TLS refuses is one, too
            raise httpx.ConnectError(str(error)) from error
        return connection


def _origin(url: httpx.URL) -> Origin:
    return url.scheme, url.host, url.port or (443 if url.scheme == "https" else 80)


def _head(request: httpx.Request) -> bytes:
    lines = [b"%b %b HTTP/1.1" % (request.method.encode(), request.url.raw_path)]
    lines += [b"%b: %b" % header for header in request.headers.raw]
    return b"\r\n".join((*lines, b"", b""))
