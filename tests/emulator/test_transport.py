"""The transport in the same process streams for real, and leaves nothing behind."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from openrouter.emulator.app import create_app
from openrouter.emulator.settings import EmulatorSettings, instant
from openrouter.emulator.transport import EmulatorTransport
from tests.emulator.conftest import connected
from tests.emulator.reading import ask, read

ENDLESS = ask("[[bench: chunks=1000000]]", model="openai/gpt-5-mini")


def other_tasks() -> set[asyncio.Task[object]]:
    return asyncio.all_tasks() - {asyncio.current_task()}


async def test_the_first_piece_arrives_while_the_answer_is_being_written() -> None:
    async with (
        connected() as (client, emulator),
        client.stream("POST", "/chat/completions", json=ENDLESS) as response,
    ):
        pieces = response.aiter_bytes()
        first = await anext(pieces)
        assert response.headers["x-generation-id"] in emulator.world.open
    assert first.startswith(b"data: ")


async def test_closing_a_response_ends_its_task_and_settles_its_bill() -> None:
    before = other_tasks()
    async with connected() as (client, emulator):
        async with client.stream("POST", "/chat/completions", json=ENDLESS) as response:
            pieces = response.aiter_bytes()
            await anext(pieces)
        assert other_tasks() == before
        assert not emulator.world.open
        entry = emulator.bill.find(response.headers["x-generation-id"])
    assert entry is not None
    assert entry.cancelled


async def test_a_reader_that_is_cancelled_leaves_no_task_behind() -> None:
    before = other_tasks()
    async with connected() as (client, emulator):
        reader = asyncio.create_task(read(client, ENDLESS))
        for _ in range(100):
            await asyncio.sleep(0)
        assert emulator.world.open
        reader.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reader
        assert other_tasks() == before
        assert [entry.cancelled for entry in emulator.bill] == [True]


async def test_a_writer_waits_for_a_reader_that_does_not_read() -> None:
    async with (
        connected() as (client, emulator),
        client.stream("POST", "/chat/completions", json=ENDLESS) as response,
    ):
        for _ in range(2000):
            await asyncio.sleep(0)
        chunks = emulator.world.sent[response.headers["x-generation-id"]].chunks
    assert chunks < 1000


async def test_an_answer_that_was_read_to_its_end_is_not_a_cancelled_one() -> None:
    async with connected() as (client, emulator):
        for _ in range(20):
            await read(client, ask("hi"))
    assert [entry.cancelled for entry in emulator.bill] == [False] * 20


async def test_a_silent_answer_runs_into_the_read_timeout() -> None:
    settings = EmulatorSettings(first_token_s=60, keep_alive_s=60)
    async with connected(settings) as (client, emulator):
        client.timeout = httpx.Timeout(0.05)
        with pytest.raises(httpx.ReadTimeout):
            await read(client, ask())
    assert not emulator.world.open


def test_one_emulator_serves_several_event_loops() -> None:
    emulator = create_app(instant())

    async def talk() -> str:
        transport = EmulatorTransport(emulator)
        headers = {"authorization": f"Bearer {emulator.settings.api_key}"}
        base = "http://emulator/api/v1"
        async with httpx.AsyncClient(transport=transport, base_url=base, headers=headers) as client:
            return (await read(client, ask())).text

    assert asyncio.run(talk()) == asyncio.run(talk()) != ""
    assert len(emulator.bill) == 2
