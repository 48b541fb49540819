"""The settings: what must not be so where others can reach it."""

from __future__ import annotations

from collections.abc import Iterator

from django.conf import settings

from config.doctor.findings import Finding, fault, fine, warning
from config.safety import HERE, is_guessable, is_wildcard


def check() -> Iterator[Finding]:
    yield _secret_key(settings.SECRET_KEY)
    yield from _for_others()
    yield from _hosts(settings.ALLOWED_HOSTS)
    yield from _tls()


def _secret_key(key: str) -> Finding:
    if is_guessable(key):
        return fault(
            f"SECRET_KEY is easy to guess: {len(key)} characters, {len(set(key))} different ones.",
            "Whoever guesses it signs in as anybody. Make one with python -c 'import secrets;"
            " print(secrets.token_urlsafe(50))'; everybody then signs in once more.",
        )
    return fine("The secret key is long and random.")


def _for_others() -> Iterator[Finding]:
    if settings.DEBUG:
        yield fault(
            "DEBUG is on: everybody sees tracebacks with settings in them.", "Set DEBUG=false."
        )
    if settings.DEMO:
        yield fault(
            "DEMO is on: there may be an administrator with a public password.",
            "Set DEMO=false, and delete or lock the account demo.",
        )


def _hosts(hosts: list[str]) -> Iterator[Finding]:
    if any(is_wildcard(host) for host in hosts):
        yield fault(
            "ALLOWED_HOSTS has a wildcard: pages can be made to link to anybody's host.",
            "Name the hosts that people type: ALLOWED_HOSTS=chat.example.org",
        )
    elif set(hosts) <= HERE:
        yield warning(
            "ALLOWED_HOSTS names this machine only, so nobody else can open a page.",
            "Add the name that people type: ALLOWED_HOSTS=chat.example.org",
        )
    else:
        yield fine(f"It answers to {', '.join(hosts)}.")


def _tls() -> Iterator[Finding]:
    if not settings.HTTPS:
        if not set(settings.ALLOWED_HOSTS) <= HERE:
            yield fault(
                "HTTPS is off: passwords and sessions cross the network for all to read.",
                "Put a proxy with a certificate in front (deploy/nginx) and set HTTPS=true.",
            )
        return
    yield fine("Cookies go over HTTPS only.")
    if bare := [one for one in settings.CSRF_TRUSTED_ORIGINS if not one.startswith("https://")]:
        yield warning(
            f"CSRF_TRUSTED_ORIGINS has entries that HTTPS never matches: {', '.join(bare)}.",
            "Write them with their scheme: https://chat.example.org",
        )
    if not settings.ALLAUTH_TRUSTED_PROXY_COUNT:
        yield warning(
            "TRUSTED_PROXIES is 0: behind a proxy all people have one address, and share one"
            " limit of failed sign-ins.",
            "Set TRUSTED_PROXIES=1 for one proxy that sets X-Forwarded-For; leave 0 without one.",
        )
