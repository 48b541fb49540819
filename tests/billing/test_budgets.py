"""Budgets: what may be spent is held before it is spent, released or settled after, and renews."""

from __future__ import annotations

import datetime as dt
import logging
from decimal import Decimal

import pytest
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import User
from billing.budgets import (
    Allowance,
    AllowanceSpent,
    TooFast,
    allowance_of,
    forget_accounts,
    require_allowance,
)
from billing.limits import Account, Budget, Hold, Period, window_of
from billing.models import Call, Purpose, UsageRecord
from billing.services import (
    begin_again,
    correct_entry,
    estimate_call,
    release_call,
    reserve_call,
    start_call,
)
from tests.billing.books import ended, entry_of, running_call

pytestmark = pytest.mark.django_db


def budget(**fields: object) -> Budget:
    return Budget.objects.create(**fields)


def reserve(user: User, usd: str | None) -> Call:
    """Reserve a call as a turn does: look, then hold, in one transaction."""
    with transaction.atomic():
        call = reserve_call(
            user=user,
            purpose=Purpose.REPLY,
            requested_model="openai/gpt-5",
            reserved_usd=None if usd is None else Decimal(usd),
            conversation_ref="conversation",
            message_ref="message",
            allowance=require_allowance(user=user),
        )
        start_call(call_id=call.pk)
    return call


def left(user: User) -> Decimal | None:
    return allowance_of(user).left_usd


def test_without_a_budget_nothing_is_limited_and_nothing_is_written(person: User) -> None:
    reserve(person, None)
    assert allowance_of(person) == Allowance([])
    assert not Account.objects.exists()


def test_a_reservation_is_held_until_the_call_ends(person: User) -> None:
    budget(user=person, per_day_usd=Decimal("1"))
    call = reserve(person, "0.75")
    assert left(person) == Decimal("0.25")
    ended(call, cost_usd=Decimal("0.1000000000000000000001"))
    assert left(person) == Decimal("0.8999999999999999999999")


def test_what_fails_without_cost_gives_its_reservation_back(person: User) -> None:
    budget(user=person, per_day_usd=Decimal(1))
    ended(reserve(person, "0.75"), may_have_cost=False)
    assert left(person) == 1


def test_a_call_that_waits_for_its_bill_holds_its_worst_case(person: User) -> None:
    budget(user=person, per_day_usd=Decimal(1))
    call = reserve(person, "0.75")
    ended(call, may_have_cost=True)
    assert left(person) == Decimal("0.25")
    ended(call, cost_usd=Decimal("0.5"))
    assert left(person) == Decimal("0.5")


def test_an_estimate_and_its_correction_are_counted(person: User) -> None:
    budget(user=person, per_day_usd=Decimal(1))
    call = reserve(person, "0.75")
    ended(call, may_have_cost=True)
    entry = estimate_call(call_id=call.pk, rule="worst-case/1")
    assert entry is not None
    assert left(person) == Decimal("0.25")
    correct_entry(entry=entry, cost_usd=Decimal("0.5"))
    assert left(person) == Decimal("0.5")


def test_a_call_that_was_never_sent_holds_nothing(person: User) -> None:
    budget(user=person, per_day_usd=Decimal(1))
    release_call(call_id=reserve(person, "0.75").pk, error="abandoned")
    assert left(person) == 1


def test_a_request_made_again_holds_once_more(person: User) -> None:
    budget(user=person, per_day_usd=Decimal(1))
    call = reserve(person, "0.25")
    begin_again(call_id=call.pk, generation_id="gen-1", may_have_cost=True, error="Unavailable")
    assert left(person) == Decimal("0.5"), "both may cost as much"


def test_more_than_is_left_is_refused_with_what_is_left_and_when_it_renews(person: User) -> None:
    budget(user=person, per_day_usd=Decimal(1))
    reserve(person, "0.75")
    with pytest.raises(AllowanceSpent) as caught:
        reserve(person, "0.26")
    tomorrow = timezone.now() + dt.timedelta(days=1)
    assert "Your budget for this day has $0.25 of $1.00 left." in caught.value.for_person
    assert f"{tomorrow:%B, 00:00 UTC}" in caught.value.for_person
    assert caught.value.status == 402
    assert Call.objects.count() == 1, "nothing is half-written"


def test_a_price_that_nobody_names_is_refused_under_a_budget(person: User) -> None:
    budget(user=person, per_month_usd=Decimal(1000))
    with pytest.raises(AllowanceSpent, match="no price of its own"):
        reserve(person, None)
    assert not Call.objects.exists()


def test_what_is_free_may_be_asked_for_when_nothing_is_left(person: User) -> None:
    budget(user=person, per_day_usd=Decimal(0))
    reserve(person, "0")
    with pytest.raises(AllowanceSpent):
        reserve(person, "0.000001")


def test_the_tightest_of_several_limits_holds(person: User) -> None:
    staff = Group.objects.create(name="staff")
    person.groups.add(staff)
    budget(user=person, per_day_usd=Decimal(5), per_month_usd=Decimal(7))
    budget(group=staff, per_month_usd=Decimal(2))
    assert left(person) == 2
    with pytest.raises(AllowanceSpent, match="The group staff's budget for this month"):
        reserve(person, "3")


def test_members_of_a_group_share_its_budget(person: User) -> None:
    staff = Group.objects.create(name="staff")
    other = User.objects.create_user("bob")
    person.groups.add(staff)
    other.groups.add(staff)
    budget(group=staff, per_day_usd=Decimal(1))
    ended(reserve(person, "0.75"), cost_usd=Decimal("0.6"))
    assert left(other) == Decimal("0.4")


def test_the_budget_for_everybody_is_each_ones_own_until_they_have_another(person: User) -> None:
    other = User.objects.create_user("bob")
    budget(per_day_usd=Decimal(1))
    reserve(person, "0.75")
    assert (left(person), left(other)) == (Decimal("0.25"), Decimal(1))
    budget(user=other, per_day_usd=Decimal(3))
    assert left(other) == 3


def test_a_new_budget_begins_with_what_the_ledger_says(person: User) -> None:
    entry_of(person, "0.25")
    waiting = running_call(person, reserved_usd=Decimal("0.5"))
    budget(user=person, per_month_usd=Decimal(1))
    assert left(person) == Decimal("0.75"), "before its first use the running call is not held"
    with pytest.raises(AllowanceSpent):
        reserve(person, "0.26")
    reserve(person, "0.2")
    ended(waiting, cost_usd=Decimal("0.4"))
    assert left(person) == Decimal("0.15")


def test_a_changed_budget_is_counted_anew_from_the_ledger(person: User) -> None:
    mine = budget(user=person, per_day_usd=Decimal(1))
    ended(reserve(person, "0.5"), cost_usd=Decimal("0.5"))
    forget_accounts(mine)
    assert not Account.objects.exists()
    reserve(person, "0.1")
    assert left(person) == Decimal("0.4")


def test_yesterday_is_another_day(person: User) -> None:
    budget(user=person, per_day_usd=Decimal(1))
    call = reserve(person, "0.75")
    yesterday = timezone.now() - dt.timedelta(days=1)
    Account.objects.update(starts_at=window_of(Period.DAY, yesterday)[0])
    Call.objects.update(created_at=yesterday)
    assert left(person) == 1
    ended(call, cost_usd=Decimal("0.5"))
    assert Account.objects.get().spent_usd == Decimal("0.5"), "it counts when it was asked for"
    assert left(person) == Decimal("0.5"), "until the first use of today the ledger's day counts"
    reserve(person, "0.1")


def test_windows_begin_and_end_in_utc() -> None:
    moment = dt.datetime(2026, 12, 31, 23, 30, 59, tzinfo=dt.timezone(dt.timedelta(hours=-5)))
    assert window_of(Period.DAY, moment)[0] == dt.datetime(2027, 1, 1, tzinfo=dt.UTC)
    assert window_of(Period.MONTH, moment)[1] == dt.datetime(2027, 2, 1, tzinfo=dt.UTC)
    assert window_of(Period.MINUTE, moment)[1] == dt.datetime(2027, 1, 1, 4, 31, tzinfo=dt.UTC)


def test_requests_in_a_minute_are_limited(person: User) -> None:
    budget(user=person, requests_per_minute=2)
    reserve(person, None)
    reserve(person, None)
    with pytest.raises(TooFast, match="2 requests a minute") as caught:
        reserve(person, None)
    assert caught.value.status == 429
    Account.objects.update(starts_at=timezone.now() - dt.timedelta(hours=2))
    reserve(person, None)
    assert Account.objects.count() == 1, "minutes long over are not kept"


def test_the_administrator_is_warned_once_at_each_level(
    person: User, caplog: pytest.LogCaptureFixture
) -> None:
    budget(user=person, per_day_usd=Decimal(1))
    with caplog.at_level(logging.WARNING, logger="billing"):
        for cost in ("0.4", "0.15", "0.1", "0.2", "0.15"):
            ended(reserve(person, "0"), cost_usd=Decimal(cost))
        reserve(person, "0")
        reserve(person, "0")
    levels = [record.args[1] for record in caplog.records if isinstance(record.args, tuple)]
    assert levels == [55, 85, 100]
    assert [line.warning for line in allowance_of(person).warnings] == [100]


def test_a_budget_is_a_users_or_a_groups_and_there_is_one_for_everybody(person: User) -> None:
    staff = Group.objects.create(name="staff")
    with pytest.raises(ValidationError, match="not both"):
        Budget(user=person, group=staff).full_clean()
    budget(per_day_usd=Decimal(1))
    with pytest.raises(IntegrityError), transaction.atomic():
        budget(per_day_usd=Decimal(2))
    with pytest.raises(ValidationError, match="negative"):
        Budget(user=person, per_day_usd=Decimal(-1)).full_clean()


def test_accounts_and_ledger_agree_whatever_happened(person: User) -> None:
    budget(user=person, per_day_usd=Decimal(100), per_month_usd=Decimal(100))
    for number in range(12):
        call = reserve(person, "0.5")
        if number % 3:
            ended(call, cost_usd=Decimal(f"0.{number:02}1"))
        else:
            ended(call, may_have_cost=number % 2 == 0)
    total = UsageRecord.objects.of(person).total_usd()
    assert {account.spent_usd for account in Account.objects.all()} == {total}
    held = Hold.objects.filter(is_open=True)
    assert {hold.call.state for hold in held} == {"pending"}
