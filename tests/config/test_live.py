"""What billing's calls tell the router of models."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.utils import timezone

from billing.models import Call, CallState, Purpose
from config.live import calls_since
from routing.live_figures import Observed

pytestmark = pytest.mark.django_db
NOW = timezone.now()


def call(ended_s_ago: float = 10, **facts: Any) -> Call:
    defaults: dict[str, Any] = {
        "state": CallState.SETTLED,
        "user_ref": "user-1",
        "purpose": Purpose.REPLY,
        "requested_model": "acme/one",
        "created_at": NOW - dt.timedelta(seconds=ended_s_ago + 5),
        "ended_at": NOW - dt.timedelta(seconds=ended_s_ago),
    }
    return Call.objects.create(**(defaults | facts))


def seen(since_s_ago: float = 60, most: int = 100) -> list[Observed]:
    moment = (NOW - dt.timedelta(seconds=since_s_ago)).timestamp()
    return [observed for _, observed in calls_since(moment, most)]


def test_a_call_tells_its_waiting_its_speed_and_its_provider() -> None:
    call(
        served_model="acme/one-20260501",
        provider="Acme",
        ttft_ms=400,
        duration_ms=2_400,
        completion_tokens=100,
    )
    [told] = seen()
    assert (told.model, told.provider, told.failed) == ("acme/one-20260501", "Acme", False)
    assert (told.first_token_s, told.tokens, told.seconds) == (0.4, 100, 2.0)


@pytest.mark.parametrize("error", ["Unavailable", "RateLimited", "StreamInterrupted"])
def test_a_failure_of_the_model_counts_against_it(error: str) -> None:
    call(state=CallState.RELEASED, error=error)
    assert [(told.model, told.failed) for told in seen()] == [("acme/one", True)]


@pytest.mark.parametrize(
    "error", ["KeyRejected", "PaymentRequired", "ContentRefused", "NotConnected"]
)
def test_what_is_not_the_models_fault_says_nothing_of_it(error: str) -> None:
    call(state=CallState.RELEASED, error=error)
    assert seen() == []


def test_where_another_model_stepped_in_the_one_that_was_asked_had_failed() -> None:
    call(served_model="umbra/two-20260501", fallback_models=["umbra/two"])
    assert sorted((told.model, told.failed) for told in seen()) == [
        ("acme/one", True),
        ("umbra/two-20260501", False),
    ]


def test_only_what_has_ended_since_is_told_and_not_more_than_asked() -> None:
    call(ended_s_ago=120)
    call(state=CallState.RUNNING, ended_at=None)
    for ago in (10, 20, 30):
        call(ended_s_ago=ago)
    assert len(seen()) == 3
    assert [round(NOW.timestamp() - told.ended_at) for told in seen(most=2)] == [10, 20]
