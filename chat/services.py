"""How a turn begins: by a prompt, or by asking once more for a reply.

Each function is one transaction and is called off the event loop. What happens to a reply from
then on is in `settlement.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.utils import timezone

from billing.budgets import Allowance, AllowanceSpent, require_allowance
from billing.models import Purpose
from billing.services import reserve_call
from chat.errors import (
    CannotPay,
    EmptyPrompt,
    NotRetryable,
    PromptTooLong,
    StillAnswering,
    TooManyAnswers,
)
from chat.models import (
    LEASE,
    RETRYABLE,
    Conversation,
    Message,
    Role,
    State,
)
from openrouter.types import ChatRequest
from routing.decision import Decision
from routing.services import NoCandidateFits, choose_model

TITLE_CHARS = 80


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
    if not asked.exists():  # the rule; to ask for all of it costs five times as much
        return None
    return asked.select_related("conversation", "parent", "call", "usage").first()


def _begin_reply(
    *, user: AbstractBaseUser, history: Sequence[Message], choice: str, nonce: str, owner: str
) -> tuple[Message, Job]:
    """Choose the model, reserve the call, and save the empty reply that `owner` will write.

    Raises NoCandidateFits, or CannotPay where a budget does not allow it.
    """
    allowance = _allowance(user)
    decision = _decide(history, choice, allowance)
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
    try:
        call = reserve_call(
            user=user,
            purpose=Purpose.REPLY,
            requested_model=decision.slug,
            fallback_models=decision.fallbacks,
            reserved_usd=decision.worst_case_usd,
            conversation_ref=str(question.conversation_id),
            message_ref=str(reply.pk),
            allowance=allowance,
            starts_now=True,
        )
    except AllowanceSpent as error:
        raise CannotPay(error.for_person, error.status) from error
    reply.call = call
    reply.save(update_fields=["call"])
    request = _request(history, decision, user=user)
    return reply, Job(reply.pk, call.pk, question.conversation_id, request)


def _allowance(user: AbstractBaseUser) -> Allowance:
    try:
        return require_allowance(user=user)
    except AllowanceSpent as error:
        raise CannotPay(error.for_person, error.status) from error


def _decide(history: Sequence[Message], choice: str, allowance: Allowance) -> Decision:
    """Choose within what is left: a cheaper model comes before a refusal."""
    try:
        return choose_model(
            text=history[-1].text,
            history_tokens=sum(len(message.text) for message in history[:-1]) // 3,
            choice=choice,
            max_completion_tokens=settings.MAX_COMPLETION_TOKENS,
            budget_usd=allowance.left_usd,
        )
    except NoCandidateFits as error:
        if error.constraint != "budget":
            raise
        refusal = allowance.refusal(error.message)
        raise CannotPay(refusal.for_person, refusal.status) from error


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
    sent = conversation.messages.only("conversation", "parent", "role", "state", "text")
    return _path({message.pk: message for message in sent}, conversation.head_id)


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
