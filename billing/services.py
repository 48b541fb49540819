"""The life of a call, and the one place that writes the ledger.

Each function is one short transaction, and each change names the state it expects, so that of
two that race exactly one wins.
"""

from __future__ import annotations

import datetime as dt
import logging
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.db import IntegrityError, transaction
from django.db.models import Count, Q
from django.db.models.functions import Coalesce, Now
from django.utils import timezone

from billing.budgets import Allowance, charge, hold, hold_again, release
from billing.keys import Credential
from billing.models import (
    BEFORE_THE_BILL,
    OPEN,
    TEXT_CHARS,
    BooksError,
    Call,
    CallState,
    Kind,
    Outcome,
    Purpose,
    Standing,
    UsageRecord,
    user_ref,
)
from billing.money import EXACT, is_amount
from billing.own_account import booked_usd, correction_of, our_share
from billing.pricebook import in_force

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.contrib.auth.models import AbstractBaseUser

    from openrouter.events import Usage

logger = logging.getLogger(__name__)

FIRST_LOOK = dt.timedelta(seconds=2)  # how long a bill is not there yet, as a rule
MAX_COUNT = 2**53  # beyond this a count of tokens is a fault, and columns end at 2**63
# What an entry takes over from its call.
COPIED = [field.name for field in Outcome._meta.fields]  # noqa: SLF001 - documented by Django
COUNTED = {  # what a correction tells as a difference, or not at all
    *("prompt_tokens", "completion_tokens", "reasoning_tokens", "cached_tokens"),
    *("cache_write_tokens", "upstream_cost_usd", "ttft_ms", "duration_ms"),
}
COPIED += ["user_ref", "purpose", "conversation_ref", "message_ref", "requested_model"]
ASKED = (  # what a second request has in common with the first
    *("user_id", "user_ref", "purpose", "requested_model", "fallback_models", "reserved_usd"),
    *("conversation_ref", "message_ref", "key_id", "key_kind", "key_hash"),
)


class CallNotOpen(BooksError):
    """The call is not in the state that this step expects; it may have been ended meanwhile."""


@dataclass(frozen=True, slots=True)
class Total:
    """What a conversation cost.

    `cost_usd` is what its ledger entries add up to. `pending` calls wait for their bill;
    for `unknown` ones there is no generation id to ask with. Neither is in `cost_usd`.
    """

    cost_usd: Decimal
    pending: int
    unknown: int


@transaction.atomic
def reserve_call(
    *,
    user: AbstractBaseUser,
    purpose: Purpose,
    requested_model: str,
    fallback_models: Sequence[str] = (),
    reserved_usd: Decimal | None,
    conversation_ref: str,
    message_ref: str,
    allowance: Allowance | None = None,
    starts_now: bool = False,
    key: Credential | None = None,
) -> Call:
    """Enter a call that is about to be made. `reserved_usd`: its worst case; None is unknown.

    With `starts_now` it is running at once, as if `start_call` had followed.
    `allowance`: what `require_allowance` gave in this transaction. Raises AllowanceSpent where
    it does not hold the worst case. `key`: what it is made with, if not the key of the settings.
    """
    key = key or Credential()
    call = Call.objects.create(
        user_id=user.pk,
        user_ref=user_ref(user),
        purpose=purpose,
        requested_model=requested_model,
        fallback_models=list(fallback_models),
        reserved_usd=reserved_usd,
        conversation_ref=conversation_ref,
        message_ref=message_ref,
        state=CallState.RUNNING if starts_now else CallState.RESERVED,
        started_at=timezone.now() if starts_now else None,
        key_id=key.key_id,
        key_kind=key.kind,
        key_hash=key.key_hash,
    )
    if allowance:
        hold(call, allowance)
    return call


@transaction.atomic
def start_call(*, call_id: int) -> None:
    """RESERVED → RUNNING. Raises CallNotOpen when the call is anywhere else."""
    reserved = Call.objects.filter(pk=call_id, state=CallState.RESERVED)
    if not reserved.update(state=CallState.RUNNING, started_at=timezone.now()):
        raise CallNotOpen(f"call {call_id} is not reserved")


def note_generation_id(*, call_id: int, generation_id: str) -> None:
    """Keep the id with which the bill can be asked for. A later, other id replaces it.

    An id that cannot be kept (another call's, or no id at all) is an error in the log and
    not for the reply that is being written. Nothing happens once the call is settled.
    """
    if not generation_id or _text(generation_id) != generation_id:
        logger.error("Call %d: an unusable generation id came", call_id)
        return
    try:
        with transaction.atomic():
            waiting = Call.objects.filter(pk=call_id, state__in=BEFORE_THE_BILL)
            waiting.exclude(generation_id=generation_id).update(generation_id=generation_id)
    except IntegrityError:
        logger.exception("Call %d: generation %s is another call's", call_id, generation_id)


@transaction.atomic
def end_call(
    *,
    call_id: int,
    usage: Usage | None,
    served_model: str | None,
    provider: str | None,
    finish_reason: str | None,
    ttft_ms: int | None,
    duration_ms: int | None,
    may_have_cost: bool,
    error: str = "",
    generation_id: str | None = None,
) -> UsageRecord | None:
    """End a call, whichever way it went, and book what it cost.

    A cost figure settles the call: its one entry is written and returned. To call this again,
    or twice at once, adds nothing and returns that entry. Without a figure the call is
    PENDING when money may have been spent, else RELEASED, and None is returned; a figure that
    comes later (the settler's, a late chunk's) still settles it. `error`: a short code.
    `generation_id`: as for `note_generation_id`, should that have failed.

    A negative, infinite or otherwise impossible cost is unknown: it never credits anybody.
    """
    if generation_id:
        note_generation_id(call_id=call_id, generation_id=generation_id)
    known = {
        "served_model": _text(served_model),
        "provider": _text(provider),
        "finish_reason": _text(finish_reason),
        "ttft_ms": _count(ttft_ms),
        "duration_ms": _count(duration_ms),
        "error": _text(error),
        **_usage_columns(call_id, usage),
    }
    # What is unknown now takes nothing away from what was known before.
    known = {name: value for name, value in known.items() if value not in (None, "")}
    cost_usd = None if usage is None else _bookable(call_id, usage.cost_usd)
    if cost_usd is not None:
        return _settle(call_id, cost_usd, known)
    spent = may_have_cost or (usage is not None and usage.cost_usd is not None)
    if spent:
        _close(
            call_id, OPEN, CallState.PENDING, known | {"next_try_at": timezone.now() + FIRST_LOOK}
        )
    else:
        _close(call_id, OPEN, CallState.RELEASED, known)
    return UsageRecord.objects.filter(call_id=call_id, corrects=None).first()


@transaction.atomic
def begin_again(
    *, call_id: int, generation_id: str | None, may_have_cost: bool, error: str
) -> Call:
    """The request of a call failed, and is made once more: end that call, begin the next.

    Each request may have an id and a cost of its own. Where the failed one can have neither, the
    call goes on and is returned as it is. Raises CallNotOpen when it is not running.
    """
    call = Call.objects.select_for_update().get(pk=call_id)
    if call.state != CallState.RUNNING:
        raise CallNotOpen(f"call {call_id} is not running")
    if not (generation_id or call.generation_id or may_have_cost):
        return call
    end_call(
        call_id=call_id,
        usage=None,
        served_model=None,
        provider=None,
        finish_reason=None,
        ttft_ms=None,
        duration_ms=None,
        may_have_cost=True,
        error=error,
        generation_id=generation_id,
    )
    following = Call.objects.create(
        state=CallState.RUNNING,
        started_at=timezone.now(),
        **{name: getattr(call, name) for name in ASKED},
    )
    hold_again(call, following)
    return following


@transaction.atomic
def release_call(*, call_id: int, error: str) -> None:
    """A call was never made, or cannot have cost anything: it spends nothing of any budget."""
    _close(call_id, OPEN, CallState.RELEASED, {"error": error})


@transaction.atomic
def estimate_call(*, call_id: int, rule: str) -> UsageRecord | None:
    """Book the reservation of a pending call whose bill will never come, and name the rule.

    None: the call is not pending any more, or its worst case is not known either. Such a call
    stays pending, where everybody sees it: unknown is never zero.
    """
    call = Call.objects.pending().filter(pk=call_id).exclude(reserved_usd=None).first()
    if call is None or call.reserved_usd is None:
        return None
    if not _close(call_id, [CallState.PENDING], CallState.SETTLED, {}):
        return None
    return _write_entry(call_id, call.reserved_usd, standing=Standing.ESTIMATED, estimate_rule=rule)


@transaction.atomic
def correct_entry(*, entry: UsageRecord, cost_usd: Decimal) -> UsageRecord | None:
    """Make the books say that a call cost `cost_usd`: book the difference to what they say.

    None: they say so already. Raises ValueError for what cannot be owed.
    """
    if not is_amount(cost_usd) or cost_usd < 0:
        raise ValueError(f"nobody can owe {cost_usd}")
    original = entry.corrects or entry
    call = Call.objects.select_for_update().get(pk=original.call_id)
    booked = booked_usd(call, UsageRecord.objects.filter(call=call))
    difference = EXACT.subtract(cost_usd, booked)
    if not difference:
        return None
    amounts = correction_of(call, difference)
    charge(call, amounts["cost_usd"])
    return UsageRecord.objects.create(
        call=call,
        kind=Kind.CORRECTION,
        corrects=original,
        generation_id=original.generation_id,
        **amounts,
        price_entry_id=original.price_entry_id,
        **{name: getattr(call, name) for name in COPIED if name not in COUNTED},
    )


def conversation_total(*, conversation_ref: str) -> Total:
    """What a conversation cost so far, and how many of its calls have no figure yet."""
    waiting = (
        Call.objects.in_conversation(conversation_ref)
        .pending()
        .order_by()
        .aggregate(all=Count("pk"), unknown=Count("pk", filter=Q(generation_id=None)))
    )
    return Total(
        cost_usd=UsageRecord.objects.in_conversation(conversation_ref).total_usd(),
        pending=waiting["all"] - waiting["unknown"],
        unknown=waiting["unknown"],
    )


def _close(
    call_id: int, expected: Sequence[CallState], state: CallState, known: dict[str, Any]
) -> bool:
    """Compare and set: of two that close a call from the same state, one is told True."""
    has_closed = Call.objects.filter(pk=call_id, state__in=expected).update(
        state=state, ended_at=Coalesce("ended_at", Now()), **known
    )
    if has_closed and state != CallState.PENDING:
        release([call_id])
    return bool(has_closed)


def _settle(call_id: int, cost_usd: Decimal, known: dict[str, Any]) -> UsageRecord:
    """Write the entry of a call that has none; return the entry it has otherwise."""
    if _close(call_id, BEFORE_THE_BILL, CallState.SETTLED, known):
        return _write_entry(call_id, cost_usd)
    if _close(call_id, [CallState.RELEASED], CallState.SETTLED, known):
        logger.warning("Call %d was released, and yet a cost came: it is booked", call_id)
        return _write_entry(call_id, cost_usd)
    entry = UsageRecord.objects.get(call_id=call_id, corrects=None)
    if entry.standing == Standing.ESTIMATED:
        correct_entry(entry=entry, cost_usd=cost_usd)
    return entry


def _write_entry(call_id: int, cost_usd: Decimal, **fields: Any) -> UsageRecord:
    call = Call.objects.get(pk=call_id)
    cost_usd = our_share(call, cost_usd)
    charge(call, cost_usd)
    return UsageRecord.objects.create(
        call=call,
        generation_id=call.generation_id or "",
        cost_usd=cost_usd,
        price_entry=in_force(call),
        **{name: getattr(call, name) for name in COPIED},
        **fields,
    )


def _usage_columns(call_id: int, usage: Usage | None) -> dict[str, Any]:
    if usage is None:
        return {}
    return {
        "prompt_tokens": _count(usage.prompt_tokens),
        "completion_tokens": _count(usage.completion_tokens),
        "reasoning_tokens": _count(usage.reasoning_tokens),
        "cached_tokens": _count(usage.cached_tokens),
        "cache_write_tokens": _count(usage.cache_write_tokens),
        "upstream_cost_usd": _bookable(call_id, usage.upstream_cost_usd),
        "is_byok": usage.is_byok,
    }


def _bookable(call_id: int, amount: Decimal | None) -> Decimal | None:
    """The amount, or None with an error in the log when no such amount can be owed."""
    if amount is None or (is_amount(amount) and amount >= 0):
        return amount
    logger.error("Call %d: an impossible amount came, %s", call_id, amount)
    return None


def _count(number: int | None) -> int | None:
    """A count from the wire, or None for what is none."""
    return number if number is not None and 0 <= number < MAX_COUNT else None


def _text(text: str | None) -> str:
    """Free text from the wire, so that every database takes it: cut, no NUL, no half characters."""
    clean = (text or "").replace("\0", "").encode(errors="replace").decode()
    return clean[:TEXT_CHARS]
