"""The first frame of a tab: everything newer than what its page has, exactly as it is now."""

from __future__ import annotations

from dataclasses import dataclass

from chat.database import in_database
from chat.feed import Follower, View, stored_view
from chat.fragments import LiveRegion
from chat.models import Conversation, Message, State
from chat.runner import runner
from chat.services import branch_with_books
from chat.settlement import checkpointed


def settled_and_live(messages: list[Message]) -> tuple[list[Message], list[Message]]:
    """Split a branch behind its last reply that ended well: only what follows can still change."""
    for index in range(len(messages), 0, -1):
        if messages[index - 1].role == "assistant" and messages[index - 1].state == State.DONE:
            return messages[:index], messages[index:]
    return [], messages


def stored_views(messages: list[Message]) -> dict[int, View]:
    """Running replies as far as their checkpoints tell: what a page shows before its socket."""
    return {
        message.pk: stored_view(message.pk, message.conversation_id, *checkpointed(message.pk))
        for message in messages
        if message.is_running
    }


@dataclass(frozen=True, slots=True)
class Drawn:
    """The region behind a message, whether that message is on the branch at all, and the views."""

    region: LiveRegion
    known: bool
    stored: dict[int, View]


def _draw(conversation: Conversation, after: int) -> Drawn:
    conversation.refresh_from_db()
    messages = branch_with_books(conversation)
    known = after == 0 or any(message.pk == after for message in messages)
    newer = [message for message in messages if not known or message.pk > after]
    last_pk = messages[-1].pk if messages else 0
    return Drawn(LiveRegion(newer, last_pk), known, stored_views(newer))


async def live_region(conversation: Conversation, follower: Follower, *, after: int) -> str:
    """Draw it off the loop; fill it and restart the follower in one synchronous block.

    If a message came or was settled while it was drawn, it is drawn again: so nothing between
    the reading of the database and the first frame is lost, and nothing is sent twice.
    """
    feed = runner.feed
    while True:
        version = feed.version(conversation.pk)
        drawn = await in_database(_draw, conversation, after)
        if feed.version(conversation.pk) == version:
            views = [runner.relay.join(stored) for stored in drawn.stored.values()]
            follower.restart()
            html = drawn.region.fill(views)
            if drawn.known:
                return f'<div id="live" hx-swap-oob="innerHTML">{html}</div>'
            return (  # the page shows another branch: all of it is replaced
                f'<div id="messages" hx-swap-oob="innerHTML"><div id="live">{html}</div></div>'
            )
