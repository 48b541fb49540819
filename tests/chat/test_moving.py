"""What an open page is given for another conversation: that alone, and never for a whole page."""

from __future__ import annotations

import pytest
from django.test import Client

from accounts.models import User
from chat.models import Conversation

INSIDE = {"HX-Request": "true", "HX-Target": "main"}


@pytest.fixture
def conversation(ada: User) -> Conversation:
    return Conversation.objects.create(user=ada, title="Apples & pears")


def test_only_the_conversation_comes(client: Client, ada: User, conversation: Conversation) -> None:
    client.force_login(ada)
    html = client.get(conversation.get_absolute_url(), headers=INSIDE).content.decode()
    assert "<title>Apples &amp; pears · Switchboard</title>" in html
    assert f'data-conversation="{conversation.pk}"' in html
    assert "<html" not in html
    assert 'id="sidebar"' not in html
    assert "<title>Switchboard</title>" in client.get("/", headers=INSIDE).content.decode()


def test_a_cache_never_takes_it_for_the_page(
    client: Client, ada: User, conversation: Conversation
) -> None:
    client.force_login(ada)
    for path in ("/", conversation.get_absolute_url()):
        for headers in ({}, INSIDE):
            vary = client.get(path, headers=headers).headers["Vary"].replace(" ", "").split(",")
            assert {"HX-Request", "HX-Target"} <= set(vary)
    assert "<html" in client.get("/", headers={"HX-Request": "true"}).content.decode()


def test_what_is_anothers_does_not_exist_here_either(
    client: Client, conversation: Conversation, eve: User
) -> None:
    client.force_login(eve)
    assert client.get(conversation.get_absolute_url(), headers=INSIDE).status_code == 404
