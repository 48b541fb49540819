"""What turns cost, put on messages that are going to be drawn."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from billing.cache_saving import savings
from billing.turn_costs import turn_costs
from chat.models import Message, Role


def know_costs(messages: Collection[Message], *, conversation: UUID) -> None:
    """Ask once for all of them, where each message would ask for itself."""
    refs = {message.turn_ref for message in messages if message.role == Role.ASSISTANT}
    costs = turn_costs(conversation_ref=str(conversation), message_refs=refs)
    saved = savings(message.usage for message in messages)
    for message in messages:
        message.turn_cost = costs.get(message.turn_ref)
        message.saved_usd = saved.get(message.usage_id or 0)
