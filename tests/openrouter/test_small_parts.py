"""Money, headers, PKCE, retries: the small pure parts."""

from decimal import Decimal
from urllib.parse import parse_qs, urlsplit

import pytest

from openrouter.attribution import ascii_title, ascii_url, request_headers
from openrouter.errors import (
    InvalidRequest,
    KeyRejected,
    NotConnected,
    OpenRouterError,
    ProtocolError,
    RateLimited,
    StreamInterrupted,
    Unavailable,
)
from openrouter.money import known_usd, parse_usd
from openrouter.pkce import authorize_address, challenge_of, new_verifier
from openrouter.retries import RetryPolicy


@pytest.mark.parametrize(
    ("value", "usd"),
    [
        ("0.0000025", Decimal("0.0000025")),
        ("6e-8", Decimal("6E-8")),
        ("0", Decimal(0)),
        (0, Decimal(0)),
        (Decimal("0.1"), Decimal("0.1")),
        ("-1", None),
        (-1, None),
        ("", None),
        ("free", None),
        ("NaN", None),
        ("Infinity", None),
        ("1e999999999", None),
        (None, None),
        (True, None),
        ({}, None),
    ],
)
def test_an_amount_is_exact_or_unknown(value: object, usd: Decimal | None) -> None:
    assert parse_usd(value) == usd


def test_an_amount_keeps_its_digits() -> None:
    assert str(parse_usd("0.0076120000000000003")) == "0.0076120000000000003"


def test_a_float_is_no_money() -> None:
    with pytest.raises(TypeError, match="never passes a float"):
        parse_usd(0.1)


def test_free_is_not_unknown() -> None:
    assert known_usd(Decimal(0)) == 0
    assert known_usd(None) is None


@pytest.mark.parametrize(
    ("title", "sent"),
    [
        ("Switchboard", "Switchboard"),
        ("Ça va", "Ca va"),
        ("Łódź", "%C5%81odz"),
        (" x ", "x"),
        ("a\tb\x00", "ab"),
        ("🚲", "%F0%9F%9A%B2"),
    ],
)
def test_a_title_is_ascii(title: str, sent: str) -> None:
    assert ascii_title(title) == sent


def test_an_address_is_ascii_and_keeps_its_escapes() -> None:
    assert (
        ascii_url(" https://x.example/ü?a=%20&b=1#c\r\n") == "https://x.example/%C3%BC?a=%20&b=1#c"
    )


def test_what_is_empty_is_not_sent() -> None:
    assert request_headers(api_key="", app_url="", app_title="") == {}


def test_at_most_two_categories_are_sent() -> None:
    headers = request_headers(
        api_key="k", app_url="", app_title="", app_categories=("general-chat", "b", "c")
    )
    assert headers["x-openrouter-categories"] == "general-chat,b"


@pytest.mark.parametrize("key", ["sk-or-v1-…", "sk\nx: y", "sk-ü"])
def test_a_key_that_cannot_be_sent_is_rejected_without_being_shown(key: str) -> None:
    with pytest.raises(KeyRejected) as caught:
        request_headers(api_key=key, app_url="", app_title="")
    assert key not in str(caught.value)


def test_a_key_from_a_file_loses_its_line_end() -> None:
    headers = request_headers(api_key=" sk-or-v1-x\n", app_url="", app_title="")
    assert headers == {"authorization": "Bearer sk-or-v1-x"}


def test_the_challenge_is_that_of_rfc_7636() -> None:
    verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    assert challenge_of(verifier) == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


def test_verifiers_are_long_enough_and_never_the_same() -> None:
    assert len({new_verifier() for _ in range(50)}) == 50
    assert 43 <= len(new_verifier()) <= 128


def test_the_address_for_the_browser_shows_the_challenge_and_not_the_verifier() -> None:
    address = authorize_address(
        callback_url="https://chat.example/back?state=1", verifier="secret", key_label="Mine"
    )
    query = parse_qs(urlsplit(address).query)
    assert query == {
        "callback_url": ["https://chat.example/back?state=1"],
        "code_challenge": [challenge_of("secret")],
        "code_challenge_method": ["S256"],
        "key_label": ["Mine"],
    }
    assert "secret" not in address


BUSY = Unavailable("busy", status=503)


def test_the_wait_doubles_up_to_its_limit() -> None:
    policy = RetryPolicy(max_attempts=9, base_s=0.5, longest_s=3.0)
    waits = [policy.delay_s(BUSY, attempt, lambda _, high: high) for attempt in range(1, 6)]
    assert waits == [0.5, 1.0, 2.0, 3.0, 3.0]


def test_the_wait_is_anything_from_nothing_on() -> None:
    """Full jitter: else all who failed together come back together."""
    asked: list[tuple[float, float]] = []

    def dice(low: float, high: float) -> float:
        asked.append((low, high))
        return low

    assert RetryPolicy().delay_s(BUSY, 2, dice) == 0
    assert asked == [(0, 1.0)]


def test_the_wait_that_was_told_is_never_shortened() -> None:
    told = RateLimited("slow down", retry_after_s=12)
    assert RetryPolicy().delay_s(told, 1, min) == 12
    assert RetryPolicy(longest_retry_after_s=10).delay_s(told, 1, min) is None


@pytest.mark.parametrize(
    "error",
    [
        InvalidRequest(),
        KeyRejected(),
        ProtocolError(),
        StreamInterrupted(),
        RateLimited(per_day=True),
        NotConnected(may_have_cost=True),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_will_not_pass_is_not_waited_for(error: OpenRouterError) -> None:
    assert RetryPolicy().delay_s(error, 1, max) is None


def test_attempts_have_an_end() -> None:
    assert RetryPolicy(max_attempts=3).delay_s(BUSY, 2, max) is not None
    assert RetryPolicy(max_attempts=3).delay_s(BUSY, 3, max) is None
