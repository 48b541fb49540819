"""Settlement: calls that ended without a figure are asked for until their bill is there.

Exactly one settler books a call, whatever the number of processes: who moves `next_try_at` on
from the value that both had read may ask, and the entry itself is written by the compare-and-set
of `end_call`. No lock is held while upstream is asked, so a settler that dies costs one backoff.

Source: OpenRouter API reference, "Get a generation": 404 for seconds after an answer, and for
minutes after a cancelled one, is normal.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final, Protocol, TypeAlias

from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone
from django.utils.module_loading import import_string

from billing.key_models import KeyKind
from billing.keys import Credential, key_of_call, shared_key
from billing.models import Call, CallState, UsageRecord
from billing.services import end_call, estimate_call, release_call
from openrouter.errors import (
    InvalidRequest,
    KeyRejected,
    OpenRouterError,
    ProtocolError,
    StreamInterrupted,
)
from openrouter.events import Usage
from openrouter.results import Generation

logger = logging.getLogger(__name__)

BATCH: Final = 200  # calls of one pass
MOST_LATE: Final = 2_000  # calls that are looked at for being beyond all hope
AT_ONCE: Final = 8  # requests to upstream
FIRST_BACKOFF_S: Final = 2
LONGEST_BACKOFF_S: Final = 3600
# A call without an id: nobody can be asked. It is estimated once a late chunk cannot come any more.
UNKNOWN_AFTER: Final = dt.timedelta(hours=1)
# A call whose id upstream does not know after all this time: its bill was lost.
LOST_AFTER: Final = dt.timedelta(days=7)
# No answer takes this long: whoever made the call died, and nobody ended it.
ABANDONED_AFTER: Final = dt.timedelta(hours=6)
RULE_NO_ID: Final = "worst-case/1: no generation id was told, so the reservation is booked"
RULE_NO_KEY: Final = "worst-case/1: the key it was made with was given up, so nobody can ask"
RULE_LOST: Final = "worst-case/1: no bill after 7 days, so the reservation is booked"

# What is wrong with one bill says nothing about the others: not there yet, or not readable.
ABOUT_ONE_BILL: Final = (InvalidRequest, ProtocolError, StreamInterrupted)

InDatabase: TypeAlias = Callable[..., Coroutine[Any, Any, Any]]


class BillClient(Protocol):
    async def generation(self, generation_id: str, *, api_key: str = "") -> Generation: ...


@dataclass(frozen=True, slots=True)
class Claim:
    """A call that this settler, and no other, asks for now. `attempt` counts from 1.

    `keys` to ask with, in this order: the one that the call was made with may see its bill. Where
    that is disabled by now, and we pay for it, the shared key of the same account may do.
    """

    call_id: int
    generation_id: str
    attempt: int
    keys: tuple[Credential, ...] = (Credential(),)


@dataclass(slots=True)
class SettleReport:
    """What one pass did. `waiting`: asked for, and not there yet. `error`: why it ended early."""

    settled: list[UsageRecord] = field(default_factory=list)
    estimated: list[UsageRecord] = field(default_factory=list)
    waiting: int = 0
    error: OpenRouterError | None = None

    def add(self, other: SettleReport) -> None:
        self.settled += other.settled
        self.estimated += other.estimated
        self.waiting += other.waiting
        self.error = self.error or other.error


async def settle_due(
    client: BillClient, in_database: InDatabase | None = None, *, at_once: bool = False
) -> SettleReport:
    """One pass over the calls whose time has come; with `at_once` over all that are pending.

    `in_database` runs a function off the event loop. What goes wrong upstream is in the report,
    and the calls stay pending: nothing is half-written, because each call is one transaction.
    """
    run = in_database or _on_sync_thread
    report = SettleReport(estimated=await run(estimate_unknown))
    gate = asyncio.Semaphore(AT_ONCE)
    after = 0
    while claims := await run(claim, at_once=at_once, after=after):
        after = claims[-1].call_id
        async with asyncio.TaskGroup() as group:
            for one in claims:
                group.create_task(_settle(one, client, run, gate, report))
        if report.error or not at_once:
            break
    return report


def _on_sync_thread(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    return sync_to_async(function)(*args, **kwargs)


def claim(*, at_once: bool = False, after: int = 0) -> list[Claim]:
    """Take calls whose turn it is, so that no other settler asks for them at the same time.

    Compare and set on the count of attempts: of two that saw the same, one is told yes.
    """
    now = timezone.now()
    due = Call.objects.billable()
    if at_once:
        due = due.filter(pk__gt=after).order_by("pk")
    else:
        due = due.filter(Q(next_try_at=None) | Q(next_try_at__lte=now)).order_by("next_try_at")
    seen = list(due.select_related("key")[:BATCH])
    return [
        Claim(call.pk, str(call.generation_id), call.attempts + 1, _keys_of(call))
        for call in seen
        if Call.objects.pending()
        .filter(pk=call.pk, attempts=call.attempts)
        .update(attempts=F("attempts") + 1, next_try_at=now + backoff(call.attempts))
    ]


def _keys_of(call: Call) -> tuple[Credential, ...]:
    """None where the key of a person's own account was given up: no other may see the bill."""
    key = key_of_call(call)
    if key is None:
        return ()
    return (key, shared_key()) if key.kind == KeyKind.PERSONAL else (key,)


def backoff(attempts: int) -> dt.timedelta:
    """How long to wait after so many attempts: 2, 4, 8 seconds, and never more than an hour."""
    return dt.timedelta(seconds=min(LONGEST_BACKOFF_S, FIRST_BACKOFF_S * 2 ** min(attempts, 20)))


async def _settle(
    one: Claim,
    client: BillClient,
    run: InDatabase,
    gate: asyncio.Semaphore,
    report: SettleReport,
) -> None:
    async with gate:
        if report.error:  # what ended the pass would meet this call, too
            return
        if not one.keys:
            report.waiting += 1
            await run(note_answer, one, "its key was given up")
            return
        try:
            bill = await _ask(client, one)
        except OpenRouterError as error:
            report.waiting += 1
            if not isinstance(error, ABOUT_ONE_BILL) and not _is_about_its_key(error, one):
                report.error = error
            await run(note_answer, one, _word_for(error))
            return
    entry = await run(book, one, bill)
    if entry:
        report.settled.append(entry)
    else:
        report.waiting += 1


async def _ask(client: BillClient, one: Claim) -> Generation:
    for key in one.keys[:-1]:
        try:
            return await client.generation(one.generation_id, api_key=key.secret)
        except KeyRejected:
            continue  # disabled since then: its person has left, say
    return await client.generation(one.generation_id, api_key=one.keys[-1].secret)


def _is_about_its_key(error: OpenRouterError, one: Claim) -> bool:
    """A key of one person was refused, which says nothing about the bills of others."""
    return isinstance(error, KeyRejected) and one.keys[-1].is_own


def _word_for(error: OpenRouterError) -> str:
    name = type(error).__name__
    return f"{name} {error.status}" if error.status else name


def note_answer(one: Claim, answer: str) -> None:
    """Keep why there is no bill yet, for the administrator who looks at a call that is overdue."""
    Call.objects.pending().filter(pk=one.call_id).update(last_answer=answer)


@transaction.atomic
def book(one: Claim, bill: Generation) -> UsageRecord | None:
    """Enter a bill into the ledger, and tell whoever shows it. None: it names no amount yet."""
    cost_usd = bill.usage_usd if bill.total_cost_usd is None else bill.total_cost_usd
    if cost_usd is None or cost_usd < 0:
        note_answer(one, "a bill without an amount")
        return None
    call = Call.objects.get(pk=one.call_id)
    entry = end_call(
        call_id=one.call_id,
        usage=usage_of(bill, cost_usd),
        served_model=call.served_model or bill.model,
        provider=bill.provider_name,
        finish_reason=bill.finish_reason,
        ttft_ms=call.ttft_ms,
        duration_ms=call.duration_ms,
        may_have_cost=True,
    )
    if entry:
        _announce(entry)
    return entry


def usage_of(bill: Generation, cost_usd: Decimal) -> Usage:
    """A stored bill as usage. Its upstream cost counts on an own key only; else it is told as 0."""
    return Usage(
        prompt_tokens=bill.prompt_tokens,
        completion_tokens=bill.completion_tokens,
        reasoning_tokens=bill.reasoning_tokens,
        cached_tokens=bill.cached_tokens,
        cost_usd=cost_usd,
        upstream_cost_usd=bill.upstream_cost_usd if bill.is_byok else None,
        is_byok=bool(bill.is_byok),
    )


def estimate_unknown() -> list[UsageRecord]:
    """Close what nobody will ever tell: see UNKNOWN_AFTER, LOST_AFTER, ABANDONED_AFTER."""
    now = timezone.now()
    _end_abandoned(now)
    late = Call.objects.pending().filter(ended_at__lt=now - UNKNOWN_AFTER).select_related("key")
    due = [
        (call.pk, rule)
        for call in late.exclude(reserved_usd=None).order_by("ended_at")[:MOST_LATE]
        if (rule := _why_never(call, now))
    ]
    return [entry for pk, rule in due if (entry := _estimate(pk, rule))]


def _why_never(call: Call, now: dt.datetime) -> str:
    """The rule for a late call whose bill cannot come any more; empty while it still may."""
    if not call.generation_id:
        return RULE_NO_ID
    if call.key_kind == KeyKind.OWN and not (call.key and call.key.token):
        return RULE_NO_KEY
    return RULE_LOST if call.ended_at and call.ended_at < now - LOST_AFTER else ""


def _end_abandoned(now: dt.datetime) -> None:
    old = Call.objects.filter(created_at__lt=now - ABANDONED_AFTER)
    for call in old.filter(state=CallState.RESERVED)[:BATCH]:
        release_call(call_id=call.pk, error="abandoned before it was sent")
    running = old.filter(state=CallState.RUNNING)
    if running.exists():
        running.update(state=CallState.PENDING, ended_at=now, next_try_at=now, error="abandoned")


@transaction.atomic
def _estimate(call_id: int, rule: str) -> UsageRecord | None:
    entry = estimate_call(call_id=call_id, rule=rule)
    if entry:
        logger.warning("Call %d: its cost will never be known; %s", call_id, rule)
        _announce(entry)
    return entry


def _announce(entry: UsageRecord) -> None:
    """Tell whoever shows costs, in the transaction of the entry itself: both or neither."""
    import_string(settings.BILLING_ON_SETTLED)(entry)
