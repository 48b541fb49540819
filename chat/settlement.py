"""What happens to a reply once it has begun: checkpoints, leases, and one settlement.

Each function is one transaction and is called off the event loop.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone

from billing.key_errors import words_for
from billing.models import UsageRecord
from billing.services import begin_again, end_call
from chat.drafts import Draft
from chat.markdown import render
from chat.models import LEASE, Chunk, Message, MessageQuerySet, Part, State
from chat.reasoning import whole_details
from chat.services import Job
from openrouter.errors import OpenRouterError

ERROR_DETAIL_CHARS = 4000


@transaction.atomic
def checkpoint(chunks: Sequence[Chunk]) -> None:
    """Store what running replies have gained since the last time, in one batch.

    A reply that was settled meanwhile keeps no checkpoints.
    """
    replies = {chunk.message_id for chunk in chunks}
    running = _locked(Message.objects.running().filter(pk__in=replies))
    rows = [chunk for chunk in chunks if chunk.message_id in running]
    Chunk.objects.bulk_create(
        rows,
        update_conflicts=True,  # one that was stored, but not known to be, comes again and longer
        unique_fields=["message", "part", "offset"],
        update_fields=["text"],
    )


def _locked(replies: MessageQuerySet) -> set[int]:
    """Their keys, held until the transaction ends; in one order, so that two never block each
    other. A settlement then comes before or after: it leaves no checkpoint behind."""
    rows = replies.select_for_update(no_key=True).order_by("pk")
    return set(rows.values_list("pk", flat=True))


def checkpointed(pk: int) -> tuple[str, str]:
    """Text and reasoning of a reply as far as its checkpoints tell."""
    parts: dict[str, list[str]] = {Part.TEXT: [], Part.REASONING: []}
    for part, text in Chunk.objects.filter(message_id=pk).values_list("part", "text"):
        parts[part].append(text)
    return "".join(parts[Part.TEXT]), "".join(parts[Part.REASONING])


@dataclass(frozen=True, slots=True)
class Timing:
    """Milliseconds from the request: to the first token (None: none came), and to the end."""

    first_token_ms: int | None
    duration_ms: int
    reasoning_ms: int | None = None  # from the first thought to the first word


def settle_reply(
    *, pk: int, call_id: int | None, draft: Draft, state: State, timing: Timing
) -> Message | None:
    """End a running reply, whichever way it ended, and book it.

    None: it had ended already (its lease ran out while its writer slept), or its conversation
    is gone. What it cost is booked all the same.
    """
    failure = draft.failure
    ending = {
        "state": state,
        "text": draft.whole_text,
        "html": render(draft.whole_text),  # ahead of the transaction: it takes milliseconds
        "reasoning": "".join(draft.reasoning),
        "reasoning_ms": timing.reasoning_ms,
        "reasoning_details": whole_details(draft.reasoning_details) or None,
        "annotations": draft.annotations or None,
        "served_model": draft.model or "",
        "error_text": words_for(failure, call_id) if failure else "",
        "error_detail": failure.detail[:ERROR_DETAIL_CHARS] if failure else "",
        "ended_at": timezone.now(),
        "lease_until": None,
    }
    with transaction.atomic():
        has_ended = Message.objects.running().filter(pk=pk).update(**ending)
        if call_id is not None and (usage := end_with(call_id, draft, timing)):
            Message.objects.filter(pk=pk).update(usage=usage)
        if not has_ended:
            return None
        Chunk.objects.filter(message_id=pk).delete()
        return Message.objects.with_books().get(pk=pk)


def end_with(call_id: int, draft: Draft, timing: Timing | None = None) -> UsageRecord | None:
    """End a call with what has come of its answer; None where its cost is not known yet."""
    return end_call(
        call_id=call_id,
        usage=draft.usage,
        served_model=draft.model,
        provider=draft.provider,
        finish_reason=draft.finish_reason,
        ttft_ms=timing.first_token_ms if timing else None,
        duration_ms=timing.duration_ms if timing else None,
        may_have_cost=draft.may_have_cost,
        error=type(draft.failure).__name__ if draft.failure else "",
        generation_id=draft.generation_id,
    )


def attach_bill(entry: UsageRecord) -> None:
    """The bill of a reply came after its end: put it under the message (BILLING_ON_SETTLED)."""
    Message.objects.filter(call=entry.call_id, usage=None).update(usage=entry)


def reply_billed(entry: UsageRecord) -> Message | None:
    """The reply that an entry came for, to be shown again. None: it is gone, or runs still."""
    reply = Message.objects.with_books().filter(usage=entry).first()
    return None if reply is None or reply.is_running else reply


@transaction.atomic
def ask_again(*, job: Job, call: int, draft: Draft, error: OpenRouterError) -> int:
    """A request failed early and is made once more: the call of the next one, for the reply.

    May be repeated where the commit was not confirmed.
    """
    known = Message.objects.filter(pk=job.reply).values_list("call_id", flat=True).first()
    if known is not None and known != call:
        return known
    following = begin_again(
        call_id=call,
        generation_id=draft.generation_id,
        may_have_cost=error.may_have_cost,
        error=type(error).__name__,
    )
    Message.objects.filter(pk=job.reply).update(call=following)
    return following.pk


@transaction.atomic
def renew_leases(owner: str, replies: Collection[int]) -> list[int]:
    """Tell everybody that this process still writes these; return those asked to stop.

    A reply of this process that no task writes (its settlement failed, or its command did after
    the commit) is not among them: its lease runs out, and the reaper takes it.
    """
    mine = _locked(Message.objects.running().filter(owner=owner, pk__in=replies))
    written = Message.objects.filter(pk__in=mine)
    written.update(lease_until=timezone.now() + LEASE)
    return list(written.filter(stop_asked=True).values_list("pk", flat=True))


def note_stop(reply: int) -> None:
    """Leave word that a reply shall stop, for an owner that cannot be reached at once."""
    Message.objects.running().filter(pk=reply).update(stop_asked=True)


def orphans(*, dead_owners: Sequence[str] = ()) -> list[Message]:
    """Running replies that nobody writes any more: lease run out, or owner known to be dead."""
    expired = Message.objects.running().filter(lease_until__lt=timezone.now())
    return list(expired | Message.objects.running().filter(owner__in=dead_owners))


def owners_of_running() -> list[str]:
    return list(Message.objects.running().values_list("owner", flat=True).distinct())


def interrupt(reply: Message) -> Message | None:
    """Settle a reply whose writer died: what its checkpoints hold is kept, its call is pending.

    None: somebody else settled it first, or its writer was alive after all.
    """
    taken = Message.objects.running().filter(pk=reply.pk, lease_until=reply.lease_until)
    if not taken.update(owner=""):
        return None
    text, reasoning = checkpointed(reply.pk)
    elapsed = timezone.now() - reply.created_at
    return settle_reply(
        pk=reply.pk,
        call_id=reply.call_id,
        draft=Draft([text], [reasoning]),
        state=State.INTERRUPTED,
        timing=Timing(None, int(elapsed.total_seconds() * 1000)),
    )
