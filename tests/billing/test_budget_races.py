"""Of many sends at once against a budget for one, one is admitted: in threads and in processes."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from decimal import Decimal

import pytest
from django.utils import timezone

from accounts.models import User
from billing.limits import Account, Budget, Hold
from billing.models import Call
from chat.models import Conversation
from config.audit.scratch import database_url
from routing.services import choose_model
from routing.shelf import shelf
from routing.sync import store_catalogue
from tests.billing.racer import THREADS
from tests.conftest import ROOT
from tests.routing.factories import info

pytestmark = pytest.mark.django_db(transaction=True)
PROCESSES = 2
# Done means 100 rounds; fewer of them in a usual run: SWITCHBOARD_RACES=100 for all.
ROUNDS = int(os.environ.get("SWITCHBOARD_RACES", "10"))


@pytest.fixture(autouse=True)
def _one_model() -> Iterator[None]:
    shelf.forget()
    store_catalogue([info("acme/one")], now=timezone.now())
    yield
    shelf.forget()


def price_of_one() -> Decimal:
    """The worst case of the prompt that the racers send."""
    decision = choose_model(text="Why is the sky blue?", max_completion_tokens=8192)
    assert decision.worst_case_usd
    return decision.worst_case_usd


@contextmanager
def racer() -> Iterator[subprocess.Popen[str]]:
    env = os.environ | {
        "DATABASE_URL": database_url(),
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "SECRET_KEY": "only-for-tests",
    }
    command = [sys.executable, "-m", "tests.billing.racer"]
    with subprocess.Popen(
        command, cwd=ROOT, env=env, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def read(process: subprocess.Popen[str]) -> str:
    assert process.stdout
    return process.stdout.readline().strip()


def test_of_eight_sends_at_once_against_a_budget_for_one_one_is_admitted() -> None:
    price = price_of_one()
    outcomes = []
    with ExitStack() as stack:
        racers = [stack.enter_context(racer()) for _ in range(PROCESSES)]
        assert [read(process) for process in racers] == ["ready"] * PROCESSES
        for number in range(ROUNDS):
            user = User.objects.create_user(f"racer-{number}")
            Budget.objects.create(user=user, per_day_usd=price)
            for process in racers:
                assert process.stdin
                process.stdin.write(f"{user.pk}\n")
                process.stdin.flush()
            told = [read(process).split(maxsplit=2) for process in racers]
            assert [rest for _, _, rest in told] == ["{}"] * PROCESSES, "no other failure"
            outcomes.append(sum(int(admitted) for admitted, _, _ in told))
    assert outcomes == [1] * ROUNDS
    assert Call.objects.count() == Hold.objects.count() == Conversation.objects.count() == ROUNDS
    assert Account.objects.count() == ROUNDS
    assert PROCESSES * THREADS == 8
