"""Two answers to one prompt, side by side, and which of them a person prefers.

`send(against=...)` begins both at once; here an answer that is there gets a rival, and a verdict
ends the comparison. The answer that is preferred is the head, the other stays as its branch.
"""

from __future__ import annotations

from typing import cast

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction

from chat.branches import at_rest, model_of, upto
from chat.errors import NotAnAnswer, NotComparable
from chat.models import Conversation, Message, Role, State
from chat.services import Turn, advance, begin_reply, reply_of_nonce, require_turn
from routing.evidence import VERDICTS, Verdict
from routing.votes import record_comparison


@transaction.atomic
def challenge(
    *, user: AbstractBaseUser, reply: Message, against: str, nonce: str, owner: str
) -> Turn:
    """Have another model ("" for Auto) answer beside the latest answer.

    Raises NotAnAnswer, NotComparable, StillAnswering, TooManyAnswers, CannotPay, NoCandidateFits.
    """
    if known := reply_of_nonce(user, nonce):
        return Turn(known.conversation, "branch", [known], known, 0, job=None)
    if reply.role != Role.ASSISTANT:
        raise NotAnAnswer
    conversation = at_rest(reply)
    if conversation.head_id != reply.pk or conversation.rival_id:
        raise NotComparable
    require_turn(user)
    rival, job = begin_reply(
        user=user,
        history=upto(conversation, reply.parent_id),
        choice=against,
        nonce=nonce,
        owner=owner,
    )
    advance(conversation, head=reply, choice=conversation.choice, rival=rival)
    return Turn(conversation, "branch", [rival], rival, reply.pk, job)


@transaction.atomic
def judge(*, user: AbstractBaseUser, rival: Message, verdict: Verdict) -> Conversation:
    """End a comparison: "a" is the answer on the left, "b" its rival. Once it has ended, nothing.

    What it says about the models is kept for routing, unless an answer had not ended well.
    Raises StillAnswering.
    """
    conversation = Conversation.objects.select_for_update().get(pk=rival.conversation_id)
    if conversation.rival_id != rival.pk or conversation.head is None:
        return conversation
    conversation = at_rest(rival)
    left = cast("Message", conversation.head)
    if left.state == rival.state == State.DONE:
        record_comparison(
            user_id=user.pk,
            decision_a=left.decision,
            model_a=left.served_model or model_of(left),
            decision_b=rival.decision,
            model_b=rival.served_model or model_of(rival),
            winner=verdict,
        )
    winner = rival if verdict == "b" else left
    advance(conversation, head=winner, choice=conversation.choice)
    return conversation


def verdict_of(text: str) -> Verdict | None:
    """The verdict that a form names; None where it names none."""
    return cast("Verdict", text) if text in VERDICTS else None
