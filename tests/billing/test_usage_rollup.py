"""The sums by day and month: equal to the ledger, whoever counts, whenever, and however often."""

from __future__ import annotations

import datetime as dt
import random
from collections import Counter
from decimal import Decimal
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction

from accounts.models import User
from billing.latency import bucket_of, percentile_ms
from billing.models import Kind, PriceEntry, UsageRecord
from billing.money import EXACT
from billing.rollup import catch_up, check
from billing.rollup_models import EVERYBODY, PendingRollup, Span, UsageRollup
from billing.services import correct_entry
from tests.billing.books import entry_of, running_call

pytestmark = pytest.mark.django_db
ODD = Decimal("0.1000000000000000000001")


def booked(user: User, cost: Decimal, when: dt.datetime, **fields: Any) -> UsageRecord:
    call = running_call(user)
    return UsageRecord.objects.create(
        **{
            "call": call,
            "user_ref": call.user_ref,
            "purpose": call.purpose,
            "requested_model": "m",
            "served_model": "acme/one",
            "cost_usd": cost,
            "created_at": when,
            **fields,
        }
    )


def noon(day: int, month: int = 3) -> dt.datetime:
    return dt.datetime(2026, month, day, 12, tzinfo=dt.UTC)


def total(**of: Any) -> Decimal:
    sums = UsageRollup.objects.filter(**of).values_list("cost_usd", flat=True)
    found = Decimal(0)
    for each in sums:
        found = EXACT.add(found, each or Decimal(0))
    return found


def test_every_entry_is_counted_once_by_day_and_month_for_its_user_and_everybody(
    person: User,
) -> None:
    other = User.objects.create_user("grace")
    for user, day in ((person, 1), (person, 1), (person, 2), (other, 2)):
        booked(user, ODD, noon(day))
    assert PendingRollup.objects.count() == 4
    assert catch_up() == 4
    assert catch_up() == 0
    assert total(span=Span.DAY, user_ref=EVERYBODY) == 4 * ODD
    assert total(span=Span.MONTH, user_ref=EVERYBODY) == 4 * ODD
    assert total(span=Span.MONTH, user_ref=f"user-{person.pk}") == 3 * ODD
    assert total(span=Span.DAY, starts_on=dt.date(2026, 3, 1)) == 2 * 2 * ODD
    assert not check().differences


def test_a_day_is_a_day_in_utc(person: User) -> None:
    for minute in (dt.datetime(2026, 3, 31, 23, 59, 59), dt.datetime(2026, 4, 1)):  # noqa: DTZ001
        booked(person, ODD, minute.replace(tzinfo=dt.UTC))
    catch_up()
    assert total(span=Span.MONTH, user_ref=EVERYBODY, starts_on=dt.date(2026, 3, 1)) == ODD
    assert total(span=Span.DAY, user_ref=EVERYBODY, starts_on=dt.date(2026, 4, 1)) == ODD


def test_an_entry_that_is_rolled_back_is_not_counted(person: User) -> None:
    with transaction.atomic():
        booked(person, ODD, noon(1))
        transaction.set_rollback(True)
    assert catch_up() == 0
    assert not UsageRollup.objects.exists()


def test_an_entry_that_appears_behind_one_that_was_counted_is_counted(person: User) -> None:
    late, early = booked(person, ODD, noon(1)), booked(person, ODD, noon(1))
    PendingRollup.objects.filter(pk=late.pk).delete()  # its transaction has not ended yet
    assert catch_up() == 1
    assert early.pk > late.pk
    PendingRollup.objects.create(entry_id=late.pk)
    assert catch_up() == 1
    assert not check().differences


def test_a_correction_and_entries_in_bulk_are_counted(person: User) -> None:
    entry = entry_of(person, "0.5", served_model="acme/one")
    catch_up()
    correct_entry(entry=entry, cost_usd=Decimal("0.2"))
    call = running_call(person)
    fields = {"user_ref": call.user_ref, "purpose": "reply", "requested_model": "m"}
    UsageRecord.objects.bulk_create([UsageRecord(call=call, cost_usd=ODD, **fields)])
    assert catch_up() == 2
    assert total(span=Span.DAY, user_ref=EVERYBODY) == Decimal("0.2") + ODD
    assert UsageRollup.objects.filter(kind=Kind.CORRECTION).exists()


def test_own_keys_and_tokens_are_added_up_and_unknown_adds_nothing(person: User) -> None:
    booked(person, Decimal(0), noon(1), is_byok=True, upstream_cost_usd=ODD, prompt_tokens=7)
    booked(person, ODD, noon(1), upstream_cost_usd=ODD, prompt_tokens=None, cached_tokens=5)
    catch_up()
    row = UsageRollup.objects.get(span=Span.DAY, user_ref=EVERYBODY)
    assert (row.own_key_usd, row.prompt_tokens, row.cached_tokens) == (ODD, 7, 5)
    assert (row.entries, row.cache_saved_usd) == (2, None)


def test_what_a_cache_saved_is_reckoned_with_the_prices_of_the_day(person: User) -> None:
    prices = {"prompt": "0.000003", "input_cache_read": "0.0000003",
              "input_cache_write": "0.00000375"}  # fmt: skip
    book = PriceEntry.objects.create(model="acme/one", prices=prices)
    booked(person, ODD, noon(1), price_entry=book, cached_tokens=1000, cache_write_tokens=100)
    booked(person, ODD, noon(2), price_entry=book, cached_tokens=0)
    catch_up()
    saved = dict(UsageRollup.objects.filter(span=Span.DAY, user_ref=EVERYBODY).values_list(
        "starts_on__day", "cache_saved_usd"))  # fmt: skip
    assert saved == {1: Decimal("0.0027") - Decimal("0.000075"), 2: None}


def test_times_to_the_first_token_are_kept_for_everybody(person: User) -> None:
    for ttft_ms in (100, 100, 5000, None):
        booked(person, ODD, noon(1), ttft_ms=ttft_ms)
    catch_up()
    house = UsageRollup.objects.get(span=Span.MONTH, user_ref=EVERYBODY)
    assert house.first_tokens == {str(bucket_of(100)): 2, str(bucket_of(5000)): 1}
    assert UsageRollup.objects.exclude(user_ref=EVERYBODY).first().first_tokens is None  # type: ignore[union-attr]


def test_a_percentile_is_near_the_true_one() -> None:
    rng = random.Random(5)
    times = [round(rng.lognormvariate(6.5, 0.8)) for _ in range(5000)]
    buckets = Counter(map(bucket_of, times))
    for percent in (50, 95):
        true = sorted(times)[5000 * percent // 100 - 1]
        assert percentile_ms(buckets, percent) == pytest.approx(true, rel=0.026)
    assert percentile_ms({}, 50) is None
    assert percentile_ms({bucket_of(0): 3}, 95) == 1


def test_the_check_finds_a_wrong_a_missing_and_an_invented_row_and_repairs_them(
    person: User,
) -> None:
    for day in (1, 2):
        booked(person, ODD, noon(day), ttft_ms=300)
    catch_up()
    house = UsageRollup.objects.filter(span=Span.DAY, user_ref=EVERYBODY).order_by("starts_on")
    wrong, gone = house
    UsageRollup.objects.filter(pk=wrong.pk).update(cost_usd=EXACT.add(ODD, Decimal("1e-30")))
    UsageRollup.objects.filter(pk=gone.pk).delete()
    wrong.pk, wrong.purpose = "0" * 32, "title"
    wrong.save(force_insert=True)
    with pytest.raises(CommandError, match="not what the ledger says"):
        call_command("check_rollup", stdout=StringIO())
    out = StringIO()
    call_command("check_rollup", "--repair", stdout=out)
    assert "3 rows differ" in out.getvalue()
    out = StringIO()
    call_command("check_rollup", stdout=out)
    assert "2 entries. Ledger $0.2000000000000000000002, rollup $0.2000000000000000000002: 0" in (
        out.getvalue()
    )


def test_many_entries_in_any_order_and_any_batches_add_up(
    person: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("billing.rollup.BATCH", 3)
    rng = random.Random(7)
    for _ in range(20):
        cost = Decimal(rng.randrange(10**9)).scaleb(-rng.randrange(9, 30))
        model = rng.choice(["acme/one", "acme/two"])
        booked(person, cost, noon(rng.randrange(1, 28), rng.randrange(1, 4)), served_model=model)
        if rng.random() < 0.3:
            catch_up(most=3)
    catch_up()
    assert not check().differences
    assert total(span=Span.MONTH, user_ref=EVERYBODY) == UsageRecord.objects.total_usd()
