"""How a turn begins: by a prompt, or by asking once more for a reply.

Each function is one transaction and is called off the event loop. What happens to a reply from
then on is in `settlement.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial
from secrets import randbits
from typing import Any, Literal
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.utils import timezone

from billing.budgets import Allowance, AllowanceSpent, require_allowance
from billing.keys import Credential, NoUsableKey, key_for
from billing.models import Call, Purpose
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
from chat.room import require_place
from chat.tokens import tokens_of
from chat.warmth import warm_prompt
from chat.wire import files_in, needs_of, request_of, shaped
from chat.wishes import Wishes, turned
from chat.worst_case import worst_case_usd
from openrouter.types import ChatRequest
from routing.decision import Decision
from routing.policies import Policy
from routing.policy_shelf import policy_for
from routing.services import NoCandidateFits, choose_model
from routing.shadow import Asked, decide_beside

TITLE_CHARS = 80
# What a turn needs of the messages before it: what is sent, and who answered when.
SENT = (
    "conversation",
    "parent",
    "role",
    "state",
    "text",
    "files",
    "annotations",
    "served_model",
    "ended_at",
)


@dataclass(frozen=True, slots=True)
class Job:
    """All that the task needs to write a reply."""

    reply: int
    call: int
    conversation: UUID
    request: ChatRequest
    prefix: str = ""  # of the answer: what an earlier one had written when it was cut


@dataclass(frozen=True, slots=True)
class Turn:
    """A prompt and the reply it asks for. `job` is None when the nonce had been used before.

    `after` is the message before the turn (0: none); for a retry, the reply that it replaces.
    A branch is more than a fragment can show: every tab is drawn anew.
    """

    conversation: Conversation
    kind: Literal["turn", "retry", "branch"]
    messages: Sequence[Message]
    reply: Message
    after: int
    job: Job | None
    rival_job: Job | None = None  # of a second reply, to compare the first with


@transaction.atomic
def send(
    *,
    user: AbstractBaseUser,
    conversation: Conversation | None,
    prompt: str,
    choice: str,
    nonce: str,
    owner: str,
    against: str | None = None,
    wishes: Mapping[str, Any] | None = None,
    files: Sequence[Mapping[str, Any]] = (),
) -> Turn:
    """Save a prompt and the reply it asks for, addressed to the model that routing chose.

    Without a conversation, one is begun. `against`: a second model ("" for Auto) that answers
    beside the first, to be compared. `wishes`: what is new of chat.wishes. `files`:
    what hangs on the prompt, as chat.attachments has it.
    Raises EmptyPrompt, PromptTooLong, StillAnswering, TooManyAnswers, CannotPay, or routing's
    NoCandidateFits; then nothing is saved.
    """
    if (known := reply_of_nonce(user, nonce)) and known.parent:
        after = known.parent.parent_id or 0
        return Turn(known.conversation, "turn", [known.parent, known], known, after, job=None)
    check_prompt(prompt)
    conversation = _opened(user, conversation, prompt, choice)
    conversation.wishes = conversation.wishes | (wishes or {})
    history = branch(conversation)
    require_rest(conversation, history)
    question = Message.objects.create(
        conversation=conversation,
        parent_id=conversation.head_id,
        role=Role.USER,
        text=prompt,
        files=list(files) or None,
    )
    after = conversation.head_id or 0
    require_turn(user, replies=1 if against is None else 2)
    ask = partial(begin_reply, user=user, history=[*history, question], owner=owner)
    is_checked = settings.CASCADE and against is None
    reply, job = ask(choice=choice, nonce=nonce, is_checked=is_checked)
    rival, rival_job = (None, None) if against is None else ask(choice=against, nonce="")
    kind: Literal["turn", "branch"] = "branch" if rival or conversation.rival_id else "turn"
    advance(conversation, head=reply, choice=choice, rival=rival)
    for message in (question, reply):
        message.stand_alone()
    return Turn(conversation, kind, [question, reply], reply, after, job, rival_job)


def _opened(
    user: AbstractBaseUser, conversation: Conversation | None, prompt: str, choice: str
) -> Conversation:
    """The conversation, with a name, and until the transaction ends nobody else writes in it."""
    if conversation is None:
        return Conversation.objects.create(user_id=user.pk, title=_title(prompt), choice=choice)
    conversation = Conversation.objects.select_for_update().get(pk=conversation.pk)
    conversation.title = conversation.title or _title(prompt)
    return conversation


@transaction.atomic
def retry(
    *, user: AbstractBaseUser, failed: Message, choice: str | None, nonce: str, owner: str
) -> Turn:
    """Ask once more for a reply that did not end well, as a branch beside it.

    `choice`: another model than before, where it is given.
    Raises NotRetryable where the reply ended well or is not the latest; NoCandidateFits.
    """
    if known := reply_of_nonce(user, nonce):
        return Turn(known.conversation, "retry", [known], known, failed.pk, job=None)
    conversation = Conversation.objects.select_for_update().get(pk=failed.conversation_id)
    history = branch(conversation)
    if not history or history[-1].pk != failed.pk or history[-1].state not in RETRYABLE:
        raise NotRetryable
    choice = conversation.choice if choice is None else choice
    require_turn(user)
    reply, job = begin_reply(
        user=user, history=history[:-1], choice=choice, nonce=nonce, owner=owner
    )
    kind: Literal["retry", "branch"] = "branch" if conversation.rival_id else "retry"
    advance(conversation, head=reply, choice=choice)
    return Turn(conversation, kind, [reply], reply, failed.pk, job)


def check_prompt(prompt: str) -> None:
    if not prompt.strip():
        raise EmptyPrompt
    if len(prompt) > settings.MAX_PROMPT_CHARS:
        raise PromptTooLong(len(prompt), settings.MAX_PROMPT_CHARS)


def require_rest(conversation: Conversation, history: Sequence[Message]) -> None:
    """Nothing is being written on the branch on show. Raises StillAnswering."""
    rival = conversation.rival
    if any(message.is_running for message in history) or (rival and rival.is_running):
        raise StillAnswering


def require_turn(user: AbstractBaseUser, *, replies: int = 1) -> None:
    """One person's replies leave room for everybody else's. Raises TooManyAnswers."""
    limit = settings.MAX_STREAMS_PER_USER
    if Message.objects.running().filter(requested_by_id=user.pk).count() + replies > limit:
        raise TooManyAnswers(limit)


def _title(prompt: str) -> str:
    line = " ".join(prompt.split())
    return line if len(line) <= TITLE_CHARS else line[: TITLE_CHARS - 1].rstrip() + "…"


def reply_of_nonce(user: AbstractBaseUser, nonce: str) -> Message | None:
    """The reply that this nonce has asked for: a double click, or a retry after a lost answer."""
    asked = Message.objects.filter(requested_by_id=user.pk, nonce=nonce).exclude(nonce="")
    if not asked.exists():  # the rule; to ask for all of it costs five times as much
        return None
    return asked.select_related("conversation", "parent", "call", "usage").first()


def begin_reply(
    *,
    user: AbstractBaseUser,
    history: Sequence[Message],
    choice: str,
    nonce: str,
    owner: str,
    prefix: str = "",
    second_to: int | None = None,
    is_checked: bool = False,
) -> tuple[Message, Job]:
    """Choose the model, reserve the call, and save the empty reply that `owner` will write.

    `prefix`: the beginning of the answer, which the model is to go on from. `second_to`: the
    reply in whose turn it is made, as an escalation. `is_checked`: one may follow it.
    Raises ConversationFull, NoCandidateFits, or CannotPay where a budget does not allow it.
    """
    question = history[-1]
    if second_to is None:
        require_place(question.conversation_id)
    key = _key(user)
    allowance = _allowance(user, key)
    wishes = Wishes.from_json(question.conversation.wishes)
    files = files_in(history)
    needs = wishes.needs | needs_of(files)
    more_tokens = tokens_of(question.conversation.system_prompt, prefix)
    more_tokens += wishes.more_tokens + sum(file["tokens"] for file in files)
    asked = _asked(history, allowance, user=user, needs=needs, more_tokens=more_tokens)
    policy = turned(policy_for(user.pk), wishes)
    decision = _decide(asked, choice, allowance, policy, is_checked=is_checked)
    reply = Message.objects.create(
        conversation_id=question.conversation_id,
        parent=question,
        role=Role.ASSISTANT,
        state=State.STREAMING,
        decision=decision.to_json(),
        schema=wishes.schema,
        requested_by_id=user.pk,
        nonce=nonce,
        owner=owner,
        lease_until=timezone.now() + LEASE,
    )
    request = request_of(history, decision, user=user, key=key)
    request = shaped(request, files=files, wishes=wishes, prefix=prefix)
    worst_usd = worst_case_usd(decision, request, files=files, wishes=wishes)
    call = _reserve(
        reply, decision, worst_usd, user=user, allowance=allowance, key=key, second_to=second_to
    )
    decide_beside(decision, asked, user_id=user.pk, message_ref=str(reply.pk))
    return reply, Job(reply.pk, call.pk, question.conversation_id, request, prefix)


def _reserve(
    reply: Message,
    decision: Decision,
    worst_usd: Decimal | None,
    *,
    user: AbstractBaseUser,
    allowance: Allowance,
    key: Credential,
    second_to: int | None,
) -> Call:
    """Hold what the reply may cost at the worst. Raises CannotPay."""
    try:
        reply.call = reserve_call(
            user=user,
            purpose=Purpose.REPLY if second_to is None else Purpose.ESCALATION,
            requested_model=decision.slug,
            fallback_models=decision.fallbacks,
            reserved_usd=worst_usd,
            conversation_ref=str(reply.conversation_id),
            message_ref=str(second_to or reply.pk),
            allowance=allowance,
            starts_now=True,
            key=key,
        )
    except AllowanceSpent as error:
        raise CannotPay(error.for_person, error.status) from error
    reply.save(update_fields=["call"])
    return reply.call


def _key(user: AbstractBaseUser) -> Credential:
    try:
        return key_for(user)
    except NoUsableKey as error:
        raise CannotPay(error.for_person, 409) from error


def _allowance(user: AbstractBaseUser, key: Credential) -> Allowance:
    try:
        return require_allowance(user=user, pays_itself=key.is_own)
    except AllowanceSpent as error:
        raise CannotPay(error.for_person, error.status) from error


def _asked(
    history: Sequence[Message],
    allowance: Allowance,
    *,
    user: AbstractBaseUser,
    needs: frozenset[str],
    more_tokens: int,
) -> Asked:
    return Asked(
        text=history[-1].text,
        history_tokens=more_tokens + tokens_of(*(message.text for message in history[:-1])),
        max_completion_tokens=settings.MAX_COMPLETION_TOKENS,
        budget_usd=allowance.left_usd,
        needs=needs,
        user_id=user.pk,
        warm=warm_prompt(history, now=timezone.now()),
    )


def _decide(
    asked: Asked, choice: str, allowance: Allowance, policy: Policy, *, is_checked: bool
) -> Decision:
    """Choose within what is left: a cheaper model comes before a refusal.

    Tools are for a search; where none of those that fit uses tools, a plugin will do it.
    """
    try:
        return choose_model(
            text=asked.text,
            history_tokens=asked.history_tokens,
            needs=asked.needs,
            choice=choice,
            policy=policy,
            max_completion_tokens=asked.max_completion_tokens,
            budget_usd=asked.budget_usd,
            user_id=asked.user_id,
            warm=asked.warm,
            seed=randbits(32),
            is_checked=is_checked,
        )
    except NoCandidateFits as error:
        if error.constraint == "tools":
            easier = replace(asked, needs=asked.needs - {"tools"})
            return _decide(easier, choice, allowance, policy, is_checked=is_checked)
        if error.constraint != "budget":
            raise
        refusal = allowance.refusal(error.message)
        raise CannotPay(refusal.for_person, refusal.status) from error


def advance(
    conversation: Conversation, *, head: Message, choice: str, rival: Message | None = None
) -> None:
    """The branch on show ends with `head` from now on; with a comparison, `rival` is beside it."""
    conversation.head, conversation.rival = head, rival
    conversation.choice = choice
    conversation.updated_at = timezone.now()
    conversation.save(update_fields=["title", "head", "rival", "choice", "wishes", "updated_at"])


def branch(conversation: Conversation) -> list[Message]:
    """The messages on show, oldest first: from the head up to the root."""
    sent = conversation.messages.only(*SENT)
    return path_to({message.pk: message for message in sent}, conversation.head_id)


def path_to(messages: Mapping[int, Message], head: int | None) -> list[Message]:
    path: list[Message] = []
    while head is not None:
        path.append(messages[head])
        head = messages[head].parent_id
    return path[::-1]
