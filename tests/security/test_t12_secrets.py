"""T12: no secret reaches a page, a log, an error card, an export or a prompt.

Keys that are kept in the database are in tests/billing/test_keys_at_rest.py, the logs' formats in
tests/config/test_logs.py.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from asgiref.sync import async_to_sync, sync_to_async
from django.test import Client
from pytest_django import Settings

from accounts.models import User
from chat.models import Message
from config.logs import LineFormatter
from openrouter.errors import InvalidRequest
from openrouter.events import TextDelta
from openrouter.failures import error_from_response
from openrouter.testing import ScriptedClient
from tests.chat.conftest import Ask
from tests.chat.test_replies import BEGUN, WELL, Desk
from tests.config.test_logs import Kept
from tests.security.matrix import ALL, Belongings, filled
from tests.security.test_t01_other_peoples_chats import whole
from tests.security.test_t11_admin_matrix import ALL as ADMIN

KEY = "sk-or-v1-51a9be7c0ffee51a9be7c0ffee"
SECRETS = {
    "SECRET_KEY": "s3cr3t-51a9-abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRST",
    "OPENROUTER_API_KEY": KEY,
    "OPENROUTER_MANAGEMENT_KEY": "sk-or-v1-management-51a9be7c0ffee",
    "METRICS_TOKEN": "metrics-51a9be7c",
    "OIDC_CLIENT_SECRET": "oidc-51a9be7c",
    "EMAIL_HOST_PASSWORD": "mail-51a9be7c",
}
PLACEHOLDERS = (
    "{{ SECRET_KEY }} {{ settings.SECRET_KEY }} {% debug %} {% include '.env' %} "
    "${OPENROUTER_API_KEY} $OPENROUTER_API_KEY %(OPENROUTER_API_KEY)s {OPENROUTER_API_KEY} "
    "{user.password} {0.__class__} {{user_email}} {{ CURRENT_USER }} <%= key %> #{key} `env`"
)


@pytest.fixture
def kept(settings: Settings) -> list[str]:
    for name, value in SECRETS.items():
        setattr(settings, name, value)
    return list(SECRETS.values())


def told(answer: Any) -> str:
    body = async_to_sync(whole)(answer) if answer.streaming else answer.content
    return body.decode("utf-8", "replace") + str(answer.headers)


def test_t12_no_page_and_no_export_tells_a_secret(
    hers: Belongings, ada: User, client: Client, kept: list[str]
) -> None:
    client.force_login(ada)
    Authenticator.objects.all().delete()  # hers is of no use
    for address in ALL:
        for url in filled(address, hers):
            page = told(client.get(url))
            assert not [it for it in kept if it in page], url


def test_t12_nor_does_the_admin(
    hers: Belongings, root: User, client: Client, kept: list[str]
) -> None:
    client.force_login(root)
    for url in ADMIN:
        page = told(client.get(url))
        assert not [it for it in kept if it in page], url
    for user in User.objects.all():
        assert user.password not in told(client.get(f"/admin/accounts/user/{user.pk}/change/"))


PATHS = (
    *("/nowhere/", "/.env", "/.git/config", "/static/../.env", "/manage.py", "/attachments/"),
    *("/static/%2e%2e/config/settings.py", "/var/switchboard.sqlite3", "/static/..%2f..%2f.env"),
)


@pytest.mark.parametrize("path", PATHS)
def test_t12_no_file_of_ours_is_served(
    path: str, ada: User, client: Client, kept: list[str]
) -> None:
    client.force_login(ada)
    answer = client.get(path)
    assert answer.status_code == 404
    assert not [it for it in kept if it in told(answer)]


def test_t12_a_fault_of_ours_shows_no_setting(
    ada: User, client: Client, kept: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As DEBUG would: it is off, and a server refuses to start with it (config/safety.py)."""

    def breaks(*_: Any) -> None:
        raise ZeroDivisionError(KEY)

    monkeypatch.setattr("chat.views.page_of", breaks)
    client.force_login(ada)
    client.raise_request_exception = False
    answer = client.get("/")
    assert answer.status_code == 500
    assert not [it for it in [*kept, "ZeroDivisionError", "Traceback"] if it in told(answer)]


async def sent(ask: Ask, text: str) -> Any:
    """What a prompt becomes on its way to the upstream."""
    client = ScriptedClient(*WELL)
    desk = Desk(lambda: ask(text), client)
    await desk.open()
    await desk.ended()
    return client.requests[0]


async def test_t12_nothing_in_a_prompt_is_filled_in(ask: Ask, kept: list[str]) -> None:
    request = await sent(ask, PLACEHOLDERS)
    texts = [it["content"] for it in request.messages if it["role"] == "user"]
    assert texts == [PLACEHOLDERS]
    body = json.dumps([dict(it) for it in request.messages], default=str)
    assert not [it for it in kept if it in body]
    assert "ada" not in body


def test_t12_nor_in_a_page(ask: Ask, ada: User, client: Client, kept: list[str]) -> None:
    turn = ask(PLACEHOLDERS)
    Message.objects.filter(pk=turn.reply.pk).update(text=PLACEHOLDERS, state="done")
    client.force_login(ada)
    for rest in ("", "export.md", "export.json"):
        page = told(client.get(f"/c/{turn.conversation.pk}/{rest}"))
        assert not [it for it in kept if it in page]
        assert "OPENROUTER_API_KEY" in page
        assert ada.password not in page


ECHOES = [
    f"Incorrect API key provided: {KEY}. You can find it at ...",
    f"Bearer {KEY} is not allowed",
    f'{{"headers": {{"Authorization": "Bearer {KEY}"}}}}',
    f"{KEY}\n" * 100,
]


@pytest.fixture
def log() -> Iterator[Kept]:
    """Every line of every logger, at DEBUG."""
    kept, root = Kept(LineFormatter()), logging.getLogger()
    level = root.level
    root.addHandler(kept)
    root.setLevel(logging.DEBUG)
    yield kept
    root.setLevel(level)
    root.removeHandler(kept)


@pytest.mark.parametrize("echo", ECHOES)
async def test_t12_a_key_that_a_provider_echoes_is_on_no_card_and_in_no_log(
    echo: str, ask: Ask, ada: User, kept: list[str], log: Kept
) -> None:
    for script in (
        [InvalidRequest(echo, status=400)],
        [BEGUN, TextDelta("So"), InvalidRequest(echo)],
    ):
        desk = Desk(lambda: ask("Why?"), ScriptedClient(*script))
        await desk.open()
        reply = await desk.ended()
        row = await sync_to_async(Message.objects.filter(pk=reply.pk).values().get)()
        assert KEY not in str(row)
        assert KEY not in str(desk.follower.pending)
        browser = Client()
        await sync_to_async(browser.force_login)(ada)
        page = await sync_to_async(browser.get)(f"/c/{reply.conversation_id}/")
        assert KEY not in page.content.decode()
    assert not [line for line in log.lines if KEY in line]


@pytest.mark.parametrize("echo", ECHOES)
def test_t12_nor_in_what_an_answer_of_the_upstream_is_read_as(echo: str) -> None:
    body = json.dumps({"error": {"code": 400, "message": echo, "metadata": {"raw": echo}}})
    for text in (body, echo):
        error = error_from_response(400, {}, text)
        assert KEY not in f"{error} {error.detail} {error!r} {error.for_person}"
