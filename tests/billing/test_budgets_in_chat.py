"""What a person meets of a budget: a cheaper model, then a refusal that says why; and a warning."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import User
from billing.limits import Budget, Hold
from billing.models import Call
from chat.errors import CannotPay
from chat.models import Conversation, Message
from chat.services import Turn, send
from routing.shelf import shelf
from routing.sync import store_catalogue
from tests.billing.books import entry_of
from tests.routing.factories import info

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _catalogue(db: None) -> Iterator[None]:
    shelf.forget()
    store_catalogue([info("acme/one")], now=timezone.now())
    yield
    shelf.forget()


def ask(user: User, choice: str = "") -> Turn:
    return send(
        user=user,
        conversation=None,
        prompt="Why is the sky blue?",
        choice=choice,
        nonce="",
        owner="here:1:test",
    )


def worst_case() -> Decimal:
    call = Call.objects.latest("pk")
    assert call.reserved_usd is not None
    return call.reserved_usd


def test_a_turn_holds_what_its_answer_may_cost(person: User) -> None:
    Budget.objects.create(user=person, per_day_usd=Decimal(100))
    ask(person)
    assert Hold.objects.get().amount_usd == worst_case() > 0


def test_the_answer_is_given_no_more_room_than_the_budget_pays_for(person: User) -> None:
    ask(person)
    half = worst_case() / 2
    Budget.objects.create(user=User.objects.create_user("bob"), per_day_usd=half)
    ask(User.objects.get(username="bob"))
    assert 0 < worst_case() <= half


def test_when_nothing_fits_the_refusal_says_what_is_left_and_when_it_renews(person: User) -> None:
    Budget.objects.create(user=person, per_day_usd=Decimal("0.0000001"))
    with pytest.raises(CannotPay) as caught:
        ask(person)
    assert caught.value.status == 402
    assert "$0.0000001 of $0.0000001 left" in caught.value.for_person
    assert "It renews on" in caught.value.for_person
    assert not Conversation.objects.exists()


def test_the_page_shows_the_refusal_and_keeps_the_draft(client: Client, person: User) -> None:
    Budget.objects.create(user=person, per_day_usd=Decimal(0))
    client.force_login(person)
    response = client.post("/send/", {"prompt": "Why?", "nonce": "n", "choice": ""})
    assert response.status_code == 402
    assert "It renews on" in response.content.decode()
    assert "Why?" in response.content.decode()
    assert not Message.objects.exists()


def test_too_many_requests_in_a_minute_are_refused_as_such(client: Client, person: User) -> None:
    Budget.objects.create(user=person, requests_per_minute=0)
    client.force_login(person)
    response = client.post("/send/", {"prompt": "Why?", "nonce": "n", "choice": ""})
    assert response.status_code == 429
    assert "0 requests a minute" in response.content.decode()


def test_the_page_warns_from_half_on(client: Client, person: User) -> None:
    Budget.objects.create(user=person, per_month_usd=Decimal(1))
    client.force_login(person)
    entry_of(person, "0.49")
    assert "is spent" not in client.get("/").content.decode()
    entry_of(person, "0.35")
    assert "84 % is spent. Your budget for this month" in client.get("/").content.decode()
