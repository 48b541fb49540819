"""Other ways a conversation could have gone: edit a prompt, ask again, look at a branch, fork.

Each function is one transaction and is called off the event loop. A new branch stands beside what
it replaces, which nothing removes.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.db import IntegrityError, transaction
from django.utils import timezone

from chat.errors import NotAnAnswer, NotAPrompt, NotRetryable, StillAnswering
from chat.models import Conversation, Message, Role, State
from chat.services import (
    SENT,
    Turn,
    advance,
    begin_reply,
    branch,
    check_prompt,
    path_to,
    reply_of_nonce,
    require_rest,
    require_turn,
)
from routing.votes import record_regeneration

FORK = " · fork"


@transaction.atomic
def edit(*, user: AbstractBaseUser, prompt: Message, text: str, nonce: str, owner: str) -> Turn:
    """Ask something else in the place of a prompt: a branch beside it, with its own answer.

    Raises NotAPrompt, EmptyPrompt, PromptTooLong, StillAnswering, TooManyAnswers, CannotPay or
    NoCandidateFits; then nothing is saved.
    """
    if known := reply_of_nonce(user, nonce):
        return _known(known)
    if prompt.role != Role.USER:
        raise NotAPrompt
    check_prompt(text)
    conversation = at_rest(prompt)
    question = Message.objects.create(
        conversation=conversation,
        parent_id=prompt.parent_id,
        role=Role.USER,
        text=text,
        files=prompt.files,
    )
    history = [*upto(conversation, prompt.parent_id), question]
    require_turn(user)
    choice = conversation.choice
    reply, job = begin_reply(
        user=user,
        history=history,
        choice=choice,
        nonce=nonce,
        owner=owner,
        is_checked=settings.CASCADE,
    )
    advance(conversation, head=reply, choice=choice)
    return Turn(conversation, "branch", [question, reply], reply, prompt.parent_id or 0, job)


@transaction.atomic
def regenerate(
    *, user: AbstractBaseUser, reply: Message, choice: str | None, nonce: str, owner: str
) -> Turn:
    """Ask once more for an answer, however the first one ended, as a branch beside it.

    `choice`: "" for Auto, or a slug; None for the model that gave this answer. The conversation's
    own choice stays as it is.
    Raises NotAnAnswer, StillAnswering, TooManyAnswers, CannotPay or NoCandidateFits.
    """
    if known := reply_of_nonce(user, nonce):
        return _known(known)
    if reply.role != Role.ASSISTANT:
        raise NotAnAnswer
    conversation = at_rest(reply)
    if reply.state == State.DONE:  # one that failed says nothing about its model
        record_regeneration(
            user_id=user.pk,
            decision=reply.decision,
            served_model=reply.served_model,
            chosen_next_model=choice or None,
        )
    if choice is None:
        choice = model_of(reply)
    require_turn(user)
    again, job = begin_reply(
        user=user,
        history=upto(conversation, reply.parent_id),
        choice=choice,
        nonce=nonce,
        owner=owner,
    )
    advance(conversation, head=again, choice=conversation.choice)
    return Turn(conversation, "branch", [again], again, reply.pk, job)


@transaction.atomic
def go_on(*, user: AbstractBaseUser, reply: Message, nonce: str, owner: str) -> Turn:
    """Have the model that was cut short write the rest: a branch that begins with what is there.

    Raises NotRetryable, StillAnswering, TooManyAnswers, CannotPay or NoCandidateFits.
    """
    if known := reply_of_nonce(user, nonce):
        return _known(known)
    if not reply.can_go_on:
        raise NotRetryable
    conversation = at_rest(reply)
    require_turn(user)
    whole, job = begin_reply(
        user=user,
        history=upto(conversation, reply.parent_id),
        choice=model_of(reply),
        nonce=nonce,
        owner=owner,
        prefix=reply.text.rstrip(),  # some providers refuse white space at its end
    )
    advance(conversation, head=whole, choice=conversation.choice)
    return Turn(conversation, "branch", [whole], whole, reply.pk, job)


@transaction.atomic
def show(message: Message) -> Conversation:
    """Put the branch of a message on show, down to its newest end. Raises StillAnswering."""
    conversation = at_rest(message)
    pairs = conversation.messages.order_by("pk").values_list("parent_id", "pk")
    children = dict(pairs)  # the last one stays: the newest
    at = message.pk
    while at in children:
        at = children[at]
    conversation.head_id, conversation.rival = at, None
    conversation.save(update_fields=["head", "rival"])
    return conversation


def fork(*, user: AbstractBaseUser, message: Message, nonce: str) -> Conversation:
    """A conversation of its own with everything up to a message. The same nonce, the same fork.

    What the copied answers cost was paid once, and is counted where it was paid.
    Raises StillAnswering where the message is still being written.
    """
    asked = Conversation.objects.filter(user_id=user.pk, nonce=nonce).exclude(nonce="")
    if known := asked.first():
        return known
    if message.is_running:
        raise StillAnswering
    try:
        with transaction.atomic():
            return _copy(user, message, nonce)
    except IntegrityError:  # the same fork, at the same moment
        return asked.get()


def _copy(user: AbstractBaseUser, message: Message, nonce: str) -> Conversation:
    origin = message.conversation
    now = timezone.now()
    copy = Conversation.objects.create(
        user_id=user.pk,
        title=origin.title.removesuffix(FORK)[: 120 - len(FORK)] + FORK,
        choice=origin.choice,
        wishes=origin.wishes,
        nonce=nonce,
        created_at=now,
        updated_at=now,
    )
    everything = {m.pk: m for m in origin.messages.all()}
    copies = [_copied(m, copy) for m in path_to(everything, message.pk)]
    Message.objects.bulk_create(copies)
    for parent, child in pairwise(copies):
        child.parent = parent
    Message.objects.bulk_update(copies[1:], ["parent"], batch_size=200)
    copy.head = copies[-1]
    copy.save(update_fields=["head"])
    return copy


KEPT = (
    *(
        "role",
        "state",
        "text",
        "files",
        "html",
        "reasoning",
        "reasoning_ms",
        "reasoning_details",
        "annotations",
    ),
    *("annotations", "error_text", "error_detail", "served_model", "decision", "schema"),
    *("call_id", "usage_id", "created_at", "ended_at"),
)


def _copied(message: Message, conversation: Conversation) -> Message:
    return Message(conversation=conversation, **{name: getattr(message, name) for name in KEPT})


def model_of(reply: Message) -> str:
    """The model that was asked for an answer, as it may be pinned."""
    return reply.call.requested_model if reply.call else ""


def at_rest(message: Message) -> Conversation:
    """The conversation of a message, locked, with nothing being written in it."""
    conversation = Conversation.objects.select_for_update().get(pk=message.conversation_id)
    require_rest(conversation, branch(conversation))
    return conversation


def upto(conversation: Conversation, pk: int | None) -> list[Message]:
    """The messages from the root to this one, as `branch` gives those up to the head."""
    sent = conversation.messages.only(*SENT)
    return path_to({message.pk: message for message in sent}, pk)


def _known(reply: Message) -> Turn:
    messages: Sequence[Message] = [reply.parent, reply] if reply.parent else [reply]
    return Turn(reply.conversation, "branch", messages, reply, 0, job=None)
