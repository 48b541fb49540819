"""What was asked and answered, for routing to replay: see ROUTING_HISTORY."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal

from chat.models import RUNNING, Message, Role
from routing.replay import PastTurn

AT_ONCE = 200  # messages in memory
SHOWN = (
    *("parent__text", "created_at", "decision", "served_model", "call"),
    *("usage__prompt_tokens", "usage__completion_tokens"),
)


def past_turns(
    *, since: dt.datetime, until: dt.datetime | None, newest: int | None
) -> Iterator[PastTurn]:
    """The replies that have ended, with the decision that addressed them, oldest first."""
    replies = Message.objects.filter(
        role=Role.ASSISTANT, decision__isnull=False, parent__isnull=False, created_at__gte=since
    ).exclude(state__in=RUNNING)
    if until is not None:
        replies = replies.filter(created_at__lt=until)
    if newest is not None:
        first = replies.order_by("-pk").values_list("pk", flat=True)[newest - 1 : newest]
        replies = replies.filter(pk__gte=first[0]) if first else replies
    replies = replies.select_related("parent", "usage").prefetch_related("call__entries")
    for reply in replies.only(*SHOWN).order_by("pk").iterator(chunk_size=AT_ONCE):
        yield _turn(reply)


def _turn(reply: Message) -> PastTurn:
    usage = reply.usage
    return PastTurn(
        text=reply.parent.text if reply.parent else "",
        at=reply.created_at,
        decision=reply.decision or {},
        served_model=reply.served_model,
        prompt_tokens=usage.prompt_tokens if usage else None,
        completion_tokens=usage.completion_tokens if usage else None,
        billed_usd=_billed_usd(reply),
    )


def _billed_usd(reply: Message) -> Decimal | None:
    """What was paid for it, corrections included. None: its bill has not come."""
    if reply.usage is None or reply.call is None:
        return None
    return sum((entry.cost_usd or Decimal(0) for entry in reply.call.entries.all()), Decimal(0))
