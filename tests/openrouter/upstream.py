"""What the client's tests ask with: a client without waiting, and an upstream on the loopback."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from typing import Any

import httpx

from openrouter.client import ClientConfig, OpenRouterClient
from openrouter.events import StreamEvent
from openrouter.types import ChatRequest

KEY = "sk-or-v1-0123456789abcdef"
QUESTION = ChatRequest(
    model="example/beacon",
    messages=[{"role": "user", "content": "Hello?"}],
    max_completion_tokens=64,
)
Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def config(**more: Any) -> ClientConfig:
    return ClientConfig(
        **{
            "api_key": KEY,
            "base_url": "https://upstream.test/api/v1",
            "app_url": "https://chat.example",
            "app_title": "Café",
            **more,
        }
    )


class Waits:
    """Stands for sleeping: remembers how long, and does not."""

    def __init__(self) -> None:
        self.delays_s: list[float] = []

    async def __call__(self, delay_s: float) -> None:
        self.delays_s.append(delay_s)


@asynccontextmanager
async def asking(
    transport: httpx.AsyncBaseTransport | None = None, waits: Waits | None = None, **more: Any
) -> AsyncIterator[OpenRouterClient]:
    """A client that never sleeps, and whose dice always show the highest number."""
    client = OpenRouterClient(
        config(**more), transport, sleep=waits or Waits(), uniform=lambda _, highest: highest
    )
    try:
        yield client
    finally:
        await client.aclose()


async def all_of(events: AsyncGenerator[StreamEvent, None]) -> list[StreamEvent]:
    async with aclosing(events):
        return [event async for event in events]


@asynccontextmanager
async def upstream(serve: Serve) -> AsyncIterator[str]:
    """A server on the loopback that treats each connection with `serve`; its base URL."""
    tasks: set[asyncio.Task[None]] = set()

    async def treat(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            await serve(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            tasks.discard(task)
            writer.close()

    server = await asyncio.start_server(treat, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/api/v1"
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def read_request(reader: asyncio.StreamReader) -> bytes:
    """The head and body of one request, as it is on the wire."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = 0
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    return head + await reader.readexactly(length)


def begin_stream(writer: asyncio.StreamWriter, generation_id: str = "gen-live") -> None:
    writer.write(
        b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n"
        b"x-generation-id: " + generation_id.encode() + b"\r\n\r\n"
    )


def send(writer: asyncio.StreamWriter, data: str) -> None:
    body = data.encode()
    writer.write(b"%x\r\n%s\r\n" % (len(body), body))


def end_stream(writer: asyncio.StreamWriter) -> None:
    writer.write(b"0\r\n\r\n")
