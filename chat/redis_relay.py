"""The scaled-out mode: a reply's text goes through a Redis Stream, changes through a channel.

A process writes the text of its own replies in one batch a tick (durable first, then drawn), and
reads only the replies of others that one of its tabs watches, in one XREAD loop. Each entry says
where its text begins, so overlap is cut off and a gap is seen; a gap is filled from the
checkpoints in the database, which is also what remains when Redis is away. Redis keeps nothing
that cannot be lost: streams are trimmed and expire.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeAlias
from uuid import UUID

import msgspec
from redis.asyncio import Redis
from redis.exceptions import RedisError

from chat.database import in_database
from chat.feed import Feed, Piece, View
from chat.models import Message, Part
from chat.relay import Change, settled
from chat.settlement import checkpointed

logger = logging.getLogger(__name__)

TICK_S = 0.03  # between two batches of writes
READ_GAP_S = 0.015  # between two reads, so that one read serves many entries
READ_S = 5.0  # the longest wait of one read
REST_S = 0.3  # between two looks at the checkpoints of a reply with a gap
RETRY_S = 1.0  # after Redis failed
CANCEL_S = 0.2  # after which a task that goes on is cancelled again
KEPT_NOTICES = 1000  # while Redis is away
KEPT_ENTRIES = 2000  # of one stream, about: a minute of the fastest model
EXPIRES_S = 3600  # of a stream without a writer
LINGERS_S = 30  # of the stream of a reply that has ended: its last readers are done by then
WRITE_TIMEOUT_S = 2.0
UNREACHABLE = (RedisError, OSError, asyncio.TimeoutError)


Entry: TypeAlias = dict[Any, Any]  # p: the part, o: offset, t: text (redis-py wants no less)


class Notice(msgspec.Struct, frozen=True, omit_defaults=True):
    """What processes tell each other: a change for all, or a stop for the owner of a reply."""

    sender: str
    change: Change | None = None
    stop: int | None = None


@dataclass(slots=True)
class Mirror:
    """A reply that another process writes and a tab of this one watches."""

    view: View
    position: str = "0-0"  # the last entry of its stream that was read
    has_gap: bool = False  # that entry begins behind the end of what is known
    rests_until_s: float = 0.0  # a gap that the checkpoints do not fill yet


class RedisRelay:
    """`owner`: the name of this process. `stop`: ends a reply that this process writes."""

    def __init__(
        self, feed: Feed, *, url: str, owner: str, stop: Callable[[int], None], prefix: str = "sb:"
    ) -> None:
        self.feed = feed
        self._url, self._owner, self._stop, self._prefix = url, owner, stop, prefix
        self._dirty: dict[int, View] = {}
        self._outbox: list[tuple[str, bytes]] = []
        self._ended: set[int] = set()
        self._has_work = asyncio.Event()
        self._mirrors: dict[int, Mirror] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._showing: dict[UUID, asyncio.Task[None]] = {}  # the last change of each conversation
        self._encoder, self._decoder = msgspec.json.Encoder(), msgspec.json.Decoder(Notice)
        self.is_connected = False

    # --- Life ---

    async def open(self) -> None:
        self._writer = Redis.from_url(
            self._url, socket_timeout=WRITE_TIMEOUT_S, decode_responses=True
        )
        self._reader = Redis.from_url(self._url, socket_timeout=None, decode_responses=True)
        heard = asyncio.Event()
        self._tasks = [
            asyncio.create_task(_keep(self._write), name="redis writer"),
            asyncio.create_task(_keep(self._read), name="redis reader"),
            asyncio.create_task(_keep(lambda: self._listen(heard)), name="redis listener"),
        ]
        try:
            await asyncio.wait_for(heard.wait(), timeout=WRITE_TIMEOUT_S)
        except TimeoutError:
            logger.warning("Redis does not answer; replies are shown from their checkpoints")

    async def close(self) -> None:
        left = set(self._tasks)
        while left:  # again: wait_for of Python 3.11, in redis-py, may swallow a cancellation
            for task in left:
                task.cancel()
            _, left = await asyncio.wait(left, timeout=CANCEL_S)
        with suppress(*UNREACHABLE):  # the ends of the last replies, which others wait for
            await self._write_batch([], self._outbox)
        await self._writer.aclose()
        await self._reader.aclose()

    async def ping(self) -> None:
        await self._writer.ping()

    def _key(self, reply: int) -> str:
        return f"{self._prefix}reply:{reply}"

    @property
    def _wake_key(self) -> str:
        return f"{self._prefix}wake:{self._owner}"

    def _channel(self, owner: str = "") -> str:
        return f"{self._prefix}process:{owner}" if owner else f"{self._prefix}changes"

    # --- Writing: text in one batch a tick, durable first, then drawn ---

    def flush(self, view: View) -> None:
        self._mirrors.pop(view.pk, None)  # joined before its writer began: it is ours
        self._dirty[view.pk] = view
        self._has_work.set()

    def announce(self, change: Change, frame: str) -> None:
        if change.kind == "settled":
            self._dirty.pop(change.reply, None)  # the settled message shows all of it
            self._ended.add(change.reply)
        else:
            self._mirrors.pop(change.reply, None)  # joined before its writer began: it is ours
        if change.kind == "branch":
            self.feed.resync(change.conversation)
        else:
            self.feed.publish_change(change.conversation, frame)
        self._post(self._channel(), Notice(self._owner, change=change))

    def ask_stop(self, *, owner: str, reply: int) -> None:
        self._post(self._channel(owner), Notice(self._owner, stop=reply))

    def _post(self, channel: str, notice: Notice) -> None:
        self._outbox.append((channel, self._encoder.encode(notice)))
        self._has_work.set()

    async def _write(self) -> None:
        while True:
            await self._has_work.wait()
            self._has_work.clear()
            views, self._dirty = list(self._dirty.values()), {}
            notices, self._outbox = self._outbox, []
            try:
                await self._write_batch([(view, view.take()) for view in views], notices)
            except UNREACHABLE:
                self._outbox = [*notices, *self._outbox][:KEPT_NOTICES]
                self._has_work.set()
                raise
            finally:  # what was taken is shown, even where Redis did not take it
                for view in views:
                    self.feed.show(view)
            await asyncio.sleep(TICK_S)

    async def _write_batch(
        self, batch: list[tuple[View, list[Piece]]], notices: list[tuple[str, bytes]]
    ) -> None:
        async with self._writer.pipeline(transaction=False) as pipe:
            for view, pieces in batch:
                for piece in pieces:
                    key = self._key(view.pk)
                    entry: Entry = {"p": piece.part.value, "o": piece.offset, "t": piece.text}
                    pipe.xadd(key, entry, maxlen=KEPT_ENTRIES, approximate=True)
                    pipe.expire(key, EXPIRES_S)
            for channel, notice in notices:
                pipe.publish(channel, notice)
            for reply in (ended := set(self._ended)):
                pipe.expire(self._key(reply), LINGERS_S)
            await pipe.execute()
        self._ended -= ended

    # --- Reading: one loop over all mirrored replies ---

    def join(self, stored: View) -> View:
        view = self.feed.views.get(stored.pk)
        if view is None:
            # Its beginning was not heard of yet: the other tabs would be sent text of a message
            # that they do not have, and a command's answer could then show it without that text.
            self.feed.resync(stored.conversation)
            view = self._mirror(stored)
        return view

    def _mirror(self, view: View) -> View:
        self.feed.views[view.pk] = view
        self._mirrors[view.pk] = Mirror(view)
        self._spawn(self._wake_reader())
        return view

    def _unmirror(self, reply: int) -> None:
        if self._mirrors.pop(reply, None):
            self.feed.close(reply)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.append(task)
        task.add_done_callback(self._tasks.remove)
        return task

    async def _wake_reader(self) -> None:
        """Break the reader's wait: there is one more stream to read."""
        try:
            await self._writer.xadd(self._wake_key, {"w": 1}, maxlen=1)
            await self._writer.expire(self._wake_key, EXPIRES_S)
        except UNREACHABLE:
            logger.debug("The reader could not be woken; it looks by itself")

    async def _read(self) -> None:
        woken = "0-0"
        while True:
            now_s = time.monotonic()
            awake = [m for m in self._mirrors.values() if m.rests_until_s <= now_s]
            positions: dict[Any, Any] = {self._wake_key: woken}
            positions |= {self._key(mirror.view.pk): mirror.position for mirror in awake}
            wait_s = READ_S if len(awake) == len(self._mirrors) else REST_S
            try:
                answer: Any = await self._reader.xread(positions, block=int(wait_s * 1000))
            except UNREACHABLE:
                await self._catch_up(list(self._mirrors.values()))
                raise
            for key, entries in answer or []:
                if key == self._wake_key:
                    woken = entries[-1][0]
                elif mirror := self._mirrors.get(int(key.rpartition(":")[2])):
                    self._apply(mirror, entries)
            self._drop_unwatched()
            await self._catch_up([m for m in self._mirrors.values() if m.has_gap])
            await asyncio.sleep(READ_GAP_S)

    def _apply(self, mirror: Mirror, entries: list[tuple[str, dict[str, str]]]) -> None:
        for position, entry in entries:
            piece = Piece(Part(entry["p"]), int(entry["o"]), entry["t"])
            if not mirror.view.merge(piece):
                mirror.has_gap = True
                break
            mirror.position = position
        mirror.view.take()
        self.feed.show(mirror.view)

    def _drop_unwatched(self) -> None:
        for mirror in list(self._mirrors.values()):
            if not self.feed.is_followed(mirror.view.conversation):
                self._unmirror(mirror.view.pk)

    async def _catch_up(self, mirrors: Sequence[Mirror]) -> None:
        """Fill gaps from the checkpoints; the entry behind the gap is read again after a rest."""
        for mirror in mirrors:
            text, reasoning = await in_database(checkpointed, mirror.view.pk)
            mirror.view.merge(Piece(Part.TEXT, 0, text))
            mirror.view.merge(Piece(Part.REASONING, 0, reasoning))
            mirror.view.take()
            self.feed.show(mirror.view)
            mirror.has_gap = False
            mirror.rests_until_s = time.monotonic() + REST_S

    # --- Hearing: changes of conversations, and stops ---

    async def _listen(self, heard: asyncio.Event) -> None:
        """Hear what others tell. Whatever was told while nobody listened, a new snapshot shows."""
        try:
            async with self._reader.pubsub() as channels:
                await channels.subscribe(self._channel(), self._channel(self._owner))
                async for message in channels.listen():
                    if message["type"] == "subscribe":
                        self.is_connected = True
                        if heard.is_set():
                            self.feed.resync()
                        heard.set()
                    elif message["type"] == "message":
                        self._hear(self._decoder.decode(message["data"]))
        finally:
            self.is_connected = False

    def _hear(self, notice: Notice) -> None:
        """A stop waits for nothing; a change waits for those of its own conversation before it."""
        if notice.stop is not None:
            self._stop(notice.stop)
        change = notice.change
        if change and notice.sender != self._owner and self.feed.is_followed(change.conversation):
            place = change.conversation
            task = self._spawn(self._show_in_turn(change, self._showing.get(place)))
            self._showing[place] = task
            task.add_done_callback(lambda _: self._shown(place, task))

    def _shown(self, conversation: UUID, task: asyncio.Task[None]) -> None:
        if self._showing.get(conversation) is task:
            del self._showing[conversation]

    async def _show_in_turn(self, change: Change, before: asyncio.Task[None] | None) -> None:
        if before:
            await asyncio.wait([before])
        try:
            await self._show_change(change)
        except Exception:  # a database that restarts: a new snapshot shows it, once it is there
            logger.exception("A change of reply %d could not be shown", change.reply)
            self.feed.resync(change.conversation)

    async def _show_change(self, change: Change) -> None:
        if change.kind == "branch":
            self.feed.resync(change.conversation)
            return
        frame = await in_database(change.draw)
        if change.kind in ("titled", "drawn"):  # no reply begins or ends with it
            self.feed.publish_change(change.conversation, frame)
            return
        begun = change.kind != "settled"
        if begun and change.reply in self.feed.views:
            # A tab came before this was heard, and its reply has grown: the frame begins it anew.
            self.feed.resync(change.conversation)
            return
        if frame:
            self.feed.publish_change(change.conversation, frame)
        if begun:
            self._mirror(View(change.reply, change.conversation))
        else:
            self._unmirror(change.reply)

    async def sweep(self) -> None:
        """Show the end of replies whose end was not heard of."""
        for pk, conversation in await in_database(_ended, list(self._mirrors)):
            await self._show_change(settled(conversation, pk))


def _ended(replies: list[int]) -> list[tuple[int, UUID]]:
    ended = Message.objects.filter(pk__in=replies).exclude(pk__in=Message.objects.running())
    return list(ended.values_list("pk", "conversation_id"))


async def _keep(work: Callable[[], Awaitable[None]]) -> None:
    """Begin again whenever Redis fails. Anything else is a fault of ours, and loud."""
    while True:
        try:
            await work()
        except UNREACHABLE as error:
            logger.warning("Redis: %s; trying again in %s s", error, RETRY_S)
        except Exception:
            logger.exception("The relay failed; trying again in %s s", RETRY_S)
        await asyncio.sleep(RETRY_S)
