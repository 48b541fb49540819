"""Handshakes that are none of ours, or come from another site's page, are refused.

Channels' own check of the origin looks at the name of the host alone, so a page of another service
on another port of it would be let in; this one compares as Django's CSRF check does, with the port.
And Channels raises for a path that nobody serves, and for an origin that is no address, which a
server answers with 500.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from django.conf import settings
from django.urls import URLPattern

PORTS: Final = {"http": 80, "https": 443}


def is_handshake_of_ours(scope: Mapping[str, Any], routes: Iterable[URLPattern]) -> bool:
    """Whether somebody serves the path, and the page that asks is ours."""
    path = scope["path"].removeprefix("/")
    return any(route.pattern.match(path) for route in routes) and is_from_here(scope)


async def refuse(receive: Any, send: Any) -> None:
    """Before it is accepted: the server answers 403."""
    await receive()
    await send({"type": "websocket.close"})


def is_from_here(scope: Mapping[str, Any]) -> bool:
    """Whether the origin is the host that was asked for, or one of CSRF_TRUSTED_ORIGINS."""
    headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
    origin, host = headers.get(b"origin", ""), headers.get(b"host", "")
    if origin in settings.CSRF_TRUSTED_ORIGINS:
        return True
    try:
        there = urlsplit(origin)
        here = urlsplit(f"{there.scheme}://{host}")
        port = PORTS.get(there.scheme)
        return bool(port) and (there.hostname, there.port or port) == (
            here.hostname,
            here.port or port,
        )
    except ValueError:  # no address
        return False
