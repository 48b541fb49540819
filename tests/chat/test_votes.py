"""Thumbs as a browser gives them, and the page of what they taught."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from chat.drafts import Draft
from chat.models import Message, State
from chat.settlement import Timing, settle_reply
from routing.evidence_models import Evidence
from tests.chat.conftest import Ask

HTMX = {"HX-Request": "true"}


@pytest.fixture
def page(client: Client, ada: User) -> Client:
    client.force_login(ada)
    return client


@pytest.fixture
def reply(ask: Ask) -> Message:
    """An answer of the model that was chosen."""
    turn = ask()
    settled = settle_reply(
        pk=turn.reply.pk,
        call_id=turn.reply.call_id,
        draft=Draft(["Because."], model="acme/one-20260501"),
        state=State.DONE,
        timing=Timing(None, 1),
    )
    assert settled is not None
    return settled


def vote(page: Client, reply: Message, value: str, *, htmx: bool = True) -> Any:
    url = reverse("chat:thumb", args=[reply.pk, value])
    return page.post(url, headers=HTMX if htmx else {})


def test_a_thumb_stays_under_its_answer_and_becomes_evidence(page: Client, reply: Message) -> None:
    html = vote(page, reply, "up").content.decode()
    assert html.count('aria-pressed="true"') == 1
    kept = Evidence.objects.get()
    assert (kept.model, kept.successes, kept.failures) == ("acme/one", 1, 0)
    shown = page.get(reply.conversation.get_absolute_url()).content.decode()
    assert shown.count('aria-pressed="true"') == 1


def test_the_same_thumb_twice_is_one_vote_and_another_turns_it(
    page: Client, reply: Message
) -> None:
    for value in ("up", "up", "down"):
        assert vote(page, reply, value).status_code == 200
    kept = Evidence.objects.get()
    assert (kept.successes, kept.failures) == (0, 1)


def test_a_thumb_is_taken_back(page: Client, reply: Message) -> None:
    vote(page, reply, "up")
    assert 'aria-pressed="true"' not in vote(page, reply, "none").content.decode()
    assert not Evidence.objects.exists()


def test_without_javascript_a_thumb_leads_back_to_the_answer(page: Client, reply: Message) -> None:
    response = vote(page, reply, "down", htmx=False)
    assert response.status_code == 302
    assert response["Location"].endswith(f"#m{reply.pk}")


@pytest.mark.parametrize("value", ["sideways", "1", ""])
def test_what_is_no_thumb_is_not_found(page: Client, reply: Message, value: str) -> None:
    assert page.post(f"/m/{reply.pk}/thumb/{value}/").status_code == 404


def test_only_its_owner_votes_and_only_by_post(
    client: Client, eve: User, page: Client, reply: Message
) -> None:
    assert page.get(reverse("chat:thumb", args=[reply.pk, "up"])).status_code == 405
    client.force_login(eve)
    assert vote(client, reply, "up").status_code == 404
    assert not Evidence.objects.exists()


def test_what_has_not_ended_is_not_voted_on(page: Client, ask: Ask) -> None:
    turn = ask()
    assert vote(page, turn.reply, "up").status_code == 409
    assert turn.reply.parent is not None
    assert vote(page, turn.reply.parent, "up").status_code == 409
    assert not Evidence.objects.exists()


def test_the_page_shows_what_was_learned_and_forgets_it_on_request(
    page: Client, reply: Message
) -> None:
    assert "Nothing yet" in page.get(reverse("chat:learned")).content.decode()
    vote(page, reply, "down")
    shown = page.get(reverse("chat:learned")).content.decode()
    assert "one" in shown
    assert "thinks of it as before" in shown or "trusts it a little less" in shown
    page.post(reverse("chat:forget_votes"))
    assert "Nothing yet" in page.get(reverse("chat:learned")).content.decode()
    reply.refresh_from_db()
    assert reply.thumb is None


def test_what_others_taught_is_not_shown(page: Client, eve: User, ada: User) -> None:
    Evidence.objects.create(user=eve, demand="code", model="umbra/secret", failures=3)
    assert "secret" not in page.get(reverse("chat:learned")).content.decode()
    page.post(reverse("chat:forget_votes"))
    assert Evidence.objects.filter(user=eve).exists()
