"""An empty table is asked once in a while, and a first row is seen at once."""

from decimal import Decimal

import pytest
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from billing.budgets import limits_of
from billing.emptiness import TRUSTED_S, Emptiness
from billing.keys import key_for
from billing.models import Budget

pytestmark = pytest.mark.django_db


def test_that_a_table_is_empty_is_trusted_for_a_while() -> None:
    now_s = [0.0]
    no_budgets = Emptiness(Budget, clock=lambda: now_s[0])
    assert not no_budgets
    no_budgets.look()
    assert no_budgets
    now_s[0] = TRUSTED_S
    assert not no_budgets


def test_a_first_row_is_seen_at_once() -> None:
    no_budgets = Emptiness(Budget)
    no_budgets.look()
    Budget.objects.create(per_day_usd=Decimal(1))
    assert not no_budgets
    no_budgets.look()
    assert not no_budgets


def test_without_budgets_and_keys_a_prompt_asks_for_neither(
    person: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    limits_of(person), key_for(person)
    with django_assert_num_queries(0):
        assert limits_of(person) == []
        assert not key_for(person).secret
    Budget.objects.create(per_day_usd=Decimal(1))
    assert limits_of(person)
