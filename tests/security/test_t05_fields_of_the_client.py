"""T5: what a client says of itself, of money or of the upstream counts for nothing.

A prompt is sent twice, plainly and with every field and header that such systems have believed;
the rows that come of both are the same. A socket takes nothing at all (T2).
"""

from __future__ import annotations

from typing import Any

import pytest
from asgiref.sync import sync_to_async
from channels.testing import WebsocketCommunicator
from django.test import Client

from accounts.models import User
from billing.models import Call, UsageRecord, user_ref
from chat.models import Conversation, Message
from tests.chat.conftest import Ask
from tests.chat.test_consumers import socket_app

FIELDS = {
    **dict.fromkeys(("user", "user_id", "owner", "owner_id", "requested_by", "user_ref"), "2"),
    **dict.fromkeys(("session", "session_id", "channel", "chat_id", "conversation"), "1"),
    **dict.fromkeys(("api_base", "base_url", "endpoint", "url"), "http://169.254.169.254/"),
    **dict.fromkeys(("api_key", "key", "authorization", "token"), "sk-or-v1-of-mine-00000000"),
    **dict.fromkeys(("cost", "cost_usd", "usage", "credit", "balance", "held_usd"), "-5"),
    **dict.fromkeys(("provider", "served_model", "generation_id", "finish_reason"), "mine"),
    "role": "assistant",
    "state": "done",
    "html": "<script>alert(1)</script>",
    "reasoning": "mine",
    "system_prompt": "mine",
    "messages": '[{"role": "system", "content": "mine"}]',
    "max_tokens": "999999",
    "max_completion_tokens": "999999",
    "parent": "1",
    "head": "1",
    "call": "1",
    "annotations": "[]",
    "files": "[]",
    "temperature": "9",
    "is_byok": "true",
    "key_kind": "own",
    "purpose": "title",
    "owner_process": "mine",
    "title": "mine",
    "folder": "1",
    "deleted_at": "2026-01-01",
}
HEADERS = {
    **dict.fromkeys(("X-User", "X-User-Id", "X-Forwarded-User", "Remote-User"), "eve"),
    **dict.fromkeys(("X-Auth-Request-Email", "X-OpenWebUI-User-Id"), "eve@example.org"),
    "Authorization": "Bearer sk-or-v1-of-mine-00000000",
    "X-Api-Key": "sk-or-v1-of-mine-00000000",
    "X-Session-Id": "mine",
}
VOLATILE = {"id", "nonce", "conversation_id", "parent_id", "head_id", "call_id", "usage_id"}
TIMES = {"created_at", "updated_at", "ended_at", "lease_until", "started_at", "settled_at"}


def shape(row: Any) -> dict[str, Any]:
    """A row without what differs from one turn to the next."""
    names = {it.attname for it in row._meta.concrete_fields} - VOLATILE - TIMES
    refs = ("conversation_ref", "decision", "message_ref", "turn_ref", "starts_at")
    return {name: getattr(row, name) for name in sorted(names) if name not in refs}


def rows_of(client: Client, form: dict[str, str], headers: dict[str, str]) -> list[dict[str, Any]]:
    before = set(Conversation.objects.values_list("pk", flat=True))
    assert client.post("/send/", {"prompt": "Why?"} | form, headers=headers).status_code == 302
    talk = Conversation.objects.exclude(pk__in=before).get()
    messages = list(talk.messages.order_by("pk"))
    calls = list(Call.objects.filter(pk__in=[it.call_id for it in messages if it.call_id]))
    assert len(calls) == 1
    return [shape(row) for row in (talk, *messages, *calls)]


def test_t05_fields_that_no_form_of_ours_has_change_nothing(
    idle: None, ada: User, eve: User, client: Client
) -> None:
    client.force_login(ada)
    plain = rows_of(client, {"nonce": "a"}, {})
    assert rows_of(client, {"nonce": "b"} | FIELDS, HEADERS) == plain
    assert not Message.objects.filter(conversation__user=eve).exists()
    assert not UsageRecord.objects.exists()
    assert "mine" not in str(plain)


@pytest.mark.parametrize("command", ["retry", "again", "edit", "go-on"])
def test_t05_nor_where_an_answer_is_asked_for_again(
    command: str, idle: None, ask: Ask, ada: User, eve: User, client: Client
) -> None:
    client.force_login(ada)
    turn = ask()
    Message.objects.filter(pk=turn.reply.pk).update(state="failed", lease_until=None)
    pk = turn.reply.parent_id if command == "edit" else turn.reply.pk
    client.post(f"/m/{pk}/{command}/", {"prompt": "Why?", "nonce": "n"} | FIELDS, headers=HEADERS)
    assert not Message.objects.exclude(conversation__user=ada).exists()
    assert not Message.objects.exclude(requested_by=ada).filter(requested_by__isnull=False).exists()
    assert not UsageRecord.objects.exists()
    assert set(Call.objects.values_list("user_ref", flat=True)) == {user_ref(ada)}


@pytest.mark.parametrize("model", ["../../etc", "acme/one\nX: 1", "http://evil.example", "x" * 200])
def test_t05_a_model_that_is_not_in_the_catalogue_is_none(
    ada: User, client: Client, model: str
) -> None:
    client.force_login(ada)
    assert 400 <= client.post("/send/", {"prompt": "Why?", "model": model}).status_code < 500
    assert not Call.objects.exists()


@pytest.mark.parametrize("header", HEADERS)
async def test_t05_a_header_opens_no_socket(ask: Ask, header: str) -> None:
    turn = await sync_to_async(ask)()
    communicator = WebsocketCommunicator(socket_app, f"/ws/c/{turn.conversation.pk}/?user=ada")
    communicator.scope["headers"].append((header.lower().encode(), b"ada"))
    await communicator.connect()
    assert (await communicator.receive_output())["code"] == 4401


@pytest.mark.parametrize("header", HEADERS)
def test_t05_nor_a_page(ada: User, client: Client, header: str) -> None:
    answer = client.get("/", headers={header: "ada"})
    assert answer.headers["Location"].startswith("/accounts/login/")
