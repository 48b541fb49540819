"""Traps 15 to 30 of OpenRouter's protocol, around streams; each test is named after one.

What they are and where they were seen: OpenRouter's documentation, recorded traffic, and the issue
trackers of other clients.
"""

import json
from decimal import Decimal

import pytest

from openrouter.attribution import request_headers
from openrouter.decoder import StreamDecoder
from openrouter.errors import (
    InvalidRequest,
    NotConnected,
    PaymentRequired,
    ProtocolError,
    RateLimited,
    Unavailable,
)
from openrouter.events import (
    Annotation,
    Finished,
    Identified,
    KeepAlive,
    ReasoningDetail,
    TextDelta,
)
from openrouter.failures import error_from_response
from openrouter.money import parse_usd
from openrouter.reading import read, read_data
from openrouter.results import ManagedKey, ModelInfo
from openrouter.retries import RetryPolicy
from openrouter.types import ChatRequest
from tests.openrouter.answers import (
    DONE,
    KEEP_ALIVE,
    bill_of,
    chunk,
    events_of,
    failures_of,
    stream,
    text_of,
)

USAGE = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5, "cost": 0.000123}
MESSAGES = ({"role": "user", "content": "Hello?"},)


def question(**more: object) -> ChatRequest:
    return ChatRequest(model="a/b", messages=MESSAGES, max_completion_tokens=100, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (502, "<html><head><title>502 Bad Gateway</title></head></html>"),
        (524, "error code: 524"),
        (520, ""),
    ],
)
def test_trap_15_pages_and_plain_text_of_the_edge(status: int, body: str) -> None:
    error = error_from_response(status, {"content-type": "text/html"}, body.encode())
    assert isinstance(error, Unavailable)
    assert (error.status, error.retryable) == (status, True)
    assert "<" not in error.detail


@pytest.mark.parametrize(
    "page", ["<!DOCTYPE html><title>Sign in to WiFi</title>", "Please sign in"]
)
def test_trap_15_a_page_with_status_200(page: str) -> None:
    (failed,) = failures_of(events_of(page, 3))
    assert isinstance(failed.error, ProtocolError)


def test_trap_16_a_price_of_minus_one_is_unknown_not_a_number() -> None:
    assert parse_usd("-1") is None
    router = {"id": "openrouter/auto", "pricing": {"prompt": "-1", "completion": "-1"}}
    model = read(ModelInfo, json.dumps(router).encode())
    assert (model.pricing.prompt_usd, model.pricing.completion_usd) == (None, None)


def test_trap_17_costs_with_an_exponent() -> None:
    body = chunk("a", finish="stop").replace(
        "}\n", ', "usage": {"prompt_tokens": 1, "cost": 6e-8}}\n'
    )
    assert str(bill_of(events_of(body + DONE)).cost_usd) == "6E-8"


def test_trap_17_own_key_calls_cost_nothing_here_and_something_upstream() -> None:
    details = {"upstream_inference_cost": 0.0003253}
    own_key = {**USAGE, "cost": 0, "is_byok": True, "cost_details": details}
    bill = bill_of(events_of(chunk("a", finish="stop", usage=own_key) + DONE))
    assert (bill.cost_usd, bill.upstream_cost_usd) == (Decimal(0), Decimal("0.0003253"))
    assert bill.is_byok


def test_trap_17_the_upstream_cost_is_never_added() -> None:
    twice = {**USAGE, "cost_details": {"upstream_inference_cost": 0.000123}}
    bill = bill_of(events_of(chunk("a", finish="stop", usage=twice) + DONE))
    assert bill.cost_usd == Decimal("0.000123")
    assert not bill.is_byok


def test_trap_18_the_model_that_answers_is_not_the_one_asked() -> None:
    body = chunk("a", model="x/alias") + chunk("b", model="y/served", finish="stop") + DONE
    who = [event for event in events_of(body) if isinstance(event, Identified)]
    assert [event.model for event in who] == ["x/alias", "y/served"]


def test_trap_19_a_generation_that_is_not_found_yet() -> None:
    body = b'{"error":{"message":"Generation gen-1 not found","code":404}}'
    error = error_from_response(404, {}, body)
    assert isinstance(error, InvalidRequest)
    assert (error.status, error.may_have_cost) == (404, False)


def test_trap_20_room_for_the_answer_is_always_sent() -> None:
    for is_stream in (True, False):
        assert question().body(is_stream)["max_completion_tokens"] == 100
    with pytest.raises(TypeError, match="max_completion_tokens"):
        ChatRequest(model="a/b", messages=MESSAGES)  # type: ignore[call-arg]


def test_trap_20_a_402_for_the_worst_case_is_not_asked_again() -> None:
    body = b'{"error":{"message":"can only afford 27342","code":402}}'
    error = error_from_response(402, {}, body)
    assert isinstance(error, PaymentRequired)
    assert RetryPolicy().delay_s(error, 1, max) is None


PER_DAY = [
    {"message": "Rate limit exceeded: free-models-per-day. Add 10 credits", "code": 429},
    {
        "message": "Rate limit exceeded",
        "code": 429,
        "metadata": {"limit_source": "openrouter_free_tier_daily"},
    },
]


@pytest.mark.parametrize("error", PER_DAY)
def test_trap_21_a_daily_limit_is_not_asked_again(error: dict[str, object]) -> None:
    told = error_from_response(429, {}, json.dumps({"error": error}).encode())
    assert isinstance(told, RateLimited)
    assert (told.per_day, told.retryable) == (True, False)
    assert RetryPolicy().delay_s(told, 1, max) is None


def test_trap_21_a_limit_per_minute_waits_as_long_as_it_was_told() -> None:
    body = b'{"error":{"message":"Rate limit exceeded: free-models-per-min","code":429}}'
    told = error_from_response(429, {"retry-after": "7"}, body)
    assert isinstance(told, RateLimited)
    assert RetryPolicy().delay_s(told, 1, min) == 7
    assert RetryPolicy().delay_s(error_from_response(429, {}, body), 1, min) == 0


def test_trap_21_the_reset_that_the_body_repeats_is_understood() -> None:
    limits = {"X-RateLimit-Limit": "20", "X-RateLimit-Reset": "1795179609000"}
    error = {"message": "Rate limit exceeded", "code": 429, "metadata": {"headers": limits}}
    told = error_from_response(
        429, {"date": "Fri, 20 Nov 2026 12:59:57 GMT"}, json.dumps({"error": error}).encode()
    )
    assert told.retry_after_s == 12


@pytest.mark.parametrize(
    ("title", "sent"),
    [("Café Zürich", "Cafe Zurich"), ("会話", "%E4%BC%9A%E8%A9%B1"), ("A\r\nB", "AB")],
)
def test_trap_22_a_title_that_no_header_can_hold(title: str, sent: str) -> None:
    headers = request_headers(
        api_key="sk-or-v1-x", app_url="https://bücher.example/", app_title=title
    )
    assert headers["x-openrouter-title"] == sent
    assert all(value.isascii() and value.isprintable() for value in headers.values())


def test_trap_23_values_that_nobody_knows_yet() -> None:
    detail = {"type": "reasoning.hologram", "format": "tomorrow-v9", "payload": [1, {"deep": None}]}
    body = (
        chunk("a", delta={"reasoning_details": [detail], "smell": "roses"}, telepathy=True)
        + chunk("", finish="enlightened", provider="A Provider of Tomorrow")
        + DONE
    )
    events = events_of(body)
    assert ReasoningDetail(detail) in events
    assert Finished("enlightened", "enlightened") in events
    assert not failures_of(events)


def test_trap_24_citations_before_any_text_with_odd_addresses() -> None:
    events = events_of(stream("citations-before-text.sse"))
    kinds = [type(event) for event in events]
    assert kinds.index(Annotation) < kinds.index(TextDelta)
    assert sum(isinstance(event, Annotation) for event in events) == 3


def test_trap_25_more_than_three_models_are_refused_before_they_are_sent() -> None:
    two = question(fallbacks=("c/d", "e/f"))
    assert two.body(stream=True)["models"] == ["a/b", "c/d", "e/f"]
    with pytest.raises(ValueError, match="at most 2 fallbacks"):
        question(fallbacks=("c/d", "e/f", "g/h"))


def test_trap_26_reasoning_details_come_back_as_they_were() -> None:
    detail = {
        "type": "reasoning.encrypted",
        "data": "gAAAA+/=_-é\u2028" * 10_000,
        "index": 0,
        "format": None,
        "z": 1,
        "a": [0.1, 1e-7, 12345678901234567890],
    }
    for size in (7, 1000):
        events = events_of(chunk("", delta={"reasoning_details": [detail]}), size)
        (told,) = [event.detail for event in events if isinstance(event, ReasoningDetail)]
        assert json.dumps(told) == json.dumps(detail)


def test_trap_27_a_session_is_named_so_that_it_stays_with_its_provider() -> None:
    assert question(session_id="conversation-7").body(stream=True)["session_id"] == "conversation-7"
    assert len(question(session_id="x" * 300).body(stream=True)["session_id"]) == 256


@pytest.mark.parametrize("generation_id", ["chatcmpl-1", "cmpl-2", "resp_3", "gen-4", "💾"])
def test_trap_28_ids_are_opaque(generation_id: str) -> None:
    who = events_of(chunk("a", id=generation_id))[0]
    assert who == Identified(generation_id, "m/one", "P")


@pytest.mark.parametrize("moment", ["2026-08-24T10:30:00Z", "2026-08-24T10:30:00.123456+00:00"])
def test_trap_29_moments_of_keys_in_either_writing(moment: str) -> None:
    key = json.dumps({"data": {"hash": "h", "created_at": moment}}).encode()
    assert read_data(ManagedKey, key).created_at == moment


def test_trap_30_a_long_silence_full_of_comments_is_life() -> None:
    decoder = StreamDecoder()
    for _ in range(30):
        assert decoder.feed(KEEP_ALIVE.encode()) == [KeepAlive()]
    events = decoder.feed((chunk("late", finish="stop") + DONE).encode())
    assert text_of(events) == "late"
    assert decoder.close() == []


def test_a_request_that_was_never_answered_is_not_asked_again() -> None:
    """It may have cost money, and no id tells us how much."""
    assert RetryPolicy().delay_s(NotConnected("silence", may_have_cost=True), 1, max) is None
    assert RetryPolicy().delay_s(NotConnected("refused"), 1, min) == 0
