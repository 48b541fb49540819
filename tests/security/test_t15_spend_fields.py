"""T15: no amount that is negative, endless, missing or a sentinel credits or frees anybody.

What the wire may tell is in tests/billing/test_wire_costs.py, races in tests/billing/test_races.py,
the field itself in tests/billing/test_money.py.
"""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import User
from billing.models import Budget, Call, UsageRecord
from chat.models import Conversation
from openrouter.decoder import StreamDecoder
from openrouter.errors import ProtocolError
from openrouter.events import UsageReported
from openrouter.money import parse_usd
from openrouter.results import Pricing
from routing.models import LanguageModel
from routing.sync import store_catalogue
from tests.routing.factories import info

ODD = ["-1", "-0.01", "NaN", "Infinity", "-Infinity", "1e999", "sNaN", "0x10"]
USAGE = (
    'data: {"id": "gen-1", "choices": [{"delta": {"content": "x"}, "finish_reason": "stop"}], '
    '"usage": {"prompt_tokens": 9, "completion_tokens": 2, "cost": %s}}\n\ndata: [DONE]\n\n'
)


@pytest.mark.parametrize("cost", ["-1", "-0.0001", "NaN", "Infinity", "1e99", '"-5"', "null", "[]",
                                  "true", '"NaN"', "{}", '"sNaN"'])  # fmt: skip
def test_t15_a_cost_of_the_wire_that_is_none_is_unknown(cost: str) -> None:
    """Unknown, and so pending: never a credit, never zero."""
    decoder = StreamDecoder()
    try:
        events = [*decoder.feed((USAGE % cost).encode()), *decoder.close()]
    except ProtocolError:
        return
    told = [it.usage.cost_usd for it in events if isinstance(it, UsageReported)]
    assert all(it is None for it in told)


@pytest.mark.parametrize("price", ODD[:-1])
def test_t15_a_price_that_is_none_is_unknown_and_not_cheap(db: None, price: str) -> None:
    """-1 is what OpenRouter writes for a router: it depends on what it chooses."""
    wrong = Pricing(prompt_usd=Decimal(price), completion_usd=Decimal(price))
    store_catalogue([info("acme/odd", pricing=wrong), info("acme/one")], now=timezone.now())
    row = LanguageModel.objects.get(slug="acme/odd")
    assert (row.prompt_usd, row.completion_usd) == (None, None)
    assert not row.is_free


@pytest.mark.parametrize("amount", ODD)
@pytest.mark.parametrize("field", ["per_day_usd", "per_month_usd", "requests_per_minute"])
def test_t15_a_budget_takes_no_such_amount(
    ada: User, root: User, client: Client, field: str, amount: str
) -> None:
    client.force_login(root)
    client.post("/admin/billing/budget/add/", {"user": ada.pk, field: amount})
    for budget in Budget.objects.all():
        told = [budget.per_day_usd, budget.per_month_usd, budget.requests_per_minute]
        assert all(it is None or (Decimal(it).is_finite() and it >= 0) for it in told)
    assert not Budget.objects.filter(**{f"{field}__isnull": False}).exists()


@pytest.mark.parametrize("amount", ODD)
def test_t15_a_wish_about_prices_takes_none_either(ada: User, client: Client, amount: str) -> None:
    client.force_login(ada)
    talk = Conversation.objects.create(user=ada, title="x", choice="")
    client.post(f"/c/{talk.pk}/wishes/", {"max_prompt_usd": amount, "max_completion_usd": amount})
    kept = json.dumps(Conversation.objects.get(pk=talk.pk).wishes)
    assert "usd" not in kept


@pytest.mark.parametrize("left", ["0", "0.0000001"])
def test_t15_an_empty_budget_lets_nothing_through(
    idle: None, ada: User, client: Client, left: str
) -> None:
    """With any field that a client may add, and however often it is tried."""
    Budget.objects.create(user=ada, per_day_usd=Decimal(left))
    client.force_login(ada)
    for more in ({}, {"cost_usd": "-5"}, {"dial": "0"}, {"model": "acme/one"}, {"against": "auto"}):
        answer = client.post("/send/", {"prompt": "Why?", "nonce": str(more)[:60]} | more)
        assert answer.status_code == 402
    assert not Call.objects.exists()
    assert not UsageRecord.objects.exists()


def test_t15_an_upstream_that_pays_back_is_not_believed(ada: User, client: Client) -> None:
    """No entry of a call's own is below zero; corrections are, and are made by commands alone."""
    fields = {it.name for it in UsageRecord._meta.concrete_fields}
    assert "cost_usd" in fields
    assert parse_usd("-0.5") is None
    assert parse_usd("0") == 0
