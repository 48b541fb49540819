"""The doubles that other apps' tests stand on do what they promise."""

import asyncio
from contextlib import aclosing

import httpx
import pytest

from openrouter.errors import Unavailable
from openrouter.events import Finished, Identified, TextDelta
from openrouter.testing import HANG, ReplayTransport, Reply, ScriptedClient, sliced
from tests.openrouter.upstream import QUESTION, all_of


async def test_a_script_is_played_to_everyone_who_asks() -> None:
    client = ScriptedClient(Identified("gen-1"), TextDelta("Hi"))
    for _ in range(2):
        assert await all_of(client.stream_chat(QUESTION)) == [Identified("gen-1"), TextDelta("Hi")]
    assert client.requests == [QUESTION, QUESTION]
    assert client.closed == 2


async def test_the_second_question_hears_the_second_script() -> None:
    client = ScriptedClient(TextDelta("one"), then=[[TextDelta("two")]])
    heard = [await all_of(client.stream_chat(QUESTION)) for _ in range(3)]
    assert heard == [[TextDelta("one")], [TextDelta("two")], [TextDelta("two")]]


async def test_an_exception_in_the_script_is_raised() -> None:
    client = ScriptedClient(TextDelta("Hi"), Unavailable("down"))
    async with aclosing(client.stream_chat(QUESTION)) as events:
        assert await anext(events) == TextDelta("Hi")
        with pytest.raises(Unavailable, match="down"):
            await anext(events)


async def test_hang_waits_until_it_is_cancelled() -> None:
    client = ScriptedClient(TextDelta("Hi"), HANG)
    reading = asyncio.create_task(all_of(client.stream_chat(QUESTION)))
    await client.hanging.wait()
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert client.closed == 1
    assert not client.hanging.is_set()


async def test_a_whole_answer_is_made_of_the_same_script() -> None:
    client = ScriptedClient(TextDelta("Hel"), TextDelta("lo"), Finished("stop"))
    answer = await client.complete_chat(QUESTION)
    assert (answer.text, answer.finish_reason) == ("Hello", "stop")


async def test_bytes_are_replayed_in_the_slices_that_were_asked_for() -> None:
    transport = ReplayTransport(Reply(body=b"abcdefgh", slices=(1, 3)))
    async with (
        httpx.AsyncClient(transport=transport) as client,
        client.stream("GET", "https://x.test") as response,
    ):
        assert [piece async for piece in response.aiter_raw()] == [b"a", b"bcd", b"e", b"fgh"]
    assert transport.closed == 1


def test_slices_lose_no_byte() -> None:
    assert b"".join(sliced(bytes(range(200)), (7, 1, 30))) == bytes(range(200))
    assert sliced(b"", (3,)) == []
