"""The runner: what a former life left behind is settled, what runs is watched over."""

from __future__ import annotations

import asyncio
import os
import socket
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from asgiref.sync import sync_to_async
from pytest_django import Settings

from chat.database import in_database
from chat.errors import Restarting, TooBusy
from chat.models import Chunk, Message, Part, State
from chat.relay import Change
from chat.runner import Runner
from chat.services import Turn
from chat.settlement import checkpoint
from openrouter.events import Identified, TextDelta
from openrouter.testing import HANG, ScriptedClient
from tests.chat.conftest import Ask

GONE = f"{socket.gethostname()}:{2**22 + 1}:gone"  # no process has a number above 2**22
ELSEWHERE = "another-host:1:there"


@asynccontextmanager
async def opened(
    monkeypatch: pytest.MonkeyPatch, settings: Settings, client: ScriptedClient
) -> AsyncIterator[Runner]:
    """A runner at work on the test's own database connection."""
    monkeypatch.setattr(in_database, "open", lambda: None)
    monkeypatch.setattr("chat.runner.import_string", lambda _: lambda: client)
    runner = Runner()
    await runner.open()
    try:
        yield runner
    finally:
        await runner.close()


async def orphan(ask: Ask, owner: str) -> int:
    pk = (await sync_to_async(ask)()).reply.pk
    await sync_to_async(Message.objects.filter(pk=pk).update)(owner=owner)
    chunk = Chunk(message_id=pk, part=Part.TEXT, offset=0, text="It sc")
    await sync_to_async(checkpoint)([chunk])
    return pk


def begin(runner: Runner, turn: Turn) -> None:
    assert turn.job is not None
    change = Change("turn", turn.conversation.pk, turn.reply.pk, turn.after)
    runner.start(turn.job, change, "")


async def the(pk: int) -> Message:
    return await Message.objects.aget(pk=pk)


async def test_opening_settles_the_replies_of_a_process_that_is_gone(
    ask: Ask, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    pk = await orphan(ask, GONE)
    async with opened(monkeypatch, settings, ScriptedClient()):
        reply = await the(pk)
        assert (reply.state, reply.text) == (State.INTERRUPTED, "It sc")


async def test_a_former_life_with_the_same_number_is_gone_too(
    ask: Ask, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    pk = await orphan(ask, f"{socket.gethostname()}:{os.getpid()}:before")
    async with opened(monkeypatch, settings, ScriptedClient()):
        assert (await the(pk)).state == State.INTERRUPTED


async def test_the_replies_of_another_host_are_left_to_their_lease(
    ask: Ask, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    pk = await orphan(ask, ELSEWHERE)
    async with opened(monkeypatch, settings, ScriptedClient()):
        assert (await the(pk)).state == State.STREAMING


async def test_one_that_cannot_be_settled_keeps_nobody_out(
    ask: Ask, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    pk = await orphan(ask, GONE)

    def fails(_: Message) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("chat.runner.interrupt", fails)
    async with opened(monkeypatch, settings, ScriptedClient()):
        assert (await the(pk)).state == State.STREAMING


async def test_stop_ends_a_reply_that_is_written_here(
    ask: Ask, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    client = ScriptedClient(Identified("gen-1"), TextDelta("Hi"), HANG)
    async with opened(monkeypatch, settings, client) as runner:
        turn = await sync_to_async(ask)()
        begin(runner, turn)
        await client.hanging.wait()
        task = runner.writers[turn.reply.pk].task
        assert task is not None
        turn.reply.owner = runner.owner
        await sync_to_async(runner.stop)(turn.reply)
        await task
        assert (await the(turn.reply.pk)).state == State.STOPPED
        await asyncio.sleep(0)
        assert not runner.writers


async def test_closing_interrupts_what_is_being_written_and_keeps_it(
    ask: Ask, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    client = ScriptedClient(Identified("gen-1"), TextDelta("Hi"), HANG)
    async with opened(monkeypatch, settings, client) as runner:
        turn = await sync_to_async(ask)()
        begin(runner, turn)
        await client.hanging.wait()
    reply = await the(turn.reply.pk)
    assert (reply.state, reply.text) == (State.INTERRUPTED, "Hi")


async def test_a_full_process_says_so(
    ask: Ask, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    settings.MAX_STREAMS = 1
    client = ScriptedClient(HANG)
    async with opened(monkeypatch, settings, client) as runner:
        runner.require_room()
        turn = await sync_to_async(ask)()
        begin(runner, turn)
        await client.hanging.wait()
        with pytest.raises(TooBusy):
            runner.require_room()


async def test_draining_lets_a_reply_end_and_takes_nothing_new(
    ask: Ask, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    client = ScriptedClient(Identified("gen-1"), TextDelta("Hi"), HANG)
    async with opened(monkeypatch, settings, client) as runner:
        turn = await sync_to_async(ask)()
        begin(runner, turn)
        watching = runner.feed.follow(turn.conversation.pk)
        idle = runner.feed.follow(uuid.uuid4())
        await client.hanging.wait()
        draining = asyncio.create_task(runner.drain())
        await idle.wake.wait()
        assert (idle.dismissed, watching.dismissed) == (True, False)
        with pytest.raises(Restarting):
            runner.require_room()
        runner.writers[turn.reply.pk].end(State.STOPPED)
        runner.feed.unfollow(idle)
        while not watching.dismissed:
            await watching.wake.wait()
            await asyncio.sleep(0)
        runner.feed.unfollow(watching)
        await draining
        assert (await the(turn.reply.pk)).state == State.STOPPED


async def test_draining_interrupts_what_takes_too_long(
    ask: Ask, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    settings.DRAIN_S = 0
    client = ScriptedClient(Identified("gen-1"), TextDelta("Hi"), HANG)
    async with opened(monkeypatch, settings, client) as runner:
        turn = await sync_to_async(ask)()
        begin(runner, turn)
        await client.hanging.wait()
        await runner.drain()
        reply = await the(turn.reply.pk)
        assert (reply.state, reply.text) == (State.INTERRUPTED, "Hi")
