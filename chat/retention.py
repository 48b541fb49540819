"""What is removed for its age: conversations that rest, and links that ended."""

from __future__ import annotations

import datetime as dt
from typing import Final

from django.db.models import Max, Q
from django.db.models.functions import Coalesce

from chat.models import Conversation, ConversationQuerySet, Share
from chat.organise import remove_for_good

ENDED_KEPT: Final = dt.timedelta(days=30)  # that a link stays in its owner's list after its end
AT_ONCE: Final = 500


def resting_since(before: dt.datetime) -> ConversationQuerySet:
    """Conversations whose last message (where there is none: their beginning) is older.

    Pinned, archived and foldered ones, too: a promise that a click undoes is none.
    """
    last = Coalesce(Max("messages__created_at"), "created_at")
    return (
        Conversation.objects.filter(created_at__lt=before).alias(last=last).filter(last__lt=before)
    )


def remove_resting(before: dt.datetime) -> int:
    """Remove them for good, one at a time. How many went; the books stay."""
    due = resting_since(before)
    return sum(remove_for_good(due, pk) for pk in list(due.values_list("pk", flat=True)))


def ended_links(now: dt.datetime) -> Q:
    """Links that ended long enough ago to be off the list."""
    return Q(expires_at__lt=now - ENDED_KEPT) | Q(revoked_at__lt=now - ENDED_KEPT)


def remove_ended_links(now: dt.datetime) -> int:
    return Share.objects.filter(ended_links(now)).delete()[0]
