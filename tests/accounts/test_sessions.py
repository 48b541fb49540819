"""Where one is signed in: the list, ending one, ending the others; and their sockets with them."""

from __future__ import annotations

from typing import Any

import pytest
from allauth.usersessions.models import UserSession
from asgiref.sync import sync_to_async
from channels.routing import URLRouter
from channels.testing import WebsocketCommunicator
from django.contrib.sessions.models import Session
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import visits as module
from accounts.devices import UNKNOWN, device_of
from accounts.models import User
from accounts.visits import EVERY_S, Visits
from chat.rights import rights
from chat.ws_urls import urlpatterns
from tests.accounts.conftest import is_in, sign_in
from tests.chat.conftest import Ask

SESSIONS = "/accounts/sessions/"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
PHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like"
    " Gecko) Version/19.0 Mobile/15E148 Safari/604.1"
)


@pytest.fixture
def here(client: Client, ada: User) -> Client:
    sign_in(client)
    return client


@pytest.fixture
def phone(ada: User) -> Client:
    """The same person's other browser."""
    client = Client(headers={"User-Agent": PHONE})
    sign_in(client)
    return client


def pk_of(client: Client) -> int:
    session: UserSession = UserSession.objects.get(session_key=client.session.session_key)
    return int(session.pk)


def test_the_list_tells_one_from_the_other(here: Client, phone: Client) -> None:
    page = here.get(SESSIONS).content.decode()
    assert page.count("this session") == 1
    assert "Safari on iPhone" in page
    assert page.index("this session") < page.index("Safari on iPhone")
    assert "127.0.0.1" in page
    key = here.session.session_key
    assert key
    assert key not in page


def test_one_is_ended_and_the_others_stay(here: Client, phone: Client, ada: User) -> None:
    third = Client()
    sign_in(third)
    answer = here.post(f"{SESSIONS}{pk_of(phone)}/end/", follow=True)
    assert "That session is ended." in answer.content.decode()
    assert not is_in(phone)
    assert is_in(here)
    assert is_in(third)


def test_all_others_are_ended(here: Client, phone: Client, eve: User) -> None:
    hers = Client()
    sign_in(hers, "eve", "listens")
    here.post(f"{SESSIONS}end-others/")
    assert not is_in(phone)
    assert is_in(here)
    assert is_in(hers)


def test_to_end_this_one_is_to_sign_out(here: Client) -> None:
    answer = here.post(f"{SESSIONS}{pk_of(here)}/end/", follow=True)
    assert answer.request["PATH_INFO"] == "/accounts/login/"
    assert not is_in(here)


def test_anothers_session_does_not_exist(here: Client, eve: User) -> None:
    hers = Client()
    sign_in(hers, "eve", "listens")
    assert here.post(f"{SESSIONS}{pk_of(hers)}/end/").status_code == 404
    assert here.get(f"{SESSIONS}{pk_of(hers)}/end/").status_code == 405
    assert is_in(hers)
    assert "eve" not in here.get(SESSIONS).content.decode()


def test_a_changed_password_ends_the_others(here: Client, phone: Client) -> None:
    form = {"oldpassword": "engine", "password1": "difference-42", "password2": "difference-42"}
    here.post("/accounts/password/change/", form)
    assert is_in(here)
    assert not is_in(phone)
    page = here.get(SESSIONS).content.decode()
    assert page.count("<strong>") == 1


def test_a_session_of_before_is_listed_while_it_is_the_one(client: Client, ada: User) -> None:
    client.force_login(ada)
    assert "this session" in client.get(SESSIONS).content.decode()


def test_who_has_another_password_by_now_is_not_listed(here: Client, phone: Client) -> None:
    """One that an administrator set, of which no page of ours was told."""
    assert here.get(SESSIONS).content.decode().count("<strong>") == 2
    theirs = User.objects.get(username="ada")
    theirs.set_password("difference-42")
    theirs.save()
    third = Client()
    sign_in(third, password="difference-42")
    assert third.get(SESSIONS).content.decode().count("<strong>") == 1


def socket_of(client: Client, conversation: Any) -> WebsocketCommunicator:
    cookie = f"sessionid={client.session.session_key}".encode()
    return WebsocketCommunicator(
        URLRouter(urlpatterns), f"/ws/c/{conversation}/", headers=[(b"cookie", cookie)]
    )


async def opened(client: Client, conversation: Any) -> WebsocketCommunicator:
    tab = await sync_to_async(socket_of)(client, conversation)
    await tab.connect()
    await tab.receive_from()
    return tab


async def test_an_ended_session_loses_its_socket_and_no_other_does(ada: User, ask: Ask) -> None:
    """T2: by the page, and without a word from the browser that is put out."""
    talk = (await sync_to_async(ask)()).conversation.pk
    mine, theirs = Client(), Client()
    for browser in (mine, theirs):
        await sync_to_async(sign_in)(browser)
    kept, ended = await opened(mine, talk), await opened(theirs, talk)
    await rights.look()
    pk = await sync_to_async(pk_of)(theirs)
    await sync_to_async(mine.post)(f"{SESSIONS}{pk}/end/")
    await rights.look()
    closing = await ended.receive_output()
    assert (closing["type"], closing["code"]) == ("websocket.close", 4401)
    assert await kept.receive_nothing()
    for tab in (kept, ended):
        await tab.disconnect()


def test_visits_are_noted_now_and_then(here: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    visits, clock = Visits(), [0.0]
    monkeypatch.setattr(module, "visits", visits)
    monkeypatch.setattr("accounts.visits.time.monotonic", lambda: clock[0])
    UserSession.objects.update(last_seen_at="2020-01-01T00:00:00Z")

    def written() -> int:
        with CaptureQueriesContext(connection) as queries:
            here.get("/usage/")
        return sum("usersessions" in query["sql"] for query in queries)

    assert written() == 0, "no first page pays"
    clock[0] = EVERY_S - 1
    assert written() == 0
    clock[0] = EVERY_S + 1
    assert written() == 1
    assert written() == 0
    assert (timezone.now() - UserSession.objects.get().last_seen_at).days == 0


def test_a_visit_makes_no_ended_session_live_again(
    here: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    always = Visits()
    monkeypatch.setattr(always, "is_due", lambda *_: True)
    monkeypatch.setattr(module, "visits", always)
    Session.objects.all().delete()
    assert not is_in(here)
    assert Session.objects.count() == 0


def test_a_process_remembers_only_so_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "KEPT", 3)
    visits = Visits()
    for number in range(10):
        assert not visits.is_due(str(number), 0.0)
    assert len(visits._noted) <= 3


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [
        (FIREFOX, "Firefox on Linux"),
        (PHONE, "Safari on iPhone"),
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
         " Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0", "Edge on Windows"),
        ("Mozilla/5.0 (Linux; Android 16) AppleWebKit/537.36 Chrome/142.0.0.0 Mobile Safari/537.36",
         "Chrome on Android"),
        ("curl/8.14", "curl"),
        ("", UNKNOWN),
        ("<script>alert(1)</script>", UNKNOWN),
    ],
)  # fmt: skip
def test_browsers_are_called_by_their_names(user_agent: str, name: str) -> None:
    assert device_of(user_agent) == name
