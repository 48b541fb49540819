"""What the settings may not be where others can reach them: then the server does not start.

A *trial* is this machine alone: DEMO is on, no TLS, and no host but localhost is answered to, as
`make run` sets a fresh clone up. Everything else is production. `config/asgi.py`, through which
every server goes, refuses to start it unsafe; commands still run, so that one can look and mend,
and `manage.py check --deploy` says the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, Protocol

from django.conf import settings
from django.core.checks import Error
from django.core.exceptions import ImproperlyConfigured

KEY_CHARS: Final = 50  # of a secret key, and how many of them differ
KEY_LETTERS: Final = 10
EXAMPLES: Final = ("django-insecure-", "only-for-", "only-to-", "change")  # begin keys of no use
NEW_KEY: Final = 'make one with python3 -c "import secrets; print(secrets.token_urlsafe(50))"'
HERE: Final = {"localhost", "127.0.0.1", "::1", "[::1]"}


class Deployed(Protocol):
    """The settings that decide."""

    SECRET_KEY: str
    DEBUG: bool
    DEMO: bool
    HTTPS: bool
    ALLOWED_HOSTS: list[str]


def is_trial(values: Deployed) -> bool:
    """Whether nobody but this machine's own people can be at the other end."""
    return values.DEMO and not values.HTTPS and set(values.ALLOWED_HOSTS) <= HERE


def is_guessable(key: str) -> bool:
    """Whether a secret key is short, of few letters, or one that was published."""
    short = len(key) < KEY_CHARS or len(set(key)) < KEY_LETTERS
    return short or key.lower().startswith(EXAMPLES)


def is_wildcard(host: str) -> bool:
    """`*`, and `.org`, which is nobody's own."""
    return "*" in host or (host.startswith(".") and "." not in host.strip("."))


def refusals(values: Deployed) -> Iterator[tuple[str, str]]:
    """Why these settings must not serve: a name, and a sentence with what to do; no secret."""
    key = _secret_key(values)
    if not key:
        yield ("E001", f"SECRET_KEY is empty: {NEW_KEY}.")
    if is_trial(values):
        return
    if key and is_guessable(key):
        yield (
            "E001",
            f"SECRET_KEY is short or not random, so that others can sign in as anybody: {NEW_KEY}.",
        )
    if values.DEBUG:
        yield (
            "E002",
            "DEBUG is on and shows everybody tracebacks with settings in them: set DEBUG=false.",
        )
    if any(is_wildcard(host) for host in values.ALLOWED_HOSTS):
        yield (
            "E003",
            "ALLOWED_HOSTS has a wildcard, so that links can be made to lead to anybody's host:"
            " name the hosts that people type, as ALLOWED_HOSTS=chat.example.org.",
        )
    if values.DEMO:
        yield (
            "E004",
            "DEMO is on, which lets in an administrator whose password is public: set DEMO=false"
            " and delete the account demo. DEMO is for localhost without HTTPS alone.",
        )


def _secret_key(values: Deployed) -> str:
    try:
        return values.SECRET_KEY
    except ImproperlyConfigured:  # Django's own settings do not hand out an empty one
        return ""


def refuse_unsafe(values: Deployed) -> None:
    """End the process, with words, where it would serve unsafely. Raises SystemExit."""
    if told := list(refusals(values)):
        lines = "".join(f"\n- {line}" for _, line in told)
        raise SystemExit(
            f"Switchboard does not start: these settings are not safe for others.{lines}\n"
            "To try it on this machine alone: DEMO=true, HTTPS=false, ALLOWED_HOSTS=localhost."
        )


def check_deployment(app_configs: Any, **_: Any) -> list[Error]:
    """For `manage.py check --deploy`: the same, as errors (registered in apps.py)."""
    values: Any = settings
    return [Error(line, id=f"switchboard.{name}") for name, line in refusals(values)]
