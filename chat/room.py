"""How long a conversation may grow: every turn reads it, and every page draws it."""

from __future__ import annotations

from uuid import UUID

from django.conf import settings

from chat.errors import ConversationFull
from chat.models import Message


def require_place(conversation: UUID) -> None:
    """One more message has its place, on whichever branch. Raises ConversationFull."""
    limit: int = settings.MAX_CONVERSATION_MESSAGES
    if Message.objects.filter(conversation_id=conversation).count() >= limit:
        raise ConversationFull(limit)
