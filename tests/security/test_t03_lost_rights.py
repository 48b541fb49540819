"""T2, T3: an open socket loses its right with the person's, without a word from the browser."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.models import Session
from django.test import Client

from accounts.models import User
from chat.models import Conversation, Part
from chat.organise import delete
from chat.rights import rights
from chat.runner import runner
from tests.chat.conftest import Ask
from tests.chat.test_consumers import Tab, growing, tab


async def watching(ask: Ask, user: User) -> tuple[Tab, Any]:
    """A tab that has its snapshot, and has been looked at."""
    turn = await sync_to_async(ask)()
    communicator = tab(user, turn.conversation.pk)
    await communicator.connect()
    await communicator.receive_from()
    await rights.look()
    return communicator, turn


def deactivate(user: User, _: Conversation) -> None:
    User.objects.filter(pk=user.pk).update(is_active=False)


def change_password(user: User, _: Conversation) -> None:
    user.set_password("another")
    user.save()


def sign_out_everywhere(*_: Any) -> None:
    Session.objects.all().delete()


def expire(*_: Any) -> None:
    Session.objects.update(expire_date="2020-01-01T00:00:00Z")


def erase_conversation(_: User, conversation: Conversation) -> None:
    delete(conversation)


@pytest.mark.parametrize(
    ("lose", "code"),
    [
        (deactivate, 4401),
        (change_password, 4401),
        (sign_out_everywhere, 4401),
        (expire, 4401),
        (erase_conversation, 4404),
    ],
)
async def test_t03_a_socket_is_closed_when_the_right_to_it_is_gone(
    ask: Ask, ada: User, lose: Callable[[User, Conversation], None], code: int
) -> None:
    communicator, turn = await watching(ask, ada)
    view = await growing(turn, "known ")
    await sync_to_async(lose)(ada, turn.conversation)
    await rights.look()
    closing = await communicator.receive_output()
    assert (closing["type"], closing["code"]) == ("websocket.close", code)
    view.append(Part.TEXT, "secret")
    runner.relay.flush(view)
    assert await communicator.receive_nothing()
    await communicator.disconnect()
    runner.feed.close(turn.reply.pk)


async def test_t03_it_stays_open_when_only_the_session_has_changed(ask: Ask, ada: User) -> None:
    communicator, turn = await watching(ask, ada)
    browser = Client()
    await sync_to_async(browser.force_login)(ada)
    await sync_to_async(Session.objects.exclude(pk="none").update)(
        expire_date="2099-01-01T00:00:00Z"
    )
    await rights.look()
    view = await growing(turn, "")
    view.append(Part.TEXT, "still here")
    runner.relay.flush(view)
    assert "still here" in await communicator.receive_from()
    await communicator.disconnect()
    runner.feed.close(turn.reply.pk)


async def test_t03_what_changed_before_the_first_look_counts_too(ask: Ask, ada: User) -> None:
    turn = await sync_to_async(ask)()
    communicator = tab(ada, turn.conversation.pk)
    await communicator.connect()
    await communicator.receive_from()
    await sync_to_async(deactivate)(ada, turn.conversation)
    await rights.look()
    assert (await communicator.receive_output())["code"] == 4401
    await communicator.disconnect()


async def test_t03_nobody_is_looked_after_who_has_left(ask: Ask, ada: User) -> None:
    communicator, turn = await watching(ask, ada)
    await communicator.disconnect()
    stranger = tab(AnonymousUser(), turn.conversation.pk)
    await stranger.connect()
    assert not rights._watched
    await stranger.disconnect()
