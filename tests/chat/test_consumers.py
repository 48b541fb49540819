"""One tab's socket: a snapshot, then all that is new, and nothing of anybody else's."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from channels.routing import URLRouter
from channels.testing import WebsocketCommunicator
from django.contrib.auth.models import AnonymousUser
from django.test import Client
from django.utils.html import strip_tags

from accounts.models import User
from chat.drafts import Draft
from chat.feed import View
from chat.models import Part, State
from chat.runner import runner
from chat.services import Turn
from chat.settlement import Timing, settle_reply
from chat.ws_urls import urlpatterns
from tests.chat.conftest import Ask

socket_app = URLRouter(urlpatterns)


class Tab(WebsocketCommunicator):  # type: ignore[misc]
    """A browser's tab: it carries the cookie of a session."""

    def __init__(self, user: Any, path: str) -> None:
        super().__init__(socket_app, path)
        self.user = user

    async def connect(self, timeout: float = 1) -> tuple[bool, Any]:  # noqa: ASYNC109
        if self.user.is_authenticated:
            key = await sync_to_async(session_of)(self.user)
            self.scope["headers"].append((b"cookie", f"sessionid={key}".encode()))
        return await super().connect(timeout)  # type: ignore[no-any-return]


def session_of(user: User) -> str:
    browser = Client()
    browser.force_login(user)
    return browser.cookies["sessionid"].value


def tab(user: Any, conversation: uuid.UUID, query: str = "") -> Tab:
    return Tab(user, f"/ws/c/{conversation}/{query}")


async def growing(turn: Turn, *texts: str) -> View:
    """The view of a reply that has come so far."""
    view = runner.feed.open(turn.reply.pk, turn.conversation.pk)
    for text in texts:
        view.append(Part.TEXT, text)
        view.take()
        view.draw(0)
    return view


async def test_a_tab_that_comes_late_has_all_that_came_before(ask: Ask, ada: User) -> None:
    turn = await sync_to_async(ask)()
    view = await growing(turn, "Once ", "upon ", "a time")
    communicator = tab(ada, turn.conversation.pk)
    await communicator.connect()
    snapshot = await communicator.receive_from()
    assert snapshot.startswith('<div id="live" hx-swap-oob="innerHTML">')
    assert "Once upon a time" in strip_tags(snapshot)
    view.append(Part.TEXT, " there was")
    runner.relay.flush(view)
    assert " there was" in await communicator.receive_from()
    await communicator.disconnect()
    runner.feed.close(turn.reply.pk)
    assert runner.feed.followers_count == 0


async def test_a_tab_is_sent_only_what_its_page_lacks(ask: Ask, ada: User) -> None:
    turn = await sync_to_async(ask)("First question")
    await sync_to_async(settle_reply)(
        pk=turn.reply.pk,
        call_id=turn.reply.call_id,
        draft=Draft(["done"]),
        state=State.DONE,
        timing=Timing(None, 1),
    )
    communicator = tab(ada, turn.conversation.pk, f"?after={turn.reply.pk}")
    await communicator.connect()
    snapshot = await communicator.receive_from()
    assert "First question" not in snapshot
    assert f'id="next-{turn.reply.pk}"' in snapshot
    await communicator.disconnect()


async def test_a_page_of_another_branch_is_replaced_as_a_whole(ask: Ask, ada: User) -> None:
    turn = await sync_to_async(ask)("First question")
    communicator = tab(ada, turn.conversation.pk, "?after=999999")
    await communicator.connect()
    snapshot = await communicator.receive_from()
    assert snapshot.startswith('<div id="messages" hx-swap-oob="innerHTML">')
    assert "First question" in snapshot
    await communicator.disconnect()


async def closing_code(communicator: WebsocketCommunicator) -> int:
    connected, _ = await communicator.connect()
    assert connected
    message = await communicator.receive_output()
    assert message["type"] == "websocket.close"
    return int(message["code"])


async def test_who_is_not_signed_in_is_told_so(ask: Ask) -> None:
    turn = await sync_to_async(ask)()
    assert await closing_code(tab(AnonymousUser(), turn.conversation.pk)) == 4401


async def test_what_is_anothers_does_not_exist_here_either(ask: Ask, eve: User) -> None:
    turn = await sync_to_async(ask)()
    assert await closing_code(tab(eve, turn.conversation.pk)) == 4404
    assert await closing_code(tab(eve, uuid.uuid4())) == 4404


@pytest.mark.parametrize("frame", ['{"stop": 1}', " ", "\x00", "<div hx-swap-oob=true>"])
async def test_the_socket_takes_no_commands(ask: Ask, ada: User, frame: str) -> None:
    turn = await sync_to_async(ask)()
    communicator = tab(ada, turn.conversation.pk)
    await communicator.connect()
    await communicator.receive_from()
    await communicator.send_to(text_data=frame)
    closing = await communicator.receive_output()
    assert (closing["type"], closing["code"]) == ("websocket.close", 4400)
    await communicator.disconnect()


@pytest.mark.parametrize("query", ["?after=x", "?after=-1", "?after=%F0%9F", "?after=" + "9" * 40])
async def test_a_strange_position_is_taken_as_none(ask: Ask, ada: User, query: str) -> None:
    turn = await sync_to_async(ask)("First question")
    communicator = tab(ada, turn.conversation.pk, query)
    await communicator.connect()
    assert "First question" in await communicator.receive_from()
    await communicator.disconnect()
