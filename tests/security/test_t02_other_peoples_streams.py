"""T2: nobody subscribes to another's stream, resumes it, or sends a command for it.

Every pattern of the socket's addresses is tried, as read from chat/ws_urls.py; commands are form
posts, which T1 tries one by one.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer
from channels.routing import URLRouter
from channels.testing import WebsocketCommunicator
from django.contrib.auth.models import AnonymousUser
from django.test import Client
from django.urls import path

from accounts.models import User
from billing.models import Call
from chat import ws_urls
from chat.models import Message, Part
from chat.runner import runner
from tests.chat.conftest import Ask
from tests.chat.test_consumers import Tab, growing, session_of, tab
from tests.processes import ROOT
from tests.security.matrix import SECRET, Belongings, everything, filled
from tests.security.matrix import Address as Route

SIGNED_OUT, NOT_FOUND, NO_COMMANDS = 4401, 4404, 4400
FRAMES = [
    '{"type": "subscribe", "conversation": "%s"}',
    '{"type": "resume", "after": 0, "stream": "%s"}',
    '{"type": "stop", "message": "%s"}',
    '{"command": "regenerate", "id": "%s"}',
    '{"HEADERS": {"HX-Request": "true"}, "prompt": "%s"}',  # as htmx's extension sends a form
    "%s",
]


def routes(patterns: list[Any]) -> list[Route]:
    return [Route(str(it.pattern), str(it.pattern)) for it in patterns]


ROUTES = routes(ws_urls.urlpatterns)


def ids_of(hers: Belongings) -> Belongings:
    """What fits into the socket's addresses: they begin with ws/ and go on as a page's."""
    return {f"ws/{beginning}": keys for beginning, keys in hers.items()}


async def opened(app: Any, user: Any, url: str) -> tuple[bool, list[dict[str, Any]]]:
    """Whether a socket was let in, and all that it said of its own accord."""
    communicator = WebsocketCommunicator(app, url)
    if user.is_authenticated:
        key = await sync_to_async(session_of)(user)
        communicator.scope["headers"].append((b"cookie", f"sessionid={key}".encode()))
    connected, _ = await communicator.connect()
    said = []
    while connected and not await communicator.receive_nothing(timeout=0.05):
        said.append(await communicator.receive_output())
    await communicator.disconnect()
    return connected, said


async def refused_at_the_socket(route: Route, hers: Belongings, user: Any, app: Any) -> None:
    """Assert that it says nothing but that there is nothing."""
    code = NOT_FOUND if user.is_authenticated else SIGNED_OUT
    for url in filled(route, ids_of(hers)):
        connected, said = await opened(app, user, url)
        if connected:
            assert [(it["type"], it.get("code")) for it in said] == [("websocket.close", code)], url


@pytest.mark.parametrize("route", ROUTES, ids=lambda it: it.name)
@pytest.mark.parametrize("who", ["eve", "root", "nobody"])
async def test_t02_no_socket_of_anothers_opens(
    route: Route, who: str, hers: Belongings, eve: User, root: User
) -> None:
    user = {"eve": eve, "root": root, "nobody": AnonymousUser()}[who]
    before = await sync_to_async(everything)()
    await refused_at_the_socket(route, hers, user, URLRouter(ws_urls.urlpatterns))
    assert await sync_to_async(everything)() == before


class Leaky(AsyncWebsocketConsumer):  # type: ignore[misc]
    """Asks nobody who they are."""

    async def connect(self) -> None:
        await self.accept()
        found = Message.objects.filter(pk=self.scope["url_route"]["kwargs"]["pk"])
        await self.send(text_data=(await found.aget()).text)


@pytest.mark.parametrize("who", ["eve", "root", "nobody"])
async def test_t02_a_consumer_that_asks_for_no_owner_makes_this_fail(
    who: str, hers: Belongings, eve: User, root: User
) -> None:
    user = {"eve": eve, "root": root, "nobody": AnonymousUser()}[who]
    patterns = [*ws_urls.urlpatterns, path("ws/m/<int:pk>/", Leaky.as_asgi())]
    added = routes(patterns)[-1]
    with pytest.raises(AssertionError):
        await refused_at_the_socket(added, hers, user, URLRouter(patterns))


def test_t02_these_are_all_the_sockets_that_are_served() -> None:
    tree = ast.parse((ROOT / "config/asgi.py").read_text())
    served = [
        ast.unparse(node)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "URLRouter"
    ]
    assert served == ["URLRouter(urlpatterns)"]
    assert "from chat.ws_urls import urlpatterns" in ast.unparse(tree)


@pytest.mark.parametrize("query", ["?after=0", "?after=1", "?user=ada", "?user_id=1", "?session="])
async def test_t02_nothing_in_the_address_resumes_anothers(
    ask: Ask, ada: User, eve: User, query: str
) -> None:
    """Not even her session, where it does not come as the cookie that it is."""
    turn = await sync_to_async(ask)()
    view = await growing(turn, "known ")
    if query == "?session=":
        query = f"?sessionid={await sync_to_async(session_of)(ada)}"
    communicator = tab(eve, turn.conversation.pk, query)
    await communicator.connect()
    assert (await communicator.receive_output())["code"] == NOT_FOUND
    view.append(Part.TEXT, "secret")
    runner.relay.flush(view)
    assert await communicator.receive_nothing()
    runner.feed.close(turn.reply.pk)


@pytest.mark.parametrize("frame", FRAMES)
async def test_t02_an_open_socket_of_ones_own_takes_no_command_for_anothers(
    ask: Ask, eve: User, frame: str
) -> None:
    hers, mine = await sync_to_async(ask)(), await sync_to_async(ask)(user=eve)
    view = await growing(hers, "known ")
    before = await sync_to_async(everything)()
    communicator: Tab = tab(eve, mine.conversation.pk)
    await communicator.connect()
    assert "known" not in await communicator.receive_from()
    await communicator.send_to(text_data=frame % hers.conversation.pk)
    assert (await communicator.receive_output())["code"] == NO_COMMANDS
    view.append(Part.TEXT, SECRET)
    runner.relay.flush(view)
    assert await communicator.receive_nothing()
    await communicator.disconnect()
    runner.feed.close(hers.reply.pk)
    assert await sync_to_async(everything)() == before


async def test_t02_what_streams_to_ada_comes_to_nobody_else(ask: Ask, ada: User, eve: User) -> None:
    hers, mine = await sync_to_async(ask)(), await sync_to_async(ask)(user=eve)
    view = await growing(hers, "")
    both = [tab(ada, hers.conversation.pk), tab(eve, mine.conversation.pk)]
    for each in both:
        await each.connect()
        await each.receive_from()
    view.append(Part.TEXT, SECRET)
    runner.relay.flush(view)
    assert SECRET in await both[0].receive_from()
    assert await both[1].receive_nothing()
    for each in both:
        await each.disconnect()
    runner.feed.close(hers.reply.pk)


COMMANDS = (
    "stop",
    "retry",
    "again",
    "go-on",
    "edit",
    "compare",
    "vote",
    "thumb/up",
    "show",
    "fork",
)


@pytest.fixture
def stopped() -> Iterator[list[int]]:
    """The replies that the runner was told to stop."""
    told: list[int] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runner, "stop", lambda reply: told.append(reply.pk))
        patch.setattr(runner, "start", lambda *it: told.append(-1))
        yield told


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("who", ["eve", "root"])
def test_t02_a_running_reply_takes_no_command_from_others(
    command: str, who: str, ask: Ask, eve: User, root: User, client: Client, stopped: list[int]
) -> None:
    turn = ask()
    client.force_login({"eve": eve, "root": root}[who])
    calls = Call.objects.count()
    form = {"prompt": "mine", "verdict": "a", "model": "acme/one", "nonce": "n"}
    answer = client.post(f"/m/{turn.reply.pk}/{command}/", form)
    assert answer.status_code == 404
    assert not stopped
    assert Call.objects.count() == calls
    assert Message.objects.get(pk=turn.reply.pk).is_running
