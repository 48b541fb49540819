"""Instructions go with every request of their conversation; prompts are a person's own."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from chat.models import Conversation, Message, SavedPrompt, State
from chat.prompts_library import TEXT_CHARS, CannotSave, begin_with, instruct, save_prompt
from chat.services import retry
from tests.chat.conftest import OWNER, Ask

HTMX = {"HX-Request": "true"}


def asked(turn: Any) -> list[tuple[str, str]]:
    """What the request of a turn holds."""
    assert turn.job is not None
    return [(it["role"], it["content"]) for it in turn.job.request.messages]


def test_instructions_come_first_in_every_request(ask: Ask, ada: User) -> None:
    talk = begin_with(ada, "  Answer in French. ")
    first = ask("Hello", conversation=talk, nonce="1")
    assert asked(first) == [("system", "Answer in French."), ("user", "Hello")]
    Message.objects.running().update(state=State.FAILED, lease_until=None)
    again = retry(
        user=ada,
        failed=Message.objects.get(pk=first.reply.pk),
        choice=None,
        nonce="2",
        owner=OWNER,
    )
    assert asked(again)[0] == ("system", "Answer in French.")


def test_without_instructions_nothing_is_sent_for_them(ask: Ask) -> None:
    assert asked(ask("Hello")) == [("user", "Hello")]


def test_a_conversation_that_began_empty_is_named_by_its_first_prompt(ask: Ask, ada: User) -> None:
    talk = begin_with(ada, "Be brief.")
    ask("Why is the sky blue?", conversation=talk)
    talk.refresh_from_db()
    assert talk.title == "Why is the sky blue?"


def test_an_empty_conversation_greets_like_a_new_one(client: Client, ada: User) -> None:
    client.force_login(ada)
    html = client.get(begin_with(ada, "Be brief.").get_absolute_url()).content.decode()
    assert 'id="empty"' in html


def test_instructions_have_a_length_that_is_told(ada: User, client: Client) -> None:
    talk = Conversation.objects.create(user=ada, title="Talk", system_prompt="before")
    with pytest.raises(CannotSave, match="too long"):
        instruct(talk, "x" * (TEXT_CHARS + 1))
    client.force_login(ada)
    url = reverse("chat:instructions", args=[talk.pk])
    html = client.post(url, {"text": "y" * (TEXT_CHARS + 1)}, headers=HTMX).content.decode()
    assert "too long" in html
    assert "y" * TEXT_CHARS in html, "what was typed is not lost"
    talk.refresh_from_db()
    assert talk.system_prompt == "before"
    client.post(url, {"text": "after"}, headers=HTMX)
    talk.refresh_from_db()
    assert talk.system_prompt == "after"


def test_prompts_are_made_changed_and_deleted(ada: User, client: Client) -> None:
    client.force_login(ada)
    url = reverse("chat:prompts")
    client.post(url, {"name": " Brief ", "text": "Say it\r\nin a line."})
    prompt = SavedPrompt.objects.get()
    assert (prompt.name, prompt.text) == ("Brief", "Say it\nin a line.")
    client.post(url, {"edit": prompt.pk, "name": "Briefer", "text": "Less."})
    prompt.refresh_from_db()
    assert (prompt.name, prompt.text) == ("Briefer", "Less.")
    client.post(reverse("chat:delete_prompt", args=[prompt.pk]))
    assert not SavedPrompt.objects.exists()


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        ("", "x", "needs a name"),
        ("x", " ", "needs a name"),
        ("taken", "x", "already"),
        ("x", "x" * 20_001, "too long"),
    ],
)
def test_a_prompt_that_cannot_be_is_refused_and_not_lost(
    ada: User, client: Client, name: str, text: str, why: str
) -> None:
    save_prompt(ada, None, name="Taken", text="x")
    client.force_login(ada)
    response = client.post(reverse("chat:prompts"), {"name": name, "text": text})
    assert response.status_code == 400
    assert why in response.content.decode()
    assert text.strip() in response.content.decode()
    assert SavedPrompt.objects.count() == 1


def test_a_prompt_is_shown_as_text(ada: User, client: Client) -> None:
    save_prompt(ada, None, name="<b>n</b>", text='"><script>alert(1)</script>')
    client.force_login(ada)
    talk = Conversation.objects.create(user=ada, title="Talk")
    for url in (
        reverse("chat:prompts"),
        reverse("chat:slash"),
        reverse("chat:instructions", args=[talk.pk]),
    ):
        html = client.get(url).content.decode()
        assert "<script>alert" not in html
        assert "<b>n" not in html


def test_anothers_prompts_and_instructions_do_not_exist(
    ada: User, eve: User, client: Client
) -> None:
    save_prompt(ada, None, name="Ada's", text="secret")
    prompt = SavedPrompt.objects.get()
    talk = Conversation.objects.create(user=ada, title="Talk", system_prompt="secret")
    client.force_login(eve)
    assert client.get(reverse("chat:prompts"), {"edit": prompt.pk}).status_code == 404
    assert client.get(reverse("chat:instructions", args=[talk.pk])).status_code == 404
    for command in ("begin", "delete_prompt"):
        assert client.post(reverse(f"chat:{command}", args=[prompt.pk])).status_code == 404
    form = {"edit": prompt.pk, "name": "Eve's", "text": "x"}
    assert client.post(reverse("chat:prompts"), form).status_code == 404
    assert "secret" not in client.get(reverse("chat:slash")).content.decode()
    assert SavedPrompt.objects.get().name == "Ada's"
