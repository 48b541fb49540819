"""The task that writes a reply: it settles once, whichever way it ends, and shows what it has."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from uuid import UUID

from asgiref.sync import sync_to_async

from billing.models import Call, CallState, UsageRecord
from chat.feed import Feed, Follower
from chat.models import Message, Part, State
from chat.relay import LocalRelay
from chat.replies import Writer
from openrouter.errors import PaymentRequired, StreamInterrupted
from openrouter.events import (
    Done,
    Failed,
    Finished,
    Identified,
    KeepAlive,
    ReasoningDelta,
    StreamEvent,
    TextDelta,
    Usage,
    UsageReported,
)
from openrouter.testing import HANG, ScriptedClient
from tests.chat.conftest import Ask

BEGUN = Identified("gen-1", "acme/one-20260501", "Acme")
USAGE = UsageReported(Usage(9, 2, cost_usd=Decimal("0.0001")))
WELL: tuple[StreamEvent, ...] = (
    BEGUN,
    KeepAlive(),
    TextDelta("Hello "),
    TextDelta("there"),
    Finished("stop"),
    USAGE,
    Done(),
)


class Desk:
    """A writer with what surrounds it: a follower, and the reply as the database has it."""

    def __init__(self, ask: Ask, client: ScriptedClient) -> None:
        self.ask, self.client, self.feed = ask, client, Feed()

    async def open(self) -> None:
        job = (await sync_to_async(self.ask)()).job
        assert job is not None
        self.job = job
        self.follower: Follower = self.feed.follow(UUID(str(job.conversation)))
        self.writer = Writer(job, self.client, LocalRelay(self.feed))
        self.writer.task = asyncio.create_task(self.writer.write())

    async def ended(self) -> Message:
        assert self.writer.task is not None
        await self.writer.task
        return await sync_to_async(Message.objects.with_books().get)(pk=self.job.reply)


async def test_a_reply_is_written_shown_and_booked(ask: Ask) -> None:
    desk = Desk(ask, ScriptedClient(*WELL))
    await desk.open()
    reply = await desk.ended()
    assert (reply.state, reply.text) == (State.DONE, "Hello there")
    assert reply.usage is not None
    assert reply.usage.cost_usd == Decimal("0.0001")
    assert reply.usage.generation_id == "gen-1"
    assert 'data-state="done"' in desk.follower.pending[-1]
    assert not desk.feed.views


async def test_stop_keeps_what_had_come_and_closes_upstream(ask: Ask) -> None:
    client = ScriptedClient(BEGUN, TextDelta("Hi"), HANG)
    desk = Desk(ask, client)
    await desk.open()
    await client.hanging.wait()
    desk.writer.end(State.STOPPED)
    reply = await desk.ended()
    assert (reply.state, reply.text) == (State.STOPPED, "Hi")
    assert client.closed == 1
    assert reply.call is not None
    assert (reply.call.state, reply.call.generation_id) == (CallState.PENDING, "gen-1")


async def test_stop_twice_settles_once(ask: Ask) -> None:
    client = ScriptedClient(BEGUN, TextDelta("Hi"), HANG)
    desk = Desk(ask, client)
    await desk.open()
    await client.hanging.wait()
    desk.writer.end(State.STOPPED)
    desk.writer.end(State.INTERRUPTED)
    reply = await desk.ended()
    assert reply.state == State.STOPPED
    assert 'data-state="stopped"' in desk.follower.pending[-1]


async def test_the_generation_id_is_stored_before_a_word_is_shown(ask: Ask) -> None:
    client = ScriptedClient(BEGUN, HANG)
    desk = Desk(ask, client)
    await desk.open()
    await client.hanging.wait()
    call = await sync_to_async(Call.objects.get)()
    assert call.generation_id == "gen-1"
    assert not desk.follower.pending
    desk.writer.end(State.STOPPED)
    await desk.ended()


async def test_a_refusal_shows_a_card_and_charges_nothing(ask: Ask) -> None:
    desk = Desk(ask, ScriptedClient(PaymentRequired("needs 3 more dollars", status=402)))
    await desk.open()
    reply = await desk.ended()
    assert (reply.state, reply.text) == (State.FAILED, "")
    assert reply.error_detail == "needs 3 more dollars"
    assert reply.call is not None
    assert reply.call.state == CallState.RELEASED


async def test_a_failure_in_mid_stream_keeps_text_and_usage(ask: Ask) -> None:
    script = (BEGUN, TextDelta("Half"), Failed(StreamInterrupted("cut")), USAGE)
    desk = Desk(ask, ScriptedClient(*script))
    await desk.open()
    reply = await desk.ended()
    assert (reply.state, reply.text) == (State.FAILED, "Half")
    assert await sync_to_async(UsageRecord.objects.count)() == 1


async def test_a_fault_of_ours_leaves_no_reply_running(ask: Ask) -> None:
    desk = Desk(ask, ScriptedClient(BEGUN, TextDelta("Hi"), ZeroDivisionError()))
    await desk.open()
    reply = await desk.ended()
    assert (reply.state, reply.text) == (State.FAILED, "Hi")
    assert reply.call is not None
    assert reply.call.state == CallState.PENDING


async def test_checkpoints_take_each_letter_once(ask: Ask) -> None:
    client = ScriptedClient(BEGUN, ReasoningDelta("hm"), TextDelta("ab"), TextDelta("ü😀"), HANG)
    desk = Desk(ask, client)
    await desk.open()
    await client.hanging.wait()
    first = desk.writer.new_chunks()
    assert [c.text for c in desk.writer.new_chunks()] == [c.text for c in first]  # not stored yet
    desk.writer.chunks_stored()
    desk.writer.draft.apply(TextDelta("c"))
    second = desk.writer.new_chunks()
    assert [(c.part, c.offset, c.text) for c in first] == [
        (Part.TEXT, 0, "abü😀"),
        (Part.REASONING, 0, "hm"),
    ]
    assert [(c.part, c.offset, c.text) for c in second] == [(Part.TEXT, 4, "c")]
    desk.writer.chunks_stored()
    assert desk.writer.new_chunks() == []
    desk.writer.end(State.STOPPED)
    await desk.ended()


async def test_letters_that_no_database_stores_do_not_lose_the_reply(ask: Ask) -> None:
    desk = Desk(ask, ScriptedClient(BEGUN, TextDelta("a\x00b\ud800c"), Finished("stop"), USAGE))
    await desk.open()
    reply = await desk.ended()
    assert reply.state == State.DONE
    assert reply.text == "a\N{REPLACEMENT CHARACTER}b\N{REPLACEMENT CHARACTER}c"
