"""What may happen to a conversation: a turn begins, a reply is checkpointed, a reply is settled.

Each function is one transaction and is called off the event loop.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.utils import timezone

from billing.models import Purpose, UsageRecord
from billing.services import begin_again, end_call, reserve_call, start_call
from chat.drafts import Draft
from chat.errors import EmptyPrompt, NotRetryable, PromptTooLong, StillAnswering, TooManyAnswers
from chat.markdown import render
from chat.models import (
    RETRYABLE,
    Chunk,
    Conversation,
    Message,
    Part,
    Role,
    State,
)
from openrouter.errors import OpenRouterError
from openrouter.types import ChatRequest
from routing.decision import Decision
from routing.services import choose_model

LEASE = dt.timedelta(seconds=20)
TITLE_CHARS = 80
ERROR_DETAIL_CHARS = 4000


@dataclass(frozen=True, slots=True)
class Job:
    """All that the task needs to write a reply."""

    reply: int
    call: int
    conversation: UUID
    request: ChatRequest


@dataclass(frozen=True, slots=True)
class Turn:
    """A prompt and the reply it asks for. `job` is None when the nonce had been used before.

    `after` is the message before the turn (0: none); for a retry, the reply that it replaces.
    """

    conversation: Conversation
    kind: Literal["turn", "retry"]
    messages: Sequence[Message]
    reply: Message
    after: int
    job: Job | None


@transaction.atomic
def send(
    *,
    user: AbstractBaseUser,
    conversation: Conversation | None,
    prompt: str,
    choice: str,
    nonce: str,
    owner: str,
) -> Turn:
    """Save a prompt and the reply it asks for, addressed to the model that routing chose.

    Without a conversation, one is begun. Raises EmptyPrompt, PromptTooLong, StillAnswering, or
    routing's NoCandidateFits; then nothing is saved.
    """
    if (known := _reply_of_nonce(user, nonce)) and known.parent:
        after = known.parent.parent_id or 0
        return Turn(known.conversation, "turn", [known.parent, known], known, after, job=None)
    _check(prompt)
    if conversation is None:
        conversation = Conversation.objects.create(
            user_id=user.pk, title=_title(prompt), choice=choice
        )
    else:
        conversation = Conversation.objects.select_for_update().get(pk=conversation.pk)
    history = branch(conversation)
    if any(message.is_running for message in history):
        raise StillAnswering
    question = Message.objects.create(
        conversation=conversation, parent_id=conversation.head_id, role=Role.USER, text=prompt
    )
    after = conversation.head_id or 0
    _require_turn(user)
    reply, job = _begin_reply(
        user=user, history=[*history, question], choice=choice, nonce=nonce, owner=owner
    )
    _advance(conversation, head=reply, choice=choice)
    return Turn(conversation, "turn", [question, reply], reply, after, job)


@transaction.atomic
def retry(
    *, user: AbstractBaseUser, failed: Message, choice: str | None, nonce: str, owner: str
) -> Turn:
    """Ask once more for a reply that did not end well, as a branch beside it.

    `choice`: another model than before, where it is given.
    Raises NotRetryable where the reply ended well or is not the latest; NoCandidateFits.
    """
    if known := _reply_of_nonce(user, nonce):
        return Turn(known.conversation, "retry", [known], known, failed.pk, job=None)
    conversation = Conversation.objects.select_for_update().get(pk=failed.conversation_id)
    history = branch(conversation)
    if not history or history[-1].pk != failed.pk or history[-1].state not in RETRYABLE:
        raise NotRetryable
    choice = conversation.choice if choice is None else choice
    _require_turn(user)
    reply, job = _begin_reply(
        user=user, history=history[:-1], choice=choice, nonce=nonce, owner=owner
    )
    _advance(conversation, head=reply, choice=choice)
    return Turn(conversation, "retry", [reply], reply, failed.pk, job)


def _check(prompt: str) -> None:
    if not prompt.strip():
        raise EmptyPrompt
    if len(prompt) > settings.MAX_PROMPT_CHARS:
        raise PromptTooLong(len(prompt), settings.MAX_PROMPT_CHARS)


def _require_turn(user: AbstractBaseUser) -> None:
    """One person's replies leave room for everybody else's. Raises TooManyAnswers."""
    limit = settings.MAX_STREAMS_PER_USER
    if Message.objects.running().filter(requested_by_id=user.pk).count() >= limit:
        raise TooManyAnswers(limit)


def _title(prompt: str) -> str:
    line = " ".join(prompt.split())
    return line if len(line) <= TITLE_CHARS else line[: TITLE_CHARS - 1].rstrip() + "…"


def _reply_of_nonce(user: AbstractBaseUser, nonce: str) -> Message | None:
    """The reply that this nonce has asked for: a double click, or a retry after a lost answer."""
    asked = Message.objects.filter(requested_by_id=user.pk, nonce=nonce).exclude(nonce="")
    return asked.select_related("conversation", "parent", "call", "usage").first()


def _begin_reply(
    *, user: AbstractBaseUser, history: Sequence[Message], choice: str, nonce: str, owner: str
) -> tuple[Message, Job]:
    """Choose the model, reserve the call, and save the empty reply that `owner` will write."""
    decision = choose_model(
        text=history[-1].text,
        history_tokens=sum(len(message.text) for message in history[:-1]) // 3,
        choice=choice,
        max_completion_tokens=settings.MAX_COMPLETION_TOKENS,
    )
    question = history[-1]
    reply = Message.objects.create(
        conversation_id=question.conversation_id,
        parent=question,
        role=Role.ASSISTANT,
        state=State.STREAMING,
        decision=decision.to_json(),
        requested_by_id=user.pk,
        nonce=nonce,
        owner=owner,
        lease_until=timezone.now() + LEASE,
    )
    call = reserve_call(
        user=user,
        purpose=Purpose.REPLY,
        requested_model=decision.slug,
        fallback_models=decision.fallbacks,
        reserved_usd=decision.worst_case_usd,
        conversation_ref=str(question.conversation_id),
        message_ref=str(reply.pk),
    )
    start_call(call_id=call.pk)
    reply.call = call
    reply.save(update_fields=["call"])
    request = _request(history, decision, user=user)
    return reply, Job(reply.pk, call.pk, question.conversation_id, request)


def _request(
    history: Sequence[Message], decision: Decision, *, user: AbstractBaseUser
) -> ChatRequest:
    return ChatRequest(
        model=decision.slug,
        fallbacks=decision.fallbacks,
        messages=[_wire_message(message) for message in history if message.text],
        max_completion_tokens=decision.max_completion_tokens,
        reasoning={"effort": decision.effort} if decision.effort else None,
        user=f"user-{user.pk}",
        session_id=str(history[-1].conversation_id),
    )


def _wire_message(message: Message) -> dict[str, Any]:
    """A message as the API takes it. Reasoning details go back as they came, to the same model."""
    return {"role": message.role, "content": message.text}


def _advance(conversation: Conversation, *, head: Message, choice: str) -> None:
    conversation.head = head
    conversation.choice = choice
    conversation.updated_at = timezone.now()
    conversation.save(update_fields=["head", "choice", "updated_at"])


def branch(conversation: Conversation) -> list[Message]:
    """The messages on show, oldest first: from the head up to the root."""
    messages = {m.pk: m for m in conversation.messages.defer("html", "decision")}
    return _path(messages, conversation.head_id)


def branch_with_books(conversation: Conversation) -> list[Message]:
    """The same with everything a page shows: calls, ledger entries, drawings."""
    messages = {m.pk: m for m in conversation.messages.with_books()}
    return _path(messages, conversation.head_id)


def _path(messages: dict[int, Message], head: int | None) -> list[Message]:
    path: list[Message] = []
    while head is not None:
        path.append(messages[head])
        head = messages[head].parent_id
    return path[::-1]


@transaction.atomic
def checkpoint(chunks: Sequence[Chunk]) -> None:
    """Store what running replies have gained since the last time, in one batch.

    A reply that was settled meanwhile keeps no checkpoints.
    """
    replies = {chunk.message_id for chunk in chunks}
    running = set(Message.objects.running().filter(pk__in=replies).values_list("pk", flat=True))
    rows = [chunk for chunk in chunks if chunk.message_id in running]
    Chunk.objects.bulk_create(
        rows,
        update_conflicts=True,  # one that was stored, but not known to be, comes again and longer
        unique_fields=["message", "part", "offset"],
        update_fields=["text"],
    )


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
        "reasoning_details": draft.reasoning_details or None,
        "annotations": draft.annotations or None,
        "served_model": draft.model or "",
        "error_text": failure.for_person if failure else "",
        "error_detail": failure.detail[:ERROR_DETAIL_CHARS] if failure else "",
        "ended_at": timezone.now(),
        "lease_until": None,
    }
    with transaction.atomic():
        has_ended = Message.objects.running().filter(pk=pk).update(**ending)
        if usage := _book(call_id, draft, timing):
            Message.objects.filter(pk=pk).update(usage=usage)
        if not has_ended:
            return None
        Chunk.objects.filter(message_id=pk).delete()
        return Message.objects.with_books().get(pk=pk)


def _book(call_id: int | None, draft: Draft, timing: Timing) -> UsageRecord | None:
    if call_id is None:
        return None
    return end_call(
        call_id=call_id,
        usage=draft.usage,
        served_model=draft.model,
        provider=draft.provider,
        finish_reason=draft.finish_reason,
        ttft_ms=timing.first_token_ms,
        duration_ms=timing.duration_ms,
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
    """A request failed early and is made once more: the call of the next one, for the reply."""
    following = begin_again(
        call_id=call,
        generation_id=draft.generation_id,
        may_have_cost=error.may_have_cost,
        error=type(error).__name__,
    )
    Message.objects.filter(pk=job.reply).update(call=following)
    return following.pk


def renew_leases(owner: str) -> list[int]:
    """Tell everybody that this process still writes its replies; return those asked to stop."""
    mine = Message.objects.running().filter(owner=owner)
    mine.update(lease_until=timezone.now() + LEASE)
    return list(mine.filter(stop_asked=True).values_list("pk", flat=True))


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
