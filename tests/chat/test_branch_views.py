"""Branches as a browser asks for them, with and without JavaScript."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from chat.models import Conversation, Message
from chat.relay import Change
from chat.runner import runner
from chat.services import Turn
from tests.chat.conftest import Ask
from tests.chat.test_branches import settle

HTMX = {"HX-Request": "true"}


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[Change]:
    """What is shown to the tabs; the runner stays closed."""
    changes: list[Change] = []
    monkeypatch.setattr(runner, "start", lambda job, change, frame: changes.append(change))
    monkeypatch.setattr(runner, "announce", changes.append)
    return changes


@pytest.fixture
def page(client: Client, ada: User) -> Client:
    client.force_login(ada)
    return client


@pytest.fixture
def talk(ask: Ask) -> Turn:
    turn = ask("One", nonce="1")
    settle(turn, "First.")
    return turn


def url(name: str, message: Message) -> str:
    return reverse(f"chat:{name}", args=[message.pk])


def post(page: Client, address: str, *, htmx: bool = True, **fields: str) -> Any:
    return page.post(address, fields, headers=HTMX if htmx else {})


@pytest.mark.parametrize("htmx", [True, False])
def test_an_edit_is_shown_to_every_tab(
    page: Client, talk: Turn, started: list[Change], *, htmx: bool
) -> None:
    question = talk.messages[0]
    response = post(page, url("edit", question), htmx=htmx, prompt="Uno\r\ndue", nonce="e")
    assert response.status_code == (204 if htmx else 302)
    [change] = started
    assert (change.kind, change.conversation) == ("branch", talk.conversation.pk)
    assert Message.objects.filter(text="Uno\ndue").exists()


def test_an_edit_that_is_refused_is_not_lost_without_javascript(
    page: Client, ask: Ask, talk: Turn, started: list[Change]
) -> None:
    ask("Two", nonce="2", conversation=talk.conversation)
    response = post(page, url("edit", talk.messages[0]), htmx=False, prompt="my thought", nonce="e")
    assert response.status_code == 409
    html = response.content.decode()
    assert "my thought" in html
    assert "still being written" in html
    assert not started


def test_the_pages_without_javascript_show_what_they_ask_for(page: Client, talk: Turn) -> None:
    edit = page.get(url("edit", talk.messages[0])).content.decode()
    assert ">One</textarea>" in edit
    again = page.get(url("again", talk.reply)).content.decode()
    assert '<option value="same">' in again
    assert '<option value="umbra/two">' in again


@pytest.mark.parametrize("model", ["same", "", "umbra/two"])
def test_an_answer_is_asked_for_again(
    page: Client, talk: Turn, started: list[Change], model: str
) -> None:
    response = post(page, url("again", talk.reply), model=model, nonce="g")
    assert response.status_code == 204
    [change] = started
    newest = Message.objects.latest("pk")
    assert (change.kind, change.reply) == ("branch", newest.pk)
    assert newest.parent_id == talk.messages[0].pk


def test_a_double_click_asks_once(page: Client, talk: Turn, started: list[Change]) -> None:
    for _ in range(2):
        assert post(page, url("again", talk.reply), model="", nonce="g").status_code == 204
    assert len(started) == 1


def test_a_branch_is_shown_on_every_tab(page: Client, talk: Turn, started: list[Change]) -> None:
    post(page, url("edit", talk.messages[0]), prompt="Uno", nonce="e")
    Message.objects.running().update(state="done", lease_until=None, text="Primo.")
    started.clear()
    assert post(page, url("show", talk.reply)).status_code == 204
    assert [change.kind for change in started] == ["branch"]
    html = page.get(talk.conversation.get_absolute_url()).content.decode()
    assert "First." in html
    assert "Uno" not in html
    assert f'formaction="{url("show", Message.objects.get(text="Uno"))}"' in html


def test_switching_without_javascript_leads_back_to_the_message(
    page: Client, talk: Turn, started: list[Change]
) -> None:
    response = post(page, url("show", talk.reply), htmx=False)
    assert response["Location"].endswith(f"#m{talk.reply.pk}")


@pytest.mark.parametrize("htmx", [True, False])
def test_a_fork_is_opened(page: Client, talk: Turn, *, htmx: bool) -> None:
    response = post(page, url("fork", talk.reply), htmx=htmx, nonce="f")
    copy = Conversation.objects.exclude(pk=talk.conversation.pk).get()
    assert response["HX-Redirect" if htmx else "Location"] == copy.get_absolute_url()
    assert "First." in page.get(copy.get_absolute_url()).content.decode()


@pytest.mark.parametrize("name", ["edit", "again", "show", "fork"])
def test_what_is_anothers_cannot_be_branched(
    client: Client, eve: User, talk: Turn, started: list[Change], name: str
) -> None:
    client.force_login(eve)
    for message in talk.messages:
        assert post(client, url(name, message), prompt="x", nonce="n").status_code == 404
    if name in {"edit", "again"}:
        assert client.get(url(name, talk.reply)).status_code == 404
    assert not started
    assert Message.objects.count() == 2


def test_a_running_answer_is_named_where_something_is_refused(
    page: Client, ask: Ask, talk: Turn, started: list[Change]
) -> None:
    ask("Two", nonce="2", conversation=talk.conversation)
    for name in ("edit", "again", "show"):
        message = talk.messages[0] if name == "edit" else talk.reply
        response = post(page, url(name, message), prompt="x", nonce=name)
        assert response.status_code == 409
        assert "still being written" in response.content.decode()
    assert not started
