"""Reconciliation with several keys: each beside its own, and own accounts in neither book."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.core.management import CommandError
from pytest_django import Settings

from accounts.models import User
from billing.key_models import KeyKind
from billing.keys import key_for
from billing.models import UsageRecord
from billing.reconciliation_models import Reconciliation, Verdict
from openrouter.emulator.settings import DEMO_KEY
from tests.billing.books import answered
from tests.billing.keyring import ask, connected, key_of, run, world

pytestmark = pytest.mark.django_db
DAY_S = 86_400.0


@pytest.fixture(autouse=True)
def _upstream(settings: Settings) -> None:
    world.reset(settings)
    settings.OPENROUTER_API_KEY, settings.OPENROUTER_MANAGEMENT_KEY = DEMO_KEY, "set"
    settings.PER_USER_KEYS = True


def asked(user: User, text: str, *, as_if: User | None = None) -> UsageRecord:
    """One answer, in both books; `as_if`: asked with the key of another person than we note."""
    noted, used = key_for(user), key_for(as_if or user)
    return answered(user, ask(used.secret or DEMO_KEY, text), key=noted)


def reconcile() -> str:
    entry = UsageRecord.objects.latest("pk")
    world.emulator.world.clock.advance(DAY_S)
    return run("reconcile", "--date", entry.call.created_at.date().isoformat())


def test_every_key_closes_by_itself_and_own_accounts_are_in_neither_book(person: User) -> None:
    grace, alan = User.objects.create_user("grace"), User.objects.create_user("alan")
    asked(grace, "On the shared key")
    run("sync_keys")
    mine = asked(person, "On a key of mine")
    connected(alan)
    own = asked(alan, "On an account of mine")
    reconcile()
    record = Reconciliation.objects.get()
    by_key = {line["key"]: Decimal(line["ours_usd"]) for line in record.keys}
    assert record.verdict == Verdict.CLOSED
    assert all(line["residual_usd"] == "0" for line in record.keys)
    assert by_key[key_of(person).label] == mine.cost_usd
    assert by_key[key_of(grace).label] == 0 < by_key["shared key"]
    assert record.ours_usd == record.theirs_usd == sum(by_key.values())
    assert own.call.key_kind == KeyKind.OWN
    assert (own.upstream_cost_usd or 0) > 0


def test_a_call_that_was_asked_with_another_key_than_noted_is_found(person: User) -> None:
    grace = User.objects.create_user("grace")
    run("sync_keys")
    asked(person, "Whose?", as_if=grace)
    with pytest.raises(CommandError, match="not explained"):
        reconcile()
    record = Reconciliation.objects.get()
    assert (record.verdict, record.residual_usd) == (Verdict.OPEN, Decimal(0))
    off = {line["key"] for line in record.keys if line["residual_usd"] != "0"}
    assert off == {key_of(person).label, key_of(grace).label}


def test_spending_of_somebody_elses_key_is_not_ours(person: User) -> None:
    asked(person, "On the shared key")
    _, stranger = world.emulator.world.accounts.issue("Somebody's notebook")
    ask(stranger, "Elsewhere")
    assert "closed" in reconcile()
