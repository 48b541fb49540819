"""Of two that reach for one call, one wins: tried with real threads, each with its connection."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import TypeVar

import pytest
from django.db import connection

from accounts.models import User
from billing.models import Call, CallState, UsageRecord
from billing.services import CallNotOpen, note_generation_id, start_call
from billing.settlement import claim
from tests.billing.books import a_call, ended, running_call

pytestmark = pytest.mark.django_db(transaction=True)
Result = TypeVar("Result")
RACERS = 8
COST = Decimal("0.0000123456789012345678")


@pytest.fixture
def person(transactional_db: None) -> User:
    return User.objects.create_user("ada", password="engine")


def race(*runners: Callable[[], Result]) -> list[Result | Exception]:
    """Run all at once, and tell what each returned or raised, in their order."""
    barrier = threading.Barrier(len(runners))

    def run(runner: Callable[[], Result]) -> Result | Exception:
        try:
            connection.ensure_connection()
            barrier.wait()
            return runner()
        except Exception as error:  # noqa: BLE001 - the test looks at it
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(len(runners)) as pool:
        return list(pool.map(run, runners))


def test_a_call_that_is_ended_by_many_at_once_is_booked_once(person: User) -> None:
    for _ in range(5):
        call = running_call(person)
        entries = race(*[lambda call=call: ended(call, cost_usd=COST)] * RACERS)
        booked = UsageRecord.objects.get(call=call)
        assert entries == [booked] * RACERS
    assert UsageRecord.objects.total_usd() == 5 * COST


def test_a_stop_and_the_bill_at_once_leave_one_entry(person: User) -> None:
    for _ in range(5):
        call = running_call(person)
        race(
            *[lambda call=call: ended(call, may_have_cost=True)] * 4,
            *[lambda call=call: ended(call, cost_usd=COST)] * 4,
        )
        call.refresh_from_db()
        assert call.state == CallState.SETTLED
        assert UsageRecord.objects.get(call=call).cost_usd == COST


def test_a_call_is_started_once(person: User) -> None:
    call = a_call(person)
    outcomes = race(*[lambda: start_call(call_id=call.pk)] * RACERS)
    assert outcomes.count(None) == 1
    assert sum(isinstance(outcome, CallNotOpen) for outcome in outcomes) == RACERS - 1


def test_one_generation_id_is_never_two_calls(person: User) -> None:
    calls = [running_call(person) for _ in range(RACERS)]
    outcomes = race(
        *[
            lambda call=call: note_generation_id(call_id=call.pk, generation_id="gen-1")
            for call in calls
        ]
    )
    assert outcomes == [None] * RACERS
    assert Call.objects.filter(generation_id="gen-1").count() == 1


def test_many_settlers_at_once_ask_for_each_call_once(person: User) -> None:
    calls = []
    for number in range(20):
        call = running_call(person)
        note_generation_id(call_id=call.pk, generation_id=f"gen-{number}")
        ended(call, may_have_cost=True)
        calls.append(call.pk)
    Call.objects.update(next_try_at=None)
    claimed = [claims for claims in race(*[claim] * RACERS) if isinstance(claims, list)]
    assert len(claimed) == RACERS
    assert sorted(one.call_id for claims in claimed for one in claims) == calls
