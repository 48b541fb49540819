"""T1, T3, T6: what a link shows to strangers, and until when."""

from __future__ import annotations

import pytest
from django.test import Client

from accounts.models import User
from chat.models import Conversation, Message, Role
from chat.sharing import share

HOSTILE = '<img src=x onerror=alert(1)>"><script>alert(1)</script>{{ 7|add:7 }}'


@pytest.fixture
def talk(ada: User) -> Conversation:
    talk = Conversation.objects.create(user=ada, title=HOSTILE[:120], choice="")
    asked = Message.objects.create(conversation=talk, role=Role.USER, text=HOSTILE)
    talk.head = Message.objects.create(
        conversation=talk, parent=asked, role=Role.ASSISTANT, text=HOSTILE,
        reasoning="private thought", served_model="acme/secret", html="<script>stored</script>",
    )  # fmt: skip
    talk.save()
    return talk


def test_t06_what_stands_on_it_is_inert_and_no_more_than_was_chosen(talk: Conversation) -> None:
    link = share(talk, days="", shown_name=HOSTILE)
    answer = Client().get(f"/s/{link.token}/")
    page = answer.content.decode()
    assert "alert(1)" in page
    assert "<script>" not in page
    assert "<img src=x" not in page
    assert "onerror=alert(1)>" not in page.replace("onerror=alert(1)&gt;", "")
    assert "add:7" in page
    for told in ("private thought", "acme/secret", "stored", "ada", "csrf", "sessionid", "hx-"):
        assert told not in page.replace("https", ""), told
    assert "default-src 'none'" in answer["Content-Security-Policy"]
    assert not answer.cookies


def test_t06_a_person_who_is_deactivated_shows_nothing_any_more(talk: Conversation) -> None:
    link = share(talk, days="", shown_name="")
    assert Client().get(f"/s/{link.token}/").status_code == 200
    User.objects.update(is_active=False)
    assert Client().get(f"/s/{link.token}/").status_code == 404


@pytest.mark.parametrize("days", ["0", "-1", "99999999999", "NaN", "1e9", "٣", "30 "])
def test_t06_a_link_lasts_no_other_time(talk: Conversation, client: Client, days: str) -> None:
    client.force_login(talk.user)
    client.post(f"/c/{talk.pk}/share/", {"days": days})
    assert not talk.shares.exists()
