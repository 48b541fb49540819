"""The admin's pages about money that is due: budgets, late bills, reconciliations."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import User
from billing.limits import Account, Budget
from billing.models import Call
from billing.reconciliation_models import Reconciliation, Verdict
from billing.services import note_generation_id
from tests.billing.books import ended, entry_of, running_call

pytestmark = pytest.mark.django_db


@pytest.fixture
def boss(client: Client, db: None) -> Client:
    client.force_login(User.objects.create_superuser("boss"))
    return client


def page(client: Client, path: str) -> str:
    response = client.get(f"/admin/billing/{path}", follow=True)
    assert response.status_code == 200
    return response.content.decode()


def late_call(user: User) -> Call:
    call = running_call(user)
    note_generation_id(call_id=call.pk, generation_id="gen-late")
    ended(call, may_have_cost=True)
    Call.objects.filter(pk=call.pk).update(
        ended_at=timezone.now() - dt.timedelta(hours=3),
        attempts=14,
        last_answer="InvalidRequest 404",
    )
    return call


def test_a_late_bill_is_told_on_the_ledger_and_found_by_its_filter(
    boss: Client, person: User
) -> None:
    assert "overdue" not in page(boss, "usagerecord/")
    late_call(person)
    assert "The bill of 1 call is overdue" in page(boss, "usagerecord/")
    assert "14 times, InvalidRequest 404" in page(boss, "call/?settlement=overdue")
    assert "gen-late" in page(boss, "call/?settlement=waiting")
    assert "gen-late" not in page(boss, "call/?settlement=unknown")


def test_a_budget_is_made_changed_and_removed(boss: Client, person: User) -> None:
    entry_of(person, "0.25")
    form = {"user": person.pk, "group": "", "per_day_usd": "0.5", "per_month_usd": ""}
    boss.post("/admin/billing/budget/add/", {**form, "requests_per_minute": ""})
    budget = Budget.objects.get()
    assert budget.per_day_usd == Decimal("0.5")
    assert "$0.25 this day (50 %)" in page(boss, "budget/")
    Account.objects.create(owner_ref=f"user-{person.pk}", period="day", starts_at=timezone.now())
    change = f"/admin/billing/budget/{budget.pk}/change/"
    boss.post(change, {**form, "per_day_usd": "1", "requests_per_minute": "3"})
    budget.refresh_from_db()
    assert (budget.per_day_usd, budget.requests_per_minute) == (Decimal(1), 3)
    assert not Account.objects.exists(), "it is counted anew"
    boss.post(f"/admin/billing/budget/{budget.pk}/delete/", {"post": "yes"})
    assert not Budget.objects.exists()


@pytest.mark.parametrize("limit", ["-1", "NaN", "Infinity", "1e400", "much"])
def test_a_limit_that_is_no_amount_is_refused(boss: Client, limit: str) -> None:
    form = {"user": "", "group": "", "per_day_usd": limit, "per_month_usd": ""}
    response = boss.post("/admin/billing/budget/add/", {**form, "requests_per_minute": ""})
    assert response.status_code == 200
    assert not Budget.objects.exists()


def test_a_reconciliation_shows_its_residual_model_by_model_and_is_not_changed(
    boss: Client,
) -> None:
    line = {"model": "acme/one", "ours_usd": "1", "theirs_usd": "1.0000000000000000001"}
    record = Reconciliation.objects.create(
        day=dt.date(2026, 11, 1),
        verdict=Verdict.OPEN,
        ours_usd=Decimal(1),
        theirs_usd=Decimal("1.0000000000000000001"),
        residual_usd=Decimal("1e-19"),
        ledger_usd=Decimal(7),
        lines=[{**line, "residual_usd": "0.0000000000000000001", "our_calls": 1,
                "their_requests": 1, "pending": 0, "estimated": 0}],
    )  # fmt: skip
    assert "$0.0000000000000000001" in page(boss, "reconciliation/")
    shown = page(boss, f"reconciliation/{record.pk}/change/")
    assert "acme/one" in shown
    assert "0.0000000000000000001" in shown
    assert "_save" not in shown
