"""The first frame of a tab: everything newer than what its page has, exactly as it is now."""

from __future__ import annotations

from dataclasses import dataclass

from chat import fragments
from chat.database import in_database
from chat.feed import Follower, View, stored_view
from chat.fragments import LiveRegion
from chat.models import Conversation, Message, State
from chat.runner import runner
from chat.settlement import checkpointed
from chat.shown import Branch


def settled_and_live(messages: list[Message]) -> tuple[list[Message], list[Message]]:
    """Split a branch behind its last reply that ended well: only what follows can still change.

    A comparison stays together, and can be decided.
    """
    for index in range(len(messages), 0, -1):
        last = messages[index - 1]
        if last.role == "assistant" and last.state == State.DONE and not last.side:
            return messages[:index], messages[index:]
    return [], messages


def tip(messages: list[Message]) -> int:
    """The head of a branch as it is drawn: what the next turn comes after. 0: there is none."""
    return next((m.pk for m in reversed(messages) if m.side != "right"), 0)


def stored_views(messages: list[Message]) -> dict[int, View]:
    """Running replies as far as their checkpoints tell: what a page shows before its socket."""
    return {
        message.pk: stored_view(message.pk, message.conversation_id, *checkpointed(message.pk))
        for message in messages
        if message.is_running
    }


@dataclass(frozen=True, slots=True)
class Drawn:
    """The region behind `ground`, the last message that the page keeps; 0: it keeps none.

    `stale`: what the page has behind it, of a branch that is no longer on show. `is_whole`: the
    region takes the place of all that the page shows.
    """

    region: LiveRegion
    ground: int
    stale: list[int]
    stored: dict[int, View]
    is_whole: bool = False


def _draw(conversation: Conversation, after: int) -> Drawn:
    conversation.refresh_from_db(fields=["head", "rival"])
    if after and after == conversation.head_id and not conversation.rival_id:  # the page has all
        return Drawn(LiveRegion([], after), after, [], {})
    branch = Branch(conversation)
    ground, stale = _ground(branch, after)
    newer = branch.after(ground)
    is_cut = newer.earlier > (branch.path.index(ground) + 1 if ground else 0)
    if is_cut:  # too much is newer than what the page shows: it begins anew
        ground = 0
    is_whole = is_cut or bool(stale and not ground)
    link = "" if ground else fragments.earlier(conversation, newer)
    region = LiveRegion(newer.messages, tip(newer.messages) or ground, begins_with=link)
    return Drawn(region, ground, stale, stored_views(newer.messages), is_whole)


def _ground(branch: Branch, after: int) -> tuple[int, list[int]]:
    """The last message of the page's that is on the branch, and those that came behind it."""
    shown = set(branch.path[:-1] if branch.rival else branch.path)
    stale = []
    at: int | None = after
    while at and at not in shown:
        stale.append(at)
        at = branch.parents.get(at)
    return at or 0, stale


async def live_region(
    conversation: Conversation, follower: Follower, *, after: int
) -> tuple[str, int]:
    """The frame, and what its page has settled then: `after` for the next time.

    Draw it off the loop; fill it and restart the follower in one synchronous block.
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
            return _frame(drawn, html), drawn.ground


def _frame(drawn: Drawn, html: str) -> str:
    if drawn.is_whole:
        return f'<div id="messages" hx-swap-oob="innerHTML"><div id="live">{html}</div></div>'
    gone = "".join(f'<div id="m{pk}" hx-swap-oob="delete"></div>' for pk in drawn.stale)
    return f'<div id="live" hx-swap-oob="innerHTML">{html}</div>{gone}'
