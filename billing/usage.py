"""What was used: read from the sums by day and month, never from a million entries.

A stretch of days is read as the whole months in it and the days left over at its ends, so that
a year takes no more rows than two months do.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, fields, replace
from decimal import Decimal
from functools import reduce
from operator import or_
from typing import Any, Final, TypeAlias

from django.db.models import Q, QuerySet, Sum

from billing.latency import Buckets, loaded, percentile_ms
from billing.models import Kind, Purpose
from billing.money import EXACT, UsdTotal
from billing.rollup import after_month
from billing.rollup_models import EVERYBODY, Span, UsageRollup

NOTHING: Final = Decimal(0)
ANSWERING: Final = (Purpose.REPLY, Purpose.ESCALATION)  # a second answer is one, too
DAYS_DRAWN: Final = 62  # a longer stretch is drawn by month
DIMENSIONS: Final = ("served_model", "provider", "purpose", "standing", "kind")
ONE_DAY: Final = dt.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Choice:
    """Whose use of what, when: `since` and `until` are days, both counted. "" is all.

    `user_refs`: None is everybody; several are the members of a group.
    """

    since: dt.date
    until: dt.date
    user_refs: tuple[str, ...] | None = None
    served_model: str = ""
    provider: str = ""
    purpose: str = ""
    standing: str = ""
    kind: str = ""

    @property
    def by_day(self) -> bool:
        """Whether it is drawn by day; by month otherwise."""
        return (self.until - self.since).days < DAYS_DRAWN

    def steps(self) -> list[dt.date]:
        """The first day of each bar of a chart."""
        if self.by_day:
            days = (self.until - self.since).days + 1
            return [self.since + ONE_DAY * place for place in range(days)]
        steps = [self.since.replace(day=1)]
        while after_month(steps[-1]) <= self.until:
            steps.append(after_month(steps[-1]))
        return steps

    def step_of(self, day: dt.date) -> dt.date:
        return day if self.by_day else day.replace(day=1)

    def only(self, step: dt.date) -> Choice:
        """The same within one step."""
        last = step if self.by_day else after_month(step) - ONE_DAY
        return replace(self, since=max(self.since, step), until=min(self.until, last))


EVER: Final = Choice(dt.date(1970, 1, 1), dt.date(9998, 12, 31))


@dataclass(slots=True)
class Used:
    """What some entries add up to. `calls` counts requests: a correction is none."""

    cost_usd: Decimal = NOTHING
    own_key_usd: Decimal = NOTHING
    cache_saved_usd: Decimal = NOTHING
    estimated_usd: Decimal = NOTHING
    answers_usd: Decimal = NOTHING  # of replies alone
    entries: int = 0
    corrections: int = 0
    answers: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0

    @property
    def calls(self) -> int:
        return self.entries - self.corrections

    @property
    def tokens(self) -> int:
        return self.prompt_tokens + self.completion_tokens

    @property
    def per_answer_usd(self) -> Decimal | None:
        """None: there was no answer."""
        return EXACT.divide(self.answers_usd, Decimal(self.answers)) if self.answers else None

    @property
    def cached_share(self) -> float | None:
        """Of the prompt tokens, how many came from a cache; None: there were none."""
        return self.cached_tokens / self.prompt_tokens if self.prompt_tokens else None

    def join(self, other: Used) -> None:
        """Add what others add up to."""
        for each in fields(self):
            mine, theirs = getattr(self, each.name), getattr(other, each.name)
            exact = isinstance(mine, Decimal)
            setattr(self, each.name, EXACT.add(mine, theirs) if exact else mine + theirs)

    def add(self, row: dict[str, Any]) -> None:
        """Add one group of rows, as `_groups` reads it."""
        for name in ("cost_usd", "own_key_usd", "cache_saved_usd"):
            setattr(self, name, EXACT.add(getattr(self, name), row[f"sum_{name}"]))
        for name in ("entries", "prompt_tokens", "completion_tokens", "cached_tokens"):
            setattr(self, name, getattr(self, name) + row[f"sum_{name}"])
        is_correction = row["kind"] == Kind.CORRECTION
        if is_correction:
            self.corrections += row["sum_entries"]
        if row["standing"] != "exact":
            self.estimated_usd = EXACT.add(self.estimated_usd, row["sum_cost_usd"])
        if row["purpose"] in ANSWERING:
            self.answers_usd = EXACT.add(self.answers_usd, row["sum_cost_usd"])
            self.answers += 0 if is_correction else row["sum_entries"]


@dataclass(slots=True)
class Usage:
    """All that is told of a choice by time and model, read in one question."""

    total: Used = field(default_factory=Used)
    by_step: dict[dt.date, Used] = field(default_factory=dict)
    by_model: dict[str, Used] = field(default_factory=dict)
    by_both: dict[tuple[dt.date, str], Used] = field(default_factory=dict)

    def models(self, measure: Callable[[Used], Any]) -> list[str]:
        """The models, the one with the most first."""
        return sorted(self.by_model, key=lambda name: (-measure(self.by_model[name]), name))


def usage_of(choice: Choice) -> Usage:
    usage = Usage()
    for row in _groups(choice, "span", "starts_on", "served_model"):
        step, model = choice.step_of(row["starts_on"]), row["served_model"]
        usage.total.add(row)
        usage.by_step.setdefault(step, Used()).add(row)
        usage.by_model.setdefault(model, Used()).add(row)
        usage.by_both.setdefault((step, model), Used()).add(row)
    return usage


def total_of(choice: Choice) -> Used:
    total = Used()
    for row in _groups(choice):
        total.add(row)
    return total


def by_user(choice: Choice) -> dict[str, Used]:
    """User id → what they spent, on how many calls and answers, the dearest first.

    Grouped by the user alone, so that PostgreSQL hashes the rows and does not sort them; and
    piece by piece, so that it reads nothing but the index `rollups_by_user`.
    """
    users: dict[str, Used] = {}
    for piece in _pieces(choice):
        rows = UsageRollup.objects.filter(_within(piece), **_wanted(choice))
        if choice.user_refs is None:
            rows = rows.filter(user_ref__gt=EVERYBODY)
        else:
            rows = rows.filter(user_ref__in=choice.user_refs)
        for ref, used in _by_user(rows):
            users.setdefault(ref, Used()).join(used)
    return dict(sorted(users.items(), key=lambda one: (-one[1].cost_usd, one[0])))


def _by_user(rows: QuerySet[UsageRollup]) -> Iterator[tuple[str, Used]]:
    answers, corrections = Q(purpose__in=ANSWERING), Q(kind=Kind.CORRECTION)
    found = (
        rows.order_by()
        .values_list("user_ref")
        .annotate(
            paid=UsdTotal("cost_usd"),
            answers_paid=UsdTotal("cost_usd", filter=answers),
            calls=Sum("entries"),
            corrected=Sum("entries", filter=corrections, default=0),
            answered=Sum("entries", filter=answers & ~corrections, default=0),
        )
    )
    for ref, paid, answers_paid, calls, corrected, answered in found:
        yield ref, Used(cost_usd=paid, answers_usd=answers_paid, entries=calls,
                        corrections=corrected, answers=answered)  # fmt: skip


def who_spent_most(since: dt.date, most: int) -> list[str]:
    """Ids of those who spent most in the months from that of `since` on."""
    rows = UsageRollup.objects.filter(
        span=Span.MONTH, starts_on__gte=since.replace(day=1), user_ref__gt=EVERYBODY
    )
    paid = rows.order_by().values_list("user_ref").annotate(paid=UsdTotal("cost_usd"))
    return [ref for ref, _ in paid.order_by("-paid", "user_ref")[:most]]


def first_tokens(choice: Choice) -> dict[str, Buckets]:
    """Model → how many first tokens came after how long; of everybody, whoever is chosen."""
    found: dict[str, Buckets] = {}
    rows = _rows(choice).filter(user_ref=EVERYBODY).exclude(first_tokens=None)
    for model, buckets in rows.values_list("served_model", "first_tokens"):
        found.setdefault(model, Buckets()).update(loaded(buckets))
    return found


def percentiles(buckets: Buckets) -> tuple[int | None, int | None]:
    """Milliseconds within which half of the first tokens came, and 95 %."""
    return percentile_ms(buckets, 50), percentile_ms(buckets, 95)


def known_values(column: str) -> list[str]:
    """Every value of a column of the ledger that has been counted. Not of users: too many."""
    rows = UsageRollup.objects.filter(span=Span.MONTH, user_ref=EVERYBODY)
    return list(rows.order_by(column).values_list(column, flat=True).distinct())


def known_months(user_ref: str = EVERYBODY) -> list[dt.date]:
    """The months with any entry, the newest first."""
    rows = UsageRollup.objects.filter(span=Span.MONTH, user_ref=user_ref)
    return list(rows.order_by("-starts_on").values_list("starts_on", flat=True).distinct())


def known_days(month: dt.date) -> list[dt.date]:
    """The days of a month with any entry."""
    rows = UsageRollup.objects.filter(
        span=Span.DAY, user_ref=EVERYBODY, starts_on__gte=month, starts_on__lt=after_month(month)
    )
    return list(rows.order_by("starts_on").values_list("starts_on", flat=True).distinct())


# --- How it is read ---


def _groups(choice: Choice, *by: str) -> Iterable[dict[str, Any]]:
    rows = _rows(choice)
    if choice.user_refs is None:
        rows = rows.filter(user_ref=EVERYBODY)
    else:
        rows = rows.filter(user_ref__in=choice.user_refs)
    return _sums(rows, *by)


def _sums(rows: QuerySet[UsageRollup], *by: str) -> Iterator[dict[str, Any]]:
    """Always apart by purpose, standing and kind, which decide what a sum is part of."""
    grouped = rows.order_by().values(*by, "purpose", "standing", "kind")
    yield from grouped.annotate(
        sum_cost_usd=UsdTotal("cost_usd"),
        sum_own_key_usd=UsdTotal("own_key_usd"),
        sum_cache_saved_usd=UsdTotal("cache_saved_usd"),
        sum_entries=Sum("entries"),
        sum_prompt_tokens=Sum("prompt_tokens"),
        sum_completion_tokens=Sum("completion_tokens"),
        sum_cached_tokens=Sum("cached_tokens"),
    )


def _rows(choice: Choice) -> QuerySet[UsageRollup]:
    """The rows that cover the days of a choice, each day once."""
    pieces = [_within(piece) for piece in _pieces(choice)]
    cover = reduce(or_, pieces) if pieces else Q(pk__in=[])
    return UsageRollup.objects.filter(cover, **_wanted(choice))


def _wanted(choice: Choice) -> dict[str, str]:
    return {name: getattr(choice, name) for name in DIMENSIONS if getattr(choice, name)}


Piece: TypeAlias = tuple[str, dt.date, dt.date]


def _within(piece: Piece) -> Q:
    span, first, after = piece
    return Q(span=span, starts_on__gte=first, starts_on__lt=after)


def _pieces(choice: Choice) -> Sequence[Piece]:
    """Span, first day, and the day after the last."""
    after = choice.until + ONE_DAY
    if after <= choice.since:
        return []
    if choice.by_day:
        return [(Span.DAY, choice.since, after)]
    first = choice.since if choice.since.day == 1 else after_month(choice.since.replace(day=1))
    last = after.replace(day=1)
    pieces = [
        (Span.DAY, choice.since, first),
        (Span.MONTH, first, last),
        (Span.DAY, last, after),
    ]
    return [(span, begin, end) for span, begin, end in pieces if begin < end]
