"""Error bodies → our errors: both envelopes, pages, waits, and what a person is told."""

import json
from typing import Any

import pytest

from openrouter.errors import (
    ContentRefused,
    InvalidRequest,
    KeyRejected,
    NotConnected,
    OpenRouterError,
    PaymentRequired,
    ProtocolError,
    RateLimited,
    Refused,
    StreamInterrupted,
    Unavailable,
    without_secrets,
)
from openrouter.failures import error_from_object, error_from_response


def from_body(status: int, error: Any, **headers: str) -> OpenRouterError:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return error_from_response(status, named, json.dumps({"error": error}).encode())


@pytest.mark.parametrize(
    ("status", "kind", "retryable"),
    [
        (400, InvalidRequest, False),
        (401, KeyRejected, False),
        (402, PaymentRequired, False),
        (403, Refused, False),
        (404, InvalidRequest, False),
        (408, Unavailable, True),
        (413, InvalidRequest, False),
        (422, InvalidRequest, False),
        (429, RateLimited, True),
        (500, Unavailable, True),
        (502, Unavailable, True),
        (503, Unavailable, True),
        (504, Unavailable, True),
        (524, Unavailable, True),
        (529, Unavailable, True),
    ],
)
def test_a_status_decides_the_kind(status: int, kind: type[Refused], retryable: bool) -> None:
    for error in (from_body(status, {"message": "no"}), error_from_response(status, {}, b"")):
        assert (type(error), error.status, error.retryable) == (kind, status, retryable)


def test_the_envelope_of_2026_without_a_code() -> None:
    error = from_body(
        503,
        {
            "message": "All providers are at capacity.",
            "error_type": "rate_limit_exceeded",
            "http_status": 429,
            "availability": {"code": "capacity_exhausted", "retryable": True, "retry_after": 40},
        },
    )
    assert (type(error), error.status, error.retry_after_s) == (RateLimited, 429, 40)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("server_error", Unavailable),
        ("rate_limit_exceeded", RateLimited),
        ("invalid_request_error", InvalidRequest),
        ("502", Unavailable),
        ("of_tomorrow", Refused),
        (None, Refused),
        (7, Refused),
    ],
)
def test_a_code_that_is_a_word(code: object, kind: type[Refused]) -> None:
    assert type(error_from_object({"code": code, "message": "x"})) is kind


def test_the_type_in_the_metadata_counts_where_nothing_else_does() -> None:
    error = error_from_object({"message": "x", "metadata": {"error_type": "provider_overloaded"}})
    assert (type(error), error.status) == (Unavailable, 529)


@pytest.mark.parametrize(
    "raw",
    [
        '{"error":{"message":"At most 1 image per prompt."}}',
        '{"message":"At most 1 image per prompt."}',
        '{"error":"At most 1 image per prompt."}',
        "At most 1 image per prompt.",
        {"error": {"message": "At most 1 image per prompt."}},
    ],
    ids=repr,
)
def test_the_providers_own_words_are_found_in_every_wrapping(raw: object) -> None:
    metadata = {"raw": raw, "provider_name": "Crucible", "remedy_hint": "Send one."}
    error = from_body(
        400, {"message": "Provider returned error", "code": 400, "metadata": metadata}
    )
    assert error.detail == "Crucible: At most 1 image per prompt. Send one."


def test_moderation_tells_its_reasons_and_never_the_prompt() -> None:
    metadata = {"reasons": ["violence"], "flagged_input": "my secret diary", "provider_name": "P"}
    error = from_body(403, {"code": 403, "message": "Your input was flagged", "metadata": metadata})
    assert isinstance(error, ContentRefused)
    assert error.detail == "P: Your input was flagged (violence)"


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ({"message": "Only management keys can perform this operation"}, KeyRejected),
        ({"message": "Invalid API key"}, KeyRejected),
        ({"message": "no", "error_type": "permission_denied"}, KeyRejected),
        ({"message": "blocked", "metadata": {"patterns": ["ignore all"]}}, ContentRefused),
        ({"message": "no", "error_type": "content_policy_violation"}, ContentRefused),
        ({"message": "Your request was flagged by moderation"}, ContentRefused),
        ({"message": "This model is not offered in your region"}, Refused),
    ],
)
def test_a_403_is_about_the_key_the_prompt_or_neither(error: Any, kind: type[Refused]) -> None:
    assert type(from_body(403, error)) is kind


@pytest.mark.parametrize(
    ("headers", "wait_s"),
    [
        ({"retry_after": "7"}, 7.0),
        ({"retry_after": "0.5"}, 0.5),
        ({"retry_after": "soon"}, None),
        ({"retry_after": "-4"}, None),
        (
            {
                "date": "Fri, 20 Nov 2026 12:00:00 GMT",
                "retry_after": "Fri, 20 Nov 2026 12:00:30 GMT",
            },
            30.0,
        ),
        ({"date": "Fri, 20 Nov 2026 12:00:00 GMT", "x_ratelimit_reset": "1795176005000"}, 5.0),
        ({"date": "Fri, 20 Nov 2026 12:00:00 GMT", "x_ratelimit_reset": "1"}, 0.0),
        ({"x_ratelimit_reset": "1795176005000"}, None),
        ({}, None),
    ],
)
def test_the_wait_is_told_in_seconds(headers: dict[str, str], wait_s: float | None) -> None:
    assert from_body(429, {"message": "slow down"}, **headers).retry_after_s == wait_s


def test_the_id_of_the_generation_is_kept() -> None:
    assert from_body(502, {"message": "x"}, x_generation_id="gen-9").generation_id == "gen-9"


@pytest.mark.parametrize(
    ("status", "may_have_cost"),
    [(400, False), (402, False), (429, False), (502, False), (504, True)],
)
def test_only_a_timeout_may_have_cost_before_the_first_byte(
    status: int, may_have_cost: bool
) -> None:
    assert from_body(status, {"message": "x"}).may_have_cost is may_have_cost


def test_a_page_tells_its_title() -> None:
    page = b"<!doctype html><html><head><title>example.org |\n 522: timed out</title></head>"
    error = error_from_response(522, {}, page)
    assert error.detail == "a web page came instead of an answer: example.org | 522: timed out"


@pytest.mark.parametrize("body", [b"", b"{}", b"OK", b'{"error":null}', b'{"choices":[]}'])
def test_status_200_without_an_error_is_a_breach_of_the_protocol(body: bytes) -> None:
    assert type(error_from_response(200, {}, body)) is ProtocolError


def test_bare_words_are_an_error_too() -> None:
    assert error_from_response(400, {}, b'{"error":"no such thing"}').detail == "no such thing"


def test_a_detail_has_an_end() -> None:
    assert len(from_body(400, {"message": "x" * 5000}).detail) == 1000


@pytest.mark.parametrize(
    "secret",
    ["sk-or-v1-0123456789abcdef0123", "sk-proj-abc_DEF-123456", "Bearer abc.def", "bearer xyz"],
)
def test_secrets_are_taken_out(secret: str) -> None:
    shown = without_secrets(f"wrong key {secret}, sorry")
    assert secret not in shown
    assert shown.startswith("wrong key ")
    assert shown.endswith("sorry") or "Bearer" in secret or "bearer" in secret


@pytest.mark.parametrize(
    "kind",
    [
        *(InvalidRequest, KeyRejected, PaymentRequired, ContentRefused, RateLimited, Unavailable),
        *(Refused, ProtocolError, NotConnected, StreamInterrupted),
    ],
)
def test_every_kind_has_a_sentence_for_a_person(kind: type[OpenRouterError]) -> None:
    error = kind()
    assert error.for_person.endswith(".")
    assert str(error) == error.for_person


def test_a_daily_limit_has_a_sentence_of_its_own() -> None:
    error = RateLimited(per_day=True, status=429)
    assert (error.retryable, error.for_person) == (
        False,
        "The daily limit for this model is used up.",
    )
