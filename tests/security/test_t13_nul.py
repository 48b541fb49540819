"""T13: a NUL, which PostgreSQL keeps nowhere, is no error of ours in any form or address."""

from __future__ import annotations

import pytest
from django.test import Client

from accounts.models import User
from chat.models import Conversation, Message, SavedPrompt
from chat.runner import runner
from tests.chat.conftest import Ask

FORMS = [
    ("c/{talk}/rename/", "title"),
    ("c/{talk}/move/", "name"),
    ("c/{talk}/instructions/", "text"),
    ("c/{talk}/share/", "shown_name"),
    ("c/{talk}/share/", "days"),
    ("c/{talk}/wishes/", "order"),
    ("c/{talk}/send/", "prompt"),
    ("c/{talk}/send/", "nonce"),
    ("m/{reply}/again/", "model"),
    ("m/{reply}/again/", "nonce"),
    ("m/{reply}/retry/", "model"),
    ("m/{reply}/fork/", "nonce"),
    ("folders/", "name"),
    ("models/favourite/", "slug"),
    ("library/prompts/", "name"),
    ("accounts/login/", "login"),
]


@pytest.mark.parametrize(("route", "field"), FORMS)
def test_t13_a_form_with_a_nul_is_no_fault(
    ask: Ask, ada: User, client: Client, monkeypatch: pytest.MonkeyPatch, route: str, field: str
) -> None:
    monkeypatch.setattr(runner, "start", lambda *_: None)  # it is asked off its loop here
    client.force_login(ada)
    turn = ask()
    Message.objects.filter(pk=turn.reply.pk).update(state="failed", lease_until=None)
    url = route.format(talk=turn.conversation.pk, reply=turn.reply.pk)
    answer = client.post(f"/{url}", {"name": "n", "text": "t", field: "a\0b"})
    assert answer.status_code < 500
    kept = [*Conversation.objects.values_list("title", "system_prompt")]
    assert "\0" not in str(kept)


def test_t13_nothing_of_the_rest_is_lost(ada: User, client: Client) -> None:
    client.force_login(ada)
    client.post("/library/prompts/", {"name": "n", "text": "before\0after"})
    assert SavedPrompt.objects.get().text == "before\ufffdafter"


@pytest.mark.parametrize(
    "url",
    [
        "/s/%00/",
        "/search/?q=a%00",
        "/library/?which=%00",
        "/sidebar/?open=%00",
        "/usage/?month=%00",
    ],
)
def test_t13_an_address_with_a_nul_is_no_fault(ada: User, client: Client, url: str) -> None:
    client.force_login(ada)
    assert client.get(url).status_code in (200, 404)


@pytest.mark.parametrize("digits", [19, 400, 5_000])
def test_t13_a_number_without_end_is_none(ada: User, client: Client, digits: int) -> None:
    client.force_login(ada)
    many = "9" * digits
    for url in (
        f"/library/?which={many}",
        f"/library/prompts/?edit={many}",
        f"/library/?page={many}",
        f"/sidebar/?shown={many}",
        f"/m/{many}/",
    ):
        assert client.get(url).status_code in (200, 404), url
