"""T14: another site cannot act in a person's name: no POST, no GET that changes, no socket.

Every address that the resolver knows is posted to without the token, ours, allauth's and the
admin's.
"""

from __future__ import annotations

import ast
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from asgiref.sync import sync_to_async
from channels.routing import URLRouter
from channels.security.websocket import AllowedHostsOriginValidator
from channels.testing import WebsocketCommunicator
from django.test import Client
from pytest_django import Settings

from accounts.models import User
from chat import ws_urls
from chat.runner import runner
from config.handshakes import is_from_here
from tests.chat.conftest import Ask
from tests.chat.test_consumers import session_of
from tests.processes import ROOT
from tests.security.matrix import ALL, BY_HTMX, FORM, Belongings, everything, filled
from tests.security.test_t11_admin_matrix import ALL as ADMIN


def test_t14_no_command_is_taken_from_another_site(hers: Belongings, ada: User) -> None:
    """Without the token, a POST in the owner's own session changes nothing; by htmx neither."""
    client = Client(enforce_csrf_checks=True)
    client.force_login(ada)
    before = everything()
    for address in ALL:
        for url in filled(address, hers):
            for headers in ({}, BY_HTMX, {"Origin": "https://evil.example"}):
                answer = client.post(url, FORM, headers=headers)
                assert answer.status_code in (403, 405), (url, answer.status_code)
    assert everything() == before


@pytest.mark.parametrize("method", ["put", "patch", "delete"])
def test_t14_nor_by_another_method(method: str, hers: Belongings, ada: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(ada)
    before = everything()
    for address in ALL:
        for url in filled(address, hers):
            answer = getattr(client, method)(url, headers=BY_HTMX)
            assert answer.status_code in (403, 405), (url, answer.status_code)
    assert everything() == before


def test_t14_nor_in_the_admin(db: None, root: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(root)
    before = everything()
    for url in ADMIN:
        answer = client.post(url, {"post": "yes", "_save": "1", "username": "x"})
        assert answer.status_code in (302, 403, 404, 405), (url, answer.status_code)
        assert answer.status_code != 302 or answer.headers["Location"].startswith("/admin/")
    assert everything() == before


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://testserver.evil.example"]
)
def test_t14_a_token_that_was_read_elsewhere_is_of_no_use(ada: User, origin: str) -> None:
    """Who has the token, and comes from another origin, is refused all the same."""
    client = Client(enforce_csrf_checks=True)
    client.force_login(ada)
    client.get("/")
    token = client.cookies["csrftoken"].value
    sent = {"name": "mine", "csrfmiddlewaretoken": token}
    assert client.post("/folders/", sent).status_code != 403
    assert client.post("/folders/", sent, headers={"Origin": origin}).status_code == 403


def test_t14_looking_at_any_address_changes_nothing(
    hers: Belongings, ada: User, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A GET, which any site can cause, changes no row and commands no reply."""
    commanded: list[Any] = []
    monkeypatch.setattr(runner, "_call", lambda *words: commanded.append(words))
    client.force_login(ada)
    Authenticator.objects.all().delete()  # hers is of no use, and pages that ask for it say so
    before = everything()
    for address in ALL:
        for url in filled(address, hers):
            for headers in ({}, BY_HTMX):
                assert client.get(url, FORM, headers=headers).status_code < 500, url
    assert everything() == before
    assert not commanded


def test_t14_no_link_signs_a_person_out(ada: User, client: Client) -> None:
    client.force_login(ada)
    client.get("/accounts/logout/")
    assert "_auth_user_id" in client.session


def test_t14_no_view_is_exempt() -> None:
    """The middleware is on the list, and nothing asks to be left out."""
    found = []
    for app in ("accounts", "billing", "chat", "config", "routing"):
        for source in (ROOT / app).rglob("*.py"):
            names = [n for n in ast.walk(ast.parse(source.read_text())) if isinstance(n, ast.Name)]
            found += [source for name in names if name.id == "csrf_exempt"]
    assert not found


def test_t14_without_the_middleware_the_walk_fails(
    hers: Belongings, ada: User, settings: Settings
) -> None:
    settings.MIDDLEWARE = [it for it in settings.MIDDLEWARE if "csrf" not in it.lower()]
    with pytest.raises(AssertionError):
        test_t14_no_command_is_taken_from_another_site(hers, ada)


def test_t14_cookies_go_with_no_request_of_another_site(ada: User, client: Client) -> None:
    answer = client.post("/accounts/login/", {"login": "ada", "password": "engine"})
    assert answer.status_code == 302
    session, token = answer.cookies["sessionid"], answer.cookies["csrftoken"]
    assert (session["samesite"], session["httponly"]) == ("Lax", True)
    assert token["samesite"] == "Lax"


# --- The socket ---


async def handshake(user: User, url: str, origin: bytes | None) -> bool:
    """Through what config/asgi.py puts in front of the consumer."""
    app = AllowedHostsOriginValidator(URLRouter(ws_urls.urlpatterns))
    communicator = WebsocketCommunicator(app, url)
    key = await sync_to_async(session_of)(user)
    communicator.scope["headers"].append((b"cookie", f"sessionid={key}".encode()))
    if origin is not None:
        communicator.scope["headers"].append((b"origin", origin))
    connected, _ = await communicator.connect()
    await communicator.disconnect()
    return bool(connected)


@pytest.mark.parametrize(
    ("origin", "is_let_in"),
    [
        (b"http://testserver", True),
        (b"https://evil.example", False),
        (b"http://testserver.evil.example", False),
        (b"http://eviltestserver", False),
        (b"null", False),
        (b"", False),
        (b"file://", False),
        (b"\xff\xfe", False),
        (b"http://evil.example/http://testserver", False),
        (b"http://testserver@evil.example", False),
        (None, False),
    ],
)
async def test_t14_a_page_of_another_origin_gets_no_socket(
    ask: Ask, ada: User, settings: Settings, origin: bytes | None, is_let_in: bool
) -> None:
    settings.ALLOWED_HOSTS = ["testserver"]
    turn = await sync_to_async(ask)()
    url = f"/ws/c/{turn.conversation.pk}/"
    assert await handshake(ada, url, origin) is is_let_in


def test_t14_the_origin_is_asked_in_front_of_every_socket() -> None:
    tree = ast.parse((ROOT / "config/asgi.py").read_text())
    routers: list[Any] = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Dict)
        and any(ast.unparse(k or node) == "'websocket'" for k in node.keys)
    ]
    assert len(routers) == 1
    served = dict(zip(map(ast.unparse, routers[0].keys), routers[0].values, strict=True))
    assert ast.unparse(served["'websocket'"]).startswith("AllowedHostsOriginValidator(")


@pytest.mark.parametrize(
    ("origin", "host", "is_ours"),
    [
        ("https://chat.example.org", "chat.example.org", True),
        ("https://chat.example.org", "chat.example.org:443", True),
        ("http://localhost:8000", "localhost:8000", True),
        ("http://[::1]:8000", "[::1]:8000", True),
        ("https://embedded.example.org", "chat.example.org", True),  # trusted by the settings
        ("https://chat.example.org:8443", "chat.example.org", False),
        ("http://localhost:3000", "localhost:8000", False),
        ("http://chat.example.org", "chat.example.org:443", False),
        ("https://evil.example", "chat.example.org", False),
        ("https://chat.example.org@evil.example", "chat.example.org", False),
        ("https://chat.example.org:x", "chat.example.org", False),
        ("http://[", "[", False),
        ("null", "chat.example.org", False),
        ("", "chat.example.org", False),
        ("", "", False),
    ],
)
def test_t14_another_port_of_the_same_name_is_another_site(
    settings: Settings, origin: str, host: str, is_ours: bool
) -> None:
    settings.CSRF_TRUSTED_ORIGINS = ["https://embedded.example.org"]
    headers = [(b"origin", origin.encode()), (b"host", host.encode())]
    assert is_from_here({"headers": headers}) is is_ours
