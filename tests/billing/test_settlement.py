"""Settlement: what ended without a figure gets its own, once, whoever asks and however late."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from io import StringIO

import pytest
from asgiref.sync import async_to_sync
from django.core.management import CommandError, call_command
from django.utils import timezone
from pytest_django import Settings

from accounts.models import User
from billing.models import Call, CallState, Kind, Standing, UsageRecord
from billing.services import CallNotOpen, begin_again, correct_entry, end_call, note_generation_id
from billing.settlement import (
    ABANDONED_AFTER,
    LONGEST_BACKOFF_S,
    LOST_AFTER,
    UNKNOWN_AFTER,
    SettleReport,
    backoff,
    claim,
    settle_due,
)
from openrouter.errors import (
    KeyRejected,
    NotConnected,
    OpenRouterError,
    ProtocolError,
    Unavailable,
)
from openrouter.events import Usage
from tests.billing.bills import Bills, a_bill
from tests.billing.books import a_call, ended, running_call

pytestmark = pytest.mark.django_db
COST = "0.0000123456789012345678"
MINUTE = dt.timedelta(minutes=1)
told: list[UsageRecord] = []


def tell(entry: UsageRecord) -> None:
    told.append(entry)


@pytest.fixture(autouse=True)
def _listener(settings: Settings) -> None:
    told.clear()
    settings.BILLING_ON_SETTLED = f"{__name__}.tell"


def stopped(user: User, generation_id: str | None = "gen-1", **fields: object) -> Call:
    """A call that ended without a figure."""
    call = running_call(user, **fields)
    if generation_id:
        note_generation_id(call_id=call.pk, generation_id=generation_id)
    ended(call, may_have_cost=True, served_model="openai/gpt-5", ttft_ms=120, duration_ms=900)
    call.refresh_from_db()
    return call


def age(call: Call, by: dt.timedelta) -> None:
    """Make a call as old as if `by` had passed."""
    call.refresh_from_db()
    names = ("created_at", "started_at", "ended_at", "next_try_at")
    moments = {name: getattr(call, name) for name in names}
    older = {name: moment - by for name, moment in moments.items() if moment}
    Call.objects.filter(pk=call.pk).update(**older)


def settle(client: Bills, *, at_once: bool = True) -> SettleReport:
    return async_to_sync(settle_due)(client, at_once=at_once)


def test_a_stopped_answer_is_booked_from_its_bill_to_the_last_digit(person: User) -> None:
    call = stopped(person)
    report = settle(Bills(a_bill("gen-1", COST, reasoning_tokens=3, cached_tokens=2)))
    entry = UsageRecord.objects.get()
    call.refresh_from_db()
    assert report.settled == [entry] == told
    assert (entry.cost_usd, entry.standing, call.state) == (
        Decimal(COST), Standing.EXACT, CallState.SETTLED,
    )  # fmt: skip
    counted = (entry.prompt_tokens, entry.completion_tokens, entry.reasoning_tokens)
    assert (*counted, entry.cached_tokens, entry.provider) == (11, 7, 3, 2, "OpenAI")


def test_what_the_stream_told_is_not_replaced_by_the_bill(person: User) -> None:
    stopped(person)
    settle(Bills(a_bill("gen-1", COST)))
    entry = UsageRecord.objects.get()
    assert (entry.served_model, entry.ttft_ms, entry.duration_ms) == ("openai/gpt-5", 120, 900)


def test_a_bill_of_nothing_is_booked_as_nothing(person: User) -> None:
    stopped(person)
    settle(Bills(a_bill("gen-1", "0")))
    assert UsageRecord.objects.get().cost_usd == 0


def test_a_bill_on_an_own_key_keeps_the_two_amounts_apart(person: User) -> None:
    stopped(person)
    settle(Bills(a_bill("gen-1", "0", is_byok=True, upstream_cost_usd=Decimal("0.07"))))
    assert UsageRecord.objects.total_usd() == 0
    assert UsageRecord.objects.own_key_usd() == Decimal("0.07")


def test_the_upstream_cost_of_our_own_key_is_not_told_by_a_bill(person: User) -> None:
    stopped(person)
    settle(Bills(a_bill("gen-1", COST)))
    assert UsageRecord.objects.get().upstream_cost_usd is None


def test_a_bill_is_first_asked_for_after_a_moment(person: User) -> None:
    call = stopped(person)
    client = Bills(a_bill("gen-1", COST))
    settle(client, at_once=False)
    assert not client.asked
    age(call, MINUTE)
    settle(client, at_once=False)
    assert UsageRecord.objects.count() == 1


def test_a_bill_that_is_not_there_yet_is_asked_for_again_later_and_later(person: User) -> None:
    call = stopped(person)
    client = Bills()
    waits = []
    for _ in range(4):
        age(call, dt.timedelta(hours=0.4))
        asked_at = timezone.now()
        assert settle(client, at_once=False).waiting == 1
        call.refresh_from_db()
        assert call.next_try_at is not None
        waits.append(round((call.next_try_at - asked_at).total_seconds()))
    assert waits == [2, 4, 8, 16]
    assert (call.attempts, call.last_answer, call.state) == (
        4, "InvalidRequest 404", CallState.PENDING,
    )  # fmt: skip
    assert settle(client, at_once=False).waiting == 0, "its time has not come"


def test_the_longest_wait_is_an_hour() -> None:
    assert backoff(10_000) == dt.timedelta(seconds=LONGEST_BACKOFF_S)


def test_a_bill_without_an_amount_settles_nothing(person: User) -> None:
    for generation_id, bill in {
        "gen-1": a_bill("gen-1", None),
        "gen-2": a_bill("gen-2", "-0.5"),
    }.items():
        call = stopped(person, generation_id)
        assert settle(Bills(bill)).settled == []
        call.refresh_from_db()
        assert (call.state, call.last_answer) == (CallState.PENDING, "a bill without an amount")
    assert not UsageRecord.objects.exists()


def test_the_older_name_of_the_amount_is_understood(person: User) -> None:
    stopped(person)
    settle(Bills(a_bill("gen-1", None, usage_usd=Decimal(COST))))
    assert UsageRecord.objects.get().cost_usd == Decimal(COST)


@pytest.mark.parametrize(
    "error",
    [KeyRejected(status=401), NotConnected("no network"), Unavailable(status=503)],
    ids=["wrong key", "no network", "upstream in trouble"],
)
def test_trouble_upstream_ends_the_pass_and_changes_no_book(
    person: User, error: OpenRouterError
) -> None:
    calls = [stopped(person, f"gen-{number}") for number in range(30)]
    client = Bills(error=error)
    report = settle(client)
    assert report.error is error
    assert sum(client.asked.values()) < len(calls), "the others would meet the same"
    assert Call.objects.pending().count() == len(calls)
    assert not UsageRecord.objects.exists()


def test_a_bill_that_cannot_be_read_keeps_no_other_waiting(person: User) -> None:
    for number in range(3):
        stopped(person, f"gen-{number}")
    client = Bills(a_bill("gen-0", COST), a_bill("gen-2", COST))
    client.errors["gen-1"] = ProtocolError("half a page")
    report = settle(client)
    assert (len(report.settled), report.waiting, report.error) == (2, 1, None)
    assert Call.objects.pending().get().last_answer == "ProtocolError"


def test_all_are_settled_at_once_when_that_is_asked_for(person: User) -> None:
    for number in range(450):
        stopped(person, f"gen-{number}")
    client = Bills(*(a_bill(f"gen-{number}", COST) for number in range(450)))
    assert len(settle(client).settled) == 450
    assert UsageRecord.objects.total_usd() == 450 * Decimal(COST)
    assert set(client.asked.values()) == {1}


def test_a_call_that_is_claimed_is_not_claimed_again(person: User) -> None:
    age(stopped(person), MINUTE)
    assert [one.generation_id for one in claim()] == ["gen-1"]
    assert claim() == []


def test_the_bill_may_come_while_a_settler_asks(person: User) -> None:
    call = stopped(person)
    ended(call, cost_usd=Decimal(COST))
    settle(Bills(a_bill("gen-1", "7")))
    assert UsageRecord.objects.total_usd() == Decimal(COST)


# --- What will never be known ---


def test_without_an_id_the_reservation_is_booked_as_an_estimate_after_an_hour(
    person: User,
) -> None:
    call = stopped(person, generation_id=None, reserved_usd=Decimal("0.04"))
    assert settle(Bills()).estimated == []
    age(call, UNKNOWN_AFTER + MINUTE)
    (entry,) = settle(Bills()).estimated
    assert (entry.cost_usd, entry.standing) == (Decimal("0.04"), Standing.ESTIMATED)
    assert entry.estimate_rule.startswith("worst-case/1: no generation id")
    assert told == [entry]
    assert settle(Bills()).estimated == []


def test_without_an_id_and_without_a_price_a_call_stays_unknown(person: User) -> None:
    call = stopped(person, generation_id=None, reserved_usd=None)
    age(call, LOST_AFTER + MINUTE)
    assert settle(Bills()).estimated == []
    assert list(Call.objects.unknown()) == [call]


def test_a_bill_that_never_comes_is_estimated_after_a_week(person: User) -> None:
    call = stopped(person)
    age(call, LOST_AFTER - MINUTE)
    assert settle(Bills()).estimated == []
    age(call, 2 * MINUTE)
    (entry,) = settle(Bills()).estimated
    assert entry.estimate_rule.startswith("worst-case/1: no bill")


def test_a_bill_that_comes_after_its_estimate_corrects_it(person: User) -> None:
    call = stopped(person, generation_id=None)
    age(call, UNKNOWN_AFTER + MINUTE)
    settle(Bills())
    ended(call, cost_usd=Decimal(COST))
    assert UsageRecord.objects.total_usd() == Decimal(COST)
    correction = UsageRecord.objects.get(kind=Kind.CORRECTION)
    assert correction.cost_usd == Decimal(COST) - Decimal("0.04")
    ended(call, cost_usd=Decimal(COST))
    assert UsageRecord.objects.count() == 2


def test_a_correction_makes_the_books_say_an_amount(person: User) -> None:
    stopped(person)
    (entry,) = settle(Bills(a_bill("gen-1", COST))).settled
    correct_entry(entry=entry, cost_usd=Decimal("0.5"))
    assert UsageRecord.objects.total_usd() == Decimal("0.5")
    assert correct_entry(entry=entry, cost_usd=Decimal("0.5")) is None
    for amount in ("-1", "NaN", "Infinity"):
        with pytest.raises(ValueError, match="owe"):
            correct_entry(entry=entry, cost_usd=Decimal(amount))


def test_a_call_whose_maker_died_is_ended_and_asked_for(person: User) -> None:
    call = running_call(person)
    note_generation_id(call_id=call.pk, generation_id="gen-1")
    never_sent = a_call(person)
    age(call, ABANDONED_AFTER + MINUTE)
    age(never_sent, ABANDONED_AFTER + MINUTE)
    settle(Bills(a_bill("gen-1", COST)), at_once=False)
    never_sent.refresh_from_db()
    assert never_sent.state == CallState.RELEASED
    assert UsageRecord.objects.get().cost_usd == Decimal(COST)


def test_a_call_that_is_overdue_is_found(person: User) -> None:
    call = stopped(person)
    assert not Call.objects.overdue(timezone.now()).exists()
    age(call, dt.timedelta(hours=3))
    assert Call.objects.overdue(timezone.now()).get() == call


# --- A request that is made again ---


def again(call: Call, generation_id: str | None, *, may_have_cost: bool = False) -> Call:
    return begin_again(
        call_id=call.pk,
        generation_id=generation_id,
        may_have_cost=may_have_cost,
        error="Unavailable",
    )


def test_a_failed_request_with_an_id_is_a_call_of_its_own(person: User) -> None:
    first = running_call(person)
    second = again(first, "gen-1")
    note_generation_id(call_id=second.pk, generation_id="gen-2")
    ended(second, cost_usd=Decimal(1))
    first.refresh_from_db()
    assert (first.state, first.generation_id) == (CallState.PENDING, "gen-1")
    assert second.conversation_ref == first.conversation_ref
    settle(Bills(a_bill("gen-1", "0.25")))
    assert UsageRecord.objects.total_usd() == Decimal("1.25")


def test_a_refused_request_that_cannot_have_cost_is_no_call_of_its_own(person: User) -> None:
    call = running_call(person)
    assert again(call, None) == call
    assert again(call, None, may_have_cost=True) != call


def test_a_call_that_has_ended_is_not_begun_again(person: User) -> None:
    call = stopped(person)
    with pytest.raises(CallNotOpen):
        again(call, "gen-1")


def test_the_end_of_a_call_keeps_an_id_that_could_not_be_stored_before(person: User) -> None:
    call = running_call(person)
    end_call(
        call_id=call.pk,
        usage=Usage(),
        served_model=None,
        provider=None,
        finish_reason=None,
        ttft_ms=None,
        duration_ms=None,
        may_have_cost=True,
        generation_id="gen-late",
    )
    assert Call.objects.billable().get().generation_id == "gen-late"


# --- The command ---


clients: list[Bills] = []


def made_client() -> Bills:
    return clients[-1]


def run_command(client: Bills, settings: Settings, *words: str) -> str:
    clients[:] = [client]
    settings.OPENROUTER_CLIENT = f"{__name__}.made_client"
    out = StringIO()
    call_command("settle", *words, stdout=out)
    return out.getvalue()


def test_the_command_settles_and_counts(person: User, settings: Settings) -> None:
    stopped(person)
    client = Bills(a_bill("gen-1", COST))
    assert "1 settled, 0 estimated, 0 pending" in run_command(client, settings)
    assert client.closed


def test_the_command_says_by_its_status_that_something_is_pending(
    person: User, settings: Settings
) -> None:
    stopped(person)
    with pytest.raises(CommandError, match="Ask again later") as caught:
        run_command(Bills(), settings)
    assert caught.value.returncode == 2


def test_the_command_tells_a_wrong_key_from_a_bill_that_is_late(
    person: User, settings: Settings
) -> None:
    stopped(person)
    with pytest.raises(CommandError, match="key of this installation was rejected") as caught:
        run_command(Bills(error=KeyRejected("User not found.", status=401)), settings)
    assert caught.value.returncode == 1
    assert not UsageRecord.objects.exists()
