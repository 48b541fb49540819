"""For tests of what stands on the client: a scripted client, a transport that replays bytes.

Neither touches the network or waits for a clock.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

import httpx

from openrouter.events import StreamEvent
from openrouter.types import ChatRequest, Completion, completion_of


class _Hang:
    """Wait for ever, as a stalled upstream does; only a cancellation ends it."""

    def __repr__(self) -> str:
        return "HANG"


HANG: Final = _Hang()
ScriptLine: TypeAlias = StreamEvent | BaseException | _Hang


class ScriptedClient:
    """Plays `script` to everyone who asks: events are told, exceptions raised, HANG waits for ever.

    With `then`, the second question hears the next script, and so on; the last one is repeated.
    `requests` holds what was asked, `hanging` is set while somebody waits at a HANG, and `closed`
    counts the streams that ended, whichever way.
    """

    def __init__(self, *script: ScriptLine, then: Sequence[Sequence[ScriptLine]] = ()) -> None:
        self._scripts = [list(script), *map(list, then)]
        self.requests: list[ChatRequest] = []
        self.hanging = asyncio.Event()
        self.closed = 0

    async def stream_chat(self, request: ChatRequest) -> AsyncGenerator[StreamEvent, None]:
        """As `OpenRouterClient.stream_chat`."""
        script = self._next_script(request)
        try:
            for line in script:
                if isinstance(line, _Hang):
                    await self._hang()
                elif isinstance(line, BaseException):
                    raise line
                else:
                    yield line
        finally:
            self.closed += 1

    async def complete_chat(self, request: ChatRequest) -> Completion:
        """As `OpenRouterClient.complete_chat`, of the same script."""
        events: list[StreamEvent] = []
        for line in self._next_script(request):
            if isinstance(line, _Hang):
                await self._hang()
            elif isinstance(line, BaseException):
                raise line
            else:
                events.append(line)
        return completion_of(events)

    async def aclose(self) -> None:
        """There is nothing to close."""

    def _next_script(self, request: ChatRequest) -> list[ScriptLine]:
        self.requests.append(request)
        return self._scripts[min(len(self.requests), len(self._scripts)) - 1]

    async def _hang(self) -> None:
        self.hanging.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.hanging.clear()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One HTTP response to replay. `slices`: the sizes in which the bytes come, over and over.

    `ending`: what happens after the last byte: nothing (None), an exception, or HANG.
    """

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=lambda: {"content-type": "text/event-stream"})
    slices: tuple[int, ...] = (1 << 20,)
    ending: Exception | _Hang | None = None


class ReplayTransport(httpx.AsyncBaseTransport):
    """Answers each request with the next reply (an exception is raised), the last one for ever.

    `requests` holds what was sent, with its body read; `closed` counts the bodies that were closed.
    """

    def __init__(self, *replies: Reply | Exception) -> None:
        self._replies = replies
        self.requests: list[httpx.Request] = []
        self.hanging = asyncio.Event()
        self.closed = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await request.aread()
        self.requests.append(request)
        reply = self._replies[min(len(self.requests), len(self._replies)) - 1]
        if isinstance(reply, Exception):
            raise reply
        stream = _ReplayedBody(reply, self.hanging, self._count_closed)
        return httpx.Response(reply.status, headers=reply.headers, stream=stream)

    def _count_closed(self) -> None:
        self.closed += 1


class _ReplayedBody(httpx.AsyncByteStream):
    def __init__(
        self, reply: Reply, hanging: asyncio.Event, when_closed: Callable[[], None]
    ) -> None:
        self._reply = reply
        self._hanging = hanging
        self._when_closed = when_closed

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in sliced(self._reply.body, self._reply.slices):
            yield piece
        if isinstance(self._reply.ending, Exception):
            raise self._reply.ending
        if self._reply.ending is not None:
            self._hanging.set()
            await asyncio.Event().wait()

    async def aclose(self) -> None:
        self._when_closed()


def sliced(body: bytes, sizes: Sequence[int]) -> list[bytes]:
    """The bytes in pieces of these sizes, which are used over and over."""
    pieces, at, turn = [], 0, 0
    while at < len(body):
        size = sizes[turn % len(sizes)]
        pieces.append(body[at : at + size])
        at, turn = at + size, turn + 1
    return pieces
