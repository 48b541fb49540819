"""The client on real sockets: what the upstream sees when we leave, and what the pool keeps."""

import asyncio
from contextlib import aclosing, suppress

import pytest

from openrouter.client import OpenRouterClient
from openrouter.connections import KEPT
from openrouter.errors import NotConnected
from openrouter.events import TextDelta
from tests.openrouter.answers import DONE, KEEP_ALIVE, chunk, failures_of, text_of
from tests.openrouter.upstream import (
    QUESTION,
    all_of,
    asking,
    begin_stream,
    end_stream,
    read_request,
    send,
    upstream,
)


class Stalling:
    """An upstream that begins an answer, goes silent, and notices when the other side is gone."""

    def __init__(self, first: str = chunk("a")) -> None:
        self.first = first
        self.asked = asyncio.Event()
        self.left = asyncio.Event()

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        self.asked.set()
        if self.first:
            begin_stream(writer)
            send(writer, self.first)
        assert await reader.read() == b""
        self.left.set()


async def test_closing_the_iterator_closes_the_socket_at_once() -> None:
    serve = Stalling()
    async with upstream(serve) as url, asking(base_url=url) as client:
        async with aclosing(client.stream_chat(QUESTION)) as events:
            async for event in events:
                if isinstance(event, TextDelta):
                    break
        async with asyncio.timeout(5):
            await serve.left.wait()
        assert client.connections == 0


async def test_cancelling_in_mid_stream_closes_the_socket_at_once() -> None:
    serve = Stalling()
    seen = asyncio.Event()

    async def read(client: OpenRouterClient) -> None:
        async with aclosing(client.stream_chat(QUESTION)) as events:
            async for event in events:
                if isinstance(event, TextDelta):
                    seen.set()

    async with upstream(serve) as url, asking(base_url=url) as client:
        reading = asyncio.create_task(read(client))
        await seen.wait()
        reading.cancel()
        async with asyncio.timeout(5):
            await serve.left.wait()
        with pytest.raises(asyncio.CancelledError):
            await reading
        assert client.connections == 0


async def test_cancelling_before_the_headers_closes_the_socket_at_once() -> None:
    serve = Stalling(first="")
    async with upstream(serve) as url, asking(base_url=url) as client:
        reading = asyncio.create_task(all_of(client.stream_chat(QUESTION)))
        await serve.asked.wait()
        reading.cancel()
        async with asyncio.timeout(5):
            await serve.left.wait()
        with pytest.raises(asyncio.CancelledError):
            await reading
        assert client.connections == 0


async def answer_well(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while True:
        await read_request(reader)
        begin_stream(writer)
        send(writer, chunk("good") + chunk("", finish="stop") + DONE)
        end_stream(writer)


async def test_cancelling_at_any_moment_leaves_no_connection_behind() -> None:
    async with upstream(answer_well) as url, asking(base_url=url) as client:
        for turns in range(60):
            reading = asyncio.create_task(all_of(client.stream_chat(QUESTION)))
            for _ in range(turns % 30):
                await asyncio.sleep(0)
            reading.cancel()
            with suppress(asyncio.CancelledError):
                await reading
            assert client.connections == 0
        assert text_of(await all_of(client.stream_chat(QUESTION))) == "good"


async def test_a_stream_that_was_read_to_its_end_leaves_its_connection_for_the_next() -> None:
    connections = 0

    async def count(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        await answer_well(reader, writer)

    async with upstream(count) as url, asking(base_url=url) as client:
        for _ in range(3):
            assert text_of(await all_of(client.stream_chat(QUESTION))) == "good"
    assert connections == 1


async def test_a_thousand_tokens_come_through_in_their_order() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        begin_stream(writer)
        for number in range(1000):
            send(writer, chunk(f"{number} ") + (KEEP_ALIVE if number % 9 == 0 else ""))
            await writer.drain()
        send(writer, chunk("", finish="stop") + DONE)
        end_stream(writer)

    async with upstream(serve) as url, asking(base_url=url) as client:
        events = await all_of(client.stream_chat(QUESTION))
    assert text_of(events) == "".join(f"{number} " for number in range(1000))


async def test_a_server_that_cuts_the_connection_interrupts_the_answer() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        begin_stream(writer)
        send(writer, chunk("half"))
        await writer.drain()
        writer.transport.abort()

    async with upstream(serve) as url, asking(base_url=url) as client:
        events = await all_of(client.stream_chat(QUESTION))
    assert text_of(events) == "half"
    assert len(failures_of(events)) == 1


async def test_a_port_where_nobody_listens_is_not_connected() -> None:
    async with upstream(answer_well) as url:
        pass
    async with asking(base_url=url, max_attempts=1) as client:
        with pytest.raises(NotConnected) as caught:
            await all_of(client.stream_chat(QUESTION))
    assert not caught.value.may_have_cost


async def test_a_connection_that_was_closed_while_it_was_idle_is_no_failure() -> None:
    """The upstream may hang up between two questions; the second is asked on a new connection."""

    async def once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        begin_stream(writer)
        send(writer, chunk("good") + chunk("", finish="stop") + DONE)
        end_stream(writer)
        await writer.drain()

    async with upstream(once) as url, asking(base_url=url) as client:
        for _ in range(3):
            assert text_of(await all_of(client.stream_chat(QUESTION))) == "good"


async def test_after_a_rush_only_some_connections_are_kept() -> None:
    begun, go = asyncio.Queue[None](), asyncio.Event()

    async def together(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        begun.put_nowait(None)
        await go.wait()
        begin_stream(writer)
        send(writer, chunk("good") + chunk("", finish="stop") + DONE)
        end_stream(writer)
        await reader.read()

    async with upstream(together) as url, asking(base_url=url) as client:
        asked = [asyncio.create_task(all_of(client.stream_chat(QUESTION))) for _ in range(KEPT + 5)]
        for _ in asked:
            await begun.get()
        assert client.connections == KEPT + 5
        go.set()
        await asyncio.gather(*asked)
        assert client.connections == 0
        assert [len(kept) for kept in client._wire._ours._idle.values()] == [KEPT]
