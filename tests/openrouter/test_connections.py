"""The client on real sockets: what the upstream sees when we leave, and what the pool keeps."""

import asyncio
from contextlib import aclosing, suppress

import httpx
import pytest

from openrouter.client import OpenRouterClient
from openrouter.errors import NotConnected
from openrouter.events import Identified, TextDelta
from openrouter.pool import ClientPool, CountedTransport
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


def pool_of(client: OpenRouterClient) -> ClientPool:
    return client._wire.pool


def open_connections(client: OpenRouterClient) -> int:
    generation = pool_of(client)._current
    assert generation is not None
    assert isinstance(generation.transport, CountedTransport)
    return generation.transport.busy_connections()


async def test_closing_the_iterator_closes_the_socket_at_once() -> None:
    serve = Stalling()
    async with upstream(serve) as url, asking(base_url=url) as client:
        async with aclosing(client.stream_chat(QUESTION)) as events:
            async for event in events:
                if isinstance(event, TextDelta):
                    break
        async with asyncio.timeout(5):
            await serve.left.wait()
        assert open_connections(client) == 0


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
        assert open_connections(client) == 0


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
        assert open_connections(client) == 0


async def answer_well(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while True:
        await read_request(reader)
        begin_stream(writer)
        send(writer, chunk("good") + chunk("", finish="stop") + DONE)
        end_stream(writer)


async def test_cancelling_at_any_moment_of_connecting_leaves_no_connection_behind_for_ever() -> (
    None
):
    """httpcore leaks here; we count what it leaks, and begin anew before it piles up."""
    async with upstream(answer_well) as url, asking(base_url=url, most_orphans=3) as client:
        for turns in range(60):
            reading = asyncio.create_task(all_of(client.stream_chat(QUESTION)))
            for _ in range(turns % 30):
                await asyncio.sleep(0)
            reading.cancel()
            with suppress(asyncio.CancelledError):
                await reading
        events = await all_of(client.stream_chat(QUESTION))
        assert text_of(events) == "good"
        assert open_connections(client) <= 3
        assert pool_of(client)._retired == []


async def test_a_pool_that_has_leaked_is_replaced_when_its_last_stream_has_ended() -> None:
    serve = Stalling()
    async with upstream(serve) as url, asking(base_url=url, most_orphans=2) as client:
        pool = pool_of(client)
        async with aclosing(client.stream_chat(QUESTION)) as events:
            assert await anext(events) == Identified("gen-live")
            old = pool._current
            assert old is not None
            assert isinstance(old.transport, CountedTransport)
            old.in_use -= 3  # as if three more connections were busy with nobody's request
            async with pool.lease() as other:
                assert other is not old.client
            assert pool.replaced == 1
            assert not old.client.is_closed
            old.in_use += 3
        assert old.client.is_closed
        assert pool._retired == []


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


async def test_a_client_of_the_callers_transport_is_never_replaced() -> None:
    pool = ClientPool(timeout=httpx.Timeout(1), transport=httpx.MockTransport(lambda _: None))  # type: ignore[arg-type]
    async with pool.lease() as first:
        pass
    async with pool.lease() as second:
        assert second is first
    await pool.aclose()
    assert first.is_closed
