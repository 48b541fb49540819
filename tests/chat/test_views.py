"""The pages and the commands, as a browser with and without JavaScript meets them."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from accounts.models import User
from chat.drafts import Draft
from chat.models import Conversation, Message, State
from chat.runner import runner
from chat.services import Job
from chat.settlement import Timing, settle_reply
from tests.chat.conftest import Ask

HTMX = {"HX-Request": "true"}


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Job, str]]:
    """The replies that a view hands to the runner, which stays closed here."""
    calls: list[tuple[Job, str]] = []
    monkeypatch.setattr(runner, "start", lambda job, change, frame: calls.append((job, frame)))
    return calls


@pytest.fixture
def page(client: Client, ada: User) -> Client:
    client.force_login(ada)
    return client


def post(page: Client, url: str, *, htmx: bool = True, **fields: str) -> Any:
    return page.post(url, fields, headers=HTMX if htmx else {})


def test_nobody_reads_without_signing_in(client: Client, db: None) -> None:
    for url in (reverse("chat:home"), reverse("chat:conversation", args=[uuid.uuid4()])):
        assert client.get(url).status_code == 302


def test_a_new_conversation_takes_the_place_of_the_empty_one(
    page: Client, started: list[tuple[Job, str]]
) -> None:
    response = post(page, reverse("chat:send"), prompt="Hello", nonce="n1")
    conversation = Conversation.objects.get()
    html = response.content.decode()
    assert response["HX-Push-Url"] == conversation.get_absolute_url()
    assert f'ws-connect="/ws/c/{conversation.pk}/"' in html
    assert 'data-state="streaming"' in html
    assert len(started) == 1


def test_a_turn_goes_to_its_slot_here_and_on_every_tab(
    page: Client, ask: Ask, started: list[tuple[Job, str]]
) -> None:
    turn = ask()
    settle_reply(
        pk=turn.reply.pk,
        call_id=turn.reply.call_id,
        draft=Draft(["x"]),
        state=State.DONE,
        timing=Timing(None, 1),
    )
    url = reverse("chat:send_to", args=[turn.conversation.pk])
    response = post(page, url, prompt="And then?", nonce="n2")
    [(_, frame)] = started
    assert response.content.decode() == frame
    assert f'hx-swap-oob="beforebegin:#next-{turn.reply.pk}"' in frame
    assert f'<div id="next-{turn.reply.pk}" hx-swap-oob="delete">' in frame


def test_a_double_click_starts_one_reply(page: Client, started: list[tuple[Job, str]]) -> None:
    for _ in range(2):
        assert post(page, reverse("chat:send"), prompt="Hello", nonce="n1").status_code == 200
    assert len(started) == 1
    assert Message.objects.count() == 2


def test_without_javascript_sending_leads_to_the_conversation(
    page: Client, started: list[tuple[Job, str]]
) -> None:
    response = post(page, reverse("chat:send"), htmx=False, prompt="Hello", nonce="n1")
    assert response.status_code == 302
    assert page.get(response["Location"]).status_code == 200


@pytest.mark.parametrize("htmx", [True, False])
def test_an_empty_prompt_is_refused_with_a_reason(page: Client, *, htmx: bool) -> None:
    response = post(page, reverse("chat:send"), htmx=htmx, prompt="  ", nonce="n1")
    assert response.status_code == 400
    assert "write a message first" in response.content.decode()


def test_a_refused_prompt_is_not_lost_without_javascript(page: Client, ask: Ask) -> None:
    turn = ask()
    url = reverse("chat:send_to", args=[turn.conversation.pk])
    response = post(page, url, htmx=False, prompt="my long thought", nonce="n2")
    html = response.content.decode()
    assert response.status_code == 409
    assert "still being written" in html
    assert "my long thought" in html


def test_a_prompt_too_long_is_told_its_length(page: Client, settings: Settings) -> None:
    settings.MAX_PROMPT_CHARS = 10
    response = post(page, reverse("chat:send"), prompt="x" * 11, nonce="n1")
    assert response.status_code == 413
    assert "11 characters" in response.content.decode()


@pytest.mark.parametrize("htmx", [True, False])
def test_a_form_too_large_to_read_is_told_so(
    page: Client, settings: Settings, *, htmx: bool
) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    headers = HTMX if htmx else {}
    response = page.post(
        reverse("chat:send"),
        "prompt=" + "x" * 5000,
        content_type="application/x-www-form-urlencoded",
        headers=headers,
    )
    assert response.status_code == 413


def test_a_model_that_does_not_exist_is_refused(page: Client) -> None:
    response = post(page, reverse("chat:send"), prompt="Hello", model="nobody/nothing")
    assert response.status_code == 400
    assert not Conversation.objects.exists()


def test_what_is_anothers_does_not_exist(
    client: Client, eve: User, ask: Ask, started: list[tuple[Job, str]]
) -> None:
    turn = ask()
    client.force_login(eve)
    conversation, reply = turn.conversation.pk, turn.reply.pk
    assert client.get(reverse("chat:conversation", args=[conversation])).status_code == 404
    for url in (
        reverse("chat:send_to", args=[conversation]),
        reverse("chat:stop", args=[reply]),
        reverse("chat:retry", args=[reply]),
    ):
        assert post(client, url, prompt="Hello", nonce="n1").status_code == 404
    assert not started


def test_stopping_what_has_ended_shows_how_it_ended(page: Client, ask: Ask) -> None:
    turn = ask()
    settle_reply(
        pk=turn.reply.pk,
        call_id=turn.reply.call_id,
        draft=Draft(["x"]),
        state=State.DONE,
        timing=Timing(None, 1),
    )
    response = post(page, reverse("chat:stop", args=[turn.reply.pk]))
    assert 'data-state="done"' in response.content.decode()


def test_retry_takes_the_place_of_the_failed_reply(
    page: Client, ask: Ask, started: list[tuple[Job, str]]
) -> None:
    turn = ask()
    settle_reply(
        pk=turn.reply.pk,
        call_id=turn.reply.call_id,
        draft=Draft(["x"]),
        state=State.FAILED,
        timing=Timing(None, 1),
    )
    response = post(page, reverse("chat:retry", args=[turn.reply.pk]), nonce="r1")
    html = response.content.decode()
    assert f'hx-swap-oob="outerHTML:#m{turn.reply.pk}"' in html
    assert f'hx-swap-oob="outerHTML:#next-{turn.reply.pk}"' in html
    assert len(started) == 1


def test_a_post_without_its_token_is_refused(ada: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(ada)
    assert client.post(reverse("chat:send"), {"prompt": "Hello"}).status_code == 403


def test_every_page_forbids_what_is_not_ours(page: Client) -> None:
    policy = page.get(reverse("chat:home"))["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


def test_the_model_list_names_the_catalogue(page: Client) -> None:
    html = page.get(reverse("chat:models")).content.decode()
    assert "acme/one" in html
    assert "umbra/two" in html


def test_a_running_reply_shows_its_checkpoint_before_the_socket_is_open(
    page: Client, ask: Ask
) -> None:
    turn = ask()
    turn.reply.chunks.create(part="text", offset=0, text="So *far*")
    html = page.get(turn.conversation.get_absolute_url()).content.decode()
    assert "So <em>far</em>" in html
