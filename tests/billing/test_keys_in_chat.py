"""Which key an answer is asked with, what is booked for it, and what its person is told."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from decimal import Decimal

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.db.models import F
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from accounts.models import User
from billing.key_models import KeyKind, UpstreamKey, hash_of
from billing.keys import disconnect_own
from billing.limits import Budget, Hold
from billing.models import Call, CallState, Standing, UsageRecord
from billing.services import begin_again, conversation_total, correct_entry
from billing.settlement import RULE_NO_KEY, SettleReport, estimate_unknown, settle_due
from chat.database import in_database
from chat.errors import CannotPay
from chat.models import Message, State
from chat.relay import Change
from chat.runner import Runner
from chat.services import Turn, send
from routing.shelf import shelf
from routing.sync import store_catalogue
from tests.billing.books import ended, running_call
from tests.billing.keyring import MODEL, connected, enter, key_of, make_client, run, world
from tests.routing.factories import info

pytestmark = pytest.mark.django_db
SHARED = "sk-or-v1-emulator-0000000000000000000000000000000000000000000000000000"


@pytest.fixture(autouse=True)
def _world(db: None, settings: Settings) -> Iterator[None]:
    world.reset(settings)
    shelf.forget()
    store_catalogue([info(MODEL)], now=timezone.now())
    yield
    shelf.forget()


@asynccontextmanager
async def running(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Runner]:
    monkeypatch.setattr(in_database, "open", lambda: None)  # the ORM stays on this connection
    monkeypatch.setattr("chat.runner.SETTLE_S", 3600.0)  # bills are asked for where a test says so
    runner = Runner()
    await runner.open()
    try:
        yield runner
    finally:
        await runner.close()


def begin(user: User, prompt: str, owner: str = "here:1:test") -> Turn:
    return send(user=user, conversation=None, prompt=prompt, choice="", nonce="", owner=owner)


def answer(user: User, monkeypatch: pytest.MonkeyPatch, prompt: str = "Why?") -> Message:
    """Ask, and wait for the end of the answer, whichever it is."""

    async def write() -> Message:
        async with running(monkeypatch) as runner:
            turn = await sync_to_async(begin)(user, prompt, runner.owner)
            assert turn.job is not None
            runner.start(turn.job, Change(turn.kind, turn.conversation.pk, turn.reply.pk), "")
            await sync_to_async(lambda: None)()  # lets the loop take the command
            writer = runner.writers[turn.reply.pk]
            assert writer.task is not None
            await writer.task
        return await Message.objects.select_related("call", "usage").aget(pk=turn.reply.pk)

    return async_to_sync(write)()


def pending_call(user: User, monkeypatch: pytest.MonkeyPatch) -> Call:
    """An answer whose figure did not come with it."""
    reply = answer(user, monkeypatch, "Why? [[fault: cut after=3]]")
    assert reply.call is not None
    assert reply.call.state == CallState.PENDING
    return reply.call


def settled() -> SettleReport:
    async def ask() -> SettleReport:
        client = make_client()
        try:
            return await settle_due(client, at_once=True)
        finally:
            await client.aclose()

    return async_to_sync(ask)()


def billed() -> list[tuple[str, Decimal]]:
    """The emulator's bill: which key, how much."""
    return [(entry.key_hash, entry.cost) for entry in world.emulator.bill]


# --- The key of a person's own account ---


def test_a_connected_account_pays_and_our_sums_do_not(
    person: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = connected(person)
    reply = answer(person, monkeypatch)
    ((key_hash, cost_usd),) = billed()
    assert (reply.state, key_hash) == (State.DONE, hash_of(secret))
    entry = UsageRecord.objects.get()
    assert (entry.cost_usd, entry.upstream_cost_usd) == (Decimal(0), cost_usd)
    assert (entry.standing, entry.is_byok) == (Standing.EXACT, True)
    assert (entry.call.key_kind, entry.call.key_hash) == (KeyKind.OWN, key_hash)
    assert UsageRecord.objects.total_usd() == 0
    assert UsageRecord.objects.own_key_usd() == cost_usd > 0
    total = conversation_total(conversation_ref=str(reply.conversation_id))
    assert total.cost_usd == 0


def test_without_one_the_shared_key_asks(person: User, monkeypatch: pytest.MonkeyPatch) -> None:
    connected(User.objects.create_user("grace"))
    answer(person, monkeypatch)
    ((key_hash, cost_usd),) = billed()
    assert key_hash == hash_of(SHARED)
    assert UsageRecord.objects.total_usd() == cost_usd > 0


def test_budgets_do_not_count_it(person: User, monkeypatch: pytest.MonkeyPatch) -> None:
    Budget.objects.create(user=person, per_day_usd=Decimal(0))
    with pytest.raises(CannotPay):
        begin(person, "Why?")
    connected(person)
    assert answer(person, monkeypatch).state == State.DONE
    assert not Hold.objects.exists()


def test_a_call_under_way_on_it_is_not_held_when_a_budget_begins(person: User) -> None:
    connected(person)
    begin(person, "Why?")
    disconnect_own(user=person)
    Budget.objects.create(user=person, per_day_usd=Decimal(100))
    begin(person, "Why not?")
    assert Hold.objects.count() == 1


def test_requests_a_minute_are_counted_all_the_same(person: User) -> None:
    connected(person)
    Budget.objects.create(user=person, requests_per_minute=1)
    begin(person, "Why?")
    with pytest.raises(CannotPay) as caught:
        begin(person, "Why not?")
    assert caught.value.status == 429


def test_its_late_bill_is_asked_for_with_the_same_key(
    person: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    connected(person)
    call = pending_call(person, monkeypatch)
    assert len(settled().settled) == 1
    entry = UsageRecord.objects.get(call=call)
    assert (entry.cost_usd, entry.upstream_cost_usd) == (Decimal(0), billed()[0][1])


def test_once_disconnected_its_bill_is_nobodys_to_see(
    person: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    connected(person)
    call = pending_call(person, monkeypatch)
    disconnect_own(user=person)
    assert settled().waiting == 1
    call.refresh_from_db()
    assert call.last_answer == "its key was given up"
    assert not estimate_unknown()
    Call.objects.update(ended_at=F("ended_at") - dt.timedelta(hours=2))
    (entry,) = estimate_unknown()
    assert (entry.estimate_rule, entry.cost_usd) == (RULE_NO_KEY, Decimal(0))
    assert entry.upstream_cost_usd == call.reserved_usd


def test_a_refused_key_of_one_person_keeps_no_other_bill_waiting(
    person: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = connected(person)
    pending_call(person, monkeypatch)
    pending_call(User.objects.create_user("grace"), monkeypatch)
    world.emulator.world.accounts._keys[hash_of(secret)].disabled = True
    report = settled()
    assert report.error is None
    assert (len(report.settled), report.waiting) == (1, 1)


def test_a_correction_of_it_is_apart_too(person: User) -> None:
    connected(person)
    key = UpstreamKey.objects.get()
    call = running_call(person)
    Call.objects.filter(pk=call.pk).update(key=key, key_kind=KeyKind.OWN)
    entry = ended(call, cost_usd=Decimal("0.25"))
    assert entry is not None
    correction = correct_entry(entry=entry, cost_usd=Decimal("0.20"))
    assert correction is not None
    assert (correction.cost_usd, correction.upstream_cost_usd) == (Decimal(0), Decimal("-0.05"))
    assert UsageRecord.objects.own_key_usd() == Decimal("0.20")
    assert UsageRecord.objects.total_usd() == 0
    assert correct_entry(entry=entry, cost_usd=Decimal("0.20")) is None


def test_a_providers_price_besides_the_fee_is_the_persons_as_well(person: User) -> None:
    connected(person)
    call = running_call(person)
    Call.objects.filter(pk=call.pk).update(key_kind=KeyKind.OWN)
    ended(call, cost_usd=Decimal("0.01"), upstream_cost_usd=Decimal("0.2"), is_byok=True)
    assert UsageRecord.objects.own_key_usd() == Decimal("0.21")


def test_a_request_that_is_made_again_is_made_with_the_same_key(person: User) -> None:
    secret = connected(person)
    begin(person, "Why?")
    first = Call.objects.get()
    again = begin_again(call_id=first.pk, generation_id="gen-1", may_have_cost=True, error="x")
    assert again.pk != first.pk
    assert (again.key_id, again.key_hash) == (first.key_id, hash_of(secret))


# --- What goes wrong with it ---


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("401", "The key of your own OpenRouter account was refused"),
        ("402", "Your own OpenRouter account, or the limit of its key"),
        ("402-key", "Your own OpenRouter account, or the limit of its key"),
    ],
)
def test_its_errors_say_whose_key_it_was_and_what_to_do(
    person: User, monkeypatch: pytest.MonkeyPatch, fault: str, words: str
) -> None:
    connected(person)
    reply = answer(person, monkeypatch, f"Why? [[fault: {fault}]]")
    assert reply.state == State.FAILED
    assert words in reply.error_text
    assert "disconnect it" in reply.error_text
    assert not billed()


def test_a_disabled_key_does_not_fall_back_to_the_shared_one(
    person: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = connected(person)
    world.emulator.world.accounts._keys[hash_of(secret)].disabled = True
    reply = answer(person, monkeypatch)
    assert "was refused" in reply.error_text
    assert (billed(), reply.call and reply.call.state) == ([], CallState.RELEASED)


def test_moderation_is_about_the_prompt_and_not_about_the_key(
    person: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    connected(person)
    reply = answer(person, monkeypatch, "Why? [[fault: 403]]")
    assert "moderation" in reply.error_text


def test_the_error_card_leads_to_the_page_of_the_account(
    person: User, monkeypatch: pytest.MonkeyPatch, client: Client
) -> None:
    connected(person)
    reply = answer(person, monkeypatch, "Why? [[fault: 401]]")
    client.force_login(person)
    page = client.get(reply.conversation.get_absolute_url()).content.decode()
    assert 'href="/keys/"' in page


def test_the_shared_keys_errors_are_the_installations(
    person: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    reply = answer(person, monkeypatch, "Why? [[fault: 401]]")
    assert "The key of this installation was rejected" in reply.error_text


# --- The key that was made for a person ---


def test_a_personal_key_asks_and_we_pay(
    person: User, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    settings.PER_USER_KEYS = True
    run("sync_keys")
    answer(person, monkeypatch)
    ((key_hash, cost_usd),) = billed()
    assert key_hash == key_of(person).hash
    assert UsageRecord.objects.total_usd() == cost_usd > 0


def test_openrouter_stops_a_personal_key_at_its_limit(
    person: User, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    settings.PER_USER_KEYS = True
    budget = Budget.objects.create(user=person, per_day_usd=Decimal("0.000001"))
    run("sync_keys")
    budget.delete()  # ours fails to hold; theirs was told before
    reply = answer(person, monkeypatch)
    assert "The limit of the key that this installation holds for you" in reply.error_text


def test_the_bill_of_a_disabled_personal_key_is_asked_for_with_the_shared_one(
    person: User, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    settings.PER_USER_KEYS = True
    run("sync_keys")
    pending_call(person, monkeypatch)
    User.objects.update(is_active=False)
    run("sync_keys")
    report = settled()
    assert (len(report.settled), report.error) == (1, None)


def test_a_shared_key_of_the_admin_comes_before_that_of_the_environment(
    person: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = world.emulator.world.accounts.issue("entered")[1]
    enter(KeyKind.SHARED, secret)
    answer(person, monkeypatch)
    assert billed()[0][0] == hash_of(secret)
