"""The shadow's thread: it never holds up, never piles up, and never fails loudly."""

from __future__ import annotations

import logging
import threading
from decimal import Decimal

import pytest
from django.db.utils import DatabaseError
from django.utils import timezone

from routing.models import PolicyVersion, ShadowDecision
from routing.policies import Policy
from routing.policy_shelf import Shadow
from routing.shadow import Asked, Backstage, decide_and_keep
from routing.sync import store_catalogue
from routing.weighing import decide
from tests.routing.factories import MARKET, info, question

ASKED = Asked("Explain how a heat pump works", 0, 4_000, None)


def test_what_is_handed_over_is_worked_off_elsewhere() -> None:
    done = threading.Event()
    where: list[str] = []

    def work() -> None:
        where.append(threading.current_thread().name)
        done.set()

    Backstage()(work)
    assert done.wait(10)
    assert where[0].startswith("shadow")


def test_a_burst_is_let_pass_and_said(caplog: pytest.LogCaptureFixture) -> None:
    backstage, gate, seen = Backstage(most_waiting=2), threading.Event(), threading.Semaphore(0)

    def work() -> None:
        gate.wait(10)
        seen.release()

    with caplog.at_level(logging.WARNING, "routing.shadow"):
        for _ in range(3):
            backstage(work)
    assert "behind" in caplog.text
    gate.set()
    assert all(seen.acquire(timeout=10) for _ in range(2))
    assert not seen.acquire(blocking=False)


def test_a_fault_is_a_line_in_the_log_and_the_next_is_served(
    caplog: pytest.LogCaptureFixture,
) -> None:
    backstage, done = Backstage(), threading.Event()
    with caplog.at_level(logging.ERROR, "routing.shadow"):
        backstage(lambda: 1 / 0)  # type: ignore[arg-type]
        backstage(done.set)
        assert done.wait(10)
    assert "A shadow decision failed" in caplog.text


@pytest.mark.django_db
def test_a_shadow_that_finds_no_model_says_why() -> None:
    store_catalogue([info("acme/one")], now=timezone.now())
    live = decide(question(), MARKET)
    version = PolicyVersion.objects.get(name="balanced")
    shadow = Shadow(version.pk, Policy(price_cap_usd=Decimal("0.0000000001")))
    decide_and_keep(shadow, live, ASKED, "7")
    (seen,) = ShadowDecision.objects.all()
    assert (seen.model, seen.refused, seen.odds, seen.expected_usd) == ("", "price_cap", None, None)
    assert seen.live_model == live.slug
    assert seen.live_expected_usd == live.expected_usd


@pytest.mark.django_db
def test_a_row_that_cannot_be_stored_is_said(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    store_catalogue([info("acme/one")], now=timezone.now())

    def full(**_: object) -> None:
        raise DatabaseError("disk full")

    monkeypatch.setattr(ShadowDecision.objects, "create", full)
    with caplog.at_level(logging.WARNING, "routing.shadow"):
        decide_and_keep(Shadow(1, Policy()), decide(question(), MARKET), ASKED, "7")
    assert "disk full" in caplog.text
