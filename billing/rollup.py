"""Keeping the sums by day and month true to the ledger, to the last digit.

Each entry leaves a mark in its own transaction (see UsageRecord.save). `catch_up` counts the
marked entries and takes the marks away, both in one transaction: an entry is counted once,
whoever counts and whatever dies. Nothing of it happens where an answer is booked.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields, replace
from decimal import Decimal
from typing import Any, Final, NamedTuple
from uuid import UUID

from django.db import connection, transaction
from django.db.models import QuerySet

from billing.latency import Buckets, bucket_of, loaded, stored
from billing.models import PendingRollup, UsageRecord
from billing.money import EXACT, usd_text
from billing.pricebook_prices import price_of
from billing.rollup_models import EVERYBODY, Span, UsageRollup

BATCH: Final = 20_000  # entries that are counted in one transaction
AT_ONCE: Final = 20_000  # keys in one statement
A_PAGE: Final = 20_000  # entries that a page counts at most before it is drawn
LOCK: Final = 5_190_407  # names our lock among PostgreSQL's advisory ones
NOTHING: Final = Decimal(0)
ALIKE: Final = ("served_model", "provider", "purpose", "standing", "kind")
TOKENS: Final = ("prompt_tokens", "completion_tokens", "cached_tokens")
READ: Final = (
    *("created_at", "user_ref", *ALIKE, *TOKENS, "cache_write_tokens"),
    *("cost_usd", "upstream_cost_usd", "is_byok", "ttft_ms", "price_entry__prices"),
)


class Key(NamedTuple):
    """What makes a row one of its own."""

    span: str
    starts_on: dt.date
    user_ref: str
    served_model: str
    provider: str
    purpose: str
    standing: str
    kind: str

    @property
    def id(self) -> UUID:
        told = "\0".join(map(str, self)).encode()
        return UUID(bytes=hashlib.blake2b(told, digest_size=16).digest())

    @classmethod
    def of(cls, row: UsageRollup) -> Key:
        return cls(*(getattr(row, name) for name in cls._fields))


@dataclass(slots=True)
class Sums:
    """What entries that are alike add up to."""

    entries: int = 0
    cost_usd: Decimal = NOTHING
    own_key_usd: Decimal | None = None
    cache_saved_usd: Decimal | None = None
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
    first_tokens: Buckets | None = None

    @classmethod
    def of(cls, row: UsageRollup) -> Sums:
        values: dict[str, Any] = {name: getattr(row, name) for name in SUMMED}
        values["first_tokens"] = None if row.first_tokens is None else loaded(row.first_tokens)
        return cls(**values)

    def add(self, other: Sums) -> None:
        for name in SUMMED:
            theirs = getattr(other, name)
            if theirs is not None:
                mine = getattr(self, name)
                setattr(self, name, theirs if mine is None else _added(mine, theirs))

    def columns(self) -> dict[str, Any]:
        values = {name: getattr(self, name) for name in SUMMED}
        if self.first_tokens is not None:
            values["first_tokens"] = stored(self.first_tokens)
        return values


TABLE: Final = "billing_usagerollup"
SUMMED: Final = tuple(each.name for each in fields(Sums))


@dataclass(frozen=True, slots=True)
class Difference:
    """A row that does not say what the ledger says. None: it is not there, or should not be."""

    key: Key
    ledger: Sums | None
    rollup: Sums | None


@dataclass(slots=True)
class Check:
    """What a comparison with the whole ledger came to."""

    entries: int = 0
    ledger_usd: Decimal = NOTHING
    rollup_usd: Decimal = NOTHING
    differences: list[Difference] = field(default_factory=list)


def catch_up(most: int | None = None) -> int:
    """Count entries that are not counted yet, all or `most` of them; return how many were."""
    counted = 0
    while most is None or counted < most:
        batch = _count_batch()
        counted += batch
        if batch < BATCH:
            break
    return counted


@transaction.atomic
def _count_batch() -> int:
    if not PendingRollup.objects.exists():
        return 0
    _take_turn()
    marked = list(PendingRollup.objects.order_by("pk").values_list("pk", flat=True)[:BATCH])
    for some in _pieces(marked):
        _store(_sums(UsageRecord.objects.filter(pk__in=some)))
        PendingRollup.objects.filter(pk__in=some).delete()
    return len(marked)


def _pieces(keys: Sequence[Any]) -> Iterator[Sequence[Any]]:
    """So many as a statement may hold on SQLite."""
    for begin in range(0, len(keys), AT_ONCE):
        yield keys[begin : begin + AT_ONCE]


def _take_turn() -> None:
    """One at a time until the transaction ends. On SQLite a transaction is that by itself."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])


def _store(found: dict[Key, Sums]) -> None:
    keys = {key.id: key for key in found}
    for some in _pieces(list(keys)):
        for row in UsageRollup.objects.filter(pk__in=some):
            found[keys[row.pk]].add(Sums.of(row))
    _write(found)


def _write(sums: dict[Key, Sums]) -> None:
    """Rows as they shall be, whether they are there or not; in one order.

    Past the ORM, which takes five times as long: there are four rows to most entries.
    """
    columns = ("id", *Key._fields, *SUMMED)
    marks = ", ".join(["%s"] * len(columns))
    changes = ", ".join(f"{name} = excluded.{name}" for name in SUMMED)
    statement = (
        f"INSERT INTO {TABLE} ({', '.join(columns)}) VALUES ({marks}) "  # noqa: S608  # nosec B608 # names of our own
        f"ON CONFLICT (id) DO UPDATE SET {changes}"
    )
    in_order = sorted((key.id, key) for key in sums)
    with connection.cursor() as cursor:
        cursor.executemany(
            statement,
            [
                tuple(map(_parameter, (pk, *key, *sums[key].columns().values())))
                for pk, key in in_order
            ],
        )


def _parameter(value: Any) -> Any:
    """As the driver of each database takes it."""
    if isinstance(value, dict):
        return json.dumps(value)
    if connection.vendor == "sqlite":
        if isinstance(value, Decimal):
            return usd_text(value)
        if isinstance(value, UUID):
            return value.hex
        if isinstance(value, dt.date):
            return value.isoformat()
    return value


def _sums(entries: QuerySet[UsageRecord]) -> dict[Key, Sums]:
    """The rows that these entries add up to: of each one's day and month, user and everybody."""
    alike: dict[tuple[Any, ...], Sums] = {}
    for entry in entries.order_by().values(*READ).iterator(chunk_size=BATCH):
        day = entry["created_at"].astimezone(dt.UTC).date()
        group = (day, entry["user_ref"], *(entry[name] for name in ALIKE))
        alike.setdefault(group, Sums()).add(_of_entry(entry))
    found: dict[Key, Sums] = {}
    for (day, user_ref, *names), sums in alike.items():
        for span, starts_on in ((Span.DAY, day), (Span.MONTH, day.replace(day=1))):
            everybodys = Key(span.value, starts_on, EVERYBODY, *names)
            found.setdefault(everybodys, Sums()).add(sums)
            theirs = Key(span.value, starts_on, user_ref, *names)
            found.setdefault(theirs, Sums()).add(replace(sums, first_tokens=None))
    return found


def _of_entry(entry: dict[str, Any]) -> Sums:
    ttft_ms = entry["ttft_ms"]
    return Sums(
        entries=1,
        cost_usd=entry["cost_usd"],
        own_key_usd=entry["upstream_cost_usd"] if entry["is_byok"] else None,
        cache_saved_usd=_saved(entry),
        first_tokens=None if ttft_ms is None else Buckets({bucket_of(ttft_ms): 1}),
        **{name: entry[name] or 0 for name in TOKENS},
    )


def _saved(entry: dict[str, Any]) -> Decimal | None:
    """What the cache saved of one entry; None where it was not used, or no price is known."""
    prices = entry["price_entry__prices"] or {}
    plain = price_of(prices, "prompt")
    if plain is None or entry["is_byok"]:
        return None
    saved: Decimal | None = None
    for tokens, price in (
        (entry["cached_tokens"], price_of(prices, "input_cache_read")),
        (entry["cache_write_tokens"], price_of(prices, "input_cache_write")),
    ):
        if tokens and price is not None:
            share = EXACT.multiply(Decimal(tokens), EXACT.subtract(plain, price))
            saved = EXACT.add(saved or NOTHING, share)
    return saved


def _added(mine: Any, theirs: Any) -> Any:
    return EXACT.add(mine, theirs) if isinstance(mine, Decimal) else mine + theirs


# --- Proof ---


def check(*, repair: bool = False) -> Check:
    """Compare every row with the ledger, month by month; with `repair`, write what is right.

    Entries with a mark are left out on both sides: they are not counted yet, and known to be.
    """
    result = Check()
    for month in _months():
        _check_month(month, result, repair=repair)
    return result


def _months() -> Iterator[dt.date]:
    """Every month in which the ledger or the rollup has anything."""
    oldest = UsageRecord.objects.order_by("created_at", "pk").values_list("created_at", flat=True)
    newest = UsageRecord.objects.order_by("-created_at", "-pk").values_list("created_at", flat=True)
    days = [each.astimezone(dt.UTC).date() for each in (*oldest[:1], *newest[:1])]
    rolled = UsageRollup.objects.order_by("starts_on").values_list("starts_on", flat=True)
    days += [*rolled[:1], *rolled.reverse()[:1]]
    if not days:
        return
    month, last = min(days).replace(day=1), max(days)
    while month <= last:
        yield month
        month = after_month(month)


def after_month(month: dt.date) -> dt.date:
    return (month + dt.timedelta(days=31)).replace(day=1)


@transaction.atomic
def _check_month(month: dt.date, result: Check, *, repair: bool) -> None:
    _take_turn()
    after = after_month(month)
    begin, end = (dt.datetime(day.year, day.month, 1, tzinfo=dt.UTC) for day in (month, after))
    entries = UsageRecord.objects.filter(created_at__gte=begin, created_at__lt=end)
    ledger = _sums(entries.exclude(pk__in=PendingRollup.objects.values("pk")))
    rows = UsageRollup.objects.filter(starts_on__gte=month, starts_on__lt=after)
    rollup: dict[Key, Sums] = {}
    ids: dict[Key, UUID] = {}
    for row in rows.iterator(chunk_size=BATCH):
        key = Key.of(row)
        rollup[key], ids[key] = Sums.of(row), row.pk
    result.entries += _total(ledger, "entries", 0)
    result.ledger_usd = EXACT.add(result.ledger_usd, _total(ledger, "cost_usd", NOTHING))
    result.rollup_usd = EXACT.add(result.rollup_usd, _total(rollup, "cost_usd", NOTHING))
    wrong = [key for key in {**ledger, **rollup} if ledger.get(key) != rollup.get(key)]
    result.differences += [Difference(key, ledger.get(key), rollup.get(key)) for key in wrong]
    if repair and wrong:
        for some in _pieces([ids[key] for key in wrong if key in ids]):
            UsageRollup.objects.filter(pk__in=some).delete()
        _write({key: ledger[key] for key in wrong if key in ledger})


def _total(sums: dict[Key, Sums], name: str, total: Any) -> Any:
    """Over everybody's days: each entry is in one of them."""
    for key, each in sums.items():
        if key.span == Span.DAY and key.user_ref == EVERYBODY:
            total = _added(total, getattr(each, name))
    return total
