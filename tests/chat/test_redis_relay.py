"""Two processes, one Redis: what one writes, the tabs of the other see, once and in order."""

from __future__ import annotations

import asyncio
import secrets
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from asgiref.sync import sync_to_async
from django.utils.html import strip_tags
from redis.asyncio import Redis

from chat.drafts import Draft
from chat.feed import Feed, View, stored_view
from chat.models import Chunk, Part, State
from chat.redis_relay import LINGERS_S, RedisRelay
from chat.relay import Change, settled
from chat.settlement import Timing, checkpoint, settle_reply
from tests.chat.conftest import Ask
from tests.conftest import REDIS_URL

pytestmark = pytest.mark.redis
PATIENCE_S = 10
HERE = uuid.uuid4()


class Process:
    """One process's feed and relay, and what it was told to stop."""

    def __init__(self, name: str, prefix: str, url: str = REDIS_URL) -> None:
        self.feed, self.stopped = Feed(), asyncio.Queue[int]()
        self.relay = RedisRelay(
            self.feed, url=url, owner=name, stop=self.stopped.put_nowait, prefix=prefix
        )


@asynccontextmanager
async def processes(count: int = 2) -> AsyncIterator[list[Process]]:
    prefix = f"test-{secrets.token_hex(4)}:"
    team = [Process(f"host:{number}:x", prefix) for number in range(count)]
    for process in team:
        await process.relay.open()
    try:
        yield team
    finally:
        for process in team:
            await process.relay.close()
        async with Redis.from_url(REDIS_URL) as redis:
            async for key in redis.scan_iter(f"{prefix}*"):
                await redis.delete(key)


async def until(holds: Callable[[], bool]) -> None:
    """Wait for what another task brings about; the bound is for a test that fails."""
    async with asyncio.timeout(PATIENCE_S):
        while not holds():  # noqa: ASYNC110 - another task's work, which sets no event for us
            await asyncio.sleep(0.005)


def text_of(view: View) -> str:
    closed, growing = view.snapshot().closed_html, view.snapshot().open_html
    return " ".join(strip_tags(closed + growing).split())


def write(process: Process, view: View, text: str) -> None:
    view.append(Part.TEXT, text)
    process.relay.flush(view)


async def test_a_tab_of_another_process_sees_what_is_written() -> None:
    async with processes() as (writer, reader):
        view = writer.feed.open(1, HERE)
        follower = reader.feed.follow(HERE)
        mirror = reader.relay.join(stored_view(1, HERE, "", ""))
        write(writer, view, "Once upon ")
        await until(lambda: text_of(mirror) == "Once upon")
        write(writer, view, "a time")
        await until(lambda: text_of(mirror) == "Once upon a time")
        assert "Once upon" in strip_tags("".join(follower.pending))


async def test_a_tab_that_comes_late_reads_the_stream_from_its_begin() -> None:
    async with processes() as (writer, reader):
        view = writer.feed.open(1, HERE)
        for text in ("one ", "two ", "three "):
            write(writer, view, text)
            await until(lambda text=text: text.strip() in text_of(view))  # type: ignore[misc]
        reader.feed.follow(HERE)
        mirror = reader.relay.join(stored_view(1, HERE, "one ", ""))  # a checkpoint, overlapping
        await until(lambda: text_of(mirror) == "one two three")


async def test_a_gap_is_filled_from_the_checkpoints(ask: Ask) -> None:
    turn = await sync_to_async(ask)()
    pk, conversation = turn.reply.pk, turn.conversation.pk
    rows = [Chunk(message_id=pk, part=Part.TEXT, offset=0, text="lost with Redis, ")]
    await sync_to_async(checkpoint)(rows)
    async with processes() as (writer, reader):
        view = writer.feed.open(pk, conversation)
        view.append(Part.TEXT, "lost with Redis, ")
        view.take()  # was in the stream before Redis was restarted
        reader.feed.follow(conversation)
        mirror = reader.relay.join(stored_view(pk, conversation, "", ""))
        write(writer, view, "not lost here")
        await until(lambda: text_of(mirror) == "lost with Redis, not lost here")


async def test_a_process_reads_only_what_one_of_its_tabs_watches() -> None:
    async with processes() as (writer, reader):
        view = writer.feed.open(1, HERE)
        follower = reader.feed.follow(HERE)
        reader.relay.join(stored_view(1, HERE, "", ""))
        reader.feed.unfollow(follower)
        write(writer, view, "nobody listens")
        await until(lambda: not reader.relay._mirrors)
        assert not reader.feed.views


async def test_the_end_of_a_reply_is_shown_by_every_process(ask: Ask) -> None:
    turn = await sync_to_async(ask)()
    async with processes() as (writer, reader):
        view = writer.feed.open(turn.reply.pk, turn.conversation.pk)
        follower = reader.feed.follow(turn.conversation.pk)
        reader.relay.join(stored_view(turn.reply.pk, turn.conversation.pk, "", ""))
        write(writer, view, "Well")
        await settle(turn.reply.pk, turn.reply.call_id)
        writer.relay.announce(settled(turn.conversation.pk, turn.reply.pk), "")
        await until(lambda: 'data-state="done"' in "".join(follower.pending))
        assert not reader.relay._mirrors


async def settle(pk: int, call_id: int | None) -> None:
    await sync_to_async(settle_reply)(
        pk=pk,
        call_id=call_id,
        draft=Draft(["Well"]),
        state=State.DONE,
        timing=Timing(None, 1),
    )


async def test_an_end_that_was_not_heard_of_is_found_by_the_sweep(ask: Ask) -> None:
    turn = await sync_to_async(ask)()
    async with processes() as (_, reader):
        follower = reader.feed.follow(turn.conversation.pk)
        reader.relay.join(stored_view(turn.reply.pk, turn.conversation.pk, "", ""))
        await settle(turn.reply.pk, turn.reply.call_id)
        await reader.relay.sweep()
        assert 'data-state="done"' in "".join(follower.pending)


async def test_a_turn_begun_elsewhere_is_placed_before_its_first_word(ask: Ask) -> None:
    turn = await sync_to_async(ask)()
    async with processes() as (writer, reader):
        follower = reader.feed.follow(turn.conversation.pk)
        view = writer.feed.open(turn.reply.pk, turn.conversation.pk)
        change = Change("turn", turn.conversation.pk, turn.reply.pk, 0)
        writer.relay.announce(change, "")
        write(writer, view, "It scatters.")
        await until(lambda: "scatters" in "".join(follower.pending))
        shown = "".join(follower.pending)
        assert shown.index(f'id="m{turn.reply.pk}"') < shown.index("scatters")


async def test_a_turn_heard_of_late_takes_no_word_from_a_tab(ask: Ask) -> None:
    """One tab knows the turn already, by its page; the other is told of it when it has grown."""
    turn = await sync_to_async(ask)()
    pk, conversation = turn.reply.pk, turn.conversation.pk
    async with processes() as (writer, reader):
        follower = reader.feed.follow(conversation)
        mirror = reader.relay.join(stored_view(pk, conversation, "", ""))
        follower.restart()
        write(writer, writer.feed.open(pk, conversation), "It scatters")
        await until(lambda: text_of(mirror) == "It scatters")
        writer.relay.announce(Change("turn", conversation, pk, 0), "")
        await until(lambda: follower.lost_track)


async def test_a_tab_that_joins_first_has_the_others_begin_anew() -> None:
    """They do not have the message yet: its text would go nowhere, and be missing later."""
    async with processes() as (_, reader):
        joining, other = reader.feed.follow(HERE), reader.feed.follow(HERE)
        reader.relay.join(stored_view(1, HERE, "", ""))
        joining.restart()  # as its snapshot does
        assert other.lost_track
        reader.relay.join(stored_view(1, HERE, "", ""))
        assert not joining.lost_track


async def test_the_stream_of_a_reply_that_has_ended_goes_soon() -> None:
    async with processes() as (writer, _), Redis.from_url(REDIS_URL) as redis:
        write(writer, writer.feed.open(1, HERE), "Well")
        key = writer.relay._key(1)
        async with asyncio.timeout(PATIENCE_S):
            while not await redis.exists(key):  # noqa: ASYNC110 - see `until`
                await asyncio.sleep(0.005)
            writer.relay.announce(settled(HERE, 1), "")
            while await redis.ttl(key) > LINGERS_S:  # noqa: ASYNC110
                await asyncio.sleep(0.005)


async def test_stop_reaches_the_process_that_writes() -> None:
    async with processes() as (writer, reader):
        reader.relay.ask_stop(owner="host:0:x", reply=7)
        async with asyncio.timeout(PATIENCE_S):
            assert await writer.stopped.get() == 7
        assert reader.stopped.empty()


async def test_stop_does_not_wait_for_changes_that_are_being_drawn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    drawing, drawn = asyncio.Event(), asyncio.Event()

    async def slow(self: RedisRelay, change: Change) -> None:
        drawing.set()
        await drawn.wait()

    monkeypatch.setattr(RedisRelay, "_show_change", slow)
    async with processes() as (one, other), asyncio.timeout(PATIENCE_S):
        other.feed.follow(HERE)
        one.relay.announce(settled(HERE, 1), "")
        await drawing.wait()
        one.relay.ask_stop(owner="host:1:x", reply=7)
        assert await other.stopped.get() == 7
        drawn.set()


async def test_without_redis_a_process_still_shows_what_it_writes() -> None:
    alone = Process("host:0:x", "test:", url="redis://127.0.0.1:1/0")
    await alone.relay.open()
    try:
        view = alone.feed.open(1, HERE)
        follower = alone.feed.follow(HERE)
        write(alone, view, "still here")
        await until(lambda: "still here" in strip_tags("".join(follower.pending)))
    finally:
        await alone.relay.close()
