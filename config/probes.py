"""/healthz, /readyz and /metrics, answered on the event loop, before Django sees the request.

So they need no thread, no session, no host name and no HTTPS redirect, and /healthz answers for
as long as the loop does: without a database, without anything.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
from collections.abc import Awaitable, Callable, Mapping
from ipaddress import ip_address
from typing import Any, Final, TypeAlias

import msgspec
from django.conf import settings
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from chat.database import in_database
from chat.runner import Runner
from config.exposition import Books, Exposition, read_books
from config.health import AWAY, LOOK_S, OK, Readiness

logger = logging.getLogger(__name__)

Scope: TypeAlias = Mapping[str, Any]
Send: TypeAlias = Callable[[dict[str, Any]], Awaitable[None]]
Answer: TypeAlias = tuple[int, str, bytes]  # status, content type, body

PLAIN: Final = "text/plain; charset=utf-8"
FORWARDED: Final = {b"forwarded", b"x-forwarded-for", b"x-real-ip"}


class Probes:
    """The three pages of one runner's process. `open_runner` may be called again and again."""

    def __init__(self, runner: Runner, open_runner: Callable[[], Awaitable[None]]) -> None:
        self._readiness = Readiness(runner, open_runner)
        self._exposition = Exposition(runner)
        self._pages = {"/healthz": self._health, "/readyz": self._ready, "/metrics": self._metrics}

    def serve(self, scope: Scope) -> bool:
        """Whether this request is for us."""
        return scope["type"] == "http" and scope["path"] in self._pages

    async def __call__(self, scope: Scope, send: Send) -> None:
        if scope["method"] in ("GET", "HEAD"):
            status, kind, body = await self._pages[scope["path"]](scope)
        else:
            status, kind, body = 405, PLAIN, b"only GET\n"
        headers = [(b"content-type", kind.encode()), (b"cache-control", b"no-store")]
        headers.append((b"content-length", str(len(body)).encode()))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        shown = b"" if scope["method"] == "HEAD" else body
        await send({"type": "http.response.body", "body": shown})

    async def _health(self, scope: Scope) -> Answer:
        return 200, PLAIN, b"ok\n"

    async def _ready(self, scope: Scope) -> Answer:
        parts = await self._readiness.look()
        ready = all(answer == OK for answer in parts.values())
        body = msgspec.json.encode({"ready": ready, **parts}) + b"\n"
        return 200 if ready else 503, "application/json", body

    async def _metrics(self, scope: Scope) -> Answer:
        if not may_scrape(scope):
            return 403, PLAIN, b"only with the bearer token METRICS_TOKEN, or from this machine\n"
        return 200, CONTENT_TYPE_PLAIN_0_0_4, self._exposition.draw(await _books())


def may_scrape(scope: Scope) -> bool:
    """With METRICS_TOKEN whoever bears it; without, this machine alone and not its proxy."""
    headers = dict(scope["headers"])
    if settings.METRICS_TOKEN:
        wanted = f"Bearer {settings.METRICS_TOKEN}".encode()
        return hmac.compare_digest(headers.get(b"authorization", b""), wanted)
    if FORWARDED & headers.keys() or not scope.get("client"):
        return False
    return ip_address(scope["client"][0]).is_loopback


async def _books() -> Books | None:
    try:
        return await asyncio.wait_for(in_database(read_books), LOOK_S)
    except (*AWAY, TimeoutError) as error:
        logger.warning("The books could not be read for /metrics: %s", type(error).__name__)
        return None
