"""The emulator without a port: an httpx transport that streams for real.

httpx.ASGITransport waits for the whole answer; this one hands over each piece as it is written.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator
from typing import Any

import httpx

from openrouter.emulator.app import Emulator, create_app
from openrouter.emulator.settings import EmulatorSettings
from openrouter.emulator.web import Message

logger = logging.getLogger(__name__)

GRACE_S = 1.0  # for the application to see that the client has gone, and to settle
HIGH_WATER = 64  # pieces that wait to be read before the writer has to


class EmulatorTransport(httpx.AsyncBaseTransport):
    """Runs requests against an emulator in the same process. `emulator.bill` is its bill.

    May be shared by several event loops: what a request needs lives in the loop that made it.
    """

    def __init__(self, settings: EmulatorSettings | Emulator | None = None) -> None:
        self.emulator = settings if isinstance(settings, Emulator) else create_app(settings)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        body = await request.aread()
        exchange = Exchange(body)
        exchange.run(self.emulator, scope_of(request))
        try:
            status, headers = await within(exchange.head(), request, "read")
        except BaseException:
            await exchange.aclose()
            raise
        return httpx.Response(status, headers=headers, stream=Body(exchange, request))


def scope_of(request: httpx.Request) -> dict[str, Any]:
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": request.method,
        "scheme": request.url.scheme,
        "path": request.url.path,
        "raw_path": request.url.raw_path.split(b"?")[0],
        "query_string": request.url.query,
        "root_path": "",
        "headers": [(name.lower(), value) for name, value in request.headers.raw],
        "client": ("127.0.0.1", 0),
        "server": (request.url.host, request.url.port or 80),
    }


async def within(waiting: Any, request: httpx.Request, kind: str) -> Any:
    """Wait as long as the request's timeouts allow. Raises httpx.ReadTimeout."""
    seconds = request.extensions.get("timeout", {}).get(kind)
    try:
        async with asyncio.timeout(seconds):
            return await waiting
    except TimeoutError as error:
        raise httpx.ReadTimeout("the emulator was silent for too long", request=request) from error


class Exchange:
    """One request and its answer: the two ends of an ASGI application's `receive` and `send`."""

    def __init__(self, body: bytes) -> None:
        self._body: bytes | None = body
        self._gone = asyncio.Event()
        self._waiting: deque[bytes] = deque()
        self._news = asyncio.Event()
        self._room = asyncio.Event()
        self._head: tuple[int, list[tuple[bytes, bytes]]] | None = None
        self._complete = self._over = False
        self._task: asyncio.Task[None] | None = None

    def run(self, app: Emulator, scope: dict[str, Any]) -> None:
        self._task = asyncio.get_running_loop().create_task(app(scope, self.receive, Sender(self)))
        self._task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (bug := task.exception()):
            logger.error("The emulator has a bug", exc_info=bug)
        self.close_from_within()

    def close_from_within(self) -> None:
        """No more will come."""
        self._over = True
        self._news.set()

    async def receive(self) -> Message:
        if self._body is not None:
            body, self._body = self._body, None
            return {"type": "http.request", "body": body, "more_body": False}
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        if self._gone.is_set() or self._over:
            return
        if message["type"] == "http.response.start":
            self._head = message["status"], message["headers"]
        else:
            if body := message.get("body"):
                self._waiting.append(body)
            self._complete = not message.get("more_body")
        self._news.set()
        while len(self._waiting) > HIGH_WATER and not self._gone.is_set():
            self._room.clear()
            await self._room.wait()

    async def head(self) -> tuple[int, list[tuple[bytes, bytes]]]:
        """Status and headers. Raises httpx.RemoteProtocolError where there is no answer."""
        while self._head is None:
            if self._over:
                raise httpx.RemoteProtocolError("Server disconnected without sending a response.")
            await self._wait()
        return self._head

    async def piece(self) -> bytes | None:
        """What was written next; None at the end. Raises httpx.RemoteProtocolError for a cut."""
        while not self._waiting:
            if self._complete:
                return None
            if self._over:
                raise httpx.RemoteProtocolError(
                    "peer closed connection without sending complete message body"
                )
            await self._wait()
        piece = self._waiting.popleft()
        self._room.set()
        return piece

    async def _wait(self) -> None:
        self._news.clear()
        await self._news.wait()

    async def aclose(self) -> None:
        """Tell the application that the client has gone, and see its task to its end."""
        self._gone.set()
        self._room.set()
        task, self._task = self._task, None
        if task is None:
            return
        await asyncio.wait({task}, timeout=GRACE_S)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


class Sender:
    """The `send` of an exchange; `abort` is what a broken network does."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    async def __call__(self, message: Message) -> None:
        await self._exchange.send(message)

    def abort(self) -> None:
        self._exchange.close_from_within()


class Body(httpx.AsyncByteStream):
    def __init__(self, exchange: Exchange, request: httpx.Request) -> None:
        self._exchange, self._request = exchange, request

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while (piece := await within(self._exchange.piece(), self._request, "read")) is not None:
            yield piece

    async def aclose(self) -> None:
        await self._exchange.aclose()
