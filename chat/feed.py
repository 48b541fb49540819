"""The append-only view of a growing reply, and those who follow it.

All of it lives on one event loop, so a synchronous block is atomic. A follower is registered and
given its snapshot in one such block; whatever is published afterwards waits in its own list
until its socket takes "all since the last frame" at once. A slow tab only makes its list longer;
past a bound it is dropped for a new snapshot.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Collection
from contextlib import suppress
from dataclasses import dataclass, field
from uuid import UUID

from chat import fragments
from chat.markdown import Drawing
from chat.metrics import metrics
from chat.models import Part

PENDING_CHARS = 1_000_000  # of one follower; beyond it a snapshot is cheaper


@dataclass(frozen=True, slots=True)
class Piece:
    """Text that a reply gained: which part of it, and where it begins, in code points."""

    part: Part
    offset: int
    text: str


class View:
    """One growing reply as a browser sees it: drawn once, however many follow.

    Text is appended, then taken (for a log that makes it durable), then drawn.
    """

    def __init__(self, pk: int, conversation: UUID) -> None:
        self.pk = pk
        self.conversation = conversation
        self._drawing = Drawing(fragments.tail(pk))
        self._reasoning: list[str] = []  # as drawn
        self._new: dict[Part, list[str]] = {part: [] for part in Part}
        self._taken: dict[Part, list[str]] = {part: [] for part in Part}
        self._length = dict.fromkeys(Part, 0)  # of all that came
        self._came_s = self._taken_s = 0.0  # when the oldest text came; 0: there is none
        self._has_ended = False

    def append(self, part: Part, text: str) -> None:
        self._new[part].append(text)
        self._length[part] += len(text)
        self._came_s = self._came_s or time.monotonic()

    def merge(self, piece: Piece) -> bool:
        """Append what is new of a piece that may overlap. False: something before it is missing."""
        known = self._length[piece.part] - piece.offset
        if known < 0:
            return False
        if new := piece.text[known:]:
            self.append(piece.part, new)
        return True

    def take(self) -> list[Piece]:
        """What came since the last call, in one piece a part; it is drawn with the next `draw`."""
        pieces = []
        for part, texts in self._new.items():
            if text := "".join(texts):
                pieces.append(Piece(part, self._length[part] - len(text), text))
                self._taken[part].append(text)
                texts.clear()
        self._taken_s, self._came_s = self._taken_s or self._came_s, 0.0
        return pieces

    def drawn_since_s(self) -> float:
        """When the oldest text of the frame just drawn came; 0 where it has no new text."""
        since_s, self._taken_s = self._taken_s, 0.0
        return since_s

    def draw(self, now_s: float) -> str:
        """Draw what was taken since the last call; return the frame that shows it.

        Called again when nothing came, it shows what had been held back as undecided markup.
        """
        if self._has_ended:
            return ""
        text, reasoning = (self._undrawn(part) for part in (Part.TEXT, Part.REASONING))
        self._reasoning.append(reasoning)
        stroke = self._drawing.feed(text, now_s)
        return fragments.delta(self.pk, stroke, reasoning)

    def end(self) -> fragments.Snapshot:
        """All that tabs were sent. Nothing is drawn from now on: they are sent the end, and what
        is not drawn yet (a log took it, and is late) is in that."""
        self._has_ended = True
        return self.snapshot()

    def _undrawn(self, part: Part) -> str:
        text = "".join(self._taken[part])
        self._taken[part].clear()
        return text

    @property
    def is_waiting(self) -> bool:
        """Whether drawing once more may show something, although nothing came."""
        return self._drawing.is_waiting

    def snapshot(self) -> fragments.Snapshot:
        """All that the frames drawn so far have shown."""
        closed_html, open_html = self._drawing.snapshot()
        return fragments.Snapshot(closed_html, open_html, "".join(self._reasoning))


def stored_view(pk: int, conversation: UUID, text: str, reasoning: str) -> View:
    """A view of what the checkpoints hold. Drawing it takes a while: not for the event loop."""
    view = View(pk, conversation)
    view.append(Part.TEXT, text)
    view.append(Part.REASONING, reasoning)
    view.take()
    view.draw(0)
    return view


@dataclass(eq=False)
class Follower:
    """One tab on one conversation: what it has not been sent yet."""

    conversation: UUID
    pending: list[str] = field(default_factory=list)
    pending_chars: int = 0
    since_s: float = 0.0  # when the oldest text of what is pending came; 0: not known
    lost_track: bool = False
    dismissed: bool = False  # this process serves it no longer
    wake: asyncio.Event = field(default_factory=asyncio.Event)

    def take(self, frame: str, since_s: float = 0.0) -> None:
        self.pending.append(frame)
        self.since_s = self.since_s or since_s
        self.pending_chars += len(frame)
        if self.pending_chars > PENDING_CHARS:
            self.lose_track()
        self.wake.set()

    def lose_track(self) -> None:
        """Drop what is pending; `frames` ends, and only a new snapshot helps."""
        self.restart()
        self.lost_track = True
        self.wake.set()

    def restart(self) -> None:
        """Forget what is pending: the snapshot about to be sent holds it."""
        self.pending, self.pending_chars, self.lost_track = [], 0, False
        self.since_s = 0.0
        self.wake.clear()

    async def frames(self) -> AsyncIterator[str]:
        """All since the last frame, in one piece; ends where only a snapshot can help."""
        while True:
            await self.wake.wait()
            if self.lost_track:
                return
            frame, since_s = "".join(self.pending), self.since_s
            self.restart()
            if frame:
                yield frame  # and go on once it is in the socket
            if since_s:
                metrics.frame_lag_s.add(time.monotonic() - since_s)
            if self.dismissed:
                return


@dataclass(eq=False)
class Topic:
    """A conversation that somebody watches. `version` counts the changes of its messages."""

    followers: set[Follower] = field(default_factory=set)
    version: int = 0


class Feed:
    """The views that this process writes, and the tabs that follow them."""

    def __init__(self) -> None:
        self.views: dict[int, View] = {}
        self._topics: dict[UUID, Topic] = {}
        self._left: asyncio.Event | None = None  # set when the last follower has left

    def open(self, pk: int, conversation: UUID) -> View:
        return self.views.setdefault(pk, View(pk, conversation))

    def close(self, pk: int) -> None:
        self.views.pop(pk, None)

    def follow(self, conversation: UUID) -> Follower:
        follower = Follower(conversation)
        self._topics.setdefault(conversation, Topic()).followers.add(follower)
        return follower

    def unfollow(self, follower: Follower) -> None:
        if topic := self._topics.get(follower.conversation):
            topic.followers.discard(follower)
            if not topic.followers:
                del self._topics[follower.conversation]
        if self._left and not self._topics:
            self._left.set()

    def version(self, conversation: UUID) -> int:
        """Changes with every turn begun, ended or retried while somebody follows."""
        topic = self._topics.get(conversation)
        return topic.version if topic else 0

    def show(self, view: View) -> None:
        """Draw what was taken of a view, and send it to all who follow."""
        frame, since_s = view.draw(time.monotonic()), view.drawn_since_s()
        if frame:
            self.publish_delta(view.conversation, frame, since_s)

    def publish_delta(self, conversation: UUID, frame: str, since_s: float = 0.0) -> None:
        """Text was added to a running reply; the oldest of it came at `since_s`."""
        for follower in self._followers(conversation):
            follower.take(frame, since_s)

    def publish_change(self, conversation: UUID, frame: str) -> None:
        """A message came, was settled or was replaced."""
        if topic := self._topics.get(conversation):
            topic.version += 1
        self.publish_delta(conversation, frame)

    def _followers(self, conversation: UUID) -> set[Follower]:
        topic = self._topics.get(conversation)
        return topic.followers if topic else set()

    def resync(self, conversation: UUID | None = None) -> None:
        """Something may have been missed: every follower (of a conversation) starts anew."""
        topics = [self._topics.get(conversation)] if conversation else self._topics.values()
        for topic in filter(None, topics):
            topic.version += 1
            for follower in topic.followers:
                follower.lose_track()

    def dismiss(self, *, but: Collection[UUID] = ()) -> None:
        """Send the tabs away, except those of the conversations in `but`."""
        for conversation, topic in self._topics.items():
            if conversation not in but:
                for follower in topic.followers:
                    follower.dismissed = True
                    follower.wake.set()

    async def deserted(self, *, within_s: float) -> None:
        """Wait until the last tab has left, which sends it its last frame; not for ever."""
        self._left = asyncio.Event()
        if self._topics:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._left.wait(), within_s)

    def is_followed(self, conversation: UUID) -> bool:
        return conversation in self._topics

    @property
    def followers_count(self) -> int:
        return sum(len(topic.followers) for topic in self._topics.values())
