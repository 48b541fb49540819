"""The task that writes one reply: streams it, shows it, settles it.

It belongs to the process, not to a socket or a request, so it outlives the tab that asked.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import ParamSpec, Protocol, TypeVar

from django.db import DatabaseError, InterfaceError

from billing.services import note_generation_id
from chat import fragments
from chat.database import in_database
from chat.drafts import Draft
from chat.metrics import metrics
from chat.models import Chunk, Message, Part, State
from chat.pace import pace
from chat.pictures import Album, NoPicture
from chat.relay import Change, Relay, settled
from chat.services import Job
from chat.settlement import Timing, ask_again, settle_reply
from chat.trace import reply_id
from openrouter.errors import OpenRouterError
from openrouter.events import Identified, ImageDelta, Retrying, StreamEvent, TextDelta
from openrouter.types import ChatRequest

logger = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

LOOK_AGAIN_S = 0.3  # after which text held back as undecided markup is shown as it is
ATTEMPTS = 12  # about 15 s: a database that restarts is waited for
LONGEST_REST_S = 2.0


class ChatClient(Protocol):
    def stream_chat(self, request: ChatRequest) -> AsyncGenerator[StreamEvent, None]: ...


class Writer:
    """Writes one reply to its end, and settles it once, whichever way it ends."""

    def __init__(self, job: Job, client: ChatClient, relay: Relay) -> None:
        self.job = job
        self.draft = Draft([job.prefix], given=1) if job.prefix else Draft()
        self._call = job.call  # the latest: a request that is made again is another call
        self.task: asyncio.Task[None] | None = None
        self._ending: State | None = None  # what a cancellation means, once one was asked for
        self._settling = False
        self._album = Album()
        self._client = client
        self._relay = relay
        self._view = relay.feed.open(job.reply, job.conversation)
        self._started_s = time.monotonic()
        self._first_token_s: float | None = None
        self._thinking_s: float | None = None  # when its reasoning began
        self._answering_s: float | None = None  # when its text did
        self._loop = asyncio.get_running_loop()
        self._flush_timer: asyncio.TimerHandle | None = None
        self._look_timer: asyncio.TimerHandle | None = None
        self._flushed_s = 0.0
        self._waiting = False  # something came that is not drawn yet
        self._noted: str | None = None
        self._checkpointed = dict.fromkeys(Part, (0, 0))  # pieces and characters
        self._offered: dict[Part, tuple[int, int]] = {}

    def end(self, state: State) -> None:
        """End it before its time. What is settling already, or ending, is left alone."""
        if self.task and self._ending is None and not self._settling:
            self._ending = state
            self.task.cancel()

    async def write(self) -> None:
        reply_id.set(self.job.reply)
        state = State.FAILED
        try:
            await self._stream()
            state = State.FAILED if self.draft.failure else State.DONE
        except asyncio.CancelledError:
            state = self._ending or State.INTERRUPTED
        except OpenRouterError as error:
            fault = type(error).__name__  # its text may quote the prompt: not for the log
            logger.warning("Reply %d failed upstream: %s %s", self.job.reply, fault, error.status)
            self.draft.failure = error
        except Exception:
            logger.exception("Reply %d failed by a fault of ours", self.job.reply)
            self.draft.failure = OpenRouterError(may_have_cost=True)
        finally:
            await self._end(state)

    async def _stream(self) -> None:
        async with aclosing(self._client.stream_chat(self.job.request)) as events:
            async for event in events:
                if isinstance(event, Retrying):
                    await self._ask_again(event)
                text, reasoning = self.draft.apply(event)
                if text or reasoning:
                    self._show(text, reasoning)
                elif isinstance(event, Identified) and event.generation_id:
                    await self._note(event.generation_id)
                elif isinstance(event, ImageDelta):
                    await self._keep_picture(event.url)

    async def _ask_again(self, event: Retrying) -> None:
        """The client makes the request once more: a call of its own, if the first may cost.

        A stop waits for it: a call that is begun and that nobody knows of would never be ended.
        """
        work = _stored(
            ask_again, job=self.job, call=self._call, draft=self.draft, error=event.error
        )
        asking = asyncio.create_task(work)
        try:
            self._call = await asyncio.shield(asking)
        except asyncio.CancelledError:
            await asyncio.wait([asking])
            if asking.exception() is None:
                self._call = asking.result()
                self.draft.apply(event)
            raise

    async def _note(self, generation_id: str) -> None:
        """Store the id before a word is shown: a crash then leaves a call that can be settled."""
        if self._noted != generation_id:
            self._noted = generation_id
            await _stored(note_generation_id, call_id=self._call, generation_id=generation_id)

    async def _keep_picture(self, url: str) -> None:
        """Store a picture of the answer, and show it on every tab; or say why there is none."""
        try:
            is_new = await _stored(self._album.keep, self.job.reply, url)
        except NoPicture as refused:
            text, _ = self.draft.apply(TextDelta(f"\n\n{refused.instead}\n\n"))
            self._show(text, "")
            return
        except OSError:  # no space is left, say: the rest of the answer is worth having
            logger.exception("A picture of reply %d could not be stored", self.job.reply)
            text, _ = self.draft.apply(TextDelta("\n\n[A picture could not be stored.]\n\n"))
            self._show(text, "")
            return
        if is_new:
            change = Change("drawn", self.job.conversation, self.job.reply)
            self._relay.announce(change, await in_database(change.draw))

    def _show(self, text: str, reasoning: str) -> None:
        """Put it into the view; draw at once if the last frame is old enough, else at its time."""
        now_s = time.monotonic()
        if self._first_token_s is None:
            self._first_token_s = now_s
            metrics.first_token_s.add(now_s - self._started_s)
        metrics.text_chars += len(text) + len(reasoning)
        if text:
            self._answering_s = self._answering_s or now_s
            self._view.append(Part.TEXT, text)
        if reasoning:
            self._thinking_s = self._thinking_s or now_s
            self._view.append(Part.REASONING, reasoning)
        if not self._waiting:
            self._waiting = True
            wait_s = self._flushed_s + pace.frame_s - now_s
            if wait_s > 0:
                self._flush_timer = self._loop.call_later(wait_s, self._flush)
            else:
                self._flush()

    def _flush(self) -> None:
        """Have what came shown; look once more a little later if nothing comes."""
        self._waiting = False
        self._flushed_s = time.monotonic()
        self._relay.flush(self._view)
        if not (self._look_timer or self._settling):
            self._look_timer = self._loop.call_later(LOOK_AGAIN_S, self._look)

    def _look(self) -> None:
        """Show what is held back once nothing has come for a while.

        One timer looks, however often text comes meanwhile: a timer for each frame would cost
        more than its drawing.
        """
        self._look_timer = None
        left_s = self._flushed_s + LOOK_AGAIN_S - time.monotonic()
        if left_s > 0:
            self._look_timer = self._loop.call_later(left_s, self._look)
        elif self._view.is_waiting:
            self._flush()

    def new_chunks(self) -> list[Chunk]:
        """What came since the chunks that are known to be stored, as rows to store."""
        rows = []
        for part, pieces in ((Part.TEXT, self.draft.text), (Part.REASONING, self.draft.reasoning)):
            count, offset = self._checkpointed[part]
            if text := "".join(pieces[count:]):
                rows.append(Chunk(message_id=self.job.reply, part=part, offset=offset, text=text))
                self._offered[part] = (len(pieces), offset + len(text))
        return rows

    def chunks_stored(self) -> None:
        """What `new_chunks` gave last is in the database."""
        self._checkpointed |= self._offered

    async def _end(self, state: State) -> None:
        """Settle, then show the settled message in place of the growing one."""
        self._settling = True
        usage = self.draft.usage
        metrics.reply_ended(state, usage.completion_tokens if usage else None)
        for timer in filter(None, (self._flush_timer, self._look_timer)):
            timer.cancel()
        if self._waiting:  # to settle takes longer than to show what came last
            self._flush()
        try:
            if ended := await self._settle(state):
                self._show_end(ended)
        finally:
            self._relay.feed.close(self.job.reply)

    def _show_end(self, ended: fragments.Ended) -> None:
        """In one block: what the tabs show is what the frame goes on from."""
        frame = ended.frame(self._view.end())
        self._relay.announce(settled(self.job.conversation, self.job.reply), frame)
        if not frame:
            self._relay.feed.resync(self.job.conversation)

    async def _settle(self, state: State) -> fragments.Ended | None:
        now_s = time.monotonic()
        timing = Timing(
            self._ms_until(self._first_token_s), self._ms_until(now_s) or 0, self._thought_ms(now_s)
        )
        shown = self._view.snapshot()
        try:
            return await _stored(self._settle_and_draw, state, timing, shown)
        except Exception:  # its lease runs out, and the reaper takes it from the checkpoints
            logger.exception("Reply %d could not be settled", self.job.reply)
            return None

    def _thought_ms(self, now_s: float) -> int | None:
        if self._thinking_s is None:
            return None
        return max(0, round(((self._answering_s or now_s) - self._thinking_s) * 1000))

    def _ms_until(self, moment_s: float | None) -> int | None:
        return None if moment_s is None else round((moment_s - self._started_s) * 1000)

    def _settle_and_draw(
        self, state: State, timing: Timing, shown: fragments.Snapshot
    ) -> fragments.Ended | None:
        """The frame is drawn of a reply that has ended already, too: a commit may succeed and its
        answer be lost."""
        pk = self.job.reply
        reply = settle_reply(
            pk=pk,
            call_id=self._call,
            draft=self.draft,
            state=state,
            timing=timing,
        )
        reply = reply or Message.objects.with_books().filter(pk=pk).first()
        return fragments.Ended(reply, shown) if reply else None


async def _stored(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run what must not be lost, in the database; one that restarts is waited for.

    For functions that may be repeated. Raises what the last attempt met.
    """
    for attempt in range(ATTEMPTS - 1):
        try:
            return await in_database(function, *args, **kwargs)
        except (DatabaseError, InterfaceError) as error:
            logger.warning("Not stored, attempt %d: %s", attempt + 1, type(error).__name__)
            await asyncio.sleep(min(2**attempt / 10, LONGEST_REST_S))
    return await in_database(function, *args, **kwargs)
