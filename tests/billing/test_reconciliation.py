"""Reconciliation: two books of one day, compared to the last digit, with the emulator's account."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal

import httpx
import pytest
from django.core.management import CommandError
from django.utils import timezone
from pytest_django import Settings

from accounts.models import User
from billing.models import Call, UsageRecord
from billing.reconciliation_models import Reconciliation, Verdict
from billing.services import correct_entry, estimate_call
from openrouter.emulator.settings import DEMO_KEY
from tests.billing.books import answered, ended, running_call
from tests.billing.keyring import ask, run, world

pytestmark = pytest.mark.django_db
DAY_S = 86_400.0
MODELS = ("openai/gpt-5-mini", "google/gemini-2.5-flash", "anthropic/claude-haiku-4.5")


@pytest.fixture(autouse=True)
def _upstream(settings: Settings) -> None:
    world.reset(settings, byok_providers=frozenset({"Google AI Studio"}))


def asked(user: User, model: str, text: str = "Why is the sky blue?") -> UsageRecord:
    """One answer, in both books."""
    return answered(user, ask(DEMO_KEY, text, model), requested_model=model)


def today() -> dt.date:
    return timezone.now().astimezone(dt.UTC).date()


def reconcile(day: dt.date | None = None) -> str:
    """What `manage.py reconcile` says tomorrow, when today is a completed day."""
    world.emulator.world.clock.advance(DAY_S)
    return run("reconcile", "--date", (day or today()).isoformat())


def test_books_that_agree_close_to_the_last_digit(person: User) -> None:
    for model in MODELS:
        for number in range(3):
            asked(person, model, f"Question {number}?")
    said = reconcile()
    record = Reconciliation.objects.get()
    assert record.verdict == Verdict.CLOSED
    assert record.residual_usd == 0
    assert record.ours_usd == record.theirs_usd == world.emulator.bill.total() > 0
    assert (record.only_ours, record.only_theirs, record.pending) == (0, 0, 0)
    assert record.ledger_usd == record.key_usage_usd == record.credits_used_usd
    assert "residual $0  closed" in said


def test_what_they_billed_and_we_never_booked_is_a_residual(person: User) -> None:
    entry = asked(person, MODELS[0])
    ask(DEMO_KEY, model=MODELS[2])
    missing = world.emulator.bill.total() - (entry.cost_usd or 0)
    with pytest.raises(CommandError, match="not explained") as caught:
        reconcile()
    record = Reconciliation.objects.get()
    assert caught.value.returncode == 2
    assert (record.verdict, record.residual_usd) == (Verdict.OPEN, missing)
    assert record.only_theirs == 1


def test_the_last_of_twenty_digits_is_a_residual(person: User) -> None:
    entry = asked(person, MODELS[0])
    correct_entry(entry=entry, cost_usd=(entry.cost_usd or 0) + Decimal("1e-20"))
    with pytest.raises(CommandError):
        reconcile()
    assert Reconciliation.objects.get().residual_usd == Decimal("-1e-20")


def test_what_we_booked_and_they_never_heard_of_is_a_residual(person: User) -> None:
    ended(running_call(person), cost_usd=Decimal("0.5"), served_model="acme/unheard-of")
    with pytest.raises(CommandError):
        reconcile()
    assert Reconciliation.objects.get().only_ours == 1


def test_a_pending_call_explains_the_residual_of_its_model_only(person: User) -> None:
    asked(person, MODELS[0])
    completion = ask(DEMO_KEY, model=MODELS[2])
    call = running_call(person, requested_model=MODELS[2])
    ended(call, may_have_cost=True, served_model=completion.model)
    assert "explained  (1 pending, 0 estimated)" in reconcile()
    world.emulator.world.clock.advance(-DAY_S)
    ask(DEMO_KEY, "one more, today", MODELS[0])
    with pytest.raises(CommandError):
        reconcile()


def test_an_estimate_explains_a_residual(person: User) -> None:
    completion = ask(DEMO_KEY, model=MODELS[2])
    call = running_call(person, requested_model=MODELS[2], reserved_usd=Decimal("0.04"))
    ended(call, may_have_cost=True, served_model=completion.model)
    estimate_call(call_id=call.pk, rule="worst-case/1")
    assert "explained  (0 pending, 1 estimated)" in reconcile()


def test_money_on_an_own_key_is_compared_apart(person: User) -> None:
    for number in range(12):
        asked(person, MODELS[1], f"Question {number}?")
    reconcile()
    record = Reconciliation.objects.get()
    own = sum(Decimal(line["own_key_ours_usd"]) for line in record.lines)
    assert record.verdict == Verdict.CLOSED
    assert own == UsageRecord.objects.own_key_usd() > 0


def test_a_call_counts_to_the_day_it_was_made_on(person: User) -> None:
    entry = asked(person, MODELS[0])
    yesterday = today() - dt.timedelta(days=1)
    Call.objects.filter(pk=entry.call_id).update(
        created_at=dt.datetime.combine(yesterday, dt.time(23, 59), dt.UTC)
    )
    with pytest.raises(CommandError):
        reconcile(day=yesterday)
    record = Reconciliation.objects.get()
    assert (record.day, record.ours_usd, record.theirs_usd) == (
        yesterday,
        entry.cost_usd,
        Decimal(0),
    )


def test_without_a_date_every_completed_day_is_compared(person: User) -> None:
    entry = asked(person, MODELS[0])
    Call.objects.filter(pk=entry.call_id).update(created_at=timezone.now() - dt.timedelta(days=3))
    world.emulator.world.clock.advance(DAY_S)
    with pytest.raises(CommandError):
        run("reconcile")
    days = set(Reconciliation.objects.values_list("day", flat=True))
    assert days == {today(), today() - dt.timedelta(days=3)}


# --- What can go wrong on the way: a clear word, status 1, nothing half-written ---


def half_a_page(request: httpx.Request) -> httpx.Response:
    if request.url.path.endswith("/activity"):
        return httpx.Response(200, content=b'{"data":[{"date":"2026-11-01","model":"a/b","usa')
    return httpx.Response(200, json={"data": {"total_credits": 1, "total_usage": 0}})


def html(request: httpx.Request) -> httpx.Response:
    return httpx.Response(200, html="<title>Sign in to the network</title>")


def too_slow(request: httpx.Request) -> httpx.Response:
    raise httpx.ReadTimeout("too slow", request=request)


@pytest.mark.parametrize(
    ("handler", "word"),
    [(half_a_page, "something that is not an answer"), (html, "Sign in"), (too_slow, "too slow")],
    ids=["half a page", "a page of the network", "timeout"],
)
def test_trouble_on_the_way_compares_nothing(
    handler: Callable[[httpx.Request], httpx.Response], word: str
) -> None:
    world.transport = httpx.MockTransport(handler)
    with pytest.raises(CommandError, match=f"Nothing was compared.*{word}") as caught:
        reconcile()
    assert caught.value.returncode == 1
    assert not Reconciliation.objects.exists()


def test_a_wrong_key_is_told() -> None:
    world.management_key = "sk-or-v1-wrong"
    with pytest.raises(CommandError, match=r"a key was rejected.*User not found"):
        reconcile()


def test_a_plain_key_is_told_from_a_management_key() -> None:
    world.management_key = DEMO_KEY
    with pytest.raises(CommandError, match="wants a management key") as caught:
        reconcile()
    assert DEMO_KEY not in str(caught.value)


def test_a_missing_management_key_is_told_before_anything_is_asked(settings: Settings) -> None:
    settings.OPENROUTER_API_KEY, settings.OPENROUTER_MANAGEMENT_KEY = "sk-or-v1-x", ""
    with pytest.raises(CommandError, match="set OPENROUTER_MANAGEMENT_KEY"):
        reconcile()


def test_a_date_that_is_none_is_refused() -> None:
    with pytest.raises(CommandError):
        run("reconcile", "--date", "yesterday")
