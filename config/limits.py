"""How many requests that change something one person, and one address, may make in a minute.

Counted in windows of a minute in Django's cache, which all processes share where there is Redis.
What only reads costs nothing here: no count, no look at the session. Signing in has limits of its
own besides (allauth's).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Final

from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render

GetResponse = Callable[[HttpRequest], HttpResponseBase]

WINDOW_S: Final = 60
READING: Final = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
PREVIEWS: Final = "/preview/"  # posted while one types, for the text is long; changes nothing


def within_limits(get_response: GetResponse) -> GetResponse:
    """Middleware, behind authentication and htmx and before anything that reads the form."""

    def answer(request: HttpRequest) -> HttpResponseBase:
        if request.method in READING or request.path_info.endswith(PREVIEWS):
            return get_response(request)
        now_s = int(time.time())
        window = now_s // WINDOW_S
        for who, limit in _limits(request):
            if limit and _counted(f"requests:{who}:{window}") > limit:
                return _too_many(request, WINDOW_S - now_s % WINDOW_S)
        return get_response(request)

    return answer


def address_of(request: HttpRequest) -> str:
    """Who asks, as the outermost of our own proxies has seen it (TRUSTED_PROXIES); "" if unknown.

    What stands before that in X-Forwarded-For is whatever the client has written.
    """
    proxies: int = settings.ALLAUTH_TRUSTED_PROXY_COUNT
    if proxies:
        told = request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")
        if len(told) >= proxies and told[-proxies].strip():
            return _short(told[-proxies].strip())
    return _short(request.META.get("REMOTE_ADDR") or "")


def _short(address: str) -> str:
    """As it goes into a key: an IPv6 network counts as one, for it belongs to one customer."""
    address = "".join(letter for letter in address[:45] if letter.isalnum() or letter in ".:")
    if ":" not in address or "." in address:
        return address
    groups = address.split("::")[0].split(":")
    return ":".join(groups[:4])


def _limits(request: HttpRequest) -> Iterator[tuple[str, int]]:
    """By address first: that costs no look at the database."""
    yield f"address:{address_of(request)}", settings.MAX_REQUESTS_PER_MINUTE_ADDRESS
    if request.user.is_authenticated:
        yield f"user:{request.user.pk}", settings.MAX_REQUESTS_PER_MINUTE


def _counted(key: str) -> int:
    """One more; how many there are now."""
    try:
        return int(cache.incr(key))
    except ValueError:  # the first of its window
        if cache.add(key, 1, timeout=2 * WINDOW_S):
            return 1
    try:
        return int(cache.incr(key))  # another process was faster
    except ValueError:  # gone already: a cache that is full, or away
        return 1


def _too_many(request: HttpRequest, wait_s: int) -> HttpResponse:
    """429 in words: on the page for htmx, as a page for all else."""
    if getattr(request, "htmx", False):
        text = f"These are very many requests. Wait {wait_s} seconds, then try again."
        context = {"text": text, "oob": True}
        response = render(request, "chat/_notice.html", context, status=429)
    else:
        response = render(request, "429.html", status=429)
    response["Retry-After"] = str(wait_s)
    return response
