"""Calls and entries for the tests of the books."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.contrib.auth.models import AbstractBaseUser

from billing.models import Call, Purpose, UsageRecord
from billing.services import end_call, note_generation_id, reserve_call, start_call
from openrouter.events import Usage
from openrouter.types import Completion

OF_THE_END = {
    "served_model",
    "provider",
    "finish_reason",
    "ttft_ms",
    "duration_ms",
    "may_have_cost",
    "error",
}


def a_call(user: AbstractBaseUser, **fields: Any) -> Call:
    """A reserved call."""
    return reserve_call(
        user=user,
        **{
            "purpose": Purpose.REPLY,
            "requested_model": "openai/gpt-5",
            "reserved_usd": Decimal("0.04"),
            "conversation_ref": "conversation",
            "message_ref": "message",
            **fields,
        },
    )


def running_call(user: AbstractBaseUser, **fields: Any) -> Call:
    call = a_call(user, **fields)
    start_call(call_id=call.pk)
    return call


def ended(call: Call, **fields: Any) -> UsageRecord | None:
    """End a call; what is no argument of `end_call` goes into its usage."""
    of_usage = {name: value for name, value in fields.items() if name not in OF_THE_END}
    of_the_end = {name: value for name, value in fields.items() if name in OF_THE_END}
    return end_call(
        call_id=call.pk,
        usage=Usage(**of_usage) if of_usage else None,
        **{
            "served_model": None,
            "provider": None,
            "finish_reason": None,
            "ttft_ms": None,
            "duration_ms": None,
            "may_have_cost": True,
            **of_the_end,
        },
    )


def entry_of(user: AbstractBaseUser, cost: str, **fields: Any) -> UsageRecord:
    """A call that was made and booked."""
    entry = ended(running_call(user), cost_usd=Decimal(cost), **fields)
    assert entry is not None
    return entry


def answered(user: AbstractBaseUser, completion: Completion, **fields: Any) -> UsageRecord:
    """What the upstream has answered, booked as of this person: one answer in both books.

    `fields` are those of the call.
    """
    call = running_call(user, **fields)
    note_generation_id(call_id=call.pk, generation_id=str(completion.generation_id))
    entry = end_call(
        call_id=call.pk,
        usage=completion.usage,
        served_model=completion.model,
        provider=completion.provider,
        finish_reason=completion.finish_reason,
        ttft_ms=None,
        duration_ms=None,
        may_have_cost=True,
    )
    assert entry is not None
    return entry
