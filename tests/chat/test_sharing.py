"""A shared link shows what it should, to anybody, for as long as it should, and nothing else."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from chat.drafts import Draft
from chat.models import Conversation, Message, Role, Share, State
from chat.organise import delete, restore
from chat.settlement import Timing, settle_reply
from chat.sharing import CannotShare, share
from tests.chat.conftest import Ask

HOSTILE = "<script>alert(1)</script> <img src=x onerror=alert(2)> [x](javascript:alert(3)) **bold**"


@pytest.fixture
def talk(ask: Ask) -> Conversation:
    """A question and an answer that somebody wishes to show."""
    turn = ask("What is <b>blue</b>?")
    draft = Draft([f"The sky. {HOSTILE}"], ["secret thoughts"], model="acme/one")
    settle_reply(
        pk=turn.reply.pk,
        call_id=turn.reply.call_id,
        draft=draft,
        state=State.DONE,
        timing=Timing(None, 1),
    )
    return Conversation.objects.get(pk=turn.conversation.pk)


def made(talk: Conversation, **given: Any) -> Share:
    return share(talk, **({"days": "7", "shown_name": ""} | given))


def opened(link: Share) -> Any:
    """As somebody opens it who has no account."""
    return Client().get(reverse("chat:shared", args=[link.token]))


def test_a_link_shows_the_conversation_to_whoever_has_it(talk: Conversation) -> None:
    html = opened(made(talk)).content.decode()
    assert "What is &lt;b&gt;blue&lt;/b&gt;?" in html
    assert "The sky." in html
    assert "<strong>bold</strong>" in html


def test_it_tells_no_more_than_was_chosen(talk: Conversation) -> None:
    html = opened(made(talk)).content.decode()
    for secret in ("secret thoughts", "acme", "ada", "$", "cost", " tokens"):
        assert secret not in html, secret
    assert "shared by Ada L." in opened(made(talk, shown_name="  Ada L. ")).content.decode()


def test_what_a_model_wrote_is_as_inert_there_as_here(talk: Conversation) -> None:
    response = opened(made(talk, shown_name="<script>x</script>"))
    html = response.content.decode()
    assert "<script>alert" not in html
    assert "<script>x" not in html
    assert "<img" not in html
    assert 'href="javascript' not in html
    policy = response["Content-Security-Policy"]
    assert "connect-src 'none'" in policy
    assert "form-action 'none'" in policy
    assert "unsafe" not in policy


def test_it_is_not_for_search_engines_or_caches_and_sends_no_referrer(talk: Conversation) -> None:
    response = opened(made(talk))
    assert "noindex" in response["X-Robots-Tag"]
    assert "no-store" in response["Cache-Control"]
    assert response["Referrer-Policy"] == "no-referrer"
    assert not response.cookies


def test_it_is_a_copy_and_what_comes_later_is_not_in_it(talk: Conversation) -> None:
    link = made(talk)
    Message.objects.filter(role=Role.ASSISTANT).update(text="changed", html="changed")
    Conversation.objects.update(title="changed")
    Message.objects.create(conversation=talk, parent=talk.head, role=Role.USER, text="later")
    html = opened(link).content.decode()
    assert "The sky." in html
    assert "changed" not in html
    assert "later" not in html


def test_only_the_branch_on_show_is_copied(talk: Conversation) -> None:
    Message.objects.create(conversation=talk, role=Role.USER, text="another branch")
    assert "another branch" not in opened(made(talk)).content.decode()


def test_it_ends_when_it_is_ended_when_its_time_is_over_and_with_its_conversation(
    talk: Conversation,
) -> None:
    link = made(talk)
    assert opened(link).status_code == 200
    Share.objects.update(expires_at=timezone.now() - dt.timedelta(seconds=1))
    assert opened(link).status_code == 404
    Share.objects.update(expires_at=None)
    delete(talk)
    assert opened(link).status_code == 404
    restore(talk)
    assert opened(link).status_code == 200
    Share.objects.update(revoked_at=timezone.now())
    ended = opened(link)
    assert ended.status_code == 404
    assert "noindex" in ended["X-Robots-Tag"]


def test_a_token_is_not_guessed(talk: Conversation) -> None:
    tokens = {made(talk).token for _ in range(20)}
    assert len(tokens) == 20
    assert all(len(token) >= 32 for token in tokens)
    assert Client().get(reverse("chat:shared", args=["x" * 32])).status_code == 404


def test_what_is_still_being_written_is_left_out(ask: Ask) -> None:
    turn = ask("Why?")
    link = made(turn.conversation)
    assert [it["role"] for it in link.messages] == ["user"]


def test_there_is_nothing_to_share_of_nothing(ada: User) -> None:
    empty = Conversation.objects.create(user=ada, title="")
    with pytest.raises(CannotShare, match="nothing to share"):
        made(empty)


@pytest.mark.parametrize("days", ["0", "-1", "9999", "x", "1.5"])
def test_a_link_lasts_as_long_as_is_offered(talk: Conversation, days: str) -> None:
    with pytest.raises(CannotShare):
        made(talk, days=days)


def test_a_person_makes_lists_and_ends_links(talk: Conversation, client: Client) -> None:
    client.force_login(talk.user)
    url = reverse("chat:share", args=[talk.pk])
    answer = client.post(url, {"days": "1", "shown_name": "Ada"}, headers={"HX-Request": "true"})
    link = Share.objects.get()
    assert f"/s/{link.token}/" in answer.content.decode()
    assert link.token in client.get(reverse("chat:shares")).content.decode()
    client.post(reverse("chat:revoke_share", args=[link.pk]))
    assert opened(link).status_code == 404
    client.post(reverse("chat:forget_share", args=[link.pk]))
    assert not Share.objects.exists()


def test_anothers_conversations_and_links_do_not_exist(
    talk: Conversation, client: Client, eve: User
) -> None:
    link = made(talk)
    client.force_login(eve)
    assert client.post(reverse("chat:share", args=[talk.pk])).status_code == 404
    for command in ("revoke_share", "forget_share"):
        assert client.post(reverse(f"chat:{command}", args=[link.pk])).status_code == 404
    assert link.token not in client.get(reverse("chat:shares")).content.decode()
    assert opened(link).status_code == 200
