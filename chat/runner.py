"""The replies that this process writes, and its duties towards them.

One runner per process, on the server's event loop. It keeps a strong reference to each task,
renews the leases of its replies, stores checkpoints once a second, and settles the replies of
processes that died. daphne knows no lifespan, so the runner opens itself with the first request.
"""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import socket
import time
from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from typing import Any, Protocol
from uuid import UUID

from django.conf import settings
from django.utils.module_loading import import_string

from billing.rollup import A_PAGE, catch_up
from billing.settlement import BillClient, settle_due
from chat import fragments
from chat.attachment_cleanup import clear_attachments
from chat.cascade import follow_up
from chat.database import in_database
from chat.errors import Restarting, TooBusy
from chat.feed import Feed, View, stored_view
from chat.models import Message, State
from chat.organise import purge_deleted
from chat.pace import pace
from chat.redis_relay import RedisRelay
from chat.relay import Change, LocalRelay, Relay, settled
from chat.replies import ChatClient, Writer
from chat.services import Job
from chat.settlement import (
    checkpoint,
    interrupt,
    note_stop,
    orphans,
    owners_of_running,
    renew_leases,
    reply_billed,
)
from chat.titles import entitle
from openrouter.results import KeyInfo

logger = logging.getLogger(__name__)

CHECKPOINT_S = 1.0  # what a kill -9 can take back at the most
HEARTBEAT_S = 5.0
REAP_S = 5.0
SWEEP_S = 5.0
LEAVE_S = 1.0  # for the tabs, after the last frame
TIDY_S = 60.0  # between two looks for what is deleted for good, and for what is to be added up
SETTLE_S = 1.0  # between two looks for bills that are due; most looks find none


def make_relay(feed: Feed, *, owner: str, stop: Callable[[int], None]) -> Relay:
    """Embedded, or scaled out: `REDIS_URL` alone decides."""
    if settings.REDIS_URL:
        return RedisRelay(feed, url=settings.REDIS_URL, owner=owner, stop=stop)
    return LocalRelay(feed)


class Upstream(ChatClient, BillClient, Protocol):
    """What a runner asks: answers, and their bills. And how busy it is, and whether it is there."""

    waiting: int

    @property
    def connections(self) -> int: ...

    async def key(self) -> KeyInfo: ...


class Runner:
    """Starts, stops and watches over the replies of this process."""

    def __init__(self) -> None:
        self.owner = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
        self.feed = Feed()
        self.relay = make_relay(self.feed, owner=self.owner, stop=self._stop)
        self.writers: dict[int, Writer] = {}
        self.is_draining = False
        self._duties: set[asyncio.Task[None]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._opening: asyncio.Lock | None = None
        self._client: Upstream | None = None

    # --- Opening and closing: on the event loop ---

    async def open(self) -> None:
        """Settle what a former life left behind, then keep watch. Does nothing the second time."""
        loop = asyncio.get_running_loop()
        if self._loop is loop or self.is_draining:
            return
        self._opening = self._opening or asyncio.Lock()
        async with self._opening:
            if self._loop is loop:
                return
            in_database.open()
            await self._reap(at_start=True)  # first: it may fail, and is then tried again
            self._client = import_string(settings.OPENROUTER_CLIENT)()
            await self.relay.open()
            self._watch(self._renew, every_s=HEARTBEAT_S)
            self._watch(self.relay.sweep, every_s=SWEEP_S)
            self._watch(self._checkpoint, every_s=CHECKPOINT_S)
            self._watch(self._reap, every_s=REAP_S)
            self._watch(self._settle_bills, every_s=SETTLE_S)
            self._watch(self._tidy, every_s=TIDY_S)
            self._duties.add(self._spawn(pace.keep(), "pace"))
            self._loop = loop

    async def drain(self) -> None:
        """Take nothing new, let what runs come to its end for a while, then close.

        Tabs are sent to another process (or to the next life of this one) as soon as nothing of
        theirs is written here.
        """
        self.is_draining = True
        deadline_s = time.monotonic() + settings.DRAIN_S
        while tasks := [writer.task for writer in self.writers.values() if writer.task]:
            self.feed.dismiss(but={writer.job.conversation for writer in self.writers.values()})
            left_s = deadline_s - time.monotonic()
            if left_s <= 0:
                break
            await asyncio.wait(tasks, timeout=left_s, return_when=asyncio.FIRST_COMPLETED)
        await self.close()
        self.feed.dismiss()
        await self.feed.deserted(within_s=LEAVE_S)

    async def close(self) -> None:
        """Interrupt what is being written, and keep its text."""
        for duty in self._duties:
            duty.cancel()
        tasks = [writer.task for writer in self.writers.values() if writer.task]
        for writer in self.writers.values():
            writer.end(State.INTERRUPTED)
        await asyncio.gather(*tasks, *self._duties, return_exceptions=True)
        await self.relay.close()
        if close := getattr(self._client, "aclose", None):
            await close()
        self._loop = self._client = None

    @property
    def client(self) -> Upstream | None:
        """The upstream while the runner is open."""
        return self._client if self._loop else None

    def writes_in(self, conversation: UUID) -> bool:
        return any(writer.job.conversation == conversation for writer in self.writers.values())

    # --- Commands: from any thread ---

    def require_room(self) -> None:
        if self.is_draining:
            raise Restarting
        if len(self.writers) >= settings.MAX_STREAMS:
            raise TooBusy

    def start(self, job: Job, change: Change, frame: str) -> None:
        """Begin to write a reply; `frame` shows the change to the tabs of this process."""
        begun = stored_view(job.reply, job.conversation, job.prefix, "") if job.prefix else None
        self._call(self._start, job, change, frame, begun)

    def announce(self, change: Change) -> None:
        """Show a change that no reply begins with, on every tab."""
        self._call(self.relay.announce, change, "")

    def stop(self, reply: Message) -> None:
        """Stop a reply at once and keep what came, whichever process writes it."""
        if reply.owner == self.owner:
            self._call(self._stop, reply.pk)
        else:
            note_stop(reply.pk)
            self._call(partial(self.relay.ask_stop, owner=reply.owner, reply=reply.pk))

    def _call(self, function: Callable[..., None], *args: Any) -> None:
        if self._loop is None:
            raise RuntimeError("the runner is not open")
        self._loop.call_soon_threadsafe(function, *args)

    def _start(self, job: Job, change: Change, frame: str, begun: View | None) -> None:
        assert self._client is not None  # noqa: S101 (open() has set it, or _call had refused)
        if begun:
            self.feed.views[job.reply] = begun
        writer = self.writers[job.reply] = Writer(job, self._client, self.relay)
        self.relay.announce(change, frame)
        writer.task = self._spawn(writer.write(), f"reply {job.reply}")
        writer.task.add_done_callback(lambda _: self._ended(job))

    def _ended(self, job: Job) -> None:
        self.writers.pop(job.reply, None)
        is_wanted = settings.CASCADE or settings.TITLES == "model"
        if is_wanted and self._client and not self.is_draining:
            task = self._spawn(self._after(job), f"after reply {job.reply}")
            self._duties.add(task)
            task.add_done_callback(self._duties.discard)

    async def _after(self, job: Job) -> None:
        """A second answer where the first failed a check; the name when there is none to come."""
        if settings.CASCADE and await self._follow_up(job.reply):
            return
        if settings.TITLES == "model" and self._client:
            await entitle(job.conversation, self._client, self.relay)

    async def _follow_up(self, reply: int) -> bool:
        """Whether a second answer is being written now."""
        if len(self.writers) >= settings.MAX_STREAMS:
            return False
        turn = await in_database(follow_up, reply, owner=self.owner)
        if turn is None:
            return False
        change = Change(turn.kind, turn.conversation.pk, turn.reply.pk, turn.after)
        if turn.job is None:
            self.relay.announce(change, "")
            return False
        self._start(turn.job, change, "", None)
        return True

    def _stop(self, reply: int) -> None:
        if writer := self.writers.get(reply):
            writer.end(State.STOPPED)

    # --- Duties ---

    def _spawn(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        """A task whose failure is heard of; whoever calls keeps the reference."""
        task = asyncio.create_task(work, name=name)
        task.add_done_callback(_log_failure)
        return task

    def _watch(self, duty: Callable[[], Awaitable[None]], *, every_s: float) -> None:
        async def keep() -> None:
            while True:
                await asyncio.sleep(every_s)
                try:
                    await duty()
                except Exception:
                    logger.exception("%s failed; it is tried again in %s s", duty.__name__, every_s)

        self._duties.add(self._spawn(keep(), duty.__name__))

    async def _renew(self) -> None:
        if self.writers:
            for reply in await in_database(renew_leases, self.owner, list(self.writers)):
                self._stop(reply)

    async def _checkpoint(self) -> None:
        writers = list(self.writers.values())
        if rows := [row for writer in writers for row in writer.new_chunks()]:
            await in_database(checkpoint, rows)
            for writer in writers:
                writer.chunks_stored()

    async def _reap(self, *, at_start: bool = False) -> None:
        """Settle replies whose writer died, and show them as interrupted."""
        dead = self._dead(await in_database(owners_of_running)) if at_start else []
        for reply in await in_database(orphans, dead_owners=dead):
            try:
                await self._take_over(reply)
            except Exception:  # one that cannot be settled must not keep the others waiting
                logger.exception("Reply %d could not be settled; it is tried again", reply.pk)

    async def _take_over(self, orphan: Message) -> None:
        if reply := await in_database(interrupt, orphan):
            logger.warning("Reply %d was interrupted: its writer died", reply.pk)
            frame = await in_database(fragments.settled, reply)
            self.relay.announce(settled(reply.conversation_id, reply.pk), frame)
            if settings.CASCADE:
                await self._follow_up(reply.pk)

    async def _tidy(self) -> None:
        await in_database(purge_deleted)
        await in_database(clear_attachments)
        await in_database(catch_up, A_PAGE)  # so that the pages about usage find it done

    async def _settle_bills(self) -> None:
        """Ask for the bills of calls that ended without a figure, and show what they cost."""
        assert self._client is not None  # noqa: S101 (open() has set it)
        report = await settle_due(self._client, in_database)
        for entry in [*report.settled, *report.estimated]:
            if reply := await in_database(reply_billed, entry):
                frame = await in_database(fragments.settled, reply)
                self.relay.announce(settled(reply.conversation_id, reply.pk), frame)

    def _dead(self, owners: list[str]) -> list[str]:
        """Owners on this machine whose process is gone: their leases need not be waited for."""
        return [owner for owner in owners if owner and not self._may_live(owner)]

    def _may_live(self, owner: str) -> bool:
        host, pid, _ = owner.rsplit(":", 2)
        if host != socket.gethostname():
            return True
        return int(pid) != os.getpid() and _process_exists(int(pid))


def _process_exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _log_failure(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()):
        logger.error("Task %s failed", task.get_name(), exc_info=error)


runner = Runner()
