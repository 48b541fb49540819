"""The life of a call: what each step expects, and what it leaves in the books."""

from __future__ import annotations

import logging
from decimal import Decimal
from typing import Any

import pytest

from accounts.models import User
from billing.models import Call, CallState, Kind, Purpose, Standing, UsageRecord
from billing.services import (
    CallNotOpen,
    conversation_total,
    end_call,
    note_generation_id,
    reserve_call,
    start_call,
)
from openrouter.events import Usage
from tests.billing.books import a_call, ended, running_call

pytestmark = pytest.mark.django_db
COST = Decimal("0.0000123456789012345678")


def test_a_reserved_call_holds_what_was_asked_for(person: User) -> None:
    call = reserve_call(
        user=person,
        purpose=Purpose.REPLY,
        requested_model="openai/gpt-5",
        fallback_models=("x-ai/grok-4",),
        reserved_usd=Decimal("0.0400000000000000000001"),
        conversation_ref="c1",
        message_ref="m1",
    )
    call.refresh_from_db()
    assert call.state == CallState.RESERVED
    assert call.user_id == person.pk
    assert call.user_ref == f"user-{person.pk}"
    assert call.fallback_models == ["x-ai/grok-4"]
    assert call.reserved_usd == Decimal("0.0400000000000000000001")
    assert (call.generation_id, call.started_at, call.ended_at) == (None, None, None)


def test_only_a_reserved_call_starts(person: User) -> None:
    call = a_call(person)
    start_call(call_id=call.pk)
    call.refresh_from_db()
    assert call.state == CallState.RUNNING
    assert call.started_at is not None
    with pytest.raises(CallNotOpen):
        start_call(call_id=call.pk)


def test_a_call_that_was_ended_before_it_began_does_not_start(person: User) -> None:
    call = a_call(person)
    ended(call, may_have_cost=False)
    with pytest.raises(CallNotOpen):
        start_call(call_id=call.pk)


def test_a_cost_settles_the_call_and_is_booked_once(person: User) -> None:
    call = running_call(person, conversation_ref="c1", message_ref="m1")
    note_generation_id(call_id=call.pk, generation_id="gen-1")
    entry = end_call(
        call_id=call.pk,
        usage=Usage(
            prompt_tokens=11,
            completion_tokens=7,
            reasoning_tokens=3,
            cached_tokens=2,
            cache_write_tokens=1,
            cost_usd=COST,
            upstream_cost_usd=COST,
        ),
        served_model="openai/gpt-5-2026",
        provider="Azure",
        finish_reason="stop",
        ttft_ms=120,
        duration_ms=900,
        may_have_cost=True,
    )
    assert entry is not None
    entry.refresh_from_db()
    assert entry.cost_usd == COST
    assert (entry.kind, entry.standing, entry.estimate_rule) == (Kind.ORIGINAL, Standing.EXACT, "")
    assert (entry.requested_model, entry.served_model) == ("openai/gpt-5", "openai/gpt-5-2026")
    assert (entry.provider, entry.finish_reason) == ("Azure", "stop")
    assert (entry.prompt_tokens, entry.completion_tokens, entry.reasoning_tokens) == (11, 7, 3)
    assert (entry.cached_tokens, entry.cache_write_tokens) == (2, 1)
    assert (entry.ttft_ms, entry.duration_ms) == (120, 900)
    assert (entry.generation_id, entry.user_ref) == ("gen-1", f"user-{person.pk}")
    assert (entry.conversation_ref, entry.message_ref) == ("c1", "m1")
    call.refresh_from_db()
    assert call.state == CallState.SETTLED
    assert call.ended_at is not None


def test_to_end_a_call_again_adds_nothing(person: User) -> None:
    call = running_call(person)
    first = ended(call, cost_usd=COST)
    assert ended(call, cost_usd=Decimal(99)) == first
    assert ended(call, may_have_cost=True) == first
    assert ended(call, may_have_cost=False) == first
    assert UsageRecord.objects.total_usd() == COST
    call.refresh_from_db()
    assert call.state == CallState.SETTLED


def test_without_a_figure_a_call_that_may_have_cost_is_pending(person: User) -> None:
    call = running_call(person)
    note_generation_id(call_id=call.pk, generation_id="gen-1")
    assert ended(call, may_have_cost=True, finish_reason="cut") is None
    call.refresh_from_db()
    assert (call.state, call.generation_id) == (CallState.PENDING, "gen-1")
    assert call.finish_reason == "cut"
    assert call.ended_at is not None


def test_without_a_figure_a_call_that_cost_nothing_is_released(person: User) -> None:
    call = running_call(person)
    assert ended(call, may_have_cost=False, error="RateLimited") is None
    call.refresh_from_db()
    assert (call.state, call.error) == (CallState.RELEASED, "RateLimited")
    assert not UsageRecord.objects.exists()


def test_the_bill_settles_a_pending_call_with_what_the_stream_had_told(
    person: User,
) -> None:
    call = running_call(person)
    ended(call, may_have_cost=True, served_model="openai/gpt-5", ttft_ms=90)
    end_of_the_stream = Call.objects.get().ended_at
    entry = ended(call, cost_usd=COST, provider="Azure")
    assert entry is not None
    assert (entry.served_model, entry.provider, entry.ttft_ms) == ("openai/gpt-5", "Azure", 90)
    call.refresh_from_db()
    assert (call.state, call.ended_at) == (CallState.SETTLED, end_of_the_stream)


def test_a_pending_call_is_not_released_by_a_late_claim_that_it_cost_nothing(
    person: User,
) -> None:
    call = running_call(person)
    ended(call, may_have_cost=True)
    ended(call, may_have_cost=False)
    call.refresh_from_db()
    assert call.state == CallState.PENDING


def test_a_figure_that_comes_after_the_release_is_booked_all_the_same(
    person: User, caplog: pytest.LogCaptureFixture
) -> None:
    call = running_call(person)
    ended(call, may_have_cost=False)
    entry = ended(call, cost_usd=COST)
    assert entry is not None
    assert "was released" in caplog.text
    call.refresh_from_db()
    assert call.state == CallState.SETTLED


@pytest.mark.parametrize("cost", ["-1", "-0.0001", "NaN", "sNaN", "Infinity", "-Infinity", "1e40"])
def test_an_impossible_cost_is_unknown_and_credits_nobody(
    person: User, caplog: pytest.LogCaptureFixture, cost: str
) -> None:
    call = running_call(person)
    assert ended(call, cost_usd=Decimal(cost), may_have_cost=False) is None
    call.refresh_from_db()
    assert call.state == CallState.PENDING
    assert not UsageRecord.objects.exists()
    assert [record.levelno for record in caplog.records] == [logging.ERROR]


def test_tokens_without_a_cost_are_kept_on_the_pending_call(person: User) -> None:
    call = running_call(person)
    ended(call, prompt_tokens=12, may_have_cost=True)
    call.refresh_from_db()
    assert (call.state, call.prompt_tokens) == (CallState.PENDING, 12)


def test_a_cost_of_zero_is_a_figure(person: User) -> None:
    entry = ended(running_call(person), cost_usd=Decimal(0))
    assert entry is not None
    assert entry.cost_usd == 0


def test_a_cost_may_come_with_no_tokens(person: User) -> None:
    entry = ended(running_call(person), cost_usd=COST, prompt_tokens=0, completion_tokens=0)
    assert entry is not None
    assert (entry.prompt_tokens, entry.completion_tokens) == (0, 0)


def test_paid_and_spent_on_an_own_key_are_kept_apart(person: User) -> None:
    ended(running_call(person), cost_usd=Decimal("0.95"), upstream_cost_usd=Decimal("0.95"))
    ended(running_call(person), cost_usd=Decimal(0), upstream_cost_usd=Decimal(19), is_byok=True)
    assert UsageRecord.objects.total_usd() == Decimal("0.95")
    assert UsageRecord.objects.own_key_usd() == Decimal(19)


def test_an_impossible_upstream_cost_does_not_hinder_the_booking(person: User) -> None:
    entry = ended(running_call(person), cost_usd=COST, upstream_cost_usd=Decimal("NaN"))
    assert entry is not None
    assert (entry.cost_usd, entry.upstream_cost_usd) == (COST, None)


@pytest.mark.parametrize("count", [-1, 2**80])
def test_an_impossible_count_is_unknown(person: User, count: int) -> None:
    entry = ended(running_call(person), cost_usd=COST, prompt_tokens=count)
    assert entry is not None
    assert entry.prompt_tokens is None


@pytest.mark.parametrize("text", ["x" * 5000, "a\0b", "half \ud800", "naïve ☃"])
def test_free_text_from_the_wire_is_booked_on_every_database(person: User, text: str) -> None:
    entry = ended(
        running_call(person), cost_usd=COST, served_model=text, provider=text, finish_reason=text
    )
    assert entry is not None
    entry.refresh_from_db()
    assert entry.provider


def test_the_generation_id_is_kept_until_the_call_is_settled(person: User) -> None:
    call = running_call(person)
    note_generation_id(call_id=call.pk, generation_id="gen-header")
    note_generation_id(call_id=call.pk, generation_id="gen-chunk")
    entry = ended(call, cost_usd=COST)
    note_generation_id(call_id=call.pk, generation_id="gen-late")
    call.refresh_from_db()
    assert entry is not None
    assert call.generation_id == entry.generation_id == "gen-chunk"


@pytest.mark.parametrize("generation_id", ["", "x" * 5000, "a\0b"])
def test_an_unusable_generation_id_is_an_error_in_the_log_only(
    person: User, caplog: pytest.LogCaptureFixture, generation_id: str
) -> None:
    call = running_call(person)
    note_generation_id(call_id=call.pk, generation_id=generation_id)
    call.refresh_from_db()
    assert call.generation_id is None
    assert "unusable" in caplog.text


def test_the_generation_id_of_another_call_is_not_taken_over(
    person: User, caplog: pytest.LogCaptureFixture
) -> None:
    first, second = running_call(person), running_call(person)
    note_generation_id(call_id=first.pk, generation_id="gen-1")
    note_generation_id(call_id=second.pk, generation_id="gen-1")
    second.refresh_from_db()
    assert second.generation_id is None
    assert "another call" in caplog.text


def test_the_total_of_a_conversation_tells_what_is_not_in_it(person: User) -> None:
    for cost in ("0.1", "0.0000000000000000001"):
        ended(running_call(person, conversation_ref="c1"), cost_usd=Decimal(cost))
    ended(running_call(person, conversation_ref="c2"), cost_usd=Decimal(5))
    asked_for = running_call(person, conversation_ref="c1")
    note_generation_id(call_id=asked_for.pk, generation_id="gen-1")
    ended(asked_for, may_have_cost=True)
    ended(running_call(person, conversation_ref="c1"), may_have_cost=True)
    ended(running_call(person, conversation_ref="c1"), may_have_cost=False)
    running_call(person, conversation_ref="c1")
    total = conversation_total(conversation_ref="c1")
    assert total.cost_usd == Decimal("0.1000000000000000001")
    assert (total.pending, total.unknown) == (1, 1)


def test_the_total_of_a_conversation_takes_two_queries(
    person: User, django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(2):
        assert conversation_total(conversation_ref="nobody").cost_usd == 0


def test_unknown_calls_are_not_ended(person: User) -> None:
    assert UsageRecord.objects.count() == 0
    with pytest.raises(UsageRecord.DoesNotExist):
        end_call(
            call_id=10**9,
            usage=Usage(cost_usd=COST),
            served_model=None,
            provider=None,
            finish_reason=None,
            ttft_ms=None,
            duration_ms=None,
            may_have_cost=True,
        )
