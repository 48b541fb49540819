"""What a turn cost is what all its calls cost, and what is unknown stays so."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from billing.models import Call, Purpose, UsageRecord
from billing.services import (
    begin_again,
    correct_entry,
    estimate_call,
    note_generation_id,
    release_call,
)
from billing.turn_costs import Part, TurnCost, cost_of_call, turn_costs
from tests.billing.books import a_call, ended, running_call

pytestmark = pytest.mark.django_db


def usd(text: str) -> Decimal:
    return Decimal(text)


def call(person: User, message: str = "7", **fields: Any) -> Call:
    return running_call(person, conversation_ref="c", message_ref=message, **fields)


def booked(person: User, cost: str, message: str = "7", **fields: Any) -> UsageRecord:
    asked = {name: fields.pop(name) for name in ("purpose",) if name in fields}
    entry = ended(call(person, message, **asked), cost_usd=usd(cost), **fields)
    assert entry is not None
    return entry


def cost(message: str = "7") -> TurnCost:
    return turn_costs(conversation_ref="c")[message]


def test_a_turn_is_the_sum_of_everything_that_was_done_for_it(person: User) -> None:
    booked(person, "0.00000001", purpose=Purpose.TITLE)
    booked(person, "0.1", prompt_tokens=10, completion_tokens=2)
    booked(person, "0.02", prompt_tokens=5, completion_tokens=3)
    booked(person, "9", message="8")
    assert cost().cost_usd == usd("0.12000001")
    assert (cost().tokens_in, cost().tokens_out, cost().tokens) == (15, 5, 20)
    assert cost().parts == (
        Part("title", usd("0.00000001")),
        Part("an earlier attempt", usd("0.1")),
        Part("the answer", usd("0.02")),
    )


def test_a_single_call_has_no_parts(person: User) -> None:
    booked(person, "0.1")
    release_call(call_id=call(person).pk, error="refused")
    assert cost().parts == ()


def test_a_request_that_was_made_again_counts_with_the_answer(person: User) -> None:
    first = call(person)
    again = begin_again(call_id=first.pk, generation_id="gen-1", may_have_cost=True, error="x")
    ended(again, cost_usd=usd("0.02"))
    assert (cost().cost_usd, cost().pending) == (usd("0.02"), 1)
    ended(first, cost_usd=usd("0.01"))
    assert (cost().cost_usd, cost().pending) == (usd("0.03"), 0)


def test_a_correction_shows_what_was_said_before(person: User) -> None:
    entry = booked(person, "0.05")
    assert cost().first_usd is None
    correct_entry(entry=entry, cost_usd=usd("0.04"))
    assert (cost().first_usd, cost().cost_usd) == (usd("0.05"), usd("0.04"))


def test_an_estimate_is_one_until_its_bill_comes(person: User) -> None:
    unknown = call(person, reserved_usd=usd("0.5"))
    ended(unknown)
    assert (cost().cost_usd, cost().unknown, cost().is_estimated) == (None, 1, False)
    estimate_call(call_id=unknown.pk, rule="worst-case/1")
    assert (cost().cost_usd, cost().unknown, cost().is_estimated) == (usd("0.5"), 0, True)
    correct_entry(entry=UsageRecord.objects.get(), cost_usd=usd("0.1"))
    told = cost()
    assert (told.cost_usd, told.is_estimated, told.first_usd) == (usd("0.1"), False, usd("0.5"))


def test_pending_and_unknown_are_told_apart_and_are_never_zero(person: User) -> None:
    known = call(person)
    note_generation_id(call_id=known.pk, generation_id="gen-1")
    ended(known)
    ended(call(person))
    assert (cost().cost_usd, cost().pending, cost().unknown) == (None, 1, 1)
    assert not cost().is_free_of_charge


def test_what_was_refused_is_free_of_charge_and_what_was_never_asked_is_not(person: User) -> None:
    release_call(call_id=call(person).pk, error="refused")
    assert cost().is_free_of_charge
    assert not TurnCost().is_free_of_charge
    assert cost_of_call(None, None) == TurnCost()


def test_an_own_key_is_told_apart(person: User) -> None:
    booked(person, "0", is_byok=True, upstream_cost_usd=usd("0.0003"))
    assert (cost().cost_usd, cost().own_key_usd) == (usd("0"), usd("0.0003"))


def test_a_copy_shows_what_its_original_cost(person: User) -> None:
    entry = booked(person, "0.1", prompt_tokens=1, completion_tokens=1)
    told = cost_of_call(entry.call, entry)
    assert (told.cost_usd, told.tokens, told.parts) == (usd("0.1"), 2, ())


def test_a_long_conversation_takes_no_more_queries(person: User) -> None:
    for number in range(5):
        booked(person, "0.1", message=str(number))
    a_call(person, conversation_ref="c", message_ref="9")
    with CaptureQueriesContext(connection) as queries:
        assert len(turn_costs(conversation_ref="c")) == 6
    assert len(queries) == 2
