"""The connections of one event loop: an httpx client that is replaced when its pool has leaked.

httpcore 1.0 forgets a connection in its pool when a request is cancelled while it connects
(httpcore issues 830, 986, 1093). Without a limit on connections that costs no request its place,
but the pool is searched for each request, so what nobody uses must not pile up. When more
connections are busy than we have requests, by `most_orphans`, the next request gets a new client,
and the old one is closed with its last request. Another transport is a change in this file only.
"""

from __future__ import annotations

import logging
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from typing import Final

import httpcore
import httpx

from openrouter.network import LeanBackend

logger = logging.getLogger(__name__)

_LIMITS: Final = httpx.Limits(
    max_connections=None, max_keepalive_connections=None, keepalive_expiry=30.0
)


class CountedTransport(httpx.AsyncHTTPTransport):
    """httpx's own transport, which can say how many of its connections are in use."""

    def __init__(self, *, verify: ssl.SSLContext, proxy: str | None) -> None:
        super().__init__(verify=verify, limits=_LIMITS, proxy=proxy)
        if proxy is None:
            self._pool = httpcore.AsyncConnectionPool(
                ssl_context=verify,
                max_connections=_LIMITS.max_connections,
                max_keepalive_connections=_LIMITS.max_keepalive_connections,
                keepalive_expiry=_LIMITS.keepalive_expiry,
                network_backend=LeanBackend(),
            )

    def busy_connections(self) -> int:
        return sum(not connection.is_idle() for connection in self._pool.connections)


class _Generation:
    """One httpx client and the requests that it is serving."""

    def __init__(self, client: httpx.AsyncClient, transport: httpx.AsyncBaseTransport) -> None:
        self.client = client
        self.transport = transport
        self.in_use = 0

    def busy(self) -> int:
        """Connections in use. Other transports do not tell: then the requests of ours."""
        if isinstance(self.transport, CountedTransport):
            return self.transport.busy_connections()
        return self.in_use

    def orphans(self) -> int:
        """Connections that no request of ours accounts for."""
        return self.busy() - self.in_use


class ClientPool:
    """Lends an httpx client to each request; `aclose` ends them all.

    With a `transport` of the caller's (a test's, the emulator's) there is nothing to replace.
    `timeout` is for the phases that httpx can tell apart: connecting and writing.
    """

    def __init__(
        self,
        *,
        timeout: httpx.Timeout,
        transport: httpx.AsyncBaseTransport | None = None,
        proxy: str | None = None,
        most_orphans: int = 50,
    ) -> None:
        self._timeout = timeout
        self._transport = transport
        self._proxy = proxy
        self._most_orphans = most_orphans
        self._ssl = cache(httpx.create_ssl_context)  # reads all certificates: 20 ms, so once
        self._current: _Generation | None = None
        self._retired: list[_Generation] = []
        self.replaced = 0

    @asynccontextmanager
    async def lease(self) -> AsyncIterator[httpx.AsyncClient]:
        """The client to use for one request, to the end of its answer."""
        generation = await self._fit_generation()
        generation.in_use += 1
        try:
            yield generation.client
        finally:
            generation.in_use -= 1
            if generation in self._retired and not generation.in_use:
                self._retired.remove(generation)
                await generation.client.aclose()

    def busy_connections(self) -> int:
        """Connections in use, in all generations."""
        current = [self._current] if self._current else []
        return sum(generation.busy() for generation in [*self._retired, *current])

    async def aclose(self) -> None:
        """Close every connection, also those in use."""
        generations = [*self._retired, *([self._current] if self._current else [])]
        self._retired, self._current = [], None
        for generation in generations:
            await generation.client.aclose()

    async def _fit_generation(self) -> _Generation:
        current = self._current
        if current is not None and current.orphans() <= self._most_orphans:
            return current
        self._current = self._new_generation()
        if current is not None:
            self.replaced += 1
            logger.info("began a new pool: %d connections had no request", current.orphans())
            if current.in_use:
                self._retired.append(current)
            else:
                await current.client.aclose()
        return self._current

    def _new_generation(self) -> _Generation:
        transport = self._transport
        if transport is None:
            transport = CountedTransport(verify=self._ssl(), proxy=self._proxy)
        client = httpx.AsyncClient(transport=transport, timeout=self._timeout)
        return _Generation(client, transport)
