"""T10: guessing ends, and says so."""

from __future__ import annotations

import pytest
from django.test import Client

from accounts.models import User
from tests.accounts.conftest import is_in, sign_in


def from_address(address: str) -> Client:
    return Client(REMOTE_ADDR=address)


def test_five_wrong_passwords_close_a_name_from_wherever_they_come(ada: User, eve: User) -> None:
    for number in range(5):
        sign_in(from_address(f"192.0.2.{number}"), password=f"guess {number}")
    late = from_address("192.0.2.99")
    sign_in(late)
    assert not is_in(late)
    sign_in(late, "eve", "listens")
    assert is_in(late)


def test_ten_failures_close_an_address(ada: User, db: None) -> None:
    guesser = from_address("192.0.2.1")
    for number in range(10):
        sign_in(guesser, f"somebody{number}", "guess")
    sign_in(guesser)
    assert not is_in(guesser)
    elsewhere = from_address("192.0.2.2")
    sign_in(elsewhere)
    assert is_in(elsewhere)


def test_who_signs_in_often_is_not_counted_as_guessing(ada: User) -> None:
    for _ in range(12):
        browser = from_address("192.0.2.1")
        sign_in(browser)
        assert is_in(browser)


@pytest.mark.parametrize("address", ["/accounts/login/", "/accounts/2fa/webauthn/login/"])
def test_too_many_tries_are_told_in_words(
    client: Client, db: None, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("allauth.core.internal.ratelimit.time.time", lambda: 1_700_000_000.0)
    answers = [client.post(address, {"login": "x", "password": "y"}) for _ in range(31)]
    assert answers[-1].status_code == 429
    assert "Too many requests" in answers[-1].content.decode()
    assert "Content-Security-Policy" in answers[-1].headers
