"""Reconciliation: a day of the ledger beside the same day of OpenRouter's own account.

A call counts to the UTC day on which it was made, as it does for OpenRouter, whenever its bill
came. Source: OpenRouter API reference, "Get user activity": completed days of the last thirty,
by day, model and endpoint; it needs a management key.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from typing import Any, Final, Protocol

from django.db import transaction
from django.db.models import Count, Q
from django.utils import timezone

from billing.key_models import KeyKind
from billing.keys import shared_key
from billing.models import Call, Kind, Standing, UsageRecord
from billing.money import EXACT, UsdTotal, usd_text
from billing.reconciliation_keys import KeyLine, compare_keys, keys_to_compare
from billing.reconciliation_models import Reconciliation, Verdict
from openrouter.results import ActivityRow, Credits, KeyInfo

NOTHING: Final = Decimal(0)
DAYS: Final = 30  # that OpenRouter remembers


class AccountClient(Protocol):
    """What a management key may ask."""

    async def activity(
        self, *, day: dt.date | None = None, key_hash: str | None = None
    ) -> list[ActivityRow]: ...

    async def credits(self) -> Credits: ...


class KeyClient(Protocol):
    async def key(self) -> KeyInfo: ...


@dataclass(frozen=True, slots=True)
class Statement:
    """What OpenRouter says, fetched whole before anything is compared or written."""

    activity: Sequence[ActivityRow]
    credits: Credits
    key: KeyInfo
    by_key: Mapping[str, Sequence[ActivityRow]] = field(default_factory=dict)  # hash → its rows


@dataclass(slots=True)
class Line:
    """One model on one day, in both books. `pending` and `estimated` explain a residual."""

    model: str
    ours_usd: Decimal = NOTHING
    theirs_usd: Decimal = NOTHING
    our_calls: int = 0
    their_requests: int = 0
    pending: int = 0
    estimated: int = 0
    own_key_ours_usd: Decimal = NOTHING
    own_key_theirs_usd: Decimal = NOTHING

    @property
    def residual_usd(self) -> Decimal:
        """What they counted and we did not; negative where we have more."""
        return EXACT.subtract(self.theirs_usd, self.ours_usd)

    @property
    def closes(self) -> bool:
        return not self.residual_usd and self.own_key_ours_usd == self.own_key_theirs_usd

    def as_json(self) -> dict[str, Any]:
        """Money as text, to the last digit."""
        return {
            name: usd_text(value) if isinstance(value, Decimal) else value
            for name, value in {**asdict(self), "residual_usd": self.residual_usd}.items()
        }


@dataclass(slots=True)
class Day:
    """One day, model by model."""

    day: dt.date
    lines: dict[str, Line] = field(default_factory=dict)

    def line(self, model: str) -> Line:
        return self.lines.setdefault(model, Line(model))

    def total(self, name: str) -> Decimal:
        total = NOTHING
        for line in self.lines.values():
            total = EXACT.add(total, getattr(line, name))
        return total

    @property
    def verdict(self) -> Verdict:
        differing = [line for line in self.lines.values() if not line.closes]
        if not differing:
            return Verdict.CLOSED
        explained = all(line.pending or line.estimated for line in differing)
        return Verdict.EXPLAINED if explained else Verdict.OPEN


async def fetch_statement(
    account: AccountClient, own: KeyClient, *, day: dt.date | None, keys: Sequence[str]
) -> Statement:
    """Everything, or an OpenRouterError and nothing. Without `keys` (hashes): the whole account."""
    by_key = {each: await account.activity(day=day, key_hash=each) for each in keys}
    rows = [row for rows in by_key.values() for row in rows]
    return Statement(
        activity=rows if keys else await account.activity(day=day),
        credits=await account.credits(),
        key=await own.key(),
        by_key=by_key,
    )


def our_keys() -> list[str]:
    """What OpenRouter calls the keys of this installation; none for the emulator's."""
    return sorted(keys_to_compare()) if shared_key().key_hash else []


@transaction.atomic
def reconcile(statement: Statement, *, day: dt.date | None) -> list[Reconciliation]:
    """Compare one day, or every completed day that either book knows, and record the outcome."""
    theirs: dict[dt.date, list[ActivityRow]] = {}
    for row in statement.activity:
        theirs.setdefault(dt.date.fromisoformat(row.date[:10]), []).append(row)
    days = [day] if day else sorted(theirs.keys() | _our_days())
    total_usd = UsageRecord.objects.total_usd()
    return [_record(compare_day(each, theirs.get(each, [])), statement, total_usd) for each in days]


def _our_days() -> set[dt.date]:
    today = timezone.now().astimezone(dt.UTC).date()
    made = Call.objects.filter(created_at__date__lt=today)
    recent = made.filter(created_at__date__gte=today - dt.timedelta(days=DAYS))
    return set(recent.order_by().values_list("created_at__date", flat=True).distinct())


def compare_day(day: dt.date, rows: Iterable[ActivityRow]) -> Day:
    """Put both books beside each other. Models are matched by id or by permaslug."""
    found = Day(day)
    ids: dict[str, str] = {}
    for row in rows:
        ids |= {row.model_permaslug: row.model, row.model: row.model}
        line = found.line(row.model)
        line.theirs_usd = EXACT.add(line.theirs_usd, row.usage_usd)
        line.own_key_theirs_usd = EXACT.add(
            line.own_key_theirs_usd, row.byok_usage_inference_usd or NOTHING
        )
        line.their_requests += row.requests
    for entry in _entries_of(day):
        line = found.line(ids.get(entry["served_model"], entry["served_model"]))
        line.ours_usd = EXACT.add(line.ours_usd, entry["paid"])
        line.own_key_ours_usd = EXACT.add(line.own_key_ours_usd, entry["own"])
        line.our_calls += entry["calls"]
        line.estimated += entry["estimated"]
    for call in _pending_of(day):
        model = call["served_model"] or call["requested_model"]
        found.line(ids.get(model, model)).pending += call["calls"]
    return found


def _made_on(day: dt.date, prefix: str = "") -> Q:
    start = dt.datetime.combine(day, dt.time(), dt.UTC)
    end = start + dt.timedelta(days=1)
    return Q(**{f"{prefix}created_at__gte": start, f"{prefix}created_at__lt": end})


def _entries_of(day: dt.date) -> Iterable[Mapping[str, Any]]:
    ours = UsageRecord.objects.exclude(call__key_kind=KeyKind.OWN)
    entries = ours.filter(_made_on(day, "call__")).order_by()
    return entries.values("served_model").annotate(
        paid=UsdTotal("cost_usd"),
        own=UsdTotal("upstream_cost_usd", filter=Q(is_byok=True)),
        calls=Count("pk", filter=Q(kind=Kind.ORIGINAL)),
        estimated=Count("pk", filter=Q(standing=Standing.ESTIMATED)),
    )


def _pending_of(day: dt.date) -> Iterable[Mapping[str, Any]]:
    pending = Call.objects.pending().on_our_account().filter(_made_on(day)).order_by()
    return pending.values("served_model", "requested_model").annotate(calls=Count("pk"))


def _record(found: Day, statement: Statement, total_usd: Decimal) -> Reconciliation:
    lines = sorted(found.lines.values(), key=lambda line: (line.closes, line.model))
    ours, theirs = found.total("ours_usd"), found.total("theirs_usd")
    keys = compare_keys(found.day, statement.by_key)
    return Reconciliation.objects.create(
        day=found.day,
        verdict=_verdict(found, keys),
        ours_usd=ours,
        theirs_usd=theirs,
        residual_usd=EXACT.subtract(theirs, ours),
        pending=sum(line.pending for line in lines),
        estimated=sum(line.estimated for line in lines),
        only_theirs=sum(not line.our_calls for line in lines if line.their_requests),
        only_ours=sum(not line.their_requests for line in lines if line.our_calls),
        lines=[line.as_json() for line in lines],
        keys=[line.as_json() for line in keys],
        ledger_usd=total_usd,
        key_usage_usd=statement.key.usage_usd,
        credits_usd=statement.credits.total_credits_usd,
        credits_used_usd=statement.credits.total_usage_usd,
    )


def _verdict(found: Day, keys: Sequence[KeyLine]) -> Verdict:
    """Open also where the models agree and the keys do not: a call was asked with another key."""
    if not all(line.is_explained for line in keys):
        return Verdict.OPEN
    if found.verdict == Verdict.CLOSED and any(line.residual_usd for line in keys):
        return Verdict.EXPLAINED
    return found.verdict
