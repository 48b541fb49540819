"""People, their second factors, and what allauth's limits remember."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, hotp_value
from django.core.cache import cache
from django.test import Client

from accounts.models import User
from tests.accounts.people import files_apart, root
from tests.chat.conftest import _catalogue, ada, ask, eve

__all__ = ["_catalogue", "ada", "ask", "eve", "files_apart", "root"]

SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
STEP_S = 30


@pytest.fixture(autouse=True)
def _counters() -> Iterator[None]:
    """No test inherits the failed sign-ins of another."""
    cache.clear()
    yield
    cache.clear()


def code_of(secret: str = SECRET, *, steps_ago: int = 0) -> str:
    """What an authenticator app shows now, or showed some steps of 30 s ago."""
    code: str = format_hotp_value(hotp_value(secret, int(time.time()) // STEP_S - steps_ago))
    return code


def protect(user: User) -> tuple[Authenticator, list[str]]:
    """Give them an authenticator app and recovery codes."""
    app = TOTP.activate(user, SECRET)
    codes = RecoveryCodes.activate(user)
    return app.instance, codes.get_unused_codes()


def sign_in(client: Client, name: str = "ada", password: str = "engine") -> str:
    """Post the sign-in form; where it leads."""
    answer = client.post("/accounts/login/", {"login": name, "password": password})
    return str(answer.headers.get("Location", ""))


def is_in(client: Client) -> bool:
    return client.get("/usage/").status_code == 200
