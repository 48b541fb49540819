"""The seam between the process that writes a reply and those whose tabs watch it.

`LocalRelay` is the embedded mode: writer and tabs share one process, and showing is all there is
to do. `redis_relay.RedisRelay` is the scaled-out mode. Which one it is, only the runner knows.
"""

from __future__ import annotations

from typing import Literal, Protocol
from uuid import UUID

import msgspec

from chat import fragments
from chat.feed import Feed, View
from chat.models import Conversation, Message


class Change(msgspec.Struct, frozen=True):
    """A message came, was settled or was replaced: what other processes must be told.

    `after`: for a turn, the message before it (0: none); for a retry, the reply it replaces.
    A branch (another is on show now) has no frame: every tab is given a new snapshot. Drawn: a
    running reply has another picture.
    """

    kind: Literal["turn", "retry", "branch", "settled", "titled", "drawn"]
    conversation: UUID
    reply: int = 0
    after: int = 0

    def draw(self) -> str:
        """The frame that shows it, from the database; empty where the message is gone."""
        if self.kind == "branch":
            return ""
        if self.kind == "titled":
            return fragments.titled(Conversation.objects.filter(pk=self.conversation).first())
        reply = Message.objects.with_books().filter(pk=self.reply).first()
        if reply is None:
            return ""
        if self.kind == "drawn":
            return fragments.drawn(reply)
        if self.kind == "settled":
            return "" if reply.is_running else fragments.settled(reply)
        if self.kind == "retry":
            return fragments.retried(reply, replaces=self.after)
        question = [reply.parent] if reply.parent else []
        return fragments.turn([*question, reply], after=self.after)


def settled(conversation: UUID, reply: int) -> Change:
    return Change("settled", conversation, reply)


class Relay(Protocol):
    """What a writer, a tab and a command need of each other, wherever each of them is."""

    feed: Feed

    async def open(self) -> None:
        """Begin to work, on the running event loop."""

    async def close(self) -> None: ...

    async def ping(self) -> None:
        """Raises where what the relay rests on does not answer."""

    def flush(self, view: View) -> None:
        """Text was appended to a view that this process writes: have it shown everywhere."""

    def announce(self, change: Change, frame: str) -> None:
        """Show a change: `frame` to the tabs of this process, the change to all others."""

    def join(self, stored: View) -> View:
        """The view to snapshot for a running reply, of which `stored` is what is stored.

        From now on its followers here are sent all that is appended after the snapshot.
        """

    def ask_stop(self, *, owner: str, reply: int) -> None:
        """Ask the process that writes a reply to stop it."""

    async def sweep(self) -> None:
        """Put right what a lost message may have left wrong."""


class LocalRelay:
    """One process: what is written here is watched here."""

    def __init__(self, feed: Feed) -> None:
        self.feed = feed

    async def open(self) -> None: ...

    async def close(self) -> None: ...

    async def ping(self) -> None: ...

    def flush(self, view: View) -> None:
        view.take()
        self.feed.show(view)

    def announce(self, change: Change, frame: str) -> None:
        if change.kind == "branch":
            self.feed.resync(change.conversation)
        else:
            self.feed.publish_change(change.conversation, frame)

    def join(self, stored: View) -> View:
        return self.feed.views.get(stored.pk, stored)

    def ask_stop(self, *, owner: str, reply: int) -> None: ...

    async def sweep(self) -> None: ...
