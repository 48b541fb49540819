"""A second answer by a model at least as good, where checks find fault with the first (CASCADE).

The checks need no model. The second answer is a branch beside the first, reserved and settled as
any other, and belongs to the first one's turn. There is one at most: its nonce is made of the
first, and the database takes a nonce once. Each function is called off the event loop.
"""

from __future__ import annotations

import logging

from django.contrib.auth import get_user_model
from django.db import transaction

from chat.branches import at_rest, show, upto
from chat.errors import CannotSend, StillAnswering
from chat.models import SECOND, Message, Role, State
from chat.services import Turn, advance, begin_reply, require_turn
from routing.checks import Answer, Finding, check
from routing.decision import Contender, Decision
from routing.escalation import Option, after_checks, pays
from routing.names import is_same
from routing.reasons import short_name
from routing.scorers import worth_cents
from routing.services import NoCandidateFits

logger = logging.getLogger(__name__)


def follow_up(pk: int, *, owner: str) -> Turn | None:
    """What comes after a reply that `owner` has written to its end, if anything does.

    A turn with a job: a second answer to write. Without one: the second answer came to nothing,
    and the first is on show again.
    """
    reply = Message.objects.with_books().select_related("parent", "conversation").get(pk=pk)
    try:
        if reply.nonce.startswith(SECOND):
            return _put_back(reply)
        if reply.state == State.DONE and reply.owner == owner:
            return _ask_once_more(reply, owner)
    except StillAnswering:  # the person has gone on meanwhile
        return None
    except (CannotSend, NoCandidateFits) as error:
        logger.info("Reply %d stays the only one: %s", pk, type(error).__name__)
    return None


def _ask_once_more(reply: Message, owner: str) -> Turn | None:
    if reply.parent is None or not reply.decision or reply.siblings != [reply.pk]:
        return None  # a retry, one of two to compare, or asked for again
    decision = Decision.from_json(reply.decision)
    if decision.pinned or reply.files:  # no check can see a picture
        return None
    finish_reason = reply.usage.finish_reason if reply.usage else None
    findings = check(Answer(reply.parent.text, reply.text, finish_reason))
    fault = next((finding for finding in findings if not finding.passed), None)
    first = _who_answered(decision, reply.served_model)
    better = stronger(decision, first, findings) if fault else None
    if fault is None or better is None:
        return None
    why = f"The first answer, by {short_name(first.name)}, failed a check: {fault.words}."
    why += f" {short_name(better.name)} was asked once more."
    return _begin(reply, better.slug, why, owner)


def stronger(
    decision: Decision, first: Contender, findings: tuple[Finding, ...]
) -> Contender | None:
    """The best of the models that were weighed, where to ask it now is worth its price."""
    worth_usd = worth_cents(decision.difficulty, decision.dial) / 100
    odds = first.odds or 0.0
    others = {
        Option(each.slug, each.odds, float(each.expected_usd)): each
        for each in decision.candidates
        if each.odds is not None and each.expected_usd is not None
        if each.odds >= odds and not is_same(each, first.slug)
    }
    if not others:
        return None
    best = max(others, key=lambda one: (worth_usd * one.odds - one.usd, one.slug))
    return others[best] if pays(after_checks(odds, findings), best, worth_usd=worth_usd) else None


def _who_answered(decision: Decision, served_model: str) -> Contender:
    """The candidate that answered; the chosen one where the name tells nothing."""
    by_slug = {each.slug: each for each in decision.candidates}
    served = (each for each in decision.candidates if is_same(each, served_model))
    return next(served, by_slug[decision.slug])


@transaction.atomic
def _begin(reply: Message, slug: str, why: str, owner: str) -> Turn | None:
    """Reserve the second call and put its answer on show, unless the person has moved on."""
    people = get_user_model().objects.filter(is_active=True)
    user = people.filter(pk=reply.requested_by_id or 0).first()
    conversation = at_rest(reply)
    is_alone = not reply.parent.children.exclude(pk=reply.pk).exists() if reply.parent else False
    is_shown = conversation.head_id == reply.pk and conversation.rival_id is None
    if user is None or conversation.deleted_at or not (is_alone and is_shown):
        return None
    require_turn(user)
    second, job = begin_reply(
        user=user,
        history=upto(conversation, reply.parent_id),
        choice=slug,
        nonce=f"{SECOND}{reply.pk}",
        owner=owner,
        second_to=reply.pk,
    )
    second.decision = {**(second.decision or {}), "reason": why}
    second.save(update_fields=["decision"])
    advance(conversation, head=second, choice=conversation.choice)
    return Turn(conversation, "branch", [second], second, reply.pk, job)


@transaction.atomic
def _put_back(second: Message) -> Turn | None:
    """Show the first answer again where the second came to nothing. What was stopped stays."""
    is_kept = second.state == State.DONE or (second.state == State.STOPPED and second.text)
    if is_kept or at_rest(second).head_id != second.pk:
        return None
    beside = Message.objects.filter(parent_id=second.parent_id, role=Role.ASSISTANT)
    first = beside.exclude(pk=second.pk).order_by("pk").first()
    return Turn(show(first), "branch", [first], first, 0, job=None) if first else None
