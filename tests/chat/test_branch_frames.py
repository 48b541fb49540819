"""A change of branch as tabs are sent it: here over the socket, elsewhere over Redis."""

from __future__ import annotations

import asyncio

import pytest
from asgiref.sync import sync_to_async

from accounts.models import User
from chat.branches import edit, show
from chat.relay import Change
from chat.runner import runner
from tests.chat.conftest import OWNER, Ask
from tests.chat.test_branches import settle
from tests.chat.test_consumers import tab
from tests.chat.test_redis_relay import HERE, processes, until


async def test_a_tab_is_sent_what_differs_and_its_old_branch_is_taken_off(
    ask: Ask, ada: User
) -> None:
    def talk() -> tuple[int, int, int, int]:
        first = ask("One", nonce="1")
        kept = settle(first, "First.")
        second = ask("Two", nonce="2", conversation=first.conversation)
        old = settle(second, "Second.")
        other = edit(user=ada, prompt=second.messages[0], text="Deux", nonce="e", owner=OWNER)
        new = settle(other, "Deuxième.")
        show(old)
        return kept.pk, second.messages[0].pk, old.pk, new.pk

    kept, question, old, new = await sync_to_async(talk)()
    reply = await sync_to_async(lambda: ada.conversations.get().messages.get(pk=new))()
    communicator = tab(ada, reply.conversation_id, f"?after={old}")
    await communicator.connect()
    assert "Deux" not in await communicator.receive_from()

    await sync_to_async(show)(reply)
    runner.relay.announce(Change("branch", reply.conversation_id), "")
    frame = await communicator.receive_from()
    assert frame.startswith('<div id="live" hx-swap-oob="innerHTML">')
    assert "Deuxième." in frame
    assert "First." not in frame, "what both share stays"
    for pk in (question, old):
        assert f'<div id="m{pk}" hx-swap-oob="delete"></div>' in frame
    assert f'"m{kept}"' not in frame

    await sync_to_async(show)(await reply.conversation.messages.aget(pk=old))
    runner.relay.announce(Change("branch", reply.conversation_id), "")
    back = await communicator.receive_from()
    assert "Second." in back, "the page is known to end with what both share"
    assert "delete" not in back.replace("hx-post", "")
    await communicator.disconnect()


@pytest.mark.redis
async def test_tabs_of_another_process_follow_the_branch() -> None:
    async with processes() as (here, elsewhere):
        mine, theirs = here.feed.follow(HERE), elsewhere.feed.follow(HERE)
        other = elsewhere.feed.follow(type(HERE)(int=1))
        here.relay.announce(Change("branch", HERE), "")
        await until(lambda: theirs.lost_track)
        assert mine.lost_track
        assert not other.lost_track
        await asyncio.sleep(0)
