"""Deleting a message, a conversation, a person: every row and every sum of the books stays."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import User
from billing.models import Call, UsageRecord
from billing.services import conversation_total, correct_entry
from chat.models import Conversation, Message
from openrouter.events import Usage
from tests.chat.conftest import Ask
from tests.chat.test_costs_shown import settled

pytestmark = pytest.mark.django_db


def books(conversation: Conversation, person_ref: str) -> dict[str, Any]:
    """Every row but for the link to a person, and every sum that somebody may ask for."""
    entries = UsageRecord.objects.order_by("pk")
    columns = [f.attname for f in Call._meta.fields if f.attname not in ("user_id", "key_id")]
    return {
        "entries": list(entries.values()),
        "calls": list(Call.objects.order_by("pk").values(*columns)),
        "total": entries.total_usd(),
        "own": entries.own_key_usd(),
        "by model": entries.by_model(),
        "month": entries.in_month(timezone.now().date()).total_usd(),
        "person": entries.filter(user_ref=person_ref).total_usd(),
        "conversation": conversation_total(conversation_ref=str(conversation.pk)),
    }


def test_deleting_messages_conversations_and_people_changes_no_sum(ada: User, ask: Ask) -> None:
    turn = ask()
    cost = Decimal("0.0000123456789012345678")
    reply = settled(turn, Usage(prompt_tokens=3, completion_tokens=2, cost_usd=cost))
    assert reply.usage
    correct_entry(entry=reply.usage, cost_usd=Decimal("0.000011"))
    settled(ask("And?", conversation=turn.conversation, nonce="n"), generation_id="gen-1")
    conversation, person_ref = turn.conversation, reply.usage.user_ref
    before = books(conversation, person_ref)
    assert before["total"] == Decimal("0.000011")
    assert before["conversation"].pending == 1

    Message.objects.filter(pk=reply.pk).delete()
    assert books(conversation, person_ref) == before
    Conversation.objects.filter(user=ada).delete()
    assert not Message.objects.exists()
    assert books(conversation, person_ref) == before
    ada.delete()
    assert books(conversation, person_ref) == before
